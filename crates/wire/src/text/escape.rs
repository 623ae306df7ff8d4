//! How names beyond the old character set are written for those who do not know UTF-8 names, as
//! Prometheus' escaping schemes have it.

use std::borrow::Cow;

use super::{is_legacy_label_name, is_legacy_metric_name};

/// An escaping scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// Names stay as they are, in quotes where they need them.
    #[default]
    AllowUtf8,
    /// `_` for each character that is not allowed.
    Underscores,
    /// `_dot_` for dots, `__` for `_` and for what else is not allowed.
    Dots,
    /// `U__`, then `_2e_` for a dot and `__` for `_`.
    Values,
}

impl Escaping {
    /// A metric's name.
    pub fn metric(self, name: &str) -> Cow<'_, str> {
        self.escape(name, is_legacy_metric_name(name), true)
    }

    /// A label's name.
    pub fn label(self, name: &str) -> Cow<'_, str> {
        self.escape(name, is_legacy_label_name(name), false)
    }

    fn escape(self, name: &str, is_legacy: bool, colons: bool) -> Cow<'_, str> {
        let unchanged = match self {
            Self::AllowUtf8 => true,
            Self::Underscores | Self::Values => is_legacy,
            Self::Dots => is_legacy && !name.contains('_'),
        };
        if unchanged || name.is_empty() {
            return Cow::Borrowed(name);
        }
        let mut out = String::with_capacity(name.len() + 8);
        if self == Self::Values {
            out.push_str("U__");
        }
        for (i, c) in name.chars().enumerate() {
            let allowed = c == '_'
                || c.is_ascii_alphabetic()
                || (colons && c == ':')
                || (c.is_ascii_digit() && i > 0);
            match self {
                Self::Dots if c == '_' => out.push_str("__"),
                Self::Dots if c == '.' => out.push_str("_dot_"),
                Self::Values if c == '_' => out.push_str("__"),
                _ if allowed => out.push(c),
                Self::Dots => out.push_str("__"),
                Self::Values => out.push_str(&format!("_{:x}_", u32::from(c))),
                _ => out.push('_'),
            }
        }
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_asked() {
        for (name, underscores, dots, values) in [
            ("plain", "plain", "plain", "plain"),
            ("with_underscore", "with_underscore", "with__underscore", "with_underscore"),
            ("my.metric_x", "my_metric_x", "my_dot_metric__x", "U__my_2e_metric__x"),
            ("0é", "__", "____", "U___30__e9_"),
            ("a:b c", "a:b_c", "a:b__c", "U__a:b_20_c"),
        ] {
            assert_eq!(Escaping::Underscores.metric(name), underscores);
            assert_eq!(Escaping::Dots.metric(name), dots);
            assert_eq!(Escaping::Values.metric(name), values);
            assert_eq!(Escaping::AllowUtf8.metric(name), name);
        }
        assert_eq!(Escaping::Underscores.label("a:b"), "a_b");
    }
}
