//! Prometheus' HTTP API.

pub mod admin;
pub mod federate;
pub mod health;
mod json;
pub mod labels;
pub mod otlp;
pub mod query;
pub mod read;
pub mod rules;
mod run;
pub mod state;
pub mod tree;
pub mod write;

pub(crate) use labels::matchers_of;
pub(crate) use run::{ask, ask_quickly, blocking};
