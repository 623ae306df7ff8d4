//! From an ended generation to part files, one per UTC day. Writing only; naming them in the
//! manifest is the engine's.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll_model::{Cancel, Exemplar, Run, Tier, TimeRange};
use plimsoll_world::World;

use crate::filenames::{DAY_MS, Names, day_of};
use crate::head::{Gen, Slot};
use crate::manifest::PartEntry;
use crate::part::{Level, PartInfo, PartSpec, PartWriter, SeriesIn};
use crate::{Error, Result};

/// The times of a UTC day.
pub fn day_range(day: i64) -> TimeRange {
    TimeRange::new(
        day.saturating_mul(DAY_MS),
        day.saturating_mul(DAY_MS).saturating_add(DAY_MS - 1),
    )
}

/// A part that is about to be written.
pub fn spec(world: &World, level: Level) -> PartSpec {
    let uuid = (u128::from(world.chance.next_u64()) << 64) | u128::from(world.chance.next_u64());
    PartSpec { uuid, tier: None, level, created: world.clock.wall_ms() }
}

/// A tier part that is about to be written.
pub fn tier_spec(world: &World, tier: Tier, level: Level) -> PartSpec {
    PartSpec { tier: Some(tier), ..spec(world, level) }
}

/// The name of a part.
pub fn id_of(spec: &PartSpec) -> String {
    format!("{:032x}", spec.uuid)
}

/// What the manifest says of a finished part.
pub fn entry_of(day: i64, info: &PartInfo) -> PartEntry {
    PartEntry {
        day,
        id: id_of(&info.spec),
        level: info.spec.level as u8,
        range: info.range,
        seq: info.seq,
        series: info.series,
        samples: info.samples,
        bytes: info.bytes,
    }
}

/// Writes the samples of a generation into parts under `tmp/`, synced.
///
/// # Errors
/// `Io`, `Unavailable` when cancelled; what was written is a leftover in `tmp/`.
pub fn write_generation(
    world: &World,
    names: &Names,
    generation: &Gen,
    cancel: &Cancel,
) -> Result<Vec<PartEntry>> {
    let mut slots: Vec<&Slot> = generation.slots().collect();
    slots.sort_unstable_by(|a, b| {
        a.meta.labels.as_ref().as_bytes().cmp(b.meta.labels.as_ref().as_bytes())
    });
    let mut entries = Vec::new();
    for day in days(&slots)? {
        entries.extend(write_day(world, names, day, &slots, cancel)?);
    }
    Ok(entries)
}

/// The days with samples.
fn days(slots: &[&Slot]) -> Result<BTreeSet<i64>> {
    let mut days = BTreeSet::new();
    for slot in slots {
        let range = slot.range();
        let (first, last) = (day_of(range.start), day_of(range.end));
        if last <= first + 1 {
            days.extend([first, last]);
            continue;
        }
        // A piece of less than a day lies on one day or two.
        slot.spans(DAY_MS - 1, &mut |from, to| days.extend([day_of(from), day_of(to)]))?;
    }
    Ok(days)
}

/// The exemplars that go to the part of a day: those whose own day has no samples go to the nearest
/// end.
fn exemplars_of(slot: &Slot, day: i64) -> Vec<Arc<Exemplar>> {
    let (first, last) = (day_of(slot.range().start), day_of(slot.range().end));
    let mine = |e: &&Arc<Exemplar>| day_of(e.time).clamp(first, last) == day;
    slot.exemplars().iter().filter(mine).cloned().collect()
}

fn write_day(
    world: &World,
    names: &Names,
    day: i64,
    slots: &[&Slot],
    cancel: &Cancel,
) -> Result<Option<PartEntry>> {
    let spec = spec(world, Level::Flush);
    let path = names.part_tmp(&id_of(&spec));
    let mut writer = PartWriter::create(&*world.disk, &path, spec)?;
    let mut run = Run::new();
    for slot in slots.iter().filter(|s| s.touches(day_range(day))) {
        cancel.check().map_err(|e| Error::Unavailable(e.to_string()))?;
        run.clear();
        slot.read(day_range(day), &mut run)?;
        if !run.is_empty() {
            let labels = slot.meta.labels.as_ref();
            writer.add(&SeriesIn { labels, samples: run.columns(), seq: slot.seq })?;
            let exemplars = exemplars_of(slot, day);
            if !exemplars.is_empty() {
                writer.add_exemplars(&exemplars)?;
            }
        }
    }
    Ok(writer.finish(&*world.disk)?.map(|info| entry_of(day, &info)))
}
