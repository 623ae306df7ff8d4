//! Writing: batches of rows, numbered and made durable before their ticket completes.

use std::fmt;
use std::sync::Arc;

use crate::{Exemplar, Fp, Histogram, LabelBuf, LabelsRef, Metadata, Result, Ticket, Timestamp};

/// Keeps samples.
pub trait SampleSink: Send + Sync {
    /// Hands a batch over. Never blocks: a full queue gives a ticket that is already complete with
    /// `Unavailable`. Rows are judged one by one; a bad row never costs the others.
    fn submit(&self, batch: Batch<'_>) -> Ticket;
}

/// Reads the labels of a row as its protocol wrote them. Called only for series not seen before.
pub trait DecodeLabels: Sync {
    /// Tells apart equal raw bytes that mean different series: changes with encoding, target and
    /// relabelling.
    fn salt(&self) -> u64;
    /// Turns raw bytes into a canonical label set.
    ///
    /// # Errors
    /// `Invalid` or `Limit`, for this row only.
    fn decode(&self, raw: &[u8], out: &mut LabelBuf) -> Result<()>;
}

/// The decoder of rows whose raw bytes are a canonical label set already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Canonical;

impl DecodeLabels for Canonical {
    fn salt(&self) -> u64 {
        0
    }

    fn decode(&self, raw: &[u8], out: &mut LabelBuf) -> Result<()> {
        LabelsRef::checked(raw)?;
        out.set_canonical(raw);
        Ok(())
    }
}

/// Who sends: a job, a receiver, a token. An attribute for limits and audit, not stored per sample.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceId(pub Arc<str>);

impl SourceId {
    /// A source by name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Samples of one series: floats, or histograms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows<'a> {
    /// The fingerprint, where the sender knows it.
    pub fp: Option<Fp>,
    /// The labels as the protocol wrote them.
    pub raw: &'a [u8],
    /// Times in ms, in any order.
    pub times: &'a [Timestamp],
    /// Values, as many as times; empty when the samples are histograms.
    pub floats: &'a [f64],
    /// Histograms, as many as times; empty when the samples are floats.
    pub histograms: &'a [Histogram],
    /// Start timestamps in ms (0 = unknown), as many as times; empty when all are unknown.
    pub starts: &'a [Timestamp],
    /// Observations that stand for these samples.
    pub exemplars: &'a [Exemplar],
}

impl Rows<'_> {
    /// Whether the columns fit each other.
    pub const fn has_shape(&self) -> bool {
        let n = self.times.len();
        let floats = self.floats.len() == n && self.histograms.is_empty();
        let histograms = self.histograms.len() == n && self.floats.is_empty();
        (floats || histograms) && (self.starts.is_empty() || self.starts.len() == n)
    }
}

/// What is submitted at once.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// Who sends.
    pub source: &'a SourceId,
    /// Reads `rows[..].raw`.
    pub decode: &'a dyn DecodeLabels,
    /// The samples.
    pub rows: &'a [Rows<'a>],
    /// What is told about metrics.
    pub metadata: &'a [Metadata],
}

/// Why a row, or some of its samples, was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is another value at this time; the first stays.
    Duplicate {
        /// The time, ms.
        time: Timestamp,
    },
    /// Older than retention.
    TooOld {
        /// The oldest time that is accepted, ms.
        oldest: Timestamp,
    },
    /// Further ahead of the wall clock than is allowed.
    TooNew {
        /// The newest time that is accepted, ms.
        newest: Timestamp,
    },
    /// The labels are wrong or too large.
    Labels(String),
    /// Only new series are refused at a limit.
    SeriesLimit {
        /// The setting that holds the limit.
        limit: &'static str,
        /// Its value.
        max: u64,
    },
    /// Only new series are refused at a limit that counts per metric, source or label.
    LimitOf {
        /// The setting that holds the limit.
        limit: &'static str,
        /// Its value.
        max: u64,
        /// What reached it.
        of: String,
    },
    /// Columns of unequal length, or a histogram whose parts do not fit.
    Shape(String),
}

impl Reason {
    /// A short name for metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "duplicate",
            Self::TooOld { .. } => "too_old",
            Self::TooNew { .. } => "too_new",
            Self::Labels(_) => "labels",
            Self::SeriesLimit { .. } | Self::LimitOf { .. } => "series_limit",
            Self::Shape(_) => "shape",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { time } => {
                write!(f, "duplicate sample for timestamp {time}: the first value stays")
            }
            Self::TooOld { oldest } => {
                write!(f, "sample is older than retention (oldest accepted: {oldest})")
            }
            Self::TooNew { newest } => {
                write!(f, "sample is too far in the future (newest accepted: {newest})")
            }
            Self::Labels(why) => write!(f, "invalid labels: {why}"),
            Self::SeriesLimit { limit, max } => {
                write!(f, "new series refused: {limit} = {max} reached; raise it or send fewer")
            }
            Self::LimitOf { limit, max, of } => {
                write!(
                    f,
                    "new series refused: {limit} = {max} reached by {of}; raise it or send fewer"
                )
            }
            Self::Shape(why) => f.write_str(why),
        }
    }
}

/// What became of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowVerdict {
    /// Samples kept, those that were there already with the same value included.
    pub stored: u32,
    /// Samples left out because another value is at their time.
    pub duplicate: u32,
    /// Samples refused for another reason.
    pub refused: u32,
    /// The first reason for a sample that was not kept.
    pub reason: Option<Reason>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// One verdict per row, in the batch's order.
    pub rows: Vec<RowVerdict>,
    /// Samples kept in all.
    pub stored: u64,
    /// Duplicates in all.
    pub duplicate: u64,
    /// Refused in all.
    pub refused: u64,
    /// Of those kept, histograms.
    pub histograms: u64,
    /// Exemplars kept.
    pub exemplars: u64,
}

impl Appended {
    /// Adds the verdict of the next row.
    pub fn push(&mut self, verdict: RowVerdict) {
        self.stored += u64::from(verdict.stored);
        self.duplicate += u64::from(verdict.duplicate);
        self.refused += u64::from(verdict.refused);
        self.rows.push(verdict);
    }

    /// The first reason of all, with the index of its row.
    pub fn first_reason(&self) -> Option<(usize, &Reason)> {
        self.rows.iter().enumerate().find_map(|(i, v)| v.reason.as_ref().map(|r| (i, r)))
    }
}
