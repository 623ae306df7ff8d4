//! Writes the Prometheus text format 0.0.4, names beyond it in the quotes of 1.0.0 or escaped.

use std::fmt::Write as _;

use std::borrow::Cow;

use plimsoll_model::{METRIC_NAME, MetricKind, Timestamp};

use super::escape::Escaping;
use super::{format_float, is_legacy_label_name, is_legacy_metric_name};

/// Builds an exposition. Families come one after the other, each with its samples.
#[derive(Clone, Debug, Default)]
pub struct TextWriter {
    out: String,
    escaping: Escaping,
}

impl TextWriter {
    /// An empty exposition.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty exposition whose names are escaped in this way.
    pub fn with_escaping(escaping: Escaping) -> Self {
        Self { out: String::new(), escaping }
    }

    /// Begins a family.
    pub fn family(&mut self, metric: &str, kind: MetricKind, help: &str) {
        let name = self.family_name(metric);
        let help = escaped(help, false);
        let _never_fails = writeln!(self.out, "# HELP {name} {help}");
        self.kind(metric, kind);
    }

    /// Begins a family of which only the type is told.
    pub fn kind(&mut self, metric: &str, kind: MetricKind) {
        let name = self.family_name(metric);
        let kind = match kind {
            MetricKind::Unknown => "untyped",
            MetricKind::Info | MetricKind::StateSet => "gauge",
            MetricKind::GaugeHistogram => "histogram",
            kind => kind.as_str(),
        };
        let _never_fails = writeln!(self.out, "# TYPE {name} {kind}");
    }

    fn family_name(&self, metric: &str) -> String {
        let metric = self.escaping.metric(metric);
        if is_legacy_metric_name(&metric) {
            metric.into_owned()
        } else {
            format!("\"{}\"", escaped(&metric, true))
        }
    }

    /// Adds a sample; `labels` without the name.
    pub fn sample(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        self.name_and_value(metric, labels, value);
        self.out.push('\n');
    }

    /// Adds a sample with its time in ms.
    pub fn sample_at(
        &mut self,
        metric: &str,
        labels: &[(&str, &str)],
        value: f64,
        time: Timestamp,
    ) {
        self.name_and_value(metric, labels, value);
        let _never_fails = writeln!(self.out, " {time}");
    }

    fn name_and_value(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        let metric: Cow<'_, str> = self.escaping.metric(metric);
        let metric = &*metric;
        let plain = is_legacy_metric_name(metric);
        if plain {
            self.out.push_str(metric);
        }
        let mut open = '{';
        if !plain {
            let _never_fails = write!(self.out, "{{\"{}\"", escaped(metric, true));
            open = ',';
        }
        for (name, value) in labels.iter().filter(|(n, _)| *n != METRIC_NAME) {
            self.out.push(open);
            open = ',';
            self.label_name(name);
            let _never_fails = write!(self.out, "=\"{}\"", escaped(value, true));
        }
        if open == ',' {
            self.out.push('}');
        }
        self.out.push(' ');
        self.out.push_str(&format_float(value));
    }

    /// A family with a single sample without labels.
    pub fn single(&mut self, metric: &str, kind: MetricKind, help: &str, value: f64) {
        self.family(metric, kind, help);
        self.sample(metric, &[], value);
    }

    /// What was written so far.
    pub fn as_str(&self) -> &str {
        &self.out
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.out
    }

    fn label_name(&mut self, name: &str) {
        let name = self.escaping.label(name);
        if is_legacy_label_name(&name) {
            self.out.push_str(&name);
        } else {
            let _never_fails = write!(self.out, "\"{}\"", escaped(&name, true));
        }
    }
}

fn escaped(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_samples_are_written_as_the_format_has_them() {
        let mut w = TextWriter::new();
        w.family("a_total", MetricKind::Counter, "one\nline \\");
        w.sample("a_total", &[("x", "q\"\\\n"), ("my.label", "1")], 1.5);
        w.single("my.metric", MetricKind::Unknown, "", f64::INFINITY);
        assert_eq!(
            w.finish(),
            "# HELP a_total one\\nline \\\\\n# TYPE a_total counter\n\
             a_total{x=\"q\\\"\\\\\\n\",\"my.label\"=\"1\"} 1.5\n\
             # HELP \"my.metric\" \n# TYPE \"my.metric\" untyped\n{\"my.metric\"} +Inf\n"
        );
    }
}
