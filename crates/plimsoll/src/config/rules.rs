//! Rule files: found by path or pattern or below the data directory, read, checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll_alert::{
    Group, RULE_FILE_BYTES_MAX, default_rules, give_way, read_rules, read_text, rule_file_names,
    rules_dir,
};
use plimsoll_model::written::Problem;
use plimsoll_query::Features;
use plimsoll_world::RealDisk;

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
        match default_rules(&config.default_packs, config.interval_ms) {
            Ok(mut defaults) => {
                give_way(&mut defaults, &groups);
                groups.extend(defaults);
            }
            Err(mut wrong) => problems.append(&mut wrong),
        }
    }
    (groups, problems)
}

/// The rules of the files that the API keeps below a data directory.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Their groups.
    pub groups: Vec<Group>,
    /// What was read, by name.
    pub texts: BTreeMap<String, String>,
}

/// Reads the files that the API keeps.
pub fn load_kept(data_dir: &Path, interval_ms: i64, features: &Features) -> (Kept, Vec<Problem>) {
    let (mut kept, mut problems) = (Kept::default(), Vec::new());
    // What is wrong with the directory itself is told by who opens it.
    if !data_dir.is_dir() {
        return (kept, problems);
    }
    let dir = rules_dir(data_dir);
    let unreadable = |path: &Path, e: &std::io::Error| Problem {
        file: path.display().to_string(),
        line: 0,
        key: String::new(),
        message: format!("cannot be read: {e}"),
    };
    let names = rule_file_names(&RealDisk, &dir).unwrap_or_else(|e| {
        problems.push(unreadable(&dir, &e));
        Vec::new()
    });
    for name in names {
        let path = dir.join(format!("{name}.yml"));
        match read_text(&RealDisk, &path, RULE_FILE_BYTES_MAX) {
            Err(e) => problems.push(unreadable(&path, &e)),
            Ok(text) => {
                match read_rules(&path.display().to_string(), &text, interval_ms, features) {
                    Ok(groups) => kept.groups.extend(groups),
                    Err(mut wrong) => problems.append(&mut wrong),
                }
                kept.texts.insert(name, text);
            }
        }
    }
    (kept, problems)
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
