//! `/api/plimsoll/v1/analysis/…`: related series, periods compared, what changed, seasons, shapes that were
//! there before.
//!
//! Bodies are JSON objects; times are RFC 3339 or seconds since the epoch. What the deadline (`timeout`, at
//! most that of queries) cuts short answers with what was found by then and `truncated`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use plimsoll_alert::payload::rfc3339;
use plimsoll_insight::investigate::{
    Aside, ChangesAsk, Difference, InvestigateError, Period, PeriodsAsk, RESULTS_MAX, Reading,
    Related, RelatedAnswer, RelatedAsk, SeasonsAsk, SimilarAsk,
};
use plimsoll_model::{HOUR_MS, Matcher, TimeRange, Timestamp};
use plimsoll_query::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::params::{Params, time_ms};
use crate::prom::{ask, matchers_of};
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Results when no `limit` is given.
const LIMIT: usize = 20;

/// A time as the body has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Seconds(f64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    from: Moment,
    to: Moment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelatedBody {
    query: Option<String>,
    alert: Option<String>,
    from: Option<Moment>,
    to: Option<Moment>,
    baseline: Option<Span>,
    #[serde(default, rename = "match")]
    selectors: Vec<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompareBody {
    a: Span,
    b: Span,
    #[serde(default, rename = "match")]
    selectors: Vec<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapeBody {
    query: String,
    from: Moment,
    to: Moment,
    since: Option<Moment>,
}

impl From<InvestigateError> for Failure {
    fn from(error: InvestigateError) -> Self {
        match error {
            InvestigateError::Invalid(why) => Self::bad_data(why),
            InvestigateError::NotFound(why) => Self::not_found(why),
            InvestigateError::Query(e) => e.into(),
            InvestigateError::Read(e) => e.into(),
        }
    }
}

impl Moment {
    fn ms(&self, name: &str) -> Result<Timestamp, Failure> {
        let read = match self {
            Self::Text(text) => time_ms(text),
            Self::Seconds(seconds) => time_ms(&seconds.to_string()),
        };
        read.map_err(|e| Failure::parameter(name, e))
    }
}

impl Span {
    fn range(&self, name: &str) -> Result<TimeRange, Failure> {
        range(self.from.ms(&format!("{name}.from"))?, self.to.ms(&format!("{name}.to"))?)
    }
}

fn range(from: Timestamp, to: Timestamp) -> Result<TimeRange, Failure> {
    if to <= from {
        return Err(Failure::parameter("to", "must lie after from"));
    }
    Ok(TimeRange::new(from, to))
}

fn body<'b, T: Deserialize<'b>>(call: &'b Call) -> Result<T, Failure> {
    serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not as wanted: {e}")))
}

fn limit(given: Option<usize>) -> Result<usize, Failure> {
    match given.unwrap_or(LIMIT) {
        n if (1..=RESULTS_MAX).contains(&n) => Ok(n),
        _ => Err(Failure::parameter("limit", format!("must be from 1 to {RESULTS_MAX}"))),
    }
}

fn sets<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<Vec<Matcher>>, Failure> {
    texts.map(|text| matchers_of("match", text)).collect()
}

fn parsed(app: &App, text: &str) -> Result<Query, Failure> {
    app.engine.parse(text).map_err(Failure::from)
}

/// The symptom of an alert: its expression, its labels, when it fired and ended.
fn symptom(app: &App, text: &str) -> Result<plimsoll_alert::evidence::Symptom, Failure> {
    let fingerprint = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    let fingerprint = fingerprint.ok_or_else(|| {
        Failure::parameter("alert", format!("{text:?} is not 16 hexadecimal digits"))
    })?;
    let unknown = || Failure::not_found(format!("no alert has the fingerprint {text}"));
    let without =
        || Failure::not_found("the alert's link has no expression of series; give query instead");
    app.alerting.symptom_of(fingerprint).ok_or_else(unknown)?.ok_or_else(without)
}

/// Series that may have to do with a symptom, the most likely cause first.
pub async fn related(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: RelatedBody = body(&call)?;
    let limit = limit(wish.limit)?;
    let sets = sets(wish.selectors.iter().map(String::as_str))?;
    let baseline = wish.baseline.as_ref().map(|b| b.range("baseline")).transpose()?;
    let from = wish.from.map(|m| m.ms("from")).transpose()?;
    let to = wish.to.map(|m| m.ms("to")).transpose()?;
    ask(&app, &call.params, move |app, cx| {
        let began = app.clock.mono();
        let (text, labels, since, until) = match (wish.query, wish.alert) {
            (Some(text), None) => (text, BTreeMap::new(), None, None),
            (None, Some(alert)) => {
                let found = symptom(app, &alert)?;
                (found.expr, found.labels, Some(found.since), found.until)
            }
            _ => return Err(Failure::bad_data("give either query or alert")),
        };
        // An alert: an hour until now, or until it was over or had fired for half an hour.
        let end = to.unwrap_or_else(|| {
            let late = since.map_or(app.now(), |at| at + HOUR_MS / 2);
            app.now().min(until.unwrap_or(late).max(since.unwrap_or(late)))
        });
        let asked = RelatedAsk {
            query: parsed(app, &text)?,
            labels,
            since,
            range: range(from.unwrap_or_else(|| since.unwrap_or(end).min(end) - HOUR_MS), end)?,
            baseline,
            sets,
            limit,
        };
        let answer = app.investigator.related(&asked, cx)?;
        let took = app.clock.mono().saturating_sub(began);
        Ok(own(&related_doc(&answer, u64::try_from(took.as_millis()).unwrap_or(u64::MAX))))
    })
    .await
}

fn related_doc(answer: &RelatedAnswer, took_ms: u64) -> Value {
    let focus = &answer.focus;
    json!({
        "focus": {
            "query": focus.query,
            "labels": object(&focus.labels),
            "onset": rfc3339(focus.onset),
            "usual": focus.usual,
            "now": focus.now,
            "deviates": focus.deviates,
        },
        "related": answer.related.iter().map(related_one).collect::<Vec<_>>(),
        "looked_at": answer.looked_at,
        "left": answer.left,
        "set_aside": asides(&answer.set_aside),
        "set_aside_count": answer.set_aside_count,
        "truncated": answer.truncated,
        "took_ms": took_ms,
    })
}

fn related_one(r: &Related) -> Value {
    json!({
        "labels": object(&r.labels),
        "metric": r.metric,
        "as": read_as(r.reading),
        "score": r.score,
        "p_value": r.p_value,
        "q_value": r.q_value,
        "effect": r.effect,
        "direction": r.direction.as_str(),
        "onset": rfc3339(r.onset),
        "lag_seconds": r.lag_ms as f64 / 1e3,
        "correlation": r.correlation,
        "usual": [r.usual.0, r.usual.1],
        "now": r.now,
        "text": r.text,
        "query": r.query,
        "from": rfc3339(r.range.start),
        "to": rfc3339(r.range.end),
    })
}

/// What differs between two periods.
pub async fn compare(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: CompareBody = body(&call)?;
    let asked = PeriodsAsk {
        a: wish.a.range("a")?,
        b: wish.b.range("b")?,
        sets: sets(wish.selectors.iter().map(String::as_str))?,
        limit: limit(wish.limit)?,
    };
    ask(&app, &call.params, move |app, cx| {
        let answer = app.investigator.compare_periods(&asked, cx)?;
        Ok(own(&json!({
            "differences": answer.differences.iter().map(difference).collect::<Vec<_>>(),
            "looked_at": answer.looked_at,
            "left": answer.left,
            "set_aside": asides(&answer.set_aside),
            "truncated": answer.truncated,
        })))
    })
    .await
}

fn difference(d: &Difference) -> Value {
    let period = |p: &Period| json!({ "n": p.n, "mean": p.mean, "median": p.median, "p95": p.p95 });
    json!({
        "labels": object(&d.labels),
        "metric": d.metric,
        "as": read_as(d.reading),
        "a": period(&d.a),
        "b": period(&d.b),
        "effect": d.effect,
        "p_value": d.p_value,
        "q_value": d.q_value,
        "change_ratio": d.change_ratio,
        "what": d.what.as_str(),
        "text": d.text,
        "query": d.query,
    })
}

/// What changed in a window: `from`, `to` (the last hour), `match` (several), `in_data` (`false`: only what
/// exporters say themselves), `limit`.
pub async fn changes(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let params: &Params = &call.params;
    let time = |name: &str| {
        let read = |text| time_ms(text).map_err(|e| Failure::parameter(name, e));
        params.get(name).map(read).transpose()
    };
    let to = time("to")?.unwrap_or_else(|| app.now());
    let number = params.get("limit").map(|text| {
        text.parse::<usize>().map_err(|_| Failure::parameter("limit", "must be a whole number"))
    });
    let asked = ChangesAsk {
        range: range(time("from")?.unwrap_or(to - HOUR_MS), to)?,
        sets: sets(params.all("match"))?,
        in_data: !matches!(params.get("in_data"), Some("0" | "false")),
        limit: limit(number.transpose()?)?,
    };
    ask(&app, &call.params, move |app, cx| {
        let answer = app.investigator.changes(&asked, cx)?;
        let doc = |c: &plimsoll_insight::investigate::SeenChange| {
            json!({
                "at": rfc3339(c.at),
                "kind": c.kind.as_str(),
                "text": c.text,
                "labels": object(&c.labels),
                "score": c.score,
                "query": c.query,
            })
        };
        Ok(own(&json!({
            "changes": answer.changes.iter().map(doc).collect::<Vec<_>>(),
            "truncated": answer.truncated,
        })))
    })
    .await
}

/// The periods with which the series of an expression repeat.
pub async fn seasons(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: ShapeBody = body(&call)?;
    let window = range(wish.from.ms("from")?, wish.to.ms("to")?)?;
    if wish.since.is_some() {
        return Err(Failure::parameter("since", "is for shapes only"));
    }
    ask(&app, &call.params, move |app, cx| {
        let asked = SeasonsAsk { query: parsed(app, &wish.query)?, range: window };
        let answer = app.investigator.seasons(&asked, cx)?;
        let doc = |s: &plimsoll_insight::investigate::SeasonalSeries| {
            let periods = s.periods.iter().map(|p| {
                json!({ "seconds": p.period_ms as f64 / 1e3, "strength": p.strength })
            });
            let recurring = s.recurring.iter().map(|r| {
                json!({ "period_seconds": r.period_ms as f64 / 1e3, "at": rfc3339(r.next), "lasts_seconds": r.lasts_ms as f64 / 1e3, "text": r.text })
            });
            json!({
                "labels": object(&s.labels),
                "periods": periods.collect::<Vec<_>>(),
                "recurring": recurring.collect::<Vec<_>>(),
            })
        };
        Ok(own(&json!({
            "series": answer.series.iter().map(doc).collect::<Vec<_>>(),
            "truncated": answer.truncated,
        })))
    })
    .await
}

/// When a shape happened before.
pub async fn similar(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: ShapeBody = body(&call)?;
    let window = range(wish.from.ms("from")?, wish.to.ms("to")?)?;
    let since = wish.since.as_ref().map(|m| m.ms("since")).transpose()?;
    ask(&app, &call.params, move |app, cx| {
        let query = parsed(app, &wish.query)?;
        let found = app.investigator.similar(&SimilarAsk { query, range: window, since }, cx)?;
        let doc = |m: &plimsoll_insight::investigate::Match| {
            json!({ "from": rfc3339(m.range.start), "to": rfc3339(m.range.end), "distance": m.distance })
        };
        Ok(own(&json!({ "matches": found.iter().map(doc).collect::<Vec<_>>() })))
    })
    .await
}

fn read_as(reading: Reading) -> &'static str {
    match reading {
        Reading::Value => "value",
        Reading::Rate => "rate",
        Reading::Mean => "mean",
    }
}

fn object(labels: &[(String, String)]) -> BTreeMap<&str, &str> {
    labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
}

fn asides(all: &[Aside]) -> Vec<Value> {
    let doc = |(labels, why): &Aside| json!({ "labels": object(labels), "reason": why });
    all.iter().map(doc).collect()
}
