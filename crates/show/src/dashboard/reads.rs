//! What a dashboard reads: its expressions, the metrics and series in them, the queries of its variables.
//!
//! Expressions have variables in them. To be read without values for them, each gets one that fits: what is chosen, or the
//! first of [`STAND_INS`] with which the expression can be read.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_query::{Expr, Features, LabelMatcher, MatchOp, parse};

use super::interpolate::{Builtins, Chosen, Target, interpolate, names_in};
use super::pattern::option_regex;
use super::{Dashboard, Variable, VariableKind};

/// A name that nobody gives a label, a metric or a value; matchers with it are of no known value.
const ANY: &str = "plimsoll_any_value";
/// What stands for a value that is not known: a name or value, a duration, a number.
const STAND_INS: [&str; 3] = [ANY, "5m", "1"];
/// Names of which each gets a stand-in of its own; more of them get the same one.
const NAMES_APART: u32 = 3;

/// What a variable asks the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableQuery {
    /// Values of a label, of series or of all.
    LabelValues {
        /// Of which series.
        selector: Option<String>,
        /// The label.
        label: String,
    },
    /// Names of labels, of series or of all.
    LabelNames {
        /// Of which series.
        selector: Option<String>,
    },
    /// Metrics whose name has the pattern in it.
    Metrics {
        /// The pattern.
        regex: String,
    },
    /// Elements of the result of an expression, written as `name{labels} value time`.
    QueryResult {
        /// The expression.
        expr: String,
    },
    /// Series, written as `name{labels}`.
    Series {
        /// Which.
        selector: String,
    },
}

impl VariableQuery {
    /// Reads the query of a variable.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        let Some((function, inner)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) else {
            return Ok(Self::Series { selector: text.to_owned() });
        };
        let inner = inner.trim();
        match function.trim() {
            "label_values" => {
                let (selector, label) = match last_comma(inner) {
                    Some(at) => (Some(inner[..at].trim().to_owned()), inner[at + 1..].trim()),
                    None => (None, inner),
                };
                if label.is_empty() {
                    return Err("label_values wants a label".to_owned());
                }
                let selector = selector.filter(|s| !s.is_empty());
                Ok(Self::LabelValues {
                    selector,
                    label: label.trim_matches(['"', '\'']).to_owned(),
                })
            }
            "label_names" => {
                let selector = (!inner.is_empty()).then(|| inner.to_owned());
                Ok(Self::LabelNames { selector })
            }
            "metrics" => Ok(Self::Metrics { regex: inner.to_owned() }),
            "query_result" if inner.is_empty() => {
                Err("query_result wants an expression".to_owned())
            }
            "query_result" => Ok(Self::QueryResult { expr: inner.to_owned() }),
            _ => Ok(Self::Series { selector: text.to_owned() }),
        }
    }

    /// Whether the expressions in it can be read; `parsed` reads one.
    ///
    /// # Errors
    /// What cannot.
    pub fn check(&self, parsed: &dyn Fn(&str) -> Result<(), String>) -> Result<(), String> {
        match self {
            Self::LabelValues { selector: Some(expr), .. }
            | Self::LabelNames { selector: Some(expr) }
            | Self::QueryResult { expr }
            | Self::Series { selector: expr } => parsed(expr),
            Self::Metrics { regex } if names_in(regex).is_empty() => {
                option_regex(regex).map(|_| ())
            }
            _ => Ok(()),
        }
    }
}

/// The last comma that is in no quotes, braces or brackets.
fn last_comma(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped, mut found) = (0_i32, None, false, None);
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{' | '(' | '[') => depth += 1,
            (None, '}' | ')' | ']') => depth -= 1,
            (None, ',') if depth == 0 => found = Some(i),
            (None, _) => {}
        }
    }
    found
}

/// Every expression of the panels: number of the panel, letter of the query, text.
pub fn expressions(dashboard: &Dashboard) -> Vec<(u64, &str, &str)> {
    let of = |p: &'_ super::Panel| p.id;
    let panels = dashboard.panels.iter();
    panels
        .flat_map(|p| p.queries.iter().map(move |q| (of(p), q.letter.as_str(), q.expr.as_str())))
        .collect()
}

/// The metrics that the panels read, by name.
pub fn metrics(dashboard: &Dashboard, features: &Features) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, _, expr) in expressions(dashboard) {
        let Ok(expr) = parsed(dashboard, expr, features) else { continue };
        for selector in expr.selectors() {
            let name = selector.name.as_deref().or_else(|| named(&selector.matchers));
            found.extend(name.filter(|n| !n.contains(ANY)).map(str::to_owned));
        }
    }
    found
}

/// The selectors of the panels, each once; matchers that depend on what is chosen are left out.
pub fn selectors(dashboard: &Dashboard, features: &Features) -> Vec<Vec<LabelMatcher>> {
    let mut found: BTreeMap<String, Vec<LabelMatcher>> = BTreeMap::new();
    for panel in &dashboard.panels {
        for query in panel.queries.iter().filter(|q| !q.hidden) {
            let Ok(expr) = parsed_open(dashboard, &query.expr, features) else { continue };
            for selector in expr.selectors() {
                let known = |m: &&LabelMatcher| !m.value.contains(ANY) && !m.name.contains(ANY);
                let matchers: Vec<LabelMatcher> =
                    selector.matchers.iter().filter(known).cloned().collect();
                // Without a name it would be everything.
                if named(&matchers).is_some() {
                    let mut key: Vec<String> = matchers
                        .iter()
                        .map(|m| format!("{}{}{:?}", m.name, m.op.text(), m.value))
                        .collect();
                    key.sort();
                    found.entry(key.join(",")).or_insert(matchers);
                }
            }
        }
    }
    found.into_values().collect()
}

fn named(matchers: &[LabelMatcher]) -> Option<&str> {
    let is_name = |m: &&LabelMatcher| m.name == "__name__" && m.op == MatchOp::Equal;
    matchers.iter().find(is_name).map(|m| m.value.as_str())
}

/// An expression with what is chosen, or what fits, in place of variables.
///
/// # Errors
/// Why it cannot be read, whatever stands there.
pub fn parsed(dashboard: &Dashboard, expr: &str, features: &Features) -> Result<Expr, String> {
    read(dashboard, expr, features, true)
}

/// The same with what variables choose from the store left open.
fn parsed_open(dashboard: &Dashboard, expr: &str, features: &Features) -> Result<Expr, String> {
    read(dashboard, expr, features, false)
}

fn read(
    dashboard: &Dashboard,
    expr: &str,
    features: &Features,
    chosen: bool,
) -> Result<Expr, String> {
    let builtins = Builtins {
        least_ms: None,
        from_ms: 0,
        to_ms: 3_600_000,
        step_ms: 15_000,
        scrape_ms: 15_000,
        dashboard: dashboard.title.clone(),
    };
    let names: Vec<String> = names_in(expr).into_iter().collect();
    let known = |name: &str| {
        let v = dashboard.variables.iter().find(|v| v.name == name)?;
        sample(v, chosen)
    };
    let open: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|n| builtins.value(n).is_none() && known(n).is_none())
        .collect();
    let attempt = |stand_ins: &dyn Fn(&str) -> Option<Chosen>| {
        let text = interpolate(expr, Target::Expr, &|name: &str| {
            builtins.value(name).or_else(|| stand_ins(name))
        });
        parse(&text, features).map_err(|e| e.to_string())
    };
    let tries = |open: &[&str], fixed: &dyn Fn(&str) -> Option<Chosen>| {
        let apart = u32::try_from(open.len()).unwrap_or(u32::MAX).min(NAMES_APART);
        let mut first = None;
        for n in 0..STAND_INS.len().pow(apart) {
            let stand_in = |name: &str| {
                let at = open.iter().position(|o| *o == name)? as u32;
                let digit = n / STAND_INS.len().pow(at.min(apart.saturating_sub(1)));
                let value = STAND_INS[digit % STAND_INS.len()].to_owned();
                Some(Chosen { values: vec![value], ..Chosen::default() })
            };
            match attempt(&|name| fixed(name).or_else(|| stand_in(name))) {
                Ok(expr) => return Ok(expr),
                Err(e) => first = first.or(Some(e)),
            }
        }
        Err(first.unwrap_or_default())
    };
    match tries(&open, &known) {
        Ok(expr) => Ok(expr),
        Err(first) => {
            let all: Vec<&str> = names.iter().map(String::as_str).collect();
            let all: Vec<&str> = all.into_iter().filter(|n| builtins.value(n).is_none()).collect();
            if all.len() == open.len() {
                return Err(first);
            }
            tries(&all, &|_| None).map_err(|_| first)
        }
    }
}

/// A value of a variable that is known without asking the store.
fn sample(v: &Variable, chosen: bool) -> Option<Chosen> {
    let options = || v.query.split(',').map(str::trim).filter(|o| !o.is_empty());
    let current: Vec<String> = v
        .current
        .iter()
        .filter(|c| !matches!(c.as_str(), "$__all" | "auto" | ""))
        .cloned()
        .collect();
    let open = v.kind == VariableKind::Query && !chosen;
    let values = match v.kind {
        _ if open => return None,
        _ if !current.is_empty() => current,
        VariableKind::Interval => vec![options().find(|o| *o != "auto").unwrap_or("1m").to_owned()],
        VariableKind::Custom => {
            let first = options().next()?;
            vec![first.split_once(" : ").map_or(first, |(_, value)| value).to_owned()]
        }
        VariableKind::Constant | VariableKind::Text if !v.query.is_empty() => vec![v.query.clone()],
        _ => return None,
    };
    // An interval may say `$__auto_interval_name`.
    if values.iter().any(|v| v.starts_with('$')) {
        return None;
    }
    Some(Chosen { values, multi: v.multi || v.include_all, ..Chosen::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::{Panel, PanelQuery};

    fn with(expr: &str) -> Dashboard {
        let query = PanelQuery { expr: expr.to_owned(), ..PanelQuery::default() };
        Dashboard {
            panels: vec![Panel { id: 1, queries: vec![query], ..Panel::default() }],
            variables: vec![Variable {
                name: "instance".to_owned(),
                kind: VariableKind::Query,
                current: vec!["a".to_owned()],
                multi: true,
                ..Variable::default()
            }],
            ..Dashboard::default()
        }
    }

    #[test]
    fn an_expression_is_read_whatever_its_variables_are() {
        for expr in [
            "rate(x{instance=~\"$instance\"}[$__rate_interval])",
            "sum by ($label) (rate(x[$span])) > $limit",
            "topk($k, x offset $back)",
            "$metric{a=~\"$b\"}",
            "rate($metric[$a:$b])",
            "x{$adhoc_is_no_label=\"a\"}",
        ] {
            let read = parsed(&with(expr), expr, &Features::default());
            assert!(read.is_ok(), "{expr}: {read:?}");
        }
        assert!(parsed(&with(""), "sum(", &Features::default()).is_err());
    }

    #[test]
    fn what_depends_on_a_choice_is_left_out_of_selectors() {
        let of = |expr: &str| {
            let all = selectors(&with(expr), &Features::default());
            let text = |m: &LabelMatcher| format!("{}{}{}", m.name, m.op.text(), m.value);
            all.iter().map(|s| s.iter().map(text).collect::<Vec<_>>().join(",")).collect::<Vec<_>>()
        };
        assert_eq!(
            of("rate(x{instance=~\"$instance\",mode=\"idle\"}[5m])"),
            ["mode=idle,__name__=x"]
        );
        assert_eq!(of("$metric + y"), ["__name__=y"]);
        let found = metrics(&with("x / on() {__name__=\"y\"} + $z"), &Features::default());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn the_query_of_a_variable_is_read() {
        use VariableQuery as V;
        let read = |text: &str| V::read(text).unwrap();
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(
            read("label_values(up{a=\"x,y\",b=~\"$c\"}, instance)"),
            V::LabelValues { selector: some("up{a=\"x,y\",b=~\"$c\"}"), label: "instance".into() }
        );
        assert_eq!(
            read(" label_values(job) "),
            V::LabelValues { selector: None, label: "job".into() }
        );
        assert_eq!(read("label_names()"), V::LabelNames { selector: None });
        assert_eq!(read("metrics(node_.*)"), V::Metrics { regex: "node_.*".into() });
        assert_eq!(
            read("query_result(sum(x) by (a))"),
            V::QueryResult { expr: "sum(x) by (a)".into() }
        );
        assert_eq!(read("up{a=\"b\"}"), V::Series { selector: "up{a=\"b\"}".into() });
        assert!(V::read("").is_err() && V::read("label_values()").is_err());
    }
}
