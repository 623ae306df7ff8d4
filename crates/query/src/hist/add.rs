//! Sums and differences of histograms.
//!
//! Both sides are brought to the coarser resolution and to a zero bucket that holds both zero buckets
//! and cuts no populated bucket of either. Custom buckets with different bounds are brought to the
//! bounds that both have. Exponential and custom buckets do not go together.

use std::borrow::Cow;

use plimsoll_model::ResetHint;

use super::bounds::bound;
use super::{Buckets, Cell, Hist};

/// Buckets as they are, or merged.
type Lent<'h, C> = Cow<'h, [(i32, C)]>;

/// Exponential buckets met custom ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incompatible;

/// What an addition has to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// One side says that it was reset, the other that it was not.
    pub collision: bool,
    /// The bounds differed.
    pub reconciled: bool,
}

impl<C: Cell> Hist<C> {
    /// Adds another histogram.
    pub fn add(&mut self, other: &Hist) -> Result<Outcome, Incompatible> {
        self.combine(other, 1.0)
    }

    /// Subtracts another histogram. The hint is changed as in an addition.
    pub fn sub(&mut self, other: &Hist) -> Result<Outcome, Incompatible> {
        self.combine(other, -1.0)
    }

    fn combine(&mut self, other: &Hist, sign: f64) -> Result<Outcome, Incompatible> {
        if self.is_custom() != other.is_custom() {
            return Err(Incompatible);
        }
        let mut outcome = Outcome { collision: self.join_hint(other.hint), reconciled: false };
        self.count = self.count.plus(sign * other.count);
        self.sum = self.sum.plus(sign * other.sum);
        if self.is_custom() {
            if self.custom == other.custom {
                merge(&mut self.positive, &other.positive, sign);
            } else {
                outcome.reconciled = true;
                self.merge_custom(other, sign);
            }
            return Ok(outcome);
        }
        let zero = self.reconcile_zero(other);
        self.zero = self.zero.plus(sign * zero);
        if other.schema < self.schema {
            self.reduce(other.schema);
        }
        let (positive, negative) = other.outside(self.zero_threshold, self.schema);
        merge(&mut self.positive, &positive, sign);
        merge(&mut self.negative, &negative, sign);
        Ok(outcome)
    }

    /// The hint of both together; true if they contradict each other.
    fn join_hint(&mut self, other: ResetHint) -> bool {
        use ResetHint::{Gauge, Unknown};
        match (self.hint, other) {
            (a, b) if a == b => false,
            (Gauge | Unknown, Gauge) | (_, Gauge) => {
                self.hint = Gauge;
                false
            }
            (Gauge | Unknown, _) => false,
            (_, Unknown) => {
                self.hint = Unknown;
                false
            }
            _ => {
                self.hint = Unknown;
                true
            }
        }
    }

    /// Merges buckets down to a coarser schema.
    pub fn reduce(&mut self, schema: i8) {
        if self.is_custom() || schema >= self.schema {
            return;
        }
        let by = u32::from(self.schema.abs_diff(schema));
        for side in [&mut self.positive, &mut self.negative] {
            *side = reduced(side, by);
        }
        self.schema = schema;
    }

    /// The buckets beyond a zero bucket of this width, positive and negative, in this schema or a
    /// coarser one. What lies within is left out before buckets are merged, so that nothing of it
    /// comes back as a part of a wider bucket.
    pub(super) fn outside(&self, width: f64, schema: i8) -> (Lent<'_, C>, Lent<'_, C>) {
        let cut =
            |side: &'_ Buckets<C>| side.partition_point(|(i, _)| bound(self.schema, *i) <= width);
        let positive = &self.positive[cut(&self.positive)..];
        let negative = &self.negative[cut(&self.negative)..];
        if schema >= self.schema {
            return (Cow::Borrowed(positive), Cow::Borrowed(negative));
        }
        let by = u32::from(self.schema.abs_diff(schema));
        (Cow::Owned(reduced(positive, by)), Cow::Owned(reduced(negative, by)))
    }

    /// Finds a zero bucket for both; returns what is then in that of the other.
    fn reconcile_zero(&mut self, other: &Hist) -> f64 {
        let (mut zero, mut width) = (other.zero, other.zero_threshold);
        while width != self.zero_threshold {
            if self.zero_threshold > width {
                (zero, width) = other.zero_within(self.zero_threshold);
            }
            if width > self.zero_threshold {
                (self.zero, self.zero_threshold) = self.zero_within(width);
                let (schema, width) = (self.schema, self.zero_threshold);
                let outside = |(i, c): &(i32, C)| {
                    bound(schema, i.saturating_sub(1)) >= width && c.value() != 0.0
                };
                self.positive.retain(outside);
                self.negative.retain(outside);
            }
        }
        zero
    }

    /// What the zero bucket holds if it is at least `width` wide, and how wide it then is: where it
    /// would end inside of a populated bucket it takes the whole of it.
    pub(super) fn zero_within(&self, mut width: f64) -> (C, f64) {
        if width <= self.zero_threshold {
            return (self.zero, self.zero_threshold);
        }
        'anew: loop {
            let mut zero = self.zero;
            for side in [&self.positive, &self.negative] {
                for (i, c) in side {
                    if bound(self.schema, i.saturating_sub(1)) >= width {
                        break;
                    }
                    let upper = bound(self.schema, *i);
                    if upper > width {
                        if c.main() != 0.0 {
                            width = upper;
                            continue 'anew;
                        }
                        break;
                    }
                    zero = zero.join(*c);
                }
            }
            return (zero, width);
        }
    }

    fn merge_custom(&mut self, other: &Hist, sign: f64) {
        let common: Vec<f64> =
            self.custom.iter().copied().filter(|b| other.custom.contains(b)).collect();
        let target = |bounds: &[f64], i: i32| {
            let upper = usize::try_from(i).ok().and_then(|i| bounds.get(i));
            upper.map_or(common.len(), |upper| common.partition_point(|b| b < upper))
        };
        let mut cells = vec![C::of(0.0); common.len() + 1];
        for (i, c) in &self.positive {
            let at = target(&self.custom, *i);
            cells[at] = cells[at].join(*c);
        }
        for (i, c) in &other.positive {
            let at = target(&other.custom, *i);
            cells[at] = cells[at].plus(sign * c);
        }
        let filled = cells.into_iter().enumerate().filter(|(_, c)| c.value() != 0.0);
        self.positive = filled.map(|(i, c)| (i32::try_from(i).unwrap_or(i32::MAX), c)).collect();
        self.custom = common;
    }
}

/// Buckets of a schema that is coarser by so many steps.
fn reduced<C: Cell>(side: &[(i32, C)], by: u32) -> Buckets<C> {
    let mut out: Buckets<C> = Vec::with_capacity(side.len());
    for (i, c) in side {
        let i = (i.saturating_sub(1) >> by) + 1;
        match out.last_mut() {
            Some((last, sum)) if *last == i => *sum = sum.join(*c),
            _ => out.push((i, *c)),
        }
    }
    out
}

/// Adds the buckets of another side, new ones where they are missing.
fn merge<C: Cell>(side: &mut Buckets<C>, other: &[(i32, f64)], sign: f64) {
    let same = side.len() == other.len() && side.iter().zip(other).all(|(a, b)| a.0 == b.0);
    if same {
        for (have, more) in side.iter_mut().zip(other) {
            have.1 = have.1.plus(sign * more.1);
        }
        return;
    }
    if other.is_empty() {
        return;
    }
    let mut out = Vec::with_capacity(side.len() + other.len());
    let mut have = side.iter().peekable();
    for (i, more) in other {
        while let Some(before) = have.next_if(|(j, _)| j < i) {
            out.push(*before);
        }
        let cell = match have.next_if(|(j, _)| j == i) {
            Some((_, cell)) => cell.plus(sign * more),
            None => C::of(sign * more),
        };
        out.push((*i, cell));
    }
    out.extend(have);
    *side = out;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{custom, plain};
    use super::*;

    #[test]
    fn missing_buckets_are_inserted() {
        let mut h = plain(0, &[1.0, 2.0]);
        h.add(&plain(-3, &[5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0])).unwrap();
        let filled: Vec<_> = h.compact().positive;
        assert_eq!(filled, [(-3, 5.0), (0, 1.0), (1, 2.0), (3, 7.0)]);
    }

    #[test]
    fn the_coarser_resolution_wins() {
        let mut fine = plain(1, &[1.0, 2.0, 3.0]);
        fine.schema = 1;
        let coarse = plain(1, &[10.0, 20.0]);
        let mut a = fine.clone();
        a.add(&coarse).unwrap();
        let mut b = coarse;
        b.add(&fine).unwrap();
        assert_eq!((a.schema, &a.positive), (0, &vec![(1, 13.0), (2, 23.0)]));
        assert_eq!((b.schema, b.positive), (0, a.positive));
    }

    #[test]
    fn a_zero_bucket_takes_whole_buckets() {
        let mut narrow = plain(0, &[1.0, 2.0]);
        (narrow.zero, narrow.zero_threshold) = (3.0, 0.1);
        let mut wide = plain(2, &[4.0]);
        (wide.zero, wide.zero_threshold) = (5.0, 0.75);
        let mut a = narrow.clone();
        a.add(&wide).unwrap();
        assert_eq!((a.zero, a.zero_threshold), (9.0, 1.0));
        assert_eq!(a.positive, [(1, 2.0), (2, 4.0)]);
        wide.sub(&narrow).unwrap();
        assert_eq!((wide.zero, wide.zero_threshold), (1.0, 1.0));
    }

    #[test]
    fn different_bounds_are_cut_to_common_ones() {
        let mut a = custom(&[2.0, 4.0, 6.0], &[1.0, 2.0, 5.0, 7.0]);
        let b = custom(
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
            &[10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0],
        );
        assert_eq!(a.add(&b), Ok(Outcome { collision: false, reconciled: true }));
        assert_eq!(a.custom, [2.0, 4.0, 6.0]);
        assert_eq!(a.positive, [(0, 31.0), (1, 72.0), (2, 115.0), (3, 247.0)]);
        assert_eq!(a.add(&plain(0, &[1.0])), Err(Incompatible));
    }

    #[test]
    fn contradicting_hints_are_told() {
        let with = |hint| plain(0, &[1.0]).with_hint(hint);
        let all = [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge];
        for a in all {
            for b in all {
                let mut sum = with(a);
                let outcome = sum.add(&with(b)).unwrap();
                let known = [ResetHint::Reset, ResetHint::NotReset];
                assert_eq!(outcome.collision, a != b && known.contains(&a) && known.contains(&b));
                if a == ResetHint::Gauge || b == ResetHint::Gauge {
                    assert_eq!(sum.hint, ResetHint::Gauge);
                }
            }
        }
    }

    #[test]
    fn sums_keep_what_they_lose() {
        let mut sum = plain(0, &[1.0]).summed();
        for v in [1e100, 1.0, -1e100] {
            sum.add(&plain(0, &[v])).unwrap();
        }
        let sum = sum.finish();
        assert_eq!((sum.count, sum.positive[0].1), (2.0, 2.0));
    }
}
