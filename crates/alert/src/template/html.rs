//! Escaping by place: what comes from data cannot become markup, script or an unsafe link.
//!
//! [`Place`] follows the HTML that is written, the template's own text as well as what was escaped, so
//! that it always knows whether data stands between tags, in an attribute's value or elsewhere.
//!
//! | place | data becomes |
//! |---|---|
//! | between tags, in `title` and `textarea` | escaped text; what `safeHtml` gave stays as it is |
//! | value of an attribute | escaped text |
//! | value of `href`, `src` and alike | a URL with `http`, `https`, `mailto` or no scheme, escaped |
//! | the same behind another scheme of the template's own | [`REFUSED`] |
//! | value of `style`, in `<style>` | plain words and numbers, else [`REFUSED`] |
//! | script, value of `on…`, `type`, `rel` and alike, names of tags and attributes | [`REFUSED`] |
//! | comment | nothing |

use super::entities::unescaped;
use super::value::Value;

/// Stands for data that cannot be made safe where it stands; the word that Go uses.
pub(super) const REFUSED: &str = "ZgotmplZ";

/// Attributes whose value is a URL.
const URLS: [&str; 18] = [
    "action",
    "archive",
    "background",
    "cite",
    "classid",
    "codebase",
    "data",
    "formaction",
    "href",
    "icon",
    "longdesc",
    "manifest",
    "poster",
    "profile",
    "src",
    "srcset",
    "usemap",
    "xlink:href",
];

/// Attributes that decide what others mean.
const DECIDING: [&str; 6] = ["content", "http-equiv", "language", "rel", "sandbox", "type"];

/// Characters of a value that are remembered, to know which part of a URL follows.
const SEEN_MAX: usize = 256;

/// Where in an HTML text we are.
#[derive(Debug, Default)]
pub(super) struct Place {
    state: State,
    /// The tag that is open or was opened last, in small letters.
    tag: String,
    /// The attribute that is being read, in small letters.
    attribute: String,
    /// The beginning of its value.
    seen: String,
    /// The last characters, to find the ends of comments and raw texts.
    tail: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind `<`.
    TagName,
    /// Between attributes.
    Tag,
    AttributeName,
    /// Behind `=`.
    BeforeValue,
    Value(Option<char>),
    Comment,
    /// In `<script>`, `<style>`, `<title>` or `<textarea>`.
    Raw,
}

impl Place {
    /// Follows a text of the template.
    pub fn follow(&mut self, text: &str) {
        for c in text.chars() {
            self.step(c);
        }
    }

    /// What to write for a value that prints as `shown`; follows it.
    pub fn escape(&mut self, value: &Value, shown: &str) -> String {
        let is_html = matches!(value, Value::Html(_));
        let written = match self.state {
            State::Text if is_html => shown.to_owned(),
            State::Raw => match self.tag.as_str() {
                "style" => style(shown),
                "script" => REFUSED.to_owned(),
                _ => escaped(shown),
            },
            State::Text => escaped(shown),
            State::Comment => String::new(),
            State::TagName | State::Tag | State::AttributeName => REFUSED.to_owned(),
            State::BeforeValue => {
                self.state = State::Value(None);
                unquoted(&self.value(value, shown))
            }
            State::Value(None) => unquoted(&self.value(value, shown)),
            State::Value(Some(_)) => escaped(&self.value(value, shown)),
        };
        self.follow(&written);
        written
    }

    /// Data in the value of the attribute, not yet escaped for HTML.
    fn value(&self, value: &Value, shown: &str) -> String {
        let name = self.attribute.as_str();
        if name.starts_with("on") || DECIDING.contains(&name) {
            return REFUSED.to_owned();
        }
        if name == "style" {
            return style(shown);
        }
        if name == "srcdoc" {
            return escaped(shown);
        }
        if !URLS.contains(&name) {
            return shown.to_owned();
        }
        // A browser reads `&#106;avascript&colon;` as what it stands for.
        let (before, cut_at) = unescaped(&self.seen);
        let may_be_scheme = |at: usize| !before[..at].contains(['/', '?', '#', ':']);
        let goes_on = cut_at.is_some_and(may_be_scheme);
        let before = before.trim_start();
        if goes_on || !has_safe_scheme(before) {
            // Behind `javascript:` even what is escaped for URLs would be script, and data behind
            // `javascript&#` could be the rest of a colon.
            return REFUSED.to_owned();
        }
        if before.contains(['?', '#']) {
            return super::functions::query_escaped(shown).replace('+', "%20");
        }
        if before.is_empty() {
            let is_safe = matches!(value, Value::Url(_)) || has_safe_scheme(shown);
            return if is_safe { url(shown) } else { format!("#{REFUSED}") };
        }
        // While no scheme has ended, data may not end one.
        if before.contains(['/', ':']) { url(shown) } else { url(shown).replace(':', "%3A") }
    }

    fn step(&mut self, c: char) {
        match self.state {
            State::Text if c == '<' => {
                self.tag.clear();
                self.state = State::TagName;
            }
            State::Text => {}
            State::TagName => self.tag_name(c),
            State::Tag => match c {
                '>' => self.close_tag(),
                c if c.is_whitespace() || c == '/' => {}
                c => {
                    self.attribute.clear();
                    self.state = State::AttributeName;
                    self.push_name(c);
                }
            },
            State::AttributeName => match c {
                '=' => {
                    // What is still there is another attribute's value.
                    self.seen.clear();
                    self.state = State::BeforeValue;
                }
                '>' => self.close_tag(),
                // `name =`: a value may follow; another name begins anew.
                c if c.is_whitespace() => self.tail = " ".to_owned(),
                '/' => self.state = State::Tag,
                c => {
                    if !self.tail.is_empty() {
                        self.attribute.clear();
                    }
                    self.push_name(c);
                }
            },
            State::BeforeValue => {
                self.seen.clear();
                match c {
                    '"' | '\'' => self.state = State::Value(Some(c)),
                    '>' => self.close_tag(),
                    c if c.is_whitespace() => {}
                    c => {
                        self.state = State::Value(None);
                        self.seen.push(c);
                    }
                }
            }
            State::Value(Some(quote)) if c == quote => self.state = State::Tag,
            State::Value(None) if c == '>' => self.close_tag(),
            State::Value(None) if c.is_whitespace() => self.state = State::Tag,
            State::Value(_) => {
                if self.seen.len() < SEEN_MAX || matches!(c, '?' | '#') {
                    self.seen.push(c);
                }
            }
            State::Comment => {
                self.push_tail(c, 3);
                if self.tail.ends_with("-->") {
                    self.state = State::Text;
                }
            }
            // `</scripty>` does not end a script.
            State::Raw if matches!(c, '>' | '/') || c.is_ascii_whitespace() => {
                if self.tail.ends_with(&format!("</{}", self.tag)) {
                    self.tag.insert(0, '/');
                    self.state = State::TagName;
                    self.tag_name(c);
                } else {
                    self.push_tail(c, 12);
                }
            }
            State::Raw => self.push_tail(c.to_ascii_lowercase(), 12),
        }
    }

    fn tag_name(&mut self, c: char) {
        match c {
            '>' => self.close_tag(),
            c if c.is_whitespace() => {
                // `< ` is text.
                self.state = if self.tag.is_empty() { State::Text } else { State::Tag };
            }
            // `<script/>` opens a script like `<script>`.
            '/' if !self.tag.is_empty() => self.state = State::Tag,
            c if self.tag.len() < 64 => {
                self.tag.push(c.to_ascii_lowercase());
                if self.tag == "!--" {
                    self.tail.clear();
                    self.state = State::Comment;
                }
            }
            _ => {}
        }
    }

    fn push_name(&mut self, c: char) {
        self.tail.clear();
        if self.attribute.len() < 64 {
            self.attribute.push(c.to_ascii_lowercase());
        }
    }

    fn push_tail(&mut self, c: char, most: usize) {
        self.tail.push(c);
        if self.tail.chars().count() > most {
            self.tail.remove(0);
        }
    }

    fn close_tag(&mut self) {
        self.tail.clear();
        let is_raw = matches!(self.tag.as_str(), "script" | "style" | "title" | "textarea");
        self.state = if is_raw { State::Raw } else { State::Text };
    }
}

/// A text for between tags or in quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A text for a value without quotes; an empty one would let the next word become the value.
fn unquoted(text: &str) -> String {
    if text.is_empty() {
        return REFUSED.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '#' | '%') {
            out.push(c);
        } else {
            out.push_str(&format!("&#{};", u32::from(c)));
        }
    }
    out
}

fn has_safe_scheme(url: &str) -> bool {
    let end = url.find(['/', '?', '#']).unwrap_or(url.len());
    match url[..end].split_once(':') {
        None => true,
        Some((scheme, _)) => {
            ["http", "https", "mailto"].iter().any(|s| scheme.eq_ignore_ascii_case(s))
        }
    }
}

/// A URL in which what has no place in one is escaped.
fn url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn style(text: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '#' | '%' | '.' | '-' | '_');
    let lower = text.to_ascii_lowercase();
    let is_safe = text.chars().all(is_plain)
        && !["expression", "mozbinding", "url"].iter().any(|w| lower.contains(w));
    if is_safe { text.to_owned() } else { REFUSED.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, data: &str, written: &str) {
        let mut place = Place::default();
        place.follow(before);
        assert_eq!(place.escape(&Value::text(data), data), written, "{before}");
    }

    #[test]
    fn data_is_escaped_by_its_place() {
        check("<p>", "<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;");
        check("<p title=\"", "a\"><script>", "a&#34;&gt;&lt;script&gt;");
        check("<p title='x", "'", "&#39;");
        check("<p title=", "a b>", "a&#32;b&#62;");
        check("<p title=", "", REFUSED);
        check("<a href=\"", "https://x/?a=b&c", "https://x/?a=b&amp;c");
        check("<a href=\"", "javascript:alert(1)", "#ZgotmplZ");
        check("<a href=\"", " javascript:alert(1)", "#ZgotmplZ");
        check("<a HREF = \"", "JaVaScript:alert(1)", "#ZgotmplZ");
        check("<a href=\"/x?q=", "a&b c", "a%26b%20c");
        check("<a href=\"java", "script:alert(1)", "script%3Aalert(1)");
        check("<a href=\"/", "x y", "x%20y");
        check("<a disabled href='", "data:text/html,x", "#ZgotmplZ");
        check("<a onclick=\"", "alert(1)", REFUSED);
        check("<meta http-equiv=refresh content='0;url=", "javascript:x", REFUSED);
        check("<p style=\"color: ", "red", "red");
        check("<p style=\"color: ", "red;background:url(x)", REFUSED);
        check("<script>var x = ", "1", REFUSED);
        check("<script>x</script><p>", "<", "&lt;");
        check("<title>", "<a>", "&lt;a&gt;");
        check("<!-- ", "-->", "");
        check("<!-- a > b --> ", "<", "&lt;");
        check("<p ", "onclick", REFUSED);
        check("<", "b", REFUSED);
        check("1 < 2 ", "<", "&lt;");
        check("<p title=\"a\">b</p><p class=c>", "'", "&#39;");
        check("<style>p { color: ", "#fff", "#fff");
        check("<img src=\"https://x/y\"><a href=", "javascript:alert(1)", "#ZgotmplZ");
        check("<a title=/ href=", "javascript:alert(1)", "#ZgotmplZ");
        check("<a title='?' href =", "javascript:alert(1)", "#ZgotmplZ");
        check("<script/>var x = ", "1", REFUSED);
        check("<style/>p { color: ", "red;x:url(y)", REFUSED);
        check("<br/><p title=\"", "'", "&#39;");
        check("<script></script/><p>", "<", "&lt;");
        check("<a href=\"javascript:f('", "alert(1)", REFUSED);
        check("<a href=\"javascript:f('?", "');alert(1)//", REFUSED);
        check("<a href=\"java\nscript:", "alert(1)", REFUSED);
        check("<a href=\"HTTPS://x/", "a b:c", "a%20b:c");
        check("<a href=\"mailto:", "a@b", "a@b");
        check("<script>x</scripty>", "1", REFUSED);
        check("<script>x</script", "1", REFUSED);
        check("<script>x</ script>", "1", REFUSED);
        check("<SCRIPT>x</Script\n><p>", "<", "&lt;");
        check("<style>a</styles>", "x:url(y)", REFUSED);
        check("<style>a</style\t><p>", "x:url(y)", "x:url(y)");
        check("<textarea></textareas></textarea/><p title=\"", "'", "&#39;");
        check("<title></</title><p onclick=\"", "1", REFUSED);
    }

    #[test]
    fn a_scheme_is_what_a_browser_reads() {
        for scheme in [
            "&#106;avascript:",
            "&#x6a;avascript:",
            "&#X6Aavascript:",
            "javascript&colon;",
            "javascript&#58;",
            "javascript&#58",
            "&#00000000000000000106;avascript&#x0000003A;",
            "&Tab;javascript:",
            "java&NewLine;script:",
            "&#1;javascript:",
            // Data could go on with what is begun.
            "javascript&#",
            "javascript&#x3",
            "javascript&col",
            "&",
        ] {
            check(&format!("<a href=\"{scheme}"), "alert(1)", REFUSED);
        }
        check(&format!("<a href=\"&#{}106;avascript:", "0".repeat(300)), "alert(1)", REFUSED);
        check("<a href=\"", "&#106;avascript:alert(1)", "&amp;#106;avascript:alert(1)");
        check("<a href=\"", "javascript&colon;alert(1)", "javascript&amp;colon;alert(1)");
        check("<a href=\"https&#58;//x/", "a b", "a%20b");
        check("<a href=\"https:&sol;&sol;x/?a&#61;", "b&c", "b%26c");
        check("<a href=\"/x?a=1&amp;b=", "c&d", "c%26d");
        check("<a href=\"/x?a=1&", "b", "b");
        check("<a href=\"&unknown;/", "b", "b");
    }

    #[test]
    fn what_is_html_already_stays_between_tags_only() {
        let html = Value::Html("<b>".into());
        let mut place = Place::default();
        place.follow("<p>");
        assert_eq!(place.escape(&html, "<b>"), "<b>");
        place.follow("</b><p title=\"");
        assert_eq!(place.escape(&html, "<b>"), "&lt;b&gt;");
        let mut place = Place::default();
        place.follow("<a href='");
        assert_eq!(place.escape(&Value::Url("tel:1".into()), "tel:1"), "tel:1");
    }
}
