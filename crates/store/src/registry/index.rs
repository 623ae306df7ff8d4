//! The inverted index of the series that are known: label values to series, with bitmaps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll_model::{LabelsRef, MatchOp, Matcher};
use roaring::RoaringBitmap;

use crate::head::SeriesMeta;

/// Series by label. Label names and values are kept once each.
#[derive(Default)]
pub struct Index {
    metas: Vec<Option<Arc<SeriesMeta>>>,
    names: BTreeMap<Arc<str>, Label>,
    all: RoaringBitmap,
    /// Counts every series that came or went.
    epoch: u64,
}

#[derive(Default)]
struct Label {
    values: BTreeMap<Arc<str>, Posting>,
    has: RoaringBitmap,
}

/// The series with one value of a label.
#[derive(Default)]
struct Posting {
    series: RoaringBitmap,
    /// The epoch of its last change.
    changed: u64,
}

/// What [`Index::select`] gave is still the same as long as its mark holds.
pub struct Mark {
    /// The last epoch at which it was known to hold.
    epoch: AtomicU64,
    /// For each matcher that names one value, its number and the epoch of the value's last change.
    values: Vec<(usize, u64)>,
}

impl Mark {
    /// The epoch at which it was last known to hold.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }
}

impl Index {
    /// The series with this number.
    pub fn meta(&self, sid: u32) -> Option<&Arc<SeriesMeta>> {
        self.metas.get(sid as usize)?.as_ref()
    }

    /// Number of series.
    pub fn len(&self) -> u64 {
        self.all.len()
    }

    /// Adds a series; one with the same number is replaced.
    pub fn insert(&mut self, meta: Arc<SeriesMeta>) {
        let sid = meta.sid;
        self.remove(sid);
        self.epoch += 1;
        if self.metas.len() <= sid as usize {
            self.metas.resize(sid as usize + 1, None);
        }
        for (name, value) in meta.labels.iter() {
            let label = entry(&mut self.names, name);
            label.has.insert(sid);
            let posting = entry(&mut label.values, value);
            posting.series.insert(sid);
            posting.changed = self.epoch;
        }
        self.all.insert(sid);
        self.metas[sid as usize] = Some(meta);
    }

    /// Forgets a series.
    pub fn remove(&mut self, sid: u32) {
        let Some(meta) = self.metas.get_mut(sid as usize).and_then(Option::take) else { return };
        self.all.remove(sid);
        self.epoch += 1;
        for (name, value) in meta.labels.iter() {
            let Some(label) = self.names.get_mut(name) else { continue };
            label.has.remove(sid);
            if let Some(posting) = label.values.get_mut(value) {
                posting.series.remove(sid);
                posting.changed = self.epoch;
                if posting.series.is_empty() {
                    label.values.remove(value);
                }
            }
            if label.has.is_empty() {
                self.names.remove(name);
            }
        }
    }

    /// The series that pass all matchers.
    pub fn select(&self, matchers: &[Matcher]) -> RoaringBitmap {
        let mut found: Option<RoaringBitmap> = None;
        let (without, with): (Vec<_>, Vec<_>) = matchers.iter().partition(|m| m.matches_empty());
        for m in with {
            let passing = self.passing(m);
            let now = match found {
                Some(before) => before & passing,
                None => passing,
            };
            if now.is_empty() {
                return now;
            }
            found = Some(now);
        }
        let mut found = found.unwrap_or_else(|| self.all.clone());
        for m in without {
            found -= self.failing(m);
        }
        found
    }

    /// The mark of what these matchers select now.
    pub fn mark(&self, matchers: &[Matcher]) -> Mark {
        let one = |m: &Matcher| m.op() == MatchOp::Equal && !m.value().is_empty();
        let all = matchers.iter().enumerate().filter(|(_, m)| one(m));
        let values = all.map(|(i, m)| (i, self.changed(m))).collect();
        Mark { epoch: AtomicU64::new(self.epoch), values }
    }

    /// Whether what the matchers select is what they selected when the mark was made. A series that
    /// passes has all the values that matchers name: where one of those has not changed, no such
    /// series came or went. Some changes of other series are taken for one of these.
    pub fn holds(&self, mark: &Mark, matchers: &[Matcher]) -> bool {
        if mark.epoch() == self.epoch {
            return true;
        }
        let same =
            |(i, was): &(usize, u64)| matchers.get(*i).is_some_and(|m| self.changed(m) == *was);
        let holds = mark.values.iter().any(same);
        if holds {
            mark.epoch.store(self.epoch, Ordering::Relaxed);
        }
        holds
    }

    /// When the series with the value of a matcher changed last; 0 when there is none.
    fn changed(&self, m: &Matcher) -> u64 {
        let label = self.names.get(m.name());
        label.and_then(|l| l.values.get(m.value())).map_or(0, |p| p.changed)
    }

    /// Series that have the label with a value that passes.
    fn passing(&self, m: &Matcher) -> RoaringBitmap {
        let Some(label) = self.names.get(m.name()) else { return RoaringBitmap::new() };
        match m.op() {
            MatchOp::Equal => label.of(m.value()).cloned().unwrap_or_default(),
            MatchOp::NotEqual if m.value().is_empty() => label.has.clone(),
            MatchOp::Regex if m.value() == ".+" => label.has.clone(),
            MatchOp::Regex => match literals(m.value()) {
                Some(values) => values
                    .filter_map(|v| label.of(v))
                    .fold(RoaringBitmap::new(), |all, series| all | series),
                None => label.scan(literal_prefix(m.value()), |v| m.matches(v)),
            },
            _ => label.scan("", |v| m.matches(v)),
        }
    }

    /// Series that have the label with a value that does not pass.
    fn failing(&self, m: &Matcher) -> RoaringBitmap {
        let Some(label) = self.names.get(m.name()) else { return RoaringBitmap::new() };
        match m.op() {
            MatchOp::Regex if m.value() == ".*" => RoaringBitmap::new(),
            MatchOp::Equal => label.has.clone(),
            MatchOp::NotEqual => label.of(m.value()).cloned().unwrap_or_default(),
            _ => label.scan("", |v| !m.matches(v)),
        }
    }

    /// Series of a metric.
    pub fn series_of(&self, metric: &str) -> u64 {
        let label = self.names.get(plimsoll_model::METRIC_NAME);
        label.and_then(|l| l.of(metric)).map_or(0, RoaringBitmap::len)
    }

    /// Calls `each` with the labels of every series of a metric.
    pub fn each_of(&self, metric: &str, mut each: impl FnMut(LabelsRef<'_>)) {
        let label = self.names.get(plimsoll_model::METRIC_NAME);
        for sid in label.and_then(|l| l.of(metric)).into_iter().flatten() {
            if let Some(meta) = self.meta(sid) {
                each(meta.labels.as_ref());
            }
        }
    }

    /// Gives back memory that series held which are gone.
    pub fn shrink(&mut self) {
        let used = self.metas.iter().rposition(Option::is_some).map_or(0, |i| i + 1);
        self.metas.truncate(used);
        if self.metas.capacity() > 2 * used + 1024 {
            self.metas.shrink_to_fit();
        }
    }

    /// The metrics with the most series, most first.
    pub fn top_metrics(&self, n: usize) -> Vec<(String, u64)> {
        let names = self.names.get(plimsoll_model::METRIC_NAME);
        let mut all: Vec<_> = names
            .iter()
            .flat_map(|l| l.values.iter().map(|(v, p)| (v.to_string(), p.series.len())))
            .collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all.truncate(n);
        all
    }

    /// Label names with their number of distinct values, most first.
    pub fn top_labels(&self, n: usize) -> Vec<(String, u64)> {
        let mut all: Vec<_> =
            self.names.iter().map(|(name, l)| (name.to_string(), l.values.len() as u64)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all.truncate(n);
        all
    }

    /// Names of labels, sorted, with the series that have them.
    pub fn names(&self) -> impl Iterator<Item = (&str, &RoaringBitmap)> {
        self.names.iter().map(|(name, label)| (&**name, &label.has))
    }

    /// Values of a label, sorted, with the series that have them.
    pub fn values(&self, name: &str) -> impl Iterator<Item = (&str, &RoaringBitmap)> {
        let label = self.names.get(name);
        label.into_iter().flat_map(|l| l.values.iter().map(|(v, p)| (&**v, &p.series)))
    }
}

fn entry<'m, V: Default>(map: &'m mut BTreeMap<Arc<str>, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(Arc::from(key), V::default());
    }
    map.get_mut(key).expect("it was inserted above")
}

impl Label {
    /// The series with a value.
    fn of(&self, value: &str) -> Option<&RoaringBitmap> {
        self.values.get(value).map(|p| &p.series)
    }

    fn scan(&self, prefix: &str, pass: impl Fn(&str) -> bool) -> RoaringBitmap {
        let from = self
            .values
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
        from.take_while(|(v, _)| v.starts_with(prefix))
            .filter(|(v, _)| pass(v))
            .fold(RoaringBitmap::new(), |all, (_, p)| all | &p.series)
    }
}

fn is_literal(c: char) -> bool {
    !r"\.+*?()[]{}|^$#&-~".contains(c) || c == '-'
}

/// The alternatives of a pattern that is nothing but literals: `a|b|c`.
fn literals(pattern: &str) -> Option<impl Iterator<Item = &str>> {
    pattern.chars().all(|c| is_literal(c) || c == '|').then(|| {
        let mut all: Vec<_> = pattern.split('|').collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    })
}

/// Literal characters with which every match of the pattern begins.
fn literal_prefix(pattern: &str) -> &str {
    if pattern.contains('|') {
        return "";
    }
    let end = pattern.find(|c| !is_literal(c)).unwrap_or(pattern.len());
    let optional = pattern[end..].starts_with(['*', '?', '{']);
    let last = pattern[..end].chars().next_back().map_or(0, char::len_utf8);
    &pattern[..if optional { end - last } else { end }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Labels;
    use proptest::prelude::*;

    fn index_of(all: &[Labels]) -> Index {
        let mut index = Index::default();
        for (sid, labels) in all.iter().enumerate() {
            let fp = labels.fp();
            index.insert(Arc::new(SeriesMeta { sid: sid as u32, fp, labels: labels.clone() }));
        }
        index
    }

    #[test]
    fn prefixes_are_what_every_match_begins_with() {
        for (pattern, prefix) in
            [("abc.*", "abc"), ("abc?", "ab"), ("a|b", ""), ("", ""), ("a{2}", ""), ("(a)", "")]
        {
            assert_eq!(literal_prefix(pattern), prefix, "{pattern}");
        }
    }

    #[test]
    fn a_removed_series_leaves_nothing() {
        let labels = Labels::new([("__name__", "up"), ("job", "a")]).unwrap();
        let mut index = index_of(&[labels]);
        index.remove(0);
        assert_eq!(index.len(), 0);
        assert!(index.names.is_empty());
    }

    #[test]
    fn a_mark_holds_until_a_series_that_passes_comes_or_goes() {
        let labels = |name, job| Labels::new([("__name__", name), ("job", job)]).unwrap();
        let mut index = index_of(&[labels("up", "a"), labels("up", "b")]);
        let add = |index: &mut Index, sid, labels: Labels| {
            index.insert(Arc::new(SeriesMeta { sid, fp: labels.fp(), labels }));
        };
        let up_a = [Matcher::equal("__name__", "up"), Matcher::equal("job", "a")];
        let gone = [Matcher::equal("__name__", "gone"), Matcher::equal("job", "a")];
        let any = [Matcher::new(MatchOp::Regex, "job", "a.*").unwrap()];
        let (one, none, regex) = (index.mark(&up_a), index.mark(&gone), index.mark(&any));
        add(&mut index, 2, labels("down", "c"));
        assert!(index.holds(&one, &up_a) && index.holds(&none, &gone));
        assert!(!index.holds(&regex, &any), "what is not told apart counts as changed");
        add(&mut index, 3, labels("up", "c"));
        assert!(index.holds(&one, &up_a), "no series of job a came");
        add(&mut index, 4, labels("gone", "c"));
        index.remove(4);
        assert!(index.holds(&none, &gone), "there is none as there was none");
        index.remove(0);
        assert!(!index.holds(&one, &up_a));
        let now = index.mark(&up_a);
        add(&mut index, 0, labels("up", "a"));
        assert!(!index.holds(&now, &up_a));
    }

    proptest! {
        #[test]
        fn it_selects_what_a_scan_would(
            values in proptest::collection::vec(("[ab]{0,2}", "[abc]{0,2}"), 1..30),
            pattern in prop_oneof![
                Just("a.*".to_owned()), Just("a|b".to_owned()), Just("|a".to_owned()), Just(".+".to_owned()),
                Just(".*".to_owned()), Just("aa?".to_owned()), Just("".to_owned()), Just("b".to_owned()), Just("ab*|c".to_owned())
            ],
            op in 0usize..4,
            name in "[xy]",
        ) {
            let all: Vec<_> = values.iter().map(|(x, y)| Labels::new([("x", x.as_str()), ("y", y.as_str())]).unwrap()).collect();
            let index = index_of(&all);
            let op = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex][op];
            let m = [Matcher::new(op, &name, &pattern).unwrap(), Matcher::new(MatchOp::Regex, "x", "a.*|").unwrap()];
            let found: Vec<_> = index.select(&m).iter().collect();
            let wanted: Vec<_> = (0..all.len() as u32).filter(|i| Matcher::all(&m, all[*i as usize].as_ref())).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
