//! Relabelling as Prometheus has it: rules that rewrite, keep or drop label sets.
//!
//! Patterns are anchored at both ends. A replacement that comes out empty removes its label.

use std::collections::BTreeMap;

use regex::Regex;

use super::md5::md5;

/// A label set being rewritten. An absent label has the empty value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelMap(pub BTreeMap<String, String>);

impl LabelMap {
    /// The value of a label, empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

impl Action {
    /// All actions with their names in configuration.
    pub const NAMES: [(&'static str, Self); 11] = [
        ("replace", Self::Replace),
        ("keep", Self::Keep),
        ("drop", Self::Drop),
        ("keepequal", Self::KeepEqual),
        ("dropequal", Self::DropEqual),
        ("hashmod", Self::HashMod),
        ("labelmap", Self::LabelMap),
        ("labeldrop", Self::LabelDrop),
        ("labelkeep", Self::LabelKeep),
        ("lowercase", Self::Lowercase),
        ("uppercase", Self::Uppercase),
    ];
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it does.
    pub action: Action,
    /// The labels whose values are joined.
    pub source: Vec<String>,
    /// What they are joined with.
    pub separator: String,
    /// What the joined value is held against; anchored.
    pub regex: Regex,
    /// The label that is written.
    pub target: String,
    /// What is written, with `$1` and `${name}`.
    pub replacement: String,
    /// The divisor of `hashmod`.
    pub modulus: u64,
}

impl PartialEq for Rule {
    fn eq(&self, o: &Self) -> bool {
        (self.action, &self.source, &self.separator, self.regex.as_str())
            == (o.action, &o.source, &o.separator, o.regex.as_str())
            && (&self.target, &self.replacement, self.modulus)
                == (&o.target, &o.replacement, o.modulus)
    }
}

/// Compiles a pattern as relabelling holds it: anchored at both ends, `.` matches line ends too.
///
/// # Errors
/// Where the pattern is wrong.
pub fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?s:{pattern})$"))
}

/// Applies the rules in order. `false`: the set is dropped.
pub fn apply(rules: &[Rule], labels: &mut LabelMap) -> bool {
    rules.iter().all(|rule| step(rule, labels))
}

fn step(rule: &Rule, labels: &mut LabelMap) -> bool {
    let values: Vec<&str> = rule.source.iter().map(|n| labels.get(n)).collect();
    let joined = values.join(&rule.separator);
    match rule.action {
        Action::Keep => return rule.regex.is_match(&joined),
        Action::Drop => return !rule.regex.is_match(&joined),
        Action::KeepEqual => return labels.get(&rule.target) == joined,
        Action::DropEqual => return labels.get(&rule.target) != joined,
        Action::Replace => replace(rule, &joined, labels),
        Action::Lowercase => labels.set(&rule.target, &joined.to_lowercase()),
        Action::Uppercase => labels.set(&rule.target, &joined.to_uppercase()),
        Action::HashMod => {
            let [.., a, b, c, d, e, f, g, h] = md5(joined.as_bytes());
            let n = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            labels.set(&rule.target, &(n % rule.modulus.max(1)).to_string());
        }
        Action::LabelMap => {
            let mapped: Vec<(String, String)> = labels
                .0
                .iter()
                .filter(|(n, _)| rule.regex.is_match(n))
                .map(|(n, v)| (rule.regex.replace(n, &rule.replacement).into_owned(), v.clone()))
                .collect();
            for (name, value) in mapped {
                labels.set(&name, &value);
            }
        }
        Action::LabelDrop => labels.0.retain(|n, _| !rule.regex.is_match(n)),
        Action::LabelKeep => labels.0.retain(|n, _| rule.regex.is_match(n)),
    }
    true
}

fn replace(rule: &Rule, joined: &str, labels: &mut LabelMap) {
    let Some(found) = rule.regex.captures(joined) else { return };
    let mut target = String::new();
    found.expand(&rule.target, &mut target);
    if target.is_empty() {
        return;
    }
    let mut value = String::new();
    found.expand(&rule.replacement, &mut value);
    labels.set(&target, &value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: Action, source: &str, regex: &str, target: &str, replacement: &str) -> Rule {
        Rule {
            action,
            source: source.split(',').filter(|s| !s.is_empty()).map(Into::into).collect(),
            separator: ";".into(),
            regex: anchored(regex).unwrap(),
            target: target.into(),
            replacement: replacement.into(),
            modulus: 8,
        }
    }

    #[track_caller]
    fn check(rule: Rule, want: Option<&str>) {
        let mut labels = LabelMap::default();
        for (n, v) in [("a", "foo"), ("b", "bar"), ("c", "Baz"), ("__meta_x", "m")] {
            labels.set(n, v);
        }
        let got = apply(&[rule], &mut labels).then(|| {
            let pairs: Vec<String> = labels.0.iter().map(|(n, v)| format!("{n}={v}")).collect();
            pairs.join(" ")
        });
        assert_eq!(got.as_deref(), want);
    }

    #[test]
    fn each_action_does_what_prometheus_does() {
        use Action::*;
        let all = "__meta_x=m a=foo b=bar c=Baz";
        check(rule(Replace, "a", "f(.*)", "d", "ch${1}-$1"), Some(&format!("{all} d=choo-oo")));
        check(rule(Replace, "a,b", "foo;(.*)", "a", "$1"), Some("__meta_x=m a=bar b=bar c=Baz"));
        check(rule(Replace, "a", "oo", "d", "x"), Some(all));
        check(rule(Replace, "a", "f(x?)oo", "a", "$1"), Some("__meta_x=m b=bar c=Baz"));
        check(rule(Keep, "a", "fo+", "", ""), Some(all));
        check(rule(Keep, "a", "fo", "", ""), None);
        check(rule(Drop, "a", "f.*", "", ""), None);
        check(rule(Drop, "nothing", ".+", "", ""), Some(all));
        check(rule(KeepEqual, "a", ".*", "b", ""), None);
        check(rule(DropEqual, "a", ".*", "b", ""), Some(all));
        check(rule(LabelMap, "", "__meta_(.+)", "", "$1"), Some(&format!("{all} x=m")));
        check(rule(LabelDrop, "", "a|b", "", ""), Some("__meta_x=m c=Baz"));
        check(rule(LabelKeep, "", "a|b", "", ""), Some("a=foo b=bar"));
        check(rule(Lowercase, "c", ".*", "c", ""), Some("__meta_x=m a=foo b=bar c=baz"));
        check(rule(Uppercase, "a", ".*", "a", ""), Some("__meta_x=m a=FOO b=bar c=Baz"));
        // The low half of the MD5 of "foo", read as a big-endian number, is 0 modulo 8.
        check(rule(HashMod, "a", ".*", "d", ""), Some(&format!("{all} d=0")));
    }
}
