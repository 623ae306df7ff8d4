//! `webhook_configs`: Alertmanager's payload by POST.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::Secret;
use plimsoll_model::written::{Fields, Node, Problems};
use serde_json::Value;

use super::channel::{
    Attempt, Channel, Making, Outgoing, Tools, address, exchange, is_address, judge, post,
};
use crate::config::http::{self, HttpConfig, SecretFrom};
use crate::config::receivers::{Global, http_of};
use crate::owner::Bulletin;
use crate::route::{Notification, payload};

/// How long an attempt may take unless it is written, ms.
const TIMEOUT_MS: i64 = 10_000;

/// An address that gets the payload.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// `http://` or `https://`; a secret, since it often carries a token.
    pub url: SecretFrom,
    /// Alerts in one message; 0 = all.
    pub max_alerts: usize,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// How the server is reached.
    pub http: HttpConfig,
}

impl Webhook {
    /// An address with all defaults.
    pub fn new(url: &str) -> Self {
        Self {
            url: SecretFrom::Text(Secret::new(url.to_owned())),
            max_alerts: 0,
            timeout: Duration::from_millis(TIMEOUT_MS.unsigned_abs()),
            http: HttpConfig::default(),
        }
    }
}

/// Reads an entry: whether ends are sent, and the channel; `None` when something is wrong.
pub fn read(
    node: &Node,
    path: &str,
    global: &Global,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> Option<(bool, Arc<dyn Channel>)> {
    let mut fields = Fields::of(node, path, problems);
    let send_resolved = fields.bool("send_resolved", problems).unwrap_or(true);
    let max_alerts = fields.int("max_alerts", 0..=1_000_000, problems).unwrap_or(0);
    let timeout = fields.duration_ms("timeout", problems).filter(|ms| *ms > 0);
    let http = http_of(&mut fields, global, unsupported, problems);
    let url = http::secret(&mut fields, "url", "url_file", problems);
    fields.finish(problems);
    let url = match url {
        None => {
            problems.add(node.line, path, "one of url and url_file must be given");
            return None;
        }
        Some(SecretFrom::Text(url)) if !is_address(url.reveal()) => {
            let message = "the address must begin with http:// or https://";
            problems.add(node.line, format!("{path}.url"), message);
            return None;
        }
        Some(url) => url,
    };
    let max_alerts = usize::try_from(max_alerts).unwrap_or(0);
    let timeout = Duration::from_millis(timeout.unwrap_or(TIMEOUT_MS).unsigned_abs());
    Some((send_resolved, Arc::new(Webhook { url, max_alerts, timeout, http })))
}

impl Channel for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn make(&self, notification: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut message = payload::webhook(notification, making.external_url, self.max_alerts);
        if let Some(exhibit) = making.exhibit {
            // Beside Alertmanager's keys; who does not know it passes over it.
            message["plimsoll"] = exhibit.json(making.external_url);
        }
        Some(message)
    }

    fn bulletin(
        &self,
        bulletin: &Bulletin,
        _: &Notification,
        url: &str,
        _: &Making<'_>,
    ) -> Option<Value> {
        Some(bulletin.payload(url))
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let url = address(&self.url, &*tools.disk);
            let body = outgoing.message.to_string();
            let request = url.and_then(|url| {
                let mut request = post(&url, body, &self.http, self.timeout, &*tools.disk)?;
                request.headers.push(("idempotency-key".to_owned(), outgoing.idempotency_key));
                Ok(request)
            });
            match exchange(request, tools).await {
                Ok(answer) => judge(&answer),
                Err(outcome) => outcome,
            }
        })
    }
}
