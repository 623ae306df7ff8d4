//! Reading records of samples. Every length that comes from a file is checked before something is
//! allocated; what does not fit is `Corrupt`.

use std::cell::RefCell;

use zstd::bulk::Decompressor;

use super::super::histogram;
use super::super::record::{HISTOGRAMS, PACKED, RECORD_BYTES_MAX, ROWS_MAX, SAMPLES, SAMPLES_MAX};
use super::{OLD_SCALES, RAW, SCALES, SampleBuf};
use crate::codec::varint::{Cursor, unzigzag};
use crate::{Error, Result};

thread_local! {
    /// A context is dear to make and holds nothing between two records.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn decompress(payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut c = Cursor::new(payload);
    let len = c.bounded("plain bytes", RECORD_BYTES_MAX)?;
    let corrupt = |e: std::io::Error| Error::corrupt(format!("compressed record: {e}"));
    out.clear();
    out.resize(len, 0);
    let n = DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(d) => d,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.decompress_to_buffer(c.rest(), &mut out[..])
    });
    let n = n.map_err(corrupt)?;
    if n == len { Ok(()) } else { Err(Error::corrupt(format!("{n} plain bytes, {len} expected"))) }
}

/// A record of samples that was not decoded yet.
#[derive(Clone, Copy, Debug)]
pub struct SampleBytes<'a> {
    kind: u8,
    compressed: bool,
    payload: &'a [u8],
}

impl<'a> SampleBytes<'a> {
    pub(in crate::wal) fn new(kind: u8, compressed: bool, payload: &'a [u8]) -> Self {
        Self { kind, compressed, payload }
    }

    /// Decodes all rows into `out`.
    ///
    /// # Errors
    /// `Corrupt`; `out` then holds nothing of use.
    pub fn decode_into(self, out: &mut SampleBuf) -> Result<()> {
        if !self.compressed {
            return self.decode_plain(self.payload, out);
        }
        let mut plain = std::mem::take(&mut out.plain);
        let done = decompress(self.payload, &mut plain);
        let done = done.and_then(|()| self.decode_plain(&plain, out));
        out.plain = plain;
        done
    }

    fn decode_plain(self, payload: &[u8], out: &mut SampleBuf) -> Result<()> {
        out.clear();
        let mut c = Cursor::new(payload);
        let rows = c.bounded("rows", ROWS_MAX)?;
        take_runs(&mut c, rows, &mut out.sids)?;
        let total = take_counts(&mut c, rows, &mut out.counts)?;
        let mut w = Window { bytes: c.rest(), at: 0 };
        match self.kind {
            PACKED => take_steps(&mut w, total, &mut out.times)?,
            _ => take_times(&mut w, total, &mut out.times)?,
        }
        if self.kind != SAMPLES {
            take_starts(&mut w, total, &mut out.starts)?;
        }
        if self.kind == HISTOGRAMS {
            return take_histograms(w.rest(), total, out);
        }
        out.values.reserve(total);
        if self.kind == PACKED {
            for n in &out.counts {
                w.row(*n, &mut out.values)?;
            }
        } else {
            for _ in 0..total {
                out.values.push(w.value()?);
            }
        }
        if w.rest().is_empty() { Ok(()) } else { Err(Error::corrupt("bytes after the last value")) }
    }
}

/// Reads varints eight bytes at a time where there are as many.
struct Window<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Window<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn word(&self) -> Option<u64> {
        let bytes = self.bytes.get(self.at..self.at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64> {
        let Some(word) = self.word() else { return self.slow() };
        if word & 0x80 == 0 {
            self.at += 1;
            return Ok(word & 0x7f);
        }
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            return self.slow();
        }
        let end = ends.trailing_zeros();
        self.at += (end as usize >> 3) + 1;
        // Bytes after the end go; then seven bits of every byte are put side by side.
        let x = word & (u64::MAX >> (63 - end)) & 0x7f7f_7f7f_7f7f_7f7f;
        let x = (x & 0x007f_007f_007f_007f) | ((x & 0x7f00_7f00_7f00_7f00) >> 1);
        let x = (x & 0x0000_3fff_0000_3fff) | ((x & 0x3fff_0000_3fff_0000) >> 2);
        Ok((x & 0x0fff_ffff) | ((x & 0x0fff_ffff_0000_0000) >> 4))
    }

    #[cold]
    fn slow(&mut self) -> Result<u64> {
        let mut c = Cursor::new(self.rest());
        let before = c.left();
        let v = c.varint()?;
        self.at += before - c.left();
        Ok(v)
    }

    fn u8(&mut self) -> Result<u8> {
        let b = self.bytes.get(self.at).copied();
        self.at += 1;
        b.ok_or_else(|| Error::corrupt("1 bytes expected, 0 left"))
    }

    /// A value of type 2.
    #[inline]
    fn value(&mut self) -> Result<f64> {
        let tagged = self.varint()?;
        match OLD_SCALES.get((tagged & 3) as usize) {
            Some(scale) => Ok(unzigzag(tagged >> 2) as f64 / scale),
            None => self.raw(),
        }
    }

    #[inline]
    fn raw(&mut self) -> Result<f64> {
        let word = self.word().ok_or_else(|| Error::corrupt("8 bytes expected"))?;
        self.at += 8;
        Ok(f64::from_bits(word))
    }

    /// The values of a row of type 9.
    #[inline]
    fn row(&mut self, n: u32, out: &mut Vec<f64>) -> Result<()> {
        let (mut scale, mut m) = (u64::from(RAW), 0i64);
        for _ in 0..n {
            let tagged = self.varint()?;
            let found = tagged & 7;
            let Some(divisor) = SCALES.get(found as usize) else {
                if found != u64::from(RAW) {
                    return Err(Error::corrupt(format!("scale {found}")));
                }
                scale = found;
                out.push(self.raw()?);
                continue;
            };
            let integer = unzigzag(tagged >> 3);
            m = if found == scale { m.wrapping_add(integer) } else { integer };
            scale = found;
            out.push(m as f64 / divisor);
        }
        Ok(())
    }
}

fn take_steps(w: &mut Window<'_>, total: usize, times: &mut Vec<i64>) -> Result<()> {
    times.reserve(total);
    let (mut t, mut step) = (0i64, 0i64);
    while times.len() < total {
        let token = w.varint()?;
        if token & 1 == 1 {
            let run = token >> 1;
            if run > (total - times.len()) as u64 {
                return Err(Error::corrupt(format!("run of {run} times")));
            }
            for _ in 0..run {
                t = t.wrapping_add(step);
                times.push(t);
            }
            continue;
        }
        let change = if token == 0 { w.varint()? } else { token >> 1 };
        step = step.wrapping_add(unzigzag(change));
        t = t.wrapping_add(step);
        times.push(t);
    }
    Ok(())
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

fn take_times(w: &mut Window<'_>, total: usize, times: &mut Vec<i64>) -> Result<()> {
    if w.u8()? == 0 {
        let t = unzigzag(w.varint()?);
        times.resize(total, t);
        return Ok(());
    }
    take_differences(w, total, times)
}

fn take_starts(w: &mut Window<'_>, total: usize, starts: &mut Vec<i64>) -> Result<()> {
    match w.u8()? {
        0 => Ok(()),
        1 => {
            let s = unzigzag(w.varint()?);
            starts.resize(total, s);
            Ok(())
        }
        _ => take_differences(w, total, starts),
    }
}

fn take_differences(w: &mut Window<'_>, total: usize, out: &mut Vec<i64>) -> Result<()> {
    out.reserve(total);
    let mut v = 0i64;
    for _ in 0..total {
        v = v.wrapping_add(unzigzag(w.varint()?));
        out.push(v);
    }
    Ok(())
}

/// Histograms are checked here, so that the head can keep their bytes.
fn take_histograms(bytes: &[u8], total: usize, out: &mut SampleBuf) -> Result<()> {
    let mut c = Cursor::new(bytes);
    for _ in 0..total {
        let len = c.bounded("histogram bytes", c.left())?;
        let blob = c.take(len)?;
        let mut one = Cursor::new(blob);
        histogram::decode(&mut one)?;
        if !one.is_empty() {
            return Err(Error::corrupt("bytes after a histogram"));
        }
        out.blobs.extend_from_slice(blob);
        out.ends.push(out.blobs.len() as u32);
    }
    if c.is_empty() { Ok(()) } else { Err(Error::corrupt("bytes after the last histogram")) }
}

#[cfg(test)]
mod tests {
    use super::super::put_row;
    use super::*;
    use crate::wal::record::{COMPRESSED, Record, decode, frame, number};
    use proptest::prelude::*;

    fn back(buf: &SampleBuf) -> SampleBuf {
        let mut out = Vec::new();
        buf.encode(&mut out);
        number(&mut out, 1);
        let Record::Samples(bytes) = decode(frame(&out).unwrap()).unwrap() else { panic!() };
        let mut back = SampleBuf::default();
        bytes.decode_into(&mut back).unwrap();
        back
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
            9_223_372_036_854_775_807.0,
            f64::MIN_POSITIVE,
        ];
        for v in odd {
            let mut out = Vec::new();
            put_row(&mut out, &[v, v, 0.5, v]);
            for padding in [0, 20] {
                let (mut padded, mut back) = (out.clone(), Vec::new());
                padded.resize(out.len() + padding, 0x80);
                let mut w = Window { bytes: &padded, at: 0 };
                w.row(4, &mut back).unwrap();
                assert_eq!(w.rest().len(), padding);
                assert!([v, v, 0.5, v].iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
    }

    #[test]
    fn type_2_is_still_read() {
        let payload = [1, 1, 14, 1, 1, 3, 0, 20, 0x28, 0x29, 3, 0, 0, 0, 0, 0, 0, 0, 0x80];
        let mut out = SampleBuf::default();
        SampleBytes::new(SAMPLES, false, &payload).decode_into(&mut out).unwrap();
        assert_eq!((&out.sids[..], &out.times[..]), (&[7][..], &[10, 10, 10][..]));
        let bits: Vec<_> = out.values.iter().map(|v| v.to_bits()).collect();
        assert_eq!(bits, [5.0f64, 0.05, -0.0].map(f64::to_bits));
    }

    #[test]
    fn large_records_are_compressed_and_damage_is_an_error() {
        let mut buf = SampleBuf::default();
        for sid in 0..2000 {
            buf.push(sid, &[1_700_000_000_000], &[], &[f64::from(sid % 50) * 1000.5]);
        }
        let mut out = Vec::new();
        buf.encode(&mut out);
        assert!(out[17] == COMPRESSED && out.len() < 2000, "{}", out.len());
        assert_eq!(back(&buf).values, buf.values);
        for at in 18..out.len() {
            let mut bad = out[18..].to_vec();
            bad[at - 18] ^= 0x55;
            let mut into = SampleBuf::default();
            drop(SampleBytes::new(PACKED, true, &bad).decode_into(&mut into));
        }
    }

    #[test]
    fn a_steady_scrape_costs_little_more_than_its_values() {
        let mut buf = SampleBuf::default();
        for sid in 0..1000 {
            buf.push(sid, &[1_700_000_000_000], &[], &[0.0]);
        }
        let mut out = Vec::new();
        buf.encode(&mut out);
        assert!(out.len() < 1000 + 40, "{}", out.len());
    }

    proptest! {
        #[test]
        fn windows_read_what_cursors_read(bytes in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(0x80u8), Just(0xffu8), Just(1u8)], 0..60))
        {
            let (mut w, mut c) = (Window { bytes: &bytes, at: 0 }, Cursor::new(&bytes));
            loop {
                let (a, b) = (w.varint(), c.varint());
                prop_assert_eq!(a.as_ref().ok(), b.as_ref().ok());
                if a.is_err() {
                    break;
                }
                prop_assert_eq!(w.rest(), c.rest());
            }
        }

        #[test]
        fn samples_come_back(rows in proptest::collection::vec(
            (0u32..5000, proptest::collection::vec((any::<i64>(), any::<u64>(), 0i64..3), 0..5)), 1..40),
            started in any::<bool>())
        {
            let mut buf = SampleBuf::default();
            for (sid, samples) in &rows {
                let times: Vec<_> = samples.iter().map(|s| s.0).collect();
                let values: Vec<_> = samples.iter().map(|s| f64::from_bits(s.1)).collect();
                let starts: Vec<_> = samples.iter().map(|s| s.2).collect();
                buf.push(*sid, &times, if started { &starts } else { &[] }, &values);
            }
            let back = back(&buf);
            prop_assert_eq!(&back.sids, &buf.sids);
            prop_assert_eq!(&back.counts, &buf.counts);
            prop_assert_eq!(&back.times, &buf.times);
            prop_assert_eq!(&back.starts, &buf.starts);
            let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back.values), bits(&buf.values));
        }

        #[test]
        fn histograms_come_back(rows in proptest::collection::vec(
            (0u32..50, proptest::collection::vec((any::<i64>(), 0u8..60, 0i64..3), 1..5)), 1..20))
        {
            let mut buf = SampleBuf::default();
            for (sid, samples) in &rows {
                let times: Vec<_> = samples.iter().map(|s| s.0).collect();
                let all: Vec<_> = samples.iter().map(|s| histogram::tests::sample(s.1)).collect();
                let starts: Vec<_> = samples.iter().map(|s| s.2).collect();
                buf.push_histograms(*sid, &times, &starts, &all);
            }
            let back = back(&buf);
            prop_assert_eq!(&back.times, &buf.times);
            prop_assert_eq!(&back.starts, &buf.starts);
            prop_assert_eq!((&back.blobs, &back.ends), (&buf.blobs, &buf.ends));
        }
    }
}
