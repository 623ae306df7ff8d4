//! Integration tests: fixture hosts and servers that misbehave.

#![allow(clippy::unwrap_used)]

mod host;
mod oracle;
mod scrape;
mod sink;
