//! What the API server itself refuses and fills in. No operator runs here: the answers are the same
//! with it scaled to zero.

use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use miniprogram_operator::api::{ConditionType::Ready, MiniProgram};
use serde_json::{Value, json};

use crate::harness::{Stage, says};

/// Asks the API server what it thinks of an object, strictly, and keeps nothing.
async fn judge(stage: &Stage, object: &Value) -> Result<Value, String> {
    let api = Api::<DynamicObject>::namespaced_with(
        stage.client.clone(),
        &stage.namespace,
        &ApiResource::erase::<MiniProgram>(&()),
    );
    let params =
        PatchParams { dry_run: true, ..PatchParams::apply("it").force() }.validation_strict();
    let name = object["metadata"]["name"].as_str().expect("a name");
    let judged = api.patch(name, &params, &Patch::Apply(object)).await;
    judged.map(|object| json!(object)).map_err(|error| error.to_string())
}

#[tokio::test]
async fn wrong_specs_are_refused_with_a_readable_message() {
    let stage = Stage::new("schema").await;
    let long = |length: usize| "x".repeat(length);
    let many: serde_json::Map<_, _> = (0..33).map(|n| (format!("l{n}"), json!("v"))).collect();
    let template =
        |kind: &str, map: Value| json!({ "target": { "template": { "metadata": { kind: map } } } });
    let target = |target: Value| json!({ "target": target });
    let table = [
        (
            json!({ "appID": "wx1" }),
            "appID is not one of WeChat: wx and 16 lower-case hexadecimal digits",
        ),
        (json!({ "appID": "wx0123456789ABCDEF" }), "appID is not one of WeChat"),
        (json!({ "appID": "" }), "appID"),
        (json!({ "appID": null }), "spec.appID in body must be of type string"),
        (json!({ "platform": "Telegram" }), "supported values: \"WeChat\""),
        (json!({ "tokenMode": "Fast" }), "supported values: \"Stable\", \"Legacy\""),
        (json!({ "refreshBeforeSeconds": 5 }), "greater than or equal to 120"),
        (
            json!({ "refreshBeforeSeconds": 301 }),
            "refreshBeforeSeconds must be from 120 to 300 on WeChat in Stable mode",
        ),
        (
            json!({ "refreshBeforeSeconds": 3601, "tokenMode": "Legacy" }),
            "refreshBeforeSeconds must be from 120 to 3600 on WeChat in Legacy mode",
        ),
        (json!({ "refreshIntervalSeconds": 59 }), "greater than or equal to 60"),
        (
            json!({ "refreshIntervalSeconds": 599, "tokenMode": "Legacy" }),
            "refreshIntervalSeconds must be at least 600 on WeChat in Legacy mode",
        ),
        (
            json!({ "tickets": ["AgentConfig"] }),
            "tickets has one that this platform does not make: see docs/platforms.md",
        ),
        (json!({ "tickets": ["JsApi", "JsApi"] }), "duplicate entries for key"),
        (
            target(json!({ "keys": { "accessToken": "jsapi_ticket" } })),
            "are keys that the operator writes itself",
        ),
        (json!({ "displayName": long(129) }), "may not be more than 128"),
        (json!({ "type": long(65) }), "may not be more than 64"),
        (
            json!({ "credentialRef": { "name": "shop-token" } }),
            "the target Secret must not be the credential Secret",
        ),
        (
            target(json!({ "name": "shop-credential" })),
            "the target Secret must not be the credential Secret",
        ),
        (json!({ "credentialRef": { "name": "../other" } }), "should match"),
        (json!({ "credentialRef": { "name": "other/secret" } }), "should match"),
        (json!({ "credentialRef": { "name": long(254) } }), "may not be more than 253"),
        (json!({ "credentialRef": { "name": "c", "key": "a/b" } }), "should match"),
        (
            json!({ "credentialRef": { "name": "c", "namespace": "kube-system" } }),
            ".spec.credentialRef.namespace: field not declared in schema",
        ),
        (target(json!({ "name": "UPPER" })), "should match"),
        (target(json!({ "deletionPolicy": "Orphan" })), "supported values: \"Delete\", \"Retain\""),
        (
            target(json!({ "keys": { "accessToken": "same", "expirationTime": "same" } })),
            "must be different keys",
        ),
        (target(json!({ "keys": { "tokenJSON": "access_token" } })), "must be different keys"),
        (
            target(json!({ "keys": { "tokenJSON": "expires_at_unix" } })),
            "are keys that the operator writes itself",
        ),
        (
            target(json!({ "keys": { "accessToken": "app_id" } })),
            "are keys that the operator writes itself",
        ),
        (target(json!({ "keys": { "accessToken": "a/b" } })), "should match"),
        (template("labels", json!({ "miniprogram.dev/name": "x" })), "are the operator's own"),
        (
            template("labels", json!({ "app.kubernetes.io/managed-by": "x" })),
            "are the operator's own",
        ),
        (
            template("annotations", json!({ "miniprogram.dev/fingerprint": "x" })),
            "are the operator's own",
        ),
        (template("labels", json!({ "not a key": "x" })), "a key is not a legal label key"),
        (template("labels", json!({ "a..b/key": "x" })), "a key is not a legal label key"),
        (
            template("annotations", json!({ "a..b/key": "x" })),
            "a key is not a legal annotation key",
        ),
        (template("labels", json!({ "key": "not a value" })), "should match"),
        (template("labels", Value::Object(many)), "at most 32"),
        (json!({ "url": "https://example.com" }), "field not declared in schema"),
        (json!({ "suspend": "yes" }), "boolean"),
    ];
    for (spec, expected) in table {
        let object = stage.app("shop").spec(spec.clone()).object();
        let refused = judge(&stage, &object).await.expect_err(&spec.to_string());
        assert!(refused.contains(expected), "{spec}: {refused}");
    }
    let refused = judge(&stage, &stage.app(&long(58)).object()).await.expect_err("a long name");
    assert!(refused.contains("metadata.name must be at most 57 characters"), "{refused}");
}

#[tokio::test]
async fn what_a_platform_does_not_take_is_refused_in_its_name() {
    let stage = Stage::new("schema").await;
    let table = [
        (
            json!({ "platform": "WeCom", "appID": "wx1" }),
            "appID is not one of WeCom: the corporation's id, ww and 16 hexadecimal digits",
        ),
        (
            json!({ "platform": "QQBot", "appID": "102001234", "refreshBeforeSeconds": 120 }),
            "refreshBeforeSeconds cannot be set on QQBot",
        ),
        (
            json!({ "platform": "Honor", "appID": "104412345", "refreshIntervalSeconds": 599 }),
            "refreshIntervalSeconds must be at least 600 on Honor",
        ),
        (
            json!({ "platform": "WeCom", "appID": "ww0123456789abcdef", "tokenMode": "Stable" }),
            "tokenMode is not one of this platform",
        ),
    ];
    for (spec, expected) in table {
        let object = stage.app("shop").spec(spec.clone()).object();
        let refused = judge(&stage, &object).await.expect_err(&spec.to_string());
        assert!(refused.contains(expected), "{spec}: {refused}");
        assert!(!refused.contains("WeChat"), "no other platform is named: {refused}");
    }
}

#[tokio::test]
async fn right_specs_pass_and_what_is_left_out_is_filled_in() {
    let stage = Stage::new("schema").await;
    let table = [
        (json!({}), json!({ "platform": "WeChat", "suspend": false })),
        (
            json!({ "displayName": "象叔叔的小店", "type": "电商" }),
            json!({ "displayName": "象叔叔的小店" }),
        ),
        (json!({ "target": {} }), json!({ "target": { "deletionPolicy": "Delete" } })),
        (
            json!({ "target": { "keys": {} } }),
            json!({ "target": { "keys": { "accessToken": "access_token", "expirationTime": "expires_at" } } }),
        ),
        (json!({ "refreshBeforeSeconds": 120 }), json!({})),
        (json!({ "refreshBeforeSeconds": 300, "tokenMode": "Stable" }), json!({})),
        (
            json!({ "refreshBeforeSeconds": 3600, "tokenMode": "Legacy", "refreshIntervalSeconds": 600 }),
            json!({}),
        ),
        (json!({ "refreshIntervalSeconds": 60 }), json!({})),
        (
            json!({ "target": { "template": { "metadata": { "annotations": { "reloader.stakater.com/ignore": "true" } } } } }),
            json!({}),
        ),
    ];
    for (spec, filled) in table {
        let object = judge(&stage, &stage.app("shop").spec(spec.clone()).object())
            .await
            .unwrap_or_else(|refused| panic!("{spec}: {refused}"));
        assert_eq!(object["spec"]["credentialRef"]["key"], "appSecret");
        assert!(
            object["spec"]["refreshBeforeSeconds"] == spec["refreshBeforeSeconds"],
            "no default: it depends on the mode"
        );
        assert_contains(&object["spec"], &filled);
    }
    judge(&stage, &stage.app(&"x".repeat(57)).object()).await.expect("a name of 57 characters");
}

fn assert_contains(whole: &Value, part: &Value) {
    match part {
        Value::Object(part) => {
            part.iter().for_each(|(key, part)| assert_contains(&whole[key], part));
        }
        _ => assert_eq!(whole, part),
    }
}

#[tokio::test]
async fn what_an_object_is_of_cannot_be_changed_and_all_else_can() {
    let stage = Stage::new("schema").await;
    let shop = stage.app("shop").create().await;
    let changed = stage.app("shop").object();
    let refused = judge(&stage, &changed).await.expect_err("another app id");
    assert!(refused.contains("appID is immutable: make another MiniProgram instead"), "{refused}");
    let same = stage.app("shop").of_app(&shop.app_id);
    let object = same
        .spec(json!({ "tokenMode": "Legacy", "suspend": true, "target": { "name": "other" }, "credentialRef": { "name": "c" } }))
        .object();
    judge(&stage, &object).await.expect("all else can");
}

#[tokio::test]
async fn a_new_object_says_pending_before_anybody_has_looked_at_it() {
    let stage = Stage::new("schema").await;
    let shop = stage.app("shop").create().await;
    assert_eq!(says(&shop.get().await, Ready), "Unknown/Pending");
}

#[tokio::test]
async fn a_status_that_forges_or_overflows_is_refused() {
    let stage = Stage::new("schema").await;
    let shop = stage.app("shop").create().await;
    let minis = stage.api::<MiniProgram>();
    for status in [
        json!({ "handledRefreshRequest": "x".repeat(81) }),
        json!({ "mints": { "forcedTimes": vec!["2026-01-01T00:00:00Z"; 21] } }),
        json!({ "conditions": [{ "type": "Ready", "status": "Maybe", "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" }] }),
    ] {
        let patch = json!({ "status": status });
        let refused =
            minis.patch_status(&shop.name, &PatchParams::default(), &Patch::Merge(&patch)).await;
        assert!(refused.is_err(), "{status}");
    }
    // What the subresource is for: nothing of the object but its status can be changed there.
    let patch = json!({ "spec": { "suspend": true }, "metadata": { "labels": { "a": "b" } }, "status": { "observedGeneration": 7 } });
    let patched = minis
        .patch_status(&shop.name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("patched");
    assert!(!patched.spec.suspend);
    assert_eq!(patched.status.and_then(|status| status.observed_generation), Some(7));
}
