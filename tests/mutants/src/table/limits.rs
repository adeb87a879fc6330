//! What holds a call back, and for how long.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/limits.rs", mutants: HOLD },
    Source { file: "src/reconcile/plan/retry.rs", mutants: RETRY },
    Source { file: "src/reconcile/plan/view.rs", mutants: CASE },
    Source { file: "src/reconcile/fetch/slots.rs", mutants: SLOTS },
    Source { file: "src/reconcile/fetch/slots/documented.rs", mutants: DOCUMENTED },
    Source { file: "src/reconcile/fetch/slots/rejections.rs", mutants: REJECTIONS },
];

const HOLD: &[Mutant] = &[
    Mutant {
        name: "no-floor-without-overlap",
        means: "Where a platform promises no overlap, a person has it mint as often as they ask.",
        changes: &[(
            "view.endpoint.reissue.overlap().max(MINTS_APART)",
            "view.endpoint.reissue.overlap()",
        )],
        killed_by: Test("mints_are_as_far_apart_where_no_overlap_is_promised"),
    },
    Mutant {
        name: "undone-calls-repeated",
        means: "What something undoes each time is asked for again each time, at once.",
        changes: &[(
            "UNASKED_APART.get(in_a_row).or(UNASKED_APART.last()).copied().unwrap_or_default()",
            "0",
        )],
        killed_by: Test("calls_that_something_undoes_are_made_less_and_less_often"),
    },
    Mutant {
        name: "forced-again-after-a-refusal",
        means: "A forced call that was refused is repeated by the ordinary back-off alone.",
        changes: &[("view.status.last_failure.as_ref().map(|failure| failure.time.0)", "None")],
        killed_by: Test("a_forced_call_that_failed_is_repeated_no_sooner_than_the_platform_allows"),
    },
    Mutant {
        name: "failure-forgotten",
        means: "A call that failed is made again at once.",
        changes: &[("failure.next_attempt_time.0", "failure.time.0")],
        killed_by: Test("a_failure_older_than_the_target_or_of_another_spec_is_void"),
    },
    Mutant {
        name: "stop-not-lifted",
        means: "A request by annotation does not lift a stop.",
        changes: &[("lifted && retry::stops(reason)", "false")],
        killed_by: Test("a_stop_holds_for_the_credential_that_was_sent_and_a_request_lifts_it"),
    },
    Mutant {
        name: "spacing-ignored",
        means: "An object that wants a call again and again gets it as fast as it can.",
        changes: &[("(sent + SPACING).saturating_sub(view.now.boot)", "Duration::ZERO")],
        killed_by: Test("no_object_asks_more_often_than_twice_a_second"),
    },
    Mutant {
        name: "requests-without-limit",
        means: "A request by annotation is answered however soon it follows a call.",
        changes: &[("after(last, REQUESTS_APART)", "last")],
        killed_by: Test("requests_are_thirty_seconds_apart"),
    },
    Mutant {
        name: "forced-too-soon",
        means: "Two forced calls come sooner than the platform allows.",
        changes: &[
            ("(ended + limits.apart).saturating_sub(view.now.boot)", "Duration::ZERO"),
            ("apart.max(limits.apart + sent_within)", "limits.apart / 5"),
        ],
        killed_by: Test("forced_calls_are_apart_counted_and_given_up"),
    },
    Mutant {
        name: "forced-without-limit",
        means: "New tokens are forced as often as somebody reports one.",
        changes: &[("view.endpoint.force.filter(|_| wanted.force)", "None")],
        killed_by: Test("forced_calls_are_apart_counted_and_given_up"),
    },
    Mutant {
        name: "forced-past-the-days-count",
        means: "More calls are forced than the platform allows a day.",
        changes: &[("counted.forced.len() >= limits.per_day", "false")],
        killed_by: Test("the_platforms_count_of_forced_calls_a_day_is_kept"),
    },
    Mutant {
        name: "quota-of-forced-calls-forgotten",
        means: "What the platform said of the day's forced calls holds nobody.",
        changes: &[(
            "view.seen.app.force_stopped_until.map_or(Duration::ZERO, |until| wait(view.now, \
             until))",
            "Duration::ZERO",
        )],
        killed_by: Test("forced_calls_are_apart_counted_and_given_up"),
    },
    Mutant {
        name: "foreign-intent-not-waited-out",
        means: "A call that another process has under way is not given its time.",
        changes: &[("first_seen + view.seen.patience", "first_seen")],
        killed_by: Test("somebody_elses_open_intent_is_waited_out_and_our_own_is_not"),
    },
    Mutant {
        name: "lost-token-floor-ignored",
        means: "Nothing keeps two mints apart for tokens that are or may be gone.",
        changes: &[("Duration::from_secs(gone_apart)", "Duration::ZERO")],
        killed_by: Test("mints_that_no_clock_asks_for_are_five_minutes_apart"),
    },
    Mutant {
        name: "mint-floor-ignored",
        means: "Nothing keeps two mints apart that no clock asked for.",
        changes: &[(
            "!wanted.mints || wanted.why.by_time()",
            "!wanted.mints || !wanted.why.urgent()",
        )],
        killed_by: Test("mints_that_no_clock_asks_for_are_five_minutes_apart"),
    },
    Mutant {
        name: "refresh-held-by-the-floor",
        means: "A refresh that is due by time waits for the floor between mints.",
        changes: &[("!wanted.mints || wanted.why.by_time()", "!wanted.mints")],
        killed_by: Test("mints_that_no_clock_asks_for_are_five_minutes_apart"),
    },
    Mutant {
        name: "floor-moves-with-the-clock",
        means: "Whoever sets the clock moves the floor between two mints of one process.",
        changes: &[("last.filter(|_| reported == view.seen.app.mints.last_time.as_ref())", "None")],
        killed_by: Test("mints_that_no_clock_asks_for_are_five_minutes_apart"),
    },
    Mutant {
        name: "ban-not-heeded",
        means: "A rejected app secret is sent again while the platform is about to ban the address.",
        changes: &[("view.stopped()", "Duration::ZERO")],
        killed_by: Test("near_a_ban_the_platform_is_sent_no_app_secret_that_it_has_not_accepted"),
    },
    Mutant {
        name: "share-of-quota-ignored",
        means: "Mints that no clock asked for use up the day's quota.",
        changes: &[("counted.today >= i64::from(view.endpoint.daily_quota / 10)", "false")],
        killed_by: Test("a_tenth_of_the_days_quota_goes_to_mints_that_no_clock_asks_for"),
    },
    Mutant {
        name: "only-own-mints-count",
        means: "What other processes have minted today is not counted.",
        changes: &[("of_all.max(count(of_process))", "count(of_process)")],
        killed_by: Test("a_tenth_of_the_days_quota_goes_to_mints_that_no_clock_asks_for"),
    },
];

const RETRY: &[Mutant] = &[
    Mutant {
        name: "lost-mint-taken-for-harmless",
        means: "After a mint without an answer the stored token is believed to have all its time.",
        changes: &[(
            "gone || may_have_minted || call.wanted.mints && call.outcome_unknown",
            "gone",
        )],
        killed_by: Test("a_mint_that_may_have_ended_the_stored_token_is_repeated_soon"),
    },
    Mutant {
        name: "rejection-retried",
        means: "A rejected credential is sent again and again.",
        changes: &[("stops(reason)", "false")],
        killed_by: Test("stops_quotas_and_people_have_their_own_times"),
    },
    Mutant {
        name: "retry-sleeps-past-expiry",
        means: "Retries back off as if a token that is about to die had all the time.",
        changes: &[("backoff(attempts, FIRST, NEAR_THE_END)", "backoff(attempts, FIRST, URGENT)")],
        killed_by: Test("near_the_end_retries_follow_2_4_8_15"),
    },
    Mutant {
        name: "retry-sleeps-into-the-end",
        means: "A retry that was put off sleeps past the moment when the end becomes near.",
        changes: &[(
            "(wait + jitter(wait / 8)).min(until_urgent).max(least)",
            "(wait + jitter(wait / 8)).max(least)",
        )],
        killed_by: Test(
            "far_from_the_end_retries_back_off_to_five_minutes_but_never_past_the_last_five",
        ),
    },
    Mutant {
        name: "throttling-ignored",
        means: "The platform asks for a minute, and gets seconds.",
        changes: &[("MINUTE_QUOTA + jitter(MINUTE_QUOTA / 6)", "jitter(MINUTE_QUOTA / 6)")],
        killed_by: Test("stops_quotas_and_people_have_their_own_times"),
    },
    Mutant {
        name: "new-quota-waited-past",
        means: "A new day's quota is not used before the half hour is over.",
        changes: &[("after(now, STOP).min(midnight)", "after(now, STOP)")],
        killed_by: Test("an_exhausted_quota_is_tried_again_just_after_the_platforms_midnight"),
    },
    Mutant {
        name: "unanswered-mint-repeated",
        means: "A mint without an answer is repeated at once.",
        changes: &[(
            "if failed.may_have_minted { Duration::from_secs(15) } else { Duration::ZERO }",
            "Duration::ZERO",
        )],
        killed_by: Test("an_unanswered_mint_waits_fifteen_seconds_at_least"),
    },
    Mutant {
        name: "mixed-failures-start-over",
        means: "A platform that fails in several ways in turn is asked as if it had failed once.",
        changes: &[("before == now || (transient(before) && transient(now))", "before == now")],
        killed_by: Test("a_row_of_failures_is_of_one_reason_or_of_transient_ones"),
    },
];

const CASE: &[Mutant] = &[
    Mutant {
        name: "stop-outlives-its-cause",
        means: "A rejection goes on to hold after the credential was corrected.",
        changes: &[(
            "of_older_token || of_other_spec || of_other_credential || of_other_clock",
            "of_older_token || of_other_spec || of_other_clock",
        )],
        killed_by: Test("a_stop_holds_for_the_credential_that_was_sent_and_a_request_lifts_it"),
    },
    Mutant {
        name: "failure-outlives-its-spec",
        means: "A failure goes on to hold after the spec was corrected.",
        changes: &[(
            "of_older_token || of_other_spec || of_other_credential || of_other_clock",
            "of_older_token || of_other_credential || of_other_clock",
        )],
        killed_by: Test("a_failure_older_than_the_target_or_of_another_spec_is_void"),
    },
    Mutant {
        name: "failure-outlives-its-token",
        means: "A failure from before the stored token holds the next call.",
        changes: &[(
            "of_older_token || of_other_spec || of_other_credential || of_other_clock",
            "of_other_spec || of_other_credential || of_other_clock",
        )],
        killed_by: Test("a_failure_older_than_the_target_or_of_another_spec_is_void"),
    },
];

const SLOTS: &[Mutant] = &[
    Mutant {
        name: "one-app-asked-twice",
        means: "Two calls of one app are under way at a time.",
        changes: &[("Queues::new(1)", "Queues::new(2)")],
        killed_by: Test("an_app_is_asked_one_call_at_a_time"),
    },
    Mutant {
        name: "failing-objects-take-all",
        means: "Objects whose calls fail leave no room for those that work.",
        changes: &[("Some(Arc::clone(&room.failing).acquire_owned().await.ok()?)", "None")],
        killed_by: Test("failing_objects_take_half_of_the_room"),
    },
    Mutant {
        name: "one-line-for-all",
        means: "A crowd of new objects in one namespace holds up the refreshes of all.",
        changes: &[(
            "(platform, claimant.namespace.clone(), claimant.urgency)",
            "(platform, String::new(), Urgency::First)",
        )],
        killed_by: Test(
            "a_crowd_in_one_namespace_holds_up_no_other_and_its_own_first_tokens_no_refresh",
        ),
    },
    Mutant {
        name: "junk-tried-without-limit",
        means: "Whoever stores wrong app secrets has them tried as fast as they come.",
        changes: &[("!claimant.accepted && self.may_be_banned(claimant, boot)", "false")],
        killed_by: Test("a_namespace_of_wrong_secrets_is_slowed_down_and_nobody_else"),
    },
    Mutant {
        name: "junk-holds-good-secrets",
        means: "Wrong app secrets hold the accepted ones of their namespace.",
        changes: &[(
            "!claimant.accepted && self.may_be_banned(claimant, boot)",
            "self.may_be_banned(claimant, boot)",
        )],
        killed_by: Test("a_namespace_of_wrong_secrets_is_slowed_down_and_nobody_else"),
    },
];

const DOCUMENTED: &[Mutant] = &[
    Mutant {
        name: "whole-limit-used",
        means: "The operator leaves nothing of a documented limit to others.",
        changes: &[("limit.count / PART", "limit.count")],
        killed_by: Test("an_app_never_uses_more_than_half_of_what_its_platform_documents"),
    },
    Mutant {
        name: "limit-of-all-apps",
        means: "All apps of a platform share the limit of one.",
        changes: &[("rate.check_key(app_id)", "rate.check_key(&Arc::default())")],
        killed_by: Test("an_app_at_its_limit_holds_up_no_other"),
    },
];

const REJECTIONS: &[Mutant] = &[Mutant {
    name: "asked-until-banned",
    means: "Wrong app secrets are sent until the platform bans the operator's address.",
    changes: &[(
        "(until > boot).then_some(until)",
        "(until > boot).then_some(until).filter(|_| false)",
    )],
    killed_by: Test("near_a_ban_no_app_secret_is_sent_that_was_not_accepted"),
}];
