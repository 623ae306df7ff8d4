//! The store with its threads: many writers, readers beside them, a clean stop.

use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_model::{Hint, ReadCx, Scratch, SeriesSource, TimeRange};
use plimsoll_store::{Config, Mode, WalSync};

use super::{NOW, contents, labels, open, submit};

const BATCHES: i64 = 200;

#[test]
fn writers_and_readers_meet_and_a_stop_keeps_everything() {
    for wal_sync in [WalSync::Os, WalSync::Fsync] {
        let (world, _) = super::world();
        let config = Config { mode: Mode::Threads, wal_sync, ..Config::simulated() };
        let store = open(&world, &config);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4u32)
                .map(|w| {
                    let store = &store;
                    scope.spawn(move || {
                        let (a, b) = (labels("a", w), labels("b", w));
                        for i in 0..BATCHES {
                            let sample = [(NOW - 100_000 + i, i as f64)];
                            let told = submit(store, &[(&a, &sample), (&b, &sample)]).unwrap();
                            assert_eq!(told.stored, 2);
                        }
                    })
                })
                .collect();
            let reader = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    whole_batches(&store);
                }
            });
            let flusher = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    store.flush_now().unwrap();
                    store.merge_now().unwrap();
                }
            });
            for w in writers {
                w.join().unwrap();
            }
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
            flusher.join().unwrap();
        });
        let found = contents(&store);
        assert_eq!(found.len() as i64, 4 * 2 * BATCHES);
        store.close().unwrap();
        assert_eq!(contents(&open(&world, &config)), found);
    }
}

/// Both series of a writer have as many samples: a batch is seen whole or not at all.
fn whole_batches(store: &plimsoll_store::Store) {
    let cx = ReadCx::unlimited();
    let snapshot = store.snapshot();
    let mut scratch = Scratch::new();
    let mut count = |name: &str, w: u32| {
        let instance = w.to_string();
        let matchers = [
            plimsoll_model::Matcher::equal("__name__", name),
            plimsoll_model::Matcher::equal("instance", &instance),
        ];
        let selection = snapshot.select(&matchers, &Hint::default(), &cx).unwrap();
        match selection.len() {
            0 => 0,
            _ => selection.read(0, TimeRange::ALL, &mut scratch, &cx).unwrap().len(),
        }
    };
    for w in 0..4 {
        assert_eq!(count("a", w), count("b", w));
    }
}
