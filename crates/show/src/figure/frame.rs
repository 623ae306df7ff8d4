//! What all figures share: ground, head, room for the picture, words where there is nothing.

use super::Figure;
use super::scene::{Anchor, Scene, Shape};
use super::theme::{Colour, Theme};
use crate::text::{Face, fitted, width};

/// Space at the edges.
pub const PAD: f64 = 14.0;
/// Size of small texts.
pub const SMALL: f64 = 11.0;
/// Size of usual texts.
pub const LABEL: f64 = 12.0;
const TITLE: f64 = 14.0;
/// Characters of a description.
const DESCRIPTION_MAX: usize = 1_000;

/// Draws into a scene.
pub struct Pen<'f> {
    pub figure: &'f Figure,
    pub theme: Theme,
    pub scene: Scene,
    /// Left, top, right and bottom of what is free.
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl<'f> Pen<'f> {
    /// Ground and title are drawn.
    pub fn new(figure: &'f Figure, width: f64, height: f64, theme: Theme) -> Self {
        let description: String = figure.description.chars().take(DESCRIPTION_MAX).collect();
        let scene = Scene {
            width,
            height,
            title: figure.title.chars().take(DESCRIPTION_MAX).collect(),
            description,
            ground: theme.ground(),
            shapes: Vec::new(),
        };
        let (left, right, bottom) = (PAD, width - PAD, height - PAD);
        let mut pen = Self { figure, theme, scene, left, top: PAD, right, bottom };
        if !figure.title.is_empty() {
            let title = fitted(&figure.title, TITLE, Face::Bold, right - left);
            pen.text((PAD, 26.0), &title, TITLE, Face::Bold, (Anchor::Start, theme.ink()));
            pen.top = 40.0;
        }
        pen
    }

    pub fn add(&mut self, shape: Shape) {
        self.scene.shapes.push(shape);
    }

    pub fn text(
        &mut self,
        at: (f64, f64),
        text: &str,
        size: f64,
        face: Face,
        look: (Anchor, Colour),
    ) {
        if !text.is_empty() {
            self.add(Shape::text(at, text.to_owned(), size, face, look));
        }
    }

    pub fn rect(&mut self, at: [f64; 4], round: f64, fill: Colour) {
        self.add(Shape::Rect { at, round, fill, opacity: 1.0 });
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Colour, width: f64) {
        self.add(Shape::Lines { runs: vec![vec![from, to]], stroke, width, dash: None });
    }

    /// Says why there is nothing.
    pub fn nothing(&mut self) {
        let room = self.right - self.left;
        let text = fitted(&self.figure.empty, LABEL, Face::Regular, room);
        let at = ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0);
        self.text(at, &text, LABEL, Face::Regular, (Anchor::Middle, self.theme.soft()));
    }

    /// Says that so many are not drawn, in a line of its own at the bottom.
    pub fn left_out(&mut self, count: usize, what: &str) {
        if count > 0 {
            let text = format!("and {count} more {what}");
            let at = (self.left, self.scene.height - PAD / 2.0);
            self.text(at, &text, SMALL, Face::Regular, (Anchor::Start, self.theme.soft()));
        }
    }

    /// A name in its room.
    pub fn fitted(&self, text: &str, size: f64, face: Face, room: f64) -> String {
        fitted(text, size, face, room)
    }
}

/// The largest of the widths of these texts.
pub fn widest<'t>(texts: impl Iterator<Item = &'t str>, size: f64, face: Face) -> f64 {
    texts.map(|t| width(t, size, face)).fold(0.0, f64::max)
}
