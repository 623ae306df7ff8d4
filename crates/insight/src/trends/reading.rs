//! The values of one series on the grid of a window: from roll-up buckets where there are any, from raw
//! samples where not.
//!
//! Limits: samples of one series at a time; raw pieces between buckets are read one by one, beyond
//! [`PIECES_MAX`] of them everything is read raw.

use plimsoll_model::{
    Bucket, Buckets, Grid, HOUR_MS, Kept, ReadCx, Result, Scratch, Selection, Snapshot, TimeRange,
    Timestamp, is_stale,
};

use super::window::range;
use crate::reduce::{BRIDGE_MS, SIZE_MAX, step_end};
use crate::watch::names::Kind;

/// The tier from which long windows are read.
pub(super) const TIER: plimsoll_model::Tier = plimsoll_model::Tier(HOUR_MS);
/// Raw pieces of a range beside its buckets.
const PIECES_MAX: usize = 8;

/// Whether a snapshot may have buckets of the tier in a range.
pub(super) fn has_tier(snapshot: &dyn Snapshot, range: TimeRange) -> bool {
    snapshot.caps().tiers && snapshot.tiers(range).contains(&TIER)
}

/// Room for samples, and for buckets.
#[derive(Default)]
pub(super) struct Room {
    raw: Scratch,
    rolled: Scratch,
}

impl Room {
    /// The mean of a gauge, or the rate of a counter, at each step of a grid; NaN where there is none.
    pub(super) fn values(
        &mut self,
        selection: &dyn Selection,
        (i, kind): (usize, Kind),
        grid: Grid,
        cx: &ReadCx,
    ) -> Result<Vec<f64>> {
        let (whole, mut cells) = (range(grid), Cells::new(kind, grid));
        let want = match kind {
            Kind::Gauge => Kept::COUNT.with(Kept::SUM),
            Kind::Counter => Kept::FIRST.with(Kept::LAST).with(Kept::RESETS),
        };
        let rolled = if grid.step % TIER.0 == 0 {
            selection.buckets(i, TIER, want, whole, &mut self.rolled, cx)?
        } else {
            None
        };
        let usable = |b: &Buckets<'_>| b.kept.has(want) && b.covered.len() < PIECES_MAX;
        let Some(Buckets { covered, buckets, .. }) = rolled.filter(usable) else {
            cells.samples(selection, i, whole, &mut self.raw, cx)?;
            return Ok(cells.finish());
        };
        let (mut from, mut rest) = (whole.start, buckets);
        for piece in covered.iter().filter(|c| c.overlaps(whole)) {
            if piece.start > from {
                let raw = TimeRange::new(from, piece.start - 1);
                cells.samples(selection, i, raw, &mut self.raw, cx)?;
            }
            let n = rest.partition_point(|b| b.end <= piece.end);
            let (of_piece, others) = rest.split_at(n);
            of_piece.iter().filter(|b| b.end >= piece.start).for_each(|b| cells.bucket(b));
            rest = others;
            from = from.max(piece.end + 1);
        }
        if from <= whole.end {
            let raw = TimeRange::new(from, whole.end);
            cells.samples(selection, i, raw, &mut self.raw, cx)?;
        }
        Ok(cells.finish())
    }
}

/// The steps being filled.
struct Cells {
    kind: Kind,
    grid: Grid,
    /// Sum and weight of each.
    cells: Vec<(f64, f64)>,
    /// The last sample of a counter.
    last: Option<(Timestamp, f64)>,
}

impl Cells {
    fn new(kind: Kind, grid: Grid) -> Self {
        Self { kind, grid, cells: vec![(0.0, 0.0); grid.len()], last: None }
    }

    fn add(&mut self, at: Timestamp, sum: f64, weight: f64) {
        let i = usize::try_from((step_end(at, self.grid.step) - self.grid.start) / self.grid.step);
        if let Some(cell) = i.ok().and_then(|i| self.cells.get_mut(i)) {
            cell.0 += sum;
            cell.1 += weight;
        }
    }

    fn samples(
        &mut self,
        selection: &dyn Selection,
        i: usize,
        range: TimeRange,
        scratch: &mut Scratch,
        cx: &ReadCx,
    ) -> Result<()> {
        let columns = selection.read(i, range, scratch, cx)?;
        for (&at, &value) in columns.times.iter().zip(columns.floats) {
            if is_stale(value) || value.is_nan() || value.abs() > SIZE_MAX {
                self.last = None;
            } else if self.kind == Kind::Gauge {
                self.add(at, value, 1.0);
            } else {
                self.rise_to(at, value);
                self.last = Some((at, value));
            }
        }
        Ok(())
    }

    /// The rise of a counter since its last sample; a fall is a restart from zero.
    fn rise_to(&mut self, at: Timestamp, value: f64) {
        let Some((before, from)) = self.last else { return };
        let apart = at - before;
        if apart > 0 && apart <= BRIDGE_MS {
            let rise = if value < from { value } else { value - from };
            self.add(at, rise, apart as f64 / 1e3);
        }
    }

    fn bucket(&mut self, b: &Bucket) {
        match self.kind {
            Kind::Gauge => {
                if b.sum.is_finite() {
                    self.add(b.end, b.sum, f64::from(b.count));
                }
            }
            Kind::Counter => {
                let rise = b.last - b.first + b.corr;
                if !rise.is_finite() {
                    self.last = None;
                    return;
                }
                self.rise_to(b.first_time, b.first);
                self.add(b.end, rise, (b.last_time - b.first_time) as f64 / 1e3);
                self.last = Some((b.last_time, b.last));
            }
        }
    }

    fn finish(self) -> Vec<f64> {
        let value = |(sum, weight): (f64, f64)| {
            let value = sum / weight;
            if weight > 0.0 && value.is_finite() { value } else { f64::NAN }
        };
        self.cells.into_iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{Columns, Fp, LabelScratch, Labels, LabelsRef, MINUTE_MS};

    const EVERY: i64 = 15_000;
    const STEP: i64 = 2 * HOUR_MS;

    /// One series with buckets up to a time, and a hole in the cover.
    struct Series {
        labels: Labels,
        times: Vec<i64>,
        floats: Vec<f64>,
        covered: Vec<TimeRange>,
        buckets: Vec<Bucket>,
        raw: std::sync::atomic::AtomicUsize,
    }

    impl Series {
        fn new(of: impl Fn(i64) -> f64, covered: &[(i64, i64)]) -> Self {
            let times: Vec<i64> = (1..2 * 24 * 240).map(|i| i * EVERY).collect();
            let floats: Vec<f64> = times.iter().map(|t| of(*t)).collect();
            let hours = |(a, b): &(i64, i64)| (a + 1..=*b).map(|h| h * HOUR_MS);
            let bucket = |end: i64| {
                let some = |t: &i64| *t > end - HOUR_MS && *t <= end;
                let (t, v): (Vec<i64>, Vec<f64>) = times
                    .iter()
                    .copied()
                    .zip(floats.iter().copied())
                    .filter(|(t, _)| some(t))
                    .unzip();
                Bucket::of(&t, &v, end)
            };
            let buckets = covered.iter().flat_map(hours).filter_map(bucket).collect();
            let range = |(a, b): &(i64, i64)| TimeRange::new(a * HOUR_MS + 1, b * HOUR_MS);
            let covered = covered.iter().map(range).collect();
            let labels = Labels::empty();
            Self { labels, times, floats, covered, buckets, raw: Default::default() }
        }
    }

    impl Selection for Series {
        fn len(&self) -> usize {
            1
        }

        fn fp(&self, _: usize) -> Fp {
            self.labels.fp()
        }

        fn labels<'a>(&'a self, _: usize, _: &'a mut LabelScratch) -> LabelsRef<'a> {
            self.labels.as_ref()
        }

        fn read<'a>(
            &'a self,
            _: usize,
            range: TimeRange,
            _: &'a mut Scratch,
            _: &ReadCx,
        ) -> Result<Columns<'a>> {
            let from = self.times.partition_point(|t| *t < range.start);
            let to = self.times.partition_point(|t| *t <= range.end);
            self.raw.fetch_add(to - from, std::sync::atomic::Ordering::Relaxed);
            Ok(Columns::plain(&self.times[from..to], &self.floats[from..to]))
        }

        fn buckets<'a>(
            &'a self,
            _: usize,
            _: plimsoll_model::Tier,
            _: Kept,
            _: TimeRange,
            _: &'a mut Scratch,
            _: &ReadCx,
        ) -> Result<Option<Buckets<'a>>> {
            let (covered, buckets) = (self.covered.clone(), &*self.buckets);
            Ok((!covered.is_empty()).then_some(Buckets { covered, buckets, kept: Kept::ALL }))
        }
    }

    fn both(kind: Kind, of: impl Fn(i64) -> f64) -> (Vec<f64>, Vec<f64>, usize) {
        let grid = Grid { start: STEP, end: 20 * STEP, step: STEP };
        let read = |series: &Series| {
            let cx = ReadCx::unlimited();
            Room::default().values(series, (0, kind), grid, &cx).unwrap()
        };
        let rolled = Series::new(&of, &[(2, 11), (12, 30)]);
        let by_tier = read(&rolled);
        (by_tier, read(&Series::new(&of, &[])), rolled.raw.into_inner())
    }

    #[test]
    fn buckets_give_what_their_samples_give() {
        let wave = |t: i64| 50.0 + 10.0 * (t as f64 / 4e6).sin();
        let (by_tier, raw, read) = both(Kind::Gauge, wave);
        let near = |a: &f64, b: &f64| (a - b).abs() <= 1e-9 * b.abs();
        assert!(by_tier.iter().zip(&raw).all(|(a, b)| near(a, b)), "{by_tier:?} {raw:?}");
        assert_eq!(by_tier.len(), 20);
        assert_eq!(read, 13 * 240, "samples beside the buckets");
        // A counter that restarts every seven hours and a bit.
        let total = |t: i64| (t % (7 * HOUR_MS + 7 * MINUTE_MS)) as f64 / 1e3 * 4.0;
        let (by_tier, raw, _) = both(Kind::Counter, total);
        assert!(by_tier.iter().zip(&raw).all(|(a, b)| near(a, b)), "{by_tier:?} {raw:?}");
        assert!((raw[1] - 4.0).abs() < 0.1);
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let odd = |t: i64| if t < 3 * STEP { f64::NAN } else { 1.0 };
        let (by_tier, raw, _) = both(Kind::Gauge, odd);
        assert!(raw[0].is_nan() && raw[5] == 1.0);
        assert!(by_tier[0].is_nan() && by_tier[5] == 1.0);
        let (by_tier, ..) = both(Kind::Counter, odd);
        assert!(by_tier[0].is_nan() && by_tier[6] == 0.0, "{by_tier:?}");
    }
}
