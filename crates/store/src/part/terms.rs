//! Terms and Postings: which values a label has, and which series have each value.
//!
//! The writer keeps one entry per distinct (name, value) and one to two bytes per label of a series. The
//! tables here are pure; who reads their bytes from the file is `select`.

use hashbrown::HashMap;
use plimsoll_model::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LabelsRef};
use roaring::RoaringBitmap;

use super::layout::BLOCK_TERMS;
use super::series::{put_front_coded, take_front_coded};
use crate::codec::varint::{Cursor, put_u64};
use crate::{Error, Result};

/// Label names of one part at most; a part that needs more is refused when it is written.
const NAMES_MAX: usize = 1 << 20;

/// A label: name and value. Looked up by borrowed halves.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct TermKey(Box<str>, Box<str>);

impl hashbrown::Equivalent<TermKey> for (&str, &str) {
    fn equivalent(&self, key: &TermKey) -> bool {
        *self.0 == *key.0 && *self.1 == *key.1
    }
}

/// Collects terms while series are added, in order of their ordinals.
#[derive(Default)]
pub(crate) struct TermsWriter {
    ids: HashMap<TermKey, u32>,
    lists: Vec<Ascending>,
    /// The labels of the series before, with their terms: most of the next one's are the same.
    before: Vec<u8>,
    before_ids: Vec<u32>,
    now_ids: Vec<u32>,
}

/// Name and value of a label as bytes: their order is that of the texts, and looking at them costs
/// no check.
type RawLabel<'l> = (&'l [u8], &'l [u8]);

/// The next label of a canonical encoding.
fn next_label<'l>(c: &mut Cursor<'l>) -> Result<Option<RawLabel<'l>>> {
    if c.is_empty() {
        return Ok(None);
    }
    let name = c.bounded("label name", LABEL_NAME_BYTES_MAX)?;
    let name = c.take(name)?;
    let value = c.bounded("label value", LABEL_VALUE_BYTES_MAX)?;
    Ok(Some((name, c.take(value)?)))
}

/// The ordinals of a term, strictly ascending, as varints of their differences. The first stands
/// apart, so that a term of one series takes no memory beside this.
struct Ascending {
    first: u32,
    last: u32,
    count: u32,
    rest: Vec<u8>,
}

impl Ascending {
    fn push(&mut self, ordinal: u32) {
        put_u64(&mut self.rest, u64::from(ordinal - self.last));
        self.last = ordinal;
        self.count += 1;
    }

    fn iter(&self) -> impl Iterator<Item = u32> {
        let (mut at, mut c) = (self.first, Cursor::new(&self.rest));
        // What was put here reads back; the end of it ends the list.
        std::iter::once(at).chain(std::iter::from_fn(move || {
            at += c.varint().ok()? as u32;
            Some(at)
        }))
    }
}

impl TermsWriter {
    pub(crate) fn add(&mut self, ordinal: u32, labels: LabelsRef<'_>) -> Result<()> {
        let mut now = std::mem::take(&mut self.now_ids);
        now.clear();
        self.find(labels, &mut now)?;
        for id in &now {
            match self.lists.get_mut(*id as usize) {
                Some(list) => list.push(ordinal),
                None => self.lists.push(Ascending {
                    first: ordinal,
                    last: ordinal,
                    count: 1,
                    rest: Vec::new(),
                }),
            }
        }
        self.before.clear();
        self.before.extend_from_slice(labels.as_bytes());
        self.now_ids = std::mem::replace(&mut self.before_ids, now);
        Ok(())
    }

    /// Appends the term of each label.
    fn find(&mut self, labels: LabelsRef<'_>, ids: &mut Vec<u32>) -> Result<()> {
        let (mut before, mut now) = (Cursor::new(&self.before), Cursor::new(labels.as_bytes()));
        let mut old = self.before_ids.iter().copied();
        let mut same = next_label(&mut before)?.zip(old.next());
        while let Some(label) = next_label(&mut now)? {
            while same.is_some_and(|(l, _)| l < label) {
                same = next_label(&mut before)?.zip(old.next());
            }
            ids.push(match same {
                Some((l, id)) if l == label => id,
                _ => Self::id_of(&mut self.ids, label)?,
            });
        }
        Ok(())
    }

    /// The number of a term; new ones count on.
    fn id_of(ids: &mut HashMap<TermKey, u32>, (name, value): RawLabel<'_>) -> Result<u32> {
        let text = |bytes| {
            std::str::from_utf8(bytes)
                .map_err(|_| Error::Invalid("part: a label is not UTF-8".into()))
        };
        let (name, value) = (text(name)?, text(value)?);
        if let Some(id) = ids.get(&(name, value)) {
            return Ok(*id);
        }
        let id = u32::try_from(ids.len())
            .map_err(|_| Error::Limit("part: more than 4 billion terms".into()))?;
        ids.insert(TermKey(name.into(), value.into()), id);
        Ok(id)
    }

    /// The sections Terms and Postings.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut terms: Vec<(&TermKey, u32)> = self.ids.iter().map(|(k, id)| (k, *id)).collect();
        terms.sort_unstable();
        let (mut tables, mut heads, mut postings) = (Vec::new(), Vec::new(), Vec::new());
        let (mut names, mut previous): (u64, &str) = (0, "");
        for group in terms.chunk_by(|a, b| a.0.0 == b.0.0) {
            let name: &str = &group[0].0.0;
            let (directory, blocks) = encode_table(group, &self.lists, &mut postings)?;
            put_front_coded(previous.as_bytes(), name.as_bytes(), &mut heads);
            put_u64(&mut heads, group.len() as u64);
            put_u64(&mut heads, directory.len() as u64);
            put_u64(&mut heads, (directory.len() + blocks.len()) as u64);
            tables.extend_from_slice(&directory);
            tables.extend_from_slice(&blocks);
            (names, previous) = (names + 1, name);
        }
        let mut out = Vec::with_capacity(heads.len() + tables.len() + 24);
        put_u64(&mut out, names);
        put_u64(&mut out, heads.len() as u64);
        out.extend_from_slice(&heads);
        out.extend_from_slice(&tables);
        Ok((out, postings))
    }
}

type Term<'t> = (&'t TermKey, u32);

fn encode_table(
    terms: &[Term<'_>],
    lists: &[Ascending],
    postings: &mut Vec<u8>,
) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut directory, mut blocks) = (Vec::new(), Vec::new());
    let mut len = Vec::new();
    put_u64(&mut directory, terms.len().div_ceil(BLOCK_TERMS) as u64);
    for block in terms.chunks(BLOCK_TERMS) {
        let from = blocks.len();
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        let mut previous: &str = "";
        for (TermKey(_, value), id) in block {
            put_front_coded(previous.as_bytes(), value.as_bytes(), &mut blocks);
            put_postings(&lists[*id as usize], &mut blocks, postings)?;
            len.clear();
            put_u64(&mut len, value.len() as u64);
            hasher.update(&len);
            hasher.update(value.as_bytes());
            previous = value;
        }
        let first: &str = &block[0].0.1;
        put_u64(&mut directory, (blocks.len() - from) as u64);
        directory.extend_from_slice(&hasher.digest().to_le_bytes());
        put_u64(&mut directory, first.len() as u64);
        directory.extend_from_slice(first.as_bytes());
    }
    Ok((directory, blocks))
}

fn put_postings(list: &Ascending, out: &mut Vec<u8>, postings: &mut Vec<u8>) -> Result<()> {
    put_u64(out, u64::from(list.count));
    if list.count == 1 {
        put_u64(out, u64::from(list.first));
        return Ok(());
    }
    let mut bitmap = RoaringBitmap::from_sorted_iter(list.iter())
        .map_err(|e| Error::Invalid(format!("part: ordinals do not ascend: {e}")))?;
    bitmap.optimize();
    let from = postings.len();
    bitmap.serialize_into(&mut *postings).map_err(|e| Error::io("serialise postings", e))?;
    put_u64(out, from as u64);
    put_u64(out, (postings.len() - from) as u64);
    Ok(())
}

/// Where the values of a label stand in the Terms section.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub name: String,
    /// From the start of the section.
    pub offset: u64,
    pub directory_len: u64,
    pub len: u64,
}

/// How many bytes the list of names takes, and where it starts: from the first bytes of Terms.
pub(crate) fn names_at(head: &[u8]) -> Result<(usize, u64, u64)> {
    let mut c = Cursor::new(head);
    let names = c.bounded("label names", NAMES_MAX)?;
    let len = c.varint()?;
    Ok((names, (head.len() - c.left()) as u64, len))
}

/// Decodes the list of names; the tables follow it at `tables_at` of a section of `section_len`.
pub(crate) fn names(bytes: &[u8], n: usize, tables_at: u64, section_len: u64) -> Result<Vec<Name>> {
    let mut c = Cursor::new(bytes);
    let mut list: Vec<Name> = Vec::with_capacity(n.min(bytes.len() / 5));
    let mut name = Vec::new();
    let mut at = tables_at;
    for _ in 0..n {
        take_front_coded(&mut c, &mut name, LABEL_NAME_BYTES_MAX)?;
        let _values = c.varint()?;
        let (directory_len, len) = (c.varint()?, c.varint()?);
        if directory_len > len || len > section_len.saturating_sub(at) {
            return Err(Error::corrupt("a term table lies outside Terms"));
        }
        let name = text(&name)?;
        if list.last().is_some_and(|l| l.name >= name) {
            return Err(Error::corrupt("label names do not ascend"));
        }
        list.push(Name { name, offset: at, directory_len, len });
        at += len;
    }
    Ok(list)
}

fn text(bytes: &[u8]) -> Result<String> {
    match std::str::from_utf8(bytes) {
        Ok(s) => Ok(s.to_owned()),
        Err(_) => Err(Error::corrupt("a label is not UTF-8")),
    }
}

/// A block of values as the table's directory names it.
#[derive(Clone, Debug)]
pub(crate) struct TermBlock {
    pub first: String,
    /// From the start of the section.
    pub offset: u64,
    pub len: u64,
}

/// Decodes the directory of a table.
pub(crate) fn directory(bytes: &[u8], name: &Name) -> Result<Vec<TermBlock>> {
    let mut c = Cursor::new(bytes);
    let n = c.bounded("term blocks", bytes.len())?;
    let mut blocks: Vec<TermBlock> = Vec::with_capacity(n.min(bytes.len() / 10));
    let (mut at, end) = (name.offset + name.directory_len, name.offset + name.len);
    for _ in 0..n {
        let len = c.varint()?;
        let _hash = c.u64()?;
        let first_len = c.bounded("label value", LABEL_VALUE_BYTES_MAX)?;
        let first = text(c.take(first_len)?)?;
        if len > end - at || blocks.last().is_some_and(|b| b.first >= first) {
            return Err(Error::corrupt("term blocks do not ascend, or lie outside their table"));
        }
        blocks.push(TermBlock { first, offset: at, len });
        at += len;
    }
    Ok(blocks)
}

/// The series of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ordinals {
    One(u32),
    /// A bitmap in Postings.
    Many {
        offset: u64,
        len: u64,
    },
}

/// Calls `take` with each value of a block, in order, until it says stop (false).
pub(crate) fn values(
    bytes: &[u8],
    mut take: impl FnMut(&str, Ordinals) -> Result<bool>,
) -> Result<()> {
    let mut c = Cursor::new(bytes);
    let mut value = Vec::new();
    while !c.is_empty() {
        take_front_coded(&mut c, &mut value, LABEL_VALUE_BYTES_MAX)?;
        let ordinals = match c.varint()? {
            1 => Ordinals::One(
                u32::try_from(c.varint()?).map_err(|_| Error::corrupt("ordinal above 2^32"))?,
            ),
            _ => Ordinals::Many { offset: c.varint()?, len: c.varint()? },
        };
        let value = std::str::from_utf8(&value)
            .map_err(|_| Error::corrupt("a label value is not UTF-8"))?;
        if !take(value, ordinals)? {
            break;
        }
    }
    Ok(())
}
