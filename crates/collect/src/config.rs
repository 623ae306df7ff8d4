//! `scrape_configs` in Prometheus' syntax: as written, and checked.
//!
//! [`WrittenScrape::check`] reports every problem with its key, what was found and what is allowed.
//! Beyond what is written, two bounds always hold: a body of [`BODY_BYTES_MAX`] and
//! [`SAMPLES_MAX`] samples per scrape.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_model::{Secret, parse_duration_ms};
use plimsoll_net::{Redirects, Trust};
use plimsoll_wire::text::Format;
use serde::Deserialize;

use crate::scrape::relabel::{Action, Rule, anchored};

/// Bytes of a body after decompression where `body_size_limit` is not set.
pub const BODY_BYTES_MAX: u64 = 64 << 20;
/// Samples of a scrape where `sample_limit` is not set: what such a body holds.
pub const SAMPLES_MAX: usize = 500_000;

/// Keys of a Prometheus `scrape_configs` entry that are known and not supported. Whoever reads a
/// Prometheus configuration as it is takes them out first and tells so; here they are errors.
pub const UNSUPPORTED: [&str; 40] = [
    "always_scrape_classic_histograms",
    "azure_sd_configs",
    "bearer_token_file",
    "consul_sd_configs",
    "convert_classic_histograms_to_nhcb",
    "digitalocean_sd_configs",
    "dns_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "enable_http2",
    "eureka_sd_configs",
    "file_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "http_headers",
    "http_sd_configs",
    "ionos_sd_configs",
    "keep_dropped_targets",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "metric_name_escaping_scheme",
    "metric_name_validation_scheme",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "nerve_sd_configs",
    "no_proxy",
    "nomad_sd_configs",
    "oauth2",
    "openstack_sd_configs",
    "proxy_connect_header",
    "proxy_from_environment",
    "proxy_url",
    "puppetdb_sd_configs",
    "scaleway_sd_configs",
    "scrape_failure_log_file",
    "scrape_native_histograms",
];

/// One entry of `scrape_configs` as YAML has it. `enable_compression`, `scrape_protocols` and
/// `track_timestamps_staleness` are accepted and change nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WrittenScrape {
    pub job_name: String,
    pub scrape_interval: Option<String>,
    pub scrape_timeout: Option<String>,
    pub metrics_path: Option<String>,
    pub scheme: Option<String>,
    pub params: BTreeMap<String, Vec<String>>,
    pub honor_labels: bool,
    pub honor_timestamps: Option<bool>,
    pub sample_limit: u64,
    pub body_size_limit: Option<String>,
    pub label_limit: u64,
    pub label_name_length_limit: u64,
    pub label_value_length_limit: u64,
    pub target_limit: u64,
    pub basic_auth: Option<WrittenBasicAuth>,
    pub authorization: Option<WrittenAuthorization>,
    pub bearer_token: Option<String>,
    pub follow_redirects: Option<bool>,
    pub enable_compression: Option<bool>,
    pub tls_config: Option<WrittenTls>,
    pub static_configs: Vec<WrittenGroup>,
    pub relabel_configs: Vec<WrittenRule>,
    pub metric_relabel_configs: Vec<WrittenRule>,
    pub fallback_scrape_protocol: Option<String>,
    pub scrape_protocols: Option<Vec<String>>,
    pub track_timestamps_staleness: Option<bool>,
}

/// `basic_auth`.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WrittenBasicAuth {
    pub username: String,
    pub password: String,
}

/// `authorization`.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WrittenAuthorization {
    pub r#type: Option<String>,
    pub credentials: String,
}

impl std::fmt::Debug for WrittenBasicAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

impl std::fmt::Debug for WrittenAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

/// `tls_config`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WrittenTls {
    pub insecure_skip_verify: bool,
}

/// An entry of `static_configs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WrittenGroup {
    pub targets: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// An entry of `relabel_configs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WrittenRule {
    pub source_labels: Vec<String>,
    pub separator: Option<String>,
    pub regex: Option<String>,
    pub modulus: u64,
    pub target_label: String,
    pub replacement: Option<String>,
    pub action: Option<String>,
}

/// What holds where an entry says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Time between scrapes.
    pub interval: Duration,
    /// Time for one scrape.
    pub timeout: Duration,
}

impl Defaults {
    /// What holds under a Prometheus configuration: 1 m and 10 s.
    pub const PROMETHEUS: Self =
        Self { interval: Duration::from_secs(60), timeout: Duration::from_secs(10) };
}

impl Default for Defaults {
    /// 15 s and 10 s.
    fn default() -> Self {
        Self { interval: Duration::from_secs(15), timeout: Duration::from_secs(10) }
    }
}

/// A mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {found:?} is not allowed ({allowed})")]
pub struct Problem {
    /// The key, with its place: `scrape_configs[0].scrape_interval`.
    pub key: String,
    /// What was found.
    pub found: String,
    /// What is allowed there.
    pub allowed: String,
}

/// How targets prove who is asking.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// The value of the `Authorization` header.
    Header(Secret),
}

/// A scrape job that cannot be wrong.
#[derive(Clone, PartialEq)]
#[allow(missing_docs)]
pub struct ScrapeConfig {
    pub job: String,
    pub interval: Duration,
    /// Never above the interval.
    pub timeout: Duration,
    pub metrics_path: String,
    pub scheme: String,
    pub params: BTreeMap<String, Vec<String>>,
    pub honor_labels: bool,
    pub honor_timestamps: bool,
    pub samples_max: usize,
    pub body_bytes_max: u64,
    /// 0: only the limits of every label set.
    pub labels_max: usize,
    pub label_name_bytes_max: usize,
    pub label_value_bytes_max: usize,
    pub auth: Auth,
    pub redirects: Redirects,
    pub trust: Trust,
    pub groups: Vec<(Vec<String>, BTreeMap<String, String>)>,
    pub relabel: Vec<Rule>,
    pub metric_relabel: Vec<Rule>,
    pub fallback: Option<Format>,
}

impl ScrapeConfig {
    /// A job with all defaults.
    pub fn new(job: &str, targets: &[&str], defaults: Defaults) -> Self {
        let written = WrittenScrape { job_name: job.to_owned(), ..WrittenScrape::default() };
        let mut out = written.build(defaults, "scrape", &mut Vec::new());
        out.groups.push((targets.iter().map(|t| (*t).to_owned()).collect(), BTreeMap::new()));
        out
    }
}

impl WrittenScrape {
    /// Checks everything; `at` names the place for messages.
    ///
    /// # Errors
    /// All problems, not only the first.
    pub fn check(self, defaults: Defaults, at: &str) -> Result<ScrapeConfig, Vec<Problem>> {
        let mut problems = Vec::new();
        let checked = self.build(defaults, at, &mut problems);
        if problems.is_empty() { Ok(checked) } else { Err(problems) }
    }

    fn build(self, defaults: Defaults, at: &str, out: &mut Vec<Problem>) -> ScrapeConfig {
        let key = |name: &str| format!("{at}.{name}");
        let interval = duration(self.scrape_interval.as_deref(), key("scrape_interval"), out);
        let interval = interval.unwrap_or(defaults.interval);
        let timeout = duration(self.scrape_timeout.as_deref(), key("scrape_timeout"), out);
        if timeout.is_some_and(|t| t > interval) {
            let found = self.scrape_timeout.clone().unwrap_or_default();
            problem(out, key("scrape_timeout"), &found, "at most scrape_interval");
        }
        let timeout = timeout.unwrap_or_else(|| defaults.timeout.min(interval));
        let scheme = self.scheme.clone().unwrap_or_else(|| "http".into());
        if !matches!(scheme.as_str(), "http" | "https") {
            problem(out, key("scheme"), &scheme, "http or https");
        }
        if self.job_name.is_empty() {
            problem(out, key("job_name"), "", "a name");
        }
        let body = size(self.body_size_limit.as_deref(), key("body_size_limit"), out);
        let auth = self.auth(&key, out);
        // Rules may make an address of it, as for probes of whole addresses of the web; each is looked at after them.
        let bare = self.relabel_configs.is_empty();
        let groups = groups(&self.static_configs, bare, &key("static_configs"), out);
        let targets: usize = groups.iter().map(|(t, _)| t.len()).sum();
        if self.target_limit > 0 && targets as u64 > self.target_limit {
            let allowed = format!("at most target_limit = {}", self.target_limit);
            problem(out, key("static_configs"), &format!("{targets} targets"), &allowed);
        }
        let limit = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        ScrapeConfig {
            interval,
            timeout,
            metrics_path: self.metrics_path.unwrap_or_else(|| "/metrics".into()),
            scheme,
            params: self.params,
            honor_labels: self.honor_labels,
            honor_timestamps: self.honor_timestamps.unwrap_or(true),
            samples_max: if self.sample_limit == 0 {
                SAMPLES_MAX
            } else {
                limit(self.sample_limit)
            },
            body_bytes_max: body.filter(|b| *b > 0).unwrap_or(BODY_BYTES_MAX),
            labels_max: limit(self.label_limit),
            label_name_bytes_max: limit(self.label_name_length_limit),
            label_value_bytes_max: limit(self.label_value_length_limit),
            auth,
            redirects: match self.follow_redirects {
                Some(false) => Redirects::Never,
                _ => Redirects::Follow,
            },
            trust: match self.tls_config {
                Some(WrittenTls { insecure_skip_verify: true }) => Trust::Anything,
                _ => Trust::System,
            },
            groups,
            relabel: rules(self.relabel_configs, &key("relabel_configs"), out),
            metric_relabel: rules(self.metric_relabel_configs, &key("metric_relabel_configs"), out),
            fallback: fallback(
                self.fallback_scrape_protocol.as_deref(),
                key("fallback_scrape_protocol"),
                out,
            ),
            job: self.job_name,
        }
    }

    fn auth(&self, key: &dyn Fn(&str) -> String, out: &mut Vec<Problem>) -> Auth {
        let given =
            [self.basic_auth.is_some(), self.authorization.is_some(), self.bearer_token.is_some()];
        if given.iter().filter(|g| **g).count() > 1 {
            let allowed = "one of basic_auth, authorization, bearer_token";
            problem(out, key("authorization"), "several", allowed);
        }
        let header = match (&self.basic_auth, &self.authorization, &self.bearer_token) {
            (Some(b), ..) => {
                format!("Basic {}", base64(format!("{}:{}", b.username, b.password).as_bytes()))
            }
            (_, Some(a), _) => {
                format!("{} {}", a.r#type.as_deref().unwrap_or("Bearer"), a.credentials)
            }
            (.., Some(token)) => format!("Bearer {token}"),
            _ => return Auth::None,
        };
        Auth::Header(Secret::new(header))
    }
}

fn problem(out: &mut Vec<Problem>, key: String, found: &str, allowed: &str) {
    out.push(Problem { key, found: found.to_owned(), allowed: allowed.to_owned() });
}

fn duration(text: Option<&str>, key: String, out: &mut Vec<Problem>) -> Option<Duration> {
    let text = text?;
    match parse_duration_ms(text).and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0) {
        Some(ms) => Some(Duration::from_millis(ms)),
        None => {
            problem(out, key, text, "a duration above 0: 5s, 1m30s, 2h");
            None
        }
    }
}

/// Sizes as Prometheus writes them: `10MB` is 10 MiB there.
fn size(text: Option<&str>, key: String, out: &mut Vec<Problem>) -> Option<u64> {
    let text = text?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = text[digits..].trim().trim_end_matches("iB").trim_end_matches('B');
    let shift = ["", "K", "M", "G", "T"].iter().position(|u| *u == unit);
    let bytes = text[..digits].parse::<u64>().ok().zip(shift);
    let bytes = bytes.and_then(|(n, s)| n.checked_mul(1 << (10 * s)));
    if bytes.is_none() {
        problem(out, key, text, "a size: 512KB, 10MB, 1GB");
    }
    bytes
}

type Groups = Vec<(Vec<String>, BTreeMap<String, String>)>;

fn groups(written: &[WrittenGroup], bare: bool, key: &str, out: &mut Vec<Problem>) -> Groups {
    for (i, group) in written.iter().enumerate() {
        let wrong = |t: &&String| t.is_empty() || (bare && t.contains('/'));
        for target in group.targets.iter().filter(wrong) {
            let allowed = "host:port; relabel_configs can make one of something else";
            problem(out, format!("{key}[{i}].targets"), target, allowed);
        }
        for name in group.labels.keys().filter(|n| n.is_empty()) {
            problem(out, format!("{key}[{i}].labels"), name, "a label name");
        }
    }
    written.iter().map(|g| (g.targets.clone(), g.labels.clone())).collect()
}

fn rules(written: Vec<WrittenRule>, key: &str, out: &mut Vec<Problem>) -> Vec<Rule> {
    let checked = written.into_iter().enumerate();
    checked.filter_map(|(i, rule)| self::rule(rule, &format!("{key}[{i}]"), out)).collect()
}

fn rule(written: WrittenRule, key: &str, out: &mut Vec<Problem>) -> Option<Rule> {
    let name = written.action.as_deref().unwrap_or("replace").to_ascii_lowercase();
    let Some((_, action)) = Action::NAMES.iter().find(|(n, _)| *n == name) else {
        let allowed: Vec<&str> = Action::NAMES.iter().map(|(n, _)| *n).collect();
        problem(out, format!("{key}.action"), &name, &allowed.join(", "));
        return None;
    };
    let pattern = written.regex.as_deref().unwrap_or("(.*)");
    let regex = match anchored(pattern) {
        Ok(regex) => regex,
        Err(_) => {
            problem(out, format!("{key}.regex"), pattern, "a regular expression (RE2 syntax)");
            return None;
        }
    };
    use Action::{DropEqual, HashMod, KeepEqual, Lowercase, Replace, Uppercase};
    let writes =
        matches!(action, Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual);
    if writes && written.target_label.is_empty() {
        problem(out, format!("{key}.target_label"), "", "a label name");
    }
    if *action == HashMod && written.modulus == 0 {
        problem(out, format!("{key}.modulus"), "0", "above 0");
    }
    Some(Rule {
        action: *action,
        source: written.source_labels,
        separator: written.separator.unwrap_or_else(|| ";".into()),
        regex,
        target: written.target_label,
        replacement: written.replacement.unwrap_or_else(|| "$1".into()),
        modulus: written.modulus,
    })
}

fn fallback(text: Option<&str>, key: String, out: &mut Vec<Problem>) -> Option<Format> {
    match text? {
        "PrometheusText0.0.4" | "PrometheusText1.0.0" => Some(Format::Prometheus),
        "OpenMetricsText0.0.1" | "OpenMetricsText1.0.0" => Some(Format::OpenMetrics),
        other => {
            let allowed = "PrometheusText0.0.4, PrometheusText1.0.0, OpenMetricsText0.0.1, \
                           OpenMetricsText1.0.0";
            problem(out, key, other, allowed);
            None
        }
    }
}

/// Base64 of RFC 4648 with padding, for `basic_auth`.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let n = part.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - part.len()));
        for i in 0..4 {
            let letter = LETTERS[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= part.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_at_once() {
        let written: WrittenScrape = serde_saphyr::from_str(
            "scrape_interval: 5sec\nscheme: ftp\nbody_size_limit: many\nstatic_configs:\n\
             - targets: ['http://x/y']\n  labels: {'': b}\nrelabel_configs:\n\
             - {action: reverse}\n- {regex: '('}\n- {action: hashmod, target_label: t}\n\
             fallback_scrape_protocol: x\n",
        )
        .unwrap();
        let problems = written.check(Defaults::default(), "scrape_configs[0]").err().unwrap();
        let keys: Vec<&str> =
            problems.iter().map(|p| p.key.rsplit("[0].").next().unwrap()).collect();
        assert_eq!(problems.len(), 9, "{problems:#?}");
        assert!(keys.contains(&"scrape_interval") && keys.contains(&"job_name"));
        assert_eq!(
            problems[0].to_string(),
            "scrape_configs[0].scrape_interval: \"5sec\" is not allowed (a duration above 0: 5s, 1m30s, 2h)"
        );
    }

    #[test]
    fn a_target_may_be_anything_that_rules_make_an_address_of() {
        let probe = "job_name: probe\nstatic_configs: [{targets: ['http://x/y']}]\n";
        let written: WrittenScrape = serde_saphyr::from_str(probe).unwrap();
        let problems = written.check(Defaults::default(), "scrape_configs[0]").err().unwrap();
        assert_eq!(problems[0].key, "scrape_configs[0].static_configs[0].targets");
        let rules = "relabel_configs:\n- {source_labels: [__address__], target_label: instance}\n\
                     - {target_label: __address__, replacement: 'probe:9115'}\n";
        let written: WrittenScrape = serde_saphyr::from_str(&format!("{probe}{rules}")).unwrap();
        let config =
            std::sync::Arc::new(written.check(Defaults::default(), "scrape_configs[0]").unwrap());
        let mut problems = Vec::new();
        let targets = crate::scrape::targets_of(&config, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(targets[0].url, "http://probe:9115/metrics");
        let instance = ("instance".to_owned(), "http://x/y".to_owned());
        assert!(targets[0].terms.labels.contains(&instance));
    }

    #[test]
    fn sizes_and_credentials_are_read() {
        assert_eq!(size(Some("10MB"), String::new(), &mut Vec::new()), Some(10 << 20));
        assert_eq!(size(Some("512"), String::new(), &mut Vec::new()), Some(512));
        for (text, want) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), want);
        }
    }
}
