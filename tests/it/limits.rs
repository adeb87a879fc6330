//! The limits of Kubernetes: whatever fits into the API server is either used, or refused with a
//! reason that says what to do.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use miniprogram_operator::api::{
    ConditionType::{CredentialValid, Ready, TargetSynced, TokenFresh},
    MiniProgram,
};
use platform_simulator::{Settings, Simulator, model::AppSettings};
use serde_json::{Value, json};

use crate::harness::{Stage, message, says, wait::check, wait::eventually};

/// What a Secret's values may come to, all together.
const LARGEST_SECRET: usize = 1 << 20;
/// What an object's annotations may come to, keys and values.
const LARGEST_ANNOTATIONS: usize = 256 << 10;

fn base64(bytes: &[u8]) -> Value {
    json!(ByteString(bytes.to_vec()))
}

/// A Secret with bytes as they are.
async fn store(stage: &Stage, name: &str, data: &BTreeMap<&str, Vec<u8>>) {
    let data: BTreeMap<_, _> = data.iter().map(|(key, value)| (key, base64(value))).collect();
    let _: Secret =
        stage.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "data": data })).await;
}

#[tokio::test]
async fn bytes_that_are_no_app_secret_are_refused_and_never_sent_however_many() {
    let stage = Stage::new("limits").await;
    let operator = stage.operator().start().await;
    let table = [
        ("newline", b"ri\nght".to_vec()),
        ("nul", b"right\0".to_vec()),
        ("not-utf8", b"\xff\xfer\0i\0".to_vec()),
        ("bom", b"\xef\xbb\xbfright".to_vec()),
        ("megabyte", vec![b'x'; LARGEST_SECRET]),
    ];
    let mut minis = vec![];
    for (name, value) in table {
        store(&stage, &format!("{name}-credential"), &BTreeMap::from([("appSecret", value)])).await;
        minis.push(
            stage.app(name).whose_platform_knows("right").without_credential().create().await,
        );
    }
    for mini in &minis {
        let seen = mini.until_says(CredentialValid, "False/ValueInvalid").await;
        assert_eq!(says(&seen, Ready), "False/ValueInvalid");
        assert!(
            message(&seen, Ready).contains("Store the app secret alone, as text"),
            "{}",
            message(&seen, Ready)
        );
    }
    operator.until_calm().await;
    for mini in &minis {
        mini.was_asked(0);
        stage.delete_secret(&format!("{}-credential", mini.name)).await;
        stage.put_secret(&format!("{}-credential", mini.name), "appSecret", "right").await;
        mini.until_ready().await;
    }
}

#[tokio::test]
async fn a_credential_beside_a_megabyte_of_other_keys_is_used() {
    let stage = Stage::new("limits").await;
    let _operator = stage.operator().start().await;
    let app_secret = b"right".to_vec();
    let rest = vec![b'x'; LARGEST_SECRET - app_secret.len()];
    store(&stage, "shop-credential", &BTreeMap::from([("appSecret", app_secret), ("rest", rest)]))
        .await;
    let shop = stage.app("shop").whose_platform_knows("right").without_credential().ready().await;
    shop.was_asked(1);
}

#[tokio::test]
async fn objects_full_of_labels_and_annotations_are_served_like_others() {
    let stage = Stage::new("limits").await;
    let operator = stage.operator().start().await;
    let labels: BTreeMap<_, _> = (0..10_000).map(|n| (format!("l{n}"), "v")).collect();
    let mut draft = stage.app("shop");
    for (key, value) in &labels {
        draft = draft.label(key, value);
    }
    let shop = draft.ready().await;
    let _: Secret =
        stage.patch("shop-credential", json!({ "metadata": { "labels": labels } })).await;
    // The last two of our own are as long as still fits, and say nothing that we know.
    let [request, report] = ["miniprogram.dev/refresh-requested", "miniprogram.dev/invalid-token"];
    let half = "x".repeat(LARGEST_ANNOTATIONS / 2 - request.len());
    let _: MiniProgram =
        stage.patch("shop", json!({ "metadata": { "annotations": { request: half, report: half[..half.len() - 64] } } })).await;
    shop.until_event("InvalidTokenMalformed").await;
    shop.until("the request is handled", 35, |mini| {
        let handled =
            mini.status.as_ref().and_then(|status| status.handled_refresh_request.as_deref());
        handled.is_some_and(|handled| handled.starts_with("sha256:"))
    })
    .await;
    operator.until_calm().await;
    assert_eq!(says(&shop.get().await, Ready), "True/TokenAvailable");
    shop.was_asked(2);
}

#[tokio::test]
async fn a_target_that_others_have_filled_keeps_its_token_until_there_is_room_for_the_next() {
    let stage = Stage::new("limits").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let before = shop.target().await;
    let ours: usize = before.data.iter().flatten().map(|(_, value)| value.0.len()).sum();
    let filler = base64(&vec![b'x'; LARGEST_SECRET - ours]);
    let full: Secret =
        stage.patch(&shop.target_name(), json!({ "data": { "filler": filler } })).await;
    operator.until_calm().await;
    drop(operator);

    // A platform whose tokens are longer than those before.
    let longer = Simulator::start(Settings { token_length: 500, ..Settings::default() })
        .await
        .expect("a simulator");
    longer.set_app(&shop.app_id, &AppSettings::with_secret("second"));
    stage.put_secret("shop-credential", "appSecret", "second").await;
    let operator = stage
        .operator()
        .flag("--platform-endpoint", &format!("WeChat={}", longer.url()))
        .start()
        .await;
    let seen = shop.until_says_within(TargetSynced, "False/WriteFailed", 10).await;
    assert_eq!(says(&seen, Ready), "True/TokenAvailable");
    assert!(message(&seen, TargetSynced).contains("Too long"), "{}", message(&seen, TargetSynced));
    assert!(operator.log().contains("Too long"), "the log does not say what the API server said");
    assert_eq!(shop.target().await.data, full.data, "the old token is gone");
    operator.until_calm().await;
    assert_eq!(longer.counts(&shop.app_id).calls, 1, "a token in hand is not fetched again");

    let _: Secret = stage.patch(&shop.target_name(), json!({ "data": { "filler": null } })).await;
    eventually("the token in hand is stored", 70, async || {
        let token = shop.token().await;
        check(token.len() == 500, || format!("a token of {} bytes", token.len()))
    })
    .await;
    shop.until_says(TokenFresh, "True/Fresh").await;
    assert_eq!(longer.counts(&shop.app_id).calls, 1);
}
