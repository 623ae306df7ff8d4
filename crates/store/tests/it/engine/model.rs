//! Random operations against a sorted map: verdicts and contents, bit by bit.

use std::time::Duration;

use plimsoll_model::{Matcher, Reason, TimeRange};
use plimsoll_store::{Config, SealKey, Store};
use plimsoll_world::{CrashKind, Sim, World};
use proptest::prelude::*;

use super::{NOW, Truth, contents, contents_in, labels, open, submit};

const RETENTION_MS: i64 = 6 * 86_400_000;

#[derive(Clone, Debug)]
pub(super) enum Do {
    Append { series: u32, at: i64, n: i64, step: i64, value: u8 },
    Flush,
    Merge,
    Delete { series: u32, at: i64, len: i64 },
    Clean,
    Close,
    Kill,
    Pass { hours: u64 },
    Maintain,
    Tick,
}

pub(super) fn operation() -> impl Strategy<Value = Do> {
    let hour = 3_600_000i64;
    let append = (
        0u32..4,
        prop_oneof![6 => -hour..hour, 2 => -4 * 24 * hour..0, 1 => -8 * 24 * hour..2 * hour],
        1i64..70,
        prop_oneof![Just(0i64), Just(1), Just(15_000), Just(-15_000), Just(900_000)],
        any::<u8>(),
    );
    let append =
        append.prop_map(|(series, at, n, step, value)| Do::Append { series, at, n, step, value });
    prop_oneof![
        12 => append,
        2 => Just(Do::Flush),
        1 => Just(Do::Merge),
        1 => (0u32..4, -5 * 24 * hour..hour, 0i64..30 * hour).prop_map(|(series, at, len)| Do::Delete { series, at, len }),
        1 => Just(Do::Clean),
        1 => Just(Do::Close),
        1 => Just(Do::Kill),
        2 => (1u64..40).prop_map(|hours| Do::Pass { hours }),
        2 => Just(Do::Maintain),
        1 => Just(Do::Tick),
    ]
}

pub(super) struct Run {
    config: Config,
    world: World,
    sim: Sim,
    pub(super) store: Store,
    truth: Truth,
}

impl Run {
    pub(super) fn new(encryption: Option<SealKey>) -> Self {
        let (world, sim) = super::world();
        let retention = Duration::from_millis(RETENTION_MS as u64);
        let config = Config {
            retention,
            tier_retention: [retention; 2],
            wal_segment_bytes: 4096,
            encryption,
            ..Config::simulated()
        };
        let store = open(&world, &config);
        Self { config, world, sim, store, truth: Truth::new() }
    }

    pub(super) fn now(&self) -> i64 {
        self.world.clock.wall_ms()
    }

    fn reopen(&mut self) {
        self.store = open(&self.world, &self.config);
        // Hours of simulated time pass between notes of the clock.
        self.store.confirm_clock();
        assert!(self.store.open_report().is_clean(), "{:?}", self.store.open_report());
    }

    pub(super) fn step(&mut self, what: &Do) {
        match what {
            Do::Append { series, at, n, step, value } => {
                self.append(*series, *at, *n, *step, *value)
            }
            Do::Flush => self.store.flush_now().unwrap(),
            Do::Merge => self.store.merge_now().unwrap(),
            Do::Delete { series, at, len } => self.delete(*series, *at, *len),
            Do::Clean => self.store.clean_tombstones().unwrap(),
            Do::Close => {
                self.store.close().unwrap();
                self.reopen();
            }
            Do::Kill => {
                self.world = self.sim.reboot(CrashKind::ProcessKill);
                self.reopen();
            }
            Do::Pass { hours } => self.sim.clock.advance(Duration::from_secs(hours * 3600)),
            Do::Maintain => {
                self.store.confirm_clock();
                self.store.maintain().unwrap();
                self.store.confirm_clock();
            }
            Do::Tick => self.store.tick(),
        }
    }

    fn append(&mut self, series: u32, at: i64, n: i64, step: i64, value: u8) {
        let labels = labels("m", series);
        let value_at = |i: i64| f64::from(value) + (i % 3) as f64 * 0.5;
        let samples: Vec<_> = (0..n).map(|i| (self.now() + at + i * step, value_at(i))).collect();
        let (oldest, newest) = (self.now() - RETENTION_MS, self.now() + 600_000);
        let (mut stored, mut duplicate, mut refused) = (0, 0, 0);
        for (t, v) in &samples {
            if *t < oldest || *t > newest {
                refused += 1;
                continue;
            }
            let before = *self.truth.entry((labels.clone(), *t)).or_insert(v.to_bits());
            if before == v.to_bits() {
                stored += 1;
            } else {
                duplicate += 1;
            }
        }
        let told = submit(&self.store, &[(&labels, &samples)]).unwrap();
        assert_eq!((told.stored, told.duplicate, told.refused), (stored, duplicate, refused));
        let reason = told.first_reason().map(|r| r.1);
        assert_eq!(reason.is_some(), duplicate + refused > 0);
        if let Some(Reason::Duplicate { time }) = reason {
            assert!(self.truth.contains_key(&(labels, *time)));
        }
    }

    fn delete(&mut self, series: u32, at: i64, len: i64) {
        let range = TimeRange::new(self.now() + at, self.now() + at + len);
        let instance = series.to_string();
        self.store.delete(&[Matcher::equal("instance", &instance)], range).unwrap();
        let gone = labels("m", series);
        self.truth.retain(|(l, t), _| *l != gone || !range.contains(*t));
    }

    /// Everything within retention is there; nothing is there that was not stored.
    fn check(&mut self) {
        let oldest = self.now() - RETENTION_MS;
        let found = contents(&self.store);
        for (key, bits) in &found {
            assert_eq!(self.truth.get(key), Some(bits), "{key:?}");
        }
        // What was removed by age may not be judged again.
        self.truth.retain(|key, _| key.1 >= oldest || found.contains_key(key));
        assert_eq!(found, self.truth);
        let range = TimeRange::new(NOW - 3_600_000, NOW + 600_000);
        let inside: Truth = self
            .truth
            .iter()
            .filter(|(k, _)| range.contains(k.1))
            .map(|(k, v)| (k.clone(), *v))
            .collect();
        assert_eq!(contents_in(&self.store, range), inside);
        super::tiers::buckets_are_what_their_samples_say(&self.store);
    }
}

pub(super) fn cases() -> u32 {
    if std::env::var_os("PLIMSOLL_SLOW").is_some() { 400 } else { 60 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_sorted_map(operations in proptest::collection::vec(operation(), 1..40)) {
        let mut run = Run::new(None);
        for what in &operations {
            run.step(what);
            run.check();
        }
    }

    #[test]
    fn the_encrypted_store_is_a_sorted_map(
        operations in proptest::collection::vec(operation(), 1..20),
    ) {
        let mut run = Run::new(Some(SealKey::new([3; 32])));
        for what in &operations {
            run.step(what);
        }
        run.check();
    }
}
