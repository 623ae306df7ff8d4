//! `plimsoll query`.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use plimsoll_model::{Grid, MatrixSeries, ReadCx, SeriesSource, parse_duration_ms};
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};
use plimsoll_query::{Engine, EngineConfig, Value, format_time, format_value, histogram_text};
use plimsoll_store::{Mode, Store};
use plimsoll_world::{Workers, World};

use super::{Query, say};

/// Asks, and prints one line per sample: series, value, time in seconds.
pub fn run(query: &Query) -> Result<()> {
    match &query.data_dir {
        Some(dir) => from_directory(query, dir),
        None => from_server(query),
    }
}

fn from_server(query: &Query) -> Result<()> {
    let mut form = Form::default();
    form.add("query", &query.expr);
    let range = [("start", &query.start), ("end", &query.end), ("step", &query.step)];
    let path = if query.start.is_some() { "query_range" } else { "query" };
    for (name, value) in range.into_iter().chain([("time", &query.at)]) {
        if let Some(value) = value {
            form.add(name, value);
        }
    }
    let url = format!("{}/api/v1/{path}", query.server.trim_end_matches('/'));
    plimsoll_net::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut request = Request::post(&url, "application/x-www-form-urlencoded", form.text);
    request.timeout = std::time::Duration::from_secs(130);
    request.body_limit = 1 << 30;
    let client = HttpClient::new(HttpConfig::default());
    let answer = runtime
        .block_on(client.send(request))
        .with_context(|| format!("no answer from {}; is plimsoll serve running?", query.server))?;
    let body: serde_json::Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("{url} did not answer with JSON"))?;
    if body["status"] != "success" {
        bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"));
    }
    for key in ["warnings", "infos"] {
        for text in body[key].as_array().into_iter().flatten() {
            super::say_wrong(text.as_str().unwrap_or_default());
        }
    }
    print_json(&body["data"]);
    Ok(())
}

#[derive(Default)]
struct Form {
    text: String,
}

impl Form {
    fn add(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(name);
        self.text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.text.push(char::from(byte));
            } else {
                self.text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
}

fn print_json(data: &serde_json::Value) {
    let pair = |p: &serde_json::Value| format!("{} @{}", p[1].as_str().unwrap_or_default(), p[0]);
    match data["resultType"].as_str() {
        Some("vector" | "matrix") => {
            for element in data["result"].as_array().into_iter().flatten() {
                let name = series(&element["metric"]);
                if let Some(values) = element["values"].as_array() {
                    values.iter().for_each(|v| say(&format!("{name} {}", pair(v))));
                } else {
                    say(&format!("{name} {}", pair(&element["value"])));
                }
            }
        }
        _ => say(&pair(&data["result"])),
    }
}

fn series(metric: &serde_json::Value) -> String {
    let labels = metric.as_object().into_iter().flatten();
    let pairs: Vec<(&str, &str)> =
        labels.map(|(n, v)| (n.as_str(), v.as_str().unwrap_or_default())).collect();
    plimsoll_model::Labels::new(pairs).map(|l| l.to_string()).unwrap_or_default()
}

fn from_directory(query: &Query, dir: &std::path::Path) -> Result<()> {
    if !dir.is_dir() {
        bail!("{} is not a directory", dir.display());
    }
    let world = World::real();
    let config = plimsoll_store::Config {
        mode: Mode::Inline,
        reserve_bytes: Some(0),
        ..plimsoll_store::Config::default()
    };
    let now = world.clock.wall_ms();
    let store = Store::open(world, dir, config)?;
    let features = plimsoll::extensions::features()?;
    let config = EngineConfig { features, ..EngineConfig::default() };
    let engine = Engine::new(config, Arc::new(Workers::new(0)));
    let parsed = engine.parse(&query.expr)?;
    let cx = ReadCx::with_budget(engine.budget());
    let snapshot = store.snapshot();
    let answer = match (&query.start, &query.end, &query.step) {
        (Some(start), Some(end), Some(step)) => {
            let step = parse_duration_ms(step).context("--step is not a duration (write 15s)")?;
            let grid = Grid { start: time(start)?, end: time(end)?, step };
            engine.range(&snapshot, &parsed, grid, &cx)?
        }
        _ => {
            let at = query.at.as_deref().map_or(Ok(now), time)?;
            engine.instant(&snapshot, &parsed, at, &cx)?
        }
    };
    answer.warnings.iter().chain(&answer.infos).for_each(|w| super::say_wrong(w));
    print(&answer.value);
    store.close()?;
    Ok(())
}

fn time(text: &str) -> Result<i64> {
    plimsoll_serve::time_ms(text).map_err(anyhow::Error::msg)
}

fn print(value: &Value) {
    match value {
        Value::Scalar(x) => say(&format_value(*x)),
        Value::String(text) => say(text),
        Value::Vector(samples) => {
            for s in samples {
                let value =
                    s.histogram.as_deref().map_or_else(|| format_value(s.value), histogram_text);
                say(&format!("{} {value}", s.labels));
            }
        }
        Value::Matrix(series) => {
            for MatrixSeries { labels, times, floats, histograms } in series {
                for (t, v) in times.iter().zip(floats) {
                    say(&format!("{labels} {} @{}", format_value(*v), format_time(*t)));
                }
                for (t, h) in histograms {
                    say(&format!("{labels} {} @{}", histogram_text(h), format_time(*t)));
                }
            }
        }
    }
}
