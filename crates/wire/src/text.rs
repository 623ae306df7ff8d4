//! The text formats that targets speak: Prometheus text 0.0.4 and 1.0.0, OpenMetrics 1.0.
//!
//! [`Scanner`] walks over a body line by line and allocates nothing for samples: it hands out the
//! part of a line that names the series as raw bytes, the value and the time. Whoever knows these
//! bytes from the last scrape is done; otherwise [`parse_series`] reads the labels.
//! One bad line is an error for the whole body: whoever scrapes drops what came before it.
//!
//! As Prometheus 3 has it: `le` of typed histograms and `quantile` of typed summaries take float
//! form ("1" becomes "1.0"); names in quotes may be any UTF-8; hexadecimal, underscored and
//! overflowing numbers are errors. OpenMetrics is held to single blanks, no blank lines and a
//! final `# EOF`; its times are seconds; exemplars are checked, counted and skipped; `_created` is
//! kept as a series of its own. Text times are whole milliseconds.

mod escape;
mod number;
mod scanner;
mod series;
mod write;

use crate::{Error, Result};

pub use escape::Escaping;
pub use number::{format_float, normalise_bound};
pub use scanner::{Line, Sample, Scanner};
pub use series::{Pair, is_legacy_label_name, is_legacy_metric_name, parse_series};
pub use write::TextWriter;

/// What to ask a target for, best first.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,\
    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// The content type of what [`TextWriter`] writes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Which grammar a body follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text 0.0.4 and 1.0.0.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that a `Content-Type` names; `fallback` where it is missing or another one.
    ///
    /// # Errors
    /// `Invalid` when there is neither.
    pub fn of(content_type: Option<&str>, fallback: Option<Self>) -> Result<Self> {
        let full = content_type.unwrap_or("").trim();
        let media = full.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        match (media.as_str(), fallback) {
            ("text/plain", _) => Ok(Self::Prometheus),
            ("application/openmetrics-text", _) => Ok(Self::OpenMetrics),
            (_, Some(format)) => Ok(format),
            ("", None) => Err(Error::invalid(
                "the answer has no Content-Type; set fallback_scrape_protocol: PrometheusText0.0.4",
            )),
            (_, None) => Err(Error::Invalid(format!(
                "content type {full:?} is not an exposition format (text/plain, \
                 application/openmetrics-text); set fallback_scrape_protocol to read it as one"
            ))),
        }
    }
}

/// Which label of a sample takes float form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Bound {
    /// None: labels stay as written.
    #[default]
    None,
    /// `le`: a bucket of a typed histogram.
    Le,
    /// `quantile`: of a typed summary.
    Quantile,
}

impl Bound {
    /// The name of the label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Le => "le",
            Self::Quantile => "quantile",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_decides() {
        for (ct, want) in [
            ("text/plain; charset=\"utf-8\"; version=0.0.4; x=y", Some(Format::Prometheus)),
            ("Text/Plain", Some(Format::Prometheus)),
            ("application/openmetrics-text; version=0.0.1", Some(Format::OpenMetrics)),
            ("text/html", None),
            ("", None),
        ] {
            assert_eq!(Format::of(Some(ct), None).ok(), want, "{ct}");
        }
        assert_eq!(Format::of(None, Some(Format::Prometheus)), Ok(Format::Prometheus));
        assert!(Format::of(None, None).unwrap_err().to_string().contains("Content-Type"));
    }
}
