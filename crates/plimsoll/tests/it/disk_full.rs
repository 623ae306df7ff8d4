//! A disk that is full: writes are answered 503, nothing acknowledged is lost, and when there is
//! room again it goes on. On a small tmpfs, where mounting is allowed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use plimsoll_wire::remote_write::Encoder;

use crate::load::{Chance, labels, now_ms};
use crate::peer;
use crate::plimsoll::{Home, Plimsoll};
use crate::process::wait_for;

/// Size of the disk, MiB. Large enough for what a start reserves.
const SIZE_MIB: u32 = 192;
/// Series a request.
const SERIES: u64 = 500;

/// A mounted tmpfs; dropping it unmounts it.
pub struct Tmpfs(pub PathBuf);

impl Tmpfs {
    /// Mounts it; says so where that is not allowed.
    pub fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let size = format!("size={SIZE_MIB}m");
        let out =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at).output();
        if out.is_ok_and(|o| o.status.success()) {
            return Some(Self(at));
        }
        println!("skipped: mounting a tmpfs is not allowed here");
        None
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Sends a request of new values and gives the status; what was acknowledged is kept.
fn write(
    server: &Plimsoll,
    chance: &mut Chance,
    time: i64,
    book: &mut BTreeMap<(u64, i64), u64>,
) -> u16 {
    let mut encoder = Encoder::new();
    let values: Vec<f64> = (0..SERIES).map(|_| chance.unit()).collect();
    for (series, value) in values.iter().enumerate() {
        let series = series.to_string();
        let pairs = [("__name__", "full"), ("series", &series)];
        encoder.series(labels(&pairs).as_ref(), &[time], &[*value]);
    }
    let status = server.write(&encoder.finish()).status;
    if status < 300 {
        for (series, value) in values.iter().enumerate() {
            book.insert((series as u64, time), value.to_bits());
        }
    }
    status
}

/// Takes all the room that is left.
pub fn fill(at: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::options().create(true).append(true).open(at).unwrap();
    let block = vec![1; 64 << 10];
    while file.write_all(&block).is_ok() {}
    while file.write_all(&block[..512]).is_ok() {}
}

#[track_caller]
fn all_there(server: &Plimsoll, book: &BTreeMap<(u64, i64), u64>, at: i64) {
    let mut found = BTreeMap::new();
    for series in server.query_at("full[1h]", at) {
        let number: u64 = series.label("series").parse().unwrap();
        found.extend(series.points.iter().map(|(t, v)| ((number, *t), v.to_bits())));
    }
    for (at, bits) in book {
        assert_eq!(found.get(at), Some(bits), "acknowledged {at:?}");
    }
}

#[test]
fn a_full_disk_refuses_writes_and_recovers() {
    if !peer::slow("a full disk") {
        return;
    }
    let home = Home::new();
    let Some(disk) = Tmpfs::mount(home.path("disk")) else { return };
    let server = home.start_in(&disk.0.join("data"), &["--bare"]);
    let mut chance = Chance::new(5);
    let mut book = BTreeMap::new();
    let base = now_ms() - 30 * 60_000;
    let mut time = base;
    for _ in 0..20 {
        time += 1_000;
        assert!(write(&server, &mut chance, time, &mut book) < 300);
    }
    let ballast = disk.0.join("ballast");
    let refused = wait_for(Duration::from_secs(60), || {
        fill(&ballast);
        time += 100;
        let status = write(&server, &mut chance, time, &mut book);
        assert!(status < 300 || status == 503, "a full disk was answered {status}");
        (status == 503).then_some(())
    });
    assert!(refused.is_some(), "writes go on with a full disk");
    // Reading goes on, and what was acknowledged is there.
    all_there(&server, &book, base + 25 * 60_000);
    assert_eq!(server.get("/-/healthy").status, 200);

    std::fs::remove_file(&ballast).unwrap();
    let again = wait_for(Duration::from_secs(60), || {
        time += 100;
        (write(&server, &mut chance, time, &mut book) < 300).then_some(())
    });
    assert!(again.is_some(), "no recovery: {}", server.process.log());
    for _ in 0..20 {
        time += 100;
        assert!(write(&server, &mut chance, time, &mut book) < 300);
    }
    all_there(&server, &book, base + 25 * 60_000);
    server.process.kill();
    let server = home.start_in(&disk.0.join("data"), &["--bare"]);
    all_there(&server, &book, base + 25 * 60_000);
    server.stop();
}
