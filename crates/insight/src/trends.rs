//! What drifts: trends of all watched series over the last hours and the last week, the most important
//! first.
//!
//! Two windows: six hours of five-minute steps, and seven days of two-hour steps ([`window`]). A trend
//! counts when Mann–Kendall is sure of it, beyond what the clock explains, and its change is at least a
//! hundredth of the level: smaller ones are nobody's concern. Old samples are read as roll-up buckets
//! where there are any ([`reading`]).
//!
//! The work is spread: at each tick named expressions and series of the store are looked at for
//! [`SLICE_TIME`] each at most; what is left waits for the next. A round over the expressions begins every
//! ten minutes, one over the series every half hour, one over the long window every six hours. The trends
//! of named expressions and the [`WRITTEN_MAX`] most important others are written as
//! `plimsoll_trend_per_hour`, with a staleness marker when they are over.
//!
//! Limits: two trends of each watched series, [`SHOWN_MAX`] shown.

mod reading;
#[cfg(test)]
mod recall;
mod window;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{
    Fp, Grid, HOUR_MS, Hint, Labels, METRIC_NAME, MINUTE_MS, MatrixSeries, ReadCx, Resolution,
    Selection, Snapshot, TimeRange, Timestamp, stale_nan,
};
use plimsoll_query::Query;
use serde::Serialize;

use self::reading::{Room, TIER, has_tier};
use self::window::{Found, LONG, SHORT, Window, place, range};
use crate::fold::{Env, Fold, again, background, read_query};
use crate::issue::Point;
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
/// Trends of series of the store that are written.
const WRITTEN_MAX: usize = 50;
/// Trends that are shown.
const SHOWN_MAX: usize = 500;

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
    /// Where the round over the expressions is, whether it looks at the long window too, and what it saw.
    named_at: usize,
    named_is_long: bool,
    named_seen: BTreeSet<(&'static str, Labels)>,
    named_long_at: Option<Timestamp>,
    /// Where the round over the series is: set, place in it.
    at: (usize, usize),
    /// Looked at in this round.
    looked: HashSet<Fp>,
    round_at: Option<Timestamp>,
    long_at: Option<Timestamp>,
    /// Whether this round looks at the long window too.
    is_long: bool,
    /// How long the last whole round over the series took, ms.
    pub(crate) round_ms: i64,
    written: BTreeSet<Labels>,
}

impl Trends {
    /// Goes on with the round over named expressions; gives what is to be written at its end.
    pub(crate) fn look(
        &mut self,
        env: &Env<'_>,
        fold: &Fold,
        snapshot: &Arc<dyn Snapshot>,
        now: Timestamp,
    ) -> Option<Vec<Point>> {
        if self.named_at == 0 {
            self.named_seen.clear();
            self.named_is_long = due(self.named_long_at, now, LONG_EVERY_MS);
            if self.named_is_long {
                self.named_long_at = Some(now);
            }
        }
        let started = env.clock.mono();
        while let Some(one) = fold.named.get(self.named_at) {
            let windows = if self.named_is_long { &[SHORT, LONG][..] } else { &[SHORT] };
            for &window in windows {
                self.named(env, snapshot, (one.name, &one.query), window, now);
            }
            self.named_at += 1;
            if env.clock.mono().saturating_sub(started) > SLICE_TIME {
                break;
            }
        }
        if self.named_at < fold.named.len() {
            return None;
        }
        self.named_at = 0;
        let seen = std::mem::take(&mut self.named_seen);
        self.named.retain(|key, _| seen.contains(key));
        Some(self.write())
    }

    /// Looks at all elements of one expression.
    fn named(
        &mut self,
        env: &Env<'_>,
        snapshot: &Arc<dyn Snapshot>,
        (name, query): (&'static str, &Query),
        window: Window,
        now: Timestamp,
    ) {
        let grid = window.grid(now);
        let plain = |series: &MatrixSeries| series.labels.with(METRIC_NAME, "");
        let mut before: Option<BTreeMap<Labels, Vec<f64>>> = None;
        for series in read_query(env, snapshot, query, grid).unwrap_or_default() {
            let labels = plain(&series);
            let found = window.look(&on_grid(&series, grid), grid, || {
                let grid = window.grid_before(now)?;
                let all = before.get_or_insert_with(|| {
                    let all = read_query(env, snapshot, query, grid).unwrap_or_default();
                    all.iter().map(|s| (plain(s), on_grid(s, grid))).collect()
                });
                all.get(&labels).cloned()
            });
            let found = found.map(|f| f.of_series(name, &labels));
            let key = (name, labels);
            self.named_seen.insert(key.clone());
            let known = self.named.entry(key).or_insert_with_key(|(_, labels)| Known {
                rank: Rank::Named,
                labels: labels.clone(),
                short: None,
                long: None,
            });
            *known.of(window) = found;
        }
    }

    /// Looks at the next series of the store.
    pub(crate) fn slice(
        &mut self,
        env: &Env<'_>,
        fold: &mut Fold,
        snapshot: &dyn Snapshot,
        now: Timestamp,
    ) {
        if self.at == (0, 0) && self.looked.is_empty() {
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
        let (mut room, cx) = (Room::default(), background());
        let windows = if self.is_long { &[SHORT, LONG][..] } else { &[SHORT] };
        let span = windows.iter().map(|w| range(w.grid(now)).start).min().unwrap_or(now);
        let span = windows
            .iter()
            .filter_map(|w| w.grid_before(now))
            .map(|g| range(g).start)
            .fold(span, i64::min);
        let span = TimeRange::new(span, now);
        let tier = self.is_long && has_tier(snapshot, range(LONG.grid(now)));
        while let Some(set) = fold.sets.all.get_mut(self.at.0) {
            let selection = if tier {
                let hint = Hint { resolution: Resolution::Tier(TIER), ..Hint::range(span) };
                snapshot.select(&set.matchers, &hint, &cx)
            } else {
                snapshot.select(&set.matchers, &again(span, &set.prepared), &cx)
            };
            let Ok(selection) = selection else {
                self.at = (self.at.0 + 1, 0);
                continue;
            };
            if !tier {
                set.prepared = selection.prepared().or(set.prepared.take());
            }
            for i in self.at.1..selection.len() {
                let fp = selection.fp(i);
                let Some(watched) = fold.scores.raw.get(&fp) else { continue };
                if !self.looked.insert(fp) {
                    continue;
                }
                // At least one at a time, however long the choosing took.
                let late = env.clock.mono().saturating_sub(started) > SLICE_TIME;
                if left == 0 || (late && left < SLICE_SERIES) {
                    self.looked.remove(&fp);
                    self.at.1 = i;
                    return;
                }
                left -= 1;
                for &window in windows {
                    let found = one(&mut room, &*selection, i, watched, window, now, &cx);
                    let labels = watched.labels.with(METRIC_NAME, "");
                    let found = found.map(|f| f.of_series(watched.name(), &labels));
                    self.note(fp, watched, window, found);
                }
            }
            self.at = (self.at.0 + 1, 0);
        }
        self.at = (0, 0);
        self.round_ms = self.round_at.map_or(0, |at| (now - at).max(0));
        let looked = std::mem::take(&mut self.looked);
        self.raw.retain(|fp, _| looked.contains(fp));
    }

    /// Series with a trend.
    pub(crate) fn len(&self) -> usize {
        self.named.values().filter(|k| k.best().is_some()).count() + self.raw.len()
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

/// The trend of one series of the store; what cannot be read has none.
fn one(
    room: &mut Room,
    selection: &dyn Selection,
    i: usize,
    watched: &Watched,
    window: Window,
    now: Timestamp,
    cx: &ReadCx,
) -> Option<Found> {
    let kind = match watched.origin {
        Origin::Raw(kind) => kind,
        Origin::Named(_) => Kind::Gauge,
    };
    let grid = window.grid(now);
    let values = room.values(selection, (i, kind), grid, cx).ok()?;
    window.look(&values, grid, || {
        room.values(selection, (i, kind), window.grid_before(now)?, cx).ok()
    })
}

/// The values of an element at the steps of a grid; NaN = none.
fn on_grid(series: &MatrixSeries, grid: Grid) -> Vec<f64> {
    let mut values = vec![f64::NAN; grid.len()];
    for (at, value) in series.times.iter().zip(&series.floats) {
        place(&mut values, grid, *at, *value);
    }
    values
}

impl Found {
    fn of_series(self, name: &str, labels: &Labels) -> SeriesTrend {
        let Self { line, since_ms, share } = self;
        SeriesTrend {
            series: name.to_owned(),
            labels: pairs(labels),
            per_hour: line.slope_per_s * 3_600.0,
            interval: (line.slope_low * 3_600.0, line.slope_high * 3_600.0),
            since_ms,
            share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_trend_is_marked() {
        let rise = SeriesTrend {
            series: "load1".to_owned(),
            labels: Vec::new(),
            per_hour: 1.0,
            interval: (0.9, 1.1),
            since_ms: 0,
            share: 0.2,
        };
        let mut trends = Trends::default();
        let (rank, labels) = (Rank::Host, Labels::empty().with("instance", "a"));
        trends.raw.insert(Fp(1), Known { rank, labels, short: Some(rise), long: None });
        let written = trends.write();
        assert_eq!((written.len(), trends.len()), (1, 1));
        let text = written[0].labels.to_string();
        assert_eq!(text, "plimsoll_trend_per_hour{instance=\"a\", series=\"load1\"}");
        trends.raw.clear();
        assert!(plimsoll_model::is_stale(trends.write()[0].value));
        assert!(trends.write().is_empty());
    }
}
