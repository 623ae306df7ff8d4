//! The engine through its front door, on the simulated world.

mod backup;
mod churn;
mod contract;
mod corruption;
mod crash;
mod disk;
mod golden;
mod kinds;
mod limits;
mod model;
mod month;
mod prepared;
mod threads;
mod tiers;
mod versions;

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_model::{
    Appended, Batch, Canonical, Hint, LabelScratch, Labels, Metadata, ReadCx, Result, Rows,
    SampleSink, Scratch, SeriesSource, SourceId, TimeRange,
};
use plimsoll_store::{Config, Store};
use plimsoll_world::{Sim, World};

/// A moment in the middle of a UTC day.
const NOW: i64 = 1_795_219_200_000 + 43_200_000;

/// Samples by series and time, values as bits.
type Truth = BTreeMap<(Labels, i64), u64>;

fn world() -> (World, Sim) {
    World::simulated(7, NOW)
}

fn open(world: &World, config: &Config) -> Store {
    Store::open(world.clone(), Path::new("data"), config.clone()).unwrap()
}

fn labels(name: &str, instance: u32) -> Labels {
    let instance = instance.to_string();
    Labels::new([("__name__", name), ("instance", &instance), ("job", "test")]).unwrap()
}

type Row<'a> = (&'a Labels, &'a [(i64, f64)]);

fn submit(store: &Store, rows: &[Row<'_>]) -> Result<Appended> {
    submit_with(store, rows, &[])
}

fn submit_with(store: &Store, rows: &[Row<'_>], metadata: &[Metadata]) -> Result<Appended> {
    let columns: Vec<(Vec<i64>, Vec<f64>)> =
        rows.iter().map(|(_, s)| s.iter().copied().unzip()).collect();
    let rows: Vec<_> = rows
        .iter()
        .zip(&columns)
        .map(|((l, _), (times, floats))| Rows {
            fp: None,
            raw: l.as_ref().as_bytes(),
            times,
            floats,
            ..Rows::default()
        })
        .collect();
    let source = SourceId::new("test");
    store.submit(Batch { source: &source, decode: &Canonical, rows: &rows, metadata }).wait()
}

/// Everything in the store, read series by series.
fn contents(store: &Store) -> Truth {
    contents_in(store, TimeRange::ALL)
}

fn contents_in(store: &Store, range: TimeRange) -> Truth {
    let cx = ReadCx::unlimited();
    let snapshot = store.snapshot();
    let selection = snapshot.select(&[], &Hint::range(range), &cx).unwrap();
    let (mut names, mut scratch, mut all) = (LabelScratch::default(), Scratch::new(), Truth::new());
    for i in 0..selection.len() {
        let labels = selection.labels(i, &mut names).to_labels();
        assert_eq!(selection.fp(i), labels.fp());
        let columns = selection.read(i, range, &mut scratch, &cx).unwrap();
        assert!(columns.times.is_sorted_by(|a, b| a < b), "{labels}");
        for (t, v) in columns.times.iter().zip(columns.floats) {
            all.insert((labels.clone(), *t), v.to_bits());
        }
        let newest =
            columns.times.last().zip(columns.floats.last()).map(|(t, v)| (*t, v.to_bits()));
        let last = selection.last(i, range, &mut scratch, &cx).unwrap();
        assert_eq!(last.map(|l| (l.time, l.float.to_bits())), newest, "{labels}");
    }
    let mut warnings = cx.warnings.take();
    // True samples of days of which only tiers are left.
    warnings.retain(|w| !w.starts_with("rolled-up"));
    assert_eq!(warnings, Vec::<String>::new());
    all
}
