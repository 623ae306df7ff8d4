//! What happens to messages whose receiver does not take them: the fallback, dead letters, tests.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_alert::config::{Config, read_added, read_file};
use plimsoll_alert::{Alerting, Posted, Prepared, Setup, notify};
use plimsoll_model::{MemorySource, SampleSink, SeriesSource};
use plimsoll_records::{Records, SimRecords};
use plimsoll_world::World;

use super::engine;
use super::receivers::{Mood, Seen, http_double, tools};

const CONFIG: &str = "route: {receiver: ops, group_by: ['...'], group_wait: 0s}\nreceivers:\n\
- name: ops\n  fallback: phone\n  slack_configs: [{api_url: 'http://ADDR/slack', channel: c}]\n\
- name: phone\n  ntfy_configs: [{url: 'http://NTFY/', topic: phone}]\n";

fn open(first: &str, second: &str) -> Arc<Alerting> {
    let memory = Arc::new(MemorySource::new());
    let setup = Setup {
        engine: Arc::new(engine()),
        source: Arc::clone(&memory) as Arc<dyn SeriesSource>,
        sink: memory as Arc<dyn SampleSink>,
        records: Arc::new(SimRecords::new()) as Arc<dyn Records>,
        clock: World::real().clock,
        arm: Arc::new(|_, _| {}),
    };
    let text = CONFIG.replace("ADDR", first).replace("NTFY", second);
    let routing = read_file("am.yml", &text, &[]).unwrap().routing;
    let config = Config { routing, default_rules: false, ..Config::default() };
    Arc::new(Alerting::open(setup, Prepared { config, groups: Vec::new() }).unwrap())
}

fn posted(i: usize) -> Posted {
    let pair = |n: &str, v: String| (n.to_owned(), v);
    Posted {
        labels: [pair("alertname", "Theirs".into()), pair("i", i.to_string())].into(),
        ..Posted::default()
    }
}

/// Waits until something is so; a minute is for ever.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), waited).await.is_ok(), "never: {what}");
}

fn topics(seen: &[Seen]) -> usize {
    seen.iter().filter(|s| s.body.contains("\"topic\":\"phone\"")).count()
}

#[tokio::test]
async fn what_is_refused_goes_to_the_fallback_and_can_be_sent_again() {
    let (slack, refused) = http_double(Mood::Refuses).await;
    let (ntfy, phone) = http_double(Mood::Takes).await;
    let alerting = open(&slack, &ntfy);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(notify::run(Arc::clone(&alerting), tools(), stopped));
    alerting.post(vec![posted(0)]).unwrap();
    until("the fallback hears of it", || topics(&phone.lock()) == 1).await;
    until("both are written down", || {
        alerting.dead_letters(10).unwrap().len() == 1 && alerting.receipts(10).unwrap().len() == 1
    })
    .await;
    let dead = alerting.dead_letters(10).unwrap().remove(0);
    assert_eq!((dead.receiver.as_str(), dead.integration.as_str()), ("ops", "slack/0"));
    assert!(dead.error.contains("answered 400"), "{}", dead.error);
    let receipt = alerting.receipts(10).unwrap().remove(0);
    assert_eq!((receipt.receiver.as_str(), receipt.integration.as_str()), ("phone", "ntfy/0"));
    assert!(receipt.error.is_empty() && receipt.ended_ms >= receipt.decided_ms);
    assert!(alerting.retry_dead(&dead.id).unwrap());
    until("it is tried again", || refused.lock().len() == 2).await;
    until("it is dead again", || alerting.dead_letters(10).unwrap().len() == 1).await;
    assert!(alerting.discard_dead(&dead.id).unwrap());
    assert!(!alerting.discard_dead("nobody").unwrap());
    assert_eq!(alerting.dead_letters(10).unwrap(), []);
    assert!(alerting.metrics().latency.read().1 >= 1);
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_channel_that_fails_is_left_alone_and_its_messages_go_elsewhere() {
    let (slack, _) = http_double(Mood::Breaks).await;
    let (ntfy, phone) = http_double(Mood::Takes).await;
    let alerting = open(&slack, &ntfy);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(notify::run(Arc::clone(&alerting), tools(), stopped));
    alerting.post((0..6).map(posted).collect()).unwrap();
    until("the fallback hears of all", || topics(&phone.lock()) == 6).await;
    let view = alerting.breakers().view();
    assert!(view.len() == 1 && view[0].is_open && view[0].receiver == "ops", "{view:?}");
    until("all is written down", || alerting.receipts(10).unwrap().len() == 6).await;
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_test_says_how_each_integration_does() {
    let (slack, seen) = http_double(Mood::Takes).await;
    let alerting = open(&slack, "127.0.0.1:1");
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(notify::run(Arc::clone(&alerting), tools(), stopped));
    tokio::task::yield_now().await;
    let ops = notify::trial(&alerting, "ops").await.unwrap();
    assert_eq!((ops.len(), ops[0].error.clone()), (1, None));
    assert!(seen.lock()[0].body.contains("This is a test of the receiver ops"));
    let phone = notify::trial(&alerting, "phone").await.unwrap();
    assert!(phone[0].integration == "ntfy/0" && phone[0].error.is_some(), "{phone:?}");
    let unknown = notify::trial(&alerting, "nobody").await.unwrap_err();
    assert!(unknown.to_string().contains("\"nobody\""), "{unknown}");
    // Both stand among the receipts, as tests, the one that failed with its reason; none is sent again.
    let mut kept = alerting.receipts(10).unwrap();
    kept.sort_by(|a, b| a.receiver.cmp(&b.receiver));
    let seen: Vec<_> =
        kept.iter().map(|l| (l.receiver.as_str(), l.is_test, l.error.is_empty())).collect();
    assert_eq!(seen, [("ops", true, true), ("phone", true, false)]);
    assert!(kept[0].message.to_string().contains("This is a test of the receiver ops"));
    assert_eq!(alerting.dead_letters(10).unwrap(), []);
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_is_only_written_is_tested_and_tests_have_a_bound() {
    let (slack, seen) = http_double(Mood::Takes).await;
    let alerting = open("127.0.0.1:1", "127.0.0.1:1");
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(notify::run(Arc::clone(&alerting), tools(), stopped));
    tokio::task::yield_now().await;
    let text = format!("slack_configs: [{{api_url: 'http://{slack}/slack', channel: c}}]\n");
    let draft = read_added("draft", "draft.yml", &text, &[]).unwrap().receiver;
    let tried = notify::trial_of(&alerting, &draft).await.unwrap();
    assert_eq!((tried.len(), tried[0].error.clone()), (1, None));
    assert!(seen.lock()[0].body.contains("This is a test of the receiver draft"));
    assert!(notify::trial(&alerting, "draft").await.is_err(), "it is in force nowhere");
    assert_eq!(alerting.receipts(10).unwrap()[0].receiver, "draft");

    // Who asks for one more than may go on is told so; there is room again when they are over.
    let (hangs, held) = http_double(Mood::Hangs).await;
    let text =
        format!("slack_configs: [{{api_url: 'http://{hangs}/slack', channel: c, timeout: 2s}}]\n");
    let slow = Arc::new(read_added("slow", "slow.yml", &text, &[]).unwrap().receiver);
    let all: Vec<_> = (0..notify::TRIALS_MAX)
        .map(|_| {
            let (alerting, slow) = (Arc::clone(&alerting), Arc::clone(&slow));
            tokio::spawn(async move { notify::trial_of(&alerting, &slow).await })
        })
        .collect();
    until("all hang", || held.lock().len() == notify::TRIALS_MAX).await;
    let busy = notify::trial_of(&alerting, &draft).await.unwrap_err();
    assert_eq!(busy, notify::TrialError::Busy);
    // Nobody waits for the answers any more: the tests go on and are written down, then there is room.
    for one in all {
        one.abort();
        let _aborted = one.await;
    }
    let busy = notify::trial_of(&alerting, &draft).await.unwrap_err();
    assert_eq!(busy, notify::TrialError::Busy);
    let waited = async {
        while notify::trial_of(&alerting, &draft).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), waited).await.is_ok(), "never over");
    let kept = alerting.receipts(100).unwrap();
    assert!(kept.iter().any(|l| l.receiver == "slow" && !l.error.is_empty()), "{kept:?}");
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[test]
fn a_fallback_is_another_receiver() {
    for other in ["ops", "nobody"] {
        let text = CONFIG.replace("fallback: phone", &format!("fallback: {other}"));
        let text = text.replace("ADDR", "h").replace("NTFY", "h");
        let told = read_file("am.yml", &text, &[]).unwrap_err()[0].to_string();
        assert!(told.contains("is not the name of another receiver"), "{told}");
    }
}
