//! Random numbers enter here and nowhere else.

use std::sync::atomic::{AtomicU64, Ordering};

/// The odd constant of splitmix64: the golden ratio in 64 bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Digits of identifiers: Crockford's base 32 in lower case, without i, l, o and u.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A source of random numbers, uniform over all values.
pub trait Chance: Send + Sync {
    /// The next 64 bits.
    fn next_u64(&self) -> u64;

    /// Fills `buf`.
    fn fill(&self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }

    /// A number in `0..bound`; 0 when `bound` is 0. The bias is below `bound / 2^64`.
    fn below(&self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// The kernel's random numbers, fit for keys and tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill(&self, mut buf: &mut [u8]) {
        use rustix::rand::{GetRandomFlags, getrandom};
        while !buf.is_empty() {
            match getrandom(&mut *buf, GetRandomFlags::empty()) {
                Ok(n) => buf = &mut buf[n..],
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => unreachable!("getrandom without flags cannot fail on Linux 3.17: {e}"),
            }
        }
    }
}

/// Numbers that follow from a seed (splitmix64). For tests and simulations, never for secrets.
#[derive(Debug)]
pub struct SeededChance {
    state: AtomicU64,
}

impl SeededChance {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }
}

impl Chance for SeededChance {
    fn next_u64(&self) -> u64 {
        let z = self.state.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// An identifier that sorts by time: 26 characters, 48 bits of `wall_ms` and 80 of chance, in the
/// layout of a ULID, in lower case. Times before 1970 count as 1970.
pub fn id(wall_ms: i64, chance: &dyn Chance) -> String {
    let time = u128::from(u64::try_from(wall_ms).unwrap_or(0) & 0xffff_ffff_ffff);
    let mut random = [0; 16];
    chance.fill(&mut random[..10]);
    let value = (time << 80) | (u128::from_le_bytes(random) & ((1 << 80) - 1));
    (0..26).rev().map(|i| char::from(DIGITS[(value >> (5 * i)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_sequence() {
        let chance = SeededChance::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| chance.next_u64()).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn below_stays_below() {
        let chance = SeededChance::new(3);
        assert_eq!(chance.below(0), 0);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[chance.below(5) as usize] = true;
        }
        assert_eq!(seen, [true; 5]);
    }

    #[test]
    fn the_kernel_fills_every_length() {
        for len in [0, 1, 7, 8, 9, 300] {
            let mut buf = vec![0; len];
            SystemChance.fill(&mut buf);
            assert!(len < 9 || buf.iter().any(|b| *b != 0));
        }
        assert_ne!(SystemChance.next_u64(), SystemChance.next_u64());
    }

    #[test]
    fn ids_sort_by_time_and_differ() {
        let chance = SeededChance::new(1);
        let ids: Vec<String> =
            [0, 1, 1_700_000_000_000, 1_700_000_000_001].map(|ms| id(ms, &chance)).into();
        assert!(ids.is_sorted() && ids.iter().all(|i| i.len() == 26));
        assert_ne!(id(5, &chance), id(5, &chance));
        assert!(id(-1, &chance).starts_with("0000000000"));
    }
}
