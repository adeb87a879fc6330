//! A raw HTTP client that hides nothing: it tells an end from a reset, and silence from both. Knows
//! no endpoint.

use std::io::ErrorKind;
use std::time::Duration;

use platform_simulator::Simulator;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Long for an answer on this machine, short for a test that waits for none.
pub const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, PartialEq)]
pub enum Heard {
    Answer {
        status: u16,
        head: String,
        body: String,
    },
    /// The connection ended within the head.
    Part(String),
    End,
    Reset,
    Silence,
}

impl Heard {
    pub fn json(&self) -> Value {
        match self {
            Self::Answer { body, .. } => serde_json::from_str(body).expect("a JSON body"),
            other => panic!("no answer but {other:?}"),
        }
    }
}

pub async fn send(at: &Simulator, method: &str, path: &str, body: &str) -> Heard {
    send_and_wait(at, method, path, body, PATIENCE).await
}

/// Gives up after `patience`, and leaves.
pub async fn send_and_wait(
    at: &Simulator,
    method: &str,
    path: &str,
    body: &str,
    patience: Duration,
) -> Heard {
    let mut stream = TcpStream::connect(at.address()).await.expect("a listener");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    match timeout(patience, stream.read_to_end(&mut bytes)).await {
        Err(_) => return Heard::Silence,
        Ok(Err(e)) if e.kind() == ErrorKind::ConnectionReset => return Heard::Reset,
        Ok(Err(e)) => panic!("{e}"),
        Ok(Ok(0)) => return Heard::End,
        Ok(Ok(_)) => {}
    }
    let text = String::from_utf8_lossy(&bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Heard::Part(text.into_owned());
    };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Heard::Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// Polls until `done` holds; fails with `what` when the deadline passes.
pub async fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
