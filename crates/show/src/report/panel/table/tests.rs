//! Tables of reports: how many rows they have. What is in them, the fixture of panels says.

use super::super::super::ask::Series;
use super::super::name_of;
use super::*;
use serde_json::json;

fn item(letter: &str, labels: &[(&str, &str)], values: &[f64]) -> Item {
    let labels: Vec<_> = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let points = values.iter().enumerate().map(|(i, v)| (i as i64 * 60_000, *v)).collect();
    Item {
        letter: letter.to_owned(),
        name: name_of(&labels, &[]),
        series: Series { labels, points },
        set: Map::new(),
        format: Format::default(),
        place: 0,
    }
}

fn with(transforms: Value) -> Value {
    json!({"kind": "table", "transforms": transforms, "queries": [{"ref": "A", "expr": "x"}]})
}

#[test]
fn rows_are_bounded_and_counted() {
    let items: Vec<Item> =
        (0..ROWS_MAX + 5).map(|i| item("A", &[("n", &i.to_string())], &[1.0])).collect();
    let table = of(&with(json!([])), &items);
    assert_eq!((table.rows.len(), table.left_out), (ROWS_MAX, 5));
    let Block::Table { rows, left_out, .. } = table.block("t", String::new(), &TimeZone::UTC)
    else {
        panic!()
    };
    assert_eq!((rows.len(), left_out), (TABLE_ROWS_MAX, ROWS_MAX + 5 - TABLE_ROWS_MAX));
}

#[test]
fn words_are_in_the_order_of_browsers() {
    let mut all = ["b", "B", "a10", "a9", "a-b", "A", "1", "$", "_x", "a b", "a", "/", "f", "e"];
    all.sort_by(|a, b| words::order(a, b));
    // What `localeCompare` in English with numbers by size makes of them.
    assert_eq!(all, ["_x", "/", "$", "1", "a", "A", "a b", "a-b", "a9", "a10", "b", "B", "e", "f"]);
    assert_eq!(words::order("x 007", "x 7"), Ordering::Equal);
}
