//! Both servers on a real socket, with requests of the probe.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{connections::*, *};
use crate::shell::clock::{Clock, Now};

const LATER: Now = Now { wall: Timestamp::UNIX_EPOCH, boot: Duration::from_hours(1) };

async fn start(router: Router) -> (String, CancellationToken, JoinHandle<()>) {
    let listener = "127.0.0.1:0".parse::<Listen>().unwrap().bind("--flag").await.unwrap().unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(listener, router, stop.clone()));
    (url, stop, task)
}

async fn get(base: &str, path: &str) -> Result<(), ProbeError> {
    probe(&format!("{base}{path}").parse::<Url>().unwrap(), Duration::from_secs(5)).await
}

#[tokio::test]
async fn probes_say_what_is_awaited_and_the_server_stops() {
    let state = Health::new(Clock::from_fn(|| LATER), Duration::from_mins(5));
    let gate = state.gate("lists");
    let (base, stop, task) = start(health(state.clone())).await;
    for path in ["/livez", "/healthz", "/livez?verbose"] {
        get(&base, path).await.unwrap();
    }
    let error = get(&base, "/readyz").await.unwrap_err().to_string();
    assert!(error.contains("503") && error.contains("[-]lists failed"), "{error}");
    gate.open();
    get(&base, "/readyz").await.unwrap();
    state.overdue_since(Some(Duration::ZERO));
    let error = get(&base, "/livez").await.unwrap_err().to_string();
    assert!(error.contains("[-]progress failed"), "{error}");
    let error = get(&base, "/nothing").await.unwrap_err();
    assert!(
        matches!(&error, ProbeError::Failed { status, .. } if status.starts_with("404")),
        "{error}"
    );

    stop.cancel();
    task.await.unwrap();
    assert!(matches!(get(&base, "/livez").await, Err(ProbeError::Unreachable { .. })));
}

#[tokio::test]
async fn a_scrape_passes_and_a_silent_server_does_not() {
    let (base, _stop, _task) = start(metrics(Metrics::new("1", "mp", false))).await;
    get(&base, "/metrics").await.unwrap();

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/readyz", silent.local_addr().unwrap()).parse::<Url>().unwrap();
    assert!(matches!(probe(&url, Duration::from_millis(50)).await, Err(ProbeError::Late(_))));
    let https = "https://127.0.0.1/readyz".parse::<Url>().unwrap();
    assert!(matches!(probe(&https, Duration::from_secs(1)).await, Err(ProbeError::Address(_))));
}

/// A connection over which this was sent.
async fn waiting(base: &str, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    stream
}

/// The rest of what a connection receives.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // It may be reset if the server has not read all that was sent.
    let read = timeout(2 * ANSWERED_WITHIN, stream.read_to_end(&mut text));
    let _ = read.await.expect("the server leaves the connection open");
    String::from_utf8(text).unwrap()
}

fn live() -> Router {
    health(Health::new(Clock::from_fn(|| LATER), Duration::from_mins(5)))
}

#[tokio::test]
async fn a_request_is_answered_although_others_hold_all_connections() {
    let (base, _stop, _task) = start(live()).await;
    let mut held = vec![];
    for _ in 0..MOST + 100 {
        held.push(waiting(&base, "GET /livez HTTP/1.1\r\nHost: a").await);
    }
    get(&base, "/livez").await.unwrap();
    let left = held.split_off(101);
    for stream in held {
        assert_eq!(rest(stream).await, "", "one of the oldest");
    }
    for mut stream in left {
        stream.write_all(b"\r\n\r\n").await.unwrap();
        assert!(rest(stream).await.starts_with("HTTP/1.1 200 OK"));
    }
}

#[tokio::test]
async fn a_connection_serves_one_request() {
    let (base, _stop, _task) = start(live()).await;
    let asks = waiting(&base, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(rest(asks).await.contains("connection: close"));
}

#[tokio::test]
async fn a_request_that_is_too_long_is_not_kept() {
    let (base, _stop, _task) = start(live()).await;
    let long = format!("GET /livez HTTP/1.1\r\nHost: {}", "a".repeat(REQUEST_BYTES));
    assert!(rest(waiting(&base, &long).await).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_in_time_whatever_it_waits_for() {
    let (base, stop, task) = start(live().route("/slow", get_never())).await;
    for (sent, within) in [
        ("", REQUEST_WITHIN),
        ("GET /livez HTTP/1.1\r\nHost: a", REQUEST_WITHIN),
        ("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", ANSWERED_WITHIN),
    ] {
        let begin = Instant::now();
        let stream = waiting(&base, sent).await;
        rest(stream).await;
        assert_eq!(begin.elapsed().as_secs(), within.as_secs(), "{sent}");
    }
    let open = waiting(&base, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let begin = Instant::now();
    stop.cancel();
    task.await.unwrap();
    assert!(begin.elapsed() < REQUEST_WITHIN, "the server waited for a request when it stopped");
    rest(open).await;
}

fn get_never() -> axum::routing::MethodRouter {
    axum::routing::get(std::future::pending::<()>)
}
