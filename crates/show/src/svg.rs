//! A chart as SVG. Numbers are written with one decimal, so that the same chart gives the same text.

use std::fmt::Write as _;

use plimsoll_model::{CHART_LINES_MAX, CHART_POINTS_MAX, Chart, Line, Role, Timestamp};

use crate::axis::{time_ticks, value_range, value_ticks};
use crate::text::{Face, escaped, fitted, width};

/// Width of a chart.
pub const WIDTH: f64 = 640.0;
/// Height of a chart; each row of the legend beyond the first adds to it.
pub const HEIGHT: f64 = 320.0;

const PAD: f64 = 16.0;
const TOP: f64 = 68.0;
/// Height of a row of the legend.
const ROW: f64 = 22.0;
/// From the plot's lower edge to the picture's, with one row of the legend.
const BELOW: f64 = 62.0;
const LEVELS_MAX: usize = 12;
const SPANS_MAX: usize = 50;

const INK: &str = "#14202a";
const SOFT: &str = "#53626d";
const GRID: &str = "#e6ebee";
const ALARM: &str = "#b3261e";
const ALARM_GROUND: &str = "#fde7e5";
const DAY: &str = "#7d8b94";
const WEEK: &str = "#a3b0b8";
/// Colours of the subject's lines, as the browser application has them.
const COLOURS: [&str; CHART_LINES_MAX] =
    ["#2680c2", "#d9622b", "#2a9360", "#9b6fd3", "#b8860b", "#d64f87", "#1a97a6", "#8a7a66"];

const SMALL: f64 = 13.0;
const LABEL: f64 = 14.0;
const TITLE: f64 = 18.0;
const READING: f64 = 26.0;

/// A chart as SVG.
pub fn svg(chart: &Chart) -> String {
    Drawing::new(chart).draw()
}

/// The place of the plot and what its axes mean.
struct Drawing<'c> {
    chart: &'c Chart,
    lines: Vec<(&'c Line, &'static str)>,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
    left: f64,
    right: f64,
    bottom: f64,
    legend: Vec<Vec<Entry>>,
    out: String,
}

/// An entry of the legend.
struct Entry {
    name: String,
    colour: &'static str,
    dash: &'static str,
    x: f64,
}

impl<'c> Drawing<'c> {
    fn new(chart: &'c Chart) -> Self {
        let lines = coloured(chart);
        let levels = chart.levels.iter().take(LEVELS_MAX).map(|l| l.value);
        let seen = lines.iter().flat_map(|(l, _)| points(chart, l).map(|(_, v)| v));
        let seen = seen.chain(levels.filter(|v| v.is_finite()));
        let (min, max) =
            seen.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let (low, high) = value_range(min, max);
        let ticks = value_ticks(low, high, 4.0, chart.unit);
        let widest = ticks.iter().map(|(_, t)| width(t, LABEL, Face::Regular)).fold(0.0, f64::max);
        let legend = legend(&lines);
        let bottom = HEIGHT - BELOW;
        Self {
            chart,
            lines,
            low,
            high,
            ticks,
            left: (PAD + widest + 10.0).min(160.0),
            right: WIDTH - PAD,
            bottom,
            legend,
            out: String::with_capacity(8 << 10),
        }
    }

    fn x(&self, at: Timestamp) -> f64 {
        let span = (self.chart.until.saturating_sub(self.chart.from)).max(1) as f64;
        let part = at.saturating_sub(self.chart.from) as f64 / span;
        self.left + part.clamp(0.0, 1.0) * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        self.bottom - part.clamp(0.0, 1.0) * (self.bottom - TOP)
    }

    fn draw(mut self) -> String {
        let rows = self.legend.len().max(1) - 1;
        let height = HEIGHT + ROW * rows as f64;
        let title = escaped(&self.chart.title);
        self.put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             font-family=\"Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif\">\n\
             <title>{title}</title>\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        ));
        self.head();
        self.spans();
        self.grid();
        self.area();
        self.lines();
        self.levels();
        self.foot();
        self.out.push_str("</svg>\n");
        self.out
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _always = self.out.write_fmt(what);
    }

    /// A text; `anchor` is `start`, `middle` or `end`.
    fn text(&mut self, at: (f64, f64), text: &str, size: f64, face: Face, look: (&str, &str)) {
        let (anchor, fill) = look;
        let weight = if face == Face::Bold { " font-weight=\"600\"" } else { "" };
        let anchor = match anchor {
            "start" => String::new(),
            other => format!(" text-anchor=\"{other}\""),
        };
        let text = escaped(text);
        let (x, y) = at;
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\"{weight}{anchor} fill=\"{fill}\">{text}</text>\n"
        ));
    }

    /// Title, what is drawn, and the newest value.
    fn head(&mut self) {
        let chart = self.chart;
        let mut room = self.right - PAD;
        if let Some(value) = chart.newest() {
            let text = chart.unit.show(value);
            let fill = if chart.is_alarming { ALARM } else { INK };
            self.text((self.right, 38.0), &text, READING, Face::Bold, ("end", fill));
            room -= width(&text, READING, Face::Bold) + 24.0;
        }
        let title = fitted(&chart.title, TITLE, Face::Bold, room);
        self.text((PAD, 30.0), &title, TITLE, Face::Bold, ("start", INK));
        let subtitle = fitted(&chart.subtitle, SMALL, Face::Regular, room);
        self.text((PAD, 50.0), &subtitle, SMALL, Face::Regular, ("start", SOFT));
    }

    fn spans(&mut self) {
        let chart = self.chart;
        for (from, until) in chart.spans.iter().take(SPANS_MAX) {
            if *until < chart.from || *from > chart.until {
                continue;
            }
            let (x, end) = (self.x(*from), self.x(*until));
            let (wide, high) = ((end - x).max(2.0), self.bottom - TOP);
            self.put(format_args!(
                "<rect x=\"{x:.1}\" y=\"{TOP}\" width=\"{wide:.1}\" height=\"{high:.1}\" fill=\"{ALARM_GROUND}\"/>\n"
            ));
        }
    }

    fn grid(&mut self) {
        let (left, right, bottom) = (self.left, self.right, self.bottom);
        for (value, label) in std::mem::take(&mut self.ticks) {
            let y = self.y(value);
            let colour = if value == 0.0 { WEEK } else { GRID };
            self.put(format_args!(
                "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"{colour}\"/>\n"
            ));
            let at = (left - 8.0, y + LABEL * 0.36);
            self.text(at, &label, LABEL, Face::Regular, ("end", SOFT));
        }
        for (at, label) in time_ticks(self.chart.from, self.chart.until, 6) {
            let x = self.x(at);
            self.put(format_args!("<path d=\"M{x:.1} {bottom:.1}v4\" stroke=\"{WEEK}\"/>\n"));
            let half = width(&label, LABEL, Face::Regular) / 2.0;
            let x = x.clamp(left, right - half);
            self.text((x, bottom + 21.0), &label, LABEL, Face::Regular, ("middle", SOFT));
        }
    }

    /// A light ground below the only line of the subject.
    fn area(&mut self) {
        let mut subjects = self.lines.iter().filter(|(l, _)| l.role == Role::Subject);
        let (Some((line, colour)), None) = (subjects.next().copied(), subjects.next()) else {
            return;
        };
        let floor = self.y(if self.low <= 0.0 && self.high >= 0.0 { 0.0 } else { self.low });
        for run in runs(self.chart, line).into_iter().filter(|run| run.len() > 1) {
            let (first, last) = (self.x(run[0].0), self.x(run[run.len() - 1].0));
            let path = self.path(&run);
            self.put(format_args!(
                "<path d=\"{path}L{last:.1} {floor:.1}L{first:.1} {floor:.1}Z\" fill=\"{colour}\" fill-opacity=\"0.1\"/>\n"
            ));
        }
    }

    fn path(&self, run: &[(Timestamp, f64)]) -> String {
        let mut path = String::with_capacity(run.len() * 12);
        for (i, (at, value)) in run.iter().enumerate() {
            let step = if i == 0 { 'M' } else { 'L' };
            let _always = write!(path, "{step}{:.1} {:.1}", self.x(*at), self.y(*value));
        }
        path
    }

    /// The past first, so that the present lies above it.
    fn lines(&mut self) {
        let mut order: Vec<(&Line, &'static str)> = self.lines.clone();
        order.sort_by_key(|(l, _)| match l.role {
            Role::WeekAgo => 0,
            Role::DayAgo => 1,
            Role::Limit => 2,
            Role::Subject => 3,
        });
        for (line, colour) in order {
            let (wide, dash) = look(line.role);
            for run in runs(self.chart, line) {
                if let [(at, value)] = run[..] {
                    let (x, y) = (self.x(at), self.y(value));
                    self.put(format_args!(
                        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>\n"
                    ));
                    continue;
                }
                let path = self.path(&run);
                self.put(format_args!(
                    "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{wide}\" \
                     stroke-linejoin=\"round\" stroke-linecap=\"round\"{dash}/>\n"
                ));
            }
            if line.role == Role::Subject
                && let Some((at, value)) = points(self.chart, line).last()
            {
                let (x, y) = (self.x(at), self.y(value));
                self.put(format_args!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\" stroke=\"#ffffff\" stroke-width=\"1.5\"/>\n"
                ));
            }
        }
    }

    fn levels(&mut self) {
        let (left, right) = (self.left, self.right);
        let chart = self.chart;
        for level in chart.levels.iter().take(LEVELS_MAX).filter(|l| l.value.is_finite()) {
            let y = self.y(level.value);
            self.put(format_args!(
                "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"{ALARM}\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/>\n"
            ));
            let above = y - 6.0;
            let baseline = if above - SMALL < TOP { y + SMALL + 4.0 } else { above };
            let label = fitted(&level.label, SMALL, Face::Bold, (right - left) / 2.0);
            let label = escaped(&label);
            let x = left + 8.0;
            self.put(format_args!(
                "<text x=\"{x:.1}\" y=\"{baseline:.1}\" font-size=\"{SMALL}\" font-weight=\"600\" fill=\"{ALARM}\" \
                 stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\">{label}</text>\n"
            ));
        }
    }

    /// The legend, and whose time it is.
    fn foot(&mut self) {
        let first = self.bottom + BELOW - 14.0;
        for (row, entries) in std::mem::take(&mut self.legend).into_iter().enumerate() {
            let y = first + ROW * row as f64;
            for Entry { name, colour, dash, x } in entries {
                let (line, end) = (y - 4.5, x + 18.0);
                self.put(format_args!(
                    "<path d=\"M{x:.1} {line:.1}H{end:.1}\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-linecap=\"round\"{dash}/>\n"
                ));
                self.text((x + 26.0, y), &name, SMALL, Face::Regular, ("start", SOFT));
            }
        }
        self.text((self.right, first), "UTC", SMALL, Face::Regular, ("end", SOFT));
    }
}

/// Width and dashes of a line.
const fn look(role: Role) -> (f64, &'static str) {
    match role {
        Role::Subject => (2.5, ""),
        Role::DayAgo => (1.5, ""),
        Role::WeekAgo => (1.5, " stroke-dasharray=\"1 4\""),
        Role::Limit => (1.5, " stroke-dasharray=\"6 4\""),
    }
}

/// The lines that are drawn, with their colours.
fn coloured(chart: &Chart) -> Vec<(&Line, &'static str)> {
    let mut subjects = 0;
    let mut out = Vec::new();
    for line in &chart.lines {
        let colour = match line.role {
            Role::DayAgo => DAY,
            Role::WeekAgo => WEEK,
            Role::Limit => ALARM,
            Role::Subject => {
                subjects += 1;
                COLOURS[(subjects - 1) % COLOURS.len()]
            }
        };
        if subjects <= CHART_LINES_MAX && out.len() < 2 * CHART_LINES_MAX {
            out.push((line, colour));
        }
    }
    out
}

/// The points of a line that are drawn.
fn points<'c>(chart: &Chart, line: &'c Line) -> impl Iterator<Item = (Timestamp, f64)> + 'c {
    let (from, until) = (chart.from, chart.until);
    let newest = line.points.len().saturating_sub(CHART_POINTS_MAX);
    let all = line.points[newest..].iter().copied();
    all.filter(move |(at, v)| v.is_finite() && *at >= from && *at <= until)
}

/// The pieces of a line between its gaps.
fn runs(chart: &Chart, line: &Line) -> Vec<Vec<(Timestamp, f64)>> {
    let apart = chart.step_ms.max(1).saturating_mul(2);
    let mut out: Vec<Vec<(Timestamp, f64)>> = Vec::new();
    for (at, value) in points(chart, line) {
        match out.last_mut().filter(|run| run.last().is_some_and(|(t, _)| at - t <= apart)) {
            Some(run) => run.push((at, value)),
            None => out.push(vec![(at, value)]),
        }
    }
    out
}

/// The legend in rows; names that do not fit are cut.
fn legend(lines: &[(&Line, &'static str)]) -> Vec<Vec<Entry>> {
    const GAP: f64 = 20.0;
    let utc = width("UTC", SMALL, Face::Regular) + GAP;
    let right = WIDTH - PAD - utc;
    let mut rows: Vec<Vec<Entry>> = vec![Vec::new()];
    let mut x = PAD;
    for (line, colour) in lines {
        let name = fitted(&line.name, SMALL, Face::Regular, (right - PAD) / 2.0 - 26.0 - GAP);
        let wide = 26.0 + width(&name, SMALL, Face::Regular);
        if x + wide > right && x > PAD {
            rows.push(Vec::new());
            x = PAD;
        }
        let entry = Entry { name, colour, dash: look(line.role).1, x };
        if let Some(row) = rows.last_mut() {
            row.push(entry);
        }
        x += wide + GAP;
    }
    rows
}
