//! How many series may be watched: by memory, by the configuration, and by what watching costs.
//!
//! When a step's share of a core exceeds three quarters of `analysis.cpu_max` ([`WATCHING_SHARE`]) fewer
//! series are watched, the last in order first; when it is half of that or less for a while, more again. Only steps that came in time
//! count: catching up is slowed down by who ticks.

use std::time::Duration;

use crate::config::Config;
use crate::scores::SERIES_BYTES;
use crate::spend::WATCHING_SHARE;

/// Weight of the newest step in the average.
const NEWEST: f64 = 0.3;
/// Part of the allowed number to which watching is cut.
const CUT_TO: f64 = 0.9;
/// Steps at low cost before more are watched again.
const CALM_STEPS: u32 = 10;
/// Fewest series that the cost alone leaves.
const LEAST: usize = 50;

/// How many series may be watched.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Series that the cost allows; `None` = any number.
    by_cost: Option<usize>,
    /// Average share of a core.
    share: f64,
    calm: u32,
}

/// What sets the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Memory,
    Cost,
}

impl Room {
    /// Series that may be watched, and why not more.
    pub(crate) fn most(&self, config: &Config) -> (usize, Bound) {
        let by_memory = usize::try_from(config.memory).unwrap_or(usize::MAX) / SERIES_BYTES;
        let most = by_memory.min(config.watched_max);
        match self.by_cost {
            Some(n) if n < most => (n, Bound::Cost),
            _ => (most, Bound::Memory),
        }
    }

    /// Takes note of what a step cost with so many series watched. Whether the bound changed.
    pub(crate) fn note(
        &mut self,
        took: Duration,
        step_ms: i64,
        watched: usize,
        config: &Config,
    ) -> bool {
        let share = took.as_secs_f64() * 1e3 / step_ms.max(1) as f64;
        self.share += NEWEST * (share - self.share);
        let budget = config.cpu_max * WATCHING_SHARE;
        if self.share > budget && watched > LEAST {
            let allowed = watched as f64 * budget / self.share * CUT_TO;
            let allowed = (allowed as usize).max(LEAST);
            tracing::warn!(
                watched,
                allowed,
                share = self.share,
                cpu_max = config.cpu_max,
                "watching takes too long; fewer series are watched (analysis.cpu_max)"
            );
            self.share *= allowed as f64 / watched as f64;
            self.by_cost = Some(allowed);
            self.calm = 0;
            return true;
        }
        let Some(bound) = self.by_cost else { return false };
        self.calm = if self.share < budget / 2.0 { self.calm + 1 } else { 0 };
        if self.calm < CALM_STEPS {
            return false;
        }
        self.calm = 0;
        let more = bound + bound / 4 + 1;
        let (most, _) = Self::default().most(config);
        self.by_cost = (more < most).then_some(more);
        true
    }

    /// Average share of a core that steps took.
    pub(crate) const fn share(&self) -> f64 {
        self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_cost_decide_how_many_are_watched() {
        let config = Config { memory: 100 * SERIES_BYTES as u64, ..Config::default() };
        let mut room = Room::default();
        assert_eq!(room.most(&config), (100, Bound::Memory));
        for _ in 0..20 {
            let (watched, _) = room.most(&config);
            room.note(Duration::from_millis(30_000), 60_000, watched, &config);
        }
        let (most, bound) = room.most(&config);
        assert!(most == 50 && bound == Bound::Cost, "{most}");
        for _ in 0..60 {
            room.note(Duration::from_millis(10), 60_000, most, &config);
        }
        assert_eq!(room.most(&config), (100, Bound::Memory));
        assert!(room.share() < 0.01);
        let few = Config { watched_max: 3, ..config };
        assert_eq!(room.most(&few).0, 3);
    }

    #[test]
    fn one_slow_step_is_no_reason() {
        let (config, mut room) = (Config::default(), Room::default());
        assert!(!room.note(Duration::from_secs(20), 60_000, 1_000, &config));
        assert!(!room.note(Duration::from_millis(5), 60_000, 1_000, &config));
    }
}
