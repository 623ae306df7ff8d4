//! Tables of reports: their columns, their order, what transforms leave of them.

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
    }
}

fn check(panel: Value, items: &[Item], wanted: &[&str]) {
    let Rows { columns, rows } = of(&panel, items).rows();
    let head = columns.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join("|");
    let found: Vec<String> =
        std::iter::once(head).chain(rows.into_iter().map(|r| r.join("|"))).collect();
    assert_eq!(found, wanted, "{panel}");
}

fn disks() -> Vec<Item> {
    vec![
        item("A", &[("__name__", "used"), ("disk", "b")], &[1.0, 3.0]),
        item("A", &[("__name__", "used"), ("disk", "a")], &[2.0, 4.0]),
        item("B", &[("__name__", "size"), ("disk", "a")], &[8.0]),
    ]
}

fn with(transforms: Value) -> Value {
    json!({"kind": "table", "transforms": transforms, "queries": [{"ref": "A", "expr": "x"}]})
}

#[test]
fn labels_are_columns_and_queries_stand_beside_each_other() {
    check(with(json!([])), &disks(), &["disk|Value #A|Value #B", "b|3|–", "a|4|8"]);
    check(with(json!([])), &disks()[..1], &["__name__|disk|Value", "used|b|3"]);
    check(with(json!([])), &[], &[""]);
}

#[test]
fn transforms_do_what_they_do_on_the_screen() {
    let sorted = json!({"kind": "sortBy", "options": {"sort": [{"field": "disk"}]}});
    let organize = json!({"kind": "organize", "options": {
        "excludeByName": {"Value #B": true}, "indexByName": {"Value #A": 0, "disk": 1}, "renameByName": {"Value #A": "Used"}}});
    check(with(json!([sorted, organize])), &disks(), &["Used|disk", "4|a", "3|b"]);
    let down =
        json!({"kind": "sortBy", "options": {"sort": [{"field": "Value #A", "desc": true}]}});
    let first = json!({"kind": "limit", "options": {"limitField": 1}});
    check(with(json!([down, first])), &disks(), &["disk|Value #A|Value #B", "a|4|8"]);
    let share = json!({"kind": "calculateField", "options": {"alias": "Share", "mode": "binary",
        "binary": {"left": "Value #A", "operator": "/", "right": {"matcher": {"options": "Value #B"}}}}});
    check(
        with(json!([share])),
        &disks(),
        &["disk|Value #A|Value #B|Share", "b|3|–|–", "a|4|8|0.5"],
    );
    let total = json!({"kind": "calculateField", "options": {"reduce": {"reducer": "sum"}}});
    check(with(json!([total])), &disks(), &["disk|Value #A|Value #B|Total", "b|3|–|3", "a|4|8|12"]);
    let keep =
        json!({"kind": "filterFieldsByName", "options": {"include": {"pattern": "^(disk|.*B)$"}}});
    check(with(json!([keep])), &disks(), &["disk|Value #B", "b|–", "a|8"]);
    let group = json!({"kind": "groupBy", "options": {"fields": {
        "__name__": {"operation": "groupby"}, "Value": {"operation": "aggregate", "aggregations": ["sum", "count"]}}}});
    check(with(json!([group])), &disks()[..2], &["__name__|Value (sum)|Value (count)", "used|7|2"]);
    let rename =
        json!({"kind": "renameByRegex", "options": {"regex": "Value #(.)", "renamePattern": "$1"}});
    check(with(json!([rename])), &disks(), &["disk|A|B", "b|3|–", "a|4|8"]);
}

#[test]
fn a_table_of_times_comes_down_to_rows() {
    let reduce = json!({"kind": "reduce", "options": {"reducers": ["max", "lastNotNull"]}});
    let items = [item("A", &[("disk", "b")], &[5.0, 3.0])];
    check(with(json!([reduce])), &items, &["Field|max|last", "b|5|3"]);
}

#[test]
fn overrides_and_mappings_hold_for_cells() {
    let panel = json!({
        "kind": "table", "queries": [{"ref": "A", "expr": "x"}], "mappings": [{"kind": "value", "value": "3", "text": "three"}],
        "overrides": [
            {"match": {"by": "name", "value": "__name__"}, "set": {"hidden": true}},
            {"match": {"by": "name", "value": "Value"}, "set": {"title": "Used", "unit": "bytes"}},
        ],
    });
    check(panel, &disks()[..2], &["disk|Used", "b|three", "a|4 B"]);
}

#[test]
fn rows_are_bounded_and_counted() {
    let items: Vec<Item> =
        (0..ROWS_MAX + 5).map(|i| item("A", &[("n", &i.to_string())], &[1.0])).collect();
    let table = of(&with(json!([])), &items);
    assert_eq!((table.rows.len(), table.left_out), (ROWS_MAX, 5));
    let Block::Table { rows, left_out, .. } = table.block("t", String::new()) else { panic!() };
    assert_eq!((rows.len(), left_out), (TABLE_ROWS_MAX, ROWS_MAX + 5 - TABLE_ROWS_MAX));
}
