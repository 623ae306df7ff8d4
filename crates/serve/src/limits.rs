//! What the door lets in at most.

use std::time::Duration;

/// Bounds of requests, each with its reason.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; live ones are counted by themselves.
    pub connections: usize,
    /// Longest the head of a request may take, also on a connection that was idle.
    pub head_timeout: Duration,
    /// Bytes of a remote-write body as sent.
    pub write_body_bytes: usize,
    /// Bytes of a remote-write body after decompression.
    pub write_bytes: usize,
    /// Samples of one remote-write request.
    pub write_samples: usize,
    /// Writes handled at once; more wait, and the wait is bounded by the sender's patience.
    pub writes_at_once: usize,
    /// Bytes of any other body.
    pub body_bytes: usize,
    /// Queries evaluated at once.
    pub queries_at_once: usize,
    /// Queries that may wait for their turn; more are 503.
    pub queries_waiting: usize,
    /// Longest a query may take, waiting included.
    pub query_timeout: Duration,
    /// Live connections.
    pub live_connections: usize,
    /// Subscriptions of one live connection.
    pub live_subscriptions: usize,
    /// Reports that are made at once: each may ask many queries and draw many pictures.
    pub reports_at_once: usize,
    /// Longest the questions of a report may take together; what is not answered by then is missing in it.
    pub report_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_timeout: Duration::from_secs(60),
            write_body_bytes: 32 << 20,
            write_bytes: 64 << 20,
            write_samples: 1_000_000,
            writes_at_once: 16,
            body_bytes: 2 << 20,
            queries_at_once: 20,
            queries_waiting: 512,
            query_timeout: Duration::from_secs(120),
            live_connections: 256,
            live_subscriptions: 64,
            reports_at_once: 2,
            report_timeout: Duration::from_secs(30),
        }
    }
}
