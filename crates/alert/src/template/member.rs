//! Fields and methods: what `.name` means for each type.
//!
//! One table, read both by the check and when a template runs, so that they cannot differ.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};

use super::gotime;
use super::value::{Entries, MapKind, Text, TextMap, Type, Value, Whole};

/// What a member is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Member {
    /// A field and its type.
    Field(Type),
    /// A method with its arguments and what it gives.
    Method(&'static [Type], Type),
}

use Member::{Field, Method};

const TIME: [(&str, Member); 26] = [
    ("Add", Method(&[Type::Duration], Type::Time)),
    ("AddDate", Method(&[Type::Int, Type::Int, Type::Int], Type::Time)),
    ("After", Method(&[Type::Time], Type::Bool)),
    ("Before", Method(&[Type::Time], Type::Bool)),
    ("Day", Method(&[], Type::Int)),
    ("Equal", Method(&[Type::Time], Type::Bool)),
    ("Format", Method(&[Type::Text], Type::Text)),
    ("Hour", Method(&[], Type::Int)),
    ("IsZero", Method(&[], Type::Bool)),
    ("Local", Method(&[], Type::Time)),
    ("Minute", Method(&[], Type::Int)),
    ("Month", Method(&[], Type::Month)),
    ("Nanosecond", Method(&[], Type::Int)),
    ("Round", Method(&[Type::Duration], Type::Time)),
    ("Second", Method(&[], Type::Int)),
    ("String", Method(&[], Type::Text)),
    ("Sub", Method(&[Type::Time], Type::Duration)),
    ("Truncate", Method(&[Type::Duration], Type::Time)),
    ("UTC", Method(&[], Type::Time)),
    ("Unix", Method(&[], Type::Int)),
    ("UnixMicro", Method(&[], Type::Int)),
    ("UnixMilli", Method(&[], Type::Int)),
    ("UnixNano", Method(&[], Type::Int)),
    ("Weekday", Method(&[], Type::Weekday)),
    ("Year", Method(&[], Type::Int)),
    ("YearDay", Method(&[], Type::Int)),
];
const DURATION: [(&str, Member); 10] = [
    ("Abs", Method(&[], Type::Duration)),
    ("Hours", Method(&[], Type::Float)),
    ("Microseconds", Method(&[], Type::Int)),
    ("Milliseconds", Method(&[], Type::Int)),
    ("Minutes", Method(&[], Type::Float)),
    ("Nanoseconds", Method(&[], Type::Int)),
    ("Round", Method(&[Type::Duration], Type::Duration)),
    ("Seconds", Method(&[], Type::Float)),
    ("String", Method(&[], Type::Text)),
    ("Truncate", Method(&[Type::Duration], Type::Duration)),
];
const NAMED: [(&str, Member); 1] = [("String", Method(&[], Type::Text))];
const KV: [(&str, Member); 5] = [
    ("Names", Method(&[], Type::Texts)),
    ("Remove", Method(&[Type::Texts], Type::Kv)),
    ("SortedPairs", Method(&[], Type::Pairs)),
    ("String", Method(&[], Type::Text)),
    ("Values", Method(&[], Type::Texts)),
];
const PAIRS: [(&str, Member); 3] = [
    ("Names", Method(&[], Type::Texts)),
    ("String", Method(&[], Type::Text)),
    ("Values", Method(&[], Type::Texts)),
];
const PAIR: [(&str, Member); 2] = [("Name", Field(Type::Text)), ("Value", Field(Type::Text))];
const SAMPLE: [(&str, Member); 2] =
    [("Labels", Field(Type::Labels)), ("Value", Field(Type::Float))];
const RULE: [(&str, Member); 4] = [
    ("Labels", Field(Type::Labels)),
    ("ExternalLabels", Field(Type::Labels)),
    ("ExternalURL", Field(Type::Text)),
    ("Value", Field(Type::Float)),
];
const DATA: [(&str, Member); 11] = [
    ("Receiver", Field(Type::Text)),
    ("Status", Field(Type::Text)),
    ("Alerts", Field(Type::Alerts)),
    ("NotificationReason", Field(Type::Text)),
    ("GroupLabels", Field(Type::Kv)),
    ("CommonLabels", Field(Type::Kv)),
    ("CommonAnnotations", Field(Type::Kv)),
    ("ExternalURL", Field(Type::Text)),
    ("GroupKey", Field(Type::Text)),
    ("TruncatedAlerts", Field(Type::Int)),
    // Ours; Alertmanager has no such thing.
    ("Evidence", Field(Type::Kv)),
];
const ALERTS: [(&str, Member); 2] =
    [("Firing", Method(&[], Type::AlertList)), ("Resolved", Method(&[], Type::AlertList))];
const ALERT: [(&str, Member); 7] = [
    ("Status", Field(Type::Text)),
    ("Labels", Field(Type::Kv)),
    ("Annotations", Field(Type::Kv)),
    ("StartsAt", Field(Type::Time)),
    ("EndsAt", Field(Type::Time)),
    ("GeneratorURL", Field(Type::Text)),
    ("Fingerprint", Field(Type::Text)),
];

/// The members of a type; maps have their keys besides.
pub(super) const fn members(kind: Type) -> &'static [(&'static str, Member)] {
    match kind {
        Type::Time => &TIME,
        Type::Duration => &DURATION,
        Type::Month | Type::Weekday => &NAMED,
        Type::Kv => &KV,
        Type::Pairs => &PAIRS,
        Type::Pair => &PAIR,
        Type::Sample => &SAMPLE,
        Type::Rule => &RULE,
        Type::Data => &DATA,
        Type::Alerts => &ALERTS,
        Type::Alert => &ALERT,
        _ => &[],
    }
}

/// A member by its name.
pub(super) fn member(kind: Type, name: &str) -> Option<Member> {
    members(kind).iter().find(|(n, _)| *n == name).map(|(_, m)| *m)
}

/// The fields of a record in their order, with their values.
pub(super) fn fields(record: &Value) -> Vec<(&'static str, Value)> {
    let of = members(record.kind()).iter().filter(|(_, m)| matches!(m, Field(_)));
    of.filter_map(|(name, _)| field(record, name).map(|v| (*name, v))).collect()
}

/// The value of a field of a record.
pub(super) fn field(record: &Value, name: &str) -> Option<Value> {
    Some(match (record, name) {
        (Value::Rule(d), "Labels") => labels(Entries::Set(d.labels.clone())),
        (Value::Rule(d), "ExternalLabels") => labels(Entries::Set(d.external_labels.clone())),
        (Value::Rule(d), "ExternalURL") => Value::Text(Arc::clone(&d.external_url)),
        (Value::Rule(d), "Value") => Value::Float(d.value),
        (Value::Sample(s), "Labels") => labels(Entries::Set(s.labels.clone())),
        (Value::Sample(s), "Value") => Value::Float(s.value),
        (Value::Pair(p), "Name") => Value::Text(Arc::clone(&p.name)),
        (Value::Pair(p), "Value") => Value::Text(Arc::clone(&p.value)),
        (Value::Data(d), "Receiver") => Value::text(&d.receiver),
        (Value::Data(d), "Status") => Value::text(&d.status),
        (Value::Data(d), "Alerts") => {
            Value::Alerts(d.alerts.iter().map(Arc::clone).collect(), Whole::Yes)
        }
        (Value::Data(d), "NotificationReason") => Value::text(&d.notification_reason),
        (Value::Data(d), "GroupLabels") => Value::kv(&d.group_labels),
        (Value::Data(d), "CommonLabels") => Value::kv(&d.common_labels),
        (Value::Data(d), "CommonAnnotations") => Value::kv(&d.common_annotations),
        (Value::Data(d), "ExternalURL") => Value::text(&d.external_url),
        (Value::Data(d), "GroupKey") => Value::text(&d.group_key),
        (Value::Data(d), "TruncatedAlerts") => {
            Value::Int(i64::try_from(d.truncated_alerts).unwrap_or(i64::MAX))
        }
        (Value::Data(d), "Evidence") => Value::kv(&d.evidence),
        (Value::Alert(a), "Status") => Value::text(&a.status),
        (Value::Alert(a), "Labels") => Value::kv(&a.labels),
        (Value::Alert(a), "Annotations") => Value::kv(&a.annotations),
        (Value::Alert(a), "StartsAt") => Value::Time(Box::new(gotime::from_ms(a.starts_at_ms))),
        (Value::Alert(a), "EndsAt") => {
            Value::Time(Box::new(a.ends_at_ms.map_or_else(gotime::zero, gotime::from_ms)))
        }
        (Value::Alert(a), "GeneratorURL") => Value::text(&a.generator_url),
        (Value::Alert(a), "Fingerprint") => Value::text(&a.fingerprint),
        _ => return None,
    })
}

const fn labels(entries: Entries) -> Value {
    Value::Map(TextMap { kind: MapKind::Labels, entries })
}

/// Calls a method whose arguments have the types of the table.
///
/// # Errors
/// What the arguments cannot be.
pub(super) fn call(receiver: &Value, name: &str, args: &[Value]) -> Result<Value, String> {
    let found = match receiver {
        Value::Time(t) => time(t, name, args)?,
        Value::Duration(ns) => duration(*ns, name, args),
        Value::Month(n) => Some(Value::text(gotime::month(*n))),
        Value::Weekday(n) => Some(Value::text(gotime::weekday(*n))),
        Value::Map(map) => kv(map, name, args),
        Value::Pairs(pairs) => Some(match name {
            "Names" => Value::Texts(pairs.iter().map(|p| Arc::clone(&p.name)).collect()),
            "Values" => Value::Texts(pairs.iter().map(|p| Arc::clone(&p.value)).collect()),
            _ => {
                let all: Vec<String> =
                    pairs.iter().map(|p| format!("{}={}", p.name, p.value)).collect();
                Value::text(&all.join(", "))
            }
        }),
        Value::Alerts(alerts, _) => {
            let wanted = if name == "Firing" { "firing" } else { "resolved" };
            let some = alerts.iter().filter(|a| a.status == wanted).map(Arc::clone).collect();
            Some(Value::Alerts(some, Whole::No))
        }
        _ => None,
    };
    found.ok_or_else(|| format!("{name} is not a method of {}", receiver.kind().go_name()))
}

fn kv(map: &TextMap, name: &str, args: &[Value]) -> Option<Value> {
    Some(match (name, args) {
        ("Remove", [Value::Texts(names)]) => {
            let is_wanted = |n: &str| !names.iter().any(|r| **r == *n);
            let left = map.iter().filter(|(n, _)| is_wanted(n));
            let left = left.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            Value::kv(&Arc::new(left))
        }
        ("SortedPairs", _) => Value::Pairs(map.sorted_pairs()),
        (name, _) => return call(&Value::Pairs(map.sorted_pairs()), name, args).ok(),
    })
}

fn duration(ns: i64, name: &str, args: &[Value]) -> Option<Value> {
    Some(match (name, args) {
        ("Abs", _) => Value::Duration(ns.saturating_abs()),
        ("Hours", _) => Value::Float(ns as f64 / 3.6e12),
        ("Minutes", _) => Value::Float(ns as f64 / 6e10),
        ("Seconds", _) => Value::Float(ns as f64 / 1e9),
        ("Milliseconds", _) => Value::Int(ns / 1_000_000),
        ("Microseconds", _) => Value::Int(ns / 1_000),
        ("Nanoseconds", _) => Value::Int(ns),
        ("Round", [Value::Duration(to)]) => Value::Duration(rounded(ns, *to)),
        ("Truncate", [Value::Duration(to)]) => {
            Value::Duration(if *to > 0 { ns - ns % to } else { ns })
        }
        ("String", _) => Value::text(&gotime::duration(ns)),
        _ => return None,
    })
}

/// The nearest multiple, halves away from zero.
const fn rounded(ns: i64, to: i64) -> i64 {
    if to <= 0 {
        return ns;
    }
    let rest = ns % to;
    let down = ns - rest;
    if rest.unsigned_abs() * 2 < to.unsigned_abs() {
        return down;
    }
    if ns < 0 { down.saturating_sub(to) } else { down.saturating_add(to) }
}

fn time(t: &Zoned, name: &str, args: &[Value]) -> Result<Option<Value>, String> {
    let at = t.timestamp();
    let int = |n: i64| Some(Value::Int(n));
    let moved = |t: Zoned| Some(Value::Time(Box::new(t)));
    let far = |_| "time out of range".to_owned();
    let nanos = || i64::try_from(at.as_nanosecond()).map_err(|_| "time out of range".to_owned());
    Ok(match (name, args) {
        ("Format", [Value::Text(layout)]) => Some(Value::text(&gotime::format(t, layout))),
        ("String", _) => Some(Value::text(&gotime::printed(t))),
        ("Unix", _) => int(at.as_second()),
        ("UnixMilli", _) => int(at.as_millisecond()),
        ("UnixMicro", _) => int(at.as_microsecond()),
        ("UnixNano", _) => int(nanos()?),
        ("Year", _) => int(t.year().into()),
        ("Month", _) => Some(Value::Month(t.month())),
        ("Day", _) => int(t.day().into()),
        ("Hour", _) => int(t.hour().into()),
        ("Minute", _) => int(t.minute().into()),
        ("Second", _) => int(t.second().into()),
        ("Nanosecond", _) => int(t.subsec_nanosecond().into()),
        ("YearDay", _) => int(t.day_of_year().into()),
        ("Weekday", _) => Some(Value::Weekday(t.weekday().to_sunday_zero_offset())),
        ("IsZero", _) => Some(Value::Bool(gotime::is_zero(t))),
        // This server keeps no time zone of its own.
        ("UTC" | "Local", _) => moved(t.with_time_zone(TimeZone::UTC)),
        ("Sub", [Value::Time(other)]) => {
            let ns = at.as_nanosecond() - other.timestamp().as_nanosecond();
            let all = i128::from(i64::MIN)..=i128::from(i64::MAX);
            Some(Value::Duration(ns.clamp(*all.start(), *all.end()) as i64))
        }
        ("Before", [Value::Time(other)]) => Some(Value::Bool(at < other.timestamp())),
        ("After", [Value::Time(other)]) => Some(Value::Bool(at > other.timestamp())),
        ("Equal", [Value::Time(other)]) => Some(Value::Bool(at == other.timestamp())),
        ("Add", [Value::Duration(ns)]) => {
            moved(t.checked_add(SignedDuration::from_nanos(*ns)).map_err(far)?)
        }
        ("AddDate", [Value::Int(years), Value::Int(months), Value::Int(days)]) => {
            let span = jiff::Span::new();
            let span = span.try_years(*years).and_then(|s| s.try_months(*months));
            let span = span.and_then(|s| s.try_days(*days)).map_err(far)?;
            moved(t.checked_add(span).map_err(far)?)
        }
        ("Round" | "Truncate", [Value::Duration(to)]) if *to > 0 => {
            // Go counts from its zero time.
            let since = at.as_nanosecond() - gotime::zero().timestamp().as_nanosecond();
            let rest = i64::try_from(since.rem_euclid(i128::from(*to))).unwrap_or(0);
            let up = name == "Round" && rest >= to - rest;
            let by = if up { to - rest } else { -rest };
            moved(t.checked_add(SignedDuration::from_nanos(by)).map_err(far)?)
        }
        ("Round" | "Truncate", _) => moved(t.clone()),
        _ => None,
    })
}

/// The texts of a list of texts, if a value is one.
pub(super) fn texts(value: &Value) -> &[Text] {
    match value {
        Value::Texts(list) => list,
        _ => &[],
    }
}
