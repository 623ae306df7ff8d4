//! The functions of Alertmanager's notification templates.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Env, Function, json, number, row, rows, text_at, title};
use crate::template::gotime;
use crate::template::member::texts;
use crate::template::number::humanize_duration;
use crate::template::value::{Type, Value};

use Type::{Any, Duration, Html, Text, Texts, Time, Url};

/// The table.
pub(super) const TABLE: &[Function] = &[
    row("date", &[Text, Time], Text, |env, args| match args.get(1) {
        Some(Value::Time(t)) => {
            let text = gotime::format(t, text_at(args, 0));
            env.text(&text)
        }
        _ => Err("date of no time".to_owned()),
    }),
    row("humanizeDuration", &[Any], Text, |env, args| {
        let x = number(args.first().unwrap_or(&Value::Nil))?;
        env.text(&humanize_duration(x))
    }),
    row("join", &[Text, Texts], Text, |env, args| {
        let all = args.get(1).map(texts).unwrap_or_default();
        join(env, text_at(args, 0), all)
    }),
    row("match", &[Text, Text], Type::Bool, |env, args| env.is_match(args)),
    row("reReplaceAll", &[Text, Text, Text], Text, |env, args| env.replace_all(args)),
    row("safeHtml", &[Text], Html, |_, args| Ok(Value::Html(text_at(args, 0).into()))),
    row("safeUrl", &[Text], Url, |_, args| Ok(Value::Url(text_at(args, 0).into()))),
    row("since", &[Time], Duration, |env, args| match args.first() {
        Some(Value::Time(t)) => {
            let ns = i128::from(env.now_ms) * 1_000_000 - t.timestamp().as_nanosecond();
            Ok(Value::Duration(ns.clamp(i64::MIN.into(), i64::MAX.into()) as i64))
        }
        _ => Err("since no time".to_owned()),
    }),
    rows("stringSlice", &[], Text, Texts, |_, args| {
        let all = args.iter().map(|v| match v {
            Value::Text(text) => Arc::clone(text),
            _ => Arc::from(""),
        });
        Ok(Value::Texts(all.collect()))
    }),
    row("title", &[Text], Text, |env, args| {
        env.text(&title(text_at(args, 0), |c| c.to_lowercase().collect()))
    }),
    row("toJson", &[Any], Text, |env, args| {
        json::written(env, args.first().unwrap_or(&Value::Nil))
    }),
    row("toLower", &[Text], Text, |env, args| env.text(&text_at(args, 0).to_lowercase())),
    row("toUpper", &[Text], Text, |env, args| env.text(&text_at(args, 0).to_uppercase())),
    row("trimSpace", &[Text], Text, |env, args| env.text(text_at(args, 0).trim())),
    row("tz", &[Text, Time], Time, |_, args| match args.get(1) {
        Some(Value::Time(t)) => {
            let zone = zone(text_at(args, 0))?;
            Ok(Value::Time(Box::new(t.with_time_zone(zone))))
        }
        _ => Err("tz of no time".to_owned()),
    }),
    row("urlUnescape", &[Text], Text, |env, args| {
        let text = unescaped(text_at(args, 0))?;
        env.text(&text)
    }),
];

fn join(env: &mut Env<'_>, separator: &str, all: &[Arc<str>]) -> Result<Value, String> {
    let length: usize = all.iter().map(|t| t.len() + separator.len()).sum();
    if length > env.limits.output_bytes.saturating_add(separator.len()) {
        return Err(env.too_long());
    }
    let joined = all.join(separator);
    env.text(&joined)
}

fn zone(name: &str) -> Result<TimeZone, String> {
    match name {
        // This server keeps no time zone of its own.
        "" | "UTC" | "Local" => Ok(TimeZone::UTC),
        name => TimeZone::get(name).map_err(|_| format!("unknown time zone {name}")),
    }
}

/// A text of a URL's query without its escapes.
fn unescaped(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let hex = bytes.get(at..at + 2).and_then(|h| std::str::from_utf8(h).ok());
                let code = hex.filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
                let code = code.and_then(|h| u8::from_str_radix(h, 16).ok()).ok_or_else(|| {
                    let end = bytes.len().min(at + 2);
                    let found = String::from_utf8_lossy(&bytes[at - 1..end]).into_owned();
                    format!("invalid URL escape {found:?}")
                })?;
                out.push(code);
                at += 2;
            }
            byte => out.push(*byte),
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}
