//! The parts that are visible: a list that is replaced, never changed.

use std::sync::Arc;

use plimsoll_model::{Matcher, Run, TimeRange};

use crate::head::SeriesMeta;
use crate::manifest::PartEntry;
use crate::part::PartReader;

/// A part and what the manifest says of it.
pub(crate) struct LivePart {
    pub entry: PartEntry,
    pub reader: Arc<PartReader>,
}

/// All parts, in the order in which their samples count: the first to hold a time wins.
#[derive(Default)]
pub(crate) struct PartSet {
    pub parts: Vec<Arc<LivePart>>,
    /// The latest time in any of them; `i64::MIN` when there is none.
    pub end: i64,
}

impl PartSet {
    pub fn new(mut parts: Vec<Arc<LivePart>>) -> Self {
        parts.sort_by(|a, b| {
            let key = |p: &LivePart| (p.entry.seq, p.reader.info().spec.created);
            key(a).cmp(&key(b)).then_with(|| a.entry.id.cmp(&b.entry.id))
        });
        let end = parts.iter().map(|p| p.entry.range.end).max().unwrap_or(i64::MIN);
        Self { parts, end }
    }

    /// The same without the parts of these names and with more.
    pub fn changed(&self, gone: &[(i64, String)], more: Vec<Arc<LivePart>>) -> Self {
        let stays =
            |p: &&Arc<LivePart>| !gone.iter().any(|(d, id)| *d == p.entry.day && *id == p.entry.id);
        Self::new(self.parts.iter().filter(stays).cloned().chain(more).collect())
    }

    /// Appends the samples of one series, rising in time. What cannot be read is left out and
    /// reported to `suspect`.
    pub fn samples_of(
        &self,
        meta: &SeriesMeta,
        range: TimeRange,
        out: &mut Run,
        suspect: &mut dyn FnMut(&LivePart, &crate::Error),
    ) {
        let wanted: Vec<Matcher> =
            meta.labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
        let mut labels = plimsoll_model::LabelBuf::new();
        let mut one = Run::new();
        for part in self.parts.iter().filter(|p| p.entry.range.overlaps(range)) {
            one.clear();
            let mut read = || -> crate::Result<()> {
                for ordinal in part.reader.select(&wanted)? {
                    part.reader.labels(ordinal, &mut labels)?;
                    if labels.as_ref() == meta.labels.as_ref() {
                        part.reader.read(ordinal, range, &mut one)?;
                    }
                }
                Ok(())
            };
            match read() {
                Ok(()) => drop(out.join(&one.columns())),
                Err(e) => suspect(part, &e),
            }
        }
    }
}
