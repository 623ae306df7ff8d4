//! `plimsoll snapshot`, `restore`, `verify`, `rekey`.

use anyhow::{Context, Result, bail};
use plimsoll::config::key_from_file;
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};
use plimsoll_world::World;

use super::{Rekey, Restore, Snapshot, Verify, say};

/// Snapshots of a large store wait for its flush.
const SNAPSHOT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(600);

/// The key in a file, if one is named.
pub fn key(file: Option<&std::path::Path>) -> Result<Option<plimsoll_store::SealKey>> {
    file.map(key_from_file).transpose().map_err(anyhow::Error::msg)
}

/// Asks a server for a snapshot and prints its name.
pub fn snapshot(snapshot: &Snapshot) -> Result<()> {
    let url = format!("{}/api/v1/admin/tsdb/snapshot", snapshot.server.trim_end_matches('/'));
    plimsoll_net::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut request = Request::post(&url, "application/x-www-form-urlencoded", String::new());
    request.timeout = SNAPSHOT_TIMEOUT;
    let client = HttpClient::new(HttpConfig::default());
    let answer = runtime.block_on(client.send(request)).with_context(|| {
        format!("no answer from {}; is plimsoll serve running?", snapshot.server)
    })?;
    let body: serde_json::Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("{url} did not answer with JSON"))?;
    match body["data"]["name"].as_str() {
        Some(name) => say(&format!("snapshots/{name}")),
        None => bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error")),
    }
    Ok(())
}

/// Copies a snapshot into a new data directory.
pub fn restore(restore: &Restore) -> Result<()> {
    let (files, bytes) =
        plimsoll_store::restore(&World::real(), &restore.snapshot, &restore.data_dir)?;
    say(&format!("{files} files, {bytes} bytes restored to {}", restore.data_dir.display()));
    Ok(())
}

/// Checks every file of a data directory; fails when one is damaged.
pub fn verify(verify: &Verify) -> Result<()> {
    let key = key(verify.key_file.as_deref())?;
    let report = plimsoll_store::verify(&World::real(), &verify.data_dir, key.as_ref())?;
    for (path, why) in &report.problems {
        say(&format!("DAMAGED {}: {why}", path.display()));
    }
    say(&format!(
        "{} files, {} bytes, {} samples in parts, {} log records checked: {} problems",
        report.files,
        report.bytes,
        report.samples,
        report.records,
        report.problems.len()
    ));
    if !report.problems.is_empty() {
        bail!("{} is damaged; what is readable is served, see above", verify.data_dir.display());
    }
    Ok(())
}

/// Wraps the keys of an encrypted data directory by a new key.
pub fn rekey(rekey: &Rekey) -> Result<()> {
    let old = key_from_file(&rekey.key_file).map_err(anyhow::Error::msg)?;
    let new = key_from_file(&rekey.new_key_file).map_err(anyhow::Error::msg)?;
    let world = World::real();
    let lock = rekey.data_dir.join("LOCK");
    let _one = world.disk.lock(&lock).with_context(|| {
        format!("{} is in use; stop the server first", rekey.data_dir.display())
    })?;
    let log = rekey.data_dir.join("keys.log");
    let n = plimsoll_store::rotate(&*world.disk, &*world.chance, &log, &old, &new)?;
    say(&format!("{n} file keys wrapped by the new key"));
    Ok(())
}
