//! Runs blocking work for a request: a place in the queue, a timer, an end when the client leaves.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::{Budget, Cancel, Lane, ReadCx, Stop};

use crate::app::App;
use crate::habits::{self, Habit, Pace};
use crate::metrics::count;
use crate::params::{Params, duration_ms};
use crate::reply::Failure;
use crate::routes::Call;

/// Stops the work when the request's future is dropped, which is when the client hangs up.
struct OnDrop(Cancel);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.stop(Stop::Client);
    }
}

/// What a reader on behalf of a request carries.
pub fn read_cx(app: &App) -> ReadCx {
    let mut cx = ReadCx::with_budget(app.engine.budget());
    cx.lane = Lane::Dashboards;
    cx
}

/// Answers at once what was quick last time; all else as [`ask`] does. What fails, takes too long or
/// needs too much is asked anew, with the timeout and the end that [`ask`] has.
pub async fn ask_quickly<T: Send + 'static>(
    app: &Arc<App>,
    call: &Call,
    work: impl Fn(&App, &ReadCx) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let habit = Habit::of(call.parts.uri.path(), &call.params, app.now());
    let habits = &app.gates.habits;
    if let Some(pace) = habits.pace(habit)
        && call.params.get("timeout").is_none()
        && let Some(_place) = app.gates.free_query()
        && let Some((answer, took)) = quickly(app, pace, &work)
    {
        habits.note(habit, Some(took));
        count(&app.metrics.queries, 1);
        count(&app.metrics.queries_at_once, 1);
        count(&app.metrics.query_us, u64::try_from(took.as_micros()).unwrap_or(0));
        return Ok(answer);
    }
    ask(app, &call.params, move |app, cx| {
        let (result, took) = timed(app, || work(app, cx));
        app.gates.habits.note(habit, result.is_ok().then_some(took));
        result
    })
    .await
}

/// The answer, if there is one within the bounds of [`habits`].
fn quickly<T>(
    app: &App,
    pace: Pace,
    work: &impl Fn(&App, &ReadCx) -> Result<T, Failure>,
) -> Option<(T, Duration)> {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let mut cx = ReadCx::with_budget(Budget::new(habits::BYTES, pace.samples()));
    cx.lane = Lane::Dashboards;
    cx.may_wait = false;
    let (clock, end) = (Arc::clone(&app.clock), app.clock.mono() + habits::PATIENCE);
    cx.cancel = Cancel::when(move || clock.mono() > end);
    // A panic is told by the thread that tries again.
    let run = || std::panic::catch_unwind(AssertUnwindSafe(|| timed(app, || work(app, &cx))));
    let done = match pace {
        Pace::AtOnce => run(),
        // A runtime of one thread has nobody who could go on meanwhile.
        Pace::Soon if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(run)
        }
        Pace::Soon => return None,
    };
    let (result, took) = done.ok()?;
    Some((result.ok()?, took))
}

/// Runs `work` and says how long it took.
fn timed<T>(app: &App, work: impl FnOnce() -> T) -> (T, Duration) {
    let began = app.clock.mono();
    let result = work();
    (result, app.clock.mono().saturating_sub(began))
}

/// Waits for a place, then runs `work` on a blocking thread under the query timeout, or the request's
/// own shorter one.
pub async fn ask<T: Send + 'static>(
    app: &Arc<App>,
    params: &Params,
    work: impl FnOnce(&App, &ReadCx) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let timeout = match params.get("timeout") {
        None => app.limits.query_timeout,
        Some(text) => {
            let ms = duration_ms(text).map_err(|e| Failure::parameter("timeout", e))?;
            app.limits.query_timeout.min(Duration::from_millis(ms.max(0).unsigned_abs()))
        }
    };
    if timeout.is_zero() {
        return Err(plimsoll_model::Error::Stopped(Stop::Deadline).into());
    }
    let cx = read_cx(app);
    let cancel = cx.cancel.clone();
    let _guard = OnDrop(cancel.clone());
    let (for_work, for_cx) = (Arc::clone(app), cx.clone());
    let run = async {
        let _place = app.gates.query().await.map_err(|_| {
            count(&app.metrics.queries_refused, 1);
            Failure::unavailable("too many queries wait already; try again later")
        })?;
        count(&app.metrics.queries, 1);
        let began = app.clock.mono();
        let result = blocking(move || work(&for_work, &for_cx)).await?;
        let took = app.clock.mono() - began;
        count(&app.metrics.query_us, u64::try_from(took.as_micros()).unwrap_or(0));
        result
    };
    tokio::pin!(run);
    tokio::select! {
        result = &mut run => return result,
        () = tokio::time::sleep(timeout) => cancel.stop(Stop::Deadline),
    }
    // The work sees the flag and ends with the error of a timeout.
    run.await
}

/// Runs `work` where it may block.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| {
        tracing::error!(error = %e, "a request's work ended in a panic");
        Failure::internal("the request could not be answered; see the log")
    })
}
