//! `plimsoll detect` and `plimsoll forecast`: CSV in, CSV out.

use std::path::Path;

use anyhow::{Context, Result};
use plimsoll_predict::{ForecastRequest, detect_csv, forecast_csv};

use super::{Detect, Forecast};

/// Scores a file.
pub fn detect(args: &Detect) -> Result<()> {
    write(args.output.as_deref(), &detect_csv(&read(&args.input)?)?)
}

/// Forecasts a file.
pub fn forecast(args: &Forecast) -> Result<()> {
    let request = ForecastRequest { horizon: args.horizon, season: args.season, level: args.level };
    write(args.output.as_deref(), &forecast_csv(&read(&args.input)?, &request)?)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn write(path: Option<&Path>, text: &str) -> Result<()> {
    use std::io::Write as _;
    match path {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("{} cannot be written", path.display())),
        None => Ok(std::io::stdout().lock().write_all(text.as_bytes())?),
    }
}
