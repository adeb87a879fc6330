//! When the platform is asked, what for, and what holds a call back.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;

use super::sight::{APP, LIFE, REQUEST, Sight, at, boot, mini_program, token};
use crate::{
    api::{ConditionType, Mints, Reason, TokenMode, conditions, names},
    platform::Rotation,
    projection::TokenFacts,
    reconcile::{
        call::{Wanted, Why},
        memory::{AppMints, LastMint},
        plan::{
            Act,
            due::Schedule,
            time::{after, span},
        },
    },
};

const STABLE: TokenMode = TokenMode::Stable;
const LEGACY: TokenMode = TokenMode::Legacy;
const MODES: [TokenMode; 2] = [STABLE, LEGACY];
type Change = fn(&mut Sight);

/// Guard and spread take at most so much of the window.
const LATEST: u64 = 60;

/// The first second in which the healthy object wants a call.
fn due_at(mode: TokenMode) -> u64 {
    let mut sight = Sight::healthy(mode);
    let mut now = 10;
    loop {
        let planned = sight.plan(now);
        match planned.act {
            Act::Rest => now += planned.wake.as_secs() + 1,
            _ => return now,
        }
    }
}

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
    assert!(matches!(Sight::healthy(STABLE).closer(due_at(STABLE)), Act::Ask(_)));
    let mut sight = Sight::healthy(LEGACY);
    let due = due_at(LEGACY);
    let Act::Begin(wanted) = sight.closer(due) else { panic!("an intent first") };
    sight.begun = Some(wanted);
    sight.recall.own_intent = Some("call-1".into());
    sight.intends("call-1", false);
    sight.looked_closer();
    assert!(matches!(sight.plan(due).act, Act::Ask(_)));
}

#[test]
fn what_was_begun_is_withdrawn_when_a_closer_look_shows_no_need() {
    let mut sight = Sight::healthy(LEGACY);
    sight.begun = Some(Wanted { why: Why::Time, force: false, mints: true });
    sight.recall.own_intent = Some("call-1".into());
    sight.intends("call-1", false);
    sight.looked_closer();
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
        ("it was restored from a backup", Why::Restored, |sight| {
            sight.target().token = Some(TokenFacts { fingerprint: "sha256:old".into(), issued: at(0), expires: at(LIFE) });
            sight.status().token.as_mut().expect("a token").issue_time = Time(at(50));
        }),
        ("its times cannot be true", Why::Unbelievable, |sight| {
            let token = sight.target().token.as_mut().expect("a token");
            token.issued = at(600);
        }),
        ("its life is too long to be true", Why::Unbelievable, |sight| {
            sight.target().token.as_mut().expect("a token").expires = at(30 * 3600);
        }),
        ("the mode has changed", Why::ModeChanged, |sight| sight.target().sent.mode = "Other".into()),
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
fn another_credential_is_read_and_only_another_value_is_a_call() {
    let mut sight = Sight::healthy(STABLE);
    sight.credential.as_mut().expect("there").resource_version = "8".into();
    assert!(matches!(sight.plan(500).act, Act::LookCloser { .. }));
    sight.looked_closer();
    let Act::Status(status) = sight.plan(500).act else { panic!("a label edit costs no call") };
    assert_eq!(status.credential, sight.credential);
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target().sent.digest = "another".into());
    sight.credential.as_mut().expect("there").resource_version = "8".into();
    sight.asks(500, Why::CredentialChanged);
}

#[test]
fn a_handled_request_is_handled_by_status_or_by_the_target() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.annotate(REQUEST, "now"));
    sight.target().handled = Some("now".into());
    sight.keeps_silent(500);
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.annotate(REQUEST, "now"));
    sight.status().handled_refresh_request = Some("now".into());
    sight.keeps_silent(500);
    let long = "x".repeat(65);
    Sight::healthy(STABLE).with(|sight| sight.annotate(REQUEST, &long)).asks(500, Why::Requested);
}

#[test]
fn requests_are_thirty_seconds_apart() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.annotate(REQUEST, "now"));
    sight.status().token.as_mut().expect("a token").check_time = Some(Time(at(490)));
    assert!(sight.keeps_silent(500).wake <= Duration::from_secs(20));
    sight.asks(521, Why::Requested);
}

#[test]
fn only_the_current_token_can_be_reported_invalid() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.annotate(names::INVALID_TOKEN, "sha256:another"));
    sight.keeps_silent(500);
    let fingerprint = token().fingerprint();
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.annotate(names::INVALID_TOKEN, &fingerprint));
    let Act::Begin(wanted) = sight.closer(500) else { panic!("a forced call begins with an intent") };
    assert_eq!((wanted.why, wanted.force, wanted.mints), (Why::Invalid, true, true));
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
            sight.app = AppMints { mints, forced: forced.last().map(|time| boot(*time)), ..AppMints::default() };
            sight.status().token.as_mut().expect("a token").check_time = checked.map(|time| Time(at(time)));
        })
    };
    let reported = |forced: &[u64]| checked(forced, forced.last().copied());
    reported(&[480]).keeps_silent(500);
    reported(&[480]).keeps_silent(514);
    assert!(matches!(reported(&[480]).closer(516), Act::Begin(Wanted { why: Why::Invalid, .. })));
    reported(&[400, 480]).keeps_silent(3000);
    let mut refused = checked(&[300, 400, 480], None);
    refused.keeps_silent(599);
    assert!(
        matches!(refused.closer(601), Act::Begin(Wanted { why: Why::Invalid, .. })),
        "no answer is no sign that force is useless"
    );
    let slow = || reported(&[480]).with(|sight| sight.app.forced = Some(boot(488)));
    slow().keeps_silent(517);
    assert!(matches!(slow().closer(519), Act::Begin(_)), "apart from the call itself, which went out later than its intent");
    let others = || reported(&[480]).with(|sight| sight.app = AppMints::default());
    others().keeps_silent(525);
    assert!(matches!(others().closer(527), Act::Begin(_)), "another process's call may have gone out long after its intent");
    let day: Vec<u64> = vec![0; 1];
    assert!(matches!(reported(&day).closer(516), Act::Begin(_)), "forced before the token's issue: not about this token");
}

#[test]
fn a_held_report_does_not_hold_the_refresh_by_time() {
    let due = due_at(STABLE);
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        let fingerprint = token().fingerprint();
        sight.annotate(names::INVALID_TOKEN, &fingerprint);
        let forced_times = vec![Time(at(due - 5))];
        sight.status().mints = Some(Mints { day: "2026-05-01".into(), forced_times, ..Mints::default() });
    });
    sight.asks(due, Why::Time);
}

#[test]
fn mints_that_no_clock_asks_for_are_five_minutes_apart() {
    let minted = |seconds: u64| {
        Sight::healthy(LEGACY).with(move |sight| {
            sight.status().mints =
                Some(Mints { day: "2026-05-01".into(), count: 1, last_time: Some(Time(at(seconds))), ..Mints::default() });
        })
    };
    minted(400).with(|sight| sight.annotate(REQUEST, "now")).keeps_silent(500);
    minted(400).with(|sight| sight.annotate(REQUEST, "now")).asks(700, Why::Requested);
    // A lost token does not wait for pods; it backs off by how often it was lost.
    minted(499).with(|sight| sight.target = None).asks(500, Why::TargetMissing);
    minted(499).with(|sight| (sight.target, sight.app.gone) = (None, 1)).keeps_silent(500);
    minted(499).with(|sight| (sight.target, sight.app.gone) = (None, 1)).asks(515, Why::TargetMissing);
    // The clock was put back by 209 s since, or on: 300 s have not become more or less.
    for clock in [609, 200] {
        let own = |sight: &mut Sight| {
            sight.annotate(REQUEST, "now");
            sight.app.mints = sight.status().mints.clone().expect("counted");
            sight.app.last = Some(LastMint { begun: boot(400), uid: "shop-uid".into() });
        };
        minted(clock).with(own).keeps_silent(690);
        minted(clock).with(own).asks(710, Why::Requested);
    }
    // By time there is no floor.
    let due = due_at(LEGACY);
    minted(due - 1).asks(due, Why::Time);
}

#[test]
fn a_tenth_of_the_days_quota_goes_to_mints_that_no_clock_asks_for() {
    let spent = |count| {
        Sight::healthy(LEGACY).with(move |sight| {
            sight.annotate(REQUEST, "now");
            sight.status().mints = Some(Mints { day: "2026-05-01".into(), count, ..Mints::default() });
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
            let verdict = conditions::Verdict {
                truth: conditions::Truth::False,
                reason: Reason::CredentialRejected,
                message: String::new(),
            };
            conditions::set(&mut sight.status().conditions, ConditionType::CredentialValid, &verdict, Some(1), at(400));
            sight.target().token.as_mut().expect("a token").expires = at(450);
        })
    };
    rejected().keeps_silent(500);
    rejected().keeps_silent(2100);
    rejected().asks(2201, Why::Time);
    rejected().with(|sight| sight.annotate(REQUEST, "now")).asks(500, Why::Time);
    rejected().with(|sight| sight.annotate(REQUEST, "now")).keeps_silent(420);
    rejected().with(|sight| sight.credential.as_mut().expect("there").resource_version = "8".into()).asks(500, Why::Time);
}

#[test]
fn a_failure_older_than_the_target_or_of_another_spec_is_void() {
    let failing = |sight: &mut Sight| {
        sight.fails(Reason::QuotaExhausted, 400, 9000);
        sight.target = None;
    };
    Sight::healthy(STABLE).with(failing).keeps_silent(500);
    Sight::healthy(STABLE).with(failing).with(|sight| sight.mp.metadata.generation = Some(2)).asks(500, Why::TargetMissing);
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.fails(Reason::QuotaExhausted, 0, 9000));
    sight.target().token.as_mut().expect("a token").issued = at(10);
    sight.status().token.as_mut().expect("a token").issue_time = Time(at(10));
    sight.asks(due_at(STABLE), Why::Time);
}

#[test]
fn somebody_elses_open_intent_is_waited_out_and_our_own_is_not() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode).with(|sight| sight.intends("theirs", false));
        sight.recall.foreign_intent = Some(("theirs".into(), boot(495)));
        assert!(sight.keeps_silent(500).wake <= Duration::from_secs(10));
        sight.asks(511, Why::OpenIntent);
        let mut sight = Sight::healthy(mode).with(|sight| sight.intends("ours", false));
        sight.recall.own_intent = Some("ours".into());
        sight.asks(500, Why::OpenIntent);
    }
}

#[test]
fn a_closed_intent_is_removed_before_an_unforced_call() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.intends("call-0", false));
    let Act::Status(status) = sight.plan(due_at(STABLE)).act else { panic!("the intent goes first") };
    assert_eq!(status.intent, None);
}

#[test]
fn an_unsettled_token_is_asked_for_once_more_after_two_minutes() {
    for mode in MODES {
        let mut sight = Sight::healthy(mode).with(|sight| {
            sight.target().unsettled = true;
            sight.intends("call-0", true);
        });
        sight.keeps_silent(119);
        sight.asks(181, Why::Unsettled);
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
fn ready_is_put_right_before_the_platform_is_asked_for_an_expired_token() {
    let mut sight = Sight::healthy(STABLE);
    let Act::Status(status) = sight.plan(LIFE + 1).act else { panic!("Ready first") };
    assert_eq!(conditions::find(&status.conditions, ConditionType::Ready).map(|ready| ready.reason.as_str()), Some("Expired"));
    sight.mp.status = Some(*status);
    sight.asks(LIFE + 1, Why::Time);
}

fn rival(mode: TokenMode, name: &str, created: &str, accepted: Option<bool>) -> crate::api::MiniProgram {
    let mut rival = mini_program(mode);
    (rival.metadata.name, rival.metadata.uid) = (Some(name.into()), Some(format!("{name}-uid")));
    rival.metadata.creation_timestamp = Some(Time(created.parse().expect("a time")));
    if let Some(accepted) = accepted {
        let truth = if accepted { conditions::Truth::True } else { conditions::Truth::False };
        let reason = if accepted { Reason::Accepted } else { Reason::CredentialRejected };
        let verdict = conditions::Verdict { truth, reason, message: String::new() };
        let status = rival.status.get_or_insert_default();
        conditions::set(&mut status.conditions, ConditionType::CredentialValid, &verdict, Some(1), at(0));
    }
    rival
}

const OLDER: &str = "2026-04-01T00:00:00Z";
const YOUNGER: &str = "2026-05-01T09:00:00Z";

#[test]
fn the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody() {
    let new = |rivals: Vec<crate::api::MiniProgram>| Sight::new(LEGACY).with(|sight| sight.rivals = rivals);
    new(vec![rival(LEGACY, "a", OLDER, Some(false))]).asks(500, Why::NoToken);
    new(vec![rival(LEGACY, "a", OLDER, Some(true))]).keeps_silent(500);
    new(vec![rival(LEGACY, "a", OLDER, None)]).keeps_silent(500);
    new(vec![rival(LEGACY, "a", YOUNGER, None)]).asks(500, Why::NoToken);
    new(vec![rival(LEGACY, "a", YOUNGER, Some(true))]).keeps_silent(500);
    new(vec![rival(STABLE, "a", OLDER, Some(true))]).asks(500, Why::NoToken);
    let mut suspended = rival(LEGACY, "a", OLDER, Some(true));
    suspended.spec.suspend = true;
    new(vec![suspended]).asks(500, Why::NoToken);
    // On a stable endpoint nobody takes anything from anybody.
    Sight::new(STABLE).with(|sight| sight.rivals = vec![rival(STABLE, "a", OLDER, Some(true))]).asks(500, Why::NoToken);
}

#[test]
fn who_stops_being_a_loser_asks_at_once() {
    let mut sight = Sight::healthy(LEGACY);
    let verdict = conditions::Verdict { truth: conditions::Truth::False, reason: Reason::AppIdConflict, message: String::new() };
    conditions::set(&mut sight.status().conditions, ConditionType::TokenFresh, &verdict, Some(1), at(0));
    sight.asks(500, Why::WonApp);
}

#[test]
fn a_rivals_newer_token_is_asked_after_once_on_stable_endpoints() {
    let mut newer = rival(STABLE, "a", OLDER, Some(true));
    let mut token = Sight::healthy(STABLE).status().token.clone().expect("a token");
    (token.fingerprint, token.issue_time) = ("sha256:newer".into(), Time(at(400)));
    newer.status.get_or_insert_default().token = Some(token);
    Sight::healthy(STABLE).with(|sight| sight.rivals = vec![newer.clone()]).asks(500, Why::RivalNewer);
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.rivals = vec![newer]);
    sight.recall.rival_asked = Some("sha256:newer".into());
    sight.keeps_silent(500);
}

fn schedule(rotation: Rotation, lead: Option<u64>, last_call: u64) -> Schedule<'static> {
    let lead = lead.map(Duration::from_secs);
    Schedule { rotation, lead, interval: None, last_call: Duration::from_secs(last_call), app: APP }
}

fn life(seconds: u64) -> TokenFacts {
    TokenFacts { fingerprint: "sha256:x".into(), issued: at(0), expires: at(seconds) }
}

const STABLE_UNTIL: Rotation = Rotation::StableUntil { window: Duration::from_secs(300) };
const ROTATING: Rotation = Rotation::Rotating { lead: Duration::from_secs(300), longest_lead: Duration::from_secs(3600) };

#[test]
fn short_lives_are_halved_and_the_same_token_is_asked_for_again_soon() {
    for rotation in [STABLE_UNTIL, ROTATING] {
        let schedule = schedule(rotation, None, 0);
        for (seconds, next) in [(300, 150), (20, 10), (4, 2), (3, 2), (1, 2)] {
            assert_eq!(schedule.next(&life(seconds), at(0), None), at(next), "{seconds}");
        }
        // The same token inside its window: every 15 s, and sooner the nearer its end is.
        assert_eq!(schedule.next(&life(300), at(0), Some(at(150))), at(165));
        assert_eq!(schedule.next(&life(300), at(0), Some(at(290))), at(295));
        assert_eq!(schedule.next(&life(300), at(0), Some(at(300))), after(at(300), Duration::from_millis(500)));
    }
}

#[test]
fn the_interval_counts_from_the_last_check() {
    let mut schedule = schedule(STABLE_UNTIL, None, 0);
    schedule.interval = Some(Duration::from_secs(600));
    assert_eq!(schedule.next(&life(7200), at(1000), None), at(1600));
    assert!(schedule.next(&life(7200), at(6800), None) < at(7000));
}

proptest! {
    #[test]
    fn a_refresh_leaves_pods_time_and_comes_within_its_window(
        lead in prop::option::of(120_u64..=300), last_call in 0_u64..20, life_seconds in 301_u64..7200, app in "[a-z0-9]{16}",
        rotating: bool,
    ) {
        let rotation = if rotating { ROTATING } else { STABLE_UNTIL };
        let schedule = Schedule { app: &app, ..schedule(rotation, lead, last_call) };
        let token = life(life_seconds);
        let left = span(schedule.next(&token, at(0), None), token.expires).as_secs_f64();
        let lead = f64::from(u32::try_from(lead.unwrap_or(300)).expect("small"));
        prop_assert!(left <= lead, "never before the window: {left}");
        prop_assert!(left >= lead - 60.0, "guard and spread are 60 s at most: {left}");
        prop_assert!(left >= 95.0, "pods lag 90 s: {left}");
    }

    #[test]
    fn the_next_call_is_never_put_off_past_the_end_by_more_than_two_seconds(
        life_seconds in 1_u64..7200, checked in 0_u64..7200, rotating: bool,
    ) {
        let rotation = if rotating { ROTATING } else { STABLE_UNTIL };
        let checked = checked.min(life_seconds);
        let next = schedule(rotation, None, 0).next(&life(life_seconds), at(0), Some(at(checked)));
        prop_assert!(next > at(checked));
        prop_assert!(next <= at(life_seconds.max(checked) + 2));
    }
}

#[test]
fn a_status_from_a_clock_that_jumped_does_not_make_every_token_old() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.status().token.as_mut().expect("a token").issue_time = Time(at(7200));
    });
    let Act::Status(status) = sight.plan(500).act else { panic!("the false time is put right") };
    assert_eq!(status.token.map(|token| token.issue_time), Some(Time(at(0))));
}

#[test]
fn no_object_asks_more_often_than_twice_a_second() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.target = None);
    sight.recall.last_sent = Some(boot(500));
    assert!(sight.keeps_silent(500).wake <= Duration::from_millis(500));
    sight.asks(501, Why::TargetMissing);
}
