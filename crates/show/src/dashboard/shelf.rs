//! Beside the dashboards: how a person has laid one out for themselves, and short links.
//!
//! Both are documents in `records`. Neither has versions that people see.

use plimsoll_records::{Change, Records};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::library::DashboardError;
use super::{At, is_dashboard_id};

/// Layouts that are kept, of all people and dashboards.
pub const LAYOUTS_MAX: usize = 1_000;
/// Bytes of one layout.
pub const LAYOUT_BYTES_MAX: usize = 64 << 10;
/// Short links that are kept; the oldest go first.
pub const LINKS_MAX: usize = 5_000;
/// Bytes of what a short link leads to.
pub const LINK_BYTES_MAX: usize = 16 << 10;

/// Kinds of documents.
pub(super) const LAYOUT: &str = "dashboard_layout";
pub(super) const LINK: &str = "short_link";

/// How a person has laid out a dashboard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Where panels are.
    #[serde(default)]
    pub layout: Vec<Place>,
    /// What is chosen.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    /// Which time is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<super::TimeSpan>,
}

/// Where a panel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The panel.
    pub id: u64,
    /// Its place.
    pub at: At,
}

/// What is kept beside dashboards.
pub(super) struct Shelf<'r> {
    pub records: &'r dyn Records,
}

impl Shelf<'_> {
    pub fn layout(&self, dashboard: &str, user: &str) -> Result<Option<Layout>, DashboardError> {
        let id = layout_id(dashboard, user)?;
        let found = self.records.document(LAYOUT, &id)?;
        Ok(found.and_then(|d| serde_json::from_str(&d.body).ok()))
    }

    pub fn keep_layout(
        &self,
        dashboard: &str,
        user: &str,
        layout: &Layout,
        now_ms: i64,
    ) -> Result<(), DashboardError> {
        let id = layout_id(dashboard, user)?;
        let body = serde_json::to_string(layout).unwrap_or_default();
        bounded("bytes of the layout", body.len(), LAYOUT_BYTES_MAX)?;
        if self.records.document(LAYOUT, &id)?.is_none() {
            let count = self.records.documents(LAYOUT)?.len();
            bounded("layouts", count + 1, LAYOUTS_MAX)?;
        }
        self.put(LAYOUT, id, body, user, now_ms)
    }

    pub fn remove_layout(&self, dashboard: &str, user: &str) -> Result<(), DashboardError> {
        let id = layout_id(dashboard, user)?;
        Ok(self.records.apply(&[Change::Remove { kind: LAYOUT.to_owned(), id }])?)
    }

    /// A layout goes with its dashboard.
    pub fn forget(&self, dashboard: &str) -> Result<Vec<Change>, DashboardError> {
        let start = format!("{dashboard}/");
        let all = self.records.documents(LAYOUT)?;
        let of_it = all.into_iter().filter(|d| d.id.starts_with(&start));
        Ok(of_it.map(|d| Change::Remove { kind: LAYOUT.to_owned(), id: d.id }).collect())
    }

    /// Keeps a link; the same link has the same name.
    pub fn keep_link(&self, url: &str, name: &str, now_ms: i64) -> Result<(), DashboardError> {
        bounded("bytes of the link", url.len(), LINK_BYTES_MAX)?;
        if !is_path(url) {
            let text = "a short link leads to a path of this server, beginning with one /";
            return Err(DashboardError::Body(text.to_owned()));
        }
        let all = self.records.documents(LINK)?;
        if all.iter().any(|d| d.id == name) {
            return Ok(());
        }
        let mut changes = vec![put(LINK, name.to_owned(), url.to_owned(), "", now_ms)];
        if all.len() >= LINKS_MAX {
            let oldest = all.iter().min_by_key(|d| d.time_ms).map(|d| d.id.clone());
            changes.extend(oldest.map(|id| Change::Remove { kind: LINK.to_owned(), id }));
        }
        Ok(self.records.apply(&changes)?)
    }

    pub fn link(&self, name: &str) -> Result<Option<String>, DashboardError> {
        Ok(self.records.document(LINK, name)?.map(|d| d.body))
    }

    pub fn counts(&self) -> Result<(usize, usize), DashboardError> {
        Ok((self.records.documents(LAYOUT)?.len(), self.records.documents(LINK)?.len()))
    }

    fn put(
        &self,
        kind: &str,
        id: String,
        body: String,
        author: &str,
        now_ms: i64,
    ) -> Result<(), DashboardError> {
        Ok(self.records.apply(&[put(kind, id, body, author, now_ms)])?)
    }
}

fn put(kind: &str, id: String, body: String, author: &str, time_ms: i64) -> Change {
    let (kind, author) = (kind.to_owned(), author.to_owned());
    Change::Put { kind, id, time_ms, author, body, expected: None, keep: 1 }
}

/// Whether a link stays on this server, whatever a browser makes of it.
fn is_path(url: &str) -> bool {
    url.starts_with('/')
        && !url.starts_with("//")
        && !url.contains('\\')
        && !url.contains(|c: char| c.is_control())
}

fn layout_id(dashboard: &str, user: &str) -> Result<String, DashboardError> {
    if !is_dashboard_id(dashboard) {
        return Err(DashboardError::Id(dashboard.to_owned()));
    }
    let fits = !user.is_empty() && user.len() <= 200 && !user.contains(|c: char| c.is_control());
    if !fits {
        return Err(DashboardError::Body(
            "a layout belongs to somebody: 1 to 200 bytes".to_owned(),
        ));
    }
    Ok(format!("{dashboard}/{user}"))
}

fn bounded(what: &'static str, found: usize, max: usize) -> Result<(), DashboardError> {
    if found > max { Err(DashboardError::Limit { what, found, max }) } else { Ok(()) }
}
