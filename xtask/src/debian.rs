//! Debian packages: the peers we test against and the browser.
//!
//! Only what is missing is installed, without recommended packages, and no service of it starts.

use crate::place::{Place, output, run, works};
use crate::step::Outcome;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A program, the package that has it, and what it is for.
const WANTED: &[(&str, &str, &str)] = &[
    ("prometheus", "prometheus", "remote-writes into Plimsoll"),
    ("prometheus-node-exporter", "prometheus-node-exporter", "is compared with our host metrics"),
    ("prometheus-alertmanager", "prometheus-alertmanager", "is compared with our notifications"),
    ("chromium", "chromium", "runs the UI"),
    ("pdftotext", "poppler-utils", "reads our reports"),
    ("npm", "npm", "builds the UI"),
    ("python3", "python3", "runs the cases of third parties"),
];

/// What Debian asks before it starts the service of a package; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs what is missing, or fails and says what that is.
pub fn install(place: &Place) -> Result<Outcome> {
    let mut missing: Vec<&str> = Vec::new();
    for (program, package, purpose) in WANTED {
        if !works(Command::new("sh").args(["-c", &format!("command -v {program}")])) {
            println!("missing: {package} ({purpose})");
            missing.push(package);
        }
    }
    if !python_can_make_environments() {
        println!("missing: python3-venv (makes the Python environment)");
        missing.push("python3-venv");
    }
    if missing.is_empty() {
        return Ok(Outcome::Done("all there".to_owned()));
    }
    if !place.may_install {
        bail!("missing: {}; install them or leave out --no-install", missing.join(" "));
    }
    println!("installing with apt-get, without starting services: {}", missing.join(" "));
    let _policy = NoServices::set()?;
    run(as_root("apt-get")?.args(["update", "-q"]))?;
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    run(as_root("apt-get")?.args(install).args(&missing))?;
    Ok(Outcome::Done(format!("installed {}", missing.join(" "))))
}

fn python_can_make_environments() -> bool {
    works(Command::new("python3").args(["-c", "import ensurepip, venv"]))
}

fn as_root(program: &str) -> Result<Command> {
    let mut command = if output(Command::new("id").arg("-u"))?.trim() == "0" {
        Command::new(program)
    } else if works(Command::new("sudo").args(["-n", "true"])) {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", program]);
        sudo
    } else {
        bail!("installing Debian packages needs root, or sudo without a password");
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

/// Keeps packages from starting their services while it lives.
struct NoServices {
    /// Whether the policy is ours to remove.
    ours: bool,
}

impl NoServices {
    fn set() -> Result<Self> {
        let there = Path::new(POLICY).exists();
        let root = output(Command::new("id").arg("-u"))?.trim() == "0";
        if there || !root {
            return Ok(Self { ours: false });
        }
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| format!("write {POLICY}"))?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _gone = fs::remove_file(POLICY);
        }
    }
}
