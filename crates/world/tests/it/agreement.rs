//! Random operations give the same results on the simulated disk and on the machine's.

use plimsoll_world::{Disk, DiskFile, LockGuard, Open, RealDisk, SimDisk};
use proptest::prelude::*;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

const PATHS: [&str; 8] = ["a", "b", "d", "d/x", "d/y", "e", "e/x", "d/e/z"];

#[derive(Clone, Debug)]
enum Step {
    Open { path: usize, how: Open, slot: usize },
    Close { slot: usize },
    Write { slot: usize, offset: u64, len: usize, byte: u8 },
    Read { slot: usize, offset: u64, len: usize },
    SetLen { slot: usize, len: u64 },
    Allocate { slot: usize, len: u64 },
    Sync { slot: usize },
    CreateDir { path: usize },
    SyncDir { path: usize },
    List { path: usize },
    Exists { path: usize },
    Rename { from: usize, to: usize },
    Remove { path: usize },
    RemoveDir { path: usize },
    Link { from: usize, to: usize },
    Lock { path: usize },
    Unlock,
}

fn step() -> impl Strategy<Value = Step> {
    let path = || 0..PATHS.len();
    let slot = || 0..3_usize;
    let how =
        prop_oneof![1 => Just(Open::Read), 1 => Just(Open::Write), 3 => Just(Open::CreateNew)];
    prop_oneof![
        6 => (path(), how, slot()).prop_map(|(path, how, slot)| Step::Open { path, how, slot }),
        1 => slot().prop_map(|slot| Step::Close { slot }),
        6 => (slot(), 0..20_000_u64, 0..9_000_usize, any::<u8>())
            .prop_map(|(slot, offset, len, byte)| Step::Write { slot, offset, len, byte }),
        4 => (slot(), 0..30_000_u64, 0..9_000_usize)
            .prop_map(|(slot, offset, len)| Step::Read { slot, offset, len }),
        2 => (slot(), 0..30_000_u64).prop_map(|(slot, len)| Step::SetLen { slot, len }),
        1 => (slot(), 0..30_000_u64).prop_map(|(slot, len)| Step::Allocate { slot, len }),
        1 => slot().prop_map(|slot| Step::Sync { slot }),
        3 => path().prop_map(|path| Step::CreateDir { path }),
        1 => path().prop_map(|path| Step::SyncDir { path }),
        2 => path().prop_map(|path| Step::List { path }),
        1 => path().prop_map(|path| Step::Exists { path }),
        4 => (path(), path()).prop_map(|(from, to)| Step::Rename { from, to }),
        2 => path().prop_map(|path| Step::Remove { path }),
        1 => path().prop_map(|path| Step::RemoveDir { path }),
        2 => (path(), path()).prop_map(|(from, to)| Step::Link { from, to }),
        1 => path().prop_map(|path| Step::Lock { path }),
        1 => Just(Step::Unlock),
    ]
}

struct Runner<'d> {
    disk: &'d dyn Disk,
    root: PathBuf,
    slots: [Option<Box<dyn DiskFile>>; 3],
    lock: Option<Box<dyn LockGuard>>,
}

fn told<T: Debug>(result: io::Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(e) => format!("error {:?}", e.kind()),
    }
}

impl<'d> Runner<'d> {
    fn new(disk: &'d dyn Disk, root: &Path) -> Self {
        Self { disk, root: root.to_owned(), slots: [None, None, None], lock: None }
    }

    fn path(&self, i: usize) -> PathBuf {
        self.root.join(PATHS[i])
    }

    fn file<T: Debug>(&self, slot: usize, f: impl Fn(&dyn DiskFile) -> io::Result<T>) -> String {
        self.slots[slot].as_deref().map_or_else(String::new, |file| told(f(file)))
    }

    fn run(&mut self, step: &Step) -> String {
        match *step {
            Step::Open { path, how, slot } => {
                let opened = self.disk.open(&self.path(path), how);
                told(opened.map(|file| self.slots[slot] = Some(file)))
            }
            Step::Close { slot } => {
                self.slots[slot] = None;
                String::new()
            }
            Step::Write { slot, offset, len, byte } => {
                self.file(slot, |f| f.write_all_at(&vec![byte; len], offset))
            }
            Step::Read { slot, offset, len } => self.file(slot, |f| {
                let mut buf = vec![7; len];
                f.read_at(&mut buf, offset).map(|n| (n, buf, f.len().unwrap()))
            }),
            Step::SetLen { slot, len } => self.file(slot, |f| f.set_len(len)),
            Step::Allocate { slot, len } => self.file(slot, |f| f.allocate(len)),
            Step::Sync { slot } => self.file(slot, |f| f.sync()),
            _ => self.run_on_names(step),
        }
    }

    fn run_on_names(&mut self, step: &Step) -> String {
        let disk = self.disk;
        match *step {
            Step::CreateDir { path } => told(disk.create_dir_all(&self.path(path))),
            Step::SyncDir { path } => told(disk.sync_dir(&self.path(path))),
            Step::List { path } => told(disk.list(&self.path(path))),
            Step::Exists { path } => told(Ok(disk.exists(&self.path(path)))),
            // Which of several reasons a refusal names is the kernel's choice.
            Step::Rename { from, to } => told(
                disk.rename(&self.path(from), &self.path(to)).map_err(|_| io::Error::other("")),
            ),
            Step::Remove { path } => told(disk.remove(&self.path(path))),
            Step::RemoveDir { path } => told(disk.remove_dir(&self.path(path))),
            Step::Link { from, to } => told(
                disk.hard_link(&self.path(from), &self.path(to)).map_err(|_| io::Error::other("")),
            ),
            Step::Lock { path } => {
                told(disk.lock(&self.path(path)).map(|lock| self.lock = Some(lock)))
            }
            _ => {
                self.lock = None;
                String::new()
            }
        }
    }

    fn tree(&self) -> Vec<String> {
        let mut told = Vec::new();
        let mut open = vec![self.root.clone()];
        while let Some(dir) = open.pop() {
            for entry in self.disk.list(&dir).unwrap() {
                let path = dir.join(&entry.name);
                told.push(format!(
                    "{} {entry:?}",
                    path.strip_prefix(&self.root).unwrap().display()
                ));
                if entry.is_dir {
                    open.push(path);
                } else {
                    let file = self.disk.open(&path, Open::Read).unwrap();
                    let mut bytes = vec![0; usize::try_from(entry.len).unwrap()];
                    file.read_exact_at(&mut bytes, 0).unwrap();
                    told.push(format!("{bytes:?}"));
                }
            }
        }
        told
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_simulated_disk_answers_like_the_real_one(steps in prop::collection::vec(step(), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        let sim = SimDisk::new(1);
        sim.create_dir_all(Path::new("/data")).unwrap();
        let mut ours = Runner::new(&sim, Path::new("/data"));
        let mut theirs = Runner::new(&RealDisk, dir.path());
        for (i, step) in steps.iter().enumerate() {
            prop_assert_eq!(ours.run(step), theirs.run(step), "step {} {:?}", i, step);
        }
        prop_assert_eq!(ours.tree(), theirs.tree());
    }
}

#[test]
fn the_real_disk_tells_its_space() {
    let dir = tempfile::tempdir().unwrap();
    let space = RealDisk.space(dir.path()).unwrap();
    assert!(space.total >= space.free && space.total > 0);
    assert_eq!(
        RealDisk.space(&dir.path().join("none")).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}
