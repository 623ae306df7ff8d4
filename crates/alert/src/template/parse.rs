//! From tokens to trees, as Go's text/template reads them.
//!
//! Unknown functions and variables are errors here, with what was probably meant. Messages are Go's
//! where Go has one. Nesting is bounded by [`NESTED_MAX`], the text by [`TEXT_BYTES_MAX`].

use std::sync::Arc;

use super::lex::{Kind, Token, tokens};
use super::suggest::suggestion;
use super::tree::{Branch, Command, Invocation, Node, Number, Operand, Pipe, Source, Term, Tree};

/// Blocks and parentheses inside each other.
pub(super) const NESTED_MAX: usize = 50;
/// Bytes of one template text.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 20;

/// What is wrong and where: a byte offset.
pub(super) type Fault = (usize, String);

/// Reads a text: its own tree first, then those that it defines.
///
/// `variables` are known from the beginning, beside `$`.
pub(super) fn parse(
    source: &Arc<Source>,
    name: &str,
    is_function: &dyn Fn(&str) -> bool,
    functions: &[&str],
    variables: &[&str],
) -> Result<Vec<Tree>, Fault> {
    if source.text.len() > TEXT_BYTES_MAX {
        return Err((0, format!("longer than {TEXT_BYTES_MAX} bytes, the limit of a template")));
    }
    let mut known = vec!["$".to_owned()];
    known.extend(variables.iter().map(|v| (*v).to_owned()));
    let mut parser = Parser {
        tokens: tokens(&source.text),
        at: 0,
        variables: known,
        source,
        defined: Vec::new(),
        nested: 0,
        loops: 0,
        is_function,
        functions,
    };
    let (body, end) = parser.list(true)?;
    if let Stop::Else(pos) | Stop::End(pos) = end {
        let word = if matches!(end, Stop::End(_)) { "{{end}}" } else { "{{else}}" };
        return Err((pos, format!("unexpected {word}")));
    }
    let mut trees = vec![Tree { name: name.to_owned(), source: Arc::clone(source), body }];
    trees.append(&mut parser.defined);
    Ok(trees)
}

struct Parser<'p> {
    tokens: Vec<Token>,
    at: usize,
    variables: Vec<String>,
    source: &'p Arc<Source>,
    defined: Vec<Tree>,
    nested: usize,
    loops: usize,
    is_function: &'p dyn Fn(&str) -> bool,
    functions: &'p [&'p str],
}

/// How a list of nodes ended.
enum Stop {
    Text,
    End(usize),
    /// `{{else`; what follows it is not read.
    Else(usize),
}

type Parsed<T> = Result<T, Fault>;

impl Parser<'_> {
    fn peek(&self) -> &Token {
        // Tokens end in Eof or Error, which are never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn next_word(&mut self) -> Token {
        self.skip_space();
        self.next()
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Parsed<T> {
        let message = match token.kind {
            Kind::Error => token.text.clone(),
            _ => format!("unexpected {} in {context}", token.shown()),
        };
        Err((token.pos, message))
    }

    fn close(&mut self, context: &str) -> Parsed<()> {
        let token = self.next_word();
        if token.kind == Kind::Right { Ok(()) } else { self.unexpected(&token, context) }
    }

    fn deeper(&mut self, pos: usize) -> Parsed<()> {
        self.nested += 1;
        if self.nested > NESTED_MAX {
            let message = format!("nested deeper than {NESTED_MAX}, the limit of a template");
            return Err((pos, message));
        }
        Ok(())
    }

    fn list(&mut self, is_top: bool) -> Parsed<(Vec<Node>, Stop)> {
        let mut nodes = Vec::new();
        loop {
            let token = self.next();
            match token.kind {
                Kind::Text => nodes.push(Node::Text(token.text)),
                Kind::Left => {
                    self.skip_space();
                    let word = self.peek().clone();
                    let is_keyword = word.kind == Kind::Keyword;
                    match word.text.as_str() {
                        "end" if is_keyword => {
                            self.next();
                            self.close("end")?;
                            return Ok((nodes, Stop::End(word.pos)));
                        }
                        "else" if is_keyword => {
                            self.next();
                            return Ok((nodes, Stop::Else(word.pos)));
                        }
                        "define" if is_keyword && is_top => self.define()?,
                        _ => nodes.push(self.action()?),
                    }
                }
                Kind::Eof if is_top => return Ok((nodes, Stop::Text)),
                Kind::Eof => {
                    return Err((token.pos, "unexpected EOF; an {{end}} is missing".into()));
                }
                _ => return self.unexpected(&token, "input"),
            }
        }
    }

    fn define(&mut self) -> Parsed<()> {
        self.next();
        let (name, pos) = self.name("define clause")?;
        self.close("define clause")?;
        self.definition(name, pos, "define clause")
    }

    /// Reads the body of a definition up to its `{{end}}`.
    fn definition(&mut self, name: String, pos: usize, context: &str) -> Parsed<()> {
        self.deeper(pos)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (body, end) = self.list(false)?;
        if let Stop::Else(pos) = end {
            return Err((pos, format!("unexpected {{{{else}}}} in {context}")));
        }
        (self.variables, self.loops) = (outer, loops);
        self.nested -= 1;
        let tree = Tree { name, source: Arc::clone(self.source), body };
        match self.defined.iter().position(|t| t.name == tree.name) {
            Some(_) if is_empty(&tree.body) => {}
            Some(i) if is_empty(&self.defined[i].body) => self.defined[i] = tree,
            Some(_) => {
                let message = format!("multiple definition of template {:?}", tree.name);
                return Err((pos, message));
            }
            None => self.defined.push(tree),
        }
        Ok(())
    }

    fn name(&mut self, context: &str) -> Parsed<(String, usize)> {
        let token = self.next_word();
        match token.kind {
            Kind::Quoted | Kind::Raw => Ok((unquote(&token)?, token.pos)),
            _ => self.unexpected(&token, context),
        }
    }

    fn action(&mut self) -> Parsed<Node> {
        let token = self.peek().clone();
        if token.kind == Kind::Keyword && token.text != "nil" {
            self.next();
            return match token.text.as_str() {
                "if" => Ok(Node::If(self.branch("if", token.pos)?)),
                "with" => Ok(Node::With(self.branch("with", token.pos)?)),
                "range" => Ok(Node::Range(self.branch("range", token.pos)?)),
                "break" | "continue" => self.jump(&token),
                "template" => {
                    let (name, pos) = self.name("template clause")?;
                    self.skip_space();
                    let pipe = match self.peek().kind {
                        Kind::Right => {
                            self.next();
                            None
                        }
                        _ => Some(self.pipeline("template clause", Kind::Right)?),
                    };
                    Ok(Node::Template(Invocation { pos, name, pipe }))
                }
                "block" => {
                    let (name, pos) = self.name("block clause")?;
                    let pipe = Some(self.pipeline("block clause", Kind::Right)?);
                    self.definition(name.clone(), pos, "block clause")?;
                    Ok(Node::Template(Invocation { pos, name, pipe }))
                }
                _ => self.unexpected(&token, "command"),
            };
        }
        Ok(Node::Action(self.pipeline("command", Kind::Right)?))
    }

    fn jump(&mut self, token: &Token) -> Parsed<Node> {
        self.close(&token.text)?;
        if self.loops == 0 {
            return Err((token.pos, format!("{{{{{}}}}} outside {{{{range}}}}", token.text)));
        }
        Ok(match token.text.as_str() {
            "break" => Node::Break,
            _ => Node::Continue,
        })
    }

    fn branch(&mut self, word: &str, pos: usize) -> Parsed<Branch> {
        self.deeper(pos)?;
        let mark = self.variables.len();
        let mut branch = Branch { arms: Vec::new(), otherwise: Vec::new() };
        loop {
            let pipe = self.pipeline(word, Kind::Right)?;
            let is_range = usize::from(word == "range");
            self.loops += is_range;
            let (body, end) = self.list(false)?;
            self.loops -= is_range;
            branch.arms.push((pipe, body));
            if !matches!(end, Stop::Else(_)) {
                break;
            }
            self.skip_space();
            let next = self.peek().clone();
            if next.kind == Kind::Keyword && next.text == word && word != "range" {
                self.next();
                continue;
            }
            self.close("else")?;
            let (otherwise, end) = self.list(false)?;
            if let Stop::Else(pos) = end {
                return Err((pos, "expected end; found {{else}}".to_owned()));
            }
            branch.otherwise = otherwise;
            break;
        }
        self.variables.truncate(mark);
        self.nested -= 1;
        Ok(branch)
    }

    /// Reads a pipeline and what closes it.
    fn pipeline(&mut self, context: &str, close: Kind) -> Parsed<Pipe> {
        self.skip_space();
        let pos = self.peek().pos;
        let mut pipe = Pipe { pos, declares: Vec::new(), assigns: false, commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            self.skip_space();
            let token = self.peek().clone();
            match token.kind {
                Kind::Right | Kind::RightParen => {
                    if token.kind != close {
                        return self.unexpected(&token, context);
                    }
                    self.next();
                    break;
                }
                Kind::Error => return self.unexpected(&token, context),
                _ => {
                    let command = self.command(context)?;
                    pipe.commands.push(command);
                }
            }
        }
        if pipe.commands.is_empty() {
            return Err((pos, format!("missing value for {context}")));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = &command.args[0];
            let is_value = matches!(
                first.term,
                Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text(..)
            );
            if is_value {
                let message = format!("non executable command in pipeline stage {}", i + 1);
                return Err((first.pos, message));
            }
        }
        for name in &pipe.declares {
            if pipe.assigns && !self.variables.contains(name) {
                return Err((pos, self.no_variable(name)));
            }
        }
        if !pipe.assigns {
            self.variables.extend(pipe.declares.iter().cloned());
        }
        Ok(pipe)
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        let start = self.at;
        loop {
            self.skip_space();
            if self.peek().kind != Kind::Variable {
                break;
            }
            let variable = self.next();
            self.skip_space();
            let operator = self.peek().clone();
            match operator.kind {
                Kind::Assign | Kind::Declare => {
                    self.next();
                    pipe.assigns = operator.kind == Kind::Assign;
                    pipe.declares.push(variable.text);
                    return Ok(());
                }
                Kind::Char if operator.text == "," => {
                    self.next();
                    pipe.declares.push(variable.text);
                    if context != "range" || pipe.declares.len() > 1 {
                        return Err((operator.pos, format!("too many declarations in {context}")));
                    }
                }
                _ => break,
            }
        }
        if !pipe.declares.is_empty() {
            return Err((self.peek().pos, "range can only initialize variables".to_owned()));
        }
        self.at = start;
        Ok(())
    }

    fn command(&mut self, context: &str) -> Parsed<Command> {
        let mut args = Vec::new();
        loop {
            self.skip_space();
            let token = self.peek().clone();
            if let Some(operand) = self.operand()? {
                args.push(operand);
            }
            let next = self.peek().clone();
            match next.kind {
                Kind::Space => {}
                Kind::Right | Kind::RightParen => break,
                Kind::Pipe => {
                    self.next();
                    self.skip_space();
                    let after = self.peek().clone();
                    if matches!(after.kind, Kind::Right | Kind::RightParen) {
                        return Err((after.pos, format!("missing value for {context}")));
                    }
                    break;
                }
                Kind::Error => return Err((next.pos, next.text)),
                _ if args.is_empty() => return self.unexpected(&token, context),
                _ => return self.unexpected(&next, "operand"),
            }
        }
        if args.is_empty() {
            return Err((self.peek().pos, "empty command".to_owned()));
        }
        Ok(Command { args })
    }

    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(operand));
        }
        let (pos, start) = (self.peek().pos, operand.start);
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            names.push(self.next().text[1..].to_owned());
        }
        match &mut operand.term {
            Term::Field(fields) | Term::Variable(_, fields) => {
                fields.append(&mut names);
                operand.pos = pos;
            }
            Term::Function(_) | Term::Pipe(_) => {
                let term = Term::Chain(Box::new(operand), names);
                operand = Operand { pos, start, term };
            }
            term => return Err((pos, format!("unexpected . after term {:?}", term.to_string()))),
        }
        Ok(Some(operand))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        self.skip_space();
        let token = self.peek().clone();
        let term = match token.kind {
            Kind::Error => return Err((token.pos, token.text)),
            Kind::Identifier => {
                if !(self.is_function)(&token.text) {
                    let known = self.functions.iter().copied();
                    let hint = suggestion(&token.text, known);
                    let message = format!("function {:?} not defined{hint}", token.text);
                    return Err((token.pos, message));
                }
                Term::Function(token.text.clone())
            }
            Kind::Dot => Term::Dot,
            Kind::Keyword if token.text == "nil" => Term::Nil,
            Kind::Variable => {
                if !self.variables.contains(&token.text) {
                    return Err((token.pos, self.no_variable(&token.text)));
                }
                Term::Variable(token.text.clone(), Vec::new())
            }
            Kind::Field => Term::Field(vec![token.text[1..].to_owned()]),
            Kind::Bool => Term::Bool(token.text == "true"),
            Kind::Number | Kind::CharConstant => Term::Number(number(&token)?),
            Kind::Quoted | Kind::Raw => Term::Text(token.text.clone(), unquote(&token)?),
            Kind::LeftParen => {
                self.next();
                self.deeper(token.pos)?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.nested -= 1;
                let pos = pipe.pos;
                return Ok(Some(Operand {
                    pos,
                    start: token.pos,
                    term: Term::Pipe(Box::new(pipe)),
                }));
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(Operand { pos: token.pos, start: token.pos, term }))
    }

    fn no_variable(&self, name: &str) -> String {
        let known = self.variables.iter().map(String::as_str).filter(|v| *v != "$");
        format!("undefined variable {name:?}{}", suggestion(name, known))
    }
}

/// Whether there is nothing but white space.
fn is_empty(nodes: &[Node]) -> bool {
    nodes.iter().all(|n| matches!(n, Node::Text(text) if text.trim().is_empty()))
}

fn number(token: &Token) -> Parsed<Number> {
    let text = token.text.clone();
    if token.kind == Kind::CharConstant {
        let inner = unescape(&text[1..text.len() - 1], '\'').filter(|t| t.chars().count() == 1);
        let c = inner.and_then(|t| t.chars().next());
        let c = c.ok_or_else(|| (token.pos, format!("malformed character constant: {text}")))?;
        let code = u32::from(c);
        let (int, float) = (Some(i64::from(code)), f64::from(code));
        return Ok(Number { int, float, is_float: false, text });
    }
    if let Some(int) = integer(&text) {
        return Ok(Number { int: Some(int), float: int as f64, is_float: false, text });
    }
    let bad = || (token.pos, format!("bad number syntax: {text:?}"));
    if !text.contains(['.', 'e', 'E']) || text.contains('_') {
        let is_whole = text.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit());
        return Err(if is_whole {
            (token.pos, format!("integer overflow: {text:?}"))
        } else {
            bad()
        });
    }
    let float: f64 = text.parse().map_err(|_| bad())?;
    if !float.is_finite() {
        return Err(bad());
    }
    let whole = float as i64;
    let int = (whole as f64 == float).then_some(whole);
    Ok(Number { int, float, is_float: true, text })
}

fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-', '_']) || digits.ends_with('_') {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{}", digits.replace('_', "")), radix).ok()
}

fn unquote(token: &Token) -> Parsed<String> {
    let inner = &token.text[1..token.text.len() - 1];
    if token.kind == Kind::Raw {
        return Ok(inner.replace('\r', ""));
    }
    unescape(inner, '"').ok_or_else(|| (token.pos, format!("invalid syntax in {}", token.text)))
}

/// A text of Go without its escapes. Bytes that are not UTF-8 become the replacement character.
fn unescape(text: &str, quote: char) -> Option<String> {
    let mut out = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            return None;
        }
        let c = if c == '\\' { escaped(&mut chars, quote)? } else { Unescaped::Char(c) };
        match c {
            Unescaped::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Unescaped::Byte(b) => out.push(b),
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

enum Unescaped {
    Char(char),
    Byte(u8),
}

/// What follows a backslash.
fn escaped(chars: &mut std::str::Chars<'_>, quote: char) -> Option<Unescaped> {
    let c = chars.next()?;
    let plain = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '\'' | '"' if c == quote => quote as u8,
        'x' => u8::try_from(code(chars, 2, 16, 0)?).ok()?,
        '0'..='7' => u8::try_from(code(chars, 2, 8, c.to_digit(8)?)?).ok()?,
        'u' => return char::from_u32(code(chars, 4, 16, 0)?).map(Unescaped::Char),
        'U' => return char::from_u32(code(chars, 8, 16, 0)?).map(Unescaped::Char),
        _ => return None,
    };
    Some(Unescaped::Byte(plain))
}

/// A number of `digits` digits, after `first`.
fn code(chars: &mut std::str::Chars<'_>, digits: usize, radix: u32, first: u32) -> Option<u32> {
    (0..digits).try_fold(first, |code, _| {
        code.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?)
    })
}
