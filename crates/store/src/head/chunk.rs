//! Mini-chunks: sealed samples of one series, one after the other in one run of bytes.
//!
//! Layout, in memory only: `n varint, first zigzag (relative to the last time of the chunk
//! before), span varint (last - first), len of times varint, len of values varint, times, values`,
//! coded by `codec::times` and `codec::values`.

use plimsoll_model::{Run, TimeRange};

use crate::Result;
use crate::codec::varint::{Cursor, put_i64, put_u64};
use crate::codec::{times, values};

/// Samples of a chunk, at most: what the codecs take at once.
const SAMPLES_MAX: usize = 8192;

/// Appends a chunk. `before` is the last time of the chunk before it, 0 for the first. There is at
/// least one sample, times rise.
pub fn seal(out: &mut Vec<u8>, before: i64, t: &[i64], v: &[f64]) {
    let (Some(first), Some(last)) = (t.first(), t.last()) else { return };
    let (mut coded_t, mut coded_v) = (Vec::with_capacity(64), Vec::with_capacity(128));
    times::encode(t, &mut coded_t);
    values::encode(v, &mut coded_v);
    put_u64(out, t.len() as u64);
    put_i64(out, first.wrapping_sub(before));
    put_u64(out, last.wrapping_sub(*first) as u64);
    put_u64(out, coded_t.len() as u64);
    put_u64(out, coded_v.len() as u64);
    out.extend_from_slice(&coded_t);
    out.extend_from_slice(&coded_v);
}

/// Appends the samples that lie in chunks which overlap `range`; the caller trims the ends.
///
/// # Errors
/// `Corrupt` when the bytes are not what [`seal`] wrote: a fault of this process.
pub fn read(bytes: &[u8], range: TimeRange, out: &mut Run) -> Result<()> {
    let mut c = Cursor::new(bytes);
    let mut before = 0i64;
    while !c.is_empty() {
        let n = c.bounded("samples", SAMPLES_MAX)?;
        let first = before.wrapping_add(c.zigzag()?);
        let last = first.wrapping_add(c.varint()? as i64);
        let len_t = c.bounded("time bytes", bytes.len())?;
        let len_v = c.bounded("value bytes", bytes.len())?;
        let (coded_t, coded_v) = (c.take(len_t)?, c.take(len_v)?);
        if range.overlaps(TimeRange::new(first, last)) {
            times::decode(coded_t, n, &mut out.times)?;
            values::decode(coded_v, n, &mut out.floats)?;
        }
        before = last;
    }
    out.level();
    Ok(())
}
