//! The four kinds of reissue, each with one object and with two objects of an app.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LIFE, Sight, at, token};
use crate::{
    api::{ConditionType, MiniProgram, Reason, names},
    platform::{Platform, made_up},
    reconcile::{
        call::{Call, Wanted, Why},
        memory::{Precondition, UnstoredFacts},
        plan::Act,
    },
};

const REPLACING: &Platform = &made_up::REPLACING;
const LASTING: &Platform = &made_up::LASTING;
const RENEWING: &Platform = &made_up::RENEWING;
const ADDING: &Platform = &made_up::ADDING;

/// The first second in which a call is due, and the call.
fn first_call(sight: &mut Sight) -> (u64, Wanted) {
    let mut now = 10;
    loop {
        let planned = sight.plan(now);
        if let Act::Rest | Act::Status(_) = planned.act {
            now += planned.wake.as_secs().max(1);
            continue;
        }
        match sight.plan_live(now) {
            Act::Call(wanted) | Act::RecordIntent(wanted) => return (now, wanted),
            act => panic!("at {now}: {act:?}"),
        }
    }
}

/// An older object of the app, with an accepted credential and a token issued at this time.
fn sibling(platform: &Platform, issued: u64) -> MiniProgram {
    let mut sibling = Sight::of_platform(platform).mp;
    let token = sibling.status.as_mut().and_then(|status| status.token.as_mut()).expect("a token");
    (token.fingerprint, token.issue_time) = ("sha256:theirs".into(), Time(at(issued)));
    let meta = &mut sibling.metadata;
    (meta.name, meta.uid) = (Some("elder".into()), Some("elder-uid".into()));
    meta.creation_timestamp = Some(Time("2026-04-01T00:00:00Z".parse().expect("a time")));
    sibling
}

#[test]
fn a_token_is_refreshed_before_its_end_or_at_half_of_its_life() {
    let half = LIFE / 2 - 60..=LIFE / 2;
    let near_the_end = LIFE - 300..=LIFE - 240;
    for (platform, when, ends_older) in [
        (REPLACING, &near_the_end, true),
        (LASTING, &near_the_end, false),
        (RENEWING, &half, false),
        (ADDING, &half, false),
    ] {
        let (at, wanted) = first_call(&mut Sight::of_platform(platform));
        assert!(when.contains(&at), "{}: at {at}", platform.name);
        assert_eq!(wanted, Wanted { why: Why::Time, force: false, mints: ends_older });
    }
}

#[test]
fn the_lead_of_a_spec_comes_before_half_of_a_life() {
    for platform in [RENEWING, ADDING] {
        let mut sight = Sight::of_platform(platform);
        sight.mp.spec.refresh_before_seconds = Some(i32::try_from(LIFE - 1000).expect("small"));
        let (at, _) = first_call(&mut sight);
        assert!((940..=1000).contains(&at), "{}: at {at}", platform.name);
    }
}

#[test]
fn a_life_that_begins_anew_is_counted_from_the_last_call() {
    let mut sight = Sight::of_platform(RENEWING);
    // A call at 3600 returned the same token, which lives for two hours from then.
    sight.date(0, 3600 + LIFE);
    sight.status().token.as_mut().expect("a token").check_time = Some(Time(at(3600)));
    sight.keeps_silent(7000);
    sight.live = None;
    sight.asks(7201, Why::Time);
}

#[test]
fn the_same_token_with_more_life_is_written_and_with_the_same_end_it_is_not() {
    for (platform, expires, stored) in [(RENEWING, 3600 + LIFE, true), (LASTING, LIFE, false)] {
        let mut sight = Sight::of_platform(platform);
        let target = sight.target().clone();
        let wanted = Wanted { why: Why::Time, force: false, mints: false };
        let mut token = target.token.clone().expect("a token");
        token.expires = at(expires);
        sight.unstored = Some(UnstoredFacts {
            name: target.name,
            call: Call::for_test(wanted),
            token,
            asked_at: at(3600),
            sent: target.sent,
            unconfirmed: false,
            precondition: Precondition::Absent,
            refused: None,
        });
        let act = sight.plan(3601).act;
        assert_eq!(matches!(act, Act::Store), stored, "{}: {act:?}", platform.name);
        assert_eq!(matches!(act, Act::Keep { .. }), !stored, "{}: {act:?}", platform.name);
    }
}

#[test]
fn a_token_that_is_reported_invalid_is_replaced_where_a_call_can() {
    let reported = |platform| {
        Sight::of_platform(platform)
            .with(|sight| sight.annotate(names::INVALID_TOKEN, &token().fingerprint()))
    };
    for (platform, force, mints) in
        [(REPLACING, false, true), (LASTING, true, true), (ADDING, false, false)]
    {
        let (_, wanted) = first_call(&mut reported(platform));
        assert_eq!(wanted, Wanted { why: Why::Invalid, force, mints }, "{}", platform.name);
    }
    reported(RENEWING).keeps_silent(500);
}

#[test]
fn another_objects_newer_token_concerns_whoever_shares_it_once() {
    for platform in [LASTING, RENEWING] {
        let mut sight = Sight::of_platform(platform).with(|sight| {
            sight.shown = vec![sibling(platform, 400)];
        });
        sight.asks(500, Why::SiblingNewer);
        sight.recall.calls.sibling_asked = Some("sha256:theirs".into());
        sight.live = None;
        sight.keeps_silent(500);
    }
}

#[test]
fn another_objects_token_ends_this_one_or_does_not_concern_it() {
    let two = |platform| {
        Sight::of_platform(platform).with(|sight| sight.shown = vec![sibling(platform, 400)])
    };
    let mut losing = two(REPLACING);
    losing.says_of(500, ConditionType::TokenFresh, "False", Reason::AppIdConflict);
    let adding = two(ADDING).keeps_silent(500);
    assert!(matches!(adding.act, Act::Rest), "each has a token of its own: {:?}", adding.act);
}
