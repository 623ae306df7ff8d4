//! What one collection found, as rows with known labels.
//!
//! A series is encoded once, when it first appears; after that a sample costs one lookup by name
//! and label values. A series that a collection does not mention again gets a staleness marker
//! and is forgotten. At most [`SERIES_MAX`] series; more are counted and left out.

use std::collections::HashSet;

use hashbrown::HashMap;
use plimsoll_model::{
    Batch, Canonical, Fp, LabelBuf, METRIC_NAME, Metadata, MetricKind, Rows, SampleSink, SourceId,
    Ticket, Timestamp, stale_nan,
};

/// Series of one host: about 1,000 are usual, a machine with 256 CPUs has 4,000.
const SERIES_MAX: usize = 20_000;

/// The samples of one collection, and the series of the last ones.
pub(super) struct Frame {
    base: Vec<(String, String)>,
    known: HashMap<Box<[u8]>, usize>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    round: u64,
    samples: Vec<(usize, f64)>,
    families: HashSet<String>,
    metadata: Vec<Metadata>,
    key: Vec<u8>,
    left_out: u64,
}

struct Slot {
    labels: Box<[u8]>,
    fp: Fp,
    /// The round in which it was last mentioned.
    round: u64,
}

/// How many samples a collection gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) samples: usize,
    pub(super) left_out: u64,
}

impl Frame {
    pub(super) fn new(base: Vec<(String, String)>) -> Self {
        Self {
            base,
            known: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            round: 1,
            samples: Vec::new(),
            families: HashSet::new(),
            metadata: Vec::new(),
            key: Vec::new(),
            left_out: 0,
        }
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.put(name, MetricKind::Counter, help, labels, value);
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.put(name, MetricKind::Gauge, help, labels, value);
    }

    /// Adds a sample. The names of labels must always be the same for one metric; of two samples of
    /// the same series the first one stays.
    pub(super) fn put(
        &mut self,
        name: &str,
        kind: MetricKind,
        help: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) {
        self.key.clear();
        self.key.extend_from_slice(name.as_bytes());
        for (_, v) in labels {
            self.key.push(0xff);
            self.key.extend_from_slice(v.as_bytes());
        }
        let slot = match self.known.get(self.key.as_slice()) {
            Some(slot) => *slot,
            None => match self.learn(name, kind, help, labels) {
                Some(slot) => slot,
                None => {
                    self.left_out += 1;
                    return;
                }
            },
        };
        if self.slots[slot].round != self.round {
            self.slots[slot].round = self.round;
            self.samples.push((slot, value));
        }
    }

    /// Submits all samples at `now` and begins the next round.
    pub(super) fn submit(
        &mut self,
        now: Timestamp,
        source: &SourceId,
        sink: &dyn SampleSink,
    ) -> (Ticket, Counted) {
        let counted = Counted { samples: self.samples.len(), left_out: self.left_out };
        let (slots, round) = (&self.slots, self.round);
        let gone: Vec<usize> =
            self.known.extract_if(|_, s| slots[*s].round != round).map(|(_, s)| s).collect();
        self.samples.extend(gone.iter().map(|s| (*s, stale_nan())));
        let times = [now];
        let values: Vec<f64> = self.samples.iter().map(|(_, v)| *v).collect();
        let rows: Vec<Rows<'_>> = self
            .samples
            .iter()
            .zip(values.chunks(1))
            .map(|((s, _), floats)| {
                let slot = &self.slots[*s];
                Rows {
                    fp: Some(slot.fp),
                    raw: &slot.labels,
                    times: &times,
                    floats,
                    ..Rows::default()
                }
            })
            .collect();
        let batch = Batch { source, decode: &Canonical, rows: &rows, metadata: &self.metadata };
        let ticket = sink.submit(batch);
        drop(rows);
        self.samples.clear();
        self.metadata.clear();
        self.free.extend(gone);
        self.round += 1;
        self.left_out = 0;
        (ticket, counted)
    }

    fn learn(
        &mut self,
        name: &str,
        kind: MetricKind,
        help: &str,
        labels: &[(&str, &str)],
    ) -> Option<usize> {
        if self.known.len() >= SERIES_MAX {
            return None;
        }
        let mut pairs = vec![(METRIC_NAME, name)];
        pairs.extend(self.base.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        pairs.extend_from_slice(labels);
        let mut buf = LabelBuf::new();
        buf.set(&mut pairs).ok()?;
        let set = buf.as_ref();
        let new = Slot { labels: set.as_bytes().into(), fp: set.fp(), round: 0 };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = new;
                slot
            }
            None => {
                self.slots.push(new);
                self.slots.len() - 1
            }
        };
        self.known.insert(self.key.as_slice().into(), slot);
        if !self.families.contains(name) {
            self.families.insert(name.to_owned());
            let unit = ["seconds", "bytes", "celsius"];
            let stem = name.trim_end_matches("_total");
            let unit = unit.iter().find(|u| stem.ends_with(*u)).copied().unwrap_or("");
            self.metadata.push(Metadata {
                metric: name.to_owned(),
                kind,
                unit: unit.to_owned(),
                help: help.to_owned(),
            });
        }
        Some(slot)
    }
}
