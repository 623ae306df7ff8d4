//! Finding bounded resources: which metrics tell what is in use and what there is.
//!
//! Both are read raw and joined where their times agree. Filesystems in memory, of fixed content or
//! without size are left out; a device mounted twice counts once, at its shortest path; an overlay
//! counts only where no other filesystem of the host has its size.

use std::collections::HashMap;

use plimsoll_model::{
    Hint, LabelScratch, Labels, METRIC_NAME, Matcher, ReadCx, Resolution, Result, Scratch,
    Snapshot, TimeRange, Timestamp, is_stale,
};

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

/// Kinds of resources, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Disk,
    Memory,
    Swap,
    Inodes,
    Files,
}

/// What was read of one resource: samples of what is in use, rising in time.
pub(super) struct Reading {
    pub(super) kind: Kind,
    /// Labels of its results but for the quantile.
    pub(super) labels: Labels,
    pub(super) limit: f64,
    pub(super) used: Vec<(Timestamp, f64)>,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Disk, Self::Memory, Self::Swap, Self::Inodes, Self::Files];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Memory => "memory",
            Self::Swap => "swap",
            Self::Inodes => "inodes",
            Self::Files => "files",
        }
    }

    pub(super) fn title(self, place: &str) -> String {
        match self {
            Self::Disk | Self::Inodes => format!("{place} {}", self.name()),
            Self::Files => "open files".to_owned(),
            Self::Memory | Self::Swap => self.name().to_owned(),
        }
    }

    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Disk | Self::Memory | Self::Swap => "bytes",
            Self::Inodes | Self::Files => "",
        }
    }

    /// Whether use falls only by somebody's hand, so that minutes tell about days.
    pub(super) const fn accumulates(self) -> bool {
        matches!(self, Self::Disk | Self::Inodes)
    }

    /// The metric of the limit; that of what is free or, for files, in use.
    const fn metrics(self) -> (&'static str, &'static str) {
        match self {
            Self::Disk => ("node_filesystem_size_bytes", "node_filesystem_avail_bytes"),
            Self::Memory => ("node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"),
            Self::Swap => ("node_memory_SwapTotal_bytes", "node_memory_SwapFree_bytes"),
            Self::Inodes => ("node_filesystem_files", "node_filesystem_files_free"),
            Self::Files => ("node_filefd_maximum", "node_filefd_allocated"),
        }
    }

    const fn used(self, limit: f64, other: f64) -> f64 {
        match self {
            Self::Files => other,
            _ => limit - other,
        }
    }
}

/// Reads all resources over a range of times.
pub(super) fn read(snapshot: &dyn Snapshot, range: TimeRange, cx: &ReadCx) -> Result<Vec<Reading>> {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let mut of_kind: HashMap<Labels, Reading> = HashMap::new();
        for (labels, limit, used) in joined(snapshot, kind, range, cx)? {
            let labels = of_result(kind, &labels);
            of_kind.entry(labels.clone()).or_insert(Reading { kind, labels, limit, used });
        }
        let mut of_kind: Vec<Reading> = of_kind.into_values().collect();
        of_kind.sort_by(|a, b| a.labels.cmp(&b.labels));
        found.extend(of_kind);
    }
    Ok(found)
}

/// Labels of the results of a resource but for the quantile.
fn of_result(kind: Kind, labels: &Labels) -> Labels {
    labels
        .without(|name| !matches!(name, "instance" | "device" | "mountpoint"))
        .with("resource", kind.name())
}

type Joined = (Labels, f64, Vec<(Timestamp, f64)>);

/// Limit and use of each element, in order of labels.
fn joined(
    snapshot: &dyn Snapshot,
    kind: Kind,
    range: TimeRange,
    cx: &ReadCx,
) -> Result<Vec<Joined>> {
    let (limit_name, other_name) = kind.metrics();
    let limits = columns(snapshot, limit_name, range, cx)?;
    let others: HashMap<Labels, Column> =
        columns(snapshot, other_name, range, cx)?.into_iter().collect();
    let mut all = Vec::new();
    for (labels, limits) in real(limits) {
        let (Some(&(_, limit)), Some(other)) = (limits.last(), others.get(&labels)) else {
            continue;
        };
        let used = used_of(kind, &limits, other);
        if limit > 0.0 && limit < UNBOUNDED && !used.is_empty() {
            all.push((labels, limit, used));
        }
    }
    Ok(all)
}

type Column = Vec<(Timestamp, f64)>;

/// What is in use at each time at which both are known.
fn used_of(kind: Kind, limits: &Column, other: &Column) -> Column {
    let mut limits = limits.iter().peekable();
    let mut used = Vec::with_capacity(other.len());
    for &(at, value) in other {
        while limits.next_if(|l| l.0 < at).is_some() {}
        if let Some(&&(_, limit)) = limits.peek().filter(|l| l.0 == at) {
            used.push((at, kind.used(limit, value)));
        }
    }
    used
}

/// The samples of all series of a metric, labels without its name, in order of labels.
fn columns(
    snapshot: &dyn Snapshot,
    metric: &str,
    range: TimeRange,
    cx: &ReadCx,
) -> Result<Vec<(Labels, Column)>> {
    let hint = Hint { resolution: Resolution::Raw, ..Hint::range(range) };
    let selection = snapshot.select(&[Matcher::equal(METRIC_NAME, metric)], &hint, cx)?;
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
