//! Times and durations as Go writes them.
//!
//! A layout is written with the time Mon Jan 2 15:04:05 MST 2006; see Go's package time.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The layout of RFC 3339 with as many digits as needed.
pub(super) const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";
/// The layout that Go prints times with.
const PRINTED: &str = "2006-01-02 15:04:05.999999999 -0700 MST";
/// Seconds from Go's zero time, the year 1, to 1970.
const ZERO_SECONDS: i64 = -62_135_596_800;

/// Go's zero time.
pub(super) fn zero() -> Zoned {
    Timestamp::from_second(ZERO_SECONDS).unwrap_or(Timestamp::MIN).to_zoned(TimeZone::UTC)
}

/// Whether a time is Go's zero time.
pub(super) fn is_zero(t: &Zoned) -> bool {
    t.timestamp().as_second() == ZERO_SECONDS && t.timestamp().subsec_nanosecond() == 0
}

/// A time in UTC from ms since the epoch; Go's zero time when it is out of range.
pub(super) fn from_ms(ms: i64) -> Zoned {
    Timestamp::from_millisecond(ms).map_or_else(|_| zero(), |t| t.to_zoned(TimeZone::UTC))
}

/// The name of a month, from 1.
pub(super) fn month(n: i8) -> &'static str {
    usize::try_from(n - 1).ok().and_then(|i| MONTHS.get(i)).copied().unwrap_or("%!Month(0)")
}

/// The name of a day of the week, from 0, Sunday.
pub(super) fn weekday(n: i8) -> &'static str {
    usize::try_from(n).ok().and_then(|i| DAYS.get(i)).copied().unwrap_or("%!Weekday(0)")
}

/// A time as Go prints it.
pub(super) fn printed(t: &Zoned) -> String {
    format(t, PRINTED)
}

/// A duration as Go prints it: `1h0m0.5s`, `15ms`.
pub(super) fn duration(ns: i64) -> String {
    if ns == 0 {
        return "0s".to_owned();
    }
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    if ns < 1_000_000_000 {
        let (unit, size) = match ns {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        return format!("{sign}{}{unit}", decimal(ns, size));
    }
    let (h, m) = (ns / 3_600_000_000_000, ns / 60_000_000_000 % 60);
    let mut out = sign.to_owned();
    if h > 0 {
        let _ = write!(out, "{h}h");
    }
    if h > 0 || m > 0 {
        let _ = write!(out, "{m}m");
    }
    let _ = write!(out, "{}s", decimal(ns % 60_000_000_000, 1_000_000_000));
    out
}

/// `n / size` without zeros at the end; `size` is a power of ten.
fn decimal(n: u64, size: u64) -> String {
    let (whole, rest) = (n / size, n % size);
    if rest == 0 {
        return whole.to_string();
    }
    let width = size.ilog10() as usize;
    format!("{whole}.{}", format!("{rest:0width$}").trim_end_matches('0'))
}

/// A part of a layout with a meaning.
#[derive(Clone, Copy)]
enum Part {
    LongMonth,
    Month,
    Number(Field, Pad),
    LongWeekday,
    Weekday,
    LongYear,
    Noon(&'static str, &'static str),
    Zone,
    Offset { utc_is_z: bool, colons: bool, seconds: bool, hours_only: bool },
}

#[derive(Clone, Copy)]
enum Field {
    Month,
    Day,
    YearDay,
    Hour,
    Hour12,
    Minute,
    Second,
    Year,
}

#[derive(Clone, Copy)]
enum Pad {
    None,
    Zero(usize),
    Space(usize),
}

const fn offset(utc_is_z: bool, colons: bool, seconds: bool, hours_only: bool) -> Part {
    Part::Offset { utc_is_z, colons, seconds, hours_only }
}

/// Parts as they are written, longer before shorter ones that they begin with.
const PARTS: [(&str, Part); 34] = [
    ("January", Part::LongMonth),
    ("Jan", Part::Month),
    ("Monday", Part::LongWeekday),
    ("Mon", Part::Weekday),
    ("MST", Part::Zone),
    ("01", Part::Number(Field::Month, Pad::Zero(2))),
    ("02", Part::Number(Field::Day, Pad::Zero(2))),
    ("03", Part::Number(Field::Hour12, Pad::Zero(2))),
    ("04", Part::Number(Field::Minute, Pad::Zero(2))),
    ("05", Part::Number(Field::Second, Pad::Zero(2))),
    ("06", Part::Number(Field::Year, Pad::Zero(2))),
    ("002", Part::Number(Field::YearDay, Pad::Zero(3))),
    ("15", Part::Number(Field::Hour, Pad::Zero(2))),
    ("1", Part::Number(Field::Month, Pad::None)),
    ("2006", Part::LongYear),
    ("2", Part::Number(Field::Day, Pad::None)),
    // `_2006` is an underscore and a year.
    ("_2006", Part::LongYear),
    ("__2", Part::Number(Field::YearDay, Pad::Space(3))),
    ("_2", Part::Number(Field::Day, Pad::Space(2))),
    ("3", Part::Number(Field::Hour12, Pad::None)),
    ("4", Part::Number(Field::Minute, Pad::None)),
    ("5", Part::Number(Field::Second, Pad::None)),
    ("PM", Part::Noon("AM", "PM")),
    ("pm", Part::Noon("am", "pm")),
    ("-07:00:00", offset(false, true, true, false)),
    ("-070000", offset(false, false, true, false)),
    ("-07:00", offset(false, true, false, false)),
    ("-0700", offset(false, false, false, false)),
    ("-07", offset(false, false, false, true)),
    ("Z07:00:00", offset(true, true, true, false)),
    ("Z070000", offset(true, false, true, false)),
    ("Z07:00", offset(true, true, false, false)),
    ("Z0700", offset(true, false, false, false)),
    ("Z07", offset(true, false, false, true)),
];

/// A time in a layout.
pub(super) fn format(t: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    while let Some(c) = rest.chars().next() {
        if let Some((length, digits, cut)) = fraction(rest) {
            put_fraction(&mut out, t, &rest[..1], digits, cut);
            rest = &rest[length..];
        } else if let Some((written, part)) = part(rest) {
            if written.starts_with("_2006") {
                out.push('_');
            }
            put(&mut out, t, part);
            rest = &rest[written.len()..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn part(text: &str) -> Option<(&'static str, Part)> {
    let found = PARTS.iter().filter(|(written, _)| text.starts_with(written));
    let (written, part) = found.max_by_key(|(written, _)| written.len()).copied()?;
    // `Jan` and `Mon` count only where no small letter follows.
    let after = text.as_bytes().get(written.len()).copied();
    if matches!(written, "Jan" | "Mon") && after.is_some_and(|b| b.is_ascii_lowercase()) {
        return None;
    }
    Some((written, part))
}

/// `.000` or `,999`, not followed by another digit: its bytes, digits, whether zeros are cut off.
fn fraction(text: &str) -> Option<(usize, usize, bool)> {
    let bytes = text.as_bytes();
    if !matches!(bytes.first(), Some(b'.' | b',')) {
        return None;
    }
    let digit = *bytes.get(1).filter(|b| matches!(b, b'0' | b'9'))?;
    let digits = bytes[1..].iter().take_while(|b| **b == digit).count();
    if bytes.get(1 + digits).is_some_and(u8::is_ascii_digit) || digits > 9 {
        return None;
    }
    Some((1 + digits, digits, digit == b'9'))
}

fn put_fraction(out: &mut String, t: &Zoned, point: &str, digits: usize, cut: bool) {
    let all = format!("{:09}", t.subsec_nanosecond());
    let mut shown = &all[..digits];
    if cut {
        shown = shown.trim_end_matches('0');
    }
    if !shown.is_empty() {
        out.push_str(point);
        out.push_str(shown);
    }
}

fn put(out: &mut String, t: &Zoned, part: Part) {
    let weekday_number = t.weekday().to_sunday_zero_offset();
    match part {
        Part::LongMonth => out.push_str(month(t.month())),
        Part::Month => out.push_str(&month(t.month())[..3]),
        Part::LongWeekday => out.push_str(weekday(weekday_number)),
        Part::Weekday => out.push_str(&weekday(weekday_number)[..3]),
        Part::LongYear => {
            let _ = write!(out, "{:04}", t.year());
        }
        Part::Noon(before, after) => out.push_str(if t.hour() < 12 { before } else { after }),
        Part::Number(field, pad) => put_number(out, t, field, pad),
        Part::Zone => out.push_str(&zone(t)),
        Part::Offset { utc_is_z, colons, seconds, hours_only } => {
            let total = t.offset().seconds();
            if utc_is_z && total == 0 {
                out.push('Z');
                return;
            }
            let sign = if total < 0 { '-' } else { '+' };
            let total = total.unsigned_abs();
            let colon = if colons { ":" } else { "" };
            let _ = write!(out, "{sign}{:02}", total / 3_600);
            if !hours_only {
                let _ = write!(out, "{colon}{:02}", total / 60 % 60);
            }
            if seconds {
                let _ = write!(out, "{colon}{:02}", total % 60);
            }
        }
    }
}

fn put_number(out: &mut String, t: &Zoned, field: Field, pad: Pad) {
    let hour12 = if t.hour() % 12 == 0 { 12 } else { t.hour() % 12 };
    let n = match field {
        Field::Month => i16::from(t.month()),
        Field::Day => i16::from(t.day()),
        Field::YearDay => t.day_of_year(),
        Field::Hour => i16::from(t.hour()),
        Field::Hour12 => i16::from(hour12),
        Field::Minute => i16::from(t.minute()),
        Field::Second => i16::from(t.second()),
        Field::Year => t.year().rem_euclid(100),
    };
    let _ = match pad {
        Pad::None => write!(out, "{n}"),
        Pad::Zero(width) => write!(out, "{n:0width$}"),
        Pad::Space(width) => write!(out, "{n:width$}"),
    };
}

/// The abbreviation of the zone, or its offset where it has none.
fn zone(t: &Zoned) -> String {
    let info = t.time_zone().to_offset_info(t.timestamp());
    let name = info.abbreviation();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return name.to_owned();
    }
    let total = t.offset().seconds();
    let sign = if total < 0 { '-' } else { '+' };
    let (hours, minutes) = (total.unsigned_abs() / 3_600, total.unsigned_abs() / 60 % 60);
    if minutes == 0 { format!("{sign}{hours:02}") } else { format!("{sign}{hours:02}{minutes:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_gos() {
        let t = from_ms(1_435_065_584_128);
        for (layout, text) in [
            ("2006-01-02 15:04:05", "2015-06-23 13:19:44"),
            ("Mon Jan _2 15:04:05 2006", "Tue Jun 23 13:19:44 2015"),
            ("Monday, 02-Jan-06 15:04:05 MST", "Tuesday, 23-Jun-15 13:19:44 UTC"),
            ("January 2, 2006 3:04PM", "June 23, 2015 1:19PM"),
            ("2006-01-02T15:04:05Z07:00", "2015-06-23T13:19:44Z"),
            (RFC3339_NANO, "2015-06-23T13:19:44.128Z"),
            ("15:04:05.000000 -0700", "13:19:44.128000 +0000"),
            ("15:04:05.00", "13:19:44.12"),
            ("_2006 002 __2", "_2015 174 174"),
            ("Month Janus", "Month Janus"),
            ("02.01.2006", "23.06.2015"),
            ("03:04 pm -07:00", "01:19 pm +00:00"),
            ("é 1/2", "é 6/23"),
        ] {
            assert_eq!(format(&t, layout), text, "{layout}");
        }
        assert_eq!(printed(&t), "2015-06-23 13:19:44.128 +0000 UTC");
        assert_eq!(printed(&zero()), "0001-01-01 00:00:00 +0000 UTC");
        assert!(is_zero(&zero()) && !is_zero(&t));
    }

    #[test]
    fn durations_are_gos() {
        for (ns, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (15_000_000, "15ms"),
            (1_000_000_000, "1s"),
            (3_600_500_000_000, "1h0m0.5s"),
            (-90_000_000_000, "-1m30s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(duration(ns), text);
        }
    }
}
