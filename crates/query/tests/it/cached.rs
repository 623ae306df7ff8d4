//! An answer from the result cache is the answer that an evaluation gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use plimsoll_model::{
    Grid, Hint, Labels, Matcher, MemorySource, Metadata, ReadCx, Result, Scope, Selection,
    SeriesSource, Snapshot, TimeRange,
};
use plimsoll_query::{Engine, EngineConfig, Features, ResultCache, Value};
use plimsoll_world::Workers;
use proptest::prelude::*;

const MINUTE: i64 = 60_000;

/// A source in memory that knows when which of its times changed.
#[derive(Default)]
struct Versioned {
    source: MemorySource,
    changes: Arc<Mutex<Vec<i64>>>,
    selects: Arc<AtomicU64>,
}

struct Cut {
    below: Arc<dyn Snapshot>,
    changes: Vec<i64>,
    selects: Arc<AtomicU64>,
}

impl Versioned {
    fn append(&self, name: &str, time: i64, value: f64) {
        let labels = Labels::new([("__name__", name)]).expect("it works in tests");
        self.source.append(&labels, time, value);
        self.changes.lock().push(time);
    }

    fn cut(&self) -> Arc<dyn Snapshot> {
        let (below, changes) = (self.source.snapshot(), self.changes.lock().clone());
        Arc::new(Cut { below, changes, selects: Arc::clone(&self.selects) })
    }
}

impl Snapshot for Cut {
    fn version(&self, range: TimeRange) -> Option<u64> {
        let last = self.changes.iter().rposition(|t| range.contains(*t));
        Some(last.map_or(0, |i| i as u64 + 1))
    }

    fn select(&self, m: &[Matcher], hint: &Hint<'_>, cx: &ReadCx) -> Result<Box<dyn Selection>> {
        self.selects.fetch_add(1, Ordering::Relaxed);
        self.below.select(m, hint, cx)
    }

    fn metadata(&self, metric: Option<&str>, limit: usize, cx: &ReadCx) -> Result<Vec<Metadata>> {
        self.below.metadata(metric, limit, cx)
    }
}

fn engine() -> Engine {
    let config = EngineConfig { features: Features::PROMQLTEST, ..EngineConfig::default() };
    Engine::new(config, Arc::new(Workers::new(1)))
}

const TEXTS: [&str; 8] = [
    "a",
    "rate(a[7m])",
    "sum by (x) ({__name__=~\"a|b\"})",
    "topk(1, {__name__=~\"a|b\"})",
    "max_over_time(a[10m:2m]) - b offset 3m",
    "absent(a)",
    "histogram_quantile(2, a)",
    "a @ 1200",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn cached_and_evaluated_are_the_same(
        samples in proptest::collection::vec((0usize..2, 0i64..200, 0i64..100, 0i64..3), 1..250),
        text in 0..TEXTS.len(),
        step in prop_oneof![Just(MINUTE), Just(5 * MINUTE), Just(90_000)],
        steps in 2i64..60,
        jumps in proptest::collection::vec((0i64..8, 0usize..40, -9i64..3), 1..12),
    ) {
        let (source, engine, cache) = (Versioned::default(), engine(), ResultCache::new(1 << 20));
        let query = engine.parse(TEXTS[text]).unwrap();
        let mut samples = samples.into_iter();
        let mut now = 60 * MINUTE;
        for (minutes, news, to_and_fro) in jumps {
            now += minutes * MINUTE;
            for (name, late, value, _) in samples.by_ref().take(news) {
                source.append(["a", "b"][name], now - late * late * 500, value as f64);
            }
            let end = (now.div_euclid(step) + to_and_fro) * step;
            let grid = Grid { start: end - steps * step, end, step };
            let cut = source.cut();
            let got = cache.range(&engine, &cut, &query, grid, now, &ReadCx::unlimited()).unwrap();
            let wanted = engine.range(&cut, &query, grid, &ReadCx::unlimited()).unwrap();
            prop_assert_eq!(&got.value, &wanted.value, "{} at {}", TEXTS[text], now);
            prop_assert_eq!(&got.warnings, &wanted.warnings);
            // A remark about the kept part stays with it, also when what caused it moved out.
            prop_assert!(wanted.infos.iter().all(|i| got.infos.contains(i)));
        }
    }
}

/// A dashboard that is refreshed each minute evaluates what is new, until late data come.
#[test]
fn only_what_is_new_is_read() {
    let (source, engine, cache) = (Versioned::default(), engine(), ResultCache::new(1 << 20));
    (0..300).for_each(|i| source.append("a", i * MINUTE, i as f64));
    let query = engine.parse("a * 2").unwrap();
    let samples = |now: i64| {
        let grid = Grid { start: now - 200 * MINUTE, end: now, step: MINUTE };
        let cx = ReadCx::unlimited();
        let answer = cache.range(&engine, &source.cut(), &query, grid, now, &cx).unwrap();
        let Value::Matrix(matrix) = &answer.value else { panic!() };
        assert_eq!(matrix[0].times.len(), 201);
        cx.budget.samples()
    };
    assert!(samples(290 * MINUTE) > 200);
    assert!(samples(291 * MINUTE) < 30);
    assert_eq!(cache.stats().hits, 1);
    source.append("a", 250 * MINUTE + 1, 7.0);
    assert!((60..200).contains(&samples(292 * MINUTE)), "an hour back still holds");
    source.append("a", 100 * MINUTE + 1, 7.0);
    assert!(samples(293 * MINUTE) > 200);
    assert_eq!(cache.stats().misses, 2);
}

/// Windows that move to and fro over the past are evaluated once.
#[test]
fn what_moves_to_and_fro_is_kept_whole() {
    let (source, engine, cache) = (Versioned::default(), engine(), ResultCache::new(1 << 20));
    (0..300).for_each(|i| source.append("a", i * MINUTE, i as f64));
    let query = engine.parse("a * 2").unwrap();
    let samples = |end: i64| {
        let grid = Grid { start: (end - 100) * MINUTE, end: end * MINUTE, step: MINUTE };
        let cx = ReadCx::unlimited();
        let cut = source.cut();
        let got = cache.range(&engine, &cut, &query, grid, 400 * MINUTE, &cx).unwrap();
        let wanted = engine.range(&cut, &query, grid, &ReadCx::unlimited()).unwrap();
        assert_eq!(got.value, wanted.value);
        cx.budget.samples()
    };
    for (end, fresh) in [(200, 105), (210, 15), (190, 15), (205, 0), (191, 0), (210, 0)] {
        assert_eq!(samples(end) > 0, fresh > 0, "{end}");
    }
    source.append("a", 205 * MINUTE + 1, 7.0);
    assert!(samples(210) > 0);
    assert_eq!(samples(200), 0);
}

#[test]
fn who_sees_less_gets_nothing_of_who_sees_more() {
    let (source, engine, cache) = (Versioned::default(), engine(), ResultCache::new(1 << 20));
    (0..100).for_each(|i| source.append(["a", "b"][i as usize % 2], i * MINUTE, 1.0));
    let query = engine.parse("count({__name__=~\".+\"})").unwrap();
    let grid = Grid { start: 10 * MINUTE, end: 60 * MINUTE, step: MINUTE };
    let count = |scope: Scope| {
        let mut cx = ReadCx::unlimited();
        cx.scope = scope;
        let answer = cache.range(&engine, &source.cut(), &query, grid, 100 * MINUTE, &cx).unwrap();
        let Value::Matrix(matrix) = answer.value else { panic!() };
        matrix.first().map_or(0.0, |s| s.floats[0])
    };
    assert_eq!(count(Scope::everything()), 2.0);
    let only = |name: &str| Scope { any_of: vec![vec![Matcher::equal("__name__", name)]] };
    assert_eq!((count(only("a")), count(only("b")), count(only("c"))), (1.0, 1.0, 0.0));
    assert_eq!((cache.stats().hits, cache.stats().misses), (0, 4));
}

#[test]
fn the_cache_stays_within_its_bytes() {
    let (source, engine, cache) = (Versioned::default(), engine(), ResultCache::new(20_000));
    (0..400).for_each(|i| source.append("a", i * MINUTE, i as f64));
    for n in 0..50 {
        let query = engine.parse(&format!("a + {n}")).unwrap();
        let grid = Grid { start: 100 * MINUTE, end: 300 * MINUTE, step: MINUTE };
        let cx = ReadCx::unlimited();
        cache.range(&engine, &source.cut(), &query, grid, 400 * MINUTE, &cx).unwrap();
        assert!(cache.stats().bytes <= 20_000);
    }
    assert!((1..6).contains(&cache.stats().entries), "{:?}", cache.stats());
    let nothing = ResultCache::new(0);
    let query = engine.parse("a").unwrap();
    let grid = Grid { start: 100 * MINUTE, end: 300 * MINUTE, step: MINUTE };
    let cx = ReadCx::unlimited();
    nothing.range(&engine, &source.cut(), &query, grid, 400 * MINUTE, &cx).unwrap();
    assert_eq!(nothing.stats().entries, 0);
}

/// Those who ask the same while it is evaluated wait for it; each gets the whole answer.
#[test]
fn equal_questions_fly_together() {
    let source = Versioned::default();
    for i in 0..2_000 {
        source.append("a", i * 1_000, i as f64);
    }
    let (engine, cache, cut) = (engine(), ResultCache::new(0), source.cut());
    let query = engine.parse("quantile_over_time(0.5, a[30m])").unwrap();
    let grid = Grid { start: 0, end: 2_000_000, step: 1_000 };
    let ask = || {
        let cx = ReadCx::unlimited();
        cache.range(&engine, &cut, &query, grid, 10_000_000, &cx).unwrap().value
    };
    let answers: Vec<Value> = std::thread::scope(|s| {
        let all: Vec<_> = (0..8).map(|_| s.spawn(ask)).collect();
        all.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|a| *a == answers[0]));
    let stats = cache.stats();
    assert_eq!(stats.shared + stats.misses, 8);
    assert_eq!(source.selects.load(Ordering::Relaxed), stats.misses);
}
