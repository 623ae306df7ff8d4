//! Rule files: found by path or pattern, read, checked.

use std::path::{Path, PathBuf};

use plimsoll_alert::{Group, default_rules, read_rules};
use plimsoll_model::written::Problem;
use plimsoll_query::Features;

/// Files that one pattern may name.
const FILES_MAX: usize = 1_000;

/// The rules of all files of a configuration, and what is wrong with them.
pub fn load(
    config: &plimsoll_alert::config::Config,
    base: &Path,
    bare: bool,
    features: &Features,
) -> (Vec<Group>, Vec<Problem>) {
    let (mut groups, mut problems) =
        load_files(&config.rule_files, base, config.interval_ms, features);
    if config.default_rules && !bare {
        match default_rules(config.interval_ms) {
            Ok(own) => groups.extend(own),
            Err(mut wrong) => problems.append(&mut wrong),
        }
    }
    (groups, problems)
}

/// The rules of files; patterns are relative to `base`.
pub fn load_files(
    patterns: &[String],
    base: &Path,
    interval_ms: i64,
    features: &Features,
) -> (Vec<Group>, Vec<Problem>) {
    let (mut groups, mut problems) = (Vec::new(), Vec::new());
    for pattern in patterns {
        match matching(base, pattern) {
            Ok(files) => {
                for file in files {
                    match check_rule_file(&file, interval_ms, features) {
                        Ok(found) => groups.extend(found),
                        Err(mut wrong) => problems.append(&mut wrong),
                    }
                }
            }
            Err(message) => problems.push(Problem {
                file: pattern.clone(),
                line: 0,
                key: "rule_files".to_owned(),
                message,
            }),
        }
    }
    (groups, problems)
}

/// Reads and checks one rule file.
///
/// # Errors
/// Every problem of the file.
pub fn check_rule_file(
    file: &Path,
    interval_ms: i64,
    features: &Features,
) -> Result<Vec<Group>, Vec<Problem>> {
    let text = super::read(file)?;
    read_rules(&file.display().to_string(), &text, interval_ms, features)
}

/// The files that a pattern names: `*` stands for anything in the last part of the path. A path
/// without `*` must exist; a pattern may name none.
pub fn matching(base: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let path = base.join(pattern);
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.contains('*') {
        return Ok(vec![path]);
    }
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(dir)
        .map_err(|e| format!("the directory {} cannot be read: {e}", dir.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|e| fits(&name, &e.file_name().to_string_lossy()))
        .map(|e| e.path())
        .collect();
    files.sort();
    if files.len() > FILES_MAX {
        return Err(format!("the pattern names {} files; at most {FILES_MAX}", files.len()));
    }
    Ok(files)
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    (0..=rest.len()).filter(|i| rest.is_char_boundary(*i)).any(|i| fits(tail, &rest[i..]))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(fits("*.yml", "a.yml") && fits("r*l*.yml", "rules.yml") && fits("*", ""));
        assert!(!fits("*.yml", "a.yaml") && !fits("a*", "ba"));
    }
}
