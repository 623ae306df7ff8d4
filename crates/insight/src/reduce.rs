//! Samples of a series to one value a step: the mean of a gauge, the rate of a counter.
//!
//! A step ends at a multiple of its length and holds the samples in `(end - step, end]`. A step without
//! a usable sample has no value: gaps are gaps, never zeros. The rate of a step is the rise from the last
//! sample before it to its last one, over the time between them; a fall is a restart from zero; a
//! counter that is new, or comes back after [`BRIDGE_MS`] or a staleness marker, has no rate before its
//! second sample. What is carried from one call to the next is [`Carry`], so that samples given in one go
//! or bit by bit make the same values, to the bit.

use plimsoll_model::{Columns, MINUTE_MS, Timestamp, is_stale};

use crate::watch::names::Kind;

/// Longest time between two samples of a counter over which a rate is taken, ms.
pub(crate) const BRIDGE_MS: i64 = 15 * MINUTE_MS;
/// Sizes from here on are no measurements; the detector takes none beyond it either.
pub(crate) const SIZE_MAX: f64 = 1e36;

/// The last sample of a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Carry {
    /// Its time, ms; [`i64::MIN`] = there is none.
    pub(crate) at: Timestamp,
    pub(crate) value: f64,
}

impl Carry {
    pub(crate) const NONE: Self = Self { at: i64::MIN, value: 0.0 };
}

/// What a step has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reduced {
    Value(f64),
    /// Samples, and none of them a number.
    NotANumber,
}

/// A step being filled.
struct Filling {
    end: Timestamp,
    sum: f64,
    weight: f64,
    wrong: bool,
}

/// The end of the step that a time belongs to.
pub(crate) const fn step_end(time: Timestamp, step: i64) -> Timestamp {
    time.saturating_sub(1).div_euclid(step).saturating_add(1).saturating_mul(step)
}

/// Hands the steps of `columns` that end at `until` or before to `each`, in order. `columns` begin after
/// the last step that was handed out; `until` is a multiple of `step`.
pub(crate) fn reduce(
    kind: Kind,
    carry: &mut Carry,
    columns: &Columns<'_>,
    (step, until): (i64, Timestamp),
    mut each: impl FnMut(Timestamp, Reduced),
) {
    let mut filling = Filling { end: i64::MIN, sum: 0.0, weight: 0.0, wrong: false };
    for (&at, &value) in columns.times.iter().zip(columns.floats) {
        if at > until {
            break;
        }
        if at > filling.end {
            filling.give(&mut each);
            filling = Filling { end: step_end(at, step), sum: 0.0, weight: 0.0, wrong: false };
        }
        match kind {
            _ if is_stale(value) => *carry = Carry::NONE,
            _ if value.is_nan() || value.abs() > SIZE_MAX => {
                *carry = Carry::NONE;
                filling.wrong = true;
            }
            Kind::Gauge => {
                filling.sum += value;
                filling.weight += 1.0;
            }
            Kind::Counter => {
                let apart = at.saturating_sub(carry.at);
                if carry.at != i64::MIN && apart > 0 && apart <= BRIDGE_MS {
                    let rise = value - carry.value;
                    filling.sum += if rise < 0.0 { value } else { rise };
                    filling.weight += apart as f64 / 1e3;
                }
                *carry = Carry { at, value };
            }
        }
    }
    filling.give(&mut each);
}

impl Filling {
    fn give(&self, each: &mut impl FnMut(Timestamp, Reduced)) {
        let value = self.sum / self.weight;
        if self.weight > 0.0 && value.is_finite() {
            each(self.end, Reduced::Value(value));
        } else if self.wrong {
            each(self.end, Reduced::NotANumber);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::stale_nan;
    use plimsoll_world::{Chance, SeededChance};

    fn run(kind: Kind, samples: &[(i64, f64)]) -> Vec<(i64, Reduced)> {
        let times: Vec<i64> = samples.iter().map(|s| s.0).collect();
        let floats: Vec<f64> = samples.iter().map(|s| s.1).collect();
        let (mut carry, mut out) = (Carry::NONE, Vec::new());
        let columns = Columns::plain(&times, &floats);
        reduce(kind, &mut carry, &columns, (60_000, i64::MAX), |at, v| out.push((at, v)));
        out
    }

    #[test]
    fn a_gauge_is_its_mean_and_a_gap_is_a_gap() {
        let found = run(Kind::Gauge, &[(1, 2.0), (60_000, 4.0), (60_001, 1.0), (200_000, 9.0)]);
        let value = |at, v| (at, Reduced::Value(v));
        assert_eq!(found, [value(60_000, 3.0), value(120_000, 1.0), value(240_000, 9.0)]);
    }

    #[test]
    fn a_counter_is_a_rate_from_its_second_sample_on_and_may_restart() {
        let found = run(Kind::Counter, &[(30_000, 1e9), (90_000, 1e9 + 60.0), (150_000, 30.0)]);
        let value = |at, v| (at, Reduced::Value(v));
        assert_eq!(found, [value(120_000, 1.0), value(180_000, 0.5)]);
        let ended = [(30_000, 5.0), (40_000, stale_nan()), (90_000, 900.0), (100_000, 910.0)];
        assert_eq!(run(Kind::Counter, &ended), [value(120_000, 1.0)]);
        let far = [(30_000, 5.0), (30_000 + BRIDGE_MS + 1, 900.0)];
        assert!(run(Kind::Counter, &far).is_empty());
    }

    #[test]
    fn what_is_no_number_is_said() {
        let found = run(Kind::Gauge, &[(1, f64::NAN), (70_000, f64::INFINITY), (80_000, 2.0)]);
        assert_eq!(found, [(60_000, Reduced::NotANumber), (120_000, Reduced::Value(2.0))]);
    }

    #[test]
    fn pieces_make_the_same_values_as_the_whole() {
        let chance = SeededChance::new(3);
        for kind in [Kind::Gauge, Kind::Counter] {
            let mut at = 0;
            let samples: Vec<(i64, f64)> = (0..500)
                .map(|_| {
                    at += 1 + (chance.next_u64() % 40_000) as i64;
                    (at, (chance.next_u64() % 1_000) as f64 / 7.0)
                })
                .collect();
            let whole = run(kind, &samples);
            let (mut carry, mut out, mut from) = (Carry::NONE, Vec::new(), 0);
            while from < at {
                let until = from + 60_000 * (1 + (chance.next_u64() % 5) as i64);
                let (times, floats): (Vec<i64>, Vec<f64>) =
                    samples.iter().filter(|s| s.0 > from).copied().unzip();
                let columns = Columns::plain(&times, &floats);
                reduce(kind, &mut carry, &columns, (60_000, until), |at, v| out.push((at, v)));
                from = until;
            }
            assert_eq!(out, whole);
        }
    }
}
