//! The metric registry: what is known of metrics beside their samples, and their thresholds.
//!
//! An entry is about a metric, or those of its series that pass matchers. What is said of it comes from three places:
//! the API (documents of the kind `metric` in `records`, with versions), the section `metrics` of the configuration,
//! and what we ship. Texts are taken from the first place that says them; thresholds together from the first place that
//! says any. Thresholds that people set make rules ([`Registry::groups`]); all draw lines on charts
//! ([`Registry::lines`]) and are shown with where they come from.
//!
//! Limits: [`ENTRIES_MAX`] entries by the API and by the configuration each, [`VERSIONS_KEPT`] versions of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use plimsoll_model::{LabelsRef, Matcher, Timestamp};
use plimsoll_query::{Expr, Features, parse as parse_promql};
use plimsoll_records::{Change, Document, Records};
use plimsoll_world::Clock;
use serde::{Deserialize, Serialize};

mod rules;
mod settings;
mod shape;
mod shipped;

pub use rules::REGISTRY_FILE;
pub use settings::{Direction, FOR_MS, ID_BYTES_MAX, Settings, Subject, read_section};

use crate::rule_files::{AUTHOR_BYTES_MAX, COMMENT_BYTES_MAX, VERSIONS_KEPT};
use crate::rules::Group;

/// Entries made by the API, and in the configuration, each: four thousand rules at most.
pub const ENTRIES_MAX: usize = 1_000;
/// Kind of the documents.
const KIND: &str = "metric";

/// Where thresholds come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// We ship them.
    Default,
    /// The section `metrics`.
    Configuration,
    /// The API.
    Api,
}

impl Source {
    /// As it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Configuration => "configuration",
            Self::Api => "api",
        }
    }
}

/// Thresholds in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Marks {
    /// From where on one should look.
    pub warning: Option<f64>,
    /// From where on somebody must act.
    pub critical: Option<f64>,
    /// What is usual.
    pub baseline: Option<f64>,
    /// On which side it is bad.
    pub direction: Direction,
    /// Who says so.
    pub source: Source,
}

/// What is known of a metric, all places together.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Which series it is about.
    pub subject: Subject,
    /// The unit of what is compared.
    pub unit: Option<String>,
    /// What it tells.
    pub help: Option<String>,
    /// Who cares for it.
    pub owner: Option<String>,
    /// Where one reads what to do.
    pub runbook: Option<String>,
    /// What is compared with the thresholds.
    pub compared: String,
    /// Whether it compares what the entry of the whole metric does, of fewer series.
    pub(crate) is_narrower: bool,
    /// Thresholds in force.
    pub marks: Option<Marks>,
    /// How long a threshold must be passed, ms; `None`: [`FOR_MS`].
    pub for_ms: Option<i64>,
    /// The entry that the API made, if it made one.
    pub kept: Option<KeptMetric>,
}

/// An entry that the API made, in one version.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptMetric {
    /// Its name.
    pub id: String,
    /// What it says.
    pub settings: Settings,
    /// Counts from 1; goes on when a removed entry is made again.
    pub version: u64,
    /// Who wrote it.
    pub author: String,
    /// When, ms since the epoch.
    pub changed_ms: Timestamp,
    /// Why, as the author says.
    pub comment: String,
    /// Whether this version is the removal of the entry.
    pub removed: bool,
}

/// A wish to change an entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricEdit {
    /// Which: a metric's name, or a selector.
    pub id: String,
    /// What shall be said; `None` removes the entry.
    pub settings: Option<Settings>,
    /// Who wants it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// The version that must be there now; 0 = none; `None` = any.
    pub expected: Option<u64>,
}

/// Why an entry was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum MetricError {
    /// The name is no selector.
    #[error("{0:?} does not name a metric: {1}")]
    Name(String, String),
    /// The API made no such entry.
    #[error("the API has no entry for {0}")]
    NotFound(String),
    /// Somebody else changed it.
    #[error("version {found} is there, {expected} was expected; read it again")]
    Conflict {
        /// The version that is there; 0 = none.
        found: u64,
        /// The version that the writer had read.
        expected: u64,
    },
    /// What is wrong: key, message.
    #[error("{}", .0.iter().map(|(key, why)| format!("{key}: {why}")).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<(&'static str, String)>),
    /// A bound was reached.
    #[error("{what}: {found}; at most {max}")]
    Limit {
        /// What ran into it.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// The bound.
        max: usize,
    },
    /// The records do not take or give it now.
    #[error(transparent)]
    Records(#[from] plimsoll_records::Error),
}

/// A threshold line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The entry.
    pub id: String,
    /// Its thresholds, multiplied as what the chart shows is.
    pub marks: Marks,
}

/// What stands in a document.
#[derive(Serialize, Deserialize)]
struct Body {
    settings: Settings,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

/// All entries. Share it; changes block.
pub struct Registry {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    features: Features,
    /// Held by whoever changes an entry.
    changing: Mutex<()>,
    state: RwLock<State>,
}

type Shipped = BTreeMap<String, Settings>;

#[derive(Default)]
struct State {
    configured: BTreeMap<String, (Subject, Settings)>,
    /// Also those that were removed, for their versions.
    kept: BTreeMap<String, KeptMetric>,
    /// What follows from both and from what we ship, by name.
    metrics: Arc<Vec<Metric>>,
    /// Places in `metrics` by the shape of what is compared, with its factor.
    shapes: BTreeMap<String, Vec<(usize, f64)>>,
    /// The shapes of what we ship, by metric.
    shipped_shapes: BTreeMap<String, String>,
}

impl Registry {
    /// Reads what the API made.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn open(
        records: Arc<dyn Records>,
        clock: Arc<dyn Clock>,
        features: Features,
        configured: &[(Subject, Settings)],
    ) -> plimsoll_records::Result<Self> {
        let kept = records.documents(KIND)?.into_iter().filter_map(kept_of);
        let kept = kept.map(|k| (k.id.clone(), k)).collect();
        let mut state = State { kept, ..State::default() };
        state.configure(configured);
        state.derive(&features);
        let state = RwLock::new(state);
        Ok(Self { records, clock, features, changing: Mutex::new(()), state })
    }

    /// Takes another configuration.
    pub fn configure(&self, configured: &[(Subject, Settings)]) {
        let mut state = self.state.write();
        state.configure(configured);
        state.derive(&self.features);
    }

    /// All entries, by name.
    pub fn metrics(&self) -> Arc<Vec<Metric>> {
        Arc::clone(&self.state.read().metrics)
    }

    /// Entries that the API made.
    pub fn len(&self) -> usize {
        self.state.read().alive()
    }

    /// Whether the API made none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rules of thresholds that people set.
    pub fn groups(&self, interval_ms: i64) -> Vec<Group> {
        let (groups, problems) = rules::groups(&self.metrics(), interval_ms, &self.features);
        for problem in problems {
            tracing::warn!(%problem, "a threshold makes no rule");
        }
        groups
    }

    /// The rule files of all thresholds that people set, one after the other, for people to read.
    pub fn text(&self) -> String {
        let metrics = self.metrics();
        let texts = metrics.iter().filter_map(|m| rules::text(m, &metrics));
        texts.map(|text| format!("---\n{text}\n")).collect()
    }

    /// The threshold lines of a chart that shows `expr` and has series with these labels.
    pub fn lines<'l>(
        &self,
        expr: &Expr,
        series: impl Iterator<Item = LabelsRef<'l>> + Clone,
    ) -> Vec<Line> {
        let Some(shape) = shape::shape(expr) else { return Vec::new() };
        let state = self.state.read();
        let Some(found) = state.shapes.get(&shape.text) else { return Vec::new() };
        let line = |(at, factor): &(usize, f64)| {
            let metric = state.metrics.get(*at)?;
            let marks = metric.marks.as_ref()?;
            let asked = &metric.subject.matchers;
            if !asked.is_empty() && !series.clone().any(|l| Matcher::all(asked, l)) {
                return None;
            }
            let factor = shape.factor / factor;
            let scaled = |mark: Option<f64>| mark.map(|m| m * factor);
            let marks = Marks {
                warning: scaled(marks.warning),
                critical: scaled(marks.critical),
                baseline: scaled(marks.baseline),
                ..marks.clone()
            };
            Some(Line { id: metric.subject.id.clone(), marks })
        };
        found.iter().filter_map(line).collect()
    }

    /// The thresholds that people set for what we ship an expression for (`metric`), of those that pass `labels`:
    /// matchers of labels that are not there pass. The entry with most matchers wins.
    pub fn marks_of(&self, metric: &str, labels: &[(String, String)]) -> Option<Marks> {
        let state = self.state.read();
        let shipped = state.shipped_shapes.get(metric)?;
        let passes = |m: &Matcher| {
            labels.iter().find(|(n, _)| n == m.name()).is_none_or(|(_, v)| m.matches(v))
        };
        let fits = |(at, factor): &(usize, f64)| {
            let metric = state.metrics.get(*at)?;
            let marks = metric.marks.as_ref().filter(|m| m.source != Source::Default)?;
            let fits = *factor == 1.0 && metric.subject.matchers.iter().all(passes);
            fits.then_some((metric.subject.matchers.len(), marks))
        };
        let of_metric = |at: &&(usize, f64)| {
            state.metrics.get(at.0).is_some_and(|m| m.subject.metric == metric)
        };
        let found = state.shapes.get(shipped)?.iter().filter(of_metric).filter_map(fits);
        found.max_by_key(|(matchers, _)| *matchers).map(|(_, marks)| marks.clone())
    }

    /// The versions of an entry, also of a removed one, newest first.
    ///
    /// # Errors
    /// `Name`, `NotFound`, `Records`.
    pub fn versions(&self, id: &str) -> Result<Vec<KeptMetric>, MetricError> {
        let id = subject(id)?.id;
        let versions: Vec<KeptMetric> =
            self.records.history(KIND, &id)?.into_iter().filter_map(kept_of).collect();
        if versions.is_empty() {
            return Err(MetricError::NotFound(id));
        }
        Ok(versions)
    }

    /// Changes or removes an entry of the API, durably, or does nothing. The caller applies the rules that follow.
    ///
    /// # Errors
    /// Why nothing was done.
    pub fn change(&self, edit: &MetricEdit) -> Result<KeptMetric, MetricError> {
        let subject = subject(&edit.id)?;
        let bytes = [
            ("bytes of author", edit.author.len(), AUTHOR_BYTES_MAX),
            ("bytes of comment", edit.comment.len(), COMMENT_BYTES_MAX),
        ];
        if let Some((what, found, max)) = bytes.into_iter().find(|(_, found, max)| found > max) {
            return Err(MetricError::Limit { what, found, max });
        }
        let _held = self.changing.lock();
        let (before, count, oldest) = {
            let state = self.state.read();
            let removed = state.kept.values().filter(|k| k.removed);
            let over = removed.clone().count() >= ENTRIES_MAX;
            let oldest = removed.min_by_key(|k| k.changed_ms).filter(|_| over);
            (state.kept.get(&subject.id).cloned(), state.alive(), oldest.map(|k| k.id.clone()))
        };
        let alive = before.as_ref().filter(|k| !k.removed);
        let (found, last) =
            (alive.map_or(0, |k| k.version), before.as_ref().map_or(0, |k| k.version));
        if let Some(expected) = edit.expected.filter(|e| *e != found) {
            return Err(MetricError::Conflict { found, expected });
        }
        match &edit.settings {
            None if alive.is_none() => return Err(MetricError::NotFound(subject.id)),
            None => {}
            Some(settings) => {
                if found == 0 && count >= ENTRIES_MAX {
                    let (what, found) = ("metrics with an entry", count + 1);
                    return Err(MetricError::Limit { what, found, max: ENTRIES_MAX });
                }
                let wrong = self.wrong(&subject, settings);
                if !wrong.is_empty() {
                    return Err(MetricError::Wrong(wrong));
                }
            }
        }
        let after = KeptMetric {
            id: subject.id,
            settings: edit.settings.clone().unwrap_or_default(),
            version: last + 1,
            author: edit.author.clone(),
            changed_ms: self.clock.wall_ms(),
            comment: edit.comment.clone(),
            removed: edit.settings.is_none(),
        };
        let mut changes = vec![put(&after, last)?];
        let oldest = oldest.filter(|id| after.removed && *id != after.id);
        changes.extend(oldest.clone().map(|id| Change::Remove { kind: KIND.to_owned(), id }));
        self.records.apply(&changes)?;
        let mut state = self.state.write();
        if let Some(id) = oldest {
            state.kept.remove(&id);
        }
        state.kept.insert(after.id.clone(), after.clone());
        state.derive(&self.features);
        Ok(after)
    }

    /// What is wrong with settings by themselves, and with the rules that would follow from them.
    fn wrong(&self, subject: &Subject, settings: &Settings) -> Vec<(&'static str, String)> {
        let mut wrong = settings.problems(&self.features);
        if wrong.is_empty() {
            let metric = self.state.read().metric(subject, Some(settings), &self.features);
            let (_, problems) = rules::groups(&[metric], FOR_MS, &self.features);
            wrong.extend(problems.into_iter().map(|p| ("thresholds", p.message)));
        }
        wrong
    }
}

impl State {
    fn configure(&mut self, configured: &[(Subject, Settings)]) {
        let entry = |(subject, settings): &(Subject, Settings)| {
            (subject.id.clone(), (subject.clone(), settings.clone()))
        };
        self.configured = configured.iter().map(entry).collect();
    }

    /// Entries that the API made.
    fn alive(&self) -> usize {
        self.kept.values().filter(|k| !k.removed).count()
    }

    /// Who says something under a name, the strongest first.
    fn said<'s>(&'s self, id: &str, shipped: &'s Shipped) -> Vec<(Source, &'s Settings)> {
        let of_api = self.kept.get(id).filter(|k| !k.removed).map(|k| &k.settings);
        let layers = [
            (Source::Api, of_api),
            (Source::Configuration, self.configured.get(id).map(|(_, s)| s)),
            (Source::Default, shipped.get(id)),
        ];
        layers.into_iter().filter_map(|(source, said)| Some((source, said?))).collect()
    }

    /// An entry, all places together; `wish` takes the place of what the API says.
    fn metric(&self, subject: &Subject, wish: Option<&Settings>, features: &Features) -> Metric {
        let shipped = shipped::shipped();
        let mut own = self.said(&subject.id, &shipped);
        if let Some(wish) = wish {
            own.retain(|(source, _)| *source != Source::Api);
            own.insert(0, (Source::Api, wish));
        }
        // What nobody says of some series is that of the whole metric; but for its thresholds.
        let narrow = !subject.matchers.is_empty();
        let whole = if narrow { self.said(&subject.metric, &shipped) } else { Vec::new() };
        let said = || own.iter().chain(&whole).map(|(_, s)| *s);
        let text = |of: fn(&Settings) -> &Option<String>| {
            said().find_map(|s| of(s).clone()).filter(|t| !t.is_empty())
        };
        let own_expr = own.iter().find_map(|(_, s)| s.expr.clone()).filter(|t| !t.is_empty());
        let expr = text(|s| &s.expr);
        let marks = own.iter().find(|(_, s)| s.has_marks()).map(|(source, s)| Marks {
            warning: s.warning,
            critical: s.critical,
            baseline: s.baseline,
            direction: s.side().or_else(|| said().find_map(Settings::side)).unwrap_or_default(),
            source: *source,
        });
        Metric {
            is_narrower: narrow && own_expr.is_none(),
            compared: match (own_expr, expr) {
                (Some(own), _) => own,
                (None, Some(whole)) => subject.narrowed(&whole, features),
                (None, None) => subject.id.clone(),
            },
            unit: text(|s| &s.unit),
            help: text(|s| &s.help),
            owner: text(|s| &s.owner),
            runbook: text(|s| &s.runbook),
            for_ms: said().find_map(|s| s.for_ms),
            kept: self.kept.get(&subject.id).filter(|k| !k.removed).cloned(),
            subject: subject.clone(),
            marks,
        }
    }

    /// Puts the places together.
    fn derive(&mut self, features: &Features) {
        let shipped = shipped::shipped();
        let kept = self.kept.values().filter(|k| !k.removed).map(|k| &k.id);
        let names: BTreeSet<&String> =
            shipped.keys().chain(self.configured.keys()).chain(kept).collect();
        let subjects = names.into_iter().filter_map(|id| Subject::read(id).ok());
        let metrics: Vec<Metric> = subjects.map(|s| self.metric(&s, None, features)).collect();
        let shape = |text: &str| parse_promql(text, features).ok().as_ref().and_then(shape::shape);
        self.shapes.clear();
        for (at, metric) in metrics.iter().enumerate() {
            if let Some(shape) = shape(&metric.compared) {
                self.shapes.entry(shape.text).or_default().push((at, shape.factor));
            }
        }
        let of_ours = |(metric, s): (&String, &Settings)| {
            Some((metric.clone(), shape(s.expr.as_deref()?)?.text))
        };
        self.shipped_shapes = shipped.iter().filter_map(of_ours).collect();
        self.metrics = Arc::new(metrics);
    }
}

fn subject(id: &str) -> Result<Subject, MetricError> {
    Subject::read(id).map_err(|why| MetricError::Name(id.to_owned(), why))
}

fn put(after: &KeptMetric, last: u64) -> Result<Change, MetricError> {
    let body = Body {
        settings: after.settings.clone(),
        comment: after.comment.clone(),
        removed: after.removed,
    };
    let body = serde_json::to_string(&body)
        .map_err(|e| MetricError::Wrong(vec![("settings", e.to_string())]))?;
    Ok(Change::Put {
        kind: KIND.to_owned(),
        id: after.id.clone(),
        time_ms: after.changed_ms,
        author: after.author.clone(),
        body,
        expected: Some(last),
        keep: VERSIONS_KEPT,
    })
}

/// What a document says; one that cannot be read is passed over, and the next place counts.
fn kept_of(document: Document) -> Option<KeptMetric> {
    match serde_json::from_str::<Body>(&document.body) {
        Ok(body) => Some(KeptMetric {
            id: document.id,
            settings: body.settings,
            version: document.version,
            author: document.author,
            changed_ms: document.time_ms,
            comment: body.comment,
            removed: body.removed,
        }),
        Err(e) => {
            tracing::warn!(metric = document.id, error = %e, "an entry of the metric registry is not readable");
            None
        }
    }
}

#[cfg(test)]
mod tests;
