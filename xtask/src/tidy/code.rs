//! Rust as far as tidy needs to read it: text without comments, strings and tests, the paths that
//! `use` names, and where functions begin and end.
//!
//! A scanner, not a parser: it may be fooled by macros that build items, never by comments or
//! strings.

/// The text with comments and the insides of strings and characters blanked; lines stay in place.
pub fn bare(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => block_end(&chars, at),
            '"' => string_end(&chars, at),
            'r' | 'b' | 'c' if begins_word(&chars, at) => raw_end(&chars, at),
            '\'' => char_end(&chars, at),
            _ => at,
        };
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

fn line_end(chars: &[char], at: usize) -> usize {
    (at..chars.len()).find(|i| chars[*i] == '\n').unwrap_or(chars.len())
}

fn block_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

fn begins_word(chars: &[char], at: usize) -> bool {
    at == 0 || !is_word(chars[at - 1])
}

/// The end of `r"…"`, `br#"…"#`, `b"…"` and the like, or `at` when there is none.
fn raw_end(chars: &[char], at: usize) -> usize {
    let mut i = at;
    while i < at + 2 && matches!(chars.get(i), Some('r' | 'b' | 'c')) {
        i += 1;
    }
    let raw = chars[at..i].contains(&'r');
    let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
    if chars.get(i + hashes) != Some(&'"') || (!raw && hashes > 0) {
        return at;
    }
    if !raw {
        return string_end(chars, i);
    }
    let begin = i + hashes + 1;
    let closes = |j: usize| {
        chars[j] == '"' && chars[j + 1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    (begin..chars.len()).find(|j| closes(*j)).map_or(chars.len(), |j| j + 1 + hashes)
}

/// The end of a character literal, or `at` for a lifetime.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            let close = (at + 3..chars.len()).find(|i| chars[*i] == '\'');
            close.map_or(chars.len(), |i| i + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// Bare text with the items under `#[cfg(test)]` blanked too.
pub fn without_tests(bare: &str) -> String {
    let mut chars: Vec<char> = bare.chars().collect();
    let mark: Vec<char> = "#[cfg(test)]".chars().collect();
    let mut at = 0;
    while at + mark.len() <= chars.len() {
        if chars[at..at + mark.len()] != mark[..] {
            at += 1;
            continue;
        }
        let end = item_end(&chars, at + mark.len());
        for c in &mut chars[at..end] {
            if *c != '\n' {
                *c = ' ';
            }
        }
        at = end;
    }
    chars.into_iter().collect()
}

/// The end of the item at `at`: its `;`, or the brace that closes its first one.
fn item_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    for (i, c) in chars.iter().enumerate().skip(at) {
        match c {
            ';' if depth == 0 => return i + 1,
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *c == '}' {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    chars.len()
}

/// Whether a character can be part of a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Line (from 1) and full path of everything that `use` brings in.
pub fn uses(bare: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in bare.match_indices("use ") {
        if bare[..at].chars().next_back().is_some_and(|c| is_word(c) || c == '$') {
            continue;
        }
        let Some(len) = bare[at..].find(';') else { continue };
        let tree: String = bare[at + 4..at + len].replace(" as ", "@").split_whitespace().collect();
        let line = bare[..at].matches('\n').count() + 1;
        let mut paths = Vec::new();
        expand("", &tree, &mut paths);
        found.extend(paths.into_iter().map(|path| (line, path)));
    }
    found
}

/// Writes out the braces of a `use` tree.
fn expand(prefix: &str, tree: &str, out: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        out.push(format!("{prefix}{}", tree.split('@').next().unwrap_or_default()));
        return;
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inner = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let (mut depth, mut from) = (0, 0);
    for (i, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &inner[from..i], out);
                from = i + 1;
            }
            _ => {}
        }
    }
    if from < inner.len() {
        expand(&prefix, &inner[from..], out);
    }
}

/// Name, first line (from 1) and number of lines of every function that has a body.
pub fn functions(bare: &str) -> Vec<(String, usize, usize)> {
    let chars: Vec<char> = bare.chars().collect();
    let mut found = Vec::new();
    let (mut line, mut at) = (1, 0);
    while at < chars.len() {
        if chars[at] == '\n' {
            line += 1;
        }
        if chars[at..].starts_with(&['f', 'n', ' ']) && begins_word(&chars, at) {
            let name: String = chars[at + 3..].iter().take_while(|c| is_word(**c)).collect();
            let end = item_end(&chars, at);
            if !name.is_empty() && chars.get(end - 1) == Some(&'}') {
                let lines = chars[at..end].iter().filter(|c| **c == '\n').count() + 1;
                found.push((name, line, lines));
            }
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blank() {
        let text = "a /* x /* y */ z */ b // c\n\"d\\\"e\" 'f' '\\'' 'g r#\"h\"i\"# b\"j\" k::<'l>";
        let bare = bare(text);
        let words: Vec<&str> = bare.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "'g", "k::<'l>"]);
        assert_eq!(bare.matches('\n').count(), 1);
    }

    #[test]
    fn items_for_tests_are_blank_and_the_rest_stays() {
        let text =
            "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { x[1]; } }\n#[cfg(test)]\nuse c;\nd";
        let left = without_tests(text);
        assert_eq!(left.split_whitespace().collect::<String>(), "fna(){}d");
        assert_eq!(left.lines().count(), text.lines().count());
    }

    #[test]
    fn use_trees_are_written_out() {
        let text = "x;\nuse std::{fs as f, time::{self, Instant}};\npub use a::b;";
        let expected = [
            (2, "std::fs".to_owned()),
            (2, "std::time::self".to_owned()),
            (2, "std::time::Instant".to_owned()),
            (3, "a::b".to_owned()),
        ];
        assert_eq!(uses(text), expected);
    }

    #[test]
    fn functions_are_measured_without_their_declarations() {
        let text = "trait T { fn a(&self) -> [u8; 2]; }\nfn b(x: [u8; 3]) {\n  c();\n}\n";
        assert_eq!(functions(text), [("b".to_owned(), 2, 3)]);
    }

    #[test]
    fn broken_text_does_no_harm() {
        for text in ["\"", "'\\", "/*", "r#\"", "use a::{b", "fn", "fn a(", "#[cfg(test)]", "b'"] {
            let bare = bare(text);
            let _ = (without_tests(&bare), uses(&bare), functions(&bare));
        }
    }
}
