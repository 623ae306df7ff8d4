//! `plimsoll report`: a report of a running server as a file.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};

use super::{ReportAsked, say_wrong};

/// Longer than a server takes.
const TIMEOUT: Duration = Duration::from_secs(100);
/// Bytes of a report.
const BYTES_MAX: u64 = 256 << 20;

/// Asks, and writes what is answered.
pub fn run(asked: &ReportAsked) -> Result<()> {
    plimsoll_net::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = HttpClient::new(HttpConfig::default());
    let id: String = form_urlencoded::byte_serialize(asked.report.as_bytes()).collect();
    let server = asked.server.trim_end_matches('/');
    let mut url = format!("{server}/api/plimsoll/v1/reports/{id}/render?format={}", asked.format);
    for (name, value) in [("from", &asked.from), ("to", &asked.to)] {
        if let Some(value) = value {
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            url.push_str(&format!("&{name}={value}"));
        }
    }
    let mut request = Request::get(&url);
    request.timeout = TIMEOUT;
    request.body_limit = BYTES_MAX;
    let answer = runtime
        .block_on(client.send(request))
        .with_context(|| format!("no answer from {server}; is plimsoll serve running?"))?;
    if answer.status != 200 {
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"));
    }
    let path = asked.output.clone().unwrap_or_else(|| named(&answer, asked));
    std::fs::write(&path, &answer.body)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    say_wrong(&format!("{} bytes in {}", answer.body.len(), path.display()));
    Ok(())
}

/// The name that the server gave the file, without any directory.
fn named(answer: &plimsoll_net::Answer, asked: &ReportAsked) -> PathBuf {
    let said = answer.header("content-disposition").and_then(|h| h.split_once("filename=\""));
    let said = said.and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
    let is_plain = |name: &&str| !name.contains(['/', '\\']) && !name.starts_with('.');
    let usual = format!("{}.{}", asked.report, asked.format);
    PathBuf::from(said.filter(is_plain).unwrap_or(&usual))
}
