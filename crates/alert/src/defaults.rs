//! The rules that come with Plimsoll, in packs: one file each below `packs/`, in the language of rule files, so
//! that people can read, copy and change them.
//!
//! Above each alert stands a comment that says why it is so: its [`Rationale`]. Each has a firing and a
//! quiet unit test below `packs/tests/`. An alert that somebody runs live under the same name takes the place
//! of the default one.

use std::collections::BTreeSet;

use plimsoll_model::written::Problem;
use plimsoll_query::Features;

use crate::rules::{Group, read_rules};

/// The name under which the default rules appear as a file.
pub const DEFAULT_RULES_FILE: &str = "(default rules)";

/// A file of default rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Its name in `alert.default_rules`.
    pub name: &'static str,
    /// What it watches, in a few words.
    pub about: &'static str,
    /// Whether it is evaluated unless somebody says otherwise.
    pub is_on: bool,
    /// The file.
    pub text: &'static str,
}

/// All packs.
pub const PACKS: [Pack; 6] = [
    Pack {
        name: "host",
        about: "the machine that Plimsoll runs on",
        is_on: true,
        text: include_str!("../packs/host.yml"),
    },
    Pack {
        name: "targets",
        about: "what is scraped, and probes",
        is_on: true,
        text: include_str!("../packs/targets.yml"),
    },
    Pack {
        name: "plimsoll",
        about: "Plimsoll itself",
        is_on: true,
        text: include_str!("../packs/plimsoll.yml"),
    },
    Pack {
        name: "tls",
        about: "certificates, by the blackbox exporter",
        is_on: true,
        text: include_str!("../packs/tls.yml"),
    },
    Pack {
        name: "databases",
        about: "PostgreSQL, Redis and MySQL, by their exporters",
        is_on: true,
        text: include_str!("../packs/databases.yml"),
    },
    Pack {
        name: "watchdog",
        about: "an alert that always fires, for a dead man's switch",
        is_on: false,
        text: include_str!("../packs/watchdog.yml"),
    },
];

/// Why a default alert is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rationale {
    /// The alert.
    pub alert: String,
    /// The comment above it, in one line.
    pub why: String,
}

impl Pack {
    /// The pack of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PACKS.iter().find(|p| p.name == name)
    }

    /// Its alerts in order, each with the comment that stands right above it.
    pub fn rationales(&self) -> Vec<Rationale> {
        let (mut out, mut above) = (Vec::new(), Vec::new());
        for line in self.text.lines().map(str::trim) {
            if let Some(words) = line.strip_prefix('#') {
                above.push(words.trim());
                continue;
            }
            if let Some(alert) = line.strip_prefix("- alert: ") {
                out.push(Rationale { alert: alert.to_owned(), why: above.join(" ") });
            }
            above.clear();
        }
        out
    }
}

/// The names of the packs that are evaluated unless somebody says otherwise.
pub fn usual_packs() -> Vec<&'static str> {
    PACKS.iter().filter(|p| p.is_on).map(|p| p.name).collect()
}

/// The rules of the packs of these names.
///
/// # Errors
/// Never for the rules as shipped; a test reads them.
pub fn default_rules(packs: &[&str], interval_ms: i64) -> Result<Vec<Group>, Vec<Problem>> {
    let mut groups = Vec::new();
    for pack in PACKS.iter().filter(|p| packs.contains(&p.name)) {
        groups.extend(read_rules(
            DEFAULT_RULES_FILE,
            pack.text,
            interval_ms,
            &Features::default(),
        )?);
    }
    Ok(groups)
}

/// Takes those alerts out of default rules that somebody has defined under the same name. One in the shadow
/// tells nobody, so it takes no place.
pub fn give_way(defaults: &mut Vec<Group>, own: &[Group]) {
    let live = own.iter().flat_map(|g| &g.rules).filter(|r| r.is_alert() && !r.shadow);
    let names: BTreeSet<&str> = live.map(|r| r.name.as_str()).collect();
    for group in defaults.iter_mut() {
        group.rules.retain(|r| !r.is_alert() || !names.contains(r.name.as_str()));
    }
    defaults.retain(|g| !g.rules.is_empty());
}

/// The text of the packs of these names as one file, by the name under which default rules appear.
pub fn default_rules_text(file: &str, packs: &[&str]) -> Option<String> {
    let mut text = "groups:\n".to_owned();
    for pack in PACKS.iter().filter(|p| packs.contains(&p.name)) {
        pack.text.split_inclusive('\n').filter(|l| *l != "groups:\n").for_each(|l| text += l);
    }
    (file == DEFAULT_RULES_FILE).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    fn own(text: &str) -> Vec<Group> {
        read_rules("own.yml", text, 5_000, &Features::default()).unwrap()
    }

    #[test]
    fn the_default_rules_are_rules_with_names_of_their_own() {
        let all: Vec<&str> = PACKS.iter().map(|p| p.name).collect();
        let groups = default_rules(&all, 5_000).unwrap();
        let rules: Vec<&Rule> = groups.iter().flat_map(|g| &g.rules).collect();
        assert!(rules.iter().all(|r| r.is_alert()));
        let names: BTreeSet<&str> = rules.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names.len(), rules.len());
        let keys: BTreeSet<String> = groups.iter().map(Group::key).collect();
        assert_eq!(keys.len(), groups.len());
        for known in [
            "HostDiskFull",
            "HostDiskFilling",
            "HostMemoryPressure",
            "HostCpuSaturated",
            "TargetDown",
        ] {
            assert!(names.contains(known), "{known}");
        }
        assert!(default_rules(&["tls"], 5_000).unwrap().len() == 1);
        assert!(!usual_packs().contains(&"watchdog"));
    }

    #[test]
    fn each_alert_says_why_it_is_so() {
        for pack in PACKS {
            let told = pack.rationales();
            let rules = default_rules(&[pack.name], 5_000).unwrap();
            let names: Vec<&str> =
                rules.iter().flat_map(|g| &g.rules).map(|r| r.name.as_str()).collect();
            assert_eq!(told.iter().map(|r| r.alert.as_str()).collect::<Vec<_>>(), names);
            for Rationale { alert, why } in told {
                assert!(why.len() > 20 && why.ends_with('.'), "{alert}: {why:?}");
            }
        }
    }

    #[test]
    fn the_text_of_several_packs_is_one_file_with_the_same_rules() {
        let packs = usual_packs();
        let text = default_rules_text(DEFAULT_RULES_FILE, &packs).unwrap();
        let read = own(&text);
        let rules = |groups: &[Group]| groups.iter().map(|g| g.rules.len()).collect::<Vec<_>>();
        assert_eq!(rules(&read), rules(&default_rules(&packs, 5_000).unwrap()));
        assert_eq!(default_rules_text("rules.yml", &packs), None);
    }

    #[test]
    fn an_alert_of_the_same_name_takes_the_place() {
        let names = |own: &[Group]| {
            let mut groups = default_rules(&["targets", "watchdog"], 5_000).unwrap();
            give_way(&mut groups, own);
            let names = groups.iter().flat_map(|g| &g.rules).map(|r| r.name.clone());
            (groups.len(), names.collect::<Vec<_>>())
        };
        let all = names(&[]).1;
        let text = "groups:\n- name: a\n  rules:\n  - {alert: TargetDown, expr: up == 0, for: 5m}\n  - {alert: Watchdog, expr: vector(1)}\n  - {record: JobDown, expr: up}\n";
        let (groups, left) = names(&own(text));
        assert_eq!((groups, left.len()), (1, all.len() - 2));
        assert!(!left.iter().any(|n| n == "TargetDown" || n == "Watchdog"), "{left:?}");
        assert!(left.iter().any(|n| n == "JobDown"), "a recording rule is no alert");
        let shadow = text.replace("for: 5m", "mode: shadow");
        assert!(names(&own(&shadow)).1.iter().any(|n| n == "TargetDown"));
    }
}
