//! Histograms of custom buckets in evaluation scripts.

use std::collections::BTreeMap;

use plimsoll_model::{Counts, Histogram, Labels, ResetHint, Span, is_stale};

use crate::script::Sample;

/// Histograms of custom buckets made of the classic ones among these series.
pub fn of_classic(series: &[(Labels, Vec<Sample>)]) -> Vec<(Labels, Vec<Sample>)> {
    let mut found: BTreeMap<Labels, BTreeMap<i64, Classic>> = BTreeMap::new();
    for (labels, samples) in series {
        let bound = labels.get("le").and_then(|le| le.parse::<f64>().ok());
        let name = labels.metric();
        let ends = ["_bucket", "_count", "_sum"];
        let Some(base) = ends.iter().find_map(|end| name.strip_suffix(end)) else { continue };
        let key = labels.without(|n| n == "le").with("__name__", base);
        for s in samples.iter().filter(|s| !is_stale(s.value)) {
            let classic = found.entry(key.clone()).or_default().entry(s.time).or_default();
            match bound {
                Some(bound) if name.ends_with("_bucket") => classic.buckets.push((bound, s.value)),
                _ if name.ends_with("_count") => classic.count = Some(s.value),
                _ if name.ends_with("_sum") => classic.sum = s.value,
                _ => {}
            }
        }
    }
    let of = |(time, classic): (i64, Classic)| {
        let histogram = classic.histogram()?;
        let value = plimsoll_model::stale_nan();
        Some(Sample { time, value, histogram: Some(histogram), start: 0 })
    };
    found
        .into_iter()
        .map(|(labels, at)| (labels, at.into_iter().filter_map(of).collect()))
        .filter(|(_, samples): &(_, Vec<Sample>)| !samples.is_empty())
        .collect()
}

#[derive(Default)]
struct Classic {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

impl Classic {
    fn histogram(mut self) -> Option<Histogram> {
        if self.buckets.is_empty() {
            return None;
        }
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = self.buckets.last()?.1;
        let count = self.count.unwrap_or(last);
        if self.buckets.last()?.0 != f64::INFINITY {
            self.buckets.push((f64::INFINITY, count));
        }
        let custom: Vec<f64> = self.buckets.iter().map(|b| b.0).filter(|b| b.is_finite()).collect();
        let mut before = 0.0;
        let mut positive = Vec::new();
        for (_, cumulative) in &self.buckets {
            positive.push(cumulative - before);
            before = *cumulative;
        }
        let length = positive.len() as u32;
        Some(Histogram {
            schema: -53,
            hint: ResetHint::Unknown,
            zero_threshold: 0.0,
            sum: self.sum,
            positive_spans: vec![Span { offset: 0, length }],
            negative_spans: Vec::new(),
            custom,
            counts: Counts::Float { count, zero: 0.0, positive, negative: Vec::new() },
        })
    }
}
