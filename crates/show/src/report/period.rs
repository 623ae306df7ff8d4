//! The time that a report is about.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Unit as Span};
use plimsoll_model::{DAY_MS, MINUTE_MS, Timestamp, parse_duration_ms};

/// The longest time of a report.
const LONGEST_MS: i64 = 800 * DAY_MS;

/// A time in a zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Its beginning, ms since the epoch.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Whose time is shown.
    pub zone: TimeZone,
}

impl Window {
    /// From one time to another.
    ///
    /// # Errors
    /// It ends before it begins, or is too long.
    pub fn new(from: Timestamp, until: Timestamp, zone: TimeZone) -> Result<Self, String> {
        let span = until.saturating_sub(from);
        if span < MINUTE_MS {
            return Err("the time of a report must be a minute or more".to_owned());
        }
        if span > LONGEST_MS {
            return Err(format!(
                "the time of a report must be {} days or less",
                LONGEST_MS / DAY_MS
            ));
        }
        Ok(Self { from, until, zone })
    }

    /// How long it is, ms.
    pub const fn span_ms(&self) -> i64 {
        self.until - self.from
    }

    /// A time of it, for people: `21 Nov 2026, 08:00`.
    pub fn show(&self, at: Timestamp) -> String {
        self.written(at, "%-d %b %Y, %H:%M")
    }

    /// The same in less room: `21 Nov 08:00`.
    pub fn brief(&self, at: Timestamp) -> String {
        self.written(at, "%-d %b %H:%M")
    }

    fn written(&self, at: Timestamp, format: &str) -> String {
        let at = jiff::Timestamp::from_millisecond(at);
        at.map(|at| at.to_zoned(self.zone.clone()).strftime(format).to_string()).unwrap_or_default()
    }
}

/// The window that a period means at this moment: `24h` and other durations up to now, and `today`,
/// `yesterday`, `this_week`, `last_week`, `this_month`, `last_month` by the calendar of the zone.
///
/// # Errors
/// It is no period.
pub fn window(period: &str, now: Timestamp, zone: &TimeZone) -> Result<Window, String> {
    let wrong = || {
        format!(
            "{period:?} is no period (write 24h, 7d, today, yesterday, this_week, last_week, this_month, last_month)"
        )
    };
    if let Some(ms) = parse_duration_ms(period) {
        return Window::new(now.saturating_sub(ms), now, zone.clone());
    }
    let at = jiff::Timestamp::from_millisecond(now).map_err(|_| wrong())?;
    let today = at.to_zoned(zone.clone()).date();
    let month = today.first_of_month();
    let back = |date: Date, n: i64, unit: Span| {
        let span = match unit {
            Span::Month => n.months(),
            _ => n.days(),
        };
        date.checked_sub(span).map_err(|_| wrong())
    };
    let week = back(today, i64::from(today.weekday().to_monday_zero_offset()), Span::Day)?;
    let (from, until) = match period {
        "today" => (today, None),
        "yesterday" => (back(today, 1, Span::Day)?, Some(today)),
        "this_week" => (week, None),
        "last_week" => (back(week, 7, Span::Day)?, Some(week)),
        "this_month" => (month, None),
        "last_month" => (back(month, 1, Span::Month)?, Some(month)),
        _ => return Err(wrong()),
    };
    let begin = |date: Date| {
        let zoned = date.to_zoned(zone.clone()).map_err(|_| wrong())?;
        Ok::<_, String>(zoned.timestamp().as_millisecond())
    };
    let until = until.map(begin).transpose()?.unwrap_or(now);
    // Right after midnight there is a minute at least.
    let from = begin(from)?.min(until.saturating_sub(MINUTE_MS));
    Window::new(from, until, zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(period: &str, wanted: &str) {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = "2026-11-18T10:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let w = window(period, now, &zone).unwrap();
        assert_eq!(format!("{} - {}", w.show(w.from), w.show(w.until)), wanted, "{period}");
    }

    #[test]
    fn periods_follow_the_calendar_of_the_zone() {
        check("24h", "17 Nov 2026, 11:00 - 18 Nov 2026, 11:00");
        check("today", "18 Nov 2026, 00:00 - 18 Nov 2026, 11:00");
        check("yesterday", "17 Nov 2026, 00:00 - 18 Nov 2026, 00:00");
        check("last_week", "9 Nov 2026, 00:00 - 16 Nov 2026, 00:00");
        check("this_week", "16 Nov 2026, 00:00 - 18 Nov 2026, 11:00");
        check("last_month", "1 Oct 2026, 00:00 - 1 Nov 2026, 00:00");
        let error = window("fortnight", 0, &TimeZone::UTC).unwrap_err();
        assert!(error.contains("last_week"), "{error}");
        assert!(window("0", 0, &TimeZone::UTC).is_err());
        assert!(window("99y", 0, &TimeZone::UTC).is_err());
    }
}
