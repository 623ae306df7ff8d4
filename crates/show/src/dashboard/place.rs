//! Where panels stand when they are shown: rows with the panels under them, panels repeated for the values of a variable.
//!
//! The browser does the same; both are held to `fixtures/dashboards/place.json`. Pure. At most [`COPIES_MAX`] copies of
//! one panel or row and [`PLACED_MAX`] panels together; how many are left out is told.

use std::collections::BTreeMap;

use super::interpolate::Chosen;
use super::{At, COLUMNS, Direction, Panel, PanelKind};

/// Copies of one repeated panel or row.
pub const COPIES_MAX: usize = 100;
/// Panels that a dashboard shows, copies included.
pub const PLACED_MAX: usize = 500;

/// The values of variables by their names.
pub type Values = BTreeMap<String, Chosen>;

/// A panel where it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<'d> {
    /// What this copy is called: the panel's number, and `~` with each value that it is repeated for.
    pub key: String,
    /// The panel.
    pub panel: &'d Panel,
    /// Where it stands.
    pub at: At,
    /// Values that only this copy has.
    pub own: Values,
}

/// Everything that is shown, from the top to the bottom and from left to right, and how many panels are left out. Rows
/// hide nothing here.
pub fn place<'d>(panels: &'d [Panel], values: &Values) -> (Vec<Placed<'d>>, usize) {
    let mut out = Vec::new();
    let mut left_out = 0;
    let mut y = 0;
    for (row, under) in blocks(panels) {
        let top = row.map_or(0, |r| below(r.at));
        for (own, suffix) in times(row, values) {
            let inner = copies(&under, top, values, &own, &suffix);
            if let Some(row) = row {
                let at = At { x: 0, y, w: COLUMNS, h: 1 };
                let key = format!("{}{suffix}", row.id);
                out.push(Placed { key, panel: row, at, own });
                y += 1;
            }
            let high = inner.iter().map(|p| below(p.at)).max().unwrap_or(0);
            out.extend(inner.into_iter().map(|mut p| {
                p.at.y = p.at.y.saturating_add(y);
                p
            }));
            y = y.saturating_add(high);
            left_out += out.len().saturating_sub(PLACED_MAX);
            out.truncate(PLACED_MAX);
        }
    }
    out.sort_by_key(|p| (p.at.y, p.at.x));
    (out, left_out)
}

const fn below(at: At) -> u32 {
    at.y.saturating_add(at.h)
}

fn in_order(panels: &mut [&Panel]) {
    panels.sort_by_key(|p| (p.at.y, p.at.x));
}

/// The panels under each row, in the order in which they stand; those above the first row have none.
fn blocks(panels: &[Panel]) -> Vec<(Option<&Panel>, Vec<&Panel>)> {
    let mut all: Vec<&Panel> = panels.iter().collect();
    in_order(&mut all);
    let mut blocks: Vec<(Option<&Panel>, Vec<&Panel>)> = vec![(None, Vec::new())];
    for panel in all {
        if panel.kind == PanelKind::Row {
            blocks.push((Some(panel), Vec::new()));
        } else if let Some((_, under)) = blocks.last_mut() {
            under.push(panel);
        }
    }
    blocks
}

/// The value and what it is called, as the only one.
fn alone(name: &str, value: &str) -> Values {
    let chosen = Chosen {
        values: vec![value.to_owned()],
        texts: vec![value.to_owned()],
        ..Chosen::default()
    };
    Values::from([(name.to_owned(), chosen)])
}

/// The values for which a panel is repeated.
fn repeated<'v>(panel: &Panel, values: &'v Values) -> &'v [String] {
    let by = panel.repeat.as_ref().and_then(|r| values.get(&r.by));
    by.map_or(&[], |chosen| &chosen.values[..chosen.values.len().min(COPIES_MAX)])
}

/// How often a row is there: once, or for each value.
fn times(row: Option<&Panel>, values: &Values) -> Vec<(Values, String)> {
    let by = row.and_then(|r| r.repeat.as_ref()).map_or("", |r| r.by.as_str());
    let all = row.map_or(&[][..], |r| repeated(r, values));
    match all {
        [] => vec![(Values::new(), String::new())],
        all => all.iter().map(|v| (alone(by, v), format!("~{v}"))).collect(),
    }
}

/// The panels of a block with their copies, from row 0 on. What stands below a panel that grew moves down.
fn copies<'d>(
    panels: &[&'d Panel],
    top: u32,
    values: &Values,
    own: &Values,
    suffix: &str,
) -> Vec<Placed<'d>> {
    let mut out = Vec::new();
    let mut grown: Vec<(u32, u32)> = Vec::new();
    for panel in panels {
        let moved = grown.iter().filter(|(from, _)| panel.at.y >= *from).map(|(_, by)| by).sum();
        let y = panel.at.y.saturating_sub(top).saturating_add(moved);
        let key = format!("{}{suffix}", panel.id);
        let (by, down, max) = match &panel.repeat {
            Some(r) if !own.contains_key(&r.by) => {
                (r.by.as_str(), r.direction == Direction::Down, r.max.unwrap_or(4))
            }
            _ => ("", false, 0),
        };
        let all = if by.is_empty() { &[][..] } else { repeated(panel, values) };
        if all.is_empty() {
            out.push(Placed { key, panel, at: At { y, ..panel.at }, own: own.clone() });
            continue;
        }
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let per = if down { 1 } else { max.min(count).clamp(1, COLUMNS) };
        let w = if down { panel.at.w } else { COLUMNS / per };
        for (i, value) in (0_u32..).zip(all) {
            let at = At {
                x: if down { panel.at.x } else { (i % per) * w },
                y: y.saturating_add((i / per).saturating_mul(panel.at.h)),
                w,
                h: panel.at.h,
            };
            let mut own = own.clone();
            own.extend(alone(by, value));
            out.push(Placed { key: format!("{key}~{value}"), panel, at, own });
        }
        let more = (count.div_ceil(per) - 1).saturating_mul(panel.at.h);
        if more > 0 {
            grown.push((below(panel.at), more));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The cases that the browser is held to as well.
    const CASES: &str = include_str!("../../../../fixtures/dashboards/place.json");

    #[test]
    fn panels_stand_as_the_fixture_says() {
        let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let panels: Vec<Panel> = serde_json::from_value(case["panels"].clone()).unwrap();
            let texts = |v: &Value| -> Vec<String> { serde_json::from_value(v.clone()).unwrap() };
            let values = case["values"].as_object().unwrap().iter().map(|(name, v)| {
                (name.clone(), Chosen { values: texts(v), texts: texts(v), ..Chosen::default() })
            });
            let (placed, left_out) = place(&panels, &values.collect());
            let found: Vec<Value> = placed
                .iter()
                .map(|p| serde_json::json!([p.key, p.at.x, p.at.y, p.at.w, p.at.h]))
                .collect();
            assert_eq!(
                (Value::Array(found), left_out),
                (case["placed"].clone(), 0),
                "{}",
                case["name"]
            );
        }
    }

    #[test]
    fn copies_are_bounded_and_counted() {
        let panel = |id: u64, y: u32| Panel {
            id,
            at: At { x: 0, y, w: 24, h: 2 },
            repeat: Some(super::super::Repeat { by: "h".to_owned(), ..Default::default() }),
            ..Panel::default()
        };
        let many: Vec<String> = (0..300).map(|i| i.to_string()).collect();
        let values = Values::from([("h".to_owned(), Chosen { values: many, ..Chosen::default() })]);
        let panels: Vec<Panel> = (0..7).map(|i| panel(u64::from(i) + 1, i * 2)).collect();
        let (placed, left_out) = place(&panels, &values);
        assert_eq!((placed.len(), left_out), (PLACED_MAX, 7 * COPIES_MAX - PLACED_MAX));
    }
}
