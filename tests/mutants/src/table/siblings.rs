//! Several objects of one app: who keeps it, and what the others believe.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] =
    &[Source { file: "src/reconcile/plan/turn.rs", mutants: TURN }];

const TURN: &[Mutant] = &[
    Mutant {
        name: "everybody-keeps-the-app",
        means: "Several objects of an app all rotate its one token.",
        changes: &[("Turn::Theirs(winner)", "Turn::Mine")],
        killed_by: Test(
            "the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody",
        ),
    },
    Mutant {
        name: "youngest-keeps-the-app",
        means: "A new object takes the app from the one that keeps it.",
        changes: &[("age(case.mp) < age(rival)", "age(case.mp) > age(rival)")],
        killed_by: Test(
            "the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody",
        ),
    },
    Mutant {
        name: "suspended-object-keeps-the-app",
        means: "A suspended object keeps the app from those that would ask.",
        changes: &[(
            "!mp.spec.suspend && mp.metadata.deletion_timestamp.is_none()",
            "mp.metadata.deletion_timestamp.is_none()",
        )],
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
        changes: &[(
            "case.platform.endpoint(other.spec.token_mode).map(mode_name) == Some(case.mode())",
            "true",
        )],
        killed_by: Test(
            "the_oldest_accepted_claimant_keeps_the_app_and_a_rejected_one_blocks_nobody",
        ),
    },
    Mutant {
        name: "loser-believes-its-token",
        means: "An object goes on to call a token good that another one has ended.",
        changes: &[("minted_at(winner).any(|time| is_later(case, time, token))", "false")],
        killed_by: Test("of_two_mints_in_one_second_who_made_both_knows_the_later_one"),
    },
    Mutant {
        name: "own-mints-forgotten",
        means: "A clock that was set hides that this process has minted for another object since.",
        changes: &[("last.begun > issued", "false")],
        killed_by: Test("whatever_the_clock_was_the_process_knows_whose_mint_was_the_last"),
    },
    Mutant {
        name: "same-second-overlooked",
        means: "Of two tokens of one second nobody asks which one ended the other.",
        changes: &[
            ("minted == token.issued && minted_here(case, token).is_none()", "false"),
            ("minted_here(case, token).or_else(by_life)", "by_life()"),
        ],
        killed_by: Test("of_two_mints_in_one_second_who_made_both_knows_the_later_one"),
    },
    Mutant {
        name: "mints-of-the-gone-forgotten",
        means: "What an object minted that is gone since has ended no token.",
        changes: &[(
            "of_app.filter(|time| due::is_past(case.now, *time)) > own.max(Some(token.issued))",
            "false",
        )],
        killed_by: Test("what_an_object_minted_that_is_gone_since_is_remembered"),
    },
];
