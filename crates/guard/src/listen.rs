//! Where the door may stand open.
//!
//! Loopback without users needs no login and says so. Elsewhere, no users and no TLS each need a
//! word of the operator; the error names it.

use std::net::SocketAddr;

/// Why the server refuses to listen there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Everybody on the network could do everything.
    #[error(
        "serve.listen: {addr} is reachable from other machines and nobody has to log in; \
         listen on 127.0.0.1, or set serve.allow_anonymous: true to accept that"
    )]
    Anonymous {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// Everybody on the way could read and change everything.
    #[error(
        "serve.listen: {addr} is reachable from other machines and the connection is not \
         encrypted; listen on 127.0.0.1, or set serve.allow_plaintext: true to accept that"
    )]
    Plaintext {
        /// The address asked for.
        addr: SocketAddr,
    },
}

/// What the operator has opened on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// `serve.allow_anonymous`
    pub anonymous: bool,
    /// `serve.allow_plaintext`
    pub plaintext: bool,
}

/// Whether the server may listen on `addr`; the text to say at start where it may.
///
/// # Errors
/// One error per thing that the operator has not opened.
pub fn check_listen(addr: SocketAddr, opened: Opened) -> Result<&'static str, Vec<ListenError>> {
    if addr.ip().is_loopback() {
        return Ok("no login is needed on loopback");
    }
    let mut errors = Vec::new();
    if !opened.anonymous {
        errors.push(ListenError::Anonymous { addr });
    }
    if !opened.plaintext {
        errors.push(ListenError::Plaintext { addr });
    }
    if errors.is_empty() {
        return Ok("everybody who reaches this address may do everything, unencrypted: \
                   serve.allow_anonymous and serve.allow_plaintext are set");
    }
    Err(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_open_and_the_rest_needs_a_word() {
        let addr = |s: &str| s.parse::<SocketAddr>().unwrap();
        let opened = |anonymous, plaintext| Opened { anonymous, plaintext };
        assert!(check_listen(addr("127.0.0.1:7546"), Opened::default()).is_ok());
        assert!(check_listen(addr("[::1]:7546"), Opened::default()).is_ok());
        let errors = check_listen(addr("0.0.0.0:7546"), Opened::default()).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(errors[0].to_string().contains("serve.allow_anonymous: true"));
        let errors = check_listen(addr("10.0.0.1:1"), opened(true, false)).unwrap_err();
        assert!(errors[0].to_string().contains("serve.allow_plaintext: true"));
        assert!(check_listen(addr("10.0.0.1:1"), opened(true, true)).is_ok());
    }
}
