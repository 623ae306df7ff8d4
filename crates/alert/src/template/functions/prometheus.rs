//! The functions of Prometheus' rules.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use plimsoll_model::parse_duration_ms;

use super::{Env, Function, number, query_escaped, row, rows, text_at, title};
use crate::template::gotime;
use crate::template::number::{
    humanize, humanize_1024, humanize_duration, humanize_percentage, shortest, significant,
};
use crate::template::value::{ARGS_DEPTH_MAX, Args, Type, Value};

use Type::{Any, Duration, Float, Html, Samples, Text};

/// The table.
pub(super) const TABLE: &[Function] = &[
    rows("args", &[], Any, Type::Args, |_, args| make_args(args)),
    row("externalURL", &[], Text, |env, _| Ok(Value::text(env.external_url))),
    row("first", &[Samples], Type::Sample, |_, args| match args.first().and_then(|v| v.at(0)) {
        Some(sample) => Ok(sample),
        None => Err("first() called on vector with no elements".to_owned()),
    }),
    row("graphLink", &[Text], Text, |env, args| {
        env.text(&format!("/graph?g0.expr={}&g0.tab=0", query_escaped(text_at(args, 0))))
    }),
    row("humanize", &[Any], Text, |env, args| env.text(&humanize(number_at(args)?))),
    row("humanize1024", &[Any], Text, |env, args| env.text(&humanize_1024(number_at(args)?))),
    row("humanizeDuration", &[Any], Text, |env, args| {
        env.text(&humanize_duration(number_at(args)?))
    }),
    row("humanizePercentage", &[Any], Text, |env, args| {
        env.text(&humanize_percentage(number_at(args)?))
    }),
    row("humanizeTimestamp", &[Any], Text, |env, args| {
        let x = number_at(args)?;
        if !x.is_finite() {
            return env.text(&significant(x, 4));
        }
        env.text(&gotime::printed(&gotime::from_ms(time_ms(x)?)))
    }),
    row("label", &[Text, Type::Sample], Text, |env, args| {
        let label = text_at(args, 0).to_owned();
        sample_label(env, args.get(1), &label)
    }),
    row("match", &[Text, Text], Type::Bool, |env, args| env.is_match(args)),
    row("now", &[], Float, |env, _| Ok(Value::Float(env.now_ms as f64 / 1e3))),
    row("parseDuration", &[Text], Float, |_, args| {
        duration_ms(text_at(args, 0)).map(|ms| Value::Float(ms as f64 / 1e3))
    }),
    row("parseDurationTime", &[Text], Duration, |_, args| {
        let ms = duration_ms(text_at(args, 0))?;
        let ns = ms.checked_mul(1_000_000);
        ns.map(Value::Duration).ok_or_else(|| "duration out of range".to_owned())
    }),
    row("pathPrefix", &[], Text, |env, _| Ok(Value::text(path_of(env.external_url)))),
    row("query", &[Text], Samples, |env, args| query(env, text_at(args, 0))),
    row("reReplaceAll", &[Text, Text, Text], Text, |env, args| env.replace_all(args)),
    row("safeHtml", &[Text], Html, |_, args| Ok(Value::Html(text_at(args, 0).into()))),
    row("sortByLabel", &[Text, Samples], Samples, |env, args| {
        let Some(Value::Samples(list)) = args.get(1) else { return Ok(Value::Samples([].into())) };
        env.step(list.len() as u64)?;
        let mut sorted = list.to_vec();
        let label = text_at(args, 0);
        sorted.sort_by(|a, b| {
            a.labels.get(label).unwrap_or("").cmp(b.labels.get(label).unwrap_or(""))
        });
        Ok(Value::Samples(sorted.into()))
    }),
    row("stripDomain", &[Text], Text, |env, args| {
        let short = strip_domain(text_at(args, 0));
        env.text(&short)
    }),
    row("stripPort", &[Text], Text, |env, args| {
        let text = text_at(args, 0);
        env.text(split_port(text).map_or(text, |(host, _)| host))
    }),
    row("strvalue", &[Type::Sample], Text, |env, args| {
        sample_label(env, args.first(), "__value__")
    }),
    row("tableLink", &[Text], Text, |env, args| {
        env.text(&format!("/graph?g0.expr={}&g0.tab=1", query_escaped(text_at(args, 0))))
    }),
    row("title", &[Text], Text, |env, args| env.text(&title(text_at(args, 0), |c| c.to_string()))),
    row("toDuration", &[Any], Duration, |_, args| {
        Ok(Value::Duration((number_at(args)? * 1e9) as i64))
    }),
    row("toLower", &[Text], Text, |env, args| env.text(&text_at(args, 0).to_lowercase())),
    row("toTime", &[Any], Type::Time, |_, args| {
        let x = number_at(args)?;
        if !x.is_finite() {
            return Err("value is NaN or Inf".to_owned());
        }
        Ok(Value::Time(Box::new(gotime::from_ms(time_ms(x)?))))
    }),
    row("toUpper", &[Text], Text, |env, args| env.text(&text_at(args, 0).to_uppercase())),
    row("urlQueryEscape", &[Text], Text, |env, args| env.text(&query_escaped(text_at(args, 0)))),
    row("value", &[Type::Sample], Float, |_, args| match args.first() {
        Some(Value::Sample(sample)) => Ok(Value::Float(sample.value)),
        _ => Err("value of no sample".to_owned()),
    }),
];

fn number_at(args: &[Value]) -> Result<f64, String> {
    number(args.first().unwrap_or(&Value::Nil))
}

/// Seconds as whole milliseconds.
fn time_ms(seconds: f64) -> Result<i64, String> {
    let ns = seconds * 1e9;
    if ns > i64::MAX as f64 || ns < i64::MIN as f64 {
        return Err(format!(
            "{} cannot be represented as a nanoseconds timestamp since it overflows int64",
            shortest(seconds)
        ));
    }
    Ok(ns as i64 / 1_000_000)
}

fn duration_ms(text: &str) -> Result<i64, String> {
    if text.is_empty() {
        return Err("empty duration string".to_owned());
    }
    parse_duration_ms(text).ok_or_else(|| format!("not a valid duration string: {text:?}"))
}

fn make_args(args: &[Value]) -> Result<Value, String> {
    let deepest = args.iter().map(|v| match v {
        Value::Args(map) => map.depth,
        _ => 0,
    });
    let depth = deepest.max().unwrap_or(0) + 1;
    if depth > ARGS_DEPTH_MAX {
        return Err(format!("args inside each other more than {ARGS_DEPTH_MAX} deep, the limit"));
    }
    let named = args.iter().enumerate().map(|(i, v)| (format!("arg{i}"), v.clone()));
    let entries: BTreeMap<String, Value> = named.collect();
    Ok(Value::Args(Arc::new(Args { entries, depth })))
}

fn sample_label(env: &mut Env<'_>, sample: Option<&Value>, label: &str) -> Result<Value, String> {
    match sample {
        Some(Value::Sample(sample)) => env.text(sample.labels.get(label).unwrap_or("")),
        _ => Err("label of no sample".to_owned()),
    }
}

fn query(env: &mut Env<'_>, text: &str) -> Result<Value, String> {
    env.asked += 1;
    if env.asked > env.limits.queries {
        return Err(format!("more than {} queries, the limit of a template", env.limits.queries));
    }
    let queries = env.queries.ok_or("queries cannot be asked here")?;
    let found = queries.query(text)?;
    if found.len() > env.limits.range {
        return Err(format!("a result above {} elements, the limit", env.limits.range));
    }
    env.step(found.len() as u64)?;
    Ok(Value::Samples(found.into()))
}

/// The path of a URL, without a slash at its end.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    path.split(['?', '#']).next().unwrap_or("")
}

/// Host and port as Go's net package splits them.
fn split_port(text: &str) -> Option<(&str, &str)> {
    let colon = text.rfind(':')?;
    let (host, inner_from, outer_from) = if text.starts_with('[') {
        let end = text.find(']')?;
        if end + 1 != colon {
            return None;
        }
        (&text[1..end], 1, end + 1)
    } else {
        (&text[..colon], 0, 0)
    };
    if inner_from == 0 && host.contains(':') {
        return None;
    }
    if text[inner_from..].contains('[') || text[outer_from..].contains(']') {
        return None;
    }
    Some((host, &text[colon + 1..]))
}

fn strip_domain(text: &str) -> String {
    let (host, port) = split_port(text).unwrap_or((text, ""));
    if host.parse::<IpAddr>().is_ok() {
        return text.to_owned();
    }
    let short = host.split('.').next().unwrap_or("");
    if port.is_empty() { short.to_owned() } else { format!("{short}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_domains_go() {
        for (text, host, short) in [
            ("a.example:90", "a.example", "a:90"),
            ("a.example", "a.example", "a"),
            ("1.2.3.4:90", "1.2.3.4", "1.2.3.4:90"),
            ("[::1]:90", "::1", "[::1]:90"),
            ("::1", "::1", "::1"),
            ("[::1]", "[::1]", "[::1]"),
            ("a:b:c", "a:b:c", "a:b:c"),
            ("a.b:http", "a.b", "a:http"),
            ("", "", ""),
        ] {
            assert_eq!(split_port(text).map_or(text, |(h, _)| h), host, "{text}");
            assert_eq!(strip_domain(text), short, "{text}");
        }
    }

    #[test]
    fn a_prefix_is_the_path_of_the_url() {
        assert_eq!(path_of("http://a:1/x/y"), "/x/y");
        assert_eq!(path_of("http://a:1"), "");
        assert_eq!(path_of("http://a/?q"), "/");
    }
}
