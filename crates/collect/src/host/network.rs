//! Network devices, protocol counters and sockets.

use plimsoll_model::MetricKind;

use super::files::Files;
use super::frame::Frame;
use super::text::{number, words};

const RECEIVE: [&str; 8] =
    ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast"];
const TRANSMIT: [&str; 8] =
    ["bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"];
/// Devices reported; a container host may have thousands of short-lived ones.
const DEVICES_MAX: usize = 256;

pub(super) fn devices(files: &mut Files, out: &mut Frame) -> Option<()> {
    let text = files.read("proc/net/dev")?.into_owned();
    let mut name = String::new();
    for line in text.lines().skip(2).take(DEVICES_MAX) {
        let Some((device, rest)) = line.rsplit_once(':') else { continue };
        let device = device.trim();
        let columns = RECEIVE.iter().map(|c| ("receive", c));
        let columns = columns.chain(TRANSMIT.iter().map(|c| ("transmit", c)));
        for ((direction, column), word) in columns.zip(words(rest)) {
            let Some(value) = number(word) else { break };
            name.clear();
            name.extend(["node_network_", direction, "_", column, "_total"]);
            out.counter(&name, "A counter of the network device.", &[("device", device)], value);
        }
        device_state(files, out, device);
    }
    Some(())
}

fn device_state(files: &mut Files, out: &mut Frame, device: &str) {
    let labels = [("device", device)];
    if let Some(state) = files.read(&format!("sys/class/net/{device}/operstate")) {
        let up = f64::from(u8::from(state.trim() == "up"));
        out.gauge("node_network_up", "1 when the device is up.", &labels, up);
    }
    let mut read = |file: &str| {
        let text = files.read(&format!("sys/class/net/{device}/{file}"))?;
        number(text.trim())
    };
    if let Some(mtu) = read("mtu") {
        out.gauge("node_network_mtu_bytes", "Largest packet, bytes.", &labels, mtu);
    }
    // A device without a link says -1 or nothing.
    if let Some(mbit) = read("speed").filter(|s| *s > 0.0) {
        let help = "Speed of the link, bytes per second.";
        out.gauge("node_network_speed_bytes", help, &labels, mbit * 1e6 / 8.0);
    }
}

pub(super) fn netstat(files: &mut Files, out: &mut Frame) -> Option<()> {
    let mut found = None;
    for path in ["proc/net/netstat", "proc/net/snmp"] {
        let Some(text) = files.read(path) else { continue };
        let mut lines = text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let Some((protocol, names)) = names.split_once(':') else { continue };
            let Some((_, values)) = values.split_once(':') else { continue };
            for (field, value) in words(names).zip(words(values)) {
                counter(protocol, field, value, out);
            }
        }
        found = Some(());
    }
    if let Some(text) = files.read("proc/net/snmp6") {
        for line in text.lines() {
            let mut line = words(line);
            let (Some(key), Some(value)) = (line.next(), line.next()) else { continue };
            // "Udp6InDatagrams": the protocol ends with its 6.
            if let Some(six) = key.find('6') {
                counter(&key[..=six], &key[six + 1..], value, out);
            }
        }
    }
    found
}

fn counter(protocol: &str, field: &str, value: &str, out: &mut Frame) {
    if !is_wanted(protocol, field) {
        return;
    }
    let Some(value) = number(value) else { return };
    let name = format!("node_netstat_{protocol}_{field}");
    out.put(&name, MetricKind::Unknown, "A counter of the network stack.", &[], value);
}

/// The set that node_exporter reports by default.
fn is_wanted(protocol: &str, field: &str) -> bool {
    if matches!(field, "InErrors" | "InErrs") {
        return true;
    }
    match protocol {
        "Ip" => field == "Forwarding",
        "Ip6" | "IpExt" => matches!(field, "InOctets" | "OutOctets"),
        "Icmp" | "Icmp6" => matches!(field, "InMsgs" | "OutMsgs"),
        "TcpExt" => {
            field.starts_with("Listen")
                || field.starts_with("Syncookies")
                || matches!(field, "TCPSynRetrans" | "TCPTimeouts" | "TCPOFOQueue" | "TCPRcvQDrop")
        }
        "Tcp" => matches!(
            field,
            "ActiveOpens"
                | "InSegs"
                | "OutSegs"
                | "OutRsts"
                | "PassiveOpens"
                | "RetransSegs"
                | "CurrEstab"
        ),
        "Udp" | "Udp6" => matches!(
            field,
            "InDatagrams" | "OutDatagrams" | "NoPorts" | "RcvbufErrors" | "SndbufErrors"
        ),
        _ => false,
    }
}

pub(super) fn sockets(files: &mut Files, out: &mut Frame) -> Option<()> {
    let page = rustix::param::page_size() as f64;
    let help = "A field of /proc/net/sockstat.";
    let mut found = None;
    for path in ["proc/net/sockstat", "proc/net/sockstat6"] {
        let Some(text) = files.read(path) else { continue };
        for line in text.lines() {
            let Some((protocol, rest)) = line.split_once(':') else { continue };
            let mut rest = words(rest);
            while let (Some(field), Some(value)) = (rest.next(), rest.next().and_then(number)) {
                out.gauge(&format!("node_sockstat_{protocol}_{field}"), help, &[], value);
                if field == "mem" {
                    let name = format!("node_sockstat_{protocol}_mem_bytes");
                    out.gauge(&name, help, &[], value * page);
                }
            }
        }
        found = Some(());
    }
    found
}
