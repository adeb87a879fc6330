//! What people ask for by annotation: a refresh, once for each value; a new token, if theirs is the current one.

use miniprogram_operator::api::{ConditionType::CredentialValid, MiniProgram};
use serde_json::json;

use crate::harness::{
    Stage,
    wait::{check, eventually},
};

const REQUEST: &str = "miniprogram.dev/refresh-requested";
const INVALID: &str = "miniprogram.dev/invalid-token";

fn fingerprint(mini: &MiniProgram) -> String {
    mini.status.as_ref().and_then(|status| status.token.as_ref()).expect("a token").fingerprint.clone()
}

fn handled(mini: &MiniProgram) -> Option<&str> {
    mini.status.as_ref()?.handled_refresh_request.as_deref()
}

#[tokio::test]
async fn a_request_is_answered_once_for_each_value_also_over_restarts() {
    let stage = Stage::new("annotations").await;
    for mode in ["Stable", "Legacy"] {
        let mut operator = stage.operator().start().await;
        let shop = stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready().await;
        operator.kill();
        shop.some_hours_later().await;
        let operator = operator.again().await;
        shop.annotate(REQUEST, "first").await;
        shop.until("the request is handled", 5, |mini| handled(mini) == Some("first")).await;
        shop.was_asked(2);
        if mode == "Stable" {
            shop.until_event("TokenUnchanged").await;
        }
        shop.annotate(REQUEST, "first").await;
        shop.annotate("example.com/other", "edit").await;
        let operator = operator.restart().await;
        operator.until_calm().await;
        shop.was_asked(2);
    }
}

#[tokio::test]
async fn many_requests_make_one_call_in_thirty_seconds_in_stable_mode_and_none_in_legacy_mode() {
    let stage = Stage::new("annotations").await;
    let operator = stage.operator().start().await;
    let stable = stage.app("stable").ready().await;
    let legacy = stage.app("legacy").legacy().ready().await;
    for n in 0..100 {
        stable.annotate(REQUEST, &format!("value-{n}")).await;
        legacy.annotate(REQUEST, &format!("value-{n}")).await;
    }
    operator.until_calm().await;
    stable.was_asked(1);
    let seen = stable.until("the last request is handled", 35, |mini| handled(mini) == Some("value-99")).await;
    stable.was_asked(2);
    let calls = stable.calls();
    assert!(calls[1].arrived_ms - calls[0].arrived_ms >= 29_000, "{calls:?}");
    assert!(calls.iter().all(|call| !call.forced));
    assert!(seen.status.is_some_and(|status| status.last_failure.is_none()));
    // Its mints are five minutes apart.
    legacy.was_asked(1);
    assert_eq!(handled(&legacy.get().await), None);
}

#[tokio::test]
async fn a_long_value_is_handled_by_its_hash() {
    let stage = Stage::new("annotations").await;
    let mut operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    operator.kill();
    shop.some_hours_later().await;
    let operator = operator.again().await;
    shop.annotate(REQUEST, &"x".repeat(4000)).await;
    let seen = shop.until("the request is handled", 5, |mini| handled(mini).is_some()).await;
    assert!(handled(&seen).is_some_and(|value| value.starts_with("sha256:") && value.len() <= 80));
    operator.until_calm().await;
    shop.was_asked(2);
}

#[tokio::test]
async fn a_request_lifts_a_stop_for_one_call_and_is_handled_whatever_the_answer() {
    let stage = Stage::new("annotations").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").with_secret("wrong").create().await;
    shop.until_says(CredentialValid, "False/CredentialRejected").await;
    shop.annotate(REQUEST, "try again").await;
    operator.until_calm().await;
    shop.was_asked(1);
    shop.until("the request is handled", 35, |mini| handled(mini) == Some("try again")).await;
    operator.until_calm().await;
    shop.was_asked(2);
}

#[tokio::test]
async fn the_current_token_reported_dead_is_replaced_at_once_and_any_other_report_calls_nobody() {
    let stage = Stage::new("annotations").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let before = fingerprint(&shop.get().await);

    shop.annotate(INVALID, "sha256:0123456789ab").await;
    shop.until_event("TokenAlreadyReplaced").await;
    shop.was_asked(1);

    shop.annotate(INVALID, &before).await;
    let seen = shop.until("there is another token", 5, |mini| fingerprint(mini) != before).await;
    shop.until_token_lives(2).await;
    assert_eq!(shop.counts().forced, 1);
    assert_eq!(seen.status.and_then(|status| status.mints).expect("a count").forced_times.len(), 1);

    let operator = operator.restart().await;
    operator.until_calm().await;
    shop.was_asked(2);
}

#[tokio::test]
async fn a_force_that_changes_nothing_is_tried_twice_then_told() {
    let stage = Stage::new("annotations").await;
    let _operator = stage.operator().start().await;
    // After the first force, the platform takes no other one for a day.
    let shop = stage.app("shop").platform(|app| app.force_gap_ms = Some(86_400_000)).ready().await;
    let first = fingerprint(&shop.get().await);
    shop.annotate(INVALID, &first).await;
    let second = fingerprint(&shop.until("there is another token", 5, |mini| fingerprint(mini) != first).await);
    shop.annotate(INVALID, &second).await;
    eventually("the force in vain is told", 70, async || {
        let events = shop.events().await;
        check(events.contains(&"ForcedRefreshFruitless".into()), || format!("{events:?}"))
    })
    .await;
    assert_eq!(shop.counts().forced, 3);
    assert_eq!(fingerprint(&shop.get().await), second);
}
