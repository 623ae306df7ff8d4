//! Back-tests of the time to a limit, and a slow test that holds the gates on seeds that nothing was tuned on.
//!
//! Shared with the example `bench_breach`, which prints the tables.

use crate::generator::Noise;
use plimsoll_predict::{Limit, time_to_limit};
use std::f64::consts::TAU;

const DAY_S: f64 = 86_400.0;
const STEP_S: f64 = 300.0;
/// Days of a generated series.
const DAYS: f64 = 35.0;
/// Origins of a series; the first has a sixth of it behind it.
const ORIGINS: usize = 10;
/// Windows of `predict_linear`, s.
const WINDOWS: [f64; 3] = [3_600.0, 21_600.0, DAY_S];

pub const KINDS: [&str; 12] = [
    "disk_noise",
    "disk_rotated",
    "disk_weekdays",
    "disk_bursts",
    "disk_shift",
    "memory_saw",
    "memory_leak",
    "memory_walk",
    "requests_growth",
    "cpu_daily",
    "files_steps",
    "flat_noise",
];

/// Samples; times in ms.
pub struct Series {
    pub times: Vec<i64>,
    pub values: Vec<f64>,
}

/// A generated series of a kind. All numbers come from the seed.
pub fn series(kind: &str, seed: u64) -> Series {
    let place = KINDS.iter().position(|k| *k == kind).unwrap_or(0) as u64;
    let mut noise = Noise(seed.wrapping_mul(1_000_003).wrapping_add(place));
    let count = (DAYS * DAY_S / STEP_S) as usize;
    let days = |i: usize| i as f64 * STEP_S / DAY_S;
    let (phase, size) = (TAU * noise.share(), 0.2 + 0.6 * noise.share());
    let rate = 0.3 + 1.5 * noise.share();
    let rough = 0.05 + 0.3 * noise.share();
    let day = |d: f64| 1.0 + size * (TAU * d + phase).sin() + 0.25 * size * (2.0 * TAU * d).cos();
    let mut level = 30.0;
    let mut extra: f64 = 0.0;
    let shift_at = DAYS * (0.2 + 0.5 * noise.share());
    let shift_by = 10.0 * noise.share() - 3.0;
    let faster = 0.3 + 2.0 * noise.share();
    let period = 2.0 + 20.0 * noise.share();
    let mut values = Vec::with_capacity(count);
    for i in 0..count {
        let d = days(i);
        let step_days = STEP_S / DAY_S;
        let value = match kind {
            "disk_noise" => {
                40.0 + rate * d + rough * (noise.normal() + size * (TAU * d + phase).sin())
            }
            "disk_rotated" => {
                let logs = (d + phase) % 1.0;
                35.0 + rate * d + 4.0 * size * logs + 0.3 * rough * noise.normal()
            }
            "disk_weekdays" => {
                let busy = if (d as i64) % 7 >= 5 { 0.1 } else { 1.3 };
                level += rate * step_days * busy * day(d).max(0.05);
                level + 0.2 * rough * noise.normal()
            }
            "disk_bursts" => {
                if noise.share() < 3.0 * step_days {
                    level += -(noise.share().max(1e-9)).ln() * rate / 3.0;
                }
                level + 0.02 * noise.normal()
            }
            "disk_shift" => {
                let after = (d - shift_at).max(0.0);
                let jump = if d >= shift_at { shift_by } else { 0.0 };
                40.0 + rate * d + jump + (faster - 1.0) * rate * after + rough * noise.normal()
            }
            "memory_saw" => {
                level += (100.0 * step_days * 3.0 * rate * (1.0 + 0.3 * noise.normal())).max(0.0);
                if level > 85.0 + 3.0 * noise.normal() {
                    level = 30.0 + 3.0 * noise.share();
                }
                level
            }
            "memory_leak" => {
                extra += 60.0 * step_days / period * (1.0 + 0.3 * noise.normal());
                if extra > 50.0 + 8.0 * noise.normal() {
                    extra = 0.0;
                }
                20.0 + extra + 4.0 * day(d) + rough * noise.normal()
            }
            "memory_walk" => {
                extra = 0.9 * extra + 0.4 * noise.normal();
                level += rate * step_days + 0.05 * noise.normal();
                level + extra
            }
            "requests_growth" => {
                let weekend = if (d as i64) % 7 >= 5 { 0.7 } else { 1.0 };
                let grown = 1.0 + 0.03 * rate * d;
                200.0 * grown * day(d) * weekend * (1.0 + 0.2 * rough * noise.normal())
            }
            "cpu_daily" => {
                extra = 0.95 * extra + 0.3 * noise.normal();
                (40.0 * day(d) + 6.0 * rough * (extra + noise.normal())).max(0.0)
            }
            "files_steps" => {
                if noise.share() < step_days / 3.0 {
                    level += 10.0 * (noise.share() - 0.3);
                }
                level + size * 4.0 * (TAU * d + phase).sin() + rough * noise.normal()
            }
            _ => 50.0 + 3.0 * rough * noise.normal(),
        };
        values.push(value);
    }
    let times = (0..count).map(|i| 1_700_006_400_000 + (i as f64 * STEP_S * 1e3) as i64).collect();
    Series { times, values }
}

/// A question: standing at a sample, when is this limit reached?
pub struct Case {
    at: usize,
    limit: f64,
    horizon_ms: i64,
    truth_ms: Option<i64>,
}

/// Rolling origins, three limits each: two between a part and half more than what comes, one by the past alone.
pub fn cases(series: &Series, seed: u64) -> Vec<Case> {
    let n = series.values.len();
    let (Some(&first), Some(&last)) = (series.times.first(), series.times.last()) else {
        return Vec::new();
    };
    let span = last - first;
    let horizon_ms = (span / 6).min(7 * 86_400_000);
    let mut noise = Noise(seed ^ 0xB4EA);
    let mut all = Vec::new();
    for k in 0..ORIGINS {
        let share = (k as f64 + noise.share()) / ORIGINS as f64;
        let time = first + span / 6 + ((span - span / 6 - horizon_ms) as f64 * share) as i64;
        let at = series.times.partition_point(|&t| t <= time).clamp(1, n) - 1;
        let end = series.times.partition_point(|&t| t <= series.times[at] + horizon_ms);
        let (now, ahead) = (series.values[at], &series.values[at + 1..end]);
        let from = series.times.partition_point(|&t| t < series.times[at] - horizon_ms);
        let past = &series.values[from..=at];
        let most = ahead.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let top = past.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let low = past.iter().copied().fold(f64::INFINITY, f64::min);
        let limits = [
            now + (0.3 + 0.7 * noise.share()) * (most - now),
            now + (0.8 + 0.7 * noise.share()) * (most - now),
            now + (0.2 + noise.share()) * (top - low),
        ];
        for limit in limits {
            if !limit.is_finite() || limit <= now {
                continue;
            }
            let truth = ahead.iter().position(|v| *v >= limit);
            let truth_ms = truth.map(|i| series.times[at + 1 + i] - series.times[at]);
            all.push(Case { at, limit, horizon_ms, truth_ms });
        }
    }
    all
}

/// What came of a case; times in shares of the horizon, at most 1.
pub struct Verdict {
    truth: f64,
    ours: f64,
    theirs: [f64; 3],
    at_stake: bool,
    in_90: bool,
    in_80: bool,
    /// Mean pinball loss of the five quantiles, and of each window's point as all five.
    pinball: f64,
    pinball_theirs: [f64; 3],
}

/// The loss of a quantile (Koenker and Bassett 1978): what makes telling the true quantile the best answer.
fn pinball(level: f64, told: f64, truth: f64) -> f64 {
    if truth >= told { level * (truth - told) } else { (1.0 - level) * (told - truth) }
}

pub fn judge(series: &Series, case: &Case) -> Verdict {
    let (times, values) = (&series.times[..=case.at], &series.values[..=case.at]);
    let limit = Limit { value: case.limit, horizon_ms: case.horizon_ms };
    let found = time_to_limit(times, values, limit).passage;
    let horizon_days = case.horizon_ms as f64 / 86_400_000.0;
    let share = |days: f64| (days / horizon_days).min(1.0);
    let truth = case.truth_ms.map_or(1.0, |ms| ms as f64 / case.horizon_ms as f64);
    // A sample later than the step of the series is no news: the truth is known to one step only.
    let step = (times[case.at] - times[case.at.saturating_sub(1)]) as f64 / case.horizon_ms as f64;
    let inside = |low: f64, high: f64| share(low) <= truth + 1e-9 && truth <= share(high) + step;
    let theirs = WINDOWS.map(|w| share(predict_linear(times, values, w, case.limit)));
    let levels = [0.05, 0.1, 0.5, 0.9, 0.95];
    let told = [found.p05_days, found.p10_days, found.p50_days, found.p90_days, found.p95_days];
    let loss = |told: [f64; 5]| {
        told.iter().zip(levels).map(|(t, level)| pinball(level, *t, truth)).sum::<f64>() / 5.0
    };
    Verdict {
        pinball: loss(told.map(share)),
        pinball_theirs: theirs.map(|point| loss([point; 5])),
        truth,
        ours: share(found.p50_days),
        theirs,
        at_stake: case.truth_ms.is_some() || share(found.p05_days) < 1.0,
        in_90: inside(found.p05_days, found.p95_days),
        in_80: inside(found.p10_days, found.p90_days),
    }
}

/// Days until PromQL's `predict_linear` over a window reaches the limit: least squares, value and slope at the end.
fn predict_linear(times: &[i64], values: &[f64], window_s: f64, limit: f64) -> f64 {
    let end = times[times.len() - 1];
    let from = times.partition_point(|&t| (end - t) as f64 > window_s * 1e3);
    let (times, values) = (&times[from..], &values[from..]);
    let n = times.len() as f64;
    let points = || times.iter().map(|t| (t - end) as f64 / 1e3).zip(values);
    let t = points().map(|p| p.0).sum::<f64>() / n;
    let v = values.iter().sum::<f64>() / n;
    let up: f64 = points().map(|p| (p.0 - t) * (p.1 - v)).sum();
    let across: f64 = points().map(|p| (p.0 - t).powi(2)).sum();
    let slope = if across > 0.0 { up / across } else { 0.0 };
    let room = limit - (v - slope * t);
    match (room <= 0.0, slope > 0.0) {
        (true, _) => 0.0,
        (false, true) => room / slope / DAY_S,
        (false, false) => f64::INFINITY,
    }
}

/// Verdicts of one kind, or means over kinds.
#[derive(Default)]
pub struct Tally {
    verdicts: Vec<Verdict>,
    kinds: Vec<Figures>,
}

/// What the table shows.
#[derive(Clone, Copy, Default)]
pub struct Figures {
    pub cases: usize,
    pub breach: f64,
    pub ours: f64,
    /// Errors of the windows of `predict_linear`.
    pub theirs: [f64; 3],
    pub ours_breach: f64,
    pub theirs_breach: [f64; 3],
    pub false_breach: f64,
    pub missed: f64,
    pub in_90: f64,
    pub in_90_stake: f64,
    pub in_80: f64,
    pub in_80_stake: f64,
    pub below: f64,
    pub pinball: f64,
    pub pinball_theirs: [f64; 3],
}

impl Tally {
    pub fn add(&mut self, verdict: Verdict) {
        self.verdicts.push(verdict);
    }

    pub fn cases(&self) -> usize {
        self.verdicts.len()
    }

    /// The mean over kinds, each of which counts the same.
    pub fn together(all: &[Tally]) -> Tally {
        let kinds = all.iter().filter(|t| t.cases() > 0).map(Tally::figures).collect();
        Tally { verdicts: Vec::new(), kinds }
    }

    pub fn figures(&self) -> Figures {
        if !self.kinds.is_empty() {
            return mean_of(&self.kinds);
        }
        let all: Vec<&Verdict> = self.verdicts.iter().collect();
        let breached: Vec<&Verdict> = all.iter().copied().filter(|v| v.truth < 1.0).collect();
        let calm: Vec<&Verdict> = all.iter().copied().filter(|v| v.truth >= 1.0).collect();
        let stake: Vec<&Verdict> = all.iter().copied().filter(|v| v.at_stake).collect();
        let theirs =
            |of: &[&Verdict]| [0, 1, 2].map(|w: usize| mean(of, |v| (v.theirs[w] - v.truth).abs()));
        let yes = |b: bool| f64::from(u8::from(b));
        Figures {
            cases: all.len(),
            breach: breached.len() as f64 / all.len().max(1) as f64,
            ours: mean(&all, |v| (v.ours - v.truth).abs()),
            theirs: theirs(&all),
            ours_breach: mean(&breached, |v| (v.ours - v.truth).abs()),
            theirs_breach: theirs(&breached),
            false_breach: mean(&calm, |v| yes(v.ours < 1.0)),
            missed: mean(&breached, |v| yes(v.ours >= 1.0)),
            in_90: mean(&all, |v| yes(v.in_90)),
            in_90_stake: mean(&stake, |v| yes(v.in_90)),
            in_80: mean(&all, |v| yes(v.in_80)),
            in_80_stake: mean(&stake, |v| yes(v.in_80)),
            below: mean(&stake, |v| if v.truth == v.ours { 0.5 } else { yes(v.truth < v.ours) }),
            pinball: mean(&all, |v| v.pinball),
            pinball_theirs: [0, 1, 2].map(|w: usize| mean(&all, |v| v.pinball_theirs[w])),
        }
    }

    pub fn line(&self, name: &str) -> String {
        let f = self.figures();
        let name: String = name.chars().take(18).collect();
        format!(
            "{name:<18} {:>4} {:>5.2}  | {:.3} {:.3} {:>4.2}  | {:>19.3} {:.3} {:>4.2}  | {:.2}   {:.2}  | {:.3} ({:.3}) {:.3} ({:.3}) | {:.2}       | {:.4} {:.4} {:.2}",
            f.cases,
            f.breach,
            f.ours,
            f.best(),
            f.ours / f.best(),
            f.ours_breach,
            least(&f.theirs_breach),
            f.ours_breach / least(&f.theirs_breach),
            f.false_breach,
            f.missed,
            f.in_90,
            f.in_90_stake,
            f.in_80,
            f.in_80_stake,
            f.below,
            f.pinball,
            least(&f.pinball_theirs),
            f.pinball / least(&f.pinball_theirs),
        )
    }
}

impl Figures {
    /// Error of the best window.
    pub fn best(&self) -> f64 {
        least(&self.theirs)
    }
}

fn least(errors: &[f64]) -> f64 {
    errors.iter().copied().fold(f64::INFINITY, f64::min)
}

fn mean(of: &[&Verdict], f: impl Fn(&Verdict) -> f64) -> f64 {
    of.iter().map(|v| f(v)).sum::<f64>() / of.len().max(1) as f64
}

fn mean_of(kinds: &[Figures]) -> Figures {
    let n = kinds.len() as f64;
    let mean = |f: fn(&Figures) -> f64| kinds.iter().map(f).sum::<f64>() / n;
    Figures {
        cases: kinds.iter().map(|k| k.cases).sum(),
        breach: mean(|k| k.breach),
        ours: mean(|k| k.ours),
        theirs: [0, 1, 2].map(|w: usize| kinds.iter().map(|k| k.theirs[w]).sum::<f64>() / n),
        ours_breach: mean(|k| k.ours_breach),
        theirs_breach: [0, 1, 2]
            .map(|w: usize| kinds.iter().map(|k| k.theirs_breach[w]).sum::<f64>() / n),
        false_breach: mean(|k| k.false_breach),
        missed: mean(|k| k.missed),
        in_90: mean(|k| k.in_90),
        in_90_stake: mean(|k| k.in_90_stake),
        in_80: mean(|k| k.in_80),
        in_80_stake: mean(|k| k.in_80_stake),
        below: mean(|k| k.below),
        pinball: mean(|k| k.pinball),
        pinball_theirs: [0, 1, 2]
            .map(|w: usize| kinds.iter().map(|k| k.pinball_theirs[w]).sum::<f64>() / n),
    }
}
