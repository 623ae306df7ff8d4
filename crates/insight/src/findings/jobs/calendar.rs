//! When the samples of a job count: days of the week, hours of the day, days that are left out, in a time
//! zone.
//!
//! Hours are those of the clock on the wall: where it is set forward or back a day has an hour less or more.
//! Hours that end before they begin go over midnight and belong to the day on which they begin. Limit:
//! [`EXCEPT_MAX`] days that are left out.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use plimsoll_model::written::{Fields, Node, Problems};
use plimsoll_model::{HOUR_MS, MINUTE_MS, Timestamp};

/// Days that one calendar leaves out.
pub const EXCEPT_MAX: usize = 1_000;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Minutes of a day, but for two days of the year.
const DAY_MINUTES: u16 = 24 * 60;
/// Times within a window that are looked at.
const PROBES: i64 = 8;

/// Which times count.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
    /// From Monday.
    days: [bool; 7],
    /// Minutes of the day, from and up to.
    hours: (u16, u16),
    except: BTreeSet<Date>,
}

impl Calendar {
    /// Whether a moment counts.
    pub fn holds(&self, at: Timestamp) -> bool {
        let Ok(moment) = jiff::Timestamp::from_millisecond(at) else { return false };
        let local = moment.to_zoned(self.zone.clone());
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        let counts = |date: Date| {
            let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
            self.days[day] && !self.except.contains(&date)
        };
        let date = local.date();
        let (from, to) = self.hours;
        if from < to {
            return (from..to).contains(&minute) && counts(date);
        }
        (minute >= from && counts(date)) || (minute < to && date.yesterday().is_ok_and(counts))
    }

    /// Whether all of the `window` before a moment counts.
    pub fn spans(&self, at: Timestamp, window_ms: i64) -> bool {
        let last = window_ms.max(1) - 1;
        (0..=PROBES).all(|i| self.holds(at - 1 - last / PROBES * i)) && self.holds(at - 1 - last)
    }

    /// How long it holds at a stretch, at most, ms.
    pub fn stretch_ms(&self) -> i64 {
        let (from, to) = self.hours;
        let minutes = if from < to { to - from } else { DAY_MINUTES - from + to };
        if minutes == DAY_MINUTES { 24 * HOUR_MS } else { i64::from(minutes) * MINUTE_MS }
    }

    /// Reads `time_zone`, `days`, `hours`, `except`.
    pub(crate) fn read(node: &Node, path: &str, problems: &mut Problems) -> Self {
        let mut fields = Fields::of(node, path, problems);
        let zone = fields.read("time_zone", problems, |n| {
            let name = n.text().unwrap_or_default();
            match name.as_str() {
                "UTC" => Ok(TimeZone::UTC),
                name => TimeZone::get(name)
                    .map_err(|_| format!("no time zone {name:?} is known here (Europe/Berlin)")),
            }
        });
        let mut days = [false; 7];
        let (line, key) = (fields.line(), fields.path("days"));
        let named = fields.texts("days", problems);
        for (i, text) in named.iter().enumerate() {
            match range_of_days(text) {
                Ok(found) => found.into_iter().for_each(|d| days[d] = true),
                Err(message) => problems.add(line, format!("{key}[{i}]"), message),
            }
        }
        if named.is_empty() {
            days = [true; 7];
        }
        let hours = fields.read("hours", problems, |n| {
            let text = n.text().unwrap_or_default();
            hours(&text).ok_or_else(|| format!("{text:?} are no hours (09:00-17:30)"))
        });
        let (line, key) = (fields.line(), fields.path("except"));
        let mut except = BTreeSet::new();
        let dates = fields.texts("except", problems);
        if dates.len() > EXCEPT_MAX {
            let message = format!("{} days; at most {EXCEPT_MAX} can be left out", dates.len());
            problems.add(line, key.clone(), message);
        }
        for (i, text) in dates.iter().take(EXCEPT_MAX).enumerate() {
            match text.parse::<Date>().ok().filter(|_| text.len() == 10) {
                Some(date) => drop(except.insert(date)),
                None => {
                    let message = format!("{text:?} is not a day (2026-12-25)");
                    problems.add(line, format!("{key}[{i}]"), message);
                }
            }
        }
        fields.finish(problems);
        Self {
            zone: zone.unwrap_or(TimeZone::UTC),
            days,
            hours: hours.unwrap_or((0, DAY_MINUTES)),
            except,
        }
    }
}

/// `mon`, or `mon-fri`; over the week's end too.
fn range_of_days(text: &str) -> Result<Vec<usize>, String> {
    let one = |name: &str| {
        DAYS.iter().position(|d| *d == name.trim()).ok_or_else(|| {
            format!("{text:?} is neither a day nor a range of days: there are {}", DAYS.join(", "))
        })
    };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (one(from)?, one(to)?);
    Ok((0..=(to + 7 - from) % 7).map(|i| (from + i) % 7).collect())
}

/// `09:00-17:30`, as minutes of the day.
fn hours(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-')?;
    let minutes = |text: &str| {
        let (h, m) = text.trim().split_once(':')?;
        let (h, m): (u16, u16) = (h.parse().ok()?, m.parse().ok()?);
        let at = h.checked_mul(60)?.checked_add(m)?;
        (m < 60 && at <= DAY_MINUTES).then_some(at)
    };
    let (from, to) = (minutes(from)?, minutes(to)?);
    (from != to && from < DAY_MINUTES).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::written::parse;

    fn read(text: &str) -> (Calendar, Vec<String>) {
        let mut problems = Problems::new("c");
        let calendar = Calendar::read(&parse("c", text).unwrap(), "calendar", &mut problems);
        (calendar, problems.found.iter().map(ToString::to_string).collect())
    }

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn hours_of_work_are_those_of_the_place_in_summer_and_winter() {
        let text = "{time_zone: Europe/Berlin, days: [mon-fri], hours: '09:00-17:00', except: [2026-12-25]}";
        let (work, problems) = read(text);
        assert_eq!(problems, [] as [&str; 0]);
        for (moment, counts) in [
            ("2026-01-15T08:00:00Z", true),
            ("2026-01-15T07:59:59Z", false),
            ("2026-07-15T07:00:00Z", true),
            ("2026-07-15T06:59:59Z", false),
            ("2026-07-15T15:00:00Z", false),
            ("2026-07-18T10:00:00Z", false),
            ("2026-12-25T10:00:00Z", false),
        ] {
            assert_eq!(work.holds(at(moment)), counts, "{moment}");
        }
        assert!(work.spans(at("2026-01-15T09:00:00Z"), HOUR_MS), "all of its first hour");
        assert!(!work.spans(at("2026-01-15T09:00:00Z"), HOUR_MS + 60_000));
        assert!(work.spans(at("2026-01-15T16:00:00Z"), HOUR_MS), "up to its end");
        assert!(!work.spans(at("2026-01-15T16:01:00Z"), HOUR_MS));
        assert_eq!(work.stretch_ms(), 8 * HOUR_MS);
        assert!(!work.holds(i64::MAX) && !work.holds(i64::MIN));
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let (night, _) = read("{days: [fri], hours: '22:00-06:00'}");
        assert!(night.holds(at("2026-11-20T23:00:00Z")), "Friday");
        assert!(night.holds(at("2026-11-21T05:59:00Z")), "Saturday's morning");
        assert!(
            !night.holds(at("2026-11-21T23:00:00Z")) && !night.holds(at("2026-11-20T05:00:00Z"))
        );
        assert_eq!(night.stretch_ms(), 8 * HOUR_MS);
        let (always, _) = read("{}");
        assert!(always.holds(0) && always.stretch_ms() == 24 * HOUR_MS);
        let (week, _) = read("{days: [sat-mon]}");
        assert_eq!(week.days, [true, false, false, false, false, true, true]);
    }

    #[test]
    fn every_problem_is_told() {
        let text = "{time_zone: Mars/Olympus, days: [mon-xyz, fri], hours: '9-17', except: [25.12.2026, 2026-02-30], holidays: []}";
        let (_, found) = read(text);
        for part in [
            "calendar.time_zone: no time zone \"Mars/Olympus\" is known here",
            "calendar.days[0]: \"mon-xyz\" is neither a day nor a range of days",
            "calendar.hours: \"9-17\" are no hours",
            "calendar.except[0]: \"25.12.2026\" is not a day",
            "calendar.except[1]: \"2026-02-30\" is not a day",
            "calendar.holidays: unknown key",
        ] {
            assert!(found.iter().any(|p| p.contains(part)), "{part}: {found:#?}");
        }
        for odd in [
            "24:00-06:00",
            "09:00-09:00",
            "25:00-26:00",
            "09:60-10:00",
            "-",
            "a:b-c:d",
            "65535:0-1:0",
        ] {
            assert_eq!(hours(odd), None, "{odd}");
        }
        assert_eq!(hours("18:00-24:00"), Some((18 * 60, 24 * 60)));
    }
}
