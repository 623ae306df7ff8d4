//! Queries that keep what their selectors chose, over a store that changes in between: each answer is
//! that of a query that keeps nothing, to the bit and in the same order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{
    Batch, Canonical, Grid, Labels, Matcher, Overlay, ReadCx, Rows, SampleSink, Scope,
    SeriesSource, Snapshot, SourceId, TimeRange,
};
use plimsoll_query::{Engine, EngineConfig, Query};
use plimsoll_store::{Config, Store};
use plimsoll_world::{Workers, World};

const START: i64 = 1_795_262_400_000;
const MINUTE: i64 = 60_000;

const TEXTS: [&str; 10] = [
    "up == 0",
    "rate(hits{job=\"a\"}[5m]) > 0.1",
    "sum by (job) (rate(hits[5m]))",
    "sum by (__name__, job) (last_over_time({job=\"b\"}[5m]))",
    "sum by (job) (rate({job=\"b\"}[5m]))",
    "sum without (instance) (increase(hits{instance=~\"1|2\"}[1h]))",
    "hits{job=\"a\"} - hits{job=\"a\"} offset 1h",
    "avg_over_time(up[10m:1m]) / on (instance, job) up",
    "timestamp(hits) > 0",
    "absent(up{job=\"c\"})",
];

fn labels(name: &str, job: &str, instance: u32) -> Labels {
    let instance = instance.to_string();
    Labels::new([("__name__", name), ("instance", &*instance), ("job", job)]).unwrap()
}

/// A sample of every series that there is in this round: some come late, some go.
fn scrape(store: &Store, at: i64, round: u32) {
    let mut all = Vec::new();
    for job in ["a", "b", "c"] {
        for instance in 0..4 {
            let lives = match job {
                "a" => instance < 3 || round > 20,
                "b" => !(10..25).contains(&round) || instance == 0,
                _ => round == 30 + instance,
            };
            if lives {
                all.push((labels("up", job, instance), f64::from((round + instance) % 5)));
                all.push((labels("hits", job, instance), f64::from(round * (instance + 1))));
            }
        }
    }
    let columns: Vec<([i64; 1], [f64; 1])> = all.iter().map(|(_, v)| ([at], [*v])).collect();
    let rows: Vec<Rows<'_>> = all
        .iter()
        .zip(&columns)
        .map(|((l, _), (times, floats))| Rows {
            raw: l.as_ref().as_bytes(),
            times,
            floats,
            ..Rows::default()
        })
        .collect();
    let source = SourceId::new("test");
    let batch = Batch { source: &source, decode: &Canonical, rows: &rows, metadata: &[] };
    store.submit(batch).wait().unwrap();
}

/// What a reader of everything and one of some jobs are told, written out: errors too.
fn answers(engine: &Engine, cut: &Arc<dyn Snapshot>, query: &Query, at: i64) -> String {
    let jobs = ["a", "c"].map(|job| vec![Matcher::equal("job", job)]);
    let grid = Grid { start: at - 30 * MINUTE, end: at, step: 5 * MINUTE };
    let one = |scope: Scope| {
        let mut cx = ReadCx::unlimited();
        cx.scope = scope;
        let over = engine.range(cut, query, grid, &cx).map(|a| a.value);
        let now = engine.instant(cut, query, at, &cx).map(|a| a.value);
        format!("{now:?} {over:?}")
    };
    [Scope::everything(), Scope { any_of: jobs.to_vec() }].map(one).join("\n")
}

#[test]
fn answers_are_the_same_whatever_happens_to_the_store() {
    let (world, sim) = World::simulated(3, START);
    let store = Store::open(world, Path::new("data"), Config::simulated()).unwrap();
    let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
    let once = TEXTS.map(|text| engine.parse(text).unwrap());
    let kept: Vec<Query> = once.iter().map(|query| engine.keep(query)).collect();
    let mut at = START;
    for round in 0..60 {
        sim.clock.advance(Duration::from_secs(150));
        at += 150_000;
        scrape(&store, at, round);
        match round % 13 {
            5 => store.flush_now().unwrap(),
            8 => store.merge_now().unwrap(),
            10 => {
                let range = TimeRange::new(at - 20 * MINUTE, at - 10 * MINUTE);
                store.delete(&[Matcher::equal("instance", "1")], range).unwrap();
            }
            11 => drop(store.maintain().unwrap()),
            _ => {}
        }
        let cut = store.snapshot();
        // As rules of a group see it: with the outputs of those before.
        let overlay = Overlay::new(Arc::clone(&cut));
        overlay.put(&labels("up", "d", round % 3), at, 0.0);
        let overlay: Arc<dyn Snapshot> = Arc::new(overlay);
        for cut in [&cut, &overlay] {
            for (once, kept) in once.iter().zip(&kept) {
                let wanted = answers(&engine, cut, once, at);
                let found = answers(&engine, cut, kept, at);
                assert_eq!(found, wanted, "{} in round {round}", once.text());
            }
        }
    }
    let (hits, misses) = store.stats().prepared;
    assert!(hits > misses, "{hits} used again, {misses} made anew");
    assert!(engine.kept_stats().bytes > 0);
    drop(kept);
    assert_eq!((engine.kept_stats().bytes, engine.kept_stats().selections), (0, 0));
}
