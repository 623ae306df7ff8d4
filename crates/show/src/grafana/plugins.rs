//! Types of panels of before version 8, which say all in keys of their own.

use serde_json::{Value, json};

use super::colours::{colour, thresholds};
use super::field::{list, number, plain_regex, text, valued, whole, written};
use super::panel::reduced;
use super::report::Notes;
use super::units::ours;
use crate::dashboard::{
    Mapping, MappingKind, Override, OverrideBy, OverrideMatch, OverrideSet, Panel, PanelKind,
    Transform,
};

fn unit_of(name: &Value) -> String {
    ours(text(name))
}

/// `graph`: lines, bars and points over time.
pub(super) fn graph(g: &Value, p: &mut Panel, notes: &mut Notes) {
    let left = &g["yaxes"][0];
    // Before version 3 the axes were two formats and a grid.
    let format = if left.is_object() { &left["format"] } else { &g["y_formats"][0] };
    p.unit = unit_of(format);
    p.min = number(&left["min"]).or_else(|| number(&g["grid"]["leftMin"]));
    p.max = number(&left["max"]).or_else(|| number(&g["grid"]["leftMax"]));
    if p.min.zip(p.max).is_some_and(|(min, max)| min > max) {
        p.max = None;
    }
    p.decimals = whole(&left["decimals"]).or_else(|| whole(&g["decimals"])).map(|n| n.min(20));
    let style = &mut p.style;
    style.axis = match number(&left["logBase"]) {
        Some(2.0) => "log2".to_owned(),
        Some(base) if base > 1.0 => "log10".to_owned(),
        _ => String::new(),
    };
    style.draw = if g["bars"] == true {
        "bars"
    } else if g["lines"] == false && g["points"] == true {
        "points"
    } else {
        "line"
    }
    .to_owned();
    style.fill = number(&g["fill"]).map(|f| (f / 10.0).clamp(0.0, 1.0));
    style.width = number(&g["linewidth"]).map(|w| w.clamp(0.0, 20.0));
    style.steps = g["steppedLine"] == true;
    if g["stack"] == true {
        style.stack = if g["percentage"] == true { "percent" } else { "normal" }.to_owned();
    }
    match text(&g["nullPointMode"]) {
        "connected" => style.gaps = "connect".to_owned(),
        "null as zero" => notes.tell("gaps stay gaps; they were drawn as 0"),
        _ => {}
    }
    let l = &g["legend"];
    style.legend = if l["show"] == false {
        "hidden"
    } else if l["alignAsTable"] == true {
        "table"
    } else {
        "list"
    }
    .to_owned();
    style.legend_at = if l["rightSide"] == true { "right" } else { "bottom" }.to_owned();
    if l["values"] == true {
        for (key, name) in
            [("current", "last"), ("min", "min"), ("max", "max"), ("avg", "mean"), ("total", "sum")]
        {
            if l[key] == true {
                style.legend_values.push(name.to_owned());
            }
        }
    }
    let marks =
        list(&g["thresholds"]).iter().take(20).filter(|t| t["line"] != false || t["fill"] == true);
    let marks = marks.filter_map(|t| {
        let name = match text(&t["colorMode"]) {
            "critical" => "red",
            "warning" => "orange",
            "ok" => "green",
            _ => t["lineColor"].as_str().unwrap_or("red"),
        };
        if t["op"] == "lt" {
            notes.tell("a threshold marks what is below it");
        }
        Some((Some(number(&t["value"])?), name.to_owned()))
    });
    let marks: Vec<(Option<f64>, String)> = marks.collect();
    p.thresholds = thresholds(&marks);
    for (alias, name) in g["aliasColors"].as_object().into_iter().flatten().take(100) {
        let set = OverrideSet {
            colour: Some(colour(text(name))).filter(|c| !c.is_empty()),
            ..OverrideSet::default()
        };
        add(p, OverrideBy::Name, alias.clone(), set);
    }
    let format = if left.is_object() { &g["yaxes"][1]["format"] } else { &g["y_formats"][1] };
    let right = unit_of(format);
    for o in list(&g["seriesOverrides"]).iter().take(100) {
        series_override(o, &right, p, notes);
    }
}

fn add(p: &mut Panel, by: OverrideBy, value: String, set: OverrideSet) {
    if set != OverrideSet::default() && p.overrides.len() < 200 {
        p.overrides.push(Override { matching: OverrideMatch { by, value }, set });
    }
}

fn series_override(o: &Value, right: &str, p: &mut Panel, notes: &mut Notes) {
    let alias = text(&o["alias"]);
    let (by, value) = if alias.starts_with('/') && alias.len() > 1 {
        (OverrideBy::Regex, plain_regex(alias))
    } else {
        (OverrideBy::Name, alias.to_owned())
    };
    let on_right = o["yaxis"] == 2;
    let draw = if o["bars"] == true {
        Some("bars")
    } else if o["points"] == true && o["lines"] == false {
        Some("points")
    } else if o["lines"] == true {
        Some("line")
    } else {
        None
    };
    let stack = match &o["stack"] {
        Value::Bool(false) => Some("none"),
        Value::Bool(true) => Some("normal"),
        // A letter is a stack of its own.
        Value::String(_) => Some("normal"),
        _ => None,
    };
    if !text(&o["fillBelowTo"]).is_empty() {
        notes.add("the area between two lines is not filled");
    }
    let set = OverrideSet {
        unit: (on_right && !right.is_empty() && right != p.unit).then(|| right.to_owned()),
        axis: on_right.then(|| "right".to_owned()),
        negative: (o["transform"] == "negative-Y").then_some(true),
        colour: Some(colour(text(&o["color"]))).filter(|c| !c.is_empty()),
        draw: draw.map(str::to_owned),
        dash: (o["dashes"] == true).then_some(true),
        stack: stack.map(str::to_owned),
        fill: number(&o["fill"]).map(|f| (f / 10.0).clamp(0.0, 1.0)),
        width: number(&o["linewidth"]).map(|w| w.clamp(0.0, 20.0)),
        hidden: (o["hiddenSeries"] == true).then_some(true),
        ..OverrideSet::default()
    };
    add(p, by, value, set);
}

/// `singlestat`: one number, with a chart behind it or a gauge around it.
pub(super) fn singlestat(s: &Value, p: &mut Panel, notes: &mut Notes) {
    p.unit = unit_of(&s["format"]);
    p.decimals = whole(&s["decimals"]).map(|n| n.min(20));
    let name = s["valueName"].as_str().unwrap_or("avg");
    match reduced(name) {
        Some((reduce, exact)) => {
            p.reduce = Some(reduce);
            if !exact {
                notes.add(format!("the value was {name}"));
            }
        }
        None if name == "name" => p.style.text = "name".to_owned(),
        None => notes.add("the value is the last"),
    }
    let tables = list(&s["targets"]).iter().any(|t| t["format"] == "table");
    if tables {
        label_shown(text(&s["tableColumn"]), p);
    }
    let (before, behind) = (text(&s["prefix"]).trim(), text(&s["postfix"]).trim());
    let plain = matches!(p.unit.as_str(), "" | "none" | "short");
    if !behind.is_empty() && plain && before.is_empty() {
        p.unit = format!("suffix:{}", behind.chars().take(50).collect::<String>());
    } else if !before.is_empty() && plain && behind.is_empty() {
        p.unit = format!("prefix:{}", before.chars().take(50).collect::<String>());
    } else if !before.is_empty() || !behind.is_empty() {
        notes.add("a text beside the number is left out");
    }
    let colours: Vec<&str> = list(&s["colors"]).iter().map(text).collect();
    let marks: Vec<f64> =
        text(&s["thresholds"]).split(',').filter_map(|t| t.trim().parse().ok()).collect();
    if !marks.is_empty() && colours.len() > 1 {
        let at = std::iter::once(None).chain(marks.iter().map(|m| Some(*m)));
        let steps: Vec<(Option<f64>, String)> =
            at.zip(&colours).map(|(at, c)| (at, (*c).to_owned())).collect();
        p.thresholds = thresholds(&steps);
    }
    p.style.colour = if s["colorBackground"] == true {
        "background"
    } else if s["colorValue"] == true {
        "value"
    } else {
        "none"
    }
    .to_owned();
    if p.kind == PanelKind::Gauge {
        p.min = number(&s["gauge"]["minValue"]);
        p.max = number(&s["gauge"]["maxValue"]);
        p.style.colour.clear();
    } else {
        p.style.sparkline = Some(s["sparkline"]["show"] == true);
    }
    if p.min.zip(p.max).is_some_and(|(min, max)| min > max) {
        p.max = None;
    }
    let ranges = s["mappingType"] == 2;
    if ranges {
        for m in list(&s["rangeMaps"]).iter().take(100) {
            let shown = m["text"].as_str().map(str::to_owned);
            if written(&m["from"]) == "null" {
                p.mappings.push(valued(&Value::Null, &m["text"]));
                continue;
            }
            let (from, to) = (number(&m["from"]), number(&m["to"]));
            p.mappings.push(Mapping {
                kind: MappingKind::Range,
                from,
                to,
                text: shown,
                ..Mapping::default()
            });
        }
    } else {
        let all = list(&s["valueMaps"]).iter().take(100);
        // Every panel has the map of nothing to N/A.
        let said = all.filter(|m| !(written(&m["value"]) == "null" && m["text"] == "N/A"));
        p.mappings.extend(said.map(|m| valued(&m["value"], &m["text"])));
    }
    if p.queries.len() > 1 && p.queries.iter().filter(|q| !q.hidden).count() > 1 {
        notes.tell("each query has its number");
    }
}

/// A label in place of the value: a version, a state. `field` is its name or a pattern for just that.
pub(super) fn label_shown(field: &str, p: &mut Panel) {
    let name = field.trim_matches('/').trim_start_matches('^').trim_end_matches('$');
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let number = name.is_empty() || name == "Time" || name.starts_with("Value");
    if !number && name.chars().all(is_name) {
        p.queries.iter_mut().for_each(|q| q.legend = format!("{{{{{name}}}}}"));
        p.style.text = "name".to_owned();
    }
}

/// `table` of before version 7.
pub(super) fn table(t: &Value, p: &mut Panel, notes: &mut Notes) {
    match text(&t["transform"]) {
        ""
        | "table"
        | "timeseries_aggregations"
        | "timeseries_to_rows"
        | "timeseries_to_columns" => {}
        other => notes.add(format!(
            "the table is not made by {}",
            other.chars().take(50).collect::<String>()
        )),
    }
    if t["transform"] == "timeseries_aggregations" {
        aggregated(list(&t["columns"]), p);
    }
    let visible = p.queries.iter().filter(|q| !q.hidden).count();
    if visible > 1 && t["transform"] == "table" && p.transforms.is_empty() {
        // It made one table of all queries.
        let merge = crate::dashboard::Transform {
            kind: "merge".to_owned(),
            ..crate::dashboard::Transform::default()
        };
        p.transforms.push(merge);
    }
    for s in list(&t["styles"]).iter().take(100) {
        let pattern = text(&s["pattern"]);
        let (by, value) = if pattern.starts_with('/') && pattern.len() > 1 {
            (OverrideBy::Regex, plain_regex(pattern))
        } else {
            (OverrideBy::Name, pattern.to_owned())
        };
        let mut set = OverrideSet {
            title: Some(text(&s["alias"]).to_owned()).filter(|a| !a.is_empty() && a.len() <= 200),
            ..OverrideSet::default()
        };
        match text(&s["type"]) {
            "hidden" => set.hidden = Some(true),
            "date" => set.unit = Some("datetime".to_owned()),
            "number" => {
                set.unit = Some(unit_of(&s["unit"])).filter(|u| !u.is_empty());
                set.decimals = whole(&s["decimals"]).map(|n| n.min(20));
                let marks: Vec<f64> = list(&s["thresholds"]).iter().filter_map(number).collect();
                if !s["colorMode"].is_null() && !marks.is_empty() {
                    let colours: Vec<String> =
                        list(&s["colors"]).iter().map(|c| text(c).to_owned()).collect();
                    let at = std::iter::once(None).chain(marks.into_iter().map(Some));
                    set.thresholds = Some(thresholds(&at.zip(colours).collect::<Vec<_>>()));
                }
            }
            _ => {}
        }
        let maps: Vec<Mapping> = list(&s["valueMaps"])
            .iter()
            .take(100)
            .map(|m| valued(&m["value"], &m["text"]))
            .collect();
        set.mappings = Some(maps).filter(|m| !m.is_empty() && s["mappingType"] != 2);
        if s["link"] == true {
            notes.tell("links in cells are left out");
        }
        add(p, by, value, set);
    }
}

/// A row for each series with its numbers: what is the transform `reduce` now.
fn aggregated(columns: &[Value], p: &mut Panel) {
    let mut names = serde_json::Map::from_iter([("Field".to_owned(), json!("Metric"))]);
    let mut ways = Vec::new();
    for c in columns.iter().take(10) {
        let (way, column) = match text(&c["value"]) {
            "avg" => ("mean", "Mean"),
            "current" => ("lastNotNull", "Last *"),
            "total" => ("sum", "Total"),
            "min" => ("min", "Min"),
            "max" => ("max", "Max"),
            "count" => ("count", "Count"),
            _ => continue,
        };
        ways.push(way);
        names.insert(column.to_owned(), c["text"].clone());
    }
    let transform = |kind: &str, options: Value| Transform {
        kind: kind.to_owned(),
        options: options.as_object().cloned().unwrap_or_default(),
    };
    if ways.is_empty() {
        ways.push("mean");
    }
    p.transforms.push(transform("reduce", json!({ "reducers": ways })));
    p.transforms.push(transform("organize", json!({ "renameByName": names })));
}

/// `heatmap` of before version 9.
pub(super) fn heatmap(h: &Value, p: &mut Panel) {
    p.unit = unit_of(&h["yAxis"]["format"]);
    p.decimals = whole(&h["yAxis"]["decimals"]).map(|n| n.min(20));
    p.style.axis = match number(&h["yAxis"]["logBase"]) {
        Some(2.0) => "log2".to_owned(),
        Some(base) if base > 1.0 => "log10".to_owned(),
        _ => String::new(),
    };
}

/// The pie chart of before version 8.
pub(super) fn pie(c: &Value, p: &mut Panel) {
    p.unit = unit_of(&c["format"]);
    p.style.donut = c["pieType"] == "donut";
    p.reduce = reduced(c["valueName"].as_str().unwrap_or("current")).map(|(r, _)| r);
    p.style.legend_at = if c["legendType"] == "Right side" { "right" } else { "bottom" }.to_owned();
}
