//! The `analysis` section of the configuration: from written to checked.

use plimsoll_model::written::{Fields, Node, Problems};
use plimsoll_model::{HOUR_MS, SECOND_MS};

/// Series that may be watched at most: their states fit into the records.
pub const WATCHED_MAX: usize = 300;
/// Result series that may be configured.
const SERIES_MAX: usize = 20_000;

/// How analysis works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether anything is watched at all.
    pub enabled: bool,
    /// Time between two points of a watched series, ms; 1 s to 1 h.
    pub step_ms: i64,
    /// Series watched at most; 0 to [`WATCHED_MAX`].
    pub watched_max: usize,
    /// Result series at most; 10 % of the active series count too, see [`crate::SERIES_FLOOR`].
    pub series_max: usize,
    /// Time between two looks at the bounded resources, ms; 1 s to 1 h.
    pub capacity_interval_ms: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            step_ms: 30 * SECOND_MS,
            watched_max: 200,
            series_max: SERIES_MAX,
            capacity_interval_ms: 15 * SECOND_MS,
        }
    }
}

/// Reads the `analysis` section; what is wrong is noted in `problems`.
pub fn read(node: &Node, path: &str, problems: &mut Problems) -> Config {
    let mut config = Config::default();
    let mut fields = Fields::of(node, path, problems);
    config.enabled = fields.bool("enabled", problems).unwrap_or(true);
    if let Some(ms) = time(&mut fields, "step", problems) {
        config.step_ms = ms;
    }
    if let Some(n) = count(&mut fields, "watched_max", WATCHED_MAX, problems) {
        config.watched_max = n;
    }
    if let Some(n) = count(&mut fields, "series_max", SERIES_MAX, problems) {
        config.series_max = n;
    }
    if let Some(ms) = time(&mut fields, "capacity_interval", problems) {
        config.capacity_interval_ms = ms;
    }
    // Read with the features of the language: see `findings::jobs`.
    let _later = fields.take("jobs");
    fields.finish(problems);
    config
}

fn time(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems) -> Option<i64> {
    let ms = fields.duration_ms(key, problems)?;
    if !(SECOND_MS..=HOUR_MS).contains(&ms) {
        problems.add(fields.line(), fields.path(key), "must be between 1s and 1h");
        return None;
    }
    Some(ms)
}

fn count(
    fields: &mut Fields<'_>,
    key: &'static str,
    most: usize,
    problems: &mut Problems,
) -> Option<usize> {
    let n = fields.int(key, 0..=most as i64, problems)?;
    usize::try_from(n).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::written::parse;

    #[test]
    fn a_section_is_read_and_its_problems_are_told() {
        let text =
            "step: 5s\nwatched_max: 301\nseries_max: 700\ncapacity_interval: 0s\nenabeld: no\n";
        let mut problems = Problems::new("p.yml");
        let config = read(&parse("p.yml", text).unwrap(), "analysis", &mut problems);
        assert_eq!((config.step_ms, config.series_max), (5_000, 700));
        assert_eq!((config.watched_max, config.capacity_interval_ms), (200, 15_000));
        let found: Vec<String> = problems.found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("analysis.watched_max"), "{found:?}");
        assert!(found[1].contains("analysis.capacity_interval: must be between"), "{found:?}");
        assert!(found[2].contains("did you mean enabled?"), "{found:?}");
    }
}
