//! Keeping the tiers: building days that settled, joining parts of a partition, taking covers away
//! where samples changed.

use std::sync::Arc;

use plimsoll_model::{Tier, TimeRange};

use super::{LiveTier, Shared};
use crate::manifest::{Edit, PartEntry, State, TierEntry};
use crate::metrics::Stage;
use crate::rollup::{self, TIERS, TierSource, tier_day, tier_days};
use crate::{Error, Result};

/// Edits that take away the cover of the days that these new raw parts touch.
pub fn uncover(state: &State, touched: impl Iterator<Item = TimeRange>) -> Vec<Edit> {
    let mut days: Vec<(Tier, i64)> = Vec::new();
    for range in touched {
        for tier in TIERS {
            let mine = state.cover.range((tier, *tier_days(range).start())..);
            let inside =
                mine.take_while(|((t, day), _)| *t == tier && tier_days(range).contains(day));
            days.extend(inside.map(|(key, _)| *key));
        }
    }
    days.sort_unstable();
    days.dedup();
    // Where raw samples are gone the tier cannot be built anew: it stays as it is.
    let from = state.raw_from.unwrap_or(i64::MIN);
    days.retain(|(_, day)| tier_day(*day).start >= from);
    days.into_iter().map(|(tier, day)| Edit::Uncover { tier, day, days: 1 }).collect()
}

impl Shared {
    /// Builds the tiers of a day that has none yet, or not all.
    pub(super) fn roll_up(&self, day: i64) -> Result<()> {
        let parts = Arc::clone(&self.visible.lock().parts);
        let overlaps = |p: &PartEntry| p.range.overlaps(tier_day(day));
        let inputs: Vec<_> =
            parts.parts.iter().filter(|p| overlaps(&p.entry)).map(|p| p.source()).collect();
        let missing: Vec<Tier> = {
            let manifest = self.manifest.lock();
            let cover = &manifest.state().cover;
            TIERS.into_iter().filter(|t| !cover.contains_key(&(*t, day))).collect()
        };
        let built =
            rollup::write_day(&self.world, &self.names, day, &missing, &inputs, &self.cancel);
        if built.as_ref().is_err_and(Error::is_corrupt) {
            self.suspect_damaged(inputs.iter().map(|s| &s.part), &parts);
        }
        let built = self.or_empty_tmp(built)?;
        let mut edits = Vec::new();
        let mut entries = Vec::new();
        for (tier, entry) in built {
            let id = entry.as_ref().map_or(String::new(), |e| e.id.clone());
            edits.extend(entry.iter().cloned().map(Edit::AddTier));
            edits.push(Edit::Cover { tier, day, days: 1, id });
            entries.extend(entry);
        }
        self.install_tiers(&entries, edits)?;
        self.counters.wrote(Stage::Tier, entries.iter().map(|e| e.bytes).sum());
        self.counters.rolled.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Joins the parts of a partition into one.
    pub(super) fn merge_tier(&self, tier: Tier, ids: &[String]) -> Result<()> {
        let parts = Arc::clone(&self.visible.lock().parts);
        let mine = |p: &&Arc<LiveTier>| p.entry.tier == tier && ids.contains(&p.entry.id);
        let inputs: Vec<_> = parts.tiers.iter().filter(mine).cloned().collect();
        let Some(first_day) = inputs.iter().map(|p| p.entry.day).min() else { return Ok(()) };
        let sources: Vec<_> = inputs
            .iter()
            .map(|p| TierSource {
                part: Arc::clone(&p.reader),
                speaks_for: p.speaks_for.clone(),
                cuts: p.cuts.to_vec(),
            })
            .collect();
        let merged =
            rollup::merge_tier(&self.world, &self.names, tier, first_day, &sources, &self.cancel);
        if merged.as_ref().is_err_and(Error::is_corrupt) {
            self.suspect_damaged(sources.iter().map(|s| &s.part), &parts);
        }
        let entry = self.or_empty_tmp(merged)?;
        let id = entry.as_ref().map_or(String::new(), |e| e.id.clone());
        let mut edits: Vec<_> = entry.iter().cloned().map(Edit::AddTier).collect();
        edits.extend(inputs.iter().map(|p| Edit::RemoveTier { id: p.entry.id.clone() }));
        // After the removals: those take the covers of the inputs with them.
        for range in inputs.iter().flat_map(|p| &p.speaks_for) {
            let day = *tier_days(*range).start();
            let days = (tier_days(*range).end() - day + 1) as u64;
            edits.push(Edit::Cover { tier, day, days, id: id.clone() });
        }
        self.install_tiers(entry.as_slice(), edits)?;
        self.counters.wrote(Stage::Tier, entry.iter().map(|e| e.bytes).sum());
        self.remove_tier_files(inputs.iter().map(|p| &p.entry));
        self.counters.merges.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Removes tier parts.
    pub(super) fn remove_tiers(&self, ids: &[String]) -> Result<()> {
        let gone: Vec<TierEntry> = {
            let manifest = self.manifest.lock();
            let all = &manifest.state().tier_parts;
            ids.iter().filter_map(|id| all.get(id).cloned()).collect()
        };
        let edits = gone.iter().map(|e| Edit::RemoveTier { id: e.id.clone() }).collect();
        self.install_tiers(&[], edits)?;
        self.visible.lock().versions.changed();
        self.remove_tier_files(gone.iter());
        self.counters.retired.fetch_add(gone.len() as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Moves new tier parts to their places, commits, shows.
    fn install_tiers(&self, entries: &[TierEntry], edits: Vec<Edit>) -> Result<()> {
        let disk = &*self.world.disk;
        let mut opened = Vec::new();
        for e in entries {
            let (from, to) = (self.names.part_tmp(&e.id), self.names.tier_part(e.tier, &e.id));
            let dir = self.names.tier(e.tier);
            let placed = disk
                .create_dir_all(&dir)
                .and_then(|()| disk.rename(&from, &to))
                .and_then(|()| disk.sync_dir(&dir))
                .and_then(|()| disk.sync_dir(&self.names.tiers()))
                .and_then(|()| disk.sync_dir(self.names.tiers().parent().unwrap_or(&dir)));
            placed.map_err(|e| Error::io(format!("place {}", to.display()), e))?;
            opened.push((e.id.clone(), self.open_part(&to)?));
        }
        self.commit_and_show(&edits, opened)
    }

    fn remove_tier_files<'e>(&self, gone: impl Iterator<Item = &'e TierEntry>) {
        for e in gone {
            let path = self.names.tier_part(e.tier, &e.id);
            if let Err(e) = self.world.disk.remove(&path) {
                tracing::warn!(part = %path.display(), error = %e, "file stays until next start");
            }
        }
    }
}
