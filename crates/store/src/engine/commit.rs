//! The committer: takes what is queued, writes it as one group, applies it, answers.
//!
//! Queue order is log order is apply order: records are encoded and queued under one lock. A group
//! that could not be written stays in memory, is written again when the disk works again, and is
//! applied then; its senders were told `Unavailable` before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::RwLock;
use plimsoll_model::{
    Appended, Batch, Completer, Error as SeamError, Fp, LabelsRef, Reason, RowVerdict, Run, Ticket,
    TimeRange, ticket,
};

use super::{PartSet, Shared};
use crate::head::{Lookup, Outcomes, SeriesMeta};
use crate::metrics::Stage;
use crate::registry::{Index, Limits};
use crate::wal::record;
use crate::{Error, Result, WalSync};

/// Bytes of a group, at most one record more.
const GROUP_BYTES: usize = 1 << 20;
/// How long a group under `fsync` waits for company.
const GATHER: Duration = Duration::from_millis(1);

/// What waits to be committed.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Pending>,
    bytes: usize,
    pub closed: bool,
}

struct Pending {
    bytes: Vec<u8>,
    rows: Vec<u32>,
    histogram_rows: usize,
    verdicts: Vec<RowVerdict>,
    completer: Option<Completer>,
    swap: bool,
}

/// What the committer keeps between groups.
#[derive(Default)]
pub(crate) struct Committer {
    pub(super) scratch: crate::head::ApplyScratch,
    pub(super) outcomes: Outcomes,
    pub(super) bufs: Vec<record::SampleBuf>,
    pub(super) places: super::search::Places,
    /// Numbered and kept by the log, not written for certain, not applied.
    unapplied: Vec<Arc<Vec<u8>>>,
}

/// Looks series up in the index and in the parts.
pub(crate) struct Registered<'s> {
    pub index: &'s RwLock<Index>,
    pub parts: &'s PartSet,
    pub suspect: &'s dyn Fn(i64, &str),
}

impl Lookup for Registered<'_> {
    fn meta(&self, sid: u32, fp: Fp, labels: LabelsRef<'_>) -> Arc<SeriesMeta> {
        if let Some(meta) = self.index.read().meta(sid)
            && meta.fp == fp
        {
            return Arc::clone(meta);
        }
        let meta = Arc::new(SeriesMeta { sid, fp, labels: labels.to_labels() });
        self.index.write().insert(Arc::clone(&meta));
        meta
    }

    fn parts_end(&self, _: Fp) -> i64 {
        self.parts.end
    }

    fn in_parts(&self, meta: &SeriesMeta, range: TimeRange, out: &mut Run) {
        self.parts.samples_of(meta, range, out, &mut |part, e| {
            tracing::error!(part = %part.entry.id, error = %e, "part cannot be read");
            (self.suspect)(part.entry.day, &part.entry.id);
        });
    }
}

/// Starts committer, syncer and maintainer.
pub(super) fn spawn(shared: &Arc<Shared>) -> Result<Vec<JoinHandle<()>>> {
    let start = |name: &str, work: fn(&Shared)| {
        let shared = Arc::clone(shared);
        std::thread::Builder::new()
            .name(format!("store-{name}"))
            .stack_size(1 << 20)
            .spawn(move || work(&shared))
            .map_err(|e| Error::io(format!("start thread store-{name}"), e))
    };
    Ok(vec![
        start("commit", Shared::commit_loop)?,
        start("sync", |s| s.every(s.config.wal_sync_every, |s| s.tick()))?,
        start("maintain", |s| {
            s.every(s.config.maintain_every, |s| {
                if let Err(e) = s.maintain() {
                    tracing::warn!(error = %e, "maintenance failed and is tried again");
                }
            });
        })?,
    ])
}

impl Shared {
    fn commit_loop(&self) {
        loop {
            {
                let mut queue = self.queue.lock();
                while queue.waiting.is_empty() {
                    if queue.closed {
                        return;
                    }
                    self.queued.wait(&mut queue);
                }
                if self.config.wal_sync == WalSync::Fsync && queue.bytes < GROUP_BYTES {
                    self.queued.wait_for(&mut queue, GATHER);
                }
            }
            self.commit_once();
        }
    }

    fn every(&self, period: Duration, work: fn(&Self)) {
        loop {
            let mut stopping = self.stopping.lock();
            if !*stopping {
                self.stop_signal.wait_for(&mut stopping, period);
            }
            if *stopping {
                return;
            }
            drop(stopping);
            work(self);
        }
    }

    /// Encodes a batch and queues it.
    pub(super) fn enqueue(&self, batch: &Batch<'_>) -> Ticket {
        let now = self.world.clock.wall_ms();
        let limits = self.limits(now);
        let (ticket, completer) = ticket();
        let mut intake = self.intake.lock();
        if let Err(why) = self.has_room() {
            completer.complete(Err(SeamError::Unavailable(why)));
            return ticket;
        }
        if intake.backfill.is_full(batch.source, self.config.backfill_days) {
            self.flush_soon.store(true, Ordering::Relaxed);
            completer.complete(Err(SeamError::Unavailable(format!(
                "source {:?} filled {} days of the past and they wait for a flush \
                 (store.backfill.days); send again in a moment",
                batch.source, self.config.backfill_days
            ))));
            return ticket;
        }
        let encoded = intake.encode(batch, limits);
        intake.backfill.note(batch, &encoded.rows, now);
        self.counters.refused_rows(&encoded.verdicts);
        if encoded.bytes.is_empty() {
            completer.complete(Ok(sum(encoded.verdicts)));
            return ticket;
        }
        self.push(Pending {
            bytes: encoded.bytes,
            rows: encoded.rows,
            histogram_rows: encoded.histogram_rows,
            verdicts: encoded.verdicts,
            completer: Some(completer),
            swap: false,
        });
        drop(intake);
        self.witness(batch, now);
        ticket
    }

    fn limits(&self, now: i64) -> Limits {
        let believed = self.believed_ms.load(Ordering::Relaxed).min(now);
        Limits {
            oldest: believed
                .saturating_sub(self.config.retention_ms())
                .max(self.raw_from.load(Ordering::Relaxed)),
            newest: now.saturating_add(self.config.future_ms()),
            series: self.config.series_limits(),
            now,
            max_metadata: self.config.max_metadata,
            histograms: self.config.histograms,
        }
    }

    fn has_room(&self) -> std::result::Result<(), String> {
        let queue = self.queue.lock();
        if queue.closed {
            return Err("the store is closed".to_owned());
        }
        if queue.bytes >= self.config.wal_queue_bytes {
            self.counters.queue_full.fetch_add(1, Ordering::Relaxed);
            return Err(format!(
                "{} bytes wait to be written (store.wal.queue); send again in a moment",
                queue.bytes
            ));
        }
        Ok(())
    }

    /// Queues; a closed queue drops it, and with it the completer, which answers `Unavailable`.
    fn push(&self, pending: Pending) {
        let mut queue = self.queue.lock();
        if queue.closed {
            return;
        }
        queue.bytes += pending.bytes.len();
        queue.waiting.push_back(pending);
        drop(queue);
        self.queued.notify_one();
    }

    /// Ends the generation in log order; complete when the swap was applied.
    pub(super) fn enqueue_swap(&self) -> Ticket {
        let mut intake = self.intake.lock();
        let mut bytes = Vec::new();
        record::put_swap(&mut bytes, intake.next_generation());
        self.enqueue_own(bytes, true)
    }

    /// Logs all metadata, so that older segments can go.
    pub(super) fn enqueue_checkpoint(&self) -> Ticket {
        let all = Arc::clone(self.visible.lock().head.metadata());
        let mut bytes = Vec::new();
        record::put_checkpoint(&mut bytes, all.values());
        let _order = self.intake.lock();
        self.enqueue_own(bytes, false)
    }

    /// The intake is locked by the caller.
    fn enqueue_own(&self, bytes: Vec<u8>, swap: bool) -> Ticket {
        let (ticket, completer) = ticket();
        let completer = Some(completer);
        let (rows, verdicts) = (Vec::new(), Vec::new());
        self.push(Pending { bytes, rows, histogram_rows: 0, verdicts, completer, swap });
        ticket
    }

    fn take_group(&self) -> Vec<Pending> {
        let mut queue = self.queue.lock();
        let (mut group, mut bytes) = (Vec::new(), 0);
        while bytes < GROUP_BYTES
            && let Some(p) = queue.waiting.pop_front()
        {
            bytes += p.bytes.len();
            let swap = p.swap;
            group.push(p);
            if swap {
                break;
            }
        }
        queue.bytes -= bytes;
        group
    }

    /// Commits one group; false when nothing waited.
    pub(crate) fn commit_once(&self) -> bool {
        let mut committer = self.committer.lock();
        let mut group = self.take_group();
        let Some(first) = group.first_mut() else { return false };
        let mut bytes = std::mem::take(&mut first.bytes);
        let mut lens = vec![bytes.len()];
        for p in &mut group[1..] {
            bytes.extend_from_slice(&p.bytes);
            lens.push(p.bytes.len());
        }
        let swap = group.last().is_some_and(|p| p.swap);
        let (bytes, written) = {
            let mut wal = self.wal.lock();
            let bytes = wal.keep(bytes);
            let written = wal.write_kept();
            if swap && written.is_ok() && wal.rotate().is_err() {
                tracing::warn!("log segment stays open beyond its generation");
            }
            (bytes, written)
        };
        match written {
            Ok(()) => {
                self.counters.wrote(Stage::Log, bytes.len() as u64);
                self.apply_group(&mut committer, &bytes, group, &lens);
            }
            Err(e) => {
                self.refuse(&e.to_string());
                committer.unapplied.push(bytes);
                for p in &mut group {
                    if let Some(c) = p.completer.take() {
                        c.complete(Err(SeamError::from(Error::Unavailable(e.to_string()))));
                    }
                }
            }
        }
        true
    }

    fn apply_group(
        &self,
        committer: &mut Committer,
        bytes: &[u8],
        group: Vec<Pending>,
        lens: &[usize],
    ) {
        let mut rest = bytes;
        for (pending, len) in group.into_iter().zip(lens) {
            let (own, after) = rest.split_at(*len);
            rest = after;
            self.apply(committer, own);
            let (completer, appended) = self.verdicts(&committer.outcomes, pending);
            if let Some(completer) = completer {
                completer.complete(Ok(appended));
            }
        }
    }

    fn verdicts(&self, outcomes: &Outcomes, mut p: Pending) -> (Option<Completer>, Appended) {
        let floats = p.rows.len() - p.histogram_rows;
        let mut histograms = 0;
        for (i, (outcome, row)) in outcomes.rows.iter().zip(p.rows).enumerate() {
            let verdict = &mut p.verdicts[row as usize];
            verdict.stored += outcome.stored;
            verdict.duplicate += outcome.duplicate;
            if let Some(time) = outcome.first_duplicate {
                verdict.reason.get_or_insert(Reason::Duplicate { time });
            }
            if i >= floats {
                histograms += u64::from(outcome.stored);
            }
        }
        let mut appended = sum(p.verdicts);
        (appended.histograms, appended.exemplars) = (histograms, outcomes.exemplars);
        self.counters.stored.fetch_add(appended.stored, Ordering::Relaxed);
        self.counters.duplicate.fetch_add(appended.duplicate, Ordering::Relaxed);
        (p.completer, appended)
    }

    /// Stops accepting batches.
    pub(super) fn refuse(&self, why: &str) {
        *self.refusing.lock() = Some(why.to_owned());
        self.is_refusing.store(true, Ordering::Release);
    }

    fn accept(&self) {
        *self.refusing.lock() = None;
        self.is_refusing.store(false, Ordering::Release);
    }

    /// Syncs what is due; after a failure tries to get back to work.
    pub(super) fn tick(&self) {
        if !self.is_refusing.load(Ordering::Acquire) {
            let failed = self.wal.lock().failure().map(str::to_owned);
            match failed {
                Some(why) => self.refuse(&why),
                None if self.config.wal_sync == WalSync::Os => self.sync(),
                None => {}
            }
            return;
        }
        let mut committer = self.committer.lock();
        if self.wal.lock().is_full() && !self.give_up_reserve() {
            return;
        }
        if !self.wal.lock().recover() {
            return;
        }
        for bytes in std::mem::take(&mut committer.unapplied) {
            self.apply(&mut committer, &bytes);
        }
        drop(committer);
        if self.take_reserve() {
            self.accept();
        } else {
            self.refuse("the disk is full; writes are refused until space returns");
        }
    }

    /// Syncs the log, if anything is un-synced.
    pub(super) fn sync(&self) {
        let Some(job) = self.wal.lock().begin_sync() else { return };
        let began = self.world.clock.mono();
        let done = job.run();
        self.counters.synced(self.world.clock.mono().saturating_sub(began));
        self.wal.lock().end_sync(&job, done);
    }
}

fn sum(verdicts: Vec<RowVerdict>) -> Appended {
    let mut appended = Appended { rows: Vec::with_capacity(verdicts.len()), ..Appended::default() };
    for v in verdicts {
        appended.push(v);
    }
    appended
}
