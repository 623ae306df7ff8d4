//! What survives a restart: the detectors with the time up to which they have seen everything.
//!
//! One document per watched expression, kind [`KIND`], a JSON text with the detectors' bytes in hex. A
//! document that cannot be read, or is of another step, is left aside: its series learn again from the
//! store.

use plimsoll_analyze::Detector;
use plimsoll_model::{Labels, Timestamp};
use plimsoll_records::{Change, Document};
use serde::{Deserialize, Serialize};

use crate::scores::{Scores, Watched, pairs};

/// Kind of the documents.
pub(crate) const KIND: &str = "insight_state";

#[derive(Serialize, Deserialize)]
struct Body {
    watermark_ms: Timestamp,
    step_ms: i64,
    series: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    labels: Vec<(String, String)>,
    state: String,
}

/// The changes that write all detectors.
pub(crate) fn changes(
    scores: &Scores,
    names: &[&'static str],
    watermark_ms: Timestamp,
    now: Timestamp,
) -> Vec<Change> {
    let one = |name: &&'static str| {
        let of_name = scores.series.iter().filter(|((n, _), _)| n == name);
        let series: Vec<Kept> = of_name
            .map(|((_, labels), w)| Kept {
                labels: pairs(labels),
                state: hex(&w.detector.to_bytes()),
            })
            .collect();
        let body = Body { watermark_ms, step_ms: scores.step_ms, series };
        Some(Change::Put {
            kind: KIND.to_owned(),
            id: (*name).to_owned(),
            time_ms: now,
            author: "plimsoll".to_owned(),
            body: serde_json::to_string(&body).ok()?,
            expected: None,
            keep: 1,
        })
    };
    names.iter().filter_map(one).collect()
}

/// Puts what the documents hold into `scores`; gives the earliest watermark of those that were read.
pub(crate) fn restore(
    scores: &mut Scores,
    names: &[&'static str],
    documents: &[Document],
    most: usize,
) -> Option<Timestamp> {
    let mut watermark: Option<Timestamp> = None;
    for name in names {
        let Some(document) = documents.iter().find(|d| d.id == *name) else { continue };
        let body: Body = match serde_json::from_str(&document.body) {
            Ok(body) => body,
            Err(e) => {
                tracing::warn!(error = %e, name, "a checkpoint cannot be read and is left aside");
                continue;
            }
        };
        if body.step_ms != scores.step_ms {
            continue;
        }
        for kept in &body.series {
            let labels = Labels::new(kept.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
            let detector = unhex(&kept.state).and_then(|b| Detector::from_bytes(&b).ok());
            if let (Ok(labels), Some(detector), true) =
                (labels, detector, scores.series.len() < most)
            {
                scores.series.insert((name, labels), Watched::new(detector));
            }
        }
        watermark = Some(watermark.unwrap_or(i64::MAX).min(body.watermark_ms));
    }
    watermark
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |d: u8| char::from(DIGITS[usize::from(d & 15)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(*b)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pair = |p: &[u8]| match p {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::MatrixSeries;

    fn taught() -> Scores {
        let mut scores = Scores::new(1_000);
        let labels = Labels::empty().with("device", "sda");
        let times: Vec<i64> = (1..200).map(|i| i * 1_000).collect();
        let floats = (1..200).map(|i| f64::from(i * 31 % 17)).collect();
        scores.observe("disk_busy", &[MatrixSeries::new(labels, times, floats)], 10);
        scores
    }

    fn documents(changes: Vec<Change>) -> Vec<Document> {
        let put = |c| match c {
            Change::Put { kind, id, time_ms, author, body, .. } => {
                Some(Document { kind, id, version: 1, time_ms, author, body })
            }
            _ => None,
        };
        changes.into_iter().filter_map(put).collect()
    }

    #[test]
    fn detectors_come_back_as_they_were() {
        let scores = taught();
        let kept = documents(changes(&scores, &["disk_busy"], 199_000, 200_000));
        let mut back = Scores::new(1_000);
        assert_eq!(restore(&mut back, &["disk_busy"], &kept, 10), Some(199_000));
        let (key, watched) = scores.series.iter().next().unwrap();
        assert_eq!(back.series[key].detector, watched.detector);
        let mut other = Scores::new(5_000);
        assert_eq!(restore(&mut other, &["disk_busy"], &kept, 10), None);
    }

    #[test]
    fn a_damaged_document_costs_only_itself() {
        let kept = documents(changes(&taught(), &["disk_busy"], 1, 2));
        for at in (0..kept[0].body.len()).step_by(97) {
            let mut document = kept[0].clone();
            document.body.replace_range(at..=at, "}");
            let mut back = Scores::new(1_000);
            restore(&mut back, &["disk_busy"], &[document], 10);
            assert!(back.series.len() <= 1);
        }
    }
}
