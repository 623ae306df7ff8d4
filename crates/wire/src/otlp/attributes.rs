//! Attributes: key-value lists to labels.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use plimsoll_model::METRIC_NAME;

use super::{Settings, each};
use crate::proto::{Cursor, Value, mistyped};
use crate::{Error, Result};

/// How deep lists may stand in lists.
const DEPTH_MAX: usize = 16;

/// Attributes of a resource, a point, an exemplar: far more than labels of a series.
pub(super) const ATTRIBUTES_MAX: usize = 4_096;

/// Whether there is room for one more.
pub(super) fn within(what: &str, found: usize, max: usize) -> Result<()> {
    if found < max {
        return Ok(());
    }
    Err(Error::Invalid(format!("more than {max} {what}")))
}

/// Names and values of labels.
pub(super) type Labels<'l> = Vec<(Cow<'l, str>, Cow<'l, str>)>;

/// Keys and values of attributes.
pub(super) type Attributes<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// What a resource and a scope give to the labels of all their series.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    /// Win over attributes of a point.
    pub strong: Vec<(String, String)>,
    /// Yield to them.
    pub weak: Vec<(String, String)>,
}

impl Base {
    /// The labels of a point with these attributes, which are taken out.
    pub fn with<'l>(&'l self, attributes: &mut Attributes<'l>, settings: &Settings) -> Labels<'l> {
        let mut labels = told(attributes, settings);
        labels.retain(|(name, _)| !self.strong.iter().any(|(s, _)| s == name));
        let of = |(name, value): &'l (String, String)| {
            (Cow::Borrowed(name.as_str()), Cow::Borrowed(value.as_str()))
        };
        for pair in &self.weak {
            if !labels.iter().any(|(name, _)| *name == pair.0) {
                labels.push(of(pair));
            }
        }
        labels.extend(self.strong.iter().map(of));
        labels
    }
}

/// Attributes, which are taken out, as labels sorted by name. Keys that come out alike are joined by
/// `;` in the order of the keys.
pub(super) fn told<'a>(attributes: &mut Attributes<'a>, settings: &Settings) -> Labels<'a> {
    if !attributes.is_sorted_by(|a, b| a.0 <= b.0) {
        attributes.sort_by(|a, b| a.0.cmp(b.0));
    }
    let named = attributes.drain(..).filter_map(|(key, value)| {
        let name = settings.label(key).filter(|n| n != METRIC_NAME)?;
        Some((name, value))
    });
    let mut labels: Labels<'a> = named.collect();
    if !labels.is_sorted_by(|a, b| a.0 <= b.0) {
        labels.sort_by(|a, b| a.0.cmp(&b.0));
    }
    labels.dedup_by(|later, earlier| {
        let alike = later.0 == earlier.0;
        if alike {
            earlier.1 = Cow::Owned(format!("{};{}", earlier.1, later.1));
        }
        alike
    });
    labels
}

/// Labels that outlive the message.
pub(super) fn owned(labels: Labels<'_>) -> Vec<(String, String)> {
    labels.into_iter().map(|(n, v)| (n.into_owned(), v.into_owned())).collect()
}

/// A text field.
pub(super) fn text<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|_| Error::Invalid(format!("{what} is not UTF-8")))
}

/// One `KeyValue`: the key, and the message of its value.
pub(super) fn pair(message: &[u8]) -> Result<(&str, &[u8])> {
    let (mut key, mut value) = ("", &b""[..]);
    let mut c = Cursor::new(message);
    while let Some((field, v)) = c.next()? {
        match (field, v) {
            (1, Value::Bytes(b)) => key = text("an attribute's key", b)?,
            (2, Value::Bytes(b)) => value = b,
            (1 | 2, _) => return Err(mistyped("KeyValue", field)),
            _ => {}
        }
    }
    Ok((key, value))
}

/// Name, version, schema URL and attributes of a scope as labels.
pub(super) fn scope(
    message: &[u8],
    schema: &str,
    settings: &Settings,
    base: &mut Base,
) -> Result<()> {
    let (mut name, mut version, mut attributes) = ("", "", Vec::new());
    each(message, "InstrumentationScope", 1, |b| {
        name = text("a scope's name", b)?;
        Ok(())
    })?;
    if name.is_empty() {
        return Ok(());
    }
    each(message, "InstrumentationScope", 2, |b| {
        version = text("a scope's version", b)?;
        Ok(())
    })?;
    each(message, "InstrumentationScope", 3, |m| {
        within("attributes of a scope", attributes.len(), ATTRIBUTES_MAX)?;
        let (key, value) = pair(m)?;
        attributes.push((format!("otel_scope_{key}"), value_text(value)?));
        Ok(())
    })?;
    let mut all: Attributes<'_> =
        attributes.iter().map(|(n, v)| (n.as_str(), Cow::Borrowed(&**v))).collect();
    let more = told(&mut all, settings);
    let own = [
        ("otel_scope_name", name),
        ("otel_scope_version", version),
        ("otel_scope_schema_url", schema),
    ];
    base.strong.extend(own.map(|(n, v)| (n.to_owned(), v.to_owned())));
    for (name, value) in owned(more) {
        base.strong.retain(|(n, _)| *n != name);
        base.strong.push((name, value));
    }
    Ok(())
}

/// A value as text: strings as they are, lists and maps as JSON, bytes in base64.
pub(super) fn value_text(message: &[u8]) -> Result<Cow<'_, str>> {
    let mut c = Cursor::new(message);
    if let Some((1, Value::Bytes(b))) = c.next()?
        && c.at == message.len()
    {
        return text("an attribute's value", b).map(Cow::Borrowed);
    }
    let mut out = String::new();
    put_value(message, &mut out, 0)?;
    Ok(Cow::Owned(out))
}

fn put_value(message: &[u8], out: &mut String, depth: usize) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(Error::invalid("attributes are nested too deep"));
    }
    let inside = depth > 0;
    let mut last = None;
    let mut c = Cursor::new(message);
    while let Some(found) = c.next()? {
        if (1..=7).contains(&found.0) {
            last = Some(found);
        }
    }
    let written = match last {
        None if inside => write!(out, "null"),
        None => Ok(()),
        Some((1, Value::Bytes(b))) => {
            let s = text("an attribute's value", b)?;
            if inside {
                put_json(s, out);
            } else {
                out.push_str(s);
            }
            Ok(())
        }
        Some((2, Value::Varint(n))) => write!(out, "{}", n != 0),
        Some((3, Value::Varint(n))) => write!(out, "{}", n as i64),
        Some((4, Value::Fixed64(bits))) => {
            put_double(f64::from_bits(bits), out);
            Ok(())
        }
        Some((5, Value::Bytes(m))) => return put_list(m, out, depth),
        Some((6, Value::Bytes(m))) => return put_map(m, out, depth),
        Some((7, Value::Bytes(b))) => {
            let quote = if inside { "\"" } else { "" };
            write!(out, "{quote}{}{quote}", base64(b))
        }
        Some((field, _)) => return Err(mistyped("AnyValue", field)),
    };
    written.map_err(|_| Error::invalid("an attribute cannot be written"))
}

fn put_list(message: &[u8], out: &mut String, depth: usize) -> Result<()> {
    out.push('[');
    let mut first = true;
    each(message, "ArrayValue", 1, |m| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        put_value(m, out, depth + 1)
    })?;
    out.push(']');
    Ok(())
}

fn put_map(message: &[u8], out: &mut String, depth: usize) -> Result<()> {
    let mut all = BTreeMap::new();
    each(message, "KeyValueList", 1, |m| {
        let (key, value) = pair(m)?;
        all.insert(key, value);
        Ok(())
    })?;
    out.push('{');
    for (i, (key, value)) in all.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        put_json(key, out);
        out.push(':');
        put_value(value, out, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn put_json(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// As JSON has numbers; those that it does not have as Prometheus does.
fn put_double(value: f64, out: &mut String) {
    let size = value.abs();
    if !value.is_finite() {
        out.push_str(if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        });
    } else if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        out.push_str(&if size > 1.0 { text.replace('e', "e+") } else { text });
    } else {
        let _never_fails = write!(out, "{value}");
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let of = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let n = of(0) << 16 | of(1) << 8 | of(2);
        for i in 0..4 {
            let digit = DIGITS[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::put;

    fn message(field: u32, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put::bytes(&mut out, field, content);
        out
    }

    fn key_value(key: &str, value: &[u8]) -> Vec<u8> {
        [message(1, key.as_bytes()), message(2, value)].concat()
    }

    #[test]
    fn values_are_told_as_text() {
        let text = message(1, "a \"b\"".as_bytes());
        let mut number = Vec::new();
        put::uint(&mut number, 3, (-5i64) as u64);
        let mut truth = Vec::new();
        put::uint(&mut truth, 2, 1);
        let mut double = Vec::new();
        put::double(&mut double, 4, 1.5e-9);
        let items = [&text, &number, &truth, &Vec::new()].map(|v| message(1, v)).concat();
        let list = message(5, &items);
        let pairs = [key_value("b", &list), key_value("a", &message(7, b"hi!?"))];
        let map = message(6, &pairs.map(|p| message(1, &p)).concat());
        for (value, expected) in [
            (&text, "a \"b\""),
            (&number, "-5"),
            (&truth, "true"),
            (&double, "1.5e-9"),
            (&list, r#"["a \"b\"",-5,true,null]"#),
            (&map, r#"{"a":"aGkhPw==","b":["a \"b\"",-5,true,null]}"#),
            (&Vec::new(), ""),
        ] {
            assert_eq!(value_text(value).unwrap(), expected);
        }
        let mut deep = text;
        for _ in 0..20 {
            deep = message(5, &message(1, &deep));
        }
        assert!(value_text(&deep).is_err());
    }

    #[test]
    fn keys_that_come_out_alike_are_joined() {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let base = Base {
            strong: vec![pair("job", "a")],
            weak: vec![pair("b_c", "weak"), pair("w", "weak")],
        };
        let mut all = vec![("b.c", Cow::Borrowed("2")), ("b-c", Cow::Borrowed("1"))];
        all.extend([("job", Cow::Borrowed("other")), ("__name__", Cow::Borrowed("x"))]);
        let labels = base.with(&mut all, &Settings::default());
        let told: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(told, ["b_c=1;2", "w=weak", "job=a"]);
    }
}
