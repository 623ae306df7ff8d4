//! Words and numbers of kernel files.

/// Words of a line, split at blanks of any number.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_ascii_whitespace()
}

/// A number; `None` when it is none.
pub(super) fn number(word: &str) -> Option<f64> {
    word.parse::<u64>().map(|n| n as f64).or_else(|_| word.parse()).ok()
}

/// The number of the first word.
pub(super) fn first_number(text: &str) -> Option<f64> {
    number(words(text).next()?)
}

/// Resolves the octal escapes (`\040`) of mount tables.
pub(super) fn unescape_octal(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let code = bytes
            .get(i + 1..i + 4)
            .filter(|_| bytes[i] == b'\\')
            .and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        out.push(code.unwrap_or(bytes[i]));
        i += if code.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_unescaped() {
        assert_eq!(unescape_octal("/a\\040b\\134c"), "/a b\\c");
        assert_eq!(unescape_octal("/plain\\x\\04"), "/plain\\x\\04");
    }

    #[test]
    fn numbers_are_whole_or_float() {
        assert_eq!(number("18446744073709551615"), Some(18_446_744_073_709_551_615.0));
        assert_eq!(number("-1.5"), Some(-1.5));
        assert_eq!(number("x"), None);
        assert_eq!(first_number(" 42\n"), Some(42.0));
    }
}
