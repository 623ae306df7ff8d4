//! Label filters of a dashboard in an expression: they go into every selector. The browser does the same.

use plimsoll_query::{Features, Span, parse};

/// The expression with these matchers (`job="api"`) in every selector. What cannot be read stays as it is: whoever asks it
/// is told why.
pub fn with_filters(expr: &str, filters: &[String], features: &Features) -> String {
    let wanted = filters.iter().map(|f| f.trim()).filter(|f| !f.is_empty());
    let more = wanted.collect::<Vec<_>>().join(",");
    if more.is_empty() {
        return expr.to_owned();
    }
    let Ok(tree) = parse(expr, features) else { return expr.to_owned() };
    let mut spans: Vec<Span> = tree.selectors().iter().map(|s| s.span).collect();
    spans.sort_by_key(|s| s.start);
    let mut out = String::with_capacity(expr.len() + spans.len() * more.len());
    let mut behind = 0;
    for span in spans {
        let (start, end) = (span.start as usize, span.end as usize);
        let Some(text) = expr.get(start..end).filter(|_| start >= behind) else { continue };
        let name = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        let name = name.unwrap_or(text.len());
        // Between a name and its braces there may be space.
        let rest = text[name..].trim_start();
        let at =
            start + text.len() - if rest.starts_with('{') { rest.len() } else { text.len() - name };
        out.push_str(&expr[behind..at]);
        behind = at;
        if let Some(inner) = rest.strip_prefix('{') {
            let comma = if inner.trim_start().starts_with('}') { "" } else { "," };
            out.push_str(&format!("{{{more}{comma}"));
            behind += 1;
        } else {
            out.push_str(&format!("{{{more}}}"));
        }
    }
    out.push_str(&expr[behind..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_go_into_every_selector_and_nowhere_else() {
        let filters = ["job=\"x\"".to_owned(), " ".to_owned()];
        for (expr, wanted) in [
            ("up", "up{job=\"x\"}"),
            ("up {}", "up {job=\"x\"}"),
            ("{__name__=\"up\"}", "{job=\"x\",__name__=\"up\"}"),
            (
                "sum by (instance) (rate(a_total{code=~\"5..|a{2}\"}[5m])) / on (instance) group_left (pod) b",
                "sum by (instance) (rate(a_total{job=\"x\",code=~\"5..|a{2}\"}[5m])) / on (instance) group_left (pod) b{job=\"x\"}",
            ),
            ("sum(a) by (le) > bool 5", "sum(a{job=\"x\"}) by (le) > bool 5"),
            ("topk(5, a offset 5m) > -Inf", "topk(5, a{job=\"x\"} offset 5m) > -Inf"),
            ("1e5 * a", "1e5 * a{job=\"x\"}"),
            ("sum(", "sum("),
        ] {
            assert_eq!(with_filters(expr, &filters, &Features::default()), wanted);
        }
        assert_eq!(with_filters("up", &[], &Features::default()), "up");
    }
}
