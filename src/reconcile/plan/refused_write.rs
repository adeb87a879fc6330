//! How long to wait after a refused write of a target, and which check the status names as its
//! cause.

use std::time::Duration;

use super::backoff::backoff;
use crate::{
    reconcile::{api_error::ApiError, memory::Refused},
    shell::clock::Now,
};

const FIRST: Duration = Duration::from_millis(500);
/// The longest back-off of the first `REFUSED_FOR_LONG` attempts, about ten minutes. After them it
/// is `LONGEST_REFUSED`.
const LONG_REFUSED: Duration = Duration::from_secs(30);
const LONGEST_REFUSED: Duration = Duration::from_secs(300);
const REFUSED_FOR_LONG: u32 = 25;

/// The back-off after a refused write: half a second, doubled each time up to half a minute, and
/// five minutes after ten minutes of that.
pub fn after_refused_write(before: Option<Refused>, error: &ApiError, now: Now) -> Refused {
    let attempts = before.as_ref().map_or(0, |refused| refused.attempts).saturating_add(1);
    let longest = if attempts > REFUSED_FOR_LONG { LONGEST_REFUSED } else { LONG_REFUSED };
    let wait = backoff(attempts, FIRST, longest);
    let said = error.said();
    // A text that differs each time would cost a status write each time.
    let same = before
        .and_then(|refused| refused.said)
        .filter(|before| said.as_ref().is_some_and(|said| said.by == before.by));
    Refused { reason: error.target_reason(), said: same.or(said), attempts, retry: now.boot + wait }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::after_refused_write;
    use crate::reconcile::{
        api_error::{ApiError, admission::Said},
        tests::now,
    };

    #[test]
    fn a_write_that_is_refused_waits_twice_as_long_each_time() {
        let mut refused = None;
        let waits = [500, 1000, 2000, 4000, 8000, 16_000].into_iter();
        for wait in waits.chain([30_000; 19]).chain([300_000; 2]) {
            let next = after_refused_write(refused, &ApiError::Conflict, now());
            assert_eq!(next.retry, now().boot + Duration::from_millis(wait), "{}", next.attempts);
            refused = Some(next);
        }
    }

    #[test]
    fn a_refusals_text_is_reported_once_whatever_it_says_the_next_time() {
        let denied = |by: &str, text: &str| ApiError::Refused {
            code: 403,
            message: format!("admission webhook \"{by}\" denied the request: {text}"),
        };
        let mut refused = None;
        let mut said = |error: ApiError| {
            let next = after_refused_write(refused.take(), &error, now());
            refused.insert(next).said.as_ref().map(Said::sentence)
        };
        assert_eq!(
            said(denied("a", "request 1")).as_deref(),
            Some("admission webhook a denied it: request 1")
        );
        assert_eq!(
            said(denied("a", "request 2")).as_deref(),
            Some("admission webhook a denied it: request 1")
        );
        assert_eq!(
            said(denied("b", "request 3")).as_deref(),
            Some("admission webhook b denied it: request 3")
        );
        assert_eq!(said(ApiError::Unanswered), None);
    }
}
