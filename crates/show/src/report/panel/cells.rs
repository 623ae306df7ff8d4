//! Panels of cells over time: the buckets of a heat map, the states of a timeline. As the browser makes them
//! (`ui/src/pages/dashboards/kinds/cells.tsx`).

use std::collections::BTreeMap;

use plimsoll_model::Timestamp;
use serde_json::Value;

use super::look::{Mappings, judged, plain};
use super::{Colour, Format, Item, Paint, Trace};
use crate::figure::Theme;

/// Rows of a heat map.
const ROWS_MAX: usize = 100;
/// States that have a colour of their own.
const STATES_MAX: usize = 50;
/// Colours of states that nobody gave one, by order of appearance.
const COLOURS: usize = 8;

/// Rows of a heat map: buckets of a histogram, of which each holds what the one below does not, the highest first; or the
/// series as they are.
pub fn buckets(items: &[Item], traces: Vec<Trace>) -> Vec<Trace> {
    let bound = |i: &Item| match i.series.label("le") {
        "+Inf" => Some(f64::INFINITY),
        text => text.parse().ok().filter(|le: &f64| !le.is_nan()),
    };
    let bounds: Vec<f64> = items.iter().filter_map(bound).collect();
    if items.len() < 2 || bounds.len() < items.len() {
        return traces;
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| bounds[*a].total_cmp(&bounds[*b]));
    // Those of the same bound count together.
    let mut sums: Vec<(f64, BTreeMap<Timestamp, f64>)> = Vec::new();
    for i in order {
        let points = &items[i].series.points;
        match sums.last_mut().filter(|(le, _)| *le == bounds[i]) {
            Some((_, sum)) => points.iter().for_each(|(at, v)| {
                sum.entry(*at).and_modify(|s| *s += v);
            }),
            None => sums.push((bounds[i], points.iter().copied().collect())),
        }
    }
    sums.truncate(ROWS_MAX);
    let unit = items.first().map_or("short", |i| i.format.unit.as_str());
    let known = Format::named(if matches!(unit, "ops/s" | "ratio") { "short" } else { unit });
    let mut out: Vec<Trace> = Vec::with_capacity(sums.len());
    for (k, (le, sum)) in sums.iter().enumerate() {
        let below = k.checked_sub(1).map(|k| &sums[k].1);
        let own = sum.iter().filter_map(|(at, value)| match below {
            Some(below) => below.get(at).map(|b| (*at, (value - b).max(0.0))),
            None => Some((*at, *value)),
        });
        let under = k.checked_sub(1).map(|k| sums[k].0).filter(|_| le.is_infinite());
        let name = match under {
            Some(under) => format!("> {}", known.show(under)),
            None => format!("≤ {}", known.show(*le)),
        };
        out.push(Trace { name, points: own.collect(), ..Trace::default() });
    }
    out.reverse();
    out
}

/// What states there are, by their words in the order in which they appear; each trace is told which it is in, when.
pub fn states(panel: &Value, items: &[Item], traces: &mut [Trace]) -> Vec<(String, Colour)> {
    let mut all: Vec<(String, Colour)> = Vec::new();
    for (item, trace) in items.iter().zip(traces) {
        let mut newest = None;
        trace.states.clear();
        let mappings = Mappings::of(panel, &item.set);
        for (_, value) in &trace.points {
            let said = mappings.said(*value, &plain(*value));
            let (text, colour) = match said {
                Some((text, colour)) => (text, colour),
                None => (item.format.show(*value), None),
            };
            let known = all.iter().position(|(name, _)| *name == text);
            let state = known.unwrap_or_else(|| {
                if all.len() < STATES_MAX {
                    let judged = || judged(panel, &item.set, *value, (0.0, 100.0));
                    let paint = colour.map(Paint::Colour).or_else(judged);
                    let colour = paint.map_or_else(
                        || Theme::Light.trace(all.len() % COLOURS),
                        |p| p.colour(Theme::Light),
                    );
                    all.push((text.clone(), colour));
                }
                all.len() - 1
            });
            trace.states.push(state);
            newest = Some(text);
        }
        trace.told = newest;
    }
    all
}
