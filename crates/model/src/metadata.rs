//! What is known of a metric beyond its samples.

use std::fmt;
use std::str::FromStr;

/// The type of a metric, as Prometheus and OpenMetrics name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    #[default]
    Unknown,
}

impl MetricKind {
    /// All kinds with their names in exposition formats and in the API.
    pub const NAMES: [(Self, &'static str); 8] = [
        (Self::Counter, "counter"),
        (Self::Gauge, "gauge"),
        (Self::Histogram, "histogram"),
        (Self::GaugeHistogram, "gaugehistogram"),
        (Self::Summary, "summary"),
        (Self::Info, "info"),
        (Self::StateSet, "stateset"),
        (Self::Unknown, "unknown"),
    ];

    /// The name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(k, _)| *k == self).map_or("unknown", |(_, n)| n)
    }
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MetricKind {
    type Err = ();

    /// Knows the names above and `untyped`, the old word for unknown.
    fn from_str(s: &str) -> Result<Self, ()> {
        if s == "untyped" {
            return Ok(Self::Unknown);
        }
        Self::NAMES.iter().find(|(_, n)| *n == s).map(|(k, _)| *k).ok_or(())
    }
}

/// Type, unit and help of a metric (a family: without `_bucket`, `_sum`, `_count`). The last
/// writer wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The family's name.
    pub metric: String,
    /// Its type.
    pub kind: MetricKind,
    /// Its unit in base units (`seconds`, `bytes`), may be empty.
    pub unit: String,
    /// What it tells, may be empty.
    pub help: String,
}
