//! Kernel files, kept open and read again from their start into one buffer.
//!
//! A file that is absent or cannot be read gives `None`: kernels, containers and permissions
//! differ, and what is not there is not reported. At most [`OPEN_MAX`] files stay open; a file is
//! read up to [`READ_MAX`] bytes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Files kept open. A machine with a hundred network devices needs about as many hundreds.
const OPEN_MAX: usize = 256;
/// Bytes read of one file. `/proc/stat` of a machine with 500 CPUs has 200 KiB.
const READ_MAX: usize = 4 << 20;

/// The files under a root.
pub(super) struct Files {
    root: PathBuf,
    open: HashMap<String, File>,
    buffer: Vec<u8>,
}

impl Files {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, open: HashMap::new(), buffer: vec![0; 16 << 10] }
    }

    /// The content of `path` (relative to the root), which stays open.
    pub(super) fn read(&mut self, path: &str) -> Option<Cow<'_, str>> {
        if let Some(file) = self.open.get(path) {
            match fill(file, &mut self.buffer) {
                Some(n) => return Some(String::from_utf8_lossy(&self.buffer[..n])),
                None => drop(self.open.remove(path)),
            }
        }
        let file = File::open(self.root.join(path)).ok()?;
        let n = fill(&file, &mut self.buffer)?;
        if self.open.len() < OPEN_MAX {
            self.open.insert(path.to_owned(), file);
        }
        Some(String::from_utf8_lossy(&self.buffer[..n]))
    }

    /// The content of a file that is not kept open.
    pub(super) fn read_once(&mut self, path: &Path) -> Option<Cow<'_, str>> {
        let file = File::open(self.root.join(path)).ok()?;
        let n = fill(&file, &mut self.buffer)?;
        Some(String::from_utf8_lossy(&self.buffer[..n]))
    }

    /// The names in a directory, sorted.
    pub(super) fn names(&self, dir: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.root.join(dir)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    /// Where a symbolic link leads in the end.
    pub(super) fn resolve(&self, path: &str) -> Option<PathBuf> {
        std::fs::canonicalize(self.root.join(path)).ok()
    }

    /// Whether there is such a directory.
    pub(super) fn is_dir(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }

    /// The root.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// Reads from the start; the number of bytes.
fn fill(file: &File, buffer: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        if at == buffer.len() {
            if buffer.len() >= READ_MAX {
                return Some(at);
            }
            buffer.resize(buffer.len() * 2, 0);
        }
        match file.read_at(&mut buffer[at..], at as u64) {
            Ok(0) => return Some(at),
            Ok(n) => at += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
