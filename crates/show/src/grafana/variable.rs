//! Variables: `templating.list`.

use plimsoll_query::Features;
use serde_json::Value;

use super::field::{list, number, text, whole, written};
use super::report::{Notes, VariableReport};
use super::targets::foreign;
use crate::dashboard::interpolate::names_in;
use crate::dashboard::{
    Dashboard, Hide, Sort, VARIABLES_MAX, Variable, VariableKind, VariableQuery, option_regex,
    parsed,
};

/// All variables; what is beyond the bound is told in `notes`.
pub(super) fn read(
    dashboard: &Value,
    features: &Features,
    notes: &mut Vec<String>,
) -> (Vec<Variable>, Vec<VariableReport>) {
    let written = list(&dashboard["templating"]["list"]);
    if written.len() > VARIABLES_MAX {
        notes.push(format!("{} variables; the first {VARIABLES_MAX} are taken", written.len()));
    }
    let (mut all, mut reports) = (Vec::<Variable>::new(), Vec::new());
    for v in written.iter().take(VARIABLES_MAX).filter(|v| v.is_object()) {
        let mut notes = Notes::default();
        let variable = one(v, &mut notes);
        let name = variable.name.clone();
        if !is_name(&name) || all.iter().any(|o| o.name == name) {
            notes.unsupported("its name cannot stand in an expression, or occurs twice");
        } else {
            all.push(variable);
        }
        reports.push(VariableReport { name, outcome: notes.outcome(), notes: notes.all });
    }
    // Now that all are known, whether what they ask can be read.
    let known = Dashboard { variables: all.clone(), ..Dashboard::default() };
    for v in all.iter().filter(|v| v.kind == VariableKind::Query && !v.query.is_empty()) {
        let read = |expr: &str| parsed(&known, expr, features).map(|_| ());
        let checked = VariableQuery::read(&v.query).and_then(|q| q.check(&read));
        if let Err(e) = checked
            && let Some(report) = reports.iter_mut().find(|r| r.name == v.name)
        {
            report.outcome = super::Outcome::Unsupported;
            report.notes.push(format!(
                "its query cannot be read: {e}; write it anew in the settings of the dashboard"
            ));
        }
    }
    (in_order(all), reports)
}

/// What depends on others after them, as they are resolved here; there the order is free. Else as written.
fn in_order(mut rest: Vec<Variable>) -> Vec<Variable> {
    let mut done = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let waits = |v: &Variable| {
            let mut named = names_in(&v.query).into_iter().chain(names_in(&v.regex));
            named.any(|n| n != v.name && rest.iter().any(|o| o.name == n))
        };
        // Those in a circle come as they stand, and the check tells of it.
        let next = rest.iter().position(|v| !waits(v)).unwrap_or(0);
        done.push(rest.remove(next));
    }
    done
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with("__")
        && name.len() <= 200
}

fn one(v: &Value, notes: &mut Notes) -> Variable {
    let mut out = Variable {
        name: text(&v["name"]).chars().take(200).collect(),
        label: text(&v["label"]).chars().take(200).collect(),
        description: text(&v["description"]).chars().take(4_000).collect(),
        multi: v["multi"] == true,
        include_all: v["includeAll"] == true,
        all_value: written(&v["allValue"]).chars().take(4_000).collect(),
        regex: pattern(text(&v["regex"])),
        sort: sort(&v["sort"]),
        hide: match number(&v["hide"]) {
            Some(1.0) => Hide::Label,
            Some(2.0) => Hide::Variable,
            _ => Hide::No,
        },
        current: current(&v["current"]["value"]),
        ..Variable::default()
    };
    let query = &v["query"];
    let kind = match text(&v["type"]) {
        // Written by hand: what it asks says what it is.
        "" if !asked(v).is_empty() => "query",
        "" => "custom",
        other => other,
    };
    match kind {
        "query" => {
            out.kind = VariableKind::Query;
            out.query = asked(v);
            if let Some(name) = foreign(&v["datasource"]) {
                notes.unsupported(format!("it asks {name}, which is not PromQL; make it a list, or ask for labels of metrics"));
            } else if out.query.is_empty() {
                notes.unsupported("it asks nothing");
            }
        }
        "custom" => {
            out.kind = VariableKind::Custom;
            out.query = text(query).to_owned();
            if out.query.is_empty() {
                out.query = options(v);
            }
            if out.query.is_empty() {
                let chosen = out.current.iter().filter(|c| *c != "$__all");
                out.query = chosen.map(|c| c.replace(',', "\\,")).collect::<Vec<_>>().join(",");
            }
        }
        "interval" => {
            out.kind = VariableKind::Interval;
            out.query = text(query).to_owned();
            if v["auto"] == true && !out.query.contains("auto") {
                out.query = format!("auto,{}", out.query);
            }
            for current in &mut out.current {
                // What Grafana computes stands under a name of its own there.
                if current.starts_with("$__auto") {
                    *current = "auto".to_owned();
                }
            }
        }
        "constant" => {
            out.kind = VariableKind::Constant;
            out.query = written(query);
            out.current = vec![out.query.clone()];
        }
        "textbox" => {
            out.kind = VariableKind::Text;
            out.query = written(query);
        }
        "datasource" => {
            out.kind = VariableKind::Datasource;
            out.query = text(query).to_owned();
            out.hide = Hide::Variable;
            out.current.clear();
            out.multi = false;
            out.include_all = false;
            notes.tell("there is one source of data here, so it is hidden");
        }
        "adhoc" | "groupby" => {
            out.kind = VariableKind::Adhoc;
            out.current.clear();
            out.query = filters(v);
            if kind == "groupby" {
                notes.add("grouping by chosen labels is not done");
            }
        }
        "switch" => {
            out.kind = VariableKind::Custom;
            let of = |key: &str, usual: &str| {
                Some(written(&v[key])).filter(|s| !s.is_empty()).unwrap_or_else(|| usual.to_owned())
            };
            out.query = format!(
                "on : {},off : {}",
                of("enabledValue", "true"),
                of("disabledValue", "false")
            );
        }
        other => {
            out.kind = VariableKind::Custom;
            out.query = options(v);
            let other: String = other.chars().take(50).collect();
            notes.add(format!("a variable of type {other} chooses from what the file lists"));
        }
    }
    if let Some(Err(e)) = (!out.regex.is_empty()).then(|| option_regex(&out.regex)) {
        notes.add(format!("its pattern is left out: {e}"));
        out.regex.clear();
    }
    out
}

/// A pattern without slashes is one for the whole of an option there.
fn pattern(text: &str) -> String {
    let whole = if text.is_empty() || text.starts_with('/') {
        text.to_owned()
    } else {
        format!("/^{text}$/")
    };
    whole.chars().take(1_000).collect()
}

fn sort(value: &Value) -> Sort {
    match whole(value) {
        Some(1 | 5) => Sort::Text,
        Some(2 | 6) => Sort::TextDesc,
        Some(3 | 7) => Sort::Number,
        Some(4 | 8) => Sort::NumberDesc,
        _ => Sort::None,
    }
}

fn current(value: &Value) -> Vec<String> {
    let all = match value {
        Value::Array(all) => all.iter().take(1_000).map(written).collect(),
        Value::Null => Vec::new(),
        other => vec![written(other)],
    };
    all.into_iter().filter(|v: &String| !v.is_empty() && v.len() <= 4_000).collect()
}

/// What it asks: a text, or an object with the parts that an editor has filled in.
fn asked(v: &Value) -> String {
    let query = &v["query"];
    let plain = query.as_str().or(query["query"].as_str()).filter(|q| !q.trim().is_empty());
    let plain = plain.or(v["definition"].as_str()).unwrap_or_default().trim();
    // Of the forms of the editor all but the last write `query` as well.
    let made = match (plain.is_empty(), whole(&query["qryType"])) {
        (true, Some(0)) => "label_names()".to_owned(),
        (true, Some(1)) => {
            let (metric, label) = (text(&query["metric"]), text(&query["label"]));
            if metric.is_empty() {
                format!("label_values({label})")
            } else {
                format!("label_values({metric}, {label})")
            }
        }
        (true, Some(2)) => format!("metrics({})", text(&query["metric"])),
        (true, Some(3)) => format!("query_result({})", text(&query["varQuery"])),
        _ => plain.to_owned(),
    };
    made.chars().take(60_000).collect()
}

/// The options that stand in the file, as a list.
fn options(v: &Value) -> String {
    let all = list(&v["options"]).iter().take(1_000).map(|o| written(&o["value"]));
    all.filter(|o| o != "$__all" && !o.is_empty()).collect::<Vec<_>>().join(",")
}

/// Filters as matchers.
fn filters(v: &Value) -> String {
    let all = list(&v["filters"]).iter().chain(list(&v["baseFilters"])).take(50);
    let one = |f: &Value| {
        let op = f["operator"].as_str().unwrap_or("=");
        let value = text(&f["value"]).replace('\\', "\\\\").replace('"', "\\\"");
        format!("{}{op}\"{value}\"", text(&f["key"]))
    };
    all.map(one).collect::<Vec<_>>().join(",")
}
