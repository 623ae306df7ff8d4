//! The sets of series that are watched: selectors in the order in which they are served, each with what
//! the source keeps for the next question.

use std::collections::HashMap;

use plimsoll_model::{Labels, LabelsRef, METRIC_NAME, Matcher, Prepared};
use plimsoll_query::LabelMatcher;

use super::{Input, Rank, compiled};
use crate::config::Config;
use crate::scores::{SCORE, result};

/// Selectors at most; more are not heeded, counted and said.
const SETS_MAX: usize = 2_000;
/// The job of the hosts that Plimsoll collects from by itself.
const HOST_JOB: &str = "host";

/// Series that one selector chooses.
pub(crate) struct Set {
    pub(crate) rank: Rank,
    /// Somebody asked to be told of anomalies in them.
    pub(crate) chosen: bool,
    pub(crate) matchers: Vec<Matcher>,
    /// What the source gave last time.
    pub(crate) prepared: Option<Prepared>,
    /// Its matchers as text, by which it is known.
    text: String,
}

/// All sets, by rank.
#[derive(Default)]
pub(crate) struct Sets {
    pub(crate) all: Vec<Set>,
    /// What they are, by which a change is noticed.
    order: Vec<String>,
    ignore: Vec<Vec<Matcher>>,
    /// What rules read of the scores: who has such a score was chosen.
    scores: Vec<(String, Vec<Matcher>)>,
    /// Selectors that are not heeded.
    pub(crate) left_out: usize,
}

impl Sets {
    /// Takes what is wanted now; sets that were there keep what they know. Whether anything changed.
    pub(crate) fn replace(&mut self, inputs: &[Input], config: &Config) -> bool {
        let scores = self.chosen_scores(inputs);
        let mut before: HashMap<String, Set> =
            std::mem::take(&mut self.all).into_iter().map(|s| (s.text.clone(), s)).collect();
        let order: Vec<String> = std::mem::take(&mut self.order);
        let (mut wanted, mut at): (Vec<Set>, HashMap<String, usize>) = Default::default();
        self.left_out = 0;
        for (rank, chosen, text, matchers) in asked(inputs, config) {
            if let Some(i) = at.get(&text) {
                let set: &mut Set = &mut wanted[*i];
                set.chosen |= chosen;
                continue;
            }
            if wanted.len() >= SETS_MAX {
                self.left_out += 1;
                continue;
            }
            // Compiling is what costs: what is known is not compiled again.
            let set = match before.remove(&text) {
                Some(known) => Set { rank, chosen, ..known },
                None => match matchers.compiled() {
                    Ok(matchers) => {
                        Set { rank, chosen, matchers, prepared: None, text: text.clone() }
                    }
                    Err(e) => {
                        tracing::debug!(error = %e, selector = text, "an input is not watched");
                        continue;
                    }
                },
            };
            at.insert(text, wanted.len());
            wanted.push(set);
        }
        self.order = wanted.iter().map(|s| format!("{:?}{}{}", s.rank, s.chosen, s.text)).collect();
        let changed = self.order != order || self.ignore != config.ignore || self.scores != scores;
        (self.all, self.scores) = (wanted, scores);
        self.ignore.clone_from(&config.ignore);
        changed
    }

    fn chosen_scores(&self, inputs: &[Input]) -> Vec<(String, Vec<Matcher>)> {
        let of = |input: &Input| {
            let text = text_of(input.matchers.iter());
            let known = self.scores.iter().find(|(t, _)| *t == text);
            let matchers = known.map(|(_, m)| m.clone()).or_else(|| compiled(&input.matchers).ok());
            Some((text, matchers?))
        };
        inputs.iter().filter(|i| reads_scores(i)).take(SETS_MAX).filter_map(of).collect()
    }

    /// Whether somebody asked to be told of anomalies of a series: it is one of a set that says so, or a
    /// rule reads its score.
    pub(crate) fn chooses(&self, set: Option<&Set>, name: &str, labels: &Labels) -> bool {
        let reads = || {
            let score = result(labels, SCORE, name);
            self.scores.iter().any(|(_, m)| Matcher::all(m, score.as_ref()))
        };
        set.is_some_and(|s| s.chosen) || (!self.scores.is_empty() && reads())
    }

    /// Whether the configuration says that a series is not watched.
    pub(crate) fn ignores(&self, labels: LabelsRef<'_>) -> bool {
        self.ignore.iter().any(|m| Matcher::all(m, labels))
    }

    /// The first set that a series belongs to.
    pub(crate) fn of(&self, labels: LabelsRef<'_>) -> Option<&Set> {
        self.all.iter().find(|s| Matcher::all(&s.matchers, labels))
    }
}

/// Matchers as written, or ready to be tried.
enum Written<'i> {
    Input(&'i [LabelMatcher]),
    Ready(Vec<Matcher>),
}

impl Written<'_> {
    fn compiled(self) -> plimsoll_model::Result<Vec<Matcher>> {
        match self {
            Self::Input(matchers) => compiled(matchers),
            Self::Ready(matchers) => Ok(matchers),
        }
    }
}

/// All that is asked for, by rank: rank, whether chosen, text, matchers.
fn asked<'i>(
    inputs: &'i [Input],
    config: &Config,
) -> impl Iterator<Item = (Rank, bool, String, Written<'i>)> {
    let host = vec![Matcher::equal("job", HOST_JOB)];
    let rest = config.watch.iter().map(|m| (Rank::Rest, m.clone()));
    let ready: Vec<_> = std::iter::once((Rank::Host, host)).chain(rest).collect();
    let mut by_rank: Vec<&Input> = inputs.iter().filter(|i| !reads_scores(i)).collect();
    by_rank.sort_by_key(|i| i.reader);
    let read = by_rank.into_iter().map(|i| {
        let text = text_of(i.matchers.iter());
        (i.reader.into(), i.chosen, text, Written::Input(&i.matchers))
    });
    read.chain(
        ready.into_iter().map(|(rank, matchers)| {
            (rank, false, text_of(matchers.iter()), Written::Ready(matchers))
        }),
    )
}

/// Whether a selector chooses scores: they are not watched, but say who was chosen.
fn reads_scores(input: &Input) -> bool {
    input.matchers.iter().any(|m| m.name == METRIC_NAME && m.value == SCORE)
}

fn text_of<M: std::fmt::Display>(matchers: impl Iterator<Item = M>) -> String {
    let mut all: Vec<String> = matchers.map(|m| m.to_string()).collect();
    all.sort();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Reader;
    use plimsoll_query::parse_selector;

    fn input(reader: Reader, text: &str, chosen: bool) -> Input {
        Input { reader, matchers: parse_selector(text).unwrap().matchers, chosen }
    }

    #[test]
    fn rules_come_first_and_the_same_selector_once() {
        let mut sets = Sets::default();
        let inputs = [
            input(Reader::Dashboards, "up", false),
            input(Reader::Rules, "errors{job=\"a\"}", false),
            input(Reader::Rules, "{job=\"a\",__name__=\"errors\"}", true),
        ];
        let config = Config::default();
        assert!(sets.replace(&inputs, &config));
        let ranks: Vec<Rank> = sets.all.iter().map(|s| s.rank).collect();
        assert_eq!(ranks, [Rank::Rules, Rank::Dashboards, Rank::Host]);
        assert!(sets.all[0].chosen);
        assert!(!sets.replace(&inputs, &config), "nothing changed");
        assert_eq!(sets.all[0].matchers.len(), 2);
        assert!(sets.replace(&inputs[..1], &config));
        let host = Labels::new([("__name__", "x"), ("job", "host")]).unwrap();
        assert_eq!(sets.of(host.as_ref()).map(|s| s.rank), Some(Rank::Host));
    }

    #[test]
    fn who_has_a_score_that_a_rule_reads_was_chosen() {
        let mut sets = Sets::default();
        let text = "plimsoll_anomaly_score{series=\"cpu_busy\",instance=\"a\"}";
        let inputs = [input(Reader::Rules, text, false), input(Reader::Rules, "up", true)];
        sets.replace(&inputs, &Config::default());
        assert_eq!(sets.all.len(), 2, "scores are no set");
        let of = |instance| Labels::empty().with("instance", instance);
        assert!(sets.chooses(None, "cpu_busy", &of("a")));
        assert!(!sets.chooses(None, "cpu_busy", &of("b")));
        assert!(sets.chooses(sets.all.first(), "up", &of("b")));
    }

    #[test]
    fn what_is_ignored_and_what_is_too_much_is_said() {
        let mut sets = Sets::default();
        let ignore = vec![vec![Matcher::equal("device", "lo")]];
        let config = Config { ignore, ..Config::default() };
        let many: Vec<Input> =
            (0..SETS_MAX + 5).map(|i| input(Reader::Rules, &format!("m{i}"), false)).collect();
        sets.replace(&many, &config);
        assert_eq!((sets.all.len(), sets.left_out), (SETS_MAX, 6));
        let lo = Labels::new([("__name__", "x"), ("device", "lo")]).unwrap();
        assert!(sets.ignores(lo.as_ref()));
    }
}
