//! Rule files as the door asks for them: those that the API keeps, and what else runs, to be read only.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use plimsoll_alert::registry::REGISTRY_FILE;
use plimsoll_alert::{
    Group, RuleFile, RuleFileEdit, RuleFileError, RuleFileVersion, RuleFiles, default_rules_text,
    is_rule_file_name, read_rules, read_text,
};
use plimsoll_model::written::{Problem, WRITTEN_BYTES_MAX};
use plimsoll_serve::{FileShelf, RuleShelf, ShelvedRules};

use super::{Handles, prepared};

/// Notes what was changed by hand since the last look. A history that cannot be written holds up nothing.
pub fn note(files: &RuleFiles) {
    if let Err(e) = files.list() {
        tracing::warn!(error = %e, "changes of files by hand are not noted");
    }
}

/// The door's way to rule files.
pub struct Shelf {
    handles: Arc<Handles>,
}

impl Shelf {
    /// For these parts.
    pub fn new(handles: Arc<Handles>) -> Self {
        Self { handles }
    }

    fn path(&self, name: &str) -> String {
        self.handles.rule_files.path(name).display().to_string()
    }

    fn read_groups(&self, file: &str, text: &str) -> Result<Vec<Group>, Vec<Problem>> {
        let config = self.handles.config.read();
        read_rules(file, text, config.alert.interval_ms, &config.query.features)
    }

    /// Puts the groups of a file in place of those that run, or takes them away.
    fn apply(&self, name: &str, groups: Vec<Group>, text: Option<&str>) {
        let mut config = self.handles.config.write();
        let file = self.path(name);
        let kept = &mut config.kept_rules;
        kept.groups.retain(|g| g.file != file);
        kept.groups.extend(groups);
        match text {
            Some(text) => kept.texts.insert(name.to_owned(), text.to_owned()),
            None => kept.texts.remove(name),
        };
        self.handles.alerting.apply(prepared(&config, &self.handles.metrics));
        tracing::info!(file, "rules applied");
    }

    /// Whether a file runs that is not kept here.
    fn runs_elsewhere(&self, name: &str) -> bool {
        name == REGISTRY_FILE || self.handles.config.read().groups.iter().any(|g| g.file == name)
    }
}

/// How many groups and rules there are, by file.
fn counted(groups: &[Group]) -> BTreeMap<String, (usize, usize)> {
    let mut all: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for group in groups {
        let (groups, rules) = all.entry(group.file.clone()).or_default();
        *groups += 1;
        *rules += group.rules.len();
    }
    all
}

impl RuleShelf for Shelf {
    fn list(&self) -> Result<Vec<ShelvedRules>, RuleFileError> {
        let kept = self.handles.rule_files.list()?;
        let config = self.handles.config.read();
        let here = counted(&config.kept_rules.groups);
        let in_force = |f: &RuleFile| config.kept_rules.texts.get(&f.name) == Some(&f.text);
        let mut all: Vec<ShelvedRules> = kept
            .into_iter()
            .map(|file| {
                let path = self.path(&file.name);
                let (groups, rules) = here.get(&path).copied().unwrap_or_default();
                let in_force = in_force(&file) && file.unreadable.is_none();
                ShelvedRules {
                    name: file.name.clone(),
                    path,
                    groups,
                    rules,
                    in_force,
                    kept: Some(file),
                }
            })
            .collect();
        let of_metrics = self.handles.metrics.groups(config.alert.interval_ms);
        let others = counted(&config.groups).into_iter().chain(counted(&of_metrics));
        let others = others.map(|(path, (groups, rules))| {
            let name = path.clone();
            ShelvedRules { name, path, groups, rules, in_force: true, kept: None }
        });
        all.extend(others);
        Ok(all)
    }
}

impl FileShelf for Shelf {
    fn read(
        &self,
        name: &str,
        version: Option<u64>,
    ) -> Result<(String, Option<RuleFile>), RuleFileError> {
        if is_rule_file_name(name) || !self.runs_elsewhere(name) {
            let file = self.handles.rule_files.read(name, version)?;
            return Ok((file.text.clone(), Some(file)));
        }
        if name == REGISTRY_FILE {
            return Ok((self.handles.metrics.text(), None));
        }
        let packs = self.handles.config.read().alert.default_packs.clone();
        if let Some(text) = default_rules_text(name, &packs) {
            return Ok((text, None));
        }
        let text = read_text(&*self.handles.world.disk, Path::new(name), WRITTEN_BYTES_MAX);
        let text = text.map_err(|e| RuleFileError::Io(format!("{name} cannot be read: {e}")))?;
        Ok((text, None))
    }

    fn change(&self, edit: &RuleFileEdit) -> Result<RuleFile, RuleFileError> {
        if !is_rule_file_name(&edit.name) && self.runs_elsewhere(&edit.name) {
            return Err(RuleFileError::ReadOnly(edit.name.clone()));
        }
        let file = self.path(&edit.name);
        let check = |text: Option<&str>| {
            text.map_or_else(|| Ok(Vec::new()), |text| self.read_groups(&file, text))
        };
        let apply = |groups| self.apply(&edit.name, groups, edit.text.as_deref());
        self.handles.rule_files.change(edit, check, apply)
    }

    fn versions(&self, name: &str) -> Result<Vec<RuleFileVersion>, RuleFileError> {
        if !is_rule_file_name(name) && self.runs_elsewhere(name) {
            return Err(RuleFileError::ReadOnly(name.to_owned()));
        }
        self.handles.rule_files.versions(name)
    }

    fn check(&self, text: &str) -> Vec<Problem> {
        self.read_groups("rules", text).err().unwrap_or_default()
    }
}
