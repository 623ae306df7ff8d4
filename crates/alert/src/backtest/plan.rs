//! What rules read and write of each other, and whether columns do.

use std::collections::BTreeSet;

use plimsoll_model::{METRIC_NAME, MatchOp, Matcher};
use plimsoll_query::{At, Duration, DurationExpr, Expr, MatchOp as AstOp, VectorSelector};

use crate::Template;
use crate::rules::kinds::OnNoData;
use crate::rules::{Condition, Group, OnError, Rule, RuleKind};

/// Names of the series that alerts write.
const OF_ALERTS: [&str; 4] =
    ["ALERTS", "ALERTS_FOR_STATE", "SHADOW_ALERTS", "SHADOW_ALERTS_FOR_STATE"];

/// How groups are replayed.
pub struct Plan {
    /// Recorded series that somebody among the rules reads.
    pub read: BTreeSet<String>,
    /// Recorded series.
    pub recorded: BTreeSet<String>,
    /// How far back rules look at most, ms.
    pub reach_ms: i64,
    /// Why columns would not do.
    pub by_steps: Option<&'static str>,
}

impl Plan {
    pub fn of(groups: &[Group], lookback_ms: i64) -> Self {
        let mut plan =
            Self { read: BTreeSet::new(), recorded: BTreeSet::new(), reach_ms: 0, by_steps: None };
        let places: Vec<(usize, usize, &Rule)> = groups
            .iter()
            .enumerate()
            .flat_map(|(g, group)| {
                group.rules.iter().enumerate().map(move |(r, rule)| (g, r, rule))
            })
            .collect();
        for (.., rule) in &places {
            if matches!(rule.kind, RuleKind::Record) {
                plan.recorded.insert(rule.name.clone());
            }
        }
        for (g, r, rule) in &places {
            let queries = rule.queries();
            let selectors: Vec<_> = queries.iter().flat_map(|q| q.expr().selectors()).collect();
            let reads = |name: &str| selectors.iter().any(|s| could_read(s, name));
            let writers = places.iter().filter(|(.., w)| matches!(w.kind, RuleKind::Record));
            for (wg, wr, writer) in writers.filter(|(.., w)| reads(&w.name)) {
                plan.read.insert(writer.name.clone());
                if (wg, wr) >= (g, r) {
                    plan.by_steps = Some("a rule reads what it or a later one records");
                }
            }
            if OF_ALERTS.iter().any(|name| reads(name)) {
                plan.read.extend(OF_ALERTS.map(str::to_owned));
                plan.by_steps = Some("a rule reads the series of alerts");
            }
            let of_value = |t: &(String, Template)| !is_of_labels(&t.1.to_string());
            if rule.is_alert() && rule.labels.iter().any(of_value) {
                plan.by_steps = Some("labels depend on more than labels");
            }
            if queries.iter().any(|q| depends_on_query(q.expr())) {
                plan.by_steps = Some("an expression depends on start, end, step or range");
            }
            if let Some(why) = remembers(rule) {
                plan.by_steps = Some(why);
            }
            for query in queries {
                plan.reach_ms = plan.reach_ms.max(reach(query.expr(), lookback_ms));
            }
        }
        plan
    }

    /// Whether a recording rule must be computed.
    pub fn is_read(&self, rule: &Rule) -> bool {
        self.read.contains(&rule.name)
    }
}

/// Why what a rule fires for is not told by its expression alone.
fn remembers(rule: &Rule) -> Option<&'static str> {
    let RuleKind::Alert { condition, policy, .. } = &rule.kind else { return None };
    if policy.on_error != OnError::Keep || policy.on_no_data != OnNoData::Ok {
        return Some("a rule fires when it fails or finds no data");
    }
    match condition {
        Condition::Elements { .. } => None,
        Condition::Levels(levels) if levels.is_plain() => None,
        Condition::Levels(_) => Some("a rule has severities, hysteresis or least traffic"),
        Condition::Absence(_) => Some("a rule remembers series"),
    }
}

/// Whether a selector may choose series of this name.
fn could_read(selector: &VectorSelector, name: &str) -> bool {
    selector.matchers.iter().filter(|m| m.name == METRIC_NAME).all(|m| {
        let op = match m.op {
            AstOp::Equal => MatchOp::Equal,
            AstOp::NotEqual => MatchOp::NotEqual,
            AstOp::Regex => MatchOp::Regex,
            AstOp::NotRegex => MatchOp::NotRegex,
        };
        Matcher::new(op, METRIC_NAME, &m.value).map_or(true, |m| m.matches(name))
    })
}

/// Whether a template shows the same for the same labels, as far as a look at its text can tell.
fn is_of_labels(text: &str) -> bool {
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let Some(close) = rest[open..].find("}}") else { return false };
        let action = rest[open + 2..open + close].trim_matches([' ', '-']);
        let mut parts = action.split('|').map(str::trim);
        let label = parts.next().unwrap_or_default();
        let name = label.strip_prefix("$labels.").or_else(|| label.strip_prefix(".Labels."));
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let plain = ["toUpper", "toLower", "title", "stripPort", "stripDomain"];
        if !name.is_some_and(|n| n.chars().all(is_name)) || !parts.all(|p| plain.contains(&p)) {
            return false;
        }
        rest = &rest[open + close + 2..];
    }
    true
}

fn depends_on_query(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        let (modifiers, lengths): (_, Vec<&Duration>) = match e {
            Expr::Vector(v) => (&v.modifiers, Vec::new()),
            Expr::Matrix(m) => (&m.vector.modifiers, vec![&m.range]),
            Expr::Subquery(s) => (&s.modifiers, std::iter::once(&s.range).chain(&s.step).collect()),
            _ => return,
        };
        found |= matches!(modifiers.at, Some(At::Start | At::End));
        found |= lengths.into_iter().chain(&modifiers.offset).any(|d| match d {
            Duration::Fixed(_) => false,
            Duration::Expr(e) => !is_constant(e),
        });
    });
    found
}

fn is_constant(expr: &DurationExpr) -> bool {
    match expr {
        DurationExpr::Number { .. } => true,
        DurationExpr::Step(_) | DurationExpr::Range(_) => false,
        DurationExpr::Unary { expr, .. } | DurationExpr::Paren(expr, _) => is_constant(expr),
        DurationExpr::Binary { lhs, rhs, .. } => is_constant(lhs) && is_constant(rhs),
    }
}

/// How far back an expression looks, ms; everything where that is not known.
fn reach(expr: &Expr, lookback_ms: i64) -> i64 {
    let length = |d: &Duration| match d {
        Duration::Fixed(ms) => ms.saturating_abs(),
        Duration::Expr(_) => i64::MAX / 4,
    };
    let shift = |m: &plimsoll_query::Modifiers| match (m.at, &m.offset) {
        (Some(_), _) => i64::MAX / 4,
        (None, offset) => offset.as_ref().map_or(0, length),
    };
    match expr {
        Expr::Vector(v) => lookback_ms.saturating_add(shift(&v.modifiers)),
        Expr::Matrix(m) => {
            lookback_ms.saturating_add(length(&m.range)).saturating_add(shift(&m.vector.modifiers))
        }
        Expr::Subquery(s) => reach(&s.expr, lookback_ms)
            .saturating_add(length(&s.range))
            .saturating_add(shift(&s.modifiers)),
        other => other.children().into_iter().map(|e| reach(e, lookback_ms)).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_query::{Features, Query};

    fn query(text: &str) -> Query {
        Query::parse(text, &Features::default()).unwrap()
    }

    #[test]
    fn labels_of_labels_are_told_apart() {
        assert!(is_of_labels("critical"));
        assert!(is_of_labels("{{ $labels.job }}-{{- .Labels.instance | stripPort -}}"));
        for text in ["{{ $value }}", "{{ if .Value }}x{{ end }}", "{{ $labels.a | printf \"%s\" }}"]
        {
            assert!(!is_of_labels(text), "{text}");
        }
    }

    #[test]
    fn the_reach_adds_up() {
        let far = |text: &str| reach(query(text).expr(), 300_000) / 1000;
        assert_eq!(far("m"), 300);
        assert_eq!(far("rate(m[5m] offset 1m) + m"), 660);
        assert_eq!(far("max_over_time(rate(m[5m])[1h:1m])"), 4200);
    }
}
