//! Histograms: bit-exact round trips, damage.

use super::*;
use proptest::prelude::*;

fn spans(numbers: &BTreeSet<i32>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut end = 0;
    for n in numbers {
        match spans.last_mut() {
            Some(s) if *n == end => s.length += 1,
            _ => spans.push(Span { offset: n - end, length: 1 }),
        }
        end = n + 1;
    }
    spans
}

fn any_bits() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..1000, 1 => any::<u64>()]
}

fn any_histogram() -> impl Strategy<Value = Histogram> {
    let numbers = proptest::collection::btree_set(-6i32..12, 0..8);
    let bits = proptest::collection::vec(any_bits(), 20);
    (numbers.clone(), numbers, bits, any::<bool>(), 0usize..4, -4i8..=8).prop_map(
        |(positive, negative, bits, floats, hint, schema)| {
            let take = |n: usize, from: usize| bits[from..from + n].to_vec();
            let (p, n) = (take(positive.len(), 2), take(negative.len(), 10));
            let f = |l: Vec<u64>| l.into_iter().map(f64::from_bits).collect();
            Histogram {
                schema,
                hint: HINTS[hint],
                zero_threshold: 0.001 * f64::from(hint as u32),
                sum: f64::from_bits(bits[19]),
                positive_spans: spans(&positive),
                negative_spans: spans(&negative),
                custom: Vec::new(),
                counts: match floats {
                    true => Counts::Float {
                        count: f64::from_bits(bits[0]),
                        zero: f64::from_bits(bits[1]),
                        positive: f(p),
                        negative: f(n),
                    },
                    false => {
                        Counts::Integer { count: bits[0], zero: bits[1], positive: p, negative: n }
                    }
                },
            }
        },
    )
}

/// A counter as an application gives it, a stale marker at its end, and custom buckets.
fn example() -> Vec<Histogram> {
    let mut list: Vec<Histogram> = (0..200u64)
        .map(|i| Histogram {
            schema: 3,
            hint: ResetHint::Unknown,
            zero_threshold: 1e-128,
            sum: i as f64 * 0.37,
            positive_spans: vec![
                Span { offset: -4, length: 3 },
                Span { offset: 1, length: if i < 100 { 4 } else { 5 } },
            ],
            negative_spans: Vec::new(),
            custom: Vec::new(),
            counts: Counts::Integer {
                count: 100 * i,
                zero: i / 10,
                positive: (0..if i < 100 { 7 } else { 8 }).map(|b| i * b + i % (b + 1)).collect(),
                negative: Vec::new(),
            },
        })
        .collect();
    list.push(Histogram {
        sum: plimsoll_model::stale_nan(),
        positive_spans: Vec::new(),
        counts: Counts::Integer { count: 0, zero: 0, positive: Vec::new(), negative: Vec::new() },
        ..list[0].clone()
    });
    list.push(Histogram {
        schema: CUSTOM_BUCKETS,
        hint: ResetHint::Gauge,
        zero_threshold: 0.0,
        custom: vec![0.1, 0.5, 2.5],
        positive_spans: vec![Span { offset: 0, length: 4 }],
        counts: Counts::Integer {
            count: 9,
            zero: 0,
            positive: vec![4, 3, 2, 0],
            negative: Vec::new(),
        },
        ..list[0].clone()
    });
    list
}

fn encoded(list: &[Histogram]) -> Vec<(usize, Vec<u8>)> {
    let refs: Vec<&Histogram> = list.iter().collect();
    let (mut chunks, mut from) = (Vec::new(), 0);
    while from < refs.len() {
        let n = chunk_len(&refs[from..]).unwrap();
        let mut bytes = Vec::new();
        encode(&refs[from..from + n], &mut values::Encoder::new(), &mut bytes);
        chunks.push((n, bytes));
        from += n;
    }
    chunks
}

#[track_caller]
fn check(list: &[Histogram]) {
    let mut got = Vec::new();
    for (n, bytes) in encoded(list) {
        decode_range(&bytes, n, 0..n, &mut got).unwrap();
    }
    assert_eq!(got.len(), list.len());
    for (g, l) in got.iter().flatten().zip(list) {
        assert!(g.same(l), "{g:?} is not {l:?}");
    }
}

#[test]
fn a_counter_takes_few_bytes_and_comes_back() {
    let list = example();
    check(&list);
    let chunks = encoded(&list);
    assert_eq!(chunks.len(), 1);
    assert!(chunks[0].1.len() < 202 * 16, "{}", chunks[0].1.len());
    let mut got = Vec::new();
    decode_range(&chunks[0].1, 202, 99..102, &mut got).unwrap();
    assert!(got.iter().flatten().zip(&list[99..102]).all(|(a, b)| a.same(b)));
}

#[test]
fn long_and_wide_ones_are_cut() {
    let one = example().swap_remove(3);
    assert_eq!(encoded(&vec![one.clone(); 1000]).len(), 3);
    let wide: Vec<Histogram> = (0..200)
        .map(|i| Histogram {
            positive_spans: vec![Span { offset: i * 20_000, length: 16_000 }],
            counts: Counts::Integer {
                count: 0,
                zero: 0,
                positive: vec![3; 16_000],
                negative: Vec::new(),
            },
            ..one.clone()
        })
        .take(12)
        .collect();
    assert!(encoded(&wide).iter().all(|(n, _)| n * n * 16_000 <= CELLS_MAX));
    check(&wide);
    let wrong = Histogram { positive_spans: Vec::new(), ..one };
    assert!(chunk_len(&[&wrong]).is_err());
}

#[test]
fn any_bytes_are_histograms_or_an_error() {
    let seeds = encoded(&example());
    let mut state = 0x243f_6a88_85a3_08d3u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..5_000 {
        let mut bytes = (seeds[0].0 as u16).to_le_bytes().to_vec();
        bytes.extend_from_slice(&seeds[0].1);
        for _ in 0..1 + next() % 4 {
            let at = next() as usize % bytes.len().min(200 + next() as usize % 4000);
            bytes[at] = next() as u8;
        }
        bytes.truncate(bytes.len() - (next() as usize % 3) * (next() as usize % 9));
        histograms_decode(&bytes);
    }
}

proptest! {
    #[test]
    fn any_histograms_come_back(list in proptest::collection::vec(any_histogram(), 1..40)) {
        check(&list);
    }
}
