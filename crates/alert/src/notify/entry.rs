//! From the settings of an integration to its channel.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_model::Secret;
use plimsoll_model::written::{Node, Problems, Value as Written};
use serde_json::{Map, Number, Value};

use super::channel::{Channel, is_address};
use super::{discord, email, exec, ntfy, opsgenie, pagerduty, slack, teams, telegram};
use crate::config::http::{HttpConfig, SecretFrom};
use crate::config::receivers::{Global, Setting, Settings};

/// How long an attempt may take unless it is written.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time that may be written.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// An integration as written.
pub struct Entry<'e> {
    /// Its keys.
    pub settings: Settings,
    /// What holds for all.
    pub global: &'e Global,
    /// How its server is reached.
    pub http: HttpConfig,
    /// Its place in the file.
    pub path: &'e str,
    /// Its line.
    pub line: u64,
    /// Where problems go.
    pub problems: &'e mut Problems,
}

/// The channel of an integration of this kind; `None` when the kind is not sent, or something is wrong,
/// which is noted then.
pub fn build(kind: &str, entry: &mut Entry<'_>) -> Option<Option<Arc<dyn Channel>>> {
    let before = entry.problems.found.len();
    let channel: Arc<dyn Channel> = match kind {
        "discord" => Arc::new(discord::Discord::new(entry)),
        "email" => Arc::new(email::Email::new(entry)),
        "exec" => Arc::new(exec::Exec::new(entry)),
        "msteams" => Arc::new(teams::Teams::new(entry, false)),
        "msteamsv2" => Arc::new(teams::Teams::new(entry, true)),
        "ntfy" => Arc::new(ntfy::Ntfy::new(entry)),
        "opsgenie" => Arc::new(opsgenie::Opsgenie::new(entry)),
        "pagerduty" => Arc::new(pagerduty::PagerDuty::new(entry)),
        "slack" => Arc::new(slack::Slack::new(entry)),
        "telegram" => Arc::new(telegram::Telegram::new(entry)),
        _ => return None,
    };
    Some((entry.problems.found.len() == before).then_some(channel))
}

impl Entry<'_> {
    /// Notes that a key is wrong.
    pub fn wrong(&mut self, key: &str, message: impl Into<String>) {
        let key =
            if key.is_empty() { self.path.to_owned() } else { format!("{}.{key}", self.path) };
        self.problems.add(self.line, key, message);
    }

    /// The text of a key, or this one.
    pub fn text(&self, key: &str, default: &str) -> String {
        match self.settings.get(key) {
            Some(Setting::Text(text)) => text.clone(),
            _ => default.to_owned(),
        }
    }

    /// The text of a key, else of a key of all, else this one. An empty text counts as not written.
    pub fn text_or_global(&self, key: &str, global: &str, default: &str) -> String {
        let full = |s: Option<&Setting>| match s {
            Some(Setting::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        full(self.settings.get(key))
            .or_else(|| full(self.global.settings.get(global)))
            .unwrap_or_else(|| default.to_owned())
    }

    /// The switch of a key.
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.settings.get(key) {
            Some(Setting::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// The switch of a key of all.
    pub fn global_bool(&self, key: &str) -> Option<bool> {
        match self.global.settings.get(key) {
            Some(Setting::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// The number of a key.
    pub fn int(&self, key: &str) -> Option<i64> {
        match self.settings.get(key) {
            Some(Setting::Int(i)) => Some(*i),
            _ => None,
        }
    }

    /// The texts of a key.
    pub fn texts(&self, key: &str) -> Vec<String> {
        match self.settings.get(key) {
            Some(Setting::Texts(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    /// The pairs of a key.
    pub fn pairs(&self, key: &str) -> Vec<(String, String)> {
        match self.settings.get(key) {
            Some(Setting::Pairs(pairs)) => pairs.clone(),
            _ => Vec::new(),
        }
    }

    /// What is written under a key, if anything is.
    pub fn any(&self, key: &str) -> Option<&Node> {
        match self.settings.get(key) {
            Some(Setting::Any(node)) => Some(node),
            _ => None,
        }
    }

    /// A list of mappings of texts, as JSON; anything else is noted.
    pub fn objects(&mut self, key: &'static str) -> Vec<Map<String, Value>> {
        let Some(node) = self.any(key).cloned() else { return Vec::new() };
        let Value::Array(all) = json_of(&node) else {
            self.wrong(key, format!("{} where a list is wanted", node.kind()));
            return Vec::new();
        };
        let mut out = Vec::new();
        for (i, one) in all.into_iter().enumerate() {
            match one {
                Value::Object(map) => out.push(map),
                _ => self.wrong(&format!("{key}[{i}]"), "a mapping is wanted"),
            }
        }
        out
    }

    /// The secret of a key or of the file that another names, else the same of all.
    pub fn secret(&mut self, keys: [&str; 2], global: [&str; 2]) -> Option<SecretFrom> {
        let own = of(&self.settings, keys);
        if own.len() > 1 {
            self.wrong(keys[1], format!("at most one of {} and {} may be given", keys[0], keys[1]));
        }
        own.into_iter().next().or_else(|| of(&self.global.settings, global).into_iter().next())
    }

    /// As [`Entry::secret`]; noted when there is none.
    pub fn must(&mut self, keys: [&str; 2], global: [&str; 2]) -> SecretFrom {
        self.secret(keys, global).unwrap_or_else(|| {
            self.wrong("", format!("one of {} and {} must be given", keys[0], keys[1]));
            SecretFrom::Text(Secret::default())
        })
    }

    /// As [`Entry::must`]; the secret is an address.
    pub fn must_address(&mut self, keys: [&str; 2], global: [&str; 2]) -> SecretFrom {
        let from = self.must(keys, global);
        if let SecretFrom::Text(text) = &from
            && !text.reveal().is_empty()
        {
            let text = text.reveal().to_owned();
            self.check_address(keys[0], &text);
        }
        from
    }

    /// Notes that a text is no address.
    pub fn check_address(&mut self, key: &str, text: &str) {
        if !is_address(text) {
            self.wrong(key, "the address must begin with http:// or https://");
        }
    }

    /// How long an attempt may take.
    pub fn timeout(&self) -> Duration {
        match self.settings.get("timeout") {
            Some(Setting::DurationMs(ms)) if *ms > 0 => {
                Duration::from_millis(ms.unsigned_abs()).min(TIMEOUT_MAX)
            }
            _ => TIMEOUT,
        }
    }
}

fn of(settings: &Settings, keys: [&str; 2]) -> Vec<SecretFrom> {
    let mut out = Vec::new();
    if let Some(Setting::Secret(secret)) = settings.get(keys[0])
        && !secret.reveal().is_empty()
    {
        out.push(SecretFrom::Text(secret.clone()));
    }
    if let Some(Setting::Text(path)) = settings.get(keys[1])
        && !path.is_empty()
    {
        out.push(SecretFrom::File(path.into()));
    }
    out
}

/// What is written, as JSON.
pub fn json_of(node: &Node) -> Value {
    match &node.value {
        Written::Null => Value::Null,
        Written::Bool(b) => Value::Bool(*b),
        Written::Int(i) => Value::from(*i),
        Written::Float(x) => Number::from_f64(*x).map_or(Value::Null, Value::Number),
        Written::Text(text) => Value::String(text.clone()),
        Written::List(all) => Value::Array(all.iter().map(json_of).collect()),
        Written::Map(all) => {
            Value::Object(all.iter().map(|(k, _, v)| (k.clone(), json_of(v))).collect())
        }
    }
}

/// The text of a key of a mapping.
pub fn text_in(map: &Map<String, Value>, key: &str) -> String {
    match map.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}
