//! Panels that show what the program found: open alerts, insights. As tables.

use plimsoll_model::{Matcher, Timestamp};
use plimsoll_query::parse_selector;
use serde_json::Value;

use super::super::ask::{Answers, What};
use super::super::blocks::{Block, Column, TABLE_ROWS_MAX, Value as Cell};
use super::super::period::Window;
use super::text;
use crate::figure::Rows;

/// Alerts and insights that are asked for, as the browser does.
const ASKED_MAX: usize = 1_000;
/// Those that are shown.
const SHOWN_MAX: usize = 100;

/// What such a panel asks; `None` for other panels.
pub fn need(panel: &Value) -> Option<What> {
    let path = match text(panel, "kind") {
        "alerts" => format!("/api/plimsoll/v1/alerts?state=all&limit={ASKED_MAX}"),
        "insights" => format!("/api/plimsoll/v1/insights?limit={ASKED_MAX}"),
        _ => return None,
    };
    Some(What::Route(path))
}

/// Its rows.
pub fn rows(panel: &Value, key: &str, answers: &Answers, window: &Window) -> Result<Rows, String> {
    let answer = answers.json(key)?;
    let matchers = matchers(text(panel, "match"))?;
    let list = |key: &str| answer[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let since = |v: &Value| {
        let at: Option<jiff::Timestamp> = v.as_str().and_then(|t| t.parse().ok());
        at.map_or_else(|| "–".to_owned(), |at| window.brief(at.as_millisecond() as Timestamp))
    };
    let cells = |all: [&str; 4]| all.map(ToOwned::to_owned).to_vec();
    let (columns, mut rows) = match text(panel, "kind") {
        "alerts" => {
            let mut open: Vec<&Value> = list("alerts")
                .iter()
                .filter(|a| matches!(text(a, "state"), "firing" | "pending"))
                .filter(|a| {
                    let more =
                        [("severity", text(a, "severity")), ("alertstate", text(a, "state"))];
                    fits(&matchers, &a["labels"], &more)
                })
                .collect();
            open.sort_by_key(|a| match text(a, "severity") {
                "critical" => 0,
                "warning" => 1,
                "info" => 2,
                _ => 3,
            });
            let row = |a: &&Value| {
                let name = match text(&a["labels"], "alertname") {
                    "" => text(&a["rule"], "name"),
                    name => name,
                };
                let about = match text(&a["annotations"], "summary") {
                    "" => text(&a["labels"], "instance"),
                    summary => summary,
                };
                let fired =
                    if a["fired_at"].is_string() { &a["fired_at"] } else { &a["active_at"] };
                let state = format!("{} since {}", text(a, "state"), since(fired));
                cells([text(a, "severity"), name, about, &state])
            };
            (["Severity", "Alert", "About", "State"], open.iter().map(row).collect::<Vec<_>>())
        }
        _ => {
            let meant = list("insights").iter().filter(|i| {
                let more = [("type", text(i, "type"))];
                fits(&matchers, &i["labels"], &more)
            });
            let row = |i: &Value| {
                let kind = text(i, "type").replace('_', " ");
                cells([&kind, text(i, "title"), text(i, "description"), &since(&i["last_at"])])
            };
            (["Type", "Insight", "About", "Seen"], meant.map(row).collect())
        }
    };
    rows.truncate(SHOWN_MAX);
    Ok(Rows { columns: columns.map(|name| (name.to_owned(), false)).to_vec(), rows })
}

/// The rows as a table of a document; words when there are none.
pub fn block(rows: Rows, title: &str, source: String) -> Block {
    if rows.rows.is_empty() {
        let title = if title.is_empty() { "Nothing here" } else { title };
        return Block::Words(format!("## {title}\nThere are none."));
    }
    let cells = |row: Vec<String>| row.into_iter().map(Cell::text).collect();
    let columns = rows.columns.into_iter().map(|(name, is_number)| Column { name, is_number });
    Block::Table {
        title: title.to_owned(),
        columns: columns.collect(),
        rows: rows.rows.into_iter().take(TABLE_ROWS_MAX).map(cells).collect(),
        left_out: 0,
        source,
    }
}

/// The conditions of a filter: `severity="critical",job=~"api.*"`.
fn matchers(filter: &str) -> Result<Vec<Matcher>, String> {
    let inner = filter.trim().trim_start_matches('{').trim_end_matches('}');
    if inner.trim().is_empty() {
        return Ok(Vec::new());
    }
    let wrong = |e: String| format!("match {filter:?} is no label filter: {e}");
    let read = parse_selector(&format!("{{{inner}}}")).map_err(|e| wrong(e.to_string()))?;
    read.matchers.iter().map(|m| m.compiled().map_err(|e| wrong(e.to_string()))).collect()
}

fn fits(matchers: &[Matcher], labels: &Value, more: &[(&str, &str)]) -> bool {
    matchers.iter().all(|m| {
        let given = more.iter().find(|(name, _)| *name == m.name()).map(|(_, value)| *value);
        m.matches(given.unwrap_or_else(|| text(labels, m.name())))
    })
}
