//! Where things are: the checkout, the target directory, the cache, the cases of third parties.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Size of our own target directory above which it is emptied, in bytes.
const TARGET_BYTES_MAX: u64 = 20 << 30;

/// Where things are and what may be done.
pub struct Place {
    /// The checkout.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
    /// Whether `target` is ours to prune: nobody named another one.
    target_is_ours: bool,
    /// Packages, environments and scratch files of xtask.
    pub cache: PathBuf,
    /// Whether packages may be installed.
    pub may_install: bool,
    /// Whether slow tests run.
    pub slow: bool,
}

impl Place {
    /// Finds the checkout that this xtask was built from, and the directories around it.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in the workspace")?
            .to_owned();
        let home = std::env::var_os("HOME").context("HOME is not set; set it")?;
        let cache = PathBuf::from(home).join(".cache/plimsoll");
        let named = std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
        let target_is_ours = named.is_none();
        let target = named.map_or_else(|| cache.join("target"), PathBuf::from);
        let target = if target.is_absolute() { target } else { root.join(target) };
        Ok(Self { root, target, target_is_ours, cache, may_install: true, slow: false })
    }

    /// The same place, with slow tests, and with or without leave to install.
    pub fn for_everything(self, may_install: bool) -> Self {
        Self { may_install, slow: true, ..self }
    }

    /// The release binary.
    pub fn binary(&self) -> PathBuf {
        self.target.join("release/plimsoll")
    }

    /// The cases of third parties, where they are at hand: `PLIMSOLL_SHARED`, else `../shared`.
    pub fn shared(&self) -> Option<PathBuf> {
        let named = std::env::var_os("PLIMSOLL_SHARED").map(PathBuf::from);
        let dir = named.unwrap_or_else(|| self.root.join("../shared"));
        dir.canonicalize().ok().filter(|dir| dir.is_dir())
    }

    /// A fresh empty directory for scratch files.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let dir = self.cache.join("scratch").join(format!("{name}-{}", std::process::id()));
        let _absent = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        Ok(dir)
    }

    /// A command at the root of the checkout.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        if self.slow {
            command.env("PLIMSOLL_SLOW", "1");
        }
        if let Some(shared) = self.shared() {
            command.env("PLIMSOLL_SHARED", shared);
        }
        command
    }

    /// Cargo with arguments, at the root of the checkout.
    pub fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args);
        command
    }

    /// Empties our own target directory when it has grown too large.
    pub fn prune(&self) {
        if !self.target_is_ours || bytes_below(&self.target) <= TARGET_BYTES_MAX {
            return;
        }
        println!("{} is above 20 GB: removing debug and release", self.target.display());
        for profile in ["debug", "release"] {
            let _absent = fs::remove_dir_all(self.target.join(profile));
        }
    }
}

fn bytes_below(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Runs a command with its output on ours; an exit code other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command silently and returns what it printed; an exit code other than 0 is an error.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {}", shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {}", shown(command), output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command can be started and ends well.
pub fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
