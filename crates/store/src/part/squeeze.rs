//! Pieces of the index, compressed by zstd: `length varint | frame`, the length being that of the
//! plain bytes, held against a bound before memory is taken for them.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use crate::codec::varint::{Cursor, put_u64};
use crate::{Error, Result};

/// Level of zstd: the pieces are small and written once.
const LEVEL: i32 = 3;

thread_local! {
    /// Contexts are dear to make (about 100 KiB) and hold nothing between two pieces.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Appends `plain`, compressed.
pub(super) fn put(plain: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let io = |e| Error::io("compress a piece of the index", e);
    let packed = COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(c) => c,
            None => slot.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(plain)
    });
    put_u64(out, plain.len() as u64);
    out.extend_from_slice(&packed.map_err(io)?);
    Ok(())
}

/// The plain bytes, at most `max`.
pub(super) fn take(bytes: &[u8], max: usize) -> Result<Vec<u8>> {
    let mut c = Cursor::new(bytes);
    let len = c.bounded("plain bytes", max)?;
    let corrupt = |e: std::io::Error| Error::corrupt(format!("compressed piece: {e}"));
    let plain = DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(d) => d,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.decompress(c.rest(), len)
    });
    let plain = plain.map_err(corrupt)?;
    if plain.len() != len {
        return Err(Error::corrupt(format!("{} plain bytes, {len} expected", plain.len())));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_and_damage_is_an_error() {
        let plain = b"container_c1_total container_c2_total container_c3_total".repeat(9);
        let mut bytes = Vec::new();
        put(&plain, &mut bytes).unwrap();
        assert!(bytes.len() * 4 < plain.len());
        assert_eq!(take(&bytes, 1 << 20).unwrap(), plain);
        assert!(take(&bytes, 100).is_err());
        assert!(take(&bytes[..bytes.len() - 1], 1 << 20).is_err());
        assert!(take(&[200, 1, 2, 3], 1 << 20).is_err());
    }
}
