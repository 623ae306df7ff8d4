//! Tables: as many rows as there is room for.

use super::frame::{LABEL, Pen, SMALL};
use super::scene::Anchor;
use super::{ROWS_MAX, Rows};
use crate::text::{Face, fitted, width};

/// Height of a row.
const ROW: f64 = 20.0;
/// Between columns.
const GAP: f64 = 14.0;
/// Columns.
const COLUMNS_MAX: usize = 24;

/// The rows of a table; of traces, when it has none.
fn rows(pen: &Pen<'_>) -> Rows {
    let figure = pen.figure;
    if !figure.rows.columns.is_empty() {
        return figure.rows.clone();
    }
    let valued = figure.traces.iter().filter_map(|t| Some((t, figure.told(t)?)));
    Rows {
        columns: vec![("series".to_owned(), false), ("last".to_owned(), true)],
        rows: valued.map(|(t, told)| vec![t.name.clone(), told]).collect(),
    }
}

/// How wide the columns are: what they want, and the widest give way when that is too much.
pub fn widths(wanted: &[f64], room: f64) -> Vec<f64> {
    let sum: f64 = wanted.iter().sum();
    if sum <= room || wanted.is_empty() {
        let spare = (room - sum).max(0.0) / wanted.len().max(1) as f64;
        return wanted.iter().map(|w| w + spare).collect();
    }
    // The level at which cutting all wider ones fits.
    let (mut low, mut high) = (0.0, room);
    for _ in 0..40 {
        let level = (low + high) / 2.0;
        let total: f64 = wanted.iter().map(|w| w.min(level)).sum();
        if total > room { high = level } else { low = level }
    }
    wanted.iter().map(|w| w.min(low)).collect()
}

/// Draws it.
pub fn draw(pen: &mut Pen<'_>) {
    let Rows { columns, rows } = rows(pen);
    let columns = &columns[..columns.len().min(COLUMNS_MAX)];
    if rows.is_empty() {
        pen.nothing();
        return;
    }
    let fits = (((pen.bottom - pen.top) / ROW) as usize).saturating_sub(1).clamp(1, ROWS_MAX);
    let hidden = rows.len().saturating_sub(fits);
    let shown = &rows[..rows.len().min(fits)];
    let wanted: Vec<f64> = columns
        .iter()
        .enumerate()
        .map(|(i, (head, _))| {
            let cells = shown.iter().filter_map(|r| r.get(i));
            let cells = cells.map(|t| width(t, LABEL, Face::Regular)).fold(0.0, f64::max);
            cells.max(width(head, SMALL, Face::Bold)) + GAP
        })
        .collect();
    let widths = widths(&wanted, pen.right - pen.left);
    let theme = pen.theme;
    let row = |pen: &mut Pen<'_>, y: f64, cells: &mut dyn Iterator<Item = &str>, is_head: bool| {
        let mut x = pen.left;
        let (size, face, fill) = match is_head {
            true => (SMALL, Face::Bold, theme.soft()),
            false => (LABEL, Face::Regular, theme.ink()),
        };
        for ((text, (_, is_number)), wide) in cells.zip(columns).zip(&widths) {
            let text = fitted(text, size, face, wide - GAP + 2.0);
            let (at, anchor) = match is_number {
                true => (x + wide - GAP / 2.0, Anchor::End),
                false => (x, Anchor::Start),
            };
            pen.text((at, y), &text, size, face, (anchor, fill));
            x += wide;
        }
    };
    let top = pen.top;
    row(pen, top + 13.0, &mut columns.iter().map(|(head, _)| head.as_str()), true);
    for (i, cells) in shown.iter().enumerate() {
        let y = top + ROW * (i + 1) as f64;
        pen.line((pen.left, y), (pen.right, y), theme.grid(), 1.0);
        row(pen, y + 14.0, &mut cells.iter().map(String::as_str), false);
    }
    pen.left_out(hidden, "rows");
}
