//! Where axes have their marks and what stands at them. Pure; never more than [`TICKS_MAX`] marks.

use jiff::tz::TimeZone;
use plimsoll_model::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp, Unit};

/// Marks of an axis.
const TICKS_MAX: usize = 50;
/// Steps of times.
const TIME_STEPS: [i64; 21] = [
    SECOND_MS,
    2 * SECOND_MS,
    5 * SECOND_MS,
    10 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    7 * DAY_MS,
    30 * DAY_MS,
];
/// Steps of long durations, s: round in minutes, hours and days.
const LONG_STEPS: [f64; 12] = [
    60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 21_600.0, 43_200.0,
    86_400.0,
];

/// The range of the value axis: from zero for amounts, a little air, never empty.
pub fn value_range(min: f64, max: f64) -> (f64, f64) {
    if !(min.is_finite() && max.is_finite()) {
        return (0.0, 1.0);
    }
    let low = if min >= 0.0 && min < max * 0.9 { 0.0 } else { min };
    if max - low <= max.abs() * 1e-9 {
        return match max {
            0.0 => (0.0, 1.0),
            _ if max > 0.0 => (0.0, max * 1.25),
            _ => (max * 1.25, 0.0),
        };
    }
    let air = (max - low) * 0.08;
    (if low == 0.0 { 0.0 } else { low - air }, max + air)
}

/// Multiples of a round step inside the range, about `count`, with what stands at them.
pub fn value_ticks(min: f64, max: f64, count: f64, unit: Unit) -> Vec<(f64, String)> {
    let span = max - min;
    if !(span.is_finite() && span > 0.0) {
        return Vec::new();
    }
    let step = round_step(span / count.max(1.0), unit);
    let first = (min / step - 1e-9).ceil();
    let at = |k: usize| (first + k as f64) * step;
    // Adding nothing makes of a negative zero a zero.
    let inside = (0..TICKS_MAX).map(|k| at(k) + 0.0).take_while(|v| *v <= max + step * 1e-9);
    inside.map(|v| (v, unit.show(v))).collect()
}

fn round_step(raw: f64, unit: Unit) -> f64 {
    match unit {
        Unit::Bytes | Unit::BytesPerSecond if raw >= 1.0 => {
            let scale = 1024_f64.powf((raw.log2() / 10.0 + 1e-9).floor().max(0.0));
            let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 256.0, 512.0, 1024.0];
            let found = steps.into_iter().find(|x| *x >= raw / scale - 1e-9);
            found.unwrap_or(1024.0) * scale
        }
        Unit::Seconds if raw > 30.0 => match LONG_STEPS.into_iter().find(|x| *x >= raw) {
            Some(step) => step,
            None => decimal(raw / 86_400.0) * 86_400.0,
        },
        _ => decimal(raw),
    }
}

fn decimal(raw: f64) -> f64 {
    let power = 10_f64.powf((raw.log10() + 1e-9).floor());
    let found = [1.0, 2.0, 2.5, 5.0].into_iter().find(|x| *x >= raw / power - 1e-9);
    found.unwrap_or(10.0) * power
}

/// Round times inside the window, about `count`, with what stands at them: the day where it begins.
pub fn time_ticks(from: Timestamp, until: Timestamp, count: i64) -> Vec<(Timestamp, String)> {
    time_ticks_in(from, until, count, &TimeZone::UTC)
}

/// The same, round in a time zone. Its offset at the window's left end counts for the whole window.
pub fn time_ticks_in(
    from: Timestamp,
    until: Timestamp,
    count: i64,
    zone: &TimeZone,
) -> Vec<(Timestamp, String)> {
    let offset = jiff::Timestamp::from_millisecond(from)
        .map_or(0, |at| i64::from(zone.to_offset(at).seconds()) * SECOND_MS);
    let (from, until) = (from.saturating_add(offset), until.saturating_add(offset));
    let ticks = local_ticks(from, until, count);
    ticks.into_iter().map(|(at, text)| (at.saturating_sub(offset), text)).collect()
}

fn local_ticks(from: Timestamp, until: Timestamp, count: i64) -> Vec<(Timestamp, String)> {
    let span = until.saturating_sub(from);
    if span <= 0 {
        return Vec::new();
    }
    let wanted = span / count.max(1);
    let longest = span / 4 + 1;
    let step = TIME_STEPS.into_iter().find(|s| *s >= wanted).unwrap_or(longest.max(30 * DAY_MS));
    let first = from.div_euclid(step) * step;
    let all = (0..TICKS_MAX as i64).filter_map(|k| first.checked_add(k.checked_mul(step)?));
    let inside = all.filter(|at| (from..=until).contains(at));
    inside.map(|at| (at, time_label(at, step))).collect()
}

fn time_label(at: Timestamp, step: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(at) else { return String::new() };
    let format = match step {
        _ if at.rem_euclid(DAY_MS) == 0 || step >= DAY_MS => "%-d %b",
        _ if step < MINUTE_MS => "%H:%M:%S",
        _ => "%H:%M",
    };
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<T>(ticks: Vec<(T, String)>) -> String {
        ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn values_are_marked_at_round_ones() {
        let shown = |min, max, unit| texts(value_ticks(min, max, 4.0, unit));
        assert_eq!(shown(0.0, 1.08, Unit::Ratio), "0 %, 50 %, 100 %");
        assert_eq!(shown(0.0, 1100.0, Unit::Plain), "0, 500, 1 k");
        let sizes = shown(0.0, 3.2e9, Unit::Bytes);
        assert_eq!(sizes, "0 B, 1 GiB, 2 GiB");
        assert_eq!(shown(0.0, 7000.0, Unit::Seconds), "0 s, 30 m, 1 h, 1 h 30 m");
        assert_eq!(shown(-1.0, 1.0, Unit::Plain), "−1, −0.5, 0, 0.5, 1");
        assert_eq!(shown(1.0, f64::INFINITY, Unit::Plain), "");
        assert!(value_ticks(0.0, 1e-300, 4.0, Unit::Bytes).len() <= TICKS_MAX);
    }

    #[test]
    fn amounts_begin_at_zero() {
        assert_eq!(value_range(10.0, 100.0), (0.0, 107.2 + 0.8));
        assert_eq!(value_range(5.0, 5.0), (0.0, 6.25));
        assert_eq!(value_range(0.0, 0.0), (0.0, 1.0));
        assert_eq!(value_range(f64::INFINITY, f64::NEG_INFINITY), (0.0, 1.0));
        let (low, high) = value_range(99.0, 100.0);
        assert!(low > 98.0 && high < 101.0, "close together: {low} {high}");
    }

    #[test]
    fn times_are_round_and_days_are_named() {
        let noon = 1_763_726_400_000; // 21 November 2025, 12:00
        let shown = texts(time_ticks(noon - 18 * HOUR_MS, noon, 6));
        assert_eq!(shown, "18:00, 21:00, 21 Nov, 03:00, 06:00, 09:00, 12:00");
        assert_eq!(
            texts(time_ticks(noon, noon + 30_000, 3)),
            "12:00:00, 12:00:10, 12:00:20, 12:00:30"
        );
        assert!(time_ticks(noon, noon, 5).is_empty());
        assert!(time_ticks(0, i64::MAX, 5).len() <= TICKS_MAX);
        assert!(time_ticks(i64::MIN, i64::MAX, 5).len() <= TICKS_MAX);
    }
}
