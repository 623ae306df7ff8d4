//! Building the tiers of one day from raw parts, and joining tier parts of a partition.

use std::sync::Arc;

use plimsoll_model::{Bucket, Cancel, Kept, LabelBuf, LabelsRef, Matcher, Tier, TimeRange};
use plimsoll_world::World;

use super::{Decoded, bucket_end, bundle, decode, fold, tier_day};
use crate::codec::CHUNK_SAMPLES;
use crate::filenames::Names;
use crate::flush;
use crate::manifest::TierEntry;
use crate::merge::{Source, for_each_series};
use crate::part::{Bundle, Level, PartReader, PartWriter, SeqRange, SeriesIn};
use crate::{Error, Result};

/// Builds the parts of a tier day, one per tier, from all raw parts that hold samples of it, under
/// `tmp/`, synced. A tier of which nothing is left to keep gets no part.
///
/// # Errors
/// `Corrupt`, `Io`; `Unavailable` when cancelled. What was written is a leftover in `tmp/`.
pub fn write_day(
    world: &World,
    names: &Names,
    day: i64,
    tiers: &[Tier],
    inputs: &[Source],
    cancel: &Cancel,
) -> Result<Vec<(Tier, Option<TierEntry>)>> {
    let mut outs =
        tiers.iter().map(|tier| Out::create(world, names, *tier)).collect::<Result<Vec<_>>>()?;
    for_each_series(inputs, tier_day(day), cancel, &mut |s| {
        outs.iter_mut().try_for_each(|out| out.add(s))
    })?;
    outs.into_iter().map(|out| out.finish(world, day)).collect()
}

/// A tier part that is being written.
struct Out {
    tier: Tier,
    writer: PartWriter,
    created: i64,
    buckets: Vec<Bucket>,
    payload: Vec<u8>,
}

impl Out {
    fn create(world: &World, names: &Names, tier: Tier) -> Result<Self> {
        let spec = flush::tier_spec(world, tier, Level::Day);
        let path = names.part_tmp(&flush::id_of(&spec));
        let created = spec.created;
        let writer = PartWriter::create(&*world.disk, &path, spec)?;
        Ok(Self { tier, writer, created, buckets: Vec::new(), payload: Vec::new() })
    }

    fn add(&mut self, s: &SeriesIn<'_>) -> Result<()> {
        self.buckets.clear();
        if s.samples.histograms.is_some() {
            return self.put(s.labels, s.seq, &[Piece::None(s.samples.times[0])]);
        }
        fold(&s.samples, self.tier, &mut self.buckets);
        if self.buckets.is_empty() {
            return Ok(());
        }
        let n = self.buckets.len();
        let kept = bundle::worth_keeping(&self.buckets, self.tier);
        self.put(s.labels, s.seq, &[Piece::Buckets(0..n, kept)])
    }

    /// Appends a series whose pieces are in rising time.
    fn put(&mut self, labels: LabelsRef<'_>, seq: SeqRange, pieces: &[Piece]) -> Result<()> {
        self.payload.clear();
        let (mut ends, mut samples) = (Vec::new(), 0);
        for piece in pieces {
            match piece {
                Piece::None(time) => {
                    let end = bucket_end(*time, self.tier);
                    let column = bundle::encode_none(&[end], &mut self.writer, &mut self.payload)?;
                    ends.push((column, self.payload.len()));
                }
                Piece::Buckets(range, kept) => {
                    for some in self.buckets[range.clone()].chunks(CHUNK_SAMPLES) {
                        let (writer, out) = (&mut self.writer, &mut self.payload);
                        let column = bundle::encode(some, *kept, writer, out)?;
                        samples += some.iter().map(|b| u64::from(b.count)).sum::<u64>();
                        ends.push((column, self.payload.len()));
                    }
                }
            }
        }
        let mut from = 0;
        let bundles: Vec<Bundle<'_>> = ends
            .iter()
            .map(|&(column, end)| {
                let payload = &self.payload[from..end];
                from = end;
                Bundle { column, payload }
            })
            .collect();
        self.writer.add_bundles(labels, seq, &bundles, samples)
    }

    fn finish(self, world: &World, first_day: i64) -> Result<(Tier, Option<TierEntry>)> {
        let (tier, created) = (self.tier, self.created);
        let info = self.writer.finish(&*world.disk)?;
        let entry = info.map(|info| TierEntry {
            tier,
            day: first_day,
            id: flush::id_of(&info.spec),
            series: info.series,
            samples: info.samples,
            bytes: info.bytes,
            created,
        });
        Ok((tier, entry))
    }
}

/// A piece of a series: buckets by index and what is kept of them, or a time at which the tier keeps nothing of it.
enum Piece {
    Buckets(std::ops::Range<usize>, Kept),
    None(i64),
}

/// An input of [`merge_tier`].
pub struct TierSource {
    /// The part.
    pub part: Arc<PartReader>,
    /// The times that it speaks for: whole tier days, ascending, apart.
    pub speaks_for: Vec<TimeRange>,
    /// What was deleted of it: matchers and times.
    pub cuts: Vec<(Vec<Matcher>, TimeRange)>,
}

/// Joins tier parts into one: of each input the buckets of the days that it speaks for.
///
/// # Errors
/// As [`write_day`].
pub fn merge_tier(
    world: &World,
    names: &Names,
    tier: Tier,
    first_day: i64,
    inputs: &[TierSource],
    cancel: &Cancel,
) -> Result<Option<TierEntry>> {
    let mut out = Out::create(world, names, tier)?;
    let mut heads = inputs.iter().map(Walk::open).collect::<Result<Vec<_>>>()?;
    let mut labels = LabelBuf::new();
    while let Some(least) = heads.iter().filter_map(Walk::key).min() {
        cancel.check().map_err(|e| Error::Unavailable(format!("merge of a tier: {e}")))?;
        labels.set_canonical(least);
        out.buckets.clear();
        let (mut pieces, mut seq) = (Vec::new(), None::<SeqRange>);
        for head in &mut heads {
            if head.key() != Some(labels.as_ref().as_bytes()) {
                continue;
            }
            let info = head.source.part.series_info(head.ordinal)?;
            seq = Some(seq.map_or(info.seq, |s| s.union(info.seq)));
            head.collect(tier, labels.as_ref(), &mut out.buckets, &mut pieces)?;
            head.next()?;
        }
        pieces.sort_by_key(|p: &(i64, Piece)| p.0);
        if let Some(seq) = seq
            && !pieces.is_empty()
        {
            let (ordered, pieces) = in_order(&out.buckets, pieces);
            out.buckets = ordered;
            out.put(labels.as_ref(), seq, &pieces)?;
        }
    }
    Ok(out.finish(world, first_day)?.1)
}

/// Puts buckets into the order of their pieces and joins neighbouring pieces that keep the same.
fn in_order(buckets: &[Bucket], pieces: Vec<(i64, Piece)>) -> (Vec<Bucket>, Vec<Piece>) {
    let (mut ordered, mut joined): (Vec<Bucket>, Vec<Piece>) = (Vec::new(), Vec::new());
    for (_, piece) in pieces {
        match piece {
            Piece::None(t) => joined.push(Piece::None(t)),
            Piece::Buckets(range, kept) => {
                let from = ordered.len();
                ordered.extend_from_slice(&buckets[range]);
                match joined.last_mut() {
                    Some(Piece::Buckets(before, same)) if *same == kept => {
                        before.end = ordered.len();
                    }
                    _ => joined.push(Piece::Buckets(from..ordered.len(), kept)),
                }
            }
        }
    }
    (ordered, joined)
}

/// Where one input stands.
struct Walk<'a> {
    source: &'a TierSource,
    ordinal: u32,
    labels: LabelBuf,
}

impl<'a> Walk<'a> {
    fn open(source: &'a TierSource) -> Result<Self> {
        let mut walk = Self { source, ordinal: 0, labels: LabelBuf::new() };
        if source.part.series() > 0 {
            source.part.labels(0, &mut walk.labels)?;
        }
        Ok(walk)
    }

    fn key(&self) -> Option<&[u8]> {
        (self.ordinal < self.source.part.series()).then(|| self.labels.as_ref().as_bytes())
    }

    fn next(&mut self) -> Result<()> {
        self.ordinal += 1;
        if self.ordinal < self.source.part.series() {
            self.source.part.labels(self.ordinal, &mut self.labels)?;
        }
        Ok(())
    }

    fn collect(
        &self,
        tier: Tier,
        labels: LabelsRef<'_>,
        buckets: &mut Vec<Bucket>,
        pieces: &mut Vec<(i64, Piece)>,
    ) -> Result<()> {
        let part = &self.source.part;
        let cut = |b: &Bucket| {
            let times = TimeRange::new(b.end - tier.0 + 1, b.end);
            let hit =
                |(m, r): &(Vec<Matcher>, TimeRange)| r.overlaps(times) && Matcher::all(m, labels);
            self.source.cuts.iter().any(hit)
        };
        for range in &self.source.speaks_for {
            part.bundles(self.ordinal, *range, &mut |times, payload| {
                let from = buckets.len();
                match decode(part, tier, Kept::ALL, times, payload, buckets)? {
                    Decoded::None => {
                        let inside = times.iter().filter(|t| range.contains(**t));
                        pieces.extend(inside.map(|t| (*t, Piece::None(*t))));
                    }
                    Decoded::Buckets(has) => {
                        let kept: Vec<Bucket> = buckets
                            .drain(from..)
                            .filter(|b| range.contains(b.last_time) && !cut(b))
                            .collect();
                        if let Some(first) = kept.first() {
                            pieces.push((first.end, Piece::Buckets(from..from + kept.len(), has)));
                        }
                        buckets.extend(kept);
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}
