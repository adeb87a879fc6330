//! A call from its intent to its end.

use super::{
    KilledBy::{Both, Simulation, Test},
    Mutant, Source,
};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/status.rs", mutants: STATUS },
    Source { file: "src/reconcile/acts/call.rs", mutants: CALLING },
    Source { file: "src/reconcile/acts/call/end.rs", mutants: CALL_END },
    Source { file: "src/reconcile/plan/refused_write.rs", mutants: REFUSAL },
    Source { file: "src/reconcile/fetch.rs", mutants: FETCH },
    Source { file: "src/reconcile/plan/fold.rs", mutants: ENDED },
];

const STATUS: &[Mutant] = &[
    Mutant {
        name: "intent-not-written",
        means: "A call that may end a token leaves no intent behind.",
        changes: &[("Some(intent)", "None")],
        killed_by: Test("an_intent_names_its_call_and_says_whether_one_before_it_may_still_land"),
    },
    Mutant {
        name: "unknown-outcome-not-written",
        means: "An intent that takes the place of an open one does not say so.",
        changes: &[(
            "Intent { id: call.id.clone(), time, outcome_unknown: call.outcome_unknown }",
            "Intent { id: call.id.clone(), time, outcome_unknown: false }",
        )],
        killed_by: Test("an_intent_names_its_call_and_says_whether_one_before_it_may_still_land"),
    },
    Mutant {
        name: "forced-not-counted",
        means: "A forced call is not counted where a restart would find it.",
        changes: &[("forced_times.push(Time(whole_seconds(now.wall)));", "")],
        killed_by: Test("a_call_is_counted_where_a_restart_finds_it"),
    },
    Mutant {
        name: "refresh-takes-from-the-share",
        means: "A refresh that is due by time takes from the share of those that are not.",
        changes: &[("count + i32::from(!call.wanted.why.by_time())", "count + 1")],
        killed_by: Test("a_call_is_counted_where_a_restart_finds_it"),
    },
    Mutant {
        name: "yesterdays-mints-count",
        means: "What was minted yesterday is taken from today's share.",
        changes: &[("if before.day == today { before.count } else { 0 }", "before.count")],
        killed_by: Test("what_was_counted_yesterday_is_not_counted_today"),
    },
];

const CALLING: &[Mutant] = &[
    Mutant {
        name: "repeated-life-believed",
        means: "A platform that repeats the whole life of a token gives it more with each call.",
        changes: &[("known.expiration_time.0.min(end)", "end")],
        killed_by: Test(
            "a_whole_life_is_counted_from_the_first_call_and_what_is_left_from_this_one",
        ),
    },
    Mutant {
        name: "own-intent-not-known",
        means: "A process takes its own intent for another one's, and waits for its call.",
        changes: &[("recall.calls.own_intent = Some(call.id.clone())", "()")],
        killed_by: Simulation,
    },
    Mutant {
        name: "unconfirmed-not-set",
        means: "A token that a late request may replace is stored as if it were the last.",
        changes: &[("started.call.outcome_unknown", "false")],
        killed_by: Test("a_token_that_a_late_request_may_replace_is_marked"),
    },
    Mutant {
        name: "same-token-made-younger",
        means: "The same token gets a new issue time each time that it comes.",
        changes: &[("known.map_or(sent, |known| known.issue_time.0)", "sent")],
        killed_by: Test(
            "a_tokens_end_counts_from_its_call_and_the_same_token_keeps_its_issue_time",
        ),
    },
];

const REFUSAL: &[Mutant] = &[Mutant {
    name: "refused-writes-keep-their-pace",
    means: "A write that is refused is tried again twice a second for ever.",
    changes: &[("backoff(attempts, FIRST, longest)", "FIRST")],
    killed_by: Test("a_write_that_is_refused_waits_twice_as_long_each_time"),
}];

const FETCH: &[Mutant] = &[
    Mutant {
        name: "fail-over-after-silence",
        means: "Another host is tried after one that may have made a token.",
        changes: &[(
            "not_sent.certainty == Certainty::NotSent",
            "not_sent.certainty != Certainty::Refused",
        )],
        killed_by: Test("another_host_is_tried_only_if_the_first_has_certainly_seen_nothing"),
    },
    Mutant {
        name: "late-call-sent",
        means: "A process that stood still after its intent sends its call however late it wakes.",
        changes: &[("now.saturating_sub(since) > platforms.request_timeout", "false")],
        killed_by: Test("nothing_is_sent_without_a_permit_or_for_an_intent_that_is_too_old"),
    },
    Mutant {
        name: "proxys-answer-is-a-no",
        means: "An answer without the platform's own code counts as its refusal.",
        changes: &[(
            "return Fetched::Refused(refusal)",
            "return Fetched::Refused(Refusal { certainty: Certainty::Refused, ..refusal })",
        )],
        killed_by: Test("only_a_code_of_the_platforms_own_is_a_refusal"),
    },
    Mutant {
        name: "slow-platform-given-no-time",
        means: "A platform that mints and answers too late is never given more time.",
        changes: &[("wanted.unanswered.saturating_add(1)", "1")],
        killed_by: Test("a_silent_rotating_platform_is_given_more_time_each_time"),
    },
];

const ENDED: &[Mutant] = &[
    Mutant {
        name: "request-answered-by-a-failure",
        means: "A request whose call failed counts as answered.",
        changes: &[(
            "if retry::stops(refusal.reason) {\n                \
             answer_request(&mut status, ended);\n            }",
            "answer_request(&mut status, ended);",
        )],
        killed_by: Both("a_request_that_fails_stays_open_and_is_tried_again_when_the_status_says"),
    },
    Mutant {
        name: "unknown-outcome-not-kept",
        means: "An unconfirmed token's call leaves no intent behind for when that token is deleted.",
        changes: &[("*stored && *unconfirmed", "false")],
        killed_by: Test("a_token_that_a_late_request_may_replace_keeps_its_intent"),
    },
    Mutant {
        name: "refusal-closes-any-intent",
        means: "A refused call takes back an intent that stands for an older outcome_unknown.",
        changes: &[("intent.id == ended.call.id && !intent.outcome_unknown", "true")],
        killed_by: Test("a_call_that_did_nothing_takes_back_its_own_intent_and_no_older_doubt"),
    },
    Mutant {
        name: "request-answered-for-ever",
        means: "A request by annotation is never marked as handled.",
        changes: &[("ended.call.handles.is_some()", "false")],
        killed_by: Test("a_request_is_handled_by_a_token_and_by_a_no_that_only_a_person_can_lift"),
    },
    Mutant {
        name: "failed-request-handled",
        means: "A request whose one call failed is marked as handled.",
        changes: &[(
            "if retry::stops(refusal.reason) {\n                answer_request(&mut status, \
             ended);\n            }",
            "answer_request(&mut status, ended);",
        )],
        killed_by: Both("a_request_that_fails_stays_open_and_is_tried_again_when_the_status_says"),
    },
    Mutant {
        name: "forced-quota-stops-all",
        means: "A quota answer to a forced call stops every other call of the object.",
        changes: &[(
            "ended.call.wanted.force && refusal.reason == Reason::QuotaExhausted",
            "false",
        )],
        killed_by: Test("a_quota_of_forced_calls_is_no_failure_and_leaves_a_request_open"),
    },
    Mutant {
        name: "busy-platform-doubts-the-secret",
        means: "A busy platform makes an accepted app secret an untested one.",
        changes: &[(
            "said.filter(|reason| *reason == Reason::Accepted).unwrap_or(Reason::NotTested)",
            "Reason::NotTested",
        )],
        killed_by: Test("only_an_answer_about_the_credential_changes_what_is_said_of_it"),
    },
    Mutant {
        name: "withdrawn-forced-call-counts",
        means: "A forced call that was never sent takes from the day's count.",
        changes: &[("!matches!(ended.how, How::Withdrawn)", "true")],
        killed_by: Test("what_the_platform_refused_is_not_counted_but_for_a_forced_call"),
    },
];

const CALL_END: &[Mutant] = &[
    Mutant {
        name: "lost-mint-forgotten",
        means: "A mint without an answer is forgotten together with its object.",
        changes: &[("app.unknown_at = Some(view.now.boot)", "()")],
        killed_by: Test("a_lost_mint_may_land_yet_and_a_refused_one_did_nothing"),
    },
    Mutant {
        name: "refused-mint-counted",
        means: "A mint that the platform refused holds the next one.",
        changes: &[("self.uncount_mint(mp, before);", "")],
        killed_by: Test("a_refused_mint_is_not_counted_and_a_lost_one_is"),
    },
    Mutant {
        name: "quota-answer-forgotten",
        means: "The platform's answer that the day's forced calls are used up is forgotten.",
        changes: &[("app.force_stopped_until = Some(midnight)", "()")],
        killed_by: Test("a_quota_answer_holds_forced_calls_until_the_platforms_midnight"),
    },
    Mutant {
        name: "rejections-not-counted",
        means: "No rejected credential uses up the patience with its namespace.",
        changes: &[("self.slots.rejected(view.platform.name, mp.namespace(), now.boot);", "")],
        killed_by: Test("rejected_credentials_use_up_the_patience_with_their_namespace"),
    },
    Mutant {
        name: "row-of-lost-tokens-forgotten",
        means: "Mints for lost tokens never back off, however many there are in a row.",
        changes: &[("app.urgent_in_a_row.saturating_add(1)", "0")],
        killed_by: Test("mints_for_lost_tokens_are_counted_in_a_row"),
    },
];
