//! All dashboards: those that people made, with their versions, those that come from files, those that we ship.
//!
//! What the API makes is a document of the kind `dashboard` in `records`, a hundred versions of each. It shadows a file or a
//! template of the same name; its removal gives that back. A removal is a version too, so nothing is lost by it.
//! In memory is only what a list needs, and which series the panels read. Limits: [`DASHBOARDS_MAX`], [`VERSIONS_KEPT`],
//! [`super::DOCUMENT_BYTES_MAX`]. Changes block; they are made one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use plimsoll_query::{Features, LabelMatcher};
use plimsoll_records::{Change, Document, Records};
use serde::{Deserialize, Serialize};

use super::shelf::{LAYOUT, LINK, Layout, Shelf};
use super::{Dashboard, PanelKind, Problem, check, selectors, templates};

/// Dashboards that the API keeps.
pub const DASHBOARDS_MAX: usize = 5_000;
/// Versions of each.
const VERSIONS_KEPT: u32 = 100;
/// Bytes of an author, of a note.
const AUTHOR_BYTES_MAX: usize = 200;
const NOTE_BYTES_MAX: usize = 4_000;
/// Selectors that are told to analysis, of all dashboards: as many as it heeds.
const SELECTORS_MAX: usize = 2_000;

const KIND: &str = "dashboard";

/// Where a dashboard comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// We ship it.
    Template,
    /// A file.
    File,
    /// The API.
    Api,
}

impl Origin {
    /// As it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::File => "file",
            Self::Api => "api",
        }
    }
}

/// What a list shows of a dashboard.
#[derive(Clone, Debug)]
pub struct Entry {
    /// By which it is asked for.
    pub id: String,
    /// As people call it.
    pub title: String,
    /// What it tells.
    pub description: String,
    /// Where it is listed.
    pub folder: String,
    /// Words by which it is found.
    pub tags: Vec<String>,
    /// How many panels, rows left out.
    pub panels: usize,
    /// 0 = not kept by the API.
    pub version: u64,
    /// Who wrote this version.
    pub author: String,
    /// When, ms since the epoch; 0 = not known.
    pub changed_ms: i64,
    /// Where it comes from.
    pub origin: Origin,
    /// The metrics of a template.
    pub metrics: Vec<String>,
}

/// A version of a dashboard that the API keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// Counts from 1; goes on when a removed dashboard is made again.
    pub version: u64,
    /// Who wrote it.
    pub author: String,
    /// When, ms since the epoch.
    pub changed_ms: i64,
    /// Why, as the author says.
    pub note: String,
    /// How many panels.
    pub panels: usize,
    /// Whether this version is the removal.
    pub removed: bool,
}

/// A wish to change a dashboard.
#[derive(Clone, Debug, Default)]
pub struct DashboardEdit {
    /// Which.
    pub id: String,
    /// What it shall be; `None` removes it.
    pub dashboard: Option<Dashboard>,
    /// Who wants it.
    pub author: String,
    /// Why.
    pub note: String,
    /// The version that must be there now; 0 = none; `None` = any.
    pub expected: Option<u64>,
    /// ms since the epoch.
    pub now_ms: i64,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// Not a name.
    #[error("{0:?} is no name of a dashboard; use a to z, 0 to 9 and -, at most 100")]
    Id(String),
    /// There is none.
    #[error("there is no {0}")]
    NotFound(String),
    /// Somebody else changed it.
    #[error("version {found} is there, {expected} was expected; read it again")]
    Conflict {
        /// The version that is there; 0 = none.
        found: u64,
        /// The version that the writer had read.
        expected: u64,
    },
    /// It is not one.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Problem>),
    /// It was not made by the API.
    #[error("{0} is not kept by the API, so it cannot be removed here")]
    ReadOnly(String),
    /// What was sent is not what is wanted.
    #[error("{0}")]
    Body(String),
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

/// For own metrics.
#[derive(Clone, Copy, Debug, Default)]
pub struct LibraryCounts {
    /// Dashboards that the API keeps.
    pub kept: usize,
    /// From files.
    pub files: usize,
    /// Changes since the start.
    pub changes: u64,
    /// Changes that were refused since the start.
    pub refused: u64,
    /// Layouts that are kept.
    pub layouts: usize,
    /// Short links that are kept.
    pub links: usize,
}

/// What stands in a document.
#[derive(Serialize, Deserialize)]
struct Body {
    #[serde(default)]
    dashboard: Dashboard,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

struct Kept {
    entry: Entry,
    removed: bool,
    selectors: Vec<Vec<LabelMatcher>>,
}

#[derive(Default)]
struct State {
    /// Also those that were removed, for their versions.
    kept: BTreeMap<String, Kept>,
    files: BTreeMap<String, Arc<Dashboard>>,
    changes: u64,
    refused: u64,
    /// Layouts and links that are kept.
    beside: (usize, usize),
}

/// All dashboards. Share it; calls block.
pub struct Library {
    records: Arc<dyn Records>,
    features: Features,
    /// Held by whoever changes something.
    changing: Mutex<()>,
    state: RwLock<State>,
}

impl Library {
    /// Reads what the API made.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn open(records: Arc<dyn Records>, features: Features) -> plimsoll_records::Result<Self> {
        let mut state = State::default();
        for document in records.documents(KIND)? {
            match serde_json::from_str::<Body>(&document.body) {
                Ok(body) => {
                    let kept = kept_of(&document, &body, &features);
                    state.kept.insert(document.id, kept);
                }
                Err(e) => {
                    tracing::warn!(id = document.id, error = %e, "a dashboard is not readable")
                }
            }
        }
        state.beside = (records.documents(LAYOUT)?.len(), records.documents(LINK)?.len());
        let state = RwLock::new(state);
        Ok(Self { records, features, changing: Mutex::new(()), state })
    }

    /// The language in which expressions are read.
    pub const fn features(&self) -> &Features {
        &self.features
    }

    /// Takes the dashboards of files, in place of those before.
    pub fn set_files(&self, files: Vec<Dashboard>) {
        let files = files.into_iter().map(|d| (d.id.clone(), Arc::new(d))).collect();
        self.state.write().files = files;
    }

    /// All, those of the API before files, these before templates of the same name.
    pub fn list(&self) -> Vec<Entry> {
        let state = self.state.read();
        let mut all: BTreeMap<String, Entry> = BTreeMap::new();
        for t in templates() {
            let metrics = t.metrics.clone();
            all.insert(
                t.dashboard.id.clone(),
                Entry { metrics, ..entry(&t.dashboard, Origin::Template) },
            );
        }
        for d in state.files.values() {
            all.insert(d.id.clone(), entry(d, Origin::File));
        }
        for (id, kept) in state.kept.iter().filter(|(_, k)| !k.removed) {
            all.insert(id.clone(), kept.entry.clone());
        }
        all.into_values().collect()
    }

    /// A dashboard, or a version of it that the API keeps.
    ///
    /// # Errors
    /// `Id`, `NotFound`, `Records`.
    pub fn get(
        &self,
        id: &str,
        version: Option<u64>,
    ) -> Result<(Dashboard, Entry), DashboardError> {
        named(id)?;
        let missing = || DashboardError::NotFound(format!("dashboard {id}"));
        if let Some(version) = version.filter(|v| *v > 0) {
            let all = self.records.history(KIND, id)?;
            let document = all.into_iter().find(|d| d.version == version);
            let gone = || DashboardError::NotFound(format!("version {version} of dashboard {id}"));
            let found = document.and_then(|d| read(&d)).filter(|(b, _)| !b.removed);
            return found.map(|(b, e)| (b.dashboard, e)).ok_or_else(gone);
        }
        let (alive, file) = {
            let state = self.state.read();
            let alive = state.kept.get(id).is_some_and(|k| !k.removed);
            (alive && version != Some(0), state.files.get(id).cloned())
        };
        if alive {
            let document = self.records.document(KIND, id)?.ok_or_else(missing)?;
            return read(&document).map(|(b, e)| (b.dashboard, e)).ok_or_else(missing);
        }
        if let Some(file) = file {
            return Ok((Dashboard::clone(&file), entry(&file, Origin::File)));
        }
        let template = templates().iter().find(|t| t.dashboard.id == id).ok_or_else(missing)?;
        let of = entry(&template.dashboard, Origin::Template);
        Ok((template.dashboard.clone(), Entry { metrics: template.metrics.clone(), ..of }))
    }

    /// Makes, changes or removes a dashboard, durably, or does nothing. Gives the new version.
    ///
    /// # Errors
    /// Why nothing was done.
    pub fn change(&self, edit: DashboardEdit) -> Result<Entry, DashboardError> {
        let done = self.try_change(edit);
        let mut state = self.state.write();
        match done {
            Ok(_) => state.changes += 1,
            Err(_) => state.refused += 1,
        }
        done
    }

    fn try_change(&self, edit: DashboardEdit) -> Result<Entry, DashboardError> {
        let DashboardEdit { id, dashboard, author, note, expected, now_ms } = edit;
        named(&id)?;
        let bytes = [
            ("bytes of author", author.len(), AUTHOR_BYTES_MAX),
            ("bytes of note", note.len(), NOTE_BYTES_MAX),
        ];
        if let Some((what, found, max)) = bytes.into_iter().find(|(_, found, max)| found > max) {
            return Err(DashboardError::Limit { what, found, max });
        }
        let removed = dashboard.is_none();
        let dashboard = match dashboard {
            None => None,
            Some(mut d) => {
                d.id.clone_from(&id);
                let checked = check(d, &self.features);
                Some(checked.dashboard.ok_or(DashboardError::Wrong(checked.problems))?)
            }
        };
        let _held = self.changing.lock();
        let (found, last, before, count, oldest) = self.before(&id);
        if let Some(expected) = expected.filter(|e| *e != found) {
            return Err(DashboardError::Conflict { found, expected });
        }
        if removed && found == 0 {
            let known = self.list().iter().any(|e| e.id == id);
            let missing = DashboardError::NotFound(format!("dashboard {id}"));
            return Err(if known { DashboardError::ReadOnly(id) } else { missing });
        }
        if !removed && found == 0 && count >= DASHBOARDS_MAX {
            let (what, found) = ("dashboards", count + 1);
            return Err(DashboardError::Limit { what, found, max: DASHBOARDS_MAX });
        }
        let version = last + 1;
        let mut dashboard = dashboard.or(before).unwrap_or_default();
        dashboard.version = version;
        let body = Body { dashboard, note, removed };
        let text = serde_json::to_string(&body).map_err(|e| DashboardError::Body(e.to_string()))?;
        let (kind, keep) = (KIND.to_owned(), VERSIONS_KEPT);
        let document = Document {
            kind: kind.clone(),
            id: id.clone(),
            version,
            time_ms: now_ms,
            author,
            body: text,
        };
        let mut changes = vec![Change::Put {
            kind,
            id: id.clone(),
            time_ms: now_ms,
            author: document.author.clone(),
            body: document.body.clone(),
            expected: Some(last),
            keep,
        }];
        let oldest = oldest.filter(|o| removed && *o != id);
        changes.extend(oldest.clone().map(|id| Change::Remove { kind: KIND.to_owned(), id }));
        if removed {
            changes.extend(self.shelf().forget(&id)?);
        }
        self.records.apply(&changes)?;
        if removed && let Err(e) = self.count_beside() {
            tracing::warn!(error = %e, "layouts are not counted");
        }
        let kept = kept_of(&document, &body, &self.features);
        let entry = kept.entry.clone();
        let mut state = self.state.write();
        if let Some(id) = oldest {
            state.kept.remove(&id);
        }
        state.kept.insert(id, kept);
        Ok(entry)
    }

    /// The version that is there, the last there was, what it is, how many there are, the longest removed one when these
    /// are too many.
    fn before(&self, id: &str) -> (u64, u64, Option<Dashboard>, usize, Option<String>) {
        let state = self.state.read();
        let alive = state.kept.values().filter(|k| !k.removed).count();
        let removed = state.kept.iter().filter(|(_, k)| k.removed);
        let over = removed.clone().count() >= DASHBOARDS_MAX;
        let oldest = removed.min_by_key(|(_, k)| k.entry.changed_ms).filter(|_| over);
        let oldest = oldest.map(|(id, _)| id.clone());
        let kept = state.kept.get(id);
        let last = kept.map_or(0, |k| k.entry.version);
        let found = kept.filter(|k| !k.removed).map_or(0, |k| k.entry.version);
        drop(state);
        let before = self.records.document(KIND, id).ok().flatten().and_then(|d| read(&d));
        (found, last, before.map(|(b, _)| b.dashboard), alive, oldest)
    }

    /// The versions of a dashboard, also of a removed one, newest first.
    ///
    /// # Errors
    /// `Id`, `NotFound`, `Records`.
    pub fn versions(&self, id: &str) -> Result<Vec<Version>, DashboardError> {
        named(id)?;
        let all = self.records.history(KIND, id)?;
        if all.is_empty() && !self.list().iter().any(|e| e.id == id) {
            return Err(DashboardError::NotFound(format!("dashboard {id}")));
        }
        let version = |d: &Document| {
            let (body, entry) = read(d)?;
            Some(Version {
                version: d.version,
                author: d.author.clone(),
                changed_ms: d.time_ms,
                note: body.note,
                panels: entry.panels,
                removed: body.removed,
            })
        };
        Ok(all.iter().filter_map(version).collect())
    }

    /// The series that dashboards of people and files read, the last changed first. At most as many as analysis heeds.
    pub fn read_series(&self) -> Vec<Vec<LabelMatcher>> {
        let state = self.state.read();
        let mut kept: Vec<&Kept> = state.kept.values().filter(|k| !k.removed).collect();
        kept.sort_by_key(|k| std::cmp::Reverse(k.entry.changed_ms));
        let of_files = state.files.values().flat_map(|d| selectors(d, &self.features));
        let all = kept.into_iter().flat_map(|k| k.selectors.iter().cloned()).chain(of_files);
        all.take(SELECTORS_MAX).collect()
    }

    /// How much there is.
    pub fn counts(&self) -> LibraryCounts {
        let state = self.state.read();
        LibraryCounts {
            kept: state.kept.values().filter(|k| !k.removed).count(),
            files: state.files.len(),
            changes: state.changes,
            refused: state.refused,
            layouts: state.beside.0,
            links: state.beside.1,
        }
    }

    /// Counts again what is kept beside dashboards.
    fn count_beside(&self) -> Result<(), DashboardError> {
        let counts = self.shelf().counts()?;
        self.state.write().beside = counts;
        Ok(())
    }

    fn shelf(&self) -> Shelf<'_> {
        Shelf { records: &*self.records }
    }

    /// How somebody laid a dashboard out.
    ///
    /// # Errors
    /// `Id`, `Body`, `Records`.
    pub fn layout(&self, id: &str, user: &str) -> Result<Option<Layout>, DashboardError> {
        self.shelf().layout(id, user)
    }

    /// Keeps how somebody laid a dashboard out.
    ///
    /// # Errors
    /// `Id`, `Body`, `NotFound`, `Limit`, `Records`.
    pub fn keep_layout(
        &self,
        id: &str,
        user: &str,
        layout: &Layout,
        now_ms: i64,
    ) -> Result<(), DashboardError> {
        let _held = self.changing.lock();
        if !self.list().iter().any(|e| e.id == id) {
            return Err(DashboardError::NotFound(format!("dashboard {id}")));
        }
        self.shelf().keep_layout(id, user, layout, now_ms)?;
        self.count_beside()
    }

    /// Forgets how somebody laid a dashboard out.
    ///
    /// # Errors
    /// `Id`, `Body`, `Records`.
    pub fn remove_layout(&self, id: &str, user: &str) -> Result<(), DashboardError> {
        let _held = self.changing.lock();
        self.shelf().remove_layout(id, user)?;
        self.count_beside()
    }

    /// Keeps a short link under a name.
    ///
    /// # Errors
    /// `Body`, `Limit`, `Records`.
    pub fn keep_link(&self, url: &str, name: &str, now_ms: i64) -> Result<(), DashboardError> {
        let _held = self.changing.lock();
        self.shelf().keep_link(url, name, now_ms)?;
        self.count_beside()
    }

    /// Where a short link leads.
    ///
    /// # Errors
    /// `Records`.
    pub fn link(&self, name: &str) -> Result<Option<String>, DashboardError> {
        self.shelf().link(name)
    }
}

/// Whether a text is a name of a dashboard.
pub fn is_dashboard_id(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 100 && text.bytes().all(fits)
}

/// A name made of a title.
pub fn slug(title: &str) -> String {
    let mut out = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() >= 90 {
            break;
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "dashboard".to_owned() } else { out.to_owned() }
}

fn named(id: &str) -> Result<(), DashboardError> {
    if is_dashboard_id(id) { Ok(()) } else { Err(DashboardError::Id(id.to_owned())) }
}

fn entry(d: &Dashboard, origin: Origin) -> Entry {
    Entry {
        id: d.id.clone(),
        title: d.title.clone(),
        description: d.description.clone(),
        folder: d.folder.clone(),
        tags: d.tags.clone(),
        panels: d.panels.iter().filter(|p| p.kind != PanelKind::Row).count(),
        version: d.version,
        author: String::new(),
        changed_ms: 0,
        origin,
        metrics: Vec::new(),
    }
}

fn read(document: &Document) -> Option<(Body, Entry)> {
    let mut body: Body = serde_json::from_str(&document.body).ok()?;
    body.dashboard.version = document.version;
    body.dashboard.id.clone_from(&document.id);
    let entry = entry_of(document, &body);
    Some((body, entry))
}

fn entry_of(document: &Document, body: &Body) -> Entry {
    Entry {
        id: document.id.clone(),
        version: document.version,
        author: document.author.clone(),
        changed_ms: document.time_ms,
        ..entry(&body.dashboard, Origin::Api)
    }
}

fn kept_of(document: &Document, body: &Body, features: &Features) -> Kept {
    let series = if body.removed { Vec::new() } else { selectors(&body.dashboard, features) };
    Kept { entry: entry_of(document, body), removed: body.removed, selectors: series }
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
