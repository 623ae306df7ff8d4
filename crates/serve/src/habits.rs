//! How long questions took when they were asked last, so that quick ones are answered at once.
//!
//! Handing a request to another thread and its answer back costs two wake-ups, some 40 µs, which is more
//! than most panels and lists of labels need. A question that was quick last time is therefore answered
//! on the thread that read it, without the pool, within [`BYTES`], [`PATIENCE`] and a number of samples;
//! what turns out to be more starts anew where it may take its time.
//!
//! Limits: [`ROWS`] questions are remembered, by 48 bits of their hash; a newer one takes the row of an
//! older one. A mistaken row costs one handing over, or one attempt within the bounds.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use xxhash_rust::xxh3::Xxh3;

use crate::params::{Params, time_ms};

/// Questions remembered: 32 KiB.
const ROWS: usize = 4096;
/// Longer than this is not quick.
const QUICK: Duration = Duration::from_micros(500);
/// Up to this, handing the other connections to another thread would cost as much as they wait.
const AT_ONCE: Duration = Duration::from_micros(100);
/// Memory that an answer given at once may take.
pub(crate) const BYTES: u64 = 8 << 20;
/// Samples that a quick answer may read: less than a millisecond's worth.
const SAMPLES: u64 = 100_000;
/// Samples that an answer may read for which the other connections wait.
const SAMPLES_AT_ONCE: u64 = 10_000;
/// How long an answer given at once may take, looked at between series.
pub(crate) const PATIENCE: Duration = Duration::from_millis(10);
/// Parameters that differ each time the same is asked.
const MOVING: [&str; 4] = ["time", "start", "end", "timeout"];

/// What a question is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Habit(u64);

impl Habit {
    /// The path and parameters; of the times only how far they are apart. What has no end ends now.
    pub fn of(path: &str, params: &Params, now_ms: i64) -> Self {
        let mut hash = Xxh3::new();
        hash.write(path.as_bytes());
        for (name, value) in params.pairs().filter(|(name, _)| !MOVING.contains(name)) {
            for text in [name, value] {
                hash.write_usize(text.len());
                hash.write(text.as_bytes());
            }
        }
        let time = |name| params.get(name).and_then(|text| time_ms(text).ok());
        let (start, end) = (time("start"), time("end"));
        if start.is_some() || end.is_some() {
            let span = end.unwrap_or(now_ms).saturating_sub(start.unwrap_or(i64::MIN));
            // Times that are given to the second differ by one now and then.
            hash.write_i64(span / 10_000);
        }
        Self(hash.finish())
    }

    fn row(self) -> usize {
        self.0 as usize % ROWS
    }

    const fn mark(self) -> u64 {
        self.0 >> 16
    }
}

/// How a quick question is answered, on the thread that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// The other connections of the thread wait.
    AtOnce,
    /// Another thread goes on with them.
    Soon,
}

impl Pace {
    /// Samples that it may read.
    pub const fn samples(self) -> u64 {
        match self {
            Self::AtOnce => SAMPLES_AT_ONCE,
            Self::Soon => SAMPLES,
        }
    }
}

/// How long questions took. Any thread may look and note.
pub(crate) struct Habits {
    /// 48 bits of the question, 16 of microseconds.
    rows: Vec<AtomicU64>,
}

impl Default for Habits {
    fn default() -> Self {
        Self { rows: (0..ROWS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Habits {
    /// How it may be answered, when it was asked before and was quick.
    pub fn pace(&self, habit: Habit) -> Option<Pace> {
        let row = self.rows[habit.row()].load(Ordering::Relaxed);
        let took = Duration::from_micros(row & 0xffff);
        let quick = row >> 16 == habit.mark() && !took.is_zero() && took <= QUICK;
        quick.then_some(if took <= AT_ONCE { Pace::AtOnce } else { Pace::Soon })
    }

    /// Notes how long it took; what failed counts as slow.
    pub fn note(&self, habit: Habit, took: Option<Duration>) {
        let us = took.map_or(u128::MAX, |t| t.as_micros()).clamp(1, 0xffff) as u64;
        self.rows[habit.row()].store(habit.mark() << 16 | us, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn habit(query: &str) -> Habit {
        Habit::of("/api/v1/query_range", &Params::read(Some(query), None), 5_000_000)
    }

    #[test]
    fn the_same_question_at_another_time_is_the_same_habit() {
        let first = habit("query=up&start=1000&end=4600&step=15");
        assert_eq!(first, habit("query=up&start=2000&end=5600&step=15"));
        assert_ne!(first, habit("query=up&start=1000&end=90000&step=15"));
        assert_ne!(first, habit("query=down&start=1000&end=4600&step=15"));
        assert_ne!(first, habit("query=up&start=1000&end=4600&step=1"));
        assert_ne!(habit("match[]=up&start=4990"), habit("match[]=up&start=0"));
        assert_ne!(habit("match[]=up&end=4990"), habit("match[]=up"));
    }

    #[test]
    fn a_question_is_as_quick_as_it_was_last_time() {
        let (habits, habit) = (Habits::default(), habit("query=up"));
        let noted = |took| {
            habits.note(habit, took);
            habits.pace(habit)
        };
        assert_eq!(habits.pace(habit), None);
        assert_eq!(noted(Some(Duration::from_nanos(10))), Some(Pace::AtOnce));
        assert_eq!(noted(Some(Duration::from_secs(1))), None);
        assert_eq!(noted(Some(AT_ONCE)), Some(Pace::AtOnce));
        assert_eq!(noted(Some(QUICK)), Some(Pace::Soon));
        assert_eq!(noted(None), None);
    }
}
