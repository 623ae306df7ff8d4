//! The dashboard: what is around it, what it says of itself, its panels in order.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_query::Features;
use serde_json::{Map, Value};

use super::colours::colour;
use super::field::{bytes as bytes_of, links, list, text};
use super::layout::placed;
use super::panel::{Around, read};
use super::report::{Notes, Report};
use super::{library, resource, targets, variable};
use crate::dashboard::{
    Annotation, AnnotationKind, DOCUMENT_BYTES_MAX, Dashboard, PANELS_MAX, PanelKind, TimeSpan,
    is_time, parsed, slug,
};

/// Bytes of JSON that is read: Grafana's own documents are seldom a tenth of it.
pub(super) const BYTES_MAX: usize = 4 << 20;

/// Keys that are read, or that mean nothing outside of the database that the file came from.
const USED: [&str; 17] = [
    "id",
    "title",
    "description",
    "tags",
    "time",
    "refresh",
    "templating",
    "annotations",
    "panels",
    "rows",
    "links",
    "version",
    "__elements",
    "iteration",
    "editable",
    "folderUid",
    "folderTitle",
];

/// A dashboard with the report of what became of it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What was made of it.
    pub dashboard: Dashboard,
    /// What became of its parts.
    pub report: Report,
}

/// Reads a dashboard of Grafana's.
///
/// # Errors
/// It is none.
pub fn import(value: &Value, features: &Features) -> Result<Imported, String> {
    let mut report = Report::default();
    let inner = embedded(value);
    let unwrapped = unwrapped(inner.as_ref().unwrap_or(value))?;
    let made;
    let json = if resource::is_one(unwrapped) {
        made = resource::classic(unwrapped, &mut report.notes)?;
        &made
    } else {
        unwrapped
    };
    let filled;
    let json = match constants(json) {
        constants if constants.is_empty() => json,
        constants => {
            filled = with_constants(json, &constants, 0, &mut { BYTES_MAX });
            &filled
        }
    };
    let with_library = library::filled(json);
    let json = with_library.as_ref().unwrap_or(json);
    let has = |key: &str| json[key].is_array();
    if !has("panels") && !has("rows") {
        return Err("it has neither panels nor rows; export the dashboard as JSON".to_owned());
    }
    let (variables, reports) = variable::read(json, features, &mut report.notes);
    report.variables = reports;
    let title =
        json["title"].as_str().filter(|t| !t.trim().is_empty()).unwrap_or("Imported dashboard");
    let mut dashboard = Dashboard {
        id: slug(title),
        title: title.chars().take(190).collect(),
        description: text(&json["description"]).chars().take(60_000).collect(),
        tags: list(&json["tags"])
            .iter()
            .take(100)
            .map(|t| text(t).chars().take(190).collect())
            .collect(),
        time: time(json, &mut report.notes),
        refresh: refresh(&json["refresh"]),
        variables,
        ..Dashboard::default()
    };
    let mut notes = Notes::default();
    dashboard.links = links(&json["links"], &mut notes);
    if list(&json["links"]).iter().any(|l| l["type"] == "dashboards") {
        notes.add("links to dashboards by their tags are left out");
    }
    dashboard.annotations = annotations(json, &dashboard, features, &mut notes);
    report.notes.append(&mut notes.all);
    panels(json, &mut dashboard, features, &mut report);
    dashboard.extra = extra(json);
    bounded(&mut dashboard, &mut report.notes);
    Ok(Imported { dashboard, report })
}

/// A dashboard that stands as text in an object of Kubernetes: `spec.json`, or the only file of a `ConfigMap`.
fn embedded(value: &Value) -> Option<Value> {
    let files = value["data"].as_object().filter(|_| value["kind"] == "ConfigMap");
    let one = files.filter(|f| f.len() == 1).and_then(|f| f.values().next());
    let text = one.and_then(Value::as_str).or(value["spec"]["json"].as_str())?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}

/// The dashboard in what is around it: an answer of the API, a resource, a list of one, a name.
fn unwrapped(value: &Value) -> Result<&Value, String> {
    let bytes = bytes_of(value);
    if bytes > BYTES_MAX {
        return Err(format!("{bytes} bytes; at most {BYTES_MAX} are read"));
    }
    let mut at = value;
    for _ in 0..4 {
        at = match at {
            Value::Object(o) if o.contains_key("panels") || o.contains_key("rows") => break,
            Value::Object(o) if resource::is_one(at) || o.contains_key("elements") => break,
            Value::Object(o) if o.get("dashboard").is_some_and(Value::is_object) => &o["dashboard"],
            Value::Object(o) if o.get("spec").is_some_and(Value::is_object) => &o["spec"],
            Value::Object(o) if o.get("grafana").is_some_and(Value::is_object) => &o["grafana"],
            Value::Array(all) if all.len() == 1 => &all[0],
            // `{"etcd.json": {…}}`, as collections of dashboards are written.
            Value::Object(o) if o.len() == 1 => match o.values().next() {
                Some(only @ Value::Object(_)) => only,
                _ => break,
            },
            _ => break,
        };
    }
    if at.is_object() {
        Ok(at)
    } else {
        Err("it is no dashboard: a JSON object is wanted".to_owned())
    }
}

/// What the one who shared it left to be filled in, and filled in.
fn constants(json: &Value) -> Vec<(String, String)> {
    let inputs = list(&json["__inputs"]).iter().filter(|i| i["type"] == "constant");
    let pair = |i: &Value| (format!("${{{}}}", text(&i["name"])), text(&i["value"]).to_owned());
    inputs.take(50).map(pair).filter(|(name, _)| name.len() > 3).collect()
}

/// With constants in place of their names, each once: values that name others stay as they are. Beyond `left` bytes
/// nothing is filled in any more.
fn with_constants(
    value: &Value,
    constants: &[(String, String)],
    depth: usize,
    left: &mut usize,
) -> Value {
    match value {
        Value::String(s) if s.contains("${") => Value::String(with_values(s, constants, left)),
        Value::Array(all) if depth < 100 => {
            all.iter().map(|v| with_constants(v, constants, depth + 1, left)).collect()
        }
        Value::Object(all) if depth < 100 => {
            let one = |(k, v): (&String, &Value)| {
                (k.clone(), with_constants(v, constants, depth + 1, left))
            };
            all.iter().map(one).collect()
        }
        other => other.clone(),
    }
}

fn with_values(s: &str, constants: &[(String, String)], left: &mut usize) -> String {
    let (mut out, mut rest) = (String::with_capacity(s.len()), s);
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let named = constants.iter().find(|(name, _)| rest.starts_with(name.as_str()));
        let (text, behind) = match named.filter(|(_, value)| value.len() <= *left) {
            Some((name, value)) => {
                *left -= value.len();
                (value.as_str(), name.len())
            }
            None => ("${", 2),
        };
        out.push_str(text);
        rest = &rest[behind..];
    }
    out + rest
}

fn time(json: &Value, notes: &mut Vec<String>) -> TimeSpan {
    let usual = TimeSpan::default();
    let (from, to) = (text(&json["time"]["from"]), text(&json["time"]["to"]));
    if from.is_empty() || to.is_empty() {
        return usual;
    }
    if is_time(from) && is_time(to) {
        if !(is_shown(from) && is_shown(to)) {
            notes.push(format!(
                "its time, {from} to {to}, is one for reports only: the browser shows the last hour"
            ));
        }
        return TimeSpan { from: from.to_owned(), to: to.to_owned() };
    }
    notes.push("its time is not understood; the last hour is shown".to_owned());
    usual
}

/// Whether the browser knows such a time, too: nothing that is to come, no quarters, no parts of a day.
fn is_shown(time: &str) -> bool {
    let Some(rest) = time.strip_prefix("now") else { return true };
    let (back, of) = rest.split_once('/').unwrap_or((rest, ""));
    let unit = |t: &str| t.chars().last().filter(|c| "smhdwMy".contains(*c));
    let is_back = back.is_empty() || (back.starts_with('-') && unit(back).is_some());
    let is_of = of.is_empty()
        || (["d", "w", "M", "y"].contains(&of) && (back.is_empty() || back.ends_with(of)));
    is_back && is_of
}

fn refresh(value: &Value) -> String {
    let plain = text(value);
    let fits = plimsoll_model::parse_duration_ms(plain).is_some_and(|ms| ms >= 1_000);
    if fits { plain.to_owned() } else { "off".to_owned() }
}

fn annotations(
    json: &Value,
    dashboard: &Dashboard,
    features: &Features,
    notes: &mut Notes,
) -> Vec<Annotation> {
    let mut all = Vec::new();
    for a in list(&json["annotations"]["list"]).iter().take(50) {
        let name: String = text(&a["name"]).chars().take(190).collect();
        let own = Annotation {
            name: if name.is_empty() { "Annotations".to_owned() } else { name.clone() },
            enabled: a["enable"] != false,
            colour: colour(text(&a["iconColor"])),
            ..Annotation::default()
        };
        let expr = a["expr"].as_str().or(a["target"]["expr"].as_str()).unwrap_or_default();
        if a["builtIn"] == 1 {
            // There they are alerts of the dashboard's own panels, which it does not bring along; ours are all alerts: a
            // choice, not the default.
            let alerts = AnnotationKind::Alerts;
            all.push(Annotation { name: "Alerts".to_owned(), kind: alerts, enabled: false, ..own });
        } else if expr.is_empty() {
            notes.add(format!("the annotations {name:?} are no PromQL and are left out"));
        } else if let Err(e) = parsed(dashboard, expr, features) {
            notes.add(format!("the query of the annotations {name:?} cannot be read: {e}"));
        } else {
            all.push(Annotation { kind: AnnotationKind::Query, query: expr.to_owned(), ..own });
        }
    }
    all
}

fn panels(json: &Value, dashboard: &mut Dashboard, features: &Features, report: &mut Report) {
    let (all, beyond) = placed(json);
    if beyond > 0 {
        report.notes.push(format!("{beyond} panels beyond {PANELS_MAX} are left out"));
    }
    let number = |v: &Value| v["id"].as_u64().filter(|n| (1..1 << 50).contains(n));
    let of_panels: BTreeMap<u64, Vec<Value>> = all
        .iter()
        .filter_map(|p| Some((number(&p.json)?, list(&p.json["targets"]).to_vec())))
        .collect();
    let highest = of_panels.keys().next_back().copied().unwrap_or(0);
    let (mut taken, mut next) = (BTreeSet::new(), highest);
    let mut made = Vec::new();
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for placed in &all {
        for source in targets::others(&placed.json, dashboard) {
            *others.entry(source).or_default() += 1;
        }
        let wanted = number(&placed.json).filter(|id| !taken.contains(id));
        let id = wanted.unwrap_or_else(|| {
            next += 1;
            next
        });
        taken.insert(id);
        let around = Around { dashboard: &*dashboard, targets: &of_panels, features };
        let (mut panel, of_panel) = read(&placed.json, id, placed.at, &around);
        if let Some(repeat) = &panel.repeat
            && !dashboard.variables.iter().any(|v| v.name == repeat.by)
        {
            let by = &repeat.by;
            report.notes.push(format!(
                "panel {id} repeats by {by}, which is no variable: it stands once, as there"
            ));
            panel.repeat = None;
        }
        if panel.kind != PanelKind::Row {
            report.panels.push(of_panel);
        }
        made.push(panel);
    }
    dashboard.panels = made;
    if !others.is_empty() {
        let each: Vec<String> =
            others.iter().take(10).map(|(name, n)| format!("{name} ({n})")).collect();
        report.notes.push(format!(
            "panels that ask other sources than Prometheus: {}; only metrics are kept here, so those queries are left out",
            each.join(", ")
        ));
    }
}

fn extra(json: &Value) -> Map<String, Value> {
    let all = json.as_object().into_iter().flatten();
    let kept = all.filter(|(k, v)| !USED.contains(&k.as_str()) && !v.is_null());
    kept.map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// What is kept for the way back only goes first when all is too much.
fn bounded(dashboard: &mut Dashboard, notes: &mut Vec<String>) {
    let bytes = |d: &Dashboard| serde_json::to_vec(d).map_or(usize::MAX, |v| v.len());
    if bytes(dashboard) <= DOCUMENT_BYTES_MAX {
        return;
    }
    dashboard
        .panels
        .iter_mut()
        .filter(|p| p.kind != PanelKind::Unsupported)
        .for_each(|p| p.grafana = None);
    if bytes(dashboard) > DOCUMENT_BYTES_MAX {
        dashboard.panels.iter_mut().for_each(|p| p.grafana = None);
        dashboard.extra.clear();
    }
    notes.push("what we do not use of it is not kept, since it would be above 1 MiB".to_owned());
}

/// For fuzzing: any bytes are imported or refused; what is imported is a dashboard that checks and reads back.
pub fn fuzz_grafana(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let features = Features::default();
    let Ok(imported) = import(&value, &features) else { return };
    let checked = crate::dashboard::check(imported.dashboard.clone(), &features);
    let bytes = serde_json::to_vec(&imported.dashboard).map_or(0, |v| v.len());
    assert!(checked.dashboard.is_some() || bytes > DOCUMENT_BYTES_MAX, "{:?}", checked.problems);
    let _again = import(&super::export(&imported.dashboard), &features);
}
