//! The election against an API server in this process, in paused time: taking over, hanging,
//! losing, releasing.

#![allow(
    clippy::disallowed_methods,
    reason = "the clock is tokio's paused one, and the sleeper is this test"
)]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::*;
use crate::shell::clock::Now;

const DURATION: Duration = Duration::from_secs(15);

/// The Lease of a fake API server, which checks the resourceVersion of writes.
#[derive(Default)]
struct Server {
    lease: Option<Lease>,
    version: u64,
    hangs: bool,
    /// The delay of its responses.
    delay: Duration,
}

type Shared = Arc<Mutex<Server>>;
type Answer = (StatusCode, String);

fn answer(lease: Option<&Lease>) -> Answer {
    lease.map_or_else(
        || refusal(404, "NotFound"),
        |lease| (StatusCode::OK, serde_json::to_string(lease).unwrap()),
    )
}

fn refusal(code: u16, reason: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code});
    (StatusCode::from_u16(code).unwrap(), status.to_string())
}

async fn read(State(server): State<Shared>) -> Answer {
    answering(&server).await;
    answer(server.lock().unwrap().lease.as_ref())
}

async fn write(State(server): State<Shared>, body: String) -> Answer {
    answering(&server).await;
    let mut new: Lease = serde_json::from_str(&body).unwrap();
    let mut server = server.lock().unwrap();
    let current = server.lease.as_ref().and_then(|lease| lease.metadata.resource_version.clone());
    if new.metadata.resource_version != current {
        return refusal(409, "Conflict");
    }
    server.version += 1;
    new.metadata.resource_version = Some(server.version.to_string());
    server.lease = Some(new);
    answer(server.lease.as_ref())
}

async fn answering(server: &Shared) {
    let (hangs, delay) = {
        let server = server.lock().unwrap();
        (server.hangs, server.delay)
    };
    if !delay.is_zero() {
        sleep(delay).await;
    }
    if hangs {
        std::future::pending::<()>().await;
    }
}

fn client(server: &Shared) -> Client {
    let router = Router::new()
        .route("/apis/coordination.k8s.io/v1/namespaces/ns/leases", post(write))
        .route("/apis/coordination.k8s.io/v1/namespaces/ns/leases/mp", get(read).put(write))
        .with_state(server.clone());
    Client::new(router, "ns")
}

/// The clock of the paused runtime.
fn clock() -> Clock {
    let start = Instant::now();
    Clock::from_fn(move || Now { wall: Timestamp::UNIX_EPOCH, boot: start.elapsed() })
}

fn elector(server: &Shared, identity: &str) -> (Elector, Arc<Mutex<Vec<bool>>>) {
    let changes = Arc::new(Mutex::new(Vec::new()));
    let handle = changes.clone();
    let config = Config {
        namespace: "ns".into(),
        name: "mp".into(),
        identity: identity.into(),
        duration: DURATION,
    };
    let elector = Elector::start(client(server), config, clock(), 0, move |leads| {
        handle.lock().unwrap().push(leads);
    });
    (elector, changes)
}

fn holder(server: &Shared) -> Option<String> {
    server.lock().unwrap().lease.clone()?.spec?.holder_identity
}

#[tokio::test(start_paused = true)]
async fn a_release_hands_over_within_one_period() {
    let server = Shared::default();
    let (mut first, changes) = elector(&server, "first");
    let term = first.lead().await.unwrap();
    assert_eq!((term.operator(), holder(&server).as_deref()), ("ns/mp", Some("first")));

    let (mut second, _) = elector(&server, "second");
    assert!(timeout(10 * DURATION, second.lead()).await.is_err(), "a renewed lease is not taken");
    assert!(term.leads());
    // A call of five seconds may begin at any time between two renewals.
    for _ in 0..60 {
        assert!(term.permit(Duration::from_secs(5)).is_some());
        sleep(Duration::from_millis(500)).await;
    }

    first.release().await;
    assert!(!term.leads());
    assert_eq!(*changes.lock().unwrap(), [true, false]);
    let before = Instant::now();
    second.lead().await.unwrap();
    assert!(before.elapsed() <= DURATION / 6);
    assert_eq!(
        server.lock().unwrap().lease.clone().unwrap().spec.unwrap().lease_transitions,
        Some(1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_hanging_api_server_ends_the_term_in_time() {
    let server = Shared::default();
    let (mut elector, changes) = elector(&server, "first");
    let term = elector.lead().await.unwrap();
    server.lock().unwrap().hangs = true;
    let before = Instant::now();
    term.over().await;
    assert!(before.elapsed() <= DURATION * 2 / 3, "{:?}", before.elapsed());
    assert!(!term.leads());

    server.lock().unwrap().hangs = false;
    let next = elector.lead().await.unwrap();
    assert!(next.leads() && !term.leads(), "the old term stays over");
    assert_eq!(*changes.lock().unwrap(), [true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_term_counts_from_when_its_renewal_was_sent() {
    let server = Shared::default();
    server.lock().unwrap().delay = Duration::from_secs(2);
    let (mut elector, _) = elector(&server, "first");
    let term = elector.lead().await.unwrap();
    // The API server took two of its ten seconds.
    assert!(term.permit(Duration::from_secs(8)).is_none());
    assert!(term.permit(Duration::from_secs(7)).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_elector_leaves_the_lease_to_expire() {
    let server = Shared::default();
    let (mut first, _) = elector(&server, "first");
    let term = first.lead().await.unwrap();
    drop(first);
    term.over().await;
    assert_eq!(holder(&server).as_deref(), Some("first"));

    let (mut second, _) = elector(&server, "second");
    let before = Instant::now();
    second.lead().await.unwrap();
    assert!(before.elapsed() >= DURATION, "counted from when the second saw it");
}

#[tokio::test(start_paused = true)]
async fn what_others_do_to_the_lease() {
    let server = Shared::default();
    let (mut elector, _) = elector(&server, "first");
    let term = elector.lead().await.unwrap();
    // A change of its labels: the renewal is a conflict, and is retried after a read.
    let touch = |change: fn(&mut Lease)| {
        let mut server = server.lock().unwrap();
        server.version += 1;
        let version = server.version.to_string();
        let lease = server.lease.as_mut().unwrap();
        lease.metadata.resource_version = Some(version);
        change(lease);
    };
    touch(|lease| {
        drop(lease.metadata.labels.get_or_insert_default().insert("a".into(), "b".into()));
    });
    sleep(10 * DURATION).await;
    assert!(term.leads());
    assert!(
        server.lock().unwrap().lease.as_ref().unwrap().metadata.labels.is_some(),
        "the label is kept"
    );
    // Another holder is written into it.
    touch(|lease| lease.spec.as_mut().unwrap().holder_identity = Some("her".into()));
    timeout(DURATION / 3, term.over()).await.unwrap();
    // It is deleted: the candidate creates it again.
    server.lock().unwrap().lease = None;
    elector.lead().await.unwrap();
    assert_eq!(holder(&server).as_deref(), Some("first"));
    // It changes right before it is released.
    touch(|_| ());
    elector.release().await;
    assert_eq!(holder(&server).as_deref(), Some(""));
}

#[test]
fn no_two_processes_have_one_identity() {
    assert_ne!(identity(), identity());
}
