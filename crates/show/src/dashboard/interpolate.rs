//! Values for variables: `$v`, `${v}`, `${v:format}`, `[[v]]` in expressions, titles, links and texts.
//!
//! The browser does the same; both are held to `fixtures/dashboards/interpolate.json`. What no variable is called stays
//! as it is, so `$1` of `label_replace` does. In an expression, a value without a format becomes what its place needs:
//!
//! - between quotes, of a variable of which several can be chosen, a pattern: each value escaped, `(a|b)` when there are
//!   several. One value behind `=` or `!=` is not escaped as a pattern, since it is none. Then it is escaped as the quotes
//!   need it (back quotes need nothing);
//! - between quotes, of another variable, the value, escaped as the quotes need it;
//! - elsewhere, the values with commas between them, as `by (…)` wants them.
//!
//! All of a variable is its `all_value` just as it is written, or all options.

use std::collections::BTreeSet;

/// Values of a variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// What is chosen; all options where all are.
    pub values: Vec<String>,
    /// How these are called; as many, or none.
    pub texts: Vec<String>,
    /// Whether several can be chosen.
    pub multi: bool,
    /// Whether all are chosen.
    pub all: bool,
    /// What stands for all, where that is said.
    pub all_value: String,
}

/// Where the text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// PromQL.
    Expr,
    /// A title, a legend or Markdown.
    Text,
    /// A link.
    Url,
}

/// Tells the values of a name, built-in ones included.
pub trait Scope {
    /// The values; `None` when nothing is called so.
    fn values(&self, name: &str) -> Option<Chosen>;
}

impl<F: Fn(&str) -> Option<Chosen>> Scope for F {
    fn values(&self, name: &str) -> Option<Chosen> {
        self(name)
    }
}

/// A place where a value is wanted.
struct Place<'t> {
    start: usize,
    end: usize,
    name: &'t str,
    format: Option<&'t str>,
}

/// The names that occur in a text, each once.
pub fn names_in(text: &str) -> BTreeSet<String> {
    places(text).into_iter().map(|p| p.name.to_owned()).collect()
}

/// A text with values in place of variables.
pub fn interpolate(text: &str, target: Target, scope: &dyn Scope) -> String {
    let mut out = String::with_capacity(text.len());
    let mut behind = 0;
    let mut quotes = Quotes::default();
    for place in places(text) {
        let Some(chosen) = scope.values(place.name) else { continue };
        let between = &text[behind..place.start];
        out.push_str(between);
        quotes.pass(between);
        out.push_str(&written(&place, &chosen, target, &quotes));
        behind = place.end;
    }
    out.push_str(&text[behind..]);
    out
}

fn places(text: &str) -> Vec<Place<'_>> {
    let bytes = text.as_bytes();
    let mut all = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let found = if let Some(inner) = rest.strip_prefix("${") {
            closed(inner, "}").map(|n| (2, n, 1))
        } else if let Some(inner) = rest.strip_prefix("[[") {
            closed(inner, "]]").map(|n| (2, n, 2))
        } else if let Some(inner) = rest.strip_prefix('$') {
            let n = word(inner);
            (n > 0).then_some((1, n, 0))
        } else {
            None
        };
        let Some((open, n, close)) = found else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let inner = &rest[open..open + n];
        let (name, format) = match inner.split_once(':') {
            Some((name, format)) => (name, Some(format)),
            None => (inner, None),
        };
        let end = at + open + n + close;
        all.push(Place { start: at, end, name, format });
        at = end;
    }
    all
}

/// How long a name is that stands here.
fn word(text: &str) -> usize {
    let first = text.bytes().next();
    if !first.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') {
        return 0;
    }
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

/// How long `name` or `name:format` is that stands here up to the end mark.
fn closed(text: &str, end: &str) -> Option<usize> {
    let name = word(text);
    let format = &text[name..];
    let is_format = |b: &u8| b.is_ascii_alphanumeric() || b"_:-. ".contains(b);
    let long = match format.starts_with(':') {
        true => format.bytes().take_while(is_format).count(),
        false => 0,
    };
    (name > 0 && format[long..].starts_with(end)).then_some(name + long)
}

/// Whether the cursor is between quotes of PromQL, and what stood before them.
#[derive(Default)]
struct Quotes {
    open: Option<char>,
    /// The last characters before the quotes that are open.
    before: [char; 2],
    last: [char; 2],
    escaped: bool,
}

impl Quotes {
    fn pass(&mut self, text: &str) {
        for c in text.chars() {
            match self.open {
                None if matches!(c, '"' | '\'' | '`') => {
                    self.open = Some(c);
                    self.before = self.last;
                }
                None if !c.is_whitespace() => self.last = [self.last[1], c],
                None => {}
                Some(_) if self.escaped => self.escaped = false,
                Some('"' | '\'') if c == '\\' => self.escaped = true,
                Some(open) if c == open => {
                    self.open = None;
                    self.last = ['"', '"'];
                }
                Some(_) => {}
            }
        }
    }

    /// Whether what is between the quotes is compared as it is.
    fn is_plain(&self) -> bool {
        self.before[1] == '='
    }

    fn escape(&self, value: &str) -> String {
        match self.open {
            Some(quote @ ('"' | '\'')) => {
                let mut out = String::with_capacity(value.len());
                for c in value.chars() {
                    match c {
                        '\n' => out.push_str("\\n"),
                        c => {
                            if c == '\\' || c == quote {
                                out.push('\\');
                            }
                            out.push(c);
                        }
                    }
                }
                out
            }
            _ => value.to_owned(),
        }
    }
}

fn written(place: &Place<'_>, chosen: &Chosen, target: Target, quotes: &Quotes) -> String {
    let values = &chosen.values;
    let as_text =
        place.format == Some("text") || (target == Target::Text && place.format.is_none());
    if chosen.all && !chosen.all_value.is_empty() && !as_text {
        return match (target, place.format) {
            (Target::Url, None | Some("queryparam")) => {
                let value = encoded(&chosen.all_value);
                match place.format {
                    Some(_) => format!("var-{}={value}", place.name),
                    None => value,
                }
            }
            _ => chosen.all_value.clone(),
        };
    }
    let joined = |mark: &str, each: &dyn Fn(&str) -> String| {
        values.iter().map(|v| each(v)).collect::<Vec<_>>().join(mark)
    };
    let same = |v: &str| v.to_owned();
    match place.format {
        Some("regex") => quotes.escape(&pattern(values)),
        Some("pipe") => joined("|", &same),
        Some("csv" | "raw") => joined(",", &same),
        Some("glob") => match values.as_slice() {
            [one] => one.clone(),
            _ => format!("{{{}}}", joined(",", &same)),
        },
        Some("json") => {
            let text = match values.as_slice() {
                [one] if !chosen.multi => serde_json::to_string(one),
                all => serde_json::to_string(all),
            };
            text.unwrap_or_default()
        }
        Some("queryparam") => joined("&", &|v| format!("var-{}={}", place.name, encoded(v))),
        Some("percentencode") => match values.as_slice() {
            [one] => encoded(one),
            _ => encoded(&format!("{{{}}}", joined(",", &same))),
        },
        Some("doublequote") => {
            joined(",", &|v| format!("\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\"")))
        }
        Some("singlequote") => {
            joined(",", &|v| format!("'{}'", v.replace('\\', "\\\\").replace('\'', "\\'")))
        }
        Some("text") => text(chosen),
        _ => match target {
            Target::Text => text(chosen),
            Target::Url => joined(",", &encoded),
            Target::Expr if quotes.open.is_none() => joined(",", &same),
            Target::Expr => match values.as_slice() {
                [one] if !chosen.multi || quotes.is_plain() => quotes.escape(one),
                all => quotes.escape(&pattern(all)),
            },
        },
    }
}

fn text(chosen: &Chosen) -> String {
    if chosen.all {
        return "All".to_owned();
    }
    let texts =
        if chosen.texts.len() == chosen.values.len() { &chosen.texts } else { &chosen.values };
    texts.join(" + ")
}

/// A pattern that finds these values and no others.
fn pattern(values: &[String]) -> String {
    let each: Vec<String> = values.iter().map(|v| escaped(v)).collect();
    match each.as_slice() {
        [one] => one.clone(),
        all => format!("({})", all.join("|")),
    }
}

/// A value as a pattern that finds only it.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if "\\^$*+?.()|[]{}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A value as part of a URL.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for b in value.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// `$__interval` is never shorter unless the query says so, as in Grafana: what changes within one step of a short range
/// could not be told from one sample.
pub const INTERVAL_MIN_MS: i64 = 15_000;

/// The names that are always there, for a time and a step, all ms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Builtins {
    /// Beginning of what is shown, since the epoch.
    pub from_ms: i64,
    /// Its end.
    pub to_ms: i64,
    /// Time between two points.
    pub step_ms: i64,
    /// The least step that the query asks for.
    pub least_ms: Option<i64>,
    /// How often samples are collected.
    pub scrape_ms: i64,
    /// The title of the dashboard.
    pub dashboard: String,
}

impl Builtins {
    /// The value of a built-in name.
    pub fn value(&self, name: &str) -> Option<Chosen> {
        let duration = |ms: i64| plimsoll_model::format_duration_ms(ms.max(1));
        let range = self.to_ms.saturating_sub(self.from_ms).max(0);
        let seconds = (range + 500) / 1_000;
        let interval = self.step_ms.max(self.least_ms.unwrap_or(INTERVAL_MIN_MS));
        // Who asks for a step says how often there are samples.
        let scrape = self.least_ms.unwrap_or(self.scrape_ms);
        let rate = scrape.saturating_mul(4).max(self.step_ms.saturating_add(scrape));
        let value = match name {
            "__interval" => duration(interval),
            "__interval_ms" => interval.to_string(),
            "__rate_interval" => duration(rate),
            "__rate_interval_ms" => rate.to_string(),
            "__range" => format!("{}s", seconds.max(1)),
            "__range_s" => seconds.to_string(),
            "__range_ms" => range.to_string(),
            "__from" => self.from_ms.to_string(),
            "__to" => self.to_ms.to_string(),
            "__dashboard" => self.dashboard.clone(),
            _ => return None,
        };
        Some(Chosen { values: vec![value], ..Chosen::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The cases that the browser is held to as well.
    const CASES: &str = include_str!("../../../../fixtures/dashboards/interpolate.json");

    #[test]
    fn an_interval_is_never_shorter_than_what_a_rate_can_be_told_from() {
        let value = |step_ms: i64, name: &str| {
            let all = Builtins { step_ms, scrape_ms: 5_000, ..Builtins::default() };
            all.value(name).unwrap().values.join("")
        };
        assert_eq!([value(5_000, "__interval"), value(60_000, "__interval")], ["15s", "1m"]);
        assert_eq!(value(5_000, "__interval_ms"), "15000");
        let own = Builtins { step_ms: 5_000, least_ms: Some(5_000), ..Builtins::default() };
        assert_eq!(own.value("__interval").unwrap().values, ["5s"]);
        let minutes = Builtins { step_ms: 60_000, least_ms: Some(60_000), ..Builtins::default() };
        assert_eq!(minutes.value("__rate_interval").unwrap().values, ["4m"]);
        assert_eq!(value(5_000, "__rate_interval"), "20s");
    }

    #[test]
    fn texts_are_filled_in_as_the_fixture_says() {
        let cases: Value = serde_json::from_str(CASES).unwrap();
        let b = &cases["builtins"];
        let ms = |name: &str| b[name].as_i64().unwrap();
        let builtins = Builtins {
            least_ms: None,
            from_ms: ms("from"),
            to_ms: ms("to"),
            step_ms: ms("step"),
            scrape_ms: ms("scrape"),
            dashboard: b["dashboard"].as_str().unwrap().to_owned(),
        };
        let texts = |v: &Value| -> Vec<String> {
            let list = v.as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().map(|s| s.as_str().unwrap().to_owned()).collect()
        };
        let variables = cases["variables"].as_object().unwrap();
        let scope = |name: &str| {
            let Some(v) = variables.get(name) else { return builtins.value(name) };
            Some(Chosen {
                values: texts(&v["values"]),
                texts: texts(&v["texts"]),
                multi: v["multi"] == true,
                all: v["all"] == true,
                all_value: v["all_value"].as_str().unwrap_or_default().to_owned(),
            })
        };
        let all = cases["cases"].as_array().unwrap();
        assert!(all.len() > 40);
        for case in all {
            let target = match case["target"].as_str().unwrap() {
                "expr" => Target::Expr,
                "text" => Target::Text,
                _ => Target::Url,
            };
            let (text, want) = (case["text"].as_str().unwrap(), case["want"].as_str().unwrap());
            assert_eq!(interpolate(text, target, &scope), want, "{text}");
        }
    }

    #[test]
    fn names_are_found_once_each() {
        let names = names_in("a{b=~\"$x\"}[$__interval] + ${y:csv} [[z]] $1 ${2} $x [[:alpha:]]");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["__interval", "x", "y", "z"]);
    }
}
