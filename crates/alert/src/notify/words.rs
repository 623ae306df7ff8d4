//! The texts of one message: templates shown for a notification, cut to what a service takes.
//!
//! An error in a template never keeps a message back. The main text is then a plain one
//! ([`template::plain`](crate::template::plain)), any other text is left out, and the error is noted at the end
//! of the main text.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::channel::Making;
use crate::route::{Notification, payload};
use crate::template::{Data, ExpandError, Kind, plain};

/// Errors noted in one message.
const NOTED_MAX: usize = 3;
/// Characters of an error that is noted.
const ERROR_CHARS_MAX: usize = 200;

/// Shows texts for one notification.
pub struct Words<'m> {
    data: Arc<Data>,
    making: Making<'m>,
    at: i64,
    errors: Vec<String>,
}

impl<'m> Words<'m> {
    /// For this notification.
    pub fn new(n: &Notification, making: &Making<'m>) -> Self {
        let mut data = payload::data(n, making.external_url, 0);
        if let Some(exhibit) = making.exhibit {
            data.evidence = Arc::new(exhibit.words(making.external_url));
        }
        Self { data: Arc::new(data), making: *making, at: n.at, errors: Vec::new() }
    }

    /// What the templates see.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// A text beside the main one; nothing when its template fails.
    pub fn text(&mut self, template: &str) -> String {
        match self.show(template, Kind::Text) {
            Ok(text) => text,
            Err(e) => {
                self.errors.push(e.to_string());
                String::new()
            }
        }
    }

    /// A title; when its template fails, how many alerts there are.
    pub fn title(&mut self, template: &str) -> String {
        let text = self.text(template);
        if text.is_empty() && !self.errors.is_empty() {
            let data = &self.data;
            return format!("[{}] {} alerts", data.status.to_uppercase(), data.alerts.len());
        }
        text
    }

    /// The main text in at most `max` characters: a plain one when its template fails. Errors of texts
    /// shown before are noted in it.
    pub fn body(&mut self, template: &str, max: usize) -> String {
        let text = self.main(template, Kind::Text);
        self.noted(text, Kind::Text, max)
    }

    /// As [`Words::body`], in HTML.
    pub fn html(&mut self, template: &str, max: usize) -> String {
        let text = self.main(template, Kind::Html);
        self.noted(text, Kind::Html, max)
    }

    fn main(&mut self, template: &str, kind: Kind) -> String {
        self.show(template, kind).unwrap_or_else(|e| {
            self.errors.push(e.to_string());
            let text = plain(&self.data, &e);
            // The error is the last line; it is noted with the others.
            let text = text.rsplit_once('\n').map_or(text.as_str(), |(text, _)| text).to_owned();
            if kind == Kind::Html { escaped(&text) } else { text }
        })
    }

    fn show(&self, template: &str, kind: Kind) -> Result<String, ExpandError> {
        self.making.templates.expand(template, kind, &self.data, self.at)
    }

    /// A text with the errors so far at its end; all together at most `max` characters.
    fn noted(&self, text: String, kind: Kind, max: usize) -> String {
        let mut note = String::new();
        for error in self.errors.iter().take(NOTED_MAX) {
            let error = cut_chars(error, ERROR_CHARS_MAX);
            let error = if kind == Kind::Html { escaped(&error) } else { error };
            note.push_str(&format!("\n(error expanding template: {error})"));
        }
        let room = max.saturating_sub(note.chars().count());
        cut_chars(&text, room) + &note
    }

    /// A value with all its texts shown.
    pub fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(all) => Value::Array(all.iter().map(|v| self.value(v)).collect()),
            Value::Object(map) => {
                let shown = map.iter().map(|(k, v)| (k.clone(), self.value(v)));
                Value::Object(shown.collect())
            }
            other => other.clone(),
        }
    }
}

/// A text of at most `max` characters; what is cut ends with `…`.
pub fn cut_chars(text: &str, max: usize) -> String {
    if text.len() <= max || text.chars().count() <= max {
        return text.to_owned();
    }
    if max <= 3 {
        return text.chars().take(max).collect();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

/// A text of at most `max` bytes; what is cut ends with `…`.
pub fn cut_bytes(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let (room, end) = if max <= 3 { (max, "") } else { (max - 3, "…") };
    text[..text.floor_char_boundary(room)].to_owned() + end
}

/// A text as it stands in HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An object without the entries that hold nothing.
pub fn filled<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    let is_empty = |v: &Value| match v {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        Value::Number(_) => false,
    };
    entries.into_iter().filter(|(_, v)| !is_empty(v)).map(|(k, v)| (k.to_owned(), v)).collect()
}

/// A hash that names a group to services: SHA-256 of its key, hexadecimal.
pub fn group_hash(group_key: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, group_key.as_bytes());
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_characters() {
        assert_eq!(cut_chars("äöü", 3), "äöü");
        assert_eq!(cut_chars("äöüß", 3), "äöü");
        assert_eq!(cut_chars("äöüßabc", 5), "äöüß…");
        assert_eq!(cut_bytes("äöüß", 8), "äöüß");
        assert_eq!(cut_bytes("äöüßa", 8), "äö…");
        assert_eq!(cut_bytes("abc", 2), "ab");
        assert_eq!(cut_chars("abc", 0), "");
    }

    #[test]
    fn a_group_has_one_hash() {
        let hash = group_hash("abc");
        assert!(hash.starts_with("ba7816bf8f01cfea414140de5dae2223"), "{hash}");
    }
}
