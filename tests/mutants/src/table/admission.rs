//! What admission and the API server refuse: who is told, what is tried before a call, and what is
//! kept fresh meanwhile.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/api_error.rs", mutants: API_ERROR },
    Source { file: "src/sensitive.rs", mutants: SENSITIVE },
    Source { file: "src/reconcile/apply/altered.rs", mutants: ALTERED },
    Source { file: "src/reconcile/plan/target.rs", mutants: TARGET },
    Source { file: "src/reconcile/plan/report.rs", mutants: REPORT },
    Source { file: "src/reconcile/plan/unplanned.rs", mutants: UNPLANNED },
];

const API_ERROR: &[Mutant] = &[
    Mutant {
        name: "denial-read-by-its-code",
        means: "A webhook that denies with 404 or 409 is taken for a lost race.",
        changes: &[("admission::refused(message)", "false")],
        killed_by: Test("an_answer_is_what_its_fields_say_and_a_denial_is_one_whatever_its_code"),
    },
    Mutant {
        name: "full-secret-immutable",
        means: "A Secret whose data is too long is taken for an immutable one.",
        changes: &[("refuses(status, field, \"immutable\")", "refuses(status, field, \"\")")],
        killed_by: Test("an_answer_is_what_its_fields_say_and_a_denial_is_one_whatever_its_code"),
    },
    Mutant {
        name: "dry-run-unanswered",
        means: "An error of the API server's own to a dry run leaves the object without a word.",
        changes: &[("Self::refused(&status)", "Self::Unanswered")],
        killed_by: Test("whatever_answers_a_dry_run_it_did_nothing"),
    },
];

const SENSITIVE: &[Mutant] = &[Mutant {
    name: "token-repeated-in-status",
    means: "A webhook's answer that quotes the token goes into log and status.",
    changes: &[("!beginning.is_empty() && text.contains(beginning)", "false")],
    killed_by: Test("a_refusal_that_quotes_the_token_is_not_repeated"),
}];

const ALTERED: &[Mutant] = &[
    Mutant {
        name: "taken-annotation-unnoticed",
        means: "A policy that takes an annotation of ours away leads to a call each time.",
        changes: &[(
            "key.split_once('/').is_some_and(|(prefix, _)| prefix == names::GROUP)",
            "false",
        )],
        killed_by: Test("what_the_operator_or_pods_depend_on_is_named"),
    },
    Mutant {
        name: "template-needed",
        means: "A policy that changes a label of the template stops all calls.",
        changes: &[(
            "key.split_once('/').is_some_and(|(prefix, _)| prefix == names::GROUP)",
            "true",
        )],
        killed_by: Test("what_admission_adds_or_does_to_the_template_is_no_refusal"),
    },
];

const TARGET: &[Mutant] = &[
    Mutant {
        name: "refused-rename-runs-dead",
        means: "While a new target cannot be made, the one that pods mount is not refreshed.",
        changes: &[(
            "view.seen.recall.writes.refused.is_some() || is_reported_refused(view)",
            "false",
        )],
        killed_by: Test("while_a_new_target_cannot_be_made_the_old_one_is_kept_fresh"),
    },
    Mutant {
        name: "refusal-for-ever",
        means: "A refusal is reported for ever although nothing is left to write.",
        changes: &[("!is_over", "true")],
        killed_by: Test("a_refusal_is_over_when_nothing_is_left_to_write"),
    },
    Mutant {
        name: "moment-of-deletion-reported",
        means: "A Secret that is deleted in the foreground is reported as held.",
        changes: &[("after(terminating.since, DELETION) <= view.now.wall", "true")],
        killed_by: Test("a_target_that_is_being_deleted_is_reported_and_kept_fresh"),
    },
];

const REPORT: &[Mutant] = &[Mutant {
    name: "platform-blamed",
    means: "An object whose target cannot be written says that the platform gave no token.",
    changes: &[("target::has_none(view) || target::is_closed(view)", "target::has_none(view)")],
    killed_by: Test("an_immutable_target_blocks_the_call_and_the_platform_is_not_blamed"),
}];

const UNPLANNED: &[Mutant] = &[Mutant {
    name: "farewell-promises",
    means: "An object that left the selector still tells of its next refresh.",
    changes: &[("token.next_refresh_time = None;", "let _ = token;")],
    killed_by: Test("an_object_that_left_the_selector_promises_nothing"),
}];
