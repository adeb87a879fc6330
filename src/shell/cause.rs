//! Finds the cause of a failed request to the API server in the chain of errors, and the advice for
//! it. The text of an HTTP library's error often does not contain the cause.

use std::{error::Error, io};

use super::stall::Stalled;

/// Why the API server cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing listens at its address.
    Refused,
    /// Its host name has no address.
    Unresolved,
    /// No connection or no response within the timeout.
    TimedOut,
    /// Its certificate is not trusted.
    Untrusted,
    /// Another cause, such as a connection that is closed early.
    Other,
}

impl Cause {
    /// The cause of an error.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        chain(error).find_map(Self::of_one).unwrap_or(Self::Other)
    }

    /// The advice for a log line.
    #[must_use]
    pub fn what_to_do(self) -> &'static str {
        match self {
            Self::Refused => "nothing listens at its address: check that it runs there",
            Self::Unresolved => {
                "its name has no address: check the DNS, or server in the kubeconfig"
            }
            Self::TimedOut => "check network policies, firewalls and proxies on the way to it",
            Self::Untrusted => {
                "its certificate is not trusted: check the certificate authority in the kubeconfig or the \
                 ServiceAccount, and whether a proxy intercepts TLS"
            }
            Self::Other => "check its health, and the network and proxies on the way to it",
        }
    }

    fn of_one(error: &(dyn Error + 'static)) -> Option<Self> {
        if error.is::<Stalled>() {
            return Some(Self::TimedOut);
        }
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return Some(Self::Untrusted);
        }
        // The type of this error is private to the HTTP library, so its text is compared.
        if error.to_string() == "dns error" {
            return Some(Self::Unresolved);
        }
        match error.downcast_ref::<io::Error>()?.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            _ => None,
        }
    }
}

/// The texts of an error and its sources, each once.
#[must_use]
pub fn text(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for part in chain(error).map(ToString::to_string) {
        // Many errors repeat the text of their source.
        if text.contains(&part) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&part);
    }
    text
}

/// An error and its sources.
pub fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| {
        // The source of an `io::Error` skips the error that it wraps.
        let made_from = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        made_from.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kube::{Api, Client, Config, api::ListParams};
    use rcgen::generate_simple_self_signed;
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::api::MiniProgram;

    async fn failure(url: &str) -> kube::Error {
        // Another test may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
        Api::<MiniProgram>::all(client).list(&ListParams::default()).await.unwrap_err()
    }

    /// A server with a self-signed certificate.
    async fn stranger() -> String {
        let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            TlsAcceptor::from(Arc::new(config)).accept(stream).await.map(drop)
        });
        url
    }

    #[tokio::test]
    async fn a_closed_port_an_unknown_name_and_a_strange_certificate_are_told_apart() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for (url, cause, says) in [
            (format!("https://{closed}"), Cause::Refused, "Connection refused"),
            // This is not a valid name, so no DNS server is asked.
            ("http://cluster..invalid:6443".to_owned(), Cause::Unresolved, "dns error"),
            (stranger().await, Cause::Untrusted, "UnknownIssuer"),
        ] {
            let error = failure(&url).await;
            assert_eq!(Cause::of(&error), cause, "{error:?}");
            assert!(text(&error).contains(says), "{}", text(&error));
        }
    }

    #[test]
    fn what_takes_too_long_has_timed_out_and_the_rest_is_something_else() {
        let error = kube::Error::Service(io::Error::from(io::ErrorKind::TimedOut).into());
        assert_eq!(Cause::of(&error), Cause::TimedOut);
        let error = kube::Error::Service(Stalled::BeforeAnswer.into());
        assert_eq!(Cause::of(&error), Cause::TimedOut);
        let error = kube::Error::Service(io::Error::from(io::ErrorKind::ConnectionReset).into());
        assert_eq!(Cause::of(&error), Cause::Other);
        assert_eq!(text(&error), "ServiceError: connection reset");
    }
}
