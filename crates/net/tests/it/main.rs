//! The real client against servers of this process that misbehave.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::time::Duration;

use plimsoll_net::{
    AddressRule, Client, Error, HttpClient, HttpConfig, Method, Redirects, Request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that answers each connection with `talk`; returns its URL.
async fn serve<F, T>(talk: F) -> String
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _request = stream.read(&mut head).await;
            tokio::spawn(talk(stream));
        }
    });
    url
}

fn client() -> HttpClient {
    HttpClient::new(HttpConfig::default())
}

#[tokio::test]
async fn an_answer_comes_back_decompressed() {
    let url = serve(|mut s| async move {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(b"hello").unwrap();
        let body = zip.finish().unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nX-A: b\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let _sent = s.write_all(&[head.as_bytes(), &body].concat()).await;
    })
    .await;
    let answer = client().send(Request::get(url)).await.unwrap();
    assert_eq!(
        (answer.status, &answer.body[..], answer.header("x-a")),
        (200, &b"hello"[..], Some("b"))
    );
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit_even_when_compressed() {
    let url = serve(|mut s| async move {
        let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
        let _sent = s.write_all(head.as_bytes()).await;
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        loop {
            zip.write_all(&[b'a'; 1 << 16]).unwrap();
            if s.write_all(&std::mem::take(zip.get_mut())).await.is_err() {
                return;
            }
        }
    })
    .await;
    let mut request = Request::get(url);
    request.body_limit = 1 << 20;
    let e = client().send(request).await.unwrap_err();
    assert_eq!(e, Error::Limit { limit: "body_size_limit", max: 1 << 20 });
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_timeout() {
    let url = serve(|s| async move {
        std::future::pending::<()>().await;
        drop(s);
    })
    .await;
    let mut request = Request::get(url);
    request.timeout = Duration::from_millis(50);
    assert_eq!(client().send(request).await, Err(Error::Timeout { after_ms: 50 }));
}

/// Each connection answers one request and closes when the next one comes, as servers do whose patience just ended.
#[tokio::test]
async fn a_kept_connection_that_closes_is_no_failed_question() {
    let url = serve(|mut s| async move {
        let _sent = s.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let _next = s.read(&mut [0; 4096]).await;
    })
    .await;
    let client = client();
    for _ in 0..4 {
        let answer = client.send(Request::get(url.clone())).await.unwrap();
        assert_eq!(&answer.body[..], b"ok");
    }
    // What changes something is not done twice.
    let change = Request { method: Method::Post, ..Request::get(url) };
    assert!(matches!(client.send(change).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn redirects_are_followed_only_when_asked() {
    let url = serve(|mut s| async move {
        let to = "HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n";
        let _sent = s.write_all(to.as_bytes()).await;
    })
    .await;
    assert_eq!(client().send(Request::get(url.clone())).await.unwrap().status, 302);
    let mut request = Request::get(url);
    request.redirects = Redirects::Follow;
    let e = client().send(request).await.unwrap_err().to_string();
    assert!(e.contains("more than ten redirects"), "{e}");
}

#[tokio::test]
async fn nobody_listening_and_wrong_urls_are_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    drop(listener);
    let e = client().send(Request::get(url)).await.unwrap_err();
    assert!(matches!(&e, Error::Unavailable(why) if why.starts_with("cannot connect")), "{e}");
    assert!(!e.to_string().contains("secret"), "{e}");
    for url in ["nonsense", "ftp://x/", "http://"] {
        let e = client().send(Request::get(url)).await.unwrap_err();
        assert!(matches!(e, Error::Invalid(_)), "{url}: {e}");
    }
}

#[tokio::test]
async fn the_address_rule_keeps_requests_outside() {
    let config = HttpConfig { addresses: AddressRule::PublicOnly, ..HttpConfig::default() };
    let client = HttpClient::new(config);
    for url in ["http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1/"] {
        let e = client.send(Request::get(url)).await.unwrap_err();
        assert!(matches!(e, Error::Forbidden(_)), "{url}: {e}");
    }
}
