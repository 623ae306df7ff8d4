//! Records: frames with a checksum, and their payloads. Pure functions over bytes; every length
//! that comes from a file is checked before something is allocated.

use plimsoll_model::{Exemplar, Fp, LabelsRef, Metadata, MetricKind};

pub use super::samples::{SampleBuf, SampleBytes, Values};
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
pub(super) const SAMPLES: u8 = 2;
const METADATA: u8 = 3;
const SWAP: u8 = 4;
const CHECKPOINT: u8 = 5;
pub(super) const HISTOGRAMS: u8 = 6;
const EXEMPLARS: u8 = 7;
pub(super) const PACKED: u8 = 9;
/// Flag: the payload is compressed by zstd, after its plain length.
pub(super) const COMPRESSED: u8 = 1;

/// One record, borrowed from its bytes.
#[derive(Debug)]
pub enum Record<'a> {
    /// Names of series.
    SeriesDef(Defs<'a>),
    /// Samples: floats, with or without start timestamps, or histograms.
    Samples(SampleBytes<'a>),
    /// Exemplars.
    Exemplars(ExemplarRows<'a>),
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
pub(super) fn begin(out: &mut Vec<u8>, kind: u8) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(&[kind, 0]);
    at
}

pub(super) fn end(out: &mut [u8], at: usize) {
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

/// Whether a record holds samples.
pub fn is_samples(frame: Frame<'_>) -> bool {
    matches!(frame.kind, SAMPLES | PACKED | HISTOGRAMS)
}

/// Decodes the payload of a frame. Survives any bytes.
///
/// # Errors
/// `Corrupt` when the payload is not what its type says, or uses a reserved flag.
pub fn decode(frame: Frame<'_>) -> Result<Record<'_>> {
    let allowed = if is_samples(frame) { COMPRESSED } else { 0 };
    if frame.flags & !allowed != 0 {
        return Err(Error::corrupt(format!("record {}: flags {:#x}", frame.seq, frame.flags)));
    }
    Ok(match frame.kind {
        SERIES_DEF => Record::SeriesDef(Defs::new(frame.payload)?),
        SAMPLES | PACKED | HISTOGRAMS => Record::Samples(SampleBytes::new(
            frame.kind,
            frame.flags & COMPRESSED != 0,
            frame.payload,
        )),
        EXEMPLARS => Record::Exemplars(ExemplarRows::new(frame.payload)?),
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

/// One exemplar of a record.
#[derive(Clone, Debug)]
pub struct ExemplarRow {
    /// Its series.
    pub sid: u32,
    /// What it is.
    pub exemplar: Exemplar,
}

/// Appends a record of exemplars: sid and exemplar of each.
pub fn put_exemplars(out: &mut Vec<u8>, all: &[(u32, &Exemplar)]) {
    let at = begin(out, EXEMPLARS);
    put_u64(out, all.len() as u64);
    let mut before = 0i64;
    for (sid, e) in all {
        put_u64(out, u64::from(*sid));
        put_i64(out, e.time.wrapping_sub(before));
        before = e.time;
        out.extend_from_slice(&e.value.to_bits().to_le_bytes());
        let labels = e.labels.as_ref();
        put_u64(out, labels.as_bytes().len() as u64);
        out.extend_from_slice(labels.as_bytes());
    }
    end(out, at);
}

/// The exemplars of a record.
#[derive(Debug)]
pub struct ExemplarRows<'a> {
    cursor: Cursor<'a>,
    left: usize,
    before: i64,
}

impl<'a> ExemplarRows<'a> {
    fn new(payload: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(payload);
        let left = cursor.bounded("exemplars", payload.len() / 11)?;
        Ok(Self { cursor, left, before: 0 })
    }

    fn one(&mut self) -> Result<ExemplarRow> {
        let sid = self.cursor.bounded("sid", u32::MAX as usize - 1)? as u32;
        self.before = self.before.wrapping_add(self.cursor.zigzag()?);
        let value = f64::from_bits(self.cursor.u64()?);
        let len = self.cursor.bounded("label bytes", self.cursor.left())?;
        let labels = LabelsRef::checked(self.cursor.take(len)?)
            .map_err(|e| Error::corrupt(e.to_string()))?;
        let exemplar = Exemplar { labels: labels.to_labels(), value, time: self.before };
        Ok(ExemplarRow { sid, exemplar })
    }
}

impl Iterator for ExemplarRows<'_> {
    type Item = Result<ExemplarRow>;

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

/// What a fuzzer calls: reads `bytes` as a log and decodes everything in it. Never panics.
pub fn fuzz_wal_record(bytes: &[u8]) {
    let mut buf = SampleBuf::default();
    let as_payload = (0..=21).map(|n| {
        let (kind, flags) = (n / 2, n % 2);
        Frame { seq: 1, kind, flags, payload: bytes, bytes: 0 }
    });
    for f in frames(bytes).chain(as_payload) {
        match decode(f) {
            Ok(Record::Samples(samples)) => drop(samples.decode_into(&mut buf)),
            Ok(Record::SeriesDef(defs)) => drop(defs.collect::<Vec<_>>()),
            Ok(Record::Exemplars(rows)) => drop(rows.collect::<Vec<_>>()),
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

    #[test]
    fn exemplars_come_back() {
        let one = |value: f64, time: i64| {
            let labels = Labels::new([("trace_id", "abc")]).unwrap();
            Exemplar { labels, value, time }
        };
        let given = [one(1.5, 1000), one(f64::INFINITY, -5)];
        let mut out = Vec::new();
        put_exemplars(&mut out, &[(3, &given[0]), (9, &given[1])]);
        number(&mut out, 1);
        let Record::Exemplars(rows) = first(&out) else { panic!() };
        let found: Vec<_> = rows.map(|r| r.map(|r| (r.sid, r.exemplar)).unwrap()).collect();
        assert_eq!(found, [(3, given[0].clone()), (9, given[1].clone())]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            fuzz_wal_record(&bytes);
        }
    }
}
