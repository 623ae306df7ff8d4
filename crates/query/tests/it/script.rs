//! The notation of evaluation scripts: `load`, `clear`, `eval`, `expect`.
//!
//! A block ends at an empty line. `load STEP` is followed by series, `name{l="v"} 1 2+3x5 _ stale`;
//! `axN` stands for N + 1 times a, `a+bxN` for N + 1 values. `eval instant at T EXPR` and
//! `eval range from A to B step S EXPR` are followed by what is expected: series, one number, or
//! `expect fail|warn|info|no_warn|no_info|ordered [msg:|regex:]`, `expect string "…"`,
//! `expect range vector from A to B step S`. Native histograms are written `{{schema:0 count:4 sum:5
//! buckets:[1 2 1]}}`; a line of times behind `name@st` says when the samples of the next line began,
//! relative to their own time. `load_with_nhcb` also makes histograms of custom buckets out of classic
//! ones.

use plimsoll_model::{Histogram, Labels, stale_nan};

use crate::script_histogram::{self as histogram, Literal};

/// A command of a script.
pub enum Command {
    /// Starts over with an empty source.
    Clear,
    /// Series with their samples.
    Load(Vec<(Labels, Vec<Sample>)>),
    /// An expression and what it has to yield.
    Eval(Box<Case>),
}

/// One sample to load.
pub struct Sample {
    pub time: i64,
    pub value: f64,
    pub histogram: Option<Histogram>,
    /// Start time, 0 if it is not stated.
    pub start: i64,
}

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Nothing.
    Missing,
    /// A number or the staleness marker.
    Float(f64),
    /// A native histogram.
    Histogram(Literal),
}

/// An `eval` and what is expected of it.
#[derive(Default)]
pub struct Case {
    /// Line of the script, from 1.
    pub line: usize,
    pub expr: String,
    pub start: i64,
    pub end: i64,
    /// 0 for an instant query.
    pub step: i64,
    pub fail: Option<Text>,
    pub warn: Option<Text>,
    pub info: Option<Text>,
    pub no_warn: bool,
    pub no_info: bool,
    pub ordered: bool,
    pub string: Option<String>,
    pub scalar: Option<f64>,
    /// Times of the values of an expected range vector: start and step.
    pub range_vector: Option<(i64, i64)>,
    pub series: Vec<(Labels, Vec<Item>)>,
}

/// What a message has to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    Any,
    Exactly(String),
    Matching(String),
}

pub fn parse(script: &str) -> Result<Vec<Command>, String> {
    let lines: Vec<&str> = script
        .lines()
        .map(str::trim)
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let number = at + 1;
        at += 1;
        if line.is_empty() {
            continue;
        }
        if line == "clear" {
            commands.push(Command::Clear);
            continue;
        }
        let end = lines[at..].iter().position(|l| l.is_empty()).map_or(lines.len(), |n| at + n);
        let block = &lines[at..end];
        at = end;
        let command = if line.starts_with("load") {
            load(line, block)
        } else {
            eval(number, line, block).map(|case| Command::Eval(Box::new(case)))
        };
        commands.push(command.map_err(|e| format!("line {number}: {e}"))?);
    }
    Ok(commands)
}

fn load(line: &str, block: &[&str]) -> Result<Command, String> {
    let step = duration(line.split_whitespace().nth(1).ok_or("no step")?)?;
    let mut all = Vec::new();
    let mut starts: Vec<Item> = Vec::new();
    for line in block {
        // `name{…}@st` or `name@st`.
        let marked = line.find("@st").filter(|at| !line[..*at].contains("{{"));
        if let Some(at) = marked {
            starts = values(&line[at + 3..])?;
            continue;
        }
        let (labels, items) = series(line)?;
        let mut samples = Vec::new();
        for (i, item) in items.into_iter().enumerate() {
            let time = i as i64 * step;
            let start = match starts.get(i) {
                Some(Item::Float(seconds)) => time + (seconds * 1000.0).round() as i64,
                _ => 0,
            };
            let (value, histogram) = match item {
                Item::Missing => continue,
                Item::Float(v) => (v, None),
                Item::Histogram(h) => (stale_nan(), Some(h.model())),
            };
            samples.push(Sample { time, value, histogram, start });
        }
        starts.clear();
        all.push((labels, samples));
    }
    if line.starts_with("load_with_nhcb") {
        all.extend(histogram::of_classic(&all));
    }
    Ok(Command::Load(all))
}

fn eval(number: usize, line: &str, block: &[&str]) -> Result<Case, String> {
    let mut case = Case { line: number, ..Case::default() };
    let (head, rest) = line.split_once(' ').ok_or("no kind")?;
    match head.strip_prefix("eval").ok_or_else(|| format!("unknown command {head:?}"))? {
        "_fail" => case.fail = Some(Text::Any),
        "_warn" => case.warn = Some(Text::Any),
        "_info" => case.info = Some(Text::Any),
        "_ordered" => case.ordered = true,
        _ => {}
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    match words.as_slice() {
        ["instant", "at", t, ..] => {
            case.start = duration(t)?;
            case.end = case.start;
            case.expr = after_words(rest, 3);
        }
        ["instant", ..] => case.expr = after_words(rest, 1),
        ["range", "from", a, "to", b, "step", s, ..] => {
            (case.start, case.end, case.step) = (duration(a)?, duration(b)?, duration(s)?);
            case.expr = after_words(rest, 7);
        }
        _ => return Err(format!("unknown eval {rest:?}")),
    }
    for line in block {
        expected(&mut case, line)?;
    }
    Ok(case)
}

fn expected(case: &mut Case, line: &str) -> Result<(), String> {
    if let Some(rest) = line.strip_prefix("expect string ") {
        case.string = Some(unquote(rest)?.0);
        return Ok(());
    }
    if let Some(rest) = line.strip_prefix("expect range vector") {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let ["from", a, "to", _, "step", s] = words.as_slice() else {
            return Err(format!("bad range vector {line:?}"));
        };
        case.range_vector = Some((duration(a)?, duration(s)?));
        return Ok(());
    }
    if let Some(rest) = line.strip_prefix("expected_fail_message") {
        case.fail = Some(Text::Exactly(rest.trim().to_owned()));
        return Ok(());
    }
    if let Some(rest) = line.strip_prefix("expected_fail_regexp") {
        case.fail = Some(Text::Matching(rest.trim().to_owned()));
        return Ok(());
    }
    if let Some(rest) = line.strip_prefix("expect ") {
        let (kind, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let text = match text.trim().split_once(':') {
            Some(("msg", t)) => Text::Exactly(t.trim().to_owned()),
            Some(("regex", t)) => Text::Matching(t.trim().to_owned()),
            _ => Text::Any,
        };
        match kind {
            "fail" => case.fail = Some(text),
            "warn" => case.warn = Some(text),
            "info" => case.info = Some(text),
            "no_warn" => case.no_warn = true,
            "no_info" => case.no_info = true,
            "ordered" => case.ordered = true,
            _ => return Err(format!("unknown expectation {line:?}")),
        }
        return Ok(());
    }
    if let Ok(value) = number(line) {
        case.scalar = Some(value);
        return Ok(());
    }
    case.series.push(series(line)?);
    Ok(())
}

fn after_words(line: &str, count: usize) -> String {
    let mut rest = line.trim_start();
    for _ in 0..count {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest = rest[end..].trim_start();
    }
    rest.to_owned()
}

/// `name{l="v"} values`
fn series(line: &str) -> Result<(Labels, Vec<Item>), String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let name_end =
        line.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(line.len());
    if name_end > 0 {
        pairs.push(("__name__".to_owned(), line[..name_end].to_owned()));
    }
    let mut rest = line[name_end..].trim_start();
    if rest.starts_with('{') && !rest.starts_with("{{") {
        rest = labels(&rest[1..], &mut pairs)?;
    }
    let borrowed = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let labels = Labels::new(borrowed).map_err(|e| e.to_string())?;
    Ok((labels, values(rest)?))
}

fn labels<'a>(mut rest: &'a str, pairs: &mut Vec<(String, String)>) -> Result<&'a str, String> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok(rest);
        }
        let name;
        if rest.starts_with(['"', '\'', '`']) {
            (name, rest) = unquote(rest)?;
            rest = rest.trim_start();
            if rest.starts_with([',', '}']) {
                pairs.push(("__name__".to_owned(), name));
                continue;
            }
        } else {
            let end = rest.find([' ', '=', '\t']).ok_or("a label without value")?;
            name = rest[..end].to_owned();
            rest = rest[end..].trim_start();
        }
        rest = rest.strip_prefix('=').ok_or("a label without value")?.trim_start();
        let value;
        (value, rest) = unquote(rest)?;
        pairs.push((name, value));
    }
}

/// A quoted text at the start, and what follows it.
fn unquote(text: &str) -> Result<(String, &str), String> {
    let quote = text.chars().next().ok_or("no text")?;
    let mut out = String::new();
    let mut chars = text[1..].chars();
    loop {
        let c = chars.next().ok_or_else(|| format!("no end of the text {text:?}"))?;
        if c == quote {
            return Ok((out, chars.as_str()));
        }
        if c != '\\' || quote == '`' {
            out.push(c);
            continue;
        }
        let digits = |chars: &mut std::str::Chars<'_>, n| {
            let digits: String = chars.take(n).collect();
            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
        };
        let escaped = match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('x') => digits(&mut chars, 2),
            Some('u') => digits(&mut chars, 4),
            Some('U') => digits(&mut chars, 8),
            other => other.unwrap_or(quote),
        };
        out.push(escaped);
    }
}

fn values(text: &str) -> Result<Vec<Item>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = item_end(rest);
        item(&rest[..end], &mut out)?;
        rest = rest[end..].trim_start();
    }
    Ok(out)
}

/// Where the first item ends: at a blank outside double braces.
fn item_end(text: &str) -> usize {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            c if c.is_whitespace() && depth == 0 => return i,
            _ => {}
        }
    }
    text.len()
}

fn item(text: &str, out: &mut Vec<Item>) -> Result<(), String> {
    let times = |n: &str| n.parse::<usize>().map_err(|e| format!("{text:?}: {e}"));
    if let Some(n) = text.strip_prefix("_x") {
        out.extend(std::iter::repeat_n(Item::Missing, times(n)?));
        return Ok(());
    }
    let (base, count) = match text.rsplit_once('x') {
        Some((base, n)) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => {
            (base, times(n)? + 1)
        }
        _ => (text, 1),
    };
    if base == "_" {
        out.push(Item::Missing);
    } else if base == "stale" {
        out.extend(std::iter::repeat_n(Item::Float(stale_nan()), count));
    } else if base.starts_with("{{") {
        let (first, step) = histogram::read(base)?;
        let mut value = first;
        for i in 0..count {
            if let Some((sign, step)) = step.as_ref().filter(|_| i > 0) {
                value = value.plus(step, *sign);
            }
            out.push(Item::Histogram(value.clone()));
        }
    } else {
        let (first, step) = first_and_step(base)?;
        let mut value = first;
        for _ in 0..count {
            out.push(Item::Float(value));
            value += step;
        }
    }
    Ok(())
}

/// `a+b`, `a-b` or `a`; a sign behind `e` belongs to the exponent.
fn first_and_step(text: &str) -> Result<(f64, f64), String> {
    let bytes = text.as_bytes();
    let sign = |i: usize| matches!(bytes[i], b'+' | b'-') && !matches!(bytes[i - 1], b'e' | b'E');
    match (1..bytes.len()).find(|&i| sign(i)) {
        Some(at) if number(text).is_err() => Ok((number(&text[..at])?, number(&text[at..])?)),
        _ => Ok((number(text)?, 0.0)),
    }
}

fn number(text: &str) -> Result<f64, String> {
    let plain = text.trim_start_matches(['+', '-']);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).map(|v| sign * v as f64).map_err(|e| e.to_string());
    }
    if let Ok(v) = plain.replace('_', "").parse::<f64>() {
        return Ok(sign * v);
    }
    Ok(sign * duration(plain)? as f64 / 1000.0)
}

/// A duration, or 0, in ms.
pub fn duration(text: &str) -> Result<i64, String> {
    let (sign, plain) = text.strip_prefix('-').map_or((1, text), |t| (-1, t));
    if plain == "0" {
        return Ok(0);
    }
    plimsoll_model::parse_duration_ms(plain)
        .map(|ms| sign * ms)
        .ok_or_else(|| format!("{text:?} is no duration"))
}
