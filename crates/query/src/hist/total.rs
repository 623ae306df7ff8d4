//! Sums and means of many histograms.

use plimsoll_model::ResetHint;

use super::{Hist, Incompatible, Summed};

/// Histograms that are added up, or averaged: by a sum as long as it stays finite, then by a mean that
/// each histogram moves.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    state: Summed,
    count: f64,
    averages: bool,
    moving: bool,
    reset_seen: bool,
    not_reset_seen: bool,
    /// Bounds differed.
    pub reconciled: bool,
}

impl Total {
    /// The sum of one.
    pub fn sum(first: &Hist) -> Self {
        let mut total = Self {
            state: first.summed(),
            count: 1.0,
            averages: false,
            moving: false,
            reset_seen: false,
            not_reset_seen: false,
            reconciled: false,
        };
        total.see(first.hint);
        total
    }

    /// The mean of one.
    pub fn mean(first: &Hist) -> Self {
        Self { averages: true, ..Self::sum(first) }
    }

    fn see(&mut self, hint: ResetHint) {
        self.reset_seen |= hint == ResetHint::Reset;
        self.not_reset_seen |= hint == ResetHint::NotReset;
    }

    /// One more.
    pub fn add(&mut self, h: &Hist) -> Result<(), Incompatible> {
        self.see(h.hint);
        self.count += 1.0;
        if !self.averages {
            self.reconciled |= self.state.add(h)?.reconciled;
            return Ok(());
        }
        if !self.moving {
            let mut next = self.state.clone();
            self.reconciled |= next.add(h)?.reconciled;
            if !next.overflows() {
                self.state = next;
                return Ok(());
            }
            self.moving = true;
            self.state.div(self.count - 1.0);
        }
        self.state.mul((self.count - 1.0) / self.count);
        let mut part = h.clone();
        part.div(self.count);
        self.reconciled |= self.state.add(&part)?.reconciled;
        Ok(())
    }

    /// Whether some said that they were reset and some that they were not.
    pub const fn collides(&self) -> bool {
        self.reset_seen && self.not_reset_seen
    }

    /// The sum or mean.
    pub fn finish(&self) -> Hist {
        if self.averages && !self.moving {
            return self.state.finish_over(self.count);
        }
        self.state.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::plain;
    use super::*;

    #[test]
    fn a_mean_survives_an_overflow() {
        let big = plain(0, &[1.5e308]);
        let mut mean = Total::mean(&big);
        for _ in 0..3 {
            mean.add(&big).unwrap();
        }
        let mean = mean.finish();
        assert!((mean.count / 1.5e308 - 1.0).abs() < 1e-12);
        let mut mean = Total::mean(&plain(0, &[1.0]));
        mean.add(&plain(0, &[2.0])).unwrap();
        assert_eq!(mean.finish().positive, [(0, 1.5)]);
    }
}
