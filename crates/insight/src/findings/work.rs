//! What a look does beside making insights: assessments, jobs, grades, key figures.

use std::time::Duration;

use plimsoll_model::Timestamp;

use super::jobs::run::evaluate;
use super::ledger::Subject;
use super::make::{self, Seen};
use super::probe::Probe;
use super::{DataBasis, Findings, JobStatus, Looking, SETTLED_MS, State, assess, jobs, kpi};
use crate::issue::Point;
use crate::spend::Part;

/// Jobs are begun within this time of a look; the others at the next.
const JOBS_WITHIN: Duration = Duration::from_secs(2);

impl Findings {
    /// Assesses hosts and services when an interval is over.
    pub(super) fn assess(&self, seen: &Seen, probe: &Probe<'_>, now: Timestamp) -> Vec<Point> {
        let mut state = self.state.lock();
        let Some(end) = state.assessments.due(now, SETTLED_MS) else { return Vec::new() };
        let known = state.assessments.known();
        drop(state);
        let judged = assess::judge(&known, &seen.resources, probe, end);
        self.state.lock().assessments.take_all(judged, end)
    }

    /// Runs the jobs that are due, as long as a look may take, unless they have to wait; gives the time
    /// that they took.
    pub(super) fn run_jobs(
        &self,
        looking: &mut Looking,
        started: Duration,
        now: Timestamp,
    ) -> Duration {
        let (setup, spend) = (self.insight.setup(), self.insight.spend());
        let mut all = Duration::ZERO;
        if !looking.jobs.iter().any(|s| s.is_due(now))
            || spend.holds(Part::Jobs, setup.clock.mono())
        {
            return all;
        }
        let Looking { jobs, graded, .. } = looking;
        for slot in jobs.iter_mut().filter(|s| s.is_due(now)) {
            let begun = setup.clock.mono();
            if begun.saturating_sub(started) > JOBS_WITHIN {
                break;
            }
            let interval = slot.job.interval_ms;
            slot.next_ms = now.div_euclid(interval) * interval + interval;
            let probe = Probe::new(&setup.engine, setup.source.snapshot());
            let run = evaluate(&slot.job, &probe, now - SETTLED_MS);
            if slot.job.what == jobs::What::Forecast {
                graded.insert(slot.job.name.clone(), slot.job.subjects(&run));
            }
            self.insight.issue_findings(slot.job.points(&run), now);
            // The results are there now, for evidence.
            let probe_after = Probe::new(&setup.engine, setup.source.snapshot());
            let found: Vec<_> =
                run.found().filter_map(|r| slot.job.draft(&probe_after, &run, r, now)).collect();
            let ended = setup.clock.mono();
            let took = ended.saturating_sub(begun);
            spend.note(Part::Jobs, took, ended);
            all += took;
            tracing::info!(
                job = slot.job.name,
                what = slot.job.what.as_str(),
                basis = run.basis.map_or("none", DataBasis::as_str),
                series = run.results.len(),
                points = run.points,
                queries = probe.asked() + probe_after.asked(),
                set_aside = run.set_aside.len(),
                findings = found.len(),
                took_ms = took.as_millis(),
                "analysis job completed"
            );
            let mut state = self.state.lock();
            state.job_runs += 1;
            state.queries += u64::from(probe.asked() + probe_after.asked());
            if let Some(status) = state.jobs.iter_mut().find(|s| s.name == slot.job.name) {
                *status = JobStatus::of(&run, slot.next_ms);
            }
            let State { insights, reliability, .. } = &mut *state;
            for draft in found {
                insights.take(draft, now, reliability);
            }
        }
        all
    }

    /// Issues forecasts and grades those whose truth is there.
    pub(super) fn grade(
        &self,
        looking: &mut Looking,
        seen: &Seen,
        probe: &Probe<'_>,
        now: Timestamp,
    ) -> Vec<Point> {
        let of_resource = |r: &crate::capacity::Resource| {
            let query = make::use_of(r)?;
            Some(Subject { series: r.id.clone(), labels: r.labels.clone(), query })
        };
        let mut subjects: Vec<Subject> = seen.resources.iter().filter_map(of_resource).collect();
        subjects.extend(looking.graded.values().flatten().cloned());
        looking.ledger.work(&subjects, probe, now);
        let points = looking.ledger.points(now);
        let mut state = self.state.lock();
        state.scored = looking.ledger.scored();
        state.accuracy = looking.ledger.accuracy();
        state.coverage = looking.ledger.coverage();
        state.books_left_out = looking.ledger.left_out;
        points
    }

    /// Key figures, and the insights that may page, as series.
    pub(super) fn figures(
        &self,
        looking: &mut Looking,
        probe: &Probe<'_>,
        now: Timestamp,
    ) -> Vec<Point> {
        if (0..kpi::EVERY_MS).contains(&now.saturating_sub(looking.series_ms)) {
            return Vec::new();
        }
        looking.series_ms = now;
        let mut points = kpi::asked(probe, now);
        let state = self.state.lock();
        points.extend(kpi::kept(&state));
        points.extend(state.insights.points());
        points
    }
}
