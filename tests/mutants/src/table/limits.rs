//! What holds a call back, and for how long.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/plan/hold.rs", mutants: HOLD },
    Source { file: "src/reconcile/plan/retry.rs", mutants: RETRY },
];

const HOLD: &[Mutant] = &[
    Mutant {
        name: "failure-forgotten",
        means: "A call that failed is made again at once.",
        changes: &[("failure.next_attempt_time.0", "failure.time.0")],
        killed_by: Test("a_failure_older_than_the_target_or_of_another_spec_is_void"),
    },
    Mutant {
        name: "forced-too-soon",
        means: "Two forced calls come sooner than the platform allows.",
        changes: &[
            ("(ended + limits.apart).saturating_sub(case.now.boot)", "Duration::ZERO"),
            ("apart.max(limits.apart + sent_within)", "limits.apart / 5"),
        ],
        killed_by: Test("forced_calls_are_apart_counted_and_given_up"),
    },
    Mutant {
        name: "forced-without-limit",
        means: "New tokens are forced as often as somebody reports one.",
        changes: &[("case.endpoint.force.filter(|_| wanted.force)", "None")],
        killed_by: Test("forced_calls_are_apart_counted_and_given_up"),
    },
    Mutant {
        name: "foreign-intent-not-waited-out",
        means: "A call that another process has under way is not given its time.",
        changes: &[("first_seen + case.seen.patience", "first_seen")],
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
        name: "quota-of-forced-calls-forgotten",
        means: "What the platform said of the day's forced calls holds nobody.",
        changes: &[(
            "case.seen.app.force_stopped_until\
             .map_or(Duration::ZERO, |until| wait(case.now, until))",
            "Duration::ZERO",
        )],
        killed_by: Test("forced_calls_are_apart_counted_and_given_up"),
    },
];

const RETRY: &[Mutant] = &[
    Mutant {
        name: "rejection-retried",
        means: "A rejected credential is sent again and again.",
        changes: &[("stops(reason)", "false")],
        killed_by: Test("stops_quotas_and_people_have_their_own_times"),
    },
    Mutant {
        name: "retry-sleeps-past-expiry",
        means: "Retries back off as if a token that is about to die had all the time.",
        changes: &[("2_u64.pow(exponent).min(15)", "2_u64.pow(exponent).min(300)")],
        killed_by: Test("near_the_end_retries_follow_2_4_8_15"),
    },
    Mutant {
        name: "throttling-ignored",
        means: "The platform asks for a minute, and gets seconds.",
        changes: &[("MINUTE + jitter(MINUTE / 6)", "MINUTE / 6 + jitter(MINUTE / 6)")],
        killed_by: Test("stops_quotas_and_people_have_their_own_times"),
    },
    Mutant {
        name: "unanswered-mint-repeated",
        means: "A mint without an answer is repeated at once.",
        changes: &[("Duration::from_secs(15)", "Duration::from_secs(1)")],
        killed_by: Test("an_unanswered_mint_waits_fifteen_seconds_at_least"),
    },
];
