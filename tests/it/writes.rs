//! The Secret cannot be written: what is known beforehand costs no call, and a token that was
//! fetched is kept and never fetched twice.

use k8s_openapi::api::{
    admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    core::v1::{Namespace, ResourceQuota, Secret},
    rbac::v1::Role,
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use miniprogram_operator::api::{
    ConditionType::{Ready, TargetSynced},
    MiniProgram,
};
use serde_json::{Value, json};

use crate::harness::{
    Mini, Stage, message, says,
    wait::{check, eventually, pass},
};

const MODES: [&str; 2] = ["Stable", "Legacy"];

/// A quota that is used up. Its status is ours to write: no quota controller runs here.
async fn exhaust_quota(stage: &Stage) {
    let quotas = stage.api::<ResourceQuota>();
    let limit = json!({ "count/secrets": "1" });
    let quota: ResourceQuota =
        stage.create(json!({ "metadata": { "name": "full" }, "spec": { "hard": limit } })).await;
    let status = json!({ "status": { "hard": limit, "used": { "count/secrets": "1" } } });
    let name = quota.metadata.name.expect("a name");
    quotas
        .patch_status(&name, &PatchParams::default(), &Patch::Merge(&status))
        .await
        .expect("patched");
    // Admission reads quotas from a cache of its own.
    eventually("the quota is in force", 10, async || {
        let secret = serde_json::from_value(json!({ "metadata": { "generateName": "probe-" } }))
            .expect("a Secret");
        let made = stage.api::<Secret>().create(&PostParams::default(), &secret).await;
        check(made.is_err(), || "a Secret was made".into())
    })
    .await;
}

#[tokio::test]
async fn a_quota_that_refuses_the_secret_is_noticed_before_the_call() {
    let stage = Stage::new("writes").await;
    for mode in MODES {
        stage
            .put_secret(&format!("{}-credential", mode.to_lowercase()), "appSecret", "right")
            .await;
    }
    exhaust_quota(&stage).await;
    let operator = stage.operator().start().await;
    let mut shops = vec![];
    for mode in MODES {
        let draft = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode }));
        shops.push(draft.without_credential().whose_platform_knows("right").create().await);
    }
    for shop in &shops {
        // The write is tried again and again: an intent stands for a moment each time.
        let at_rest = |mini: &MiniProgram| {
            says(mini, TargetSynced) == "False/WriteFailed"
                && mini.status.as_ref().is_some_and(|status| status.intent.is_none())
        };
        let seen = shop.until("it is told, and no intent stands", 15, at_rest).await;
        assert_eq!(says(&seen, Ready), "False/WriteFailed");
        assert!(message(&seen, Ready).contains(&shop.target_name()));
    }
    operator.until_active_looks_end().await;
    for shop in &shops {
        shop.was_asked(0);
    }
    stage.api::<ResourceQuota>().delete("full", &DeleteParams::default()).await.expect("deleted");
    for shop in &shops {
        shop.until_says_within(Ready, "True/TokenAvailable", 30).await;
        shop.was_asked(1);
    }
}

/// Takes the right to write Secrets from the operator's role, or gives it back.
async fn may_write_secrets(stage: &Stage, may: bool) {
    let roles = stage.api::<Role>();
    let role = roles.get("miniprogram-operator").await.expect("a role");
    let rules = role.rules.unwrap_or_default().into_iter().map(|mut rule| {
        if rule.resources.as_ref().is_some_and(|all| all == &["secrets"])
            && !rule.verbs.contains(&"get".into())
        {
            rule.verbs = if may {
                vec!["create".into(), "patch".into()]
            } else {
                vec!["deletecollection".into()]
            };
        }
        json!(rule)
    });
    let patch = json!({ "rules": rules.collect::<Value>() });
    roles
        .patch("miniprogram-operator", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("patched");
}

#[tokio::test]
async fn without_the_right_to_write_no_first_token_is_fetched() {
    let stage = Stage::new("writes").await;
    may_write_secrets(&stage, false).await;
    let _operator = stage.operator().start().await;
    for mode in MODES {
        let shop =
            stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).create().await;
        let seen = shop.until_says(Ready, "False/Forbidden").await;
        assert!(message(&seen, Ready).contains("create and patch on Secrets"));
        shop.was_asked(0);
    }
    may_write_secrets(&stage, true).await;
    for mode in MODES {
        let shop = Mini { name: mode.to_lowercase(), app_id: String::new(), stage: &stage };
        shop.until_says_within(Ready, "True/TokenAvailable", 35).await;
    }
}

#[tokio::test]
async fn a_token_whose_write_is_forbidden_is_kept_and_written_later_and_not_fetched_twice() {
    let stage = Stage::new("writes").await;
    let _operator = stage.operator().start().await;
    for mode in MODES {
        let shop = stage
            .app(&mode.to_lowercase())
            .spec(json!({ "tokenMode": mode }))
            .short_lived(40_000, 30_000)
            .ready()
            .await;
        may_write_secrets(&stage, false).await;
        // Half of the life, or a rotated credential: both fetch a new token.
        stage.simulator.with_model(|model, now| model.kill_tokens(now, &shop.app_id));
        stage.simulator.set_secret(&shop.app_id, "another");
        stage.put_secret(&format!("{}-credential", shop.name), "appSecret", "another").await;
        let seen = shop.until_says(TargetSynced, "False/Forbidden").await;
        assert_eq!(says(&seen, Ready), "True/TokenAvailable");
        pass(std::time::Duration::from_secs(2)).await;
        shop.was_asked(2);
        may_write_secrets(&stage, true).await;
        shop.until_token_lives(20).await;
        shop.until_says_within(TargetSynced, "True/Synced", 10).await;
        shop.was_asked(2);
    }
}

/// A policy by which writes in this namespace are refused unless they satisfy an expression.
async fn deny(stage: &Stage, resource: &str, unless: &str) {
    let name = format!("deny-{}", stage.namespace);
    let group = if resource == "secrets" { "" } else { "miniprogram.dev" };
    let rule = json!({ "apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource] });
    let policy = json!({
        "metadata": { "name": name },
        "spec": {
            "matchConstraints": { "resourceRules": [rule] },
            "validations": [{ "expression": format!("({unless}) && object.metadata.name != 'probe'"), "message": "not today" }],
        },
    });
    let here = json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": stage.namespace } } });
    let binding = json!({
        "metadata": { "name": name },
        "spec": { "policyName": name, "validationActions": ["Deny"], "matchResources": here },
    });
    let params = PostParams::default();
    let policy: ValidatingAdmissionPolicy = serde_json::from_value(policy).expect("a policy");
    let binding: ValidatingAdmissionPolicyBinding =
        serde_json::from_value(binding).expect("a binding");
    Api::all(stage.client.clone()).create(&params, &policy).await.expect("a policy");
    Api::all(stage.client.clone()).create(&params, &binding).await.expect("a binding");
    eventually("the policy is in force", 20, async || {
        check(is_refused(stage, resource).await, || "a probe passed".into())
    })
    .await;
}

/// Whether an object of this kind by the name of `probe` is refused.
async fn is_refused(stage: &Stage, resource: &str) -> bool {
    let params = PatchParams::apply("probe").force();
    if resource == "secrets" {
        let secret =
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "probe" } });
        return stage
            .api::<Secret>()
            .patch("probe", &params, &Patch::Apply(&secret))
            .await
            .is_err();
    }
    let minis = stage.api::<MiniProgram>();
    if minis.get_opt("probe").await.expect("an answer").is_none() {
        stage.app("probe").spec(json!({ "suspend": true })).create().await;
    }
    let status = json!({ "status": { "observedGeneration": 1 } });
    minis.patch_status("probe", &PatchParams::default(), &Patch::Merge(&status)).await.is_err()
}

async fn allow_again(stage: &Stage) {
    let bindings = Api::<ValidatingAdmissionPolicyBinding>::all(stage.client.clone());
    bindings
        .delete(&format!("deny-{}", stage.namespace), &DeleteParams::default())
        .await
        .expect("deleted");
}

#[tokio::test]
async fn a_token_whose_write_a_policy_refuses_is_kept_and_written_when_it_lets_go() {
    let stage = Stage::new("writes").await;
    let operator = stage.operator().start().await;
    let shops =
        futures::future::join_all(MODES.map(|mode| {
            stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready()
        }))
        .await;
    deny(&stage, "secrets", "object.type != 'miniprogram.dev/access-token'").await;
    for shop in &shops {
        stage.simulator.set_secret(&shop.app_id, "another");
        stage.put_secret(&format!("{}-credential", shop.name), "appSecret", "another").await;
    }
    for shop in &shops {
        if shop.name == "legacy" {
            shop.until_says(TargetSynced, "False/WriteFailed").await;
            shop.was_asked(2);
        }
    }
    let first = stage.app("first").legacy().create().await;
    first.until_says(Ready, "False/WriteFailed").await;
    first.was_asked(0);
    allow_again(&stage).await;
    for shop in &shops {
        shop.until_says_within(TargetSynced, "True/Synced", 35).await;
        shop.until_token_lives(5).await;
        shop.was_asked(2);
    }
    first.until_says_within(Ready, "True/TokenAvailable", 35).await;
    first.was_asked(1);
    operator.until_calm().await;
}

#[tokio::test]
async fn a_status_that_cannot_be_written_after_the_secret_costs_no_second_token_and_one_over_a_kill()
 {
    let stage = Stage::new("writes").await;
    let mut operator = stage.operator().start().await;
    deny(&stage, "miniprograms/status", "!has(object.status.token)").await;
    let shop = stage.app("shop").legacy().create().await;
    shop.until_token_lives(5).await;
    pass(std::time::Duration::from_secs(5)).await;
    shop.was_asked(1);
    // Nothing that is left in the cluster proves that the platform has ever accepted this app
    // secret.
    operator.kill();
    let operator = operator.again().await;
    stage.until_noticed().await;
    allow_again(&stage).await;
    shop.until_says_within(Ready, "True/TokenAvailable", 30).await;
    operator.until_calm().await;
    shop.was_asked(2);
}

#[tokio::test]
async fn an_immutable_target_is_told_and_no_token_is_fetched_for_it() {
    let stage = Stage::new("writes").await;
    let operator = stage.operator().start().await;
    for mode in MODES {
        let shop = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await;
        let _: Secret = stage.patch(&shop.target_name(), json!({ "immutable": true })).await;
        stage.put_secret(&format!("{}-credential", shop.name), "appSecret", "another").await;
        stage.simulator.set_secret(&shop.app_id, "another");
        let seen = shop.until_says(TargetSynced, "False/Immutable").await;
        assert!(message(&seen, TargetSynced).contains("Choose another spec.target.name"));
        operator.until_calm().await;
        shop.was_asked(1);
        stage.delete_secret(&shop.target_name()).await;
        shop.until_says(TargetSynced, "True/Synced").await;
        shop.until_token_lives(20).await;
        shop.was_asked(2);
    }
}

#[tokio::test]
async fn a_namespace_ends_soon_without_a_call_and_with_nobody_watching() {
    for watched in [true, false] {
        let stage = Stage::new("writes").await;
        let mut operator = stage.operator().start().await;
        let mut shops = vec![];
        for mode in MODES {
            shops.push(
                stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await,
            );
        }
        if !watched {
            operator.kill();
        }
        let namespaces = Api::<Namespace>::all(stage.client.clone());
        namespaces.delete(&stage.namespace, &DeleteParams::default()).await.expect("deleted");
        eventually("the namespace is gone", 30, async || {
            let left = namespaces.get_opt(&stage.namespace).await.expect("an answer");
            check(left.is_none(), || format!("{left:?}"))
        })
        .await;
        for shop in &shops {
            shop.was_asked(1);
        }
    }
}
