//! The samples of one series in one generation: sealed mini-chunks, an open buffer, and the late
//! ones beside.

use std::sync::Arc;

use plimsoll_model::{Run, TimeRange};

use super::{SeriesMeta, chunk};
use crate::Result;
use crate::part::SeqRange;

/// Samples of the open buffer: 384 bytes at most, and enough for the codec to find a pattern.
const OPEN_MAX: usize = 32;

/// Twelve bytes per open sample: ms since the slot's base, and the value in two halves.
#[derive(Clone, Copy)]
struct Packed {
    after: u32,
    low: u32,
    high: u32,
}

/// Samples of a series, strictly rising in time, each time once.
#[derive(Clone)]
pub struct Slot {
    /// Whose they are.
    pub meta: Arc<SeriesMeta>,
    /// Commit numbers.
    pub seq: SeqRange,
    /// The newest sample.
    pub last: (i64, f64),
    /// From the earliest to the latest sample.
    pub range: TimeRange,
    sealed: Arc<[u8]>,
    sealed_last: i64,
    base: i64,
    open: Vec<Packed>,
    late: Vec<(i64, f64)>,
}

impl Slot {
    pub(super) fn new(meta: Arc<SeriesMeta>) -> Self {
        Self {
            meta,
            seq: SeqRange::new(u64::MAX, 0),
            last: (i64::MIN, f64::NAN),
            range: TimeRange::new(i64::MAX, i64::MIN),
            sealed: Arc::from([].as_slice()),
            sealed_last: 0,
            base: 0,
            open: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Adds a sample whose time is not there yet. Returns how many bytes that took;
    /// below 0 when samples were sealed.
    pub(super) fn insert(&mut self, t: i64, v: f64, seq: u64) -> i64 {
        self.seq = SeqRange::new(self.seq.min.min(seq), self.seq.max.max(seq));
        let fresh = self.range.is_empty();
        self.range = self.range.union(TimeRange::new(t, t));
        if !fresh && t < self.last.0 {
            let at = self.late.partition_point(|s| s.0 < t);
            self.late.insert(at, (t, v));
            return 16;
        }
        self.last = (t, v);
        let mut bytes = 12;
        let far = !self.open.is_empty() && u32::try_from(t.wrapping_sub(self.base)).is_err();
        if self.open.len() == OPEN_MAX || far {
            bytes += self.seal();
        }
        if self.open.is_empty() {
            self.base = t;
        }
        let bits = v.to_bits();
        self.open.push(Packed {
            after: t.wrapping_sub(self.base) as u32,
            low: bits as u32,
            high: (bits >> 32) as u32,
        });
        bytes
    }

    fn seal(&mut self) -> i64 {
        let (mut t, mut v) = ([0; OPEN_MAX], [0.0; OPEN_MAX]);
        let n = self.open.len();
        for (i, p) in self.open.iter().enumerate() {
            (t[i], v[i]) = self.unpack(*p);
        }
        let mut bytes = self.sealed.to_vec();
        chunk::seal(&mut bytes, self.sealed_last, &t[..n], &v[..n]);
        let more = bytes.len() - self.sealed.len();
        self.sealed = bytes.into();
        self.sealed_last = t[n - 1];
        self.open.clear();
        // Open samples were counted at 12 bytes each; they are sealed now.
        more as i64 - 12 * n as i64
    }

    fn unpack(&self, p: Packed) -> (i64, f64) {
        let bits = u64::from(p.low) | (u64::from(p.high) << 32);
        (self.base.wrapping_add(i64::from(p.after)), f64::from_bits(bits))
    }

    /// Whether a sample may lie in the range.
    pub fn touches(&self, range: TimeRange) -> bool {
        self.range.overlaps(range)
    }

    /// Appends the samples in the range, rising in time.
    ///
    /// # Errors
    /// `Corrupt` when memory is not what was written: a fault of this process.
    pub fn read(&self, range: TimeRange, out: &mut Run) -> Result<()> {
        if !self.touches(range) {
            return Ok(());
        }
        let from = out.len();
        chunk::read(&self.sealed, range, out)?;
        for p in &self.open {
            let (time, value) = self.unpack(*p);
            out.push(time, value, 0);
        }
        out.trim(from, range);
        let late = self.late.partition_point(|s| s.0 < range.start)
            ..self.late.partition_point(|s| s.0 <= range.end);
        if !late.is_empty() {
            let in_order = out.split_off(from);
            merge(&in_order, &self.late[late], out);
        }
        Ok(())
    }
}

/// Both are sorted and no time is in both.
fn merge(a: &Run, b: &[(i64, f64)], out: &mut Run) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if j >= b.len() || (i < a.len() && a.times[i] < b[j].0) {
            out.push_from(a, i);
            i += 1;
        } else {
            out.push(b[j].0, b[j].1, 0);
            j += 1;
        }
    }
}
