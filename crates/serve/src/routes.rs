//! The table of routes: path, methods, permission, body limit, who answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{Method, request::Parts};
use plimsoll_guard::Permission;

use crate::app::App;
use crate::params::Params;
use crate::reply::Failure;
use crate::{alertmanager, own, prom};

/// A request whose body is read.
pub struct Call {
    /// Method, path, headers.
    pub parts: Parts,
    /// Parameters of query string and form.
    pub params: Params,
    /// The body; empty for forms, which are in `params`.
    pub body: Bytes,
    /// What stood in place of `{…}` in the path.
    pub captured: Vec<String>,
}

/// Answers a call.
pub type Handler =
    fn(Arc<App>, Call) -> Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send>>;

/// How large a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    /// [`crate::Limits::body_bytes`]
    Usual,
    /// [`crate::Limits::write_body_bytes`]
    Write,
}

/// A row of the table.
pub struct Route {
    /// The path; `{name}` stands for one segment.
    pub path: &'static str,
    /// The methods: `GET`, `POST`, or both.
    pub methods: &'static [Method],
    /// What one must be allowed to do.
    pub permission: Permission,
    pub(crate) body: BodyLimit,
    pub(crate) handler: Handler,
}

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const BOTH: &[Method] = &[Method::GET, Method::POST];
const PUT: &[Method] = &[Method::PUT];
const DELETE: &[Method] = &[Method::DELETE];
const ADMIN: &[Method] = &[Method::POST, Method::PUT];

macro_rules! row {
    ($methods:expr, $path:literal, $permission:ident, $handler:path) => {
        row!($methods, $path, $permission, $handler, Usual)
    };
    ($methods:expr, $path:literal, $permission:ident, $handler:path, $body:ident) => {
        Route {
            path: $path,
            methods: $methods,
            permission: Permission::$permission,
            body: BodyLimit::$body,
            handler: |app, call| Box::pin($handler(app, call)),
        }
    };
}

static ROUTES: &[Route] = &[
    row!(GET, "/-/healthy", Public, prom::health::healthy),
    row!(GET, "/-/ready", Public, prom::health::ready),
    row!(ADMIN, "/-/reload", Admin, prom::health::reload),
    row!(GET, "/metrics", Read, prom::health::metrics),
    row!(BOTH, "/api/v1/query", Read, prom::query::instant),
    row!(BOTH, "/api/v1/query_range", Read, prom::query::range),
    row!(BOTH, "/api/v1/format_query", Read, prom::query::format),
    row!(BOTH, "/api/v1/parse_query", Read, prom::tree::parse_query),
    row!(BOTH, "/api/v1/query_exemplars", Read, prom::query::exemplars),
    row!(BOTH, "/api/v1/series", Read, prom::labels::series),
    row!(BOTH, "/api/v1/labels", Read, prom::labels::names),
    row!(GET, "/api/v1/label/{name}/values", Read, prom::labels::values),
    row!(GET, "/api/v1/metadata", Read, prom::state::metadata),
    row!(GET, "/api/v1/targets", Read, prom::state::targets),
    row!(GET, "/api/v1/targets/metadata", Read, prom::state::targets_metadata),
    row!(GET, "/api/v1/scrape_pools", Read, prom::state::scrape_pools),
    row!(GET, "/api/v1/alertmanagers", Read, prom::state::alertmanagers),
    row!(GET, "/api/v1/notifications", Read, prom::state::notifications),
    row!(GET, "/api/v1/rules", Read, prom::rules::rules),
    row!(GET, "/api/v1/alerts", Read, prom::rules::alerts),
    row!(GET, "/api/v1/status/buildinfo", Read, prom::state::buildinfo),
    row!(GET, "/api/v1/status/runtimeinfo", Read, prom::state::runtimeinfo),
    row!(GET, "/api/v1/status/flags", Read, prom::state::flags),
    row!(GET, "/api/v1/status/config", Read, prom::state::config),
    row!(GET, "/api/v1/status/tsdb", Read, prom::state::tsdb),
    row!(GET, "/api/v1/status/walreplay", Read, prom::state::walreplay),
    row!(GET, "/federate", Read, prom::federate::federate),
    row!(POST, "/api/v1/read", Read, prom::read::read),
    row!(ADMIN, "/api/v1/admin/tsdb/snapshot", Admin, prom::admin::snapshot),
    row!(ADMIN, "/api/v1/admin/tsdb/delete_series", Admin, prom::admin::delete_series),
    row!(ADMIN, "/api/v1/admin/tsdb/clean_tombstones", Admin, prom::admin::clean_tombstones),
    row!(POST, "/api/v1/write", Write, prom::write::write, Write),
    row!(POST, "/api/v1/otlp/v1/metrics", Write, prom::otlp::metrics, Write),
    row!(POST, "/v1/metrics", Write, prom::otlp::metrics, Write),
    row!(GET, "/api/v2/status", Read, alertmanager::status),
    row!(GET, "/api/v2/receivers", Read, alertmanager::receivers),
    row!(GET, "/api/v2/alerts", Read, alertmanager::alerts::list),
    row!(POST, "/api/v2/alerts", Write, alertmanager::alerts::post, Write),
    row!(GET, "/api/v2/alerts/groups", Read, alertmanager::alerts::groups),
    row!(GET, "/api/v2/silences", Read, alertmanager::silences::list),
    row!(POST, "/api/v2/silences", Alert, alertmanager::silences::post),
    row!(GET, "/api/v2/silence/{id}", Read, alertmanager::silences::get),
    row!(DELETE, "/api/v2/silence/{id}", Alert, alertmanager::silences::expire),
    row!(GET, "/api/plimsoll/v1/status", Read, own::status),
    row!(POST, "/api/plimsoll/v1/silences/preview", Read, alertmanager::silences::preview),
    row!(GET, "/api/plimsoll/v1/receivers", Read, own::receivers::list),
    row!(GET, "/api/plimsoll/v1/receivers/{name}", Edit, own::receivers::get),
    row!(PUT, "/api/plimsoll/v1/receivers/{name}", Edit, own::receivers::put),
    row!(DELETE, "/api/plimsoll/v1/receivers/{name}", Edit, own::receivers::remove),
    row!(GET, "/api/plimsoll/v1/receivers/{name}/versions", Edit, own::receivers::versions),
    row!(POST, "/api/plimsoll/v1/receivers/check", Read, own::receivers::check),
    row!(POST, "/api/plimsoll/v1/receivers/test", Edit, own::notifications::test_draft),
    row!(POST, "/api/plimsoll/v1/receivers/{name}/test", Alert, own::notifications::test),
    row!(POST, "/api/plimsoll/v1/notifications/route", Read, own::receivers::way),
    row!(GET, "/api/plimsoll/v1/notifications/receipts", Read, own::notifications::receipts),
    row!(GET, "/api/plimsoll/v1/notifications/dead", Read, own::notifications::dead),
    row!(DELETE, "/api/plimsoll/v1/notifications/dead", Alert, own::notifications::discard),
    row!(POST, "/api/plimsoll/v1/notifications/dead/retry", Alert, own::notifications::retry),
    row!(GET, "/api/plimsoll/v1/notifications/channels", Read, own::notifications::channels),
    row!(GET, "/api/plimsoll/v1/evidence/{file}", Read, own::evidence::picture),
    row!(GET, "/api/plimsoll/v1/alerts/{fingerprint}/evidence", Read, own::evidence::of_alert),
    row!(GET, "/api/plimsoll/v1/alerts/{fingerprint}/evidence.svg", Read, own::evidence::chart),
    row!(GET, "/api/plimsoll/v1/alerts", Read, own::alerts::list),
    row!(GET, "/api/plimsoll/v1/alerts/history", Read, own::alerts::history),
    row!(GET, "/api/plimsoll/v1/alerts/statistics", Read, own::alerts::statistics),
    row!(
        POST,
        "/api/plimsoll/v1/alerts/{fingerprint}/acknowledge",
        Alert,
        own::alerts::acknowledge
    ),
    row!(
        DELETE,
        "/api/plimsoll/v1/alerts/{fingerprint}/acknowledge",
        Alert,
        own::alerts::unacknowledge
    ),
    row!(GET, "/api/plimsoll/v1/anomalies", Read, own::anomalies::list),
    row!(BOTH, "/api/plimsoll/v1/anomalies/band", Read, own::anomalies::band),
    row!(GET, "/api/plimsoll/v1/trends", Read, own::anomalies::trends),
    row!(GET, "/api/plimsoll/v1/incidents", Read, own::incidents::list),
    row!(GET, "/api/plimsoll/v1/incidents/{id}", Read, own::incidents::get),
    row!(POST, "/api/plimsoll/v1/incidents/{id}/acknowledge", Alert, own::incidents::acknowledge),
    row!(
        DELETE,
        "/api/plimsoll/v1/incidents/{id}/acknowledge",
        Alert,
        own::incidents::unacknowledge
    ),
    row!(POST, "/api/plimsoll/v1/incidents/{id}/notes", Alert, own::incidents::note),
    row!(GET, "/api/plimsoll/v1/insights", Read, own::findings::insights),
    row!(GET, "/api/plimsoll/v1/insights/{id}", Read, own::findings::get),
    row!(POST, "/api/plimsoll/v1/insights/{id}/acknowledge", Alert, own::findings::acknowledge),
    row!(POST, "/api/plimsoll/v1/insights/{id}/dismiss", Alert, own::findings::dismiss),
    row!(GET, "/api/plimsoll/v1/recommendations", Read, own::findings::recommendations),
    row!(GET, "/api/plimsoll/v1/recommendations/{id}", Read, own::findings::get_recommendation),
    row!(POST, "/api/plimsoll/v1/recommendations/{id}/accept", Alert, own::findings::decide),
    row!(POST, "/api/plimsoll/v1/recommendations/{id}/apply", Alert, own::findings::decide),
    row!(POST, "/api/plimsoll/v1/recommendations/{id}/verify", Alert, own::findings::decide),
    row!(POST, "/api/plimsoll/v1/recommendations/{id}/revert", Alert, own::findings::decide),
    row!(POST, "/api/plimsoll/v1/recommendations/{id}/dismiss", Alert, own::findings::decide),
    row!(GET, "/api/plimsoll/v1/risks", Read, own::findings::risks),
    row!(GET, "/api/plimsoll/v1/forecasts", Read, own::assessments::forecasts),
    row!(GET, "/api/plimsoll/v1/forecasts/accuracy", Read, own::assessments::accuracy),
    row!(GET, "/api/plimsoll/v1/assessments", Read, own::assessments::assessments),
    row!(GET, "/api/plimsoll/v1/analysis/jobs", Read, own::assessments::jobs),
    row!(POST, "/api/plimsoll/v1/analysis/jobs/backtest", Read, own::assessments::backtest),
    row!(GET, "/api/plimsoll/v1/overview", Read, own::overview::overview),
    row!(GET, "/api/plimsoll/v1/capacity", Read, own::capacity::capacity),
    row!(POST, "/api/plimsoll/v1/analysis/forecast", Read, own::forecast::forecast),
    row!(POST, "/api/plimsoll/v1/panels/query", Read, own::panels::query),
    row!(BOTH, "/api/plimsoll/v1/query/explain", Read, own::explain::explain),
    row!(BOTH, "/api/plimsoll/v1/query/check", Read, own::language::check),
    row!(GET, "/api/plimsoll/v1/query/functions", Read, own::language::functions),
    row!(POST, "/api/plimsoll/v1/rules/backfill", Admin, own::backfill::backfill),
    row!(POST, "/api/plimsoll/v1/rules/backtest", Read, own::backtest::backtest),
    row!(GET, "/api/plimsoll/v1/rules/files", Read, own::rule_files::list),
    row!(GET, "/api/plimsoll/v1/rules/files/{name}", Read, own::rule_files::get),
    row!(PUT, "/api/plimsoll/v1/rules/files/{name}", Edit, own::rule_files::put),
    row!(DELETE, "/api/plimsoll/v1/rules/files/{name}", Edit, own::rule_files::remove),
    row!(GET, "/api/plimsoll/v1/rules/files/{name}/versions", Read, own::rule_files::versions),
    row!(POST, "/api/plimsoll/v1/rules/check", Read, own::rule_files::check),
    row!(GET, "/api/plimsoll/v1/metrics/registry", Read, own::metric_registry::list),
    row!(GET, "/api/plimsoll/v1/metrics/registry/{name}", Read, own::metric_registry::get),
    row!(PUT, "/api/plimsoll/v1/metrics/registry/{name}", Edit, own::metric_registry::put),
    row!(DELETE, "/api/plimsoll/v1/metrics/registry/{name}", Edit, own::metric_registry::remove),
    row!(
        GET,
        "/api/plimsoll/v1/metrics/registry/{name}/versions",
        Read,
        own::metric_registry::versions
    ),
    row!(POST, "/api/plimsoll/v1/analysis/related", Read, own::investigate::related),
    row!(POST, "/api/plimsoll/v1/analysis/compare", Read, own::investigate::compare),
    row!(GET, "/api/plimsoll/v1/analysis/changes", Read, own::investigate::changes),
    row!(POST, "/api/plimsoll/v1/analysis/seasons", Read, own::investigate::seasons),
    row!(POST, "/api/plimsoll/v1/analysis/similar", Read, own::investigate::similar),
    row!(GET, "/api/plimsoll/v1/dashboards", Read, own::dashboards::list),
    row!(POST, "/api/plimsoll/v1/dashboards", Edit, own::dashboards::post),
    row!(POST, "/api/plimsoll/v1/dashboards/variables", Read, own::dashboard_data::variables),
    row!(POST, "/api/plimsoll/v1/dashboards/import", Edit, own::dashboard_data::take_in),
    row!(POST, "/api/plimsoll/v1/dashboards/check", Read, own::dashboards::check_draft),
    row!(GET, "/api/plimsoll/v1/dashboards/{id}", Read, own::dashboards::get),
    row!(PUT, "/api/plimsoll/v1/dashboards/{id}", Edit, own::dashboards::put),
    row!(DELETE, "/api/plimsoll/v1/dashboards/{id}", Edit, own::dashboards::remove),
    row!(GET, "/api/plimsoll/v1/dashboards/{id}/versions", Read, own::dashboards::versions),
    row!(GET, "/api/plimsoll/v1/dashboards/{id}/diff", Read, own::dashboards::diff),
    row!(POST, "/api/plimsoll/v1/dashboards/{id}/restore", Edit, own::dashboards::restore),
    row!(GET, "/api/plimsoll/v1/dashboards/{id}/render", Read, own::dashboard_render::render),
    row!(
        GET,
        "/api/plimsoll/v1/dashboards/{id}/panels/{picture}",
        Read,
        own::dashboard_render::picture
    ),
    row!(
        GET,
        "/api/plimsoll/v1/dashboards/{id}/layouts/{user}",
        Read,
        own::dashboard_shelf::get_layout
    ),
    row!(
        PUT,
        "/api/plimsoll/v1/dashboards/{id}/layouts/{user}",
        Edit,
        own::dashboard_shelf::put_layout
    ),
    row!(
        DELETE,
        "/api/plimsoll/v1/dashboards/{id}/layouts/{user}",
        Edit,
        own::dashboard_shelf::remove_layout
    ),
    row!(POST, "/api/plimsoll/v1/links", Edit, own::dashboard_shelf::post_link),
    row!(GET, "/api/plimsoll/v1/links/{id}", Read, own::dashboard_shelf::get_link),
    row!(GET, "/api/plimsoll/v1/reports", Read, own::reports::list),
    row!(POST, "/api/plimsoll/v1/reports", Edit, own::reports::post),
    row!(POST, "/api/plimsoll/v1/reports/render", Read, own::reports::render_draft),
    row!(GET, "/api/plimsoll/v1/reports/{id}", Read, own::reports::get),
    row!(PUT, "/api/plimsoll/v1/reports/{id}", Edit, own::reports::put),
    row!(DELETE, "/api/plimsoll/v1/reports/{id}", Edit, own::reports::remove),
    row!(GET, "/api/plimsoll/v1/reports/{id}/render", Read, own::reports::render),
    row!(GET, "/api/plimsoll/v1/reports/{id}/versions", Read, own::reports::versions),
    row!(GET, "/api/plimsoll/v1/reports/{id}/diff", Read, own::reports::diff),
    row!(POST, "/api/plimsoll/v1/reports/{id}/restore", Edit, own::reports::restore),
    row!(POST, "/api/plimsoll/v1/reports/{id}/send", Alert, own::report_sending::send),
    row!(POST, "/api/plimsoll/v1/storage/flush", Admin, own::flush),
    row!(POST, "/api/plimsoll/v1/storage/merge", Admin, own::merge),
];

/// The path of the live stream. It is not in the table's handlers, since it takes over the connection.
pub(crate) const LIVE: &str = "/api/plimsoll/v1/live";

/// All routes but the live stream (which needs [`Permission::Read`]) and the files of the UI (public).
pub const fn routes() -> &'static [Route] {
    ROUTES
}

/// What a path leads to.
pub(crate) enum Found {
    Route(&'static Route, Vec<String>),
    /// The methods that the path takes.
    WrongMethod(Vec<&'static str>),
    Nothing,
}

pub(crate) fn find(method: &Method, path: &str) -> Found {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut others = Vec::new();
    for route in ROUTES {
        let Some(captured) = captures(route.path, path) else { continue };
        if route.methods.contains(method) {
            return Found::Route(route, captured);
        }
        others.extend(route.methods.iter().map(Method::as_str));
    }
    if others.is_empty() { Found::Nothing } else { Found::WrongMethod(others) }
}

fn captures(pattern: &str, path: &str) -> Option<Vec<String>> {
    if !pattern.contains('{') {
        return (pattern == path).then(Vec::new);
    }
    let (mut want, mut have) = (pattern.split('/'), path.split('/'));
    let mut captured = Vec::new();
    loop {
        match (want.next(), have.next()) {
            (None, None) => return Some(captured),
            (Some(w), Some(h)) if w.starts_with('{') && !h.is_empty() => captured.push(decode(h)),
            (Some(w), Some(h)) if w == h => {}
            _ => return None,
        }
    }
}

/// Undoes percent-encoding of a path segment, where `+` is itself.
fn decode(segment: &str) -> String {
    let plus = segment.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(plus.as_bytes());
    pairs.next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_route() {
        let Found::Route(route, captured) = find(&Method::GET, "/api/v1/label/a%2Fb+c/values")
        else {
            panic!("a route")
        };
        assert_eq!((route.permission, captured), (Permission::Read, vec!["a/b+c".to_owned()]));
        assert!(matches!(find(&Method::GET, "/api/v1/label//values"), Found::Nothing));
        assert!(matches!(find(&Method::GET, "/api/v1/write"), Found::WrongMethod(_)));
        assert!(matches!(find(&Method::HEAD, "/-/healthy"), Found::Route(..)));
    }

    #[test]
    fn what_changes_something_needs_more_than_reading() {
        for route in routes() {
            let changes = route.path.contains("storage")
                || route.path.contains("admin")
                || route.path.contains("reload")
                || route.path.contains("backfill")
                || route.path.contains("write")
                || route.path.ends_with("/v1/metrics")
                || route.path.ends_with("/test")
                || route.path.ends_with("/acknowledge")
                || route.path.ends_with("/notes")
                || (route.path.contains("/insights") && route.methods != GET)
                || (route.path.contains("/recommendations") && route.methods != GET)
                || route.path.contains("/v1/receivers/{name}")
                || (route.path.contains("/v1/reports")
                    && route.methods != GET
                    && !route.path.ends_with("/render"))
                || (route.path.contains("/rules/files") && route.methods != GET)
                || (route.path.contains("/v1/dashboards")
                    && route.methods != GET
                    && !route.path.ends_with("/check")
                    && !route.path.ends_with("/variables"))
                || (route.path.ends_with("/v1/links") && route.methods != GET)
                || (route.path.contains("/metrics/registry") && route.methods != GET)
                || (route.path.contains("/notifications/")
                    && route.methods != GET
                    && !route.path.ends_with("/route"))
                || (route.path.starts_with("/api/v2/") && route.methods != GET);
            assert_eq!(changes, route.permission > Permission::Read, "{}", route.path);
        }
    }
}
