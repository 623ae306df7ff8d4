//! Faults on order, full disks, rot.

use plimsoll_world::{CrashKind, Disk, DiskFile, Fault, FaultPlan, Op, Open, SimDisk};
use std::io::ErrorKind;
use std::path::Path;

const PAGE: u64 = 4096;

fn p(path: &str) -> &Path {
    Path::new(path)
}

fn with_file() -> (SimDisk, Box<dyn DiskFile>) {
    let disk = SimDisk::new(1);
    let file = disk.open(p("/f"), Open::CreateNew).unwrap();
    disk.sync_dir(p("/")).unwrap();
    (disk, file)
}

#[test]
fn the_nth_operation_of_a_kind_fails_once() {
    let (disk, file) = with_file();
    disk.fail(FaultPlan::new(Op::Write, 2, Fault::Io));
    disk.fail(FaultPlan::new(Op::Rename, 1, Fault::Full));
    assert_eq!(file.write_at(b"one", 0).unwrap(), 3);
    assert_eq!(file.write_at(b"two", 3).unwrap_err().raw_os_error(), Some(5));
    assert_eq!(file.write_at(b"two", 3).unwrap(), 3);
    let refused = disk.rename(p("/f"), p("/g")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::StorageFull);
    disk.rename(p("/f"), p("/g")).unwrap();
    assert_eq!(disk.contents(p("/g")).unwrap(), b"onetwo");
}

#[test]
fn a_lasting_fault_on_one_path_stays_until_healed() {
    let (disk, file) = with_file();
    disk.fail(FaultPlan::new(Op::Sync, 1, Fault::Io).only("other").lasting());
    file.sync().unwrap();
    let other = disk.open(p("/other"), Open::CreateNew).unwrap();
    assert!(other.sync().is_err() && other.sync().is_err());
    disk.heal();
    other.sync().unwrap();
}

#[test]
fn a_short_write_takes_a_prefix() {
    let (disk, file) = with_file();
    disk.fail(FaultPlan::new(Op::Write, 1, Fault::Short(2)));
    assert_eq!(file.write_at(b"abcd", 0).unwrap(), 2);
    file.write_all_at(b"cd", 2).unwrap();
    assert_eq!(disk.contents(p("/f")).unwrap(), b"abcd");
}

#[test]
fn a_failed_sync_loses_its_pages_for_good() {
    let (disk, file) = with_file();
    disk.fail(FaultPlan::new(Op::Sync, 1, Fault::LosePages));
    file.write_all_at(b"gone", 0).unwrap();
    file.sync().unwrap_err();
    file.sync().unwrap();
    assert_eq!(disk.contents(p("/f")).unwrap(), b"gone", "readable until the power goes");
    for seed in 0..20 {
        let after = disk.reboot(CrashKind::PowerCut { seed });
        assert_eq!(after.contents(p("/f")).unwrap(), b"");
    }
}

#[test]
fn a_full_disk_takes_what_fits_and_recovers() {
    let (disk, file) = with_file();
    disk.set_capacity(3 * PAGE);
    assert_eq!(file.write_at(&[1; 5 * PAGE as usize], 0).unwrap() as u64, 3 * PAGE);
    assert_eq!(file.write_at(&[1], 3 * PAGE).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(file.write_at(&[2; 10], PAGE).unwrap(), 10, "overwriting needs no space");
    assert_eq!(file.allocate(4 * PAGE).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(disk.space(p("/")).unwrap().free, 0);
    disk.remove(p("/f")).unwrap();
    assert_eq!(disk.space(p("/")).unwrap().free, 0, "an open file keeps its space");
    drop(file);
    assert_eq!(disk.space(p("/")).unwrap().free, 3 * PAGE);
    let next = disk.open(p("/g"), Open::CreateNew).unwrap();
    next.allocate(2 * PAGE).unwrap();
    next.set_len(1).unwrap();
    assert_eq!(disk.space(p("/")).unwrap().free, 2 * PAGE);
}

#[test]
fn rot_changes_one_byte_for_good() {
    let (disk, file) = with_file();
    file.write_all_at(b"sound", 0).unwrap();
    file.sync().unwrap();
    disk.flip(p("/f"), 1, 0x20).unwrap();
    assert_eq!(disk.flip(p("/f"), 5, 1).unwrap_err().kind(), ErrorKind::InvalidInput);
    let after = disk.reboot(CrashKind::PowerCut { seed: 9 });
    assert_eq!(after.contents(p("/f")).unwrap(), b"sOund");
}

#[test]
fn extreme_offsets_are_refused_not_allocated() {
    let (_disk, file) = with_file();
    assert!(file.write_at(b"x", u64::MAX).is_err() && file.set_len(u64::MAX).is_err());
    file.set_len(1 << 40).unwrap();
    assert_eq!(file.read_at(&mut [9; 4], (1 << 40) - 2).unwrap(), 2);
    assert_eq!(file.read_at(&mut [9; 4], u64::MAX).unwrap(), 0);
}
