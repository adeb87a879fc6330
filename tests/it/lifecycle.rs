//! Objects come, go and come again: by cascade, at once, with another's Secret in between; and what
//! people see of them meanwhile.

use kube::api::DeleteParams;
use miniprogram_operator::api::{
    ConditionType::{Ready, Stalled},
    MiniProgram,
};
use serde_json::json;

use crate::harness::{
    Stage, plane, says,
    wait::{check, eventually},
};

const MODES: [&str; 2] = ["Stable", "Legacy"];

#[tokio::test]
async fn a_deletion_in_the_foreground_costs_no_call() {
    let stage = Stage::new("lifecycle").await;
    let operator = stage.operator().start().await;
    for mode in MODES {
        let shop = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await;
        let minis = stage.api::<MiniProgram>();
        minis.delete(&shop.name, &DeleteParams::foreground()).await.expect("deleted");
        eventually("the object is gone", 10, async || {
            check(minis.get_opt(&shop.name).await.expect("an answer").is_none(), || {
                "it is there".into()
            })
        })
        .await;
        stage.until_no_secret(&shop.target_name(), 5).await;
        operator.until_calm().await;
        shop.was_asked(1);
    }
}

#[tokio::test]
async fn who_is_deleted_and_made_again_at_once_is_asked_for_once_more_and_never_conflicts() {
    let stage = Stage::new("lifecycle").await;
    let operator = stage.operator().start().await;
    for mode in MODES {
        let name = mode.to_lowercase();
        let shop = stage.app(&name).spec(json!({ "tokenMode": mode })).ready().await;
        shop.delete().await;
        let again =
            stage.app(&name).of_app(&shop.app_id).spec(json!({ "tokenMode": mode })).create().await;
        again.until_says_within(Ready, "True/TokenAvailable", 15).await;
        again.until_token_lives(2).await;
        operator.until_calm().await;
        again.was_asked(2);
        assert!(!again.events().await.contains(&"Conflict".into()), "{:?}", again.events().await);
    }
}

#[tokio::test]
async fn stalled_waits_for_an_install_to_finish_and_not_for_the_platforms_word() {
    let stage = Stage::new("lifecycle").await;
    let _operator = stage.operator().start().await;
    let waiting = stage.app("waiting").without_credential().create().await;
    let seen = waiting.until_says(Ready, "False/SecretNotFound").await;
    assert_eq!(
        says(&seen, Stalled),
        "",
        "helm fails at once on Stalled, and the credential may come a moment later"
    );
    let rejected = stage.app("rejected").with_secret("wrong").create().await;
    let seen = rejected.until_says(Ready, "False/CredentialRejected").await;
    assert_eq!(says(&seen, Stalled), "True/CredentialRejected");
    waiting.until_says_within(Stalled, "True/SecretNotFound", 62).await;
}

#[tokio::test]
async fn kubectl_shows_what_people_look_for() {
    let stage = Stage::new("lifecycle").await;
    let _operator = stage.operator().start().await;
    let shop = stage
        .app("shop")
        .legacy()
        .spec(json!({ "displayName": "象叔叔的小店", "type": "电商" }))
        .ready()
        .await;
    let kubectl = |arguments: &[&str]| {
        let output = plane()
            .kubectl()
            .args(["-n", &stage.namespace])
            .args(arguments)
            .output()
            .expect("kubectl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let columns = |text: &str| {
        text.lines().next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let narrow = kubectl(&["get", "mp"]);
    assert_eq!(columns(&narrow), "NAME PLATFORM APPID READY REASON FRESH EXPIRES AGE");
    let mini = shop.get().await;
    let token = mini.status.and_then(|status| status.token).expect("a token");
    for shown in [
        shop.app_id.as_str(),
        "WeChat",
        "True",
        "TokenAvailable",
        &token.expiration_time.0.to_string(),
    ] {
        assert!(narrow.contains(shown), "{narrow}");
    }
    let wide = kubectl(&["get", "mp", "-o", "wide"]);
    assert_eq!(
        columns(&wide),
        "NAME PLATFORM APPID READY REASON FRESH EXPIRES DISPLAY-NAME TYPE SECRET MODE NEXT-REFRESH MESSAGE AGE"
    );
    let next = token.next_refresh_time.expect("a time").0.to_string();
    for shown in [
        "象叔叔的小店",
        "电商",
        "shop-token",
        "Legacy",
        &next,
        "Secret shop-token holds a valid token",
    ] {
        assert!(wide.contains(shown), "{wide}");
    }
    kubectl(&["wait", "mp/shop", "--for=condition=Ready", "--timeout=15s"]);
    let described = kubectl(&["describe", "mp", "shop"]);
    assert!(described.contains("TokenIssued"), "{described}");
    assert!(
        kubectl(&[
            "get",
            "miniprograms",
            "--field-selector",
            &format!("spec.appID={}", shop.app_id)
        ])
        .contains("shop")
    );
}

#[tokio::test]
async fn an_objects_series_come_and_go_with_it() {
    let stage = Stage::new("lifecycle").await;
    let operator = stage.operator().flag("--per-object-metrics", "true").start().await;
    let shop = stage.app("shop").ready().await;
    let of_shop = format!("namespace=\"{}\",name=\"shop\"", stage.namespace);
    let series =
        async || operator.metrics().await.lines().filter(|line| line.contains(&of_shop)).count();
    eventually("its series are there", 5, async || check(series().await >= 6, || "not yet".into()))
        .await;
    assert!(operator.metric("miniprogram_token_expiration_timestamp_seconds", &[]).await > 1.0e9);
    assert!((operator.metric("miniprogram_refresh_total", &["success"]).await - 1.0).abs() < 0.5);
    shop.delete().await;
    eventually("its series are gone", 5, async || {
        check(series().await == 0, || "some are left".into())
    })
    .await;
}
