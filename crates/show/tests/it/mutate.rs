//! Bytes that are nearly right: pieces of good ones changed, cut, doubled and mixed, from fixed seeds.

/// Runs `target` on so many changed inputs, besides the good ones.
pub fn run(good: &[Vec<u8>], times: usize, target: fn(&[u8])) {
    good.iter().for_each(|bytes| target(bytes));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    // Words that mean something, in place of others.
    let words: [&[u8]; 12] = [
        b"null",
        b"true",
        b"-1",
        b"1e308",
        b"\"\"",
        b"[]",
        b"{}",
        b"\"$a\"",
        b"99999999999999999999",
        b"\"row\"",
        b"[[]]",
        b"0.5",
    ];
    for _ in 0..times {
        let mut bytes = good[next(good.len())].clone();
        for _ in 0..=next(4) {
            if bytes.is_empty() {
                break;
            }
            let at = next(bytes.len());
            match next(5) {
                0 => bytes[at] = next(256) as u8,
                1 => bytes.truncate(at),
                2 => {
                    let end = (at + next(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
                3 => {
                    // A value after a colon becomes another.
                    let Some(colon) = bytes[at..].iter().position(|b| *b == b':') else { continue };
                    let from = at + colon + 1;
                    let len = bytes[from..]
                        .iter()
                        .position(|b| matches!(b, b',' | b'}' | b']'))
                        .unwrap_or(0);
                    bytes.splice(from..from + len, words[next(words.len())].iter().copied());
                }
                _ => {
                    let end = (at + next(200)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = next(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        target(&bytes);
    }
}
