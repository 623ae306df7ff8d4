//! `http_config`: how an integration reaches its server.

use std::path::PathBuf;

use plimsoll_model::Secret;
use plimsoll_model::written::{Fields, Node, Problems, Value};
use plimsoll_net::{Redirects, Trust};

/// Keys that are known and change nothing here yet.
const UNSUPPORTED: [&str; 6] = [
    "oauth2",
    "proxy_url",
    "no_proxy",
    "proxy_from_environment",
    "proxy_connect_header",
    "enable_http2",
];
/// The same within `tls_config`.
const UNSUPPORTED_TLS: [&str; 9] = [
    "ca",
    "ca_file",
    "cert",
    "cert_file",
    "key",
    "key_file",
    "server_name",
    "min_version",
    "max_version",
];

/// Where a secret is written.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretFrom {
    /// Here.
    Text(Secret),
    /// In a file, which is read for every message, so that it may change.
    File(PathBuf),
}

/// How one proves who one is.
#[derive(Clone, Debug, PartialEq)]
pub enum Auth {
    /// Not at all.
    None,
    /// The scheme, usually `Bearer`, and the credentials.
    Credentials(String, SecretFrom),
    /// A name and a password.
    Basic(SecretFrom, SecretFrom),
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConfig {
    /// What is sent to prove who one is.
    pub auth: Auth,
    /// Headers that are added.
    pub headers: Vec<(String, Secret)>,
    /// Whether redirects are followed.
    pub redirects: Redirects,
    /// Which certificates are believed.
    pub trust: Trust,
}

impl Default for HttpConfig {
    /// Nothing proven, redirects followed, the system's certificates believed.
    fn default() -> Self {
        let (redirects, trust) = (Redirects::Follow, Trust::System);
        Self { auth: Auth::None, headers: Vec::new(), redirects, trust }
    }
}

/// Reads a `http_config` section. Keys without effect are added to `unsupported`.
pub fn read(
    node: &Node,
    path: &str,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> HttpConfig {
    let mut fields = Fields::of(node, path, problems);
    let config = of_fields(&mut fields, unsupported, problems);
    fields.finish(problems);
    config
}

/// Reads a `http_config` whose keys stand among others, as in Prometheus' `alertmanagers`.
pub fn of_fields(
    fields: &mut Fields<'_>,
    unsupported: &mut Vec<String>,
    problems: &mut Problems,
) -> HttpConfig {
    let file = problems.file.clone();
    for key in UNSUPPORTED {
        if let Some(node) = fields.take(key)
            && key != "enable_http2"
        {
            unsupported.push(not_yet(&file, node.line, &fields.path(key)));
        }
    }
    let mut config = HttpConfig::default();
    if fields.bool("follow_redirects", problems) == Some(false) {
        config.redirects = Redirects::Never;
    }
    if let Some(node) = fields.take("tls_config") {
        config.trust = tls(node, &fields.path("tls_config"), unsupported, problems);
    }
    if let Some(node) = fields.take("http_headers") {
        config.headers = headers(node, &fields.path("http_headers"), problems);
    }
    config.auth = auth(fields, problems);
    config
}

/// The note of a key that changes nothing yet.
pub(super) fn not_yet(file: &str, line: u64, key: &str) -> String {
    format!("{file} line {line}: {key} changes nothing here yet")
}

fn tls(node: &Node, path: &str, unsupported: &mut Vec<String>, problems: &mut Problems) -> Trust {
    let mut fields = Fields::of(node, path, problems);
    for key in UNSUPPORTED_TLS {
        if let Some(node) = fields.take(key) {
            unsupported.push(not_yet(&problems.file, node.line, &fields.path(key)));
        }
    }
    let anything = fields.bool("insecure_skip_verify", problems) == Some(true);
    fields.finish(problems);
    if anything { Trust::Anything } else { Trust::System }
}

/// `name: {values: […], secrets: […]}`; each value is a header of its own.
fn headers(node: &Node, path: &str, problems: &mut Problems) -> Vec<(String, Secret)> {
    let Value::Map(entries) = &node.value else {
        problems.add(node.line, path, format!("{} where a mapping is wanted", node.kind()));
        return Vec::new();
    };
    let mut out = Vec::new();
    for (name, _, node) in entries {
        let mut fields = Fields::of(node, &format!("{path}.{name}"), problems);
        let values = [fields.texts("values", problems), fields.texts("secrets", problems)];
        fields.finish(problems);
        out.extend(values.into_iter().flatten().map(|v| (name.to_lowercase(), Secret::new(v))));
    }
    out
}

fn auth(fields: &mut Fields<'_>, problems: &mut Problems) -> Auth {
    let (line, path) = (fields.line(), fields.path("authorization"));
    let mut given = Vec::new();
    if let Some(node) = fields.take("basic_auth") {
        let path = fields.path("basic_auth");
        let mut inner = Fields::of(node, &path, problems);
        let user = secret(&mut inner, "username", "username_file", problems);
        let password = secret(&mut inner, "password", "password_file", problems);
        inner.finish(problems);
        let empty = || SecretFrom::Text(Secret::default());
        given.push(Auth::Basic(user.unwrap_or_else(empty), password.unwrap_or_else(empty)));
    }
    if let Some(node) = fields.take("authorization") {
        let path = fields.path("authorization");
        let mut inner = Fields::of(node, &path, problems);
        let scheme = inner.text("type", problems).unwrap_or_else(|| "Bearer".to_owned());
        let credentials = secret(&mut inner, "credentials", "credentials_file", problems);
        inner.finish(problems);
        if scheme.trim().eq_ignore_ascii_case("basic") {
            let message =
                "authorization type cannot be set to \"basic\", use \"basic_auth\" instead";
            problems.add(node.line, format!("{path}.type"), message);
        }
        if let Some(credentials) = credentials {
            given.push(Auth::Credentials(scheme.trim().to_owned(), credentials));
        }
    }
    if let Some(token) = secret(fields, "bearer_token", "bearer_token_file", problems) {
        given.push(Auth::Credentials("Bearer".to_owned(), token));
    }
    if given.len() > 1 {
        let message = "at most one of basic_auth, authorization, bearer_token may be given";
        problems.add(line, path, message);
    }
    given.pop().unwrap_or(Auth::None)
}

/// A secret that is written in one key, or in the file that another names.
pub(crate) fn secret(
    fields: &mut Fields<'_>,
    key: &'static str,
    file_key: &'static str,
    problems: &mut Problems,
) -> Option<SecretFrom> {
    let text = fields.text(key, problems).filter(|t| !t.is_empty());
    let file = fields.text(file_key, problems).filter(|t| !t.is_empty());
    match (text, file) {
        (Some(_), Some(_)) => {
            let message = format!("at most one of {key} and {file_key} may be given");
            problems.add(fields.line(), fields.path(file_key), message);
            None
        }
        (Some(text), None) => Some(SecretFrom::Text(Secret::new(text))),
        (None, Some(file)) => Some(SecretFrom::File(PathBuf::from(file))),
        (None, None) => None,
    }
}
