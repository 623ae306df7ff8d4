//! Named templates of notifications and the texts of receivers.

use std::sync::Arc;

use parking_lot::Mutex;
use plimsoll_model::Timestamp;
use regex::Regex;

use super::eval::{self, Trees};
use super::functions::{Env, Set};
use super::tree::{Node, Source};
use super::value::{Data, Type, Value};
use super::{ExpandError, Limits, TemplateError, check, read};

/// The templates that configurations refer to by name, in our words.
const STANDARD: &str = include_str!("standard.tmpl");

/// Named templates that may be read.
const NAMED_MAX: usize = 10_000;

/// How a text of a receiver is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// As HTML: what comes from data is escaped by its place.
    Html,
}

/// The named templates of a configuration. Copies share what was read.
#[derive(Clone, Debug)]
pub struct Templates {
    trees: Trees,
    kept: Arc<Mutex<Vec<(String, Regex)>>>,
}

impl Templates {
    /// None at all.
    pub(super) fn empty() -> Self {
        Self { trees: Trees::new(), kept: Arc::default() }
    }

    /// The standard templates alone: `slack.default.title` and so on.
    pub fn standard() -> Self {
        let mut templates = Self::empty();
        if let Err(e) = templates.add("standard.tmpl", STANDARD) {
            // A test keeps this from happening; pages go out without them all the same.
            tracing::error!(error = %e, "standard templates not read");
        }
        templates
    }

    /// Adds what a file defines; a name that is known already gets the new meaning.
    ///
    /// # Errors
    /// What is wrong in the file; nothing is added then.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), TemplateError> {
        let source = Source { name: file.to_owned(), text: text.to_owned(), before: 0 };
        let source = Arc::new(source);
        // The text around the definitions has the file's name, as in Go.
        let found = read(&source, file, Set::Alertmanager, &[])?;
        let mut trees = self.trees.clone();
        let is_text = |n: &Node| matches!(n, Node::Text(text) if text.trim().is_empty());
        for tree in found {
            // What is empty does not take the place of what is not.
            if !trees.contains_key(&tree.name) || !tree.body.iter().all(is_text) {
                trees.insert(tree.name.clone(), Arc::new(tree));
            }
        }
        if trees.len() > NAMED_MAX {
            let message = format!("more than {NAMED_MAX} named templates, the limit");
            return Err(TemplateError::new(&source, 0, message));
        }
        self.trees = trees;
        Ok(())
    }

    /// Checks all named templates; the names of those that are meant for a notification.
    ///
    /// # Errors
    /// A template that calls one that is not defined, with its file.
    pub fn check_all(&self) -> Result<(), TemplateError> {
        for tree in self.trees.values() {
            check::check(tree, &self.trees, Set::Alertmanager, Type::Any, &[])?;
        }
        Ok(())
    }

    /// Checks a text of a receiver against [`Data`].
    ///
    /// # Errors
    /// What is wrong and where; a named template that is called may be the cause.
    pub fn check(&self, text: &str) -> Result<(), TemplateError> {
        self.read(text).map(|_| ())
    }

    fn read(&self, text: &str) -> Result<(Trees, super::tree::Tree), TemplateError> {
        let source = Source { name: String::new(), text: text.to_owned(), before: 0 };
        let mut found = read(&Arc::new(source), "", Set::Alertmanager, &[])?;
        let main = found.remove(0);
        let mut trees = self.trees.clone();
        trees.extend(eval::collect(found));
        check::check(&main, &trees, Set::Alertmanager, Type::Data, &[])?;
        Ok((trees, main))
    }

    /// The text of a receiver for a notification at `now`, ms since the epoch.
    ///
    /// # Errors
    /// What failed. Send [`plain`] then.
    pub fn expand(
        &self,
        text: &str,
        kind: Kind,
        data: &Arc<Data>,
        now: Timestamp,
    ) -> Result<String, ExpandError> {
        self.expand_within(text, kind, data, now, Limits::NOTIFICATION)
    }

    pub(super) fn expand_within(
        &self,
        text: &str,
        kind: Kind,
        data: &Arc<Data>,
        now: Timestamp,
        limits: Limits,
    ) -> Result<String, ExpandError> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        let (trees, main) = self.read(text).map_err(|e| ExpandError(e.to_string()))?;
        let env = Env {
            now_ms: now,
            external_url: &data.external_url,
            queries: None,
            is_html: kind == Kind::Html,
            limits,
            steps: 0,
            asked: 0,
            kept: &self.kept,
        };
        let dot = Value::Data(Arc::clone(data));
        eval::run(&trees, &main, "", Set::Alertmanager, env, &dot, &[]).map_err(ExpandError)
    }
}

/// A text that needs no template: what fires, since when, and why the template's text is missing.
pub fn plain(data: &Data, error: &ExpandError) -> String {
    let mut out = format!("[{}] {} alerts", data.status.to_uppercase(), data.alerts.len());
    for alert in data.alerts.iter().take(20) {
        let labels: Vec<String> = alert.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let since = super::gotime::printed(&super::gotime::from_ms(alert.starts_at_ms));
        out.push_str(&format!("\n{}: {} since {since}", alert.status, labels.join(", ")));
        for (name, value) in alert.annotations.iter() {
            out.push_str(&format!("\n  {name}: {value}"));
        }
    }
    if data.alerts.len() > 20 {
        out.push_str(&format!("\nand {} more", data.alerts.len() - 20));
    }
    out.push_str(&format!("\n(error expanding template: {error})"));
    out
}
