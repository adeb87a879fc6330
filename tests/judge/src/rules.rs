//! The figures that a run is judged by. Those of a run on virtual time are the defaults; where
//! lives are shorter, the run says so.

use crate::log::Millis;

pub const SECOND: Millis = 1000;
pub const MINUTE: Millis = 60 * SECOND;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long the file in a pod may lag behind its Secret: the kubelet's default settings.
    pub pod_lag: Millis,
    /// How long after the last disturbance all must be well again.
    pub recovery: Millis,
    /// How long after it was forged a target holds a token of its app again.
    pub forged: Millis,
    /// The same where another forgery was put right shortly before: calls that are undone are made
    /// less and less often.
    pub forged_again: Millis,
    /// How long after its creation an object with a right app secret has its first token, whatever
    /// older objects name its app.
    pub first_token: Millis,
    /// The same where all others that name its app are known to get no token.
    pub first_token_at_once: Millis,
    /// How long after it was reported dead a token is replaced.
    pub reported: Millis,
    /// How long what is planned for a moment may take: a call with its answer, and two writes.
    pub delay: Millis,
    /// How long a Lease is held after its last renewal was sent.
    pub lease: Millis,
    /// How many operators that know nothing of each other serve the same objects.
    pub operators: u64,
    /// Calls of one object and operator within an hour, whatever the reasons: four a minute while a
    /// token is dead, and a few more each time that the platform begins to fail.
    pub calls_an_hour: usize,
    /// Requests about one object and operator within an hour, whatever the reasons.
    pub requests_an_hour: usize,
    /// Requests about one object and operator within ten seconds, whatever the reasons.
    pub requests_a_burst: usize,
    /// The platform's limits.
    pub platform: Limits,
}

/// What the platform allows one app, and how the operator spaces its calls to stay well below.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls a day to an endpoint that replaces the token before.
    pub replacing_a_day: usize,
    /// Calls a day to the other endpoint.
    pub a_day: usize,
    pub forced_apart: Millis,
    pub forced_a_day: usize,
    /// From one call that replaces a token to the next if nobody knows what the first one did.
    pub unanswered_apart: Millis,
    /// From one replaced token to the next if only people asked for it; a call may go out some
    /// seconds after its intent.
    pub requested_apart: Millis,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            pod_lag: 90 * SECOND,
            recovery: 450 * SECOND,
            forged: 20 * SECOND,
            forged_again: 320 * SECOND,
            first_token: 75 * SECOND,
            first_token_at_once: 15 * SECOND,
            reported: 60 * SECOND,
            delay: 90 * SECOND,
            lease: 15 * SECOND,
            operators: 1,
            calls_an_hour: 280,
            requests_an_hour: 6000,
            requests_a_burst: 200,
            platform: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            replacing_a_day: 2000,
            a_day: 500_000,
            forced_apart: 30 * SECOND,
            forced_a_day: 20,
            unanswered_apart: 15 * SECOND,
            requested_apart: 280 * SECOND,
        }
    }
}

/// How often an object's token is asked for when all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long after it was made a token is due to be refreshed, at the earliest.
    pub refresh_after: Millis,
    /// `spec.refreshIntervalSeconds`
    pub interval: Option<Millis>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { refresh_after: 2 * HOUR - 310 * SECOND, interval: None }
    }
}

impl Pace {
    /// How many calls a stretch of time needs, at most: one may be due as it begins.
    #[must_use]
    pub fn calls_within(&self, time: Millis) -> u64 {
        2 + time / self.refresh_after.max(1)
            + self.interval.map_or(0, |interval| time / interval.max(1))
    }
}
