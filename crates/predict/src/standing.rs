//! How models that compete for one series stand: from their errors on record to their shares, and who is demoted.
//!
//! Shared by the back-tests inside a forecast and by whoever keeps score of forecasts after the fact. The share of a
//! model falls with a power of its error in units of the least; a model whose share is small beside that of the best
//! is demoted: its share is 0 until its errors on record say otherwise. With few scores the errors are drawn towards
//! the mean of all, so that one lucky hit makes no winner and one miss no loser.
//!
//! Limits: pure; any number of models; a non-finite error stands for *cannot speak*.

/// What is on record of one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record {
    /// Mean absolute error of what was foretold, in any unit that all models share; 0 or above. Non-finite: it
    /// could not speak.
    pub error: f64,
    /// How much was scored: a count, or a sum of weights where old scores count less.
    pub scored: f64,
}

/// How hard the competition is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// A share is (least error / own error) to this power. 0 or above.
    pub power: f64,
    /// A model with less than this part of the best one's share is demoted, 0..=1.
    pub kept_min: f64,
    /// So many scores the mean error of all models counts for beside the own; 0 or above.
    pub shrink: f64,
}

impl Rule {
    /// For scores of forecasts after the fact: a model with three times the error of the best is out, after some
    /// ten scores.
    pub const LEDGER: Rule = Rule { power: 2.0, kept_min: 0.15, shrink: 4.0 };
}

/// The share of each model; they add up to 1, demoted models have 0. Equal shares when nothing is on record; all 0
/// when none can speak.
pub fn shares(records: &[Record], rule: Rule) -> Vec<f64> {
    let able = |r: &&Record| r.error.is_finite() && r.error >= 0.0;
    let count = |r: &Record| if r.scored.is_finite() { r.scored.max(0.0) } else { 0.0 };
    let scored: f64 = records.iter().filter(able).map(count).sum();
    let mean = match scored > 0.0 {
        true => records.iter().filter(able).map(|r| r.error / scored * count(r)).sum::<f64>(),
        false => 0.0,
    };
    let error = |r: &Record| {
        if !able(&r) {
            return None;
        }
        let (own, drawn) = (count(r), rule.shrink);
        Some(if own + drawn > 0.0 {
            r.error * (own / (own + drawn)) + mean * (drawn / (own + drawn))
        } else {
            mean
        })
    };
    let errors: Vec<Option<f64>> = records.iter().map(error).collect();
    let least = errors.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let share = |e: &Option<f64>| match e {
        None => 0.0,
        Some(e) if *e <= least => 1.0,
        Some(e) => {
            Some((least / e).powf(rule.power)).filter(|s| *s >= rule.kept_min).unwrap_or(0.0)
        }
    };
    let all: Vec<f64> = errors.iter().map(share).collect();
    let sum: f64 = all.iter().sum();
    if sum > 0.0 { all.iter().map(|s| s / sum).collect() } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(error: f64, scored: f64) -> Record {
        Record { error, scored }
    }

    #[test]
    fn losers_are_demoted_and_come_back_when_their_errors_fall() {
        let stand = |error| shares(&[record(1.0, 50.0), record(error, 50.0)], Rule::LEDGER);
        assert_eq!(stand(4.0), [1.0, 0.0]);
        let back = stand(1.2);
        assert!(back[1] > 0.35 && back[1] < 0.5, "{back:?}");
        assert_eq!(stand(1.0), [0.5, 0.5]);
    }

    #[test]
    fn one_score_makes_no_loser() {
        let once = shares(&[record(1.0, 1.0), record(4.0, 1.0)], Rule::LEDGER);
        assert!(once[1] > 0.25, "{once:?}");
    }

    #[test]
    fn nothing_on_record_is_equal_and_the_mute_have_nothing() {
        assert_eq!(shares(&[record(0.0, 0.0), record(9.0, 0.0)], Rule::LEDGER), [0.5, 0.5]);
        assert_eq!(shares(&[record(f64::NAN, 5.0), record(2.0, 5.0)], Rule::LEDGER), [0.0, 1.0]);
        assert_eq!(shares(&[record(f64::INFINITY, 5.0)], Rule::LEDGER), [0.0]);
        assert!(shares(&[], Rule::LEDGER).is_empty());
    }

    proptest! {
        #[test]
        fn shares_add_up_and_less_error_never_has_less(
            errors in prop::collection::vec(0.0..1e300_f64, 1..9), scored in 0.0..1e6_f64,
        ) {
            let records: Vec<Record> = errors.iter().map(|e| record(*e, scored)).collect();
            let all = shares(&records, Rule::LEDGER);
            prop_assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{all:?}");
            for (a, x) in errors.iter().zip(&all) {
                for (b, y) in errors.iter().zip(&all) {
                    prop_assert!(a > b || x >= y || (x - y).abs() < 1e-12);
                }
            }
        }
    }
}
