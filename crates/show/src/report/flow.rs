//! Puts a document on pages: headings stay with what follows, tables have their head on every page,
//! pictures and rows are not cut. A page is a [`Scene`], which becomes a page of a PDF or a PNG.

use super::blocks::{Block, Column, Document, Fact, Picture, Value};
use super::markdown::plain_lines;
use super::pdf::PAGES_MAX;
use crate::figure::{Anchor, Scene, Shape, Theme};
use crate::text::{Face, fitted, width, wrapped};

/// A4 in points.
const WIDTH: f64 = 595.0;
const HEIGHT: f64 = 842.0;
const MARGIN: f64 = 44.0;
/// Room for the number of the page.
const FOOT: f64 = 46.0;
/// The height of the one page of a picture.
const SHEET: f64 = 5_400.0;
/// How much smaller pictures are than in HTML, so that their words are as large as those around them.
const SHRINK: f64 = 0.72;

const BODY: f64 = 9.5;
const CELL: f64 = 8.0;
const TINY: f64 = 6.8;
const LINE: f64 = 1.35;
/// Between columns.
const GAP: f64 = 8.0;
/// Lines of one cell.
const CELL_LINES_MAX: usize = 40;
/// Lines of a source.
const SOURCE_LINES_MAX: usize = 6;

/// A heading with where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Bookmark {
    /// What it says.
    pub title: String,
    /// On which page, from 0.
    pub page: usize,
    /// How far from its top.
    pub y: f64,
}

/// Pages with their headings.
#[derive(Clone, Debug)]
pub struct Pages {
    /// The pages.
    pub scenes: Vec<Scene>,
    /// The headings.
    pub bookmarks: Vec<Bookmark>,
}

/// A4 pages.
pub fn pages(document: &Document) -> Pages {
    let mut flow = Flow::new(document, HEIGHT, PAGES_MAX);
    flow.document();
    flow.finish()
}

/// One page as high as it needs to be, up to [`SHEET`].
pub fn sheet(document: &Document) -> Scene {
    let mut flow = Flow::new(document, SHEET, 1);
    flow.document();
    let bottom = flow.y + FOOT;
    let Pages { mut scenes, .. } = flow.finish();
    let mut scene = scenes.swap_remove(0);
    scene.height = bottom.min(SHEET);
    scene
}

struct Flow<'d> {
    document: &'d Document,
    height: f64,
    pages_max: usize,
    scenes: Vec<Scene>,
    bookmarks: Vec<Bookmark>,
    y: f64,
    is_full: bool,
}

impl<'d> Flow<'d> {
    fn new(document: &'d Document, height: f64, pages_max: usize) -> Self {
        let mut flow = Self {
            document,
            height,
            pages_max,
            scenes: Vec::new(),
            bookmarks: Vec::new(),
            y: MARGIN,
            is_full: false,
        };
        flow.turn();
        flow
    }

    fn room(&self) -> f64 {
        WIDTH - 2.0 * MARGIN
    }

    /// Goes on on a new page, when there may be one.
    fn turn(&mut self) {
        if self.scenes.len() >= self.pages_max {
            if !self.is_full {
                self.is_full = true;
                let text =
                    "There is more than has room here; ask for a shorter time or fewer sections.";
                let at = (MARGIN, self.height - FOOT + 10.0);
                let look = (Anchor::Start, Theme::Light.soft());
                self.put(Shape::text(at, text.to_owned(), TINY, Face::Regular, look));
            }
            return;
        }
        let theme = Theme::Light;
        self.scenes.push(Scene {
            width: WIDTH,
            height: self.height,
            title: self.document.title.clone(),
            description: self.document.period.clone(),
            ground: theme.ground(),
            shapes: Vec::new(),
        });
        self.y = MARGIN;
    }

    /// Goes on on a new page unless there is so much room.
    fn need(&mut self, high: f64) {
        let bottom = self.height - FOOT;
        if self.y + high > bottom && (self.y > MARGIN || high <= bottom - MARGIN) {
            self.turn();
        }
    }

    fn put(&mut self, shape: Shape) {
        if let Some(scene) = self.scenes.last_mut() {
            scene.shapes.push(shape);
        }
    }

    fn text(
        &mut self,
        at: (f64, f64),
        text: &str,
        size: f64,
        face: Face,
        anchor: Anchor,
        soft: bool,
    ) {
        if self.is_full || text.is_empty() {
            return;
        }
        let fill = if soft { Theme::Light.soft() } else { Theme::Light.ink() };
        self.put(Shape::text(at, text.to_owned(), size, face, (anchor, fill)));
    }

    /// Words in lines, from the left margin on.
    fn words(&mut self, text: &str, size: f64, face: Face, soft: bool) {
        for line in wrapped(text, size, face, self.room()) {
            self.need(size * LINE);
            if self.is_full {
                return;
            }
            self.y += size * LINE;
            let at = (MARGIN, self.y - size * 0.3);
            self.text(at, &line, size, face, Anchor::Start, soft);
        }
    }

    fn document(&mut self) {
        let document = self.document;
        self.words(&document.title, 20.0, Face::Bold, false);
        self.y += 2.0;
        let when = format!("{} ({}) · {}", document.period, document.timezone, document.host);
        self.words(&when, BODY, Face::Regular, true);
        if document.parts.first().is_some_and(|p| p.title.is_empty()) {
            self.y += 8.0;
        }
        for part in &document.parts {
            if !part.title.is_empty() {
                let most = self.height - FOOT - MARGIN - 70.0;
                let follows = match part.blocks.first() {
                    Some(Block::Picture(p)) => (p.height * SHRINK).min(most - 40.0) + 100.0,
                    _ => 120.0,
                };
                self.heading(&part.title, part.is_within, follows);
            }
            let mut blocks = part.blocks.iter().peekable();
            while let Some(block) = blocks.next() {
                if self.is_full {
                    return;
                }
                if let Block::Picture(first) = block {
                    let mut row = vec![first.as_ref()];
                    let mut used = first.width;
                    while let Some(Block::Picture(next)) = blocks.peek()
                        && used + next.width <= 1.001
                    {
                        used += next.width;
                        row.push(next);
                        blocks.next();
                    }
                    self.pictures(&row);
                    continue;
                }
                self.block(block);
            }
        }
    }

    fn heading(&mut self, text: &str, is_within: bool, follows: f64) {
        // Room for what follows, so that a heading does not end a page.
        self.y += 14.0;
        self.need(follows);
        let y = self.y;
        if !self.is_full {
            let page = self.scenes.len() - 1;
            self.bookmarks.push(Bookmark { title: text.to_owned(), page, y });
        }
        self.words(text, if is_within { 11.5 } else { 13.5 }, Face::Bold, false);
        self.y += 3.0;
        if !self.is_full && !is_within {
            let runs = vec![vec![(MARGIN, self.y), (WIDTH - MARGIN, self.y)]];
            let stroke = Theme::Light.grid();
            self.put(Shape::Lines { runs, stroke, width: 0.8, dash: None });
        }
        self.y += 7.0;
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Words(text) => {
                for (line, face) in plain_lines(text) {
                    if face == Face::Bold {
                        self.y += 4.0;
                        self.need(50.0);
                    }
                    self.words(&line, BODY, face, false);
                    self.y += 2.5;
                }
                self.y += 4.0;
            }
            Block::Missing(why) => {
                self.words(&format!("Missing: {why}"), BODY, Face::Regular, true);
                self.y += 4.0;
            }
            Block::Facts(facts) => self.facts(facts),
            Block::Table { title, columns, rows, left_out, source } => {
                if !title.is_empty() {
                    self.y += 4.0;
                    self.need(60.0);
                    self.words(title, BODY, Face::Bold, false);
                    self.y += 2.0;
                }
                self.table(columns, rows);
                if *left_out > 0 {
                    self.words(&format!("And {left_out} more."), CELL, Face::Regular, true);
                }
                self.source(source);
            }
            Block::Picture(picture) => self.pictures(&[picture]),
        }
    }

    /// The lines that tell where something is from.
    fn source_lines(&self, text: &str) -> Vec<String> {
        if text.is_empty() {
            return Vec::new();
        }
        let text = format!("Source: {text}");
        let mut lines = wrapped(&text, TINY, Face::Regular, self.room());
        lines.truncate(SOURCE_LINES_MAX);
        lines
    }

    fn source_height(&self, text: &str) -> f64 {
        self.source_lines(text).len() as f64 * TINY * LINE
    }

    fn source(&mut self, text: &str) {
        let lines = self.source_lines(text);
        if lines.is_empty() {
            return;
        }
        self.y += 2.0;
        for line in lines {
            self.need(TINY * LINE);
            self.y += TINY * LINE;
            let at = (MARGIN, self.y - TINY * 0.3);
            self.text(at, &line, TINY, Face::Regular, Anchor::Start, true);
        }
        self.y += 6.0;
    }

    /// Boxes of a name and a number, four in a row.
    fn facts(&mut self, facts: &[Fact]) {
        const HIGH: f64 = 36.0;
        let wide = (self.room() - 3.0 * GAP) / 4.0;
        for row in facts.chunks(4) {
            self.need(HIGH + GAP);
            if self.is_full {
                return;
            }
            for (i, fact) in row.iter().enumerate() {
                let x = MARGIN + (wide + GAP) * i as f64;
                let at = [x, self.y, wide, HIGH];
                let fill = Theme::Light.grid();
                self.put(Shape::Rect { at, round: 4.0, fill, opacity: 0.5 });
                let label = fitted(&fact.label, CELL, Face::Regular, wide - 12.0);
                self.text(
                    (x + 6.0, self.y + 13.0),
                    &label,
                    CELL,
                    Face::Regular,
                    Anchor::Start,
                    true,
                );
                let at_one = width(&fact.value.text, 1.0, Face::Bold).max(0.1);
                let size = ((wide - 12.0) / at_one).clamp(6.0, 12.0);
                let text = fitted(&fact.value.text, size, Face::Bold, wide - 11.0);
                self.text((x + 6.0, self.y + 28.0), &text, size, Face::Bold, Anchor::Start, false);
            }
            self.y += HIGH + GAP;
        }
        let mut sources: Vec<&str> = facts.iter().map(|f| f.source.as_str()).collect();
        sources.dedup();
        self.source(&sources.join("; "));
    }

    fn pictures(&mut self, row: &[&Picture]) {
        let room = self.room();
        let theme = Theme::Light;
        let scenes: Vec<(f64, Scene, &Picture)> = row
            .iter()
            .map(|p| {
                let wide = room * p.width - if p.width < 1.0 { GAP } else { 0.0 };
                let scene = p.figure.draw(wide / SHRINK, p.height, theme);
                (wide, scene, *p)
            })
            .collect();
        let most = self.height - FOOT - MARGIN - 30.0;
        let shrink = |s: &Scene| SHRINK.min(most / s.height);
        let high = scenes.iter().map(|(_, s, _)| s.height * shrink(s)).fold(0.0, f64::max);
        let mut sources: Vec<&str> =
            scenes.iter().flat_map(|(_, _, p)| p.sources.iter().map(String::as_str)).collect();
        sources.dedup();
        let sources = sources.join("; ");
        // What they are from stays with the pictures, unless they fill the page.
        let room = self.height - FOOT - MARGIN - 60.0;
        self.need((high + 14.0 + self.source_height(&sources)).min(room).max(high + 14.0));
        if self.is_full {
            return;
        }
        let mut x = MARGIN;
        for (wide, scene, _) in &scenes {
            let scale = shrink(scene);
            let (top, y) = (self.y, self.y + scene.height * scale);
            let edge = vec![
                (x, top),
                (x + scene.width * scale, top),
                (x + scene.width * scale, y),
                (x, y),
                (x, top),
            ];
            self.put(Shape::Lines {
                runs: vec![edge],
                stroke: theme.grid(),
                width: 0.8,
                dash: None,
            });
            scene.shapes.iter().for_each(|s| self.put(s.moved(x, top, scale)));
            x += wide + GAP;
        }
        self.y += high + 3.0;
        self.source(&sources);
    }

    fn table(&mut self, columns: &[Column], rows: &[Vec<Value>]) {
        let widths = column_widths(columns, rows, self.room());
        let head: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        let head_high = self.row_height(&head, &widths, Face::Bold);
        let mut wants_head = true;
        for row in rows {
            let cells: Vec<&str> = row.iter().map(|v| v.text.as_str()).collect();
            let high = self.row_height(&cells, &widths, Face::Regular);
            let page = self.scenes.len();
            self.need(high + if wants_head { head_high } else { 0.0 });
            if self.is_full {
                return;
            }
            if wants_head || self.scenes.len() != page {
                self.row(&head, columns, &widths, Face::Bold);
                wants_head = false;
            }
            self.row(&cells, columns, &widths, Face::Regular);
        }
    }

    fn row_height(&self, cells: &[&str], widths: &[f64], face: Face) -> f64 {
        let lines = cells.iter().zip(widths).map(|(t, w)| cell_lines(t, face, *w).len()).max();
        lines.unwrap_or(1).max(1) as f64 * CELL * LINE + 5.0
    }

    fn row(&mut self, cells: &[&str], columns: &[Column], widths: &[f64], face: Face) {
        let high = self.row_height(cells, widths, face);
        let mut x = MARGIN;
        for ((text, column), wide) in cells.iter().zip(columns).zip(widths) {
            for (i, line) in cell_lines(text, face, *wide).iter().enumerate() {
                let y = self.y + CELL * LINE * (i + 1) as f64;
                let (at, anchor) = match column.is_number {
                    true => (x + wide - GAP, Anchor::End),
                    false => (x, Anchor::Start),
                };
                self.text((at, y), line, CELL, face, anchor, face == Face::Bold);
            }
            x += wide;
        }
        self.y += high;
        let runs = vec![vec![(MARGIN, self.y), (WIDTH - MARGIN, self.y)]];
        self.put(Shape::Lines { runs, stroke: Theme::Light.grid(), width: 0.6, dash: None });
    }

    /// Writes the foot of each page.
    fn finish(mut self) -> Pages {
        let count = self.scenes.len();
        let document = self.document;
        for (i, scene) in self.scenes.iter_mut().enumerate() {
            let y = if count == 1 && self.height > HEIGHT {
                self.y + FOOT - 20.0
            } else {
                self.height - 22.0
            };
            let look = |anchor| (anchor, Theme::Light.soft());
            let left = format!(
                "{} · Plimsoll {} · made {}",
                document.host, document.version, document.made
            );
            let left = fitted(&left, TINY, Face::Regular, WIDTH - 2.0 * MARGIN - 80.0);
            let right = format!("{} of {count}", i + 1);
            scene.shapes.push(Shape::text(
                (MARGIN, y),
                left,
                TINY,
                Face::Regular,
                look(Anchor::Start),
            ));
            let at = (WIDTH - MARGIN, y);
            scene.shapes.push(Shape::text(at, right, TINY, Face::Regular, look(Anchor::End)));
        }
        Pages { scenes: self.scenes, bookmarks: self.bookmarks }
    }
}

fn cell_lines(text: &str, face: Face, wide: f64) -> Vec<String> {
    let mut lines = wrapped(text, CELL, face, (wide - GAP).max(CELL));
    lines.truncate(CELL_LINES_MAX);
    lines
}

/// Numbers get the room that they want; texts share the rest by how much they want.
fn column_widths(columns: &[Column], rows: &[Vec<Value>], room: f64) -> Vec<f64> {
    let wanted: Vec<(f64, f64)> = columns
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let texts = rows.iter().filter_map(|r| r.get(i)).map(|v| v.text.as_str());
            let cells = texts.clone().map(|t| width(t, CELL, Face::Regular)).fold(0.0, f64::max);
            let words = |t: &str| {
                t.split_whitespace().map(|w| width(w, CELL, Face::Bold)).fold(0.0, f64::max)
            };
            let head = width(&c.name, CELL, Face::Bold);
            let least = match c.is_number {
                true => cells.max(words(&c.name)),
                // A word that is too long is broken.
                false => texts.map(words).fold(words(&c.name), f64::max).min(90.0),
            };
            (least + GAP + 1.0, cells.max(head) + GAP + 1.0)
        })
        .collect();
    let least: f64 = wanted.iter().map(|w| w.0).sum();
    let most: f64 = wanted.iter().map(|w| w.1.max(w.0)).sum();
    if most <= room {
        // What is left goes to texts, each the same: no column stands far from the one that it belongs to.
        let texts = columns.iter().filter(|c| !c.is_number).count();
        let more = |c: &Column| if c.is_number { 0.0 } else { (room - most) / texts as f64 };
        return wanted.iter().zip(columns).map(|(w, c)| w.1.max(w.0) + more(c)).collect();
    }
    if least >= room {
        return wanted.iter().map(|w| w.0 * room / least).collect();
    }
    let part = (room - least) / (most - least);
    wanted.iter().map(|(low, high)| low + (high.max(*low) - low) * part).collect()
}
