//! Which crate may use which, and what every manifest inherits.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// A crate and those of ours that it may use. Absences are the architecture: `store` and `query`
/// meet in `model`, `analyze` and `predict` see numbers only.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("world", &["model"]),
    ("wire", &["model"]),
    ("analyze", &["model"]),
    ("query", &["model", "world"]),
    ("guard", &["model", "world"]),
    ("net", &["model", "world"]),
    ("store", &["model", "world"]),
    ("records", &["model", "world", "guard"]),
    ("predict", &["model", "analyze"]),
    ("collect", &["model", "world", "wire", "net"]),
    ("insight", &["model", "world", "records", "query", "analyze", "predict"]),
    ("alert", &["model", "world", "net", "records", "query", "analyze", "predict"]),
    (
        "respond",
        &["model", "world", "net", "guard", "records", "query", "analyze", "predict", "alert"],
    ),
    ("remote", &["model", "world", "wire", "net"]),
    ("show", &["model", "records", "query", "analyze", "predict"]),
    (
        "serve",
        &[
            "model", "world", "wire", "net", "guard", "records", "collect", "store", "query",
            "analyze", "predict", "insight", "alert", "respond", "remote", "show",
        ],
    ),
    (
        "plimsoll",
        &[
            "model", "world", "wire", "net", "guard", "records", "collect", "store", "query",
            "analyze", "predict", "insight", "alert", "respond", "remote", "show", "serve",
        ],
    ),
];

/// Keys of `[package]` that come from the workspace.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license"];

/// Tables of dependencies. Tests obey the same edges.
const DEPENDENCIES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Reads every manifest and tells what is wrong in it.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for dir in fs::read_dir(root.join("crates"))? {
        let dir = dir?;
        let name = dir.file_name().to_string_lossy().into_owned();
        let Ok(text) = fs::read_to_string(dir.path().join("Cargo.toml")) else { continue };
        let manifest: Table = text.parse().with_context(|| format!("crates/{name}/Cargo.toml"))?;
        let at = |problem: String| format!("crates/{name}/Cargo.toml: {problem}");
        problems.extend(manifest_problems(&name, &manifest).into_iter().map(at));
    }
    let text = fs::read_to_string(root.join("xtask/Cargo.toml"))?;
    let at = |problem: String| format!("xtask/Cargo.toml: {problem}");
    problems.extend(inheritance(&text.parse()?).into_iter().map(at));
    Ok(problems)
}

fn manifest_problems(name: &str, manifest: &Table) -> Vec<String> {
    let mut problems = inheritance(manifest);
    let package = if name == "plimsoll" { name.to_owned() } else { format!("plimsoll-{name}") };
    let found = manifest.get("package").and_then(|p| p.get("name")).and_then(Value::as_str);
    if found != Some(&package) {
        problems.push(format!("package.name is {found:?}, expected {package:?}"));
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(crate_name, _)| *crate_name == name) else {
        problems.push("not in the table of crates; add it to xtask/src/tidy/edges.rs".to_owned());
        return problems;
    };
    for (table, dependency, value) in dependencies(manifest) {
        if value.get("workspace").and_then(Value::as_bool) != Some(true) {
            problems.push(format!("{table}.{dependency}: say workspace = true"));
        }
        let ours = dependency.strip_prefix("plimsoll-");
        let ours = ours.or((dependency == "plimsoll").then_some("plimsoll"));
        if let Some(ours) = ours.filter(|ours| *ours != name && !allowed.contains(ours)) {
            problems.push(format!("{table}: {name} must not use {ours}; it may use {allowed:?}"));
        }
    }
    problems
}

fn inheritance(manifest: &Table) -> Vec<String> {
    let inherits = |value: Option<&Value>| {
        value.and_then(|v| v.get("workspace")).and_then(Value::as_bool) == Some(true)
    };
    let package = manifest.get("package");
    let mut problems: Vec<String> = INHERITED
        .iter()
        .filter(|key| !inherits(package.and_then(|p| p.get(**key))))
        .map(|key| format!("say {key}.workspace = true"))
        .collect();
    if !inherits(manifest.get("lints")) {
        problems.push("say [lints] workspace = true".to_owned());
    }
    problems
}

/// Table, name and value of every dependency, those of single platforms included.
fn dependencies(manifest: &Table) -> Vec<(&'static str, &str, &Value)> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let mut places = vec![manifest];
    places.extend(targets.filter_map(|(_, target)| target.as_table()));
    let mut found = Vec::new();
    for place in places {
        for &table in DEPENDENCIES {
            let entries = place.get(table).and_then(Value::as_table).into_iter().flatten();
            found.extend(entries.map(|(name, value)| (table, name.as_str(), value)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[package]\nname = \"plimsoll-query\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        [lints]\nworkspace = true\n";

    fn problems(rest: &str) -> Vec<String> {
        manifest_problems("query", &format!("{HEAD}{rest}").parse().unwrap())
    }

    #[test]
    fn an_allowed_edge_passes_and_a_forbidden_one_is_named() {
        assert!(problems("[dependencies]\nplimsoll-model.workspace = true\n").is_empty());
        let found = problems("[dev-dependencies]\nplimsoll-store.workspace = true\n");
        assert!(found.len() == 1 && found[0].contains("query must not use store"), "{found:?}");
        let found = problems("[target.'cfg(unix)'.dependencies]\nserde = \"1\"\n");
        assert_eq!(found, ["dependencies.serde: say workspace = true"]);
    }

    #[test]
    fn what_is_not_inherited_is_named() {
        let found = manifest_problems("query", &Table::new());
        assert_eq!(found.len(), INHERITED.len() + 2);
    }

    #[test]
    fn the_table_has_no_cycle() {
        for (i, (name, uses)) in ALLOWED.iter().enumerate() {
            for used in *uses {
                let at = ALLOWED.iter().position(|(other, _)| other == used).unwrap();
                let back = ALLOWED[at].1.contains(name);
                assert!(at != i && !back, "{name} and {used} use each other");
            }
        }
    }
}
