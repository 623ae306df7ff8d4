//! `/api/plimsoll/v1/assessments`, `…/forecasts`, `…/analysis/jobs`: how hosts and services were, how
//! forecasts did, what jobs find and would have found.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use plimsoll_alert::payload::rfc3339;
use plimsoll_insight::findings::jobs::read_text;
use plimsoll_insight::findings::{
    Accuracy, AccuracyDay, Assessment, Group, JobReplay, JobStatus, KEPT_DAYS, LEVEL, Reason,
    Scored, SetAside, replay,
};
use serde_json::{Value, json};

use super::alerts::{at, limit};
use super::findings::{findings, labels};
use crate::app::App;
use crate::params::time_ms;
use crate::prom::ask;
use crate::reply::{Failure, own};
use crate::routes::Call;

fn time(call: &Call, name: &str, default: i64) -> Result<i64, Failure> {
    match call.params.get(name) {
        None => Ok(default),
        Some(text) => time_ms(text).map_err(|e| Failure::parameter(name, e)),
    }
}

fn assessment((group, a): &(Group, Assessment)) -> Value {
    let reason = |r: &Reason| json!({ "text": r.text, "query": r.query, "at": rfc3339(r.at_ms), "value": r.value });
    json!({
        "by": group.by, "name": group.name, "from": rfc3339(a.from_ms), "to": rfc3339(a.to_ms),
        "state": a.state.as_str(), "basis": a.basis.as_str(),
        "reasons": a.reasons.iter().map(reason).collect::<Vec<_>>(),
    })
}

/// Assessments, the newest first: `by` (`instance` or `job`), `name`, `from` (a day ago), `to` (now),
/// `limit`.
pub async fn assessments(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let by = call.params.get("by");
    if by.is_some_and(|b| b != "instance" && b != "job") {
        return Err(Failure::parameter("by", "there are instance and job"));
    }
    let now = app.now();
    let range = (time(&call, "from", now - 86_400_000)?, time(&call, "to", now)?);
    let (name, limit) = (call.params.get("name"), limit(&call.params)?);
    let (found, truncated) = findings(&app).assessments(by, name, range, limit);
    let found: Vec<Value> = found.iter().map(assessment).collect();
    Ok(own(&json!({ "assessments": found, "truncated": truncated })))
}

fn scored(s: &Scored) -> Value {
    let horizon = |h: &plimsoll_insight::findings::HorizonScore| {
        let next = h.next.map(|(due, mean, lower, upper)| {
            json!({ "due": rfc3339(due), "mean": mean, "lower": lower, "upper": upper })
        });
        json!({
            "seconds": h.seconds, "n": h.n, "coverage": h.coverage, "error": h.error,
            "mean_error": h.mean_error, "naive_error": h.naive_error,
            "open": h.open, "next": next,
        })
    };
    json!({
        "id": s.id, "series": s.series, "labels": labels(&s.labels), "query": s.query,
        "model": s.model, "issued": at(s.issued_ms), "missed": s.missed,
        "horizons": s.horizons.iter().map(horizon).collect::<Vec<_>>(),
    })
}

/// How forecasts did: `limit`.
pub async fn forecasts(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let limit = limit(&call.params)?;
    let found = findings(&app).forecasts();
    let shown: Vec<Value> = found.iter().take(limit).map(scored).collect();
    Ok(own(&json!({
        "forecasts": shown, "level": LEVEL,
        "truncated": found.len() > limit,
    })))
}

fn accurate(a: &Accuracy) -> Value {
    let day = |d: &AccuracyDay| json!({ "at": rfc3339(d.at_ms), "n": d.n, "coverage": d.coverage, "error": d.error });
    json!({
        "model": a.model, "seconds": a.seconds, "series": a.series, "n": a.n,
        "coverage": a.coverage, "error": a.error, "median": a.median, "better": a.better,
        "days": a.days.iter().map(day).collect::<Vec<_>>(),
    })
}

/// How forecasts did over all series, by model and horizon: the scoreboard.
pub async fn accuracy(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let board: Vec<Value> = findings(&app).accuracy().iter().map(accurate).collect();
    Ok(own(&json!({
        "accuracy": board, "level": LEVEL, "kept_days": KEPT_DAYS,
        "baseline": "it stays as it is",
    })))
}

fn job(j: &JobStatus) -> Value {
    let aside = |s: &SetAside| json!({ "labels": labels(&s.labels), "reason": s.reason });
    json!({
        "name": j.name, "state": j.state, "last_at": at(j.last_ms), "next_at": rfc3339(j.next_ms),
        "basis": j.basis.map(|b| b.as_str()), "series": j.series, "findings": j.findings,
        "set_aside": j.set_aside.iter().map(aside).collect::<Vec<_>>(),
        "left_out": j.left_out, "problem": j.problem,
    })
}

/// The jobs and what came of their last look.
pub async fn jobs(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let jobs: Vec<Value> = findings(&app).jobs().iter().map(job).collect();
    Ok(own(&json!({ "jobs": jobs })))
}

fn replayed(r: &JobReplay) -> Value {
    let episodes = r.episodes.iter().map(|e| {
        json!({
            "labels": labels(&e.labels), "from": rfc3339(e.from_ms), "to": rfc3339(e.to_ms),
            "looks": e.looks, "value": e.value, "text": e.text, "beyond": e.beyond,
        })
    });
    json!({
        "job": r.job, "from": rfc3339(r.from_ms), "to": rfc3339(r.to_ms),
        "interval_ms": r.interval_ms, "looks": r.looks, "rested": r.rested, "basis": r.basis, "points": r.points,
        "set_aside": r.set_aside, "episodes": episodes.collect::<Vec<_>>(),
        "episodes_total": r.episodes_total, "complete": r.complete,
    })
}

/// What jobs would have found: `jobs` (the text of a file), `from`, `to`. After nine tenths of the query
/// timeout the answer is what was done by then, with `complete: false`.
pub async fn backtest(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let text = call.params.get("jobs").unwrap_or_default();
    let features = &app.engine.config().features;
    let jobs = read_text("(jobs)", text, features).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::parameter("jobs", all.join("; "))
    })?;
    let now = app.now();
    let range = (time(&call, "from", now - 86_400_000)?, time(&call, "to", now)?.min(now));
    if range.1 < range.0 {
        return Err(Failure::parameter("to", "must not be before from, nor from lie ahead"));
    }
    let within: Duration = app.limits.query_timeout / 10 * 9;
    ask(&app, &call.params, move |app, cx| {
        let begun = app.clock.mono();
        let go_on = || cx.cancel.check().is_ok() && app.clock.mono().saturating_sub(begun) < within;
        let done: Vec<JobReplay> =
            jobs.iter().map(|job| replay(job, &app.engine, &app.source, range, &go_on)).collect();
        cx.cancel.check()?;
        let complete = done.iter().all(|r| r.complete);
        let jobs: Vec<Value> = done.iter().map(replayed).collect();
        Ok(own(&json!({ "jobs": jobs, "complete": complete })))
    })
    .await
}
