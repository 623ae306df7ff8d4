//! Roll-up buckets of a selection, and what stands in for raw samples that retention removed.
//!
//! A bucket is given only where nothing but its part holds samples of that series and time: not the
//! head, not a part that came later (the manifest took the cover away then), not a deletion.

use plimsoll_model::{Bucket, Buckets, Kept, LabelsRef, Matcher, ReadCx, Run, Tier, TimeRange};

use super::SeamResult;
use super::selection::{StoreSelection, left_out};
use crate::engine::LiveTier;
use crate::filenames::DAY_MS;
use crate::rollup::{Decoded, bucket_end, decode, tier_day, tier_days};

/// No sample is that far from 1970, ms.
const FAR_MS: i64 = 1 << 60;

/// Reads the buckets of series `i`.
pub(super) fn read<'a>(
    selection: &StoreSelection,
    i: usize,
    want: Kept,
    range: TimeRange,
    out: &'a mut Vec<Bucket>,
    cx: &ReadCx,
) -> SeamResult<Option<Buckets<'a>>> {
    cx.cancel.check()?;
    let Some(tier) = selection.tiers.tier else { return Ok(None) };
    out.clear();
    let mut covered: Vec<TimeRange> = selection
        .tiers
        .covered
        .iter()
        .map(|c| TimeRange::new(c.start.max(range.start), c.end.min(range.end)))
        .map(|c| whole_buckets(c, tier))
        .filter(|c| !c.is_empty())
        .collect();
    let mut kept = Kept::ALL;
    for slot in selection.slots(i, TimeRange::ALL) {
        exclude(&mut covered, slot.range(), tier);
    }
    for (part, ordinal) in selection.tier_places(i) {
        let labels = selection.label_bytes(i);
        for (matchers, gone) in part.cuts.iter() {
            if Matcher::all(matchers, labels) {
                exclude(&mut covered, *gone, tier);
            }
        }
        let done = part_buckets(part, ordinal, tier, want, range, out, &mut covered, &mut kept);
        if let Err(e) = done {
            for gone in &part.speaks_for {
                exclude(&mut covered, *gone, tier);
            }
            left_out(&selection.shared, &part.entry.id, part.entry.day, &e, cx);
        }
    }
    out.retain(|b| covered.iter().any(|c| c.contains(b.end)));
    // Parts of a partition come in any order.
    if !out.is_sorted_by(|a, b| a.end < b.end) {
        out.sort_by_key(|b| b.end);
    }
    cx.budget.count_samples(out.len() as u64)?;
    Ok(Some(Buckets { covered, buckets: out, kept }))
}

#[allow(clippy::too_many_arguments)]
fn part_buckets(
    part: &LiveTier,
    ordinal: u32,
    tier: Tier,
    want: Kept,
    range: TimeRange,
    out: &mut Vec<Bucket>,
    covered: &mut Vec<TimeRange>,
    kept: &mut Kept,
) -> crate::Result<()> {
    // Whole days: the mark of a series that the tier does not keep stands at one time of its day.
    let far = TimeRange::new(range.start.max(-FAR_MS), range.end.min(FAR_MS));
    let days = tier_days(far);
    let whole = TimeRange::new(tier_day(*days.start()).start, tier_day(*days.end()).end);
    part.reader.bundles(ordinal, whole, &mut |times, payload| {
        let from = out.len();
        match decode(&part.reader, tier, want, times, payload, out)? {
            Decoded::Buckets(has) => {
                *kept = kept.both(has);
                // Days that another part speaks for by now.
                let mine = |b: &Bucket| part.speaks_for.iter().any(|r| r.contains(b.last_time));
                let stay = out[from..].partition_point(|b| b.end < range.start)
                    ..out[from..].partition_point(|b| b.end <= range.end);
                let mut to = from;
                for at in from + stay.start..from + stay.end {
                    if mine(&out[at]) {
                        out[to] = out[at];
                        to += 1;
                    }
                }
                out.truncate(to);
            }
            Decoded::None => {
                for t in times {
                    for day in tier_days(TimeRange::new(*t, *t)) {
                        exclude(covered, tier_day(day), tier);
                    }
                }
            }
        }
        Ok(())
    })
}

/// The whole buckets inside a range, as a range.
fn whole_buckets(range: TimeRange, tier: Tier) -> TimeRange {
    let start = bucket_end(range.start - 1, tier).saturating_add(1);
    TimeRange::new(start, range.end.div_euclid(tier.0) * tier.0)
}

/// Takes the buckets that overlap `gone` out of the ranges.
pub(super) fn exclude(covered: &mut Vec<TimeRange>, gone: TimeRange, tier: Tier) {
    if gone.is_empty() || !covered.iter().any(|c| c.overlaps(gone)) {
        return;
    }
    let first = bucket_end(gone.start.max(i64::MIN / 2), tier) - tier.0 + 1;
    let last = bucket_end(gone.end.min(i64::MAX / 2), tier);
    let mut left = Vec::with_capacity(covered.len() + 1);
    for c in covered.drain(..) {
        let before = TimeRange::new(c.start, c.end.min(first - 1));
        let after = TimeRange::new(c.start.max(last + 1), c.end);
        left.extend([before, after].into_iter().filter(|r| !r.is_empty()));
    }
    *covered = left;
}

/// Appends to `out` what tiers know of times of which no raw part is left: the first and the last
/// sample of each bucket, true samples at their true times, of the finest tier that has the day.
/// Returns the tiers that were used.
pub(super) fn stand_ins(
    parts: &[(&LiveTier, u32)],
    labels: LabelsRef<'_>,
    gone: &[TimeRange],
    range: TimeRange,
    out: &mut Run,
    failed: &mut dyn FnMut(&LiveTier, &crate::Error),
) -> Vec<Tier> {
    let (mut used, mut done): (Vec<Tier>, Vec<TimeRange>) = (Vec::new(), Vec::new());
    let mut sorted: Vec<_> = parts.to_vec();
    sorted.sort_by_key(|(p, _)| p.entry.tier);
    let mut buckets = Vec::new();
    for (part, ordinal) in sorted {
        let tier = part.entry.tier;
        let days: Vec<TimeRange> = part
            .speaks_for
            .iter()
            .flat_map(|r| tier_days(*r).map(tier_day))
            .filter(|d| d.overlaps(range) && gone.iter().any(|g| g.overlaps(*d)))
            .filter(|d| !done.contains(d))
            .collect();
        if days.is_empty() {
            continue;
        }
        buckets.clear();
        let want = Kept::FIRST.with(Kept::LAST);
        let read = part.reader.bundles(ordinal, range, &mut |times, payload| {
            decode(&part.reader, tier, want, times, payload, &mut buckets).map(drop)
        });
        if let Err(e) = read {
            failed(part, &e);
            continue;
        }
        let mut run = Run::new();
        for b in buckets.iter().filter(|b| days.iter().any(|d| d.contains(b.last_time))) {
            if b.first_time < b.last_time && b.first_time > 0 && !b.first.is_nan() {
                run.push(b.first_time, b.first, 0);
            }
            run.push(b.last_time, b.last, 0);
        }
        for (matchers, cut) in part.cuts.iter() {
            if Matcher::all(matchers, labels) {
                run.remove(*cut);
            }
        }
        run.trim(0, range);
        if !run.is_empty() {
            used.push(tier);
            out.join(&run.columns());
        }
        done.extend(days);
    }
    used.sort_unstable();
    used.dedup();
    used
}

/// The parts of `range` that lie in days before `raw_from` of which no raw part overlaps.
pub(super) fn without_raw(
    raw: &[TimeRange],
    raw_from: i64,
    covered: &[TimeRange],
    range: TimeRange,
) -> Vec<TimeRange> {
    let mut gone = Vec::new();
    if range.start >= raw_from {
        return gone;
    }
    for c in covered {
        let inside = TimeRange::new(c.start.max(range.start), c.end.min(range.end).min(raw_from));
        if inside.is_empty() {
            continue;
        }
        for day in tier_days(inside) {
            let times = tier_day(day);
            // The first millisecond of the next day belongs to this one; it alone makes no raw day.
            let day_only = TimeRange::new(day * DAY_MS, (day + 1) * DAY_MS - 1);
            if !raw.iter().any(|r| r.overlaps(day_only)) && times.overlaps(range) {
                gone.push(times);
            }
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_buckets_are_covered() {
        let tier = Tier(100);
        assert_eq!(whole_buckets(TimeRange::new(1, 250), tier), TimeRange::new(1, 200));
        assert_eq!(whole_buckets(TimeRange::new(2, 250), tier), TimeRange::new(101, 200));
        assert!(whole_buckets(TimeRange::new(2, 150), tier).is_empty());
        let mut covered = vec![TimeRange::new(1, 1000)];
        exclude(&mut covered, TimeRange::new(200, 301), tier);
        assert_eq!(covered, [TimeRange::new(1, 100), TimeRange::new(401, 1000)]);
    }

    #[test]
    fn days_without_raw_parts_are_found() {
        let day = |d: i64| tier_day(d);
        let covered = [TimeRange::new(day(0).start, day(5).end)];
        let raw = [TimeRange::new(3 * DAY_MS, 6 * DAY_MS)];
        let gone = without_raw(&raw, 3 * DAY_MS, &covered, TimeRange::new(DAY_MS + 5, i64::MAX));
        assert_eq!(gone, [day(1), day(2)]);
        assert!(without_raw(&raw, i64::MIN, &covered, TimeRange::ALL).is_empty());
    }
}
