//! The live stream: a WebSocket that carries frames as time goes on.
//!
//! One task a connection. It holds what the client subscribed to, evaluates what is due, and sends. It
//! evaluates for a subscription only when the frame before has been handed to the socket, so a client
//! that reads slowly gets fewer frames and never a growing queue.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use plimsoll_model::Grid;
use plimsoll_query::Query;
use serde::Deserialize;

use super::frame::{self, Element, Kind};
use super::overview;
use super::panels::{Chart, SERIES_USUAL, aligned, evaluate};
use crate::app::App;
use crate::metrics::count;
use crate::params::Params;
use crate::prom::ask;
use crate::reply::Failure;

/// Bytes of a message from the client.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Time between overview documents.
const OVERVIEW_MS: i64 = 5_000;
/// Shortest step of a live chart.
const STEP_MS_MIN: i64 = 1_000;
/// Longest step of a live chart: a week.
const STEP_MS_MAX: i64 = 7 * 86_400_000;
/// Elements of a live chart.
const ELEMENTS_MAX: i64 = 11_000;
/// How long after a step its samples are there: collection takes a moment.
const SETTLE_MS: i64 = 300;
/// Something is sent at least this often, so that a client can tell a quiet line from a dead one.
const PULSE: Duration = Duration::from_secs(8);
/// A client that takes no message for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Asked {
    Subscribe(Subscribe),
    Unsubscribe { id: String },
}

#[derive(Deserialize)]
struct Subscribe {
    id: String,
    topic: Option<String>,
    expr: Option<String>,
    #[serde(default)]
    window_ms: i64,
    #[serde(default)]
    step_ms: i64,
    max_series: Option<usize>,
}

/// Something that a client sees change.
struct Subscription {
    id: String,
    what: What,
    due_ms: i64,
}

enum What {
    Overview,
    Chart { asked: Asking, window_ms: i64, step_ms: i64, max_series: usize, sent: Option<Sent> },
}

/// What a chart evaluates again and again.
#[derive(Clone)]
struct Asking {
    expr: String,
    /// The expression as the first evaluation read it; not here, where connections wait.
    kept: Arc<OnceLock<Query>>,
}

/// How far a chart has been sent.
#[derive(Clone, Copy)]
struct Sent {
    until: i64,
    set: u64,
}

/// Takes the connection over.
pub fn open(app: Arc<App>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = Arc::clone(&app.gates.live).try_acquire_owned() else {
        let max = app.limits.live_connections;
        return Failure::unavailable(format!("{max} live connections are open already"))
            .into_response();
    };
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    upgrade.on_upgrade(move |socket| async move {
        count(&app.metrics.live_connections, 1);
        let metrics = Arc::clone(&app.metrics);
        run(app, socket).await;
        metrics.live_connections.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        drop(place);
    })
}

async fn run(app: Arc<App>, mut socket: WebSocket) {
    let mut stop = app.stop.clone();
    let mut subscriptions: Vec<Subscription> = Vec::new();
    loop {
        let now = app.now();
        let next = subscriptions.iter().map(|s| s.due_ms).min().unwrap_or(now + 60_000);
        let wait = Duration::from_millis((next - now).max(0).unsigned_abs()).min(PULSE);
        tokio::select! {
            _ = stop.changed() => break,
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    if let Some(refused) = take(&app, text.as_str(), &mut subscriptions)
                        && !send(&app, &mut socket, refused).await
                    {
                        return;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            () = tokio::time::sleep(wait) => {
                let quiet = wait == PULSE;
                let alive = send_due(&app, &mut socket, &mut subscriptions).await
                    && (!quiet || hand_over(&mut socket, Message::Text("{}".into())).await);
                if !alive {
                    return;
                }
            }
        }
    }
    hand_over(&mut socket, Message::Close(None)).await;
}

/// Changes the subscriptions as the client asks; a frame that says why not.
fn take(app: &App, text: &str, subscriptions: &mut Vec<Subscription>) -> Option<Vec<u8>> {
    match serde_json::from_str(text) {
        Err(e) => Some(frame::error("", "bad_data", &format!("message not understood: {e}"))),
        Ok(Asked::Unsubscribe { id }) => {
            subscriptions.retain(|s| s.id != id);
            None
        }
        Ok(Asked::Subscribe(s)) => {
            subscriptions.retain(|known| known.id != s.id);
            let max = app.limits.live_subscriptions;
            if subscriptions.len() >= max {
                let message = format!("{max} subscriptions at once; unsubscribe first");
                return Some(frame::error(&s.id, "bad_data", &message));
            }
            let id = s.id.clone();
            match what(s) {
                Ok(what) => {
                    subscriptions.push(Subscription { id, what, due_ms: app.now() });
                    None
                }
                Err(message) => Some(frame::error(&id, "bad_data", message)),
            }
        }
    }
}

fn what(s: Subscribe) -> Result<What, &'static str> {
    match (s.topic.as_deref(), s.expr) {
        (Some("overview"), None) => Ok(What::Overview),
        (None, Some(expr)) => {
            let step_ms = s.step_ms.clamp(STEP_MS_MIN, STEP_MS_MAX);
            let window_ms = s.window_ms.clamp(step_ms, step_ms.saturating_mul(ELEMENTS_MAX));
            let max_series = s.max_series.unwrap_or(SERIES_USUAL).clamp(1, 1_000);
            let asked = Asking { expr, kept: Arc::default() };
            Ok(What::Chart { asked, window_ms, step_ms, max_series, sent: None })
        }
        _ => Err("a subscription has either expr or topic: \"overview\""),
    }
}

async fn send_due(
    app: &Arc<App>,
    socket: &mut WebSocket,
    subscriptions: &mut [Subscription],
) -> bool {
    for s in subscriptions {
        let now = app.now();
        if s.due_ms > now {
            continue;
        }
        let bytes = match &mut s.what {
            What::Overview => {
                s.due_ms = now + OVERVIEW_MS;
                Some(match overview::build(app).await {
                    Ok(overview) => {
                        let document = serde_json::to_value(overview);
                        frame::overview(&s.id, &document.unwrap_or_default())
                    }
                    Err(e) => frame::error(&s.id, e.kind, &e.message),
                })
            }
            What::Chart { asked, window_ms, step_ms, max_series, sent } => {
                let step = *step_ms;
                let until = (now - SETTLE_MS).div_euclid(step) * step;
                let missed = sent.map_or(0, |s| (until - s.until) / step - 1).max(0);
                count(&app.metrics.live_frames_dropped, missed.unsigned_abs());
                s.due_ms = until + step + SETTLE_MS;
                let chart = Chart {
                    id: s.id.clone(),
                    expr: asked.expr.clone(),
                    kept: Some(Arc::clone(&asked.kept)),
                    grid: Grid { start: until, end: until, step },
                    element: Element::F32,
                    max_series: *max_series,
                };
                next_frame(app, chart, *window_ms, until, sent).await
            }
        };
        if let Some(bytes) = bytes
            && !send(app, socket, bytes).await
        {
            return false;
        }
    }
    true
}

/// The next frame of a chart: what is new, or everything when the set of series changed.
async fn next_frame(
    app: &Arc<App>,
    chart: Chart,
    window_ms: i64,
    until: i64,
    sent: &mut Option<Sent>,
) -> Option<Vec<u8>> {
    let whole = Chart { grid: aligned(until - window_ms, until, chart.grid.step), ..chart.clone() };
    // What lies in the future was sent before the clock was set back.
    let fresh = sent.filter(|s| (0..=window_ms).contains(&(until - s.until)));
    if let Some(before) = fresh {
        let start = before.until + chart.grid.step;
        if start > until {
            return None;
        }
        let part = Chart { grid: Grid { start, end: until, step: chart.grid.step }, ..chart };
        let (bytes, set) = frame_of(app, part, Kind::Append).await;
        if set == before.set {
            *sent = Some(Sent { until, set });
            return Some(bytes);
        }
    }
    let (bytes, _) = frame_of(app, whole.clone(), Kind::Full).await;
    let last = Chart { grid: Grid { start: until, end: until, step: whole.grid.step }, ..whole };
    let (_, set) = frame_of(app, last, Kind::Append).await;
    *sent = Some(Sent { until, set });
    Some(bytes)
}

async fn frame_of(app: &Arc<App>, chart: Chart, kind: Kind) -> (Vec<u8>, u64) {
    let id = chart.id.clone();
    let work = move |app: &App, cx: &plimsoll_model::ReadCx| Ok(evaluate(app, &chart, kind, cx));
    match ask(app, &Params::default(), work).await {
        Ok(done) => done,
        Err(e) => (frame::error(&id, e.kind, &e.message), 0),
    }
}

async fn send(app: &App, socket: &mut WebSocket, bytes: Vec<u8>) -> bool {
    count(&app.metrics.live_frames, 1);
    hand_over(socket, Message::Binary(bytes.into())).await
}

/// Gives a message to the socket; false when the client takes none.
async fn hand_over(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(SEND_TIMEOUT, socket.send(message)).await, Ok(Ok(())))
}
