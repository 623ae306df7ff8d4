//! `plimsoll notify`: whether messages arrive.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};

use super::{TestReceiver, say};

/// Longer than a server tries.
const TIMEOUT: Duration = Duration::from_secs(400);

/// Has a server send a test message by each integration of a receiver, and prints how it went.
pub fn test(test: &TestReceiver) -> Result<()> {
    plimsoll_net::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = HttpClient::new(HttpConfig::default());
    let name: String = form_urlencoded::byte_serialize(test.receiver.as_bytes()).collect();
    let server = test.server.trim_end_matches('/');
    // In a path a plus is a plus.
    let name = name.replace('+', "%20");
    let url = format!("{server}/api/plimsoll/v1/receivers/{name}/test");
    let mut request = Request::post(&url, "application/json", "");
    request.timeout = TIMEOUT;
    let answer = runtime
        .block_on(client.send(request))
        .with_context(|| format!("no answer from {server}; is plimsoll serve running?"))?;
    let body: serde_json::Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("{url} did not answer with JSON"))?;
    let Some(channels) = body["channels"].as_array() else {
        bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"));
    };
    if channels.is_empty() {
        bail!("the receiver {:?} has no integration that can be sent to", test.receiver);
    }
    let mut failed = 0;
    for channel in channels {
        let integration = channel["integration"].as_str().unwrap_or_default();
        let took = channel["took_ms"].as_f64().unwrap_or_default();
        match channel["error"].as_str() {
            None => say(&format!("{integration}: delivered in {took:.0} ms")),
            Some(why) => {
                failed += 1;
                say(&format!("{integration}: not delivered: {why}"));
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} integrations did not take the message", channels.len());
    }
    Ok(())
}
