//! Results as Prometheus prints them. Written by hand: this is the largest output there is.

use plimsoll_model::{Histogram, Labels, MatrixSeries};
use plimsoll_query::{
    Answer, Value, format_plain, format_time, format_value, histogram_buckets, write_time,
    write_value,
};

/// Bytes that are reserved for an answer at most before they are written.
const RESERVED_MAX: usize = 64 << 20;

/// The `data` of an answer: `resultType` before `result`, as streaming clients expect.
pub fn data(out: &mut String, answer: &Answer, at_ms: i64, stats: Option<&str>) {
    match &answer.value {
        Value::Scalar(value) => {
            out.push_str("{\"resultType\":\"scalar\",\"result\":");
            // Scalars have plain digits whatever their size, unlike samples.
            pair(out, at_ms, &format_plain(*value));
        }
        Value::String(text) => {
            out.push_str("{\"resultType\":\"string\",\"result\":[");
            out.push_str(&format_time(at_ms));
            out.push(',');
            string(out, text);
            out.push(']');
        }
        Value::Vector(samples) => {
            out.push_str("{\"resultType\":\"vector\",\"result\":[");
            for (i, s) in samples.iter().enumerate() {
                comma(out, i);
                out.push_str("{\"metric\":");
                metric(out, &s.labels);
                if let Some(h) = &s.histogram {
                    out.push_str(",\"histogram\":");
                    histogram(out, at_ms, h);
                } else {
                    out.push_str(",\"value\":");
                    sample(out, at_ms, s.value);
                }
                out.push('}');
            }
            out.push(']');
        }
        Value::Matrix(series) => matrix(out, series),
    }
    if let Some(stats) = stats {
        out.push_str(",\"stats\":");
        out.push_str(stats);
    }
    out.push('}');
}

fn matrix(out: &mut String, series: &[MatrixSeries]) {
    out.push_str("{\"resultType\":\"matrix\",\"result\":[");
    let (began, mut times) = (out.len(), Times::default());
    for (i, s) in series.iter().enumerate() {
        comma(out, i);
        out.push_str("{\"metric\":");
        metric(out, &s.labels);
        if !s.times.is_empty() || s.histograms.is_empty() {
            out.push_str(",\"values\":[");
            times.samples(out, &s.times, &s.floats);
            out.push(']');
        }
        if !s.histograms.is_empty() {
            out.push_str(",\"histograms\":[");
            for (j, (t, h)) in s.histograms.iter().enumerate() {
                comma(out, j);
                histogram(out, *t, h);
            }
            out.push(']');
        }
        out.push('}');
        if i == 0 {
            // The others will be about as long: a buffer that grows is copied each time.
            let rest = (out.len() - began).saturating_mul(series.len() - 1);
            out.reserve(rest.min(RESERVED_MAX));
        }
    }
    out.push(']');
}

/// What stands before the values of the last series: most have their samples at the same times.
#[derive(Default)]
struct Times {
    ms: Vec<i64>,
    /// `[time,"`, one after the other, each but the first behind a comma.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Times {
    fn samples(&mut self, out: &mut String, ms: &[i64], values: &[f64]) {
        if self.ms != ms {
            self.of(ms);
        }
        let mut from = 0;
        for (&to, &value) in self.ends.iter().zip(values) {
            out.push_str(&self.text[from..to]);
            write_value(out, value);
            out.push_str("\"]");
            from = to;
        }
    }

    fn of(&mut self, ms: &[i64]) {
        self.ms.clear();
        self.ms.extend_from_slice(ms);
        self.text.clear();
        self.ends.clear();
        for (i, t) in ms.iter().enumerate() {
            self.text.push_str(if i > 0 { ",[" } else { "[" });
            write_time(&mut self.text, *t);
            self.text.push_str(",\"");
            self.ends.push(self.text.len());
        }
    }
}

fn comma(out: &mut String, i: usize) {
    if i > 0 {
        out.push(',');
    }
}

fn sample(out: &mut String, time_ms: i64, value: f64) {
    out.push('[');
    write_time(out, time_ms);
    out.push_str(",\"");
    write_value(out, value);
    out.push_str("\"]");
}

fn pair(out: &mut String, time_ms: i64, value: &str) {
    out.push('[');
    out.push_str(&format_time(time_ms));
    out.push_str(",\"");
    out.push_str(value);
    out.push_str("\"]");
}

/// A native histogram with its time: count, sum, and the buckets that hold something, each as the
/// digit for the ends that belong to it, the ends and the count.
fn histogram(out: &mut String, time_ms: i64, h: &Histogram) {
    out.push('[');
    out.push_str(&format_time(time_ms));
    out.push_str(",{\"count\":\"");
    out.push_str(&format_value(h.count()));
    out.push_str("\",\"sum\":\"");
    out.push_str(&format_value(h.sum));
    out.push('"');
    let buckets = histogram_buckets(h);
    if !buckets.is_empty() {
        out.push_str(",\"buckets\":[");
        for (i, b) in buckets.iter().enumerate() {
            comma(out, i);
            out.push('[');
            out.push(char::from(b'0' + b.ends));
            for number in [b.lower, b.upper, b.count] {
                out.push_str(",\"");
                out.push_str(&format_value(number));
                out.push('"');
            }
            out.push(']');
        }
        out.push(']');
    }
    out.push_str("}]");
}

/// A label set as a JSON object.
pub fn metric(out: &mut String, labels: &Labels) {
    out.push('{');
    for (i, (name, value)) in labels.iter().enumerate() {
        comma(out, i);
        string(out, name);
        out.push(':');
        string(out, value);
    }
    out.push('}');
}

/// A JSON string.
pub fn string(out: &mut String, text: &str) {
    let plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::MatrixSeries;

    #[track_caller]
    fn check(value: Value, at_ms: i64, expected: &str) {
        let (warnings, infos, stats) = (Vec::new(), Vec::new(), plimsoll_query::Stats::default());
        let answer = Answer { value, warnings, infos, stats };
        let mut out = String::new();
        data(&mut out, &answer, at_ms, None);
        assert_eq!(out, expected);
    }

    #[test]
    fn results_are_printed_as_prometheus_prints_them() {
        check(Value::Scalar(2.0), 4_000, r#"{"resultType":"scalar","result":[4,"2"]}"#);
        check(Value::Scalar(1e-9), 0, r#"{"resultType":"scalar","result":[0,"0.000000001"]}"#);
        check(
            Value::String("a\"b".into()),
            1_500,
            r#"{"resultType":"string","result":[1.5,"a\"b"]}"#,
        );
        let labels = Labels::new([("__name__", "up"), ("job", "x")]).unwrap();
        let sample = plimsoll_query::Sample {
            labels: labels.clone(),
            value: f64::INFINITY,
            histogram: None,
        };
        check(
            Value::Vector(vec![sample]),
            1,
            r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"x"},"value":[0.001,"+Inf"]}]}"#,
        );
        let series = MatrixSeries::new(labels, vec![0, 15_000], vec![0.1, -0.0]);
        check(
            Value::Matrix(vec![series]),
            0,
            r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"x"},"values":[[0,"0.1"],[15,"-0"]]}]}"#,
        );
    }

    #[test]
    fn histograms_have_their_own_fields() {
        use plimsoll_model::{Counts, ResetHint, Span};
        let h = std::sync::Arc::new(Histogram {
            schema: 0,
            hint: ResetHint::Unknown,
            zero_threshold: 0.001,
            sum: 4.5,
            positive_spans: vec![Span { offset: 0, length: 3 }],
            negative_spans: vec![Span { offset: 1, length: 1 }],
            custom: Vec::new(),
            counts: Counts::Integer {
                count: 7,
                zero: 1,
                positive: vec![1, 0, 2],
                negative: vec![3],
            },
        });
        let printed = concat!(
            r#"{"count":"7","sum":"4.5","buckets":[[1,"-2","-1","3"],"#,
            r#"[3,"-0.001","0.001","1"],[0,"0.5","1","1"],[0,"2","4","2"]]}"#
        );
        let sample = plimsoll_query::Sample {
            labels: Labels::empty(),
            value: plimsoll_model::stale_nan(),
            histogram: Some(std::sync::Arc::clone(&h)),
        };
        let head = r#"{"resultType":"vector","result":[{"metric":{},"histogram":[1,"#;
        check(Value::Vector(vec![sample]), 1_000, &format!("{head}{printed}]}}]}}"));
        let mut series = MatrixSeries::new(Labels::empty(), vec![], vec![]);
        series.histograms.push((2_000, h));
        let head = r#"{"resultType":"matrix","result":[{"metric":{},"histograms":[[2,"#;
        check(Value::Matrix(vec![series]), 0, &format!("{head}{printed}]]}}]}}"));
    }
}
