//! `POST /api/plimsoll/v1/rules/backfill`: recording rules over the past.
//!
//! Parameters: `start`, `end` (RFC 3339 or seconds), `group`, `rule` (names; all where they are left
//! out). One call works for at most half a minute and then tells in `next` (ms) where to go on.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use plimsoll_alert::{BackfillAsk, BackfillError};
use plimsoll_model::TimeRange;
use serde_json::json;

use crate::app::App;
use crate::params::{Params, time_ms};
use crate::prom::ask;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// How long one call goes on beginning windows.
const TIME: Duration = Duration::from_secs(30);

fn asked(params: &Params, now: i64) -> Result<BackfillAsk, Failure> {
    let time = |name: &str| {
        let text = params.get(name).unwrap_or("");
        time_ms(text).map_err(|e| Failure::parameter(name, e))
    };
    let (start, end) = (time("start")?, time("end")?);
    if end < start {
        return Err(Failure::parameter("end", "end timestamp must not be before start time"));
    }
    let name = |key: &str| params.get(key).filter(|n| !n.is_empty()).map(str::to_owned);
    let range = TimeRange::new(start, end.min(now));
    Ok(BackfillAsk { group: name("group"), rule: name("rule"), range, time: TIME })
}

/// Evaluates recording rules over the past and writes what they give.
pub async fn backfill(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wanted = asked(&call.params, app.now())?;
    ask(&app, &call.params, move |app, cx| {
        let report = app.alerting.backfill(&wanted, &cx.cancel).map_err(|e| match e {
            BackfillError::Unknown(_) => Failure::not_found(e.to_string()),
            BackfillError::Rule { .. } => Failure::execution(e.to_string()),
        })?;
        let rules: Vec<_> = report
            .rules
            .iter()
            .map(|r| {
                json!({
                    "group": r.group,
                    "rule": r.rule,
                    "stored": r.stored,
                    "duplicate": r.duplicate,
                    "refused": r.refused,
                    "reason": r.reason,
                })
            })
            .collect();
        Ok(own(&json!({ "rules": rules, "next": report.next })))
    })
    .await
}
