//! Reads, memory and work, of which one tenant must not take what others need.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/reads/room.rs", mutants: ROOM },
    Source { file: "src/reconcile/reads/flights.rs", mutants: FLIGHTS },
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
