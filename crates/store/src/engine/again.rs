//! Applying the log again at start, in the order in which it was applied first.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};

use plimsoll_model::{Fp, LabelBuf, LabelsRef, Run, TimeRange};
use plimsoll_world::Disk;

use super::PartSet;
use super::commit::Registered;
use crate::filenames::Names;
use crate::head::{ApplyScratch, Head, Lookup, Outcomes, SeriesMeta};
use crate::wal::record::{self, Frame, Record, SampleBuf};
use crate::wal::replay::{self, Replayed};
use crate::{Error, Result};

/// Records that are decoded and not applied yet.
const READ_AHEAD: usize = 8;
/// Parts that end within this long before the last one are asked where each series ends, ms.
const NEWEST_MS: i64 = 2 * 3_600_000;
/// Series of those parts, at most: 100 bytes each while the log is replayed.
const ENDS_MAX: u64 = 4_000_000;

/// Where series end in the newest parts. The first samples of the log follow those closely: without
/// this every series would be searched for once.
struct Ends {
    by_fp: HashMap<Fp, i64>,
    /// The latest time in the other parts.
    rest: i64,
}

impl Ends {
    fn of(parts: &PartSet) -> Self {
        let newest = |r: TimeRange| r.end >= parts.end.saturating_sub(NEWEST_MS);
        let (mut by_fp, mut rest, mut series) = (HashMap::new(), i64::MIN, 0);
        for part in parts.parts.iter().rev() {
            series += part.entry.series;
            if !newest(part.entry.range) || series > ENDS_MAX {
                rest = rest.max(part.entry.range.end);
                continue;
            }
            let mut labels = LabelBuf::new();
            let mut read = || -> Result<()> {
                for ordinal in 0..part.reader.series() {
                    part.reader.labels(ordinal, &mut labels)?;
                    let end = part.reader.series_info(ordinal)?.range.end;
                    let known = by_fp.entry(labels.as_ref().fp()).or_insert(end);
                    *known = end.max(*known);
                }
                Ok(())
            };
            if let Err(e) = read() {
                tracing::error!(part = %part.entry.id, error = %e, "part cannot be read");
                rest = rest.max(part.entry.range.end);
            }
        }
        Self { by_fp, rest }
    }
}

/// Looks series up while the log is replayed.
struct Replaying<'s> {
    rest: &'s Registered<'s>,
    ends: OnceCell<Ends>,
}

impl Lookup for Replaying<'_> {
    fn meta(&self, sid: u32, fp: Fp, labels: LabelsRef<'_>) -> Arc<SeriesMeta> {
        self.rest.meta(sid, fp, labels)
    }

    fn parts_end(&self, fp: Fp) -> i64 {
        if self.rest.parts.parts.is_empty() {
            return i64::MIN;
        }
        let ends = self.ends.get_or_init(|| Ends::of(self.rest.parts));
        ends.by_fp.get(&fp).map_or(ends.rest, |end| ends.rest.max(*end))
    }

    fn in_parts(&self, meta: &SeriesMeta, range: TimeRange, out: &mut Run) {
        self.rest.in_parts(meta, range, out);
    }
}

/// Replays the log without a thread.
pub(super) fn here(
    disk: &dyn Disk,
    names: &Names,
    low_water: u64,
    head: &mut Head,
    rest: &Registered<'_>,
) -> Result<Replayed> {
    let lookup = &Replaying { rest, ends: OnceCell::new() };
    let (mut scratch, mut outcomes) = (ApplyScratch::default(), Outcomes::default());
    replay::replay(disk, names, low_water, &mut |frame| {
        outcomes.clear();
        head.apply(frame, lookup, &mut scratch, &mut outcomes);
    })
}

/// A record on its way from the reader.
enum Read {
    Samples(u64, SampleBuf),
    Bad(u64, Error),
    Other { seq: u64, kind: u8, flags: u8, payload: Vec<u8> },
}

/// Replays the log: a thread reads, checks and decodes, this one applies, in the same order.
pub(super) fn with_reader(
    disk: &dyn Disk,
    names: &Names,
    low_water: u64,
    head: &mut Head,
    rest: &Registered<'_>,
) -> Result<Replayed> {
    let lookup = &Replaying { rest, ends: OnceCell::new() };
    let (send, records) = sync_channel::<Read>(READ_AHEAD);
    let (give_back, used) = channel::<SampleBuf>();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            replay::replay(disk, names, low_water, &mut |frame| {
                let Frame { seq, kind, flags, payload, .. } = frame;
                let read = match record::decode(frame) {
                    Ok(Record::Samples(bytes)) => {
                        let mut buf = used.try_recv().unwrap_or_default();
                        let done = bytes.decode_into(&mut buf);
                        done.map_or_else(|e| Read::Bad(seq, e), |()| Read::Samples(seq, buf))
                    }
                    Ok(_) => Read::Other { seq, kind, flags, payload: payload.to_vec() },
                    Err(e) => Read::Bad(seq, e),
                };
                drop(send.send(read));
            })
        });
        let (mut scratch, mut outcomes) = (ApplyScratch::default(), Outcomes::default());
        for read in records {
            outcomes.clear();
            match read {
                Read::Samples(seq, buf) => {
                    head.apply_samples(seq, &buf, lookup, &mut scratch, &mut outcomes);
                    drop(give_back.send(buf));
                }
                Read::Bad(seq, e) => head.undecodable(seq, &e),
                Read::Other { seq, kind, flags, payload } => {
                    let frame = Frame { seq, kind, flags, payload: &payload, bytes: 0 };
                    head.apply(frame, lookup, &mut scratch, &mut outcomes);
                }
            }
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
