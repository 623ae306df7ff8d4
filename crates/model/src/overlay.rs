//! Computed series over a source: the outputs of a group's earlier rules, of a backtest, of a
//! forecast. The computed value wins where the source has one at the same time.

use std::sync::Arc;

use crate::merge::{MergeSelection, MergeSnapshot};
use crate::{
    Caps, Hint, Histogram, Labels, Matcher, MemorySource, Metadata, ReadCx, Result, Selection,
    SeriesExemplars, Snapshot, TimeRange, Timestamp,
};

/// A snapshot with computed series on top. Writing to it changes later selections, never the source
/// below.
pub struct Overlay {
    below: Arc<dyn Snapshot>,
    computed: MemorySource,
}

impl Overlay {
    /// An overlay that holds nothing yet.
    pub fn new(below: Arc<dyn Snapshot>) -> Self {
        Self { below, computed: MemorySource::new() }
    }

    /// Adds a computed sample; the first value at a time stays.
    pub fn put(&self, labels: &Labels, time: Timestamp, value: f64) {
        self.computed.append(labels, time, value);
    }

    /// Adds a computed histogram likewise.
    pub fn put_histogram(&self, labels: &Labels, time: Timestamp, histogram: &Histogram) {
        self.computed.append_sample(labels, time, crate::stale_nan(), Some(histogram), 0);
    }

    fn now(&self) -> MergeSnapshot {
        MergeSnapshot { first: self.computed.view(), second: Arc::clone(&self.below) }
    }
}

impl Snapshot for Overlay {
    fn caps(&self) -> Caps {
        if self.computed.series_count() == 0 {
            return self.below.caps();
        }
        Caps::default()
    }

    fn version(&self, range: TimeRange) -> Option<u64> {
        if self.computed.series_count() == 0 {
            return self.below.version(range);
        }
        None
    }

    fn select(
        &self,
        matchers: &[Matcher],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Box<dyn Selection>> {
        let below = self.below.select(matchers, hint, cx)?;
        if self.computed.series_count() == 0 {
            return Ok(below);
        }
        let plain = Hint { again: None, keep: false, ..*hint };
        let computed = self.computed.view().select(matchers, &plain, cx)?;
        if computed.is_empty() {
            return Ok(below);
        }
        // What is kept is always of the source below, whether something is computed or not.
        let kept = below.prepared();
        Ok(Box::new(MergeSelection::new(computed, below, kept)))
    }

    fn series(&self, any_of: &[&[Matcher]], hint: &Hint<'_>, cx: &ReadCx) -> Result<Vec<Labels>> {
        self.now().series(any_of, hint, cx)
    }

    fn label_names(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<String>> {
        self.now().label_names(any_of, hint, cx)
    }

    fn label_values(
        &self,
        name: &str,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<String>> {
        self.now().label_values(name, any_of, hint, cx)
    }

    fn exemplars(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<SeriesExemplars>> {
        self.now().exemplars(any_of, hint, cx)
    }

    fn metadata(&self, metric: Option<&str>, limit: usize, cx: &ReadCx) -> Result<Vec<Metadata>> {
        self.below.metadata(metric, limit, cx)
    }
}
