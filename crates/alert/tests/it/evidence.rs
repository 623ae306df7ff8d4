//! Evidence in messages: what it says, that it holds up no message, and how each service gets it.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect_file;
use parking_lot::Mutex;
use plimsoll_alert::Templates;
use plimsoll_alert::evidence::{
    Asked, Cause, Drawing, Evidence, Exhibit, Findings, Gallery, Happened, Illustrate, Link,
    Picture, PictureKind, Reading, Studio, StudioParts, WAITING_MAX,
};
use plimsoll_alert::notify::{Making, Outcome, Outgoing, Tools};
use plimsoll_model::{Chart, DAY_MS, HOUR_MS, Labels, MINUTE_MS, Role, Unit};
use plimsoll_world::{Clock, Sim, World};
use serde_json::{Value, json};

use super::Bench;
use super::receivers::{self, Mood};

/// Remembers what it was asked to draw.
#[derive(Default)]
struct Sketches(Mutex<Vec<Chart>>);

impl Illustrate for Sketches {
    fn draw(&self, chart: &Chart) -> Option<Drawing> {
        self.0.lock().push(chart.clone());
        Some(Drawing { svg: "<svg/>".into(), png: b"png".to_vec() })
    }
}

struct Oracle;

impl Evidence for Oracle {
    fn findings(&self, asked: &Asked<'_>) -> Findings {
        let text = format!("db writes rose before {}", asked.alerts[0].labels["alertname"]);
        let cause = Cause { text, score: 0.83, url: String::new() };
        Findings { causes: vec![cause], ..Findings::default() }
    }
}

const RULES: &str = "\
groups:
- name: g
  interval: 1s
  rules:
  - alert: Full
    expr: m_ratio{kind='disk'} > 0.5 + 0.4
    labels: {severity: page}
    annotations: {runbook_url: 'http://run/full'}
";

struct Scene {
    bench: Bench,
    sim: Sim,
    sketches: Arc<Sketches>,
    now: i64,
}

impl Scene {
    /// A bench whose clock stands at noon of a day with a week of samples before it.
    fn new(rules: &str, instances: usize) -> Self {
        Self::with(rules, instances, Arc::new(Oracle))
    }

    fn with(rules: &str, instances: usize, evidence: Arc<dyn Evidence>) -> Self {
        let bench = Bench::new(rules);
        let now = 20_000 * DAY_MS + 12 * HOUR_MS;
        bench.clock.set_wall_ms(now);
        let (world, sim) = World::simulated(7, now);
        let sketches = Arc::new(Sketches::default());
        let (disk, chance) = (Arc::clone(&world.disk), Arc::clone(&world.chance));
        let gallery = Arc::new(Gallery::open(disk, chance, "/evidence".into(), now));
        bench.alerting.show_evidence(Studio::new(StudioParts {
            illustrate: Some(Arc::clone(&sketches) as Arc<dyn Illustrate>),
            evidence: Some(evidence),
            gallery: Some(gallery),
        }));
        let scene = Self { bench, sim, sketches, now };
        for i in 0..instances {
            for (days, value) in [(7, 0.3), (1, 0.4)] {
                for minute in 0..60 {
                    let at = now - days * DAY_MS - (59 - minute) * MINUTE_MS;
                    scene.sample(i, at, value);
                }
            }
        }
        scene
    }

    fn sample(&self, i: usize, at: i64, value: f64) {
        let i = i.to_string();
        let labels = [("__name__", "m_ratio"), ("instance", i.as_str()), ("kind", "disk")];
        self.bench.memory.append(&Labels::new(labels).unwrap(), at, value);
    }

    /// The alerts fire, and a second later, when their group was waited for, their message is decided.
    fn breach(&mut self, instances: usize) {
        for _ in 0..2 {
            self.bench.clock.advance(Duration::from_secs(1));
            self.now = self.bench.clock.wall_ms();
            (0..instances).for_each(|i| self.sample(i, self.now, 0.95));
            self.bench.alerting.tick();
        }
    }

    fn metric(&self, name: &str) -> f64 {
        let rows = self.bench.alerting.metrics().rows();
        rows.iter().find(|r| r.0 == name).unwrap().3
    }
}

fn body(delivery: &plimsoll_records::Delivery) -> Value {
    serde_json::from_str(&delivery.body).unwrap()
}

#[test]
fn a_message_waits_for_its_evidence_and_has_it() {
    let mut scene = Scene::new(RULES, 2);
    scene.sample(1, scene.now, 0.2);
    scene.breach(1);
    let outbox = scene.bench.alerting.outbox();
    assert_eq!(outbox.len(), 1, "in the outbox from the beginning");
    assert!(outbox.take_due(scene.now).is_empty(), "it waits");
    assert!(scene.bench.alerting.illustrate_one());
    assert!(!scene.bench.alerting.illustrate_one(), "there is nothing else to do");
    let due = outbox.take_due(scene.now);
    let message = &body(&due[0])["payload"];
    assert_eq!(message["version"], "4");
    let shown = &message["plimsoll"];
    let reading = &shown["alerts"][0];
    assert_eq!(
        (&reading["value"], &reading["day_ago"], &reading["week_ago"]),
        (&json!(0.95), &json!(0.4), &json!(0.3)),
        "{shown}"
    );
    assert_eq!((&shown["condition"], &shown["unit"]), (&json!("> 90 %"), &json!("ratio")));
    assert_eq!(
        (&shown["fired_times_30d"], &shown["runbook"]),
        (&json!(1), &json!("http://run/full"))
    );
    assert_eq!(shown["causes"][0]["text"], "db writes rose before Full");
    let titles: Vec<&str> =
        shown["links"].as_array().unwrap().iter().map(|l| l["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Runbook", "Chart", "Alert", "Rule"]);

    let url = shown["chart_png_url"].as_str().unwrap();
    let id = url.rsplit('/').next().unwrap().trim_end_matches(".png");
    assert_eq!(id.len(), 32);
    let picture = scene.bench.alerting.picture(id, PictureKind::Png).unwrap();
    assert_eq!(picture.unwrap(), b"png", "it is there before its message is sent");
    let charts = scene.sketches.0.lock();
    let roles: Vec<Role> = charts[0].lines.iter().map(|l| l.role).collect();
    assert_eq!(roles, [Role::Subject, Role::DayAgo, Role::WeekAgo]);
    assert_eq!(charts[0].title, "Full · 0");
    assert_eq!(charts[0].subtitle, "m_ratio{kind=\"disk\"}");
    assert_eq!(charts[0].spans, [(scene.now - 1_000, scene.now)]);
    assert!((charts[0].levels[0].value - 0.9).abs() < 1e-9 && charts[0].is_alarming);
    let window = charts[0].until - charts[0].from;
    assert_eq!((charts[0].until, window), (scene.now, 6 * HOUR_MS));
    assert_eq!(charts[0].unit, Unit::Ratio);
}

#[test]
fn without_evidence_a_message_goes_after_two_seconds_also_after_a_restart() {
    let mut scene = Scene::new(RULES, 1);
    scene.breach(1);
    let outbox = scene.bench.alerting.outbox();
    assert!(outbox.take_due(scene.now + 1_999).is_empty());
    assert_eq!(outbox.next_at(), Some(scene.now + 2_000));
    scene.bench.restart();
    let outbox = scene.bench.alerting.outbox();
    let due = outbox.take_due(scene.now + 2_000);
    assert_eq!(due.len(), 1);
    assert!(body(&due[0])["payload"].get("plimsoll").is_none());
    assert!(!scene.bench.alerting.illustrate_one(), "nobody makes evidence for it any more");
}

#[test]
fn evidence_that_is_late_is_left_out() {
    let mut scene = Scene::new(RULES, 1);
    scene.breach(1);
    scene.bench.clock.advance(Duration::from_millis(2_000));
    assert!(scene.bench.alerting.illustrate_one());
    assert_eq!(scene.metric("plimsoll_alert_evidence_late_total"), 1.0);
    assert!(scene.sketches.0.lock().is_empty(), "nothing is drawn for nobody");
    let due = scene.bench.alerting.outbox().take_due(scene.now + 2_000);
    assert_eq!(due.len(), 1);
}

/// Hangs until it is let go, as a source that does not answer.
struct Stuck(Mutex<std::sync::mpsc::Receiver<()>>);

impl Evidence for Stuck {
    fn findings(&self, _: &Asked<'_>) -> Findings {
        let _let_go = self.0.lock().recv();
        Findings::default()
    }
}

#[test]
fn evidence_that_hangs_holds_up_no_message() {
    let (let_go, stuck) = std::sync::mpsc::channel();
    let mut scene = Scene::with(RULES, 1, Arc::new(Stuck(Mutex::new(stuck))));
    scene.breach(1);
    let outbox = scene.bench.alerting.outbox();
    let alerting = &scene.bench.alerting;
    std::thread::scope(|threads| {
        let making = threads.spawn(|| alerting.illustrate_one());
        let due = outbox.take_due(scene.now + 2_000);
        assert_eq!(due.len(), 1, "the page goes out while its evidence hangs");
        assert!(body(&due[0])["payload"].get("plimsoll").is_none());
        scene.bench.clock.advance(Duration::from_secs(60));
        let_go.send(()).unwrap();
        assert!(making.join().unwrap());
    });
    assert_eq!(scene.metric("plimsoll_alert_evidence_total"), 0.0);
    assert_eq!(scene.metric("plimsoll_alert_evidence_late_total"), 1.0);
}

#[test]
fn a_storm_is_told_at_once_and_most_of_it_without_evidence() {
    let mut rules = String::from("groups:\n- name: g\n  interval: 1s\n  rules:\n");
    for i in 0..100 {
        rules.push_str(&format!("  - {{alert: A{i}, expr: 'm_ratio > 0.9'}}\n"));
    }
    let mut scene = Scene::new(&rules, 1);
    scene.breach(1);
    assert_eq!(scene.bench.alerting.outbox().len(), 100, "each alert is a group");
    let left_out = scene.metric("plimsoll_alert_evidence_left_out_total");
    assert_eq!(left_out, (100 - WAITING_MAX) as f64);
    let mut sent = 0;
    loop {
        let due = scene.bench.alerting.outbox().take_due(scene.now);
        if due.is_empty() {
            break;
        }
        for delivery in due {
            assert!(body(&delivery)["payload"].get("plimsoll").is_none());
            scene.bench.alerting.outbox().done(delivery, &Outcome::Delivered, scene.now);
            sent += 1;
        }
    }
    assert_eq!(sent, 100 - WAITING_MAX, "those without evidence do not wait");
    let mut made = 0;
    while scene.bench.alerting.illustrate_one() {
        made += 1;
    }
    assert_eq!(made, WAITING_MAX);
    assert_eq!(scene.metric("plimsoll_alert_evidence_total"), WAITING_MAX as f64);
    assert_eq!(scene.bench.alerting.outbox().take_due(scene.now).len(), WAITING_MAX);
}

#[test]
fn several_alerts_share_a_chart() {
    let mut scene = Scene::new(RULES, 12);
    scene.breach(12);
    scene.bench.alerting.illustrate_one();
    let charts = scene.sketches.0.lock();
    assert_eq!((charts.len(), charts[0].lines.len()), (1, 8));
    assert_eq!(charts[0].title, "Full · 8 alerts");
    assert!(charts[0].lines.iter().all(|l| l.role == Role::Subject && l.points.len() == 1));
    let due = scene.bench.alerting.outbox().take_due(scene.now);
    let shown = &body(&due[0])["payload"]["plimsoll"];
    assert_eq!(shown["alerts"].as_array().unwrap().len(), 8);
    assert_eq!(shown["alerts"][3]["day_ago"], 0.4, "{shown}");
}

#[test]
fn each_severity_of_a_rule_has_its_line() {
    let rules = "\
groups:
- name: g
  interval: 1s
  rules:
  - threshold: Full
    expr: m_ratio
    above: {warning: 0.8, critical: 0.9}
";
    let mut scene = Scene::new(rules, 1);
    scene.breach(1);
    scene.bench.alerting.illustrate_one();
    let charts = scene.sketches.0.lock();
    let levels: Vec<&str> = charts[0].levels.iter().map(|l| l.label.as_str()).collect();
    assert_eq!(levels, ["warning > 80 %", "critical > 90 %"]);
    let due = scene.bench.alerting.outbox().take_due(scene.now);
    let shown = &body(&due[0])["payload"]["plimsoll"];
    assert_eq!(shown["condition"], "> 90 %", "what this alert crossed: {shown}");
}

#[test]
fn what_cannot_be_drawn_or_kept_leaves_the_figures() {
    let rules = RULES.replace("m_ratio{kind='disk'} > 0.5 + 0.4", "vector(1) > 0");
    let mut scene = Scene::new(&rules, 1);
    scene.breach(0);
    scene.bench.alerting.illustrate_one();
    let due = scene.bench.alerting.outbox().take_due(scene.now);
    let shown = &body(&due[0])["payload"]["plimsoll"];
    assert_eq!(shown["alerts"][0]["value"], 1.0);
    assert!(shown["chart_png_url"].is_string(), "a chart of a number is a chart");

    let mut scene = Scene::new(RULES, 1);
    scene.sim.disk.set_capacity(1 << 20);
    scene.breach(1);
    scene.bench.alerting.illustrate_one();
    let due = scene.bench.alerting.outbox().take_due(scene.now);
    let shown = &body(&due[0])["payload"]["plimsoll"];
    assert_eq!(
        (&shown["chart_png_url"], &shown["alerts"][0]["value"]),
        (&Value::Null, &json!(0.95))
    );
}

#[test]
fn an_alert_can_be_looked_at() {
    let mut scene = Scene::new(RULES, 1);
    scene.breach(1);
    let fingerprint = scene.bench.alerting.routed()[0].fingerprint;
    let fingerprint = u64::from_str_radix(&format!("{fingerprint:016x}"), 16).unwrap();
    let (exhibit, svg) = scene.bench.alerting.evidence_of(fingerprint).unwrap();
    assert_eq!((exhibit.readings[0].value, svg.as_deref()), (Some(0.95), Some("<svg/>")));
    assert_eq!(exhibit.picture, None, "it is not kept");
    assert!(scene.bench.alerting.evidence_of(1).is_none());
}

fn exhibit() -> Exhibit {
    let at = 1_763_700_660_000;
    let happened =
        |minutes: i64, what: &str| Happened { at: at - minutes * MINUTE_MS, what: what.to_owned() };
    Exhibit {
        at,
        picture: Some(Picture { id: "0123456789abcdef0123456789abcdef".to_owned() }),
        caption: "Chart of a \"b\" over 6 h".to_owned(),
        unit: Unit::Ratio,
        condition: "> 90 %".to_owned(),
        readings: vec![Reading {
            name: String::new(),
            fingerprint: 7,
            value: Some(0.973),
            day_ago: Some(0.41),
            week_ago: None,
            since: at - 12 * MINUTE_MS,
            until: None,
        }],
        others: 1,
        fired_30d: 3,
        last: vec![
            happened(4_000, "fired for 14 m"),
            happened(9_000, "silenced by <ann>: new disk & more"),
        ],
        runbook: "http://run/1".to_owned(),
        links: vec![
            Link { title: "Runbook".to_owned(), url: "http://run/1".to_owned() },
            Link {
                title: "Chart".to_owned(),
                url: "http://plimsoll:7546/explore?expr=a&from=1".to_owned(),
            },
        ],
        findings: Findings {
            causes: vec![Cause {
                text: "writes of db-1".to_owned(),
                score: 0.83,
                url: String::new(),
            }],
            changes: vec![happened(20, "deployed api 1.2")],
            forecast: Some("full in 40 m".to_owned()),
            recommendation: Some("Free space on /.".to_owned()),
        },
    }
}

fn messages() -> Vec<(String, Value)> {
    let routing = receivers::routing(receivers::CONFIG, "127.0.0.1:1", "127.0.0.1:1");
    let templates = Templates::standard();
    let exhibit = exhibit();
    let external_url = "http://plimsoll:7546";
    let making = Making { external_url, templates: &templates, exhibit: Some(&exhibit) };
    let n = receivers::notification(true);
    let make =
        |i: &plimsoll_alert::config::Integration| (i.name(), i.channel.make(&n, &making).unwrap());
    routing.receivers[0].integrations.iter().map(make).collect()
}

#[test]
fn each_service_gets_it_in_its_own_way() {
    let mut told = String::new();
    for (name, message) in messages() {
        told.push_str(&format!("{name}\n{}\n\n", serde_json::to_string_pretty(&message).unwrap()));
    }
    expect_file!["evidence.txt"].assert_eq(&told);
}

#[test]
fn templates_see_it() {
    let text = "route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs:\n  - api_url: 'http://h/'\n    \
                text: 'now {{ .Evidence.Value }} {{ with .Evidence.WeekAgo }}no{{ end }}'\n    \
                image_url: '{{ .Evidence.ChartSVG }}'\n";
    let routing = receivers::routing(text, "h", "");
    let (templates, exhibit) = (Templates::standard(), exhibit());
    let making =
        Making { external_url: "http://x", templates: &templates, exhibit: Some(&exhibit) };
    let channel = &routing.receivers[0].integrations[0].channel;
    let message = channel.make(&receivers::notification(true), &making).unwrap();
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["text"], "now 97.3 % ");
    let url = "http://x/api/plimsoll/v1/evidence/0123456789abcdef0123456789abcdef.svg";
    assert_eq!(attachment["image_url"], url, "what people wrote comes first");
}

#[tokio::test]
async fn a_mail_has_its_chart_inside_while_it_is_kept() {
    let (world, _sim) = World::simulated(1, 0);
    let (disk, chance) = (Arc::clone(&world.disk), Arc::clone(&world.chance));
    let gallery = Arc::new(Gallery::open(disk, chance, "/e".into(), 0));
    let picture = gallery.put(&Drawing { svg: "<svg/>".into(), png: vec![7; 300] }, 0).unwrap();
    let (mail, mails) = receivers::smtp_double(Mood::Takes).await;
    let routing = receivers::routing(receivers::CONFIG, "127.0.0.1:1", &mail);
    let email = routing.receivers[0].integrations.iter().find(|i| i.name() == "email/0").unwrap();
    for id in [picture.id.clone(), "f".repeat(32)] {
        let (templates, mut exhibit) = (Templates::standard(), exhibit());
        exhibit.picture = Some(Picture { id });
        let making =
            Making { external_url: "http://x", templates: &templates, exhibit: Some(&exhibit) };
        let message = email.channel.make(&receivers::notification(true), &making).unwrap();
        let tools = Tools { gallery: Some(Arc::clone(&gallery)), ..receivers::tools() };
        let outgoing = Outgoing { idempotency_key: "0123-k1-email/0".into(), message };
        assert_eq!(email.channel.send(outgoing, &tools).await, Outcome::Delivered);
    }
    let mails = mails.lock();
    let with = &mails[0].body;
    assert!(with.contains("multipart/related") && with.contains("image/png"), "{with}");
    assert!(with.contains(&format!("Content-ID: <chart-{}@plimsoll>", picture.id)), "{with}");
    assert!(with.contains("A day ago: 41 %"), "{with}");
    let without = &mails[1].body;
    assert!(!without.contains("multipart/related") && !without.contains("cid:"), "{without}");
}
