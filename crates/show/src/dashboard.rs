//! Dashboards as data: what one is, whether it is right, as YAML, with values for its variables, from and to Grafana.
//!
//! [`Dashboard`] is the document; [`check`] reads one of JSON and tells all that is wrong with it, each with its place
//! and what to do; [`from_yaml`] and [`to_yaml`] go there and back without a loss. [`interpolate`] puts values into
//! expressions, titles and links. [`Library`] keeps dashboards, their versions, the layouts of people and short links in
//! `records`, over the [`templates`] that we ship. The format is described in `docs/format/dashboard.md`.
//!
//! Pure but for [`Library`], which blocks. No clock: times are given. Limits are beside [`PANELS_MAX`] and [`DASHBOARDS_MAX`].

mod check;
mod filters;
mod instant;
pub mod interpolate;
mod library;
mod model;
mod options;
mod pattern;
mod place;
mod reads;
mod schema;
mod shape;
mod shelf;
mod templates;
mod yaml;

pub(crate) use check::letter;
pub use check::{Checked, Level, Problem, check, check_value, fuzz_dashboard, is_time};
pub use filters::with_filters;
pub use instant::{Edge, instant};
pub use interpolate::interpolate;
pub use library::{
    DASHBOARDS_MAX, DashboardEdit, DashboardError, Entry, Library, LibraryCounts, Origin, Version,
    is_dashboard_id, slug,
};
pub use model::*;
pub use options::{Ask, Choice, OPTIONS_MAX, Resolved, chosen_of, resolve};
pub use pattern::{OptionPattern, option_regex};
pub use place::{COPIES_MAX, PLACED_MAX, Placed, Values, place};
pub use reads::{VariableQuery, expressions, metrics, parsed, selectors};
pub use shelf::{LAYOUT_BYTES_MAX, LAYOUTS_MAX, LINK_BYTES_MAX, LINKS_MAX, Layout, Place};
pub use templates::{Template, templates};
pub use yaml::{from_yaml, lines_of, to_yaml, value_to_yaml};

/// Panels of one dashboard: a screen shows twenty.
pub const PANELS_MAX: usize = 500;
/// Variables of one dashboard; each may ask the store.
pub const VARIABLES_MAX: usize = 50;
/// Queries of one panel.
pub const QUERIES_MAX: usize = 50;
/// Bytes of one dashboard as JSON or YAML.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Columns of the grid.
pub const COLUMNS: u32 = 24;
/// Rows that a dashboard may have.
pub const ROWS_MAX: u32 = 100_000;
