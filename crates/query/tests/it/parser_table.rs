//! What is read and what is refused: expressions, and the canonical text or the error of each.
//!
//! `parser_table.txt` has an expression on each line that is not indented, with `␤` for a line
//! break, and below it what comes of it: `= canonical text`, or `! error`. A line `[default]` or
//! `[promqltest]` says which switches hold from there on.

use plimsoll_query::{Features, parse, parse_selector};

fn outcome(text: &str, features: &Features) -> String {
    match parse(text, features) {
        Ok(tree) => format!("= {tree}"),
        Err(error) => format!("! {error}"),
    }
}

#[test]
fn expressions_are_read_or_refused_as_the_table_says() {
    let mut features = Features::default();
    let mut text = None;
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in include_str!("parser_table.txt").lines() {
        match (line, line.strip_prefix("    ")) {
            ("[default]", _) => features = Features::default(),
            ("[promqltest]", _) => features = Features::PROMQLTEST,
            (_, Some(expected)) => {
                let text: String = text.take().expect("an outcome stands below an expression");
                let found = outcome(&text, &features);
                count += 1;
                if found != expected {
                    wrong.push(format!("{text}\n    {found}\n  not {expected}"));
                }
            }
            _ => text = Some(line.replace('␤', "\n")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 300, "only {count} expressions");
}

#[test]
fn an_empty_text_has_no_position() {
    let error = parse("", &Features::default()).unwrap_err();
    assert_eq!(error.to_string(), "unknown position: parse error: no expression found in input");
    assert_eq!((error.line(), error.column()), (None, None));
}

#[test]
fn an_error_knows_its_bytes_and_what_was_meant() {
    let error = parse("sum(\n  raet(foo[5m]))", &Features::default()).unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
    assert_eq!((error.span().start, error.span().end), (7, 11));
    assert_eq!(error.suggestion(), Some("rate"));
}

#[test]
fn selectors_alone() {
    let shown = |text: &str| match parse_selector(text) {
        Ok(selector) => selector.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown("up{a=\"b\"}"), "up{a=\"b\"}");
    assert_eq!(shown("{\"my.metric\"}"), "{__name__=\"my.metric\"}");
    assert_eq!(shown("{}"), "{}");
    assert_eq!(shown("sum"), "sum");
    assert_eq!(shown("up[5m]"), "1:3: parse error: unexpected \"[\"");
    assert_eq!(shown("1"), "1:1: parse error: unexpected number \"1\"");
}

#[test]
fn switches_gate_what_is_experimental() {
    let message = |text: &str| match parse(text, &Features::default()) {
        Ok(_) => String::new(),
        Err(error) => error.message().to_owned(),
    };
    assert_eq!(message("a[1m*2]"), "experimental duration expression is not enabled");
    let only = Features { duration_expr: true, ..Features::default() };
    assert!(parse("a[1m*2]", &only).is_ok());
    assert!(parse("a[1m] anchored", &only).is_err());
}
