//! `plimsoll rules backtest`: asks a server, and shows its answer to people or as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use plimsoll_alert::backtest::Curve;
use plimsoll_alert::payload::rfc3339;
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};
use plimsoll_query::format_duration;
use serde_json::Value;

use super::{Backtest, say};

/// A server answers within its query timeout.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Asks and prints.
pub fn run(backtest: &Backtest) -> Result<()> {
    plimsoll_net::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = HttpClient::new(HttpConfig::default());
    let url = format!("{}/api/plimsoll/v1/rules/backtest", backtest.server.trim_end_matches('/'));
    let form = form(backtest)?;
    let mut request = Request::post(&url, "application/x-www-form-urlencoded", form);
    request.timeout = TIMEOUT;
    let answer = runtime.block_on(client.send(request)).with_context(|| {
        format!("no answer from {}; is plimsoll serve running?", backtest.server)
    })?;
    let body: Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("{url} did not answer with JSON"))?;
    let Some(rules) = body["rules"].as_array() else {
        bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"));
    };
    if backtest.json {
        say(&serde_json::to_string_pretty(&body)?);
    } else {
        rules.iter().for_each(|rule| say(&shown(&body, rule)));
    }
    if body["complete"] != true {
        bail!("the time was over before the end; ask for less, or give the server more time");
    }
    Ok(())
}

fn form(backtest: &Backtest) -> Result<String> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("start", &backtest.start).append_pair("end", &backtest.end);
    if let Some(file) = &backtest.file {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        form.append_pair("rules", &text);
    }
    for (name, value) in [
        ("group", &backtest.group),
        ("rule", &backtest.rule),
        ("interval", &backtest.interval),
        ("lag", &backtest.lag),
    ] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    for (name, values) in [
        ("threshold", &backtest.threshold),
        ("for_length", &backtest.for_length),
        ("group_by", &backtest.group_by),
    ] {
        values.iter().for_each(|value| {
            form.append_pair(name, value);
        });
    }
    form.append_pair("limit", &backtest.limit.to_string());
    if backtest.no_curve {
        form.append_pair("curve", "false");
    }
    if backtest.steps {
        form.append_pair("method", "steps");
    }
    Ok(form.finish())
}

/// One rule for people.
fn shown(body: &Value, rule: &Value) -> String {
    let text = |key: &str| rule[key].as_str().unwrap_or_default();
    let number = |key: &str| rule[key].as_i64().unwrap_or_default();
    let time = |v: &Value| v.as_i64().map_or_else(|| "-".to_owned(), rfc3339);
    let pages = &rule["pages"];
    let real = |key: &str| pages[key].as_f64().unwrap_or_default();
    let mut out = format!("{}: {}\n  {}\n", text("group"), text("rule"), text("expr"));
    let _ = writeln!(
        out,
        "  {} to {}, every {}, lag {}, by {}",
        time(&body["start"]),
        time(&rule["until"]),
        format_duration(number("interval_ms")),
        format_duration(body["lag_ms"].as_i64().unwrap_or_default()),
        body["method"].as_str().unwrap_or_default(),
    );
    let _ = writeln!(
        out,
        "  {} evaluations, {} failed; {} episodes of {} alerts, {} fired, for {} together",
        number("evaluations"),
        number("failures"),
        number("episodes_total"),
        number("alerts"),
        pages["fired"],
        format_duration(pages["firing_ms"].as_i64().unwrap_or_default()),
    );
    if let Some(why) = rule["failure"][1].as_str() {
        let _ = writeln!(out, "  first failure at {}: {why}", time(&rule["failure"][0]));
    }
    let _ = writeln!(
        out,
        "  {} pages, {:.2} a week ({:.0} % interval {:.2} to {:.2}, exact Poisson)",
        pages["count"],
        real("per_week"),
        real("level") * 100.0,
        real("low"),
        real("high"),
    );
    let none = Vec::new();
    let episodes = rule["episodes"].as_array().unwrap_or(&none);
    for e in episodes {
        let _ = writeln!(
            out,
            "    pending {}  firing {}  over {}  value {} max {}  {}",
            time(&e["pending_since"]),
            time(&e["firing_since"]),
            time(&e["resolved_at"]),
            e["value"],
            e["max"],
            e["labels"],
        );
    }
    let left = number("episodes_total") - episodes.len() as i64;
    if left > 0 {
        let _ = writeln!(out, "    and {left} more (--limit)");
    }
    match serde_json::from_value::<Curve>(rule["curve"].clone()) {
        Ok(curve) => {
            let _ = writeln!(
                out,
                "  pages by threshold and for (* the rule's; ! no other has fewer pages for as much):"
            );
            curve.text().lines().for_each(|line| {
                let _ = writeln!(out, "    {line}");
            });
        }
        Err(_) => {
            let _ = writeln!(out, "  no table: {}", text("no_curve"));
        }
    }
    out
}
