//! Alerting in virtual time: what a rule does, what is told to whom, what a restart changes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod backfill;
mod backtest;
mod care;
mod crash;
mod evidence;
mod failover;
mod kinds;
mod packs;
mod receivers;
mod router;
mod templates;
mod unit_test;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};
use plimsoll_alert::config::{Config, Integration, Receiver};
use plimsoll_alert::notify::webhook::Webhook;
use plimsoll_alert::route::{GroupBy, Routing};
use plimsoll_alert::{Alerting, Prepared, Setup, notify, read_rules};
use plimsoll_model::{Labels, MemorySource, SampleSink, SeriesSource};
use plimsoll_query::{Engine, EngineConfig, Features, Query, Value, parse};
use plimsoll_records::{DeliveryState, EventQuery, Records, SimRecords};
use plimsoll_world::SimClock;

struct Bench {
    clock: Arc<SimClock>,
    memory: Arc<MemorySource>,
    records: Arc<SimRecords>,
    rules: String,
    alerting: Alerting,
}

fn engine() -> Engine {
    let config = EngineConfig { features: kinds::features(), ..EngineConfig::default() };
    Engine::new(config, Arc::new(plimsoll_world::Workers::new(1)))
}

fn config() -> Config {
    let hook = Integration {
        index: 0,
        send_resolved: true,
        channel: Arc::new(Webhook::new("http://hook")),
    };
    let mut routing = Routing::default();
    routing.receivers.push(Receiver {
        name: "hook".into(),
        integrations: vec![hook],
        ..Receiver::default()
    });
    routing.routes[0].receiver = "hook".into();
    Config { routing: Arc::new(routing), ..Config::default() }
}

fn open(
    rules: &str,
    clock: &Arc<SimClock>,
    memory: &Arc<MemorySource>,
    records: &Arc<SimRecords>,
) -> Alerting {
    let groups = read_rules("r.yml", rules, 5_000, &kinds::features()).unwrap();
    let setup = Setup {
        engine: Arc::new(engine()),
        source: Arc::clone(memory) as Arc<dyn SeriesSource>,
        sink: Arc::clone(memory) as Arc<dyn SampleSink>,
        records: Arc::clone(records) as Arc<dyn Records>,
        clock: Arc::clone(clock) as Arc<dyn plimsoll_world::Clock>,
        arm: Arc::new(|_, _| {}),
    };
    Alerting::open(setup, Prepared { config: config(), groups }).unwrap()
}

impl Bench {
    fn new(rules: &str) -> Self {
        let clock = Arc::new(SimClock::at(0));
        let memory = Arc::new(MemorySource::new());
        let records = Arc::new(SimRecords::new());
        let alerting = open(rules, &clock, &memory, &records);
        Self { clock, memory, records, rules: rules.to_owned(), alerting }
    }

    fn restart(&mut self) {
        self.alerting = open(&self.rules, &self.clock, &self.memory, &self.records);
    }

    /// Lets seconds pass, a sample `m{i=…} value` for each second and series, a tick each.
    fn pass(&self, seconds: i64, samples: &[(&str, f64)]) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            let now = plimsoll_world::Clock::wall_ms(&*self.clock);
            for (instance, value) in samples {
                let labels = Labels::new([("__name__", "m"), ("i", *instance)]).unwrap();
                self.memory.append(&labels, now, *value);
            }
            self.alerting.tick();
        }
    }

    /// Messages in the outbox in the order decided: seconds, status, alerts.
    fn told(&self) -> String {
        let mut out = String::new();
        let mut all = self.records.deliveries(DeliveryState::Pending, 100).unwrap();
        all.sort_by_key(|d| d.created_ms);
        for delivery in all {
            let body: serde_json::Value = serde_json::from_str(&delivery.body).unwrap();
            let payload = &body["payload"];
            let alerts: Vec<String> = payload["alerts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|a| format!("{}:{}", a["labels"]["i"].as_str().unwrap_or("-"), a["status"]))
                .collect();
            let at = delivery.created_ms / 1_000;
            writeln!(out, "{at} {} {}", payload["status"], alerts.join(" ")).unwrap();
        }
        out
    }

    fn transitions(&self) -> String {
        let mut out = String::new();
        let mut all = self.records.events(&EventQuery::default()).unwrap();
        all.reverse();
        for event in all {
            let t: serde_json::Value = serde_json::from_str(&event.body).unwrap();
            let labels = &t["alert"]["labels"]["i"];
            writeln!(out, "{} {labels} {} -> {}", event.time_ms / 1_000, t["from"], t["to"])
                .unwrap();
        }
        out
    }

    fn value(&self, expr: &str) -> Vec<f64> {
        let engine = engine();
        let query = Query::new(expr, parse(expr, &Features::default()).unwrap());
        let now = plimsoll_world::Clock::wall_ms(&*self.clock);
        let cx = plimsoll_model::ReadCx::unlimited();
        match engine.instant(&self.memory.snapshot(), &query, now, &cx).unwrap().value {
            Value::Vector(samples) => samples.iter().map(|s| s.value).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[track_caller]
fn check(found: &str, expected: &Expect) {
    expected.assert_eq(found);
}

const SLOW: &str = "
groups:
- name: g
  rules:
  - alert: Slow
    expr: m > 5
    for: 10s
    keep_firing_for: 10s
    annotations: {summary: '{{ $labels.i }} is at {{ $value }}'}
";

#[test]
fn a_breach_that_lasts_fires_and_is_told_within_seconds() {
    let bench = Bench::new(SLOW);
    bench.pass(10, &[("a", 1.0)]);
    bench.pass(20, &[("a", 9.0)]);
    bench.pass(120, &[("a", 1.0)]);
    check(
        &bench.transitions(),
        &expect![[r#"
            15 "a" "inactive" -> "pending"
            25 "a" "pending" -> "firing"
            45 "a" "firing" -> "inactive"
        "#]],
    );
    check(
        &bench.told(),
        &expect![[r#"
            26 "firing" a:"firing"
            86 "resolved" a:"resolved"
        "#]],
    );
}

#[test]
fn a_rule_in_the_shadow_records_and_notifies_nobody() {
    let mut bench = Bench::new(&SLOW.replace("alert: Slow", "alert: Slow\n    mode: shadow"));
    bench.pass(30, &[("a", 9.0)]);
    assert_eq!(bench.value("SHADOW_ALERTS{alertstate=\"firing\"}"), [1.0]);
    assert_eq!(bench.value("SHADOW_ALERTS_FOR_STATE"), [1.0]);
    assert_eq!(bench.value("{__name__=~\"ALERTS.*\"}"), [0.0; 0]);
    let rule = bench.alerting.groups()[0].rules[0].clone();
    assert!(rule.shadow && rule.state == plimsoll_alert::AlertState::Firing, "{rule:?}");
    bench.restart();
    bench.pass(120, &[("a", 1.0)]);
    check(
        &bench.transitions(),
        &expect![[r#"
            1 "a" "inactive" -> "pending"
            15 "a" "pending" -> "firing"
            45 "a" "firing" -> "inactive"
        "#]],
    );
    assert_eq!(bench.told(), "");
    let all = bench.records.events(&EventQuery::default()).unwrap();
    assert!(all.iter().all(|e| e.kind == "shadow_transition"), "{all:?}");
}

#[test]
fn a_rule_that_goes_into_the_shadow_ends_its_alerts() {
    let mut bench = Bench::new(SLOW);
    bench.pass(30, &[("a", 9.0)]);
    bench.rules = SLOW.replace("alert: Slow", "alert: Slow\n    mode: shadow");
    bench.restart();
    bench.pass(120, &[("a", 9.0)]);
    check(
        &bench.told(),
        &expect![[r#"
            16 "firing" a:"firing"
            76 "resolved" a:"resolved"
        "#]],
    );
}

#[test]
fn a_short_spike_tells_nobody() {
    let bench = Bench::new(SLOW);
    bench.pass(10, &[("a", 1.0)]);
    bench.pass(6, &[("a", 9.0)]);
    bench.pass(60, &[("a", 1.0)]);
    check(
        &bench.transitions(),
        &expect![[r#"
            15 "a" "inactive" -> "pending"
            20 "a" "pending" -> "inactive"
        "#]],
    );
    assert_eq!(bench.told(), "");
}

#[test]
fn a_restart_pages_nobody_twice_and_loses_no_time() {
    let mut bench = Bench::new(SLOW);
    bench.pass(8, &[("a", 9.0)]);
    bench.restart();
    bench.pass(10, &[("a", 9.0)]);
    bench.restart();
    bench.pass(100, &[("a", 9.0)]);
    bench.restart();
    bench.pass(100, &[("a", 1.0)]);
    check(
        &bench.told(),
        &expect![[r#"
            14 "firing" a:"firing"
            134 "resolved" a:"resolved"
        "#]],
    );
}

#[test]
fn states_are_series_that_end() {
    let bench = Bench::new(SLOW);
    bench.pass(30, &[("a", 9.0)]);
    assert_eq!(bench.value("ALERTS{alertstate=\"firing\"}"), [1.0]);
    assert_eq!(bench.value("ALERTS{alertstate=\"pending\"}"), [] as [f64; 0]);
    assert_eq!(bench.value("ALERTS_FOR_STATE"), [1.0]);
    bench.pass(30, &[("a", 1.0)]);
    assert_eq!(bench.value("ALERTS"), [] as [f64; 0]);
}

#[test]
fn a_rule_records_native_histograms() {
    let bench = Bench::new(
        "
groups:
- name: g
  rules:
  - {record: 'sum:h', expr: sum(h)}
  - {record: 'count:h', expr: 'histogram_count(sum:h)'}
  - {record: 'less:h', expr: '-h'}
  - {alert: Any, expr: 'sum:h'}
",
    );
    let counts = plimsoll_model::Counts::Integer {
        count: 3,
        zero: 0,
        positive: vec![1, 2],
        negative: vec![],
    };
    let h = plimsoll_model::Histogram {
        schema: 0,
        hint: plimsoll_model::ResetHint::Unknown,
        zero_threshold: 0.0,
        sum: 4.0,
        positive_spans: vec![plimsoll_model::Span { offset: 0, length: 2 }],
        negative_spans: vec![],
        custom: vec![],
        counts,
    };
    for instance in ["a", "b"] {
        let labels = Labels::new([("__name__", "h"), ("i", instance)]).unwrap();
        bench.memory.append_sample(&labels, 1, 0.0, Some(&h), 0);
    }
    bench.pass(3, &[]);
    assert_eq!(bench.value("histogram_sum(sum:h)"), [8.0]);
    assert_eq!(bench.value("count:h"), [6.0]);
    assert!(bench.value("less:h").is_empty());
    assert_eq!(bench.value("histogram_count(last_over_time(sum:h[1m]))"), [6.0]);
    assert_eq!(bench.value("ALERTS{alertname=\"Any\"}"), [1.0]);
}

#[test]
fn later_rules_of_a_group_see_the_earlier_ones() {
    let bench = Bench::new(
        "
groups:
- name: g
  rules:
  - {record: 'i:m:double', expr: m * 2, labels: {unit: x}}
  - {alert: Big, expr: 'i:m:double > 5'}
",
    );
    bench.pass(3, &[("a", 3.0)]);
    assert_eq!(bench.value("i:m:double{unit=\"x\"}"), [6.0]);
    assert_eq!(bench.value("ALERTS{alertname=\"Big\"}"), [1.0]);
}

#[test]
fn a_page_goes_out_even_when_it_cannot_be_recorded() {
    let bench = Bench::new(SLOW);
    bench.pass(5, &[("a", 1.0)]);
    bench.records.fail_after(Some(0));
    bench.pass(30, &[("a", 9.0)]);
    assert_eq!(bench.told(), "", "nothing can be recorded");
    assert_eq!(bench.alerting.outbox().len(), 1, "the message is there to be sent");
    bench.records.fail_after(None);
    bench.pass(1, &[("a", 9.0)]);
    check(
        &bench.told(),
        &expect![[r#"
            21 "firing" a:"firing"
        "#]],
    );
}

#[test]
fn what_was_delivered_is_not_sent_again_while_nothing_can_be_recorded() {
    let bench = Bench::new(SLOW);
    bench.pass(5, &[("a", 1.0)]);
    bench.records.fail_after(Some(0));
    bench.pass(30, &[("a", 9.0)]);
    let now = plimsoll_world::Clock::wall_ms(&*bench.clock);
    for delivery in bench.alerting.outbox().take_due(now) {
        bench.alerting.outbox().done(delivery, &notify::Outcome::Delivered, now);
    }
    bench.pass(30, &[("a", 9.0)]);
    assert!(bench.alerting.outbox().is_empty(), "a full disk must not page for ever");
}

#[test]
fn alerts_of_rules_that_went_away_while_stopped_end() {
    let mut bench = Bench::new(SLOW);
    bench.pass(30, &[("a", 9.0)]);
    bench.rules = "groups: []".to_owned();
    bench.restart();
    bench.pass(70, &[("a", 9.0)]);
    let told = bench.told();
    assert!(told.ends_with("a:\"resolved\"\n"), "{told}");
    assert!(bench.records.documents("rule_state").unwrap().is_empty());
}

#[test]
fn a_rule_that_moves_within_its_group_keeps_its_state() {
    let bench = Bench::new(SLOW);
    bench.pass(30, &[("a", 9.0)]);
    let moved = SLOW.replace("rules:\n", "rules:\n  - {alert: First, expr: m > 100}\n");
    let groups = read_rules("r.yml", &moved, 5_000, &Features::default()).unwrap();
    bench.alerting.apply(Prepared { config: config(), groups });
    bench.pass(90, &[("a", 9.0)]);
    assert_eq!(bench.told().lines().count(), 1, "{}", bench.told());
}

#[test]
fn another_grouping_loses_no_end() {
    let bench = Bench::new(SLOW);
    bench.pass(30, &[("a", 9.0)]);
    let mut other = config();
    let routing = Arc::make_mut(&mut other.routing);
    routing.routes[0].group_by = GroupBy::Labels(["i".to_owned()].into());
    let groups = read_rules("r.yml", SLOW, 5_000, &Features::default()).unwrap();
    bench.alerting.apply(Prepared { config: other, groups });
    bench.pass(90, &[("a", 9.0)]);
    assert_eq!(bench.told().lines().count(), 1, "told once: {}", bench.told());
    bench.pass(120, &[("a", 1.0)]);
    assert_eq!(bench.told().lines().count(), 2, "and ended once: {}", bench.told());
    assert_eq!(bench.records.documents("router_group").unwrap().len(), 0);
}

#[test]
fn a_crash_between_any_two_records_tells_everything_once() {
    let whole = {
        let bench = Bench::new(SLOW);
        bench.pass(30, &[("a", 9.0), ("b", 9.0)]);
        bench.records.applied()
    };
    for after in 0..whole {
        let mut bench = Bench::new(SLOW);
        bench.records.fail_after(Some(after));
        bench.pass(30, &[("a", 9.0), ("b", 9.0)]);
        bench.records.fail_after(None);
        bench.restart();
        bench.pass(30, &[("a", 9.0), ("b", 9.0)]);
        let firing = bench.told().matches("a:\"firing\"").count();
        assert_eq!(firing, 1, "crash after {after} of {whole}: {}", bench.told());
    }
}

#[test]
fn a_rule_that_fails_keeps_its_alerts_and_says_why() {
    let bench =
        Bench::new("groups:\n- name: g\n  limit: 1\n  rules:\n  - {alert: Many, expr: m > 5}\n");
    bench.pass(5, &[("a", 9.0)]);
    bench.pass(10, &[("a", 9.0), ("b", 9.0)]);
    let groups = bench.alerting.groups();
    let rule = &groups[0].rules[0];
    assert_eq!(rule.error.as_deref(), Some("exceeded limit of 1 with 2 series"));
    assert_eq!(rule.alerts.len(), 1);
}

#[test]
fn rules_that_stay_keep_their_state_when_others_change() {
    let bench = Bench::new(SLOW);
    bench.pass(30, &[("a", 9.0)]);
    let more = format!("{SLOW}  - {{alert: Other, expr: m > 100}}\n");
    let groups = read_rules("r.yml", &more, 5_000, &Features::default()).unwrap();
    bench.alerting.apply(Prepared { config: config(), groups });
    bench.pass(30, &[("a", 9.0)]);
    assert_eq!(bench.told().lines().count(), 1);
    bench.alerting.apply(Prepared { config: config(), groups: Vec::new() });
    bench.pass(70, &[("a", 9.0)]);
    assert!(bench.told().ends_with("\"resolved\" a:\"resolved\"\n"), "{}", bench.told());
}
