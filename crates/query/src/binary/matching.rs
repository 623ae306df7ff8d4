//! Match groups: which series of the two sides find each other.

use std::collections::HashMap;

use plimsoll_model::{Labels, METRIC_NAME};

use crate::ast::VectorMatching;
use crate::eval::Series;

/// Numbers match groups by the labels that are compared.
#[derive(Default)]
pub(super) struct MatchGroups {
    at: HashMap<Labels, usize>,
}

impl MatchGroups {
    /// The group of each series.
    pub fn number(&mut self, matching: &VectorMatching, series: &[Series]) -> Vec<usize> {
        series
            .iter()
            .map(|s| {
                let next = self.at.len();
                *self.at.entry(compared(matching, &s.labels)).or_insert(next)
            })
            .collect()
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.at.len()
    }
}

/// The labels of a series that are compared.
pub(super) fn compared(matching: &VectorMatching, labels: &Labels) -> Labels {
    let named = |n: &str| matching.labels.iter().any(|l| l == n);
    if matching.on {
        labels.without(|n| !named(n))
    } else {
        labels.without(|n| n == METRIC_NAME || named(n))
    }
}
