//! Values over time: lines, areas, bars, points, stacks; bands behind, marks across, a legend with values.

use plimsoll_model::Timestamp;

use super::frame::{LABEL, PAD, Pen, SMALL, widest};
use super::scene::{Anchor, Shape};
use super::theme::Colour;
use super::{Draw, POINTS_MAX, Severity, Trace};
use crate::axis::{time_ticks_in, value_range, value_ticks};
use crate::text::{Face, fitted, width};

/// Height of a row of the legend.
const ROW: f64 = 17.0;
/// Marks that are drawn.
const MARKS_MAX: usize = 8;
/// Points in one pixel that are kept: first, least, greatest, last.
const PER_PIXEL: usize = 4;

/// A place on the plot.
type Point = (Timestamp, f64);

/// Where times and values are on the plot.
struct Plot {
    ticks: Vec<(f64, String)>,
    from: Timestamp,
    until: Timestamp,
    low: f64,
    high: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Plot {
    fn x(&self, at: Timestamp) -> f64 {
        let span = self.until.saturating_sub(self.from).max(1) as f64;
        let part = at.saturating_sub(self.from) as f64 / span;
        self.left + part.clamp(0.0, 1.0) * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        self.bottom - part.clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    fn place(&self, (at, value): &Point) -> (f64, f64) {
        (self.x(*at), self.y(*value))
    }
}

/// Draws it.
pub fn draw(pen: &mut Pen<'_>) {
    let figure = pen.figure;
    let mut series: Vec<Vec<Point>> = figure.drawn().iter().map(|t| inside(pen, t)).collect();
    if series.iter().all(Vec::is_empty) && figure.bands.is_empty() {
        pen.nothing();
        return;
    }
    let floors = if figure.is_stacked { stack(&mut series) } else { Vec::new() };
    let rows = legend(pen);
    let plot = plot(pen, &series, rows);
    grid(pen, &plot);
    bands(pen, &plot);
    match figure.draw {
        Draw::Bars => bars(pen, &plot, &series, &floors),
        Draw::Points => points(pen, &plot, &series),
        Draw::Line => lines(pen, &plot, &series, &floors),
    }
    marks(pen, &plot);
}

/// The points of a trace that are drawn.
fn inside(pen: &Pen<'_>, trace: &Trace) -> Vec<Point> {
    let newest = trace.points.len().saturating_sub(POINTS_MAX);
    let (from, until) = (pen.figure.from, pen.figure.until);
    let all = trace.points[newest..].iter().copied();
    all.filter(|(at, v)| v.is_finite() && (from..=until).contains(at)).collect()
}

/// Puts values on top of each other, time by time; what was below each is given back.
fn stack(series: &mut [Vec<Point>]) -> Vec<Vec<Point>> {
    let mut sums: std::collections::BTreeMap<Timestamp, f64> = Default::default();
    let mut floors = Vec::with_capacity(series.len());
    for points in series {
        let mut floor = Vec::with_capacity(points.len());
        for (at, value) in points {
            let sum = sums.entry(*at).or_default();
            floor.push((*at, *sum));
            *sum += *value;
            *value = *sum;
        }
        floors.push(floor);
    }
    floors
}

/// The plot, with axes that fit what is on it.
fn plot(pen: &Pen<'_>, series: &[Vec<Point>], legend_rows: usize) -> Plot {
    let figure = pen.figure;
    let seen = series.iter().flatten().map(|(_, v)| *v);
    let in_bands = figure.bands.iter().flat_map(|b| b.points.iter().flat_map(|(_, l, h)| [*l, *h]));
    let seen = seen.chain(in_bands).filter(|v| v.is_finite());
    let (min, max) =
        seen.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    // A mark is shown where it is near: one far away would press the lines together.
    let near =
        |m: &f64| m.is_finite() && *m <= max.max(0.0) * 1.5 + f64::EPSILON && *m >= min.min(0.0);
    let marks = figure.marks.iter().filter_map(|m| m.at).filter(near);
    let max = marks.fold(max, f64::max);
    let min = if figure.is_stacked || figure.draw == Draw::Bars { min.min(0.0) } else { min };
    let (mut low, mut high) = value_range(min, max);
    low = figure.min.filter(|m| m.is_finite()).unwrap_or(low);
    high = figure.max.filter(|m| m.is_finite()).unwrap_or(high);
    if high <= low {
        high = low + low.abs().max(1.0);
    }
    let top = pen.top + 4.0;
    let bottom = (pen.scene.height - 24.0 - ROW * legend_rows as f64 - 6.0).max(pen.top + 30.0);
    let ticks = ticks(pen, low, high, bottom - top);
    let wide = widest(ticks.iter().map(|(_, text)| text.as_str()), SMALL, Face::Regular);
    Plot {
        ticks,
        from: figure.from,
        until: figure.until,
        low,
        high,
        left: (PAD + wide + 8.0).min(pen.scene.width / 3.0),
        right: pen.right,
        top,
        bottom,
    }
}

/// Values of the axis with what they are called: as many as have room, and two if that is possible at all.
fn ticks(pen: &Pen<'_>, low: f64, high: f64, room: f64) -> Vec<(f64, String)> {
    let format = &pen.figure.format;
    let mut wanted = (room / 45.0).clamp(2.0, 6.0);
    let mut found = value_ticks(low, high, wanted, format.unit);
    while found.len() < 2 && wanted < 8.0 {
        wanted += 1.0;
        found = value_ticks(low, high, wanted, format.unit);
    }
    found.into_iter().map(|(value, _)| (value, format.show(value))).collect()
}

fn grid(pen: &mut Pen<'_>, plot: &Plot) {
    let figure = pen.figure;
    let theme = pen.theme;
    for (value, text) in &plot.ticks {
        let y = plot.y(*value);
        pen.line((plot.left, y), (plot.right, y), theme.grid(), 1.0);
        let text = fitted(text, SMALL, Face::Regular, plot.left - PAD - 4.0);
        let at = (plot.left - 6.0, y + 4.0);
        pen.text(at, &text, SMALL, Face::Regular, (Anchor::End, theme.soft()));
    }
    let count = ((plot.right - plot.left) / 85.0).clamp(2.0, 12.0) as i64;
    let y = plot.bottom + 15.0;
    let mut free_from = f64::NEG_INFINITY;
    for (at, text) in time_ticks_in(plot.from, plot.until, count, &figure.zone) {
        let x = plot.x(at);
        let half = width(&text, SMALL, Face::Regular) / 2.0;
        pen.line((x, plot.bottom), (x, plot.bottom + 4.0), theme.grid(), 1.0);
        if x - half < free_from || x + half > pen.scene.width {
            continue;
        }
        free_from = x + half + 8.0;
        pen.text((x, y), &text, SMALL, Face::Regular, (Anchor::Middle, theme.soft()));
    }
}

fn colour(pen: &Pen<'_>, place: usize) -> Colour {
    let own = pen.figure.traces.get(place).and_then(|t| t.colour);
    own.unwrap_or_else(|| pen.theme.trace(place))
}

/// Pieces of a line between its gaps.
fn runs<'p>(pen: &Pen<'_>, points: &'p [Point]) -> Vec<&'p [Point]> {
    let apart = match pen.figure.bridges_gaps {
        true => i64::MAX,
        false => pen.figure.step_ms.max(1).saturating_mul(2),
    };
    points.chunk_by(|(a, _), (b, _)| b.saturating_sub(*a) <= apart).collect()
}

/// At most four points of each pixel: first, least, greatest and last, so that no peak is lost.
fn thinned(plot: &Plot, run: &[Point]) -> Vec<(f64, f64)> {
    let columns = (plot.right - plot.left).max(1.0) as usize;
    if run.len() <= columns * 2 {
        return run.iter().map(|p| plot.place(p)).collect();
    }
    let mut out = Vec::with_capacity(columns * PER_PIXEL);
    for column in run.chunk_by(|(a, _), (b, _)| plot.x(*a).floor() == plot.x(*b).floor()) {
        let by = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let mut kept: Vec<&Point> =
            [column.first(), column.iter().min_by(by), column.iter().max_by(by), column.last()]
                .into_iter()
                .flatten()
                .collect();
        kept.sort_by_key(|p| p.0);
        kept.dedup();
        out.extend(kept.into_iter().map(|p| plot.place(p)));
    }
    out
}

fn lines(pen: &mut Pen<'_>, plot: &Plot, series: &[Vec<Point>], floors: &[Vec<Point>]) {
    let fill = pen.figure.fill.clamp(0.0, 1.0);
    for (i, points) in series.iter().enumerate() {
        let stroke = colour(pen, i);
        let trace = &pen.figure.traces[i];
        let mut paths = Vec::new();
        let mut begin = 0;
        for run in runs(pen, points) {
            let line = thinned(plot, run);
            if let [only] = line[..] {
                pen.add(Shape::Dot { at: only, radius: 2.0, fill: stroke });
                begin += run.len();
                continue;
            }
            if fill > 0.0 && line.len() > 1 {
                let mut area = line.clone();
                match floors.get(i).and_then(|f| f.get(begin..begin + run.len())) {
                    Some(floor) => area.extend(thinned(plot, floor).into_iter().rev()),
                    None => {
                        let base = plot.y(0.0_f64.clamp(plot.low, plot.high));
                        area.extend(
                            [line.last(), line.first()].into_iter().flatten().map(|p| (p.0, base)),
                        );
                    }
                }
                pen.add(Shape::Area { points: area, fill: stroke, opacity: fill });
            }
            begin += run.len();
            paths.push(line);
        }
        if !paths.is_empty() {
            let dash = trace.is_dashed.then_some((5.0, 4.0));
            pen.add(Shape::Lines { runs: paths, stroke, width: 1.5, dash });
        }
    }
}

fn bars(pen: &mut Pen<'_>, plot: &Plot, series: &[Vec<Point>], floors: &[Vec<Point>]) {
    let each = if pen.figure.is_stacked { 1 } else { series.len().max(1) };
    let step = plot.x(plot.from.saturating_add(pen.figure.step_ms.max(1))) - plot.left;
    let wide = (step * 0.8 / each as f64).clamp(1.0, 60.0);
    for (i, points) in series.iter().enumerate() {
        let fill = colour(pen, i);
        let slot = if pen.figure.is_stacked { 0.0 } else { i as f64 };
        for (k, point) in points.iter().enumerate() {
            let (x, y) = plot.place(point);
            let floor = floors.get(i).and_then(|f| f.get(k)).map_or(0.0, |(_, v)| *v);
            let base = plot.y(floor.clamp(plot.low, plot.high));
            let x = (x + (slot - each as f64 / 2.0) * wide).clamp(plot.left, plot.right - wide);
            let (top, high) = (y.min(base), (y - base).abs().max(0.5));
            pen.rect([x, top, wide, high], 0.0, fill);
        }
    }
}

fn points(pen: &mut Pen<'_>, plot: &Plot, series: &[Vec<Point>]) {
    for (i, points) in series.iter().enumerate() {
        let fill = colour(pen, i);
        for at in thinned(plot, points) {
            pen.add(Shape::Dot { at, radius: 1.8, fill });
        }
    }
}

fn bands(pen: &mut Pen<'_>, plot: &Plot) {
    let fill = pen.theme.soft();
    for band in &pen.figure.bands {
        let known = band.points.iter().filter(|(at, low, high)| {
            low.is_finite() && high.is_finite() && (plot.from..=plot.until).contains(at)
        });
        let known: Vec<_> = known.take(POINTS_MAX).collect();
        if known.len() < 2 {
            continue;
        }
        let upper = known.iter().map(|(at, _, high)| plot.place(&(*at, *high)));
        let lower = known.iter().rev().map(|(at, low, _)| plot.place(&(*at, *low)));
        let points = upper.chain(lower).collect();
        pen.add(Shape::Area { points, fill, opacity: 0.18 });
    }
}

fn marks(pen: &mut Pen<'_>, plot: &Plot) {
    let drawn: Vec<(f64, Severity)> =
        pen.figure.marks.iter().filter_map(|m| Some((m.at?, m.severity))).collect();
    for (at, severity) in drawn.into_iter().take(MARKS_MAX) {
        if !(plot.low..=plot.high).contains(&at) || severity == Severity::Ok {
            continue;
        }
        let (y, stroke) = (plot.y(at), pen.theme.severity(severity));
        let runs = vec![vec![(plot.left, y), (plot.right, y)]];
        pen.add(Shape::Lines { runs, stroke, width: 1.2, dash: Some((6.0, 4.0)) });
    }
}

/// Draws the legend at the bottom, one row for each trace that fits into a third of the height, in as
/// many columns as there is room for; how many rows that are.
fn legend(pen: &mut Pen<'_>) -> usize {
    let figure = pen.figure;
    let traces = figure.drawn();
    let names = traces.iter().map(|t| t.name.as_str());
    if traces.len() == 1 && names.clone().all(str::is_empty) {
        return 0;
    }
    let entry = |t: &Trace| match figure.told(t) {
        Some(told) => format!("{}  {told}", t.name),
        None => t.name.clone(),
    };
    let room = pen.right - PAD;
    let texts: Vec<String> = traces.iter().map(entry).collect();
    let wide = widest(texts.iter().map(String::as_str), SMALL, Face::Regular) + 32.0;
    let columns = ((room / wide.max(1.0)) as usize).clamp(1, 6).min(texts.len().max(1));
    let column = room / columns as f64;
    let rows_max = ((pen.scene.height / 3.0 / ROW) as usize).max(1);
    let rows = texts.len().div_ceil(columns).min(rows_max);
    let shown = rows * columns;
    let hidden = figure.traces.len().saturating_sub(shown);
    let first = pen.scene.height - 8.0 - ROW * (rows as f64 - 1.0);
    for (i, text) in texts.into_iter().take(shown).enumerate() {
        let (x, y) = (PAD + column * (i % columns) as f64, first + ROW * (i / columns) as f64);
        let fill = colour(pen, i);
        if i + 1 == shown && hidden > 0 {
            let text = format!("and {} more", hidden + 1);
            pen.text((x, y), &text, SMALL, Face::Regular, (Anchor::Start, pen.theme.soft()));
            continue;
        }
        pen.rect([x, y - 8.0, 12.0, 8.0], 2.0, fill);
        let text = pen.fitted(&text, SMALL, Face::Regular, column - 32.0);
        pen.text((x + 18.0, y), &text, SMALL, Face::Regular, (Anchor::Start, pen.theme.ink()));
    }
    if figure.title.is_empty() {
        pen.top = pen.top.max(LABEL);
    }
    rows
}
