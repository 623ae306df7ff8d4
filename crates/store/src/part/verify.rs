//! Reads all of a part, to say whether it is what was written.

use plimsoll_model::{Run, TimeRange};

use super::layout::{Kind, PAGE_BYTES};
use super::reader::PartReader;
use super::scan::Scan;
use crate::{Error, Result};

impl PartReader {
    /// Reads everything: every page against its sum, every section against its hash, every chunk.
    ///
    /// # Errors
    /// `Corrupt` with the first damage found, `Io`.
    pub fn verify(&self) -> Result<()> {
        self.verify_inner().map_err(|e| self.named(e))
    }

    fn verify_inner(&self) -> Result<()> {
        let mut bytes = Vec::new();
        for s in self.footer.sections.iter().filter(|s| s.kind != Kind::Sums as u16) {
            let mut hasher = xxhash_rust::xxh3::Xxh3::new();
            for at in (s.offset..s.offset + s.len).step_by(PAGE_BYTES) {
                let len = (s.offset + s.len - at).min(PAGE_BYTES as u64);
                self.read_at(at, len as usize, &mut bytes)?;
                hasher.update(&bytes);
            }
            if hasher.digest() != s.hash {
                return Err(Error::corrupt(format!("section {}: wrong hash", s.kind)));
            }
        }
        let (mut samples, mut run) = (0, Run::new());
        let mut scan = Scan::new(self)?;
        while scan.more() {
            run.clear();
            if self.info.spec.tier.is_none() {
                scan.read(TimeRange::ALL, &mut run)?;
                samples += run.len() as u64;
            } else {
                self.bundles(scan.ordinal(), TimeRange::ALL, &mut |times, payload| {
                    samples += crate::rollup::verify(self, times, payload)?;
                    Ok(())
                })?;
            }
            scan.next()?;
        }
        if samples != self.info.samples {
            return Err(Error::corrupt(format!(
                "{samples} samples, header says {}",
                self.info.samples
            )));
        }
        Ok(())
    }
}
