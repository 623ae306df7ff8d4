//! What tests and replays of rules take from alerting: its rules, and what it reads, writes and asks.

use plimsoll_model::{SampleSink, SeriesSource};
use plimsoll_query::Engine;
use plimsoll_world::Clock;

use super::Alerting;
use crate::rules::Group;
use crate::template::Surroundings;

impl Alerting {
    /// The groups that are evaluated, in order.
    pub(crate) fn running_groups(&self) -> Vec<Group> {
        let mut groups: Vec<_> = self.rules.lock().groups.iter().map(|g| g.group.clone()).collect();
        for rule in groups.iter_mut().flat_map(|g| &mut g.rules) {
            rule.each_query(plimsoll_query::Query::once);
        }
        groups
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        self.surroundings.lock().clone()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.setup.engine
    }

    pub(crate) fn source(&self) -> &dyn SeriesSource {
        &*self.setup.source
    }

    pub(crate) fn sink(&self) -> &dyn SampleSink {
        &*self.setup.sink
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.setup.clock
    }
}
