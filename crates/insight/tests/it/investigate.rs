//! Questions about the past: related series, periods compared, what changed, seasons and shapes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_insight::investigate::{
    ChangeKind, ChangesAsk, InvestigateError, Investigator, PeriodsAsk, RANGE_MAX_MS, RelatedAsk,
    SeasonsAsk, SimilarAsk, What,
};
use plimsoll_model::{
    Cancel, DAY_MS, HOUR_MS, Labels, MINUTE_MS, Matcher, MemorySource, ReadCx, Scope, SeriesSource,
    Stop, TimeRange, stale_nan,
};
use plimsoll_query::{Engine, EngineConfig};
use plimsoll_world::{Chance, SeededChance, Workers};

const NOW: i64 = 1_763_636_400_000;
const EVERY: i64 = 15_000;

struct Lab {
    source: Arc<MemorySource>,
    investigator: Investigator,
    chance: SeededChance,
}

impl Lab {
    fn new(seed: u64) -> Self {
        let workers = Arc::new(Workers::new(2));
        let engine = Arc::new(Engine::new(EngineConfig::default(), Arc::clone(&workers)));
        let source = Arc::new(MemorySource::new());
        let shared = Arc::clone(&source) as Arc<dyn SeriesSource>;
        let investigator = Investigator::new(engine, shared, workers);
        Self { source, investigator, chance: SeededChance::new(seed) }
    }

    fn normal(&self) -> f64 {
        let unit = || (self.chance.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        (0..12).map(|_| unit()).sum::<f64>() - 6.0
    }

    fn below(&self, n: u64) -> u64 {
        self.chance.next_u64() % n
    }

    /// A series of the last `hours`, its value a function of time before now in ms.
    fn write(&self, pairs: &[(&str, &str)], hours: i64, mut value: impl FnMut(i64) -> f64) {
        let labels = Labels::new(pairs.iter().copied()).expect("good labels");
        let mut at = NOW - hours * HOUR_MS;
        while at <= NOW {
            let v = value(NOW - at);
            if !v.is_nan() || v.to_bits() == stale_nan().to_bits() {
                self.source.append(&labels, at, v);
            }
            at += EVERY;
        }
    }

    fn ask(&self, query: &str) -> RelatedAsk {
        RelatedAsk {
            query: self.investigator.parse(query).expect("PromQL"),
            labels: BTreeMap::new(),
            since: None,
            range: TimeRange::new(NOW - HOUR_MS, NOW),
            baseline: None,
            sets: Vec::new(),
            limit: 20,
        }
    }
}

/// A host whose disk slows the database that slows the shop; another host is busy with something else.
fn slow_disk(lab: &Lab) {
    let since = |begin: i64, back: i64| f64::from(back <= begin);
    let minute = MINUTE_MS;
    let shake: Vec<f64> = (0..2_000).map(|_| lab.normal()).collect();
    let echo = |back: i64, lag: i64| shake[((back + lag) / EVERY) as usize].abs();
    let disk = [("__name__", "node_disk_io_time_seconds_total"), ("instance", "db1:9100")];
    let mut busy = 0.0;
    lab.write(&disk, 3, |back| {
        let share =
            0.3 + 0.05 * lab.normal() + since(10 * minute, back) * (0.5 + 0.1 * echo(back, 0));
        busy += 15.0 * share.clamp(0.0, 1.0);
        busy
    });
    let query = [("__name__", "pg_latency_seconds"), ("instance", "db1:9187"), ("service", "shop")];
    lab.write(&query, 3, |back| {
        let slow = since(9 * minute, back) * (0.02 + 0.004 * echo(back, 60_000));
        0.005 + 0.001 * lab.normal() + slow
    });
    let shop = [("__name__", "shop_latency_seconds"), ("instance", "web1:80"), ("service", "shop")];
    lab.write(&shop, 3, |back| {
        let slow = since(8 * minute, back) * (0.2 + 0.04 * echo(back, 120_000));
        0.1 + 0.01 * lab.normal() + slow
    });
    // After the symptom.
    let retries = [("__name__", "retries"), ("instance", "web1:80"), ("service", "shop")];
    lab.write(&retries, 3, |back| 5.0 + lab.normal() + 40.0 * since(5 * minute, back));
    // Elsewhere.
    let other = [("__name__", "node_load1"), ("instance", "build7:9100")];
    lab.write(&other, 3, |back| 2.0 + 0.2 * lab.normal() + 9.0 * since(9 * minute, back));
    for i in 0..40 {
        let i = i.to_string();
        lab.write(&[("__name__", "noise"), ("instance", &i)], 3, |_| 10.0 + lab.normal());
    }
}

#[test]
fn what_moved_first_and_near_is_told_first() {
    let lab = Lab::new(1);
    slow_disk(&lab);
    let answer = lab.investigator.related(&lab.ask("shop_latency_seconds"), &ReadCx::unlimited());
    let answer = answer.unwrap();
    let names: Vec<&str> = answer.related.iter().map(|r| r.metric.as_str()).collect();
    assert!(
        names[..2].contains(&"node_disk_io_time_seconds_total")
            && names[..2].contains(&"pg_latency_seconds"),
        "{:#?}",
        answer.related
    );
    assert!(!names.contains(&"shop_latency_seconds"), "the symptom is not its own cause");
    assert!(!names.contains(&"noise"), "{names:?}");
    let of = |name: &str| answer.related.iter().find(|r| r.metric == name).unwrap();
    let disk = of("node_disk_io_time_seconds_total");
    assert!(disk.lag_ms < 0 && disk.q_value < 0.01 && disk.effect > 0.8, "{disk:?}");
    assert!(disk.text.starts_with("node_disk_io_time on db1:9100 rose to 0."), "{}", disk.text);
    assert!(disk.text.ends_with(" before"), "{}", disk.text);
    assert_eq!(disk.query, "rate(node_disk_io_time_seconds_total{instance=\"db1:9100\"}[1m])");
    assert!(of("retries").lag_ms > 0 && of("retries").score < disk.score / 2.0);
    assert_eq!((answer.looked_at, answer.left, answer.truncated), (44, 0, false));
    assert!((NOW - answer.focus.onset - 8 * MINUTE_MS).abs() <= 60_000, "{:?}", answer.focus);
}

#[test]
fn what_happens_every_day_at_this_time_is_no_cause() {
    let lab = Lab::new(2);
    slow_disk(&lab);
    let batch = [("__name__", "batch_busy"), ("instance", "web1:9100")];
    let daily = |back: i64| f64::from(back.rem_euclid(DAY_MS) <= 10 * MINUTE_MS);
    lab.write(&batch, 24 * 8, |back| 1.0 + 0.1 * lab.normal() + 5.0 * daily(back));
    let once = [("__name__", "once_busy"), ("instance", "web1:9100")];
    lab.write(&once, 24 * 8, |back| {
        1.0 + 0.1 * lab.normal() + 5.0 * f64::from(back <= 10 * MINUTE_MS)
    });
    let ask = lab.ask("shop_latency_seconds");
    let answer = lab.investigator.related(&ask, &ReadCx::unlimited()).unwrap();
    let score =
        |name: &str| answer.related.iter().find(|r| r.metric == name).map_or(0.0, |r| r.score);
    assert!(score("once_busy") > 3.0 * score("batch_busy"), "{:#?}", answer.related);
}

/// Stops after some checks.
fn stops_after(checks: usize) -> Cancel {
    let left = AtomicUsize::new(checks);
    Cancel::when(move || left.fetch_sub(1, Ordering::Relaxed) == 0)
}

#[test]
fn at_the_deadline_the_best_so_far_is_told() {
    let lab = Lab::new(3);
    slow_disk(&lab);
    let mut cx = ReadCx::unlimited();
    // Enough for the focus and the list, not for all series.
    cx.cancel = stops_after(40);
    let answer = lab.investigator.related(&lab.ask("shop_latency_seconds"), &cx).unwrap();
    assert!(answer.looked_at < 44 && answer.looked_at + answer.left == 44, "{answer:?}");
    assert!(answer.truncated);
    let mut cx = ReadCx::unlimited();
    cx.cancel = Cancel::new();
    cx.cancel.stop(Stop::Client);
    let gone = lab.investigator.related(&lab.ask("shop_latency_seconds"), &cx);
    assert!(gone.is_err(), "nobody waits");
}

#[test]
fn nobody_hears_of_series_beyond_their_scope() {
    let lab = Lab::new(5);
    slow_disk(&lab);
    let mut cx = ReadCx::unlimited();
    cx.scope = Scope { any_of: vec![vec![Matcher::equal("service", "shop")]] };
    let is_shop = |labels: &[(String, String)]| {
        labels.iter().any(|(name, value)| name == "service" && value == "shop")
    };
    let related = lab.investigator.related(&lab.ask("shop_latency_seconds"), &cx).unwrap();
    assert_eq!(related.looked_at, 2, "the shop has three series, one is the symptom");
    assert!(related.related.iter().all(|r| is_shop(&r.labels)), "{:#?}", related.related);
    let periods = PeriodsAsk {
        a: TimeRange::new(NOW - HOUR_MS, NOW - HOUR_MS / 2),
        b: TimeRange::new(NOW - HOUR_MS / 2, NOW),
        sets: Vec::new(),
        limit: 50,
    };
    let compared = lab.investigator.compare_periods(&periods, &cx).unwrap();
    assert_eq!(compared.looked_at, 3);
    assert!(compared.differences.iter().all(|d| is_shop(&d.labels)), "{compared:#?}");
    let ask = ChangesAsk {
        range: TimeRange::new(NOW - HOUR_MS, NOW),
        sets: Vec::new(),
        in_data: true,
        limit: 50,
    };
    let changes = lab.investigator.changes(&ask, &cx).unwrap().changes;
    assert!(!changes.is_empty());
    assert!(changes.iter().all(|c| is_shop(&c.labels)), "{changes:#?}");
}

#[test]
fn wrong_questions_are_refused_with_a_reason() {
    let lab = Lab::new(4);
    slow_disk(&lab);
    let refused =
        |ask: RelatedAsk| lab.investigator.related(&ask, &ReadCx::unlimited()).unwrap_err();
    let mut ask = lab.ask("up");
    assert!(matches!(refused(ask.clone()), InvestigateError::NotFound(_)));
    ask.range = TimeRange::new(NOW - RANGE_MAX_MS - 1, NOW);
    assert!(refused(ask.clone()).to_string().contains("at most seven days"));
    ask.range = TimeRange::new(NOW - 1_000, NOW);
    assert!(refused(ask.clone()).to_string().contains("at least one minute"));
    let mut ask = lab.ask("shop_latency_seconds");
    ask.sets = vec![vec![Matcher::equal("a", "b")]; 9];
    assert!(refused(ask).to_string().contains("at most 8"));
    let ask = lab.ask("5");
    assert!(matches!(refused(ask), InvestigateError::Invalid(_) | InvestigateError::NotFound(_)));
}

/// Values that a poisonous exporter sends do no harm to the others.
#[test]
fn odd_series_do_not_disturb() {
    let lab = Lab::new(5);
    slow_disk(&lab);
    for (i, odd) in
        [f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, 5e-324].into_iter().enumerate()
    {
        let i = i.to_string();
        let mut n = 0;
        lab.write(&[("__name__", "odd_total"), ("instance", "db1:9100"), ("i", &i)], 3, |_| {
            n += 1;
            if n % 3 == 0 { odd } else { f64::from(n) }
        });
    }
    lab.source.append(&Labels::new([("__name__", "one_point")]).unwrap(), NOW - 1, 7.0);
    let ask = lab.ask("shop_latency_seconds");
    let answer = lab.investigator.related(&ask, &ReadCx::unlimited()).unwrap();
    for r in &answer.related {
        assert!((0.0..=1.0).contains(&r.score) && (0.0..=1.0).contains(&r.p_value), "{r:?}");
    }
    assert!(answer.related.iter().take(2).any(|r| r.metric == "node_disk_io_time_seconds_total"));
    let ask = PeriodsAsk {
        a: TimeRange::new(NOW - 2 * HOUR_MS, NOW - HOUR_MS),
        b: TimeRange::new(NOW - HOUR_MS, NOW),
        sets: Vec::new(),
        limit: 50,
    };
    lab.investigator.compare_periods(&ask, &ReadCx::unlimited()).unwrap();
}

/// 300 series of several kinds; ten of them are changed in the second of two periods.
fn changed(lab: &Lab) -> Vec<(String, What)> {
    let mut injected = Vec::new();
    for i in 0..300 {
        let n = i.to_string();
        let what = if i % 30 == 7 { Some(i / 30) } else { None };
        let level = 20.0 + lab.below(60) as f64;
        let (mut ar, mut walk, mut total) = (0.0, 0.0, 0.0);
        let phase = lab.below(24) as f64 / 24.0;
        let name = if i % 3 == 1 { "c_total" } else { "g" };
        let pairs = [("__name__", name), ("i", n.as_str())];
        if let Some(kind) = what {
            let kinds = [What::Level, What::Spread, What::Appeared, What::Gone, What::Level];
            let mut kind = kinds[kind as usize % 5];
            if kind == What::Level && name == "c_total" {
                kind = What::Rate;
            }
            injected.push((n.clone(), kind));
        }
        lab.write(&pairs, 5, |back| {
            let is_b = back <= 2 * HOUR_MS;
            ar = 0.7 * ar + lab.normal();
            walk += 0.3 * lab.normal();
            let kind = injected.last().filter(|(at, _)| *at == n).map(|(_, k)| *k);
            let (mut add, mut wide) = (0.0, 1.0);
            match kind {
                Some(What::Level | What::Rate) if is_b => add = 5.0,
                Some(What::Spread) if is_b => wide = 3.5,
                Some(What::Appeared) if !is_b => return f64::NAN,
                Some(What::Gone) if is_b => return f64::NAN,
                _ => {}
            }
            let wander = if i % 3 == 2 && kind.is_none() { walk } else { ar };
            let day = (back as f64 / DAY_MS as f64 + phase) * std::f64::consts::TAU;
            let wave = if i % 7 == 3 && kind.is_none() { 0.5 * day.sin() } else { 0.0 };
            let value = level + add + wide * wander + wave;
            if name == "c_total" {
                total += value.max(0.0) * 15.0;
                total
            } else {
                value
            }
        });
    }
    injected
}

#[test]
fn ten_injected_changes_are_among_the_first_fifteen_differences() {
    let last = if std::env::var_os("PLIMSOLL_SLOW").is_some() { 14 } else { 11 };
    for seed in 10..last {
        let lab = Lab::new(seed);
        let injected = changed(&lab);
        assert_eq!(injected.len(), 10);
        let ask = PeriodsAsk {
            a: TimeRange::new(NOW - 4 * HOUR_MS - HOUR_MS / 2, NOW - 2 * HOUR_MS - HOUR_MS / 2),
            b: TimeRange::new(NOW - 2 * HOUR_MS, NOW),
            sets: Vec::new(),
            limit: 15,
        };
        let answer = lab.investigator.compare_periods(&ask, &ReadCx::unlimited()).unwrap();
        assert_eq!(answer.looked_at, 300);
        let told: Vec<(String, What)> =
            answer.differences.iter().map(|d| (d.labels[0].1.clone(), d.what)).collect();
        for one in &injected {
            assert!(told.contains(one), "seed {seed}: {one:?} is not in {told:?}");
        }
        assert!(answer.differences.iter().all(|d| d.q_value <= 0.05 && !d.text.is_empty()));
    }
}

#[test]
fn equal_periods_differ_in_nothing_or_little() {
    let lab = Lab::new(20);
    for i in 0..200 {
        let i = i.to_string();
        let mut ar = 0.0;
        lab.write(&[("__name__", "g"), ("i", &i)], 3, |_| {
            ar = 0.9 * ar + lab.normal();
            50.0 + ar
        });
    }
    let ask = PeriodsAsk {
        a: TimeRange::new(NOW - 2 * HOUR_MS, NOW - HOUR_MS),
        b: TimeRange::new(NOW - HOUR_MS, NOW),
        sets: Vec::new(),
        limit: 100,
    };
    let answer = lab.investigator.compare_periods(&ask, &ReadCx::unlimited()).unwrap();
    assert!(answer.differences.len() <= 6, "{:#?}", answer.differences);
}

#[test]
fn restarts_versions_and_reloads_are_told_with_their_times() {
    let lab = Lab::new(30);
    let deploy = 20 * MINUTE_MS;
    for n in ["1", "2", "3"] {
        let place = [("instance", n), ("service", "shop")];
        let series = |name: &'static str| [[("__name__", name)].as_slice(), &place].concat();
        lab.write(&series("process_start_time_seconds"), 3, |back| {
            if back <= deploy { (NOW - deploy) as f64 / 1e3 } else { 1.7e9 }
        });
        for (version, is_new) in [("1.8", false), ("1.9", true)] {
            let pairs = [series("app_build_info"), vec![("version", version)]].concat();
            lab.write(&pairs, 3, |back| if (back <= deploy) == is_new { 1.0 } else { f64::NAN });
        }
    }
    let up = [("__name__", "up"), ("instance", "db1"), ("job", "pg")];
    lab.write(&up, 3, |back| f64::from(!(5 * MINUTE_MS..8 * MINUTE_MS).contains(&back)));
    let reload =
        [("__name__", "prometheus_config_last_reload_success_timestamp_seconds"), ("job", "prom")];
    lab.write(&reload, 3, |back| {
        if back <= 30 * MINUTE_MS { (NOW - 30 * MINUTE_MS) as f64 / 1e3 } else { 1.7e9 }
    });
    let level = [("__name__", "pool_used"), ("instance", "db1")];
    lab.write(&level, 3, |back| 4.0 + 0.2 * lab.normal() + 9.0 * f64::from(back <= 12 * MINUTE_MS));
    let ask = ChangesAsk {
        range: TimeRange::new(NOW - HOUR_MS, NOW),
        sets: Vec::new(),
        in_data: true,
        limit: 20,
    };
    let answer = lab.investigator.changes(&ask, &ReadCx::unlimited()).unwrap();
    let told: Vec<(ChangeKind, &str)> =
        answer.changes.iter().map(|c| (c.kind, c.text.as_str())).collect();
    let has = |kind, text: &str| told.iter().any(|(k, t)| *k == kind && t.contains(text));
    assert!(has(ChangeKind::Configuration, "the configuration of prom was read again"), "{told:?}");
    let deployed = "shop on 1, shop on 2, shop on 3: version changed from 1.8 to 1.9";
    assert!(has(ChangeKind::Deployment, deployed), "{told:?}");
    assert!(has(ChangeKind::Restart, "shop on 1, shop on 2, shop on 3 restarted"), "{told:?}");
    assert!(has(ChangeKind::Restart, "pg on db1 was down for 3 m"), "{told:?}");
    assert!(has(ChangeKind::LevelShift, "pool_used on db1 rose from 4"), "{told:?}");
    assert!(answer.changes.is_sorted_by_key(|c| c.at));
}

#[test]
fn seasons_and_earlier_shapes_of_an_expression_are_found() {
    let lab = Lab::new(40);
    let job = |back: i64| f64::from(back.rem_euclid(HOUR_MS) <= 6 * MINUTE_MS);
    lab.write(&[("__name__", "cron")], 30, |back| 2.0 + 0.1 * lab.normal() + 8.0 * job(back));
    let query = lab.investigator.parse("cron").unwrap();
    let ask = SeasonsAsk { query, range: TimeRange::new(NOW - 12 * HOUR_MS, NOW) };
    let answer = lab.investigator.seasons(&ask, &ReadCx::unlimited()).unwrap();
    let one = &answer.series[0];
    assert!(one.periods.iter().any(|p| p.period_ms == HOUR_MS && p.strength > 0.5), "{one:?}");
    assert!(one.recurring.iter().any(|r| r.period_ms == HOUR_MS), "{one:?}");

    let bump = |back: i64, at: i64| (-((back - at) as f64 / 400_000.0).powi(2)).exp();
    lab.write(&[("__name__", "shape")], 30, |back| {
        let all =
            bump(back, 30 * MINUTE_MS) + 2.0 * bump(back, 9 * HOUR_MS) + bump(back, 20 * HOUR_MS);
        5.0 + 3.0 * all + 0.05 * lab.normal()
    });
    let ask = SimilarAsk {
        query: lab.investigator.parse("shape").unwrap(),
        range: TimeRange::new(NOW - HOUR_MS, NOW),
        since: Some(NOW - 29 * HOUR_MS),
    };
    let found = lab.investigator.similar(&ask, &ReadCx::unlimited()).unwrap();
    let near = |hours: i64| {
        let start = NOW - hours * HOUR_MS - 30 * MINUTE_MS;
        found.iter().take(2).any(|m| (m.range.start - start).abs() < 3 * MINUTE_MS)
    };
    assert!(near(9) && near(20), "{found:?}");
}
