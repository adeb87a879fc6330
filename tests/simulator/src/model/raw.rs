//! Answers that no HTTP library sends: bytes at a pace, filler without end, half a header, a second
//! answer. Knows no socket.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::wire::{JSON, Reply};
use crate::Millis;

/// What a caller who believes whatever follows an answer would take for its token.
pub const FORGED_TOKEN: &str = "a-token-that-nobody-asked-for";

/// Bytes for the socket, as they are. The connection ends behind them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raw {
    pub bytes: Vec<u8>,
    /// How many times the letter `A` follows; made while it is sent, and never held.
    pub filler: u64,
    /// How long to wait before each byte.
    pub every_ms: Millis,
}

impl Raw {
    /// An answer as HTTP has it, a byte at a time.
    pub(crate) fn trickle(honest: &Reply, every_ms: Millis) -> Self {
        Self { bytes: http(honest), every_ms, ..Self::default() }
    }

    /// An answer that begins well, in its header or in its body, and goes on for so many bytes.
    pub(crate) fn flood(filler: u64, in_header: bool) -> Self {
        let head = if in_header {
            "HTTP/1.1 200 OK\r\nx-filler: ".to_owned()
        } else {
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ncontent-length: {}\r\n\r\n{{\"access_token\":\"",
                filler + 17
            )
        };
        Self { bytes: head.into_bytes(), filler, ..Self::default() }
    }

    /// An answer in gzip, though nobody asked for that: a good one, with so much white space around
    /// it.
    pub(crate) fn bomb(unpacked: usize) -> Self {
        let mut body =
            format!("{{\"access_token\":\"{FORGED_TOKEN}\",\"expires_in\":7200}}").into_bytes();
        body.resize(unpacked.max(body.len()), b' ');
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        // Into memory, where writing does not fail.
        let _ = packed.write_all(&body);
        let body = packed.finish().unwrap_or_default();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self { bytes: [head.into_bytes(), body].concat(), ..Self::default() }
    }

    /// The answer, and behind it another one that nobody asked for.
    pub(crate) fn twice(honest: &Reply) -> Self {
        let forged = Reply::new(
            200,
            JSON,
            format!("{{\"access_token\":\"{FORGED_TOKEN}\",\"expires_in\":7200}}"),
        );
        Self { bytes: [http(honest), http(&forged)].concat(), ..Self::default() }
    }

    /// Half a header.
    pub(crate) fn mid_header() -> Self {
        Self { bytes: b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec(), ..Self::default() }
    }
}

fn http(reply: &Reply) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {} -\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        reply.status,
        reply.content_type,
        reply.body.len()
    );
    [head.into_bytes(), reply.body.clone()].concat()
}
