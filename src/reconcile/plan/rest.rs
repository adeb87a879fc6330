//! The plan when no act is due: write the status if it differs from the stored one, else rest.
//! Pure.

use std::time::Duration;

use super::{
    Act, CORRECTIONS_APART, LONGEST_REST,
    report::{self, Findings, report},
    time::wait,
    unplanned,
    view::View,
};
use crate::{
    api::{MiniProgramStatus, NextCall},
    reconcile::{call::WaitsFor, observed::Observed},
    shell::clock::Now,
};

/// Lists that are not complete after this long count as failing, not as slow.
const LISTS_PATIENCE: Duration = Duration::from_secs(30);
/// Added to a wait, so that the clock has passed the whole second that the status names.
const PAST_THE_SECOND: Duration = Duration::from_millis(20);

/// Until the lists are complete, only the clock can be judged: an expired token is not reported as
/// valid. Lists that are only slow may still show a newer token.
pub fn unlisted(seen: &Observed, now: Now) -> (Act, Duration) {
    let status = seen.mini_program.status.as_ref();
    let Some(token) = status.and_then(|status| status.token.as_ref()) else {
        return (Act::Rest, LONGEST_REST);
    };
    let patience = seen
        .recall
        .sightings
        .unlisted_since
        .map_or(Duration::ZERO, |since| (since + LISTS_PATIENCE).saturating_sub(now.boot));
    let wait = wait(now, token.expiration_time.0).max(patience);
    if !wait.is_zero() {
        return (Act::Rest, wait.saturating_add(PAST_THE_SECOND).min(LONGEST_REST));
    }
    in_turn(
        seen,
        now,
        unless_written(status, unplanned::of_expiry(&seen.mini_program, now)),
        LONGEST_REST,
    )
}

/// Writes the status if it differs from the stored one, else rests.
pub fn status_or_rest(view: &View<'_>, findings: Findings, wake: Duration) -> (Act, Duration) {
    let status = report(view, findings);
    let change = report::next_change(view, &status).unwrap_or(LONGEST_REST);
    let wake = wake.min(change.saturating_add(PAST_THE_SECOND));
    in_turn(view.seen, view.now, unless_written(view.mp.status.as_ref(), status), wake)
}

/// Waits before it writes over another writer's status, unless a call has ended since.
fn in_turn(seen: &Observed, now: Now, act: Act, wake: Duration) -> (Act, Duration) {
    match contradicted(seen, now) {
        Some(wait) if matches!(act, Act::Status(_)) => (Act::Rest, wake.min(wait)),
        _ => (act, wake),
    }
}

/// How long another writer's status is still kept.
fn contradicted(seen: &Observed, now: Now) -> Option<Duration> {
    let written =
        seen.recall.reports.written_status.filter(|_| seen.recall.calls.ended.is_none())?;
    let wait = (written.at + CORRECTIONS_APART).saturating_sub(now.boot);
    (!wait.is_zero() && !written.is(seen.mini_program.status.as_ref())).then_some(wait)
}

/// Writes this status, unless the stored one says the same.
pub fn unless_written(stored: Option<&MiniProgramStatus>, status: MiniProgramStatus) -> Act {
    if stored.is_some_and(|stored| says_the_same(stored, &status)) {
        Act::Rest
    } else {
        Act::Status(Box::new(status))
    }
}

/// Whether two statuses differ in nothing that needs a write of its own. A label edit makes a new
/// version of the target, or of a credential that any number of objects may name; the next write
/// reports that version.
fn says_the_same(stored: &MiniProgramStatus, status: &MiniProgramStatus) -> bool {
    if stored == status {
        return true;
    }
    let mut reported = status.clone();
    if stored.credential.is_some() && status.credential.is_some() {
        reported.credential.clone_from(&stored.credential);
    }
    if let (Some(stored), Some(reported)) = (&stored.target_ref, &mut reported.target_ref) {
        reported.resource_version.clone_from(&stored.resource_version);
    }
    if reported.next_call.as_ref().is_some_and(is_short) {
        reported.next_call.clone_from(&stored.next_call);
    }
    *stored == reported
}

/// Whether the call waits for something that ends by itself in a moment, so that reporting it would
/// cost a write each time.
fn is_short(next: &NextCall) -> bool {
    let names: [&str; 2] = [WaitsFor::OpenCall.into(), WaitsFor::Slot.into()];
    names.contains(&next.waits_for.as_str())
}
