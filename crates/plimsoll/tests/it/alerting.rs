//! An alert from the sample to the webhook and back, with a clean restart in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::listener::Webhook;
use crate::load::{body, now_ms};
use crate::peer;
use crate::plimsoll::{Home, Plimsoll, send};
use crate::process::wait_for;

const RULES: &str = "\
groups:
- name: test
  rules:
  - record: test:level:double
    expr: test_level * 2
  - alert: LevelHigh
    expr: test_level > 5
    labels: {severity: page}
    annotations: {summary: 'level is {{ $value }} on {{ $labels.instance }}'}
";

/// Sends the level once a second, as an agent would, until it is dropped.
struct Pusher {
    level: Arc<AtomicU32>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pusher {
    fn start(server: &Plimsoll, level: u32) -> Self {
        let level = Arc::new(AtomicU32::new(level));
        let ended = Arc::new(AtomicBool::new(false));
        let (shared, end) = (Arc::clone(&level), Arc::clone(&ended));
        let mut client = server.client();
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let value = f64::from(shared.load(Ordering::Relaxed));
                let pairs = [("__name__", "test_level"), ("instance", "box")];
                let _told = send(&mut client, &body(&pairs, &[now_ms()], &[value]));
                std::thread::park_timeout(Duration::from_secs(1));
            }
        });
        Self { level, ended, thread: Some(thread) }
    }

    fn set(&self, level: u32) {
        self.level.store(level, Ordering::Relaxed);
        self.thread.as_ref().expect("it runs until it is dropped").thread().unpark();
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

#[track_caller]
fn told(hook: &Webhook, within: Duration, states: &[&str]) {
    let got = wait_for(within, || (hook.states("LevelHigh") == states).then_some(()));
    assert!(got.is_some(), "wanted {states:?} within {within:?}, got {:#?}", hook.taken());
}

/// Nothing more arrives for some time.
#[track_caller]
fn silent(hook: &Webhook, for_: Duration) {
    let before = hook.taken().len();
    let more = wait_for(for_, || (hook.taken().len() > before).then_some(()));
    assert!(more.is_none(), "told twice: {:#?}", hook.taken());
}

#[test]
fn a_breach_is_told_once_across_a_restart_and_its_end_too() {
    if !peer::slow("an alert across a restart") {
        return;
    }
    let hook = Webhook::start();
    let home = Home::new();
    home.write("rules.yml", RULES);
    let config = format!(
        "alert:\n  rule_files: [rules.yml]\n  receivers:\n  - name: hook\n    webhook_configs:\n    \
         - url: http://127.0.0.1:{}/hook\n  route: {{group_interval: 5s}}\n",
        hook.port
    );
    let file = home.write("plimsoll.yml", &config);
    let args = ["--bare", "--config", file.to_str().unwrap()];
    let server = home.start(&args);
    let pusher = Pusher::start(&server, 1);
    let recorded = wait_for(Duration::from_secs(30), || {
        server.query("test:level:double").first().filter(|s| s.last() == 2.0).map(|_| ())
    });
    assert!(recorded.is_some(), "the recording rule gave nothing");
    assert_eq!(hook.taken().len(), 0);

    pusher.set(10);
    let breached = Instant::now();
    told(&hook, Duration::from_secs(10), &["firing"]);
    println!("told {:.1} s after the breach", breached.elapsed().as_secs_f64());
    the_message_is_alertmanagers(&hook);
    let alerts = server.data("/api/v1/alerts");
    assert_eq!(alerts["alerts"][0]["state"], "firing", "{alerts}");

    drop(pusher);
    server.stop();
    let server = home.start(&args);
    let pusher = Pusher::start(&server, 10);
    silent(&hook, Duration::from_secs(15));
    let firing = server.query("ALERTS{alertstate=\"firing\"}");
    assert_eq!(firing.len(), 1, "{firing:?}");

    pusher.set(1);
    told(&hook, Duration::from_secs(20), &["firing", "resolved"]);
    drop(pusher);
    server.stop();
    let server = home.start(&args);
    let _pusher = Pusher::start(&server, 1);
    silent(&hook, Duration::from_secs(10));
    server.stop();
}

#[track_caller]
fn the_message_is_alertmanagers(hook: &Webhook) {
    let (_, body) = hook.taken().remove(0);
    assert_eq!(body["version"], "4", "{body}");
    assert_eq!(body["status"], "firing");
    assert_eq!(body["receiver"], "hook");
    assert_eq!(body["groupLabels"]["alertname"], "LevelHigh");
    let alert = &body["alerts"][0];
    assert_eq!(alert["labels"]["severity"], "page");
    assert_eq!(alert["labels"]["instance"], "box");
    assert_eq!(alert["annotations"]["summary"], "level is 10 on box");
    assert!(alert["startsAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(alert["endsAt"], "0001-01-01T00:00:00Z");
    assert_eq!(alert["fingerprint"].as_str().unwrap().len(), 16);
}
