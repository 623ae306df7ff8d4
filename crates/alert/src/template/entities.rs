//! Character references of HTML, as a browser reads them in the value of an attribute.
//!
//! Numbers, and the names of ASCII characters (HTML Standard, 13.5): enough to see the scheme of a URL.
//! Other names stay as they are; no scheme is made of what they stand for.

/// Names of the ASCII characters that are no letters or digits; with `;` only.
const NAMES: [(&str, char); 42] = [
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("amp", '&'),
    ("AMP", '&'),
    ("apos", '\''),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("lt", '<'),
    ("LT", '<'),
    ("equals", '='),
    ("gt", '>'),
    ("GT", '>'),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
];

/// The text with its references replaced; and where in it one stands that may go on behind the text.
pub(super) fn unescaped(text: &str) -> (String, Option<usize>) {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let body = &rest[1..];
        let is_number = body.starts_with('#');
        let is_hex = is_number && body[1..].starts_with(['x', 'X']);
        let skip = usize::from(is_number) + usize::from(is_hex);
        let is_part = |c: char| match (is_number, is_hex) {
            (true, true) => c.is_ascii_hexdigit(),
            (true, false) => c.is_ascii_digit(),
            _ => c.is_ascii_alphanumeric(),
        };
        let len = body[skip..].find(|c| !is_part(c)).unwrap_or(body.len() - skip);
        let name = &body[skip..skip + len];
        let after = &body[skip + len..];
        if after.is_empty() {
            // What follows may belong to it; as it stands a number counts.
            let at = out.len();
            if let Some(c) = number(name, is_hex).filter(|_| is_number) {
                out.push(c);
            } else {
                out.push_str(rest);
            }
            return (out, Some(at));
        }
        let is_ended = after.starts_with(';');
        let found = if is_number {
            number(name, is_hex)
        } else {
            NAMES.iter().find(|(n, _)| *n == name && is_ended).map(|(_, c)| *c)
        };
        match found {
            Some(c) => {
                out.push(c);
                rest = if is_ended { &after[1..] } else { after };
            }
            None => {
                out.push('&');
                rest = body;
            }
        }
    }
    out.push_str(rest);
    (out, None)
}

fn number(digits: &str, is_hex: bool) -> Option<char> {
    if digits.is_empty() {
        return None;
    }
    let code = u32::from_str_radix(digits, if is_hex { 16 } else { 10 });
    // Numbers that are no character are shown as one that says so.
    Some(code.ok().filter(|c| *c > 0).and_then(char::from_u32).unwrap_or('\u{fffd}'))
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn references_are_read_as_browsers_do() {
        for (text, read, cut_at) in [
            ("", "", None),
            ("a&amp;b", "a&b", None),
            ("&#58;", ":", None),
            ("&#x3a;&#X3A;", "::", None),
            ("&#58x", ":x", None),
            ("&#58", ":", Some(0)),
            ("&#", "&#", Some(0)),
            ("&#x", "&#x", Some(0)),
            ("&colon", "&colon", Some(0)),
            ("&colon x", "&colon x", None),
            ("a&&lt;", "a&<", None),
            ("&;&#;&#x;", "&;&#;&#x;", None),
            ("&#0;&#1114112;&#99999999999;", "\u{fffd}\u{fffd}\u{fffd}", None),
            ("&é", "&é", None),
            ("&nosuch;", "&nosuch;", None),
            ("x&", "x&", Some(1)),
        ] {
            assert_eq!(unescaped(text), (read.to_owned(), cut_at), "{text}");
        }
    }
}
