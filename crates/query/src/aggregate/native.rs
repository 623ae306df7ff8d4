//! Sums and means of native histograms, group by group and time by time.
//!
//! Nothing is held for groups without histograms. A group that has numbers and histograms at one time,
//! or exponential and custom buckets, has no result then, and says so.

use std::sync::Arc;

use plimsoll_model::Grid;

use crate::annotations::{HistNote, Operation};
use crate::ast::{Aggregate, Span};
use crate::engine::QueryResult as Result;
use crate::eval::{ABSENT, Eval, Series, is_absent};
use crate::hist::{Hist, Total};

/// What a group holds at one time.
enum Slot {
    Nothing,
    Total(Box<Total>),
    /// Layouts that do not go together.
    Mixed,
}

/// The groups with histograms.
pub(super) struct NativeGroups<'e, 'q> {
    eval: &'e Eval<'q>,
    span: Span,
    grid: Grid,
    groups: Vec<Vec<Slot>>,
}

impl<'e, 'q> NativeGroups<'e, 'q> {
    pub fn new(eval: &'e Eval<'q>, node: &Aggregate, grid: Grid) -> Self {
        let span = node.expr.unwrap_paren().span();
        Self { eval, span, grid, groups: Vec::new() }
    }

    /// Takes the histograms of a series.
    pub fn add(&mut self, group: usize, series: &Series, start: fn(&Hist) -> Total) -> Result<()> {
        if self.groups.len() <= group {
            self.groups.resize_with(group + 1, Vec::new);
        }
        let slots = &mut self.groups[group];
        if slots.is_empty() {
            self.eval.charge_bytes((self.grid.len() * size_of::<Slot>()) as u64)?;
            slots.resize_with(self.grid.len(), || Slot::Nothing);
        }
        for (slot, h) in slots.iter_mut().zip(&series.histograms) {
            let Some(h) = h else { continue };
            match slot {
                Slot::Mixed => {}
                Slot::Nothing => {
                    self.eval.charge_bytes(2 * h.bytes())?;
                    *slot = Slot::Total(Box::new(start(h)));
                }
                Slot::Total(total) => {
                    if total.add(h).is_err() {
                        let notes = &self.eval.notes;
                        notes.histogram(HistNote::MixedLayouts, series.labels.metric(), self.span);
                        *slot = Slot::Mixed;
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts the results into the series of the groups.
    pub fn finish(self, series: &mut Vec<Series>) {
        let notes = &self.eval.notes;
        let any = !self.groups.is_empty();
        for (s, slots) in series.iter_mut().zip(self.groups) {
            for (i, slot) in slots.into_iter().enumerate() {
                let total = match slot {
                    Slot::Nothing => continue,
                    Slot::Mixed => {
                        s.values[i] = ABSENT;
                        continue;
                    }
                    Slot::Total(total) => total,
                };
                let tell = |note| notes.histogram(note, "", self.span);
                if total.reconciled {
                    tell(HistNote::Reconciled(Operation::Aggregation));
                }
                if !is_absent(s.values[i]) {
                    let text = "encountered a mix of histograms and floats for aggregation";
                    notes.warn(text, self.span);
                    s.values[i] = ABSENT;
                    continue;
                }
                if total.collides() {
                    tell(HistNote::Collision(Operation::Aggregation));
                }
                s.set_histogram(i, Arc::new(total.finish().compact()));
            }
        }
        if any {
            series.retain(Series::any_present);
        }
    }
}
