//! Native histograms in the notation of series.

use std::collections::BTreeMap;

use plimsoll_model::{Counts, Histogram, ResetHint, Span};

use super::{NotationError, Result, SeriesValue, wrong};

/// Buckets of one side.
const BUCKETS_MAX: usize = 10_000;

/// A histogram as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
struct Literal {
    schema: i8,
    count: f64,
    sum: f64,
    zero: f64,
    width: f64,
    hint: ResetHint,
    custom: Vec<f64>,
    positive: BTreeMap<i32, f64>,
    negative: BTreeMap<i32, f64>,
}

/// `{{…}}`, perhaps with `+{{…}}` or `-{{…}}` behind it, `count` times.
pub fn read(text: &str, count: usize, out: &mut Vec<SeriesValue>) -> Result<()> {
    let bad = || NotationError(format!("{text:?} is no histogram (write {{{{schema:0 …}}}})"));
    let end = text.find("}}").ok_or_else(bad)?;
    let mut value = one(text.get(2..end).ok_or_else(bad)?)?;
    let rest = &text[end + 2..];
    let step = match rest.chars().next() {
        None => None,
        Some(sign @ ('+' | '-')) => {
            let inner = rest[1..].strip_prefix("{{").and_then(|r| r.strip_suffix("}}"));
            Some((if sign == '-' { -1.0 } else { 1.0 }, one(inner.ok_or_else(bad)?)?))
        }
        Some(_) => return Err(bad()),
    };
    for i in 0..count {
        if let Some((sign, step)) = step.as_ref().filter(|_| i > 0) {
            value = value.plus(step, *sign);
        }
        out.push(SeriesValue::Histogram(value.model()));
    }
    Ok(())
}

fn one(text: &str) -> Result<Literal> {
    let mut out = Literal::default();
    let (mut offset, mut n_offset) = (0, 0);
    let (mut buckets, mut n_buckets) = (Vec::new(), Vec::new());
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some((key, value)) = rest.split_once(':') else {
            return wrong(format!("{rest:?} is no field of a histogram (write count:4)"));
        };
        let list = value.starts_with('[');
        let end = if list { value.find(']') } else { value.find(' ') }.unwrap_or(value.len());
        let own = value[..end].trim_start_matches('[');
        rest = value[end..].trim_start_matches(']').trim();
        let number = |t: &str| super::number(t);
        let whole = |t: &str| {
            t.parse::<i32>()
                .ok()
                .filter(|n| n.unsigned_abs() < 1 << 24)
                .ok_or_else(|| NotationError(format!("{t:?} is no whole number")))
        };
        let numbers = || {
            let all = own.split_whitespace().map(number).collect::<Result<Vec<f64>>>()?;
            if all.len() > BUCKETS_MAX {
                return wrong(format!("a histogram has at most {BUCKETS_MAX} buckets"));
            }
            Ok(all)
        };
        match key.trim() {
            "schema" => {
                let schema = whole(own)?;
                if !(-4..=8).contains(&schema) && schema != -53 {
                    return wrong(format!("there is no schema {schema}; -4 to 8 and -53 are"));
                }
                out.schema = schema as i8;
            }
            "count" => out.count = number(own)?,
            "sum" => out.sum = number(own)?,
            "z_bucket" => out.zero = number(own)?,
            "z_bucket_w" => out.width = number(own)?,
            "offset" => offset = whole(own)?,
            "n_offset" => n_offset = whole(own)?,
            "buckets" => buckets = numbers()?,
            "n_buckets" => n_buckets = numbers()?,
            "custom_values" => out.custom = numbers()?,
            "counter_reset_hint" => {
                out.hint = match own {
                    "gauge" => ResetHint::Gauge,
                    "reset" => ResetHint::Reset,
                    "not_reset" | "unknown" => ResetHint::Unknown,
                    other => return wrong(format!("there is no counter_reset_hint {other:?}")),
                }
            }
            other => return wrong(format!("{other:?} is no field of a histogram")),
        }
    }
    out.positive = (offset..).zip(buckets).collect();
    out.negative = (n_offset..).zip(n_buckets).collect();
    Ok(out)
}

impl Literal {
    /// This and so many times the other, in the coarser of both schemas.
    fn plus(&self, other: &Self, sign: f64) -> Self {
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
        let by = u32::from(self.schema.abs_diff(schema)).min(31);
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
    fn model(&self) -> Histogram {
        let spans = |side: &BTreeMap<i32, f64>| {
            let mut next = 0;
            let span = |i: &i32| {
                let offset = i - next;
                next = i + 1;
                Span { offset, length: 1 }
            };
            side.keys().map(span).collect()
        };
        Histogram {
            schema: self.schema,
            hint: self.hint,
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
