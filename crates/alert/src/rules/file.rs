//! Prometheus rule files: from written to checked, all problems at once. What is special about the
//! kinds of ours is read by [`kinds`].

use plimsoll_model::METRIC_NAME;
use plimsoll_model::written::{Fields, Node, Problem, Problems, parse};
use plimsoll_query::{Features, Query, parse as parse_promql};

use super::kinds::read as kinds;
use super::{Comparison, Condition, Group, OnNoData, Rule, RuleKind};
use crate::{Template, TemplateError};

/// Rules in one file.
const RULES_MAX: usize = 10_000;

/// Reads a rule file.
///
/// `default_interval_ms` holds for groups without an interval.
///
/// # Errors
/// Every problem of the file, with its line and key.
pub fn read_rules(
    file: &str,
    text: &str,
    default_interval_ms: i64,
    features: &Features,
) -> Result<Vec<Group>, Vec<Problem>> {
    let root = parse(file, text).map_err(|p| vec![p])?;
    let mut problems = Problems::new(file);
    let mut fields = Fields::of(&root, "", &mut problems);
    let mut groups: Vec<Group> = Vec::new();
    let mut reader = Reader { problems, file, default_interval_ms, features, rules: 0 };
    for (i, node) in fields.list("groups", &mut reader.problems).iter().enumerate() {
        let path = format!("groups[{i}]");
        if let Some(group) = reader.group(node, &path) {
            if groups.iter().any(|g| g.name == group.name) {
                let message = format!("the name {:?} occurs twice in this file", group.name);
                reader.problems.add(node.line, format!("{path}.name"), message);
            }
            groups.push(group);
        }
    }
    fields.finish(&mut reader.problems);
    reader.problems.into_result(groups)
}

/// Reads bytes as a rule file; a problem has a line of the file.
pub fn fuzz_rules(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().count() as u64 + 1;
    match read_rules("r.yml", &text, 60_000, &Features::default()) {
        Ok(groups) => {
            for rule in groups.iter().flat_map(|g| &g.rules) {
                assert!(rule.line >= 1 && rule.line <= lines);
            }
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
}

struct Reader<'r> {
    problems: Problems,
    file: &'r str,
    default_interval_ms: i64,
    features: &'r Features,
    rules: usize,
}

impl Reader<'_> {
    fn group(&mut self, node: &Node, path: &str) -> Option<Group> {
        let problems = &mut self.problems;
        let mut fields = Fields::of(node, path, problems);
        let name = fields.text("name", problems).filter(|n| !n.is_empty());
        if name.is_none() {
            problems.add(node.line, format!("{path}.name"), "a group needs a name");
        }
        let interval = fields.duration_ms("interval", problems);
        let limit = fields.int("limit", 0..=1_000_000, problems).unwrap_or(0);
        let offset = fields.duration_ms("query_offset", problems).unwrap_or(0);
        let common = fields.pairs("labels", problems);
        let shadow = mode(&mut fields, problems).unwrap_or(false);
        let written = fields.list("rules", problems);
        fields.finish(problems);
        let mut rules = Vec::new();
        for (i, node) in written.iter().enumerate() {
            self.rules += 1;
            if self.rules > RULES_MAX {
                let message = format!("more than {RULES_MAX} rules in one file; split it");
                self.problems.add(node.line, format!("{path}.rules"), message);
                break;
            }
            let path = format!("{path}.rules[{i}]");
            rules.extend(self.rule(node, &path, &common, shadow));
        }
        Some(Group {
            file: self.file.to_owned(),
            name: name?,
            interval_ms: interval.filter(|i| *i > 0).unwrap_or(self.default_interval_ms),
            limit: usize::try_from(limit).unwrap_or(0),
            offset_ms: offset,
            rules,
        })
    }

    fn rule(
        &mut self,
        node: &Node,
        path: &str,
        common: &[(String, String, u64)],
        shadow: bool,
    ) -> Option<Rule> {
        let problems = &mut self.problems;
        let mut fields = Fields::of(node, path, problems);
        let record = fields.text("record", problems);
        let alert = fields.text("alert", problems);
        let own = kinds::begin(&mut fields, problems);
        let for_ms = fields.duration_ms("for", problems);
        let keep = fields.duration_ms("keep_firing_for", problems);
        let own_mode = mode(&mut fields, problems);
        let (policy, has_policy) = kinds::policy(&mut fields, problems);
        let annotations = fields.pairs("annotations", problems);
        let mut labels = fields.pairs("labels", problems);
        let graded = match &own[..] {
            [(own, _)] => kinds::condition(*own, &mut fields, self.features, problems),
            _ => None,
        };
        if let Some((_, condition)) = &graded {
            check_severity(condition, &labels, path, problems);
        }
        let names: Vec<String> = labels.iter().map(|(n, ..)| n.clone()).collect();
        labels.extend(common.iter().filter(|(n, ..)| !names.contains(n)).cloned());
        let query = if own.is_empty() { self.query(&mut fields, path) } else { None };
        let problems = &mut self.problems;
        fields.finish(problems);
        let is_alert = record.is_none();
        let labels =
            templates(labels, &format!("{path}.labels"), Expand::of(is_alert, false), problems);
        check_label_names(&labels, path, node.line, is_alert, problems);
        let shadow = is_alert && own_mode.unwrap_or(shadow);
        let all = [record.as_ref().map(|_| "record"), alert.as_ref().map(|_| "alert")];
        let all: Vec<&str> =
            all.into_iter().flatten().chain(own.iter().map(|(own, _)| own.key())).collect();
        if all.len() != 1 {
            let found = match &all[..] {
                [] => "neither".to_owned(),
                ["record", "alert"] => "both".to_owned(),
                more => more.join(" and "),
            };
            let message = format!("a rule has either record or alert; {found} found");
            problems.add(node.line, path, message);
            return None;
        }
        if let Some(name) = record {
            let none = for_ms.is_none()
                && keep.is_none()
                && annotations.is_empty()
                && own_mode.is_none()
                && !has_policy;
            if !none {
                let message = "for, keep_firing_for, annotations and mode belong to alerts only; \
                               so do on_error and on_no_data";
                problems.add(node.line, path, message);
            }
            if !is_metric_name(&name) {
                let message = format!("{name:?} is not a metric name (write job:errors:rate5m)");
                problems.add(node.line, format!("{path}.record"), message);
            }
            return Some(Rule {
                name,
                query: query?,
                line: node.line,
                labels,
                shadow,
                kind: RuleKind::Record,
            });
        }
        let (key, name) = match (alert, own.into_iter().next()) {
            (Some(name), _) => ("alert", name),
            (None, Some((own, name))) => (own.key(), name),
            (None, None) => return None,
        };
        if name.is_empty() {
            problems.add(node.line, format!("{path}.{key}"), "an alert needs a name");
        }
        let expand = Expand::of(true, key != "alert");
        let annotations = templates(annotations, &format!("{path}.annotations"), expand, problems);
        let (query, condition) = match (query, graded) {
            (Some(query), _) => {
                let condition = elements(&query);
                (query, condition)
            }
            (None, graded) => graded?,
        };
        check_no_data(&condition, policy.on_no_data, path, node.line, problems);
        let (for_ms, keep_firing_for_ms) = (for_ms.unwrap_or(0), keep.unwrap_or(0));
        let kind = RuleKind::Alert { for_ms, keep_firing_for_ms, annotations, condition, policy };
        Some(Rule { name, query, line: node.line, labels, shadow, kind })
    }

    fn query(&mut self, fields: &mut Fields<'_>, path: &str) -> Option<Query> {
        let Some(node) = fields.take("expr") else {
            self.problems.add(fields.line(), format!("{path}.expr"), "a rule needs an expression");
            return None;
        };
        let text = node.text().unwrap_or_default();
        match parse_promql(&text, self.features) {
            Ok(expr) => Some(Query::new(&text, expr)),
            Err(e) => {
                self.problems.add(node.line, format!("{path}.expr"), e.to_string());
                None
            }
        }
    }
}

/// Whether `mode` says shadow; `None` when it says nothing.
fn mode(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<bool> {
    fields.read("mode", problems, |node| match node.text().as_deref() {
        Some("live") => Ok(false),
        Some("shadow") => Ok(true),
        other => {
            let found = other.map_or_else(|| node.kind().to_owned(), |t| format!("{t:?}"));
            Err(format!("{found} is no mode; there are live and shadow"))
        }
    })
}

/// What an expression of Prometheus' `alert` watches.
fn elements(query: &Query) -> Condition {
    let compared = Comparison::of(query);
    Condition::Elements {
        threshold: compared.as_ref().map(|c| c.number),
        data: compared.map(|c| c.left),
    }
}

/// Severities come from the numbers or from the labels.
fn check_severity(
    condition: &Condition,
    labels: &[(String, String, u64)],
    path: &str,
    problems: &mut Problems,
) {
    let is_graded = condition.thresholds().iter().any(|(severity, _)| !severity.is_empty());
    if let Some((.., line)) = labels.iter().find(|(n, ..)| is_graded && n == "severity") {
        let message = "the severity comes from the numbers; leave this label out";
        problems.add(*line, format!("{path}.labels.severity"), message);
    }
}

/// Only where nothing can be told from nothing that passes may a rule act on it.
fn check_no_data(
    condition: &Condition,
    asked: OnNoData,
    path: &str,
    line: u64,
    problems: &mut Problems,
) {
    let message = match condition {
        _ if asked == OnNoData::Ok => return,
        Condition::Elements { data: None, .. } => {
            "whether there is data can be told of a comparison with a number only (or write a \
             threshold)"
        }
        Condition::Absence(_) => "an absence is about data that is missing; leave this out",
        _ => return,
    };
    problems.add(line, format!("{path}.on_no_data"), message);
}

/// How texts with `{{ … }}` are read.
#[derive(Clone, Copy)]
enum Expand {
    /// As they are.
    Not,
    AsPrometheus,
    /// With `$threshold` and `$severity`.
    AsOurs,
}

impl Expand {
    const fn of(is_alert: bool, is_ours: bool) -> Self {
        match (is_alert, is_ours) {
            (false, _) => Self::Not,
            (true, false) => Self::AsPrometheus,
            (true, true) => Self::AsOurs,
        }
    }

    fn read(self, text: &str) -> Result<Template, TemplateError> {
        match self {
            Self::Not => Ok(Template::literal(text)),
            Self::AsPrometheus => Template::parse(text),
            Self::AsOurs => Template::parse_of_kind(text),
        }
    }
}

fn templates(
    pairs: Vec<(String, String, u64)>,
    path: &str,
    expand: Expand,
    problems: &mut Problems,
) -> Vec<(String, Template)> {
    let mut out = Vec::new();
    for (name, text, line) in pairs {
        match expand.read(&text) {
            Ok(template) => out.push((name, template)),
            Err(e) => problems.add(line, format!("{path}.{name}"), e.to_string()),
        }
    }
    out
}

fn check_label_names(
    labels: &[(String, Template)],
    path: &str,
    line: u64,
    is_alert: bool,
    problems: &mut Problems,
) {
    for (name, _) in labels {
        let reserved = name == METRIC_NAME || (is_alert && name == "alertname");
        if name.is_empty() || reserved {
            let message = format!("{name:?} cannot be set by a rule");
            problems.add(line, format!("{path}.labels.{name}"), message);
        }
    }
}

fn is_metric_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['{', '}', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let found = read_rules("r.yml", text, 60_000, &Features::default());
        let lines: Vec<_> = found.err().unwrap_or_default().iter().map(|p| p.to_string()).collect();
        lines.join("\n")
    }

    #[test]
    fn a_rule_file_is_read_as_it_is() {
        let text = r#"
groups:
  - name: host
    interval: 30s
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: up == 0
        for: 5m
        keep_firing_for: 1m
        labels: {severity: page}
        annotations:
          summary: "{{ $labels.instance }} is down"
"#;
        let groups = read_rules("r.yml", text, 60_000, &Features::default()).unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].interval_ms, groups[0].rules.len()), (30_000, 2));
        let RuleKind::Alert { for_ms, keep_firing_for_ms, .. } = groups[0].rules[1].kind else {
            panic!("an alert")
        };
        assert_eq!((for_ms, keep_firing_for_ms), (300_000, 60_000));
    }

    #[test]
    fn a_rule_or_a_group_may_be_in_the_shadow() {
        let text = "groups:\n- name: a\n  mode: shadow\n  rules:\n  - {alert: X, expr: up}\n  - {alert: B, expr: up, mode: live}\n  - {record: z, expr: up}\n";
        let groups = read_rules("r.yml", text, 60_000, &Features::default()).unwrap();
        let shadow: Vec<bool> = groups[0].rules.iter().map(|r| r.shadow).collect();
        assert_eq!(shadow, [true, false, false]);
        let keys = groups[0].rule_keys();
        assert!(keys[0].starts_with("shadow;X;") && keys[1].starts_with("B;"), "{keys:?}");
        let found = problems(&text.replace("mode: live", "mode: dark"));
        assert_eq!(
            found,
            "r.yml line 6: groups[0].rules[1].mode: \"dark\" is no mode; there are live and shadow"
        );
        let found = problems(&text.replace("{record: z,", "{record: z, mode: live,"));
        assert!(found.contains("mode belong to alerts only"), "{found}");
    }

    #[test]
    fn every_problem_is_told_with_its_line() {
        let text = "groups:\n- name: a\n  rules:\n  - alert: X\n    expr: sum(\n    fro: 5m\n  - record: y\n    alert: z\n    expr: up\n- rules: []\n";
        let found = problems(text);
        assert!(found.contains("r.yml line 5: groups[0].rules[0].expr: "), "{found}");
        assert!(found.contains("line 6: groups[0].rules[0].fro: unknown key; did you mean for?"));
        assert!(
            found.contains("groups[0].rules[1]: a rule has either record or alert; both found")
        );
        assert!(found.contains("groups[1].name: a group needs a name"), "{found}");
    }

    #[test]
    fn an_unknown_variable_in_a_template_is_a_problem() {
        let text = "groups:\n- name: a\n  rules:\n  - alert: X\n    expr: up\n    annotations:\n      s: '{{ $label.job }}'\n";
        let found = problems(text);
        assert!(found.contains("line 7: groups[0].rules[0].annotations.s: "), "{found}");
        assert!(found.contains("$label"), "{found}");
    }
}
