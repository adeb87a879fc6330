//! A new target name, other keys, another template, another deletion policy: the token moves, and
//! the platform is not asked.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{Api, ResourceExt, api::DeleteParams};
use miniprogram_operator::api::ConditionType::{Ready, TargetSynced};
use serde_json::{Value, json};

use crate::harness::{Mini, Stage, message, says, value, wait::eventually};

/// Runs a scenario in both modes.
async fn in_both_modes(name: &str, scenario: impl AsyncFn(&Stage, &Mini<'_>)) {
    let stage = Stage::new(name).await;
    let _operator = stage.operator().start().await;
    for mode in ["Stable", "Legacy"] {
        let shop = stage
            .app(&format!("shop-{}", mode.to_lowercase()))
            .spec(json!({ "tokenMode": mode }))
            .ready()
            .await;
        scenario(&stage, &shop).await;
    }
}

async fn until_secret(stage: &Stage, name: &str, holds: impl Fn(&Secret) -> bool) -> Secret {
    eventually(format!("Secret {name} is as it should be"), 5, async || {
        let secret = stage.secret(name).await.ok_or("there is none")?;
        if holds(&secret) {
            Ok(secret)
        } else {
            Err(format!(
                "{:?} {:?}",
                secret.metadata,
                secret.data.map(|data| data.into_keys().collect::<Vec<_>>())
            ))
        }
    })
    .await
}

fn target(target: &Value) -> Value {
    json!({ "spec": { "target": target } })
}

#[tokio::test]
async fn a_new_name_is_filled_from_the_old_secret_before_that_is_deleted() {
    in_both_modes("rename", async |stage, shop| {
        let before = shop.target().await;
        let ledger = stage.ledger();
        let new = format!("{}-renamed", shop.name);
        shop.patch(target(&json!({ "name": new }))).await;
        stage.until_no_secret(&shop.target_name(), 5).await;
        let after = stage.secret(&new).await.expect("the new one");
        assert_eq!(after.data, before.data);
        assert_eq!(after.annotations(), before.annotations());
        shop.until("status names the new target", 5, |mini| {
            let named = mini.status.as_ref().and_then(|status| status.target_ref.as_ref());
            named.is_some_and(|named| named.name == new)
                && says(mini, Ready) == "True/TokenAvailable"
        })
        .await;
        let writes = ledger.writes().await;
        let order = [
            format!("patch secrets {new} 201"),
            format!("delete secrets {} 200", shop.target_name()),
        ];
        assert_eq!(writes[..2], order, "{writes:?}");
        assert_eq!(writes.len(), 3, "{writes:?}");
        shop.until_event("OldTargetDeleted").await;
        shop.was_asked(1);
    })
    .await;
}

#[tokio::test]
async fn a_copy_that_somebody_made_of_the_target_stays() {
    let stage = Stage::new("copy").await;
    let _operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let mut copy = shop.target().await;
    let metadata = &mut copy.metadata;
    (
        metadata.uid,
        metadata.resource_version,
        metadata.creation_timestamp,
        metadata.managed_fields,
    ) = (None, None, None, None);
    metadata.name = Some("my-config".into());
    copy.data.get_or_insert_default().insert("more".into(), ByteString(b"mine".to_vec()));
    let copy = stage.create::<Secret>(serde_json::to_value(copy).expect("JSON")).await;
    stage.until_noticed().await;
    assert_eq!(stage.secret("my-config").await.expect("it is still there"), copy);
    shop.was_asked(1);
}

#[tokio::test]
async fn other_keys_take_the_place_of_the_old_ones() {
    in_both_modes("rename", async |stage, shop| {
        let token = shop.token().await;
        shop.patch(target(
            &json!({ "keys": { "accessToken": "token", "expirationTime": "until" } }),
        ))
        .await;
        let secret =
            until_secret(stage, &shop.target_name(), |secret| value(secret, "token").is_some())
                .await;
        let keys: Vec<_> = secret.data.iter().flatten().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["app_id", "expires_at_unix", "token", "token.json", "until"]);
        assert_eq!(value(&secret, "token"), Some(token.clone()));
        let json = value(&secret, "token.json").expect("the JSON");
        let json: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["access_token"], token);
        assert_eq!(json["expires_at"], value(&secret, "until").expect("a time"));
        shop.patch(target(&json!({ "keys": { "tokenJSON": "" } }))).await;
        until_secret(stage, &shop.target_name(), |secret| value(secret, "token.json").is_none())
            .await;
        shop.until_ready().await;
        shop.was_asked(1);
    })
    .await;
}

#[tokio::test]
async fn the_template_is_followed_with_one_write_each_time() {
    in_both_modes("rename", async |stage, shop| {
        let template =
            |labels: Value| target(&json!({ "template": { "metadata": { "labels": labels } } }));
        let ledger = stage.ledger();
        for (patch, label) in [
            (json!({ "team": "a" }), Some("a")),
            (json!({ "team": "b" }), Some("b")),
            (json!({ "team": null }), None),
        ] {
            shop.patch(template(patch)).await;
            until_secret(stage, &shop.target_name(), |secret| {
                secret.labels().get("team").map(String::as_str) == label
            })
            .await;
        }
        shop.until("it is observed", 5, |mini| {
            mini.status.as_ref().and_then(|status| status.observed_generation) == Some(4)
        })
        .await;
        let writes = ledger.writes().await;
        assert_eq!(
            writes.iter().filter(|write| write.starts_with("patch secrets")).count(),
            3,
            "{writes:?}"
        );
        shop.was_asked(1);
        assert!(!shop.events().await.contains(&"SecretDriftCorrected".into()));
    })
    .await;
}

#[tokio::test]
async fn the_secret_goes_with_its_object_or_stays_as_the_policy_says() {
    in_both_modes("rename", async |stage, shop| {
        shop.patch(target(&json!({ "deletionPolicy": "Retain" }))).await;
        until_secret(stage, &shop.target_name(), |secret| secret.owner_references().is_empty())
            .await;
        shop.patch(target(&json!({ "deletionPolicy": "Delete" }))).await;
        until_secret(stage, &shop.target_name(), |secret| secret.owner_references().len() == 1)
            .await;
        shop.was_asked(1);
        shop.delete().await;
        stage.until_no_secret(&shop.target_name(), 5).await;

        let keeper = stage
            .app(&format!("{}-keeper", shop.name))
            .spec(json!({ "target": { "deletionPolicy": "Retain" } }))
            .ready()
            .await;
        let before = keeper.token().await;
        keeper.delete().await;
        // What lies there proves nothing to an object that has never asked: one call does.
        let again = stage
            .app(&keeper.name)
            .of_app(&keeper.app_id)
            .spec(json!({ "target": { "deletionPolicy": "Retain" } }))
            .ready()
            .await;
        assert_eq!(again.token().await, before);
        again.was_asked(2);
    })
    .await;
}

#[tokio::test]
async fn while_the_new_name_is_taken_the_old_secret_stays_in_use() {
    in_both_modes("rename", async |stage, shop| {
        let taken = format!("{}-taken", shop.name);
        let theirs = stage.put_secret(&taken, "password", "theirs").await;
        let before = shop.target().await;
        shop.patch(target(&json!({ "name": taken }))).await;
        let mini = shop.until_says(TargetSynced, "False/Conflict").await;
        assert_eq!(
            mini.status
                .as_ref()
                .and_then(|status| status.target_ref.as_ref())
                .map(|named| &named.name),
            Some(&shop.target_name())
        );
        assert!(message(&mini, TargetSynced).contains(&taken));
        assert_eq!(shop.target().await, before);
        assert_eq!(stage.secret(&taken).await.expect("it stays"), theirs);

        Api::<Secret>::namespaced(stage.client.clone(), &stage.namespace)
            .delete(&taken, &DeleteParams::default())
            .await
            .expect("deleted");
        stage.until_no_secret(&shop.target_name(), 5).await;
        assert_eq!(stage.secret(&taken).await.expect("ours").data, before.data);
        shop.until_says(Ready, "True/TokenAvailable").await;
        shop.was_asked(1);
    })
    .await;
}
