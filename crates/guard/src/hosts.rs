//! Which names a request may call this server by.
//!
//! A page from elsewhere can point a name of its own at this machine ("DNS rebinding") and is then of the
//! same origin as the server for its browser. It cannot do so with an address or with `localhost`: these
//! are always good. Any other name is good when the operator listed it, or when the server listens
//! for other machines and nothing is listed, since its names are not known then.

use std::net::{IpAddr, SocketAddr};

/// The names that are good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Lower case, without port and final dot.
    listed: Vec<String>,
    /// Names that are not listed are good, too.
    any: bool,
}

impl Hosts {
    /// For a server that listens on `addr`, with the names that the operator listed.
    pub fn new(addr: SocketAddr, listed: &[String]) -> Self {
        let any = listed.is_empty() && !addr.ip().is_loopback();
        Self { listed: listed.iter().map(|name| canonical(name)).collect(), any }
    }

    /// Whether a request may have this `Host`.
    pub fn allows(&self, host: &str) -> bool {
        let name = canonical(host);
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        is_address
            || self.any
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.listed.contains(&name)
    }
}

/// A name without port and final dot, in lower case.
fn canonical(host: &str) -> String {
    let host = host.trim();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !is_bare_v6(host) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// `::1`: its last colon does not begin a port.
fn is_bare_v6(host: &str) -> bool {
    !host.starts_with('[') && host.matches(':').count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addr: &str, listed: &[&str], good: &[&str], bad: &[&str]) {
        let listed: Vec<String> = listed.iter().map(|s| (*s).to_owned()).collect();
        let hosts = Hosts::new(addr.parse().unwrap(), &listed);
        good.iter().for_each(|h| assert!(hosts.allows(h), "{h}"));
        bad.iter().for_each(|h| assert!(!hosts.allows(h), "{h}"));
    }

    #[test]
    fn addresses_and_listed_names_are_good() {
        let addresses =
            ["127.0.0.1:7546", "127.0.0.1", "[::1]:7546", "[::1]", "::1", "10.1.2.3:80"];
        let local = ["localhost:7546", "LocalHost.", "a.localhost:1"];
        let foreign = ["evil.example:7546", "localhost.evil.example", "", "127.0.0.1.evil.example"];
        check("127.0.0.1:7546", &[], &[&addresses[..], &local].concat(), &foreign);
        check("[::1]:7546", &["Mon.example"], &["mon.example:443", "MON.example."], &foreign);
        check("0.0.0.0:7546", &[], &foreign, &[]);
        check("0.0.0.0:7546", &["mon.example"], &["mon.example", "10.1.2.3:80"], &foreign);
    }
}
