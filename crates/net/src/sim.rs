//! A client that answers from a script, for tests in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;

use crate::{Answer, Client, Error, Request, Result, Sending};

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Scripted {
    /// This comes back at once.
    Answer(Answer),
    /// This goes wrong at once.
    Fail(Error),
    /// Nothing comes back until the request's timeout.
    Hang,
    /// This comes back after a while, or the timeout strikes before.
    After(Duration, Answer),
}

/// Answers per URL in the order given; the last one repeats. Keeps the requests it saw.
#[derive(Default)]
pub struct SimClient {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    script: BTreeMap<String, VecDeque<Scripted>>,
    seen: Vec<Request>,
}

impl SimClient {
    /// A client that knows no URL: each answer is `Unavailable`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what happens next at `url`.
    pub fn then(&self, url: &str, what: Scripted) {
        self.state.lock().script.entry(url.to_owned()).or_default().push_back(what);
    }

    /// Adds an answer with status 200.
    pub fn ok(&self, url: &str, content_type: &str, body: &str) {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let body = body.to_owned().into();
        self.then(url, Scripted::Answer(Answer { status: 200, headers, body }));
    }

    /// The requests so far; forgets them.
    pub fn take_seen(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().seen)
    }

    fn next(&self, request: &Request) -> Scripted {
        let mut state = self.state.lock();
        state.seen.push(request.clone());
        match state.script.get_mut(&request.url) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        }
        .unwrap_or_else(|| Scripted::Fail(Error::Unavailable("cannot connect".into())))
    }
}

impl Client for SimClient {
    fn send(&self, request: Request) -> Sending<'_> {
        let what = self.next(&request);
        Box::pin(async move {
            match what {
                Scripted::Answer(answer) => within(answer, &request),
                Scripted::Fail(error) => Err(error),
                Scripted::After(delay, answer) if delay < request.timeout => {
                    tokio::time::sleep(delay).await;
                    within(answer, &request)
                }
                Scripted::Hang | Scripted::After(..) => {
                    tokio::time::sleep(request.timeout).await;
                    let after_ms = request.timeout.as_millis() as u64;
                    Err(Error::Timeout { after_ms })
                }
            }
        })
    }
}

fn within(answer: Answer, request: &Request) -> Result<Answer> {
    if answer.body.len() as u64 > request.body_limit {
        return Err(Error::Limit { limit: request.body_limit_key, max: request.body_limit });
    }
    Ok(answer)
}
