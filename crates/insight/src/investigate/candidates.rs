//! Which series are looked at, in which order, and how each is read.
//!
//! Series that share labels with the focus come first, so that an answer that is cut short by its deadline
//! has seen the likely ones. Left out are results of analysis and alerting, recorded series (what they are
//! made of is looked at), buckets of histograms (told by their mean and rate) and the program's own
//! telemetry, which moves when it pages. At most [`CANDIDATES_MAX`] are looked at; more are counted.

use std::collections::{HashMap, HashSet};

use plimsoll_model::{
    Fp, Hint, LabelScratch, Labels, LabelsRef, METRIC_NAME, Matcher, MetricKind, ReadCx, Result,
    Scratch, Selection, Snapshot, TimeRange,
};

use super::signal::{self, Frame, Reading};

/// Series looked at in one question.
pub const CANDIDATES_MAX: usize = 300_000;
/// Metrics whose type is known.
const KINDS_MAX: usize = 100_000;
/// Hosts that are remembered as those of the focus.
const HOSTS_MAX: usize = 1_000;

/// Labels that name one running thing.
const THINGS: [&str; 6] = ["instance", "host", "node", "pod", "container", "hostname"];
/// Labels that name what it serves.
const ROLES: [&str; 6] = ["service", "app", "application", "deployment", "service_name", "job"];

/// What a focus is about, to tell what is near it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pairs: Vec<(String, String)>,
    /// Hosts on which something runs that has a role of the focus.
    hosts: HashSet<String>,
}

impl Place {
    pub fn of<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Self {
        let known = |n: &str| THINGS.contains(&n) || ROLES.contains(&n);
        let pairs = labels.filter(|(n, _)| known(n)).map(|(n, v)| (n.to_owned(), v.to_owned()));
        Self { pairs: pairs.collect(), hosts: HashSet::new() }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Learns where things run that share a role with the focus.
    fn learn(&mut self, labels: LabelsRef<'_>) {
        let shared = |n: &str| self.value(n).is_some_and(|v| labels.get(n) == Some(v));
        if self.hosts.len() < HOSTS_MAX
            && ROLES.iter().any(|n| shared(n))
            && let Some(host) = host_of(labels)
            && !self.hosts.contains(host)
        {
            self.hosts.insert(host.to_owned());
        }
    }

    /// How near a series is: 1 the same thing, 0.3 nothing in common.
    pub fn nearness(&self, labels: LabelsRef<'_>) -> f64 {
        let same = |n: &str| self.value(n).is_some_and(|v| labels.get(n) == Some(v));
        if THINGS.iter().any(|n| same(n)) {
            return 1.0;
        }
        let host = host_of(labels);
        let own = self.pairs.iter().filter(|(n, _)| THINGS.contains(&n.as_str()));
        if host.is_some() && own.clone().any(|(_, v)| Some(bare(v)) == host) {
            return 0.95;
        }
        let role = ROLES.iter().position(|n| same(n));
        match role {
            Some(at) if at < ROLES.len() - 1 => 0.85,
            Some(_) => 0.7,
            None if host.is_some_and(|h| self.hosts.contains(h)) => {
                // Something else that runs there, or the machine itself.
                let is_other = ROLES[..ROLES.len() - 1].iter().any(|n| labels.get(n).is_some());
                if is_other { 0.55 } else { 0.7 }
            }
            None => 0.3,
        }
    }
}

/// The machine that a series is about.
pub(crate) fn host_of(labels: LabelsRef<'_>) -> Option<&str> {
    THINGS.iter().find_map(|n| labels.get(n)).map(bare)
}

/// An instance without its port.
fn bare(instance: &str) -> &str {
    match instance.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => instance,
    }
}

/// A series to look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// Which selection, and which of its series.
    pub at: (u16, u32),
    /// How near it is to the focus.
    pub near: f32,
}

/// The series to look at, the near ones first.
pub(crate) struct Candidates {
    selections: Vec<Box<dyn Selection>>,
    pub list: Vec<Candidate>,
    /// The counts that belong to sums.
    counts: HashMap<Fp, (u16, u32)>,
    kinds: HashMap<String, MetricKind>,
    /// Series that were too many.
    pub left_out: usize,
}

/// Memory of one worker.
#[derive(Default)]
pub(crate) struct Room {
    pub labels: LabelScratch,
    scratch: Scratch,
    column: (Vec<i64>, Vec<f64>),
    other: Vec<f64>,
    third: Vec<f64>,
}

impl Candidates {
    /// All series with samples in `range` that pass one of the sets of matchers (none = all).
    pub fn choose(
        snapshot: &dyn Snapshot,
        sets: &[Vec<Matcher>],
        skip: &[Vec<Matcher>],
        range: TimeRange,
        place: &mut Place,
        cx: &ReadCx,
    ) -> Result<Self> {
        let hint = Hint::range(range);
        let everything = [Vec::new()];
        let is_default = sets.is_empty();
        let sets = if is_default { &everything[..] } else { sets };
        let selections = sets.iter().map(|m| snapshot.select(m, &hint, cx));
        let selections = selections.collect::<Result<Vec<_>>>()?;
        let kinds = snapshot.metadata(None, KINDS_MAX, cx)?;
        let kinds = kinds.into_iter().map(|m| (m.metric, m.kind)).collect();
        let mut out =
            Self { selections, list: Vec::new(), counts: HashMap::new(), kinds, left_out: 0 };
        let mut scratch = LabelScratch::default();
        let mut seen = HashSet::new();
        for (s, selection) in out.selections.iter().enumerate() {
            for i in 0..selection.len() {
                if i % 1024 == 0 {
                    cx.cancel.check()?;
                }
                let labels = selection.labels(i, &mut scratch);
                place.learn(labels);
                let at = (s as u16, i as u32);
                if labels.metric().ends_with("_count") {
                    out.counts.insert(selection.fp(i), at);
                }
                if is_ours(labels, is_default) || skip.iter().any(|m| Matcher::all(m, labels)) {
                    continue;
                }
                if out.selections.len() > 1 && !seen.insert(selection.fp(i)) {
                    continue;
                }
                if out.list.len() >= CANDIDATES_MAX {
                    out.left_out += 1;
                    continue;
                }
                out.list.push(Candidate { at, near: 0.0 });
            }
        }
        for candidate in &mut out.list {
            let (s, i) = candidate.at;
            let labels = out.selections[usize::from(s)].labels(i as usize, &mut scratch);
            candidate.near = place.nearness(labels) as f32;
        }
        out.list.sort_by(|a, b| b.near.total_cmp(&a.near).then(a.at.cmp(&b.at)));
        Ok(out)
    }

    /// The labels of a candidate, to be kept.
    pub fn labels(&self, candidate: &Candidate, room: &mut Room) -> Labels {
        let (s, i) = candidate.at;
        self.selections[usize::from(s)].shared_labels(i as usize, &mut room.labels)
    }

    /// A candidate on a grid: how it is read, and its cells.
    pub fn read(
        &self,
        candidate: &Candidate,
        frame: Frame,
        room: &mut Room,
        cx: &ReadCx,
        out: &mut Vec<f64>,
    ) -> Result<Reading> {
        let (s, i) = candidate.at;
        let selection = &*self.selections[usize::from(s)];
        let (reading, sibling, is_unknown) = {
            let labels = selection.labels(i as usize, &mut room.labels);
            let name = labels.metric();
            let kind = self.kinds.get(name).copied().unwrap_or_default();
            let reading = Reading::of(name, Some(kind));
            // Times rise too.
            let is_unknown = kind == MetricKind::Unknown && !name.contains("time");
            let family = name.strip_suffix("_sum");
            let sibling = family.filter(|_| reading == Reading::Rate).and_then(|family| {
                let count = labels.to_labels().with(METRIC_NAME, &format!("{family}_count"));
                self.counts.get(&count.fp()).copied()
            });
            (reading, sibling, is_unknown)
        };
        let columns = selection.read(i as usize, frame.range(), &mut room.scratch, cx)?;
        if columns.histograms.is_some()
            && columns.histogram(columns.len().saturating_sub(1)).is_some()
        {
            let (times, counts, sums) = signal::of_histograms(&columns);
            signal::rates(&times, &counts, frame, &mut room.other);
            signal::rates(&times, &sums, frame, &mut room.third);
            signal::means(&room.third, &room.other, out);
            return Ok(Reading::Mean);
        }
        match reading {
            Reading::Rate if sibling.is_some() || falls_seldom(columns.floats) => {
                signal::rates(columns.times, columns.floats, frame, out);
            }
            Reading::Value if is_unknown && only_rises(columns.floats) => {
                signal::rates(columns.times, columns.floats, frame, out);
                return Ok(Reading::Rate);
            }
            _ => {
                signal::values(&columns, frame, out);
                return Ok(Reading::Value);
            }
        }
        let Some((s, i)) = sibling else { return Ok(Reading::Rate) };
        let count = &*self.selections[usize::from(s)];
        let columns = count.read(i as usize, frame.range(), &mut room.scratch, cx)?;
        room.column.0.clear();
        room.column.0.extend_from_slice(columns.times);
        room.column.1.clear();
        room.column.1.extend_from_slice(columns.floats);
        signal::rates(&room.column.0, &room.column.1, frame, &mut room.other);
        std::mem::swap(out, &mut room.third);
        signal::means(&room.third, &room.other, out);
        Ok(Reading::Mean)
    }
}

/// Whether a column falls as seldom as counters do.
fn falls_seldom(floats: &[f64]) -> bool {
    let falls = floats.windows(2).filter(|w| w[1] < w[0]).count();
    falls * 20 <= floats.len()
}

/// Whether a column of an unknown type is a counter's: it rises most of the time and never falls, but to
/// begin anew.
fn only_rises(floats: &[f64]) -> bool {
    let steps = |is: fn(&f64, &f64) -> bool| floats.windows(2).filter(|w| is(&w[0], &w[1])).count();
    let falls = steps(|a, b| b < a);
    let anew = steps(|a, b| b < a && *b < 0.1 * a && *b >= 0.0);
    floats.len() >= 16 && falls == anew && falls <= 2 && 2 * steps(|a, b| b > a) > floats.len()
}

/// What is never a cause: results of ours, what is made of other series, our own telemetry.
fn is_ours(labels: LabelsRef<'_>, is_default: bool) -> bool {
    const RESULTS: [&str; 8] = [
        "plimsoll_anomaly_",
        "plimsoll_trend_",
        "plimsoll_time_to_limit_",
        "plimsoll_forecast_",
        "plimsoll_risk_",
        "ALERTS",
        "plimsoll_assessment_",
        "plimsoll_insight_",
    ];
    let name = labels.metric();
    if RESULTS.iter().any(|start| name.starts_with(start)) || name.ends_with("_bucket") {
        return true;
    }
    let own = name.starts_with("plimsoll_") && !name.starts_with("plimsoll_process_");
    is_default && (own || name.contains(':') || labels.get("job") == Some("plimsoll"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs.iter().copied()).unwrap()
    }

    #[test]
    fn what_runs_on_the_same_machine_is_near() {
        let mut place = Place::of([("service", "shop"), ("severity", "page")].into_iter());
        let app = labels(&[("service", "shop"), ("instance", "web1:8080")]);
        let host = labels(&[("job", "node"), ("instance", "web1:9100")]);
        let other = labels(&[("job", "node"), ("instance", "web2:9100")]);
        assert_eq!(place.nearness(host.as_ref()), 0.3);
        place.learn(app.as_ref());
        assert_eq!(place.nearness(app.as_ref()), 0.85);
        assert_eq!(place.nearness(host.as_ref()), 0.7);
        assert_eq!(place.nearness(other.as_ref()), 0.3);
        let place = Place::of([("instance", "web1:8080")].into_iter());
        assert_eq!(place.nearness(app.as_ref()), 1.0);
        assert_eq!(place.nearness(host.as_ref()), 0.95);
        assert_eq!((bare("a:1"), bare("::1"), bare("a")), ("a", ":", "a"));
    }

    #[test]
    fn counters_without_a_type_are_known_by_what_they_do() {
        let rising: Vec<f64> = (0..40).map(|i| f64::from(i % 30) * 7.0).collect();
        assert!(only_rises(&rising));
        let mut wobbly = rising.clone();
        wobbly[9] = wobbly[8] - 1.0;
        assert!(!only_rises(&wobbly) && !only_rises(&[1.0; 40]) && !only_rises(&[]));
        assert!(!only_rises(&[f64::NAN; 40]));
    }

    #[test]
    fn results_and_what_is_made_of_others_are_left_out() {
        let named = |name: &str| labels(&[("__name__", name)]);
        for name in ["plimsoll_anomaly_score", "ALERTS", "x_bucket", "job:x:rate5m"] {
            assert!(is_ours(named(name).as_ref(), true), "{name}");
        }
        assert!(!is_ours(named("plimsoll_process_cpu_seconds_total").as_ref(), true));
        assert!(!is_ours(named("job:x:rate5m").as_ref(), false));
        assert!(!is_ours(named("node_load1").as_ref(), true));
    }
}
