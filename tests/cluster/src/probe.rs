//! Asks the API server for the status of one path; it must not know what the answer means.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use crate::Error;

/// A paused API server accepts connections and never answers.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A few lines in place of an HTTP client or of `kubectl get --raw`: asked every few milliseconds,
/// the question must cost little while the API server itself wants the processor.
#[derive(Clone)]
pub(crate) struct Probe {
    tls: Arc<ClientConfig>,
    token: String,
}

impl Probe {
    pub(crate) fn new(ca: CertificateDer<'static>, token: &str) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(ca)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(tls), token: token.to_owned() })
    }

    /// Whether a GET of `path` is answered with 200. Blocks for up to a few seconds.
    pub(crate) fn is_ok(&self, port: u16, path: &str) -> bool {
        self.status_line(port, path).is_ok_and(|line| {
            line.starts_with(b"HTTP/1.1 200") || line.starts_with(b"HTTP/1.0 200")
        })
    }

    fn status_line(&self, port: u16, path: &str) -> io::Result<[u8; 12]> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut tcp = TcpStream::connect_timeout(&address, TIMEOUT)?;
        tcp.set_read_timeout(Some(TIMEOUT))?;
        tcp.set_write_timeout(Some(TIMEOUT))?;
        let name = ServerName::IpAddress(address.ip().into());
        let mut connection =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let mut stream = Stream::new(&mut connection, &mut tcp);
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            self.token
        )?;
        let mut line = [0; 12];
        stream.read_exact(&mut line)?;
        Ok(line)
    }
}
