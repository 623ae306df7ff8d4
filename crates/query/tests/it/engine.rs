//! The engine from the outside: reads per series, limits, scopes, errors, rates against a plain
//! evaluation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_model::{
    Budget, Columns, Fp, Grid, Hint, LabelScratch, Labels, LabelsRef, Matcher, MemorySource,
    Metadata, ReadCx, Result, Scope, Scratch, Selection, SeriesSource, Snapshot, Stop, TimeRange,
};
use plimsoll_query::{Answer, Engine, EngineConfig, QueryError, QueryResult, Value};
use plimsoll_world::Workers;

/// Counts the reads of the snapshot below it.
struct Counted {
    below: Arc<dyn Snapshot>,
    reads: Arc<AtomicUsize>,
}

struct CountedSelection {
    below: Box<dyn Selection>,
    reads: Arc<AtomicUsize>,
}

impl Snapshot for Counted {
    fn select(&self, m: &[Matcher], hint: &Hint<'_>, cx: &ReadCx) -> Result<Box<dyn Selection>> {
        let below = self.below.select(m, hint, cx)?;
        Ok(Box::new(CountedSelection { below, reads: Arc::clone(&self.reads) }))
    }

    fn metadata(&self, m: Option<&str>, limit: usize, cx: &ReadCx) -> Result<Vec<Metadata>> {
        self.below.metadata(m, limit, cx)
    }
}

impl Selection for CountedSelection {
    fn len(&self) -> usize {
        self.below.len()
    }
    fn fp(&self, i: usize) -> Fp {
        self.below.fp(i)
    }
    fn labels<'a>(&'a self, i: usize, scratch: &'a mut LabelScratch) -> LabelsRef<'a> {
        self.below.labels(i, scratch)
    }
    fn read<'a>(
        &'a self,
        i: usize,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> Result<Columns<'a>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.below.read(i, range, scratch, cx)
    }
}

fn hundred_series() -> MemorySource {
    let source = MemorySource::new();
    for s in 0..100 {
        let name = format!("{s}");
        let labels = Labels::new([("__name__", "m_total"), ("s", &name)]).expect("labels");
        for i in 0..300 {
            source.append(&labels, i * 15_000, (i * s) as f64);
        }
    }
    source
}

fn engine(threads: usize) -> Engine {
    Engine::new(EngineConfig::default(), Arc::new(Workers::new(threads)))
}

const HOUR: Grid = Grid { start: 600_000, end: 4_200_000, step: 15_000 };

fn range(
    engine: &Engine,
    snapshot: &Arc<dyn Snapshot>,
    text: &str,
    cx: &ReadCx,
) -> QueryResult<Answer> {
    engine.range(snapshot, &engine.parse(text)?, HOUR, cx)
}

#[test]
fn a_range_query_reads_each_series_once() {
    let reads = Arc::new(AtomicUsize::new(0));
    let below = hundred_series().snapshot();
    let snapshot: Arc<dyn Snapshot> = Arc::new(Counted { below, reads: Arc::clone(&reads) });
    for text in [
        "m_total",
        "rate(m_total[5m])",
        "sum by (s) (rate(m_total[5m]))",
        "max_over_time(rate(m_total[5m])[10m:1m])",
    ] {
        reads.store(0, Ordering::Relaxed);
        let answer = range(&engine(3), &snapshot, text, &ReadCx::unlimited()).unwrap();
        assert_eq!(reads.load(Ordering::Relaxed), 100, "{text}");
        assert_eq!(answer.stats.series, 100, "{text}");
    }
}

#[test]
fn what_stands_twice_is_evaluated_once() {
    let reads = Arc::new(AtomicUsize::new(0));
    let below = hundred_series().snapshot();
    let snapshot: Arc<dyn Snapshot> = Arc::new(Counted { below, reads: Arc::clone(&reads) });
    for (text, times) in [
        ("sum(rate(m_total[5m])) / count( (rate(m_total[5m])) )", 1),
        ("m_total * m_total - m_total", 1),
        ("rate(m_total[5m]) * 2 + rate(m_total[5m]) * 2 + rate(m_total[5m])", 1),
        ("max_over_time(m_total[10m:1m]) - min_over_time(m_total[10m:1m])", 1),
        ("m_total + m_total offset 1m", 2),
        ("m_total + max_over_time(m_total[10m:1m])", 2),
        ("rate(m_total[5m]) + increase(m_total[5m])", 2),
    ] {
        let cx = ReadCx::with_budget(Budget::new(16_000_000, u64::MAX));
        reads.store(0, Ordering::Relaxed);
        range(&engine(3), &snapshot, text, &cx).unwrap();
        assert_eq!(reads.load(Ordering::Relaxed), 100 * times, "{text}");
        cx.budget.take(16_000_000).expect("all memory is given back");
        // With no memory to keep anything, everything is still right, only read again.
        let config = EngineConfig { query_memory: 8, ..EngineConfig::default() };
        let poor = Engine::new(config, Arc::new(Workers::new(1)));
        let cx = ReadCx::unlimited();
        let again = range(&poor, &snapshot, text, &cx).unwrap().value;
        assert!(again == range(&engine(3), &snapshot, text, &cx).unwrap().value, "{text}");
    }
}

#[test]
fn a_note_of_what_stands_twice_names_its_last_place() {
    let snapshot = hundred_series().snapshot();
    let source = MemorySource::new();
    let labels = Labels::new([("__name__", "g")]).expect("labels");
    for i in 0..300 {
        source.append(&labels, i * 15_000, i as f64);
    }
    for (text, place) in [("rate(g[5m]) + rate( g[5m])", "1:21"), ("rate(g[5m])", "1:6")] {
        let answer = range(&engine(1), &source.snapshot(), text, &ReadCx::unlimited()).unwrap();
        assert_eq!(answer.infos.len(), 1);
        assert!(answer.infos[0].ends_with(&format!("({place})")), "{:?}", answer.infos);
    }
    let none = range(&engine(1), &snapshot, "m_total + m_total", &ReadCx::unlimited()).unwrap();
    assert!(none.infos.is_empty() && none.warnings.is_empty());
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let snapshot = hundred_series().snapshot();
    let cx = ReadCx::unlimited();
    for text in ["sum(rate(m_total[5m]))", "avg(m_total / 3)", "stddev(m_total)"] {
        let one = range(&engine(1), &snapshot, text, &cx).unwrap().value;
        assert_eq!(range(&engine(4), &snapshot, text, &cx).unwrap().value, one, "{text}");
    }
}

#[test]
fn limits_and_stops_end_a_query() {
    let snapshot = hundred_series().snapshot();
    let few = ReadCx::with_budget(Budget::new(u64::MAX, 1000));
    let error = range(&engine(2), &snapshot, "m_total", &few).unwrap_err();
    assert!(
        matches!(&error, QueryError::Execution(t) if t.contains("too many samples")),
        "{error}"
    );
    let small = ReadCx::with_budget(Budget::new(100_000, u64::MAX));
    let error = range(&engine(2), &snapshot, "m_total", &small).unwrap_err();
    assert!(error.to_string().contains("query.memory"), "{error}");
    for (stop, timeout) in [(Stop::Deadline, true), (Stop::Client, false)] {
        let cx = ReadCx::unlimited();
        cx.cancel.stop(stop);
        let error = range(&engine(2), &snapshot, "m_total", &cx).unwrap_err();
        assert_eq!(matches!(error, QueryError::Timeout(_)), timeout);
    }
}

#[test]
fn memory_is_given_back() {
    let snapshot = hundred_series().snapshot();
    let cx = ReadCx::with_budget(Budget::new(3_000_000, u64::MAX));
    for _ in 0..20 {
        range(&engine(2), &snapshot, "topk(3, m_total) or m_total * 2", &cx).unwrap();
    }
    cx.budget.take(3_000_000).unwrap();
}

#[test]
fn a_scope_hides_series() {
    let snapshot = hundred_series().snapshot();
    let mut cx = ReadCx::unlimited();
    cx.scope = Scope { any_of: vec![vec![Matcher::equal("s", "7")]] };
    assert_eq!(range(&engine(1), &snapshot, "m_total", &cx).unwrap().stats.series, 1);
}

#[test]
fn grids_and_types_are_checked() {
    let snapshot = MemorySource::new().snapshot();
    let (engine, cx) = (engine(1), ReadCx::unlimited());
    let ask = |text: &str, grid| engine.range(&snapshot, &engine.parse(text).unwrap(), grid, &cx);
    let grid = |start, end, step| Grid { start, end, step };
    assert!(ask("1", grid(0, 11_000, 1)).is_ok());
    let cases = [
        ("1", grid(0, 11_001, 1), "exceeded maximum resolution of 11,000 points"),
        ("1", grid(0, 10, 0), "zero or negative query resolution step"),
        ("1", grid(1, 0, 1), "end timestamp must not be before start time"),
        ("\"a\"", grid(0, 1, 1), "invalid expression type \"string\" for range query"),
        ("m[5m]", grid(0, 1, 1), "invalid expression type \"range vector\" for range query"),
    ];
    for (text, grid, message) in cases {
        let error = ask(text, grid).unwrap_err();
        assert!(matches!(&error, QueryError::BadData(t) if t.contains(message)), "{error}");
    }
    assert!(matches!(engine.parse("sum("), Err(QueryError::Parse(_))));
    let scalar = engine.instant(&snapshot, &engine.parse("1+1").unwrap(), 4000, &cx).unwrap();
    assert_eq!(scalar.value, Value::Scalar(2.0));
}
