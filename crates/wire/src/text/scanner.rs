//! The walk over a body, line by line.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use plimsoll_model::{MetricKind, Timestamp};

use super::series::{self, is_metric_char, parse_braces};
use super::{Bound, Format, number};
use crate::{Error, Result};

/// One line that means something.
#[derive(Clone, Debug, PartialEq)]
pub enum Line<'a> {
    /// A sample.
    Sample(Sample<'a>),
    /// `# TYPE`.
    Type {
        /// The family's name.
        metric: Cow<'a, str>,
        /// Its type.
        kind: MetricKind,
    },
    /// `# HELP`.
    Help {
        /// The family's name.
        metric: Cow<'a, str>,
        /// What it tells, escapes resolved.
        help: Cow<'a, str>,
    },
    /// `# UNIT`.
    Unit {
        /// The family's name.
        metric: Cow<'a, str>,
        /// Its unit.
        unit: &'a str,
    },
}

/// A sample as its line has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// Name and labels as written, for [`super::parse_series`].
    pub series: &'a [u8],
    /// Which label takes float form there. Part of the identity of `series`.
    pub bound: Bound,
    /// The value; NaN is always the ordinary one.
    pub value: f64,
    /// The time in ms, where the target tells one.
    pub time: Option<Timestamp>,
}

/// Reads a body. After an error it must not be asked again.
#[derive(Debug)]
pub struct Scanner<'a> {
    rest: &'a [u8],
    format: Format,
    line: usize,
    /// The family of the last `# TYPE`, and its type.
    family: Cow<'a, str>,
    kind: MetricKind,
    ended: bool,
    exemplars: u64,
}

impl<'a> Scanner<'a> {
    /// A scanner at the first line.
    pub const fn new(body: &'a [u8], format: Format) -> Self {
        Self {
            rest: body,
            format,
            line: 0,
            family: Cow::Borrowed(""),
            kind: MetricKind::Unknown,
            ended: false,
            exemplars: 0,
        }
    }

    /// The number of the line that was read last, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Exemplars that were checked and skipped so far.
    pub const fn exemplars(&self) -> u64 {
        self.exemplars
    }

    /// The next line that means something; `None` at the end.
    ///
    /// # Errors
    /// `Invalid`, naming the line, for what the format does not allow.
    pub fn next_line(&mut self) -> Result<Option<Line<'a>>> {
        while let Some(line) = self.take_line() {
            self.line += 1;
            let read = match self.format {
                Format::Prometheus => self.prometheus(line),
                Format::OpenMetrics => self.open_metrics(line),
            };
            match read {
                Ok(None) => {}
                Ok(some) => return Ok(some),
                Err(why) => return Err(at_line(self.line, line, &why)),
            }
        }
        if self.format == Format::OpenMetrics && !self.ended {
            return Err(Error::invalid("the body ends without \"# EOF\"; it may have been cut"));
        }
        Ok(None)
    }

    fn take_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = match memchr(b'\n', self.rest) {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        Some(line)
    }

    fn prometheus(&mut self, line: &'a [u8]) -> Result<Option<Line<'a>>, String> {
        let line = skip_blanks(line);
        match line.first() {
            None => return Ok(None),
            Some(b'#') => return self.prometheus_comment(&line[1..]),
            Some(_) => {}
        }
        let (series, rest) = split_series(line, Format::Prometheus)?;
        let (value, rest) = split_word(skip_blanks(rest));
        let (time, rest) = split_word(skip_blanks(rest));
        if !skip_blanks(rest).is_empty() {
            return Err("more follows the timestamp".into());
        }
        let time = if time.is_empty() {
            None
        } else {
            Some(number::time_ms(time).ok_or_else(|| wrong("timestamp", time, "whole ms"))?)
        };
        Ok(Some(self.sample(series, value, time)?))
    }

    fn prometheus_comment(&mut self, text: &'a [u8]) -> Result<Option<Line<'a>>, String> {
        let (word, rest) = split_word(skip_blanks(text));
        if skip_blanks(text).len() == text.len() || rest.is_empty() {
            return Ok(None);
        }
        let keyword = match word {
            b"HELP" => Keyword::Help,
            b"TYPE" => Keyword::Type,
            _ => return Ok(None),
        };
        let (metric, rest) = series::family_name(skip_blanks(rest))?;
        self.about(keyword, metric, skip_blanks(rest)).map(Some)
    }

    fn open_metrics(&mut self, line: &'a [u8]) -> Result<Option<Line<'a>>, String> {
        if self.ended {
            return Err("text after \"# EOF\"".into());
        }
        match line {
            b"# EOF" => {
                self.ended = true;
                return Ok(None);
            }
            [] => return Err("blank line".into()),
            [b'#', rest @ ..] => return self.open_metrics_comment(rest).map(Some),
            _ => {}
        }
        let (series, rest) = split_series(line, Format::OpenMetrics)?;
        let (value, mut rest) = split_word(one_blank(rest)?);
        let mut time = None;
        if !rest.is_empty() && !rest.starts_with(b" #") {
            let (word, after) = split_word(one_blank(rest)?);
            time = Some(
                number::time_seconds(word).ok_or_else(|| wrong("timestamp", word, "seconds"))?,
            );
            rest = after;
        }
        if !rest.is_empty() {
            check_exemplar(rest)?;
            self.exemplars += 1;
        }
        Ok(Some(self.sample(series, value, time)?))
    }

    fn open_metrics_comment(&mut self, text: &'a [u8]) -> Result<Line<'a>, String> {
        let (word, rest) = split_word(one_blank(text)?);
        let keyword = match word {
            b"HELP" => Keyword::Help,
            b"TYPE" => Keyword::Type,
            b"UNIT" => Keyword::Unit,
            _ => return Err("a comment that is not HELP, TYPE, UNIT or EOF".into()),
        };
        let (metric, rest) = series::family_name(one_blank(rest)?)?;
        let rest = if rest.is_empty() { rest } else { one_blank(rest)? };
        self.about(keyword, metric, rest)
    }

    fn about(
        &mut self,
        keyword: Keyword,
        metric: Cow<'a, str>,
        text: &'a [u8],
    ) -> Result<Line<'a>, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
        match keyword {
            Keyword::Help => Ok(Line::Help { metric, help: series::unescape(text, self.format) }),
            Keyword::Type => {
                let kind = kind_of(text, self.format)
                    .ok_or_else(|| format!("{text:?} is not a metric type"))?;
                self.family.clone_from(&metric);
                self.kind = kind;
                Ok(Line::Type { metric, kind })
            }
            Keyword::Unit => {
                let stem = metric.strip_suffix(text).unwrap_or("");
                if !text.is_empty() && !stem.ends_with('_') {
                    return Err(format!("unit {text:?} is not a suffix of {metric:?}"));
                }
                Ok(Line::Unit { metric, unit: text })
            }
        }
    }

    fn sample(
        &self,
        series: &'a [u8],
        value: &[u8],
        time: Option<Timestamp>,
    ) -> Result<Line<'a>, String> {
        if value.is_empty() {
            return Err("no value".into());
        }
        let value = number::value(value).ok_or_else(|| wrong("value", value, "a number"))?;
        let value = if value.is_nan() { f64::NAN } else { value };
        Ok(Line::Sample(Sample { series, bound: self.bound_of(series), value, time }))
    }

    #[inline]
    fn bound_of(&self, series: &[u8]) -> Bound {
        let (bound, suffix) = match self.kind {
            MetricKind::Histogram | MetricKind::GaugeHistogram => (Bound::Le, &b"_bucket"[..]),
            MetricKind::Summary => (Bound::Quantile, &b""[..]),
            _ => return Bound::None,
        };
        let name_end = series.iter().position(|c| !is_metric_char(*c)).unwrap_or(series.len());
        let name = &series[..name_end];
        let own = name.is_empty()
            || name.strip_prefix(self.family.as_bytes()).is_some_and(|rest| rest == suffix);
        if own { bound } else { Bound::None }
    }
}

#[derive(Clone, Copy)]
enum Keyword {
    Help,
    Type,
    Unit,
}

fn at_line(number: usize, line: &[u8], why: &str) -> Error {
    let shown = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
    Error::Invalid(format!("line {number}: {shown:?}: {why}"))
}

fn wrong(what: &str, found: &[u8], expected: &str) -> String {
    let shown = String::from_utf8_lossy(&found[..found.len().min(40)]).into_owned();
    format!("{what} {shown:?} is not {expected}")
}

/// Text 0.0.4 knows five types; OpenMetrics has more and calls `untyped` unknown.
fn kind_of(word: &str, format: Format) -> Option<MetricKind> {
    let kind: MetricKind = match format {
        Format::Prometheus => word.trim_matches([' ', '\t']).parse().ok()?,
        Format::OpenMetrics if word == "untyped" => return None,
        Format::OpenMetrics => word.parse().ok()?,
    };
    Some(kind)
}

/// Splits a line behind its series part. Braces inside quotes do not count.
#[inline]
fn split_series(line: &[u8], format: Format) -> Result<(&[u8], &[u8]), String> {
    let name_end = line.iter().position(|c| !is_metric_char(*c)).unwrap_or(line.len());
    let after = match format {
        Format::Prometheus => line.len() - skip_blanks(&line[name_end..]).len(),
        Format::OpenMetrics => name_end,
    };
    if line.get(after) == Some(&b'{') {
        let end = closing_brace(line, after + 1).ok_or("the labels do not end")?;
        return Ok(line.split_at(end + 1));
    }
    if name_end == 0 || line[0].is_ascii_digit() {
        return Err("it does not begin with a metric name".into());
    }
    Ok(line.split_at(name_end))
}

/// Where the `}` is that ends labels beginning at `at`.
#[inline]
fn closing_brace(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'}', line.get(at..)?)?;
        if line[at] == b'}' {
            return Some(at);
        }
        at += 1;
        loop {
            at += memchr2(b'"', b'\\', line.get(at..)?)?;
            if line[at] == b'"' {
                break;
            }
            at += 2;
        }
        at += 1;
    }
}

/// ` # {labels} value [time]`.
fn check_exemplar(text: &[u8]) -> Result<(), String> {
    let rest = text.strip_prefix(b" # ").ok_or("more follows the timestamp")?;
    if rest.first() != Some(&b'{') {
        return Err("the exemplar has no labels".into());
    }
    let end = closing_brace(rest, 1).ok_or("the exemplar's labels do not end")?;
    let labels = std::str::from_utf8(&rest[..=end]).map_err(|_| "the exemplar is not UTF-8")?;
    parse_braces(labels, Format::OpenMetrics, Bound::None, &mut Vec::new())?;
    let (value, rest) = split_word(one_blank(&rest[end + 1..])?);
    number::value(value).ok_or_else(|| wrong("exemplar value", value, "a number"))?;
    if rest.is_empty() {
        return Ok(());
    }
    let (time, rest) = split_word(one_blank(rest)?);
    number::time_seconds(time).ok_or_else(|| wrong("exemplar timestamp", time, "seconds"))?;
    if rest.is_empty() { Ok(()) } else { Err("more follows the exemplar".into()) }
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let n = text.iter().position(|c| !matches!(c, b' ' | b'\t')).unwrap_or(text.len());
    &text[n..]
}

fn one_blank(text: &[u8]) -> Result<&[u8], String> {
    match text {
        [b' ', rest @ ..] if !rest.is_empty() && rest[0] != b' ' => Ok(rest),
        [] => Err("it ends too early".into()),
        _ => Err("parts are separated by exactly one blank".into()),
    }
}

fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let n = text.iter().position(|c| matches!(c, b' ' | b'\t')).unwrap_or(text.len());
    text.split_at(n)
}
