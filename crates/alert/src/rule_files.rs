//! Files that people keep through the API, rules and receivers: real files in the data directory, each with its
//! history.
//!
//! `rules/NAME.yml` (`receivers/NAME.yml`) is the truth; what was there before, by whom and why, is in `records`
//! (documents of the kind `rule_file`, `receiver_file`). Who edits a file by hand makes a version too: the next look notices it and writes it down with
//! the author `file`. A change is checked first, then written beside the file, synced and renamed over it, then
//! written down, then applied; when a step fails the file is as it was. A kill between renaming and writing down
//! keeps the new text, whose author is then `file`: it was not acknowledged yet.
//!
//! Limits: [`FILES_MAX`] files of [`FILE_BYTES_MAX`] bytes, [`VERSIONS_KEPT`] versions of each, as many removed
//! files whose history is kept. Not here: what the rules in a file are, and what runs.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use plimsoll_model::Timestamp;
use plimsoll_model::written::Problem;
use plimsoll_records::{Change, Document, Records};
use plimsoll_world::{Clock, Disk, Open};
use serde::{Deserialize, Serialize};

mod diff;

pub use diff::unified;

/// Files at most, and removed files whose history is kept: what a reload can read and check in seconds.
pub const FILES_MAX: usize = 1_000;
/// Bytes of one file: ten thousand rules are about as much.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Versions kept of one file, the newest included.
pub const VERSIONS_KEPT: u32 = 100;
/// Bytes of an author's name.
pub const AUTHOR_BYTES_MAX: usize = 256;
/// Bytes of a comment.
pub const COMMENT_BYTES_MAX: usize = 4_096;
/// The author of what was changed on the disk.
pub const BY_HAND: &str = "file";
/// Characters of a name.
const NAME_MAX: usize = 64;
/// Kinds of the documents.
const RULES: &str = "rule_file";
const RECEIVERS: &str = "receiver_file";
/// Changes written down in one transaction.
const BATCH: usize = 50;

/// Why a rule file was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RuleFileError {
    /// The name cannot be that of a file here.
    #[error("{0:?} is not the name of a file here (write 1 to 64 of a-z, 0-9, - and _)")]
    Name(String),
    /// There is no such file or version.
    #[error("there is no file {0}")]
    NotFound(String),
    /// It runs, and is kept somewhere else.
    #[error("{0} is not kept below the data directory; change it where it is, then reload")]
    ReadOnly(String),
    /// Somebody else changed it.
    #[error("version {found} is there, {expected} was expected; read it again")]
    Conflict {
        /// The version that is there; 0 = none.
        found: u64,
        /// The version that the writer had read.
        expected: u64,
    },
    /// What is wrong with the text.
    #[error("{} problems; the first: {}", .0.len(), .0.first().map_or_else(String::new, ToString::to_string))]
    Wrong(Vec<Problem>),
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
    /// Disk or records do not take or give it now.
    #[error("{0}")]
    Io(String),
}

/// A file as it is now, or was in a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name, without `.yml`.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// Counts from 1; goes on when a removed file is made again.
    pub version: u64,
    /// Who wrote it.
    pub author: String,
    /// When, ms since the epoch; of changes by hand, when they were noticed.
    pub changed_ms: Timestamp,
    /// Why, as the author says.
    pub comment: String,
    /// Whether this version is the removal of the file.
    pub removed: bool,
    /// Why what is on the disk cannot be read; the rest is then that of the newest version.
    pub unreadable: Option<String>,
}

/// A version in the history of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFileVersion {
    /// The version, without its text.
    pub file: RuleFile,
    /// What differs from the version before, as `diff -u` shows it; `None` when that is not kept.
    pub diff: Option<String>,
}

/// A wish to change a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFileEdit {
    /// Which.
    pub name: String,
    /// What shall be in it; `None` removes it.
    pub text: Option<String>,
    /// Who wants it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// The version that must be there now; 0 = none; `None` = any.
    pub expected: Option<u64>,
}

/// What stands in a document.
#[derive(Serialize, Deserialize)]
struct Body {
    text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

/// The rule files of a data directory, or its receivers. Share it; calls block.
pub struct RuleFiles {
    kind: &'static str,
    disk: Arc<dyn Disk>,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    /// Held by whoever changes files, writes versions, or reads all files to apply them.
    changing: Mutex<()>,
}

/// Whether a file of the API may have this name.
pub fn is_rule_file_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// Where the files of a data directory are.
pub fn rules_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("rules")
}

/// Where the files of receivers of a data directory are.
pub fn receivers_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("receivers")
}

/// The names of the files in `dir`, in order; none when there is no such directory. Other names are passed over.
///
/// # Errors
/// The system's, and more than [`FILES_MAX`] files.
pub fn rule_file_names(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<String>> {
    let entries = match disk.list(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let files = entries.into_iter().filter(|e| !e.is_dir);
    let names = files.filter_map(|e| Some(e.name.strip_suffix(".yml")?.to_owned()));
    let names: Vec<String> = names.filter(|n| is_rule_file_name(n)).collect();
    if names.len() > FILES_MAX {
        let found = names.len();
        return Err(io::Error::other(format!("{found} files; at most {FILES_MAX}")));
    }
    Ok(names)
}

/// Reads a text of at most `max` bytes.
///
/// # Errors
/// The system's; a longer file; one that is not UTF-8.
pub fn read_text(disk: &dyn Disk, path: &Path, max: usize) -> io::Result<String> {
    let file = disk.open(path, Open::Read)?;
    let len = usize::try_from(file.len()?).unwrap_or(usize::MAX);
    if len > max {
        return Err(io::Error::other(format!("{len} bytes; at most {max} are read")));
    }
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("not UTF-8"))
}

impl RuleFiles {
    /// The receivers below a data directory.
    pub fn of_receivers(
        disk: Arc<dyn Disk>,
        records: Arc<dyn Records>,
        clock: Arc<dyn Clock>,
        data_dir: &Path,
    ) -> Self {
        let dir = receivers_dir(data_dir);
        Self { kind: RECEIVERS, disk, records, clock, dir, changing: Mutex::new(()) }
    }

    /// The rule files below a data directory.
    pub fn new(
        disk: Arc<dyn Disk>,
        records: Arc<dyn Records>,
        clock: Arc<dyn Clock>,
        data_dir: &Path,
    ) -> Self {
        let dir = rules_dir(data_dir);
        Self { kind: RULES, disk, records, clock, dir, changing: Mutex::new(()) }
    }

    /// Where a file is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.yml"))
    }

    /// Does something while no file is changed through this.
    pub fn held<T>(&self, work: impl FnOnce() -> T) -> T {
        let _held = self.changing.lock();
        work()
    }

    /// All files, by name. What was changed by hand is written down.
    ///
    /// # Errors
    /// `Io`.
    pub fn list(&self) -> Result<Vec<RuleFile>, RuleFileError> {
        let _held = self.changing.lock();
        let kept = self.records.documents(self.kind).map_err(records)?;
        let kept = kept.into_iter().map(|d| (d.id.clone(), file_of(d)));
        let mut kept: BTreeMap<String, RuleFile> = kept.collect();
        let names = rule_file_names(&*self.disk, &self.dir)
            .map_err(|e| RuleFileError::Io(format!("{}: {e}", self.dir.display())))?;
        for name in names {
            kept.entry(name.clone()).or_insert_with(|| RuleFile::nothing(&name));
        }
        let (mut files, mut changes) = (Vec::new(), Vec::new());
        for (_, before) in kept {
            let (now, change) = self.look(before);
            changes.extend(change);
            files.push(now);
        }
        for batch in changes.chunks(BATCH) {
            self.records.apply(batch).map_err(records)?;
        }
        files.retain(|f| !f.removed);
        Ok(files)
    }

    /// One file as it is now, or a version of it.
    ///
    /// # Errors
    /// `Name`, `NotFound`, `Io`.
    pub fn read(&self, name: &str, version: Option<u64>) -> Result<RuleFile, RuleFileError> {
        let _held = self.changing.lock();
        let now = self.noticed(name)?;
        match version {
            None => {
                if let Some(why) = &now.unreadable {
                    return Err(RuleFileError::Io(format!("{name}: {why}")));
                }
                Some(now).filter(|f| !f.removed)
            }
            Some(wanted) => {
                let history = self.records.history(self.kind, name).map_err(records)?;
                history.into_iter().find(|d| d.version == wanted).map(file_of)
            }
        }
        .ok_or_else(|| {
            let of = version.map_or_else(String::new, |v| format!(" version {v}"));
            RuleFileError::NotFound(format!("{name}{of}"))
        })
    }

    /// The versions of a file, also of a removed one, newest first.
    ///
    /// # Errors
    /// `Name`, `NotFound`, `Io`.
    pub fn versions(&self, name: &str) -> Result<Vec<RuleFileVersion>, RuleFileError> {
        let history = {
            let _held = self.changing.lock();
            self.noticed(name)?;
            self.records.history(self.kind, name).map_err(records)?
        };
        if history.is_empty() {
            return Err(RuleFileError::NotFound(name.to_owned()));
        }
        let files: Vec<RuleFile> = history.into_iter().map(file_of).collect();
        let version = |(i, file): (usize, &RuleFile)| {
            let before = files.get(i + 1).map(|b| (b.version, b.text.as_str()));
            let before = before.or((file.version == 1).then_some((0, "")));
            let diff = before.map(|(version, text)| {
                let (from, to) =
                    (format!("{name}.yml {version}"), format!("{name}.yml {}", file.version));
                unified(&from, text, &to, &file.text)
            });
            RuleFileVersion { file: RuleFile { text: String::new(), ..file.clone() }, diff }
        };
        Ok(files.iter().enumerate().map(version).collect())
    }

    /// Changes or removes a file and applies it, or does nothing at all. `check` reads the text that is to be
    /// (`None`: no file) and makes of it what `apply` takes. A text that is there already makes no version, and is
    /// applied all the same: it may have been edited by hand.
    ///
    /// # Errors
    /// All but `ReadOnly`.
    pub fn change<T>(
        &self,
        edit: &RuleFileEdit,
        check: impl FnOnce(Option<&str>) -> Result<T, Vec<Problem>>,
        apply: impl FnOnce(T),
    ) -> Result<RuleFile, RuleFileError> {
        bounded(edit)?;
        let _held = self.changing.lock();
        let now = self.noticed(&edit.name)?;
        let found = if now.removed { 0 } else { now.version };
        if edit.text.is_none() && now.removed {
            return Err(RuleFileError::NotFound(edit.name.clone()));
        }
        let readable = !now.removed && now.unreadable.is_none();
        let same = readable && edit.text.as_ref() == Some(&now.text);
        match edit.expected {
            Some(expected) if !same && expected != found => {
                return Err(RuleFileError::Conflict { found, expected });
            }
            _ => {}
        }
        let ready = check(edit.text.as_deref()).map_err(RuleFileError::Wrong)?;
        if same {
            apply(ready);
            return Ok(now);
        }
        let after = RuleFile {
            name: edit.name.clone(),
            text: edit.text.clone().unwrap_or_default(),
            version: now.version + 1,
            author: edit.author.clone(),
            changed_ms: self.clock.wall_ms(),
            comment: edit.comment.clone(),
            removed: edit.text.is_none(),
            unreadable: None,
        };
        let mut changes = vec![put(self.kind, &after)?];
        if after.removed {
            changes.extend(self.forgotten()?);
        } else if found == 0 {
            self.room()?;
        }
        let written = self.write(&edit.name, edit.text.as_deref());
        let done = written.and_then(|()| self.records.apply(&changes).map_err(records));
        if let Err(e) = done {
            return Err(match self.undo(&now) {
                Ok(()) => e,
                Err(again) => RuleFileError::Io(format!("{e}; and the file is changed: {again}")),
            });
        }
        apply(ready);
        Ok(after)
    }

    /// A file as it is, after writing down what was changed by hand.
    fn noticed(&self, name: &str) -> Result<RuleFile, RuleFileError> {
        if !is_rule_file_name(name) {
            return Err(RuleFileError::Name(name.to_owned()));
        }
        let kept = self.records.document(self.kind, name).map_err(records)?;
        let (now, change) = self.look(kept.map_or_else(|| RuleFile::nothing(name), file_of));
        self.records.apply(change.as_slice()).map_err(records)?;
        Ok(now)
    }

    /// Compares what was written down last with what is on the disk; what is there now, and the version to be
    /// written down when it differs.
    fn look(&self, before: RuleFile) -> (RuleFile, Option<Change>) {
        let text = match read_text(&*self.disk, &self.path(&before.name), FILE_BYTES_MAX) {
            Ok(text) => Some(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => {
                let unreadable = Some(format!("{}: {e}", self.path(&before.name).display()));
                return (RuleFile { removed: false, unreadable, ..before }, None);
            }
        };
        let same = match &text {
            None => before.removed,
            Some(text) => !before.removed && *text == before.text,
        };
        if same {
            return (before, None);
        }
        let now = RuleFile {
            removed: text.is_none(),
            text: text.unwrap_or_default(),
            version: before.version + 1,
            author: BY_HAND.to_owned(),
            changed_ms: self.clock.wall_ms(),
            comment: String::new(),
            ..before
        };
        match put(self.kind, &now) {
            Ok(change) => (now, Some(change)),
            Err(e) => (RuleFile { unreadable: Some(e.to_string()), ..now }, None),
        }
    }

    /// Puts back what was there, where it is not there.
    fn undo(&self, before: &RuleFile) -> Result<(), RuleFileError> {
        if let Some(why) = &before.unreadable {
            return Err(RuleFileError::Io(why.clone()));
        }
        let (now, change) = self.look(before.clone());
        if change.is_none() && now.unreadable.is_none() {
            return Ok(());
        }
        self.write(&before.name, (!before.removed).then_some(before.text.as_str()))
    }

    /// Whether another file has room.
    fn room(&self) -> Result<(), RuleFileError> {
        let names = rule_file_names(&*self.disk, &self.dir)
            .map_err(|e| RuleFileError::Io(format!("{}: {e}", self.dir.display())))?;
        if names.len() >= FILES_MAX {
            let found = names.len() + 1;
            return Err(RuleFileError::Limit { what: "files", found, max: FILES_MAX });
        }
        Ok(())
    }

    /// The history that has to go so that that of another removed file has room.
    fn forgotten(&self) -> Result<Vec<Change>, RuleFileError> {
        let all = self.records.documents(self.kind).map_err(records)?;
        let mut removed: Vec<RuleFile> =
            all.into_iter().map(file_of).filter(|f| f.removed).collect();
        removed.sort_by_key(|f| f.changed_ms);
        let over = (removed.len() + 1).saturating_sub(FILES_MAX);
        let forget = |f: RuleFile| Change::Remove { kind: self.kind.to_owned(), id: f.name };
        Ok(removed.into_iter().take(over).map(forget).collect())
    }

    /// Puts `text` in place of what is in a file, durably; `None` removes it.
    fn write(&self, name: &str, text: Option<&str>) -> Result<(), RuleFileError> {
        let path = self.path(name);
        let written = match text {
            Some(text) => self.replace(name, &path, text.as_bytes()),
            None => match self.disk.remove(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                _ => self.disk.sync_dir(&self.dir),
            },
        };
        let failed = |e: io::Error| format!("{} cannot be written: {e}", path.display());
        written.map_err(|e| RuleFileError::Io(failed(e)))
    }

    fn replace(&self, name: &str, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if !self.disk.exists(&self.dir) {
            self.disk.create_dir_all(&self.dir)?;
            if let Some(parent) = self.dir.parent() {
                self.disk.sync_dir(parent)?;
            }
        }
        let beside = self.dir.join(format!(".{name}.new"));
        match self.disk.remove(&beside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let written = self.disk.open(&beside, Open::CreateNew).and_then(|file| {
            file.write_all_at(bytes, 0)?;
            file.sync()
        });
        if let Err(e) = written.and_then(|()| self.disk.rename(&beside, path)) {
            // What is left there takes nobody's place, and is removed before the next attempt.
            let _kept_or_not = self.disk.remove(&beside);
            return Err(e);
        }
        self.disk.sync_dir(&self.dir)
    }
}

impl RuleFile {
    /// What is known of a file before it was ever there.
    fn nothing(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: String::new(),
            version: 0,
            author: String::new(),
            changed_ms: 0,
            comment: String::new(),
            removed: true,
            unreadable: None,
        }
    }
}

fn bounded(edit: &RuleFileEdit) -> Result<(), RuleFileError> {
    let sizes = [
        ("bytes of the file", edit.text.as_ref().map_or(0, String::len), FILE_BYTES_MAX),
        ("bytes of author", edit.author.len(), AUTHOR_BYTES_MAX),
        ("bytes of comment", edit.comment.len(), COMMENT_BYTES_MAX),
    ];
    match sizes.into_iter().find(|(_, found, max)| found > max) {
        Some((what, found, max)) => Err(RuleFileError::Limit { what, found, max }),
        None => Ok(()),
    }
}

/// The change that writes a version down.
fn put(kind: &str, file: &RuleFile) -> Result<Change, RuleFileError> {
    let (text, comment) = (file.text.clone(), file.comment.clone());
    let body = serde_json::to_string(&Body { text, comment, removed: file.removed })
        .map_err(|e| RuleFileError::Io(e.to_string()))?;
    let max = plimsoll_records::BODY_BYTES_MAX;
    if body.len() > max {
        let what = "bytes of the file, written as JSON";
        return Err(RuleFileError::Limit { what, found: body.len(), max });
    }
    Ok(Change::Put {
        kind: kind.to_owned(),
        id: file.name.clone(),
        time_ms: file.changed_ms,
        author: file.author.clone(),
        body,
        expected: Some(file.version - 1),
        keep: VERSIONS_KEPT,
    })
}

/// What a document says; one that cannot be read is a version without text.
fn file_of(document: Document) -> RuleFile {
    let body = serde_json::from_str(&document.body).unwrap_or_else(|e| {
        tracing::warn!(file = document.id, error = %e, "a version of a file is not readable");
        Body { text: String::new(), comment: "not readable".to_owned(), removed: true }
    });
    RuleFile {
        name: document.id,
        text: body.text,
        version: document.version,
        author: document.author,
        changed_ms: document.time_ms,
        comment: body.comment,
        removed: body.removed,
        unreadable: None,
    }
}

fn records(error: plimsoll_records::Error) -> RuleFileError {
    RuleFileError::Io(error.to_string())
}

#[cfg(test)]
mod tests;
