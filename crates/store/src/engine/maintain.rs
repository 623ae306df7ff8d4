//! Doing what the planner says: flush, merge, remove, set aside.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use plimsoll_model::{Batch, MINUTE_MS, Ticket, TimeRange};

use super::{LivePart, PartSet, Shared, open, tiers};
use crate::flush;
use crate::head::Gen;
use crate::manifest::{Edit, PartEntry, State};
use crate::merge::{self, merge_parts};
use crate::metrics::Stage;
use crate::part::{Level, PartReader, PartWriter};
use crate::retention::{self, Action, ClockGuard, Facts, Limits, plan};
use crate::{Error, Mode, Result, WalSync};

/// After a failure nothing is tried again for this long: a full disk does not change in a second.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// A sample this close to the wall clock confirms it.
const WITNESS_MS: i64 = 10 * MINUTE_MS;
/// The wall clock is noted in the manifest at least this often: half of the jump that it must show.
const NOTE_EVERY_MS: i64 = 30 * MINUTE_MS;

/// Series that are forgotten under one lock: about a millisecond.
const FORGET_AT_ONCE: usize = 2_048;

/// A closed day whose newest part is younger than this is not merged: who sends a month at once would
/// have its days merged again and again.
const SETTLE_MS: u64 = MINUTE_MS as u64;
/// How often parts are looked at for series that are kept for a shorter time: days pass by, not
/// seconds.
const OVERRIDES_EVERY: Duration = Duration::from_secs(600);
/// Bytes of the head that a series may have before a flush is due for their sake.
const SERIES_BYTES: u64 = 256;

/// What one round of maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Parts written by flushes.
    pub flushed: usize,
    /// Days and partitions of tiers merged.
    pub merged: usize,
    /// Days rolled up.
    pub rolled: usize,
    /// Parts removed by age or size.
    pub removed: usize,
}

/// What the maintainer remembers.
pub(crate) struct Maintenance {
    guard: ClockGuard,
    /// The current generation and when it was seen first.
    born: (u64, Duration),
    noted_ms: i64,
    not_before: Duration,
    /// Parts that were looked at for series that are kept for a shorter time, by override.
    pub looked_at: HashSet<(usize, String)>,
    /// When they are looked at next.
    overrides_at: Duration,
    /// Parts of a generation that are in place and not in the manifest yet.
    installed: Option<(u64, Vec<PartEntry>)>,
}

impl Maintenance {
    pub fn new(guard: ClockGuard, generation: u64, mono: Duration, wall_ms: i64) -> Self {
        Self {
            guard,
            born: (generation, mono),
            noted_ms: wall_ms,
            not_before: Duration::ZERO,
            looked_at: HashSet::new(),
            overrides_at: Duration::ZERO,
            installed: None,
        }
    }
}

impl Shared {
    pub(super) fn maintain(&self) -> Result<Report> {
        let mut m = self.maintenance.lock();
        let (wall, mono) = (self.world.clock.wall_ms(), self.world.clock.mono());
        m.guard.observe(wall, mono);
        self.publish_guard(&m.guard, wall);
        if mono < m.not_before {
            return Ok(Report::default());
        }
        let done = self.maintain_locked(&mut m, wall, mono);
        if done.is_err() {
            m.not_before = mono + RETRY_AFTER;
        }
        done
    }

    fn maintain_locked(&self, m: &mut Maintenance, wall: i64, mono: Duration) -> Result<Report> {
        let mut report = Report::default();
        self.set_suspects_aside()?;
        self.reserve.lock().look(&self.world, &self.names);
        for action in self.due(m, wall, mono, true) {
            match action {
                Action::Flush => {
                    self.swap()?;
                    report.flushed += self.flush_ended(m)?;
                }
                Action::FlushEnded => report.flushed += self.flush_ended(m)?,
                Action::Remove(parts) => {
                    report.removed += parts.len();
                    self.remove(&parts)?;
                }
                Action::Merge(day, ids) => {
                    self.merge_day(day, &ids)?;
                    report.merged += 1;
                }
                Action::RollUp(day) => {
                    self.roll_up(day)?;
                    report.rolled += 1;
                }
                Action::MergeTier(tier, ids) => {
                    self.merge_tier(tier, &ids)?;
                    report.merged += 1;
                }
                Action::RemoveTiers(ids) => {
                    report.removed += ids.len();
                    self.remove_tiers(&ids)?;
                }
            }
        }
        if m.guard.is_ok() && mono >= m.overrides_at && !self.config.retention_overrides.is_empty()
        {
            m.overrides_at = mono + OVERRIDES_EVERY;
            report.removed += self.delete_overdue(m, wall)?;
        }
        if m.guard.is_ok() && wall - m.noted_ms >= NOTE_EVERY_MS {
            self.manifest.lock().commit(&[Edit::Wall(wall)])?;
            m.noted_ms = wall;
        }
        Ok(report)
    }

    /// What is due; days that still grow are left for later when `settle`.
    fn due(&self, m: &mut Maintenance, wall: i64, mono: Duration, settle: bool) -> Vec<Action> {
        let state = self.manifest.lock().state().clone();
        let unreadable = self.unreadable(&state);
        let backfilled = self.backfill_is_due(wall);
        let (wal_bytes, _) = self.wal.lock().size();
        let full = self.reserve.lock().given_up;
        let visible = self.visible.lock();
        let current = visible.head.current();
        if m.born.0 != current.id {
            m.born = (current.id, mono);
        }
        let config = &self.config;
        let parts = &visible.parts.parts;
        let young = |p: &&Arc<LivePart>| {
            wall.saturating_sub(p.reader.info().spec.created).unsigned_abs() < SETTLE_MS
        };
        let growing = parts.iter().filter(|_| settle).filter(young).map(|p| p.entry.day).collect();
        plan(&Facts {
            growing: &growing,
            now: wall,
            clock_ok: m.guard.is_ok(),
            state: &state,
            unreadable: &unreadable,
            head_samples: current.samples,
            head_bytes: if backfilled { u64::MAX } else { visible.head.totals().0 },
            head_age: mono.saturating_sub(m.born.1),
            ended: visible.head.ended().is_some(),
            wal_bytes,
            full,
            limits: Limits {
                retention_ms: config.retention_ms(),
                tier_retention_ms: config.tier_retention_ms(),
                size_max: config.retention_bytes,
                min_keep_ms: crate::config::ms(config.min_keep),
                roll_after_ms: crate::config::ms(config.roll_after),
                merge_after_ms: crate::config::ms(config.merge_after),
                flush_age: config.flush_age,
                // Many series fill a small head by being there; flushing would not help them.
                flush_bytes: config.flush_bytes.max(SERIES_BYTES * current.series),
                wal_bytes: config.wal_flush_bytes,
            },
        })
    }

    /// Whether old samples have to be flushed before the live ones would be.
    fn backfill_is_due(&self, wall: i64) -> bool {
        let empty = self.visible.lock().head.current().samples == 0;
        let mut intake = self.intake.lock();
        let age = intake.backfill.since().map_or(0, |t| wall.saturating_sub(t));
        let due = intake.backfill.bytes() >= self.config.backfill_bytes
            || age >= crate::config::ms(self.config.backfill_age)
            || self.flush_soon.swap(false, Ordering::Relaxed);
        if due && empty {
            // All of it was there before.
            intake.backfill.clear();
        }
        due && !empty
    }

    fn publish_guard(&self, guard: &ClockGuard, wall: i64) {
        let believed = if guard.is_ok() { i64::MAX } else { guard.retention_now(wall) };
        self.believed_ms.store(believed, Ordering::Relaxed);
    }

    /// A batch may confirm a doubted clock. Never waits: a busy maintainer has seen enough.
    pub(super) fn witness(&self, batch: &Batch<'_>, now: i64) {
        if self.believed_ms.load(Ordering::Relaxed) == i64::MAX {
            return;
        }
        let near = |t: &i64| t.abs_diff(now) <= WITNESS_MS.unsigned_abs();
        if batch.rows.iter().any(|r| r.times.iter().any(near))
            && let Some(mut m) = self.maintenance.try_lock()
        {
            m.guard.witness(batch.source);
            self.publish_guard(&m.guard, now);
        }
    }

    pub(super) fn confirm_clock(&self) {
        let mut m = self.maintenance.lock();
        m.guard.confirm();
        self.publish_guard(&m.guard, self.world.clock.wall_ms());
    }

    fn wait_for(&self, ticket: Ticket) -> Result<()> {
        if self.config.mode == Mode::Inline {
            while self.commit_once() {}
        }
        ticket.wait().map(drop).map_err(|e| Error::Unavailable(e.to_string()))
    }

    fn swap(&self) -> Result<()> {
        if let Some(why) = self.wal.lock().failure() {
            return Err(Error::Unavailable(why.to_owned()));
        }
        let ticket = self.enqueue_swap();
        self.wait_for(ticket)
    }

    pub(super) fn flush_now(&self) -> Result<()> {
        let mut m = self.maintenance.lock();
        self.flush_ended(&mut m)?;
        let some = self.visible.lock().head.current().samples > 0;
        if some {
            self.swap()?;
            self.flush_ended(&mut m)?;
        }
        Ok(())
    }

    /// Flushes all ended generations. Returns how many parts that gave.
    fn flush_ended(&self, m: &mut Maintenance) -> Result<usize> {
        let mut parts = 0;
        loop {
            let ended = self.visible.lock().head.ended().cloned();
            let Some(generation) = ended else { break };
            parts += self.flush_generation(m, &generation)?;
        }
        self.forget_idle();
        Ok(parts)
    }

    fn flush_generation(&self, m: &mut Maintenance, generation: &Gen) -> Result<usize> {
        if let Some(why) = self.wal.lock().failure() {
            return Err(Error::Unavailable(why.to_owned()));
        }
        let ticket = self.enqueue_checkpoint();
        self.wait_for(ticket)?;
        if self.config.wal_sync != WalSync::Never {
            self.sync();
        }
        if let Some(why) = self.wal.lock().failure() {
            return Err(Error::Unavailable(why.to_owned()));
        }
        let entries = match m.installed.take() {
            Some((id, entries)) if id == generation.id => entries,
            _ => self.write_and_place(|s| {
                flush::write_generation(&s.world, &s.names, generation, &s.cancel)
            })?,
        };
        let low_water = generation.ended.unwrap_or(0);
        let wall = self.world.clock.wall_ms();
        let mut edits: Vec<_> = entries.iter().cloned().map(Edit::Add).collect();
        edits.push(Edit::LowWater { seq: low_water, generation: generation.id + 1 });
        if m.guard.is_ok() {
            edits.push(Edit::Wall(wall));
            m.noted_ms = wall;
        }
        let opened = self.open_parts(&entries)?;
        let mut manifest = self.manifest.lock();
        edits.extend(tiers::uncover(manifest.state(), entries.iter().map(|e| e.range)));
        if let Err(e) = manifest.commit(&edits) {
            m.installed = Some((generation.id, entries));
            return Err(e);
        }
        {
            let mut visible = self.visible.lock();
            visible.show(manifest.state(), opened);
            visible.head.drop_ended(generation.id);
        }
        drop(manifest);
        self.wal.lock().drop_below(low_water);
        self.counters.wrote(Stage::Flush, entries.iter().map(|e| e.bytes).sum());
        self.counters.flushes.fetch_add(1, Ordering::Relaxed);
        Ok(entries.len())
    }

    /// Writes parts to `tmp/` and moves them to their places. On failure `tmp/` is emptied.
    fn write_and_place(
        &self,
        write: impl FnOnce(&Self) -> Result<Vec<PartEntry>>,
    ) -> Result<Vec<PartEntry>> {
        self.or_empty_tmp(write(self).and_then(|entries| {
            for e in &entries {
                self.place(e)?;
            }
            Ok(entries)
        }))
    }

    /// Empties `tmp/` after a failure.
    pub(super) fn or_empty_tmp<T>(&self, done: Result<T>) -> Result<T> {
        if done.is_err() {
            let disk = &*self.world.disk;
            for file in disk.list(&self.names.tmp()).unwrap_or_default() {
                drop(disk.remove(&self.names.tmp().join(file.name)));
            }
        }
        done
    }

    fn place(&self, entry: &PartEntry) -> Result<()> {
        let disk = &*self.world.disk;
        let (from, to) = (self.names.part_tmp(&entry.id), self.names.part(entry.day, &entry.id));
        let day = self.names.day(entry.day);
        let placed = disk
            .create_dir_all(&day)
            .and_then(|()| disk.rename(&from, &to))
            .and_then(|()| disk.sync_dir(&day))
            .and_then(|()| disk.sync_dir(&self.names.parts()));
        placed.map_err(|e| Error::io(format!("place {}", to.display()), e))
    }

    fn open_parts(&self, entries: &[PartEntry]) -> Result<Vec<(String, Arc<PartReader>)>> {
        let open = |entry: &PartEntry| {
            let path = self.names.part(entry.day, &entry.id);
            Ok((entry.id.clone(), self.open_part(&path)?))
        };
        entries.iter().map(open).collect()
    }

    pub(super) fn open_part(&self, path: &std::path::Path) -> Result<Arc<PartReader>> {
        let reader = PartReader::open(&*self.world.disk, path, Arc::clone(&self.cache))?;
        Ok(Arc::new(reader))
    }

    /// Makes edits durable, then visible.
    pub(super) fn commit_and_show(
        &self,
        edits: &[Edit],
        opened: Vec<(String, Arc<PartReader>)>,
    ) -> Result<()> {
        let mut manifest = self.manifest.lock();
        manifest.commit(edits)?;
        self.visible.lock().show(manifest.state(), opened);
        Ok(())
    }

    /// Names of parts that the manifest has and that could not be opened.
    pub(super) fn unreadable(&self, state: &State) -> HashSet<String> {
        let parts = Arc::clone(&self.visible.lock().parts);
        let readers = parts.readers();
        let all = state.parts.values().map(|p| &p.id).chain(state.tier_parts.keys());
        all.filter(|id| !readers.contains_key(*id)).cloned().collect()
    }

    pub(super) fn merge_now(&self) -> Result<()> {
        let mut m = self.maintenance.lock();
        let days = {
            let manifest = self.manifest.lock();
            let mut days: std::collections::BTreeMap<i64, Vec<String>> = Default::default();
            for p in manifest.state().parts.values() {
                days.entry(p.day).or_default().push(p.id.clone());
            }
            days
        };
        for (day, ids) in days.into_iter().filter(|(_, ids)| ids.len() > 1) {
            self.merge_day(day, &ids)?;
        }
        // What is due of the tiers, each partition as one part, without waiting for more.
        let (wall, mono) = (self.world.clock.wall_ms(), self.world.clock.mono());
        m.guard.observe(wall, mono);
        for action in self.due(&mut m, wall, mono, false) {
            if let Action::RollUp(day) = action {
                self.roll_up(day)?;
            }
        }
        let state = self.manifest.lock().state().clone();
        for (tier, ids) in retention::partitions(&state) {
            let cut = ids.iter().any(|id| !state.cuts(id).is_empty());
            if ids.len() > 1 || cut {
                self.merge_tier(tier, &ids)?;
            }
        }
        Ok(())
    }

    pub(super) fn merge_day(&self, day: i64, ids: &[String]) -> Result<()> {
        let parts = Arc::clone(&self.visible.lock().parts);
        let mine = |p: &&Arc<LivePart>| p.entry.day == day && ids.contains(&p.entry.id);
        let inputs: Vec<_> = parts.parts.iter().filter(mine).cloned().collect();
        if inputs.is_empty() {
            return Ok(());
        }
        let merged = self.write_and_place(|s| s.write_merged(day, &inputs));
        if merged.as_ref().is_err_and(Error::is_corrupt) {
            self.suspect_damaged(inputs.iter().map(|p| &p.reader), &parts);
            self.set_suspects_aside()?;
        }
        let entries = merged?;
        let gone: Vec<_> = inputs.iter().map(|p| (day, p.entry.id.clone())).collect();
        let opened = self.open_parts(&entries)?;
        self.replace(&gone, &entries, opened)?;
        self.counters.wrote(Stage::Merge, entries.iter().map(|e| e.bytes).sum());
        self.counters.merges.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn write_merged(&self, day: i64, inputs: &[Arc<LivePart>]) -> Result<Vec<PartEntry>> {
        let spec = flush::spec(&self.world, Level::Day);
        let path = self.names.part_tmp(&flush::id_of(&spec));
        let disk = &*self.world.disk;
        let writer = PartWriter::create(disk, &path, spec)?;
        let sources: Vec<_> = inputs.iter().map(|p| p.source()).collect();
        let outcome = merge_parts(disk, &sources, writer, TimeRange::ALL, &self.cancel)?;
        Ok(outcome.part.iter().map(|info| flush::entry_of(day, info)).collect())
    }

    /// One edit; then readers see the new parts, then the old files go.
    fn replace(
        &self,
        gone: &[(i64, String)],
        new: &[PartEntry],
        opened: Vec<(String, Arc<PartReader>)>,
    ) -> Result<()> {
        let mut edits: Vec<_> = new.iter().cloned().map(Edit::Add).collect();
        edits.extend(gone.iter().map(|(day, id)| Edit::Remove { day: *day, id: id.clone() }));
        self.commit_and_show(&edits, opened)?;
        for (day, id) in gone {
            let path = self.names.part(*day, id);
            if let Err(e) = self.world.disk.remove(&path) {
                tracing::warn!(part = %path.display(), error = %e, "file stays until next start");
            }
            drop(self.world.disk.sync_dir(&self.names.day(*day)));
        }
        Ok(())
    }

    fn remove(&self, parts: &[(i64, String)]) -> Result<()> {
        let raw_from = {
            let manifest = self.manifest.lock();
            let state = manifest.state();
            let ends = parts.iter().filter_map(|key| state.parts.get(key)).map(|p| p.range.end + 1);
            ends.chain(state.raw_from).max()
        };
        // First, so that the samples are never half gone: nothing older is accepted any more.
        let edits: Vec<_> = raw_from.into_iter().map(Edit::RawFrom).collect();
        self.commit_and_show(&edits, Vec::new())?;
        self.raw_from.store(raw_from.unwrap_or(i64::MIN), Ordering::Relaxed);
        self.replace(parts, &[], Vec::new())?;
        self.visible.lock().versions.changed();
        for (day, _) in parts {
            // Fails as long as the day has parts.
            drop(self.world.disk.remove_dir(&self.names.day(*day)));
        }
        self.counters.retired.fetch_add(parts.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Takes note that a part gave a checksum error.
    pub(crate) fn suspect(&self, day: i64, id: &str) {
        let mut suspects = self.suspects.lock();
        if !suspects.iter().any(|s| s.0 == day && s.1 == id) {
            suspects.push((day, id.to_owned()));
        }
    }

    /// Takes note of those of these parts that are damaged.
    pub(super) fn suspect_damaged<'r>(
        &self,
        readers: impl Iterator<Item = &'r Arc<PartReader>>,
        parts: &PartSet,
    ) {
        for reader in readers.filter(|r| r.verify().is_err()) {
            let is = |other: &Arc<PartReader>| Arc::ptr_eq(reader, other);
            let raw = parts.parts.iter().find(|p| is(&p.reader));
            let tier = parts.tiers.iter().find(|p| is(&p.reader));
            if let Some(p) = raw {
                self.suspect(p.entry.day, &p.entry.id);
            } else if let Some(p) = tier {
                self.suspect(p.entry.day, &p.entry.id);
            }
        }
    }

    /// Writes what is readable of a damaged part into a new one. Nothing when nothing is, or when
    /// something was deleted of it: the next start would not know.
    fn salvage(&self, part: &LivePart) -> Vec<PartEntry> {
        if !part.cuts.is_empty() {
            return Vec::new();
        }
        let day = part.entry.day;
        let write = |s: &Self| -> Result<Vec<PartEntry>> {
            let spec = flush::spec(&s.world, Level::Merged);
            let path = s.names.part_tmp(&flush::id_of(&spec));
            let writer = PartWriter::create(&*s.world.disk, &path, spec)?;
            let saved = merge::salvage(&*s.world.disk, &part.reader, writer, &s.cancel)?;
            tracing::warn!(
                part = %part.entry.id,
                series_lost = saved.series_lost,
                series_cut = saved.series_cut,
                samples_lost = saved.samples_lost,
                "damaged part: the rest is saved"
            );
            Ok(saved.part.iter().map(|info| flush::entry_of(day, info)).collect())
        };
        self.write_and_place(write).unwrap_or_else(|e| {
            tracing::error!(part = %part.entry.id, error = %e, "nothing of the part can be saved");
            Vec::new()
        })
    }

    /// Verifies parts that gave errors and sets the damaged ones aside.
    fn set_suspects_aside(&self) -> Result<()> {
        let suspects = std::mem::take(&mut *self.suspects.lock());
        for (day, id) in suspects {
            let parts = Arc::clone(&self.visible.lock().parts);
            if let Some(tier) = parts.tiers.iter().find(|p| p.entry.id == id) {
                if tier.reader.verify().is_err_and(|e| e.is_corrupt()) {
                    let mut manifest = self.manifest.lock();
                    open::set_tier_aside(&self.world, &self.names, &mut manifest, &tier.entry)?;
                    let mut visible = self.visible.lock();
                    visible.show(manifest.state(), Vec::new());
                    visible.versions.changed();
                    drop(visible);
                    self.counters.quarantined.fetch_add(1, Ordering::Relaxed);
                }
                continue;
            }
            let found = parts.parts.iter().find(|p| p.entry.day == day && p.entry.id == id);
            let Some(part) = found else { continue };
            if part.reader.verify().is_err_and(|e| e.is_corrupt()) {
                let saved = self.salvage(part);
                let opened = self.open_parts(&saved)?;
                // One edit: a crash finds the one or the other.
                let mut edits: Vec<_> = saved.iter().cloned().map(Edit::Add).collect();
                edits.push(Edit::Remove { day: part.entry.day, id: part.entry.id.clone() });
                self.commit_and_show(&edits, opened)?;
                self.visible.lock().versions.changed();
                self.counters.quarantined.fetch_add(1, Ordering::Relaxed);
                if !saved.is_empty() {
                    self.counters.salvaged.fetch_add(1, Ordering::Relaxed);
                }
                let path = self.names.part(part.entry.day, &part.entry.id);
                if let Err(e) = open::to_quarantine(&self.world, &self.names, &path, &part.entry.id)
                {
                    tracing::warn!(error = %e, "damaged part is not kept in quarantine");
                }
            }
        }
        Ok(())
    }

    /// Gives away the numbers of series without samples in two generations, unless a snapshot of
    /// an earlier generation is being read. Some at a time: writers wait for none of it long.
    fn forget_idle(&self) {
        let idle = self.visible.lock().head.idle();
        if idle.is_empty() {
            return;
        }
        for some in idle.chunks(FORGET_AT_ONCE) {
            let mut intake = self.intake.lock();
            let mut visible = self.visible.lock();
            let current = visible.head.current().id;
            if self.readers.lock().keys().next().is_some_and(|g| *g < current) {
                break;
            }
            let since = current.saturating_sub(1);
            let still = |sid: &&u32| intake.is_idle(**sid, since) && visible.head.is_idle(**sid);
            let gone: Vec<u32> = some.iter().filter(still).copied().collect();
            visible.head.forget(&gone);
            drop(visible);
            intake.forget(&gone);
            let mut index = self.index.write();
            for sid in gone {
                index.remove(sid);
            }
        }
        let mut intake = self.intake.lock();
        intake.give_back();
        self.visible.lock().head.shrink();
        self.index.write().shrink();
    }
}
