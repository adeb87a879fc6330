//! When to call again after a call that returned no token. Pure arithmetic: the wait that the
//! platform asks for comes first, and the token's end is a deadline.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    backoff::backoff,
    time::{after, before, next_midnight, round_up, span, spread, whole_seconds},
    view::View,
};
use crate::{
    api::Reason,
    platform::Refusal,
    reconcile::{
        call::{Call, Why},
        memory::How,
    },
};

const MINUTE: Duration = Duration::from_secs(60);
/// The wait after a quota per minute is used up. docs/reference/status.md names it.
const MINUTE_QUOTA: Duration = Duration::from_secs(60);
/// The wait after the first failure that may end by itself.
const FIRST: Duration = Duration::from_secs(2);
/// The longest wait while the stored token is about to expire, or has expired.
const NEAR_THE_END: Duration = Duration::from_secs(15);
const STOP: Duration = Duration::from_secs(30 * 60);
/// Within this time of a token's end, and after it, a retry every few seconds is worth its cost.
const URGENT: Duration = Duration::from_secs(300);

/// A failed call, with what its retry depends on.
struct Failed<'a> {
    /// The refusal.
    pub refusal: &'a Refusal,
    /// Consecutive failures, including this one.
    pub attempts: i32,
    /// Whether the platform may have made a token, and every further call makes a new one.
    pub may_have_minted: bool,
    /// When the stored token expires.
    pub expires: Option<Timestamp>,
    /// The seed of the jitter.
    pub seed: &'a str,
    /// The offset of the platform's quota day.
    pub day_offset_seconds: i32,
}

/// Whether only a person, or another credential, can help: the next call is made after half an
/// hour.
pub fn stops(reason: Reason) -> bool {
    matches!(reason, Reason::CredentialRejected | Reason::AppIdRejected | Reason::AppSecretFrozen)
}

/// Whether a failure continues the count of the one before. Each reason counts for itself, but
/// transient reasons count together, since they come mixed.
pub(super) fn continues(before: Reason, now: Reason) -> bool {
    let transient = |reason| {
        matches!(reason, Reason::PlatformBusy | Reason::PlatformUnreachable | Reason::BadResponse)
    };
    before == now || (transient(before) && transient(now))
}

/// The result of a call that returned no token: the number of consecutive failures, and the time of
/// the next call.
pub fn after_failure(view: &View<'_>, call: &Call, refusal: Refusal, now: Timestamp) -> How {
    let in_a_row = view.failure().filter(|(_, before)| continues(*before, refusal.reason));
    let before = in_a_row.map_or(0, |(failure, _)| failure.attempts);
    let attempts = before.saturating_add(1).min(1_000_000);
    let may_have_minted = refusal.is_unknown() && call.wanted.mints;
    let why = call.wanted.why;
    let gone = why.urgent() && !matches!(why, Why::CredentialChanged | Why::TargetMissing);
    // A token that a call with an unknown outcome may have replaced has minutes left, whatever its
    // expiration time: the retry is urgent.
    let replaced = gone || may_have_minted || call.wanted.mints && call.outcome_unknown;
    let failed = Failed {
        refusal: &refusal,
        attempts,
        may_have_minted,
        expires: view.token().filter(|_| !replaced).map(|token| token.expires),
        seed: view.mp.uid(),
        day_offset_seconds: view.platform.day_offset_seconds,
    };
    let next = round_up(next_attempt(&failed, now));
    How::Failed { refusal, sent: whole_seconds(view.now.wall), next, attempts }
}

/// The time of the next call.
fn next_attempt(failed: &Failed<'_>, now: Timestamp) -> Timestamp {
    let jitter = |range: Duration| spread(&format!("{} {}", failed.seed, failed.attempts), range);
    let wait = match failed.refusal.reason {
        reason if stops(reason) => STOP,
        Reason::AwaitingAdminApproval => failed.refusal.wait.unwrap_or(5 * MINUTE),
        Reason::IpNotAllowed if failed.attempts <= 10 => MINUTE,
        Reason::IpNotAllowed => 5 * MINUTE,
        Reason::Throttled => MINUTE_QUOTA + jitter(MINUTE_QUOTA / 6),
        Reason::QuotaExhausted => {
            let midnight = after(
                next_midnight(now, failed.day_offset_seconds),
                Duration::from_secs(1) + jitter(MINUTE),
            );
            return after(now, STOP).min(midnight);
        }
        _ => return transient(failed, now, jitter),
    };
    after(now, failed.refusal.wait.unwrap_or(wait).max(wait))
}

/// For busy, unreachable and unreadable platforms: soon while the token's end is near, at growing
/// intervals before that, and never later than the time when the end becomes near.
fn transient(
    failed: &Failed<'_>,
    now: Timestamp,
    jitter: impl Fn(Duration) -> Duration,
) -> Timestamp {
    let attempts = u32::try_from(failed.attempts).unwrap_or(1);
    let least = if failed.may_have_minted { Duration::from_secs(15) } else { Duration::ZERO };
    let urgent_from = failed.expires.map(|expires| before(expires, URGENT));
    if urgent_from.is_none_or(|from| from <= now) {
        let wait = backoff(attempts, FIRST, NEAR_THE_END);
        return after(now, wait.max(least) + jitter(wait / 8));
    }
    let wait = backoff(attempts, FIRST, URGENT);
    let until_urgent = urgent_from.map_or(wait, |from| span(now, from));
    after(now, (wait + jitter(wait / 8)).min(until_urgent).max(least))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::jiff::Timestamp;

    use super::{Failed, next_attempt};
    use crate::{
        api::Reason,
        platform::Refusal,
        reconcile::plan::time::{after, span},
    };

    const DAY: i32 = 8 * 3600;

    fn now() -> Timestamp {
        "2026-05-01T10:00:00Z".parse().expect("a time")
    }

    fn wait(reason: Reason, attempts: i32, left: Option<u64>, may_have_minted: bool) -> u64 {
        let refusal = Refusal::unknown(reason);
        let expires = left.map(|left| after(now(), Duration::from_secs(left)));
        let failed = Failed {
            refusal: &refusal,
            attempts,
            may_have_minted,
            expires,
            seed: "uid",
            day_offset_seconds: DAY,
        };
        span(now(), next_attempt(&failed, now())).as_secs()
    }

    #[test]
    fn near_the_end_retries_follow_2_4_8_15() {
        for left in [None, Some(299), Some(0)] {
            for (attempts, least, most) in
                [(1, 2, 2), (2, 4, 4), (3, 8, 9), (4, 15, 17), (50, 15, 17)]
            {
                let wait = wait(Reason::PlatformBusy, attempts, left, false);
                assert!(
                    (least..=most).contains(&wait),
                    "attempt {attempts}, {left:?} left: {wait}"
                );
            }
        }
    }

    #[test]
    fn far_from_the_end_retries_back_off_to_five_minutes_but_never_past_the_last_five() {
        assert!((256..=300).contains(&wait(Reason::PlatformUnreachable, 8, Some(7000), false)));
        assert!((300..=338).contains(&wait(Reason::PlatformUnreachable, 20, Some(7000), false)));
        assert_eq!(wait(Reason::PlatformUnreachable, 20, Some(400), false), 100);
    }

    #[test]
    fn a_row_of_failures_is_of_one_reason_or_of_transient_ones() {
        assert!(super::continues(Reason::PlatformBusy, Reason::BadResponse));
        assert!(super::continues(Reason::IpNotAllowed, Reason::IpNotAllowed));
        assert!(!super::continues(Reason::PlatformBusy, Reason::IpNotAllowed));
    }

    #[test]
    fn an_unanswered_mint_waits_fifteen_seconds_at_least() {
        assert_eq!(wait(Reason::PlatformUnreachable, 1, None, true), 15);
        assert_eq!(wait(Reason::PlatformUnreachable, 1, Some(7000), true), 15);
    }

    #[test]
    fn stops_quotas_and_people_have_their_own_times() {
        assert_eq!(wait(Reason::CredentialRejected, 1, None, false), 1800);
        assert_eq!(wait(Reason::AppIdRejected, 9, Some(10), false), 1800);
        assert_eq!(wait(Reason::AppSecretFrozen, 1, Some(10), false), 1800);
        assert!((60..=70).contains(&wait(Reason::Throttled, 1, None, false)));
        assert_eq!(wait(Reason::IpNotAllowed, 10, None, false), 60);
        assert_eq!(wait(Reason::IpNotAllowed, 11, None, false), 300);
        assert_eq!(wait(Reason::QuotaExhausted, 1, None, false), 1800);
        let hour = Refusal {
            wait: Some(Duration::from_secs(3600)),
            ..Refusal::unknown(Reason::AwaitingAdminApproval)
        };
        let failed = Failed {
            refusal: &hour,
            attempts: 1,
            may_have_minted: false,
            expires: None,
            seed: "uid",
            day_offset_seconds: DAY,
        };
        assert_eq!(span(now(), next_attempt(&failed, now())).as_secs(), 3600);
    }

    #[test]
    fn an_exhausted_quota_is_tried_again_just_after_the_platforms_midnight() {
        let late: Timestamp = "2026-05-01T15:50:00Z".parse().expect("a time");
        let refusal = Refusal::unknown(Reason::QuotaExhausted);
        let failed = Failed {
            refusal: &refusal,
            attempts: 1,
            may_have_minted: false,
            expires: None,
            seed: "uid",
            day_offset_seconds: DAY,
        };
        let wait = span(late, next_attempt(&failed, late)).as_secs();
        assert!((601..=661).contains(&wait), "{wait}");
    }
}
