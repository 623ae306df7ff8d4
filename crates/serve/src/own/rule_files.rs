//! `/api/plimsoll/v1/rules/files…` and `/api/plimsoll/v1/rules/check`: rule files that are changed here, and
//! those that only run here.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use plimsoll_alert::payload::rfc3339;
use plimsoll_alert::{RuleFile, RuleFileEdit, RuleFileError, RuleFileVersion};
use plimsoll_model::written::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::prom::blocking;
use crate::reply::{Failure, json as answer, own};
use crate::routes::Call;

/// Rule files, as the door shows them. Implemented by the binary; calls block.
pub trait RuleShelf: FileShelf {
    /// All of which something runs, and all that are kept below the data directory.
    ///
    /// # Errors
    /// Disk and records.
    fn list(&self) -> Result<Vec<ShelvedRules>, RuleFileError>;
}

/// Files with versions, as the door changes them: rules, receivers. Calls block.
pub trait FileShelf: Send + Sync {
    /// The text of a file or of a version of it, and what is known of a file that is kept here.
    ///
    /// # Errors
    /// There is none; disk and records.
    fn read(
        &self,
        name: &str,
        version: Option<u64>,
    ) -> Result<(String, Option<RuleFile>), RuleFileError>;
    /// Writes or removes a file and applies what is in it, or does nothing at all.
    ///
    /// # Errors
    /// Why nothing was done.
    fn change(&self, edit: &RuleFileEdit) -> Result<RuleFile, RuleFileError>;
    /// The history of a file, newest first.
    ///
    /// # Errors
    /// There is none; disk and records.
    fn versions(&self, name: &str) -> Result<Vec<RuleFileVersion>, RuleFileError>;
    /// What is wrong with a text.
    fn check(&self, text: &str) -> Vec<Problem>;
}

/// A rule file of which something runs, or that is kept.
pub struct ShelvedRules {
    /// By which it is asked for: the name of a file that is kept here, else its path.
    pub name: String,
    /// Where it is, as `/api/v1/rules` shows it.
    pub path: String,
    /// Groups of it that run.
    pub groups: usize,
    /// Rules in these.
    pub rules: usize,
    /// Whether what runs is what is in it.
    pub in_force: bool,
    /// What is known of it; `None` when it is kept elsewhere.
    pub kept: Option<RuleFile>,
}

/// What is wished of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    text: String,
    #[serde(default)]
    author: String,
    #[serde(default)]
    comment: String,
    expected_version: Option<u64>,
}

/// A text to be checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    text: String,
}

/// All files.
pub async fn list(app: Arc<App>, _: Call) -> Result<Response, Failure> {
    let files = match blocking(move || app.rule_files.list()).await? {
        Ok(files) => files,
        Err(e) => return Ok(refused(&e)),
    };
    let doc = |f: &ShelvedRules| {
        let kept = f.kept.as_ref();
        json!({
            "name": f.name,
            "path": f.path,
            "editable": kept.is_some(),
            "version": kept.map(|k| k.version),
            "author": kept.map(|k| k.author.as_str()),
            "changed_at": kept.map(|k| rfc3339(k.changed_ms)),
            "groups": f.groups,
            "rules": f.rules,
            "in_force": f.in_force,
            "unreadable": kept.and_then(|k| k.unreadable.as_deref()),
        })
    };
    Ok(own(&json!({ "files": files.iter().map(doc).collect::<Vec<_>>() })))
}

/// One file, or a version of it.
pub async fn get(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    get_of(app.rule_files.clone(), call).await
}

/// One file of a shelf.
pub(super) async fn get_of(shelf: Arc<dyn FileShelf>, call: Call) -> Result<Response, Failure> {
    let name = name(&call);
    let version = number(&call, "version")?;
    let asked = name.clone();
    let (text, kept) = match blocking(move || shelf.read(&asked, version)).await? {
        Ok(found) => found,
        Err(e) => return Ok(refused(&e)),
    };
    let kept = kept.as_ref();
    Ok(own(&json!({
        "name": name,
        "text": text,
        "editable": kept.is_some(),
        "version": kept.map(|k| k.version),
        "author": kept.map(|k| k.author.as_str()),
        "changed_at": kept.map(|k| rfc3339(k.changed_ms)),
        "comment": kept.map(|k| k.comment.as_str()),
        "removed": kept.is_some_and(|k| k.removed),
    })))
}

/// Writes a file.
pub async fn put(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    put_of(app.rule_files.clone(), call).await
}

/// Writes a file of a shelf.
pub(super) async fn put_of(shelf: Arc<dyn FileShelf>, call: Call) -> Result<Response, Failure> {
    let wish: Wish = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not a file as JSON: {e}")))?;
    change(
        shelf,
        RuleFileEdit {
            name: name(&call),
            text: Some(wish.text),
            author: wish.author,
            comment: wish.comment,
            expected: wish.expected_version,
        },
    )
    .await
}

/// Removes a file; its history stays.
pub async fn remove(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    remove_of(app.rule_files.clone(), call).await
}

/// Removes a file of a shelf; its history stays.
pub(super) async fn remove_of(shelf: Arc<dyn FileShelf>, call: Call) -> Result<Response, Failure> {
    let text = |key: &str| call.params.get(key).unwrap_or_default().to_owned();
    let expected = number(&call, "expected_version")?;
    let (author, comment) = (text("author"), text("comment"));
    change(shelf, RuleFileEdit { name: name(&call), text: None, author, comment, expected }).await
}

async fn change(shelf: Arc<dyn FileShelf>, edit: RuleFileEdit) -> Result<Response, Failure> {
    Ok(match blocking(move || shelf.change(&edit)).await? {
        Ok(file) => own(&json!({ "name": file.name, "version": file.version })),
        Err(e) => refused(&e),
    })
}

/// The history of a file.
pub async fn versions(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    versions_of(app.rule_files.clone(), call).await
}

/// The history of a file of a shelf.
pub(super) async fn versions_of(
    shelf: Arc<dyn FileShelf>,
    call: Call,
) -> Result<Response, Failure> {
    let name = name(&call);
    let versions = match blocking(move || shelf.versions(&name)).await? {
        Ok(versions) => versions,
        Err(e) => return Ok(refused(&e)),
    };
    let doc = |v: &RuleFileVersion| {
        json!({
            "version": v.file.version,
            "author": v.file.author,
            "changed_at": rfc3339(v.file.changed_ms),
            "comment": v.file.comment,
            "removed": v.file.removed,
            "diff": v.diff,
        })
    };
    Ok(own(&json!({ "versions": versions.iter().map(doc).collect::<Vec<_>>() })))
}

/// What is wrong with a text.
pub async fn check(app: Arc<App>, call: Call) -> Result<Response, Failure> {
    check_of(app.rule_files.clone(), call).await
}

/// What is wrong with a text for a shelf.
pub(super) async fn check_of(shelf: Arc<dyn FileShelf>, call: Call) -> Result<Response, Failure> {
    let draft: Draft = serde_json::from_slice(&call.body)
        .map_err(|e| Failure::bad_data(format!("the body is not {{\"text\": …}}: {e}")))?;
    let problems = blocking(move || shelf.check(&draft.text)).await?;
    Ok(own(&json!({ "problems": shown(&problems) })))
}

fn name(call: &Call) -> String {
    call.captured.first().cloned().unwrap_or_default()
}

fn number(call: &Call, key: &str) -> Result<Option<u64>, Failure> {
    let read = |text: &str| text.parse().map_err(|e| Failure::parameter(key, e));
    call.params.get(key).map(read).transpose()
}

/// Problems as JSON.
pub(super) fn shown(problems: &[Problem]) -> Vec<Value> {
    let doc = |p: &Problem| json!({ "line": p.line, "key": p.key, "message": p.message });
    problems.iter().map(doc).collect()
}

/// The answer when nothing was done: the usual error, with what programs need.
pub(super) fn refused(error: &RuleFileError) -> Response {
    use RuleFileError as E;
    let message = error.to_string();
    let failure = match error {
        E::NotFound(_) => Failure::not_found(message),
        E::Io(_) => Failure::unavailable(message),
        E::Conflict { .. } | E::ReadOnly(_) => {
            Failure { status: StatusCode::CONFLICT, kind: "conflict", message }
        }
        E::Limit { .. } => {
            Failure { status: StatusCode::PAYLOAD_TOO_LARGE, kind: "bad_data", message }
        }
        E::Name(_) | E::Wrong(_) => Failure::bad_data(message),
    };
    let mut doc = json!({
        "status": "error", "errorType": failure.kind, "error": failure.message,
    });
    match error {
        E::Wrong(problems) => doc["problems"] = json!(shown(problems)),
        E::Conflict { found, .. } => doc["version"] = json!(found),
        _ => return failure.into_response(),
    }
    answer(failure.status, serde_json::to_vec(&doc).unwrap_or_default())
}
