//! Series as a table, and what transforms make of it, as the browser does it (`ui/src/pages/dashboards/table.ts`).
//!
//! Pure. At most [`ROWS_MAX`] rows and [`COLUMNS_MAX`] columns of labels; more rows are counted.

use std::cmp::Ordering;

use plimsoll_model::Timestamp;
use serde_json::{Map, Value};

use super::super::blocks::{Block, Column as Head, TABLE_ROWS_MAX, Value as Shown};
use super::{Format, Item, look, reduced, text};
use crate::figure::Rows;

mod transforms;

/// Rows of a table.
const ROWS_MAX: usize = 2_000;
/// Columns of labels, and of series beside each other.
const COLUMNS_MAX: usize = 60;

/// What stands in a row.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Text(String),
    Number(f64),
    Time(Timestamp),
}

impl Cell {
    fn number(&self) -> f64 {
        match self {
            Self::Number(n) => *n,
            Self::Time(at) => *at as f64,
            Self::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        }
    }

    /// As a key: what agrees in it is the same.
    fn key(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.number().to_string(),
        }
    }
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq)]
struct Column {
    name: String,
    is_number: bool,
    letter: String,
    format: Format,
}

/// Rows of cells below columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    left_out: usize,
    /// What the panel says of columns and values.
    panel: Value,
}

/// The table that a panel shows.
pub fn of(panel: &Value, items: &[Item]) -> Table {
    let all = || panel["transforms"].as_array().into_iter().flatten();
    let is_instant = panel["queries"]
        .as_array()
        .is_some_and(|all| all.iter().all(|q| text(q, "kind") == "instant"));
    let wants_time = |t: &Value| matches!(text(t, "kind"), "reduce" | "seriesToColumns");
    let by_time = !is_instant && all().any(wants_time);
    let mut table = if by_time { over_time(items) } else { of_labels(panel, items) };
    for transform in all() {
        table = transforms::apply(table, text(transform, "kind"), &transform["options"]);
    }
    table.panel = panel.clone();
    table
}

/// Labels in columns of their own, and one number of each series.
fn of_labels(panel: &Value, items: &[Item]) -> Table {
    let mut letters: Vec<&str> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for item in items {
        if !letters.contains(&item.letter.as_str()) {
            letters.push(&item.letter);
        }
        for (name, _) in &item.series.labels {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    // Several queries are told apart by their letters: names of metrics would keep their rows apart.
    names.retain(|n| *n != "__name__" || letters.len() == 1);
    names.sort_unstable();
    names.truncate(COLUMNS_MAX);
    letters.truncate(COLUMNS_MAX);
    let value = |letter: &str| match letters.len() {
        0 | 1 => "Value".to_owned(),
        _ => format!("Value #{letter}"),
    };
    let labels = names.iter().map(|n| Column { name: (*n).to_owned(), ..Column::default() });
    let numbers = letters.iter().map(|letter| Column {
        name: value(letter),
        is_number: true,
        letter: (*letter).to_owned(),
        format: items
            .iter()
            .find(|i| i.letter == *letter)
            .map_or_else(Format::default, |i| i.format.clone()),
    });
    let columns: Vec<Column> = labels.chain(numbers).collect();
    let rows = items.iter().take(ROWS_MAX).map(|item| {
        let labels = names.iter().map(|n| Cell::Text(item.series.label(n).to_owned()));
        let numbers = letters.iter().map(|letter| {
            let own = (*letter == item.letter).then_some(&item.series.points);
            let value = own.and_then(|points| reduced(points, text(panel, "reduce")));
            Cell::Number(value.unwrap_or(f64::NAN))
        });
        labels.chain(numbers).collect()
    });
    let rows = rows.collect();
    let left_out = items.len().saturating_sub(ROWS_MAX);
    let table = Table { columns, rows, left_out, panel: Value::Null };
    if letters.len() > 1 { transforms::merged(table) } else { table }
}

/// A row for each time, the newest first, and a column for each series.
fn over_time(items: &[Item]) -> Table {
    let shown = &items[..items.len().min(COLUMNS_MAX)];
    let mut times: Vec<Timestamp> =
        shown.iter().flat_map(|i| i.series.points.iter().map(|(at, _)| *at)).collect();
    times.sort_unstable();
    times.dedup();
    let left_out = times.len().saturating_sub(ROWS_MAX);
    let time = Column { name: "Time".to_owned(), ..Column::default() };
    let series = shown.iter().map(|i| Column {
        name: i.name.clone(),
        is_number: true,
        letter: i.letter.clone(),
        format: i.format.clone(),
    });
    let rows = times.iter().rev().take(ROWS_MAX).map(|at| {
        let values = shown.iter().map(|i| {
            let found = i.series.points.binary_search_by_key(at, |(at, _)| *at);
            Cell::Number(found.map_or(f64::NAN, |k| i.series.points[k].1))
        });
        std::iter::once(Cell::Time(*at)).chain(values).collect()
    });
    let rows = rows.collect();
    Table {
        columns: std::iter::once(time).chain(series).collect(),
        rows,
        left_out,
        panel: Value::Null,
    }
}

impl Table {
    /// How a column is shown: its place, head and what overrides say of it; columns that are hidden have none.
    fn shown(&self) -> Vec<(usize, String, Map<String, Value>)> {
        let look = |(i, c): (usize, &Column)| {
            let set = look::set_for(&self.panel, &c.name, &c.letter);
            let title = set.get("title").and_then(Value::as_str).unwrap_or(&c.name).to_owned();
            (set.get("hidden") != Some(&true.into())).then_some((i, title, set))
        };
        self.columns.iter().enumerate().filter_map(look).collect()
    }

    fn told(&self, cell: &Cell, column: &Column, set: &Map<String, Value>) -> Shown {
        match cell {
            Cell::Text(text) => Shown::text(text.clone()),
            Cell::Time(at) => {
                let at = jiff::Timestamp::from_millisecond(*at).unwrap_or_default();
                Shown::text(at.to_string())
            }
            Cell::Number(n) => {
                let said = look::mapped(&self.panel, set, *n);
                let own = match set.get("unit").and_then(Value::as_str) {
                    Some(name) => {
                        let (unit, suffix) = look::unit(name);
                        Format { unit, suffix, decimals: column.format.decimals }
                    }
                    None => column.format.clone(),
                };
                let text = said.unwrap_or_else(|| own.show(*n));
                Shown { number: n.is_finite().then_some(*n), text }
            }
        }
    }

    fn cells(&self, row: &[Cell]) -> Vec<Shown> {
        let shown = self.shown();
        let cell = |(i, _, set): &(usize, String, Map<String, Value>)| {
            Some(self.told(row.get(*i)?, self.columns.get(*i)?, set))
        };
        shown.iter().filter_map(cell).collect()
    }

    fn heads(&self) -> Vec<(String, bool)> {
        let shown = self.shown();
        shown.into_iter().map(|(i, title, _)| (title, self.columns[i].is_number)).collect()
    }

    /// As texts.
    pub fn rows(&self) -> Rows {
        let texts = |row: &Vec<Cell>| self.cells(row).into_iter().map(|c| c.text).collect();
        Rows { columns: self.heads(), rows: self.rows.iter().map(texts).collect() }
    }

    /// As a table of a document.
    pub fn block(&self, title: &str, source: String) -> Block {
        let heads = self.heads().into_iter();
        Block::Table {
            title: title.to_owned(),
            columns: heads.map(|(name, is_number)| Head { name, is_number }).collect(),
            rows: self.rows.iter().take(TABLE_ROWS_MAX).map(|row| self.cells(row)).collect(),
            left_out: self.left_out + self.rows.len().saturating_sub(TABLE_ROWS_MAX),
            source,
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// Numbers by size, those that are none first; texts by letters.
fn order(a: &Cell, b: &Cell) -> Ordering {
    if let (Cell::Text(a), Cell::Text(b)) = (a, b) {
        return a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b));
    }
    let rank = |c: &Cell| if c.number().is_nan() { f64::NEG_INFINITY } else { c.number() };
    rank(a).total_cmp(&rank(b))
}

#[cfg(test)]
mod tests;
