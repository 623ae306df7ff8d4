//! Go's own functions, without `call`.

use std::cmp::Ordering;

use super::{Env, Function, query_escaped, row, rows, text_at};
use crate::template::format::{Buffer, Full, sprint, sprintf, sprintln};
use crate::template::value::{Type, Value};

use Type::{Any, Bool, Text};

/// The table. `and` and `or` are evaluated where they stand, since they leave arguments out.
pub(super) const TABLE: &[Function] = &[
    rows("and", &[Any], Any, Any, |_, args| Ok(args.last().cloned().unwrap_or(Value::Nil))),
    rows("eq", &[Any], Any, Bool, |_, args| equal(args).map(Value::Bool)),
    row("ge", &[Any, Any], Bool, |_, args| Ok(Value::Bool(!less(args)?))),
    row("gt", &[Any, Any], Bool, |_, args| Ok(Value::Bool(!less(args)? && !equal(args)?))),
    rows("html", &[], Any, Text, |env, args| {
        let escaped = crate::template::html::escaped(&printed(env, args)?);
        let value = env.text(&escaped)?;
        Ok(match value {
            Value::Text(text) if env.is_html => Value::Html(text),
            other => other,
        })
    }),
    rows("index", &[Any], Any, Any, |_, args| index(args)),
    rows("js", &[], Any, Text, |env, args| {
        let text = printed(env, args)?;
        env.text(&script_escaped(&text))
    }),
    row("le", &[Any, Any], Bool, |_, args| Ok(Value::Bool(less(args)? || equal(args)?))),
    row("len", &[Any], Type::Int, |_, args| length(args)),
    row("lt", &[Any, Any], Bool, |_, args| less(args).map(Value::Bool)),
    row("ne", &[Any, Any], Bool, |_, args| Ok(Value::Bool(!equal(args)?))),
    row("not", &[Any], Bool, |_, args| Ok(Value::Bool(!args.first().is_some_and(Value::is_true)))),
    rows("or", &[Any], Any, Any, |_, args| Ok(args.last().cloned().unwrap_or(Value::Nil))),
    rows("print", &[], Any, Text, |env, args| env.printed(|out| sprint(out, args))),
    rows("printf", &[Text], Any, Text, |env, args| {
        env.printed(|out| sprintf(out, text_at(args, 0), args.get(1..).unwrap_or_default()))
    }),
    rows("println", &[], Any, Text, |env, args| env.printed(|out| sprintln(out, args))),
    rows("slice", &[Any], Any, Any, |_, args| slice(args)),
    rows("urlquery", &[], Any, Text, |env, args| {
        let text = printed(env, args)?;
        env.text(&query_escaped(&text))
    }),
];

/// Whether an argument ends `and` or `or`.
pub(in crate::template) fn truth_decides(name: &str, value: &Value) -> bool {
    value.is_true() == (name == "or")
}

/// The arguments as one text.
fn printed(env: &Env<'_>, args: &[Value]) -> Result<String, String> {
    if let [Value::Text(text)] = args {
        return Ok(text.to_string());
    }
    let mut out = Buffer::new(env.limits.output_bytes);
    sprint(&mut out, args).map_err(|Full| env.too_long())?;
    Ok(out.text)
}

fn length(args: &[Value]) -> Result<Value, String> {
    match args.first() {
        Some(Value::Nil) | None => Err("len of nil pointer".to_owned()),
        Some(item) => match item.len() {
            Some(n) => Ok(Value::Int(i64::try_from(n).unwrap_or(i64::MAX))),
            None => Err(format!("len of type {}", item.kind().go_name())),
        },
    }
}

/// A number that counts elements, at most `max`.
fn position(value: &Value, max: usize) -> Result<usize, String> {
    let n = match value {
        Value::Int(n) => *n,
        Value::Byte(b) => i64::from(*b),
        Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        other => {
            return Err(format!("cannot index slice/array with type {}", other.kind().go_name()));
        }
    };
    let found = usize::try_from(n).ok().filter(|n| *n <= max);
    found.ok_or_else(|| format!("index out of range: {n}"))
}

fn index(args: &[Value]) -> Result<Value, String> {
    let Some((first, rest)) = args.split_first() else { return Ok(Value::Nil) };
    if matches!(first, Value::Nil) {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = first.clone();
    for at in rest {
        item = match (&item, at) {
            (Value::Nil, _) => return Err("index of nil pointer".to_owned()),
            (Value::Map(map), Value::Text(name)) => Value::text(map.get(name).unwrap_or("")),
            (Value::Args(map), Value::Text(name)) => {
                map.entries.get(&**name).cloned().unwrap_or(Value::Nil)
            }
            (Value::Map(_) | Value::Args(_), Value::Nil) => {
                return Err("value is nil; should be of type string".to_owned());
            }
            (Value::Map(_) | Value::Args(_), at) => {
                let name = at.kind().go_name();
                return Err(format!("value has type {name}; should be string"));
            }
            (item, at) => match item.len() {
                Some(n) => {
                    let i = position(at, n)?;
                    item.at(i).ok_or_else(|| format!("index out of range: {i}"))?
                }
                None => return Err(format!("can't index item of type {}", item.kind().go_name())),
            },
        };
    }
    Ok(item)
}

fn slice(args: &[Value]) -> Result<Value, String> {
    let Some((item, at)) = args.split_first() else { return Ok(Value::Nil) };
    if at.len() > 3 {
        return Err(format!("too many slice indexes: {}", at.len()));
    }
    let unfit = || format!("can't slice item of type {}", item.kind().go_name());
    let is_map = matches!(item, Value::Map(_) | Value::Args(_));
    let len = match item {
        Value::Nil => return Err("slice of untyped nil".to_owned()),
        item => item.len().filter(|_| !is_map).ok_or_else(unfit)?,
    };
    if at.len() == 3 && matches!(item, Value::Text(_)) {
        return Err("cannot 3-index slice a string".to_owned());
    }
    let mut bounds = [0, len, len];
    for (bound, at) in bounds.iter_mut().zip(at) {
        *bound = position(at, len)?;
    }
    let [from, to, cap] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    if to > cap {
        return Err(format!("invalid slice index: {to} > {cap}"));
    }
    item.part(from, to).ok_or_else(unfit)
}

/// What kinds of values compare with each other.
#[derive(PartialEq)]
enum Basic<'v> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'v str),
}

fn basic(value: &Value) -> Option<Basic<'_>> {
    Some(match value {
        Value::Bool(b) => Basic::Bool(*b),
        Value::Int(n) | Value::Duration(n) => Basic::Int(*n),
        Value::Byte(b) => Basic::Int(i64::from(*b)),
        Value::Month(n) | Value::Weekday(n) => Basic::Int(i64::from(*n)),
        Value::Float(x) => Basic::Float(*x),
        Value::Text(t) | Value::Html(t) | Value::Url(t) => Basic::Text(t),
        _ => return None,
    })
}

/// Whether the first is equal to one of the others.
fn equal(args: &[Value]) -> Result<bool, String> {
    let Some((first, others)) = args.split_first() else { return Ok(false) };
    let unfit = |value: &Value| match value {
        Value::Time(_) | Value::Alert(_) | Value::Pair(_) | Value::Nil => None,
        _ if basic(value).is_some() => None,
        other => {
            let mut shown = Buffer::new(2_000);
            let _cut = sprint(&mut shown, std::slice::from_ref(other));
            Some(format!("non-comparable type {}: {}", shown.text, other.kind().go_name()))
        }
    };
    if let Some(why) = unfit(first) {
        return Err(why);
    }
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        let same = match (basic(first), basic(other)) {
            (Some(a), Some(b)) => {
                if std::mem::discriminant(&a) != std::mem::discriminant(&b) {
                    return Err("incompatible types for comparison".to_owned());
                }
                a == b
            }
            (None, None) => match (first, other) {
                (Value::Nil, Value::Nil) => true,
                (Value::Time(a), Value::Time(b)) => a.timestamp() == b.timestamp(),
                (Value::Pair(a), Value::Pair(b)) => a.name == b.name && a.value == b.value,
                (_, other) => match unfit(other) {
                    Some(why) => return Err(why),
                    None => false,
                },
            },
            _ if matches!(first, Value::Nil) || matches!(other, Value::Nil) => false,
            _ => return Err("incompatible types for comparison".to_owned()),
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

fn less(args: &[Value]) -> Result<bool, String> {
    let [a, b] = args else { return Err("missing argument for comparison".to_owned()) };
    let unfit = || "invalid type for comparison".to_owned();
    let (Some(a), Some(b)) = (basic(a), basic(b)) else { return Err(unfit()) };
    match (a, b) {
        (Basic::Bool(_), Basic::Bool(_)) => Err(unfit()),
        (Basic::Int(a), Basic::Int(b)) => Ok(a < b),
        (Basic::Float(a), Basic::Float(b)) => Ok(a < b),
        (Basic::Text(a), Basic::Text(b)) => Ok(a.cmp(b) == Ordering::Less),
        _ => Err("incompatible types for comparison".to_owned()),
    }
}

/// A text as it stands in a string of JavaScript.
fn script_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c < ' ' || c.is_control() || ('\u{2028}'..='\u{2029}').contains(&c) => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}
