//! Numbers and durations: where they end. Their values are the business of `literal`.

use super::{Kind, Lexer, Token, is_alphanumeric};
use crate::literal::quote;

impl Lexer<'_> {
    pub(super) fn number_or_duration(&mut self) -> Token {
        if self.scan_number() {
            return self.token(Kind::Number);
        }
        if self.scan_duration() {
            return self.token(Kind::Duration);
        }
        let found = quote(&self.text[self.start..self.pos]);
        self.fail(format!("bad number or duration syntax: {found}"))
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| set.contains(&byte));
        self.pos += usize::from(found);
        found
    }

    fn accept_digits(&mut self, hex: bool) {
        while self.peek().is_some_and(|byte| is_digit(byte, hex)) {
            self.pos += 1;
        }
    }

    /// Reads `[.]d[d._eE]*`; false where the bytes are no number, or run on into a word.
    fn scan_number(&mut self) -> bool {
        let hex = self.accept(b"0") && self.accept(b"xX");
        if hex {
            self.accept(b"_");
        }
        let mut dot = false;
        let mut exponent = false;
        loop {
            self.accept_digits(hex);
            match self.peek() {
                Some(b'.') => {
                    let again = std::mem::replace(&mut dot, true);
                    self.pos += 1;
                    if again || self.accept(b"_.") || hex {
                        return false;
                    }
                }
                Some(b'e' | b'E') => {
                    let again = std::mem::replace(&mut exponent, true);
                    self.pos += 1;
                    if again {
                        return false;
                    }
                    self.accept(b"+-");
                    if self.accept(b"._eE") || self.peek().is_none() {
                        return false;
                    }
                }
                Some(b'_') => {
                    self.pos += 1;
                    if self.accept(b"._eE") || self.peek().is_none() {
                        return false;
                    }
                }
                next => return !next.is_some_and(is_alphanumeric),
            }
        }
    }

    /// Reads what follows the first digits of a duration; which units may follow each other is
    /// found out when its value is.
    fn scan_duration(&mut self) -> bool {
        if !self.accept(b"smhdwy") {
            return false;
        }
        self.accept(b"s");
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.accept_digits(false);
            if !self.accept(b"smhdw") {
                return false;
            }
            self.accept(b"s");
        }
        // The byte that makes a word of it belongs to the message.
        let word = self.peek().is_some_and(is_alphanumeric);
        self.pos += usize::from(word);
        !word
    }
}

const fn is_digit(byte: u8, hex: bool) -> bool {
    if hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() }
}
