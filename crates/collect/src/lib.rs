//! Gets samples in: reads this host, scrapes targets, reports Plimsoll itself.
//!
//! - [`host`]: `/proc`, `/sys` and the own control group, every 5 s, with no configuration.

#![forbid(unsafe_code)]

pub mod host;
