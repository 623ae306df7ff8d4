//! Load lines: how full each bounded resource is, beside its warning and critical marks, and when it is full.

use super::frame::{LABEL, Pen, SMALL, widest};
use super::scene::Anchor;
use super::{ROWS_MAX, Severity, Trace};
use crate::text::{Face, fitted};

/// Height of a row.
const ROW: f64 = 30.0;

/// Draws it: each trace is a resource, its newest value the share in use; `rows` of the figure holds
/// what follows from it: per trace a row of one cell with the forecast.
pub fn draw(pen: &mut Pen<'_>) {
    let figure = pen.figure;
    let rows: Vec<(usize, &Trace, f64, String)> = figure
        .traces
        .iter()
        .enumerate()
        .filter_map(|(i, t)| Some((i, t, t.last()?, figure.told(t)?)))
        .collect();
    if rows.is_empty() {
        pen.nothing();
        return;
    }
    let fits = (((pen.bottom - pen.top) / ROW) as usize).clamp(1, ROWS_MAX);
    let hidden = rows.len().saturating_sub(fits);
    let room = pen.right - pen.left;
    let names =
        widest(rows.iter().map(|r| r.1.name.as_str()), LABEL, Face::Regular).min(room * 0.35);
    let full = figure.max.filter(|m| *m > 0.0 && m.is_finite()).unwrap_or(1.0);
    let from = pen.left + names + 10.0;
    let to = (pen.right - 62.0).max(from + 20.0);
    let wide = to - from;
    for (k, (i, trace, value, text)) in rows.into_iter().take(fits).enumerate() {
        let y = pen.top + ROW * k as f64;
        let theme = pen.theme;
        let (low, full) = trace.bounds.unwrap_or((0.0, full));
        let share = |v: f64| (v - low) / (full - low);
        let name = fitted(&trace.name, LABEL, Face::Regular, names);
        pen.text((pen.left, y + 13.0), &name, LABEL, Face::Regular, (Anchor::Start, theme.ink()));
        pen.rect([from, y + 3.0, wide, 12.0], 3.0, theme.grid());
        let part = share(value).clamp(0.0, 1.0);
        let paint = figure.paint(trace, theme);
        let (fill, ink) = (paint.unwrap_or(theme.trace(0)), paint.unwrap_or(theme.ink()));
        if part * wide >= 0.5 {
            pen.rect([from, y + 3.0, wide * part, 12.0], 3.0, fill);
        }
        for mark in figure.marks.iter().filter(|m| m.severity != Severity::Ok) {
            let at = mark.within((low, full)).map(share);
            let Some(at) = at.filter(|at| (0.0..=1.0).contains(at)) else { continue };
            let x = from + wide * at;
            pen.line((x, y), (x, y + 18.0), theme.severity(mark.severity), 1.6);
        }
        pen.text((pen.right, y + 13.0), &text, LABEL, Face::Bold, (Anchor::End, ink));
        if let Some(told) = figure.rows.rows.get(i).and_then(|r| r.first()) {
            let told = fitted(told, SMALL, Face::Regular, pen.right - from);
            pen.text((from, y + 26.0), &told, SMALL, Face::Regular, (Anchor::Start, theme.soft()));
        }
    }
    pen.left_out(hidden, "resources");
}
