//! Names: from OpenTelemetry's (`http.server.duration`, unit `s`) to Prometheus'
//! (`http_server_duration_seconds`).
//!
//! The rules are those of Prometheus' translation strategies: units and `_total` are appended unless
//! the name has them, characters that the old character set does not have become `_`.

use std::borrow::Cow;

/// How names are made; called as in Prometheus' configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Old character set, unit and type as suffixes.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// Old character set, no suffixes.
    UnderscoreEscapingWithoutSuffixes,
    /// Names as they are, unit and type as suffixes.
    NoUTF8EscapingWithSuffixes,
    /// Names as they are.
    NoTranslation,
}

/// What else holds for escaped names of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelRules {
    /// A name that begins with a single `_` gets `key` before it.
    pub key_prefix: bool,
    /// Several `_` in a row stay several.
    pub keep_doubled: bool,
}

impl Default for LabelRules {
    fn default() -> Self {
        Self { key_prefix: true, keep_doubled: true }
    }
}

impl Strategy {
    /// All with their names.
    pub const NAMES: [(Self, &'static str); 4] = [
        (Self::UnderscoreEscapingWithSuffixes, "UnderscoreEscapingWithSuffixes"),
        (Self::UnderscoreEscapingWithoutSuffixes, "UnderscoreEscapingWithoutSuffixes"),
        (Self::NoUTF8EscapingWithSuffixes, "NoUTF8EscapingWithSuffixes"),
        (Self::NoTranslation, "NoTranslation"),
    ];

    /// By its name.
    pub fn of(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(s, _)| *s)
    }

    const fn escapes(self) -> bool {
        matches!(
            self,
            Self::UnderscoreEscapingWithSuffixes | Self::UnderscoreEscapingWithoutSuffixes
        )
    }

    const fn has_suffixes(self) -> bool {
        matches!(self, Self::UnderscoreEscapingWithSuffixes | Self::NoUTF8EscapingWithSuffixes)
    }

    /// The name of a label; `None` when nothing is left of it.
    pub(super) fn label(self, name: &str, rules: LabelRules) -> Option<Cow<'_, str>> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let plain = name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
            && name.bytes().all(is_plain)
            && (rules.keep_doubled || !name.contains("__"));
        if plain || !self.escapes() {
            return Some(Cow::Borrowed(name)).filter(|n| !n.is_empty());
        }
        let mut out = String::with_capacity(name.len() + 4);
        for c in name.chars() {
            let c = if c.is_ascii_alphanumeric() { c } else { '_' };
            if c != '_' || rules.keep_doubled || !out.ends_with('_') {
                out.push(c);
            }
        }
        if out != name && out.bytes().all(|b| b == b'_') {
            return None;
        }
        let before = match out.as_bytes() {
            [] => return None,
            [b'0'..=b'9', ..] => "key_",
            [b'_', b'_', ..] => "",
            [b'_', ..] if rules.key_prefix => "key",
            _ => "",
        };
        out.insert_str(0, before);
        Some(Cow::Owned(out))
    }

    /// The name of a metric; `None` when nothing is left of it.
    pub(super) fn metric(self, name: &str, unit: &str, kind: Kind) -> Option<String> {
        let out = match (self.escapes(), self.has_suffixes()) {
            (true, true) => tokens(name, unit, kind),
            (true, false) => digit_free(joined(name.split(|c| !is_old(c) && c != '_'))),
            (false, true) => suffixed(name, unit, kind),
            (false, false) => name.to_owned(),
        };
        let empty = out.is_empty() || (out != name && out.bytes().all(|b| b == b'_'));
        (!empty).then_some(out)
    }
}

/// What a metric is, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    /// A sum that only rises.
    Counter,
    Other,
}

fn is_old(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.filter(|p| !p.is_empty()).collect::<Vec<_>>().join("_")
}

fn digit_free(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The name as words of the old character set, with those of its unit and type.
fn tokens(name: &str, unit: &str, kind: Kind) -> String {
    let (main, per) = units(unit);
    let (main, per) = (clean(&main), clean(&per));
    let mut words: Vec<&str> = name.split(|c| !is_old(c)).filter(|w| !w.is_empty()).collect();
    let mut main = if words.contains(&main.as_str()) { "" } else { &main };
    let mut per = if per == "per_" { "" } else { per.strip_suffix('_').unwrap_or(&per) };
    if words.contains(&per) {
        per = "";
    }
    if !per.is_empty() {
        main = main.strip_suffix('_').unwrap_or(main);
    }
    words.extend([main, per].into_iter().filter(|w| !w.is_empty()));
    let last = match kind {
        Kind::Counter => Some("total"),
        Kind::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(last) = last {
        words.retain(|w| *w != last);
        words.push(last);
    }
    digit_free(words.join("_"))
}

/// The name as it is, with its unit and type behind it.
fn suffixed(name: &str, unit: &str, kind: Kind) -> String {
    let mut name = name;
    let mut ends = Vec::new();
    let mut cut = |name: &mut &str, end: String| {
        if let Some(rest) = name.strip_suffix(end.as_str())
            && let Some((at, _)) = rest.char_indices().next_back().filter(|(at, _)| *at > 0)
        {
            *name = &rest[..at];
        }
        ends.push(end);
    };
    if kind == Kind::Gauge && unit == "1" {
        cut(&mut name, "ratio".to_owned());
    }
    if kind == Kind::Counter {
        cut(&mut name, "total".to_owned());
    }
    let (main, per) = units(unit);
    if !per.is_empty() {
        cut(&mut name, per);
    }
    if !main.is_empty() && !name.ends_with(&main) {
        ends.push(main);
    }
    let mut out = name.to_owned();
    for end in ends.iter().rev() {
        out.push('_');
        out.push_str(end);
    }
    out
}

/// The words of a unit, as metadata tells it.
pub(super) fn unit_words(unit: &str) -> String {
    let (main, per) = units(unit);
    let (main, per) = (clean(&main), clean(&per));
    joined([main.as_str(), per.as_str()].into_iter()).trim_matches('_').to_owned()
}

/// The words of a unit: what is counted, and `per_…`.
fn units(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let named = |text: &str, table: &[(&str, &str)]| {
        let text = text.trim();
        if text.contains(['{', '}']) {
            return String::new();
        }
        table.iter().find(|(u, _)| *u == text).map_or(text, |(_, word)| word).to_owned()
    };
    let (main, per) = (named(main, &UNITS), named(per, &PER));
    (main, if per.is_empty() { per } else { format!("per_{per}") })
}

/// A unit's word in the old character set, without doubled and leading underscores.
fn clean(unit: &str) -> String {
    let mut out = String::with_capacity(unit.len());
    for c in unit.chars() {
        let c = if is_old(c) { c } else { '_' };
        if c != '_' || !out.ends_with('_') {
            out.push(c);
        }
    }
    out.strip_prefix('_').map_or(out.clone(), str::to_owned)
}

/// UCUM codes of units and Prometheus' words for them.
const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// The same behind a slash.
const PER: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use Strategy::*;

    #[track_caller]
    fn check(strategy: Strategy, name: &str, unit: &str, kind: Kind, expected: &str) {
        assert_eq!(strategy.metric(name, unit, kind).as_deref().unwrap_or(""), expected);
    }

    #[test]
    fn metrics_get_units_and_types() {
        let s = UnderscoreEscapingWithSuffixes;
        check(s, "http.server.duration", "s", Kind::Other, "http_server_duration_seconds");
        check(s, "requests", "1", Kind::Counter, "requests_total");
        check(s, "requests_total", "", Kind::Counter, "requests_total");
        check(s, "total.requests", "", Kind::Counter, "requests_total");
        check(s, "cpu.utilization", "1", Kind::Gauge, "cpu_utilization_ratio");
        check(s, "disk.io", "By/s", Kind::Gauge, "disk_io_bytes_per_second");
        check(s, "disk.io.bytes", "By", Kind::Gauge, "disk_io_bytes");
        check(s, "load", "%", Kind::Gauge, "load_percent");
        check(s, "queue", "{items}", Kind::Gauge, "queue");
        check(s, "speed", "{items}/s", Kind::Gauge, "speed_per_second");
        check(s, "2xx", "", Kind::Gauge, "_2xx");
        check(s, "__a__b", "", Kind::Gauge, "a_b");
        check(s, "....", "", Kind::Gauge, "");
        check(s, "température", "Cel", Kind::Gauge, "temp_rature_celsius");
        check(s, "x", "custom unit", Kind::Gauge, "x_custom_unit");
    }

    #[test]
    fn other_strategies_leave_more_as_it_is() {
        let s = UnderscoreEscapingWithoutSuffixes;
        check(s, "http.requests", "s", Kind::Counter, "http_requests");
        check(s, "a__b", "s", Kind::Counter, "a__b");
        let s = NoUTF8EscapingWithSuffixes;
        check(s, "http.requests", "By/s", Kind::Counter, "http.requests_bytes_per_second_total");
        check(s, "http.requests.total", "", Kind::Counter, "http.requests_total");
        check(s, "ratio", "1", Kind::Gauge, "ratio_ratio");
        check(NoTranslation, "http.requests", "By", Kind::Counter, "http.requests");
    }

    #[test]
    fn labels_keep_to_the_character_set() {
        let s = UnderscoreEscapingWithSuffixes;
        for (name, expected) in [
            ("http.method", Some("http_method")),
            ("0a", Some("key_0a")),
            ("_private", Some("key_private")),
            ("__name", Some("__name")),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(s.label(name, LabelRules::default()).as_deref(), expected, "{name}");
        }
        let bare = LabelRules { key_prefix: false, keep_doubled: false };
        assert_eq!(s.label("_a..b", bare).as_deref(), Some("_a_b"));
        assert_eq!(s.label("a..b", LabelRules::default()).as_deref(), Some("a__b"));
        assert_eq!(NoTranslation.label("http.method", bare).as_deref(), Some("http.method"));
        for (strategy, name) in Strategy::NAMES {
            assert_eq!(Strategy::of(name), Some(strategy));
        }
    }
}
