//! The `analysis` section of the configuration: from written to checked.

use plimsoll_model::written::{Fields, Node, Problems};
use plimsoll_model::{ByteSize, HOUR_MS, MINUTE_MS, Matcher, SECOND_MS};
use plimsoll_query::parse_selector;

use crate::watch::compiled;

/// Series that may be watched at most, however much memory there is.
pub const WATCHED_MAX: usize = 1_000_000;
/// Result series that may be configured.
const SERIES_MAX: usize = 20_000;
/// Least memory for detectors: those of a small host.
const MEMORY_MIN: u64 = 1 << 20;
/// Most memory for detectors.
const MEMORY_MAX: u64 = 64 << 30;
/// Selectors in `watch` and in `ignore`, each.
const SELECTORS_MAX: usize = 200;

/// How analysis works.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whether anything is watched at all.
    pub enabled: bool,
    /// Time between two points of a watched series, ms; 1 s to 1 h.
    pub step_ms: i64,
    /// Series watched at most; 0 to [`WATCHED_MAX`]. Memory usually decides before.
    pub watched_max: usize,
    /// Bytes for detectors; decides how many series are watched.
    pub memory: u64,
    /// Share of one core that all of analysis may take, above 0 to 1.
    pub cpu_max: f64,
    /// Series that are watched beside those of the host and the inputs of rules and dashboards.
    pub watch: Vec<Vec<Matcher>>,
    /// Series that are not watched, whoever reads them.
    pub ignore: Vec<Vec<Matcher>>,
    /// Result series at most; 10 % of the active series count too, see [`crate::SERIES_FLOOR`].
    pub series_max: usize,
    /// Time between two looks at the bounded resources, ms; 1 s to 1 h.
    pub capacity_interval_ms: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            step_ms: MINUTE_MS,
            watched_max: WATCHED_MAX,
            memory: 64 << 20,
            cpu_max: 0.25,
            watch: Vec::new(),
            ignore: Vec::new(),
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
    if let Some(bytes) = memory(&mut fields, problems) {
        config.memory = bytes;
    }
    if let Some(share) = share(&mut fields, problems) {
        config.cpu_max = share;
    }
    config.watch = selectors(&mut fields, "watch", problems);
    config.ignore = selectors(&mut fields, "ignore", problems);
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

fn memory(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<u64> {
    let size: ByteSize = fields.parsed("memory", problems)?;
    if !(MEMORY_MIN..=MEMORY_MAX).contains(&size.0) {
        problems.add(fields.line(), fields.path("memory"), "must be between 1MiB and 64GiB");
        return None;
    }
    Some(size.0)
}

fn share(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<f64> {
    fields.read("cpu_max", problems, |node| {
        let text = node.text().unwrap_or_default();
        match text.parse::<f64>() {
            Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
            _ => Err(format!("{text:?} is no share of a core (write a number above 0, up to 1)")),
        }
    })
}

fn selectors(
    fields: &mut Fields<'_>,
    key: &'static str,
    problems: &mut Problems,
) -> Vec<Vec<Matcher>> {
    let (line, path) = (fields.line(), fields.path(key));
    let texts = fields.texts(key, problems);
    if texts.len() > SELECTORS_MAX {
        let message = format!("{} selectors; at most {SELECTORS_MAX} are taken", texts.len());
        problems.add(line, path, message);
        return Vec::new();
    }
    let mut all = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let read = parse_selector(text).map_err(|e| e.to_string());
        match read.and_then(|s| compiled(&s.matchers).map_err(|e| e.to_string())) {
            Ok(matchers) => all.push(matchers),
            Err(e) => problems.add(line, format!("{path}[{i}]"), e),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::written::parse;

    fn problems_of(text: &str) -> (Config, Vec<String>) {
        let mut problems = Problems::new("p.yml");
        let config = read(&parse("p.yml", text).unwrap(), "analysis", &mut problems);
        (config, problems.found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_section_is_read_and_its_problems_are_told() {
        let (config, found) = problems_of(
            "step: 5s\nwatched_max: 1000001\nseries_max: 700\ncapacity_interval: 0s\nenabeld: no\n",
        );
        assert_eq!((config.step_ms, config.series_max), (5_000, 700));
        assert_eq!((config.watched_max, config.capacity_interval_ms), (WATCHED_MAX, 15_000));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("analysis.watched_max"), "{found:?}");
        assert!(found[1].contains("analysis.capacity_interval: must be between"), "{found:?}");
        assert!(found[2].contains("did you mean enabled?"), "{found:?}");
    }

    #[test]
    fn what_is_watched_and_what_it_may_take_is_read() {
        let (config, found) = problems_of(
            "memory: 8MiB\ncpu_max: 0.1\nwatch: ['{job=\"db\"}', 'http_requests_total']\n\
             ignore: ['{device=~\"loop.*\"}']\n",
        );
        assert!(found.is_empty(), "{found:?}");
        assert_eq!((config.memory, config.cpu_max), (8 << 20, 0.1));
        assert_eq!(config.watch[1], [Matcher::equal("__name__", "http_requests_total")]);
        assert_eq!((config.watch.len(), config.ignore.len()), (2, 1));
        let (_, found) = problems_of("memory: 1KiB\ncpu_max: 2\nwatch: ['{', 'up{a=~\"(\"}']\n");
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.iter().any(|p| p.contains("analysis.watch[0]")), "{found:?}");
    }
}
