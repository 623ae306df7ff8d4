//! Edits of the manifest as bytes. Pure; every length is checked before something is allocated.

use plimsoll_model::TimeRange;

use crate::codec::varint::{Cursor, put_i64, put_u64};
use crate::part::SeqRange;
use crate::{Error, Result};

/// Bytes of an edit after its checksum, at most.
const EDIT_BYTES_MAX: usize = 64 << 20;
/// Bytes of a part's name.
const ID_BYTES_MAX: usize = 64;

/// What the manifest knows of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartEntry {
    /// Days since 1970.
    pub day: i64,
    /// Its name, without directory and extension.
    pub id: String,
    /// 0 flushed, 1 merged, 2 the day.
    pub level: u8,
    /// From its earliest to its latest sample.
    pub range: TimeRange,
    /// Commit numbers of its samples.
    pub seq: SeqRange,
    /// Series.
    pub series: u64,
    /// Samples.
    pub samples: u64,
    /// Length of the file.
    pub bytes: u64,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A part belongs to the store.
    Add(PartEntry),
    /// A part does not any more.
    Remove {
        /// Its day.
        day: i64,
        /// Its name.
        id: String,
    },
    /// Replay begins at this record.
    LowWater {
        /// Its number.
        seq: u64,
        /// The generation that begins there.
        generation: u64,
    },
    /// The wall clock, ms.
    Wall(i64),
}

pub(super) fn encode(number: u64, edits: &[Edit]) -> Vec<u8> {
    let mut out = vec![0; 8];
    out.extend(number.to_le_bytes());
    for e in edits {
        put(&mut out, e);
    }
    let len = (out.len() - 8) as u32;
    out[..4].copy_from_slice(&len.to_le_bytes());
    let crc = crc32c::crc32c(&out[8..]);
    out[4..8].copy_from_slice(&crc.to_le_bytes());
    out
}

fn put(out: &mut Vec<u8>, edit: &Edit) {
    match edit {
        Edit::Add(p) => {
            out.push(1);
            put_i64(out, p.day);
            put_id(out, &p.id);
            out.push(p.level);
            put_i64(out, p.range.start);
            put_i64(out, p.range.end);
            for v in [p.seq.min, p.seq.max, p.series, p.samples, p.bytes] {
                put_u64(out, v);
            }
        }
        Edit::Remove { day, id } => {
            out.push(2);
            put_i64(out, *day);
            put_id(out, id);
        }
        Edit::LowWater { seq, generation } => {
            out.push(3);
            put_u64(out, *seq);
            put_u64(out, *generation);
        }
        Edit::Wall(ms) => {
            out.push(4);
            put_i64(out, *ms);
        }
    }
}

fn put_id(out: &mut Vec<u8>, id: &str) {
    put_u64(out, id.len() as u64);
    out.extend_from_slice(id.as_bytes());
}

/// The edit at the start of `bytes`: its number, its operations, its length. `None` when there is
/// none that is whole and right.
pub(super) fn take(bytes: &[u8]) -> Option<(u64, &[u8], usize)> {
    let len = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    if !(8..=EDIT_BYTES_MAX).contains(&len) {
        return None;
    }
    let crc = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let body = bytes.get(8..8 + len)?;
    if crc32c::crc32c(body) != crc {
        return None;
    }
    Some((u64::from_le_bytes(body[..8].try_into().ok()?), &body[8..], 8 + len))
}

pub(super) fn decode(ops: &[u8]) -> Result<Vec<Edit>> {
    let mut c = Cursor::new(ops);
    let mut all = Vec::new();
    while !c.is_empty() {
        all.push(one(&mut c)?);
    }
    Ok(all)
}

fn one(c: &mut Cursor<'_>) -> Result<Edit> {
    Ok(match c.u8()? {
        1 => Edit::Add(PartEntry {
            day: c.zigzag()?,
            id: take_id(c)?,
            level: c.u8()?,
            range: TimeRange::new(c.zigzag()?, c.zigzag()?),
            seq: SeqRange::new(c.varint()?, c.varint()?),
            series: c.varint()?,
            samples: c.varint()?,
            bytes: c.varint()?,
        }),
        2 => Edit::Remove { day: c.zigzag()?, id: take_id(c)? },
        3 => Edit::LowWater { seq: c.varint()?, generation: c.varint()? },
        4 => Edit::Wall(c.zigzag()?),
        tag => {
            return Err(Error::Invalid(format!(
                "manifest operation {tag} is of a later version; start the program that wrote it"
            )));
        }
    })
}

fn take_id(c: &mut Cursor<'_>) -> Result<String> {
    let len = c.bounded("name bytes", ID_BYTES_MAX)?;
    let id = std::str::from_utf8(c.take(len)?).map_err(|_| Error::corrupt("name is not UTF-8"))?;
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain { Ok(id.to_owned()) } else { Err(Error::corrupt(format!("{id:?} names no part"))) }
}
