//! Values: bit-exact round trips, golden bytes, damage.

use super::*;
use crate::codec::PAGE_SAMPLES;
use proptest::prelude::*;

fn encoded(values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(values, &mut bytes);
    bytes
}

fn densely(values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new();
    // What is left in its room from the chunk before means nothing.
    encoder.encode(&[0.25, f64::NAN, 7.0, 4096.0], Packing::Dense, &mut Vec::new());
    encoder.encode(values, Packing::Dense, &mut bytes);
    bytes
}

/// Returns the bit-packed bytes.
#[track_caller]
fn check(values: &[f64]) -> Vec<u8> {
    let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    for bytes in [densely(values), encoded(values)] {
        let mut got = vec![7.0];
        decode(&bytes, values.len(), &mut got).unwrap();
        assert_eq!(bits(&got[1..]), bits(values));
    }
    encoded(values)
}

fn any_value() -> impl Strategy<Value = f64> {
    let odd = prop_oneof![
        Just(-0.0f64),
        Just(0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(plimsoll_model::stale_nan()),
        Just(f64::MIN_POSITIVE / 2.0),
        Just(9_007_199_254_740_993.0),
    ];
    prop_oneof![
        8 => (-100_000i64..100_000, 0usize..5).prop_map(|(m, e)| m as f64 / TEN[e]),
        1 => odd,
        1 => any::<u64>().prop_map(f64::from_bits),
    ]
}

#[test]
fn odd_values_come_back_bit_by_bit() {
    let nan = f64::from_bits(0x7ff8_dead_beef_0001);
    let stale = plimsoll_model::stale_nan();
    check(&[nan]);
    check(&[stale, stale]);
    check(&[-0.0, 0.0, 1.0]);
    check(&[stale, 1.0, 2.0, 4.0, nan, -0.0]);
    check(&[f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::EPSILON, f64::INFINITY]);
    let mut counter: Vec<f64> = (0..7680).map(|i| f64::from(i * 3 + i % 7)).collect();
    counter[4000] = stale;
    check(&counter);
}

#[test]
fn bytes_are_those_of_the_format_page() {
    assert_eq!(check(&[1.5; 9]), [0, 1, 30]);
    assert_eq!(check(&[f64::INFINITY; 2])[..2], [0, 255]);
    assert_eq!(check(&[10.0, 20.0, 30.0]), [1, 0, 20, 20]);
    // Base 4096, divisor 4096: 0 1 0 3 in two bits each.
    assert_eq!(
        check(&[4096.0, 8192.0, 4096.0, 16384.0]),
        [2, 0, 0x80, 0x20, 0x80, 0x40, 2, 0, 0b1100_0100]
    );
    // The same with a staleness marker at position 2.
    assert_eq!(
        check(&[4096.0, 8192.0, plimsoll_model::stale_nan(), 16384.0]),
        [2, 0x40, 0x80, 0x20, 0x80, 0x40, 1, 2, 2, 0, 0, 0, 0, 0, 0xf0, 0x7f, 2, 0, 0b1101_0100]
    );
}

#[test]
fn long_doubles_are_packed_as_bits() {
    let values: Vec<f64> = (1..1000).map(|i| (f64::from(i)).sqrt()).collect();
    let bytes = check(&values);
    assert_eq!(bytes[1] & 0xf, BITS);
    assert!(bytes.len() < 8 * values.len());
}

#[test]
fn noise_is_entropy_coded_where_that_is_smaller() {
    // Mostly small steps, sometimes a large one: what bit-packing cannot use.
    let mut total = 0.0;
    let mut values: Vec<f64> = (0..5760u64)
        .map(|i| {
            let r = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            total += if r % 50 == 0 { 100_000.0 } else { (r % 16) as f64 };
            total / 100.0
        })
        .collect();
    values[77] = plimsoll_model::stale_nan();
    check(&values);
    let (dense, packed) = (densely(&values), encoded(&values));
    assert_eq!((dense[0], packed[0]), (DENSE, PACKED));
    assert!(dense.len() * 2 < packed.len(), "{} of {}", dense.len(), packed.len());
    assert_eq!(densely(&values[..479])[0], PACKED);
    let long: Vec<f64> = (1..1000).map(|i| f64::from((f64::from(i) / 7.0) as f32)).collect();
    check(&long);
    assert!(encoded(&long).len() < 4 * long.len());
}

#[test]
fn any_bytes_are_values_or_an_error() {
    let mut state = 0x243f_6a88_85a3_08d3u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let seeds = [
        encoded(&(0..1000).map(|i| f64::from(i % 37) / 10.0).collect::<Vec<_>>()),
        densely(&(0..1000).map(|i| f64::from(i * i % 37) / 10.0).collect::<Vec<_>>()),
        densely(&(0..700).map(|i| f64::from(i).sqrt()).collect::<Vec<_>>()),
        encoded(&[1.0, f64::NAN, 3.0, 9.0]),
        encoded(&[0.1f64.sqrt(), 0.2f64.sqrt(), 7.0f64.sqrt(), 11.0f64.sqrt(), 1.3f64.sqrt()]),
    ];
    for _ in 0..20_000 {
        let mut bytes = vec![next() as u8, next() as u8 & 7];
        bytes.extend_from_slice(&seeds[next() as usize % seeds.len()]);
        for _ in 0..1 + next() % 4 {
            let at = next() as usize % bytes.len();
            bytes[at] = next() as u8;
        }
        bytes.truncate(next() as usize % (bytes.len() + 1));
        chunk_decode(&bytes);
    }
}

proptest! {
    #[test]
    fn any_chunk_comes_back(values in proptest::collection::vec(any_value(), 1..1100)) {
        check(&values);
    }

    #[test]
    fn any_slice_is_a_slice_of_the_whole(
        values in proptest::collection::vec(any_value(), 1..1500), a in 0usize..1500, b in 0usize..1500,
    ) {
        let (a, b) = (a.min(b).min(values.len()), a.max(b).min(values.len()));
        for bytes in [encoded(&values), densely(&values)] {
            let mut got = Vec::new();
            decode_range(&bytes, values.len(), a..b, &mut got).unwrap();
            let same = got.iter().zip(&values[a..b]).all(|(x, y)| x.to_bits() == y.to_bits());
                prop_assert!(same && got.len() == b - a);
        }
    }

    #[test]
    fn figures_are_those_of_the_page(
        values in proptest::collection::vec(any_value(), 1..1500), plain in any::<bool>(), step in 0i32..3,
    ) {
        let values: Vec<f64> = match plain {
            true => (0..values.len()).map(|i| f64::from(step * i as i32) / 4.0).collect(),
            false => values,
        };
        for bytes in [encoded(&values), densely(&values)] {
            let list = page_figures(&bytes, values.len()).unwrap();
            prop_assert_eq!(list.len(), values.len().div_ceil(PAGE_SAMPLES));
            prop_assert!(!plain || list.iter().all(Option::is_some));
            for (page, f) in values.chunks(PAGE_SAMPLES).zip(&list) {
                let Some(f) = f else { continue };
                prop_assert!(page.iter().all(|v| !v.is_nan()));
                prop_assert_eq!(f.count as usize, page.len());
                prop_assert_eq!(f.min, page.iter().copied().fold(f64::INFINITY, f64::min));
                prop_assert_eq!(f.max, page.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                prop_assert!(f.first.is_nan() || f.first == page[0]);
                prop_assert!(f.last.is_nan() || f.last == page[page.len() - 1]);
                let corr: f64 = page.windows(2).filter(|w| w[1] < w[0]).map(|w| w[0]).sum();
                prop_assert!(f.corr.is_nan() || f.corr == corr);
            }
        }
    }
}
