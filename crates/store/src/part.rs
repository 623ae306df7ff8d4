//! The part: an immutable file of series with its index (`docs/format/part.md`).
//!
//! ```text
//! PartWriter::create(&dyn Disk, &Path, PartSpec) -> Result<PartWriter>      // a path under tmp/
//!     .add(&SeriesIn) -> Result<()>      // in canonical order: LabelsRef::as_bytes ascending
//!     .series() -> u64
//!     .finish() -> Result<Option<PartInfo>>  // synced; None (and no file) when nothing was added
//! PartReader::open(&dyn Disk, &Path, Arc<PageCache>) -> Result<PartReader>
//!     .info() -> &PartInfo
//!     .select(&[Matcher]) -> Result<RoaringBitmap>                           // of ordinals
//!     .labels(ordinal, &mut LabelBuf) -> Result<()>
//!     .series_info(ordinal) -> Result<SeriesInfo>
//!     .read(ordinal, TimeRange, &mut Vec<i64>, &mut Vec<f64>) -> Result<()>  // appends
//!     .last(ordinal, TimeRange) -> Result<Option<(i64, f64)>>
//!     .label_names() / .label_values(name) -> Result<Vec<String>>
//!     .verify() -> Result<()>
//! merge::merge_parts(&[Arc<PartReader>], PartWriter, &MergeOptions, &Cancel) -> Result<MergeOutcome>
//! ```
//! The caller renames the finished file into its directory, syncs the directory and names the part
//! in the manifest; a part that was not finished is a leftover without meaning.

mod layout;

pub use layout::{Level, PartInfo, PartSpec, SeqRange, SeriesIn, SeriesInfo, SeriesStats};
