//! When findings are written into the records, and how they come back.

use plimsoll_model::Timestamp;
use plimsoll_records::{Change, Records};

use super::{
    AnalyticsInsight, Findings, Looking, Recommendation, Reliability, assess, kept, ledger,
};

impl Findings {
    /// Writes what is not written yet; for a shutdown, and by itself after each look.
    pub fn checkpoint(&self) {
        let now = self.insight.setup().clock.wall_ms();
        let mut looking = self.looking.lock();
        if looking.restored {
            self.keep(now, true);
            self.keep_ledger(&mut looking, now, true);
        }
    }

    /// Writes forecasts with their grades, and assessments.
    pub(super) fn keep_ledger(&self, looking: &mut Looking, now: Timestamp, everything: bool) {
        let Some(records) = &self.insight.setup().records else { return };
        let (books, gone) = looking.ledger.take_changes();
        let mut state = self.state.lock();
        let (kept, left) = state.assessments.take_changes(everything);
        drop(state);
        let mut changes: Vec<Change> = Vec::new();
        changes.extend(books.iter().filter_map(|(id, b)| kept::put(kept::LEDGER, id, b, now)));
        changes.extend(gone.iter().map(|id| kept::remove(kept::LEDGER, id.clone())));
        changes.extend(kept.iter().filter_map(|k| kept::put(kept::ASSESSMENT, &k.id(), k, now)));
        changes.extend(left.iter().map(|g| kept::remove(kept::ASSESSMENT, assess::id_of(g))));
        if changes.is_empty() {
            return;
        }
        if let Err(e) = records.apply(&changes) {
            tracing::warn!(error = %e, "forecasts and assessments could not be written down yet");
            looking.ledger.not_written(&books, gone);
            let mut state = self.state.lock();
            state.records_failures += 1;
            state.assessments.not_written(&kept, left);
        }
    }

    /// Whether everything that is to be written is.
    pub(super) fn keep(&self, now: Timestamp, everything: bool) -> bool {
        let Some(records) = &self.insight.setup().records else { return true };
        let mut state = self.state.lock();
        let (insights, gone, steps) = state.insights.take_changes(now, everything);
        let (advice, old, said) = state.recommendations.take_changes();
        let mut changes: Vec<Change> = Vec::new();
        changes.extend(insights.iter().filter_map(|i| kept::put(kept::INSIGHT, &i.id, i, now)));
        changes.extend(gone.iter().map(|id| kept::remove(kept::INSIGHT, id.clone())));
        changes
            .extend(advice.iter().filter_map(|r| kept::put(kept::RECOMMENDATION, &r.id, r, now)));
        changes.extend(old.iter().map(|id| kept::remove(kept::RECOMMENDATION, id.clone())));
        changes.extend(steps.iter().filter_map(|s| kept::event("insight", s)));
        changes.extend(said.iter().filter_map(|s| kept::event("recommendation", s)));
        if std::mem::take(&mut state.reliability_changed) {
            changes.extend(kept::put(kept::RELIABILITY, "all", &state.reliability, now));
        }
        if changes.is_empty() {
            return true;
        }
        if let Err(e) = records.apply(&changes) {
            tracing::warn!(error = %e, "findings could not be written down; they will be again");
            state.records_failures += 1;
            state.insights.not_written(&insights, gone, steps);
            state.recommendations.not_written(&advice, old, said);
            state.reliability_changed = true;
            return false;
        }
        true
    }

    pub(super) fn restore(&self, looking: &mut Looking) {
        let Some(records) = &self.insight.setup().records else { return };
        let mut state = self.state.lock();
        match read_kept(&**records) {
            Ok(kept) => {
                kept.insights.into_iter().for_each(|(_, i)| state.insights.restore(i));
                kept.advice.into_iter().for_each(|(_, r)| state.recommendations.restore(r));
                kept.books.into_iter().for_each(|(id, b)| looking.ledger.restore(id, b));
                kept.assessed.into_iter().for_each(|(_, k)| state.assessments.restore(k));
                state.reliability = kept.reliability.unwrap_or_default();
                state.unreadable = kept.unreadable;
            }
            Err(e) => {
                state.records_failures += 1;
                tracing::warn!(error = %e, "findings of before could not be read");
            }
        }
    }
}

/// What was written down before.
struct Before {
    insights: Vec<(String, AnalyticsInsight)>,
    advice: Vec<(String, Recommendation)>,
    books: Vec<(String, ledger::Book)>,
    assessed: Vec<(String, assess::Kept)>,
    reliability: Option<Reliability>,
    unreadable: u64,
}

fn read_kept(records: &dyn Records) -> plimsoll_records::Result<Before> {
    let (insights, a) = kept::load(records, kept::INSIGHT)?;
    let (advice, b) = kept::load(records, kept::RECOMMENDATION)?;
    let (books, c) = kept::load(records, kept::LEDGER)?;
    let (assessed, d) = kept::load(records, kept::ASSESSMENT)?;
    let (tables, e) = kept::load(records, kept::RELIABILITY)?;
    let reliability = tables.into_iter().next().map(|(_, table)| table);
    let unreadable = a + b + c + d + e;
    Ok(Before { insights, advice, books, assessed, reliability, unreadable })
}
