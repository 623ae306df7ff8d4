//! `POST /api/plimsoll/v1/rules/backtest`: what alerting rules would have done over retained history.
//!
//! The rules are `rules` (the text of a rule file), or `expr` with `alert`, `for`, `keep_firing_for`
//! and `interval`, or those that run, chosen by `group` and `rule`. `start` and `end` say when. `lag`
//! (0), `curve` (`false` leaves the table out), `threshold` and `for_length` (several), `group_by`
//! (several; `alertname`), `level` (0.95), `limit` (episodes told of each rule; 1,000) and `method`
//! (`steps`) say how. After nine tenths of its `timeout` the answer is what has been replayed by then,
//! with `complete: false`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use plimsoll_alert::backtest::{BacktestAsk, BacktestError, EPISODES_MAX};
use plimsoll_alert::{Group, read_rules};
use plimsoll_model::TimeRange;

use crate::app::App;
use crate::params::{Params, duration_ms, time_ms};
use crate::prom::ask;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Time between evaluations of groups that name none, ms.
const INTERVAL_MS: i64 = 60_000;
/// Episodes told of each rule, when nothing is said.
const EPISODES: usize = 1_000;

fn asked(app: &App, params: &Params) -> Result<BacktestAsk, Failure> {
    let time = |name: &str| {
        let text = params.get(name).unwrap_or("");
        time_ms(text).map_err(|e| Failure::parameter(name, e))
    };
    let length = |name: &str, default: i64| match params.get(name) {
        None => Ok(default),
        Some(text) => match duration_ms(text) {
            Ok(ms) if ms >= 0 => Ok(ms),
            Ok(_) => Err(Failure::parameter(name, "must not be negative")),
            Err(e) => Err(Failure::parameter(name, e)),
        },
    };
    let (start, end) = (time("start")?, time("end")?.min(app.now()));
    if end < start {
        let message = "end timestamp must not be before start time, nor start time lie ahead";
        return Err(Failure::parameter("end", message));
    }
    let number = |name: &str, text: &str| {
        let number = text.parse::<f64>().ok().filter(|n| !n.is_nan());
        number.ok_or_else(|| Failure::parameter(name, format!("{text:?} is not a number")))
    };
    let thresholds = params.all("threshold").map(|t| number("threshold", t));
    let fors = params.all("for_length").map(|t| match duration_ms(t) {
        Ok(ms) if ms >= 0 => Ok(ms),
        _ => Err(Failure::parameter("for_length", format!("{t:?} is no length of time"))),
    });
    let level = params.get("level").map_or(Ok(0.95), |t| number("level", t))?;
    if !(level > 0.0 && level < 1.0) {
        return Err(Failure::parameter("level", "must lie between 0 and 1"));
    }
    let episodes = match params.get("limit").map(str::parse::<usize>) {
        None => EPISODES,
        Some(Ok(n)) if n <= EPISODES_MAX => n,
        Some(_) => {
            let message = format!("must be a whole number of at most {EPISODES_MAX}");
            return Err(Failure::parameter("limit", message));
        }
    };
    let by_steps = match params.get("method") {
        None | Some("columns") => false,
        Some("steps") => true,
        Some(other) => {
            let message = format!("{other:?} is unknown; there are columns and steps");
            return Err(Failure::parameter("method", message));
        }
    };
    let mut group_by: Vec<String> = params.all("group_by").map(str::to_owned).collect();
    if group_by.is_empty() {
        group_by.push("alertname".to_owned());
    }
    let timeout = length("timeout", i64::MAX)?;
    let most = app.limits.query_timeout;
    let time = most.min(Duration::from_millis(timeout.unsigned_abs())) / 10 * 9;
    Ok(BacktestAsk {
        groups: groups(app, params, &length)?,
        range: TimeRange::new(start, end),
        lag_ms: length("lag", 0)?,
        curve: !matches!(params.get("curve"), Some("0" | "false")),
        thresholds: thresholds.collect::<Result<_, _>>()?,
        fors_ms: fors.collect::<Result<_, _>>()?,
        group_by,
        level,
        episodes,
        by_steps,
        time,
    })
}

/// The rules that are meant.
fn groups(
    app: &App,
    params: &Params,
    length: &impl Fn(&str, i64) -> Result<i64, Failure>,
) -> Result<Vec<Group>, Failure> {
    let interval = match length("interval", INTERVAL_MS)? {
        0 => return Err(Failure::parameter("interval", "must be above 0")),
        ms => ms,
    };
    let features = &app.engine.config().features;
    let (name, rule) = (params.get("group"), params.get("rule"));
    let (key, text) = match (params.get("rules"), params.get("expr")) {
        (Some(text), _) => ("rules", text.to_owned()),
        (None, Some(expr)) => {
            let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
            let mut text = "groups:\n- name: backtest\n  rules:\n".to_owned();
            let alert = quoted(params.get("alert").unwrap_or("Backtest"));
            let _ = writeln!(text, "  - alert: {alert}\n    expr: {}", quoted(expr));
            for key in ["for", "keep_firing_for"] {
                if let Some(length) = params.get(key) {
                    let _ = writeln!(text, "    {key}: {}", quoted(length));
                }
            }
            ("expr", text)
        }
        (None, None) => {
            let found = app.alerting.groups_to_replay(name, rule);
            if found.is_empty() {
                let message = "no alerting rule of this group and name runs; /api/v1/rules lists \
                               them. Give rules or expr to replay others";
                return Err(Failure::not_found(message));
            }
            return Ok(found);
        }
    };
    let mut groups = read_rules("(rules)", &text, interval, features).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::parameter(key, all.join("; "))
    })?;
    groups.retain(|g| name.is_none_or(|n| n == g.name));
    for group in &mut groups {
        group.rules.retain(|r| !r.is_alert() || rule.is_none_or(|n| n == r.name));
    }
    Ok(groups)
}

/// Replays rules.
pub async fn backtest(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wanted = asked(&app, &call.params)?;
    ask(&app, &call.params, move |app, cx| {
        let report = app.alerting.backtest(&wanted, &cx.cancel, &|_| {}).map_err(|e| match e {
            BacktestError::Ask(why) => Failure::bad_data(why),
            BacktestError::Limit(why) => Failure::execution(why),
            BacktestError::Stopped(e) => e.into(),
        })?;
        Ok(own(&report))
    })
    .await
}
