//! Block devices: `/proc/diskstats`. Partitions, RAM and loop devices are left out.

use plimsoll_model::MetricKind;

use super::files::Files;
use super::frame::Frame;
use super::text::{number, words};

use MetricKind::{Counter, Gauge};

/// Name, type, factor and help of the columns behind the device's name.
const COLUMNS: [(&str, MetricKind, f64, &str); 17] = [
    ("reads_completed_total", Counter, 1.0, "Reads that succeeded."),
    ("reads_merged_total", Counter, 1.0, "Reads merged with others."),
    ("read_bytes_total", Counter, 512.0, "Bytes read."),
    ("read_time_seconds_total", Counter, 1e-3, "Time spent by all reads, seconds."),
    ("writes_completed_total", Counter, 1.0, "Writes that succeeded."),
    ("writes_merged_total", Counter, 1.0, "Writes merged with others."),
    ("written_bytes_total", Counter, 512.0, "Bytes written."),
    ("write_time_seconds_total", Counter, 1e-3, "Time spent by all writes, seconds."),
    ("io_now", Gauge, 1.0, "Requests in progress."),
    ("io_time_seconds_total", Counter, 1e-3, "Time with at least one request, seconds."),
    ("io_time_weighted_seconds_total", Counter, 1e-3, "Time times requests waiting, seconds."),
    ("discards_completed_total", Counter, 1.0, "Discards that succeeded."),
    ("discards_merged_total", Counter, 1.0, "Discards merged with others."),
    ("discarded_sectors_total", Counter, 1.0, "Sectors discarded."),
    ("discard_time_seconds_total", Counter, 1e-3, "Time spent by all discards, seconds."),
    ("flush_requests_total", Counter, 1.0, "Flushes that succeeded."),
    ("flush_requests_time_seconds_total", Counter, 1e-3, "Time spent by all flushes, seconds."),
];

pub(super) fn diskstats(files: &mut Files, out: &mut Frame) -> Option<()> {
    let text = files.read("proc/diskstats")?;
    let mut name = String::new();
    for line in text.lines() {
        let mut fields = words(line);
        let (Some(major), Some(minor), Some(device)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if is_left_out(device) {
            continue;
        }
        let labels = [("device", device), ("major", major), ("minor", minor)];
        out.gauge("node_disk_info", "A block device, always 1.", &labels, 1.0);
        for ((suffix, kind, factor, help), word) in COLUMNS.iter().zip(fields) {
            let Some(value) = number(word) else { break };
            name.clear();
            name.push_str("node_disk_");
            name.push_str(suffix);
            out.put(&name, *kind, help, &[("device", device)], value * factor);
        }
    }
    Some(())
}

/// RAM, loop and floppy devices; partitions of hd, sd, vd, xvd and nvme devices.
fn is_left_out(device: &str) -> bool {
    let stem = device.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == device.len() {
        return false;
    }
    let lettered = ["hd", "sd", "vd", "xvd"].iter().any(|kind| {
        stem.strip_prefix(kind)
            .is_some_and(|l| l.len() == 1 && l.as_bytes()[0].is_ascii_lowercase())
    });
    let nvme_part = stem
        .strip_prefix("nvme")
        .and_then(|s| s.strip_suffix('p'))
        .is_some_and(|s| s.split_once('n').is_some_and(|(a, b)| is_number(a) && is_number(b)));
    matches!(stem, "ram" | "loop" | "fd") || lettered || nvme_part
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_pseudo_devices_are_left_out() {
        for (device, out) in [
            ("vda", false),
            ("vda1", true),
            ("sda", false),
            ("sdaa", false),
            ("sdaa1", false),
            ("xvdb2", true),
            ("nvme0n1", false),
            ("nvme0n1p3", true),
            ("loop7", true),
            ("ram0", true),
            ("dm-0", false),
            ("md127", false),
            ("mmcblk0", false),
        ] {
            assert_eq!(is_left_out(device), out, "{device}");
        }
    }
}
