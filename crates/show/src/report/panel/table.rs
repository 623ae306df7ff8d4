//! Series as a table, and what transforms make of it, as the browser does it (`ui/src/pages/dashboards/table.ts`).
//!
//! Pure. At most [`ROWS_MAX`] rows and [`COLUMNS_MAX`] columns of labels; more rows are counted.

use std::cmp::Ordering;

use jiff::tz::TimeZone;
use plimsoll_model::Timestamp;
use serde_json::{Map, Value};

use super::super::blocks::{Block, Column as Head, TABLE_ROWS_MAX, Value as Shown};
use super::look::Mappings;
use super::{Format, Item, look, queries, reduced, text};
use crate::figure::Rows;

mod transforms;
mod words;

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

    fn words(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => look::plain(other.number()),
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
    kind: Holds,
    letter: String,
    /// How its values are written; as the panel says where there is nothing.
    format: Option<Format>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Holds {
    #[default]
    Texts,
    Numbers,
    Times,
}

impl Column {
    fn is_number(&self) -> bool {
        self.kind == Holds::Numbers
    }

    /// Of counts, which have no unit.
    fn counted(mut self, way: &str) -> Self {
        if matches!(way, "count" | "distinctCount") {
            self.format = Some(Format::named("count"));
        }
        self
    }
}

/// How a column is shown.
struct Look<'t> {
    place: usize,
    column: &'t Column,
    title: String,
    mappings: Mappings<'t>,
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
    let mut asked = queries(panel).peekable();
    let is_instant = asked.peek().is_some() && asked.all(|q| text(q, "kind") == "instant");
    let wants_time = |t: &Value| match text(t, "kind") {
        "reduce" | "seriesToColumns" => true,
        "joinByField" => t["options"]["byField"].as_str().unwrap_or("Time") == "Time",
        _ => false,
    };
    let by_time = !is_instant && all().any(wants_time);
    let mut table = match () {
        () if by_time => over_time(items),
        () if all().any(|t| text(t, "kind") == "seriesToRows") => of_series(panel, items),
        () => of_labels(panel, items),
    };
    for transform in all() {
        table = transforms::apply(table, text(transform, "kind"), &transform["options"]);
    }
    table.panel = panel.clone();
    table
}

/// A row for each series: its name and one number.
fn of_series(panel: &Value, items: &[Item]) -> Table {
    let metric = Column { name: "Metric".to_owned(), ..Column::default() };
    let value = Column {
        name: "Value".to_owned(),
        kind: Holds::Numbers,
        format: items.first().map(|i| i.format.clone()),
        ..Column::default()
    };
    let row = |i: &Item| {
        let value = reduced(&i.series.points, text(panel, "reduce")).unwrap_or(f64::NAN);
        vec![Cell::Text(i.name.clone()), Cell::Number(value)]
    };
    let rows = items.iter().take(ROWS_MAX).map(row).collect();
    let left_out = items.len().saturating_sub(ROWS_MAX);
    Table { columns: vec![metric, value], rows, left_out, panel: Value::Null }
}

/// Labels in columns of their own, and one number of each series. Of several queries each has its column, also with no
/// answer.
fn of_labels(panel: &Value, items: &[Item]) -> Table {
    let asked = panel["queries"].as_array().into_iter().flatten();
    let asked: Vec<&str> = asked.filter(|q| q["hidden"] != true).map(|q| text(q, "ref")).collect();
    let mut letters: Vec<&str> = Vec::new();
    if asked.len() > 1 {
        letters.extend(asked.iter().filter(|l| look::is_left(panel, l)));
    }
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
    let many = asked.len() > 1 || letters.len() > 1;
    names.retain(|n| *n != "__name__" || !many);
    names.sort_unstable();
    names.truncate(COLUMNS_MAX);
    letters.truncate(COLUMNS_MAX);
    let value = |letter: &str| if many { format!("Value #{letter}") } else { "Value".to_owned() };
    let labels = names.iter().map(|n| Column { name: (*n).to_owned(), ..Column::default() });
    let numbers = letters.iter().map(|letter| Column {
        name: value(letter),
        kind: Holds::Numbers,
        letter: (*letter).to_owned(),
        format: items.iter().find(|i| i.letter == *letter).map(|i| i.format.clone()),
    });
    let columns: Vec<Column> = labels.chain(numbers).collect();
    // Before those of several queries are put beside each other.
    let most = ROWS_MAX * letters.len();
    let rows = items.iter().take(most).map(|item| {
        let labels = names.iter().map(|n| Cell::Text(item.series.label(n).to_owned()));
        let numbers = letters.iter().map(|letter| {
            let own = (*letter == item.letter).then_some(&item.series.points);
            let value = own.and_then(|points| reduced(points, text(panel, "reduce")));
            Cell::Number(value.unwrap_or(f64::NAN))
        });
        labels.chain(numbers).collect()
    });
    let rows = rows.collect();
    let left_out = items.len().saturating_sub(most);
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
    let time = Column { name: "Time".to_owned(), kind: Holds::Times, ..Column::default() };
    let series = shown.iter().map(|i| Column {
        name: i.name.clone(),
        kind: Holds::Numbers,
        letter: i.letter.clone(),
        format: Some(i.format.clone()),
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
    /// What overrides say of each column.
    fn sets(&self) -> Vec<Map<String, Value>> {
        let set = |c: &Column| look::set_for(&self.panel, &c.name, &c.letter);
        self.columns.iter().map(set).collect()
    }

    /// How columns are shown; those that are hidden are not.
    fn looks<'t>(&'t self, sets: &'t [Map<String, Value>]) -> Vec<Look<'t>> {
        let look = |(place, (column, set)): (usize, (&'t Column, &'t Map<String, Value>))| {
            if set.get("hidden") == Some(&true.into()) {
                return None;
            }
            let title = set.get("title").and_then(Value::as_str).unwrap_or(&column.name).to_owned();
            let mappings = Mappings::of(&self.panel, set);
            Some(Look { place, column, title, mappings, format: self.format(column, set) })
        };
        self.columns.iter().zip(sets).enumerate().filter_map(look).collect()
    }

    /// How values of a column are written: as overrides say, else as its series are, else as the panel says.
    fn format(&self, column: &Column, set: &Map<String, Value>) -> Format {
        let own = column.format.as_ref();
        let unit = set.get("unit").and_then(Value::as_str).or(own.map(|f| f.unit.as_str()));
        let unit = unit.or_else(|| self.panel["unit"].as_str()).unwrap_or_default();
        let decimals = set.get("decimals").and_then(Value::as_f64);
        let decimals = decimals.or_else(|| own.and_then(|f| f.decimals).map(|d| d as f64));
        Format::named(unit).with_decimals(decimals.or_else(|| self.panel["decimals"].as_f64()))
    }

    /// As texts.
    pub fn rows(&self, zone: &TimeZone) -> Rows {
        let sets = self.sets();
        let looks = self.looks(&sets);
        let texts =
            |row: &Vec<Cell>| cells(row, &looks, zone).into_iter().map(|c| c.text).collect();
        Rows {
            columns: looks.iter().map(|l| (l.title.clone(), l.column.is_number())).collect(),
            rows: self.rows.iter().map(texts).collect(),
        }
    }

    /// As a table of a document.
    pub fn block(&self, title: &str, source: String, zone: &TimeZone) -> Block {
        let sets = self.sets();
        let looks = self.looks(&sets);
        let head = |l: &Look<'_>| Head { name: l.title.clone(), is_number: l.column.is_number() };
        let shown = self.rows.iter().take(TABLE_ROWS_MAX);
        Block::Table {
            title: title.to_owned(),
            columns: looks.iter().map(head).collect(),
            rows: shown.map(|row| cells(row, &looks, zone)).collect(),
            left_out: self.left_out + self.rows.len().saturating_sub(TABLE_ROWS_MAX),
            source,
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// A row as it is shown.
fn cells(row: &[Cell], looks: &[Look<'_>], zone: &TimeZone) -> Vec<Shown> {
    looks.iter().filter_map(|look| Some(told(row.get(look.place)?, look, zone))).collect()
}

fn told(cell: &Cell, look: &Look<'_>, zone: &TimeZone) -> Shown {
    match cell {
        Cell::Text(text) => {
            let said = look.mappings.said(f64::NAN, text);
            Shown::text(said.map_or_else(|| text.clone(), |(said, _)| said))
        }
        Cell::Time(at) => Shown::text(moment(*at, zone)),
        Cell::Number(n) => {
            let said = look.mappings.said(*n, &look::plain(*n));
            let text = said.map_or_else(|| look.format.show(*n), |(said, _)| said);
            Shown { number: n.is_finite().then_some(*n), text }
        }
    }
}

/// A time as the browser writes it: `21 Nov 2026, 08:00:00`.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(zone.clone());
    at.strftime("%-d %b %Y, %H:%M:%S").to_string().replace(" Sep ", " Sept ")
}

/// Numbers by size, those that are none first; else words, and the numbers in them by size.
fn order(a: &Cell, b: &Cell) -> Ordering {
    if let (Cell::Number(_) | Cell::Time(_), Cell::Number(_) | Cell::Time(_)) = (a, b) {
        let rank = |c: &Cell| if c.number().is_nan() { f64::NEG_INFINITY } else { c.number() };
        return rank(a).partial_cmp(&rank(b)).unwrap_or(Ordering::Equal);
    }
    words::order(&a.words(), &b.words())
}

#[cfg(test)]
mod tests;
