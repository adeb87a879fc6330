//! Corrects the Secret in use where it differs from the spec or from what the operator wrote, as
//! long as one of our Secrets holds the token. Pure.

use std::{sync::Arc, time::Duration};

use super::{
    Act, CORRECTIONS_APART, Rewrite, Step, live_read,
    target::{self, differs, refused_write, stays_in_use},
    trusted,
    view::{Target, View},
};
use crate::{
    projection::Projection,
    reconcile::{call::Wanted, observed::LiveRead},
};

/// Corrects a difference from the spec without a call, if one of our Secrets still holds the token.
pub(super) fn synchronise(view: &View<'_>, _: Option<Wanted>) -> Option<Step> {
    let (from, renamed, drift) = match (view.target, stays_in_use(view)) {
        (Target::Ours(target), _) => match differs(view, target) {
            Some(drift) => (target, false, drift),
            None => return verify(view, target),
        },
        // Pods still use the old target, under the name in the earlier spec.
        (Target::Missing | Target::Foreign, Some(old)) if view.is_edited(old) => (old, false, true),
        (Target::Foreign, Some(old)) => return verify(view, old),
        (Target::Missing, _) => {
            (view.in_use.filter(|_| view.valid_token().is_some())?, true, false)
        }
        (Target::Foreign | Target::Former, _) => return None,
    };
    let is_it = |version: &Option<String>| version.as_ref() == Some(&from.version);
    if is_it(&view.seen.recall.writes.unmatched)
        || !renamed && is_it(&view.seen.recall.writes.unchanged)
    {
        return None;
    }
    if renamed && refused_write(view).is_some() {
        return None;
    }
    if let Some(wait) = target::closed_for(view) {
        return Some(Step::Wait(wait));
    }
    if let Some(wait) = apart(view, view.seen.recall.writes.corrected.filter(|_| drift)) {
        // A writer that edits the Secret again at once must not keep its token from being
        // refreshed.
        let may_call = view.token().is_some() || view.seen.started.is_some();
        return (!may_call).then_some(Step::Wait(wait));
    }
    let from = Arc::new(from.clone());
    let Some(live) = view.live() else {
        return Some(Step::Do(live_read(view)));
    };
    if live.immutable && !renamed {
        return None;
    }
    Some(rewrite(view, live, Rewrite { from, renamed, drift }))
}

fn rewrite(view: &View<'_>, live: &LiveRead, rewrite: Rewrite) -> Step {
    let from = &rewrite.from;
    let known = trusted_fingerprint(view, from)
        .and_then(|fingerprint| live.held_by(from, view.mp).token(&fingerprint));
    Step::Do(match known {
        Some(_) => Act::Rewrite(rewrite),
        None => Act::Unmatched(from.version.clone()),
    })
}

/// A version of the Secret in use that this process did not write is read once: another writer that
/// applies it under the operator's name can change the token and leave all else as it is.
fn verify(view: &View<'_>, target: &Projection) -> Option<Step> {
    if trusted::is_verified(view, target)
        || view.seen.recall.writes.unchanged.as_ref() == Some(&target.version)
    {
        return None;
    }
    if let Some(live) = view.live() {
        let rewritten = Rewrite { from: Arc::new(target.clone()), renamed: false, drift: true };
        return (!live.immutable).then(|| rewrite(view, live, rewritten));
    }
    // A due call need not wait: it reads the Secret itself.
    apart(view, view.seen.recall.writes.read_at).is_none().then(|| Step::Do(live_read(view)))
}

/// When the Secret in use may be corrected or read again, after it was corrected or read a moment
/// ago.
pub(super) fn next(view: &View<'_>) -> Option<Duration> {
    let in_use = view.in_use.filter(|_| view.live().is_none())?;
    if differs(view, in_use) == Some(true) {
        return apart(view, view.seen.recall.writes.corrected);
    }
    apart(view, view.seen.recall.writes.read_at).filter(|_| !trusted::is_verified(view, in_use))
}

fn apart(view: &View<'_>, last: Option<Duration>) -> Option<Duration> {
    let wait = (last? + CORRECTIONS_APART).saturating_sub(view.now.boot);
    (!wait.is_zero()).then_some(wait)
}

/// The fingerprint to search for. The annotation of an edited Secret may have been restored
/// together with an old token, so the status names the token then.
pub fn trusted_fingerprint(view: &View<'_>, target: &Projection) -> Option<String> {
    if view.is_edited(target) {
        return view.status.token.as_ref().map(|token| token.fingerprint.clone());
    }
    target.token.as_ref().map(|token| token.fingerprint.clone())
}
