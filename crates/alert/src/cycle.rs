//! The life cycle of one alert, without its texts: the steps that live evaluation, unit tests and
//! backtests share.
//!
//! An alert is *seen* when its condition holds at an evaluation and *missed* when it does not.
//! Invariant that backtests rely on: of several sights in a row only the first, and the first that is
//! `for` after the beginning, change anything.

use plimsoll_model::Timestamp;

use crate::state::{Alert, AlertState};

/// An evaluation: its time and the rule's lengths of time, ms.
#[derive(Clone, Copy, Debug)]
pub struct Holds {
    pub at: Timestamp,
    pub for_ms: i64,
    pub keep_ms: i64,
}

/// How far an alert has come, and since when. Fields as in [`Alert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    pub state: AlertState,
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub kept_since: Option<Timestamp>,
}

impl Cycle {
    /// An alert that is seen for the first time.
    pub fn begin(holds: Holds) -> Self {
        let is_firing = holds.for_ms == 0;
        Self {
            state: if is_firing { AlertState::Firing } else { AlertState::Pending },
            active_at: holds.at,
            fired_at: is_firing.then_some(holds.at),
            resolved_at: None,
            kept_since: None,
        }
    }

    /// Its condition holds.
    pub fn seen(&mut self, holds: Holds) {
        self.kept_since = None;
        if self.state == AlertState::Pending && holds.at - self.active_at >= holds.for_ms {
            self.state = AlertState::Firing;
            self.fired_at = Some(holds.at);
        }
    }

    /// Its condition does not hold: it is over, unless it keeps firing for a while.
    pub fn missed(&mut self, holds: Holds) {
        if self.state == AlertState::Firing && holds.keep_ms > 0 {
            let since = *self.kept_since.get_or_insert(holds.at);
            if holds.at - since < holds.keep_ms {
                return;
            }
        }
        if self.state == AlertState::Firing {
            self.resolved_at = Some(holds.at);
        }
        self.state = AlertState::Inactive;
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.state == AlertState::Inactive
    }
}

impl Alert {
    /// How far it has come.
    pub(crate) const fn cycle(&self) -> Cycle {
        Cycle {
            state: self.state,
            active_at: self.active_at,
            fired_at: self.fired_at,
            resolved_at: self.resolved_at,
            kept_since: self.kept_since,
        }
    }

    /// Sets how far it has come.
    pub(crate) const fn set_cycle(&mut self, cycle: Cycle) {
        self.state = cycle.state;
        self.active_at = cycle.active_at;
        self.fired_at = cycle.fired_at;
        self.resolved_at = cycle.resolved_at;
        self.kept_since = cycle.kept_since;
    }
}
