//! The bytes of one simulated file: what readers see and what is durable, page by page.
//!
//! Pages are shared between the two sides and between copies of a disk, so that a copy costs a
//! pointer per page. A page is *dirty* when its live content has not reached the durable side.
//! Invariant: no page lies at or beyond the length of its side, and bytes of the last page beyond
//! the length are zero.

use crate::chance::{Chance, SeededChance};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bytes that reach a disk together, and the unit of space.
pub(super) const PAGE_BYTES: u64 = 4096;
const PAGE: usize = PAGE_BYTES as usize;

type Page = [u8; PAGE];

/// How much of the un-synced state a power cut keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survival {
    Nothing,
    Everything,
    Some,
}

#[derive(Clone, Default)]
struct Side {
    pages: BTreeMap<u64, Arc<Page>>,
    len: u64,
}

/// A range of bytes in one page.
#[derive(Clone, Copy)]
struct Touched {
    page: u64,
    from: usize,
    to: usize,
}

#[derive(Clone, Default)]
pub(super) struct FileBytes {
    live: Side,
    durable: Side,
    dirty: BTreeSet<u64>,
    len_dirty: bool,
    last: Option<Touched>,
}

impl FileBytes {
    pub(super) fn len(&self) -> u64 {
        self.live.len
    }

    /// Pages that take up space.
    pub(super) fn pages(&self) -> u64 {
        self.live.pages.len() as u64
    }

    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        self.live.read(buf, offset)
    }

    /// How many of the `len` bytes at `offset` can be written when `room` new pages are free.
    pub(super) fn fits(&self, offset: u64, len: usize, mut room: u64) -> usize {
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            if !self.live.pages.contains_key(&(at / PAGE_BYTES)) {
                if room == 0 {
                    break;
                }
                room -= 1;
            }
            done += (PAGE - (at % PAGE_BYTES) as usize).min(len - done);
        }
        done
    }

    pub(super) fn write(&mut self, mut buf: &[u8], mut offset: u64) {
        while !buf.is_empty() {
            let (page, from) = (offset / PAGE_BYTES, (offset % PAGE_BYTES) as usize);
            let n = (PAGE - from).min(buf.len());
            let (now, rest) = buf.split_at(n);
            self.live.page_mut(page)[from..from + n].copy_from_slice(now);
            self.dirty.insert(page);
            self.last = Some(Touched { page, from, to: from + n });
            buf = rest;
            offset += n as u64;
            self.grow_to(offset);
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.live.len {
            let cut = len.div_ceil(PAGE_BYTES);
            self.dirty.extend(self.live.pages.range(cut..).map(|(page, _)| *page));
            if !len.is_multiple_of(PAGE_BYTES) && self.live.pages.contains_key(&(len / PAGE_BYTES))
            {
                self.dirty.insert(len / PAGE_BYTES);
            }
            self.live.truncate(len);
        }
        self.len_dirty |= len != self.live.len;
        self.live.len = len;
    }

    /// Pages below `len` that are not there yet.
    pub(super) fn missing_below(&self, len: u64) -> u64 {
        let wanted = len.div_ceil(PAGE_BYTES);
        wanted - self.live.pages.range(..wanted).count() as u64
    }

    pub(super) fn allocate(&mut self, len: u64) {
        for page in 0..len.div_ceil(PAGE_BYTES) {
            if !self.live.pages.contains_key(&page) {
                self.live.page_mut(page);
                self.dirty.insert(page);
            }
        }
        self.grow_to(len);
    }

    fn grow_to(&mut self, len: u64) {
        if len > self.live.len {
            self.live.len = len;
            self.len_dirty = true;
        }
    }

    pub(super) fn sync(&mut self) {
        for page in std::mem::take(&mut self.dirty) {
            self.durable.take(page, &self.live);
        }
        if self.len_dirty {
            self.durable.len = self.live.len;
        }
        self.durable.truncate(self.durable.len);
        self.forget();
    }

    /// A sync that failed: the kernel drops the marks, the bytes stay readable and never arrive.
    pub(super) fn forget(&mut self) {
        self.dirty.clear();
        self.len_dirty = false;
        self.last = None;
    }

    /// Changes one byte on both sides; `false` when there is no such byte.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) -> bool {
        if offset >= self.live.len {
            return false;
        }
        let (page, at) = (offset / PAGE_BYTES, (offset % PAGE_BYTES) as usize);
        self.live.page_mut(page)[at] ^= mask;
        if offset < self.durable.len {
            self.durable.page_mut(page)[at] ^= mask;
        }
        true
    }

    /// What is on the disk after the power went.
    pub(super) fn power_cut(&self, survival: Survival, chance: &SeededChance) -> Self {
        let mut kept = self.durable.clone();
        for page in &self.dirty {
            let keep = match survival {
                Survival::Nothing => false,
                Survival::Everything => true,
                Survival::Some => chance.below(2) == 0,
            };
            if keep {
                kept.take(*page, &self.live);
            }
        }
        if survival != Survival::Nothing {
            self.tear(&mut kept, chance);
        }
        let len = self.surviving_len(survival, chance);
        kept.len = len;
        kept.truncate(len);
        Self { live: kept.clone(), durable: kept, ..Self::default() }
    }

    /// Half of the time the last write ends at some byte of its last page.
    fn tear(&self, kept: &mut Side, chance: &SeededChance) {
        let Some(last) = self.last.filter(|last| self.dirty.contains(&last.page)) else { return };
        let Some(live) = self.live.pages.get(&last.page) else { return };
        if chance.below(2) == 0 {
            return;
        }
        let end = last.from + chance.below((last.to - last.from) as u64) as usize;
        kept.take(last.page, &self.durable);
        kept.page_mut(last.page)[last.from..end].copy_from_slice(&live[last.from..end]);
    }

    fn surviving_len(&self, survival: Survival, chance: &SeededChance) -> u64 {
        if !self.len_dirty || survival == Survival::Nothing {
            return self.durable.len;
        }
        if survival == Survival::Everything {
            return self.live.len;
        }
        let (short, long) =
            (self.live.len.min(self.durable.len), self.live.len.max(self.durable.len));
        match chance.below(3) {
            0 => self.durable.len,
            1 => self.live.len,
            _ => short + chance.below(long - short + 1),
        }
    }
}

impl Side {
    fn page_mut(&mut self, page: u64) -> &mut Page {
        Arc::make_mut(self.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE])))
    }

    /// Takes over one page of the other side, absence included.
    fn take(&mut self, page: u64, other: &Side) {
        match other.pages.get(&page) {
            Some(bytes) => self.pages.insert(page, Arc::clone(bytes)),
            None => self.pages.remove(&page),
        };
    }

    /// Drops pages at and beyond `len` and zeroes the rest of the last one.
    fn truncate(&mut self, len: u64) {
        self.pages.split_off(&len.div_ceil(PAGE_BYTES));
        let tail = (len % PAGE_BYTES) as usize;
        if tail > 0
            && let Some(page) = self.pages.get_mut(&(len / PAGE_BYTES))
            && page[tail..].iter().any(|b| *b != 0)
        {
            Arc::make_mut(page)[tail..].fill(0);
        }
    }

    fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let left = self.len.saturating_sub(offset);
        let want = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut done = 0;
        while done < want {
            let at = offset + done as u64;
            let from = (at % PAGE_BYTES) as usize;
            let n = (PAGE - from).min(want - done);
            match self.pages.get(&(at / PAGE_BYTES)) {
                Some(page) => buf[done..done + n].copy_from_slice(&page[from..from + n]),
                None => buf[done..done + n].fill(0),
            }
            done += n;
        }
        want
    }
}
