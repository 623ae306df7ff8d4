//! An Alertmanager configuration file, taken as it is, in place of the routes of our section `alert`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_alert::config::{Loaded, read_file, unused};
use plimsoll_model::written::Problem;

use super::{Config, read};

/// Reads the file that a flag or `alert.alertmanager_config` names, if one does. The key's path is
/// relative to `base`.
pub fn merge(flag: Option<&Path>, base: &Path, config: &mut Config, found: &mut Vec<Problem>) {
    let written = config.alert.alertmanager_config.take().map(|path| base.join(path));
    let Some(path): Option<PathBuf> = flag.map(Path::to_owned).or(written) else { return };
    match check(&path) {
        Ok(Loaded { routing, unsupported }) => {
            config.alert.routing = routing;
            config.unsupported.extend(unsupported);
        }
        Err(mut problems) => found.append(&mut problems),
    }
    config.alert.alertmanager_config = Some(path);
}

/// Reads and checks an Alertmanager configuration file.
///
/// # Errors
/// Every problem of the file.
pub fn check(path: &Path) -> Result<Loaded, Vec<Problem>> {
    let text = read(path)?;
    let mut loaded = read_file(&path.display().to_string(), &text)?;
    for name in unused(&loaded.routing) {
        let text = format!("{}: no route leads to the receiver {name:?}", path.display());
        loaded.unsupported.push(text);
    }
    Ok(Loaded { routing: Arc::clone(&loaded.routing), ..loaded })
}
