//! The command line's analyses as text to text: `timestamp,value` in, scores or a forecast out.
//!
//! Timestamps: `YYYY-MM-DD HH:MM:SS`, RFC 3339, epoch seconds or milliseconds; UTC unless an offset is given. The answer uses
//! the form of the input. An empty value, `NaN` or infinity is a gap. The step is the median distance of the
//! first rows for detection, which must not look ahead, and of all rows for forecasts.
//!
//! Limits: [`CSV_ROWS_MAX`] rows. Quoting is not needed for these columns; surrounding double quotes are removed.

mod stamp;

use crate::error::Error;
use crate::forecast::{ForecastOptions, POINTS_MAX, forecast, periods_of_season};
use plimsoll_analyze::{Detector, DetectorConfig, calendar_periods, find_periods};
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
    let rows = parse(text)?;
    let first: Vec<i64> = rows.iter().take(STEP_ROWS).map(|row| row.time_ms).collect();
    let step_ms = median_step(&first).unwrap_or(60_000);
    let mut detector = Detector::new(DetectorConfig { step_ms });
    let mut out = String::with_capacity(text.len() + 16 * rows.len());
    out.push_str("timestamp,value,anomaly_score\n");
    for row in &rows {
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
    let rows = parse(text)?;
    let times: Vec<i64> = rows.iter().map(|row| row.time_ms).collect();
    let Some(last) = rows.iter().max_by_key(|row| row.time_ms) else {
        return Err(Error::Invalid("input has no rows; give at least one timestamp,value".into()));
    };
    let step_ms = median_step(&times).ok_or_else(|| {
        Error::Invalid("input has no two different timestamps; the step is unknown".into())
    })?;
    let values = on_grid(&rows, last.time_ms, step_ms);
    let periods = match request.season {
        Some(season) if season > 1 => periods_of_season(season),
        _ => find_periods(&values, &calendar_periods(step_ms)),
    };
    let options = ForecastOptions { horizon: request.horizon, periods, level: request.level };
    let ahead = forecast(&values, &options)?;
    let mut out = String::from("timestamp,mean,lower,upper\n");
    for k in 0..request.horizon {
        let time_ms = last.time_ms.saturating_add(step_ms.saturating_mul(k as i64 + 1));
        let stamp = last.form.write(time_ms);
        let _ = writeln!(out, "{stamp},{},{},{}", ahead.mean[k], ahead.lower[k], ahead.upper[k]);
    }
    Ok(out)
}

struct Row<'a> {
    time_ms: i64,
    value: f64,
    stamp: &'a str,
    text: &'a str,
    form: Form,
}

fn parse(text: &str) -> Result<Vec<Row<'_>>, Error> {
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
    let mut rows = Vec::new();
    for (index, line) in lines {
        if rows.len() == CSV_ROWS_MAX {
            return Err(Error::Limit(format!(
                "input has more than {CSV_ROWS_MAX} rows; aggregate it to a coarser step"
            )));
        }
        rows.push(columns.row(index + 1, line)?);
    }
    Ok(rows)
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
                Error::Invalid(format!("line {line_number}: column \"{name}\" is missing"))
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

/// The newest points on an even grid that ends at `last_ms`; missing places are NaN, doubles are averaged.
fn on_grid(rows: &[Row<'_>], last_ms: i64, step_ms: i64) -> Vec<f64> {
    let mut cells = vec![(0.0, 0u32); POINTS_MAX];
    let mut used = 1;
    for row in rows.iter().filter(|row| row.value.is_finite()) {
        let back = (last_ms.saturating_sub(row.time_ms).saturating_add(step_ms / 2)) / step_ms;
        let Some(cell) = usize::try_from(back).ok().filter(|&back| back < POINTS_MAX) else {
            continue;
        };
        let (sum, count) = &mut cells[cell];
        *sum += row.value;
        *count += 1;
        used = used.max(cell + 1);
    }
    let mean =
        |&(sum, count): &(f64, u32)| if count > 0 { sum / f64::from(count) } else { f64::NAN };
    cells[..used].iter().rev().map(mean).collect()
}
