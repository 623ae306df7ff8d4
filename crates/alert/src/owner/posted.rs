//! What comes in and is asked from outside: alerts of others, silences, and looks at the router.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::{Matcher, Timestamp};

use super::Alerting;
use crate::metrics::count;
use crate::route::matching::quoted;
use crate::route::{
    GroupedView, NOTICE_BYTES_MAX, NOTICES_MAX, Notice, NoticeView, Put, Routing, Silence,
    SilenceError,
};

/// Bytes of one alert's labels, annotations and address together.
const ALERT_BYTES_MAX: usize = 256 << 10;

/// An alert as somebody posts it. Times in ms since the epoch; 0 counts as not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// What it is about.
    pub labels: BTreeMap<String, String>,
    /// Texts for people.
    pub annotations: BTreeMap<String, String>,
    /// When it began.
    pub starts_at: Option<Timestamp>,
    /// When it is over unless it is posted again.
    pub ends_at: Option<Timestamp>,
    /// Where it is explained.
    pub generator_url: String,
}

/// Why some of what was posted was not taken; the rest was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// These are wrong, in Alertmanager's words.
    #[error("{0}")]
    Invalid(String),
    /// There are too many alerts; this many were refused.
    #[error(
        "{0} alerts refused: {NOTICES_MAX} are known already, or their texts have {NOTICE_BYTES_MAX} \
         bytes; resolve or relabel some"
    )]
    TooMany(usize),
}

impl Posted {
    /// Checks it and fills in what is not given, as Alertmanager does.
    fn checked(self, now: Timestamp, resolve_timeout_ms: i64) -> Result<Notice, String> {
        let mut notice = Notice {
            labels: self.labels.into_iter().filter(|(_, v)| !v.is_empty()).collect(),
            annotations: self.annotations,
            starts_at: self.starts_at.or(self.ends_at).unwrap_or(now),
            ends_at: self.ends_at,
            updated_at: now,
            by_timeout: self.ends_at.is_none(),
            generator_url: self.generator_url,
            acknowledged: None,
        };
        let end = *notice.ends_at.get_or_insert(now + resolve_timeout_ms);
        if end < notice.starts_at {
            return Err("start time must be before end time".to_owned());
        }
        if notice.labels.is_empty() {
            return Err("at least one label pair required".to_owned());
        }
        for (what, map) in [("label set", &notice.labels), ("annotations", &notice.annotations)] {
            if let Some(name) = map.keys().find(|n| n.is_empty()) {
                return Err(format!("invalid {what}: invalid name {}", quoted(name)));
            }
        }
        let bytes = notice.bytes();
        if bytes > ALERT_BYTES_MAX {
            return Err(format!(
                "{bytes} bytes of labels, annotations and address; at most {ALERT_BYTES_MAX}"
            ));
        }
        Ok(notice)
    }
}

impl Alerting {
    /// Takes alerts of others: the good ones of a batch, whatever the others are. They are written down
    /// when this returns, unless records cannot be written. Blocks.
    ///
    /// # Errors
    /// What was not taken, and why.
    pub fn post(&self, alerts: Vec<Posted>) -> Result<(), PostError> {
        let (mut wrong, mut refused) = (Vec::new(), 0);
        let now = self.now();
        let mut desk = self.desk.lock();
        let timeout = desk.config.routing.resolve_timeout_ms;
        let is_behind = !desk.unsaved.is_empty();
        for alert in alerts {
            match alert.checked(now, timeout) {
                Ok(notice) => {
                    count(&self.metrics.posted, 1);
                    refused += usize::from(desk.post(notice, now) == Put::Refused);
                }
                Err(why) => {
                    count(&self.metrics.posted_invalid, 1);
                    wrong.push(why);
                }
            }
        }
        desk.note_changes(now);
        if !is_behind {
            self.keep(&mut desk, Vec::new());
        }
        drop(desk);
        self.poke.notify_one();
        match (wrong.is_empty(), refused) {
            (false, _) => Err(PostError::Invalid(wrong.join("; "))),
            (true, 1..) => Err(PostError::TooMany(refused)),
            (true, 0) => Ok(()),
        }
    }

    /// Makes or changes a silence; it is written down when this returns, unless records cannot be
    /// written. Its id. Blocks.
    ///
    /// # Errors
    /// Nothing has changed, and why.
    pub fn set_silence(&self, wish: Silence) -> Result<String, SilenceError> {
        let now = self.now();
        let mut desk = self.desk.lock();
        desk.serial += 1;
        let mono = self.setup.clock.mono().as_nanos();
        let id = uuid(&format!("{now} {mono} {} {wish:?}", desk.serial));
        let (by, why) = (wish.created_by.clone(), wish.comment.clone());
        let id = desk.router.set_silence(wish, id, now)?;
        desk.note_silences(Some(&by).filter(|by| !by.is_empty()).map(String::as_str), &why, now);
        self.tell(&mut desk, now);
        Ok(id)
    }

    /// Ends a silence; it is written down when this returns, unless records cannot be written. Blocks.
    ///
    /// # Errors
    /// There is none, or it is over.
    pub fn expire_silence(&self, id: &str) -> Result<(), SilenceError> {
        let now = self.now();
        let mut desk = self.desk.lock();
        desk.router.expire_silence(id, now)?;
        desk.note_silences(None, "the silence was ended", now);
        self.tell(&mut desk, now);
        Ok(())
    }

    /// The alerts that the router knows and that are not over, by fingerprint.
    pub fn routed(&self) -> Vec<NoticeView> {
        self.desk.lock().router.alerts(self.now())
    }

    /// The open groups with their alerts.
    pub fn routed_groups(&self) -> Vec<GroupedView> {
        self.desk.lock().router.grouped(self.now())
    }

    /// The alerts that a silence with these matchers would mute now.
    pub fn would_mute(&self, matchers: &[Matcher]) -> Vec<NoticeView> {
        self.desk.lock().router.would_mute(matchers, self.now())
    }

    /// All silences in Alertmanager's order.
    pub fn silences(&self) -> Vec<Silence> {
        self.desk.lock().router.silences(self.now())
    }

    /// One silence.
    pub fn silence(&self, id: &str) -> Option<Silence> {
        self.desk.lock().router.silence(id)
    }

    /// The routes and receivers in force.
    pub fn routing(&self) -> Arc<Routing> {
        self.receivers()
    }
}

/// A UUID (version 8: made by hashing) for something that was never named before.
fn uuid(seed: &str) -> String {
    let hash = xxhash_rust::xxh3::xxh3_128(seed.as_bytes());
    let hash = (hash & !(0xf << 76)) | (8 << 76);
    let hash = (hash & !(0x3 << 62)) | (2 << 62);
    let hex = format!("{hash:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn what_is_not_given_is_filled_in() {
        let posted = |starts_at, ends_at| Posted {
            labels: labels(&[("a", "b"), ("e", "")]),
            starts_at,
            ends_at,
            ..Posted::default()
        };
        let times = |p: Posted| {
            let n = p.checked(1_000, 500).unwrap();
            assert_eq!(n.labels, labels(&[("a", "b")]));
            (n.starts_at, n.ends_at, n.by_timeout)
        };
        assert_eq!(times(posted(None, None)), (1_000, Some(1_500), true));
        assert_eq!(times(posted(Some(7), None)), (7, Some(1_500), true));
        assert_eq!(times(posted(None, Some(7))), (7, Some(7), false));
        assert_eq!(
            posted(Some(8), Some(7)).checked(1_000, 500).unwrap_err(),
            "start time must be before end time"
        );
        let none = Posted { labels: labels(&[("a", "")]), ..Posted::default() };
        assert_eq!(none.checked(0, 1).unwrap_err(), "at least one label pair required");
        let nameless = Posted { labels: labels(&[("", "x")]), ..Posted::default() };
        assert_eq!(nameless.checked(0, 1).unwrap_err(), "invalid label set: invalid name \"\"");
    }

    #[test]
    fn silences_have_uuids() {
        let id = uuid("x");
        assert_eq!((id.len(), id.as_bytes()[14], id.matches('-').count()), (36, b'8', 4));
        assert_ne!(id, uuid("y"));
    }
}
