//! Values as JSON, as Go's encoding/json writes them.

use super::Env;
use crate::template::format::{Buffer, Full};
use crate::template::gotime;
use crate::template::member::fields;
use crate::template::value::Value;

/// A value as JSON.
///
/// # Errors
/// It is too long, or holds a number that JSON does not have.
pub(super) fn written(env: &mut Env<'_>, value: &Value) -> Result<Value, String> {
    let mut out = Buffer::new(env.limits.output_bytes);
    write(&mut out, value).map_err(|e| match e {
        Fails::Full => env.too_long(),
        Fails::Number(text) => format!("json: unsupported value: {text}"),
    })?;
    env.text(&out.text)
}

enum Fails {
    Full,
    Number(String),
}

impl From<Full> for Fails {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

fn write(out: &mut Buffer, value: &Value) -> Result<(), Fails> {
    match value {
        Value::Nil => out.put("null")?,
        Value::Bool(b) => out.put(if *b { "true" } else { "false" })?,
        Value::Int(n) | Value::Duration(n) => out.put(&n.to_string())?,
        Value::Byte(b) => out.put(&b.to_string())?,
        Value::Month(n) | Value::Weekday(n) => out.put(&n.to_string())?,
        Value::Float(x) if x.is_finite() => out.put(&number(*x))?,
        Value::Float(x) => return Err(Fails::Number(crate::template::number::shortest(*x))),
        Value::Text(t) | Value::Html(t) | Value::Url(t) => text(out, t)?,
        Value::Time(t) => text(out, &gotime::format(t, gotime::RFC3339_NANO))?,
        Value::Map(map) => {
            out.put("{")?;
            for (i, (name, item)) in map.iter().enumerate() {
                out.put(if i > 0 { "," } else { "" })?;
                text(out, name)?;
                out.put(":")?;
                text(out, item)?;
            }
            out.put("}")?;
        }
        Value::Args(map) => {
            object(out, map.entries.iter().map(|(n, v)| (n.as_str(), v.clone())))?;
        }
        list if list.len().is_some() => {
            out.put("[")?;
            for i in 0..list.len().unwrap_or(0) {
                out.put(if i > 0 { "," } else { "" })?;
                write(out, &list.at(i).unwrap_or(Value::Nil))?;
            }
            out.put("]")?;
        }
        record => object(out, fields(record).into_iter().map(|(n, v)| (name_of(record, n), v)))?,
    }
    Ok(())
}

fn object<'n>(
    out: &mut Buffer,
    entries: impl Iterator<Item = (&'n str, Value)>,
) -> Result<(), Fails> {
    out.put("{")?;
    for (i, (name, value)) in entries.enumerate() {
        out.put(if i > 0 { "," } else { "" })?;
        text(out, name)?;
        out.put(":")?;
        write(out, &value)?;
    }
    Ok(out.put("}")?)
}

/// What a field is called in JSON.
fn name_of(record: &Value, field: &'static str) -> &'static str {
    if !matches!(record, Value::Data(_) | Value::Alert(_)) {
        return field;
    }
    match field {
        "Receiver" => "receiver",
        "Status" => "status",
        "Alerts" => "alerts",
        "NotificationReason" => "notification_reason",
        "GroupLabels" => "groupLabels",
        "CommonLabels" => "commonLabels",
        "CommonAnnotations" => "commonAnnotations",
        "ExternalURL" => "externalURL",
        "GroupKey" => "groupKey",
        "TruncatedAlerts" => "truncatedAlerts",
        "Labels" => "labels",
        "Annotations" => "annotations",
        "StartsAt" => "startsAt",
        "EndsAt" => "endsAt",
        "GeneratorURL" => "generatorURL",
        "Fingerprint" => "fingerprint",
        other => other,
    }
}

/// A number as JSON has it: an exponent below 1e-6 and from 1e21 on.
fn number(x: f64) -> String {
    if x != 0.0 && !(1e-6..1e21).contains(&x.abs()) {
        let text = format!("{x:e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                format!("{mantissa}e+{exponent}")
            }
            _ => text,
        };
    }
    format!("{x}")
}

fn text(out: &mut Buffer, text: &str) -> Result<(), Full> {
    out.put("\"")?;
    for c in text.chars() {
        match c {
            '"' => out.put("\\\"")?,
            '\\' => out.put("\\\\")?,
            '\n' => out.put("\\n")?,
            '\r' => out.put("\\r")?,
            '\t' => out.put("\\t")?,
            '\u{8}' => out.put("\\b")?,
            '\u{c}' => out.put("\\f")?,
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.put(&format!("\\u{:04x}", u32::from(c)))?;
            }
            c if c < ' ' => out.put(&format!("\\u{:04x}", u32::from(c)))?,
            c => out.put(c.encode_utf8(&mut [0; 4]))?,
        }
    }
    out.put("\"")
}
