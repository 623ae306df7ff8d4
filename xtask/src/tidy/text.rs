//! What every file must begin with, and what no committed file may say.

use super::Source;

/// Words that no committed file may contain, where they are allowed, and why they are not.
const BANNED: &[(&str, &str, &str)] = &[
    ("/work/", "xtask/", "a path of one machine"),
    ("../shared", "xtask/", "material beside the checkout, which is not part of it"),
    ("/tmp/plim", "xtask/", "a path of one machine"),
    ("TODO", "xtask/", "finish it or leave it out"),
    ("FIXME", "xtask/", "fix it"),
    ("<<<<<<< ", "xtask/", "a merge that was not finished"),
];

/// Files that are made, or quoted whole from others.
const NOT_OURS: &[&str] = &["ui/dist/", "ui/package-lock.json", "Cargo.lock"];

/// Tells which files break the rules of text.
pub fn check(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(|source| [header(source), words(source)].concat()).collect()
}

fn header(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    if !source.is_rust() {
        return problems;
    }
    if !source.text.starts_with("//!") {
        problems.push(format!("{}:1: begin with //! and say what the file is for", source.path));
    }
    let is_root = ["/src/lib.rs", "/src/main.rs"].iter().any(|end| source.path.ends_with(end));
    let forms = ["#![forbid(unsafe_code)]", "#![deny(unsafe_code)]"];
    if is_root && !forms.iter().any(|form| source.text.contains(form)) {
        problems.push(format!("{}: say {} (or deny, with reasons)", source.path, forms[0]));
    }
    if source.path.ends_with("/mod.rs") && !source.is_for_tests() {
        problems.push(format!("{}: name it after its folder, beside it", source.path));
    }
    problems
}

fn words(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    if NOT_OURS.iter().any(|path| source.path.starts_with(path)) {
        return problems;
    }
    for (i, line) in source.text.lines().enumerate() {
        for (word, allowed, why) in BANNED {
            if line.contains(word) && !source.path.starts_with(allowed) {
                problems.push(format!("{}:{}: {word:?}: {why}", source.path, i + 1));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&[Source { path: path.to_owned(), text: text.to_owned() }]).len()
    }

    #[test]
    fn headers_and_words_are_checked_where_they_apply() {
        assert_eq!(found("crates/a/src/b.rs", "//! Says.\nfn f() {}\n"), 0);
        assert_eq!(found("crates/a/src/b.rs", "fn f() {}\n"), 1);
        assert_eq!(found("crates/a/src/lib.rs", "//! Says.\n"), 1);
        assert_eq!(found("crates/a/src/lib.rs", "//! Says.\n#![forbid(unsafe_code)]\n"), 0);
        assert_eq!(found("docs/a.md", "see ../shared/x\nTODO\n"), 2);
        assert_eq!(found("ui/dist/a.js", "TODO"), 0);
    }
}
