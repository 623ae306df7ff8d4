//! Who the series are: stable numbers, and the ways to find them.
//!
//! [`Index`] answers readers (labels to series), [`Intake`] answers writers (raw bytes or
//! fingerprints to series) and decides which new ones are let in. Both grow only when a new series
//! comes; a steady sender touches neither.

mod backfill;
mod index;
mod intake;
mod limits;
mod wire;

pub use backfill::Backfill;
pub use index::{Index, Mark};
pub use intake::{Intake, Limits};
pub use limits::{LimitStatus, SeriesLimits};
