//! What people ask for by annotation: a refresh, once for each value; a new token, if theirs is the
//! current one.

use futures::{StreamExt as _, stream};
use miniprogram_operator::{
    api::{
        ConditionType::{CredentialValid, TokenFresh},
        MiniProgram,
    },
    sensitive::hex,
};
use platform_simulator::model::{Fault, FaultRule};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::harness::{
    Mini, Stage, says,
    wait::{check, eventually},
};

const REQUEST: &str = "miniprogram.dev/refresh-requested";
const INVALID: &str = "miniprogram.dev/invalid-token";

fn fingerprint(mini: &MiniProgram) -> String {
    mini.status
        .as_ref()
        .and_then(|status| status.token.as_ref())
        .expect("a token")
        .fingerprint
        .clone()
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
    let seen = stable
        .until("the last request is handled", 35, |mini| handled(mini) == Some("value-99"))
        .await;
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

/// What one call may meet, and what the status says of it.
fn passing_faults() -> Vec<(&'static str, Fault, &'static str)> {
    let code = |code| Fault::Code { code, msg: None };
    vec![
        ("busy", code(-1), "PlatformBusy"),
        ("ip", code(40164), "IPNotAllowed"),
        ("minute", code(45011), "Throttled"),
        ("html", Fault::Html, "BadResponse"),
        ("error", Fault::Status { status: 500 }, "PlatformBusy"),
        ("drop", Fault::Drop { reset: true }, "PlatformUnreachable"),
    ]
}

/// The next call for an object fails; the one after it answers the request.
async fn is_tried_again(mini: &Mini<'_>, annotation: &str, fault: Fault, reason: &str) {
    let before = mini.get().await;
    let value = if annotation == INVALID { fingerprint(&before) } else { "now".to_owned() };
    mini.stage.simulator.fault(&mini.app_id, FaultRule::from(fault).times(1));
    mini.annotate(annotation, &value).await;
    let seen = mini.until_says_within(TokenFresh, &format!("False/{reason}"), 10).await;
    assert_eq!(handled(&seen), None, "{}", mini.name);
    let is_answered = |seen: &MiniProgram| {
        if annotation == INVALID {
            fingerprint(seen) != value
        } else {
            handled(seen) == Some("now")
        }
    };
    let seen = mini
        .until("the request is answered", 100, |seen| {
            is_answered(seen) && says(seen, TokenFresh) == "True/Fresh"
        })
        .await;
    assert!(seen.status.expect("a status").last_failure.is_none(), "{}", mini.name);
}

#[tokio::test]
async fn a_request_or_a_report_whose_call_fails_once_is_tried_again() {
    let stage = Stage::new("annotations").await;
    let mut operator = stage.operator().start().await;
    let mut minis = vec![];
    for mode in ["Stable", "Legacy"] {
        for (kind, annotation) in [("request", REQUEST), ("report", INVALID)] {
            for (name, fault, reason) in passing_faults() {
                let mini = stage.app(&format!("{name}-{kind}-{}", mode.to_lowercase()));
                let mini = mini.spec(json!({ "tokenMode": mode })).ready().await;
                minis.push((mini, annotation, fault, reason));
            }
        }
    }
    operator.kill();
    for (mini, ..) in &minis {
        mini.some_hours_later().await;
    }
    let _operator = operator.again().await;
    stream::iter(minis)
        .for_each_concurrent(None, async |(mini, annotation, fault, reason)| {
            is_tried_again(&mini, annotation, fault, reason).await;
        })
        .await;
}

#[tokio::test]
async fn a_request_that_is_taken_back_leaves_no_failure_behind() {
    let stage = Stage::new("annotations").await;
    let mut operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    operator.kill();
    shop.some_hours_later().await;
    let operator = operator.again().await;
    stage.simulator.fault(&shop.app_id, Fault::Code { code: 40164, msg: None });
    shop.annotate(REQUEST, "now").await;
    shop.until_says(TokenFresh, "False/IPNotAllowed").await;
    shop.patch(json!({ "metadata": { "annotations": { REQUEST: null } } })).await;
    let seen = shop.until_says(TokenFresh, "True/Fresh").await;
    assert!(seen.status.expect("a status").last_failure.is_none());
    operator.until_calm().await;
    shop.was_asked(2);
}

#[tokio::test]
async fn a_report_that_names_no_token_is_told_and_a_whole_digest_is_taken_for_what_it_is() {
    let stage = Stage::new("annotations").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let (token, before) = (shop.token().await, fingerprint(&shop.get().await));
    shop.annotate(INVALID, "").await;
    shop.until_event("InvalidTokenMalformed").await;
    shop.annotate(INVALID, &token).await;
    shop.until_event("TokenInAnnotation").await;
    operator.until_calm().await;
    shop.was_asked(1);
    assert!(!shop.events().await.contains(&"TokenAlreadyReplaced".to_owned()));

    shop.annotate(INVALID, &hex(&Sha256::digest(token.as_bytes()), 64)).await;
    shop.until("there is another token", 5, |mini| fingerprint(mini) != before).await;
    assert_eq!(shop.counts().forced, 1);
    operator.until_calm().await;
    let events = shop.events().await;
    assert!(!events.contains(&"TokenAlreadyReplaced".to_owned()), "it worked: {events:?}");
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
    let second = fingerprint(
        &shop.until("there is another token", 5, |mini| fingerprint(mini) != first).await,
    );
    shop.annotate(INVALID, &second).await;
    eventually("the force in vain is told", 70, async || {
        let events = shop.events().await;
        check(events.contains(&"ForcedRefreshIneffective".into()), || format!("{events:?}"))
    })
    .await;
    assert_eq!(shop.counts().forced, 3);
    assert_eq!(fingerprint(&shop.get().await), second);
}
