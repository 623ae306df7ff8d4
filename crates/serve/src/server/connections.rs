//! Connections: how many there are, how long a head may take, how they end.
//!
//! A connection beyond the limit is answered 503 and closed at once, so that one client with many
//! connections does not make the others wait unseen. A head that does not arrive in time closes its
//! connection, whether it is the first or comes after an idle while. When the process stops, nothing is
//! accepted any more and each connection ends with the request that is being answered.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// What is said to who comes too late.
const CROWDED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n\
    retry-after: 5\r\nconnection: close\r\ncontent-length: 22\r\n\r\ntoo many connections.\n";
/// How long the system may take to give up a place for a file, before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bounds of connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at once.
    pub connections: usize,
    /// Time for the head of a request.
    pub head: Duration,
}

/// Accepts until `stop` turns true, then waits for the connections to end.
///
/// # Errors
/// None today: what goes wrong while accepting is tried again.
pub(super) async fn serve<S>(
    listener: TcpListener,
    service: S,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
    refused: impl Fn(),
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let places = u32::try_from(bounds.connections).unwrap_or(u32::MAX);
    let gate = Arc::new(Semaphore::new(places as usize));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(e) if is_of_connection(&e) => continue,
            Err(e) => {
                tracing::warn!(error = %e, "a connection cannot be accepted; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match Arc::clone(&gate).try_acquire_owned() {
            Ok(place) => {
                let one = connection(stream, service.clone(), bounds, stop.clone(), place);
                drop(tokio::spawn(one));
            }
            Err(_) => {
                refused();
                drop(tokio::spawn(turn_away(stream)));
            }
        }
    }
    // All places are free when all connections have ended.
    let _closed = gate.acquire_many(places).await;
    Ok(())
}

async fn connection<S>(
    stream: TcpStream,
    service: S,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Send,
    S::Future: Send,
{
    let _best_effort = stream.set_nodelay(true);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.head);
    let serving = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(e) = ended {
        tracing::debug!(error = %e, "a connection ended");
    }
}

/// Comes back when `stop` is true, or nobody is left who could say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    while !*stop.borrow() {
        if stop.changed().await.is_err() {
            return;
        }
    }
}

/// Says why, and closes. Who does not read it is not waited for.
async fn turn_away(mut stream: TcpStream) {
    let said = async {
        stream.write_all(CROWDED).await?;
        stream.shutdown().await
    };
    let _best_effort = tokio::time::timeout(ACCEPT_PAUSE, said).await;
}

/// Whether an error of accepting is of that one connection, not of the listener.
fn is_of_connection(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::AsyncReadExt;
    use tokio::task::JoinHandle;

    use super::*;

    struct Server {
        address: std::net::SocketAddr,
        stop: watch::Sender<bool>,
        refused: Arc<AtomicUsize>,
        task: JoinHandle<io::Result<()>>,
    }

    /// A server that answers everything with its path.
    async fn start(connections: usize, head: Duration) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = hyper::service::service_fn(|request: Request<Incoming>| async move {
            Ok(Response::new(axum::body::Body::from(request.uri().path().to_owned())))
        });
        let (stop, stopped) = watch::channel(false);
        let refused = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&refused);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let bounds = Bounds { connections, head };
        let task = tokio::spawn(serve(listener, service, bounds, stopped, count));
        Server { address, stop, refused, task }
    }

    async fn ask(stream: &mut TcpStream, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let n = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..n]).into_owned()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn connections_beyond_the_limit_are_told_so() {
        runtime().block_on(async {
            let server = start(1, Duration::from_secs(60)).await;
            let mut first = TcpStream::connect(server.address).await.unwrap();
            assert!(ask(&mut first, "/a").await.ends_with("/a"));
            let mut second = TcpStream::connect(server.address).await.unwrap();
            let mut said = String::new();
            second.read_to_string(&mut said).await.unwrap();
            assert!(said.starts_with("HTTP/1.1 503") && said.ends_with("too many connections.\n"));
            assert_eq!(server.refused.load(Ordering::Relaxed), 1);
            assert!(ask(&mut first, "/b").await.ends_with("/b"));
        });
    }

    #[test]
    fn heads_that_do_not_come_close_their_connection() {
        runtime().block_on(async {
            let server = start(10, Duration::from_millis(20)).await;
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
            let mut said = Vec::new();
            stream.read_to_end(&mut said).await.unwrap();
            assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 408"), "{said:?}");
        });
    }

    #[test]
    fn stopping_ends_idle_connections() {
        runtime().block_on(async {
            let server = start(10, Duration::from_secs(60)).await;
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            assert!(ask(&mut stream, "/a").await.ends_with("/a"));
            server.stop.send(true).unwrap();
            server.task.await.unwrap().unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            assert!(rest.is_empty());
        });
    }
}
