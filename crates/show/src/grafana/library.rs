//! Library panels: what a dashboard only names is in `__elements` of the file that was shared, or beside the name.

use serde_json::Value;

use super::classic::BYTES_MAX;
use super::field::{bytes, list, text};

/// Panels that are filled in; beyond, they stay as they are.
const FILLED_MAX: usize = 1_000;

/// The dashboard with the models of its library panels in their places; nothing where it has none.
pub(super) fn filled(json: &Value) -> Option<Value> {
    let mut left = Left { panels: FILLED_MAX, bytes: BYTES_MAX };
    let mut made = json.clone();
    fill(&mut made["panels"], &json["__elements"], &mut left);
    for row in made["rows"].as_array_mut().into_iter().flatten() {
        fill(&mut row["panels"], &json["__elements"], &mut left);
    }
    (left.panels < FILLED_MAX).then_some(made)
}

/// What may still be filled in.
struct Left {
    panels: usize,
    bytes: usize,
}

fn fill(panels: &mut Value, elements: &Value, left: &mut Left) {
    for panel in panels.as_array_mut().into_iter().flatten() {
        if panel["type"] == "row" {
            fill(&mut panel["panels"], elements, left);
        }
        let named = &panel["libraryPanel"];
        if !named.is_object() || left.panels == 0 {
            continue;
        }
        let inline = Some(&named["model"]).filter(|m| m.is_object());
        let Some(model) = inline.or_else(|| model(elements, named)) else { continue };
        // One model can be named by many panels.
        let bytes = bytes(model);
        if bytes > left.bytes {
            left.panels = 0;
            continue;
        }
        left.bytes -= bytes;
        let mut model = model.clone();
        for key in
            ["id", "gridPos", "libraryPanel", "repeat", "repeatDirection", "maxPerRow", "span"]
        {
            if let Some(own) = panel.get(key).filter(|v| !v.is_null()) {
                model[key] = own.clone();
            }
        }
        if !text(&panel["title"]).is_empty() {
            model["title"] = panel["title"].clone();
        }
        *panel = model;
        left.panels -= 1;
    }
}

/// By its number, or by its name where the file has them in a list.
fn model<'v>(elements: &'v Value, named: &Value) -> Option<&'v Value> {
    let is_it = |e: &&Value| {
        (e["uid"].is_string() && e["uid"] == named["uid"])
            || (named["uid"].is_null() && e["name"].is_string() && e["name"] == named["name"])
    };
    let found = elements
        .get(text(&named["uid"]))
        .or_else(|| list(elements).iter().find(is_it))
        .or_else(|| elements.as_object()?.values().find(is_it))?;
    Some(&found["model"]).filter(|m| m.is_object())
}
