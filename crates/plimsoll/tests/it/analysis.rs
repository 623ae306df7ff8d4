//! Watching over the real store: a process that is killed again and again, on checkpoints that are hours
//! old, ends with the bytes of one that was never interrupted, while samples move from the head into parts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_insight::{Config, Insight, Place, Setup};
use plimsoll_model::{
    Batch, Canonical, Labels, MemorySource, Rows, SampleSink, SeriesSource, SourceId,
};
use plimsoll_query::{Engine, EngineConfig};
use plimsoll_store::Store;
use plimsoll_world::{Chance, Disk, Open, SeededChance, World};

const START: i64 = 1_795_219_200_000;
const EVERY: i64 = 15_000;
const SERIES: usize = 24;

/// A process, its directory and what it writes, which nobody reads.
struct Watcher {
    dir: &'static str,
    insight: Insight,
}

fn insight(dir: &str, store: &Arc<Store>, world: &World, engine: &Arc<Engine>) -> Insight {
    let setup = Setup {
        engine: Arc::clone(engine),
        source: Arc::clone(store) as Arc<dyn SeriesSource>,
        sink: Arc::new(MemorySource::new()),
        clock: Arc::clone(&world.clock),
        records: None,
        place: Some(Place { disk: Arc::clone(&world.disk), data_dir: dir.into() }),
        readers: Vec::new(),
        active_series: Arc::new(|| 1_000),
    };
    Insight::new(setup, Config::default())
}

/// The newest checkpoint, bytes and all.
fn newest(disk: &dyn Disk, dir: &str) -> Vec<u8> {
    let dir = Path::new(dir).join("analysis");
    let names = disk.list(&dir).unwrap();
    let name = names.iter().map(|e| &e.name).filter(|n| n.ends_with(".state")).max().unwrap();
    let file = disk.open(&dir.join(name), Open::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn labels(i: usize) -> Labels {
    let name = if i.is_multiple_of(2) { format!("m{i}") } else { format!("m{i}_total") };
    let instance = format!("i{}", i % 3);
    Labels::new([("__name__", &*name), ("job", "host"), ("instance", &*instance)]).unwrap()
}

#[test]
fn a_process_that_is_killed_ends_with_the_state_of_one_that_is_not() {
    let (world, sim) = World::simulated(5, START);
    let open =
        || Store::open(world.clone(), Path::new("data"), plimsoll_store::Config::simulated());
    let store = Arc::new(open().unwrap());
    for dir in ["steady", "shaken"] {
        world.disk.create_dir_all(Path::new(dir)).unwrap();
    }
    let workers = Arc::new(plimsoll_world::Workers::new(1));
    let engine = Arc::new(Engine::new(EngineConfig::default(), workers));
    let make = |dir| insight(dir, &store, &world, &engine);
    let steady = Watcher { dir: "steady", insight: make("steady") };
    let mut shaken = Watcher { dir: "shaken", insight: make("shaken") };
    let (chance, source) = (SeededChance::new(9), SourceId::new("test"));
    let below = |n: u64| chance.next_u64() % n;
    let all: Vec<Labels> = (0..SERIES).map(labels).collect();
    let mut totals = [0.0; SERIES];
    let mut kills = 0;
    for round in 0..6 * 240_i64 {
        let now = START + round * EVERY;
        let mut samples: Vec<(usize, f64)> = Vec::new();
        for (i, total) in totals.iter_mut().enumerate() {
            let level =
                20.0 + below(1_000) as f64 / 100.0 + if below(900) == 0 { 60.0 } else { 0.0 };
            *total = if below(700) == 0 { 0.0 } else { *total + level };
            // Some come later, some are away for a while.
            let hour = round / 240;
            if (i % 5 == 4 && hour < 2) || (i % 7 == 6 && hour == 3) {
                continue;
            }
            samples.push((i, if i.is_multiple_of(2) { level } else { *total }));
        }
        let times = [now];
        let rows: Vec<Rows<'_>> = samples
            .iter()
            .map(|(i, value)| Rows {
                fp: None,
                raw: all[*i].as_ref().as_bytes(),
                times: &times,
                floats: std::slice::from_ref(value),
                ..Rows::default()
            })
            .collect();
        let batch = Batch { source: &source, decode: &Canonical, rows: &rows, metadata: &[] };
        store.submit(batch).wait().unwrap();
        if round % 300 == 299 {
            store.flush_now().unwrap();
        }
        if round % 4 == 1 {
            steady.insight.tick();
            // Away in the fourth hour.
            if round / 240 != 3 {
                shaken.insight.tick();
            }
            match below(25) {
                0 => shaken.insight.checkpoint(),
                1 | 2 => {
                    shaken.insight = make("shaken");
                    kills += 1;
                }
                _ => {}
            }
        }
        sim.clock.advance(Duration::from_millis(EVERY as u64));
    }
    shaken.insight = make("shaken");
    sim.clock.advance(Duration::from_secs(60));
    steady.insight.tick();
    shaken.insight.tick();
    assert!(kills > 10, "{kills}");
    assert_eq!(steady.insight.watching().series, SERIES);
    steady.insight.checkpoint();
    shaken.insight.checkpoint();
    let (a, b) = (newest(&*world.disk, steady.dir), newest(&*world.disk, shaken.dir));
    assert!(a.len() > SERIES * 3_000, "{}", a.len());
    assert!(a == b, "the states differ");
    let unusual = |w: &Watcher| {
        let all = w.insight.anomalies();
        all.into_iter()
            .map(|a| (a.labels, a.score, a.value, a.expected, a.at_ms))
            .collect::<Vec<_>>()
    };
    assert_eq!(unusual(&steady), unusual(&shaken));
}
