//! A stream: samples of one series, rising in time, coded one after the other as they come. There
//! is no open buffer: a sample costs about two bytes from the moment it is there.
//!
//! Full blocks are shared and never change; only the tail is copied when a snapshot holds it. Every
//! block decodes alone. Layout, in memory only. A control byte with bit 7 stands for
//! `(bits 0..7) + 1` samples, each one step after the one before, with the value of the last float.
//! Otherwise bits 0-1 say how the time comes (0 one step on; 1 that and an i8; 2 a varint
//! difference, the step from now on where it fits an i32; 3 absolute, zigzag), bits 2-4 the value (0 the bits of the last float;
//! 1, 2, 3 a mantissa difference of that many bytes, 4 a zigzag one; 5 an exponent byte and an
//! absolute mantissa, zigzag; 6 eight bytes; 7 a histogram: varint length, bytes), bit 5 that a start
//! timestamp follows (zigzag, before the sample's time), in force until the next one. In this order:
//! control, time, start, value.
//!
//! Bounds: a tail of [`TAIL_MAX`] bytes and one sample. Allocations: growing by doubling, then two
//! per block, that is fewer than one in ten samples even where every value takes eight bytes.

use std::sync::Arc;

use plimsoll_model::{Run, TimeRange};

use crate::codec::varint::{Cursor, put_i64, put_u64, unzigzag, zigzag};
use crate::wal::histogram;
use crate::{Error, Result};

/// A tail of a stream that has little else.
const TAIL_MIN: usize = 480;
/// A tail of a long stream: fewer and larger blocks.
const TAIL_MAX: usize = 4064;
/// Room for one more sample without histogram: control, time, start, value.
const SAMPLE_BYTES_MAX: usize = 32;
/// Decimal places at most.
const EXP_MAX: u8 = 12;
/// No exponent was chosen yet.
const EXP_NONE: u8 = u8::MAX;
/// Values without a mantissa in a row, after which one is looked for only now and then.
const RAW_STREAK: u8 = 8;
/// Mantissas stay below this, so that their conversion to f64 is exact.
const MANTISSA_MAX: i64 = 1 << 53;
const TEN: [f64; EXP_MAX as usize + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

const RUN: u8 = 0x80;
const START: u8 = 0x20;

/// One sample to add.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A float.
    Float(f64),
    /// A histogram, as `wal::histogram` codes it.
    Histogram(&'a [u8]),
}

/// Bytes that do not change any more.
struct Block {
    bytes: Box<[u8]>,
    samples: u32,
    first: i64,
    last: i64,
    before: Option<Arc<Block>>,
}

impl Drop for Block {
    /// A long chain is taken apart without recursion.
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(mut block) = next.and_then(Arc::into_inner) {
            next = block.before.take();
        }
    }
}

/// Samples of a series, coded.
#[derive(Clone)]
pub struct Stream {
    tail: Vec<u8>,
    full: Option<Arc<Block>>,
    /// The newest time.
    last: i64,
    /// The last float.
    bits: u64,
    mantissa: i64,
    start: i64,
    step: i32,
    /// Bytes of full blocks, about.
    full_bytes: u32,
    /// Samples in the tail.
    samples: u32,
    exp: u8,
    raw_streak: u8,
    /// The last byte of the tail is a run that may grow.
    in_run: bool,
    last_is_histogram: bool,
}

/// What decodes a block has to know: the same as what encodes it, from the same beginning.
struct State {
    last: i64,
    bits: u64,
    mantissa: i64,
    start: i64,
    step: i32,
    exp: u8,
    /// The last float is that of mantissa and exponent, not `bits`.
    is_decimal: bool,
    /// Samples before this time are left out.
    from: i64,
    /// Samples, those that are left out included.
    samples: u32,
}

impl State {
    const fn new(from: i64) -> Self {
        Self {
            last: 0,
            bits: 0,
            mantissa: 0,
            start: 0,
            step: 0,
            exp: EXP_NONE,
            is_decimal: false,
            from,
            samples: 0,
        }
    }
}

/// The mantissa that gives back the very bits of `v` with exponent `e`.
#[inline]
fn decimal(v: f64, e: u8) -> Option<i64> {
    let x = v * TEN[usize::from(e)];
    let m = (x + 0.5f64.copysign(x)) as i64;
    let fits = -MANTISSA_MAX < m && m < MANTISSA_MAX;
    (fits && (m as f64 / TEN[usize::from(e)]).to_bits() == v.to_bits()).then_some(m)
}

impl Stream {
    pub const fn new() -> Self {
        Self {
            tail: Vec::new(),
            full: None,
            last: i64::MIN,
            bits: 0,
            mantissa: 0,
            start: 0,
            step: 0,
            full_bytes: 0,
            samples: 0,
            exp: EXP_NONE,
            raw_streak: 0,
            in_run: false,
            last_is_histogram: false,
        }
    }

    /// The newest time; `i64::MIN` when there is no sample.
    pub const fn last(&self) -> i64 {
        self.last
    }

    /// The newest value; `None` when it is a histogram.
    pub const fn last_float(&self) -> Option<f64> {
        if self.last_is_histogram { None } else { Some(f64::from_bits(self.bits)) }
    }

    /// Bytes that it takes beside itself.
    pub fn bytes(&self) -> usize {
        self.tail.capacity() + self.full_bytes as usize
    }

    /// Adds a sample later than all that are there. `start` is 0 when it is unknown.
    #[inline]
    pub fn push(&mut self, t: i64, value: Value<'_>, start: i64) {
        if self.tail.len() >= TAIL_MIN && self.tail.len() >= self.tail_max() {
            self.end_block();
        }
        let mut control = 0;
        let mut delta = 0;
        if self.samples == 0 {
            control = 3;
        } else {
            let gap = t.wrapping_sub(self.last);
            delta = gap.wrapping_sub(i64::from(self.step));
            if delta != 0 {
                control = if i8::try_from(delta).is_ok() && self.step != 0 { 1 } else { 2 };
                if control == 2 {
                    delta = gap;
                }
            }
        }
        if start != self.start {
            control |= START;
        }
        let same = matches!(value, Value::Float(v) if v.to_bits() == self.bits);
        if control == 0 && same {
            self.push_again();
        } else {
            self.push_coded(control, t, delta, value, start);
        }
        self.last = t;
        self.samples += 1;
    }

    /// One step on, and nothing new.
    fn push_again(&mut self) {
        self.last_is_histogram = false;
        if self.in_run
            && let Some(run) = self.tail.last_mut()
            && *run < 0xff
        {
            *run += 1;
            return;
        }
        self.tail.push(RUN);
        self.in_run = true;
    }

    fn push_coded(&mut self, mut control: u8, t: i64, delta: i64, value: Value<'_>, start: i64) {
        self.in_run = false;
        let at = self.tail.len();
        self.tail.push(0);
        match control & 3 {
            0 => {}
            1 => self.tail.push(delta as i8 as u8),
            2 => {
                put_u64(&mut self.tail, delta as u64);
                self.step = i32::try_from(delta).unwrap_or(self.step);
            }
            _ => put_i64(&mut self.tail, t),
        }
        if control & START != 0 {
            put_i64(&mut self.tail, t.wrapping_sub(start));
            self.start = start;
        }
        control |= match value {
            Value::Float(v) => self.put_float(v),
            Value::Histogram(bytes) => {
                put_u64(&mut self.tail, bytes.len() as u64);
                self.tail.extend_from_slice(bytes);
                7
            }
        } << 2;
        self.last_is_histogram = matches!(value, Value::Histogram(_));
        self.tail[at] = control;
    }

    fn put_float(&mut self, v: f64) -> u8 {
        let bits = v.to_bits();
        if bits == self.bits {
            return 0;
        }
        self.bits = bits;
        if self.exp <= EXP_MAX
            && self.raw_streak < RAW_STREAK
            && let Some(m) = decimal(v, self.exp)
        {
            self.raw_streak = 0;
            let zigzag = zigzag(m.wrapping_sub(self.mantissa));
            self.mantissa = m;
            return self.put_difference(zigzag);
        }
        let tired = self.raw_streak >= RAW_STREAK && !self.samples.is_multiple_of(64);
        if !tired && let Some((e, m)) = (0..=EXP_MAX).find_map(|e| Some((e, decimal(v, e)?))) {
            (self.exp, self.mantissa, self.raw_streak) = (e, m, 0);
            self.tail.push(e);
            put_i64(&mut self.tail, m);
            return 5;
        }
        self.raw_streak = self.raw_streak.saturating_add(1);
        self.tail.extend_from_slice(&bits.to_le_bytes());
        6
    }

    fn put_difference(&mut self, zigzag: u64) -> u8 {
        let bytes = zigzag.to_le_bytes();
        match zigzag {
            0..=0xff => {
                self.tail.push(bytes[0]);
                1
            }
            0x100..=0xffff => {
                self.tail.extend_from_slice(&bytes[..2]);
                2
            }
            0x1_0000..=0xff_ffff => {
                self.tail.extend_from_slice(&bytes[..3]);
                3
            }
            _ => {
                put_u64(&mut self.tail, zigzag);
                4
            }
        }
    }

    fn tail_max(&self) -> usize {
        (self.full_bytes as usize / 4).clamp(TAIL_MIN, TAIL_MAX)
    }

    fn end_block(&mut self) {
        let Ok(first) = Cursor::new(&self.tail[1..]).zigzag() else { return };
        // A stream that filled a block will fill the next.
        let next = self.tail_max() + SAMPLE_BYTES_MAX;
        let bytes = std::mem::take(&mut self.tail).into_boxed_slice();
        let taken = bytes.len() + size_of::<Block>() + 16;
        self.full_bytes = self.full_bytes.saturating_add(taken as u32);
        let before = self.full.take();
        let (samples, last) = (self.samples, self.last);
        self.full = Some(Arc::new(Block { bytes, samples, first, last, before }));
        (self.samples, self.in_run, self.exp, self.raw_streak) = (0, false, EXP_NONE, 0);
        (self.step, self.mantissa, self.start, self.bits) = (0, 0, 0, 0);
        self.tail = Vec::with_capacity(next);
    }

    /// Calls `each` with first and last time of every block; where they are further apart than
    /// `apart`, with the times in it, one by one.
    ///
    /// # Errors
    /// As [`Stream::read`].
    pub fn spans(&self, apart: i64, each: &mut dyn FnMut(i64, i64)) -> Result<()> {
        let mut run = Run::new();
        let mut one = |bytes: &[u8], samples: u32, first: i64, last: i64| {
            if last.saturating_sub(first) <= apart {
                each(first, last);
                return Ok(());
            }
            run.clear();
            decode(bytes, samples, i64::MIN, &mut run)?;
            run.times.iter().for_each(|t| each(*t, *t));
            Ok(())
        };
        let mut next = self.full.as_ref();
        while let Some(block) = next {
            one(&block.bytes, block.samples, block.first, block.last)?;
            next = block.before.as_ref();
        }
        if self.samples == 0 {
            return Ok(());
        }
        let first = Cursor::new(self.tail.get(1..).unwrap_or_default()).zigzag()?;
        one(&self.tail, self.samples, first, self.last)
    }

    /// Appends the samples of the blocks that overlap `range`, from its start; the caller trims the
    /// end.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are not what was written: a fault of this process.
    pub fn read(&self, range: TimeRange, out: &mut Run) -> Result<()> {
        let mut blocks = Vec::new();
        let mut next = self.full.as_ref();
        while let Some(block) = next
            && block.last >= range.start
        {
            if block.first <= range.end {
                blocks.push(block);
            }
            next = block.before.as_ref();
        }
        for block in blocks.iter().rev() {
            decode(&block.bytes, block.samples, range.start, out)?;
        }
        if self.samples > 0 && self.last >= range.start {
            decode(&self.tail, self.samples, range.start, out)?;
        }
        Ok(())
    }
}

/// Appends the samples of one block from `from` on.
fn decode(bytes: &[u8], samples: u32, from: i64, out: &mut Run) -> Result<()> {
    let mut c = Cursor::new(bytes);
    let mut s = State::new(from);
    if from == i64::MIN {
        out.times.reserve(samples as usize);
        out.floats.reserve(samples as usize);
    }
    while !c.is_empty() {
        let control = c.u8()?;
        if control & RUN != 0 {
            let n = usize::from(control & !RUN) + 1;
            for _ in 0..n {
                s.last = s.last.wrapping_add(i64::from(s.step));
                s.put(out);
            }
            continue;
        }
        match control & 3 {
            0 => s.last = s.last.wrapping_add(i64::from(s.step)),
            1 => {
                let off = i64::from(c.u8()? as i8);
                s.last = s.last.wrapping_add(i64::from(s.step)).wrapping_add(off);
            }
            2 => {
                let delta = c.varint()? as i64;
                s.last = s.last.wrapping_add(delta);
                s.step = i32::try_from(delta).unwrap_or(s.step);
            }
            _ => s.last = c.zigzag()?,
        }
        if control & START != 0 {
            s.start = s.last.wrapping_sub(c.zigzag()?);
        }
        let difference = match (control >> 2) & 7 {
            0 => {
                s.put(out);
                continue;
            }
            1 => u64::from(c.u8()?),
            2 => u64::from(u16::from_le_bytes(c.array()?)),
            3 => {
                let [a, b, c] = c.array()?;
                u64::from(u32::from_le_bytes([a, b, c, 0]))
            }
            4 => c.varint()?,
            kind => {
                s.other(kind, &mut c, out)?;
                continue;
            }
        };
        s.mantissa = s.mantissa.wrapping_add(unzigzag(difference));
        s.put_decimal(out)?;
    }
    if s.samples != samples {
        return Err(Error::corrupt("a block of the head with another number of samples"));
    }
    out.level();
    Ok(())
}

impl State {
    /// Puts the last float at the last time, unless that is too early.
    #[inline]
    fn put(&mut self, out: &mut Run) {
        self.samples = self.samples.wrapping_add(1);
        if self.last < self.from {
            return;
        }
        if self.is_decimal {
            let ten = TEN.get(usize::from(self.exp)).copied().unwrap_or(f64::NAN);
            self.bits = (self.mantissa as f64 / ten).to_bits();
            self.is_decimal = false;
        }
        put(out, self.last, f64::from_bits(self.bits), self.start);
    }

    #[inline]
    fn put_decimal(&mut self, out: &mut Run) -> Result<()> {
        if self.exp > EXP_MAX {
            return Err(Error::corrupt(format!("exponent {}", self.exp)));
        }
        self.is_decimal = true;
        self.put(out);
        Ok(())
    }

    fn other(&mut self, kind: u8, c: &mut Cursor<'_>, out: &mut Run) -> Result<()> {
        match kind {
            5 => {
                self.exp = c.u8()?;
                self.mantissa = c.zigzag()?;
                self.put_decimal(out)
            }
            6 => {
                self.bits = c.u64()?;
                self.is_decimal = false;
                self.put(out);
                Ok(())
            }
            _ => {
                let len = c.bounded("histogram bytes", c.left())?;
                let bytes = c.take(len)?;
                self.samples = self.samples.wrapping_add(1);
                if self.last < self.from {
                    return Ok(());
                }
                let h = histogram::decode(&mut Cursor::new(bytes))?;
                out.level();
                out.push_histogram(self.last, Arc::new(h), self.start);
                Ok(())
            }
        }
    }
}

/// Plain columns are filled directly; the others are levelled when they are needed.
#[inline]
fn put(out: &mut Run, t: i64, v: f64, start: i64) {
    if start == 0 && out.starts.is_empty() {
        out.times.push(t);
        out.floats.push(v);
    } else {
        out.level();
        out.push(t, v, start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back(s: &Stream, range: TimeRange) -> Run {
        let mut run = Run::new();
        s.read(range, &mut run).unwrap();
        run.trim(0, range);
        run
    }

    #[test]
    fn a_series_that_never_moves_costs_nearly_nothing() {
        let mut s = Stream::new();
        for i in 0..10_000 {
            s.push(i * 15_000, Value::Float(1.0), 0);
        }
        assert!(s.bytes() < 200, "{}", s.bytes());
        assert_eq!(back(&s, TimeRange::ALL).floats, vec![1.0; 10_000]);
    }

    #[test]
    fn a_long_chain_of_blocks_goes_without_recursion() {
        let mut s = Stream::new();
        for i in 0..3_000_000i64 {
            s.push(i, Value::Float((i as f64).sqrt()), 0);
        }
        let again = s.clone();
        drop(s);
        assert_eq!(back(&again, TimeRange::new(2_999_990, 2_999_999)).len(), 10);
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(1.0),
            (-100_000i64..100_000).prop_map(|m| m as f64 / 100.0),
            any::<i64>().prop_map(|m| m as f64),
            any::<u64>().prop_map(f64::from_bits),
            Just(-0.0),
            Just(plimsoll_model::stale_nan()),
        ]
    }

    fn gap() -> impl Strategy<Value = i64> {
        prop_oneof![4 => Just(15_000i64), 4 => 14_900i64..15_100, 1 => 1i64..10_000_000_000]
    }

    proptest! {
        #[test]
        fn what_was_pushed_comes_back(
            samples in proptest::collection::vec((gap(), value(), 0u8..12, 1usize..5), 1..400),
            first in -1_000_000i64..1_000_000,
            (from, len) in (0i64..20_000_000, 0i64..20_000_000),
        ) {
            let (mut s, mut t, mut wanted) = (Stream::new(), first, Vec::new());
            for (gap, v, odd, again) in samples {
                for _ in 0..again {
                    t += gap;
                    let start = i64::from(odd == 1) * (t - 10);
                    let value = if odd == 2 { None } else { Some(v) };
                    let h = histogram::tests::sample(odd);
                    let mut blob = Vec::new();
                    histogram::encode(&h, &mut blob);
                    match value {
                        Some(v) => s.push(t, Value::Float(v), start),
                        None => s.push(t, Value::Histogram(&blob), start),
                    }
                    prop_assert_eq!(s.last_float().map(f64::to_bits), value.map(f64::to_bits));
                    wanted.push((t, value.unwrap_or(plimsoll_model::stale_nan()).to_bits(), start, value.is_none().then_some(h)));
                }
            }
            for range in [TimeRange::ALL, TimeRange::new(from, from + len)] {
                let run = back(&s, range);
                let seen: Vec<_> = (0..run.len())
                    .map(|i| {
                        let h = run.histogram(i).map(|h| (**h).clone());
                        (run.times[i], run.floats[i].to_bits(), run.start(i), h)
                    })
                    .collect();
                let wanted: Vec<_> = wanted.iter().filter(|w| range.contains(w.0)).cloned().collect();
                prop_assert_eq!(seen, wanted);
            }
        }
    }
}
