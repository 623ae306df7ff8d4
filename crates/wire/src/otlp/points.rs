//! Metrics and their data points.

use plimsoll_model::{Exemplar, LabelBuf, Metadata, MetricKind, Timestamp, stale_nan};

use super::attributes::{ATTRIBUTES_MAX, Attributes, Base, pair, text, value_text, within};
use super::histogram::{self, Buckets, Totals};
use super::names::{Kind, unit_words};
use super::sink::{At, Sink};
use super::target::Target;
use super::{Settings, each};
use crate::Result;
use crate::proto::{Cursor, Value, mistyped};

/// The flag of a point that says: there is no value.
const NO_RECORDED_VALUE: u64 = 1;
/// Characters of an exemplar's labels, above which attributes are left out.
const EXEMPLAR_CHARS_MAX: usize = 128;

const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;

/// The fields of `Metric` that hold its data.
const GAUGE: u32 = 5;
const SUM: u32 = 7;
const HISTOGRAM: u32 = 9;
const EXPONENTIAL: u32 = 10;
const SUMMARY: u32 = 11;

/// What holds for all points of a metric.
struct Metric<'m> {
    /// Its name in Prometheus.
    name: String,
    field: u32,
    is_delta: bool,
    settings: &'m Settings,
    base: &'m Base,
}

/// What all kinds of points have.
#[derive(Default)]
struct Point<'a> {
    time: u64,
    start: u64,
    flags: u64,
    attributes: Attributes<'a>,
    exemplars: Vec<Exemplar>,
}

/// Reads one `Metric`.
pub(super) fn metric(
    message: &[u8],
    settings: &Settings,
    base: &Base,
    target: &mut Target<'_>,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let (mut name, mut help, mut unit, mut data) = ("", "", "", None);
    let mut c = Cursor::new(message);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (1, Value::Bytes(b)) => name = text("a metric's name", b)?,
            (2, Value::Bytes(b)) => help = text("a metric's description", b)?,
            (3, Value::Bytes(b)) => unit = text("a metric's unit", b)?,
            (GAUGE | SUM | HISTOGRAM | EXPONENTIAL | SUMMARY, Value::Bytes(m)) => {
                data = Some((field, m));
            }
            (1..=3 | GAUGE | SUM | HISTOGRAM | EXPONENTIAL | SUMMARY, _) => {
                return Err(mistyped("Metric", field));
            }
            _ => {}
        }
    }
    let Some((field, data)) = data else { return Ok(()) };
    let (temporality, monotonic) = nature(data, field)?;
    let refuse = |sink: &mut Sink<'_>, why: &str| {
        each(data, "Metric", 1, |_| {
            sink.next_point()?;
            sink.reject(why);
            Ok(())
        })
    };
    let has_temporality = matches!(field, SUM | HISTOGRAM | EXPONENTIAL);
    let is_delta = has_temporality && temporality == DELTA;
    if has_temporality && temporality != CUMULATIVE && !(is_delta && settings.keep_delta) {
        let why = format!(
            "invalid temporality and type combination for metric {name:?}: temporality {} is not \
             kept; let the exporter send cumulative values",
            if is_delta { "delta" } else { "unspecified" }
        );
        return refuse(sink, &why);
    }
    let naming = match field {
        GAUGE => Kind::Gauge,
        SUM if monotonic => Kind::Counter,
        _ => Kind::Other,
    };
    let Some(told_name) = settings.strategy.metric(name, unit, naming) else {
        return refuse(sink, &format!("normalization for metric {name:?} resulted in empty name"));
    };
    let kind = match field {
        _ if is_delta => MetricKind::Unknown,
        SUM if monotonic => MetricKind::Counter,
        GAUGE | SUM => MetricKind::Gauge,
        SUMMARY => MetricKind::Summary,
        _ => MetricKind::Histogram,
    };
    let (help, unit) = (help.to_owned(), unit_words(unit));
    sink.metadata(Metadata { metric: told_name.clone(), kind, help, unit })?;
    let metric = Metric { name: told_name, field, is_delta, settings, base };
    each(data, "Metric", 1, |m| {
        sink.next_point()?;
        let taken = match field {
            GAUGE | SUM => metric.number(m, target, sink)?,
            HISTOGRAM => metric.explicit(m, target, sink)?,
            EXPONENTIAL => metric.exponential(m, target, sink)?,
            _ => metric.summary(m, target, sink)?,
        };
        if let Err(why) = taken {
            sink.reject(format!("metric {name:?}: {why}"));
        }
        Ok(())
    })
}

/// Temporality, and whether a sum only rises.
fn nature(data: &[u8], of: u32) -> Result<(u64, bool)> {
    let (mut temporality, mut monotonic) = (0, false);
    let mut c = Cursor::new(data);
    while let Some((field, value)) = c.next()? {
        match (of, field, value) {
            (SUM | HISTOGRAM | EXPONENTIAL, 2, Value::Varint(n)) => temporality = n,
            (SUM, 3, Value::Varint(n)) => monotonic = n != 0,
            _ => {}
        }
    }
    Ok((temporality, monotonic))
}

/// `Err` inside: why the point is left out.
type Taken = Result<Result<(), String>>;

impl Metric<'_> {
    fn number<'p>(
        &'p self,
        message: &'p [u8],
        target: &mut Target<'_>,
        sink: &mut Sink<'_>,
    ) -> Taken {
        let (mut point, mut value) = (Point::default(), None);
        let mut c = Cursor::new(message);
        while let Some((field, v)) = c.next()? {
            match (field, v) {
                (2, Value::Fixed64(n)) => point.start = n,
                (3, Value::Fixed64(n)) => point.time = n,
                (4, Value::Fixed64(n)) => value = Some(f64::from_bits(n)),
                (5, Value::Bytes(m)) => point.exemplar(m)?,
                (6, Value::Fixed64(n)) => value = Some(n as i64 as f64),
                (7, Value::Bytes(m)) => point.attribute(m)?,
                (8, Value::Varint(n)) => point.flags = n,
                (2..=8, _) => return Err(mistyped("NumberDataPoint", field)),
                _ => {}
            }
        }
        let value = match value {
            _ if point.is_stale() => stale_nan(),
            Some(value) => value,
            None => {
                return Ok(
                    Err("a data point has neither a value nor the flag that says so".into()),
                );
            }
        };
        let at = match self.begin(&mut point, "", target, sink) {
            Ok(at) => at,
            Err(why) => return Ok(Err(why)),
        };
        sink.float(&self.name, None, at, value, &mut point.exemplars).map(Ok)
    }

    fn explicit<'p>(
        &'p self,
        message: &'p [u8],
        target: &mut Target<'_>,
        sink: &mut Sink<'_>,
    ) -> Taken {
        let (mut point, mut totals) = (Point::default(), Totals::default());
        let (mut counts, mut bounds) = (Vec::new(), Vec::new());
        let mut c = Cursor::new(message);
        while let Some((field, v)) = c.next()? {
            match (field, v) {
                (2, Value::Fixed64(n)) => point.start = n,
                (3, Value::Fixed64(n)) => point.time = n,
                (4, Value::Fixed64(n)) => totals.count = n,
                (5, Value::Fixed64(n)) => totals.sum = Some(f64::from_bits(n)),
                (6, v) => fixed(v, &mut counts)?,
                (7, v) => fixed(v, &mut bounds)?,
                (8, Value::Bytes(m)) => point.exemplar(m)?,
                (9, Value::Bytes(m)) => point.attribute(m)?,
                (10, Value::Varint(n)) => point.flags = n,
                (2..=10, _) => return Err(mistyped("HistogramDataPoint", field)),
                _ => {}
            }
        }
        let bounds: Vec<f64> = bounds.into_iter().map(f64::from_bits).collect();
        if !counts.is_empty() && counts.len() != bounds.len() + 1 {
            let (n, m) = (counts.len(), bounds.len());
            return Ok(Err(format!("{n} buckets with {m} bounds; there is one more than bounds")));
        }
        if !bounds.is_sorted_by(|a, b| a < b) || bounds.iter().any(|b| b.is_nan()) {
            return Ok(Err("the bounds of the buckets do not rise".into()));
        }
        totals.is_stale = point.is_stale();
        totals.is_delta = self.is_delta;
        let without = if self.settings.custom_buckets { "" } else { "le" };
        let at = match self.begin(&mut point, without, target, sink) {
            Ok(at) => at,
            Err(why) => return Ok(Err(why)),
        };
        if self.settings.custom_buckets {
            return match histogram::custom(totals, &bounds, &counts) {
                Ok(h) => sink.histogram(&self.name, at, h, &mut point.exemplars).map(Ok),
                Err(why) => Ok(Err(why)),
            };
        }
        self.classic(&totals, &bounds, &counts, at, point.exemplars, sink).map(Ok)
    }

    /// One series per bucket, and those of count and sum.
    fn classic(
        &self,
        totals: &Totals,
        bounds: &[f64],
        counts: &[u64],
        at: At,
        mut exemplars: Vec<Exemplar>,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let none = &mut Vec::new();
        let or_stale = |v: f64| if totals.is_stale { stale_nan() } else { v };
        let count = or_stale(totals.count as f64);
        if let Some(sum) = totals.sum {
            sink.float(&format!("{}_sum", self.name), None, at, or_stale(sum), none)?;
        }
        sink.float(&format!("{}_count", self.name), None, at, count, none)?;
        let bucket = format!("{}_bucket", self.name);
        let mut below = 0u64;
        for (bound, n) in bounds.iter().zip(counts) {
            below = below.saturating_add(*n);
            let mut here: Vec<Exemplar> = exemplars.extract_if(.., |e| e.value <= *bound).collect();
            let le = number(*bound);
            let value = or_stale(below as f64);
            sink.float(&bucket, Some(("le", &le)), at, value, &mut here)?;
        }
        sink.float(&bucket, Some(("le", "+Inf")), at, count, &mut exemplars)
    }

    fn exponential<'p>(
        &'p self,
        message: &'p [u8],
        target: &mut Target<'_>,
        sink: &mut Sink<'_>,
    ) -> Taken {
        let (mut point, mut totals) = (Point::default(), Totals::default());
        let (mut scale, mut zero) = (0, (0, 0.0));
        let (mut positive, mut negative) = (Buckets::default(), Buckets::default());
        let mut c = Cursor::new(message);
        while let Some((field, v)) = c.next()? {
            match (field, v) {
                (1, Value::Bytes(m)) => point.attribute(m)?,
                (2, Value::Fixed64(n)) => point.start = n,
                (3, Value::Fixed64(n)) => point.time = n,
                (4, Value::Fixed64(n)) => totals.count = n,
                (5, Value::Fixed64(n)) => totals.sum = Some(f64::from_bits(n)),
                (6, Value::Varint(n)) => scale = unzigzag(n),
                (7, Value::Fixed64(n)) => zero.0 = n,
                (8, Value::Bytes(m)) => positive = buckets(m)?,
                (9, Value::Bytes(m)) => negative = buckets(m)?,
                (10, Value::Varint(n)) => point.flags = n,
                (11, Value::Bytes(m)) => point.exemplar(m)?,
                (14, Value::Fixed64(n)) => zero.1 = f64::from_bits(n),
                (1..=11 | 14, _) => return Err(mistyped("ExponentialHistogramDataPoint", field)),
                _ => {}
            }
        }
        totals.is_stale = point.is_stale();
        totals.is_delta = self.is_delta;
        let made = histogram::exponential(totals, scale, zero, &positive, &negative);
        let (h, at) = match made.and_then(|h| Ok((h, self.begin(&mut point, "", target, sink)?))) {
            Ok(made) => made,
            Err(why) => return Ok(Err(why)),
        };
        sink.histogram(&self.name, at, h, &mut point.exemplars).map(Ok)
    }

    fn summary<'p>(
        &'p self,
        message: &'p [u8],
        target: &mut Target<'_>,
        sink: &mut Sink<'_>,
    ) -> Taken {
        let (mut point, mut count, mut sum) = (Point::default(), 0u64, 0.0);
        let mut quantiles = Vec::new();
        let mut c = Cursor::new(message);
        while let Some((field, v)) = c.next()? {
            match (field, v) {
                (2, Value::Fixed64(n)) => point.start = n,
                (3, Value::Fixed64(n)) => point.time = n,
                (4, Value::Fixed64(n)) => count = n,
                (5, Value::Fixed64(n)) => sum = f64::from_bits(n),
                (6, Value::Bytes(m)) => {
                    within("quantiles of a data point", quantiles.len(), BUCKETS_MAX)?;
                    quantiles.push(quantile(m)?);
                }
                (7, Value::Bytes(m)) => point.attribute(m)?,
                (8, Value::Varint(n)) => point.flags = n,
                (2..=8, _) => return Err(mistyped("SummaryDataPoint", field)),
                _ => {}
            }
        }
        let is_stale = point.is_stale();
        let or_stale = |v: f64| if is_stale { stale_nan() } else { v };
        let at = match self.begin(&mut point, "quantile", target, sink) {
            Ok(at) => at,
            Err(why) => return Ok(Err(why)),
        };
        let none = &mut Vec::new();
        sink.float(&format!("{}_sum", self.name), None, at, or_stale(sum), none)?;
        sink.float(&format!("{}_count", self.name), None, at, or_stale(count as f64), none)?;
        for (quantile, value) in quantiles {
            let q = number(quantile);
            sink.float(&self.name, Some(("quantile", &q)), at, or_stale(value), none)?;
        }
        Ok(Ok(()))
    }

    /// Sets the labels of a point's series; its times in ms.
    fn begin<'p>(
        &'p self,
        point: &mut Point<'p>,
        without: &str,
        target: &mut Target<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<At, String> {
        let ms = |ns: u64| (ns / 1_000_000) as Timestamp;
        if point.time == 0 {
            return Err("a data point has no time".to_owned());
        }
        let labels = self.base.with(&mut point.attributes, self.settings);
        sink.labels(&labels, without);
        let time = ms(point.time);
        target.saw(time);
        // What is measured now does not begin anywhere.
        let counts = self.field != GAUGE && point.start != 0 && point.start <= point.time;
        Ok(At { time, start: if counts { ms(point.start) } else { 0 } })
    }
}

/// Exemplars of one point; more are left out.
const EXEMPLARS_MAX: usize = 1_000;
/// Buckets of one side, and quantiles, of one point.
const BUCKETS_MAX: usize = 1 << 16;

impl<'a> Point<'a> {
    const fn is_stale(&self) -> bool {
        self.flags & NO_RECORDED_VALUE != 0
    }

    fn attribute(&mut self, message: &'a [u8]) -> Result<()> {
        let (key, value) = pair(message)?;
        within("attributes of a data point", self.attributes.len(), ATTRIBUTES_MAX)?;
        self.attributes.push((key, value_text(value)?));
        Ok(())
    }

    fn exemplar(&mut self, message: &[u8]) -> Result<()> {
        if self.exemplars.len() < EXEMPLARS_MAX {
            self.exemplars.extend(exemplar(message)?);
        }
        Ok(())
    }
}

/// One exemplar; `None` when its labels do not fit.
fn exemplar(message: &[u8]) -> Result<Option<Exemplar>> {
    let (mut time, mut value, mut attributes) = (0, 0.0, Vec::new());
    let (mut trace, mut span) = (String::new(), String::new());
    let mut c = Cursor::new(message);
    while let Some((field, v)) = c.next()? {
        match (field, v) {
            (2, Value::Fixed64(n)) => time = n,
            (3, Value::Fixed64(n)) => value = f64::from_bits(n),
            (4, Value::Bytes(b)) => span = hex(b),
            (5, Value::Bytes(b)) => trace = hex(b),
            (6, Value::Fixed64(n)) => value = n as i64 as f64,
            (7, Value::Bytes(m)) => {
                let (key, value) = pair(m)?;
                within("attributes of an exemplar", attributes.len(), ATTRIBUTES_MAX)?;
                attributes.push((key, value_text(value)?));
            }
            (2..=7, _) => return Err(mistyped("Exemplar", field)),
            _ => {}
        }
    }
    let mut pairs = vec![("trace_id", trace.as_str()), ("span_id", span.as_str())];
    pairs.retain(|(_, v)| !v.is_empty());
    pairs.extend(attributes.iter().map(|(n, v)| (*n, &**v)));
    let chars: usize = pairs.iter().map(|(n, v)| n.chars().count() + v.chars().count()).sum();
    if chars > EXEMPLAR_CHARS_MAX {
        pairs.truncate(pairs.len() - attributes.len());
    }
    let mut labels = LabelBuf::new();
    let fits = labels.set(&mut pairs).is_ok();
    let time = (time / 1_000_000) as Timestamp;
    Ok(fits.then(|| Exemplar { labels: labels.to_labels(), value, time }))
}

fn hex(bytes: &[u8]) -> String {
    if bytes.iter().all(|b| *b == 0) {
        return String::new();
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn buckets(message: &[u8]) -> Result<Buckets> {
    let mut out = Buckets::default();
    let mut c = Cursor::new(message);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (1, Value::Varint(n)) => out.offset = i64::from(unzigzag(n) as i32),
            (2, Value::Varint(n)) => {
                within("buckets of a data point", out.counts.len(), BUCKETS_MAX)?;
                out.counts.push(n);
            }
            (2, Value::Bytes(packed)) => {
                let mut c = Cursor::new(packed);
                while c.at < packed.len() {
                    within("buckets of a data point", out.counts.len(), BUCKETS_MAX)?;
                    out.counts.push(c.varint()?);
                }
            }
            (1 | 2, _) => return Err(mistyped("Buckets", field)),
            _ => {}
        }
    }
    Ok(out)
}

fn quantile(message: &[u8]) -> Result<(f64, f64)> {
    let (mut quantile, mut value) = (0.0, 0.0);
    let mut c = Cursor::new(message);
    while let Some((field, v)) = c.next()? {
        match (field, v) {
            (1, Value::Fixed64(n)) => quantile = f64::from_bits(n),
            (2, Value::Fixed64(n)) => value = f64::from_bits(n),
            (1 | 2, _) => return Err(mistyped("ValueAtQuantile", field)),
            _ => {}
        }
    }
    Ok((quantile, value))
}

/// Packed, or one by one.
fn fixed(value: Value<'_>, out: &mut Vec<u64>) -> Result<()> {
    match value {
        Value::Fixed64(n) => out.push(n),
        Value::Bytes(packed) if packed.len() % 8 == 0 => {
            let (all, _) = packed.as_chunks::<8>();
            out.extend(all.iter().map(|b| u64::from_le_bytes(*b)));
        }
        _ => return Err(mistyped("HistogramDataPoint", 6)),
    }
    Ok(())
}

const fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// A bound or quantile in plain digits.
fn number(n: f64) -> String {
    if n.is_infinite() {
        return if n > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{n}")
}
