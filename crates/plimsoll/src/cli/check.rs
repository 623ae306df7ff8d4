//! `plimsoll check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use plimsoll::Options;
use plimsoll::config::{check_alertmanager_file, check_rule_file, load};
use plimsoll_model::written::{Problem, Value, parse};

use super::{Check, WRONG, say, say_wrong};

/// Checks each file as what it is.
pub fn run(check: &Check) -> ExitCode {
    let mut wrong = false;
    if check.files.is_empty() {
        wrong |= report(Path::new("(defaults)"), checked(&Options::default()));
    }
    for file in &check.files {
        wrong |= report(file, one(file));
    }
    if wrong { ExitCode::from(WRONG) } else { ExitCode::SUCCESS }
}

fn report(file: &Path, outcome: Result<String, Vec<Problem>>) -> bool {
    match outcome {
        Ok(what) => {
            say(&format!("{}: {what}", file.display()));
            false
        }
        Err(problems) => {
            problems.iter().for_each(|p| say_wrong(&p.to_string()));
            true
        }
    }
}

fn one(file: &PathBuf) -> Result<String, Vec<Problem>> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|e| {
        let (key, message) = (String::new(), format!("cannot be read: {e}"));
        vec![Problem { file: name.clone(), line: 0, key, message }]
    })?;
    let root = parse(&name, &text).map_err(|p| vec![p])?;
    let has = |key: &str| match &root.value {
        Value::Map(entries) => entries.iter().any(|(k, ..)| k == key),
        _ => false,
    };
    if has("groups") {
        let features = plimsoll::extensions::features().map_err(|e| {
            let (key, message) = (String::new(), e.to_string());
            vec![Problem { file: name.clone(), line: 0, key, message }]
        })?;
        let groups = check_rule_file(file, 60_000, &features)?;
        let rules: usize = groups.iter().map(|g| g.rules.len()).sum();
        return Ok(format!("{rules} rules in {} groups", groups.len()));
    }
    if has("jobs") {
        let features = plimsoll::extensions::features().map_err(|e| {
            let (key, message) = (String::new(), e.to_string());
            vec![Problem { file: name.clone(), line: 0, key, message }]
        })?;
        let jobs = plimsoll_insight::findings::jobs::read_text(&name, &text, &features)?;
        return Ok(format!("{} analysis jobs", jobs.len()));
    }
    if has("route") || has("receivers") {
        let loaded = check_alertmanager_file(file)?;
        loaded.unsupported.iter().for_each(|text| say(text));
        let (routes, receivers) = (loaded.routing.routes.len(), loaded.routing.receivers.len());
        return Ok(format!("fine: {routes} routes, {receivers} receivers"));
    }
    if has("scrape_configs") || has("global") {
        return checked(&Options { prometheus_config: Some(file.clone()), ..Options::default() });
    }
    checked(&Options { config: Some(file.clone()), ..Options::default() })
}

fn checked(options: &Options) -> Result<String, Vec<Problem>> {
    let config = load(options)?;
    config.unsupported.iter().for_each(|text| say(text));
    let (jobs, rules) = (config.collect.scrape.len(), config.groups.iter().map(|g| g.rules.len()));
    let analysis = match config.jobs.len() {
        0 => String::new(),
        n => format!(", {n} analysis jobs"),
    };
    Ok(format!("fine: {jobs} scrape jobs, {} rules{analysis}", rules.sum::<usize>()))
}
