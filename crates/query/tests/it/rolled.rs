//! A function over buckets and the same function over samples give the same, whatever the windows,
//! resets, gaps, staleness markers and samples on borders.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_model::{
    Bucket, Buckets, Caps, Columns, Fp, Grid, Hint, Kept, LabelScratch, Labels, LabelsRef, Matcher,
    MemorySource, Metadata, ReadCx, Resolution, Result, Scratch, Selection, SeriesSource, Snapshot,
    Tier, TimeRange, stale_nan,
};
use plimsoll_query::{Engine, EngineConfig, Features, Times, Value};
use plimsoll_world::{SimClock, Workers};
use proptest::prelude::*;

/// Buckets know of no start times: where these count, samples are read.
const FEATURES: Features = Features { start_timestamps: false, ..Features::PROMQLTEST };
const HOUR: i64 = 3_600_000;
const TIERS: [Tier; 2] = [Tier(300_000), Tier(HOUR)];

/// A snapshot with tiers made on the fly, which cover only some hours and lack some figures.
struct Tiered {
    below: Arc<dyn Snapshot>,
    covers: fn(i64) -> bool,
    kept: Kept,
    samples: Arc<AtomicUsize>,
}

struct TieredSelection {
    below: Box<dyn Selection>,
    tier: Option<Tier>,
    covers: fn(i64) -> bool,
    kept: Kept,
    samples: Arc<AtomicUsize>,
}

impl Snapshot for Tiered {
    fn caps(&self) -> Caps {
        Caps { tiers: true, pushdown: false }
    }

    fn tiers(&self, _: TimeRange) -> Vec<Tier> {
        TIERS.to_vec()
    }

    fn select(&self, m: &[Matcher], hint: &Hint<'_>, cx: &ReadCx) -> Result<Box<dyn Selection>> {
        let tier = match hint.resolution {
            Resolution::Tier(tier) => Some(tier),
            _ => None,
        };
        Ok(Box::new(TieredSelection {
            below: self.below.select(m, hint, cx)?,
            tier,
            covers: self.covers,
            kept: self.kept,
            samples: Arc::clone(&self.samples),
        }))
    }

    fn metadata(&self, metric: Option<&str>, limit: usize, cx: &ReadCx) -> Result<Vec<Metadata>> {
        self.below.metadata(metric, limit, cx)
    }
}

impl Selection for TieredSelection {
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
        let columns = self.below.read(i, range, scratch, cx)?;
        self.samples.fetch_add(columns.len(), Ordering::Relaxed);
        Ok(columns)
    }

    fn buckets<'a>(
        &'a self,
        i: usize,
        tier: Tier,
        _: Kept,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> Result<Option<Buckets<'a>>> {
        if self.tier != Some(tier) {
            return Ok(None);
        }
        let (mut covered, mut out) = (Vec::new(), Vec::<Bucket>::new());
        let first = (range.start - 1).div_euclid(HOUR);
        for hour in first..=range.end.div_euclid(HOUR) {
            let start = (hour * HOUR + 1).max(range.start);
            let times = TimeRange::new(start, ((hour + 1) * HOUR).min(range.end));
            if times.is_empty() || !(self.covers)(hour) {
                continue;
            }
            let columns = self.below.read(i, times, scratch, cx)?;
            let ends = |t: i64| (t + tier.0 - 1).div_euclid(tier.0) * tier.0;
            let mut at = 0;
            while at < columns.len() {
                let end = ends(columns.times[at]);
                let n = columns.times[at..].partition_point(|t| *t <= end);
                out.extend(Bucket::of(
                    &columns.times[at..at + n],
                    &columns.floats[at..at + n],
                    end,
                ));
                at += n;
            }
            covered.push(times);
        }
        scratch.buckets = out;
        Ok(Some(Buckets { covered, buckets: &scratch.buckets, kept: self.kept }))
    }
}

/// Equal but for the order of additions: `around` is the greatest number that went into a sum, whose
/// last bits are lost when a small result is left over (a counter at 1e9 that resets).
fn close(a: f64, b: f64, around: f64) -> bool {
    a.to_bits() == b.to_bits()
        || (a.is_nan() && b.is_nan())
        || (a - b).abs() <= 1e-12 * b.abs() + 16.0 * f64::EPSILON * around
}

const FUNCTIONS: [&str; 11] = [
    "avg_over_time",
    "count_over_time",
    "first_over_time",
    "increase",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "rate",
    "resets",
    "sum_over_time",
];

fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let step = prop_oneof![
        6 => Just(15_000i64), 1 => Just(300_000), 1 => Just(1), 1 => 1i64..4_000_000, 1 => Just(HOUR)
    ];
    let value = prop_oneof![
        8 => (0u32..50).prop_map(f64::from),
        1 => Just(stale_nan()), 1 => Just(f64::NAN), 1 => -9.0..9.0f64, 1 => Just(1e9 + 0.1)
    ];
    (-3i64..3, proptest::collection::vec((step, value), 1..400)).prop_map(|(from, all)| {
        let (mut t, mut total, mut out) = (from * HOUR, 0.0, Vec::new());
        for (i, (step, v)) in all.into_iter().enumerate() {
            t += step;
            total = if i % 37 == 36 || !v.is_finite() { v } else { total + v };
            out.push((t, total));
            if !total.is_finite() {
                total = 0.0;
            }
        }
        out
    })
}

fn tiered(
    samples: &[(i64, f64)],
    covers: fn(i64) -> bool,
    kept: Kept,
) -> (Tiered, Arc<AtomicUsize>) {
    let source = MemorySource::new();
    let labels = Labels::new([("__name__", "m"), ("s", "1")]).expect("it works in tests");
    for (t, v) in samples {
        source.append(&labels, *t, *v);
    }
    let reads = Arc::new(AtomicUsize::new(0));
    (Tiered { below: source.snapshot(), covers, kept, samples: Arc::clone(&reads) }, reads)
}

fn values(snapshot: &Arc<dyn Snapshot>, text: &str, grid: Grid) -> Vec<(i64, f64)> {
    let config = EngineConfig { features: FEATURES, ..EngineConfig::default() };
    let engine = Engine::new(config, Arc::new(Workers::new(1)));
    let query = engine.parse(text).expect("it works in tests");
    let answer =
        engine.range(snapshot, &query, grid, &ReadCx::unlimited()).expect("it works in tests");
    let Value::Matrix(matrix) = answer.value else { panic!("not a matrix") };
    matrix.into_iter().flat_map(|s| s.times.into_iter().zip(s.floats)).collect()
}

proptest! {
    #[test]
    fn buckets_and_samples_give_the_same(
        samples in samples(),
        function in 0..FUNCTIONS.len(),
        hours in prop_oneof![Just(1i64), Just(2), Just(24), Just(200)],
        phase in prop_oneof![3 => Just(0i64), 1 => Just(300_000), 1 => 1i64..HOUR],
        step in prop_oneof![Just(HOUR), Just(300_000), Just(24 * HOUR)],
        some in any::<bool>(),
    ) {
        let covers: fn(i64) -> bool = if some { |hour| hour % 3 != 1 } else { |_| true };
        let (tiered, _) = tiered(&samples, covers, Kept::ALL);
        let raw: Arc<dyn Snapshot> = tiered.below.clone();
        let tiered: Arc<dyn Snapshot> = Arc::new(tiered);
        let text = format!("{}(m[{hours}h])", FUNCTIONS[function]);
        let start = phase - 2 * HOUR;
        let grid = Grid { start, end: start + 60 * step, step };
        let (found, wanted) = (values(&tiered, &text, grid), values(&raw, &text, grid));
        prop_assert_eq!(found.len(), wanted.len(), "{}", text);
        let greatest = samples.iter().map(|s| s.1.abs()).filter(|v| v.is_finite());
        let around = match FUNCTIONS[function] {
            "increase" | "sum_over_time" | "avg_over_time" => greatest.fold(0.0, f64::max),
            "rate" => greatest.fold(0.0, f64::max) / (hours * HOUR / 1000) as f64,
            _ => 0.0,
        };
        for ((t, a), (u, b)) in found.into_iter().zip(wanted) {
            prop_assert!(t == u && close(a, b, around), "{text} at {t}: {a} {b}");
        }
    }
}

#[test]
fn samples_are_read_only_where_the_tier_cannot_answer() {
    let samples: Vec<_> = (0..5760 * 30).map(|i| (i * 15_000, (i % 100) as f64)).collect();
    let day = 24 * HOUR;
    let aligned = Grid { start: day, end: 30 * day, step: HOUR };
    let read = |text: &str, grid, kept| {
        let (tiered, reads) = tiered(&samples, |_| true, kept);
        let snapshot: Arc<dyn Snapshot> = Arc::new(tiered);
        assert!(!values(&snapshot, text, grid).is_empty());
        reads.load(Ordering::Relaxed)
    };
    assert_eq!(read("avg_over_time(m[1h])", aligned, Kept::ALL), 0);
    assert_eq!(read("rate(m[2h])", aligned, Kept::ALL), 0);
    assert!(read("avg_over_time(m[1h])", aligned, Kept::COUNT) > 100_000);
    assert!(read("quantile_over_time(0.5, m[1h])", aligned, Kept::ALL) > 100_000);
    let now = Grid { start: 29 * day + 12_345, end: 29 * day + 12_345, step: 1 };
    // The two cut ends: less than an hour each.
    let ends = read("avg_over_time(m[28d])", now, Kept::ALL);
    assert!(ends > 0 && ends <= 480, "{ends}");
}

#[test]
fn an_explanation_names_the_tier() {
    let samples: Vec<_> = (0..5760 * 2).map(|i| (i * 15_000, (i % 100) as f64)).collect();
    let told = |text: &str, step, kept| {
        let (tiered, _) = tiered(&samples, |_| true, kept);
        let snapshot: Arc<dyn Snapshot> = Arc::new(tiered);
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        let query = engine.parse(text).expect("it works in tests");
        let times = Times::Over(Grid { start: 24 * HOUR, end: 36 * HOUR, step });
        let clock = SimClock::at(0);
        let told = engine.explain(&snapshot, &query, times, &ReadCx::unlimited(), &clock);
        let mut tree = told.expect("it works in tests").tree;
        let read = tree.children.remove(0).read.expect("it was read");
        (read.tier, read.by_tier, read.why)
    };
    let coarsest = "nothing coarser covers the range".to_owned();
    let hourly = told("avg_over_time(m[1h])", HOUR, Kept::ALL);
    assert_eq!(hourly, (Some(TIERS[1]), 1, coarsest.clone()));
    // The buckets lack what the function needs: the series was read from samples.
    assert_eq!(told("avg_over_time(m[1h])", HOUR, Kept::COUNT), (Some(TIERS[1]), 0, coarsest));
    let (tier, by_tier, why) = told("avg_over_time(m[30m])", HOUR / 2, Kept::ALL);
    assert_eq!((tier, by_tier), (Some(TIERS[0]), 1));
    assert_eq!(why, "1h: the windows are shorter than a bucket");
    let (tier, by_tier, why) = told("avg_over_time(m[1h])", 47_000, Kept::ALL);
    assert_eq!((tier, by_tier), (None, 0));
    assert!(why.starts_with("5m: windows end within buckets"), "{why}");
}
