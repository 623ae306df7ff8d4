//! A disk in memory that can lose what was not synced, fail on order, fill up and rot.
//!
//! It keeps apart what a reader sees and what is durable: bytes in pages of 4 KiB, names as atomic
//! changes. A test lets the machine stop after any operation ([`SimDisk::set_crash_after`]), starts
//! it again ([`SimDisk::reboot`]) and looks at what is left. The same seed and the same operations
//! give the same disk. A new directory needs a sync of its parent, as a new file does.
//!
//! Handles are cheap clones of one disk. Relative paths start at the root; `..` is not supported.

mod bytes;
mod fault;
mod reboot;
mod state;

pub use fault::{Fault, FaultPlan, Op};
pub use reboot::CrashKind;

use super::{Disk, DiskFile, Entry, LockGuard, Open, Space};
use bytes::{FileBytes, PAGE_BYTES};
use parking_lot::Mutex;
use rustix::io::Errno;
use state::{Dir, File, Ino, Name, Node, ROOT, State};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a new simulated disk: more than any test writes.
const CAPACITY_DEFAULT: u64 = 1 << 40;

/// Longest file in bytes, as ext4 has it; beyond it writes fail with `EFBIG`.
const FILE_BYTES_MAX: u64 = 16 << 40;

/// A simulated disk. Clones are handles of the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// An empty disk of 1 TiB whose losses follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::over(State::new(seed, CAPACITY_DEFAULT))
    }

    fn over(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// How many operations so far could change the disk (creates, writes, resizes, syncs, renames,
    /// removals, links; failed ones too). Run once, read this, and crash after each of `0..=n`.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// The machine stops when `n` operations are done, counted since the disk was made or
    /// rebooted; whatever comes later, reads included, fails.
    pub fn set_crash_after(&self, n: u64) {
        self.state.lock().crash_after = Some(n);
    }

    /// Stops the machine, if it runs, and starts a new one on the same disk: no handles, no locks,
    /// no faults, count at zero. The stopped disk can be started again with other seeds.
    #[must_use]
    pub fn reboot(&self, kind: CrashKind) -> SimDisk {
        let mut state = self.state.lock();
        state.dead = true;
        Self::over(state.rebooted(kind))
    }

    /// Adds a fault; several plans work side by side, the oldest that strikes wins.
    pub fn fail(&self, plan: FaultPlan) {
        self.state.lock().faults.push(plan);
    }

    /// Takes all faults away.
    pub fn heal(&self) {
        self.state.lock().faults.clear();
    }

    /// Size of the disk in bytes, counted in whole pages of 4 KiB. May be less than what is used:
    /// then nothing more fits.
    pub fn set_capacity(&self, bytes: u64) {
        self.state.lock().capacity = bytes;
    }

    /// Lets a byte rot: it is XORed with `mask` now and for good. `InvalidInput` beyond the end.
    pub fn flip(&self, path: &Path, offset: u64, mask: u8) -> io::Result<()> {
        let mut state = self.state.lock();
        let ino = state.find(path)?;
        let file = state.file_mut(ino)?;
        let before = file.bytes.pages();
        if !file.bytes.flip(offset, mask) {
            return Err(Errno::INVAL.into());
        }
        let more = file.bytes.pages() - before;
        state.used_pages += more;
        Ok(())
    }

    /// Every file with its length, sorted by path.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state.lock();
        let len = |ino| state.file(ino).map_or(0, |file| file.bytes.len());
        state.files().into_iter().map(|(path, ino)| (path, len(ino))).collect()
    }

    /// The bytes of a file as a reader sees them; works on a stopped machine and counts nothing.
    pub fn contents(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.state.lock();
        let bytes = &state.file(state.find(path)?)?.bytes;
        let mut all = vec![0; usize::try_from(bytes.len()).map_err(|_| Errno::FBIG)?];
        bytes.read(&mut all, 0);
        Ok(all)
    }

    fn handle(&self, state: &mut State, ino: Ino, path: &Path, how: Open) -> io::Result<SimFile> {
        state.file_mut(ino)?.opens += 1;
        Ok(SimFile { disk: self.clone(), ino, path: path.to_owned(), how })
    }

    fn remove_name(&self, path: &Path, dir_wanted: bool) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin(Op::Remove, path)?;
        let place = state.place(path)?;
        let ino = state.at(&place).ok_or(Errno::NOENT)?;
        match (state.is_dir(ino), dir_wanted) {
            (true, false) => return Err(Errno::ISDIR.into()),
            (false, true) => return Err(Errno::NOTDIR.into()),
            (true, true) if !state.dir(ino)?.live.is_empty() => return Err(Errno::NOTEMPTY.into()),
            _ => state.change(ino, vec![(place, None)]),
        }
        Ok(())
    }
}

fn empty_file() -> Node {
    Node::File(File { bytes: FileBytes::default(), links: 0, opens: 0 })
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state.lock();
        if how != Open::CreateNew {
            state.begin(Op::Open, path)?;
            let ino = state.find(path)?;
            return Ok(Box::new(self.handle(&mut state, ino, path, how)?));
        }
        state.begin(Op::Create, path)?;
        if state.find(path).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let place = state.place(path)?;
        let ino = state.create(place, empty_file());
        Ok(Box::new(self.handle(&mut state, ino, path, how)?))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let mut missing = Vec::new();
        for dir in path.ancestors() {
            match state.find(dir) {
                Ok(ino) if state.is_dir(ino) => break,
                Ok(_) if missing.is_empty() => return Err(Errno::EXIST.into()),
                Ok(_) => return Err(Errno::NOTDIR.into()),
                Err(e) if e.kind() == io::ErrorKind::NotFound => missing.push(dir),
                Err(e) if e.kind() == io::ErrorKind::NotADirectory => missing.push(dir),
                Err(e) => return Err(e),
            }
        }
        if missing.is_empty() {
            state.begin(Op::Open, path)?;
        }
        for dir in missing.into_iter().rev() {
            state.begin(Op::Create, dir)?;
            let place = state.place(dir)?;
            state.create(place, Node::Dir(Dir::default()));
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.state.lock();
        state.begin(Op::Open, path)?;
        let dir = state.dir(state.find(path)?)?;
        let entry = |(name, ino): (&String, &Ino)| Entry {
            name: name.clone(),
            is_dir: state.is_dir(*ino),
            len: state.file(*ino).map_or(0, |file| file.bytes.len()),
        };
        Ok(dir.live.iter().map(entry).collect())
    }

    fn exists(&self, path: &Path) -> bool {
        let mut state = self.state.lock();
        state.begin(Op::Open, path).is_ok() && state.find(path).is_ok()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin(Op::Rename, from)?;
        let (source, target) = (state.place(from)?, state.place(to)?);
        let ino = state.at(&source).ok_or(Errno::NOENT)?;
        let replaced = state.at(&target);
        if replaced == Some(ino) {
            return Ok(());
        }
        if state.is_dir(ino) && is_within(to, from) {
            return Err(Errno::INVAL.into());
        }
        if let Some(old) = replaced {
            may_replace(&state, ino, old)?;
        }
        state.change(ino, vec![(target, Some(ino)), (source, None)]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.remove_name(path, false)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.remove_name(path, true)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin(Op::Link, to)?;
        let ino = state.find(from)?;
        if state.find(to).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let place = state.place(to)?;
        if state.is_dir(ino) {
            return Err(Errno::PERM.into());
        }
        state.change(ino, vec![(place, Some(ino))]);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begin(Op::SyncDir, path)?;
        let ino = state.find(path)?;
        state.dir(ino)?;
        state.sync_dir(ino);
        Ok(())
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let mut state = self.state.lock();
        state.begin(Op::Open, path)?;
        state.find(path)?;
        Ok(Space { total: state.capacity, free: state.room() * PAGE_BYTES })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let mut state = self.state.lock();
        let ino = match state.find(path) {
            Ok(ino) => {
                state.begin(Op::Open, path)?;
                state.file(ino)?;
                ino
            }
            Err(_) => {
                state.begin(Op::Create, path)?;
                let place: Name = state.place(path)?;
                state.create(place, empty_file())
            }
        };
        if !state.locks.insert(ino) {
            return Err(Errno::WOULDBLOCK.into());
        }
        Ok(Box::new(SimLock { disk: self.clone(), ino, path: path.to_owned() }))
    }
}

/// Whether `path` lies below `dir` when both are read from the root.
fn is_within(path: &Path, dir: &Path) -> bool {
    let plain = |p: &Path| Path::new("/").join(p);
    plain(path) != plain(dir) && plain(path).starts_with(plain(dir))
}

fn may_replace(state: &State, new: Ino, old: Ino) -> io::Result<()> {
    match (state.is_dir(new), state.is_dir(old)) {
        (false, false) => Ok(()),
        (false, true) => Err(Errno::ISDIR.into()),
        (true, false) => Err(Errno::NOTDIR.into()),
        (true, true) if old == ROOT || !state.dir(old)?.live.is_empty() => {
            Err(Errno::NOTEMPTY.into())
        }
        (true, true) => Ok(()),
    }
}

struct SimLock {
    disk: SimDisk,
    ino: Ino,
    path: PathBuf,
}

impl LockGuard for SimLock {
    fn path(&self) -> &PathBuf {
        &self.path
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state.lock().locks.remove(&self.ino);
    }
}

struct SimFile {
    disk: SimDisk,
    ino: Ino,
    path: PathBuf,
    how: Open,
}

impl SimFile {
    fn check_writable(&self, refusal: Errno) -> io::Result<()> {
        if self.how == Open::Read { Err(refusal.into()) } else { Ok(()) }
    }

    /// Lets `change` work on the bytes and accounts for the pages it takes or gives back.
    fn account(&self, state: &mut State, change: impl FnOnce(&mut FileBytes)) -> io::Result<()> {
        let file = state.file_mut(self.ino)?;
        let before = file.bytes.pages();
        change(&mut file.bytes);
        let after = file.bytes.pages();
        state.used_pages = state.used_pages + after - before;
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state.lock();
        state.begin(Op::Read, &self.path)?;
        Ok(state.file(self.ino)?.bytes.read(buf, offset))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.check_writable(Errno::BADF)?;
        let mut state = self.disk.state.lock();
        let most = match state.begin(Op::Write, &self.path)? {
            Some(Fault::Short(n)) => n.min(buf.len()),
            _ => buf.len(),
        };
        if offset.checked_add(most as u64).is_none_or(|end| end > FILE_BYTES_MAX) {
            return Err(Errno::FBIG.into());
        }
        let n = state.file(self.ino)?.bytes.fits(offset, most, state.room());
        if n == 0 && most > 0 {
            return Err(Errno::NOSPC.into());
        }
        self.account(&mut state, |bytes| bytes.write(&buf[..n], offset))?;
        Ok(n)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let fault = state.begin(Op::Sync, &self.path)?;
        let file = state.file_mut(self.ino)?;
        if fault.is_some() {
            file.bytes.forget();
            return Err(Errno::IO.into());
        }
        file.bytes.sync();
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state.lock();
        state.begin(Op::Open, &self.path)?;
        Ok(state.file(self.ino)?.bytes.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_writable(Errno::INVAL)?;
        let mut state = self.disk.state.lock();
        state.begin(Op::Resize, &self.path)?;
        if len > FILE_BYTES_MAX {
            return Err(Errno::FBIG.into());
        }
        self.account(&mut state, |bytes| bytes.set_len(len))
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.check_writable(Errno::BADF)?;
        let mut state = self.disk.state.lock();
        state.begin(Op::Resize, &self.path)?;
        if len > FILE_BYTES_MAX {
            return Err(Errno::FBIG.into());
        }
        if state.file(self.ino)?.bytes.missing_below(len) > state.room() {
            return Err(Errno::NOSPC.into());
        }
        self.account(&mut state, |bytes| bytes.allocate(len))
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.disk.state.lock();
        if let Ok(file) = state.file_mut(self.ino) {
            file.opens = file.opens.saturating_sub(1);
        }
        state.release(Some(self.ino));
    }
}
