//! The command `probe`: requests the readiness of a running instance, since the image has no shell
//! and no curl.

use std::{io, time::Duration};

use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Why a probe failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(
        "cannot probe `{0}`: give an http:// address with a host, as in http://127.0.0.1:8081/readyz"
    )]
    Address(Url),
    #[error(
        "{url} cannot be reached: {source}; is the process running, with this --health-probe-bind-address?"
    )]
    Unreachable { url: Url, source: io::Error },
    #[error("{0} did not answer in time")]
    Late(Url),
    #[error("{url} answered {status}: {body}")]
    Failed { url: Url, status: String, body: String },
}

/// Sends a GET. Succeeds if the response is a 2xx.
///
/// It does not use the client of the platforms: a probe runs every few seconds, uses no proxy, and
/// should not load a TLS stack.
pub async fn probe(url: &Url, patience: Duration) -> Result<(), ProbeError> {
    let answer = timeout(patience, get(url)).await.map_err(|_| ProbeError::Late(url.clone()))??;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|line| line.get(2..));
    match status {
        Some(status) if status.starts_with('2') => Ok(()),
        other => {
            let status = other.unwrap_or("something that is not HTTP").to_owned();
            Err(ProbeError::Failed { url: url.clone(), status, body: body.trim().to_owned() })
        }
    }
}

async fn get(url: &Url) -> Result<String, ProbeError> {
    /// More than all checks with their names.
    const MOST: u64 = 64 * 1024;
    let host = url
        .host_str()
        .filter(|_| url.scheme() == "http")
        .ok_or_else(|| ProbeError::Address(url.clone()))?;
    let unreachable = |source| ProbeError::Unreachable { url: url.clone(), source };
    let port = url.port_or_known_default().unwrap_or(80);
    // The host of a URL has brackets around an IPv6 address, which belong in the request only.
    let mut stream =
        TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(unreachable)?;
    let target = url
        .query()
        .map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let request =
        format!("GET {target} HTTP/1.0\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(unreachable)?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await.map_err(unreachable)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
