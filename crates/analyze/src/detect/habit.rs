//! Surprises that come by the calendar are no surprises: the largest combined surprise per half hour of the day
//! and per hour of the week is remembered, and one like it at the same time later is known.
//!
//! The present incident must not count as its own habit, so a cell is written only when two more have begun after
//! it. Memories fade by a fifth per visit: a nightly job that stops is forgotten within a week.
//!
//! Limits: 216 bytes and two short queues; surprises are kept in steps of 1/40 up to 6.4.

use super::predictors::{DAILY_CELLS, Phase, WEEKLY_CELLS};

/// Steps per unit of surprise in a byte.
const STEPS: f64 = 40.0;
/// What a visit leaves of the memory of a cell.
const FADE: f64 = 0.8;
/// Cells that wait before they are written.
pub(super) const WAITING: usize = 3;

/// One calendar: its cells and the newest cells, which wait: (cell, largest surprise), newest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Calendar<const CELLS: usize> {
    pub cells: [u8; CELLS],
    pub waiting: [(u8, u8); WAITING],
}

impl<const CELLS: usize> Default for Calendar<CELLS> {
    fn default() -> Self {
        Calendar { cells: [0; CELLS], waiting: [(0, 0); WAITING] }
    }
}

impl<const CELLS: usize> Calendar<CELLS> {
    /// The largest surprise remembered about this time; then notes the present one.
    fn observe(&mut self, cell: usize, size: u8) -> u8 {
        if usize::from(self.waiting[0].0) != cell {
            let (oldest, largest) = self.waiting[WAITING - 1];
            if let Some(memory) = self.cells.get_mut(usize::from(oldest)) {
                *memory = largest.max((f64::from(*memory) * FADE) as u8);
            }
            self.waiting.rotate_right(1);
            self.waiting[0] = (cell as u8, 0);
        }
        self.waiting[0].1 = self.waiting[0].1.max(size);
        let near = [cell + CELLS - 1, cell, cell + 1];
        near.iter().map(|at| self.cells[at % CELLS]).max().unwrap_or(0)
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Habit {
    pub daily: Calendar<DAILY_CELLS>,
    pub weekly: Calendar<WEEKLY_CELLS>,
}

impl Habit {
    /// The largest surprise that earlier days and weeks had about this time; then notes the present one.
    pub fn known(&mut self, phase: Phase, surprise: f64) -> f64 {
        let size = (surprise * STEPS).clamp(0.0, 255.0) as u8;
        let day = self.daily.observe(phase.daily, size);
        let week = self.weekly.observe(phase.weekly, size);
        f64::from(day.max(week)) / STEPS
    }
}
