//! Edits of the manifest as bytes. Pure; every length is checked before something is allocated.

use std::collections::BTreeSet;

use plimsoll_model::{MatchOp, Matcher, Tier, TimeRange};

use crate::codec::varint::{Cursor, put_i64, put_u64};
use crate::part::SeqRange;
use crate::rollup::TIERS;
use crate::{Error, Result};

/// Bytes of an edit after its checksum, at most.
const EDIT_BYTES_MAX: usize = 64 << 20;
/// Bytes of a part's name.
const ID_BYTES_MAX: usize = 64;
/// Matchers of a deletion.
pub const MATCHERS_MAX: usize = 64;
/// Bytes of a name or value in one.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// Days from 1970 to either side, and of a cover: ten thousand years.
const DAYS_MAX: u64 = 3_660_000;

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
#[derive(Clone, Debug, PartialEq)]
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
    /// A part of a tier belongs to the store.
    AddTier(TierEntry),
    /// A part of a tier does not any more.
    RemoveTier {
        /// Its name.
        id: String,
    },
    /// Whole days of a tier are in this part; an empty name: they have no samples.
    Cover {
        /// The tier.
        tier: Tier,
        /// The first day, since 1970.
        day: i64,
        /// How many days.
        days: u64,
        /// The part.
        id: String,
    },
    /// Whole days of a tier are in no part any more.
    Uncover {
        /// The tier.
        tier: Tier,
        /// The first day.
        day: i64,
        /// How many days.
        days: u64,
    },
    /// Raw samples before this time, ms, were removed by retention.
    RawFrom(i64),
    /// Something was deleted.
    Tombstone(Tombstone),
}

/// What the manifest knows of a tier part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierEntry {
    /// Its tier.
    pub tier: Tier,
    /// The first day of its partition.
    pub day: i64,
    /// Its name.
    pub id: String,
    /// Series.
    pub series: u64,
    /// Raw samples that it stands for.
    pub samples: u64,
    /// Length of the file.
    pub bytes: u64,
    /// When it was written, ms.
    pub created: i64,
}

/// A deletion that some parts still have to be rewritten for.
#[derive(Clone, Debug, PartialEq)]
pub struct Tombstone {
    /// Its number.
    pub id: u64,
    /// The series: all matchers pass.
    pub matchers: Vec<Matcher>,
    /// The times.
    pub range: TimeRange,
    /// The parts, of any tier, that hold what was deleted. When none is left, nor is the tombstone.
    pub pending: BTreeSet<String>,
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
        Edit::AddTier(p) => {
            out.push(5);
            put_i64(out, p.tier.0);
            put_i64(out, p.day);
            put_id(out, &p.id);
            for v in [p.series, p.samples, p.bytes] {
                put_u64(out, v);
            }
            put_i64(out, p.created);
        }
        Edit::RemoveTier { id } => {
            out.push(6);
            put_id(out, id);
        }
        Edit::Cover { tier, day, days, id } => {
            out.push(7);
            put_i64(out, tier.0);
            put_i64(out, *day);
            put_u64(out, *days);
            put_id(out, id);
        }
        Edit::Uncover { tier, day, days } => {
            out.push(8);
            put_i64(out, tier.0);
            put_i64(out, *day);
            put_u64(out, *days);
        }
        Edit::RawFrom(ms) => {
            out.push(9);
            put_i64(out, *ms);
        }
        Edit::Tombstone(t) => {
            out.push(10);
            put_u64(out, t.id);
            put_u64(out, t.matchers.len() as u64);
            for m in &t.matchers {
                out.push(op_code(m.op()));
                put_id(out, m.name());
                put_id(out, m.value());
            }
            put_i64(out, t.range.start);
            put_i64(out, t.range.end);
            put_u64(out, t.pending.len() as u64);
            for id in &t.pending {
                put_id(out, id);
            }
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
        5 => Edit::AddTier(TierEntry {
            tier: take_tier(c)?,
            day: c.zigzag()?,
            id: take_id(c)?,
            series: c.varint()?,
            samples: c.varint()?,
            bytes: c.varint()?,
            created: c.zigzag()?,
        }),
        6 => Edit::RemoveTier { id: take_id(c)? },
        7 => Edit::Cover {
            tier: take_tier(c)?,
            day: take_day(c)?,
            days: take_days(c)?,
            id: take_id_or_none(c)?,
        },
        8 => Edit::Uncover { tier: take_tier(c)?, day: take_day(c)?, days: take_days(c)? },
        9 => Edit::RawFrom(c.zigzag()?),
        10 => Edit::Tombstone(take_tombstone(c)?),
        tag => {
            return Err(Error::Invalid(format!(
                "manifest operation {tag} is of a later version; start the program that wrote it"
            )));
        }
    })
}

fn take_tier(c: &mut Cursor<'_>) -> Result<Tier> {
    let ms = c.zigzag()?;
    let known = TIERS.into_iter().find(|t| t.0 == ms);
    known.ok_or_else(|| {
        Error::Invalid(format!(
            "manifest names a tier of {ms} ms, of a later version; start the program that wrote it"
        ))
    })
}

fn take_day(c: &mut Cursor<'_>) -> Result<i64> {
    let day = c.zigzag()?;
    let sane = day.unsigned_abs() <= DAYS_MAX;
    if sane { Ok(day) } else { Err(Error::corrupt(format!("day {day}"))) }
}

fn take_days(c: &mut Cursor<'_>) -> Result<u64> {
    Ok(c.bounded("days", DAYS_MAX as usize)? as u64)
}

fn take_tombstone(c: &mut Cursor<'_>) -> Result<Tombstone> {
    let id = c.varint()?;
    let n = c.bounded("matchers", MATCHERS_MAX)?;
    let mut matchers = Vec::with_capacity(n);
    for _ in 0..n {
        let op = op_of(c.u8()?)?;
        let (name, value) = (take_text(c)?, take_text(c)?);
        let matcher = Matcher::new(op, &name, &value);
        matchers.push(matcher.map_err(|e| Error::corrupt(e.to_string()))?);
    }
    let range = TimeRange::new(c.zigzag()?, c.zigzag()?);
    let n = c.bounded("pending parts", c.left())?;
    let pending = (0..n).map(|_| take_id(c)).collect::<Result<_>>()?;
    Ok(Tombstone { id, matchers, range, pending })
}

const OPS: [MatchOp; 4] = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];

fn op_code(op: MatchOp) -> u8 {
    OPS.iter().position(|o| *o == op).unwrap_or(0) as u8
}

fn op_of(code: u8) -> Result<MatchOp> {
    let op = OPS.get(usize::from(code)).copied();
    op.ok_or_else(|| Error::corrupt(format!("matcher of kind {code}")))
}

fn take_text(c: &mut Cursor<'_>) -> Result<String> {
    let len = c.bounded("text bytes", TEXT_BYTES_MAX)?;
    let text = std::str::from_utf8(c.take(len)?);
    Ok(text.map_err(|_| Error::corrupt("text is not UTF-8"))?.to_owned())
}

fn take_id_or_none(c: &mut Cursor<'_>) -> Result<String> {
    if c.rest().first() == Some(&0) {
        c.u8()?;
        return Ok(String::new());
    }
    take_id(c)
}

fn take_id(c: &mut Cursor<'_>) -> Result<String> {
    let len = c.bounded("name bytes", ID_BYTES_MAX)?;
    let id = std::str::from_utf8(c.take(len)?).map_err(|_| Error::corrupt("name is not UTF-8"))?;
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain { Ok(id.to_owned()) } else { Err(Error::corrupt(format!("{id:?} names no part"))) }
}
