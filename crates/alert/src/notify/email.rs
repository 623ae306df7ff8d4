//! `email_configs`: a message of text and HTML by SMTP.
//!
//! A chart, if there is one, is inside the mail (`multipart/related`), so that it is seen wherever mail is
//! read. The `Message-ID` is made of the idempotency key: a mail server or reader that gets a message twice
//! can tell. With `threading`, mails of a group refer to one root, so that they stand together.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{self, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailboxes, Message, MultiPart, SinglePart};
use plimsoll_model::Secret;
use plimsoll_net::Trust;
use serde_json::{Map, Value, json};

use super::channel::{Attempt, Channel, Making, Outcome, Outgoing, Tools, secret};
use super::entry::{Entry, json_of};
use super::smtp::{Login, Security, Server, deliver};
use super::words::{Words, cut_chars, group_hash};
use crate::config::http::SecretFrom;
use crate::evidence::{PictureKind, slot};
use crate::notify::escaped;
use crate::owner::Bulletin;
use crate::route::Notification;

/// Characters of each body.
const BODY_CHARS_MAX: usize = 1 << 20;
/// Characters of a header.
const HEADER_CHARS_MAX: usize = 2_000;
/// Characters of a line of an attached file.
const LINE: usize = 76;
/// What a chart is.
const PNG: &str = "image/png";
/// The port on which TLS comes first.
const IMPLICIT_TLS_PORT: u16 = 465;

/// People who get a mail.
#[derive(Clone, Debug)]
pub struct Email {
    to: String,
    from: String,
    server: Server,
    user: String,
    password: Option<SecretFrom>,
    /// The certificate that is believed instead of the system's.
    authority: Option<SecretFrom>,
    headers: Vec<(String, String)>,
    html: String,
    text: String,
    threading: Threading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Threading {
    Off,
    Daily,
    Always,
}

impl Email {
    /// Of what is written.
    pub fn new(entry: &mut Entry<'_>) -> Self {
        let to = entry.text("to", "");
        if to.is_empty() {
            entry.wrong("to", "missing to address in email config");
        }
        let from = entry.text_or_global("from", "smtp_from", "");
        if from.is_empty() {
            entry.wrong("from", "no from address, neither here nor in global.smtp_from");
        }
        let smarthost = entry.text_or_global("smarthost", "smtp_smarthost", "");
        let (host, port) = match smarthost.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => (host, port.parse::<u16>().unwrap_or(0)),
            _ => ("", 0),
        };
        if port == 0 {
            let message = format!(
                "{smarthost:?} is no host:port; set smarthost here or smtp_smarthost in global"
            );
            entry.wrong("smarthost", message);
        }
        let user = entry.text_or_global("auth_username", "smtp_auth_username", "");
        let keys = ["auth_password", "auth_password_file"];
        let password = entry.secret(keys, ["smtp_auth_password", "smtp_auth_password_file"]);
        let secret = entry.secret(
            ["auth_secret", "auth_secret_file"],
            ["smtp_auth_secret", "smtp_auth_secret_file"],
        );
        if secret.is_some() && password.is_none() {
            tracing::warn!(
                key = entry.path,
                "auth_secret alone is no login here; set auth_password"
            );
        }
        let must = entry.bool("require_tls").or_else(|| entry.global_bool("smtp_require_tls"));
        let implicit = entry
            .bool("implicit_tls")
            .or_else(|| entry.bool("force_implicit_tls"))
            .or_else(|| entry.global_bool("smtp_force_implicit_tls"))
            .unwrap_or(port == IMPLICIT_TLS_PORT);
        let security = match (implicit, must.unwrap_or(true)) {
            (true, _) => Security::Implicit,
            (false, true) => Security::StartTls,
            (false, false) => Security::IfOffered,
        };
        let tls = tls_config(entry);
        let text_in = |key: &str| tls[key].as_str().filter(|t| !t.is_empty());
        let authority = match (text_in("ca"), text_in("ca_file")) {
            (Some(_), Some(_)) => {
                entry.wrong("tls_config", "at most one of ca and ca_file may be given");
                None
            }
            (Some(pem), None) => Some(SecretFrom::Text(Secret::new(pem.to_owned()))),
            (None, file) => file.map(|path| SecretFrom::File(path.into())),
        };
        let server = Server {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            hello: entry.text_or_global("hello", "smtp_hello", "localhost"),
            security,
            trust: if tls["insecure_skip_verify"] == true {
                Trust::Anything
            } else {
                Trust::System
            },
            tls_name: tls["server_name"].as_str().unwrap_or_default().to_owned(),
        };
        let mut headers = vec![
            ("Subject".to_owned(), r#"{{ template "email.default.subject" . }}"#.to_owned()),
            ("From".to_owned(), from.clone()),
            ("To".to_owned(), to.clone()),
        ];
        let mut own = Vec::new();
        for (name, value) in entry.pairs("headers") {
            if own.contains(&name.to_lowercase()) {
                entry.wrong("headers", format!("duplicate header {name:?} in email config"));
            }
            if HeaderName::new_from_ascii(name.clone()).is_err() {
                entry.wrong("headers", format!("{name:?} is no name of a header"));
            }
            own.push(name.to_lowercase());
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
            headers.push((name, value));
        }
        Self {
            to,
            from,
            server,
            user,
            password,
            authority,
            headers,
            html: entry.text("html", r#"{{ template "email.default.html" . }}"#),
            text: entry.text("text", r#"{{ template "__text" . }}"#),
            threading: threading(entry),
        }
    }

    /// The message, ready to be sent, with who it is from and for. `chart` is the PNG that it shows.
    fn build(&self, message: &Value, key: &str, chart: Option<Vec<u8>>) -> Result<Message, String> {
        let text = |key: &str| message[key].as_str().unwrap_or_default();
        let list = |what: &str, text: &str| -> Result<Mailboxes, String> {
            text.parse().map_err(|e| format!("the {what} address {text:?}: {e}"))
        };
        let from = list("from", text("from"))?.into_single().ok_or("no from address")?;
        let to = list("to", text("to"))?;
        let at = UNIX_EPOCH + Duration::from_millis(message["at"].as_u64().unwrap_or(0));
        let host = from.email.domain().to_owned();
        let envelope = lettre::address::Envelope::new(
            Some(from.email),
            to.into_iter().map(|m| m.email).collect(),
        )
        .map_err(|e| e.to_string())?;
        let mut mail = Message::builder()
            .envelope(envelope)
            .date(at)
            .message_id(Some(format!("<{}@{host}>", key.replace('/', "."))));
        if let Some(root) = message["thread"].as_str() {
            mail = mail.references(root.to_owned()).in_reply_to(root.to_owned());
        }
        for (name, value) in message["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            mail = match name.to_lowercase().as_str() {
                "from" => mail.mailbox(header::From::from(list("From", value)?)),
                "to" => mail.mailbox(header::To::from(list("To", value)?)),
                _ => {
                    let name = HeaderName::new_from_ascii(name.clone())
                        .map_err(|_| format!("{name:?} is no name of a header"))?;
                    mail.raw_header(HeaderValue::new(name, value.to_owned()))
                }
            };
        }
        let plain = SinglePart::plain(text("text").to_owned());
        let boundary = |part: &str| format!("{part}-{}", &group_hash(key)[..24]);
        let id = text("chart");
        let html = match chart {
            Some(png) => Html::Shown(
                MultiPart::related()
                    .boundary(boundary("page"))
                    .singlepart(SinglePart::html(text("html").to_owned()))
                    .singlepart(
                        Attachment::new_inline_with_name(content_id(id), "chart.png".to_owned())
                            .body(png, PNG.parse().map_err(|_| "no media type")?),
                    ),
            ),
            // Where a mail cannot have it inside, it may be at our door.
            None => Html::Plain(SinglePart::html(
                text("html").replace(&format!("cid:{}", content_id(id)), text("chart_url")),
            )),
        };
        let files = attachments(message)?;
        if !files.is_empty() {
            let parts = MultiPart::alternative().boundary(boundary("part")).singlepart(plain);
            let html = SinglePart::html(text("html").to_owned());
            let all =
                MultiPart::mixed().boundary(boundary("all")).multipart(parts.singlepart(html));
            let all = files.into_iter().fold(all, MultiPart::singlepart);
            return mail.multipart(all).map_err(|e| e.to_string());
        }
        let built = match (text("text").is_empty(), text("html").is_empty(), html) {
            (_, true, _) => mail.singlepart(plain),
            (true, false, Html::Plain(html)) => mail.singlepart(html),
            (true, false, Html::Shown(html)) => mail.multipart(html),
            (false, false, html) => {
                let parts = MultiPart::alternative().boundary(boundary("part")).singlepart(plain);
                mail.multipart(match html {
                    Html::Plain(html) => parts.singlepart(html),
                    Html::Shown(html) => parts.multipart(html),
                })
            }
        };
        built.map_err(|e| e.to_string())
    }
}

/// The files that go with a mail.
fn attachments(message: &Value) -> Result<Vec<SinglePart>, String> {
    let mut out = Vec::new();
    for file in message["attachments"].as_array().into_iter().flatten() {
        let text = |key: &str| file[key].as_str().unwrap_or_default();
        let mut lines = String::with_capacity(text("base64").len() / 72 * 74 + 80);
        for line in text("base64").as_bytes().chunks(LINE) {
            lines.extend(line.iter().map(|b| char::from(*b)));
            lines.push_str("\r\n");
        }
        let body = Body::dangerous_pre_encoded(
            lines.into_bytes(),
            header::ContentTransferEncoding::Base64,
        );
        let media = text("media").parse().map_err(|_| "no media type".to_owned())?;
        out.push(Attachment::new(text("name").to_owned()).body(body, media));
    }
    Ok(out)
}

/// The HTML of a mail, alone or with its chart.
enum Html {
    Plain(SinglePart),
    Shown(MultiPart),
}

/// The name of a chart inside its mail.
fn content_id(picture: &str) -> String {
    format!("chart-{picture}@plimsoll")
}

/// How the server proves who it is: `insecure_skip_verify`, `ca`, `ca_file`, `server_name`. Other keys of
/// `tls_config` change nothing.
fn tls_config(entry: &Entry<'_>) -> Value {
    let own = entry.any("tls_config").map(json_of).or_else(|| {
        match entry.global.settings.get("smtp_tls_config") {
            Some(crate::config::Setting::Any(node)) => Some(json_of(node)),
            _ => None,
        }
    });
    own.unwrap_or(Value::Null)
}

fn threading(entry: &mut Entry<'_>) -> Threading {
    let written = entry.any("threading").map_or(Value::Null, json_of);
    if written["enabled"] != true {
        return Threading::Off;
    }
    match written["thread_by_date"].as_str().unwrap_or("daily") {
        "daily" => Threading::Daily,
        "none" => Threading::Always,
        other => {
            let message = format!("{other:?} is neither daily nor none");
            entry.wrong("threading.thread_by_date", message);
            Threading::Off
        }
    }
}

/// A header in one line.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(['\r', '\n']).map(str::trim).collect();
    cut_chars(words.join(" ").trim(), HEADER_CHARS_MAX)
}

/// The chart of a message, while it is kept.
fn picture(message: &Value, tools: &Tools) -> Option<Vec<u8>> {
    let id = message["chart"].as_str()?;
    let found = tools.gallery.as_ref()?.get(id, PictureKind::Png);
    found.inspect_err(|e| tracing::warn!(id, error = %e, "the chart of a mail is not read")).ok()?
}

impl Channel for Email {
    fn kind(&self) -> &'static str {
        "email"
    }

    fn make(&self, n: &Notification, making: &Making<'_>) -> Option<Value> {
        let mut words = Words::new(n, making);
        let to = words.text(&self.to);
        let from = words.text(&self.from);
        let mut headers = Map::new();
        for (name, template) in &self.headers {
            let is_title = name.eq_ignore_ascii_case("subject");
            let text = if is_title { words.title(template) } else { words.text(template) };
            headers.insert(name.clone(), one_line(&text).into());
        }
        let day = n.at.div_euclid(plimsoll_model::DAY_MS) * plimsoll_model::DAY_MS;
        let day = crate::route::payload::rfc3339(day);
        let day = match self.threading {
            Threading::Off => None,
            Threading::Daily => day.get(..10),
            Threading::Always => Some(""),
        };
        let hash = group_hash(&n.group_key);
        let thread = day.map(|day| format!("<alert-{}-{day}@alertmanager>", &hash[..16]));
        let html = if self.html.is_empty() {
            String::new()
        } else {
            let chart = making.exhibit.and_then(|e| e.picture.as_ref());
            let src = chart.map(|p| format!("cid:{}", content_id(&p.id)));
            let html = words.html(&self.html, BODY_CHARS_MAX);
            slot(&html, making.exhibit, src.as_deref())
        };
        let text = if self.text.is_empty() && !self.html.is_empty() {
            String::new()
        } else {
            let text = words.body(&self.text, BODY_CHARS_MAX);
            match making.exhibit {
                Some(exhibit) => format!("{}\n\n{}", text.trim_end(), exhibit.text()),
                None => text,
            }
        };
        let mut message = json!({
            "from": one_line(&from),
            "to": one_line(&to),
            "headers": headers,
            "html": html,
            "text": text,
            "thread": thread,
            "at": n.at,
        });
        if let Some(picture) = making.exhibit.and_then(|e| e.picture.as_ref()) {
            message["chart"] = picture.id.clone().into();
            message["chart_url"] = making.chart(PictureKind::Png).into();
        }
        Some(message)
    }

    fn bulletin(
        &self,
        bulletin: &Bulletin,
        n: &Notification,
        url: &str,
        making: &Making<'_>,
    ) -> Option<Value> {
        let mut message = self.make(n, making)?;
        if let Some(headers) = message["headers"].as_object_mut() {
            headers.retain(|name, _| !name.eq_ignore_ascii_case("subject"));
            headers.insert("Subject".to_owned(), one_line(&bulletin.title).into());
        }
        message["text"] = format!("{}\n\n{url}\n", bulletin.text).into();
        let (html, link) = (&bulletin.html, escaped(url));
        message["html"] = format!("{html}<p><a href=\"{link}\">{link}</a></p>").into();
        message["thread"] = Value::Null;
        if let Some(file) = bulletin.attachment() {
            message["attachments"] = json!([file]);
        }
        Some(message)
    }

    fn send<'a>(&'a self, outgoing: Outgoing, tools: &'a Tools) -> Attempt<'a> {
        Box::pin(async move {
            let chart = picture(&outgoing.message, tools);
            let mail = match self.build(&outgoing.message, &outgoing.idempotency_key, chart) {
                Ok(mail) => mail,
                Err(why) => return Outcome::GivenUp(why),
            };
            let login = match &self.password {
                Some(password) if !self.user.is_empty() => match secret(password, &*tools.disk) {
                    Ok(password) => Some(Login { user: self.user.clone(), password }),
                    Err(why) => return Outcome::Failed(why),
                },
                _ => None,
            };
            let authority = self.authority.as_ref().map(|from| secret(from, &*tools.disk));
            let authority = match authority.transpose() {
                Ok(pem) => pem,
                Err(why) => return Outcome::Failed(format!("tls_config: {why}")),
            };
            let (envelope, bytes) = (mail.envelope(), mail.formatted());
            deliver(&self.server, login, authority.as_deref(), envelope, &bytes).await
        })
    }
}
