//! A source and sink in memory: the simplest implementer of the seam. Tests, overlays and the
//! contract suite use it; nothing is durable and nothing is bounded but by who fills it.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{
    Appended, Batch, Columns, Error, Fp, Hint, LabelBuf, LabelScratch, Labels, LabelsRef, Matcher,
    Metadata, ReadCx, Reason, Result, RowVerdict, Rows, SampleSink, Scratch, Selection,
    SeriesSource, Snapshot, Ticket, TimeRange, Timestamp,
};

/// Series in a sorted map. Snapshots share it; a write after a snapshot copies.
#[derive(Default)]
pub struct MemorySource {
    data: Mutex<Arc<Data>>,
}

#[derive(Clone, Default)]
struct Data {
    series: BTreeMap<Labels, Series>,
    metadata: BTreeMap<String, Metadata>,
}

#[derive(Clone, Default)]
struct Series {
    times: Vec<Timestamp>,
    floats: Vec<f64>,
}

impl MemorySource {
    /// An empty source.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one sample, in any order. The first value at a time stays; the same value again is fine.
    pub fn append(&self, labels: &Labels, time: Timestamp, value: f64) -> RowVerdict {
        let mut data = self.data.lock();
        let series = Arc::make_mut(&mut data).series.entry(labels.clone()).or_default();
        series.append(time, value)
    }

    /// Number of series.
    pub fn series_count(&self) -> usize {
        self.data.lock().series.len()
    }

    /// The source as it is now, as a snapshot of its own.
    pub fn view(&self) -> Arc<dyn Snapshot> {
        Arc::new(MemorySnapshot { data: Arc::clone(&self.data.lock()) })
    }
}

impl Series {
    fn append(&mut self, time: Timestamp, value: f64) -> RowVerdict {
        let stored = RowVerdict { stored: 1, ..RowVerdict::default() };
        if self.times.last().is_none_or(|&last| last < time) {
            self.times.push(time);
            self.floats.push(value);
            return stored;
        }
        match self.times.binary_search(&time) {
            Ok(i) if self.floats[i].to_bits() == value.to_bits() => stored,
            Ok(_) => RowVerdict {
                duplicate: 1,
                reason: Some(Reason::Duplicate { time }),
                ..RowVerdict::default()
            },
            Err(i) => {
                self.times.insert(i, time);
                self.floats.insert(i, value);
                stored
            }
        }
    }
}

impl SeriesSource for MemorySource {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.view()
    }
}

impl SampleSink for MemorySource {
    fn submit(&self, batch: Batch<'_>) -> Ticket {
        let mut data = self.data.lock();
        let data = Arc::make_mut(&mut data);
        for m in batch.metadata {
            data.metadata.insert(m.metric.clone(), m.clone());
        }
        let mut appended = Appended::default();
        let mut labels = LabelBuf::new();
        for row in batch.rows {
            appended.push(append_row(data, batch, row, &mut labels));
        }
        Ticket::ready(Ok(appended))
    }
}

fn append_row(
    data: &mut Data,
    batch: Batch<'_>,
    row: &Rows<'_>,
    labels: &mut LabelBuf,
) -> RowVerdict {
    let refused = |reason| RowVerdict {
        refused: u32::try_from(row.times.len()).unwrap_or(u32::MAX),
        reason: Some(reason),
        ..RowVerdict::default()
    };
    if row.times.len() != row.floats.len() {
        return refused(Reason::Shape("times and values differ in number".to_owned()));
    }
    if let Err(e) = batch.decode.decode(row.raw, labels) {
        return refused(Reason::Labels(e.to_string()));
    }
    let series = data.series.entry(labels.to_labels()).or_default();
    let mut verdict = RowVerdict::default();
    for (&time, &value) in row.times.iter().zip(row.floats) {
        let one = series.append(time, value);
        verdict.stored += one.stored;
        verdict.duplicate += one.duplicate;
        verdict.reason = verdict.reason.or(one.reason);
    }
    verdict
}

struct MemorySnapshot {
    data: Arc<Data>,
}

impl Snapshot for MemorySnapshot {
    fn select(
        &self,
        matchers: &[Matcher],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Box<dyn Selection>> {
        cx.cancel.check()?;
        let range = hint.range_or_all();
        let found = self.data.series.iter().filter(|(labels, series)| {
            Matcher::all(matchers, labels.as_ref()) && !range.slice_of(&series.times).is_empty()
        });
        let series = found.map(|(l, _)| (l.fp(), l.clone())).collect();
        Ok(Box::new(MemorySelection { data: Arc::clone(&self.data), series }))
    }

    fn metadata(&self, metric: Option<&str>, limit: usize, _: &ReadCx) -> Result<Vec<Metadata>> {
        let limit = if limit == 0 { usize::MAX } else { limit };
        let all = self.data.metadata.values();
        Ok(all
            .filter(|m| metric.is_none_or(|name| m.metric == name))
            .take(limit)
            .cloned()
            .collect())
    }
}

struct MemorySelection {
    data: Arc<Data>,
    series: Vec<(Fp, Labels)>,
}

impl Selection for MemorySelection {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn fp(&self, i: usize) -> Fp {
        self.series[i].0
    }

    fn labels<'a>(&'a self, i: usize, _: &'a mut LabelScratch) -> LabelsRef<'a> {
        self.series[i].1.as_ref()
    }

    fn read<'a>(
        &'a self,
        i: usize,
        range: TimeRange,
        _: &'a mut Scratch,
        cx: &ReadCx,
    ) -> Result<Columns<'a>> {
        cx.cancel.check()?;
        let labels = &self.series[i].1;
        let series =
            self.data.series.get(labels).ok_or_else(|| Error::NotFound(labels.to_string()))?;
        let at = range.slice_of(&series.times);
        cx.budget.count_samples(at.len() as u64)?;
        Ok(Columns { times: &series.times[at.clone()], floats: &series.floats[at], starts: None })
    }
}
