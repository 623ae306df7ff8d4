//! The resource: what names the target, and `target_info` about it.

use plimsoll_model::{Metadata, MetricKind, Timestamp};

use super::attributes::{ATTRIBUTES_MAX, Attributes, Base, owned, pair, told, value_text, within};
use super::sink::{At, Sink};
use super::{Settings, each};
use crate::Result;

/// What names a target: it becomes `job` and `instance`.
const IDENTIFYING: [&str; 3] = ["service.namespace", "service.name", "service.instance.id"];
const TARGET_INFO: &str = "target_info";
/// Samples of `target_info` of one resource at most; they lie further apart when it covers more time.
const SAMPLES_MAX: i64 = 64;

/// A resource that is being read.
#[derive(Default)]
pub(super) struct Target<'a> {
    /// Keys, and the messages of their values.
    attributes: Vec<(&'a str, &'a [u8])>,
    /// First and last time of its points.
    seen: Option<(Timestamp, Timestamp)>,
}

impl<'a> Target<'a> {
    /// Reads a `Resource`.
    pub fn read(&mut self, message: &'a [u8]) -> Result<()> {
        each(message, "Resource", 1, |m| {
            within("attributes of a resource", self.attributes.len(), ATTRIBUTES_MAX)?;
            self.attributes.push(pair(m)?);
            Ok(())
        })
    }

    /// A point was of this time.
    pub fn saw(&mut self, time: Timestamp) {
        let (first, last) = self.seen.unwrap_or((time, time));
        self.seen = Some((first.min(time), last.max(time)));
    }

    /// What the labels of its series have in common.
    pub fn labels(&self, settings: &Settings) -> Result<Base> {
        let mut promoted = Attributes::new();
        for (key, value) in &self.attributes {
            let listed = settings.promoted.iter().any(|p| p == key);
            if listed != settings.promote_all {
                promoted.push((*key, value_text(value)?));
            }
        }
        Ok(Base { strong: self.identity()?, weak: owned(told(&mut promoted, settings)) })
    }

    fn identity(&self) -> Result<Vec<(String, String)>> {
        let mut labels = Vec::new();
        let of = |key: &str| {
            let found = self.attributes.iter().find(|(k, _)| *k == key);
            found.map(|(_, value)| value_text(value)).transpose()
        };
        if let Some(name) = of("service.name")? {
            let job = match of("service.namespace")? {
                Some(namespace) => format!("{namespace}/{name}"),
                None => name.into_owned(),
            };
            labels.push(("job".to_owned(), job));
        }
        if let Some(instance) = of("service.instance.id")? {
            labels.push(("instance".to_owned(), instance.into_owned()));
        }
        Ok(labels)
    }

    /// Adds `target_info` over the time of its points, when there is something to tell of it.
    pub fn tell(&self, settings: &Settings, sink: &mut Sink<'_>) -> Result<()> {
        let Some((first, last)) = self.seen else { return Ok(()) };
        let is_identifying = |key: &str| IDENTIFYING.contains(&key);
        if self.attributes.iter().all(|(k, _)| is_identifying(k)) {
            return Ok(());
        }
        let base = Base { strong: self.identity()?, weak: Vec::new() };
        if base.strong.is_empty() {
            return Ok(());
        }
        let mut told = Attributes::new();
        for (key, value) in &self.attributes {
            if settings.keep_identifying || !is_identifying(key) {
                told.push((*key, value_text(value)?));
            }
        }
        sink.no_point();
        sink.labels(&base.with(&mut told, settings), "");
        let span = last.saturating_sub(first);
        let every = settings.target_info_every.max(span / SAMPLES_MAX).max(1);
        let mut time = first;
        while time < last {
            sink.float(TARGET_INFO, None, At { time, start: 0 }, 1.0, &mut Vec::new())?;
            time = time.saturating_add(every);
        }
        sink.float(TARGET_INFO, None, At { time: last, start: 0 }, 1.0, &mut Vec::new())?;
        sink.metadata(Metadata {
            metric: TARGET_INFO.to_owned(),
            kind: MetricKind::Gauge,
            help: "Target metadata".to_owned(),
            unit: String::new(),
        })
    }
}
