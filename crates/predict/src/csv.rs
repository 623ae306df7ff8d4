//! The command line's analyses as text to text: `timestamp,value` in, scores or a forecast out.
//!
//! Timestamps: `YYYY-MM-DD HH:MM:SS`, RFC 3339, epoch seconds or milliseconds; UTC unless an offset is given. The answer uses
//! the form of the input. An empty value, `NaN` or infinity is a gap. The step is the median distance of the
//! first rows for detection, which must not look ahead, and of all rows for forecasts.
//!
//! Limits: [`CSV_ROWS_MAX`] rows. Quoting is not needed for these columns; surrounding double quotes are removed.

mod stamp;

use crate::ahead::{AheadOptions, ahead};
use crate::error::Error;
use plimsoll_analyze::{Detector, DetectorConfig};
use stamp::Form;
use std::fmt::Write;

/// Rows of one file: two years at one a second would be more than an analysis can use.
pub const CSV_ROWS_MAX: usize = 10_000_000;
/// Rows that settle the step of a detection; the detector gives no score to so few.
const STEP_ROWS: usize = 30;

/// What `plimsoll forecast` was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastRequest {
    /// Steps ahead.
    pub horizon: usize,
    /// Season in samples; `None`, 0 or 1: the calendar periods of the step are tried.
    pub season: Option<usize>,
    /// Share of future values the interval should hold.
    pub level: f64,
}

/// Scores every row: `timestamp,value` to `timestamp,value,anomaly_score`. Causal: a row's score depends on the rows
/// up to it alone.
///
/// # Errors
/// [`Error::Invalid`] naming line, field and value.
pub fn detect_csv(text: &str) -> Result<String, Error> {
    let first: Vec<i64> =
        rows(text)?.take(STEP_ROWS).map_while(|row| Some(row.ok()?.time_ms)).collect();
    let step_ms = median_step(&first).unwrap_or(60_000);
    let mut detector = Detector::new(DetectorConfig { step_ms });
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    out.push_str("timestamp,value,anomaly_score\n");
    for row in rows(text)? {
        let row = row?;
        let score = detector.observe(row.time_ms, row.value).score;
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{},{},{score:.9}", row.stamp, row.text);
    }
    Ok(out)
}

/// Forecasts a series: `timestamp,value` to `timestamp,mean,lower,upper` with one row per step.
///
/// # Errors
/// [`Error::Invalid`] naming line, field and value; [`Error::Limit`] for a horizon too far.
pub fn forecast_csv(text: &str, request: &ForecastRequest) -> Result<String, Error> {
    let (mut times, mut values, mut newest) = (Vec::new(), Vec::new(), (i64::MIN, Form::Plain));
    for row in rows(text)? {
        let row = row?;
        times.push(row.time_ms);
        values.push(row.value);
        if row.time_ms >= newest.0 {
            newest = (row.time_ms, row.form);
        }
    }
    let options = AheadOptions {
        horizon: request.horizon,
        step_ms: None,
        season: request.season,
        level: request.level,
    };
    let found = ahead(&times, &values, &options)?;
    let mut out = String::from("timestamp,mean,lower,upper\n");
    let path = &found.forecast;
    for k in 0..request.horizon {
        let stamp = newest.1.write(found.time_ms(k));
        let _ = writeln!(out, "{stamp},{},{},{}", path.mean[k], path.lower[k], path.upper[k]);
    }
    Ok(out)
}

/// The samples of a CSV of `timestamp,value`: times in ms, ascending, each once (of doubles the last row counts), and
/// values, NaN where there is a gap.
///
/// # Errors
/// [`Error::Invalid`] naming line, field and value; [`Error::Limit`] for too many rows.
pub fn read_csv(text: &str) -> Result<(Vec<i64>, Vec<f64>), Error> {
    let mut samples = Vec::new();
    for row in rows(text)? {
        let row = row?;
        samples.push((row.time_ms, row.value));
    }
    samples.sort_by_key(|sample| sample.0);
    let (mut times, mut values): (Vec<i64>, Vec<f64>) = (Vec::new(), Vec::new());
    for (time_ms, value) in samples {
        if times.last() == Some(&time_ms) {
            times.pop();
            values.pop();
        }
        times.push(time_ms);
        values.push(value);
    }
    Ok((times, values))
}

struct Row<'a> {
    time_ms: i64,
    value: f64,
    stamp: &'a str,
    text: &'a str,
    form: Form,
}

/// The rows of a text, read one by one.
fn rows(text: &str) -> Result<impl Iterator<Item = Result<Row<'_>, Error>>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let columns = match lines.next() {
        Some((_, header)) => Columns::of(header)?,
        None => {
            return Err(Error::Invalid(
                "input is empty; the first line must be timestamp,value".into(),
            ));
        }
    };
    Ok(lines.enumerate().map(move |(count, (index, line))| {
        if count >= CSV_ROWS_MAX {
            return Err(Error::Limit(format!(
                "input has more than {CSV_ROWS_MAX} rows; aggregate it to a coarser step"
            )));
        }
        columns.row(index + 1, line)
    }))
}

/// Where the two columns stand.
struct Columns {
    stamp: usize,
    value: usize,
}

impl Columns {
    fn of(header: &str) -> Result<Columns, Error> {
        let place = |name: &str| {
            header.split(',').position(|field| bare(field).eq_ignore_ascii_case(name)).ok_or_else(
                || {
                    let shown: String = header.chars().take(80).collect();
                    Error::Invalid(format!(
                        "line 1: header \"{shown}\" has no column \"{name}\"; write timestamp,value"
                    ))
                },
            )
        };
        Ok(Columns { stamp: place("timestamp")?, value: place("value")? })
    }

    fn row<'a>(&self, line_number: usize, line: &'a str) -> Result<Row<'a>, Error> {
        let field = |at: usize, name: &str| {
            line.split(',').nth(at).map(bare).ok_or_else(|| {
                let shown: String = line.chars().take(40).collect();
                Error::Invalid(format!(
                    "line {line_number}: column \"{name}\" is missing in \"{shown}\"; write as many fields as \
                     the header has (leave a value empty for a gap)"
                ))
            })
        };
        let (stamp, text) = (field(self.stamp, "timestamp")?, field(self.value, "value")?);
        let Some((time_ms, form)) = stamp::read(stamp) else {
            let shown: String = stamp.chars().take(40).collect();
            return Err(Error::Invalid(format!(
                "line {line_number}: timestamp \"{shown}\" is not a time (write 2024-01-31 13:05:00, \
                 2024-01-31T13:05:00Z, or epoch seconds or milliseconds)"
            )));
        };
        let value = match text {
            "" => f64::NAN,
            _ => text.parse::<f64>().map_err(|_| {
                let shown: String = text.chars().take(40).collect();
                Error::Invalid(format!(
                    "line {line_number}: value \"{shown}\" is not a number (leave it empty for a gap)"
                ))
            })?,
        };
        Ok(Row { time_ms, value, stamp, text, form })
    }
}

fn bare(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|f| f.strip_suffix('"')).unwrap_or(field)
}

/// Median of the positive distances between neighbours.
fn median_step(times: &[i64]) -> Option<i64> {
    let mut steps: Vec<i64> =
        times.windows(2).map(|w| w[1].saturating_sub(w[0])).filter(|&d| d > 0).collect();
    if steps.is_empty() {
        return None;
    }
    let middle = steps.len() / 2;
    Some(*steps.select_nth_unstable(middle).1)
}
