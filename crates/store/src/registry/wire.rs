//! The wire cache: label bytes as the sender wrote them, to the series they mean, without reading
//! the labels. A sender repeats itself in the same order, so each entry remembers what followed it.
//!
//! Bound: twice the known series, at least 65,536 entries; a full cache is emptied and learns again.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Entries that are kept however few series there are.
const ENTRIES_MIN: usize = 1 << 16;
const NONE: u32 = u32::MAX;

struct Entry {
    key: u128,
    sid: u32,
    next: u32,
}

/// Raw bytes to series numbers.
#[derive(Default)]
pub struct WireCache {
    entries: Vec<Entry>,
    table: HashTable<u32>,
    previous: Option<u32>,
}

/// The key of raw label bytes under a salt.
pub fn key(salt: u64, raw: &[u8]) -> u128 {
    xxh3_128_with_seed(raw, salt)
}

impl WireCache {
    /// The series that these bytes meant last time.
    pub fn get(&mut self, key: u128) -> Option<u32> {
        let guess = self.previous.map_or(NONE, |p| self.entries[p as usize].next);
        if let Some(e) = self.entries.get(guess as usize)
            && e.key == key
        {
            self.previous = Some(guess);
            return Some(e.sid);
        }
        let entries = &self.entries;
        let found = *self.table.find(key as u64, |i| entries[*i as usize].key == key)?;
        self.follow(found);
        Some(self.entries[found as usize].sid)
    }

    /// Remembers what bytes mean. `series` is how many are known.
    pub fn put(&mut self, key: u128, sid: u32, series: usize) {
        if self.entries.len() >= ENTRIES_MIN.max(2 * series) {
            self.clear();
        }
        let at = self.entries.len() as u32;
        self.entries.push(Entry { key, sid, next: NONE });
        let entries = &self.entries;
        self.table.insert_unique(key as u64, at, |i| entries[*i as usize].key as u64);
        self.follow(at);
    }

    fn follow(&mut self, at: u32) {
        if let Some(p) = self.previous {
            self.entries[p as usize].next = at;
        }
        self.previous = Some(at);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries = Vec::new();
        self.table = HashTable::new();
        self.previous = None;
    }
}
