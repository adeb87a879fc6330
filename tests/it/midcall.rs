//! What changes while a call is under way: the answer counts for what was sent, and what is new is
//! seen to at once.

use miniprogram_operator::api::{
    ConditionType::{CredentialValid, Ready, TokenFresh},
    MiniProgram,
};
use platform_simulator::model::{Fault, FaultRule};
use serde_json::json;

use crate::harness::{
    Mini, Stage, says,
    wait::{check, eventually},
};

const SLOW: Fault = Fault::SlowAfterMint { ms: 1_500 };
const MODES: [&str; 2] = ["Stable", "Legacy"];

/// An object whose first call is under way and takes a while.
async fn under_way<'a>(
    stage: &'a Stage,
    name: &str,
    spec: serde_json::Value,
    secret: &str,
) -> Mini<'a> {
    let shop = stage.app(name).spec(spec).whose_first_call_meets(SLOW, secret).await;
    shop.until_called().await;
    shop
}

#[tokio::test]
async fn a_rejection_is_booked_to_the_credential_that_was_sent() {
    let stage = Stage::new("midcall").await;
    let _operator = stage.operator().start().await;
    for mode in MODES {
        let shop =
            under_way(&stage, &mode.to_lowercase(), json!({ "tokenMode": mode }), "wrong").await;
        stage.put_secret(&format!("{}-credential", shop.name), "appSecret", "right").await;
        shop.until_ready().await;
        shop.was_asked(2);
    }
}

#[tokio::test]
async fn a_token_that_comes_after_its_object_was_suspended_is_stored_all_the_same() {
    let stage = Stage::new("midcall").await;
    let operator = stage.operator().start().await;
    for mode in MODES {
        let shop =
            under_way(&stage, &mode.to_lowercase(), json!({ "tokenMode": mode }), "right").await;
        shop.patch(json!({ "spec": { "suspend": true } })).await;
        shop.until_token_lives(5).await;
        let seen = shop.until_says(Ready, "True/TokenAvailable").await;
        assert_eq!(says(&seen, TokenFresh), "False/Suspended");
        operator.until_calm().await;
        shop.was_asked(1);
        assert!(shop.get().await.status.is_some_and(|status| status.intent.is_none()));
    }
}

#[tokio::test]
async fn a_token_that_comes_after_its_object_was_deleted_is_written_nowhere() {
    let stage = Stage::new("midcall").await;
    let operator = stage.operator().start().await;
    for mode in MODES {
        for policy in ["Delete", "Retain"] {
            let name = format!("{mode}-{policy}").to_lowercase();
            let shop = under_way(
                &stage,
                &name,
                json!({ "tokenMode": mode, "target": { "deletionPolicy": policy } }),
                "right",
            )
            .await;
            shop.delete().await;
            // The answer has come once the next object's, which was asked for later, has.
            let next = under_way(&stage, &format!("{name}-next"), json!({}), "right").await;
            next.until_ready().await;
            operator.until_calm().await;
            assert!(stage.secret(&shop.target_name()).await.is_none(), "{name}");
            shop.was_asked(1);
        }
    }
}

#[tokio::test]
async fn the_mode_that_was_sent_is_on_the_target_and_the_new_one_is_asked_next() {
    let stage = Stage::new("midcall").await;
    let operator = stage.operator().start().await;
    let shop = under_way(&stage, "shop", json!({ "tokenMode": "Legacy" }), "right").await;
    shop.patch(json!({ "spec": { "tokenMode": "Stable" } })).await;
    let mode = |mini: &MiniProgram| {
        mini.metadata.generation
            == mini.status.as_ref().and_then(|status| status.observed_generation)
    };
    shop.until("the new mode is observed", 5, |mini| {
        mode(mini) && says(mini, Ready) == "True/TokenAvailable"
    })
    .await;
    operator.until_calm().await;
    let counts = shop.counts();
    assert_eq!((counts.legacy, counts.stable), (1, 1));
    let annotations = shop.target().await.metadata.annotations.unwrap_or_default();
    assert_eq!(annotations.get("miniprogram.dev/token-mode").map(String::as_str), Some("Stable"));
}

#[tokio::test]
async fn a_switch_of_the_mode_costs_one_call_and_never_the_readiness() {
    let stage = Stage::new("midcall").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let since = |mini: &MiniProgram| {
        let conditions =
            mini.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
        conditions
            .into_iter()
            .find(|condition| condition.type_ == "Ready")
            .map(|ready| ready.last_transition_time.0)
    };
    let ready_since = since(&shop.get().await);
    shop.patch(json!({ "spec": { "tokenMode": "Legacy" } })).await;
    eventually("the legacy endpoint is asked", 5, async || {
        check(shop.counts().legacy == 1, || format!("{:?}", shop.counts()))
    })
    .await;
    operator.until_calm().await;
    shop.was_asked(2);
    let seen = shop.until_says(CredentialValid, "True/Accepted").await;
    assert_eq!(since(&seen), ready_since);
    let live = stage.simulator.live_tokens(&shop.app_id);
    assert!(
        live.iter().any(|token| token.family == platform_simulator::model::Family::Stable),
        "Stable's token is none of Legacy's"
    );
}

#[tokio::test]
async fn a_target_that_was_deleted_in_mid_call_is_made_again_with_the_token_in_hand() {
    let stage = Stage::new("midcall").await;
    let operator = stage.operator().start().await;
    for mode in MODES {
        let shop = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await;
        stage.simulator.faults(&shop.app_id, vec![FaultRule::from(SLOW).times(1)]);
        stage.simulator.set_secret(&shop.app_id, "another");
        stage.put_secret(&format!("{}-credential", shop.name), "appSecret", "another").await;
        eventually("the call is under way", 5, async || {
            check(shop.counts().calls == 2, || "no call".into())
        })
        .await;
        stage.delete_secret(&shop.target_name()).await;
        shop.until_token_lives(5).await;
        operator.until_calm().await;
        shop.was_asked(2);
        shop.until_ready().await;
    }
}
