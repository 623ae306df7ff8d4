//! What a target sent, as rows with known labels.
//!
//! The part of a line that names a series is looked up as bytes; only unknown ones are parsed,
//! joined with the target's labels, relabelled and encoded. Two spellings of one series share a
//! slot, so the first of duplicates wins. A series that is not sent again gets a staleness marker,
//! unless the target tells times itself, and is forgotten. The cache holds what the last scrape
//! held: it is bounded by the limits of a scrape.

use hashbrown::HashMap;
use plimsoll_model::{
    Batch, Canonical, Fp, LabelBuf, METRIC_NAME, Metadata, Rows, SampleSink, SourceId, Ticket,
    Timestamp, stale_nan,
};
use plimsoll_wire::text::{Bound, Format, Line, Sample, Scanner, parse_series};

use super::relabel::{LabelMap, Rule, apply};

/// Families whose metadata is remembered per target.
const FAMILIES_MAX: usize = 20_000;

/// What holds for the samples of a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// The target's own labels, sorted.
    pub labels: Vec<(String, String)>,
    /// Whether labels of the target win over ours.
    pub honor_labels: bool,
    /// Whether times that the target tells are taken.
    pub honor_timestamps: bool,
    /// Samples after relabelling.
    pub samples_max: usize,
    /// Labels of a series; 0 for no limit beyond that of every label set.
    pub labels_max: usize,
    /// Bytes of a label's name; 0 likewise.
    pub label_name_bytes_max: usize,
    /// Bytes of a label's value; 0 likewise.
    pub label_value_bytes_max: usize,
    /// Rewrites series.
    pub metric_relabel: Vec<Rule>,
}

/// What one scrape gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Samples in the body.
    pub scraped: u64,
    /// Samples after relabelling.
    pub kept: u64,
    /// Series not seen in the scrape before.
    pub added: u64,
}

/// The series of one target.
#[derive(Default)]
pub struct Cache {
    known: HashMap<Box<[u8]>, Known>,
    by_fp: HashMap<u128, usize>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    round: u64,
    rows: Vec<(usize, Timestamp, f64)>,
    told: HashMap<String, Metadata>,
    news: Vec<Metadata>,
    key: Vec<u8>,
}

struct Known {
    /// `None`: dropped by relabelling.
    slot: Option<usize>,
    round: u64,
}

struct Slot {
    labels: Box<[u8]>,
    fp: Fp,
    round: u64,
    time: Timestamp,
    /// Whether the target told the time of the last sample.
    own_time: bool,
    /// Whether a staleness marker is due when it vanishes.
    live: bool,
}

impl Cache {
    /// Takes a body in. After an error nothing of it is kept: call [`Cache::fail`].
    ///
    /// # Errors
    /// What is wrong with the body, with its line; or which limit it breaks.
    pub fn absorb(
        &mut self,
        body: &[u8],
        format: Format,
        now: Timestamp,
        terms: &Terms,
    ) -> Result<Report, String> {
        let outcome = self.read(body, format, now, terms);
        if outcome.is_err() {
            self.undo();
        }
        outcome
    }

    fn read(
        &mut self,
        body: &[u8],
        format: Format,
        now: Timestamp,
        terms: &Terms,
    ) -> Result<Report, String> {
        self.round += 1;
        self.rows.clear();
        self.news.clear();
        let mut report = Report::default();
        let mut scanner = Scanner::new(body, format);
        while let Some(line) = scanner.next_line().map_err(|e| e.to_string())? {
            match line {
                Line::Sample(sample) => {
                    report.scraped += 1;
                    let added = self
                        .sample(&sample, format, now, terms)
                        .map_err(|why| format!("line {}: {why}", scanner.line()))?;
                    report.added += u64::from(added);
                    if self.rows.len() > terms.samples_max {
                        return Err(format!(
                            "more than sample_limit = {} samples; raise it or expose fewer",
                            terms.samples_max
                        ));
                    }
                }
                Line::Type { metric, kind } => self.tell(&metric, |m| m.kind = kind),
                Line::Help { metric, help } => self.tell(&metric, |m| {
                    m.help.clear();
                    m.help.push_str(&help);
                }),
                Line::Unit { metric, unit } => self.tell(&metric, |m| {
                    m.unit.clear();
                    m.unit.push_str(unit);
                }),
            }
        }
        report.kept = self.rows.len() as u64;
        for (at, ..) in &self.rows {
            let slot = &mut self.slots[*at];
            slot.live = !slot.own_time;
        }
        self.forget_vanished(now);
        Ok(report)
    }

    /// Ends all series: the scrape failed, or the target is gone.
    pub fn fail(&mut self, now: Timestamp) {
        self.rows.clear();
        for (i, slot) in self.slots.iter_mut().enumerate().filter(|(_, s)| s.live) {
            slot.live = false;
            self.rows.push((i, now, stale_nan()));
        }
    }

    /// Submits what the last scrape gave, and `extra` series (the scrape's own) with it.
    pub fn submit(
        &mut self,
        now: Timestamp,
        extra: &[(LabelBuf, f64)],
        source: &SourceId,
        sink: &dyn SampleSink,
    ) -> Ticket {
        let times: Vec<Timestamp> =
            self.rows.iter().map(|r| r.1).chain(extra.iter().map(|_| now)).collect();
        let floats: Vec<f64> =
            self.rows.iter().map(|r| r.2).chain(extra.iter().map(|e| e.1)).collect();
        let named = self.rows.iter().map(|r| {
            let slot = &self.slots[r.0];
            (slot.fp, &slot.labels[..])
        });
        let named =
            named.chain(extra.iter().map(|(l, _)| (l.as_ref().fp(), l.as_ref().as_bytes())));
        let rows: Vec<Rows<'_>> = named
            .zip(times.chunks(1).zip(floats.chunks(1)))
            .map(|((fp, raw), (times, floats))| Rows {
                fp: Some(fp),
                raw,
                times,
                floats,
                ..Rows::default()
            })
            .collect();
        let ticket =
            sink.submit(Batch { source, decode: &Canonical, rows: &rows, metadata: &self.news });
        drop(rows);
        self.rows.clear();
        self.news.clear();
        ticket
    }

    /// Adds a sample; whether its series is new.
    fn sample(
        &mut self,
        sample: &Sample<'_>,
        format: Format,
        now: Timestamp,
        terms: &Terms,
    ) -> Result<bool, String> {
        self.key.clear();
        self.key.extend_from_slice(sample.series);
        self.key.push(match sample.bound {
            Bound::None => 0,
            Bound::Le => 1,
            Bound::Quantile => 2,
        });
        let mut added = false;
        let slot = match self.known.get_mut(self.key.as_slice()) {
            Some(known) => {
                known.round = self.round;
                known.slot
            }
            None => {
                let slot = self.learn(sample, format, terms)?;
                added = slot.is_some_and(|s| self.slots[s].round == 0);
                self.known.insert(self.key.as_slice().into(), Known { slot, round: self.round });
                slot
            }
        };
        let Some(at) = slot else { return Ok(false) };
        let own_time = sample.time.filter(|_| terms.honor_timestamps);
        let time = own_time.unwrap_or(now);
        let slot = &mut self.slots[at];
        if slot.round == self.round && slot.time == time {
            return Ok(false);
        }
        slot.round = self.round;
        slot.time = time;
        slot.own_time = own_time.is_some();
        self.rows.push((at, time, sample.value));
        Ok(added)
    }

    /// The slot of a series not known by these bytes; `None` when relabelling drops it.
    fn learn(
        &mut self,
        sample: &Sample<'_>,
        format: Format,
        terms: &Terms,
    ) -> Result<Option<usize>, String> {
        let pairs = parse_series(sample.series, format, sample.bound).map_err(|e| e.to_string())?;
        let mut map = LabelMap::default();
        for (name, value) in &pairs {
            map.set(name, value);
        }
        join(&mut map, terms);
        if !apply(&terms.metric_relabel, &mut map) {
            return Ok(None);
        }
        within_limits(&map, terms)?;
        let mut buf = LabelBuf::new();
        buf.set(&mut map.0.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect())
            .map_err(|e| e.to_string())?;
        let set = buf.as_ref();
        if set.metric().is_empty() {
            return Err("relabelling left a series without a metric name".into());
        }
        let fp = set.fp();
        if let Some(slot) = self.by_fp.get(&fp.0) {
            return Ok(Some(*slot));
        }
        let labels = set.as_bytes().into();
        let new = Slot { labels, fp, round: 0, time: 0, own_time: false, live: false };
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
        self.by_fp.insert(fp.0, slot);
        Ok(Some(slot))
    }

    /// Forgets what a failed scrape brought, so that garbage does not pile up.
    fn undo(&mut self) {
        self.rows.clear();
        self.news.clear();
        self.told.clear();
        self.known.clear();
        let (slots, free) = (&mut self.slots, &mut self.free);
        self.by_fp.retain(|_, at| {
            let slot = &mut slots[*at];
            if !slot.live {
                slot.labels = Box::default();
                free.push(*at);
            }
            slot.live
        });
    }

    fn forget_vanished(&mut self, now: Timestamp) {
        let round = self.round;
        self.known.retain(|_, k| k.round == round);
        let (slots, rows, free) = (&mut self.slots, &mut self.rows, &mut self.free);
        self.by_fp.retain(|_, at| {
            let slot = &mut slots[*at];
            if slot.round == round {
                return true;
            }
            if slot.live {
                rows.push((*at, now, stale_nan()));
            }
            slot.live = false;
            // The slot keeps its labels until it is used again, so the marker can be submitted.
            free.push(*at);
            false
        });
    }

    fn tell(&mut self, metric: &str, change: impl Fn(&mut Metadata)) {
        if let Some(known) = self.told.get_mut(metric) {
            let mut new = known.clone();
            change(&mut new);
            if new != *known {
                *known = new.clone();
                self.news.retain(|m| m.metric != metric);
                self.news.push(new);
            }
        } else if self.told.len() < FAMILIES_MAX {
            let mut new = Metadata { metric: metric.to_owned(), ..Metadata::default() };
            change(&mut new);
            self.told.insert(metric.to_owned(), new.clone());
            self.news.push(new);
        }
    }
}

/// Adds the target's labels. Where both have one, ours wins and theirs moves to `exported_…`,
/// unless their labels are honoured.
fn join(map: &mut LabelMap, terms: &Terms) {
    for (name, value) in &terms.labels {
        let theirs = map.get(name).to_owned();
        if !theirs.is_empty() {
            if terms.honor_labels {
                continue;
            }
            let mut moved = format!("exported_{name}");
            while !map.get(&moved).is_empty() {
                moved.insert_str(0, "exported_");
            }
            map.set(&moved, &theirs);
        }
        map.set(name, value);
    }
}

fn within_limits(map: &LabelMap, terms: &Terms) -> Result<(), String> {
    let over = |what: &str, limit: &str, found: usize, max: usize| {
        if max == 0 || found <= max {
            return Ok(());
        }
        let metric = map.get(METRIC_NAME);
        Err(format!("{metric}: {what} {found}: limit {limit} = {max}; raise it or expose fewer"))
    };
    over("number of labels", "label_limit", map.0.len(), terms.labels_max)?;
    for (name, value) in &map.0 {
        let max = terms.label_name_bytes_max;
        over("length of a label name", "label_name_length_limit", name.len(), max)?;
        let max = terms.label_value_bytes_max;
        over("length of a label value", "label_value_length_limit", value.len(), max)?;
    }
    Ok(())
}
