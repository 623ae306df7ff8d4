//! How long it takes to find what goes with a symptom among 100,000 series: `cargo xtask bench related`.
//!
//! A real store with five hours of a sample every 15 s, four gauges to one counter; the window is the last
//! hour. `-- SERIES` asks for another number. Takes two minutes and 1.5 GB under `TMPDIR`.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "bench/store/rig.rs"]
#[allow(dead_code)]
mod rig;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_insight::investigate::{ChangesAsk, Investigator, PeriodsAsk, RelatedAsk};
use plimsoll_model::{Labels, ReadCx, SeriesSource, SourceId, TimeRange};
use plimsoll_world::{Workers, World};

use rig::{Fleet, HOUR, line};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STEP: i64 = 15_000;
const HOURS: i64 = 5;

fn main() {
    let series = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(rig::open(dir.path(), rig::config()));
    let end = World::real().clock.wall_ms();
    let begin = end - HOURS * HOUR;
    let mut fleets: Vec<Fleet> = (0..5)
        .map(|m| {
            Fleet::new(&format!("m{m}{}", if m == 4 { "_total" } else { "" }), series / 5, m == 4)
        })
        .collect();
    let (took, ()) = rig::seconds(|| {
        for hour in 0..HOURS {
            let from = begin + hour * HOUR;
            fleets.iter_mut().for_each(|f| f.fill(&store, from, from + HOUR, STEP));
            store.flush_now().unwrap();
        }
        symptom(&store, begin, end);
    });
    line("written", format!("{:.1} M in {took:.0} s", store.stats().stored as f64 / 1e6), "");
    for threads in [1, 2] {
        let workers = Arc::new(Workers::new(threads));
        let engine = Arc::new(rig::engine());
        let source = Arc::clone(&store) as Arc<dyn SeriesSource>;
        let investigator = Investigator::new(engine, source, workers);
        let range = TimeRange::new(end - HOUR, end);
        let labels = [("instance", "host-00007:9100")];
        let ask = RelatedAsk {
            query: investigator.parse("symptom").unwrap(),
            labels: labels
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            since: Some(end - 5 * 60_000),
            range,
            baseline: None,
            sets: Vec::new(),
            limit: 20,
        };
        let cx = ReadCx::unlimited;
        for run in 1..=3 {
            let (took, answer) = rig::seconds(|| investigator.related(&ask, &cx()).unwrap());
            let figure = format!("{took:.2} s / {}", answer.looked_at);
            line(
                &format!("related, {threads} threads, run {run}: time / series"),
                figure,
                "<= 10 s",
            );
        }
        let periods = PeriodsAsk {
            a: TimeRange::new(end - 3 * HOUR, end - 2 * HOUR),
            b: range,
            sets: Vec::new(),
            limit: 20,
        };
        let (took, answer) =
            rig::seconds(|| investigator.compare_periods(&periods, &cx()).unwrap());
        line(
            &format!("compare, {threads} threads"),
            format!("{took:.2} s / {}", answer.looked_at),
            "",
        );
        let changes = ChangesAsk { range, sets: Vec::new(), in_data: true, limit: 20 };
        let (took, _) = rig::seconds(|| investigator.changes(&changes, &cx()).unwrap());
        line(&format!("changes in the data, {threads} threads"), format!("{took:.2} s"), "");
    }
}

/// A series that leaves its level six minutes before the end.
fn symptom(store: &plimsoll_store::Store, begin: i64, end: i64) {
    let labels = Labels::new([("__name__", "symptom"), ("instance", "host-00007:9100")]).unwrap();
    let times: Vec<i64> = (begin..end).step_by(STEP as usize).collect();
    let value = |t: &i64| if *t > end - 360_000 { 9.0 } else { 1.0 } + 0.001 * (*t % 97) as f64;
    let floats: Vec<f64> = times.iter().map(value).collect();
    let row = [rig::row(labels.as_ref().as_bytes(), &times, &floats)];
    rig::submit(store, &SourceId::new("bench"), &row);
}
