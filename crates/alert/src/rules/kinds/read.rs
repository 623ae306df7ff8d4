//! Rules of our kinds: from written to checked.
//!
//! All keys of a kind are taken before anything is judged, so that one mistake does not make others
//! look unknown. The expression that a kind is compiled to is read back with the features of the engine
//! that will evaluate it.

use plimsoll_model::written::{Fields, Node, Problems, Value};
use plimsoll_query::{Expr, Features, Query, ValueType, format_duration, parse as parse_promql};

use super::compile::{self, To};
use super::grades::{self, Grades};
use super::{Absence, Condition, Level, Levels, Minimum, OnError, OnNoData, Policy};

/// How long a series is remembered unless the rule says otherwise, ms.
const REMEMBER_MS: i64 = 86_400_000;
/// The longest time that a rule of a kind may look back, ms: 400 days.
const BACK_MAX_MS: i64 = 400 * 86_400_000;
/// The score from which a sample is an anomaly, unless the rule says otherwise.
const SCORE: f64 = 0.5;

/// A kind of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Threshold,
    Trend,
    Anomaly,
    Prediction,
    Absence,
}

impl Own {
    const ALL: [(&'static str, Self); 5] = [
        ("threshold", Self::Threshold),
        ("trend", Self::Trend),
        ("anomaly", Self::Anomaly),
        ("prediction", Self::Prediction),
        ("absence", Self::Absence),
    ];

    /// The key that begins such a rule, which is also the name of the kind.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::Trend => "trend",
            Self::Anomaly => "anomaly",
            Self::Prediction => "prediction",
            Self::Absence => "absence",
        }
    }
}

/// Takes the keys that begin rules of our kinds, with the names behind them.
pub fn begin(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<(Own, String)> {
    let take = |(key, own)| Some((own, fields.text(key, problems)?));
    Own::ALL.into_iter().filter_map(take).collect()
}

/// Reads what is watched; the PromQL that stands for it, and the condition.
pub fn condition(
    own: Own,
    fields: &mut Fields<'_>,
    features: &Features,
    problems: &mut Problems,
) -> Option<(Query, Condition)> {
    let line = fields.line();
    let mut reading = Reading { own, fields, features, problems, line };
    match own {
        Own::Threshold => reading.threshold(),
        Own::Trend => reading.trend(),
        Own::Anomaly => reading.anomaly(),
        Own::Prediction => reading.prediction(),
        Own::Absence => reading.absence(),
    }
}

/// A key that may be missing, and may be wrong, which is noted already.
enum Asked<T> {
    Missing,
    Wrong,
    Is(T),
}

impl<T> Asked<T> {
    fn of(is_written: bool, found: Option<T>) -> Self {
        match (is_written, found) {
            (_, Some(found)) => Self::Is(found),
            (true, None) => Self::Wrong,
            (false, None) => Self::Missing,
        }
    }
}

struct Reading<'r, 'n> {
    own: Own,
    fields: &'r mut Fields<'n>,
    features: &'r Features,
    problems: &'r mut Problems,
    line: u64,
}

impl Reading<'_, '_> {
    fn note(&mut self, line: u64, key: &str, message: impl Into<String>) {
        let path = self.fields.path(key);
        self.problems.add(line, path, message);
    }

    /// An expression, with its line.
    fn expr(&mut self, key: &'static str) -> Option<(Expr, u64)> {
        let Some(node) = self.fields.take(key) else {
            self.note(self.line, key, "a rule needs an expression");
            return None;
        };
        match parse_promql(&node.text().unwrap_or_default(), self.features) {
            Ok(expr) => Some((expr, node.line)),
            Err(e) => {
                self.note(node.line, key, e.to_string());
                None
            }
        }
    }

    /// Notes that an expression is of the wrong type.
    fn wants(&mut self, (expr, line): &(Expr, u64), key: &str, range: bool) -> bool {
        let found = expr.value_type();
        let fits = match found {
            ValueType::InstantVector | ValueType::Scalar => true,
            ValueType::RangeVector => range,
            ValueType::String => false,
        };
        if !fits {
            let message = format!("{} where a value per series is wanted", found.name());
            self.note(*line, key, message);
        }
        fits
    }

    /// A text of ours, read back.
    fn query(&mut self, text: &str) -> Option<Query> {
        match parse_promql(text, self.features) {
            Ok(expr) => Some(Query::new(text, expr)),
            Err(e) => {
                let kind = self.own.key();
                let message = format!("the {kind} as PromQL, {text}: {e}");
                self.note(self.line, kind, message);
                None
            }
        }
    }

    fn graded(&mut self, key: &'static str, read: grades::Reader) -> Asked<Grades> {
        let Some(node) = self.fields.take(key) else { return Asked::Missing };
        let path = self.fields.path(key);
        Asked::of(true, grades::read(node, &path, read, self.problems))
    }

    /// A length of time to look back, ms.
    fn back(&mut self, key: &'static str) -> Asked<i64> {
        let Some(node) = self.fields.take(key) else { return Asked::Missing };
        let found = grades::seconds(node).map(|s| (s * 1e3) as i64);
        let message = match found {
            Ok(ms) if ms <= BACK_MAX_MS => return Asked::Is(ms),
            Ok(_) => format!("at most {}", format_duration(BACK_MAX_MS)),
            Err(message) => message,
        };
        self.note(node.line, key, message);
        Asked::Wrong
    }

    /// `over` of a rule that looks at a range: it belongs to expressions that are none.
    fn over(&mut self, expr: Option<&(Expr, u64)>) -> Option<i64> {
        let over = self.back("over");
        let is_range = expr.is_some_and(|(e, _)| e.value_type() == ValueType::RangeVector);
        match (over, is_range) {
            (Asked::Is(ms), false) => Some(ms),
            (Asked::Missing, true) => Some(0),
            (Asked::Is(_), true) => {
                self.note(self.line, "over", "the expression has a range already; leave one out");
                None
            }
            (Asked::Missing, false) => {
                let message = "how far back to look is missing (write over: 6h)";
                self.note(self.line, "over", message);
                None
            }
            (Asked::Wrong, _) => None,
        }
    }

    fn minimum(&mut self) -> Option<Option<(Expr, f64)>> {
        let Some(node) = self.fields.take("minimum") else { return Some(None) };
        let path = self.fields.path("minimum");
        let mut fields = Fields::of(node, &path, self.problems);
        let above = fields.read("above", self.problems, grades::number);
        let text = fields.text("expr", self.problems);
        fields.finish(self.problems);
        let Some(text) = text else {
            self.note(node.line, "minimum.expr", "a minimum needs an expression");
            return None;
        };
        let expr = match parse_promql(&text, self.features) {
            Ok(expr) => expr,
            Err(e) => {
                self.note(node.line, "minimum.expr", e.to_string());
                return None;
            }
        };
        let fits = self.wants(&(expr.clone(), node.line), "minimum.expr", false);
        if above.is_none() {
            let message = "how much there must be is missing or wrong (write above: 10)";
            self.note(node.line, "minimum.above", message);
        }
        (fits && above.is_some()).then(|| Some((expr, above.unwrap_or_default())))
    }

    /// The levels out of what is written.
    fn levels(
        &mut self,
        (key, thresholds): (&'static str, Grades),
        clear: Asked<Grades>,
        above: bool,
    ) -> Option<Vec<Level>> {
        let clear = match clear {
            Asked::Missing => None,
            Asked::Wrong => return None,
            Asked::Is(clear) => Some(clear),
        };
        let path = self.fields.path("");
        let path = path.trim_end_matches('.');
        grades::levels((key, thresholds), clear, above, path, self.problems)
    }

    /// The rule: fires where `value` crosses the first level.
    fn crossing(
        &mut self,
        value: &str,
        above: bool,
        levels: Vec<Level>,
        minimum: Option<(Expr, f64)>,
    ) -> Option<(Query, Condition)> {
        let first = levels.first()?.threshold;
        let mut text = compile::compared(value, above, first);
        let mut least = None;
        if let Some((expr, number)) = minimum {
            text = compile::with_minimum(&text, &expr, number);
            let query = self.query(&compile::vector(&expr))?;
            least = Some(Minimum { query, above: number });
        }
        let query = self.query(&text)?;
        let value = self.query(value)?;
        let kind = self.own.key();
        let levels = Levels { kind, value, above, levels, minimum: least };
        Some((query, Condition::Levels(Box::new(levels))))
    }

    fn threshold(&mut self) -> Option<(Query, Condition)> {
        let expr = self.expr("expr");
        let (above, below) =
            (self.graded("above", grades::number), self.graded("below", grades::number));
        let clear = self.graded("clear", grades::number);
        let minimum = self.minimum();
        let fits = expr.as_ref().is_some_and(|e| self.wants(e, "expr", false));
        let (key, upper, thresholds) = match (above, below) {
            (Asked::Is(t), Asked::Missing) => ("above", true, t),
            (Asked::Missing, Asked::Is(t)) => ("below", false, t),
            (Asked::Missing, Asked::Missing) => {
                let message = "a threshold needs above or below";
                self.note(self.line, "threshold", message);
                return None;
            }
            (Asked::Wrong, _) | (_, Asked::Wrong) => return None,
            _ => {
                let message = "a threshold has above or below, not both; write two rules";
                self.note(self.line, "threshold", message);
                return None;
            }
        };
        let levels = self.levels((key, thresholds), clear, upper)?;
        let (expr, minimum) = (expr.filter(|_| fits)?.0, minimum?);
        self.crossing(&compile::vector(&expr), upper, levels, minimum)
    }

    fn trend(&mut self) -> Option<(Query, Condition)> {
        let expr = self.expr("expr");
        let over = self.over(expr.as_ref());
        let (rising, falling) = (self.rate("rising_by"), self.rate("falling_by"));
        let clear = self.graded("clear", grades::positive);
        let minimum = self.minimum();
        let fits = expr.as_ref().is_some_and(|e| self.wants(e, "expr", true));
        let (key, is_rising, (grades, per_ms)) = match (rising, falling) {
            (Asked::Is(r), Asked::Missing) => ("rising_by", true, r),
            (Asked::Missing, Asked::Is(r)) => ("falling_by", false, r),
            (Asked::Wrong, _) | (_, Asked::Wrong) => return None,
            (Asked::Missing, Asked::Missing) => {
                let message = "a trend needs rising_by or falling_by";
                self.note(self.line, "trend", message);
                return None;
            }
            _ => {
                let message = "a trend has rising_by or falling_by, not both; write two rules";
                self.note(self.line, "trend", message);
                return None;
            }
        };
        let signed = |g: Grades| if is_rising { g } else { g.negated() };
        let clear = match clear {
            Asked::Is(clear) => Asked::Is(signed(clear)),
            other => other,
        };
        let levels = self.levels((key, signed(grades)), clear, is_rising)?;
        let (expr, over, minimum) = (expr.filter(|_| fits)?.0, over?, minimum?);
        let mut value = format!("trend({})", compile::range(&expr, over));
        if per_ms != 1_000 {
            value = format!("{value} * {}", per_ms as f64 / 1e3);
        }
        self.crossing(&value, is_rising, levels, minimum)
    }

    /// `{amount: 0.1, per: 1h}`.
    fn rate(&mut self, key: &'static str) -> Asked<(Grades, i64)> {
        let Some(node) = self.fields.take(key) else { return Asked::Missing };
        let path = self.fields.path(key);
        if !matches!(node.value, Value::Map(_)) {
            let message = format!("{} where {{amount: 0.1, per: 1h}} is wanted", node.kind());
            self.problems.add(node.line, path, message);
            return Asked::Wrong;
        }
        let mut fields = Fields::of(node, &path, self.problems);
        let amount = fields.take("amount");
        let per = fields.read("per", self.problems, grades::seconds);
        let has_per =
            per.is_some() || self.problems.found.iter().any(|p| p.key == format!("{path}.per"));
        fields.finish(self.problems);
        let amount = match amount {
            Some(node) => {
                grades::read(node, &format!("{path}.amount"), grades::positive, self.problems)
            }
            None => {
                self.problems.add(node.line, format!("{path}.amount"), "the amount is missing");
                None
            }
        };
        if !has_per {
            let message = "the time is missing (write per: 1h)";
            self.problems.add(node.line, format!("{path}.per"), message);
        }
        Asked::of(true, amount.zip(per).map(|(amount, s)| (amount, (s * 1e3) as i64)))
    }

    fn anomaly(&mut self) -> Option<(Query, Condition)> {
        let expr = self.expr("expr");
        let over = self.over(expr.as_ref());
        let score = self.graded("score", |node| match grades::number(node) {
            Ok(x) if (0.0..1.0).contains(&x) => Ok(x),
            Ok(x) => Err(format!("{x} is no score; they lie between 0 and 1")),
            Err(message) => Err(message),
        });
        let clear = self.graded("clear", grades::number);
        let minimum = self.minimum();
        let fits = expr.as_ref().is_some_and(|e| self.wants(e, "expr", true));
        let score = match score {
            Asked::Missing => Grades::One(SCORE, self.line),
            Asked::Wrong => return None,
            Asked::Is(score) => score,
        };
        let levels = self.levels(("score", score), clear, true)?;
        let (expr, over, minimum) = (expr.filter(|_| fits)?.0, over?, minimum?);
        let value = format!("anomaly_score({})", compile::range(&expr, over));
        self.crossing(&value, true, levels, minimum)
    }

    fn prediction(&mut self) -> Option<(Query, Condition)> {
        let expr = self.expr("expr");
        let over = self.over(expr.as_ref());
        let limit = self.limit();
        let rising = self.fields.read("direction", self.problems, direction);
        let (within, clear) =
            (self.graded("within", grades::seconds), self.graded("clear", grades::seconds));
        let minimum = self.minimum();
        let fits = expr.as_ref().is_some_and(|e| self.wants(e, "expr", true));
        let within = match within {
            Asked::Is(within) => within,
            Asked::Wrong => return None,
            Asked::Missing => {
                let message = "how soon is too soon is missing (write within: 24h)";
                self.note(self.line, "within", message);
                return None;
            }
        };
        let levels = self.levels(("within", within), clear, false)?;
        let (expr, over, limit) = (expr.filter(|_| fits)?.0, over?, limit?);
        let to = match &limit {
            (None, number) => To::Number(*number),
            (Some(limit), _) => To::Expr(limit),
        };
        if matches!(to, To::Expr(_)) && expr.value_type() == ValueType::RangeVector {
            let message = "a limit that is an expression needs an expression without a range";
            self.note(self.line, "limit", message);
            return None;
        }
        let minimum = minimum?;
        let value = compile::time_to(&expr, over, &to, rising);
        self.crossing(&value, false, levels, minimum)
    }

    /// A number, or an expression that gives one for each series.
    fn limit(&mut self) -> Option<(Option<Expr>, f64)> {
        let Some(node) = self.fields.take("limit") else {
            let message = "the limit is missing (a number, or an expression that gives it)";
            self.note(self.line, "limit", message);
            return None;
        };
        if let Ok(number) = grades::number(node) {
            return Some((None, number));
        }
        match parse_promql(&node.text().unwrap_or_default(), self.features) {
            Ok(expr) => {
                let found = (expr, node.line);
                self.wants(&found, "limit", false).then_some((Some(found.0), 0.0))
            }
            Err(e) => {
                self.note(node.line, "limit", e.to_string());
                None
            }
        }
    }

    fn absence(&mut self) -> Option<(Query, Condition)> {
        let expr = self.expr("expr");
        let (over, remember) = (self.back("over"), self.back("remember"));
        let over_ms = match over {
            Asked::Is(ms) => Some(ms),
            Asked::Wrong => None,
            Asked::Missing => {
                let message = "how long a series may be silent is missing (write over: 10m)";
                self.note(self.line, "over", message);
                None
            }
        };
        let remember_ms = match remember {
            Asked::Is(ms) => Some(ms),
            Asked::Wrong => None,
            Asked::Missing => Some(REMEMBER_MS.max(over_ms.unwrap_or(0).saturating_mul(2))),
        };
        let (expr, line) = expr?;
        let Expr::Vector(selector) = expr.unwrap_paren() else {
            let message = "an absence is of a selector, like up{job=\"api\"}; for others write \
                           alert with absent()";
            self.note(line, "expr", message);
            return None;
        };
        if selector.modifiers.at.is_some()
            || selector.modifiers.offset.is_some()
            || selector.extended.is_some()
        {
            self.note(line, "expr", "an absence is of a selector without offset and @");
            return None;
        }
        let (over_ms, remember_ms) = (over_ms?, remember_ms?);
        if remember_ms <= over_ms {
            let message = format!("must be longer than over, {}", format_duration(over_ms));
            self.note(self.line, "remember", message);
            return None;
        }
        let piece_ms = compile::piece_ms(over_ms, remember_ms);
        let shown = self.query(&compile::absent(selector, over_ms, remember_ms))?;
        // The function that is asked is experimental in Prometheus; users cannot switch it off here.
        let features = Features { experimental_functions: true, ..*self.features };
        let last = |ms| Query::parse(&compile::last_times(selector, ms), &features);
        let (Ok(recent), Ok(earlier)) = (last(over_ms), last(piece_ms)) else { return None };
        let labels = compile::absent_labels(selector);
        let absence = Absence { recent, earlier, over_ms, piece_ms, remember_ms, labels };
        Some((shown, Condition::Absence(Box::new(absence))))
    }
}

fn direction(node: &Node) -> Result<bool, String> {
    match node.text().as_deref() {
        Some("rising") => Ok(true),
        Some("falling") => Ok(false),
        _ => Err("there are rising and falling".to_owned()),
    }
}

/// `on_error` and `on_no_data`; and whether any is written.
pub fn policy(fields: &mut Fields<'_>, problems: &mut Problems) -> (Policy, bool) {
    let on_error = fields.read("on_error", problems, |node| match node.text().as_deref() {
        Some("keep") => Ok(OnError::Keep),
        Some("fire") => Ok(OnError::Fire),
        _ => Err("there are keep (alerts stay as they are) and fire".to_owned()),
    });
    let on_no_data = fields.read("on_no_data", problems, |node| match node.text().as_deref() {
        Some("ok") => Ok(OnNoData::Ok),
        Some("keep") => Ok(OnNoData::Keep),
        Some("fire") => Ok(OnNoData::Fire),
        _ => {
            Err("there are ok (alerts are over), keep (they stay as they are) and fire".to_owned())
        }
    });
    let is_written = on_error.is_some() || on_no_data.is_some();
    let policy = Policy {
        on_error: on_error.unwrap_or_default(),
        on_no_data: on_no_data.unwrap_or_default(),
    };
    (policy, is_written)
}
