//! One cache for everything that is read from parts: verified 64 KiB pages, decoded blocks of the
//! series section, decoded pages of timestamp columns.
//!
//! Bounded by bytes. Sixteen shards, each a clock: an entry that was used since the hand passed
//! gets one more round. A value larger than a shard's share is served and not kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::part::SeriesBlock;

const SHARDS: usize = 16;
/// Bytes that an entry costs beside its value: key, map slot, reference counts.
const ENTRY_BYTES: usize = 96;

/// What is kept.
#[derive(Clone, Debug)]
pub(crate) enum Cached {
    /// The bytes of a page whose checksum agreed, or plain rows of exemplars.
    Page(Arc<[u8]>),
    /// 64 series: labels and chunk references.
    Block(Arc<SeriesBlock>),
    /// The times of a page of a column, or bounds of its pages.
    Times(Arc<[i64]>),
}

/// What of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum What {
    Page,
    Block,
    Times,
    Bounds,
    Rows,
}

/// Identity of an entry: an open part (numbered by [`PageCache::new_part`]), what, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub part: u64,
    pub what: What,
    pub index: u64,
}

/// How the cache does, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Look-ups that found their entry.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Entries that had to go.
    pub evicted: u64,
    /// Bytes held now.
    pub bytes: u64,
}

/// The cache; shared by all open parts.
#[derive(Debug)]
pub struct PageCache {
    shards: Vec<Mutex<Shard>>,
    shard_bytes_max: usize,
    parts: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    evicted: AtomicU64,
}

#[derive(Debug, Default)]
struct Shard {
    index: HashMap<Key, usize>,
    slots: Vec<Slot>,
    hand: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Slot {
    key: Key,
    value: Cached,
    used: AtomicBool,
}

impl Cached {
    fn bytes(&self) -> usize {
        ENTRY_BYTES
            + match self {
                Self::Page(p) => p.len(),
                Self::Block(b) => b.bytes(),
                Self::Times(t) => 8 * t.len(),
            }
    }
}

impl PageCache {
    /// A cache of at most `bytes_max` bytes. Below 2 MiB a share holds no page, and pages are read
    /// again each time.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            shard_bytes_max: bytes_max / SHARDS,
            parts: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
        }
    }

    /// Hits, misses, evictions, bytes.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            evicted: self.evicted.load(Relaxed),
            bytes: self.shards.iter().map(|s| s.lock().bytes as u64).sum(),
        }
    }

    /// A number that no other open part has, for its keys.
    pub(crate) fn new_part(&self) -> u64 {
        self.parts.fetch_add(1, Relaxed)
    }

    pub(crate) fn get(&self, key: Key) -> Option<Cached> {
        let shard = self.shard(key).lock();
        let slot = shard.index.get(&key).map(|i| &shard.slots[*i]);
        let counter = if slot.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Relaxed);
        slot.map(|s| {
            s.used.store(true, Relaxed);
            s.value.clone()
        })
    }

    pub(crate) fn put(&self, key: Key, value: Cached) {
        let bytes = value.bytes();
        if bytes > self.shard_bytes_max {
            return;
        }
        let mut shard = self.shard(key).lock();
        if shard.index.contains_key(&key) {
            return;
        }
        while shard.bytes + bytes > self.shard_bytes_max {
            shard.evict();
            self.evicted.fetch_add(1, Relaxed);
        }
        let at = shard.slots.len();
        shard.slots.push(Slot { key, value, used: AtomicBool::new(false) });
        shard.index.insert(key, at);
        shard.bytes += bytes;
    }

    /// Forgets what belongs to a part that is closed.
    pub(crate) fn forget(&self, part: u64) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            for at in (0..shard.slots.len()).rev() {
                if shard.slots[at].key.part == part {
                    shard.remove(at);
                }
            }
        }
    }

    fn shard(&self, key: Key) -> &Mutex<Shard> {
        let mixed = (key.index ^ (key.part << 20) ^ ((key.what as u64) << 50))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.shards[(mixed >> 60) as usize % SHARDS]
    }
}

impl Shard {
    fn evict(&mut self) {
        loop {
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            if !self.slots[self.hand].used.swap(false, Relaxed) {
                return self.remove(self.hand);
            }
        }
    }

    fn remove(&mut self, at: usize) {
        let gone = self.slots.swap_remove(at);
        self.bytes -= gone.value.bytes();
        self.index.remove(&gone.key);
        if let Some(moved) = self.slots.get(at) {
            self.index.insert(moved.key, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_and_what_is_used_stays() {
        let cache = PageCache::new(SHARDS * 10_000);
        let key = |index| Key { part: 1, what: What::Page, index };
        let page = || Cached::Page(vec![0u8; 1000].into());
        cache.put(key(0), page());
        for i in 1..2000 {
            assert!(cache.get(key(0)).is_some(), "after {i}");
            cache.put(key(i), page());
        }
        let stats = cache.stats();
        assert!(stats.bytes <= 160_000 && stats.evicted > 1000, "{stats:?}");
        cache.put(key(9999), Cached::Page(vec![0u8; 20_000].into()));
        assert!(cache.get(key(9999)).is_none());
        cache.forget(1);
        assert_eq!(cache.stats().bytes, 0);
    }
}
