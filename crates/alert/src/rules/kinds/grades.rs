//! Numbers by severity: one for all, or a mapping; and the levels that come of them.

use plimsoll_model::parse_duration_ms;
use plimsoll_model::written::{Node, Problems, Value};

use super::{LEVELS_MAX, Level};

/// Numbers as they are written.
#[derive(Debug)]
pub enum Grades {
    One(f64, u64),
    /// Severity, number, line.
    Each(Vec<(String, f64, u64)>),
}

/// How a number is read.
pub type Reader = fn(&Node) -> Result<f64, String>;

/// A finite number.
pub fn number(node: &Node) -> Result<f64, String> {
    let found = match &node.value {
        Value::Int(i) => *i as f64,
        Value::Float(x) => *x,
        Value::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    if found.is_finite() {
        return Ok(found);
    }
    let shown = node.text().map_or_else(|| node.kind().to_owned(), |t| format!("{t:?}"));
    Err(format!("{shown} is not a number (write 0.95, or one by severity: {{warning: 0.8}})"))
}

/// A number above 0.
pub fn positive(node: &Node) -> Result<f64, String> {
    number(node).and_then(|x| if x > 0.0 { Ok(x) } else { Err("must be above 0".to_owned()) })
}

/// A length of time above 0, in seconds.
pub fn seconds(node: &Node) -> Result<f64, String> {
    let text = node.text().unwrap_or_default();
    match parse_duration_ms(&text) {
        Some(ms) if ms > 0 => Ok(ms as f64 / 1e3),
        _ => Err(format!("{text:?} is not a duration above 0 (write 24h, or one by severity)")),
    }
}

/// Reads one number, or one by severity; `None` when something is wrong, which is noted.
pub fn read(node: &Node, path: &str, read: Reader, problems: &mut Problems) -> Option<Grades> {
    let Value::Map(entries) = &node.value else {
        return match read(node) {
            Ok(x) => Some(Grades::One(x, node.line)),
            Err(message) => {
                problems.add(node.line, path, message);
                None
            }
        };
    };
    if entries.is_empty() || entries.len() > LEVELS_MAX {
        let message = format!("{} severities; a rule has 1 to {LEVELS_MAX}", entries.len());
        problems.add(node.line, path, message);
        return None;
    }
    let mut each = Vec::new();
    for (severity, line, node) in entries {
        let found = match severity.as_str() {
            "" => Err("a severity needs a name".to_owned()),
            _ => read(node),
        };
        match found {
            Ok(x) => each.push((severity.clone(), x, *line)),
            Err(message) => problems.add(*line, format!("{path}.{severity}"), message),
        }
    }
    (each.len() == entries.len()).then_some(Grades::Each(each))
}

impl Grades {
    /// The numbers with the other sign.
    pub fn negated(self) -> Self {
        match self {
            Self::One(x, line) => Self::One(-x, line),
            Self::Each(each) => Self::Each(each.into_iter().map(|(s, x, l)| (s, -x, l)).collect()),
        }
    }
}

/// The levels, the least severe first: the farther out a number, the more severe.
pub fn levels(
    (key, thresholds): (&str, Grades),
    clear: Option<Grades>,
    above: bool,
    path: &str,
    problems: &mut Problems,
) -> Option<Vec<Level>> {
    let mut wrong = false;
    let mut note = |line, path: String, message: String| {
        wrong = true;
        problems.add(line, path, message);
    };
    let mut levels: Vec<(Level, u64)> = match thresholds {
        Grades::One(threshold, line) => {
            vec![(Level { severity: String::new(), threshold, clear: None }, line)]
        }
        Grades::Each(each) => each
            .into_iter()
            .map(|(severity, threshold, line)| (Level { severity, threshold, clear: None }, line))
            .collect(),
    };
    levels.sort_by(|a, b| a.0.threshold.total_cmp(&b.0.threshold));
    if !above {
        levels.reverse();
    }
    for pair in levels.windows(2) {
        if pair[0].0.threshold == pair[1].0.threshold {
            let (a, b) = (&pair[0].0.severity, &pair[1].0.severity);
            let message = format!("{a} and {b} have the same number; one would never be seen");
            note(pair[1].1, format!("{path}.{key}"), message);
        }
    }
    let is_graded = levels.iter().any(|(l, _)| !l.severity.is_empty());
    let cleared: Vec<(String, f64, u64)> = match clear {
        None => Vec::new(),
        Some(Grades::One(x, line)) if !is_graded => vec![(String::new(), x, line)],
        Some(Grades::Each(each)) if is_graded => each,
        Some(Grades::One(_, line)) => {
            note(line, format!("{path}.clear"), format!("write it by severity, as {key} is"));
            Vec::new()
        }
        Some(Grades::Each(each)) => {
            let line = each.first().map_or(0, |e| e.2);
            note(line, format!("{path}.clear"), format!("write one number, as {key} has"));
            Vec::new()
        }
    };
    for (severity, clear, line) in cleared {
        let path = match severity.as_str() {
            "" => format!("{path}.clear"),
            severity => format!("{path}.clear.{severity}"),
        };
        let Some((level, _)) = levels.iter_mut().find(|(l, _)| l.severity == severity) else {
            note(line, path, format!("{key} has no severity {severity:?}"));
            continue;
        };
        let is_quiet = if above { clear <= level.threshold } else { clear >= level.threshold };
        if !is_quiet {
            let side = if above { "above" } else { "below" };
            let message = format!(
                "{clear} lies {side} {}, where the alert fires; it must lie on the quiet side",
                level.threshold
            );
            note(line, path, message);
        }
        level.clear = Some(clear);
    }
    (!wrong).then(|| levels.into_iter().map(|(level, _)| level).collect())
}
