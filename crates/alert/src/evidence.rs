//! What a page shows beside its words: a chart, the value against the last day and week, since when, how
//! often before and what was done, runbook, links, and what may have caused it.
//!
//! [`Studio`] makes an [`Exhibit`] for a message that was decided. It never keeps a page back: a message is
//! in the outbox, complete in words, before its evidence is begun; what is ready within [`WITHIN`] is put
//! in, what is not, is not. At most [`AT_ONCE`] are made at a time and [`WAITING_MAX`] wait; more are left
//! out and counted. How a chart is drawn ([`Illustrate`]) and what is known of causes ([`Evidence`]) comes
//! from outside. Pictures are in a [`Gallery`]. The time in charts is UTC.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_model::{Cancel, Chart, Timestamp, Unit};

use crate::route::Notice;

pub mod gallery;
pub(crate) mod inquiry;
mod past;
mod studio;
mod subject;
mod telling;
mod units;

pub use gallery::{Gallery, Picture, PictureKind};
pub use past::Happened;
pub(crate) use studio::{Job, Jobs};
pub use studio::{Studio, StudioParts};
pub use telling::slot;

/// How long a message waits for its evidence.
pub const WITHIN: Duration = Duration::from_secs(2);
/// Messages whose evidence is made at once.
pub const AT_ONCE: usize = 2;
/// Messages that wait for theirs: few enough that the last one is likely to be in time.
pub const WAITING_MAX: usize = 16;
/// Alerts of a message that are looked at.
pub const ALERTS_MAX: usize = 8;
/// Causes that are told.
pub const CAUSES_MAX: usize = 5;

/// Draws charts.
pub trait Illustrate: Send + Sync {
    /// The chart as SVG and PNG; `None` when it cannot be drawn. Takes a moment, on the caller's thread.
    fn draw(&self, chart: &Chart) -> Option<Drawing>;
}

/// A chart that was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// As SVG.
    pub svg: String,
    /// As PNG.
    pub png: Vec<u8>,
}

/// Knows what may have caused an alert.
pub trait Evidence: Send + Sync {
    /// What is known. Should be there at [`Asked::until`]: evidence that is late is not told at all.
    fn findings(&self, asked: &Asked<'_>) -> Findings;
}

/// What is asked of [`Evidence`].
pub struct Asked<'a> {
    /// The alerts, which share a rule; at least one.
    pub alerts: &'a [Notice],
    /// What the first one looks at; `None` when that is not known.
    pub symptom: Option<Symptom>,
    /// The present, ms since the epoch.
    pub now: Timestamp,
    /// When the answer has to be there, on the monotonic clock.
    pub until: Duration,
    /// Set when nobody waits any more.
    pub cancel: Cancel,
    /// What links begin with.
    pub external_url: &'a str,
}

/// What an alert looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct Symptom {
    /// The left side of its comparison, for its own series: PromQL.
    pub expr: String,
    /// The labels of its own series: without those that rule and configuration add.
    pub labels: BTreeMap<String, String>,
    /// When it began to fire, ms since the epoch.
    pub since: Timestamp,
    /// When it was over, if it is.
    pub until: Option<Timestamp>,
}

/// What is known of an alert beyond its own series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// What may have caused it, the most likely first; at most [`CAUSES_MAX`] are told.
    pub causes: Vec<Cause>,
    /// What changed before it: a deployment, a configuration.
    pub changes: Vec<Happened>,
    /// What is going to happen, in a sentence.
    pub forecast: Option<String>,
    /// What to do first, in a sentence.
    pub recommendation: Option<String>,
}

/// Something that may have caused an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// In a sentence.
    pub text: String,
    /// How likely, 0 to 1.
    pub score: f64,
    /// Where to look; may be empty.
    pub url: String,
}

/// The value of one alert, now and before.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which alert: labels that tell it from the others; may be empty when there is one.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: u64,
    /// Now.
    pub value: Option<f64>,
    /// At this time a day ago.
    pub day_ago: Option<f64>,
    /// At this time a week ago.
    pub week_ago: Option<f64>,
    /// Since when it fires.
    pub since: Timestamp,
    /// When it was over, if it is.
    pub until: Option<Timestamp>,
}

/// A link and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The words.
    pub title: String,
    /// Where it leads.
    pub url: String,
}

/// What is shown with a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exhibit {
    /// When it was made.
    pub at: Timestamp,
    /// The chart, when there is one.
    pub picture: Option<Picture>,
    /// What the chart shows, in words, for who cannot see it.
    pub caption: String,
    /// What values count.
    pub unit: Unit,
    /// What the value is compared with: `> 90 %`; may be empty.
    pub condition: String,
    /// The alerts that were looked at; at most [`ALERTS_MAX`].
    pub readings: Vec<Reading>,
    /// Alerts of the message that were not looked at.
    pub others: usize,
    /// How often the rule fired in the last 30 days, this time included.
    pub fired_30d: u64,
    /// What happened last, the newest first.
    pub last: Vec<Happened>,
    /// Where it is written what to do; may be empty.
    pub runbook: String,
    /// Links that open the right view.
    pub links: Vec<Link>,
    /// What is known of causes.
    pub findings: Findings,
}

/// An exhibit and its chart, which is not kept.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The figures.
    pub exhibit: Exhibit,
    /// The chart.
    pub chart: Option<Chart>,
}
