//! Makes a document of a report's definition and the answers to its questions.

use plimsoll_model::Timestamp;

use super::ask::{Answers, Need, What};
use super::blocks::{Block, Document, Part, Picture};
use super::board::{Board, BoardPanel};
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

/// The dashboard of each section, in the order of sections: `None` where a section names none, else why there is none.
pub type Boards = Vec<Option<Result<Board, String>>>;

/// The panels of a section, when it shows any: those of its dashboard, else its own.
fn panels<'b>(section: &Section, board: Option<&'b Board>, window: &Window) -> Vec<PanelOf<'b>> {
    match section.kind {
        SectionKind::Panel if section.panel.is_object() => {
            vec![PanelOf::Own(Box::new(BoardPanel::alone(&section.panel, window)))]
        }
        SectionKind::Panel => {
            let all = board.map_or(&[][..], |b| &b.panels);
            let meant = all.iter().filter(|p| p.panel["id"] == section.panel);
            meant.map(PanelOf::Board).collect()
        }
        SectionKind::Dashboard => {
            board.map_or(&[][..], |b| &b.panels).iter().map(PanelOf::Board).collect()
        }
        _ => Vec::new(),
    }
}

/// A panel of a section.
enum PanelOf<'b> {
    Own(Box<BoardPanel>),
    Board(&'b BoardPanel),
}

impl std::ops::Deref for PanelOf<'_> {
    type Target = BoardPanel;

    fn deref(&self) -> &BoardPanel {
        match self {
            Self::Own(panel) => panel,
            Self::Board(panel) => panel,
        }
    }
}

/// The dashboard of a section, when there is one.
fn of(boards: &Boards, place: usize) -> Option<&Board> {
    boards.get(place).and_then(Option::as_ref)?.as_ref().ok()
}

/// What has to be asked. `boards` holds for each section the dashboard that it shows.
pub fn needs(report: &Report, window: &Window, boards: &Boards) -> Vec<Need> {
    let mut out = Vec::new();
    let mut figures = 0;
    for (i, section) in report.sections.iter().enumerate() {
        let key = i.to_string();
        out.extend(sections::needs(section, &key, window));
        for (k, panel) in panels(section, of(boards, i), window).iter().enumerate() {
            figures += usize::from(panel.panel["kind"] != "row");
            if figures <= FIGURES_MAX {
                out.extend(panel::needs(panel, &format!("{key}.{k}")));
            }
        }
    }
    let mut queries = 0;
    out.retain(|need| {
        queries += usize::from(matches!(need.what, What::Query { .. }));
        queries <= FIGURES_MAX * 4
    });
    out
}

/// The document of a report.
pub fn build(
    report: &Report,
    window: &Window,
    boards: &Boards,
    answers: &Answers,
    about: &About,
) -> Document {
    let mut figures = 0;
    let mut parts = Vec::with_capacity(report.sections.len());
    for (i, section) in report.sections.iter().enumerate() {
        let key = i.to_string();
        let board = of(boards, i);
        let title = match (&section.title, board) {
            (None, Some(board)) if section.kind == SectionKind::Dashboard => board.title.clone(),
            _ => section.heading(),
        };
        let blocks = sections::blocks(section, &key, answers, window);
        let kind = section.kind.as_str();
        let mut part = Part { title, is_within: false, kind, blocks };
        let panels = panels(section, board, window);
        let shows = matches!(section.kind, SectionKind::Dashboard | SectionKind::Panel);
        if shows && panels.is_empty() {
            part.blocks
                .push(Block::Missing(missing(section, boards.get(i).and_then(Option::as_ref))));
        }
        let notes = board.map_or(&[][..], |b| &b.notes);
        part.blocks.extend(notes.iter().cloned().map(Block::Missing));
        for (k, panel) in panels.iter().enumerate() {
            if panel.panel["kind"] == "row" {
                let title = panel.panel["title"].as_str().unwrap_or_default().to_owned();
                parts.push(part);
                part = Part { title, is_within: true, kind, blocks: Vec::new() };
                continue;
            }
            figures += 1;
            if figures > FIGURES_MAX {
                part.blocks.push(Block::Missing(format!(
                    "a report has {FIGURES_MAX} figures at most; the rest is left out"
                )));
                break;
            }
            part.blocks.extend(drawn(panel, &format!("{key}.{k}"), answers, &part.title));
        }
        parts.push(part);
    }
    // A dashboard that begins with a row has nothing above it.
    parts.retain(|p| !p.blocks.is_empty() || !p.title.is_empty());
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

fn missing(section: &Section, board: Option<&Result<Board, String>>) -> String {
    match (&section.dashboard, board) {
        (Some(id), Some(Err(why))) => format!("dashboard {id:?}: {why}"),
        (Some(id), Some(Ok(_))) if section.kind == SectionKind::Dashboard => {
            format!("dashboard {id:?} has no panels")
        }
        (Some(id), _) => format!("there is no panel {} in dashboard {id:?}", section.panel),
        (None, _) => "there is no panel".to_owned(),
    }
}

/// The blocks of a panel.
fn drawn(p: &BoardPanel, key: &str, answers: &Answers, heading: &str) -> Vec<Block> {
    let panel = &p.panel;
    let title = panel["title"].as_str().unwrap_or_default();
    let Some(kind) = panel::kind_of(panel) else {
        let kind = panel["kind"].as_str().unwrap_or("?");
        return vec![Block::Missing(format!(
            "{title}: panels of kind {kind} are not part of reports"
        ))];
    };
    if kind == Kind::Text {
        let text = panel["text"].as_str().unwrap_or_default();
        let words = match title {
            "" => text.to_owned(),
            title if title == heading => text.to_owned(),
            title => format!("## {title}\n{text}"),
        };
        return vec![Block::Words(words)];
    }
    if let Some((block, why)) = panel::rows(p, key, answers) {
        let block = match block {
            Block::Table { title, columns, rows, left_out, source } => {
                let title = if title == heading { String::new() } else { title };
                Block::Table { title, columns, rows, left_out, source }
            }
            other => other,
        };
        return std::iter::once(block).chain(why.into_iter().map(Block::Missing)).collect();
    }
    let (mut figure, why) = panel::figure(p, key, answers);
    if figure.title == heading {
        // The heading says it already; those who do not see the picture are told all the same.
        figure.description = format!("{}: {}", figure.title, figure.description);
    }
    let rows = panel["at"]["h"].as_f64().unwrap_or(8.0).clamp(3.0, 20.0);
    let picture = Picture {
        sources: panel::sources(p),
        width: p.width,
        height: sections::picture_height(&figure, rows * 30.0),
        figure,
    };
    let mut out = vec![Block::Picture(Box::new(picture))];
    out.extend(why.into_iter().map(Block::Missing));
    out
}

/// The report that shows a dashboard and nothing else.
pub fn report_of(id: &str, title: &str, timezone: &str) -> Report {
    Report {
        id: id.to_owned(),
        title: title.to_owned(),
        timezone: timezone.to_owned(),
        sections: vec![Section {
            // The title of the report says it.
            title: Some(String::new()),
            dashboard: Some(id.to_owned()),
            ..Section::of(SectionKind::Dashboard)
        }],
        ..Report::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use serde_json::json;

    fn built(panels: Vec<serde_json::Value>) -> (Document, usize) {
        let window = Window::new(0, 3_600_000, TimeZone::UTC).unwrap();
        let panels = panels.iter().map(|p| BoardPanel::alone(p, &window)).collect();
        let board = Board { id: "d".to_owned(), title: "D".to_owned(), panels, notes: Vec::new() };
        let boards = vec![Some(Ok(board))];
        let report = report_of("d", "D", "UTC");
        let asked = needs(&report, &window, &boards).len();
        let about = About::default();
        (build(&report, &window, &boards, &Answers::default(), &about), asked)
    }

    #[test]
    fn figures_are_bounded_and_what_is_left_out_is_told() {
        let panel = json!({"kind": "stat", "title": "p", "queries": [{"ref": "A", "expr": "x"}]});
        let (document, asked) = built(vec![panel; FIGURES_MAX + 50]);
        assert_eq!((document.pictures().count(), asked), (FIGURES_MAX, FIGURES_MAX));
        let last = document.parts.last().and_then(|p| p.blocks.last());
        assert!(matches!(last, Some(Block::Missing(why)) if why.contains("200 figures at most")));
    }

    #[test]
    fn rows_are_headings_and_what_is_nothing_is_told() {
        let row = |title: &str| json!({"kind": "row", "title": title});
        let text = json!({"kind": "text", "title": "T", "text": "words"});
        let (document, _) = built(vec![row("a"), text, json!({"kind": "unsupported"}), row("b")]);
        let found: Vec<(&str, bool, usize)> = document
            .parts
            .iter()
            .map(|p| (p.title.as_str(), p.is_within, p.blocks.len()))
            .collect();
        assert_eq!(found, [("a", true, 2), ("b", true, 0)]);
        let (document, _) = built(Vec::new());
        let only = document.parts.iter().flat_map(|p| &p.blocks).next();
        assert!(matches!(only, Some(Block::Missing(why)) if why.contains("has no panels")));
    }
}
