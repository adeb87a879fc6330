//! How many reads of Secrets are sent, how many at a time, and which callers each serves.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, http::Uri, routing::any};
use futures::{FutureExt, future::join_all};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::Client;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Reads, is_intact, room};
use crate::{
    api::{MiniProgram, TargetKeys},
    projection::TokenFacts,
    reconcile::{
        api_error::ApiError,
        observed::{CredentialRead, Held},
        plan::tests::sight::{STABLE, mini_program},
    },
    sensitive::AccessToken,
};

/// An API server whose Secrets hold the number of the read as app secret, and which answers when
/// the test releases it.
#[derive(Clone)]
struct Server {
    /// The paths of the reads.
    reads: Arc<Mutex<Vec<String>>>,
    answers: Arc<Semaphore>,
}

impl Server {
    fn start() -> (Self, Reads) {
        let server = Self { reads: Arc::default(), answers: Arc::new(Semaphore::new(0)) };
        let at = server.clone();
        let answering = move |uri: Uri| {
            let at = at.clone();
            async move {
                let number = {
                    let mut reads = at.reads.lock().unwrap();
                    reads.push(uri.path().to_owned());
                    reads.len()
                };
                at.answers.acquire().await.expect("open").forget();
                let bytes = |text: String| ByteString(text.into());
                let data = json!({ "appSecret": bytes(format!("read-{number}")), "other": bytes("other".into()) });
                json!({ "metadata": { "uid": "uid", "resourceVersion": number.to_string() }, "data": data }).to_string()
            }
        };
        let client = Client::new(Router::new().fallback(any(answering)), "team-a");
        (server, Reads::new(client))
    }

    fn answer(&self, reads: usize) {
        self.answers.add_permits(reads);
    }

    fn reads(&self) -> usize {
        self.reads.lock().unwrap().len()
    }

    /// How many reads were sent in each namespace.
    fn by_namespace(&self) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for path in &*self.reads.lock().unwrap() {
            *count.entry(path.split('/').nth(4).expect("a namespace").to_owned()).or_default() += 1;
        }
        count
    }
}

fn object(namespace: &str, credential: &str) -> MiniProgram {
    let mut mp = mini_program(STABLE);
    mp.metadata.namespace = Some(namespace.into());
    mp.spec.credential_ref.name = credential.into();
    mp
}

fn value(read: Result<CredentialRead, ApiError>) -> Option<String> {
    match read.expect("there was room") {
        CredentialRead::Is { value, .. } => Some(value?.expect("plausible").expose().to_owned()),
        CredentialRead::Absent | CredentialRead::Unreadable => panic!("it is there"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_serves_all_who_ask_before_it_is_sent_and_nobody_else() {
    let (server, reads) = Server::start();
    let shop = object("team-a", "shared");
    let mut first = Box::pin(reads.credential(&shop));
    assert!((&mut first).now_or_never().is_none());
    while server.reads() == 0 {
        assert!((&mut first).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let mut later = join_all((0..800).map(|_| reads.credential(&shop)));
    assert!((&mut later).now_or_never().is_none());
    assert_eq!(server.reads(), 1, "one at a time");
    server.answer(2);
    assert_eq!(value(first.await).as_deref(), Some("read-1"));
    assert!(later.await.into_iter().map(value).all(|value| value.as_deref() == Some("read-2")));
    assert_eq!(server.reads(), 2);
    assert!(reads.credentials.is_empty(), "nothing is kept");
}

#[test]
fn of_a_target_only_the_tokens_that_we_know_are_kept() {
    let megabyte = (0..128).map(|n| (format!("filler-{n}"), ByteString(vec![b'x'; 8192])));
    let tokens =
        ["76_stored", "76_before"].map(|token| (token.to_owned(), ByteString(token.into())));
    let secret = Secret { data: Some(megabyte.chain(tokens).collect()), ..Secret::default() };
    let [stored, before, filler] = ["76_stored", "76_before", &"x".repeat(8192)]
        .map(|token| AccessToken::parse(token).expect("plausible").fingerprint());
    let held = Held::of(secret, &[&stored, &before]);
    assert!(
        held.token(&stored).is_some()
            && held.token(&before).is_some()
            && held.token(&filler).is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn each_gets_the_value_under_its_own_key_also_when_another_leaves() {
    let (server, reads) = Server::start();
    let shop = object("team-a", "shared");
    let mut other = shop.clone();
    other.spec.credential_ref.key = "other".into();
    let mut missing = shop.clone();
    missing.spec.credential_ref.key = "missing".into();
    let mut leaves = Box::pin(reads.credential(&shop));
    assert!((&mut leaves).now_or_never().is_none());
    let mut stay =
        Box::pin(async { futures::join!(reads.credential(&other), reads.credential(&missing)) });
    assert!((&mut stay).now_or_never().is_none());
    drop(leaves);
    server.answer(10);
    let (other, missing) = stay.await;
    assert_eq!((value(other).as_deref(), value(missing)), (Some("other"), None));
    assert!(reads.credentials.is_empty());
}

#[tokio::test(start_paused = true)]
async fn few_are_read_at_a_time_and_each_namespace_has_its_share() {
    let (server, reads) = Server::start();
    let crowd: Vec<_> = (0..50).map(|n| object("crowded", &format!("secret-{n}"))).collect();
    let quiet = object("quiet", "secret");
    let mut crowd = join_all(crowd.iter().map(|mp| reads.credential(mp)));
    assert!((&mut crowd).now_or_never().is_none());
    let mut quiet = Box::pin(reads.credential(&quiet));
    assert!((&mut quiet).now_or_never().is_none());
    for _ in 0..100 {
        assert!((&mut crowd).now_or_never().is_none() && (&mut quiet).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let expected = BTreeMap::from([("crowded".to_owned(), room::SHARE), ("quiet".to_owned(), 1)]);
    assert_eq!(server.by_namespace(), expected, "the others wait");
    server.answer(51);
    let (crowd, quiet) = futures::join!(crowd, quiet);
    assert!(crowd.into_iter().chain([quiet]).all(|read| value(read).is_some()));
    assert_eq!(server.reads(), 51);
}

#[tokio::test(start_paused = true)]
async fn reads_that_are_not_answered_hold_no_pass_for_long() {
    let (server, reads) = Server::start();
    let objects: Vec<_> = (0..50).map(|n| object("team-a", &format!("secret-{n}"))).collect();
    let began = tokio::time::Instant::now();
    let answers = join_all(objects.iter().map(|mp| reads.credential(mp))).await;
    let (given_up, unreadable): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_err);
    assert!(
        !given_up.is_empty()
            && given_up.iter().all(|answer| matches!(answer, Err(ApiError::NoRoom)))
    );
    assert!(unreadable.iter().all(|answer| matches!(answer, Ok(CredentialRead::Unreadable))));
    assert!(began.elapsed().as_secs() <= 30, "{:?}", began.elapsed());
    assert!(server.reads() < 50);
}

#[test]
fn data_that_are_not_what_the_annotations_say_are_not_intact() {
    const JSON: &str = r#"{"access_token":"76_token","accessToken":"76_token","expires_at":"2026-05-01T12:00:00Z","expires_at_unix":1777636800,"expireTime":1777636800000,"app_id":"wx1"}"#;
    let token = AccessToken::parse("76_token").expect("plausible");
    let intact = |key: &str, value: &str| {
        let mut data = BTreeMap::from([
            ("access_token", "76_token"),
            ("expires_at", "2026-05-01T12:00:00Z"),
            ("expires_at_unix", "1777636800"),
            ("app_id", "wx1"),
            ("token.json", JSON),
            ("of-others", "stays"),
        ]);
        data.insert(key, value);
        let secret = Secret {
            data: Some(
                data.into_iter()
                    .map(|(key, value)| (key.to_owned(), ByteString(value.into())))
                    .collect(),
            ),
            ..Secret::default()
        };
        let time = |text: &str| text.parse().expect("a time");
        let facts = TokenFacts {
            fingerprint: token.fingerprint(),
            issued: time("2026-05-01T10:00:00Z"),
            expires: time("2026-05-01T12:00:00Z"),
        };
        is_intact(&secret, &facts, "wx1", &TargetKeys::default(), Some("token.json"))
    };
    assert!(intact("of-others", "changes"));
    let others = [
        ("access_token", "76_other"),
        ("access_token", ""),
        ("expires_at", "2099-01-01T00:00:00Z"),
        ("expires_at_unix", "1777636801"),
        ("app_id", "wx2"),
        ("token.json", "{}"),
    ];
    for (key, value) in others {
        assert!(!intact(key, value), "{key} {value}");
    }
}
