//! The line of the last regime: all that minutes or a few hours can tell.

use super::{DAY_MS, HOUR_MS, LEVEL, Limit, Method, Outlook, Passage, State};
use plimsoll_analyze::{Trend, last_regime, normal_quantile, quantile, trend};

/// The last hour must be faster than any before by this factor to override the long view.
const FASTER: f64 = 1.5;
/// Of a short history as large a share takes the place of the last hour.
const LAST_SHARE: i64 = 12;
/// Slopes and rests that are combined to a distribution.
const SLOPES: usize = 24;
const RESTS: usize = 8;
/// A line that may be chance is followed for so many lengths of its past.
const REACH: f64 = 4.0;

/// The outlook along the line; *none* unless it rises for sure.
pub(super) fn outlook(times: &[i64], values: &[f64], limit: Limit) -> Option<Outlook> {
    let (from, line) = present_line(times, values)?;
    let sure = line.significant(LEVEL) && line.slope_per_s > 0.0;
    let passage = passage(&line, &times[from..], &values[from..], limit, sure)?;
    Some(Outlook {
        state: if sure { passage.state(limit.horizon_ms) } else { State::None },
        passage,
        method: Method::Line,
        per_day: if sure { line.slope_per_s * 86_400.0 } else { 0.0 },
        since_ms: line.start_ms,
    })
}

/// A rise in the last hour, or the last twelfth of a shorter history, that was never as fast before, and that leads to a
/// breach.
pub(super) fn sudden(times: &[i64], values: &[f64], limit: Limit) -> Option<Outlook> {
    let (&first, &end) = (times.first()?, times.last()?);
    let last_ms = (end.saturating_sub(first) / LAST_SHARE).min(HOUR_MS);
    let from = times.partition_point(|&t| t < end.saturating_sub(last_ms));
    let found = outlook(&times[from..], &values[from..], limit)?;
    let State::Breach { .. } = found.state else { return None };
    let fastest = fastest_before(&times[..from], &values[..from], last_ms);
    (found.per_day * last_ms as f64 / DAY_MS as f64 > FASTER * fastest).then_some(found)
}

/// Greatest rise from the mean of one stretch of this length to that of the next.
fn fastest_before(times: &[i64], values: &[f64], length_ms: i64) -> f64 {
    let Some(&end) = times.last() else { return 0.0 };
    let (mut before, mut fastest) = (None, 0.0_f64);
    let stretch = |t: i64| end.saturating_sub(t) / length_ms.max(1);
    let mut at = 0;
    while at < times.len() {
        let this = stretch(times[at]);
        let count = times[at..].iter().take_while(|&&t| stretch(t) == this).count();
        let mean = values[at..at + count].iter().sum::<f64>() / count as f64;
        if let Some((then, value)) = before
            && then == this + 1
        {
            fastest = fastest.max(mean - value);
        }
        before = Some((this, mean));
        at += count;
    }
    fastest
}

/// The line that describes the present and the index where it begins. A last regime too short to tell its own slope
/// from that of the whole does not stand against the whole.
fn present_line(times: &[i64], values: &[f64]) -> Option<(usize, Trend)> {
    let start_ms = last_regime(times, values)?.start_ms;
    let from = times.partition_point(|&t| t < start_ms);
    let whole = trend(times, values, None)?;
    let Some(part) = trend(&times[from..], &values[from..], None) else { return Some((0, whole)) };
    let alike = (part.slope_low..=part.slope_high).contains(&whole.slope_per_s);
    Some(if alike && !part.significant(LEVEL) { (0, whole) } else { (from, part) })
}

/// Slopes as the line's error has them, each with the rests that the line leaves.
fn passage(
    line: &Trend,
    times: &[i64],
    values: &[f64],
    limit: Limit,
    sure: bool,
) -> Option<Passage> {
    let now_ms = *times.last()?;
    let rests: Vec<f64> = times.iter().zip(values).map(|(&t, v)| v - line.at(t)).collect();
    let room = limit.value - line.at(now_ms);
    let span_days = now_ms.saturating_sub(line.start_ms) as f64 / DAY_MS as f64;
    let reach = if sure { f64::INFINITY } else { REACH * span_days };
    let middle = |k: usize, of: usize| (k as f64 + 0.5) / of as f64;
    let mut samples = Vec::with_capacity(SLOPES * RESTS);
    for s in 0..SLOPES {
        let slope = line.slope_per_s + normal_quantile(middle(s, SLOPES)) * line.slope_error;
        for r in 0..RESTS {
            let left = room - quantile(&rests, middle(r, RESTS))?;
            let days = match (left <= 0.0, slope > 0.0) {
                (true, _) => 0.0,
                (false, true) => left / slope / 86_400.0,
                (false, false) => f64::INFINITY,
            };
            samples.push((if days <= reach { days } else { f64::INFINITY }, 1.0));
        }
    }
    Passage::of(samples, limit.horizon_ms, 1.0)
}
