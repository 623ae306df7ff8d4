//! Equal questions at the same time are answered once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use plimsoll_model::ReadCx;

use super::Key;
use crate::engine::{Answer, QueryError, QueryResult};

/// The question, its start and the version of the data: two with the same have the same answer.
pub(super) type Flight = (Key, i64, u64);

/// Who waits looks this often whether it has to stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a flight came to; `None` while it runs. A failure is not shared: it may be the reader's own,
/// such as a deadline.
enum Landing {
    Flying,
    Answered(Answer),
    Failed,
}

struct Seats {
    landing: Mutex<Landing>,
    landed: Condvar,
}

/// The questions that are being answered.
#[derive(Default)]
pub(super) struct Flights {
    now: Mutex<HashMap<Flight, Arc<Seats>>>,
}

/// Ends a flight, also when its pilot panics.
struct Pilot<'f> {
    flights: &'f Flights,
    flight: Flight,
    seats: Arc<Seats>,
}

impl Drop for Pilot<'_> {
    fn drop(&mut self) {
        self.flights.now.lock().remove(&self.flight);
        let mut landing = self.seats.landing.lock();
        if matches!(*landing, Landing::Flying) {
            *landing = Landing::Failed;
        }
        self.seats.landed.notify_all();
    }
}

impl Flights {
    /// Answers, or waits for who answers the same already; tells whether it was another one's answer.
    ///
    /// # Errors
    /// Those of `answer`; `Stopped` when the reader is stopped while it waits; `Unavailable` when it
    /// may not wait.
    pub fn one(
        &self,
        flight: Flight,
        cx: &ReadCx,
        answer: impl Fn() -> QueryResult<Answer>,
    ) -> QueryResult<(Answer, bool)> {
        loop {
            let seats = {
                let mut now = self.now.lock();
                match now.get(&flight) {
                    Some(seats) => Arc::clone(seats),
                    None => {
                        let seats = Arc::new(Seats {
                            landing: Mutex::new(Landing::Flying),
                            landed: Condvar::new(),
                        });
                        now.insert(flight.clone(), Arc::clone(&seats));
                        drop(now);
                        let pilot = Pilot { flights: self, flight, seats };
                        let answer = answer()?;
                        // Kept for others only when somebody waits.
                        if Arc::strong_count(&pilot.seats) > 2 {
                            *pilot.seats.landing.lock() = Landing::Answered(answer.clone());
                        }
                        return Ok((answer, false));
                    }
                }
            };
            if !cx.may_wait {
                let message = "another reader is at it; wait for its answer".to_owned();
                return Err(QueryError::Unavailable(message));
            }
            let mut landing = seats.landing.lock();
            loop {
                match &*landing {
                    Landing::Answered(answer) => return Ok((answer.clone(), true)),
                    Landing::Failed => break,
                    Landing::Flying => {}
                }
                cx.cancel.check()?;
                seats.landed.wait_for(&mut landing, LOOK_EVERY);
            }
        }
    }
}
