//! JSON bodies of OTLP, turned into protobuf as they are read: no tree is built.
//!
//! A table per message says which key is which field. As OTLP has it: keys in lowerCamelCase, unknown
//! ones skipped, 64-bit integers as numbers or texts, enums as numbers (or names), trace and span ids in
//! hexadecimal, other bytes in base64, doubles also as `"NaN"`, `"Infinity"`, `"-Infinity"`, `null` for
//! a field that is not there.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::proto::put;
use crate::{Error, Result};

/// Turns an `ExportMetricsServiceRequest` in JSON into one in protobuf of at most about `bytes_max`
/// bytes: small numbers are larger there.
///
/// # Errors
/// `Invalid` naming line and column, also of where it became too large.
pub fn from_json(body: &[u8], bytes_max: usize) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len().min(bytes_max) / 2);
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = Object { message: &REQUEST, out: &mut out, max: bytes_max }.deserialize(&mut json);
    read.and_then(|()| json.end())
        .map_err(|e| Error::Invalid(format!("the body is not OTLP in JSON: {e}")))?;
    Ok(out)
}

/// A message: its fields.
struct Message(&'static [Field]);

/// A field: its key, its number, what it holds, whether there may be many.
struct Field(&'static str, u32, Kind, Times);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    One,
    Many,
}

#[derive(Clone, Copy)]
enum Kind {
    Message(&'static Message),
    Text,
    /// Bytes in base64.
    Bytes,
    /// Bytes in hexadecimal.
    Hex,
    Bool,
    /// int64, uint64, uint32, enums: a varint.
    Varint,
    /// sint32: a zigzag varint.
    Zigzag,
    /// fixed64, sfixed64.
    Fixed64,
    Double,
}

use Kind::{Bool, Bytes, Double, Fixed64, Hex, Text, Varint, Zigzag};
use Times::{Many, One};

static REQUEST: Message =
    Message(&[Field("resourceMetrics", 1, Kind::Message(&RESOURCE_METRICS), Many)]);
static RESOURCE_METRICS: Message = Message(&[
    Field("resource", 1, Kind::Message(&RESOURCE), One),
    Field("scopeMetrics", 2, Kind::Message(&SCOPE_METRICS), Many),
    Field("schemaUrl", 3, Text, One),
]);
static RESOURCE: Message = Message(&[Field("attributes", 1, Kind::Message(&KEY_VALUE), Many)]);
static SCOPE_METRICS: Message = Message(&[
    Field("scope", 1, Kind::Message(&SCOPE), One),
    Field("metrics", 2, Kind::Message(&METRIC), Many),
    Field("schemaUrl", 3, Text, One),
]);
static SCOPE: Message = Message(&[
    Field("name", 1, Text, One),
    Field("version", 2, Text, One),
    Field("attributes", 3, Kind::Message(&KEY_VALUE), Many),
]);
static METRIC: Message = Message(&[
    Field("name", 1, Text, One),
    Field("description", 2, Text, One),
    Field("unit", 3, Text, One),
    Field("gauge", 5, Kind::Message(&GAUGE), One),
    Field("sum", 7, Kind::Message(&SUM), One),
    Field("histogram", 9, Kind::Message(&HISTOGRAM), One),
    Field("exponentialHistogram", 10, Kind::Message(&EXPONENTIAL), One),
    Field("summary", 11, Kind::Message(&SUMMARY), One),
]);
static GAUGE: Message = Message(&[Field("dataPoints", 1, Kind::Message(&NUMBER_POINT), Many)]);
static SUM: Message = Message(&[
    Field("dataPoints", 1, Kind::Message(&NUMBER_POINT), Many),
    Field("aggregationTemporality", 2, Varint, One),
    Field("isMonotonic", 3, Bool, One),
]);
static HISTOGRAM: Message = Message(&[
    Field("dataPoints", 1, Kind::Message(&HISTOGRAM_POINT), Many),
    Field("aggregationTemporality", 2, Varint, One),
]);
static EXPONENTIAL: Message = Message(&[
    Field("dataPoints", 1, Kind::Message(&EXPONENTIAL_POINT), Many),
    Field("aggregationTemporality", 2, Varint, One),
]);
static SUMMARY: Message = Message(&[Field("dataPoints", 1, Kind::Message(&SUMMARY_POINT), Many)]);
static NUMBER_POINT: Message = Message(&[
    Field("startTimeUnixNano", 2, Fixed64, One),
    Field("timeUnixNano", 3, Fixed64, One),
    Field("asDouble", 4, Double, One),
    Field("exemplars", 5, Kind::Message(&EXEMPLAR), Many),
    Field("asInt", 6, Fixed64, One),
    Field("attributes", 7, Kind::Message(&KEY_VALUE), Many),
    Field("flags", 8, Varint, One),
]);
static HISTOGRAM_POINT: Message = Message(&[
    Field("startTimeUnixNano", 2, Fixed64, One),
    Field("timeUnixNano", 3, Fixed64, One),
    Field("count", 4, Fixed64, One),
    Field("sum", 5, Double, One),
    Field("bucketCounts", 6, Fixed64, Many),
    Field("explicitBounds", 7, Double, Many),
    Field("exemplars", 8, Kind::Message(&EXEMPLAR), Many),
    Field("attributes", 9, Kind::Message(&KEY_VALUE), Many),
    Field("flags", 10, Varint, One),
]);
static EXPONENTIAL_POINT: Message = Message(&[
    Field("attributes", 1, Kind::Message(&KEY_VALUE), Many),
    Field("startTimeUnixNano", 2, Fixed64, One),
    Field("timeUnixNano", 3, Fixed64, One),
    Field("count", 4, Fixed64, One),
    Field("sum", 5, Double, One),
    Field("scale", 6, Zigzag, One),
    Field("zeroCount", 7, Fixed64, One),
    Field("positive", 8, Kind::Message(&BUCKETS), One),
    Field("negative", 9, Kind::Message(&BUCKETS), One),
    Field("flags", 10, Varint, One),
    Field("exemplars", 11, Kind::Message(&EXEMPLAR), Many),
    Field("zeroThreshold", 14, Double, One),
]);
static BUCKETS: Message =
    Message(&[Field("offset", 1, Zigzag, One), Field("bucketCounts", 2, Varint, Many)]);
static SUMMARY_POINT: Message = Message(&[
    Field("startTimeUnixNano", 2, Fixed64, One),
    Field("timeUnixNano", 3, Fixed64, One),
    Field("count", 4, Fixed64, One),
    Field("sum", 5, Double, One),
    Field("quantileValues", 6, Kind::Message(&QUANTILE), Many),
    Field("attributes", 7, Kind::Message(&KEY_VALUE), Many),
    Field("flags", 8, Varint, One),
]);
static QUANTILE: Message =
    Message(&[Field("quantile", 1, Double, One), Field("value", 2, Double, One)]);
static EXEMPLAR: Message = Message(&[
    Field("timeUnixNano", 2, Fixed64, One),
    Field("asDouble", 3, Double, One),
    Field("spanId", 4, Hex, One),
    Field("traceId", 5, Hex, One),
    Field("asInt", 6, Fixed64, One),
    Field("filteredAttributes", 7, Kind::Message(&KEY_VALUE), Many),
]);
static KEY_VALUE: Message =
    Message(&[Field("key", 1, Text, One), Field("value", 2, Kind::Message(&ANY_VALUE), One)]);
static ANY_VALUE: Message = Message(&[
    Field("stringValue", 1, Text, One),
    Field("boolValue", 2, Bool, One),
    Field("intValue", 3, Varint, One),
    Field("doubleValue", 4, Double, One),
    Field("arrayValue", 5, Kind::Message(&ARRAY), One),
    Field("kvlistValue", 6, Kind::Message(&KEY_VALUE_LIST), One),
    Field("bytesValue", 7, Bytes, One),
]);
static ARRAY: Message = Message(&[Field("values", 1, Kind::Message(&ANY_VALUE), Many)]);
static KEY_VALUE_LIST: Message = Message(&[Field("values", 1, Kind::Message(&KEY_VALUE), Many)]);

/// Writes the fields of an object.
struct Object<'o> {
    message: &'static Message,
    out: &'o mut Vec<u8>,
    max: usize,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<(), M::Error> {
        while let Some(key) = map.next_key_seed(Key(self.message))? {
            room(self.out, self.max)?;
            match key {
                Some(field) if field.3 == Many => {
                    map.next_value_seed(List { field, out: self.out, max: self.max })?;
                }
                Some(field) => {
                    map.next_value_seed(Single { field, out: self.out, max: self.max })?
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn room<E: serde::de::Error>(out: &[u8], max: usize) -> std::result::Result<(), E> {
    if out.len() <= max {
        return Ok(());
    }
    Err(E::custom(format!("more than {max} bytes as protobuf; send less at once")))
}

/// Finds the field of a key.
struct Key(&'static Message);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<Self::Value, D::Error> {
        d.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> std::result::Result<Self::Value, E> {
        Ok(self.0.0.iter().find(|f| f.0 == key))
    }
}

/// Writes a field that may be there many times.
struct List<'o> {
    field: &'static Field,
    out: &'o mut Vec<u8>,
    max: usize,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.field.0)
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> std::result::Result<(), S::Error> {
        let (field, max) = (self.field, self.max);
        while list.next_element_seed(Single { field, out: self.out, max })?.is_some() {
            room(self.out, max)?;
        }
        Ok(())
    }
}

/// Writes one occurrence of a field.
struct Single<'o> {
    field: &'static Field,
    out: &'o mut Vec<u8>,
    max: usize,
}

impl<'de> DeserializeSeed<'de> for Single<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> std::result::Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl Single<'_> {
    fn whole<E: serde::de::Error>(self, n: i128) -> std::result::Result<(), E> {
        let number = self.field.1;
        let small = || E::custom(format!("{} is out of range: {n}", self.field.0));
        let bits = match i64::try_from(n) {
            Ok(n) => n as u64,
            Err(_) => u64::try_from(n).map_err(|_| small())?,
        };
        match self.field.2 {
            Varint => put::uint(self.out, number, bits),
            Zigzag => {
                let n = i32::try_from(n).map_err(|_| small())?;
                put::uint(self.out, number, u64::from(((n << 1) ^ (n >> 31)) as u32));
            }
            Fixed64 => put_fixed(self.out, number, bits),
            Double => put::double(self.out, number, n as f64),
            _ => return Err(E::custom(format!("{} is not a number", self.field.0))),
        }
        Ok(())
    }
}

fn put_fixed(out: &mut Vec<u8>, field: u32, bits: u64) {
    put::double(out, field, f64::from_bits(bits));
}

impl<'de> Visitor<'de> for Single<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.field.2 {
            Kind::Message(_) => "an object",
            Text | Bytes | Hex => "a text",
            Bool => "true or false",
            Varint | Zigzag | Fixed64 | Double => "a number",
        };
        write!(f, "{what} for {}", self.field.0)
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> std::result::Result<(), E> {
        match self.field.2 {
            Bool => {
                put::uint(self.out, self.field.1, u64::from(value));
                Ok(())
            }
            _ => Err(E::invalid_type(serde::de::Unexpected::Bool(value), &self)),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, n: i64) -> std::result::Result<(), E> {
        self.whole(i128::from(n))
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> std::result::Result<(), E> {
        self.whole(i128::from(n))
    }

    fn visit_f64<E: serde::de::Error>(self, n: f64) -> std::result::Result<(), E> {
        match self.field.2 {
            Double => {
                put::double(self.out, self.field.1, n);
                Ok(())
            }
            // 1e9 is a whole number, too.
            _ if n.fract() == 0.0 && n.abs() < 1.8e19 => self.whole(n as i128),
            _ => Err(E::invalid_type(serde::de::Unexpected::Float(n), &self)),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<(), E> {
        let number = self.field.1;
        let wrong = || E::custom(format!("{} is wrong: {text:?}", self.field.0));
        match self.field.2 {
            Text => put::bytes(self.out, number, text.as_bytes()),
            Hex => put::bytes(self.out, number, &unhex(text).ok_or_else(wrong)?),
            Bytes => put::bytes(self.out, number, &unbase64(text).ok_or_else(wrong)?),
            Double => {
                let value = match text {
                    "Infinity" => f64::INFINITY,
                    "-Infinity" => f64::NEG_INFINITY,
                    text => text.parse().map_err(|_| wrong())?,
                };
                put::double(self.out, number, value);
            }
            Varint if text == "AGGREGATION_TEMPORALITY_DELTA" => put::uint(self.out, number, 1),
            Varint if text == "AGGREGATION_TEMPORALITY_CUMULATIVE" => {
                put::uint(self.out, number, 2);
            }
            Varint | Zigzag | Fixed64 => {
                let n = text.parse::<i128>().map_err(|_| wrong())?;
                return self.whole(n);
            }
            Bool | Kind::Message(_) => {
                return Err(E::invalid_type(serde::de::Unexpected::Str(text), &self));
            }
        }
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> std::result::Result<(), M::Error> {
        let Kind::Message(message) = self.field.2 else {
            return Err(M::Error::invalid_type(serde::de::Unexpected::Map, &self));
        };
        let mut inner = Vec::new();
        Object { message, out: &mut inner, max: self.max }.visit_map(map)?;
        put::bytes(self.out, self.field.1, &inner);
        Ok(())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: &u8| char::from(*b).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |p: &[u8; 2]| Some((digit(&p[0])? << 4 | digit(&p[1])?) as u8);
    pairs.iter().map(byte).collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty())
}

/// Standard and URL-safe alphabets, with and without padding.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes().map(|b| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    });
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut n) = (0u32, 0);
    for digit in digits {
        bits = bits << 6 | u32::from(digit?);
        n += 6;
        if n >= 8 {
            n -= 8;
            out.push((bits >> n) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Cursor, Value};

    /// The fields at a path of field numbers.
    fn at<'a>(mut message: &'a [u8], path: &[u32]) -> Vec<Value<'a>> {
        for (i, number) in path.iter().enumerate() {
            let mut found = Vec::new();
            let mut c = Cursor::new(message);
            while let Some((field, value)) = c.next().unwrap() {
                if field == *number {
                    found.push(value);
                }
            }
            match found.first() {
                Some(Value::Bytes(inner)) if i + 1 < path.len() => message = inner,
                _ => return found,
            }
        }
        Vec::new()
    }

    #[test]
    fn a_document_becomes_its_message() {
        let json = r#"{"resourceMetrics":[{"resource":{"attributes":[
            {"key":"a","value":{"stringValue":"b"}},{"key":"n","value":{"intValue":"-5"}}]},
            "scopeMetrics":[{"scope":null,"later":{"x":[1,{}]},"metrics":[{"name":"m","sum":{
            "aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","isMonotonic":true,
            "dataPoints":[{"timeUnixNano":"18446744073709551615","asInt":-7,"exemplars":
            [{"traceId":"0AfF","filteredAttributes":[]}]},{"asDouble":"NaN","timeUnixNano":1e3}]}}
            ]}]}]}"#;
        let bytes = from_json(json.as_bytes(), 1 << 20).unwrap();
        let sum = [1, 2, 2, 7];
        let path = |more: &[u32]| [&sum[..], more].concat();
        assert_eq!(at(&bytes, &[1, 1, 1, 2, 1]), [Value::Bytes(b"b")]);
        assert_eq!(at(&bytes, &path(&[2])), [Value::Varint(2)]);
        assert_eq!(at(&bytes, &path(&[1, 3])), [Value::Fixed64(u64::MAX)]);
        assert_eq!(at(&bytes, &path(&[1, 6])), [Value::Fixed64((-7i64) as u64)]);
        assert_eq!(at(&bytes, &path(&[1, 5, 5])), [Value::Bytes(&[0x0a, 0xff])]);
        assert_eq!(at(&bytes, &path(&[1])).len(), 2);
    }

    #[track_caller]
    fn check_refused(json: &str, why: &str) {
        let said = from_json(json.as_bytes(), 1000).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        check_refused("[]", "expected an object");
        check_refused("{} x", "trailing");
        check_refused(r#"{"resourceMetrics":{}}"#, "a list of resourceMetrics");
        let point = |p: &str| {
            format!(
                r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"gauge":{{"dataPoints":[{p}]}}}}]}}]}}]}}"#
            )
        };
        check_refused(&point(r#"{"asInt":"five"}"#), "asInt is wrong: \"five\"");
        let many = vec!["{\"asInt\":1}"; 200].join(",");
        check_refused(&point(&many), "more than 1000 bytes");
        check_refused(&point(r#"{"asInt":1.5}"#), "a number for asInt");
        check_refused(&point(r#"{"timeUnixNano":"99999999999999999999"}"#), "out of range");
        check_refused(&point(r#"{"exemplars":[{"spanId":"0"}]}"#), "spanId is wrong");
        check_refused(&"[".repeat(1000), "expected an object");
        let list = r#"{"arrayValue":{"values":["#.repeat(100);
        let deep = format!(r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"value":{list}"#);
        check_refused(&deep, "recursion");
    }

    #[test]
    fn bytes_are_read() {
        assert_eq!(unbase64("aGkhPw=="), Some(b"hi!?".to_vec()));
        assert_eq!(unbase64("a"), Some(Vec::new()));
        assert_eq!(unbase64("*"), None);
        assert_eq!(unhex("0g"), None);
    }
}
