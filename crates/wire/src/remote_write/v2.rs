//! Remote write 2.0: `io.prometheus.write.v2.Request`.
//!
//! Two passes: the first finds the table of symbols, the second reads series. The labels of a series
//! are written out as label fields of version 1 into the request's spill, bounded per series by
//! [`LABEL_BYTES_MAX`] and in all by `Limits::body_bytes`, so that few bytes cannot name a large symbol
//! very often. A series whose references are wrong is refused alone; metadata is told once per metric
//! and text. Symbols must be UTF-8 only where they are used.

use std::collections::HashSet;

use plimsoll_model::{
    Exemplar, LABEL_SET_BYTES_MAX, LabelBuf, METRIC_NAME, Metadata, MetricKind, Timestamp,
};

use super::{Limits, Raw, Request, Series, histogram, kind_of, short_sample, too_many, utf8};
use crate::proto::{Cursor, Value, mistyped};
use crate::{Error, Result};

/// Bytes of the labels of one series: four times what a label set may have.
const LABEL_BYTES_MAX: usize = 4 * LABEL_SET_BYTES_MAX;
/// Symbols for each sample that a request may hold: a series of one sample has about ten labels, most
/// of which are shared.
const SYMBOLS_PER_SAMPLE: usize = 4;

/// References of one series or exemplar that are kept: more make too many labels in any case.
const REFS_MAX: usize = 1 << 12;

/// The table of symbols of a request.
struct Symbols<'a> {
    all: Vec<&'a [u8]>,
}

/// Metadata as references: metric, type, help, unit.
type Told = (u64, u64, u64, u64);

/// Name and value of a label.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// What is wrong with one series, and with no other.
type Wrong = String;

struct Walk<'w, 'a> {
    out: &'w mut Request,
    symbols: Symbols<'a>,
    limits: &'w Limits,
    told: HashSet<Told>,
    refs: Vec<u64>,
}

/// Reads a whole message into `out`.
pub(super) fn walk(out: &mut Request, body: &[u8], limits: &Limits) -> Result<()> {
    let mut symbols = Symbols { all: Vec::new() };
    let mut c = Cursor::new(body);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (4, Value::Bytes(symbol)) => {
                if symbols.all.len() >= limits.samples.saturating_mul(SYMBOLS_PER_SAMPLE) {
                    return Err(too_many("symbols of one request", limits));
                }
                symbols.all.push(symbol);
            }
            (5, Value::Bytes(_)) => {}
            (4 | 5, _) => return Err(mistyped("Request", field)),
            _ => {}
        }
    }
    let mut walk = Walk { out, symbols, limits, told: HashSet::new(), refs: Vec::new() };
    let mut c = Cursor::new(body);
    while let Some((field, value)) = c.next()? {
        if let (5, Value::Bytes(series)) = (field, value) {
            walk.series(series)?;
            walk.out.number += 1;
        }
    }
    Ok(())
}

impl Walk<'_, '_> {
    fn series(&mut self, message: &[u8]) -> Result<()> {
        let first = self.lengths();
        let bad = self.out.refused.samples;
        self.refs.clear();
        let (mut metadata, mut created, mut exemplars) = (None, 0, Vec::new());
        let mut c = Cursor::new(message);
        loop {
            if let Some((time, float, len)) = short_sample(&message[c.at..]) {
                self.out.has_room(self.limits)?;
                self.push(time, float, 0);
                c.at += len;
                continue;
            }
            let Some((field, value)) = c.next()? else { break };
            match (field, value) {
                (1, v) => references(v, &mut self.refs)?,
                (2, Value::Bytes(m)) => self.sample(m)?,
                (3, Value::Bytes(m)) => {
                    self.out.has_room(self.limits)?;
                    let (time, start, histogram) = histogram::read(m)?;
                    self.out.histogram(time, Some(start), histogram);
                }
                (4, Value::Bytes(_)) if exemplars.len() >= self.limits.samples => {
                    return Err(too_many("exemplars of one request", self.limits));
                }
                (4, Value::Bytes(m)) => exemplars.push(m),
                (5, Value::Bytes(m)) => metadata = Some(m),
                (6, Value::Varint(n)) => created = n as i64,
                (2..=6, _) => return Err(mistyped("TimeSeries", field)),
                _ => {}
            }
        }
        let (samples, histograms, _) = self.lengths();
        // Senders of early drafts tell it once per series.
        for starts in [&mut self.out.starts[first.0..], &mut self.out.histogram_starts[first.1..]] {
            starts.iter_mut().filter(|s| **s == 0).for_each(|s| *s = created);
        }
        if let Some(m) = metadata {
            self.metadata(m)?;
        }
        match self.labels() {
            Ok(_)
                if samples + histograms == first.0 + first.1 && self.out.refused.samples > bad => {}
            Ok(raw) if samples + histograms == first.0 + first.1 => {
                let name = super::labels_text(&self.out.spill[raw]);
                self.refuse(
                    first,
                    format!(
                        "TimeSeries must contain at least one sample or histogram for series {name}"
                    ),
                );
            }
            Ok(raw) => {
                if self.out.spill.len() > self.limits.body_bytes {
                    return Err(Error::Limit {
                        limit: "serve.remote_write.body_bytes",
                        max: self.limits.body_bytes as u64,
                        what: "labels of one request, written out".into(),
                    });
                }
                for m in exemplars {
                    self.out.has_room(self.limits)?;
                    // A bad exemplar is no reason to lose its series.
                    if let Some(e) = self.exemplar(m)? {
                        self.out.exemplars.push(e);
                    }
                }
                self.out.series.push(Series {
                    raw: Raw::Spill(raw),
                    samples: first.0..samples,
                    histograms: first.1..histograms,
                    exemplars: first.2..self.out.exemplars.len(),
                });
            }
            Err(why) => self.refuse(first, why),
        }
        Ok(())
    }

    fn lengths(&self) -> (usize, usize, usize) {
        (self.out.times.len(), self.out.histograms.len(), self.out.exemplars.len())
    }

    fn push(&mut self, time: Timestamp, float: f64, start: Timestamp) {
        self.out.times.push(time);
        self.out.floats.push(float);
        self.out.starts.push(start);
    }

    fn sample(&mut self, message: &[u8]) -> Result<()> {
        self.out.has_room(self.limits)?;
        let (mut time, mut float, mut start) = (0, 0.0, 0);
        let mut c = Cursor::new(message);
        while let Some((field, value)) = c.next()? {
            match (field, value) {
                (1, Value::Fixed64(bits)) => float = f64::from_bits(bits),
                (2, Value::Varint(n)) => time = n as i64,
                (3, Value::Varint(n)) => start = n as i64,
                (1..=3, _) => return Err(mistyped("Sample", field)),
                _ => {}
            }
        }
        self.push(time, float, start);
        Ok(())
    }

    /// Takes back what a series brought.
    fn refuse(&mut self, first: (usize, usize, usize), why: Wrong) {
        let refused = self.out.samples() - first.0 - first.1;
        self.out.times.truncate(first.0);
        self.out.floats.truncate(first.0);
        self.out.starts.truncate(first.0);
        self.out.histograms.truncate(first.1);
        self.out.histogram_times.truncate(first.1);
        self.out.histogram_starts.truncate(first.1);
        self.out.exemplars.truncate(first.2);
        self.out.refused.samples += refused as u64;
        self.out.refused.first.get_or_insert((self.out.number, why));
    }

    /// Writes the labels of the series out; where they are in the spill.
    fn labels(&mut self) -> Result<std::ops::Range<usize>, Wrong> {
        self.symbols.check(&self.refs)?;
        let (pairs, _) = self.refs.as_chunks::<2>();
        let from = self.out.spill.len();
        for [name, value] in pairs {
            let (name, value) = (self.symbols.at(*name), self.symbols.at(*value));
            let bytes = self.out.spill.len() - from + name.len() + value.len();
            if bytes > LABEL_BYTES_MAX {
                self.out.spill.truncate(from);
                return Err(format!("labels of {bytes} bytes; at most {LABEL_SET_BYTES_MAX}"));
            }
            super::encode::put_label(&mut self.out.spill, name, value);
        }
        Ok(from..self.out.spill.len())
    }

    /// One exemplar; `None` when its labels cannot be told.
    fn exemplar(&mut self, message: &[u8]) -> Result<Option<Exemplar>> {
        let (mut value, mut time) = (0.0, 0);
        self.refs.clear();
        let mut c = Cursor::new(message);
        while let Some((field, v)) = c.next()? {
            match (field, v) {
                (1, v) => references(v, &mut self.refs)?,
                (2, Value::Fixed64(bits)) => value = f64::from_bits(bits),
                (3, Value::Varint(n)) => time = n as i64,
                (1..=3, _) => return Err(mistyped("Exemplar", field)),
                _ => {}
            }
        }
        let Ok(pairs) = self.symbols.pairs(&self.refs) else { return Ok(None) };
        let texts = pairs
            .iter()
            .map(|(n, v)| Some((std::str::from_utf8(n).ok()?, std::str::from_utf8(v).ok()?)));
        let Some(mut pairs) = texts.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let mut labels = LabelBuf::new();
        let fits = labels.set(&mut pairs).is_ok();
        Ok(fits.then(|| Exemplar { labels: labels.to_labels(), value, time }))
    }

    fn metadata(&mut self, message: &[u8]) -> Result<()> {
        let (mut kind, mut help, mut unit) = (0, 0, 0);
        let mut c = Cursor::new(message);
        while let Some((field, value)) = c.next()? {
            match (field, value) {
                (1, Value::Varint(n)) => kind = n,
                (3, Value::Varint(n)) => help = n,
                (4, Value::Varint(n)) => unit = n,
                (1 | 3 | 4, _) => return Err(mistyped("Metadata", field)),
                _ => {}
            }
        }
        let is_name = |n: &&[u64]| self.symbols.get(n[0]) == Some(METRIC_NAME.as_bytes());
        let Some(name) = self.refs.chunks_exact(2).find(is_name).map(|pair| pair[1]) else {
            return Ok(());
        };
        if (kind, help, unit) == (0, 0, 0) || !self.told.insert((name, kind, help, unit)) {
            return Ok(());
        }
        let text = |r: u64| utf8("symbol", self.symbols.get(r).unwrap_or_default());
        // Texts that are wrong are no reason to lose samples.
        let (Ok(metric), Ok(help), Ok(unit)) = (text(name), text(help), text(unit)) else {
            return Ok(());
        };
        let kind = kind_of(kind);
        let metric = family(metric, kind).to_owned();
        let told = Metadata { metric, kind, help: help.to_owned(), unit: unit.to_owned() };
        self.out.told(told, self.limits)
    }
}

impl<'a> Symbols<'a> {
    fn get(&self, reference: u64) -> Option<&'a [u8]> {
        self.all.get(usize::try_from(reference).ok()?).copied()
    }

    /// The symbol of a reference that was checked.
    fn at(&self, reference: u64) -> &'a [u8] {
        self.get(reference).unwrap_or_default()
    }

    fn check(&self, refs: &[u64]) -> Result<(), Wrong> {
        if refs.len() > REFS_MAX {
            return Err(format!("more than {REFS_MAX} label references"));
        }
        if refs.len() % 2 == 1 {
            return Err(format!("{} label references; they come in pairs", refs.len()));
        }
        let n = self.all.len();
        match refs.iter().find(|r| **r >= n as u64) {
            None => Ok(()),
            Some(r) => Err(format!("label reference {r}; there are {n} symbols")),
        }
    }

    fn pairs(&self, refs: &[u64]) -> Result<Vec<Pair<'a>>, Wrong> {
        self.check(refs)?;
        let (pairs, _) = refs.as_chunks::<2>();
        Ok(pairs.iter().map(|[name, value]| (self.at(*name), self.at(*value))).collect())
    }
}

/// The family that a series belongs to.
fn family(metric: &str, kind: MetricKind) -> &str {
    let ends: &[&str] = match kind {
        MetricKind::Histogram | MetricKind::GaugeHistogram => {
            &["_bucket", "_count", "_sum", "_gcount", "_gsum"]
        }
        MetricKind::Summary => &["_count", "_sum"],
        _ => &[],
    };
    ends.iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(metric)
}

/// Packed, or one by one; one more than [`REFS_MAX`] at most.
fn references(value: Value<'_>, out: &mut Vec<u64>) -> Result<()> {
    match value {
        Value::Varint(n) if out.len() <= REFS_MAX => out.push(n),
        Value::Varint(_) => {}
        Value::Bytes(packed) => {
            let mut c = Cursor::new(packed);
            while c.at < packed.len() && out.len() <= REFS_MAX {
                out.push(c.varint()?);
            }
        }
        _ => return Err(mistyped("TimeSeries", 1)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plimsoll_model::Rows;

    use super::*;
    use crate::proto::put;
    use crate::remote_write::{Version, labels_text};

    fn packed(field: u32, all: &[u64]) -> Vec<u8> {
        let (mut inner, mut out) = (Vec::new(), Vec::new());
        all.iter().for_each(|n| put::varint(&mut inner, *n));
        put::bytes(&mut out, field, &inner);
        out
    }

    fn message(field: u32, parts: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        put::bytes(&mut out, field, &parts.concat());
        out
    }

    fn uint(field: u32, n: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put::uint(&mut out, field, n);
        out
    }

    fn double(field: u32, n: f64) -> Vec<u8> {
        let mut out = Vec::new();
        put::double(&mut out, field, n);
        out
    }

    fn sample(time: u64, value: f64, start: u64) -> Vec<u8> {
        let start = if start == 0 { Vec::new() } else { uint(3, start) };
        message(2, &[double(1, value), uint(2, time), start])
    }

    fn decode(symbols: &[&str], series: &[Vec<u8>]) -> Result<Request> {
        let mut body = Vec::new();
        symbols.iter().for_each(|s| put::bytes(&mut body, 4, s.as_bytes()));
        series.iter().for_each(|s| put::bytes(&mut body, 5, s));
        let compressed = snap::raw::Encoder::new().compress_vec(&body).unwrap();
        let mut request = Request::default();
        let limits = Limits { body_bytes: 1 << 20, samples: 100 };
        request.decode(Version::Two, &compressed, &limits).map(|()| request)
    }

    const SYMBOLS: [&str; 9] =
        ["", "__name__", "m_total", "job", "a", "trace_id", "abc", "Helps.", "seconds"];

    #[test]
    fn series_come_with_start_timestamps_metadata_and_exemplars() {
        let exemplar = message(4, &[packed(1, &[5, 6]), double(2, 0.5), uint(3, 7)]);
        let metadata = message(5, &[uint(1, 1), uint(3, 7), uint(4, 8)]);
        let mut histogram = [uint(1, 3), uint(6, 3)].concat();
        histogram.extend(uint(15, 20));
        histogram.extend(uint(17, 10));
        let one = [
            packed(1, &[1, 2, 3, 4]),
            sample(5, 1.0, 3),
            sample(6, 2.0, 0),
            message(3, &[histogram]),
            exemplar,
            metadata.clone(),
        ];
        let two = [packed(1, &[1, 2]), sample(5, 1.0, 0), metadata];
        let r = decode(&SYMBOLS, &[one.concat(), two.concat()]).unwrap();
        let rows = r.rows();
        assert!(rows.iter().all(Rows::has_shape));
        assert_eq!((rows.len(), r.samples(), r.exemplars(), r.histograms()), (3, 4, 1, 1));
        assert_eq!(labels_text(rows[0].raw), "m_total{job=\"a\"}");
        assert_eq!((rows[0].times, rows[0].starts), (&[5, 6][..], &[3, 0][..]));
        assert_eq!(rows[0].exemplars[0].labels.to_string(), "{trace_id=\"abc\"}");
        assert_eq!((rows[1].times, rows[1].starts), (&[20][..], &[10][..]));
        assert_eq!((labels_text(rows[2].raw).as_str(), rows[2].starts.len()), ("m_total", 0));
        let told = Metadata {
            metric: "m_total".into(),
            kind: MetricKind::Counter,
            help: "Helps.".into(),
            unit: "seconds".into(),
        };
        assert_eq!(r.metadata(), [told]);
        assert_eq!(r.refused(), &crate::remote_write::Refused::default());
    }

    #[test]
    fn a_start_of_the_series_is_that_of_its_samples() {
        let s = [packed(1, &[1, 2]), sample(5, 1.0, 0), sample(6, 1.0, 2), uint(6, 4)].concat();
        let r = decode(&SYMBOLS, &[s]).unwrap();
        assert_eq!(r.rows()[0].starts, [4, 2]);
    }

    #[test]
    fn the_same_labels_have_the_same_bytes_in_both_versions() {
        let labels = plimsoll_model::Labels::new([("__name__", "m_total"), ("job", "a")]).unwrap();
        let mut e = crate::remote_write::Encoder::new();
        e.series(labels.as_ref(), &[5], &[1.0]);
        let mut one = Request::default();
        one.decode(Version::One, &e.finish(), &Limits::default()).unwrap();
        let series = [packed(1, &[1, 2, 3, 4]), sample(5, 1.0, 0)].concat();
        let two = decode(&SYMBOLS, &[series]).unwrap();
        assert_eq!(one.rows()[0].raw, two.rows()[0].raw);
    }

    #[track_caller]
    fn check_refused(bad: &[Vec<u8>], why: &str) {
        let good = [packed(1, &[1, 2]), sample(5, 1.0, 0)].concat();
        let r = decode(&SYMBOLS, &[good.clone(), bad.concat(), good]).unwrap();
        assert_eq!(r.rows().len(), 2);
        let (number, said) = r.refused().first.clone().unwrap();
        assert_eq!((number, said.as_str()), (1, why));
        assert_eq!(r.refused().samples, bad.len() as u64 - 1);
    }

    #[test]
    fn a_series_that_cannot_be_named_is_refused_alone() {
        let s = sample(5, 1.0, 0);
        check_refused(&[packed(1, &[1, 99]), s.clone()], "label reference 99; there are 9 symbols");
        check_refused(
            &[packed(1, &[1, 2, 3]), s.clone(), s],
            "3 label references; they come in pairs",
        );
        check_refused(
            &[packed(1, &[1, 2])],
            "TimeSeries must contain at least one sample or histogram for series m_total",
        );
    }

    #[test]
    fn few_bytes_cannot_ask_for_much_memory() {
        let big = "x".repeat(200 << 10);
        let symbols = ["", "__name__", big.as_str()];
        let s = [packed(1, &[1, 2]), sample(5, 1.0, 0)].concat();
        let e = decode(&symbols, &vec![s.clone(); 10]).unwrap_err();
        assert!(e.to_string().contains("serve.remote_write.body_bytes"), "{e}");
        let huge = [packed(1, &[1, 2, 2, 2]), sample(5, 1.0, 0)].concat();
        let r = decode(&symbols, &vec![huge; 10]).unwrap();
        assert_eq!((r.rows().len(), r.refused().samples), (0, 10));
        assert!(matches!(decode(&symbols, &vec![s; 200]), Err(Error::Limit { .. })));
        let many = decode(&SYMBOLS, &[[packed(1, &[1; 10_000]), sample(1, 1.0, 0)].concat()]);
        assert_eq!(many.unwrap().refused().samples, 1);
        let many = vec![""; 1000];
        assert!(matches!(decode(&many, &[]), Err(Error::Limit { .. })));
    }

    #[test]
    fn wrong_types_are_errors() {
        for bad in [uint(2, 1), uint(3, 1), uint(4, 1), uint(5, 1), double(1, 1.0)] {
            assert!(matches!(decode(&SYMBOLS, &[bad]), Err(Error::Invalid(_))));
        }
    }
}
