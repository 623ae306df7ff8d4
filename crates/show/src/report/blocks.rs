//! A finished report as data, and that as JSON: sections of facts, tables, words and pictures.

use plimsoll_model::{Timestamp, Unit};
use serde_json::{Value as Json, json};

use crate::figure::Figure;

/// Rows of a table.
pub const TABLE_ROWS_MAX: usize = 1_000;

/// A number as it is and as it is read. A text alone where there is no number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Value {
    /// The number.
    pub number: Option<f64>,
    /// What is read.
    pub text: String,
}

impl Value {
    /// A number in a unit.
    pub fn number(number: f64, unit: Unit) -> Self {
        // A negative zero is a zero.
        Self { number: Some(number + 0.0), text: unit.show(number + 0.0) }
    }

    /// A whole number.
    pub fn count(count: u64) -> Self {
        Self { number: Some(count as f64), text: Unit::Plain.show(count as f64) }
    }

    /// A share with three digits after the point: `99.983 %`. What is not all is never shown as all.
    pub fn share(share: f64) -> Self {
        let percent = share * 100.0;
        let shown = if percent < 100.0 { percent.min(99.999) } else { percent };
        let text = format!("{shown:.3}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        let text = if share.is_finite() { format!("{text} %") } else { "–".to_owned() };
        Self { number: Some(share), text }
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { number: None, text: text.into() }
    }

    /// A number that may be missing.
    pub fn maybe(number: Option<f64>, unit: Unit) -> Self {
        number.map_or_else(|| Self::text("–"), |n| Self::number(n, unit))
    }

    fn json(&self) -> Json {
        match self.number {
            Some(n) if n.is_finite() => json!({ "value": n, "text": self.text }),
            _ => json!({ "value": null, "text": self.text }),
        }
    }
}

/// A number with its name and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// It.
    pub value: Value,
    /// The query or route that made it.
    pub source: String,
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Its head.
    pub name: String,
    /// Whether it holds numbers, which stand at the right.
    pub is_number: bool,
}

/// A cell of a table.
pub type Cell = Value;

/// A figure with where it is from.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What is drawn.
    pub figure: Figure,
    /// The queries or the route that made it.
    pub sources: Vec<String>,
    /// Its share of the width: 1 is all, 0.5 half.
    pub width: f64,
    /// Height where it is as wide as a page.
    pub height: f64,
}

/// A part of a section.
#[derive(Clone, Debug)]
pub enum Block {
    /// Words, as Markdown of paragraphs, headings and lists.
    Words(String),
    /// Numbers with names.
    Facts(Vec<Fact>),
    /// A table.
    Table {
        /// What it holds.
        title: String,
        /// The columns.
        columns: Vec<Column>,
        /// The rows.
        rows: Vec<Vec<Cell>>,
        /// How many rows were left out.
        left_out: usize,
        /// The query or route that made it.
        source: String,
    },
    /// A figure.
    Picture(Box<Picture>),
    /// Something that is missing, and why.
    Missing(String),
}

/// A section of a document.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its heading.
    pub title: String,
    /// Whether it belongs to the section before it, as a row of a dashboard does.
    pub is_within: bool,
    /// Of which kind.
    pub kind: &'static str,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// A finished report.
#[derive(Clone, Debug)]
pub struct Document {
    /// Which report.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The beginning of its time, ms since the epoch.
    pub from: Timestamp,
    /// The end of it.
    pub until: Timestamp,
    /// Whose time is shown: `Europe/Berlin`.
    pub timezone: String,
    /// From when to when, for people.
    pub period: String,
    /// When it was made, ms since the epoch.
    pub made_at: Timestamp,
    /// The same for people.
    pub made: String,
    /// The server that it is from.
    pub host: String,
    /// The version of the program.
    pub version: String,
    /// Its sections.
    pub parts: Vec<Part>,
}

impl Document {
    /// All there is in it, as JSON.
    pub fn json(&self) -> Json {
        json!({
            "id": self.id,
            "title": self.title,
            "from": self.from,
            "to": self.until,
            "timezone": self.timezone,
            "period": self.period,
            "made_at": self.made_at,
            "host": self.host,
            "version": self.version,
            "sections": self.parts.iter().map(part).collect::<Vec<_>>(),
        })
    }

    /// All pictures.
    pub fn pictures(&self) -> impl Iterator<Item = &Picture> {
        self.parts.iter().flat_map(|p| &p.blocks).filter_map(|b| match b {
            Block::Picture(picture) => Some(picture.as_ref()),
            _ => None,
        })
    }
}

fn part(part: &Part) -> Json {
    json!({
        "title": part.title,
        "within": part.is_within,
        "kind": part.kind,
        "blocks": part.blocks.iter().map(block).collect::<Vec<_>>(),
    })
}

fn block(block: &Block) -> Json {
    match block {
        Block::Words(text) => json!({ "kind": "text", "text": text }),
        Block::Missing(why) => json!({ "kind": "missing", "text": why }),
        Block::Facts(facts) => {
            let fact = |f: &Fact| {
                let mut out = f.value.json();
                out["label"] = f.label.clone().into();
                out["source"] = f.source.clone().into();
                out
            };
            json!({ "kind": "facts", "facts": facts.iter().map(fact).collect::<Vec<_>>() })
        }
        Block::Table { title, columns, rows, left_out, source } => {
            let row = |row: &Vec<Cell>| row.iter().map(Value::json).collect::<Vec<_>>();
            json!({
                "kind": "table",
                "title": title,
                "source": source,
                "columns": columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
                "rows": rows.iter().map(row).collect::<Vec<_>>(),
                "left_out": left_out,
            })
        }
        Block::Picture(picture) => picture_json(picture),
    }
}

fn picture_json(picture: &Picture) -> Json {
    let figure = &picture.figure;
    let series = figure.traces.iter().map(|t| {
        let points: Vec<Json> = t.points.iter().map(|(at, v)| json!([at, finite(*v)])).collect();
        json!({
            "name": t.name,
            "last": t.last().map(|v| json!({ "value": v, "text": figure.told(t) })),
            "points": points,
        })
    });
    json!({
        "kind": "figure",
        "title": figure.title,
        "source": picture.sources,
        "unit": figure.format.unit,
        "series": series.collect::<Vec<_>>(),
        "columns": figure.rows.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        "rows": figure.rows.rows,
        "text": figure.text,
    })
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(Value::share(1.0).text, "100 %");
        assert_eq!(Value::share(0.999_999_9).text, "99.999 %");
        assert_eq!(Value::share(0.999_834).text, "99.983 %");
        assert_eq!(Value::share(0.5).text, "50 %");
        assert_eq!(Value::share(0.0).text, "0 %");
        assert_eq!(Value::share(f64::NAN).text, "–");
        assert_eq!(Value::number(-0.0, Unit::Ratio).text, "0 %");
    }
}
