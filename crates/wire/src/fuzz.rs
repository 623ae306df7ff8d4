//! One entry point per parser: takes any bytes and must come back.
//!
//! Fuzzers call these; the mutation test of this crate calls them with damaged good input.

use plimsoll_model::{DecodeLabels, LabelBuf};

use crate::remote_write::{LabelFields, Limits, Request, Version};
use crate::text::{Format, Line, Scanner, parse_series};

/// A compressed remote-write body, read as either version.
pub fn remote_write(bytes: &[u8]) {
    let limits = Limits { body_bytes: 1 << 20, samples: 10_000 };
    let mut request = Request::default();
    for version in [Version::One, Version::Two] {
        if request.decode(version, bytes, &limits).is_ok() {
            let mut labels = LabelBuf::new();
            for row in request.rows() {
                let _refused = LabelFields.decode(row.raw, &mut labels);
            }
        }
    }
}

/// The same before compression, so that mutations reach the message.
pub fn write_request(bytes: &[u8]) {
    if let Ok(compressed) = snap::raw::Encoder::new().compress_vec(bytes) {
        remote_write(&compressed);
    }
}

/// An exposition in either text format.
pub fn text(bytes: &[u8]) {
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let mut scanner = Scanner::new(bytes, format);
        while let Ok(Some(line)) = scanner.next_line() {
            if let Line::Sample(s) = line
                && parse_series(s.series, format, s.bound).is_err()
            {
                break;
            }
        }
    }
}

/// An index or a chunk segment of a Prometheus block.
pub fn block(bytes: &[u8]) {
    crate::blocks::fuzz(bytes);
}

/// A table of samples.
pub fn csv(bytes: &[u8]) {
    crate::csv::fuzz(bytes);
}

/// A remote-read request before compression.
pub fn read_request(bytes: &[u8]) {
    if let Ok(compressed) = snap::raw::Encoder::new().compress_vec(bytes) {
        let _refused = crate::remote_read::ReadRequest::decode(&compressed, 1 << 20);
    }
}

/// An OTLP request in protobuf, with settings that take every path.
pub fn otlp(bytes: &[u8]) {
    use crate::otlp::{Settings, Strategy, decode};
    let limits = Limits { body_bytes: 1 << 20, samples: 10_000 };
    let mut request = Request::default();
    for (strategy, _) in Strategy::NAMES {
        let custom = strategy == Strategy::NoTranslation;
        let settings = Settings {
            strategy,
            promote_all: custom,
            keep_identifying: custom,
            custom_buckets: custom,
            promote_scope: custom,
            keep_delta: custom,
            ..Settings::default()
        };
        if decode(bytes, &settings, &limits, &mut request).is_ok() {
            let mut labels = LabelBuf::new();
            for row in request.rows() {
                let _refused = LabelFields.decode(row.raw, &mut labels);
            }
        }
    }
}

/// The same in JSON.
pub fn otlp_json(bytes: &[u8]) {
    if let Ok(protobuf) = crate::otlp::from_json(bytes, 1 << 20) {
        otlp(&protobuf);
    }
}
