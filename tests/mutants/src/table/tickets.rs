//! Tickets: when one is requested, and what is believed of one.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] =
    &[Source { file: "src/reconcile/plan/tickets.rs", mutants: TICKETS }];

const TICKETS: &[Mutant] = &[
    Mutant {
        name: "ticket-of-a-doubted-token",
        means: "A ticket is requested with a token that is reported invalid.",
        changes: &[("!is_doubted()", "true")],
        killed_by: Test("a_ticket_is_requested_once_the_token_is_stored_and_reported"),
    },
    Mutant {
        name: "ticket-before-the-token",
        means: "A call for the token waits for one for a ticket.",
        changes: &[("!token_first()", "true")],
        killed_by: Test("a_call_for_the_token_comes_first_and_a_token_about_to_end_is_not_used"),
    },
    Mutant {
        name: "ticket-of-a-stranger",
        means: "A ticket that somebody else put beside the token is kept.",
        changes: &[("is_reported(&view.status, ticket)", "true")],
        killed_by: Test("a_ticket_that_no_status_confirms_is_neither_kept_nor_believed"),
    },
    Mutant {
        name: "ticket-lives-on",
        means: "Each response starts the life of the same ticket again.",
        changes: &[("stored.fingerprint == fingerprint", "false")],
        killed_by: Test("the_life_of_a_ticket_is_counted_from_the_first_response_with_it"),
    },
    Mutant {
        name: "ticket-asked-for-ever",
        means: "A platform that returns a ticket beyond its end is asked every 30 seconds.",
        changes: &[("(past / 2).clamp(SHORTEST, LONGEST)", "SHORTEST")],
        killed_by: Test("after_its_end_a_ticket_is_asked_for_at_growing_intervals"),
    },
];
