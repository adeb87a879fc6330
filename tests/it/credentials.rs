//! The credential: what is said of one that cannot be used, that none of those is ever sent, and
//! that a new one is used at once.

use k8s_openapi::api::core::v1::Secret;
use miniprogram_operator::api::ConditionType::{CredentialValid, Ready};
use serde_json::json;

use crate::harness::{
    Stage, message, says,
    wait::{check, eventually},
};

#[tokio::test]
async fn what_cannot_be_used_is_told_and_never_sent_and_works_once_it_is_right() {
    let stage = Stage::new("credentials").await;
    let operator = stage.operator().start().await;
    let table = [
        // what stands under the key, the reason, what the message says beside the Secret's name
        ("none", None, "SecretNotFound", "does not exist"),
        ("empty", Some(("appSecret", String::new())), "ValueEmpty", "is empty"),
        ("blank", Some(("appSecret", " \n\t ".into())), "ValueEmpty", "is empty"),
        ("other", Some(("another-key", "right".into())), "KeyMissing", "has no key appSecret"),
        ("long", Some(("appSecret", "x".repeat(129))), "ValueInvalid", "longer than 128 bytes"),
        ("odd", Some(("appSecret", "sécret".into())), "ValueInvalid", "not printable ASCII"),
    ];
    let mut minis = vec![];
    for (name, value, ..) in &table {
        let draft = stage.app(name).whose_platform_knows("right").without_credential();
        if let Some((key, value)) = value {
            stage.put_secret(&format!("{name}-credential"), key, value).await;
        }
        minis.push(draft.create().await);
    }
    for (mini, (name, _, reason, text)) in minis.iter().zip(&table) {
        let seen = mini.until_says(CredentialValid, &format!("False/{reason}")).await;
        assert_eq!(says(&seen, Ready), format!("False/{reason}"));
        let said = message(&seen, Ready);
        assert!(said.contains(text) && said.contains(&format!("{name}-credential")), "{said}");
        assert!(!said.contains("another-key"), "{said}");
        mini.was_asked(0);
    }
    let log = operator.log();
    for (_, _, reason, _) in &table {
        let line = format!(r#""condition":"CredentialValid","reason":"{reason}""#);
        assert!(log.contains(&line), "no {line} in {log}");
    }
    for mini in &minis {
        stage.put_secret(&format!("{}-credential", mini.name), "appSecret", "right").await;
    }
    for mini in &minis {
        mini.until_ready().await;
        mini.was_asked(1);
    }
}

#[tokio::test]
async fn white_space_around_a_credential_is_not_sent() {
    let stage = Stage::new("credentials").await;
    let _operator = stage.operator().start().await;
    let shop =
        stage.app("shop").whose_platform_knows("right").with_secret(" right\r\n").ready().await;
    shop.was_asked(1);
}

#[tokio::test]
async fn a_rejected_credential_stops_all_calls_and_another_one_is_tried_at_once() {
    let stage = Stage::new("credentials").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let good = shop.target().await;

    stage.put_secret("shop-credential", "appSecret", "wrong").await;
    let mini = shop.until_says(CredentialValid, "False/CredentialRejected").await;
    // The token in the Secret is as good as before.
    assert_eq!(says(&mini, Ready), "True/TokenAvailable");
    assert_eq!(shop.target().await, good);
    let status = mini.status.expect("a status");
    let failure = status.last_failure.expect("a failure");
    assert_eq!(
        (failure.reason.as_str(), failure.platform_code.as_deref()),
        ("CredentialRejected", Some("40125"))
    );
    // Until a person acts, only the token's own time leads to a call.
    let refresh = status.token.and_then(|token| token.next_refresh_time).expect("a time");
    let apart = failure.next_attempt_time.0.duration_since(refresh.0).as_secs();
    assert!((-2..=2).contains(&apart), "{apart}");
    shop.was_asked(2);

    let operator = operator.restart().await;
    shop.annotate("example.com/edited", "yes").await;
    shop.patch(json!({ "metadata": { "labels": { "example.com/edited": "yes" } } })).await;
    operator.until_calm().await;
    shop.was_asked(2);

    stage.simulator.set_secret(&shop.app_id, "reset");
    stage.put_secret("shop-credential", "appSecret", "reset").await;
    let mini = shop.until_says(CredentialValid, "True/Accepted").await;
    shop.was_asked(3);
    let said = message(&mini, CredentialValid);
    let since = said.split("which was changed, since ").nth(1).expect("a time");
    since.parse::<k8s_openapi::jiff::Timestamp>().expect("a time");
    shop.until_event("CredentialAccepted").await;
}

#[tokio::test]
async fn an_edit_of_a_credentials_metadata_costs_one_read_and_neither_call_nor_write() {
    let stage = Stage::new("credentials").await;
    let operator = stage.operator().start().await;
    for mode in ["Stable", "Legacy"] {
        let shop = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await;
        let credential = format!("{}-credential", shop.name);
        operator.until_calm().await;
        let ledger = stage.ledger();
        let _: Secret = stage
            .patch(&credential, json!({ "metadata": { "labels": { "edited": "yes" } } }))
            .await;
        eventually("the credential's new version was read", 5, async || {
            let reads = ledger.reads().await;
            check(reads.iter().any(|read| read.contains(&credential)), || format!("{reads:?}"))
        })
        .await;
        operator.until_calm().await;
        shop.was_asked(1);
        let (reads, writes) = (ledger.reads().await, ledger.writes().await);
        assert!(reads.len() == 1 && writes.is_empty(), "{reads:?} {writes:?}");
    }
}
