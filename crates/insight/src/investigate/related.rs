//! Which series moved with a symptom, and before it: ranked.
//!
//! Two passes. The first reads every candidate's window and what was before it, and asks how unusual the
//! stretch about the symptom is ([`super::screen`]); the most telling [`FINALISTS`] go on. The second takes
//! away what happened at the same time a day and a week ago, finds who moved first, how the shapes go
//! together, and what a common driver explains ([`super::rank`]). p-values are controlled for the number of
//! series looked at (Benjamini–Hochberg).

use std::collections::BTreeMap;

use plimsoll_analyze::q_values;
use plimsoll_model::{
    Error, Grid, Labels, METRIC_NAME, MINUTE_MS, Matcher, MatrixSeries, ReadCx, SECOND_MS, Scoped,
    Snapshot, Stop, TimeRange, Timestamp,
};
use plimsoll_query::{Query, Value};

use super::candidates::{Candidate, Candidates, Place, Room};
use super::rank::{self, Finalist, Shapes};
use super::screen::{BASE_MIN, Desk, Found, Span};
use super::signal::{Frame, Reading};
use super::{
    ASIDE_MAX, Aside, BATCH, InvestigateError, Investigator, RESULTS_MAX, check_query, check_range,
    check_sets, matchers_of, step_of, words,
};
use crate::scores::pairs;

/// Series that the second pass looks at.
const FINALISTS: usize = 240;
/// Series that it looks at when the time is over already.
const LATE_FINALISTS: usize = 60;
/// Series that one task reads.
const CHUNK: usize = 32;
/// Least time before the window that is read for comparison, ms.
const BASE_MS: i64 = 30 * MINUTE_MS;
/// How long before the symptom a short event may have ended, ms.
const BEFORE_MS: i64 = 15 * MINUTE_MS;
/// How long after the symptom's onset a change may still begin to be looked at, ms.
const AFTER_MS: i64 = 10 * MINUTE_MS;

/// What is asked.
#[derive(Clone, Debug)]
pub struct RelatedAsk {
    /// The symptom: an expression that gives an instant vector.
    pub query: Query,
    /// Labels that choose one series of its answer and say where it is; an alert's own.
    pub labels: BTreeMap<String, String>,
    /// When the symptom began at the latest, if that is known: when an alert fired.
    pub since: Option<Timestamp>,
    /// The window, the symptom inside.
    pub range: TimeRange,
    /// What it is compared with; the same length before it unless given.
    pub baseline: Option<TimeRange>,
    /// Which series are looked at; none = all but results of analysis and alerting.
    pub sets: Vec<Vec<Matcher>>,
    /// Results wanted; at most [`RESULTS_MAX`].
    pub limit: usize,
}

/// How a series changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It rose.
    Up,
    /// It fell.
    Down,
    /// It was not there before.
    Appeared,
    /// It is not there any more.
    Gone,
}

impl Direction {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Appeared => "appeared",
            Self::Gone => "gone",
        }
    }
}

/// The symptom as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FocusFound {
    /// The expression.
    pub query: String,
    /// The labels of the series that was taken.
    pub labels: Vec<(String, String)>,
    /// When it left its level.
    pub onset: Timestamp,
    /// Its level before, as a median.
    pub usual: f64,
    /// Its mean in the stretch that stands out.
    pub now: f64,
    /// How far it stands out, as a normal deviate; below 3 it hardly does.
    pub deviates: f64,
}

/// A series that may have to do with the symptom.
#[derive(Clone, Debug, PartialEq)]
pub struct Related {
    /// Its labels, without its name.
    pub labels: Vec<(String, String)>,
    /// Its name.
    pub metric: String,
    /// How it was read.
    pub reading: Reading,
    /// How likely it is a cause among those found, 0 to 1; comparable within one answer.
    pub score: f64,
    /// Probability of so unusual a stretch by chance, before the control for the number of series.
    pub p_value: f64,
    /// The same after it (Benjamini–Hochberg).
    pub q_value: f64,
    /// Cliff's delta of the stretch against the baseline, -1 to 1.
    pub effect: f64,
    /// How it changed.
    pub direction: Direction,
    /// When it left its level.
    pub onset: Timestamp,
    /// Onset after the focus' onset, ms; negative: it moved first.
    pub lag_ms: i64,
    /// Correlation of its changes with those of the focus at the best lag, -1 to 1; 0 when there is none.
    pub correlation: f64,
    /// The middle 90 % of what it was before.
    pub usual: (f64, f64),
    /// Its mean in the stretch.
    pub now: f64,
    /// In a sentence.
    pub text: String,
    /// An expression that shows it.
    pub query: String,
    /// Where to look: a little before the baseline's end to the end of the window.
    pub range: TimeRange,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct RelatedAnswer {
    /// The symptom.
    pub focus: FocusFound,
    /// The most likely first.
    pub related: Vec<Related>,
    /// Series that were read.
    pub looked_at: usize,
    /// Series that were not, for lack of time or beyond the most.
    pub left: usize,
    /// Some of those that could not be judged, with the reason.
    pub set_aside: Vec<Aside>,
    /// How many these are.
    pub set_aside_count: usize,
    /// Whether there was more to tell, or more to look at.
    pub truncated: bool,
}

/// The grids of a question.
pub(super) struct Frames {
    /// Baseline and window; the baseline may lie elsewhere.
    pub parts: Vec<Frame>,
    /// Cells of the baseline.
    pub base: usize,
    /// The grid of the window's time: cells before the window are the baseline's, in its order.
    pub whole: Frame,
}

impl Frames {
    fn of(range: TimeRange, baseline: Option<TimeRange>) -> Self {
        let length = range.end - range.start;
        let step = step_of(length);
        match baseline {
            None => {
                let window = Frame::covering(range.start, range.end, step);
                let whole = Frame::covering(range.start - length.max(BASE_MS), range.end, step);
                Self { parts: vec![whole], base: whole.len - window.len, whole }
            }
            Some(other) => {
                let window = Frame::covering(range.start, range.end, step);
                let before = Frame::covering(other.start, other.end, step);
                let len = before.len + window.len;
                let start = window.start - step * before.len as i64;
                let whole = Frame { start, step, len };
                Self { parts: vec![before, window], base: before.len, whole }
            }
        }
    }

    fn range(&self) -> TimeRange {
        let first = self.parts[0].range();
        self.parts.iter().fold(first, |all, part| all.union(part.range()))
    }
}

/// What one task of the first pass found.
#[derive(Default)]
struct Sifted {
    looked_at: usize,
    p_values: Vec<f64>,
    kept: Vec<(Candidate, Sight)>,
    aside: Vec<Aside>,
    aside_count: usize,
    /// Why it stopped early.
    stopped: Option<Error>,
}

/// A candidate as the first pass sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub found: Found,
    pub direction: Direction,
    pub reading: Reading,
    /// For choosing who goes on.
    pub weight: f64,
    /// Which of the p-values is its own.
    pub p_at: usize,
}

impl Investigator {
    /// Ranks the series that may have caused a symptom.
    ///
    /// # Errors
    /// `Invalid`: a bound is exceeded. `NotFound`: the focus has no samples in the window. `Query`: it cannot
    /// be evaluated. `Read`: the store cannot be read, or the asker went away; a deadline is no error once
    /// the focus is known.
    pub fn related(
        &self,
        ask: &RelatedAsk,
        cx: &ReadCx,
    ) -> Result<RelatedAnswer, InvestigateError> {
        check_range("from, to", ask.range)?;
        if let Some(baseline) = ask.baseline {
            check_range("baseline", baseline)?;
        }
        check_sets(&ask.sets)?;
        check_query(&ask.query)?;
        let cx = &Self::bounded(cx);
        let snapshot = self.source.snapshot();
        let frames = Frames::of(ask.range, ask.baseline);
        let focus = Symptom::find(self, ask, &frames, &snapshot, cx)?;
        let mut place = Place::of(
            ask.labels
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .chain(focus.labels.iter())
                .collect::<BTreeMap<_, _>>()
                .into_iter(),
        );
        let skip = own_inputs(&ask.query, &focus.labels);
        let range = frames.range();
        let all =
            Candidates::choose(&Scoped::new(snapshot), &ask.sets, &skip, range, &mut place, cx)?;
        let (sifted, left) = self.sift(&all, &frames, &focus, cx)?;
        self.counted.note(sifted.looked_at, left, sifted.aside_count);
        let q_values = q_values(&sifted.p_values);
        let finalists = self.second_look(&all, &frames, &focus, &sifted.kept, cx)?;
        let ranked = rank::order(finalists, &focus, &frames);
        let limit = ask.limit.clamp(1, RESULTS_MAX);
        let truncated = left > 0 || ranked.len() > limit;
        let told = ranked.into_iter().take(limit).map(|(finalist, score)| {
            let q = q_values.get(finalist.sight.p_at).copied().unwrap_or(1.0);
            tell(finalist, score, q, &focus, &frames)
        });
        Ok(RelatedAnswer {
            related: told.collect(),
            focus: focus.told(&frames, ask),
            looked_at: sifted.looked_at,
            left,
            set_aside: sifted.aside,
            set_aside_count: sifted.aside_count,
            truncated,
        })
    }

    /// The first pass over all candidates; also how many were not read.
    fn sift(
        &self,
        all: &Candidates,
        frames: &Frames,
        focus: &Symptom,
        cx: &ReadCx,
    ) -> Result<(Sifted, usize), InvestigateError> {
        let mut out = Sifted::default();
        let mut begun = 0;
        while begun < all.list.len() && out.stopped.is_none() {
            let end = (begun + BATCH).min(all.list.len());
            let part = &all.list[begun..end];
            let found = self.workers.in_ranges(part.len(), CHUNK, |range| {
                sift_some(all, &part[range], frames, focus, cx)
            });
            begun = end;
            for sifted in found {
                let before = out.p_values.len();
                out.looked_at += sifted.looked_at;
                out.p_values.extend(sifted.p_values);
                let numbered =
                    |(c, s): (Candidate, Sight)| (c, Sight { p_at: s.p_at + before, ..s });
                out.kept.extend(sifted.kept.into_iter().map(numbered));
                out.aside_count += sifted.aside_count;
                let room = ASIDE_MAX.saturating_sub(out.aside.len());
                out.aside.extend(sifted.aside.into_iter().take(room));
                out.stopped = out.stopped.take().or(sifted.stopped);
            }
            out.kept.sort_by(|a, b| b.1.weight.total_cmp(&a.1.weight).then(a.0.at.cmp(&b.0.at)));
            out.kept.truncate(FINALISTS);
        }
        match out.stopped.take() {
            Some(Error::Stopped(Stop::Deadline)) | None => {}
            Some(e) => return Err(e.into()),
        }
        let left = all.left_out + all.list.len() - out.looked_at - out.aside_count;
        Ok((out, left))
    }

    /// Reads the finalists again, with the same time a day and a week ago.
    fn second_look(
        &self,
        all: &Candidates,
        frames: &Frames,
        focus: &Symptom,
        kept: &[(Candidate, Sight)],
        cx: &ReadCx,
    ) -> Result<Vec<Finalist>, InvestigateError> {
        let shapes = Shapes::of(focus);
        // What was found shall be told also when the time is over: a few are read in any case.
        let is_late = cx.cancel.stopped() == Some(Stop::Deadline);
        let kept = &kept[..if is_late { kept.len().min(LATE_FINALISTS) } else { kept.len() }];
        let cx = &ReadCx { cancel: grace(cx), ..cx.clone() };
        let found = self.workers.in_ranges(kept.len(), 4, |range| {
            let mut room = Room::default();
            let mut out = Vec::new();
            for (candidate, sight) in &kept[range] {
                let at = (frames, &shapes);
                match rank::examine(all, (candidate, *sight), at, &mut room, cx) {
                    Ok(finalist) => out.extend(finalist),
                    Err(Error::Stopped(why)) => return (out, Some(why)),
                    Err(_) => {}
                }
            }
            (out, None)
        });
        let mut finalists = Vec::new();
        for (some, stopped) in found {
            finalists.extend(some);
            if let Some(why @ (Stop::Client | Stop::Shutdown)) = stopped {
                return Err(Error::Stopped(why).into());
            }
        }
        Ok(finalists)
    }
}

/// Stops when the client leaves, not at a deadline that has passed already.
fn grace(cx: &ReadCx) -> plimsoll_model::Cancel {
    match cx.cancel.stopped() {
        Some(Stop::Deadline) => plimsoll_model::Cancel::new(),
        _ => cx.cancel.clone(),
    }
}

fn sift_some(
    all: &Candidates,
    part: &[Candidate],
    frames: &Frames,
    focus: &Symptom,
    cx: &ReadCx,
) -> Sifted {
    let mut out = Sifted::default();
    let (mut room, mut desk) = (Room::default(), Desk::default());
    let (mut cells, mut whole) = (Vec::new(), Vec::new());
    for candidate in part {
        if let Err(e) = cx.cancel.check() {
            out.stopped = Some(e);
            break;
        }
        let reading =
            match read(all, candidate, &frames.parts, &mut room, cx, &mut cells, &mut whole) {
                Ok(reading) => reading,
                Err(e @ Error::Stopped(_)) => {
                    out.stopped = Some(e);
                    break;
                }
                Err(e) => {
                    out.aside_count += 1;
                    if out.aside.len() < ASIDE_MAX {
                        out.aside.push((pairs(&all.labels(candidate, &mut room)), e.to_string()));
                    }
                    continue;
                }
            };
        out.looked_at += 1;
        let Some((found, direction)) = judge(&whole, focus.span, &mut desk) else { continue };
        out.p_values.push(found.p);
        let strength = found.z.abs() / (found.z.abs() + 8.0);
        if found.z.abs() < 3.0 {
            continue;
        }
        let weight = strength * f64::from(candidate.near).sqrt();
        let p_at = out.p_values.len() - 1;
        out.kept.push((*candidate, Sight { found, direction, reading, weight, p_at }));
    }
    out
}

/// Reads all parts of the grids of a candidate into `whole`.
pub(super) fn read(
    all: &Candidates,
    candidate: &Candidate,
    parts: &[Frame],
    room: &mut Room,
    cx: &ReadCx,
    cells: &mut Vec<f64>,
    whole: &mut Vec<f64>,
) -> Result<Reading, Error> {
    whole.clear();
    let mut reading = Reading::Value;
    for frame in parts {
        reading = all.read(candidate, *frame, room, cx, cells)?;
        whole.extend_from_slice(cells);
    }
    Ok(reading)
}

/// How unusual a series is: its stretch, or that it came or went.
pub(super) fn judge(y: &[f64], span: Span, desk: &mut Desk) -> Option<(Found, Direction)> {
    let present = |part: &[f64]| part.iter().filter(|v| v.is_finite()).count();
    let base = span.base.min(y.len());
    let (before, after) = (present(&y[..base]), present(&y[base..]));
    if before == 0 && after > 0 && base >= BASE_MIN {
        let first = y.iter().position(|v| v.is_finite())?;
        let now = y[first..].iter().copied().find(|v| v.is_finite())?;
        return Some((came_or_went(first, y.len(), now), Direction::Appeared));
    }
    let to = span.to.min(y.len());
    let quiet = y[..to].iter().rev().take_while(|v| !v.is_finite()).count();
    let cells = to - base.min(to);
    if before * 10 >= base * 9 && base >= BASE_MIN && quiet >= 4 && quiet < cells {
        let at = to - quiet;
        let now = y[at - 1];
        return Some((came_or_went(at, to, now), Direction::Gone));
    }
    let found = desk.look(y, span)?;
    Some((found, if found.z >= 0.0 { Direction::Up } else { Direction::Down }))
}

/// A series that was there always and is not, or the reverse: as unusual as a clear step.
fn came_or_went(at: usize, end: usize, now: f64) -> Found {
    const Z: f64 = 8.0;
    Found { z: Z, p: 1e-4, level: now, noise: 0.0, now, first: at, end, onset: at }
}

/// The symptom on the grid.
pub(super) struct Symptom {
    pub labels: Labels,
    pub y: Vec<f64>,
    pub found: Option<Found>,
    /// Cell of its onset.
    pub onset: usize,
    /// Where candidates are looked at.
    pub span: Span,
}

impl Symptom {
    fn find(
        asked: &Investigator,
        ask: &RelatedAsk,
        frames: &Frames,
        snapshot: &std::sync::Arc<dyn Snapshot>,
        cx: &ReadCx,
    ) -> Result<Self, InvestigateError> {
        let mut series: Vec<(Labels, Vec<f64>)> = Vec::new();
        let mut filled = 0;
        for frame in &frames.parts {
            let grid = Grid { start: frame.at(0), end: frame.at(frame.len - 1), step: frame.step };
            let answer = asked.engine.range(snapshot, &ask.query, grid, cx)?;
            let found = match answer.value {
                Value::Matrix(found) => found,
                _ => return Err(InvestigateError::Invalid("query: give an instant vector".into())),
            };
            for one in found.iter().filter(|s| agrees(s, &ask.labels)) {
                let at = series.iter().position(|(l, _)| *l == one.labels).unwrap_or_else(|| {
                    series.push((one.labels.clone(), Vec::new()));
                    series.len() - 1
                });
                let y = &mut series[at].1;
                y.resize(filled + frame.len, f64::NAN);
                for (t, v) in one.times.iter().zip(&one.floats) {
                    y[filled + frame.cell(*t)] = *v;
                }
            }
            filled += frame.len;
        }
        let window = Span { base: frames.base, from: frames.base, to: frames.whole.len };
        let mut desk = Desk::default();
        let mut best: Option<(f64, Labels, Vec<f64>, Option<Found>)> = None;
        for (labels, mut y) in series {
            y.resize(frames.whole.len, f64::NAN);
            if !y[frames.base..].iter().any(|v| v.is_finite()) {
                continue;
            }
            let found = judge(&y, window, &mut desk).map(|(found, _)| found);
            let size = found.map_or(0.0, |f| f.z.abs());
            if best.as_ref().is_none_or(|b| size > b.0) {
                best = Some((size, labels, y, found));
            }
        }
        let Some((_, labels, y, found)) = best else {
            let message = format!("{} has no samples in the window", ask.query.text());
            return Err(InvestigateError::NotFound(message));
        };
        let last = frames.whole.len - 1;
        let known = ask.since.map(|at| frames.whole.cell(at));
        let seen = found.filter(|f| f.z.abs() >= 3.0).map(|f| f.onset);
        let onset = match (seen, known) {
            (Some(seen), Some(known)) => seen.min(known),
            (seen, known) => seen.or(known).unwrap_or(frames.base),
        };
        let onset = onset.clamp(frames.base, last);
        let cells = |ms: i64| usize::try_from(ms / frames.whole.step).unwrap_or(1).max(2);
        let span = Span {
            base: frames.base,
            from: onset.saturating_sub(cells(BEFORE_MS)).max(frames.base + 1),
            to: (onset + cells(AFTER_MS)).min(frames.whole.len),
        };
        Ok(Self { labels, y, found, onset, span })
    }

    fn told(&self, frames: &Frames, ask: &RelatedAsk) -> FocusFound {
        let found = self.found;
        FocusFound {
            query: ask.query.text().to_owned(),
            labels: pairs(&self.labels),
            onset: frames.whole.at(self.onset),
            usual: found.map_or(f64::NAN, |f| f.level),
            now: found.map_or(f64::NAN, |f| f.now),
            deviates: found.map_or(0.0, |f| f.z),
        }
    }
}

/// Whether a series is that of the labels: no label that both have differs.
fn agrees(series: &MatrixSeries, labels: &BTreeMap<String, String>) -> bool {
    let alike =
        |(n, v): (&str, &str)| n == METRIC_NAME || labels.get(n).is_none_or(|have| have == v);
    series.labels.iter().all(alike)
}

/// The series that the symptom is made of: they are it, not its causes.
fn own_inputs(query: &Query, focus: &Labels) -> Vec<Vec<Matcher>> {
    let mut out = Vec::new();
    for selector in query.expr().selectors() {
        let Some(mut matchers) = matchers_of(selector) else { continue };
        // Of these metrics only the series that the symptom's own labels choose.
        for (name, value) in focus.iter().filter(|(n, _)| *n != METRIC_NAME) {
            matchers.push(Matcher::equal(name, value));
        }
        out.push(matchers);
    }
    out
}

fn tell(finalist: Finalist, score: f64, q: f64, focus: &Symptom, frames: &Frames) -> Related {
    let whole = frames.whole;
    let onset = whole.at(finalist.onset);
    let lag_ms = onset - whole.at(focus.onset);
    let begin = whole.at(frames.base) - 10 * MINUTE_MS.max(whole.step);
    let bare = finalist.labels.with(METRIC_NAME, "");
    let found = finalist.sight.found;
    let mut related = Related {
        metric: finalist.labels.metric().to_owned(),
        labels: pairs(&bare),
        reading: finalist.sight.reading,
        score,
        p_value: found.p,
        q_value: q,
        effect: finalist.effect,
        direction: finalist.sight.direction,
        onset,
        lag_ms,
        correlation: finalist.correlation,
        usual: finalist.usual,
        now: found.now,
        text: String::new(),
        query: words::expression(
            finalist.labels.as_ref(),
            finalist.sight.reading,
            whole.step.max(15 * SECOND_MS),
        ),
        range: TimeRange::new(begin, whole.at(whole.len - 1)),
    };
    related.text = words::sentence(&related);
    related
}
