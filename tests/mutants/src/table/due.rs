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
        name: "future-token-believed",
        means: "A token that was issued in the future is believed.",
        changes: &[("!is_past(case.now, counted)", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "endless-token-believed",
        means: "A token that lives longer than any of its platform is believed.",
        changes: &[("span(counted, token.expires) > case.endpoint.longest_life", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "forced-call-unforced",
        means: "A forced call in the place of one of unknown end counts as forced and is sent \
                unforced.",
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
        name: "old-report-believed",
        means: "A report of a token that was replaced since costs the new one.",
        changes: &[("token.fingerprint == reported", "true")],
        killed_by: Test("only_the_current_token_can_be_reported_invalid"),
    },
    Mutant {
        name: "rival-overlooked",
        means: "Another object forces a new token, and this one keeps the one that died of it.",
        changes: &[("case.seen.recall.rival_asked.as_ref() != Some(&newer)", "false")],
        killed_by: Test("a_rivals_newer_token_is_asked_after_once_on_stable_endpoints"),
    },
    Mutant {
        name: "rival-asked-after-for-ever",
        means: "Another object's newer token is asked after again and again.",
        changes: &[("case.seen.recall.rival_asked.as_ref() != Some(&newer)", "true")],
        killed_by: Test("a_rivals_newer_token_is_asked_after_once_on_stable_endpoints"),
    },
    Mutant {
        name: "refused-force-disturbs-siblings",
        means: "A forced call with a rejected credential costs each other object of the app a call.",
        changes: &[("since.is_some_and(|since| *time >= since)", "false")],
        killed_by: Test("a_rivals_forced_call_with_a_rejected_credential_ends_no_token"),
    },
    Mutant {
        name: "unsettled-never-confirmed",
        means: "A token that a late request may have replaced is never asked after.",
        changes: &[("settles_at(case, target, case.token()?) <= case.now.wall", "false")],
        killed_by: Test("an_unsettled_token_is_asked_for_once_more_after_two_minutes"),
    },
    Mutant {
        name: "edit-overlooked",
        means: "A target that somebody changed beyond repair is left so.",
        changes: &[("case.is_edited(target)", "false")],
        killed_by: Test("an_edit_is_put_right_from_the_data_if_the_token_is_still_there"),
    },
    Mutant {
        name: "credential-change-overlooked",
        means: "A new app secret is not tried before the token is due.",
        changes: &[("case.credential == Credential::Known(Reason::NotTested)", "false")],
        killed_by: Test("another_value_of_the_credential_is_a_call"),
    },
    Mutant {
        name: "mode-change-overlooked",
        means: "A new token mode takes effect when the token is due, not before.",
        changes: &[("case.in_use?.sent.mode != case.mode()", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "request-overlooked",
        means: "A request by annotation leads to nothing.",
        changes: &[("!handled(case.status.handled_refresh_request.as_deref())", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "handled-request-asked-again",
        means: "A request that was handled is handled again.",
        changes: &[("!handled(case.status.handled_refresh_request.as_deref())", "true")],
        killed_by: Test("a_handled_request_is_handled_by_status_whatever_the_target_says"),
    },
    Mutant {
        name: "won-app-not-asked",
        means: "Who keeps the app from now on goes on with a token that another one has ended.",
        changes: &[("had_lost && turn::turn(case) == Turn::Mine", "false")],
        killed_by: Test("who_stops_being_a_loser_asks_at_once"),
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
    Mutant {
        name: "short-life-asked-at-once",
        means: "A token whose life is shorter than the lead is replaced as soon as it is there.",
        changes: &[("after(token.issued, (life / 2).max(SHORTEST))", "token.issued")],
        killed_by: Test("short_lives_are_halved_and_the_same_token_is_asked_for_again_soon"),
    },
    Mutant {
        name: "same-token-asked-without-rest",
        means: "The same token inside the window is asked for again twice a second.",
        changes: &[("(span(last, token.expires) / 2).clamp(SPACING, AGAIN)", "SPACING")],
        killed_by: Test("short_lives_are_halved_and_the_same_token_is_asked_for_again_soon"),
    },
    Mutant {
        name: "interval-ignored",
        means: "spec.refreshIntervalSeconds changes nothing.",
        changes: &[("self.interval.map(|interval| after(last, interval))", "None")],
        killed_by: Test("the_interval_counts_from_the_last_check"),
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
        name: "interval-from-status-alone",
        means: "Until status tells of it, an answer does not begin the interval anew.",
        changes: &[("self.sent_untold(token).or(told)", "told")],
        killed_by: Test("the_interval_begins_anew_with_an_answer_that_status_does_not_tell_of_yet"),
    },
    Mutant {
        name: "credential-edit-asks",
        means: "A label edit of the credential costs a call.",
        changes: &[(
            "if brought_the_token { Reason::Accepted } else { Reason::NotTested }",
            "Reason::NotTested",
        )],
        killed_by: Test("a_version_that_changes_nothing_is_read_once_and_not_written"),
    },
];

const PLAN: &[Mutant] = &[
    Mutant {
        name: "interval-check-untold",
        means: "The same token, asked for by interval, is not told: a restart asks at once.",
        changes: &[(
            "due::is_in_window(case, held)",
            "due::next_refresh(case, held) <= case.now.wall",
        )],
        killed_by: Test(
            "the_same_token_is_written_again_only_if_pods_or_we_depend_on_what_changed",
        ),
    },
    Mutant {
        name: "suspended-and-asked",
        means: "A suspended object is asked for all the same.",
        changes: &[
            ("if !case.is_served() {\n        return None;\n    }", ""),
            ("if !case.is_served() {\n        return withdraw_or(case, None);\n    }", ""),
        ],
        killed_by: Test("a_suspended_object_asks_for_nothing"),
    },
    Mutant {
        name: "deleted-object-served",
        means: "An object on its way out gets calls and writes.",
        changes: &[("mp.metadata.deletion_timestamp.is_some()", "false")],
        killed_by: Test("an_object_on_its_way_out_gets_nothing"),
    },
    Mutant {
        name: "planned-before-listed",
        means: "An object is served before its namespace is listed: what is not known looks \
                absent.",
        changes: &[("!seen.listed", "false")],
        killed_by: Test("nothing_is_planned_before_everything_in_the_namespace_is_listed"),
    },
    Mutant {
        name: "intent-skipped",
        means: "A call that may end a token is made without an intent.",
        changes: &[("wanted.mints && case.seen.begun.is_none()", "false")],
        killed_by: Test("a_rotating_call_begins_with_an_intent_and_a_stable_one_does_not"),
    },
    Mutant {
        name: "intent-left-behind",
        means: "A call that was begun and is not wanted any more leaves its intent.",
        changes: &[("case.seen.begun.is_some()", "false")],
        killed_by: Test("what_was_begun_is_withdrawn_when_a_closer_look_shows_no_need"),
    },
    Mutant {
        name: "immutable-target-asked",
        means: "A token is asked for that an immutable target cannot take.",
        changes: &[(
            "if close.immutable {\n        return Step::Settle(IMMUTABLE_AGAIN);\n    }",
            "",
        )],
        killed_by: Test("an_immutable_target_is_told_and_costs_no_call"),
    },
    Mutant {
        name: "closed-intent-stays",
        means: "An intent whose call has ended well stands on when the next call is made.",
        changes: &[("!wanted.mints && closed_intent_stands(case)", "false")],
        killed_by: Test("a_closed_intent_is_removed_before_an_unforced_call"),
    },
];
