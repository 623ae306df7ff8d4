//! Dashboards that we ship. They show what standard collectors give: our own host collector and node_exporter, our own
//! metrics, the usual `http_*` instrumentation, postgres_exporter, mysqld_exporter, redis_exporter.

use std::sync::LazyLock;

use plimsoll_query::Features;

use super::{Dashboard, check_value, from_yaml};

/// A dashboard that we ship.
#[derive(Clone, Debug)]
pub struct Template {
    /// What it shows.
    pub dashboard: Dashboard,
    /// The metrics in it, by name, without those that every scrape gives.
    pub metrics: Vec<String>,
}

const FILES: [(&str, &str); 9] = [
    ("system", include_str!("templates/system.yaml")),
    ("health", include_str!("templates/health.yaml")),
    ("resources", include_str!("templates/resources.yaml")),
    ("performance", include_str!("templates/performance.yaml")),
    ("errors", include_str!("templates/errors.yaml")),
    ("database", include_str!("templates/database.yaml")),
    ("cache", include_str!("templates/cache.yaml")),
    ("network", include_str!("templates/network.yaml")),
    ("plimsoll", include_str!("templates/plimsoll.yaml")),
];

/// Given by every scrape, so that they say nothing about what is collected.
const EVERYWHERE: [&str; 3] = ["up", "ALERTS", "scrape_duration_seconds"];

/// All of them, in the order in which they are listed. One that is wrong is not among them; a test sees to it that none is.
pub fn templates() -> &'static [Template] {
    static ALL: LazyLock<Vec<Template>> =
        LazyLock::new(|| FILES.iter().filter_map(|(id, text)| read(id, text).ok()).collect());
    &ALL
}

fn read(id: &str, text: &str) -> Result<Template, String> {
    let features = Features::default();
    let checked = check_value(&from_yaml(text)?, &features);
    let problems =
        || checked.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    if !checked.problems.is_empty() {
        return Err(problems());
    }
    let dashboard = checked.dashboard.ok_or_else(|| "no dashboard".to_owned())?;
    if dashboard.id != id {
        return Err(format!("is called {}", dashboard.id));
    }
    let metrics = super::metrics(&dashboard, &features);
    let metrics = metrics.into_iter().filter(|m| !EVERYWHERE.contains(&m.as_str())).collect();
    Ok(Template { dashboard, metrics })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::{PanelKind, to_yaml};

    #[test]
    fn every_template_is_right_and_reads_back() {
        for (id, text) in FILES {
            let template = read(id, text).unwrap_or_else(|e| panic!("{id}: {e}"));
            assert!(!template.metrics.is_empty(), "{id}");
            let again = check_value(
                &from_yaml(&to_yaml(&template.dashboard)).unwrap(),
                &Features::default(),
            );
            assert_eq!(again.dashboard.as_ref(), Some(&template.dashboard), "{id}");
            let mut taken: Vec<_> = Vec::new();
            for p in template.dashboard.panels.iter().filter(|p| p.kind != PanelKind::Row) {
                let at = p.at;
                let over = |o: &super::super::At| {
                    at.x < o.x + o.w && o.x < at.x + at.w && at.y < o.y + o.h && o.y < at.y + at.h
                };
                assert!(!taken.iter().any(over), "{id}: panel {} lies over another", p.id);
                assert!(
                    p.queries.is_empty() || !p.unit.is_empty(),
                    "{id}: panel {} has no unit",
                    p.id
                );
                taken.push(at);
            }
        }
        assert_eq!(templates().len(), FILES.len());
    }
}
