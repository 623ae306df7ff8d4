//! Where reports are kept: documents with versions, and when each was sent last.
//!
//! A report of the API under the name of one that is always there takes its place until it is removed.
//! When a report was due last is written in the transaction that puts its messages into the outbox, with
//! the version that was read: a schedule fires once, whoever else runs and however often we are restarted.
//! What was missed while nothing ran is sent once, for the newest time that was missed.

use std::sync::Arc;

use plimsoll_model::Timestamp;
use plimsoll_records::{Change, Document, Error as RecordsError, Records};
use serde::{Deserialize, Serialize};

use super::definition::{BUILT_IN, Report, built_in};

/// Reports that are kept.
pub const REPORTS_MAX: usize = 200;
/// Versions of each.
const VERSIONS_MAX: u32 = 50;
/// Characters of the note of a version.
const NOTE_CHARS_MAX: usize = 1_000;
/// Kinds of documents.
const KIND: &str = "report";
const RUNS: &str = "report_run";
/// Times that are looked at to find the newest that was missed.
const MISSED_MAX: usize = 100_000;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// There is none of this name.
    #[error("there is no report {0:?}")]
    NotFound(String),
    /// It is always there.
    #[error(
        "the report {0:?} is part of the program; save one of your own under its name to change it"
    )]
    BuiltIn(String),
    /// Somebody else changed it.
    #[error("the report {id:?} is at version {found}, {expected} was expected; read it again")]
    Conflict {
        /// Its name.
        id: String,
        /// The version that is kept; 0 = none.
        found: u64,
        /// The version that the writer had read.
        expected: u64,
    },
    /// Keys that are wrong.
    #[error("{}", .0.iter().map(|(path, what)| format!("{path}: {what}")).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<(String, String)>),
    /// There are too many.
    #[error("there are {REPORTS_MAX} reports already; remove one first")]
    Full,
    /// They cannot be read or written.
    #[error(transparent)]
    Records(RecordsError),
}

impl From<RecordsError> for LibraryError {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::Conflict { id, found, expected, .. } => {
                Self::Conflict { id, found, expected }
            }
            other => Self::Records(other),
        }
    }
}

/// A report that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// It.
    pub report: Report,
    /// Its version; 0 of one that is always there.
    pub version: u64,
    /// Who wrote it.
    pub author: Option<String>,
    /// When, ms since the epoch.
    pub changed_ms: Option<Timestamp>,
    /// Whether it is part of the program.
    pub is_built_in: bool,
    /// For when it was sent last, ms since the epoch.
    pub sent_ms: Option<Timestamp>,
}

/// A version of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportVersion {
    /// Its number.
    pub version: u64,
    /// Who wrote it; empty when nobody said.
    pub author: String,
    /// When, ms since the epoch.
    pub changed_ms: Timestamp,
    /// Why.
    pub note: String,
    /// How many sections it has.
    pub sections: usize,
}

/// A change of a report.
#[derive(Clone, Debug, Default)]
pub struct ReportEdit {
    /// What it is to be.
    pub report: Report,
    /// The version that it had when it was read, 0 = none; `None` = whatever is there.
    pub expected: Option<u64>,
    /// Who changes it.
    pub author: String,
    /// Why.
    pub note: String,
    /// When, ms since the epoch.
    pub now_ms: Timestamp,
}

/// What is kept of a version. Before there were notes it was the report alone.
#[derive(Serialize, Deserialize)]
struct Body {
    report: Report,
    #[serde(default)]
    note: String,
}

/// A report that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// It.
    pub report: Report,
    /// Since when, ms since the epoch.
    pub at: Timestamp,
    /// What is to be written with its messages.
    pub done: Change,
}

/// When a report was due last.
#[derive(Serialize, Deserialize)]
struct Run {
    last: Timestamp,
}

/// The reports.
pub struct Library {
    records: Arc<dyn Records>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").finish_non_exhaustive()
    }
}

impl Library {
    /// Of these records.
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self { records }
    }

    /// All reports, by name.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn list(&self) -> Result<Vec<Kept>, LibraryError> {
        let mut all: Vec<Kept> =
            self.records.documents(KIND)?.into_iter().filter_map(|d| kept(&d)).collect();
        for id in BUILT_IN {
            if !all.iter().any(|k| k.report.id == id) {
                all.extend(always(id));
            }
        }
        all.sort_by(|a, b| a.report.id.cmp(&b.report.id));
        for run in self.records.documents(RUNS)? {
            if let Some(kept) = all.iter_mut().find(|k| k.report.id == run.id) {
                kept.sent_ms = read_run(&run);
            }
        }
        Ok(all)
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn get(&self, id: &str) -> Result<Kept, LibraryError> {
        let found = self.records.document(KIND, id)?.and_then(|d| kept(&d));
        let found = found.or_else(|| always(id));
        found.ok_or_else(|| LibraryError::NotFound(id.to_owned()))
    }

    /// A version of one; 0 is what is always there.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn version(&self, id: &str, version: u64) -> Result<Kept, LibraryError> {
        let found = match version {
            0 => always(id),
            _ => {
                let all = self.records.history(KIND, id)?;
                all.iter().find(|d| d.version == version).and_then(kept)
            }
        };
        found.ok_or_else(|| LibraryError::NotFound(format!("{id} version {version}")))
    }

    /// The versions of a report, the newest first; none of one that is always there and was not changed. At most
    /// [`VERSIONS_MAX`] are kept; they go with the report when it is removed.
    ///
    /// # Errors
    /// There is no such report, or they cannot be read.
    pub fn versions(&self, id: &str) -> Result<Vec<ReportVersion>, LibraryError> {
        let all = self.records.history(KIND, id)?;
        if all.is_empty() && always(id).is_none() {
            return Err(LibraryError::NotFound(id.to_owned()));
        }
        let version = |d: &Document| {
            let body = read(d)?;
            Some(ReportVersion {
                version: d.version,
                author: d.author.clone(),
                changed_ms: d.time_ms,
                note: body.note,
                sections: body.report.sections.len(),
            })
        };
        Ok(all.iter().filter_map(version).collect())
    }

    /// Keeps a report; its version.
    ///
    /// # Errors
    /// Why nothing was done.
    pub fn put(&self, edit: &ReportEdit) -> Result<u64, LibraryError> {
        let ReportEdit { report, expected, author, note, now_ms: now } = edit;
        let (expected, now) = (*expected, *now);
        let problems = report.problems();
        if !problems.is_empty() {
            return Err(LibraryError::Wrong(problems));
        }
        let before = self.records.document(KIND, &report.id)?;
        if before.is_none() && self.records.documents(KIND)?.len() >= REPORTS_MAX {
            return Err(LibraryError::Full);
        }
        let note = note.chars().take(NOTE_CHARS_MAX).collect();
        let body = Body { report: report.clone(), note };
        let body = serde_json::to_string(&body).map_err(|e| {
            LibraryError::Records(RecordsError::Corrupt(format!("the report {}: {e}", report.id)))
        })?;
        let mut changes = vec![Change::Put {
            kind: KIND.to_owned(),
            id: report.id.clone(),
            time_ms: now,
            author: author.chars().take(200).collect(),
            body,
            expected,
            keep: VERSIONS_MAX,
        }];
        let schedule = before.as_ref().and_then(kept).and_then(|k| k.report.schedule);
        if schedule != report.schedule {
            // A new schedule begins now; what it would have sent before is not made up for.
            changes.push(run(&report.id, now, now, None));
        }
        self.records.apply(&changes)?;
        Ok(self.records.document(KIND, &report.id)?.map_or(1, |d| d.version))
    }

    /// Removes a report.
    ///
    /// # Errors
    /// Why nothing was done.
    pub fn remove(&self, id: &str, expected: Option<u64>) -> Result<(), LibraryError> {
        let kept = self.get(id)?;
        if kept.is_built_in {
            return Err(LibraryError::BuiltIn(id.to_owned()));
        }
        if let Some(expected) = expected.filter(|e| *e != kept.version) {
            return Err(LibraryError::Conflict {
                id: id.to_owned(),
                found: kept.version,
                expected,
            });
        }
        let gone = |kind: &str| Change::Remove { kind: kind.to_owned(), id: id.to_owned() };
        Ok(self.records.apply(&[gone(KIND), gone(RUNS)])?)
    }

    /// What is due now.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn due(&self, now: Timestamp) -> Result<Vec<Due>, LibraryError> {
        let runs = self.records.documents(RUNS)?;
        let mut out = Vec::new();
        for document in self.records.documents(KIND)? {
            let Some(kept) = kept(&document).filter(|k| k.report.schedule.is_some()) else {
                continue;
            };
            let before = runs.iter().find(|r| r.id == kept.report.id);
            let mut at = before.and_then(read_run).unwrap_or(document.time_ms);
            let begin = at;
            for _ in 0..MISSED_MAX {
                match kept.report.due(at).filter(|next| *next <= now) {
                    Some(next) => at = next,
                    None => break,
                }
            }
            if at == begin {
                continue;
            }
            let expected = Some(before.map_or(0, |r| r.version));
            let done = run(&kept.report.id, at, now, expected);
            out.push(Due { report: kept.report, at, done });
        }
        Ok(out)
    }

    /// Writes what is to be written of one that is due although it was not sent.
    ///
    /// # Errors
    /// The records cannot be written, or somebody else did.
    pub fn give_up(&self, due: &Due) -> Result<(), LibraryError> {
        Ok(self.records.apply(std::slice::from_ref(&due.done))?)
    }
}

fn read(document: &Document) -> Option<Body> {
    let alone =
        || Some(Body { report: serde_json::from_str(&document.body).ok()?, note: String::new() });
    serde_json::from_str(&document.body).ok().or_else(alone)
}

fn kept(document: &Document) -> Option<Kept> {
    let mut report = read(document)?.report;
    report.id.clone_from(&document.id);
    Some(Kept {
        report,
        version: document.version,
        author: Some(document.author.clone()).filter(|a| !a.is_empty()),
        changed_ms: Some(document.time_ms),
        is_built_in: false,
        sent_ms: None,
    })
}

fn always(id: &str) -> Option<Kept> {
    let report = built_in(id)?;
    Some(Kept {
        report,
        version: 0,
        author: None,
        changed_ms: None,
        is_built_in: true,
        sent_ms: None,
    })
}

fn read_run(document: &Document) -> Option<Timestamp> {
    serde_json::from_str::<Run>(&document.body).ok().map(|r| r.last)
}

fn run(id: &str, last: Timestamp, now: Timestamp, expected: Option<u64>) -> Change {
    Change::Put {
        kind: RUNS.to_owned(),
        id: id.to_owned(),
        time_ms: now,
        author: String::new(),
        body: format!("{{\"last\":{last}}}"),
        expected,
        keep: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Schedule;
    use plimsoll_model::{HOUR_MS, MINUTE_MS};
    use plimsoll_records::SimRecords;

    fn scheduled(id: &str) -> Report {
        let schedule = Schedule { cron: "0 * * * *".into(), receivers: vec!["ops".into()] };
        Report { id: id.into(), schedule: Some(schedule), ..built_in("daily").unwrap() }
    }

    fn edit(report: Report, expected: Option<u64>, now_ms: Timestamp) -> ReportEdit {
        ReportEdit { report, expected, now_ms, ..ReportEdit::default() }
    }

    #[test]
    fn versions_are_told_and_read_again() {
        let records = Arc::new(SimRecords::new());
        let library = Library::new(Arc::clone(&records) as Arc<dyn Records>);
        // As it was kept before there were notes.
        let first = built_in("daily").unwrap();
        let old = Change::Put {
            kind: KIND.to_owned(),
            id: "daily".to_owned(),
            time_ms: 5,
            author: "ann".to_owned(),
            body: serde_json::to_string(&first).unwrap(),
            expected: None,
            keep: VERSIONS_MAX,
        };
        records.apply(&[old]).unwrap();
        let mut next = first.clone();
        next.title = "Ours".into();
        next.sections.truncate(2);
        let next =
            ReportEdit { author: "ben".into(), note: "shorter".into(), ..edit(next, Some(1), 9) };
        assert_eq!(library.put(&next).unwrap(), 2);
        let told: Vec<_> = library.versions("daily").unwrap();
        let told = told.iter().map(|v| (v.version, &*v.author, v.changed_ms, &*v.note, v.sections));
        let wanted = [(2, "ben", 9, "shorter", 2), (1, "ann", 5, "", first.sections.len())];
        assert_eq!(told.collect::<Vec<_>>(), wanted);
        assert_eq!(library.version("daily", 1).unwrap().report, first);
        assert_eq!(library.version("daily", 0).unwrap().report.title, "Daily report");
        for (id, version) in [("daily", 3), ("x", 1), ("x", 0)] {
            let found = library.version(id, version);
            assert!(matches!(found, Err(LibraryError::NotFound(_))), "{id} {version}");
        }
        assert_eq!(library.versions("weekly").unwrap(), []);
        assert!(matches!(library.versions("x"), Err(LibraryError::NotFound(_))));
    }

    #[test]
    fn a_schedule_fires_once_however_often_we_start() {
        let records: Arc<dyn Records> = Arc::new(SimRecords::new());
        let library = Library::new(Arc::clone(&records));
        let edit = edit(scheduled("a"), Some(0), 10 * MINUTE_MS);
        assert_eq!(library.put(&edit).unwrap(), 1);
        assert_eq!(library.due(59 * MINUTE_MS).unwrap(), []);
        let due = library.due(61 * MINUTE_MS).unwrap();
        assert_eq!((due.len(), due[0].at), (1, HOUR_MS));
        assert_eq!(library.due(61 * MINUTE_MS).unwrap(), due, "until it is written");
        library.give_up(&due[0]).unwrap();
        assert!(library.give_up(&due[0]).is_err(), "a second one comes too late");
        let library = Library::new(records);
        assert_eq!(library.due(62 * MINUTE_MS).unwrap(), []);
        // Hours in which nothing ran give one report.
        let due = library.due(5 * HOUR_MS + 1).unwrap();
        assert_eq!((due.len(), due[0].at), (1, 5 * HOUR_MS));
        assert_eq!(library.list().unwrap()[0].sent_ms, Some(HOUR_MS));
    }

    #[test]
    fn a_report_takes_the_place_of_the_one_that_is_always_there() {
        let library = Library::new(Arc::new(SimRecords::new()));
        let names = |l: &Library| -> Vec<String> {
            l.list().unwrap().into_iter().map(|k| k.report.id).collect()
        };
        assert_eq!(names(&library), BUILT_IN);
        let mut own = built_in("daily").unwrap();
        own.title = "Ours".into();
        library.put(&edit(own.clone(), None, 0)).unwrap();
        assert_eq!(names(&library), BUILT_IN);
        assert_eq!(library.get("daily").unwrap().report.title, "Ours");
        let late = library.put(&edit(own, Some(7), 0));
        assert!(
            matches!(late, Err(LibraryError::Conflict { found: 1, expected: 7, .. })),
            "{late:?}"
        );
        library.remove("daily", Some(1)).unwrap();
        assert_eq!(library.get("daily").unwrap().report.title, "Daily report");
        assert!(matches!(library.remove("daily", None), Err(LibraryError::BuiltIn(_))));
        assert!(matches!(library.get("x"), Err(LibraryError::NotFound(_))));
    }
}
