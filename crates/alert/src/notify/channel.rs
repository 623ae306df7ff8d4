//! What a kind of integration must be able to do, and what the kinds share.
//!
//! A kind is a file of its own beside this one: it reads its section, makes the message of a
//! [`Notification`] when it is decided (that is what the outbox keeps), and sends it later, again and
//! again if need be. It keeps nothing between attempts.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_net::{Answer, Client, Request};
use plimsoll_world::{Disk, Open};
use serde_json::Value;

use crate::config::http::{Auth, HttpConfig, SecretFrom};
use crate::evidence::{Exhibit, Gallery, PictureKind};
use crate::owner::Bulletin;
use crate::route::Notification;
use crate::template::Templates;

/// Bytes of a file that holds a secret.
const SECRET_BYTES_MAX: u64 = 64 << 10;
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// Trying again may help.
    Failed(String),
    /// Trying again may help, though not before this time is over.
    Busy(String, Duration),
    /// Trying again will not help.
    GivenUp(String),
}

/// What a message is made with.
#[derive(Clone, Copy, Debug)]
pub struct Making<'m> {
    /// Where people reach this server; no slash at the end.
    pub external_url: &'m str,
    /// The named templates.
    pub templates: &'m Templates,
    /// What is shown beside the words, if it is there.
    pub exhibit: Option<&'m Exhibit>,
}

impl Making<'_> {
    /// Where a chart is served, if there is one.
    pub fn chart(&self, kind: PictureKind) -> Option<String> {
        Some(self.exhibit?.picture.as_ref()?.url(self.external_url, kind))
    }

    /// The figures of the evidence; none when there is none.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        self.exhibit.map(Exhibit::fields).unwrap_or_default()
    }
}

/// What a message is sent with.
#[derive(Clone)]
pub struct Tools {
    /// Sends requests.
    pub client: Arc<dyn Client>,
    /// Reads files of secrets.
    pub disk: Arc<dyn Disk>,
    /// Where pictures of messages are.
    pub gallery: Option<Arc<Gallery>>,
}

/// A message on its way to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Names the message over all attempts.
    pub idempotency_key: String,
    /// What [`Channel::make`] gave.
    pub message: Value,
}

/// An attempt that is going on.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// A kind of integration with its settings.
pub trait Channel: Send + Sync + fmt::Debug {
    /// The name of the kind: `webhook`.
    fn kind(&self) -> &'static str;

    /// The message, without secrets: it is kept in records. `None` when there is nothing to say.
    fn make(&self, notification: &Notification, making: &Making<'_>) -> Option<Value>;

    /// The message of a bulletin; `n` is the same as an alert, which is what kinds that know alerts only
    /// send. `None` when there is nothing to say.
    fn bulletin(
        &self,
        bulletin: &Bulletin,
        n: &Notification,
        url: &str,
        making: &Making<'_>,
    ) -> Option<Value> {
        let (_, _) = (bulletin, url);
        self.make(n, making)
    }

    /// Sends it. Must end by itself within a bounded time.
    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a>;
}

/// A secret, wherever it is written; without white space around it.
///
/// # Errors
/// The file cannot be read.
pub fn secret(from: &SecretFrom, disk: &dyn Disk) -> Result<String, String> {
    match from {
        SecretFrom::Text(secret) => Ok(secret.reveal().to_owned()),
        SecretFrom::File(path) => {
            read(path, disk).map_err(|why| format!("the file {}: {why}", path.display()))
        }
    }
}

fn read(path: &Path, disk: &dyn Disk) -> Result<String, String> {
    let file = disk.open(path, Open::Read).map_err(|e| e.to_string())?;
    let len = file.len().map_err(|e| e.to_string())?;
    if len > SECRET_BYTES_MAX {
        return Err(format!("{len} bytes; at most {SECRET_BYTES_MAX} are read"));
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(|e| e.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "not a text".to_owned())?;
    Ok(text.trim().to_owned())
}

/// A POST of JSON as a `http_config` wants it. Reads files of secrets: call it on a blocking thread, or
/// where a moment does not matter.
///
/// # Errors
/// A file cannot be read.
pub fn post(
    url: &str,
    body: String,
    http: &HttpConfig,
    timeout: Duration,
    disk: &dyn Disk,
) -> Result<Request, String> {
    let mut request = Request::post(url, "application/json", body);
    request.timeout = timeout;
    request.redirects = http.redirects;
    request.trust = http.trust;
    request.body_limit = ANSWER_BYTES_MAX;
    request.body_limit_key = "answer of a receiver";
    let own = http.headers.iter().map(|(n, v)| (n.clone(), v.reveal().to_owned()));
    request.headers.extend(own);
    let proof = match &http.auth {
        Auth::None => None,
        Auth::Credentials(scheme, from) => Some(format!("{scheme} {}", secret(from, disk)?)),
        Auth::Basic(user, password) => {
            let pair = format!("{}:{}", secret(user, disk)?, secret(password, disk)?);
            Some(format!("Basic {}", base64(pair.as_bytes())))
        }
    };
    request.headers.extend(proof.map(|p| ("authorization".to_owned(), p)));
    Ok(request)
}

/// Sends it; what went wrong on the way may go better next time.
///
/// # Errors
/// No answer.
pub async fn exchange(request: Result<Request, String>, tools: &Tools) -> Result<Answer, Outcome> {
    let request = request.map_err(Outcome::Failed)?;
    tools.client.send(request).await.map_err(|e| Outcome::Failed(e.to_string()))
}

/// What follows from an answer: 2xx is delivered; 408, 429 and 5xx may go better next time, not before
/// `Retry-After` if it says so.
pub fn judge(answer: &Answer) -> Outcome {
    if answer.is_success() {
        return Outcome::Delivered;
    }
    let why = said(answer);
    let wait = answer.header("retry-after").and_then(|text| text.trim().parse::<f64>().ok());
    match (answer.status, wait) {
        (408 | 429 | 500.., Some(s)) if s > 0.0 && s.is_finite() => {
            Outcome::Busy(why, Duration::from_secs_f64(s.min(86_400.0)))
        }
        (408 | 429 | 500.., _) => Outcome::Failed(why),
        _ => Outcome::GivenUp(why),
    }
}

/// The status and the beginning of the body, for people.
pub fn said(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    format!("the receiver answered {}: {:.200}", answer.status, text.trim())
}

/// Whether a text is an address that can be posted to.
pub fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// The address that a secret holds.
///
/// # Errors
/// It cannot be read, or is none.
pub fn address(from: &SecretFrom, disk: &dyn Disk) -> Result<String, String> {
    let url = secret(from, disk)?;
    if is_address(&url) {
        Ok(url)
    } else {
        Err("the address must begin with http:// or https://".to_owned())
    }
}

/// Base64 of RFC 4648 with padding.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let three = [part[0], *part.get(1).unwrap_or(&0), *part.get(2).unwrap_or(&0)];
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= part.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::Secret;
    use plimsoll_world::RealDisk;

    #[test]
    fn an_answer_is_judged() {
        let of = |status| judge(&Answer { status, ..Answer::default() });
        assert_eq!(of(204), Outcome::Delivered);
        assert!(matches!(of(400), Outcome::GivenUp(_)));
        assert!(matches!(of(429), Outcome::Failed(_)));
        assert!(matches!(of(503), Outcome::Failed(_)));
    }

    #[test]
    fn base64_is_padded() {
        let all = ["", "f", "fo", "foo", "foob"].map(|t| base64(t.as_bytes()));
        assert_eq!(all, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }

    #[test]
    fn a_request_proves_who_sends_it() {
        let text = |t: &str| SecretFrom::Text(Secret::new(t.to_owned()));
        let header = |auth| {
            let http = HttpConfig { auth, ..HttpConfig::default() };
            let request =
                post("http://h", String::new(), &http, Duration::ZERO, &RealDisk).unwrap();
            request.headers.iter().find(|(n, _)| n == "authorization").map(|(_, v)| v.clone())
        };
        assert_eq!(header(Auth::None), None);
        let basic = header(Auth::Basic(text("u"), text("p")));
        assert_eq!(basic.as_deref(), Some("Basic dTpw"));
        let token = header(Auth::Credentials("Token".into(), text("x")));
        assert_eq!(token.as_deref(), Some("Token x"));
        let missing = SecretFrom::File("/nowhere/at/all".into());
        assert!(secret(&missing, &RealDisk).unwrap_err().contains("/nowhere/at/all"));
    }
}
