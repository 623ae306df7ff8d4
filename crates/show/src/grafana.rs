//! Grafana's dashboards: read, with a report per panel of what works; written.
//!
//! [`import`] takes the JSON of schema versions from 14 on (rows with spans, then the grid), the answer of Grafana's API
//! around it, and the resource forms (`dashboard.grafana.app/v0` to `v2`). Nothing is dropped in silence: a panel that
//! cannot be shown stays as a placeholder with its JSON, what is shown otherwise than there has a note, and keys that we do
//! not use are kept for the way back ([`export`]).
//!
//! *exact*: looks and says the same; *approximate*: the data are there, something looks or is computed otherwise;
//! *unsupported*: no data. Bounds are those of dashboards; what is beyond them is left out and told.

mod classic;
mod colours;
mod export;
mod field;
mod html;
mod layout;
mod library;
mod metricsql;
mod panel;
mod plugins;
mod report;
mod resource;
mod targets;
mod units;
mod variable;

pub use classic::{Imported, fuzz_grafana, import};
pub use export::export;
pub use report::{Outcome, PanelReport, Report, VariableReport};
