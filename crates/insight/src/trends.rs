//! What drifts: trends of all watched series over the last hours and the last week, the most important
//! first.
//!
//! Two windows: six hours of five-minute steps, and seven days of two-hour steps. What the clock explains
//! is taken out first: of the short window what the same hours of yesterday explain; of the long one the
//! daily season. A trend counts when Mann–Kendall is sure of it and its
//! change is at least a hundredth of the level: smaller ones are nobody's concern.
//!
//! Named expressions are looked at every ten minutes, series of the store in turn, a slice a step, so that
//! the work of a step is bounded; a round begins every half hour at most. The trends of named
//! expressions and the [`WRITTEN_MAX`] most important others are written as `plimsoll_trend_per_hour`,
//! with a staleness marker when they are over.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_analyze::{Trend, median, trend};
use plimsoll_model::{
    Columns, DAY_MS, Fp, Grid, HOUR_MS, Labels, METRIC_NAME, MINUTE_MS, MatrixSeries, Scratch,
    Snapshot, TimeRange, Timestamp, stale_nan,
};
use serde::Serialize;

use crate::fold::{Env, Fold, again, background, read_query};
use crate::issue::Point;
use crate::reduce::{Carry, Reduced, reduce};
use crate::scores::{pairs, result};
use crate::watch::Rank;
use crate::watch::names::Kind;
use crate::watched::{Origin, Watched};

/// The metric of the results.
const TREND: &str = "plimsoll_trend_per_hour";
/// Time between two looks at named expressions, ms.
pub(crate) const EVERY_MS: i64 = 10 * MINUTE_MS;
/// Time between the beginnings of two rounds over the series of the store, ms.
const ROUND_MS: i64 = 30 * MINUTE_MS;
/// Time between two looks at the long window, ms.
const LONG_EVERY_MS: i64 = 6 * HOUR_MS;
/// Series of a slice, and the time that it takes, at most.
const SLICE_SERIES: usize = 400;
const SLICE_TIME: Duration = Duration::from_millis(60);
/// Points from which a trend is believed.
const POINTS_MIN: usize = 24;
/// Two-sided level of significance.
const LEVEL: f64 = 0.001;
/// Least change over the window, as share of the level.
const CHANGE_MIN: f64 = 0.01;
/// Trends of series of the store that are written.
const WRITTEN_MAX: usize = 50;
/// Trends that are shown.
const SHOWN_MAX: usize = 500;

/// A span of time that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    span: i64,
    step: i64,
    /// What is read before the span, of which the season is known.
    before: i64,
}

const SHORT: Window = Window { span: 6 * HOUR_MS, step: 5 * MINUTE_MS, before: DAY_MS };
const LONG: Window = Window { span: 7 * DAY_MS, step: 2 * HOUR_MS, before: 0 };

/// A series that rises or falls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesTrend {
    /// What: the name of the watched expression, or the metric.
    pub series: String,
    /// Whose: the labels of the element, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Change per hour, in the unit of the expression, of a gauge, or of the rate of a counter.
    pub per_hour: f64,
    /// Ends of the 95 % confidence interval of the change per hour.
    pub interval: (f64, f64),
    /// Beginning of the window, ms since the epoch.
    pub since_ms: i64,
    /// Change since then as share of the level, -1..=1; a change larger than the level is ±1.
    pub share: f64,
}

/// What is known of a series: its trends over the two windows.
struct Known {
    rank: Rank,
    labels: Labels,
    short: Option<SeriesTrend>,
    long: Option<SeriesTrend>,
}

/// The trends of the last looks.
#[derive(Default)]
pub(crate) struct Trends {
    named: BTreeMap<(&'static str, Labels), Known>,
    raw: BTreeMap<Fp, Known>,
    /// Where the round is: set, place in it.
    at: (usize, usize),
    /// Looked at in this round.
    looked: HashSet<Fp>,
    round_at: Option<Timestamp>,
    long_at: Option<Timestamp>,
    /// Whether this round looks at the long window too.
    is_long: bool,
    named_long_at: Option<Timestamp>,
    written: BTreeSet<Labels>,
}

impl Trends {
    /// Looks at all named series; gives what is to be written.
    pub(crate) fn look(
        &mut self,
        env: &Env<'_>,
        fold: &Fold,
        snapshot: &Arc<dyn Snapshot>,
        now: Timestamp,
    ) -> Vec<Point> {
        let long = due(self.named_long_at, now, LONG_EVERY_MS);
        if long {
            self.named_long_at = Some(now);
        }
        let mut seen = BTreeSet::new();
        for one in &fold.named {
            for window in [SHORT, LONG].into_iter().filter(|w| *w == SHORT || long) {
                let matrix = read_query(env, snapshot, &one.query, window.grid(now));
                for series in matrix.unwrap_or_default() {
                    let labels = series.labels.with(METRIC_NAME, "");
                    let found = window.of_series(one.name, &labels, &series, now);
                    let key = (one.name, labels);
                    seen.insert(key.clone());
                    let known = self.named.entry(key).or_insert_with_key(|(_, labels)| Known {
                        rank: Rank::Named,
                        labels: labels.clone(),
                        short: None,
                        long: None,
                    });
                    *known.of(window) = found;
                }
            }
        }
        self.named.retain(|key, _| seen.contains(key));
        self.write()
    }

    /// Looks at the next series of the store.
    pub(crate) fn slice(
        &mut self,
        env: &Env<'_>,
        fold: &mut Fold,
        snapshot: &dyn Snapshot,
        now: Timestamp,
    ) {
        if self.at == (0, 0) {
            if !due(self.round_at, now, ROUND_MS) {
                return;
            }
            self.round_at = Some(now);
            self.is_long = due(self.long_at, now, LONG_EVERY_MS);
            if self.is_long {
                self.long_at = Some(now);
            }
        }
        let (started, mut left) = (env.clock.mono(), SLICE_SERIES);
        let widest = if self.is_long { LONG } else { SHORT };
        let (mut scratch, cx) = (Scratch::new(), background());
        while let Some(set) = fold.sets.all.get_mut(self.at.0) {
            let hint = again(widest.range(now), &set.prepared);
            let Ok(selection) = snapshot.select(&set.matchers, &hint, &cx) else {
                self.at = (self.at.0 + 1, 0);
                continue;
            };
            set.prepared = selection.prepared().or(set.prepared.take());
            for i in self.at.1..selection.len() {
                let fp = selection.fp(i);
                let Some(watched) = fold.scores.raw.get(&fp) else { continue };
                if !self.looked.insert(fp) {
                    continue;
                }
                if left == 0 || env.clock.mono().saturating_sub(started) > SLICE_TIME {
                    self.looked.remove(&fp);
                    self.at.1 = i;
                    return;
                }
                left -= 1;
                let windows = if self.is_long { &[SHORT, LONG][..] } else { &[SHORT] };
                for &window in windows {
                    let Ok(columns) = selection.read(i, window.range(now), &mut scratch, &cx)
                    else {
                        continue;
                    };
                    let found = window.of_samples(watched, &columns, now);
                    self.note(fp, watched, window, found);
                }
            }
            self.at = (self.at.0 + 1, 0);
        }
        self.at = (0, 0);
        let looked = std::mem::take(&mut self.looked);
        self.raw.retain(|fp, _| looked.contains(fp));
    }

    fn note(&mut self, fp: Fp, watched: &Watched, window: Window, found: Option<SeriesTrend>) {
        if found.is_none() && !self.raw.contains_key(&fp) {
            return;
        }
        let known = self.raw.entry(fp).or_insert_with(|| Known {
            rank: watched.rank,
            labels: watched.labels.with(METRIC_NAME, ""),
            short: None,
            long: None,
        });
        *known.of(window) = found;
        if known.best().is_none() {
            self.raw.remove(&fp);
        }
    }

    /// The trends of the last looks, the most important first.
    pub(crate) fn list(&self) -> Vec<SeriesTrend> {
        let ranked = self.ranked();
        ranked.into_iter().take(SHOWN_MAX).map(|(_, t)| t.clone()).collect()
    }

    fn ranked(&self) -> Vec<(&Known, &SeriesTrend)> {
        let all = self.named.values().chain(self.raw.values());
        let mut all: Vec<_> = all.filter_map(|k| Some((k, k.best()?))).collect();
        all.sort_by(|(a, x), (b, y)| {
            let by_name = || (&x.series, &x.labels).cmp(&(&y.series, &y.labels));
            importance(b.rank, y).total_cmp(&importance(a.rank, x)).then_with(by_name)
        });
        all
    }

    /// What is to be written now: trends, and markers for those that are over.
    fn write(&mut self) -> Vec<Point> {
        let (mut points, mut others) = (Vec::new(), 0);
        for (known, trend) in self.ranked() {
            if known.rank != Rank::Named {
                others += 1;
                if others > WRITTEN_MAX {
                    continue;
                }
            }
            let labels = result(&known.labels, TREND, &trend.series);
            points.push(Point { labels, value: trend.per_hour });
        }
        let now: BTreeSet<Labels> = points.iter().map(|p| p.labels.clone()).collect();
        let over = self.written.difference(&now).cloned();
        points.extend(over.map(|labels| Point { labels, value: stale_nan() }));
        self.written = now;
        points
    }
}

impl Known {
    fn of(&mut self, window: Window) -> &mut Option<SeriesTrend> {
        if window == SHORT { &mut self.short } else { &mut self.long }
    }

    /// The trend with the larger change.
    fn best(&self) -> Option<&SeriesTrend> {
        let both = self.short.iter().chain(&self.long);
        both.max_by(|a, b| a.share.abs().total_cmp(&b.share.abs()))
    }
}

/// How much a trend matters: its change, and who reads the series.
fn importance(rank: Rank, trend: &SeriesTrend) -> f64 {
    let weight = match rank {
        Rank::Named | Rank::Rules => 1.0,
        Rank::Dashboards => 0.9,
        Rank::Host => 0.7,
        Rank::Rest => 0.5,
    };
    weight * trend.share.abs()
}

fn due(last: Option<Timestamp>, now: Timestamp, every: i64) -> bool {
    last.is_none_or(|last| now - last >= every || now < last)
}

impl Window {
    fn end(self, now: Timestamp) -> Timestamp {
        now.div_euclid(self.step) * self.step
    }

    /// The steps that are looked at, those of which the season is known included.
    fn grid(self, now: Timestamp) -> Grid {
        let end = self.end(now);
        Grid { start: end - self.span - self.before + self.step, end, step: self.step }
    }

    fn range(self, now: Timestamp) -> TimeRange {
        let grid = self.grid(now);
        TimeRange::new(grid.start - self.step + 1, grid.end)
    }

    fn of_series(
        self,
        name: &str,
        labels: &Labels,
        series: &MatrixSeries,
        now: Timestamp,
    ) -> Option<SeriesTrend> {
        let grid = self.grid(now);
        let mut values = vec![f64::NAN; grid.len()];
        for (at, value) in series.times.iter().zip(&series.floats) {
            place(&mut values, grid, *at, *value);
        }
        self.look(name, labels, &values, grid)
    }

    fn of_samples(
        self,
        watched: &Watched,
        columns: &Columns<'_>,
        now: Timestamp,
    ) -> Option<SeriesTrend> {
        let grid = self.grid(now);
        let mut values = vec![f64::NAN; grid.len()];
        let kind = match watched.origin {
            Origin::Raw(kind) => kind,
            Origin::Named(_) => Kind::Gauge,
        };
        let mut carry = Carry::NONE;
        reduce(kind, &mut carry, columns, (self.step, grid.end), |at, reduced| {
            if let Reduced::Value(value) = reduced {
                place(&mut values, grid, at, value);
            }
        });
        let labels = watched.labels.with(METRIC_NAME, "");
        self.look(watched.name(), &labels, &values, grid)
    }

    /// The trend of values on the grid, if there is one; NaN = none.
    fn look(self, name: &str, labels: &Labels, values: &[f64], grid: Grid) -> Option<SeriesTrend> {
        let n = usize::try_from(self.span / self.step).ok()?;
        let from = values.len().checked_sub(n)?;
        let recent = &values[from..];
        if recent.iter().filter(|v| v.is_finite()).count() < POINTS_MIN {
            return None;
        }
        let times: Vec<i64> = (from..values.len()).map(|i| grid.at(i)).collect();
        let day = usize::try_from(DAY_MS / self.step).ok()?;
        let line = if self.before > 0 {
            let line = trend(&times, recent, None)?;
            match less_yesterday(values, from, day) {
                None => line,
                Some(without) => steadier(line, trend(&times, &without, None)?)?,
            }
        } else {
            trend(&times, recent, Some(day))?
        };
        let sizes: Vec<f64> = recent.iter().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
        let level = median(&sizes)?;
        let change = line.slope_per_s * (self.span - self.step) as f64 / 1e3;
        if !line.significant(LEVEL) || change.abs() < CHANGE_MIN * level || change == 0.0 {
            return None;
        }
        Some(SeriesTrend {
            series: name.to_owned(),
            labels: pairs(labels),
            per_hour: line.slope_per_s * 3_600.0,
            interval: (line.slope_low * 3_600.0, line.slope_high * 3_600.0),
            since_ms: times[0],
            share: change / level.max(change.abs()),
        })
    }
}

fn place(values: &mut [f64], grid: Grid, at: Timestamp, value: f64) {
    let i = usize::try_from((at - grid.start).div_euclid(grid.step));
    if let Ok(i) = i
        && let Some(place) = values.get_mut(i)
    {
        *place = value;
    }
}

/// The flatter of two lines when both are sure and of one direction. A season is no trend of the one, a
/// step that is hours ago none of the other.
fn steadier(a: Trend, b: Trend) -> Option<Trend> {
    let agree = a.significant(LEVEL) && b.significant(LEVEL) && a.slope_per_s * b.slope_per_s > 0.0;
    agree.then(|| if a.slope_per_s.abs() < b.slope_per_s.abs() { a } else { b })
}

/// The values from `from` on less the season of the day before, where that leaves less to be explained:
/// less the values of that day, raised by what a day makes in between.
fn less_yesterday(values: &[f64], from: usize, day: usize) -> Option<Vec<f64>> {
    let less: Vec<f64> = (from..values.len())
        .map(|i| values[i] - i.checked_sub(day).map_or(f64::NAN, |j| values[j]))
        .collect();
    let both: Vec<usize> = (0..less.len()).filter(|i| less[*i].is_finite()).collect();
    let recent = &values[from..];
    let all = recent.iter().filter(|v| v.is_finite()).count();
    if both.len() < POINTS_MIN || 4 * both.len() < 3 * all {
        return None;
    }
    let spread = |of: &dyn Fn(usize) -> f64| {
        let mean = both.iter().map(|i| of(*i)).sum::<f64>() / both.len() as f64;
        both.iter().map(|i| (of(*i) - mean).powi(2)).sum::<f64>()
    };
    if spread(&|i| less[i]) >= spread(&|i| recent[i]) {
        return None;
    }
    let per_step = median(&both.iter().map(|i| less[*i]).collect::<Vec<f64>>())? / day as f64;
    Some(less.iter().enumerate().map(|(i, v)| v + per_step * i as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_750_000_200_000;

    fn found(window: Window, of: impl Fn(f64) -> f64) -> Option<SeriesTrend> {
        let grid = window.grid(NOW);
        let hours = |i: usize| (grid.at(i) - grid.end) as f64 / HOUR_MS as f64;
        let wobble = |i: usize| (i * 7 % 5) as f64 * 0.1;
        let values: Vec<f64> = (0..grid.len()).map(|i| of(hours(i)) + wobble(i)).collect();
        window.look("load1", &Labels::empty(), &values, grid)
    }

    /// A day's season of size 10.
    fn season(hours: f64) -> f64 {
        20.0 + 10.0 * (hours / 24.0 * std::f64::consts::TAU).sin()
    }

    #[test]
    fn a_rise_is_found_and_a_season_is_none() {
        let rise = found(SHORT, |h| 30.0 + h.max(-6.0)).unwrap();
        assert!((rise.per_hour - 1.0).abs() < 0.1, "{rise:?}");
        assert!(rise.share > 0.1 && rise.share < 0.5, "{rise:?}");
        assert!(found(SHORT, season).is_none(), "yesterday was the same");
        assert!(found(LONG, season).is_none());
        let drift = found(LONG, |h| season(h) + h / 24.0).unwrap();
        assert!((drift.per_hour * 24.0 - 1.0).abs() < 0.2, "{drift:?}");
        assert!(found(SHORT, |_| 3.0).is_none());
        assert!(found(SHORT, |h| if h > -10.0 { 30.0 } else { 10.0 }).is_none(), "a step");
        let leak = found(SHORT, |h| 100.0 + 2.0 * h).unwrap();
        assert!((leak.per_hour - 2.0).abs() < 0.2, "yesterday rose as well: {leak:?}");
        let none = found(SHORT, |h| if h < -1.0 { f64::NAN } else { h });
        assert!(none.is_none(), "too few points");
    }

    #[test]
    fn a_change_larger_than_the_level_is_the_whole_and_the_end_is_marked() {
        let rise = found(SHORT, |h| (h + 3.0) * 100.0).unwrap();
        assert_eq!(rise.share, 1.0);
        let mut trends = Trends::default();
        let (rank, labels) = (Rank::Host, Labels::empty().with("instance", "a"));
        trends.raw.insert(Fp(1), Known { rank, labels, short: Some(rise), long: None });
        let written = trends.write();
        assert_eq!(written.len(), 1);
        let text = written[0].labels.to_string();
        assert_eq!(text, "plimsoll_trend_per_hour{instance=\"a\", series=\"load1\"}");
        trends.raw.clear();
        assert!(plimsoll_model::is_stale(trends.write()[0].value));
        assert!(trends.write().is_empty());
    }
}
