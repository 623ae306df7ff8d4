//! File descriptors, time, the system's name, temperatures.

use super::files::Files;
use super::frame::Frame;
use super::text::{first_number, number, words};

/// Sensors reported.
const SENSORS_MAX: usize = 128;
/// Rounds between two looks for new sensors; they come and go with hardware.
const LOOK_EVERY: u64 = 60;

pub(super) fn descriptors(files: &mut Files, out: &mut Frame) -> Option<()> {
    let text = files.read("proc/sys/fs/file-nr")?;
    let mut numbers = words(&text).map(number);
    let (allocated, _, most) = (numbers.next()??, numbers.next()??, numbers.next()??);
    out.gauge("node_filefd_allocated", "File descriptors in use.", &[], allocated);
    out.gauge("node_filefd_maximum", "File descriptors allowed.", &[], most);
    Some(())
}

pub(super) fn time(now_ms: i64, out: &mut Frame) {
    let help = "The system's time, seconds since 1970.";
    out.gauge("node_time_seconds", help, &[], now_ms as f64 / 1000.0);
}

pub(super) fn name(files: &mut Files, out: &mut Frame) -> Option<()> {
    let mut read = |file: &str| {
        let text = files.read(&format!("proc/sys/kernel/{file}"))?;
        Some(text.trim().to_owned())
    };
    let release = read("osrelease")?;
    let system = read("ostype").unwrap_or_default();
    let version = read("version").unwrap_or_default();
    let node = read("hostname").unwrap_or_default();
    let domain = read("domainname").unwrap_or_default();
    let labels = [
        ("sysname", system.as_str()),
        ("release", &release),
        ("version", &version),
        ("machine", std::env::consts::ARCH),
        ("nodename", &node),
        ("domainname", &domain),
    ];
    out.gauge("node_uname_info", "The system's names, always 1.", &labels, 1.0);
    Some(())
}

/// Where sensors were found.
#[derive(Default)]
pub(super) struct Sensors {
    chips: Vec<Chip>,
    zones: Vec<(String, String, String)>,
    round: u64,
}

struct Chip {
    label: String,
    name: String,
    /// Sensor, its file, its own name.
    inputs: Vec<(String, String, Option<String>)>,
}

impl Sensors {
    pub(super) fn read(&mut self, files: &mut Files, out: &mut Frame) -> Option<()> {
        if self.round.is_multiple_of(LOOK_EVERY) {
            self.look(files);
        }
        self.round += 1;
        for chip in &self.chips {
            self::chip(chip, files, out);
        }
        for (zone, kind, path) in &self.zones {
            let Some(milli) = files.read(path).and_then(|t| first_number(&t)) else { continue };
            let help = "Temperature of a thermal zone, degrees Celsius.";
            let labels = [("zone", zone.as_str()), ("type", kind)];
            out.gauge("node_thermal_zone_temp", help, &labels, milli / 1000.0);
        }
        (!self.chips.is_empty() || !self.zones.is_empty()).then_some(())
    }

    fn look(&mut self, files: &mut Files) {
        self.chips.clear();
        self.zones.clear();
        for dir in files.names("sys/class/hwmon").into_iter().take(SENSORS_MAX) {
            let base = format!("sys/class/hwmon/{dir}");
            let mut inputs = Vec::new();
            for file in files.names(&base) {
                let Some(sensor) = file.strip_suffix("_input") else { continue };
                if sensor.starts_with("temp") && inputs.len() < SENSORS_MAX {
                    let own = files.read(&format!("{base}/{sensor}_label"));
                    let own = own.map(|t| t.trim().to_owned());
                    inputs.push((sensor.to_owned(), format!("{base}/{file}"), own));
                }
            }
            let name = files.read(&format!("{base}/name")).map(|t| t.trim().to_owned());
            let name = name.unwrap_or_else(|| dir.clone());
            let label = chip_label(files, &base).unwrap_or_else(|| clean(&name));
            self.chips.push(Chip { label, name: clean(&name), inputs });
        }
        for dir in files.names("sys/class/thermal").into_iter().take(SENSORS_MAX) {
            let Some(zone) = dir.strip_prefix("thermal_zone") else { continue };
            let kind = files.read(&format!("sys/class/thermal/{dir}/type"));
            let kind = kind.map(|t| t.trim().to_owned()).unwrap_or_default();
            self.zones.push((zone.to_owned(), kind, format!("sys/class/thermal/{dir}/temp")));
        }
    }
}

fn chip(chip: &Chip, files: &mut Files, out: &mut Frame) {
    let labels = [("chip", chip.label.as_str()), ("chip_name", &chip.name)];
    out.gauge("node_hwmon_chip_names", "A chip and its own name, always 1.", &labels, 1.0);
    for (sensor, path, own) in &chip.inputs {
        let Some(milli) = files.read(path).and_then(|t| first_number(&t)) else { continue };
        let labels = [("chip", chip.label.as_str()), ("sensor", sensor)];
        let help = "Temperature, degrees Celsius.";
        out.gauge("node_hwmon_temp_celsius", help, &labels, milli / 1000.0);
        if let Some(own) = own {
            let labels = [labels[0], ("label", own.as_str()), labels[1]];
            out.gauge("node_hwmon_sensor_label", "A sensor's own name, always 1.", &labels, 1.0);
        }
    }
}

/// A chip is called by its bus and its device there, which stay the same over restarts.
fn chip_label(files: &Files, base: &str) -> Option<String> {
    let device = files.resolve(&format!("{base}/device"))?;
    let bus = files.resolve(&format!("{base}/device/subsystem"));
    let last = |p: &std::path::Path| Some(clean(p.file_name()?.to_str()?));
    match bus.as_deref().and_then(last) {
        Some(bus) => Some(format!("{bus}_{}", last(&device)?)),
        None => last(&device),
    }
}

fn clean(text: &str) -> String {
    let out: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == ':' { c.to_ascii_lowercase() } else { '_' })
        .collect();
    out.trim_matches('_').to_owned()
}
