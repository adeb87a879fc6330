//! Both servers on a real socket, asked by the probe.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use reqwest::Url;

use super::*;
use crate::shell::clock::{Clock, Now};

const LATER: Now = Now { wall: Timestamp::UNIX_EPOCH, boot: Duration::from_hours(1) };

async fn start(router: Router) -> (String, CancellationToken, tokio::task::JoinHandle<io::Result<()>>) {
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
    assert!(matches!(&error, ProbeError::Failed { status, .. } if status.starts_with("404")), "{error}");

    stop.cancel();
    task.await.unwrap().unwrap();
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
