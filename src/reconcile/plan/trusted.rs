//! Which targets are trusted. Anybody who may write Secrets can apply one under any field manager's
//! name, so a target alone proves nothing: it is trusted if the object's status, which tenants
//! cannot write, or this process's own memory confirms it. Anything else is an edit. Pure.

use std::time::Duration;

use super::{time::whole_seconds, view::View};
use crate::{
    api::{Intent, MiniProgramStatus},
    projection::Projection,
    reconcile::memory::Recall,
};

/// The leader before this one may have stored a token and still be writing the status that reports
/// it, and the watch of `MiniProgram`s may be behind the one of Secrets.
const STATUS_FOLLOWS: Duration = Duration::from_secs(2);

/// Whether the target's token is the one that a call of this object returned, by the object's
/// status or this process's memory.
pub fn is_trusted(target: &Projection, status: &MiniProgramStatus, recall: &Recall) -> bool {
    !target.edited && (is_reported(target, status) || is_stored_here(target, recall))
}

/// Whether the token of an intent's call is stored. Anybody who can forge a target can read the id
/// of an intent. So an intent of this process is closed only if this process has stored the token,
/// and an intent of another process only if it is kept for an unconfirmed token that is trusted.
pub fn closes(
    target: &Projection,
    intent: &Intent,
    status: &MiniProgramStatus,
    recall: &Recall,
) -> bool {
    let is_own = recall.calls.own_intent.as_ref() == Some(&intent.id);
    let is_stored = recall.writes.stored.as_ref().is_some_and(|stored| stored.call == intent.id);
    let is_confirmed = intent.outcome_unknown && is_trusted(target, status, recall);
    let may_close = if is_own { is_stored } else { is_confirmed };
    may_close && target.stamped && target.issued_for.as_ref() == Some(&intent.id)
}

/// Whether the data of a target is known to match its annotations.
pub fn is_verified(view: &View<'_>, target: &Projection) -> bool {
    let reported = view.status.target_ref.as_ref().filter(|reported| reported.name == target.name);
    let reported = reported.and_then(|reported| reported.resource_version.as_ref());
    let known = [view.seen.recall.writes.verified.as_ref(), reported];
    known.into_iter().flatten().any(|version| *version == target.version)
}

/// How long to wait for the status to report the target's token.
pub fn patience(view: &View<'_>) -> Option<Duration> {
    let since = view.seen.recall.sightings.unreported_since?;
    let wait = (since + STATUS_FOLLOWS).saturating_sub(view.now.boot);
    let is_busy = view.seen.unstored.is_some() || view.seen.started.is_some();
    (!wait.is_zero() && !is_busy).then_some(wait)
}

fn is_reported(target: &Projection, status: &MiniProgramStatus) -> bool {
    let (Some(found), Some(reported)) = (&target.token, &status.token) else { return false };
    found.fingerprint == reported.fingerprint
        && whole_seconds(found.issued) == reported.issue_time.0
        && whole_seconds(found.expires) == reported.expiration_time.0
}

fn is_stored_here(target: &Projection, recall: &Recall) -> bool {
    recall.writes.stored.as_ref().is_some_and(|stored| {
        let is_its = target.issued_for.as_ref() == Some(&stored.call);
        is_its && target.token.as_ref() == Some(&stored.token)
    })
}
