//! What was expected of a series, computed when it is asked: the detector is run over its history.
//!
//! Values and bands of watched series are not stored: a thousand of them would be four thousand series.
//! The history before the range teaches the detector, so a chart of the last hour has the band of a
//! detector that knows more than that hour. The query is evaluated as it is; a watched gauge is the mean of
//! its samples in a step, so write `avg_over_time(m[1m])` for the same values.

use std::sync::Arc;

use plimsoll_analyze::{Detector, DetectorConfig};
use plimsoll_model::{Grid, Labels, Matrix, ReadCx, SECOND_MS, Snapshot, Timestamp};
use plimsoll_query::{Engine, Query, QueryError, QueryResult, Value};

/// Points of a series that are shown at most.
pub const BAND_POINTS_MAX: usize = 5_000;
/// Series of one answer at most; the first by labels.
pub const BAND_SERIES_MAX: usize = 50;
/// Points before the range that teach.
const TAUGHT: i64 = 3_000;
/// Half the width of the band in usual distances of a point from its expectation: about three standard
/// deviations of normal noise.
const WIDTH: f64 = 4.0;

/// The band of one series, column by column; a point without a value is not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Its labels.
    pub labels: Labels,
    /// Times, ms since the epoch.
    pub times: Vec<Timestamp>,
    /// Values.
    pub value: Vec<f64>,
    /// What was expected of each from those before it; NaN where nothing was.
    pub expected: Vec<f64>,
    /// Lower end of what is usual; NaN where nothing is known.
    pub lower: Vec<f64>,
    /// Upper end of what is usual; NaN where nothing is known.
    pub upper: Vec<f64>,
    /// How unusual each is, 0..=1.
    pub score: Vec<f64>,
}

/// The bands of what a query gives over a grid, and whether series were left out.
///
/// # Errors
/// Those of [`Engine::range`]; `BadData` for more than [`BAND_POINTS_MAX`] steps or a step below a second.
pub fn bands(
    engine: &Engine,
    snapshot: &Arc<dyn Snapshot>,
    query: &Query,
    grid: Grid,
    cx: &ReadCx,
) -> QueryResult<(Vec<Band>, bool)> {
    if grid.len() > BAND_POINTS_MAX || grid.step < SECOND_MS {
        let message =
            format!("at most {BAND_POINTS_MAX} steps of at least 1s; ask for less or coarser");
        return Err(QueryError::BadData(message));
    }
    let taught = Grid { start: grid.start.saturating_sub(TAUGHT * grid.step), ..grid };
    let answer = engine.range(snapshot, query, taught, cx)?;
    let Value::Matrix(mut matrix) = answer.value else { return Ok((Vec::new(), false)) };
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    let truncated = matrix.len() > BAND_SERIES_MAX;
    matrix.truncate(BAND_SERIES_MAX);
    Ok((of(matrix, grid), truncated))
}

fn of(matrix: Matrix, grid: Grid) -> Vec<Band> {
    let mut all = Vec::new();
    for series in matrix {
        let mut band = Band {
            labels: series.labels,
            times: Vec::new(),
            value: Vec::new(),
            expected: Vec::new(),
            lower: Vec::new(),
            upper: Vec::new(),
            score: Vec::new(),
        };
        let mut detector = Detector::new(DetectorConfig { step_ms: grid.step });
        // How far points were from what was expected, before this one.
        let mut usual = 0.0;
        for (&at, &value) in series.times.iter().zip(&series.floats) {
            let scored = detector.observe(at, value);
            if at >= grid.start {
                let expected = scored.expected.unwrap_or(f64::NAN);
                let half = if usual > 0.0 { WIDTH * usual } else { f64::NAN };
                band.times.push(at);
                band.value.push(value);
                band.expected.push(expected);
                band.lower.push(expected - half);
                band.upper.push(expected + half);
                band.score.push((scored.score * 100.0).round() / 100.0);
            }
            usual = scored.spread;
        }
        if !band.times.is_empty() {
            all.push(band);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::{MINUTE_MS, MemorySource, SeriesSource};
    use plimsoll_query::EngineConfig;
    use plimsoll_world::Workers;

    #[test]
    fn a_band_holds_what_is_usual_and_not_what_is_not() {
        let source = MemorySource::new();
        let labels = Labels::new([("__name__", "m")]).unwrap();
        let start = 1_000 * MINUTE_MS;
        for i in 0..1_000 {
            let value = 50.0 + (i * 37 % 11) as f64 + if i == 950 { 90.0 } else { 0.0 };
            source.append(&labels, start + i * MINUTE_MS, value);
        }
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        let query = engine.parse("m").unwrap();
        let grid =
            Grid { start: start + 900 * MINUTE_MS, end: start + 999 * MINUTE_MS, step: MINUTE_MS };
        let cx = ReadCx::unlimited();
        let (found, truncated) = bands(&engine, &source.snapshot(), &query, grid, &cx).unwrap();
        assert!(found.len() == 1 && !truncated);
        let band = &found[0];
        assert_eq!((band.times.len(), band.times[0]), (100, grid.start));
        assert!(band.value[50] > band.upper[50] && band.score[50] > 0.5, "{band:?}");
        let inside = (0..50)
            .filter(|i| band.lower[*i] <= band.value[*i] && band.value[*i] <= band.upper[*i]);
        assert!(inside.count() > 45);
        let wide = Grid { step: 1, ..grid };
        assert!(bands(&engine, &source.snapshot(), &query, wide, &cx).is_err());
    }
}
