//! What the status says while calls fail or wait: since when, what the platform said, and when it is
//! asked next. Repeated plans report the same.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, LIFE, STABLE, Sight, at, boot, token};
use crate::{
    api::{ConditionType, MiniProgramStatus, Mints, Reason, conditions, names},
    reconcile::{memory::AppMints, observed::CredentialRead, plan::Act},
};

use ConditionType::{CredentialValid, Ready, TargetSynced, TokenFresh};

/// Writes the status that is planned at this time, and asserts that it is written once.
#[track_caller]
fn written(sight: &mut Sight, seconds: u64) -> MiniProgramStatus {
    let Act::Status(status) = sight.keeps_silent(seconds).act else { panic!("it is reported") };
    sight.mp.status = Some((*status).clone());
    sight.recall.calls.accepted = None;
    for later in [seconds, seconds + 1] {
        let again = sight.keeps_silent(later).act;
        assert!(matches!(again, Act::Rest), "{again:?}");
    }
    *status
}

fn message(status: &MiniProgramStatus, kind: ConditionType) -> &str {
    conditions::find(&status.conditions, kind).map_or("", |condition| &condition.message)
}

fn reason(status: &MiniProgramStatus, kind: ConditionType) -> Option<Reason> {
    conditions::find(&status.conditions, kind).and_then(Reason::of)
}

/// An object whose token was reported invalid while a limit delays its replacement.
fn reported(sight: &mut Sight) {
    sight.annotate(names::INVALID_TOKEN, &token().fingerprint());
    let mints =
        Mints { day: "2026-05-01".into(), last_time: Some(Time(at(0))), ..Mints::default() };
    sight.status().mints = Some(mints);
}

#[test]
fn a_reported_token_that_waits_says_when_the_platform_is_asked() {
    let forced = |sight: &mut Sight| {
        let mints = Mints {
            day: "2026-05-01".into(),
            forced_times: vec![Time(at(80))],
            ..Mints::default()
        };
        sight.status().mints = Some(mints.clone());
        sight.app = AppMints { mints, forced_at: Some(boot(80)), ..AppMints::default() };
        sight.status().token.as_mut().expect("a token").check_time = Some(Time(at(80)));
    };
    let mut stable = Sight::healthy(STABLE).with(reported).with(forced);
    let mut legacy = Sight::healthy(LEGACY).with(reported);
    for (sight, wait, time) in [(&mut stable, 115, "10:01:55"), (&mut legacy, 300, "10:05:00")] {
        let status = written(sight, 100);
        assert_eq!(reason(&status, TokenFresh), Some(Reason::ReportedInvalid));
        assert_eq!(
            message(&status, TokenFresh),
            format!("The token was reported invalid; WeChat is asked at {time} UTC")
        );
        let token = status.token.expect("a token");
        assert_eq!(token.next_refresh_time, Some(Time(at(wait))));
    }
}

#[test]
fn a_second_report_in_a_row_points_at_another_caller() {
    let mut sight = Sight::healthy(LEGACY).with(reported);
    sight.recall.calls.reported = 1;
    let status = written(&mut sight, 100);
    assert_eq!(reason(&status, TokenFresh), Some(Reason::AnotherCaller));
    let said = message(&status, TokenFresh);
    assert!(said.contains("Another caller") && said.ends_with("asked at 10:05:00 UTC"), "{said}");
}

#[test]
fn an_expired_token_has_what_the_platform_says_and_when_it_is_asked_next() {
    let cases = [
        (Reason::PlatformBusy, Some("-1"), None, 8, "WeChat says that it is busy (-1), 8 attempts"),
        (Reason::PlatformUnreachable, None, None, 1, "WeChat does not answer, 1 attempt"),
        (
            Reason::IpNotAllowed,
            Some("40164"),
            Some("203.0.113.7"),
            2,
            "WeChat refuses calls from 203.0.113.7 (40164), 2 attempts",
        ),
    ];
    for (reason, code, ip, attempts, said) in cases {
        let mut sight = Sight::healthy(STABLE);
        sight.fails(reason, LIFE + 10, LIFE + 25);
        let failure = sight.status().last_failure.as_mut().expect("a failure");
        failure.platform_code = code.map(str::to_owned);
        failure.caller_ip = ip.map(str::to_owned);
        failure.attempts = attempts;
        let status = written(&mut sight, LIFE + 12);
        let next = "next at 12:00:25 UTC";
        assert_eq!(message(&status, Ready), format!("Expired at 12:00:00 UTC; {said}, {next}"));
        assert_eq!(status.next_call.and_then(|next| next.time), Some(Time(at(LIFE + 25))));
    }
}

#[test]
fn each_failure_moves_the_next_call_however_near_the_one_before_was() {
    let mut sight = Sight::healthy(STABLE);
    sight.fails(Reason::PlatformBusy, LIFE - 100, LIFE - 98);
    written(&mut sight, LIFE - 100);
    sight.fails(Reason::PlatformBusy, LIFE - 98, LIFE - 94);
    let Act::Status(status) = sight.keeps_silent(LIFE - 97).act else { panic!("it is reported") };
    assert_eq!(status.next_call.and_then(|next| next.time), Some(Time(at(LIFE - 94))));
}

#[test]
fn advice_names_what_to_compare_and_not_what_breaks_more() {
    let failed = |reason: Reason, code: Option<&str>| {
        let mut sight = Sight::healthy(STABLE);
        sight.fails(reason, LIFE - 100, LIFE - 50);
        sight.status().last_failure.as_mut().expect("a failure").platform_code =
            code.map(str::to_owned);
        written(&mut sight, LIFE - 99)
    };
    let unknown = failed(Reason::BadResponse, Some("50002"));
    let said = message(&unknown, TokenFresh);
    assert!(said.starts_with("WeChat refused with 50002, which this version does not know"));
    let portal = failed(Reason::BadResponse, None);
    assert!(message(&portal, TokenFresh).contains("not a portal or a proxy"));

    let mut rejected = Sight::healthy(STABLE);
    rejected.fails(Reason::CredentialRejected, 500, 2300);
    let condition = &mut rejected.status().conditions;
    let valid = condition.iter_mut().find(|condition| condition.type_ == "CredentialValid");
    let valid = valid.expect("a condition");
    (valid.status, valid.reason) = ("False".into(), "CredentialRejected".into());
    let said = written(&mut rejected, 501);
    let said = message(&said, CredentialValid);
    for part in
        ["key appSecret", "Secret shop-credential", "wx0123456789abcdef", "only if it is lost"]
    {
        assert!(said.contains(part), "no {part} in {said}");
    }

    let mut frozen = Sight::healthy(LEGACY);
    frozen.immutable = true;
    frozen.annotate(super::sight::REQUEST, "now");
    let Act::Status(status) = frozen.keeps_silent(500).act else { panic!("it is reported") };
    let said = message(&status, TargetSynced);
    assert!(said.contains("Choose another spec.target.name"), "{said}");
}

#[test]
fn the_time_at_which_a_changed_app_secret_was_accepted_stays_in_the_message() {
    let mut sight = Sight::healthy(STABLE);
    sight.recall.calls.accepted = Some(at(500));
    let status = written(&mut sight, 501);
    assert_eq!(
        message(&status, CredentialValid),
        "WeChat accepts the app secret in Secret shop-credential, which was changed, since 2026-05-01T10:08:20Z"
    );
    sight.mp.spec.credential_ref.name = "shop".into();
    sight.live = Some(CredentialRead::Is {
        version: super::sight::credential(),
        value: Some(Ok(super::sight::secret())),
    });
    let Act::Status(status) = sight.plan_noted(600).act else { panic!("another Secret is named") };
    let said = message(&status, CredentialValid);
    assert_eq!(said, "WeChat accepts the app secret in Secret shop");
}

#[test]
fn where_a_token_ends_sooner_than_a_mounted_file_changes_the_status_says_what_pods_do() {
    for (name, seconds) in
        [("QQBot", Some(60)), ("QQ", Some(0)), ("WeCom", None), ("Kuaishou", None)]
    {
        let platform = crate::platform::find(name).expect("a platform");
        let message = Sight::of_platform(platform).message(10, TokenFresh);
        let says = |seconds| message.contains(&format!("works for {seconds} s at most"));
        assert_eq!(message.contains("lag behind"), seconds.is_some(), "{name}: {message}");
        assert!(seconds.is_none_or(says), "{name}: {message}");
    }
}
