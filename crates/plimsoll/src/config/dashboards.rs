//! Dashboards as files: `dashboards.files` names them by path or pattern, relative to the configuration.
//!
//! A file is read as YAML or JSON. Its name, without its ending, is the dashboard's where the file says none. All of them
//! are right, or the configuration is not.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_model::written::{Fields, Node, Problem, Problems};
use plimsoll_query::Features;
use plimsoll_show::dashboard::{DASHBOARDS_MAX, Dashboard, Level, check_value, from_yaml, slug};

/// The patterns of the section.
pub fn read(node: &Node, problems: &mut Problems) -> Vec<String> {
    let mut fields = Fields::of(node, "dashboards", problems);
    let files = fields.texts("files", problems);
    fields.finish(problems);
    files
}

/// The dashboards of all files, and what is wrong with them.
pub fn load(
    patterns: &[String],
    base: &Path,
    features: &Features,
) -> (Vec<Dashboard>, Vec<Problem>) {
    let (mut all, mut problems) = (BTreeMap::<String, Dashboard>::new(), Vec::new());
    let problem = |file: &Path, key: &str, message: String| Problem {
        file: file.display().to_string(),
        line: 0,
        key: key.to_owned(),
        message,
    };
    for pattern in patterns {
        let files = match super::rules::matching(base, pattern) {
            Ok(files) => files,
            Err(message) => {
                problems.push(problem(Path::new(pattern), "dashboards.files", message));
                continue;
            }
        };
        for file in files {
            let text = match super::read(&file) {
                Ok(text) => text,
                Err(mut wrong) => {
                    problems.append(&mut wrong);
                    continue;
                }
            };
            let value = match from_yaml(&text) {
                Ok(value) => value,
                Err(message) => {
                    problems.push(problem(&file, "", message));
                    continue;
                }
            };
            let checked = check_value(&value, features);
            let errors = checked.problems.iter().filter(|p| p.level == Level::Error);
            problems.extend(
                errors.map(|p| problem(&file, &p.path, format!("{}; {}", p.text, p.remedy))),
            );
            let Some(mut dashboard) = checked.dashboard else { continue };
            if dashboard.id.is_empty() {
                let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned());
                dashboard.id = slug(&stem.unwrap_or_default());
            }
            dashboard.version = 0;
            let id = dashboard.id.clone();
            if all.insert(id.clone(), dashboard).is_some() {
                problems.push(problem(
                    &file,
                    "id",
                    format!("{id} is the name of another file's dashboard"),
                ));
            }
        }
    }
    if all.len() > DASHBOARDS_MAX {
        let message = format!("{} files; at most {DASHBOARDS_MAX}", all.len());
        problems.push(problem(Path::new("dashboards.files"), "", message));
    }
    (all.into_values().collect(), problems)
}
