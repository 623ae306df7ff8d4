//! A source and sink in memory: the simplest implementer of the seam. Tests, overlays and the
//! contract suite use it; nothing is durable and nothing is bounded but by who fills it.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{
    Appended, Batch, Columns, Error, Exemplar, Fp, Hint, Histogram, LabelBuf, LabelScratch, Labels,
    LabelsRef, Matcher, Metadata, ReadCx, Reason, Result, RowVerdict, Rows, Run, SampleSink,
    Scratch, Selection, SeriesExemplars, SeriesSource, Snapshot, Ticket, TimeRange, Timestamp,
};

/// Series in a sorted map. Snapshots share it; a write after a snapshot copies.
#[derive(Default)]
pub struct MemorySource {
    data: Mutex<Arc<Data>>,
}

#[derive(Clone, Default)]
struct Data {
    series: BTreeMap<Labels, Run>,
    exemplars: BTreeMap<Labels, Vec<Arc<Exemplar>>>,
    metadata: BTreeMap<String, Metadata>,
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
        append(series, time, value, None, 0)
    }

    /// Adds one sample likewise, with its start timestamp (0 = unknown): a histogram if there is one,
    /// else the value.
    pub fn append_sample(
        &self,
        labels: &Labels,
        time: Timestamp,
        value: f64,
        histogram: Option<&Histogram>,
        start: Timestamp,
    ) -> RowVerdict {
        let mut data = self.data.lock();
        let series = Arc::make_mut(&mut data).series.entry(labels.clone()).or_default();
        append(series, time, value, histogram, start)
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

/// Adds one sample to a run: a float, or the histogram when there is one.
fn append(
    run: &mut Run,
    time: Timestamp,
    float: f64,
    histogram: Option<&Histogram>,
    start: Timestamp,
) -> RowVerdict {
    let stored = RowVerdict { stored: 1, ..RowVerdict::default() };
    let add = |run: &mut Run| match histogram {
        Some(h) => run.push_histogram(time, Arc::new(h.clone()), start),
        None => run.push(time, float, start),
    };
    if run.times.last().is_none_or(|&last| last < time) {
        add(run);
        return stored;
    }
    match run.times.binary_search(&time) {
        Ok(i) => {
            let same = match (run.histogram(i), histogram) {
                (Some(a), Some(b)) => a.same(b),
                (None, None) => run.floats[i].to_bits() == float.to_bits(),
                _ => false,
            };
            if same {
                return stored;
            }
            RowVerdict {
                duplicate: 1,
                reason: Some(Reason::Duplicate { time }),
                ..RowVerdict::default()
            }
        }
        Err(i) => {
            let after = run.split_off(i);
            add(run);
            run.extend(&after.columns(), 0..after.len());
            stored
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
    if !row.has_shape() {
        return refused(Reason::Shape("times and values differ in number".to_owned()));
    }
    if let Err(e) = batch.decode.decode(row.raw, labels) {
        return refused(Reason::Labels(e.to_string()));
    }
    let name = labels.to_labels();
    for e in row.exemplars {
        data.exemplars.entry(name.clone()).or_default().push(Arc::new(e.clone()));
    }
    let series = data.series.entry(name).or_default();
    let mut verdict = RowVerdict::default();
    for (i, &time) in row.times.iter().enumerate() {
        let start = row.starts.get(i).copied().unwrap_or(0);
        let float = row.floats.get(i).copied().unwrap_or(0.0);
        let one = append(series, time, float, row.histograms.get(i), start);
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

    fn exemplars(
        &self,
        any_of: &[&[Matcher]],
        hint: &Hint<'_>,
        cx: &ReadCx,
    ) -> Result<Vec<SeriesExemplars>> {
        cx.cancel.check()?;
        let range = hint.range_or_all();
        let mut left = if hint.limit == 0 { usize::MAX } else { hint.limit };
        let mut found = Vec::new();
        for (labels, all) in &self.data.exemplars {
            let pass = |m: &&[Matcher]| Matcher::all(m, labels.as_ref());
            if !any_of.is_empty() && !any_of.iter().any(pass) {
                continue;
            }
            let mut exemplars: Vec<_> =
                all.iter().filter(|e| range.contains(e.time)).take(left).cloned().collect();
            exemplars.sort_by_key(|e| e.time);
            left -= exemplars.len();
            if !exemplars.is_empty() {
                found.push(SeriesExemplars { labels: labels.clone(), exemplars });
            }
        }
        Ok(found)
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
        Ok(series.columns().slice(at))
    }
}
