//! Labels: the name of a series.
//!
//! A label set is kept in its **canonical encoding**: for each label in order of its name
//! `varint len, name, varint len, value` (LEB128). Names are unique, values not empty, both UTF-8;
//! `__name__` is a label like the others. The [`Fp`] is xxh3-128 of that encoding.
//! [`LabelBuf`] is the growable form, [`Labels`] the shared immutable one (API edges, results),
//! [`LabelsRef`] the borrowed one.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::{Error, Result};

/// The label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";
/// Labels of a series, `__name__` included. More are refused with a counted reason.
pub const LABELS_MAX: usize = 64;
/// Bytes of a label's name.
pub const LABEL_NAME_BYTES_MAX: usize = 1 << 10;
/// Bytes of a label's value.
pub const LABEL_VALUE_BYTES_MAX: usize = 16 << 10;
/// Bytes of a label set that is copied on the stack.
const SMALL_SET_BYTES: usize = 512;
/// Bytes of a whole canonical label set.
pub const LABEL_SET_BYTES_MAX: usize = 64 << 10;

/// The fingerprint of a series: xxh3-128 of the canonical encoding of its labels. It names the
/// series across parts, tiers, the log and remotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fp(pub u128);

/// A label set being built or decoded into; its bytes are always canonical.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LabelBuf {
    bytes: Vec<u8>,
}

/// Room that [`crate::Selection::labels`] may use.
#[derive(Clone, Debug, Default)]
pub struct LabelScratch {
    /// The label set last decoded into.
    pub buf: LabelBuf,
}

/// A borrowed canonical label set.
#[derive(Clone, Copy)]
pub struct LabelsRef<'a> {
    bytes: &'a [u8],
}

/// A shared, immutable label set. Cheap to clone. Ordered as Prometheus orders label sets: label by
/// label, name before value, the shorter set first.
#[derive(Clone)]
pub struct Labels {
    bytes: Arc<[u8]>,
}

impl LabelBuf {
    /// An empty set.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Replaces the content by `pairs`, which are sorted here; pairs with an empty value are left
    /// out, as an empty value means that the label is absent.
    ///
    /// # Errors
    /// `Invalid` for an empty name or a name that occurs twice; `Limit` for the limits above.
    pub fn set(&mut self, pairs: &mut Vec<(&str, &str)>) -> Result<()> {
        self.bytes.clear();
        pairs.retain(|(_, v)| !v.is_empty());
        if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
            pairs.sort_unstable_by(|a, b| a.0.cmp(b.0));
        }
        check_pairs(pairs)?;
        for (name, value) in pairs.iter() {
            self.push_sorted(name, value);
        }
        within("label set bytes", self.bytes.len(), LABEL_SET_BYTES_MAX, "limits.label_set_bytes")
    }

    /// Appends a label whose name sorts after all before it. The caller guarantees order and a value
    /// that is not empty.
    pub fn push_sorted(&mut self, name: &str, value: &str) {
        put_str(&mut self.bytes, name);
        put_str(&mut self.bytes, value);
    }

    /// Replaces the content by these labels without those for which `drop` says so.
    pub fn set_without(&mut self, labels: LabelsRef<'_>, drop: impl Fn(&str) -> bool) {
        self.bytes.clear();
        labels.each_kept(drop, &mut |piece| self.bytes.extend_from_slice(piece));
    }

    /// Replaces the content by bytes that are already canonical.
    pub fn set_canonical(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
    }

    /// The set, borrowed.
    pub fn as_ref(&self) -> LabelsRef<'_> {
        LabelsRef { bytes: &self.bytes }
    }

    /// The set, shared.
    pub fn to_labels(&self) -> Labels {
        Labels { bytes: Arc::from(self.bytes.as_slice()) }
    }
}

fn check_pairs(pairs: &[(&str, &str)]) -> Result<()> {
    within("labels of a series", pairs.len(), LABELS_MAX, "limits.labels_per_series")?;
    for (i, (name, value)) in pairs.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::Invalid(format!(
                "label name is empty (value {value:?}); give it a name"
            )));
        }
        if i > 0 && pairs[i - 1].0 == *name {
            return Err(Error::Invalid(format!("label {name:?} occurs twice; send it once")));
        }
        within("label name bytes", name.len(), LABEL_NAME_BYTES_MAX, "limits.label_name_bytes")?;
        within(
            "label value bytes",
            value.len(),
            LABEL_VALUE_BYTES_MAX,
            "limits.label_value_bytes",
        )?;
    }
    Ok(())
}

fn within(what: &str, found: usize, max: usize, limit: &'static str) -> Result<()> {
    if found <= max {
        return Ok(());
    }
    Err(Error::Limit { limit, max: max as u64, what: format!("{what}: {found}") })
}

impl<'a> LabelsRef<'a> {
    /// The empty set.
    pub const EMPTY: LabelsRef<'static> = LabelsRef { bytes: &[] };

    /// A set from bytes that the caller knows to be canonical (they came from this crate and were
    /// checksummed since). Unknown bytes go through [`LabelsRef::checked`].
    pub const fn from_canonical(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// A set from unknown bytes.
    ///
    /// # Errors
    /// `Corrupt` when they are not a canonical label set.
    pub fn checked(bytes: &'a [u8]) -> Result<Self> {
        let corrupt =
            |why: &str| Error::Corrupt(format!("label set of {} bytes: {why}", bytes.len()));
        let mut rest = bytes;
        let mut before: Option<&str> = None;
        let mut n = 0;
        while !rest.is_empty() {
            let (name, r) = take_str(rest).ok_or_else(|| corrupt("a name is cut or not UTF-8"))?;
            let (value, r) = take_str(r).ok_or_else(|| corrupt("a value is cut or not UTF-8"))?;
            if name.is_empty() || value.is_empty() || before.is_some_and(|b| b >= name) {
                return Err(corrupt("names are not sorted, or something is empty"));
            }
            before = Some(name);
            rest = r;
            n += 1;
        }
        if n > LABELS_MAX || bytes.len() > LABEL_SET_BYTES_MAX {
            return Err(corrupt("too large"));
        }
        Ok(Self { bytes })
    }

    /// The canonical bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The fingerprint.
    pub fn fp(self) -> Fp {
        Fp(xxhash_rust::xxh3::xxh3_128(self.bytes))
    }

    /// The labels in order of their names.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        LabelIter { rest: self.bytes }
    }

    /// The value of `name`, if it is there.
    pub fn get(self, name: &str) -> Option<&'a str> {
        let mut rest = self.bytes;
        loop {
            let (found, after) = take_bytes(rest)?;
            if found == name.as_bytes() {
                return take_str(after).map(|(value, _)| value);
            }
            rest = take_bytes(after)?.1;
        }
    }

    /// The metric's name, empty when there is none.
    pub fn metric(self) -> &'a str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    /// Number of labels.
    pub fn len(self) -> usize {
        let (mut n, mut rest) = (0, self.bytes);
        while let Some((_, value)) = take_bytes(rest)
            && let Some((_, after)) = take_bytes(value)
        {
            (n, rest) = (n + 1, after);
        }
        n
    }

    /// Whether there is no label.
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The set, shared.
    pub fn to_labels(self) -> Labels {
        Labels { bytes: Arc::from(self.bytes) }
    }

    /// Hands out the encodings of the labels for which `drop` does not say so, neighbours at once.
    fn each_kept(self, drop: impl Fn(&str) -> bool, each: &mut dyn FnMut(&[u8])) {
        let (mut from, mut rest) = (self.bytes, self.bytes);
        while let Some((name, after)) = take_str(rest) {
            let Some((_, after)) = take_bytes(after) else { break };
            if drop(name) {
                each(&from[..from.len() - rest.len()]);
                from = after;
            }
            rest = after;
        }
        each(&from[..from.len() - rest.len()]);
    }
}

impl Labels {
    /// The empty set.
    pub fn empty() -> Self {
        LabelsRef::EMPTY.to_labels()
    }

    /// A set from pairs in any order; see [`LabelBuf::set`].
    ///
    /// # Errors
    /// As [`LabelBuf::set`].
    pub fn new<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> Result<Self> {
        let mut buf = LabelBuf::new();
        buf.set(&mut pairs.into_iter().collect())?;
        Ok(buf.to_labels())
    }

    /// The set, borrowed.
    pub fn as_ref(&self) -> LabelsRef<'_> {
        LabelsRef { bytes: &self.bytes }
    }

    /// The labels in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.as_ref().iter()
    }

    /// The value of `name`, if it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.as_ref().get(name)
    }

    /// The metric's name, empty when there is none.
    pub fn metric(&self) -> &str {
        self.as_ref().metric()
    }

    /// The fingerprint.
    pub fn fp(&self) -> Fp {
        self.as_ref().fp()
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A copy in which `name` has `value`; an empty value removes it.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut buf = LabelBuf::new();
        let mut placed = value.is_empty();
        for (n, v) in self.iter() {
            if !placed && name < n {
                buf.push_sorted(name, value);
                placed = true;
            }
            if n == name {
                if !placed {
                    buf.push_sorted(name, value);
                    placed = true;
                }
                continue;
            }
            buf.push_sorted(n, v);
        }
        if !placed {
            buf.push_sorted(name, value);
        }
        buf.to_labels()
    }

    /// A copy without the labels for which `drop` says so; the same where it says so of none.
    pub fn without(&self, drop: impl Fn(&str) -> bool) -> Self {
        let mut room = [0; SMALL_SET_BYTES];
        if self.bytes.len() > room.len() {
            let mut buf = LabelBuf::new();
            buf.set_without(self.as_ref(), drop);
            return buf.to_labels();
        }
        let mut len = 0;
        self.as_ref().each_kept(drop, &mut |piece| {
            room[len..len + piece.len()].copy_from_slice(piece);
            len += piece.len();
        });
        if len == self.bytes.len() { self.clone() } else { Self { bytes: room[..len].into() } }
    }
}

#[derive(Clone)]
struct LabelIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for LabelIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = take_str(self.rest)?;
        let (value, rest) = take_str(rest)?;
        self.rest = rest;
        Some((name, value))
    }
}

fn put_str(out: &mut Vec<u8>, s: &str) {
    let mut n = s.len();
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out.extend_from_slice(s.as_bytes());
}

fn take_str(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (text, rest) = take_bytes(bytes)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

fn take_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut len = 0usize;
    let mut i = 0;
    loop {
        let b = *bytes.get(i)?;
        if i >= 4 {
            return None;
        }
        len |= usize::from(b & 0x7f) << (7 * i);
        i += 1;
        if b & 0x80 == 0 {
            break;
        }
    }
    let end = i.checked_add(len)?;
    Some((bytes.get(i..end)?, &bytes[end..]))
}

/// Bytes at the beginning that both have.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    const WORD: usize = 8;
    let word = |c: &[u8]| c.try_into().map_or(0, u64::from_le_bytes);
    let mut same = 0;
    for (a, b) in a.chunks_exact(WORD).zip(b.chunks_exact(WORD)) {
        let differ = word(a) ^ word(b);
        if differ != 0 {
            return same + (differ.trailing_zeros() / 8) as usize;
        }
        same += WORD;
    }
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

impl Ord for LabelsRef<'_> {
    /// By name, then value, label by label. What both begin with is stepped over without a look at
    /// the texts: series that are sorted are alike.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (self.bytes, other.bytes);
        let mut same = common_prefix(a, b);
        loop {
            match (take_bytes(a), take_bytes(b)) {
                (Some((x, after)), Some((y, _))) if a.len() - after.len() > same => {
                    return x.cmp(y);
                }
                (Some((_, after_a)), Some((_, after_b))) => {
                    same -= a.len() - after_a.len();
                    (a, b) = (after_a, after_b);
                }
                (x, y) => return x.is_some().cmp(&y.is_some()),
            }
        }
    }
}
impl PartialOrd for LabelsRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for LabelsRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl Eq for LabelsRef<'_> {}
impl Hash for LabelsRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}
impl fmt::Display for LabelsRef<'_> {
    /// As Prometheus prints a series: `name{a="b"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric();
        f.write_str(name)?;
        let mut rest = self.iter().filter(|(n, _)| *n != METRIC_NAME).peekable();
        if rest.peek().is_none() && !name.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (i, (n, v)) in rest.enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{n}={v:?}")?;
        }
        f.write_str("}")
    }
}
impl fmt::Debug for LabelsRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().cmp(&other.as_ref())
    }
}
impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl Eq for Labels {}
impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}
impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_are_in_the_order_of_their_pairs(
            a in proptest::collection::btree_map("[a-c]{1,3}", "[xyz]{1,40}", 0..5),
            b in proptest::collection::btree_map("[a-c]{1,3}", "[xyz]{1,40}", 0..5),
            both in proptest::collection::btree_map("[a-b]{1,2}", "[xyz]{1,200}", 0..5),
        ) {
            let labels = |own: std::collections::BTreeMap<String, String>| {
                let all: std::collections::BTreeMap<_, _> = own.into_iter().chain(both.clone()).collect();
                let labels = Labels::new(all.iter().map(|(n, v)| (&**n, &**v))).unwrap();
                (all.into_iter().collect::<Vec<_>>(), labels)
            };
            let ((a, x), (b, y)) = (labels(a), labels(b));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x.len(), a.len());
            for (name, value) in a.iter().chain(&b) {
                let wanted = a.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
                prop_assert_eq!(x.get(name), wanted, "{}", value);
            }
        }
    }

    #[test]
    fn unsorted_labels_are_sorted_and_empty_ones_left_out() {
        let labels = Labels::new([("job", "a"), ("__name__", "up"), ("gone", "")]).unwrap();
        assert_eq!(labels.to_string(), "up{job=\"a\"}");
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn a_name_that_occurs_twice_is_refused_by_name() {
        let e = Labels::new([("job", "a"), ("job", "b")]).unwrap_err();
        assert_eq!(e.to_string(), "label \"job\" occurs twice; send it once");
    }

    #[test]
    fn with_puts_a_label_in_its_place() {
        let labels = Labels::new([("a", "1"), ("c", "3")]).unwrap();
        assert_eq!(labels.with("b", "2").to_string(), "{a=\"1\", b=\"2\", c=\"3\"}");
        assert_eq!(labels.with("a", "9").to_string(), "{a=\"9\", c=\"3\"}");
        assert_eq!(labels.with("a", "").to_string(), "{c=\"3\"}");
        assert_eq!(labels.with("d", "4").to_string(), "{a=\"1\", c=\"3\", d=\"4\"}");
    }

    proptest! {
        #[test]
        fn what_was_built_is_canonical(pairs in proptest::collection::btree_map("[a-z]{1,9}", "\\PC{1,200}", 0..20)) {
            let labels = Labels::new(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))).unwrap();
            let again = LabelsRef::checked(labels.as_ref().as_bytes()).unwrap();
            prop_assert!(again.iter().eq(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))));
        }

        #[test]
        fn any_bytes_are_a_set_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(set) = LabelsRef::checked(&bytes) {
                prop_assert!(set.iter().all(|(n, v)| !n.is_empty() && !v.is_empty()));
            }
        }
    }
}
