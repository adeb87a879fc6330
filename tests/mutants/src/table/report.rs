//! What the status says, and when it is put right.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/report.rs", mutants: REPORT },
    Source { file: "src/reconcile/plan/case.rs", mutants: CASE },
];

const REPORT: &[Mutant] = &[
    Mutant {
        name: "ready-not-timed",
        means: "Nobody looks when a token expires: Ready stays True until something else happens.",
        changes: &[("case.valid_token().map(|token| case.time_left(token))", "None")],
        killed_by: Test("ready_turns_false_at_expiry_by_the_clock"),
    },
    Mutant {
        name: "ready-over-an-expired-token",
        means: "Ready asks whether there is a token, not whether it is valid.",
        changes: &[(
            "if case.valid_token().is_some() {\n        \
             return verdict(case, Truth::True, Reason::TokenAvailable);\n    }",
            "if case.token().is_some() { \
             return verdict(case, Truth::True, Reason::TokenAvailable); }",
        )],
        killed_by: Test("ready_turns_false_at_expiry_by_the_clock"),
    },
    Mutant {
        name: "status-differs-each-time",
        means: "The status holds the time at which it was written.",
        changes: &[(
            "known.and_then(|known| known.check_time.clone())",
            "Some(Time(whole_seconds(case.now.wall)))",
        )],
        killed_by: Test("what_was_written_is_not_written_again"),
    },
];

const CASE: &[Mutant] = &[Mutant {
    name: "ready-by-the-wall-clock-alone",
    means: "A clock that went back keeps a suspended object Ready over a token that has died.",
    changes: &[("left.min(by_wall)", "by_wall")],
    killed_by: Test("a_clock_that_went_back_keeps_no_suspended_object_ready"),
}];
