//! Jobs over history: what they would have found, look by look, the same code as live.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::{SeriesSource, Timestamp};
use plimsoll_query::Engine;
use serde::Serialize;

use super::super::probe::Probe;
use super::Job;
use super::run::{JobResult, evaluate};

/// Looks of one job in a replay; a longer range is replayed at a longer interval.
pub const LOOKS_MAX: i64 = 2_000;
/// Episodes told of one job.
pub const EPISODES_MAX: usize = 200;

/// A stretch of looks that found the same series beyond a bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobEpisode {
    /// Labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The first look, ms.
    pub from_ms: Timestamp,
    /// The last look, ms.
    pub to_ms: Timestamp,
    /// Looks in it.
    pub looks: u64,
    /// The value farthest beyond.
    pub value: f64,
    /// What was said then.
    pub text: String,
    /// The bound.
    pub beyond: String,
}

/// What a job would have done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JobReplay {
    /// The job.
    pub job: String,
    /// First and last look, ms.
    pub from_ms: Timestamp,
    /// Last look, ms.
    pub to_ms: Timestamp,
    /// Time between looks, ms.
    pub interval_ms: i64,
    /// Looks made.
    pub looks: u64,
    /// Looks by how fresh the data were: `real-time`, `delayed`, `historical`, `none`.
    pub basis: BTreeMap<String, u64>,
    /// Looks that the calendar left out.
    pub rested: u64,
    /// Points read.
    pub points: u64,
    /// Series set aside, with the last reason.
    pub set_aside: BTreeMap<String, String>,
    /// What was found, in order of time.
    pub episodes: Vec<JobEpisode>,
    /// Episodes in all.
    pub episodes_total: u64,
    /// False when the time was over before the end.
    pub complete: bool,
}

/// Runs a job over `from..=to`; stops when `go_on` says so.
pub fn replay(
    job: &Job,
    engine: &Engine,
    source: &Arc<dyn SeriesSource>,
    (from, to): (Timestamp, Timestamp),
    go_on: &dyn Fn() -> bool,
) -> JobReplay {
    let span = (to - from).max(0);
    let least = span / LOOKS_MAX;
    let interval =
        job.interval_ms.max(least.div_euclid(1_000) * 1_000 + i64::from(least > 0) * 1_000);
    let mut done = JobReplay {
        job: job.name.clone(),
        from_ms: from,
        to_ms: to,
        interval_ms: interval,
        complete: true,
        ..JobReplay::default()
    };
    let mut open: BTreeMap<Vec<(String, String)>, JobEpisode> = BTreeMap::new();
    let snapshot = source.snapshot();
    let mut at = from.div_euclid(interval) * interval;
    if at < from {
        at += interval;
    }
    while at <= to {
        if !go_on() {
            done.complete = false;
            break;
        }
        let probe = Probe::new(engine, Arc::clone(&snapshot));
        let run = evaluate(job, &probe, at);
        if run.resting {
            done.rested += 1;
            at += interval;
            continue;
        }
        done.looks += 1;
        done.points += run.points;
        let basis = run.basis.map_or("none", super::super::assess::DataBasis::as_str);
        *done.basis.entry(basis.to_owned()).or_default() += 1;
        for aside in &run.set_aside {
            if done.set_aside.len() < EPISODES_MAX {
                let name = super::super::probe::braces_of(&aside.labels);
                done.set_aside.insert(name, aside.reason.clone());
            }
        }
        let found: BTreeMap<&[(String, String)], &JobResult> =
            run.found().map(|r| (r.labels.as_slice(), r)).collect();
        let over: Vec<_> =
            open.keys().filter(|l| !found.contains_key(l.as_slice())).cloned().collect();
        for labels in over {
            if let Some(episode) = open.remove(&labels) {
                done.close(episode);
            }
        }
        for (labels, r) in found {
            let beyond = r.beyond.clone().unwrap_or_default();
            let episode = open.entry(labels.to_vec()).or_insert_with(|| JobEpisode {
                labels: labels.to_vec(),
                from_ms: at,
                to_ms: at,
                looks: 0,
                value: r.value,
                text: r.text.clone(),
                beyond: beyond.clone(),
            });
            episode.to_ms = at;
            episode.looks += 1;
            let farther = if beyond.starts_with('<') {
                r.value < episode.value
            } else {
                r.value > episode.value
            };
            if farther {
                (episode.value, episode.text) = (r.value, r.text.clone());
            }
        }
        at += interval;
    }
    open.into_values().for_each(|e| done.close(e));
    done.episodes.sort_by(|a, b| (a.from_ms, &a.labels).cmp(&(b.from_ms, &b.labels)));
    done
}

impl JobReplay {
    fn close(&mut self, episode: JobEpisode) {
        self.episodes_total += 1;
        if self.episodes.len() < EPISODES_MAX {
            self.episodes.push(episode);
        }
    }
}
