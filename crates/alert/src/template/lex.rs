//! Tokens of a template: text, and between `{{` and `}}` words, operators and literals.
//!
//! White space around `{{-` and `-}}` is cut from the texts beside them here, as Go does it: the
//! minus counts only when white space stands between it and what is inside. Line ends count as
//! space inside actions, but not inside `"…"`. Any input gives tokens that end in [`Kind::Eof`] or
//! in one [`Kind::Error`].

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is wrong; the token's text says it. The last token.
    Error,
    /// The end. The last token.
    Eof,
    /// Text outside actions.
    Text,
    /// `{{`.
    Left,
    /// `}}`.
    Right,
    /// White space inside an action.
    Space,
    /// `|`.
    Pipe,
    /// `=`.
    Assign,
    /// `:=`.
    Declare,
    /// `(`.
    LeftParen,
    /// `)`.
    RightParen,
    /// Another printable character, such as a comma.
    Char,
    /// `'x'`.
    CharConstant,
    /// A number.
    Number,
    /// `"…"`, quotes included.
    Quoted,
    /// A text in backquotes, quotes included.
    Raw,
    /// `.name`.
    Field,
    /// The name of a function.
    Identifier,
    /// `$` or `$name`.
    Variable,
    /// `true` or `false`.
    Bool,
    /// `.`.
    Dot,
    /// A word that begins or ends something.
    Keyword,
}

/// A token, where it stands and its text.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    /// Byte offset in the input.
    pub pos: usize,
    pub text: String,
}

impl Token {
    /// As it is named in a message.
    pub fn shown(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.clone(),
            Kind::Keyword | Kind::Dot => format!("<{}>", self.text),
            _ if self.text.chars().count() > 10 => {
                format!("{:?}...", self.text.chars().take(10).collect::<String>())
            }
            _ => format!("{:?}", self.text),
        }
    }
}

const KEYWORDS: [&str; 11] = [
    "block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with",
];

/// What `{{-` and `-}}` cut off.
const TRIMMED: [char; 4] = [' ', '\t', '\r', '\n'];

/// The tokens of a text.
pub(super) fn tokens(input: &str) -> Vec<Token> {
    let mut lexer = Lexer { input, pos: 0, start: 0, parens: 0, cut_next: false, out: Vec::new() };
    if let Err(message) = lexer.run() {
        let pos = lexer.start.min(input.len());
        lexer.out.push(Token { kind: Kind::Error, pos, text: message });
    }
    lexer.out
}

struct Lexer<'i> {
    input: &'i str,
    pos: usize,
    start: usize,
    parens: usize,
    cut_next: bool,
    out: Vec<Token>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), String> {
        loop {
            let rest = &self.input[self.pos..];
            let open = rest.find("{{");
            let mut text = &rest[..open.unwrap_or(rest.len())];
            let mut pos = self.pos;
            if self.cut_next {
                let cut = text.trim_start_matches(TRIMMED);
                pos += text.len() - cut.len();
                text = cut;
            }
            let Some(open) = open else {
                self.text(pos, text);
                self.pos = self.input.len();
                self.start = self.pos;
                self.emit(Kind::Eof);
                return Ok(());
            };
            let after = &rest[open + 2..];
            let cut = after.starts_with('-') && after[1..].starts_with(TRIMMED);
            self.text(pos, if cut { text.trim_end_matches(TRIMMED) } else { text });
            self.start = self.pos + open;
            self.pos = self.start + 2;
            let inside = self.pos + if cut { 2 } else { 0 };
            if self.input[inside..].starts_with("/*") {
                self.comment(inside)?;
                continue;
            }
            self.emit(Kind::Left);
            self.pos = inside;
            self.start = inside;
            self.parens = 0;
            self.action()?;
        }
    }

    fn text(&mut self, pos: usize, text: &str) {
        if !text.is_empty() {
            self.out.push(Token { kind: Kind::Text, pos, text: text.to_owned() });
        }
    }

    fn emit(&mut self, kind: Kind) {
        let text = self.input[self.start..self.pos].to_owned();
        self.out.push(Token { kind, pos: self.start, text });
        self.start = self.pos;
    }

    fn comment(&mut self, inside: usize) -> Result<(), String> {
        let end = self.input[inside..].find("*/").ok_or("unclosed comment")?;
        self.pos = inside + end + 2;
        match self.closes() {
            Some((length, cut)) => {
                self.pos += length;
                self.start = self.pos;
                self.cut_next = cut;
                Ok(())
            }
            None => Err("comment ends before closing delimiter".to_owned()),
        }
    }

    /// The length of the closing delimiter that stands here, and whether it cuts what follows.
    fn closes(&self) -> Option<(usize, bool)> {
        let rest = &self.input[self.pos..];
        if rest.starts_with("}}") {
            return Some((2, false));
        }
        (rest.starts_with(TRIMMED) && rest[1..].starts_with("-}}")).then_some((4, true))
    }

    fn peek(&self) -> Option<char> {
        self.input[self.pos..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
    }

    fn action(&mut self) -> Result<(), String> {
        loop {
            if let Some((length, cut)) = self.closes() {
                if self.parens > 0 {
                    return Err("unclosed left paren".to_owned());
                }
                self.start = self.pos + length - 2;
                self.pos += length;
                self.emit(Kind::Right);
                self.cut_next = cut;
                return Ok(());
            }
            let Some(c) = self.next() else { return Err("unclosed action".to_owned()) };
            match c {
                c if is_space(c) => {
                    while self.peek().is_some_and(is_space) && self.closes().is_none() {
                        self.next();
                    }
                    self.emit(Kind::Space);
                }
                '=' => self.emit(Kind::Assign),
                ':' if self.peek() == Some('=') => {
                    self.next();
                    self.emit(Kind::Declare);
                }
                ':' => return Err("expected :=".to_owned()),
                '|' => self.emit(Kind::Pipe),
                '"' => self.quoted('"', "unterminated quoted string", Kind::Quoted)?,
                '\'' => self.quoted('\'', "unterminated character constant", Kind::CharConstant)?,
                '`' => {
                    self.take_while(|c| c != '`');
                    self.next().ok_or("unterminated raw quoted string")?;
                    self.emit(Kind::Raw);
                }
                '$' => self.name(Kind::Variable, Kind::Variable)?,
                '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                    self.name(Kind::Field, Kind::Dot)?;
                }
                '+' | '-' | '.' | '0'..='9' => self.number()?,
                '(' => {
                    self.parens += 1;
                    self.emit(Kind::LeftParen);
                }
                ')' => {
                    self.parens = self.parens.checked_sub(1).ok_or("unexpected right paren")?;
                    self.emit(Kind::RightParen);
                }
                c if is_word(c) => self.word()?,
                c if c.is_ascii_graphic() => self.emit(Kind::Char),
                c => return Err(format!("unrecognized character in action: {}", code_point(c))),
            }
        }
    }

    fn quoted(&mut self, quote: char, open: &str, kind: Kind) -> Result<(), String> {
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.next();
                }
                None | Some('\\' | '\n') => return Err(open.to_owned()),
                Some(c) if c == quote => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn name(&mut self, named: Kind, bare: Kind) -> Result<(), String> {
        if self.ends_word() {
            self.emit(bare);
            return Ok(());
        }
        self.take_while(is_word);
        self.check_end()?;
        self.emit(named);
        Ok(())
    }

    fn word(&mut self) -> Result<(), String> {
        self.take_while(is_word);
        self.check_end()?;
        let kind = match &self.input[self.start..self.pos] {
            "true" | "false" => Kind::Bool,
            word if KEYWORDS.contains(&word) => Kind::Keyword,
            _ => Kind::Identifier,
        };
        self.emit(kind);
        Ok(())
    }

    fn ends_word(&self) -> bool {
        let Some(c) = self.peek() else { return true };
        is_space(c) || matches!(c, '.' | ',' | '|' | ':' | ')' | '(' | '}')
    }

    fn check_end(&self) -> Result<(), String> {
        match self.peek() {
            Some(c) if !self.ends_word() => Err(format!("bad character {}", code_point(c))),
            _ => Ok(()),
        }
    }

    fn number(&mut self) -> Result<(), String> {
        self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
        let text = &self.input[self.start..self.pos];
        if text.ends_with(['e', 'E']) && !text.starts_with("0x") {
            if matches!(self.peek(), Some('+' | '-')) {
                self.next();
            }
            self.take_while(|c| c.is_ascii_alphanumeric());
        }
        if self.peek().is_some_and(|c| is_word(c) || matches!(c, '+' | '-')) {
            self.next();
            let text = &self.input[self.start..self.pos];
            return Err(format!("bad number syntax: {text:?}"));
        }
        self.emit(Kind::Number);
        Ok(())
    }
}

fn is_space(c: char) -> bool {
    TRIMMED.contains(&c)
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn code_point(c: char) -> String {
    format!("U+{:04X} {c:?}", u32::from(c))
}
