//! A chart as data: lines over time with limits and spans. `alert` and reports say what is to be seen, `show`
//! draws it.

use crate::{Timestamp, Unit};

/// Lines that are drawn; more are left out by who draws.
pub const CHART_LINES_MAX: usize = 8;
/// Points of a line that are drawn; more are left out by who draws.
pub const CHART_POINTS_MAX: usize = 2_000;

/// What a line is to the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// What the chart is about.
    #[default]
    Subject,
    /// The same a day before.
    DayAgo,
    /// The same a week before.
    WeekAgo,
    /// A limit that changes over time.
    Limit,
}

/// A series over the window of its chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// How the legend calls it.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Times in rising order and values; values that are no finite numbers are gaps.
    pub points: Vec<(Timestamp, f64)>,
}

/// A level that does not change.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Where.
    pub value: f64,
    /// What stands at it: `> 90 %`.
    pub label: String,
}

/// A chart over `from..=until`, ms since the epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What it is about, in a few words.
    pub title: String,
    /// What exactly is drawn, such as an expression.
    pub subtitle: String,
    /// What values count.
    pub unit: Unit,
    /// The left end.
    pub from: Timestamp,
    /// The right end.
    pub until: Timestamp,
    /// Usual distance of points, ms; more than twice as much is a gap.
    pub step_ms: i64,
    /// The lines.
    pub lines: Vec<Line>,
    /// Levels, such as thresholds.
    pub levels: Vec<Level>,
    /// Spans that are shaded, such as when an alert fired.
    pub spans: Vec<(Timestamp, Timestamp)>,
    /// Whether what it is about is bad now.
    pub is_alarming: bool,
}

impl Chart {
    /// Whether no line of the subject has a point to draw.
    pub fn is_empty(&self) -> bool {
        let inside = |at: Timestamp| (self.from..=self.until).contains(&at);
        let drawn = |l: &Line| l.points.iter().any(|(at, v)| v.is_finite() && inside(*at));
        !self.lines.iter().filter(|l| l.role == Role::Subject).any(drawn)
    }

    /// The newest value of a line of the subject, when there is but one such line.
    pub fn newest(&self) -> Option<f64> {
        let mut subjects = self.lines.iter().filter(|l| l.role == Role::Subject);
        let only = subjects.next().filter(|_| subjects.next().is_none())?;
        only.points.iter().rev().map(|(_, v)| *v).find(|v| v.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_without_a_point_of_its_subject_is_empty() {
        let line =
            |role, points: &[(i64, f64)]| Line { role, points: points.to_vec(), ..Line::default() };
        let mut chart = Chart { until: 10, ..Chart::default() };
        chart.lines = vec![line(Role::DayAgo, &[(1, 1.0)]), line(Role::Subject, &[(1, f64::NAN)])];
        assert!(chart.is_empty());
        chart.lines[1].points.push((11, 1.0));
        assert!(chart.is_empty(), "outside");
        chart.lines[1].points.insert(1, (5, 2.0));
        assert!(!chart.is_empty());
        assert_eq!(chart.newest(), Some(1.0));
        chart.lines.push(line(Role::Subject, &[(2, 2.0)]));
        assert_eq!(chart.newest(), None, "which of the two?");
    }
}
