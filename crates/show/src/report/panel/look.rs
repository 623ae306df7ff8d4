//! How values and series of a panel are called and written: units, overrides, mappings, names, colours. As the browser
//! does it (`ui/src/pages/dashboards/series.ts`).

use std::sync::LazyLock;

use plimsoll_model::Unit;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::{Colour, Format, Item, text};

/// Bytes of a pattern of an override, a mapping or a transform.
const PATTERN_BYTES_MAX: usize = 1_000;
/// Bytes that a pattern may take when it is made ready.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// How values are written: as overrides say, else the panel, else as the expression lets one guess. A unit that is not
/// known is written behind them.
pub fn format(panel: &Value, set: Option<&Map<String, Value>>, expr: &str) -> Format {
    let own = |key: &str| set.and_then(|s| s.get(key)).filter(|v| !v.is_null());
    let decimals = own("decimals").unwrap_or(&panel["decimals"]).as_u64();
    let name = own("unit").and_then(Value::as_str).or_else(|| panel["unit"].as_str());
    let (unit, suffix) = unit(name.unwrap_or_else(|| guessed(expr)));
    Format { unit, decimals: decimals.and_then(|d| usize::try_from(d).ok()), suffix }
}

/// A unit by its name, and what is written behind a value when there is none of this name.
pub fn unit(name: &str) -> (Unit, String) {
    let unit = match name {
        "" | "short" | "none" | "count" => Unit::Plain,
        "bytes" | "decbytes" => Unit::Bytes,
        "bytes/s" | "Bps" | "binBps" => Unit::BytesPerSecond,
        "seconds" | "s" => Unit::Seconds,
        "ratio" | "percentunit" => Unit::Ratio,
        "percent" => Unit::Percent,
        "ops/s" | "ops" | "reqps" | "cps" => Unit::PerSecond,
        "celsius" => Unit::Celsius,
        other => {
            let known =
                [("bits", "b"), ("bits/s", "b/s"), ("hertz", "Hz"), ("volts", "V"), ("watts", "W")];
            let known = known.iter().find(|(name, _)| *name == other).map(|(_, shown)| *shown);
            let shown = known.unwrap_or_else(|| other.strip_prefix("suffix:").unwrap_or(other));
            return (Unit::Plain, shown.chars().take(20).collect());
        }
    };
    (unit, String::new())
}

/// A pattern of our own.
fn ours(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is written here and tested")
}

static NAMES: LazyLock<Regex> =
    LazyLock::new(|| ours(r"[a-zA-Z_:][\w:]*_(?:bytes|seconds|ratio|total|celsius)(?:_total)?\b"));
static RATE: LazyLock<Regex> = LazyLock::new(|| ours(r"\b(?:i?rate|deriv)\s*\("));
static BUCKET: LazyLock<Regex> = LazyLock::new(|| ours(r"_(seconds|bytes)_bucket\b"));
static COUNT: LazyLock<Regex> = LazyLock::new(|| ours(r"\bcount\b\s*(?:by|without)?\s*\("));
static DIVIDED: LazyLock<Regex> =
    LazyLock::new(|| ours(r"\)\s*/\s*(?:ignoring|on|\w|\()|[a-z}]\s*/\s*[a-z(]"));
static LEFT_OF_ONE: LazyLock<Regex> = LazyLock::new(|| ours(r"(?:^|\()\s*1\s*-\s"));

/// Which unit an expression's values have, from the names of metrics and the functions around them.
pub fn guessed(expr: &str) -> &'static str {
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
pub fn pattern(text: &str) -> Option<Regex> {
    if text.len() > PATTERN_BYTES_MAX {
        return None;
    }
    let slashed = text.strip_prefix('/').and_then(|t| t.rsplit_once('/'));
    let (inner, flags) = slashed.unwrap_or((text, ""));
    let mut made = RegexBuilder::new(inner);
    made.case_insensitive(flags.contains('i')).multi_line(flags.contains('m'));
    made.dot_matches_new_line(flags.contains('s')).size_limit(PATTERN_SIZE_MAX).build().ok()
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

/// The text that a mapping puts in place of a value; `None` where none does.
pub fn mapped(panel: &Value, set: &Map<String, Value>, value: f64) -> Option<String> {
    let shown = format!("{value}");
    let all = set.get("mappings").unwrap_or(&panel["mappings"]).as_array()?;
    let hit = all.iter().find(|m| {
        let wanted = text(m, "value");
        match text(m, "kind") {
            "range" => {
                let bound = |key: &str, otherwise: f64| m[key].as_f64().unwrap_or(otherwise);
                (bound("from", f64::NEG_INFINITY)..=bound("to", f64::INFINITY)).contains(&value)
            }
            "regex" => pattern(wanted).is_some_and(|p| p.is_match(&shown)),
            "special" => match wanted {
                "null" | "nan" | "null+nan" => value.is_nan(),
                "true" => value == 1.0,
                "false" => value == 0.0,
                _ => false,
            },
            _ => wanted == shown || wanted.trim().parse() == Ok(value),
        }
    })?;
    hit["text"].as_str().map(ToOwned::to_owned)
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
        [only] if metric.is_empty() || metric_is_shared => only.1.clone(),
        _ => {
            let pairs: Vec<String> = own.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
            let metric = if metric_is_shared { "" } else { metric };
            format!("{metric}{{{}}}", pairs.join(", "))
        }
    }
}

/// A legend with the values of labels in place of their names: `{{instance}}`.
pub fn filled(legend: &str, labels: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = legend;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            break;
        };
        let name = name.trim();
        out.push_str(labels.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str()));
        rest = after;
    }
    out + rest
}

/// A colour as people and other tools write it.
pub fn colour(text: &str) -> Option<Colour> {
    let text = text.trim().to_lowercase();
    if let Some(hex) = text.strip_prefix('#') {
        // What little is seen through it is not told here.
        return Colour::read(&format!("#{}", hex.get(..6).unwrap_or(hex)));
    }
    let named = match text.trim_start_matches("semi-").trim_start_matches("dark-") {
        "green" => 0x2a_93_60,
        "light-green" => 0x6b_8e_23,
        "yellow" => 0xb8_86_0b,
        "orange" => 0xd9_62_2b,
        "red" => 0xe0_52_52,
        "blue" => 0x26_80_c2,
        "light-blue" => 0x1a_97_a6,
        "purple" => 0x9b_6f_d3,
        "text" | "transparent" | "gray" | "grey" => 0x7f_8b_93,
        _ => return None,
    };
    Some(Colour(named))
}

/// Whether `{"names": […], "pattern": …}` means this name.
pub fn is_meant(which: &Value, name: &str) -> bool {
    let listed = which["names"].as_array().into_iter().flatten().any(|n| n == name);
    listed || which["pattern"].as_str().and_then(pattern).is_some_and(|p| p.is_match(name))
}

/// What transforms make of whole series: their names, and which are kept.
pub fn arranged(panel: &Value, mut items: Vec<Item>) -> Vec<Item> {
    for transform in panel["transforms"].as_array().into_iter().flatten() {
        let options = &transform["options"];
        match text(transform, "kind") {
            "renameByRegex" => {
                if let Some(from) = pattern(text(options, "regex")) {
                    let to = text(options, "renamePattern");
                    items.iter_mut().for_each(|i| i.name = from.replace(&i.name, to).into_owned());
                }
            }
            "filterByName" | "filterFieldsByName" if text(panel, "kind") != "table" => {
                let (include, exclude) = (&options["include"], &options["exclude"]);
                items.retain(|i| {
                    (include.is_null() || is_meant(include, &i.name)) && !is_meant(exclude, &i.name)
                });
            }
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
    number.filter(|n| *n > 0.0).map_or(10, |n| n as usize)
}
