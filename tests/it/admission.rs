//! Admission stands between the operator and the Secret: webhooks that are down or deny, policies
//! that refuse a name or take an annotation away, finalizers. All of it is told to the tenant, no
//! call is made for a token that could not be stored, and what pods mount is kept fresh.

use axum::{Router, http::header::CONTENT_TYPE, routing::post};
use k8s_openapi::{
    ByteString,
    api::{
        admissionregistration::v1::{
            MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, ValidatingAdmissionPolicy,
            ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
        },
        core::v1::Secret,
    },
};
use kube::{
    Api, Resource,
    api::{DeleteParams, PostParams},
    core::ClusterResourceScope,
};
use miniprogram_operator::api::{
    ConditionType::{Ready, TargetSynced, TokenFresh},
    names,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::harness::{
    Front, Stage, message, says,
    wait::{check, eventually},
};

const MODES: [&str; 2] = ["Stable", "Legacy"];

/// A name that is this test's alone: admission is the whole cluster's.
fn mine(stage: &Stage) -> String {
    format!("test-{}", stage.namespace)
}

async fn make<K>(stage: &Stage, object: Value)
where
    K: Resource<Scope = ClusterResourceScope, DynamicType = ()>
        + Clone
        + Serialize
        + DeserializeOwned
        + std::fmt::Debug,
{
    let object: K = serde_json::from_value(object).expect("an object");
    Api::all(stage.client.clone()).create(&PostParams::default(), &object).await.expect("created");
}

async fn remove<K>(stage: &Stage)
where
    K: Resource<Scope = ClusterResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let all = Api::<K>::all(stage.client.clone());
    all.delete(&mine(stage), &DeleteParams::default()).await.expect("deleted");
}

fn here(stage: &Stage) -> Value {
    json!({ "matchLabels": { "kubernetes.io/metadata.name": stage.namespace } })
}

/// Waits until admission treats a Secret of the operator's type in this way.
async fn until(stage: &Stage, what: &str, treated: impl Fn(&Result<Secret, String>) -> bool) {
    let annotation = json!({ names::FINGERPRINT: "sha256:0123456789ab" });
    let label = json!({ names::MANAGED_BY: names::FIELD_MANAGER });
    let probe = json!({ "metadata": { "name": "probe", "annotations": annotation, "labels": label }, "type": names::SECRET_TYPE });
    let probe: Secret = serde_json::from_value(probe).expect("a Secret");
    let params = PostParams { dry_run: true, ..PostParams::default() };
    eventually(what, 20, async || {
        let answer =
            stage.api::<Secret>().create(&params, &probe).await.map_err(|error| error.to_string());
        check(treated(&answer), || format!("{answer:?}"))
    })
    .await;
}

/// A policy that takes the annotation with the fingerprint away.
async fn take_annotation_away(stage: &Stage) {
    let rule = json!({ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"] });
    let patch = "has(object.metadata.annotations) && 'miniprogram.dev/fingerprint' in object.metadata.annotations ? \
                 [JSONPatch{op: 'remove', path: '/metadata/annotations/miniprogram.dev~1fingerprint'}] : []";
    let policy = json!({
        "metadata": { "name": mine(stage) },
        "spec": {
            "matchConstraints": { "resourceRules": [rule], "namespaceSelector": here(stage) },
            "mutations": [{ "patchType": "JSONPatch", "jsonPatch": { "expression": patch } }],
            "reinvocationPolicy": "Never",
        },
    });
    make::<MutatingAdmissionPolicy>(stage, policy).await;
    let binding =
        json!({ "metadata": { "name": mine(stage) }, "spec": { "policyName": mine(stage) } });
    make::<MutatingAdmissionPolicyBinding>(stage, binding).await;
    let annotated = |secret: &Secret| {
        secret
            .metadata
            .annotations
            .as_ref()
            .is_some_and(|annotations| annotations.contains_key(names::FINGERPRINT))
    };
    until(stage, "the annotation is taken away", |answer| {
        answer.as_ref().is_ok_and(|secret| !annotated(secret))
    })
    .await;
}

#[tokio::test]
async fn a_policy_that_takes_an_annotation_away_is_told_and_causes_no_calls() {
    let stage = Stage::new("admission").await;
    let operator = stage.operator().start().await;
    let mut shops = vec![];
    for mode in MODES {
        shops
            .push(stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await);
    }
    take_annotation_away(&stage).await;
    let first = stage.app("first").create().await;
    let told = first.until_says(Ready, "False/Altered").await;
    assert!(
        message(&told, Ready).contains("annotation miniprogram.dev/fingerprint"),
        "{}",
        message(&told, Ready)
    );
    first.until_event("Altered").await;
    first.was_asked(0);
    for shop in &shops {
        stage.simulator.set_secret(&shop.app_id, "another");
        stage.put_secret(&format!("{}-credential", shop.name), "appSecret", "another").await;
        shop.until_says(TargetSynced, "False/Altered").await;
        shop.was_asked(2);
    }
    // Nothing is known after a restart but what the status says: still no call.
    let operator = operator.again().await;
    stage.until_noticed().await;
    for shop in &shops {
        shop.until_says(TargetSynced, "False/Altered").await;
        shop.was_asked(2);
    }
    remove::<MutatingAdmissionPolicyBinding>(&stage).await;
    remove::<MutatingAdmissionPolicy>(&stage).await;
    first.until_says_within(Ready, "True/TokenAvailable", 45).await;
    first.was_asked(1);
    for shop in &shops {
        shop.until_says_within(Ready, "True/TokenAvailable", 45).await;
        shop.until_token_lives(5).await;
    }
    operator.until_calm().await;
}

/// A policy by which no Secret of ours in this namespace is called this.
async fn refuse_names(stage: &Stage, ending: &str) {
    let rule = json!({ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"] });
    let expression =
        format!("!object.metadata.name.endsWith('{ending}') && object.metadata.name != 'probe'");
    let policy = json!({
        "metadata": { "name": mine(stage) },
        "spec": {
            "matchConstraints": { "resourceRules": [rule], "namespaceSelector": here(stage) },
            "validations": [{ "expression": expression, "message": "this name is immutable and taken" }],
        },
    });
    make::<ValidatingAdmissionPolicy>(stage, policy).await;
    let spec = json!({ "policyName": mine(stage), "validationActions": ["Deny"] });
    make::<ValidatingAdmissionPolicyBinding>(
        stage,
        json!({ "metadata": { "name": mine(stage) }, "spec": spec }),
    )
    .await;
    until(stage, "the policy is in force", Result::is_err).await;
}

#[tokio::test]
async fn while_a_new_name_is_refused_the_old_secret_is_kept_fresh() {
    let stage = Stage::new("admission").await;
    let operator = stage.operator().start().await;
    refuse_names(&stage, "-refused").await;
    for mode in MODES {
        let shop = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await;
        let before = shop.token().await;
        shop.patch(json!({ "spec": { "target": { "name": format!("{}-refused", shop.name) } } }))
            .await;
        let told = shop.until_says(TargetSynced, "False/WriteFailed").await;
        let said = message(&told, TargetSynced);
        assert!(said.contains(&format!("admission policy {} denied it", mine(&stage))), "{said}");
        assert!(said.contains(&format!("Secret {} stays in use", shop.target_name())), "{said}");
        shop.was_asked(1);
        // The next token goes where pods look for it.
        stage.simulator.with_model(|model, now| model.kill_tokens(now, &shop.app_id));
        stage.simulator.set_secret(&shop.app_id, "another");
        stage.put_secret(&format!("{}-credential", shop.name), "appSecret", "another").await;
        eventually("the old Secret holds the next token", 20, async || {
            check(shop.token().await != before, || "it holds the old one".into())
        })
        .await;
        assert_eq!(says(&shop.get().await, TargetSynced), "False/WriteFailed");
        assert!(stage.secret(&format!("{}-refused", shop.name)).await.is_none());
    }
    remove::<ValidatingAdmissionPolicyBinding>(&stage).await;
    for mode in MODES {
        let name = mode.to_lowercase();
        stage.until_no_secret(&format!("{name}-token"), 45).await;
        assert!(stage.secret(&format!("{name}-refused")).await.is_some());
    }
    operator.until_calm().await;
}

/// A webhook for Secrets of this namespace at this address.
async fn call_webhook(stage: &Stage, url: String, authority: Option<Vec<u8>>) {
    let rule = json!({ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"] });
    let client = json!({ "url": url, "caBundle": authority.map(ByteString) });
    let webhook = json!({
        "name": "check.example.com", "clientConfig": client, "rules": [rule], "namespaceSelector": here(stage),
        "objectSelector": { "matchLabels": { names::MANAGED_BY: names::FIELD_MANAGER } },
        "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "timeoutSeconds": 2,
    });
    make::<ValidatingWebhookConfiguration>(
        stage,
        json!({ "metadata": { "name": mine(stage) }, "webhooks": [webhook] }),
    )
    .await;
    until(stage, "the webhook is asked", Result::is_err).await;
}

#[tokio::test]
async fn a_webhook_that_is_down_is_named_to_the_tenant() {
    let stage = Stage::new("admission").await;
    let _operator = stage.operator().start().await;
    call_webhook(&stage, "https://127.0.0.1:1/validate".into(), None).await;
    let mut shops = vec![];
    for mode in MODES {
        shops.push(
            stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).create().await,
        );
    }
    for shop in &shops {
        let told = shop.until_says(Ready, "False/WriteFailed").await;
        assert!(
            message(&told, Ready).contains("admission webhook check.example.com does not answer"),
            "{told:?}"
        );
        assert_eq!(says(&told, TokenFresh), "False/Blocked", "the platform was not asked");
        shop.until_event("WriteFailed").await;
        shop.was_asked(0);
    }
    remove::<ValidatingWebhookConfiguration>(&stage).await;
    for shop in &shops {
        shop.until_says_within(Ready, "True/TokenAvailable", 45).await;
        shop.was_asked(1);
    }
}

#[tokio::test]
async fn a_webhook_denies_with_the_code_of_its_choice() {
    for code in [404, 409, 422, 500] {
        let stage = Stage::new("admission").await;
        let review = move |review: String| async move {
            let review: Value = serde_json::from_str(&review).expect("a review");
            let status = json!({ "code": code, "message": "ask the platform team" });
            let response =
                json!({ "uid": review["request"]["uid"], "allowed": false, "status": status });
            let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response });
            ([(CONTENT_TYPE, "application/json")], review.to_string())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let front = Front::before(listener.local_addr().expect("an address")).await;
        let served = tokio::spawn(async move {
            axum::serve(listener, Router::new().fallback(post(review))).await
        });
        let authority = std::fs::read(front.ca_bundle()).expect("the authority");
        call_webhook(&stage, front.url(), Some(authority)).await;
        let _operator = stage.operator().start().await;
        let shop = stage.app("shop").legacy().create().await;
        let told = shop.until_says(Ready, "False/WriteFailed").await;
        let said = message(&told, Ready);
        assert!(
            said.contains("admission webhook check.example.com denied it: ask the platform team"),
            "{code}: {said}"
        );
        shop.was_asked(0);
        remove::<ValidatingWebhookConfiguration>(&stage).await;
        shop.until_says_within(Ready, "True/TokenAvailable", 45).await;
        shop.was_asked(1);
        served.abort();
    }
}

#[tokio::test]
async fn a_target_that_a_finalizer_holds_is_told_and_kept_fresh() {
    let stage = Stage::new("admission").await;
    let operator = stage.operator().start().await;
    for mode in MODES {
        let shop = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await;
        let before = shop.token().await;
        let held = json!({ "metadata": { "finalizers": ["example.com/hold"] } });
        let _: Secret = stage.patch(&shop.target_name(), held).await;
        stage.delete_secret(&shop.target_name()).await;
        let told = shop.until_says_within(TargetSynced, "False/Terminating", 30).await;
        assert!(message(&told, TargetSynced).contains("example.com/hold"));
        assert_eq!(says(&told, Ready), "True/TokenAvailable");
        stage.simulator.with_model(|model, now| model.kill_tokens(now, &shop.app_id));
        stage.simulator.set_secret(&shop.app_id, "another");
        stage.put_secret(&format!("{}-credential", shop.name), "appSecret", "another").await;
        eventually("it holds the next token", 20, async || {
            check(shop.token().await != before, || "it holds the old one".into())
        })
        .await;
        let _: Secret =
            stage.patch(&shop.target_name(), json!({ "metadata": { "finalizers": null } })).await;
        shop.until_says_within(TargetSynced, "True/Synced", 30).await;
        shop.until_token_lives(20).await;
    }
    operator.until_calm().await;
}
