//! Dashboards as YAML, for people and for version control. What is written reads back as the same document.
//!
//! Keys stand in the order in which one reads them ([`ORDER`]); what has only a few short values stands on one line; texts
//! of several lines stand as blocks.

use plimsoll_model::written::{Node, Value as Written, parse};
use serde_json::{Map, Number, Value};

use super::Dashboard;

/// Keys that stand first, in this order; others follow by name.
const ORDER: [&str; 32] = [
    "id",
    "ref",
    "name",
    "kind",
    "title",
    "label",
    "by",
    "at",
    "x",
    "y",
    "w",
    "h",
    "description",
    "folder",
    "tags",
    "version",
    "expr",
    "legend",
    "query",
    "regex",
    "unit",
    "match",
    "set",
    "from",
    "to",
    "value",
    "text",
    "time",
    "refresh",
    "variables",
    "annotations",
    "panels",
];
/// A list or mapping of at most so many bytes stands on one line.
const LINE_MAX: usize = 100;
/// How deep documents are nested at most; YAML beyond it is refused.
const DEPTH_MAX: usize = 64;

/// A dashboard as YAML.
pub fn to_yaml(dashboard: &Dashboard) -> String {
    value_to_yaml(&serde_json::to_value(dashboard).unwrap_or_default())
}

/// JSON as YAML.
pub fn value_to_yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// YAML as JSON; the shape is for [`super::check`] to look at.
///
/// # Errors
/// What is not readable, with its line.
pub fn from_yaml(text: &str) -> Result<Value, String> {
    let node = parse("dashboard", text).map_err(|p| format!("line {}: {}", p.line, p.message))?;
    json(&node, 0)
}

/// The lines on which what the paths name (`panels[3].queries[0].expr`) is written in a YAML text; where it is missing,
/// the line of what it belongs to. 0 when the text is not readable.
pub fn lines_of<'a>(text: &str, paths: impl IntoIterator<Item = &'a str>) -> Vec<u64> {
    let node = parse("dashboard", text).ok();
    paths.into_iter().map(|path| node.as_ref().map_or(0, |n| line_of(n, path))).collect()
}

fn line_of(top: &Node, path: &str) -> u64 {
    let (mut node, mut line) = (top, top.line.max(1));
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        let below = match &node.value {
            Written::Map(entries) => {
                entries.iter().find(|(key, ..)| key == part).map(|(_, at, below)| (*at, below))
            }
            Written::List(list) => {
                part.parse().ok().and_then(|i: usize| list.get(i)).map(|below| (below.line, below))
            }
            _ => None,
        };
        let Some((at, next)) = below else { break };
        (node, line) = (next, at);
    }
    line
}

fn json(node: &Node, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err(format!("line {}: nested more than {DEPTH_MAX} deep", node.line));
    }
    Ok(match &node.value {
        Written::Null => Value::Null,
        Written::Bool(b) => Value::Bool(*b),
        Written::Int(i) => Value::from(*i),
        Written::Float(x) => Number::from_f64(*x)
            .map(Value::Number)
            .ok_or_else(|| format!("line {}: {x} is not a finite number", node.line))?,
        Written::Text(text) => Value::String(text.clone()),
        Written::List(list) => {
            Value::Array(list.iter().map(|n| json(n, depth + 1)).collect::<Result<_, _>>()?)
        }
        Written::Map(entries) => {
            let entry = |(key, _, n): &(String, u64, Node)| Ok((key.clone(), json(n, depth + 1)?));
            Value::Object(entries.iter().map(entry).collect::<Result<_, String>>()?)
        }
    })
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut all: Vec<_> = map.iter().collect();
    let place = |key: &str| ORDER.iter().position(|k| *k == key).unwrap_or(ORDER.len());
    all.sort_by(|a, b| (place(a.0), a.0).cmp(&(place(b.0), b.0)));
    all
}

/// Writes a value whose first line stands at the cursor; ends with a new line.
fn block(value: &Value, depth: usize, out: &mut String) {
    if let Some(line) = on_one_line(value) {
        out.push_str(&line);
        out.push('\n');
        return;
    }
    match value {
        Value::Object(map) => {
            for (i, (key, one)) in sorted(map).into_iter().enumerate() {
                if i > 0 {
                    indent(depth, out);
                }
                out.push_str(&name(key));
                out.push(':');
                under(one, depth, out);
            }
        }
        Value::Array(list) => {
            for (i, one) in list.iter().enumerate() {
                if i > 0 {
                    indent(depth, out);
                }
                out.push_str("- ");
                block(one, depth + 1, out);
            }
        }
        // All else stands on one line.
        _ => out.push('\n'),
    }
}

/// Writes what follows a key and its colon.
fn under(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::String(text) if as_block(text) => {
            out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                if !line.is_empty() {
                    indent(depth + 1, out);
                    out.push_str(line);
                }
                out.push('\n');
            }
        }
        Value::Object(_) | Value::Array(_) if on_one_line(value).is_none() => {
            out.push('\n');
            indent(depth + 1, out);
            block(value, depth + 1, out);
        }
        _ => {
            out.push(' ');
            block(value, depth + 1, out);
        }
    }
}

/// Whether a text can stand as a block of lines and read back as itself.
fn as_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && !text.contains(|c: char| (c.is_control() && c != '\n') || special(c))
        && body.split('\n').all(|line| !line.starts_with('\t'))
}

/// Characters that YAML reads as the end of a line, or not at all.
const fn special(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// What is short, on one line.
fn on_one_line(value: &Value) -> Option<String> {
    match value {
        Value::Object(map) if map.is_empty() => Some("{}".to_owned()),
        Value::Array(list) if list.is_empty() => Some("[]".to_owned()),
        Value::Object(map) if map.values().any(alone) => None,
        Value::Object(map) => {
            let flat = |(k, v): (&String, &Value)| {
                flat(v).then(|| format!("{}: {}", name(k), scalar(v, true)))
            };
            let all: Option<Vec<String>> = sorted(map).into_iter().map(flat).collect();
            all.map(|all| format!("{{{}}}", all.join(", "))).filter(|l| l.len() <= LINE_MAX)
        }
        Value::Array(list) => {
            let all: Option<Vec<String>> =
                list.iter().map(|v| flat(v).then(|| scalar(v, true))).collect();
            all.map(|all| format!("[{}]", all.join(", "))).filter(|l| l.len() <= LINE_MAX)
        }
        scalar_value => Some(scalar(scalar_value, false)),
    }
}

const fn flat(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

/// A key. Nobody reads the place of a panel as a yes.
fn name(key: &str) -> String {
    if key == "y" { key.to_owned() } else { plain(key, true) }
}

/// Whether a text is easier to read on a line of its own.
fn alone(value: &Value) -> bool {
    value.as_str().is_some_and(|s| s.contains(['"', '\\']))
}

fn scalar(value: &Value, in_flow: bool) -> String {
    match value {
        Value::String(text) => plain(text, in_flow),
        Value::Number(n) => match n.as_f64() {
            Some(x) if n.is_f64() && x.fract() == 0.0 && x.abs() < 1e15 => format!("{x:.0}"),
            _ => n.to_string(),
        },
        other => other.to_string(),
    }
}

/// A text as it is, or in quotes where YAML would read something else.
fn plain(text: &str, in_flow: bool) -> String {
    let usual =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '$' | '.' | '-' | '(' | ')');
    let inner = |c: char| {
        usual(c)
            || c == ' '
            || (!in_flow
                && matches!(
                    c,
                    ',' | '['
                        | ']'
                        | '{'
                        | '}'
                        | '='
                        | '"'
                        | '*'
                        | '+'
                        | '%'
                        | '^'
                        | '<'
                        | '>'
                        | '~'
                        | '|'
                        | '\''
                        | ';'
                        | '?'
                        | '@'
                        | '!'
                ))
    };
    let first = text.chars().next();
    let starts = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '/' || c == '$');
    let ends = !text.ends_with(' ');
    let word = text.to_ascii_lowercase();
    let other = matches!(
        word.as_str(),
        "true"
            | "false"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "y"
            | "n"
            | "null"
            | "nan"
            | "inf"
            | "infinity"
    );
    if starts && ends && !other && text.chars().all(inner) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || special(c) => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn yaml_is_what_people_would_write() {
        let doc = json!({
            "title": "A: b", "id": "a", "panels": [
                {"id": 1, "kind": "stat", "at": {"x": 0, "y": 0, "w": 6, "h": 4},
                 "queries": [{"ref": "A", "expr": "sum by (job) (rate(x{a=\"b\"}[5m]))"}]},
                {"id": 2, "kind": "text", "text": "# Head\n\nbody\n", "at": {"x": 0, "y": 4, "w": 24, "h": 2}},
            ], "tags": ["a", "off"], "extra": {"deep": [[1.5, null], {"k": true}]},
        });
        let yaml = value_to_yaml(&doc);
        let want = "id: a\ntitle: \"A: b\"\ntags: [a, \"off\"]\npanels:\n  - id: 1\n    kind: stat\n    at: {x: 0, y: 0, w: 6, h: 4}\n    queries:\n      - ref: A\n        expr: sum by (job) (rate(x{a=\"b\"}[5m]))\n  - id: 2\n    kind: text\n    at: {x: 0, y: 4, w: 24, h: 2}\n    text: |\n      # Head\n\n      body\nextra:\n  deep:\n    - [1.5, null]\n    - {k: true}\n";
        assert_eq!(yaml, want);
        assert_eq!(from_yaml(&yaml).unwrap(), doc);
        assert!(from_yaml("a: [").unwrap_err().starts_with("line "));
        assert!(from_yaml("a: .nan").is_err());
    }

    #[test]
    fn what_a_path_names_has_a_line() {
        let text = "title: A\npanels:\n  - id: 1\n    kind: stat\n    at: {x: 0}\n  - id: 2\n    queries:\n      - ref: A\n        expr: up\n";
        let paths = [
            "title",
            "panels[0].at.x",
            "panels[1].queries[0].expr",
            "panels[1].title",
            "panels[7]",
            "",
        ];
        assert_eq!(lines_of(text, paths), [1, 5, 9, 6, 2, 1]);
        assert_eq!(lines_of("a: [", ["a"]), [0]);
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(|x| Value::from(x + 0.5)),
            "[ -~\n\t\u{e9}\u{2028}]{0,20}".prop_map(Value::from),
            "[0-9a-f:.xeE+-]{0,8}".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[a-z :#-]{0,6}", inner, 0..5)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(doc in tree()) {
            let doc = json!({ "doc": doc });
            let yaml = value_to_yaml(&doc);
            prop_assert_eq!(from_yaml(&yaml).map_err(TestCaseError::fail)?, doc, "{}", yaml);
        }
    }
}
