//! Time: signed milliseconds since 1970-01-01 UTC, and ranges of it.

/// A moment: milliseconds since the epoch, negative before it.
pub type Timestamp = i64;

/// Milliseconds in a second.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds in a UTC day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A closed range: both ends belong to it. PromQL's left-open window (a, b] is `start = a + 1`.
/// Empty when `start > end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// First millisecond that belongs to the range.
    pub start: Timestamp,
    /// Last millisecond that belongs to the range.
    pub end: Timestamp,
}

impl TimeRange {
    /// Everything.
    pub const ALL: Self = Self { start: i64::MIN, end: i64::MAX };

    /// The range from `start` to `end`, both included.
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// Whether no moment belongs to it.
    pub const fn is_empty(self) -> bool {
        self.start > self.end
    }

    /// Whether `t` belongs to it.
    pub const fn contains(self, t: Timestamp) -> bool {
        self.start <= t && t <= self.end
    }

    /// Whether a moment belongs to both.
    pub const fn overlaps(self, other: Self) -> bool {
        !self.is_empty() && !other.is_empty() && self.start <= other.end && other.start <= self.end
    }

    /// What belongs to both; may be empty.
    pub fn intersect(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    /// The smallest range that holds both; an empty one adds nothing.
    pub fn union(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The part of the sorted column `times` that belongs to the range, as indices.
    pub fn slice_of(self, times: &[Timestamp]) -> std::ops::Range<usize> {
        let from = times.partition_point(|&t| t < self.start);
        let to = times.partition_point(|&t| t <= self.end);
        from..to.max(from)
    }
}
