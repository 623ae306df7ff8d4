//! Reading: the seam between who keeps series and who asks for them.
//!
//! A [`SeriesSource`] hands out [`Snapshot`]s, consistent cuts; a snapshot selects series; a
//! [`Selection`] reads them, by index, from any thread. The embedded store, a remote and the
//! in-memory source implement it; the wrappers of this crate stand in between.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{
    Columns, Compensated, Fp, Histogram, LabelScratch, Labels, LabelsRef, Last, Matcher, Metadata,
    ReadCx, Result, Scratch, SeriesExemplars, TimeRange, Timestamp, is_stale,
};

/// Keeps series and shows them as they are now.
pub trait SeriesSource: Send + Sync {
    /// A consistent cut of everything that was applied before the call. One per query.
    fn snapshot(&self) -> Arc<dyn Snapshot>;
}

/// What a snapshot can do beyond reading raw samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// [`Selection::buckets`] may answer.
    pub tiers: bool,
    /// [`Snapshot::evaluate`] may answer.
    pub pushdown: bool,
}

impl Caps {
    /// What both have.
    pub const fn both(self, other: Self) -> Self {
        Self { tiers: self.tiers && other.tiers, pushdown: self.pushdown && other.pushdown }
    }
}

/// Which resolution a reader is content with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The engine chooses, within exactness.
    #[default]
    Auto,
    /// Raw samples only.
    Raw,
    /// This tier.
    Tier(Tier),
}

/// A roll-up tier: the width of its buckets in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tier(pub i64);

/// What the asker knows beforehand. A source may use it or not.
#[derive(Clone, Copy, Default)]
pub struct Hint<'h> {
    /// The times that will be read, lookback and window included. `None` = unknown.
    pub range: Option<TimeRange>,
    /// Step of the query in ms; 0 for an instant query.
    pub step: i64,
    /// The labels that will be looked at; `None` = all.
    pub labels: Option<&'h [&'h str]>,
    /// Which resolution will do.
    pub resolution: Resolution,
    /// Series or names wanted at most; 0 = all.
    pub limit: usize,
    /// What the same question got last time.
    pub again: Option<&'h Prepared>,
    /// [`Selection::prepared`] will be asked for.
    pub keep: bool,
}

impl Hint<'_> {
    /// A hint that only tells the range.
    pub fn range(range: TimeRange) -> Self {
        Self { range: Some(range), ..Self::default() }
    }

    /// The range, everything when it is unknown.
    pub fn range_or_all(&self) -> TimeRange {
        self.range.unwrap_or(TimeRange::ALL)
    }
}

/// A selection that can be asked again without matching again. Holds matchers and scope, which the
/// source compares before it uses it.
#[derive(Clone)]
pub struct Prepared {
    /// The epoch of the source's set of series when it was made; the source may find it valid later.
    pub epoch: u64,
    /// Bytes that it holds, about.
    pub bytes: u64,
    /// The source's own.
    pub body: Arc<dyn Any + Send + Sync>,
}

/// The times at which a query is evaluated: `start`, `start + step`, … up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    /// First evaluation time.
    pub start: Timestamp,
    /// No evaluation after this.
    pub end: Timestamp,
    /// Distance in ms, above 0; an instant query has `start == end`.
    pub step: i64,
}

impl Grid {
    /// One moment.
    pub const fn instant(at: Timestamp) -> Self {
        Self { start: at, end: at, step: 1 }
    }

    /// Number of evaluation times.
    pub fn len(self) -> usize {
        if self.end < self.start || self.step <= 0 {
            return 0;
        }
        usize::try_from(self.end.abs_diff(self.start) / self.step.unsigned_abs())
            .map_or(usize::MAX, |n| n.saturating_add(1))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The i-th evaluation time.
    pub const fn at(self, i: usize) -> Timestamp {
        self.start + self.step * i as i64
    }
}

/// A whole expression that a source may evaluate by itself.
pub struct Pushed<'q> {
    /// The text.
    pub promql: &'q str,
    /// Its selectors with the times that each reads.
    pub selectors: &'q [(&'q [Matcher], TimeRange)],
    /// The functions it uses.
    pub functions: &'q [&'q str],
    /// When to evaluate.
    pub grid: Grid,
    /// How far an instant selector looks back, ms.
    pub lookback_ms: i64,
}

/// One series of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSeries {
    /// Its labels.
    pub labels: Labels,
    /// Times in ms, rising.
    pub times: Vec<Timestamp>,
    /// Values, as many as times.
    pub floats: Vec<f64>,
    /// Native histograms with their times, rising; no time is also one of a value.
    pub histograms: Vec<(Timestamp, Arc<Histogram>)>,
}

impl MatrixSeries {
    /// A series of numbers only.
    pub const fn new(labels: Labels, times: Vec<Timestamp>, floats: Vec<f64>) -> Self {
        Self { labels, times, floats, histograms: Vec::new() }
    }

    /// Whether it has no sample.
    pub const fn is_empty(&self) -> bool {
        self.times.is_empty() && self.histograms.is_empty()
    }
}

/// A result of several series.
pub type Matrix = Vec<MatrixSeries>;

/// A consistent cut. Everything that it answers is of one moment.
pub trait Snapshot: Send + Sync {
    /// What it can do.
    fn caps(&self) -> Caps {
        Caps::default()
    }

    /// The tiers that cover something of the range, the finest first. Only asked where
    /// [`Caps::tiers`] is set.
    fn tiers(&self, range: TimeRange) -> Vec<Tier> {
        let _ = range;
        Vec::new()
    }

    /// Raw samples before this time are gone, and only tiers know of them; `i64::MIN` when none are.
    fn raw_from(&self) -> Timestamp {
        Timestamp::MIN
    }

    /// The same number for the same range means the same answer; `None` = do not cache.
    fn version(&self, range: TimeRange) -> Option<u64> {
        let _ = range;
        None
    }

    /// The series that pass all matchers and may have samples in `hint.range`. No matchers = all.
    ///
    /// # Errors
    /// `Limit`, `Stopped`, `Unavailable`, `Io`.
    fn select(
        &self,
        matchers: &[Matcher],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Box<dyn Selection>>;

    /// Evaluates a whole expression; `None` = do it yourself.
    fn evaluate(&self, query: &Pushed<'_>, cx: &ReadCx) -> Option<Result<Matrix>> {
        let _ = (query, cx);
        None
    }

    /// Label sets of series that pass one of the sets of matchers (none = all), sorted.
    ///
    /// # Errors
    /// As [`Snapshot::select`].
    fn series(&self, any_of: &[&[Matcher]], hint: &Hint<'_>, cx: &ReadCx) -> Result<Vec<Labels>> {
        let mut found = BTreeSet::new();
        let everything: &[&[Matcher]] = &[&[]];
        let sets = if any_of.is_empty() { everything } else { any_of };
        let mut scratch = LabelScratch::default();
        for matchers in sets {
            let selection = self.select(matchers, hint, cx)?;
            for i in 0..selection.len() {
                cx.cancel.check()?;
                found.insert(selection.labels(i, &mut scratch).to_labels());
            }
        }
        Ok(limited(found, hint.limit))
    }

    /// Names of labels of these series, sorted.
    ///
    /// # Errors
    /// As [`Snapshot::select`].
    fn label_names(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<String>> {
        let all = self.series(any_of, &Hint { limit: 0, ..*hint }, cx)?;
        let names = all.iter().flat_map(|l| l.iter().map(|(n, _)| n.to_owned())).collect();
        Ok(limited::<String>(names, hint.limit))
    }

    /// Values of a label of these series, sorted.
    ///
    /// # Errors
    /// As [`Snapshot::select`].
    fn label_values(
        &self,
        name: &str,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<String>> {
        let all = self.series(any_of, &Hint { limit: 0, ..*hint }, cx)?;
        let values = all.iter().filter_map(|l| l.get(name).map(str::to_owned)).collect();
        Ok(limited::<String>(values, hint.limit))
    }

    /// Exemplars of series that pass one of the sets of matchers (none = all) in `hint.range`,
    /// series in the order of their labels, at most `hint.limit` exemplars (0 = all).
    ///
    /// # Errors
    /// As [`Snapshot::select`].
    fn exemplars(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<SeriesExemplars>> {
        let _ = (any_of, hint);
        cx.cancel.check()?;
        Ok(Vec::new())
    }

    /// What is known of metrics: of one, or of at most `limit` (0 = all), sorted by name.
    ///
    /// # Errors
    /// As [`Snapshot::select`].
    fn metadata(&self, metric: Option<&str>, limit: usize, cx: &ReadCx) -> Result<Vec<Metadata>>;
}

pub(crate) fn limited<T: Ord>(set: BTreeSet<T>, limit: usize) -> Vec<T> {
    let n = if limit == 0 { usize::MAX } else { limit };
    set.into_iter().take(n).collect()
}

/// A piece of a series about which a source knows sums without decoding it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Page {
    /// The times it covers.
    pub range: TimeRange,
    /// Whether the range cuts it: then its sums are of more than was asked for and it must be read.
    pub cut: bool,
    /// Samples in it, staleness markers left out; 0 when unknown.
    pub count: u32,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// First value.
    pub first: f64,
    /// Last value.
    pub last: f64,
    /// Sum of the values.
    pub sum: f64,
    /// Sum of the values before each counter reset inside.
    pub corr: f64,
}

impl Page {
    /// A piece about which nothing is known.
    pub const fn cut(range: TimeRange) -> Self {
        let nan = f64::NAN;
        Self {
            range,
            cut: true,
            count: 0,
            min: nan,
            max: nan,
            first: nan,
            last: nan,
            sum: nan,
            corr: nan,
        }
    }
}

/// What a roll-up tier keeps of the samples of one series in `(end - tier, end]`. There is always
/// at least one sample; staleness markers are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The last time that belongs to it, ms.
    pub end: Timestamp,
    /// Samples, above 0.
    pub count: u32,
    /// Counter resets between samples inside.
    pub resets: u32,
    /// Time of the first sample, ms.
    pub first_time: Timestamp,
    /// Time of the last sample, ms.
    pub last_time: Timestamp,
    /// First value.
    pub first: f64,
    /// Last value.
    pub last: f64,
    /// Least value; NaN only if all are.
    pub min: f64,
    /// Greatest value; NaN only if all are.
    pub max: f64,
    /// Compensated sum of all values; NaN if one is.
    pub sum: f64,
    /// Sum of the values before each counter reset inside.
    pub corr: f64,
    /// Sum of squares; NaN where the tier does not keep it.
    pub sum_squares: f64,
}

impl Bucket {
    /// The bucket of these samples, which end at `end` at the latest; `None` when there is none but
    /// staleness markers. Values fold as PromQL's `*_over_time` and `increase` fold them: `sum`
    /// compensated and NaN if one value is, `min` and `max` NaN only if all are, a reset wherever a
    /// value is below the one before it.
    pub fn of(times: &[Timestamp], floats: &[f64], end: Timestamp) -> Option<Self> {
        let mut all = times.iter().zip(floats).filter(|(_, v)| !is_stale(**v));
        let (&first_time, &first) = all.next()?;
        let mut b = Self {
            end,
            count: 1,
            resets: 0,
            first_time,
            last_time: first_time,
            first,
            last: first,
            min: first,
            max: first,
            sum: first,
            corr: 0.0,
            sum_squares: first * first,
        };
        let (mut sum, mut squares) = (Compensated::from(first), Compensated::from(first * first));
        let mut corr = Compensated::default();
        for (&t, &v) in all {
            if v < b.last {
                b.resets += 1;
                corr.add(b.last);
            }
            b.count += 1;
            (b.last_time, b.last) = (t, v);
            if v < b.min || b.min.is_nan() {
                b.min = v;
            }
            if v > b.max || b.max.is_nan() {
                b.max = v;
            }
            sum.add(v);
            squares.add(v * v);
        }
        (b.sum, b.sum_squares, b.corr) = (sum.value(), squares.value(), corr.value());
        Some(b)
    }
}

/// Figures of a bucket, as a set: what a reader wants of them, or what a tier has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Kept(u8);

impl Kept {
    /// None.
    pub const NOTHING: Self = Self(0);
    /// `count`.
    pub const COUNT: Self = Self(1);
    /// `first` and `first_time`.
    pub const FIRST: Self = Self(1 << 1);
    /// `last`; `last_time` is always there.
    pub const LAST: Self = Self(1 << 2);
    /// `min`.
    pub const MIN: Self = Self(1 << 3);
    /// `max`.
    pub const MAX: Self = Self(1 << 4);
    /// `sum`.
    pub const SUM: Self = Self(1 << 5);
    /// `corr` and `resets`.
    pub const RESETS: Self = Self(1 << 6);
    /// `sum_squares`.
    pub const SQUARES: Self = Self(1 << 7);
    /// All.
    pub const ALL: Self = Self(0xff);

    /// What is in either.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Roll-up buckets of one series. Times inside `covered` without a bucket had no sample; outside of
/// it raw samples must be read.
#[derive(Clone, Debug)]
pub struct Buckets<'a> {
    /// Left-open ranges of whole buckets: `start` is the first ms of the first bucket
    /// (`k * tier + 1`), `end` the last of the last. Ascending, apart from each other.
    pub covered: Vec<TimeRange>,
    /// The buckets, rising in time. Figures that were not asked for are 0 or NaN.
    pub buckets: &'a [Bucket],
    /// Which figures all of them have.
    pub kept: Kept,
}

/// Selected series. Any index may be read from any thread; no fingerprint occurs twice; the order is
/// fixed for the life of the selection.
pub trait Selection: Send + Sync {
    /// Number of series.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fingerprint of series `i`.
    fn fp(&self, i: usize) -> Fp;

    /// The labels of series `i`; may be decoded into the scratch.
    fn labels<'a>(&'a self, i: usize, scratch: &'a mut LabelScratch) -> LabelsRef<'a>;

    /// The same, to be kept.
    fn shared_labels(&self, i: usize, scratch: &mut LabelScratch) -> Labels {
        self.labels(i, scratch).to_labels()
    }

    /// What to pass as [`Hint::again`] next time. `None` where the source has nothing to keep, or
    /// was not told to ([`Hint::keep`]).
    fn prepared(&self) -> Option<Prepared> {
        None
    }

    /// All samples of series `i` in the range, as one contiguous column: the source's own or one in
    /// the scratch. Samples are counted against the budget.
    ///
    /// # Errors
    /// `Limit`, `Stopped`, `Io`; damage is skipped with a warning in `cx`.
    fn read<'a>(
        &'a self,
        i: usize,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> Result<Columns<'a>>;

    /// The newest sample of series `i` in the range.
    ///
    /// # Errors
    /// As [`Selection::read`].
    fn last(
        &self,
        i: usize,
        range: TimeRange,
        scratch: &mut Scratch,
        cx: &ReadCx,
    ) -> Result<Option<Last>> {
        let columns = self.read(i, range, scratch, cx)?;
        Ok(columns.len().checked_sub(1).map(|i| Last {
            time: columns.times[i],
            float: columns.floats[i],
            histogram: columns.histogram(i).cloned(),
        }))
    }

    /// What is known about pieces of series `i` without decoding them.
    ///
    /// # Errors
    /// As [`Selection::read`].
    fn pages(&self, i: usize, range: TimeRange, out: &mut Vec<Page>, cx: &ReadCx) -> Result<()> {
        let _ = (i, cx);
        out.push(Page::cut(range));
        Ok(())
    }

    /// Roll-up buckets of series `i` with the figures in `want`; `None` when there is no such tier.
    /// Only a selection that was asked for with [`Resolution::Tier`] of this tier may have any.
    ///
    /// # Errors
    /// As [`Selection::read`].
    fn buckets<'a>(
        &'a self,
        i: usize,
        tier: Tier,
        want: Kept,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> Result<Option<Buckets<'a>>> {
        let _ = (i, tier, want, range, scratch, cx);
        Ok(None)
    }
}
