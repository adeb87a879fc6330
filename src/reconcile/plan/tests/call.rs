//! When the platform is called, and why.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, LIFE, MODES, REQUEST, STABLE, Sight, at, due_at, now, token};
use crate::{
    api::{ConditionType, conditions, names},
    projection::TokenFacts,
    reconcile::{
        call::{Wanted, Why},
        plan::{Act, plan},
    },
};

type Change = fn(&mut Sight);

/// The longest that guard and spread together may take from the window.
const LATEST: u64 = 60;

#[test]
fn a_fresh_token_needs_nothing_until_its_window_opens() {
    for mode in MODES {
        let due = due_at(mode);
        assert!((LIFE - 300..=LIFE - 300 + LATEST).contains(&due), "{mode:?}: {due}");
        let mut sight = Sight::healthy(mode);
        sight.rests(due - 2000, 1999);
        sight.rests(due - 2, 1);
        sight.asks(due, Why::Time);
    }
}

#[test]
fn a_rotating_call_begins_with_an_intent_and_a_stable_one_does_not() {
    assert!(matches!(Sight::healthy(STABLE).plan_live(due_at(STABLE)), Act::Call(_)));
    let mut sight = Sight::healthy(LEGACY);
    let due = due_at(LEGACY);
    let Act::RecordIntent(wanted) = sight.plan_live(due) else { panic!("an intent first") };
    sight.started = Some(wanted);
    sight.recall.calls.own_intent = Some("call-1".into());
    sight.intends("call-1", false);
    sight.read_live();
    assert!(matches!(sight.plan(due).act, Act::Call(_)));
}

#[test]
fn what_was_begun_is_withdrawn_when_a_closer_look_shows_no_need() {
    let mut sight = Sight::healthy(LEGACY);
    sight.started = Some(Wanted { why: Why::Time, force: false, mints: true });
    sight.recall.calls.own_intent = Some("call-1".into());
    sight.intends("call-1", false);
    sight.read_live();
    assert!(matches!(sight.plan(100).act, Act::Withdraw));
}

#[test]
fn each_reason_for_a_call_leads_to_one() {
    let cases: [(&str, Why, Change); 7] = [
        ("the target is missing", Why::TargetMissing, |sight| sight.target = None),
        ("it was never there", Why::NoToken, |sight| {
            sight.target = None;
            sight.status().token = None;
        }),
        ("it was restored from a backup", Why::Edited, |sight| {
            sight.target().token = Some(TokenFacts {
                fingerprint: "sha256:old".into(),
                issued: at(0),
                expires: at(LIFE),
            });
            sight.recall.writes.unmatched = Some(sight.target().version.clone());
        }),
        ("its times cannot be true", Why::Unbelievable, |sight| {
            sight.date(600, LIFE);
        }),
        ("its life is too long to be true", Why::Unbelievable, |sight| {
            sight.date(0, 30 * 3600);
        }),
        ("the mode has changed", Why::ModeChanged, |sight| {
            sight.target().sent.mode = "Other".into();
        }),
        ("somebody asks", Why::Requested, |sight| sight.annotate(REQUEST, "now")),
    ];
    for (what, why, change) in cases {
        for mode in MODES {
            println!("{what}, {mode:?}");
            Sight::healthy(mode).with(change).asks(500, why);
        }
    }
}

#[test]
fn another_value_of_the_credential_is_a_call() {
    let mut sight =
        Sight::healthy(STABLE).with(|sight| sight.target().sent.digest = "another".into());
    sight.credential.as_mut().expect("there").resource_version = "8".into();
    sight.asks(500, Why::CredentialChanged);
}

#[test]
fn a_handled_request_is_handled_by_status_whatever_the_target_says() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.annotate(REQUEST, "now"));
    sight.target().handled = Some("now".into());
    sight.asks(500, Why::Requested);
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.annotate(REQUEST, "now"));
    sight.status().handled_refresh_request = Some("now".into());
    sight.keeps_silent(500);
    let long = "x".repeat(65);
    Sight::healthy(STABLE).with(|sight| sight.annotate(REQUEST, &long)).asks(500, Why::Requested);
}

#[test]
fn only_the_current_token_can_be_reported_invalid() {
    let mut sight = Sight::healthy(STABLE)
        .with(|sight| sight.annotate(names::INVALID_TOKEN, "sha256:0123456789ab"));
    sight.keeps_silent(500);
    let fingerprint = token().fingerprint();
    let mut sight =
        Sight::healthy(STABLE).with(|sight| sight.annotate(names::INVALID_TOKEN, &fingerprint));
    let Act::RecordIntent(wanted) = sight.plan_live(500) else {
        panic!("a forced call begins with an intent")
    };
    assert_eq!((wanted.why, wanted.force, wanted.mints), (Why::Invalid, true, true));
}

#[test]
fn a_closed_intent_is_removed_before_an_unforced_call() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.closed_intent("call-0"));
    let Act::Status(status) = sight.plan(due_at(STABLE)).act else {
        panic!("the intent goes first")
    };
    assert_eq!(status.intent, None);
}

#[test]
fn an_unconfirmed_token_is_asked_for_once_more_after_two_minutes() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode).with(|sight| {
            sight.target().unconfirmed = true;
            sight.intends("call-0", true);
        });
        sight.keeps_silent(119);
        sight.asks(181, Why::Unconfirmed);
    }
}

#[test]
fn a_suspended_object_asks_for_nothing() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.mp.spec.suspend = true;
        sight.target = None;
    });
    sight.keeps_silent(500);
    let mut sight = Sight::healthy(LEGACY).with(|sight| {
        sight.mp.spec.suspend = true;
        sight.intends("theirs", false);
    });
    sight.keeps_silent(due_at(LEGACY));
}

#[test]
fn an_object_on_its_way_out_gets_nothing() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.mp.metadata.deletion_timestamp = Some(Time(at(1)));
        sight.target = None;
    });
    assert!(matches!(sight.plan(500).act, Act::Rest));
}

#[test]
fn nothing_is_planned_before_everything_in_the_namespace_is_listed() {
    let mut seen = Sight::new(STABLE).observed();
    assert!(!matches!(plan(&seen, now(500)).act, Act::Rest));
    seen.listed = false;
    assert!(matches!(plan(&seen, now(500)).act, Act::Rest));
}

#[test]
fn ready_is_put_right_before_the_platform_is_asked_for_an_expired_token() {
    let mut sight = Sight::healthy(STABLE);
    let Act::Status(status) = sight.plan(LIFE + 1).act else { panic!("Ready first") };
    assert_eq!(
        conditions::find(&status.conditions, ConditionType::Ready)
            .map(|ready| ready.reason.as_str()),
        Some("Expired")
    );
    sight.mp.status = Some(*status);
    sight.asks(LIFE + 1, Why::Time);
}
