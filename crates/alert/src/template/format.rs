//! Go's `fmt`: how values print, and `printf`.
//!
//! Verbs `%v %s %q %d %f %F %e %E %g %G %x %X %o %b %c %U %t %T %%` with the flags `+ - # 0` and
//! space, widths and precisions (also `*`), and indexes (`%[1]d`). What does not fit a verb is printed
//! as Go does it: `%!d(string=a)`. Everything goes into a [`Buffer`], which has an end.

use super::gotime;
use super::number::{fixed, scientific, shortest, significant};
use super::value::{Type, Value};

/// A text that may not grow above a size.
#[derive(Debug)]
pub(super) struct Buffer {
    pub text: String,
    bytes_max: usize,
}

/// There was no more room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Full;

type Printed = Result<(), Full>;

impl Buffer {
    pub const fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max }
    }

    /// Adds a text.
    pub fn put(&mut self, text: &str) -> Printed {
        if self.text.len() + text.len() > self.bytes_max {
            return Err(Full);
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Adds a character, `n` times.
    fn fill(&mut self, c: char, n: usize) -> Printed {
        if self.text.len() + n > self.bytes_max {
            return Err(Full);
        }
        self.text.extend(std::iter::repeat_n(c, n));
        Ok(())
    }
}

/// Widths and precisions above this are wrong ones, as in Go.
const WIDTH_MAX: usize = 1_000_000;

#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`: fields with their names.
    named: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Prints a value as `{{ value }}` does.
pub(super) fn show(out: &mut Buffer, value: &Value) -> Printed {
    match value {
        Value::Nil => out.put("<no value>"),
        Value::Text(t) | Value::Html(t) | Value::Url(t) => out.put(t),
        value => print(out, value, 'v', Flags::default()),
    }
}

/// The values one after the other, a space between two of which none is a text.
pub(super) fn sprint(out: &mut Buffer, values: &[Value]) -> Printed {
    let is_text = |v: &Value| matches!(v, Value::Text(_));
    for (i, value) in values.iter().enumerate() {
        if i > 0 && !is_text(value) && !is_text(&values[i - 1]) {
            out.put(" ")?;
        }
        print(out, value, 'v', Flags::default())?;
    }
    Ok(())
}

/// The values with spaces between them, and a line end.
pub(super) fn sprintln(out: &mut Buffer, values: &[Value]) -> Printed {
    for (i, value) in values.iter().enumerate() {
        out.put(if i > 0 { " " } else { "" })?;
        print(out, value, 'v', Flags::default())?;
    }
    out.put("\n")
}

/// `printf`.
pub(super) fn sprintf(out: &mut Buffer, format: &str, args: &[Value]) -> Printed {
    let mut state = Printf { format, at: 0, args, next: 0, reordered: false, good_index: true };
    while state.at < format.len() {
        let rest = &format[state.at..];
        let plain = rest.find('%').unwrap_or(rest.len());
        out.put(&rest[..plain])?;
        state.at += plain;
        if state.at < format.len() {
            state.at += 1;
            state.directive(out)?;
        }
    }
    if !state.reordered && state.next < args.len() {
        out.put("%!(EXTRA ")?;
        for (i, arg) in args[state.next..].iter().enumerate() {
            out.put(if i > 0 { ", " } else { "" })?;
            typed(out, arg)?;
        }
        out.put(")")?;
    }
    Ok(())
}

/// `type=value`, as in messages about values that do not fit.
fn typed(out: &mut Buffer, value: &Value) -> Printed {
    if matches!(value, Value::Nil) {
        return out.put("<nil>");
    }
    out.put(value.kind().go_name())?;
    out.put("=")?;
    print(out, value, 'v', Flags::default())
}

struct Printf<'p> {
    format: &'p str,
    at: usize,
    args: &'p [Value],
    next: usize,
    reordered: bool,
    good_index: bool,
}

impl Printf<'_> {
    fn peek(&self) -> Option<char> {
        self.format[self.at..].chars().next()
    }

    fn directive(&mut self, out: &mut Buffer) -> Printed {
        let mut flags = Flags::default();
        self.good_index = true;
        while let Some(c) = self.peek() {
            match c {
                '#' => flags.sharp = true,
                '0' => flags.zero = true,
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                ' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        flags.zero &= !flags.minus;
        let mut after_index = self.index();
        if self.peek() == Some('*') {
            self.at += 1;
            match self.star() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.zero &= !flags.minus;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => out.put("%!(BADWIDTH)")?,
            }
            after_index = false;
        } else if let Some(width) = self.digits() {
            flags.width = Some(width);
            self.good_index &= !after_index;
        }
        if self.peek() == Some('.') {
            self.at += 1;
            self.good_index &= !after_index;
            after_index = self.index();
            if self.peek() == Some('*') {
                self.at += 1;
                match self.star() {
                    Some(n) if n >= 0 => flags.precision = usize::try_from(n).ok(),
                    Some(_) => {}
                    None => out.put("%!(BADPREC)")?,
                }
                after_index = false;
            } else {
                flags.precision = Some(self.digits().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        let Some(verb) = self.peek() else { return out.put("%!(NOVERB)") };
        self.at += verb.len_utf8();
        let mut wrong = |text: &str| {
            out.put("%!")?;
            out.put(verb.encode_utf8(&mut [0; 4]))?;
            out.put(text)
        };
        match verb {
            '%' => out.put("%"),
            _ if !self.good_index => wrong("(BADINDEX)"),
            _ if self.next >= self.args.len() => wrong("(MISSING)"),
            _ => {
                if verb == 'v' {
                    flags.named = std::mem::take(&mut flags.plus);
                }
                let arg = &self.args[self.next];
                self.next += 1;
                print(out, arg, verb, flags)
            }
        }
    }

    /// Reads `[n]`; whether it was there.
    fn index(&mut self) -> bool {
        if self.peek() != Some('[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(end) = rest.find(']') else {
            self.at += 1;
            self.good_index = false;
            return false;
        };
        let n: Option<usize> = rest[1..end].parse().ok();
        self.at += end + 1;
        match n {
            Some(n) if (1..=self.args.len()).contains(&n) => self.next = n - 1,
            _ => self.good_index = false,
        }
        true
    }

    fn digits(&mut self) -> Option<usize> {
        let rest = &self.format[self.at..];
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return None;
        }
        self.at += length;
        rest[..length].parse().ok().filter(|n| *n <= WIDTH_MAX)
    }

    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next);
        self.next = (self.next + 1).min(self.args.len());
        match arg {
            Some(Value::Int(n)) if n.unsigned_abs() <= WIDTH_MAX as u64 => Some(*n),
            _ => None,
        }
    }
}

/// Prints a value as a verb asks.
fn print(out: &mut Buffer, value: &Value, verb: char, flags: Flags) -> Printed {
    if verb == 'T' {
        let name = if matches!(value, Value::Nil) { "<nil>" } else { value.kind().go_name() };
        return text(out, name, 's', flags);
    }
    let takes_text = matches!(verb, 'v' | 's' | 'q' | 'x' | 'X');
    match value {
        Value::Nil if verb == 'v' => pad(out, "<nil>", flags),
        Value::Nil => {
            out.put("%!")?;
            out.put(verb.encode_utf8(&mut [0; 4]))?;
            out.put("(<nil>)")
        }
        Value::Bool(b) if matches!(verb, 't' | 'v') => {
            pad(out, if *b { "true" } else { "false" }, flags)
        }
        Value::Int(n) => int(out, value, *n, verb, flags),
        Value::Byte(n) => int(out, value, i64::from(*n), verb, flags),
        Value::Float(x) => float(out, value, *x, verb, flags),
        Value::Text(t) | Value::Html(t) | Value::Url(t) if takes_text => text(out, t, verb, flags),
        Value::Duration(n) if takes_text => text(out, &gotime::duration(*n), verb, flags),
        Value::Duration(n) => int(out, value, *n, verb, flags),
        Value::Month(n) if takes_text => text(out, gotime::month(*n), verb, flags),
        Value::Weekday(n) if takes_text => text(out, gotime::weekday(*n), verb, flags),
        Value::Month(n) | Value::Weekday(n) => int(out, value, i64::from(*n), verb, flags),
        Value::Time(t) if takes_text => text(out, &gotime::printed(t), verb, flags),
        Value::Map(map) if value.kind() == Type::Kv && takes_text => {
            let pairs = map.sorted_pairs();
            text(out, &joined(pairs.iter().map(|p| (&*p.name, &*p.value))), verb, flags)
        }
        Value::Pairs(pairs) if takes_text => {
            text(out, &joined(pairs.iter().map(|p| (&*p.name, &*p.value))), verb, flags)
        }
        Value::Bool(_) | Value::Text(_) | Value::Html(_) | Value::Url(_) | Value::Time(_) => {
            mismatch(out, value, verb)
        }
        other => parts(out, other, verb, flags),
    }
}

/// `a=b, c=d`.
fn joined<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs.map(|(n, v)| format!("{n}={v}")).collect();
    pairs.join(", ")
}

fn mismatch(out: &mut Buffer, value: &Value, verb: char) -> Printed {
    out.put("%!")?;
    out.put(verb.encode_utf8(&mut [0; 4]))?;
    out.put("(")?;
    typed(out, value)?;
    out.put(")")
}

/// Prints a list, a map or a record part by part.
fn parts(out: &mut Buffer, value: &Value, verb: char, flags: Flags) -> Printed {
    match value {
        Value::Map(map) => {
            out.put("map[")?;
            for (i, (name, item)) in map.iter().enumerate() {
                out.put(if i > 0 { " " } else { "" })?;
                text(out, name, verb, flags)?;
                out.put(":")?;
                text(out, item, verb, flags)?;
            }
            out.put("]")
        }
        Value::Args(map) => {
            out.put("map[")?;
            for (i, (name, item)) in map.entries.iter().enumerate() {
                out.put(if i > 0 { " " } else { "" })?;
                text(out, name, verb, flags)?;
                out.put(":")?;
                print(out, item, verb, flags)?;
            }
            out.put("]")
        }
        list if list.len().is_some() => {
            out.put("[")?;
            for i in 0..list.len().unwrap_or(0) {
                out.put(if i > 0 { " " } else { "" })?;
                print(out, &list.at(i).unwrap_or(Value::Nil), verb, flags)?;
            }
            out.put("]")
        }
        record => {
            out.put("{")?;
            let fields = super::member::fields(record);
            for (i, (name, item)) in fields.iter().enumerate() {
                out.put(if i > 0 { " " } else { "" })?;
                if flags.named {
                    out.put(name)?;
                    out.put(":")?;
                }
                print(out, item, verb, flags)?;
            }
            out.put("}")
        }
    }
}

fn pad(out: &mut Buffer, text: &str, flags: Flags) -> Printed {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    if flags.minus {
        out.put(text)?;
        return out.fill(' ', missing);
    }
    out.fill(if flags.zero { '0' } else { ' ' }, missing)?;
    out.put(text)
}

fn text(out: &mut Buffer, written: &str, verb: char, flags: Flags) -> Printed {
    let cut = match flags.precision {
        Some(n) if verb != 'x' && verb != 'X' => {
            written.char_indices().nth(n).map_or(written, |(at, _)| &written[..at])
        }
        _ => written,
    };
    match verb {
        'v' | 's' => pad(out, cut, flags),
        'q' if flags.sharp && !cut.contains('`') && !cut.contains(char::is_control) => {
            pad(out, &format!("`{cut}`"), flags)
        }
        'q' => pad(out, &quoted(cut), flags),
        'x' | 'X' => {
            let bytes = &cut.as_bytes()[..flags.precision.unwrap_or(cut.len()).min(cut.len())];
            let mut hex = String::new();
            for (i, byte) in bytes.iter().enumerate() {
                hex.push_str(if flags.space && i > 0 { " " } else { "" });
                let byte = if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") };
                hex.push_str(&byte);
            }
            pad(out, &hex, flags)
        }
        _ => mismatch(out, &Value::text(written), verb),
    }
}

/// A text as Go's `%q` writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if !is_printable(c) && u32::from(c) > 0xffff => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c if !is_printable(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a character can be seen; marks on other characters can.
fn is_printable(c: char) -> bool {
    c.is_ascii() || ["a", &c.to_string()].concat().escape_debug().nth(1) != Some('\\')
}

fn int(out: &mut Buffer, value: &Value, n: i64, verb: char, flags: Flags) -> Printed {
    let size = n.unsigned_abs();
    let (mut digits, prefix) = match verb {
        'v' | 'd' => (size.to_string(), ""),
        'b' => (format!("{size:b}"), if flags.sharp { "0b" } else { "" }),
        'o' => (format!("{size:o}"), if flags.sharp { "0" } else { "" }),
        'O' => (format!("{size:o}"), "0o"),
        'x' => (format!("{size:x}"), if flags.sharp { "0x" } else { "" }),
        'X' => (format!("{size:X}"), if flags.sharp { "0X" } else { "" }),
        'c' | 'q' | 'U' => {
            let c = u32::try_from(n).ok().and_then(char::from_u32);
            let shown = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            let written = match verb {
                'c' => shown.to_string(),
                'q' => format!("'{}'", shown.escape_default()),
                _ => format!("U+{size:04X}"),
            };
            return pad(out, &written, flags);
        }
        _ => return mismatch(out, value, verb),
    };
    let sign = match n {
        ..0 => "-",
        _ if flags.plus => "+",
        _ if flags.space => " ",
        _ => "",
    };
    let mut wanted = flags.precision.unwrap_or(0);
    if flags.precision == Some(0) && n == 0 {
        digits.clear();
    }
    if flags.zero && flags.precision.is_none() {
        wanted = flags.width.unwrap_or(0).saturating_sub(sign.len() + prefix.len());
    }
    let zeros = wanted.saturating_sub(digits.len());
    let written = format!("{sign}{prefix}{}{digits}", "0".repeat(zeros));
    pad(out, &written, Flags { zero: false, ..flags })
}

fn float(out: &mut Buffer, value: &Value, x: f64, verb: char, flags: Flags) -> Printed {
    // More decimals than this are zeros; they are bounded by the buffer.
    let decimals = flags.precision.unwrap_or(6).min(2_000);
    let mut written = match verb {
        'v' | 'g' | 'G' => {
            flags.precision.map_or_else(|| shortest(x), |d| significant(x, d.min(800)))
        }
        'e' => scientific(x, decimals, 'e'),
        'E' => scientific(x, decimals, 'E'),
        'f' | 'F' => fixed(x, decimals),
        _ => return mismatch(out, value, verb),
    };
    if verb == 'G' {
        written.make_ascii_uppercase();
    }
    if !x.is_finite() {
        let plus = if x.is_nan() { "+" } else { "" };
        let written = match written.as_str() {
            "NAN" | "NaN" if flags.plus => format!("{plus}NaN"),
            "+INF" | "+Inf" if flags.space && !flags.plus => " Inf".to_owned(),
            "-INF" => "-Inf".to_owned(),
            "+INF" => "+Inf".to_owned(),
            "NAN" => "NaN".to_owned(),
            other => other.to_owned(),
        };
        return pad(out, &written, Flags { zero: false, ..flags });
    }
    let (sign, digits) = match written.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None if flags.plus => ("+", written.as_str()),
        None if flags.space => (" ", written.as_str()),
        None => ("", written.as_str()),
    };
    let zeros = match flags.width {
        Some(width) if flags.zero => width.saturating_sub(sign.len() + digits.len()),
        _ => 0,
    };
    let written = format!("{sign}{}{digits}", "0".repeat(zeros));
    pad(out, &written, Flags { zero: false, ..flags })
}
