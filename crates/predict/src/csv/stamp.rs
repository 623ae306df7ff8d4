//! Timestamps as text: reading the accepted forms, writing back the form that was read.
//!
//! Limits: years 1..=9999 for calendar forms; proleptic Gregorian calendar, no leap seconds. Bare numbers below 1e11 in
//! size are seconds (until the year 5138), larger ones milliseconds.

/// How a timestamp was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `2024-01-31 13:05:00`, UTC.
    Plain,
    /// RFC 3339 with `T`; offset from UTC in minutes, `None` for `Z`.
    Rfc3339 {
        /// Minutes east of UTC.
        offset: Option<i64>,
    },
    /// Seconds since the epoch.
    Seconds,
    /// Milliseconds since the epoch.
    Millis,
}

const SECONDS_MAX: f64 = 1e11;
const MILLIS_MAX: f64 = 3e14;
const DAY_MS: i64 = 86_400_000;

/// Milliseconds since the epoch and the form, or `None`.
pub(super) fn read(text: &str) -> Option<(i64, Form)> {
    if text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+'))
        && let Ok(number) = text.parse::<f64>()
    {
        return match number.abs() {
            size if size < SECONDS_MAX => Some(((number * 1e3).round() as i64, Form::Seconds)),
            size if size < MILLIS_MAX => Some((number.round() as i64, Form::Millis)),
            _ => None,
        };
    }
    calendar(text)
}

fn calendar(text: &str) -> Option<(i64, Form)> {
    let bytes = text.as_bytes();
    if bytes.len() < 16 || !text.is_ascii() {
        return None;
    }
    let part = |at: usize, len: usize| digits(bytes.get(at..at + len)?);
    let separated = bytes[4] == b'-' && bytes[7] == b'-' && bytes[13] == b':';
    let strict = match bytes[10] {
        b'T' | b't' => true,
        b' ' => false,
        _ => return None,
    };
    let (year, month, day) = (part(0, 4)?, part(5, 2)?, part(8, 2)?);
    let (hour, minute) = (part(11, 2)?, part(14, 2)?);
    let with_seconds = bytes.get(16) == Some(&b':');
    let second = if with_seconds { part(17, 2)? } else { 0 };
    let possible = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && year > 0;
    if !separated || !possible {
        return None;
    }
    let rest = &text[if with_seconds { 19 } else { 16 }..];
    let (fraction_ms, zone) = fraction(rest)?;
    let offset = match zone {
        "" | "Z" | "z" => None,
        zone => Some(offset_minutes(zone)?),
    };
    let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    let time_ms = seconds * 1000 + fraction_ms - offset.unwrap_or(0) * 60_000;
    let form = if strict || !zone.is_empty() { Form::Rfc3339 { offset } } else { Form::Plain };
    Some((time_ms, form))
}

/// Milliseconds of a leading `.123456`, and what follows.
fn fraction(rest: &str) -> Option<(i64, &str)> {
    let Some(after) = rest.strip_prefix('.') else { return Some((0, rest)) };
    let length = after.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 || length > 9 {
        return None;
    }
    let share = digits(&after.as_bytes()[..length])? as f64 / 10f64.powi(length as i32);
    Some(((share * 1e3) as i64, &after[length..]))
}

/// `+02:00` as minutes.
fn offset_minutes(zone: &str) -> Option<i64> {
    let bytes = zone.as_bytes();
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let (hours, minutes) = (digits(&bytes[1..3])?, digits(&bytes[4..6])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    match bytes[0] {
        b'+' => Some(hours * 60 + minutes),
        b'-' => Some(-hours * 60 - minutes),
        _ => None,
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

impl Form {
    /// The time in this form.
    pub fn write(self, time_ms: i64) -> String {
        match self {
            Form::Millis => time_ms.to_string(),
            Form::Seconds if time_ms % 1000 == 0 => (time_ms / 1000).to_string(),
            Form::Seconds => format!("{}", time_ms as f64 / 1e3),
            Form::Plain => civil_text(time_ms, ' '),
            Form::Rfc3339 { offset: None } => civil_text(time_ms, 'T') + "Z",
            Form::Rfc3339 { offset: Some(minutes) } => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
                let local = civil_text(time_ms.saturating_add(minutes * 60_000), 'T');
                format!("{local}{sign}{hours:02}:{rest:02}")
            }
        }
    }
}

fn civil_text(time_ms: i64, between: char) -> String {
    let (year, month, day) = civil_from_days(time_ms.div_euclid(DAY_MS));
    let ms = time_ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let text = format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}");
    if ms % 1000 == 0 { text } else { format!("{text}.{:03}", ms % 1000) }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01; years are counted from March so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let before_month = (153 * ((month + 9) % 12) + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + before_month + day - 1 - 719_468
}

/// Calendar day of a day number: the 400-year era first, then at most a step or two to the year that began in March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let since = days + 719_468;
    let mut year = since.div_euclid(146_097) * 400 + since.rem_euclid(146_097) / 366;
    while days_from_civil(year + 1, 3, 1) <= days {
        year += 1;
    }
    let start_of = |index: i64| days_from_civil(year + (index + 2) / 12, (index + 2) % 12 + 1, 1);
    let mut index = 0;
    while index < 11 && start_of(index + 1) <= days {
        index += 1;
    }
    (year + (index + 2) / 12, (index + 2) % 12 + 1, days - start_of(index) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected_ms: i64) {
        let (time_ms, form) = read(text).expect("a time");
        assert_eq!(time_ms, expected_ms);
        assert_eq!(form.write(time_ms), text);
    }

    #[test]
    fn forms_are_read_and_written_back() {
        check("1970-01-01 00:00:00", 0);
        check("2024-02-29 12:34:56", 1_709_210_096_000);
        check("2024-02-29T12:34:56Z", 1_709_210_096_000);
        check("2024-02-29T12:34:56.250Z", 1_709_210_096_250);
        check("2024-02-29T14:34:56+02:00", 1_709_210_096_000);
        check("2024-02-29T07:04:56-05:30", 1_709_210_096_000);
        check("1709210096", 1_709_210_096_000);
        check("1709210096.5", 1_709_210_096_500);
        check("1709210096250", 1_709_210_096_250);
        check("0001-03-01 00:00:00", -62_130_499_200_000);
        check("9999-12-31 23:59:59", 253_402_300_799_000);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2024-02-30 00:00:00",
            "2024-13-01 00:00:00",
            "1e99",
            "NaN",
            "2024-01-01T00:00:00+99:00",
            "2024-01-01 00:00:00.",
            "2024-01-01x00:00:00",
            "--",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
