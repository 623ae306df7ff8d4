//! A request, its answer, and who sends it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::Result;

/// HTTP methods in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    #[default]
    Get,
    Post,
    Put,
    Delete,
}

/// Whether an answer that points elsewhere is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Redirects {
    /// The redirect itself is the answer.
    #[default]
    Never,
    /// Up to ten hops; credentials do not leave the host.
    Follow,
}

/// Which certificates are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Those of the system's authorities.
    #[default]
    System,
    /// All (`insecure_skip_verify`).
    Anything,
}

/// What to send, and how long and how much to wait for.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// `http://` or `https://`.
    pub url: String,
    /// Headers, in order. Values may be secrets and never print.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Bytes,
    /// From name lookup to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of the answer's body after decompression.
    pub body_limit: u64,
    /// The setting that holds `body_limit`, for the error.
    pub body_limit_key: &'static str,
    /// Whether redirects are followed.
    pub redirects: Redirects,
    /// Which certificates are believed.
    pub trust: Trust,
}

impl Request {
    /// A GET with a timeout of 10 s and an answer of at most 10 MiB.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(10),
            body_limit: 10 << 20,
            body_limit_key: "body_size_limit",
            redirects: Redirects::Never,
            trust: Trust::System,
        }
    }

    /// A POST of `body`, otherwise as [`Request::get`].
    pub fn post(url: impl Into<String>, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut request = Self::get(url);
        request.method = Method::Post;
        request.body = body.into();
        request.headers.push(("content-type".into(), content_type.into()));
        request
    }
}

impl fmt::Debug for Request {
    /// Without URL and header values: they carry tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("headers", &self.headers.iter().map(|(n, _)| n).collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers; names in lower case, values that are not UTF-8 replaced.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Bytes,
}

impl Answer {
    /// The first header called `name`, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }
}

/// A request on its way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// Sends requests. Dropping the future drops the connection.
pub trait Client: Send + Sync {
    /// Sends one request and waits for the whole answer, of any status.
    fn send(&self, request: Request) -> Sending<'_>;
}
