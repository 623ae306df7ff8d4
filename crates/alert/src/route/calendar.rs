//! Time intervals: named parts of the calendar in which routes are mute or active.
//!
//! A time lies in an interval when it passes every part that is given: time of day, weekday, day of the
//! month (negative ones count from its end), month, year, all in the interval's location (UTC when none
//! is named). Ranges are inclusive, except that the minute at which a range of times ends is outside.

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// One interval; a name stands for several, of which one must fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeInterval {
    /// Minutes of the day, from and up to (not including).
    pub times: Vec<(u16, u16)>,
    /// Days of the week, 0 = Sunday.
    pub weekdays: Vec<(i32, i32)>,
    /// Days of the month; negative ones from its end, -1 = the last.
    pub days_of_month: Vec<(i32, i32)>,
    /// Months from 1.
    pub months: Vec<(i32, i32)>,
    /// Years.
    pub years: Vec<(i32, i32)>,
    /// Where; `None` = UTC.
    pub location: Option<TimeZone>,
}

impl TimeInterval {
    /// Whether a time, ms since the epoch, lies in it.
    pub fn contains(&self, at: i64) -> bool {
        let Ok(instant) = Instant::from_millisecond(at) else { return false };
        let zone = self.location.clone().unwrap_or(TimeZone::UTC);
        let t = instant.to_zoned(zone);
        let minute = u16::try_from(i32::from(t.hour()) * 60 + i32::from(t.minute())).unwrap_or(0);
        let days = i32::from(t.days_in_month());
        let weekday = i32::from(t.weekday().to_sunday_zero_offset());
        let fits = |ranges: &[(i32, i32)], x: i32| {
            ranges.is_empty() || ranges.iter().any(|(from, to)| (*from..=*to).contains(&x))
        };
        let at_time = self.times.is_empty()
            || self.times.iter().any(|(from, to)| (*from..*to).contains(&minute));
        let of_month = |(from, to): &(i32, i32)| {
            let day = |d: i32| if d < 0 { days + d + 1 } else { d };
            let (from, to) = (day(*from), day(*to));
            from <= days && (from.max(1)..=to.min(days)).contains(&i32::from(t.day()))
        };
        let on_day = self.days_of_month.is_empty() || self.days_of_month.iter().any(of_month);
        at_time
            && on_day
            && fits(&self.weekdays, weekday)
            && fits(&self.months, i32::from(t.month()))
            && fits(&self.years, i32::from(t.year()))
    }
}

/// An interval as a silence brings it: the keys and texts of Alertmanager's time intervals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Window {
    /// Times of the day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<WindowTimes>,
    /// `monday:friday`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<String>,
    /// `1:5`, `-1`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days_of_month: Vec<String>,
    /// `may:august`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<String>,
    /// `2026:2027`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub years: Vec<String>,
    /// `Europe/Berlin`; `None` = UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A part of the day: `22:00` to `24:00`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WindowTimes {
    pub start_time: String,
    pub end_time: String,
}

impl Window {
    /// The interval that it stands for.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn interval(&self) -> Result<TimeInterval, String> {
        let times = self.times.iter().map(|t| {
            let read = |text: &str| {
                parse_time(text).ok_or_else(|| format!("{text:?} is not a time of day (09:00)"))
            };
            let (start, end) = (read(&t.start_time)?, read(&t.end_time)?);
            if start >= end {
                return Err("start time cannot be equal or greater than end time".to_owned());
            }
            Ok((start, end))
        });
        let ranges = |part, texts: &[String]| {
            texts.iter().map(|t| parse_range(part, t)).collect::<Result<Vec<_>, String>>()
        };
        let location = self.location.as_deref().map(|name| {
            TimeZone::get(name).map_err(|_| format!("no time zone {name:?} is known here"))
        });
        Ok(TimeInterval {
            times: times.collect::<Result<_, String>>()?,
            weekdays: ranges(Part::Weekday, &self.weekdays)?,
            days_of_month: ranges(Part::DayOfMonth, &self.days_of_month)?,
            months: ranges(Part::Month, &self.months)?,
            years: ranges(Part::Year, &self.years)?,
            location: location.transpose()?,
        })
    }
}

const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Which part of the calendar a range is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Part {
    Weekday,
    DayOfMonth,
    Month,
    Year,
}

/// Reads a range: `monday:friday`, `1:5`, `-3:-1`, `may`, `2026:2027`.
///
/// # Errors
/// What is wrong, for people.
pub fn parse_range(part: Part, text: &str) -> Result<(i32, i32), String> {
    let text = text.trim().to_lowercase();
    let (from, to) = text.split_once(':').unwrap_or((&text, &text));
    let (from, to) = (value(part, from.trim())?, value(part, to.trim())?);
    if part == Part::DayOfMonth && from < 0 && to > 0 {
        return Err("end day must be negative if start day is negative".to_owned());
    }
    let comes_late = if part == Part::DayOfMonth && from > 0 && to < 0 {
        // In the shortest month the range must not be empty.
        from > 28 + to + 1
    } else {
        from > to
    };
    if comes_late {
        return Err(format!("{text:?} ends before it begins"));
    }
    Ok((from, to))
}

fn value(part: Part, text: &str) -> Result<i32, String> {
    let named = |names: &[&str]| names.iter().position(|n| *n == text).map(|i| i as i32);
    let number = || text.parse::<i32>().ok();
    let found = match part {
        Part::Weekday => named(&WEEKDAYS),
        Part::Month => {
            named(&MONTHS).map(|i| i + 1).or_else(|| number().filter(|n| (1..=12).contains(n)))
        }
        Part::DayOfMonth => number().filter(|n| (-31..=31).contains(n) && *n != 0),
        Part::Year => number().filter(|n| (0..=9999).contains(n)),
    };
    found.ok_or_else(|| {
        let wanted = match part {
            Part::Weekday => "a day of the week (monday)",
            Part::Month => "a month (may, 5)",
            Part::DayOfMonth => "a day of the month (1 to 31, or -1 for the last)",
            Part::Year => "a year (2026)",
        };
        format!("{text:?} is not {wanted}")
    })
}

/// Reads a time of day, `09:00` to `24:00`, as minutes.
pub fn parse_time(text: &str) -> Option<u16> {
    let (h, m) = text.split_once(':')?;
    if h.len() != 2 || m.len() != 2 {
        return None;
    }
    let (h, m): (u16, u16) = (h.parse().ok()?, m.parse().ok()?);
    ((h < 24 && m < 60) || (h == 24 && m == 0)).then_some(h * 60 + m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(interval: &TimeInterval, at: &str, expected: bool) {
        let ms = at.parse::<Instant>().unwrap().as_millisecond();
        assert_eq!(interval.contains(ms), expected, "{at}");
    }

    #[test]
    fn every_part_that_is_given_must_fit() {
        let hours = TimeInterval {
            times: vec![(9 * 60, 17 * 60)],
            weekdays: vec![(1, 5)],
            ..TimeInterval::default()
        };
        check(&hours, "2026-11-20T09:00:00Z", true);
        check(&hours, "2026-11-20T16:59:59Z", true);
        check(&hours, "2026-11-20T17:00:00Z", false);
        check(&hours, "2026-11-21T12:00:00Z", false);
        check(&TimeInterval::default(), "2026-11-21T12:00:00Z", true);
    }

    #[test]
    fn days_count_from_either_end_of_the_month() {
        let last = TimeInterval { days_of_month: vec![(-3, -1)], ..TimeInterval::default() };
        check(&last, "2026-02-26T00:00:00Z", true);
        check(&last, "2026-02-25T23:59:59Z", false);
        let late = TimeInterval { days_of_month: vec![(30, 31)], ..TimeInterval::default() };
        check(&late, "2026-02-28T00:00:00Z", false);
        check(&late, "2026-04-30T00:00:00Z", true);
    }

    #[test]
    fn a_location_has_its_own_day_and_its_summer_time() {
        let Ok(zone) = TimeZone::get("Europe/Berlin") else { return };
        let nine = TimeInterval {
            times: vec![(9 * 60, 10 * 60)],
            location: Some(zone),
            ..TimeInterval::default()
        };
        check(&nine, "2026-01-15T08:30:00Z", true);
        check(&nine, "2026-07-15T07:30:00Z", true);
        check(&nine, "2026-07-15T08:30:00Z", false);
    }

    #[test]
    fn ranges_are_read_and_refused() {
        assert_eq!(parse_range(Part::Weekday, "Monday:friday"), Ok((1, 5)));
        assert_eq!(parse_range(Part::Month, "may:8"), Ok((5, 8)));
        assert_eq!(parse_range(Part::DayOfMonth, "1:-1"), Ok((1, -1)));
        assert_eq!(parse_range(Part::Year, "2026"), Ok((2026, 2026)));
        for (part, text) in [
            (Part::Weekday, "friday:monday"),
            (Part::Weekday, "funday"),
            (Part::DayOfMonth, "0"),
            (Part::DayOfMonth, "-1:5"),
            (Part::DayOfMonth, "31:-1"),
            (Part::Month, "13"),
            (Part::Year, ""),
        ] {
            assert!(parse_range(part, text).is_err(), "{text}");
        }
        assert_eq!(parse_time("24:00"), Some(1440));
        assert_eq!(
            (parse_time("24:01"), parse_time("9:00"), parse_time("09:60")),
            (None, None, None)
        );
    }
}
