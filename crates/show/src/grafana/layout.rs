//! Where panels are: the grid, rows that hide their panels, and the rows with spans of before.
//!
//! What comes out is a flat list in reading order, each panel with a place in the grid; a collapsed row is followed by the
//! panels that it hides, which take their room as if it were open.

use serde_json::{Value, json};

use super::field::{list, number, text, whole};
use crate::dashboard::{At, COLUMNS, PANELS_MAX, ROWS_MAX};

/// A panel with its place.
pub(super) struct Placed<'v> {
    pub at: At,
    pub json: std::borrow::Cow<'v, Value>,
}

/// All panels of a dashboard; how many were beyond what one may have.
pub(super) fn placed(dashboard: &Value) -> (Vec<Placed<'_>>, usize) {
    let mut all = match dashboard["rows"].as_array() {
        Some(rows) if list(&dashboard["panels"]).is_empty() => of_rows(rows),
        _ => {
            let panels = list(&dashboard["panels"]);
            let all = of_grid(panels, PANELS_MAX);
            let beyond = count(panels).saturating_sub(all.len());
            return (all, beyond);
        }
    };
    let beyond = all.len().saturating_sub(PANELS_MAX);
    all.truncate(PANELS_MAX);
    (all, beyond)
}

/// Panels with those in rows.
fn count(panels: &[Value]) -> usize {
    let inner = |p: &Value| if p["type"] == "row" { count(list(&p["panels"])) } else { 0 };
    panels.iter().filter(|p| p.is_object()).map(|p| 1 + inner(p)).sum()
}

fn at(grid: &Value) -> Option<At> {
    let get = |key: &str| whole(&grid[key]);
    Some(fitted(At { x: get("x").unwrap_or(0), y: get("y")?, w: get("w")?, h: get("h")? }))
}

fn fitted(at: At) -> At {
    let w = at.w.clamp(1, COLUMNS);
    let x = at.x.min(COLUMNS - w);
    At { x, y: at.y.min(ROWS_MAX), w, h: at.h.clamp(1, 500) }
}

/// At most `most`: what lies on others is moved, and to find room for a panel looks at all before it.
fn of_grid(panels: &[Value], most: usize) -> Vec<Placed<'_>> {
    let mut all: Vec<(At, &Value)> = Vec::new();
    let mut end = 0;
    for p in panels.iter().filter(|p| p.is_object()) {
        let row = p["type"] == "row";
        let usual =
            At { x: 0, y: end, w: if row { COLUMNS } else { 12 }, h: if row { 1 } else { 8 } };
        let at = at(&p["gridPos"]).unwrap_or(usual);
        end = end.max(at.y + at.h);
        all.push((at, p));
    }
    all.sort_by_key(|(at, _)| (at.y, at.x));
    all.truncate(most);
    let (mut out, mut moved) = (Vec::<Placed<'_>>::new(), 0_u32);
    for (at, p) in all {
        if out.len() >= most {
            break;
        }
        let at = fitted(At { y: at.y.saturating_add(moved), ..at });
        let at = if p["type"] == "row" { At { x: 0, w: COLUMNS, h: 1, ..at } } else { at };
        let at = free(at, &out);
        out.push(Placed { at, json: std::borrow::Cow::Borrowed(p) });
        let inner = if p["type"] == "row" { list(&p["panels"]) } else { &[] };
        if inner.is_empty() {
            continue;
        }
        let inner = of_grid(inner, most - out.len());
        let top = inner.iter().map(|i| i.at.y).min().unwrap_or(0);
        let end = inner.iter().map(|i| i.at.y + i.at.h).max().unwrap_or(0);
        for one in inner {
            let y = at.y + 1 + (one.at.y - top);
            out.push(Placed { at: fitted(At { y, ..one.at }), json: one.json });
        }
        moved = moved.saturating_add(end - top).min(ROWS_MAX);
    }
    out.sort_by_key(|p| (p.at.y, p.at.x));
    out
}

/// The same place, or below what is there already: files may say that two panels lie on each other.
fn free(mut at: At, there: &[Placed<'_>]) -> At {
    let meets =
        |a: &At, b: &At| a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
    while let Some(met) = there.iter().find(|p| meets(&at, &p.at)) {
        at.y = met.at.y + met.at.h;
    }
    fitted(at)
}

/// Rows of before version 16: heights in pixels, widths in twelfths.
fn of_rows(rows: &[Value]) -> Vec<Placed<'_>> {
    let said = |r: &Value| {
        r["collapse"] == true || r["showTitle"] == true || !text(&r["repeat"]).is_empty()
    };
    let heads = rows.iter().any(said);
    let (mut out, mut y) = (Vec::new(), 0_u32);
    for row in rows.iter().filter(|r| r.is_object()) {
        if heads {
            let mut head = json!({
                "type": "row", "title": text(&row["title"]), "collapsed": row["collapse"] == true,
            });
            if !text(&row["repeat"]).is_empty() {
                head["repeat"] = row["repeat"].clone();
            }
            let at = fitted(At { x: 0, y, w: COLUMNS, h: 1 });
            out.push(Placed { at, json: std::borrow::Cow::Owned(head) });
            y = y.saturating_add(1);
        }
        let usual = height(&row["height"]).unwrap_or(7);
        let (mut x, mut deepest) = (0, 0);
        for p in list(&row["panels"]).iter().filter(|p| p.is_object()) {
            let span = number(&p["span"]).unwrap_or(4.0).clamp(1.0, 12.0);
            let w = ((span * 2.0).round() as u32).clamp(1, COLUMNS);
            if x + w > COLUMNS {
                y = y.saturating_add(deepest);
                (x, deepest) = (0, 0);
            }
            let h = height(&p["height"]).unwrap_or(usual);
            out.push(Placed { at: fitted(At { x, y, w, h }), json: std::borrow::Cow::Borrowed(p) });
            x += w;
            deepest = deepest.max(h);
        }
        y = y.saturating_add(deepest).min(ROWS_MAX);
    }
    out
}

/// A height in pixels (`250px`, `250`) in rows of the grid.
fn height(value: &Value) -> Option<u32> {
    let pixels = match value {
        Value::String(s) => s.trim().trim_end_matches("px").parse().ok()?,
        other => number(other)?,
    };
    Some(((pixels / 38.0).ceil() as u32).clamp(1, 500)).filter(|_| pixels > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(dashboard: &Value) -> Vec<String> {
        let (all, _) = placed(dashboard);
        let one = |p: &Placed<'_>| {
            format!("{} {},{} {}x{}", text(&p.json["title"]), p.at.x, p.at.y, p.at.w, p.at.h)
        };
        all.iter().map(one).collect()
    }

    #[test]
    fn a_collapsed_row_gives_its_panels_room() {
        let doc = json!({"panels": [
            {"title": "b", "gridPos": {"x": 0, "y": 9, "w": 12, "h": 8}},
            {"title": "r", "type": "row", "collapsed": true, "gridPos": {"x": 0, "y": 8, "w": 24, "h": 1}, "panels": [
                {"title": "in", "gridPos": {"x": 12, "y": 20, "w": 12, "h": 6}},
            ]},
            {"title": "a", "gridPos": {"x": 0, "y": 0, "w": 30, "h": 8}},
        ]});
        assert_eq!(shown(&doc), ["a 0,0 24x8", "r 0,8 24x1", "in 12,9 12x6", "b 0,15 12x8"]);
    }

    #[test]
    fn panels_that_lie_on_each_other_make_room() {
        let doc = json!({"panels": [
            {"title": "r", "type": "row", "gridPos": {"x": 0, "y": 0, "w": 8, "h": 2}},
            {"title": "a", "gridPos": {"x": 0, "y": 0, "w": 4, "h": 7}},
            {"title": "b", "gridPos": {"x": 4, "y": 0, "w": 20, "h": 7}},
            {"title": "c", "gridPos": {"x": 0, "y": 7, "w": 12, "h": 7}},
        ]});
        assert_eq!(shown(&doc), ["r 0,0 24x1", "a 0,1 4x7", "b 4,1 20x7", "c 0,8 12x7"]);
    }

    #[test]
    fn what_has_no_room_is_counted_and_what_lies_too_deep_stays_inside() {
        let many: Vec<Value> = (0..20_000).map(|_| json!({})).collect();
        let doc = json!({"panels": many});
        let (all, beyond) = placed(&doc);
        assert_eq!((all.len(), beyond), (PANELS_MAX, 20_000 - PANELS_MAX));
        let row = json!({"type": "row", "panels": many});
        let doc = json!({"panels": [row, {}]});
        let (all, beyond) = placed(&doc);
        assert_eq!((all.len(), beyond), (PANELS_MAX, 20_002 - PANELS_MAX));
        let deep = json!({"gridPos": {"x": 0, "y": ROWS_MAX, "w": 24, "h": 8}});
        let doc = json!({"panels": [deep, deep]});
        assert!(placed(&doc).0.iter().all(|p| p.at.y <= ROWS_MAX));
    }

    #[test]
    fn rows_with_spans_become_a_grid() {
        let doc = json!({"rows": [
            {"title": "R", "showTitle": true, "height": "250px", "panels": [
                {"title": "a", "span": 6}, {"title": "b", "span": 6}, {"title": "c", "span": 12, "height": 100},
            ]},
            {"title": "S", "collapse": true, "panels": [{"title": "d", "span": 3}]},
        ]});
        assert_eq!(
            shown(&doc),
            ["R 0,0 24x1", "a 0,1 12x7", "b 12,1 12x7", "c 0,8 24x3", "S 0,11 24x1", "d 0,12 6x7"]
        );
    }
}
