//! Prometheus remote read: `prometheus.ReadRequest` in snappy, and its two kinds of answers.
//!
//! *Samples* is one snappy block that holds a `prometheus.ReadResponse`. *Streamed chunks* is a row of
//! frames: length as a varint, CRC-32C of the message (big-endian), a `prometheus.ChunkedReadResponse`
//! of one series. Follows prometheus/prompb/{remote,types}.proto and storage/remote/chunked.go.

use plimsoll_model::{
    Columns, Counts, Histogram, LabelsRef, MatchOp, Matcher, ResetHint, Span, TimeRange, Timestamp,
};

use crate::chunks::{self, Chunk};
use crate::proto::{Cursor, Value, mistyped, put};
use crate::remote_write::uncompress;
use crate::{Error, Result};

/// Questions of one request at most.
const QUERIES_MAX: usize = 100;
/// Matchers of one question at most.
const MATCHERS_MAX: usize = 1_000;
/// A frame above this is sent before the next chunk is added to it: Prometheus' own limit.
const FRAME_BYTES: usize = 1 << 20;

/// How the asker wants its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// All at once.
    #[default]
    Samples,
    /// Frame by frame.
    StreamedChunks,
}

/// Which series, and when.
#[derive(Clone, Debug)]
pub struct Question {
    /// All of them must pass.
    pub matchers: Vec<Matcher>,
    /// Both ends belong to it.
    pub range: TimeRange,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct ReadRequest {
    /// What is asked; answered in this order.
    pub questions: Vec<Question>,
    /// The first form among those accepted that is known.
    pub form: Form,
}

impl ReadRequest {
    /// Reads a compressed body of at most `bytes_max` bytes after decompression.
    ///
    /// # Errors
    /// `Invalid` when it is not snappy, not a `ReadRequest`, or has a matcher that does not compile;
    /// `Limit` when it is too large.
    pub fn decode(compressed: &[u8], bytes_max: usize) -> Result<Self> {
        let mut body = Vec::new();
        uncompress(compressed, bytes_max, &mut body)?;
        let (mut out, mut form) = (Self::default(), None);
        let mut c = Cursor::new(&body);
        while let Some((field, value)) = c.next()? {
            match (field, value) {
                (1, Value::Bytes(_)) if out.questions.len() >= QUERIES_MAX => {
                    let message =
                        format!("more than {QUERIES_MAX} queries; ask in several requests");
                    return Err(Error::Invalid(message));
                }
                (1, Value::Bytes(m)) => out.questions.push(question(m)?),
                (2, Value::Varint(n)) => form = form.or_else(|| form_of(n)),
                (2, Value::Bytes(packed)) => {
                    let mut c = Cursor::new(packed);
                    while c.at < packed.len() {
                        let n = c.varint()?;
                        form = form.or_else(|| form_of(n));
                    }
                }
                (1 | 2, _) => return Err(mistyped("ReadRequest", field)),
                _ => {}
            }
        }
        out.form = form.unwrap_or_default();
        Ok(out)
    }
}

fn form_of(n: u64) -> Option<Form> {
    match n {
        0 => Some(Form::Samples),
        1 => Some(Form::StreamedChunks),
        _ => None,
    }
}

fn question(message: &[u8]) -> Result<Question> {
    let (mut start, mut end, mut matchers) = (0, 0, Vec::new());
    let mut c = Cursor::new(message);
    while let Some((field, value)) = c.next()? {
        match (field, value) {
            (1, Value::Varint(n)) => start = n as i64,
            (2, Value::Varint(n)) => end = n as i64,
            (3, Value::Bytes(_)) if matchers.len() >= MATCHERS_MAX => {
                return Err(Error::Invalid(format!("more than {MATCHERS_MAX} matchers")));
            }
            (3, Value::Bytes(m)) => matchers.push(matcher(m)?),
            (1..=3, _) => return Err(mistyped("Query", field)),
            _ => {}
        }
    }
    Ok(Question { matchers, range: TimeRange::new(start, end) })
}

fn matcher(message: &[u8]) -> Result<Matcher> {
    let (mut op, mut name, mut value) = (0, "", "");
    let text = |b| std::str::from_utf8(b).map_err(|_| Error::invalid("a matcher is not UTF-8"));
    let mut c = Cursor::new(message);
    while let Some((field, v)) = c.next()? {
        match (field, v) {
            (1, Value::Varint(n)) => op = n,
            (2, Value::Bytes(b)) => name = text(b)?,
            (3, Value::Bytes(b)) => value = text(b)?,
            (1..=3, _) => return Err(mistyped("LabelMatcher", field)),
            _ => {}
        }
    }
    let op = match op {
        0 => MatchOp::Equal,
        1 => MatchOp::NotEqual,
        2 => MatchOp::Regex,
        3 => MatchOp::NotRegex,
        other => return Err(Error::Invalid(format!("matcher of type {other}; 0 to 3 are known"))),
    };
    Matcher::new(op, name, value).map_err(|e| Error::Invalid(e.to_string()))
}

/// Builds a `ReadResponse`.
#[derive(Clone, Debug, Default)]
pub struct ReadResponse {
    body: Vec<u8>,
    result: Vec<u8>,
    part: Vec<u8>,
    message: Vec<u8>,
}

impl ReadResponse {
    /// An empty response.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a series to the answer of the question that is being answered.
    pub fn series(&mut self, labels: LabelsRef<'_>, columns: &Columns<'_>) {
        self.part.clear();
        put_labels(&mut self.part, 1, labels);
        for (i, (&time, &float)) in columns.times.iter().zip(columns.floats).enumerate() {
            self.message.clear();
            match columns.histogram(i) {
                Some(h) => {
                    put_histogram(&mut self.message, h, time);
                    put::bytes(&mut self.part, 4, &self.message);
                }
                None => {
                    put::double(&mut self.message, 1, float);
                    put::uint(&mut self.message, 2, time as u64);
                    put::bytes(&mut self.part, 2, &self.message);
                }
            }
        }
        put::bytes(&mut self.result, 1, &self.part);
    }

    /// Ends the answer of a question.
    pub fn end_of_question(&mut self) {
        put::bytes(&mut self.body, 1, &self.result);
        self.result.clear();
    }

    /// Bytes so far, before compression.
    pub fn len(&self) -> usize {
        self.body.len() + self.result.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The response as a snappy block.
    ///
    /// # Errors
    /// `Limit` above 4 GiB, which snappy cannot tell.
    pub fn finish(self) -> Result<Vec<u8>> {
        snap::raw::Encoder::new().compress_vec(&self.body).map_err(|_| Error::Limit {
            limit: "remote read response",
            max: u64::from(u32::MAX),
            what: format!("answer of {} bytes", self.body.len()),
        })
    }
}

/// Hands the frames of a series to `send`, in order; a series without samples has none.
///
/// # Errors
/// Those of `send`.
pub fn stream_series<E>(
    question: usize,
    labels: LabelsRef<'_>,
    columns: &Columns<'_>,
    send: &mut dyn FnMut(Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut head = Vec::new();
    put_labels(&mut head, 1, labels);
    let mut series = head.clone();
    let mut at = 0;
    while let Some((chunk, end)) = chunks::next(columns, at) {
        if series.len() > FRAME_BYTES {
            send(frame(question, &series))?;
            series.clone_from(&head);
        }
        put_chunk(&mut series, &chunk);
        at = end;
    }
    if at > 0 { send(frame(question, &series)) } else { Ok(()) }
}

fn frame(question: usize, series: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(series.len() + 16);
    put::bytes(&mut message, 1, series);
    put::uint(&mut message, 2, question as u64);
    let mut out = Vec::with_capacity(message.len() + 14);
    put::varint(&mut out, message.len() as u64);
    out.extend(crc32c::crc32c(&message).to_be_bytes());
    out.extend(message);
    out
}

fn put_chunk(out: &mut Vec<u8>, chunk: &Chunk) {
    let mut message = Vec::with_capacity(chunk.data.len() + 32);
    put::uint(&mut message, 1, chunk.min as u64);
    put::uint(&mut message, 2, chunk.max as u64);
    put::uint(&mut message, 3, chunk.kind as u64);
    put::bytes(&mut message, 4, &chunk.data);
    put::bytes(out, 2, &message);
}

fn put_labels(out: &mut Vec<u8>, field: u32, labels: LabelsRef<'_>) {
    let mut message = Vec::new();
    for (name, value) in labels.iter() {
        message.clear();
        put::bytes(&mut message, 1, name.as_bytes());
        put::bytes(&mut message, 2, value.as_bytes());
        put::bytes(out, field, &message);
    }
}

/// Writes a `prometheus.Histogram`.
fn put_histogram(out: &mut Vec<u8>, h: &Histogram, time: Timestamp) {
    let signed = |n: i64| ((n << 1) ^ (n >> 63)) as u64;
    put::double(out, 3, h.sum);
    put::uint(out, 4, signed(i64::from(h.schema)));
    put::double(out, 5, h.zero_threshold);
    match &h.counts {
        Counts::Integer { count, zero, positive, negative } => {
            put::uint(out, 1, *count);
            put::uint(out, 6, *zero);
            for (field, side) in [(9, negative), (12, positive)] {
                let (mut packed, mut before) = (Vec::new(), 0i64);
                for c in side {
                    put::varint(&mut packed, signed((*c as i64).wrapping_sub(before)));
                    before = *c as i64;
                }
                put::bytes(out, field, &packed);
            }
        }
        Counts::Float { count, zero, positive, negative } => {
            put::double(out, 2, *count);
            put::double(out, 7, *zero);
            put_doubles(out, 10, negative);
            put_doubles(out, 13, positive);
        }
    }
    for (field, spans) in [(8, &h.negative_spans), (11, &h.positive_spans)] {
        for Span { offset, length } in spans {
            let mut message = Vec::new();
            put::uint(&mut message, 1, signed(i64::from(*offset)));
            put::uint(&mut message, 2, u64::from(*length));
            put::bytes(out, field, &message);
        }
    }
    let hint = match h.hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    };
    put::uint(out, 14, hint);
    put::uint(out, 15, time as u64);
    if !h.custom.is_empty() {
        put_doubles(out, 16, &h.custom);
    }
}

fn put_doubles(out: &mut Vec<u8>, field: u32, all: &[f64]) {
    let packed: Vec<u8> = all.iter().flat_map(|v| v.to_le_bytes()).collect();
    put::bytes(out, field, &packed);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plimsoll_model::Labels;

    use super::*;
    use crate::remote_write::{Limits, Request, Version, labels_text};

    fn request(accepted: &[u64], matcher: (u64, &str, &str)) -> Vec<u8> {
        let (mut m, mut q, mut out) = (Vec::new(), Vec::new(), Vec::new());
        put::uint(&mut m, 1, matcher.0);
        put::bytes(&mut m, 2, matcher.1.as_bytes());
        put::bytes(&mut m, 3, matcher.2.as_bytes());
        put::uint(&mut q, 1, 1000);
        put::uint(&mut q, 2, 2000);
        put::bytes(&mut q, 3, &m);
        put::bytes(&mut q, 4, b"");
        put::bytes(&mut out, 1, &q);
        accepted.iter().for_each(|n| put::uint(&mut out, 2, *n));
        snap::raw::Encoder::new().compress_vec(&out).unwrap()
    }

    #[test]
    fn a_request_is_read() {
        let r = ReadRequest::decode(&request(&[7, 1, 0], (2, "job", "a|b")), 1 << 10).unwrap();
        assert_eq!(r.form, Form::StreamedChunks);
        let q = &r.questions[0];
        assert_eq!((q.range.start, q.range.end), (1000, 2000));
        assert!(q.matchers[0].matches("b") && !q.matchers[0].matches("ab"));
        let r = ReadRequest::decode(&request(&[], (0, "job", "a")), 1 << 10).unwrap();
        assert_eq!(r.form, Form::Samples);
        assert!(ReadRequest::decode(&request(&[], (2, "job", "(")), 1 << 10).is_err());
        assert!(ReadRequest::decode(&request(&[], (9, "job", "a")), 1 << 10).is_err());
        assert!(ReadRequest::decode(b"\xff", 1 << 10).is_err());
    }

    /// A series in the fields that remote write has as well.
    #[test]
    fn samples_and_histograms_come_back() {
        let labels = Labels::new([("__name__", "m"), ("a", "b")]).unwrap();
        let h = Histogram {
            schema: 2,
            hint: ResetHint::Gauge,
            zero_threshold: 0.5,
            sum: 9.5,
            positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 3, length: 1 }],
            negative_spans: vec![Span { offset: 1, length: 1 }],
            custom: Vec::new(),
            counts: Counts::Integer {
                count: 9,
                zero: 1,
                positive: vec![3, 1, 2],
                negative: vec![2],
            },
        };
        let histograms = [None, Some(Arc::new(h.clone()))];
        let mut columns = Columns::plain(&[5, 6], &[1.5, 0.0]);
        columns.histograms = Some(&histograms);
        let mut out = ReadResponse::new();
        out.series(labels.as_ref(), &columns);
        out.end_of_question();
        let mut body = Vec::new();
        uncompress(&out.finish().unwrap(), 1 << 20, &mut body).unwrap();
        let mut c = Cursor::new(&body);
        let Some((1, Value::Bytes(result))) = c.next().unwrap() else { panic!("a result") };
        // A result has its series where a write request has them.
        let block = snap::raw::Encoder::new().compress_vec(result).unwrap();
        let mut r = Request::default();
        r.decode(Version::One, &block, &Limits::default()).unwrap();
        let rows = r.rows();
        assert_eq!(labels_text(rows[0].raw), "m{a=\"b\"}");
        assert_eq!((rows[0].times, rows[0].floats), (&[5][..], &[1.5][..]));
        assert_eq!((rows[1].times, &rows[1].histograms[0]), (&[6][..], &h));
    }

    #[test]
    fn frames_have_their_length_and_checksum() {
        let labels = Labels::new([("__name__", "m")]).unwrap();
        let times: Vec<i64> = (0..200).collect();
        let floats = vec![1.0; 200];
        let mut frames = Vec::new();
        let mut send = |f: Vec<u8>| {
            frames.push(f);
            Ok::<(), ()>(())
        };
        stream_series(3, labels.as_ref(), &Columns::plain(&times, &floats), &mut send).unwrap();
        stream_series(3, labels.as_ref(), &Columns::default(), &mut send).unwrap();
        assert_eq!(frames.len(), 1);
        let mut c = Cursor::new(&frames[0]);
        let len = usize::try_from(c.varint().unwrap()).unwrap();
        let (sum, message) = frames[0][c.at..].split_at(4);
        assert_eq!((message.len(), crc32c::crc32c(message).to_be_bytes().as_slice()), (len, sum));
        let mut c = Cursor::new(message);
        let Some((1, Value::Bytes(series))) = c.next().unwrap() else { panic!("a series") };
        assert_eq!(c.next().unwrap(), Some((2, Value::Varint(3))));
        let (mut fields, mut samples) = (Vec::new(), (Vec::new(), Vec::new()));
        let mut c = Cursor::new(series);
        while let Some((field, Value::Bytes(b))) = c.next().unwrap() {
            fields.push(field);
            let mut chunk = Cursor::new(b);
            while let Some((f, v)) = chunk.next().unwrap() {
                if let (2, 4, Value::Bytes(data)) = (field, f, v) {
                    crate::blocks::decode_xor(data, &mut samples.0, &mut samples.1).unwrap();
                }
            }
        }
        assert_eq!(fields, [1, 2, 2]);
        assert_eq!(samples, (times, floats));
    }
}
