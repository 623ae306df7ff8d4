//! Sends reports: at once when it is asked, and when their schedules say so.
//!
//! A report that is due is made, and its messages go into the outbox in the transaction that writes down
//! that it was sent. What fails is tried again at the next look, until [`PATIENCE_MS`] after it was due;
//! then it is told and left out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use plimsoll_alert::{Arrival, Bulletin, BulletinError, Enclosed, Posting};
use plimsoll_model::{HOUR_MS, Timestamp};
use plimsoll_records::{Change, Error as RecordsError};
use plimsoll_show::report::{self, Document, Due, OutputFormat, Report, Window, html_lines};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::reports::{document, file_name, rendered, shelved, window};
use crate::app::App;
use crate::metrics::count;
use crate::prom::blocking;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// From one look at schedules to the next.
const EVERY: Duration = Duration::from_secs(10);
/// How long a report that is due is tried.
const PATIENCE_MS: i64 = HOUR_MS;
/// Receivers of one sending.
const RECEIVERS_MAX: usize = 20;
/// How long somebody who sends a report waits for what the receivers say; longer than most mail servers take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// To whom.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wish {
    receivers: Vec<String>,
    from: Option<String>,
    to: Option<String>,
}

/// Sends a report now.
pub async fn send(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: Wish = match call.body.is_empty() {
        true => Wish::default(),
        false => serde_json::from_slice(&call.body)
            .map_err(|e| Failure::bad_data(format!("the body does not say to whom: {e}")))?,
    };
    let id = call.captured.first().cloned().unwrap_or_default();
    let kept = shelved(&app, move |app| app.reports.get(&id)).await?;
    let scheduled = kept.report.schedule.as_ref().map(|s| s.receivers.clone());
    let receivers = match wish.receivers.is_empty() {
        true => scheduled.unwrap_or_default(),
        false => wish.receivers,
    };
    if receivers.is_empty() || receivers.len() > RECEIVERS_MAX {
        return Err(Failure::bad_data(format!("receivers: 1 to {RECEIVERS_MAX} are wanted")));
    }
    let window = window(&app, &kept.report, wish.from.as_deref(), wish.to.as_deref())?;
    let key = format!("now{}", app.now());
    let bulletin = bulletin(&app, &kept.report, &window, key).await?;
    let sent = posted(&app, receivers, bulletin, Vec::new()).await?;
    match sent {
        Ok(postings) => {
            let messages = messages(&postings);
            let results = results(postings).await;
            Ok(own(&json!({ "report": kept.report.id, "messages": messages, "results": results })))
        }
        Err(BulletinError::Receiver(why)) => Err(Failure::bad_data(why)),
        Err(BulletinError::Records(e)) => Err(Failure::unavailable(e.to_string())),
    }
}

/// Sends reports when they are due, until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        look(&app).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => break,
        }
    }
}

/// Sends what is due.
async fn look(app: &Arc<App>) {
    let now = app.now();
    let due = match shelved(app, move |app| app.reports.due(now)).await {
        Ok(due) => due,
        Err(e) => {
            tracing::warn!(error = e.message, "schedules of reports are not read");
            return;
        }
    };
    for due in due {
        let (id, at) = (due.report.id.clone(), due.at);
        if let Err(why) = send_due(app, &due).await {
            count(&app.metrics.reports_failed, 1);
            let given_up = now - at > PATIENCE_MS;
            tracing::warn!(report = id, error = why, given_up, "a report that is due is not sent");
            if given_up && let Err(e) = shelved(app, move |app| app.reports.give_up(&due)).await {
                tracing::warn!(report = id, error = e.message, "that it is given up is not kept");
            }
        }
    }
}

async fn send_due(app: &Arc<App>, due: &Due) -> Result<(), String> {
    let receivers = due.report.schedule.as_ref().map(|s| s.receivers.clone()).unwrap_or_default();
    let window = due.report.window(due.at)?;
    let key = format!("at{}", due.at);
    let bulletin = bulletin(app, &due.report, &window, key).await.map_err(|e| e.message)?;
    let sent = posted(app, receivers, bulletin, vec![due.done.clone()]).await;
    match sent.map_err(|e| e.message)? {
        Ok(postings) => {
            let messages = messages(&postings);
            tracing::info!(report = due.report.id, messages, "a report is sent");
            Ok(())
        }
        // Somebody else sent it.
        Err(BulletinError::Records(RecordsError::Conflict { .. })) => Ok(()),
        Err(e) => Err(e.to_string()),
    }
}

async fn posted(
    app: &Arc<App>,
    receivers: Vec<String>,
    bulletin: Bulletin,
    with: Vec<Change>,
) -> Result<Result<Vec<Posting>, BulletinError>, Failure> {
    let door = Arc::clone(app);
    // Who is named twice is told once.
    let mut told = BTreeSet::new();
    let receivers: Vec<String> =
        receivers.into_iter().filter(|name| told.insert(name.clone())).collect();
    let sent = blocking(move || door.alerting.post_bulletin(&receivers, &bulletin, &with)).await?;
    if let Ok(postings) = &sent {
        count(&app.metrics.reports_sent, messages(postings) as u64);
    }
    Ok(sent)
}

/// How many messages are on their way.
fn messages(postings: &[Posting]) -> usize {
    postings.iter().filter(|p| !p.integration.is_empty()).count()
}

/// What each channel of each receiver said to the first attempt, in the order in which they were asked.
async fn results(postings: Vec<Posting>) -> Vec<Value> {
    let told = postings.into_iter().map(|mut posting| async move {
        let (state, error) = match posting.arrival(ANSWER_WITHIN).await {
            Arrival::Sent => ("sent", String::new()),
            Arrival::Retried(why) => ("retried", why),
            Arrival::Failed(why) => ("failed", why),
            Arrival::Waiting => ("waiting", String::new()),
        };
        let kind = posting.integration.split('/').next().unwrap_or_default();
        json!({
            "receiver": posting.receiver,
            "kind": kind,
            "integration": posting.integration,
            "state": state,
            "error": error,
        })
    });
    futures_util::future::join_all(told).await
}

/// The message of a report.
async fn bulletin(
    app: &Arc<App>,
    report: &Report,
    window: &Window,
    key: String,
) -> Result<Bulletin, Failure> {
    let place = app.gates.reports.acquire().await;
    let _place = place.map_err(|_| Failure::unavailable("the server stops"))?;
    let document = document(app, report, window).await?;
    let text = words(&document);
    let data = document.json();
    let format = report.format;
    let name = file_name(report, window, format);
    let bytes = rendered(app, document, format).await?;
    let time = |ms: Timestamp| format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000));
    let (from, to) = (time(window.from), time(window.until));
    Ok(Bulletin {
        subject: report.id.clone(),
        key,
        title: format!("{}: {}", report.title, period(window)),
        html: html_lines(&text),
        text,
        path: format!(
            "/api/plimsoll/v1/reports/{}/render?format={}&from={from}&to={to}",
            report.id,
            OutputFormat::Html.extension()
        ),
        data,
        enclosed: Some(Enclosed { name, media: format.media().to_owned(), bytes }),
        at: app.now(),
    })
}

fn period(window: &Window) -> String {
    format!("{} – {}", window.show(window.from), window.show(window.until))
}

/// What a message says: the facts of the first sections.
fn words(document: &Document) -> String {
    const FACTS_MAX: usize = 14;
    let facts = document.parts.iter().flat_map(|p| &p.blocks).filter_map(|b| match b {
        report::Block::Facts(facts) => Some(facts),
        _ => None,
    });
    let lines: Vec<String> = facts
        .flatten()
        .take(FACTS_MAX)
        .map(|f| format!("- {}: {}", f.label, f.value.text))
        .collect();
    let head = format!("{} ({}), {}", document.period, document.timezone, document.host);
    format!("{head}\n\n{}", lines.join("\n"))
}
