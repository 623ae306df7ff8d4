//! From the series that changed to the order in which they are told: who may have caused the symptom.
//!
//! The score is a product of, each up to about 1: how unusual the stretch is, what happens at this time of
//! the day or week anyway taken away; who moved first (an onset after the symptom's is an effect); how near
//! it is by its labels, or because other series of its host go with the symptom; how its shape goes with the
//! symptom's; what it tells of ([`super::nature`]: that something else suffers too explains nothing). What a
//! restart of the same thing explains is lowered, and what a likelier series does ([`super::drivers`]).
//!
//! The constants are round and were chosen on the seeds below 1,000 of `cargo xtask bench faults`; the
//! order changes little when one of them is halved.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_analyze::{Focus as Shape, Scratch, cliffs_delta, median, quantile};
use plimsoll_model::{DAY_MS, Error, Labels, ReadCx};

use super::candidates::{Candidate, Candidates, Room, host_of};
use super::drivers::{diversify, explain_away, kind_of};
use super::nature::{Nature, is_change, nature};
use super::related::{Direction, Frames, Sight, Symptom, read};
use super::signal::Frame;

/// Cells about the symptom's onset in which shapes are compared.
const SHAPE_BEFORE: usize = 60;
/// Cells after it.
const SHAPE_AFTER: usize = 60;
/// Cells by which changes may be apart.
pub(super) const LAG_MAX: usize = 16;
/// Cells by which levels may be apart.
const LEVEL_LAG_MAX: usize = 6;
/// How much of the time a day and a week ago must be there to say what is usual then.
const EARLIER_SHARE: f64 = 0.7;
/// Cells by which what recurs may be early or late.
const RECURS_WITHIN: usize = 4;
/// What stands out by less is nothing special.
const DEVIATES_MIN: f64 = 3.0;
/// A strength of a half.
const HALF_Z: f64 = 6.0;
/// Nearness of what has nothing in common with the symptom but its shape, at most on top of 0.3.
const BY_SHAPE: f64 = 0.45;
/// Mean of the two best correlations of a host from which it is taken as one that goes with the symptom.
const HOST_GOES: f64 = 0.55;
/// A host on which so many services report is a reporter, not a thing.
const SERVICES_MAX: usize = 6;

/// A series in the second pass.
pub(super) struct Finalist {
    pub labels: Labels,
    pub sight: Sight,
    near: f64,
    /// Cell of its onset.
    pub onset: usize,
    /// Cliff's delta of the stretch against the baseline.
    pub effect: f64,
    /// Of its changes with those of the symptom.
    pub correlation: f64,
    /// Of the levels, for what moves at about the same time.
    level_correlation: f64,
    /// The middle 90 % of the baseline.
    pub usual: (f64, f64),
    /// Its changes about the symptom's onset.
    pub changes: Vec<f64>,
}

/// The symptom's shape, prepared.
pub(super) struct Shapes {
    part: std::ops::Range<usize>,
    changes: Option<Shape>,
    levels: Option<Shape>,
}

impl Shapes {
    pub fn of(focus: &Symptom) -> Self {
        let from = focus.onset.saturating_sub(SHAPE_BEFORE);
        let part = from..(focus.onset + SHAPE_AFTER).min(focus.y.len());
        let y = &focus.y[part.clone()];
        let (changes, levels) = (Shape::new(&changes(y), LAG_MAX), Shape::new(y, LEVEL_LAG_MAX));
        Self { part, changes, levels }
    }

    /// Correlations of changes and of levels.
    fn meet(&self, y: &[f64], scratch: &mut Scratch) -> (f64, f64) {
        let part = &y[self.part.clone()];
        let of = |shape: &Option<Shape>, y: &[f64], scratch: &mut Scratch| {
            shape.as_ref().and_then(|s| s.correlate(y, scratch))
        };
        let by_changes = of(&self.changes, &changes(part), scratch).map_or(0.0, |c| c.r);
        // What follows by more than a cell is no cause, however alike.
        let by_levels = of(&self.levels, part, scratch);
        (by_changes, by_levels.map_or(0.0, |c| if c.lag <= 1 { c.r } else { 0.7 * c.r }))
    }
}

/// Differences of means of two cells: less noise than differences, the onset still sharp.
fn changes(y: &[f64]) -> Vec<f64> {
    y.windows(4).map(|w| (w[2] + w[3]) / 2.0 - (w[0] + w[1]) / 2.0).collect()
}

/// The second look at one candidate; `None` when what it does is usual at this time.
pub(super) fn examine(
    all: &Candidates,
    (candidate, sight): (&Candidate, Sight),
    (frames, shapes): (&Frames, &Shapes),
    room: &mut Room,
    cx: &ReadCx,
) -> Result<Option<Finalist>, Error> {
    let (mut cells, mut y) = (Vec::new(), Vec::new());
    read(all, candidate, &frames.parts, room, cx, &mut cells, &mut y)?;
    let mut sight = sight;
    if matches!(sight.direction, Direction::Up | Direction::Down) {
        sight.found.z *= unusual(all, candidate, &sight, &y, frames, room, cx)?;
        if sight.found.z.abs() < DEVIATES_MIN {
            return Ok(None);
        }
    }
    let found = sight.found;
    let base = &y[..frames.base];
    let at = |q| quantile(base, q).unwrap_or(f64::NAN);
    let (correlation, level_correlation) = shapes.meet(&y, &mut Scratch::default());
    Ok(Some(Finalist {
        labels: all.labels(candidate, room),
        near: f64::from(candidate.near),
        onset: found.onset,
        effect: cliffs_delta(base, &y[found.first..found.end]).unwrap_or(0.0),
        correlation,
        level_correlation,
        usual: (at(0.05), at(0.95)),
        changes: changes(&y[shapes.part.clone()]),
        sight,
    }))
}

/// Which share of the change is not what the same time a day and a week ago had too, give or take some
/// cells; 1 where these are not known.
fn unusual(
    all: &Candidates,
    candidate: &Candidate,
    sight: &Sight,
    y: &[f64],
    frames: &Frames,
    room: &mut Room,
    cx: &ReadCx,
) -> Result<f64, Error> {
    if frames.parts.len() > 1 {
        return Ok(1.0);
    }
    let (mut cells, mut whole) = (Vec::new(), Vec::new());
    let found = sight.found;
    // 0 is always usual: that it stays what it was.
    let mut usual = vec![(0.0_f64, 0.0_f64); found.end - found.first];
    for days in [1, 7] {
        let parts: Vec<Frame> = frames.parts.iter().map(|f| f.earlier(days * DAY_MS)).collect();
        read(all, candidate, &parts, room, cx, &mut cells, &mut whole)?;
        let finite = whole.iter().filter(|v| v.is_finite()).count();
        let level = median(&whole[..frames.base]);
        let (true, Some(level)) = (finite as f64 >= EARLIER_SHARE * whole.len() as f64, level)
        else {
            continue;
        };
        let smooth = smooth(&whole);
        for (slot, i) in usual.iter_mut().zip(found.first..found.end) {
            let about = i.saturating_sub(RECURS_WITHIN)..(i + RECURS_WITHIN + 1).min(smooth.len());
            for v in smooth[about].iter().filter(|v| v.is_finite()) {
                *slot = (slot.0.min(v - level), slot.1.max(v - level));
            }
        }
    }
    let (mut kept, mut moved) = (0.0, 0.0);
    for (slot, v) in usual.iter().zip(&y[found.first..found.end]) {
        if v.is_finite() {
            let away = v - found.level;
            moved += away;
            kept += away - away.clamp(slot.0, slot.1);
        }
    }
    let share: f64 = kept / moved;
    Ok(if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 })
}

/// Centred means of three cells.
fn smooth(y: &[f64]) -> Vec<f64> {
    let mut out = y.to_vec();
    for i in 1..y.len().saturating_sub(1) {
        let mean = (y[i - 1] + y[i] + y[i + 1]) / 3.0;
        if mean.is_finite() {
            out[i] = mean;
        }
    }
    out
}

/// The finalists with their scores, the most likely cause first.
pub(super) fn order(
    finalists: Vec<Finalist>,
    focus: &Symptom,
    frames: &Frames,
) -> Vec<(Finalist, f64)> {
    let step_s = frames.whole.step as f64 / 1e3;
    let goes: Vec<f64> = finalists.iter().map(|f| goes_with(f, focus, step_s)).collect();
    let hosts = hosts(&finalists, &goes, focus, step_s);
    let restarts = restarts(&finalists);
    let mut ranked: Vec<(Finalist, f64)> = finalists
        .into_iter()
        .zip(goes)
        .map(|(f, goes)| {
            let score = score(&f, goes, &hosts, &restarts, focus, step_s);
            (f, score)
        })
        .collect();
    let likeliest = |a: &(Finalist, f64), b: &(Finalist, f64)| {
        b.1.total_cmp(&a.1).then_with(|| a.0.labels.cmp(&b.0.labels))
    };
    ranked.sort_by(likeliest);
    explain_away(&mut ranked);
    ranked.sort_by(likeliest);
    diversify(&mut ranked, |(f, _)| kind_of(f));
    ranked
}

fn lead_s(f: &Finalist, focus: &Symptom, step_s: f64) -> f64 {
    (focus.onset as f64 - f.onset as f64) * step_s
}

/// How a series goes with the symptom, 0 to 1: by its changes, and by its level where it moved at about the
/// same time. What came or went has no shape; its moment counts.
fn goes_with(f: &Finalist, focus: &Symptom, step_s: f64) -> f64 {
    let lead = lead_s(f, focus, step_s);
    let has_shape = matches!(f.sight.direction, Direction::Up | Direction::Down)
        && !is_change(f.labels.metric());
    if !has_shape {
        return if (-step_s..=120.0).contains(&lead) { 0.75 } else { 0.4 };
    }
    let mut r = f.correlation.abs();
    if (-2.0 * step_s..=60.0).contains(&lead) {
        r = r.max(0.8 * f.level_correlation.abs());
    }
    if lead < -3.0 * step_s { 0.5 * r } else { r }
}

/// How far each host goes with the symptom: the mean of its two series that do so best.
fn hosts(
    finalists: &[Finalist],
    goes: &[f64],
    focus: &Symptom,
    step_s: f64,
) -> BTreeMap<String, f64> {
    let mut all: BTreeMap<&str, (Vec<f64>, BTreeSet<&str>)> = BTreeMap::new();
    for (f, goes) in finalists.iter().zip(goes) {
        let Some(host) = host_of(f.labels.as_ref()) else { continue };
        let entry = all.entry(host).or_default();
        if lead_s(f, focus, step_s) >= -2.0 * step_s && f.sight.direction != Direction::Appeared {
            entry.0.push(*goes);
        }
        entry.1.extend(f.labels.get("service"));
    }
    all.into_iter()
        .filter(|(_, (_, services))| services.len() <= SERVICES_MAX)
        .map(|(host, (mut goes, _))| {
            goes.sort_by(|a, b| b.total_cmp(a));
            let at = |i: usize| goes.get(i).copied().unwrap_or(0.3);
            (host.to_owned(), (at(0) + at(1)) / 2.0)
        })
        .collect()
}

/// Where something started anew, and in which cell.
fn restarts(finalists: &[Finalist]) -> BTreeSet<(String, usize)> {
    let is_start = |f: &&Finalist| is_change(f.labels.metric());
    let place = |f: &Finalist| Some((f.labels.get("instance")?.to_owned(), f.onset));
    finalists.iter().filter(is_start).filter_map(place).collect()
}

fn score(
    f: &Finalist,
    goes: f64,
    hosts: &BTreeMap<String, f64>,
    restarts: &BTreeSet<(String, usize)>,
    focus: &Symptom,
    step_s: f64,
) -> f64 {
    let z = f.sight.found.z.abs();
    let strength = z / (z + HALF_Z);
    let host = host_of(f.labels.as_ref()).and_then(|h| hosts.get(h)).copied().unwrap_or(0.0);
    let by_shape = ((host - HOST_GOES) / 0.35).clamp(0.0, 1.0);
    let near = f.near.max(0.3 + BY_SHAPE * by_shape);
    // What is near shares its host's shape: a leak grows long before it is felt.
    let shape = if f.near > 0.3 { goes.max(0.85 * host) } else { goes };
    let is_own = f.near >= 0.85;
    let kind = match nature(f.labels.as_ref()) {
        Nature::Change if is_own => 1.25,
        Nature::Change => 0.6,
        Nature::Symptom => 0.5,
        Nature::Crowd => 0.75,
        Nature::Plain => 1.0,
    };
    let explained = !is_change(f.labels.metric())
        && f.labels.get("instance").is_some_and(|place| {
            (f.onset.saturating_sub(2)..=f.onset + 1)
                .any(|at| restarts.contains(&(place.to_owned(), at)))
        });
    let kind = if explained { 0.6 * kind } else { kind };
    let score =
        strength * timing(lead_s(f, focus, step_s), step_s) * near * (0.5 + 0.5 * shape) * kind;
    score.clamp(0.0, 1.0)
}

/// Who moved first: best from half a minute before, falling slowly for long before and fast for after.
fn timing(lead_s: f64, step_s: f64) -> f64 {
    const AT_ONCE: f64 = 0.8;
    if lead_s < -step_s {
        return AT_ONCE * ((lead_s + step_s) / 90.0).exp();
    }
    let lead = lead_s.max(0.0);
    (AT_ONCE + (1.0 - AT_ONCE) * (lead / 30.0).min(1.0)) / (1.0 + (lead / 2_400.0).powi(2))
}
