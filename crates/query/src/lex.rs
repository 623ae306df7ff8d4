//! Tokens of PromQL.
//!
//! The lexer keeps what decides how a byte is read: whether a brace or a bracket is open, and how
//! many parentheses. It never fails itself: an error is a token of its own, so that whoever reads
//! up to it decides what is reported first. Spans are byte offsets; every offset is at a character
//! boundary.

mod keyword;
mod number;
mod string;

pub(crate) use keyword::keyword;

use crate::ast::{AggregateOp, BinaryOp, Span};
use crate::literal::quote_char;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Eof,
    Error,
    Identifier,
    MetricIdentifier,
    Number,
    Duration,
    String,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    Assign,
    EqualRegex,
    NotRegex,
    At,
    Op(BinaryOp),
    Aggregate(AggregateOp),
    Bool,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Offset,
    Anchored,
    Smoothed,
    Start,
    End,
    Step,
    Range,
    MinOf,
    MaxOf,
}

/// A token and its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// How the next byte is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Statement,
    Braces,
    /// Behind a left bracket, until the first number.
    Duration,
}

/// Reads tokens from a text of at most [`crate::QUERY_BYTES_MAX`] bytes.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    start: usize,
    mode: Mode,
    parens: usize,
    bracket_open: bool,
    got_colon: bool,
    got_duration: bool,
    error: String,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Lexer<'a> {
        Lexer {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            start: 0,
            mode: Mode::Statement,
            parens: 0,
            bracket_open: false,
            got_colon: false,
            got_duration: false,
            error: String::new(),
        }
    }

    /// The text of the last [`Kind::Error`].
    pub(crate) fn error(&self) -> &str {
        &self.error
    }

    /// The next token; [`Kind::Eof`] again and again at the end.
    pub(crate) fn next(&mut self) -> Token {
        self.skip_blank();
        match self.mode {
            Mode::Statement => self.statement(),
            Mode::Braces => self.inside_braces(),
            Mode::Duration => self.duration_start(),
        }
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.pos += 1,
                b'#' if self.mode != Mode::Duration => {
                    let end = memchr_line_end(&self.bytes[self.pos..]);
                    self.pos += end;
                }
                _ => break,
            }
        }
        self.start = self.pos;
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// The character at the current position, for messages.
    fn peek_char(&self) -> Option<char> {
        self.text[self.pos..].chars().next()
    }

    fn token(&self, kind: Kind) -> Token {
        Token { kind, span: Span::new(self.start as u32, self.pos as u32) }
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Token {
        self.pos += bytes;
        self.token(kind)
    }

    /// An error whose span starts at the current token and ends with the text.
    fn fail(&mut self, message: String) -> Token {
        self.error = message;
        self.pos = self.bytes.len();
        self.token(Kind::Error)
    }

    /// An error whose span starts behind the token that was just read.
    fn fail_behind(&mut self, message: String) -> Token {
        self.start = self.pos;
        self.fail(message)
    }

    fn fail_at_char(&mut self, message: &str) -> Token {
        let found = quote_char(self.peek_char());
        self.fail(format!("{message}: {found}"))
    }

    fn statement(&mut self) -> Token {
        let Some(byte) = self.peek() else { return self.end_of_text() };
        let next = self.bytes.get(self.pos + 1).copied();
        match byte {
            b',' => self.take(1, Kind::Comma),
            b'*' => self.take(1, Kind::Op(BinaryOp::Mul)),
            b'/' => self.take(1, Kind::Op(BinaryOp::Div)),
            b'%' => self.take(1, Kind::Op(BinaryOp::Mod)),
            b'+' => self.take(1, Kind::Op(BinaryOp::Add)),
            b'-' => self.take(1, Kind::Op(BinaryOp::Sub)),
            b'^' => self.take(1, Kind::Op(BinaryOp::Pow)),
            b'@' => self.take(1, Kind::At),
            b'=' => match next {
                Some(b'=') => self.take(2, Kind::Op(BinaryOp::Equal)),
                Some(b'~') => self.fail("unexpected character after '=': '~'".into()),
                _ => self.take(1, Kind::Assign),
            },
            b'!' if next == Some(b'=') => self.take(2, Kind::Op(BinaryOp::NotEqual)),
            b'!' => {
                self.pos += 1;
                self.fail_at_char("unexpected character after '!'")
            }
            b'<' => match next {
                Some(b'=') => self.take(2, Kind::Op(BinaryOp::LessEqual)),
                Some(b'/') => self.take(2, Kind::Op(BinaryOp::TrimUpper)),
                _ => self.take(1, Kind::Op(BinaryOp::Less)),
            },
            b'>' => match next {
                Some(b'=') => self.take(2, Kind::Op(BinaryOp::GreaterEqual)),
                Some(b'/') => self.take(2, Kind::Op(BinaryOp::TrimLower)),
                _ => self.take(1, Kind::Op(BinaryOp::Greater)),
            },
            b'0'..=b'9' => self.number_or_duration(),
            b'.' if next.is_some_and(|next| next.is_ascii_digit()) => self.number_or_duration(),
            b'"' | b'\'' | b'`' => self.string(byte),
            b'(' => self.left_paren(),
            b')' => self.right_paren(),
            b'{' => {
                self.mode = Mode::Braces;
                self.take(1, Kind::LeftBrace)
            }
            b'[' => self.left_bracket(),
            b']' => self.right_bracket(),
            _ if is_alpha(byte) || byte == b':' => self.word(byte),
            _ => self.fail_at_char("unexpected character"),
        }
    }

    fn end_of_text(&mut self) -> Token {
        if self.parens != 0 {
            self.fail("unclosed left parenthesis".into())
        } else if self.bracket_open {
            self.fail("unclosed left bracket".into())
        } else {
            self.token(Kind::Eof)
        }
    }

    fn left_paren(&mut self) -> Token {
        self.parens += 1;
        self.take(1, Kind::LeftParen)
    }

    fn right_paren(&mut self) -> Token {
        let token = self.take(1, Kind::RightParen);
        if self.parens == 0 {
            return self.fail_behind("unexpected right parenthesis ')'".into());
        }
        self.parens -= 1;
        token
    }

    fn left_bracket(&mut self) -> Token {
        if self.bracket_open {
            return self.fail("unexpected left bracket '['".into());
        }
        self.bracket_open = true;
        self.got_colon = false;
        self.mode = Mode::Duration;
        self.take(1, Kind::LeftBracket)
    }

    fn right_bracket(&mut self) -> Token {
        if !self.bracket_open {
            return self.fail("unexpected right bracket ']'".into());
        }
        self.bracket_open = false;
        self.take(1, Kind::RightBracket)
    }

    fn word(&mut self, first: u8) -> Token {
        if self.bracket_open {
            return self.word_in_brackets(first);
        }
        let rest = &self.bytes[self.pos..];
        let len = rest.iter().position(|b| !is_alphanumeric(*b) && *b != b':');
        self.pos += len.unwrap_or(rest.len());
        let word = &self.bytes[self.start..self.pos];
        let kind = match keyword(word) {
            Some(Kind::Fill | Kind::FillLeft | Kind::FillRight) if !self.paren_follows() => {
                Kind::Identifier
            }
            Some(kind) => kind,
            None if word.contains(&b':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        };
        self.token(kind)
    }

    /// `fill` and its like are words of the language only before a parenthesis.
    fn paren_follows(&self) -> bool {
        let next = self.bytes[self.pos..].iter().find(|b| !b" \t\n\r".contains(b));
        next == Some(&b'(')
    }

    fn word_in_brackets(&mut self, first: u8) -> Token {
        if first == b':' {
            if self.got_colon {
                return self.fail("unexpected colon ':'".into());
            }
            self.got_colon = true;
            return self.take(1, Kind::Colon);
        }
        match self.duration_word() {
            Some(token) => token,
            None => {
                let found = quote_char(Some(char::from(first)));
                self.fail(format!("unexpected character: {found}, expected ':'"))
            }
        }
    }

    /// `step`, `range`, `min_of` or `max_of`.
    fn duration_word(&mut self) -> Option<Token> {
        let rest = &self.bytes[self.pos..];
        let len = rest.iter().position(|b| !is_alpha(*b)).unwrap_or(rest.len());
        match keyword(&rest[..len]) {
            Some(kind @ (Kind::Step | Kind::Range | Kind::MinOf | Kind::MaxOf)) => {
                Some(self.take(len, kind))
            }
            _ => None,
        }
    }

    fn duration_start(&mut self) -> Token {
        let Some(byte) = self.peek() else {
            return self.fail("unexpected end of input in duration expression".into());
        };
        let next = self.bytes.get(self.pos + 1);
        match byte {
            b']' => {
                self.mode = Mode::Statement;
                self.right_bracket()
            }
            b':' => self.colon_in_duration(),
            b'(' => self.left_paren(),
            b')' => self.right_paren(),
            b'+' => self.take(1, Kind::Op(BinaryOp::Add)),
            b'-' => self.take(1, Kind::Op(BinaryOp::Sub)),
            b'*' => self.take(1, Kind::Op(BinaryOp::Mul)),
            b'/' => self.take(1, Kind::Op(BinaryOp::Div)),
            b'%' => self.take(1, Kind::Op(BinaryOp::Mod)),
            b'^' => self.take(1, Kind::Op(BinaryOp::Pow)),
            b',' => self.take(1, Kind::Comma),
            b'0'..=b'9' | b'.' if byte != b'.' || next.is_some_and(u8::is_ascii_digit) => {
                self.mode = Mode::Statement;
                self.got_duration = true;
                self.number_or_duration()
            }
            _ => match self.duration_word() {
                Some(token) => {
                    self.got_duration = true;
                    token
                }
                None => self.fail_at_char("unexpected character in duration expression"),
            },
        }
    }

    fn colon_in_duration(&mut self) -> Token {
        let token = self.take(1, Kind::Colon);
        if !self.got_duration {
            let message = "unexpected colon before duration in duration expression";
            return self.fail_behind(message.into());
        }
        if self.got_colon {
            return self.fail_behind("unexpected repeated colon in duration expression".into());
        }
        self.got_colon = true;
        token
    }

    fn inside_braces(&mut self) -> Token {
        let Some(byte) = self.peek() else {
            return self.fail("unexpected end of input inside braces".into());
        };
        let next = self.bytes.get(self.pos + 1).copied();
        match byte {
            b',' => self.take(1, Kind::Comma),
            b'"' | b'\'' | b'`' => self.string(byte),
            b'=' if next == Some(b'~') => self.take(2, Kind::EqualRegex),
            b'=' => self.take(1, Kind::Assign),
            b'!' if next == Some(b'~') => self.take(2, Kind::NotRegex),
            b'!' if next == Some(b'=') => self.take(2, Kind::Op(BinaryOp::NotEqual)),
            b'!' => {
                self.pos += 1;
                self.fail_at_char("unexpected character after '!' inside braces")
            }
            b'{' => self.fail("unexpected left brace '{'".into()),
            b'}' => {
                self.mode = Mode::Statement;
                self.take(1, Kind::RightBrace)
            }
            _ if is_alpha(byte) => {
                let rest = &self.bytes[self.pos..];
                let len = rest.iter().position(|b| !is_alphanumeric(*b));
                self.take(len.unwrap_or(rest.len()), Kind::Identifier)
            }
            _ => self.fail_at_char("unexpected character inside braces"),
        }
    }
}

fn memchr_line_end(bytes: &[u8]) -> usize {
    bytes.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(bytes.len())
}

/// A letter or an underscore.
pub(crate) const fn is_alpha(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

/// A letter, a digit or an underscore.
pub(crate) const fn is_alphanumeric(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}
