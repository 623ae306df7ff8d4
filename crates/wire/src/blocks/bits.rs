//! Bits, most significant first, as chunks of floats have them.

use crate::{Error, Result};

/// Widths of the classes of delta-of-deltas.
const CLASSES: [u32; 4] = [14, 17, 20, 64];

/// Reads bits front to back.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits read.
    at: usize,
}

impl<'a> Bits<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `n` bits, 0 to 64.
    pub fn take(&mut self, n: u32) -> Result<u64> {
        let mut value = 0u64;
        let mut left = n as usize;
        while left > 0 {
            let Some(byte) = self.bytes.get(self.at / 8) else {
                return Err(Error::invalid("block: a chunk ends early"));
            };
            let free = 8 - self.at % 8;
            let now = left.min(free);
            let part = (u64::from(*byte) >> (free - now)) & ((1 << now) - 1);
            value = value << now | part;
            self.at += now;
            left -= now;
        }
        Ok(value)
    }

    pub fn uvarint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let b = self.take(8)?;
            value |= (b & 0x7f) << shift;
            if b < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::invalid("block: a number is too long"))
    }

    pub fn varint(&mut self) -> Result<i64> {
        let v = self.uvarint()?;
        Ok((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    /// How much the distance of two samples differs from the one before.
    pub fn delta_of_delta(&mut self) -> Result<i64> {
        let mut class = 0;
        while class < CLASSES.len() && self.take(1)? == 1 {
            class += 1;
        }
        let Some(width) = class.checked_sub(1).map(|c| CLASSES[c]) else { return Ok(0) };
        let bits = self.take(width)?;
        if width == 64 {
            return Ok(bits as i64);
        }
        let negative = bits > 1 << (width - 1);
        Ok(if negative { bits as i64 - (1 << width) } else { bits as i64 })
    }
}
