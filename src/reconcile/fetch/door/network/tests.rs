//! What goes out on the wire, and calls through proxies that tunnel or refuse.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::platform::Request;

/// Reads a request up to its empty line.
async fn read_request(stream: &mut TcpStream) -> io::Result<String> {
    let mut request = vec![];
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&request).into_owned())
}

/// A network with these variables that trusts `roots` beside the system's authorities.
pub fn network(variables: &[(&str, &str)], roots: Roots) -> Network {
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let proxies = Proxies::of(variables).unwrap();
    let bounds = Bounds { connect_timeout: Duration::from_secs(5), max_response_bytes: 1024 };
    Network::new(bounds, proxies, roots).unwrap()
}

/// The result of a call to `path` of `host`, and the requests to a proxy that answers `answer`.
async fn by_proxy(
    host: &str,
    path: &'static str,
    answer: Option<&str>,
) -> (Result<u16, TransportError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://user:p%40ss@{}\n", listener.local_addr().unwrap());
    let network = network(&[("ALL_PROXY", &proxy)], vec![]);
    let request = Request::get(path, vec![]);
    let timeout = Duration::from_secs(10);
    let call = network.send(Outgoing { host: host.to_owned(), request, timeout });
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = read_request(&mut stream).await.unwrap();
        match answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            None => {
                // Nothing more arrives before the caller gives up.
                let _ = read_request(&mut stream).await;
            }
        }
        asked
    };
    let (answer, asked) = tokio::join!(call, serve);
    (answer.map(|answer| answer.status), asked)
}

#[tokio::test]
async fn what_a_proxy_says_instead_of_a_tunnel_means_that_nothing_was_sent() {
    for (answer, cause) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Cause::ProxyRefused),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", Cause::ProxyFailed),
        ("SSH-2.0-OpenSSH_9.2\r\n", Cause::ProxyFailed),
        ("", Cause::ProxyFailed),
    ] {
        let (answered, asked) = by_proxy("https://platform.test", "/token", Some(answer)).await;
        assert_eq!(answered, Err(TransportError::NotSent(cause)), "{answer:?}");
        assert!(asked.starts_with("CONNECT platform.test:443 HTTP/1.1\r\n"), "{asked}");
        // `user:p@ss`
        assert!(asked.contains("Basic dXNlcjpwQHNz\r\n"), "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_says_nothing_means_that_nothing_was_sent() {
    let (answered, _) = by_proxy("https://platform.test", "/token", None).await;
    assert_eq!(answered, Err(TransportError::NotSent(Cause::ConnectTimeout)));
}

#[tokio::test]
async fn a_call_says_who_makes_it() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (answered, asked) = by_proxy("http://platform.test", "/token", Some(answer)).await;
    assert_eq!(answered, Ok(200));
    let agent = format!("user-agent: miniprogram-operator/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(asked.starts_with("GET http://platform.test/token "), "{asked}");
    assert!(asked.contains(&agent), "{asked}");
}

#[tokio::test]
async fn a_whole_url_keeps_its_path_and_its_query() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let url = "http://id.test/oauth2/token?tenant=a";
    let (answered, asked) = by_proxy(url, "", Some(answer)).await;
    assert_eq!(answered, Ok(200));
    assert!(asked.starts_with("GET http://id.test/oauth2/token?tenant=a "), "{asked}");
}

#[tokio::test]
async fn a_form_and_headers_go_out_as_they_are_and_the_media_type_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let pair = |name, value: &str| (name, Zeroizing::new(value.to_owned()));
    let mut request = Request::form("/token", vec![pair("id", "a b"), pair("secret", "s&x=1")]);
    request.headers.push(pair("x-app", "wx1"));
    let timeout = Duration::from_secs(10);
    let network = network(&[], vec![]);
    let call = network.send(Outgoing { host, request, timeout });
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_request(&mut stream).await.unwrap();
        let mut form = vec![0; "id=a+b&secret=s%26x%3D1".len()];
        stream.read_exact(&mut form).await.unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\n\
                      content-length: 2\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).await.unwrap();
        (head, String::from_utf8(form).unwrap())
    };
    let (response, (head, form)) = tokio::join!(call, serve);
    assert!(head.starts_with("POST /token HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded\r\n"), "{head}");
    assert!(head.contains("x-app: wx1\r\n"), "{head}");
    assert_eq!(form, "id=a+b&secret=s%26x%3D1");
    let response = response.unwrap();
    assert_eq!((response.status, &*response.content_type), (200, "application/json"));
    assert_eq!(response.body.as_deref(), Some(&b"{}".to_vec()));
}
