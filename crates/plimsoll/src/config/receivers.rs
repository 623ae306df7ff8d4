//! Receivers that are added through the API: read from the data directory and joined to what is configured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_alert::config::{Added, read_added};
use plimsoll_alert::{RULE_FILE_BYTES_MAX, Routing, read_text, receivers_dir, rule_file_names};
use plimsoll_model::written::Problem;
use plimsoll_world::RealDisk;

/// The receivers that the API keeps below a data directory, and what they are added to.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Who is told as the configuration says.
    pub configured: Arc<Routing>,
    /// Who is added, by name.
    pub added: BTreeMap<String, Added>,
    /// What was read, by name.
    pub texts: BTreeMap<String, String>,
}

impl Kept {
    /// Who is told, all in all.
    ///
    /// # Errors
    /// A name that the configuration has too.
    pub fn joined(&self) -> Result<Arc<Routing>, String> {
        if self.added.is_empty() {
            return Ok(Arc::clone(&self.configured));
        }
        let added: Vec<Added> = self.added.values().cloned().collect();
        self.configured.with(&added).map(Arc::new)
    }
}

/// Reads the files that the API keeps.
pub fn load(
    data_dir: &Path,
    configured: Arc<Routing>,
    exec_allowed: &[PathBuf],
) -> (Kept, Vec<Problem>) {
    let (mut kept, mut problems) = (Kept { configured, ..Kept::default() }, Vec::new());
    // What is wrong with the directory itself is told by who opens it.
    if !data_dir.is_dir() {
        return (kept, problems);
    }
    let dir = receivers_dir(data_dir);
    let problem = |path: &Path, message: String| Problem {
        file: path.display().to_string(),
        line: 0,
        key: String::new(),
        message,
    };
    let names = rule_file_names(&RealDisk, &dir).unwrap_or_else(|e| {
        problems.push(problem(&dir, format!("cannot be read: {e}")));
        Vec::new()
    });
    for name in names {
        let path = dir.join(format!("{name}.yml"));
        match read_text(&RealDisk, &path, RULE_FILE_BYTES_MAX) {
            Err(e) => problems.push(problem(&path, format!("cannot be read: {e}"))),
            Ok(text) => {
                match read_added(&name, &path.display().to_string(), &text, exec_allowed) {
                    Ok(added) => _ = kept.added.insert(name.clone(), added),
                    Err(mut wrong) => problems.append(&mut wrong),
                }
                kept.texts.insert(name, text);
            }
        }
    }
    if let Err(why) = kept.joined() {
        problems.push(problem(&dir, why));
    }
    (kept, problems)
}
