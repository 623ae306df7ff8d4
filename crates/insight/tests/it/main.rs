//! Insight end to end on a source in memory and a clock that is moved by hand: a step of CPU load, disks
//! that fill at known rates, restarts, bounds.

mod bounded;
mod capacity;
mod crowds;
mod faults;
mod findings;
mod investigate;
mod kinds;
mod marks;
mod scene;
mod scores;
mod watching;
