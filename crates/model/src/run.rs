//! Samples of one series that somebody owns: columns that grow, are cut and are joined.
//!
//! Every store, cache and wrapper keeps samples of a series in this form, so that floats,
//! histograms and start timestamps go through one door. The columns `starts` and `histograms` stay
//! empty for series that have none: such a series costs nothing for them.

use std::sync::Arc;

use crate::{Columns, Histogram, TimeRange, Timestamp, stale_nan};

/// Samples of one series, rising in time unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Times in ms.
    pub times: Vec<Timestamp>,
    /// Values, as many as times; the staleness marker where the sample is a histogram, so that who
    /// knows only floats sees none.
    pub floats: Vec<f64>,
    /// Start timestamps in ms, 0 = unknown; as many as times, or none at all.
    pub starts: Vec<Timestamp>,
    /// Histograms where the sample is one; as many as times, or none at all.
    pub histograms: Vec<Option<Arc<Histogram>>>,
}

impl Run {
    /// Without samples.
    pub const fn new() -> Self {
        Self { times: Vec::new(), floats: Vec::new(), starts: Vec::new(), histograms: Vec::new() }
    }

    /// Number of samples.
    pub const fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Whether all samples are floats without start timestamps.
    pub const fn is_plain(&self) -> bool {
        self.starts.is_empty() && self.histograms.is_empty()
    }

    /// Adds a float. `start` is 0 when it is unknown.
    pub fn push(&mut self, time: Timestamp, value: f64, start: Timestamp) {
        self.push_start(start);
        if !self.histograms.is_empty() {
            self.histograms.push(None);
        }
        self.times.push(time);
        self.floats.push(value);
    }

    /// Adds a histogram. `start` is 0 when it is unknown.
    pub fn push_histogram(&mut self, time: Timestamp, value: Arc<Histogram>, start: Timestamp) {
        self.push_start(start);
        self.histograms.resize(self.times.len(), None);
        self.histograms.push(Some(value));
        self.times.push(time);
        self.floats.push(stale_nan());
    }

    fn push_start(&mut self, start: Timestamp) {
        if start != 0 || !self.starts.is_empty() {
            self.starts.resize(self.times.len(), 0);
            self.starts.push(start);
        }
    }

    /// Makes `starts` and `histograms` as long as `times`, where they are not empty: after the
    /// plain columns were filled directly.
    pub fn level(&mut self) {
        let n = self.times.len();
        if !self.starts.is_empty() {
            self.starts.resize(n, 0);
        }
        if !self.histograms.is_empty() {
            self.histograms.resize(n, None);
        }
    }

    /// The start timestamp of sample `i`; 0 when it is unknown.
    pub fn start(&self, i: usize) -> Timestamp {
        self.starts.get(i).copied().unwrap_or(0)
    }

    /// The histogram that sample `i` is, if it is one.
    pub fn histogram(&self, i: usize) -> Option<&Arc<Histogram>> {
        self.histograms.get(i)?.as_ref()
    }

    /// Adds sample `i` of another run.
    pub fn push_from(&mut self, other: &Self, i: usize) {
        match other.histogram(i) {
            Some(h) => self.push_histogram(other.times[i], Arc::clone(h), other.start(i)),
            None => self.push(other.times[i], other.floats[i], other.start(i)),
        }
    }

    /// Adds samples `range` of other columns.
    pub fn extend(&mut self, other: &Columns<'_>, range: std::ops::Range<usize>) {
        let before = self.times.len();
        self.times.extend_from_slice(&other.times[range.clone()]);
        self.floats.extend_from_slice(&other.floats[range.clone()]);
        match other.starts {
            Some(starts) => {
                self.starts.resize(before, 0);
                self.starts.extend_from_slice(&starts[range.clone()]);
            }
            None if !self.starts.is_empty() => self.starts.resize(self.times.len(), 0),
            None => {}
        }
        match other.histograms {
            Some(histograms) => {
                self.histograms.resize(before, None);
                self.histograms.extend_from_slice(&histograms[range]);
            }
            None if !self.histograms.is_empty() => self.histograms.resize(self.times.len(), None),
            None => {}
        }
    }

    /// Keeps the first `n` samples.
    pub fn truncate(&mut self, n: usize) {
        self.times.truncate(n);
        self.floats.truncate(n);
        self.starts.truncate(n);
        self.histograms.truncate(n);
    }

    /// Leaves of the samples from index `from` on only those in the range.
    pub fn trim(&mut self, from: usize, range: TimeRange) {
        let keep = range.slice_of(&self.times[from..]);
        self.truncate(from + keep.end);
        if keep.start > 0 {
            let gone = from..from + keep.start;
            self.times.drain(gone.clone());
            self.floats.drain(gone.clone());
            if !self.starts.is_empty() {
                self.starts.drain(gone.clone());
            }
            if !self.histograms.is_empty() {
                self.histograms.drain(gone);
            }
        }
    }

    /// Removes the samples in the range.
    pub fn remove(&mut self, range: TimeRange) {
        let gone = range.slice_of(&self.times);
        if !gone.is_empty() {
            let rest = self.split_off(gone.end);
            self.truncate(gone.start);
            self.extend(&rest.columns(), 0..rest.len());
        }
    }

    /// Takes off the samples from index `from` on.
    pub fn split_off(&mut self, from: usize) -> Self {
        let rest = |len: usize| from.min(len);
        Self {
            times: self.times.split_off(from),
            floats: self.floats.split_off(from),
            starts: self.starts.split_off(rest(self.starts.len())),
            histograms: self.histograms.split_off(rest(self.histograms.len())),
        }
    }

    /// Puts more samples among those that are there, both in strictly rising time. Where both have
    /// a time, what is there stays. Returns how many that were.
    pub fn join(&mut self, more: &Columns<'_>) -> u64 {
        let Some(first) = more.times.first() else { return 0 };
        if self.times.last().is_none_or(|last| last < first) {
            self.extend(more, 0..more.len());
            return 0;
        }
        // Only the tail that overlaps is written anew: pieces of one series mostly follow each other.
        let old = self.split_off(self.times.partition_point(|t| t < first));
        let old = old.columns();
        let (mut i, mut j, mut duplicates) = (0, 0, 0);
        while j < more.len() {
            let older = i + old.times[i..].partition_point(|t| *t < more.times[j]);
            self.extend(&old, i..older);
            i = older;
            if old.times.get(i) == Some(&more.times[j]) {
                duplicates += 1;
                j += 1;
                continue;
            }
            let until = old.times.get(i).copied().unwrap_or(Timestamp::MAX);
            let newer = match until {
                Timestamp::MAX if i >= old.len() => more.len(),
                until => j + more.times[j..].partition_point(|t| *t < until),
            };
            self.extend(more, j..newer);
            j = newer;
        }
        self.extend(&old, i..old.len());
        duplicates
    }

    /// Everything, borrowed.
    pub fn columns(&self) -> Columns<'_> {
        Columns {
            times: &self.times,
            floats: &self.floats,
            starts: (!self.starts.is_empty()).then_some(&self.starts),
            histograms: (!self.histograms.is_empty()).then_some(&self.histograms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Given = BTreeMap<i64, (u8, bool, i64)>;

    fn histogram(sum: u8) -> Arc<Histogram> {
        Arc::new(Histogram {
            schema: 0,
            hint: crate::ResetHint::Unknown,
            zero_threshold: 0.0,
            sum: f64::from(sum),
            positive_spans: Vec::new(),
            negative_spans: Vec::new(),
            custom: Vec::new(),
            counts: crate::Counts::Integer {
                count: 0,
                zero: 0,
                positive: Vec::new(),
                negative: Vec::new(),
            },
        })
    }

    fn run_of(samples: &Given) -> Run {
        let mut run = Run::new();
        for (t, (v, is_histogram, start)) in samples {
            if *is_histogram {
                run.push_histogram(*t, histogram(*v), *start);
            } else {
                run.push(*t, f64::from(*v), *start);
            }
        }
        run
    }

    fn seen(run: &Run) -> Given {
        (0..run.len())
            .map(|i| {
                let v = run.histogram(i).map_or(run.floats[i], |h| h.sum);
                (run.times[i], (v as u8, run.histogram(i).is_some(), run.start(i)))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn joining_and_trimming_is_what_a_map_does(
            a in proptest::collection::btree_map(0i64..40, (any::<u8>(), any::<bool>(), 0i64..2), 0..20),
            b in proptest::collection::btree_map(0i64..40, (any::<u8>(), any::<bool>(), 0i64..2), 0..20),
            from in 0i64..40, len in 0i64..40,
        ) {
            let mut run = run_of(&a);
            let duplicates = run.join(&run_of(&b).columns());
            let mut wanted = b.clone();
            wanted.extend(a.clone());
            prop_assert_eq!(duplicates as usize, a.len() + b.len() - wanted.len());
            prop_assert_eq!(seen(&run), wanted.clone());
            run.trim(0, TimeRange::new(from, from + len));
            wanted.retain(|t, _| (from..=from + len).contains(t));
            prop_assert_eq!(seen(&run), wanted);
        }
    }
}
