//! `plimsoll export`: samples of a data directory as OpenMetrics or CSV.

use std::io::Write;

use anyhow::{Context, Result};
use plimsoll_model::{
    Hint, LabelScratch, LabelsRef, METRIC_NAME, Matcher, ReadCx, Scratch, SeriesSource, TimeRange,
    is_stale,
};
use plimsoll_query::{MatchOp, format_plain, parse_selector};
use plimsoll_store::{Mode, Store};
use plimsoll_wire::csv::put_field;
use plimsoll_world::World;

use super::{Export, OutputFormat, say_wrong};

/// Writes all selected samples.
pub fn run(export: &Export) -> Result<()> {
    let config = plimsoll_store::Config {
        mode: Mode::Inline,
        reserve_bytes: Some(0),
        encryption: super::backup::key(export.key_file.as_deref())?,
        ..plimsoll_store::Config::default()
    };
    let store = Store::open(World::real(), &export.data_dir, config)
        .context("export reads a data directory that no server uses, or a snapshot")?;
    let time = |text: &Option<String>, otherwise: i64| match text {
        Some(text) => plimsoll_serve::time_ms(text).map_err(anyhow::Error::msg),
        None => Ok(otherwise),
    };
    let range = TimeRange::new(time(&export.start, i64::MIN)?, time(&export.end, i64::MAX)?);
    let matchers = export.r#match.as_deref().map_or(Ok(Vec::new()), matchers)?;
    let out: Box<dyn Write> = match &export.output {
        Some(path) => {
            Box::new(std::fs::File::create(path).with_context(|| path.display().to_string())?)
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let mut out = std::io::BufWriter::with_capacity(1 << 20, out);
    let samples = write(&store, &matchers, range, export.format, &mut out)?;
    out.flush()?;
    store.close()?;
    say_wrong(&format!("{samples} samples exported"));
    Ok(())
}

fn matchers(text: &str) -> Result<Vec<Matcher>> {
    let selector = parse_selector(text).map_err(|e| anyhow::anyhow!("--match: {e}"))?;
    let op = |op| match op {
        MatchOp::Equal => plimsoll_model::MatchOp::Equal,
        MatchOp::NotEqual => plimsoll_model::MatchOp::NotEqual,
        MatchOp::Regex => plimsoll_model::MatchOp::Regex,
        MatchOp::NotRegex => plimsoll_model::MatchOp::NotRegex,
    };
    let all = selector.matchers.iter().map(|m| Matcher::new(op(m.op), &m.name, &m.value));
    Ok(all.collect::<Result<_, _>>()?)
}

fn write(
    store: &Store,
    matchers: &[Matcher],
    range: TimeRange,
    format: OutputFormat,
    out: &mut dyn Write,
) -> Result<u64> {
    let cx = ReadCx::unlimited();
    let snapshot = store.snapshot();
    let selection = snapshot.select(matchers, &Hint::range(range), &cx)?;
    let (mut names, mut scratch) = (LabelScratch::default(), Scratch::new());
    // A family's lines stand together in OpenMetrics.
    let mut order: Vec<_> =
        (0..selection.len()).map(|i| (selection.labels(i, &mut names).to_labels(), i)).collect();
    order.sort();
    if format == OutputFormat::Csv {
        writeln!(out, "series,timestamp,value")?;
    }
    let (mut samples, mut histograms, mut line) = (0, 0u64, String::new());
    for (labels, i) in order {
        let name = series(labels.as_ref());
        let columns = selection.read(i, range, &mut scratch, &cx)?;
        for k in 0..columns.len() {
            if columns.histogram(k).is_some() {
                histograms += 1;
                continue;
            }
            let (time, value) = (columns.times[k], columns.floats[k]);
            if is_stale(value) {
                continue;
            }
            line.clear();
            if format == OutputFormat::Csv {
                put_field(&mut line, &name);
                line.push_str(&format!(",{},{}", time, format_plain(value)));
            } else {
                let (seconds, ms) = (time.div_euclid(1000), time.rem_euclid(1000));
                line.push_str(&format!("{name} {} {seconds}.{ms:03}", format_plain(value)));
            }
            writeln!(out, "{line}")?;
            samples += 1;
        }
    }
    if format == OutputFormat::Openmetrics {
        writeln!(out, "# EOF")?;
    }
    for warning in cx.warnings.take() {
        say_wrong(&warning);
    }
    if histograms > 0 {
        say_wrong(&format!("{histograms} native histograms are left out: neither format has them"));
    }
    Ok(samples)
}

/// `name{label="value"}`, as both text formats read it.
fn series(labels: LabelsRef<'_>) -> String {
    let mut out = String::new();
    let metric = labels.get(METRIC_NAME).unwrap_or_default();
    let plain = plimsoll_wire::text::is_legacy_metric_name(metric);
    if plain {
        out.push_str(metric);
    }
    let mut parts = Vec::new();
    if !plain && !metric.is_empty() {
        parts.push(quoted(metric));
    }
    for (name, value) in labels.iter().filter(|(n, _)| *n != METRIC_NAME) {
        let name = if plimsoll_wire::text::is_legacy_label_name(name) {
            name.to_owned()
        } else {
            quoted(name)
        };
        parts.push(format!("{name}={}", quoted(value)));
    }
    if !parts.is_empty() {
        out.push('{');
        out.push_str(&parts.join(","));
        out.push('}');
    }
    out
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
