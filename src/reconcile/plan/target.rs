//! What stands between a token and its Secret: refused writes, another's Secret, a template that
//! does not hold; and which Secret is kept fresh meanwhile. Pure.

use std::time::Duration;

use super::{
    due::wait,
    time::after,
    view::{Target, View},
};
use crate::{
    api::{ConditionType, DeletionPolicy, Reason, conditions},
    projection::{Owner, Projection, Terminating},
    reconcile::memory::Refused,
};

/// A Secret that is deleted in the foreground is there for a moment more.
const DELETION: Duration = Duration::from_secs(10);

/// The last write of the target that was refused, until nothing is left to write: another may have
/// written it, or the request was withdrawn.
pub fn refused<'a>(view: &View<'a>) -> Option<&'a Refused> {
    let is_over = match view.target {
        Target::Ours(target) => {
            refused_write(view).is_none()
                && view.valid_token().is_some()
                && differs(view, target).is_none()
        }
        Target::Missing | Target::Foreign | Target::Former => false,
    };
    view.seen.recall.refused.as_ref().filter(|_| !is_over)
}

/// How long a write that failed is still left alone.
pub fn refused_write(view: &View<'_>) -> Option<Duration> {
    let wait = view.seen.recall.refused.as_ref()?.retry.saturating_sub(view.now.boot);
    (!wait.is_zero()).then_some(wait)
}

/// The same, if the next token would go there: not while the one before it stays in use.
pub fn closed_for(view: &View<'_>) -> Option<Duration> {
    refused_write(view).filter(|_| stays_in_use(view).is_none())
}

/// Whether there is no Secret that a token could be stored in.
pub fn has_none(view: &View<'_>) -> bool {
    match view.target {
        Target::Foreign => view.in_use.is_none(),
        Target::Former => true,
        Target::Missing | Target::Ours(_) => false,
    }
}

/// The target before, while the one that the spec names is another's or cannot be made: pods still
/// mount it, so that it is kept fresh.
pub fn stays_in_use<'a>(view: &View<'a>) -> Option<&'a Projection> {
    match view.target {
        Target::Foreign => view.in_use,
        Target::Missing => {
            view.in_use.filter(|_| view.seen.recall.refused.is_some() || is_told_refused(view))
        }
        Target::Former | Target::Ours(_) => None,
    }
}

/// Whether the status says this of the target that the spec names now.
pub fn is_told(view: &View<'_>, reason: Reason) -> bool {
    let condition = conditions::find(&view.status.conditions, ConditionType::TargetSynced);
    condition.is_some_and(|condition| {
        Reason::of(condition) == Some(reason) && condition.observed_generation == view.generation()
    })
}

/// Whether the last write of the target that the status tells of was refused.
pub fn is_told_refused(view: &View<'_>) -> bool {
    [Reason::WriteFailed, Reason::Forbidden, Reason::Altered]
        .into_iter()
        .any(|reason| is_told(view, reason))
}

/// Whether no call is worth making, since its token could not be stored.
pub fn is_closed(view: &View<'_>) -> bool {
    let unstored = view.seen.unstored.as_ref().is_some_and(|hand| hand.refused.is_some());
    let immutable = matches!(view.target, Target::Ours(_)) && is_told(view, Reason::Immutable);
    unstored || immutable || closed_for(view).is_some()
}

/// Since when the target is being deleted and what holds it, once that is no matter of a moment.
pub fn terminating<'a>(view: &View<'a>) -> Option<&'a Terminating> {
    let Target::Ours(target) = view.target else { return None };
    target
        .terminating
        .as_ref()
        .filter(|terminating| after(terminating.since, DELETION) <= view.now.wall)
}

/// When a target that is being deleted has been there for more than a moment.
pub fn next_change(view: &View<'_>) -> Option<Duration> {
    let Target::Ours(target) = view.target else { return None };
    let lasts = target
        .terminating
        .as_ref()
        .map(|terminating| wait(view.now, after(terminating.since, DELETION)));
    lasts.filter(|wait| !wait.is_zero())
}

/// How a target of ours differs from what the spec asks: not at all, by somebody's edit (true) or
/// by a new spec (false).
pub fn differs(view: &View<'_>, target: &Projection) -> Option<bool> {
    let keys = view.mp.target_keys();
    let has_keys = [&keys.access_token, &keys.expiration_time]
        .iter()
        .all(|key| target.data_keys.contains(key));
    let template = &view.seen.template;
    let owned = matches!(target.owner, Owner::MiniProgram { .. });
    let wants_owner = view.mp.deletion_policy() == DeletionPolicy::Delete;
    let same = has_keys
        && target.data_keys.len() == 4
        && template.labels == target.labels
        && template.annotations == target.annotations
        && owned == wants_owner;
    let spec_is_new = view.status.observed_generation != view.generation();
    let is_edited = view.is_edited(target);
    (is_edited || !same).then_some(is_edited || !spec_is_new)
}

/// Whether writing the target again does not make it as the spec asks.
pub fn is_altered(view: &View<'_>, target: &Projection) -> bool {
    let in_vain = view.seen.recall.in_vain.as_ref() == Some(&target.version);
    (in_vain || is_told(view, Reason::Altered))
        && !view.is_edited(target)
        && differs(view, target).is_some()
}
