//! Words: paragraphs in the room that there is.

use super::frame::{LABEL, Pen};
use super::scene::Anchor;
use crate::text::{Face, wrapped};

/// From one line to the next.
const LINE: f64 = 17.0;

/// Draws it.
pub fn draw(pen: &mut Pen<'_>) {
    let mut y = pen.top + 4.0;
    for (text, face) in crate::report::plain_lines(&pen.figure.text) {
        for line in wrapped(&text, LABEL, face, pen.right - pen.left) {
            y += LINE;
            if y > pen.bottom {
                return;
            }
            let look = (Anchor::Start, pen.theme.ink());
            pen.text((pen.left, y - 4.0), &line, LABEL, face, look);
        }
        if face == Face::Bold {
            y += 3.0;
        }
    }
}
