//! What a query that is asked again and again keeps between its evaluations: its matchers, compiled,
//! and what its selectors chose ([`Prepared`]). Never a sample and never a result: every evaluation
//! reads anew.
//!
//! A selection belongs to its matchers, whatever times are read; queries of an engine whose selectors
//! have the same matchers share it. Whether what was chosen still holds is the source's to say: it
//! compares matchers, scope and its own state.
//!
//! Bounds: bytes of all selections and compiled expressions together
//! ([`EngineConfig::kept_selections`]), each at most a quarter of them; what does not fit is selected as if nothing were kept, and tried again after
//! [`PAUSE`] evaluations. A query that is dropped gives its part back.
//!
//! [`EngineConfig::kept_selections`]: crate::EngineConfig::kept_selections

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use plimsoll_model::{Matcher, Prepared};

use crate::ast::{Expr, LabelMatcher, MatchOp, Span, VectorSelector};
use crate::eval::model_op;

/// Evaluations after which a selection that did not fit is tried again.
const PAUSE: u32 = 64;

/// Bytes that a compiled regular expression is taken to hold, besides those of its text.
const REGEX_BYTES: u64 = 16 << 10;
/// Bytes that a compiled regular expression is taken to hold for each byte of its text.
const REGEX_BYTES_PER_BYTE: u64 = 32;

/// What queries keep of their selections, and how much that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptStats {
    /// Selections that were passed to the source again.
    pub again: u64,
    /// Selections that were kept, the first time or because the source made them anew.
    pub renewed: u64,
    /// Selections that were not kept because they are too large.
    pub refused: u64,
    /// Selections held.
    pub selections: u64,
    /// Bytes held.
    pub bytes: u64,
}

/// The selections that queries of an engine keep.
#[derive(Debug)]
pub(crate) struct KeptSelections {
    bytes_max: u64,
    bytes: AtomicU64,
    again: AtomicU64,
    renewed: AtomicU64,
    refused: AtomicU64,
    /// By the text of the matchers.
    known: Mutex<HashMap<Arc<str>, Weak<Slot>>>,
}

/// One selection.
pub(crate) struct Slot {
    owner: Arc<KeptSelections>,
    key: Arc<str>,
    prepared: Mutex<Option<Prepared>>,
    /// Evaluations for which nothing is kept.
    pause: AtomicU32,
}

/// What one query keeps.
pub(crate) struct KeptQuery {
    selectors: Vec<KeptSelector>,
    /// Taken for compiled expressions.
    bytes: u64,
    owner: Arc<KeptSelections>,
}

/// What is kept of one selector.
pub(crate) struct KeptSelector {
    span: Span,
    /// Its matchers.
    pub matchers: Vec<Matcher>,
    /// What they chose.
    pub slot: Arc<Slot>,
}

impl KeptSelections {
    /// At most so many bytes; 0 keeps nothing.
    pub fn new(bytes_max: u64) -> Self {
        let zero = AtomicU64::default;
        let known = Mutex::default();
        Self { bytes_max, bytes: zero(), again: zero(), renewed: zero(), refused: zero(), known }
    }

    pub fn stats(&self) -> KeptStats {
        let of = |n: &AtomicU64| n.load(Ordering::Relaxed);
        KeptStats {
            again: of(&self.again),
            renewed: of(&self.renewed),
            refused: of(&self.refused),
            selections: self.known.lock().len() as u64,
            bytes: of(&self.bytes),
        }
    }

    fn slot(self: &Arc<Self>, key: Arc<str>) -> Arc<Slot> {
        let mut known = self.known.lock();
        if let Some(slot) = known.get(&key).and_then(Weak::upgrade) {
            return slot;
        }
        let slot = Arc::new(Slot {
            owner: Arc::clone(self),
            key: Arc::clone(&key),
            prepared: Mutex::default(),
            pause: AtomicU32::new(0),
        });
        known.insert(key, Arc::downgrade(&slot));
        slot
    }

    /// Takes `new` bytes for `old` ones if they fit.
    fn exchange(&self, old: u64, new: u64) -> bool {
        let fits = |held: u64| {
            let then = held.saturating_sub(old).saturating_add(new);
            (new <= self.bytes_max / 4 && then <= self.bytes_max).then_some(then)
        };
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

impl KeptQuery {
    /// A query that keeps what its selectors chose; `None` when a matcher cannot be compiled, which
    /// its evaluation then says, when there is nothing to keep, or no room for what is compiled.
    pub fn new(expr: &Expr, owner: &Arc<KeptSelections>) -> Option<Self> {
        let selectors = expr.selectors();
        if selectors.is_empty() || owner.bytes_max == 0 {
            return None;
        }
        let bytes = selectors.iter().flat_map(|s| &s.matchers).map(compiled_bytes).sum();
        if !owner.exchange(0, bytes) {
            owner.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let mut kept = Self { selectors: Vec::new(), bytes, owner: Arc::clone(owner) };
        for selector in selectors {
            kept.selectors.push(KeptSelector::new(selector, owner)?);
        }
        Some(kept)
    }

    /// What is kept of a selector; nothing of one that was made on the way.
    pub fn selector(&self, selector: &VectorSelector) -> Option<&KeptSelector> {
        self.selectors.iter().find(|kept| kept.is_of(selector))
    }
}

impl Drop for KeptQuery {
    fn drop(&mut self) {
        self.owner.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes that a matcher holds when it is compiled.
fn compiled_bytes(matcher: &LabelMatcher) -> u64 {
    match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => 0,
        _ => REGEX_BYTES + REGEX_BYTES_PER_BYTE * matcher.value.len() as u64,
    }
}

impl KeptSelector {
    fn new(selector: &VectorSelector, owner: &Arc<KeptSelections>) -> Option<Self> {
        let mut matchers = Vec::with_capacity(selector.matchers.len());
        let mut text = String::new();
        for m in &selector.matchers {
            text.push_str(&format!("{:?}{}{:?},", m.name, m.op.text(), m.value));
            matchers.push(Matcher::new(model_op(m.op), &m.name, &m.value).ok()?);
        }
        Some(Self { span: selector.span, matchers, slot: owner.slot(text.into()) })
    }

    fn is_of(&self, selector: &VectorSelector) -> bool {
        let same = |(a, b): (&Matcher, &LabelMatcher)| {
            a.value() == b.value && a.name() == b.name && a.op() == model_op(b.op)
        };
        self.span == selector.span
            && self.matchers.len() == selector.matchers.len()
            && self.matchers.iter().zip(&selector.matchers).all(same)
    }
}

impl Slot {
    /// What was chosen last time.
    pub fn again(&self) -> Option<Prepared> {
        let prepared = self.prepared.lock().clone();
        if prepared.is_some() {
            self.owner.again.fetch_add(1, Ordering::Relaxed);
        }
        prepared
    }

    /// Whether a selection is worth keeping now.
    pub fn may_keep(&self) -> bool {
        let less = |n: u32| n.checked_sub(1);
        self.pause.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err()
    }

    /// Keeps what was chosen now.
    pub fn keep(&self, now: Option<Prepared>) {
        let Some(now) = now else { return };
        let mut prepared = self.prepared.lock();
        if prepared.as_ref().is_some_and(|p| Arc::ptr_eq(&p.body, &now.body)) {
            return;
        }
        let old = prepared.as_ref().map_or(0, |p| p.bytes);
        if self.owner.exchange(old, now.bytes) {
            self.owner.renewed.fetch_add(1, Ordering::Relaxed);
            *prepared = Some(now);
            return;
        }
        self.owner.refused.fetch_add(1, Ordering::Relaxed);
        self.pause.store(PAUSE, Ordering::Relaxed);
        self.owner.bytes.fetch_sub(old, Ordering::Relaxed);
        *prepared = None;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let held = self.prepared.get_mut().as_ref().map_or(0, |p| p.bytes);
        self.owner.bytes.fetch_sub(held, Ordering::Relaxed);
        let mut known = self.owner.known.lock();
        // Another one may have come into its place already.
        if known.get(&self.key).is_some_and(|slot| std::ptr::eq(slot.as_ptr(), self)) {
            known.remove(&self.key);
        }
    }
}

impl std::fmt::Debug for KeptQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptQuery").field("selectors", &self.selectors.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(bytes: u64) -> Option<Prepared> {
        Some(Prepared { epoch: 1, bytes, body: Arc::new(()) })
    }

    fn query(owner: &Arc<KeptSelections>, text: &str) -> (Expr, KeptQuery) {
        let expr = crate::parse(text, &crate::Features::default()).unwrap();
        let kept = KeptQuery::new(&expr, owner).unwrap();
        (expr, kept)
    }

    fn slot(kept: &KeptQuery, i: usize) -> &Slot {
        &kept.selectors[i].slot
    }

    #[test]
    fn queries_with_the_same_matchers_share_and_the_last_gives_back() {
        let owner = Arc::new(KeptSelections::new(1_000));
        let (_, a) = query(&owner, "rate(x{job=\"a\"}[5m]) > 1");
        let (_, b) = query(&owner, "sum(rate(x{job=\"a\"}[1h])) + x{job=\"b\"}");
        slot(&a, 0).keep(chosen(100));
        assert!(slot(&b, 0).again().is_some());
        assert!(slot(&b, 1).again().is_none());
        assert_eq!((owner.stats().bytes, owner.stats().selections), (100, 2));
        drop(a);
        assert_eq!(owner.stats().bytes, 100);
        drop(b);
        assert_eq!((owner.stats().bytes, owner.stats().selections), (0, 0));
    }

    #[test]
    fn bytes_are_bounded_and_what_is_refused_waits() {
        let owner = Arc::new(KeptSelections::new(1_000));
        let (_, q) = query(&owner, "a + b + c + d + e");
        (0..4).for_each(|i| slot(&q, i).keep(chosen(250)));
        slot(&q, 4).keep(chosen(1));
        assert_eq!((owner.stats().bytes, owner.stats().refused), (1_000, 1));
        slot(&q, 3).keep(chosen(251));
        assert_eq!((owner.stats().bytes, owner.stats().refused), (750, 2), "over a quarter");
        assert!(slot(&q, 3).again().is_none());
        assert!((0..PAUSE).all(|_| !slot(&q, 3).may_keep()));
        assert!(slot(&q, 3).may_keep());
        slot(&q, 0).keep(chosen(10));
        assert_eq!(owner.stats().bytes, 510);
    }

    #[test]
    fn compiled_expressions_take_room_and_give_it_back() {
        let owner = Arc::new(KeptSelections::new(80_000));
        let (_, a) = query(&owner, "x{job=~\"a.*\"}");
        assert_eq!(owner.stats().bytes, 16_384 + 3 * 32);
        let expr = crate::parse("x{a=~\"b.*\",c!~\"d.*\"}", &crate::Features::default()).unwrap();
        assert!(KeptQuery::new(&expr, &owner).is_none(), "more than a quarter");
        assert_eq!((owner.stats().bytes, owner.stats().refused), (16_480, 1));
        drop(a);
        assert_eq!(owner.stats().bytes, 0);
    }

    #[test]
    fn a_selector_of_the_same_place_with_other_matchers_is_another() {
        let owner = Arc::new(KeptSelections::new(1_000));
        let (expr, kept) = query(&owner, "x");
        let mut selector = (*expr.selectors()[0]).clone();
        assert!(kept.selector(&selector).is_some());
        selector.matchers[0].value = "y".to_owned();
        assert!(kept.selector(&selector).is_none());
    }
}
