//! The claims about the API server that the design stands on. If one of these fails on a newer
//! server, the design must change.

use futures::future::join_all;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Error, ResourceExt,
    api::{
        DeleteParams, ListParams, PartialObjectMeta, Patch, PatchParams, PostParams, Preconditions,
    },
};
use miniprogram_operator::{api::MiniProgram, projection::Projection};
use serde_json::{Value, json};

use crate::harness::Stage;

const TYPE: &str = "miniprogram.dev/access-token";

/// A whole apply of a target as we do it.
async fn apply(stage: &Stage, manager: &str, metadata: Value, data: Value) -> Result<Secret, u16> {
    let mut object = json!({ "apiVersion": "v1", "kind": "Secret", "type": TYPE, "metadata": { "name": "target" }, "data": encoded(&data) });
    for (key, value) in metadata.as_object().into_iter().flatten() {
        object["metadata"][key] = value.clone();
    }
    let applied = stage
        .api::<Secret>()
        .patch("target", &PatchParams::apply(manager).force(), &Patch::Apply(&object))
        .await;
    applied.map_err(|error| code(&error))
}

/// Field managers are not told of `stringData`.
fn encoded(data: &Value) -> Value {
    let values = data.as_object().into_iter().flatten();
    values
        .map(|(key, value)| {
            (key.clone(), json!(ByteString(value.as_str().unwrap_or_default().into())))
        })
        .collect()
}

fn code(error: &Error) -> u16 {
    match error {
        Error::Api(status) => status.code,
        other => panic!("{other}"),
    }
}

fn fence(secret: &Secret) -> Value {
    json!({ "uid": secret.uid(), "resourceVersion": secret.resource_version() })
}

#[tokio::test]
async fn an_apply_of_resource_version_1_creates_or_fails() {
    let stage = Stage::new("api-server").await;
    let only_create = json!({ "resourceVersion": "1" });
    let tries =
        join_all((0..20).map(|_| apply(&stage, "us", only_create.clone(), json!({ "k": "v" }))))
            .await;
    assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 1);
    assert!(
        tries.iter().filter_map(|tried| tried.as_ref().err()).all(|code| *code == 409),
        "{tries:?}"
    );
}

#[tokio::test]
async fn a_fence_of_uid_and_version_holds_where_a_version_alone_does_not() {
    let stage = Stage::new("api-server").await;
    let first = apply(&stage, "us", json!({ "resourceVersion": "1" }), json!({ "k": "v" }))
        .await
        .expect("created");
    let second = apply(&stage, "us", fence(&first), json!({ "k": "w" })).await.expect("applied");
    assert_eq!(apply(&stage, "us", fence(&first), json!({ "k": "x" })).await.map(drop), Err(409));

    // Without any fence, or with version 0, another's work is overwritten in silence.
    apply(&stage, "us", json!({}), json!({ "k": "y" })).await.expect("applied");
    let third = apply(&stage, "us", json!({ "resourceVersion": "0" }), json!({ "k": "z" }))
        .await
        .expect("applied");

    stage.delete_secret("target").await;
    let refused = apply(&stage, "us", fence(&third), json!({ "k": "v" })).await.map(drop);
    assert!(matches!(refused, Err(409 | 422)), "{refused:?}");
    let version_alone = json!({ "resourceVersion": second.resource_version() });
    let revived = apply(&stage, "us", version_alone, json!({ "k": "v" })).await;
    assert!(revived.is_ok(), "a stale version alone creates the deleted object again: {revived:?}");
}

#[tokio::test]
async fn an_apply_of_a_part_takes_the_rest_away_and_a_post_leaves_keys_for_ever() {
    let stage = Stage::new("api-server").await;
    apply(&stage, "us", json!({}), json!({ "token": "t" })).await.expect("applied");
    let part = apply(&stage, "us", json!({ "annotations": { "a": "b" } }), json!({}))
        .await
        .expect("applied");
    assert!(part.data.is_none_or(|data| data.is_empty()));
    stage.delete_secret("target").await;

    let posted = json!({ "apiVersion": "v1", "kind": "Secret", "type": TYPE, "metadata": { "name": "target" }, "stringData": { "old": "t" } });
    let params = PostParams { field_manager: Some("us".into()), ..PostParams::default() };
    stage
        .api::<Secret>()
        .create(&params, &serde_json::from_value(posted).expect("a Secret"))
        .await
        .expect("posted");
    let applied = apply(&stage, "us", json!({}), json!({ "new": "t" })).await.expect("applied");
    assert!(applied.data.is_some_and(|data| data.contains_key("old")));
}

#[tokio::test]
async fn a_list_by_name_and_type_never_shows_anothers_data() {
    let stage = Stage::new("api-server").await;
    stage.put_secret("target", "password", "theirs").await;
    let ours = ListParams::default().fields(&format!("metadata.name=target,type={TYPE}"));
    assert!(stage.api::<Secret>().list(&ours).await.expect("a list").items.is_empty());
    assert_eq!(
        apply(&stage, "us", json!({}), json!({ "k": "v" })).await.map(drop),
        Err(422),
        "the type is immutable"
    );
    let metadata =
        Api::<PartialObjectMeta<Secret>>::namespaced(stage.client.clone(), &stage.namespace);
    assert!(
        !serde_json::to_string(&metadata.get("target").await.expect("it"))
            .expect("JSON")
            .contains("\"data\"")
    );

    stage.delete_secret("target").await;
    apply(&stage, "us", json!({}), json!({ "k": "v" })).await.expect("applied");
    assert_eq!(stage.api::<Secret>().list(&ours).await.expect("a list").items.len(), 1);
}

#[tokio::test]
async fn our_apply_entry_shows_every_edit_of_what_we_wrote_and_no_other() {
    let stage = Stage::new("api-server").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    drop(operator);
    let good = shop.target().await;
    let edited = async || Projection::of(&shop.target().await.metadata).edited;
    assert!(!edited().await);
    for harmless in [
        json!({ "metadata": { "labels": { "theirs": "x" } } }),
        json!({ "metadata": { "annotations": { "theirs": "x" } } }),
        json!({ "stringData": { "theirs": "x" } }),
    ] {
        let _: Secret = stage.patch(&shop.target_name(), harmless.clone()).await;
        assert!(!edited().await, "{harmless}");
    }
    let again = async || {
        stage.delete_secret(&shop.target_name()).await;
        let mut again = good.clone();
        (again.metadata.uid, again.metadata.resource_version, again.metadata.creation_timestamp) =
            (None, None, None);
        let posted =
            stage.api::<Secret>().create(&PostParams::default(), &again).await.expect("restored");
        assert!(
            Projection::of(&posted.metadata).edited,
            "a backup that is put back is no apply of ours"
        );
    };
    for edit in [
        json!({ "stringData": { "access_token": "x" } }),
        json!({ "stringData": { "expires_at": "x" } }),
        json!({ "data": { "access_token": null } }),
        json!({ "metadata": { "annotations": { "miniprogram.dev/fingerprint": "x" } } }),
        json!({ "metadata": { "labels": { "miniprogram.dev/name": "x" } } }),
        json!({ "metadata": { "managedFields": [{}] } }),
    ] {
        let mut whole = good.clone();
        (whole.metadata.uid, whole.metadata.resource_version, whole.metadata.managed_fields) =
            (None, None, None);
        stage.delete_secret(&shop.target_name()).await;
        let object = json!(whole);
        let params = PatchParams::apply("miniprogram-operator").force();
        stage
            .api::<Secret>()
            .patch(&shop.target_name(), &params, &Patch::Apply(&object))
            .await
            .expect("as it was");
        assert!(!edited().await);
        let _: Secret = stage.patch(&shop.target_name(), edit.clone()).await;
        assert!(edited().await, "{edit}");
    }
    again().await;
}

#[tokio::test]
async fn the_version_is_the_fence_of_a_status() {
    let stage = Stage::new("api-server").await;
    let shop = stage.app("shop").create().await;
    let minis = stage.api::<MiniProgram>();
    let stale = shop.get().await;
    shop.annotate("example.com/edit", "1").await;
    let refused =
        minis.replace_status(&shop.name, &PostParams::default(), &stale).await.expect_err("stale");
    assert_eq!(code(&refused), 409);
    let mut current = shop.get().await;
    current.metadata.uid = Some("00000000-0000-0000-0000-000000000000".into());
    let refused = minis
        .replace_status(&shop.name, &PostParams::default(), &current)
        .await
        .expect_err("another object");
    assert_eq!(code(&refused), 409);
}

#[tokio::test]
async fn a_delete_with_preconditions_hits_that_very_object() {
    let stage = Stage::new("api-server").await;
    let first = apply(&stage, "us", json!({}), json!({ "k": "v" })).await.expect("applied");
    let second = apply(&stage, "us", fence(&first), json!({ "k": "w" })).await.expect("applied");
    let only = |secret: &Secret| DeleteParams {
        preconditions: Some(Preconditions {
            uid: secret.uid(),
            resource_version: secret.resource_version(),
        }),
        ..DeleteParams::default()
    };
    let refused =
        stage.api::<Secret>().delete("target", &only(&first)).await.map(drop).expect_err("stale");
    assert_eq!(code(&refused), 409);
    stage.api::<Secret>().delete("target", &only(&second)).await.expect("deleted");
}

#[tokio::test]
async fn an_immutable_secret_takes_annotations_and_no_data() {
    let stage = Stage::new("api-server").await;
    let first = apply(&stage, "us", json!({}), json!({ "k": "v" })).await.expect("applied");
    let _: Secret = stage.patch(&first.name_any(), json!({ "immutable": true })).await;
    let _: Secret = stage
        .patch(&first.name_any(), json!({ "metadata": { "annotations": { "a": "b" } } }))
        .await;
    assert_eq!(apply(&stage, "us", json!({}), json!({ "k": "w" })).await.map(drop), Err(422));
}
