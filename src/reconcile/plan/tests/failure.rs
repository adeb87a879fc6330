//! A failure in the status has a next attempt, and is dropped when no call is planned. A request
//! stays open until a call succeeds, or until a refusal that only a person can lift.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{LEGACY, MODES, REQUEST, STABLE, Sight, at, boot, credential, due_at, token};
use crate::{
    api::{
        ConditionType::TokenFresh, LastFailure, MiniProgramStatus, Mints, Reason, TokenMode,
        conditions, names,
    },
    platform::{Certainty, Refusal},
    projection::TokenFacts,
    reconcile::{
        call::{Call, Wanted, Why},
        memory::{AppMints, Ended, How, Stored},
        plan::{Act, due},
    },
};

/// All reasons of failures that end by themselves.
const TRANSIENT: [Reason; 7] = [
    Reason::PlatformBusy,
    Reason::PlatformUnreachable,
    Reason::BadResponse,
    Reason::IpNotAllowed,
    Reason::Throttled,
    Reason::QuotaExhausted,
    Reason::AwaitingAdminApproval,
];
const STOPS: [Reason; 3] =
    [Reason::CredentialRejected, Reason::AppIdRejected, Reason::AppSecretFrozen];

type Change = fn(&mut Sight);

/// When the call was sent, and when the back-off ends.
const SENT: u64 = 500;
const NEXT: u64 = 560;

/// An object with a fresh token whose call has just failed, before the status reports it.
fn failed(mode: TokenMode, why: Why, reason: Reason, unknown: bool) -> Sight {
    let certainty = if unknown { Certainty::Unknown } else { Certainty::Refused };
    Sight::healthy(mode).with(|sight| {
        let fingerprint = token().fingerprint();
        match why {
            Why::Requested => sight.annotate(REQUEST, "now"),
            Why::Invalid => sight.annotate(names::INVALID_TOKEN, &fingerprint),
            _ => {}
        }
        let force = mode == STABLE && why == Why::Invalid;
        let call = Call {
            handles: due::request(&sight.mp),
            ..Call::for_test(Wanted { why, force, mints: force || mode == LEGACY })
        };
        let mints = call.wanted.mints.then(|| Mints {
            day: "2026-05-01".into(),
            count: 1,
            last_time: Some(Time(at(SENT))),
            forced_times: if force { vec![Time(at(SENT))] } else { vec![] },
        });
        if let Some(mints) = &mints {
            sight.intends("call-1", false);
            sight.status().mints = Some(mints.clone());
            sight.recall.calls.own_intent = Some("call-1".into());
            let forced_times = mints.forced_times.clone();
            let counted =
                if unknown { mints.clone() } else { Mints { forced_times, ..Mints::default() } };
            sight.app = AppMints {
                mints: counted,
                forced_at: force.then(|| boot(SENT)),
                ..AppMints::default()
            };
        }
        sight.recall.calls.ended = Some(Box::new(Ended {
            call,
            generation: Some(1),
            credential: Some(credential()),
            mints_before: mints.filter(|_| !unknown).map(|_| Mints::default()),
            how: How::Failed {
                refusal: Refusal { certainty, ..Refusal::unknown(reason) },
                sent: at(SENT),
                next: at(NEXT),
                attempts: 1,
            },
        }));
    })
}

/// Writes the status that the plan wants at this time, and returns it.
fn written(sight: &mut Sight, seconds: u64) -> MiniProgramStatus {
    let Act::Status(status) = sight.plan(seconds).act else {
        panic!("at {seconds}: nothing to write")
    };
    sight.recall.calls.ended = None;
    sight.mp.status = Some((*status).clone());
    *status
}

fn next_attempt(status: &MiniProgramStatus) -> Option<&Time> {
    status.last_failure.as_ref().map(|failure| &failure.next_attempt_time)
}

#[test]
fn a_request_that_fails_stays_open_and_is_tried_again_when_the_status_says() {
    for (mode, why) in [
        (STABLE, Why::Requested),
        (STABLE, Why::Invalid),
        (LEGACY, Why::Requested),
        (LEGACY, Why::Invalid),
    ] {
        for (reason, unknown) in TRANSIENT
            .map(|reason| (reason, false))
            .into_iter()
            .chain([(Reason::PlatformUnreachable, true), (Reason::BadResponse, true)])
        {
            if why == Why::Invalid && mode == STABLE && reason == Reason::QuotaExhausted {
                continue;
            }
            println!("{mode:?}, {why:?}, {reason}, end unknown: {unknown}");
            let mut sight = failed(mode, why, reason, unknown);
            let status = written(&mut sight, SENT + 1);
            assert_eq!(status.handled_refresh_request, None);
            assert_eq!(next_attempt(&status), Some(&Time(at(NEXT))));
            sight.says_of(SENT + 2, TokenFresh, "False", reason);
            sight.rests(NEXT - 10, 10);
            // A call with an unknown outcome that may have made a token is followed by a call for
            // the open intent, which answers the request with its token.
            let lost = unknown && (mode == LEGACY || why == Why::Invalid);
            match sight.plan_live(NEXT) {
                Act::Call(wanted) | Act::RecordIntent(wanted) => {
                    assert_eq!(wanted.why, if lost { Why::OpenIntent } else { why });
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_refusal_that_only_a_person_can_lift_answers_a_request() {
    for mode in MODES {
        for reason in STOPS {
            let mut sight = failed(mode, Why::Requested, reason, false);
            let status = written(&mut sight, SENT + 1);
            assert_eq!(
                status.handled_refresh_request.as_deref(),
                Some("now"),
                "{mode:?}, {reason}"
            );
            // No call is due before the token's own refresh, which is what the status reports.
            let due = due_at(mode);
            let next = next_attempt(&status).expect("the refusal stands").0;
            assert!((at(due - 2)..=at(due + 1)).contains(&next), "{mode:?}, {reason}: {next}");
            sight.says_of(SENT + 2, TokenFresh, "False", Reason::Blocked);
            sight.keeps_silent(NEXT + 10);
            sight.asks(due + 2, Why::Time);
        }
    }
}

#[test]
fn a_quota_of_forced_calls_is_no_failure_and_leaves_a_request_open() {
    let mut sight = failed(STABLE, Why::Invalid, Reason::QuotaExhausted, false).with(|sight| {
        sight.fails(Reason::PlatformBusy, 400, 450);
        sight.annotate(REQUEST, "now");
        sight.recall.calls.ended.as_mut().expect("a call").call.handles = Some("now".into());
        sight.app.force_stopped_until = Some(at(9000));
    });
    let status = written(&mut sight, SENT + 1);
    assert_eq!(
        (status.handled_refresh_request, status.last_failure),
        (None, None),
        "the answer before is over"
    );
    sight.asks(SENT + 2, Why::Requested);
}

#[test]
fn a_forced_call_that_failed_is_repeated_no_sooner_than_the_platform_allows() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.annotate(names::INVALID_TOKEN, &token().fingerprint());
        sight.fails(Reason::PlatformBusy, SENT, SENT + 2);
    });
    sight.keeps_silent(SENT + 29);
    assert!(matches!(
        sight.plan_live(SENT + 31),
        Act::RecordIntent(Wanted { why: Why::Invalid, force: true, .. })
    ));
}

#[test]
fn a_floor_that_holds_a_call_for_longer_than_the_back_off_is_what_the_status_promises() {
    let limited = |mode, why| {
        failed(mode, why, Reason::PlatformBusy, false).with(|sight| {
            let How::Failed { next, .. } =
                &mut sight.recall.calls.ended.as_mut().expect("a call").how
            else {
                return;
            };
            *next = at(SENT + 2);
        })
    };
    let mut forced = limited(STABLE, Why::Invalid);
    let status = written(&mut forced, SENT + 1);
    assert_eq!(next_attempt(&status), Some(&Time(at(SENT + 35))), "forced calls are 35 s apart");
    forced.keeps_silent(SENT + 34);
    assert!(matches!(
        forced.plan_live(SENT + 36),
        Act::RecordIntent(Wanted { why: Why::Invalid, .. })
    ));
    for why in [Why::Requested, Why::Invalid] {
        let mut mint = limited(LEGACY, why).with(|sight| {
            let before = Mints {
                day: "2026-05-01".into(),
                count: 1,
                last_time: Some(Time(at(SENT - 100))),
                ..Mints::default()
            };
            sight.recall.calls.ended.as_mut().expect("a call").mints_before = Some(before.clone());
            sight.app.mints = before;
        });
        let status = written(&mut mint, SENT + 1);
        assert_eq!(
            next_attempt(&status),
            Some(&Time(at(SENT + 200))),
            "{why:?}: mints are 300 s apart"
        );
        mint.keeps_silent(SENT + 199);
        mint.asks(SENT + 201, why);
    }
}

#[test]
fn a_failure_with_no_call_planned_is_forgotten() {
    let withdrawn: [(&str, Change); 5] = [
        ("the request was taken back", |_| {}),
        ("another call has answered it", |sight| {
            sight.annotate(REQUEST, "now");
            sight.status().handled_refresh_request = Some("now".into());
        }),
        ("another token is reported dead", |sight| {
            sight.annotate(names::INVALID_TOKEN, "sha256:0123456789ab");
        }),
        ("the spec was edited, and edited back", |sight| sight.mp.metadata.generation = Some(3)),
        ("it is suspended", |sight| {
            sight.mp.spec.suspend = true;
            sight.mp.metadata.generation = Some(2);
        }),
    ];
    for (what, change) in withdrawn {
        for mode in MODES {
            for (seconds, next) in [(SENT + 10, NEXT), (NEXT + 10, NEXT)] {
                println!("{what}, {mode:?}, at {seconds}");
                let mut sight = Sight::healthy(mode)
                    .with(|sight| sight.fails(Reason::PlatformBusy, SENT, next))
                    .with(change);
                // The spec has changed, and the verdict on the credential stays.
                if sight.mp.metadata.generation != Some(1) {
                    sight.read_live();
                }
                let status = written(&mut sight, seconds);
                assert_eq!(status.last_failure, None);
                let fresh = conditions::find(&status.conditions, TokenFresh).expect("said");
                let want = if sight.mp.spec.suspend { "Suspended" } else { "Fresh" };
                assert_eq!(fresh.reason, want);
            }
        }
    }
}

#[test]
fn a_failure_of_an_object_that_may_not_ask_is_forgotten_and_a_stop_when_its_time_is_over() {
    let blocked: [(&str, Change); 2] = [
        ("another object keeps the app", |sight| {
            let mut sibling = super::sight::mini_program(LEGACY);
            sibling.metadata.name = Some("older".into());
            sibling.metadata.uid = Some("older-uid".into());
            sibling.metadata.creation_timestamp =
                Some(Time("2026-04-01T00:00:00Z".parse().expect("a time")));
            let accepted = sight.mp.status.clone().expect("a status").conditions;
            sibling.status =
                Some(MiniProgramStatus { conditions: accepted, ..MiniProgramStatus::default() });
            sight.shown.push(sibling);
        }),
        ("the target's name is taken", |sight| (sight.target, sight.foreign) = (None, true)),
    ];
    for (what, block) in blocked {
        let forgets = |reason, seconds| {
            let mut sight =
                Sight::healthy(LEGACY).with(block).with(|sight| sight.fails(reason, SENT, NEXT));
            let planned = sight.keeps_silent(seconds);
            let status = match planned.act {
                Act::Status(status) => *status,
                _ => sight.mp.status.clone().expect("a status"),
            };
            status.last_failure.is_none()
        };
        assert!(forgets(Reason::PlatformBusy, SENT + 10), "{what}");
        assert!(
            !forgets(Reason::CredentialRejected, SENT + 10),
            "{what}: the platform is left alone"
        );
        assert!(forgets(Reason::CredentialRejected, NEXT + 10), "{what}");
    }
}

#[test]
fn who_keeps_the_app_again_remembers_it_until_a_call_succeeds() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| {
        let lost = conditions::ConditionValue {
            truth: conditions::ConditionStatus::False,
            reason: Reason::AppIdConflict,
            message: String::new(),
        };
        conditions::set(&mut sight.status().conditions, TokenFresh, &lost, Some(1), at(400));
        sight.fails(Reason::PlatformBusy, SENT, NEXT);
    });
    sight.says_of(SENT + 10, TokenFresh, "False", Reason::AppIdConflict);
    let Act::Status(status) = sight.plan(SENT + 10).act else { panic!("the message has changed") };
    assert!(matches!(status.last_failure, Some(LastFailure { attempts: 1, .. })));
    sight.mp.status = Some(*status);
    sight.asks(NEXT + 1, Why::WonApp);
    // The call returns a token, which is stored.
    let wanted = Wanted { why: Why::WonApp, force: false, mints: true };
    let call = Call::for_test(wanted);
    let token =
        TokenFacts { issued: at(NEXT + 2), ..sight.target().token.clone().expect("a token") };
    (sight.target().token, sight.target().issued_for) =
        (Some(token.clone()), Some("call-1".into()));
    let stored = Stored { call: "call-1".into(), token: token.clone(), asked_at: at(NEXT + 2) };
    sight.recall.writes.stored = Some(stored);
    sight.recall.calls.ended = Some(Box::new(Ended {
        call,
        generation: Some(1),
        credential: Some(credential()),
        mints_before: None,
        how: How::Token {
            token,
            sent: at(NEXT + 2),
            stored: true,
            same: false,
            unconfirmed: false,
        },
    }));
    sight.says_of(NEXT + 3, TokenFresh, "True", Reason::Fresh);
}

#[test]
fn a_failed_call_that_cannot_be_repeated_yet_is_written_once() {
    let due = due_at(STABLE);
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.fails(Reason::PlatformBusy, due, due + 4);
        // The API server answers with errors, or the line for a slot is long.
        sight.recall.backoffs.requests.until = boot(due + 100);
    });
    if let Act::Status(status) = sight.keeps_silent(due + 5).act {
        sight.mp.status = Some(*status);
    }
    for seconds in [6, 8, 15, 40] {
        let act = sight.keeps_silent(due + seconds).act;
        assert!(matches!(act, Act::Rest), "{seconds} s later: {act:?}");
    }
}
