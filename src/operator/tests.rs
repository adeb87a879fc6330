//! The whole operator on virtual time, against an API server whose responses contradict each other
//! or that refuses lists or watches.

#![allow(
    clippy::disallowed_methods,
    reason = "the clock is tokio's paused one, and the sleeper is this test"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, StatusCode},
    response::IntoResponse,
    routing::any,
};
use futures::{FutureExt, stream};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::{
    reconcile::fetch::door::{Door, TransportError},
    shell::clock::Now,
};

const LEASE: Duration = Duration::from_secs(6);

fn object(version: &str) -> Value {
    json!({
        "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram",
        "metadata": { "name": "shop", "namespace": "team-a", "uid": "u-shop", "resourceVersion": version, "generation": 1 },
        "spec": { "platform": "WeChat", "appID": "wx0123456789abcdef", "credentialRef": { "name": "none" } },
    })
}

/// An API server that was restored behind its caches: lists show an object in a version that does
/// not exist, and every write of it is a conflict.
fn restored(request: &Request) -> (StatusCode, Body) {
    let query = request.uri().query().unwrap_or_default();
    let path = request.uri().path();
    if query.contains("watch=true") {
        return (
            StatusCode::OK,
            Body::from_stream(stream::pending::<Result<String, std::convert::Infallible>>()),
        );
    }
    let list =
        |items: Vec<Value>| json!({ "metadata": { "resourceVersion": "1400" }, "items": items });
    let (code, answer) = match *request.method() {
        Method::GET if path.ends_with("/miniprograms") => (200, list(vec![object("1390")])),
        Method::GET if path.ends_with("/secrets") => (200, list(vec![])),
        Method::GET if path.ends_with("/miniprograms/shop") => (200, object("1000")),
        Method::GET => (
            404,
            json!({ "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404 }),
        ),
        _ => (
            409,
            json!({ "kind": "Status", "status": "Failure", "reason": "Conflict", "code": 409 }),
        ),
    };
    (StatusCode::from_u16(code).unwrap_or_default(), Body::from(answer.to_string()))
}

fn operator(client: Client) -> Operator {
    let start = Instant::now();
    let clock = Clock::from_fn(move || Now {
        wall: Timestamp::UNIX_EPOCH.checked_add(start.elapsed()).unwrap_or(Timestamp::MAX),
        boot: start.elapsed(),
    });
    let health = Health::new(clock.clone(), Duration::from_mins(5));
    Operator {
        leadership: Leadership::Alone("ns/lease".into()),
        identity: "test".into(),
        client,
        client_of_term: Box::new(|_, client| client.clone()),
        platforms: Platforms {
            door: Door::from_fn(|_| {
                std::future::ready(Err(TransportError::NotSent(
                    crate::platform::Cause::ConnectionRefused,
                )))
                .boxed()
            }),
            hosts: std::collections::BTreeMap::default(),
            configured: crate::platform::ConfiguredEndpoints::default(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
        },
        concurrency: 2,
        platform_qps: NonZeroU32::MIN,
        scopes: vec![Scope::All],
        selector: None,
        allowed: AllowedMetadata::default(),
        clock,
        chance: Chance::from_fn(|| 1),
        timing: Timing::default(),
        watch_seconds: 30,
        health_period: Duration::from_secs(5),
        grace: Duration::from_secs(20),
        metrics: Metrics::new("0", "lease", false),
        watches: health.gate("watches"),
        health,
        on_change: Arc::new(|_| {}),
        run_pass: Arc::new(|pass| pass),
    }
}

fn by_election() -> Leadership {
    let identity = "me".into();
    let (namespace, name) = ("ns".into(), "lease".into());
    Leadership::ByElection(leader::Config { namespace, name, identity, duration: LEASE })
}

#[tokio::test(start_paused = true)]
async fn writes_that_always_conflict_are_retried_less_and_less_often() {
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&writes);
    let server = Router::new().fallback(any(move |request: Request| {
        if request.method() == Method::PUT {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        std::future::ready(restored(&request).into_response())
    }));
    let (operator, stop) = (operator(Client::new(server, "ns")), CancellationToken::new());
    let watched = async {
        tokio::time::sleep(Duration::from_mins(10)).await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(operator.run(&stop), watched);
    assert_eq!(ended.ok(), Some(Ended::Finished));
    let writes = writes.load(Ordering::Relaxed);
    // At most four writes in a row, after pauses of up to a minute.
    assert!((5..=80).contains(&writes), "{writes} writes of one object in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_gets_the_lease_works_at_once_although_its_check_hangs() {
    let worked = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&worked);
    let server = Router::new().fallback(any(move |request: Request| {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        // The lists of a check request one object.
        let is_trial = uri.query().unwrap_or_default().split('&').any(|part| part == "limit=1");
        if method == Method::GET && !uri.path().contains("leases") && !is_trial {
            noted.lock().unwrap().get_or_insert_with(Instant::now);
        }
        async move {
            if !uri.path().contains("leases") {
                return std::future::pending().await;
            }
            if method == Method::GET {
                let none = json!({ "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404 });
                return (StatusCode::NOT_FOUND, Body::from(none.to_string()));
            }
            (StatusCode::OK, request.into_body())
        }
    }));
    let led = Arc::new(Mutex::new(None));
    let (leads, stop) = (Arc::clone(&led), CancellationToken::new());
    let operator = Operator {
        leadership: by_election(),
        on_change: Arc::new(move |is_leader| {
            if is_leader {
                leads.lock().unwrap().get_or_insert_with(Instant::now);
            }
        }),
        ..operator(Client::new(server, "ns"))
    };
    let watched = async {
        tokio::time::sleep(Duration::from_mins(2)).await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(operator.run(&stop), watched);
    assert!(ended.is_ok());
    let (led, worked) =
        (led.lock().unwrap().expect("it led"), worked.lock().unwrap().expect("it worked"));
    assert!(worked - led < Duration::from_secs(1), "{:?} after it led", worked - led);
}

/// An API server that serves lists, refuses watches and stores the Lease.
fn unwatchable(request: &Request, lease: &mut Option<Value>) -> (StatusCode, Body) {
    let refused = |code: u16, why| {
        let status = json!({ "kind": "Status", "status": "Failure", "reason": why, "code": code });
        (code, status)
    };
    let (query, path) = (request.uri().query().unwrap_or_default(), request.uri().path());
    let (code, answer) = if path.contains("leases") {
        lease.clone().map_or_else(|| refused(404, "NotFound"), |lease| (200, lease))
    } else if query.contains("watch=true") {
        refused(403, "Forbidden")
    } else {
        (200, json!({ "metadata": { "resourceVersion": "1" }, "items": [] }))
    };
    (StatusCode::from_u16(code).unwrap(), Body::from(answer.to_string()))
}

#[tokio::test(start_paused = true)]
async fn after_a_term_without_working_watches_the_lease_is_left_to_others_first() {
    let lease = Arc::new(Mutex::new(None));
    let server = Router::new().fallback(any(move |request: Request| {
        let lease = Arc::clone(&lease);
        async move {
            let is_lease = request.uri().path().contains("leases");
            if !is_lease || request.method() == Method::GET {
                return unwatchable(&request, &mut lease.lock().unwrap());
            }
            let body = axum::body::to_bytes(request.into_body(), 10_000).await.unwrap();
            *lease.lock().unwrap() = serde_json::from_slice(&body).unwrap();
            (StatusCode::OK, Body::from(body))
        }
    }));
    let terms = Arc::new(Mutex::new(vec![]));
    let (noted, stop) = (Arc::clone(&terms), CancellationToken::new());
    let operator = Operator {
        leadership: by_election(),
        on_change: Arc::new(move |leads| noted.lock().unwrap().push((leads, Instant::now()))),
        ..operator(Client::new(server, "ns"))
    };
    let watched = async {
        tokio::time::sleep(Duration::from_mins(4)).await;
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(operator.run(&stop), watched);
    assert!(ended.is_ok());
    let terms = terms.lock().unwrap();
    let [(true, began), (false, ended), (true, again), ..] = terms[..] else { panic!("{terms:?}") };
    let (led, left) = (ended - began, again - ended);
    assert!((75..=90).contains(&led.as_secs()), "a term of no use takes {led:?}");
    assert!(left >= LEASE * OTHERS_FIRST, "taken again after {left:?}");
    assert!(left <= LEASE * OTHERS_FIRST + 2 * LEASE, "no other candidate took it within {left:?}");
}

/// An API server whose watch on objects has an event every 20 s, and whose watches on Secrets are
/// refused after the first minute.
fn half_watchable(request: &Request, since: Instant) -> (StatusCode, Body) {
    let (query, path) = (request.uri().query().unwrap_or_default(), request.uri().path());
    let watched = path.rsplit('/').next().filter(|_| query.contains("watch=true"));
    match watched {
        Some("miniprograms") => {
            let line = json!({ "type": "MODIFIED", "object": object("1395") }).to_string() + "\n";
            let news = stream::once(async move {
                tokio::time::sleep(Duration::from_secs(20)).await;
                Ok::<_, std::convert::Infallible>(line)
            });
            (StatusCode::OK, Body::from_stream(news))
        }
        Some("secrets") if since.elapsed() > Duration::from_mins(1) => {
            let refused = json!({ "kind": "Status", "reason": "Forbidden", "code": 403 });
            (StatusCode::FORBIDDEN, Body::from(refused.to_string()))
        }
        _ => restored(request),
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_one_watch_does_not_make_a_leader_ready_whose_other_watch_is_refused() {
    let since = Instant::now();
    let server = Router::new().fallback(any(move |request: Request| {
        std::future::ready(half_watchable(&request, since).into_response())
    }));
    let (operator, stop) = (operator(Client::new(server, "ns")), CancellationToken::new());
    let health = operator.health.clone();
    let watched = async {
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert!(health.is_ready(), "all watches work");
        tokio::time::sleep(Duration::from_mins(3)).await;
        assert!(!health.is_ready(), "Secrets cannot be watched");
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(operator.run(&stop), watched);
    assert_eq!(ended.ok(), Some(Ended::Finished));
}
