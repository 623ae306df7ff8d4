//! `store.encryption`: where the key-encryption key comes from. The key never prints.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use plimsoll_model::Secret;
use plimsoll_model::written::{Fields, Node, Problems};
use plimsoll_store::SealKey;

/// Bytes of a key's text at most.
const TEXT_BYTES_MAX: u64 = 4 << 10;
/// How long a command may take to print the key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether it ended.
const POLL: Duration = Duration::from_millis(20);

/// Reads the section: exactly one of `key_file`, `key_env`, `key_command`.
pub fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<SealKey> {
    let mut fields = Fields::of(node, path, problems);
    let text = |n: &Node| n.text().unwrap_or_default();
    let mut found = Vec::new();
    for (name, source) in [
        ("key_file", from_file as fn(&str) -> Result<SealKey, String>),
        ("key_env", from_variable),
        ("key_command", from_command),
    ] {
        let mut given = false;
        let key = fields.read(name, problems, |n| {
            given = true;
            source(&text(n))
        });
        if given {
            found.push(key);
        }
    }
    fields.finish(problems);
    if found.len() != 1 {
        problems.add(node.line, path, "set exactly one of key_file, key_env, key_command");
        return None;
    }
    found.pop().flatten()
}

fn parse(text: &Secret) -> Result<SealKey, String> {
    SealKey::parse(text.reveal()).map_err(|e| e.to_string())
}

/// A file that only its owner may read.
pub fn from_file(path: &str) -> Result<SealKey, String> {
    let open = || -> std::io::Result<(u32, String)> {
        let file = std::fs::File::open(path)?;
        let mode = file.metadata()?.permissions().mode();
        let mut text = String::new();
        file.take(TEXT_BYTES_MAX).read_to_string(&mut text)?;
        Ok((mode, text))
    };
    let (mode, text) = open().map_err(|e| format!("key file {path}: {e}"))?;
    let text = Secret::new(text);
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(format!("key file {path} has mode {mode:o}; others may read it: chmod 0400"));
    }
    parse(&text).map_err(|e| format!("key file {path}: {e}"))
}

fn from_variable(name: &str) -> Result<SealKey, String> {
    let text = std::env::var(name).map_err(|_| format!("the variable {name} is not set"))?;
    parse(&Secret::new(text)).map_err(|e| format!("variable {name}: {e}"))
}

/// The standard output of a command, run by `sh`, which must end in time.
fn from_command(command: &str) -> Result<SealKey, String> {
    let wrong = |e: std::io::Error| format!("key command: {e}");
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(wrong)?;
    let mut waited = Duration::ZERO;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(wrong)? {
            break status;
        }
        if waited >= COMMAND_TIMEOUT {
            drop(child.kill());
            drop(child.wait());
            return Err(format!("key command took longer than {} s", COMMAND_TIMEOUT.as_secs()));
        }
        std::thread::sleep(POLL);
        waited += POLL;
    };
    let mut text = String::new();
    if let Some(out) = child.stdout.take() {
        out.take(TEXT_BYTES_MAX).read_to_string(&mut text).map_err(wrong)?;
    }
    let text = Secret::new(text);
    if !status.success() {
        return Err(format!("key command ended with {status}"));
    }
    parse(&text).map_err(|e| format!("key command: {e}"))
}
