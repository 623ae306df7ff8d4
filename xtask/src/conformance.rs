//! The cases of third parties, and the scores we hold ourselves to.

use crate::place::{Place, run};
use crate::step::Outcome;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A server as the cases want it: nothing of its own, no retention.
const SERVE: &str = "serve --bare --retention=unlimited --log-level=error --data-dir {dir}/d \
                     --listen 127.0.0.1:{port}";
/// The features of Prometheus' test scripts.
const OF_SCRIPTS: &str = "--enable-feature=promqltest";
/// The features with which the answers were recorded.
const OF_ANSWERS: &str = "--enable-feature=promql-experimental-functions";
/// Where targets to scrape are written.
const WITH_TARGETS: &str = "--prometheus-config {dir}/prometheus.yml";
/// Where routes and receivers are written.
const WITH_ROUTES: &str = "--alertmanager-config {dir}/alertmanager.yml";

/// Shares of a score that are rounding, in percentage points.
const SLACK: f64 = 1e-9;

/// Prometheus' own scripts.
pub fn scripts(place: &Place) -> Result<Outcome> {
    let Some(shared) = place.shared() else { return Ok(not_here()) };
    let json = place.scratch("scripts")?.join("scores.json");
    let mut command = place.command("python3");
    command.arg(shared.join("harness/promql/run.py")).arg("--server").arg(serve(place, OF_SCRIPTS));
    command.arg("--tests").arg(shared.join("promqltest")).arg("--list-fails");
    let outcomes = scores(command.arg("--json").arg(&json), &json)?;
    let outcomes = outcomes.as_array().context("scores.json is not a list")?;
    let count = |wanted: &[&str]| {
        let status = |o: &&Value| wanted.contains(&o["status"].as_str().unwrap_or_default());
        outcomes.iter().filter(status).count()
    };
    judge(
        place,
        "promql_scripts",
        count(&["pass", "soft"]),
        count(&["pass", "soft", "fail", "lack"]),
    )
}

/// Answers kept from Prometheus.
pub fn gold(place: &Place) -> Result<Outcome> {
    let Some(shared) = place.shared() else { return Ok(not_here()) };
    let json = place.scratch("gold")?.join("scores.json");
    let mut command = place.command("python3");
    command.arg(shared.join("harness/promql/compare.py"));
    command.arg("--gold").arg(shared.join("promql-gold/prometheus-3.12.json.gz"));
    command.arg("--test-cmd").arg(serve(place, OF_ANSWERS));
    command.args(["--annotations", "--strict-format", "--list-fails"]);
    let result = scores(command.arg("--json").arg(&json), &json)?;
    let groups = result["groups"].as_object().context("scores.json has no groups")?;
    let sum = |i: usize| groups.values().filter_map(|pair| pair[i].as_u64()).sum::<u64>() as usize;
    judge(place, "promql_gold", sum(0), sum(0) + sum(1))
}

/// What senders of remote writes, 1.0 and 2.0, may expect.
pub fn remote_write(place: &Place) -> Result<Outcome> {
    let Some(shared) = place.shared() else { return Ok(not_here()) };
    let mut command = place.command("python3");
    command.arg(shared.join("harness/ingest/remote_write.py"));
    command.args(["--profile", "prom3", "--ooo", "accept", "--list-fails"]);
    all(command.arg("--cmd").arg(serve(place, "")))
}

/// What targets may write.
pub fn exposition(place: &Place) -> Result<Outcome> {
    let Some(shared) = place.shared() else { return Ok(not_here()) };
    let mut command = place.command("python3");
    command.arg(shared.join("harness/ingest/exposition.py")).arg("--list-fails");
    all(command.arg("--cmd").arg(serve(place, WITH_TARGETS)))
}

/// Who is told what, when.
pub fn alertmanager(place: &Place) -> Result<Outcome> {
    let Some(shared) = place.shared() else { return Ok(not_here()) };
    let mut command = place.command("python3");
    command.arg(shared.join("harness/alerts/am_conformance.py")).arg("--list-fails");
    all(command.arg("--cmd").arg(serve(place, WITH_ROUTES)))
}

/// What rules do, and what is sent of them.
pub fn rules(place: &Place) -> Result<Outcome> {
    let Some(shared) = place.shared() else { return Ok(not_here()) };
    let mut command = place.command("python3");
    command.arg(shared.join("harness/alerts/rules_conformance.py")).arg("--list-fails");
    all(command.arg("--cmd").arg(serve(place, WITH_TARGETS)))
}

/// Runs a harness that ends with an error unless all cases pass.
fn all(command: &mut Command) -> Result<Outcome> {
    run(command.env("PYTHONDONTWRITEBYTECODE", "1"))?;
    Outcome::done()
}

fn serve(place: &Place, more: &str) -> String {
    format!("{} {SERVE} {more}", place.binary().display())
}

fn not_here() -> Outcome {
    let why = "no ../shared beside the checkout; set PLIMSOLL_SHARED to where the cases are";
    println!("{why}");
    Outcome::Skipped(why.to_owned())
}

/// Runs a harness, which ends with 1 when any case fails, and reads what it wrote.
fn scores(command: &mut Command, json: &Path) -> Result<Value> {
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let status = command.status().context("start python3")?;
    let text = fs::read_to_string(json)
        .with_context(|| format!("the harness ended with {status} and wrote no scores"))?;
    if let Some(dir) = json.parent() {
        let _gone = fs::remove_dir_all(dir);
    }
    Ok(serde_json::from_str(&text)?)
}

/// Holds a score against its minimum.
fn judge(place: &Place, name: &str, passed: usize, total: usize) -> Result<Outcome> {
    if total == 0 {
        bail!("{name}: the harness ran no case");
    }
    let score = 100.0 * passed as f64 / total as f64;
    let path = place.root.join("xtask/minima.toml");
    let minima: toml::Table = fs::read_to_string(&path)?.parse()?;
    let minimum = minima.get(name).and_then(toml::Value::as_float);
    let minimum = minimum.with_context(|| format!("xtask/minima.toml: no number {name}"))?;
    let told = format!("{passed} of {total} pass: {score:.2} %, minimum {minimum:.2} %");
    println!("{name}: {told}");
    if score + SLACK < minimum {
        bail!("{name}: {told}");
    }
    let floor = (score * 100.0).floor() / 100.0;
    if floor > minimum {
        println!("raise it: xtask/minima.toml: {name} = {floor:.2}");
    }
    Ok(Outcome::Done(told))
}
