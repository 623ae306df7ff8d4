//! Two sources as one, joined by fingerprint.
//!
//! Where both have a sample at the same time the first source's value is taken. Used for a local
//! and a remote source, and below [`crate::Overlay`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::source::limited;
use crate::{
    Caps, Columns, Fp, Hint, LabelScratch, Labels, LabelsRef, Last, Matcher, Metadata, Prepared,
    ReadCx, Result, Scratch, Selection, SeriesExemplars, SeriesSource, Snapshot, TimeRange,
};

/// Two sources as one; the first wins where both have a sample at the same time.
pub struct Merge {
    first: Arc<dyn SeriesSource>,
    second: Arc<dyn SeriesSource>,
}

impl Merge {
    /// Joins two sources.
    pub fn new(first: Arc<dyn SeriesSource>, second: Arc<dyn SeriesSource>) -> Self {
        Self { first, second }
    }
}

impl SeriesSource for Merge {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(MergeSnapshot { first: self.first.snapshot(), second: self.second.snapshot() })
    }
}

/// Two snapshots as one.
pub(crate) struct MergeSnapshot {
    pub(crate) first: Arc<dyn Snapshot>,
    pub(crate) second: Arc<dyn Snapshot>,
}

impl Snapshot for MergeSnapshot {
    fn caps(&self) -> Caps {
        Caps::default()
    }

    fn version(&self, range: TimeRange) -> Option<u64> {
        let (a, b) = (self.first.version(range)?, self.second.version(range)?);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&a.to_le_bytes());
        bytes[8..].copy_from_slice(&b.to_le_bytes());
        Some(xxhash_rust::xxh3::xxh3_64(&bytes))
    }

    fn select(
        &self,
        matchers: &[Matcher],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Box<dyn Selection>> {
        let again = hint.again.and_then(|p| p.body.downcast_ref::<Both>());
        let of = |side: usize| Hint { again: again.and_then(|b| b.0[side].as_ref()), ..*hint };
        let first = self.first.select(matchers, &of(0), cx)?;
        let second = self.second.select(matchers, &of(1), cx)?;
        let kept = if hint.keep { both(first.prepared(), second.prepared()) } else { None };
        Ok(Box::new(MergeSelection::new(first, second, kept)))
    }

    fn series(&self, any_of: &[&[Matcher]], hint: &Hint<'_>, cx: &ReadCx) -> Result<Vec<Labels>> {
        let a = self.first.series(any_of, hint, cx)?;
        Ok(union(a, self.second.series(any_of, hint, cx)?, hint.limit))
    }

    fn label_names(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<String>> {
        let a = self.first.label_names(any_of, hint, cx)?;
        Ok(union(a, self.second.label_names(any_of, hint, cx)?, hint.limit))
    }

    fn label_values(
        &self,
        name: &str,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<String>> {
        let a = self.first.label_values(name, any_of, hint, cx)?;
        Ok(union(a, self.second.label_values(name, any_of, hint, cx)?, hint.limit))
    }

    fn exemplars(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<SeriesExemplars>> {
        let mut all = self.first.exemplars(any_of, hint, cx)?;
        for more in self.second.exemplars(any_of, hint, cx)? {
            match all.iter_mut().find(|have| have.labels == more.labels) {
                Some(have) => {
                    have.exemplars.extend(more.exemplars);
                    have.exemplars.sort_by_key(|e| e.time);
                    have.exemplars.dedup();
                }
                None => all.push(more),
            }
        }
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(all)
    }

    fn metadata(&self, metric: Option<&str>, limit: usize, cx: &ReadCx) -> Result<Vec<Metadata>> {
        let mut all = self.first.metadata(metric, limit, cx)?;
        for m in self.second.metadata(metric, limit, cx)? {
            if !all.iter().any(|have| have.metric == m.metric) {
                all.push(m);
            }
        }
        all.sort_by(|a, b| a.metric.cmp(&b.metric));
        all.truncate(if limit == 0 { usize::MAX } else { limit });
        Ok(all)
    }
}

fn union<T: Ord>(a: Vec<T>, b: Vec<T>, limit: usize) -> Vec<T> {
    limited(a.into_iter().chain(b).collect::<BTreeSet<T>>(), limit)
}

/// What both sources keep of a selection.
struct Both([Option<Prepared>; 2]);

fn both(first: Option<Prepared>, second: Option<Prepared>) -> Option<Prepared> {
    let sides = [first, second];
    let (mut epoch, mut bytes) = (0, 0);
    for side in sides.iter().flatten() {
        epoch = side.epoch.max(epoch);
        bytes += side.bytes;
    }
    let any = sides.iter().any(Option::is_some);
    any.then(|| Prepared { epoch, bytes, body: Arc::new(Both(sides)) })
}

/// Two selections as one.
pub(crate) struct MergeSelection {
    first: Box<dyn Selection>,
    second: Box<dyn Selection>,
    entries: Vec<Sides>,
    kept: Option<Prepared>,
}

/// Where a series is: an index into each side.
#[derive(Clone, Copy)]
enum Sides {
    First(usize),
    Second(usize),
    Both(usize, usize),
}

impl MergeSelection {
    /// `kept`: what it answers when it is asked what is kept.
    pub fn new(
        first: Box<dyn Selection>,
        second: Box<dyn Selection>,
        kept: Option<Prepared>,
    ) -> Self {
        let mut in_second: HashMap<Fp, usize> =
            (0..second.len()).map(|i| (second.fp(i), i)).collect();
        let mut entries = Vec::with_capacity(first.len() + second.len());
        for i in 0..first.len() {
            entries.push(match in_second.remove(&first.fp(i)) {
                Some(j) => Sides::Both(i, j),
                None => Sides::First(i),
            });
        }
        let alone = (0..second.len()).filter(|j| in_second.contains_key(&second.fp(*j)));
        entries.extend(alone.map(Sides::Second));
        Self { first, second, entries, kept }
    }
}

impl Selection for MergeSelection {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn fp(&self, i: usize) -> Fp {
        match self.entries[i] {
            Sides::First(a) | Sides::Both(a, _) => self.first.fp(a),
            Sides::Second(b) => self.second.fp(b),
        }
    }

    fn labels<'a>(&'a self, i: usize, scratch: &'a mut LabelScratch) -> LabelsRef<'a> {
        match self.entries[i] {
            Sides::First(a) | Sides::Both(a, _) => self.first.labels(a, scratch),
            Sides::Second(b) => self.second.labels(b, scratch),
        }
    }

    fn shared_labels(&self, i: usize, scratch: &mut LabelScratch) -> Labels {
        match self.entries[i] {
            Sides::First(a) | Sides::Both(a, _) => self.first.shared_labels(a, scratch),
            Sides::Second(b) => self.second.shared_labels(b, scratch),
        }
    }

    fn prepared(&self) -> Option<Prepared> {
        self.kept.clone()
    }

    fn read<'a>(
        &'a self,
        i: usize,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> Result<Columns<'a>> {
        match self.entries[i] {
            Sides::First(a) => self.first.read(a, range, scratch, cx),
            Sides::Second(b) => self.second.read(b, range, scratch, cx),
            Sides::Both(a, b) => {
                let (run, inner) = scratch.inner();
                let one = self.first.read(a, range, &mut inner.0, cx)?;
                let two = self.second.read(b, range, &mut inner.1, cx)?;
                run.clear();
                run.extend(&one, 0..one.len());
                run.join(&two);
                Ok(run.columns())
            }
        }
    }

    fn last(
        &self,
        i: usize,
        range: TimeRange,
        scratch: &mut Scratch,
        cx: &ReadCx,
    ) -> Result<Option<Last>> {
        match self.entries[i] {
            Sides::First(a) => self.first.last(a, range, scratch, cx),
            Sides::Second(b) => self.second.last(b, range, scratch, cx),
            Sides::Both(a, b) => {
                let one = self.first.last(a, range, scratch, cx)?;
                let two = self.second.last(b, range, scratch, cx)?;
                let later = |t: &Last| one.as_ref().is_none_or(|o| o.time < t.time);
                Ok(if two.as_ref().is_some_and(later) { two } else { one })
            }
        }
    }
}
