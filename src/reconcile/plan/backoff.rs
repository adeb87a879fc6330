//! The exponential back-off that all retries use. Pure.

use std::time::Duration;

/// The wait after `failures` consecutive failures: `first` after one, doubled for each further one,
/// up to `longest`.
pub fn backoff(failures: u32, first: Duration, longest: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(30);
    first.saturating_mul(2_u32.pow(doublings)).min(longest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::backoff;

    #[test]
    fn a_wait_is_doubled_up_to_the_longest() {
        let seconds =
            |failures| backoff(failures, Duration::from_secs(2), Duration::from_secs(60)).as_secs();
        assert_eq!([0, 1, 2, 5, 6, 1000, u32::MAX].map(seconds), [2, 2, 4, 32, 60, 60, 60]);
    }
}
