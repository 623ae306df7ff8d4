//! `/api/v1/series`, `labels`, `label/…/values`.

use std::sync::Arc;

use axum::response::Response;
use plimsoll_model::{Hint, MatchOp, Matcher, ReadCx, Scoped, Snapshot, TimeRange};
use plimsoll_query::parse_selector;

use super::{ask_quickly, json};
use crate::app::App;
use crate::params::{Params, time_ms};
use crate::reply::{Failure, Success};
use crate::routes::Call;

/// What a label request asks for.
pub(super) struct Asked {
    pub sets: Vec<Vec<Matcher>>,
    pub range: TimeRange,
    pub limit: usize,
}

pub(super) fn limit(params: &Params) -> Result<usize, Failure> {
    let Some(text) = params.get("limit") else { return Ok(0) };
    text.parse().map_err(|_| Failure::parameter("limit", "limit must be non-negative"))
}

/// From `start` to `end`; all times where they are not given.
pub(super) fn range_of(params: &Params) -> Result<TimeRange, Failure> {
    let time = |name, otherwise| match params.get(name) {
        None => Ok(otherwise),
        Some(text) => time_ms(text).map_err(|e| Failure::parameter(name, e)),
    };
    let range = TimeRange::new(time("start", i64::MIN)?, time("end", i64::MAX)?);
    if range.is_empty() {
        let message = "end timestamp must not be before start time";
        return Err(Failure::parameter("end", message));
    }
    Ok(range)
}

pub(super) fn asked(params: &Params) -> Result<Asked, Failure> {
    let range = range_of(params)?;
    let sets = params.all("match[]").map(matchers).collect::<Result<_, _>>()?;
    Ok(Asked { sets, range, limit: limit(params)? })
}

pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, Failure> {
    let matchers = matchers_of("match[]", text)?;
    if matchers.iter().all(Matcher::matches_empty) {
        let message = "match[] must contain at least one non-empty matcher";
        return Err(Failure::parameter("match[]", message));
    }
    Ok(matchers)
}

/// The matchers of a selector that may match everything, of the parameter `name`.
pub(crate) fn matchers_of(name: &str, text: &str) -> Result<Vec<Matcher>, Failure> {
    let wrong = |e: String| Failure::parameter(name, e);
    let selector = parse_selector(text).map_err(|e| wrong(e.to_string()))?;
    let matchers = selector.matchers.iter().map(|m| Matcher::new(op(m.op), &m.name, &m.value));
    matchers.collect::<Result<_, _>>().map_err(|e: plimsoll_model::Error| wrong(e.to_string()))
}

pub(super) const fn op(op: plimsoll_query::MatchOp) -> MatchOp {
    match op {
        plimsoll_query::MatchOp::Equal => MatchOp::Equal,
        plimsoll_query::MatchOp::NotEqual => MatchOp::NotEqual,
        plimsoll_query::MatchOp::Regex => MatchOp::Regex,
        plimsoll_query::MatchOp::NotRegex => MatchOp::NotRegex,
    }
}

async fn look_up<T>(
    app: &Arc<App>,
    call: &Call,
    find: impl Fn(&dyn Snapshot, &[&[Matcher]], &Hint<'_>, &ReadCx) -> plimsoll_model::Result<Vec<T>>
    + Send
    + 'static,
    write: fn(&mut String, &T),
) -> Result<Response, Failure>
where
    T: 'static,
{
    let asked = asked(&call.params)?;
    ask_quickly(app, call, move |app, cx| {
        let snapshot = Scoped::new(app.source.snapshot());
        let sets: Vec<&[Matcher]> = asked.sets.iter().map(Vec::as_slice).collect();
        // One more than asked for tells whether something was left out.
        let more = if asked.limit == 0 { 0 } else { asked.limit.saturating_add(1) };
        let hint = Hint { limit: more, ..Hint::range(asked.range) };
        let mut found = find(&snapshot, &sets, &hint, cx)?;
        let mut warnings = cx.warnings.take();
        if asked.limit > 0 && found.len() > asked.limit {
            found.truncate(asked.limit);
            warnings.push("results truncated due to limit".to_owned());
        }
        let mut success = Success::new();
        let out = success.data();
        out.push('[');
        for (i, one) in found.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write(out, one);
        }
        out.push(']');
        Ok(success.finish(&warnings, &[]))
    })
    .await
}

/// Label sets of series; at least one `match[]`.
pub async fn series(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    if call.params.all("match[]").next().is_none() {
        return Err(Failure::bad_data("no match[] parameter provided"));
    }
    let find = |s: &dyn Snapshot, sets: &[&[Matcher]], hint: &Hint<'_>, cx: &ReadCx| {
        s.series(sets, hint, cx)
    };
    look_up(&app, &call, find, json::metric).await
}

/// Names of labels.
pub async fn names(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let find = |s: &dyn Snapshot, sets: &[&[Matcher]], hint: &Hint<'_>, cx: &ReadCx| {
        s.label_names(sets, hint, cx)
    };
    look_up(&app, &call, find, |out, name| json::string(out, name)).await
}

/// Values of a label.
pub async fn values(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    let name = call.captured.first().map(|n| unescape(n)).unwrap_or_default();
    if name.is_empty() {
        return Err(Failure::bad_data("invalid label name: \"\""));
    }
    let find = move |s: &dyn Snapshot, sets: &[&[Matcher]], hint: &Hint<'_>, cx: &ReadCx| {
        s.label_values(&name, sets, hint, cx)
    };
    look_up(&app, &call, find, |out, name| json::string(out, name)).await
}

/// Undoes Prometheus' escaping of UTF-8 names in paths: `U__a_2e_b` is `a.b`, `__` is `_`.
fn unescape(name: &str) -> String {
    let Some(mut rest) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut out = String::new();
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let code = rest.split_once('_').and_then(|(hex, after)| {
            let c = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)?;
            Some((c, after))
        });
        let Some((c, after)) = code else { return name.to_owned() };
        out.push(c);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escaped_names_are_read() {
        assert_eq!(unescape("job"), "job");
        assert_eq!(unescape("U__my_2e_metric__x"), "my.metric_x");
        assert_eq!(unescape("U__bad_zz_"), "U__bad_zz_");
    }
}
