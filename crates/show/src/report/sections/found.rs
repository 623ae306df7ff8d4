//! What was found: states of hosts and services, incidents, risks, recommendations, insights.

use std::collections::BTreeMap;

use plimsoll_model::Unit;
use serde_json::Value as Json;

use super::{API, duration, list, seconds, table, text, time, told};
use crate::report::ask::Answers;
use crate::report::blocks::{Block, Value};
use crate::report::period::Window;

type Blocks = Result<Vec<Block>, String>;

/// How much of the time each host and service was in which state.
pub fn health(key: &str, answers: &Answers, window: &Window, limit: usize) -> Blocks {
    let mut out = Vec::new();
    for (by, title) in [("instance", "Hosts"), ("job", "Services")] {
        let answer = answers.json(&format!("{key}/{by}"))?;
        let mut states: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
        for one in list(answer, "assessments") {
            let (Some(from), Some(to)) = (time(&one["from"]), time(&one["to"])) else { continue };
            let part = (to.min(window.until) - from.max(window.from)).max(0) as f64;
            *states.entry(text(one, "name")).or_default().entry(text(one, "state")).or_default() +=
                part;
        }
        if states.is_empty() {
            continue;
        }
        let mut rows: Vec<(f64, Vec<Value>)> = states
            .into_iter()
            .map(|(name, of)| {
                let sum: f64 = of.values().sum();
                let share = |state: &str| of.get(state).copied().unwrap_or(0.0) / sum.max(1.0);
                let well = share("healthy");
                let known = share("degraded") + share("unhealthy");
                let row = vec![
                    Value::text(name),
                    Value::share(well),
                    Value::share(share("degraded")),
                    Value::share(share("unhealthy")),
                    Value::share((1.0 - well - known).max(0.0)),
                ];
                (well, row)
            })
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let columns = [
            ("Name", false),
            ("Healthy", true),
            ("Degraded", true),
            ("Unhealthy", true),
            ("Unknown", true),
        ];
        let (from, to) = (seconds(window.from), seconds(window.until));
        let source = format!("GET {API}/assessments?by={by}&from={from}&to={to}&limit=1000");
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        out.push(table(title, &columns, rows, limit, source));
    }
    if out.is_empty() {
        out.push(Block::Words("Nothing was assessed in this time.".to_owned()));
    }
    Ok(out)
}

/// Incidents of the window, and how rules did.
pub fn incidents(key: &str, answers: &Answers, window: &Window, limit: usize) -> Blocks {
    let answer = answers.json(&format!("{key}/incidents"))?;
    let in_time = |i: &&Json| {
        let opened = time(&i["opened_at"]).unwrap_or(0);
        let ended = time(&i["resolved_at"]).unwrap_or(i64::MAX);
        opened <= window.until && ended >= window.from
    };
    let rows: Vec<Vec<Value>> = list(answer, "incidents")
        .iter()
        .filter(in_time)
        .map(|i| {
            let (opened, ended) = (time(&i["opened_at"]), time(&i["resolved_at"]));
            let until = ended.unwrap_or(window.until);
            let lasted = opened.map(|o| (until - o).max(0) as f64 / 1e3);
            vec![
                told(window, &i["opened_at"]),
                Value::text(text(i, "title")),
                Value::text(text(i, "severity")),
                Value::text(text(i, "state")),
                Value::maybe(i["alerts"].as_f64(), Unit::Plain),
                duration(lasted),
                told(window, &i["acknowledged_at"]),
            ]
        })
        .collect();
    let mut out = Vec::new();
    if rows.is_empty() {
        out.push(Block::Words("No incident in this time.".to_owned()));
    } else {
        let columns = [
            ("Opened", false),
            ("Incident", false),
            ("Severity", false),
            ("State", false),
            ("Alerts", true),
            ("Lasted", true),
            ("Acknowledged", false),
        ];
        let source = format!("GET {API}/incidents?state=all&limit=1000");
        out.push(table("", &columns, rows, limit, source));
    }
    out.extend(statistics(key, answers, window, limit)?);
    Ok(out)
}

fn statistics(key: &str, answers: &Answers, window: &Window, limit: usize) -> Blocks {
    let answer = answers.json(&format!("{key}/statistics"))?;
    let rows: Vec<Vec<Value>> = list(answer, "rules")
        .iter()
        .map(|r| {
            vec![
                Value::text(text(&r["rule"], "name")),
                Value::maybe(r["episodes"].as_f64(), Unit::Plain),
                duration(r["firing_seconds"].as_f64()),
                duration(r["mean_to_acknowledge_seconds"].as_f64()),
                duration(r["mean_to_resolve_seconds"].as_f64()),
                Value::maybe(r["notifications"].as_f64(), Unit::Plain),
                Value::maybe(r["pages"].as_f64(), Unit::Plain),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let columns = [
        ("Rule", false),
        ("Alerts", true),
        ("Fired for", true),
        ("To acknowledge", true),
        ("To resolve", true),
        ("Messages", true),
        ("Pages", true),
    ];
    let (from, to) = (seconds(window.from), seconds(window.until));
    let source = format!("GET {API}/alerts/statistics?from={from}&to={to}");
    Ok(vec![table("Rules, the noisiest first", &columns, rows, limit, source)])
}

/// What may go wrong.
pub fn risks(key: &str, answers: &Answers, limit: usize) -> Blocks {
    let answer = answers.json(&format!("{key}/risks"))?;
    let rows: Vec<Vec<Value>> = list(answer, "risks")
        .iter()
        .map(|r| {
            let likely = |when: &str| Value::maybe(r["probability"][when].as_f64(), Unit::Ratio);
            vec![
                Value::text(text(r, "title")),
                Value::maybe(r["value"].as_f64(), Unit::Ratio),
                likely("day"),
                likely("week"),
                likely("month"),
                Value::maybe(r["score"].as_f64(), Unit::Plain),
                Value::text(text(r, "query")),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(vec![Block::Words("No risk is known.".to_owned())]);
    }
    let columns = [
        ("Risk", false),
        ("Now", true),
        ("In a day", true),
        ("In a week", true),
        ("In a month", true),
        ("Score", true),
        ("Query", false),
    ];
    Ok(vec![table("", &columns, rows, limit, format!("GET {API}/risks?limit={limit}"))])
}

/// What to do.
pub fn recommendations(key: &str, answers: &Answers, limit: usize) -> Blocks {
    let answer = answers.json(&format!("{key}/recommendations"))?;
    let rows: Vec<Vec<Value>> = list(answer, "recommendations")
        .iter()
        .map(|r| {
            let evidence: Vec<&str> = list(r, "evidence").iter().map(|e| text(e, "text")).collect();
            vec![
                Value::text(text(r, "action")),
                Value::text(evidence.join("; ")),
                Value::text(text(r, "expected_effect")),
                Value::text(text(r, "state")),
                Value::maybe(r["confidence"].as_f64(), Unit::Ratio),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(vec![Block::Words("Nothing is recommended.".to_owned())]);
    }
    let columns = [
        ("Do this", false),
        ("Because", false),
        ("Then", false),
        ("State", false),
        ("Confidence", true),
    ];
    Ok(vec![table("", &columns, rows, limit, format!("GET {API}/recommendations?limit={limit}"))])
}

/// What was found in the window.
pub fn insights(key: &str, answers: &Answers, window: &Window, limit: usize) -> Blocks {
    let answer = answers.json(&format!("{key}/insights"))?;
    let in_time = |i: &&Json| {
        let last = time(&i["last_at"]).unwrap_or(i64::MAX);
        let first = time(&i["first_at"]).unwrap_or(0);
        last >= window.from && first <= window.until
    };
    let rows: Vec<Vec<Value>> = list(answer, "insights")
        .iter()
        .filter(in_time)
        .map(|i| {
            vec![
                Value::text(text(i, "title")),
                Value::text(text(i, "type")),
                Value::maybe(i["confidence"].as_f64(), Unit::Ratio),
                told(window, &i["first_at"]),
                told(window, &i["last_at"]),
                Value::text(text(i, "description")),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(vec![Block::Words("Nothing was found in this time.".to_owned())]);
    }
    let columns = [
        ("Insight", false),
        ("Type", false),
        ("Confidence", true),
        ("First seen", false),
        ("Last seen", false),
        ("What", false),
    ];
    let source = format!("GET {API}/insights?state=all&limit={}", limit * 4);
    Ok(vec![table("", &columns, rows, limit, source)])
}
