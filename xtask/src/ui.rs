//! The UI: its packages, its checks, its build, and its run in a browser.

use crate::place::{Place, output, run, works};
use crate::server::Server;
use crate::step::Outcome;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// The oldest Node that the build runs on.
const NODE_MIN: (u32, u32) = (20, 19);

/// The registry package that brings a newer one.
const NODE_PACKAGE: &str = "node@22";

/// Checks the sources and that `ui/dist`, as committed, is what they give.
pub fn check(place: &Place) -> Result<Outcome> {
    build(place)?;
    run(npm(place)?.args(["run", "check"]))?;
    let status = ["status", "--porcelain", "--untracked-files=all", "--", "ui/dist"];
    let changed = output(place.command("git").args(status))?;
    if !changed.is_empty() {
        bail!("ui/dist is not what its sources give; run cargo xtask gen, commit:\n{changed}");
    }
    Outcome::done()
}

/// Makes `ui/dist` again.
pub fn generate(place: &Place) -> Result<String> {
    build(place)?;
    Ok("ui/dist is made from its sources".to_owned())
}

/// Runs the browser tests against a fresh server that watches this host.
pub fn end_to_end(place: &Place) -> Result<Outcome> {
    let server = Server::start(place, "e2e")?;
    let mut command = npm(place)?;
    command
        .args(["run", "e2e"])
        .env("PLIMSOLL_URL", &server.url)
        .env("PLIMSOLL_BIN", place.binary());
    if let Ok(path) = output(Command::new("sh").args(["-c", "command -v chromium"])) {
        command.env("PLIMSOLL_CHROMIUM", path.trim());
    }
    run(&mut command)?;
    server.stop()?;
    Outcome::done()
}

fn build(place: &Place) -> Result<()> {
    node(place)?;
    let quietly = ["ci", "--no-audit", "--no-fund"];
    if place.may_install {
        run(npm(place)?.args(quietly))?;
    } else if !place.root.join("ui/node_modules").is_dir() {
        bail!("ui/node_modules is missing; run npm ci in ui, or leave out --no-install");
    }
    run(npm(place)?.args(["run", "build"]))
}

/// npm in `ui`, on a Node that is new enough.
pub fn npm(place: &Place) -> Result<Command> {
    let mut command = place.command("npm");
    command.current_dir(place.root.join("ui"));
    command.env("PATH", path_with(node_dir(place))?);
    Ok(command)
}

/// Where a Node from the registry lies, when there is one.
fn node_dir(place: &Place) -> PathBuf {
    place.cache.join("node/node_modules/node/bin")
}

fn path_with(dir: PathBuf) -> Result<OsString> {
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    let dirs = dir.is_dir().then_some(dir).into_iter().chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(dirs)?)
}

/// Sees to a Node that is new enough: the system's, else one from the registry in the cache.
fn node(place: &Place) -> Result<()> {
    let path = path_with(node_dir(place))?;
    let found = output(Command::new("node").arg("--version").env("PATH", path)).unwrap_or_default();
    if is_new_enough(&found) {
        return Ok(());
    }
    let (major, minor) = NODE_MIN;
    println!("Node is {:?}; {major}.{minor} or newer is needed", found.trim());
    if !place.may_install {
        bail!("Node {major}.{minor} or newer is missing; leave out --no-install to get it");
    }
    if !works(Command::new("npm").arg("--version")) {
        bail!("npm is missing; install Debian's npm");
    }
    let dir = place.cache.join("node");
    std::fs::create_dir_all(&dir)?;
    println!("installing {NODE_PACKAGE} from the npm registry into {}", dir.display());
    let quietly = ["install", "--no-audit", "--no-fund", NODE_PACKAGE, "--prefix"];
    run(Command::new("npm").args(quietly).arg(dir))
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= NODE_MIN,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_compare_by_number() {
        for (version, expected) in [
            ("v20.19.0\n", true),
            ("v22.1.0", true),
            ("v20.9.0", false),
            ("v18.20.4", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
