//! What the end of a call changes in the status, whatever happens to the process after it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, STABLE, Sight, at, credential};
use crate::{
    api::{ConditionType, Intent, MiniProgramStatus, Mints, Reason, TokenMode},
    platform::{Certainty, Refusal},
    reconcile::{
        call::{Call, Wanted, Why},
        memory::{Ended, How, Stored},
        plan::Act,
    },
};

/// An object whose call `call-1`, sent at 400, has ended like this.
fn ended(mode: TokenMode, how: How) -> Sight {
    let wanted = Wanted { why: Why::Requested, force: false, mints: true };
    let call = Call::for_test(wanted);
    let (generation, credential) = (Some(1), Some(credential()));
    let mut sight = Sight::healthy(mode);
    sight.recall.calls.own_intent = Some("call-1".into());
    sight.recall.calls.ended =
        Some(Box::new(Ended { call, generation, credential, mints_before: None, how }));
    sight
}

fn end(sight: &mut Sight) -> &mut Ended {
    sight.recall.calls.ended.as_mut().expect("a call that has ended")
}

fn failed(reason: Reason, unknown: bool) -> How {
    let (sent, next) = (at(400), at(4000));
    let certainty = if unknown { Certainty::Unknown } else { Certainty::Refused };
    let refusal = Refusal { certainty, ..Refusal::unknown(reason) };
    How::Failed { refusal, sent, next, attempts: 3 }
}

/// The token that the call returned is stored, and is the one that the tables use.
fn stored(unconfirmed: bool) -> Sight {
    let token = Sight::healthy(LEGACY).target().token.clone().expect("a token");
    let how = How::Token { token, sent: at(400), stored: true, same: true, unconfirmed };
    let mut sight = ended(LEGACY, how);
    (sight.target().issued_for, sight.target().unconfirmed) = (Some("call-1".into()), unconfirmed);
    let token = sight.target().token.clone().expect("a token");
    sight.recall.writes.stored = Some(Stored { call: "call-1".into(), token, asked_at: at(400) });
    sight
}

/// The status with the end of the call applied, as the plan sees it and the next write reports it.
fn reported(mut sight: Sight) -> MiniProgramStatus {
    sight.view(500, |view| view.status.clone())
}

fn intent(id: &str, outcome_unknown: bool) -> Intent {
    Intent { id: id.into(), time: Time(at(400)), outcome_unknown }
}

#[test]
fn a_token_that_a_late_request_may_replace_keeps_its_intent() {
    let with = |unconfirmed, intends| {
        let mut sight = stored(unconfirmed);
        sight.status().intent = Some(intends);
        reported(sight).intent
    };
    assert_eq!(with(false, intent("call-1", false)), None);
    assert_eq!(with(true, intent("call-1", false)), Some(intent("call-1", true)));
}

#[test]
fn a_call_that_did_nothing_takes_back_its_own_intent_and_no_older_doubt() {
    for (intends, unknown, left) in [
        (intent("call-1", false), false, None),
        (intent("call-1", true), false, Some(intent("call-1", true))),
        (intent("call-9", false), false, Some(intent("call-9", false))),
        (intent("call-1", false), true, Some(intent("call-1", false))),
    ] {
        let mut sight = ended(LEGACY, failed(Reason::PlatformBusy, unknown));
        sight.status().intent = Some(intends.clone());
        assert_eq!(reported(sight).intent, left, "{intends:?}, unknown: {unknown}");
    }
}

#[test]
fn a_request_is_handled_by_a_token_and_by_a_no_that_only_a_person_can_lift() {
    for mut sight in [stored(false), ended(STABLE, failed(Reason::CredentialRejected, false))] {
        end(&mut sight).call.handles = Some("now".into());
        assert_eq!(reported(sight).handled_refresh_request.as_deref(), Some("now"));
    }
}

#[test]
fn what_the_platform_refused_is_not_counted_but_for_a_forced_call() {
    let mints = |count, forced: &[u64]| Mints {
        day: "2026-05-01".into(),
        count,
        last_time: Some(Time(at(300))),
        forced_times: forced.iter().map(|time| Time(at(*time))).collect(),
    };
    for (how, counted) in [
        (failed(Reason::PlatformBusy, false), mints(2, &[300, 400])),
        (failed(Reason::PlatformBusy, true), mints(3, &[300, 400])),
    ] {
        let mut sight = ended(STABLE, how.clone());
        sight.status().mints = Some(mints(3, &[300, 400]));
        let unknown = matches!(&how, How::Failed { refusal, .. } if refusal.is_unknown());
        end(&mut sight).mints_before = (!unknown).then(|| mints(2, &[300]));
        assert_eq!(reported(sight).mints, Some(counted), "{how:?}");
    }
    let mut withdrawn = ended(STABLE, How::Withdrawn);
    withdrawn.status().mints = Some(mints(3, &[300, 400]));
    end(&mut withdrawn).mints_before = Some(mints(2, &[300]));
    assert_eq!(reported(withdrawn).mints, Some(mints(2, &[300])), "it was never sent");
}

#[test]
fn only_an_answer_about_the_credential_changes_what_is_said_of_it() {
    let said = |reason, truth, said| {
        let mut sight = ended(STABLE, failed(reason, false));
        sight.says_of(500, ConditionType::CredentialValid, truth, said);
    };
    said(Reason::CredentialRejected, "False", Reason::CredentialRejected);
    said(Reason::PlatformBusy, "True", Reason::Accepted);
}

#[test]
fn the_interval_begins_anew_with_an_answer_that_status_does_not_tell_of_yet() {
    let mut sight = stored(false);
    sight.mp.spec.refresh_interval_seconds = Some(450);
    // The interval since the token's issue has passed, the one since the call at 400 has not.
    let Act::Status(status) = sight.plan(500).act else { panic!("the check is reported") };
    let token = status.token.expect("a token");
    let times = (token.check_time, token.next_refresh_time);
    assert_eq!(times, (Some(Time(at(400))), Some(Time(at(850)))));
}

#[test]
fn a_token_ends_a_row_of_failures() {
    let mut sight = stored(false);
    sight.fails(Reason::PlatformBusy, 390, 4000);
    assert_eq!(reported(sight).last_failure, None);
}
