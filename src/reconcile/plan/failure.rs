//! Keeps `status.lastFailure` true: it exists only while the next call is planned for its next
//! attempt time, or while a person must act. Pure.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    due, retry,
    time::{after, round_up},
    view::View,
};
use crate::api::LastFailure;

/// Planned times that differ by no more than this are the same: one of them is in whole seconds.
const SAME_TIME: Duration = Duration::from_secs(1);

/// The last failure as the status should report it. `next_call` is the time until the next call, if
/// one is planned; `may_ask` is whether the object could make a call at all.
pub fn current(view: &View<'_>, next_call: Option<Duration>, may_ask: bool) -> Option<LastFailure> {
    let (failure, reason) = view.failure()?;
    let stored = failure.next_attempt_time.0;
    let planned = match next_call {
        // A call that waits for a slot moves no time: each look would be a write.
        Some(wait) if wait.is_zero() => stored,
        Some(wait) => after(view.now.wall, wait),
        // Its cause remains, but the next call is made when the token's refresh is due.
        None if retry::stops(reason) => {
            due::next(view).filter(|_| may_ask).map_or(stored, |next| next.max(stored))
        }
        // The request was withdrawn, the token is in its Secret again, or another object keeps the
        // app.
        None => return None,
    };
    if next_call.is_none() && planned <= view.now.wall {
        return None;
    }
    let mut failure = failure.clone();
    // A floor or a quota may delay the call for longer than the back-off does.
    if planned > after(stored, SAME_TIME) {
        failure.next_attempt_time = Time(round_up(planned));
    }
    Some(failure)
}
