//! `/api/v1/metadata`, `targets`, `targets/metadata`, `scrape_pools`, `alertmanagers`, `notifications`,
//! `status/*`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use plimsoll_alert::payload::rfc3339;
use plimsoll_collect::scrape::TargetStatus;
use plimsoll_model::{Hint, Labels, METRIC_NAME, Matcher, Metadata, Scoped, Snapshot, TimeRange};
use plimsoll_query::EngineConfig;
use serde_json::{Map, Value, json};

use super::ask;
use crate::app::App;
use crate::limits::Limits;
use crate::reply::{Failure, document};
use crate::routes::Call;

/// The version of Prometheus whose API this is: clients choose their calls by it.
const SPOKEN_VERSION: &str = "3.5.0";

/// Type, help and unit of metrics.
pub async fn metadata(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let limit = match call.params.get("limit") {
        None => 0,
        // Prometheus: a negative limit is none, zero metrics is possible.
        Some(text) => match text.parse::<i64>() {
            Ok(0) => return Ok(document(&json!({}))),
            Ok(n) => usize::try_from(n).unwrap_or(0),
            Err(_) => return Err(Failure::bad_data("limit must be a number")),
        },
    };
    let metric = call.params.get("metric").map(str::to_owned);
    ask(&app, &call.params, move |app, cx| {
        let snapshot = Scoped::new(app.source.snapshot());
        let mut out = Map::new();
        for m in snapshot.metadata(metric.as_deref(), limit, cx)? {
            let entry = json!([{ "type": m.kind.as_str(), "help": m.help, "unit": m.unit }]);
            out.insert(m.metric, entry);
        }
        Ok(document(&Value::Object(out)))
    })
    .await
}

/// What is scraped; `state=active|dropped|any`, `scrapePool=` a job's name.
pub async fn targets(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let active = call.params.get("state").is_none_or(|s| s == "active" || s == "any");
    let control = Arc::clone(&app.control);
    let collecting = super::blocking(move || control.collecting()).await?;
    let mut targets = if active { collecting.targets } else { Vec::new() };
    if let Some(pool) = call.params.get("scrapePool") {
        targets.retain(|t| t.pool == pool);
    }
    let docs: Vec<Value> = targets.iter().map(target).collect();
    let counts: Map<String, Value> = Map::new();
    Ok(document(&json!({
        "activeTargets": docs,
        "droppedTargets": [],
        "droppedTargetCounts": counts,
    })))
}

/// What is known of metrics by target: `match_target` (a selector of targets' labels), `metric`,
/// `limit`. A target has a metric when it has a series of it.
pub async fn targets_metadata(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let limit = match call.params.get("limit") {
        None => usize::MAX,
        Some(text) => match text.parse::<i64>() {
            Ok(n) => usize::try_from(n).unwrap_or(usize::MAX),
            Err(_) => return Err(Failure::bad_data("limit must be a number")),
        },
    };
    let wanted = match call.params.get("match_target") {
        None => Vec::new(),
        Some(text) => super::labels::matchers_of("match_target", text)?,
    };
    let metric = call.params.get("metric").map(str::to_owned);
    let docs = ask(&app, &call.params, move |app, cx| {
        let snapshot = Scoped::new(app.source.snapshot());
        let known = snapshot.metadata(metric.as_deref(), 0, cx)?;
        let mut docs = Vec::new();
        for target in app.control.collecting().targets {
            let labels = Labels::new(target.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())))?;
            if docs.len() >= limit || !Matcher::all(&wanted, labels.as_ref()) {
                continue;
            }
            let own: Vec<Matcher> = labels.iter().map(|(n, v)| Matcher::equal(n, v)).collect();
            let hint = Hint::range(TimeRange::ALL);
            let names = snapshot.label_values(METRIC_NAME, &[&own], &hint, cx)?;
            let has = |m: &Metadata| {
                let has = |end: &str| names.binary_search(&format!("{}{end}", m.metric)).is_ok();
                ["", "_bucket", "_sum", "_count", "_total", "_info"].into_iter().any(has)
            };
            let told: Map<String, Value> =
                labels.iter().map(|(n, v)| (n.to_owned(), json!(v))).collect();
            for m in known.iter().filter(|m| has(m)).take(limit - docs.len()) {
                let mut doc = json!({
                    "target": told, "type": m.kind.as_str(), "help": m.help, "unit": m.unit,
                });
                if metric.is_none() {
                    doc["metric"] = json!(m.metric);
                }
                docs.push(doc);
            }
        }
        Ok(docs)
    })
    .await?;
    if docs.is_empty() {
        return Err(Failure::not_found("specified metadata not found"));
    }
    Ok(document(&docs))
}

/// The names of scrape jobs that have targets.
pub async fn scrape_pools(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    let collecting = super::blocking(move || control.collecting()).await?;
    let pools: BTreeSet<String> = collecting.targets.into_iter().map(|t| t.pool).collect();
    Ok(document(&json!({ "scrapePools": pools })))
}

/// To whom own alerts are forwarded.
pub async fn alertmanagers(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let urls = super::blocking(move || app.alerting.alertmanagers()).await?;
    let active: Vec<Value> = urls.iter().map(|url| json!({ "url": url })).collect();
    Ok(document(&json!({ "activeAlertmanagers": active, "droppedAlertmanagers": [] })))
}

/// What is wrong with the program itself at this moment.
pub async fn notifications(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    let troubles = super::blocking(move || control.troubles()).await?;
    let date = rfc3339(app.now());
    let docs = troubles.iter().map(|t| json!({ "text": t, "date": date, "active": true }));
    Ok(document(&docs.collect::<Vec<_>>()))
}

/// The log is read before the door opens.
pub async fn walreplay(_: Arc<App>, _: Call) -> Result<Response, Failure> {
    Ok(document(&json!({ "min": 0, "max": 0, "current": 0, "state": "done" })))
}

fn target(t: &TargetStatus) -> Value {
    let labels: Map<String, Value> = t.labels.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    let never = || "0001-01-01T00:00:00Z".to_owned();
    let last = if t.last_scrape_ms == 0 { never() } else { rfc3339(t.last_scrape_ms) };
    let duration = |d: Duration| {
        plimsoll_model::format_duration_ms(i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    };
    json!({
        "discoveredLabels": t.discovered,
        "labels": labels,
        "scrapePool": t.pool,
        "scrapeUrl": t.url,
        "globalUrl": t.url,
        "lastError": t.last_error,
        "lastScrape": last,
        "lastScrapeDuration": t.last_duration.as_secs_f64(),
        "health": t.health.as_str(),
        "scrapeInterval": duration(t.interval),
        "scrapeTimeout": duration(t.timeout),
    })
}

/// Version. `features` is left out: a client would take this server for another product.
pub async fn buildinfo(_: Arc<App>, _: Call) -> Result<Response, Failure> {
    Ok(document(&json!({
        "version": SPOKEN_VERSION,
        "revision": concat!("plimsoll-", env!("CARGO_PKG_VERSION")),
        "branch": "main",
        "buildUser": "plimsoll",
        "buildDate": "",
        "goVersion": "",
    })))
}

/// What the process is doing.
pub async fn runtimeinfo(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    let (series, _) = super::blocking(move || control.store_size()).await?;
    Ok(document(&json!({
        "startTime": rfc3339(app.started_ms),
        "CWD": "",
        "hostname": app.hostname,
        "serverTime": rfc3339(app.now()),
        "reloadConfigSuccess": true,
        "lastConfigTime": rfc3339(app.started_ms),
        "timeSeriesCount": series,
        "corruptionCount": 0,
        "goroutineCount": 0,
        "GOMAXPROCS": std::thread::available_parallelism().map_or(1, usize::from),
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": "",
    })))
}

/// The switches of Prometheus that have their like here, all as texts, as Prometheus tells them.
pub async fn flags(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    Ok(document(&flag_values(app.engine.config(), &app.limits)))
}

fn flag_values(engine: &EngineConfig, limits: &Limits) -> Value {
    let timeout = i64::try_from(limits.query_timeout.as_millis()).unwrap_or(i64::MAX);
    json!({
        "query.lookback-delta": plimsoll_model::format_duration_ms(engine.lookback_ms),
        "query.max-concurrency": limits.queries_at_once.to_string(),
        "query.timeout": plimsoll_model::format_duration_ms(timeout),
        "web.enable-remote-write-receiver": "true",
        "web.enable-lifecycle": "true",
        "web.enable-admin-api": "true",
        "web.enable-otlp-receiver": "true",
    })
}

/// The configuration in force.
pub async fn config(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    let yaml = super::blocking(move || control.configuration()).await?;
    Ok(document(&json!({ "yaml": yaml })))
}

/// What the store says of its series.
pub async fn tsdb(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let control = Arc::clone(&app.control);
    Ok(document(&super::blocking(move || control.tsdb()).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_told_as_texts() {
        let flags = flag_values(&EngineConfig::default(), &Limits::default());
        let told = |name: &str| flags[name].as_str().map(str::to_owned);
        assert_eq!(told("query.lookback-delta").as_deref(), Some("5m"));
        assert_eq!(told("query.timeout").as_deref(), Some("2m"));
        assert_eq!(told("query.max-concurrency").as_deref(), Some("20"));
        assert!(flags.as_object().unwrap().values().all(Value::is_string));
    }
}
