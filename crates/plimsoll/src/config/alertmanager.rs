//! An Alertmanager configuration file, taken as it is, in place of the routes of our section `alert`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_alert::Routing;
use plimsoll_alert::config::{Loaded, read_file, unused, wrong_texts};
use plimsoll_model::written::Problem;

use super::rules::matching;
use super::{Config, read};

/// Reads the file that a flag or `alert.alertmanager_config` names, if one does. The key's path is
/// relative to `base`.
pub fn merge(flag: Option<&Path>, base: &Path, config: &mut Config, found: &mut Vec<Problem>) {
    let written = config.alert.alertmanager_config.take().map(|path| base.join(path));
    let Some(path): Option<PathBuf> = flag.map(Path::to_owned).or(written) else { return };
    match check_allowing(&path, &config.alert.exec_allowed) {
        Ok(Loaded { routing, unsupported }) => {
            config.alert.routing = routing;
            config.unsupported.extend(unsupported);
        }
        Err(mut problems) => found.append(&mut problems),
    }
    config.alert.alertmanager_config = Some(path);
}

/// Reads the template files of a configuration in `base`, and checks the texts of receivers.
pub fn templates(file: &Path, base: &Path, routing: &mut Arc<Routing>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |file: &Path, line: usize, key: &str, message: String| {
        let (file, line) = (file.display().to_string(), line as u64);
        problems.push(Problem { file, line, key: key.to_owned(), message });
    };
    let routing = Arc::make_mut(routing);
    for pattern in &routing.templates {
        let files = matching(base, pattern).unwrap_or_default();
        // As in Alertmanager, a pattern may name nothing.
        for path in files.iter().filter(|p| p.is_file()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match read(path) {
                Ok(text) => {
                    if let Err(e) = routing.named.add(&name, &text) {
                        problem(path, e.line, "templates", e.to_string());
                    }
                }
                Err(wrong) => {
                    wrong.into_iter().for_each(|p| problem(path, 0, "templates", p.message))
                }
            }
        }
    }
    for (key, e) in wrong_texts(routing) {
        problem(file, 0, &key, e.to_string());
    }
    problems
}

/// Reads and checks an Alertmanager configuration file with its templates. It may run no programs.
///
/// # Errors
/// Every problem of the files.
pub fn check(path: &Path) -> Result<Loaded, Vec<Problem>> {
    check_allowing(path, &[])
}

fn check_allowing(path: &Path, exec_allowed: &[PathBuf]) -> Result<Loaded, Vec<Problem>> {
    let text = read(path)?;
    let mut loaded = read_file(&path.display().to_string(), &text, exec_allowed)?;
    // Patterns lie beside the file already.
    let wrong = templates(path, Path::new(""), &mut loaded.routing);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    for name in unused(&loaded.routing) {
        let text = format!("{}: no route leads to the receiver {name:?}", path.display());
        loaded.unsupported.push(text);
    }
    Ok(loaded)
}
