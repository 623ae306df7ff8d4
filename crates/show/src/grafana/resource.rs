//! Dashboards as resources (`dashboard.grafana.app/v2…`): elements and a layout become panels in the grid.

use serde_json::{Map, Value, json};

use super::classic::BYTES_MAX;
use super::field::{bytes, list, text};

/// How deep rows and tabs are in each other.
const DEPTH_MAX: usize = 5;
/// Columns of the grid.
const COLUMNS: u64 = 24;
/// Items that are laid out; dashboards have fewer panels.
const ITEMS_MAX: usize = 2_000;

/// Whether this is one with elements and a layout.
pub(super) fn is_one(value: &Value) -> bool {
    spec(value)["elements"].is_object()
}

fn spec(value: &Value) -> &Value {
    if value["spec"].is_object() { &value["spec"] } else { value }
}

/// The same in the older form.
///
/// # Errors
/// It has no layout.
pub(super) fn classic(value: &Value, notes: &mut Vec<String>) -> Result<Value, String> {
    let spec = spec(value);
    if !spec["layout"].is_object() {
        return Err("it has elements and no layout".to_owned());
    }
    let mut out = Out {
        elements: &spec["elements"],
        panels: Vec::new(),
        notes,
        next: 100_000,
        bytes: BYTES_MAX,
    };
    out.layout(&spec["layout"], 0, 0);
    let panels = out.panels;
    let time = &spec["timeSettings"];
    let variables: Vec<Value> = list(&spec["variables"]).iter().map(variable).collect();
    let annotations: Vec<Value> = list(&spec["annotations"]).iter().map(annotation).collect();
    let title = spec["title"].as_str().or(value["metadata"]["name"].as_str());
    let mut all = json!({
        "title": title,
        "description": spec["description"],
        "tags": spec["tags"],
        "links": spec["links"],
        "time": {"from": time["from"], "to": time["to"]},
        "refresh": time["autoRefresh"],
        "timezone": time["timezone"],
        "templating": {"list": variables},
        "annotations": {"list": annotations},
        "panels": panels,
    });
    if let Some(name) = value["metadata"]["name"].as_str() {
        all["uid"] = json!(name);
    }
    Ok(all)
}

struct Out<'v> {
    elements: &'v Value,
    panels: Vec<Value>,
    notes: &'v mut Vec<String>,
    next: u64,
    /// Bytes of elements that may still be put in: many places can name one.
    bytes: usize,
}

impl Out<'_> {
    /// Puts what a layout has below `y`; gives where it ends.
    fn layout(&mut self, layout: &Value, y: u64, depth: usize) -> u64 {
        let spec = &layout["spec"];
        if depth > DEPTH_MAX || self.panels.len() > ITEMS_MAX {
            self.note("what is nested too deep is left out");
            return y;
        }
        match text(&layout["kind"]) {
            "GridLayout" => self.grid(list(&spec["items"]), y),
            "AutoGridLayout" | "ResponsiveGridLayout" => {
                self.note("panels that find their places by themselves have fixed ones now");
                let columns = spec["maxColumnCount"].as_u64().unwrap_or(3).clamp(1, COLUMNS);
                let w = COLUMNS / columns;
                let h = match text(&spec["rowHeightMode"]) {
                    "short" => 5,
                    "tall" => 13,
                    _ => 8,
                };
                let items = list(&spec["items"]);
                for (i, item) in items.iter().enumerate() {
                    let i = i as u64;
                    let at =
                        json!({"x": i % columns * w, "y": y + i / columns * h, "w": w, "h": h});
                    self.element(&item["spec"], at);
                }
                y + (items.len() as u64).div_ceil(columns) * h
            }
            "RowsLayout" => {
                let mut y = y;
                for row in list(&spec["rows"]) {
                    y = self.row(&row["spec"], y, depth);
                }
                y
            }
            "TabsLayout" => {
                self.note("tabs are rows now");
                let mut y = y;
                for tab in list(&spec["tabs"]) {
                    y = self.row(&tab["spec"], y, depth);
                }
                y
            }
            other => {
                let other: String = other.chars().take(50).collect();
                self.note(&format!("a layout of kind {other:?} is left out"));
                y
            }
        }
    }

    fn row(&mut self, spec: &Value, y: u64, depth: usize) -> u64 {
        let hidden = spec["hideHeader"] == true;
        let mut y = y;
        if !hidden {
            self.next += 1;
            let mut row = json!({
                "id": self.next, "type": "row", "title": spec["title"],
                "collapsed": spec["collapse"] == true || spec["collapsed"] == true,
                "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
            });
            if let Some(by) = spec["repeat"]["value"].as_str() {
                row["repeat"] = json!(by);
            }
            self.panels.push(row);
            y += 1;
        }
        if spec["layout"].is_object() { self.layout(&spec["layout"], y, depth + 1) } else { y }
    }

    fn grid(&mut self, items: &[Value], y: u64) -> u64 {
        let mut end = y;
        for item in items {
            let spec = &item["spec"];
            let at = |key: &str| spec[key].as_u64().unwrap_or(0).min(100_000);
            if item["kind"] == "GridLayoutRow" {
                end = end.max(self.row(spec, y + at("y"), DEPTH_MAX));
                end = end.max(self.grid(list(&spec["elements"]), y + at("y") + 1));
                continue;
            }
            let (w, h) = (at("width").max(1), at("height").max(1));
            let top = y + at("y");
            self.element(spec, json!({"x": at("x"), "y": top, "w": w, "h": h}));
            end = end.max(top + h);
        }
        end
    }

    fn element(&mut self, item: &Value, at: Value) {
        let name = text(&item["element"]["name"]);
        let element = &self.elements[name];
        let bytes = bytes(element);
        if bytes > self.bytes {
            self.note("elements are named too often; the others are left out");
            return;
        }
        self.bytes -= bytes;
        let mut panel = panel(element);
        panel["gridPos"] = at;
        let repeat = &item["repeat"];
        if let Some(by) = repeat["value"].as_str() {
            panel["repeat"] = json!(by);
            panel["repeatDirection"] = repeat["direction"].clone();
            panel["maxPerRow"] = repeat["maxPerRow"].clone();
        }
        if self.panels.len() <= ITEMS_MAX {
            self.panels.push(panel);
        }
    }

    fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|n| n == note) {
            self.notes.push(note.to_owned());
        }
    }
}

fn panel(element: &Value) -> Value {
    let spec = &element["spec"];
    if element["kind"] == "LibraryPanel" {
        return json!({
            "id": spec["id"], "title": spec["title"], "libraryPanel": spec["libraryPanel"],
        });
    }
    let viz = &spec["vizConfig"];
    // The name of the type was the kind at first, and is the group now.
    let kind = if viz["kind"] == "VizConfig" { &viz["group"] } else { &viz["kind"] };
    let data = &spec["data"]["spec"];
    let targets: Vec<Value> = list(&data["queries"]).iter().map(target).collect();
    let transform = |t: &Value| {
        let inner = &t["spec"];
        let id = [&inner["id"], &t["group"], &t["kind"]].into_iter().find_map(|v| v.as_str());
        json!({"id": id, "options": inner["options"], "disabled": inner["disabled"]})
    };
    let transforms: Vec<Value> = list(&data["transformations"]).iter().map(transform).collect();
    let options = &data["queryOptions"];
    let mut all = json!({
        "id": spec["id"],
        "title": spec["title"],
        "type": kind,
        "description": spec["description"],
        "links": spec["links"],
        "targets": targets,
        "transformations": transforms,
        "options": viz["spec"]["options"],
        "fieldConfig": viz["spec"]["fieldConfig"],
    });
    for key in ["timeFrom", "timeShift", "interval"] {
        if !options[key].is_null() {
            all[key] = options[key].clone();
        }
    }
    all
}

fn target(query: &Value) -> Value {
    let spec = &query["spec"];
    let inner = &spec["query"];
    let mut all: Map<String, Value> = inner["spec"].as_object().cloned().unwrap_or_default();
    all.insert("refId".to_owned(), spec["refId"].clone());
    all.insert("hide".to_owned(), spec["hidden"].clone());
    let kind = if inner["kind"] == "DataQuery" { &inner["group"] } else { &inner["kind"] };
    let kind = spec["datasource"]["type"].as_str().or(kind.as_str()).unwrap_or_default();
    all.insert("datasource".to_owned(), json!({"type": kind}));
    Value::Object(all)
}

fn variable(v: &Value) -> Value {
    let mut spec = v["spec"].clone();
    let kind = match text(&v["kind"]) {
        "QueryVariable" => "query",
        "CustomVariable" => "custom",
        "IntervalVariable" => "interval",
        "ConstantVariable" => "constant",
        "TextVariable" => "textbox",
        "DatasourceVariable" => "datasource",
        "AdhocVariable" => "adhoc",
        "GroupByVariable" => "groupby",
        "SwitchVariable" => "switch",
        other => other,
    };
    if !spec.is_object() {
        return json!({"type": kind});
    }
    spec["type"] = json!(kind);
    let inner = &v["spec"]["query"];
    if kind == "query" && inner["spec"].is_object() {
        let source = if inner["kind"] == "DataQuery" { &inner["group"] } else { &inner["kind"] };
        spec["datasource"] = json!({"type": source});
        let asked = &inner["spec"];
        spec["query"] = match asked["__legacyStringValue"].as_str() {
            Some(text) => json!(text),
            None => asked.clone(),
        };
    }
    if kind == "datasource" {
        spec["query"] = spec["pluginId"].clone();
    }
    let hide = match text(&v["spec"]["hide"]) {
        "hideLabel" => 1,
        "hideVariable" => 2,
        _ => 0,
    };
    spec["hide"] = json!(hide);
    let sort = match text(&v["spec"]["sort"]) {
        "alphabeticalAsc" => 1,
        "alphabeticalDesc" => 2,
        "numericalAsc" => 3,
        "numericalDesc" => 4,
        "alphabeticalCaseInsensitiveAsc" => 5,
        "alphabeticalCaseInsensitiveDesc" => 6,
        "naturalAsc" => 7,
        "naturalDesc" => 8,
        _ => 0,
    };
    spec["sort"] = json!(sort);
    spec
}

fn annotation(a: &Value) -> Value {
    let spec = &a["spec"];
    json!({
        "name": spec["name"],
        "enable": spec["enable"],
        "iconColor": spec["iconColor"],
        "builtIn": if spec["builtIn"] == true { 1 } else { 0 },
        "expr": spec["query"]["spec"]["expr"].as_str().or(spec["legacyOptions"]["expr"].as_str()),
    })
}
