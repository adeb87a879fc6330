//! The result of a call: hosts in order, permits, late intents, and the difference between a
//! refusal and an unknown outcome.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt;
use k8s_openapi::jiff::Timestamp;

use super::{
    FetchRequest, Fetched, Platforms,
    door::{Door, Incoming, TransportError},
    fetch, timeout,
};
use crate::{
    api::{Reason, TokenMode},
    platform::{self, Cause, Certainty, ConfiguredEndpoint, ConfiguredEndpoints, TokenRequest},
    reconcile::{
        apply::Preflight,
        call::{Wanted, Why},
        status::IntentRecorded,
    },
    sensitive::AppSecret,
    shell::{
        clock::{Clock, Now},
        leader::Term,
        metrics::Metrics,
    },
};

type Sent = Arc<Mutex<Vec<String>>>;

fn clock() -> Clock {
    let wall: Timestamp = "2026-05-01T10:00:00Z".parse().expect("a time");
    Clock::from_fn(move || Now { wall, boot: Duration::from_secs(1000) })
}

fn request(secret: &AppSecret, mode: TokenMode) -> FetchRequest<'_> {
    let platform = platform::find("WeChat").expect("known");
    let endpoint = platform.endpoint(Some(mode)).expect("known");
    let token = TokenRequest { app_id: "wx0123456789abcdef", secret, force: false };
    FetchRequest { platform, endpoint, configured: None, token, unanswered: 0 }
}

/// Platforms with two hosts; `answer` is the response of each.
fn platforms(answer: fn(&str) -> Result<(u16, &'static str), TransportError>) -> (Platforms, Sent) {
    let sent = Sent::default();
    let log = Arc::clone(&sent);
    let door = Door::from_fn(move |sending| {
        log.lock().expect("whole").push(sending.host.clone());
        let answer = answer(&sending.host);
        let answer = answer.map(|(status, body)| Incoming::json(status, body.into()));
        std::future::ready(answer).boxed()
    });
    let hosts = BTreeMap::from([("WeChat", vec!["https://a".to_owned(), "https://b".to_owned()])]);
    let (connect_timeout, request_timeout) = (Duration::from_secs(5), Duration::from_secs(10));
    let configured = ConfiguredEndpoints::default();
    (Platforms { door, hosts, configured, connect_timeout, request_timeout }, sent)
}

async fn call(
    answer: fn(&str) -> Result<(u16, &'static str), TransportError>,
    started: IntentRecorded,
    term: &Term,
) -> (Fetched, Vec<String>) {
    let (platforms, sent) = platforms(answer);
    let secret = AppSecret::parse(b"hunter2").expect("plausible");
    let request = request(&secret, TokenMode::Stable);
    let metrics = Metrics::new("0", "lease", false);
    let outcome =
        fetch(&platforms, &request, &started, Preflight::for_test(), term, &clock(), &metrics)
            .await;
    let hosts = sent.lock().expect("whole").clone();
    (outcome, hosts)
}

fn unforced() -> IntentRecorded {
    IntentRecorded::not_needed(Wanted { why: Why::Time, force: false, mints: false })
        .expect("no intent is needed")
}

fn alone() -> Term {
    Term::unelected("ns/lease".into(), clock())
}

#[tokio::test]
async fn another_host_is_tried_only_if_the_first_has_certainly_seen_nothing() {
    let (outcome, hosts) = call(
        |host| {
            if host == "https://a" {
                Err(TransportError::NotSent(Cause::ConnectionRefused))
            } else {
                Ok((200, r#"{"access_token":"T","expires_in":7200}"#))
            }
        },
        unforced(),
        &alone(),
    )
    .await;
    assert!(matches!(outcome, Fetched::Token { .. }));
    assert_eq!(hosts, ["https://a", "https://b"]);
    let (outcome, hosts) =
        call(|_| Err(TransportError::Unknown(Cause::ResponseTimeout)), unforced(), &alone()).await;
    assert!(
        matches!(outcome, Fetched::Refused(refusal) if refusal.certainty == Certainty::Unknown && refusal.reason == Reason::PlatformUnreachable)
    );
    assert_eq!(hosts, ["https://a"]);
    let (outcome, hosts) =
        call(|_| Err(TransportError::NotSent(Cause::ConnectionRefused)), unforced(), &alone())
            .await;
    assert!(
        matches!(outcome, Fetched::Refused(refusal) if refusal.certainty == Certainty::NotSent && refusal.reason == Reason::PlatformUnreachable)
    );
    assert_eq!(hosts.len(), 2);
}

#[tokio::test]
async fn only_a_code_of_the_platforms_own_is_a_refusal() {
    let (outcome, _) =
        call(|_| Ok((200, r#"{"errcode":40125,"errmsg":"x"}"#)), unforced(), &alone()).await;
    assert!(
        matches!(outcome, Fetched::Refused(refusal) if refusal.certainty == Certainty::Refused && refusal.reason == Reason::CredentialRejected)
    );
    let (outcome, _) = call(|_| Ok((502, "<html>")), unforced(), &alone()).await;
    assert!(
        matches!(outcome, Fetched::Refused(refusal) if refusal.certainty == Certainty::Unknown && refusal.reason == Reason::PlatformBusy)
    );
    let (outcome, _) =
        call(|_| Ok((200, r#"{"access_token":"T","exp"#)), unforced(), &alone()).await;
    assert!(
        matches!(outcome, Fetched::Refused(refusal) if refusal.certainty == Certainty::Unknown && refusal.reason == Reason::BadResponse)
    );
}

#[tokio::test]
async fn nothing_is_sent_without_a_permit_or_for_an_intent_that_is_too_old() {
    let closed = alone();
    closed.close();
    let (outcome, hosts) =
        call(|_| Err(TransportError::Unknown(Cause::ResponseTimeout)), unforced(), &closed).await;
    assert!(matches!(outcome, Fetched::NotAllowed) && hosts.is_empty());
    let (outcome, hosts) = call(
        |_| Err(TransportError::Unknown(Cause::ResponseTimeout)),
        IntentRecorded::at(Duration::from_secs(989)),
        &alone(),
    )
    .await;
    assert!(matches!(outcome, Fetched::NotAllowed) && hosts.is_empty());
    let (_, hosts) = call(
        |_| Err(TransportError::Unknown(Cause::ResponseTimeout)),
        IntentRecorded::at(Duration::from_secs(990)),
        &alone(),
    )
    .await;
    assert_eq!(hosts.len(), 1);
}

#[tokio::test]
async fn the_administrators_endpoint_gets_the_call_and_no_host_of_the_platform_does() {
    const URL: &str = "https://id.test/token?tenant=a";
    let (platforms, sent) = platforms(|_| Ok((200, r#"{"access_token":"T"}"#)));
    let life = Some(Duration::from_secs(3600));
    let configured = ConfiguredEndpoint { url: URL.into(), life, ..Default::default() };
    let secret = AppSecret::parse(b"hunter2").expect("plausible");
    let platform = platform::find("OAuth2").expect("known");
    let request = FetchRequest {
        platform,
        endpoint: configured.endpoint(),
        configured: Some(&configured),
        token: TokenRequest { app_id: "shop/client-1", secret: &secret, force: false },
        unanswered: 0,
    };
    let metrics = Metrics::new("0", "lease", false);
    let (preflight, term) = (Preflight::for_test(), alone());
    let outcome =
        fetch(&platforms, &request, &unforced(), preflight, &term, &clock(), &metrics).await;
    let Fetched::Token { grant, .. } = outcome else { panic!("no token") };
    assert_eq!(grant.life.span(), Duration::from_secs(3600));
    assert_eq!(*sent.lock().expect("whole"), [URL]);
}

#[test]
fn a_silent_rotating_platform_is_given_more_time_each_time() {
    let secret = AppSecret::parse(b"hunter2").expect("plausible");
    let time = |mode, unanswered, base| {
        timeout(Duration::from_secs(base), &FetchRequest { unanswered, ..request(&secret, mode) })
            .as_secs()
    };
    assert_eq!(
        [0, 1, 2, 3, 50].map(|unanswered| time(TokenMode::Legacy, unanswered, 10)),
        [10, 20, 40, 60, 60]
    );
    assert_eq!(time(TokenMode::Stable, 3, 10), 10);
    assert_eq!(time(TokenMode::Legacy, 3, 90), 90);
}
