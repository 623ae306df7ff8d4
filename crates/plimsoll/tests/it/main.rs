//! The real process: started, asked, broken, killed, and beside real peers.
//!
//! The binary is the one of `PLIMSOLL_BIN`, else the one cargo built for these tests. What takes
//! long or needs programs of others runs with `PLIMSOLL_SLOW=1` and says so when it does not.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics has failed; skipped ones say so"
)]

mod agreement;
mod alerting;
mod alertmanager;
mod analysis;
mod backup;
mod causes;
mod configuration;
mod crash;
mod dashboard_render;
mod dashboards;
mod disk_fills;
mod disk_full;
mod extensions;
mod federation;
mod findings;
mod first_start;
mod grafana;
mod http;
mod incidents;
mod kept;
mod listener;
mod load;
mod mail;
mod metric_registry;
mod pages;
mod peer;
mod peers;
mod plimsoll;
mod process;
mod quick;
mod receivers;
mod refusals;
mod report_sending;
mod reports;
mod rule_files;
mod rules_cli;
mod targets;
