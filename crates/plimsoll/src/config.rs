//! Configuration: from flags and files to what the parts work with.
//!
//! Two layers. *Written* is YAML as people write it ([`plimsoll_model::written`]); *checked* is
//! [`Config`], which cannot be wrong. All problems are told at once, each with file, line and key.
//! Top-level keys are the parts' names. Only this module reads configuration files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_alert::Group;
use plimsoll_alert::registry::{Settings, Subject};
use plimsoll_collect::CollectConfig;
use plimsoll_guard::{Opened, check_listen};
use plimsoll_model::Labels;
use plimsoll_model::written::{Fields, Problem, Problems, Value, parse};
use plimsoll_query::EngineConfig;

mod alerting;
mod alertmanager;
mod collect;
mod dashboards;
mod encryption;
mod otlp;
mod prometheus;
mod receivers;
mod rules;
mod store;

pub use alertmanager::check as check_alertmanager_file;
pub use receivers::Kept as KeptReceivers;
pub use rules::{Kept as KeptRules, check_rule_file, matching as matching_rule_files};

/// Reads an encryption key from a file that only its owner may read.
///
/// # Errors
/// What is wrong with the file; never its content.
pub fn key_from_file(path: &Path) -> Result<plimsoll_store::SealKey, String> {
    encryption::from_file(&path.to_string_lossy())
}

/// Where a server listens when nothing else is said.
pub const LISTEN: &str = "127.0.0.1:7546";
/// Where data is kept when nothing else is said.
pub const DATA_DIR: &str = "plimsoll-data";

/// What the command line, or a program that embeds us, says. Everything has a default.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Our configuration file; none is needed.
    pub config: Option<PathBuf>,
    /// A Prometheus configuration file, taken as it is.
    pub prometheus_config: Option<PathBuf>,
    /// An Alertmanager configuration file, taken as it is.
    pub alertmanager_config: Option<PathBuf>,
    /// The data directory.
    pub data_dir: Option<PathBuf>,
    /// The address to listen on.
    pub listen: Option<String>,
    /// Nothing of its own: no host, no self-metrics, no default rules, no analysis.
    pub bare: bool,
    /// PromQL's experimental parts, by Prometheus' names.
    pub features: Vec<String>,
    /// How long samples are kept: a duration, or `unlimited`.
    pub retention: Option<String>,
    /// Names by which requests may call the server, besides those of the file.
    pub allowed_hosts: Vec<String>,
    /// Serve the browser application from here.
    pub ui_dir: Option<PathBuf>,
}

impl Options {
    /// All defaults, with data in `dir`.
    pub fn in_dir(dir: &Path) -> Self {
        Self { data_dir: Some(dir.to_owned()), ..Self::default() }
    }
}

/// A configuration that cannot be wrong.
#[derive(Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What the operator has opened on purpose.
    pub opened: Opened,
    /// Names by which requests may call the server, besides addresses and localhost.
    pub allowed_hosts: Vec<String>,
    /// The labels of this server, which go with what other servers get of it.
    pub external_labels: Labels,
    /// What to say about it at start.
    pub listen_note: &'static str,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The store's.
    pub store: plimsoll_store::Config,
    /// The collectors'.
    pub collect: CollectConfig,
    /// The query engine's.
    pub query: EngineConfig,
    /// Longest a query may take.
    pub query_timeout: Duration,
    /// Bytes of answers that are kept for the next time.
    pub result_cache: u64,
    /// Alerting's.
    pub alert: plimsoll_alert::config::Config,
    /// The rules of all files, default rules included, without those of `kept_rules`.
    pub groups: Vec<Group>,
    /// The rule files that the API keeps below the data directory.
    pub kept_rules: KeptRules,
    /// The receivers that were added through the API; `alert.routing` has them joined to the configured ones.
    pub kept_receivers: KeptReceivers,
    /// Dashboards of files.
    pub dashboards: Vec<plimsoll_show::dashboard::Dashboard>,
    /// What is said of metrics.
    pub metrics: Vec<(Subject, Settings)>,
    /// Analysis'.
    pub analysis: plimsoll_insight::Config,
    /// Analysis jobs.
    pub jobs: Vec<plimsoll_insight::findings::jobs::Job>,
    /// How OpenTelemetry metrics are taken in.
    pub otlp: Arc<plimsoll_wire::otlp::Settings>,
    /// Keys of foreign files that change nothing here, to be told at start.
    pub unsupported: Vec<String>,
    /// The text of our file, or nothing.
    pub text: String,
    /// Serve the browser application from here.
    pub ui_dir: Option<PathBuf>,
}

/// Reads everything that `options` names.
///
/// # Errors
/// Every problem of every file and flag.
pub fn load(options: &Options) -> Result<Config, Vec<Problem>> {
    let (file, text) = match &options.config {
        None => ("(defaults)".to_owned(), String::new()),
        Some(path) => (path.display().to_string(), read(path)?),
    };
    let base = options.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let root = parse(&file, &text).map_err(|p| vec![p])?;
    let mut problems = Problems::new(file);
    let mut config = sections(&root, options, base, &mut problems);
    config.text = text;
    flags(options, &mut config, &mut problems);
    config.metrics = metrics(&root, &config.query.features, &mut problems);
    config.jobs = jobs(&root, &config.query.features, &mut problems);
    let dashboard_files = dashboard_files(&root, &mut problems);
    let mut found = problems.found;
    if let Some(path) = &options.prometheus_config {
        prometheus::merge(path, &mut config, &mut found);
    }
    let file = options.alertmanager_config.as_deref();
    alertmanager::merge(file, base, &mut config, &mut found);
    if config.alert.alertmanager_config.is_none() {
        let own = options.config.as_deref().unwrap_or(Path::new("(defaults)"));
        found.extend(alertmanager::templates(own, base, &mut config.alert.routing));
    }
    let features = config.query.features;
    config.alert.external_labels = config.external_labels.clone();
    let (groups, mut wrong) = rules::load(&config.alert, base, options.bare, &features);
    config.groups.extend(groups);
    found.append(&mut wrong);
    let (kept, mut wrong) = rules::load_kept(&config.data_dir, config.alert.interval_ms, &features);
    config.kept_rules = kept;
    found.append(&mut wrong);
    let configured = Arc::clone(&config.alert.routing);
    let (kept, mut wrong) =
        receivers::load(&config.data_dir, configured, &config.alert.exec_allowed);
    found.append(&mut wrong);
    // A name that two have is among the problems already.
    if let Ok(joined) = kept.joined() {
        config.alert.routing = joined;
    }
    config.kept_receivers = kept;
    let (shown, mut wrong) = dashboards::load(&dashboard_files, base, &features);
    config.dashboards = shown;
    found.append(&mut wrong);
    if found.is_empty() {
        return Ok(config);
    }
    found.sort();
    Err(found)
}

/// Reads a file, or says why not.
pub(crate) fn read(path: &Path) -> Result<String, Vec<Problem>> {
    std::fs::read_to_string(path).map_err(|e| {
        let file = path.display().to_string();
        vec![Problem { file, line: 0, key: String::new(), message: format!("cannot be read: {e}") }]
    })
}

fn dashboard_files(root: &plimsoll_model::written::Node, problems: &mut Problems) -> Vec<String> {
    let Value::Map(entries) = &root.value else { return Vec::new() };
    let node = entries.iter().find(|(key, ..)| key == "dashboards");
    node.map(|(.., node)| dashboards::read(node, problems)).unwrap_or_default()
}

fn metrics(
    root: &plimsoll_model::written::Node,
    features: &plimsoll_query::Features,
    problems: &mut Problems,
) -> Vec<(Subject, Settings)> {
    let Value::Map(entries) = &root.value else { return Vec::new() };
    let Some((.., node)) = entries.iter().find(|(key, ..)| key == "metrics") else {
        return Vec::new();
    };
    plimsoll_alert::registry::read_section(node, "metrics", features, problems)
}

fn jobs(
    root: &plimsoll_model::written::Node,
    features: &plimsoll_query::Features,
    problems: &mut Problems,
) -> Vec<plimsoll_insight::findings::jobs::Job> {
    let under = |node: &plimsoll_model::written::Node, key: &str| match &node.value {
        Value::Map(entries) => entries.iter().find(|(k, ..)| k == key).map(|(.., n)| n.clone()),
        _ => None,
    };
    let Some(node) = under(root, "analysis").and_then(|a| under(&a, "jobs")) else {
        return Vec::new();
    };
    plimsoll_insight::findings::jobs::read(&node, "analysis.jobs", features, problems)
}

fn sections(
    root: &plimsoll_model::written::Node,
    options: &Options,
    base: &Path,
    problems: &mut Problems,
) -> Config {
    let empty = plimsoll_model::written::Node::new(1, Value::Map(Vec::new()));
    let mut fields = Fields::of(root, "", problems);
    let mut section = |name| fields.take(name).unwrap_or(&empty);
    let (serve, store_node, collect_node) =
        (section("serve"), section("store"), section("collect"));
    let (query_node, alert, analysis) = (section("query"), section("alert"), section("analysis"));
    let otlp_node = section("otlp");
    // Read when the flags have said which parts of PromQL are on.
    let _later = (section("metrics"), section("dashboards"));
    fields.finish(problems);
    let (listen, opened, allowed_hosts, external_labels) = serve_section(serve, options, problems);
    let (query, query_timeout, result_cache) = query_section(query_node, problems);
    let mut config = Config {
        listen,
        opened,
        allowed_hosts,
        external_labels,
        listen_note: "",
        data_dir: options.data_dir.clone().unwrap_or_else(|| PathBuf::from(DATA_DIR)),
        store: store::read(store_node, "store", problems),
        collect: collect::read(collect_node, "collect", base, problems),
        query,
        query_timeout,
        result_cache,
        alert: plimsoll_alert::config::read(alert, "alert", problems),
        groups: Vec::new(),
        kept_rules: KeptRules::default(),
        kept_receivers: KeptReceivers::default(),
        dashboards: Vec::new(),
        metrics: Vec::new(),
        analysis: plimsoll_insight::config::read(analysis, "analysis", problems),
        jobs: Vec::new(),
        otlp: Arc::new(otlp::read(otlp_node, "otlp", problems)),
        unsupported: Vec::new(),
        text: String::new(),
        ui_dir: options.ui_dir.clone(),
    };
    config.unsupported.clone_from(&config.alert.unsupported);
    match check_listen(config.listen, config.opened) {
        Ok(note) => config.listen_note = note,
        Err(errors) => {
            errors.iter().for_each(|e| problems.add(serve.line, "", e.to_string()));
        }
    }
    if config.alert.external_url.is_empty() {
        config.alert.external_url = format!("http://{}", config.listen);
    }
    config
}

fn serve_section(
    node: &plimsoll_model::written::Node,
    options: &Options,
    problems: &mut Problems,
) -> (SocketAddr, Opened, Vec<String>, Labels) {
    let mut fields = Fields::of(node, "serve", problems);
    let written = fields.text("listen", problems);
    let anonymous = fields.bool("allow_anonymous", problems).unwrap_or(false);
    let plaintext = fields.bool("allow_plaintext", problems).unwrap_or(false);
    let mut hosts = fields.texts("allowed_hosts", problems);
    hosts.extend(options.allowed_hosts.iter().cloned());
    let labels = external_labels(&mut fields, problems);
    fields.finish(problems);
    let text = options.listen.clone().or(written).unwrap_or_else(|| LISTEN.to_owned());
    let text = text.replace("localhost:", "127.0.0.1:");
    let listen = text.parse().unwrap_or_else(|_| {
        let message = format!("{text:?} is not an address (write 127.0.0.1:7546, [::1]:7546)");
        problems.add(node.line, "serve.listen", message);
        SocketAddr::from(([127, 0, 0, 1], 7546))
    });
    (listen, Opened { anonymous, plaintext }, hosts, labels)
}

/// The labels under `external_labels`, with the names that Prometheus takes for labels.
fn external_labels(fields: &mut Fields<'_>, problems: &mut Problems) -> Labels {
    let key = "external_labels";
    let mut pairs = Vec::new();
    for (name, value, line) in fields.pairs(key, problems) {
        let path = format!("{}.{name}", fields.path(key));
        if name.is_empty() || name == plimsoll_model::METRIC_NAME {
            problems.add(line, path, format!("{name:?} is not the name of a label"));
        } else {
            pairs.push((name, value));
        }
    }
    let line = fields.line();
    Labels::new(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))).unwrap_or_else(|e| {
        problems.add(line, fields.path(key), e.to_string());
        Labels::empty()
    })
}

/// Bytes of answers that are kept by default.
const RESULT_CACHE: u64 = 64 << 20;

fn query_section(
    node: &plimsoll_model::written::Node,
    problems: &mut Problems,
) -> (EngineConfig, Duration, u64) {
    let mut config = EngineConfig::default();
    match crate::extensions::extensions() {
        Ok(ours) => config.features.extensions = ours,
        Err(error) => problems.add(node.line, "query", error.to_string()),
    }
    let mut fields = Fields::of(node, "query", problems);
    if let Some(ms) = positive(&mut fields, "lookback", problems) {
        config.lookback_ms = ms;
    }
    if let Some(n) = fields.int("max_samples", 1..=i64::MAX, problems) {
        config.max_samples = n.unsigned_abs();
    }
    if let Some(size) = fields.parsed::<plimsoll_model::ByteSize>("memory", problems) {
        config.query_memory = size.0;
    }
    if let Some(size) = fields.parsed::<plimsoll_model::ByteSize>("kept_selections", problems) {
        config.kept_selections = size.0;
    }
    let timeout = positive(&mut fields, "timeout", problems).unwrap_or(120_000);
    let cache = fields.parsed::<plimsoll_model::ByteSize>("result_cache", problems);
    fields.finish(problems);
    let cache = cache.map_or(RESULT_CACHE, |size| size.0);
    (config, Duration::from_millis(timeout.unsigned_abs()), cache)
}

fn positive(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems) -> Option<i64> {
    fields.read(key, problems, |n| {
        let text = n.text().unwrap_or_default();
        match plimsoll_model::parse_duration_ms(&text) {
            Some(ms) if ms > 0 => Ok(ms),
            _ => Err(format!("{text:?} is not a duration above 0 (write 5s, 1m30s, 2h)")),
        }
    })
}

fn flags(options: &Options, config: &mut Config, problems: &mut Problems) {
    for name in options.features.iter().flat_map(|f| f.split(',')).filter(|f| !f.is_empty()) {
        if name == "otlp-native-delta-ingestion" {
            Arc::make_mut(&mut config.otlp).keep_delta = true;
            continue;
        }
        // Start timestamps are stored for all who ask; the switch alone changes nothing here.
        if !config.query.features.enable(name) && name != "st-storage" {
            problems.add(0, "--enable-feature", format!("{name:?} is not a feature"));
        }
    }
    if let Some(text) = &options.retention {
        match store::retention(text) {
            Ok(retention) => config.store.retention = retention,
            Err(message) => problems.add(0, "--retention", message),
        }
    }
    if options.bare {
        config.collect.host = None;
        config.collect.own = None;
        config.alert.default_rules = false;
        config.analysis.enabled = false;
    }
}

/// Names of keys in which two configurations differ and that need a restart.
pub(crate) fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let store = |c: &Config| format!("{:?}", c.store);
    let query = |c: &Config| format!("{:?} {:?} {}", c.query, c.query_timeout, c.result_cache);
    let rows = [
        ("serve.listen", old.listen != new.listen),
        ("serve.allowed_hosts", old.allowed_hosts != new.allowed_hosts),
        ("store", store(old) != store(new)),
        ("query", query(old) != query(new)),
        ("the data directory", old.data_dir != new.data_dir),
        ("analysis.enabled", !old.analysis.enabled && new.analysis.enabled),
    ];
    rows.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests;
