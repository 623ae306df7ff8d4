//! `receivers`: who can be told, and by what.
//!
//! Each entry of a `…_configs` list is an integration. Kinds that can be sent have a [`Channel`]; all
//! others are read with all their keys ([`kinds`](super::kinds)) and kept as [`Kept`] until they can.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_model::Secret;
use plimsoll_model::written::{Fields, Node, Problems};

use super::http::{self, HttpConfig};
use super::kinds::{Holds, KINDS, Kind};
use super::texts::texts;
use crate::notify::{Channel, Entry, build, webhook};

/// Receivers that may be configured.
pub const RECEIVERS_MAX: usize = 10_000;

/// Who is told.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// By what, in order.
    pub integrations: Vec<Integration>,
    /// Integrations of kinds that are read and not sent yet.
    pub kept: Vec<Kept>,
    /// Who is told instead when it cannot be.
    pub fallback: Option<String>,
    /// Its texts, each with its key: `slack_configs[0].title`.
    pub texts: Vec<(String, String)>,
}

/// One way to tell a receiver.
#[derive(Clone, Debug)]
pub struct Integration {
    /// Its place among those of its kind.
    pub index: usize,
    /// Whether it hears that alerts are over.
    pub send_resolved: bool,
    /// Who makes and sends messages.
    pub channel: Arc<dyn Channel>,
}

impl Integration {
    /// The name within its receiver, `webhook/0`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.channel.kind(), self.index)
    }
}

/// An integration of a kind that is not sent yet, with everything that is written of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its kind: `slack`.
    pub kind: &'static str,
    /// Its place among those of its kind.
    pub index: usize,
    /// Whether it hears that alerts are over.
    pub send_resolved: bool,
    /// How its server is reached.
    pub http: HttpConfig,
    /// Its other keys.
    pub settings: Settings,
}

/// Values by key.
pub type Settings = BTreeMap<&'static str, Setting>;

/// A value of a key.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Setting {
    Text(String),
    Secret(Secret),
    Bool(bool),
    Int(i64),
    DurationMs(i64),
    Texts(Vec<String>),
    Pairs(Vec<(String, String)>),
    Any(Node),
}

/// What holds for all receivers of a file.
#[derive(Clone, Debug, Default)]
pub struct Global {
    /// How servers are reached unless an integration says otherwise.
    pub http: HttpConfig,
    /// Defaults of kinds.
    pub settings: Settings,
    /// Programs that `exec_configs` may run.
    pub exec_allowed: Vec<PathBuf>,
}

/// Reads the list of receivers; keys without effect are added to `unsupported`.
pub fn read(
    nodes: &[Node],
    path: &str,
    global: &Global,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> Vec<Receiver> {
    let mut out: Vec<Receiver> = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for (i, node) in nodes.iter().enumerate() {
        let path = format!("{path}[{i}]");
        if i >= RECEIVERS_MAX {
            problems.add(node.line, path, format!("more than {RECEIVERS_MAX} receivers"));
            break;
        }
        let receiver = one(node, &path, global, unsupported, problems);
        if !names.insert(receiver.name.clone()) {
            let message = format!("the name {:?} occurs twice", receiver.name);
            problems.add(node.line, format!("{path}.name"), message);
        }
        out.push(receiver);
    }
    for (receiver, node) in out.iter().zip(nodes) {
        let Some(other) = &receiver.fallback else { continue };
        if *other == receiver.name || !names.contains(other) {
            let message = format!("the fallback {other:?} is not the name of another receiver");
            problems.add(node.line, format!("{path}: {:?}.fallback", receiver.name), message);
        }
    }
    out
}

/// Reads one receiver.
pub(super) fn one(
    node: &Node,
    path: &str,
    global: &Global,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> Receiver {
    let mut fields = Fields::of(node, path, problems);
    let name = fields.text("name", problems).unwrap_or_default();
    if name.is_empty() {
        problems.add(node.line, format!("{path}.name"), "a receiver needs a name");
    }
    let fallback = fields.text("fallback", problems).filter(|f| !f.is_empty());
    let mut receiver = Receiver { name, fallback, ..Receiver::default() };
    for (index, node) in fields.list("webhook_configs", problems).iter().enumerate() {
        let path = format!("{path}.webhook_configs[{index}]");
        let read = webhook::read(node, &path, global, unsupported, problems);
        if let Some((send_resolved, channel)) = read {
            receiver.integrations.push(Integration { index, send_resolved, channel });
        }
    }
    for kind in KINDS {
        for (index, node) in fields.list(kind.key, problems).iter().enumerate() {
            let path = format!("{path}.{}[{index}]", kind.key);
            let mut kept = kept(kind, index, node, &path, global, unsupported, problems);
            receiver.texts.extend(texts(&kept));
            let mut entry = Entry {
                settings: std::mem::take(&mut kept.settings),
                global,
                http: kept.http.clone(),
                path: &path,
                line: node.line,
                problems,
            };
            match build(kind.name, &mut entry) {
                Some(channel) => {
                    let send_resolved = kept.send_resolved;
                    let of = |channel| Integration { index, send_resolved, channel };
                    receiver.integrations.extend(channel.map(of));
                }
                None => {
                    kept.settings = entry.settings;
                    receiver.kept.push(kept);
                    unsupported.push(http::not_yet(&problems.file, node.line, &path));
                }
            }
        }
    }
    fields.finish(problems);
    receiver
}

fn kept(
    kind: &'static Kind,
    index: usize,
    node: &Node,
    path: &str,
    global: &Global,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> Kept {
    let mut fields = Fields::of(node, path, problems);
    let send_resolved = fields.bool("send_resolved", problems).unwrap_or(kind.send_resolved);
    let http = http_of(&mut fields, global, unsupported, problems);
    let settings = settings(&mut fields, kind.keys, problems);
    fields.finish(problems);
    Kept { kind: kind.name, index, send_resolved, http, settings }
}

/// The `http_config` of an integration, or that of all.
pub(crate) fn http_of(
    fields: &mut Fields<'_>,
    global: &Global,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> HttpConfig {
    match fields.take("http_config") {
        Some(node) => http::read(node, &fields.path("http_config"), unsupported, problems),
        None => global.http.clone(),
    }
}

/// Reads keys by their table.
pub(super) fn settings(
    fields: &mut Fields<'_>,
    keys: &'static [(&'static str, Holds)],
    problems: &mut Problems,
) -> Settings {
    let mut out = Settings::new();
    for (key, holds) in keys {
        let value = match holds {
            Holds::Text => fields.text(key, problems).map(Setting::Text),
            Holds::Secret => fields.text(key, problems).map(|t| Setting::Secret(Secret::new(t))),
            Holds::Bool => fields.bool(key, problems).map(Setting::Bool),
            Holds::Int => fields.int(key, i64::MIN..=i64::MAX, problems).map(Setting::Int),
            Holds::Duration => fields.duration_ms(key, problems).map(Setting::DurationMs),
            Holds::Texts => {
                Some(fields.texts(key, problems)).filter(|t| !t.is_empty()).map(Setting::Texts)
            }
            Holds::Pairs => {
                let pairs = fields.pairs(key, problems).into_iter().map(|(n, v, _)| (n, v));
                Some(pairs.collect::<Vec<_>>()).filter(|p| !p.is_empty()).map(Setting::Pairs)
            }
            Holds::Any => fields.take(key).cloned().map(Setting::Any),
        };
        out.extend(value.map(|v| (*key, v)));
    }
    out
}
