//! The Secret that holds the token: what is written to it, and what of it is believed.

use super::{
    KilledBy::{Simulation, Test},
    Mutant, Source,
};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan.rs", mutants: PLAN },
    Source { file: "src/reconcile/apply/secret.rs", mutants: SECRET },
    Source { file: "src/reconcile/apply.rs", mutants: APPLY },
    Source { file: "src/reconcile/storing.rs", mutants: STORING },
];

const PLAN: &[Mutant] = &[
    Mutant {
        name: "edited-secret-believed",
        means: "An edited Secret is matched with its own annotation, which a backup brings along.",
        changes: &[(
            "case.status.token.as_ref().map(|token| token.fingerprint.clone())",
            "target.token.as_ref().map(|token| token.fingerprint.clone())",
        )],
        killed_by: Test("an_edited_secrets_own_annotations_are_not_believed"),
    },
    Mutant {
        name: "rename-asks",
        means: "A renamed target is not filled from the one before it.",
        changes: &[("case.in_use.filter(|_| case.valid_token().is_some())", "None")],
        killed_by: Test("a_new_name_is_filled_from_the_old_secret_before_that_is_deleted"),
    },
    Mutant {
        name: "same-token-not-rewritten",
        means: "The end of a token is not put right when the platform tells another one.",
        changes: &[("moved <= SAME_EXPIRY", "true")],
        killed_by: Simulation,
    },
];

const SECRET: &[Mutant] = &[Mutant {
    name: "fence-dropped",
    means: "A target is written whatever has become of it since it was read.",
    changes: &[("(Some(uid.clone()), version.clone())", r#"(None, "0".to_owned())"#)],
    killed_by: Test("a_create_can_only_create_and_a_rewrite_can_only_replace"),
}];

const APPLY: &[Mutant] = &[
    Mutant {
        name: "label-edit-loses-the-token",
        means: "Any conflict counts as a lost race, and the token in hand is dropped.",
        changes: &[(
            "!hand.call.wanted.mints || intent.is_some_and(|intent| intent.id == hand.call.id)",
            "false",
        )],
        killed_by: Simulation,
    },
    Mutant {
        name: "lost-race-written-over",
        means: "A token is written over one that somebody else has got meanwhile.",
        changes: &[(
            "id != before && !(found.edited && id == Some(hand.call.id.as_str()))",
            "false",
        )],
        killed_by: Simulation,
    },
];

const STORING: &[Mutant] = &[Mutant {
    name: "unstored-token-dropped",
    means: "A token whose write failed is thrown away.",
    changes: &[("hand.facts.refused = Some(refused);", "memory.in_hand = None;")],
    killed_by: Simulation,
}];
