//! Which addresses a request may go to.
//!
//! The rule is asked for every address that a name resolves to and for literal addresses, on the
//! first hop and on redirects, so that a name that later points inwards gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressRule {
    /// Everything: what operators configure goes where they say.
    #[default]
    Any,
    /// No loopback, private, link-local, shared or otherwise special addresses.
    PublicOnly,
}

impl AddressRule {
    /// Whether a request may go to `ip`.
    pub fn allows(self, ip: IpAddr) -> bool {
        match (self, ip) {
            (Self::Any, _) => true,
            (Self::PublicOnly, IpAddr::V4(ip)) => public_v4(ip),
            (Self::PublicOnly, IpAddr::V6(ip)) => match embedded_v4(ip) {
                Some(v4) => public_v4(v4),
                None => public_v6(ip),
            },
        }
    }

    /// Whether a host as written in a URL may be asked, as far as it is an address.
    pub(crate) fn allows_host(self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse().map_or(true, |ip| self.allows(ip))
    }
}

fn public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && b & 0xc0 == 64;
    let benchmark = a == 198 && b & 0xfe == 18;
    let special = a == 0 || a >= 240 || shared || benchmark || (a, b) == (192, 0);
    !(special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

fn public_v6(ip: Ipv6Addr) -> bool {
    // Only 2000::/3 is handed out; documentation is inside it.
    let [a, b, ..] = ip.segments();
    a & 0xe000 == 0x2000 && (a, b) != (0x2001, 0xdb8)
}

/// Mapped, 6to4 and NAT64 addresses lead to the version 4 address inside them.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let v4 = |hi: u16, lo: u16| Ipv4Addr::from(u32::from(hi) << 16 | u32::from(lo));
    match s {
        [0, 0, 0, 0, 0, 0xffff, hi, lo] => Some(v4(hi, lo)),
        [0x2002, hi, lo, ..] => Some(v4(hi, lo)),
        [0x64, 0xff9b, 0, 0, 0, 0, hi, lo] => Some(v4(hi, lo)),
        _ => None,
    }
}

/// The system's resolver, filtered by the rule.
pub(crate) struct RuledResolver(pub(crate) AddressRule);

impl Resolve for RuledResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rule = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> =
                found.iter().copied().filter(|a| rule.allows(a.ip())).collect();
            if allowed.is_empty() && !found.is_empty() {
                return Err(Box::new(Denied) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Marks an error chain in which the rule said no.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the address rule forbids this target: it is not a public address")]
pub(crate) struct Denied;

/// The resolver for a rule; `None` where the system's own will do.
pub(crate) fn resolver(rule: AddressRule) -> Option<Arc<RuledResolver>> {
    (rule != AddressRule::Any).then(|| Arc::new(RuledResolver(rule)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass_the_rule() {
        for (ip, public) in [
            ("93.184.216.34", true),
            ("2606:2800:220:1::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("::1", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::ffff:127.0.0.1", false),
            ("64:ff9b::10.0.0.1", false),
            ("2002:0a00:0001::", false),
        ] {
            assert_eq!(AddressRule::PublicOnly.allows(ip.parse().unwrap()), public, "{ip}");
            assert!(AddressRule::Any.allows(ip.parse().unwrap()));
        }
        assert!(!AddressRule::PublicOnly.allows_host("[::1]"));
        assert!(AddressRule::PublicOnly.allows_host("example.org"));
    }
}
