//! When something is due, as crontab files say it: minute, hour, day of the month, month, day of the week.
//!
//! Lists, ranges, steps and names (`MON`, `jan`), `@hourly` to `@yearly`. Where both the day of the month
//! and that of the week are restricted, one of them has to fit, as in cron. Times are civil times of a
//! zone: one that daylight saving skips is due right after the gap, one that comes twice is due once.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use plimsoll_model::Timestamp;

/// Days that are looked at for the next time: leap days come every eight years at worst.
const DAYS_MAX: usize = 366 * 9;
/// Characters of an expression.
const CHARS_MAX: usize = 200;

/// A checked expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether the day of the month, or that of the week, is `*`.
    any_day: bool,
    any_weekday: bool,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > CHARS_MAX {
            return Err(format!("longer than {CHARS_MAX} characters"));
        }
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            let found = fields.len();
            return Err(format!(
                "{text:?} has {found} fields, five are wanted: minute hour day month weekday (0 8 * * MON)"
            ));
        };
        let weekdays = field(weekday, "weekday", 0, 7, &WEEKDAYS)?;
        let cron = Self {
            minutes: field(minute, "minute", 0, 59, &[])?,
            hours: field(hour, "hour", 0, 23, &[])?,
            days: field(day, "day", 1, 31, &[])?,
            months: field(month, "month", 1, 12, &MONTHS)?,
            // Sunday is 0 and 7.
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            any_day: day.starts_with('*'),
            any_weekday: weekday.starts_with('*'),
        };
        // That it is never due is found here and not later.
        match cron.next(0, &TimeZone::UTC) {
            Some(_) => Ok(cron),
            None => Err(format!("{text:?} is never due: there is no such day")),
        }
    }

    /// The first time after this one, ms since the epoch; `None` when there is none for years.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let now = jiff::Timestamp::from_millisecond(after).ok()?.to_zoned(zone.clone());
        // A time of yesterday that was skipped may be due today.
        let mut date = now.date().yesterday().ok()?;
        for _ in 0..DAYS_MAX {
            if self.is_on(date)
                && let Some(at) = self.first_on(date, after, zone)
            {
                return Some(at);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn is_on(&self, date: Date) -> bool {
        let has = |set: u64, n: i8| set >> n & 1 == 1;
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        let fits = match (self.any_day, self.any_weekday) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        has(self.months, date.month()) && fits
    }

    fn first_on(&self, date: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let hours = (0..24).filter(|h| self.hours >> h & 1 == 1);
        let times = hours.flat_map(|h| {
            let minutes = (0..60).filter(|m| self.minutes >> m & 1 == 1);
            minutes.map(move |m| (h, m))
        });
        let at = |(h, m)| {
            let zoned = zone.to_ambiguous_zoned(date.at(h, m, 0, 0)).compatible().ok()?;
            Some(zoned.timestamp().as_millisecond())
        };
        times.filter_map(at).filter(|at| *at > after).min()
    }
}

/// The numbers of a field, as bits.
fn field(text: &str, what: &str, low: u64, high: u64, names: &[&str]) -> Result<u64, String> {
    let wrong = || format!("{what}: {text:?} is not within {low} to {high}");
    let number = |text: &str| -> Result<u64, String> {
        let named = names.iter().position(|n| n.eq_ignore_ascii_case(text));
        let first = if names.len() == 12 { 1 } else { 0 };
        let found = match named {
            Some(i) => i as u64 + first,
            None if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().map_err(|_| wrong())?
            }
            None => return Err(wrong()),
        };
        if (low..=high).contains(&found) { Ok(found) } else { Err(wrong()) }
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step.parse::<u64>().ok().filter(|s| (1..=high).contains(s));
                (range, Some(step.ok_or_else(wrong)?))
            }
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (number(from)?, number(to)?),
            None => {
                let from = number(range)?;
                (from, if step.is_some() { high } else { from })
            }
        };
        if from > to {
            return Err(format!("{what}: {range:?} ends before it begins"));
        }
        for n in (from..=to).step_by(usize::try_from(step.unwrap_or(1)).unwrap_or(1)) {
            set |= 1 << n;
        }
    }
    Ok(set)
}

/// Any bytes give an expression with a next time, or an error.
pub fn fuzz_cron(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(cron) = Cron::read(text) {
        let next = cron.next(1_700_000_000_000, &TimeZone::UTC);
        assert!(next.is_some_and(|at| at > 1_700_000_000_000), "{text:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, zone: &str, after: &str, wanted: &[&str]) {
        let zone = TimeZone::get(zone).unwrap();
        let cron = Cron::read(text).unwrap();
        let mut at = after.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        for wanted in wanted {
            at = cron.next(at, &zone).unwrap();
            let shown = jiff::Timestamp::from_millisecond(at).unwrap().to_string();
            assert_eq!(&shown, wanted, "{text}");
        }
    }

    #[test]
    fn expressions_are_due_when_cron_says() {
        let friday = "2026-11-20T07:59:59Z";
        check("0 8 * * *", "UTC", friday, &["2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z"]);
        check("0 8 * * MON", "UTC", friday, &["2026-11-23T08:00:00Z"]);
        check("*/20 8-9 * * 1-5", "UTC", friday, &["2026-11-20T08:00:00Z", "2026-11-20T08:20:00Z"]);
        check("30 6 1 * *", "UTC", friday, &["2026-12-01T06:30:00Z"]);
        check("0 0 29 feb *", "UTC", friday, &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
        check("0 0 13 * 5", "UTC", friday, &["2026-11-27T00:00:00Z"]);
        check("0 0 * * 7", "UTC", friday, &["2026-11-22T00:00:00Z"]);
        check("@monthly", "UTC", friday, &["2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
    }

    #[test]
    fn daylight_saving_neither_skips_nor_repeats() {
        let spring = ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"];
        check("30 2 * * *", "Europe/Berlin", "2026-03-27T20:00:00Z", &spring);
        let autumn = ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
        check("30 2 * * *", "Europe/Berlin", "2026-10-24T20:00:00Z", &autumn);
    }

    #[test]
    fn what_is_no_expression_says_why() {
        for (text, wanted) in [
            ("", "fields"),
            ("0 8 * *", "4 fields"),
            ("60 8 * * *", "minute"),
            ("0 8 * * FUN", "weekday"),
            ("0 8 0 * *", "day"),
            ("0 8 30 2 *", "never due"),
            ("5-1 8 * * *", "ends before"),
            ("*/0 8 * * *", "minute"),
            ("+5 8 * * *", "minute"),
        ] {
            let error = Cron::read(text).unwrap_err();
            assert!(error.contains(wanted), "{text:?}: {error}");
        }
    }

    #[test]
    fn any_bytes_are_read() {
        let seeds = ["*/5 1,2-4/2 1-31 jan-DEC sun", "@daily", "0 0 29 2 *"];
        for seed in seeds {
            for i in 0..seed.len() {
                for b in [b' ', b'*', b'/', b'-', b',', b'9', 0xff] {
                    let mut bytes = seed.as_bytes().to_vec();
                    bytes[i] = b;
                    fuzz_cron(&bytes);
                    fuzz_cron(&bytes[..i]);
                }
            }
        }
    }
}
