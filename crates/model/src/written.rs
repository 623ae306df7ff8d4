//! What people write: YAML as a tree in which every node knows its line, and a reader that finds all
//! problems at once.
//!
//! Configuration and rule files go from *written* to *checked* through this: [`parse`] gives a
//! [`Node`]; [`Fields`] takes known keys out of a mapping, notes what is wrong in [`Problems`] and
//! goes on; [`Fields::finish`] reports the keys that nobody asked for, with a suggestion.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{NonFiniteFloatPolicy, Spanned};

use crate::parse_duration_ms;

/// Bytes of a file that is read as configuration; more is refused.
pub const WRITTEN_BYTES_MAX: usize = 8 << 20;

/// A value with the place where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// From 1; 0 when unknown.
    pub line: u64,
    /// What is written there.
    pub value: Value,
    /// The characters of a number or a yes/no value: `1.10`, `0x1F`, `on`. Where a text is wanted they
    /// are it.
    written: Option<String>,
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// Keys in the order written, each with its line.
    Map(Vec<(String, u64, Node)>),
}

/// Something wrong with what is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, or what the text is called.
    pub file: String,
    /// From 1; 0 when unknown.
    pub line: u64,
    /// The path of the key: `collect.scrape[2].interval`. Empty for the whole text.
    pub key: String,
    /// What was found, what is allowed.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// All that is wrong with one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The name of the text.
    pub file: String,
    /// What was found so far, in order.
    pub found: Vec<Problem>,
}

impl Problems {
    /// No problems with `file` yet.
    pub fn new(file: impl Into<String>) -> Self {
        Self { file: file.into(), found: Vec::new() }
    }

    /// Notes one.
    pub fn add(&mut self, line: u64, key: impl Into<String>, message: impl Into<String>) {
        let (file, key, message) = (self.file.clone(), key.into(), message.into());
        self.found.push(Problem { file, line, key, message });
    }

    /// `value` when nothing was noted, otherwise everything that was, in order of lines.
    ///
    /// # Errors
    /// The problems.
    pub fn into_result<T>(mut self, value: T) -> Result<T, Vec<Problem>> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort();
        Err(self.found)
    }
}

/// Reads a YAML text. An empty one is an empty mapping.
///
/// # Errors
/// One problem: the text is no YAML, has a key twice, or is too large.
pub fn parse(file: &str, text: &str) -> Result<Node, Problem> {
    let problem = |line, message: String| Problem {
        file: file.to_owned(),
        line,
        key: String::new(),
        message,
    };
    if text.len() > WRITTEN_BYTES_MAX {
        let message = format!("{} bytes; at most {WRITTEN_BYTES_MAX} are read", text.len());
        return Err(problem(0, message));
    }
    let empty =
        |l: &str| l.trim().is_empty() || l.trim_start().starts_with('#') || l.trim() == "---";
    if text.lines().all(empty) {
        return Ok(Node::new(1, Value::Map(Vec::new())));
    }
    let mut options = serde_saphyr::Options::default();
    // A label may well be `.inf`.
    options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
    let place = serde_saphyr::from_str_with_options::<Place>(text, options).map_err(|e| {
        let line = e.location().map_or(0, |l| l.line());
        let text = e.without_snippet().to_string();
        let first = text.lines().next().unwrap_or_default().to_owned();
        problem(line, format!("not readable as YAML: {first}"))
    })?;
    Ok(place.node(text))
}

impl Node {
    /// A value that nobody wrote, for a line that somebody did.
    pub const fn new(line: u64, value: Value) -> Self {
        Self { line, value, written: None }
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a yes/no value",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// A scalar as text, as it is written: `1.10`, `yes`, `0x1F`. That is what the YAML readers of Go
    /// give where a text is wanted; nothing (`~`, `null`) is the empty one. `None` for lists and
    /// mappings.
    pub fn text(&self) -> Option<String> {
        if let Some(written) = &self.written {
            return Some(written.clone());
        }
        match &self.value {
            Value::Null => Some(String::new()),
            Value::Bool(b) => Some(b.to_string()),
            Value::Int(i) => Some(i.to_string()),
            Value::Float(x) => Some(x.to_string()),
            Value::Text(s) => Some(s.clone()),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    fn shown(&self) -> String {
        match &self.value {
            Value::Text(s) => format!("{s:?}"),
            _ => self.text().unwrap_or_else(|| self.kind().to_owned()),
        }
    }
}

/// Takes the keys of a mapping one by one.
pub struct Fields<'n> {
    path: String,
    line: u64,
    left: Vec<(&'n str, u64, &'n Node)>,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The keys of `node`, whose path is `path`. Anything but a mapping is noted and read as an empty
    /// one; nothing at all is an empty one.
    pub fn of(node: &'n Node, path: &str, problems: &mut Problems) -> Self {
        let left = match &node.value {
            Value::Map(entries) => entries.iter().map(|(k, l, n)| (k.as_str(), *l, n)).collect(),
            Value::Null => Vec::new(),
            _ => {
                problems.add(node.line, path, format!("{} where a mapping is wanted", node.kind()));
                Vec::new()
            }
        };
        Self { path: path.to_owned(), line: node.line, left, asked: Vec::new() }
    }

    /// The path of a key of this mapping.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The line where the mapping begins.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Takes the node of `key`, if it is written.
    pub fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        let at = self.left.iter().position(|(k, ..)| *k == key)?;
        Some(self.left.remove(at).2)
    }

    /// Takes a key and reads it; what is wrong is noted and counts as not written.
    pub fn read<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(&Node) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.take(key)?;
        match read(node) {
            Ok(value) => Some(value),
            Err(message) => {
                problems.add(node.line, self.path(key), message);
                None
            }
        }
    }

    /// A text.
    pub fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        self.read(key, problems, |n| {
            n.text().ok_or_else(|| format!("{} where a text is wanted", n.kind()))
        })
    }

    /// A Prometheus duration (`5s`, `1m30s`), in ms.
    pub fn duration_ms(&mut self, key: &'static str, problems: &mut Problems) -> Option<i64> {
        self.read(key, problems, |n| {
            let text = n.text().unwrap_or_default();
            parse_duration_ms(&text)
                .ok_or_else(|| format!("{} is not a duration (write 5s, 1m30s, 2h)", n.shown()))
        })
    }

    /// A whole number within `range`.
    pub fn int(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
        problems: &mut Problems,
    ) -> Option<i64> {
        self.read(key, problems, |n| match n.value {
            Value::Int(i) if range.contains(&i) => Ok(i),
            _ => {
                let (from, to) = (range.start(), range.end());
                Err(format!("{} is not a whole number from {from} to {to}", n.shown()))
            }
        })
    }

    /// `true` or `false`.
    pub fn bool(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        self.read(key, problems, |n| match n.value {
            Value::Bool(b) => Ok(b),
            _ => Err(format!("{} is neither true nor false", n.shown())),
        })
    }

    /// What `FromStr` reads, with its own message.
    pub fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<T> {
        self.read(key, problems, |n| {
            n.text()
                .ok_or_else(|| format!("{} where a text is wanted", n.kind()))?
                .parse::<T>()
                .map_err(|e| e.to_string())
        })
    }

    /// The elements of a list; nothing written is an empty one.
    pub fn list(&mut self, key: &'static str, problems: &mut Problems) -> &'n [Node] {
        let Some(node) = self.take(key) else { return &[] };
        match &node.value {
            Value::List(nodes) => nodes,
            Value::Null => &[],
            _ => {
                let message = format!("{} where a list is wanted", node.kind());
                problems.add(node.line, self.path(key), message);
                &[]
            }
        }
    }

    /// Texts of a list.
    pub fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Vec<String> {
        let path = self.path(key);
        let mut out = Vec::new();
        for (i, node) in self.list(key, problems).iter().enumerate() {
            match node.text() {
                Some(text) => out.push(text),
                None => problems.add(
                    node.line,
                    format!("{path}[{i}]"),
                    format!("{} where a text is wanted", node.kind()),
                ),
            }
        }
        out
    }

    /// A mapping of texts (labels, annotations), in the order written, with lines.
    pub fn pairs(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Vec<(String, String, u64)> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let path = self.path(key);
        let mut out = Vec::new();
        match &node.value {
            Value::Null => {}
            Value::Map(entries) => {
                for (k, line, n) in entries {
                    match n.text() {
                        Some(text) => out.push((k.clone(), text, *line)),
                        None => problems.add(
                            *line,
                            format!("{path}.{k}"),
                            format!("{} where a text is wanted", n.kind()),
                        ),
                    }
                }
            }
            _ => {
                problems.add(node.line, path, format!("{} where a mapping is wanted", node.kind()))
            }
        }
        out
    }

    /// Notes the keys that nobody asked for.
    pub fn finish(self, problems: &mut Problems) {
        for (key, line, _) in &self.left {
            let near = self.asked.iter().min_by_key(|a| distance(a, key));
            let hint = match near {
                Some(near) if distance(near, key) <= 3 => format!("; did you mean {near}?"),
                _ => format!("; known here: {}", self.asked.join(", ")),
            };
            problems.add(*line, self.path(key), format!("unknown key{hint}"));
        }
    }
}

/// How many letters must be changed, added, removed or swapped with their neighbour to get from `a`
/// to `b` (optimal string alignment). Texts of more than 64 bytes are far from everything.
pub fn distance(a: &str, b: &str) -> usize {
    if a.len().max(b.len()) > 64 {
        return usize::MAX;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        rows[i][0] = i;
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

/// A value with the bytes of the text that it takes.
struct Place {
    line: u64,
    bytes: Option<Range<usize>>,
    value: Bare,
}

enum Bare {
    Scalar(Value),
    List(Vec<Place>),
    Map(Vec<(String, u64, Place)>),
}

impl Place {
    /// The same as a node; `text` is what was parsed.
    fn node(self, text: &str) -> Node {
        let (line, mut written) = (self.line, None);
        let value = match self.value {
            Bare::Scalar(value) => {
                if matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_)) {
                    written = self.bytes.and_then(|bytes| text.get(bytes)).and_then(plain);
                }
                value
            }
            Bare::List(places) => Value::List(places.into_iter().map(|p| p.node(text)).collect()),
            Bare::Map(entries) => {
                let pair = |(key, line, place): (String, u64, Self)| (key, line, place.node(text));
                Value::Map(entries.into_iter().map(pair).collect())
            }
        };
        Node { line, value, written }
    }
}

/// The scalar in a piece of YAML, without an anchor, a tag and what stands around it; `None` for one in
/// quotes, which only a tag can make something else than a text.
fn plain(piece: &str) -> Option<String> {
    let mut words = piece.split_whitespace().skip_while(|w| w.starts_with(['!', '&']));
    let word = words.next()?;
    (words.next().is_none() && !word.starts_with(['"', '\'', '|', '>'])).then(|| word.to_owned())
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Bare>::deserialize(d)?;
        // An alias stands for what is written elsewhere.
        let span = spanned.defined.span();
        let bytes = span.byte_offset().zip(span.byte_len()).and_then(|(from, len)| {
            Some(usize::try_from(from).ok()?..usize::try_from(from.checked_add(len)?).ok()?)
        });
        Ok(Self { line: spanned.referenced.line(), bytes, value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(BareVisitor)
    }
}

struct BareVisitor;

impl<'de> Visitor<'de> for BareVisitor {
    type Value = Bare;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Bare, D::Error> {
        Bare::deserialize(d)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Bool(b)))
    }

    fn visit_i64<E>(self, i: i64) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Int(i)))
    }

    fn visit_u64<E>(self, u: u64) -> Result<Bare, E> {
        Ok(Bare::Scalar(i64::try_from(u).map_or(Value::Float(u as f64), Value::Int)))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Float(x)))
    }

    fn visit_str<E>(self, s: &str) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Text(s.to_owned())))
    }

    fn visit_string<E>(self, s: String) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Text(s)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bare, A::Error> {
        let mut places = Vec::new();
        while let Some(place) = seq.next_element()? {
            places.push(place);
        }
        Ok(Bare::List(places))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bare, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            entries.push((key.value, key.referenced.line(), map.next_value()?));
        }
        Ok(Bare::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Problems::new("p.yml");
        match parse("p.yml", text) {
            Err(p) => return vec![p.to_string()],
            Ok(root) => {
                let mut fields = Fields::of(&root, "", &mut problems);
                let _ = fields.duration_ms("interval", &mut problems);
                let _ = fields.int("limit", 1..=9, &mut problems);
                let _ = fields.pairs("labels", &mut problems);
                let _ = fields.texts("files", &mut problems);
                fields.finish(&mut problems);
            }
        }
        problems.into_result(()).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_problems_are_told_at_once_with_their_lines() {
        let text = "interval: 5sec\nlimit: 10\nlabls:\n  a: b\nfiles:\n  - x\n  - [y]\nlabels: 3\n";
        assert_eq!(
            problems(text),
            [
                "p.yml line 1: interval: \"5sec\" is not a duration (write 5s, 1m30s, 2h)",
                "p.yml line 2: limit: 10 is not a whole number from 1 to 9",
                "p.yml line 3: labls: unknown key; did you mean labels?",
                "p.yml line 7: files[1]: a list where a text is wanted",
                "p.yml line 8: labels: a number where a mapping is wanted",
            ]
        );
    }

    #[test]
    fn a_text_that_is_no_yaml_is_one_problem_with_a_line() {
        let found = problems("a: 1\nb: [1, 2\nc: 3\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("p.yml line "), "{found:?}");
        assert!(problems("a: 1\na: 2\n")[0].contains("YAML"), "a key that occurs twice");
    }

    #[test]
    fn a_text_is_what_is_written_whatever_else_it_may_be() {
        let written = [
            "n",
            "y",
            "yes",
            "No",
            "on",
            "OFF",
            "true",
            "FALSE",
            "1.10",
            "0x1F",
            "0o17",
            "017",
            "1e3",
            "1_000",
            "+5",
            "-0",
            ".5",
            "2026-01-01",
            "2026-01-01T00:00:00Z",
            "12:30",
            "12:30:45",
            "18446744073709551616",
            "0.30000000000000004",
            ".inf",
            "-.Inf",
            ".NaN",
            "1.0",
            "é",
        ];
        for text in written {
            for form in [
                "a: X",
                "a: X # why",
                "é: 1\na:   X  \n",
                "{a: X}",
                "{a: X, b: 1}",
                "a: &n X",
                "a: !!str X",
            ] {
                let yaml = form.replace('X', text);
                let node = parse("p.yml", &yaml).unwrap();
                let mut problems = Problems::new("p.yml");
                let read = Fields::of(&node, "", &mut problems).text("a", &mut problems);
                assert_eq!(read.as_deref(), Some(text), "{yaml}");
            }
            let yaml = format!("labels: {{{text}: {text}}}\nfiles: [{text}, *n]\nx: &n {text}\n")
                .replace(", *n", "");
            let node = parse("p.yml", &yaml).unwrap();
            let mut problems = Problems::new("p.yml");
            let mut fields = Fields::of(&node, "", &mut problems);
            let pair = (text.to_owned(), text.to_owned(), 1);
            assert_eq!(fields.pairs("labels", &mut problems), [pair], "{yaml}");
            assert_eq!(fields.texts("files", &mut problems), [text], "{yaml}");
        }
        for nothing in ["", "~", "null", "Null"] {
            let node = parse("p.yml", &format!("a: {nothing}\nb: 1")).unwrap();
            let mut problems = Problems::new("p.yml");
            let read = Fields::of(&node, "", &mut problems).text("a", &mut problems);
            assert_eq!(read.as_deref(), Some(""), "{nothing}");
        }
    }

    #[test]
    fn an_alias_is_the_text_that_it_stands_for() {
        let node = parse("p.yml", "x: &n 1.10\na: *n\nb: &m\n  c: on\nd: *m\n").unwrap();
        let Value::Map(entries) = &node.value else { panic!("{node:?}") };
        assert_eq!((entries[1].2.text().as_deref(), entries[1].2.line), (Some("1.10"), 2));
        let Value::Map(inner) = &entries[3].2.value else { panic!("{node:?}") };
        assert_eq!(inner[0].2.text().as_deref(), Some("on"));
    }

    #[test]
    fn numbers_and_switches_are_still_what_they_are() {
        let node = parse("p.yml", "a: 0x1F\nb: on\nc: 1.10\nd: !!int 7\ne: !!int \"8\"\n").unwrap();
        let mut problems = Problems::new("p.yml");
        let mut fields = Fields::of(&node, "", &mut problems);
        assert_eq!(fields.int("a", 0..=100, &mut problems), Some(31));
        assert_eq!(fields.bool("b", &mut problems), Some(true));
        assert_eq!(fields.take("c").map(|n| n.value.clone()), Some(Value::Float(1.10)));
        assert_eq!(fields.take("d").and_then(Node::text).as_deref(), Some("7"));
        assert_eq!(fields.take("e").and_then(Node::text).as_deref(), Some("8"));
        assert_eq!(problems.found, []);
    }

    #[test]
    fn a_swap_is_one_change() {
        assert_eq!(distance("stroe", "store"), 1);
        assert_eq!(distance("stroe", "serve"), 2);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn an_empty_text_is_an_empty_mapping() {
        assert_eq!(problems(""), [] as [&str; 0]);
        assert_eq!(problems("# only words\n"), [] as [&str; 0]);
    }
}
