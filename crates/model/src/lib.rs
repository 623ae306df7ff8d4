//! The nouns of Plimsoll and the contracts between its parts.
//!
//! Here stand time, labels, samples, matchers, metadata, units and limits; the seam between who
//! keeps series and who asks for them ([`SeriesSource`], [`SampleSink`]); the wrappers around that
//! seam ([`Scoped`], [`Merge`], [`Overlay`]); the two kernels that all parts share.
//! Nothing here reads a clock, a file or a socket, and nothing here depends on another crate of ours.

#![forbid(unsafe_code)]

mod chart;
pub mod contract;
mod error;
mod histogram;
mod kernels;
mod labels;
mod matcher;
mod memory;
mod merge;
mod metadata;
mod overlay;
mod quantity;
mod read;
mod run;
mod sample;
mod scoped;
mod secret;
mod sink;
mod source;
mod ticket;
mod time;
mod units;
pub mod written;

pub use chart::{CHART_LINES_MAX, CHART_POINTS_MAX, Chart, Level, Line, Role};
pub use error::{Error, LimitName, Result};
pub use histogram::{
    CUSTOM_BUCKETS, Counts, Exemplar, HISTOGRAM_BUCKETS_MAX, Histogram, ResetHint, SCHEMA_MAX,
    SCHEMA_MIN, SeriesExemplars, Span,
};
pub use kernels::{Compensated, increase_total};
pub use labels::{
    Fp, LABEL_NAME_BYTES_MAX, LABEL_SET_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX, LabelBuf,
    LabelScratch, Labels, LabelsRef, METRIC_NAME,
};
pub use matcher::{MatchOp, Matcher};
pub use memory::MemorySource;
pub use merge::Merge;
pub use metadata::{Metadata, MetricKind};
pub use overlay::Overlay;
pub use quantity::{Unit, show_duration_ms};
pub use read::{Budget, Cancel, Deadline, Lane, ReadCx, Scope, Stop, Warnings};
pub use run::Run;
pub use sample::{Columns, Last, STALE_NAN, Scratch, is_stale, stale_nan};
pub use scoped::Scoped;
pub use secret::Secret;
pub use sink::{
    Appended, Batch, Canonical, DecodeLabels, Reason, RowVerdict, Rows, SampleSink, SourceId,
};
pub use source::{
    Bucket, Buckets, Caps, Grid, Hint, Kept, Matrix, MatrixSeries, Page, Prepared, Pushed,
    Resolution, Selection, SeriesSource, Snapshot, Tier,
};
pub use ticket::{Completer, Ticket, ticket};
pub use time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, TimeRange, Timestamp};
pub use units::{ByteSize, DurationText, format_duration_ms, parse_duration_ms};
