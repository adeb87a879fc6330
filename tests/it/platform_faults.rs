//! A platform's bad days: every fault has its reason, leaves the Secret byte for byte as it was,
//! and heals.

use std::ops::RangeInclusive;

use futures::{StreamExt as _, stream};
use kube::ResourceExt;
use miniprogram_operator::api::ConditionType::{CredentialValid, Ready, TokenFresh};
use platform_simulator::model::Fault;
use serde_json::json;

use crate::harness::{Mini, Stage, message, says};

/// Seconds from a failed call until the next one, within the token's last five minutes. The call
/// may take three of them.
const SOON: RangeInclusive<i64> = 1..=6;
const MINUTE: RangeInclusive<i64> = 60..=74;
const FIVE_MINUTES: RangeInclusive<i64> = 300..=304;
/// Half an hour, or what is left of the platform's quota day.
const LONG: RangeInclusive<i64> = 1..=1804;
const STOP: RangeInclusive<i64> = 1800..=1804;
/// On a rotating endpoint, what may have been done is not asked for again at once.
const MAY_HAVE_MINTED: RangeInclusive<i64> = 15..=21;

struct Case {
    name: &'static str,
    fault: Fault,
    reason: &'static str,
    again: RangeInclusive<i64>,
    /// Whether the platform may have made a token.
    unknown: bool,
}

fn case(
    name: &'static str,
    fault: Fault,
    reason: &'static str,
    again: RangeInclusive<i64>,
) -> Case {
    Case { name, fault, reason, again, unknown: false }
}

fn unknown(name: &'static str, fault: Fault, reason: &'static str) -> Case {
    Case { name, fault, reason, again: SOON, unknown: true }
}

fn code(name: &'static str, code: i64, reason: &'static str, again: RangeInclusive<i64>) -> Case {
    case(name, Fault::Code { code, msg: None }, reason, again)
}

fn cases() -> Vec<Case> {
    let body =
        |content: &str| Fault::Body { content: content.into(), status: 200, content_type: None };
    vec![
        code("busy", -1, "PlatformBusy", SOON),
        code("unknown-code", 12345, "BadResponse", SOON),
        code("rejected", 40125, "CredentialRejected", STOP),
        code("rejected-too", 40001, "CredentialRejected", STOP),
        code("app-id", 40013, "AppIDRejected", STOP),
        code("frozen", 40243, "AppSecretFrozen", STOP),
        code("day-quota", 45009, "QuotaExhausted", LONG),
        code("minute-quota", 45011, "Throttled", MINUTE),
        code("approval", 89503, "AwaitingAdminApproval", FIVE_MINUTES),
        case(
            "ip",
            Fault::Code {
                code: 40164,
                msg: Some("invalid ip 203.0.113.7, not in whitelist".into()),
            },
            "IPNotAllowed",
            MINUTE,
        ),
        unknown("bad-gateway", Fault::Status { status: 502 }, "PlatformBusy"),
        unknown("drop", Fault::Drop { reset: false }, "PlatformUnreachable"),
        unknown("reset", Fault::Drop { reset: true }, "PlatformUnreachable"),
        unknown("drop-after-mint", Fault::DropAfterMint { reset: true }, "PlatformUnreachable"),
        unknown("hang", Fault::Hang, "PlatformUnreachable"),
        unknown("html", Fault::Html, "BadResponse"),
        unknown("truncated", Fault::TruncatedJson, "BadResponse"),
        unknown("empty", Fault::Empty, "BadResponse"),
        unknown("nothing", body(""), "BadResponse"),
        unknown("huge", Fault::Huge { bytes: 1 << 20 }, "BadResponse"),
        unknown(
            "redirect",
            Fault::Redirect { location: "http://127.0.0.1:1/".into(), status: 302 },
            "BadResponse",
        ),
        unknown("no-text", Fault::WrongType { field: "access_token".into() }, "BadResponse"),
        unknown("zero", Fault::ExpiresIn { value: json!(0) }, "BadResponse"),
        unknown("negative", Fault::ExpiresIn { value: json!(-5) }, "BadResponse"),
        unknown("timeless", Fault::ExpiresIn { value: json!(null) }, "BadResponse"),
        unknown("endless", Fault::ExpiresIn { value: json!(1e12) }, "BadResponse"),
    ]
}

/// An object with a good token, whose next refresh fails, and then does not fail any more.
async fn fails_and_heals(stage: &Stage, case: &Case, mode: &str) {
    let mini = stage
        .app(&format!("{}-{}", case.name, mode.to_lowercase()))
        .spec(json!({ "tokenMode": mode }));
    let mini = mini.short_lived(12_000, 6_000).ready().await;
    let good = mini.target().await;
    stage.simulator.fault(&mini.app_id, case.fault.clone());

    // It is asked after six seconds, half of a short life.
    let stops = matches!(case.reason, "CredentialRejected" | "AppIDRejected" | "AppSecretFrozen");
    let (kind, verdict) =
        if stops { (CredentialValid, case.reason) } else { (TokenFresh, case.reason) };
    let seen = mini.until_says_within(kind, &format!("False/{verdict}"), 6 + 5).await;
    let failure =
        seen.status.as_ref().and_then(|status| status.last_failure.clone()).expect("a failure");
    assert_eq!(failure.reason, case.reason, "{}", case.name);
    let again = failure.next_attempt_time.0.duration_since(failure.time.0).as_secs();
    let expected =
        if case.unknown && mode == "Legacy" { MAY_HAVE_MINTED } else { case.again.clone() };
    assert!(
        expected.contains(&again),
        "{} in {mode} mode is tried again after {again} s",
        case.name
    );
    if case.name == "ip" {
        assert!(
            message(&seen, TokenFresh).contains("203.0.113.7"),
            "{}",
            message(&seen, TokenFresh)
        );
    }
    assert_eq!(mini.target().await, good, "{}", case.name);

    stage.simulator.clear_faults(&mini.app_id);
    if *expected.end() > 20 {
        lift(&mini).await;
    }
    mini.until("it has a new token", 20, |mini| {
        let fingerprint = |annotations: &std::collections::BTreeMap<String, String>| {
            annotations.get("miniprogram.dev/fingerprint").cloned()
        };
        let token = mini
            .status
            .as_ref()
            .and_then(|status| status.token.as_ref())
            .map(|token| token.fingerprint.clone());
        token.is_some()
            && token != fingerprint(good.annotations())
            && says(mini, Ready) == "True/TokenAvailable"
    })
    .await;
    assert!(mini.get().await.status.expect("a status").last_failure.is_none());
}

/// A dozen at a time: their tokens live for seconds.
async fn all_fail_and_heal(stage: &Stage, mode: &str) {
    stream::iter(cases())
        .for_each_concurrent(12, async |case| fails_and_heals(stage, &case, mode).await)
        .await;
}

/// What a person does: saves the credential once more.
async fn lift(mini: &Mini<'_>) {
    mini.stage.put_secret(&format!("{}-credential", mini.name), "saved", "again").await;
}

#[tokio::test]
async fn every_fault_has_its_reason_leaves_the_secret_alone_and_heals_in_stable_mode() {
    let stage = Stage::new("faults").await;
    let _operator = stage
        .operator()
        .flag("--request-timeout-seconds", "2")
        .flag("--connect-timeout-seconds", "1")
        .start()
        .await;
    all_fail_and_heal(&stage, "Stable").await;
}

#[tokio::test]
async fn every_fault_has_its_reason_leaves_the_secret_alone_and_heals_in_legacy_mode() {
    let stage = Stage::new("faults").await;
    let _operator = stage
        .operator()
        .flag("--request-timeout-seconds", "2")
        .flag("--connect-timeout-seconds", "1")
        .start()
        .await;
    all_fail_and_heal(&stage, "Legacy").await;
}

#[tokio::test]
async fn a_platform_that_cannot_be_connected_to_is_unreachable_whatever_the_cause() {
    let stage = Stage::new("faults").await;
    let (plain, tls) = (stage.simulator.url(), stage.simulator.url().replace("http:", "https:"));
    for (name, endpoint) in [
        ("refused", "http://127.0.0.1:1"),
        ("tls", tls.as_str()),
        ("dns", "https://nobody.invalid"),
    ] {
        let operator = stage
            .operator()
            .flag("--platform-endpoint", &format!("WeChat={endpoint}"))
            .flag("--connect-timeout-seconds", "2");
        let operator = operator.start().await;
        let mini = stage.app(name).legacy().create().await;
        let seen = mini.until_says(TokenFresh, "False/PlatformUnreachable").await;
        assert_eq!(says(&seen, Ready), "False/PlatformUnreachable");
        // Nothing was sent: no token can have been made, and no intent is left.
        assert!(seen.status.expect("a status").intent.is_none(), "{name}");
        mini.was_asked(0);
        drop(operator);

        let both = stage
            .operator()
            .flag("--platform-endpoint", &format!("WeChat={endpoint},{plain}"))
            .flag("--connect-timeout-seconds", "2");
        let _operator = both.start().await;
        mini.until_says_within(Ready, "True/TokenAvailable", 20).await;
        mini.was_asked(1);
    }
}

#[tokio::test]
async fn what_was_sent_and_not_answered_is_not_sent_to_another_host() {
    let stage = Stage::new("faults").await;
    let url = stage.simulator.url();
    let operator =
        stage.operator().flag("--platform-endpoint", &format!("WeChat={url},{url}")).start().await;
    stage.simulator.fault_for_all(Fault::DropAfterMint { reset: false });
    let mini = stage.app("shop").legacy().create().await;
    mini.until_says(TokenFresh, "False/PlatformUnreachable").await;
    operator.until_calm().await;
    mini.was_asked(1);
}
