//! What of findings is written down, and how it comes back. A document that cannot be read is left aside
//! and counted; the rest comes back.

use plimsoll_model::Timestamp;
use plimsoll_records::{Change, Event, Records};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::insight::Step;

/// Numbers that must come back to the bit, as texts: reading JSON numbers may be off in the last one.
pub(crate) mod exact {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Kind of the documents of insights; their id is the insight's.
pub(crate) const INSIGHT: &str = "insight";
/// Kind of the document of how often insights were right; its id is `all`.
pub(crate) const RELIABILITY: &str = "insight_reliability";
/// Kind of the documents of recommendations; their id is the recommendation's.
pub(crate) const RECOMMENDATION: &str = "recommendation";
/// Kind of the documents of forecasts that wait for the truth and of their scores, one a series.
pub(crate) const LEDGER: &str = "forecast_ledger";
/// Kind of the documents of assessments, one a host or service.
pub(crate) const ASSESSMENT: &str = "assessment";

/// Writes the only version of a document; nothing when it cannot be written as JSON.
pub(crate) fn put(kind: &str, id: &str, body: &impl Serialize, now: Timestamp) -> Option<Change> {
    Some(Change::Put {
        kind: kind.to_owned(),
        id: id.to_owned(),
        time_ms: now,
        author: "plimsoll".to_owned(),
        body: serde_json::to_string(body).ok()?,
        expected: None,
        keep: 1,
    })
}

pub(crate) fn remove(kind: &str, id: String) -> Change {
    Change::Remove { kind: kind.to_owned(), id }
}

/// The event of a step; of kind `kind`, about its id.
pub(crate) fn event(kind: &str, step: &Step) -> Option<Change> {
    Some(Change::Append(Event {
        seq: 0,
        time_ms: step.at_ms,
        kind: kind.to_owned(),
        subject: step.id.clone(),
        body: serde_json::to_string(step).ok()?,
    }))
}

/// All documents of a kind that can be read, with their ids; and how many cannot.
pub(crate) fn load<T: DeserializeOwned>(
    records: &dyn Records,
    kind: &str,
) -> plimsoll_records::Result<(Vec<(String, T)>, u64)> {
    let (mut found, mut bad) = (Vec::new(), 0);
    for document in records.documents(kind)? {
        match serde_json::from_str(&document.body) {
            Ok(body) => found.push((document.id, body)),
            Err(e) => {
                bad += 1;
                let id = &document.id;
                tracing::warn!(error = %e, kind, id, "a document of findings is left aside");
            }
        }
    }
    Ok((found, bad))
}
