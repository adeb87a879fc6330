//! What others may write: targets under the operator's name, objects of an app that is not theirs.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/confirmed.rs", mutants: CONFIRMED },
    Source { file: "src/reconcile/plan/case.rs", mutants: CASE },
    Source { file: "src/reconcile/plan/synchronise.rs", mutants: SYNCHRONISE },
    Source { file: "src/api/standing.rs", mutants: STANDING },
    Source { file: "src/reconcile/plan/turn.rs", mutants: TURN },
    Source { file: "src/reconcile/plan/hold.rs", mutants: HOLD },
    Source { file: "src/reconcile/reads.rs", mutants: READS },
    Source { file: "src/template.rs", mutants: TEMPLATE },
];

const CONFIRMED: &[Mutant] = &[
    Mutant {
        name: "fingerprint-alone-believed",
        means: "The times of a target whose fingerprint is the status's are believed.",
        changes: &[("whole_seconds(found.expires) == reported.expiration_time.0", "true")],
        killed_by: Test("a_forged_target_is_rewritten_from_the_token_that_its_data_still_holds"),
    },
    Mutant {
        name: "intent-closed-by-its-id",
        means: "Whoever reads the id of an intent closes it by a target of his own.",
        changes: &[("may_close && target.stamped", "target.stamped")],
        killed_by: Test("who_reads_the_id_of_an_intent_cannot_close_it_by_a_forged_target"),
    },
    Mutant {
        name: "own-store-not-believed",
        means: "A token that was just stored counts as forged until the status tells of it.",
        changes: &[(
            "target.issued_for.as_ref() == Some(id) && target.token.as_ref() == Some(token)",
            "false",
        )],
        killed_by: Test(
            "a_token_that_this_process_stored_is_believed_before_the_status_tells_of_it",
        ),
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

const CASE: &[Mutant] = &[Mutant {
    name: "digest-accepts",
    means: "The digest in a target that nothing confirms makes its credential accepted.",
    changes: &[("confirmed::is_answered(target, &self.status, &self.seen.recall)", "true")],
    killed_by: Test("a_forged_target_makes_no_credential_accepted_and_no_object_ready"),
}];

const SYNCHRONISE: &[Mutant] = &[Mutant {
    name: "data-not-compared",
    means: "Other data below the same annotations stay.",
    changes: &[("confirmed::is_verified(case, target)", "true")],
    killed_by: Test("a_version_of_the_target_that_somebody_else_made_is_read_once"),
}];

const STANDING: &[Mutant] = &[Mutant {
    name: "blocked-elder-awaited",
    means: "An older object that could store no token is waited for.",
    changes: &[(
        "target.is_none_or(|target| Reason::of(target) == Some(Reason::MetadataNotAllowed))",
        "true",
    )],
    killed_by: Test("nobody_waits_for_an_older_object_that_could_not_store_a_token"),
}];

const TURN: &[Mutant] = &[Mutant {
    name: "elder-awaited-for-ever",
    means: "An older object whose credential is never tried is waited for without end.",
    changes: &[("patience(case).is_zero()", "false")],
    killed_by: Test(
        "an_older_object_whose_credential_is_not_tried_is_waited_for_a_minute_and_status_says_so",
    ),
}];

const HOLD: &[Mutant] = &[Mutant {
    name: "refused-counts-shared",
    means: "What a wrong app secret used up holds the app's true owner.",
    changes: &[("standing::accepted(&status.conditions) == Some(true)", "true")],
    killed_by: Test("an_app_secret_that_was_never_accepted_uses_up_nothing_of_the_apps"),
}];

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
    killed_by: Test("what_others_act_on_is_left_out_unless_the_administrator_allows_it"),
}];
