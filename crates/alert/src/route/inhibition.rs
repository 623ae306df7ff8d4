//! Inhibition: alerts that keep others from being told.
//!
//! While an alert that passes a rule's source matchers is there, alerts that pass its target matchers
//! and agree with it on the labels of `equal` are mute; labels that both lack are equal. An alert that
//! passes both sides is muted only by one that passes the source side alone, so none mutes itself.
//! Sources are found by their values of `equal`, not by looking through all.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::{Matcher, Timestamp};

use super::matching::all_match;
use super::notices::{Notice, Notices};

/// A rule, as configured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InhibitRule {
    /// Which alerts mute.
    pub source: Vec<Matcher>,
    /// Which alerts are muted.
    pub target: Vec<Matcher>,
    /// Labels on which both must agree.
    pub equal: BTreeSet<String>,
}

/// The alerts that may mute, by their values of `equal`.
type Sources = BTreeMap<Vec<String>, BTreeSet<u64>>;

/// The sources of each rule.
#[derive(Debug, Default)]
pub struct Inhibitor {
    rules: Vec<(InhibitRule, Sources)>,
}

impl Inhibitor {
    /// For these rules and alerts.
    pub fn new(rules: &[InhibitRule], notices: &Notices) -> Self {
        let rules = rules.iter().map(|r| (r.clone(), BTreeMap::new())).collect();
        let mut inhibitor = Self { rules };
        for (fp, notice) in notices.iter() {
            inhibitor.put(fp, notice);
        }
        inhibitor
    }

    /// Takes note of an alert; known ones may be told again.
    pub fn put(&mut self, fp: u64, notice: &Notice) {
        for (rule, sources) in &mut self.rules {
            if all_match(&rule.source, &notice.labels) {
                sources.entry(values(rule, &notice.labels)).or_default().insert(fp);
            }
        }
    }

    /// Forgets an alert.
    pub fn remove(&mut self, fp: u64, notice: &Notice) {
        for (rule, sources) in &mut self.rules {
            let key = values(rule, &notice.labels);
            if let Some(list) = sources.get_mut(&key) {
                list.remove(&fp);
                if list.is_empty() {
                    sources.remove(&key);
                }
            }
        }
    }

    /// The alert that mutes one with these labels at `at`, if any does.
    pub fn muted_by(
        &self,
        labels: &BTreeMap<String, String>,
        notices: &Notices,
        at: Timestamp,
    ) -> Option<u64> {
        self.rules.iter().find_map(|(rule, sources)| {
            if !all_match(&rule.target, labels) {
                return None;
            }
            let both = all_match(&rule.source, labels);
            let mutes = |fp: &u64| {
                notices.get(*fp).is_some_and(|source| {
                    let is_like_it = both && all_match(&rule.target, &source.labels);
                    !is_like_it && !source.is_resolved(at)
                })
            };
            sources.get(&values(rule, labels))?.iter().copied().find(mutes)
        })
    }
}

fn values(rule: &InhibitRule, labels: &BTreeMap<String, String>) -> Vec<String> {
    rule.equal.iter().map(|name| labels.get(name).cloned().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::matching::parse_matchers;
    use super::*;

    fn notice(labels: &str) -> Notice {
        let pairs = labels.split(',').filter_map(|l| l.split_once('='));
        Notice {
            labels: pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            ..Notice::default()
        }
    }

    #[test]
    fn a_source_mutes_what_agrees_with_it() {
        let rule = InhibitRule {
            source: parse_matchers("alertname=~A|B").unwrap(),
            target: parse_matchers("alertname=~B|C").unwrap(),
            equal: ["job".to_owned(), "zone".to_owned()].into(),
        };
        let mut notices = Notices::default();
        let mut inhibitor = Inhibitor::new(&[rule], &notices);
        let muted = |i: &Inhibitor, n: &Notices, labels: &str, at| {
            i.muted_by(&notice(labels).labels, n, at).is_some()
        };
        let b = notice("alertname=B,job=j");
        notices.put(7, b.clone(), 0);
        inhibitor.put(7, &b);
        assert!(muted(&inhibitor, &notices, "alertname=C,job=j", 0));
        assert!(!muted(&inhibitor, &notices, "alertname=C,job=j,zone=z", 0), "zone differs");
        assert!(!muted(&inhibitor, &notices, "alertname=B,job=j", 0), "never itself or its like");
        let a = Notice { ends_at: Some(10), ..notice("alertname=A,job=j") };
        notices.put(8, a.clone(), 0);
        inhibitor.put(8, &a);
        assert!(muted(&inhibitor, &notices, "alertname=B,job=j", 9));
        assert!(!muted(&inhibitor, &notices, "alertname=B,job=j", 10), "the source is over");
        inhibitor.remove(7, &b);
        assert!(!muted(&inhibitor, &notices, "alertname=C,job=j", 10));
    }
}
