//! Who is watched: every few steps the sets are gone through for series that are not watched yet.
//!
//! Where there is room for all they are taken. Where there is not, a look at a multiple of the steps
//! between looks ranks all: those with values in the last hour first, then by rank, those that are
//! watched before those that are not, then by labels. Only values that had time to come ([`late_ms`]) count. A look at another time (at the first start, or when
//! there are other rules) only fills free places; after a restart the next look is where it would have been. So who is watched does not depend on when the process
//! was started.

use std::collections::{HashMap, HashSet};

use plimsoll_model::{
    Fp, HOUR_MS, LabelScratch, Labels, Scratch, Selection, Snapshot, TimeRange, Timestamp,
};

use super::{Env, Fold, REPLAY_MS, Span, again, background, late_ms, learn_ms};
use crate::metrics::count;
use crate::watch::named::shows;
use crate::watch::names::{Kind, families, kind_of};
use crate::watch::{Rank, Sets};
use crate::watched::{Origin, Watched};

/// Series that are not watched and are considered at one look, at most.
const CANDIDATES_MAX: usize = 200_000;
/// Series that one look takes in at most: what is new has to learn. The next step goes on.
const TAKEN_MAX: usize = 2_000;
/// A series without a value for so long, or for so many steps, makes place for others first.
const ACTIVE_MS: i64 = HOUR_MS;
const ACTIVE_STEPS: i64 = 60;
/// A series without a value for so long is forgotten, ms.
const GONE_MS: i64 = REPLAY_MS;

/// A series that could be watched.
struct Candidate {
    rank: Rank,
    /// The set is chosen.
    chosen: bool,
    labels: Labels,
    fp: Fp,
    kind: Kind,
    /// Which of the selections has it, and where.
    at: (usize, usize),
}

/// What the sets choose.
struct Found {
    selections: Vec<Box<dyn Selection>>,
    candidates: Vec<Candidate>,
    /// Candidates beyond the most.
    more: usize,
}

impl Fold {
    /// Looks at what there is to be watched. `ranks`: places may change hands.
    pub(super) fn look(&mut self, env: &Env<'_>, snapshot: &dyn Snapshot, span: Span, ranks: bool) {
        self.look_soon = false;
        if self.sets.replace(&(env.inputs)(), env.config) {
            self.sort_out();
        }
        self.forget(span.end);
        let found = self.candidates(env, snapshot, span);
        let (most, _) = self.room.most(env.config);
        let wanted = self.scores.len() + found.candidates.len() + found.more;
        self.tight = wanted > most;
        self.left_out = 0;
        if self.tight && ranks {
            self.rank(env, found, span, most);
        } else {
            self.fill(env, found, span, most);
        }
    }

    /// After the sets changed: who belongs to none any more is dropped, the others get their ranks.
    pub(super) fn sort_out(&mut self) {
        let sets = &self.sets;
        self.scores.raw.retain(|_, watched| {
            let labels = watched.labels.as_ref();
            let Some(set) = sets.of(labels).filter(|_| !sets.ignores(labels)) else { return false };
            watched.rank = set.rank;
            watched.chosen = sets.chooses(Some(set), watched.labels.metric(), &watched.labels);
            true
        });
        for watched in self.scores.named.values_mut() {
            watched.chosen = sets.chooses(None, watched.name(), &watched.labels);
        }
    }

    fn forget(&mut self, end: Timestamp) {
        let here = |w: &Watched| w.last().is_some_and(|last| last > end - GONE_MS);
        self.scores.raw.retain(|_, w| here(w));
        self.scores.named.retain(|_, w| here(w));
        self.asides.forget(end);
    }

    fn candidates(&mut self, env: &Env<'_>, snapshot: &dyn Snapshot, span: Span) -> Found {
        let range = self.learn_range(span);
        let cx = background();
        let mut found = Found { selections: Vec::new(), candidates: Vec::new(), more: 0 };
        let (mut seen, mut kinds) = (HashSet::new(), HashMap::new());
        let mut scratch = LabelScratch::default();
        let Sets { all, .. } = &mut self.sets;
        for set in all.iter_mut() {
            let selection = match snapshot.select(&set.matchers, &again(range, &set.prepared), &cx)
            {
                Ok(selection) => selection,
                Err(e) => {
                    count(&env.metrics.read_failures, 1);
                    tracing::warn!(error = %e, "series to be watched could not be selected");
                    continue;
                }
            };
            set.prepared = selection.prepared().or(set.prepared.take());
            for i in 0..selection.len() {
                let fp = selection.fp(i);
                if self.scores.raw.contains_key(&fp) || !seen.insert(fp) {
                    continue;
                }
                let labels = selection.labels(i, &mut scratch);
                let metric = labels.metric();
                let kind = match kinds.get(metric) {
                    Some(kind) => *kind,
                    None => {
                        let kind = fit(snapshot, metric);
                        kinds.insert(metric.to_owned(), kind);
                        kind
                    }
                };
                let Some(kind) = kind else { continue };
                if found.candidates.len() >= CANDIDATES_MAX {
                    found.more += 1;
                    continue;
                }
                let labels = selection.shared_labels(i, &mut scratch);
                let (rank, chosen) = (set.rank, set.chosen);
                let at = (found.selections.len(), i);
                found.candidates.push(Candidate { rank, chosen, labels, fp, kind, at });
            }
            found.selections.push(selection);
        }
        let sets = &self.sets;
        found.candidates.retain(|c| !sets.ignores(c.labels.as_ref()));
        found.candidates.sort_by(|a, b| (a.rank, &a.labels).cmp(&(b.rank, &b.labels)));
        found
    }

    fn learn_range(&self, span: Span) -> TimeRange {
        let from = (span.end - learn_ms(self.step)).max(self.origin);
        TimeRange::new(from.saturating_add(1), span.read_to)
    }

    /// Takes in what there is room for.
    fn fill(&mut self, env: &Env<'_>, found: Found, span: Span, most: usize) {
        let mut taken = 0;
        for (i, candidate) in found.candidates.iter().enumerate() {
            if self.scores.len() >= most {
                self.left_out += found.candidates.len() - i;
                break;
            }
            if taken == TAKEN_MAX {
                self.look_soon = true;
                break;
            }
            taken += usize::from(self.take_in(env, candidate, &found, span));
        }
        self.left_out += found.more;
    }

    /// Gives the places to the first in order.
    fn rank(&mut self, env: &Env<'_>, found: Found, span: Span, most: usize) {
        let known = span.end - late_ms(self.step);
        let least = known - ACTIVE_MS.min(ACTIVE_STEPS * self.step);
        let active = |w: &Watched| w.last_until(known).is_some_and(|last| last > least);
        // Sleeping, rank, newcomer, labels; then who it is.
        type Place = (bool, Rank, bool, Labels, Result<Fp, usize>);
        let raw = self.scores.raw.iter();
        let mut places: Vec<Place> =
            raw.map(|(fp, w)| (!active(w), w.rank, false, w.labels.clone(), Ok(*fp))).collect();
        let new = found.candidates.iter().enumerate();
        places.extend(new.map(|(i, c)| (false, c.rank, true, c.labels.clone(), Err(i))));
        places.sort_by(|a, b| (a.0, a.1, a.2, &a.3).cmp(&(b.0, b.1, b.2, &b.3)));
        let (mut free, mut taken) = (most.saturating_sub(self.scores.named.len()), 0);
        let mut late = Vec::new();
        for (.., who) in places {
            match who {
                _ if free == 0 => {
                    self.left_out += 1;
                    late.extend(who.ok());
                }
                Ok(_) => free -= 1,
                Err(_) if taken == TAKEN_MAX => self.look_soon = true,
                Err(i) => {
                    let took = self.take_in(env, &found.candidates[i], &found, span);
                    free -= usize::from(took);
                    taken += usize::from(took);
                }
            }
        }
        for fp in late {
            self.scores.raw.remove(&fp);
        }
        self.left_out += found.more;
    }

    /// Watches a series if it has a value; it learns from what is stored.
    fn take_in(&mut self, env: &Env<'_>, candidate: &Candidate, found: &Found, span: Span) -> bool {
        let (of, i) = candidate.at;
        let cursor = self.learn_range(span).start - 1;
        let origin = Origin::Raw(candidate.kind);
        let mut watched = Watched::new(origin, candidate.labels.clone(), self.step, cursor);
        let (mut scratch, cx) = (Scratch::new(), background());
        let selection = &*found.selections[of];
        match watched.read(selection, i, span, self.step, &mut scratch, &cx) {
            Ok(points) => count(&env.metrics.points, points),
            Err(_) => count(&env.metrics.read_failures, 1),
        }
        // What came later may still be on its way to another process.
        if watched.first > span.end - late_ms(self.step) {
            return false;
        }
        watched.rank = candidate.rank;
        let by_score = || self.sets.chooses(None, watched.name(), &watched.labels);
        watched.chosen = candidate.chosen || by_score();
        watched.pass = self.pass;
        self.scores.raw.insert(candidate.fp, Box::new(watched));
        true
    }
}

/// How a metric is watched; `None` = not.
fn fit(snapshot: &dyn Snapshot, metric: &str) -> Option<Kind> {
    if shows(metric) {
        return None;
    }
    let cx = background();
    let told = families(metric)
        .find_map(|name| snapshot.metadata(Some(name), 1, &cx).ok()?.pop())
        .map(|m| m.kind)
        .unwrap_or_default();
    kind_of(metric, told)
}
