//! Finds why there is no response, in the error of the HTTP client. Only the causes named here
//! leave the door, since the error's own text quotes the URL and with it the app secret.

use std::{error::Error, io};

use rustls::CertificateError;

use super::super::TransportError;
use crate::{platform::Cause, shell::cause::chain};

/// The cause behind an error of a request or of its response.
pub fn of(error: &reqwest::Error) -> TransportError {
    let found = chain(error).find_map(of_one);
    if error.is_connect() {
        let timeout = error.is_timeout().then_some(Cause::ConnectTimeout);
        return TransportError::NotSent(timeout.or(found).unwrap_or(Cause::ConnectFailed));
    }
    let timeout = error.is_timeout().then_some(Cause::ResponseTimeout);
    TransportError::Unknown(timeout.or(found).unwrap_or(Cause::ConnectionClosed))
}

fn of_one(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }
    // The types of these errors are private to the HTTP library.
    let of_text = match error.to_string().as_str() {
        "dns error" => Some(Cause::NameNotResolved),
        "tunnel error: proxy authorization required" => Some(Cause::ProxyRefused),
        "tunnel error: failed to create underlying connection" => None,
        text if text.starts_with("tunnel error: ") => Some(Cause::ProxyFailed),
        _ => None,
    };
    of_text.or_else(|| match error.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some(Cause::ConnectionRefused),
        io::ErrorKind::TimedOut => Some(Cause::ConnectTimeout),
        _ => None,
    })
}

fn of_tls(error: &rustls::Error) -> Cause {
    let rustls::Error::InvalidCertificate(certificate) = error else { return Cause::TlsFailed };
    match certificate {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Cause::CertificateExpired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Cause::CertificateOfAnotherName
        }
        _ => Cause::CertificateNotTrusted,
    }
}

#[cfg(test)]
mod tests;
