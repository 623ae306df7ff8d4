//! Samples as columns, and the room that a reader lends for them.

use std::any::Any;
use std::sync::Arc;

use crate::{Histogram, Run, Timestamp};

/// The bits of the NaN that ends a series (Prometheus' staleness marker).
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker as a number.
pub const fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN)
}

/// Whether a value is the staleness marker. An ordinary NaN is a value.
pub const fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN
}

/// The samples of one series in a range: one contiguous column each, in strictly rising time.
/// Staleness markers are in the column; whoever evaluates leaves them out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns<'a> {
    /// Times in ms.
    pub times: &'a [Timestamp],
    /// Values, as many as times; the staleness marker where the sample is a histogram.
    pub floats: &'a [f64],
    /// Start timestamps in ms (0 = unknown), as many as times, where the source keeps them.
    pub starts: Option<&'a [Timestamp]>,
    /// Histograms where the sample is one, as many as times; `None` when all samples are floats.
    pub histograms: Option<&'a [Option<Arc<Histogram>>]>,
}

impl<'a> Columns<'a> {
    /// Floats without start timestamps.
    pub const fn plain(times: &'a [Timestamp], floats: &'a [f64]) -> Self {
        Self { times, floats, starts: None, histograms: None }
    }

    /// The samples with these indices.
    pub fn slice(&self, at: std::ops::Range<usize>) -> Self {
        Self {
            times: &self.times[at.clone()],
            floats: &self.floats[at.clone()],
            starts: self.starts.map(|s| &s[at.clone()]),
            histograms: self.histograms.map(|h| &h[at]),
        }
    }

    /// The histogram that sample `i` is, if it is one.
    pub fn histogram(&self, i: usize) -> Option<&'a Arc<Histogram>> {
        self.histograms?.get(i)?.as_ref()
    }

    /// The start timestamp of sample `i`; 0 when it is unknown.
    pub fn start(&self, i: usize) -> Timestamp {
        self.starts.and_then(|s| s.get(i).copied()).unwrap_or(0)
    }

    /// Number of samples.
    pub const fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

/// The newest sample of a series in a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Last {
    /// Its time in ms.
    pub time: Timestamp,
    /// Its value; may be the staleness marker, and is when it is a histogram.
    pub float: f64,
    /// The histogram that it is, if it is one.
    pub histogram: Option<Arc<Histogram>>,
}

/// Memory that a reader lends to [`crate::Selection::read`], one per thread.
#[derive(Default)]
pub struct Scratch {
    /// Room for samples.
    pub run: Run,
    /// Room for roll-up buckets.
    pub buckets: Vec<crate::Bucket>,
    /// Room for a wrapper that reads from two sources; see [`Scratch::inner`].
    inner: Option<Box<(Scratch, Scratch)>>,
    /// Room that one source keeps for itself between calls.
    pub own: Option<Box<dyn Any + Send>>,
}

impl Scratch {
    /// Empty room.
    pub fn new() -> Self {
        Self::default()
    }

    /// Splits off two rooms for the two sides of a wrapper; the own columns stay usable beside them.
    pub fn inner(&mut self) -> (&mut Run, &mut (Self, Self)) {
        let inner = self.inner.get_or_insert_with(Default::default);
        (&mut self.run, inner)
    }

    /// Empties the columns and keeps their memory.
    pub fn clear(&mut self) {
        self.run.clear();
    }

    /// The columns filled so far.
    pub fn columns(&self) -> Columns<'_> {
        self.run.columns()
    }
}
