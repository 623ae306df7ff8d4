//! What survives a crash, and what does not.

use plimsoll_world::{CrashKind, Disk, Open, SimDisk};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

const OLD: &[u8] = &[b'o'; 6_000];
const NEW: &[u8] = &[b'n'; 9_000];

fn p(path: &str) -> &Path {
    Path::new(path)
}

/// A disk with a durable `/d/file` that says OLD.
fn with_old(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    disk.create_dir_all(p("/d")).unwrap();
    put(&disk, "/d/file", OLD).unwrap();
    disk.sync_dir(p("/d")).unwrap();
    disk.sync_dir(p("/")).unwrap();
    disk
}

fn put(disk: &SimDisk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let file = disk.open(p(path), Open::CreateNew)?;
    file.write_all_at(bytes, 0)?;
    file.sync()
}

/// The classic replacement, step by step.
fn replace(disk: &SimDisk) -> io::Result<()> {
    put(disk, "/d/tmp", NEW)?;
    disk.rename(p("/d/tmp"), p("/d/file"))?;
    disk.sync_dir(p("/d"))
}

fn replace_without_sync(disk: &SimDisk) -> io::Result<()> {
    disk.open(p("/d/tmp"), Open::CreateNew)?.write_all_at(NEW, 0)?;
    disk.rename(p("/d/tmp"), p("/d/file"))?;
    disk.sync_dir(p("/d"))
}

/// What `/d/file` may say after a crash, over many seeds.
#[derive(Default)]
struct Outcomes {
    anywhere: BTreeSet<Vec<u8>>,
    when_finished: BTreeSet<Vec<u8>>,
}

fn outcomes(work: fn(&SimDisk) -> io::Result<()>) -> Outcomes {
    let whole = with_old(1);
    let before = whole.operations();
    work(&whole).unwrap();
    let mut seen = Outcomes::default();
    for n in before..=whole.operations() {
        let disk = with_old(1);
        disk.set_crash_after(n);
        let finished = work(&disk).is_ok();
        assert_eq!(finished, n == whole.operations());
        for seed in 0..40 {
            let after = disk.reboot(CrashKind::PowerCut { seed });
            let found = after.contents(p("/d/file")).unwrap();
            if finished {
                seen.when_finished.insert(found.clone());
            }
            seen.anywhere.insert(found);
        }
    }
    seen
}

#[test]
fn a_replacement_with_every_sync_is_old_or_new() {
    let seen = outcomes(replace);
    assert_eq!(seen.anywhere, BTreeSet::from([OLD.to_vec(), NEW.to_vec()]));
    assert_eq!(seen.when_finished, BTreeSet::from([NEW.to_vec()]));
}

#[test]
fn a_replacement_without_the_sync_of_its_bytes_is_caught() {
    let seen = outcomes(replace_without_sync).anywhere;
    assert!(seen.contains(&Vec::new()), "an empty file is among the outcomes");
    assert!(seen.iter().any(|bytes| bytes != OLD && bytes != NEW && !bytes.is_empty()));
}

#[test]
fn an_unsynced_append_leaves_a_prefix_of_zeroes_or_bytes() {
    let disk = with_old(2);
    let file = disk.open(p("/d/file"), Open::Write).unwrap();
    file.write_all_at(NEW, OLD.len() as u64).unwrap();
    let mut lens = BTreeSet::new();
    for seed in 0..200 {
        let found = disk.reboot(CrashKind::PowerCut { seed }).contents(p("/d/file")).unwrap();
        assert_eq!(&found[..OLD.len()], OLD, "synced bytes stay");
        assert!(found[OLD.len()..].iter().all(|b| matches!(b, 0 | b'n')));
        lens.insert(found.len());
    }
    assert!(lens.contains(&OLD.len()) && lens.contains(&(OLD.len() + NEW.len())) && lens.len() > 9);
}

#[test]
fn names_need_the_sync_of_their_directory() {
    let disk = with_old(3);
    put(&disk, "/d/other", NEW).unwrap();
    disk.remove(p("/d/file")).unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..60 {
        let after = disk.reboot(CrashKind::PowerCut { seed });
        seen.insert((after.exists(p("/d/file")), after.exists(p("/d/other"))));
    }
    assert_eq!(seen.len(), 4, "every combination occurs: {seen:?}");
    disk.sync_dir(p("/d")).unwrap_err();
}

#[test]
fn a_directory_needs_the_sync_of_its_parent() {
    let disk = SimDisk::new(4);
    disk.create_dir_all(p("/x/y")).unwrap();
    disk.sync_dir(p("/x")).unwrap();
    let kept: BTreeSet<bool> =
        (0..40).map(|seed| disk.reboot(CrashKind::PowerCut { seed }).exists(p("/x/y"))).collect();
    assert_eq!(kept.len(), 2);
}

#[test]
fn a_rename_between_directories_never_loses_the_file() {
    let disk = with_old(5);
    disk.create_dir_all(p("/e")).unwrap();
    disk.sync_dir(p("/")).unwrap();
    disk.rename(p("/d/file"), p("/e/file")).unwrap();
    for seed in 0..40 {
        let after = disk.reboot(CrashKind::PowerCut { seed });
        assert_ne!(after.exists(p("/d/file")), after.exists(p("/e/file")));
    }
}

#[test]
fn a_durable_later_change_is_not_undone_by_an_earlier_one() {
    let disk = SimDisk::new(6);
    disk.create_dir_all(p("/a")).unwrap();
    disk.create_dir_all(p("/b")).unwrap();
    disk.sync_dir(p("/")).unwrap();
    put(&disk, "/a/x", OLD).unwrap();
    disk.hard_link(p("/a/x"), p("/b/x")).unwrap();
    put(&disk, "/a/y", NEW).unwrap();
    disk.rename(p("/a/y"), p("/b/x")).unwrap();
    disk.sync_dir(p("/b")).unwrap();
    for seed in 0..40 {
        let after = disk.reboot(CrashKind::PowerCut { seed });
        assert_eq!(after.contents(p("/b/x")).unwrap(), NEW);
    }
}

#[test]
fn a_cut_file_does_not_show_old_bytes_beyond_its_new_end() {
    let disk = with_old(7);
    let file = disk.open(p("/d/file"), Open::Write).unwrap();
    file.set_len(10).unwrap();
    file.sync().unwrap();
    file.set_len(5_000).unwrap();
    file.sync().unwrap();
    let after = disk.reboot(CrashKind::PowerCut { seed: 1 });
    let found = after.contents(p("/d/file")).unwrap();
    assert_eq!((&found[..10], found.len()), (&OLD[..10], 5_000));
    assert!(found[10..].iter().all(|b| *b == 0));
}

#[test]
fn a_killed_process_loses_nothing_but_its_locks() {
    let disk = with_old(8);
    let _lock = disk.lock(p("/d/lock")).unwrap();
    assert_eq!(disk.lock(p("/d/lock")).err().unwrap().kind(), io::ErrorKind::WouldBlock);
    let file = disk.open(p("/d/file"), Open::Write).unwrap();
    file.write_all_at(NEW, 0).unwrap();
    let after = disk.reboot(CrashKind::ProcessKill);
    assert_eq!(after.contents(p("/d/file")).unwrap(), NEW);
    assert_eq!(file.len().unwrap_err().to_string(), "the simulated machine is off");
    let _again = after.lock(p("/d/lock")).unwrap();
    let lost = (0..40).any(|seed| {
        after.reboot(CrashKind::PowerCut { seed }).contents(p("/d/file")).unwrap() != NEW
    });
    assert!(lost, "what was not synced stays so across the kill");
}

#[test]
fn the_same_seed_leaves_the_same_disk() {
    let run = |seed| {
        let disk = with_old(9);
        replace_without_sync(&disk).unwrap();
        disk.reboot(CrashKind::PowerCut { seed }).contents(p("/d/file")).unwrap()
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed));
    }
}

#[test]
fn many_removed_files_are_forgotten_and_their_space_returns() {
    let disk = with_old(10);
    let free = disk.space(p("/")).unwrap().free;
    for _ in 0..1_000 {
        put(&disk, "/d/tmp", NEW).unwrap();
        disk.remove(p("/d/tmp")).unwrap();
        disk.sync_dir(p("/d")).unwrap();
    }
    assert_eq!(disk.space(p("/")).unwrap().free, free);
    assert_eq!(disk.files(), [("/d/file".into(), OLD.len() as u64)]);
    let after = disk.reboot(CrashKind::PowerCut { seed: 0 });
    assert_eq!(after.space(p("/")).unwrap().free, free);
}
