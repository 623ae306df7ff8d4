//! Aggregations that fold one value after the other.

use plimsoll_model::{Compensated, Grid};

use super::Groups;
use crate::ast::Aggregate;
use crate::engine::QueryResult as Result;
use crate::eval::{ABSENT, Eval, Series, is_absent};

/// What one group holds at one time.
pub(super) trait Accumulator: Clone + Default {
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
    let columns = size_of::<(u32, A)>() / size_of::<f64>();
    eval.stream(&node.expr, grid, &mut |series| {
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
        Ok(())
    })?;
    let value = |(count, slot): &(u32, A)| if *count == 0 { ABSENT } else { slot.result(*count) };
    let series = groups.found.into_iter().zip(slots).map(|((labels, drop_name), slots)| Series {
        labels,
        drop_name,
        values: slots.iter().map(value).collect(),
    });
    Ok(series.collect())
}

/// Compensated sum.
#[derive(Clone, Default)]
pub(super) struct Sum(Compensated);

impl Accumulator for Sum {
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
    fn add(&mut self, _: f64, _: bool) {}
    fn result(&self, count: u32) -> f64 {
        f64::from(count)
    }
}

/// 1 where there is an element.
#[derive(Clone, Default)]
pub(super) struct Group;

impl Accumulator for Group {
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
