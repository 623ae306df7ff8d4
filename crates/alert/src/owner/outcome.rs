//! How the evaluation of a rule went, and how much it may give.

use super::Alerting;
use crate::evaluate::{EvalError, Evaluated, Health};
use crate::metrics::count;
use crate::rules::Rule;

impl Alerting {
    /// The health of a rule after an evaluation, and why it was none.
    pub(super) fn outcome(
        &self,
        rule: &Rule,
        result: &Result<Evaluated, EvalError>,
        is_ours: bool,
    ) -> (Health, Option<String>) {
        match result {
            Ok(done) => {
                let failure = done.failure.as_deref();
                (done.health, failure.map(|e| self.failed(rule, e, is_ours)))
            }
            Err(e) => (Health::Error, Some(self.failed(rule, e, is_ours))),
        }
    }

    /// Counts and tells that a rule was not evaluated; why, for people.
    fn failed(&self, rule: &Rule, e: &EvalError, is_ours: bool) -> String {
        count(&self.metrics.evaluation_failures, 1);
        let mut text = e.to_string();
        if matches!(e, EvalError::Limit { .. }) {
            count(&self.metrics.over_limit, 1);
            if is_ours {
                text += "; narrow the rule or raise alert.max_alerts_per_rule";
            }
        }
        tracing::warn!(rule = rule.name, error = text, "rule not evaluated");
        text
    }
}

/// The limit of elements of a rule, and whether it is that of the configuration rather than the group's.
pub(super) fn limit_of(rule: &Rule, of_group: usize, alerts_max: usize) -> (usize, bool) {
    if rule.is_alert() && (of_group == 0 || of_group > alerts_max) {
        (alerts_max, true)
    } else {
        (of_group, false)
    }
}
