//! CSV of samples (RFC 4180): a header that names `timestamp`, `value` and either `series` (as
//! `name{label="value"}`) or `metric` beside any number of label columns.
//!
//! Times are seconds or milliseconds since the epoch, or RFC 3339; the caller reads them.

use std::borrow::Cow;

use plimsoll_model::METRIC_NAME;

use crate::text::{Bound, Format, Pair, parse_series};
use crate::{Error, Result};

/// Columns of a table at most.
const COLUMNS_MAX: usize = 256;

/// What the header says of each column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Time,
    Value,
    Series,
    Label(String),
}

/// Reads a table line by line.
#[derive(Debug)]
pub struct CsvReader<'a> {
    rest: &'a str,
    line: usize,
    columns: Vec<Column>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvRow<'a> {
    /// Number of its line, from 1.
    pub line: usize,
    /// Labels, `__name__` among them, in the order of the columns; empty values included.
    pub labels: Vec<(String, String)>,
    /// The time as written.
    pub time: Cow<'a, str>,
    /// The value.
    pub value: f64,
}

impl<'a> CsvReader<'a> {
    /// Reads the header. `metric` names the series of a table without a column that does.
    ///
    /// # Errors
    /// `Invalid` naming the column that is missing, twice, or too many.
    pub fn new(text: &'a str, metric: Option<&str>) -> Result<Self> {
        let mut reader = Self { rest: text, line: 0, columns: Vec::new() };
        let Some(names) = reader.fields()? else {
            return Err(Error::invalid("CSV: the file is empty; it needs a header"));
        };
        if names.len() > COLUMNS_MAX {
            let n = names.len();
            return Err(Error::invalid(format!("CSV: {n} columns, at most {COLUMNS_MAX}")));
        }
        for name in &names {
            let column = match name.trim() {
                "timestamp" | "time" => Column::Time,
                "value" => Column::Value,
                "series" => Column::Series,
                "metric" => Column::Label(METRIC_NAME.to_owned()),
                label => Column::Label(label.to_owned()),
            };
            if reader.columns.contains(&column) {
                return Err(Error::invalid(format!("CSV: column {name:?} is there twice")));
            }
            reader.columns.push(column);
        }
        for (needed, what) in [(Column::Time, "timestamp"), (Column::Value, "value")] {
            if !reader.columns.contains(&needed) {
                return Err(Error::invalid(format!(
                    "CSV: no column {what:?}; the header has {names:?}"
                )));
            }
        }
        let named = reader.columns.contains(&Column::Series)
            || reader.columns.contains(&Column::Label(METRIC_NAME.to_owned()));
        match (named, metric) {
            (false, None) => Err(Error::invalid(
                "CSV: no column \"series\" or \"metric\" says what the values are; add one, or \
                 name the metric (--metric)",
            )),
            (true, Some(_)) => {
                Err(Error::invalid("CSV: the table names its metrics itself; leave out --metric"))
            }
            _ => Ok(reader),
        }
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// `Invalid` naming line and column.
    pub fn next_row(&mut self) -> Result<Option<CsvRow<'a>>> {
        let Some(fields) = self.fields()? else { return Ok(None) };
        let line = self.line;
        if fields.len() != self.columns.len() {
            return Err(Error::invalid(format!(
                "CSV: line {line} has {} fields, the header {}",
                fields.len(),
                self.columns.len()
            )));
        }
        let mut row = CsvRow { line, labels: Vec::new(), time: Cow::Borrowed(""), value: f64::NAN };
        for (column, field) in self.columns.iter().zip(fields) {
            match column {
                Column::Time => row.time = field,
                Column::Value => {
                    row.value = field.trim().parse().map_err(|_| {
                        Error::invalid(format!("CSV: line {line}: {field:?} is not a number"))
                    })?;
                }
                Column::Series => {
                    let series = field.trim().as_bytes();
                    let pairs = parse_series(series, Format::Prometheus, Bound::None);
                    let pairs: Vec<Pair<'_>> =
                        pairs.map_err(|e| Error::invalid(format!("CSV: line {line}: {e}")))?;
                    let owned = |(n, v): Pair<'_>| (n.into_owned(), v.into_owned());
                    row.labels.extend(pairs.into_iter().map(owned));
                }
                Column::Label(name) => row.labels.push((name.clone(), field.into_owned())),
            }
        }
        Ok(Some(row))
    }

    /// The fields of the next line that is not empty.
    fn fields(&mut self) -> Result<Option<Vec<Cow<'a, str>>>> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            let empty = self.rest.strip_prefix('\n').or_else(|| self.rest.strip_prefix("\r\n"));
            if let Some(rest) = empty {
                self.rest = rest;
                continue;
            }
            return self.record().map(Some);
        }
    }

    fn record(&mut self) -> Result<Vec<Cow<'a, str>>> {
        let first = self.line;
        let mut fields = Vec::new();
        loop {
            let (field, rest) = if let Some(quoted) = self.rest.strip_prefix('"') {
                let mut end = 0;
                let field = loop {
                    let Some(q) = quoted[end..].find('"') else {
                        return Err(Error::invalid(format!(
                            "CSV: line {first}: a quote is not closed"
                        )));
                    };
                    end += q + 1;
                    if !quoted[end..].starts_with('"') {
                        break &quoted[..end - 1];
                    }
                    end += 1;
                };
                self.line += field.matches('\n').count();
                let plain = !field.contains('"');
                let field =
                    if plain { Cow::Borrowed(field) } else { field.replace("\"\"", "\"").into() };
                (field, &quoted[end..])
            } else {
                let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
                let field = &self.rest[..end];
                (Cow::Borrowed(field.strip_suffix('\r').unwrap_or(field)), &self.rest[end..])
            };
            fields.push(field);
            let rest = rest.strip_prefix('\r').unwrap_or(rest);
            match rest.as_bytes().first() {
                Some(b',') => self.rest = &rest[1..],
                Some(b'\n') => {
                    self.rest = &rest[1..];
                    return Ok(fields);
                }
                None => {
                    self.rest = rest;
                    return Ok(fields);
                }
                Some(_) => {
                    return Err(Error::invalid(format!(
                        "CSV: line {first}: text after a closing quote"
                    )));
                }
            }
            if fields.len() > COLUMNS_MAX {
                return Err(Error::invalid(format!(
                    "CSV: line {first} has more than {COLUMNS_MAX} fields"
                )));
            }
        }
    }
}

/// Writes a field, in quotes where it needs them.
pub fn put_field(out: &mut String, field: &str) {
    if field.contains([',', '"', '\n', '\r']) {
        out.push('"');
        out.push_str(&field.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(field);
    }
}

/// What a fuzzer calls.
pub(crate) fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for metric in [None, Some("m")] {
        if let Ok(mut reader) = CsvReader::new(&text, metric) {
            while let Ok(Some(_)) = reader.next_row() {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_with_their_labels() {
        let text = "series,timestamp,value\r\n\"up{job=\"\"a,b\"\"}\",5,1.5\n\ndown,6,NaN\n";
        let mut reader = CsvReader::new(text, None).unwrap();
        let row = reader.next_row().unwrap().unwrap();
        let label = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(row.labels, [label("__name__", "up"), label("job", "a,b")]);
        assert_eq!((&*row.time, row.value, row.line), ("5", 1.5, 2));
        assert!(reader.next_row().unwrap().unwrap().value.is_nan());
        assert_eq!(reader.next_row().unwrap(), None);
        let mut out = String::new();
        put_field(&mut out, "up{job=\"a,b\"}");
        assert_eq!(out, "\"up{job=\"\"a,b\"\"}\"");
        let mut reader = CsvReader::new("timestamp,value\n1,2", Some("m")).unwrap();
        assert_eq!(reader.next_row().unwrap().unwrap().labels, []);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, why) in [
            ("", "empty"),
            ("a,b\n", "no column \"timestamp\""),
            ("timestamp,value\n1,2", "says what the values are"),
            ("timestamp,value,value,metric\n", "twice"),
            ("timestamp,value,metric\n1,2\n", "line 2 has 2 fields"),
            ("timestamp,value,metric\n1,x,m\n", "line 2: \"x\""),
            ("timestamp,value,metric\n1,2,\"m\n", "line 2: a quote"),
            ("timestamp,value,series\n1,2,{\n", "line 2"),
        ] {
            let read = || -> Result<()> {
                let mut reader = CsvReader::new(text, None)?;
                while reader.next_row()?.is_some() {}
                Ok(())
            };
            let e = read().unwrap_err().to_string();
            assert!(e.contains(why), "{text:?}: {e}");
        }
    }
}
