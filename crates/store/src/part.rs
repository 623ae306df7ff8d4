//! The part: an immutable file of series with its index (`docs/format/part.md`).
//!
//! [`PartWriter`] takes series in canonical order and makes the file; [`PartReader`] opens it,
//! selects by label matchers and reads ranges. Paths, renames and the manifest are the caller's:
//! he renames the finished file into its directory, syncs that, and names the part in the manifest;
//! a part that was not finished is a leftover without meaning.

mod bundles;
mod exemplars;
mod layout;
mod paged;
mod pages;
mod reader;
mod samples;
mod scan;
mod sections;
mod select;
mod series;
mod squeeze;
mod stats;
mod terms;
mod verify;
mod writer;

pub use layout::{Bundle, Level, PartInfo, PartSpec, SeqRange, SeriesIn, SeriesInfo, SeriesStats};
pub use reader::PartReader;
pub(crate) use scan::Scan;
pub(crate) use series::SeriesBlock;
pub use writer::PartWriter;

/// Fuzz target: any bytes as a part file. Opens it, finds every series, reads all it can. `disk`
/// takes the bytes under `path`.
pub fn part_open(disk: &dyn plimsoll_world::Disk, path: &std::path::Path, bytes: &[u8]) {
    let write = || -> std::io::Result<()> {
        let file = disk.open(path, plimsoll_world::Open::CreateNew)?;
        file.write_all_at(bytes, 0)
    };
    let opened = write().ok().and_then(|()| {
        let cache = std::sync::Arc::new(crate::PageCache::new(4 << 20));
        PartReader::open(disk, path, cache).ok()
    });
    if let Some(part) = opened {
        let _damage = part.verify();
        let names = part.label_names().unwrap_or_default();
        for name in names.iter().take(16) {
            let _damage = part.label_values(name, &mut Vec::new());
        }
        let _damage = part.select(&[plimsoll_model::Matcher::equal("__name__", "up")]);
        let range = plimsoll_model::TimeRange::new(10_000_000, 20_000_000);
        for ordinal in 0..part.series().min(64) {
            let _damage = part.read(ordinal, range, &mut plimsoll_model::Run::new());
            let _damage = part.last(ordinal, range);
            let _damage = part.pages(ordinal, range, &mut Vec::new());
            let _damage = part.exemplars(ordinal, range, &mut Vec::new());
        }
    }
    // A leftover of a failed write is no matter: the next input has its own path or finds it gone.
    let _gone = disk.remove(path);
}
