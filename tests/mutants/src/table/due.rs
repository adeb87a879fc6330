//! When the platform is asked, and what for.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/due.rs", mutants: DUE },
    Source { file: "src/reconcile/plan/doubt.rs", mutants: DOUBT },
    Source { file: "src/reconcile/plan/case.rs", mutants: CASE },
    Source { file: "src/reconcile/plan.rs", mutants: PLAN },
];

const DUE: &[Mutant] = &[
    Mutant {
        name: "clock-step-believed",
        means: "A clock that went back gives a stored token more time than it has.",
        changes: &[("clock_went_back(case, token)", "false")],
        killed_by: Test("a_clock_that_went_back_does_not_lengthen_a_tokens_life"),
    },
    Mutant {
        name: "forced-call-unforced",
        means: "A forced call in the place of one of unknown end counts as forced and is sent unforced.",
        changes: &[("!beginning || intent.doubt && !forced", "!beginning || intent.doubt")],
        killed_by: Test("a_forced_call_that_begins_over_an_open_intent_stays_forced"),
    },
    Mutant {
        name: "open-intent-overlooked",
        means: "A call whose end is not known is taken for one that never was.",
        changes: &[("!beginning || intent.doubt && !forced", "false")],
        killed_by: Test("somebody_elses_open_intent_is_waited_out_and_our_own_is_not"),
    },
    Mutant {
        name: "report-overlooked",
        means: "A token that is reported dead stays.",
        changes: &[(
            "case.endpoint.rotates() || forced < FORCED_ENOUGH || case.seen.begun.is_some()",
            "false",
        )],
        killed_by: Test("only_the_current_token_can_be_reported_invalid"),
    },
    Mutant {
        name: "refused-force-counts",
        means: "Two forced calls that the platform refused end the report of a dead token.",
        changes: &[("time.0 > token.issued && time.0 <= checked", "time.0 > token.issued")],
        killed_by: Test("forced_calls_are_apart_counted_and_given_up"),
    },
    Mutant {
        name: "rival-overlooked",
        means: "Another object forces a new token, and this one keeps the one that died of it.",
        changes: &[("case.seen.recall.rival_asked.as_ref() != Some(&newer)", "false")],
        killed_by: Test("a_rivals_newer_token_is_asked_after_once_on_stable_endpoints"),
    },
    Mutant {
        name: "unsettled-never-confirmed",
        means: "A token that a late request may have replaced is never asked after.",
        changes: &[("settles_at(case, target, case.token()?) <= case.now.wall", "false")],
        killed_by: Test("an_unsettled_token_is_asked_for_once_more_after_two_minutes"),
    },
    Mutant {
        name: "lead-short-by-the-overlap",
        means: "A rotating token is replaced when it dies, not the overlap before that.",
        changes: &[("self.lead.unwrap_or(lead)", "self.lead.unwrap_or(lead).saturating_sub(lead)")],
        killed_by: Test("a_fresh_token_needs_nothing_until_its_window_opens"),
    },
    Mutant {
        name: "window-opened-too-early",
        means: "A stable endpoint is asked before its window opens, and returns the same token.",
        changes: &[("self.lead.map_or(window, |lead| lead.min(window))", "2 * window")],
        killed_by: Test("a_fresh_token_needs_nothing_until_its_window_opens"),
    },
];

const DOUBT: &[Mutant] = &[
    Mutant {
        name: "confirmed-too-early",
        means: "An unsettled token is confirmed before a late request has landed.",
        changes: &[("LANDED + spread(seed, Duration::from_secs(60))", "Duration::from_secs(1)")],
        killed_by: Test("an_unsettled_token_is_asked_for_once_more_after_two_minutes"),
    },
    Mutant {
        name: "doubt-overlooked",
        means: "A call behind one of unknown end is believed to be the last.",
        changes: &[(
            "case.open_intent().is_some() || intent.doubt && may_land_yet(issued)",
            "false",
        )],
        killed_by: Test("an_open_intent_is_a_doubt_and_a_kept_one_until_it_has_landed"),
    },
    Mutant {
        name: "rivals-call-overlooked",
        means: "A call behind one of another object of the app is believed to be the last.",
        changes: &[("intent_of(rival).is_some_and(|intent| may_land_yet(intent.time.0))", "false")],
        killed_by: Test("a_call_of_another_object_of_the_app_may_land_behind_ours"),
    },
    Mutant {
        name: "lost-call-overlooked",
        means: "A call behind a lost one of an object that is gone is believed to be the last.",
        changes: &[(
            "case.seen.app.lost.is_some_and(|sent| case.now.boot < sent + LANDED)",
            "false",
        )],
        killed_by: Test("a_lost_call_of_an_object_that_is_gone_may_land_behind_ours"),
    },
];

const CASE: &[Mutant] = &[
    Mutant {
        name: "backup-believed",
        means: "A target that was put back from a backup is taken for the newest.",
        changes: &[("known <= after(self.now.wall, due::SKEW)", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "stop-outlives-its-cause",
        means: "A rejection goes on to hold after the credential was corrected.",
        changes: &[(
            "of_older_token || of_other_spec || of_other_credential || of_other_clock",
            "of_older_token || of_other_spec || of_other_clock",
        )],
        killed_by: Test("a_stop_holds_for_the_credential_that_was_sent_and_a_request_lifts_it"),
    },
];

const PLAN: &[Mutant] = &[Mutant {
    name: "suspended-and-asked",
    means: "A suspended object is asked for all the same.",
    changes: &[
        ("if case.mp.spec.suspend {\n        return None;\n    }", ""),
        ("if case.mp.spec.suspend {\n        return withdraw_or(case, None);\n    }", ""),
    ],
    killed_by: Test("a_suspended_object_asks_for_nothing"),
}];
