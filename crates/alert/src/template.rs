//! Texts with `{{ … }}`: Go's text/template as Prometheus' rules and Alertmanager's notifications use
//! it, with the functions of both.
//!
//! - [`Template`] is the text of a label or annotation of a rule. [`Template::parse`] reads and checks
//!   it; [`Template::show`] gives the text for an element, or `<error expanding template: …>` as
//!   Prometheus does; [`Template::expand`] gives the error by itself.
//! - [`Templates`] holds the named templates of notifications: [`Templates::standard`], then
//!   [`Templates::add`] for each file of the configuration. [`Templates::check`] checks a text of a
//!   receiver when the configuration is read; [`Templates::expand`] shows it for [`Data`].
//!   A caller that gets an error sends [`plain`] with the error noted: an error never suppresses a page.
//!
//! Checked beforehand: syntax, unknown functions, variables, fields and templates, wrong numbers of
//! arguments, each with line, column and what was probably meant. In [`Kind::Html`] what comes from
//! data is escaped by its place. Bounds: [`Limits`], nesting, length of texts and regular expressions;
//! each is an error that names the limit. Not here: `call`, `tmpl`, complex numbers, `%b` and `%x` of
//! floats.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use plimsoll_model::{Labels, Timestamp};
use regex::Regex;

use crate::rules::Level;

mod check;
mod entities;
mod eval;
mod format;
mod functions;
mod fuzz;
mod gotime;
mod html;
mod lex;
mod member;
mod notification;
mod number;
mod parse;
mod regexes;
mod suggest;
mod tree;
mod value;

pub use fuzz::fuzz_template;
pub use notification::{Kind, Templates, plain};
pub use value::{AlertData, Data, Sample};

use check::Wrong;
use eval::Trees;
use functions::{Env, Set};
use tree::Source;
use value::{RuleData, Type, Value};

/// Prometheus puts this before the text of a rule; columns in its messages count it.
const BEFORE_RULES: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                            {{$externalURL := .ExternalURL}}{{$value := .Value}}";
/// The variables that it declares.
const RULE_VARIABLES: [(&str, Type); 4] = [
    ("$labels", Type::Labels),
    ("$externalLabels", Type::Labels),
    ("$externalURL", Type::Text),
    ("$value", Type::Float),
];

/// Those that rules of our kinds have besides.
const KIND_VARIABLES: [(&str, Type); 2] = [("$threshold", Type::Float), ("$severity", Type::Text)];

/// What one run of a template may use. More is an error.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the result, and of each text on the way.
    pub output_bytes: usize,
    /// Parts run, elements ranged over, 64 bytes of text made.
    pub steps: u64,
    /// Queries asked.
    pub queries: usize,
    /// Elements of a range, or of a query's result.
    pub range: usize,
}

impl Limits {
    /// For labels and annotations, which are made anew for each element at each evaluation.
    pub const RULE: Self =
        Self { output_bytes: 64 << 10, steps: 100_000, queries: 10, range: 10_000 };
    /// For notifications, which may hold thousands of alerts.
    pub const NOTIFICATION: Self =
        Self { output_bytes: 4 << 20, steps: 10_000_000, queries: 0, range: 100_000 };
}

/// Answers `query` in templates of rules.
pub trait Queries {
    /// The elements of an instant query's result, a scalar as one without labels.
    ///
    /// # Errors
    /// What the query says.
    fn query(&self, text: &str) -> Result<Vec<Sample>, String>;
}

/// What all templates of a server see.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Labels that this server adds to what it tells others.
    pub external_labels: Labels,
    /// Where people reach this server.
    pub external_url: Arc<str>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { external_labels: Labels::empty(), external_url: Arc::from("") }
    }
}

/// What a template of a rule is shown with.
#[derive(Clone, Copy)]
pub struct Values<'v> {
    /// The labels of the element, the metric's name included.
    pub labels: &'v Labels,
    /// The value of the element.
    pub value: f64,
    /// The time of the evaluation, ms since the epoch.
    pub at: Timestamp,
    /// What does not change from element to element.
    pub surroundings: &'v Surroundings,
    /// Answers `query`; without it, that is an error.
    pub queries: Option<&'v dyn Queries>,
    /// What the element reached, if the rule is of a kind that has thresholds.
    pub reached: Option<Reached<'v>>,
}

/// The number that an element crossed.
#[derive(Clone, Copy, Debug)]
pub struct Reached<'v> {
    /// The number.
    pub threshold: f64,
    /// What it means; may be empty.
    pub severity: &'v str,
}

impl<'v> Reached<'v> {
    /// A level of a rule.
    pub(crate) fn of(level: &'v Level) -> Self {
        Self { threshold: level.threshold, severity: &level.severity }
    }
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template{}: line {line}, column {column}: {message}", in_file(.file))]
pub struct TemplateError {
    /// The file with named templates in which it is; empty for the text itself.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong, with what was probably meant.
    pub message: String,
}

fn in_file(file: &str) -> String {
    if file.is_empty() { String::new() } else { format!(" {file}") }
}

impl TemplateError {
    fn new(source: &Source, pos: usize, message: String) -> Self {
        let (line, column) = source.place(pos);
        Self { file: source.name.clone(), line, column: column + 1, message }
    }
}

impl From<Wrong> for TemplateError {
    fn from(wrong: Wrong) -> Self {
        Self::new(&wrong.source, wrong.pos, wrong.message)
    }
}

/// Why a template has no result, in the words of Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpandError(String);

/// A text of a rule that is read and can be shown. Copies share what was read.
#[derive(Clone)]
pub struct Template {
    inner: Arc<Inner>,
}

struct Inner {
    text: String,
    /// Nothing for a text that is shown as it is.
    trees: Option<Trees>,
    kept: Mutex<Vec<(String, Regex)>>,
}

impl Template {
    /// A text without actions.
    pub fn literal(text: &str) -> Self {
        Self::of(text, None)
    }

    fn of(text: &str, trees: Option<Trees>) -> Self {
        let inner = Inner { text: text.to_owned(), trees, kept: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, &RULE_VARIABLES)
    }

    /// As [`Template::parse`], for rules of our kinds: `$threshold` and `$severity` are known too.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn parse_of_kind(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, &[&RULE_VARIABLES[..], &KIND_VARIABLES].concat())
    }

    fn parse_with(text: &str, variables: &[(&str, Type)]) -> Result<Self, TemplateError> {
        if !text.contains("{{") {
            return Ok(Self::literal(text));
        }
        let before = BEFORE_RULES.len();
        let source = Source { name: String::new(), text: text.to_owned(), before };
        let source = Arc::new(source);
        let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
        let trees = read(&source, "", Set::Prometheus, &names)?;
        let trees = eval::collect(trees);
        if let Some(main) = trees.get("") {
            check::check(main, &trees, Set::Prometheus, Type::Rule, variables)?;
        }
        Ok(Self::of(text, Some(trees)))
    }

    /// The text for an element, its actions replaced. `rule` is the name of the rule.
    ///
    /// # Errors
    /// What failed, as Prometheus says it.
    pub fn expand(&self, rule: &str, values: &Values<'_>) -> Result<String, ExpandError> {
        let trees = self.inner.trees.as_ref();
        let Some((trees, main)) = trees.and_then(|t| Some((t, t.get("")?))) else {
            return Ok(self.inner.text.clone());
        };
        let data = RuleData {
            labels: values.labels.clone(),
            external_labels: values.surroundings.external_labels.clone(),
            external_url: Arc::clone(&values.surroundings.external_url),
            value: values.value,
        };
        let dot = Value::Rule(Arc::new(data));
        let field = |name| member::field(&dot, name).unwrap_or(Value::Nil);
        let variables = [
            ("$labels", field("Labels")),
            ("$externalLabels", field("ExternalLabels")),
            ("$externalURL", field("ExternalURL")),
            ("$value", field("Value")),
            ("$threshold", Value::Float(values.reached.map_or(f64::NAN, |r| r.threshold))),
            ("$severity", Value::Text(values.reached.map_or("", |r| r.severity).into())),
        ];
        let env = Env {
            now_ms: values.at,
            external_url: &values.surroundings.external_url,
            queries: values.queries,
            is_html: false,
            limits: Limits::RULE,
            steps: 0,
            asked: 0,
            kept: &self.inner.kept,
        };
        let name = format!("__alert_{rule}");
        eval::run(trees, main, &name, Set::Prometheus, env, &dot, &variables)
            .map_err(|e| ExpandError(format!("error executing template {name}: {e}")))
    }

    /// As [`Template::expand`]; an error is shown where the text would stand.
    pub fn show(&self, rule: &str, values: &Values<'_>) -> String {
        self.expand(rule, values).unwrap_or_else(|e| {
            // Not a warning: it would come for each element at each evaluation, and is shown anyway.
            tracing::debug!(rule, error = %e, "template not expanded");
            format!("<error expanding template: {e}>")
        })
    }
}

/// Reads a text and what it defines.
fn read(
    source: &Arc<Source>,
    name: &str,
    set: Set,
    variables: &[&str],
) -> Result<Vec<tree::Tree>, TemplateError> {
    let is_function = |name: &str| functions::find(set, name).is_some();
    let known: Vec<&str> = functions::all(set).map(|f| f.name).collect();
    parse::parse(source, name, &is_function, &known, variables)
        .map_err(|(pos, message)| TemplateError::new(source, pos, message))
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.inner.text == other.inner.text
            && self.inner.trees.is_some() == other.inner.trees.is_some()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.inner.text).finish()
    }
}

impl fmt::Display for Template {
    /// The text as it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.text)
    }
}

#[cfg(test)]
mod tests;
