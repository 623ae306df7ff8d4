//! One mail by SMTP: 30 s at most, and at most 256 KiB of answers.
//!
//! A permanent refusal (5yz) gives the mail up; a transient one (4yz), a server that says nonsense or
//! nothing, and a connection that breaks are tried again. A password goes over an encrypted connection,
//! or to this machine.

#![allow(deprecated)] // lettre has no other way to bound what is read, and keeps this one.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncNetworkStream, AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore,
    TlsParameters,
};
use lettre::transport::smtp::extension::{ClientId, Extension};
use plimsoll_net::Trust;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::channel::Outcome;

/// From the name's lookup to the end.
const WITHIN: Duration = Duration::from_secs(30);
/// Bytes that are read of a server.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// How one proves who one is.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// When a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// From the first byte.
    Implicit,
    /// After STARTTLS; without it nothing is sent.
    StartTls,
    /// After STARTTLS if the server offers it.
    IfOffered,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// By what name we greet it.
    pub hello: String,
    /// When the connection is encrypted.
    pub security: Security,
    /// Which certificates are believed.
    pub trust: Trust,
    /// The name that its certificate must have; empty = its own.
    pub tls_name: String,
}

/// Who one is.
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Hands a mail over. `authority` is a certificate (PEM) that is believed instead of the system's.
pub async fn deliver(
    server: &Server,
    login: Option<Login>,
    authority: Option<&str>,
    envelope: &Envelope,
    mail: &[u8],
) -> Outcome {
    let spoken = speak(server, login, authority, envelope, mail);
    match tokio::time::timeout(WITHIN, spoken).await {
        Ok(Ok(())) => Outcome::Delivered,
        Ok(Err(outcome)) => outcome,
        Err(_) => Outcome::Failed(format!("no answer within {} s", WITHIN.as_secs())),
    }
}

async fn speak(
    server: &Server,
    login: Option<Login>,
    authority: Option<&str>,
    envelope: &Envelope,
    mail: &[u8],
) -> Result<(), Outcome> {
    let at = |step: &'static str| move |e: lettre::transport::smtp::Error| failed(step, &e);
    let tcp = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(|e| Outcome::Failed(format!("cannot connect: {e}")))?;
    let bounded = Box::new(Bounded { inner: tcp, left: ANSWER_BYTES_MAX });
    let hello = ClientId::Domain(server.hello.clone());
    let tls = || {
        let name = if server.tls_name.is_empty() { &server.host } else { &server.tls_name };
        let mut tls = TlsParameters::builder(name.clone())
            .dangerous_accept_invalid_certs(server.trust == Trust::Anything);
        if let Some(pem) = authority {
            let read = Certificate::from_pem(pem.as_bytes()).map_err(at("tls_config.ca"))?;
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(read);
        }
        tls.build_rustls().map_err(at("TLS"))
    };
    let mut is_private = matches!(server.host.as_str(), "localhost" | "127.0.0.1" | "::1");
    let mut conn = if server.security == Security::Implicit {
        let mut stream = AsyncNetworkStream::use_existing_tokio1(bounded);
        stream.upgrade_tls(tls()?).await.map_err(at("TLS"))?;
        is_private = true;
        let stream = Box::new(Encrypted(stream));
        AsyncSmtpConnection::connect_with_transport(stream, &hello).await.map_err(at("greeting"))?
    } else {
        AsyncSmtpConnection::connect_with_transport(bounded, &hello)
            .await
            .map_err(at("greeting"))?
    };
    let offers_tls = conn.server_info().supports_feature(Extension::StartTls);
    match server.security {
        Security::Implicit => {}
        Security::StartTls if !offers_tls => {
            let why = "'require_tls' is true (default) but the server does not advertise the \
                       STARTTLS extension";
            return Err(Outcome::Failed(why.to_owned()));
        }
        Security::StartTls | Security::IfOffered => {
            if offers_tls {
                conn.starttls(tls()?, &hello).await.map_err(at("STARTTLS"))?;
                is_private = true;
            }
        }
    }
    if let Some(login) = login
        && conn.server_info().get_auth_mechanism(&MECHANISMS).is_some()
    {
        if !is_private {
            let why = "the connection is not encrypted: the password was not sent; use TLS";
            return Err(Outcome::GivenUp(why.to_owned()));
        }
        let who = Credentials::new(login.user, login.password);
        conn.auth(&MECHANISMS, &who).await.map_err(at("login"))?;
    }
    conn.send(envelope, mail).await.map_err(at("mail"))?;
    // It is taken; how the server says good-bye does not matter.
    let _said = conn.quit().await;
    Ok(())
}

fn failed(step: &str, e: &lettre::transport::smtp::Error) -> Outcome {
    let mut why = format!("{step}: {e}");
    let mut cause = std::error::Error::source(e);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !why.ends_with(&text) {
            why.push_str(&format!(": {text}"));
        }
        cause = inner.source();
    }
    let why: String = why.chars().take(300).collect();
    if e.is_permanent() { Outcome::GivenUp(why) } else { Outcome::Failed(why) }
}

/// A connection of which only so much is read.
#[derive(Debug)]
struct Bounded {
    inner: TcpStream,
    left: usize,
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        if read > self.left {
            let why = format!("the server said more than {ANSWER_BYTES_MAX} bytes");
            return Poll::Ready(Err(io::Error::other(why)));
        }
        self.left -= read;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Bounded {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }
}

/// An encrypted connection, as one that is greeted by the server.
#[derive(Debug)]
struct Encrypted(AsyncNetworkStream);

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let unfilled = buf.initialize_unfilled();
        let inner = Pin::new(&mut self.0);
        let read = ready!(futures_io::AsyncRead::poll_read(inner, cx, unfilled))?;
        buf.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        futures_io::AsyncWrite::poll_write(Pin::new(&mut self.0), cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        futures_io::AsyncWrite::poll_flush(Pin::new(&mut self.0), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        futures_io::AsyncWrite::poll_close(Pin::new(&mut self.0), cx)
    }
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}
