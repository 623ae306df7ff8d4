//! Scraping: asks targets for their metrics, each on its own.
//!
//! Every target has a task, an own cache of series and an own schedule spread over the interval; a
//! target that hangs, sends garbage, an endless body or a million series costs its own timeout and
//! limits and nothing of the others. A scrape is all or nothing: one bad line loses it, `up` is 0,
//! and series that were there get staleness markers.

mod cache;
mod md5;
mod pool;
pub mod relabel;
mod target;

pub use cache::{Cache, Report, Terms};
pub(crate) use pool::Outside;
pub use pool::{Next, Pool, TARGETS_MAX};
pub use target::{Health, Target, TargetStatus, targets_of};
