//! What a panel asks: its targets and where their data come from.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_query::Features;
use serde_json::Value;

use super::field::{list, text, written};
use super::metricsql;
use super::report::Notes;
use crate::dashboard::{
    Dashboard, PanelQuery, QUERIES_MAX, QueryKind, Variable, VariableKind, parsed,
};

/// Bytes of an expression that are read; panels can have more (64 KiB), of which nobody writes so much.
const EXPR_BYTES_MAX: usize = 60_000;

/// Sources that do not speak PromQL.
const OTHERS: [&str; 36] = [
    "loki",
    "elasticsearch",
    "opensearch",
    "influxdb",
    "graphite",
    "opentsdb",
    "mysql",
    "postgres",
    "mssql",
    "cloudwatch",
    "stackdriver",
    "azure",
    "tempo",
    "jaeger",
    "zipkin",
    "zabbix",
    "testdata",
    "clickhouse",
    "bigquery",
    "mongodb",
    "datadog",
    "splunk",
    "infinity",
    "json",
    "snowflake",
    "pyroscope",
    "parca",
    "victoriametrics-logs",
    "victorialogs",
    "sqlite",
    "redis",
    "druid",
    "dynatrace",
    "newrelic",
    "quickwit",
    "google-sheets",
];

/// The name of a source that is known not to speak PromQL.
pub(super) fn foreign(source: &Value) -> Option<String> {
    let name = match source {
        Value::String(s) => s.as_str(),
        Value::Object(o) => o
            .get("type")
            .map(text)
            .filter(|t| !t.is_empty())
            .or(o.get("uid").map(text))
            .unwrap_or_default(),
        _ => return None,
    };
    let lower = name.to_ascii_lowercase();
    // A name of an input or variable says what it is by its name only.
    let is = |other: &&str| {
        lower == **other
            || lower.starts_with(&format!("grafana-{other}"))
            || lower.starts_with(&format!("{other}-"))
            || lower.ends_with(&format!("-{other}-datasource"))
            || lower.contains(&format!("ds_{other}"))
            || (lower.contains(other) && lower.contains("datasource"))
    };
    OTHERS.iter().any(is).then(|| name.chars().take(100).collect())
}

/// The same of a source that a variable may name: `$logs` of a variable that chooses among sources of Loki.
fn foreign_in(source: &Value, dashboard: &Dashboard) -> Option<String> {
    let name = source.as_str().or(source["uid"].as_str()).unwrap_or_default();
    let name = name.trim_start_matches('$').trim_matches(['{', '}']);
    let is_it = |v: &&Variable| v.kind == VariableKind::Datasource && v.name == name;
    let typed = source.is_object() && !text(&source["type"]).is_empty();
    match dashboard.variables.iter().find(is_it) {
        Some(v) if !typed && !v.query.is_empty() => foreign(&Value::String(v.query.clone())),
        _ => foreign(source),
    }
}

/// Sources of a panel's targets that do not speak PromQL, each once.
pub(super) fn others(panel: &Value, dashboard: &Dashboard) -> BTreeSet<String> {
    let of = |t: &Value| {
        let own = if t["datasource"].is_null() { &panel["datasource"] } else { &t["datasource"] };
        foreign_in(own, dashboard)
    };
    list(&panel["targets"]).iter().take(QUERIES_MAX).filter_map(of).collect()
}

/// Why a query is not asked, and what to do.
fn unread(letter: &str, error: &str, expr: &str, source: &Value) -> String {
    let victoria = text(&source["type"]).starts_with("victoriametrics") || metricsql::is_one(expr);
    let remedy = if victoria {
        "it is MetricsQL of VictoriaMetrics, write it as PromQL in the editor"
    } else {
        "write it anew in the editor"
    };
    format!("query {letter} cannot be read: {error}; {remedy}")
}

fn is_named(source: &Value, name: &str) -> bool {
    source == name || source["uid"] == name || source["type"] == name
}

/// The targets of a panel as queries. `others` are the targets of all panels, by number.
pub(super) fn queries(
    panel: &Value,
    dashboard: &Dashboard,
    others: &BTreeMap<u64, Vec<Value>>,
    features: &Features,
    notes: &mut Notes,
) -> Vec<PanelQuery> {
    let mut targets: Vec<Value> = list(&panel["targets"]).to_vec();
    let of_panel = &panel["datasource"];
    let shared = |t: &Value| {
        is_named(&t["datasource"], "-- Dashboard --") || is_named(&t["datasource"], "dashboard")
    };
    if is_named(of_panel, "-- Dashboard --") || (!targets.is_empty() && targets.iter().all(shared))
    {
        let from = targets.iter().find_map(|t| t["panelId"].as_u64());
        targets = from.and_then(|id| others.get(&id)).cloned().unwrap_or_default();
        notes.tell("asks what another panel asks; both have the queries now");
    }
    let mut all: Vec<PanelQuery> = Vec::new();
    let mut letters: BTreeSet<String> = BTreeSet::new();
    let (mut asked, mut broken) = (0, 0);
    for target in targets.iter().filter(|t| t.is_object()) {
        let source = if target["datasource"].is_null() { of_panel } else { &target["datasource"] };
        let wanted = text(&target["refId"]).to_owned();
        if is_named(source, "__expr__") {
            if let Some(query) = computed(target, &all, notes) {
                push(query, &wanted, &mut letters, &mut all);
            }
            continue;
        }
        if let Some(name) = foreign_in(source, dashboard) {
            notes.add(format!(
                "query {wanted} asks {name}, which is not PromQL; ask for a metric in its place"
            ));
            broken += 1;
            continue;
        }
        let expr = target["expr"].as_str().or(target["query"].as_str()).unwrap_or_default().trim();
        let is_other = target["expr"].is_null()
            && expr.len() <= EXPR_BYTES_MAX
            && parsed(dashboard, expr, features).is_err();
        if expr.is_empty() || is_other {
            if target["hide"] != true
                && target.as_object().is_some_and(|t| t.len() > 3)
                && target["expr"].is_null()
            {
                notes.add(format!("query {wanted} is no PromQL; ask for a metric in its place"));
                broken += 1;
            }
            continue;
        }
        if expr.len() > EXPR_BYTES_MAX {
            notes.add(format!(
                "query {wanted} has more than {EXPR_BYTES_MAX} bytes; it is left out"
            ));
            broken += 1;
            continue;
        }
        if all.len() >= QUERIES_MAX {
            notes.add(format!("more than {QUERIES_MAX} queries; the others are left out"));
            break;
        }
        let mut made = expr.to_owned();
        match parsed(dashboard, expr, features) {
            Ok(_) => asked += 1,
            Err(e) => {
                let anew = metricsql::promql(expr)
                    .filter(|anew| parsed(dashboard, &anew.expr, features).is_ok());
                if let Some(anew) = anew {
                    asked += 1;
                    made = anew.expr;
                    anew.notes.iter().for_each(|n| notes.add(format!("query {wanted}: {n}")));
                } else {
                    broken += 1;
                    notes.add(unread(&wanted, &e, expr, source));
                }
            }
        }
        let query = query(target, panel, &made);
        push(query, &wanted, &mut letters, &mut all);
    }
    if asked == 0 && broken > 0 {
        notes.unsupported("no query of it can be asked here");
    }
    all
}

fn push(
    mut query: PanelQuery,
    wanted: &str,
    letters: &mut BTreeSet<String>,
    all: &mut Vec<PanelQuery>,
) {
    let taken = wanted.is_empty() || wanted.len() > 100 || letters.contains(wanted);
    query.letter = if taken { crate::dashboard::letter(letters) } else { wanted.to_owned() };
    letters.insert(query.letter.clone());
    all.push(query);
}

fn query(target: &Value, panel: &Value, expr: &str) -> PanelQuery {
    let legend = match text(&target["legendFormat"]) {
        "__auto" => "",
        other => other,
    };
    let step =
        [&target["interval"], &panel["interval"]].into_iter().map(written).find(|s| !s.is_empty());
    let step = step.unwrap_or_default().trim_start_matches('>').trim().to_owned();
    let table = target["format"] == "table" && target["range"] != true;
    let instant = target["instant"] == true && target["range"] != true;
    let one_row = matches!(text(&panel["type"]), "table" | "table-old");
    PanelQuery {
        letter: String::new(),
        expr: expr.to_owned(),
        legend: legend.chars().take(900).collect(),
        kind: if instant || (table && one_row) { QueryKind::Instant } else { QueryKind::Range },
        hidden: target["hide"] == true,
        step: step.chars().take(50).collect(),
    }
}

/// A query that Grafana's server computes of others: arithmetic becomes PromQL, nothing else does.
fn computed(target: &Value, before: &[PanelQuery], notes: &mut Notes) -> Option<PanelQuery> {
    let letter = text(&target["refId"]);
    if target["type"] != "math" {
        notes.add(format!(
            "query {letter} is computed by Grafana ({}); it is left out, write it as PromQL",
            text(&target["type"])
        ));
        return None;
    }
    let mut expr = text(&target["expression"]).to_owned();
    for q in before {
        for name in [format!("${{{}}}", q.letter), format!("${}", q.letter)] {
            if expr.len() > EXPR_BYTES_MAX
                || expr.matches(&name).count() * q.expr.len() > EXPR_BYTES_MAX
            {
                expr.clear();
            }
            expr = expr.replace(&name, &format!("({})", q.expr));
        }
    }
    if expr.is_empty() || expr.len() > EXPR_BYTES_MAX {
        notes.add(format!("query {letter} is computed by Grafana; it is left out"));
        return None;
    }
    notes.add(format!("query {letter} was computed by Grafana and is one expression now"));
    Some(PanelQuery { expr, hidden: target["hide"] == true, ..PanelQuery::default() })
}
