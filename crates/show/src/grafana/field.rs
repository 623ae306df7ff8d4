//! What a panel says of its values: units, limits, mappings, thresholds, overrides (`fieldConfig`).

use serde_json::Value;

use super::colours::{colour, steps};
use super::report::Notes;
use super::units::ours;
use crate::dashboard::{
    Link, Mapping, MappingKind, Override, OverrideBy, OverrideMatch, OverrideSet, Panel, Threshold,
    ThresholdsMode,
};

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text or a number as text.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => String::new(),
    }
}

/// A number, also as a text. Not finite ones count as none.
pub(super) fn number(value: &Value) -> Option<f64> {
    let found = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    };
    found.filter(|x: &f64| x.is_finite())
}

/// A small whole number, also as a text.
pub(super) fn whole(value: &Value) -> Option<u32> {
    number(value).filter(|x| (0.0..=1e9).contains(x)).map(|x| x as u32)
}

/// How many bytes it has as JSON.
pub(super) fn bytes(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(0, |v| v.len())
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// `fieldConfig.defaults`.
pub(super) fn defaults(d: &Value, panel: &mut Panel, notes: &mut Notes) {
    let unit = ours(text(&d["unit"]));
    if !unit.is_empty() {
        panel.unit = unit;
    }
    panel.decimals = whole(&d["decimals"]).map(|n| n.min(20)).or(panel.decimals);
    panel.min = number(&d["min"]).or(panel.min);
    panel.max = number(&d["max"]).or(panel.max);
    panel.mappings = mappings(&d["mappings"], notes);
    panel.links.extend(links(&d["links"], notes));
    panel.thresholds = steps(&d["thresholds"]);
    if d["thresholds"]["mode"] == "percentage" {
        panel.thresholds_mode = ThresholdsMode::Percent;
    }
    let custom = &d["custom"];
    let style = &mut panel.style;
    style.draw = drawn(&custom["drawStyle"]).unwrap_or_default().to_owned();
    style.fill = number(&custom["fillOpacity"]).map(|f| (f / 100.0).clamp(0.0, 1.0));
    style.width = number(&custom["lineWidth"]).map(|w| w.clamp(0.0, 20.0));
    style.stack = stacked(&custom["stacking"]["mode"]).unwrap_or_default().to_owned();
    style.steps = text(&custom["lineInterpolation"]).starts_with("step");
    if custom["spanNulls"] == true || custom["spanNulls"].is_number() {
        style.gaps = "connect".to_owned();
    }
    style.axis = axis(&custom["scaleDistribution"]);
    if custom["thresholdsStyle"]["mode"].as_str().unwrap_or("off") == "off"
        && panel.kind == crate::dashboard::PanelKind::Timeseries
    {
        // They are there in every panel, and drawn only where that is said.
        panel.thresholds.clear();
    }
    match named(text(&d["displayName"])) {
        Named::AsBefore => {}
        Named::Legend(legend) if panel.kind == crate::dashboard::PanelKind::Table => {
            for q in panel.queries.iter_mut().filter(|q| q.legend.is_empty()) {
                legend.clone_into(&mut q.legend);
            }
        }
        Named::Legend(legend) => {
            panel.queries.iter_mut().for_each(|q| legend.clone_into(&mut q.legend));
        }
        Named::Unknown => {
            notes.add("the name of fields is made of data; the legend is shown instead")
        }
    }
    let none = written(&d["noValue"]);
    if !none.is_empty() {
        let none: String = none.chars().take(50).collect();
        notes.tell(format!("where there are no data it says so, in place of {none:?}"));
    }
}

/// What a name that is made of data comes to.
enum Named {
    /// The name that the series have anyway.
    AsBefore,
    /// A legend: `{{label}}`.
    Legend(String),
    /// Something else.
    Unknown,
}

/// `${__field.labels.job} on ${__field.labels["host"]}` as a legend.
fn named(display: &str) -> Named {
    const SAME: [&str; 3] = ["__field.name", "__series.name", "__field.displayName"];
    if display.is_empty() || SAME.iter().any(|s| display.trim() == format!("${{{s}}}")) {
        return Named::AsBefore;
    }
    let (mut out, mut rest) = (String::new(), display);
    while let Some((before, inner)) = rest.split_once("${__") {
        let Some((path, after)) = inner.split_once('}') else { return Named::Unknown };
        let Some(label) = path.strip_prefix("field.labels") else { return Named::Unknown };
        let label = label.trim_matches(|c: char| ".[]\"' ".contains(c));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
        if label.is_empty() || !label.chars().all(is_name) {
            return Named::Unknown;
        }
        out.push_str(before);
        out.push_str(&format!("{{{{{label}}}}}"));
        rest = after;
    }
    out.push_str(rest);
    if out.contains("$__field") {
        Named::Unknown
    } else {
        Named::Legend(out.chars().take(900).collect())
    }
}

pub(super) fn axis(scale: &Value) -> String {
    match (text(&scale["type"]), number(&scale["log"])) {
        ("log", Some(2.0)) => "log2".to_owned(),
        ("log" | "symlog", _) => "log10".to_owned(),
        _ => String::new(),
    }
}

fn drawn(value: &Value) -> Option<&'static str> {
    match text(value) {
        "line" => Some("line"),
        "bars" => Some("bars"),
        "points" => Some("points"),
        _ => None,
    }
}

fn stacked(value: &Value) -> Option<&'static str> {
    match text(value) {
        "normal" => Some("normal"),
        "percent" => Some("percent"),
        "none" => Some("none"),
        _ => None,
    }
}

/// Links; those that lead nowhere safe are left out.
pub(super) fn links(value: &Value, notes: &mut Notes) -> Vec<Link> {
    let mut all = Vec::new();
    for link in list(value).iter().take(100) {
        let url = link["url"].as_str().or(link["dashUri"].as_str()).unwrap_or_default().trim();
        let scheme = url.split(['/', '?', '#', '$', '[']).next().unwrap_or_default();
        let lower = scheme.to_ascii_lowercase();
        if url.is_empty() {
            if link["type"] == "dashboard" {
                notes.add("a link to a dashboard by its name is left out");
            }
            continue;
        }
        if (scheme.contains(':') && !matches!(lower.as_str(), "http:" | "https:" | "mailto:"))
            || url.len() > 8_000
        {
            notes.add("a link that leads nowhere safe is left out");
            continue;
        }
        all.push(Link {
            title: text(&link["title"]).chars().take(100).collect(),
            url: url.to_owned(),
        });
    }
    all
}

/// Mappings of both styles.
pub(super) fn mappings(value: &Value, notes: &mut Notes) -> Vec<Mapping> {
    let mut all = Vec::new();
    for m in list(value).iter().take(500) {
        let options = &m["options"];
        let shown = |result: &Value| {
            (result["text"].as_str().map(str::to_owned), colour(text(&result["color"])))
        };
        match (text(&m["type"]), whole(&m["type"])) {
            ("value", _) => {
                let entries = options.as_object().into_iter().flatten().take(500);
                let mut entries: Vec<(&String, &Value)> = entries.collect();
                entries.sort_by_key(|(_, r)| whole(&r["index"]).unwrap_or(u32::MAX));
                for (value, result) in entries {
                    let (text, colour) = shown(result);
                    all.push(Mapping {
                        value: Some(value.clone()),
                        text,
                        colour,
                        ..Mapping::default()
                    });
                }
            }
            ("range", _) => {
                let (text, colour) = shown(&options["result"]);
                let (from, to) = (number(&options["from"]), number(&options["to"]));
                all.push(Mapping { kind: MappingKind::Range, from, to, text, colour, value: None });
            }
            ("regex", _) => {
                let (shown_text, colour) = shown(&options["result"]);
                let value = Some(text(&options["pattern"]).to_owned());
                all.push(Mapping {
                    kind: MappingKind::Regex,
                    value,
                    text: shown_text,
                    colour,
                    ..Mapping::default()
                });
            }
            ("special", _) => {
                let (shown_text, colour) = shown(&options["result"]);
                let value = Some(text(&options["match"]).to_owned());
                all.push(Mapping {
                    kind: MappingKind::Special,
                    value,
                    text: shown_text,
                    colour,
                    ..Mapping::default()
                });
            }
            // Before version 8: 1 is a value, 2 a range.
            (_, Some(2)) => all.push(Mapping {
                kind: MappingKind::Range,
                from: number(&m["from"]),
                to: number(&m["to"]),
                text: m["text"].as_str().map(str::to_owned),
                ..Mapping::default()
            }),
            (_, Some(1)) => all.push(valued(&m["value"], &m["text"])),
            _ => notes.add("a mapping of an unknown kind is left out"),
        }
    }
    all
}

/// A text for one value; `null` is the special one.
pub(super) fn valued(value: &Value, shown: &Value) -> Mapping {
    let text = shown.as_str().map(str::to_owned);
    match written(value).as_str() {
        "" | "null" => {
            let value = Some("null".to_owned());
            Mapping { kind: MappingKind::Special, value, text, ..Mapping::default() }
        }
        value => Mapping { value: Some(value.to_owned()), text, ..Mapping::default() },
    }
}

/// Whether the cells of a column are coloured by thresholds: those of a table are in every file, and meant only then.
pub(super) fn painted(custom: &Value) -> bool {
    let kind = custom["cellOptions"]["type"].as_str().or(custom["displayMode"].as_str());
    kind.is_some_and(paints)
}

fn paints(kind: &str) -> bool {
    kind.starts_with("color-") || kind.contains("gauge") || kind == "basic"
}

/// `fieldConfig.overrides`; `ground` are the thresholds of all columns, for those that are coloured.
pub(super) fn overrides(value: &Value, ground: &[Threshold], notes: &mut Notes) -> Vec<Override> {
    let mut all = Vec::new();
    for o in list(value).iter().take(200) {
        let options = &o["matcher"]["options"];
        let one = |by, value: String| vec![OverrideMatch { by, value }];
        let matches = match text(&o["matcher"]["id"]) {
            "byName" => one(OverrideBy::Name, written(options)),
            "byRegexp" => one(OverrideBy::Regex, plain_regex(&written(options))),
            "byFrameRefID" => one(OverrideBy::Query, written(options)),
            "byType" => one(OverrideBy::Type, written(options)),
            "byNames" => {
                let names = list(&options["names"]);
                if options["mode"] == "exclude" {
                    // Made by clicking on a legend: what was looked at last.
                    notes.add("which series were hidden by a click is left out");
                    continue;
                }
                let each = names
                    .iter()
                    .take(100)
                    .map(|n| OverrideMatch { by: OverrideBy::Name, value: written(n) });
                each.collect()
            }
            other => {
                let other: String = other.chars().take(50).collect();
                notes.add(format!(
                    "an override by {other} is left out; write it by name or pattern"
                ));
                continue;
            }
        };
        let mut set = override_set(&o["properties"], notes);
        let is_painted = list(&o["properties"]).iter().any(|p| match text(&p["id"]) {
            "custom.cellOptions" => paints(text(&p["value"]["type"])),
            "custom.displayMode" => paints(text(&p["value"])),
            _ => false,
        });
        if is_painted && set.thresholds.is_none() && !ground.is_empty() {
            set.thresholds = Some(ground.to_vec());
        }
        if set == OverrideSet::default() {
            continue;
        }
        all.extend(matches.into_iter().map(|matching| Override { matching, set: set.clone() }));
    }
    all
}

/// `/abc/` as a pattern without slashes, `/abc/i` as it is; without slashes it is one for a whole name.
pub(super) fn plain_regex(text: &str) -> String {
    let Some((body, flags)) = text.strip_prefix('/').and_then(|t| t.rsplit_once('/')) else {
        return format!("^{text}$");
    };
    let flags: String = flags.chars().filter(|c| "ims".contains(*c)).collect();
    if flags.is_empty() { body.to_owned() } else { format!("/{body}/{flags}") }
}

fn override_set(properties: &Value, notes: &mut Notes) -> OverrideSet {
    let mut set = OverrideSet::default();
    for p in list(properties).iter().take(100) {
        let value = &p["value"];
        match text(&p["id"]) {
            "unit" => {
                set.unit = Some(ours(text(value))).filter(|u| !u.is_empty());
            }
            "decimals" => set.decimals = whole(value).map(|n| n.min(20)),
            "min" => set.min = number(value),
            "max" => set.max = number(value),
            "displayName" if text(value).contains("${__") => match named(text(value)) {
                Named::AsBefore => {}
                _ => notes.add(
                    "a name that an override makes of data is left out; write it as the legend",
                ),
            },
            "displayName" => set.title = Some(written(value)).filter(|t| !t.is_empty()),
            "links" if !list(value).is_empty() => {
                notes.tell(
                    "links of single series or columns are left out; the panel can have them",
                );
            }
            "color" => {
                let fixed = colour(text(&value["fixedColor"]));
                set.colour = Some(fixed).filter(|c| !c.is_empty());
            }
            "thresholds" => set.thresholds = Some(steps(value)),
            "mappings" => set.mappings = Some(mappings(value, notes)),
            "custom.axisPlacement" => match text(value) {
                "right" => set.axis = Some("right".to_owned()),
                "left" => set.axis = Some("left".to_owned()),
                "hidden" => notes.tell("an axis that was hidden is drawn"),
                _ => {}
            },
            "custom.hideFrom" if value["viz"] == true => set.hidden = Some(true),
            "custom.hidden" => set.hidden = value.as_bool(),
            "custom.drawStyle" => set.draw = drawn(value).map(str::to_owned),
            "custom.lineStyle" => set.dash = Some(matches!(text(&value["fill"]), "dash" | "dot")),
            "custom.stacking" => {
                // Out of the group of the others, which has a letter: what is stacked alone, as the memory that there is.
                let alone = value["group"] == false;
                let mode = if alone { Some("none") } else { stacked(&value["mode"]) };
                set.stack = mode.map(str::to_owned);
            }
            "custom.fillOpacity" => set.fill = number(value).map(|f| (f / 100.0).clamp(0.0, 1.0)),
            "custom.lineWidth" => set.width = number(value).map(|w| w.clamp(0.0, 20.0)),
            "custom.transform" if value == "negative-Y" => set.negative = Some(true),
            "custom.fillBelowTo" => notes.add("the area between two lines is not filled"),
            // How wide a column is, and the like: looks that need no word.
            _ => {}
        }
    }
    set
}
