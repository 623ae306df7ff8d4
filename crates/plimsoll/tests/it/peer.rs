//! Real programs of others, where they are installed. What is missing is said, and its test does
//! nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::wait_for;

/// Whether slow tests and tests with peers run; says so when not.
pub fn slow(test: &str) -> bool {
    let on = std::env::var_os("PLIMSOLL_SLOW").is_some_and(|v| v != "0" && !v.is_empty());
    if !on {
        println!("skipped: {test} runs with PLIMSOLL_SLOW=1");
    }
    on
}

/// A program of a Debian package; says so when it is missing.
pub fn program(name: &str) -> Option<PathBuf> {
    let found = ["/usr/bin", "/usr/local/bin"].iter().map(|d| Path::new(d).join(name));
    let found = found.into_iter().find(|p| p.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    found
}

/// A Python that has prometheus-client: of `PLIMSOLL_PYTHON`, or of the environment in
/// `PLIMSOLL_VENV`; says so when there is none.
pub fn python() -> Option<PathBuf> {
    let given = std::env::var_os("PLIMSOLL_PYTHON").map(PathBuf::from);
    let venv = || Some(PathBuf::from(std::env::var_os("PLIMSOLL_VENV")?).join("bin/python"));
    let found = given.or_else(venv).filter(|p| p.is_file());
    if found.is_none() {
        println!("skipped: no Python with prometheus-client (PLIMSOLL_PYTHON, PLIMSOLL_VENV)");
    }
    found
}

/// The same, when it has a module; says so when it has not.
pub fn python_with(module: &str) -> Option<PathBuf> {
    let python = python()?;
    let tried = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    let found = tried.is_ok_and(|out| out.status.success()).then_some(python);
    if found.is_none() {
        println!("skipped: that Python has no {module}");
    }
    found
}

/// Waits until something listens on a port.
#[track_caller]
pub fn listens(port: u16) {
    let up = wait_for(Duration::from_secs(30), || crate::process::is_listening(port).then_some(()));
    assert!(up.is_some(), "nothing listens on port {port}");
}
