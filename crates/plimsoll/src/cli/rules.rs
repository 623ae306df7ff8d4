//! `plimsoll rules`: what one does with rules beside running them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use plimsoll_alert::{PACKS, Pack};
use plimsoll_net::{Client, HttpClient, HttpConfig, Request};

use super::{Backfill, Packs, say};

/// A server works for half a minute and then answers; a window that is begun is ended.
const TIMEOUT: Duration = Duration::from_secs(150);

/// What a server did, by group and rule: stored, already there, refused.
type Done = BTreeMap<(String, String), [u64; 3]>;

/// Has a server evaluate recording rules over the past, piece by piece, and prints what came of it.
pub fn backfill(backfill: &Backfill) -> Result<()> {
    plimsoll_net::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = HttpClient::new(HttpConfig::default());
    let url = format!("{}/api/plimsoll/v1/rules/backfill", backfill.server.trim_end_matches('/'));
    let (mut start, mut done) = (backfill.start.clone(), Done::new());
    loop {
        let form = form(backfill, &start);
        let mut request = Request::post(&url, "application/x-www-form-urlencoded", form);
        request.timeout = TIMEOUT;
        let answer = runtime.block_on(client.send(request)).with_context(|| {
            format!("no answer from {}; is plimsoll serve running?", backfill.server)
        })?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("{url} did not answer with JSON"))?;
        let Some(rules) = body["rules"].as_array() else {
            bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"));
        };
        for rule in rules {
            let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
            let counts = done.entry((text("group"), text("rule"))).or_default();
            for (count, key) in counts.iter_mut().zip(["stored", "duplicate", "refused"]) {
                *count += rule[key].as_u64().unwrap_or_default();
            }
            if let Some(reason) = rule["reason"].as_str() {
                tracing::warn!(rule = text("rule"), reason, "samples refused");
            }
        }
        match body["next"].as_i64() {
            Some(next) => {
                start = format!("{}.{:03}", next.div_euclid(1000), next.rem_euclid(1000));
                tracing::info!(next = start, "goes on");
            }
            None => break,
        }
    }
    for ((group, rule), [stored, duplicate, refused]) in done {
        say(&format!(
            "{group}: {rule}: {stored} samples stored, {duplicate} were there, {refused} refused"
        ));
    }
    Ok(())
}

fn form(backfill: &Backfill, start: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("start", start).append_pair("end", &backfill.end);
    for (name, value) in [("group", &backfill.group), ("rule", &backfill.rule)] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    form.finish()
}

/// Lists the default rules, or prints the file of a pack.
pub fn packs(packs: &Packs) -> Result<()> {
    let Some(name) = &packs.print else {
        say(listed().trim_end());
        return Ok(());
    };
    let Some(pack) = Pack::named(name) else {
        bail!("{name:?} is no pack of rules; there are {}", PACKS.map(|p| p.name).join(", "));
    };
    say(pack.text.trim_end());
    Ok(())
}

fn listed() -> String {
    let mut out = String::new();
    for pack in PACKS {
        let off = if pack.is_on { "" } else { " (off unless it is listed)" };
        out.push_str(&format!("{}: {}{off}\n", pack.name, pack.about));
        for rule in pack.rationales() {
            out.push_str(&format!("  {}\n", rule.alert));
            for line in wrapped(&rule.why, 96) {
                out.push_str(&format!("    {line}\n"));
            }
        }
        out.push('\n');
    }
    out
}

/// Lines of at most `width` characters, but for words that are longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_are_listed_with_their_reasons() {
        let text = listed();
        assert!(
            text.contains("host: the machine that Plimsoll runs on\n  HostDiskFull\n    90 % is")
        );
        assert!(text.contains("watchdog: ") && text.contains("(off unless"), "{text}");
        assert!(text.lines().all(|l| l.chars().count() <= 100), "{text}");
        assert_eq!(wrapped("a bb ccc", 4), ["a bb", "ccc"]);
        let wrong = packs(&Packs { print: Some("hots".into()) }).unwrap_err().to_string();
        assert!(wrong.starts_with("\"hots\" is no pack of rules; there are host, "), "{wrong}");
    }
}
