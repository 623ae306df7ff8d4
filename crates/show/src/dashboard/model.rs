//! The document: a dashboard, its panels and variables, as they are written.
//!
//! Positions are in a grid of 24 columns; a row is 30 px high with a gap of 8. Whoever reads one checks it first
//! ([`super::check`]): a [`Dashboard`] that was only decoded may have panels beside the grid.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

fn is_false(b: &bool) -> bool {
    !*b
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// A dashboard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dashboard {
    /// By which it is asked for: a to z, digits, `-`.
    pub id: String,
    /// As people call it.
    pub title: String,
    /// What it tells.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where it is listed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// Words by which it is found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Counted by the server; 0 = not kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub version: u64,
    /// Which time is shown.
    pub time: TimeSpan,
    /// `live`, `off`, or how often it is asked anew: `30s`.
    pub refresh: String,
    /// What can be chosen, in the order in which they depend on each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// What is marked in charts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// What is shown.
    pub panels: Vec<Panel>,
    /// Where else to look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What an import had and we do not use.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// From when to when: `now-6h`, `now/d`, an RFC 3339 time, ms since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimeSpan {
    /// The beginning.
    pub from: String,
    /// The end.
    pub to: String,
}

impl Default for TimeSpan {
    fn default() -> Self {
        Self { from: "now-1h".to_owned(), to: "now".to_owned() }
    }
}

/// What a variable chooses from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableKind {
    /// What the store answers.
    Query,
    /// A list: `a, text : value`.
    #[default]
    Custom,
    /// A list of durations.
    Interval,
    /// What somebody writes.
    Text,
    /// One value that nobody changes.
    Constant,
    /// Where data come from; there is one source here.
    Datasource,
    /// Label filters that go into every query.
    Adhoc,
}

/// How options are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// As they come.
    #[default]
    None,
    /// By letters.
    Text,
    /// By numbers in them.
    Number,
    /// By letters, from the end.
    TextDesc,
    /// By numbers in them, the largest first.
    NumberDesc,
}

/// What of a variable is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hide {
    /// Everything is.
    #[default]
    No,
    /// Its name.
    Label,
    /// All of it.
    Variable,
}

/// What one can choose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// As it stands in expressions: `$name`.
    pub name: String,
    /// As people read it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What it tells.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it chooses from.
    pub kind: VariableKind,
    /// `label_values(up{job="$job"}, instance)`; a list for those of one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Which options stay; its first group, or the groups `text` and `value`, are taken out of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub regex: String,
    /// How options are sorted.
    #[serde(skip_serializing_if = "is_default")]
    pub sort: Sort,
    /// Whether several can be chosen.
    #[serde(skip_serializing_if = "is_false")]
    pub multi: bool,
    /// Whether all together can be chosen.
    #[serde(skip_serializing_if = "is_false")]
    pub include_all: bool,
    /// What stands in expressions when all are chosen; empty: all of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub all_value: String,
    /// What is chosen; `$__all` for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub current: Vec<String>,
    /// What is not shown.
    #[serde(skip_serializing_if = "is_default")]
    pub hide: Hide,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What is marked in charts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationKind {
    /// Alerts that fired.
    #[default]
    Alerts,
    /// Restarts, versions, configuration.
    Changes,
    /// What was unusual.
    Anomalies,
    /// When an expression has a value.
    Query,
}

/// Marks in charts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Annotation {
    /// As people call it.
    pub name: String,
    /// What.
    pub kind: AnnotationKind,
    /// The expression, of kind `query`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Whether they are shown at first.
    pub enabled: bool,
    /// In which colour.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub colour: String,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// What is read.
    pub title: String,
    /// Where it leads: a path of ours or http(s).
    pub url: String,
}

/// What a panel shows its data as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum PanelKind {
    #[default]
    Timeseries,
    Stat,
    Gauge,
    Loadline,
    Barlist,
    Table,
    Heatmap,
    Histogram,
    StateTimeline,
    StatusGrid,
    Pie,
    Text,
    Alerts,
    Insights,
    Row,
    Unsupported,
}

impl PanelKind {
    /// Whether its data are those of queries.
    pub const fn asks(self) -> bool {
        !matches!(self, Self::Text | Self::Alerts | Self::Insights | Self::Row | Self::Unsupported)
    }
}

/// A place in the grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct At {
    /// First column, from 0.
    pub x: u32,
    /// First row, from 0.
    pub y: u32,
    /// Columns.
    pub w: u32,
    /// Rows.
    pub h: u32,
}

/// One thing that is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Panel {
    /// Its number in the dashboard.
    pub id: u64,
    /// What it shows its data as.
    pub kind: PanelKind,
    /// Above it.
    pub title: String,
    /// What it tells.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where it is.
    pub at: At,
    /// Of a row: whether the panels up to the next one are hidden.
    #[serde(skip_serializing_if = "is_false")]
    pub collapsed: bool,
    /// What it asks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<PanelQuery>,
    /// Of its values.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Digits behind the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    /// Lower end of the axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Upper end of the axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// How a series becomes one number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduce: Option<Reduce>,
    /// From where on a value is worth a colour, rising.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// What thresholds are compared with.
    #[serde(skip_serializing_if = "is_default")]
    pub thresholds_mode: ThresholdsMode,
    /// How it is drawn.
    #[serde(skip_serializing_if = "is_default")]
    pub style: Style,
    /// Texts in place of values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    /// What is different for some series.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// What is done with the data before they are shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Transform>,
    /// Shown once for each value of a variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// Markdown, of kind `text`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Where else to look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Its own time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<PanelTime>,
    /// Which alerts or insights: `severity="critical"`.
    #[serde(rename = "match", skip_serializing_if = "String::is_empty")]
    pub matching: String,
    /// The panel as an import had it, where it cannot be shown just so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grafana: Option<Value>,
}

/// One question of a panel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PanelQuery {
    /// Its letter.
    #[serde(rename = "ref")]
    pub letter: String,
    /// PromQL, with variables.
    pub expr: String,
    /// How a series is called: `{{instance}}`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub legend: String,
    /// Over the time that is shown, or at its end.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: QueryKind,
    /// Not asked.
    #[serde(skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// Least time between two points.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
}

/// For which times a query is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryKind {
    /// The time that is shown.
    #[default]
    Range,
    /// Its end.
    Instant,
}

/// How a series becomes one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Reduce {
    Last,
    Mean,
    Max,
    Min,
    Sum,
    Count,
    Range,
    First,
}

/// From where on a value is worth a colour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Threshold {
    /// The value; `None`: below all others.
    pub at: Option<f64>,
    /// How bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// A colour instead.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub colour: String,
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Severity {
    Ok,
    Info,
    Warning,
    Critical,
}

/// What thresholds are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdsMode {
    /// The value.
    #[default]
    Absolute,
    /// Its share of the way from `min` to `max`, in percent.
    Percent,
}

/// How a panel is drawn. What is not said is as fits its kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Style {
    /// `line`, `bars`, `points`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub draw: String,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<f64>,
    /// Of lines, px.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// `none`, `normal`, `percent`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stack: String,
    /// `linear`, `log2`, `log10`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub axis: String,
    /// `connect`, `gap`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gaps: String,
    /// `list`, `table`, `hidden`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub legend: String,
    /// `last`, `min`, `max`, `mean`, `sum`, …
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub legend_values: Vec<String>,
    /// `bottom`, `right`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub legend_at: String,
    /// `auto`, `horizontal`, `vertical`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub orientation: String,
    /// A small chart behind a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparkline: Option<bool>,
    /// `value`, `name`, `both`, `none`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What takes the colour: `value`, `background`, `none`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub colour: String,
    /// Whether steps are drawn in place of slopes.
    #[serde(skip_serializing_if = "is_false")]
    pub steps: bool,
    /// Whether a pie has a hole.
    #[serde(skip_serializing_if = "is_false")]
    pub donut: bool,
}

/// What a mapping looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingKind {
    /// One value.
    #[default]
    Value,
    /// Values from here to there.
    Range,
    /// Texts.
    Regex,
    /// `null`, `nan`, `null+nan`, `true`, `false`, `empty`.
    Special,
}

/// A text in place of a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// What it looks at.
    pub kind: MappingKind,
    /// The value, pattern or special one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Lower end, included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// Upper end, included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// What is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// In which colour.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub colour: String,
}

/// What is different for some series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Override {
    /// For which.
    #[serde(rename = "match")]
    pub matching: OverrideMatch,
    /// What.
    pub set: OverrideSet,
}

/// How series are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideBy {
    /// By the name in the legend or of the column.
    #[default]
    Name,
    /// By a pattern of it.
    Regex,
    /// By the letter of the query.
    Query,
    /// By the type of the column: `number`, `time`, `string`.
    Type,
}

/// Which series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OverrideMatch {
    /// How they are told apart.
    pub by: OverrideBy,
    /// The name, pattern, letter or type.
    pub value: String,
}

/// What is different.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct OverrideSet {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// `left`, `right`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axis: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// `line`, `bars`, `points`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dash: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Vec<Threshold>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mappings: Option<Vec<Mapping>>,
    /// `none`, `normal`, `percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Drawn downwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative: Option<bool>,
}

/// What is done with the data before they are shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Transform {
    /// `organize`, `merge`, …
    pub kind: String,
    /// As Grafana has them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
}

/// Shown once for each value of a variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repeat {
    /// The variable.
    pub by: String,
    /// Beside or below each other.
    #[serde(skip_serializing_if = "is_default")]
    pub direction: Direction,
    /// Beside each other, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// Beside or below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Beside each other.
    #[default]
    #[serde(rename = "h")]
    Across,
    /// Below each other.
    #[serde(rename = "v")]
    Down,
}

/// The time of one panel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PanelTime {
    /// How far it looks back: `2h`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// How far it is moved back: `1d`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shift: String,
}
