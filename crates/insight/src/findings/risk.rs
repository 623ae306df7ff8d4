//! The risk register: what may break within an hour, a day, a week, a month, and how bad that is.
//!
//! Of a resource the probability comes from its outlook: the time to the limit is taken as log-normal
//! between its quantiles; where it may never come, for a fifth of the chances at most. Above the limit it
//! is 1. Certificates end when they say. The score is impact × urgency; urgency is the mean of the four
//! probabilities, the near ones heavier. Limit: [`RISKS_MAX`].

use plimsoll_analyze::normal_tail;
use plimsoll_model::Timestamp;
use serde::Serialize;

use super::make::use_of;
use super::probe::{Probe, braces_of};
use crate::capacity::{Days, ForecastState, Resource};

/// Risks told at most.
pub const RISKS_MAX: usize = 200;
/// Normal quantile of 10 % and 90 %.
const Z_80: f64 = 1.2816;
/// Weights of hour, day, week and month in the urgency.
const URGENCY: [f64; 4] = [0.4, 0.3, 0.2, 0.1];
/// Certificates that end later are no risk, seconds: a month.
const CERTIFICATE_S: f64 = 30.0 * 86_400.0;

/// Chances of a breach, each 0..=1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Probability {
    /// Within an hour.
    pub hour: f64,
    /// Within a day.
    pub day: f64,
    /// Within seven days.
    pub week: f64,
    /// Within thirty days.
    pub month: f64,
}

/// Something that may break.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Risk {
    /// Its id, 16 hexadecimal digits.
    pub id: String,
    /// What: the id of a resource, or the name of a kind and whose.
    pub resource: String,
    /// In a few words.
    pub title: String,
    /// Labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// How likely, and when.
    pub probability: Probability,
    /// How bad, 0..=1.
    pub impact: f64,
    /// Impact × urgency, 0..=1.
    pub score: f64,
    /// For people.
    pub text: String,
    /// The query behind it.
    pub query: String,
    /// What the query gives now, and its unit.
    pub value: f64,
    /// The unit of the value.
    pub unit: &'static str,
}

/// Chance of a breach within a month below which a resource is no risk.
const CHANCE_MIN: f64 = 0.02;

/// The register, the greatest score first.
pub(crate) fn register(resources: &[Resource], probe: &Probe<'_>, now: Timestamp) -> Vec<Risk> {
    let mut all: Vec<Risk> = resources.iter().filter_map(|r| of_resource(r, probe, now)).collect();
    all.extend(certificates(probe, now));
    all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.resource.cmp(&b.resource)));
    all.truncate(RISKS_MAX);
    all
}

/// How bad it is when a kind of resource is at its limit.
fn impact_of(kind: &str) -> (f64, &'static str) {
    match kind {
        "disk" => (1.0, "writes fail"),
        "memory" => (0.9, "processes are killed"),
        "inodes" => (0.8, "no file can be made"),
        "files" => (0.8, "nothing can be opened, no connection accepted"),
        "swap" => (0.4, "memory has no reserve"),
        _ => (0.7, "its limit is reached"),
    }
}

fn of_resource(r: &Resource, probe: &Probe<'_>, now: Timestamp) -> Option<Risk> {
    let kind = r.labels.iter().find(|(n, _)| n == "resource").map_or("", |(_, v)| v.as_str());
    let probability = if r.ratio >= 1.0 {
        Probability { hour: 1.0, day: 1.0, week: 1.0, month: 1.0 }
    } else {
        match (r.probability, r.forecast.state, r.forecast.days) {
            (Some(p), ..) if p[3] >= CHANCE_MIN => {
                // Rounding of sums leaves a little less than nothing, which would be told as -0 %.
                let [hour, day, week, month] = p.map(|p| p.clamp(0.0, 1.0) + 0.0);
                Probability { hour, day, week, month }
            }
            (None, ForecastState::Ok, Some(days)) => chances(days),
            _ => return None,
        }
    };
    let query = use_of(r)?;
    let value = probe.number(&query, now)?;
    let (impact, means) = impact_of(kind);
    let text = format!(
        "{}: {:.0} % within a day, {:.0} % within a week; then {means}",
        r.forecast.text,
        probability.day * 100.0,
        probability.week * 100.0
    );
    Some(Risk {
        id: super::hashed(&["risk", &r.id]),
        resource: r.id.clone(),
        title: format!("{} reaches its limit", r.title),
        labels: r.labels.clone(),
        probability,
        impact,
        score: score(probability, impact),
        text,
        query,
        value,
        unit: "ratio",
    })
}

/// Chances from the quantiles of the time to the limit.
fn chances(days: Days) -> Probability {
    let p50 = days.p50.max(1e-6);
    let sigma = ((p50.ln() - days.p10.max(1e-6).ln()) / Z_80).clamp(0.05, 3.0);
    let comes = if days.p90.is_some() { 1.0 } else { 0.8 };
    let within = |limit: f64| comes * (1.0 - normal_tail((limit.ln() - p50.ln()) / sigma));
    let chance = |d: f64| within(d).clamp(0.0, 1.0);
    Probability {
        hour: chance(1.0 / 24.0),
        day: chance(1.0),
        week: chance(7.0),
        month: chance(30.0),
    }
}

fn score(p: Probability, impact: f64) -> f64 {
    let all = [p.hour, p.day, p.week, p.month];
    impact * all.iter().zip(URGENCY).map(|(p, w)| p * w).sum::<f64>()
}

fn certificates(probe: &Probe<'_>, now: Timestamp) -> Vec<Risk> {
    const ENDS: [&str; 2] = ["probe_ssl_earliest_cert_expiry", "x509_cert_not_after"];
    let mut all = Vec::new();
    for metric in ENDS {
        let soon = format!("{metric} - time() < {CERTIFICATE_S}");
        for (labels, seconds) in probe.vector(&soon, now).into_iter().take(RISKS_MAX) {
            let labels = crate::scores::pairs(&labels);
            let name = labels.iter().find(|(n, _)| n == "instance").map_or("", |(_, v)| v);
            let by = |days: f64| if seconds <= days * 86_400.0 { 1.0 } else { 0.0 };
            let (hour, day) = (by(1.0 / 24.0), by(1.0));
            let probability = Probability { hour, day, week: by(7.0), month: by(30.0) };
            let left = super::make::lasting(seconds.max(0.0));
            let resource = format!("certificate{}", braces_of(&labels));
            all.push(Risk {
                id: super::hashed(&["risk", &resource]),
                title: format!("the certificate of {name} ends"),
                text: format!("it ends in {left}; then clients refuse to connect"),
                query: format!("{metric}{} - time()", braces_of(&labels)),
                resource,
                labels,
                probability,
                impact: 1.0,
                score: score(probability, 1.0),
                value: seconds,
                unit: "seconds",
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_follow_the_quantiles() {
        let p = chances(Days { p05: 5.0, p10: 5.0, p50: 7.0, p90: Some(10.0), p95: Some(10.0) });
        assert!((p.week - 0.5).abs() < 1e-6, "{p:?}");
        assert!(p.hour < 1e-6 && p.day < 1e-6 && p.month > 0.999, "{p:?}");
        let never = chances(Days { p05: 5.0, p10: 5.0, p50: 7.0, p90: None, p95: None });
        assert!((never.week - 0.4).abs() < 1e-6 && never.month <= 0.8);
        let now = chances(Days { p05: 0.0, p10: 0.0, p50: 0.0, p90: Some(0.0), p95: Some(0.0) });
        assert!(now.hour > 0.999, "{now:?}");
        for odd in [f64::NAN, f64::INFINITY] {
            let p = chances(Days { p05: odd, p10: odd, p50: odd, p90: Some(odd), p95: Some(odd) });
            assert!(score(p, 1.0) <= 1.0 || score(p, 1.0).is_nan());
        }
        let sooner = chances(Days { p05: 0.5, p10: 0.5, p50: 1.0, p90: Some(2.0), p95: Some(2.0) });
        assert!(score(sooner, 1.0) > score(p, 1.0));
    }
}
