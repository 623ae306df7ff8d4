//! A cursor over protobuf wire format that copies nothing.
//!
//! It knows the four wire types that protobuf still uses; groups are refused. Unknown fields are
//! handed out like others, so that a message of a later version can be skipped over.

use crate::{Error, Result};

/// The value of a field as the wire has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// int32, int64, uint64, bool, enum.
    Varint(u64),
    /// fixed64, double.
    Fixed64(u64),
    /// string, bytes, messages, packed arrays.
    Bytes(&'a [u8]),
    /// fixed32, float.
    Fixed32(u32),
}

/// Reads fields one after the other.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Where the next field begins.
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next field's number and value; `None` at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| malformed("field number too large"))?;
        if number == 0 {
            return Err(malformed("field number 0"));
        }
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Value::Bytes(self.slice()?),
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(malformed(&format!("wire type {other}"))),
        };
        Ok(Some((number, value)))
    }

    /// A varint without a key: in packed fields.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64> {
        let mut out = 0u64;
        for (i, &b) in self.bytes[self.at..].iter().take(10).enumerate() {
            out |= u64::from(b & 0x7f) << (7 * i);
            if b < 0x80 {
                self.at += i + 1;
                return Ok(out);
            }
        }
        Err(malformed("a varint is cut or longer than ten bytes"))
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let found = self.bytes[self.at..].first_chunk::<N>();
        let found = found.ok_or_else(|| malformed("a number is cut"))?;
        self.at += N;
        Ok(*found)
    }

    #[inline]
    fn slice(&mut self) -> Result<&'a [u8]> {
        let len = self.varint()?;
        let rest = &self.bytes[self.at..];
        let len = usize::try_from(len).ok().filter(|n| *n <= rest.len()).ok_or_else(|| {
            malformed(&format!("a field of {len} bytes where {} are left", rest.len()))
        })?;
        self.at += len;
        Ok(&rest[..len])
    }
}

/// The error for bytes that are not protobuf.
pub(crate) fn malformed(why: &str) -> Error {
    Error::Invalid(format!("malformed protobuf: {why}"))
}

/// The error for a known field of the wrong wire type.
pub(crate) fn mistyped(message: &str, field: u32) -> Error {
    Error::Invalid(format!("malformed protobuf: field {field} of {message} has a wrong wire type"))
}

/// Writes fields.
pub(crate) mod put {
    pub(crate) fn varint(out: &mut Vec<u8>, mut n: u64) {
        while n >= 0x80 {
            out.push((n as u8) | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
    }

    /// The encoded length of a varint.
    pub(crate) fn varint_len(n: u64) -> usize {
        (64 - (n | 1).leading_zeros() as usize).div_ceil(7)
    }

    pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
        varint(out, u64::from(field << 3 | 2));
        varint(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }

    pub(crate) fn uint(out: &mut Vec<u8>, field: u32, n: u64) {
        varint(out, u64::from(field << 3));
        varint(out, n);
    }

    pub(crate) fn double(out: &mut Vec<u8>, field: u32, n: f64) {
        varint(out, u64::from(field << 3 | 1));
        out.extend_from_slice(&n.to_bits().to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back() {
        let mut out = Vec::new();
        put::uint(&mut out, 1, 300);
        put::bytes(&mut out, 2, b"abc");
        put::double(&mut out, 15, 1.5);
        let mut c = Cursor::new(&out);
        assert_eq!(c.next().unwrap(), Some((1, Value::Varint(300))));
        assert_eq!(c.next().unwrap(), Some((2, Value::Bytes(b"abc"))));
        assert_eq!(c.next().unwrap(), Some((15, Value::Fixed64(1.5f64.to_bits()))));
        assert_eq!(c.next().unwrap(), None);
    }

    #[test]
    fn lengths_of_varints_are_told() {
        for n in [0, 1, 127, 128, 16383, 16384, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put::varint(&mut out, n);
            assert_eq!(out.len(), put::varint_len(n), "{n}");
        }
    }

    #[test]
    fn cut_and_wrong_fields_are_errors() {
        for bytes in
            [&[0x0a, 5, 1][..], &[0x08], &[0x09, 1, 2], &[0x0b], &[0x00], &[0x08; 12], &[0xff; 11]]
        {
            let mut c = Cursor::new(bytes);
            let end = loop {
                match c.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break Ok(()),
                    Err(e) => break Err(e),
                }
            };
            assert!(end.is_err() || bytes == [0x08; 12], "{bytes:?}");
        }
    }
}
