//! Tickets: when one is requested, and what is believed of one.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/tickets.rs", mutants: TICKETS },
    Source { file: "src/reconcile/acts/store.rs", mutants: STORE },
];

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
    Mutant {
        name: "ticket-asked-for-at-once",
        means: "After a failure that the clock or another token voids, a ticket is asked for at once.",
        changes: &[("retry.max(since(SHORTEST))", "retry")],
        killed_by: Test(
            "no_two_calls_are_closer_than_half_a_minute_whatever_the_clock_and_the_secret_say",
        ),
    },
    Mutant {
        name: "ticket-waits-by-the-wall-clock",
        means: "A clock that is set back delays the call for the next ticket.",
        changes: &[("until.min(since(span(last.sent, next)))", "until")],
        killed_by: Test("a_clock_that_is_set_back_delays_no_call"),
    },
];

const STORE: &[Mutant] = &[Mutant {
    name: "token-refused-with-its-tickets",
    means: "A policy that refuses a ticket keeps the token out of its Secret.",
    changes: &[("unstored.tickets.clear();", "let _ = unstored.tickets.len();")],
    killed_by: Test("a_token_whose_write_was_refused_stays_in_hand_and_is_tried_again"),
}];
