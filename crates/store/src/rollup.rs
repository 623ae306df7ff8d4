//! Roll-up tiers: what is left of samples when only their shape over minutes and hours counts.
//!
//! Bucket k of a tier of width R covers (kR, (k+1)R], left-open like every window of PromQL. Tiers
//! are built day by day from raw parts and cover whole tier days ((day)·24 h, (day+1)·24 h]; the
//! manifest says which part covers which day of which tier. Late samples and deletes take the
//! cover away until the day was built anew, so that a bucket never differs from its samples.
//! Formats: `docs/format/part.md`, "Tier parts".

mod build;
mod bundle;
mod fold;

pub use build::{TierSource, merge_tier, write_day};
pub use bundle::{Decoded, decode, verify};
pub use fold::fold;

use plimsoll_model::{HOUR_MS, MINUTE_MS, Tier, TimeRange};

use crate::filenames::DAY_MS;

/// The tiers of this version, the finest first.
pub const TIERS: [Tier; 2] = [Tier(5 * MINUTE_MS), Tier(HOUR_MS)];

/// Days of one partition: parts of a tier are merged within it. A month for the finer tier, a year
/// for the coarser: a file of a few MiB for some thousand series in both.
pub const fn partition_days(tier: Tier) -> i64 {
    if tier.0 >= HOUR_MS { 360 } else { 30 }
}

/// The end of the bucket that a time belongs to.
pub const fn bucket_end(time: i64, tier: Tier) -> i64 {
    // Ceiling, for times before 1970 too.
    -(-time).div_euclid(tier.0) * tier.0
}

/// The times of a tier day: left-open, so that a sample at midnight belongs to the day before.
pub const fn tier_day(day: i64) -> TimeRange {
    TimeRange::new(day * DAY_MS + 1, (day + 1) * DAY_MS)
}

/// The tier days that samples of these times belong to.
pub const fn tier_days(range: TimeRange) -> std::ops::RangeInclusive<i64> {
    (range.start - 1).div_euclid(DAY_MS)..=(range.end - 1).div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_belong_to_the_bucket_before() {
        let tier = Tier(300_000);
        for (t, end) in [(0, 0), (1, 300_000), (300_000, 300_000), (300_001, 600_000), (-1, 0)] {
            assert_eq!(bucket_end(t, tier), end, "{t}");
        }
        assert_eq!(bucket_end(-300_000, tier), -300_000);
        assert_eq!(tier_days(TimeRange::new(DAY_MS, DAY_MS)), 0..=0);
        assert_eq!(tier_days(TimeRange::new(DAY_MS, DAY_MS + 1)), 0..=1);
        assert!(tier_day(3).contains(4 * DAY_MS) && !tier_day(3).contains(3 * DAY_MS));
    }
}
