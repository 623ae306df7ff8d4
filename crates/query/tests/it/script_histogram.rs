//! Native histograms in evaluation scripts.

use std::collections::BTreeMap;

use plimsoll_model::{Counts, Histogram, Labels, ResetHint, Span, is_stale};

use crate::script::Sample;

/// A histogram as a script writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Literal {
    schema: i8,
    count: f64,
    sum: f64,
    zero: f64,
    width: f64,
    gauge: bool,
    reset: bool,
    custom: Vec<f64>,
    positive: BTreeMap<i32, f64>,
    negative: BTreeMap<i32, f64>,
}

/// `{{…}}`, perhaps with `+{{…}}` or `-{{…}}` behind it.
pub fn read(text: &str) -> Result<(Literal, Option<(f64, Literal)>), String> {
    let end = text.find("}}").ok_or("no end of a histogram")?;
    let first = one(&text[2..end])?;
    let rest = &text[end + 2..];
    if rest.is_empty() {
        return Ok((first, None));
    }
    let sign = if rest.starts_with('-') { -1.0 } else { 1.0 };
    let inner = rest[1..].strip_prefix("{{").and_then(|r| r.strip_suffix("}}"));
    Ok((first, Some((sign, one(inner.ok_or_else(|| format!("bad histogram {text:?}"))?)?))))
}

fn one(text: &str) -> Result<Literal, String> {
    let mut out = Literal::default();
    let (mut offset, mut n_offset) = (0, 0);
    let (mut buckets, mut n_buckets) = (Vec::new(), Vec::new());
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, value) = rest.split_once(':').ok_or_else(|| format!("bad field {rest:?}"))?;
        let list = value.starts_with('[');
        let end = if list { value.find(']') } else { value.find(' ') }.unwrap_or(value.len());
        let own = value[..end].trim_start_matches('[');
        rest = value[end..].trim_start_matches(']').trim();
        let number = |t: &str| t.parse::<f64>().map_err(|e| format!("{t:?}: {e}"));
        let numbers = || own.split_whitespace().map(number).collect::<Result<Vec<f64>, String>>();
        match key.trim() {
            "schema" => out.schema = number(own)? as i8,
            "count" => out.count = number(own)?,
            "sum" => out.sum = number(own)?,
            "z_bucket" => out.zero = number(own)?,
            "z_bucket_w" => out.width = number(own)?,
            "offset" => offset = number(own)? as i32,
            "n_offset" => n_offset = number(own)? as i32,
            "buckets" => buckets = numbers()?,
            "n_buckets" => n_buckets = numbers()?,
            "custom_values" => out.custom = numbers()?,
            "counter_reset_hint" => (out.gauge, out.reset) = (own == "gauge", own == "reset"),
            other => return Err(format!("unknown field {other:?}")),
        }
    }
    out.positive = (offset..).zip(buckets).collect();
    out.negative = (n_offset..).zip(n_buckets).collect();
    Ok(out)
}

impl Literal {
    /// This and so many times the other, in the coarser of both schemas.
    pub fn plus(&self, other: &Self, sign: f64) -> Self {
        let (mut a, mut b) = (self.clone(), other.clone());
        let schema = a.schema.min(b.schema);
        a.reduce(schema);
        b.reduce(schema);
        a.count += sign * b.count;
        a.sum += sign * b.sum;
        a.zero += sign * b.zero;
        b.positive.into_iter().for_each(|(i, c)| *a.positive.entry(i).or_default() += sign * c);
        b.negative.into_iter().for_each(|(i, c)| *a.negative.entry(i).or_default() += sign * c);
        a
    }

    fn reduce(&mut self, schema: i8) {
        let by = u32::from(self.schema.abs_diff(schema));
        self.schema = schema;
        for side in [&mut self.positive, &mut self.negative] {
            let mut out = BTreeMap::new();
            for (i, c) in std::mem::take(side) {
                *out.entry(((i - 1) >> by) + 1).or_default() += c;
            }
            *side = out;
        }
    }

    /// As it is stored.
    pub fn model(&self) -> Histogram {
        let spans = |side: &BTreeMap<i32, f64>| {
            let mut next = 0;
            let span = |i: &i32| {
                let offset = i - next;
                next = i + 1;
                Span { offset, length: 1 }
            };
            side.keys().map(span).collect()
        };
        let hint = match (self.gauge, self.reset) {
            (true, _) => ResetHint::Gauge,
            (_, true) => ResetHint::Reset,
            _ => ResetHint::Unknown,
        };
        Histogram {
            schema: self.schema,
            hint,
            zero_threshold: self.width,
            sum: self.sum,
            positive_spans: spans(&self.positive),
            negative_spans: spans(&self.negative),
            custom: self.custom.clone(),
            counts: Counts::Float {
                count: self.count,
                zero: self.zero,
                positive: self.positive.values().copied().collect(),
                negative: self.negative.values().copied().collect(),
            },
        }
    }
}

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
        let histogram = classic.histogram()?.model();
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
    fn histogram(mut self) -> Option<Literal> {
        if self.buckets.is_empty() {
            return None;
        }
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = self.buckets.last()?.1;
        let count = self.count.unwrap_or(last);
        if self.buckets.last()?.0 != f64::INFINITY {
            self.buckets.push((f64::INFINITY, count));
        }
        let custom = self.buckets.iter().map(|b| b.0).filter(|b| b.is_finite()).collect();
        let mut before = 0.0;
        let mut positive = BTreeMap::new();
        for (i, (_, cumulative)) in self.buckets.iter().enumerate() {
            positive.insert(i as i32, cumulative - before);
            before = *cumulative;
        }
        Some(Literal { schema: -53, count, sum: self.sum, custom, positive, ..Literal::default() })
    }
}
