//! What differs between two times: a deploy against before, this week against last, an incident against
//! normal. Every series that passes is looked at; those that differ beyond chance are ranked.
//!
//! Level and spread are tested with as many independent values as the samples are worth; p-values are
//! controlled for the number of series (Benjamini–Hochberg). Where the two times lie at different hours and
//! there is history, what the same hours did a day before `a` is taken away from what they differ by.

use plimsoll_analyze::{Comparison, compare, median, q_values, robust_deviation};
use plimsoll_model::{
    DAY_MS, Error, HOUR_MS, Labels, METRIC_NAME, Matcher, ReadCx, Scoped, Stop, TimeRange,
};

use super::candidates::{Candidate, Candidates, Place, Room};
use super::signal::{Frame, Reading};
use super::{
    ASIDE_MAX, Aside, BATCH, InvestigateError, Investigator, RESULTS_MAX, check_range, check_sets,
    step_of, words,
};
use crate::scores::pairs;

/// Series that one task reads.
const CHUNK: usize = 32;
/// Differences that are kept for the ranking.
const KEPT_MAX: usize = 2_000;
/// Cells of a period that a series must have to be there.
const SHARE_MIN: f64 = 0.25;
/// The greatest share of false discoveries among what is told.
const FALSE_MAX: f64 = 0.05;
/// Least change of the level, in robust deviations or as a share of it, that is worth telling.
const CHANGE_MIN: f64 = 0.02;

/// What is asked.
#[derive(Clone, Debug)]
pub struct PeriodsAsk {
    /// What is compared with.
    pub a: TimeRange,
    /// What is looked at.
    pub b: TimeRange,
    /// Which series; none = all but results of analysis and alerting.
    pub sets: Vec<Vec<Matcher>>,
    /// Differences wanted; at most [`RESULTS_MAX`].
    pub limit: usize,
}

/// What kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its values lie higher or lower.
    Level,
    /// Its values lie wider or closer.
    Spread,
    /// A counter counts faster or slower.
    Rate,
    /// It is there in `b` only.
    Appeared,
    /// It is there in `a` only.
    Gone,
}

impl What {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::Spread => "spread",
            Self::Rate => "rate",
            Self::Appeared => "appeared",
            Self::Gone => "gone",
        }
    }
}

/// What a series was in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Period {
    /// Cells with a value.
    pub n: usize,
    /// Their mean; NaN without any.
    pub mean: f64,
    /// Their median.
    pub median: f64,
    /// Their 95th percentile.
    pub p95: f64,
}

/// A series that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its labels, without its name.
    pub labels: Vec<(String, String)>,
    /// Its name.
    pub metric: String,
    /// How it was read.
    pub reading: Reading,
    /// In the first period.
    pub a: Period,
    /// In the second.
    pub b: Period,
    /// Cliff's delta, -1 to 1; positive: higher in `b`.
    pub effect: f64,
    /// Probability of such a difference by chance.
    pub p_value: f64,
    /// The same, controlled for the number of series.
    pub q_value: f64,
    /// Median of `b` over that of `a`; `None` where that is 0 or nothing.
    pub change_ratio: Option<f64>,
    /// What differs.
    pub what: What,
    /// In a sentence.
    pub text: String,
    /// An expression that shows it.
    pub query: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodsAnswer {
    /// The clearest first.
    pub differences: Vec<Difference>,
    /// Series that were read.
    pub looked_at: usize,
    /// Series that were not, for lack of time or beyond the most.
    pub left: usize,
    /// Some of those that could not be read, with the reason.
    pub set_aside: Vec<Aside>,
    /// Whether there was more to tell, or more to look at.
    pub truncated: bool,
}

#[derive(Clone, Copy)]
struct Seen {
    candidate: Candidate,
    reading: Reading,
    what: What,
    a: Period,
    b: Period,
    effect: f64,
    p: f64,
    /// How far the level moved, in robust deviations.
    moved: f64,
    p_at: usize,
}

#[derive(Default)]
struct Part {
    looked_at: usize,
    p_values: Vec<f64>,
    seen: Vec<Seen>,
    aside: Vec<Aside>,
    stopped: Option<Error>,
}

struct Grids {
    a: Frame,
    b: Frame,
    /// Whether the same hours of the day before are worth reading.
    is_shifted: bool,
}

impl Investigator {
    /// Ranks what differs between two periods.
    ///
    /// # Errors
    /// `Invalid`: a bound is exceeded. `Read`: the store cannot be read, or the asker went away; a deadline
    /// gives what was found by then.
    pub fn compare_periods(
        &self,
        ask: &PeriodsAsk,
        cx: &ReadCx,
    ) -> Result<PeriodsAnswer, InvestigateError> {
        check_range("a", ask.a)?;
        check_range("b", ask.b)?;
        check_sets(&ask.sets)?;
        let cx = &Self::bounded(cx);
        let snapshot = Scoped::new(self.source.snapshot());
        let step = step_of((ask.a.end - ask.a.start).max(ask.b.end - ask.b.start));
        let frame = |r: TimeRange| Frame::covering(r.start, r.end, step);
        let apart = (ask.b.start - ask.a.start).rem_euclid(DAY_MS);
        let grids = Grids {
            a: frame(ask.a),
            b: frame(ask.b),
            is_shifted: apart.min(DAY_MS - apart) > HOUR_MS / 4,
        };
        let range = grids.a.range().union(grids.b.range());
        let mut place = Place::default();
        let all = Candidates::choose(&snapshot, &ask.sets, &[], range, &mut place, cx)?;
        let mut out = Part::default();
        let mut begun = 0;
        while begun < all.list.len() && out.stopped.is_none() {
            let part = &all.list[begun..(begun + BATCH).min(all.list.len())];
            let found = self
                .workers
                .in_ranges(part.len(), CHUNK, |range| some(&all, &part[range], &grids, cx));
            begun += part.len();
            for one in found {
                let before = out.p_values.len();
                out.looked_at += one.looked_at;
                out.p_values.extend(one.p_values);
                out.seen.extend(one.seen.into_iter().map(|s| Seen { p_at: s.p_at + before, ..s }));
                let room = ASIDE_MAX.saturating_sub(out.aside.len());
                out.aside.extend(one.aside.into_iter().take(room));
                out.stopped = out.stopped.take().or(one.stopped);
            }
            out.seen.sort_by(clearest);
            out.seen.truncate(KEPT_MAX);
        }
        match out.stopped.take() {
            Some(Error::Stopped(Stop::Deadline)) | None => {}
            Some(e) => return Err(e.into()),
        }
        let q_values = q_values(&out.p_values);
        let q_of = |s: &Seen| q_values.get(s.p_at).copied().unwrap_or(1.0);
        out.seen.retain(|s| q_of(s) <= FALSE_MAX);
        let left = all.left_out + all.list.len() - out.looked_at - out.aside.len();
        self.counted.note(out.looked_at, left, out.aside.len());
        let limit = ask.limit.clamp(1, RESULTS_MAX);
        let truncated = left > 0 || out.seen.len() > limit;
        let mut room = Room::default();
        let told = out.seen.iter().take(limit);
        let told = told.map(|s| tell(s, &all.labels(&s.candidate, &mut room), q_of(s), step));
        Ok(PeriodsAnswer {
            differences: told.collect(),
            looked_at: out.looked_at,
            left,
            set_aside: out.aside,
            truncated,
        })
    }
}

/// The clearest first: sure ones by how far they moved, in deviations and as a share of the level.
fn clearest(x: &Seen, y: &Seen) -> std::cmp::Ordering {
    let size = |s: &Seen| {
        let sure = (-s.p.max(1e-30).log10()).min(12.0) / 12.0;
        sure * s.moved.min(30.0).ln_1p() * (0.3 + s.effect.abs())
    };
    size(y).total_cmp(&size(x)).then(x.candidate.at.cmp(&y.candidate.at))
}

fn some(all: &Candidates, part: &[Candidate], grids: &Grids, cx: &ReadCx) -> Part {
    let mut out = Part::default();
    let mut room = Room::default();
    for candidate in part {
        if let Err(e) = cx.cancel.check() {
            out.stopped = Some(e);
            break;
        }
        match one(all, candidate, grids, &mut room, cx) {
            Ok(Some(seen)) => {
                out.looked_at += 1;
                out.p_values.push(seen.p);
                let p_at = out.p_values.len() - 1;
                if seen.p <= FALSE_MAX {
                    out.seen.push(Seen { p_at, ..seen });
                }
            }
            Ok(None) => out.looked_at += 1,
            Err(e @ Error::Stopped(_)) => {
                out.stopped = Some(e);
                break;
            }
            Err(e) => out.aside.push((pairs(&all.labels(candidate, &mut room)), e.to_string())),
        }
    }
    out
}

fn one(
    all: &Candidates,
    candidate: &Candidate,
    grids: &Grids,
    room: &mut Room,
    cx: &ReadCx,
) -> Result<Option<Seen>, Error> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let reading = all.read(candidate, grids.a, room, cx, &mut a)?;
    all.read(candidate, grids.b, room, cx, &mut b)?;
    let share =
        |y: &[f64]| y.iter().filter(|v| v.is_finite()).count() as f64 / y.len().max(1) as f64;
    let base = Seen {
        candidate: *candidate,
        reading,
        what: What::Level,
        a: period(&a),
        b: period(&b),
        effect: 0.0,
        p: 1.0,
        moved: 0.0,
        p_at: 0,
    };
    let (in_a, in_b) = (share(&a), share(&b));
    if in_a == 0.0 || in_b == 0.0 {
        let is_new = in_a == 0.0;
        if in_a.max(in_b) < SHARE_MIN {
            return Ok(None);
        }
        let what = if is_new { What::Appeared } else { What::Gone };
        let effect = if is_new { 1.0 } else { -1.0 };
        return Ok(Some(Seen { what, effect, p: 1e-6, moved: 3.0, ..base }));
    }
    let Some(mut found) = compare(&a, &b) else { return Ok(None) };
    let mut usual = 0.0;
    if grids.is_shifted && found.level.p_value <= FALSE_MAX {
        // What these hours differ by anyway: the day before the first period.
        let (mut x, mut y) = (Vec::new(), Vec::new());
        let back = if grids.b.start > grids.a.start { DAY_MS } else { -DAY_MS };
        all.read(candidate, grids.a.earlier(back), room, cx, &mut x)?;
        all.read(candidate, grids.b.earlier(back), room, cx, &mut y)?;
        if share(&x).min(share(&y)) >= 0.5
            && let (Some(before), Some(after)) = (median(&x), median(&y))
        {
            usual = after - before;
            let adjusted: Vec<f64> = b.iter().map(|v| v - usual).collect();
            match compare(&a, &adjusted) {
                Some(other) if other.level.p_value > found.level.p_value => found = other,
                _ => usual = 0.0,
            }
        }
    }
    Ok(Some(judge(base, &found, &a, &b, usual)))
}

fn judge(base: Seen, found: &Comparison, a: &[f64], b: &[f64], usual: f64) -> Seen {
    let noise = |y: &[f64]| robust_deviation(y).unwrap_or(0.0);
    let change = (found.b.median - found.a.median).abs();
    let level = found.a.median.abs().max(found.b.median.abs());
    let scale = noise(a).max(noise(b)).max(CHANGE_MIN * level);
    let moved = if scale > 0.0 { change / scale } else { 0.0 };
    let (wide, narrow) =
        (found.a.deviation.max(found.b.deviation), found.a.deviation.min(found.b.deviation));
    let widened =
        if wide > CHANGE_MIN * level { (wide / narrow.max(0.05 * wide)).ln() * 2.0 } else { 0.0 };
    // Both tests ask the same series: half of the error for each.
    let by_level =
        (2.0 * found.level.p_value.max(found.mean.p_value.min(found.level.p_value))).min(1.0);
    let by_spread = (2.0 * found.spread.p_value).min(1.0);
    let is_spread = by_spread < by_level && widened > moved && usual == 0.0;
    let what = match base.reading {
        _ if is_spread => What::Spread,
        Reading::Rate => What::Rate,
        _ => What::Level,
    };
    let (p, moved) = if is_spread { (by_spread, widened) } else { (by_level, moved) };
    let is_worth = is_spread || moved >= 0.5;
    let p = if is_worth { p } else { p.max(0.5) };
    Seen { what, effect: found.delta, p, moved, ..base }
}

fn period(y: &[f64]) -> Period {
    let n = y.iter().filter(|v| v.is_finite()).count();
    let at = |q| plimsoll_analyze::quantile(y, q).unwrap_or(f64::NAN);
    let mean = plimsoll_analyze::mean(y).unwrap_or(f64::NAN);
    Period { n, mean, median: at(0.5), p95: at(0.95) }
}

fn tell(seen: &Seen, labels: &Labels, q_value: f64, step: i64) -> Difference {
    let bare = labels.with(METRIC_NAME, "");
    let (metric, labels_told) = (labels.metric().to_owned(), pairs(&bare));
    let unit = words::unit(&metric, seen.reading);
    let name = words::name(&metric, &labels_told);
    let (a, b) = (seen.a, seen.b);
    let ratio = b.median / a.median;
    let text = match seen.what {
        What::Appeared => format!("{name} is there now, it was not before"),
        What::Gone => format!("{name} is not there any more"),
        What::Spread => format!(
            "{name} varies {} (95th percentile {} before, {} now)",
            if (b.p95 - b.median).abs() > (a.p95 - a.median).abs() { "more" } else { "less" },
            unit.show(a.p95),
            unit.show(b.p95)
        ),
        What::Level | What::Rate => format!(
            "{name} is {} than before: {}, it was {}",
            if b.median >= a.median { "higher" } else { "lower" },
            unit.show(b.median),
            unit.show(a.median)
        ),
    };
    Difference {
        labels: labels_told,
        metric,
        reading: seen.reading,
        a,
        b,
        effect: seen.effect,
        p_value: seen.p,
        q_value,
        change_ratio: ratio.is_finite().then_some(ratio),
        what: seen.what,
        text,
        query: words::expression(labels.as_ref(), seen.reading, step),
    }
}
