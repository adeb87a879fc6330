//! What the intent of a call changes in the status and in the process's own counters.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{counted_with, with_intent};
use crate::{
    api::{Intent, Mints},
    reconcile::{
        call::{Call, Wanted, Why},
        plan::tests::sight::{STABLE, Sight, at},
    },
};

fn call(why: Why, force: bool, outcome_unknown: bool) -> Call {
    let wanted = Wanted { why, force, mints: true };
    Call { outcome_unknown, ..Call::for_test(wanted) }
}

fn mints(day: &str, count: i32, last: u64, forced: &[u64]) -> Mints {
    let forced_times = forced.iter().map(|time| Time(at(*time))).collect();
    Mints { day: day.into(), count, last_time: Some(Time(at(last))), forced_times }
}

/// The platform's day begins at 16:00 UTC, six hours after the stored token's issue.
const MIDNIGHT: u64 = 6 * 3600;

#[test]
fn an_intent_names_its_call_and_says_whether_one_before_it_may_still_land() {
    for outcome_unknown in [false, true] {
        let call = call(Why::Time, false, outcome_unknown);
        let status = Sight::healthy(STABLE).view(500, |view| with_intent(view, &call));
        assert_eq!(
            status.intent,
            Some(Intent { id: "call-1".into(), time: Time(at(500)), outcome_unknown })
        );
    }
}

#[test]
fn a_call_is_counted_where_a_restart_finds_it() {
    let today = "2026-05-01";
    let cases: [(_, _, _, &[u64]); 3] = [
        (Why::Time, false, 2, &[300]),
        // The call is not due by time.
        (Why::Requested, false, 3, &[300]),
        (Why::Invalid, true, 3, &[300, 500]),
    ];
    for (why, force, count, forced) in cases {
        let mut sight = Sight::healthy(STABLE);
        sight.status().mints = Some(mints(today, 2, 300, &[300]));
        let call = call(why, force, false);
        let reported = sight.view(500, |view| with_intent(view, &call)).mints;
        assert_eq!(reported, Some(mints(today, count, 500, forced)), "{why:?}");
        let counted = sight.view(500, |view| counted_with(view, &call));
        assert_eq!(counted, mints(today, count, 500, forced), "{why:?}, in this process");
    }
}

#[test]
fn what_was_counted_yesterday_is_not_counted_today() {
    let mut sight = Sight::healthy(STABLE);
    sight.status().mints = Some(mints("2026-05-01", 7, 300, &[300]));
    let call = call(Why::Invalid, true, false);
    let reported = sight.view(MIDNIGHT, |view| with_intent(view, &call)).mints;
    assert_eq!(reported, Some(mints("2026-05-02", 1, MIDNIGHT, &[MIDNIGHT])));
}

#[test]
fn no_more_forced_calls_are_told_than_a_day_allows() {
    let mut sight = Sight::healthy(STABLE);
    let forced: Vec<u64> = (0..20).collect();
    sight.status().mints = Some(mints("2026-05-01", 20, 300, &forced));
    let call = call(Why::Invalid, true, false);
    let reported = sight.view(500, |view| with_intent(view, &call)).mints.expect("counted");
    assert_eq!(reported.forced_times.len(), 20);
    assert_eq!(reported.forced_times.last(), Some(&Time(at(500))), "the oldest one went");
}
