//! What a damaged part still holds: every series and chunk whose checksums agree, in a new part.

use std::sync::Arc;

use plimsoll_model::{Cancel, Run, TimeRange};
use plimsoll_world::Disk;

use crate::part::{PartInfo, PartReader, PartWriter, Scan, SeriesIn};
use crate::{Error, Result};

/// What was saved and what was lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Salvaged {
    /// The new part; `None` (and no file) when nothing could be read.
    pub part: Option<PartInfo>,
    /// Series that lost all they had.
    pub series_lost: u64,
    /// Series that lost a part of their samples.
    pub series_cut: u64,
    /// Samples that are gone.
    pub samples_lost: u64,
    /// Series whose exemplars are gone.
    pub exemplars_lost: u64,
    /// The first damage that was met.
    pub why: Option<String>,
}

impl Salvaged {
    fn note(&mut self, e: &Error) {
        self.why.get_or_insert_with(|| e.to_string());
    }
}

/// Copies what can be read of a damaged raw part into `out`, which must be empty. A chunk whose bytes
/// or times are damaged costs its samples, a block of the index its 64 series.
///
/// # Errors
/// `Corrupt` when the directories themselves are damaged; `Invalid` for a part of a tier, which is
/// built again from raw samples; `Io`; `Unavailable` when cancelled.
pub fn salvage(
    disk: &dyn Disk,
    damaged: &PartReader,
    mut out: PartWriter,
    cancel: &Cancel,
) -> Result<Salvaged> {
    if damaged.info().spec.tier.is_some() {
        return Err(Error::Invalid(format!(
            "part {}: a tier is built again, not salvaged",
            damaged.path().display()
        )));
    }
    damaged.directories().map_err(|e| damaged.named(e))?;
    let (mut done, mut run, mut before) = (Salvaged::default(), Run::new(), Vec::new());
    let (mut exemplars, mut kept) = (Vec::new(), 0);
    let mut ordinal = 0;
    while ordinal < damaged.series() {
        cancel.check().map_err(|e| Error::Unavailable(format!("salvage: {e}")))?;
        let mut scan = match Scan::at(damaged, ordinal) {
            Ok(scan) => scan,
            Err(e) => {
                passable(&e)?;
                done.note(&e);
                let next = Scan::next_block(ordinal).min(damaged.series());
                done.series_lost += u64::from(next - ordinal);
                ordinal = next;
                continue;
            }
        };
        run.clear();
        let lost = read_what_is_left(&mut scan, &mut run, &mut done)?;
        if run.is_empty() || scan.labels() <= before.as_slice() {
            done.series_lost += 1;
        } else {
            done.series_cut += u64::from(lost);
            let (labels, seq) = (scan.labels_ref(), scan.seq());
            out.add(&SeriesIn { labels, samples: run.columns(), seq })?;
            kept += run.len() as u64;
            copy_exemplars(damaged, ordinal, &mut exemplars, &mut out, &mut done)?;
            before.clear();
            before.extend_from_slice(scan.labels());
        }
        ordinal += 1;
    }
    done.samples_lost = damaged.info().samples.saturating_sub(kept);
    done.part = out.finish(disk)?;
    Ok(done)
}

/// Damage is what we are here for; everything else ends the work.
fn passable(e: &Error) -> Result<()> {
    match e {
        Error::Corrupt(_) => Ok(()),
        Error::Io { what, source } => Err(Error::io(what.clone(), source.kind().into())),
        e => Err(Error::Unavailable(e.to_string())),
    }
}

/// Appends the chunks that can be read. True when some could not.
fn read_what_is_left(scan: &mut Scan<'_>, run: &mut Run, done: &mut Salvaged) -> Result<bool> {
    let mut lost = false;
    for chunk in 0..scan.chunks() {
        let before = run.len();
        let read = scan.read_chunk(chunk, TimeRange::ALL, run);
        let follows =
            before == 0 || run.len() == before || run.times[before - 1] < run.times[before];
        if read.is_ok() && follows {
            continue;
        }
        run.truncate(before);
        lost = true;
        if let Err(e) = read {
            passable(&e)?;
            done.note(&e);
        }
    }
    Ok(lost)
}

fn copy_exemplars(
    damaged: &PartReader,
    ordinal: u32,
    list: &mut Vec<Arc<plimsoll_model::Exemplar>>,
    out: &mut PartWriter,
    done: &mut Salvaged,
) -> Result<()> {
    list.clear();
    if let Err(e) = damaged.exemplars(ordinal, TimeRange::ALL, list) {
        passable(&e)?;
        done.note(&e);
        done.exemplars_lost += 1;
        return Ok(());
    }
    if list.is_empty() { Ok(()) } else { out.add_exemplars(list) }
}
