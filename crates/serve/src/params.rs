//! Parameters of a request: from the query string and from a form body, repeated keys kept.

/// Name and value pairs in the order given; the body's before the query string's.
#[derive(Clone, Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads a query string and, where there is one, a form body.
    pub fn read(query: Option<&str>, form: Option<&[u8]>) -> Self {
        let mut pairs = Vec::new();
        for bytes in [form, query.map(str::as_bytes)].into_iter().flatten() {
            pairs.extend(form_urlencoded::parse(bytes).into_owned());
        }
        Self { pairs }
    }

    /// All pairs, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// The first value of a name; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(n, _)| n == name)?;
        Some(found.1.as_str()).filter(|v| !v.is_empty())
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Farthest time that is told apart from an infinite one, ms either side of the epoch: 36 million
/// years, with room for offsets and ranges before arithmetic overflows.
pub const TIME_MS_MAX: i64 = 1 << 60;

/// A time as Prometheus takes it: seconds since the epoch with a fraction, or RFC 3339. In ms, at
/// most [`TIME_MS_MAX`] from the epoch.
///
/// # Errors
/// The text in Prometheus' words.
pub fn time_ms(text: &str) -> Result<i64, String> {
    let cannot = || format!("cannot parse \"{text}\" to a valid timestamp");
    if let Ok(seconds) = text.parse::<f64>() {
        let ms = (seconds * 1e3).round();
        if !ms.is_finite() {
            return Err(cannot());
        }
        return Ok((ms as i64).clamp(-TIME_MS_MAX, TIME_MS_MAX));
    }
    text.parse::<jiff::Timestamp>().map(|t| t.as_millisecond()).map_err(|_| cannot())
}

/// A duration as Prometheus takes it: seconds with a fraction, or `5m`. In ms.
///
/// # Errors
/// The text in Prometheus' words.
pub fn duration_ms(text: &str) -> Result<i64, String> {
    let cannot = || format!("cannot parse \"{text}\" to a valid duration");
    if let Ok(seconds) = text.parse::<f64>() {
        let ms = seconds * 1e3;
        if !ms.is_finite() || ms.abs() > 9.2e15 {
            return Err(format!("{}. It overflows int64", cannot()));
        }
        return Ok(ms as i64);
    }
    plimsoll_model::parse_duration_ms(text).ok_or_else(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_kept() {
        let p = Params::read(Some("match[]=a&x=1&match%5B%5D=b"), Some(b"match[]=c&x=2"));
        assert_eq!(p.all("match[]").collect::<Vec<_>>(), ["c", "a", "b"]);
        assert_eq!(p.get("x"), Some("2"));
    }

    #[test]
    fn times_and_durations_are_read_as_prometheus_does() {
        assert_eq!(time_ms("1763683200.123"), Ok(1_763_683_200_123));
        assert_eq!(time_ms("2025-11-21T00:00:00Z"), Ok(1_763_683_200_000));
        assert_eq!(time_ms("9223372036854775"), Ok(TIME_MS_MAX));
        assert!(time_ms("yesterday").is_err());
        assert!(time_ms("NaN").is_err());
        assert_eq!(duration_ms("0.5"), Ok(500));
        assert_eq!(duration_ms("1m30s"), Ok(90_000));
        assert!(duration_ms("x").is_err());
    }
}
