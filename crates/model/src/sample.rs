//! Samples as columns, and the room that a reader lends for them.

use std::any::Any;

use crate::Timestamp;

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
    /// Values, as many as times.
    pub floats: &'a [f64],
    /// Start timestamps in ms, as many as times, where the source keeps them.
    pub starts: Option<&'a [Timestamp]>,
}

impl Columns<'_> {
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Last {
    /// Its time in ms.
    pub time: Timestamp,
    /// Its value; may be the staleness marker.
    pub float: f64,
}

/// Memory that a reader lends to [`crate::Selection::read`], one per thread.
#[derive(Default)]
pub struct Scratch {
    /// Room for times.
    pub times: Vec<Timestamp>,
    /// Room for values.
    pub floats: Vec<f64>,
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
    #[allow(clippy::type_complexity)]
    pub fn inner(&mut self) -> (&mut Vec<Timestamp>, &mut Vec<f64>, &mut (Self, Self)) {
        let inner = self.inner.get_or_insert_with(Default::default);
        (&mut self.times, &mut self.floats, inner)
    }

    /// Empties the columns and keeps their memory.
    pub fn clear(&mut self) {
        self.times.clear();
        self.floats.clear();
    }

    /// The columns filled so far.
    pub fn columns(&self) -> Columns<'_> {
        Columns { times: &self.times, floats: &self.floats, starts: None }
    }
}
