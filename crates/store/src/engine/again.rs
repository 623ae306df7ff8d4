//! Applying the log again at start, in the order in which it was applied first.

use std::sync::mpsc::{channel, sync_channel};

use plimsoll_world::Disk;

use super::commit::Registered;
use crate::filenames::Names;
use crate::head::{ApplyScratch, Head, Outcomes};
use crate::wal::record::{self, Frame, Record, SampleBuf};
use crate::wal::replay::{self, Replayed};
use crate::{Error, Result};

/// Records that are decoded and not applied yet.
const READ_AHEAD: usize = 8;

/// Replays the log without a thread.
pub(super) fn here(
    disk: &dyn Disk,
    names: &Names,
    low_water: u64,
    head: &mut Head,
    lookup: &Registered<'_>,
) -> Result<Replayed> {
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
    lookup: &Registered<'_>,
) -> Result<Replayed> {
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
