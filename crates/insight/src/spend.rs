//! What analysis costs, part by part, and who waits when all of it costs more than `analysis.cpu_max`.
//!
//! Cost is the time that a part works, on the monotonic clock: a little more than its CPU time on a busy
//! machine. The share of a core is an average over about [`OVER`]. When it comes near the budget parts
//! wait, first the search for drift, then jobs and findings, then the look at resources; each for a
//! bounded time, after which it works once. Watching itself does not wait: it may take
//! [`WATCHING_SHARE`] of the budget, and beyond that fewer series are watched ([`crate::room`]).
//!
//! Limits: one account for each part.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_model::MetricKind;

use crate::findings::LabelledRow;

/// The average share is that of about so long.
const OVER: Duration = Duration::from_secs(300);
/// Part of the budget that watching may take.
pub(crate) const WATCHING_SHARE: f64 = 0.75;
/// Time after which a part that had to wait asks again.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(15);

/// What analysis does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Detectors, groups, series that stopped.
    Watching,
    /// The search for drift.
    Drift,
    /// Jobs that people wrote.
    Jobs,
    /// Insights, recommendations, risks, grades, assessments.
    Findings,
    /// Bounded resources and their forecasts.
    Resources,
    /// What survives a restart.
    Checkpoints,
}

impl Part {
    const ALL: [Self; 6] = [
        Self::Watching,
        Self::Drift,
        Self::Jobs,
        Self::Findings,
        Self::Resources,
        Self::Checkpoints,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Watching => "watching",
            Self::Drift => "drift",
            Self::Jobs => "jobs",
            Self::Findings => "findings",
            Self::Resources => "resources",
            Self::Checkpoints => "checkpoints",
        }
    }

    /// The share of the budget, taken by all, from which it waits, and for how long at most; `None` =
    /// it never waits.
    fn waits(self) -> Option<(f64, Duration)> {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        match self {
            Self::Drift => Some((0.8, minutes(60))),
            Self::Jobs => Some((0.9, minutes(30))),
            Self::Findings => Some((0.9, minutes(10))),
            Self::Resources => Some((1.0, minutes(5))),
            Self::Watching | Self::Checkpoints => None,
        }
    }
}

/// The accounts.
#[derive(Debug)]
pub(crate) struct Spend {
    parts: [Account; Part::ALL.len()],
    average: Mutex<Average>,
    /// The budget, as the bits of a share of a core.
    most: AtomicU64,
}

#[derive(Debug, Default)]
struct Account {
    micros: AtomicU64,
    waited: AtomicU64,
}

#[derive(Debug, Default)]
struct Average {
    at: Duration,
    /// Seconds spent, older ones fading.
    seconds: [f64; Part::ALL.len()],
    waiting_since: [Option<Duration>; Part::ALL.len()],
}

impl Spend {
    /// Nothing spent; `most` is a share of a core.
    pub(crate) fn new(most: f64) -> Self {
        Self {
            parts: Default::default(),
            average: Mutex::default(),
            most: AtomicU64::new(most.to_bits()),
        }
    }

    /// Another budget.
    pub(crate) fn allow(&self, most: f64) {
        self.most.store(most.to_bits(), Ordering::Relaxed);
    }

    /// Takes note of work that ended at `now`.
    pub(crate) fn note(&self, part: Part, took: Duration, now: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.parts[part as usize].micros.fetch_add(micros, Ordering::Relaxed);
        let mut average = self.average.lock();
        average.fade(now);
        average.seconds[part as usize] += took.as_secs_f64();
    }

    /// Whether a part has to wait.
    pub(crate) fn holds(&self, part: Part, now: Duration) -> bool {
        let Some((share, longest)) = part.waits() else { return false };
        let mut average = self.average.lock();
        average.fade(now);
        let taken = average.seconds.iter().sum::<f64>() / OVER.as_secs_f64();
        let since = &mut average.waiting_since[part as usize];
        if taken <= share * f64::from_bits(self.most.load(Ordering::Relaxed)) {
            *since = None;
            return false;
        }
        if now.saturating_sub(*since.get_or_insert(now)) >= longest {
            *since = None;
            return false;
        }
        self.parts[part as usize].waited.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Seconds that all parts took so far.
    pub(crate) fn seconds(&self) -> f64 {
        let micros = |a: &Account| a.micros.load(Ordering::Relaxed);
        self.parts.iter().map(micros).sum::<u64>() as f64 / 1e6
    }

    /// The share of a core that all parts take.
    pub(crate) fn share(&self, now: Duration) -> f64 {
        let mut average = self.average.lock();
        average.fade(now);
        average.seconds.iter().sum::<f64>() / OVER.as_secs_f64()
    }

    /// What is told of the parts.
    pub(crate) fn rows(&self, now: Duration) -> Vec<LabelledRow> {
        let shares = {
            let mut average = self.average.lock();
            average.fade(now);
            average.seconds.map(|s| s / OVER.as_secs_f64())
        };
        let of = |part: Part| vec![("part", part.name().to_owned())];
        let get = |a: &AtomicU64| a.load(Ordering::Relaxed) as f64;
        let mut rows: Vec<LabelledRow> = Vec::new();
        for part in Part::ALL {
            let help = "Time spent in analysis, by part.";
            let seconds = get(&self.parts[part as usize].micros) / 1e6;
            let name = "plimsoll_analysis_part_seconds_total";
            rows.push((name, help, MetricKind::Counter, of(part), seconds));
        }
        for part in Part::ALL {
            let help = "Share of one core that a part of analysis took of late.";
            let share = shares[part as usize];
            let name = "plimsoll_analysis_part_cpu_ratio";
            rows.push((name, help, MetricKind::Gauge, of(part), share));
        }
        for part in Part::ALL.into_iter().filter(|p| p.waits().is_some()) {
            let help = "Times that a part of analysis waited because of analysis.cpu_max.";
            let waited = get(&self.parts[part as usize].waited);
            let name = "plimsoll_analysis_held_back_total";
            rows.push((name, help, MetricKind::Counter, of(part), waited));
        }
        let help = "Share of one core that all of analysis may take (analysis.cpu_max).";
        let most = f64::from_bits(self.most.load(Ordering::Relaxed));
        rows.push(("plimsoll_analysis_cpu_ratio_max", help, MetricKind::Gauge, Vec::new(), most));
        rows
    }
}

impl Average {
    fn fade(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        let rest = (-passed / OVER.as_secs_f64()).exp();
        self.seconds.iter_mut().for_each(|s| *s *= rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const WAITING: [Part; 4] = [Part::Drift, Part::Jobs, Part::Findings, Part::Resources];

    /// Half an hour in which watching takes this share of a core.
    fn busy(spend: &Spend, share: f64) -> Duration {
        let mut now = Duration::ZERO;
        for _ in 0..1_800 {
            now += SECOND;
            spend.note(Part::Watching, SECOND.mul_f64(share), now);
        }
        now
    }

    #[test]
    fn drift_waits_first_then_findings_then_resources() {
        let held = |share: f64| {
            let spend = Spend::new(0.25);
            let now = busy(&spend, share);
            assert!((spend.share(now) - share).abs() < 0.01 * share, "{}", spend.share(now));
            assert!(!spend.holds(Part::Watching, now) && !spend.holds(Part::Checkpoints, now));
            WAITING.map(|part| spend.holds(part, now))
        };
        assert_eq!(held(0.19), [false; 4]);
        assert_eq!(held(0.21), [true, false, false, false]);
        assert_eq!(held(0.23), [true, true, true, false]);
        assert_eq!(held(0.26), [true; 4]);
    }

    #[test]
    fn nobody_waits_for_ever_and_what_was_spent_is_told() {
        let spend = Spend::new(0.25);
        let mut now = busy(&spend, 0.5);
        let mut worked = [0; 4];
        for _ in 0..7_200 {
            now += SECOND;
            spend.note(Part::Watching, SECOND / 2, now);
            for (part, n) in WAITING.iter().zip(&mut worked) {
                *n += usize::from(!spend.holds(*part, now));
            }
        }
        assert_eq!(
            worked,
            [1, 3, 11, 23],
            "once an hour, in half an hour, in ten minutes, in five"
        );
        assert!((spend.seconds() - 4_500.0).abs() < 1.0);
        let rows = spend.rows(now);
        let of = |name: &str, part: &str| {
            let mut all = rows.iter().filter(|r| r.0 == name);
            all.find(|r| r.3.iter().all(|l| l.1 == part)).map(|r| r.4)
        };
        assert!(of("plimsoll_analysis_held_back_total", "drift").is_some_and(|n| n > 7_000.0));
        assert_eq!(of("plimsoll_analysis_held_back_total", "watching"), None);
        assert!(of("plimsoll_analysis_part_cpu_ratio", "watching").is_some_and(|s| s > 0.49));
        assert_eq!(of("plimsoll_analysis_cpu_ratio_max", ""), Some(0.25));
        spend.allow(1.0);
        assert!(!WAITING.iter().any(|part| spend.holds(*part, now)));
        assert!(spend.share(now + 10 * OVER) < 0.001, "what is over is forgotten");
    }
}
