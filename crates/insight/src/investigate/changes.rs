//! What changed: restarts, deployments, configuration, targets that were down, levels that shifted, series
//! that came and went.
//!
//! Exporters say the first four themselves (start times, `*_info` labels, reload times, `up`); these few
//! series are read as they are. The rest is seen in the data, when asked for: a stretch of the window that
//! stands out clearly from the time before it. Alike changes within [`TOGETHER_MS`] are told as one.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{
    Error, Hint, Labels, METRIC_NAME, MINUTE_MS, MatchOp, Matcher, ReadCx, SECOND_MS, Scoped,
    Scratch, Snapshot, Stop, TimeRange, Timestamp, is_stale, show_duration_ms,
};

use super::candidates::{Candidates, Place, Room, host_of};
use super::related::{Direction, judge};
use super::screen::{Desk, Span};
use super::signal::Frame;
use super::{InvestigateError, Investigator, RESULTS_MAX, check_range, check_sets, step_of, words};
use crate::scores::pairs;

/// Series that tell of themselves, read at most.
const TELLING_MAX: usize = 20_000;
/// Changes of one kind and name within this are one, ms.
const TOGETHER_MS: i64 = 5 * MINUTE_MS;
/// Names that are told of changes that are one.
const NAMED_MAX: usize = 3;
/// A level that shifted stands out by this many deviates.
const SHIFT_MIN: f64 = 8.0;
/// How long before the window labels are looked at, ms.
const BEFORE_MS: i64 = 10 * MINUTE_MS;

/// Metrics whose value is the time at which something started, seconds.
const STARTS: &str = "process_start_time_seconds|node_boot_time_seconds|container_start_time_seconds|\
                      windows_system_boot_time_timestamp|kube_pod_start_time";
/// Metrics whose value is the time of the last reload, seconds.
const RELOADS: &str =
    ".*config.*_(reload|load).*_timestamp_seconds|.*_last_reload_timestamp_seconds";
/// Metrics whose labels describe.
const INFOS: &str = ".*_info";

/// What is asked.
#[derive(Clone, Debug)]
pub struct ChangesAsk {
    /// The window.
    pub range: TimeRange,
    /// Which series; none = all.
    pub sets: Vec<Vec<Matcher>>,
    /// Whether levels, comings and goings are looked for too: reads every series.
    pub in_data: bool,
    /// Changes wanted; at most [`RESULTS_MAX`].
    pub limit: usize,
}

/// What kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// A process, a container or a machine started anew, or a target was down.
    Restart,
    /// Another version runs.
    Deployment,
    /// Configuration was read again, or labels that describe something are others.
    Configuration,
    /// The level of a series is another one.
    LevelShift,
    /// Series came.
    Appeared,
    /// Series went.
    Gone,
}

impl ChangeKind {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Deployment => "deployment",
            Self::Configuration => "configuration",
            Self::LevelShift => "level_shift",
            Self::Appeared => "appeared",
            Self::Gone => "gone",
        }
    }
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenChange {
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: ChangeKind,
    /// In a sentence, without the time.
    pub text: String,
    /// Labels of the (first) series that tells of it, without its name.
    pub labels: Vec<(String, String)>,
    /// How telling, 0 to 1.
    pub score: f64,
    /// An expression that shows it.
    pub query: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangesAnswer {
    /// In the order of time.
    pub changes: Vec<SeenChange>,
    /// Whether there was more.
    pub truncated: bool,
}

/// A series and its first and last sample, ms.
type Alive = (Labels, i64, i64);

/// A change before alike ones are told as one.
struct Note {
    at: Timestamp,
    kind: ChangeKind,
    /// What happened, with `{}` where the names stand.
    what: String,
    name: String,
    labels: Labels,
    score: f64,
}

impl Investigator {
    /// What changed in a window.
    ///
    /// # Errors
    /// `Invalid`: a bound is exceeded. `Read`: the store cannot be read, or the asker went away; a deadline
    /// gives what was found by then.
    pub fn changes(
        &self,
        ask: &ChangesAsk,
        cx: &ReadCx,
    ) -> Result<ChangesAnswer, InvestigateError> {
        check_range("from, to", ask.range)?;
        check_sets(&ask.sets)?;
        let cx = &Self::bounded(cx);
        let snapshot = Scoped::new(self.source.snapshot());
        let mut notes = Vec::new();
        let told = told(&snapshot, ask, cx, &mut notes);
        let seen = match told {
            Ok(()) if ask.in_data => self.seen(&snapshot, ask, cx, &mut notes),
            other => other,
        };
        match seen {
            Ok(()) | Err(Error::Stopped(Stop::Deadline)) => {}
            Err(e) => return Err(e.into()),
        }
        let mut changes = together(notes);
        changes.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.at.cmp(&b.at)));
        let limit = ask.limit.clamp(1, RESULTS_MAX);
        let truncated = changes.len() > limit;
        changes.truncate(limit);
        changes.sort_by(|a, b| (a.at, a.kind, &a.text).cmp(&(b.at, b.kind, &b.text)));
        Ok(ChangesAnswer { changes, truncated })
    }

    /// Levels that shifted, series that came and went.
    fn seen(
        &self,
        snapshot: &dyn Snapshot,
        ask: &ChangesAsk,
        cx: &ReadCx,
        notes: &mut Vec<Note>,
    ) -> Result<(), Error> {
        let length = ask.range.end - ask.range.start;
        let step = step_of(length);
        let frame = Frame::covering(ask.range.start - length, ask.range.end, step);
        let base = frame.len / 2;
        let span = Span { base, from: base + 1, to: frame.len };
        let mut place = Place::default();
        let all = Candidates::choose(snapshot, &ask.sets, &[], frame.range(), &mut place, cx)?;
        for part in all.list.chunks(super::BATCH) {
            let found = self.workers.in_ranges(part.len(), 32, |range| {
                let (mut room, mut desk, mut y) = (Room::default(), Desk::default(), Vec::new());
                let mut out = Vec::new();
                for candidate in &part[range] {
                    if let Err(e @ Error::Stopped(_)) = cx.cancel.check() {
                        return (out, Some(e));
                    }
                    let Ok(reading) = all.read(candidate, frame, &mut room, cx, &mut y) else {
                        continue;
                    };
                    let Some((found, direction)) = judge(&y, span, &mut desk) else { continue };
                    if found.z.abs() < SHIFT_MIN {
                        continue;
                    }
                    let labels = all.labels(candidate, &mut room);
                    out.push(shifted(labels, reading, found, direction, frame));
                }
                (out, None)
            });
            for (some, stopped) in found {
                notes.extend(some);
                if let Some(e) = stopped {
                    return Err(e);
                }
            }
            notes.sort_by(|a, b| b.score.total_cmp(&a.score));
            notes.truncate(TELLING_MAX);
        }
        Ok(())
    }
}

fn shifted(
    labels: Labels,
    reading: super::Reading,
    found: super::screen::Found,
    direction: Direction,
    frame: Frame,
) -> Note {
    let at = frame.at(found.onset);
    let told = pairs(&labels.with(METRIC_NAME, ""));
    let place = host_of(labels.as_ref()).unwrap_or("an unnamed place").to_owned();
    let strength = found.z.abs() / (found.z.abs() + 24.0);
    match direction {
        Direction::Appeared | Direction::Gone => {
            let is_new = direction == Direction::Appeared;
            let kind = if is_new { ChangeKind::Appeared } else { ChangeKind::Gone };
            let what = if is_new { "series of {} appeared" } else { "series of {} stopped" };
            Note { at, kind, what: what.to_owned(), name: place, labels, score: 0.3 }
        }
        Direction::Up | Direction::Down => {
            let unit = words::unit(labels.metric(), reading);
            let name = words::name(labels.metric(), &told);
            let verb = if direction == Direction::Up { "rose" } else { "fell" };
            let what =
                format!("{{}} {verb} from {} to {}", unit.show(found.level), unit.show(found.now));
            Note { at, kind: ChangeKind::LevelShift, what, name, labels, score: strength }
        }
    }
}

/// What exporters say themselves.
fn told(
    snapshot: &dyn Snapshot,
    ask: &ChangesAsk,
    cx: &ReadCx,
    notes: &mut Vec<Note>,
) -> Result<(), Error> {
    let (mut infos, mut left) = (Vec::new(), TELLING_MAX);
    let begin = ask.range.start - BEFORE_MS;
    let range = TimeRange::new(begin, ask.range.end);
    for (pattern, read) in [
        (STARTS, restarts as fn(&[i64], &[f64], TimeRange) -> Vec<(i64, String)>),
        (RELOADS, reloads),
        ("up", outages),
        (INFOS, |_, _, _| Vec::new()),
    ] {
        let mut sets = ask.sets.clone();
        if sets.is_empty() {
            sets.push(Vec::new());
        }
        for mut matchers in sets {
            matchers.push(Matcher::new(MatchOp::Regex, METRIC_NAME, pattern)?);
            let all = snapshot.select(&matchers, &Hint::range(range), cx)?;
            let (mut names, mut scratch) = (Default::default(), Scratch::new());
            for i in 0..all.len().min(left) {
                cx.cancel.check()?;
                let labels = all.shared_labels(i, &mut names);
                let Ok(columns) = all.read(i, range, &mut scratch, cx) else { continue };
                if pattern == INFOS {
                    let there = |(_, v): &(&i64, &f64)| !is_stale(**v);
                    let mut alive = columns.times.iter().zip(columns.floats).filter(there);
                    if let Some((&first, _)) = alive.next() {
                        let last = alive.next_back().map_or(first, |(t, _)| *t);
                        infos.push((labels, first, last));
                    }
                    continue;
                }
                for (at, what) in read(columns.times, columns.floats, ask.range) {
                    let kind = if pattern == RELOADS {
                        ChangeKind::Configuration
                    } else {
                        ChangeKind::Restart
                    };
                    let name = where_it_is(&labels);
                    let score = if pattern == "up" { 0.85 } else { 0.8 };
                    notes.push(Note { at, kind, what, name, labels: labels.clone(), score });
                }
            }
            left = left.saturating_sub(all.len());
        }
    }
    described(infos, ask.range, notes);
    Ok(())
}

/// The moments within the window at which a start time became another.
fn restarts(times: &[i64], floats: &[f64], range: TimeRange) -> Vec<(i64, String)> {
    stamps(times, floats, range).into_iter().map(|at| (at, "{} restarted".to_owned())).collect()
}

fn reloads(times: &[i64], floats: &[f64], range: TimeRange) -> Vec<(i64, String)> {
    let what = "the configuration of {} was read again";
    stamps(times, floats, range).into_iter().map(|at| (at, what.to_owned())).collect()
}

/// Values are times in seconds: those that are new, as ms. A clock that is corrected is no restart.
fn stamps(times: &[i64], floats: &[f64], range: TimeRange) -> Vec<i64> {
    let mut out = Vec::new();
    let mut before: Option<f64> = None;
    for (&seen, &value) in times.iter().zip(floats) {
        if !value.is_finite() {
            continue;
        }
        let at = (value.clamp(0.0, 9e12) * 1e3) as i64;
        let is_new = match before {
            Some(known) => value > known + 2.0,
            // Its first sample: it started in the window, if it says so.
            None => at > range.start,
        };
        if is_new {
            let at = if range.contains(at) { at } else { seen };
            if range.contains(at) && out.len() < 20 {
                out.push(at);
            }
        }
        before = Some(value);
    }
    out
}

/// The times in which a target was down.
fn outages(times: &[i64], floats: &[f64], range: TimeRange) -> Vec<(i64, String)> {
    let mut out = Vec::new();
    let mut down: Option<i64> = None;
    let mut was_up = false;
    for (&at, &value) in times.iter().zip(floats).filter(|(_, v)| v.is_finite()) {
        if value == 0.0 {
            if was_up && down.is_none() {
                down = Some(at);
            }
        } else {
            was_up = true;
            if let Some(since) = down.take()
                && range.contains(since)
            {
                let lasted = show_duration_ms((at - since).max(SECOND_MS));
                out.push((since, format!("{{}} was down for {lasted}")));
            }
        }
    }
    if let Some(since) = down.filter(|at| range.contains(*at)) {
        out.push((since, "{} is down".to_owned()));
    }
    out.truncate(20);
    out
}

/// Labels that describe: the series of one metric and place whose other labels became others.
fn described(infos: Vec<Alive>, range: TimeRange, notes: &mut Vec<Note>) {
    let mut by_place: BTreeMap<(String, String), Vec<Alive>> = BTreeMap::new();
    for (labels, first, last) in infos {
        let key = (labels.metric().to_owned(), where_it_is(&labels));
        by_place.entry(key).or_default().push((labels, first, last));
    }
    for ((metric, place), mut all) in by_place {
        // Many at one place describe many things (pods of a cluster): which became which is not known.
        if all.len() < 2 || all.len() > 8 {
            continue;
        }
        all.sort_by_key(|(_, first, _)| *first);
        for pair in all.windows(2) {
            let ((old, _, gone), (new, came, _)) = (&pair[0], &pair[1]);
            // Seen in one look they describe two things, however short they were there.
            if !range.contains(*came) || came <= gone {
                continue;
            }
            let value = |labels: &Labels, n: &str| labels.get(n).unwrap_or("none").to_owned();
            let names: BTreeSet<&str> = old.iter().chain(new.iter()).map(|(n, _)| n).collect();
            let differ: Vec<&str> =
                names.into_iter().filter(|n| old.get(n) != new.get(n)).collect();
            if differ.is_empty() {
                continue;
            }
            let is_version = |n: &&&str| {
                ["version", "revision", "image", "tag", "commit", "branch", "goversion"]
                    .iter()
                    .any(|v| n.contains(v))
            };
            let lead = differ.iter().find(is_version).or(differ.first());
            let Some(lead) = lead else { continue };
            let is_deployment = is_version(&lead) || metric.contains("build");
            let kind =
                if is_deployment { ChangeKind::Deployment } else { ChangeKind::Configuration };
            let what =
                format!("{{}}: {lead} changed from {} to {}", value(old, lead), value(new, lead));
            let score = if is_deployment { 0.95 } else { 0.6 };
            let name = place.clone();
            notes.push(Note { at: *came, kind, what, name, labels: new.clone(), score });
        }
    }
}

/// Where a series is, for people: `checkout on app03:8080`.
fn where_it_is(labels: &Labels) -> String {
    let get = |names: &[&str]| names.iter().find_map(|n| labels.get(n));
    let what = get(&["service", "app", "container", "pod", "job"]);
    let place = get(&["instance", "host", "node"]);
    match (what, place) {
        (Some(what), Some(place)) => format!("{what} on {place}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => labels.metric().to_owned(),
    }
}

/// Alike changes at about the same time as one, with the number of others.
fn together(mut notes: Vec<Note>) -> Vec<SeenChange> {
    notes.sort_by(|a, b| (a.kind, &a.what, a.at, &a.name).cmp(&(b.kind, &b.what, b.at, &b.name)));
    let mut out: Vec<SeenChange> = Vec::new();
    let mut i = 0;
    while i < notes.len() {
        let first = &notes[i];
        let is_one = |n: &&Note| {
            n.kind == first.kind && n.what == first.what && n.at - first.at <= TOGETHER_MS
        };
        let count = notes[i..].iter().take_while(is_one).count();
        let group = &notes[i..i + count];
        let mut names: Vec<&str> = group.iter().map(|n| n.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(NAMED_MAX);
        names.truncate(NAMED_MAX);
        let mut told = names.join(", ");
        if more > 0 {
            told.push_str(&format!(" and {more} more"));
        }
        let is_flock = matches!(first.kind, ChangeKind::Appeared | ChangeKind::Gone);
        let what = first.what.replacen("{}", &told, 1);
        let text = if is_flock { format!("{count} {what}") } else { what };
        out.push(SeenChange {
            at: first.at,
            kind: first.kind,
            text,
            labels: pairs(&first.labels.with(METRIC_NAME, "")),
            score: group.iter().map(|n| n.score).fold(0.0, f64::max),
            query: words::expression(first.labels.as_ref(), super::Reading::Value, 15_000),
        });
        i += count;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: TimeRange = TimeRange::new(1_000_000, 2_000_000);

    #[test]
    fn restarts_are_new_start_times_and_no_corrected_clocks() {
        let times = [900_000, 1_100_000, 1_200_000, 1_300_000];
        assert_eq!(stamps(&times, &[500.0, 500.4, 1_150.0, 1_150.1], RANGE), [1_150_000]);
        assert_eq!(stamps(&times[1..], &[1_050.0, 1_050.0, 1_050.0], RANGE), [1_050_000]);
        assert!(stamps(&times, &[f64::NAN, 3.0, 3.0, 3.0], RANGE).is_empty());
        assert!(stamps(&times, &[500.0, 9e99, 9e99, 9e99], RANGE).len() <= 1);
    }

    #[test]
    fn an_outage_has_a_length_when_it_is_over() {
        let times = [900_000, 1_100_000, 1_200_000, 1_300_000];
        let told = outages(&times, &[1.0, 0.0, 0.0, 1.0], RANGE);
        assert_eq!(told, [(1_100_000, "{} was down for 3 m 20 s".to_owned())]);
        assert_eq!(outages(&times, &[1.0, 1.0, 1.0, 0.0], RANGE)[0].1, "{} is down");
        assert!(outages(&times, &[0.0, 0.0, 0.0, 0.0], RANGE).is_empty(), "it never was up");
    }

    #[test]
    fn a_description_becomes_another_only_when_the_first_is_over() {
        let of = |device: &str| {
            Labels::new([("__name__", "node_disk_info"), ("instance", "h"), ("device", device)])
                .unwrap()
        };
        let told = |came: i64| {
            let mut notes = Vec::new();
            let one = (of("vda"), 1_100_000, 1_100_000);
            described(vec![one, (of("vdb"), came, 1_200_000)], RANGE, &mut notes);
            notes.len()
        };
        assert_eq!(told(1_100_000), 0, "two disks that were seen at once");
        assert_eq!(told(1_115_000), 1, "one in place of the other");
    }

    #[test]
    fn alike_changes_are_told_as_one() {
        let labels = |i: &str| Labels::new([("instance", i), ("service", "shop")]).unwrap();
        let note = |i: &str, at| Note {
            at,
            kind: ChangeKind::Restart,
            what: "{} restarted".to_owned(),
            name: where_it_is(&labels(i)),
            labels: labels(i),
            score: 0.8,
        };
        let notes =
            ["a", "b", "c", "d", "e"].iter().enumerate().map(|(i, n)| note(n, i as i64)).collect();
        let told = together(notes);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].text, "shop on a, shop on b, shop on c and 2 more restarted");
        let apart = together(vec![note("a", 0), note("a", TOGETHER_MS + 1)]);
        assert_eq!(apart.len(), 2);
    }
}
