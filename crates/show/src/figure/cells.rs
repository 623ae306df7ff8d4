//! Rows of cells over time: heat maps, darker where values are greater, and states, one colour each.
//!
//! A cell of a heat map is the mean of what lies in it; of a state it is the newest, as there is none between two states.

use super::frame::{Pen, SMALL, widest};
use super::scene::Anchor;
use super::{Colour, ROWS_MAX, Severity};
use crate::axis::time_ticks_in;
use crate::text::{Face, fitted, width};

/// Cells of a row.
const CELLS_MAX: usize = 500;
/// States that are named below.
const NAMED_MAX: usize = 12;

/// What a cell holds of several values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Mean,
    Newest,
}

/// Rows of a figure with what each cell of time holds.
struct Board {
    names: Vec<String>,
    cells: Vec<Vec<Option<f64>>>,
    left: f64,
    cell: f64,
    row: f64,
    hidden: usize,
}

fn board(pen: &Pen<'_>, of: Of) -> Board {
    let figure = pen.figure;
    let traces = &figure.traces[..figure.traces.len().min(ROWS_MAX)];
    let high = pen.bottom - pen.top - 8.0;
    let fits = ((high / 12.0) as usize).max(1);
    let shown = &traces[..traces.len().min(fits)];
    let names: Vec<String> = shown.iter().map(|t| t.name.clone()).collect();
    let wide = widest(names.iter().map(String::as_str), SMALL, Face::Regular);
    let left = pen.left + wide.min((pen.right - pen.left) * 0.35) + 8.0;
    let span = figure.until.saturating_sub(figure.from).max(1);
    let steps = usize::try_from(span / figure.step_ms.max(1)).unwrap_or(1);
    let count = steps.clamp(1, (((pen.right - left) / 2.0) as usize).clamp(1, CELLS_MAX));
    let cells = shown
        .iter()
        .map(|trace| {
            let mut sums = vec![(0.0, 0_u32); count];
            for (i, (at, value)) in trace.points.iter().enumerate() {
                if !value.is_finite() || !(figure.from..=figure.until).contains(at) {
                    continue;
                }
                let value = trace.states.get(i).map_or(*value, |state| *state as f64);
                let part = (at - figure.from) as f64 / span as f64;
                let cell = &mut sums[((part * count as f64) as usize).min(count - 1)];
                *cell = match of {
                    Of::Mean => (cell.0 + value, cell.1 + 1),
                    Of::Newest => (value, 1),
                };
            }
            sums.into_iter().map(|(sum, n)| (n > 0).then(|| sum / f64::from(n))).collect()
        })
        .collect();
    Board {
        row: (high / shown.len().max(1) as f64).clamp(12.0, 28.0),
        cell: (pen.right - left) / count as f64,
        hidden: figure.traces.len() - shown.len(),
        names,
        cells,
        left,
    }
}

impl Board {
    fn is_empty(&self) -> bool {
        self.cells.iter().flatten().all(Option::is_none)
    }

    /// Draws names, runs of cells of one colour, and times.
    fn draw(&self, pen: &mut Pen<'_>, colour: impl Fn(&Pen<'_>, f64) -> Colour) {
        let theme = pen.theme;
        for (i, (name, cells)) in self.names.iter().zip(&self.cells).enumerate() {
            let y = pen.top + self.row * i as f64;
            let room = self.left - pen.left - 8.0;
            let name = fitted(name, SMALL, Face::Regular, room);
            let at = (pen.left, y + self.row / 2.0 + 4.0);
            pen.text(at, &name, SMALL, Face::Regular, (Anchor::Start, theme.ink()));
            let fills: Vec<Option<Colour>> =
                cells.iter().map(|c| c.map(|v| colour(pen, v))).collect();
            let mut begin = 0;
            for run in fills.chunk_by(|a, b| a == b) {
                if let Some(Some(fill)) = run.first() {
                    let x = self.left + self.cell * begin as f64;
                    pen.rect(
                        [x, y + 1.0, self.cell * run.len() as f64, self.row - 2.0],
                        0.0,
                        *fill,
                    );
                }
                begin += run.len();
            }
        }
        let bottom = pen.top + self.row * self.names.len() as f64;
        let figure = pen.figure;
        let span = figure.until.saturating_sub(figure.from).max(1) as f64;
        let wide = pen.right - self.left;
        let count = (wide / 90.0).clamp(2.0, 10.0) as i64;
        for (at, text) in time_ticks_in(figure.from, figure.until, count, &figure.zone) {
            let x = self.left + wide * (at - figure.from) as f64 / span;
            let half = width(&text, SMALL, Face::Regular) / 2.0;
            if x + half <= pen.scene.width && x - half >= self.left - 4.0 {
                let look = (Anchor::Middle, theme.soft());
                pen.text((x, bottom + 13.0), &text, SMALL, Face::Regular, look);
            }
        }
        pen.left_out(self.hidden, "rows");
    }
}

/// Darker where values are greater.
pub fn heat_map(pen: &mut Pen<'_>) {
    let board = board(pen, Of::Mean);
    if board.is_empty() {
        pen.nothing();
        return;
    }
    let seen = board.cells.iter().flatten().flatten();
    let high = seen.copied().fold(0.0, f64::max);
    board.draw(pen, |pen, value| match value > 0.0 {
        // Little is told from nothing, as in the browser.
        true => pen.theme.ground().toward(RAMP, 0.08 + 0.92 * (value / high).sqrt()),
        false => pen.theme.ground(),
    });
}

/// The darkest of a heat map.
const RAMP: Colour = Colour(0x1c_8b_a5);

/// One colour for each state: its own, or that of its severity where there are marks.
pub fn state_timeline(pen: &mut Pen<'_>) {
    let named = pen.figure.states.len();
    if named > 0 {
        // Room for what the colours are called.
        pen.bottom -= 18.0;
    }
    // Of targets a short outage must be seen: the mean of up and down is not up.
    let board = board(pen, if named > 0 { Of::Newest } else { Of::Mean });
    if board.is_empty() {
        pen.nothing();
        return;
    }
    if named > 0 {
        let figure = pen.figure;
        let soft = pen.theme.soft();
        board.draw(pen, |_, state| figure.states.get(state as usize).map_or(soft, |s| s.1));
        names(pen);
        return;
    }
    board.draw(pen, |pen, value| match pen.figure.marks.is_empty() {
        false => match pen.figure.severity(value, (0.0, 1.0)) {
            Severity::Ok => pen.theme.trace(2),
            severity => pen.theme.severity(severity),
        },
        true => pen.theme.trace((value.abs().min(1e6) as usize) % 10),
    });
}

/// What the colours of states are called, in a line at the bottom.
fn names(pen: &mut Pen<'_>) {
    let figure = pen.figure;
    let (mut x, y) = (pen.left, pen.scene.height - 10.0);
    for (name, fill) in figure.states.iter().take(NAMED_MAX) {
        let name = fitted(name, SMALL, Face::Regular, (pen.right - pen.left) / 3.0);
        let wide = width(&name, SMALL, Face::Regular) + 18.0;
        if x + wide > pen.right {
            break;
        }
        pen.rect([x, y - 8.0, 12.0, 8.0], 2.0, *fill);
        pen.text((x + 16.0, y), &name, SMALL, Face::Regular, (Anchor::Start, pen.theme.ink()));
        x += wide + 12.0;
    }
}
