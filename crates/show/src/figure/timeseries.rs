//! Values over time: lines, areas, bars, points, stacks; bands behind, marks across, a legend with values.

use plimsoll_model::Timestamp;

use super::frame::{LABEL, PAD, Pen, SMALL, widest};
use super::scene::{Anchor, Shape};
use super::theme::Colour;
use super::{Draw, Format, POINTS_MAX, Severity, Trace};
use crate::axis::{time_ticks_in, value_range, value_ticks};
use crate::text::{Face, fitted, width};

/// Height of a row of the legend.
const ROW: f64 = 17.0;
/// Marks that are drawn.
const MARKS_MAX: usize = 8;
/// Points in one pixel that are kept: first, least, greatest, last.
const PER_PIXEL: usize = 4;
/// From so many lines on they are thin, as in the browser.
const MANY_LINES: usize = 8;
/// How dark the parts of a stack are, unless it is said.
const STACK_FILL: f64 = 0.4;

/// A place on the plot.
type Point = (Timestamp, f64);

/// Where values are on an axis.
struct Scale {
    low: f64,
    high: f64,
    /// The base, where equal lengths are equal ratios.
    log: Option<f64>,
    ticks: Vec<(f64, String)>,
}

impl Scale {
    /// How far up, 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let part = match self.log {
            Some(_) => {
                let (low, high) = (self.low.ln(), self.high.ln());
                (value.max(self.low).ln() - low) / (high - low)
            }
            None => (value - self.low) / (self.high - self.low),
        };
        part.clamp(0.0, 1.0)
    }

    /// Where what grows from nothing begins.
    fn ground(&self) -> f64 {
        0.0_f64.clamp(self.low, self.high)
    }
}

/// Where times and values are on the plot.
struct Plot {
    /// Axes to the left and to the right, which only lines have that are measured there.
    scales: [Scale; 2],
    from: Timestamp,
    until: Timestamp,
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

    fn y(&self, value: f64, side: Side) -> f64 {
        self.bottom - self.scales[side as usize].part(value) * (self.bottom - self.top)
    }

    fn place(&self, (at, value): &Point, side: Side) -> (f64, f64) {
        (self.x(*at), self.y(*value, side))
    }
}

/// On which axis a line is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left = 0,
    Right = 1,
}

/// A line as it is drawn.
struct Line {
    points: Vec<Point>,
    /// What it stands on, point by point, in a stack.
    floor: Vec<Point>,
    side: Side,
    draw: Draw,
    fill: f64,
    width: f64,
    dash: Option<(f64, f64)>,
    colour: Colour,
}

/// Draws it.
pub fn draw(pen: &mut Pen<'_>) {
    let mut lines: Vec<Line> =
        (0..pen.figure.drawn().len()).map(|place| line(pen, place)).collect();
    if lines.iter().all(|l| l.points.is_empty()) && pen.figure.bands.is_empty() {
        pen.nothing();
        return;
    }
    if pen.figure.is_stacked {
        let traces = pen.figure.drawn().iter();
        let on = lines.iter_mut().zip(traces).filter(|(_, t)| !t.line.is_apart);
        stack(on.map(|(line, _)| line).collect());
    }
    let rows = legend(pen);
    let plot = plot(pen, &lines, rows);
    zones(pen, &plot);
    grid(pen, &plot);
    bands(pen, &plot);
    for line in &lines {
        match line.draw {
            Draw::Bars => bars(pen, &plot, line),
            Draw::Points => points(pen, &plot, line),
            Draw::Line => course(pen, &plot, line),
        }
    }
    marks(pen, &plot);
}

/// What is drawn of a trace.
fn line(pen: &Pen<'_>, place: usize) -> Line {
    let figure = pen.figure;
    let trace = &figure.traces[place];
    let number = trace.place.unwrap_or(place);
    let is_many = figure.is_stacked || figure.traces.len() > MANY_LINES;
    let on_stack = figure.is_stacked && !trace.line.is_apart;
    let usual = if on_stack { figure.fill.max(STACK_FILL) } else { figure.fill };
    let mut points = inside(pen, trace);
    if figure.log.is_some() {
        points.retain(|(_, v)| *v > 0.0);
    }
    Line {
        points,
        floor: Vec::new(),
        side: if trace.line.right.is_some() { Side::Right } else { Side::Left },
        draw: trace.line.draw.unwrap_or(figure.draw),
        fill: trace.line.fill.unwrap_or(usual).clamp(0.0, 1.0),
        width: trace.line.width.unwrap_or(if is_many { 1.0 } else { 1.5 }).clamp(0.5, 20.0),
        // Lines of one colour are told apart.
        dash: match number {
            _ if trace.is_dashed => Some((5.0, 4.0)),
            0..8 => None,
            8..16 => Some((6.0, 3.0)),
            _ => Some((2.0, 3.0)),
        },
        colour: colour(pen, place),
    }
}

/// The points of a trace that are drawn.
fn inside(pen: &Pen<'_>, trace: &Trace) -> Vec<Point> {
    let newest = trace.points.len().saturating_sub(POINTS_MAX);
    let (from, until) = (pen.figure.from, pen.figure.until);
    let all = trace.points[newest..].iter().copied();
    all.filter(|(at, v)| v.is_finite() && (from..=until).contains(at)).collect()
}

/// Puts values on top of each other, time by time: where one has none it adds nothing.
fn stack(lines: Vec<&mut Line>) {
    let times = lines.iter().flat_map(|l| l.points.iter().map(|(at, _)| (*at, 0.0)));
    let mut sums: std::collections::BTreeMap<Timestamp, f64> = times.collect();
    for line in lines {
        line.floor = sums.iter().map(|(at, sum)| (*at, *sum)).collect();
        for (at, value) in &line.points {
            *sums.entry(*at).or_default() += value;
        }
        line.points = sums.iter().map(|(at, sum)| (*at, *sum)).collect();
    }
}

/// The least and the greatest value that is seen on a side.
fn seen(pen: &Pen<'_>, lines: &[Line], side: Side) -> (f64, f64) {
    let figure = pen.figure;
    let values = lines.iter().filter(|l| l.side == side).flat_map(|l| &l.points).map(|(_, v)| *v);
    let bands = figure.bands.iter().filter(|_| side == Side::Left);
    let in_bands = bands.flat_map(|b| b.points.iter().flat_map(|(_, l, h)| [*l, *h]));
    let all = values.chain(in_bands).filter(|v| v.is_finite());
    all.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
}

/// Full powers around what is seen.
fn log_range((min, max): (f64, f64), base: f64) -> (f64, f64) {
    if !(min.is_finite() && min > 0.0) {
        return (1.0, base);
    }
    let power = |v: f64| v.ln() / base.ln();
    let (low, high) = ((power(min) + 1e-9).floor(), (power(max) - 1e-9).ceil());
    (base.powf(low), base.powf(high.max(low + 1.0)))
}

/// An axis that fits what is measured on it. Its bounds hold for the left one, as in the browser.
fn scale(pen: &Pen<'_>, lines: &[Line], side: Side, room: f64) -> Scale {
    let figure = pen.figure;
    let (min, max) = seen(pen, lines, side);
    let own = lines.iter().zip(&figure.traces).find(|(l, _)| l.side == side);
    let right = own.and_then(|(_, t)| t.line.right.as_ref());
    let format = right.unwrap_or(&figure.format);
    if let Some(base) = figure.log {
        let (low, high) = log_range((min, max), base);
        return Scale { low, high, log: Some(base), ticks: powers(low, high, base, room, format) };
    }
    // A mark is shown where it is near: one far away would press the lines together.
    let near =
        |m: &f64| m.is_finite() && *m <= max.max(0.0) * 1.5 + f64::EPSILON && *m >= min.min(0.0);
    let marks = figure.marks.iter().filter(|_| side == Side::Left).filter_map(|m| m.at);
    let max = marks.filter(near).fold(max, f64::max);
    let from_zero = figure.is_stacked || lines.iter().any(|l| l.draw == Draw::Bars);
    let (mut low, mut high) = value_range(if from_zero { min.min(0.0) } else { min }, max);
    if side == Side::Left {
        low = figure.min.filter(|m| m.is_finite()).unwrap_or(low);
        high = figure.max.filter(|m| m.is_finite()).unwrap_or(high);
    }
    if high <= low {
        high = low + low.abs().max(1.0);
    }
    Scale { low, high, log: None, ticks: ticks(low, high, room, format) }
}

/// The plot, with axes that fit what is on it.
fn plot(pen: &Pen<'_>, lines: &[Line], legend_rows: usize) -> Plot {
    let figure = pen.figure;
    let top = pen.top + 4.0;
    let bottom = (pen.scene.height - 24.0 - ROW * legend_rows as f64 - 6.0).max(pen.top + 30.0);
    let mut scales = [Side::Left, Side::Right].map(|side| scale(pen, lines, side, bottom - top));
    let is_right = |l: &Line| l.side == Side::Right;
    if !lines.iter().any(is_right) {
        scales[1].ticks.clear();
    } else if lines.iter().all(is_right) && figure.bands.is_empty() {
        scales[0].ticks.clear();
    }
    let room = |scale: &Scale| match scale.ticks.is_empty() {
        true => 0.0,
        false => widest(scale.ticks.iter().map(|(_, t)| t.as_str()), SMALL, Face::Regular) + 8.0,
    };
    let most = pen.scene.width / 3.0;
    let (left, right) = ((PAD + room(&scales[0])).min(most), room(&scales[1]).min(most - PAD));
    Plot {
        scales,
        from: figure.from,
        until: figure.until,
        left,
        right: pen.right - right,
        top,
        bottom,
    }
}

/// Values of the axis with what they are called: as many as have room, fewer where the decimals do not write them as
/// they are, and two if that is possible at all.
fn ticks(low: f64, high: f64, room: f64, format: &Format) -> Vec<(f64, String)> {
    let mut wanted = (room / 45.0).clamp(2.0, 6.0);
    let mut found = value_ticks(low, high, wanted, format.scale());
    if let Some(decimals) = format.decimals {
        let finer = Format { decimals: Some(decimals + FINER), ..format.clone() };
        let is_so = |v: f64| number_of(&format.show(v)) == number_of(&finer.show(v));
        let mut fewer = wanted;
        while fewer > 0.5 {
            let all = value_ticks(low, high, fewer, format.scale());
            if all.len() > 1 && all.iter().all(|(v, _)| is_so(*v)) {
                return told_apart(all.into_iter().map(|(value, _)| value).collect(), format);
            }
            fewer *= 0.8;
        }
    }
    while found.len() < 2 && wanted < 8.0 {
        wanted += 1.0;
        found = value_ticks(low, high, wanted, format.scale());
    }
    told_apart(found.into_iter().map(|(value, _)| value).collect(), format)
}

/// So many more decimals show whether fewer leave something out.
const FINER: usize = 4;

/// The number at the beginning of what a value is called.
fn number_of(text: &str) -> Option<f64> {
    let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].parse().ok()
}

/// More decimals than this tell nothing apart.
const DECIMALS_MAX: usize = 6;

/// What values of an axis are called: with more decimals where they would be called alike; those that still are, are
/// left out. As `valueLabels` of the browser.
fn told_apart(values: Vec<f64>, format: &Format) -> Vec<(f64, String)> {
    let named =
        |format: &Format| -> Vec<String> { values.iter().map(|v| format.show(*v)).collect() };
    let is_apart = |texts: &[String]| texts.windows(2).all(|w| w[0] != w[1]);
    let mut texts = named(format);
    for decimals in 1..=DECIMALS_MAX {
        if format.decimals.is_some() || is_apart(&texts) {
            break;
        }
        texts = named(&Format { decimals: Some(decimals), ..format.clone() });
    }
    let mut out: Vec<(f64, String)> = Vec::with_capacity(values.len());
    for (value, text) in values.iter().zip(texts) {
        if out.last().is_none_or(|(_, before)| *before != text) {
            out.push((*value, text));
        }
    }
    out
}

/// The powers of the base between the ends, those that have room; of few tens also their doubles and fives.
fn powers(low: f64, high: f64, base: f64, room: f64, format: &Format) -> Vec<(f64, String)> {
    let count = ((high / low).ln() / base.ln()).round().clamp(1.0, 2_000.0);
    let fits = (room / 22.0).clamp(2.0, 12.0);
    let every = (count / fits).ceil().max(1.0) as usize;
    let between: &[f64] =
        if base == 10.0 && count * 3.0 <= fits { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let powers = (0..=count as usize).step_by(every).map(|k| low * base.powf(k as f64));
    let all = powers.flat_map(|p| between.iter().map(move |b| p * b));
    let inside = all.filter(|v| *v <= high * (1.0 + 1e-9));
    inside.map(|value| (value, format.show(value))).collect()
}

fn grid(pen: &mut Pen<'_>, plot: &Plot) {
    let figure = pen.figure;
    let theme = pen.theme;
    let [left, right] = &plot.scales;
    let is_alone = left.ticks.is_empty();
    for (value, text) in &left.ticks {
        let y = plot.y(*value, Side::Left);
        pen.line((plot.left, y), (plot.right, y), theme.grid(), 1.0);
        let text = fitted(text, SMALL, Face::Regular, plot.left - PAD - 4.0);
        let at = (plot.left - 6.0, y + 4.0);
        pen.text(at, &text, SMALL, Face::Regular, (Anchor::End, theme.soft()));
    }
    for (value, text) in &right.ticks {
        let y = plot.y(*value, Side::Right);
        if is_alone {
            pen.line((plot.left, y), (plot.right, y), theme.grid(), 1.0);
        }
        let text = fitted(text, SMALL, Face::Regular, pen.right - plot.right - 4.0);
        let at = (plot.right + 6.0, y + 4.0);
        pen.text(at, &text, SMALL, Face::Regular, (Anchor::Start, theme.soft()));
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
    let trace = pen.figure.traces.get(place);
    let own = trace.and_then(|t| t.colour);
    own.unwrap_or_else(|| pen.theme.trace(trace.and_then(|t| t.place).unwrap_or(place)))
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
fn thinned(plot: &Plot, run: &[Point], side: Side) -> Vec<(f64, f64)> {
    let columns = (plot.right - plot.left).max(1.0) as usize;
    if run.len() <= columns * 2 {
        return run.iter().map(|p| plot.place(p, side)).collect();
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
        out.extend(kept.into_iter().map(|p| plot.place(p, side)));
    }
    out
}

fn course(pen: &mut Pen<'_>, plot: &Plot, of: &Line) {
    let side = of.side;
    let mut paths = Vec::new();
    let mut begin = 0;
    for run in runs(pen, &of.points) {
        let line = thinned(plot, run, side);
        let floor = of.floor.get(begin..begin + run.len());
        begin += run.len();
        if let [only] = line[..] {
            pen.add(Shape::Dot { at: only, radius: 2.0, fill: of.colour });
            continue;
        }
        if of.fill > 0.0 && line.len() > 1 {
            let mut area = line.clone();
            match floor {
                Some(floor) => area.extend(thinned(plot, floor, side).into_iter().rev()),
                None => {
                    let base = plot.y(plot.scales[side as usize].ground(), side);
                    let ends = [line.last(), line.first()];
                    area.extend(ends.into_iter().flatten().map(|p| (p.0, base)));
                }
            }
            pen.add(Shape::Area { points: area, fill: of.colour, opacity: of.fill });
        }
        paths.push(line);
    }
    if !paths.is_empty() {
        let (stroke, width, dash) = (of.colour, of.width, of.dash);
        pen.add(Shape::Lines { runs: paths, stroke, width, dash });
    }
}

/// Bars around their times, of several series one over the other; what is below is seen through those that are not dark.
fn bars(pen: &mut Pen<'_>, plot: &Plot, of: &Line) {
    let step = plot.x(plot.from.saturating_add(pen.figure.step_ms.max(1))) - plot.left;
    let wide = (step * 0.8).clamp(1.0, 60.0);
    let ground = plot.scales[of.side as usize].ground();
    for (k, point) in of.points.iter().enumerate() {
        let (x, y) = plot.place(point, of.side);
        let base = plot.y(of.floor.get(k).map_or(ground, |(_, v)| *v), of.side);
        let left = (x - wide / 2.0).max(plot.left);
        let right = (x + wide / 2.0).min(plot.right);
        let at = [left, y.min(base), (right - left).max(0.5), (y - base).abs().max(0.5)];
        let opacity = if wide < 4.0 { 1.0 } else { of.fill };
        if opacity > 0.0 {
            pen.add(Shape::Rect { at, round: 0.0, fill: of.colour, opacity });
        }
        if wide >= 4.0 {
            let corners = [(left, base), (left, y), (right, y), (right, base), (left, base)];
            let (stroke, width) = (of.colour, of.width);
            pen.add(Shape::Lines { runs: vec![corners.to_vec()], stroke, width, dash: None });
        }
    }
}

fn points(pen: &mut Pen<'_>, plot: &Plot, of: &Line) {
    for at in thinned(plot, &of.points, of.side) {
        pen.add(Shape::Dot { at, radius: 2.0, fill: of.colour });
    }
}

/// The ground between a mark that something is bad and the next one.
fn zones(pen: &mut Pen<'_>, plot: &Plot) {
    let bad = |m: &&super::Mark| matches!(m.severity, Severity::Warning | Severity::Critical);
    let bad: Vec<_> = pen.figure.marks.iter().filter(bad).filter(|m| m.at.is_some()).collect();
    for (i, mark) in bad.iter().enumerate().take(MARKS_MAX) {
        let from = plot.y(mark.at.unwrap_or_default(), Side::Left);
        let next = bad.get(i + 1).and_then(|m| m.at);
        let to = next.map_or(plot.top, |at| plot.y(at, Side::Left));
        let Some(fill) = pen.figure.mark(mark, pen.theme).filter(|_| from - to > 0.5) else {
            continue;
        };
        let at = [plot.left, to, plot.right - plot.left, from - to];
        pen.add(Shape::Rect { at, round: 0.0, fill, opacity: 0.08 });
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
        let upper = known.iter().map(|(at, _, high)| plot.place(&(*at, *high), Side::Left));
        let lower = known.iter().rev().map(|(at, low, _)| plot.place(&(*at, *low), Side::Left));
        let points = upper.chain(lower).collect();
        pen.add(Shape::Area { points, fill, opacity: 0.18 });
    }
}

fn marks(pen: &mut Pen<'_>, plot: &Plot) {
    let scale = &plot.scales[0];
    let figure = pen.figure;
    let drawn = figure.marks.iter().filter_map(|m| Some((m.at?, figure.mark(m, pen.theme)?)));
    let drawn: Vec<(f64, Colour)> = drawn.take(MARKS_MAX).collect();
    for (at, stroke) in drawn {
        if !(scale.low..=scale.high).contains(&at) || scale.ticks.is_empty() {
            continue;
        }
        let y = plot.y(at, Side::Left);
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
    if figure.is_unnamed {
        return 0;
    }
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

#[cfg(test)]
mod tests {
    use super::super::{Figure, LineLook, Mark, Theme};
    use super::*;

    #[test]
    fn values_of_an_axis_are_called_apart_or_once() {
        let texts = |values: &[f64], format: Format| -> Vec<String> {
            told_apart(values.to_vec(), &format).into_iter().map(|(_, text)| text).collect()
        };
        let narrow = texts(&[10.61, 10.62, 10.63], Format::named("ops/s"));
        assert_eq!(narrow, ["10.61/s", "10.62/s", "10.63/s"]);
        assert_eq!(texts(&[0.0, 5.0, 10.0], Format::named("short")), ["0", "5", "10"]);
        let axis = |high: f64, unit: &str, decimals: f64| -> Vec<String> {
            let format = Format::named(unit).with_decimals(Some(decimals));
            ticks(0.0, high, 250.0, &format).into_iter().map(|(v, t)| format!("{v} {t}")).collect()
        };
        assert_eq!(axis(1.0, "none", 0.0), ["0 0", "1 1"]);
        assert_eq!(axis(0.2, "none", 1.0), ["0 0.0", "0.1 0.1", "0.2 0.2"]);
        assert_eq!(axis(8.8, "none", 0.0), ["0 0", "2 2", "4 4", "6 6", "8 8"]);
        let gib = f64::from(1 << 30);
        let bytes = axis(2.2 * gib, "bytes", 0.0);
        assert_eq!(bytes.len(), 3, "{bytes:?}");
        assert!(bytes[2].ends_with(" 2 GiB"), "{bytes:?}");
    }

    fn trace(name: &str, values: &[f64], line: LineLook) -> Trace {
        let points = values.iter().enumerate().map(|(i, v)| (i as i64 * 60_000, *v)).collect();
        Trace { name: name.to_owned(), points, line, ..Trace::default() }
    }

    fn figure(traces: Vec<Trace>) -> Figure {
        Figure { until: 240_000, step_ms: 60_000, traces, ..Figure::default() }
    }

    /// What is drawn, and the texts that end left of the plot and begin right of it.
    fn drawn(figure: &Figure) -> (Vec<Shape>, Vec<String>, Vec<String>) {
        let shapes = figure.draw(600.0, 300.0, Theme::Light).shapes;
        let texts = |wanted: Anchor, beyond: f64| -> Vec<String> {
            let all = shapes.iter().filter_map(|s| match s {
                Shape::Text { at, text, anchor, .. } if *anchor == wanted && at.0 > beyond => {
                    Some(text.clone())
                }
                _ => None,
            });
            all.collect()
        };
        let (left, right) = (texts(Anchor::End, 0.0), texts(Anchor::Start, 300.0));
        (shapes, left, right)
    }

    #[test]
    fn an_axis_to_the_right_has_its_own_unit_and_range() {
        let right = LineLook { right: Some(Format::named("bytes")), ..LineLook::default() };
        let mut f = figure(vec![
            trace("a", &[10.0, 20.0, 30.0], LineLook::default()),
            trace("b", &[2e9, 3e9, 4e9], right),
        ]);
        f.is_unnamed = true;
        let (shapes, left, right) = drawn(&f);
        assert_eq!(left, ["0", "10", "20", "30"]);
        assert_eq!(right, ["0 B", "1 GiB", "2 GiB", "3 GiB", "4 GiB"]);
        // Both fill the height: one is not pressed to the ground by the other.
        let tops = shapes.iter().filter_map(|s| match s {
            Shape::Lines { runs, width: 1.5, .. } => runs[0].iter().map(|p| p.1).reduce(f64::min),
            _ => None,
        });
        let tops: Vec<f64> = tops.collect();
        assert!(tops.len() == 2 && (tops[0] - tops[1]).abs() < 20.0, "{tops:?}");
        f.traces.remove(0);
        assert_eq!(drawn(&f).1, [] as [&str; 0], "nothing is measured on the left");
    }

    #[test]
    fn equal_ratios_are_equal_lengths_on_a_logarithmic_axis() {
        let mut f = figure(vec![trace("a", &[1.0, 10.0, 100.0, 0.0, 1000.0], LineLook::default())]);
        (f.is_unnamed, f.log, f.bridges_gaps) = (true, Some(10.0), true);
        let (shapes, left, _) = drawn(&f);
        assert_eq!(left, ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1 k"]);
        let run = shapes.iter().find_map(|s| match s {
            Shape::Lines { runs, width: 1.5, .. } => Some(runs[0].clone()),
            _ => None,
        });
        let ys: Vec<f64> = run.unwrap().iter().map(|p| p.1).collect();
        assert_eq!(ys.len(), 4, "nothing and less has no place there");
        let steps: Vec<f64> = ys.windows(2).map(|w| w[0] - w[1]).collect();
        assert!(steps.iter().all(|s| (s - steps[0]).abs() < 1e-6 && *s > 0.0), "{steps:?}");
        f.log = Some(2.0);
        f.traces = vec![trace("a", &[3.0, 200.0], LineLook::default())];
        assert_eq!(drawn(&f).1, ["2", "4", "8", "16", "32", "64", "128", "256"]);
        f.traces = vec![trace("a", &[-1.0, 0.0], LineLook::default())];
        assert!(drawn(&f).2.is_empty());
    }

    #[test]
    fn each_line_is_drawn_as_it_is_said() {
        let look = |draw, fill, width| LineLook { draw, fill, width, ..LineLook::default() };
        let mut f = figure(vec![
            trace("bars", &[1.0, 2.0], look(Some(Draw::Bars), Some(0.5), None)),
            trace("points", &[1.0, 2.0, 3.0], look(Some(Draw::Points), None, None)),
            trace("line", &[3.0, 2.0], look(None, Some(0.25), Some(4.0))),
        ]);
        f.is_unnamed = true;
        f.marks = vec![Mark {
            at: Some(2.0),
            is_part: false,
            severity: Severity::Critical,
            colour: None,
        }];
        let (shapes, ..) = drawn(&f);
        let count = |of: &dyn Fn(&Shape) -> bool| shapes.iter().filter(|s| of(s)).count();
        assert_eq!(count(&|s| matches!(s, Shape::Rect { opacity: 0.5, .. })), 2);
        assert_eq!(count(&|s| matches!(s, Shape::Dot { .. })), 3);
        assert_eq!(count(&|s| matches!(s, Shape::Area { opacity: 0.25, .. })), 1);
        assert_eq!(count(&|s| matches!(s, Shape::Lines { width: 4.0, .. })), 1);
        assert_eq!(count(&|s| matches!(s, Shape::Rect { opacity: 0.08, .. })), 1, "a zone");
    }

    #[test]
    fn a_stack_counts_what_is_missing_as_nothing() {
        let mut f = figure(vec![
            trace("a", &[1.0, f64::NAN, 1.0], LineLook::default()),
            trace("b", &[1.0, 1.0, 1.0], LineLook::default()),
            trace("c", &[5.0, 5.0, 5.0], LineLook { is_apart: true, ..LineLook::default() }),
        ]);
        (f.is_unnamed, f.is_stacked) = (true, true);
        let pen = Pen::new(&f, 600.0, 300.0, Theme::Light);
        let mut lines: Vec<Line> = (0..2).map(|i| line(&pen, i)).collect();
        stack(lines.iter_mut().collect());
        let values = |of: &[Point]| of.iter().map(|(_, v)| *v).collect::<Vec<_>>();
        assert_eq!(values(&lines[0].points), [1.0, 0.0, 1.0]);
        assert_eq!(values(&lines[1].points), [2.0, 1.0, 2.0]);
        assert_eq!(values(&lines[1].floor), [1.0, 0.0, 1.0]);
        let areas = drawn(&f).0.into_iter().filter(|s| matches!(s, Shape::Area { .. })).count();
        assert_eq!(areas, 2, "what stands apart has no ground");
    }
}
