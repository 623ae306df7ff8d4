//! `plimsoll rules list`, `push`, `pull`, `history`: the rule files of a running server.

use std::io::Write as _;

use anyhow::{Context, Result, bail};
use plimsoll_net::{Client, HttpClient, HttpConfig, Method, Request};
use serde_json::{Value, json};

use super::{AtServer, History, Pull, Push, say, say_wrong};

/// Bytes of an answer: a hundred differences.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Lists the files.
pub fn list(at: &AtServer) -> Result<()> {
    let body = ask(at, Method::Get, "", None)?;
    for file in body["files"].as_array().into_iter().flatten() {
        let text = |key: &str| file[key].as_str().unwrap_or_default();
        let mut line =
            format!("{}: {} rules in {} groups", text("name"), file["rules"], file["groups"]);
        if file["editable"] == true {
            let (version, author) = (&file["version"], text("author"));
            line.push_str(&format!(", version {version} of {} by {author:?}", text("changed_at")));
        }
        if let Some(why) = file["unreadable"].as_str() {
            line.push_str(&format!(", not readable: {why}"));
        } else if file["in_force"] == false {
            line.push_str(", changed by hand: takes effect with the next reload");
        }
        say(&line);
    }
    Ok(())
}

/// Sends a file.
pub fn push(push: &Push) -> Result<()> {
    let text = std::fs::read_to_string(&push.file)
        .with_context(|| format!("{} cannot be read", push.file.display()))?;
    let stem = push.file.file_stem().map(|s| s.to_string_lossy().into_owned());
    let name = push.name.clone().or(stem).unwrap_or_default();
    let mut body = json!({
        "text": text,
        "author": push.author.as_deref().unwrap_or_default(),
        "comment": push.comment,
    });
    if let Some(version) = push.expected_version {
        body["expected_version"] = json!(version);
    }
    let done = ask(&push.at, Method::Put, &format!("/{}", segment(&name)), Some(&body))?;
    say(&format!("{name}: version {}", done["version"]));
    Ok(())
}

/// Prints a file.
pub fn pull(pull: &Pull) -> Result<()> {
    let version = pull.version.map_or_else(String::new, |v| format!("?version={v}"));
    let body = ask(&pull.at, Method::Get, &format!("/{}{version}", segment(&pull.name)), None)?;
    let text = body["text"].as_str().unwrap_or_default();
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

/// Prints who changed a file when and how.
pub fn history(history: &History) -> Result<()> {
    let path = format!("/{}/versions", segment(&history.name));
    let body = ask(&history.at, Method::Get, &path, None)?;
    for version in body["versions"].as_array().into_iter().flatten() {
        let text = |key: &str| version[key].as_str().unwrap_or_default();
        let (number, removed) = (&version["version"], version["removed"] == true);
        let what = if removed { ", removed" } else { "" };
        say(&format!("version {number}, {}, {:?}{what}", text("changed_at"), text("author")));
        if !text("comment").is_empty() {
            say(&format!("    {}", text("comment")));
        }
        text("diff").lines().for_each(say);
    }
    Ok(())
}

fn segment(name: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    // In a path a plus is a plus.
    encoded.replace('+', "%20")
}

/// Asks for something below the files; what the server says is wrong is the error.
fn ask(at: &AtServer, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
    plimsoll_net::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = HttpClient::new(HttpConfig::default());
    let server = at.server.trim_end_matches('/');
    let mut request = Request::get(format!("{server}/api/plimsoll/v1/rules/files{path}"));
    request.method = method;
    request.timeout = std::time::Duration::from_secs(60);
    request.body_limit = ANSWER_BYTES_MAX;
    if let Some(body) = body {
        request.body = serde_json::to_vec(body)?.into();
        request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let answer = runtime
        .block_on(client.send(request))
        .with_context(|| format!("no answer from {server}; is plimsoll serve running?"))?;
    let body: Value = serde_json::from_slice(&answer.body)
        .with_context(|| format!("{server} did not answer with JSON"))?;
    if answer.is_success() {
        return Ok(body);
    }
    for problem in body["problems"].as_array().into_iter().flatten() {
        let text = |key: &str| problem[key].as_str().unwrap_or_default();
        say_wrong(&format!("line {}: {}: {}", problem["line"], text("key"), text("message")));
    }
    bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"))
}
