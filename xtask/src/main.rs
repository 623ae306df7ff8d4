//! The commands of people who work on Plimsoll: `cargo xtask check | test | tidy | gen | bench`.

fn main() {}
