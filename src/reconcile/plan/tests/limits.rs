//! Which limits delay a call, for how long, and what lifts them.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, MODES, REQUEST, STABLE, Sight, at, boot, due_at, token};
use crate::{
    api::{
        ConditionType, Mints, Reason,
        conditions::{self, ConditionStatus, ConditionValue},
        names,
    },
    platform,
    reconcile::{
        call::{Wanted, Why},
        memory::{AppMints, LastMint},
        plan::{Act, limits::delay},
    },
};

#[test]
fn requests_are_thirty_seconds_apart() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.annotate(REQUEST, "now"));
    sight.status().token.as_mut().expect("a token").check_time = Some(Time(at(490)));
    assert!(sight.keeps_silent(500).wake <= Duration::from_secs(20));
    sight.asks(521, Why::Requested);
}

#[test]
fn near_a_ban_the_platform_is_sent_no_app_secret_that_it_has_not_accepted() {
    let near = |mut sight: Sight| {
        sight.stopped_until = Some(boot(900));
        sight
    };
    let mut new = near(Sight::new(STABLE));
    let Act::Status(status) = new.keeps_silent(500).act else { panic!("it says so") };
    let next = status.next_call.clone().expect("the next call");
    assert_eq!((next.waits_for.as_str(), next.time), ("Rejections", Some(Time(at(900)))));
    let valid = conditions::find(&status.conditions, ConditionType::CredentialValid);
    let message = &valid.expect("a condition").message;
    assert!(message.contains("WeChat bans the operator's address"), "{message}");
    new.asks(900, Why::NoToken);
    let mut refused = near(Sight::healthy(STABLE).with(|sight| {
        let reason = Reason::CredentialRejected;
        let (truth, message) = (ConditionStatus::False, String::new());
        let verdict = ConditionValue { truth, reason, message };
        let (kind, conditions) = (ConditionType::CredentialValid, &mut sight.status().conditions);
        conditions::set(conditions, kind, &verdict, Some(1), at(0));
    }));
    let message = refused.message(500, ConditionType::CredentialValid);
    assert!(message.contains("bans the operator's address"), "{message}");
    near(Sight::healthy(STABLE)).asks(due_at(STABLE), Why::Time);
}

#[test]
fn forced_calls_are_apart_counted_and_given_up() {
    let checked = |forced: &[u64], checked: Option<u64>| {
        Sight::healthy(STABLE).with(|sight| {
            let fingerprint = token().fingerprint();
            sight.annotate(names::INVALID_TOKEN, &fingerprint);
            let forced_times = forced.iter().map(|time| Time(at(*time))).collect();
            let mints = Mints { day: "2026-05-01".into(), forced_times, ..Mints::default() };
            sight.status().mints = Some(mints.clone());
            sight.app = AppMints {
                mints,
                forced_at: forced.last().map(|time| boot(*time)),
                ..AppMints::default()
            };
            sight.status().token.as_mut().expect("a token").check_time =
                checked.map(|time| Time(at(time)));
        })
    };
    let reported = |forced: &[u64]| checked(forced, forced.last().copied());
    reported(&[480]).keeps_silent(500);
    reported(&[480]).keeps_silent(514);
    assert!(matches!(
        reported(&[480]).plan_live(516),
        Act::RecordIntent(Wanted { why: Why::Invalid, .. })
    ));
    reported(&[400, 480]).keeps_silent(3000);
    let mut refused = checked(&[300, 400, 480], None);
    refused.keeps_silent(599);
    assert!(
        matches!(refused.plan_live(601), Act::RecordIntent(Wanted { why: Why::Invalid, .. })),
        "no answer is no sign that force is useless"
    );
    let slow = || reported(&[480]).with(|sight| sight.app.forced_at = Some(boot(488)));
    slow().keeps_silent(517);
    assert!(
        matches!(slow().plan_live(519), Act::RecordIntent(_)),
        "apart from the call itself, which went out later than its intent"
    );
    let others = || reported(&[480]).with(|sight| sight.app = AppMints::default());
    others().keeps_silent(525);
    assert!(
        matches!(others().plan_live(527), Act::RecordIntent(_)),
        "another process's call may have gone out long after its intent"
    );
    let stopped =
        |until| reported(&[480]).with(|sight| sight.app.force_stopped_until = Some(at(until)));
    stopped(900).keeps_silent(899);
    assert!(
        matches!(stopped(900).plan_live(901), Act::RecordIntent(_)),
        "the platform's own count holds each object of the app"
    );
    let day: Vec<u64> = vec![0; 1];
    assert!(
        matches!(reported(&day).plan_live(516), Act::RecordIntent(_)),
        "forced before the token's issue: not about this token"
    );
}

#[test]
fn the_platforms_count_of_forced_calls_a_day_is_kept() {
    let forced = |count: u64| {
        Sight::healthy(STABLE).with(|sight| {
            let fingerprint = token().fingerprint();
            sight.annotate(names::INVALID_TOKEN, &fingerprint);
            // All of them are earlier than the token's issue, so none shows anything about this
            // token.
            let before = |number| at(0) - Duration::from_secs(3600 + number);
            let forced_times = (0..count).map(|number| Time(before(number))).collect();
            sight.status().mints = Some(Mints { forced_times, ..Mints::default() });
        })
    };
    assert!(matches!(
        forced(19).plan_live(500),
        Act::RecordIntent(Wanted { why: Why::Invalid, .. })
    ));
    forced(20).keeps_silent(500);
}

#[test]
fn a_held_report_does_not_hold_the_refresh_by_time() {
    let due = due_at(STABLE);
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        let fingerprint = token().fingerprint();
        sight.annotate(names::INVALID_TOKEN, &fingerprint);
        let forced_times = vec![Time(at(due - 5))];
        sight.status().mints =
            Some(Mints { day: "2026-05-01".into(), forced_times, ..Mints::default() });
    });
    sight.asks(due, Why::Time);
}

#[test]
fn mints_that_no_clock_asks_for_are_five_minutes_apart() {
    let minted = |seconds: u64| {
        Sight::healthy(LEGACY).with(move |sight| {
            sight.status().mints = Some(Mints {
                day: "2026-05-01".into(),
                count: 1,
                last_time: Some(Time(at(seconds))),
                ..Mints::default()
            });
        })
    };
    minted(400).with(|sight| sight.annotate(REQUEST, "now")).keeps_silent(500);
    minted(400).with(|sight| sight.annotate(REQUEST, "now")).asks(700, Why::Requested);
    // A lost token is replaced without waiting for pods; the back-off grows with the number of
    // consecutive losses.
    minted(499).with(|sight| sight.target = None).asks(500, Why::TargetMissing);
    minted(499)
        .with(|sight| (sight.target, sight.app.urgent_in_a_row) = (None, 1))
        .keeps_silent(500);
    minted(499)
        .with(|sight| (sight.target, sight.app.urgent_in_a_row) = (None, 1))
        .asks(515, Why::TargetMissing);
    // The clock has since been set back by 209 s, or forward: the 300 s have become neither more
    // nor less.
    for clock in [609, 200] {
        let own = |sight: &mut Sight| {
            sight.annotate(REQUEST, "now");
            sight.app.mints = sight.status().mints.clone().expect("counted");
            sight.app.last = Some(LastMint { started: boot(400), uid: "shop-uid".into() });
        };
        minted(clock).with(own).keeps_silent(690);
        minted(clock).with(own).asks(710, Why::Requested);
    }
    // A call that is due by time has no floor.
    let due = due_at(LEGACY);
    minted(due - 1).asks(due, Why::Time);
}

#[test]
fn mints_are_as_far_apart_where_no_overlap_is_promised() {
    let platform = platform::find("QQ").expect("a platform without an overlap");
    let mut sight = Sight::of_platform(platform);
    let last_time = Some(Time(at(400)));
    sight.status().mints =
        Some(Mints { day: "2026-05-01".into(), count: 1, last_time, ..Mints::default() });
    sight.annotate(REQUEST, "now");
    sight.keeps_silent(690);
    sight.live = None;
    sight.asks(700, Why::Requested);
}

#[test]
fn a_tenth_of_the_days_quota_goes_to_mints_that_no_clock_asks_for() {
    let spent = |count| {
        Sight::healthy(LEGACY).with(move |sight| {
            sight.annotate(REQUEST, "now");
            sight.status().mints =
                Some(Mints { day: "2026-05-01".into(), count, ..Mints::default() });
        })
    };
    spent(199).asks(500, Why::Requested);
    spent(200).keeps_silent(500);
    // 16:00 UTC is the platform's midnight.
    let midnight = 6 * 3600;
    assert!(spent(200).keeps_silent(500).wake <= Duration::from_secs(midnight - 500));
}

#[test]
fn a_stop_holds_for_the_credential_that_was_sent_and_a_request_lifts_it() {
    let rejected = || {
        Sight::healthy(STABLE).with(|sight| {
            sight.fails(Reason::CredentialRejected, 400, 2200);
            let verdict = ConditionValue {
                truth: ConditionStatus::False,
                reason: Reason::CredentialRejected,
                message: String::new(),
            };
            conditions::set(
                &mut sight.status().conditions,
                ConditionType::CredentialValid,
                &verdict,
                Some(1),
                at(400),
            );
            sight.date(0, 450);
        })
    };
    rejected().keeps_silent(500);
    rejected().keeps_silent(2100);
    rejected().asks(2201, Why::Time);
    rejected().with(|sight| sight.annotate(REQUEST, "now")).asks(500, Why::Time);
    rejected().with(|sight| sight.annotate(REQUEST, "now")).keeps_silent(420);
    rejected()
        .with(|sight| sight.credential.as_mut().expect("there").resource_version = "8".into())
        .asks(500, Why::Time);
}

#[test]
fn a_failure_older_than_the_target_or_of_another_spec_is_void() {
    let failing = |sight: &mut Sight| {
        sight.fails(Reason::QuotaExhausted, 400, 9000);
        sight.target = None;
    };
    Sight::healthy(STABLE).with(failing).keeps_silent(500);
    Sight::healthy(STABLE)
        .with(failing)
        .with(|sight| sight.mp.metadata.generation = Some(2))
        .asks(500, Why::TargetMissing);
    let mut sight =
        Sight::healthy(STABLE).with(|sight| sight.fails(Reason::QuotaExhausted, 0, 9000));
    sight.target().token.as_mut().expect("a token").issued = at(10);
    sight.status().token.as_mut().expect("a token").issue_time = Time(at(10));
    sight.asks(due_at(STABLE), Why::Time);
}

#[test]
fn somebody_elses_open_intent_is_waited_out_and_our_own_is_not() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode).with(|sight| sight.intends("theirs", false));
        sight.recall.sightings.foreign_intent = Some(("theirs".into(), boot(495)));
        assert!(sight.keeps_silent(500).wake <= Duration::from_secs(10));
        sight.asks(511, Why::OpenIntent);
        let mut sight = Sight::healthy(mode).with(|sight| sight.intends("ours", false));
        sight.recall.calls.own_intent = Some("ours".into());
        sight.asks(500, Why::OpenIntent);
    }
}

#[test]
fn no_object_asks_more_often_than_twice_a_second() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target = None);
    sight.recall.calls.last_sent = Some(boot(500));
    assert!(sight.keeps_silent(500).wake <= Duration::from_millis(500));
    sight.asks(501, Why::TargetMissing);
}

#[test]
fn calls_that_something_undoes_are_made_less_and_less_often() {
    let held = |unasked, since: u64, why: fn(&mut Sight)| {
        let mut sight = Sight::healthy(STABLE);
        why(&mut sight);
        (sight.recall.calls.unasked, sight.recall.calls.last_sent) =
            (unasked, Some(boot(500 - since)));
        sight
            .view(500, |view| {
                delay(
                    view,
                    Wanted {
                        why: if view.token().is_none() { Why::Edited } else { Why::Requested },
                        force: false,
                        mints: false,
                    },
                )
            })
            .wait
            .as_secs()
    };
    let edited: fn(&mut Sight) = |sight| sight.target().token = None;
    assert_eq!(held(3, 1, edited), 0, "the first few at once");
    assert_eq!(held(4, 1, edited), 14);
    assert_eq!(held(5, 1, edited), 59);
    assert_eq!(held(7, 1, edited), 299);
    assert_eq!(held(100, 1, edited), 299);
    assert_eq!(held(100, 300, edited), 0);
    let requested: fn(&mut Sight) = |sight| sight.annotate(REQUEST, "now");
    assert_eq!(held(100, 100, requested), 0, "what a person asks for has a floor of its own");
}
