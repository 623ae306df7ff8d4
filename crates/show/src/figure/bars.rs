//! A bar list: the newest value of each trace, the greatest first.

use super::frame::{LABEL, Pen, widest};
use super::scene::Anchor;
use super::{ROWS_MAX, Severity};
use crate::text::{Face, fitted};

/// Height of a row.
const ROW: f64 = 22.0;

/// Draws it.
pub fn draw(pen: &mut Pen<'_>) {
    let figure = pen.figure;
    let valued = figure.traces.iter();
    let mut rows: Vec<(&str, f64, String)> =
        valued.filter_map(|t| Some((t.name.as_str(), t.last()?, figure.told(t)?))).collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    if rows.is_empty() {
        pen.nothing();
        return;
    }
    let fits = (((pen.bottom - pen.top) / ROW) as usize).clamp(1, ROWS_MAX);
    let hidden = rows.len().saturating_sub(fits);
    rows.truncate(fits);
    let room = pen.right - pen.left;
    let values = widest(rows.iter().map(|r| r.2.as_str()), LABEL, Face::Bold);
    let names = widest(rows.iter().map(|r| r.0), LABEL, Face::Regular).min(room * 0.45);
    let greatest = rows.iter().map(|r| r.1.abs()).fold(0.0, f64::max);
    let full = figure.max.filter(|m| *m > 0.0 && m.is_finite()).unwrap_or(greatest);
    let (from, to) = (pen.left + names + 10.0, pen.right - values - 10.0);
    for (i, (name, value, text)) in rows.iter().enumerate() {
        let y = pen.top + ROW * i as f64;
        let name = fitted(name, LABEL, Face::Regular, names);
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
        let fill = match figure.severity(*value) {
            Severity::Ok => pen.theme.trace(0),
            severity => pen.theme.severity(severity),
        };
        if part * wide >= 0.5 {
            pen.rect([from, y + 5.0, wide * part, 12.0], 3.0, fill);
        }
        pen.text((pen.right, y + 15.0), text, LABEL, Face::Bold, (Anchor::End, pen.theme.ink()));
    }
    pen.left_out(hidden, "are smaller");
}
