//! The receipt for a submitted batch: a small oneshot, awaited or waited on.
//!
//! A dropped [`Completer`] completes its ticket with `Unavailable`; dropping a [`Ticket`] cancels
//! nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use crate::{Appended, Error, Result};

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Default)]
struct State {
    outcome: Option<Result<Appended>>,
    waker: Option<Waker>,
}

/// Completes when the batch is durable to the promised level and applied.
#[must_use = "a ticket tells whether the batch was kept"]
pub struct Ticket {
    shared: Arc<Shared>,
}

/// The other end: whoever has it owes an outcome.
pub struct Completer {
    shared: Option<Arc<Shared>>,
}

/// A ticket and its other end.
pub fn ticket() -> (Ticket, Completer) {
    let shared = Arc::<Shared>::default();
    (Ticket { shared: Arc::clone(&shared) }, Completer { shared: Some(shared) })
}

impl Ticket {
    /// A ticket that is complete from the start.
    pub fn ready(outcome: Result<Appended>) -> Self {
        let (ticket, completer) = ticket();
        completer.complete(outcome);
        ticket
    }

    /// Blocks the thread until the outcome is there. Not for async tasks.
    ///
    /// # Errors
    /// What the sink answered.
    pub fn wait(self) -> Result<Appended> {
        let mut state = self.shared.state.lock();
        loop {
            if let Some(outcome) = state.outcome.take() {
                return outcome;
            }
            self.shared.done.wait(&mut state);
        }
    }
}

impl Future for Ticket {
    type Output = Result<Appended>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.shared.state.lock();
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(outcome);
        }
        match &mut state.waker {
            Some(w) if w.will_wake(cx.waker()) => {}
            w => *w = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Completer {
    /// Tells the outcome and wakes who waits.
    pub fn complete(mut self, outcome: Result<Appended>) {
        if let Some(shared) = self.shared.take() {
            finish(&shared, outcome);
        }
    }
}

impl Drop for Completer {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            finish(
                &shared,
                Err(Error::Unavailable("the writer stopped before it answered".into())),
            );
        }
    }
}

fn finish(shared: &Shared, outcome: Result<Appended>) {
    let waker = {
        let mut state = shared.state.lock();
        state.outcome = Some(outcome);
        state.waker.take()
    };
    shared.done.notify_all();
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_thread_gets_the_outcome() {
        let (ticket, completer) = ticket();
        let waiter = std::thread::spawn(move || ticket.wait());
        completer.complete(Ok(Appended::default()));
        assert!(waiter.join().unwrap().is_ok());
    }

    #[test]
    fn a_dropped_completer_is_unavailable() {
        let (ticket, completer) = ticket();
        drop(completer);
        assert!(matches!(ticket.wait(), Err(Error::Unavailable(_))));
    }

    #[test]
    fn an_awaiting_task_is_woken() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let flag = Arc::new(Flag(false.into()));
        let waker = Waker::from(Arc::clone(&flag));
        let (mut ticket, completer) = ticket();
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut ticket).poll(&mut cx).is_pending());
        completer.complete(Ok(Appended::default()));
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
        assert!(Pin::new(&mut ticket).poll(&mut cx).is_ready());
    }
}
