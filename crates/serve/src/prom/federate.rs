//! `/federate`: the newest samples of selected series in Prometheus' text format.
//!
//! As Prometheus has it: the newest sample of the last five minutes (the engine's lookback), stale
//! series left out, untyped, with timestamps, an empty `instance` where a series has none so that the
//! scraper does not put its own there. Native histograms are told by their count and sum. Names beyond
//! the old character set are escaped as the `Accept` header asks (`allow-utf-8`, `underscores`, `dots`,
//! `values`; underscores when it does not say). The protobuf format is not spoken.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use plimsoll_model::{
    Hint, Histogram, LabelScratch, Labels, Last, METRIC_NAME, MetricKind, Scoped, Scratch,
    Snapshot, TimeRange, is_stale,
};
use plimsoll_wire::text::{Escaping, TextWriter};

use super::ask;
use super::labels::matchers;
use crate::app::App;
use crate::reply::{Failure, text};
use crate::routes::Call;

/// The label that a scraper sets where it is missing.
const INSTANCE: &str = "instance";

/// Answers with an exposition.
pub async fn federate(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let sets: Vec<_> = call.params.all("match[]").map(matchers).collect::<Result<_, _>>()?;
    let accept = call.parts.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    let (escaping, content_type) = negotiate(accept.unwrap_or(""));
    let (now, ours) = (app.now(), app.control.external_labels());
    let body = ask(&app, &call.params, move |app, cx| {
        let snapshot = Scoped::new(app.source.snapshot());
        // Left-open: a sample of exactly that age is gone.
        let from = now - app.engine.config().lookback_ms + 1;
        let range = TimeRange::new(from, now);
        let mut found: Vec<(Labels, Last)> = Vec::new();
        for set in &sets {
            let selection = snapshot.select(set, &Hint::range(range), cx)?;
            let (mut scratch, mut labels) = (Scratch::default(), LabelScratch::default());
            for i in 0..selection.len() {
                cx.cancel.check()?;
                let Some(last) = selection.last(i, range, &mut scratch, cx)? else { continue };
                let sum = last.histogram.as_ref().map_or(last.float, |h| h.sum);
                let labels = selection.labels(i, &mut labels).to_labels();
                if !is_stale(sum) && !labels.metric().is_empty() {
                    cx.budget.take(labels.as_ref().as_bytes().len() as u64 + 64)?;
                    found.push((labels, last));
                }
            }
        }
        found.sort_by(|(a, _), (b, _)| a.metric().cmp(b.metric()).then_with(|| a.cmp(b)));
        found.dedup_by(|a, b| a.0 == b.0);
        Ok(exposition(&found, &ours, escaping))
    })
    .await?;
    let mut response = text(StatusCode::OK, body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}

/// The samples with our own labels where a series does not have them.
fn exposition(found: &[(Labels, Last)], ours: &Labels, escaping: Escaping) -> String {
    let mut out = TextWriter::with_escaping(escaping);
    let mut family = (String::new(), MetricKind::Unknown);
    for (labels, last) in found {
        let kind = match &last.histogram {
            Some(_) => MetricKind::Histogram,
            None => MetricKind::Unknown,
        };
        let metric = labels.metric();
        if family != (metric.to_owned(), kind) {
            out.kind(metric, kind);
            family = (metric.to_owned(), kind);
        }
        let mut pairs: Vec<(&str, &str)> =
            labels.iter().filter(|(n, _)| *n != METRIC_NAME).collect();
        for pair in ours.iter().chain([(INSTANCE, "")]) {
            if !pairs.iter().any(|(n, _)| *n == pair.0) {
                pairs.push(pair);
            }
        }
        match &last.histogram {
            Some(h) => histogram(&mut out, metric, &mut pairs, h, last.time),
            None => out.sample_at(metric, &pairs, last.float, last.time),
        }
    }
    out.finish()
}

/// What the text format can tell of a native histogram.
fn histogram(
    out: &mut TextWriter,
    metric: &str,
    pairs: &mut Vec<(&str, &str)>,
    h: &Histogram,
    time: i64,
) {
    pairs.push(("le", "+Inf"));
    out.sample_at(&format!("{metric}_bucket"), pairs, h.count(), time);
    pairs.pop();
    out.sample_at(&format!("{metric}_sum"), pairs, h.sum, time);
    out.sample_at(&format!("{metric}_count"), pairs, h.count(), time);
}

/// How names are escaped, and the content type of the answer. The first alternative of the text format
/// counts, since everything else is not spoken.
fn negotiate(accept: &str) -> (Escaping, &'static str) {
    for alternative in accept.split(',') {
        let mut parts = alternative.split(';').map(str::trim);
        if parts.next() != Some("text/plain") {
            continue;
        }
        let named = |name: &str| {
            let mut all = alternative.split(';').map(str::trim);
            all.find_map(|p| p.strip_prefix(name)?.strip_prefix('=')).unwrap_or("")
        };
        let (escaping, new) = match named("escaping") {
            "allow-utf-8" => (
                Escaping::AllowUtf8,
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            "dots" => (Escaping::Dots, "text/plain; version=1.0.0; charset=utf-8; escaping=dots"),
            "values" => {
                (Escaping::Values, "text/plain; version=1.0.0; charset=utf-8; escaping=values")
            }
            _ => (
                Escaping::Underscores,
                "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
            ),
        };
        if named("version") == "1.0.0" {
            return (escaping, new);
        }
        break;
    }
    (Escaping::Underscores, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pairs: &[(&str, &str)], time: i64, float: f64) -> (Labels, Last) {
        let labels = Labels::new(pairs.iter().copied()).unwrap();
        (labels, Last { time, float, histogram: None })
    }

    #[test]
    fn families_have_a_type_and_samples_their_time() {
        let found = [
            row(&[("__name__", "a"), ("instance", "i"), ("x", "1")], 1000, 1.5),
            row(&[("__name__", "a"), ("x", "2")], 2000, f64::INFINITY),
            row(&[("__name__", "my.b"), ("l.l", "1")], 3000, f64::NAN),
        ];
        assert_eq!(
            exposition(&found, &Labels::empty(), Escaping::Underscores),
            "# TYPE a untyped\na{instance=\"i\",x=\"1\"} 1.5 1000\n\
             a{x=\"2\",instance=\"\"} +Inf 2000\n\
             # TYPE my_b untyped\nmy_b{l_l=\"1\",instance=\"\"} NaN 3000\n"
        );
        let ours = Labels::new([("site", "s"), ("x", "ours")]).unwrap();
        let told = exposition(&found, &ours, Escaping::AllowUtf8);
        assert!(told.contains("{\"my.b\",\"l.l\"=\"1\",site=\"s\",x=\"ours\","), "{told}");
        assert!(told.contains("a{instance=\"i\",x=\"1\",site=\"s\"} 1.5"), "{told}");
    }

    #[test]
    fn the_accept_header_chooses_the_escaping() {
        let scraper = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                       text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;q=0.3";
        assert_eq!(negotiate(scraper).0, Escaping::AllowUtf8);
        assert!(negotiate("text/plain;version=1.0.0;escaping=values").1.ends_with("values"));
        let old = negotiate("text/plain;version=0.0.4;q=0.5,*/*;q=0.1");
        assert_eq!(old.0, Escaping::Underscores);
        assert!(old.1.contains("version=0.0.4"), "{}", old.1);
        assert!(negotiate("").1.contains("version=0.0.4"));
    }
}
