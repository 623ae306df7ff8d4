//! Panels of dashboards and reports as pictures: a [`Figure`] is drawn into a [`Scene`], and a scene is
//! written as SVG, as PNG or onto a page of a PDF. One drawing for all, so that they show the same.
//!
//! Pure and deterministic: the same figure gives the same bytes. Limits: [`TRACES_MAX`] traces of
//! [`POINTS_MAX`] points, [`ROWS_MAX`] rows and columns of a table, [`SIDE_MAX`] units of a side. Values that are no finite
//! numbers are gaps; a figure without any value says so.
//!
//! Not here: where values come from.

use jiff::tz::TimeZone;
use plimsoll_model::Timestamp;

mod bars;
mod cells;
mod format;
mod frame;
mod grid;
mod histogram;
mod loadline;
mod raster;
mod scene;
mod theme;
mod tiles;
mod timeseries;
mod words;

pub use format::Format;
pub use raster::PIXELS_MAX;
pub use scene::{Anchor, Scene, Shape};
pub use theme::{Colour, Theme};

/// Traces that are drawn of one figure.
pub const TRACES_MAX: usize = 50;
/// Points of a trace that are drawn, the newest.
pub const POINTS_MAX: usize = 4_000;
/// Rows of a table, of a bar list and of a state time line; columns of a table.
pub const ROWS_MAX: usize = 100;
/// The largest side of a figure.
pub const SIDE_MAX: f64 = 4_000.0;
/// The smallest one.
pub const SIDE_MIN: f64 = 80.0;

/// How a figure looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Values over time.
    #[default]
    TimeSeries,
    /// The newest values, large.
    Stat,
    /// The newest values on arcs.
    Gauge,
    /// The newest values as bars, the greatest first.
    BarList,
    /// How many of all values lie where.
    Histogram,
    /// Rows and columns.
    Table,
    /// The newest values between 0 and 1 beside their marks.
    LoadLine,
    /// Rows of cells over time, darker where values are greater.
    HeatMap,
    /// Rows over time, coloured by value.
    StateTimeline,
    /// Words.
    Text,
}

/// How lines are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Draw {
    /// Lines.
    #[default]
    Line,
    /// Bars.
    Bars,
    /// Points.
    Points,
}

/// A series of a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// How the legend calls it.
    pub name: String,
    /// Times in rising order and values.
    pub points: Vec<(Timestamp, f64)>,
    /// Where it stands among all series, which gives it its colour; where it stands in the figure unless said.
    pub place: Option<usize>,
    /// A colour of its own.
    pub colour: Option<Colour>,
    /// Whether it is a forecast or a comparison, drawn dashed.
    pub is_dashed: bool,
    /// How its newest value is read, where that is not as the figure writes values.
    pub told: Option<String>,
    /// The colour that its newest value has by thresholds and mappings of its own.
    pub paint: Option<Paint>,
    /// Whether that is all that is to be said of it: marks of the figure do not colour it.
    pub is_judged: bool,
    /// Between what values its newest one is shown on an arc or a bar.
    pub bounds: Option<(f64, f64)>,
    /// Which of the figure's states each point is in; empty where there are none.
    pub states: Vec<usize>,
    /// How it is drawn, where it is not as the others are.
    pub line: LineLook,
}

/// What colours a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// This colour.
    Colour(Colour),
    /// That of a severity.
    Severity(Severity),
}

impl Paint {
    /// The colour.
    pub const fn colour(self, theme: Theme) -> Colour {
        match self {
            Self::Colour(colour) => colour,
            Self::Severity(severity) => theme.severity(severity),
        }
    }
}

/// How a line of a figure differs from the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineLook {
    /// Lines, bars or points.
    pub draw: Option<Draw>,
    /// How dark the area below it is, 0 to 1.
    pub fill: Option<f64>,
    /// How wide the line is.
    pub width: Option<f64>,
    /// How its values are written where it is measured on an axis of its own, to the right.
    pub right: Option<Format>,
    /// Whether it stands beside the stack, not on it.
    pub is_apart: bool,
}

impl Trace {
    /// The newest value that is a number.
    pub fn last(&self) -> Option<f64> {
        self.points.iter().rev().map(|(_, v)| *v).find(|v| v.is_finite())
    }
}

/// A range of values over time: what is usual, or a cone of a forecast.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Band {
    /// How the legend calls it.
    pub name: String,
    /// Times in rising order, lower and upper values.
    pub points: Vec<(Timestamp, f64, f64)>,
}

/// How bad values from a mark on are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// Good.
    #[default]
    Ok,
    /// To be known.
    Info,
    /// To be looked at.
    Warning,
    /// To be mended.
    Critical,
}

/// A mark of the value axis: from here on values are of this severity.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where; `None` is below all values.
    pub at: Option<f64>,
    /// Whether `at` is a part, 0 to 1, of what the bounds of a trace span, not a value.
    pub is_part: bool,
    /// How bad.
    pub severity: Severity,
    /// A colour of its own.
    pub colour: Option<Colour>,
}

impl Mark {
    /// Where it stands between these bounds; `None` is below all values.
    pub fn within(&self, (low, high): (f64, f64)) -> Option<f64> {
        self.at.map(|at| if self.is_part { low + at * (high - low) } else { at })
    }
}

/// Rows of texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The head of each column; numbers stand at the right where `is_number`.
    pub columns: Vec<(String, bool)>,
    /// The rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// What is to be drawn.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is about, in a few words.
    pub title: String,
    /// What exactly is drawn, such as an expression; read by those who cannot see.
    pub description: String,
    /// How it looks.
    pub kind: Kind,
    /// How values are written.
    pub format: Format,
    /// The left end, ms since the epoch.
    pub from: Timestamp,
    /// The right end.
    pub until: Timestamp,
    /// Usual distance of points, ms; more than twice as much is a gap.
    pub step_ms: i64,
    /// Whose time the axis shows.
    pub zone: TimeZone,
    /// The series.
    pub traces: Vec<Trace>,
    /// Ranges behind them.
    pub bands: Vec<Band>,
    /// Marks, the lowest first.
    pub marks: Vec<Mark>,
    /// Lower end of the value axis.
    pub min: Option<f64>,
    /// Upper end of it.
    pub max: Option<f64>,
    /// How lines are drawn.
    pub draw: Draw,
    /// How dark areas below lines are, 0 to 1.
    pub fill: f64,
    /// Whether values are drawn on top of each other.
    pub is_stacked: bool,
    /// Whether gaps are bridged.
    pub bridges_gaps: bool,
    /// The base of a logarithmic value axis.
    pub log: Option<f64>,
    /// Whether lines are not named below.
    pub is_unnamed: bool,
    /// What states are called, and their colours.
    pub states: Vec<(String, Colour)>,
    /// Words: of a text, of a load line's forecast.
    pub text: String,
    /// Rows of a table.
    pub rows: Rows,
    /// What stands in it when there is nothing to draw.
    pub empty: String,
}

impl Default for Figure {
    fn default() -> Self {
        Self {
            title: String::new(),
            description: String::new(),
            kind: Kind::TimeSeries,
            format: Format::default(),
            from: 0,
            until: 0,
            step_ms: 0,
            zone: TimeZone::UTC,
            traces: Vec::new(),
            bands: Vec::new(),
            marks: Vec::new(),
            min: None,
            max: None,
            draw: Draw::Line,
            fill: 0.0,
            is_stacked: false,
            bridges_gaps: false,
            log: None,
            is_unnamed: false,
            states: Vec::new(),
            text: String::new(),
            rows: Rows::default(),
            empty: "no samples in this time".to_owned(),
        }
    }
}

impl Figure {
    /// The severity of a value by the marks, between these bounds.
    pub fn severity(&self, value: f64, bounds: (f64, f64)) -> Severity {
        let passed = |m: &&Mark| m.within(bounds).is_none_or(|at| value >= at);
        let passed = self.marks.iter().rev().find(passed);
        passed.map_or(Severity::Ok, |m| m.severity)
    }

    /// How the newest value of a trace is read; `None` when it has none and nothing is said in its place.
    pub fn told(&self, trace: &Trace) -> Option<String> {
        trace.told.clone().or_else(|| Some(self.format.show(trace.last()?)))
    }

    /// The colour of a trace's newest value; `None` where it means nothing worse.
    pub(crate) fn paint(&self, trace: &Trace, theme: Theme) -> Option<Colour> {
        let paint = trace.paint.map(|p| p.colour(theme));
        if trace.is_judged || paint.is_some() {
            return paint;
        }
        match self.severity(trace.last()?, trace.bounds.unwrap_or((0.0, 1.0))) {
            Severity::Ok => None,
            severity => Some(theme.severity(severity)),
        }
    }

    /// The colour of a mark; `None` where it is none to be drawn.
    fn mark(&self, mark: &Mark, theme: Theme) -> Option<Colour> {
        mark.colour.or_else(|| match mark.severity {
            Severity::Ok => None,
            severity => Some(theme.severity(severity)),
        })
    }

    /// The traces that are drawn.
    fn drawn(&self) -> &[Trace] {
        &self.traces[..self.traces.len().min(TRACES_MAX)]
    }

    /// Draws it. Sides outside [`SIDE_MIN`] to [`SIDE_MAX`] are brought inside.
    pub fn draw(&self, width: f64, height: f64, theme: Theme) -> Scene {
        let side = |s: f64| if s.is_finite() { s.clamp(SIDE_MIN, SIDE_MAX) } else { 320.0 };
        let mut pen = frame::Pen::new(self, side(width), side(height), theme);
        match self.kind {
            Kind::TimeSeries => timeseries::draw(&mut pen),
            Kind::Stat => tiles::stat(&mut pen),
            Kind::Gauge => tiles::gauge(&mut pen),
            Kind::BarList => bars::draw(&mut pen),
            Kind::Histogram => histogram::draw(&mut pen),
            Kind::Table => grid::draw(&mut pen),
            Kind::LoadLine => loadline::draw(&mut pen),
            Kind::HeatMap => cells::heat_map(&mut pen),
            Kind::StateTimeline => cells::state_timeline(&mut pen),
            Kind::Text => words::draw(&mut pen),
        }
        pen.scene
    }
}
