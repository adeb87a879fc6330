//! Where an operator works and what it may do: the shipped roles, one namespace or all, selectors,
//! two releases side by side.

use k8s_openapi::api::{
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
    core::v1::Secret,
    rbac::v1::{ClusterRole, PolicyRule, Role},
};
use kube::{Api, api::PostParams};
use miniprogram_operator::api::{ConditionType::Ready, MiniProgram};
use serde_json::json;

use crate::harness::{
    Stage, says, shipped,
    wait::{check, eventually},
};

#[test]
fn the_shipped_roles_have_no_wildcard_a_reason_for_each_rule_and_the_same_rules_in_both_scopes() {
    let cluster: Vec<ClusterRole> = shipped("deploy/rbac/cluster-wide.yaml");
    let namespaced: Vec<Role> = shipped("deploy/rbac/namespaced.yaml");
    let lease: Vec<Role> = shipped("deploy/rbac/leader-election.yaml");
    let users: Vec<ClusterRole> = shipped("deploy/rbac/users.yaml");
    assert_eq!(cluster[0].rules, namespaced[0].rules);
    let rules = cluster.iter().chain(&users).filter_map(|role| role.rules.clone());
    let rules: Vec<PolicyRule> =
        rules.chain(lease.iter().filter_map(|role| role.rules.clone())).flatten().collect();
    assert!(rules.len() > 8);
    assert!(!serde_json::to_string(&rules).expect("JSON").contains('*'));
    for file in ["cluster-wide", "namespaced", "leader-election", "users"] {
        let path = format!("{}/deploy/rbac/{file}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a file");
        let lines: Vec<_> = text.lines().collect();
        for (n, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.trim_start().starts_with("- apiGroups"))
        {
            assert!(
                lines[n - 1].trim_start().starts_with('#'),
                "{file}.yaml: {line} has no reason"
            );
        }
    }
}

/// Whether the account may do something, everywhere or in a namespace.
async fn may(stage: &Stage, verb: &str, resource: &str, namespace: Option<&str>) -> bool {
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(stage.account.user()),
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.into()),
                resource: Some(resource.into()),
                group: Some(group.into()),
                namespace: namespace.map(Into::into),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let answer = Api::all(stage.client.clone())
        .create(&PostParams::default(), &review)
        .await
        .expect("a review");
    answer.status.is_some_and(|status| status.allowed)
}

#[tokio::test]
async fn in_the_namespaced_mode_nothing_is_allowed_elsewhere_and_little_here() {
    let stage = Stage::new("scope").await;
    let elsewhere = stage.another_namespace().await;
    let here = stage.namespace.as_str();
    for verb in ["get", "list", "watch", "create", "patch", "delete"] {
        // The authorizer learns of a new binding by a watch of its own.
        let allowed =
            async || check(may(&stage, verb, "secrets", Some(here)).await, || "not yet".into());
        eventually(format!("{verb} is allowed"), 10, allowed).await;
        assert!(!may(&stage, verb, "secrets", Some(&elsewhere)).await, "{verb}");
        assert!(!may(&stage, verb, "secrets", None).await, "{verb}");
    }
    for (verb, resource) in [
        ("update", "secrets"),
        ("deletecollection", "secrets"),
        ("update", "miniprograms.miniprogram.dev"),
        ("patch", "miniprograms.miniprogram.dev"),
        ("delete", "miniprograms.miniprogram.dev"),
        ("create", "pods"),
        ("get", "configmaps"),
        ("list", "leases.coordination.k8s.io"),
    ] {
        assert!(!may(&stage, verb, resource, Some(here)).await, "{verb} {resource}");
    }
}

#[tokio::test]
async fn a_namespace_that_is_forbidden_holds_up_no_other() {
    let stage = Stage::new("scope").await;
    let forbidden = stage.another_namespace().await;
    let both = format!("{},{forbidden},no-such-namespace", stage.namespace);
    let _operator = stage.operator().flag("--watch-namespaces", &both).unready().start().await;
    stage.app("shop").ready().await;
}

#[tokio::test]
async fn with_the_cluster_role_it_works_everywhere_and_with_a_selector_only_on_what_matches() {
    let stage = Stage::new("scope").await;
    let elsewhere = stage.another_namespace().await;
    stage.account.allow_everything().await;
    let release = stage.namespace.clone();
    let _operator = stage
        .operator()
        .flag("--watch-namespaces", "")
        .flag("--selector", &format!("release={release}"))
        .start()
        .await;
    let mine = stage.app("mine").label("release", &release).ready().await;
    let other = stage.app("other").create().await;

    let draft = stage.app("there").label("release", &release).of_app(&mine.app_id);
    let secret = json!({ "metadata": { "name": "there-credential" }, "stringData": { "appSecret": format!("secret-of-{}", mine.app_id) } });
    let secrets = Api::<Secret>::namespaced(stage.client.clone(), &elsewhere);
    secrets
        .create(&PostParams::default(), &serde_json::from_value(secret).expect("a Secret"))
        .await
        .expect("created");
    let minis = Api::<MiniProgram>::namespaced(stage.client.clone(), &elsewhere);
    minis
        .create(&PostParams::default(), &serde_json::from_value(draft.object()).expect("an object"))
        .await
        .expect("created");
    eventually("the object elsewhere is ready", 5, async || {
        let said = says(&minis.get("there").await.expect("it"), Ready);
        check(said == "True/TokenAvailable", || said.clone())
    })
    .await;
    // It was made before the last one, which is ready: nobody looks at it.
    assert_eq!(says(&other.get().await, Ready), "Unknown/Pending");
    other.was_asked(0);
}

#[tokio::test]
async fn two_releases_with_leases_of_their_own_both_lead() {
    let stage = Stage::new("scope").await;
    let elsewhere = stage.another_namespace().await;
    stage.account.allow_namespace(&elsewhere).await;
    stage.account.allow_lease("second").await;
    let one = stage.operator().elected().start().await;
    let two = stage
        .operator()
        .elected()
        .flag("--watch-namespaces", &elsewhere)
        .flag("--lease-name", "second")
        .start()
        .await;
    for operator in [&one, &two] {
        eventually("it leads", 10, async || {
            check(operator.metric("miniprogram_leader", &[]).await > 0.0, || "it does not".into())
        })
        .await;
    }
    stage.app("shop").ready().await;
}

#[tokio::test]
async fn an_object_that_leaves_the_selector_says_so_and_costs_no_call_when_it_is_back() {
    let stage = Stage::new("scope").await;
    let _operator = stage.operator().flag("--selector", "tier=gold").start().await;
    let shop = stage.app("shop").label("tier", "gold").ready().await;
    shop.patch(json!({ "metadata": { "labels": { "tier": "silver" } } })).await;
    let told = shop.until_says(Ready, "Unknown/NotSelected").await;
    let token = told
        .status
        .as_ref()
        .and_then(|status| status.token.as_ref())
        .expect("it still tells of the token");
    assert!(token.next_refresh_time.is_none(), "nothing is planned");
    shop.patch(json!({ "metadata": { "labels": { "tier": "gold" } } })).await;
    shop.until_says(Ready, "True/TokenAvailable").await;
    shop.was_asked(1);
}
