//! MetricsQL, the dialect of VictoriaMetrics, as PromQL where both say nearly the same.
//!
//! Only expressions that cannot be read as PromQL are looked at. Three things are written anew: `topk_max(…)` and its
//! kin, range functions without a range, and a bare number behind `or`. All else stays as it is, and is told.

use std::ops::Range;

/// Functions that want a range; here they may do without.
const RANGED: [&str; 20] = [
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
    "first_over_time",
    "present_over_time",
    "absent_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "mad_over_time",
];
/// Words that only that dialect has.
const WORDS: [&str; 18] = [
    "WITH",
    "default",
    "keep_metric_names",
    "rollup",
    "rollup_rate",
    "rollup_increase",
    "rollup_delta",
    "label_set",
    "label_del",
    "label_copy",
    "label_match",
    "union",
    "range_avg",
    "range_max",
    "range_min",
    "range_median",
    "histogram_share",
    "limit_offset",
];
/// Changes of one expression; each reads it anew.
const CHANGES_MAX: usize = 50;

/// An expression written anew, and what is otherwise.
pub(super) struct Rewritten {
    pub expr: String,
    pub notes: Vec<String>,
}

/// A name and what it is called with.
struct Call {
    name: Range<usize>,
    /// Between the brackets.
    inner: Range<usize>,
}

/// The same as PromQL; nothing where there is nothing to change.
pub(super) fn promql(expr: &str) -> Option<Rewritten> {
    let mut made = Rewritten { expr: expr.to_owned(), notes: Vec::new() };
    for _ in 0..CHANGES_MAX {
        if !(ranked(&mut made) || ranged(&mut made) || numbered(&mut made)) {
            break;
        }
    }
    (made.expr != expr).then_some(made)
}

/// Whether a word of it is only known to that dialect.
pub(super) fn is_one(expr: &str) -> bool {
    let words = expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .into_iter()
        .any(|w| WORDS.contains(&w) || w.starts_with("topk_") || w.starts_with("bottomk_"))
}

impl Rewritten {
    fn told(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// `topk_max(k, x, "other")` chooses for the whole time that is shown; `topk(k, x)` for each moment.
fn ranked(made: &mut Rewritten) -> bool {
    let found = calls(&made.expr).into_iter().find(|c| rank(&made.expr[c.name.clone()]).is_some());
    let Some(call) = found else { return false };
    let name = made.expr[call.name.clone()].to_owned();
    let Some(rank) = rank(&name) else { return false };
    let inner = &made.expr[call.inner.clone()];
    let ends = commas(inner);
    // What is left over as a series of its own is not asked.
    let kept = ends.get(1).map_or(inner, |end| &inner[..*end]).to_owned();
    made.expr.replace_range(call.inner, &kept);
    made.expr.replace_range(call.name, rank);
    made.told(format!("{name} of MetricsQL is {rank} now, which chooses anew for each moment"));
    true
}

fn rank(name: &str) -> Option<&'static str> {
    let (rank, of) = name.split_once('_')?;
    let known = matches!(of, "min" | "max" | "avg" | "median" | "last");
    ["topk", "bottomk"].into_iter().find(|r| known && *r == rank)
}

/// `rate(x)` takes the time between two points.
fn ranged(made: &mut Rewritten) -> bool {
    let bare = |c: &Call| {
        RANGED.contains(&&made.expr[c.name.clone()])
            && is_selector(made.expr[c.inner.clone()].trim())
    };
    let Some(call) = calls(&made.expr).into_iter().find(bare) else { return false };
    let name = made.expr[call.name].to_owned();
    let end = call.inner.start + made.expr[call.inner].trim_end().len();
    made.expr.insert_str(end, "[$__rate_interval]");
    made.told(format!("{name} had no range, as MetricsQL allows; it has [$__rate_interval] now"));
    true
}

/// `x or 0` is `x or vector(0)`.
fn numbered(made: &mut Rewritten) -> bool {
    let open = outside(&made.expr);
    let bytes = made.expr.as_bytes();
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    for at in 1..bytes.len().saturating_sub(3) {
        let is_or = open[at] && bytes[at..at + 2].eq_ignore_ascii_case(b"or");
        if !is_or || is_word(bytes[at - 1]) || !bytes[at + 2].is_ascii_whitespace() {
            continue;
        }
        let behind = &made.expr[at + 2..];
        let start = at + 2 + behind.len() - behind.trim_start().len();
        let length =
            made.expr[start..].bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let next = made.expr[start + length..].trim_start().chars().next();
        if length == 0 || !next.is_none_or(|c| matches!(c, ')' | ',')) {
            continue;
        }
        let number = made.expr[start..start + length].to_owned();
        made.expr.replace_range(start..start + length, &format!("vector({number})"));
        made.told(format!("a number behind or is vector({number}) now, as PromQL wants it"));
        return true;
    }
    false
}

/// Which bytes are in no quotes.
fn outside(text: &str) -> Vec<bool> {
    let (mut quote, mut escaped) = (None, false);
    let step = |b: u8| {
        let was = quote;
        match (quote, b) {
            (Some(_), _) if escaped => escaped = false,
            (Some(b'"' | b'\''), b'\\') => escaped = true,
            (Some(q), b) if q == b => quote = None,
            (None, b'"' | b'\'' | b'`') => quote = Some(b),
            _ => {}
        }
        was.is_none() && quote.is_none()
    };
    text.bytes().map(step).collect()
}

/// All calls, the inner ones first.
fn calls(text: &str) -> Vec<Call> {
    let open = outside(text);
    let bytes = text.as_bytes();
    let (mut all, mut stack) = (Vec::new(), Vec::new());
    for at in (0..bytes.len()).filter(|at| open[*at]) {
        if bytes[at] == b'(' {
            let before = text[..at].trim_end();
            let from = before
                .bytes()
                .rev()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
                .count();
            stack.push((before.len() - from..before.len(), at + 1));
        } else if bytes[at] == b')'
            && let Some((name, start)) = stack.pop()
            && !name.is_empty()
        {
            all.push(Call { name, inner: start..at });
        }
    }
    all
}

/// Where the commas between arguments are.
fn commas(text: &str) -> Vec<usize> {
    let open = outside(text);
    let mut depth = 0_i32;
    let mut all = Vec::new();
    for (at, b) in text.bytes().enumerate().filter(|(at, _)| open[*at]) {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => all.push(at),
            _ => {}
        }
    }
    all
}

/// `name{…}`, `name` or `{…}`.
fn is_selector(text: &str) -> bool {
    let name = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"_:$".contains(b)).count();
    let rest = text[name..].trim_start();
    if rest.is_empty() {
        return name > 0 && !text.starts_with(|c: char| c.is_ascii_digit());
    }
    if !rest.starts_with('{') || !rest.ends_with('}') {
        return false;
    }
    let open = outside(rest);
    let inner = rest.bytes().zip(&open).filter(|(_, open)| **open).map(|(b, _)| b);
    let braces: Vec<u8> = inner.filter(|b| b"{}()[]".contains(b)).collect();
    braces == b"{}" || rest.contains("${")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_languages_say_alike_is_written_anew() {
        for (from, to) in [
            ("topk_max(5, sum(rate(x[5m])) by (a))", "topk(5, sum(rate(x[5m])) by (a))"),
            ("bottomk_last($k, x{a=\"(,\"}, \"other=rest\") > 0", "bottomk($k, x{a=\"(,\"}) > 0"),
            (
                "sum(rate(x{a=~\"$b\"})) / rate( y )",
                "sum(rate(x{a=~\"$b\"}[$__rate_interval])) / rate( y[$__rate_interval] )",
            ),
            ("rate({__name__=\"${m}\"})", "rate({__name__=\"${m}\"}[$__rate_interval])"),
            ("(sum(x) or 0) + (y or 0.5)", "(sum(x) or vector(0)) + (y or vector(0.5))"),
        ] {
            assert_eq!(promql(from).map(|r| r.expr).as_deref(), Some(to));
        }
        for same in [
            "rate(x[5m])",
            "x{a=\" or 0\"}",
            "rate(sum(x))",
            "x or 0 * y",
            "topk(5, x)",
            "rate(1)",
            "",
        ] {
            assert!(promql(same).is_none(), "{same}");
        }
        assert!(is_one("WITH (f={a=\"b\"}) x{f}") && !is_one("sum without (a) (x)"));
        let twice = promql("rate(a) + rate(b)").map(|r| r.notes.len());
        assert_eq!(twice, Some(1));
    }
}
