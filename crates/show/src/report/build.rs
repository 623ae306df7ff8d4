//! Makes a document of a report's definition and the answers to its questions.

use plimsoll_model::Timestamp;
use serde_json::Value as Json;

use super::ask::{Answers, Need, What};
use super::blocks::{Block, Document, Part, Picture};
use super::definition::{FIGURES_MAX, Report, Section, SectionKind};
use super::panel;
use super::period::Window;
use super::sections;
use crate::figure::Kind;

/// Where and when a report is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The server.
    pub host: String,
    /// The version of the program.
    pub version: String,
    /// When, ms since the epoch.
    pub made_at: Timestamp,
}

/// The panels of a section, when it shows any: those of its dashboard, else its own.
fn panels<'r>(section: &'r Section, dashboard: Option<&'r Json>) -> Vec<&'r Json> {
    match section.kind {
        SectionKind::Panel if section.panel.is_object() => vec![&section.panel],
        SectionKind::Panel => {
            let all = dashboard.and_then(|d| d["panels"].as_array()).into_iter().flatten();
            all.filter(|p| p["id"] == section.panel).take(1).collect()
        }
        SectionKind::Dashboard => {
            dashboard.and_then(|d| d["panels"].as_array()).into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// What has to be asked. `dashboards` holds for each section the dashboard that it shows, with the values
/// of its variables filled in.
pub fn needs(report: &Report, window: &Window, dashboards: &[Option<Json>]) -> Vec<Need> {
    let mut out = Vec::new();
    for (i, section) in report.sections.iter().enumerate() {
        let key = i.to_string();
        out.extend(sections::needs(section, &key, window));
        let dashboard = dashboards.get(i).and_then(Option::as_ref);
        for (k, panel) in panels(section, dashboard).into_iter().take(FIGURES_MAX).enumerate() {
            out.extend(panel::needs(panel, &format!("{key}.{k}"), window));
        }
    }
    let mut figures = 0;
    out.retain(|need| {
        figures += usize::from(matches!(need.what, What::Query { .. }));
        figures <= FIGURES_MAX * 4
    });
    out
}

/// The document of a report.
pub fn build(
    report: &Report,
    window: &Window,
    dashboards: &[Option<Json>],
    answers: &Answers,
    about: &About,
) -> Document {
    let mut figures = 0;
    let mut parts = Vec::with_capacity(report.sections.len());
    for (i, section) in report.sections.iter().enumerate() {
        let key = i.to_string();
        let mut blocks = sections::blocks(section, &key, answers, window);
        let dashboard = dashboards.get(i).and_then(Option::as_ref);
        let shows = matches!(section.kind, SectionKind::Dashboard | SectionKind::Panel);
        let panels = panels(section, dashboard);
        if shows && panels.is_empty() {
            blocks.push(Block::Missing(missing(section)));
        }
        let heading = section.heading();
        for (k, panel) in panels.into_iter().enumerate() {
            if panel["kind"] == "row" {
                let title = panel["title"].as_str().unwrap_or_default();
                blocks.push(Block::Words(format!("## {title}")));
                continue;
            }
            if figures >= FIGURES_MAX {
                blocks.push(Block::Missing(format!(
                    "a report has {FIGURES_MAX} figures at most; the rest is left out"
                )));
                break;
            }
            figures += 1;
            blocks.extend(drawn(panel, &format!("{key}.{k}"), answers, window, &heading));
        }
        let title = match (section.title.as_ref(), dashboard) {
            (None, Some(d)) if section.kind == SectionKind::Dashboard => {
                d["title"].as_str().unwrap_or_default().to_owned()
            }
            _ => heading,
        };
        parts.push(Part { title, kind: section.kind.as_str(), blocks });
    }
    let zone = window.zone.iana_name().unwrap_or(report.timezone.as_str());
    Document {
        id: report.id.clone(),
        title: report.title.clone(),
        from: window.from,
        until: window.until,
        timezone: zone.to_owned(),
        period: format!("{} – {}", window.show(window.from), window.show(window.until)),
        made_at: about.made_at,
        made: window.show(about.made_at),
        host: about.host.clone(),
        version: about.version.clone(),
        parts,
    }
}

fn missing(section: &Section) -> String {
    match (&section.dashboard, section.kind) {
        (Some(id), SectionKind::Dashboard) => {
            format!("there is no dashboard {id:?}, or it has no panels")
        }
        (Some(id), _) => format!("there is no panel {} in a dashboard {id:?}", section.panel),
        (None, _) => "there is no panel".to_owned(),
    }
}

/// The blocks of a panel.
fn drawn(panel: &Json, key: &str, answers: &Answers, window: &Window, heading: &str) -> Vec<Block> {
    let Some(kind) = panel::kind_of(panel) else {
        let title = panel["title"].as_str().unwrap_or_default();
        let kind = panel["kind"].as_str().unwrap_or("?");
        return vec![Block::Missing(format!(
            "{title}: panels of kind {kind} are not part of reports"
        ))];
    };
    if kind == Kind::Text {
        return vec![Block::Words(panel["text"].as_str().unwrap_or_default().to_owned())];
    }
    let (mut figure, why) = panel::figure(panel, key, answers, window);
    if figure.title == heading {
        // The heading says it already; those who do not see the picture are told all the same.
        figure.description = format!("{}: {}", figure.title, figure.description);
    }
    let wide = panel["at"]["w"].as_f64().unwrap_or(24.0);
    let rows = panel["at"]["h"].as_f64().unwrap_or(8.0).clamp(3.0, 20.0);
    let picture = Picture {
        sources: panel::sources(panel, window),
        width: if wide <= 6.0 {
            0.25
        } else if wide <= 8.0 {
            1.0 / 3.0
        } else if wide <= 12.0 {
            0.5
        } else {
            1.0
        },
        height: sections::picture_height(&figure, rows * 30.0),
        figure,
    };
    let mut out = vec![Block::Picture(Box::new(picture))];
    out.extend(why.into_iter().map(Block::Missing));
    out
}
