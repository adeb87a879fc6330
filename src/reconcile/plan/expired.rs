//! The message of an object whose token has expired: since when, what the platform says, and when it
//! is asked next. It changes only with `status.token` and `status.lastFailure`.

use super::{time::time_of_day, view::View};
use crate::api::{LastFailure, Reason};

/// Since when the token has been expired, and what keeps a new one away.
pub fn sentence(view: &View<'_>) -> String {
    let reported = view.status.token.as_ref().map(|token| token.expiration_time.0);
    let at = view.token().map(|token| token.expires).or(reported);
    let since = at.map_or_else(|| "Expired".into(), |at| format!("Expired at {}", time_of_day(at)));
    match view.failure() {
        Some((failure, reason)) => {
            let next = time_of_day(failure.next_attempt_time.0);
            format!("{since}; {}, {}, next at {next}", said(view, failure, reason), tries(failure))
        }
        None => format!("{since}; status.nextCall says what a new token waits for"),
    }
}

fn tries(failure: &LastFailure) -> String {
    match failure.attempts {
        1 => "1 attempt".into(),
        attempts => format!("{attempts} attempts"),
    }
}

/// What the platform said last, in a few words: condition `TokenFresh` says what to do.
fn said(view: &View<'_>, failure: &LastFailure, reason: Reason) -> String {
    let platform = view.platform.name;
    let detail = failure.platform_code.as_deref().or(failure.cause.as_deref());
    let what = match reason {
        Reason::PlatformBusy => "says that it is busy".into(),
        Reason::PlatformUnreachable => "does not answer".into(),
        Reason::Throttled => "asks for fewer calls a minute".into(),
        Reason::QuotaExhausted => "says that the day's calls are used up".into(),
        Reason::AwaitingAdminApproval => "waits for the app's administrator".into(),
        Reason::IpNotAllowed => {
            let ip = failure.caller_ip.as_deref().unwrap_or("this cluster's IP");
            format!("refuses calls from {ip}")
        }
        _ => "gives no token".into(),
    };
    match detail {
        Some(detail) => format!("{platform} {what} ({detail})"),
        None => format!("{platform} {what}"),
    }
}
