//! A bar list: the newest value of each trace, the greatest first.

use super::frame::{LABEL, Pen, widest};
use super::scene::Anchor;
use super::{ROWS_MAX, Trace};
use crate::text::{Face, fitted};

/// Height of a row.
const ROW: f64 = 22.0;

/// Draws it.
pub fn draw(pen: &mut Pen<'_>) {
    let figure = pen.figure;
    let valued = figure.traces.iter();
    let mut rows: Vec<(&Trace, f64, String)> =
        valued.filter_map(|t| Some((t, t.last().unwrap_or(f64::NAN), figure.told(t)?))).collect();
    let rank = |v: f64| if v.is_nan() { f64::NEG_INFINITY } else { v };
    rows.sort_by(|a, b| rank(b.1).total_cmp(&rank(a.1)));
    if rows.is_empty() {
        pen.nothing();
        return;
    }
    let fits = (((pen.bottom - pen.top) / ROW) as usize).clamp(1, ROWS_MAX);
    let hidden = rows.len().saturating_sub(fits);
    rows.truncate(fits);
    let room = pen.right - pen.left;
    let values = widest(rows.iter().map(|r| r.2.as_str()), LABEL, Face::Bold);
    let names = widest(rows.iter().map(|r| r.0.name.as_str()), LABEL, Face::Regular);
    let names = names.min(room * 0.45);
    let most = |(t, v, _): &(&Trace, f64, String)| t.bounds.map_or(v.abs(), |b| b.1);
    let greatest = rows.iter().map(most).fold(0.0, f64::max);
    let own = figure.max.filter(|m| *m > 0.0 && m.is_finite());
    let full = own.filter(|_| rows.iter().all(|r| r.0.bounds.is_none())).unwrap_or(greatest);
    let (from, to) = (pen.left + names + 10.0, pen.right - values - 10.0);
    for (i, (trace, value, text)) in rows.iter().enumerate() {
        let y = pen.top + ROW * i as f64;
        let name = fitted(&trace.name, LABEL, Face::Regular, names);
        pen.text(
            (pen.left, y + 15.0),
            &name,
            LABEL,
            Face::Regular,
            (Anchor::Start, pen.theme.ink()),
        );
        let wide = (to - from).max(1.0);
        pen.rect([from, y + 5.0, wide, 12.0], 3.0, pen.theme.grid());
        let part = if full > 0.0 { (value.abs() / full).clamp(0.0, 1.0) } else { 0.0 };
        let fill = figure.paint(trace, pen.theme).or(trace.colour);
        let fill = fill.unwrap_or_else(|| pen.theme.trace(0));
        if part * wide >= 0.5 {
            pen.rect([from, y + 5.0, wide * part, 12.0], 3.0, fill);
        }
        pen.text((pen.right, y + 15.0), text, LABEL, Face::Bold, (Anchor::End, pen.theme.ink()));
    }
    pen.left_out(hidden, "are smaller");
}
