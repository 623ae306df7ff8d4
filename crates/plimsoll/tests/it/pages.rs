//! The way of a page through kills and a full disk: from the sample to the webhook, each notification is
//! delivered at least once, and by its idempotency key exactly once.
//!
//! Levels go up and down; a level moves on only when its last step was told. The webhook counts as a
//! receiver does that knows keys: a message whose key it has seen is the same message. It fails now and
//! then, also after it has taken the message.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use plimsoll_wire::remote_write::Encoder;
use serde_json::Value;

use crate::disk_full::{Tmpfs, fill};
use crate::listener::{answer, serve, take_message};
use crate::load::{Chance, labels, now_ms};
use crate::peer;
use crate::plimsoll::{Home, Plimsoll, send};
use crate::process::wait_for;

const KILLS: usize = 50;
/// Levels that go up and down.
const LEVELS: usize = 40;
/// Steps of each level that must be told.
const STEPS_MIN: usize = 4;

const RULES: &str = "\
groups:
- name: pages
  interval: 200ms
  rules:
  - alert: LevelHigh
    expr: page_level > 0.5
    labels: {severity: page}
";

/// Messages that wait to be delivered.
const OUTBOX: &str = "plimsoll_alert_outbox_messages";
/// Decisions that wait to be written down.
const UNSAVED: &str = "plimsoll_alert_unsaved_changes";

/// Fires for two seconds of four, whatever is written.
const BY_ITSELF: &str = "\
groups:
- name: pages
  interval: 200ms
  rules:
  - alert: LevelHigh
    expr: vector(time()) % 4 < 2
    labels: {level: '0'}
";

/// What a receiver knows of one level.
#[derive(Clone, Debug, Default)]
struct Told {
    /// The states told, each key counted once, in the order of their first arrival.
    states: Vec<String>,
}

/// A receiver that knows keys.
struct Receiver {
    port: u16,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    /// What each key said.
    keys: HashMap<String, Value>,
    levels: BTreeMap<usize, Told>,
    /// Messages, those with known keys too.
    messages: usize,
    wrong: Vec<String>,
}

impl Receiver {
    /// Of so many messages one is refused, and one is taken though the connection breaks; 0 = none.
    fn start(one_in: u64) -> Self {
        let book = Arc::new(Mutex::new(Book::default()));
        let (shared, count) = (Arc::clone(&book), AtomicU64::new(0));
        let port = serve(move |stream| {
            let Some((key, body)) = take_message(&stream, "idempotency-key") else { return };
            let number = count.fetch_add(1, Ordering::Relaxed);
            if one_in > 0 && number % one_in == 1 {
                return answer(stream, "503 Service Unavailable", "text/plain", b"not now");
            }
            shared.lock().unwrap().take(key, &body);
            if one_in == 0 || number % one_in != 2 {
                answer(stream, "200 OK", "text/plain", b"ok");
            }
        });
        Self { port, book }
    }

    fn told(&self, level: usize) -> Told {
        self.book.lock().unwrap().levels.get(&level).cloned().unwrap_or_default()
    }

    fn messages(&self) -> usize {
        self.book.lock().unwrap().messages
    }

    #[track_caller]
    fn nothing_is_wrong(&self) {
        let book = self.book.lock().unwrap();
        assert!(book.wrong.is_empty(), "{:#?}", book.wrong);
    }
}

impl Book {
    fn take(&mut self, key: String, body: &[u8]) {
        self.messages += 1;
        let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
        // Evidence is made once more after a kill, or left out: what is told is the same.
        let _evidence = body.as_object_mut().and_then(|b| b.remove("plimsoll"));
        if key.is_empty() {
            self.wrong.push(format!("no key: {body}"));
        }
        if let Some(before) = self.keys.get(&key) {
            if *before != body {
                self.wrong.push(format!("one key, two messages: {before} and {body}"));
            }
            return;
        }
        for alert in body["alerts"].as_array().into_iter().flatten() {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let state = text(&alert["status"]);
            let level = text(&alert["labels"]["level"]).parse().unwrap_or(usize::MAX);
            let told = self.levels.entry(level).or_default();
            let wanted = ["firing", "resolved"][told.states.len() % 2];
            if state != wanted {
                self.wrong.push(format!("level {level}: {state} after {:?}: {body}", told.states));
            }
            told.states.push(state);
        }
        self.keys.insert(key, body);
    }
}

/// Sends all levels several times a second to whoever listens on the port of the moment.
struct Pusher {
    levels: Arc<Mutex<Vec<f64>>>,
    port: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pusher {
    fn start(levels: usize) -> Self {
        let levels = Arc::new(Mutex::new(vec![0.0; levels]));
        let (port, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (shared, to, end) = (Arc::clone(&levels), Arc::clone(&port), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let port = u16::try_from(to.load(Ordering::Relaxed)).unwrap();
                if port > 0 {
                    // Whoever was killed does not answer.
                    let mut client = crate::http::Client::new(port);
                    let _told = send(&mut client, &all(&shared.lock().unwrap()));
                }
                std::thread::park_timeout(Duration::from_millis(150));
            }
        });
        Self { levels, port, ended, thread: Some(thread) }
    }

    fn send_to(&self, server: &Plimsoll) {
        self.port.store(u64::from(server.port), Ordering::Relaxed);
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ended = thread.join();
        }
    }
}

/// A request with all levels, now.
fn all(levels: &[f64]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    for (i, level) in levels.iter().enumerate() {
        let i = i.to_string();
        let pairs = [("__name__", "page_level"), ("level", &i)];
        encoder.series(labels(&pairs).as_ref(), &[now_ms()], &[*level]);
    }
    encoder.finish()
}

/// Levels and how often each was moved.
struct Driver {
    pusher: Pusher,
    steps: Vec<usize>,
    chance: Chance,
}

impl Driver {
    fn new(seed: u64) -> Self {
        Self { pusher: Pusher::start(LEVELS), steps: vec![0; LEVELS], chance: Chance::new(seed) }
    }

    /// Moves some levels whose last step was told.
    fn move_some(&mut self, receiver: &Receiver) {
        let mut levels = self.pusher.levels.lock().unwrap();
        for i in 0..LEVELS {
            if receiver.told(i).states.len() == self.steps[i] && self.chance.below(3) == 0 {
                self.steps[i] += 1;
                levels[i] = (self.steps[i] % 2) as f64;
            }
        }
    }

    fn all_is_told(&self, receiver: &Receiver) -> bool {
        (0..LEVELS).all(|i| receiver.told(i).states.len() >= self.steps[i])
    }

    /// Waits until every step was told; nothing more may have been.
    #[track_caller]
    fn settle(&self, receiver: &Receiver, server: &Plimsoll) {
        let done = wait_for(Duration::from_secs(60), || self.all_is_told(receiver).then_some(()));
        let told: Vec<_> = (0..LEVELS).map(|i| receiver.told(i).states.len()).collect();
        assert!(done.is_some(), "wanted {:?}, told {told:?}: {}", self.steps, server.process.log());
        assert_eq!(told, self.steps, "told and wanted steps");
        receiver.nothing_is_wrong();
    }
}

/// One of its own metrics; empty when it has none of this name.
fn value(server: &Plimsoll, name: &str) -> String {
    let text = server.get("/metrics").text();
    let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
    line.map(str::to_owned).unwrap_or_default()
}

fn configured(home: &Home, receiver: &Receiver, rules: &str) -> String {
    home.write("rules.yml", rules);
    let config = format!(
        "alert:\n  rule_files: [rules.yml]\n  receivers:\n  - name: hook\n    webhook_configs:\n    \
         - url: http://127.0.0.1:{}/hook\n  \
         route: {{group_by: ['...'], group_wait: 0s, group_interval: 1s}}\n",
        receiver.port
    );
    home.write("plimsoll.yml", &config).to_str().unwrap().to_owned()
}

#[test]
fn fifty_kills_lose_no_page_and_repeat_none() {
    if !peer::slow("fifty kills of the way of a page") {
        return;
    }
    let receiver = Receiver::start(9);
    let home = Home::new();
    let file = configured(&home, &receiver, RULES);
    let args = ["--bare", "--config", &file];
    let mut driver = Driver::new(20_261_121);
    let mut server = home.start(&args);
    driver.pusher.send_to(&server);
    let mut kills = 0;
    while kills < KILLS || driver.steps.iter().any(|s| *s < STEPS_MIN) {
        driver.move_some(&receiver);
        // Somewhere between a sample and its page, or between two.
        let moment = Duration::from_millis(20 + driver.chance.below(1_200));
        let _never = wait_for(moment, || None::<()>);
        if kills < KILLS {
            server.process.kill();
            server = home.start(&args);
            driver.pusher.send_to(&server);
            kills += 1;
        }
    }
    driver.settle(&receiver, &server);
    // A message that was taken while the connection broke is sent once more.
    let sent = wait_for(Duration::from_secs(60), || (value(&server, OUTBOX) == "0").then_some(()));
    assert!(sent.is_some(), "the outbox is never empty: {}", server.process.log());
    server.stop();
    let before = receiver.messages();
    let server = home.start(&args);
    driver.pusher.send_to(&server);
    let more = wait_for(Duration::from_secs(5), || (receiver.messages() > before).then_some(()));
    assert!(more.is_none(), "told again after a clean restart");
    let steps: usize = driver.steps.iter().sum();
    println!("{steps} notifications, {before} messages, {kills} kills");
    server.stop();
}

#[test]
fn pages_go_out_while_the_disk_is_full() {
    if !peer::slow("pages with a full disk") {
        return;
    }
    let receiver = Receiver::start(0);
    let home = Home::new();
    let Some(disk) = Tmpfs::mount(home.path("disk")) else { return };
    let file = configured(&home, &receiver, BY_ITSELF);
    let server = home.start_in(&disk.0.join("data"), &["--bare", "--config", &file]);
    let told = || receiver.told(0).states.len();
    let unsaved = || value(&server, UNSAVED);
    let some = wait_for(Duration::from_secs(60), || (told() >= 2).then_some(()));
    assert!(some.is_some(), "never told: {}", server.process.log());

    let ballast = disk.0.join("ballast");
    let full = wait_for(Duration::from_secs(60), || {
        fill(&ballast);
        (unsaved() != "0").then_some(())
    });
    assert!(full.is_some(), "records can be written with a full disk");
    let before = told();
    let went = wait_for(Duration::from_secs(60), || {
        fill(&ballast);
        (told() >= before + 4).then_some(())
    });
    assert!(went.is_some(), "not told with a full disk: {}", server.process.log());
    assert_ne!(unsaved(), "0", "the disk was not full");

    std::fs::remove_file(&ballast).unwrap();
    let written = wait_for(Duration::from_secs(60), || (unsaved() == "0").then_some(()));
    assert!(written.is_some(), "decisions were never written: {}", server.process.log());
    println!("{} notifications, 4 or more of them with a full disk", told());
    receiver.nothing_is_wrong();
    server.stop();
}
