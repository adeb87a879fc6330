//! Counterexamples that the simulation found, each as the smallest observation that shows it.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, LIFE, STABLE, Sight, at, boot, mini_program, token};
use crate::{
    api::{
        ConditionType, MiniProgram, Mints, Reason, TokenMode,
        conditions::{self, ConditionStatus, ConditionValue},
        names,
    },
    reconcile::{
        call::{Wanted, Why},
        memory::LastMint,
        plan::Act,
    },
};

const HOUR: u64 = 3600;

/// The object that owns the app: older, with an accepted credential and a token of its own.
fn winner(mode: TokenMode, issued: u64) -> MiniProgram {
    let mut status = Sight::healthy(mode).status().clone();
    let token = status.token.as_mut().expect("a token");
    (token.fingerprint, token.issue_time) = ("sha256:theirs".into(), Time(at(issued)));
    let mut winner = mini_program(mode);
    (winner.metadata.name, winner.metadata.uid) = (Some("elder".into()), Some("elder-uid".into()));
    winner.metadata.creation_timestamp =
        Some(Time("2026-04-01T00:00:00Z".parse().expect("a time")));
    winner.status = Some(status);
    winner
}

#[test]
fn a_token_whose_end_was_counted_anew_from_a_fast_clock_is_believed() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        let end = at(24 * HOUR + 2400);
        sight.target().token.as_mut().expect("a token").expires = end;
        let token = sight.status().token.as_mut().expect("a token");
        (token.expiration_time, token.check_time) = (Time(end), Some(Time(at(3000))));
    });
    sight.keeps_silent(3100);
}

#[test]
fn an_end_that_was_counted_from_a_call_yet_to_come_is_not_believed() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.status().token.as_mut().expect("a token").check_time = Some(Time(at(HOUR)));
    });
    sight.asks(500, Why::Unbelievable);
}

#[test]
fn a_clock_that_went_back_does_not_lengthen_a_tokens_life() {
    let mut sight = Sight::healthy(LEGACY);
    let token = sight.target().token.clone().expect("a token");
    // The token has two hours left by the wall clock, and one by boot time.
    sight.recall.sightings.ends = vec![(token, boot(HOUR))];
    sight.asks(100, Why::Unbelievable);
}

#[test]
fn a_failure_is_not_made_void_by_an_issue_time_yet_to_come() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.date(2 * HOUR, 4 * HOUR);
        sight.fails(Reason::PlatformUnreachable, 490, 520);
    });
    sight.keeps_silent(500);
}

#[test]
fn an_unconfirmed_token_that_came_again_is_confirmed_two_minutes_after_the_later_call() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.target().unconfirmed = true;
        sight.intends("call-0", true);
        sight.status().intent.as_mut().expect("an intent").time = Time(at(400));
    });
    sight.keeps_silent(500);
    sight.asks(600, Why::Unconfirmed);
}

#[test]
fn a_new_target_that_the_old_one_cannot_fill_is_worth_a_call() {
    let mut sight = Sight::healthy(STABLE);
    let old = sight.target.take().expect("a target");
    sight.recall.writes.unmatched = Some(old.version.clone());
    sight.mp.spec.target =
        serde_json::from_value(serde_json::json!({ "name": "renamed" })).expect("a target");
    sight.old = vec![old];
    sight.asks(500, Why::TargetMissing);
}

#[test]
fn what_an_object_minted_that_is_gone_since_is_remembered() {
    let mut sight = Sight::healthy(LEGACY);
    sight.app.mints = Mints { last_time: Some(Time(at(300))), ..Mints::default() };
    sight.asks(700, Why::WonApp);
}

#[test]
fn a_siblings_token_of_the_same_second_may_be_the_newer_one() {
    let mut sight = Sight::healthy(STABLE);
    sight.shown = vec![winner(STABLE, 0)];
    sight.asks(500, Why::SiblingNewer);
}

#[test]
fn a_siblings_time_yet_to_come_is_no_reason_to_ask_and_none_to_be_ready() {
    let mut sight =
        Sight::healthy(LEGACY).with(|sight| sight.shown = vec![winner(LEGACY, 5 * HOUR)]);
    assert!(!matches!(
        sight.plan(500).act,
        Act::ReadLive { .. } | Act::RecordIntent(_) | Act::Call(_)
    ));
    sight.says_of(500, ConditionType::Ready, "False", Reason::AppIdConflict);
}

#[test]
fn a_losers_token_from_before_the_clock_went_back_is_no_reason_to_be_ready() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| {
        let mut winner = winner(LEGACY, 0);
        winner.status.as_mut().expect("a status").token = None;
        sight.shown = vec![winner];
    });
    sight.says_of(500, ConditionType::Ready, "True", Reason::TokenAvailable);
    sight.date(2 * HOUR, 4 * HOUR);
    sight.says_of(500, ConditionType::Ready, "False", Reason::AppIdConflict);
}

#[test]
fn a_forced_call_that_begins_over_an_open_intent_stays_forced() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        let fingerprint = token().fingerprint();
        sight.annotate(names::INVALID_TOKEN, &fingerprint);
        sight.intends("call-1", true);
        sight.recall.calls.own_intent = Some("call-1".into());
        sight.started = Some(Wanted { why: Why::Invalid, force: true, mints: true });
    });
    sight.read_live();
    let act = sight.plan(500).act;
    assert!(matches!(act, Act::Call(Wanted { force: true, .. })), "{act:?}");
}

#[test]
fn whatever_the_clock_was_the_process_knows_whose_mint_was_the_last() {
    let minted = |started| {
        let mut sight = Sight::healthy(LEGACY).with(|sight| sight.shown = vec![winner(LEGACY, 0)]);
        // Issued at 100 by a clock that was 430 s ahead.
        sight.date(530, 530 + LIFE);
        let token = sight.target().token.clone().expect("a token");
        sight.recall.sightings.ends = vec![(token, boot(100 + LIFE))];
        sight.app.last = Some(LastMint { started: boot(started), uid: "another".into() });
        sight
    };
    minted(99).says_of(500, ConditionType::Ready, "True", Reason::TokenAvailable);
    minted(300).says_of(500, ConditionType::Ready, "False", Reason::AppIdConflict);
}

#[test]
fn of_two_mints_in_one_second_who_made_both_knows_the_later_one() {
    let tied = |own: Option<u64>, others: u64| {
        let millis = |millis| boot(0) + Duration::from_millis(millis);
        Sight::healthy(LEGACY).with(|sight| {
            sight.shown = vec![winner(LEGACY, 0)];
            sight.recall.calls.minted = own.map(|own| (token().fingerprint(), millis(own)));
            sight.app.last = Some(LastMint { started: millis(others), uid: "elder-uid".into() });
        })
    };
    tied(Some(300), 600).says_of(500, ConditionType::Ready, "False", Reason::AppIdConflict);
    tied(Some(600), 300).says_of(500, ConditionType::Ready, "True", Reason::TokenAvailable);
    tied(None, 300).says_of(500, ConditionType::Ready, "False", Reason::AppIdConflict);
    let keeper = |own: Option<u64>, others: u64| {
        tied(own, others).with(|sight| {
            sight.shown[0].metadata.creation_timestamp = Some(Time(at(0)));
        })
    };
    keeper(Some(300), 600).asks(500, Why::WonApp);
    keeper(Some(600), 300).keeps_silent(500);
    keeper(None, 300).asks(500, Why::WonApp);
}

#[test]
fn a_siblings_forced_call_is_known_when_its_token_is_gone() {
    let mut sight = Sight::healthy(STABLE);
    let mut sibling = winner(STABLE, 0);
    let status = sibling.status.get_or_insert_default();
    (status.token, status.mints) =
        (None, Some(Mints { forced_times: vec![Time(at(300))], ..Mints::default() }));
    sight.shown = vec![sibling];
    sight.asks(500, Why::SiblingNewer);
    // The object's own forced call is no sibling's call.
    let mut sight = Sight::healthy(STABLE);
    sight.status().mints = Some(Mints { forced_times: vec![Time(at(300))], ..Mints::default() });
    sight.keeps_silent(500);
}

#[test]
fn a_siblings_forced_call_with_a_rejected_credential_ends_no_token() {
    let forced = Mints { forced_times: vec![Time(at(300))], ..Mints::default() };
    let rejected_at = |time| {
        let mut sibling = winner(STABLE, 0);
        let status = sibling.status.get_or_insert_default();
        (status.token, status.mints) = (None, Some(forced.clone()));
        let reason = Reason::CredentialRejected;
        let verdict =
            ConditionValue { truth: ConditionStatus::False, reason, message: String::new() };
        let kind = ConditionType::CredentialValid;
        conditions::set(&mut status.conditions, kind, &verdict, Some(1), at(time));
        let mut sight = Sight::healthy(STABLE);
        (sight.shown, sight.app.mints) = (vec![sibling], forced.clone());
        sight
    };
    rejected_at(300).keeps_silent(500);
    rejected_at(301).asks(500, Why::SiblingNewer);
    // Another object's call in the same second did end a token.
    let mut both = rejected_at(300);
    let mut accepted = winner(STABLE, 0);
    accepted.status.get_or_insert_default().mints = Some(forced.clone());
    both.shown.push(accepted);
    both.asks(500, Why::SiblingNewer);
}
