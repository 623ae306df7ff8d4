//! The disk that seals.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_world::{Chance, Disk, DiskFile, Entry, LockGuard, Open, Space};

use super::KeyRing;
use super::file::{HEADER_BYTES, SealedFile, header, is_whole, read_header};

/// The name of a key log, in a data directory or a snapshot.
const KEY_LOG: &str = "keys.log";

/// Seals what is written to it and opens what is read, but for the files it is told to leave alone.
pub struct SealedDisk {
    inner: Arc<dyn Disk>,
    chance: Arc<dyn Chance>,
    keys: KeyRing,
    plain: Vec<PathBuf>,
}

impl SealedDisk {
    /// Wraps a disk. Files under the names in `plain` pass as they are.
    pub fn new(
        inner: Arc<dyn Disk>,
        chance: Arc<dyn Chance>,
        keys: KeyRing,
        plain: Vec<PathBuf>,
    ) -> Self {
        Self { inner, chance, keys, plain }
    }

    fn create(&self, path: &Path) -> io::Result<SealedFile> {
        // The key first: between the making of a file and its header nothing waits for the disk.
        let (id, key, wrapped) = self.keys.fresh(&*self.chance)?;
        let inner = self.inner.open(path, Open::CreateNew)?;
        inner.write_all_at(&header(&id, &wrapped), 0)?;
        SealedFile::fresh(inner, id, &key, &*self.chance)
    }

    fn existing(&self, path: &Path, how: Open) -> io::Result<SealedFile> {
        let inner = self.inner.open(path, how)?;
        let mut head = [0; HEADER_BYTES];
        let unknown = |why: &str| {
            let text = format!("{}: {why}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let whole = match inner.read_exact_at(&mut head, 0) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => false,
            other => other.map(|()| true)?,
        };
        if !whole || head.iter().all(|b| *b == 0) {
            // A crash right after it was made: an empty file, as without encryption.
            return SealedFile::fresh(inner, [0; 16], &[0; 32], &*self.chance)
                .map(SealedFile::closed);
        }
        let (id, wrapped) = read_header(&head).ok_or_else(|| unknown("no header"))?;
        if let Some(key) = self.keys.find(&id, &wrapped) {
            return SealedFile::open(inner, id, &key, &*self.chance);
        }
        // A damaged header: the key that opens the first frame is the file's.
        drop(inner);
        for (id, key) in self.keys.all() {
            let file = SealedFile::open(self.inner.open(path, how)?, id, &key, &*self.chance)?;
            if file.opens()? {
                tracing::error!(file = %path.display(), "damaged header of a sealed file");
                return Ok(file);
            }
        }
        if is_whole(&head) {
            return Err(unknown("no key of this directory opens it: it belongs to another one"));
        }
        // Torn by a power cut, or damaged together with what follows: its frames read as zeroes, and
        // the format inside sets them aside as it would in a plain directory.
        tracing::error!(file = %path.display(), "a sealed file that no key opens reads as zeroes");
        let inner = self.inner.open(path, Open::Read)?;
        SealedFile::open(inner, [0; 16], &[0; 32], &*self.chance).map(SealedFile::closed)
    }
}

impl Disk for SealedDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let is_log = path.file_name().is_some_and(|n| n == KEY_LOG);
        if is_log || self.plain.iter().any(|p| p == path) {
            return self.inner.open(path, how);
        }
        Ok(match how {
            Open::CreateNew => Box::new(self.create(path)?),
            how => Box::new(self.existing(path, how)?),
        })
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir_all(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.inner.list(path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.inner.exists(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_dir(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.hard_link(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.inner.space(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        self.inner.lock(path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::SealKey;
    use super::*;
    use plimsoll_world::World;

    fn sealed(world: &World, has_data: bool) -> SealedDisk {
        let log = Path::new("d/keys.log");
        world.disk.create_dir_all(Path::new("d")).unwrap();
        let key = SealKey::new([9; 32]);
        let keys = KeyRing::open(&*world.disk, &*world.chance, log, &key, has_data).unwrap();
        SealedDisk::new(world.disk.clone(), world.chance.clone(), keys, vec![log.to_owned()])
    }

    fn bytes_of(file: &dyn DiskFile) -> Vec<u8> {
        let mut all = vec![0; file.len().unwrap() as usize];
        file.read_exact_at(&mut all, 0).unwrap();
        all
    }

    #[test]
    fn what_is_written_comes_back_and_is_not_on_the_disk() {
        let (world, _) = World::simulated(1, 0);
        let disk = sealed(&world, false);
        let (path, text) = (Path::new("d/f"), b"a page that nobody may read".repeat(100));
        let file = disk.open(path, Open::CreateNew).unwrap();
        // As a part: the body first, the header last, and once more over it.
        file.write_all_at(&text, 100).unwrap();
        file.write_all_at(&[7; 100], 0).unwrap();
        file.write_all_at(&[8; 3], 98).unwrap();
        let mut wanted = vec![7; 100];
        wanted.extend_from_slice(&text);
        wanted[98..101].fill(8);
        assert_eq!(bytes_of(&*file), wanted);
        file.sync().unwrap();
        drop(file);
        let again = sealed(&world, true).open(path, Open::Write).unwrap();
        assert_eq!(bytes_of(&*again), wanted);
        again.write_all_at(b"more", wanted.len() as u64).unwrap();
        wanted.extend_from_slice(b"more");
        assert_eq!(bytes_of(&*again), wanted);
        let raw = bytes_of(&*world.disk.open(path, Open::Read).unwrap());
        assert!(!raw.windows(12).any(|w| w == &text[..12]));
    }

    #[test]
    fn every_flipped_byte_gives_zeroes_or_an_error_and_never_other_bytes() {
        let (world, _) = World::simulated(1, 0);
        let disk = sealed(&world, false);
        let path = Path::new("d/f");
        let file = disk.open(path, Open::CreateNew).unwrap();
        for (at, byte) in [(0u64, 1u8), (50, 2), (100, 3)] {
            file.write_all_at(&[byte; 50], at).unwrap();
        }
        drop(file);
        let raw = world.disk.open(path, Open::Write).unwrap();
        let all = bytes_of(&*raw);
        for (i, byte) in all.iter().enumerate() {
            raw.write_all_at(&[byte ^ 0x41], i as u64).unwrap();
            if let Ok(file) = sealed(&world, true).open(path, Open::Read) {
                let plain = bytes_of(&*file);
                for (at, b) in plain.iter().enumerate() {
                    let written = [1, 2, 3][at / 50];
                    assert!(*b == written || *b == 0, "byte {i} flipped: {b} at {at}");
                }
            }
            raw.write_all_at(&[*byte], i as u64).unwrap();
        }
    }
}
