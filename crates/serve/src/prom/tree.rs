//! `/api/v1/parse_query`: the tree of a query as Prometheus 3's tree view takes it.
//!
//! Durations are milliseconds. One that is known only when the query runs (arithmetic with `step()`)
//! is told as it would be in an instant query; one that has no value there is 0.

use std::sync::Arc;

use axum::response::Response;
use plimsoll_query::{
    Aggregate, At, Binary, Call, Duration, Expr, Grouping, LabelMatcher, MatrixSelector,
    RangeModifier, Subquery, ValueType, Variadic, VectorSelector, format_plain, parse,
};
use serde_json::{Value, json};

use crate::app::App;
use crate::reply::{Failure, document};
use crate::routes::Call as Request;

/// Answers with the tree.
pub async fn parse_query(app: Arc<App>, call: Request) -> Result<Response, Failure> {
    let text = call.params.get("query").unwrap_or("");
    let expr = parse(text, &app.engine.config().features)
        .map_err(|e| Failure::parameter("query", e.to_string()))?;
    Ok(document(&node(&expr)))
}

fn node(expr: &Expr) -> Value {
    match expr {
        Expr::Number(n) => json!({ "type": "numberLiteral", "val": format_plain(n.value) }),
        Expr::String(s) => json!({ "type": "stringLiteral", "val": s.value }),
        Expr::Paren(p) => json!({ "type": "parenExpr", "expr": node(&p.expr) }),
        Expr::Unary(u) => {
            json!({ "type": "unaryExpr", "op": u.op.text(), "expr": node(&u.expr) })
        }
        Expr::Vector(v) => {
            let mut out = selector(v);
            out["type"] = json!("vectorSelector");
            out
        }
        Expr::Matrix(m) => matrix(m),
        Expr::Subquery(s) => subquery(s),
        Expr::Call(c) => call(c),
        Expr::Aggregate(a) => aggregation(a),
        Expr::Binary(b) => binary(b),
    }
}

fn aggregation(a: &Aggregate) -> Value {
    json!({
        "type": "aggregation",
        "op": a.op.text(),
        "expr": node(&a.expr),
        "param": a.param.as_ref().map(node),
        "grouping": a.grouping.labels(),
        "without": matches!(a.grouping, Grouping::Without(_)),
    })
}

fn binary(b: &Binary) -> Value {
    let matching = b.matching.as_ref().map(|m| {
        json!({
            "card": m.card.name(),
            "labels": m.labels,
            "on": m.on,
            "include": m.include,
            "fillValues": { "lhs": m.fill_left, "rhs": m.fill_right },
        })
    });
    json!({
        "type": "binaryExpr",
        "op": b.op.text(),
        "lhs": node(&b.lhs),
        "rhs": node(&b.rhs),
        "matching": matching,
        "bool": b.return_bool,
    })
}

fn call(c: &Call) -> Value {
    let f = c.function;
    let types: Vec<&str> = f.args.iter().map(|t| type_name(*t)).collect();
    let variadic = match f.variadic {
        Variadic::None => 0,
        Variadic::UpTo(n) => i32::from(n),
        Variadic::Any => -1,
    };
    json!({
        "type": "call",
        "func": {
            "name": f.name,
            "argTypes": types,
            "variadic": variadic,
            "returnType": type_name(f.returns),
        },
        "args": c.args.iter().map(node).collect::<Vec<_>>(),
    })
}

fn matrix(m: &MatrixSelector) -> Value {
    let mut out = selector(&m.vector);
    out["type"] = json!("matrixSelector");
    out["range"] = json!(ms(&m.range));
    out
}

fn subquery(s: &Subquery) -> Value {
    let (timestamp, start_or_end) = at(s.modifiers.at);
    json!({
        "type": "subquery",
        "expr": node(&s.expr),
        "range": ms(&s.range),
        "offset": s.modifiers.offset.as_ref().map_or(0, ms),
        "step": s.step.as_ref().map_or(0, ms),
        "timestamp": timestamp,
        "startOrEnd": start_or_end,
    })
}

fn selector(v: &VectorSelector) -> Value {
    let (timestamp, start_or_end) = at(v.modifiers.at);
    json!({
        "name": v.name.as_deref().unwrap_or(""),
        "offset": v.modifiers.offset.as_ref().map_or(0, ms),
        "matchers": v.matchers.iter().map(matcher).collect::<Vec<_>>(),
        "timestamp": timestamp,
        "startOrEnd": start_or_end,
        "anchored": v.extended == Some(RangeModifier::Anchored),
        "smoothed": v.extended == Some(RangeModifier::Smoothed),
    })
}

fn matcher(m: &LabelMatcher) -> Value {
    json!({ "name": m.name, "value": m.value, "type": m.op.text() })
}

fn at(at: Option<At>) -> (Option<i64>, Option<&'static str>) {
    match at {
        None => (None, None),
        Some(At::Timestamp(ms)) => (Some(ms), None),
        Some(At::Start) => (None, Some("start")),
        Some(At::End) => (None, Some("end")),
    }
}

fn ms(duration: &Duration) -> i64 {
    duration.resolve(0, 0).unwrap_or(0)
}

const fn type_name(of: ValueType) -> &'static str {
    match of {
        ValueType::Scalar => "scalar",
        ValueType::String => "string",
        ValueType::InstantVector => "vector",
        ValueType::RangeVector => "matrix",
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_query::Features;

    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Value) {
        assert_eq!(node(&parse(query, &Features::PROMQLTEST).unwrap()), expected, "{query}");
    }

    fn up() -> Value {
        json!({
            "type": "vectorSelector", "name": "up", "offset": 0, "timestamp": null,
            "startOrEnd": null, "anchored": false, "smoothed": false,
            "matchers": [{ "name": "__name__", "value": "up", "type": "=" }],
        })
    }

    #[test]
    fn every_kind_of_node_is_told() {
        check("1.5e9", json!({ "type": "numberLiteral", "val": "1500000000" }));
        check("'a'", json!({ "type": "stringLiteral", "val": "a" }));
        check(
            "-(up)",
            json!({
                "type": "unaryExpr", "op": "-", "expr": { "type": "parenExpr", "expr": up() },
            }),
        );
        check(
            "sum by (a) (up)",
            json!({
                "type": "aggregation", "op": "sum", "expr": up(), "param": null, "grouping": ["a"],
                "without": false,
            }),
        );
        check(
            "topk without () (2, up)",
            json!({
                "type": "aggregation", "op": "topk", "expr": up(), "grouping": [], "without": true,
                "param": { "type": "numberLiteral", "val": "2" },
            }),
        );
        check(
            "up > bool 1",
            json!({
                "type": "binaryExpr", "op": ">", "lhs": up(), "bool": true, "matching": null,
                "rhs": { "type": "numberLiteral", "val": "1" },
            }),
        );
        check(
            "up * on (a) group_left (b) up",
            json!({
                "type": "binaryExpr", "op": "*", "lhs": up(), "rhs": up(), "bool": false,
                "matching": {
                    "card": "many-to-one", "labels": ["a"], "on": true, "include": ["b"],
                    "fillValues": { "lhs": null, "rhs": null },
                },
            }),
        );
        check(
            "round(up)",
            json!({
                "type": "call", "args": [up()],
                "func": {
                    "name": "round", "argTypes": ["vector", "scalar"], "variadic": 1,
                    "returnType": "vector",
                },
            }),
        );
    }

    #[test]
    fn selectors_have_their_modifiers() {
        check(
            "up{a!~'b'}[5m] @ end() offset -1m",
            json!({
                "type": "matrixSelector", "name": "up", "range": 300_000, "offset": -60_000,
                "timestamp": null, "startOrEnd": "end", "anchored": false, "smoothed": false,
                "matchers": [
                    { "name": "a", "value": "b", "type": "!~" },
                    { "name": "__name__", "value": "up", "type": "=" },
                ],
            }),
        );
        check(
            "up[1h:30s] @ 1.5",
            json!({
                "type": "subquery", "expr": up(), "range": 3_600_000, "offset": 0, "step": 30_000,
                "timestamp": 1500, "startOrEnd": null,
            }),
        );
    }
}
