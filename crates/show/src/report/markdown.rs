//! A document as Markdown, and the little of Markdown that words of a report may have: headings,
//! paragraphs, lists, emphasis (which is dropped), links (of which the words are shown).

use std::fmt::Write as _;

use super::blocks::{Block, Document};
use crate::text::Face;

/// The file.
pub fn write(document: &Document) -> String {
    let mut out = String::with_capacity(8 << 10);
    // Writing to a text cannot fail.
    let _always = write!(
        out,
        "# {}\n\n{} ({}), {}\n",
        line(&document.title),
        document.period,
        line(&document.timezone),
        line(&document.host)
    );
    for part in &document.parts {
        if !part.title.is_empty() {
            let mark = if part.is_within { "###" } else { "##" };
            let _always = write!(out, "\n{mark} {}\n", line(&part.title));
        }
        part.blocks.iter().for_each(|b| block(&mut out, b));
    }
    let _always =
        write!(out, "\n---\nMade by Plimsoll {} at {}.\n", document.version, document.made);
    out
}

fn block(out: &mut String, block: &Block) {
    out.push('\n');
    match block {
        Block::Words(text) => {
            // Its headings stand below those of the sections.
            for l in text.lines() {
                let deeper = if l.starts_with('#') { "#" } else { "" };
                let _always = writeln!(out, "{deeper}{}", l.trim_end());
            }
        }
        Block::Missing(why) => {
            let _always = writeln!(out, "*Missing: {}*", line(why));
        }
        Block::Facts(facts) => {
            out.push_str("| | | source |\n|---|---:|---|\n");
            for f in facts {
                let _always = writeln!(
                    out,
                    "| {} | {} | {} |",
                    cell(&f.label),
                    cell(&f.value.text),
                    code(&f.source)
                );
            }
        }
        Block::Table { title, columns, rows, left_out, source } => {
            if !title.is_empty() {
                let _always = write!(out, "### {}\n\n", line(title));
            }
            for c in columns {
                let _always = write!(out, "| {} ", cell(&c.name));
            }
            out.push_str("|\n");
            columns.iter().for_each(|c| out.push_str(if c.is_number { "|---:" } else { "|---" }));
            out.push_str("|\n");
            for row in rows {
                row.iter().for_each(|v| {
                    let _always = write!(out, "| {} ", cell(&v.text));
                });
                out.push_str("|\n");
            }
            if *left_out > 0 {
                let _always = write!(out, "\nAnd {left_out} more.\n");
            }
            let _always = write!(out, "\nSource: {}\n", code(source));
        }
        Block::Picture(picture) => {
            let figure = &picture.figure;
            let _always = write!(out, "### {}\n\n", line(&figure.title));
            if figure.rows.columns.is_empty() || !figure.traces.is_empty() {
                out.push_str("| series | last |\n|---|---:|\n");
                for t in &figure.traces {
                    let last = figure.told(t).unwrap_or_else(|| "–".to_owned());
                    let _always = writeln!(out, "| {} | {} |", cell(&t.name), cell(&last));
                }
            }
            for source in &picture.sources {
                let _always = write!(out, "\nSource: {}\n", code(source));
            }
        }
    }
}

/// A text in one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('<', "&lt;")
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace('|', "\\|")
}

/// A text as code, whatever ticks are in it; safe in a cell.
fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let ticks = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    if text.is_empty() { String::new() } else { format!("{ticks}{space}{text}{space}{ticks}") }
}

/// The lines of words, with the weight of each. Lists have a bullet; emphasis is dropped.
pub fn plain_lines(text: &str) -> Vec<(String, Face)> {
    let mut out: Vec<(String, Face)> = Vec::new();
    let mut joins = false;
    for raw in text.lines() {
        let l = raw.trim();
        if l.is_empty() {
            joins = false;
            continue;
        }
        if let Some(heading) = l.strip_prefix('#') {
            out.push((plain(heading.trim_start_matches('#').trim()), Face::Bold));
            joins = false;
            continue;
        }
        let item = ["- ", "* ", "+ "].iter().find_map(|b| l.strip_prefix(b));
        if let Some(item) = item {
            out.push((format!("• {}", plain(item)), Face::Regular));
            joins = true;
            continue;
        }
        let numbered =
            l.split_once(". ").is_some_and(|(n, _)| n.bytes().all(|b| b.is_ascii_digit()));
        match out.last_mut() {
            Some((last, Face::Regular)) if joins && !numbered => {
                last.push(' ');
                last.push_str(&plain(l));
            }
            _ => out.push((plain(l), Face::Regular)),
        }
        joins = true;
    }
    out
}

/// Words without marks.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['*', '`', '[', '_']) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let mark = after.chars().next().unwrap_or(' ');
        let inside_word = out.ends_with(char::is_alphanumeric)
            && after[1..].starts_with(char::is_alphanumeric)
            && mark != '[';
        if mark == '['
            && let Some((words, target)) = after[1..].split_once("](")
            && let Some((_, after)) = target.split_once(')')
        {
            out.push_str(words);
            rest = after;
            continue;
        }
        if mark == '[' || inside_word {
            out.push(mark);
        }
        rest = &after[1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_marks_only() {
        let text = "# Head\nOne **bold** line\nand `node_cpu_total` [here](http://x).\n\n- first\n- second\n\n1. one\n2. two";
        let lines = plain_lines(text);
        let texts: Vec<&str> = lines.iter().map(|(t, _)| t.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Head",
                "One bold line and node_cpu_total here.",
                "• first",
                "• second",
                "1. one",
                "2. two",
            ]
        );
        assert_eq!(lines[0].1, Face::Bold);
        assert_eq!(plain("2 * 3 [x"), "2  3 [x");
    }

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(cell("a|b\nc\\"), "a\\|b c\\\\");
        assert_eq!(code("a`b"), "`` a`b ``");
    }
}
