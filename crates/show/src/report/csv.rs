//! A document as CSV after RFC 4180: one row for each value.
//!
//! Texts that a spreadsheet would take for a formula are put behind an apostrophe; numbers are written as
//! they are. At most [`ROWS_MAX`] rows; the last one says so when there are more.

use super::blocks::{Block, Document, Value};

/// Rows of a file.
const ROWS_MAX: usize = 200_000;

/// The file.
pub fn write(document: &Document) -> String {
    let mut out = Rows { text: String::with_capacity(16 << 10), count: 0 };
    out.text.push_str("section,block,item,column,value,text,source\r\n");
    for part in &document.parts {
        for block in &part.blocks {
            write_block(&mut out, &part.title, block);
        }
    }
    if out.count > ROWS_MAX {
        let message = format!("{} rows are left out", out.count - ROWS_MAX);
        out.count = 0;
        out.row(&["", "", "", "", "", &message, ""], None);
    }
    out.text
}

struct Rows {
    text: String,
    count: usize,
}

impl Rows {
    fn row(&mut self, cells: &[&str; 7], number: Option<f64>) {
        self.count += 1;
        if self.count > ROWS_MAX {
            return;
        }
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.text.push(',');
            }
            match (i, number) {
                (4, Some(n)) if n.is_finite() => self.text.push_str(&format!("{n}")),
                (4, _) => {}
                _ => field(&mut self.text, cell),
            }
        }
        self.text.push_str("\r\n");
    }
}

fn write_block(out: &mut Rows, section: &str, block: &Block) {
    let mut value = |place: [&str; 3], value: &Value, source: &str| {
        let [block, item, column] = place;
        out.row(&[section, block, item, column, "", &value.text, source], value.number);
    };
    match block {
        Block::Words(text) => value(["text", "", ""], &Value::text(text.clone()), ""),
        Block::Missing(why) => value(["missing", "", ""], &Value::text(why.clone()), ""),
        Block::Facts(facts) => {
            facts.iter().for_each(|f| value(["fact", &f.label, ""], &f.value, &f.source));
        }
        Block::Table { title, columns, rows, source, .. } => {
            for row in rows {
                let item = row.first().map_or("", |c| c.text.as_str()).to_owned();
                for (column, cell) in columns.iter().zip(row) {
                    value([title, &item, &column.name], cell, source);
                }
            }
        }
        Block::Picture(picture) => {
            let figure = &picture.figure;
            let source = picture.sources.join("; ");
            for trace in &figure.traces {
                for (at, number) in &trace.points {
                    let time = jiff::Timestamp::from_millisecond(*at);
                    let time = time.map(|t| t.to_string()).unwrap_or_default();
                    let newest = trace.points.last().is_some_and(|(last, _)| last == at);
                    let told = if newest { figure.told(trace) } else { None };
                    let text = told.unwrap_or_else(|| figure.format.show(*number));
                    let cell = Value { number: Some(*number), text };
                    value([&figure.title, &trace.name, &time], &cell, &source);
                }
            }
        }
    }
}

/// A text as a field.
fn field(out: &mut String, text: &str) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']);
    let guarded = if is_formula { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\r', '\n']) {
        out.push('"');
        out.push_str(&guarded.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&guarded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula_and_quotes_are_doubled() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
        ] {
            let mut out = String::new();
            field(&mut out, text);
            assert_eq!(out, wanted, "{text:?}");
        }
    }
}
