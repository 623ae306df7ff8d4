//! The way back: a dashboard as Grafana's JSON.
//!
//! What an import kept and we do not use goes back as it was. What only we have (load lines, insights) becomes what is
//! nearest to it there.

use serde_json::{Map, Value, json};

use super::colours::theirs as colour;
use super::units::theirs as unit;
use crate::dashboard::{
    AnnotationKind, Dashboard, Direction, Hide, Mapping, MappingKind, Override, OverrideBy, Panel,
    PanelKind, PanelQuery, QueryKind, Reduce, Sort, Threshold, ThresholdsMode, Variable,
    VariableKind,
};

/// The version of the schema that is written.
const SCHEMA: u32 = 39;
/// Where data come from: the reader is asked.
const SOURCE: &str = "${DS_PROMETHEUS}";

/// A dashboard as Grafana reads it.
pub fn export(d: &Dashboard) -> Value {
    let mut out = d.extra.clone();
    let mut set = |key: &str, value: Value| out.insert(key.to_owned(), value);
    set("title", json!(d.title));
    set("description", json!(d.description));
    set("tags", json!(d.tags));
    set("schemaVersion", json!(SCHEMA));
    set("time", json!({"from": d.time.from, "to": d.time.to}));
    let refresh = match d.refresh.as_str() {
        "live" => "5s",
        "off" => "",
        other => other,
    };
    set("refresh", json!(refresh));
    set("templating", json!({"list": d.variables.iter().map(variable).collect::<Vec<_>>()}));
    set(
        "links",
        json!(
            d.links
                .iter()
                .map(|l| json!({"title": l.title, "url": l.url, "type": "link"}))
                .collect::<Vec<_>>()
        ),
    );
    set("annotations", json!({"list": annotations(d)}));
    set("panels", json!(panels(&d.panels)));
    if !d.extra.contains_key("uid") {
        set("uid", json!(d.id.chars().take(40).collect::<String>()));
    }
    if !d.extra.contains_key("__inputs") {
        set(
            "__inputs",
            json!([{
                "name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus",
                "pluginName": "Prometheus",
            }]),
        );
    }
    Value::Object(out)
}

fn annotations(d: &Dashboard) -> Vec<Value> {
    let one = |a: &crate::dashboard::Annotation| match a.kind {
        AnnotationKind::Query => Some(json!({
            "name": a.name, "enable": a.enabled, "iconColor": a.colour, "expr": a.query,
            "datasource": source(),
        })),
        AnnotationKind::Alerts => Some(json!({
            "name": "Annotations & Alerts", "enable": a.enabled, "iconColor": a.colour, "builtIn": 1, "type": "dashboard",
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        })),
        AnnotationKind::Changes | AnnotationKind::Anomalies => None,
    };
    d.annotations.iter().filter_map(one).collect()
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": SOURCE})
}

/// Panels; those behind a collapsed row go into it, as Grafana has them.
fn panels(all: &[Panel]) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let (mut hidden, mut row_end, mut inner_end, mut up) = (false, 0, 0, 0);
    for p in all {
        let mut made = panel(p);
        if p.kind == PanelKind::Row {
            // There, what a row hides takes no room.
            up += if hidden && inner_end > row_end { inner_end - row_end } else { 0 };
            (hidden, row_end, inner_end) = (p.collapsed, p.at.y + p.at.h, 0);
        } else if hidden {
            inner_end = inner_end.max(p.at.y + p.at.h);
        }
        let y = p.at.y.saturating_sub(up);
        made["gridPos"]["y"] = json!(y);
        if p.kind == PanelKind::Row {
            out.push(made);
        } else if hidden
            && let Some(inner) = out.last_mut().and_then(|r| r["panels"].as_array_mut())
        {
            inner.push(made);
        } else {
            out.push(made);
        }
    }
    out
}

const fn kind(p: PanelKind) -> &'static str {
    match p {
        PanelKind::Timeseries | PanelKind::Loadline => "timeseries",
        PanelKind::Stat => "stat",
        PanelKind::Gauge => "gauge",
        PanelKind::Barlist => "bargauge",
        PanelKind::Table => "table",
        PanelKind::Heatmap => "heatmap",
        PanelKind::Histogram => "histogram",
        PanelKind::StateTimeline => "state-timeline",
        PanelKind::StatusGrid => "status-history",
        PanelKind::Pie => "piechart",
        PanelKind::Text | PanelKind::Insights | PanelKind::Unsupported => "text",
        PanelKind::Alerts => "alertlist",
        PanelKind::Row => "row",
    }
}

/// Types that say all in keys of their own; they go back as what they are now.
const OLD: [&str; 9] = [
    "graph",
    "singlestat",
    "grafana-singlestat-panel",
    "table-old",
    "grafana-piechart-panel",
    "heatmap",
    "gauge",
    "bargauge",
    "table",
];

fn panel(p: &Panel) -> Value {
    let at = json!({"x": p.at.x, "y": p.at.y, "w": p.at.w, "h": p.at.h});
    let mut out: Map<String, Value> =
        p.grafana.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    out.insert("id".to_owned(), json!(p.id));
    out.insert("gridPos".to_owned(), at);
    // A type of others, with all that it had; what was changed here is its place and title.
    let original = out.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_theirs = p.kind == PanelKind::Unsupported
        || (!original.is_empty() && !OLD.contains(&original.as_str()) && original != kind(p.kind));
    if is_theirs && p.grafana.is_some() {
        out.insert("title".to_owned(), json!(p.title));
        if p.kind != PanelKind::Unsupported {
            let targets: Vec<Value> = p.queries.iter().map(|q| target(q, p.kind)).collect();
            out.insert("targets".to_owned(), json!(targets));
            out.insert("datasource".to_owned(), source());
        }
        return Value::Object(out);
    }
    for key in [
        "span",
        "height",
        "xaxis",
        "yaxes",
        "seriesOverrides",
        "aliasColors",
        "styles",
        "valueMaps",
        "rangeMaps",
        "format",
        "thresholds",
        "nullPointMode",
    ] {
        out.remove(key);
    }
    let before = |key: &str| p.grafana.as_ref().map_or(Value::Null, |g| g[key].clone());
    let (field, opts) = (before("fieldConfig"), before("options"));
    let mut set = |key: &str, value: Value| out.insert(key.to_owned(), value);
    set("type", json!(kind(p.kind)));
    set("title", json!(p.title));
    if !p.description.is_empty() {
        set("description", json!(p.description));
    }
    if p.kind == PanelKind::Row {
        set("collapsed", json!(p.collapsed));
        set("panels", json!([]));
    }
    if let Some(repeat) = &p.repeat {
        set("repeat", json!(repeat.by));
        if p.kind != PanelKind::Row {
            set(
                "repeatDirection",
                json!(if repeat.direction == Direction::Down { "v" } else { "h" }),
            );
        }
        if let Some(max) = repeat.max {
            set("maxPerRow", json!(max));
        }
    }
    if !p.links.is_empty() {
        set(
            "links",
            json!(
                p.links.iter().map(|l| json!({"title": l.title, "url": l.url})).collect::<Vec<_>>()
            ),
        );
    }
    match p.kind {
        PanelKind::Row => return Value::Object(out),
        PanelKind::Text => {
            set("options", json!({"mode": "markdown", "content": p.text}));
            return Value::Object(out);
        }
        PanelKind::Insights => {
            set(
                "options",
                json!({"mode": "markdown", "content": "Insights of Plimsoll stood here."}),
            );
            return Value::Object(out);
        }
        PanelKind::Alerts => return Value::Object(out),
        _ => {}
    }
    set("datasource", source());
    set("targets", json!(p.queries.iter().map(|q| target(q, p.kind)).collect::<Vec<_>>()));
    let mut overrides: Vec<Value> = p.overrides.iter().map(override_of).collect();
    overrides.extend(field["overrides"].as_array().into_iter().flatten().filter_map(unused));
    let ours = json!({"defaults": defaults(p), "overrides": overrides});
    set("fieldConfig", merged(field, ours));
    set("options", merged(opts, options(p)));
    if !p.transforms.is_empty() {
        let theirs = |k: &str| {
            if k == "filterByName" { "filterFieldsByName".to_owned() } else { k.to_owned() }
        };
        set(
            "transformations",
            json!(
                p.transforms
                    .iter()
                    .map(|t| json!({"id": theirs(&t.kind), "options": t.options}))
                    .collect::<Vec<_>>()
            ),
        );
    }
    if let Some(time) = &p.time {
        if !time.from.is_empty() {
            set("timeFrom", json!(time.from));
        }
        if !time.shift.is_empty() {
            set("timeShift", json!(time.shift));
        }
    }
    Value::Object(out)
}

/// What was there with what we say in its place.
fn merged(before: Value, ours: Value) -> Value {
    match (before, ours) {
        (Value::Object(mut before), Value::Object(ours)) => {
            for (key, value) in ours {
                let old = before.remove(&key).unwrap_or(Value::Null);
                before.insert(key, merged(old, value));
            }
            Value::Object(before)
        }
        (_, ours) => ours,
    }
}

/// What an override of theirs says that we do not.
fn unused(theirs: &Value) -> Option<Value> {
    const OURS: [&str; 17] = [
        "custom.hidden",
        "unit",
        "decimals",
        "min",
        "max",
        "displayName",
        "color",
        "thresholds",
        "mappings",
        "custom.axisPlacement",
        "custom.hideFrom",
        "custom.drawStyle",
        "custom.lineStyle",
        "custom.stacking",
        "custom.fillOpacity",
        "custom.lineWidth",
        "custom.transform",
    ];
    let all = theirs["properties"].as_array()?;
    let rest: Vec<&Value> =
        all.iter().filter(|p| !OURS.contains(&p["id"].as_str().unwrap_or_default())).collect();
    (!rest.is_empty()).then(|| json!({"matcher": theirs["matcher"], "properties": rest}))
}

fn target(q: &PanelQuery, kind: PanelKind) -> Value {
    let format = match kind {
        PanelKind::Table => "table",
        PanelKind::Heatmap => "heatmap",
        _ => "time_series",
    };
    let instant = q.kind == QueryKind::Instant;
    let mut t = json!({
        "refId": q.letter, "expr": q.expr, "legendFormat": if q.legend.is_empty() { "__auto" } else { q.legend.as_str() },
        "instant": instant, "range": !instant, "format": format, "datasource": source(),
    });
    if q.hidden {
        t["hide"] = json!(true);
    }
    if !q.step.is_empty() {
        t["interval"] = json!(q.step);
    }
    t
}

fn steps(all: &[Threshold], mode: ThresholdsMode) -> Value {
    let mut steps: Vec<Value> =
        all.iter().map(|t| json!({"color": colour(t), "value": t.at})).collect();
    // There the first step is the ground.
    if all.first().is_none_or(|t| t.at.is_some()) {
        steps.insert(
            0,
            json!({"color": if all.is_empty() { "green" } else { "text" }, "value": null}),
        );
    }
    let mode = if mode == ThresholdsMode::Percent { "percentage" } else { "absolute" };
    json!({"mode": mode, "steps": steps})
}

fn defaults(p: &Panel) -> Value {
    let mut d = json!({"thresholds": steps(&p.thresholds, p.thresholds_mode), "mappings": mappings(&p.mappings)});
    if !p.unit.is_empty() {
        d["unit"] = json!(unit(&p.unit));
    }
    for (key, value) in [("decimals", p.decimals.map(f64::from)), ("min", p.min), ("max", p.max)] {
        if let Some(value) = value {
            d[key] = json!(value);
        }
    }
    match p.kind {
        PanelKind::Table if !p.thresholds.is_empty() => {
            d["custom"] = json!({"cellOptions": {"type": "color-text"}});
        }
        PanelKind::Stat | PanelKind::Barlist if p.thresholds.is_empty() => {
            d["color"] = json!({"mode": "palette-classic"});
        }
        _ => {}
    }
    if p.kind != PanelKind::Timeseries && p.kind != PanelKind::Loadline {
        return d;
    }
    let s = &p.style;
    let or =
        |text: &str, usual: &str| if text.is_empty() { usual.to_owned() } else { text.to_owned() };
    let mut custom = json!({
        "drawStyle": or(&s.draw, "line"),
        "stacking": {"mode": or(&s.stack, "none"), "group": "A"},
        "spanNulls": s.gaps == "connect",
        "lineInterpolation": if s.steps { "stepAfter" } else { "linear" },
        "thresholdsStyle": {"mode": if p.thresholds.is_empty() { "off" } else { "line" }},
    });
    if let Some(fill) = s.fill {
        custom["fillOpacity"] = json!((fill * 100.0).round());
    }
    if let Some(width) = s.width {
        custom["lineWidth"] = json!(width);
    }
    match s.axis.as_str() {
        "log2" => custom["scaleDistribution"] = json!({"type": "log", "log": 2}),
        "log10" => custom["scaleDistribution"] = json!({"type": "log", "log": 10}),
        _ => {}
    }
    d["custom"] = custom;
    d
}

fn mappings(all: &[Mapping]) -> Value {
    let one = |(i, m): (usize, &Mapping)| {
        let mut result = json!({"index": i});
        if let Some(text) = &m.text {
            result["text"] = json!(text);
        }
        if !m.colour.is_empty() {
            result["color"] = json!(m.colour);
        }
        let value = m.value.as_deref().unwrap_or_default();
        match m.kind {
            MappingKind::Value => json!({"type": "value", "options": {value: result}}),
            MappingKind::Range => {
                json!({"type": "range", "options": {"from": m.from, "to": m.to, "result": result}})
            }
            MappingKind::Regex => {
                json!({"type": "regex", "options": {"pattern": value, "result": result}})
            }
            MappingKind::Special => {
                json!({"type": "special", "options": {"match": value, "result": result}})
            }
        }
    };
    all.iter().enumerate().map(one).collect()
}

fn override_of(o: &Override) -> Value {
    let id = match o.matching.by {
        OverrideBy::Name => "byName",
        OverrideBy::Regex => "byRegexp",
        OverrideBy::Query => "byFrameRefID",
        OverrideBy::Type => "byType",
    };
    let s = &o.set;
    let mut all: Vec<Value> = Vec::new();
    let mut add = |id: &str, value: Option<Value>| {
        all.extend(value.map(|value| json!({"id": id, "value": value})));
    };
    add("unit", s.unit.as_ref().map(|u| json!(unit(u))));
    add("decimals", s.decimals.map(|d| json!(d)));
    add("min", s.min.map(|x| json!(x)));
    add("max", s.max.map(|x| json!(x)));
    add("displayName", s.title.as_ref().map(|t| json!(t)));
    add("color", s.colour.as_ref().map(|c| json!({"mode": "fixed", "fixedColor": c})));
    add("thresholds", s.thresholds.as_ref().map(|t| steps(t, ThresholdsMode::Absolute)));
    add("mappings", s.mappings.as_ref().map(|m| mappings(m)));
    add("custom.axisPlacement", s.axis.as_ref().map(|a| json!(a)));
    add("custom.hideFrom", s.hidden.map(|h| json!({"viz": h, "legend": h, "tooltip": h})));
    add("custom.drawStyle", s.draw.as_ref().map(|d| json!(d)));
    add("custom.lineStyle", s.dash.map(|d| json!({"fill": if d { "dash" } else { "solid" }})));
    add("custom.stacking", s.stack.as_ref().map(|m| json!({"mode": m, "group": "A"})));
    add("custom.fillOpacity", s.fill.map(|f| json!((f * 100.0).round())));
    add("custom.lineWidth", s.width.map(|w| json!(w)));
    add("custom.transform", s.negative.filter(|n| *n).map(|_| json!("negative-Y")));
    let options = match o.matching.by {
        OverrideBy::Regex => slashed(&o.matching.value),
        _ => o.matching.value.clone(),
    };
    json!({"matcher": {"id": id, "options": options}, "properties": all})
}

/// A pattern as JavaScript writes it; without slashes it would be one for a whole name.
fn slashed(pattern: &str) -> String {
    let has_flags = pattern.starts_with('/') && pattern.len() > 1;
    if has_flags { pattern.to_owned() } else { format!("/{pattern}/") }
}

const fn reduce(r: Reduce) -> &'static str {
    match r {
        Reduce::Last => "lastNotNull",
        Reduce::Mean => "mean",
        Reduce::Max => "max",
        Reduce::Min => "min",
        Reduce::Sum => "sum",
        Reduce::Count => "count",
        Reduce::Range => "range",
        Reduce::First => "firstNotNull",
    }
}

fn options(p: &Panel) -> Value {
    let s = &p.style;
    let calcs =
        json!({"calcs": [reduce(p.reduce.unwrap_or(Reduce::Last))], "fields": "", "values": false});
    let calc = |name: &String| if name == "last" { "lastNotNull".to_owned() } else { name.clone() };
    let legend = json!({
        "displayMode": if s.legend == "table" { "table" } else { "list" },
        "showLegend": s.legend != "hidden",
        "placement": if s.legend_at == "right" { "right" } else { "bottom" },
        "calcs": s.legend_values.iter().map(calc).collect::<Vec<_>>(),
    });
    let turned = if s.orientation.is_empty() { "auto" } else { s.orientation.as_str() };
    match p.kind {
        PanelKind::Stat => json!({
            "reduceOptions": calcs, "orientation": turned,
            "graphMode": if s.sparkline == Some(false) { "none" } else { "area" },
            "colorMode": if s.colour.is_empty() { "value" } else { s.colour.as_str() },
            "textMode": match s.text.as_str() { "both" => "value_and_name", "" => "auto", other => other },
        }),
        PanelKind::Gauge | PanelKind::Barlist => {
            json!({"reduceOptions": calcs, "orientation": turned})
        }
        PanelKind::Pie => json!({
            "reduceOptions": calcs, "legend": legend, "pieType": if s.donut { "donut" } else { "pie" },
        }),
        PanelKind::Table => json!({"showHeader": true}),
        PanelKind::Heatmap => json!({"calculate": false, "yAxis": {"unit": unit(&p.unit)}}),
        _ => json!({"legend": legend, "tooltip": {"mode": "multi"}}),
    }
}

fn variable(v: &Variable) -> Value {
    let kind = match v.kind {
        VariableKind::Query => "query",
        VariableKind::Custom => "custom",
        VariableKind::Interval => "interval",
        VariableKind::Text => "textbox",
        VariableKind::Constant => "constant",
        VariableKind::Datasource => "datasource",
        VariableKind::Adhoc => "adhoc",
    };
    let hide = match v.hide {
        Hide::No => 0,
        Hide::Label => 1,
        Hide::Variable => 2,
    };
    let sort = match v.sort {
        Sort::None => 0,
        Sort::Text => 1,
        Sort::TextDesc => 2,
        Sort::Number => 3,
        Sort::NumberDesc => 4,
    };
    let mut out = json!({
        "type": kind, "name": v.name, "label": v.label, "description": v.description, "query": v.query, "regex": v.regex,
        "sort": sort, "multi": v.multi, "includeAll": v.include_all, "hide": hide,
    });
    if !v.all_value.is_empty() {
        out["allValue"] = json!(v.all_value);
    }
    match v.kind {
        VariableKind::Query => {
            out["datasource"] = source();
            out["definition"] = json!(v.query);
            out["refresh"] = json!(2);
        }
        VariableKind::Interval => {
            let list: Vec<&str> = v.query.split(',').filter(|o| *o != "auto").collect();
            out["auto"] = json!(v.query.split(',').any(|o| o == "auto"));
            out["query"] = json!(list.join(","));
        }
        VariableKind::Adhoc => {
            out["datasource"] = source();
            out["filters"] = json!(filters(&v.query));
        }
        _ => {}
    }
    if !v.current.is_empty() {
        let shown: Vec<&str> =
            v.current.iter().map(|c| if c == "$__all" { "All" } else { c.as_str() }).collect();
        out["current"] = match (v.multi, v.current.as_slice()) {
            (false, [one]) => json!({"text": shown[0], "value": one}),
            (_, all) => json!({"text": shown, "value": all}),
        };
    }
    out
}

fn filters(written: &str) -> Vec<Value> {
    let Ok(selector) = plimsoll_query::parse_selector(&format!("{{{written}}}")) else {
        return Vec::new();
    };
    let one = |m: &plimsoll_query::LabelMatcher| json!({"key": m.name, "operator": m.op.text(), "value": m.value});
    selector.matchers.iter().map(one).collect()
}
