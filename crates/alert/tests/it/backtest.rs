//! A replay has the episodes that live evaluation had, whatever the method, restarts included.

use std::collections::BTreeMap;

use plimsoll_alert::backtest::{BacktestAsk, BacktestReport, Episode};
use plimsoll_alert::{
    Alert, AlertState, Group, RuleState, Scene, Surroundings, Transition, evaluate,
};
use plimsoll_model::{Cancel, ReadCx, TimeRange, stale_nan};

use super::*;

const SECOND: i64 = 1_000;

/// xorshift64*: the same streams in every run.
pub(super) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 33) % n
    }
}

pub(super) type Stream = Vec<(Labels, i64, f64)>;

/// Samples in order of time: walks with gaps, ends and resets.
pub(super) fn stream(random: &mut Random, end_s: i64) -> Stream {
    let mut out = Vec::new();
    let names = [("m", "a"), ("m", "b"), ("m", "c"), ("n", "a"), ("n", "b"), ("c_total", "a")];
    let mut all: Vec<(Labels, f64, i64)> = names
        .iter()
        .map(|(n, i)| (Labels::new([("__name__", *n), ("i", *i)]).unwrap(), 5.0, 0))
        .collect();
    for t in 0..end_s {
        for (k, (labels, value, gone_until)) in all.iter_mut().enumerate() {
            if t < *gone_until || t % 7 != k as i64 % 7 {
                continue;
            }
            let at = t * SECOND + random.below(900) as i64;
            match random.below(40) {
                0 => {
                    *gone_until = t + random.below(400) as i64;
                    if random.below(2) == 0 {
                        out.push((labels.clone(), at, stale_nan()));
                        continue;
                    }
                }
                1 => *value = 0.0,
                _ if k == 5 => *value += random.below(9) as f64,
                _ => *value = (*value + random.below(5) as f64 - 2.0).clamp(0.0, 10.0),
            }
            out.push((labels.clone(), at, *value));
        }
    }
    out.sort_by_key(|s| s.1);
    out
}

/// What is compared of an episode.
pub(super) type Told =
    (String, i64, Option<i64>, Option<i64>, Option<u64>, Option<u64>, Option<u64>);

fn told(e: &Episode) -> Told {
    let bits = |v: Option<f64>| v.map(f64::to_bits);
    let labels = format!("{:?} {:?}", e.labels, e.annotations);
    let times = (e.pending_since, e.firing_since, e.resolved_at);
    (labels, times.0, times.1, times.2, bits(e.value), bits(e.max), bits(e.min))
}

/// Episodes out of transitions and of what was active after each evaluation.
#[derive(Default)]
struct Live {
    open: BTreeMap<String, Episode>,
    done: Vec<Episode>,
}

impl Live {
    fn moved(&mut self, step: &Transition) {
        let key = step.alert.key();
        let e = self.open.entry(key.clone()).or_insert_with(|| Episode {
            labels: step.alert.labels.clone(),
            annotations: BTreeMap::new(),
            pending_since: step.at,
            firing_since: None,
            resolved_at: None,
            value: None,
            max: None,
            min: None,
        });
        match step.to {
            AlertState::Firing => {
                (e.firing_since, e.value) = (Some(step.at), Some(step.alert.value));
                e.annotations.clone_from(&step.alert.annotations);
            }
            AlertState::Inactive => {
                e.resolved_at = Some(step.at);
                self.done.extend(self.open.remove(&key));
            }
            AlertState::Pending => {}
        }
    }

    fn active(&mut self, state: &RuleState) {
        let seen = |a: &Alert| a.kept_since.is_none() && !a.value.is_nan();
        for (key, alert) in state.active.iter().filter(|(_, a)| seen(a)) {
            let e = self.open.get_mut(key).unwrap();
            e.max = Some(e.max.map_or(alert.value, |v| v.max(alert.value)));
            e.min = Some(e.min.map_or(alert.value, |v| v.min(alert.value)));
        }
    }

    fn told(mut self) -> Vec<Told> {
        self.done.extend(self.open.into_values());
        let mut all: Vec<Told> = self.done.iter().map(told).collect();
        all.sort();
        all
    }
}

/// Evaluates as time goes on, over what has arrived; now and then the states go through their text.
pub(super) fn live(
    group: &Group,
    stream: &Stream,
    end: i64,
    random: &mut Random,
) -> Vec<Vec<Told>> {
    let (memory, engine) = (MemorySource::new(), engine());
    let mut rules: Vec<(RuleState, Live)> =
        group.rules.iter().map(|_| (RuleState::default(), Live::default())).collect();
    let mut arrived = 0;
    let mut now = group.interval_ms;
    while now <= end + group.offset_ms {
        while stream.get(arrived).is_some_and(|s| s.1 <= now) {
            let (labels, at, value) = &stream[arrived];
            memory.append(labels, *at, *value);
            arrived += 1;
        }
        let at = group.evaluation_time(now);
        now += group.interval_ms;
        if at < 10 * SECOND - 1 || at > end {
            continue;
        }
        for (rule, (state, live)) in group.rules.iter().zip(&mut rules) {
            if random.below(20) == 0 {
                *state = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
            }
            let view = memory.snapshot();
            let (cx, surroundings) = (ReadCx::unlimited(), Surroundings::default());
            let (engine, surroundings) = (&engine, &surroundings);
            let scene = Scene { engine, view: &view, at, surroundings, cx: &cx };
            let done = evaluate(rule, group.limit, state, &scene);
            drop(view);
            let Ok(done) = done else { continue };
            done.transitions.iter().for_each(|t| live.moved(t));
            live.active(state);
            for s in done.samples {
                memory.append(&s.labels, s.time, s.value);
            }
        }
    }
    rules.into_iter().map(|(_, live)| live.told()).collect()
}

pub(super) fn ask(groups: Vec<Group>, start: i64, end: i64) -> BacktestAsk {
    BacktestAsk {
        groups,
        range: TimeRange::new(start, end),
        lag_ms: 0,
        curve: true,
        thresholds: Vec::new(),
        fors_ms: Vec::new(),
        group_by: vec!["alertname".into()],
        level: 0.95,
        episodes: 100_000,
        by_steps: false,
        time: Duration::MAX,
    }
}

pub(super) fn alerting(memory: &Arc<MemorySource>) -> Alerting {
    let clock = Arc::new(SimClock::at(1_000_000_000));
    open("groups: []", &clock, memory, &Arc::new(SimRecords::new()))
}

pub(super) fn replay(alerting: &Alerting, ask: &BacktestAsk) -> BacktestReport {
    alerting.backtest(ask, &Cancel::new(), &|_| {}).unwrap()
}

pub(super) fn episodes(report: &BacktestReport) -> Vec<Vec<Told>> {
    let sorted = |r: &plimsoll_alert::backtest::RuleBacktest| {
        let mut all: Vec<Told> = r.episodes.iter().map(told).collect();
        all.sort();
        all
    };
    report.rules.iter().map(sorted).collect()
}

/// Group keys, expressions with what follows them, and the method that is taken.
const CASES: [(&str, &str, &str); 22] = [
    ("", "m > 6", "columns"),
    ("", "m > 6\n    for: 30s", "columns"),
    ("", "m > 6\n    for: 45s\n    keep_firing_for: 40s", "columns"),
    ("", "m > 7\n    keep_firing_for: 25s", "columns"),
    ("", "5 > m\n    for: 1m", "columns"),
    ("", "(m <= 3)\n    for: 17s\n    keep_firing_for: 3m", "columns"),
    ("", "rate(c_total[1m]) > 0.5\n    for: 20s", "columns"),
    ("", "avg_over_time(m[2m]) >= 5.5\n    for: 10s", "columns"),
    ("", "sum by (i) (m) + sum by (i) (n) > 9", "columns"),
    ("", "absent(m{i=\"a\"})\n    for: 20s", "columns"),
    ("", "m > 5 and on (i) n < 5\n    for: 10s", "columns"),
    ("", "m unless n\n    for: 10s\n    keep_firing_for: 10s", "columns"),
    ("", "m > bool 5 == 1", "columns"),
    ("", "max_over_time(rate(c_total[30s])[2m:10s]) > 1", "columns"),
    ("", "count(m > 4) >= 2\n    for: 30s", "columns"),
    ("  query_offset: 13s\n", "m > 6\n    for: 30s", "columns"),
    ("", "m == 7\n    labels: {at: \"{{ $labels.i | toUpper }}\"}", "columns"),
    ("", "m > 6\n    labels: {v: \"{{ $value }}\"}", "steps: labels depend on more than labels"),
    ("  limit: 1\n", "m > 6\n    for: 30s", "steps: the group's limit is exceeded at times"),
    (
        "",
        "m > 6 or n > 6\n    labels: {i: one}\n    for: 10s",
        "steps: elements become alerts with equal labels",
    ),
    ("", "m * on (i) group_left () (m or n) > 6", "columns"),
    (
        "",
        "m > on (i) (m @ end () - 2)",
        "steps: an expression depends on start, end, step or range",
    ),
];

#[track_caller]
pub(super) fn same(found: &[Vec<Told>], expected: &[Vec<Told>], rule: &str) {
    for (found, expected) in found.iter().zip(expected) {
        let differ = found.iter().zip(expected).find(|(a, b)| a != b);
        assert_eq!((differ, found.len()), (None, expected.len()), "{rule}");
    }
    assert_eq!(found.len(), expected.len());
}

fn rules(keys: &str, rest: &str) -> Vec<Group> {
    let text = format!(
        "groups:\n- name: g\n  interval: 10s\n{keys}  rules:\n  - alert: A\n    annotations: {{summary: \
         '{{{{ $labels.i }}}} at {{{{ $value }}}}'}}\n    expr: {rest}\n"
    );
    read_rules("r.yml", &text, 5_000, &Features::default()).unwrap()
}

#[test]
fn a_replay_has_the_episodes_that_live_evaluation_had() {
    let end = 4_000 * SECOND;
    let mut random = Random(42);
    let mut seen = 0;
    for _ in 0..3 {
        let stream = stream(&mut random, 4_000);
        let memory = Arc::new(MemorySource::new());
        stream.iter().for_each(|(l, t, v)| {
            memory.append(l, *t, *v);
        });
        let alerting = alerting(&memory);
        for (keys, rest, method) in CASES {
            let groups = rules(keys, rest);
            let expected = live(&groups[0], &stream, end, &mut random);
            seen += expected[0].len();
            let mut ask = ask(groups, 10 * SECOND - 1, end);
            let report = replay(&alerting, &ask);
            assert_eq!(report.method, method, "{rest}");
            assert!(report.complete);
            same(&episodes(&report), &expected, rest);
            let fired = expected[0].iter().filter(|e| e.2.is_some()).count() as u64;
            assert_eq!(report.rules[0].pages.fired, fired);
            if let Some(curve) = &report.rules[0].curve {
                let own = |c: &&plimsoll_alert::backtest::Cell| {
                    c.threshold == curve.threshold && c.for_ms == curve.for_ms
                };
                let cell = curve.cells.iter().find(own).unwrap();
                let pages = &report.rules[0].pages;
                assert_eq!(
                    (cell.fired, cell.pages, cell.firing_ms),
                    (pages.fired, pages.count, pages.firing_ms),
                    "{rest}"
                );
            }
            ask.curve = false;
            same(&episodes(&replay(&alerting, &ask)), &expected, rest);
            ask.by_steps = true;
            same(&episodes(&replay(&alerting, &ask)), &expected, rest);
        }
    }
    assert!(seen > 2_000, "{seen} episodes");
}

#[test]
fn rules_that_read_each_other_are_replayed_in_their_order() {
    let files = [
        "  - record: r\n    expr: m * 2\n  - alert: A\n    expr: r > 12\n    for: 20s\n  - alert: B\n    expr: avg_over_time(r[1m]) > 11\n",
        "  - alert: A\n    expr: r > 12\n    for: 20s\n  - record: r\n    expr: m * 2\n",
        "  - alert: A\n    expr: m > 6\n    for: 20s\n  - alert: B\n    expr: ALERTS{alertstate=\"firing\"}\n    for: 30s\n",
    ];
    let end = 3_000 * SECOND;
    let mut random = Random(7);
    let stream = stream(&mut random, 3_000);
    let memory = Arc::new(MemorySource::new());
    stream.iter().for_each(|(l, t, v)| {
        memory.append(l, *t, *v);
    });
    // What another version of the rule recorded is no part of the replay.
    let old = Labels::new([("__name__", "r"), ("i", "a")]).unwrap();
    (0..500).for_each(|i| {
        memory.append(&old, i * 6_001, 100.0);
    });
    let alerting = alerting(&memory);
    for (file, method) in
        files.iter().zip(["columns", "steps: a rule reads what it", "steps: a rule"])
    {
        let text = format!("groups:\n- name: g\n  interval: 10s\n  rules:\n{file}");
        let groups = read_rules("r.yml", &text, 5_000, &Features::default()).unwrap();
        let all = live(&groups[0], &stream, end, &mut random);
        let alerts = groups[0].rules.iter().map(|r| r.is_alert());
        let expected: Vec<_> = all.into_iter().zip(alerts).filter(|x| x.1).map(|x| x.0).collect();
        assert!(expected.iter().all(|e| !e.is_empty()));
        let report = replay(&alerting, &ask(groups, 10 * SECOND - 1, end));
        assert!(report.method.starts_with(method), "{}", report.method);
        same(&episodes(&report), &expected, file);
    }
}

#[test]
fn a_process_that_is_restarted_has_the_same_episodes() {
    restarted("  - alert: A\n    expr: m > 6\n    for: 45s\n    keep_firing_for: 30s\n", 20);
}

/// Runs rules, of which one is called A, in a process that is restarted now and then, and replays them.
#[track_caller]
pub(super) fn restarted(rules: &str, least: usize) {
    let text = format!("groups:\n- name: g\n  interval: 10s\n  rules:\n{rules}");
    let mut random = Random(99);
    let stream = stream(&mut random, 4_000);
    let mut bench = Bench::new(&text);
    let mut arrived = 0;
    for i in 1..=400 {
        bench.clock.advance(Duration::from_secs(10));
        while stream.get(arrived).is_some_and(|s| s.1 <= i * 10 * SECOND) {
            let (labels, at, value) = &stream[arrived];
            bench.memory.append(labels, *at, *value);
            arrived += 1;
        }
        if random.below(15) == 0 {
            bench.restart();
        }
        bench.alerting.tick();
    }
    let mut all =
        bench.records.events(&EventQuery { limit: 10_000, ..EventQuery::default() }).unwrap();
    all.reverse();
    let mut live = Live::default();
    for event in all.iter().filter(|e| e.kind == "alert_transition") {
        live.moved(&serde_json::from_str(&event.body).unwrap());
    }
    let without_bounds = |all: Vec<Vec<Told>>| -> Vec<_> {
        all.into_iter().flatten().map(|t| (t.0, t.1, t.2, t.3, t.4)).collect()
    };
    let expected = without_bounds(vec![live.told()]);
    let report = replay(
        &bench.alerting,
        &ask(bench.alerting.groups_to_replay(None, Some("A")), 10 * SECOND, 4_000 * SECOND),
    );
    assert!(expected.len() > least, "{expected:?}");
    assert_eq!(without_bounds(episodes(&report)), expected);
}

#[test]
fn lag_moves_what_is_seen() {
    let memory = Arc::new(MemorySource::new());
    let m = Labels::new([("__name__", "m")]).unwrap();
    (0..400).for_each(|i| {
        memory.append(&m, i * 5_000, if (100..150).contains(&i) { 9.0 } else { 1.0 });
    });
    let alerting = alerting(&memory);
    for by_steps in [false, true] {
        let groups = rules("", "m > 5\n    for: 30s");
        let ask = BacktestAsk { lag_ms: 15_000, by_steps, ..ask(groups, 0, 1_900_000) };
        let report = replay(&alerting, &ask);
        let e = &report.rules[0].episodes[0];
        assert_eq!((e.pending_since, e.firing_since), (520_000, Some(550_000)));
        assert_eq!((e.resolved_at, report.rules[0].episodes.len()), (Some(770_000), 1));
        assert_eq!(report.rules[0].pages.firing_ms, 220_000);
    }
}

#[test]
fn what_cannot_be_replayed_is_told() {
    let memory = Arc::new(MemorySource::new());
    let m = |i: &str| Labels::new([("__name__", "m"), ("i", i)]).unwrap();
    for t in 0..600 {
        memory.append(&m("a"), t * 1_000, 9.0);
        // Two of the right side for one of the left, for a while.
        if (100..200).contains(&t) {
            let twin = m("a").with("twin", "1");
            memory.append(&twin, t * 1_000, if t < 199 { 9.0 } else { stale_nan() });
        }
    }
    let alerting = alerting(&memory);
    let failing = rules("", "m{twin=\"\"} * on (i) m > 5");
    let report = replay(&alerting, &ask(failing, 0, 590_000));
    let rule = &report.rules[0];
    assert_eq!((rule.evaluations, rule.failures), (60, 10));
    let (at, why) = rule.failure.as_ref().unwrap();
    assert!(*at == 100_000 && why.contains("duplicate series"), "{at} {why}");
    let record = "groups:\n- name: g\n  rules:\n  - {record: r, expr: m}\n";
    let groups = read_rules("r.yml", record, 5_000, &Features::default()).unwrap();
    let none = alerting.backtest(&ask(groups, 0, 1), &Cancel::new(), &|_| {}).unwrap_err();
    assert!(none.to_string().contains("no alerting rule"), "{none}");
    let cancel = Cancel::new();
    cancel.stop(plimsoll_model::Stop::Client);
    let ended = alerting.backtest(&ask(rules("", "m > 5"), 0, 1_000), &cancel, &|_| {});
    assert!(ended.unwrap_err().to_string().contains("client went away"));
    let some = BacktestAsk { time: Duration::ZERO, ..ask(rules("", "m > 5"), 0, 10_000_000) };
    let report = replay(&alerting, &some);
    assert!(!report.complete && report.rules[0].until.is_some_and(|t| t < 10_000_000));
}
