//! What prevents a token from being stored: refused writes, a foreign Secret, a template that
//! admission changes; and which Secret is kept fresh meanwhile. Pure.

use std::{collections::BTreeSet, time::Duration};

use super::{
    time::{after, wait},
    view::{Target, View},
};
use crate::{
    api::{ConditionType, DeletionPolicy, Reason, TicketType, conditions, names},
    projection::{Owner, Projection, Terminating},
    reconcile::memory::Refused,
};

/// How long a deletion in the foreground may take before it is reported.
const DELETION: Duration = Duration::from_secs(10);

/// The last refused write of the target, until nothing is left to write: another writer may have
/// made the change, or the spec no longer asks for it.
pub fn refused<'a>(view: &View<'a>) -> Option<&'a Refused> {
    let is_over = match view.target {
        Target::Ours(target) => {
            refused_write(view).is_none()
                && view.valid_token().is_some()
                && differs(view, target).is_none()
        }
        Target::Missing | Target::Foreign | Target::Former => false,
    };
    view.seen.recall.writes.refused.as_ref().filter(|_| !is_over)
}

/// How long the back-off after a refused write still lasts.
pub fn refused_write(view: &View<'_>) -> Option<Duration> {
    let wait = view.seen.recall.writes.refused.as_ref()?.retry.saturating_sub(view.now.boot);
    (!wait.is_zero()).then_some(wait)
}

/// The same, if the next token would be written there. While the old target stays in use, it would
/// not.
pub fn closed_for(view: &View<'_>) -> Option<Duration> {
    refused_write(view).filter(|_| stays_in_use(view).is_none())
}

/// Whether no Secret exists that a token could be stored in.
pub fn has_none(view: &View<'_>) -> bool {
    match view.target {
        Target::Foreign => view.in_use.is_none(),
        Target::Former => true,
        Target::Missing | Target::Ours(_) => false,
    }
}

/// The old target, while the one that the spec names is foreign or cannot be created: pods still
/// mount it, so it is kept fresh.
pub fn stays_in_use<'a>(view: &View<'a>) -> Option<&'a Projection> {
    match view.target {
        Target::Foreign => view.in_use,
        Target::Missing => view
            .in_use
            .filter(|_| view.seen.recall.writes.refused.is_some() || is_reported_refused(view)),
        Target::Former | Target::Ours(_) => None,
    }
}

/// The Secret in use, if it is not the target.
pub fn old_in_use<'a>(view: &View<'a>) -> Option<&'a Projection> {
    view.in_use.filter(|in_use| in_use.name != view.mp.target_name())
}

/// Whether the condition `TargetSynced` reports this reason for the present spec.
pub fn is_reported(view: &View<'_>, reason: Reason) -> bool {
    let condition = conditions::find(&view.status.conditions, ConditionType::TargetSynced);
    condition.is_some_and(|condition| {
        Reason::of(condition) == Some(reason) && condition.observed_generation == view.generation()
    })
}

/// Whether the status reports that the last write of the target was refused.
pub fn is_reported_refused(view: &View<'_>) -> bool {
    [Reason::WriteFailed, Reason::Forbidden, Reason::Altered]
        .into_iter()
        .any(|reason| is_reported(view, reason))
}

/// Whether a call is not worth making since its token could not be stored.
pub fn is_closed(view: &View<'_>) -> bool {
    let unstored = view.seen.unstored.as_ref().is_some_and(|unstored| unstored.refused.is_some());
    let immutable = matches!(view.target, Target::Ours(_)) && is_reported(view, Reason::Immutable);
    unstored || immutable || closed_for(view).is_some()
}

/// The target's deletion, if it takes longer than a moment: since when it lasts and what prevents
/// its end.
pub fn terminating<'a>(view: &View<'a>) -> Option<&'a Terminating> {
    let Target::Ours(target) = view.target else { return None };
    target
        .terminating
        .as_ref()
        .filter(|terminating| after(terminating.since, DELETION) <= view.now.wall)
}

/// When the deletion of the target will have taken longer than a moment.
pub fn next_change(view: &View<'_>) -> Option<Duration> {
    let Target::Ours(target) = view.target else { return None };
    let lasts = target
        .terminating
        .as_ref()
        .map(|terminating| wait(view.now, after(terminating.since, DELETION)));
    lasts.filter(|wait| !wait.is_zero())
}

/// Whether our target differs from the spec: `None` if not, `Some(true)` if another writer edited
/// it, `Some(false)` if the spec is new.
pub fn differs(view: &View<'_>, target: &Projection) -> Option<bool> {
    let spec_is_new = view.status.observed_generation != view.generation();
    let template = &view.seen.template;
    let owned = matches!(target.owner, Owner::MiniProgram { .. });
    let wants_owner = view.mp.deletion_policy() == DeletionPolicy::Delete;
    let same = has_keys(view, target, spec_is_new)
        && template.labels == target.labels
        && template.annotations == target.annotations
        && owned == wants_owner;
    let is_edited = view.is_edited(target);
    (is_edited || !same).then_some(is_edited || !spec_is_new)
}

/// Whether the target has the data keys that the spec asks for, and no others of ours. A target
/// that a version without the JSON wrote gets it with its next token, unless the spec is new.
fn has_keys(view: &View<'_>, target: &Projection, spec_is_new: bool) -> bool {
    let keys = view.mp.target_keys();
    let waits = target.token_json.is_none() && !spec_is_new;
    let json = keys.json().filter(|_| !waits);
    let fixed = [names::KEY_EXPIRES_AT_UNIX, names::KEY_APP_ID];
    let wanted = [keys.access_token.as_str(), &keys.expiration_time].into_iter().chain(fixed);
    let tickets = target.tickets.iter().map(|ticket| ticket.kind);
    let tickets = tickets.filter(|kind| view.mp.spec.tickets.contains(kind));
    let tickets: Vec<&str> = tickets.flat_map(TicketType::keys).collect();
    let wanted: BTreeSet<_> = wanted.chain(json).chain(tickets).collect();
    wanted == target.data_keys.iter().map(String::as_str).collect()
}

/// Whether writing the target again does not make it as the spec asks.
pub fn is_altered(view: &View<'_>, target: &Projection) -> bool {
    let unchanged = view.seen.recall.writes.unchanged.as_ref() == Some(&target.version);
    (unchanged || is_reported(view, Reason::Altered))
        && !view.is_edited(target)
        && differs(view, target).is_some()
}
