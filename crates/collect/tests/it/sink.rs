//! A sink that remembers what was submitted, as text.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use plimsoll_model::{
    Appended, Batch, LabelBuf, LabelsRef, Metadata, RowVerdict, SampleSink, Ticket, is_stale,
};

/// Remembers samples by series.
#[derive(Default)]
pub struct Remember {
    pub series: Mutex<BTreeMap<String, Vec<(i64, f64)>>>,
    pub metadata: Mutex<Vec<Metadata>>,
}

impl SampleSink for Remember {
    fn submit(&self, batch: Batch<'_>) -> Ticket {
        let mut appended = Appended::default();
        let mut series = self.series.lock();
        for row in batch.rows {
            let mut labels = LabelBuf::new();
            batch.decode.decode(row.raw, &mut labels).unwrap();
            let set: LabelsRef<'_> = labels.as_ref();
            assert!(row.fp.is_none_or(|fp| fp == set.fp()), "fingerprint of {set}");
            let samples = series.entry(set.to_string()).or_default();
            samples.extend(row.times.iter().copied().zip(row.floats.iter().copied()));
            let stored = row.times.len() as u32;
            appended.push(RowVerdict { stored, ..RowVerdict::default() });
        }
        self.metadata.lock().extend_from_slice(batch.metadata);
        Ticket::ready(Ok(appended))
    }
}

impl Remember {
    /// The newest sample of each series whose text contains `part`; `stale` for the marker.
    pub fn last(&self, part: &str) -> Vec<String> {
        let series = self.series.lock();
        let found = series.iter().filter(|(name, _)| name.contains(part));
        found
            .filter_map(|(name, samples)| {
                let (_, v) = samples.last()?;
                Some(if is_stale(*v) { format!("{name} stale") } else { format!("{name} {v}") })
            })
            .collect()
    }
}
