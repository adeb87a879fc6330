//! What others do to the target: deletions, edits, strips. It is put right, with no call where that
//! can be, and never in a loop.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::harness::{
    Mini, Stage, value,
    wait::{check, eventually, pass},
};

#[tokio::test]
async fn a_deleted_secret_is_back_with_the_same_token_for_one_call_in_stable_mode() {
    let stage = Stage::new("drift").await;
    let _operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let before = shop.token().await;
    stage.delete_secret(&shop.target_name()).await;
    assert_eq!(until_there(&shop, 3).await, before);
    shop.was_asked(2);
}

#[tokio::test]
async fn deletions_in_legacy_mode_cost_a_token_each_and_back_off() {
    let stage = Stage::new("drift").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").legacy().ready().await;
    let first = shop.token().await;
    stage.delete_secret(&shop.target_name()).await;
    assert_ne!(until_there(&shop, 3).await, first);
    shop.was_asked(2);

    stage.delete_secret(&shop.target_name()).await;
    operator.until_calm().await;
    shop.was_asked(2);
    until_there(&shop, 20).await;
    shop.was_asked(3);
    let calls = shop.calls();
    assert!(calls[2].arrived_ms - calls[1].arrived_ms >= 13_000, "{calls:?}");
}

#[tokio::test]
async fn what_was_stripped_or_edited_beside_the_token_is_put_right_without_a_call() {
    let stage = Stage::new("drift").await;
    let operator = stage.operator().start().await;
    let edits = [
        ("label", json!({ "metadata": { "labels": { "miniprogram.dev/name": null } } })),
        (
            "relabel",
            json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": "somebody" } } }),
        ),
        ("owner", json!({ "metadata": { "ownerReferences": null } })),
        (
            "annotation",
            json!({ "metadata": { "annotations": { "miniprogram.dev/fingerprint": null } } }),
        ),
        ("template", json!({ "metadata": { "labels": { "team": "b" } } })),
        (
            "time",
            json!({ "metadata": { "annotations": { "miniprogram.dev/expiration-time": "2030-01-01T00:00:00Z" } } }),
        ),
    ];
    for mode in ["Stable", "Legacy"] {
        for (name, edit) in &edits {
            let shop = stage
                .app(&format!("{name}-{}", mode.to_lowercase()))
                .spec(json!({ "tokenMode": mode }));
            let shop =
                shop.spec(json!({ "target": { "template": { "metadata": { "labels": { "team": "a" } } } } })).ready().await;
            let before = shop.target().await;
            let _: Secret = stage
                .patch(
                    &shop.target_name(),
                    json!({ "metadata": { "labels": { "theirs": "stays" } } }),
                )
                .await;
            operator.until_calm().await;
            let ledger = stage.ledger();
            let _: Secret = stage.patch(&shop.target_name(), edit.clone()).await;
            shop.until_event("SecretDriftCorrected").await;
            let after = shop.target().await;
            assert_eq!(after.data, before.data, "{name}");
            assert_eq!(after.annotations(), before.annotations(), "{name}");
            assert_eq!(after.owner_references(), before.owner_references(), "{name}");
            assert_eq!(after.labels().get("theirs").map(String::as_str), Some("stays"), "{name}");
            assert_eq!(after.labels().get("team").map(String::as_str), Some("a"), "{name}");
            operator.until_calm().await;
            assert_eq!(
                ledger.writes().await,
                [format!("patch secrets {} 200", shop.target_name())],
                "{name} in {mode} mode"
            );
            shop.was_asked(1);
        }
    }
}

#[tokio::test]
async fn a_backup_that_brings_our_owner_back_does_not_take_a_retained_secret_with_its_object() {
    let stage = Stage::new("drift").await;
    let operator = stage.operator().start().await;
    let shop =
        stage.app("kept").spec(json!({ "target": { "deletionPolicy": "Retain" } })).ready().await;
    let before = shop.target().await;
    let theirs = stage.app("theirs").ready().await;
    let owner = async |mini: &Mini<'_>, controller: bool| {
        let uid = mini.get().await.metadata.uid;
        json!({ "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram", "name": mini.name, "uid": uid,
                "controller": controller })
    };
    let owners = [owner(&shop, true).await, owner(&theirs, false).await];
    operator.until_calm().await;
    let ledger = stage.ledger();
    let _: Secret = stage
        .patch(&shop.target_name(), json!({ "metadata": { "ownerReferences": owners } }))
        .await;
    shop.until_event("SecretDriftCorrected").await;
    operator.until_calm().await;
    let after = shop.target().await;
    assert_eq!(after.data, before.data);
    let owners: Vec<_> = after.owner_references().iter().map(|owner| owner.name.as_str()).collect();
    assert_eq!(owners, ["theirs"], "others' owners stay");
    assert_eq!(ledger.writes().await, vec![format!("patch secrets {} 200", shop.target_name()); 2]);
    shop.was_asked(1);
}

#[tokio::test]
async fn an_edited_token_is_replaced_by_the_platforms_in_stable_mode() {
    let stage = Stage::new("drift").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let before = shop.token().await;
    let edit = |token: &str| json!({ "stringData": { "access_token": token } });
    let _: Secret = stage.patch(&shop.target_name(), edit("a-token-of-somebody")).await;
    until_holds(&shop, &before, 3).await;
    operator.until_calm().await;
    shop.was_asked(2);

    // While nobody watches, a backup brings an old token with annotations that match it.
    let mut operator = operator;
    operator.kill();
    let old = json!({
        "metadata": { "annotations": { "miniprogram.dev/fingerprint": "sha256:0123456789ab" } },
        "stringData": { "access_token": "an-old-token" },
    });
    let _: Secret = stage.patch(&shop.target_name(), old).await;
    let operator = operator.again().await;
    until_holds(&shop, &before, 3).await;
    operator.until_calm().await;
    shop.was_asked(3);
}

#[tokio::test]
async fn another_controller_that_keeps_changing_the_target_is_corrected_once_in_ten_seconds() {
    let stage = Stage::new("drift").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    operator.until_calm().await;
    let ledger = stage.ledger();
    let began = tokio::time::Instant::now();
    for _ in 0..150 {
        let _: Secret = stage
            .patch(
                &shop.target_name(),
                json!({ "metadata": { "labels": { "miniprogram.dev/name": null } } }),
            )
            .await;
        pass(Duration::from_millis(100)).await;
    }
    let writes = ledger.writes().await;
    let corrections = writes.iter().filter(|write| write.starts_with("patch secrets")).count();
    // On a busy machine the edits take longer than their pauses.
    let most = usize::try_from(began.elapsed().as_secs() / 10 + 3).expect("a few");
    assert!((1..=most).contains(&corrections), "{corrections} of {most}: {writes:?}");
    shop.was_asked(1);
}

#[tokio::test]
async fn edits_in_the_middle_of_calls_cost_no_mint() {
    let stage = Stage::new("drift").await;
    let _operator = stage.operator().start().await;
    let shops = futures::future::join_all(
        ["a", "b", "c"].map(|name| stage.app(name).legacy().short_lived(6_000, 4_000).ready()),
    )
    .await;
    let mut edits = 0_u32;
    while shops.iter().any(|shop| shop.counts().minted < 8) {
        for shop in &shops {
            edits += 1;
            let edit = |value: Value| json!({ "metadata": { "labels": { "edit": value } } });
            let _: Secret = stage.patch(&shop.target_name(), edit(json!(edits.to_string()))).await;
            shop.annotate("example.com/edit", &edits.to_string()).await;
        }
        assert!(edits < 30_000, "the tokens do not rotate any more");
    }
    for shop in &shops {
        shop.until_token_lives(2).await;
        // Half of a life apart, less what is lost to rounding: a mint that an edit had cost would
        // show as a pair.
        let at: Vec<_> = shop.calls().iter().map(|call| call.arrived_ms).collect();
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= 1_900), "{at:?}");
    }
}

async fn until_there(shop: &Mini<'_>, seconds: u64) -> String {
    eventually("the Secret is there", seconds, async || {
        let secret = shop.stage.secret(&shop.target_name()).await.ok_or("no Secret")?;
        value(&secret, "access_token").ok_or("no token".into())
    })
    .await
}

async fn until_holds(shop: &Mini<'_>, token: &str, seconds: u64) {
    eventually("the Secret holds the token", seconds, async || {
        let holds = shop.token().await;
        check(holds == token, || "another one".into())
    })
    .await;
}
