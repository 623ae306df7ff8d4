//! Aggregations that fold one value after the other.

use plimsoll_model::{Compensated, Grid};

use super::native::NativeGroups;
use super::{Groups, tell_of_ignored};
use crate::ast::Aggregate;
use crate::engine::QueryResult as Result;
use crate::eval::{ABSENT, Eval, Series, is_absent};
use crate::hist::Total;

/// What an aggregation makes of native histograms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Natives {
    /// It takes them like numbers.
    Counted,
    /// It leaves them out and says so.
    Ignored,
    /// It adds them up.
    Added,
    /// It averages them.
    Averaged,
}

/// What one group holds at one time.
pub(super) trait Accumulator: Clone + Default {
    /// What it makes of histograms.
    const NATIVES: Natives = Natives::Ignored;
    /// Takes a value; `first` if it is the first.
    fn add(&mut self, value: f64, first: bool);
    /// The result over `count` values.
    fn result(&self, count: u32) -> f64;
}

/// Folds the input into its groups as it comes.
pub(super) fn run<A: Accumulator>(
    eval: &Eval<'_>,
    node: &Aggregate,
    grid: Grid,
) -> Result<Vec<Series>> {
    let mut groups = Groups::new(&node.grouping);
    let mut slots: Vec<Vec<(u32, A)>> = Vec::new();
    let mut natives = NativeGroups::new(eval, node, grid);
    let columns = size_of::<(u32, A)>() / size_of::<f64>();
    eval.stream_for(&node.grouping, &node.expr, grid, &mut |series| {
        let group = groups.of(&series);
        if group == slots.len() {
            eval.charge(1 + columns, grid)?;
            slots.push(vec![(0, A::default()); grid.len()]);
        }
        for (slot, value) in slots[group].iter_mut().zip(&series.values) {
            if !is_absent(*value) {
                slot.1.add(*value, slot.0 == 0);
                slot.0 += 1;
            }
        }
        if series.histograms.is_empty() {
            return Ok(());
        }
        match A::NATIVES {
            Natives::Ignored => {
                tell_of_ignored(eval, node);
                Ok(())
            }
            Natives::Counted => {
                let there = slots[group].iter_mut().zip(&series.histograms);
                for (slot, _) in there.filter(|(_, h)| h.is_some()) {
                    slot.1.add(1.0, slot.0 == 0);
                    slot.0 += 1;
                }
                Ok(())
            }
            Natives::Added => natives.add(group, &series, Total::sum),
            Natives::Averaged => natives.add(group, &series, Total::mean),
        }
    })?;
    let value = |(count, slot): &(u32, A)| if *count == 0 { ABSENT } else { slot.result(*count) };
    let series = groups.found.into_iter().zip(slots).map(|((labels, drop_name), slots)| {
        Series::floats(labels, drop_name, slots.iter().map(value).collect())
    });
    let mut series = series.collect();
    natives.finish(&mut series);
    Ok(series)
}

/// Compensated sum.
#[derive(Clone, Default)]
pub(super) struct Sum(Compensated);

impl Accumulator for Sum {
    const NATIVES: Natives = Natives::Added;
    fn add(&mut self, value: f64, _: bool) {
        self.0.add(value);
    }
    fn result(&self, _: u32) -> f64 {
        self.0.value()
    }
}

/// Compensated sum over count; a moving mean once the sum would overflow.
#[derive(Clone, Default)]
pub(super) struct Avg {
    sum: Compensated,
    count: f64,
    moving: Option<Compensated>,
}

impl Accumulator for Avg {
    const NATIVES: Natives = Natives::Averaged;
    fn add(&mut self, value: f64, first: bool) {
        self.count += 1.0;
        if self.moving.is_none() {
            let before = self.sum;
            self.sum.add(value);
            if first || !self.sum.parts().0.is_infinite() {
                return;
            }
            let (sum, lost) = before.parts();
            let n = self.count - 1.0;
            self.moving = Some(compensated(sum / n, lost / n));
        }
        if let Some(mean) = &mut self.moving {
            let keep = (self.count - 1.0) / self.count;
            let (sum, lost) = mean.parts();
            let mut moved = compensated(keep * sum, keep * lost);
            moved.add(value / self.count);
            *mean = moved;
        }
    }
    fn result(&self, _: u32) -> f64 {
        if let Some(mean) = self.moving {
            return mean.value();
        }
        let (sum, lost) = self.sum.parts();
        sum / self.count + lost / self.count
    }
}

/// A compensated sum whose parts are these up to rounding of the lost part.
fn compensated(sum: f64, lost: f64) -> Compensated {
    let mut both = Compensated::from(sum);
    if sum.is_finite() {
        both.add(lost);
    }
    both
}

/// Number of elements.
#[derive(Clone, Default)]
pub(super) struct Count;

impl Accumulator for Count {
    const NATIVES: Natives = Natives::Counted;
    fn add(&mut self, _: f64, _: bool) {}
    fn result(&self, count: u32) -> f64 {
        f64::from(count)
    }
}

/// 1 where there is an element.
#[derive(Clone, Default)]
pub(super) struct Group;

impl Accumulator for Group {
    const NATIVES: Natives = Natives::Counted;
    fn add(&mut self, _: f64, _: bool) {}
    fn result(&self, _: u32) -> f64 {
        1.0
    }
}

/// Smallest value; NaN only if all are.
#[derive(Clone, Default)]
pub(super) struct Min(f64);

impl Accumulator for Min {
    fn add(&mut self, value: f64, first: bool) {
        if first || value < self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }
    fn result(&self, _: u32) -> f64 {
        self.0
    }
}

/// Greatest value; NaN only if all are.
#[derive(Clone, Default)]
pub(super) struct Max(f64);

impl Accumulator for Max {
    fn add(&mut self, value: f64, first: bool) {
        if first || value > self.0 || self.0.is_nan() {
            self.0 = value;
        }
    }
    fn result(&self, _: u32) -> f64 {
        self.0
    }
}

/// Population variance by Welford's update.
#[derive(Clone, Default)]
pub(super) struct Stdvar {
    mean: Compensated,
    squares: Compensated,
    count: f64,
}

impl Accumulator for Stdvar {
    fn add(&mut self, value: f64, _: bool) {
        self.count += 1.0;
        let off = value - self.mean.value();
        self.mean.add(off / self.count);
        self.squares.add(off * (value - self.mean.value()));
    }
    fn result(&self, _: u32) -> f64 {
        self.squares.value() / self.count
    }
}

/// Root of [`Stdvar`].
#[derive(Clone, Default)]
pub(super) struct Stddev(Stdvar);

impl Accumulator for Stddev {
    fn add(&mut self, value: f64, first: bool) {
        self.0.add(value, first);
    }
    fn result(&self, count: u32) -> f64 {
        self.0.result(count).sqrt()
    }
}
