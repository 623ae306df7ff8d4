//! Receivers as the door adds and changes them.

use std::sync::Arc;

use plimsoll_alert::config::{Added, Receiver, read_added};
use plimsoll_alert::{
    RULE_FILE_BYTES_MAX, RuleFile, RuleFileEdit, RuleFileError, RuleFileVersion, is_rule_file_name,
};
use plimsoll_model::written::Problem;
use plimsoll_serve::{FileShelf, ReceiverShelf, ShelvedReceiver};

use super::{Handles, prepared};

/// The door's way to receivers that are added here.
pub struct Receivers {
    handles: Arc<Handles>,
}

impl Receivers {
    /// For these parts.
    pub fn new(handles: Arc<Handles>) -> Self {
        Self { handles }
    }

    fn read_text(&self, name: &str, text: &str) -> Result<Added, Vec<Problem>> {
        let file = self.handles.receiver_files.path(name).display().to_string();
        let config = self.handles.config.read();
        read_added(name, &file, text, &config.alert.exec_allowed)
    }

    /// What a text would make of the receivers, checked as a whole.
    fn checked(&self, name: &str, text: Option<&str>) -> Result<Option<Added>, Vec<Problem>> {
        let Some(text) = text else { return Ok(None) };
        let added = self.read_text(name, text)?;
        let mut next = self.handles.config.read().kept_receivers.clone();
        next.added.insert(name.to_owned(), added.clone());
        next.joined().map_err(|message| {
            let (file, key) = (format!("{name}.yml"), "name".to_owned());
            vec![Problem { file, line: 0, key, message }]
        })?;
        Ok(Some(added))
    }

    /// Puts a receiver in place of the one of its name, or takes that away.
    fn apply(&self, name: &str, added: Option<Added>, text: Option<&str>) {
        let mut config = self.handles.config.write();
        let kept = &mut config.kept_receivers;
        match (added, text) {
            (Some(added), Some(text)) => {
                kept.added.insert(name.to_owned(), added);
                kept.texts.insert(name.to_owned(), text.to_owned());
            }
            _ => {
                kept.added.remove(name);
                kept.texts.remove(name);
            }
        }
        match kept.joined() {
            Ok(joined) => config.alert.routing = joined,
            // The configuration was read again between the check and now.
            Err(why) => tracing::error!(receiver = name, why, "a receiver is not in force"),
        }
        self.handles.alerting.apply(prepared(&config, &self.handles.metrics));
        tracing::info!(receiver = name, "receivers applied");
    }

    /// Whether the configuration has a receiver of this name.
    fn is_configured(&self, name: &str) -> bool {
        self.handles.config.read().kept_receivers.configured.receiver(name).is_some()
    }

    /// Receivers of the configuration are not kept here.
    fn ours(&self, name: &str) -> Result<(), RuleFileError> {
        if self.is_configured(name) {
            return Err(RuleFileError::ReadOnly(format!("the receiver {name}")));
        }
        Ok(())
    }
}

impl FileShelf for Receivers {
    fn read(
        &self,
        name: &str,
        version: Option<u64>,
    ) -> Result<(String, Option<RuleFile>), RuleFileError> {
        self.ours(name)?;
        let file = self.handles.receiver_files.read(name, version)?;
        Ok((file.text.clone(), Some(file)))
    }

    fn change(&self, edit: &RuleFileEdit) -> Result<RuleFile, RuleFileError> {
        self.ours(&edit.name)?;
        let check = |text: Option<&str>| self.checked(&edit.name, text);
        let apply = |added| self.apply(&edit.name, added, edit.text.as_deref());
        self.handles.receiver_files.change(edit, check, apply)
    }

    fn versions(&self, name: &str) -> Result<Vec<RuleFileVersion>, RuleFileError> {
        self.ours(name)?;
        self.handles.receiver_files.versions(name)
    }

    fn check(&self, text: &str) -> Vec<Problem> {
        self.read_text("receiver", text).err().unwrap_or_default()
    }
}

impl ReceiverShelf for Receivers {
    fn list(&self) -> Result<Vec<ShelvedReceiver>, RuleFileError> {
        let files = self.handles.receiver_files.list()?;
        let config = self.handles.config.read();
        let kept = &config.kept_receivers;
        let shelved = |file: RuleFile| {
            let matchers = kept.added.get(&file.name).map(|a| &a.matchers);
            ShelvedReceiver {
                matchers: matchers.into_iter().flatten().map(ToString::to_string).collect(),
                in_force: kept.texts.get(&file.name) == Some(&file.text)
                    && file.unreadable.is_none(),
                file,
            }
        };
        Ok(files.into_iter().map(shelved).collect())
    }

    fn draft(&self, name: &str, text: &str) -> Result<Receiver, RuleFileError> {
        self.ours(name)?;
        if !is_rule_file_name(name) {
            return Err(RuleFileError::Name(name.to_owned()));
        }
        let (found, max) = (text.len(), RULE_FILE_BYTES_MAX);
        if found > max {
            return Err(RuleFileError::Limit { what: "bytes of the text", found, max });
        }
        let added = self.checked(name, Some(text)).map_err(RuleFileError::Wrong)?;
        added.map(|a| a.receiver).ok_or_else(|| RuleFileError::NotFound(name.to_owned()))
    }
}
