//! Targets: from configuration through relabelling to a URL, labels and a schedule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{format_duration_ms, parse_duration_ms};
use plimsoll_net::Request;
use plimsoll_wire::text::ACCEPT;

use super::cache::Terms;
use super::relabel::{LabelMap, apply};
use crate::config::{Auth, ScrapeConfig};

/// One target, ready to be scraped.
#[derive(Clone, PartialEq)]
pub struct Target {
    /// The job it belongs to.
    pub config: Arc<ScrapeConfig>,
    /// Where it is asked.
    pub url: String,
    /// Time between scrapes.
    pub interval: Duration,
    /// Time for one scrape.
    pub timeout: Duration,
    /// Labels before relabelling.
    pub discovered: BTreeMap<String, String>,
    /// What holds for its samples, its labels included.
    pub terms: Terms,
}

/// Whether a target answered last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Health {
    #[default]
    Unknown,
    Up,
    Down,
}

impl Health {
    /// As the targets API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A target as the API reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetStatus {
    /// The job's name.
    pub pool: String,
    /// Labels before relabelling.
    pub discovered: BTreeMap<String, String>,
    /// Labels of its series.
    pub labels: Vec<(String, String)>,
    /// Where it is asked.
    pub url: String,
    /// Why the last scrape failed; empty when it did not.
    pub last_error: String,
    /// When it was asked last, ms; 0 for never.
    pub last_scrape_ms: i64,
    /// How long that took.
    pub last_duration: Duration,
    /// Samples of the last scrape.
    pub last_samples: u64,
    /// Whether it answered.
    pub health: Health,
    /// Time between scrapes.
    pub interval: Duration,
    /// Time for one scrape.
    pub timeout: Duration,
}

/// The targets of a job; those that relabelling drops are left out, those that come out wrong are
/// told in `problems`.
pub fn targets_of(config: &Arc<ScrapeConfig>, problems: &mut Vec<String>) -> Vec<Target> {
    let mut out: Vec<Target> = Vec::new();
    for (addresses, labels) in &config.groups {
        for address in addresses {
            match target(config, address, labels) {
                Ok(Some(t)) if !out.iter().any(|o| o.url == t.url && o.terms == t.terms) => {
                    out.push(t);
                }
                Ok(_) => {}
                Err(why) => problems.push(format!("job {:?}: {address}: {why}", config.job)),
            }
        }
    }
    out
}

fn target(
    config: &Arc<ScrapeConfig>,
    address: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Option<Target>, String> {
    let mut map = LabelMap::default();
    let duration = |d: Duration| format_duration_ms(d.as_millis() as i64);
    map.set("job", &config.job);
    map.set("__scheme__", &config.scheme);
    map.set("__metrics_path__", &config.metrics_path);
    map.set("__scrape_interval__", &duration(config.interval));
    map.set("__scrape_timeout__", &duration(config.timeout));
    for (name, values) in &config.params {
        map.set(&format!("__param_{name}"), values.first().map_or("", String::as_str));
    }
    map.set("__address__", address);
    for (name, value) in labels {
        map.set(name, value);
    }
    let discovered = map.0.clone();
    if !apply(&config.relabel, &mut map) {
        return Ok(None);
    }
    let address = map.get("__address__").to_owned();
    if address.is_empty() || address.contains('/') {
        return Err(format!("address {address:?} after relabelling is not host:port"));
    }
    if map.get("instance").is_empty() {
        map.set("instance", &address);
    }
    let interval = time(&map, "__scrape_interval__")?;
    let timeout = time(&map, "__scrape_timeout__")?.min(interval);
    let url = url(config, &map, &address);
    let labels = map.0.iter().filter(|(n, _)| !n.starts_with("__"));
    let terms = Terms {
        labels: labels.map(|(n, v)| (n.clone(), v.clone())).collect(),
        honor_labels: config.honor_labels,
        honor_timestamps: config.honor_timestamps,
        samples_max: config.samples_max,
        labels_max: config.labels_max,
        label_name_bytes_max: config.label_name_bytes_max,
        label_value_bytes_max: config.label_value_bytes_max,
        metric_relabel: config.metric_relabel.clone(),
    };
    Ok(Some(Target { config: Arc::clone(config), url, interval, timeout, discovered, terms }))
}

fn time(map: &LabelMap, name: &str) -> Result<Duration, String> {
    let text = map.get(name);
    let ms = parse_duration_ms(text).and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
    ms.map(Duration::from_millis).ok_or_else(|| format!("{name} {text:?} is not a duration"))
}

fn url(config: &ScrapeConfig, map: &LabelMap, address: &str) -> String {
    let path = map.get("__metrics_path__");
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut url = format!("{}://{address}{slash}{path}", map.get("__scheme__"));
    let mut query = Vec::new();
    for (name, value) in map.0.iter().filter_map(|(n, v)| Some((n.strip_prefix("__param_")?, v))) {
        query.push(format!("{}={}", escaped(name), escaped(value)));
        for more in config.params.get(name).into_iter().flatten().skip(1) {
            query.push(format!("{}={}", escaped(name), escaped(more)));
        }
    }
    if !query.is_empty() {
        url.push(if path.contains('?') { '&' } else { '?' });
        url.push_str(&query.join("&"));
    }
    url
}

/// Percent-encodes what is not unreserved in RFC 3986.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

impl Target {
    /// What is sent.
    pub(super) fn request(&self) -> Request {
        let mut request = Request::get(self.url.clone());
        request.timeout = self.timeout;
        request.body_limit = self.config.body_bytes_max;
        request.redirects = self.config.redirects;
        request.trust = self.config.trust;
        request.headers.push(("accept".into(), ACCEPT.into()));
        let seconds = self.timeout.as_secs_f64().to_string();
        request.headers.push(("x-prometheus-scrape-timeout-seconds".into(), seconds));
        if let Auth::Header(secret) = &self.config.auth {
            request.headers.push(("authorization".into(), secret.reveal().to_owned()));
        }
        request
    }

    /// Where in the interval it is asked: spread by name, the same after every restart.
    pub(super) fn offset_ms(&self) -> i64 {
        let mut name = self.url.clone();
        for (n, v) in &self.terms.labels {
            name.extend([n, "=", v, ";"]);
        }
        let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
        (hash % self.interval.as_millis().max(1) as u64) as i64
    }

    /// A status before the first scrape.
    pub(super) fn status(&self) -> TargetStatus {
        TargetStatus {
            pool: self.config.job.clone(),
            discovered: self.discovered.clone(),
            labels: self.terms.labels.clone(),
            url: self.url.clone(),
            last_error: String::new(),
            last_scrape_ms: 0,
            last_duration: Duration::ZERO,
            last_samples: 0,
            health: Health::Unknown,
            interval: self.interval,
            timeout: self.timeout,
        }
    }
}

/// The next time after `now` that is `offset` into an interval.
pub(super) fn next_ms(now: i64, interval: Duration, offset: i64) -> i64 {
    let step = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let into = (now - offset).rem_euclid(step);
    now.saturating_add(step - into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Defaults;

    #[test]
    fn a_target_is_asked_where_its_labels_say() {
        let mut config = ScrapeConfig::new("j", &[], Defaults::default());
        config.params.insert("module".into(), vec!["a b".into(), "c".into()]);
        let labels = [("__metrics_path__", "/x"), ("env", "prod"), ("__scrape_interval__", "1s")];
        let labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        config.groups.push((vec!["h:1".into()], labels));
        let mut problems = Vec::new();
        let targets = targets_of(&Arc::new(config), &mut problems);
        assert_eq!(targets[0].url, "http://h:1/x?module=a%20b&module=c");
        let labels: Vec<String> =
            targets[0].terms.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(labels, ["env=prod", "instance=h:1", "job=j"]);
        assert_eq!(targets[0].timeout, Duration::from_secs(1));
        assert!(problems.is_empty());
    }

    #[test]
    fn the_schedule_keeps_its_place_in_the_interval() {
        let s = Duration::from_secs(15);
        assert_eq!(next_ms(1_000_000, s, 0), 1_005_000);
        assert_eq!(next_ms(1_005_000, s, 0), 1_020_000);
        assert_eq!(next_ms(1_005_000, s, 1), 1_005_001);
    }
}
