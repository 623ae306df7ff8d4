//! How values are written: the browser's words for units, and its digits (`ui/src/lib/format.ts`). Both are held to
//! `fixtures/dashboards/values.json`; only the minus sign is another one here, as wide as a plus sign.

use plimsoll_model::{Unit, show_duration_ms};

const IEC: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const SI: [&str; 6] = ["", "k", "M", "G", "T", "P"];
/// Digits after the point.
const DECIMALS_MAX: usize = 10;
/// Bytes of a name of a unit.
const NAME_BYTES_MAX: usize = 200;

/// What stands after numbers that are shortened by thousands.
const SI_UNITS: [(&str, &str); 12] = [
    ("bits/s", "b/s"),
    ("bits", "b"),
    ("bits_si/s", "b/s"),
    ("bits_si", "b"),
    ("bytes_si/s", "B/s"),
    ("bytes_si", "B"),
    ("hertz", "Hz"),
    ("volts", "V"),
    ("amperes", "A"),
    ("watts", "W"),
    ("joules", "J"),
    ("watt_hours", "Wh"),
];
const PLAIN_UNITS: [(&str, &str); 7] = [
    ("percent", "%"),
    ("celsius", "°C"),
    ("fahrenheit", "°F"),
    ("kelvin", "K"),
    ("decibels", "dB"),
    ("count", ""),
    ("none", ""),
];
/// How many seconds one is.
const SECONDS: [(&str, f64); 6] = [
    ("milliseconds", 1e-3),
    ("microseconds", 1e-6),
    ("nanoseconds", 1e-9),
    ("minutes", 60.0),
    ("hours", 3_600.0),
    ("days", 86_400.0),
];
/// What 0 and everything else are called.
const EITHER: [(&str, [&str; 2]); 3] =
    [("bool", ["false", "true"]), ("yes_no", ["no", "yes"]), ("on_off", ["off", "on"])];

/// What values count, and how they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The unit, as dashboards call it; empty and `short` are plain numbers.
    pub unit: String,
    /// Digits after the point; `None` = three significant ones.
    pub decimals: Option<usize>,
}

impl Format {
    /// Of a unit alone.
    pub fn of(unit: Unit) -> Self {
        Self::named(unit.as_str())
    }

    /// Of a unit by its name; what is none is written behind the number, as it is.
    pub fn named(unit: &str) -> Self {
        let unit = if unit.len() > NAME_BYTES_MAX { "" } else { unit };
        Self { unit: unit.to_owned(), decimals: None }
    }

    /// With so many digits after the point.
    pub fn with_decimals(mut self, decimals: Option<f64>) -> Self {
        let whole = |d: f64| d.round().clamp(0.0, DECIMALS_MAX as f64) as usize;
        self.decimals = decimals.filter(|d| d.is_finite()).map(whole);
        self
    }

    /// By which steps an axis of such values is marked.
    pub fn scale(&self) -> Unit {
        match self.unit.as_str() {
            "bytes" => Unit::Bytes,
            "bytes/s" => Unit::BytesPerSecond,
            "seconds" => Unit::Seconds,
            _ => Unit::Plain,
        }
    }

    /// How much all of it is, where there is such a thing.
    pub fn whole(&self) -> Option<f64> {
        match self.unit.as_str() {
            "ratio" => Some(1.0),
            "percent" => Some(100.0),
            _ => None,
        }
    }

    /// A value as people read it; `–` for not a number.
    pub fn show(&self, value: f64) -> String {
        if value.is_nan() {
            return "–".to_owned();
        }
        if value.is_infinite() {
            return if value > 0.0 { "+∞" } else { "−∞" }.to_owned();
        }
        let unit = self.unit.as_str();
        match unit {
            "bytes" => spaced(self.scaled(value, 1024.0, &IEC)),
            "bytes/s" => spaced(self.scaled(value, 1024.0, &IEC)) + "/s",
            "seconds" => self.seconds(value),
            // What is left over from subtracting a base is noise, not a share.
            "ratio" if value.abs() < 1e-6 => format!("{} %", self.compact(0.0)),
            "ratio" => format!("{} %", self.compact(value * 100.0)),
            "ops/s" => spaced(self.scaled(value, 1000.0, &SI)) + "/s",
            "ops/min" => spaced(self.scaled(value, 1000.0, &SI)) + "/min",
            "datetime" => moment(value),
            "hex" => {
                let whole = value.trunc().clamp(-1e18, 1e18) as i64;
                format!("{}{:x}", if whole < 0 { "−" } else { "" }, whole.unsigned_abs())
            }
            "scientific" => exponential(value, self.decimals.unwrap_or(2)),
            "" | "short" => spaced(self.scaled(value, 1000.0, &SI)),
            _ => self.other(value, unit),
        }
    }

    fn other(&self, value: f64, unit: &str) -> String {
        if let Some(one) = found(&SECONDS, unit) {
            return self.seconds(value * one);
        }
        if let Some([none, some]) = found(&EITHER, unit) {
            return if value == 0.0 { none } else { some }.to_owned();
        }
        if let Some(sign) = unit.strip_prefix("prefix:") {
            return format!("{sign}{}", self.compact(value));
        }
        if let Some(name) = unit.strip_prefix("suffix:") {
            return format!("{} {}", self.compact(value), name.trim()).trim().to_owned();
        }
        if let Some(name) = found(&SI_UNITS, unit) {
            let (number, thousands) = self.scaled(value, 1000.0, &SI);
            return format!("{number} {thousands}{name}");
        }
        match found(&PLAIN_UNITS, unit).unwrap_or(unit) {
            "" => self.compact(value),
            after => format!("{} {after}", self.compact(value)),
        }
    }

    fn seconds(&self, value: f64) -> String {
        let (times, unit) = match value.abs() {
            0.0 => return "0 s".to_owned(),
            size if size < 1e-6 => (1e9, "ns"),
            size if size < 1e-3 => (1e6, "µs"),
            size if size < 1.0 => (1e3, "ms"),
            size if size < 120.0 => (1.0, "s"),
            size => {
                let sign = if value < 0.0 { "−" } else { "" };
                return format!("{sign}{}", show_duration_ms((size * 1e3).min(9e15) as i64));
            }
        };
        format!("{} {unit}", self.compact(value * times))
    }

    fn scaled(
        &self,
        value: f64,
        base: f64,
        names: &'static [&'static str],
    ) -> (String, &'static str) {
        let (mut size, mut i) = (value, 0);
        // 999.5 and up would be written as 1,000 of the smaller unit.
        while size.abs() >= base - base * 0.0005 && i + 1 < names.len() {
            size /= base;
            i += 1;
        }
        (self.compact(size), names[i])
    }

    /// Three significant digits, but never fewer than the whole part; or so many decimals as are asked for.
    fn compact(&self, value: f64) -> String {
        let size = value.abs();
        match (self.decimals, size) {
            (Some(places), _) => rounded(value, places, Zeros::Kept),
            (None, 0.0) => "0".to_owned(),
            (None, s) if s < 0.001 => exponential(value, 1),
            (None, s) if s >= 100.0 => rounded(value, 0, Zeros::Dropped),
            (None, s) if s >= 10.0 => rounded(value, 1, Zeros::Dropped),
            (None, s) if s >= 1.0 => rounded(value, 2, Zeros::Dropped),
            _ => rounded(value, 3, Zeros::Dropped),
        }
    }
}

fn found<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
    all.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn spaced((number, unit): (String, &str)) -> String {
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// A true minus sign, as wide as a plus sign.
fn minus(text: String) -> String {
    text.strip_prefix('-').map(|rest| format!("−{rest}")).unwrap_or(text)
}

fn exponential(value: f64, places: usize) -> String {
    let text = format!("{value:.places$e}");
    minus(if text.contains("e-") { text } else { text.replace('e', "e+") })
}

fn moment(ms: f64) -> String {
    let at = (ms.abs() <= 8.64e15).then(|| jiff::Timestamp::from_millisecond(ms.floor() as i64));
    match at {
        Some(Ok(at)) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        _ => "–".to_owned(),
    }
}

/// Whether zeros at the end are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zeros {
    Kept,
    Dropped,
}

/// Rounded as people do, half away from zero, from the digits that the number is written with: 71.25 is 71.3.
fn rounded(value: f64, places: usize, zeros: Zeros) -> String {
    let text = value.abs().to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(part.bytes().take(places)).collect();
    let written = digits.len() - whole.len();
    if part.as_bytes().get(places).is_some_and(|d| *d >= b'5') {
        let mut at = digits.len();
        loop {
            if at == 0 {
                digits.insert(0, b'1');
                break;
            }
            at -= 1;
            if digits[at] < b'9' {
                digits[at] += 1;
                break;
            }
            digits[at] = b'0';
        }
    }
    let is_zero = digits.iter().all(|d| *d == b'0');
    let behind = digits.split_off(digits.len() - written);
    let mut behind: String = behind.into_iter().map(char::from).collect();
    match zeros {
        Zeros::Kept => behind.extend(std::iter::repeat_n('0', places - written)),
        Zeros::Dropped => behind.truncate(behind.trim_end_matches('0').len()),
    }
    let mut out = if value < 0.0 && !is_zero { "−".to_owned() } else { String::new() };
    for (i, digit) in digits.iter().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(char::from(*digit));
    }
    if behind.is_empty() { out } else { format!("{out}.{behind}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The cases that the browser is held to as well: number, unit, digits after the point, text.
    const CASES: &str = include_str!("../../../../fixtures/dashboards/values.json");

    #[test]
    fn values_are_written_as_the_fixture_says() {
        let cases: Value = serde_json::from_str(CASES).unwrap();
        let cases = cases.as_array().unwrap();
        assert!(cases.len() > 40);
        for case in cases {
            let number = match &case[0] {
                Value::String(text) => text.parse().unwrap(),
                number => number.as_f64().unwrap(),
            };
            let format = Format::named(case[1].as_str().unwrap()).with_decimals(case[2].as_f64());
            assert_eq!(format.show(number).replace('−', "-"), case[3].as_str().unwrap(), "{case}");
        }
    }

    #[test]
    fn a_minus_sign_is_as_wide_as_a_plus_sign() {
        let plain = Format::default();
        assert_eq!(plain.show(-1234.0), "−1.23 k");
        assert_eq!(plain.show(-0.000_01), "−1.0e-5");
        assert_eq!(Format::named("seconds").show(-90_000.0), "−1 d 1 h");
        assert_eq!(Format::named(&"x".repeat(NAME_BYTES_MAX + 1)).show(1.0), "1");
    }
}
