//! Files of unit tests: from written to checked, all problems at once.

use std::sync::Arc;

use plimsoll_model::Labels;
use plimsoll_model::written::{Fields, Node, Problem, Problems, Value, parse};
use plimsoll_query::{SeriesValue, histogram_text, parse_series_labels, parse_series_values};

use super::text::Told;
use super::{AlertCase, Expected, ExprCase, Pairs, UnitTest, UnitTests, repeated};
use crate::template::Surroundings;

/// Time between evaluations, ms, when none is written.
const INTERVAL_MS: i64 = 60_000;
/// Values of all series of a file.
const VALUES_MAX: usize = 10_000_000;

/// Reads a file of unit tests.
///
/// # Errors
/// Every problem of the file, with its line and key.
pub fn read_unit_tests(file: &str, text: &str) -> Result<UnitTests, Vec<Problem>> {
    let root = parse(file, text).map_err(|p| vec![p])?;
    let mut problems = Problems::new(file);
    let problems = &mut problems;
    let mut fields = Fields::of(&root, "", problems);
    let rule_files = fields.texts("rule_files", problems);
    let interval = fields.duration_ms("evaluation_interval", problems).filter(|ms| *ms > 0);
    let interval_ms = interval.unwrap_or(INTERVAL_MS);
    let line = fields.line();
    let order = fields.texts("group_eval_order", problems);
    if let Some(name) = repeated(&order) {
        let message = format!("group name repeated in evaluation order: {name}");
        problems.add(line, "group_eval_order", message);
    }
    let fuzzy = fields.bool("fuzzy_compare", problems).unwrap_or(false);
    let mut reader = Reader { interval_ms, values: 0 };
    let mut tests = Vec::new();
    for (i, node) in fields.list("tests", problems).iter().enumerate() {
        tests.push(reader.test(node, &format!("tests[{i}]"), problems));
    }
    fields.finish(problems);
    let tests = UnitTests { rule_files, interval_ms, tests, order, fuzzy };
    std::mem::take(problems).into_result(tests)
}

struct Reader {
    interval_ms: i64,
    values: usize,
}

impl Reader {
    fn test(&mut self, node: &Node, path: &str, problems: &mut Problems) -> UnitTest {
        let mut fields = Fields::of(node, path, problems);
        let name = fields.text("name", problems).unwrap_or_default();
        let interval = fields.duration_ms("interval", problems).filter(|ms| *ms > 0);
        let mut series = Vec::new();
        for (i, node) in fields.list("input_series", problems).iter().enumerate() {
            series.extend(self.series(node, &format!("{path}.input_series[{i}]"), problems));
        }
        let mut alerts = Vec::new();
        for (i, node) in fields.list("alert_rule_test", problems).iter().enumerate() {
            alerts.extend(alert(node, &format!("{path}.alert_rule_test[{i}]"), problems));
        }
        let mut exprs = Vec::new();
        for (i, node) in fields.list("promql_expr_test", problems).iter().enumerate() {
            exprs.extend(expr(node, &format!("{path}.promql_expr_test[{i}]"), problems));
        }
        let line = fields.line();
        let external = pairs(fields.pairs("external_labels", problems));
        let labels = Labels::new(external.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let external_labels = labels.unwrap_or_else(|e| {
            problems.add(line, format!("{path}.external_labels"), e.to_string());
            Labels::empty()
        });
        let url = fields.text("external_url", problems).unwrap_or_default();
        let start_ms = fields.read("start_timestamp", problems, start).unwrap_or(0);
        fields.finish(problems);
        UnitTest {
            name,
            interval_ms: interval.unwrap_or(self.interval_ms),
            series,
            alerts,
            exprs,
            surroundings: Surroundings { external_labels, external_url: Arc::from(url) },
            start_ms,
        }
    }

    fn series(
        &mut self,
        node: &Node,
        path: &str,
        problems: &mut Problems,
    ) -> Option<(Labels, Vec<SeriesValue>)> {
        let mut fields = Fields::of(node, path, problems);
        let labels = fields.read("series", problems, |n| {
            parse_series_labels(&n.text().unwrap_or_default()).map_err(|e| e.to_string())
        });
        let values = fields.read("values", problems, |n| {
            parse_series_values(&n.text().unwrap_or_default()).map_err(|e| e.to_string())
        });
        fields.finish(problems);
        let values = values.unwrap_or_default();
        self.values += values.len();
        if self.values > VALUES_MAX {
            let message = format!("the series of a file have at most {VALUES_MAX} values");
            problems.add(node.line, path, message);
            return None;
        }
        Some((labels?, values))
    }
}

fn alert(node: &Node, path: &str, problems: &mut Problems) -> Option<AlertCase> {
    let mut fields = Fields::of(node, path, problems);
    let at_ms = fields.duration_ms("eval_time", problems).unwrap_or(0);
    let name = fields.text("alertname", problems).unwrap_or_default();
    if name.is_empty() {
        let message = format!(
            "an item under alert_rule_test misses required attribute alertname at eval_time {}",
            plimsoll_query::format_duration(at_ms)
        );
        problems.add(node.line, format!("{path}.alertname"), message);
    }
    let mut expected = Vec::new();
    for (i, node) in fields.list("exp_alerts", problems).iter().enumerate() {
        let mut fields = Fields::of(node, &format!("{path}.exp_alerts[{i}]"), problems);
        let mut labels = pairs(fields.pairs("exp_labels", problems));
        let annotations = pairs(fields.pairs("exp_annotations", problems));
        fields.finish(problems);
        labels.insert("alertname".to_owned(), name.clone());
        let told: Told = (labels, annotations);
        expected.push(told);
    }
    fields.finish(problems);
    (!name.is_empty()).then_some(AlertCase { at_ms, name, expected })
}

fn expr(node: &Node, path: &str, problems: &mut Problems) -> Option<ExprCase> {
    let mut fields = Fields::of(node, path, problems);
    let expr = fields.text("expr", problems).unwrap_or_default();
    let at_ms = fields.duration_ms("eval_time", problems).unwrap_or(0);
    let mut expected = Vec::new();
    for (i, node) in fields.list("exp_samples", problems).iter().enumerate() {
        let mut fields = Fields::of(node, &format!("{path}.exp_samples[{i}]"), problems);
        let labels = fields.read("labels", problems, |n| match n.text().unwrap_or_default() {
            text if text.trim().is_empty() => Ok(Labels::empty()),
            text => parse_series_labels(&text).map_err(|e| e.to_string()),
        });
        let value = fields.read("value", problems, number);
        let histogram = fields.read("histogram", problems, |n| {
            let text = n.text().unwrap_or_default();
            if text.is_empty() {
                return Ok(None);
            }
            match parse_series_values(&text).map_err(|e| e.to_string())?.as_slice() {
                [SeriesValue::Histogram(h)] => Ok(Some(histogram_text(h))),
                [_] => Err("expected histogram, got a number".to_owned()),
                many => Err(format!("expected 1 value, got {}", many.len())),
            }
        });
        fields.finish(problems);
        let (labels, value) = (labels.unwrap_or_else(Labels::empty), value.unwrap_or(0.0));
        expected.push(Expected { labels, value, histogram: histogram.flatten() });
    }
    fields.finish(problems);
    Some(ExprCase { at_ms, expr, expected })
}

fn number(node: &Node) -> Result<f64, String> {
    match &node.value {
        Value::Int(i) => Ok(*i as f64),
        Value::Float(x) => Ok(*x),
        _ => {
            let text = node.text().unwrap_or_default();
            let plain = text.trim().trim_start_matches('.');
            plain.parse().map_err(|_| format!("{text:?} is not a number"))
        }
    }
}

/// Seconds since the epoch, or RFC 3339; in ms.
fn start(node: &Node) -> Result<i64, String> {
    let text = node.text().unwrap_or_default();
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.abs() < 1e12
    {
        return Ok((seconds * 1e3).round() as i64);
    }
    let time = text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
    time.map_err(|_| format!("{text:?} is no time (write 2026-11-21T00:00:00Z or seconds)"))
}

fn pairs(written: Vec<(String, String, u64)>) -> Pairs {
    written.into_iter().map(|(name, value, _)| (name, value)).collect()
}

/// Any bytes as a file of tests: for fuzzing.
pub fn fuzz_unit_tests(bytes: &[u8]) {
    let _ = read_unit_tests("fuzz", &String::from_utf8_lossy(bytes));
}
