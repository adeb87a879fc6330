//! Which of the objects of one app owns its token.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, STABLE, Sight, at, boot, mini_program, token};
use crate::{
    api::{ConditionType, MiniProgram, Mints, Reason, TokenMode, conditions, names},
    reconcile::{call::Why, plan::Act},
};

fn sibling(mode: TokenMode, name: &str, created: &str, accepted: Option<bool>) -> MiniProgram {
    let mut sibling = mini_program(mode);
    (sibling.metadata.name, sibling.metadata.uid) =
        (Some(name.into()), Some(format!("{name}-uid")));
    sibling.metadata.creation_timestamp = Some(Time(created.parse().expect("a time")));
    if let Some(accepted) = accepted {
        let truth = if accepted {
            conditions::ConditionStatus::True
        } else {
            conditions::ConditionStatus::False
        };
        let reason = if accepted { Reason::Accepted } else { Reason::CredentialRejected };
        let verdict = conditions::ConditionValue { truth, reason, message: String::new() };
        let status = sibling.status.get_or_insert_default();
        conditions::set(
            &mut status.conditions,
            ConditionType::CredentialValid,
            &verdict,
            Some(1),
            at(0),
        );
    }
    sibling
}

const OLDER: &str = "2026-04-01T00:00:00Z";
const YOUNGER: &str = "2026-05-01T09:00:00Z";

#[test]
fn the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody() {
    let new = |siblings: Vec<MiniProgram>| Sight::new(LEGACY).with(|sight| sight.shown = siblings);
    new(vec![sibling(LEGACY, "a", OLDER, Some(false))]).asks(500, Why::NoToken);
    new(vec![sibling(LEGACY, "a", OLDER, Some(true))]).keeps_silent(500);
    new(vec![sibling(LEGACY, "a", OLDER, None)]).keeps_silent(500);
    new(vec![sibling(LEGACY, "a", YOUNGER, None)]).asks(500, Why::NoToken);
    new(vec![sibling(LEGACY, "a", YOUNGER, Some(true))]).keeps_silent(500);
    new(vec![sibling(STABLE, "a", OLDER, Some(true))]).asks(500, Why::NoToken);
    let mut suspended = sibling(LEGACY, "a", OLDER, Some(true));
    suspended.spec.suspend = true;
    new(vec![suspended]).asks(500, Why::NoToken);
    // On a stable endpoint no object's call ends the token of another.
    Sight::new(STABLE)
        .with(|sight| sight.shown = vec![sibling(STABLE, "a", OLDER, Some(true))])
        .asks(500, Why::NoToken);
}

#[test]
fn who_is_being_deleted_and_held_by_a_finalizer_holds_no_app_up() {
    for accepted in [None, Some(true)] {
        let mut going = sibling(LEGACY, "a", OLDER, accepted);
        going.metadata.deletion_timestamp = Some(Time(at(0)));
        going.metadata.finalizers = Some(vec!["example.com/stays".into()]);
        Sight::new(LEGACY).with(|sight| sight.shown = vec![going]).asks(500, Why::NoToken);
    }
}

#[test]
fn nobody_waits_for_an_older_object_that_could_not_store_a_token() {
    let blocked = |accepted, reason, stalled| {
        let mut sibling = sibling(LEGACY, "a", OLDER, accepted);
        let status = sibling.status.get_or_insert_default();
        let mut set = |kind, truth, reason| {
            let verdict = conditions::ConditionValue { truth, reason, message: String::new() };
            conditions::set(&mut status.conditions, kind, &verdict, Some(1), at(0));
        };
        set(ConditionType::TargetSynced, conditions::ConditionStatus::False, reason);
        if stalled {
            set(ConditionType::Stalled, conditions::ConditionStatus::True, reason);
        }
        Sight::new(LEGACY).with(|sight| sight.shown = vec![sibling])
    };
    for reason in [
        Reason::Conflict,
        Reason::Immutable,
        Reason::WriteFailed,
        Reason::Forbidden,
        Reason::Altered,
    ] {
        blocked(None, reason, false).asks(500, Why::NoToken);
        // The object that owns the app has a token, or may get one in a moment.
        blocked(Some(true), reason, false).keeps_silent(500);
    }
    for reason in [Reason::Conflict, Reason::Immutable, Reason::Forbidden] {
        blocked(Some(true), reason, true).asks(500, Why::NoToken);
    }
    blocked(Some(true), Reason::AppIdConflict, true).keeps_silent(500);
}

#[test]
fn an_older_object_whose_credential_is_not_tried_is_waited_for_a_minute_and_status_says_so() {
    let mut sight = Sight::new(LEGACY).with(|sight| {
        sight.shown = vec![sibling(LEGACY, "a", OLDER, None)];
        sight.recall.sightings.waiting_since = Some(boot(500));
    });
    let planned = sight.keeps_silent(510);
    assert!(planned.waits);
    assert_eq!(planned.wake, Duration::from_secs(50));
    for kind in [ConditionType::TokenFresh, ConditionType::Ready] {
        sight.says_of(510, kind, "Unknown", Reason::WaitingForOlderObject);
    }
    sight.asks(560, Why::NoToken);
}

#[test]
fn an_app_secret_that_was_never_accepted_uses_up_nothing_of_the_apps() {
    let sibling = |accepted| {
        let mut sibling = sibling(STABLE, "a", YOUNGER, accepted);
        let forced_times = (0..20).map(|number| Time(at(10 * number))).collect();
        sibling.status.get_or_insert_default().mints = Some(Mints {
            day: "2026-05-01".into(),
            count: 200,
            last_time: Some(Time(at(190))),
            forced_times,
        });
        sibling
    };
    let reported = |accepted| {
        let mut sight = Sight::healthy(STABLE).with(|sight| sight.shown = vec![sibling(accepted)]);
        sight.recall.calls.sibling_asked = Some(at(190).to_string());
        sight.annotate(names::INVALID_TOKEN, &token().fingerprint());
        sight
    };
    for accepted in [None, Some(false)] {
        let Act::RecordIntent(wanted) = reported(accepted).plan_live(500) else {
            panic!("{accepted:?}: a forced call")
        };
        assert!(wanted.force);
    }
    // The forced calls of an accepted object use up the quota until midnight, and the status
    // reports the wait.
    let mut sight = reported(Some(true));
    sight.keeps_silent(500);
    sight.says_of(500, ConditionType::TokenFresh, "False", Reason::ReportedInvalid);
    let Act::Status(status) = sight.plan(500).act else { panic!("it is reported") };
    let next = status.token.and_then(|token| token.next_refresh_time).expect("a time");
    assert_eq!(
        next.0.to_string(),
        "2026-05-01T11:55:32Z",
        "the token's own time comes before midnight"
    );
}

#[test]
fn who_stops_being_a_loser_asks_at_once() {
    let mut sight = Sight::healthy(LEGACY);
    let verdict = conditions::ConditionValue {
        truth: conditions::ConditionStatus::False,
        reason: Reason::AppIdConflict,
        message: String::new(),
    };
    conditions::set(
        &mut sight.status().conditions,
        ConditionType::TokenFresh,
        &verdict,
        Some(1),
        at(0),
    );
    sight.asks(500, Why::WonApp);
}

#[test]
fn a_siblings_newer_token_is_asked_after_once_on_stable_endpoints() {
    let mut newer = sibling(STABLE, "a", OLDER, Some(true));
    let mut token = Sight::healthy(STABLE).status().token.clone().expect("a token");
    (token.fingerprint, token.issue_time) = ("sha256:newer".into(), Time(at(400)));
    newer.status.get_or_insert_default().token = Some(token);
    Sight::healthy(STABLE)
        .with(|sight| sight.shown = vec![newer.clone()])
        .asks(500, Why::SiblingNewer);
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.shown = vec![newer]);
    sight.recall.calls.sibling_asked = Some("sha256:newer".into());
    sight.keeps_silent(500);
}
