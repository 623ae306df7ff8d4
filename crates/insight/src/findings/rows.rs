//! What findings tell about themselves.

use plimsoll_model::MetricKind;

use super::assess::Health;
use super::{Findings, InsightState, InsightType, RecommendationState};

/// A value about findings: name, help, kind, labels, value.
pub type LabelledRow = (&'static str, &'static str, MetricKind, Vec<(&'static str, String)>, f64);

impl Findings {
    /// What findings tell about themselves.
    pub fn rows(&self) -> Vec<LabelledRow> {
        use MetricKind::{Counter, Gauge};
        let s = self.state.lock();
        let mut rows: Vec<LabelledRow> = self.insight.spending();
        let states = [
            InsightState::New,
            InsightState::Acknowledged,
            InsightState::Dismissed,
            InsightState::Expired,
        ];
        for state in states {
            let labels = vec![("state", state.as_str().to_owned())];
            let help = "Insights that are kept; at most 1,000.";
            rows.push(("plimsoll_insights", help, Gauge, labels, s.insights.len(state) as f64));
        }
        for kind in InsightType::ALL {
            let (right, wrong) = s.reliability.votes(kind);
            for (vote, n) in [("right", right), ("wrong", wrong)] {
                let labels = vec![("type", kind.as_str().to_owned()), ("vote", vote.to_owned())];
                let help = "Insights that people or the truth called right or wrong.";
                rows.push(("plimsoll_insight_votes", help, Gauge, labels, f64::from(n)));
            }
        }
        for state in RecommendationState::ALL {
            let labels = vec![("state", state.as_str().to_owned())];
            let help = "Recommendations that are kept; at most 500.";
            let n = s.recommendations.len(state);
            rows.push(("plimsoll_recommendations", help, Gauge, labels, n as f64));
        }
        for health in [Health::Normal, Health::Degraded, Health::Bad] {
            let labels = vec![("state", health.as_str().to_owned())];
            let help = "Hosts and services by their newest assessment; at most 500.";
            let n = s.assessments.in_state(health);
            rows.push(("plimsoll_assessed", help, Gauge, labels, n as f64));
        }
        let mut row = |name, help, kind, value| rows.push((name, help, kind, Vec::new(), value));
        row(
            "plimsoll_insights_made_total",
            "Insights that were new.",
            Counter,
            s.insights.made as f64,
        );
        row(
            "plimsoll_insights_left_out_total",
            "Insights forgotten for want of room.",
            Counter,
            s.insights.left_out as f64,
        );
        row(
            "plimsoll_recommendations_left_out_total",
            "Recommendations forgotten for want of room.",
            Counter,
            s.recommendations.left_out as f64,
        );
        row(
            "plimsoll_risks",
            "Entries of the risk register; at most 200.",
            Gauge,
            s.risks.len() as f64,
        );
        row(
            "plimsoll_forecast_books",
            "Series whose forecasts are graded; at most 400.",
            Gauge,
            s.scored.len() as f64,
        );
        row(
            "plimsoll_forecast_books_left_out_total",
            "Times that a series found no place in the ledger of forecasts.",
            Counter,
            s.books_left_out as f64,
        );
        row(
            "plimsoll_assessments_total",
            "Assessments of hosts and services made.",
            Counter,
            s.assessments.made as f64,
        );
        row(
            "plimsoll_assessments_left_out_total",
            "Hosts and services that were not assessed; 500 are at most.",
            Counter,
            s.assessments.left_out as f64,
        );
        row(
            "plimsoll_assessment_lag_seconds",
            "Time from the end of the newest interval to its assessment.",
            Gauge,
            s.assessments.lag_ms as f64 / 1e3,
        );
        row("plimsoll_analysis_jobs", "Jobs that run; at most 200.", Gauge, s.jobs.len() as f64);
        row("plimsoll_analysis_job_runs_total", "Looks of jobs.", Counter, s.job_runs as f64);
        row(
            "plimsoll_analysis_job_series_set_aside",
            "Series that jobs could not analyse at their last look.",
            Gauge,
            s.jobs.iter().map(|j| j.set_aside.len() as f64).sum::<f64>(),
        );
        row(
            "plimsoll_analysis_job_series_left_out",
            "Series beyond the 100 of a job at its last look.",
            Gauge,
            s.jobs.iter().map(|j| j.left_out as f64).sum::<f64>(),
        );
        row("plimsoll_findings_looks_total", "Looks for findings.", Counter, s.looks as f64);
        row("plimsoll_findings_queries_total", "Queries of findings.", Counter, s.queries as f64);
        row(
            "plimsoll_findings_seconds_total",
            "Time spent on findings; a tenth of one core at most.",
            Counter,
            s.busy.as_secs_f64(),
        );
        row(
            "plimsoll_findings_records_failures_total",
            "Times that findings could not be written down or read.",
            Counter,
            s.records_failures as f64,
        );
        row(
            "plimsoll_findings_unreadable",
            "Documents of findings that could not be read at the start.",
            Gauge,
            s.unreadable as f64,
        );
        rows
    }
}
