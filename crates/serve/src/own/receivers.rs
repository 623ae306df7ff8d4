//! `/api/plimsoll/v1/receivers…` and `/api/plimsoll/v1/notifications/route`: who can be told, those who are added
//! here, and who would be told of an alert.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::config::Receiver;
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::{RuleFile, RuleFileError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::rule_files::{FileShelf, check_of, get_of, put_of, refused, remove_of, versions_of};
use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Labels of an alert whose way is asked for.
const LABELS_MAX: usize = 64;

/// Receivers that are added here, as the door shows them. Implemented by the binary; calls block.
pub trait ReceiverShelf: FileShelf {
    /// The receivers that are added here, by name.
    ///
    /// # Errors
    /// Disk and records.
    fn list(&self) -> Result<Vec<ShelvedReceiver>, RuleFileError>;
    /// The receiver that a text makes, checked as if it were to be saved under this name; nothing is kept.
    ///
    /// # Errors
    /// Why it would not be saved.
    fn draft(&self, name: &str, text: &str) -> Result<Receiver, RuleFileError>;
}

/// A receiver that was added here.
pub struct ShelvedReceiver {
    /// Its file.
    pub file: RuleFile,
    /// Of which alerts it hears, as text.
    pub matchers: Vec<String>,
    /// Whether what runs is what is in the file.
    pub in_force: bool,
}

/// Everybody who can be told.
pub async fn list(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let shelf = Arc::clone(&app.receivers);
    let added = match blocking(move || shelf.list()).await? {
        Ok(added) => added,
        Err(e) => return Ok(refused(&e)),
    };
    let added: BTreeMap<&str, &ShelvedReceiver> =
        added.iter().map(|a| (a.file.name.as_str(), a)).collect();
    let routing = app.alerting.routing();
    let doc = |r: &Receiver| {
        let here = added.get(r.name.as_str());
        json!({
            "name": r.name,
            "source": if here.is_some() { "api" } else { "configuration" },
            "integrations": r.integrations.iter().map(|i| i.name()).collect::<Vec<_>>(),
            "not_sent": r.kept.iter().map(|k| k.kind).collect::<Vec<_>>(),
            "fallback": r.fallback,
            "routes": routing.routes.iter().filter(|x| x.receiver == r.name).count(),
            "matchers": here.map(|a| &a.matchers),
            "version": here.map(|a| a.file.version),
            "author": here.map(|a| a.file.author.as_str()),
            "changed_at": here.map(|a| rfc3339(a.file.changed_ms)),
            "in_force": here.is_none_or(|a| a.in_force),
        })
    };
    let all: Vec<Value> = routing.receivers.iter().map(doc).collect();
    Ok(own(&json!({ "receivers": all })))
}

/// The file of a receiver, with its secrets: for those who may change it.
pub async fn get(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    get_of(app.receivers.clone(), call).await
}

/// Adds or changes a receiver.
pub async fn put(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    put_of(app.receivers.clone(), call).await
}

/// Removes a receiver; its history stays.
pub async fn remove(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    remove_of(app.receivers.clone(), call).await
}

/// The history of a receiver, with its secrets.
pub async fn versions(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    versions_of(app.receivers.clone(), call).await
}

/// What is wrong with the text of a receiver.
pub async fn check(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    check_of(app.receivers.clone(), call).await
}

/// An alert that nobody has to have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    labels: BTreeMap<String, String>,
}

/// Who would be told of an alert with these labels, at this moment.
pub async fn way(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let asked: Asked = serde_json::from_slice(&call.body).map_err(|e| {
        Failure::bad_data(format!(
            "the body is not {{\"labels\": {{\"severity\": \"critical\"}}}}: {e}"
        ))
    })?;
    if asked.labels.len() > LABELS_MAX {
        let found = asked.labels.len();
        return Err(Failure::bad_data(format!("labels: {found}; at most {LABELS_MAX}")));
    }
    let routing = app.alerting.routing();
    let now = app.clock.wall_ms();
    let doc = |at: usize| {
        let route = &routing.routes[at];
        let receiver = routing.receiver(&route.receiver);
        json!({
            "receiver": route.receiver,
            "integrations": receiver.map_or_else(Vec::new, |r| r.integrations.iter().map(|i| i.name()).collect()),
            "route": route.key,
            "group": route.group_labels(&asked.labels),
            "group_wait_seconds": seconds(route.group_wait_ms),
            "group_interval_seconds": seconds(route.group_interval_ms),
            "repeat_interval_seconds": seconds(route.repeat_interval_ms),
            "muted_by": routing.muted_by_calendar(route, now).unwrap_or_default(),
        })
    };
    let all = routing.matching(&asked.labels);
    Ok(own(&json!({ "routes": all.into_iter().map(doc).collect::<Vec<_>>() })))
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1e3
}
