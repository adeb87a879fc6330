//! Puts the Secret in use right where it differs from the spec, or from what the operator wrote, as long as a Secret of
//! ours holds the token. Pure.

use std::{sync::Arc, time::Duration};

use super::{
    Act, CORRECTIONS_APART, Rewrite, Step,
    case::{Case, Target},
    closer, confirmed,
    target::{self, differs, refused_write, stays_in_use},
};
use crate::{
    projection::Projection,
    reconcile::{call::Wanted, observe::Close},
};

/// Puts right what differs from the spec without asking the platform, where a Secret of ours still holds the token.
pub(super) fn synchronise(case: &Case<'_>, _: Option<Wanted>) -> Option<Step> {
    let (from, renamed, drift) = match (case.target, stays_in_use(case)) {
        (Target::Ours(target), _) => match differs(case, target) {
            Some(drift) => (target, false, drift),
            None => return verify(case, target),
        },
        // Pods still use the old target, as the spec before had it.
        (Target::Missing | Target::Foreign, Some(old)) if case.is_edited(old) => (old, false, true),
        (Target::Foreign, Some(old)) => return verify(case, old),
        (Target::Missing, _) => (case.in_use.filter(|_| case.valid_token().is_some())?, true, false),
        (Target::Foreign | Target::Former, _) => return None,
    };
    let is_it = |version: &Option<String>| version.as_ref() == Some(&from.version);
    if is_it(&case.seen.recall.unmatched) || !renamed && is_it(&case.seen.recall.in_vain) {
        return None;
    }
    if renamed && refused_write(case).is_some() {
        return None;
    }
    if let Some(wait) = target::closed_for(case) {
        return Some(Step::Settle(wait));
    }
    if let Some(wait) = apart(case, case.seen.recall.corrected.filter(|_| drift)) {
        // Whoever edits the Secret again at once must not keep its token from being refreshed.
        let may_call = case.token().is_some() || case.seen.begun.is_some();
        return (!may_call).then_some(Step::Settle(wait));
    }
    let from = Arc::new(from.clone());
    let Some(close) = case.close() else {
        return Some(Step::Do(closer(case, false)));
    };
    if close.immutable && !renamed {
        return None;
    }
    Some(rewrite(case, close, Rewrite { from, renamed, drift }))
}

fn rewrite(case: &Case<'_>, close: &Close, rewrite: Rewrite) -> Step {
    let from = &rewrite.from;
    let known = trusted_fingerprint(case, from).and_then(|fingerprint| close.held_by(from, case.mp).token(&fingerprint));
    Step::Do(match known {
        Some(_) => Act::Rewrite(rewrite),
        None => Act::Unmatched(from.version.clone()),
    })
}

/// A version of the Secret in use that somebody else made is read once: whoever applies it under the operator's name can
/// change the token and leave all else as it is.
fn verify(case: &Case<'_>, target: &Projection) -> Option<Step> {
    if confirmed::is_verified(case, target) || case.seen.recall.in_vain.as_ref() == Some(&target.version) {
        return None;
    }
    if let Some(close) = case.close() {
        let rewritten = Rewrite { from: Arc::new(target.clone()), renamed: false, drift: true };
        return (!close.immutable).then(|| rewrite(case, close, rewritten));
    }
    // A call that is due need not wait: it reads the Secret itself.
    apart(case, case.seen.recall.read_at).is_none().then(|| Step::Do(closer(case, false)))
}

/// When the Secret in use, which was corrected or read a moment ago, may be corrected or read again.
pub(super) fn next(case: &Case<'_>) -> Option<Duration> {
    let in_use = case.in_use.filter(|_| case.close().is_none())?;
    if differs(case, in_use) == Some(true) {
        return apart(case, case.seen.recall.corrected);
    }
    apart(case, case.seen.recall.read_at).filter(|_| !confirmed::is_verified(case, in_use))
}

fn apart(case: &Case<'_>, last: Option<Duration>) -> Option<Duration> {
    let wait = (last? + CORRECTIONS_APART).saturating_sub(case.now.boot);
    (!wait.is_zero()).then_some(wait)
}

/// The fingerprint to look for: an edited Secret's own annotation may have been put back together with an old token.
pub fn trusted_fingerprint(case: &Case<'_>, target: &Projection) -> Option<String> {
    if case.is_edited(target) {
        return case.status.token.as_ref().map(|token| token.fingerprint.clone());
    }
    target.token.as_ref().map(|token| token.fingerprint.clone())
}
