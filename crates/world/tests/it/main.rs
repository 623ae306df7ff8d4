//! The simulated disk: the same answers as the real one, and the losses it promises.
#![allow(clippy::unwrap_used)]

mod agreement;
mod crashes;
mod faults;
mod world;
