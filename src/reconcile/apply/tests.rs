//! What is written, and what follows a refused write, with an API server that gives fixed answers.

use k8s_openapi::{api::core::v1::Secret, jiff::Timestamp};
use serde_json::{Value, json};

use super::{
    Resolution, forget, preflight, resolve,
    secret::tests::{managed, mini_program, written},
};
use crate::{
    api::names,
    projection::Projection,
    reconcile::{
        api_error::ApiError,
        call::{Call, Wanted, Why},
        memory::{Precondition, UnstoredFacts},
        reads::Reads,
        tests::{ECHO, api_server, no},
    },
    template::Template,
};

const TARGET: &str = "/api/v1/namespaces/team-a/secrets/shop-token";
const SECRETS: &str = "/api/v1/namespaces/team-a/secrets";

/// A token that `call-2` returned, for a target that holds the token of `call-1`.
fn unstored(mints: bool) -> UnstoredFacts {
    let wanted = Wanted { why: Why::Time, force: false, mints };
    let written = Projection::of(&target("call-2").metadata);
    UnstoredFacts {
        name: "shop-token".into(),
        call: Call { id: "call-2".into(), ..Call::for_test(wanted) },
        token: written.token.expect("a token"),
        asked_at: Timestamp::UNIX_EPOCH,
        sent: written.sent,
        unconfirmed: false,
        precondition: precondition("20", "call-1"),
        refused: None,
    }
}

fn precondition(version: &str, issued_for: &str) -> Precondition {
    let issued_for = Some(issued_for.to_owned());
    Precondition::Is { uid: "target-uid".into(), version: version.into(), issued_for }
}

/// The target, stamped with this call.
fn target(issued_for: &str) -> Secret {
    let mut secret = managed(written(&json!({}), &precondition("21", ""), false));
    let annotations = secret.metadata.annotations.get_or_insert_default();
    annotations.insert(names::ISSUED_FOR.into(), issued_for.into());
    secret
}

fn listed(secrets: &[Secret]) -> (u16, Value) {
    (200, json!({ "apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": secrets }))
}

/// The object, with the intent of this call.
fn object(intent: &str) -> (u16, Value) {
    let mut object = json!(mini_program(&json!({})));
    let intent = json!({ "id": intent, "time": "2026-05-01T10:00:00Z" });
    object["status"] = json!({ "intent": intent });
    (200, object)
}

type Answers = fn(&str, &str) -> (u16, Value);

/// A word for what follows a refused write, and the precondition of the next write.
async fn outcome(answer: Answers, mints: bool) -> (&'static str, Option<Precondition>) {
    let (client, _) = api_server(answer);
    let resolved = resolve(
        &client,
        &Reads::new(client.clone()),
        &mini_program(&json!({})),
        "shop-token",
        &unstored(mints),
    )
    .await;
    match resolved.expect("the API server answers") {
        Resolution::AlreadyWritten(_) => ("done", None),
        Resolution::Retry(precondition) => ("again", Some(precondition)),
        Resolution::Superseded => ("lost", None),
    }
}

#[tokio::test]
async fn a_write_that_was_refused_is_repeated_unless_another_call_came_first() {
    let again = |precondition| ("again", Some(precondition));
    let cases: [(&str, Answers, _); 7] = [
        (
            "it was written, and the answer lost",
            |_, path| if path == SECRETS { listed(&[target("call-2")]) } else { object("call-2") },
            ("done", None),
        ),
        (
            "somebody labelled it",
            |_, path| if path == SECRETS { listed(&[target("call-1")]) } else { object("call-2") },
            again(precondition("21", "call-1")),
        ),
        (
            "somebody has stored the token of another call",
            |_, path| if path == SECRETS { listed(&[target("call-9")]) } else { object("call-2") },
            ("lost", None),
        ),
        (
            "somebody deleted it",
            |_, path| match path {
                SECRETS => listed(&[]),
                TARGET => no(404),
                _ => object("call-2"),
            },
            again(Precondition::Absent),
        ),
        (
            "the name is another's now",
            |_, path| match path {
                SECRETS => listed(&[]),
                TARGET => (200, json!({ "metadata": { "name": "shop-token" } })),
                _ => object("call-2"),
            },
            ("lost", None),
        ),
        (
            "somebody has begun another call",
            |_, path| if path == SECRETS { listed(&[target("call-1")]) } else { object("call-9") },
            ("lost", None),
        ),
        (
            "the object is gone before anybody could see that it was",
            |_, path| if path == SECRETS { listed(&[target("call-1")]) } else { no(404) },
            ("lost", None),
        ),
    ];
    for (what, answers, expected) in cases {
        assert_eq!(outcome(answers, true).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_token_that_ends_no_other_is_stored_whatever_else_was_begun() {
    let started = |_: &str, path: &str| {
        if path == SECRETS { listed(&[target("call-1")]) } else { object("call-9") }
    };
    assert_eq!(outcome(started, false).await, ("again", Some(precondition("21", "call-1"))));
}

#[tokio::test]
async fn an_edit_of_what_was_just_written_is_written_over() {
    let edited = |_: &str, path: &str| {
        let mut target = target("call-2");
        target.metadata.managed_fields = None;
        if path == SECRETS { listed(&[target]) } else { object("call-2") }
    };
    assert_eq!(outcome(edited, true).await, ("again", Some(precondition("21", "call-2"))));
}

#[tokio::test]
async fn an_object_on_its_way_out_gets_no_token() {
    let deleted = |_: &str, path: &str| {
        let (code, mut object) = object("call-2");
        object["metadata"]["deletionTimestamp"] = json!("2026-05-01T10:00:00Z");
        if path == SECRETS { listed(&[target("call-1")]) } else { (code, object) }
    };
    assert_eq!(outcome(deleted, true).await, ("lost", None));
}

#[tokio::test]
async fn only_the_very_secret_that_was_seen_is_deleted() {
    let old = Projection::of(&target("call-1").metadata);
    let mp = mini_program(&json!({}));
    let (client, requests) = api_server(|_, _| (200, json!({ "status": "Success" })));
    forget(&client, &mp, &old).await.expect("it was deleted");
    let (method, path, body) = requests.lock().unwrap()[0].clone();
    assert_eq!((method.as_str(), path.split('?').next()), ("DELETE", Some(TARGET)));
    assert_eq!(body["preconditions"], json!({ "uid": "target-uid", "resourceVersion": "21" }));
    forget(&api_server(|_, _| no(404)).0, &mp, &old).await.expect("it is gone already");
    let refused = forget(&api_server(|_, _| no(409)).0, &mp, &old).await;
    assert!(matches!(refused, Err(ApiError::Conflict)), "it is another one");
}

#[tokio::test]
async fn before_a_call_the_creation_of_its_target_is_tried_without_being_done() {
    let mp = mini_program(&json!({}));
    let (client, requests) = api_server(|method, path| match (method, path) {
        ("PATCH", _) => (200, ECHO),
        _ => object("call-2"),
    });
    preflight(
        &client,
        &mp,
        "shop-token",
        &precondition("21", "call-1"),
        &Template::default(),
        false,
    )
    .await
    .expect("it exists");
    assert!(requests.lock().unwrap().is_empty(), "it was read just now");
    preflight(&client, &mp, "shop-token", &Precondition::Absent, &Template::default(), true)
        .await
        .expect("it can be created");
    let sent = requests.lock().unwrap().clone();
    let [(method, target, body)] = &sent[..] else { panic!("one request, and no read") };
    assert!(method == "PATCH" && target.contains("dryRun=All"), "{method} {target}");
    assert_eq!(body["metadata"]["resourceVersion"], "1", "it may only be created");
    let (client, _) = api_server(|_, _| no(409));
    let taken =
        preflight(&client, &mp, "shop-token", &Precondition::Absent, &Template::default(), true)
            .await;
    assert!(matches!(taken, Err(ApiError::Conflict)), "the watch does not show it yet");
}

#[tokio::test]
async fn a_write_whose_answer_is_altered_is_refused_and_tried_before_the_next_call() {
    let mp = mini_program(&json!({}));
    let altered = |method: &str, _: &str| match method {
        "PATCH" => (200, json!(written(&json!({}), &precondition("21", "call-1"), true))),
        _ => object("call-2"),
    };
    let (client, requests) = api_server(altered);
    let refused = preflight(
        &client,
        &mp,
        "shop-token",
        &precondition("21", "call-1"),
        &Template::default(),
        true,
    )
    .await;
    assert!(
        matches!(refused, Err(ApiError::Altered(_))),
        "the last write was refused, so that this one is tried"
    );
    let (_, target, _) = requests.lock().unwrap()[0].clone();
    assert!(target.contains("dryRun=All"), "{target}");
}

#[tokio::test]
async fn what_was_written_and_altered_is_not_done() {
    let altered = |_: &str, path: &str| {
        let mut target = target("call-2");
        drop(target.metadata.annotations.get_or_insert_default().remove(names::FINGERPRINT));
        // The status reports the stored token, and its intent is gone.
        if path == SECRETS { listed(&[target]) } else { (200, json!(mini_program(&json!({})))) }
    };
    assert_eq!(outcome(altered, true).await, ("again", Some(precondition("21", "call-2"))));
}
