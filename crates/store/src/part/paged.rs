//! The file under a part that is being written: pages with their checksums, sections with their
//! hashes, the header last.

use std::path::{Path, PathBuf};

use plimsoll_world::DiskFile;
use xxhash_rust::xxh3::Xxh3;

use super::layout::{Footer, HEADER_BYTES, Kind, PAGE_BYTES, PartInfo, Section};
use crate::{Error, Result};

/// A file written in pages, each with its checksum, in sections, each with its hash.
pub(super) struct PagedFile {
    file: Box<dyn DiskFile>,
    pub path: PathBuf,
    /// Bytes of the file so far, the header included.
    pub len: u64,
    page: Vec<u8>,
    sums: Vec<u8>,
    hash: Xxh3,
    sections: Vec<Section>,
    section_start: u64,
}

impl PagedFile {
    pub(super) fn new(file: Box<dyn DiskFile>, path: &Path) -> Self {
        Self {
            file,
            path: path.to_owned(),
            len: HEADER_BYTES as u64,
            page: Vec::with_capacity(PAGE_BYTES),
            sums: Vec::new(),
            hash: Xxh3::new(),
            sections: Vec::new(),
            section_start: HEADER_BYTES as u64,
        }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        while !bytes.is_empty() {
            let room = PAGE_BYTES - (self.len as usize % PAGE_BYTES);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.page.extend_from_slice(now);
            self.len += now.len() as u64;
            bytes = later;
            if self.len.is_multiple_of(PAGE_BYTES as u64) {
                self.end_page()?;
            }
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<()> {
        self.sums.extend_from_slice(&crc32c::crc32c(&self.page).to_le_bytes());
        let at = self.len - self.page.len() as u64;
        self.put(at, &self.page)?;
        self.page.clear();
        Ok(())
    }

    fn put(&self, at: u64, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, at)
            .map_err(|e| Error::io(format!("write part {} at {at}", self.path.display()), e))
    }

    pub(super) fn section(&mut self, kind: Kind, bytes: &[u8]) -> Result<()> {
        self.write(bytes)?;
        self.end_section(kind);
        Ok(())
    }

    pub(super) fn end_section(&mut self, kind: Kind) {
        self.sections.push(Section {
            kind: kind as u16,
            offset: self.section_start,
            len: self.len - self.section_start,
            hash: self.hash.digest(),
        });
        self.section_start = self.len;
        self.hash.reset();
    }

    /// Sums, footer, header, sync. Returns the length of the file.
    pub(super) fn finish(mut self, info: &PartInfo, columns: u64) -> Result<u64> {
        if !self.page.is_empty() {
            self.end_page()?;
        }
        let sums = std::mem::take(&mut self.sums);
        self.put(self.len, &sums)?;
        self.hash.update(&sums);
        self.len += sums.len() as u64;
        self.end_section(Kind::Sums);
        let header = info.encode_header();
        let footer = Footer {
            sections: std::mem::take(&mut self.sections),
            series: info.series,
            samples: info.samples,
            columns,
            header_crc: crc32c::crc32c(&header),
        }
        .encode();
        self.put(self.len, &footer)?;
        self.put(0, &header)?;
        self.file.sync().map_err(|e| Error::io(format!("sync part {}", self.path.display()), e))?;
        Ok(self.len + footer.len() as u64)
    }
}
