//! `/api/plimsoll/v1/query/check` and `/functions`: what an editor of queries asks while somebody types.
//!
//! Neither evaluates anything. The texts of errors are those that a query would get; what Prometheus'
//! answers have no place for stands here: the bytes at fault and the function that was probably meant.

use std::sync::Arc;

use axum::response::Response;
use plimsoll_query::{FUNCTIONS, Features, Function, ParseError, parse};
use serde_json::{Value, json};

use crate::app::App;
use crate::reply::{Failure, own};
use crate::routes::Call;

/// Whether `query` is an expression, and if not, why and where.
pub async fn check(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let text = call.params.get("query").unwrap_or("");
    Ok(own(&checked(text, &app.engine.config().features)))
}

/// Every function that a query may call, ours included, sorted by name.
pub async fn functions(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    Ok(own(&listed(&app.engine.config().features)))
}

fn checked(text: &str, features: &Features) -> Value {
    match parse(text, features) {
        Ok(expr) => json!({ "valid": true, "type": expr.value_type().name() }),
        Err(error) => json!({ "valid": false, "error": fault(&error) }),
    }
}

fn fault(of: &ParseError) -> Value {
    let (line, column) = (of.line().unwrap_or(1), of.column().unwrap_or(1));
    let mut out = json!({
        "message": of.message(),
        "line": line,
        "column": column,
        "at": [of.span().start, of.span().end],
    });
    if let Some(name) = of.suggestion() {
        out["suggestion"] = json!(name);
    }
    out
}

fn listed(features: &Features) -> Value {
    let of_prometheus = FUNCTIONS.iter().map(|f| row(f, false, features));
    let of_ours = features.extensions.functions().map(|f| row(f, true, features));
    let mut rows: Vec<(&str, Value)> = of_prometheus.chain(of_ours).collect();
    rows.sort_by_key(|(name, _)| *name);
    json!({ "functions": rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>() })
}

fn row(of: &'static Function, ours: bool, features: &Features) -> (&'static str, Value) {
    let args: Vec<&str> = of.args.iter().map(|kind| kind.name()).collect();
    let row = json!({
        "name": of.name,
        "args": args,
        "args_min": of.args_min(),
        "args_max": of.args_max(),
        "returns": of.returns.name(),
        "doc": of.doc,
        "ours": ours,
        "experimental": of.experimental,
        "on": !of.experimental || features.experimental_functions,
    });
    (of.name, row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_query::{Extension, Extensions};

    static OURS: &[Extension] = &[Extension::new("quiet", 1, "how quiet it is", |_| None)];

    fn features() -> Features {
        Features { extensions: Extensions::new(OURS).unwrap(), ..Features::default() }
    }

    #[test]
    fn an_expression_has_a_type_and_a_wrong_one_a_place() {
        assert_eq!(checked("up", &features()), json!({ "valid": true, "type": "instant vector" }));
        let wrong = checked("\"é\" +\n rat(up[5m])", &features());
        assert_eq!((&wrong["valid"], &wrong["error"]["line"]), (&json!(false), &json!(2)));
        assert_eq!((&wrong["error"]["column"], &wrong["error"]["at"][0]), (&json!(2), &json!(8)));
        assert_eq!(wrong["error"]["suggestion"], "rate");
        assert_eq!(wrong["error"]["message"], "unknown function with name \"rat\"");
        let ours = checked("quite(up[5m], 3)", &features());
        assert_eq!(ours["error"]["suggestion"], "quiet");
        assert_eq!(checked("quiet(up[5m], 3)", &features())["valid"], true);
    }

    #[test]
    fn bad_texts_are_told_and_nothing_else_happens() {
        for text in ["", "(", "sum(", "a{", "\"", "é", "a[5", "limitk(1, up)", "\u{0}"] {
            let told = checked(text, &features());
            assert_eq!(told["valid"], false, "{text:?}");
            assert!(told["error"]["message"].is_string() && told["error"]["at"][1].is_u64());
        }
    }

    #[test]
    fn functions_are_listed_by_name() {
        let list = listed(&features());
        let rows = list["functions"].as_array().unwrap();
        assert_eq!(rows.len(), FUNCTIONS.len() + 1);
        assert!(rows.is_sorted_by_key(|r| r["name"].as_str().unwrap()));
        let find = |name: &str| rows.iter().find(|r| r["name"] == name).unwrap();
        let (quiet, mad, join) = (find("quiet"), find("mad_over_time"), find("label_join"));
        assert_eq!((&quiet["ours"], &quiet["on"]), (&json!(true), &json!(true)));
        assert_eq!(quiet["args"], json!(["range vector", "scalar"]));
        assert_eq!((&mad["experimental"], &mad["on"]), (&json!(true), &json!(false)));
        assert_eq!((&join["args_min"], &join["args_max"]), (&json!(3), &Value::Null));
        let on = listed(&Features { experimental_functions: true, ..features() });
        assert!(on["functions"].as_array().unwrap().iter().all(|r| r["on"] == true));
    }
}
