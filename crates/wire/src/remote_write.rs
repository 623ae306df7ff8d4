//! Prometheus remote write: a snappy block that holds a `prometheus.WriteRequest` (version 1.0) or an
//! `io.prometheus.write.v2.Request` (version 2.0, [`Version`]).
//!
//! The walk over the message copies samples into columns and leaves labels where they are; a
//! row's raw bytes are the label fields as sent, so a series known by its raw bytes costs no
//! parsing. Labels are read by [`LabelFields`] on first sight: sorted when they are not, empty values
//! left out, duplicates, invalid UTF-8 and a missing metric name refused for that row alone.
//! Native histograms make a row of their own; exemplars stand in the first row of their series, which
//! has no samples when only exemplars are sent. Version 2 names labels by numbers of a table: they are
//! written out as the label fields of version 1, so that a series is known by its raw bytes whichever
//! version it comes by; start timestamps come along as `Rows::starts`.
//!
//! Limits ([`Limits`]) are checked before memory is taken. Format: Prometheus `remote.proto` and
//! `types.proto`, remote-write specifications 1.0 and 2.0.

mod encode;
mod histogram;
mod labels;
mod v2;

use std::ops::Range;

use plimsoll_model::{Exemplar, Histogram, LabelBuf, Metadata, MetricKind, Rows, Timestamp};

use crate::proto::{Cursor, Value, mistyped};
use crate::{Error, Result};

pub use encode::Encoder;
pub(crate) use encode::put_label;
pub(crate) use histogram::consistent;
pub use labels::{LabelFields, labels_text};
use labels::{label_pair, utf8};

/// Which message a body holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`.
    #[default]
    One,
    /// `io.prometheus.write.v2.Request`.
    Two,
}

impl Version {
    /// By the name of the message, as the parameter `proto` of a content type has it.
    pub fn of_message(name: &str) -> Option<Self> {
        match name {
            "prometheus.WriteRequest" => Some(Self::One),
            "io.prometheus.write.v2.Request" => Some(Self::Two),
            _ => None,
        }
    }
}

/// What one request may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after decompression; of version 2 also those of all labels written out.
    pub body_bytes: usize,
    /// Samples and exemplars; as many metadata are taken.
    pub samples: usize,
}

impl Default for Limits {
    /// 32 MiB and two million samples: a hundred times what Prometheus sends at once.
    fn default() -> Self {
        Self { body_bytes: 32 << 20, samples: 2_000_000 }
    }
}

/// A decoded request. Reusable: decoding again keeps the memory.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub(crate) body: Vec<u8>,
    pub(crate) series: Vec<Series>,
    pub(crate) times: Vec<Timestamp>,
    pub(crate) floats: Vec<f64>,
    /// Start timestamps, as many as times in version 2, none in version 1.
    pub(crate) starts: Vec<Timestamp>,
    /// Label fields of series whose labels do not stand side by side.
    pub(crate) spill: Vec<u8>,
    pub(crate) metadata: Vec<Metadata>,
    pub(crate) histograms: Vec<Histogram>,
    pub(crate) histogram_times: Vec<Timestamp>,
    pub(crate) histogram_starts: Vec<Timestamp>,
    pub(crate) exemplars: Vec<Exemplar>,
    pub(crate) refused: Refused,
    /// The number of the series that is being read.
    pub(crate) number: usize,
}

/// Series and histograms that no row could be made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// The number of the first one in the request, from 0, and what is wrong with it.
    pub first: Option<(usize, String)>,
    /// Samples of all of them.
    pub samples: u64,
}

/// Where the parts of a series are.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) raw: Raw,
    pub(crate) samples: Range<usize>,
    pub(crate) histograms: Range<usize>,
    pub(crate) exemplars: Range<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum Raw {
    Body(Range<usize>),
    Spill(Range<usize>),
}

impl Request {
    /// Reads a compressed body, replacing what was there.
    ///
    /// # Errors
    /// `Invalid` when it is not snappy or not a message of this version; `Limit` for [`Limits`].
    /// Nothing of a bad request is kept.
    pub fn decode(&mut self, version: Version, compressed: &[u8], limits: &Limits) -> Result<()> {
        self.clear();
        uncompress(compressed, limits.body_bytes, &mut self.body)?;
        let body = std::mem::take(&mut self.body);
        let outcome = match version {
            Version::One => self.walk(&body, limits),
            Version::Two => v2::walk(self, &body, limits),
        };
        self.body = body;
        if outcome.is_err() {
            self.clear();
        }
        outcome
    }

    /// The rows to submit, with [`LabelFields`] as their decoder. Series without samples and exemplars
    /// are left out.
    pub fn rows(&self) -> Vec<Rows<'_>> {
        let mut rows = Vec::with_capacity(self.series.len());
        for s in &self.series {
            let row = self.row(s);
            if s.histograms.is_empty() {
                rows.push(row);
                continue;
            }
            let histograms = Rows {
                times: &self.histogram_times[s.histograms.clone()],
                floats: &[],
                histograms: &self.histograms[s.histograms.clone()],
                starts: known(&self.histogram_starts, &s.histograms),
                ..row
            };
            if row.times.is_empty() {
                rows.push(histograms);
            } else {
                rows.extend([row, Rows { exemplars: &[], ..histograms }]);
            }
        }
        rows
    }

    /// What is told about metrics.
    pub fn metadata(&self) -> &[Metadata] {
        &self.metadata
    }

    /// Number of samples: floats and histograms.
    pub fn samples(&self) -> usize {
        self.times.len() + self.histograms.len()
    }

    /// Number of native histograms.
    pub fn histograms(&self) -> usize {
        self.histograms.len()
    }

    /// Number of exemplars.
    pub fn exemplars(&self) -> usize {
        self.exemplars.len()
    }

    /// What is not among the rows: series whose labels cannot be told or that hold nothing although
    /// they must, histograms whose counts disagree.
    pub fn refused(&self) -> &Refused {
        &self.refused
    }

    fn row<'a>(&'a self, s: &Series) -> Rows<'a> {
        Rows {
            fp: None,
            raw: match &s.raw {
                Raw::Body(at) => &self.body[at.clone()],
                Raw::Spill(at) => &self.spill[at.clone()],
            },
            times: &self.times[s.samples.clone()],
            floats: &self.floats[s.samples.clone()],
            starts: known(&self.starts, &s.samples),
            exemplars: &self.exemplars[s.exemplars.clone()],
            ..Rows::default()
        }
    }

    pub(crate) fn clear(&mut self) {
        self.body.clear();
        self.series.clear();
        self.times.clear();
        self.floats.clear();
        self.starts.clear();
        self.spill.clear();
        self.metadata.clear();
        self.histograms.clear();
        self.histogram_times.clear();
        self.histogram_starts.clear();
        self.exemplars.clear();
        self.refused = Refused::default();
        self.number = 0;
    }

    fn walk(&mut self, body: &[u8], limits: &Limits) -> Result<()> {
        let mut c = Cursor::new(body);
        while let Some((field, value)) = c.next()? {
            match (field, value) {
                (1, Value::Bytes(series)) => {
                    self.series(series, c.at - series.len(), limits)?;
                    self.number += 1;
                }
                (3, Value::Bytes(m)) => self.told(metadata(m)?, limits)?,
                (1 | 3, _) => return Err(mistyped("WriteRequest", field)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads one `TimeSeries` that begins at `offset` of the body.
    fn series(&mut self, message: &[u8], offset: usize, limits: &Limits) -> Result<()> {
        let first = (self.times.len(), self.histograms.len(), self.exemplars.len());
        let mut run = 0..short_labels(message);
        let mut spilled: Option<usize> = None;
        let mut c = Cursor::new(message);
        c.at = run.end;
        loop {
            let at = c.at;
            if let Some((time, float, len)) = short_sample(&message[at..]) {
                self.has_room(limits)?;
                self.times.push(time);
                self.floats.push(float);
                c.at += len;
                continue;
            }
            let Some((field, value)) = c.next()? else { break };
            match (field, value) {
                (1, Value::Bytes(_)) if spilled.is_some() => {
                    self.spill.extend_from_slice(&message[at..c.at]);
                }
                (1, Value::Bytes(_)) if run.is_empty() => run = at..c.at,
                (1, Value::Bytes(_)) if run.end == at => run.end = c.at,
                (1, Value::Bytes(_)) => {
                    spilled = Some(self.spill.len());
                    self.spill.extend_from_slice(&message[run.clone()]);
                    self.spill.extend_from_slice(&message[at..c.at]);
                }
                (2, Value::Bytes(s)) => self.sample(s, limits)?,
                (3, Value::Bytes(m)) => {
                    self.has_room(limits)?;
                    self.exemplars.push(exemplar(m)?);
                }
                (4, Value::Bytes(m)) => {
                    self.has_room(limits)?;
                    let (time, _, histogram) = histogram::read(m)?;
                    self.histogram(time, None, histogram);
                }
                (1..=4, _) => return Err(mistyped("TimeSeries", field)),
                _ => {}
            }
        }
        let samples = first.0..self.times.len();
        let histograms = first.1..self.histograms.len();
        let exemplars = first.2..self.exemplars.len();
        if !(samples.is_empty() && histograms.is_empty() && exemplars.is_empty()) {
            let raw = match spilled {
                Some(from) => Raw::Spill(from..self.spill.len()),
                None => Raw::Body(offset + run.start..offset + run.end),
            };
            self.series.push(Series { raw, samples, histograms, exemplars });
        }
        Ok(())
    }

    /// Adds a histogram to the series that is being read, or refuses it.
    fn histogram(&mut self, time: Timestamp, start: Option<Timestamp>, h: Histogram) {
        if let Err(why) = histogram::consistent(&h) {
            self.refused.samples += 1;
            self.refused.first.get_or_insert_with(|| (self.number, why.to_owned()));
            return;
        }
        self.histogram_times.push(time);
        self.histogram_starts.extend(start);
        self.histograms.push(h);
    }

    #[inline]
    pub(crate) fn has_room(&self, limits: &Limits) -> Result<()> {
        if self.samples() + self.exemplars.len() < limits.samples {
            return Ok(());
        }
        Err(too_many("samples of one request", limits))
    }

    pub(crate) fn told(&mut self, metadata: Metadata, limits: &Limits) -> Result<()> {
        if self.metadata.len() >= limits.samples {
            return Err(too_many("metadata of one request", limits));
        }
        self.metadata.push(metadata);
        Ok(())
    }

    fn sample(&mut self, message: &[u8], limits: &Limits) -> Result<()> {
        self.has_room(limits)?;
        let (mut time, mut float) = (0, 0.0);
        let mut c = Cursor::new(message);
        while let Some((field, value)) = c.next()? {
            match (field, value) {
                (1, Value::Fixed64(bits)) => float = f64::from_bits(bits),
                (2, Value::Varint(n)) => time = n as i64,
                (1 | 2, _) => return Err(mistyped("Sample", field)),
                _ => {}
            }
        }
        self.times.push(time);
        self.floats.push(float);
        Ok(())
    }
}

pub(crate) fn too_many(what: &str, limits: &Limits) -> Error {
    let (limit, max) = ("serve.remote_write.samples", limits.samples as u64);
    Error::Limit { limit, max, what: what.into() }
}

/// The start timestamps of a range of samples; nothing when none is known.
fn known<'a>(starts: &'a [Timestamp], of: &Range<usize>) -> &'a [Timestamp] {
    match starts.get(of.clone()) {
        Some(starts) if starts.iter().any(|s| *s != 0) => starts,
        _ => &[],
    }
}

/// Bytes of the label fields at the front that are shorter than 128 each: what nearly every sender
/// begins a series with.
#[inline]
fn short_labels(message: &[u8]) -> usize {
    let mut at = 0;
    while let Some([0x0a, len]) = message.get(at..at + 2)
        && *len < 0x80
        && at + 2 + usize::from(*len) <= message.len()
    {
        at += 2 + usize::from(*len);
    }
    at
}

/// A sample field in the form in which everybody writes it, value before time: time, value, and the
/// bytes of the field. Anything else goes the long way.
#[inline]
fn short_sample(bytes: &[u8]) -> Option<(Timestamp, f64, usize)> {
    let [0x12, len, 0x09, value @ ..] = bytes else { return None };
    let value = value.first_chunk::<8>()?;
    let (len, mut at) = (2 + usize::from(*len), 12);
    if bytes.get(11) != Some(&0x10) || len > 22 || len > bytes.len() {
        return None;
    }
    let mut time = 0u64;
    for &b in bytes.get(12..len)? {
        time |= u64::from(b & 0x7f) << (7 * (at - 12)).min(63);
        at += 1;
        if b < 0x80 {
            break;
        }
    }
    let whole = at == len && bytes[len - 1] < 0x80 && len > 12;
    whole.then_some((time as i64, f64::from_le_bytes(*value), len))
}

/// Reads one `prometheus.Exemplar`.
fn exemplar(message: &[u8]) -> Result<Exemplar> {
    let (mut pairs, mut value, mut time) = (Vec::new(), 0.0, 0);
    let mut c = Cursor::new(message);
    while let Some((field, v)) = c.next()? {
        match (field, v) {
            (1, Value::Bytes(label)) => pairs.push(label_pair(label)?),
            (2, Value::Fixed64(bits)) => value = f64::from_bits(bits),
            (3, Value::Varint(n)) => time = n as i64,
            (1..=3, _) => return Err(mistyped("Exemplar", field)),
            _ => {}
        }
    }
    let mut labels = LabelBuf::new();
    labels.set(&mut pairs).map_err(|e| Error::Invalid(format!("exemplar: {e}")))?;
    Ok(Exemplar { labels: labels.to_labels(), value, time })
}

/// Unpacks a snappy block after its stated length was checked against `max`.
///
/// # Errors
/// `Limit` when it would be larger; `Invalid` when it is not snappy or empty.
pub fn uncompress(compressed: &[u8], max: usize, out: &mut Vec<u8>) -> Result<()> {
    let wrong = |why: String| {
        Error::Invalid(format!("body is not a snappy block ({why}); send Content-Encoding: snappy"))
    };
    if compressed.is_empty() {
        return Err(wrong("it is empty".into()));
    }
    let len = snap::raw::decompress_len(compressed).map_err(|e| wrong(e.to_string()))?;
    if len > max {
        return Err(Error::Limit {
            limit: "serve.remote_write.body_bytes",
            max: max as u64,
            what: format!("body of {len} bytes after decompression"),
        });
    }
    out.clear();
    out.resize(len, 0);
    let n = snap::raw::Decoder::new().decompress(compressed, out);
    out.truncate(n.map_err(|e| wrong(e.to_string()))?);
    Ok(())
}

fn metadata(message: &[u8]) -> Result<Metadata> {
    let mut out = Metadata::default();
    let mut c = Cursor::new(message);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (1, Value::Varint(n)) => out.kind = kind_of(n),
            (2, Value::Bytes(b)) => out.metric = utf8("metric family name", b)?.to_owned(),
            (4, Value::Bytes(b)) => out.help = utf8("help", b)?.to_owned(),
            (5, Value::Bytes(b)) => out.unit = utf8("unit", b)?.to_owned(),
            (1 | 2 | 4 | 5, _) => return Err(mistyped("MetricMetadata", field)),
            _ => {}
        }
    }
    Ok(out)
}

/// `MetricMetadata.MetricType` in the order of its numbers; later ones are unknown.
const KINDS: [MetricKind; 8] = [
    MetricKind::Unknown,
    MetricKind::Counter,
    MetricKind::Gauge,
    MetricKind::Histogram,
    MetricKind::GaugeHistogram,
    MetricKind::Summary,
    MetricKind::Info,
    MetricKind::StateSet,
];

fn kind_of(n: u64) -> MetricKind {
    usize::try_from(n).ok().and_then(|n| KINDS.get(n)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use plimsoll_model::{DecodeLabels, Labels};

    use super::*;
    use crate::proto::put;

    fn label(name: &[u8], value: &[u8]) -> Vec<u8> {
        let mut m = Vec::new();
        put::bytes(&mut m, 1, name);
        put::bytes(&mut m, 2, value);
        let mut out = Vec::new();
        put::bytes(&mut out, 1, &m);
        out
    }

    fn sample(time: i64, float: f64) -> Vec<u8> {
        let mut m = Vec::new();
        put::double(&mut m, 1, float);
        put::uint(&mut m, 2, time as u64);
        let mut out = Vec::new();
        put::bytes(&mut out, 2, &m);
        out
    }

    fn request(series: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for s in series {
            put::bytes(&mut out, 1, s);
        }
        snap::raw::Encoder::new().compress_vec(&out).unwrap()
    }

    fn decode(body: &[u8]) -> Result<Request> {
        let mut r = Request::default();
        r.decode(Version::One, body, &Limits::default()).map(|()| r)
    }

    fn labels_of(raw: &[u8]) -> plimsoll_model::Result<String> {
        let mut out = LabelBuf::new();
        LabelFields.decode(raw, &mut out)?;
        Ok(out.to_labels().to_string())
    }

    #[test]
    fn what_the_encoder_wrote_comes_back() {
        let labels = Labels::new([("__name__", "up"), ("job", "a")]).unwrap();
        let mut e = Encoder::new();
        e.series(labels.as_ref(), &[1000, -2000], &[1.0, f64::INFINITY]);
        e.series(labels.as_ref(), &[], &[]);
        let told = Metadata {
            metric: "up".into(),
            kind: MetricKind::Gauge,
            unit: "u".into(),
            help: "h".into(),
        };
        e.metadata(&told);
        let r = decode(&e.finish()).unwrap();
        let rows = r.rows();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].times, [1000, -2000]);
        assert_eq!(rows[0].floats, [1.0, f64::INFINITY]);
        assert_eq!(labels_of(rows[0].raw).unwrap(), "up{job=\"a\"}");
        assert_eq!(r.metadata(), [told]);
    }

    #[test]
    fn unsorted_labels_are_sorted_and_empty_ones_dropped() {
        let s = [label(b"z", b"1"), label(b"e", b""), label(b"__name__", b"m"), label(b"a", b"2")]
            .concat();
        assert_eq!(labels_of(&s).unwrap(), "m{a=\"2\", z=\"1\"}");
    }

    #[test]
    fn bad_labels_are_refused_with_their_reason() {
        let name = label(b"__name__", b"m");
        for (extra, why) in [
            (
                [label(b"a", b"1"), label(b"a", b"2")].concat(),
                "label \"a\" occurs twice; send it once",
            ),
            (label(b"", b"x"), "label name is empty (value \"x\"); give it a name"),
            (
                label(b"a", b"\xff"),
                "label value \"\u{fffd}\" is not UTF-8 (invalid utf-8 sequence of 1 bytes from index 0)",
            ),
        ] {
            assert_eq!(labels_of(&[name.clone(), extra].concat()).unwrap_err().to_string(), why);
        }
        assert!(labels_of(&label(b"only", b"1")).unwrap_err().to_string().contains("__name__"));
    }

    #[test]
    fn labels_that_do_not_stand_side_by_side_are_joined() {
        let s = [label(b"__name__", b"m"), sample(5, 1.0), label(b"a", b"1"), label(b"b", b"2")];
        let r =
            decode(&request(&[s.concat(), [label(b"__name__", b"n"), sample(6, 2.0)].concat()]))
                .unwrap();
        let rows = r.rows();
        assert_eq!(labels_of(rows[0].raw).unwrap(), "m{a=\"1\", b=\"2\"}");
        assert_eq!(labels_of(rows[1].raw).unwrap(), "n");
        assert_eq!((rows[1].times, rows[1].floats), (&[6][..], &[2.0][..]));
    }

    #[test]
    fn exemplars_and_histograms_make_rows_and_unknown_fields_are_ignored() {
        let mut e = label(b"trace_id", b"abc");
        put::double(&mut e, 2, 0.5);
        put::uint(&mut e, 3, 7);
        let mut h = Vec::new();
        put::uint(&mut h, 1, 3);
        put::uint(&mut h, 6, 3);
        put::uint(&mut h, 15, 6);
        let mut s = [label(b"__name__", b"m"), sample(5, 1.0)].concat();
        put::bytes(&mut s, 3, &e);
        put::bytes(&mut s, 4, &h);
        put::bytes(&mut s, 77, b"later");
        let mut only = label(b"__name__", b"n");
        put::bytes(&mut only, 3, &e);
        let r = decode(&request(&[s, only])).unwrap();
        assert_eq!((r.samples(), r.exemplars()), (2, 2));
        let rows = r.rows();
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(Rows::has_shape));
        assert_eq!((rows[0].floats, rows[0].exemplars.len()), (&[1.0][..], 1));
        assert_eq!(rows[0].exemplars[0].labels.to_string(), "{trace_id=\"abc\"}");
        assert_eq!((rows[1].times, rows[1].histograms[0].count()), (&[6][..], 3.0));
        assert!(rows[1].exemplars.is_empty() && rows[1].raw == rows[0].raw);
        assert_eq!((rows[2].times.len(), rows[2].exemplars[0].time), (0, 7));
    }

    #[test]
    fn the_short_way_reads_what_the_long_way_reads() {
        for time in [0, 1, 127, 128, 1_700_000_000_000, i64::MAX, -1, i64::MIN] {
            let one = sample(time, -2.5);
            let found = short_sample(&one);
            if time != 0 {
                assert_eq!(found, Some((time, -2.5, one.len())), "{time}");
            }
            for cut in 0..one.len() {
                assert_eq!(short_sample(&one[..cut]), None);
            }
        }
        let long = label(b"name", &[b'x'; 200]);
        let all = [label(b"a", b"b"), label(b"c", b"d"), long].concat();
        assert_eq!(short_labels(&all), 2 * label(b"a", b"b").len());
        assert_eq!(short_labels(&all[..5]), 0);
    }

    #[test]
    fn hostile_bodies_are_errors_without_the_memory() {
        let huge = [0x80, 0x80, 0x80, 0x80, 0x0c, 0, b'a'];
        assert!(matches!(decode(&huge), Err(Error::Limit { .. })));
        assert!(matches!(decode(b""), Err(Error::Invalid(_))));
        assert!(matches!(decode(b"\xff\xff\xff\xffgarbage"), Err(Error::Invalid(_))));
        let cut = snap::raw::Encoder::new().compress_vec(b"\x0a\xff\xff\xff\xff\x0f").unwrap();
        assert!(matches!(decode(&cut), Err(Error::Invalid(_))));
        assert!(decode(&[0]).unwrap().rows().is_empty());
    }

    #[test]
    fn the_number_of_samples_has_a_limit() {
        let s = [label(b"__name__", b"m"), sample(1, 1.0), sample(2, 1.0)].concat();
        let limits = Limits { samples: 1, ..Limits::default() };
        let e = Request::default().decode(Version::One, &request(&[s]), &limits).unwrap_err();
        assert!(e.to_string().contains("serve.remote_write.samples = 1"), "{e}");
    }
}
