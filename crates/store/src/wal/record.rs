//! Records: frames with a checksum, and their payloads. Pure functions over bytes; every length
//! that comes from a file is checked before something is allocated.

use plimsoll_model::{Fp, LabelsRef, Metadata, MetricKind};

use crate::codec::varint::{Cursor, put_i64, put_u64};
use crate::{Error, Result};

/// Bytes of a record after its checksum, at most.
pub const RECORD_BYTES_MAX: usize = 64 << 20;
/// Bytes of a frame before the payload: len, crc, seq, type, flags.
pub const FRAME_BYTES: usize = 18;
/// Rows of a Samples record, at most.
pub const ROWS_MAX: usize = 1 << 20;
/// Samples of a Samples record, at most: 29 bytes each at worst.
pub const SAMPLES_MAX: usize = 1 << 20;
/// Bytes of a string in Metadata.
const TEXT_BYTES_MAX: usize = 64 << 10;

const SERIES_DEF: u8 = 1;
const SAMPLES: u8 = 2;
const METADATA: u8 = 3;
const SWAP: u8 = 4;
const CHECKPOINT: u8 = 5;

/// Mantissas below this are exact in a double.
const MANTISSA_MAX: f64 = 9_007_199_254_740_992.0;
const HUNDREDTHS: f64 = 100.0;
const MILLIONTHS: f64 = 1_000_000.0;

/// One record, borrowed from its bytes.
#[derive(Debug)]
pub enum Record<'a> {
    /// Names of series.
    SeriesDef(Defs<'a>),
    /// Samples.
    Samples(SampleBytes<'a>),
    /// Type, unit and help of metrics.
    Metadata(Vec<Metadata>),
    /// A generation ends.
    Swap(u64),
    /// All metadata, at the start of a generation.
    Checkpoint(Vec<Metadata>),
    /// A type that this version does not know.
    Unknown(u8),
}

/// A frame that was found whole.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Sequence number.
    pub seq: u64,
    /// Type byte.
    pub kind: u8,
    /// Flags byte.
    pub flags: u8,
    /// Payload.
    pub payload: &'a [u8],
    /// Bytes of the whole record.
    pub bytes: usize,
}

/// Reads the frame at the start of `bytes`; `None` when there is none that is whole and right.
pub fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let len = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    if !(10..=RECORD_BYTES_MAX).contains(&len) {
        return None;
    }
    let crc = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let body = bytes.get(8..8 + len)?;
    if crc32c::crc32c(body) != crc {
        return None;
    }
    let seq = u64::from_le_bytes(body[..8].try_into().ok()?);
    Some(Frame { seq, kind: body[8], flags: body[9], payload: &body[10..], bytes: 8 + len })
}

/// Starts a record in `out`; the payload is appended next, then [`end`] completes it.
fn begin(out: &mut Vec<u8>, kind: u8) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(&[kind, 0]);
    at
}

fn end(out: &mut [u8], at: usize) {
    let len = (out.len() - at - 8) as u32;
    out[at..at + 4].copy_from_slice(&len.to_le_bytes());
}

/// Gives the records in `bytes` (built here, one after the other) the numbers from `seq` on and
/// their checksums. Returns the number after the last.
pub fn number(bytes: &mut [u8], mut seq: u64) -> u64 {
    let mut rest = bytes;
    while rest.len() >= FRAME_BYTES {
        let len = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let (record, after) = rest.split_at_mut(8 + len);
        record[8..16].copy_from_slice(&seq.to_le_bytes());
        let crc = crc32c::crc32c(&record[8..]);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        seq += 1;
        rest = after;
    }
    seq
}

/// The frames in bytes that [`number`] completed.
pub fn frames(bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let found = frame(rest)?;
        rest = &rest[found.bytes..];
        Some(found)
    })
}

/// The frames of bytes that this process encoded and numbered a moment ago: checksums are not
/// computed again.
pub fn own_frames(bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let len = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        let body = rest.get(8..8 + len)?;
        let seq = u64::from_le_bytes(body.get(..8)?.try_into().ok()?);
        let found =
            Frame { seq, kind: body[8], flags: body[9], payload: &body[10..], bytes: 8 + len };
        rest = &rest[found.bytes..];
        Some(found)
    })
}

/// Decodes the payload of a frame. Survives any bytes.
///
/// # Errors
/// `Corrupt` when the payload is not what its type says, or uses a reserved flag.
pub fn decode(frame: Frame<'_>) -> Result<Record<'_>> {
    if frame.flags != 0 {
        return Err(Error::corrupt(format!("record {}: flags {:#x}", frame.seq, frame.flags)));
    }
    Ok(match frame.kind {
        SERIES_DEF => Record::SeriesDef(Defs::new(frame.payload)?),
        SAMPLES => Record::Samples(SampleBytes::new(frame.payload)?),
        METADATA => Record::Metadata(take_metadata(frame.payload)?),
        SWAP => Record::Swap(Cursor::new(frame.payload).varint()?),
        CHECKPOINT => Record::Checkpoint(take_metadata(frame.payload)?),
        other => Record::Unknown(other),
    })
}

/// Appends a SeriesDef record.
pub fn put_defs<'l>(out: &mut Vec<u8>, defs: &[(u32, LabelsRef<'l>)]) {
    let at = begin(out, SERIES_DEF);
    put_u64(out, defs.len() as u64);
    for (sid, labels) in defs {
        put_u64(out, u64::from(*sid));
        put_u64(out, labels.as_bytes().len() as u64);
        out.extend_from_slice(labels.as_bytes());
    }
    end(out, at);
}

/// Appends a Metadata record, or a Checkpoint when `complete`.
fn put_metadata_as<'m>(
    out: &mut Vec<u8>,
    kind: u8,
    all: impl ExactSizeIterator<Item = &'m Metadata>,
) {
    let at = begin(out, kind);
    put_u64(out, all.len() as u64);
    for m in all {
        for text in [&m.metric, &m.unit, &m.help] {
            put_u64(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
        out.push(kind_code(m.kind));
    }
    end(out, at);
}

/// Appends a Metadata record.
pub fn put_metadata<'m>(out: &mut Vec<u8>, all: impl ExactSizeIterator<Item = &'m Metadata>) {
    put_metadata_as(out, METADATA, all);
}

/// Appends a Checkpoint record.
pub fn put_checkpoint<'m>(out: &mut Vec<u8>, all: impl ExactSizeIterator<Item = &'m Metadata>) {
    put_metadata_as(out, CHECKPOINT, all);
}

/// Appends a Swap record.
pub fn put_swap(out: &mut Vec<u8>, generation: u64) {
    let at = begin(out, SWAP);
    put_u64(out, generation);
    end(out, at);
}

/// Whether metadata fits into a record.
pub fn fits(m: &Metadata) -> bool {
    [&m.metric, &m.unit, &m.help].iter().all(|t| t.len() <= TEXT_BYTES_MAX)
}

fn kind_code(kind: MetricKind) -> u8 {
    MetricKind::NAMES.iter().position(|(k, _)| *k == kind).unwrap_or(7) as u8
}

fn take_metadata(payload: &[u8]) -> Result<Vec<Metadata>> {
    let mut c = Cursor::new(payload);
    let n = c.bounded("metadata entries", payload.len() / 4)?;
    let mut all = Vec::with_capacity(n);
    for _ in 0..n {
        let (metric, unit, help) = (text(&mut c)?, text(&mut c)?, text(&mut c)?);
        let code = usize::from(c.u8()?);
        let kind = MetricKind::NAMES.get(code).map_or(MetricKind::Unknown, |(k, _)| *k);
        all.push(Metadata { metric, kind, unit, help });
    }
    Ok(all)
}

fn text(c: &mut Cursor<'_>) -> Result<String> {
    let len = c.bounded("text bytes", TEXT_BYTES_MAX)?;
    let bytes = c.take(len)?;
    let s = std::str::from_utf8(bytes).map_err(|_| Error::corrupt("text is not UTF-8"))?;
    Ok(s.to_owned())
}

/// The series of a SeriesDef record.
#[derive(Debug)]
pub struct Defs<'a> {
    cursor: Cursor<'a>,
    left: usize,
}

impl<'a> Defs<'a> {
    fn new(payload: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(payload);
        let left = cursor.bounded("series", payload.len() / 2)?;
        Ok(Self { cursor, left })
    }

    fn one(&mut self) -> Result<(u32, Fp, LabelsRef<'a>)> {
        let sid = self.cursor.bounded("sid", u32::MAX as usize - 1)? as u32;
        let len = self.cursor.bounded("label bytes", self.cursor.left())?;
        let labels = LabelsRef::checked(self.cursor.take(len)?)
            .map_err(|e| Error::corrupt(e.to_string()))?;
        Ok((sid, labels.fp(), labels))
    }
}

impl<'a> Iterator for Defs<'a> {
    type Item = Result<(u32, Fp, LabelsRef<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let one = self.one();
        if one.is_err() {
            self.left = 0;
        }
        Some(one)
    }
}

/// Collects the rows of a Samples record; its memory is kept between records.
#[derive(Debug, Default)]
pub struct SampleBuf {
    /// Sid of each row.
    pub sids: Vec<u32>,
    /// Samples of each row.
    pub counts: Vec<u32>,
    /// Times of all rows in a line.
    pub times: Vec<i64>,
    /// Values of all rows in a line.
    pub values: Vec<f64>,
}

impl SampleBuf {
    /// Empties it.
    pub fn clear(&mut self) {
        self.sids.clear();
        self.counts.clear();
        self.times.clear();
        self.values.clear();
    }

    /// Adds a row.
    pub fn push(&mut self, sid: u32, times: &[i64], values: &[f64]) {
        self.sids.push(sid);
        self.counts.push(times.len() as u32);
        self.times.extend_from_slice(times);
        self.values.extend_from_slice(values);
    }

    /// Appends the record to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let at = begin(out, SAMPLES);
        put_u64(out, self.sids.len() as u64);
        put_runs(out, &self.sids);
        if self.counts.iter().all(|c| *c == 1) {
            out.push(0);
        } else {
            out.push(1);
            for c in &self.counts {
                put_u64(out, u64::from(*c));
            }
        }
        put_times(out, &self.times);
        for v in &self.values {
            put_value(out, *v);
        }
        end(out, at);
    }
}

fn put_runs(out: &mut Vec<u8>, sids: &[u32]) {
    let runs = sids.chunk_by(|a, b| a.wrapping_add(1) == *b);
    put_u64(out, runs.clone().count() as u64);
    let mut expected = 0i64;
    for run in runs {
        put_i64(out, i64::from(run[0]) - expected);
        put_u64(out, run.len() as u64);
        expected = i64::from(run[0]) + run.len() as i64;
    }
}

fn put_times(out: &mut Vec<u8>, times: &[i64]) {
    let first = times.first().copied().unwrap_or(0);
    if times.iter().all(|t| *t == first) {
        out.push(0);
        put_i64(out, first);
        return;
    }
    out.push(1);
    let mut before = 0i64;
    for t in times {
        put_i64(out, t.wrapping_sub(before));
        before = *t;
    }
}

#[inline]
fn put_value(out: &mut Vec<u8>, v: f64) {
    for (k, scale) in [(0, 1.0), (1, HUNDREDTHS), (2, MILLIONTHS)] {
        let m = (v * scale).round();
        // Through the integer, as the reader goes: it has no negative zero.
        if m.abs() < MANTISSA_MAX && (m as i64 as f64 / scale).to_bits() == v.to_bits() {
            let zigzag = crate::codec::varint::zigzag(m as i64);
            put_u64(out, (zigzag << 2) | k);
            return;
        }
    }
    out.push(3);
    out.extend_from_slice(&v.to_bits().to_le_bytes());
}

#[inline]
fn take_value(c: &mut Cursor<'_>) -> Result<f64> {
    let tagged = c.varint()?;
    if tagged & 3 == 3 {
        return Ok(f64::from_bits(c.u64()?));
    }
    let m = crate::codec::varint::unzigzag(tagged >> 2) as f64;
    Ok(match tagged & 3 {
        0 => m,
        1 => m / HUNDREDTHS,
        _ => m / MILLIONTHS,
    })
}

/// A Samples record that was not decoded yet.
#[derive(Clone, Copy, Debug)]
pub struct SampleBytes<'a> {
    payload: &'a [u8],
}

impl<'a> SampleBytes<'a> {
    fn new(payload: &'a [u8]) -> Result<Self> {
        Ok(Self { payload })
    }

    /// Decodes all rows into `out`.
    ///
    /// # Errors
    /// `Corrupt`; `out` then holds nothing of use.
    pub fn decode_into(self, out: &mut SampleBuf) -> Result<()> {
        out.clear();
        let mut c = Cursor::new(self.payload);
        let rows = c.bounded("rows", ROWS_MAX)?;
        take_runs(&mut c, rows, &mut out.sids)?;
        let total = take_counts(&mut c, rows, &mut out.counts)?;
        take_times(&mut c, total, &mut out.times)?;
        for _ in 0..total {
            out.values.push(take_value(&mut c)?);
        }
        if c.is_empty() { Ok(()) } else { Err(Error::corrupt("bytes after the last value")) }
    }
}

fn take_runs(c: &mut Cursor<'_>, rows: usize, sids: &mut Vec<u32>) -> Result<()> {
    let runs = c.bounded("runs", rows)?;
    let mut expected = 0i64;
    for _ in 0..runs {
        let start = expected.wrapping_add(c.zigzag()?);
        let len = c.bounded("run", rows - sids.len())?;
        expected = start.wrapping_add(len as i64);
        if start < 0 || expected > i64::from(u32::MAX) {
            return Err(Error::corrupt(format!("sid {start} out of range")));
        }
        sids.extend(start as u32..expected as u32);
    }
    if sids.len() == rows { Ok(()) } else { Err(Error::corrupt("fewer sids than rows")) }
}

fn take_counts(c: &mut Cursor<'_>, rows: usize, counts: &mut Vec<u32>) -> Result<usize> {
    if c.u8()? == 0 {
        counts.resize(rows, 1);
        return Ok(rows);
    }
    let mut total = 0usize;
    for _ in 0..rows {
        let n = c.bounded("samples", SAMPLES_MAX - total)?;
        total += n;
        counts.push(n as u32);
    }
    if total <= c.left() { Ok(total) } else { Err(Error::corrupt("more samples than bytes")) }
}

fn take_times(c: &mut Cursor<'_>, total: usize, times: &mut Vec<i64>) -> Result<()> {
    if c.u8()? == 0 {
        let t = c.zigzag()?;
        times.resize(total, t);
        return Ok(());
    }
    let mut t = 0i64;
    for _ in 0..total {
        t = t.wrapping_add(c.zigzag()?);
        times.push(t);
    }
    Ok(())
}

/// What a fuzzer calls: reads `bytes` as a log and decodes everything in it. Never panics.
pub fn fuzz_wal_record(bytes: &[u8]) {
    let mut buf = SampleBuf::default();
    let as_payload = (0..=8).map(|kind| Frame { seq: 1, kind, flags: 0, payload: bytes, bytes: 0 });
    for f in frames(bytes).chain(as_payload) {
        match decode(f) {
            Ok(Record::Samples(samples)) => drop(samples.decode_into(&mut buf)),
            Ok(Record::SeriesDef(defs)) => drop(defs.collect::<Vec<_>>()),
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Labels;
    use proptest::prelude::*;

    fn first(bytes: &[u8]) -> Record<'_> {
        decode(frame(bytes).unwrap()).unwrap()
    }

    #[test]
    fn values_come_back_bit_by_bit() {
        let odd = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            0.01,
            123_456.78,
            1e300,
            f64::NAN,
            plimsoll_model::stale_nan(),
            f64::INFINITY,
            f64::NEG_INFINITY,
            9_007_199_254_740_991.0,
            9_007_199_254_740_992.0,
            f64::MIN_POSITIVE,
        ];
        for v in odd {
            let mut out = Vec::new();
            put_value(&mut out, v);
            let mut c = Cursor::new(&out);
            assert_eq!(take_value(&mut c).unwrap().to_bits(), v.to_bits(), "{v}");
            assert!(c.is_empty());
        }
    }

    #[test]
    fn a_steady_scrape_costs_little_more_than_its_values() {
        let mut buf = SampleBuf::default();
        for sid in 0..1000 {
            buf.push(sid, &[1_700_000_000_000], &[0.0]);
        }
        let mut out = Vec::new();
        buf.encode(&mut out);
        assert!(out.len() < 1000 + 40, "{}", out.len());
    }

    #[test]
    fn definitions_metadata_and_swaps_come_back() {
        let labels = Labels::new([("__name__", "up"), ("job", "a")]).unwrap();
        let m = Metadata {
            metric: "up".into(),
            kind: MetricKind::Gauge,
            unit: String::new(),
            help: "is it up".into(),
        };
        let mut out = Vec::new();
        put_defs(&mut out, &[(7, labels.as_ref())]);
        put_metadata(&mut out, [m.clone()].iter());
        put_swap(&mut out, 9);
        put_checkpoint(&mut out, [m.clone()].iter());
        assert_eq!(number(&mut out, 100), 104);
        let all: Vec<_> = frames(&out).map(|f| (f.seq, decode(f).unwrap())).collect();
        assert_eq!(all.iter().map(|(s, _)| *s).collect::<Vec<_>>(), [100, 101, 102, 103]);
        let Record::SeriesDef(mut defs) = first(&out) else { panic!() };
        let (sid, fp, found) = defs.next().unwrap().unwrap();
        assert_eq!((sid, fp, found.to_labels()), (7, labels.fp(), labels));
        assert!(matches!(&all[1].1, Record::Metadata(found) if *found == [m.clone()]));
        assert!(matches!(all[2].1, Record::Swap(9)));
        assert!(matches!(&all[3].1, Record::Checkpoint(found) if *found == [m]));
    }

    proptest! {
        #[test]
        fn samples_come_back(rows in proptest::collection::vec(
            (0u32..5000, proptest::collection::vec((any::<i64>(), any::<u64>()), 0..5)), 1..40))
        {
            let mut buf = SampleBuf::default();
            for (sid, samples) in &rows {
                let times: Vec<_> = samples.iter().map(|s| s.0).collect();
                let values: Vec<_> = samples.iter().map(|s| f64::from_bits(s.1)).collect();
                buf.push(*sid, &times, &values);
            }
            let mut out = Vec::new();
            buf.encode(&mut out);
            number(&mut out, 1);
            let Record::Samples(bytes) = first(&out) else { panic!() };
            let mut back = SampleBuf::default();
            bytes.decode_into(&mut back).unwrap();
            prop_assert_eq!(&back.sids, &buf.sids);
            prop_assert_eq!(&back.counts, &buf.counts);
            prop_assert_eq!(&back.times, &buf.times);
            let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back.values), bits(&buf.values));
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            fuzz_wal_record(&bytes);
        }
    }
}
