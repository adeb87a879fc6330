//! Several objects of one app: who keeps it, and what the others believe.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/ownership.rs", mutants: TURN },
    Source { file: "src/api/sibling.rs", mutants: STANDING },
    Source { file: "src/world/crowd.rs", mutants: CROWD },
    Source { file: "src/world/crowd/family.rs", mutants: FAMILY },
    Source { file: "src/reconcile/plan/view.rs", mutants: CASE },
];

const TURN: &[Mutant] = &[
    Mutant {
        name: "everybody-keeps-the-app",
        means: "Several objects of an app all rotate its one token.",
        changes: &[("AppOwner::Other(winner)", "AppOwner::This")],
        killed_by: Test(
            "the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody",
        ),
    },
    Mutant {
        name: "youngest-keeps-the-app",
        means: "A new object takes the app from the one that keeps it.",
        changes: &[("age(view.mp) < age(sibling)", "age(view.mp) > age(sibling)")],
        killed_by: Test(
            "the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody",
        ),
    },
    Mutant {
        name: "rejected-object-keeps-the-app",
        means: "A rejected object goes before those that have not been tried.",
        changes: &[("verdict != Some(false)", "true")],
        killed_by: Test(
            "the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody",
        ),
    },
    Mutant {
        name: "other-mode-keeps-the-app",
        means: "An object of another mode, which has tokens of its own, keeps the app.",
        changes: &[("view.platform.endpoint(mode).map(mode_name) == Some(view.mode())", "true")],
        killed_by: Test(
            "the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody",
        ),
    },
    Mutant {
        name: "loser-believes-its-token",
        means: "An object goes on to call a token good that another one has ended.",
        changes: &[("minted_at(winner).any(|time| is_later(view, time, token))", "false")],
        killed_by: Test("of_two_mints_in_one_second_who_made_both_knows_the_later_one"),
    },
    Mutant {
        name: "own-mints-forgotten",
        means: "A clock that was set hides that this process has minted for another object since.",
        changes: &[("last.started > issued", "false")],
        killed_by: Test("whatever_the_clock_was_the_process_knows_whose_mint_was_the_last"),
    },
    Mutant {
        name: "same-second-overlooked",
        means: "Of two tokens of one second nobody asks which one ended the other.",
        changes: &[
            ("minted == token.issued && minted_here(view, token).is_none()", "false"),
            ("minted_here(view, token).or_else(by_life)", "by_life()"),
        ],
        killed_by: Test("of_two_mints_in_one_second_who_made_both_knows_the_later_one"),
    },
    Mutant {
        name: "mints-of-the-gone-forgotten",
        means: "What an object minted that is gone since has ended no token.",
        changes: &[(
            "of_app.filter(|time| is_past(view.now, *time)) > own.max(Some(token.issued))",
            "false",
        )],
        killed_by: Test("what_an_object_minted_that_is_gone_since_is_remembered"),
    },
];

const STANDING: &[Mutant] = &[Mutant {
    name: "suspended-object-keeps-the-app",
    means: "A suspended object keeps the app from those that would ask.",
    changes: &[(
        "!mp.spec.suspend && mp.metadata.deletion_timestamp.is_none()",
        "mp.metadata.deletion_timestamp.is_none()",
    )],
    killed_by: Test("the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody"),
}];

const CROWD: &[Mutant] = &[
    Mutant {
        name: "surplus-served",
        means: "However many objects of an app a namespace has, all are served.",
        changes: &[("self.is_surplus(of, &object)", "false")],
        killed_by: Test(
            "the_oldest_hundred_of_a_namespace_are_served_and_the_next_one_when_one_of_them_leaves",
        ),
    },
    Mutant {
        name: "surplus-takes-its-turn",
        means: "An object that is not served keeps the app from those that are.",
        changes: &[("is_in && self.is_served(namespace, &age(object))", "is_in")],
        killed_by: Test(
            "the_oldest_hundred_of_a_namespace_are_served_and_the_next_one_when_one_of_them_leaves",
        ),
    },
    Mutant {
        name: "next-one-not-reported",
        means: "Who is served in the place of one that left hears of it by chance.",
        changes: &[("concerned.push(other);", "drop(other);")],
        killed_by: Test(
            "the_oldest_hundred_of_a_namespace_are_served_and_the_next_one_when_one_of_them_leaves",
        ),
    },
    Mutant {
        name: "every-change-concerns-all",
        means: "All objects of an app are looked at whenever one of them changes.",
        changes: &[("of_all(&before) != of_all(&after)", "true")],
        killed_by: Test(
            "where_a_token_is_shared_only_the_first_report_of_a_new_one_requeues_the_others",
        ),
    },
    Mutant {
        name: "crowd-reported-nothing",
        means: "In an app of many objects nobody hears that the others' token has been replaced.",
        changes: &[("of_all(&before) != of_all(&after)", "false")],
        killed_by: Test(
            "where_one_owns_the_app_its_calls_requeue_all_and_a_rejected_credential_the_next_object",
        ),
    },
    Mutant {
        name: "unshown-not-counted",
        means: "Of many objects' mints only those of a few are counted.",
        changes: &[("count - known(mode, day)", "0")],
        killed_by: Test("few_of_many_are_enough_to_plan_from"),
    },
];

const FAMILY: &[Mutant] = &[
    Mutant {
        name: "owner-reported-where-there-is-none",
        means: "Where all may ask, each new oldest object of an app makes all others look again.",
        changes: &[("self.reissue.is_some_and(Reissue::is_exclusive)", "true")],
        killed_by: Test(
            "where_a_token_is_shared_only_the_first_report_of_a_new_one_requeues_the_others",
        ),
    },
    Mutant {
        name: "all-shown",
        means: "Each object of an app looks at all others that ever forced a call.",
        changes: &[(
            "self.forced.iter().rev().take(FORCED)",
            "self.forced.iter().rev().take(usize::MAX)",
        )],
        killed_by: Test("each_is_shown_a_few_dozen_others_at_most"),
    },
    Mutant {
        name: "times-to-come-hide-others",
        means: "A time that cannot be true yet hides the calls that were made.",
        changes: &[("*time > until", "false")],
        killed_by: Test("few_of_many_are_enough_to_plan_from"),
    },
    Mutant {
        name: "own-place-hides-the-others",
        means: "Who is first itself is not shown who comes next.",
        changes: &[("by.iter().take(FIRST)", "by.iter().take(1)")],
        killed_by: Test("the_owner_of_an_app_is_shown_the_next_owner"),
    },
    Mutant {
        name: "own-token-hides-the-newer",
        means: "Who has the newest token of a crowd hides the one before it from its holders.",
        changes: &[("newest.take(TOKENS)", "newest.take(1)")],
        killed_by: Test("few_of_many_are_enough_to_plan_from"),
    },
];

const CASE: &[Mutant] = &[Mutant {
    name: "surplus-asked",
    means: "An object that is not served asks all the same.",
    changes: &[("!self.mp.spec.suspend && !self.seen.siblings.surplus", "!self.mp.spec.suspend")],
    killed_by: Test("more_objects_than_a_namespace_may_have_of_an_app_ask_for_nothing"),
}];
