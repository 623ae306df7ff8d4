//! The two kernels that roll-ups, PromQL and analysis share, so that they agree to the bit.

/// A compensated sum (Kahan's, as improved by Neumaier, 1974): the error of the result does not
/// grow with the number of terms, and `1 + 1e100 + 1 - 1e100` is 2.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    /// A sum that starts at `value`.
    pub const fn from(value: f64) -> Self {
        Self { sum: value, lost: 0.0 }
    }

    /// Adds a term.
    pub fn add(&mut self, term: f64) {
        let total = self.sum + term;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= term.abs() {
            self.lost += (self.sum - total) + term;
        } else {
            self.lost += (term - total) + self.sum;
        }
        self.sum = total;
    }

    /// The sum so far.
    pub fn value(self) -> f64 {
        self.sum + self.lost
    }

    /// Sum and compensation apart, for kernels that go on from there.
    pub const fn parts(self) -> (f64, f64) {
        (self.sum, self.lost)
    }
}

/// How much a counter rose from its first to its last value: `last - first` plus the value before
/// each drop, since a drop is a restart from zero (Prometheus' reset rule). 0 for fewer than two.
/// Staleness markers must have been left out.
pub fn increase_total(values: &[f64]) -> f64 {
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return 0.0;
    };
    let mut total = last - first;
    for pair in values.windows(2) {
        if pair[1] < pair[0] {
            total += pair[0];
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_kept() {
        let mut s = Compensated::default();
        for v in [1.0, 1e100, 1.0, -1e100] {
            s.add(v);
        }
        assert_eq!(s.value(), 2.0);
    }

    #[test]
    fn a_drop_is_a_restart() {
        assert_eq!(increase_total(&[5.0, 8.0, 2.0, 3.0]), 6.0);
        assert_eq!(increase_total(&[5.0]), 0.0);
        assert_eq!(increase_total(&[]), 0.0);
    }
}
