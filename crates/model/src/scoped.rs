//! A snapshot that shows only what the reader's scope grants.
//!
//! The grants are taken from `cx.scope` at every call, so one snapshot serves readers of different
//! scopes. A whole pushed expression is refused unless the scope is everything.

use std::collections::HashSet;
use std::sync::Arc;

use crate::{
    Buckets, Caps, Columns, Fp, Hint, Kept, LabelScratch, Labels, LabelsRef, Last, Matcher, Matrix,
    Metadata, Page, Prepared, Pushed, ReadCx, Result, Scratch, Selection, SeriesExemplars,
    Snapshot, Tier, TimeRange, Timestamp,
};

/// Applies `cx.scope` to every question. The query engine wraps every snapshot in it.
pub struct Scoped {
    below: Arc<dyn Snapshot>,
}

impl Scoped {
    /// Wraps a snapshot.
    pub fn new(below: Arc<dyn Snapshot>) -> Self {
        Self { below }
    }
}

/// Each set of matchers with each alternative of the scope.
fn granted(any_of: &[&[Matcher]], cx: &ReadCx) -> Vec<Vec<Matcher>> {
    let everything: &[&[Matcher]] = &[&[]];
    let sets = if any_of.is_empty() { everything } else { any_of };
    let with = |set: &[Matcher], grant: &[Matcher]| [set, grant].concat();
    sets.iter().flat_map(|set| cx.scope.any_of.iter().map(|grant| with(set, grant))).collect()
}

fn borrowed(sets: &[Vec<Matcher>]) -> Vec<&[Matcher]> {
    sets.iter().map(Vec::as_slice).collect()
}

impl Snapshot for Scoped {
    fn caps(&self) -> Caps {
        self.below.caps()
    }

    fn tiers(&self, range: TimeRange) -> Vec<Tier> {
        self.below.tiers(range)
    }

    fn raw_from(&self) -> Timestamp {
        self.below.raw_from()
    }

    fn version(&self, range: TimeRange) -> Option<u64> {
        self.below.version(range)
    }

    fn select(
        &self,
        matchers: &[Matcher],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Box<dyn Selection>> {
        if cx.scope.is_everything() {
            return self.below.select(matchers, hint, cx);
        }
        let again = hint.again.and_then(|p| p.body.downcast_ref::<EachGranted>());
        let mut parts = Vec::new();
        for (i, set) in granted(&[matchers], cx).iter().enumerate() {
            // The source compares the matchers: what was kept for another scope is of no use to it.
            let again = again.and_then(|kept| kept.0.get(i)?.as_ref());
            parts.push(self.below.select(set, &Hint { again, ..*hint }, cx)?);
        }
        Ok(Box::new(UnionSelection::new(parts)))
    }

    fn evaluate(&self, query: &Pushed<'_>, cx: &ReadCx) -> Option<Result<Matrix>> {
        if !cx.scope.is_everything() {
            return None;
        }
        self.below.evaluate(query, cx)
    }

    fn series(&self, any_of: &[&[Matcher]], hint: &Hint<'_>, cx: &ReadCx) -> Result<Vec<Labels>> {
        if cx.scope.is_everything() {
            return self.below.series(any_of, hint, cx);
        }
        self.below.series(&borrowed(&granted(any_of, cx)), hint, cx)
    }

    fn label_names(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<String>> {
        if cx.scope.is_everything() {
            return self.below.label_names(any_of, hint, cx);
        }
        self.below.label_names(&borrowed(&granted(any_of, cx)), hint, cx)
    }

    fn label_values(
        &self,
        name: &str,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<String>> {
        if cx.scope.is_everything() {
            return self.below.label_values(name, any_of, hint, cx);
        }
        self.below.label_values(name, &borrowed(&granted(any_of, cx)), hint, cx)
    }

    fn exemplars(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<SeriesExemplars>> {
        if cx.scope.is_everything() {
            return self.below.exemplars(any_of, hint, cx);
        }
        self.below.exemplars(&borrowed(&granted(any_of, cx)), hint, cx)
    }

    /// Metadata of metrics of which the scope shows at least one series.
    fn metadata(&self, metric: Option<&str>, limit: usize, cx: &ReadCx) -> Result<Vec<Metadata>> {
        if cx.scope.is_everything() {
            return self.below.metadata(metric, limit, cx);
        }
        let visible: HashSet<String> =
            self.label_values(crate::METRIC_NAME, &[], &Hint::default(), cx)?.into_iter().collect();
        let family = |m: &Metadata| {
            ["", "_bucket", "_sum", "_count", "_total", "_info"]
                .iter()
                .any(|suffix| visible.contains(&format!("{}{suffix}", m.metric)))
        };
        let mut all = self.below.metadata(metric, 0, cx)?;
        all.retain(family);
        all.truncate(if limit == 0 { usize::MAX } else { limit });
        Ok(all)
    }
}

/// What is kept of the selection of each alternative of a scope.
struct EachGranted(Vec<Option<Prepared>>);

/// Selections of one snapshot as one, each series once.
struct UnionSelection {
    parts: Vec<Box<dyn Selection>>,
    entries: Vec<(usize, usize)>,
}

impl UnionSelection {
    fn new(parts: Vec<Box<dyn Selection>>) -> Self {
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        for (p, part) in parts.iter().enumerate() {
            entries.extend((0..part.len()).filter(|i| seen.insert(part.fp(*i))).map(|i| (p, i)));
        }
        Self { parts, entries }
    }

    fn at(&self, i: usize) -> (&dyn Selection, usize) {
        let (part, index) = self.entries[i];
        (&*self.parts[part], index)
    }
}

impl Selection for UnionSelection {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn fp(&self, i: usize) -> Fp {
        let (part, i) = self.at(i);
        part.fp(i)
    }

    fn labels<'a>(&'a self, i: usize, scratch: &'a mut LabelScratch) -> LabelsRef<'a> {
        let (part, i) = self.at(i);
        part.labels(i, scratch)
    }

    fn shared_labels(&self, i: usize, scratch: &mut LabelScratch) -> Labels {
        let (part, i) = self.at(i);
        part.shared_labels(i, scratch)
    }

    fn prepared(&self) -> Option<Prepared> {
        let kept: Vec<_> = self.parts.iter().map(|p| p.prepared()).collect();
        let all = || kept.iter().flatten();
        let epoch = all().map(|p| p.epoch).max()?;
        let bytes = all().map(|p| p.bytes).sum();
        Some(Prepared { epoch, bytes, body: Arc::new(EachGranted(kept)) })
    }

    fn read<'a>(
        &'a self,
        i: usize,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> Result<Columns<'a>> {
        let (part, i) = self.at(i);
        part.read(i, range, scratch, cx)
    }

    fn last(
        &self,
        i: usize,
        range: TimeRange,
        scratch: &mut Scratch,
        cx: &ReadCx,
    ) -> Result<Option<Last>> {
        let (part, i) = self.at(i);
        part.last(i, range, scratch, cx)
    }

    fn pages(&self, i: usize, range: TimeRange, out: &mut Vec<Page>, cx: &ReadCx) -> Result<()> {
        let (part, i) = self.at(i);
        part.pages(i, range, out, cx)
    }

    fn buckets<'a>(
        &'a self,
        i: usize,
        tier: Tier,
        want: Kept,
        range: TimeRange,
        scratch: &'a mut Scratch,
        cx: &ReadCx,
    ) -> Result<Option<Buckets<'a>>> {
        let (part, i) = self.at(i);
        part.buckets(i, tier, want, range, scratch, cx)
    }
}
