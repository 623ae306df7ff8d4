//! One segment: header, records, and what is known about syncing it.
//!
//! Invariant: after one failed sync every later sync of the file fails too, without asking the
//! disk. What the kernel did with the pages is unknown, and it may report success next time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use plimsoll_world::{Disk, DiskFile, Open};

use crate::filenames::Names;

/// Bytes of a segment's header.
pub const HEADER_BYTES: u64 = 64;
const MAGIC: &[u8; 8] = b"PLMWAL1\0";
const VERSION: u32 = 1;
/// Files with the same first number, at most: each failed rewrite leaves one.
const ATTEMPTS_MAX: u32 = 10_000;

/// The header of a segment that begins with `first_seq`.
pub fn header(first_seq: u64, created_ms: i64) -> [u8; HEADER_BYTES as usize] {
    let mut h = [0; HEADER_BYTES as usize];
    h[..8].copy_from_slice(MAGIC);
    h[8..12].copy_from_slice(&VERSION.to_le_bytes());
    h[16..24].copy_from_slice(&first_seq.to_le_bytes());
    h[24..32].copy_from_slice(&created_ms.to_le_bytes());
    let crc = crc32c::crc32c(&h[..60]);
    h[60..].copy_from_slice(&crc.to_le_bytes());
    h
}

/// The first sequence number of a valid header that this version can read.
pub fn check_header(bytes: &[u8]) -> Option<u64> {
    let h = bytes.get(..HEADER_BYTES as usize)?;
    let u32_at = |at: usize| u32::from_le_bytes([h[at], h[at + 1], h[at + 2], h[at + 3]]);
    let right = h.starts_with(MAGIC)
        && u32_at(60) == crc32c::crc32c(&h[..60])
        && u32_at(8) == VERSION
        && u32_at(12) == 0;
    right.then(|| u64::from_le_bytes(h[16..24].try_into().unwrap_or_default()))
}

/// A file that is synced by more than one thread.
pub struct SyncFile {
    file: Box<dyn DiskFile>,
    failed: Mutex<bool>,
}

impl SyncFile {
    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The disk's error, once; from then on always an error.
    pub fn sync(&self) -> io::Result<()> {
        let mut failed = self.failed.lock();
        if *failed {
            return Err(io::Error::other("an earlier sync of this segment failed"));
        }
        let done = self.file.sync();
        *failed = done.is_err();
        done
    }
}

/// The segment that is being written.
pub struct Segment {
    /// Its file.
    pub file: Arc<SyncFile>,
    /// Its name.
    pub path: PathBuf,
    /// Number of its first record.
    pub first_seq: u64,
    /// Bytes written.
    pub bytes: u64,
    allocated: u64,
}

impl Segment {
    /// Creates a segment under the next free name and makes the name durable.
    pub fn create(
        disk: &dyn Disk,
        names: &Names,
        first_seq: u64,
        created_ms: i64,
    ) -> io::Result<Self> {
        let (path, file) = create_file(disk, names, first_seq)?;
        let begun = file
            .write_all_at(&header(first_seq, created_ms), 0)
            .and_then(|()| disk.sync_dir(&names.wal()));
        if let Err(e) = begun {
            drop(disk.remove(&path));
            return Err(e);
        }
        let file = Arc::new(SyncFile { file, failed: Mutex::new(false) });
        Ok(Self { file, path, first_seq, bytes: HEADER_BYTES, allocated: 0 })
    }

    /// Writes records at the end. On failure the end stays where it was.
    pub fn append(&mut self, records: &[u8], allocate_step: u64) -> io::Result<()> {
        let end = self.bytes + records.len() as u64;
        if allocate_step > 0 && end > self.allocated {
            let wanted = end.div_ceil(allocate_step) * allocate_step;
            self.file.file.allocate(wanted)?;
            self.allocated = wanted;
        }
        self.file.file.write_all_at(records, self.bytes)?;
        self.bytes = end;
        Ok(())
    }

    /// Gives back the space that was reserved beyond the last record.
    pub fn trim(&self) -> io::Result<()> {
        if self.allocated > self.bytes { self.file.file.set_len(self.bytes) } else { Ok(()) }
    }
}

fn create_file(
    disk: &dyn Disk,
    names: &Names,
    first_seq: u64,
) -> io::Result<(PathBuf, Box<dyn DiskFile>)> {
    for attempt in 0..ATTEMPTS_MAX {
        let path = names.segment(first_seq, attempt);
        match disk.open(&path, Open::CreateNew) {
            Ok(file) => return Ok((path, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("too many segments with the same first number; look at wal/"))
}
