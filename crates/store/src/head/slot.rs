//! The samples of one series in one generation: one stream in order, and further ones beside it for
//! what came late.
//!
//! A late sample goes to the first side stream that it prolongs, so that a backfill in order costs
//! what live samples cost. Bound: [`SIDE_MAX`] side streams; then those of like size are joined, so
//! that samples in any order are coded O(log n) times each.

use std::sync::Arc;

use plimsoll_model::{Exemplar, Run, TimeRange};

use super::SeriesMeta;
use super::stream::{Stream, Value};
use crate::Result;
use crate::part::SeqRange;
use crate::wal::histogram;

/// Side streams of a slot.
const SIDE_MAX: usize = 8;
/// Exemplars of a slot: the newest stay.
pub const EXEMPLARS_MAX: usize = 4;

/// What few series have.
#[derive(Clone, Default)]
struct Aside {
    streams: Vec<Stream>,
    exemplars: Vec<Arc<Exemplar>>,
}

/// Samples of a series, strictly rising in time, each time once.
#[derive(Clone)]
pub struct Slot {
    /// Whose they are.
    pub meta: Arc<SeriesMeta>,
    /// Commit numbers.
    pub seq: SeqRange,
    first: i64,
    main: Stream,
    aside: Option<Box<Aside>>,
}

impl Slot {
    pub(super) fn new(meta: Arc<SeriesMeta>) -> Self {
        Self {
            meta,
            seq: SeqRange::new(u64::MAX, 0),
            first: i64::MAX,
            main: Stream::new(),
            aside: None,
        }
    }

    /// Notes the number of a record with samples of this series.
    #[inline]
    pub(super) fn stamp(&mut self, seq: u64) {
        self.seq = SeqRange::new(self.seq.min.min(seq), self.seq.max.max(seq));
    }

    /// Adds a sample whose time is not there yet. `start` is 0 when it is unknown.
    #[inline]
    pub(super) fn insert(&mut self, t: i64, value: Value<'_>, start: i64) {
        self.first = self.first.min(t);
        if self.main.last() < t || self.main.last() == i64::MIN {
            self.main.push(t, value, start);
        } else {
            self.insert_late(t, value, start);
        }
    }

    fn insert_late(&mut self, t: i64, value: Value<'_>, start: i64) {
        let streams = &mut self.aside.get_or_insert_default().streams;
        if let Some(stream) = streams.iter_mut().find(|s| s.last() < t) {
            return stream.push(t, value, start);
        }
        if streams.len() == SIDE_MAX {
            join_smallest(streams);
        }
        let mut stream = Stream::new();
        stream.push(t, value, start);
        streams.push(stream);
    }

    /// Adds an exemplar, unless it is there. Returns how many more there are than before.
    pub(super) fn insert_exemplar(&mut self, exemplar: Exemplar) -> usize {
        let all = &mut self.aside.get_or_insert_default().exemplars;
        if all.iter().any(|e| **e == exemplar) {
            return 0;
        }
        let at = all.partition_point(|e| e.time <= exemplar.time);
        let full = all.len() == EXEMPLARS_MAX;
        if full && at == 0 {
            return 0;
        }
        all.insert(at, Arc::new(exemplar));
        if full {
            all.remove(0);
        }
        usize::from(!full)
    }

    /// The newest exemplars, rising in time.
    pub fn exemplars(&self) -> &[Arc<Exemplar>] {
        self.aside.as_ref().map_or(&[], |a| &a.exemplars)
    }

    /// Bytes that it takes beside itself, about.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        let aside = self.aside.as_ref().map_or(0, |a| {
            let streams = a.streams.iter().map(|s| s.bytes() + size_of::<Stream>()).sum::<usize>();
            streams + size_of::<Aside>() + 200 * a.exemplars.len()
        });
        self.main.bytes() + aside
    }

    /// From the earliest to the latest sample; empty when there is none.
    pub fn range(&self) -> TimeRange {
        TimeRange::new(self.first, self.main.last())
    }

    /// Time and value of the newest sample; the value is `None` when it is a histogram.
    pub const fn last(&self) -> (i64, Option<f64>) {
        (self.main.last(), self.main.last_float())
    }

    /// Calls `each` with first and last time of every piece of at most `apart` ms.
    ///
    /// # Errors
    /// As [`Slot::read`].
    pub fn spans(&self, apart: i64, each: &mut dyn FnMut(i64, i64)) -> Result<()> {
        self.main.spans(apart, each)?;
        let aside = self.aside.iter().flat_map(|a| &a.streams);
        for stream in aside {
            stream.spans(apart, each)?;
        }
        Ok(())
    }

    /// Whether a sample may lie in the range.
    pub fn touches(&self, range: TimeRange) -> bool {
        self.range().overlaps(range)
    }

    /// Appends the samples in the range, rising in time.
    ///
    /// # Errors
    /// `Corrupt` when memory is not what was written: a fault of this process.
    pub fn read(&self, range: TimeRange, out: &mut Run) -> Result<()> {
        if !self.touches(range) {
            return Ok(());
        }
        let from = out.len();
        self.main.read(range, out)?;
        out.trim(from, range);
        let Some(aside) = self.aside.as_ref().filter(|a| !a.streams.is_empty()) else {
            return Ok(());
        };
        let mut late = Run::new();
        read_all(&aside.streams, range, &mut late)?;
        if late.is_empty() {
            return Ok(());
        }
        let mut all = out.split_off(from);
        all.join(&late.columns());
        out.extend(&all.columns(), 0..all.len());
        Ok(())
    }
}

/// The samples of several streams in the range, rising in time. No time is in two of them.
fn read_all(streams: &[Stream], range: TimeRange, out: &mut Run) -> Result<()> {
    let mut one = Run::new();
    for stream in streams {
        one.clear();
        stream.read(range, &mut one)?;
        one.trim(0, range);
        out.join(&one.columns());
    }
    Ok(())
}

/// Joins the two smallest streams, and the result with the next while that is not twice as large.
fn join_smallest(streams: &mut Vec<Stream>) {
    streams.sort_by_key(|s| std::cmp::Reverse(s.bytes()));
    let mut from = streams.len().saturating_sub(2);
    let mut bytes: usize = streams[from..].iter().map(Stream::bytes).sum();
    while from > 0 && streams[from - 1].bytes() < 2 * bytes {
        from -= 1;
        bytes += streams[from].bytes();
    }
    let mut run = Run::new();
    if let Err(e) = read_all(&streams[from..], TimeRange::ALL, &mut run) {
        // Nothing is given up: the slot has one stream more than its bound.
        tracing::error!(error = %e, "head cannot be read");
        return;
    }
    let mut joined = Stream::new();
    let mut blob = Vec::new();
    for i in 0..run.len() {
        let value = match run.histogram(i) {
            Some(h) => {
                blob.clear();
                histogram::encode(h, &mut blob);
                Value::Histogram(&blob)
            }
            None => Value::Float(run.floats[i]),
        };
        joined.push(run.times[i], value, run.start(i));
    }
    streams.truncate(from);
    streams.push(joined);
}
