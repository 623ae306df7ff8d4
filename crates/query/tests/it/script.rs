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
pub use plimsoll_query::SeriesValue as Item;

use crate::script_histogram as histogram;

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
                Item::Histogram(h) => (stale_nan(), Some(h)),
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
    plimsoll_query::parse_series(line).map_err(|e| e.to_string())
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
    plimsoll_query::parse_series_values(text).map_err(|e| e.to_string())
}

/// The one number of a line.
fn number(text: &str) -> Result<f64, String> {
    match values(text)?.as_slice() {
        [Item::Float(v)] => Ok(*v),
        _ => Err(format!("{text:?} is no number")),
    }
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
