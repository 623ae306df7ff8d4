//! Recurring jobs: bursts that come back after a fixed time, or at a fixed time of the hour, day or week.
//!
//! A burst is a run of values far above the level around it. A period is tried when two bursts lie that far
//! apart, or when clocks and schedulers use it; it holds when bursts start in one narrow window of its phase in most
//! cycles that have data, and more often than as many bursts at random would (binomial). The shortest that holds
//! is taken, its bursts are set aside, and the search repeated.
//!
//! Limits: [`POINTS_MAX`] latest points, [`BURSTS_MAX`] latest bursts, [`JOBS_MAX`] jobs; bursts longer than about
//! a thirtieth of the series are its level.

use crate::robust::{median, robust_deviation};

/// Points looked at.
pub const POINTS_MAX: usize = 100_000;
/// Bursts looked at.
pub const BURSTS_MAX: usize = 1_000;
/// Jobs found.
pub const JOBS_MAX: usize = 8;

/// Times further from the epoch are no times: their differences must not overflow.
const TIME_MAX_MS: u64 = 1 << 60;
/// Robust deviations above the level at which a burst begins.
const BURST: f64 = 5.0;
/// Stretches of the series whose medians make the level.
const STRETCHES: usize = 96;
/// Cycles with data that a job needs.
const CYCLES_MIN: usize = 3;
/// Share of these in which it ran.
const HITS_MIN: f64 = 0.7;
/// Chance of one false job among all periods tried.
const P_MAX: f64 = 1e-3;
/// Periods tried in a round, beside those of clocks.
const PERIODS_MAX: usize = 48;
/// Minutes of the periods that people and schedulers choose.
const CLOCKS_MIN: [i64; 15] =
    [5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1_440, 2_880, 10_080];

/// A job that comes back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recurring {
    /// Time from start to start.
    pub period_ms: i64,
    /// Time of a start after a multiple of the period since the epoch (UTC): for a day, the time of day.
    pub phase_ms: i64,
    /// Median duration of a burst, at least one step.
    pub duration_ms: i64,
    /// Median height of the bursts above the level around them.
    pub height: f64,
    /// Cycles in which it ran.
    pub hits: usize,
    /// Cycles with data at that phase.
    pub cycles: usize,
    /// Start of its latest burst.
    pub last_ms: i64,
}

/// The recurring bursts of a series, most regular first. Times in milliseconds, ascending.
pub fn recurring(times_ms: &[i64], values: &[f64]) -> Vec<Recurring> {
    let n = times_ms.len().min(values.len());
    let from = n.saturating_sub(POINTS_MAX);
    let points: Vec<(i64, f64)> = times_ms[from..n]
        .iter()
        .copied()
        .zip(values[from..n].iter().copied())
        .filter(|p| p.1.is_finite() && p.0.unsigned_abs() <= TIME_MAX_MS)
        .collect();
    let Some(series) = Series::of(&points) else { return Vec::new() };
    let mut bursts = series.bursts();
    let mut found: Vec<Recurring> = Vec::new();
    while found.len() < JOBS_MAX {
        let Some((job, rest)) = series.job(&bursts) else { break };
        found.push(job);
        bursts = rest;
    }
    found.sort_by(|a, b| (b.hits * a.cycles).cmp(&(a.hits * b.cycles)));
    found
}

/// A run of high values.
#[derive(Debug, Clone, Copy)]
struct Burst {
    start_ms: i64,
    duration_ms: i64,
    height: f64,
}

struct Series<'a> {
    points: &'a [(i64, f64)],
    step_ms: i64,
}

impl<'a> Series<'a> {
    fn of(points: &'a [(i64, f64)]) -> Option<Series<'a>> {
        let steps: Vec<f64> =
            points.windows(2).map(|w| w[1].0.saturating_sub(w[0].0) as f64).collect();
        let step_ms = median(&steps)? as i64;
        (points.len() >= 4 * CYCLES_MIN && step_ms > 0).then_some(Series { points, step_ms })
    }

    fn bursts(&self) -> Vec<Burst> {
        let level = self.level();
        let apart: Vec<f64> =
            self.points.iter().zip(&level).map(|(p, level)| p.1 - level).collect();
        let highest = apart.iter().copied().fold(0.0, f64::max);
        let spread = robust_deviation(&apart).unwrap_or(0.0);
        let bound = (BURST * spread).max(0.05 * highest);
        if highest <= 0.0 || !highest.is_finite() {
            return Vec::new();
        }
        let mut all: Vec<Burst> = Vec::new();
        let mut last: Option<usize> = None;
        for (at, &height) in apart.iter().enumerate() {
            if height <= bound {
                continue;
            }
            let start_ms = self.points[at].0;
            match all.last_mut() {
                // A single lower value does not end a burst.
                Some(burst) if last.is_some_and(|last| at - last <= 2) => {
                    burst.duration_ms = start_ms.saturating_sub(burst.start_ms) + self.step_ms;
                    burst.height = burst.height.max(height);
                }
                _ => all.push(Burst { start_ms, duration_ms: self.step_ms, height }),
            }
            last = Some(at);
        }
        let surplus = all.len().saturating_sub(BURSTS_MAX);
        all.drain(..surplus);
        all
    }

    /// The level around each point: medians of stretches, the middle of each five neighbours, joined by lines.
    fn level(&self) -> Vec<f64> {
        let values: Vec<f64> = self.points.iter().map(|p| p.1).collect();
        let size = values.len().div_ceil(STRETCHES).max(4);
        let parts: Vec<f64> = values.chunks(size).filter_map(median).collect();
        let smooth: Vec<f64> = (0..parts.len())
            .filter_map(|i| median(&parts[i.saturating_sub(2)..(i + 3).min(parts.len())]))
            .collect();
        let last = smooth.len() - 1;
        let at = |i: usize| {
            let place = ((i as f64 + 0.5) / size as f64 - 0.5).clamp(0.0, last as f64);
            let (low, share) = (place as usize, place.fract());
            smooth[low] + (smooth[(low + 1).min(last)] - smooth[low]) * share
        };
        (0..values.len()).map(at).collect()
    }

    /// The job of the shortest period that holds, and the bursts that are not of it.
    fn job(&self, bursts: &[Burst]) -> Option<(Recurring, Vec<Burst>)> {
        if bursts.len() < CYCLES_MIN {
            return None;
        }
        let periods = self.periods(bursts);
        let limit = P_MAX / periods.len().max(1) as f64;
        periods.iter().find_map(|&period_ms| self.held(bursts, period_ms, limit))
    }

    /// Periods to try, ascending: distances of bursts that occur often, made exact, and those of clocks.
    fn periods(&self, bursts: &[Burst]) -> Vec<i64> {
        let mut apart: Vec<i64> = Vec::new();
        for (i, first) in bursts.iter().enumerate() {
            let next = bursts.iter().skip(i + 1).take(8);
            apart.extend(next.map(|b| b.start_ms.saturating_sub(first.start_ms)));
        }
        apart.sort_unstable();
        let mut groups: Vec<&[i64]> =
            apart.chunk_by(|a, b| b - a <= self.step_ms).filter(|g| g.len() >= 2).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
        groups.truncate(PERIODS_MAX);
        let mut all: Vec<i64> = groups
            .iter()
            .map(|group| exact(bursts, group[group.len() / 2], self.step_ms))
            .collect();
        all.extend(CLOCKS_MIN.map(|minutes| minutes * 60_000));
        let span = self.span_ms();
        all.retain(|&period| period >= 4 * self.step_ms && span / period >= CYCLES_MIN as i64);
        all.sort_unstable();
        all.dedup();
        all
    }

    fn span_ms(&self) -> i64 {
        let (first, last) = (self.points[0].0, self.points[self.points.len() - 1].0);
        last.saturating_sub(first).saturating_add(self.step_ms)
    }

    /// The window of a period's phase in which most bursts start, if that is a job.
    fn held(
        &self,
        bursts: &[Burst],
        period_ms: i64,
        limit: f64,
    ) -> Option<(Recurring, Vec<Burst>)> {
        let width = (2 * self.step_ms).max(period_ms / 50);
        let mut phases: Vec<i64> =
            bursts.iter().map(|b| b.start_ms.rem_euclid(period_ms)).collect();
        phases.sort_unstable();
        let n = phases.len();
        // Once more around the clock, for windows over its end.
        phases.extend_from_within(..);
        for phase in &mut phases[n..] {
            *phase += period_ms;
        }
        let (mut end, mut best) = (0, (0, 0));
        for i in 0..n {
            while end < i + n && phases[end] - phases[i] <= width {
                end += 1;
            }
            if end - i > best.0 {
                best = (end - i, phases[i]);
            }
        }
        let inside = |phase: i64, from: i64| (phase - from).rem_euclid(period_ms) <= width;
        let from = best.1;
        let (own, rest): (Vec<Burst>, Vec<Burst>) =
            bursts.iter().copied().partition(|b| inside(b.start_ms.rem_euclid(period_ms), from));
        let cycle = |b: &Burst| (b.start_ms - from).div_euclid(period_ms);
        let hits = own.chunk_by(|a, b| cycle(a) == cycle(b)).count();
        let cycles = self.cycles(period_ms, from, width).max(hits);
        let rate = bursts.len() as f64 * (width + self.step_ms) as f64 / self.span_ms() as f64;
        let by_chance = at_least(hits, cycles, rate.min(1.0));
        if hits < CYCLES_MIN || (hits as f64) < HITS_MIN * cycles as f64 || by_chance > limit {
            return None;
        }
        let middle = |pick: fn(&Burst) -> f64| median(&own.iter().map(pick).collect::<Vec<_>>());
        let offsets: Vec<f64> =
            own.iter().map(|b| (b.start_ms - from).rem_euclid(period_ms) as f64).collect();
        let job = Recurring {
            period_ms,
            phase_ms: (from + median(&offsets)? as i64).rem_euclid(period_ms),
            duration_ms: middle(|b| b.duration_ms as f64)? as i64,
            height: middle(|b| b.height)?,
            hits,
            cycles,
            last_ms: own.last()?.start_ms,
        };
        Some((job, rest))
    }

    /// Cycles that have a point in the window.
    fn cycles(&self, period_ms: i64, from: i64, width: i64) -> usize {
        let within = |&&(time, _): &&(i64, f64)| (time - from).rem_euclid(period_ms) <= width;
        let mut cycles: Vec<i64> = self
            .points
            .iter()
            .filter(within)
            .map(|&(time, _)| (time - from).div_euclid(period_ms))
            .collect();
        cycles.dedup();
        cycles.len()
    }
}

/// A period made exact by following it from burst to burst.
fn exact(bursts: &[Burst], guess_ms: i64, step_ms: i64) -> i64 {
    let mut best = (0, guess_ms);
    for anchor in bursts.iter().take(3) {
        let (mut period, mut hits, mut cycle) = (guess_ms as f64, 0, 0.0);
        for burst in bursts {
            let apart = (burst.start_ms - anchor.start_ms) as f64;
            let nearest = (apart / period).round();
            if nearest > cycle && (apart - nearest * period).abs() <= 2.0 * step_ms as f64 {
                (period, cycle) = (apart / nearest, nearest);
                hits += 1;
            }
        }
        if hits > best.0 {
            best = (hits, snapped(period, step_ms as f64 / cycle.max(1.0)));
        }
    }
    best.1
}

/// A whole number of minutes or seconds, where it is that within the error.
fn snapped(period_ms: f64, error_ms: f64) -> i64 {
    let near = |unit: f64| (period_ms / unit).round() * unit;
    let found =
        [60_000.0, 1_000.0].into_iter().map(near).find(|p| (p - period_ms).abs() <= error_ms);
    found.filter(|&p| p > 0.0).unwrap_or(period_ms.round()) as i64
}

/// P(at least `hits` of `tries`) at `rate` each.
fn at_least(hits: usize, tries: usize, rate: f64) -> f64 {
    if hits == 0 || rate >= 1.0 {
        return 1.0;
    }
    if rate <= 0.0 {
        return 0.0;
    }
    // The binomial tail is an incomplete beta function, and that is the tail of Fisher's distribution.
    let (upper, lower) = (2.0 * (tries - hits + 1) as f64, 2.0 * hits as f64);
    let f = (1.0 - rate) / rate * lower / upper;
    crate::chance::fisher_tail(f, upper, lower)
}
