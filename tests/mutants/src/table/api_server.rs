//! An API server that falls silent, goes back in time, or cannot be listed.

use super::{
    KilledBy::{Both, Test},
    Mutant, Source,
};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/shell/stall.rs", mutants: STALL },
    Source { file: "src/operator/health.rs", mutants: HEALTH },
    Source { file: "src/operator.rs", mutants: OPERATOR },
    Source { file: "src/watch.rs", mutants: WATCH },
    Source { file: "src/world/listing.rs", mutants: LISTING },
    Source { file: "src/reconcile/plan/rest.rs", mutants: SETTLE },
    Source { file: "src/reconcile.rs", mutants: RECONCILE },
];

const STALL: &[Mutant] = &[
    Mutant {
        name: "cut-answer-awaited",
        means: "An answer that stops in the middle is waited for, for ever.",
        changes: &[("Box::pin(sleep(silence))", "Box::pin(sleep(silence * 100_000))")],
        killed_by: Both("an_answer_that_stops_in_the_middle_is_given_up"),
    },
    Mutant {
        name: "silent-watch-believed",
        means: "A watch that says nothing after its end was due counts as quiet.",
        changes: &[(
            "Duration::from_secs(seconds) + WATCH_ENDS_WITHIN",
            "Duration::from_secs(seconds) + WATCH_ENDS_WITHIN * 100_000",
        )],
        killed_by: Test("only_a_watch_may_be_silent_for_as_long_as_it_says"),
    },
];

const HEALTH: &[Mutant] = &[Mutant {
    name: "blind-leader-ready",
    means: "A leader whose lists fail is ready.",
    changes: &[("*since + NOT_READY_AFTER <= now", "false")],
    killed_by: Both("a_leader_with_a_failing_watch_is_not_ready_within_a_minute"),
}];

const OPERATOR: &[Mutant] = &[Mutant {
    name: "blind-leader-ready-by-news",
    means: "A leader that is refused one watch is ready again when another one has news.",
    changes: &[("gaps.is_empty()", "true")],
    killed_by: Both(
        "an_event_of_one_watch_does_not_make_a_leader_ready_whose_other_watch_is_refused",
    ),
}];

const WATCH: &[Mutant] = &[Mutant {
    name: "restore-not-noticed",
    means: "A watch waits without end for versions that a restored cluster has yet to reach.",
    changes: &[("version < known", "false")],
    killed_by: Both("everything_is_listed_again_when_the_api_servers_versions_go_back"),
}];

const LISTING: &[Mutant] = &[Mutant {
    name: "restore-not-believed",
    means: "Whatever has a smaller version than what is held is ignored, for ever.",
    changes: &[("item.version < held && !written_since", "false")],
    killed_by: Test("after_a_restore_the_next_list_replaces_all_known_objects"),
}];

const SETTLE: &[Mutant] = &[Mutant {
    name: "expired-while-blind",
    means: "Nobody's Ready turns False at expiry while lists are incomplete.",
    changes: &[("wait(now, token.expiration_time.0).max(patience)", "LONGEST_REST")],
    killed_by: Both("ready_turns_false_at_expiry_also_while_the_secrets_cannot_be_listed"),
}];

const RECONCILE: &[Mutant] = &[Mutant {
    name: "lost-writes-repeated",
    means: "A status write that always loses its race is tried again without a pause.",
    changes: &[("self.lost_races <= RACES", "true")],
    killed_by: Test("writes_that_always_conflict_are_retried_less_and_less_often"),
}];
