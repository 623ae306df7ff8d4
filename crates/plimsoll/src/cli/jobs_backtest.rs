//! `plimsoll backtest`: what analysis jobs would have found, by a server or in a data directory.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use plimsoll_alert::payload::rfc3339;
use plimsoll_insight::findings::jobs::{Job, read_text};
use plimsoll_insight::findings::{JobReplay, replay};
use plimsoll_model::{SeriesSource, format_duration_ms};
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};
use plimsoll_query::{Engine, EngineConfig};
use plimsoll_store::{Mode, Store};
use plimsoll_world::{Workers, World};
use serde_json::Value;

use super::{JobsBacktest, say};

/// A server answers within its query timeout.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Replays and prints.
pub fn run(asked: &JobsBacktest) -> Result<()> {
    let text = std::fs::read_to_string(&asked.file)
        .with_context(|| format!("{} cannot be read", asked.file.display()))?;
    let features = plimsoll::extensions::features()?;
    let jobs = read_text(&asked.file.display().to_string(), &text, &features).map_err(|all| {
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    match &asked.data_dir {
        Some(dir) => from_directory(asked, &jobs, dir),
        None => from_server(asked, &text),
    }
}

fn time(text: &str) -> Result<i64> {
    plimsoll_serve::time_ms(text).map_err(anyhow::Error::msg)
}

fn from_directory(asked: &JobsBacktest, jobs: &[Job], dir: &Path) -> Result<()> {
    if !dir.is_dir() {
        bail!("{} is not a directory", dir.display());
    }
    let world = World::real();
    let config = plimsoll_store::Config {
        mode: Mode::Inline,
        reserve_bytes: Some(0),
        ..plimsoll_store::Config::default()
    };
    let range = (time(&asked.from)?, time(&asked.to)?.min(world.clock.wall_ms()));
    let store = Arc::new(Store::open(world, dir, config)?);
    let features = plimsoll::extensions::features()?;
    let config = EngineConfig { features, ..EngineConfig::default() };
    let engine = Engine::new(config, Arc::new(Workers::new(0)));
    let source = Arc::clone(&store) as Arc<dyn SeriesSource>;
    for job in jobs {
        say(&shown(&document(&replay(job, &engine, &source, range, &|| true))?));
    }
    store.close()?;
    Ok(())
}

/// The shape that a server answers with.
fn document(r: &JobReplay) -> Result<Value> {
    let mut doc = serde_json::to_value(r)?;
    for key in ["from", "to"] {
        doc[key] = doc[format!("{key}_ms")].as_i64().map(rfc3339).into();
    }
    for episode in doc["episodes"].as_array_mut().into_iter().flatten() {
        for key in ["from", "to"] {
            episode[key] = episode[format!("{key}_ms")].as_i64().map(rfc3339).into();
        }
        let pairs = episode["labels"].as_array().cloned().unwrap_or_default();
        let pair = |p: &Value| Some((p[0].as_str()?.to_owned(), p[1].clone()));
        episode["labels"] = Value::Object(pairs.iter().filter_map(pair).collect());
    }
    Ok(doc)
}

fn from_server(asked: &JobsBacktest, text: &str) -> Result<()> {
    plimsoll_net::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = HttpClient::new(HttpConfig::default());
    let server = asked.server.trim_end_matches('/');
    let url = format!("{server}/api/plimsoll/v1/analysis/jobs/backtest");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("jobs", text).append_pair("from", &asked.from).append_pair("to", &asked.to);
    let mut request = Request::post(&url, "application/x-www-form-urlencoded", form.finish());
    request.timeout = TIMEOUT;
    let answer = runtime
        .block_on(client.send(request))
        .with_context(|| format!("no answer from {server}; is plimsoll serve running?"))?;
    let body: Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("{url} did not answer with JSON"))?;
    let Some(jobs) = body["jobs"].as_array() else {
        bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"));
    };
    jobs.iter().for_each(|job| say(&shown(job)));
    if body["complete"] != true {
        bail!("the time was over before the end; ask for less, or give the server more time");
    }
    Ok(())
}

/// One job for people.
fn shown(r: &Value) -> String {
    let text = |key: &str| r[key].as_str().unwrap_or_default();
    let number = |key: &str| r[key].as_i64().unwrap_or_default();
    let mut out = format!(
        "{}: {} to {}, every {}\n  {} looks, {} left out by its calendar, {} points; data {}\n",
        text("job"),
        text("from"),
        text("to"),
        format_duration_ms(number("interval_ms")),
        number("looks"),
        number("rested"),
        number("points"),
        r["basis"],
    );
    for (series, reason) in r["set_aside"].as_object().into_iter().flatten() {
        let _ = writeln!(out, "  set aside {series}: {}", reason.as_str().unwrap_or_default());
    }
    let _ = writeln!(out, "  {} findings", number("episodes_total"));
    for e in r["episodes"].as_array().into_iter().flatten() {
        let text = |key: &str| e[key].as_str().unwrap_or_default();
        let _ = writeln!(
            out,
            "    {} to {}  {} ({})  {}",
            text("from"),
            text("to"),
            text("text"),
            text("beyond"),
            e["labels"],
        );
    }
    out.trim_end().to_owned()
}
