//! When the platform is asked, and what for.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/due.rs", mutants: DUE },
    Source { file: "src/platform/reissue.rs", mutants: REISSUE },
    Source { file: "src/reconcile/plan/unknown_outcome.rs", mutants: DOUBT },
    Source { file: "src/reconcile/plan/view.rs", mutants: CASE },
    Source { file: "src/reconcile/plan.rs", mutants: PLAN },
];

const REISSUE: &[Mutant] = &[
    Mutant {
        name: "added-token-concerns-siblings",
        means: "Where each call adds a token, two objects of an app call each other awake for ever.",
        changes: &[("matches!(self, Self::SameUntil { .. } | Self::Renews)", "true")],
        killed_by: Test("another_objects_token_ends_this_one_or_does_not_concern_it"),
    },
    Mutant {
        name: "half-of-a-life-forgotten",
        means: "A token that renews or adds is refreshed near its end only.",
        changes: &[("matches!(self, Self::Renews | Self::Adds)", "false")],
        killed_by: Test("a_token_is_refreshed_before_its_end_or_at_half_of_its_life"),
    },
    Mutant {
        name: "renewed-token-reported-for-nothing",
        means: "A token that no call replaces is asked for as often as it is reported invalid.",
        changes: &[("Replacement::None", "Replacement::Call")],
        killed_by: Test("a_token_that_is_reported_invalid_is_replaced_where_a_call_can"),
    },
];

const DUE: &[Mutant] = &[
    Mutant {
        name: "renewed-life-counted-from-issue",
        means: "The half of a life that has begun anew is counted from the first call.",
        changes: &[("checked.max(token.issued)", "token.issued")],
        killed_by: Test("a_life_that_begins_anew_is_counted_from_the_last_call"),
    },
    Mutant {
        name: "wanted-lead-overlooked-at-half",
        means: "A long lead of a spec does not hold where tokens are refreshed at half of a life.",
        changes: &[("half.min(life.saturating_sub(lead))", "half")],
        killed_by: Test("the_lead_of_a_spec_comes_before_half_of_a_life"),
    },
    Mutant {
        name: "clock-step-believed",
        means: "A clock that went back gives a stored token more time than it has.",
        changes: &[("clock_went_back(view, token)", "false")],
        killed_by: Test("a_clock_that_went_back_does_not_lengthen_a_tokens_life"),
    },
    Mutant {
        name: "future-token-believed",
        means: "A token that was issued in the future is believed.",
        changes: &[("!is_past(view.now, counted)", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "endless-token-believed",
        means: "A token that lives longer than any of its platform is believed.",
        changes: &[("span(counted, token.expires) > view.endpoint.longest_life", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "forced-call-unforced",
        means: "A forced call in the place of one of unknown end counts as forced and is sent \
                unforced.",
        changes: &[(
            "!beginning || intent.outcome_unknown && !forced",
            "!beginning || intent.outcome_unknown",
        )],
        killed_by: Test("a_forced_call_that_begins_over_an_open_intent_stays_forced"),
    },
    Mutant {
        name: "open-intent-overlooked",
        means: "A call whose end is not known is taken for one that never was.",
        changes: &[("!beginning || intent.outcome_unknown && !forced", "false")],
        killed_by: Test("somebody_elses_open_intent_is_waited_out_and_our_own_is_not"),
    },
    Mutant {
        name: "report-overlooked",
        means: "A token that is reported dead stays.",
        changes: &[("forced < FORCED_ENOUGH || view.seen.started.is_some()", "false")],
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
        name: "sibling-overlooked",
        means: "Another object forces a new token, and this one keeps the one that died of it.",
        changes: &[("view.seen.recall.calls.sibling_asked.as_ref() != Some(&newer)", "false")],
        killed_by: Test("a_siblings_newer_token_is_asked_after_once_on_stable_endpoints"),
    },
    Mutant {
        name: "sibling-asked-after-for-ever",
        means: "Another object's newer token is asked after again and again.",
        changes: &[("view.seen.recall.calls.sibling_asked.as_ref() != Some(&newer)", "true")],
        killed_by: Test("a_siblings_newer_token_is_asked_after_once_on_stable_endpoints"),
    },
    Mutant {
        name: "refused-force-disturbs-siblings",
        means: "A forced call with a rejected credential costs each other object of the app a call.",
        changes: &[("since.is_some_and(|since| *time >= since)", "false")],
        killed_by: Test("a_siblings_forced_call_with_a_rejected_credential_ends_no_token"),
    },
    Mutant {
        name: "unconfirmed-never-trusted",
        means: "A token that a late request may have replaced is never asked after.",
        changes: &[("confirm_at(view, target, view.token()?) <= view.now.wall", "false")],
        killed_by: Test("an_unconfirmed_token_is_asked_for_once_more_after_two_minutes"),
    },
    Mutant {
        name: "edit-overlooked",
        means: "A target that somebody changed beyond repair is left so.",
        changes: &[("view.is_edited(target)", "false")],
        killed_by: Test("an_edit_is_put_right_from_the_data_if_the_token_is_still_there"),
    },
    Mutant {
        name: "credential-change-overlooked",
        means: "A new app secret is not tried before the token is due.",
        changes: &[("view.credential == Credential::Known(Reason::NotTested)", "false")],
        killed_by: Test("another_value_of_the_credential_is_a_call"),
    },
    Mutant {
        name: "mode-change-overlooked",
        means: "A new token mode takes effect when the token is due, not before.",
        changes: &[("view.in_use?.sent.mode != view.mode()", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "request-overlooked",
        means: "A request by annotation leads to nothing.",
        changes: &[("!handled(view.status.handled_refresh_request.as_deref())", "false")],
        killed_by: Test("each_reason_for_a_call_leads_to_one"),
    },
    Mutant {
        name: "handled-request-asked-again",
        means: "A request that was handled is handled again.",
        changes: &[("!handled(view.status.handled_refresh_request.as_deref())", "true")],
        killed_by: Test("a_handled_request_is_handled_by_status_whatever_the_target_says"),
    },
    Mutant {
        name: "won-app-not-asked",
        means: "Who keeps the app from now on goes on with a token that another one has ended.",
        changes: &[("had_lost && ownership::owner(view) == AppOwner::This", "false")],
        killed_by: Test("who_stops_being_a_loser_asks_at_once"),
    },
    Mutant {
        name: "lead-short-by-the-overlap",
        means: "A rotating token is replaced when it dies, not the overlap before that.",
        changes: &[("(lead, Duration::ZERO)", "(Duration::ZERO, Duration::ZERO)")],
        killed_by: Test("a_fresh_token_needs_nothing_until_its_window_opens"),
    },
    Mutant {
        name: "window-opened-too-early",
        means: "A stable endpoint is asked before its window opens, and returns the same token.",
        changes: &[("lead.min(window)", "2 * window")],
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
        changes: &[("(span(last, expires) / 2).clamp(SPACING, AGAIN)", "SPACING")],
        killed_by: Test("short_lives_are_halved_and_the_same_token_is_asked_for_again_soon"),
    },
    Mutant {
        name: "past-token-asked-without-rest",
        means: "A platform that returns a token after its end is asked twice a second.",
        changes: &[("(past / 2).clamp(SPACING, PAST_AGAIN)", "SPACING")],
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
        name: "trusted-too-early",
        means: "An unconfirmed token is trusted before a late request has landed.",
        changes: &[(
            "LANDS_WITHIN + spread(seed, Duration::from_secs(60))",
            "Duration::from_secs(1)",
        )],
        killed_by: Test("an_unconfirmed_token_is_asked_for_once_more_after_two_minutes"),
    },
    Mutant {
        name: "unknown-outcome-overlooked",
        means: "A call behind one of unknown end is believed to be the last.",
        changes: &[(
            "view.open_intent().is_some() || intent.outcome_unknown && may_land_yet(issued)",
            "false",
        )],
        killed_by: Test("an_open_intent_is_a_doubt_and_a_kept_one_until_it_has_landed"),
    },
    Mutant {
        name: "siblings-call-overlooked",
        means: "A call behind one of another object of the app is believed to be the last.",
        changes: &[(
            "intent_of(sibling).is_some_and(|intent| may_land_yet(intent.time.0))",
            "false",
        )],
        killed_by: Test("a_call_of_another_object_of_the_app_may_land_behind_ours"),
    },
    Mutant {
        name: "lost-call-overlooked",
        means: "A call behind a lost one of an object that is gone is believed to be the last.",
        changes: &[(
            "view.seen.app.unknown_at.is_some_and(|sent| view.now.boot < sent + LANDS_WITHIN)",
            "false",
        )],
        killed_by: Test("a_lost_call_of_an_object_that_is_gone_may_land_behind_ours"),
    },
];

const CASE: &[Mutant] = &[
    Mutant {
        name: "interval-from-status-alone",
        means: "Until status tells of it, an answer does not started the interval anew.",
        changes: &[("self.sent_unreported(token).or(reported)", "reported")],
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
        name: "interval-check-unreported",
        means: "The same token, asked for by interval, is not reported: a restart asks at once.",
        changes: &[(
            "due::is_in_window(view, held)",
            "due::next_refresh(view, held) <= view.now.wall",
        )],
        killed_by: Test(
            "the_same_token_is_written_again_only_if_pods_or_we_depend_on_what_changed",
        ),
    },
    Mutant {
        name: "suspended-and-asked",
        means: "A suspended object is asked for all the same.",
        changes: &[
            ("if !view.is_served() {\n        return None;\n    }", ""),
            ("if !view.is_served() {\n        return withdraw_or(view, None);\n    }", ""),
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
        changes: &[("wanted.mints && view.seen.started.is_none()", "false")],
        killed_by: Test("a_rotating_call_begins_with_an_intent_and_a_stable_one_does_not"),
    },
    Mutant {
        name: "intent-left-behind",
        means: "A call that was started and is not wanted any more leaves its intent.",
        changes: &[("view.seen.started.is_some()", "false")],
        killed_by: Test("what_was_begun_is_withdrawn_when_a_closer_look_shows_no_need"),
    },
    Mutant {
        name: "immutable-target-asked",
        means: "A token is asked for that an immutable target cannot take.",
        changes: &[("if live.immutable {\n        return Step::Wait(IMMUTABLE_AGAIN);\n    }", "")],
        killed_by: Test("an_immutable_target_is_reported_and_costs_no_call"),
    },
    Mutant {
        name: "closed-intent-stays",
        means: "An intent whose call has ended well stands on when the next call is made.",
        changes: &[("!wanted.mints && closed_intent_stands(view)", "false")],
        killed_by: Test("a_closed_intent_is_removed_before_an_unforced_call"),
    },
];
