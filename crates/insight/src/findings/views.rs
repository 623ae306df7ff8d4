//! Reading findings: what the API and the browser show. No call waits for a look.

use plimsoll_model::Timestamp;

use super::{
    Accuracy, AnalyticsInsight, Assessment, Findings, Group, InsightState, InsightType, JobStatus,
    Recommendation, RecommendationState, Reliability, Risk, Scored,
};

impl Findings {
    /// Insights, the highest rank first: in a state (`None`: all), of a type, at most `limit`; and whether
    /// there are more.
    pub fn insights(
        &self,
        state: Option<InsightState>,
        kind: Option<InsightType>,
        limit: usize,
    ) -> (Vec<AnalyticsInsight>, bool) {
        let held = self.state.lock();
        let mut found: Vec<&AnalyticsInsight> = held
            .insights
            .all()
            .filter(|i| state.is_none_or(|s| i.state == s) && kind.is_none_or(|k| i.kind == k))
            .collect();
        found.sort_by(|a, b| b.rank().total_cmp(&a.rank()).then_with(|| a.id.cmp(&b.id)));
        let more = found.len() > limit;
        (found.into_iter().take(limit).cloned().collect(), more)
    }

    /// One insight.
    pub fn get(&self, id: &str) -> Option<AnalyticsInsight> {
        self.state.lock().insights.get(id).cloned()
    }

    /// Recommendations, in a state or all: those that wait for somebody first, then by confidence.
    pub fn recommendations(&self, state: Option<RecommendationState>) -> Vec<Recommendation> {
        let held = self.state.lock();
        let chosen = held.recommendations.all().filter(|r| state.is_none_or(|s| r.state == s));
        let mut found: Vec<Recommendation> = chosen.cloned().collect();
        found.sort_by(|a, b| {
            let order = a.state.cmp(&b.state).then_with(|| b.confidence.total_cmp(&a.confidence));
            order.then_with(|| a.id.cmp(&b.id))
        });
        found
    }

    /// One recommendation.
    pub fn recommendation(&self, id: &str) -> Option<Recommendation> {
        self.state.lock().recommendations.get(id).cloned()
    }

    /// The risk register as of the last look, the greatest score first.
    pub fn risks(&self) -> Vec<Risk> {
        self.state.lock().risks.clone()
    }

    /// How often each type of insight was right.
    pub fn reliability(&self) -> Reliability {
        self.state.lock().reliability.clone()
    }

    /// Assessments of hosts (`instance`) and services (`job`) that touch `from..=to`, the newest first, at
    /// most `limit`; and whether there are more.
    pub fn assessments(
        &self,
        by: Option<&str>,
        name: Option<&str>,
        range: (Timestamp, Timestamp),
        limit: usize,
    ) -> (Vec<(Group, Assessment)>, bool) {
        self.state.lock().assessments.between(by, name, range, limit)
    }

    /// How forecasts did, by series.
    pub fn forecasts(&self) -> Vec<Scored> {
        self.state.lock().scored.clone()
    }

    /// How forecasts did over all series, by model and horizon.
    pub fn accuracy(&self) -> Vec<Accuracy> {
        self.state.lock().accuracy.clone()
    }

    /// The jobs, as configured, and what came of their last look.
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.state.lock().jobs.clone()
    }
}
