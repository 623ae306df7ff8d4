//! Whether JSON has the shape that is wanted: a table of keys and kinds, and one walk that notes all that differs.

use plimsoll_model::written::distance;
use serde_json::Value;

use super::check::{Problem, Problems};

/// What is wanted at a place.
pub(super) enum Shape {
    /// A text of at most so many bytes.
    Text(usize),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A finite number.
    Number,
    /// A finite number or nothing.
    NumberOrNull,
    /// A whole number within these.
    Int(u64, u64),
    Bool,
    /// At most so many.
    List(&'static Shape, usize),
    /// These keys and no others.
    Keys(&'static [Key]),
    /// A mapping of anything.
    Mapping,
    /// Anything.
    Any,
}

/// A key of a mapping.
pub(super) struct Key {
    pub name: &'static str,
    pub needed: bool,
    pub shape: &'static Shape,
}

/// A key that may be missing.
pub(super) const fn may(name: &'static str, shape: &'static Shape) -> Key {
    Key { name, needed: false, shape }
}

/// A key that must be there.
pub(super) const fn must(name: &'static str, shape: &'static Shape) -> Key {
    Key { name, needed: true, shape }
}

/// Notes all places where `value` has another shape.
pub(super) fn compare(value: &Value, shape: &Shape, path: &str, problems: &mut Problems) {
    match (shape, value) {
        (Shape::Any, _)
        | (Shape::Mapping, Value::Object(_))
        | (Shape::Bool, Value::Bool(_))
        | (Shape::NumberOrNull, Value::Null | Value::Number(_))
        | (Shape::Number, Value::Number(_)) => {}
        (Shape::Text(max), Value::String(text)) => {
            if text.len() > *max {
                let said = format!("{} bytes; at most {max}", text.len());
                problems.error(path, value, said, "shorten it");
            }
        }
        (Shape::OneOf(all), Value::String(text)) => {
            if !all.contains(&text.as_str()) {
                let near = nearest(text, all.iter().copied());
                let remedy = near.map_or_else(
                    || format!("write one of {}", all.join(", ")),
                    |near| format!("did you mean {near}? It is one of {}", all.join(", ")),
                );
                problems.error(path, value, format!("{text:?} is not known here"), remedy);
            }
        }
        (Shape::Int(from, to), Value::Number(number)) => {
            if !number.as_u64().is_some_and(|n| (*from..=*to).contains(&n)) {
                let remedy = format!("write a whole number from {from} to {to}");
                problems.error(path, value, format!("{number} does not fit"), remedy);
            }
        }
        (Shape::List(each, max), Value::Array(list)) => {
            if list.len() > *max {
                let said = format!("{} entries; at most {max}", list.len());
                problems.error(path, &Value::Null, said, "split it into several");
            }
            for (i, one) in list.iter().take(*max).enumerate() {
                compare(one, each, &format!("{path}[{i}]"), problems);
            }
        }
        (Shape::Keys(keys), Value::Object(map)) => {
            for (name, one) in map {
                let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match keys.iter().find(|k| k.name == name) {
                    // What is written as nothing is not said.
                    Some(key) if one.is_null() && !key.needed => {
                        if matches!(key.shape, Shape::Keys(_) | Shape::List(..) | Shape::Mapping) {
                            problems.error(
                                &at,
                                one,
                                "nothing stands there".to_owned(),
                                "leave it out",
                            );
                        }
                    }
                    Some(key) => compare(one, key.shape, &at, problems),
                    None => {
                        let near = nearest(name, keys.iter().map(|k| k.name));
                        let remedy = near.map_or_else(
                            || "leave it out".to_owned(),
                            |near| format!("did you mean {near}?"),
                        );
                        problems.error(&at, one, "unknown key".to_owned(), remedy);
                    }
                }
            }
            for key in keys.iter().filter(|k| k.needed && !map.contains_key(k.name)) {
                let at = if path.is_empty() {
                    key.name.to_owned()
                } else {
                    format!("{path}.{}", key.name)
                };
                problems.error(
                    &at,
                    &Value::Null,
                    "is missing".to_owned(),
                    format!("write {}", key.name),
                );
            }
        }
        _ => {
            let said = format!("{} where {} is wanted", kind(value), wanted(shape));
            problems.error(path, value, said, format!("write {}", wanted(shape)));
        }
    }
}

fn nearest<'a>(text: &str, all: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = all.map(|one| (distance(text, one), one)).min()?;
    (near.0 <= 1 + text.len() / 4).then_some(near.1)
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a yes/no value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

const fn wanted(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text(_) | Shape::OneOf(_) => "a text",
        Shape::Number => "a number",
        Shape::NumberOrNull => "a number or null",
        Shape::Int(..) => "a whole number",
        Shape::Bool => "true or false",
        Shape::List(..) => "a list",
        Shape::Keys(_) | Shape::Mapping => "a mapping",
        Shape::Any => "anything",
    }
}

/// A value as it is shown beside a problem.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        other => other.to_string(),
    };
    if text.len() <= Problem::VALUE_BYTES_MAX {
        return text;
    }
    let end = (0..=Problem::VALUE_BYTES_MAX).rev().find(|i| text.is_char_boundary(*i));
    format!("{}…", &text[..end.unwrap_or(0)])
}
