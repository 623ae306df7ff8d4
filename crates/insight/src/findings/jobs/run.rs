//! One look of a job at one time: which data there are, what each series says, what is beyond a bound.
//!
//! The data of the moment are used where there are any (*real-time*), else the newest of the last hour
//! (*delayed*), else the newest of the last week (*historical*), and the result says which. A gap is a
//! gap, never a zero. A series that cannot be analysed is set aside with the reason; the job goes on.
//!
//! Limits: [`SERIES_MAX`] series of a job.

use plimsoll_analyze::{
    Detector, DetectorConfig, autocorrelation, calendar_periods, is_seasonal, mean, median, trend,
};
use plimsoll_model::{
    DAY_MS, Grid, HOUR_MS, Labels, METRIC_NAME, MINUTE_MS, MatrixSeries, SECOND_MS, Timestamp,
    format_duration_ms,
};
use serde::Serialize;

use super::super::assess::DataBasis;
use super::super::insight::{Draft, Impact, InsightType};
use super::super::ledger::{Subject, ensemble};
use super::super::make::{called, shown, subject};
use super::super::probe::{Evidence, Probe, When};
use super::{Bound, Job, What, step_of};
use crate::issue::Point;
use crate::scores::AnomalyLevel;

/// Series of one job; those beyond are counted.
pub const SERIES_MAX: usize = 100;
/// Points below which nothing is said.
const POINTS_MIN: usize = 20;
/// A number so large has no squares.
const SIZE_MAX: f64 = 1e150;
/// Level at which a trend is believed.
const TREND_LEVEL: f64 = 0.01;
/// How clearly two periods must differ: Cliff's delta, a medium effect.
const DELTA_MIN: f64 = 0.33;
/// Steps of a forecast at most.
const STEPS_MAX: i64 = 200;

/// What a job says of one series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobResult {
    /// Labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Trend: per hour. Anomaly: score. Forecast: value at the horizon. Compare: ratio. Season:
    /// strength.
    pub value: f64,
    /// For people.
    pub text: String,
    /// The bound that the value is beyond, as `> 2`; `None` when it is within all.
    pub beyond: Option<String>,
    /// The query of the points of this series.
    pub query: String,
    /// How sure the method is, 0..=1.
    pub claimed: f64,
}

/// A series that could not be analysed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetAside {
    /// Labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Why.
    pub reason: String,
}

/// What came of one look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobRun {
    /// The job.
    pub job: String,
    /// When it was asked, ms.
    pub at_ms: Timestamp,
    /// The time of the newest data, ms.
    pub data_ms: Option<Timestamp>,
    /// How fresh the data are; `None` without any.
    pub basis: Option<DataBasis>,
    /// Points read.
    pub points: u64,
    /// One a series.
    pub results: Vec<JobResult>,
    /// Series that could not be analysed.
    pub set_aside: Vec<SetAside>,
    /// Series beyond the bound.
    pub left_out: u64,
    /// The calendar says that this is no time for it: nothing was read.
    pub resting: bool,
}

impl JobRun {
    /// Results that are beyond a bound.
    pub fn found(&self) -> impl Iterator<Item = &JobResult> {
        self.results.iter().filter(|r| r.beyond.is_some())
    }
}

/// Looks at the data up to `now`.
pub(crate) fn evaluate(job: &Job, probe: &Probe<'_>, now: Timestamp) -> JobRun {
    let mut run = JobRun {
        job: job.name.clone(),
        at_ms: now,
        data_ms: None,
        basis: None,
        points: 0,
        results: Vec::new(),
        set_aside: Vec::new(),
        left_out: 0,
        resting: job.calendar.as_ref().is_some_and(|c| !c.holds(now - 1)),
    };
    if run.resting {
        return run;
    }
    for (i, query) in job.queries.iter().enumerate() {
        let Some((basis, at)) = freshest(probe, query, now) else { continue };
        // The job is as fresh as its oldest metric.
        run.basis = Some(run.basis.map_or(basis, |b| b.max(basis)));
        run.data_ms = Some(run.data_ms.map_or(at, |d| d.min(at)));
        let step = step_of(job.interval_ms, job.what);
        let grid = Grid { start: at - job.over_ms / step * step, end: at, step };
        let mut all = probe.range(query, grid);
        all.iter_mut().for_each(|series| job.keep_to_calendar(series));
        if let Some(k) = job.top {
            // Stable: of equals those that come first.
            all.sort_by(|a, b| level(b).total_cmp(&level(a)));
            all.truncate(k);
        }
        for series in all {
            let mut labels = crate::scores::pairs(&series.labels.with(METRIC_NAME, ""));
            let own = probe.narrowed(query, &labels);
            if job.queries.len() > 1 {
                labels.push(("metric".to_owned(), i.to_string()));
                labels.sort();
            }
            if run.results.len() + run.set_aside.len() >= SERIES_MAX {
                run.left_out += 1;
                continue;
            }
            run.points += series.times.len() as u64;
            match of_series(job, probe, &series, &own, at) {
                Ok((value, text, claimed)) => {
                    let beyond = job.beyond(value, claimed);
                    run.results.push(JobResult {
                        labels,
                        value,
                        text,
                        beyond,
                        query: own,
                        claimed,
                    });
                }
                Err(reason) => run.set_aside.push(SetAside { labels, reason }),
            }
        }
    }
    run
}

/// The mean of a series; of none the least.
fn level(series: &MatrixSeries) -> f64 {
    mean(&series.floats).filter(|m| m.is_finite()).unwrap_or(f64::NEG_INFINITY)
}

/// The newest time at which a query gives something, and how fresh that is.
fn freshest(probe: &Probe<'_>, query: &str, now: Timestamp) -> Option<(DataBasis, Timestamp)> {
    if !probe.vector(query, now).is_empty() {
        return Some((DataBasis::RealTime, now));
    }
    let ladder = [
        (DataBasis::Delayed, HOUR_MS, MINUTE_MS),
        (DataBasis::Historical, 7 * DAY_MS, 10 * MINUTE_MS),
    ];
    for (basis, back, step) in ladder {
        let grid = Grid { start: now - back, end: now, step };
        let newest = probe.range(query, grid).iter().filter_map(|s| s.times.last().copied()).max();
        if let Some(at) = newest {
            return Some((basis, at));
        }
    }
    None
}

type Said = Result<(f64, String, f64), String>;

fn of_series(
    job: &Job,
    probe: &Probe<'_>,
    series: &MatrixSeries,
    query: &str,
    at: Timestamp,
) -> Said {
    let finite = series.floats.iter().filter(|v| v.is_finite()).count();
    if !series.histograms.is_empty() {
        return Err("native histograms are no numbers; take histogram_quantile of them".to_owned());
    }
    if series.floats.iter().any(|v| v.is_infinite() || v.abs() > SIZE_MAX) {
        return Err("has infinite or absurdly large values".to_owned());
    }
    if finite < POINTS_MIN {
        return Err(format!("not enough data: {finite} points, {POINTS_MIN} are needed"));
    }
    match job.what {
        What::Trend => of_trend(series),
        What::Anomaly => of_anomaly(job, series),
        What::Forecast => of_forecast(job, series, at),
        What::Compare => of_compare(job, probe, series, query, at),
        What::Season => of_season(job, series, at),
    }
}

fn of_trend(series: &MatrixSeries) -> Said {
    let line = trend(&series.times, &series.floats, None).ok_or("has no line")?;
    let per_hour = line.slope_per_s * 3_600.0;
    if !line.significant(TREND_LEVEL) {
        return Ok((0.0, "no trend beyond chance".to_owned(), 1.0 - line.p_value));
    }
    let (low, high) = (line.slope_low * 3_600.0, line.slope_high * 3_600.0);
    let text = format!("changes by {per_hour:.4} an hour ({low:.4} to {high:.4} at 95 %)");
    Ok((per_hour, text, (1.0 - line.p_value).min(0.999)))
}

fn of_anomaly(job: &Job, series: &MatrixSeries) -> Said {
    let mut detector = Detector::new(DetectorConfig { step_ms: job.interval_ms });
    let mut newest = None;
    for (at, value) in series.times.iter().zip(&series.floats) {
        newest = Some((detector.observe(*at, *value), *value));
    }
    let (scored, value) = newest.ok_or("has no points")?;
    let expected = scored.expected.map_or_else(String::new, |e| format!(", {e:.4} was expected"));
    Ok((scored.score, format!("is {value:.4}{expected}; score {:.2}", scored.score), scored.score))
}

fn of_forecast(job: &Job, series: &MatrixSeries, at: Timestamp) -> Said {
    let step = (job.horizon_ms / STEPS_MAX).div_euclid(job.interval_ms) * job.interval_ms;
    let step = step.max(job.interval_ms);
    let start = series.times.first().copied().unwrap_or(at);
    let values = thinned(series, start, at, step);
    let steps = usize::try_from((job.horizon_ms / step).max(1)).unwrap_or(1);
    if values.len() < steps.min(POINTS_MIN) {
        let needed = format_duration_ms(step * steps as i64);
        return Err(format!("not enough data for a forecast: needs {needed}"));
    }
    let f = ensemble(&values, steps, step).ok_or("has too many gaps for a forecast")?;
    let ahead = format_duration_ms(step * steps as i64);
    let text =
        format!("{:.4} is foreseen in {ahead} ({:.4} to {:.4} at 95 %)", f.mean, f.lower, f.upper);
    // How sure a crossing is depends on the bound: see `beyond`.
    let half = (f.upper - f.lower).abs() / 2.0;
    Ok((f.mean, text, if half > 0.0 { 0.8 } else { 0.95 }))
}

/// Means of a coarser grid that ends at `end`; gaps stay gaps.
fn thinned(series: &MatrixSeries, start: i64, end: i64, step: i64) -> Vec<f64> {
    let n = usize::try_from((end - start).max(0) / step + 1).unwrap_or(0);
    let mut sums = vec![(0.0, 0.0); n];
    for (at, value) in series.times.iter().zip(&series.floats).filter(|(_, v)| v.is_finite()) {
        let back = usize::try_from((end - at).max(0) / step).unwrap_or(usize::MAX);
        if let Some(cell) = n.checked_sub(back + 1).and_then(|i| sums.get_mut(i)) {
            cell.0 += value;
            cell.1 += 1.0;
        }
    }
    sums.into_iter().map(|(sum, n)| if n > 0.0 { sum / n } else { f64::NAN }).collect()
}

fn of_compare(
    job: &Job,
    probe: &Probe<'_>,
    series: &MatrixSeries,
    query: &str,
    at: Timestamp,
) -> Said {
    let end = at - job.against_ms;
    let step = step_of(job.interval_ms, job.what);
    let grid = Grid { start: end - job.over_ms / step * step, end, step };
    let mut before = probe.range(query, grid);
    before.iter_mut().for_each(|series| job.keep_to_calendar(series));
    let [one] = before.as_slice() else {
        return Err(format!("no data {} ago", format_duration_ms(job.against_ms)));
    };
    let (Some(was), Some(is)) = (median(&one.floats), median(&series.floats)) else {
        return Err("has no finite values".to_owned());
    };
    if one.floats.len() < POINTS_MIN / 2 {
        return Err(format!("not enough data {} ago", format_duration_ms(job.against_ms)));
    }
    if was == 0.0 {
        return Err("was 0 then; a ratio has no meaning".to_owned());
    }
    let delta = cliff(&one.floats, &series.floats);
    let ratio = is / was;
    let text =
        format!("median {is:.4}, {was:.4} then: {ratio:.3} times (Cliff's delta {delta:.2})");
    Ok((ratio, text, delta.abs().min(0.999)))
}

/// Cliff's delta of two samples, by ranks of sorted values.
fn cliff(before: &[f64], after: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = before.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let (mut sum, mut n) = (0.0, 0.0);
    for v in after.iter().filter(|v| v.is_finite()) {
        let below = sorted.partition_point(|b| b < v) as f64;
        let above = (sorted.len() - sorted.partition_point(|b| b <= v)) as f64;
        sum += below - above;
        n += sorted.len() as f64;
    }
    if n > 0.0 { sum / n } else { 0.0 }
}

fn of_season(job: &Job, series: &MatrixSeries, at: Timestamp) -> Said {
    let step = step_of(job.interval_ms, job.what);
    let start = series.times.first().copied().unwrap_or(at);
    let values = thinned(series, start, at, step);
    let strength = |period: usize| {
        let r = autocorrelation(&values, period)?;
        let r = *r.get(period)?;
        is_seasonal(&values, period).then_some((r, period))
    };
    let best =
        calendar_periods(step).into_iter().filter_map(strength).max_by(|a, b| a.0.total_cmp(&b.0));
    Ok(match best {
        Some((r, period)) => {
            let period = format_duration_ms(period as i64 * step);
            (r.clamp(0.0, 1.0), format!("repeats every {period}"), r.clamp(0.0, 0.99))
        }
        None => (0.0, "repeats neither by hour, day nor week".to_owned(), 0.5),
    })
}

impl Job {
    /// Points whose window is not all within the calendar are not there.
    fn keep_to_calendar(&self, series: &mut MatrixSeries) {
        let Some(calendar) = &self.calendar else { return };
        let kept: Vec<bool> =
            series.times.iter().map(|at| calendar.spans(*at, self.window_ms)).collect();
        let (mut of_times, mut of_floats) = (kept.iter(), kept.iter());
        series.times.retain(|_| of_times.next().copied().unwrap_or(false));
        series.floats.retain(|_| of_floats.next().copied().unwrap_or(false));
    }

    /// The bound that a result is beyond; without bounds of its own the usual one of what is looked for.
    fn beyond(&self, value: f64, claimed: f64) -> Option<String> {
        let usual: &[Bound] = match self.what {
            What::Anomaly => &[Bound { above: true, value: 0.5 }],
            What::Compare => {
                &[Bound { above: true, value: 1.5 }, Bound { above: false, value: 0.67 }]
            }
            What::Season => &[Bound { above: true, value: 0.5 }],
            What::Trend | What::Forecast => &[],
        };
        let bounds = if self.alerts.is_empty() { usual } else { &self.alerts };
        if self.what == What::Compare && claimed < DELTA_MIN {
            return None;
        }
        let found = bounds.iter().find(|b| if b.above { value > b.value } else { value < b.value });
        found.map(|b| format!("{} {}", if b.above { '>' } else { '<' }, b.value))
    }

    /// Labels of the series of a result.
    pub(crate) fn result_labels(&self, result: &JobResult) -> Option<Labels> {
        let pairs = result.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let labels = Labels::new(pairs).ok()?;
        Some(labels.with(METRIC_NAME, "plimsoll_job_result").with("analysis_job", &self.name))
    }

    /// The results of a look, as samples.
    pub(crate) fn points(&self, run: &JobRun) -> Vec<Point> {
        let one = |r: &JobResult| Some(Point { labels: self.result_labels(r)?, value: r.value });
        run.results.iter().filter_map(one).collect()
    }

    /// What a look forecast, for the ledger.
    pub(crate) fn subjects(&self, run: &JobRun) -> Vec<Subject> {
        let one = |r: &JobResult| Subject {
            series: subject(&self.name, &r.labels),
            labels: r.labels.clone(),
            query: r.query.clone(),
        };
        run.results.iter().map(one).collect()
    }

    /// The insight of a finding.
    pub(crate) fn draft(
        &self,
        probe: &Probe<'_>,
        run: &JobRun,
        r: &JobResult,
        issued_ms: Timestamp,
    ) -> Option<Draft> {
        let at = run.data_ms?;
        let name = called(&self.name, &r.labels);
        let beyond = r.beyond.as_ref()?;
        let value = probe.evidence(r.query.clone(), When::before(at, self.over_ms), |v| {
            format!("{name} is {}", shown(v, ""))
        })?;
        let window = format_duration_ms(self.over_ms.clamp(SECOND_MS, DAY_MS));
        let step = format_duration_ms(step_of(self.interval_ms, self.what));
        let usual = format!("quantile_over_time(0.5, ({})[{window}:{step}])", r.query);
        let usual = probe.evidence(usual, When::at(at), |v| {
            format!("its median over {window} is {}", shown(v, ""))
        });
        let labels = self.result_labels(r)?;
        let stored = super::super::probe::braces(labels.iter());
        let stored =
            probe.evidence(format!("last_over_time({stored}[10m])"), When::at(issued_ms), |v| {
                format!("the {} is {}", self.what.as_str(), shown(v, ""))
            });
        let kind = match self.what {
            What::Trend => InsightType::Trend,
            What::Anomaly => InsightType::Anomaly,
            What::Forecast => InsightType::Risk,
            What::Compare => InsightType::ChangePoint,
            What::Season => InsightType::Seasonality,
        };
        let impact = stored.as_ref().unwrap_or(&value);
        Some(Draft {
            kind,
            subject: format!("job {}", subject(&self.name, &r.labels)),
            title: format!("{name}: {} {beyond}", self.what.as_str()),
            description: format!("{}; data are {}", r.text, run.basis?.as_str()),
            labels: r.labels.clone(),
            claimed: r.claimed,
            impact: Impact {
                text: r.text.clone(),
                value: impact.value,
                unit: String::new(),
                query: impact.query.clone(),
                at_ms: impact.to_ms,
                weight: 0.5,
            },
            evidence: [Some(value), usual, stored].into_iter().flatten().collect::<Vec<Evidence>>(),
            lasts_ms: (2 * self.interval_ms).max(HOUR_MS),
            level: AnomalyLevel::Page,
            covers: Vec::new(),
            check: None,
        })
    }
}
