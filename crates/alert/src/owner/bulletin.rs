//! Messages that are no alerts, such as reports: through the outbox to named receivers, like alerts.

use plimsoll_model::Timestamp;
use plimsoll_records::{Change, Delivery};
use serde_json::{Value, json};

use super::Alerting;
use crate::config::Integration;
use crate::notify::{Making, Outcome};
use crate::route::{Notice, Notification};

/// Bytes of an enclosed file. A larger one is left out, and the message has the link.
pub const ENCLOSED_BYTES_MAX: usize = 2 << 20;
/// Bytes of the data that a webhook gets. Larger ones are left out.
const DATA_BYTES_MAX: usize = 1 << 20;
/// Kinds that wake somebody or keep something open; nobody is woken by a report.
const PAGERS: [&str; 2] = ["pagerduty", "opsgenie"];

/// A file that goes with a message.
#[derive(Clone, Debug)]
pub struct Enclosed {
    /// How it is called.
    pub name: String,
    /// Its media type.
    pub media: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A message to people that is no alert.
#[derive(Clone, Debug)]
pub struct Bulletin {
    /// What it is about, such as the name of a report. Messages of one subject keep their order.
    pub subject: String,
    /// Names it among those of its subject: letters and digits. The same is sent once.
    pub key: String,
    /// Its title.
    pub title: String,
    /// What it says, in a few lines.
    pub text: String,
    /// The same as HTML; by mail.
    pub html: String,
    /// Where there is more: a path of this server.
    pub path: String,
    /// What a webhook gets beside title and link.
    pub data: Value,
    /// A file; by mail.
    pub enclosed: Option<Enclosed>,
    /// When it was decided, ms since the epoch.
    pub at: Timestamp,
}

impl Bulletin {
    /// The same as an alert that is a piece of news, for kinds of receivers that know alerts only.
    pub(crate) fn notification(
        &self,
        receiver: &str,
        integration: &str,
        url: &str,
    ) -> Notification {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let alert = Notice {
            labels: [
                pair("alertname", &self.title),
                pair("report", &self.subject),
                pair("severity", "info"),
            ]
            .into(),
            annotations: [
                pair("summary", &self.title),
                pair("description", &format!("{}\n{url}", self.text)),
            ]
            .into(),
            starts_at: self.at,
            ends_at: None,
            updated_at: self.at,
            generator_url: url.to_owned(),
            ..Notice::default()
        };
        let group = format!("{{}}:{{report={:?}}}", self.subject);
        Notification {
            receiver: receiver.to_owned(),
            integration: integration.to_owned(),
            group_key: group.clone(),
            group_id: group,
            group_labels: [pair("report", &self.subject)].into(),
            alerts: vec![alert],
            at: self.at,
            key: self.key.clone(),
            is_repeat: false,
        }
    }

    /// The enclosed file as a message keeps it; nothing when it is too large.
    pub(crate) fn attachment(&self) -> Option<Value> {
        let file = self.enclosed.as_ref().filter(|f| f.bytes.len() <= ENCLOSED_BYTES_MAX)?;
        let body = crate::notify::channel::base64(&file.bytes);
        Some(json!({ "name": file.name, "media": file.media, "base64": body }))
    }

    /// What a webhook gets.
    pub(crate) fn payload(&self, url: &str) -> Value {
        let is_small = self.data.to_string().len() <= DATA_BYTES_MAX;
        json!({
            "version": "plimsoll/report/1",
            "report": self.subject,
            "title": self.title,
            "text": self.text,
            "url": url,
            "at": crate::route::payload::rfc3339(self.at),
            "document": if is_small { self.data.clone() } else { Value::Null },
        })
    }
}

/// A bulletin on its way to a channel of a receiver; without a channel there is no such receiver, or it takes none.
#[derive(Debug, Default)]
pub struct Posting {
    /// To whom.
    pub receiver: String,
    /// By which of its channels: `webhook/0`; empty when there is none.
    pub integration: String,
    /// How the first attempt goes.
    first: Option<tokio::sync::oneshot::Receiver<Outcome>>,
}

/// How far a bulletin came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The receiver took it.
    Sent,
    /// The first attempt failed; it is tried again.
    Retried(String),
    /// It is given up, or there is nobody to send it to.
    Failed(String),
    /// It was not tried yet.
    Waiting,
}

impl Posting {
    /// How the first attempt went; [`Arrival::Waiting`] when that is not known in time.
    pub async fn arrival(&mut self, patience: std::time::Duration) -> Arrival {
        if self.integration.is_empty() {
            let why = "there is no such receiver, or none of its channels takes reports";
            return Arrival::Failed(why.to_owned());
        }
        let Some(first) = self.first.take() else { return Arrival::Waiting };
        match tokio::time::timeout(patience, first).await {
            Ok(Ok(Outcome::Delivered)) => Arrival::Sent,
            Ok(Ok(Outcome::Failed(why) | Outcome::Busy(why, _))) => Arrival::Retried(why),
            Ok(Ok(Outcome::GivenUp(why))) => Arrival::Failed(why),
            Ok(Err(_)) | Err(_) => Arrival::Waiting,
        }
    }
}

/// Why a bulletin is not sent.
#[derive(Debug, thiserror::Error)]
pub enum BulletinError {
    /// There is no such receiver, or nothing of it takes bulletins.
    #[error("{0}")]
    Receiver(String),
    /// It cannot be written down.
    #[error(transparent)]
    Records(#[from] plimsoll_records::Error),
}

impl Alerting {
    /// Puts a bulletin into the outbox for each of these receivers, in one transaction with other changes;
    /// what was put there. When one of the changes is refused nothing is sent.
    ///
    /// # Errors
    /// Nobody would get it, or it cannot be written down.
    pub fn post_bulletin(
        &self,
        receivers: &[String],
        bulletin: &Bulletin,
        with: &[Change],
    ) -> Result<Vec<Posting>, BulletinError> {
        let mut deliveries: Vec<Delivery> = Vec::new();
        let mut postings = Vec::new();
        for name in receivers {
            let made = self.bulletin_for(name, bulletin);
            if made.is_empty() {
                tracing::warn!(
                    receiver = name,
                    report = bulletin.subject,
                    "a receiver of a report is not there"
                );
                postings.push(Posting { receiver: name.clone(), ..Posting::default() });
            }
            for (integration, delivery) in made {
                let first = self.outbox.watch(&delivery.id);
                postings.push(Posting { receiver: name.clone(), integration, first });
                deliveries.push(delivery);
            }
        }
        if deliveries.is_empty() {
            return Err(BulletinError::Receiver(format!(
                "no receiver of these takes reports: {}; see the notification configuration",
                receivers.join(", ")
            )));
        }
        let mut changes = with.to_vec();
        changes.extend(deliveries.iter().cloned().map(Change::Enqueue));
        self.setup.records.apply(&changes)?;
        let _bound = self.outbox.add(deliveries.into_iter());
        Ok(postings)
    }

    /// The names of receivers that take bulletins.
    pub fn bulletin_receivers(&self) -> Vec<String> {
        let routing = self.receivers();
        let takes = |r: &&crate::config::Receiver| r.integrations.iter().any(takes_bulletins);
        routing.receivers.iter().filter(takes).map(|r| r.name.clone()).collect()
    }

    fn bulletin_for(&self, receiver: &str, bulletin: &Bulletin) -> Vec<(String, Delivery)> {
        let routing = self.receivers();
        let Some(found) = routing.receiver(receiver) else { return Vec::new() };
        let external_url = self.external_url();
        let url = format!("{external_url}{}", bulletin.path);
        let making =
            Making { external_url: &external_url, templates: &routing.named, exhibit: None };
        // Receivers have channels of the same names: what goes to one is not what goes to another.
        let group = format!("{}\n{receiver}", bulletin.subject);
        let group = xxhash_rust::xxh3::xxh3_64(group.as_bytes());
        let made = found.integrations.iter().filter(|i| takes_bulletins(i)).filter_map(|i| {
            let n = bulletin.notification(receiver, &i.name(), &url);
            let payload = i.channel.bulletin(bulletin, &n, &url, &making)?;
            let id = format!("{group:016x}-{}-{}", bulletin.key, i.name());
            let body =
                json!({ "integration": i.channel.kind(), "index": i.index, "payload": payload });
            let made = Delivery::new(id, receiver.to_owned(), bulletin.at, body.to_string());
            Some((i.name(), made))
        });
        made.collect()
    }
}

fn takes_bulletins(integration: &Integration) -> bool {
    !PAGERS.contains(&integration.channel.kind())
}

/// A message that arrived, without the files that went with it: they are not kept twice.
pub(crate) fn without_files(body: &str) -> Option<String> {
    if !body.contains("\"attachments\":") {
        return None;
    }
    let mut doc: Value = serde_json::from_str(body).ok()?;
    for file in doc["payload"]["attachments"].as_array_mut()? {
        let bytes = file["base64"].as_str().map_or(0, |t| t.len() / 4 * 3);
        file["base64"] = Value::Null;
        file["bytes"] = bytes.into();
    }
    Some(doc.to_string())
}
