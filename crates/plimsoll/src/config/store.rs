//! The `store` section.

use std::time::Duration;

use plimsoll_model::written::{Fields, Node, Problems};
use plimsoll_model::{ByteSize, MatchOp, Matcher, parse_duration_ms};
use plimsoll_store::{Config, RetentionOverride, WalSync};

use super::encryption;

/// How long `unlimited` is: longer than anything that was ever measured.
const UNLIMITED: Duration = Duration::from_secs(500 * 365 * 86_400);

/// A retention as people write it.
pub fn retention(text: &str) -> Result<Duration, String> {
    if text == "unlimited" {
        return Ok(UNLIMITED);
    }
    let ms = parse_duration_ms(text)
        .ok_or_else(|| format!("{text:?} is not a duration (write 35d, 1y, or unlimited)"))?;
    if ms < 3_600_000 {
        return Err(format!("{text:?} is shorter than an hour; set 1h or more"));
    }
    Ok(Duration::from_millis(ms.unsigned_abs()).min(UNLIMITED))
}

/// The matchers of a selector, at least one of which asks for something.
fn matchers(text: &str) -> Result<Vec<Matcher>, String> {
    let selector = plimsoll_query::parse_selector(text).map_err(|e| e.to_string())?;
    let op = |op| match op {
        plimsoll_query::MatchOp::Equal => MatchOp::Equal,
        plimsoll_query::MatchOp::NotEqual => MatchOp::NotEqual,
        plimsoll_query::MatchOp::Regex => MatchOp::Regex,
        plimsoll_query::MatchOp::NotRegex => MatchOp::NotRegex,
    };
    let all = selector.matchers.iter().map(|m| Matcher::new(op(m.op), &m.name, &m.value));
    let all = all.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    if all.iter().all(Matcher::matches_empty) {
        return Err(format!("{text:?} matches every series; name at least one label"));
    }
    Ok(all)
}

pub fn read(node: &Node, path: &str, problems: &mut Problems) -> Config {
    let mut config = Config::default();
    let mut fields = Fields::of(node, path, problems);
    let text = |n: &Node| n.text().unwrap_or_default();
    if let Some(found) = fields.read("retention", problems, |n| retention(&text(n))) {
        config.retention = found;
    }
    if let Some(n) = fields.int("max_series", 1..=i64::from(i32::MAX), problems) {
        config.max_series = usize::try_from(n).unwrap_or(usize::MAX);
    }
    if let Some(node) = fields.take("limits") {
        let mut limits = Fields::of(node, &format!("{path}.limits"), problems);
        let mut read = |key: &'static str, least: i64, into: &mut usize| {
            if let Some(n) = limits.int(key, least..=i64::from(i32::MAX), problems) {
                *into = usize::try_from(n).unwrap_or(usize::MAX);
            }
        };
        read("series", 1, &mut config.max_series);
        read("series_per_metric", 0, &mut config.max_series_per_metric);
        read("series_per_source", 0, &mut config.max_series_per_source);
        read("label_values", 0, &mut config.max_label_values);
        limits.finish(problems);
    }
    if let Some(size) = fields.parsed::<ByteSize>("reserve", problems) {
        config.reserve_bytes = Some(size.0);
    }
    if let Some(node) = fields.take("tiers") {
        let mut tiers = Fields::of(node, &format!("{path}.tiers"), problems);
        for (i, name) in ["5m", "1h"].into_iter().enumerate() {
            if let Some(found) = tiers.read(name, problems, |n| retention(&text(n))) {
                config.tier_retention[i] = found;
            }
        }
        tiers.finish(problems);
    }
    let overrides = fields.list("retention_overrides", problems);
    for (i, node) in overrides.iter().enumerate() {
        let mut one = Fields::of(node, &format!("{path}.retention_overrides[{i}]"), problems);
        let matchers = one.read("match", problems, |n| matchers(&text(n)));
        let keep = one.read("keep", problems, |n| retention(&text(n)));
        match (matchers, keep) {
            (Some(matchers), Some(keep)) => {
                config.retention_overrides.push(RetentionOverride { matchers, keep });
            }
            _ => problems.add(node.line, one.path("match"), "match and keep are both needed"),
        }
        one.finish(problems);
    }
    if let Some(size) = fields.parsed::<ByteSize>("retention_size", problems) {
        config.retention_bytes = size.0;
    }
    if let Some(found) = fields.read("min_keep", problems, |n| retention(&text(n))) {
        config.min_keep = found;
    }
    if let Some(node) = fields.take("encryption") {
        config.encryption = encryption::read(node, &format!("{path}.encryption"), problems);
    }
    if let Some(node) = fields.take("memory") {
        let mut memory = Fields::of(node, &format!("{path}.memory"), problems);
        if let Some(size) = memory.parsed::<ByteSize>("limit", problems) {
            // A quarter for the head, a fifth for pages, as the engine's budget has it.
            config.flush_bytes = (size.0 / 4).max(1 << 20);
            config.cache_bytes = usize::try_from(size.0 / 5).unwrap_or(usize::MAX).max(2 << 20);
        }
        memory.finish(problems);
    }
    if let Some(node) = fields.take("wal") {
        let mut wal = Fields::of(node, &format!("{path}.wal"), problems);
        let sync = wal.read("sync", problems, |n| match text(n).as_str() {
            "os" => Ok(WalSync::Os),
            "fsync" => Ok(WalSync::Fsync),
            "never" => Ok(WalSync::Never),
            other => Err(format!("{other:?} is neither os, fsync nor never")),
        });
        config.wal_sync = sync.unwrap_or_default();
        wal.finish(problems);
    }
    fields.finish(problems);
    config
}
