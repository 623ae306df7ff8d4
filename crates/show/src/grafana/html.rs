//! HTML of text panels as Markdown: headings, links, lists, emphasis, pictures' names. All other marks are left out.

/// The text of HTML as Markdown. Scripts and styles are left out with what is in them.
pub(super) fn markdown(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    let mut links: Vec<String> = Vec::new();
    while let Some(at) = rest.find('<') {
        out.push_str(&plain(&rest[..at]));
        let Some(end) = rest[at..].find('>') else {
            rest = "";
            break;
        };
        let tag = &rest[at + 1..at + end];
        rest = &rest[at + end + 1..];
        let name: String = tag.chars().take_while(|c| !c.is_whitespace()).collect();
        let name = name.to_ascii_lowercase();
        match name.trim_end_matches('/') {
            "!--" | "script" | "style" => {
                let close = format!("</{name}");
                let mark = if name == "!--" { "-->" } else { close.as_str() };
                let lower = rest.to_ascii_lowercase();
                let end = if tag.ends_with("--") { Some(0) } else { lower.find(mark) };
                rest = end.map_or("", |e| &rest[e..]);
                if let Some(close) = rest.strip_prefix(mark) {
                    rest = close.strip_prefix('>').unwrap_or(close);
                }
            }
            "br" => out.push_str("  \n"),
            "p" | "/p" | "div" | "/div" | "/ul" | "/ol" | "table" | "/tr" | "hr" => line(&mut out),
            "li" => {
                line(&mut out);
                out.push_str("- ");
            }
            "b" | "/b" | "strong" | "/strong" => out.push_str("**"),
            "i" | "/i" | "em" | "/em" => out.push('*'),
            "code" | "/code" => out.push('`'),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                line(&mut out);
                let level = name.as_bytes().get(1).map_or(1, |b| usize::from(b - b'0'));
                out.extend(std::iter::repeat_n('#', level));
                out.push(' ');
            }
            "/h1" | "/h2" | "/h3" | "/h4" | "/h5" | "/h6" => line(&mut out),
            "a" => {
                let url = attribute(tag, "href").unwrap_or_default();
                let lower = url.to_ascii_lowercase();
                let safe = lower.starts_with("http://")
                    || lower.starts_with("https://")
                    || lower.starts_with('/');
                links.push(if safe { url } else { String::new() });
                if safe {
                    out.push('[');
                }
            }
            "/a" => {
                if let Some(url) = links.pop().filter(|u| !u.is_empty()) {
                    out.push_str(&format!("]({})", url.replace([' ', '(', ')', '\n'], "")));
                }
            }
            "img" => out.push_str(&plain(&attribute(tag, "alt").unwrap_or_default())),
            _ => {}
        }
    }
    out.push_str(&plain(rest));
    out.trim().to_owned()
}

fn line(out: &mut String) {
    while out.ends_with(' ') {
        out.pop();
    }
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push_str(if out.ends_with('\n') { "\n" } else { "\n\n" });
    }
}

fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = words.join(" ");
    if !out.is_empty() {
        if text.starts_with(char::is_whitespace) {
            out.insert(0, ' ');
        }
        if text.ends_with(char::is_whitespace) {
            out.push(' ');
        }
    } else if !text.is_empty() {
        out.push(' ');
    }
    for (entity, c) in [
        ("&nbsp;", " "),
        ("&lt;", "\\<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, c);
    }
    out
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.to_ascii_lowercase().find(&format!("{name}="))? + name.len() + 1;
    let rest = tag.get(at..)?;
    let quote = rest.chars().next()?;
    Some(match quote {
        '"' | '\'' => rest[1..].split(quote).next()?.to_owned(),
        _ => rest.split_whitespace().next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn html_becomes_markdown_without_what_could_run() {
        let html = "<h1>Head &amp; <b>bold</b></h1><p>See <a href=\"https://a.b/c\">this</a><br/>and <a href='javascript:x()'>that</a></p><script>alert(1)</script><ul><li>one</li><li>two</li></ul><!-- no -->end";
        let want =
            "# Head & **bold**\n\nSee [this](https://a.b/c)  \nand that\n\n- one\n\n- two\n\nend";
        assert_eq!(markdown(html), want);
        assert_eq!(markdown("a < b"), "a");
        assert_eq!(markdown("<script>x"), "");
    }
}
