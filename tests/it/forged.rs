//! Targets that somebody else applies under the operator's own name, whole: a manager's name is
//! free to all, and only an object's status says what its calls brought.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use miniprogram_operator::{
    api::{
        ConditionType::{CredentialValid, Ready, TargetSynced, TokenFresh},
        names,
    },
    sensitive::{AccessToken, AppSecret},
};
use serde_json::json;

use crate::harness::{Mini, Stage, says, value, wait};

const POISON: &str = "a-token-of-somebody-else";

/// Applies a target as the operator does.
async fn apply(stage: &Stage, mut secret: Secret) {
    secret.metadata.managed_fields = None;
    secret.metadata.resource_version = None;
    let params = PatchParams::apply(names::FIELD_MANAGER).force();
    stage
        .api::<Secret>()
        .patch(&secret.name_any(), &params, &Patch::Apply(&secret))
        .await
        .expect("applied");
}

/// The object's target with another token, and annotations and digest that fit it.
async fn forged(mini: &Mini<'_>, app_secret: &str) -> Secret {
    let mut secret = mini.target().await;
    let token = AccessToken::parse(POISON).expect("plausible");
    let digest = AppSecret::parse(app_secret.as_bytes()).expect("plausible").digest("a-salt");
    let annotations = secret.annotations_mut();
    annotations.insert(names::FINGERPRINT.into(), token.fingerprint());
    annotations.insert(names::ISSUED_FOR.into(), "0123456789abcdef0123456789abcdef".into());
    annotations.insert(names::CREDENTIAL_SALT.into(), "a-salt".into());
    annotations.insert(names::CREDENTIAL_DIGEST.into(), digest);
    secret.data.get_or_insert_default().insert("access_token".into(), ByteString(POISON.into()));
    secret
}

async fn until_not_poisoned(mini: &Mini<'_>) {
    wait::eventually("the token is the platform's", 15, async || {
        let held = mini.token().await;
        wait::check(held != POISON, || held.clone())
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_applied_under_the_operators_name_is_replaced_by_one_call() {
    let stage = Stage::new("forged").await;
    let operator = stage.operator().start().await;
    for mode in ["Stable", "Legacy"] {
        let shop = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await;
        operator.until_calm().await;
        let before = shop.token().await;
        apply(&stage, forged(&shop, &format!("secret-of-{}", shop.app_id)).await).await;
        until_not_poisoned(&shop).await;
        shop.until_event("SecretDriftCorrected").await;
        operator.until_calm().await;
        shop.was_asked(2);
        assert_eq!(mode == "Stable", shop.token().await == before, "{mode}");
        let token = shop.get().await.status.and_then(|status| status.token).expect("a token");
        let held = AccessToken::parse(&shop.token().await).expect("a token").fingerprint();
        assert_eq!(token.fingerprint, held, "{mode}");
    }
}

#[tokio::test]
async fn another_token_below_the_same_annotations_is_replaced_and_a_false_expiry_put_right() {
    let stage = Stage::new("forged").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    operator.until_calm().await;
    let before = shop.target().await;
    let with = |key: &str, text: &str| {
        let mut secret = before.clone();
        secret.data.get_or_insert_default().insert(key.into(), ByteString(text.into()));
        secret
    };
    apply(&stage, with("expires_at", "2099-01-01T00:00:00Z")).await;
    wait::eventually("the expiry is put right", 15, async || {
        let data = shop.target().await.data;
        wait::check(data == before.data, || format!("{data:?}"))
    })
    .await;
    shop.was_asked(1);
    apply(&stage, with("access_token", POISON)).await;
    until_not_poisoned(&shop).await;
    assert_eq!(Some(shop.token().await), value(&before, "access_token"));
    shop.was_asked(2);
}

#[tokio::test]
async fn who_forges_a_target_neither_takes_an_app_nor_holds_it_up() {
    let stage = Stage::new("forged").await;
    let operator = stage.operator().start().await;
    let thief = stage.app("thief").legacy().with_secret("guessed").create().await;
    thief.until_says(Ready, "False/CredentialRejected").await;
    let owner = stage.app("owner").of_app(&thief.app_id).legacy().ready().await;
    operator.until_calm().await;
    let asked = owner.counts().calls;
    let token = owner.token().await;

    // The thief's own target, as if a call with the guessed secret had brought its token.
    let mut secret = forged(&owner, "guessed").await;
    let uid = thief.get().await.metadata.uid;
    secret.metadata.name = Some(thief.target_name());
    secret.metadata.uid = None;
    secret.labels_mut().insert(names::NAME.into(), thief.name.clone());
    for owner in secret.owner_references_mut() {
        (owner.name, owner.uid) = (thief.name.clone(), uid.clone().expect("a uid"));
    }
    apply(&stage, secret).await;
    operator.until_calm().await;
    assert!(!says(&thief.get().await, CredentialValid).starts_with("True"));
    assert!(!says(&thief.get().await, Ready).starts_with("True"));
    assert_eq!(says(&owner.get().await, Ready), "True/TokenAvailable");
    assert_eq!((owner.counts().calls, owner.token().await), (asked, token));
}

#[tokio::test]
async fn nobody_waits_for_an_older_object_whose_target_is_anothers() {
    let stage = Stage::new("forged").await;
    let _operator = stage.operator().start().await;
    stage.put_secret("taken", "password", "theirs").await;
    let elder = stage
        .app("elder")
        .legacy()
        .with_secret("guessed")
        .spec(json!({ "target": { "name": "taken" } }))
        .create()
        .await;
    elder.until_says(TargetSynced, "False/Conflict").await;
    let owner = stage.app("owner").of_app(&elder.app_id).legacy().ready().await;
    owner.was_asked(1);
}

#[tokio::test]
async fn a_wrong_app_secret_gets_no_retained_token_and_no_copy_of_it() {
    let stage = Stage::new("forged").await;
    let operator = stage.operator().start().await;
    let retain = |name: &str| json!({ "target": { "deletionPolicy": "Retain", "name": name } });
    let kept = stage.app("kept").legacy().spec(retain("kept-token")).ready().await;
    let token = kept.token().await;
    kept.delete().await;
    let thief = stage
        .app("kept")
        .of_app(&kept.app_id)
        .legacy()
        .with_secret("guessed")
        .spec(retain("kept-token"))
        .create()
        .await;
    thief.until_says(Ready, "False/CredentialRejected").await;
    thief.patch(json!({ "spec": { "target": { "name": "copy" } } })).await;
    operator.until_calm().await;
    assert!(stage.secret("copy").await.is_none());
    let before = stage.secret("kept-token").await.expect("it was retained");
    assert_eq!(value(&before, "access_token").as_ref(), Some(&token));
}

#[tokio::test]
async fn a_report_that_a_limit_holds_back_is_told_with_its_time() {
    let stage = Stage::new("forged").await;
    let _operator = stage.operator().start().await;
    let shop = stage.app("shop").legacy().ready().await;
    let report = async |shop: &Mini<'_>| {
        let held = AccessToken::parse(&shop.token().await).expect("a token");
        shop.annotate("miniprogram.dev/invalid-token", &held.fingerprint()).await;
    };
    report(&shop).await;
    let seen = shop.until_says(TokenFresh, "False/ReportedInvalid").await;
    let next = seen
        .status
        .and_then(|status| status.token)
        .and_then(|token| token.next_refresh_time)
        .expect("a time");
    let issued =
        shop.get().await.status.and_then(|status| status.token).expect("a token").issue_time;
    let apart = next.0.duration_since(issued.0).as_secs();
    assert!((1..=310).contains(&apart), "{apart} s after the token was issued");
}
