//! How a failing watch is retried, and what the log advises.

#![allow(
    clippy::disallowed_methods,
    reason = "the clock is tokio's paused one, and the sleeper is this test"
)]

use std::{cell::RefCell, time::Duration};

use futures::stream;
use kube::core::Status;
use tokio::time::Instant;

use super::*;
use crate::shell::clock::Now;

/// A watch with a clock that does not advance.
fn watch<'a>(
    kind: Kind,
    scope: &'a Scope,
    gaps: &'a Gaps,
    stop: &'a CancellationToken,
) -> Watch<'a> {
    static CLOCK: std::sync::LazyLock<Clock> = std::sync::LazyLock::new(|| {
        Clock::from_fn(|| Now {
            wall: k8s_openapi::jiff::Timestamp::UNIX_EPOCH,
            boot: Duration::from_secs(7),
        })
    });
    Watch { kind, scope, gaps, clock: &CLOCK, stop }
}

fn refused(code: u16) -> watcher::Error {
    watcher::Error::InitialListFailed(kube::Error::Api(
        Status::failure("no", "No").with_code(code).boxed(),
    ))
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_always_refused_is_retried_less_and_less_often() {
    let (scope, stop) = (Scope::All, CancellationToken::new());
    let (start, times) = (Instant::now(), RefCell::new(vec![]));
    let events = stream::iter(0..40)
        .map(|n| if n % 2 == 0 { Ok(Event::<()>::Init) } else { Err(refused(403)) });
    let gaps = Gaps::default();
    let watch = watch(Kind::Secrets, &scope, &gaps, &stop);
    watch.follow(events, |_| times.borrow_mut().push(start.elapsed())).await;
    let pauses: Vec<_> =
        times.borrow().windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    assert!(pauses[0] < Duration::from_secs(2), "{pauses:?}");
    assert!(pauses[6..].iter().all(|pause| *pause >= Duration::from_secs(15)), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_in_back_off_stops_when_cancelled() {
    let (scope, stop) = (Scope::All, CancellationToken::new());
    let events = stream::repeat_with(|| Err::<Event<()>, _>(refused(403)));
    let gaps = Gaps::default();
    let watch = watch(Kind::Secrets, &scope, &gaps, &stop);
    let stopping = async {
        tokio::time::sleep(Duration::from_mins(10)).await;
        stop.cancel();
    };
    tokio::join!(watch.follow(events, |_| {}), stopping);
}

#[test]
fn each_failure_has_its_advice() {
    let scope = Scope::Namespace("x".into());
    let cases = [
        (
            Kind::Secrets,
            403,
            "grant list and watch on secrets in namespace x to this operator's ServiceAccount",
        ),
        (Kind::MiniPrograms, 404, "apply crds/: the cluster has no MiniProgram resource"),
        (Kind::Targets, 401, "check the ServiceAccount and its token"),
        (Kind::MiniPrograms, 500, "check the API server's health and the network to it"),
    ];
    for (kind, code, expected) in cases {
        let (gaps, stop) = (Gaps::default(), CancellationToken::new());
        let watch = watch(kind, &scope, &gaps, &stop);
        assert_eq!(watch.what_to_do(Failure::of(&refused(code))), expected);
    }
}

#[test]
fn an_answer_that_cannot_be_read_is_not_quoted() {
    let quoting = serde_json::from_str::<u8>("\"hunter2\"").expect_err("it is no number");
    assert!(quoting.to_string().contains("hunter2"));
    let error = watcher::Error::InitialListFailed(kube::Error::SerdeError(quoting));
    assert!(!text(&error).contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn a_watch_has_a_gap_until_its_list_is_done_and_from_an_error_until_it_is_served_again() {
    let (scope, stop, gaps) = (Scope::All, CancellationToken::new(), Gaps::default());
    let seen = RefCell::new(vec![]);
    let events = [
        Ok(Event::<()>::Init),
        Ok(Event::InitApply(())),
        Ok(Event::InitDone),
        Err(refused(500)),
        Ok(Event::Apply(())),
    ];
    let events = stream::iter(events).inspect(|_| seen.borrow_mut().push(gaps.all().len()));
    let watch = watch(Kind::Secrets, &scope, &gaps, &stop);
    watch.follow(events, |_| ()).await;
    assert_eq!(*seen.borrow(), [1, 1, 1, 0, 1]);
    assert_eq!(gaps.all(), [("Secrets in all namespaces".to_owned(), Duration::from_secs(7))]);
}

#[tokio::test]
async fn a_gap_ends_without_an_event_when_the_api_server_serves_the_watch_again() {
    use axum::{Router, http::StatusCode, routing::any};
    let (scope, stop, gaps) = (Scope::All, CancellationToken::new(), Gaps::default());
    let status = Arc::new(Mutex::new(StatusCode::FORBIDDEN));
    let shown = Arc::clone(&status);
    let server =
        Router::new().fallback(any(move || std::future::ready((*shown.lock().unwrap(), "{}"))));
    let watch = watch(Kind::Secrets, &scope, &gaps, &stop);
    let secrets: Api<Secret> = Api::all(watch.client(&Client::new(server, "ns")));
    let begins = async || drop(secrets.watch(&kube::api::WatchParams::default(), "1").await);
    gaps.begin(&watch.to_string(), Duration::ZERO);
    begins().await;
    assert_eq!(gaps.all().len(), 1, "it is refused");
    *status.lock().unwrap() = StatusCode::OK;
    drop(secrets.list(&ListParams::default()).await);
    assert_eq!(gaps.all().len(), 1, "a list may stop in the middle");
    begins().await;
    assert!(gaps.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn everything_is_listed_again_when_the_api_servers_versions_go_back() {
    use axum::{Router, body, extract::RawQuery, routing::any};
    let (version, lists) = (Arc::new(Mutex::new(1400)), Arc::new(Mutex::new(0)));
    let (shown, counted) = (Arc::clone(&version), Arc::clone(&lists));
    let server = Router::new().fallback(any(move |RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        let body = if query.contains("watch=true") {
            body::Body::from_stream(stream::pending::<Result<String, std::convert::Infallible>>())
        } else {
            *counted.lock().unwrap() +=
                usize::from(!query.contains("limit=1&") && !query.ends_with("limit=1"));
            let version = shown.lock().unwrap().to_string();
            body::Body::from(format!(
                r#"{{"metadata":{{"resourceVersion":"{version}"}},"items":[]}}"#
            ))
        };
        std::future::ready(body)
    }));
    let (stop, world) = (CancellationToken::new(), Arc::new(Mutex::new(World::new(&[Scope::All]))));
    let watches = Watches {
        client: Client::new(server, "ns"),
        scopes: vec![Scope::All],
        selector: None,
        seconds: 30,
        gaps: Gaps::default(),
        clock: Clock::from_fn(|| Now {
            wall: k8s_openapi::jiff::Timestamp::UNIX_EPOCH,
            boot: Duration::ZERO,
        }),
    };
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert_eq!(*lists.lock().unwrap(), 3, "one of each kind");
        *version.lock().unwrap() = 1401;
        tokio::time::sleep(Duration::from_secs(45)).await;
        assert_eq!(*lists.lock().unwrap(), 3, "versions grow");
        *version.lock().unwrap() = 1000;
        tokio::time::sleep(Duration::from_secs(45)).await;
        assert_eq!(*lists.lock().unwrap(), 6, "versions went back");
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert_eq!(*lists.lock().unwrap(), 6, "once");
        stop.cancel();
    };
    tokio::join!(watches.run(world, |_| {}, stop.clone()), stopping);
}

#[test]
fn an_unreachable_api_server_is_told_from_a_refusal_and_from_a_missing_response() {
    let service = |why: Box<dyn std::error::Error + Send + Sync>| kube::Error::Service(why);
    let late = Stalled::BeforeAnswer;
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let status = |code| kube::Error::Api(Box::new(Status::failure("no", "No").with_code(code)));
    for (error, failure) in [
        (watcher::Error::InitialListFailed(service(refused().into())), Failure::NotReached),
        (watcher::Error::WatchStartFailed(service(refused().into())), Failure::NotReached),
        (watcher::Error::InitialListFailed(service(late.into())), Failure::NoAnswer),
        (watcher::Error::WatchFailed(service(refused().into())), Failure::NoAnswer),
        (watcher::Error::InitialListFailed(status(401)), Failure::Unauthorized),
        (watcher::Error::InitialListFailed(status(403)), Failure::Forbidden),
        (watcher::Error::InitialListFailed(status(404)), Failure::Missing),
    ] {
        assert_eq!(Failure::of(&error), failure, "{error}");
    }
    let error = watcher::Error::InitialListFailed(service(refused().into()));
    assert!(text(&error).ends_with("connection refused"), "{}", text(&error));
}
