//! Each cause, as the network really produces it.

use std::{sync::Arc, time::Duration};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{
    super::{Outgoing, tests::network},
    Cause, TransportError,
};
use crate::platform::Request;

/// How a call to this host ends if `root` is trusted besides the system's authorities.
async fn end_of(host: &str, root: Option<&rcgen::Certificate>) -> TransportError {
    let roots = root.map(|root| reqwest::Certificate::from_der(root.der()).unwrap());
    let network = network(&[], roots.into_iter().collect());
    let request = Request::get("/token", vec![]);
    let timeout = Duration::from_millis(2500);
    let response = network.send(Outgoing { host: host.to_owned(), request, timeout }).await;
    response.map(|incoming| incoming.status).expect_err("no response")
}

/// A server with a certificate for `name` until `year`.
async fn server(name: &str, year: i32) -> (String, rcgen::Certificate) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = acceptor.accept(stream).await;
    });
    (format!("https://localhost:{}", address.port()), certificate)
}

/// A server that reads a request, sends this answer, and then closes the connection or stays
/// silent.
async fn plain(answer: &'static str, closes: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![];
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        if !closes {
            let _ = stream.read_u8().await;
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn what_was_not_sent_says_why() {
    let not_sent = TransportError::NotSent;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let closed = end_of(&format!("http://{closed}"), None).await;
    assert_eq!(closed, not_sent(Cause::ConnectionRefused));
    let nobody = end_of("https://nobody.invalid", None).await;
    assert_eq!(nobody, not_sent(Cause::NameNotResolved));
    let (host, _) = server("localhost", 2040).await;
    assert_eq!(end_of(&host, None).await, not_sent(Cause::CertificateNotTrusted));
    let (host, root) = server("elsewhere.test", 2040).await;
    assert_eq!(end_of(&host, Some(&root)).await, not_sent(Cause::CertificateOfAnotherName));
    let (host, root) = server("localhost", 2021).await;
    assert_eq!(end_of(&host, Some(&root)).await, not_sent(Cause::CertificateExpired));
}

#[tokio::test]
async fn what_was_sent_and_not_answered_says_why() {
    let unknown = TransportError::Unknown;
    let cut = plain("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", true).await;
    assert_eq!(end_of(&cut, None).await, unknown(Cause::ConnectionClosed));
    let nothing = plain("", true).await;
    assert_eq!(end_of(&nothing, None).await, unknown(Cause::ConnectionClosed));
    let silent = plain("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", false).await;
    assert_eq!(end_of(&silent, None).await, unknown(Cause::ResponseTimeout));
}
