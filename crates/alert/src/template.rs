//! Texts with `{{ … }}`: the part of Go's text/template that annotations use most.
//!
//! Known: `$labels.name`, `$value`, `.Labels.name`, `.Value`, `$externalLabels.name`,
//! string and number literals, pipelines (`$value | humanize`), the functions of [`FUNCTIONS`],
//! trim markers (`{{-`, `-}}`), comments. Anything else (`if`, `range`, variables) is an error when
//! the text is read, never when it is shown. A label that is absent shows as nothing.

use std::fmt::Write as _;

use plimsoll_model::LabelsRef;

mod number;

use number::{humanize, humanize_1024, humanize_duration, humanize_percentage, print_value};

/// Functions with the number of arguments that they take, the piped one included.
const FUNCTIONS: [(&str, usize, usize); 12] = [
    ("humanize", 1, 1),
    ("humanize1024", 1, 1),
    ("humanizeDuration", 1, 1),
    ("humanizePercentage", 1, 1),
    ("title", 1, 1),
    ("toUpper", 1, 1),
    ("toLower", 1, 1),
    ("stripPort", 1, 1),
    ("toTime", 1, 1),
    ("print", 1, 16),
    ("printf", 1, 16),
    ("len", 1, 1),
];

/// A text that is read and can be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Pipeline(Vec<Call>),
}

#[derive(Clone, Debug, PartialEq)]
struct Call {
    function: Option<&'static str>,
    args: Vec<Operand>,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Value,
    Label(String),
    ExternalLabel,
    Text(String),
    Number(f64),
}

/// What a template is shown with.
#[derive(Clone, Copy)]
pub struct Values<'v> {
    /// The labels of the element.
    pub labels: LabelsRef<'v>,
    /// The value of the element.
    pub value: f64,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {0}")]
pub struct TemplateError(String);

#[derive(Clone, Debug)]
enum Shown {
    Text(String),
    Number(f64),
}

impl Template {
    /// A text without actions.
    pub fn literal(text: &str) -> Self {
        Self { pieces: vec![Piece::Text(text.to_owned())] }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is not known, or not closed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut trim_next = false;
        while let Some(open) = rest.find("{{") {
            let (before, after) = (&rest[..open], &rest[open + 2..]);
            let close = after.find("}}").ok_or_else(|| TemplateError("{{ without }}".into()))?;
            let mut action = &after[..close];
            let mut before = if trim_next { before.trim_start() } else { before };
            if let Some(inner) = action.strip_prefix("- ") {
                action = inner;
                before = before.trim_end();
            }
            trim_next = action.ends_with(" -");
            action = action.strip_suffix(" -").unwrap_or(action).trim();
            push_text(&mut pieces, before);
            if !(action.starts_with("/*") && action.ends_with("*/")) {
                pieces.push(Piece::Pipeline(pipeline(action)?));
            }
            rest = &after[close + 2..];
        }
        push_text(&mut pieces, if trim_next { rest.trim_start() } else { rest });
        Ok(Self { pieces })
    }

    /// The text with its actions replaced.
    pub fn show(&self, values: Values<'_>) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Pipeline(calls) => out.push_str(&run(calls, values)),
            }
        }
        out
    }
}

impl std::fmt::Display for Template {
    /// For people who look at a rule: the text as it would be written.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Pipeline(calls) => {
                    let calls: Vec<String> = calls.iter().map(written).collect();
                    write!(f, "{{{{ {} }}}}", calls.join(" | "))?;
                }
            }
        }
        Ok(())
    }
}

fn written(call: &Call) -> String {
    let mut words: Vec<String> = call.function.iter().map(|f| (*f).to_owned()).collect();
    words.extend(call.args.iter().map(|a| match a {
        Operand::Value => "$value".to_owned(),
        Operand::Label(name) => format!("$labels.{name}"),
        Operand::ExternalLabel => "$externalLabels".to_owned(),
        Operand::Text(text) => format!("{text:?}"),
        Operand::Number(x) => print_value(*x),
    }));
    words.join(" ")
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

fn pipeline(action: &str) -> Result<Vec<Call>, TemplateError> {
    if action.is_empty() {
        return Err(TemplateError("an empty {{ }}".into()));
    }
    let mut calls = Vec::new();
    for (i, part) in split_outside_quotes(action, '|').into_iter().enumerate() {
        let call = call(part.trim(), action)?;
        let piped = usize::from(i > 0);
        match call.function {
            Some(name) => {
                let (_, least, most) = FUNCTIONS
                    .iter()
                    .find(|(f, ..)| *f == name)
                    .copied()
                    .unwrap_or((name, 0, usize::MAX));
                let found = call.args.len() + piped;
                if found < least || found > most {
                    let text = format!("{name} in {{{{ {action} }}}} has {found} arguments");
                    return Err(TemplateError(text));
                }
            }
            None if i > 0 || call.args.len() != 1 => {
                let text = format!("{part:?} in {{{{ {action} }}}} is not a function call");
                return Err(TemplateError(text));
            }
            None => {}
        }
        calls.push(call);
    }
    Ok(calls)
}

fn call(text: &str, action: &str) -> Result<Call, TemplateError> {
    let words: Vec<&str> =
        split_outside_quotes(text, ' ').into_iter().filter(|w| !w.is_empty()).collect();
    let Some(first) = words.first() else {
        return Err(TemplateError(format!("nothing between two | in {{{{ {action} }}}}")));
    };
    let function = FUNCTIONS.iter().map(|(f, ..)| *f).find(|f| f == first);
    let rest = if function.is_some() { &words[1..] } else { &words[..] };
    let args = rest.iter().map(|w| operand(w, action)).collect::<Result<_, _>>()?;
    Ok(Call { function, args })
}

fn operand(word: &str, action: &str) -> Result<Operand, TemplateError> {
    if word == "$value" || word == ".Value" {
        return Ok(Operand::Value);
    }
    for prefix in ["$labels.", ".Labels."] {
        if let Some(name) = word.strip_prefix(prefix)
            && !name.is_empty()
        {
            return Ok(Operand::Label(name.to_owned()));
        }
    }
    if word.starts_with("$externalLabels.") || word.starts_with("$externalURL") {
        return Ok(Operand::ExternalLabel);
    }
    if let Some(text) = word.strip_prefix('"') {
        let text = text.strip_suffix('"').ok_or_else(|| open_quote(action))?;
        return Ok(Operand::Text(text.replace("\\\"", "\"")));
    }
    if let Some(text) = word.strip_prefix('`') {
        let text = text.strip_suffix('`').ok_or_else(|| open_quote(action))?;
        return Ok(Operand::Text(text.to_owned()));
    }
    if let Ok(x) = word.parse::<f64>() {
        return Ok(Operand::Number(x));
    }
    let known = "$labels.<name>, $value, texts, numbers";
    let functions: Vec<&str> = FUNCTIONS.iter().map(|(f, ..)| *f).collect();
    Err(TemplateError(format!(
        "{word} in {{{{ {action} }}}} is not known here; known: {known}, and the functions {}",
        functions.join(", ")
    )))
}

fn open_quote(action: &str) -> TemplateError {
    TemplateError(format!("a quote in {{{{ {action} }}}} is not closed"))
}

fn split_outside_quotes(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote, mut escaped) = (0, None, false);
    for (i, c) in text.char_indices() {
        match quote {
            Some(q) if c == q && !escaped => quote = None,
            Some(_) => {}
            None if c == '"' || c == '`' => quote = Some(c),
            None if c == at => {
                parts.push(&text[start..i]);
                start = i + c.len_utf8();
            }
            None => {}
        }
        escaped = c == '\\' && !escaped && quote == Some('"');
    }
    parts.push(&text[start..]);
    parts
}

fn run(calls: &[Call], values: Values<'_>) -> String {
    let mut piped: Option<Shown> = None;
    for call in calls {
        let mut args: Vec<Shown> = call.args.iter().map(|a| look_up(a, values)).collect();
        args.extend(piped.take());
        piped = Some(match call.function {
            Some(name) => apply(name, &args),
            None => args.pop().unwrap_or(Shown::Text(String::new())),
        });
    }
    piped.map(|p| p.text()).unwrap_or_default()
}

fn look_up(operand: &Operand, values: Values<'_>) -> Shown {
    match operand {
        Operand::Value => Shown::Number(values.value),
        Operand::Label(name) => Shown::Text(values.labels.get(name).unwrap_or("").to_owned()),
        Operand::ExternalLabel => Shown::Text(String::new()),
        Operand::Text(text) => Shown::Text(text.clone()),
        Operand::Number(x) => Shown::Number(*x),
    }
}

impl Shown {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(x) => print_value(*x),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Text(text) => text.parse().unwrap_or(f64::NAN),
            Self::Number(x) => *x,
        }
    }
}

fn apply(name: &str, args: &[Shown]) -> Shown {
    let Some(last) = args.last() else { return Shown::Text(String::new()) };
    let text = last.text();
    Shown::Text(match name {
        "humanize" => humanize(last.number()),
        "humanize1024" => humanize_1024(last.number()),
        "humanizeDuration" => humanize_duration(last.number()),
        "humanizePercentage" => humanize_percentage(last.number()),
        "title" => title(&text),
        "toUpper" => text.to_uppercase(),
        "toLower" => text.to_lowercase(),
        "stripPort" => strip_port(&text).to_owned(),
        "toTime" => to_time(last.number()),
        "len" => text.len().to_string(),
        "printf" => printf(&args[0].text(), &args[1..]),
        _ => args.iter().map(Shown::text).collect(),
    })
}

fn title(text: &str) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        start = c.is_whitespace();
    }
    out
}

fn strip_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            host.trim_start_matches('[').trim_end_matches(']')
        }
        _ => text,
    }
}

fn to_time(seconds: f64) -> String {
    let at = jiff::Timestamp::from_millisecond((seconds * 1e3) as i64);
    at.map_or_else(|_| seconds.to_string(), |t| t.to_string())
}

/// `%s %v %d %q %f %g %.2f %%`, as far as annotations use them.
fn printf(format: &str, args: &[Shown]) -> String {
    let mut out = String::new();
    let mut args = args.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let spec = &rest[at + 1..];
        let end = spec.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(spec.len());
        let verb = spec[end..].chars().next();
        rest = spec.get(end + 1..).unwrap_or("");
        if verb == Some('%') {
            out.push('%');
            continue;
        }
        let digits = spec[..end].split_once('.').and_then(|(_, d)| d.parse::<usize>().ok());
        let arg = args.next();
        let _ = match (verb, arg) {
            (Some('f'), Some(a)) => write!(out, "{:.*}", digits.unwrap_or(6).min(32), a.number()),
            (Some('d'), Some(a)) => write!(out, "{}", a.number().trunc()),
            (Some('q'), Some(a)) => write!(out, "{:?}", a.text()),
            (Some(_), Some(a)) => match (digits, a) {
                (Some(d), Shown::Number(x)) => out.write_str(&number::significant(*x, d.min(17))),
                _ => out.write_str(&a.text()),
            },
            (v, None) => write!(out, "%!{}(MISSING)", v.unwrap_or(' ')),
            (None, Some(_)) => out.write_str("%!(NOVERB)"),
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Labels;

    #[track_caller]
    fn check(text: &str, value: f64, shown: &str) {
        let labels = Labels::new([("job", "api"), ("instance", "a:90"), ("mount", "/")]).unwrap();
        let template = Template::parse(text).unwrap();
        assert_eq!(template.show(Values { labels: labels.as_ref(), value }), shown);
    }

    #[test]
    fn annotations_show_labels_and_values() {
        check("{{ $labels.job }} is at {{ $value }}", 0.5, "api is at 0.5");
        check("{{$labels.instance | stripPort}} {{ .Labels.gone }}!", 1.0, "a !");
        check("{{ $value | humanize }}B", 1_234_567.0, "1.235MB");
        check("{{ $value | humanize1024 }}B", 1_048_576.0, "1MiB");
        check("{{ $value | humanizePercentage }}", 0.1234, "12.34%");
        check("{{ $value | humanizeDuration }}", 3_661.0, "1h 1m 1s");
        check("{{ printf \"%.2f of %s\" $value $labels.job }}", 1.0 / 3.0, "0.33 of api");
        check("{{ $value | printf \"%.1f%%\" }}", 12.34, "12.3%");
        check("{{ toUpper \"a|b\" }}", 0.0, "A|B");
        check("a  {{- $labels.mount -}}  b", 0.0, "a/b");
        check("{{/* why */}}x", 0.0, "x");
        check("{{ $labels.job | title }}", 0.0, "Api");
    }

    #[test]
    fn what_is_not_known_is_told_when_it_is_read() {
        for (text, word) in [
            ("{{ $label.job }}", "$label.job"),
            ("{{ if $value }}", "if"),
            ("{{ $value | humanise }}", "humanise"),
            ("{{ $value", "{{ without }}"),
            ("{{ }}", "empty"),
            ("{{ humanize }}", "0 arguments"),
            ("{{ \"é }}", "not closed"),
            ("{{ `abc }}", "not closed"),
        ] {
            let e = Template::parse(text).unwrap_err().to_string();
            assert!(e.contains(word), "{text}: {e}");
        }
    }
}
