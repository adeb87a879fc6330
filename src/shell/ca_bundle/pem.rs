//! Parses a file of certificates in PEM form, or refuses it and names the faulty block.
//!
//! One faulty block refuses the whole file: skipping it could skip the authority that is needed.

use std::fmt;

use reqwest::Certificate;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// What is wrong with a file, and what to do about it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file has only white space.
    #[error("it is empty; it needs at least one certificate in PEM form")]
    Empty,
    /// The file has the binary form of a certificate.
    #[error("it is in DER form; convert it with `openssl x509 -inform der`")]
    Der,
    /// The file has no PEM block.
    #[error("it holds no PEM block; a certificate begins with -----BEGIN CERTIFICATE-----")]
    NoBlock,
    /// One of its blocks is faulty.
    #[error("block {number}, which begins in line {line}, {what}")]
    Block {
        /// The number of the block, from 1 on.
        number: usize,
        /// The line in which it begins.
        line: usize,
        /// What is wrong with it.
        what: BlockFault,
    },
}

/// What is wrong with one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockFault {
    /// It is a key, a revocation list, or a certificate in OpenSSL's own form.
    Kind(String),
    /// Its first or last line is faulty.
    Frame,
    /// The content between these lines is faulty.
    Content,
}

impl fmt::Display for BlockFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(
                f,
                "is a {kind}, and only a CERTIFICATE can be trusted; take it out, or convert a \
                 certificate of another form with `openssl x509`"
            ),
            Self::Frame => {
                f.write_str("is cut off, or its first or last line is damaged; copy it again")
            }
            Self::Content => {
                f.write_str("is no certificate that can be read; copy it, or take it out")
            }
        }
    }
}

/// The certificates of a file. Text around the blocks is ignored, as by `openssl` and `curl`.
pub fn certificates(content: &[u8]) -> Result<Vec<Certificate>, Fault> {
    let text = String::from_utf8_lossy(content);
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(Fault::Empty);
    }
    let mut lines = (1..).zip(text.lines().map(str::trim));
    let mut certificates = vec![];
    while let Some((line, first)) = lines.find(|(_, text)| is_frame(text, "BEGIN ")) {
        let body = lines.by_ref().map(|(_, text)| text);
        let number = certificates.len() + 1;
        let certificate = block(first, body).map_err(|what| Fault::Block { number, line, what })?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        // A DER file is one sequence of more than 127 bytes.
        let der = matches!(content, [0x30, 0x80..=0xff, ..]);
        return Err(if der { Fault::Der } else { Fault::NoBlock });
    }
    Ok(certificates)
}

/// Whether a line is the first or last line of a block, possibly misspelt.
fn is_frame(line: &str, word: &str) -> bool {
    line.starts_with('-') && line.trim_start_matches('-').starts_with(word)
}

/// The certificate of a block, from its first line and the lines after it.
fn block<'a, I>(first: &str, mut rest: I) -> Result<Certificate, BlockFault>
where
    I: Iterator<Item = &'a str>,
{
    let label = first.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----"));
    let label = label.filter(|label| label.len() < 40).ok_or(BlockFault::Frame)?;
    if label != "CERTIFICATE" {
        return Err(BlockFault::Kind(label.to_owned()));
    }
    let mut pem = format!("{first}\n");
    loop {
        let line = rest.next().filter(|line| !is_frame(line, "BEGIN ")).ok_or(BlockFault::Frame)?;
        pem.push_str(line);
        pem.push('\n');
        if line == "-----END CERTIFICATE-----" {
            break;
        }
    }
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| BlockFault::Content)?;
    // Checked as the TLS library does: reqwest parses a certificate only when it is first used.
    RootCertStore::empty().add(der.clone()).map_err(|_| BlockFault::Content)?;
    Certificate::from_der(&der).map_err(|_| BlockFault::Content)
}

#[cfg(test)]
mod tests;
