//! A histogram: how many of all values of all traces lie in each of [`BUCKETS`] parts between the least and the greatest.

use super::frame::{Pen, SMALL};
use super::scene::Anchor;
use crate::text::Face;

/// Parts, as many as in the browser.
const BUCKETS: usize = 30;

/// The least value, the width of a part, and how many values lie in each; `None` where there is no value.
fn buckets(pen: &Pen<'_>) -> Option<(f64, f64, [usize; BUCKETS])> {
    let points = pen.figure.drawn().iter().flat_map(|t| &t.points);
    let values = || points.clone().map(|(_, v)| *v).filter(|v| v.is_finite());
    let (low, high) =
        values().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if !low.is_finite() {
        return None;
    }
    let span = match high - low {
        0.0 if high == 0.0 => 1.0,
        0.0 => high.abs(),
        span => span,
    };
    let wide = span / BUCKETS as f64;
    let mut counts = [0; BUCKETS];
    values().for_each(|v| counts[(((v - low) / wide) as usize).min(BUCKETS - 1)] += 1);
    Some((low, wide, counts))
}

/// Draws it.
pub fn draw(pen: &mut Pen<'_>) {
    let Some((low, wide, counts)) = buckets(pen) else {
        pen.nothing();
        return;
    };
    let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let (bottom, fill, soft) = (pen.bottom - 16.0, pen.theme.trace(0), pen.theme.soft());
    let column = (pen.right - pen.left) / BUCKETS as f64;
    for (i, count) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
        let high = ((bottom - pen.top) * count as f64 / most).max(1.0);
        let x = pen.left + column * i as f64;
        pen.rect([x + 0.5, bottom - high, (column - 1.0).max(0.5), high], 1.0, fill);
    }
    pen.line((pen.left, bottom), (pen.right, bottom), pen.theme.grid(), 1.0);
    let format = &pen.figure.format;
    let (first, last) = (format.show(low), format.show(low + wide * BUCKETS as f64));
    let middle = format!("most: {most}");
    let y = bottom + 14.0;
    for (x, text, anchor) in [
        (pen.left, first, Anchor::Start),
        ((pen.left + pen.right) / 2.0, middle, Anchor::Middle),
        (pen.right, last, Anchor::End),
    ] {
        pen.text((x, y), &text, SMALL, Face::Regular, (anchor, soft));
    }
}
