//! What survives a restart: all watched series with the step up to which each is folded in, as bytes.
//! `docs/format/analysis.md` has the layout; [`files`] keeps them on disk.
//!
//! Reading any bytes gives a state or says what is wrong with them; the sum at the end covers all before
//! it, so a state that is accepted is one that was written.

pub(crate) mod files;

use plimsoll_analyze::Detector;
use plimsoll_model::{LabelsRef, Timestamp};
use xxhash_rust::xxh3::Xxh3Default;

use crate::fold::Fold;
use crate::groups::{GroupBy, Paging};
use crate::reduce::Carry;
use crate::watch::named::known;
use crate::watch::names::Kind;
use crate::watched::{Origin, Peak, Watched};

/// The first bytes.
const MAGIC: [u8; 8] = *b"PLIMWTCH";
/// The version that is written. The one before had no groups.
const VERSION: u32 = 2;
const VERSION_WITHOUT_GROUPS: u32 = 1;
/// Bytes before the entries.
const HEAD_BYTES: usize = 48;
/// Bytes of the sum.
const SUM_BYTES: usize = 8;
/// Bytes of an entry that are read at most: labels, a detector, scalars.
const ENTRY_BYTES_MAX: usize = 1 << 20;
/// Bytes that are handed on at once.
const PIECE_BYTES: usize = 1 << 20;

/// Why bytes are no checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) what: &'static str,
    /// Where it was noticed.
    pub(crate) at: usize,
}

/// What a checkpoint holds.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) step_ms: i64,
    pub(crate) horizon: Timestamp,
    pub(crate) origin: Timestamp,
    pub(crate) series: Vec<Watched>,
    /// Series of expressions that are not known any more.
    pub(crate) unknown: usize,
    /// Groups that are worth a page, and since when.
    pub(crate) groups: Vec<Paging>,
}

/// Writes the state of a fold and of its groups in pieces; nothing before its first pass.
pub(crate) fn write<E>(
    fold: &Fold,
    groups: &[Paging],
    now: Timestamp,
    mut piece: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let Some(horizon) = fold.horizon else { return Ok(()) };
    let mut sum = Xxh3Default::new();
    let mut out = Vec::with_capacity(PIECE_BYTES + (64 << 10));
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    let step = u32::try_from(fold.step).unwrap_or(u32::MAX);
    out.extend(step.to_le_bytes());
    out.extend(horizon.to_le_bytes());
    out.extend(fold.origin.to_le_bytes());
    out.extend(now.to_le_bytes());
    out.extend((fold.scores.len() as u64).to_le_bytes());
    let mut all: Vec<&Watched> = fold.scores.all().collect();
    all.sort_by(|a, b| (a.name(), &a.labels).cmp(&(b.name(), &b.labels)));
    for watched in all {
        put(&mut out, watched);
        if out.len() >= PIECE_BYTES {
            sum.update(&out);
            piece(&out)?;
            out.clear();
        }
    }
    out.extend((groups.len() as u64).to_le_bytes());
    for (by, name, since) in groups {
        out.push(match by {
            GroupBy::Instance => 0,
            GroupBy::Job => 1,
        });
        out.extend(since.to_le_bytes());
        out.extend((name.len() as u32).to_le_bytes());
        out.extend(name.as_bytes());
    }
    sum.update(&out);
    out.extend(sum.digest().to_le_bytes());
    piece(&out)
}

fn put(out: &mut Vec<u8>, w: &Watched) {
    let (kind, name) = match w.origin {
        Origin::Named(name) => (0, name),
        Origin::Raw(Kind::Gauge) => (1, ""),
        Origin::Raw(Kind::Counter) => (2, ""),
    };
    let (labels, detector) = (w.labels.as_ref().as_bytes(), w.detector.to_bytes());
    out.push(kind);
    out.push(w.newest);
    out.extend((name.len() as u16).to_le_bytes());
    out.extend((labels.len() as u32).to_le_bytes());
    out.extend((detector.len() as u32).to_le_bytes());
    out.extend(w.wrong.to_le_bytes());
    for time in [w.cursor, w.carry.at, w.alarm_at, w.longest_gap, w.peak.at] {
        out.extend(time.to_le_bytes());
    }
    out.extend(w.recent.to_le_bytes());
    let expected = w.peak.expected.unwrap_or(f64::NAN);
    for number in [w.carry.value, w.peak.score, w.peak.value, expected] {
        out.extend(number.to_le_bytes());
    }
    out.extend(name.as_bytes());
    out.extend(labels);
    out.extend(detector);
}

/// Reads what [`write`] wrote.
pub(crate) fn read(bytes: &[u8]) -> Result<State, Damage> {
    let mut input = Input { bytes, at: 0 };
    if input.take()? != MAGIC {
        return Err(Damage { what: "not a checkpoint of analysis", at: 0 });
    }
    let version = u32::from_le_bytes(input.take()?);
    if version != VERSION && version != VERSION_WITHOUT_GROUPS {
        return Err(Damage { what: "of a version that is not known", at: 8 });
    }
    let end = bytes.len().checked_sub(SUM_BYTES).filter(|end| *end >= HEAD_BYTES);
    let end = end.ok_or(Damage { what: "too short", at: bytes.len() })?;
    let mut sum = Xxh3Default::new();
    sum.update(&bytes[..end]);
    if bytes[end..] != sum.digest().to_le_bytes() {
        return Err(Damage { what: "the checksum is wrong", at: end });
    }
    input.bytes = &bytes[..end];
    let step_ms = i64::from(u32::from_le_bytes(input.take()?));
    if step_ms == 0 {
        return Err(input.wrong("no step"));
    }
    let [horizon, origin, _written] = input.numbers(i64::from_le_bytes)?;
    let n = u64::from_le_bytes(input.take()?);
    let (mut series, mut unknown) = (Vec::new(), 0);
    for _ in 0..n {
        match entry(&mut input, step_ms)? {
            Some(watched) => series.push(watched),
            None => unknown += 1,
        }
    }
    let mut groups = Vec::new();
    if version != VERSION_WITHOUT_GROUPS {
        for _ in 0..u64::from_le_bytes(input.take()?) {
            groups.push(group(&mut input)?);
        }
    }
    if input.at != end {
        return Err(input.wrong("bytes after the last entry"));
    }
    Ok(State { step_ms, horizon, origin, series, unknown, groups })
}

/// One group that is worth a page.
fn group(input: &mut Input<'_>) -> Result<Paging, Damage> {
    let [by] = input.take()?;
    let by = match by {
        0 => GroupBy::Instance,
        1 => GroupBy::Job,
        _ => return Err(input.wrong("a group of a kind that is not known")),
    };
    let since = i64::from_le_bytes(input.take()?);
    let len = u32::from_le_bytes(input.take()?) as usize;
    let name = std::str::from_utf8(input.slice(len)?);
    let name = name.map_err(|_| input.wrong("a name is not UTF-8"))?;
    Ok((by, name.to_owned(), since))
}

/// One series; `None` when it is of an expression that is not known.
fn entry(input: &mut Input<'_>, step_ms: i64) -> Result<Option<Watched>, Damage> {
    let [kind, newest] = input.take()?;
    let name_len = usize::from(u16::from_le_bytes(input.take()?));
    let labels_len = u32::from_le_bytes(input.take()?) as usize;
    let detector_len = u32::from_le_bytes(input.take()?) as usize;
    let wrong = u32::from_le_bytes(input.take()?);
    let [cursor, carry_at, alarm_at, longest_gap, peak_at] = input.numbers(i64::from_le_bytes)?;
    let recent = u64::from_le_bytes(input.take()?);
    let [carry_value, score, value, expected] = input.numbers(f64::from_le_bytes)?;
    let name = std::str::from_utf8(input.slice(name_len)?);
    let name = name.map_err(|_| input.wrong("a name is not UTF-8"))?;
    let labels = LabelsRef::checked(input.slice(labels_len)?);
    let labels = labels.map_err(|_| input.wrong("labels are not canonical"))?.to_labels();
    let detector = Detector::from_bytes(input.slice(detector_len)?);
    let detector = detector.map_err(|_| input.wrong("a detector cannot be read"))?;
    let origin = match (kind, known(name)) {
        (0, Some(name)) => Origin::Named(name),
        (0, None) => return Ok(None),
        (1, _) => Origin::Raw(Kind::Gauge),
        (2, _) => Origin::Raw(Kind::Counter),
        _ => return Err(input.wrong("an entry of a kind that is not known")),
    };
    let mut watched = Watched::of((origin, labels), detector, step_ms, cursor);
    watched.carry = Carry { at: carry_at, value: carry_value };
    let expected = (!expected.is_nan()).then_some(expected);
    watched.peak = Peak { score, value, expected, at: peak_at };
    (watched.alarm_at, watched.longest_gap) = (alarm_at, longest_gap);
    watched.recent = recent;
    (watched.wrong, watched.newest) = (wrong, newest.min(100));
    watched.written = watched.newest;
    Ok(Some(watched))
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let taken = *taken.ok_or(Damage { what: "too short", at: self.bytes.len() })?;
        self.at += N;
        Ok(taken)
    }

    fn numbers<T: Copy + Default, const N: usize>(
        &mut self,
        of: impl Fn([u8; 8]) -> T,
    ) -> Result<[T; N], Damage> {
        let mut all = [T::default(); N];
        for number in &mut all {
            *number = of(self.take()?);
        }
        Ok(all)
    }

    fn slice(&mut self, len: usize) -> Result<&'a [u8], Damage> {
        if len > ENTRY_BYTES_MAX {
            return Err(self.wrong("an entry is too large"));
        }
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..len));
        let taken = taken.ok_or(Damage { what: "too short", at: self.bytes.len() })?;
        self.at += len;
        Ok(taken)
    }

    fn wrong(&self, what: &'static str) -> Damage {
        Damage { what, at: self.at }
    }
}

/// Any bytes give a state or say what is wrong; what is accepted is written as it was.
pub fn fuzz_checkpoint(bytes: &[u8]) {
    if let Ok(state) = read(bytes) {
        assert!(state.series.len() + state.unknown + state.groups.len() <= bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::Fold;
    use crate::reduce::Reduced;
    use plimsoll_model::Labels;
    use plimsoll_query::{Engine, EngineConfig};
    use plimsoll_world::{Chance, SeededChance, Workers};
    use std::sync::Arc;

    pub(crate) fn taught() -> Fold {
        let engine = Engine::new(EngineConfig::default(), Arc::new(Workers::new(1)));
        let mut fold = Fold::new(&engine, 60_000);
        (fold.horizon, fold.origin) = (Some(12_000_000), 60_000);
        let kinds = [Origin::Raw(Kind::Gauge), Origin::Raw(Kind::Counter), Origin::Named("load1")];
        for (i, origin) in kinds.into_iter().enumerate() {
            let name = format!("m{i}");
            let labels = Labels::new([("__name__", &*name), ("device", "sda")]).unwrap();
            let mut watched = Watched::new(origin, labels.clone(), 60_000, 0);
            for i in 1..200 {
                let value = Reduced::Value(f64::from(i * 31 % 17));
                watched.fold(i64::from(i) * 60_000, value, true);
            }
            watched.carry = Carry { at: 11_990_000, value: 3.5 };
            match origin {
                Origin::Named(name) => {
                    fold.scores.named.insert((name, labels), Box::new(watched));
                }
                Origin::Raw(_) => {
                    fold.scores.raw.insert(labels.fp(), Box::new(watched));
                }
            }
        }
        fold
    }

    pub(crate) fn paging() -> Vec<Paging> {
        let of = |by, name: &str, since| (by, name.to_owned(), since);
        vec![of(GroupBy::Instance, "h:9100", 11_880_000), of(GroupBy::Job, "", 12_000_000)]
    }

    pub(crate) fn bytes_of(fold: &Fold) -> Vec<u8> {
        let mut all = Vec::new();
        write(fold, &paging(), 12_000_500, |piece| {
            all.extend_from_slice(piece);
            Ok::<_, ()>(())
        })
        .unwrap();
        all
    }

    #[test]
    fn series_come_back_as_they_were() {
        let fold = taught();
        let bytes = bytes_of(&fold);
        let state = read(&bytes).unwrap();
        assert_eq!((state.step_ms, state.horizon, state.origin), (60_000, 12_000_000, 60_000));
        assert_eq!((state.series.len(), state.unknown), (3, 0));
        for back in &state.series {
            assert!(fold.scores.all().any(|w| w.agrees(back)));
        }
        assert_eq!(bytes[..8], MAGIC);
        assert_eq!(state.groups, paging());
    }

    #[test]
    fn a_file_of_the_version_before_is_still_read() {
        let mut bytes = bytes_of(&taught());
        let groups = 8 + 2 * 13 + "h:9100".len();
        bytes.truncate(bytes.len() - SUM_BYTES - groups);
        bytes[8..12].copy_from_slice(&VERSION_WITHOUT_GROUPS.to_le_bytes());
        let mut sum = Xxh3Default::new();
        sum.update(&bytes);
        bytes.extend(sum.digest().to_le_bytes());
        let state = read(&bytes).unwrap();
        assert_eq!((state.horizon, state.series.len(), state.groups.len()), (12_000_000, 3, 0));
        bytes[8] = 3;
        assert_eq!(read(&bytes).unwrap_err().what, "of a version that is not known");
    }

    #[test]
    fn every_cut_and_every_flip_is_noticed() {
        let bytes = bytes_of(&taught());
        for at in (0..bytes.len()).step_by(61) {
            assert!(read(&bytes[..at]).is_err());
            let mut other = bytes.clone();
            other[at] ^= 1 << (at % 8);
            assert!(read(&other).is_err(), "{at}");
        }
    }

    /// Bytes that were changed, with a sum that is right: nothing but a value or an error.
    #[test]
    fn any_bytes_give_a_state_or_an_error() {
        let bytes = bytes_of(&taught());
        let chance = SeededChance::new(11);
        for _ in 0..2_000 {
            let mut other = bytes.clone();
            for _ in 0..1 + chance.next_u64() % 4 {
                let at = (chance.next_u64() as usize) % (bytes.len() - SUM_BYTES);
                let at = if chance.next_u64().is_multiple_of(2) { at % 256 } else { at };
                other[at] = chance.next_u64() as u8;
            }
            let end = other.len() - SUM_BYTES;
            let mut sum = Xxh3Default::new();
            sum.update(&other[..end]);
            other[end..].copy_from_slice(&sum.digest().to_le_bytes());
            fuzz_checkpoint(&other);
            fuzz_checkpoint(&other[..end / 2]);
        }
    }
}
