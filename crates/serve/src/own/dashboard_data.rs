//! `/api/plimsoll/v1/dashboards/variables` and `/api/plimsoll/v1/dashboards/import`: what one can choose; dashboards of
//! Grafana's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::response::Response;
use plimsoll_model::{
    Hint, METRIC_NAME, MatchOp, Matcher, ReadCx, Scoped, Snapshot as _, TimeRange,
};
use plimsoll_query::{Answer, Query, Value as Values, format_value, parse};
use plimsoll_show::dashboard::interpolate::Builtins;
use plimsoll_show::dashboard::{
    DashboardEdit, Resolved, VARIABLES_MAX, Variable, VariableQuery, is_dashboard_id, option_regex,
    resolve,
};
use plimsoll_show::grafana::{Imported, Outcome, import};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dashboards::{free_name, refused, shown};
use crate::app::App;
use crate::params::time_ms;
use crate::prom::{ask, blocking, matchers_of};
use crate::reply::{Failure, own};
use crate::routes::Call;

/// How long before the end one looks when nothing is said: an hour.
const SPAN_MS: i64 = 3_600_000;

/// A time as the body has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Number(f64),
    Text(String),
}

impl Moment {
    /// ms since the epoch. A number above that of the year 5138 in seconds is in ms, as our own panels send them.
    fn ms(&self, name: &str) -> Result<i64, Failure> {
        match self {
            Self::Number(n) if n.abs() > 1e11 => Ok(*n as i64),
            Self::Number(n) => time_ms(&n.to_string()).map_err(|e| Failure::parameter(name, e)),
            Self::Text(text) => time_ms(text).map_err(|e| Failure::parameter(name, e)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    variables: Vec<Variable>,
    #[serde(default)]
    values: BTreeMap<String, Vec<String>>,
    from: Option<Moment>,
    to: Option<Moment>,
}

/// What one can choose of each variable, with what is chosen of those before it.
pub async fn variables(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: Chosen = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not {{\"variables\": […]}}: {e}")))?;
    if wish.variables.len() > VARIABLES_MAX {
        let message = format!("{} variables; at most {VARIABLES_MAX}", wish.variables.len());
        return Err(Failure::bad_data(message));
    }
    let moment = |m: &Option<Moment>, name| m.as_ref().map(|m| m.ms(name)).transpose();
    let to_ms = moment(&wish.to, "to")?.unwrap_or_else(|| app.now());
    let from_ms = moment(&wish.from, "from")?.unwrap_or(to_ms.saturating_sub(SPAN_MS));
    let range = TimeRange::new(from_ms, to_ms);
    if range.is_empty() {
        return Err(Failure::parameter("to", "must not be before from"));
    }
    ask(&app, &call.params, move |app, cx| {
        let made = resolved(app, cx, &wish.variables, &wish.values, range);
        let docs: Vec<Value> = made.iter().map(doc).collect();
        Ok(own(&json!({ "variables": docs })))
    })
    .await
}

/// What one can choose of each variable in a time, and what is chosen.
pub(super) fn resolved(
    app: &App,
    cx: &ReadCx,
    variables: &[Variable],
    values: &BTreeMap<String, Vec<String>>,
    range: TimeRange,
) -> Vec<Resolved> {
    let (from_ms, to_ms) = (range.start, range.end);
    let step_ms = (to_ms.saturating_sub(from_ms) / 1_000).max(1_000);
    let builtins = Builtins { from_ms, to_ms, step_ms, scrape_ms: 15_000, ..Builtins::default() };
    resolve(variables, values, &builtins, &mut |query, limit| {
        found(app, cx, query, range, limit).map_err(|f| f.message)
    })
}

fn doc(r: &Resolved) -> Value {
    let options: Vec<Value> =
        r.options.iter().map(|o| json!({ "text": o.text, "value": o.value })).collect();
    json!({
        "name": r.name, "options": options, "current": r.current, "truncated": r.truncated,
        "error": r.error,
    })
}

/// What the store answers to the query of a variable.
fn found(
    app: &App,
    cx: &ReadCx,
    query: &VariableQuery,
    range: TimeRange,
    limit: usize,
) -> Result<Vec<String>, Failure> {
    let view = Scoped::new(app.source.snapshot());
    let hint = Hint { limit, ..Hint::range(range) };
    let sets = |selector: &Option<String>| -> Result<Vec<Vec<Matcher>>, Failure> {
        selector.iter().map(|s| matchers_of("query", s)).collect()
    };
    fn slices(sets: &[Vec<Matcher>]) -> Vec<&[Matcher]> {
        sets.iter().map(Vec::as_slice).collect()
    }
    Ok(match query {
        VariableQuery::LabelValues { selector, label } => {
            let sets = sets(selector)?;
            view.label_values(label, &slices(&sets), &hint, cx)?
        }
        VariableQuery::LabelNames { selector } => {
            let sets = sets(selector)?;
            view.label_names(&slices(&sets), &hint, cx)?
        }
        VariableQuery::Metrics { regex } => {
            let wanted = option_regex(regex).map_err(Failure::bad_data)?;
            let pattern = Matcher::new(MatchOp::Regex, METRIC_NAME, ".+")?;
            let all = view.label_values(METRIC_NAME, &[&[pattern]], &Hint::range(range), cx)?;
            all.into_iter().filter(|v| wanted.is_match(v)).take(limit).collect()
        }
        VariableQuery::QueryResult { expr } => {
            let read = parse(expr, &app.engine.config().features);
            let read = read.map_err(|e| Failure::parameter("query", e))?;
            let snapshot = app.source.snapshot();
            let answer = app.engine.instant(&snapshot, &Query::new(expr, read), range.end, cx)?;
            elements(&answer, range.end, limit)
        }
        VariableQuery::Series { selector } => {
            let sets = sets(&Some(selector.clone()))?;
            let all = view.series(&slices(&sets), &hint, cx)?;
            all.iter().map(|l| written(l.as_ref().iter())).collect()
        }
    })
}

/// Elements of a result as Grafana writes them: `name{label="value"} value time`.
fn elements(answer: &Answer, at_ms: i64, limit: usize) -> Vec<String> {
    match &answer.value {
        Values::Vector(all) => {
            let one = |s: &plimsoll_query::Sample| {
                format!("{} {} {at_ms}", written(s.labels.as_ref().iter()), format_value(s.value))
            };
            all.iter().take(limit).map(one).collect()
        }
        Values::Scalar(x) => vec![format!("{} {at_ms}", format_value(*x))],
        _ => Vec::new(),
    }
}

fn written<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> String {
    let (mut name, mut rest) = (String::new(), String::new());
    for (label, value) in labels {
        if label == METRIC_NAME {
            value.clone_into(&mut name);
        } else {
            let comma = if rest.is_empty() { "" } else { "," };
            let _ = write!(rest, "{comma}{label}={value:?}");
        }
    }
    format!("{name}{{{rest}}}")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    grafana: Value,
    id: Option<String>,
    folder: Option<String>,
    #[serde(default)]
    save: bool,
    #[serde(default)]
    author: String,
    #[serde(default)]
    note: String,
}

/// Reads a dashboard of Grafana's, tells what became of each panel, and keeps it where that is wished.
pub async fn take_in(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let wish: Wish = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not {{\"grafana\": {{…}}}}: {e}")))?;
    if let Some(id) = wish.id.as_ref().filter(|id| !is_dashboard_id(id)) {
        return Err(Failure::parameter(
            "id",
            format!("{id:?}: use a to z, 0 to 9 and -, at most 100"),
        ));
    }
    let done = blocking(move || {
        let made = import(&wish.grafana, app.dashboards.features());
        let mut made = made.map_err(Failure::bad_data)?;
        let d = &mut made.dashboard;
        d.id = wish.id.unwrap_or_else(|| free_name(&app.dashboards, &d.title));
        d.folder = wish.folder.unwrap_or_default();
        let checked = plimsoll_show::dashboard::check(d.clone(), app.dashboards.features());
        if !wish.save {
            return Ok::<_, Failure>(Ok((made, checked.problems, None)));
        }
        let edit = DashboardEdit {
            id: d.id.clone(),
            dashboard: Some(d.clone()),
            author: wish.author,
            note: if wish.note.is_empty() { "imported from Grafana".to_owned() } else { wish.note },
            expected: None,
            now_ms: app.now(),
        };
        Ok(app.dashboards.change(edit).map(|e| (made, checked.problems, Some(e))))
    })
    .await?;
    Ok(match done? {
        Ok((made, problems, saved)) => own(&json!({
            "dashboard": made.dashboard,
            "report": report(&made),
            "problems": shown(&problems),
            "saved": saved.map(|e| json!({ "id": e.id, "version": e.version })),
        })),
        Err(e) => refused(&e),
    })
}

fn report(made: &Imported) -> Value {
    let r = &made.report;
    let panels: Vec<Value> = r
        .panels
        .iter()
        .map(|p| {
            json!({
                "id": p.id, "title": p.title, "type": p.kind, "result": p.outcome.as_str(),
                "notes": p.notes,
            })
        })
        .collect();
    let variables: Vec<Value> = r
        .variables
        .iter()
        .map(|v| json!({ "name": v.name, "result": v.outcome.as_str(), "notes": v.notes }))
        .collect();
    json!({
        "exact": r.count(Outcome::Exact),
        "approximate": r.count(Outcome::Approximate),
        "unsupported": r.count(Outcome::Unsupported),
        "panels": panels,
        "variables": variables,
        "notes": r.notes,
    })
}
