//! Whether the failure that the status tells of still has its attempt.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/failure.rs", mutants: FAILURE },
    Source { file: "src/reconcile/plan.rs", mutants: PLAN },
];

const FAILURE: &[Mutant] = &[
    Mutant {
        name: "waiting-call-moves-the-next-attempt",
        means: "A failed call that waits for a slot is written at each look.",
        changes: &[("wait.is_zero()", "false")],
        killed_by: Test("a_failed_call_that_cannot_be_repeated_yet_is_written_once"),
    },
    Mutant {
        name: "promised-too-early",
        means: "The status promises an attempt before the floors allow one.",
        changes: &[("planned > after(stored, SAME_TIME)", "false")],
        killed_by: Test(
            "a_floor_that_holds_a_call_for_longer_than_the_back_off_is_what_the_status_promises",
        ),
    },
    Mutant {
        name: "failure-without-attempt",
        means: "A refusal is reported when its time is over and nothing is planned any more.",
        changes: &[("next_call.is_none() && planned <= view.now.wall", "false")],
        killed_by: Test(
            "a_failure_of_an_object_that_may_not_ask_is_forgotten_and_a_stop_when_its_time_is_over",
        ),
    },
];

const PLAN: &[Mutant] = &[Mutant {
    name: "attempt-of-who-may-not-ask",
    means: "An object that may not ask promises an attempt.",
    changes: &[("wanted.filter(|_| may_ask)", "wanted")],
    killed_by: Test(
        "a_failure_of_an_object_that_may_not_ask_is_forgotten_and_a_stop_when_its_time_is_over",
    ),
}];
