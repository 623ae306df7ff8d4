//! Times as dashboards and links write them: `now`, `now-6h`, `now-1d/d`, `now/w`, RFC 3339, seconds or ms since the epoch.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use plimsoll_model::{Timestamp, parse_duration_ms};

/// Which end of a time is meant; `/d` is the beginning of the day at one, and the beginning of the next at the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The beginning.
    From,
    /// The end.
    To,
}

/// A number above this, which is the year 5138 in seconds, is in ms.
const SECONDS_MAX: f64 = 1e11;
/// The farthest time, ms either side of the epoch: that of the year 9999.
const FARTHEST_MS: f64 = 253_402_300_799_000.0;

/// The instant, ms since the epoch, that a text means at `now` in a zone.
///
/// # Errors
/// It means none; what to write instead.
pub fn instant(
    text: &str,
    now: Timestamp,
    zone: &TimeZone,
    edge: Edge,
) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "{text:?} is no time (write now, now-6h, now/d, 2026-11-22T08:00:00Z, or seconds or ms since 1970)"
        )
    };
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let ms = if number.abs() > SECONDS_MAX { number } else { number * 1e3 };
        return if ms.abs() <= FARTHEST_MS { Ok(ms.round() as i64) } else { Err(wrong()) };
    }
    let Some(rest) = text.strip_prefix("now") else {
        let at = text.parse::<jiff::Timestamp>().map_err(|_| wrong())?;
        return Ok(at.as_millisecond());
    };
    let (offset, piece) = match rest.split_once('/') {
        Some((offset, piece)) => (offset, Some(piece)),
        None => (rest, None),
    };
    let now = jiff::Timestamp::from_millisecond(now).map_err(|_| wrong())?.to_zoned(zone.clone());
    let at = moved(&now, offset).ok_or_else(wrong)?;
    let at = match piece {
        Some(piece) => edge_of(&at, piece, edge).ok_or_else(wrong)?,
        None => at,
    };
    Ok(at.timestamp().as_millisecond())
}

/// A time so much earlier or later: `-6h`, `+1d`, `-1M`.
fn moved(at: &Zoned, offset: &str) -> Option<Zoned> {
    if offset.is_empty() {
        return Some(at.clone());
    }
    let (sign, length) = match offset.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, offset.strip_prefix('+')?),
    };
    let digits = length.find(|c: char| !c.is_ascii_digit())?;
    let months = match &length[digits..] {
        "M" => 1,
        "Q" | "fQ" => 3,
        "y" | "fy" => 12,
        _ => {
            let ms = parse_duration_ms(length)?.checked_mul(sign)?;
            return at.checked_add(jiff::SignedDuration::from_millis(ms)).ok();
        }
    };
    let count: i64 = length[..digits].parse().ok()?;
    let months = count.checked_mul(months).filter(|m| *m < 100_000)?;
    at.checked_add((months * sign).months()).ok()
}

/// The beginning of the piece of time around an instant, or that of the next.
fn edge_of(at: &Zoned, piece: &str, edge: Edge) -> Option<Zoned> {
    let steps = i64::from(edge == Edge::To);
    let small = |second: i8, minute: i8| {
        at.with().subsec_nanosecond(0).second(second).minute(minute).build().ok()
    };
    let day = |date: Date, span: jiff::Span| {
        date.checked_add(span).ok()?.to_zoned(at.time_zone().clone()).ok()
    };
    let date = at.date();
    let month = |count: i8, piece: jiff::Span| {
        let first = (date.month() - 1) / count * count + 1;
        day(Date::new(date.year(), first, 1).ok()?, piece)
    };
    match piece {
        "s" => small(at.second(), at.minute())?.checked_add(steps.seconds()).ok(),
        "m" => small(0, at.minute())?.checked_add(steps.minutes()).ok(),
        "h" => small(0, 0)?.checked_add(steps.hours()).ok(),
        "d" => day(date, steps.days()),
        "w" => {
            let back = i64::from(date.weekday().to_monday_zero_offset());
            day(date.checked_sub(back.days()).ok()?, steps.weeks())
        }
        "M" => month(1, steps.months()),
        "Q" | "fQ" => month(3, (steps * 3).months()),
        "y" | "fy" => month(12, steps.years()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, edge: Edge, wanted: &str) {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = "2026-11-18T10:20:30.500Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let at = instant(text, now, &zone, edge).map(|ms| {
            jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned(zone).datetime().to_string()
        });
        assert_eq!(at.as_deref(), Ok(wanted), "{text}");
    }

    #[test]
    fn times_mean_what_people_take_them_for() {
        check("now", Edge::From, "2026-11-18T11:20:30.5");
        check("now-6h", Edge::From, "2026-11-18T05:20:30.5");
        check("now-1h30m", Edge::From, "2026-11-18T09:50:30.5");
        check("now+1d", Edge::To, "2026-11-19T11:20:30.5");
        check("now-1M", Edge::From, "2026-10-18T11:20:30.5");
        check("now-1y/y", Edge::From, "2025-01-01T00:00:00");
        check("now-1y/y", Edge::To, "2026-01-01T00:00:00");
        check("now/d", Edge::From, "2026-11-18T00:00:00");
        check("now/d", Edge::To, "2026-11-19T00:00:00");
        check("now-1d/d", Edge::From, "2026-11-17T00:00:00");
        check("now/w", Edge::From, "2026-11-16T00:00:00");
        check("now/w", Edge::To, "2026-11-23T00:00:00");
        check("now/M", Edge::From, "2026-11-01T00:00:00");
        check("now/Q", Edge::From, "2026-10-01T00:00:00");
        check("now/Q", Edge::To, "2027-01-01T00:00:00");
        check("now/h", Edge::To, "2026-11-18T12:00:00");
        check("now/m", Edge::From, "2026-11-18T11:20:00");
        check("2026-11-18T10:00:00Z", Edge::From, "2026-11-18T11:00:00");
        check("1763460000", Edge::From, "2025-11-18T11:00:00");
        check("1763460000123", Edge::From, "2025-11-18T11:00:00.123");
    }

    #[test]
    fn what_is_no_time_is_told() {
        for text in [
            "",
            "yesterday",
            "now-",
            "now-6",
            "now/x",
            "now6h",
            "now--1h",
            "NaN",
            "1e300",
            "now-999999999y",
            "-6h",
        ] {
            let e = instant(text, 0, &TimeZone::UTC, Edge::From).unwrap_err();
            assert!(e.contains(&format!("{text:?}")) && e.contains("now-6h"), "{e}");
        }
    }
}
