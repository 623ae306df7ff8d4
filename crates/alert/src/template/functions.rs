//! The functions of templates: one table per set, with arguments, what they give, and code.

use regex::Regex;

use super::format::{Buffer, Full};
use super::regexes;
use super::value::{Type, Value};
use super::{Limits, Queries};

mod alertmanager;
mod go;
mod json;
mod prometheus;

pub(super) use go::truth_decides;

/// Steps that compiling a regular expression costs.
const COMPILE_STEPS: u64 = 1_000;
/// Compiled regular expressions that are kept for later.
const KEPT_MAX: usize = 16;

/// Whose functions a template may call, beside Go's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Prometheus,
    Alertmanager,
}

/// A function.
pub(super) struct Function {
    /// How it is called.
    pub name: &'static str,
    /// Its arguments.
    pub takes: &'static [Type],
    /// The type of any number of further ones.
    pub rest: Option<Type>,
    /// What it gives.
    pub gives: Type,
    /// What it does; the arguments have the types above, or are [`Value::Nil`] where that fits.
    pub run: Run,
}

pub(super) type Run = fn(&mut Env<'_>, &[Value]) -> Result<Value, String>;

/// A row of a table.
const fn row(name: &'static str, takes: &'static [Type], gives: Type, run: Run) -> Function {
    Function { name, takes, rest: None, gives, run }
}

/// A row of a function that takes any number of arguments.
const fn rows(
    name: &'static str,
    takes: &'static [Type],
    rest: Type,
    gives: Type,
    run: Run,
) -> Function {
    Function { name, takes, rest: Some(rest), gives, run }
}

/// The functions of a set in no order, Go's included.
pub(super) fn all(set: Set) -> impl Iterator<Item = &'static Function> {
    let own: &'static [Function] = match set {
        Set::Prometheus => prometheus::TABLE,
        Set::Alertmanager => alertmanager::TABLE,
    };
    own.iter().chain(go::TABLE)
}

/// A function by its name.
pub(super) fn find(set: Set, name: &str) -> Option<&'static Function> {
    all(set).find(|f| f.name == name)
}

/// What functions work with; what was used up.
pub(super) struct Env<'e> {
    /// The time, ms since the epoch.
    pub now_ms: i64,
    /// Where people reach this server.
    pub external_url: &'e str,
    /// Answers `query`.
    pub queries: Option<&'e dyn Queries>,
    /// Whether texts are escaped for HTML.
    pub is_html: bool,
    pub limits: Limits,
    pub steps: u64,
    pub asked: usize,
    /// Regular expressions that are compiled.
    pub kept: &'e parking_lot::Mutex<Vec<(String, Regex)>>,
}

impl Env<'_> {
    /// Counts work.
    ///
    /// # Errors
    /// It is too much.
    pub fn step(&mut self, cost: u64) -> Result<(), String> {
        self.steps = self.steps.saturating_add(cost);
        if self.steps > self.limits.steps {
            return Err(format!("more than {} steps, the limit of a template", self.limits.steps));
        }
        Ok(())
    }

    /// The message about a text that is too long.
    pub fn too_long(&self) -> String {
        format!("a text above {} bytes, the limit of a template", self.limits.output_bytes)
    }

    /// A text as a value, if it is not too long.
    fn text(&mut self, text: &str) -> Result<Value, String> {
        self.step(text.len() as u64 / 64)?;
        if text.len() > self.limits.output_bytes {
            return Err(self.too_long());
        }
        Ok(Value::text(text))
    }

    /// What a printer prints, if it is not too long.
    fn printed(
        &mut self,
        print: impl FnOnce(&mut Buffer) -> Result<(), Full>,
    ) -> Result<Value, String> {
        let mut buffer = Buffer::new(self.limits.output_bytes);
        print(&mut buffer).map_err(|Full| self.too_long())?;
        self.text(&buffer.text)
    }

    fn regex(&mut self, pattern: &str) -> Result<Regex, String> {
        if let Some((_, regex)) = self.kept.lock().iter().find(|(p, _)| p == pattern) {
            return Ok(regex.clone());
        }
        self.step(COMPILE_STEPS)?;
        let regex = regexes::compile(pattern)?;
        let mut kept = self.kept.lock();
        if kept.len() < KEPT_MAX {
            kept.push((pattern.to_owned(), regex.clone()));
        }
        Ok(regex)
    }

    fn is_match(&mut self, args: &[Value]) -> Result<Value, String> {
        let (pattern, text) = (text_at(args, 0), text_at(args, 1));
        self.step(text.len() as u64 / 16)?;
        Ok(Value::Bool(self.regex(pattern)?.is_match(text)))
    }

    fn replace_all(&mut self, args: &[Value]) -> Result<Value, String> {
        let (pattern, by, text) = (text_at(args, 0), text_at(args, 1), text_at(args, 2));
        self.step(text.len() as u64 / 16)?;
        let regex =
            self.regex(pattern).map_err(|e| format!("regexp: Compile(`{pattern}`): {e}"))?;
        let mut out = String::new();
        let mut last = 0;
        for found in regex.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[last..whole.start()]);
            found.expand(by, &mut out);
            last = whole.end();
            if out.len() > self.limits.output_bytes {
                return Err(self.too_long());
            }
        }
        out.push_str(&text[last..]);
        self.text(&out)
    }
}

/// The text of an argument; nothing where there is none.
fn text_at(args: &[Value], i: usize) -> &str {
    match args.get(i) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

/// An argument as a number.
fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(x) => Ok(*x),
        Value::Int(n) => Ok(*n as f64),
        Value::Duration(ns) => Ok(*ns as f64 / 1e9),
        Value::Text(text) => {
            let fails = |why: &str| {
                format!("strconv.ParseFloat: parsing {}: {why}", super::format::quoted(text))
            };
            let x: f64 = text.parse().map_err(|_| fails("invalid syntax"))?;
            let is_number = text.bytes().any(|b| b.is_ascii_digit());
            if x.is_infinite() && is_number { Err(fails("value out of range")) } else { Ok(x) }
        }
        Value::Nil => Err("can't convert <nil> to float".to_owned()),
        other => Err(format!("can't convert {} to float", other.kind().go_name())),
    }
}

/// A text as it stands in the query of a URL, spaces as `+`.
pub(super) fn query_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// A text with the first letter of each word in upper case, the others as `rest` makes them. Words
/// go on over `'`, `.` and `:` between letters.
fn title(text: &str, rest: fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut inside = false;
    while let Some(c) = chars.next() {
        let is_word = c == '_' || c.is_alphanumeric();
        if !is_word {
            let joins = matches!(c, '\'' | '.' | ':' | '’' | '·');
            inside &= joins && chars.peek().is_some_and(|c| c.is_alphanumeric());
            out.push(c);
        } else if inside {
            out.push_str(&rest(c));
        } else {
            out.extend(c.to_uppercase());
            inside = true;
        }
    }
    out
}
