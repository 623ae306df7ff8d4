//! How values and series of a panel are called and written: units, overrides, mappings, names, colours. As the browser
//! does it (`ui/src/pages/dashboards/series.ts`).

use std::sync::LazyLock;

use plimsoll_model::Unit;
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::{Colour, Format, Item, Paint, Severity, text};
use crate::dashboard::{OptionPattern, option_regex};

/// How values are written: as overrides say, else the panel, else as is guessed.
pub fn format(panel: &Value, set: &Map<String, Value>, guess: &str) -> Format {
    let own = |key: &str| set.get(key).filter(|v| !v.is_null());
    let name = own("unit").and_then(Value::as_str).or_else(|| panel["unit"].as_str());
    let decimals = own("decimals").unwrap_or(&panel["decimals"]).as_f64();
    Format::named(name.unwrap_or(guess)).with_decimals(decimals)
}

/// The unit of a query that nobody gave one, by the name of its first metric, else by what its expression reads.
pub fn unit_of(expr: &str, metric: &str) -> &'static str {
    told(metric).unwrap_or_else(|| guessed(expr))
}

/// The unit that a metric's name ends in.
fn told(metric: &str) -> Option<&'static str> {
    let name = metric.strip_suffix("_total").unwrap_or(metric);
    let ends = |unit: &&str| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
    ["bytes", "seconds", "ratio"].into_iter().find(ends)
}

/// A unit of the program's own documents by its name.
pub fn unit(name: &str) -> Unit {
    match name {
        "bytes" => Unit::Bytes,
        "bytes/s" => Unit::BytesPerSecond,
        "seconds" => Unit::Seconds,
        "ratio" => Unit::Ratio,
        "percent" => Unit::Percent,
        "ops/s" => Unit::PerSecond,
        "celsius" => Unit::Celsius,
        _ => Unit::Plain,
    }
}

/// A pattern of our own.
fn ours(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is written here and tested")
}

static NAMES: LazyLock<Regex> =
    LazyLock::new(|| ours(r"[a-zA-Z_:][\w:]*_(?:bytes|seconds|ratio|total|celsius)(?:_total)?\b"));
static RATE: LazyLock<Regex> = LazyLock::new(|| ours(r"\b(?:i?rate|deriv)\s*\(|_total:\w*rate"));
static BUCKET: LazyLock<Regex> = LazyLock::new(|| ours(r"_(seconds|bytes)_bucket\b"));
static COUNT: LazyLock<Regex> = LazyLock::new(|| ours(r"\bcount\b\s*(?:by|without)?\s*\("));
static DIVIDED: LazyLock<Regex> =
    LazyLock::new(|| ours(r"\)\s*/\s*(?:ignoring|on|\w|\()|[a-z}]\s*/\s*[a-z(]"));
static LEGEND: LazyLock<Regex> = LazyLock::new(|| ours(r"\{\{\s*([\w.]+)\s*\}\}"));
static RGB: LazyLock<Regex> = LazyLock::new(|| ours(r"^rgba?\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)"));
static LEFT_OF_ONE: LazyLock<Regex> = LazyLock::new(|| ours(r"(?:^|\()\s*1\s*-\s"));

/// What of an expression says nothing of its scale: texts, matchers and times, what is compared with.
static ASIDE: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [
        ours(r#""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`"#),
        ours(r"\{[^}]*\}|\[[^\]]*\]"),
        ours(r"(?:[<>]=?|[=!]=)\s*(?:bool\s+)?[\d.][\de.\s*/+-]*"),
    ]
});
static ARGUMENT: LazyLock<Regex> = LazyLock::new(|| ours(r",\s*[\d.][\de.\s*/+-]*([,)])"));
static BEFORE: LazyLock<Regex> =
    LazyLock::new(|| ours(r"(?i)(?:^|[^\w.])(\d[\d.]*(?:e[+-]?\d+)?)\s*([*/])"));
static AFTER: LazyLock<Regex> =
    LazyLock::new(|| ours(r"(?i)([*/])\s*\(?\s*(\d[\d.]*(?:e[+-]?\d+)?)"));
static SUM: LazyLock<Regex> = LazyLock::new(|| ours(r"_(seconds|bytes)_sum\b"));

/// The number that an expression multiplies what it reads with; not a number where it divides, too.
fn scale_of(expr: &str) -> f64 {
    let mut bare = expr.to_owned();
    for aside in ASIDE.iter() {
        bare = aside.replace_all(&bare, " ").into_owned();
    }
    let bare = ARGUMENT.replace_all(&bare, "$1");
    let number = |text: &str| text.parse().unwrap_or(f64::NAN);
    let before = BEFORE.captures_iter(&bare).map(|c| match &c[2] {
        "*" => number(&c[1]),
        _ => f64::NAN,
    });
    let after = AFTER.captures_iter(&bare).map(|c| match (&c[1], number(&c[2])) {
        ("*", n) => n,
        (_, n) if n == 1.0 => n,
        _ => f64::NAN,
    });
    before.chain(after).product()
}

/// Which unit an expression's values have, from the names of metrics, the functions around them, and the numbers that it
/// multiplies with; the browser guesses alike, both are held to `fixtures/dashboards/units.json`.
pub fn guessed(expr: &str) -> &'static str {
    let unit = read(expr);
    match scale_of(expr) {
        1.0 => unit,
        100.0 if unit == "ratio" => "percent",
        _ => "short",
    }
}

/// The unit of what an expression reads.
fn read(expr: &str) -> &'static str {
    let names: Vec<&str> = NAMES.find_iter(expr).map(|m| m.as_str()).collect();
    let name = names.first().copied().unwrap_or_default();
    let is_rate = RATE.is_match(expr);
    if let Some(bucket) = BUCKET.captures(expr)
        && expr.contains("histogram_quantile")
    {
        return if &bucket[1] == "bytes" { "bytes" } else { "seconds" };
    }
    if COUNT.is_match(expr) {
        return "short";
    }
    let is_divided = DIVIDED.is_match(expr);
    if let Some(sum) = SUM.captures(expr)
        && is_divided
        && expr.contains("_count")
    {
        return if &sum[1] == "bytes" { "bytes" } else { "seconds" };
    }
    let all =
        |fits: fn(&str) -> bool| is_divided && names.len() > 1 && names.iter().all(|n| fits(n));
    let is_plain_total = |n: &str| {
        n.ends_with("_total") && !n.ends_with("_bytes_total") && !n.ends_with("_seconds_total")
    };
    let is_left = is_divided && LEFT_OF_ONE.is_match(expr);
    if is_left || all(|n| n.contains("_bytes")) || all(is_plain_total) {
        return "ratio";
    }
    let ends = |with: [&str; 2]| with.iter().any(|w| name.ends_with(w));
    match () {
        () if ends(["_bytes", "_bytes_total"]) => {
            if is_rate {
                "bytes/s"
            } else {
                "bytes"
            }
        }
        () if ends(["_seconds", "_seconds_total"]) => {
            let is_mean = is_divided && is_rate && expr.contains("_count");
            if is_rate && !is_mean { "ratio" } else { "seconds" }
        }
        () if name.ends_with("_ratio") => "ratio",
        () if is_rate => "ops/s",
        () => "short",
    }
}

/// A pattern as people write it, `/…/i` or plain; `None` when it is none.
pub fn pattern(text: &str) -> Option<OptionPattern> {
    option_regex(text).ok()
}

/// What a pattern finds first, replaced as JavaScript does it: `$1`, `$<name>`, `$&`, `$$`.
pub fn replaced(text: &str, from: &OptionPattern, to: &str) -> String {
    let Some(found) = from.captures(text) else { return text.to_owned() };
    let Some(whole) = found.get(0) else { return text.to_owned() };
    let mut out = text[..whole.start()].to_owned();
    let mut rest = to;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        // Two digits where there are as many groups, else one.
        let number = (1..=digits).rev().find_map(|n| {
            let group = after[..n].parse().ok().filter(|g| (1..found.len()).contains(g))?;
            Some((n, group))
        });
        rest = match (after.as_bytes().first(), number) {
            (Some(b'$'), _) => {
                out.push('$');
                &after[1..]
            }
            (Some(b'&'), _) => {
                out.push_str(whole.as_str());
                &after[1..]
            }
            (_, Some((n, group))) => {
                out.push_str(found.get(group).map_or("", |g| g.as_str()));
                &after[n..]
            }
            (Some(b'<'), _) if after.contains('>') => {
                let (name, behind) = after[1..].split_once('>').unwrap_or_default();
                out.push_str(found.name(name).map_or("", |g| g.as_str()));
                behind
            }
            _ => {
                out.push('$');
                after
            }
        };
    }
    out + rest + &text[whole.end()..]
}

/// What the overrides say of a series or a column, the later ones winning.
pub fn set_for(panel: &Value, name: &str, letter: &str) -> Map<String, Value> {
    let mut set = Map::new();
    for o in panel["overrides"].as_array().into_iter().flatten() {
        let (by, value) = (text(&o["match"], "by"), text(&o["match"], "value"));
        let applies = match by {
            "query" => value == letter,
            "type" => value == "number",
            "regex" => pattern(value).is_some_and(|p| p.is_match(name)),
            _ => value == name,
        };
        if let (true, Some(more)) = (applies, o["set"].as_object()) {
            set.extend(more.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }
    set
}

/// What is put in place of values: the mappings of a panel or of what overrides say, their patterns read once.
pub struct Mappings<'v>(Vec<(&'v Value, Option<OptionPattern>)>);

impl<'v> Mappings<'v> {
    /// Those that count for a series or a column.
    pub fn of(panel: &'v Value, set: &'v Map<String, Value>) -> Self {
        let all = set.get("mappings").unwrap_or(&panel["mappings"]).as_array();
        let read = |m: &'v Value| match text(m, "kind") {
            "regex" => (m, pattern(text(m, "value"))),
            _ => (m, None),
        };
        Self(all.into_iter().flatten().map(read).collect())
    }

    /// The text and colour in place of a value; `None` where there are none. `value` is NaN for words.
    pub fn said(&self, value: f64, shown: &str) -> Option<(String, Option<Colour>)> {
        let (hit, _) = self.0.iter().find(|(m, pattern)| is_mapped(m, pattern, value, shown))?;
        let said = hit["text"].as_str().unwrap_or(shown).to_owned();
        Some((said, hit["colour"].as_str().filter(|c| !c.is_empty()).map(colour)))
    }
}

fn is_mapped(m: &Value, pattern: &Option<OptionPattern>, value: f64, shown: &str) -> bool {
    let wanted = text(m, "value");
    match text(m, "kind") {
        "range" => {
            let bound = |key: &str, otherwise: f64| m[key].as_f64().unwrap_or(otherwise);
            (bound("from", f64::NEG_INFINITY)..=bound("to", f64::INFINITY)).contains(&value)
        }
        "regex" => pattern.as_ref().is_some_and(|p| p.is_match(shown)),
        "special" => match wanted {
            "null" | "nan" | "null+nan" => value.is_nan() && shown == "NaN",
            "true" => value == 1.0,
            "false" => value == 0.0,
            _ => false,
        },
        _ => {
            let number = wanted.trim().parse::<f64>();
            m["value"].is_string() && (wanted == shown || number == Ok(value))
        }
    }
}

/// A number as JavaScript writes it.
pub fn plain(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if size.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        0.0 => "0".to_owned(),
        _ if (1e-6..1e21).contains(&size) => value.to_string(),
        _ => {
            let text = format!("{value:e}");
            if text.contains("e-") { text } else { text.replace('e', "e+") }
        }
    }
}

/// The bounds of a series: as it or its panel says, those of its unit, or those of all values.
pub fn bounds(
    panel: &Value,
    values: &[f64],
    set: &Map<String, Value>,
    format: &Format,
) -> (f64, f64) {
    let own = |key: &str| set.get(key).and_then(Value::as_f64).or_else(|| panel[key].as_f64());
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let low = own("min").unwrap_or_else(|| finite().fold(0.0, f64::min));
    let marks = panel["thresholds"].as_array().into_iter().flatten();
    let marks = marks.filter(|_| !is_percent(panel)).filter_map(|m| m["at"].as_f64());
    let high = own("max")
        .or_else(|| format.whole())
        .unwrap_or_else(|| finite().chain(marks).fold(f64::NEG_INFINITY, f64::max));
    (low, if high.is_finite() && high > low { high } else { low + 1.0 })
}

/// Whether thresholds are shares of the bounds.
pub fn is_percent(panel: &Value) -> bool {
    text(panel, "thresholds_mode") == "percent"
}

/// How bad a threshold is.
pub fn severity(mark: &Value) -> Severity {
    match (text(mark, "severity"), text(mark, "colour")) {
        ("critical", _) | (_, "red" | "dark-red" | "semi-dark-red") => Severity::Critical,
        ("warning", _) | (_, "orange" | "yellow") => Severity::Warning,
        ("info", _) | (_, "blue") => Severity::Info,
        _ => Severity::Ok,
    }
}

/// The colour of a threshold.
fn paint(mark: &Value) -> Paint {
    match text(mark, "colour") {
        "" => Paint::Severity(severity(mark)),
        own => Paint::Colour(colour(own)),
    }
}

/// What thresholds make of a value: the highest one that it has reached.
pub fn judged(
    panel: &Value,
    set: &Map<String, Value>,
    value: f64,
    (low, high): (f64, f64),
) -> Option<Paint> {
    let span = if high == low { 1.0 } else { high - low };
    let value = if is_percent(panel) { (value - low) / span * 100.0 } else { value };
    let at = |m: &Value| m["at"].as_f64().unwrap_or(f64::NEG_INFINITY);
    let all = set.get("thresholds").unwrap_or(&panel["thresholds"]).as_array()?;
    // Of those at the same place the last one counts.
    let reached = all.iter().filter(|m| value >= at(m));
    reached.max_by(|a, b| at(a).total_cmp(&at(b))).map(paint)
}

/// What a series is called by the labels that others do not have alike.
pub fn name_of(labels: &[(String, String)], shared: &[(String, String)]) -> String {
    let metric = labels.iter().find(|(n, _)| n == "__name__").map_or("", |(_, v)| v.as_str());
    let own = labels.iter().filter(|l| l.0 != "__name__" && !shared.contains(l));
    let own: Vec<&(String, String)> = own.collect();
    let metric_is_shared = shared.iter().any(|(n, _)| n == "__name__");
    match own[..] {
        [] if metric.is_empty() => "{}".to_owned(),
        [] => metric.to_owned(),
        [(_, value)] if metric.is_empty() || metric_is_shared => match value.as_str() {
            "" => "{}".to_owned(),
            value => value.to_owned(),
        },
        _ => {
            let pairs: Vec<String> =
                own.iter().map(|(n, v)| format!("{n}=\"{}\"", escaped(v))).collect();
            let metric = if metric_is_shared { "" } else { metric };
            format!("{metric}{{{}}}", pairs.join(", "))
        }
    }
}

/// A text as PromQL quotes it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A legend with the values of labels in place of their names: `{{instance}}`.
pub fn filled(legend: &str, labels: &[(String, String)]) -> String {
    let value = |name: &str| labels.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
    LEGEND.replace_all(legend, |found: &Captures<'_>| value(&found[1]).to_owned()).into_owned()
}

/// Where no colour can be read.
const GREY: Colour = Colour(0x7f_8b_93);

/// A colour as people and other tools write it; grey for what cannot be read.
pub fn colour(text: &str) -> Colour {
    let text = text.trim().to_lowercase();
    if let Some(hex) = text.strip_prefix('#') {
        // What little is seen through it is not told here.
        let hex = if hex.len() == 8 { hex.get(..6).unwrap_or(hex) } else { hex };
        return Colour::read(&format!("#{hex}")).unwrap_or(GREY);
    }
    if let Some(found) = RGB.captures(&text) {
        let part = |i: usize| found[i].parse::<u32>().unwrap_or(255).min(255);
        return Colour(part(1) << 16 | part(2) << 8 | part(3));
    }
    let shade = text.trim_start_matches("semi-").trim_start_matches("dark-");
    Colour(match (shade, text.as_str()) {
        ("green", _) => 0x2a_93_60,
        ("yellow", _) => 0xb8_86_0b,
        ("orange", _) => 0xd9_62_2b,
        ("red", _) => 0xe0_52_52,
        ("blue", _) => 0x26_80_c2,
        ("purple", _) => 0x9b_6f_d3,
        (_, "light-green") => 0x6b_8e_23,
        (_, "light-blue") => 0x1a_97_a6,
        _ => return GREY,
    })
}

/// Whether `{"names": […], "pattern": …}` means this name.
pub fn is_meant(which: &Value, name: &str) -> bool {
    let listed = which["names"].as_array().into_iter().flatten().any(|n| n == name);
    let written = which["pattern"].as_str().filter(|p| !p.is_empty());
    listed || written.and_then(pattern).is_some_and(|p| p.is_match(name))
}

/// Whether the panel's transforms leave the series of a query, by its letter.
pub fn is_left(panel: &Value, letter: &str) -> bool {
    let all = panel["transforms"].as_array().into_iter().flatten();
    all.filter(|t| text(t, "kind") == "filterByRefId").all(|t| leaves(&t["options"], letter))
}

fn leaves(options: &Value, letter: &str) -> bool {
    let (include, exclude) = (text(options, "include"), text(options, "exclude"));
    (include.is_empty() || is_letter(include, letter))
        && (exclude.is_empty() || !is_letter(exclude, letter))
}

/// Letters as a pattern: `A|B`, `/^(?:A|B)$/`.
fn is_letter(letters: &str, letter: &str) -> bool {
    let slashed = letters.strip_prefix('/').and_then(|t| t.rsplit_once('/'));
    let body = slashed.map_or(letters, |(body, _)| body);
    let known =
        pattern(&format!("/{body}/")).map_or_else(|| regex::escape(letters), |_| body.to_owned());
    pattern(&format!("/^(?:{known})$/")).is_some_and(|p| p.is_match(letter))
}

/// What transforms make of whole series: their names, and which are kept.
pub fn arranged(panel: &Value, mut items: Vec<Item>) -> Vec<Item> {
    for transform in panel["transforms"].as_array().into_iter().flatten() {
        let options = &transform["options"];
        match text(transform, "kind") {
            "renameByRegex" => {
                if let Some(from) = pattern(text(options, "regex")) {
                    let to = text(options, "renamePattern");
                    items.iter_mut().for_each(|i| i.name = replaced(&i.name, &from, to));
                }
            }
            "filterByName" | "filterFieldsByName" if text(panel, "kind") != "table" => {
                let (include, exclude) = (&options["include"], &options["exclude"]);
                items.retain(|i| {
                    (include.is_null() || is_meant(include, &i.name)) && !is_meant(exclude, &i.name)
                });
            }
            "filterByRefId" => items.retain(|i| leaves(options, &i.letter)),
            "limit" if text(panel, "kind") != "table" => items.truncate(limit(options)),
            _ => {}
        }
    }
    items
}

/// How many rows or series a limit lets through.
pub fn limit(options: &Value) -> usize {
    let field = &options["limitField"];
    let number = field.as_f64().or_else(|| field.as_str()?.trim().parse().ok());
    number.filter(|n| *n != 0.0 && !n.is_nan()).map_or(10, |n| n.max(0.0) as usize)
}
