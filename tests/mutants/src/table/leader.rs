//! Who leads, and for how long.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/shell/leader/record.rs", mutants: RECORD },
    Source { file: "src/shell/leader/elector.rs", mutants: ELECTOR },
    Source { file: "src/shell/leader/term.rs", mutants: TERM },
    Source { file: "src/shell/leader/fence.rs", mutants: FENCE },
    Source { file: "src/operator.rs", mutants: OPERATOR },
];

const RECORD: &[Mutant] = &[
    Mutant {
        name: "held-lease-taken",
        means: "A candidate takes a Lease that somebody still holds.",
        changes: &[("self.free_for_us().is_some_and(|free| boot >= free)", "true")],
        killed_by: Test("a_standby_takes_only_what_is_free"),
    },
    Mutant {
        name: "useless-candidate-first",
        means: "A candidate that could not do the work takes a free Lease before others.",
        changes: &[("Some(free? + self.handicap)", "free")],
        killed_by: Test(
            "a_candidate_that_cannot_list_leaves_a_free_lease_to_others_for_some_durations",
        ),
    },
    Mutant {
        name: "renewed-lease-expires",
        means: "A candidate counts a Lease from its first sighting, however often it is renewed.",
        changes: &[("version(old) == version(new)", "true")],
        killed_by: Test("a_standby_takes_only_what_is_free"),
    },
    Mutant {
        name: "own-duration-for-all",
        means: "A candidate counts a Lease by its own duration, not by the holder's.",
        changes: &[(
            "stated.filter(|s| *s > 0).map_or(self.duration, Duration::from_secs)",
            "self.duration",
        )],
        killed_by: Test("a_standby_takes_only_what_is_free"),
    },
    Mutant {
        name: "holder-stops-too-late",
        means: "A holder whose renewals fail leads until the others may take over.",
        changes: &[("self.renewed? + self.duration * 2 / 3", "self.renewed? + self.duration")],
        killed_by: Test("a_holder_renews_and_stops_by_its_clock"),
    },
    Mutant {
        name: "taken-lease-overlooked",
        means: "A holder leads on when the Lease names another one.",
        changes: &[("self.known && leading && !self.ours()", "false")],
        killed_by: Test("a_holder_renews_and_stops_by_its_clock"),
    },
    Mutant {
        name: "race-for-the-lease-lost",
        means: "A Lease is written over whoever has written it since it was read.",
        changes: &[(
            "self.seen.as_ref().map(|(lease, _)| lease.clone()).unwrap_or_default()",
            "Lease::default()",
        )],
        killed_by: Test("the_record_is_written_as_client_go_does"),
    },
];

const ELECTOR: &[Mutant] = &[Mutant {
    name: "term-counts-from-the-answer",
    means: "A term counts from the answer to its renewal, not from when that was sent.",
    changes: &[(
        "self.candidate.wrote(lease, now.boot);",
        "self.candidate.wrote(lease, self.clock.now().boot);",
    )],
    killed_by: Test("a_term_counts_from_when_its_renewal_was_sent"),
}];

const TERM: &[Mutant] = &[
    Mutant {
        name: "call-outlasts-the-term",
        means: "A call begins that the term has no time left for.",
        changes: &[(
            "!self.0.closed.is_cancelled() && self.left() > needed",
            "!self.0.closed.is_cancelled()",
        )],
        killed_by: Test("a_permit_needs_more_time_than_the_call"),
    },
    Mutant {
        name: "call-while-stopping",
        means: "A process that is about to end begins a call.",
        changes: &[(
            "!self.0.closed.is_cancelled() && self.left() > needed",
            "self.left() > needed",
        )],
        killed_by: Test("a_permit_needs_more_time_than_the_call"),
    },
];

const FENCE: &[Mutant] = &[Mutant {
    name: "write-after-the-term",
    means: "A process that leads no more sends what it had decided to write.",
    changes: &[("!term.leads()", "false")],
    killed_by: Test("after_the_term_the_client_sends_nothing"),
}];

const OPERATOR: &[Mutant] = &[Mutant {
    name: "useless-leader-comes-back",
    means: "Who led and saw no object takes the Lease again at once, before anybody else.",
    changes: &[(
        "if others_first { OTHERS_FIRST } else { cannot_list.into() }",
        "cannot_list.into()",
    )],
    killed_by: Test("after_a_term_without_working_watches_the_lease_is_left_to_others_first"),
}];
