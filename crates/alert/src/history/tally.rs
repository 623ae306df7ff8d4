//! Episodes counted by rule, for own metrics. Counted are at most [`RULES_MAX`] rules by name; what others
//! do is counted as that of the rule `(others)`.

use std::collections::BTreeMap;

use super::episode::RuleName;

/// Rules that are counted by name.
pub const RULES_MAX: usize = 200;

/// What is counted of one rule, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Episodes that began to fire.
    pub episodes: u64,
    /// Acknowledgements.
    pub acknowledged: u64,
    /// Time from firing to them, together, ms.
    pub acknowledge_ms: i64,
    /// Episodes that fired and are over.
    pub resolved: u64,
    /// Time from firing to the end, together, ms.
    pub resolve_ms: i64,
}

/// The counts of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct TallyRow {
    /// Group of the rule; empty for alerts of others.
    pub group: String,
    /// Name of the alert.
    pub rule: String,
    /// What was counted.
    pub counts: Counts,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Tally {
    rules: BTreeMap<(String, String), Counts>,
    is_new: bool,
}

impl Tally {
    /// The counts of a rule.
    pub fn of(&mut self, rule: &RuleName) -> &mut Counts {
        self.is_new = true;
        let mut key = (rule.group.clone(), rule.name.clone());
        if self.rules.len() >= RULES_MAX && !self.rules.contains_key(&key) {
            key = (String::new(), "(others)".to_owned());
        }
        self.rules.entry(key).or_default()
    }

    /// The rows, if anything was counted since the last call.
    pub fn news(&mut self) -> Option<Vec<TallyRow>> {
        let row = |((group, rule), counts): (&(String, String), &Counts)| TallyRow {
            group: group.clone(),
            rule: rule.clone(),
            counts: *counts,
        };
        std::mem::take(&mut self.is_new).then(|| self.rules.iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_bounded() {
        let mut tally = Tally::default();
        assert_eq!(tally.news(), None);
        for i in 0..RULES_MAX + 50 {
            let rule = RuleName { name: format!("r{i}"), ..RuleName::default() };
            tally.of(&rule).episodes += 1;
        }
        let rows = tally.news().unwrap();
        assert_eq!(rows.len(), RULES_MAX + 1);
        assert_eq!((rows[0].rule.as_str(), rows[0].counts.episodes), ("(others)", 50));
        assert_eq!(tally.news(), None);
    }
}
