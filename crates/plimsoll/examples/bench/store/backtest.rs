//! Section about rules over the past: 30 days of one rule over 1,000 series.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_alert::backtest::{BacktestAsk, BacktestReport};
use plimsoll_alert::config::Config;
use plimsoll_alert::{Alerting, Prepared, Setup, read_rules};
use plimsoll_model::{Cancel, SampleSink, SeriesSource, TimeRange};
use plimsoll_query::Features;
use plimsoll_records::SimRecords;
use plimsoll_world::World;

use crate::rig::{self, DAY, Fleet, line};

const DAYS: i64 = 30;
const SERIES: usize = 1_000;
const SCRAPE: i64 = 15_000;

pub fn backtest() {
    let dir = tempfile::tempdir().unwrap();
    let end = rig::settled();
    let store = Arc::new(rig::open(dir.path(), rig::config()));
    let mut fleets = [Fleet::new("m", SERIES, false), Fleet::new("c_total", SERIES, true)];
    rig::fill_days(&store, &mut fleets, end - DAYS * DAY, DAYS, SCRAPE);
    let samples = store.stats().part_samples as f64 / 1e6;
    line("samples, of two metrics", format!("{samples:.0} M"), "");
    let setup = Setup {
        engine: Arc::new(rig::engine()),
        source: Arc::clone(&store) as Arc<dyn SeriesSource>,
        sink: Arc::clone(&store) as Arc<dyn SampleSink>,
        records: Arc::new(SimRecords::new()),
        clock: World::real().clock,
        arm: Arc::new(|_, _| {}),
    };
    let prepared = Prepared { config: Config::default(), groups: Vec::new() };
    let alerting = Alerting::open(setup, prepared).unwrap();
    for (interval, expr) in [
        ("1m", "m > 49.5"),
        ("15s", "m > 49.5"),
        ("1m", "rate(c_total[5m]) > 105"),
        ("1m", "avg by (job) (m) > 24.6"),
    ] {
        for curve in [false, true] {
            let report = replay(&alerting, interval, expr, curve, end);
            let (took, report) = report;
            let rule = &report.rules[0];
            assert!(report.complete && report.method == "columns");
            let cells = rule.curve.as_ref().map_or(0, |c| c.cells.len());
            let what = format!("{expr} every {interval}, {cells} cells");
            line(&what, format!("{took:.2} s"), "< 5 s");
            let told = format!("{} of {} evaluations", rule.episodes_total, rule.evaluations);
            line("    episodes", told, "");
        }
    }
}

fn replay(
    alerting: &Alerting,
    interval: &str,
    expr: &str,
    curve: bool,
    end: i64,
) -> (f64, BacktestReport) {
    let text = format!(
        "groups:\n- name: g\n  interval: {interval}\n  rules:\n  - {{alert: A, expr: '{expr}', for: 5m}}\n"
    );
    let groups = read_rules("r.yml", &text, 60_000, &Features::default()).unwrap();
    let ask = BacktestAsk {
        groups,
        range: TimeRange::new(end - DAYS * DAY, end - 1),
        lag_ms: 0,
        curve,
        thresholds: Vec::new(),
        fors_ms: Vec::new(),
        group_by: vec!["alertname".to_owned()],
        level: 0.95,
        episodes: 1_000,
        by_steps: false,
        time: Duration::MAX,
    };
    rig::seconds(|| alerting.backtest(&ask, &Cancel::new(), &|_| {}).unwrap())
}
