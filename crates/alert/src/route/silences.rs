//! Silences: people's wish not to hear of certain alerts for some time.
//!
//! A silence has a beginning, an end, and matchers, all of which an alert must pass. With windows it
//! mutes only while one of them fits: every night, each first of the month. What may be changed in place is
//! what Alertmanager lets change: other texts, another end, and of a pending one another start; any other
//! change ends the old one and makes a new one. One that is over stays visible for [`RETENTION_MS`].
//! At most [`SILENCES_MAX`] are kept, and all together weigh at most [`WEIGHT_MAX`]: their texts, and what
//! their regexes take when they are compiled. That holds for new ones and for those of records.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{DAY_MS, MatchOp, Matcher, SECOND_MS, Timestamp};
use serde::{Deserialize, Serialize};

use super::calendar::{TimeInterval, Window};
use super::matching::all_match;

/// How long a silence that is over stays visible, ms.
pub const RETENTION_MS: i64 = 5 * DAY_MS;
/// Silences that are kept at once.
pub const SILENCES_MAX: usize = 10_000;
/// Matchers of one silence.
pub const MATCHERS_MAX: usize = 100;
/// Windows of one silence.
pub const WINDOWS_MAX: usize = 100;
/// Bytes of all texts of one silence: comment, author, names and values of matchers.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// Bytes of all regexes of one silence as people write them.
pub const PATTERN_BYTES_MAX: usize = 16 << 10;
/// Bytes that one regex may take when it is compiled.
pub const REGEX_BYTES_MAX: usize = 256 << 10;
/// Estimated bytes of one silence with its compiled regexes.
pub const SILENCE_WEIGHT_MAX: usize = 8 << 20;
/// Estimated bytes of all silences with their compiled regexes.
pub const WEIGHT_MAX: usize = 64 << 20;

/// Sizes at which the compiling of a regex is tried, so that its size is known to a factor of 4.
const STEPS: [usize; 5] = [1 << 10, 4 << 10, 16 << 10, 64 << 10, REGEX_BYTES_MAX];
/// What a compiled regex weighs in steps: two programs, forwards and backwards, and their caches.
const PARTS: usize = 4;
/// What a silence, or a matcher, weighs beside its texts.
const OVERHEAD: usize = 128;

/// A silence. Times in ms since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// A UUID; empty in a wish for a new one.
    pub id: String,
    /// All of them must pass.
    pub matchers: Vec<SilenceMatcher>,
    /// From when.
    pub starts_at: Timestamp,
    /// Up to when.
    pub ends_at: Timestamp,
    /// When it was written last.
    pub updated_at: Timestamp,
    /// Who wants it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// When it mutes between its beginning and its end; none = always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
}

/// One matcher of a silence, as people gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceMatcher {
    /// The label.
    pub name: String,
    /// A value or a pattern.
    pub value: String,
    /// Whether it is a pattern.
    pub is_regex: bool,
    /// Whether it must pass, or must not.
    pub is_equal: bool,
}

/// Where a silence is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum SilenceState {
    Active,
    Pending,
    Expired,
}

impl SilenceState {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

impl Silence {
    /// Its state at `at`.
    pub const fn state(&self, at: Timestamp) -> SilenceState {
        if at < self.starts_at {
            SilenceState::Pending
        } else if at > self.ends_at || self.ends_at == at {
            SilenceState::Expired
        } else {
            SilenceState::Active
        }
    }

    /// Whether it is over for so long that it is not kept any more.
    pub const fn is_forgotten(&self, at: Timestamp) -> bool {
        self.ends_at.saturating_add(RETENTION_MS) <= at
    }
}

impl SilenceMatcher {
    /// The operator that it stands for.
    pub const fn op(&self) -> MatchOp {
        match (self.is_regex, self.is_equal) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (true, false) => MatchOp::NotRegex,
        }
    }
}

/// Why a silence was not made, changed or ended; in Alertmanager's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// No silence has this id.
    #[error("silence not found")]
    NotFound,
    /// It is over already.
    #[error("silence {0} already expired")]
    Expired(String),
    /// Something in it is wrong.
    #[error("silence invalid: {0}")]
    Invalid(String),
    /// There are too many.
    #[error("exceeded maximum number of silences: {SILENCES_MAX} silences, limit {SILENCES_MAX}")]
    TooMany,
    /// It would take too much memory.
    #[error("silence too large: {0}")]
    TooLarge(&'static str),
}

const ALL_TOO_LARGE: &str = "all silences together would take more than 64 MiB; \
    let some of them expire, or write simpler regular expressions";
const ONE_TOO_LARGE: &str = "its compiled regular expressions would take more than 8 MiB; \
    write simpler ones, or divide it into several silences";

/// The silences that are kept. Those with a matcher of one value are found by it; an alert is held
/// against the others one by one.
#[derive(Debug, Default)]
pub struct Silences {
    kept: BTreeMap<String, (Silence, Compiled)>,
    /// What all of them weigh.
    weight: usize,
    by_value: BTreeMap<(String, String), BTreeSet<String>>,
    others: BTreeSet<String>,
}

impl Silences {
    /// Takes one from records. One that cannot be read any more, or for which there is no room, is left
    /// out, with the reason.
    ///
    /// # Errors
    /// What is wrong with its matchers, or which bound it exceeds.
    pub fn restore(&mut self, silence: Silence) -> Result<(), SilenceError> {
        if self.kept.len() >= SILENCES_MAX {
            return Err(SilenceError::TooMany);
        }
        let compiled = compiled(&silence, self.room(&silence.id))?;
        self.insert(silence, compiled);
        Ok(())
    }

    /// What a silence may weigh that takes the place of the one of this id, if there is one.
    fn room(&self, id: &str) -> usize {
        let old = self.kept.get(id).map_or(0, |(_, c)| c.weight);
        WEIGHT_MAX - (self.weight - old)
    }

    fn insert(&mut self, silence: Silence, compiled: Compiled) {
        let id = silence.id.clone();
        match value_of(&silence) {
            Some(pair) => _ = self.by_value.entry(pair).or_default().insert(id.clone()),
            None => _ = self.others.insert(id.clone()),
        }
        self.weight += compiled.weight;
        if let Some((_, old)) = self.kept.insert(id, (silence, compiled)) {
            self.weight -= old.weight;
        }
    }

    /// Makes a silence, or changes the one of the given id. `new_id` names a new one. Gives the ids of
    /// all that changed; the last is the one that was asked for.
    ///
    /// # Errors
    /// Nothing has changed, and why.
    pub fn set(
        &mut self,
        mut wish: Silence,
        new_id: String,
        at: Timestamp,
    ) -> Result<Vec<String>, SilenceError> {
        wish.updated_at = at;
        let old = match self.kept.get(&wish.id) {
            None if !wish.id.is_empty() => return Err(SilenceError::NotFound),
            old => old.map(|(old, _)| old),
        };
        if wish.ends_at < wish.starts_at {
            let why = "end time must not be before start time";
            return Err(SilenceError::Invalid(why.to_owned()));
        }
        if old.is_some_and(|old| can_change(old, &wish, at)) {
            let id = wish.id.clone();
            let compiled = compiled(&wish, self.room(&id))?;
            self.insert(wish, compiled);
            return Ok(vec![id]);
        }
        let compiled = compiled(&wish, self.room(""))?;
        if self.kept.len() >= SILENCES_MAX {
            return Err(SilenceError::TooMany);
        }
        let mut changed = Vec::new();
        if let Some(old) = old.filter(|s| s.state(at) != SilenceState::Expired) {
            let id = old.id.clone();
            self.expire(&id, at)?;
            changed.push(id);
        }
        wish.id.clone_from(&new_id);
        wish.starts_at = wish.starts_at.max(at);
        self.insert(wish, compiled);
        changed.push(new_id);
        Ok(changed)
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// There is none, or it is over.
    pub fn expire(&mut self, id: &str, at: Timestamp) -> Result<(), SilenceError> {
        let (silence, _) = self.kept.get_mut(id).ok_or(SilenceError::NotFound)?;
        match silence.state(at) {
            SilenceState::Expired => return Err(SilenceError::Expired(id.to_owned())),
            SilenceState::Active => silence.ends_at = at,
            SilenceState::Pending => (silence.starts_at, silence.ends_at) = (at, at),
        }
        silence.updated_at = at;
        Ok(())
    }

    /// Forgets those that are over for long; their ids.
    pub fn collect(&mut self, at: Timestamp) -> Vec<String> {
        let old = self.kept.values().filter(|(s, _)| s.is_forgotten(at));
        let old: Vec<String> = old.map(|(s, _)| s.id.clone()).collect();
        for id in &old {
            let Some((silence, compiled)) = self.kept.remove(id) else { continue };
            self.weight -= compiled.weight;
            match value_of(&silence) {
                Some(pair) => {
                    if let Some(ids) = self.by_value.get_mut(&pair) {
                        ids.remove(id);
                        if ids.is_empty() {
                            self.by_value.remove(&pair);
                        }
                    }
                }
                None => _ = self.others.remove(id),
            }
        }
        old
    }

    /// The ids of the active silences that mute these labels at `at`, in order.
    pub fn muting(&self, labels: &BTreeMap<String, String>, at: Timestamp) -> Vec<String> {
        let mut ids: Vec<String> = self.candidates(labels, at).cloned().collect();
        ids.sort();
        ids
    }

    /// Whether any silence mutes these labels at `at`.
    pub fn mutes(&self, labels: &BTreeMap<String, String>, at: Timestamp) -> bool {
        !self.kept.is_empty() && self.candidates(labels, at).next().is_some()
    }

    fn candidates<'s>(
        &'s self,
        labels: &'s BTreeMap<String, String>,
        at: Timestamp,
    ) -> impl Iterator<Item = &'s String> {
        let found = labels.iter().filter_map(|(n, v)| self.by_value.get(&(n.clone(), v.clone())));
        found.flatten().chain(&self.others).filter(move |id| {
            self.kept.get(*id).is_some_and(|(s, compiled)| {
                s.state(at) == SilenceState::Active && compiled.mutes(labels, at)
            })
        })
    }

    /// One silence.
    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.kept.get(id).map(|(s, _)| s)
    }

    /// All of them in Alertmanager's order: active, pending, expired; by when they end or begin.
    pub fn list(&self, at: Timestamp) -> Vec<Silence> {
        let mut all: Vec<Silence> = self.kept.values().map(|(s, _)| s.clone()).collect();
        let when = |s: &Silence| match s.state(at) {
            SilenceState::Active => s.ends_at,
            SilenceState::Pending => s.starts_at,
            SilenceState::Expired => -s.ends_at,
        };
        all.sort_by_key(|s| (s.state(at), when(s)));
        all
    }

    /// Number that is active at `at`.
    pub fn active(&self, at: Timestamp) -> usize {
        self.kept.values().filter(|(s, _)| s.state(at) == SilenceState::Active).count()
    }
}

/// A label and the one value that it must have; `None` when no matcher asks for one.
fn value_of(silence: &Silence) -> Option<(String, String)> {
    let m = silence.matchers.iter().find(|m| m.op() == MatchOp::Equal && !m.value.is_empty())?;
    Some((m.name.clone(), m.value.clone()))
}

/// What a silence mutes, ready to be asked.
#[derive(Debug)]
struct Compiled {
    matchers: Vec<Matcher>,
    windows: Vec<TimeInterval>,
    /// Estimated bytes of it and of the silence.
    weight: usize,
}

impl Compiled {
    fn mutes(&self, labels: &BTreeMap<String, String>, at: Timestamp) -> bool {
        let open = self.windows.is_empty() || self.windows.iter().any(|w| w.contains(at));
        open && all_match(&self.matchers, labels)
    }
}

/// Matchers as a silence may have them, checked.
///
/// # Errors
/// What is wrong, in Alertmanager's words, or which bound they exceed.
pub fn silence_matchers(matchers: Vec<SilenceMatcher>) -> Result<Vec<Matcher>, SilenceError> {
    let silence = Silence { matchers, ..Silence::default() };
    compiled(&silence, WEIGHT_MAX).map(|compiled| compiled.matchers)
}

/// Matchers and windows of a wish, checked; what is wrong is told in Alertmanager's words. It may weigh
/// `room`; nothing more is compiled once that is used up.
fn compiled(silence: &Silence, room: usize) -> Result<Compiled, SilenceError> {
    let invalid = |why: String| Err(SilenceError::Invalid(why));
    if silence.matchers.is_empty() {
        return invalid("at least one matcher required".to_owned());
    }
    if silence.matchers.len() > MATCHERS_MAX {
        return invalid(format!("more than {MATCHERS_MAX} matchers"));
    }
    let named: usize = silence.matchers.iter().map(|m| m.name.len() + m.value.len()).sum();
    let text = silence.comment.len() + silence.created_by.len() + named;
    if text > TEXT_BYTES_MAX {
        return invalid(format!(
            "{text} bytes of comment, author and matchers; at most {TEXT_BYTES_MAX}"
        ));
    }
    let regexes = silence.matchers.iter().filter(|m| m.is_regex);
    let patterns: usize = regexes.map(|m| m.value.len()).sum();
    if patterns > PATTERN_BYTES_MAX {
        return invalid(format!(
            "{patterns} bytes of regular expressions; at most {PATTERN_BYTES_MAX}"
        ));
    }
    // Names and values are kept twice: as people gave them, and ready.
    let mut weight = text + named + OVERHEAD * (silence.matchers.len() + 2);
    let fits = |weight: usize| match weight {
        w if w > room => Err(SilenceError::TooLarge(ALL_TOO_LARGE)),
        w if w > SILENCE_WEIGHT_MAX => Err(SilenceError::TooLarge(ONE_TOO_LARGE)),
        _ => Ok(()),
    };
    fits(weight)?;
    let mut matchers = Vec::with_capacity(silence.matchers.len());
    for (i, m) in silence.matchers.iter().enumerate() {
        if m.name.is_empty() {
            return invalid(format!("invalid label matcher {i}: invalid label name \"\""));
        }
        if m.is_regex {
            fits(weight + PARTS * STEPS[0])?;
        }
        match weighed(m) {
            Ok((matcher, more)) => {
                weight += more;
                fits(weight)?;
                matchers.push(matcher);
            }
            Err(e) => {
                let text = e.to_string();
                let why = text.rsplit_once(": ").map_or(text.as_str(), |(_, why)| why);
                return invalid(format!(
                    "invalid label matcher {i}: invalid regular expression {}: {why}",
                    super::matching::quoted(&m.value)
                ));
            }
        }
    }
    if matchers.iter().all(Matcher::matches_empty) {
        return invalid("at least one matcher must not match the empty string".to_owned());
    }
    if silence.windows.len() > WINDOWS_MAX {
        return invalid(format!("more than {WINDOWS_MAX} windows"));
    }
    let window = |(i, w): (usize, &Window)| {
        w.interval().map_err(|why| SilenceError::Invalid(format!("invalid window {i}: {why}")))
    };
    let windows = silence.windows.iter().enumerate().map(window).collect::<Result<_, _>>()?;
    Ok(Compiled { matchers, windows, weight })
}

/// A matcher, and what its regex weighs.
fn weighed(m: &SilenceMatcher) -> plimsoll_model::Result<(Matcher, usize)> {
    if !m.is_regex {
        return Ok((Matcher::new(m.op(), &m.name, &m.value)?, 0));
    }
    let of = |max| Matcher::with_limit(m.op(), &m.name, &m.value, max);
    let (last, smaller) = (STEPS[STEPS.len() - 1], &STEPS[..STEPS.len() - 1]);
    for step in smaller {
        if let Ok(matcher) = of(*step) {
            return Ok((matcher, step * PARTS));
        }
    }
    Ok((of(last)?, last * PARTS))
}

/// Whether a silence may become another without losing its name.
fn can_change(old: &Silence, wish: &Silence, at: Timestamp) -> bool {
    if old.matchers != wish.matchers {
        return false;
    }
    match old.state(at) {
        SilenceState::Active => {
            let same_start = wish.starts_at / SECOND_MS == old.starts_at / SECOND_MS;
            same_start && wish.ends_at >= at
        }
        SilenceState::Pending => wish.starts_at >= at,
        SilenceState::Expired => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(value: &str, from: i64, to: i64) -> Silence {
        let matcher = SilenceMatcher {
            name: "n".into(),
            value: value.into(),
            is_regex: false,
            is_equal: true,
        };
        Silence {
            matchers: vec![matcher],
            starts_at: from,
            ends_at: to,
            comment: "c".into(),
            ..Silence::default()
        }
    }

    fn labels(value: &str) -> BTreeMap<String, String> {
        [("n".to_owned(), value.to_owned())].into()
    }

    #[test]
    fn a_silence_mutes_within_its_window() {
        let mut silences = Silences::default();
        assert_eq!(silences.set(wish("1", 50, 90), "a".into(), 0).unwrap(), ["a"]);
        for (at, mute) in [(49, false), (50, true), (89, true), (90, false)] {
            assert_eq!(silences.mutes(&labels("1"), at), mute, "{at}");
        }
        assert!(!silences.mutes(&labels("2"), 60));
        assert_eq!(silences.muting(&labels("1"), 60), ["a"]);
        silences.expire("a", 60).unwrap();
        assert!(!silences.mutes(&labels("1"), 60), "ended at once");
        assert_eq!(silences.expire("a", 61), Err(SilenceError::Expired("a".into())));
        assert_eq!(silences.collect(60 + RETENTION_MS), ["a"]);
        assert_eq!(silences.expire("a", 61), Err(SilenceError::NotFound));
    }

    #[test]
    fn a_silence_with_windows_mutes_while_one_fits() {
        let mut silences = Silences::default();
        let hour = 3_600_000;
        let window: Window = serde_json::from_str(
            r#"{"times": [{"start_time": "02:00", "end_time": "03:00"}], "weekdays": ["thursday"]}"#,
        )
        .unwrap();
        let nightly = Silence { windows: vec![window], ..wish("1", 0, 30 * 24 * hour) };
        silences.set(nightly.clone(), "a".into(), 0).unwrap();
        // 1970-01-01 was a Thursday.
        for (at, mute) in [(1, false), (2, true), (3, false), (26, false), (7 * 24 + 2, true)] {
            assert_eq!(silences.mutes(&labels("1"), at * hour), mute, "{at}");
        }
        let again: Silence =
            serde_json::from_str(&serde_json::to_string(&nightly).unwrap()).unwrap();
        assert_eq!(again, nightly);
        let wrong = Window { weekdays: vec!["funday".into()], ..Window::default() };
        let told = silences.set(Silence { windows: vec![wrong], ..wish("1", 0, 9) }, "b".into(), 0);
        let why = "silence invalid: invalid window 0: \"funday\" is not a day of the week (monday)";
        assert_eq!(told.unwrap_err().to_string(), why);
    }

    fn regexes(patterns: &[&str]) -> Silence {
        let matcher = |p: &&str| SilenceMatcher {
            name: "n".into(),
            value: (*p).to_owned(),
            is_regex: true,
            is_equal: true,
        };
        Silence { matchers: patterns.iter().map(matcher).collect(), ..wish("", 0, 100_000) }
    }

    #[test]
    fn one_silence_is_bounded() {
        let why = |silence: Silence| {
            let mut silences = Silences::default();
            let e = silences.set(silence, "a".into(), 10).unwrap_err();
            assert_eq!((silences.kept.len(), silences.weight), (0, 0));
            e.to_string()
        };
        // Far below a normal regex' limit of 4 MiB.
        assert!(why(regexes(&["a{30000}"])).contains("size limit"));
        let long = "a".repeat(9_000);
        assert!(why(regexes(&[&long, &long])).contains("18000 bytes of regular expressions"));
        let wordy = Silence { comment: "c".repeat(65_000), ..wish(&"v".repeat(999), 0, 99_000) };
        assert!(why(wordy).contains("66000 bytes of comment, author and matchers; at most 65536"));
        assert!(why(regexes(&["a{4000}"; 100])).contains("more than 8 MiB"));
    }

    #[test]
    fn all_silences_are_bounded_also_when_they_come_back() {
        let mut silences = Silences::default();
        let big = regexes(&["a{4000}"; 7]);
        let mut count = 0;
        let full = loop {
            match silences.set(big.clone(), format!("{count}"), 10) {
                Ok(_) => count += 1,
                Err(e) => break e,
            }
            assert!(silences.weight <= WEIGHT_MAX && count < 10_000);
        };
        assert_eq!(full, SilenceError::TooLarge(ALL_TOO_LARGE));
        // Up to its own weight, each may still be changed, and what is gone makes room.
        let last = silences.get("0").unwrap().clone();
        let later = Silence { ends_at: 200_000, ..last };
        assert_eq!(silences.set(later, "x".into(), 10).unwrap(), ["0"]);
        let mut back = Silences::default();
        for id in 0..count {
            back.restore(Silence { id: format!("{id}"), ..big.clone() }).unwrap();
        }
        let over = Silence { id: "over".into(), ..big.clone() };
        assert_eq!(back.restore(over), Err(SilenceError::TooLarge(ALL_TOO_LARGE)));
        assert_eq!((back.kept.len(), back.weight), (silences.kept.len(), silences.weight));
        assert_eq!(back.collect(100_000 + RETENTION_MS).len(), back.kept.len() + count);
        assert_eq!(back.weight, 0);
        back.set(big, "again".into(), 10).unwrap();
    }

    #[test]
    fn only_some_changes_keep_the_name() {
        let mut silences = Silences::default();
        silences.set(wish("1", 0, 100_000), "a".into(), 10).unwrap();
        let begun = silences.get("a").unwrap().clone();
        assert_eq!(begun.starts_at, 10, "never in the past");
        let longer = Silence { ends_at: 200_000, ..begun.clone() };
        assert_eq!(silences.set(longer, "b".into(), 20).unwrap(), ["a"]);
        let other = Silence { id: "a".into(), ..wish("2", 10, 200_000) };
        assert_eq!(silences.set(other, "b".into(), 30).unwrap(), ["a", "b"]);
        assert_eq!(silences.get("a").unwrap().state(30), SilenceState::Expired);
        let again = Silence { id: "a".into(), ..wish("1", 40, 200_000) };
        assert_eq!(silences.set(again, "c".into(), 40).unwrap(), ["c"], "what is over stays over");
        let unknown = Silence { id: "x".into(), ..wish("1", 0, 9) };
        assert_eq!(silences.set(unknown, "d".into(), 0), Err(SilenceError::NotFound));
        let order: Vec<_> = silences.list(50).iter().map(|s| s.id.clone()).collect();
        assert_eq!(order, ["b", "c", "a"]);
    }

    #[test]
    fn what_is_wrong_is_told_as_alertmanager_does() {
        let told = |m: &[(&str, &str, bool)]| {
            let mut silence = wish("1", 0, 9);
            let matcher = |(n, v, r): &(&str, &str, bool)| SilenceMatcher {
                name: (*n).into(),
                value: (*v).into(),
                is_regex: *r,
                is_equal: true,
            };
            silence.matchers = m.iter().map(matcher).collect();
            compiled(&silence, WEIGHT_MAX).unwrap_err().to_string()
        };
        assert_eq!(told(&[]), "silence invalid: at least one matcher required");
        let empty = "silence invalid: at least one matcher must not match the empty string";
        assert_eq!(told(&[("a", "", false), ("b", ".*", true)]), empty);
        let bad = "silence invalid: invalid label matcher 1: invalid regular expression \"(\": ";
        assert!(told(&[("a", "b", false), ("a", "(", true)]).starts_with(bad));
    }
}
