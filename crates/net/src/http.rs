//! The real client, on reqwest.

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use tracing::warn;

use crate::address::{Denied, resolver};
use crate::{
    AddressRule, Answer, Client, Error, Method, Redirects, Request, Result, Sending, Trust,
};

/// Hops of a followed redirect.
const REDIRECTS_MAX: usize = 10;
/// Idle connections kept per host, and for how long.
const IDLE_PER_HOST_MAX: usize = 2;
const IDLE_FOR: Duration = Duration::from_secs(120);

/// Where requests go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Straight to the target.
    #[default]
    None,
    /// As `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say.
    Environment,
}

/// How a client behaves for all its requests.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The proxy.
    pub proxy: Proxy,
    /// Which addresses are allowed.
    pub addresses: AddressRule,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            user_agent: concat!("plimsoll/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: Proxy::None,
            addresses: AddressRule::Any,
        }
    }
}

/// Makes ring the crypto provider of the process. Call it first thing; later calls do nothing.
pub fn install_crypto() {
    // The error says that one is installed already, which is what was wanted.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

/// Sends requests over the network. Cheap to share; keeps idle connections.
pub struct HttpClient {
    config: HttpConfig,
    /// One per (redirects, trust), built at first use: loading certificates takes a while.
    built: [OnceLock<Result<reqwest::Client>>; 4],
}

impl HttpClient {
    /// A client; nothing is opened yet.
    pub fn new(config: HttpConfig) -> Self {
        Self { config, built: Default::default() }
    }

    fn client(&self, redirects: Redirects, trust: Trust) -> Result<&reqwest::Client> {
        let slot =
            usize::from(redirects == Redirects::Follow) + 2 * usize::from(trust == Trust::Anything);
        let built = self.built[slot].get_or_init(|| build(&self.config, redirects, trust));
        built.as_ref().map_err(Clone::clone)
    }

    async fn exchange(&self, request: Request) -> Result<Answer> {
        let client = self.client(request.redirects, request.trust)?;
        let limit = request.body_limit;
        let key = request.body_limit_key;
        let is_get = request.method == Method::Get;
        let first = prepare(client, request, self.config.addresses)?;
        let second = first.try_clone().filter(|_| is_get);
        let mut response = match (first.send().await, second) {
            // A kept connection may be closed at the other end just when it is used; asking once more makes a new one.
            (Err(e), Some(second)) if broke_off(&e) => second.send().await,
            (tried, _) => tried,
        }
        .map_err(|e| error_of(&e))?;
        let over = || Error::Limit { limit: key, max: limit };
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| error_of(&e))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(over());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(answer(&response, body.freeze()))
    }
}

impl Client for HttpClient {
    fn send(&self, request: Request) -> Sending<'_> {
        let timeout = request.timeout;
        Box::pin(async move {
            let after_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            tokio::time::timeout(timeout, self.exchange(request))
                .await
                .unwrap_or(Err(Error::Timeout { after_ms }))
        })
    }
}

fn build(config: &HttpConfig, redirects: Redirects, trust: Trust) -> Result<reqwest::Client> {
    install_crypto();
    builder(config, redirects, trust).build().or_else(|e| {
        warn!(error = %chain(&e), "no system certificates: https targets will not be trusted");
        let bare = builder(config, redirects, trust).tls_certs_only([]);
        bare.build().map_err(|e| Error::Unavailable(format!("HTTP client: {}", chain(&e))))
    })
}

fn builder(config: &HttpConfig, redirects: Redirects, trust: Trust) -> reqwest::ClientBuilder {
    let rule = config.addresses;
    let policy = match redirects {
        Redirects::Never => Policy::none(),
        Redirects::Follow => Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS_MAX {
                return attempt.error("more than ten redirects");
            }
            if !attempt.url().host_str().is_none_or(|h| rule.allows_host(h)) {
                return attempt.error(Denied);
            }
            attempt.follow()
        }),
    };
    let mut builder = reqwest::Client::builder()
        .user_agent(&config.user_agent)
        .redirect(policy)
        .referer(false)
        .gzip(true)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .pool_idle_timeout(IDLE_FOR)
        .tls_danger_accept_invalid_certs(trust == Trust::Anything);
    if config.proxy == Proxy::None {
        builder = builder.no_proxy();
    }
    if let Some(resolver) = resolver(rule) {
        builder = builder.dns_resolver(resolver);
    }
    builder
}

fn prepare(
    client: &reqwest::Client,
    request: Request,
    rule: AddressRule,
) -> Result<reqwest::RequestBuilder> {
    let url = reqwest::Url::parse(&request.url)
        .map_err(|e| Error::Invalid(format!("URL is wrong: {e}; write http://host:port/path")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::Invalid(format!("URL scheme {:?} is not http or https", url.scheme())));
    }
    if !url.host_str().is_none_or(|h| rule.allows_host(h)) {
        return Err(Error::Forbidden(Denied.to_string()));
    }
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut out = client.request(method, url);
    for (name, value) in &request.headers {
        let bad = |_| Error::Invalid(format!("header {name:?} has characters HTTP does not allow"));
        let value = HeaderValue::from_str(value).map_err(|_| bad(()))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(()))?;
        out = out.header(name, value);
    }
    if !request.body.is_empty() || request.method == Method::Post {
        out = out.body(request.body);
    }
    Ok(out)
}

fn answer(response: &reqwest::Response, body: Bytes) -> Answer {
    let headers = response.headers().iter();
    Answer {
        status: response.status().as_u16(),
        headers: headers
            .map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into()))
            .collect(),
        body,
    }
}

/// Whether there was a connection and no answer came over it.
fn broke_off(e: &reqwest::Error) -> bool {
    e.is_request() && !e.is_connect() && !e.is_timeout() && !e.is_redirect()
}

fn error_of(e: &reqwest::Error) -> Error {
    let text = chain(e);
    if text.contains(&Denied.to_string()) {
        return Error::Forbidden(Denied.to_string());
    }
    if e.is_builder() { Error::Invalid(text) } else { Error::Unavailable(text) }
}

/// The causes of an error, the innermost last, without the URL.
fn chain(e: &reqwest::Error) -> String {
    let mut out = String::from(match e {
        e if e.is_connect() => "cannot connect",
        e if e.is_redirect() => "redirect not followed",
        e if e.is_decode() => "body cannot be read",
        _ => "request failed",
    });
    let mut cause = e.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !out.ends_with(&text) {
            let _never_fails = write!(out, ": {text}");
        }
        cause = inner.source();
    }
    out
}
