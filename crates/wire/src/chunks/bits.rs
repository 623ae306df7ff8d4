//! Bits, most significant first, and the numbers of variable width that chunks are made of.

/// Widths of the classes of delta-of-deltas of times.
const TIME_CLASSES: [u32; 3] = [14, 17, 20];
/// Widths of the classes of numbers of histograms.
const CLASSES: [u32; 7] = [3, 6, 9, 12, 18, 25, 56];

/// Writes a chunk's data.
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not written yet.
    free: u32,
}

impl BitWriter {
    /// Begins with the number of samples, and for histograms a byte of flags.
    pub fn new(samples: usize, flags: Option<u8>) -> Self {
        let n = u16::try_from(samples).unwrap_or(u16::MAX);
        let mut bytes = n.to_be_bytes().to_vec();
        bytes.extend(flags);
        Self { bytes, free: 0 }
    }

    /// Says how many samples there are in the end.
    pub fn set_samples(&mut self, samples: usize) {
        let n = u16::try_from(samples).unwrap_or(u16::MAX);
        self.bytes[..2].copy_from_slice(&n.to_be_bytes());
    }

    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// The low `n` bits of a value, 0 to 64.
    pub fn put(&mut self, value: u64, n: u32) {
        let mut left = n;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let now = left.min(self.free);
            let part = (value >> (left - now)) as u8 & (0xffu8 >> (8 - now));
            self.free -= now;
            left -= now;
            if let Some(last) = self.bytes.last_mut() {
                *last |= part << self.free;
            }
        }
    }

    /// Seven bits a byte, low ones first.
    pub fn uvarint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.put(n & 0x7f | 0x80, 8);
            n >>= 7;
        }
        self.put(n, 8);
    }

    pub fn varint(&mut self, n: i64) {
        self.uvarint(((n << 1) ^ (n >> 63)) as u64);
    }

    /// How much the distance of two samples differs from the one before, in chunks of floats.
    pub fn delta_of_delta(&mut self, n: i64) {
        self.signed(n, &TIME_CLASSES);
    }

    /// A signed number of a histogram.
    pub fn int(&mut self, n: i64) {
        self.signed(n, &CLASSES);
    }

    /// An unsigned number of a histogram.
    pub fn uint(&mut self, n: u64) {
        if n == 0 {
            return self.put(0, 1);
        }
        let class = CLASSES.iter().position(|width| n >> width == 0);
        self.classed(n, class, &CLASSES);
    }

    /// A signed number: one bit for 0, else its class and as many bits as that has.
    fn signed(&mut self, n: i64, classes: &[u32]) {
        if n == 0 {
            return self.put(0, 1);
        }
        let fits = |width: &u32| {
            let half = 1i64 << (width - 1);
            (1 - half..=half).contains(&n)
        };
        self.classed(n as u64, classes.iter().position(fits), classes);
    }

    /// As many ones as the class is late, a zero unless it is the last one, the bits.
    fn classed(&mut self, n: u64, class: Option<usize>, classes: &[u32]) {
        let ones = class.unwrap_or(classes.len()) as u32 + 1;
        self.put(u64::MAX, ones);
        match class {
            Some(class) => {
                self.put(0, 1);
                self.put(n, classes[class]);
            }
            None => self.put(n, 64),
        }
    }
}

/// A column of floats, each told by how its bits differ from those before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Xor {
    value: u64,
    /// Zero bits around the last difference that was written out.
    around: Option<(u32, u32)>,
}

impl Xor {
    /// The first value, as it is.
    pub fn raw(&mut self, out: &mut BitWriter, value: f64) {
        self.value = value.to_bits();
        out.put(self.value, 64);
    }

    pub fn put(&mut self, out: &mut BitWriter, value: f64) {
        let differs = value.to_bits() ^ self.value;
        self.value = value.to_bits();
        if differs == 0 {
            return out.put(0, 1);
        }
        out.put(1, 1);
        let (leading, trailing) = (differs.leading_zeros().min(31), differs.trailing_zeros());
        if let Some((l, t)) = self.around
            && leading >= l
            && trailing >= t
        {
            out.put(0, 1);
            return out.put(differs >> t, 64 - l - t);
        }
        self.around = Some((leading, trailing));
        let significant = 64 - leading - trailing;
        out.put(1, 1);
        out.put(u64::from(leading), 5);
        // 64 bits are written as 0: there is no difference of 0 bits.
        out.put(u64::from(significant), 6);
        out.put(differs >> trailing, significant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl Fn(&mut BitWriter), expected: &str) {
        let mut out = BitWriter::new(0, None);
        write(&mut out);
        let free = out.free as usize;
        let bits: String = out.finish()[2..].iter().map(|b| format!("{b:08b}")).collect();
        assert_eq!(bits[..bits.len() - free], *expected);
    }

    #[test]
    fn numbers_have_the_width_of_their_class() {
        check(|b| b.int(0), "0");
        check(|b| b.int(4), "10100");
        check(|b| b.int(-3), "10101");
        check(|b| b.int(5), "110000101");
        check(|b| b.int(-31), "110100001");
        check(|b| b.int(2048), "11110100000000000");
        check(|b| b.uint(7), "10111");
        check(|b| b.uint(8), "110001000");
        check(|b| b.int(i64::MIN), &format!("111111111{}", "0".repeat(63)));
        check(|b| b.delta_of_delta(-8191), "1010000000000001");
        check(|b| b.delta_of_delta(1 << 40), &format!("1111{:064b}", 1u64 << 40));
        check(|b| b.varint(-1), "00000001");
        check(|b| b.uvarint(300), "1010110000000010");
    }

    #[test]
    fn floats_are_told_by_their_differences() {
        let mut value = Xor::default();
        let mut out = BitWriter::new(0, None);
        value.raw(&mut out, 1.0);
        value.put(&mut out, 1.0);
        value.put(&mut out, 1.5);
        value.put(&mut out, 1.0);
        let bits: String = out.finish()[10..].iter().map(|b| format!("{b:08b}")).collect();
        // Same; 12 leading zeroes and one bit; the same window again.
        assert!(bits.starts_with("0 11 01100 000001 1 10 1".replace(' ', "").as_str()), "{bits}");
    }
}
