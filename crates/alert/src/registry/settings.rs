//! What people and we say of a metric: from written to checked.

use plimsoll_model::written::{Fields, Node, Problems, Value};
use plimsoll_model::{METRIC_NAME, MatchOp, Matcher};
use plimsoll_query::{
    Features, LabelMatcher, MatchOp as WrittenOp, ValueType, parse as parse_promql, parse_selector,
};
use serde::{Deserialize, Serialize};

use crate::route::matching::quoted;

/// Bytes of the name of an entry: a metric and matchers.
pub const ID_BYTES_MAX: usize = 1_024;
/// Bytes of each text of an entry: help, an address, an expression.
pub const TEXT_BYTES_MAX: usize = 4_096;
/// How long a threshold must be passed unless it is said otherwise, ms.
pub const FOR_MS: i64 = 60_000;

/// On which side of a threshold it is bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Values greater than the threshold are bad.
    #[default]
    Above,
    /// Values less than the threshold are bad.
    Below,
}

impl Direction {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }

    /// The comparison that finds what is bad.
    pub const fn operator(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::Below => "<",
        }
    }
}

/// What is said of a metric; what is not said is taken from who says less: configuration, then us.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The unit of the value that is compared: `bytes`, `seconds`, `ratio`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Who cares for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where one reads what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// What is compared, where it is not the metric itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// From where on one should look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<f64>,
    /// From where on somebody must act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<f64>,
    /// What is usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// On which side it is bad; where it is not said, `warning` and `critical` tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// How long a threshold must be passed, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<i64>,
}

impl Settings {
    /// Whether a threshold is said.
    pub const fn has_marks(&self) -> bool {
        self.warning.is_some() || self.critical.is_some() || self.baseline.is_some()
    }

    /// The side that is said, or follows from the order of the thresholds.
    pub fn side(&self) -> Option<Direction> {
        self.direction.or(match (self.warning, self.critical) {
            (Some(warning), Some(critical)) if critical < warning => Some(Direction::Below),
            (Some(_), Some(_)) => Some(Direction::Above),
            _ => None,
        })
    }

    /// What is wrong, each with its key.
    pub fn problems(&self, features: &Features) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let texts = [
            ("unit", &self.unit),
            ("help", &self.help),
            ("owner", &self.owner),
            ("runbook", &self.runbook),
            ("expr", &self.expr),
        ];
        for (key, text) in texts {
            let bytes = text.as_ref().map_or(0, String::len);
            if bytes > TEXT_BYTES_MAX {
                wrong.push((key, format!("{bytes} bytes; at most {TEXT_BYTES_MAX}")));
            }
        }
        let numbers =
            [("warning", self.warning), ("critical", self.critical), ("baseline", self.baseline)];
        for (key, number) in numbers {
            if number.is_some_and(|n| !n.is_finite()) {
                wrong.push((key, "must be a finite number".to_owned()));
            }
        }
        if let (Some(warning), Some(critical), Some(side)) =
            (self.warning, self.critical, self.direction)
        {
            let (bad, word) = match side {
                Direction::Above => (critical < warning, "less"),
                Direction::Below => (critical > warning, "greater"),
            };
            if bad {
                let message = format!(
                    "{critical} is {word} than warning ({warning}), but direction is {}",
                    side.as_str()
                );
                wrong.push(("critical", message));
            }
        }
        if self.for_ms.is_some_and(|ms| !(0..=MONTH_MS).contains(&ms)) {
            wrong.push(("for", "must be from 0s to 31d".to_owned()));
        }
        if let Some(text) = self.expr.as_ref().filter(|t| t.len() <= TEXT_BYTES_MAX) {
            match parse_promql(text, features) {
                Err(e) => wrong.push(("expr", e.to_string())),
                Ok(expr) if expr.value_type() != ValueType::InstantVector => {
                    let found = expr.value_type().name();
                    wrong.push(("expr", format!("gives {found}; an instant vector is wanted")));
                }
                Ok(_) => {}
            }
        }
        wrong
    }
}

/// Longest `for`, ms.
const MONTH_MS: i64 = 31 * 86_400_000;

/// Which series an entry is about: a metric, or those of its series that pass matchers.
#[derive(Clone, Debug)]
pub struct Subject {
    /// As it is written: `node_load1` or `node_load1{instance="db1"}`, the matchers sorted.
    pub id: String,
    /// The metric.
    pub metric: String,
    /// Which of its series; none: all.
    pub matchers: Vec<Matcher>,
    /// The matchers as they are written, without braces.
    written: String,
}

impl Subject {
    /// Reads the name of an entry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > ID_BYTES_MAX {
            return Err(format!("{} bytes; at most {ID_BYTES_MAX}", text.len()));
        }
        let selector = parse_selector(text).map_err(|e| e.to_string())?;
        let is_name = |m: &&LabelMatcher| m.name == METRIC_NAME && m.op == WrittenOp::Equal;
        let named = selector.matchers.iter().find(is_name).map(|m| m.value.clone());
        let Some(metric) = selector.name.or(named).filter(|m| !m.is_empty()) else {
            return Err("it must name a metric (write node_load1{instance=\"db1\"})".to_owned());
        };
        let of_labels = selector.matchers.iter().filter(|m| m.name != METRIC_NAME);
        let matchers = of_labels.map(|m| {
            let op = match m.op {
                WrittenOp::Equal => MatchOp::Equal,
                WrittenOp::NotEqual => MatchOp::NotEqual,
                WrittenOp::Regex => MatchOp::Regex,
                WrittenOp::NotRegex => MatchOp::NotRegex,
            };
            let shown = format!("{}{}{}", plain(&m.name), m.op.text(), quoted(&m.value));
            Matcher::new(op, &m.name, &m.value).map(|m| (shown, m)).map_err(|e| e.to_string())
        });
        let mut matchers: Vec<(String, Matcher)> = matchers.collect::<Result<_, _>>()?;
        matchers.sort_by(|a, b| a.0.cmp(&b.0));
        matchers.dedup_by(|a, b| a.0 == b.0);
        let shown: Vec<&str> = matchers.iter().map(|(shown, _)| shown.as_str()).collect();
        let name = plain(&metric);
        let id = match (shown.as_slice(), name.starts_with('"')) {
            ([], false) => name,
            ([], true) => format!("{{{name}}}"),
            (all, false) => format!("{name}{{{}}}", all.join(",")),
            (all, true) => format!("{{{name},{}}}", all.join(",")),
        };
        let written = shown.join(",");
        Ok(Self { id, metric, matchers: matchers.into_iter().map(|(_, m)| m).collect(), written })
    }

    /// An expression with the matchers added to every selector of the metric; one that has none gives way to what
    /// the entry is about.
    pub fn narrowed(&self, text: &str, features: &Features) -> String {
        let Ok(expr) = parse_promql(text, features) else { return text.to_owned() };
        let named = expr.selectors().into_iter().filter(|s| s.name.as_ref() == Some(&self.metric));
        let mut places: Vec<usize> = named.map(|s| s.span.start as usize).collect();
        if places.is_empty() || self.written.is_empty() {
            return self.id.clone();
        }
        places.sort_unstable();
        let mut out = text.to_owned();
        for start in places.into_iter().rev() {
            let behind = start + self.metric.len();
            let rest = out.get(behind..).unwrap_or_default();
            let blank = rest.len() - rest.trim_start().len();
            if rest.trim_start().starts_with('{') {
                out.insert_str(behind + blank + 1, &format!("{},", self.written));
            } else {
                out.insert_str(behind, &format!("{{{}}}", self.written));
            }
        }
        out
    }
}

/// A name as PromQL reads it: in quotes where it has other characters than names used to have.
fn plain(name: &str) -> String {
    let usual = |(i, c): (usize, char)| {
        c == '_' || c == ':' || c.is_ascii_alphabetic() || (i > 0 && c.is_ascii_digit())
    };
    if name.char_indices().all(usual) { name.to_owned() } else { quoted(name) }
}

/// Reads the section `metrics`: a mapping by name, or a list of mappings with `name`.
pub fn read_section(
    node: &Node,
    path: &str,
    features: &Features,
    problems: &mut Problems,
) -> Vec<(Subject, Settings)> {
    let mut all: Vec<(Subject, Settings)> = Vec::new();
    let mut add = |name: Option<&str>, node: &Node, path: &str, problems: &mut Problems| {
        let mut fields = Fields::of(node, path, problems);
        let written = match name {
            Some(name) => Some(name.to_owned()),
            None => fields.text("name", problems),
        };
        let settings = read_settings(fields, features, problems);
        match written.as_deref().map(Subject::read) {
            None => problems.add(node.line, format!("{path}.name"), "an entry needs a name"),
            Some(Err(message)) => problems.add(node.line, path, message),
            Some(Ok(subject)) if all.iter().any(|(s, _)| s.id == subject.id) => {
                problems.add(node.line, path, format!("{} occurs twice", subject.id));
            }
            Some(Ok(subject)) => all.push((subject, settings)),
        }
    };
    match &node.value {
        Value::Null => {}
        Value::Map(entries) => {
            for (name, _, node) in entries {
                add(Some(name), node, &format!("{path}.{name}"), problems);
            }
        }
        Value::List(nodes) => {
            for (i, node) in nodes.iter().enumerate() {
                add(None, node, &format!("{path}[{i}]"), problems);
            }
        }
        _ => {
            let message = format!("{} where a mapping or a list is wanted", node.kind());
            problems.add(node.line, path, message);
        }
    }
    if all.len() > super::ENTRIES_MAX {
        let message = format!("{} metrics; at most {}", all.len(), super::ENTRIES_MAX);
        problems.add(node.line, path, message);
    }
    all
}

fn read_settings(mut fields: Fields<'_>, features: &Features, problems: &mut Problems) -> Settings {
    let number = |fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems| {
        fields.read(key, problems, |n| match n.value {
            Value::Int(i) => Ok(i as f64),
            Value::Float(x) => Ok(x),
            _ => Err(format!("{} where a number is wanted", n.kind())),
        })
    };
    let settings = Settings {
        unit: fields.text("unit", problems),
        help: fields.text("help", problems),
        owner: fields.text("owner", problems),
        runbook: fields.text("runbook", problems),
        expr: fields.text("expr", problems),
        warning: number(&mut fields, "warning", problems),
        critical: number(&mut fields, "critical", problems),
        baseline: number(&mut fields, "baseline", problems),
        direction: fields.read("direction", problems, |n| match n.text().as_deref() {
            Some("above") => Ok(Direction::Above),
            Some("below") => Ok(Direction::Below),
            _ => Err("must be above or below".to_owned()),
        }),
        for_ms: fields.duration_ms("for", problems),
    };
    let line = fields.line();
    for (key, message) in settings.problems(features) {
        problems.add(line, fields.path(key), message);
    }
    fields.finish(problems);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::written::parse;

    #[test]
    fn an_entry_is_named_by_a_selector_in_one_way() {
        let id = |text: &str| Subject::read(text).map(|s| s.id);
        assert_eq!(id("node_load1").unwrap(), "node_load1");
        assert_eq!(id("m{ b='x', a=~\"y|z\" }").unwrap(), "m{a=~\"y|z\",b=\"x\"}");
        assert_eq!(id("{\"a.b\"}").unwrap(), "{\"a.b\"}");
        assert_eq!(id("{__name__='m',a='\"'}").unwrap(), "m{a=\"\\\"\"}");
        for text in ["{a='b'}", "", "m{a=~'('}", "rate(m[5m])", "m offset 5m"] {
            assert!(id(text).is_err(), "{text}");
        }
        let again = Subject::read(&id("m{a='\u{e4}\\n\\\\'}").unwrap()).unwrap();
        assert_eq!(again.matchers[0].value(), "\u{e4}\n\\");
    }

    #[test]
    fn matchers_are_added_to_the_selectors_of_the_metric() {
        let subject = Subject::read("m{a=\"x\"}").unwrap();
        let narrowed = |text: &str| subject.narrowed(text, &Features::default());
        assert_eq!(narrowed("1 - m / n"), "1 - m{a=\"x\"} / n");
        assert_eq!(
            narrowed("rate(m {b='y'}[5m]) + m{}"),
            "rate(m {a=\"x\",b='y'}[5m]) + m{a=\"x\",}"
        );
        assert_eq!(narrowed("mm + n{m='m'}"), subject.id, "nothing to be narrowed");
        let read = plimsoll_query::parse(&narrowed("m{} - rate(m[1m])"), &Features::default());
        assert!(read.is_ok());
    }

    #[test]
    fn a_section_is_a_mapping_or_a_list_and_all_mistakes_are_told() {
        let read = |text: &str| {
            let mut problems = Problems::new("p");
            let node = parse("p", text).unwrap();
            let all = read_section(&node, "metrics", &Features::default(), &mut problems);
            (all, problems.found.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let (map, none) = read("node_load1: {warning: 4, critical: 8.5, owner: ann, for: 5m}\n");
        let (list, _) =
            read("- {name: node_load1, warning: 4, critical: 8.5, owner: ann, for: 5m}\n");
        assert_eq!(none, [] as [&str; 0]);
        assert_eq!((&map[0].1, map[0].0.id.as_str()), (&list[0].1, "node_load1"));
        assert_eq!((map[0].1.critical, map[0].1.for_ms), (Some(8.5), Some(300_000)));
        let (_, found) = read(
            "- {name: a, warning: 4, critical: 2, direction: above}\n- {warning: x}\n- {name: a}\n- {name: b, expr: 'sum('}\n- {name: c, expr: '1', wraning: 2}\n",
        );
        let told = found.join("\n");
        for part in [
            "p line 1: metrics[0].critical: 2 is less than warning (4), but direction is above",
            "p line 2: metrics[1].warning: a text where a number is wanted",
            "p line 2: metrics[1].name: an entry needs a name",
            "p line 3: metrics[2]: a occurs twice",
            "metrics[3].expr: ",
            "metrics[4].expr: gives scalar; an instant vector is wanted",
            "metrics[4].wraning: unknown key; did you mean warning?",
        ] {
            assert!(told.contains(part), "{part}\nnot in\n{told}");
        }
    }
}
