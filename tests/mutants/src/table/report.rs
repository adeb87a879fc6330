//! What the status says, and when it is put right.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/report.rs", mutants: REPORT },
    Source { file: "src/reconcile/plan/next_call.rs", mutants: NEXT_CALL },
    Source { file: "src/reconcile/plan/view.rs", mutants: CASE },
    Source { file: "src/reconcile/plan.rs", mutants: PLAN },
    Source { file: "src/reconcile/plan/rest.rs", mutants: SETTLE },
];

const NEXT_CALL: &[Mutant] = &[Mutant {
    name: "next-attempt-past",
    means: "While calls fail every few seconds, the status names an attempt that is over.",
    changes: &[("next.waits_for == back_off", "false")],
    killed_by: Test("each_failure_moves_the_next_call_however_near_the_one_before_was"),
}];

const REPORT: &[Mutant] = &[
    Mutant {
        name: "another-caller-not-named",
        means: "Two tokens in a row that died before their time are told as one is.",
        changes: &[("view.seen.recall.calls.reported > 0", "false")],
        killed_by: Test("a_second_report_in_a_row_points_at_another_caller"),
    },
    Mutant {
        name: "ready-not-timed",
        means: "Nobody looks when a token expires: Ready stays True until something else happens.",
        changes: &[("view.valid_token().map(|token| view.time_left(token))", "None")],
        killed_by: Test("ready_turns_false_at_expiry_by_the_clock"),
    },
    Mutant {
        name: "ready-over-an-expired-token",
        means: "Ready asks whether there is a token, not whether it is valid.",
        changes: &[(
            "if view.valid_token().is_some() {\n        return verdict(view, ConditionStatus::True, \
             Reason::TokenAvailable);\n    }",
            "if view.token().is_some() { return verdict(view, ConditionStatus::True, \
             Reason::TokenAvailable); }",
        )],
        killed_by: Test("ready_turns_false_at_expiry_by_the_clock"),
    },
    Mutant {
        name: "ready-over-an-ended-token",
        means: "An object that does not keep the app stays Ready over a token that was ended.",
        changes: &[("ownership::others_minted_since(view, winner, token)", "false")],
        killed_by: Test("a_siblings_time_yet_to_come_is_no_reason_to_ask_and_none_to_be_ready"),
    },
    Mutant {
        name: "take-over-forgotten",
        means: "Who keeps the app from now on is Fresh before a call has succeeded.",
        changes: &[("findings.takes_over && is_standing(view, Reason::AppIdConflict)", "false")],
        killed_by: Test("who_keeps_the_app_again_remembers_it_until_a_call_succeeds"),
    },
    Mutant {
        name: "status-differs-each-time",
        means: "The status holds the time at which it was written.",
        changes: &[("view.checked(token).map(Time)", "Some(Time(whole_seconds(view.now.wall)))")],
        killed_by: Test("what_was_written_is_not_written_again"),
    },
    Mutant {
        name: "next-refresh-jitters",
        means: "The duration of each call moves the time of the next refresh in the status.",
        changes: &[("kept.or(next.map(Time))", "next.map(Time)")],
        killed_by: Test("what_was_written_is_not_written_again"),
    },
    Mutant {
        name: "stalled-at-once",
        means: "An install that applies the credential a moment later is reported to have stalled.",
        changes: &[(
            "since(ConditionType::CredentialValid).map(|since| after(since, STALLED_AFTER))",
            "Some(Timestamp::MIN)",
        )],
        killed_by: Test(
            "stalled_is_said_at_once_where_only_a_person_helps_and_after_a_minute_where_an_install_may",
        ),
    },
    Mutant {
        name: "overdue-not-reported",
        means: "Nobody is reported of a refresh that is due and not made.",
        changes: &[("view.now.boot >= since + OVERDUE_AFTER", "false")],
        killed_by: Test("a_refresh_that_is_due_and_not_made_is_reported_after_a_minute"),
    },
];

const CASE: &[Mutant] = &[Mutant {
    name: "ready-by-the-wall-clock-alone",
    means: "A clock that went back keeps a suspended object Ready over a token that has died.",
    changes: &[("left.min(by_wall)", "by_wall")],
    killed_by: Test("a_clock_that_went_back_keeps_no_suspended_object_ready"),
}];

const PLAN: &[Mutant] = &[
    Mutant {
        name: "asked-before-ready-is-false",
        means: "The platform is asked for minutes while Ready is True over an expired token.",
        changes: &[(
            "ready.is_some_and(|ready| ready.status == \"True\") && view.has_expired()",
            "false",
        )],
        killed_by: Test("ready_is_put_right_before_the_platform_is_asked_for_an_expired_token"),
    },
    Mutant {
        name: "request-is-overdue",
        means: "A request that waits counts as a refresh that is late.",
        changes: &[("wanted.why.by_time() || wanted.why.urgent()", "true")],
        killed_by: Test("a_wish_that_is_held_is_no_late_refresh"),
    },
    Mutant {
        name: "hindered-call-is-overdue",
        means: "A call that only a person can make possible counts as the operator's delay.",
        changes: &[("!is_hindered(view)", "true")],
        killed_by: Test("only_a_call_that_nothing_hinders_is_late"),
    },
];

const SETTLE: &[Mutant] = &[Mutant {
    name: "status-war",
    means: "Two releases that say different things of one object write as fast as they can.",
    changes: &[("(written.at + CORRECTIONS_APART).saturating_sub(now.boot)", "Duration::ZERO")],
    killed_by: Test("a_status_that_somebody_else_writes_over_is_repeated_every_ten_seconds"),
}];
