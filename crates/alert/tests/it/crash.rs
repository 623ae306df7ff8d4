//! Stopped after every call between decision and delivery, with the simulated records.
//!
//! A run of three minutes of virtual time has rules of two groups, an alert of others, a
//! silence, two receivers, groups that grow, ends, retries, and in turn a fallback and a refusal. Each
//! call to records (before its effect, and after it), and each sending (before it arrives, and after it
//! before the answer is known) is a step. The process is stopped at every step in turn: all that is not
//! in records is lost, and it starts again. Receivers that go by the idempotency key must have heard
//! exactly what they hear in a run that nobody stops.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use plimsoll_alert::config::read_file;
use plimsoll_alert::notify::{Tools, deliver_one};
use plimsoll_alert::{Posted, Silence, SilenceMatcher};
use plimsoll_net::{Answer, Client, Request, Sending};
use plimsoll_records::{Change, Delivery, Document, Event, Result};
use plimsoll_world::{Clock, RealDisk};

use super::*;

/// Seconds until everything that began is over and told, also when a start gave the alert of others its
/// time again.
const END: i64 = 190;
/// Seconds that a clean restart is watched: two group intervals and a look.
const AFTER: i64 = 45;

const RULES: &str = "
groups:
- name: one
  rules:
  - {alert: High, expr: m > 5, for: 5s, labels: {team: dev}}
- name: two
  interval: 3s
  rules:
  - {alert: Low, expr: n < 1, keep_firing_for: 5s}
";

/// `dev` fails the first attempt at each message.
const PLAIN: &str = "
route:
  {receiver: ops, group_by: [alertname], group_wait: 1s, group_interval: 20s, routes: [
    {receiver: dev, matchers: ['team=\"dev\"'], group_by: [i], continue: true}, {receiver: ops}]}
receivers:
- {name: ops, webhook_configs: [{url: 'http://takes/ops'}, {url: 'http://takes/ops2'}]}
- {name: dev, webhook_configs: [{url: 'http://hesitates/dev'}]}
";

/// What `ops` refuses goes to `phone`; the first message of a group to `dev` is refused for good.
const REFUSING: &str = "
route:
  {receiver: ops, group_by: [alertname], group_wait: 1s, group_interval: 20s, routes: [
    {receiver: dev, matchers: ['team=\"dev\"'], group_by: [i], continue: true}, {receiver: ops}]}
receivers:
- {name: ops, fallback: phone, webhook_configs: [{url: 'http://refuses/ops'}]}
- {name: dev, webhook_configs: [{url: 'http://begins-badly/dev'}]}
- {name: phone, webhook_configs: [{url: 'http://hesitates/phone'}]}
";

/// What a stop throws.
struct Stopped;

/// Counts steps, and stops the process at some.
#[derive(Default)]
struct Plug {
    steps: AtomicU64,
    stops: Mutex<BTreeSet<u64>>,
}

impl Plug {
    fn step(&self) {
        let step = self.steps.fetch_add(1, SeqCst);
        if self.stops.lock().remove(&step) {
            resume_unwind(Box::new(Stopped));
        }
    }
}

/// Records whose every call is a step, and whose changes are one before and one after their effect.
struct Steps {
    inner: SimRecords,
    plug: Arc<Plug>,
}

impl Records for Steps {
    fn apply(&self, changes: &[Change]) -> Result<()> {
        self.plug.step();
        let result = self.inner.apply(changes);
        self.plug.step();
        result
    }

    fn document(&self, kind: &str, id: &str) -> Result<Option<Document>> {
        self.plug.step();
        self.inner.document(kind, id)
    }

    fn documents(&self, kind: &str) -> Result<Vec<Document>> {
        self.plug.step();
        self.inner.documents(kind)
    }

    fn history(&self, kind: &str, id: &str) -> Result<Vec<Document>> {
        self.plug.step();
        self.inner.history(kind, id)
    }

    fn events(&self, query: &EventQuery<'_>) -> Result<Vec<Event>> {
        self.plug.step();
        self.inner.events(query)
    }

    fn deliveries(&self, state: DeliveryState, limit: usize) -> Result<Vec<Delivery>> {
        self.plug.step();
        self.inner.deliveries(state, limit)
    }
}

/// A message that a receiver took.
#[derive(Clone, Debug, PartialEq)]
struct Taken {
    at_ms: i64,
    to: String,
    key: String,
    body: String,
}

/// The receivers: they outlive every stop.
struct Doubles {
    plug: Arc<Plug>,
    clock: Arc<SimClock>,
    taken: Mutex<Vec<Taken>>,
    /// Keys, or groups, of which something was not taken.
    refused: Mutex<BTreeSet<String>>,
}

impl Doubles {
    /// The status of the answer; what is taken is noted.
    fn answer(&self, request: &Request) -> u16 {
        let header = request.headers.iter().find(|(n, _)| n == "idempotency-key");
        let key = header.map(|(_, v)| v.clone()).unwrap();
        let (mood, to) = request.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        let mut refused = self.refused.lock();
        match mood {
            "refuses" => return 400,
            "hesitates" if refused.insert(key.clone()) => return 503,
            "begins-badly" => {
                let group = json(&body)["groupKey"].to_string();
                // The same message is refused again, however often it comes.
                if refused.insert(group.clone()) {
                    refused.insert(key.clone());
                }
                if refused.contains(&key) {
                    return 400;
                }
            }
            _ => {}
        }
        let at_ms = self.clock.wall_ms();
        self.taken.lock().push(Taken { at_ms, to: to.to_owned(), key, body });
        200
    }
}

impl Client for Doubles {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            self.plug.step();
            let status = self.answer(&request);
            self.plug.step();
            Ok(Answer { status, ..Answer::default() })
        })
    }
}

fn json(body: &str) -> serde_json::Value {
    serde_json::from_str(body).unwrap()
}

/// A process and what outlives it.
struct Run {
    config: &'static str,
    clock: Arc<SimClock>,
    memory: Arc<MemorySource>,
    records: Arc<Steps>,
    doubles: Arc<Doubles>,
    alerting: Option<Alerting>,
    /// Requests of people and other servers that were answered.
    answered: BTreeSet<i64>,
    stops: usize,
    stopped_at: i64,
}

impl Run {
    fn new(config: &'static str, stops: &[u64]) -> Self {
        let plug = Arc::new(Plug::default());
        plug.stops.lock().extend(stops);
        let clock = Arc::new(SimClock::at(0));
        let doubles = Doubles {
            plug: Arc::clone(&plug),
            clock: Arc::clone(&clock),
            taken: Mutex::default(),
            refused: Mutex::default(),
        };
        Self {
            config,
            clock,
            memory: Arc::new(MemorySource::new()),
            records: Arc::new(Steps { inner: SimRecords::new(), plug }),
            doubles: Arc::new(doubles),
            alerting: None,
            answered: BTreeSet::new(),
            stops: 0,
            stopped_at: 0,
        }
    }

    fn steps(&self) -> u64 {
        self.records.plug.steps.load(SeqCst)
    }

    fn open(&self) -> Alerting {
        let groups = read_rules("r.yml", RULES, 1_000, &Features::default()).unwrap();
        let setup = Setup {
            engine: Arc::new(engine()),
            source: Arc::clone(&self.memory) as Arc<dyn SeriesSource>,
            sink: Arc::clone(&self.memory) as Arc<dyn SampleSink>,
            records: Arc::clone(&self.records) as Arc<dyn Records>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            arm: Arc::new(|_, _| {}),
        };
        let routing = read_file("am.yml", self.config, &[]).unwrap().routing;
        let config = Config { routing, default_rules: false, ..Config::default() };
        Alerting::open(setup, Prepared { config, groups }).unwrap()
    }

    fn seconds(&self) -> i64 {
        self.clock.wall_ms() / 1_000
    }

    /// Lets a second pass; what is measured does not depend on the process.
    fn pass(&self) {
        self.clock.advance(Duration::from_secs(1));
        let (now, t) = (self.clock.wall_ms(), self.seconds());
        let high = |from, to| if (from..to).contains(&t) { 9.0 } else { 1.0 };
        let low = if (30..50).contains(&t) { 0.0 } else { 2.0 };
        for (name, i, value) in
            [("m", "a", high(10, 60)), ("m", "b", high(45, 110)), ("n", "c", low)]
        {
            let labels = Labels::new([("__name__", name), ("i", i)]).unwrap();
            self.memory.append(&labels, now, value);
        }
    }

    /// What comes from outside, until it is answered.
    fn requests(&mut self) {
        let (t, alerting) = (self.seconds(), self.alerting.as_ref().unwrap());
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        if t >= 15 && !self.answered.contains(&15) {
            let labels = [pair("alertname", "Theirs"), pair("i", "d")].into();
            let ends_at = Some(80_000);
            alerting.post(vec![Posted { labels, ends_at, ..Posted::default() }]).unwrap();
            self.answered.insert(15);
        }
        if t >= 40 && !self.answered.contains(&40) {
            let (name, value) = pair("i", "b");
            let matcher = SilenceMatcher { name, value, is_regex: false, is_equal: true };
            let (starts_at, ends_at) = (self.clock.wall_ms(), 75_000);
            let matchers = vec![matcher];
            let wish = Silence { matchers, starts_at, ends_at, ..Silence::default() };
            alerting.set_silence(wish).unwrap();
            self.answered.insert(40);
        }
    }

    /// What the loops of `notify::run` do in a second.
    fn work(&self) {
        let alerting = self.alerting.as_ref().unwrap();
        let client = Arc::clone(&self.doubles) as Arc<dyn Client>;
        let tools = Tools { client, disk: Arc::new(RealDisk), gallery: None };
        alerting.evaluate();
        alerting.settle();
        loop {
            let due = alerting.outbox().take_due(self.clock.wall_ms());
            if due.is_empty() {
                break;
            }
            for delivery in due {
                let mut attempt = std::pin::pin!(deliver_one(alerting, delivery, &tools));
                let polled = attempt.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert_eq!(polled, Poll::Ready(()), "the doubles answer at once");
            }
        }
        alerting.settle();
    }

    /// Goes on until `end` seconds; after a stop the process is away for `away` seconds.
    fn until(&mut self, end: i64, away: i64) {
        while self.seconds() < end {
            self.pass();
            loop {
                let second = catch_unwind(AssertUnwindSafe(|| {
                    if self.alerting.is_none() {
                        self.alerting = Some(self.open());
                    }
                    self.requests();
                    self.work();
                }));
                let Err(thrown) = second else { break };
                if !thrown.is::<Stopped>() {
                    resume_unwind(thrown);
                }
                self.stops += 1;
                self.stopped_at = self.clock.wall_ms();
                self.alerting = None;
                (0..away).for_each(|_| self.pass());
            }
        }
    }

    /// A stop at which everything is written down, as after each second, and a start.
    fn restart(&mut self) {
        self.alerting = None;
    }

    /// What each receiver heard of each group, if it goes by the key: status and alerts, in order.
    /// A key must always stand for the same message.
    #[track_caller]
    fn heard(&self) -> BTreeMap<(String, String), Vec<String>> {
        let mut bodies: BTreeMap<(String, String), String> = BTreeMap::new();
        let mut heard: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for taken in self.doubles.taken.lock().iter() {
            let before = bodies.insert((taken.to.clone(), taken.key.clone()), taken.body.clone());
            if let Some(before) = before {
                assert_eq!(before, taken.body, "two messages with the key {}", taken.key);
                continue;
            }
            let body = json(&taken.body);
            let alerts = body["alerts"].as_array().unwrap().iter();
            let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
            let alerts: BTreeSet<String> = alerts
                .map(|a| format!("{} {}", text(&a["labels"]["i"]), text(&a["status"])))
                .collect();
            let alerts: Vec<String> = alerts.into_iter().collect();
            let told = format!("{}: {}", text(&body["status"]), alerts.join(", "));
            let group = body["groupKey"].as_str().unwrap().to_owned();
            heard.entry((taken.to.clone(), group)).or_default().push(told);
        }
        heard
    }

    /// When messages that a receiver got more than once came first.
    fn doubled(&self) -> Vec<i64> {
        let mut first = BTreeMap::new();
        let mut doubled = Vec::new();
        for taken in self.doubles.taken.lock().iter() {
            match first.get(&(taken.to.clone(), taken.key.clone())) {
                Some(at) => doubled.push(*at),
                None => _ = first.insert((taken.to.clone(), taken.key.clone()), taken.at_ms),
            }
        }
        doubled
    }

    /// What each receiver heard of each alert: its states in order, each once.
    fn states(&self) -> BTreeMap<(String, String), Vec<String>> {
        let mut states: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for ((to, _), told) in self.heard() {
            for alert in told.iter().flat_map(|t| t.split_once(": ").unwrap().1.split(", ")) {
                let (alert, state) = alert.split_once(' ').unwrap();
                let known = states.entry((to.clone(), alert.to_owned())).or_default();
                if known.last().is_none_or(|last| last != state) {
                    known.push(state.to_owned());
                }
            }
        }
        states
    }

    /// Records know of every message that it arrived; a start tells nobody anything.
    #[track_caller]
    fn settled(&mut self, what: &str) {
        let in_state = |state| self.records.inner.deliveries(state, 1_000).unwrap();
        assert!(in_state(DeliveryState::Pending).is_empty(), "{what}");
        let recorded: BTreeSet<String> =
            in_state(DeliveryState::Delivered).into_iter().map(|d| d.id).collect();
        let taken: BTreeSet<String> =
            self.doubles.taken.lock().iter().map(|t| t.key.clone()).collect();
        assert_eq!(taken, recorded, "{what}");
        let before = self.doubles.taken.lock().len();
        self.restart();
        self.until(self.seconds() + AFTER, 0);
        assert_eq!(self.doubles.taken.lock().len(), before, "{what}: sent again");
    }
}

fn slow() -> bool {
    std::env::var_os("PLIMSOLL_SLOW").is_some()
}

/// A run that nobody stops, and its steps until [`END`].
fn whole(config: &'static str) -> (Run, u64) {
    let mut run = Run::new(config, &[]);
    run.until(END, 0);
    let steps = run.steps();
    (run, steps)
}

#[test]
fn without_a_stop_everybody_hears_everything_once() {
    let (mut run, steps) = whole(PLAIN);
    let mut found = String::new();
    for ((to, group), told) in run.heard() {
        writeln!(found, "{to} {group}\n  {}", told.join("\n  ")).unwrap();
    }
    check(
        &found,
        &expect![[r#"
            dev {}/{team="dev"}:{i="a"}
              firing: a firing
              resolved: a resolved
            dev {}/{team="dev"}:{i="b"}
              firing: b firing
              resolved: b resolved
            ops {}/{}:{alertname="High"}
              firing: a firing
              firing: a resolved, b firing
              resolved: b resolved
            ops {}/{}:{alertname="Low"}
              firing: c firing
              resolved: c resolved
            ops {}/{}:{alertname="Theirs"}
              firing: d firing
              resolved: d resolved
            ops2 {}/{}:{alertname="High"}
              firing: a firing
              firing: a resolved, b firing
              resolved: b resolved
            ops2 {}/{}:{alertname="Low"}
              firing: c firing
              resolved: c resolved
            ops2 {}/{}:{alertname="Theirs"}
              firing: d firing
              resolved: d resolved
        "#]],
    );
    assert!(run.doubled().is_empty());
    assert!(steps > 100, "{steps}");
    run.settled("a run that nobody stops");
}

fn stopped_at_every_step(config: &'static str, away: i64) {
    let (baseline, steps) = whole(config);
    let expected = baseline.heard();
    let mut doubled = 0;
    let every = if away == 0 || slow() { 1 } else { 5 };
    for stop in (0..steps).step_by(every) {
        let mut run = Run::new(config, &[stop]);
        run.until(END, away);
        let what = format!("stopped at step {stop} of {steps}, away for {away} s");
        assert_eq!(run.stops, 1, "{what}");
        if away == 0 {
            assert_eq!(run.heard(), expected, "{what}");
        } else {
            // Other alerts may meet in a message.
            assert_eq!(run.states(), baseline.states(), "{what}");
        }
        // Only what had arrived in the same second and was not written down yet.
        let again = run.doubled();
        assert!(again.iter().all(|at| *at == run.stopped_at), "{what}: {again:?}");
        doubled += again.len();
        run.settled(&what);
    }
    assert!(doubled > 0, "a stop between arrival and its record sends again");
}

#[test]
fn a_stop_at_any_step_tells_everything_once_by_its_key() {
    stopped_at_every_step(PLAIN, 0);
}

#[test]
fn nor_does_it_when_the_process_stays_away_for_a_while() {
    stopped_at_every_step(PLAIN, 7);
}

#[test]
fn a_stop_at_any_step_loses_nothing_that_was_refused() {
    stopped_at_every_step(REFUSING, 0);
}

#[test]
fn a_second_stop_during_the_start_changes_nothing() {
    let (baseline, steps) = whole(PLAIN);
    let expected = baseline.heard();
    for stop in (0..steps).step_by(if slow() { 1 } else { 29 }) {
        for next in 1..=12 {
            let mut run = Run::new(PLAIN, &[stop, stop + next]);
            run.until(END, 0);
            assert_eq!(run.heard(), expected, "stopped at {stop} and {next} steps later");
        }
    }
}

#[test]
fn with_a_full_disk_everything_is_told_once_and_written_down_when_there_is_room() {
    for config in [PLAIN, REFUSING] {
        let (baseline, _) = whole(config);
        let (expected, applied) = (baseline.heard(), baseline.records.inner.applied());
        for full_after in 0..applied {
            let mut run = Run::new(config, &[]);
            run.records.inner.fail_after(Some(full_after));
            run.until(END, 0);
            let what = format!("full after {full_after} of {applied} changes");
            assert_eq!(run.records.inner.applied(), full_after, "{what}");
            assert_eq!(run.heard(), expected, "{what}");
            assert!(run.doubled().is_empty(), "{what}");
            run.records.inner.fail_after(None);
            run.until(END + 1, 0);
            run.settled(&what);
        }
    }
}

#[test]
fn with_a_full_disk_a_stop_loses_no_page() {
    let (baseline, _) = whole(PLAIN);
    let firing = |run: &Run| -> BTreeSet<(String, String)> {
        let mut out = BTreeSet::new();
        for taken in run.doubles.taken.lock().iter() {
            for alert in json(&taken.body)["alerts"].as_array().unwrap() {
                if alert["status"] == "firing" {
                    out.insert((taken.to.clone(), alert["labels"]["i"].to_string()));
                }
            }
        }
        out
    };
    let expected = firing(&baseline);
    let steps = {
        let mut run = Run::new(PLAIN, &[]);
        run.records.inner.fail_after(Some(0));
        run.until(END, 0);
        run.steps()
    };
    for stop in (0..steps).step_by(if slow() { 1 } else { 29 }) {
        let mut run = Run::new(PLAIN, &[stop]);
        run.records.inner.fail_after(Some(0));
        run.until(END, 0);
        let missing: Vec<_> = expected.difference(&firing(&run)).cloned().collect();
        // What others post is lost until they post it again: it was not written down.
        let is_theirs = |(_, i): &(String, String)| i == "\"d\"";
        assert!(missing.iter().all(is_theirs), "stopped at step {stop}: {missing:?}");
    }
}
