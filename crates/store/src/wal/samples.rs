//! Records of samples: floats (type 9; type 2 is read only) and histograms (type 6), rows of many
//! series as columns, compressed by zstd where that is worth it. Pure functions over bytes.

use std::cell::RefCell;
use std::ops::Range;

use plimsoll_model::Histogram;
use zstd::bulk::Compressor;

mod decode;

pub use decode::SampleBytes;

use super::histogram;
use super::record::{COMPRESSED, HISTOGRAMS, PACKED, RECORD_BYTES_MAX, begin, end};
use crate::codec::varint::{put_i64, put_u64, zigzag};

/// Mantissas below this are exact in a double.
const MANTISSA_MAX: f64 = 9_007_199_254_740_992.0;
/// Scales of type 2.
const OLD_SCALES: [f64; 3] = [1.0, 100.0, 1_000_000.0];
/// Scales of type 9.
const SCALES: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 1_000_000.0];
/// In place of a scale: the bits of the double follow.
const RAW: u8 = 7;
/// Payloads below this are not compressed.
const COMPRESS_MIN: usize = 1 << 10;
/// Level of zstd: what is read once, after a crash, is not worth more.
const LEVEL: i32 = 1;

thread_local! {
    /// A context is dear to make and holds nothing between two records.
    static COMPRESSOR: RefCell<Option<(Compressor<'static>, Vec<u8>)>> = const { RefCell::new(None) };
}

/// Collects the rows of a record; its memory is kept between records. It holds floats or
/// histograms, not both.
#[derive(Debug, Default)]
pub struct SampleBuf {
    /// Sid of each row.
    pub sids: Vec<u32>,
    /// Samples of each row.
    pub counts: Vec<u32>,
    /// Times of all rows in a line.
    pub times: Vec<i64>,
    /// Start timestamps of all rows in a line; empty when all are unknown.
    pub starts: Vec<i64>,
    /// Values of all rows in a line; empty when they are histograms.
    pub values: Vec<f64>,
    /// Coded histograms, one after the other.
    blobs: Vec<u8>,
    /// Where each histogram ends in `blobs`; empty when the samples are floats.
    ends: Vec<u32>,
    /// Room for a payload that was compressed.
    plain: Vec<u8>,
}

/// The values of one row.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    /// Floats.
    Floats(&'a [f64]),
    /// Coded histograms: all bytes, where the first begins, where each ends.
    Histograms(&'a [u8], (u32, &'a [u32])),
}

impl SampleBuf {
    /// Empties it.
    pub fn clear(&mut self) {
        self.sids.clear();
        self.counts.clear();
        self.times.clear();
        self.starts.clear();
        self.values.clear();
        self.blobs.clear();
        self.ends.clear();
    }

    /// Adds a row of floats.
    pub fn push(&mut self, sid: u32, times: &[i64], starts: &[i64], values: &[f64]) {
        self.push_times(sid, times, starts);
        self.values.extend_from_slice(values);
    }

    /// Adds a row of histograms, as many as times.
    pub fn push_histograms(&mut self, sid: u32, times: &[i64], starts: &[i64], all: &[Histogram]) {
        self.push_times(sid, times, starts);
        for h in all {
            histogram::encode(h, &mut self.blobs);
            self.ends.push(self.blobs.len() as u32);
        }
    }

    fn push_times(&mut self, sid: u32, times: &[i64], starts: &[i64]) {
        if !self.starts.is_empty() || starts.iter().any(|s| *s != 0) {
            self.starts.resize(self.times.len(), 0);
            self.starts.extend_from_slice(starts);
            self.starts.resize(self.times.len() + times.len(), 0);
        }
        self.sids.push(sid);
        self.counts.push(times.len() as u32);
        self.times.extend_from_slice(times);
    }

    /// Bytes of histograms in it.
    pub fn histogram_bytes(&self) -> usize {
        self.blobs.len()
    }

    /// The rows: sid, and where its samples are.
    pub fn rows(&self) -> impl Iterator<Item = (u32, Range<usize>)> {
        let mut at = 0;
        self.sids.iter().zip(&self.counts).map(move |(sid, n)| {
            let row = at..at + *n as usize;
            at = row.end;
            (*sid, row)
        })
    }

    /// The values of the samples at these places.
    pub fn values_at(&self, at: Range<usize>) -> Values<'_> {
        if self.ends.is_empty() {
            return Values::Floats(&self.values[at]);
        }
        let from = if at.start == 0 { 0 } else { self.ends[at.start - 1] };
        Values::Histograms(&self.blobs, (from, &self.ends[at]))
    }

    /// Appends the record to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let kind = if self.ends.is_empty() { PACKED } else { HISTOGRAMS };
        let at = begin(out, kind);
        let payload = out.len();
        out.reserve(64 + 6 * self.times.len() + self.blobs.len());
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
        if kind == PACKED {
            put_steps(out, &self.times);
            put_starts(out, &self.starts);
            for (_, row) in self.rows() {
                put_row(out, &self.values[row]);
            }
        } else {
            put_times(out, &self.times);
            put_starts(out, &self.starts);
        }
        let mut from = 0;
        for &to in &self.ends {
            put_u64(out, u64::from(to - from));
            out.extend_from_slice(&self.blobs[from as usize..to as usize]);
            from = to;
        }
        if compress(out, payload) {
            out[payload - 1] |= COMPRESSED;
        }
        end(out, at);
    }
}

/// Compresses what stands from `payload` on, unless that is little or saves little.
fn compress(out: &mut Vec<u8>, payload: usize) -> bool {
    let plain = out.len() - payload;
    if !(COMPRESS_MIN..=RECORD_BYTES_MAX).contains(&plain) {
        return false;
    }
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Compressor::new(LEVEL).ok().map(|c| (c, Vec::new()));
        }
        let Some((compressor, room)) = slot else { return false };
        room.resize(zstd::zstd_safe::compress_bound(plain), 0);
        let done = compressor.compress_to_buffer(&out[payload..], &mut room[..]);
        let Some(n) = done.ok().filter(|n| *n < plain / 8 * 7) else { return false };
        out.truncate(payload);
        put_u64(out, plain as u64);
        out.extend_from_slice(&room[..n]);
        true
    })
}

/// Times as differences of differences; runs of equal steps are counted.
fn put_steps(out: &mut Vec<u8>, times: &[i64]) {
    let (mut before, mut step, mut run) = (0i64, 0i64, 0u64);
    for t in times {
        let gap = t.wrapping_sub(before);
        let change = zigzag(gap.wrapping_sub(step));
        (before, step) = (*t, gap);
        if change == 0 {
            run += 1;
            continue;
        }
        put_run(out, &mut run);
        if change < 1 << 62 {
            put_u64(out, change << 1);
        } else {
            out.push(0);
            put_u64(out, change);
        }
    }
    put_run(out, &mut run);
}

fn put_run(out: &mut Vec<u8>, run: &mut u64) {
    if *run > 0 {
        put_u64(out, (*run << 1) | 1);
        *run = 0;
    }
}

/// The values of one row: the first absolute, the others as differences where the scale stays.
#[inline]
fn put_row(out: &mut Vec<u8>, values: &[f64]) {
    let (mut scale, mut before) = (RAW, 0);
    for &v in values {
        if let Some(m) = SCALES.get(usize::from(scale)).and_then(|s| scaled(v, *s)) {
            put_u64(out, (zigzag(m.wrapping_sub(before)) << 3) | u64::from(scale));
            before = m;
            continue;
        }
        let found = SCALES.iter().enumerate().find_map(|(i, s)| Some((i as u8, scaled(v, *s)?)));
        match found {
            Some((i, m)) => {
                put_u64(out, (zigzag(m) << 3) | u64::from(i));
                (scale, before) = (i, m);
            }
            None => {
                out.push(RAW);
                out.extend_from_slice(&v.to_bits().to_le_bytes());
                scale = RAW;
            }
        }
    }
}

/// The integer that gives back the very bits of `v` when it is divided by the scale.
#[inline]
fn scaled(v: f64, scale: f64) -> Option<i64> {
    let x = v * scale;
    let m = (x + 0.5f64.copysign(x)) as i64;
    // Through the integer, as the reader goes: it has no negative zero.
    let back = m as f64;
    (back.abs() < MANTISSA_MAX && (back / scale).to_bits() == v.to_bits()).then_some(m)
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

/// In a record of histograms there may be none.
fn put_starts(out: &mut Vec<u8>, starts: &[i64]) {
    let Some(&first) = starts.first() else { return out.push(0) };
    if starts.iter().all(|s| *s == first) {
        out.push(1);
        return put_i64(out, first);
    }
    out.push(2);
    let mut before = 0i64;
    for s in starts {
        put_i64(out, s.wrapping_sub(before));
        before = *s;
    }
}
