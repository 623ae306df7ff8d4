//! Strings: where they end, and whether their escapes are right.

use super::{Kind, Lexer, Token};
use crate::literal::printable;

impl Lexer<'_> {
    /// Reads a string that opens with `quote`: `"`, `'` or a back-quote, which takes no escapes.
    pub(super) fn string(&mut self, quote: u8) -> Token {
        self.pos += 1;
        loop {
            let Some(byte) = self.peek() else { return self.unterminated(quote) };
            match byte {
                _ if byte == quote => return self.take(1, Kind::String),
                b'\n' if quote != b'`' => return self.unterminated(quote),
                b'\\' if quote != b'`' => {
                    self.pos += 1;
                    if let Err(message) = self.escape(quote) {
                        return self.fail(message);
                    }
                }
                0xEF if self.bytes[self.pos..].starts_with(b"\xEF\xBF\xBD") => {
                    return self.fail("invalid UTF-8 rune".into());
                }
                _ => self.pos += 1,
            }
        }
    }

    fn unterminated(&mut self, quote: u8) -> Token {
        let kind = if quote == b'`' { "raw" } else { "quoted" };
        self.fail(format!("unterminated {kind} string"))
    }

    /// Reads an escape, the backslash excluded.
    fn escape(&mut self, quote: u8) -> Result<(), String> {
        let Some(found) = self.peek_char() else {
            return Err("escape sequence not terminated".into());
        };
        let (digits, base, max) = match found {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => (0, 1, 0),
            _ if found == char::from(quote) => (0, 1, 0),
            '0'..='7' => (3, 8, 255),
            'x' => (2, 16, 255),
            'u' => (4, 16, 0x0010_FFFF),
            'U' => (8, 16, 0x0010_FFFF),
            _ => return Err(format!("unknown escape sequence {}", code_point(found))),
        };
        if base != 8 {
            self.pos += found.len_utf8();
        }
        let mut value: u32 = 0;
        for _ in 0..digits {
            let digit = self.peek_char().ok_or("escape sequence not terminated")?;
            let number = digit.to_digit(base).ok_or_else(|| {
                format!("illegal character {} in escape sequence", code_point(digit))
            })?;
            value = value.wrapping_mul(base).wrapping_add(number);
            self.pos += 1;
        }
        if value > max || (0xD800..0xE000).contains(&value) {
            return Err("escape sequence is an invalid Unicode code point".into());
        }
        Ok(())
    }
}

/// `U+0078 'x'`
fn code_point(found: char) -> String {
    if printable(found) {
        format!("U+{:04X} '{found}'", found as u32)
    } else {
        format!("U+{:04X}", found as u32)
    }
}
