//! One panel: its type, what that type says, and what becomes of it.

use std::collections::BTreeMap;

use plimsoll_query::Features;
use serde_json::{Map, Value, json};

use super::colours::colour;
use super::field::{axis, defaults, links, list, overrides, painted, text, whole, written};
use super::report::{Notes, Outcome, PanelReport};
use super::{html, plugins, targets};
use crate::dashboard::{
    At, Dashboard, Direction, Override, OverrideBy, OverrideMatch, OverrideSet, Panel, PanelKind,
    PanelTime, Reduce, Repeat, Threshold, ThresholdsMode, Transform,
};

/// Keys of a panel that we use, or that say nothing without Grafana.
const USED: [&str; 23] = [
    "id",
    "type",
    "title",
    "description",
    "gridPos",
    "span",
    "height",
    "targets",
    "datasource",
    "links",
    "repeat",
    "repeatDirection",
    "maxPerRow",
    "timeFrom",
    "timeShift",
    "interval",
    "transformations",
    "pluginVersion",
    "collapsed",
    "panels",
    "content",
    "mode",
    "editable",
];
/// Bytes of one placeholder's JSON; more is cut to its head.
const KEPT_BYTES_MAX: usize = 128 << 10;

/// What is known of the dashboard while its panels are read.
pub(super) struct Around<'a> {
    pub dashboard: &'a Dashboard,
    /// Targets of all panels by number, for panels that ask what another asks.
    pub targets: &'a BTreeMap<u64, Vec<Value>>,
    pub features: &'a Features,
}

/// What a type of Grafana's becomes.
struct Becomes {
    kind: PanelKind,
    /// Why it is not the same.
    note: Option<&'static str>,
}

fn becomes(kind: &str, panel: &Value) -> Option<Becomes> {
    let same = |kind| Some(Becomes { kind, note: None });
    let like = |kind, note| Some(Becomes { kind, note: Some(note) });
    match kind {
        "timeseries" => same(PanelKind::Timeseries),
        "graph" => match text(&panel["xaxis"]["mode"]) {
            "series" => {
                like(PanelKind::Barlist, "bars stand below each other, one for each series")
            }
            "histogram" => same(PanelKind::Histogram),
            _ => same(PanelKind::Timeseries),
        },
        "stat" => same(PanelKind::Stat),
        "singlestat" | "grafana-singlestat-panel" if panel["gauge"]["show"] == true => {
            same(PanelKind::Gauge)
        }
        "singlestat" | "grafana-singlestat-panel" => same(PanelKind::Stat),
        "gauge" => same(PanelKind::Gauge),
        "bargauge" => same(PanelKind::Barlist),
        "table" | "table-old" => same(PanelKind::Table),
        "heatmap" | "heatmap-new" => same(PanelKind::Heatmap),
        "histogram" => same(PanelKind::Histogram),
        "state-timeline" => same(PanelKind::StateTimeline),
        "status-history" => same(PanelKind::StatusGrid),
        "piechart" | "grafana-piechart-panel" => same(PanelKind::Pie),
        "text" => same(PanelKind::Text),
        "alertlist" => same(PanelKind::Alerts),
        "row" => same(PanelKind::Row),
        "barchart" => like(PanelKind::Barlist, "bars stand below each other"),
        "natel-discrete-panel" => like(PanelKind::StateTimeline, "shown as states over time"),
        "flant-statusmap-panel" => like(PanelKind::StatusGrid, "shown as a grid of states"),
        "vonage-status-panel" => like(PanelKind::Stat, "shown as numbers"),
        "grafana-polystat-panel" => like(PanelKind::Stat, "shown as numbers beside each other"),
        "michaeldmoore-multistat-panel" | "briangann-gauge-panel" => {
            like(PanelKind::Barlist, "shown as bars with numbers")
        }
        "yesoreyeram-boomtable-panel" => like(PanelKind::Table, "shown as a table"),
        "trend" | "xychart" | "candlestick" => like(PanelKind::Timeseries, "shown over time"),
        _ => None,
    }
}

/// Reads a panel. Gives nothing for what is no panel.
pub(super) fn read(json: &Value, id: u64, at: At, around: &Around<'_>) -> (Panel, PanelReport) {
    let kind = text(&json["type"]).to_owned();
    let title: String = text(&json["title"]).chars().take(150).collect();
    let mut notes = Notes::default();
    let mut p = Panel {
        id,
        title: title.clone(),
        description: text(&json["description"]).chars().take(20_000).collect(),
        at,
        ..Panel::default()
    };
    match becomes(&kind, json) {
        Some(found) => {
            p.kind = found.kind;
            notes.extend(found.note.map(str::to_owned));
            p.queries = targets::queries(
                json,
                around.dashboard,
                around.targets,
                around.features,
                &mut notes,
            );
        }
        None => {
            p.queries = targets::queries(
                json,
                around.dashboard,
                around.targets,
                around.features,
                &mut notes,
            );
            unknown(&kind, json, &mut p, &mut notes);
        }
    }
    if p.kind.asks() && p.queries.is_empty() && notes.outcome() != Outcome::Unsupported {
        if list(&json["targets"]).is_empty()
            || list(&json["targets"]).iter().all(|t| text(&t["expr"]).is_empty())
        {
            notes.tell("it asks nothing there either");
        } else {
            notes.unsupported("no query of it can be asked here");
        }
    }
    match p.kind {
        PanelKind::Text => as_text(json, &mut p, &mut notes),
        PanelKind::Row => p.collapsed = json["collapsed"] == true,
        PanelKind::Alerts => notes.tell("shows the alerts of this server"),
        PanelKind::Unsupported => {}
        _ => fields(json, &kind, &mut p, &mut notes),
    }
    if !p.kind.asks() {
        p.queries.clear();
    }
    common(json, &mut p, &mut notes);
    if notes.outcome() == Outcome::Unsupported && p.queries.is_empty() {
        p.kind = PanelKind::Unsupported;
    }
    p.grafana = kept(json, notes.outcome(), p.kind, &mut notes);
    let outcome = notes.outcome();
    (p, PanelReport { id, title, kind, outcome, notes: notes.all })
}

/// A type that we do not know: over time, where it asks in PromQL; else a placeholder.
fn unknown(kind: &str, json: &Value, p: &mut Panel, notes: &mut Notes) {
    let short: String = kind.chars().take(80).collect();
    if p.queries.is_empty() {
        p.kind = PanelKind::Unsupported;
        if json["libraryPanel"].is_object() {
            let name: String = text(&json["libraryPanel"]["name"]).chars().take(100).collect();
            notes.unsupported(format!("the library panel {name:?} is not in the file; export the dashboard for sharing, which puts it there"));
        } else if short.is_empty() {
            notes.unsupported("it has no type");
        } else {
            notes.unsupported(format!(
                "there is nothing like a panel of type {short} here; its place is kept"
            ));
        }
    } else {
        p.kind = PanelKind::Timeseries;
        notes.add(format!("there is no panel of type {short} here; its data are shown over time, another kind can be chosen in the editor"));
    }
}

/// What all types say alike.
fn common(json: &Value, p: &mut Panel, notes: &mut Notes) {
    p.links.extend(links(&json["links"], notes));
    p.links.truncate(100);
    let by = json["repeat"].as_str().unwrap_or_default();
    if !by.is_empty() {
        let direction = match text(&json["repeatDirection"]) {
            "v" => Direction::Down,
            _ => Direction::Across,
        };
        let max = whole(&json["maxPerRow"]).map(|n| n.clamp(1, 24));
        p.repeat = Some(Repeat { by: by.chars().take(100).collect(), direction, max });
    }
    let time = PanelTime {
        from: written(&json["timeFrom"]).trim_start_matches("now-").to_owned(),
        shift: written(&json["timeShift"]).trim_start_matches("now-").to_owned(),
    };
    let is_length = |t: &str| t.is_empty() || crate::dashboard::is_time(&format!("now-{t}"));
    if is_length(&time.from) && is_length(&time.shift) {
        p.time = Some(time).filter(|t| *t != PanelTime::default());
    } else {
        notes.add("its own time is not understood and left out");
    }
    for t in list(&json["transformations"]).iter().take(50).filter(|t| t["disabled"] != true) {
        transform(t, p, notes);
    }
    if p.kind == PanelKind::Table {
        sorted(&json["options"]["sortBy"][0], p);
    }
    if json["alert"].is_object() {
        notes.tell("the alert rule in the panel is not taken over; write it as a rule");
    }
}

/// How the table is sorted at first: by a column, as it is called there.
fn sorted(by: &Value, p: &mut Panel) {
    let shown = text(&by["displayName"]);
    if shown.is_empty() || p.transforms.iter().any(|t| t.kind == "sortBy") {
        return;
    }
    // An override may have given the column its name; transforms know it by the one before.
    let named =
        |o: &&Override| o.matching.by == OverrideBy::Name && o.set.title.as_deref() == Some(shown);
    let field = p.overrides.iter().find(named).map_or(shown, |o| o.matching.value.as_str());
    let sort = json!([{"field": field, "desc": by["desc"] == true}]);
    let options = Map::from_iter([("sort".to_owned(), sort)]);
    p.transforms.push(Transform { kind: "sortBy".to_owned(), options });
}

/// Transformations that we do, under Grafana's names; some have an older name.
fn transform(t: &Value, p: &mut Panel, notes: &mut Notes) {
    let id = text(&t["id"]);
    let (kind, known) = match id {
        "organize" | "merge" | "reduce" | "sortBy" | "calculateField" | "labelsToFields"
        | "groupBy" | "limit" | "joinByField" | "seriesToRows" | "renameByRegex"
        | "filterByRefId" => (id, true),
        "filterFieldsByName" | "filterByName" => ("filterByName", true),
        "seriesToColumns" => ("joinByField", true),
        other => (other, false),
    };
    if !known {
        notes.add(format!(
            "the transformation {} is not done; what it makes can often be asked in PromQL",
            kind.chars().take(80).collect::<String>()
        ));
    }
    let anywhere = ["merge", "renameByRegex", "filterByName", "filterByRefId", "limit"];
    if known && p.kind != PanelKind::Table && !anywhere.contains(&kind) {
        notes.add(format!(
            "the transformation {kind} is done in tables only; ask in PromQL for what it makes"
        ));
    }
    let mut options = t["options"].as_object().cloned().unwrap_or_default();
    whole_names(kind, &mut options);
    p.transforms.push(Transform { kind: kind.chars().take(100).collect(), options });
}

/// A pattern without slashes is one for a whole name there.
fn whole_names(kind: &str, options: &mut Map<String, Value>) {
    let places = match kind {
        "renameByRegex" => options.get_mut("regex").into_iter().collect::<Vec<_>>(),
        "filterByName" => options.values_mut().filter_map(|o| o.get_mut("pattern")).collect(),
        _ => return,
    };
    for place in places {
        if let Some(text) = place.as_str().filter(|t| !t.is_empty() && !t.starts_with('/')) {
            *place = json!(format!("/^{text}$/"));
        }
    }
}

fn as_text(json: &Value, p: &mut Panel, notes: &mut Notes) {
    let options = &json["options"];
    let content = options["content"].as_str().or(json["content"].as_str()).unwrap_or_default();
    let mode = options["mode"].as_str().or(json["mode"].as_str()).unwrap_or("markdown");
    let content: String = content.chars().take(60_000).collect();
    p.text = match mode {
        "html" => {
            notes.add("HTML is shown as Markdown");
            html::markdown(&content)
        }
        "code" => format!("```\n{content}\n```"),
        "text" => {
            notes.tell("shown as Markdown");
            content
        }
        _ => content,
    };
}

/// Values, axis, legend: first what `fieldConfig` says, then what types of before it do.
fn fields(json: &Value, kind: &str, p: &mut Panel, notes: &mut Notes) {
    let config = &json["fieldConfig"];
    let old = matches!(kind, "graph" | "singlestat" | "grafana-singlestat-panel" | "table-old");
    let old_table = kind == "table" && json["styles"].is_array() && !json["options"].is_object();
    if config.is_object() && !old {
        defaults(&config["defaults"], p, notes);
        let mut ground = Vec::new();
        if p.kind == PanelKind::Table && !painted(&config["defaults"]["custom"]) {
            ground = std::mem::take(&mut p.thresholds);
        }
        p.overrides = overrides(&config["overrides"], &ground, notes);
    }
    let options = &json["options"];
    legend(&options["legend"], p);
    reduce(&options["reduceOptions"], p, notes);
    match kind {
        "graph" => plugins::graph(json, p, notes),
        "singlestat" | "grafana-singlestat-panel" => plugins::singlestat(json, p, notes),
        "table-old" => plugins::table(json, p, notes),
        "table" if old_table => plugins::table(json, p, notes),
        "heatmap" if json["yAxis"].is_object() && options["yAxis"].is_null() => {
            plugins::heatmap(json, p);
        }
        "grafana-piechart-panel" => plugins::pie(json, p),
        // The gauge of version 6, before `fieldConfig`.
        "gauge" | "bargauge" if options["fieldOptions"].is_object() => {
            let field = &options["fieldOptions"];
            defaults(&field["defaults"], p, notes);
            reduce(field, p, notes);
            if !list(&field["thresholds"]).is_empty() {
                p.thresholds = super::colours::steps(&json!({"steps": field["thresholds"]}));
            }
        }
        _ => {}
    }
    if !old {
        one_colour(&config["defaults"]["color"], p);
        hues(text(&config["defaults"]["color"]["mode"]), p, notes);
    }
    of_kind(options, p, notes);
    let is_reduced = |t: &Value| t["id"] == "reduce" && t["disabled"] != true;
    let reduces = list(&json["transformations"]).iter().any(is_reduced)
        || p.transforms.iter().any(|t| t.kind == "reduce");
    if p.kind == PanelKind::Table && !reduces {
        for q in p.queries.iter_mut().filter(|q| q.kind == crate::dashboard::QueryKind::Range) {
            q.kind = crate::dashboard::QueryKind::Instant;
            notes.tell("the table shows the newest values");
        }
    }
}

/// One colour for all that a panel shows.
fn one_colour(color: &Value, p: &mut Panel) {
    let fixed = colour(text(&color["fixedColor"]));
    if !matches!(text(&color["mode"]), "fixed" | "shades") || fixed.is_empty() {
        return;
    }
    match p.kind {
        PanelKind::Timeseries => {
            let matching = OverrideMatch { by: OverrideBy::Regex, value: ".*".to_owned() };
            let set = OverrideSet { colour: Some(fixed), ..OverrideSet::default() };
            p.overrides.insert(0, Override { matching, set });
            p.overrides.truncate(200);
        }
        PanelKind::Stat | PanelKind::Gauge | PanelKind::Barlist => {
            p.thresholds = vec![Threshold { colour: fixed, ..Threshold::default() }];
        }
        _ => {}
    }
}

/// Colours that are not those of the thresholds: one for each series, or a scale between bounds.
fn hues(mode: &str, p: &mut Panel, notes: &mut Notes) {
    if !matches!(p.kind, PanelKind::Stat | PanelKind::Gauge | PanelKind::Barlist) {
        return;
    }
    let ends = match mode {
        "continuous-GrYlRd" => ["green", "red"],
        "continuous-RdYlGr" => ["red", "green"],
        // A gauge shows them on its edge, too.
        _ if p.kind == PanelKind::Gauge => return,
        _ if mode.starts_with("palette-") || mode.starts_with("continuous-") => {
            p.thresholds.clear();
            return;
        }
        _ => return,
    };
    let scale = [(None, ends[0]), (Some(50.0), "yellow"), (Some(80.0), ends[1])];
    p.thresholds = super::colours::thresholds(&scale.map(|(at, name)| (at, name.to_owned())));
    p.thresholds_mode = ThresholdsMode::Percent;
    notes.tell("colours change at 50 and 80 percent of the range, not little by little");
}

fn of_kind(options: &Value, p: &mut Panel, notes: &mut Notes) {
    let style = &mut p.style;
    match p.kind {
        PanelKind::Stat => {
            if let Some(mode) = options["graphMode"].as_str() {
                style.sparkline = Some(mode == "area" || mode == "line");
            }
            if options["showPercentChange"] == true {
                notes.add(
                    "by how many percent it changed is left out; write a query that asks for it",
                );
            }
            match text(&options["colorMode"]) {
                "background" | "background_solid" => style.colour = "background".to_owned(),
                "value" => style.colour = "value".to_owned(),
                "none" => style.colour = "none".to_owned(),
                _ => {}
            }
            match text(&options["textMode"]) {
                "value_and_name" => style.text = "both".to_owned(),
                mode @ ("value" | "name" | "none") => style.text = mode.to_owned(),
                _ => {}
            }
            plugins::label_shown(text(&options["reduceOptions"]["fields"]), p);
        }
        PanelKind::Pie => {
            style.donut = options["pieType"] == "donut";
            let values = list(&options["legend"]["values"]);
            style.legend_values.extend(values.iter().take(10).map(|v| text(v).to_owned()));
        }
        PanelKind::Table if options["footer"]["show"] == true => {
            notes.add("what stands below the table (sums and the like) is left out; write a query that asks for it");
        }
        PanelKind::Heatmap => {
            let unit = super::units::ours(text(&options["yAxis"]["unit"]));
            if !unit.is_empty() {
                p.unit = unit;
            }
            if options["calculate"] == true {
                let scale = &options["calculation"]["yBuckets"]["scale"];
                p.style.axis = axis(scale);
            }
        }
        _ => {}
    }
    if matches!(p.kind, PanelKind::Stat | PanelKind::Gauge | PanelKind::Barlist)
        && let o @ ("horizontal" | "vertical" | "auto") = text(&options["orientation"])
    {
        o.clone_into(&mut p.style.orientation);
    }
}

/// `{"displayMode", "placement", "calcs", "showLegend"}`.
fn legend(l: &Value, p: &mut Panel) {
    if !l.is_object() {
        return;
    }
    let style = &mut p.style;
    style.legend = match text(&l["displayMode"]) {
        "table" => "table",
        "hidden" => "hidden",
        _ if l["showLegend"] == false => "hidden",
        _ => "list",
    }
    .to_owned();
    if l["showLegend"] == false {
        style.legend = "hidden".to_owned();
    }
    if let at @ ("bottom" | "right") = text(&l["placement"]) {
        style.legend_at = at.to_owned();
    }
    for calc in list(&l["calcs"]).iter().take(10) {
        let name = reduced(text(calc))
            .map_or_else(|| text(calc).chars().take(50).collect(), |(r, _)| r_name(r).to_owned());
        if !name.is_empty() && !style.legend_values.contains(&name) {
            style.legend_values.push(name);
        }
    }
}

const fn r_name(r: Reduce) -> &'static str {
    match r {
        Reduce::Last => "last",
        Reduce::Mean => "mean",
        Reduce::Max => "max",
        Reduce::Min => "min",
        Reduce::Sum => "sum",
        Reduce::Count => "count",
        Reduce::Range => "range",
        Reduce::First => "first",
    }
}

/// How Grafana calls a reduction, and whether it is just that.
pub(super) fn reduced(name: &str) -> Option<(Reduce, bool)> {
    Some(match name {
        "last" | "lastNotNull" | "current" => (Reduce::Last, true),
        "mean" | "avg" => (Reduce::Mean, true),
        "max" => (Reduce::Max, true),
        "min" => (Reduce::Min, true),
        "sum" | "total" => (Reduce::Sum, true),
        "count" => (Reduce::Count, true),
        "range" => (Reduce::Range, true),
        "first" | "firstNotNull" => (Reduce::First, true),
        "delta" | "diff" | "diffperc" => (Reduce::Range, false),
        "logmin" => (Reduce::Min, false),
        "distinctCount" | "changeCount" => (Reduce::Count, false),
        _ => return None,
    })
}

/// `{"calcs", "values"}`.
fn reduce(options: &Value, p: &mut Panel, notes: &mut Notes) {
    let Some(name) = options["calcs"][0].as_str() else { return };
    match reduced(name) {
        Some((reduce, exact)) => {
            p.reduce = Some(reduce);
            if !exact {
                notes.add(format!("the value is {} in place of {name}", r_name(reduce)));
            }
        }
        None => notes.add(format!(
            "the value is the last in place of {}",
            name.chars().take(50).collect::<String>()
        )),
    }
}

/// What is kept of the JSON for the way back: all of it where the panel is not the same here, else what we do not use.
fn kept(json: &Value, outcome: Outcome, kind: PanelKind, notes: &mut Notes) -> Option<Value> {
    let object = json.as_object()?;
    let whole = outcome != Outcome::Exact || kind == PanelKind::Unsupported;
    let rest: Map<String, Value> = object
        .iter()
        .filter(|(k, _)| *k != "panels" && (whole || !USED.contains(&k.as_str())))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if rest.is_empty() {
        return None;
    }
    let rest = Value::Object(rest);
    let bytes = serde_json::to_vec(&rest).map_or(0, |v| v.len());
    if bytes <= KEPT_BYTES_MAX {
        return Some(rest);
    }
    notes.add(format!("its JSON has {bytes} bytes and is not kept"));
    None
}
