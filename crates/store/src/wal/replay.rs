//! Reading the log back at start: what counts, in order, each number once; what is damaged is set
//! aside and counted.

use std::io;
use std::path::{Path, PathBuf};

use plimsoll_world::{Disk, Open};

use super::log::Closed;
use super::record::{self, Frame};
use super::segment::{HEADER_BYTES, check_header};
use crate::filenames::{Names, parse_segment};
use crate::{Error, Result};

/// A number this far beyond the last one is not believed when the reader looks for the next record.
const SEQ_JUMP_MAX: u64 = 1 << 32;

/// What replay found.
#[derive(Debug, Default)]
pub struct Replayed {
    /// The number that the next record gets.
    pub next_seq: u64,
    /// The segments that are there.
    pub segments: Vec<Closed>,
    /// Records given to the caller.
    pub records: u64,
    /// Numbers that should be there and are not.
    pub lost: u64,
    /// Segments of which a copy went to quarantine.
    pub damaged: Vec<PathBuf>,
}

/// Reads all segments and hands every record from `low_water` on to `apply`, in order.
///
/// # Errors
/// `Io` when a directory or file cannot be read at all. Damage is not an error.
pub fn replay(
    disk: &dyn Disk,
    names: &Names,
    low_water: u64,
    apply: &mut dyn FnMut(Frame<'_>),
) -> Result<Replayed> {
    let mut segments = list(disk, names)?;
    segments.sort_unstable();
    let mut reader = Reader { expected: low_water, low_water, apply, out: Replayed::default() };
    let mut deferred: Option<Deferred> = None;
    for (i, &(first, attempt)) in segments.iter().enumerate() {
        let path = names.segment(first, attempt);
        let bytes = read_file(disk, &path)?;
        let pending = deferred.take();
        let len = bytes.len() as u64;
        reader.out.segments.push(Closed { path: path.clone(), last_seq: first, bytes: len });
        if check_header(&bytes) != Some(first) {
            // A crash right after creation leaves an empty or zeroed file.
            if bytes.len() as u64 >= HEADER_BYTES && bytes.iter().any(|b| *b != 0) {
                reader.set_aside(disk, names, &path, &bytes);
            }
        } else {
            let next_first = segments.get(i + 1).map(|s| s.0);
            let mut at = HEADER_BYTES as usize;
            while let Some(good) =
                reader.run(&bytes, at).and_then(|bad| reader.next_readable(&bytes, bad))
            {
                if next_first.is_some_and(|f| f <= reader.expected) {
                    deferred = Some(Deferred { segment: i, bytes, at: good });
                    break;
                }
                reader.set_aside(disk, names, &path, &bytes);
                at = good;
            }
        }
        reader.note_last(i);
        if let Some(rest) = pending {
            reader.run(&rest.bytes, rest.at);
            reader.note_last(rest.segment);
        }
    }
    reader.out.next_seq = reader.expected.max(1);
    Ok(reader.out)
}

/// The readable rest of a damaged segment whose damage the next segment repeats: it is read after
/// that one.
struct Deferred {
    segment: usize,
    bytes: Vec<u8>,
    at: usize,
}

struct Reader<'r> {
    expected: u64,
    low_water: u64,
    apply: &'r mut dyn FnMut(Frame<'_>),
    out: Replayed,
}

impl Reader<'_> {
    /// Reads records from `at` on. `None` at the end of the records, else where a bad one begins.
    fn run(&mut self, bytes: &[u8], mut at: usize) -> Option<usize> {
        while at < bytes.len() {
            let Some(frame) = record::frame(&bytes[at..]) else {
                return bytes[at..].iter().any(|b| *b != 0).then_some(at);
            };
            at += frame.bytes;
            self.take(frame);
        }
        None
    }

    fn take(&mut self, frame: Frame<'_>) {
        if frame.seq < self.expected || frame.seq < self.low_water {
            return;
        }
        self.out.lost += frame.seq - self.expected;
        self.expected = frame.seq + 1;
        self.out.records += 1;
        (self.apply)(frame);
    }

    /// The next place after `bad` where a record with a higher number is readable.
    fn next_readable(&self, bytes: &[u8], bad: usize) -> Option<usize> {
        (bad + 1..bytes.len().saturating_sub(record::FRAME_BYTES - 1)).find(|&at| {
            let seq = u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap_or_default());
            let believable = self.expected.saturating_sub(1)..self.expected + SEQ_JUMP_MAX;
            believable.contains(&seq) && record::frame(&bytes[at..]).is_some()
        })
    }

    fn note_last(&mut self, segment: usize) {
        let last = &mut self.out.segments[segment].last_seq;
        *last = (*last).max(self.expected.saturating_sub(1));
    }

    fn set_aside(&mut self, disk: &dyn Disk, names: &Names, path: &Path, bytes: &[u8]) {
        if self.out.damaged.last().is_some_and(|p| p == path) {
            return;
        }
        tracing::error!(segment = %path.display(), "damaged log segment; a copy is in quarantine/");
        self.out.damaged.push(path.to_owned());
        let Some(name) = path.file_name() else { return };
        let copy = names.quarantine().join(name);
        if disk.exists(&copy) {
            return;
        }
        let copied = disk
            .create_dir_all(&names.quarantine())
            .and_then(|()| disk.open(&copy, Open::CreateNew))
            .and_then(|f| f.write_all_at(bytes, 0).and_then(|()| f.sync()));
        if let Err(e) = copied {
            tracing::warn!(segment = %path.display(), error = %e, "no copy in quarantine");
        }
    }
}

fn list(disk: &dyn Disk, names: &Names) -> Result<Vec<(u64, u32)>> {
    match disk.list(&names.wal()) {
        Ok(entries) => Ok(entries.iter().filter_map(|e| parse_segment(&e.name)).collect()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Error::io(format!("list {}", names.wal().display()), e)),
    }
}

/// The bytes of a whole file.
pub(crate) fn read_file(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let file = disk.open(path, Open::Read)?;
        let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    };
    read().map_err(|e| Error::io(format!("read {}", path.display()), e))
}
