//! Values of subexpressions that stand in a query more than once.
//!
//! The value is kept at its first place and handed out at the others, the last of which takes it. It is
//! charged to the reader while it is kept, and kept only up to a part of the memory of a query: beyond,
//! each place is evaluated by itself. What an evaluation has to say is said again at each place, as it
//! would be by an evaluation of its own.

use std::sync::Arc;

use plimsoll_model::Grid;

use super::column::Val;
use super::repeated::Class;
use super::{Eval, Series};
use crate::annotations::Notes;
use crate::ast::Expr;
use crate::engine::{QueryResult as Result, execution};

/// One value may take this part of the memory of a query.
const SHARE: u64 = 8;

/// What became of a repeated subexpression.
pub(super) enum State {
    /// Nobody asked yet.
    New,
    /// Its value over a grid, what it has to say, and how often it will be asked for.
    Kept { grid: Grid, value: Arc<Val>, notes: Arc<Notes>, left: usize },
    /// It is not kept, or not any more.
    Gone,
}

/// What there is for one place.
enum Found {
    /// Evaluate and keep.
    Nothing,
    /// The value; nobody else has it if it was the last place.
    Value(Arc<Val>, Arc<Notes>),
    /// Evaluate.
    Gone,
}

impl Class<'_> {
    fn take(&self, grid: Grid) -> Found {
        let mut state = self.state.lock();
        match &mut *state {
            State::New => Found::Nothing,
            State::Kept { grid: kept, value, notes, left } if *kept == grid => {
                let found = Found::Value(Arc::clone(value), Arc::clone(notes));
                *left -= 1;
                if *left == 0 {
                    *state = State::Gone;
                }
                found
            }
            State::Kept { .. } | State::Gone => Found::Gone,
        }
    }

    fn keep(&self, grid: Grid, value: Option<Val>, notes: Notes) {
        *self.state.lock() = value.map_or(State::Gone, |value| {
            let (value, notes) = (Arc::new(value), Arc::new(notes));
            State::Kept { grid, value, notes, left: self.uses - 1 }
        });
    }
}

fn bytes_of(series: &Series) -> u64 {
    (series.values.len() * size_of::<f64>()) as u64 + series.histogram_bytes()
}

impl Eval<'_> {
    /// The value of a subexpression that stands in the query more than once.
    pub(super) fn eval_repeated(&self, class: &Class<'_>, expr: &Expr, grid: Grid) -> Result<Val> {
        match class.take(grid) {
            Found::Gone => self.eval_told(expr, grid),
            Found::Value(value, notes) => {
                self.notes.tell_again(&notes);
                match Arc::try_unwrap(value) {
                    Ok(value) => Ok(value),
                    Err(kept) => {
                        if let Val::Vector(series) = &*kept {
                            self.charge_bytes(series.iter().map(bytes_of).sum())?;
                        }
                        Ok((*kept).clone())
                    }
                }
            }
            Found::Nothing => {
                let notes = Notes::default();
                self.notes.swap(&notes);
                let value = self.eval_told(self.place(class, expr), grid);
                self.notes.swap(&notes);
                let value = value?;
                self.notes.tell_again(&notes);
                let kept = match &value {
                    Val::Vector(series) => {
                        let bytes = series.iter().map(bytes_of).sum();
                        self.has_room_for(bytes).then(|| value.clone())
                    }
                    Val::Scalar(_) | Val::Text(_) => Some(value.clone()),
                };
                class.keep(grid, kept, notes);
                Ok(value)
            }
        }
    }

    /// As [`Eval::eval_repeated`], series by series; the value is kept on the way.
    pub(super) fn stream_repeated(
        &self,
        class: &Class<'_>,
        expr: &Expr,
        grid: Grid,
        sink: &mut dyn FnMut(Series) -> Result<()>,
    ) -> Result<()> {
        match class.take(grid) {
            Found::Gone => self.stream_told(expr, grid, sink),
            Found::Value(value, notes) => {
                self.notes.tell_again(&notes);
                match Arc::try_unwrap(value) {
                    Ok(Val::Vector(series)) => {
                        self.free(&series);
                        series.into_iter().try_for_each(sink)
                    }
                    Ok(_) => Err(execution("an instant vector is needed here")),
                    Err(kept) => match &*kept {
                        Val::Vector(series) => series.iter().cloned().try_for_each(sink),
                        _ => Err(execution("an instant vector is needed here")),
                    },
                }
            }
            Found::Nothing => {
                let notes = Notes::default();
                let mut kept = Some(Vec::new());
                let mut bytes = 0;
                self.notes.swap(&notes);
                let streamed = self.stream_told(self.place(class, expr), grid, &mut |series| {
                    if let Some(list) = &mut kept {
                        let more = bytes_of(&series);
                        if self.has_room_beside(bytes, more) {
                            bytes += more;
                            list.push(series.clone());
                        } else {
                            self.free_bytes(bytes);
                            kept = None;
                        }
                    }
                    // What comes of the series is said by somebody else.
                    self.notes.swap(&notes);
                    let taken = sink(series);
                    self.notes.swap(&notes);
                    taken
                });
                self.notes.swap(&notes);
                streamed?;
                self.notes.tell_again(&notes);
                class.keep(grid, kept.map(Val::Vector), notes);
                Ok(())
            }
        }
    }

    /// The place that is evaluated for all of them. An explanation shows it where time was spent.
    fn place<'e>(&self, class: &Class<'e>, expr: &'e Expr) -> &'e Expr {
        if self.is_explained() { expr } else { class.last }
    }

    /// Takes memory for a value that is kept, if that is not too much.
    fn has_room_for(&self, bytes: u64) -> bool {
        self.has_room_beside(0, bytes)
    }

    /// Takes memory for more of a value of which `have` bytes are kept, if that is not too much.
    fn has_room_beside(&self, have: u64, more: u64) -> bool {
        have.saturating_add(more) <= self.config.query_memory / SHARE
            && self.charge_bytes(more).is_ok()
    }
}
