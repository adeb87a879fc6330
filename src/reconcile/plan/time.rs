//! Arithmetic with times that cannot panic. Reads no clock.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::shell::clock::Now;

/// Ordinary clock skew. An issue time further in the future means that a clock has jumped.
pub(crate) const SKEW: Duration = Duration::from_secs(60);

/// The moment `duration` after `time`, or the end of all time.
pub(crate) fn after(time: Timestamp, duration: Duration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The moment `duration` before `time`, or the beginning of all time.
pub(crate) fn before(time: Timestamp, duration: Duration) -> Timestamp {
    time.checked_sub(duration).unwrap_or(Timestamp::MIN)
}

/// How long it is from `from` to `to`; nothing if `to` is past.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or(Duration::ZERO)
}

/// The time in whole seconds, as `metav1.Time` keeps it.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The time of day, for a message beside which the status has the date.
pub(crate) fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%S UTC").to_string()
}

/// The next whole second: what is to happen then has not happened before it.
pub(crate) fn round_up(time: Timestamp) -> Timestamp {
    whole_seconds(after(time, Duration::from_millis(999)))
}

/// Whether two planned times are the same but for what moves them at each look: the duration of
/// the last call, or a wait that is counted in boot time.
pub(crate) fn is_about(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() <= SignedDuration::from_secs(60)
}

/// Whether a stored time may have been read from the present clock. After the clock was set back,
/// some stored times are in the future.
pub(crate) fn is_past(now: Now, time: Timestamp) -> bool {
    time <= after(now.wall, SKEW)
}

/// Whether two planned times are the same but for their rounding to whole seconds.
pub(crate) fn is_same_second(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() <= SignedDuration::from_secs(1)
}

/// How long until `at`.
pub(crate) fn wait(now: Now, at: Timestamp) -> Duration {
    span(now.wall, at)
}

/// The platform's day, as a date.
pub(crate) fn day(time: Timestamp, offset_seconds: i32) -> String {
    let local = shift(time, offset_seconds).to_string();
    local.split('T').next().unwrap_or_default().to_owned()
}

/// The platform's next midnight.
pub(crate) fn next_midnight(time: Timestamp, offset_seconds: i32) -> Timestamp {
    const DAY: i64 = 86_400;
    let local = shift(time, offset_seconds).as_second();
    let midnight = (local.div_euclid(DAY) + 1) * DAY - i64::from(offset_seconds);
    Timestamp::from_second(midnight).unwrap_or(Timestamp::MAX)
}

fn shift(time: Timestamp, offset_seconds: i32) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(offset_seconds.into())).unwrap_or(time)
}

/// A time below `range` that depends on `text` alone: the same in every process and release.
pub(crate) fn spread(text: &str, range: Duration) -> Duration {
    let hash = Sha256::digest(text.as_bytes());
    let share = hash.iter().take(8).fold(0_u64, |share, byte| share << 8 | u64::from(*byte));
    let millis = u64::try_from(range.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(((u128::from(share) * u128::from(millis)) >> 64).try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{day, next_midnight, span, spread};

    #[test]
    fn the_platforms_day_turns_at_its_own_midnight() {
        let time = |text: &str| text.parse().expect("a time");
        assert_eq!(day(time("2026-05-01T15:59:59Z"), 8 * 3600), "2026-05-01");
        assert_eq!(day(time("2026-05-01T16:00:00Z"), 8 * 3600), "2026-05-02");
        assert_eq!(
            next_midnight(time("2026-05-01T15:59:59Z"), 8 * 3600),
            time("2026-05-01T16:00:00Z")
        );
        assert_eq!(
            next_midnight(time("2026-05-01T16:00:00Z"), 8 * 3600),
            time("2026-05-02T16:00:00Z")
        );
    }

    #[test]
    fn the_past_is_no_time_away() {
        let time = |text: &str| text.parse().expect("a time");
        assert_eq!(
            span(time("2026-05-01T00:00:10Z"), time("2026-05-01T00:00:00Z")),
            Duration::ZERO
        );
        assert_eq!(
            span(time("2026-05-01T00:00:00Z"), time("2026-05-01T00:00:10Z")),
            Duration::from_secs(10)
        );
    }

    #[test]
    fn apps_spread_over_the_whole_range() {
        let range = Duration::from_secs(55);
        let all: Vec<_> = (0..500).map(|n| spread(&format!("WeChat wx{n:016x}"), range)).collect();
        let (first, last) = (all.iter().min().expect("some"), all.iter().max().expect("some"));
        assert!(*last < range && *last > *first + Duration::from_secs(50), "{first:?} to {last:?}");
    }
}
