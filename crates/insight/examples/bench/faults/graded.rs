//! How well a fault is found: the place of its causing series in the ranking, ours and the baseline's.

use std::sync::Arc;

use plimsoll_analyze::kolmogorov_smirnov;
use plimsoll_insight::investigate::{Investigator, Related, RelatedAsk};
use plimsoll_model::{Hint, LabelScratch, Labels, ReadCx, Scratch, SeriesSource, TimeRange};
use plimsoll_query::{Engine, EngineConfig};
use plimsoll_world::Workers;

use super::scene::Scene;

const MINUTE: i64 = 60_000;

/// The window that is looked at: an hour up to the alert.
pub const WINDOW: i64 = 60 * MINUTE;

pub struct Graded {
    /// Places of the cause from 1; `None` when it is not among those told.
    pub ours: Option<usize>,
    pub baseline: Option<usize>,
    pub told: Vec<Related>,
    pub took_ms: u128,
    pub onset: i64,
}

pub fn grade(scene: &Scene) -> Graded {
    let workers = Arc::new(Workers::new(0));
    let engine = Arc::new(Engine::new(EngineConfig::default(), Arc::clone(&workers)));
    let source = Arc::clone(&scene.source) as Arc<dyn SeriesSource>;
    let asked = RelatedAsk {
        query: engine.parse(&scene.query).expect("an expression of the bed"),
        labels: scene.labels.clone(),
        since: Some(scene.alert_at),
        range: TimeRange::new(scene.alert_at - WINDOW, scene.alert_at),
        baseline: None,
        sets: Vec::new(),
        limit: 100,
    };
    let investigator = Investigator::new(engine, source, workers);
    let begun = std::time::Instant::now();
    let answer = investigator.related(&asked, &ReadCx::unlimited()).expect("an answer");
    let took_ms = begun.elapsed().as_millis();
    let is_cause = |r: &Related| {
        scene.causes.iter().any(|c| {
            c.metric() == r.metric
                && r.labels.len() + 1 == c.len()
                && r.labels.iter().all(|(n, v)| c.get(n) == Some(v))
        })
    };
    Graded {
        ours: answer.related.iter().position(is_cause).map(|i| i + 1),
        baseline: baseline(scene, answer.focus.onset),
        told: answer.related,
        took_ms,
        onset: answer.focus.onset,
    }
}

/// The place of the first causing series when all are ranked by the two-sample Kolmogorov–Smirnov statistic
/// of what is alarming (from a minute before the symptom's onset) against the hour before, counters as rates;
/// equals share their mean place.
fn baseline(scene: &Scene, onset: i64) -> Option<usize> {
    let cx = ReadCx::unlimited();
    let begin = (onset - MINUTE).min(scene.alert_at - 2 * MINUTE);
    let range = TimeRange::new(begin - 60 * MINUTE, scene.alert_at);
    let snapshot = scene.source.snapshot();
    let all = snapshot.select(&[], &Hint::range(range), &cx).expect("readable");
    let (mut names, mut scratch) = (LabelScratch::default(), Scratch::new());
    let mut ranked: Vec<(f64, Labels)> = Vec::new();
    for i in 0..all.len() {
        let labels = all.shared_labels(i, &mut names);
        let columns = all.read(i, range, &mut scratch, &cx).expect("readable");
        let is_counter = ["_total", "_sum", "_count"].iter().any(|e| labels.metric().ends_with(e))
            || labels.metric().contains("netstat_Tcp_Retrans");
        let (times, floats): (Vec<i64>, Vec<f64>) = if is_counter {
            let pairs = columns.times.windows(2).zip(columns.floats.windows(2));
            pairs.map(|(t, v)| (t[1], (v[1] - v[0]).max(0.0))).unzip()
        } else {
            (columns.times.to_vec(), columns.floats.to_vec())
        };
        let cut = times.partition_point(|t| *t <= begin);
        let d = match kolmogorov_smirnov(&floats[..cut], &floats[cut..]) {
            Some(test) => test.statistic,
            // It came: nothing could be more different.
            None if cut == 0 && !floats.is_empty() => 1.0,
            None => 0.0,
        };
        ranked.push((d, labels));
    }
    let best = ranked
        .iter()
        .filter(|(_, l)| scene.causes.contains(l))
        .map(|(d, _)| *d)
        .max_by(f64::total_cmp)?;
    let above = ranked.iter().filter(|(d, _)| *d > best).count();
    let equal = ranked.iter().filter(|(d, _)| *d == best).count();
    Some(above + equal.div_ceil(2))
}
