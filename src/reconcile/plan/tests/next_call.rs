//! Why the platform is called next and what that call waits for, as the status reports it; repeated
//! plans report the same.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::sight::{
    LEGACY, LIFE, MODES, REQUEST, STABLE, Sight, at, boot, due_at, mini_program, token,
};
use crate::{
    api::{Mints, Reason, names},
    reconcile::plan::Act,
};

/// What the status reports: the reason, the wait, and the second at which the wait ends.
fn reported(sight: &mut Sight, seconds: u64) -> (String, String, Option<i64>) {
    let status = match sight.keeps_silent(seconds).act {
        Act::Status(status) => *status,
        _ => sight.mp.status.clone().expect("a status"),
    };
    let next = status.next_call.clone().expect("the next call");
    // It is written once.
    sight.mp.status = Some(status);
    let again = sight.keeps_silent(seconds + 1).act;
    assert!(matches!(again, Act::Rest), "{again:?}");
    let end = next.time.map(|time| time.0.duration_since(at(0)).as_secs());
    (next.reason, next.waits_for, end)
}

fn says(sight: &mut Sight, reason: &str, waits_for: &str) -> Option<i64> {
    let (why, what, end) = reported(sight, 500);
    assert_eq!((why.as_str(), what.as_str()), (reason, waits_for));
    end
}

#[test]
fn a_healthy_object_waits_for_its_tokens_time() {
    for mode in MODES {
        let end = says(&mut Sight::healthy(mode), "Time", "Time");
        let due = i64::try_from(due_at(mode)).expect("small");
        assert!(end.is_some_and(|end| (due - 2..=due).contains(&end)), "{end:?}, due {due}");
    }
}

#[test]
fn a_failed_call_waits_for_its_back_off() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.date(0, LIFE);
        sight.annotate(REQUEST, "now");
        sight.fails(Reason::PlatformBusy, 490, 530);
    });
    assert_eq!(says(&mut sight, "Requested", "BackOff"), Some(530));
}

#[test]
fn a_request_just_after_a_call_waits_for_the_floor_between_two() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.annotate(REQUEST, "now");
        sight.status().token.as_mut().expect("a token").check_time = Some(Time(at(490)));
    });
    assert_eq!(says(&mut sight, "Requested", "Floor"), Some(520));
}

#[test]
fn forced_calls_wait_for_the_quotas_day() {
    let mut sight = Sight::healthy(STABLE).with(|sight| {
        sight.annotate(names::INVALID_TOKEN, &token().fingerprint());
        let forced_times = (0..20).map(|n| Time(at(n))).collect();
        sight.status().mints = Some(Mints { forced_times, ..Mints::default() });
        sight.status().token.as_mut().expect("a token").check_time = None;
    });
    let end = says(&mut sight, "Invalid", "Quota");
    // The token's issue is at 10:00 UTC, and midnight in China is at 16:00 UTC.
    assert_eq!(end, Some(6 * 3600));
}

#[test]
fn who_only_a_person_can_help_waits_for_one() {
    let suspended = |sight: &mut Sight| sight.mp.spec.suspend = true;
    says(&mut Sight::healthy(STABLE).with(suspended), "Time", "Person");
    let mut without_credential = Sight::healthy(STABLE).with(|sight| {
        sight.credential = None;
        sight.annotate(REQUEST, "now");
    });
    says(&mut without_credential, "Requested", "Person");
}

#[test]
fn who_another_object_keeps_from_the_app_waits_for_it() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| {
        let mut elder = mini_program(LEGACY);
        elder.status = Some(sight.status().clone());
        let meta = &mut elder.metadata;
        (meta.name, meta.uid) = (Some("elder".into()), Some("elder-uid".into()));
        meta.creation_timestamp = Some(Time("2026-04-01T00:00:00Z".parse().expect("a time")));
        sight.shown = vec![elder];
    });
    says(&mut sight, "Time", "OtherObject");
}

#[test]
fn what_ends_in_a_moment_is_not_worth_a_write() {
    let mut sight = Sight::healthy(LEGACY).with(|sight| sight.intends("of-another", false));
    sight.recall.sightings.foreign_intent = Some(("of-another".into(), boot(495)));
    let act = sight.keeps_silent(500).act;
    assert!(matches!(act, Act::Rest), "{act:?}");
}
