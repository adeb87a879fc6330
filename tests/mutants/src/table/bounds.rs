//! Reads, memory and work, of which one tenant must not take what others need.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/reads/room.rs", mutants: ROOM },
    Source { file: "src/reconcile/reads/flights.rs", mutants: FLIGHTS },
    Source { file: "src/reconcile/plan.rs", mutants: PLAN },
    Source { file: "src/reconcile/plan/case.rs", mutants: CASE },
];

const ROOM: &[Mutant] = &[
    Mutant {
        name: "reads-without-share",
        means: "One namespace may use all the room for reads.",
        changes: &[("Some(self.share(namespace).await?)", "None")],
        killed_by: Test("a_namespace_leaves_room_to_others_and_a_call_passes_its_share"),
    },
    Mutant {
        name: "shares-kept",
        means: "Every namespace that was ever read in is remembered.",
        changes: &[("Arc::strong_count(&self.semaphore) == 2", "false")],
        killed_by: Test("who_finds_no_room_gives_up_and_leaves_nothing_behind"),
    },
];

const FLIGHTS: &[Mutant] = &[
    Mutant {
        name: "credential-read-for-each",
        means: "Each object that names a Secret reads it for itself.",
        changes: &[("(&previous, waits)", "(&previous, waits.filter(|_| false))")],
        killed_by: Test("a_read_serves_all_who_ask_before_it_is_sent_and_nobody_else"),
    },
    Mutant {
        name: "late-asker-served",
        means: "A read that was sent earlier serves whoever asks before it is answered.",
        changes: &[("flight.keys.take()", "flight.keys.clone()")],
        killed_by: Test("a_read_serves_all_who_ask_before_it_is_sent_and_nobody_else"),
    },
];

const PLAN: &[Mutant] = &[
    Mutant {
        name: "label-edit-written",
        means: "A label edit of a credential is a status write for each object that names it.",
        changes: &[("says_the_same(stored, &status)", "*stored == status")],
        killed_by: Test("a_version_that_changes_nothing_is_read_once_and_not_written"),
    },
    Mutant {
        name: "read-not-noted",
        means: "What waits for room for a call reads its credential again and again.",
        changes: &[("case.to_note()", "case.to_note().filter(|_| false)")],
        killed_by: Test("another_value_is_told_and_asked_with"),
    },
];

const CASE: &[Mutant] = &[
    Mutant {
        name: "noted-for-every-spec",
        means: "What was read under one key counts for another key.",
        changes: &[(
            "version_of(&noted.version) == version && noted.generation == self.generation()",
            "version_of(&noted.version) == version",
        )],
        killed_by: Test("another_spec_is_read_for_anew"),
    },
    Mutant {
        name: "noted-version-distrusted",
        means: "A busy platform makes a credential count as untested that was only labelled anew.",
        changes: &[("told.or(noted.map(|noted| noted.reason))", "told")],
        killed_by: Test("what_the_platform_says_of_a_noted_version_counts"),
    },
];
