//! `/api/plimsoll/v1/query/explain`: what a query reads and where its time goes.

use std::sync::Arc;

use axum::response::Response;
use plimsoll_model::{Grid, ReadCx};
use plimsoll_query::{ExplainNode, ExplainRead, Explained, Query, Times, format_duration};
use serde_json::{Value, json};

use crate::app::App;
use crate::prom::ask;
use crate::prom::query::{engine_of, grid_of, query_of, time_of};
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Evaluates as `query_range` does if there is `start`, `end` or `step`, else as `query` does, always
/// anew, and tells about it instead of answering.
pub async fn explain(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let p = &call.params;
    let times = if ["start", "end", "step"].iter().any(|name| p.get(name).is_some()) {
        Times::Over(grid_of(p)?)
    } else {
        Times::At(time_of(p, "time")?.unwrap_or_else(|| app.now()))
    };
    let query = query_of(&app, p)?;
    let engine = engine_of(&app, p)?;
    ask(&app, p, move |app, cx| {
        let snapshot = app.source.snapshot();
        let kept = match times {
            Times::At(_) => 0,
            Times::Over(grid) => app.results.kept_steps(&engine, &snapshot, &query, grid, cx),
        };
        let explained = engine.explain(&snapshot, &query, times, cx, &*app.clock)?;
        Ok(own(&document(&query, times, kept, &explained, cx)))
    })
    .await
}

fn document(query: &Query, times: Times, kept: usize, of: &Explained, cx: &ReadCx) -> Value {
    let grid = match times {
        Times::At(at) => Grid::instant(at),
        Times::Over(grid) => grid,
    };
    json!({
        "query": query.text(),
        "tree": node(&of.tree),
        "totals": {
            "steps": grid.len(),
            "series": of.answer.stats.series,
            "samples": cx.budget.samples(),
            "bytes_peak": of.bytes_peak,
            "wall_ms": of.wall.as_secs_f64() * 1e3,
        },
        "cached_steps": kept,
        "warnings": of.answer.warnings,
        "infos": of.answer.infos,
    })
}

fn node(of: &ExplainNode) -> Value {
    let mut out = json!({
        "kind": of.kind,
        "name": of.name,
        "at": [of.span.start, of.span.end],
        "evaluated": of.evaluated,
        "wall_ms": of.wall.as_secs_f64() * 1e3,
        "own_ms": of.own.as_secs_f64() * 1e3,
        "series": of.series,
    });
    if let Some(same) = of.same_as {
        out["same_as"] = json!([same.start, same.end]);
    }
    if let Some(of) = &of.read {
        out["read"] = read(of);
    }
    if !of.children.is_empty() {
        out["children"] = of.children.iter().map(node).collect();
    }
    out
}

fn read(of: &ExplainRead) -> Value {
    json!({
        "series": of.series,
        "samples": of.samples,
        "from_ms": of.range.start,
        "to_ms": of.range.end,
        "tier": of.tier.map_or_else(|| "raw".to_owned(), |tier| format_duration(tier.0)),
        "series_by_tier": of.by_tier,
        "why": of.why,
    })
}
