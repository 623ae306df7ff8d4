//! How often each type of insight was right: what turns a method's claim into a confidence.
//!
//! Claims are put into five bins. A word (acknowledged: right, dismissed: wrong) or, where nobody said
//! one, what came true later, counts in the bin of the claim. The confidence is the mean of a Beta
//! distribution whose prior is the claim, worth [`PRIOR`] votes: without votes it is the claim, with many
//! it is the share that was right.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::insight::InsightType;

/// Votes that a claim is worth.
const PRIOR: f64 = 4.0;
/// Bins of claims.
pub const BINS: usize = 5;

/// What came of claims of about the same size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Right.
    pub right: u32,
    /// Wrong.
    pub wrong: u32,
    /// Sum of their claims.
    pub claimed: f64,
}

/// The table of all types.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// By type: bins of claims from 0 to 1.
    pub types: BTreeMap<InsightType, [Bin; BINS]>,
}

fn bin(claimed: f64) -> usize {
    ((claimed.clamp(0.0, 1.0) * BINS as f64) as usize).min(BINS - 1)
}

impl Reliability {
    /// The confidence that a claim deserves.
    pub fn calibrated(&self, kind: InsightType, claimed: f64) -> f64 {
        let claimed = if claimed.is_finite() { claimed.clamp(0.0, 1.0) } else { 0.0 };
        let found = self.types.get(&kind).map_or_else(Bin::default, |bins| bins[bin(claimed)]);
        let (right, wrong) = (f64::from(found.right), f64::from(found.wrong));
        (right + PRIOR * claimed) / (right + wrong + PRIOR)
    }

    pub(crate) fn vote(&mut self, kind: InsightType, claimed: f64, right: bool) {
        let found = &mut self.types.entry(kind).or_default()[bin(claimed)];
        let counted = if right { &mut found.right } else { &mut found.wrong };
        *counted = counted.saturating_add(1);
        found.claimed += claimed;
    }

    pub(crate) fn unvote(&mut self, kind: InsightType, claimed: f64, right: bool) {
        let found = &mut self.types.entry(kind).or_default()[bin(claimed)];
        let counted = if right { &mut found.right } else { &mut found.wrong };
        *counted = counted.saturating_sub(1);
        found.claimed = (found.claimed - claimed).max(0.0);
    }

    /// Right and wrong ones of a type.
    pub fn votes(&self, kind: InsightType) -> (u32, u32) {
        let bins = self.types.get(&kind).map_or(&[] as &[Bin], |b| b);
        let add =
            |(r, w): (u32, u32), b: &Bin| (r.saturating_add(b.right), w.saturating_add(b.wrong));
        bins.iter().fold((0, 0), add)
    }

    /// The share that was right, of a type with votes.
    pub fn precision(&self, kind: InsightType) -> Option<f64> {
        let (right, wrong) = self.votes(kind);
        let all = f64::from(right) + f64::from(wrong);
        (all > 0.0).then(|| f64::from(right) / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_moves_from_the_claim_to_what_came_true() {
        let mut table = Reliability::default();
        let kind = InsightType::Anomaly;
        assert_eq!(table.calibrated(kind, 0.9), 0.9);
        (0..100).for_each(|i| table.vote(kind, 0.9, i % 4 == 0));
        assert!((table.calibrated(kind, 0.9) - 0.25).abs() < 0.03);
        assert_eq!(table.calibrated(kind, 0.5), 0.5, "another bin");
        assert_eq!(table.calibrated(InsightType::Trend, 0.9), 0.9, "another type");
        assert_eq!(table.precision(kind), Some(0.25));
        (0..100).for_each(|i| table.unvote(kind, 0.9, i % 4 == 0));
        assert_eq!(table.calibrated(kind, 0.9), 0.9);
        for odd in [f64::NAN, -1.0, 2.0, f64::INFINITY] {
            assert!((0.0..=1.0).contains(&table.calibrated(kind, odd)));
        }
    }

    #[test]
    fn a_method_that_claims_too_much_is_calibrated() {
        // Claims of 0.95 that come true in 6 of 10, in a fixed order.
        let (mut table, mut error) = (Reliability::default(), 0.0);
        for i in 0..400 {
            let right = i % 10 < 6;
            if i >= 100 {
                error += table.calibrated(InsightType::Capacity, 0.95) - 0.6;
            }
            table.vote(InsightType::Capacity, 0.95, right);
        }
        assert!((error / 300.0_f64).abs() < 0.03, "{error}");
    }
}
