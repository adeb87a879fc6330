//! How a watch that fails is tried again, and what a person is told.

#![allow(clippy::disallowed_methods, reason = "the clock is tokio's paused one, and the sleeper is this test")]

use std::{cell::RefCell, time::Duration};

use futures::stream;
use kube::core::Status;
use tokio::time::Instant;

use super::*;

fn refused(code: u16) -> watcher::Error {
    watcher::Error::InitialListFailed(kube::Error::Api(Status::failure("no", "No").with_code(code).boxed()))
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_always_refused_is_tried_less_and_less_often() {
    let (scope, stop) = (Scope::All, CancellationToken::new());
    let (start, times) = (Instant::now(), RefCell::new(vec![]));
    let events = stream::iter(0..40).map(|n| if n % 2 == 0 { Ok(Event::<()>::Init) } else { Err(refused(403)) });
    let watch = Watch { kind: Kind::Secrets, scope: &scope, stop: &stop };
    watch.follow(events, |_| times.borrow_mut().push(start.elapsed())).await;
    let pauses: Vec<_> = times.borrow().windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    assert!(pauses[0] < Duration::from_secs(2), "{pauses:?}");
    assert!(pauses[6..].iter().all(|pause| *pause >= Duration::from_secs(15)), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_waits_for_its_next_try_stops_when_told_to() {
    let (scope, stop) = (Scope::All, CancellationToken::new());
    let events = stream::repeat_with(|| Err::<Event<()>, _>(refused(403)));
    let watch = Watch { kind: Kind::Secrets, scope: &scope, stop: &stop };
    let told = async {
        tokio::time::sleep(Duration::from_mins(10)).await;
        stop.cancel();
    };
    tokio::join!(watch.follow(events, |_| {}), told);
}

#[test]
fn a_person_is_told_what_to_do() {
    let scope = Scope::Namespace("x".into());
    let cases = [
        (Kind::Secrets, 403, "grant list and watch on secrets in namespace x to this operator's ServiceAccount"),
        (Kind::MiniPrograms, 404, "apply crds/: the cluster has no MiniProgram resource"),
        (Kind::Targets, 401, "check the ServiceAccount and its token"),
        (Kind::MiniPrograms, 500, "see whether the API server is well and can be reached"),
    ];
    for (kind, code, expected) in cases {
        let watch = Watch { kind, scope: &scope, stop: &CancellationToken::new() };
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
