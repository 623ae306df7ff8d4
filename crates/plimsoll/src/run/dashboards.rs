//! Dashboards as the parts use them: opened, counted, told to analysis.

use std::sync::Arc;

use plimsoll_collect::own::Expose;
use plimsoll_insight::{Input, Reader, WatchSource};
use plimsoll_model::MetricKind::{Counter, Gauge};
use plimsoll_records::Records;
use plimsoll_show::dashboard::{DASHBOARDS_MAX, Library};
use plimsoll_wire::text::TextWriter;

use crate::config::Config;
use crate::error::Error;

/// Opens what people made.
pub fn open(records: &Arc<dyn Records>, config: &Config) -> Result<Arc<Library>, Error> {
    let library = Library::open(Arc::clone(records), config.query.features);
    let library = library.map_err(|e| Error::Unavailable(e.to_string()))?;
    library.set_files(config.dashboards.clone());
    Ok(Arc::new(library))
}

/// What dashboards show is watched.
pub struct SeriesShown {
    dashboards: Arc<Library>,
}

impl SeriesShown {
    /// Of these dashboards.
    pub fn new(dashboards: Arc<Library>) -> Self {
        Self { dashboards }
    }
}

impl WatchSource for SeriesShown {
    fn inputs(&self) -> Vec<Input> {
        let input = |matchers| Input { reader: Reader::Dashboards, matchers, chosen: false };
        self.dashboards.read_series().into_iter().map(input).collect()
    }
}

/// Own metrics of dashboards.
pub struct Counted(pub Arc<Library>);

impl Expose for Counted {
    fn expose(&self, out: &mut TextWriter) {
        let counts = self.0.counts();
        let name = "plimsoll_dashboards";
        out.family(name, Gauge, "Dashboards, by where they come from.");
        out.sample(name, &[("source", "api")], counts.kept as f64);
        out.sample(name, &[("source", "file")], counts.files as f64);
        let help = "Dashboards that the API can keep.";
        out.single("plimsoll_dashboards_max", Gauge, help, DASHBOARDS_MAX as f64);
        let help = "Layouts of people that are kept; at most 1,000.";
        out.single("plimsoll_dashboard_layouts", Gauge, help, counts.layouts as f64);
        let help = "Short links that are kept; at most 5,000, then the oldest go.";
        out.single("plimsoll_short_links", Gauge, help, counts.links as f64);
        let name = "plimsoll_dashboard_changes_total";
        out.family(name, Counter, "Wishes to change a dashboard: done, refused.");
        out.sample(name, &[("how", "done")], counts.changes as f64);
        out.sample(name, &[("how", "refused")], counts.refused as f64);
    }
}
