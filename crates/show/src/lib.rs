//! What is shown outside the browser: charts, panels and reports as SVG, PNG, PDF, HTML and more.
//!
//! [`svg()`] draws a [`Chart`], which goes out with a message. [`figure`] draws panels of dashboards and
//! reports. [`report`] makes documents of sections with facts, tables and figures, and writes them.
//!
//! Deterministic: the same chart or document gives the same bytes on every machine, since the typeface is
//! part of the program (a subset of Inter under the SIL Open Font License, see `fonts/OFL.txt`). Charts are
//! light, and large
//! enough to be read on a telephone. Limits: [`CHART_LINES_MAX`] lines, [`CHART_POINTS_MAX`] points of
//! each, 12 levels, 50 spans; texts are cut to the room that they have. Times of charts are UTC.
//!
//! Not here: where data come from, where pictures are kept.

#![forbid(unsafe_code)]

mod axis;
pub mod dashboard;
pub mod figure;
pub mod grafana;
mod picture;
pub mod report;
mod svg;
mod text;

pub use picture::{DrawError, SCALE, png};
pub use plimsoll_model::{CHART_LINES_MAX, CHART_POINTS_MAX, Chart};
pub use svg::{HEIGHT, WIDTH, svg};
