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

/// The value at a place and what it is called, as the only one.
fn alone(name: &str, values: &Values, i: usize) -> Values {
    let of = values.get(name).cloned().unwrap_or_default();
    let value = of.values.get(i).cloned().unwrap_or_default();
    let text = of.texts.get(i).unwrap_or(&value).clone();
    let chosen = Chosen { values: vec![value], texts: vec![text], all: false, ..of };
    Values::from([(name.to_owned(), chosen)])
}

/// How far these have to go down together to lie on nothing that is there.
fn room(group: &[Placed<'_>], there: &[Placed<'_>]) -> u32 {
    let meets =
        |a: &At, b: &At| a.x < b.x + b.w && b.x < a.x + a.w && a.y < below(*b) && b.y < below(*a);
    let mut by = 0;
    let met = |by: u32| {
        group.iter().find_map(|g| {
            let at = At { y: g.at.y.saturating_add(by), ..g.at };
            let met = there.iter().find(|p| meets(&at, &p.at))?;
            Some(below(met.at).saturating_sub(g.at.y))
        })
    };
    while let Some(next) = met(by).filter(|next| *next > by) {
        by = next;
    }
    by
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
        all => {
            let one = |(i, v): (usize, &String)| (alone(by, values, i), format!("~{v}"));
            all.iter().enumerate().map(one).collect()
        }
    }
}

/// The panels of a block with their copies, from row 0 on. What stands below a panel that grew moves down, and so does
/// what copies would lie on.
fn copies<'d>(
    panels: &[&'d Panel],
    top: u32,
    values: &Values,
    own: &Values,
    suffix: &str,
) -> Vec<Placed<'d>> {
    let mut out: Vec<Placed<'d>> = Vec::new();
    let mut grown: Vec<(u32, u32)> = Vec::new();
    let repeats = panels.iter().any(|p| p.repeat.is_some());
    let add = |mut group: Vec<Placed<'d>>, out: &mut Vec<Placed<'d>>| {
        let by = if repeats { room(&group, out) } else { 0 };
        group.iter_mut().for_each(|g| g.at.y = g.at.y.saturating_add(by));
        out.append(&mut group);
    };
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
            let once = Placed { key, panel, at: At { y, ..panel.at }, own: own.clone() };
            add(vec![once], &mut out);
            continue;
        }
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let per = if down { 1 } else { max.min(count).clamp(1, COLUMNS) };
        let w = if down { panel.at.w } else { COLUMNS / per };
        let mut group = Vec::with_capacity(all.len());
        for (i, value) in (0_u32..).zip(all) {
            let at = At {
                x: if down { panel.at.x } else { (i % per) * w },
                y: y.saturating_add((i / per).saturating_mul(panel.at.h)),
                w,
                h: panel.at.h,
            };
            let mut own = own.clone();
            own.extend(alone(by, values, i as usize));
            group.push(Placed { key: format!("{key}~{value}"), panel, at, own });
        }
        add(group, &mut out);
        let more = (count.div_ceil(per) - 1).saturating_mul(panel.at.h);
        let from = below(panel.at);
        // Those that grow beside each other make one room.
        match grown.iter_mut().find(|(other, _)| *other == from) {
            Some((_, by)) => *by = more.max(*by),
            None => grown.push((from, more)),
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
