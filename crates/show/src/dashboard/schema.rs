//! The keys of a dashboard, as a table.

use super::shape::Shape::{Any, Bool, Int, Keys, List, Mapping, Number, NumberOrNull, OneOf, Text};
use super::shape::{Shape, may, must};
use super::{COLUMNS, PANELS_MAX, QUERIES_MAX, ROWS_MAX, VARIABLES_MAX};

const NAME: Shape = Text(200);
const WORDS: Shape = Text(4_000);
const EXPR: Shape = Text(64 << 10);
const LONG: Shape = Text(256 << 10);
const COLOUR: Shape = Text(100);
const URL: Shape = Text(8 << 10);

const LINKS: Shape = List(&Keys(&[may("title", &NAME), must("url", &URL)]), 100);

/// Ways of drawing.
const DRAWS: Shape = OneOf(&["line", "bars", "points"]);
const STACKS: Shape = OneOf(&["none", "normal", "percent"]);

const THRESHOLDS: Shape = List(
    &Keys(&[
        may("at", &NumberOrNull),
        may("severity", &OneOf(&["ok", "info", "warning", "critical"])),
        may("colour", &COLOUR),
    ]),
    50,
);

const MAPPINGS: Shape = List(
    &Keys(&[
        must("kind", &OneOf(&["value", "range", "regex", "special"])),
        may("value", &WORDS),
        may("from", &NumberOrNull),
        may("to", &NumberOrNull),
        may("text", &WORDS),
        may("colour", &COLOUR),
    ]),
    1_000,
);

const STYLE: Shape = Keys(&[
    may("draw", &DRAWS),
    may("fill", &Number),
    may("width", &Number),
    may("stack", &STACKS),
    may("axis", &OneOf(&["linear", "log2", "log10"])),
    may("gaps", &OneOf(&["connect", "gap"])),
    may("legend", &OneOf(&["list", "table", "hidden"])),
    may("legend_values", &List(&NAME, 20)),
    may("legend_at", &OneOf(&["bottom", "right"])),
    may("orientation", &OneOf(&["auto", "horizontal", "vertical"])),
    may("sparkline", &Bool),
    may("text", &OneOf(&["value", "name", "both", "none"])),
    may("colour", &OneOf(&["value", "background", "none"])),
    may("steps", &Bool),
    may("donut", &Bool),
]);

const OVERRIDES: Shape = List(
    &Keys(&[
        must(
            "match",
            &Keys(&[
                must("by", &OneOf(&["name", "regex", "query", "type"])),
                must("value", &WORDS),
            ]),
        ),
        must(
            "set",
            &Keys(&[
                may("unit", &NAME),
                may("decimals", &Int(0, 20)),
                may("min", &Number),
                may("max", &Number),
                may("colour", &COLOUR),
                may("axis", &OneOf(&["left", "right"])),
                may("hidden", &Bool),
                may("draw", &DRAWS),
                may("dash", &Bool),
                may("title", &NAME),
                may("thresholds", &THRESHOLDS),
                may("mappings", &MAPPINGS),
                may("stack", &STACKS),
                may("fill", &Number),
                may("width", &Number),
                may("negative", &Bool),
            ]),
        ),
    ]),
    200,
);

const PANEL: Shape = Keys(&[
    must("id", &Int(1, 9_007_199_254_740_991)),
    must(
        "kind",
        &OneOf(&[
            "timeseries",
            "stat",
            "gauge",
            "loadline",
            "barlist",
            "table",
            "heatmap",
            "histogram",
            "state_timeline",
            "status_grid",
            "pie",
            "text",
            "alerts",
            "insights",
            "row",
            "unsupported",
        ]),
    ),
    may("title", &NAME),
    may("description", &LONG),
    must(
        "at",
        &Keys(&[
            must("x", &Int(0, COLUMNS as u64 - 1)),
            must("y", &Int(0, ROWS_MAX as u64)),
            must("w", &Int(1, COLUMNS as u64)),
            must("h", &Int(1, 500)),
        ]),
    ),
    may("collapsed", &Bool),
    may(
        "queries",
        &List(
            &Keys(&[
                may("ref", &Text(100)),
                must("expr", &EXPR),
                may("legend", &Text(1_000)),
                may("kind", &OneOf(&["range", "instant"])),
                may("hidden", &Bool),
                may("step", &Text(50)),
            ]),
            QUERIES_MAX,
        ),
    ),
    may("unit", &NAME),
    may("decimals", &Int(0, 20)),
    may("min", &Number),
    may("max", &Number),
    may("reduce", &OneOf(&["last", "mean", "max", "min", "sum", "count", "range", "first"])),
    may("thresholds", &THRESHOLDS),
    may("thresholds_mode", &OneOf(&["absolute", "percent"])),
    may("style", &STYLE),
    may("mappings", &MAPPINGS),
    may("overrides", &OVERRIDES),
    may("transforms", &List(&Keys(&[must("kind", &NAME), may("options", &Mapping)]), 50)),
    may(
        "repeat",
        &Keys(&[
            must("by", &NAME),
            may("direction", &OneOf(&["h", "v"])),
            may("max", &Int(1, COLUMNS as u64)),
        ]),
    ),
    may("text", &LONG),
    may("links", &LINKS),
    may("time", &Keys(&[may("from", &Text(50)), may("shift", &Text(50))])),
    may("match", &WORDS),
    may("grafana", &Any),
]);

const VARIABLE: Shape = Keys(&[
    must("name", &NAME),
    may("label", &NAME),
    may("description", &WORDS),
    must(
        "kind",
        &OneOf(&["query", "custom", "interval", "text", "constant", "datasource", "adhoc"]),
    ),
    may("query", &EXPR),
    may("regex", &WORDS),
    may("sort", &OneOf(&["none", "text", "number", "text_desc", "number_desc"])),
    may("multi", &Bool),
    may("include_all", &Bool),
    may("all_value", &WORDS),
    may("current", &List(&WORDS, 10_000)),
    may("hide", &OneOf(&["no", "label", "variable"])),
]);

/// A dashboard.
pub(super) const DASHBOARD: Shape = Keys(&[
    may("id", &Text(100)),
    must("title", &NAME),
    may("description", &LONG),
    may("folder", &NAME),
    may("tags", &List(&NAME, 100)),
    may("version", &Int(0, u64::MAX)),
    may("time", &Keys(&[must("from", &Text(50)), must("to", &Text(50))])),
    may("refresh", &Text(50)),
    may("variables", &List(&VARIABLE, VARIABLES_MAX)),
    may(
        "annotations",
        &List(
            &Keys(&[
                must("name", &NAME),
                must("kind", &OneOf(&["alerts", "changes", "anomalies", "query"])),
                may("query", &EXPR),
                may("enabled", &Bool),
                may("colour", &COLOUR),
            ]),
            50,
        ),
    ),
    must("panels", &List(&PANEL, PANELS_MAX)),
    may("links", &LINKS),
    may("extra", &Mapping),
]);
