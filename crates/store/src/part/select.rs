//! Which series of a part match: postings of terms, combined.
//!
//! As PromQL has it: a regex is anchored at both ends, and a label that is absent has the empty
//! value, so that `a=""` or `a!="x"` also take the series without `a`. Patterns that are lists of
//! literals become look-ups, a literal prefix narrows the scan of a label's values.

use std::ops::ControlFlow;

use plimsoll_model::{MatchOp, Matcher};
use roaring::RoaringBitmap;

use super::layout::Kind;
use super::reader::PartReader;
use super::terms::{self, Name, Ordinals};
use crate::{Error, Result};

/// Bytes of Terms that hold its two leading numbers.
const TERMS_HEAD: u64 = 20;

impl PartReader {
    /// Ordinals of the series that pass all matchers.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn select(&self, matchers: &[Matcher]) -> Result<RoaringBitmap> {
        self.select_inner(matchers).map_err(|e| self.named(e))
    }

    fn select_inner(&self, matchers: &[Matcher]) -> Result<RoaringBitmap> {
        let mut found: Option<RoaringBitmap> = None;
        let (missing, present): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|m| m.matches_empty());
        for m in present {
            let set = self.series_with(m, |m, value| m.matches(value))?;
            let both = match found {
                None => set,
                Some(found) => found & set,
            };
            if both.is_empty() {
                return Ok(both);
            }
            found = Some(both);
        }
        let mut found = found.unwrap_or_else(|| {
            let mut all = RoaringBitmap::new();
            all.insert_range(0..self.series());
            all
        });
        for m in missing {
            // Whoever lacks the label passes: take away those whose value does not.
            found -= self.series_with(m, |m, value| !m.matches(value))?;
        }
        Ok(found)
    }

    /// Names of all labels, sorted.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn label_names(&self) -> Result<Vec<String>> {
        let names = self.names().map_err(|e| self.named(e))?;
        Ok(names.iter().map(|n| n.name.clone()).collect())
    }

    /// Appends the values of a label, sorted; none when no series has it.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; some values may have been appended.
    pub fn label_values(&self, name: &str, to: &mut Vec<String>) -> Result<()> {
        let scan = self.scan(name, "", |value, _| {
            to.push(value.to_owned());
            Ok(ControlFlow::Continue(()))
        });
        scan.map_err(|e| self.named(e))
    }

    /// Series whose value of the matcher's label passes `pass`, which is the matcher or its opposite.
    fn series_with(
        &self,
        m: &Matcher,
        pass: impl Fn(&Matcher, &str) -> bool,
    ) -> Result<RoaringBitmap> {
        let mut set = RoaringBitmap::new();
        match candidates(m, &pass) {
            Candidates::None => {}
            Candidates::Listed(values) => {
                for value in values {
                    self.look_up(m.name(), value, &mut set)?;
                }
            }
            Candidates::Prefix(prefix) => {
                self.scan(m.name(), prefix, |value, ordinals| {
                    if pass(m, value) {
                        self.union(ordinals, &mut set)?;
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
            }
        }
        Ok(set)
    }

    fn look_up(&self, name: &str, wanted: &str, set: &mut RoaringBitmap) -> Result<()> {
        self.scan(name, wanted, |value, ordinals| {
            if value == wanted {
                self.union(ordinals, set)?;
            }
            Ok(ControlFlow::Break(()))
        })
    }

    fn union(&self, ordinals: Ordinals, set: &mut RoaringBitmap) -> Result<()> {
        match ordinals {
            Ordinals::One(o) if o < self.series() => {
                set.insert(o);
            }
            Ordinals::One(o) => return Err(Error::corrupt(format!("posting of series {o}"))),
            Ordinals::Many { offset, len } => *set |= self.postings(offset, len)?,
        }
        Ok(())
    }

    fn postings(&self, offset: u64, len: u64) -> Result<RoaringBitmap> {
        let s = self.section(Kind::Postings)?;
        if offset > s.len || len > s.len - offset {
            return Err(Error::corrupt("a posting list lies outside Postings"));
        }
        let mut bytes = Vec::new();
        self.read_at(s.offset + offset, len as usize, &mut bytes)?;
        let list = RoaringBitmap::deserialize_from(bytes.as_slice())
            .map_err(|e| Error::corrupt(format!("posting list: {e}")))?;
        match list.max() {
            Some(o) if o >= self.series() => Err(Error::corrupt(format!("posting of series {o}"))),
            _ => Ok(list),
        }
    }

    /// Calls `take` with the values of a label that begin with `prefix`, in order; for a whole
    /// value as prefix the first is that value if it is there.
    fn scan(
        &self,
        name: &str,
        prefix: &str,
        mut take: impl FnMut(&str, Ordinals) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let names = self.names()?;
        let Ok(at) = names.binary_search_by(|n| n.name.as_str().cmp(name)) else { return Ok(()) };
        let base = self.section(Kind::Terms)?.offset;
        let mut bytes = Vec::new();
        self.read_at(base + names[at].offset, names[at].directory_len as usize, &mut bytes)?;
        let blocks = terms::directory(&bytes, &names[at])?;
        let from = blocks.partition_point(|b| b.first.as_str() <= prefix).saturating_sub(1);
        for block in &blocks[from..] {
            if block.first.as_str() > prefix && !block.first.starts_with(prefix) {
                break;
            }
            self.read_at(base + block.offset, block.len as usize, &mut bytes)?;
            let mut go_on = true;
            terms::values(&bytes, |value, ordinals| {
                if value.starts_with(prefix) {
                    go_on = take(value, ordinals)?.is_continue();
                } else if value > prefix {
                    go_on = false;
                }
                Ok(go_on)
            })?;
            if !go_on {
                break;
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<&[Name]> {
        if let Some(names) = self.names.get() {
            return Ok(names);
        }
        let s = self.section(Kind::Terms)?;
        let mut bytes = Vec::new();
        self.read_at(s.offset, s.len.min(TERMS_HEAD) as usize, &mut bytes)?;
        let (n, at, len) = terms::names_at(&bytes)?;
        if len > s.len - at {
            return Err(Error::corrupt("the list of label names lies outside Terms"));
        }
        self.read_at(s.offset + at, len as usize, &mut bytes)?;
        let list = terms::names(&bytes, n, at + len, s.len)?;
        Ok(self.names.get_or_init(|| list))
    }
}

/// Which values of a label need a look.
#[derive(Debug, PartialEq, Eq)]
enum Candidates<'m> {
    None,
    Listed(Vec<&'m str>),
    Prefix(&'m str),
}

fn candidates<'m>(m: &'m Matcher, pass: &impl Fn(&Matcher, &str) -> bool) -> Candidates<'m> {
    let pattern = m.value();
    // Asked for are the values that the pattern hits, or those that it does not: `=~` as it is and
    // the opposite of `!~` ask for hits.
    let direct = matches!(m.op(), MatchOp::Equal | MatchOp::Regex);
    let as_it_is = pass(m, "") == m.matches_empty();
    if direct != as_it_is {
        let everything = matches!(m.op(), MatchOp::Regex | MatchOp::NotRegex) && pattern == ".*";
        return if everything { Candidates::None } else { Candidates::Prefix("") };
    }
    match m.op() {
        MatchOp::Equal | MatchOp::NotEqual => Candidates::Listed(vec![pattern]),
        MatchOp::Regex | MatchOp::NotRegex => match literals(pattern) {
            Some(list) => Candidates::Listed(list),
            None => Candidates::Prefix(prefix(pattern)),
        },
    }
}

fn is_meta(c: char) -> bool {
    "\\.+*?()|[]{}^$".contains(c)
}

/// The alternatives of a pattern that is nothing but literals, each once.
fn literals(pattern: &str) -> Option<Vec<&str>> {
    let inner = pattern
        .strip_prefix("(?:")
        .or_else(|| pattern.strip_prefix('('))
        .and_then(|p| p.strip_suffix(')'))
        .unwrap_or(pattern);
    if inner.contains(|c| is_meta(c) && c != '|') {
        return None;
    }
    let mut list: Vec<&str> = inner.split('|').filter(|v| !v.is_empty()).collect();
    list.sort_unstable();
    list.dedup();
    Some(list)
}

/// The literal that every hit of the pattern begins with.
fn prefix(pattern: &str) -> &str {
    if pattern.contains('|') {
        return "";
    }
    let end = pattern.find(is_meta).unwrap_or(pattern.len());
    let (head, tail) = pattern.split_at(end);
    if !tail.starts_with(['?', '*', '{']) {
        return head;
    }
    let last = head.char_indices().next_back().map_or(0, |(i, _)| i);
    &head[..last]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_look_ups_or_prefixes() {
        assert_eq!(literals("a|b|a|"), Some(vec!["a", "b"]));
        assert_eq!(literals("(?:web|db)"), Some(vec!["db", "web"]));
        assert_eq!(literals("(a)(b)"), None);
        assert_eq!(literals("a.b"), None);
        assert_eq!(prefix("node_.*"), "node_");
        assert_eq!(prefix("abc?"), "ab");
        assert_eq!(prefix("abc+"), "abc");
        assert_eq!(prefix("é*x"), "");
        assert_eq!(prefix("a.*|b.*"), "");
        assert_eq!(prefix("(?i)abc"), "");
    }
}
