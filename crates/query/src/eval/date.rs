//! Calendar functions: UTC, Sunday is 0, fractions of a second are cut off towards zero.

use plimsoll_model::{Grid, Labels};

use super::{Eval, Series, Val, merge_same};
use crate::ast::Call;
use crate::engine::QueryResult as Result;

/// A day of the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    /// Year.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: i64,
    /// Day of the month, 1 to 31.
    pub day: i64,
}

impl Civil {
    /// The day so many days after 1970-01-01. Years are counted from March, so that the leap day is
    /// the last of a year, in eras of 400 years (146,097 days).
    pub fn of_day(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day }
    }

    const fn is_leap_year(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn days_in_month(self) -> i64 {
        match self.month {
            2 => 28 + i64::from(self.is_leap_year()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn day_of_year(self) -> i64 {
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let leap = i64::from(self.month > 2 && self.is_leap_year());
        before[(self.month - 1) as usize] + self.day + leap
    }
}

/// Days from the zero of Go's calendar to the epoch.
const DAYS_TO_EPOCH: u64 = 106_751_991_073_094;

/// A time as Go's calendar, which wraps around below its zero, reads a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    /// Days since the epoch.
    day: i64,
    /// Seconds since midnight.
    second: i64,
}

impl Moment {
    /// The time so many seconds after the epoch. What no 64 bits hold, NaN and the infinities
    /// among it, is the least number of 64 bits, as Prometheus has it on x86.
    fn of(value: f64) -> Self {
        let limit = -(i64::MIN as f64);
        let held = (-limit..limit).contains(&value);
        let seconds = if held { value as i64 } else { i64::MIN };
        let absolute = (seconds as u64).wrapping_add(DAYS_TO_EPOCH * 86_400);
        let day = (absolute / 86_400) as i64 - DAYS_TO_EPOCH as i64;
        Self { day, second: (absolute % 86_400) as i64 }
    }
}

fn civil(value: f64) -> Civil {
    Civil::of_day(Moment::of(value).day)
}

/// `day_of_month()`
pub(super) fn day_of_month(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_time(eval, node, grid, |v| civil(v).day)
}

/// `day_of_week()`
pub(super) fn day_of_week(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_time(eval, node, grid, |v| (Moment::of(v).day + 4).rem_euclid(7))
}

/// `day_of_year()`
pub(super) fn day_of_year(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_time(eval, node, grid, |v| civil(v).day_of_year())
}

/// `days_in_month()`
pub(super) fn days_in_month(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_time(eval, node, grid, |v| civil(v).days_in_month())
}

/// `hour()`
pub(super) fn hour(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_time(eval, node, grid, |v| Moment::of(v).second / 3600)
}

/// `minute()`
pub(super) fn minute(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_time(eval, node, grid, |v| Moment::of(v).second % 3600 / 60)
}

/// `month()`
pub(super) fn month(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_time(eval, node, grid, |v| civil(v).month)
}

/// `year()`
pub(super) fn year(eval: &Eval<'_>, node: &Call, grid: Grid) -> Result<Val> {
    of_time(eval, node, grid, |v| civil(v).year)
}

/// Of each value, or of the evaluation time when there is no argument.
fn of_time(eval: &Eval<'_>, node: &Call, grid: Grid, f: fn(f64) -> i64) -> Result<Val> {
    let Some(arg) = node.args.first() else {
        let column = (0..grid.len()).map(|i| f(grid.at(i) as f64 / 1000.0) as f64).collect();
        return eval.given(vec![Series::new(Labels::empty(), column)], grid);
    };
    let mut series = eval.vector(arg, grid)?;
    for s in &mut series {
        s.map(|v| f(v) as f64);
        eval.drop_name(s);
    }
    series.retain(Series::any_present);
    merge_same(series).map(Val::Vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (19_782, (2024, 2, 29)),
            (11_016, (2000, 2, 29)),
        ] {
            let c = Civil::of_day(day);
            assert_eq!((c.year, c.month, c.day), date);
        }
        assert_eq!(Civil::of_day(19_782).day_of_year(), 60);
        assert_eq!(Civil::of_day(20_088).day_of_year(), 366);
    }

    #[test]
    fn what_is_no_time_is_read_as_go_reads_it() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.7e308, -1e19] {
            let c = civil(value);
            assert_eq!((c.year, c.month, c.day), (292_277_026_596, 12, 4), "{value}");
            assert_eq!(Moment::of(value).second, 15 * 3600 + 30 * 60 + 8, "{value}");
        }
        assert_eq!(Moment::of(-0.5), Moment { day: 0, second: 0 });
        assert_eq!(Moment::of(-1.0), Moment { day: -1, second: 86_399 });
    }
}
