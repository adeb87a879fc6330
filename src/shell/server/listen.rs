//! The address that a server listens on: parses it in the form of Go programs, and binds it.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use tokio::net::TcpListener;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// `0`: the server does not listen.
    Nowhere,
    /// `:8080`: every address of the machine, IPv4 and IPv6.
    Everywhere(u16),
    /// `host:port`.
    At(String),
}

/// Why an address cannot be parsed or bound.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "`{0}` is not an address to listen on: give `:port`, `host:port`, `[ipv6]:port`, or `0` for none"
    )]
    Unreadable(String),
    #[error("cannot listen on {address}: {source}; choose another address with {flag}")]
    Refused { flag: &'static str, address: Listen, source: io::Error },
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        if text == "0" {
            return Ok(Self::Nowhere);
        }
        let unreadable = || ListenError::Unreadable(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(unreadable)?;
        let port = port.parse().map_err(|_| unreadable())?;
        match host {
            "" => Ok(Self::Everywhere(port)),
            _ if host.contains(':') && text.parse::<SocketAddr>().is_err() => Err(unreadable()),
            _ if host.contains(|c: char| c.is_whitespace() || c == '/') => Err(unreadable()),
            _ => Ok(Self::At(text.to_owned())),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("0"),
            Self::Everywhere(port) => write!(f, ":{port}"),
            Self::At(address) => f.write_str(address),
        }
    }
}

impl Listen {
    /// Binds the address; `None` for `0`. An error names the `flag` to change.
    pub async fn bind(&self, flag: &'static str) -> Result<Option<TcpListener>, ListenError> {
        let bound = match self {
            Self::Nowhere => return Ok(None),
            Self::At(address) => TcpListener::bind(address).await,
            Self::Everywhere(port) => {
                match TcpListener::bind((IpAddr::V6(Ipv6Addr::UNSPECIFIED), *port)).await {
                    // The kernel has no IPv6 at all, or it is switched off on every interface.
                    Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                        TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), *port)).await
                    }
                    both => both,
                }
            }
        };
        bound.map(Some).map_err(|source| ListenError::Refused {
            flag,
            address: self.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[test]
    fn addresses() {
        for (text, want) in [
            ("0", Some(Listen::Nowhere)),
            (":8080", Some(Listen::Everywhere(8080))),
            ("127.0.0.1:1", Some(Listen::At("127.0.0.1:1".into()))),
            ("[::1]:1", Some(Listen::At("[::1]:1".into()))),
            ("localhost:1", Some(Listen::At("localhost:1".into()))),
            ("", None),
            ("8080", None),
            (":", None),
            (":65536", None),
            ("::1:80", None),
            ("http://localhost:80", None),
        ] {
            assert_eq!(text.parse::<Listen>().ok(), want, "{text}");
            if let Some(listen) = want {
                assert_eq!(listen.to_string(), text);
            }
        }
    }

    #[tokio::test]
    async fn everywhere_is_both_families_and_a_taken_port_names_its_flag() {
        let listener = Listen::Everywhere(0).bind("--flag").await.unwrap().unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let error = Listen::Everywhere(port).bind("--flag").await.unwrap_err().to_string();
        assert!(error.contains("--flag") && error.contains(&format!(":{port}")), "{error}");
        assert!(Listen::Nowhere.bind("--flag").await.unwrap().is_none());
    }
}
