//! What stands between a token and its Secret: refused writes, another's Secret, a template that
//! does not hold; and which Secret is kept fresh meanwhile. Pure.

use std::time::Duration;

use super::{
    case::{Case, Target},
    due::wait,
    time::after,
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
pub fn refused<'a>(case: &Case<'a>) -> Option<&'a Refused> {
    let is_over = match case.target {
        Target::Ours(target) => refused_write(case).is_none() && case.valid_token().is_some() && differs(case, target).is_none(),
        Target::Missing | Target::Foreign | Target::Former => false,
    };
    case.seen.recall.refused.as_ref().filter(|_| !is_over)
}

/// How long a write that failed is still left alone.
pub fn refused_write(case: &Case<'_>) -> Option<Duration> {
    let wait = case.seen.recall.refused.as_ref()?.retry.saturating_sub(case.now.boot);
    (!wait.is_zero()).then_some(wait)
}

/// The same, if the next token would go there: not while the one before it stays in use.
pub fn closed_for(case: &Case<'_>) -> Option<Duration> {
    refused_write(case).filter(|_| stays_in_use(case).is_none())
}

/// Whether there is no Secret that a token could be stored in.
pub fn has_none(case: &Case<'_>) -> bool {
    match case.target {
        Target::Foreign => case.in_use.is_none(),
        Target::Former => true,
        Target::Missing | Target::Ours(_) => false,
    }
}

/// The target before, while the one that the spec names is another's or cannot be made: pods still
/// mount it, so that it is kept fresh.
pub fn stays_in_use<'a>(case: &Case<'a>) -> Option<&'a Projection> {
    match case.target {
        Target::Foreign => case.in_use,
        Target::Missing => case.in_use.filter(|_| case.seen.recall.refused.is_some() || is_told_refused(case)),
        Target::Former | Target::Ours(_) => None,
    }
}

/// Whether the status says this of the target that the spec names now.
pub fn is_told(case: &Case<'_>, reason: Reason) -> bool {
    let condition = conditions::find(&case.status.conditions, ConditionType::TargetSynced);
    condition.is_some_and(|condition| Reason::of(condition) == Some(reason) && condition.observed_generation == case.generation())
}

/// Whether the last write of the target that the status tells of was refused.
pub fn is_told_refused(case: &Case<'_>) -> bool {
    [Reason::WriteFailed, Reason::Forbidden, Reason::Altered].into_iter().any(|reason| is_told(case, reason))
}

/// Whether no call is worth making, since its token could not be stored.
pub fn is_closed(case: &Case<'_>) -> bool {
    let in_hand = case.seen.in_hand.as_ref().is_some_and(|hand| hand.refused.is_some());
    let immutable = matches!(case.target, Target::Ours(_)) && is_told(case, Reason::Immutable);
    in_hand || immutable || closed_for(case).is_some()
}

/// Since when the target is being deleted and what holds it, once that is no matter of a moment.
pub fn terminating<'a>(case: &Case<'a>) -> Option<&'a Terminating> {
    let Target::Ours(target) = case.target else { return None };
    target.terminating.as_ref().filter(|terminating| after(terminating.since, DELETION) <= case.now.wall)
}

/// When a target that is being deleted has been there for more than a moment.
pub fn next_change(case: &Case<'_>) -> Option<Duration> {
    let Target::Ours(target) = case.target else { return None };
    let lasts = target.terminating.as_ref().map(|terminating| wait(case.now, after(terminating.since, DELETION)));
    lasts.filter(|wait| !wait.is_zero())
}

/// How a target of ours differs from what the spec asks: not at all, by somebody's edit (true) or by a new spec (false).
pub fn differs(case: &Case<'_>, target: &Projection) -> Option<bool> {
    let keys = case.mp.target_keys();
    let has_keys = [&keys.access_token, &keys.expiration_time].iter().all(|key| target.data_keys.contains(key));
    let template = &case.seen.template;
    let owned = matches!(target.owner, Owner::MiniProgram { .. });
    let wants_owner = case.mp.deletion_policy() == DeletionPolicy::Delete;
    let same = has_keys
        && target.data_keys.len() == 4
        && template.labels == target.labels
        && template.annotations == target.annotations
        && owned == wants_owner;
    let spec_is_new = case.status.observed_generation != case.generation();
    let is_edited = case.is_edited(target);
    (is_edited || !same).then_some(is_edited || !spec_is_new)
}

/// Whether writing the target again does not make it as the spec asks.
pub fn is_altered(case: &Case<'_>, target: &Projection) -> bool {
    let in_vain = case.seen.recall.in_vain.as_ref() == Some(&target.version);
    (in_vain || is_told(case, Reason::Altered)) && !case.is_edited(target) && differs(case, target).is_some()
}
