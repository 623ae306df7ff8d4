//! A Python environment of our own, under the cache: nothing of the system's is changed.

use crate::place::{Place, run, works};
use crate::step::Outcome;
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// A module and the PyPI package that has it.
const WANTED: &[(&str, &str)] = &[
    ("prometheus_client", "prometheus-client"),
    ("numpy", "numpy"),
    ("aiosmtpd", "aiosmtpd"),
    ("cryptography", "cryptography"),
    ("prometheus_api_client", "prometheus-api-client"),
    ("opentelemetry.sdk.metrics", "opentelemetry-sdk"),
    ("opentelemetry.exporter.otlp.proto.http", "opentelemetry-exporter-otlp-proto-http"),
];

/// The interpreter of the environment.
pub fn interpreter(place: &Place) -> PathBuf {
    place.cache.join("python/bin/python")
}

/// Makes the environment and installs what is missing in it.
pub fn install(place: &Place) -> Result<Outcome> {
    let python = interpreter(place);
    let has = |module: &str| works(Command::new(&python).args(["-c", &format!("import {module}")]));
    let missing: Vec<&str> =
        WANTED.iter().filter(|(module, _)| !has(module)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(Outcome::Done("all there".to_owned()));
    }
    if !place.may_install {
        bail!("missing: {}; leave out --no-install to get them", missing.join(" "));
    }
    println!("installing with pip into {}: {}", python.display(), missing.join(" "));
    if !works(Command::new(&python).args(["-m", "pip", "--version"])) {
        let dir = place.cache.join("python");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(dir))?;
    }
    let quietly = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(quietly).args(&missing))?;
    Ok(Outcome::Done(format!("installed {}", missing.join(" "))))
}
