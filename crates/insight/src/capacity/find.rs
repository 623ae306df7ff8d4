//! Finding bounded resources: reading what is in use and what there is, by the table of `kinds`.
//!
//! Both are read raw and joined where their times agree. Filesystems in memory, of fixed content or
//! without size are left out; a device mounted twice counts once, at its shortest path; an overlay
//! counts only where no other filesystem of the host has its size.

use std::collections::{BTreeMap, HashMap};

use plimsoll_model::{
    DAY_MS, Hint, LabelScratch, Labels, METRIC_NAME, MINUTE_MS, Matcher, ReadCx, Resolution,
    Result, Scratch, Snapshot, TimeRange, Timestamp, is_stale,
};

use super::kinds::{How, Kind, Row};
use super::names::Pair;

/// Filesystems that cannot fill, or are memory.
const LEFT_OUT: &[&str] = &[
    "tmpfs",
    "ramfs",
    "squashfs",
    "iso9660",
    "udf",
    "erofs",
    "cramfs",
    "romfs",
    "devtmpfs",
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "efivarfs",
    "autofs",
    "nsfs",
    "fuse.lxcfs",
];
/// Limits from here mean that there is none.
const UNBOUNDED: f64 = 1e15;

/// CPUs are busy by the mean over so long, ms.
const BUSY_MS: i64 = 5 * MINUTE_MS;
/// How far back the first look at CPUs reads, ms.
const BUSY_BACK_MS: i64 = DAY_MS;
/// A certificate is shown against this much time, in seconds: the usual length of their lives.
const CERTIFICATE_S: f64 = 90.0 * 86_400.0;

/// What was read of one resource: samples of what is in use, rising in time.
pub(super) struct Reading {
    pub(super) kind: Kind,
    /// Labels of its results but for the quantile.
    pub(super) labels: Labels,
    pub(super) limit: f64,
    pub(super) used: Vec<(Timestamp, f64)>,
    /// PromQL that gives what is in use, and the limit.
    pub(super) queries: [String; 2],
}

/// Reads all resources over a range of times, those of the table first.
pub(super) fn read(
    snapshot: &dyn Snapshot,
    range: TimeRange,
    pairs: &[Pair],
    cx: &ReadCx,
) -> Result<Vec<Reading>> {
    let mut found = Vec::new();
    for kind in Kind::known() {
        let row = kind.row();
        let all = match row.how {
            How::Free | How::Used => joined(snapshot, kind, range, cx)?,
            How::Sum => summed(snapshot, kind, range, cx)?,
            How::Idle => busy(snapshot, kind, range, cx)?,
            How::Expiry => expiring(snapshot, kind, range, cx)?,
        };
        once(all, &mut found);
    }
    for (limit, used) in pairs {
        let all = pooled(snapshot, limit, used, range, cx)?;
        once(all, &mut found);
    }
    Ok(found)
}

/// Each set of labels once, in their order.
fn once(all: Vec<Reading>, found: &mut Vec<Reading>) {
    let mut of_kind: BTreeMap<Labels, Reading> = BTreeMap::new();
    for reading in all {
        of_kind.entry(reading.labels.clone()).or_insert(reading);
    }
    found.extend(of_kind.into_values());
}

/// Labels of the results of a resource but for the quantile.
fn of_result(row: &Row, labels: &Labels) -> Labels {
    let quota = labels.get("resource").unwrap_or_default();
    let kept = labels.without(|name| !row.keep.contains(&name));
    let kept =
        if row.keep.contains(&"resource_name") { kept.with("resource_name", quota) } else { kept };
    kept.with("resource", row.name)
}

/// A selector of exactly this series.
fn selector(metric: &str, labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
    if pairs.is_empty() { metric.to_owned() } else { format!("{metric}{{{}}}", pairs.join(",")) }
}

/// Limit and use of each element, series by series.
fn joined(
    snapshot: &dyn Snapshot,
    kind: Kind,
    range: TimeRange,
    cx: &ReadCx,
) -> Result<Vec<Reading>> {
    let row = kind.row();
    let limits = columns(snapshot, row.limit, range, cx)?;
    if limits.is_empty() {
        return Ok(Vec::new());
    }
    let plain = |labels: &Labels| match row.limit.1 {
        Some((name, _)) => labels.with(name, ""),
        None => labels.clone(),
    };
    let others: HashMap<Labels, (Labels, Column)> = columns(snapshot, row.other, range, cx)?
        .into_iter()
        .map(|(labels, column)| (plain(&labels), (labels, column)))
        .collect();
    let mut all = Vec::new();
    for (labels, limits) in real(limits) {
        let Some((other_labels, other)) = others.get(&plain(&labels)) else { continue };
        let free = row.how == How::Free;
        let used = used_of(&limits, other, |limit, other| if free { limit - other } else { other });
        let limit_query = selector(row.limit.0, &labels);
        let other_query = selector(row.other.0, other_labels);
        let used_query = if free { format!("{limit_query} - {other_query}") } else { other_query };
        let queries = [used_query, limit_query];
        all.extend(reading(kind, of_result(row, &labels), &limits, used, queries));
    }
    Ok(all)
}

/// A reading, if it has a limit that can be reached.
fn reading(
    kind: Kind,
    labels: Labels,
    limits: &Column,
    used: Column,
    queries: [String; 2],
) -> Option<Reading> {
    let limit = limits.last()?.1;
    let bounded = limit > 0.0 && limit < UNBOUNDED && !used.is_empty();
    bounded.then_some(Reading { kind, labels, limit, used, queries })
}

/// Limit against the sum of what is in use over all series with the kept labels.
fn summed(
    snapshot: &dyn Snapshot,
    kind: Kind,
    range: TimeRange,
    cx: &ReadCx,
) -> Result<Vec<Reading>> {
    let row = kind.row();
    let limits = columns(snapshot, row.limit, range, cx)?;
    if limits.is_empty() {
        return Ok(Vec::new());
    }
    let mut sums: BTreeMap<Labels, BTreeMap<Timestamp, f64>> = BTreeMap::new();
    for (labels, column) in columns(snapshot, row.other, range, cx)? {
        let sum = sums.entry(of_result(row, &labels)).or_default();
        column.iter().for_each(|(at, value)| *sum.entry(*at).or_default() += value);
    }
    let mut all = Vec::new();
    for (labels, limits) in limits {
        let kept = of_result(row, &labels);
        let Some(sum) = sums.get(&kept) else { continue };
        let by = row.keep.join(", ");
        let of = labels.without(|name| !row.keep.contains(&name));
        let used_query = format!("sum by ({by}) ({})", selector(row.other.0, &of));
        let queries = [used_query, selector(row.limit.0, &labels)];
        let used = sum.iter().map(|(at, value)| (*at, *value)).collect();
        all.extend(reading(kind, kept, &limits, used, queries));
    }
    Ok(all)
}

/// Busy CPUs of each host: their number less the rate at which they were idle.
fn busy(
    snapshot: &dyn Snapshot,
    kind: Kind,
    range: TimeRange,
    cx: &ReadCx,
) -> Result<Vec<Reading>> {
    let row = kind.row();
    let from = range.start.max(range.end.saturating_sub(BUSY_BACK_MS)).saturating_sub(2 * BUSY_MS);
    let range = TimeRange::new(from, range.end);
    let mut hosts: BTreeMap<Labels, BTreeMap<Timestamp, (f64, u32)>> = BTreeMap::new();
    for (labels, column) in columns(snapshot, row.limit, range, cx)? {
        let host = hosts.entry(labels.without(|n| !matches!(n, "instance" | "job"))).or_default();
        for (at, idle) in column {
            let (sum, cpus) = host.entry(at).or_default();
            *sum += idle;
            *cpus += 1;
        }
    }
    let mut all = Vec::new();
    for (host, idle) in hosts {
        let Some(cpus) = idle.values().map(|v| v.1).max() else { continue };
        let cpus_f = f64::from(cpus);
        let points: Vec<(Timestamp, f64)> =
            idle.iter().filter(|(_, v)| v.1 == cpus).map(|(at, v)| (*at, v.0)).collect();
        let mut used = Vec::with_capacity(points.len());
        let mut before = 0;
        for &(at, now) in &points {
            while before + 1 < points.len() && points[before + 1].0 <= at - BUSY_MS {
                before += 1;
            }
            let (then, at_then) = (points[before].1, points[before].0);
            let apart_ms = at - at_then;
            if (BUSY_MS..2 * BUSY_MS).contains(&apart_ms) && now >= then {
                let idle = (now - then) / (apart_ms as f64 / 1e3);
                used.push((at, (cpus_f - idle).clamp(0.0, cpus_f)));
            }
        }
        let of = selector(row.limit.0, &host.with("mode", "idle"));
        let queries = [format!("count({of}) - sum(rate({of}[5m]))"), format!("count({of})")];
        let limits = vec![(range.end, cpus_f)];
        all.extend(reading(kind, of_result(row, &host), &limits, used, queries));
    }
    Ok(all)
}

/// What ends at a known time: in use is how much of the usual life has passed.
fn expiring(
    snapshot: &dyn Snapshot,
    kind: Kind,
    range: TimeRange,
    cx: &ReadCx,
) -> Result<Vec<Reading>> {
    let row = kind.row();
    let mut all = Vec::new();
    for (labels, ends) in columns(snapshot, row.limit, range, cx)? {
        let passed = |(at, end): &(Timestamp, f64)| {
            let left_s = end - *at as f64 / 1e3;
            (left_s.is_finite() && *end > 0.0).then_some((*at, CERTIFICATE_S - left_s))
        };
        let used: Column = ends.iter().filter_map(passed).collect();
        let query = selector(row.limit.0, &labels);
        let queries = [format!("{CERTIFICATE_S} - ({query} - time())"), format!("{CERTIFICATE_S}")];
        let limits = vec![(range.end, CERTIFICATE_S)];
        all.extend(reading(kind, of_result(row, &labels), &limits, used, queries));
    }
    Ok(all)
}

/// Two metrics that are named alike; believed while what is in use does not exceed the limit by far.
fn pooled(
    snapshot: &dyn Snapshot,
    limit: &str,
    used: &str,
    range: TimeRange,
    cx: &ReadCx,
) -> Result<Vec<Reading>> {
    let limits = columns(snapshot, (limit, None), range, cx)?;
    let others: HashMap<Labels, Column> =
        columns(snapshot, (used, None), range, cx)?.into_iter().collect();
    let mut all = Vec::new();
    for (labels, limits) in limits {
        let Some(other) = others.get(&labels) else { continue };
        let in_use = used_of(&limits, other, |_, other| other);
        let most = limits.last().map_or(0.0, |l| 1.5 * l.1);
        if labels.get("le").is_some() || in_use.iter().any(|(_, v)| *v > most || *v < 0.0) {
            continue;
        }
        let queries = [selector(used, &labels), selector(limit, &labels)];
        let of_result = labels.with("metric", used).with("resource", Kind::POOL.row().name);
        all.extend(reading(Kind::POOL, of_result, &limits, in_use, queries));
    }
    Ok(all)
}

type Column = Vec<(Timestamp, f64)>;

/// What is in use at each time at which both are known.
fn used_of(limits: &Column, other: &Column, of: impl Fn(f64, f64) -> f64) -> Column {
    let mut limits = limits.iter().peekable();
    let mut used = Vec::with_capacity(other.len());
    for &(at, value) in other {
        while limits.next_if(|l| l.0 < at).is_some() {}
        if let Some(&&(_, limit)) = limits.peek().filter(|l| l.0 == at) {
            used.push((at, of(limit, value)));
        }
    }
    used
}

/// The samples of all series of a metric, labels without its name, in order of labels.
fn columns(
    snapshot: &dyn Snapshot,
    (metric, label): (&str, Option<(&str, &str)>),
    range: TimeRange,
    cx: &ReadCx,
) -> Result<Vec<(Labels, Column)>> {
    let hint = Hint { resolution: Resolution::Raw, ..Hint::range(range) };
    let mut matchers = vec![Matcher::equal(METRIC_NAME, metric)];
    matchers.extend(label.map(|(name, value)| Matcher::equal(name, value)));
    let selection = snapshot.select(&matchers, &hint, cx)?;
    let (mut names, mut scratch) = (LabelScratch::default(), Scratch::new());
    let mut all = Vec::with_capacity(selection.len());
    for i in 0..selection.len() {
        let labels = selection.labels(i, &mut names).to_labels().with(METRIC_NAME, "");
        if labels.get("fstype").is_some_and(|fstype| LEFT_OUT.contains(&fstype)) {
            continue;
        }
        let read = selection.read(i, range, &mut scratch, cx)?;
        let samples = read.times.iter().copied().zip(read.floats.iter().copied());
        let column: Column = samples.filter(|s| !is_stale(s.1) && s.1.is_finite()).collect();
        if !column.is_empty() {
            all.push((labels, column));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(all)
}

/// Each filesystem once: the shortest path of a device, an overlay only where nothing of its size is.
/// What is no filesystem stays as it is.
fn real(mut limits: Vec<(Labels, Column)>) -> Vec<(Labels, Column)> {
    let is_overlay = |l: &Labels| l.get("fstype") == Some("overlay");
    let path = |l: &Labels| l.get("mountpoint").map_or(0, str::len);
    limits.sort_by_key(|(l, _)| (is_overlay(l), path(l)));
    let mut kept: Vec<(Labels, Column)> = Vec::new();
    for (labels, column) in limits {
        let size = column.last().map(|s| s.1);
        let twice = labels.get("device").is_some()
            && kept.iter().any(|(other, of_other)| {
                let same = |name| other.get(name) == labels.get(name);
                let as_large = of_other.last().map(|s| s.1) == size;
                same("instance")
                    && same("job")
                    && as_large
                    && (is_overlay(&labels) || same("device"))
            });
        if !twice {
            kept.push((labels, column));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filesystem(device: &str, fstype: &str, mountpoint: &str, size: f64) -> (Labels, Column) {
        let pairs = [("device", device), ("fstype", fstype), ("mountpoint", mountpoint)];
        (Labels::new(pairs).unwrap(), vec![(0, size)])
    }

    #[test]
    fn a_device_counts_once_and_an_overlay_only_for_want_of_better() {
        let shown = |all: Vec<(Labels, Column)>| -> Vec<String> {
            let path = |l: &Labels| l.get("mountpoint").unwrap_or_default().to_owned();
            real(all).iter().map(|(l, _)| path(l)).collect()
        };
        let bound = filesystem("/dev/sda1", "ext4", "/etc/hosts", 9e9);
        let root = filesystem("/dev/sda1", "ext4", "/", 9e9);
        let overlay = filesystem("overlay", "overlay", "/merged", 9e9);
        let other = filesystem("overlay", "overlay", "/other", 9e9);
        assert_eq!(shown(vec![bound, overlay.clone(), root]), ["/"]);
        assert_eq!(shown(vec![overlay, other]), ["/other"]);
    }
}
