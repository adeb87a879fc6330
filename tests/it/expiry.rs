//! The clock's own doing: Ready turns at expiry and not before, suspended objects rest, short lives
//! are asked after at their half.

use kube::ResourceExt;
use miniprogram_operator::api::{
    ConditionType::{Ready, TokenFresh},
    MiniProgram,
};
use platform_simulator::model::Fault;
use serde_json::json;

use crate::harness::{Stage, says};

fn expires(mini: &MiniProgram) -> i64 {
    mini.status
        .as_ref()
        .and_then(|status| status.token.as_ref())
        .expect("a token")
        .expiration_time
        .0
        .as_second()
}

fn since(mini: &MiniProgram) -> i64 {
    let conditions = mini.status.as_ref().map(|status| &status.conditions).expect("a status");
    conditions
        .iter()
        .find(|condition| condition.type_ == "Ready")
        .expect("it stands")
        .last_transition_time
        .0
        .as_second()
}

#[tokio::test]
async fn while_the_platform_is_down_ready_holds_until_expiry_and_comes_back_with_it() {
    let stage = Stage::new("expiry").await;
    let _operator = stage
        .operator()
        .flag("--request-timeout-seconds", "2")
        .flag("--connect-timeout-seconds", "1")
        .start()
        .await;
    for mode in ["Stable", "Legacy"] {
        let shop = stage
            .app(&mode.to_lowercase())
            .spec(json!({ "tokenMode": mode }))
            .short_lived(14_000, 6_000)
            .ready()
            .await;
        let good = shop.target().await;
        stage.simulator.fault(&shop.app_id, Fault::Status { status: 503 });
        let seen = shop.until_says_within(TokenFresh, "False/PlatformBusy", 10).await;
        assert_eq!(says(&seen, Ready), "True/TokenAvailable");
        let end = expires(&seen);

        let seen = shop.until_says_within(Ready, "False/Expired", 14).await;
        assert!((0..=5).contains(&(since(&seen) - end)), "{} after expiry", since(&seen) - end);
        assert_eq!(shop.target().await, good);
        shop.until_event("TokenExpired").await;

        stage.simulator.clear_faults(&shop.app_id);
        shop.until_says_within(Ready, "True/TokenAvailable", 20).await;
        shop.until_token_lives(2).await;
    }
}

#[tokio::test]
async fn a_suspended_object_calls_nobody_and_is_ready_until_its_token_expires() {
    let stage = Stage::new("expiry").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").short_lived(6_000, 3_000).ready().await;
    let suspend = |suspend: bool| json!({ "spec": { "suspend": suspend } });
    shop.patch(suspend(true)).await;
    let seen = shop.until_says(TokenFresh, "False/Suspended").await;
    assert_eq!(says(&seen, Ready), "True/TokenAvailable");
    let asked = shop.counts().calls;
    let seen = shop.until_says_within(Ready, "False/Suspended", 6).await;
    assert!(since(&seen) - expires(&seen) <= 5);
    shop.annotate("miniprogram.dev/refresh-requested", "now").await;
    stage.delete_secret(&shop.target_name()).await;
    stage.put_secret("shop-credential", "appSecret", "another").await;
    operator.until_calm().await;
    shop.was_asked(asked);

    stage.simulator.set_secret(&shop.app_id, "another");
    shop.patch(suspend(false)).await;
    shop.until_ready().await;

    // With a token that is still fresh, going on costs nothing.
    let rested = stage.app("rested").ready().await;
    rested.patch(suspend(true)).await;
    rested.until_says(TokenFresh, "False/Suspended").await;
    rested.patch(suspend(false)).await;
    rested.until_says(TokenFresh, "True/Fresh").await;
    operator.until_calm().await;
    rested.was_asked(1);
}

#[tokio::test]
async fn lives_as_the_platform_tells_them_are_believed_within_reason() {
    let stage = Stage::new("expiry").await;
    let _operator = stage.operator().start().await;
    for (name, told, life) in [
        ("string", json!("7200"), 7200),
        ("short", json!(120), 120),
        ("fraction", json!(600.9), 600),
    ] {
        let draft = stage.app(name);
        // The fault is there before the first call.
        let shop = draft.without_credential().whose_platform_knows("right").create().await;
        stage.simulator.fault(&shop.app_id, Fault::ExpiresIn { value: told });
        stage.put_secret(&format!("{name}-credential"), "appSecret", "right").await;
        let mini = shop.until_ready().await;
        let token = mini.status.as_ref().and_then(|status| status.token.as_ref()).expect("a token");
        assert_eq!(
            token.expiration_time.0.duration_since(token.issue_time.0).as_secs(),
            life,
            "{name}"
        );
        let next = token
            .next_refresh_time
            .as_ref()
            .expect("a time")
            .0
            .duration_since(token.issue_time.0)
            .as_secs();
        // Half of a short life; else in the five minutes before the end, the first one at best.
        let expected = if life <= 300 { life / 2..=life / 2 } else { life - 300..=life - 240 };
        assert!(expected.contains(&next), "{} asks after {next} s", mini.name_any());
    }
}
