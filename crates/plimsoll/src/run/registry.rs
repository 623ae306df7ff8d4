//! The metric registry as the parts use it: rules of thresholds, marks of the load line, who reads a metric.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_alert::registry::{Direction, KeptMetric, MetricEdit, MetricError, Registry};
use plimsoll_insight::Resource;
use plimsoll_serve::{MetricShelf, RuleName};

use super::{Handles, prepared};

/// The metric that names the share in use of each kind of resource.
const SHARES: [(&str, &str); 5] = [
    ("disk", "node_filesystem_avail_bytes"),
    ("inodes", "node_filesystem_files_free"),
    ("memory", "node_memory_MemAvailable_bytes"),
    ("swap", "node_memory_SwapFree_bytes"),
    ("files", "node_filefd_allocated"),
];

/// The door's way to the registry.
pub struct Metrics {
    handles: Arc<Handles>,
}

impl Metrics {
    /// Of these parts.
    pub fn new(handles: Arc<Handles>) -> Self {
        Self { handles }
    }
}

impl MetricShelf for Metrics {
    fn registry(&self) -> &Registry {
        &self.handles.metrics
    }

    fn used_by(&self) -> BTreeMap<String, Vec<RuleName>> {
        let config = self.handles.config.read();
        let groups = prepared(&config, &self.handles.metrics).groups;
        drop(config);
        let mut used: BTreeMap<String, Vec<RuleName>> = BTreeMap::new();
        for group in &groups {
            for rule in &group.rules {
                let mut names: Vec<&str> = Vec::new();
                for selector in rule.query.expr().selectors() {
                    names.extend(selector.name.as_deref());
                }
                names.sort_unstable();
                names.dedup();
                for metric in names {
                    used.entry(metric.to_owned()).or_default().push(RuleName {
                        file: group.file.clone(),
                        group: group.name.clone(),
                        name: rule.name.clone(),
                    });
                }
            }
        }
        used
    }

    fn change(&self, edit: &MetricEdit) -> Result<KeptMetric, MetricError> {
        // Not while all rules are read and applied.
        self.handles.rule_files.held(|| {
            let kept = self.handles.metrics.change(edit)?;
            let config = self.handles.config.read();
            self.handles.alerting.apply(prepared(&config, &self.handles.metrics));
            Ok(kept)
        })
    }
}

impl Handles {
    /// Bounded resources; with the marks that people set for the share in use, where they set some.
    pub fn resources(&self) -> Vec<Resource> {
        self.insight.resources()
    }
}

/// From now on whatever looks at resources (insights, assessments, risks, pages, evidence) sees these marks.
pub(super) fn mark_resources(handles: &Arc<Handles>) {
    let of = Arc::downgrade(handles);
    handles.insight.mark_with(Arc::new(move |resource| {
        if let Some(handles) = of.upgrade() {
            mark(resource, &handles.metrics);
        }
    }));
}

fn mark(resource: &mut Resource, registry: &Registry) {
    let kind = resource.labels.iter().find(|(name, _)| name == "resource");
    let Some((_, metric)) = SHARES.iter().find(|(k, _)| kind.is_some_and(|(_, v)| v == k)) else {
        return;
    };
    let Some(marks) = registry.marks_of(metric, &resource.labels) else { return };
    let share = |mark: Option<f64>| mark.filter(|m| *m > 0.0 && *m <= 1.0);
    let (warning, critical) = (share(marks.warning), share(marks.critical));
    if marks.direction != Direction::Above || (warning.is_none() && critical.is_none()) {
        return;
    }
    // Who sets one mark moves the other out of its way.
    resource.critical = critical.unwrap_or(resource.critical.max(warning.unwrap_or(0.0)));
    resource.warning = warning.unwrap_or(resource.warning).min(resource.critical);
    resource.defaults = false;
}
