//! Chunks of native histograms: what their samples have in common in a dictionary of layouts, the
//! rest in columns, one per bucket that occurs.
//!
//! Every histogram comes back bit by bit, spans and hints included. A chunk holds integer counts or
//! float counts, never both; the writer cuts where that changes, at 480 samples, and where the
//! columns would hold more than [`CELLS_MAX`] counts.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use plimsoll_model::{CUSTOM_BUCKETS, Counts, HISTOGRAM_BUCKETS_MAX, Histogram, ResetHint, Span};

use super::PAGE_SAMPLES;
use super::ints::{self, Coding, Pages};
use super::values::{self, Packing};
use super::varint::{Cursor, put_i64, put_u64};
use crate::{Error, Result};

/// Samples of a chunk at most: one page.
pub const HISTOGRAMS_MAX: usize = PAGE_SAMPLES;
/// Bucket counts of a chunk at most, those of absent buckets included: 16 MiB when decoded.
pub const CELLS_MAX: usize = 1 << 21;

const FLOATS: u8 = 1;
/// Column whose integers are all the same.
const SAME: u8 = 0;

/// What histograms of one layout share.
#[derive(Clone, Debug, PartialEq)]
struct Layout {
    schema: i8,
    zero_threshold: u64,
    custom: Vec<u64>,
    positive: Vec<Span>,
    negative: Vec<Span>,
}

impl Layout {
    fn fits(&self, h: &Histogram) -> bool {
        self.schema == h.schema
            && self.zero_threshold == h.zero_threshold.to_bits()
            && self.positive == h.positive_spans
            && self.negative == h.negative_spans
            && self.custom.len() == h.custom.len()
            && self.custom.iter().zip(&h.custom).all(|(a, b)| *a == b.to_bits())
    }

    fn of(h: &Histogram) -> Self {
        Self {
            schema: h.schema,
            zero_threshold: h.zero_threshold.to_bits(),
            custom: h.custom.iter().map(|b| b.to_bits()).collect(),
            positive: h.positive_spans.clone(),
            negative: h.negative_spans.clone(),
        }
    }
}

/// The numbers of the buckets of spans that were checked.
fn buckets(spans: &[Span]) -> impl Iterator<Item = i64> {
    let mut at = 0i64;
    spans.iter().flat_map(move |s| {
        let from = at + i64::from(s.offset);
        at = from + i64::from(s.length);
        from..at
    })
}

fn bucket_count(spans: &[Span]) -> u64 {
    spans.iter().map(|s| u64::from(s.length)).sum()
}

/// How many of `samples`, from the first on, go into one chunk. 0 only without samples.
///
/// # Errors
/// `Invalid` for a histogram whose parts do not fit each other.
pub fn chunk_len(samples: &[&Histogram]) -> Result<usize> {
    let Some(first) = samples.first() else { return Ok(0) };
    let is_float = |h: &Histogram| matches!(h.counts, Counts::Float { .. });
    let (mut known, mut columns) = (None::<&Histogram>, BTreeSet::new());
    for (i, h) in samples.iter().enumerate() {
        if i == HISTOGRAMS_MAX || is_float(h) != is_float(first) {
            return Ok(i);
        }
        let same = known.is_some_and(|k| {
            k.positive_spans == h.positive_spans && k.negative_spans == h.negative_spans
        });
        h.check().map_err(|e| Error::Invalid(e.to_string()))?;
        if !same {
            let both = [(false, &h.positive_spans), (true, &h.negative_spans)];
            columns.extend(both.iter().flat_map(|(n, s)| buckets(s).map(move |b| (*n, b))));
            known = Some(h);
        }
        if i > 0 && columns.len() * (i + 1) > CELLS_MAX {
            return Ok(i);
        }
    }
    Ok(samples.len())
}

/// Appends the encoding of as many histograms as [`chunk_len`] said.
pub fn encode(samples: &[&Histogram], values: &mut values::Encoder, out: &mut Vec<u8>) {
    debug_assert!(!samples.is_empty() && samples.len() <= HISTOGRAMS_MAX);
    let floats = matches!(samples[0].counts, Counts::Float { .. });
    out.push(if floats { FLOATS } else { 0 });
    let mut layouts: Vec<Layout> = Vec::new();
    let mut ids = Vec::with_capacity(samples.len());
    for h in samples {
        let last = ids.last().map_or(0, |id| *id as usize);
        let id = match layouts.get(last) {
            Some(l) if l.fits(h) => last,
            _ => layouts.iter().position(|l| l.fits(h)).unwrap_or_else(|| {
                layouts.push(Layout::of(h));
                layouts.len() - 1
            }),
        };
        ids.push(id as i64);
    }
    put_u64(out, layouts.len() as u64);
    layouts.iter().for_each(|l| put_layout(l, out));
    let mut writer = ColumnWriter { floats, values, room: Vec::new() };
    writer.put_ints(&ids, out);
    writer.put_ints(&samples.iter().map(|h| hint_number(h.hint)).collect::<Vec<_>>(), out);
    writer.put_floats(&samples.iter().map(|h| h.sum).collect::<Vec<_>>(), out);
    writer.put_bits(samples.iter().map(|h| totals(&h.counts).0), out);
    writer.put_bits(samples.iter().map(|h| totals(&h.counts).1), out);
    for negative in [false, true] {
        put_buckets(samples, &layouts, &ids, negative, &mut writer, out);
    }
}

fn put_buckets(
    samples: &[&Histogram],
    layouts: &[Layout],
    ids: &[i64],
    negative: bool,
    writer: &mut ColumnWriter<'_>,
    out: &mut Vec<u8>,
) {
    let (numbers, places) = columns_of(layouts, negative);
    let mut cells: Vec<Option<u64>> = vec![None; numbers.len() * samples.len()];
    for (i, (h, id)) in samples.iter().zip(ids).enumerate() {
        for (k, column) in places[*id as usize].iter().enumerate() {
            cells[column * samples.len() + i] = Some(bucket_bits(&h.counts, negative, k));
        }
    }
    for column in cells.chunks_exact(samples.len()) {
        // Where a histogram lacks the bucket nobody looks: what stood before packs best.
        let mut before = 0;
        let filled = column.iter().map(|cell| {
            before = cell.unwrap_or(before);
            before
        });
        writer.put_bits(filled, out);
    }
}

/// The buckets of all layouts in order, and for each layout the columns of its buckets.
fn columns_of(layouts: &[Layout], negative: bool) -> (Vec<i64>, Vec<Vec<usize>>) {
    let spans = |l: &'_ Layout| if negative { l.negative.clone() } else { l.positive.clone() };
    let mut numbers: Vec<i64> =
        layouts.iter().flat_map(|l| buckets(&spans(l)).collect::<Vec<_>>()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let place = |b: i64| numbers.partition_point(|n| *n < b);
    let places = layouts.iter().map(|l| buckets(&spans(l)).map(place).collect()).collect();
    (numbers, places)
}

/// Count and zero count as bits: those of an f64, or an integer.
fn totals(counts: &Counts) -> (u64, u64) {
    match counts {
        Counts::Integer { count, zero, .. } => (*count, *zero),
        Counts::Float { count, zero, .. } => (count.to_bits(), zero.to_bits()),
    }
}

fn bucket_bits(counts: &Counts, negative: bool, k: usize) -> u64 {
    match (counts, negative) {
        (Counts::Integer { positive: list, .. }, false)
        | (Counts::Integer { negative: list, .. }, true) => list.get(k).copied().unwrap_or(0),
        (Counts::Float { positive: list, .. }, false)
        | (Counts::Float { negative: list, .. }, true) => list.get(k).map_or(0, |v| v.to_bits()),
    }
}

const HINTS: [ResetHint; 4] =
    [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge];

fn hint_number(hint: ResetHint) -> i64 {
    HINTS.iter().position(|h| *h == hint).map_or(0, |i| i as i64)
}

fn put_layout(l: &Layout, out: &mut Vec<u8>) {
    out.push(l.schema as u8);
    out.extend_from_slice(&l.zero_threshold.to_le_bytes());
    put_u64(out, l.custom.len() as u64);
    l.custom.iter().for_each(|b| out.extend_from_slice(&b.to_le_bytes()));
    for spans in [&l.positive, &l.negative] {
        put_u64(out, spans.len() as u64);
        for s in spans {
            put_i64(out, i64::from(s.offset));
            put_u64(out, u64::from(s.length));
        }
    }
}

/// Writes columns, each after its length.
struct ColumnWriter<'e> {
    floats: bool,
    values: &'e mut values::Encoder,
    room: Vec<u8>,
}

impl ColumnWriter<'_> {
    fn put_room(&mut self, out: &mut Vec<u8>) {
        put_u64(out, self.room.len() as u64);
        out.extend_from_slice(&self.room);
        self.room.clear();
    }

    fn put_ints(&mut self, ints: &[i64], out: &mut Vec<u8>) {
        let first = ints[0];
        if ints.iter().all(|v| *v == first) {
            self.room.push(SAME);
            put_i64(&mut self.room, first);
        } else {
            let (order, _) = ints::best_order(ints);
            self.room.push(1 + order as u8);
            ints::encode(ints, order, &mut Vec::new(), &mut self.room);
        }
        self.put_room(out);
    }

    fn put_floats(&mut self, column: &[f64], out: &mut Vec<u8>) {
        self.values.encode(column, Packing::Quick, &mut self.room);
        self.put_room(out);
    }

    fn put_bits(&mut self, bits: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
        if self.floats {
            self.put_floats(&bits.map(f64::from_bits).collect::<Vec<_>>(), out);
        } else {
            self.put_ints(&bits.map(|b| b as i64).collect::<Vec<_>>(), out);
        }
    }
}

/// Appends the histograms at the positions `want` of a chunk of `n`.
///
/// # Errors
/// `Corrupt` when the bytes are not a chunk of `n` histograms; `out` is then as before.
pub fn decode_range(
    bytes: &[u8],
    n: usize,
    want: Range<usize>,
    out: &mut Vec<Option<Arc<Histogram>>>,
) -> Result<()> {
    if n == 0 || n > HISTOGRAMS_MAX {
        return Err(Error::corrupt(format!("chunk of {n} histograms, of 1..={HISTOGRAMS_MAX}")));
    }
    let want = want.start.min(n)..want.end.min(n);
    let mut c = Cursor::new(bytes);
    let chunk = Chunk::read(&mut c, n)?;
    if !c.is_empty() {
        return Err(Error::corrupt(format!("{} bytes after histograms", c.left())));
    }
    out.extend(want.map(|i| Some(Arc::new(chunk.histogram(i)))));
    Ok(())
}

/// A decoded chunk.
struct Chunk {
    floats: bool,
    layouts: Vec<Layout>,
    ids: Vec<usize>,
    hints: Vec<ResetHint>,
    sums: Vec<f64>,
    count: Vec<u64>,
    zero: Vec<u64>,
    sides: [Side; 2],
}

/// The buckets of one sign: places of each layout's buckets, and all columns.
struct Side {
    places: Vec<Vec<usize>>,
    columns: Vec<Vec<u64>>,
}

impl Chunk {
    fn read(c: &mut Cursor<'_>, n: usize) -> Result<Self> {
        let floats = match c.u8()? {
            0 => false,
            FLOATS => true,
            form => return Err(Error::corrupt(format!("histograms of form {form:#x}"))),
        };
        let count = c.bounded("layouts", n)?;
        let layouts = (0..count).map(|_| read_layout(c)).collect::<Result<Vec<_>>>()?;
        let ids = read_ints(c, n)?
            .into_iter()
            .map(|id| usize::try_from(id).ok().filter(|id| *id < layouts.len()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::corrupt("a histogram of no layout"))?;
        let hints = read_ints(c, n)?
            .into_iter()
            .map(|h| usize::try_from(h).ok().and_then(|h| HINTS.get(h)).copied())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::corrupt("an unknown reset hint"))?;
        let sums = read_floats(c, n)?;
        let (count, zero) = (read_bits(c, n, floats)?, read_bits(c, n, floats)?);
        let mut cells = 0;
        let mut side = |negative| {
            let (numbers, places) = columns_of(&layouts, negative);
            cells += numbers.len() * n;
            if n > 1 && cells > CELLS_MAX {
                return Err(Error::corrupt(format!("{cells} bucket counts in a chunk")));
            }
            let columns = numbers.iter().map(|_| read_bits(c, n, floats));
            Ok(Side { columns: columns.collect::<Result<Vec<_>>>()?, places })
        };
        let sides = [side(false)?, side(true)?];
        Ok(Self { floats, layouts, ids, hints, sums, count, zero, sides })
    }

    fn histogram(&self, i: usize) -> Histogram {
        let id = self.ids[i];
        let l = &self.layouts[id];
        let side = |s: &Side| s.places[id].iter().map(|p| s.columns[*p][i]).collect::<Vec<u64>>();
        let [positive, negative] = [side(&self.sides[0]), side(&self.sides[1])];
        let floats = |list: Vec<u64>| list.into_iter().map(f64::from_bits).collect();
        let counts = if self.floats {
            Counts::Float {
                count: f64::from_bits(self.count[i]),
                zero: f64::from_bits(self.zero[i]),
                positive: floats(positive),
                negative: floats(negative),
            }
        } else {
            Counts::Integer { count: self.count[i], zero: self.zero[i], positive, negative }
        };
        Histogram {
            schema: l.schema,
            hint: self.hints[i],
            zero_threshold: f64::from_bits(l.zero_threshold),
            sum: self.sums[i],
            positive_spans: l.positive.clone(),
            negative_spans: l.negative.clone(),
            custom: l.custom.iter().map(|b| f64::from_bits(*b)).collect(),
            counts,
        }
    }
}

fn read_layout(c: &mut Cursor<'_>) -> Result<Layout> {
    let schema = c.u8()? as i8;
    let zero_threshold = c.u64()?;
    let bounds = c.bounded("custom bounds", HISTOGRAM_BUCKETS_MAX.min(c.left() / 8))?;
    if bounds > 0 && schema != CUSTOM_BUCKETS {
        return Err(Error::corrupt(format!("bounds of schema {schema}")));
    }
    let custom = (0..bounds).map(|_| c.u64()).collect::<Result<Vec<_>>>()?;
    let (positive, negative) = (read_spans(c)?, read_spans(c)?);
    if bucket_count(&positive) + bucket_count(&negative) > HISTOGRAM_BUCKETS_MAX as u64 {
        return Err(Error::corrupt("a layout of too many buckets"));
    }
    Ok(Layout { schema, zero_threshold, custom, positive, negative })
}

fn read_spans(c: &mut Cursor<'_>) -> Result<Vec<Span>> {
    let n = c.bounded("spans", c.left() / 2)?;
    let mut end = 0i64;
    let mut spans = Vec::with_capacity(n);
    for i in 0..n {
        let offset = i32::try_from(c.zigzag()?);
        let length = c.bounded("buckets of a span", HISTOGRAM_BUCKETS_MAX)? as u32;
        let offset = offset.ok().filter(|o| i == 0 || *o >= 0);
        let offset = offset.ok_or_else(|| Error::corrupt("spans of a histogram overlap"))?;
        end += i64::from(offset) + i64::from(length);
        if i32::try_from(end).is_err() {
            return Err(Error::corrupt("spans reach beyond the bucket numbers"));
        }
        spans.push(Span { offset, length });
    }
    Ok(spans)
}

fn column<'a>(c: &mut Cursor<'a>) -> Result<&'a [u8]> {
    let len = c.bounded("column bytes", c.left())?;
    c.take(len)
}

fn read_ints(c: &mut Cursor<'_>, n: usize) -> Result<Vec<i64>> {
    let mut c = Cursor::new(column(c)?);
    match c.u8()? {
        SAME => {
            let v = c.zigzag()?;
            match c.is_empty() {
                true => Ok(vec![v; n]),
                false => Err(Error::corrupt("bytes after a column")),
            }
        }
        order @ 1..=3 => {
            let mut list = Vec::with_capacity(n);
            let pages = Pages::open(c, n, Coding::Packed(usize::from(order) - 1))?;
            pages.decode(|_, ints| list.extend_from_slice(ints))?;
            Ok(list)
        }
        form => Err(Error::corrupt(format!("column of form {form}"))),
    }
}

fn read_floats(c: &mut Cursor<'_>, n: usize) -> Result<Vec<f64>> {
    let mut list = Vec::with_capacity(n);
    values::decode(column(c)?, n, &mut list)?;
    Ok(list)
}

fn read_bits(c: &mut Cursor<'_>, n: usize, floats: bool) -> Result<Vec<u64>> {
    Ok(match floats {
        true => read_floats(c, n)?.into_iter().map(f64::to_bits).collect(),
        false => read_ints(c, n)?.into_iter().map(|v| v as u64).collect(),
    })
}

/// Fuzz target: any bytes as a chunk of histograms. The first two bytes say how many.
pub fn histograms_decode(bytes: &[u8]) {
    let [a, b, rest @ ..] = bytes else { return };
    let n = usize::from(u16::from_le_bytes([*a, *b])) % (HISTOGRAMS_MAX + 2);
    let mut list = Vec::new();
    if decode_range(rest, n, 0..n, &mut list).is_ok() {
        assert_eq!(list.len(), n);
    }
}

#[cfg(test)]
mod tests;
