//! Outbound HTTP and TLS: what every part uses that talks to somebody else's server.
//!
//! A request carries its own bounds: one timeout from name lookup to the last byte of the body, and
//! a limit on the body that is counted after decompression while it streams in. Redirects are
//! followed only when asked for. [`AddressRule`] keeps requests that users may define away from
//! private addresses; it is off by default. There is one crypto provider in the process, ring,
//! installed by [`install_crypto`].
//! [`HttpClient`] is the real client, [`SimClient`] answers from a script.

#![forbid(unsafe_code)]

mod address;
mod client;
mod error;
mod http;
mod sim;

pub use address::AddressRule;
pub use client::{Answer, Client, Method, Redirects, Request, Sending, Trust};
pub use error::{Error, Result};
pub use http::{HttpClient, HttpConfig, Proxy, install_crypto};
pub use sim::{Scripted, SimClient};
