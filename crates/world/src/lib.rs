//! The outside of Plimsoll: clock, disk, chance and worker threads, each real and simulated.
//!
//! Promise: outside this crate nobody reads the clock, opens a file or draws a random number, so
//! that every engine above it can be run in virtual time, on a disk that crashes when told to.

#![forbid(unsafe_code)]

mod clock;
mod disk;

pub use clock::{Clock, SimClock, SystemClock};
pub use disk::{Disk, DiskFile, Entry, LockGuard, Open, Space};
