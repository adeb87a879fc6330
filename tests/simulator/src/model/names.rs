//! Makes up the strings that a platform makes up: tokens and request ids. The same seed gives the
//! same strings.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::Millis;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[derive(Debug)]
pub(crate) struct Names {
    seed: u64,
    serial: u64,
    token_length: usize,
}

impl Names {
    pub fn new(seed: u64, token_length: usize) -> Self {
        Self { seed, serial: 0, token_length: token_length.max(MIN_TOKEN_LENGTH) }
    }

    pub fn token(&mut self) -> String {
        let mut token = format!("{}_", self.serial % 90 + 10);
        self.serial += 1;
        for block in 0.. {
            for byte in self.block(block) {
                if token.len() == self.token_length {
                    return token;
                }
                token.push(char::from(ALPHABET[usize::from(byte & 63)]));
            }
        }
        token
    }

    /// Like `rid: 63cf14c3-1af7da21-37efbc86`, whose first part is the time.
    pub fn request_id(&mut self, now: Millis) -> String {
        self.serial += 1;
        let block = hex(&self.block(0)[..8]);
        format!("rid: {:08x}-{}-{}", now / 1000, &block[..8], &block[8..])
    }

    fn block(&self, block: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [self.seed, self.serial, block] {
            hash.update(part.to_be_bytes());
        }
        hash.finalize().into()
    }
}

/// Shorter tokens could meet by chance.
const MIN_TOKEN_LENGTH: usize = 16;

/// How a token is spoken of where it must not be seen: the first twelve hex digits of its SHA-256.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(token)[..6]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
