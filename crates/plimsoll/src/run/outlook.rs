//! What analysis knows, in the shape that the door shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_insight::{
    Anomaly, AnomalyGroup, Days, Driver, ForecastState, Resource, SeriesTrend, Stopped, Watching,
    what_if,
};
use plimsoll_model::{ReadCx, SeriesSource};
use plimsoll_query::{Query, Value};
use plimsoll_serve::{
    AnomalyDoc, CapacityDays, CapacityDoc, Chances, DaysDoc, ForecastDoc, Outlook, ProcessDoc,
    ResourceDoc, WhatIfDoc,
};

use super::Handles;

/// Anomalies of the overview.
const ANOMALIES: usize = 20;
/// Processes in the list.
const PROCESSES: usize = 10;
const CPU: &str = "topk(20, rate(plimsoll_process_cpu_seconds_total{job=\"host\"}[1m]))";
const MEMORY: &str = "plimsoll_process_resident_memory_bytes{job=\"host\"}";

/// Kinds of resources that the overview always shows; others when they press.
const OVERVIEW: [&str; 5] = ["disk", "memory", "swap", "inodes", "files"];

/// The door's view of analysis.
pub struct Seen {
    handles: Arc<Handles>,
}

impl Seen {
    /// Of these parts.
    pub fn new(handles: Arc<Handles>) -> Self {
        Self { handles }
    }

    /// Values of an instant query, by the label `name`.
    fn by_name(&self, expr: &str) -> BTreeMap<String, f64> {
        let engine = &self.handles.engine;
        let Ok(query) = Query::parse(expr, &engine.config().features) else {
            return BTreeMap::new();
        };
        let at = self.handles.world.clock.wall_ms();
        let cx = ReadCx::with_budget(engine.budget());
        match engine.instant(&self.handles.store.snapshot(), &query, at, &cx).map(|a| a.value) {
            Ok(Value::Vector(samples)) => samples
                .iter()
                .filter(|s| s.histogram.is_none())
                .filter_map(|s| Some((s.labels.get("name")?.to_owned(), s.value)))
                .collect(),
            _ => BTreeMap::new(),
        }
    }
}

impl Outlook for Seen {
    fn resources(&self) -> Vec<ResourceDoc> {
        let all = self.handles.resources().into_iter();
        all.filter(|r| OVERVIEW.contains(&r.kind) || presses(r)).map(resource).collect()
    }

    fn capacity(&self, load: Option<f64>) -> Vec<CapacityDoc> {
        self.handles.resources().into_iter().map(|r| capacity(r, load)).collect()
    }

    fn anomalies(&self) -> Vec<AnomalyDoc> {
        let doc = |a: Anomaly| AnomalyDoc {
            series: a.series,
            score: a.score,
            labels: a.labels.into_iter().collect(),
        };
        let worst = self.handles.insight.anomalies().into_iter().take(ANOMALIES);
        worst.map(doc).collect()
    }

    fn unusual(&self) -> Vec<Anomaly> {
        self.handles.insight.anomalies()
    }

    fn groups(&self) -> Vec<AnomalyGroup> {
        self.handles.insight.groups()
    }

    fn stopped(&self) -> Vec<Stopped> {
        self.handles.insight.stopped()
    }

    fn trends(&self) -> Vec<SeriesTrend> {
        self.handles.insight.trends()
    }

    fn watching(&self) -> Watching {
        self.handles.insight.watching()
    }

    fn processes(&self) -> Vec<ProcessDoc> {
        let (cpu, memory) = (self.by_name(CPU), self.by_name(MEMORY));
        let mut docs: Vec<ProcessDoc> = memory
            .into_iter()
            .map(|(name, rss)| ProcessDoc {
                pid: 0,
                cpu_ratio: cpu.get(&name).copied().unwrap_or(0.0),
                rss_bytes: rss.max(0.0) as u64,
                name,
            })
            .collect();
        docs.sort_by(|a, b| {
            b.cpu_ratio.total_cmp(&a.cpu_ratio).then(b.rss_bytes.cmp(&a.rss_bytes))
        });
        docs.truncate(PROCESSES);
        docs
    }
}

/// Whether a resource belongs before everybody's eyes. A busy CPU is none: it waits for nobody's hand.
fn presses(r: &Resource) -> bool {
    let soon = r.forecast.days.is_some_and(|days| days.p50 < 30.0);
    r.kind != "cpu" && (r.ratio >= r.warning || (soon && r.driver != Driver::Load))
}

const fn state(of: ForecastState) -> &'static str {
    match of {
        ForecastState::Learning => "learning",
        ForecastState::Ok => "ok",
        ForecastState::None => "none",
    }
}

fn capacity(r: Resource, load: Option<f64>) -> CapacityDoc {
    let days =
        |d: Days| CapacityDays { p05: d.p05, p10: d.p10, p50: d.p50, p90: d.p90, p95: d.p95 };
    let what_if = load.and_then(|load| what_if(&r, load)).map(|w| WhatIfDoc {
        load: w.load,
        used: w.used,
        ratio: w.ratio,
        days: w.days.map(days),
    });
    let level = match r.ratio {
        ratio if ratio >= r.critical => "critical",
        ratio if ratio >= r.warning => "warning",
        _ if r.headroom < 0.0 => "beyond",
        _ => "safe",
    };
    CapacityDoc {
        kind: r.kind.to_owned(),
        unit: r.unit.to_owned(),
        used: r.used,
        limit: r.limit,
        ratio: r.ratio,
        warning: r.warning,
        critical: r.critical,
        defaults: r.defaults,
        safe_load: r.safe_load,
        headroom: r.headroom,
        state: state(r.forecast.state).to_owned(),
        level,
        days: r.forecast.days.map(days),
        probability: r.probability.map(|[hour, day, week, month]| Chances {
            hour,
            day,
            week,
            month,
        }),
        driver: match r.driver {
            Driver::Stock => "stock",
            Driver::Load => "load",
            Driver::Date => "date",
        },
        what_if,
        id: r.id,
        title: r.title,
        text: r.forecast.text,
        labels: r.labels.into_iter().collect(),
        queries: r.queries,
    }
}

fn resource(r: Resource) -> ResourceDoc {
    let learning = r.forecast.state == ForecastState::Learning;
    let days = r.forecast.days.map(|d| DaysDoc { p50: Some(d.p50), p10: Some(d.p10), p90: d.p90 });
    ResourceDoc {
        id: r.id,
        title: r.title,
        unit: r.unit.to_owned(),
        used: r.used,
        limit: r.limit,
        ratio: r.ratio,
        warning: r.warning,
        critical: r.critical,
        defaults: r.defaults,
        forecast: ForecastDoc {
            state: state(r.forecast.state).to_owned(),
            learned_ratio: learning.then_some(r.forecast.learned_ratio),
            days,
            text: r.forecast.text,
        },
    }
}
