//! OpenTelemetry metrics (OTLP 1.x): `ExportMetricsServiceRequest` to series, as Prometheus 3 does it.
//!
//! Gauges and sums become series, explicit histograms classic ones, exponential histograms native
//! ones, summaries their quantiles. The resource names `job` and `instance`; its other attributes go
//! into `target_info`. Start times become start timestamps, exemplars come along, a point without a
//! recorded value is a staleness marker. Names follow [`Strategy`].
//!
//! The walk over protobuf copies nothing but the labels that it writes; JSON bodies are turned into
//! protobuf first ([`from_json`]). Each data point is judged by itself: one that cannot be told in
//! series (delta temporality, no time, no value, a scale below -4, a name that comes out empty) is
//! counted in [`Outcome`] and costs nothing of the others. Follows opentelemetry-proto
//! metrics/v1/metrics.proto and the OpenTelemetry specification's compatibility page for Prometheus.

mod attributes;
mod histogram;
mod json;
mod names;
mod points;
mod sink;
mod target;

use std::borrow::Cow;

use crate::proto::{Cursor, Value, mistyped, put};
use crate::remote_write::{Limits, Request};
use crate::{Error, Result};

use attributes::Base;
use sink::Sink;
use target::Target;

pub use json::from_json;
pub use names::{LabelRules, Strategy};

/// How OTLP is taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How names are made.
    pub strategy: Strategy,
    /// How names of labels are made beyond that.
    pub label_rules: LabelRules,
    /// Resource attributes that become labels of every series; all but these if `promote_all`.
    pub promoted: Vec<String>,
    /// All resource attributes become labels of every series.
    pub promote_all: bool,
    /// `target_info` keeps `service.name`, `service.namespace` and `service.instance.id` too.
    pub keep_identifying: bool,
    /// Explicit histograms become native ones of custom buckets.
    pub custom_buckets: bool,
    /// Name, version and attributes of the scope become labels of every series.
    pub promote_scope: bool,
    /// Values of delta temporality are kept as they come.
    pub keep_delta: bool,
    /// Distance of two samples of `target_info`, ms, above 0.
    pub target_info_every: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            label_rules: LabelRules::default(),
            promoted: Vec::new(),
            promote_all: false,
            keep_identifying: false,
            custom_buckets: false,
            promote_scope: false,
            keep_delta: false,
            target_info_every: 150_000,
        }
    }
}

impl Settings {
    fn label<'n>(&self, name: &'n str) -> Option<Cow<'n, str>> {
        self.strategy.label(name, self.label_rules)
    }
}

/// What could not be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Data points left out.
    pub rejected: u64,
    /// Why the first one was.
    pub why: Option<String>,
    /// Data points in all.
    pub points: u64,
    /// The number of the data point that each row of the request is of; `u32::MAX` for `target_info`.
    pub point_of: Vec<u32>,
}

/// Reads a protobuf body into `out`, replacing what was there.
///
/// # Errors
/// `Invalid` when it is not an `ExportMetricsServiceRequest`; `Limit` for more samples than
/// `limits.samples`, or more bytes of labels than twice `limits.body_bytes`. Nothing of a bad request
/// is kept.
pub fn decode(
    body: &[u8],
    settings: &Settings,
    limits: &Limits,
    out: &mut Request,
) -> Result<Outcome> {
    out.clear();
    if body.len() > limits.body_bytes {
        return Err(Error::Limit {
            limit: "serve.remote_write.body_bytes",
            max: limits.body_bytes as u64,
            what: format!("body of {} bytes", body.len()),
        });
    }
    let mut sink = Sink::new(out, limits);
    let walked = walk(body, settings, &mut sink);
    let outcome = sink.finish();
    if walked.is_err() {
        out.clear();
    }
    walked.map(|()| outcome)
}

fn walk(body: &[u8], settings: &Settings, sink: &mut Sink<'_>) -> Result<()> {
    let mut c = Cursor::new(body);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (1, Value::Bytes(m)) => resource_metrics(m, settings, sink)?,
            (1, _) => return Err(mistyped("ExportMetricsServiceRequest", field)),
            _ => {}
        }
    }
    Ok(())
}

fn resource_metrics(message: &[u8], settings: &Settings, sink: &mut Sink<'_>) -> Result<()> {
    let mut target = Target::default();
    each(message, "ResourceMetrics", 1, |m| target.read(m))?;
    let base = target.labels(settings)?;
    each(message, "ResourceMetrics", 2, |m| scope_metrics(m, settings, &base, &mut target, sink))?;
    target.tell(settings, sink)
}

fn scope_metrics(
    message: &[u8],
    settings: &Settings,
    base: &Base,
    target: &mut Target<'_>,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut base = base.clone();
    if settings.promote_scope {
        let mut schema = "";
        each(message, "ScopeMetrics", 3, |m| {
            schema = attributes::text("schema URL", m)?;
            Ok(())
        })?;
        each(message, "ScopeMetrics", 1, |m| attributes::scope(m, schema, settings, &mut base))?;
    }
    each(message, "ScopeMetrics", 2, |m| points::metric(m, settings, &base, target, sink))
}

/// Calls `take` for each occurrence of a field that holds a message or text.
fn each<'a>(
    message: &'a [u8],
    name: &str,
    wanted: u32,
    mut take: impl FnMut(&'a [u8]) -> Result<()>,
) -> Result<()> {
    let mut c = Cursor::new(message);
    while let Some((field, value)) = c.next()? {
        match value {
            Value::Bytes(m) if field == wanted => take(m)?,
            _ if field == wanted => return Err(mistyped(name, field)),
            _ => {}
        }
    }
    Ok(())
}

/// The body of a successful answer in protobuf, an `ExportMetricsServiceResponse`.
pub fn response(rejected: u64, why: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if rejected > 0 || !why.is_empty() {
        let mut partial = Vec::new();
        put::uint(&mut partial, 1, rejected);
        put::bytes(&mut partial, 2, why.as_bytes());
        put::bytes(&mut out, 1, &partial);
    }
    out
}

/// The body of an error in protobuf, a `google.rpc.Status`.
pub fn status(code: u32, message: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put::uint(&mut out, 1, u64::from(code));
    put::bytes(&mut out, 2, message.as_bytes());
    out
}

#[cfg(test)]
mod tests;
