//! What is done with a table before it is shown. Kinds and options are Grafana's; others are passed over.

use serde_json::Value;

use super::super::look::{is_meant, limit, pattern, plain, replaced};
use super::super::{reduced, text};
use super::{Cell, Column, Format, Holds, Table, order};

/// Does it.
pub fn apply(table: Table, kind: &str, options: &Value) -> Table {
    match kind {
        "organize" => organized(table, options),
        "merge" => merged(table),
        "joinByField" | "seriesToColumns" => {
            let by = options["byField"].as_str().unwrap_or("Time");
            match table.place(by) {
                Some(by) => joined(table, |row| row[by].key()),
                None => merged(table),
            }
        }
        "sortBy" => sorted(table, options),
        "groupBy" => grouped(table, options),
        "calculateField" => calculated(table, options),
        "filterByName" | "filterFieldsByName" => {
            let (include, exclude) = (&options["include"], &options["exclude"]);
            let stay = |c: &Column| {
                (include.is_null() || is_meant(include, &c.name)) && !is_meant(exclude, &c.name)
            };
            let kept = (0..table.columns.len()).filter(|i| stay(&table.columns[*i])).collect();
            picked(table, kept)
        }
        "renameByRegex" => renamed(table, options),
        "reduce" => down_to_rows(table, options),
        "limit" => {
            let mut table = table;
            table.rows.truncate(limit(options));
            table
        }
        _ => table,
    }
}

/// These columns, in this order.
fn picked(table: Table, places: Vec<usize>) -> Table {
    let columns = places.iter().map(|i| table.columns[*i].clone()).collect();
    let row = |row: &Vec<Cell>| places.iter().filter_map(|i| row.get(*i).cloned()).collect();
    Table { columns, rows: table.rows.iter().map(row).collect(), ..table }
}

fn organized(table: Table, options: &Value) -> Table {
    let index = |i: &usize| {
        let wanted = options["indexByName"][&table.columns[*i].name].as_f64();
        wanted.unwrap_or(1e6 + *i as f64)
    };
    let mut kept: Vec<usize> = (0..table.columns.len())
        .filter(|i| options["excludeByName"][&table.columns[*i].name] != true)
        .collect();
    kept.sort_by(|a, b| index(a).total_cmp(&index(b)));
    let mut table = picked(table, kept);
    for column in &mut table.columns {
        let name = options["renameByName"][&column.name].as_str().unwrap_or_default();
        if !name.is_empty() {
            name.clone_into(&mut column.name);
        }
    }
    table
}

/// Rows that agree in all texts become one: numbers of several queries stand beside each other.
pub fn merged(table: Table) -> Table {
    let texts: Vec<usize> =
        (0..table.columns.len()).filter(|i| !table.columns[*i].is_number()).collect();
    joined(table, |row| {
        let keys: Vec<String> = texts.iter().map(|i| row[*i].key()).collect();
        format!("{keys:?}")
    })
}

/// Rows with the same key become one; later ones fill what is empty, and numbers that there are.
fn joined(table: Table, key: impl Fn(&[Cell]) -> String) -> Table {
    let mut places = std::collections::HashMap::new();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for row in table.rows {
        let place = *places.entry(key(&row)).or_insert(rows.len());
        let Some(there) = rows.get_mut(place) else {
            rows.push(row);
            continue;
        };
        for (old, new) in there.iter_mut().zip(row) {
            let takes = match (&*old, &new) {
                (_, Cell::Number(n)) => !n.is_nan(),
                (Cell::Text(old), Cell::Text(new)) => old.is_empty() && !new.is_empty(),
                _ => false,
            };
            if takes {
                *old = new;
            }
        }
    }
    Table { rows, ..table }
}

fn sorted(mut table: Table, options: &Value) -> Table {
    let first = &options["sort"][0];
    if let Some(by) = table.place(text(first, "field")) {
        let down = first["desc"] == true;
        table.rows.sort_by(|a, b| {
            let order = order(&a[by], &b[by]);
            if down { order.reverse() } else { order }
        });
    }
    table
}

/// Our word for a way to make one number of many.
fn way(name: &str) -> Option<&'static str> {
    Some(match name {
        "sum" => "sum",
        "mean" => "mean",
        "max" => "max",
        "min" => "min",
        "count" => "count",
        "last" | "lastNotNull" => "last",
        "first" | "firstNotNull" => "first",
        "range" => "range",
        _ => return None,
    })
}

fn one(numbers: impl Iterator<Item = f64>, way: &str) -> Cell {
    let points: Vec<_> = numbers.map(|n| (0, n)).collect();
    Cell::Number(reduced(&points, way).unwrap_or(f64::NAN))
}

fn grouped(table: Table, options: &Value) -> Table {
    let field = |c: &Column| &options["fields"][&c.name];
    let keys: Vec<usize> = (0..table.columns.len())
        .filter(|i| field(&table.columns[*i])["operation"] == "groupby")
        .collect();
    let mut sums: Vec<(usize, String)> = Vec::new();
    for (i, column) in table.columns.iter().enumerate() {
        if field(column)["operation"] == "aggregate" {
            let ways = field(column)["aggregations"].as_array().into_iter().flatten();
            sums.extend(ways.filter_map(|w| Some((i, w.as_str()?.to_owned()))));
        }
    }
    let mut groups: Vec<(String, Vec<Vec<Cell>>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in table.rows {
        let key = format!("{:?}", keys.iter().map(|i| row[*i].key()).collect::<Vec<_>>());
        let place = *places.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    let heads = keys.iter().map(|i| table.columns[*i].clone());
    let counted = sums.iter().map(|(i, way)| {
        let name = format!("{} ({way})", table.columns[*i].name);
        Column { name, kind: Holds::Numbers, ..table.columns[*i].clone() }.counted(way)
    });
    let columns = heads.chain(counted).collect();
    let rows = groups.into_iter().map(|(_, rows)| {
        let heads = keys.iter().map(|i| rows[0][*i].clone());
        let numbers = sums.iter().map(|(i, name)| match (name.as_str(), way(name)) {
            ("count" | "distinctCount", _) => Cell::Number(rows.len() as f64),
            (_, way) => one(rows.iter().map(|r| r[*i].number()), way.unwrap_or("last")),
        });
        heads.chain(numbers).collect()
    });
    let rows = rows.collect();
    Table { columns, rows, left_out: table.left_out, panel: table.panel }
}

/// What is written in an option: a name, or a number.
fn word(option: &Value) -> String {
    match option {
        Value::String(text) => text.clone(),
        other => other.as_f64().map(plain).unwrap_or_default(),
    }
}

fn calculated(mut table: Table, options: &Value) -> Table {
    let alias = text(options, "alias").to_owned();
    let (name, numbers): (String, Vec<Cell>) = if options["mode"] == "binary" {
        let binary = &options["binary"];
        let side = |which: &str| {
            let side = &binary[which];
            match side {
                Value::Object(o) if o.contains_key("matcher") => word(&side["matcher"]["options"]),
                Value::Object(_) => word(&side["fixed"]),
                other => word(other),
            }
        };
        let (left, right) = (side("left"), side("right"));
        let value = |row: &[Cell], name: &str| match table.place(name) {
            Some(i) => row[i].number(),
            None => name.trim().parse().unwrap_or(f64::NAN),
        };
        let operator = binary["operator"].as_str().unwrap_or("+").to_owned();
        let run = |row: &Vec<Cell>| {
            let (a, b) = (value(row, &left), value(row, &right));
            Cell::Number(match operator.as_str() {
                "+" => a + b,
                "-" => a - b,
                "*" => a * b,
                "/" => a / b,
                _ => f64::NAN,
            })
        };
        let usual = format!("{left} {operator} {right}");
        (if alias.is_empty() { usual } else { alias }, table.rows.iter().map(run).collect())
    } else {
        let include: Vec<&str> = options["reduce"]["include"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let meant = |c: &Column| include.is_empty() || include.contains(&c.name.as_str());
        let from: Vec<usize> = (0..table.columns.len())
            .filter(|i| table.columns[*i].is_number() && meant(&table.columns[*i]))
            .collect();
        let how = options["reduce"]["reducer"].as_str().and_then(way).unwrap_or("sum");
        let run = |row: &Vec<Cell>| one(from.iter().map(|i| row[*i].number()), how);
        let name = if alias.is_empty() { "Total".to_owned() } else { alias };
        (name, table.rows.iter().map(run).collect())
    };
    if options["replaceFields"] == true {
        let times = |i: &usize| table.columns[*i].kind == Holds::Times;
        let kept = (0..table.columns.len()).filter(times).collect();
        table = picked(table, kept);
    }
    table.columns.push(Column { name, kind: Holds::Numbers, ..Column::default() });
    table.rows.iter_mut().zip(numbers).for_each(|(row, number)| row.push(number));
    table
}

fn renamed(mut table: Table, options: &Value) -> Table {
    if let Some(from) = pattern(text(options, "regex")) {
        let to = text(options, "renamePattern");
        for column in &mut table.columns {
            column.name = replaced(&column.name, &from, to);
        }
    }
    table
}

/// How Grafana heads the column of a number, which overrides know it by.
fn head(reducer: &str) -> &str {
    match reducer {
        "last" => "Last",
        "lastNotNull" => "Last *",
        "first" => "First",
        "firstNotNull" => "First *",
        "min" => "Min",
        "max" => "Max",
        "mean" => "Mean",
        "sum" => "Total",
        "count" => "Count",
        "range" => "Range",
        other => other,
    }
}

/// A row for each column of numbers, with what it comes to.
fn down_to_rows(table: Table, options: &Value) -> Table {
    let asked = options["reducers"].as_array();
    let asked: Vec<&str> = match asked {
        Some(all) => all.iter().filter_map(Value::as_str).collect(),
        None => vec!["last"],
    };
    let ways: Vec<(&str, &str)> =
        asked.iter().filter_map(|name| Some((*name, way(name)?))).collect();
    let from: Vec<usize> =
        (0..table.columns.len()).filter(|i| table.columns[*i].is_number()).collect();
    let format: Option<Format> = from.first().and_then(|i| table.columns[*i].format.clone());
    let field = Column { name: "Field".to_owned(), ..Column::default() };
    let numbers = ways.iter().map(|(name, way)| {
        let (name, format) = (head(name).to_owned(), format.clone());
        Column { name, kind: Holds::Numbers, format, ..Column::default() }.counted(way)
    });
    let columns = std::iter::once(field).chain(numbers).collect();
    let rows = from.iter().map(|i| {
        // The newest comes first in a table of times.
        let cells = |way| one(table.rows.iter().rev().map(|r| r[*i].number()), way);
        let name = Cell::Text(table.columns[*i].name.clone());
        std::iter::once(name).chain(ways.iter().map(|(_, way)| cells(way))).collect()
    });
    let rows = rows.collect();
    Table { columns, rows, left_out: 0, panel: table.panel }
}
