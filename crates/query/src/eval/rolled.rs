//! Range functions over roll-up buckets instead of samples, where the result is the same.
//!
//! A window is made of whole buckets and of what its ends cut off, which is read from raw samples, so
//! that the answer is that of the samples up to the order of floating sums. A tier is taken when the
//! windows end on its borders, or when the cut ends are so few that reading them costs little. Times
//! that the tier does not cover are folded from raw samples into the same buckets.

use plimsoll_model::{Bucket, Grid, Kept, ReadCx, Scratch, Selection, Snapshot, Tier, TimeRange};

use super::ABSENT;
use super::range::Layout;
use super::select::ReadRoom;
use crate::engine::QueryResult as Result;
use crate::kernels::{Border, Cut, Fold as _, Sum, growth_of, slide};

/// Windows that end between borders must be this many buckets long, so that their ends are a small
/// part of what a raw read would take.
const CUT_BUCKETS_MIN: i64 = 12;
/// The cut ends of all windows together may be this part of all that the windows span.
const CUT_SHARE: i64 = 4;

/// Reading a cut end costs a page of samples however short it is: mostly hours, ms.
const CUT_READ_MS: i64 = 2 * 3_600_000;

/// What is read must span this much, ms: below, finding the tier costs more than the few samples.
const SPAN_MIN_MS: i64 = 2 * 3_600_000;

/// A function that buckets can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fold {
    Avg,
    Count,
    First,
    Increase { per_second: bool },
    Last,
    Max,
    Min,
    Present,
    Resets,
    Sum,
}

impl Fold {
    fn of(function: &str) -> Option<Self> {
        Some(match function {
            "avg_over_time" => Self::Avg,
            "count_over_time" => Self::Count,
            "first_over_time" => Self::First,
            "increase" => Self::Increase { per_second: false },
            "last_over_time" => Self::Last,
            "max_over_time" => Self::Max,
            "min_over_time" => Self::Min,
            "present_over_time" => Self::Present,
            "rate" => Self::Increase { per_second: true },
            "resets" => Self::Resets,
            "sum_over_time" => Self::Sum,
            _ => return None,
        })
    }

    fn needs(self) -> Kept {
        match self {
            Self::Avg => Kept::SUM.with(Kept::COUNT),
            Self::Count | Self::Present => Kept::COUNT,
            Self::First => Kept::FIRST,
            Self::Increase { .. } | Self::Resets => {
                Kept::FIRST.with(Kept::LAST).with(Kept::RESETS).with(Kept::COUNT)
            }
            Self::Last => Kept::LAST,
            Self::Max => Kept::MAX,
            Self::Min => Kept::MIN,
            Self::Sum => Kept::SUM,
        }
    }
}

/// How a range function is computed from a tier.
#[derive(Clone, Copy)]
pub(super) struct Rolled {
    pub tier: Tier,
    fold: Fold,
    layout: Layout,
}

impl Rolled {
    /// The coarsest tier that gives the same result for less; `None` to read samples.
    pub fn plan(function: &str, layout: Layout, snapshot: &dyn Snapshot) -> Option<Self> {
        if !snapshot.caps().tiers {
            return None;
        }
        let (fold, reads) = (Fold::of(function)?, layout.reads());
        if reads.end.saturating_sub(reads.start) < SPAN_MIN_MS {
            return None;
        }
        let tiers = snapshot.tiers(reads);
        let tier = tiers.into_iter().rev().find(|tier| fits(layout, tier.0))?;
        Some(Self { tier, fold, layout })
    }

    /// The values of series `i`; `None` when its samples must be read, `Some(None)` when it has no
    /// value at any time.
    #[allow(clippy::option_option)]
    pub fn values(
        self,
        selection: &dyn Selection,
        i: usize,
        room: &mut ReadRoom,
        cx: &ReadCx,
    ) -> Result<Option<Option<Vec<f64>>>> {
        let ReadRoom { scratch, buckets, .. } = room;
        if !self.complete_buckets(selection, i, scratch, buckets, cx)? {
            return Ok(None);
        }
        let Layout { ends, count, grid, range_ms, .. } = self.layout;
        let mut values = vec![ABSENT; count];
        let mut any = false;
        let mut put = |k: usize, all: Joined| {
            if let Some(v) = self.finish(&all.bucket(), ends.at(k)) {
                (values[k], any) = (v, true);
            }
        };
        if on_borders(self.layout, self.tier.0) {
            slide(buckets, &self.cuts(buckets), put);
        } else {
            for k in 0..count {
                let end = ends.at(k);
                let window = (end - range_ms, end);
                if let Some(all) = self.window(selection, i, window, buckets, scratch, cx)? {
                    put(k, all);
                }
            }
        }
        if !any {
            return Ok(Some(None));
        }
        values.resize(grid.len(), values[count - 1]);
        Ok(Some(Some(values)))
    }

    /// All buckets within the windows, those of times without cover folded from samples. False when
    /// the tier lacks a figure of this series.
    fn complete_buckets(
        self,
        selection: &dyn Selection,
        i: usize,
        scratch: &mut Scratch,
        out: &mut Vec<Bucket>,
        cx: &ReadCx,
    ) -> Result<bool> {
        out.clear();
        let reads = self.layout.reads();
        let width = self.tier.0;
        let whole = TimeRange::new(up(reads.start - 1, width) + 1, down(reads.end, width));
        if whole.is_empty() {
            return Ok(false);
        }
        let want = self.fold.needs();
        let Some(found) = selection.buckets(i, self.tier, want, whole, scratch, cx)? else {
            return Ok(false);
        };
        if found.covered.is_empty() || !found.kept.has(want) {
            return Ok(false);
        }
        // The mean of samples whose sum overflows is finite.
        if self.fold == Fold::Avg && found.buckets.iter().any(|b| !b.sum.is_finite()) {
            return Ok(false);
        }
        out.extend_from_slice(found.buckets);
        let (mut from, mut folded) = (whole.start, false);
        let last = TimeRange::new(whole.end + 1, whole.end + 1);
        for next in found.covered.into_iter().chain([last]) {
            let gap = TimeRange::new(from, next.start - 1);
            from = next.end + 1;
            if gap.is_empty() {
                continue;
            }
            let columns = selection.read(i, gap, scratch, cx)?;
            if columns.histograms.is_some() {
                return Ok(false);
            }
            let mut at = 0;
            while at < columns.len() {
                let end = up(columns.times[at], width);
                let n = columns.times[at..].partition_point(|t| *t <= end);
                out.extend(Bucket::of(
                    &columns.times[at..at + n],
                    &columns.floats[at..at + n],
                    end,
                ));
                at += n;
                folded = true;
            }
        }
        if folded {
            out.sort_by_key(|b| b.end);
        }
        Ok(true)
    }

    /// The windows as runs of buckets, where they begin and end with one.
    fn cuts(self, buckets: &[Bucket]) -> Vec<Cut> {
        let Layout { ends, count, range_ms, .. } = self.layout;
        let (mut lo, mut hi) = (Border::default(), Border::default());
        let cut = |k| {
            let end = ends.at(k);
            let hi = hi.advance_by(buckets, |b| b.end, end);
            Cut { lo: lo.advance_by(&buckets[..hi], |b| b.end, end - range_ms), hi, end }
        };
        (0..count).map(cut).collect()
    }

    /// Everything in the window (start, end].
    fn window(
        self,
        selection: &dyn Selection,
        i: usize,
        (start, end): (i64, i64),
        buckets: &[Bucket],
        scratch: &mut Scratch,
        cx: &ReadCx,
    ) -> Result<Option<Joined>> {
        let width = self.tier.0;
        let (first, last) = (up(start, width), down(end, width));
        if first > last {
            return Ok(raw(selection, i, start, end, scratch, cx)?.as_ref().map(Joined::of));
        }
        let mut all: Option<Joined> = None;
        let mut add = |b: &Bucket| {
            let one = Joined::of(b);
            all = Some(all.map_or(one, |all| all.join(one)));
        };
        if first > start {
            raw(selection, i, start, first, scratch, cx)?.iter().for_each(&mut add);
        }
        let from = buckets.partition_point(|b| b.end <= first);
        buckets[from..].iter().take_while(|b| b.end <= last).for_each(&mut add);
        if last < end {
            raw(selection, i, last, end, scratch, cx)?.iter().for_each(&mut add);
        }
        Ok(all)
    }

    fn finish(self, b: &Bucket, end: i64) -> Option<f64> {
        Some(match self.fold {
            Fold::Avg => b.sum / f64::from(b.count),
            Fold::Count => f64::from(b.count),
            Fold::First => b.first,
            Fold::Last => b.last,
            Fold::Max => b.max,
            Fold::Min => b.min,
            Fold::Present => 1.0,
            Fold::Resets => f64::from(b.resets),
            Fold::Sum => b.sum,
            Fold::Increase { per_second } => {
                if b.count < 2 {
                    return None;
                }
                let span = (b.first_time, b.last_time, b.count as usize);
                let grown = b.last - b.first + b.corr;
                growth_of(span, b.first, grown, end, self.layout.range_ms, per_second)
            }
        })
    }
}

/// Why no coarser tier than `chosen` is read, for people.
pub(super) fn why(
    function: &str,
    layout: Layout,
    snapshot: &dyn Snapshot,
    chosen: Option<Tier>,
) -> String {
    let reads = layout.reads();
    if !snapshot.caps().tiers {
        return "the source keeps no buckets".to_owned();
    }
    if Fold::of(function).is_none() {
        return format!("{function} needs every sample");
    }
    if reads.end.saturating_sub(reads.start) < SPAN_MIN_MS {
        return "less than two hours are read".to_owned();
    }
    let coarser: Vec<Tier> =
        snapshot.tiers(reads).into_iter().filter(|t| chosen.is_none_or(|c| *t > c)).collect();
    if coarser.is_empty() {
        let none = "no buckets cover the range";
        return chosen.map_or(none, |_| "nothing coarser covers the range").to_owned();
    }
    let one = |tier: &Tier| {
        let name = crate::literal::duration_text(tier.0);
        let why = if layout.range_ms < tier.0 {
            "the windows are shorter than a bucket"
        } else {
            "windows end within buckets, and are too short or too close for reading their ends \
             from samples to pay"
        };
        format!("{name}: {why}")
    };
    coarser.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Buckets that follow each other, as one, with what the sums lost.
#[derive(Clone, Copy)]
struct Joined {
    all: Bucket,
    sum: Sum,
    corr: Sum,
}

impl Joined {
    fn bucket(self) -> Bucket {
        Bucket { sum: self.sum.value(), corr: self.corr.value(), ..self.all }
    }
}

impl crate::kernels::Fold<Bucket> for Joined {
    fn of(b: &Bucket) -> Self {
        Self { all: *b, sum: Sum::of(&b.sum), corr: Sum::of(&b.corr) }
    }

    fn join(self, later: Self) -> Self {
        let (mut all, b) = (self.all, later.all);
        let mut corr = self.corr.join(later.corr);
        // The reset between neighbours is in neither.
        if b.first < all.last {
            corr = corr.plus(all.last);
            all.resets += 1;
        }
        all.count += b.count;
        all.resets += b.resets;
        (all.end, all.last, all.last_time) = (b.end, b.last, b.last_time);
        if b.min < all.min || all.min.is_nan() {
            all.min = b.min;
        }
        if b.max > all.max || all.max.is_nan() {
            all.max = b.max;
        }
        Self { all, sum: self.sum.join(later.sum), corr }
    }
}

/// The samples in (start, end] as one bucket.
fn raw(
    selection: &dyn Selection,
    i: usize,
    start: i64,
    end: i64,
    scratch: &mut Scratch,
    cx: &ReadCx,
) -> Result<Option<Bucket>> {
    let columns = selection.read(i, TimeRange::new(start + 1, end), scratch, cx)?;
    Ok(Bucket::of(columns.times, columns.floats, end))
}

/// The least multiple of `width` that is not below `t`.
const fn up(t: i64, width: i64) -> i64 {
    -(-t).div_euclid(width) * width
}

/// The greatest multiple of `width` that is not above `t`.
const fn down(t: i64, width: i64) -> i64 {
    t.div_euclid(width) * width
}

/// Whether all windows begin and end between two buckets.
const fn on_borders(layout: Layout, width: i64) -> bool {
    let Layout { ends, count, range_ms, .. } = layout;
    ends.start % width == 0 && range_ms % width == 0 && (count <= 1 || ends.step % width == 0)
}

/// Whether windows are worth computing from buckets of this width.
fn fits(layout: Layout, width: i64) -> bool {
    let Layout { ends, count, range_ms, .. } = layout;
    let Grid { start, end, .. } = ends;
    // Beyond these times nothing is worth the care.
    if range_ms < width || start.unsigned_abs() > 1 << 60 || end.unsigned_abs() > 1 << 60 {
        return false;
    }
    if on_borders(layout, width) {
        return true;
    }
    let spans = end.saturating_sub(start).saturating_add(range_ms);
    let cut = (2 * width.max(CUT_READ_MS)).saturating_mul(i64::try_from(count).unwrap_or(i64::MAX));
    range_ms >= CUT_BUCKETS_MIN * width && cut <= spans / CUT_SHARE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_borders_and_long_windows_are_worth_it() {
        let (hour, minute) = (3_600_000, 60_000);
        let layout = |start: i64, step: i64, count: usize, range_ms: i64| {
            let end = start + step * (count as i64 - 1);
            let grid = Grid { start, end, step };
            Layout::for_tests(grid, count, range_ms)
        };
        assert!(fits(layout(24 * hour, hour, 720, hour), hour));
        assert!(!fits(layout(24 * hour, hour, 720, minute), hour));
        assert!(!fits(layout(24 * hour + 1, hour, 720, hour), hour));
        assert!(!fits(layout(24 * hour, minute, 720, hour), hour));
        assert!(fits(layout(24 * hour + 1, 1, 1, 720 * hour), hour));
        assert!(!fits(layout(24 * hour + 1, hour, 720, 24 * hour), hour));
        assert_eq!((up(5, 3), up(6, 3), down(5, 3), up(-5, 3)), (6, 6, 3, -3));
    }
}
