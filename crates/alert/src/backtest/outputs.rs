//! What replayed rules record, for the rules that read it: only those series, and only as far back as
//! anybody looks.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll_model::{METRIC_NAME, Overlay, Snapshot, Timestamp};

use super::BacktestError;
use super::plan::Plan;
use crate::evaluate::Sample;

/// Samples that are held; more is refused.
const SAMPLES_MAX: usize = 20_000_000;
/// Samples that may be out of reach before the overlay is made anew.
const SPARE: usize = 200_000;

/// History with what the rules have recorded so far.
pub struct Outputs {
    below: Arc<dyn Snapshot>,
    overlay: Arc<Overlay>,
    names: BTreeSet<String>,
    reach_ms: i64,
    held: Vec<Sample>,
    next_trim: usize,
}

impl Outputs {
    pub fn new(below: &Arc<dyn Snapshot>, plan: &Plan) -> Self {
        Self {
            below: Arc::clone(below),
            overlay: Arc::new(Overlay::new(Arc::clone(below))),
            names: plan.read.clone(),
            reach_ms: plan.reach_ms,
            held: Vec::new(),
            next_trim: SPARE,
        }
    }

    /// What a rule sees now.
    pub fn view(&self) -> Arc<dyn Snapshot> {
        if self.held.is_empty() {
            return Arc::clone(&self.below);
        }
        Arc::clone(&self.overlay) as Arc<dyn Snapshot>
    }

    /// Takes what a rule gave; what nobody reads is left out.
    pub fn put(&mut self, samples: Vec<Sample>) -> Result<(), BacktestError> {
        let names = &self.names;
        for sample in samples.into_iter().filter(|s| names.contains(s.labels.metric())) {
            put(&self.overlay, &sample);
            self.held.push(sample);
        }
        if self.held.len() > SAMPLES_MAX {
            return Err(BacktestError::Limit(format!(
                "the recorded series that rules read hold more than {SAMPLES_MAX} samples; replay \
                 fewer rules at once, or rules that look back less far"
            )));
        }
        Ok(())
    }

    /// Forgets what nobody reaches from `at` on.
    pub fn trim(&mut self, at: Timestamp) {
        if self.held.len() < self.next_trim {
            return;
        }
        let from = at.saturating_sub(self.reach_ms);
        self.held.retain(|s| s.time >= from);
        self.next_trim = self.held.len() * 2 + SPARE;
        self.overlay = Arc::new(Overlay::new(Arc::clone(&self.below)));
        for sample in &self.held {
            put(&self.overlay, sample);
        }
    }
}

fn put(overlay: &Overlay, sample: &Sample) {
    match &sample.histogram {
        Some(h) => overlay.put_histogram(&sample.labels, sample.time, h),
        None => overlay.put(&sample.labels, sample.time, sample.value),
    }
}

/// The samples that a recording rule writes of a series at the times of a grid, with markers where it
/// was gone; `lived` = whether it had a value right before the grid.
pub fn with_markers(
    labels: &plimsoll_model::Labels,
    mut samples: Vec<Sample>,
    grid: plimsoll_model::Grid,
    lived: bool,
) -> (Vec<Sample>, bool) {
    debug_assert!(labels.get(METRIC_NAME).is_some());
    samples.sort_by_key(|s| s.time);
    let mut out = Vec::with_capacity(samples.len());
    let (mut before, mut was) = (grid.start - grid.step, lived);
    for sample in samples {
        if was && sample.time > before + grid.step {
            let stale = plimsoll_model::stale_nan();
            out.push(Sample::new(labels.clone(), before + grid.step, stale));
        }
        (before, was) = (sample.time, true);
        out.push(sample);
    }
    let lives = was && before == grid.end;
    if was && !lives && before < grid.end {
        let stale = plimsoll_model::stale_nan();
        out.push(Sample::new(labels.clone(), before + grid.step, stale));
    }
    (out, lives)
}
