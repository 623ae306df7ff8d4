//! What a report is to contain, as people write it.

use jiff::tz::TimeZone;
use plimsoll_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::cron::Cron;
use super::output::Format;
use super::period::{Window, window};
use crate::dashboard::{OPTIONS_MAX, VARIABLES_MAX};

/// Sections of a report.
pub const SECTIONS_MAX: usize = 50;
/// Figures of a report, those of dashboards included.
pub const FIGURES_MAX: usize = 200;
/// Receivers of a schedule.
const RECEIVERS_MAX: usize = 20;
/// Bytes of the text of a section, characters of a title, bytes of an expression.
const TEXT_BYTES_MAX: usize = 64 << 10;
const TITLE_CHARS_MAX: usize = 200;
const EXPR_BYTES_MAX: usize = 16 << 10;
/// Characters of an id.
const ID_CHARS_MAX: usize = 100;
/// Rows that a section asks for at most.
const LIMIT_MAX: usize = 1_000;

/// The name of a receiver of notifications.
pub type ReceiverName = String;

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Its name in addresses: letters, digits, `-`.
    #[serde(default)]
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What is in it.
    pub sections: Vec<Section>,
    /// The time that it is about: `24h`, `last_month`, …
    #[serde(default = "usual_period")]
    pub period: String,
    /// Whose time it shows; `UTC` unless written.
    #[serde(default = "utc")]
    pub timezone: String,
    /// When it is sent, and to whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What is sent.
    #[serde(default)]
    pub format: Format,
}

fn usual_period() -> String {
    "24h".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

/// When a report is sent, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Minute, hour, day of the month, month, day of the week, in the time zone of the report.
    pub cron: String,
    /// To whom.
    pub receivers: Vec<ReceiverName>,
}

/// What a section shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// How things are, in numbers.
    Summary,
    /// How hosts and services were.
    Health,
    /// How much of the time targets were up.
    Availability,
    /// Incidents, and statistics of rules.
    Incidents,
    /// Bounded resources and when they are full.
    Capacity,
    /// What may go wrong.
    Risks,
    /// What to do.
    Recommendations,
    /// What was found.
    Insights,
    /// All panels of a dashboard.
    Dashboard,
    /// One panel.
    Panel,
    /// The greatest values of an expression.
    Top,
    /// Words.
    #[default]
    Text,
}

impl SectionKind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Health => "health",
            Self::Availability => "availability",
            Self::Incidents => "incidents",
            Self::Capacity => "capacity",
            Self::Risks => "risks",
            Self::Recommendations => "recommendations",
            Self::Insights => "insights",
            Self::Dashboard => "dashboard",
            Self::Panel => "panel",
            Self::Top => "top",
            Self::Text => "text",
        }
    }

    /// The heading unless one is written.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Health => "Health",
            Self::Availability => "Availability",
            Self::Incidents => "Incidents",
            Self::Capacity => "Capacity",
            Self::Risks => "Risks",
            Self::Recommendations => "Recommendations",
            Self::Insights => "Insights",
            Self::Dashboard => "Dashboard",
            Self::Panel => "Panel",
            Self::Top => "Top",
            Self::Text => "",
        }
    }
}

/// A section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// What it shows.
    pub kind: SectionKind,
    /// Its heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Words as Markdown; of a text section.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// An expression; of a top section, or instead of `up` of availability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// The unit of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What was promised: a share such as 0.999; of availability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Which dashboard; of dashboard and panel sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// A panel as dashboards have them, or the number of one of `dashboard`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub panel: Value,
    /// Values of the dashboard's variables.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
}

impl Section {
    /// Of a kind, with all defaults.
    pub fn of(kind: SectionKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Rows that it shows at most.
    pub fn limit(&self, usual: usize) -> usize {
        self.limit.unwrap_or(usual).clamp(1, LIMIT_MAX)
    }

    /// Its heading.
    pub fn heading(&self) -> String {
        self.title.clone().unwrap_or_else(|| self.kind.title().to_owned())
    }
}

impl Report {
    /// What is wrong with it, each as the path of the key and what is wrong.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut wrong = |path: &str, what: String| found.push((path.to_owned(), what));
        if !is_id(&self.id) {
            wrong(
                "id",
                format!(
                    "{:?} is no name: lower-case letters, digits and -, at most {ID_CHARS_MAX}",
                    self.id
                ),
            );
        }
        if self.title.trim().is_empty() || self.title.chars().count() > TITLE_CHARS_MAX {
            wrong("title", format!("a title has 1 to {TITLE_CHARS_MAX} characters"));
        }
        let zone = self.zone();
        if let Err(why) = &zone {
            wrong("timezone", why.clone());
        }
        if let Err(why) = window(&self.period, plimsoll_model::DAY_MS * 365, &TimeZone::UTC) {
            wrong("period", why);
        }
        if self.sections.is_empty() || self.sections.len() > SECTIONS_MAX {
            wrong("sections", format!("a report has 1 to {SECTIONS_MAX} sections"));
        }
        if let Some(schedule) = &self.schedule {
            if let Err(why) = Cron::read(&schedule.cron) {
                wrong("schedule.cron", why);
            }
            if schedule.receivers.is_empty() || schedule.receivers.len() > RECEIVERS_MAX {
                wrong("schedule.receivers", format!("1 to {RECEIVERS_MAX} receivers are wanted"));
            }
        }
        for (i, section) in self.sections.iter().enumerate().take(SECTIONS_MAX) {
            for (key, what) in section_problems(section) {
                wrong(&format!("sections[{i}].{key}"), what);
            }
        }
        found
    }

    /// Its time zone.
    ///
    /// # Errors
    /// None of this name is known.
    pub fn zone(&self) -> Result<TimeZone, String> {
        let name = self.timezone.as_str();
        TimeZone::get(name)
            .map_err(|_| format!("no time zone {name:?} is known here (write Europe/Berlin, UTC)"))
    }

    /// The time that it is about at this moment.
    ///
    /// # Errors
    /// Its zone or its period is wrong.
    pub fn window(&self, now: Timestamp) -> Result<Window, String> {
        window(&self.period, now, &self.zone()?)
    }

    /// When it is due after this time; `None` without a schedule.
    pub fn due(&self, after: Timestamp) -> Option<Timestamp> {
        let cron = Cron::read(&self.schedule.as_ref()?.cron).ok()?;
        cron.next(after, &self.zone().ok()?)
    }
}

fn section_problems(section: &Section) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if section.heading().chars().count() > TITLE_CHARS_MAX {
        found.push(("title", format!("more than {TITLE_CHARS_MAX} characters")));
    }
    if section.text.len() > TEXT_BYTES_MAX {
        found.push(("text", format!("more than {TEXT_BYTES_MAX} bytes")));
    }
    if section.expr.as_ref().is_some_and(|e| e.len() > EXPR_BYTES_MAX || e.trim().is_empty()) {
        found.push(("expr", format!("an expression has 1 to {EXPR_BYTES_MAX} bytes")));
    }
    if section.target.is_some_and(|t| !(t > 0.0 && t <= 1.0)) {
        found.push(("target", "a share above 0 and up to 1 is wanted, such as 0.999".to_owned()));
    }
    if section.limit.is_some_and(|l| l == 0 || l > LIMIT_MAX) {
        found.push(("limit", format!("1 to {LIMIT_MAX} rows")));
    }
    if section.variables.len() > VARIABLES_MAX {
        found.push(("variables", format!("at most {VARIABLES_MAX} variables")));
    }
    let is_one = |v: &Value| matches!(v, Value::String(_) | Value::Number(_) | Value::Bool(_));
    for (name, value) in &section.variables {
        let fits = match value {
            Value::Array(all) => all.len() <= OPTIONS_MAX && all.iter().all(is_one),
            one => is_one(one),
        };
        if !fits {
            let what = format!("{name}: a text is wanted, or a list of at most {OPTIONS_MAX}");
            found.push(("variables", what));
        }
    }
    match section.kind {
        SectionKind::Top if section.expr.is_none() => {
            found.push((
                "expr",
                "the expression whose greatest values are shown is missing".to_owned(),
            ));
        }
        SectionKind::Dashboard if section.dashboard.is_none() => {
            found.push(("dashboard", "the id of a dashboard is missing".to_owned()));
        }
        SectionKind::Panel => match &section.panel {
            Value::Object(_) => {}
            Value::Number(_) if section.dashboard.is_some() => {}
            _ => found
                .push(("panel", "a panel is wanted, or the number of one of dashboard".to_owned())),
        },
        SectionKind::Text if section.text.trim().is_empty() => {
            found.push(("text", "the words are missing".to_owned()));
        }
        _ => {}
    }
    found
}

/// Whether a text can name a report.
pub fn is_id(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= ID_CHARS_MAX && text.bytes().all(fits)
}

/// The names of the reports that are always there.
pub const BUILT_IN: [&str; 4] = ["capacity", "daily", "sla", "weekly"];

/// A report that is always there.
pub fn built_in(id: &str) -> Option<Report> {
    use SectionKind as K;
    let top = |title: &str, expr: &str, unit: &str| Section {
        title: Some(title.to_owned()),
        expr: Some(expr.to_owned()),
        unit: Some(unit.to_owned()),
        limit: Some(10),
        ..Section::of(K::Top)
    };
    let panel = |title: &str, unit: &str, expr: &str, legend: &str| Section {
        title: Some(title.to_owned()),
        panel: serde_json::json!({
            "id": 1, "kind": "timeseries", "title": title, "unit": unit, "style": { "fill": 0.15 },
            "queries": [{ "ref": "A", "expr": expr, "legend": legend }],
        }),
        ..Section::of(K::Panel)
    };
    // What is busy, not what is left of idle: the first rates of a host are too low, not too high.
    let cpu = "avg by (instance) (sum without (mode) (rate(node_cpu_seconds_total{mode!=\"idle\"}[$__rate_interval])))";
    let memory = "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes";
    let (title, period, sections) = match id {
        "daily" => (
            "Daily report",
            "24h",
            vec![
                Section::of(K::Summary),
                panel("CPU in use", "ratio", cpu, "{{instance}}"),
                panel("Memory in use", "ratio", memory, "{{instance}}"),
                Section::of(K::Incidents),
                Section::of(K::Availability),
                Section::of(K::Capacity),
                Section::of(K::Insights),
                Section::of(K::Recommendations),
            ],
        ),
        "weekly" => (
            "Weekly report",
            "7d",
            vec![
                Section::of(K::Summary),
                Section::of(K::Health),
                panel("CPU in use", "ratio", cpu, "{{instance}}"),
                panel("Memory in use", "ratio", memory, "{{instance}}"),
                Section::of(K::Availability),
                Section::of(K::Incidents),
                Section::of(K::Capacity),
                Section::of(K::Risks),
                Section::of(K::Insights),
                Section::of(K::Recommendations),
                top(
                    "Processes by CPU time",
                    "topk(10, sum by (instance, groupname) (avg_over_time(plimsoll_process_cpu_ratio[$__range])))",
                    "ratio",
                ),
            ],
        ),
        "capacity" => (
            "Capacity report",
            "30d",
            vec![Section::of(K::Capacity), Section::of(K::Risks), Section::of(K::Recommendations)],
        ),
        "sla" => (
            "Availability report",
            "last_month",
            vec![
                Section { target: Some(0.999), ..Section::of(K::Availability) },
                Section::of(K::Incidents),
            ],
        ),
        _ => return None,
    };
    Some(Report {
        id: id.to_owned(),
        title: title.to_owned(),
        sections,
        period: period.to_owned(),
        timezone: utc(),
        schedule: None,
        format: Format::Pdf,
    })
}

/// Any bytes give a report whose problems are told, or an error.
pub fn fuzz_report(bytes: &[u8]) {
    if let Ok(report) = serde_json::from_slice::<Report>(bytes)
        && report.problems().is_empty()
    {
        let window = report.window(1_700_000_000_000);
        assert!(window.is_ok(), "{report:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_always_there_are_right() {
        for id in BUILT_IN {
            let report = built_in(id).unwrap();
            assert_eq!(report.problems(), [], "{id}");
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        }
        assert_eq!(built_in("hourly"), None);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = r#"{"id":"A b","title":"","period":"soon","timezone":"Mars/Base","format":"pdf",
            "schedule":{"cron":"x","receivers":[]},
            "sections":[{"kind":"top"},{"kind":"availability","target":99},{"kind":"panel","panel":3},{"kind":"text"}]}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        let paths: Vec<String> = report.problems().into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "id",
                "title",
                "timezone",
                "period",
                "schedule.cron",
                "schedule.receivers",
                "sections[0].expr",
                "sections[1].target",
                "sections[2].panel",
                "sections[3].text",
            ]
        );
    }

    #[test]
    fn any_bytes_are_read() {
        let text = serde_json::to_string(&built_in("daily").unwrap()).unwrap();
        for i in (0..text.len()).step_by(7) {
            for b in *b"\"{}0,x" {
                let mut bytes = text.clone().into_bytes();
                bytes[i] = b;
                fuzz_report(&bytes);
                fuzz_report(&bytes[..i]);
            }
        }
    }
}
