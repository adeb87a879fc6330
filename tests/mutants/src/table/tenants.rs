//! What tenants who have no app secret do to the apps of others: what is believed of a target, and
//! who is waited for.

use super::{
    KilledBy::{Both, Test},
    Mutant, Source,
};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/trusted.rs", mutants: CONFIRMED },
    Source { file: "src/reconcile/plan/fold.rs", mutants: ENDED },
    Source { file: "src/reconcile/plan/view.rs", mutants: CASE },
    Source { file: "src/reconcile/plan/synchronise.rs", mutants: SYNCHRONISE },
    Source { file: "src/reconcile/plan/ownership.rs", mutants: TURN },
    Source { file: "src/reconcile/plan/limits.rs", mutants: HOLD },
    Source { file: "src/reconcile/reads.rs", mutants: READS },
    Source { file: "src/template.rs", mutants: TEMPLATE },
];

const CONFIRMED: &[Mutant] = &[
    Mutant {
        name: "target-believed",
        means: "Whatever token a target tells of is the one that a call brought.",
        changes: &[("(is_reported(target, status) || is_stored_here(target, recall))", "true")],
        killed_by: Both("a_forged_target_is_rewritten_from_the_token_that_its_data_still_holds"),
    },
    Mutant {
        name: "later-issue-time-believed",
        means: "A target that tells of another issue time than its object's status is believed.",
        changes: &[("whole_seconds(found.issued) == reported.issue_time.0", "true")],
        killed_by: Test("a_forged_target_is_rewritten_from_the_token_that_its_data_still_holds"),
    },
    Mutant {
        name: "intent-closed-by-its-id",
        means: "A target under the id of a call under way counts as what that call brought.",
        changes: &[("if is_own { is_stored } else { is_confirmed }", "true")],
        killed_by: Test("who_reads_the_id_of_an_intent_cannot_close_it_by_a_forged_target"),
    },
    Mutant {
        name: "status-not-awaited",
        means: "A target that the status does not tell of yet is an edit at once.",
        changes: &[("!wait.is_zero() && !is_busy", "false")],
        killed_by: Test(
            "a_target_that_nothing_confirms_is_left_alone_for_two_seconds_for_its_status_to_follow",
        ),
    },
];

const READS: &[Mutant] = &[Mutant {
    name: "false-expiry-intact",
    means: "An expiry in the data that is not the annotation's passes.",
    changes: &[("value(&keys.expiration_time) == Some(&token.expires.to_string())", "true")],
    killed_by: Test("data_that_are_not_what_the_annotations_say_are_not_intact"),
}];

const TEMPLATE: &[Mutant] = &[Mutant {
    name: "all-metadata-allowed",
    means: "A template sets what other controllers act on.",
    changes: &[("prefix == RELOADER", "true")],
    killed_by: Test(
        "keys_that_controllers_act_on_are_refused_unless_the_administrator_allows_them",
    ),
}];

const ENDED: &[Mutant] = &[Mutant {
    name: "token-before-believed",
    means: "Until the status tells of a new token, the one before it is believed if put back.",
    changes: &[("note_token(&mut status, token, *sent);", "")],
    killed_by: Test("the_token_before_the_one_just_stored_is_believed_no_more"),
}];

const CASE: &[Mutant] = &[Mutant {
    name: "digest-accepts",
    means: "An app secret is accepted whose digest stands in the target.",
    changes: &[("!self.is_edited(ours)", "true")],
    killed_by: Both("a_forged_target_makes_no_credential_accepted_and_no_object_ready"),
}];

const SYNCHRONISE: &[Mutant] = &[Mutant {
    name: "data-not-compared",
    means: "Nobody looks whether the token in a target is the one that its annotations name.",
    changes: &[("trusted::is_verified(view, target)", "true")],
    killed_by: Both("a_version_of_the_target_that_somebody_else_made_is_read_once"),
}];

const TURN: &[Mutant] = &[
    Mutant {
        name: "blocked-elder-awaited",
        means: "An object that cannot store a token is tried first because it is older.",
        changes: &[("can_store(sibling)", "true")],
        killed_by: Both("nobody_waits_for_an_older_object_that_could_not_store_a_token"),
    },
    Mutant {
        name: "elder-awaited-for-ever",
        means: "However long an older object is not tried, the younger ones wait for it.",
        changes: &[("since + OLDER_FIRST", "since + OLDER_FIRST * 10_000")],
        killed_by: Both(
            "an_older_object_whose_credential_is_not_tried_is_waited_for_a_minute_and_status_says_so",
        ),
    },
];

const HOLD: &[Mutant] = &[Mutant {
    name: "refused-counts-shared",
    means: "What a rejected app secret used up counts as the app's.",
    changes: &[("sibling::accepted(&status.conditions) == Some(true)", "true")],
    killed_by: Both("an_app_secret_that_was_never_accepted_uses_up_nothing_of_the_apps"),
}];
