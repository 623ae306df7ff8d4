//! Bit-packing of blocks of up to 128 numbers of one width: number `i` at bits
//! `i*width .. (i+1)*width`, lowest bit of the first byte first.
//!
//! Unpacking is generated once per width, so that places and shifts are constants: eight numbers
//! of `W` bits are `W` bytes.

/// Numbers that share a width.
pub(super) const BLOCK: usize = 128;
/// Bytes of a packed block of width 64.
const BLOCK_BYTES: usize = BLOCK * 8;
/// Widths up to this one are read with one load of 8 bytes, whatever the shift.
const WIDTH_OF_ONE_LOAD: usize = 57;

/// Bytes of `n` numbers of a width.
pub(super) const fn packed_len(n: usize, width: usize) -> usize {
    (n * width).div_ceil(8)
}

/// Appends at most [`BLOCK`] numbers less `min`, each of at most `width` bits.
pub(super) fn pack(block: &[i64], min: i64, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let mut bytes = [0u8; BLOCK_BYTES + 8];
    let (mut acc, mut fill, mut at) = (0u64, 0u32, 0);
    for &v in block {
        let x = v.wrapping_sub(min) as u64;
        acc |= x << fill;
        fill += width;
        if fill >= 64 {
            bytes[at..at + 8].copy_from_slice(&acc.to_le_bytes());
            at += 8;
            fill -= 64;
            acc = if fill == 0 { 0 } else { x >> (width - fill) };
        }
    }
    bytes[at..at + 8].copy_from_slice(&acc.to_le_bytes());
    out.extend_from_slice(&bytes[..packed_len(block.len(), width as usize)]);
}

/// Fills `out`, at most [`BLOCK`] numbers, from the front of `bytes`, which has at least
/// [`packed_len`] bytes; what follows is not looked at but may be loaded.
pub(super) fn unpack(bytes: &[u8], width: usize, min: i64, out: &mut [i64]) {
    if width == 0 {
        return out.fill(min);
    }
    let groups = out.len().div_ceil(8);
    let mut padded = [0u8; BLOCK_BYTES + 16];
    let bytes = if bytes.len() >= groups * width + 8 {
        bytes
    } else {
        let len = packed_len(out.len(), width);
        padded[..len].copy_from_slice(&bytes[..len]);
        &padded
    };
    match <&mut [i64; BLOCK]>::try_from(&mut *out) {
        Ok(block) => unpack_groups(bytes, width, min, block),
        Err(_) => {
            let mut block = [0i64; BLOCK];
            unpack_groups(bytes, width, min, &mut block[..8 * groups]);
            out.copy_from_slice(&block[..out.len()]);
        }
    }
}

/// A load of eight bytes that the caller made sure of.
#[inline(always)]
fn load(bytes: &[u8], at: usize) -> u64 {
    let mut w = [0; 8];
    w.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(w)
}

#[inline]
fn unpack_of<const W: usize>(bytes: &[u8], min: i64, out: &mut [i64]) {
    let mask = u64::MAX >> (64 - W);
    for (j, eight) in out.chunks_exact_mut(8).enumerate() {
        let group = &bytes[j * W..j * W + W + 8];
        for (i, v) in eight.iter_mut().enumerate() {
            let bit = i * W;
            *v = min.wrapping_add(((load(group, bit >> 3) >> (bit & 7)) & mask) as i64);
        }
    }
}

/// The widths whose numbers may span nine bytes.
fn unpack_wide(bytes: &[u8], width: usize, min: i64, out: &mut [i64]) {
    let mask = u64::MAX >> (64 - width);
    for (i, v) in out.iter_mut().enumerate() {
        let (at, shift) = ((i * width) >> 3, (i * width) & 7);
        let both = (u128::from(bytes[at + 8]) << 64) | u128::from(load(bytes, at));
        *v = min.wrapping_add(((both >> shift) as u64 & mask) as i64);
    }
}

macro_rules! by_width {
    ($width:expr, $bytes:expr, $min:expr, $out:expr, [$($w:literal)*]) => {
        match $width {
            $($w => unpack_of::<$w>($bytes, $min, $out),)*
            width => unpack_wide($bytes, width, $min, $out),
        }
    };
}

/// `out` is whole groups of eight, `bytes` reach eight beyond them.
fn unpack_groups(bytes: &[u8], width: usize, min: i64, out: &mut [i64]) {
    debug_assert!(WIDTH_OF_ONE_LOAD == 57 && (1..=64).contains(&width));
    by_width!(width, bytes, min, out, [
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33
        34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_length_comes_back() {
        for width in 0..=64u32 {
            let top = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
            for n in [1usize, 7, 8, 9, 40, 120, 127, 128] {
                let ints: Vec<i64> = (0..n as u64)
                    .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & top).wrapping_sub(77) as i64)
                    .collect();
                for tail in [0, 3, 40] {
                    let mut bytes = Vec::new();
                    pack(&ints, -77, width, &mut bytes);
                    assert_eq!(bytes.len(), packed_len(n, width as usize));
                    bytes.resize(bytes.len() + tail, 0xff);
                    let mut out = vec![1; n];
                    unpack(&bytes, width as usize, -77, &mut out);
                    assert_eq!(out, ints, "width {width}, {n} numbers");
                }
            }
        }
    }
}
