//! The newest values, large: numbers, and numbers on arcs. Several share the room.

use super::Trace;
use super::frame::{PAD, Pen, SMALL};
use super::scene::{Anchor, Shape};
use crate::text::{Face, fitted, width};

/// Values in one figure.
const TILES_MAX: usize = 24;

/// Where each tile is: left, top, width, height.
fn tiles(pen: &Pen<'_>, count: usize) -> Vec<[f64; 4]> {
    let (wide, high) = (pen.right - pen.left, pen.bottom - pen.top);
    // As near to three times as wide as high as it gets.
    let columns = (1..=count).min_by(|a, b| {
        let off = |c: &usize| {
            let (w, h) = (wide / *c as f64, high / count.div_ceil(*c) as f64);
            (w / h.max(1.0) / 3.0).ln().abs()
        };
        off(a).total_cmp(&off(b))
    });
    let columns = columns.unwrap_or(1);
    let rows = count.div_ceil(columns).max(1);
    let (w, h) = (wide / columns as f64, high / rows as f64);
    (0..count)
        .map(|i| {
            let (column, row) = ((i % columns) as f64, (i / columns) as f64);
            [pen.left + column * w, pen.top + row * h, w, h]
        })
        .collect()
}

/// The traces with a value, or with words in its place, and what is read of them.
fn valued<'f>(pen: &Pen<'f>) -> Vec<(&'f Trace, f64, String)> {
    let figure = pen.figure;
    let all = figure.drawn().iter();
    let told = all.filter_map(|t| Some((t, t.last().unwrap_or(f64::NAN), figure.told(t)?)));
    told.take(TILES_MAX).collect()
}

fn colour(pen: &Pen<'_>, trace: &Trace) -> super::Colour {
    pen.figure.paint(trace, pen.theme).unwrap_or_else(|| pen.theme.ink())
}

/// The largest size at which a text fits.
fn size_for(text: &str, wide: f64, high: f64) -> f64 {
    let at_ten = width(text, 10.0, Face::Bold).max(1.0);
    (10.0 * wide / at_ten).min(high).clamp(9.0, 48.0).floor()
}

/// Numbers.
pub fn stat(pen: &mut Pen<'_>) {
    let values = valued(pen);
    if values.is_empty() {
        pen.nothing();
        return;
    }
    let named = values.len() > 1;
    for ([x, y, w, h], (trace, _, text)) in tiles(pen, values.len()).into_iter().zip(&values) {
        let middle = x + w / 2.0;
        let below = if named { SMALL + 6.0 } else { 0.0 };
        let size = size_for(text, w - 12.0, (h - below - 6.0).max(9.0));
        let text = fitted(text, size, Face::Bold, w - 6.0);
        let base = y + (h - below) / 2.0 + size * 0.36;
        let fill = colour(pen, trace);
        pen.text((middle, base), &text, size, Face::Bold, (Anchor::Middle, fill));
        if named {
            let name = fitted(&trace.name, SMALL, Face::Regular, w - 8.0);
            let at = (middle, y + h - 5.0);
            pen.text(at, &name, SMALL, Face::Regular, (Anchor::Middle, pen.theme.soft()));
        }
    }
    pen.left_out(pen.figure.traces.len().saturating_sub(values.len()), "values");
}

/// Numbers on arcs.
pub fn gauge(pen: &mut Pen<'_>) {
    let values = valued(pen);
    if values.is_empty() {
        pen.nothing();
        return;
    }
    let low = pen.figure.min.filter(|v| v.is_finite()).unwrap_or(0.0);
    let greatest = values.iter().map(|(_, v, _)| *v).fold(low, f64::max);
    let whole = pen.figure.format.whole();
    let usual = whole.unwrap_or_else(|| crate::axis::value_range(low, greatest).1);
    let high =
        pen.figure.max.filter(|v| v.is_finite() && *v > low).unwrap_or(usual.max(low + 1e-9));
    for ([x, y, w, h], (trace, value, text)) in tiles(pen, values.len()).into_iter().zip(&values) {
        let (low, high) = trace.bounds.unwrap_or((low, high));
        let radius = (w / 2.0 - PAD / 2.0).min((h - SMALL * 2.0) / 1.35).max(12.0);
        let (cx, cy) = (x + w / 2.0, y + radius + 4.0);
        let thick = (radius / 5.0).clamp(3.0, 16.0);
        let part = ((value - low) / (high - low)).clamp(0.0, 1.0);
        let paint = pen.figure.paint(trace, pen.theme);
        let fill = paint.unwrap_or_else(|| pen.theme.trace(0));
        let ground = pen.theme.grid();
        pen.add(arc((cx, cy), radius, thick, (0.0, 1.0), ground));
        if part > 0.0 {
            pen.add(arc((cx, cy), radius, thick, (0.0, part), fill));
        }
        for mark in &pen.figure.marks {
            let at = mark.within((low, high)).map(|at| (at - low) / (high - low));
            let Some(at) = at else { continue };
            let Some(stroke) = pen.figure.mark(mark, pen.theme) else { continue };
            if (0.0..=1.0).contains(&at) {
                let (outer, inner) =
                    (spot((cx, cy), radius + 2.0, at), spot((cx, cy), radius - thick - 2.0, at));
                pen.add(Shape::Lines {
                    runs: vec![vec![outer, inner]],
                    stroke,
                    width: 2.0,
                    dash: None,
                });
            }
        }
        let size = size_for(text, (radius - thick) * 1.5, radius * 0.5);
        let ink = colour(pen, trace);
        pen.text((cx, cy + size * 0.2), text, size, Face::Bold, (Anchor::Middle, ink));
        let name = fitted(&trace.name, SMALL, Face::Regular, w - 8.0);
        let at = (cx, (cy + radius * 0.35 + SMALL + 4.0).min(y + h - 2.0));
        pen.text(at, &name, SMALL, Face::Regular, (Anchor::Middle, pen.theme.soft()));
    }
}

/// A place on the arc, which is two thirds of a circle open below; `part` 0 to 1.
fn spot((cx, cy): (f64, f64), radius: f64, part: f64) -> (f64, f64) {
    let degrees = 150.0 + 240.0 * part;
    let (sin, cos) = degrees.to_radians().sin_cos();
    (cx + radius * cos, cy + radius * sin)
}

fn arc(
    centre: (f64, f64),
    radius: f64,
    thick: f64,
    (from, to): (f64, f64),
    fill: super::Colour,
) -> Shape {
    let steps = (((to - from) * 60.0).ceil() as usize).max(2);
    let part = |i: usize| from + (to - from) * i as f64 / steps as f64;
    let outer = (0..=steps).map(|i| spot(centre, radius, part(i)));
    let inner = (0..=steps).rev().map(|i| spot(centre, radius - thick, part(i)));
    Shape::Area { points: outer.chain(inner).collect(), fill, opacity: 1.0 }
}
