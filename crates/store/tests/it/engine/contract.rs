//! The contract of the seam, wherever the samples are: in the head, in parts, in a merged part, in
//! the log of a store that was killed.

use std::sync::Arc;

use plimsoll_model::SeriesSource;
use plimsoll_model::contract::Given;
use plimsoll_store::{Config, Store};
use plimsoll_world::{Sim, World};

use super::{open, submit};

fn store() -> (Store, World, Sim) {
    let (world, sim) = World::simulated(3, 20_000_000);
    (open(&world, &Config::simulated()), world, sim)
}

fn fill(store: &Store, given: &[Given], half: Option<usize>) {
    for (labels, samples) in given {
        let (a, b) = samples.split_at(samples.len() / 2);
        let samples = match half {
            None => samples,
            Some(0) => a,
            Some(_) => b,
        };
        let kept = submit(store, &[(labels, samples)]).unwrap();
        assert_eq!(kept.stored, samples.len() as u64);
    }
}

fn in_head(given: &[Given]) -> Arc<dyn SeriesSource> {
    let (store, ..) = store();
    fill(&store, given, None);
    Arc::new(store)
}

fn flushed(given: &[Given]) -> Arc<dyn SeriesSource> {
    let (store, ..) = store();
    fill(&store, given, None);
    store.flush_now().unwrap();
    assert_eq!(store.stats().head_samples, 0);
    Arc::new(store)
}

fn half_flushed(given: &[Given]) -> Arc<dyn SeriesSource> {
    let (store, ..) = store();
    fill(&store, given, Some(0));
    store.flush_now().unwrap();
    fill(&store, given, Some(1));
    Arc::new(store)
}

fn merged(given: &[Given]) -> Arc<dyn SeriesSource> {
    let (store, ..) = store();
    fill(&store, given, Some(1));
    store.flush_now().unwrap();
    fill(&store, given, Some(0));
    store.flush_now().unwrap();
    assert_eq!(store.stats().parts, 2);
    store.merge_now().unwrap();
    assert_eq!(store.stats().parts, 1);
    Arc::new(store)
}

fn reopened(given: &[Given]) -> Arc<dyn SeriesSource> {
    let (store, world, _) = store();
    fill(&store, given, Some(0));
    store.flush_now().unwrap();
    fill(&store, given, Some(1));
    store.close().unwrap();
    Arc::new(open(&world, &Config::simulated()))
}

plimsoll_model::source_contract!(store_in_head, in_head);
plimsoll_model::source_contract!(store_flushed, flushed);
plimsoll_model::source_contract!(store_half_flushed, half_flushed);
plimsoll_model::source_contract!(store_merged, merged);
plimsoll_model::source_contract!(store_reopened, reopened);
