//! Memory: `/proc/meminfo` and the part of `/proc/vmstat` that tells of pressure.

use plimsoll_model::MetricKind;

use super::files::Files;
use super::frame::Frame;
use super::text::{number, words};

pub(super) fn meminfo(files: &mut Files, out: &mut Frame) -> Option<()> {
    let text = files.read("proc/meminfo")?;
    let mut name = String::new();
    for line in text.lines() {
        let Some((key, rest)) = line.split_once(':') else { continue };
        let mut rest = words(rest);
        let Some(value) = rest.next().and_then(number) else { continue };
        let in_kib = rest.next().is_some();
        name.clear();
        name.push_str("node_memory_");
        // "Active(anon)" becomes "Active_anon".
        name.extend(key.chars().filter_map(|c| match c {
            '(' => Some('_'),
            ')' => None,
            c => Some(c),
        }));
        if in_kib {
            name.push_str("_bytes");
        }
        let help = "A field of /proc/meminfo.";
        out.gauge(&name, help, &[], if in_kib { value * 1024.0 } else { value });
    }
    Some(())
}

pub(super) fn vmstat(files: &mut Files, out: &mut Frame) -> Option<()> {
    let text = files.read("proc/vmstat")?;
    let mut name = String::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(' ') else { continue };
        let wanted = key.starts_with("oom_kill")
            || key.starts_with("pgpg")
            || key.starts_with("pswp")
            || (key.starts_with("pg") && key.contains("fault"));
        if let Some(value) = number(value).filter(|_| wanted) {
            name.clear();
            name.push_str("node_vmstat_");
            name.push_str(key);
            out.put(&name, MetricKind::Unknown, "A field of /proc/vmstat.", &[], value);
        }
    }
    Some(())
}
