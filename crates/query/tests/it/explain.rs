//! What an evaluation tells of itself, on a clock that each read moves.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{
    Budget, Caps, Columns, Fp, Grid, Hint, LabelScratch, Labels, LabelsRef, Matcher, MemorySource,
    Metadata, ReadCx, Result, Scratch, Selection, SeriesSource, Snapshot, Tier, TimeRange,
};
use plimsoll_query::{Engine, EngineConfig, ExplainNode, Explained, QueryError, Times};
use plimsoll_world::{SimClock, Workers};

/// A snapshot of which each read of a series takes a millisecond.
struct Slow {
    below: Arc<dyn Snapshot>,
    clock: Arc<SimClock>,
    tiers: Vec<Tier>,
}

struct SlowSelection {
    below: Box<dyn Selection>,
    clock: Arc<SimClock>,
}

impl Snapshot for Slow {
    fn caps(&self) -> Caps {
        Caps { tiers: !self.tiers.is_empty(), ..Caps::default() }
    }
    fn tiers(&self, _: TimeRange) -> Vec<Tier> {
        self.tiers.clone()
    }
    fn select(&self, m: &[Matcher], hint: &Hint<'_>, cx: &ReadCx) -> Result<Box<dyn Selection>> {
        let below = self.below.select(m, hint, cx)?;
        Ok(Box::new(SlowSelection { below, clock: Arc::clone(&self.clock) }))
    }
    fn metadata(&self, m: Option<&str>, limit: usize, cx: &ReadCx) -> Result<Vec<Metadata>> {
        self.below.metadata(m, limit, cx)
    }
}

impl Selection for SlowSelection {
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
        self.clock.advance(Duration::from_millis(1));
        self.below.read(i, range, scratch, cx)
    }
}

const GRID: Grid = Grid { start: 600_000, end: 1_200_000, step: 60_000 };

fn explain(text: &str, times: Times, tiers: &[Tier]) -> Explained {
    let source = MemorySource::new();
    for s in ["1", "2", "3"] {
        let labels = Labels::new([("__name__", "m_total"), ("s", s)]).expect("labels");
        for i in 0..100 {
            source.append(&labels, i * 15_000, i as f64);
        }
    }
    let clock = Arc::new(SimClock::at(0));
    let below = source.snapshot();
    let slow = Slow { below, clock: Arc::clone(&clock), tiers: tiers.to_vec() };
    let snapshot: Arc<dyn Snapshot> = Arc::new(slow);
    let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
    let query = engine.parse(text).expect("it parses");
    let cx = ReadCx::with_budget(Budget::new(1 << 30, 1 << 30));
    let explained = engine.explain(&snapshot, &query, times, &cx, &*clock).expect("an answer");
    let plain = match times {
        Times::At(at) => engine.instant(&snapshot, &query, at, &ReadCx::unlimited()),
        Times::Over(grid) => engine.range(&snapshot, &query, grid, &ReadCx::unlimited()),
    };
    assert_eq!(explained.answer.value, plain.expect("an answer").value, "{text}");
    explained
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Kind, name, series, time of all and of itself, children.
fn shape(node: &ExplainNode) -> String {
    let inner: Vec<String> = node.children.iter().map(shape).collect();
    let same = node.same_as.map_or(String::new(), |s| format!(" = {}", s.start));
    let (kind, name, series) = (node.kind, &node.name, node.series);
    let [wall, own] = [node.wall, node.own].map(|t| t.as_millis());
    format!("{kind} {name} {series} {wall}/{own}{same}({})", inner.join(", "))
}

#[test]
fn every_node_tells_its_time_and_series() {
    let explained = explain("sum((rate(m_total[5m]))) + 1", Times::Over(GRID), &[]);
    assert_eq!(
        shape(&explained.tree),
        "operator + 1 3/0(aggregation sum 1 3/0(call rate 3 3/0(range m_total[5m] 3 3/3())), \
         literal 1 0 0/0())"
    );
    let range = &explained.tree.children[0].children[0].children[0];
    let read = range.read.as_ref().expect("it was read");
    assert_eq!((read.series, read.samples, read.tier), (3, 180, None));
    assert_eq!(read.range, TimeRange::new(300_001, 1_200_000));
    assert_eq!(read.why, "the source keeps no buckets");
    assert_eq!(explained.wall, ms(3));
    assert_eq!(explained.answer.stats.samples, 180);
    assert!(explained.bytes_peak > 0);
}

#[test]
fn what_stands_twice_is_told_once() {
    let explained = explain("sum(m_total) / count(m_total)", Times::Over(GRID), &[]);
    assert_eq!(
        shape(&explained.tree),
        "operator / 1 3/0(aggregation sum 1 3/0(selector m_total 3 3/3()), \
         aggregation count 1 0/0(selector m_total 0 0/0 = 4()))"
    );
}

#[test]
fn instants_ranges_and_subqueries_are_told() {
    let at = Times::At(900_000);
    let tell = |text| shape(&explain(text, at, &[]).tree);
    assert_eq!(tell("m_total[1m]"), "range m_total[1m] 3 3/3()");
    assert_eq!(tell("timestamp(m_total)"), "call timestamp 3 3/0(selector m_total 3 3/3())");
    assert_eq!(
        tell("max_over_time(m_total[5m:1m])"),
        "call max_over_time 3 3/0(subquery [5m:1m] 3 3/0(selector m_total 3 3/3()))"
    );
    assert_eq!(tell("-m_total"), "sign - 3 3/0(selector m_total 3 3/3())");
    assert_eq!(
        tell("label_replace(m_total, 'a', 'b', 'c', 'd')"),
        "call label_replace 3 3/0(selector m_total 3 3/3(), literal \"a\" 0 0/0(), \
         literal \"b\" 0 0/0(), literal \"c\" 0 0/0(), literal \"d\" 0 0/0())"
    );
}

#[test]
fn why_no_buckets_were_read_is_told() {
    let why = |text: &str| {
        let tiers = [Tier(300_000), Tier(3_600_000)];
        let mut node = explain(text, Times::Over(GRID), &tiers).tree;
        while node.read.is_none() {
            node = node.children.swap_remove(0);
        }
        node.read.map(|read| read.why).unwrap_or_default()
    };
    assert_eq!(why("m_total"), "a selector without a range needs single samples");
    assert_eq!(why("deriv(m_total[5m])"), "deriv needs every sample");
    assert_eq!(why("rate(m_total[5m])"), "less than two hours are read");
    assert_eq!(why("rate(m_total[1m] @ 5) + rate(m_total[30m])"), "less than two hours are read");
    let text = why("rate(m_total[3h])");
    assert!(
        text.starts_with("5m: windows end within buckets") && text.contains("; 1h: "),
        "{text}"
    );
}

#[test]
fn very_large_expressions_are_refused() {
    let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
    let names = vec!["\"a\""; 10_001].join(",");
    let query = engine.parse(&format!("label_join(m, \"a\", \"b\", {names})")).expect("it parses");
    let (snapshot, cx) = (MemorySource::new().snapshot(), ReadCx::unlimited());
    let clock = SimClock::at(0);
    let error = engine.explain(&snapshot, &query, Times::At(0), &cx, &clock).unwrap_err();
    assert!(matches!(&error, QueryError::BadData(t) if t.contains("10000")), "{error}");
}
