//! Whose turn it is where every call ends another's token: one object of an app keeps it, the
//! others stand back. Pure.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    due,
    time::span,
    view::{View, mode_name},
};
use crate::{
    api::{
        MiniProgram, Mints, TokenMode,
        sibling::{accepted, age, can_store, claims, minted_at},
    },
    projection::TokenFacts,
};

/// Whether this object may ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AppOwner<'a> {
    /// It may.
    This,
    /// Another one's credential is tried first.
    Undecided,
    /// Another one keeps the app's token.
    Other(&'a MiniProgram),
}

/// Whether an object of the same platform asks the same endpoint.
pub fn same_mode(view: &View<'_>, other: &MiniProgram) -> bool {
    is_mode_of(view, other.spec.token_mode)
}

/// Whether the mode of a spec leads to the same endpoint.
pub fn is_mode_of(view: &View<'_>, mode: Option<TokenMode>) -> bool {
    view.platform.endpoint(mode).map(mode_name) == Some(view.mode())
}

/// An older object whose credential is to be tried first gets so long, whatever keeps it.
const OLDER_FIRST: Duration = Duration::from_secs(60);

/// Whose turn it is. The oldest claimant that the platform has accepted keeps the app; while there
/// is none, the oldest that it has not rejected is tried, and the others wait for it, but not for
/// ever.
pub fn owner<'a>(view: &'a View<'_>) -> AppOwner<'a> {
    match by_age(view) {
        AppOwner::Undecided if patience(view).is_zero() => AppOwner::This,
        owner => owner,
    }
}

/// Whether an older object is to be tried first.
pub fn waits_for_older(view: &View<'_>) -> bool {
    by_age(view) == AppOwner::Undecided
}

/// How long it is still waited for.
pub fn patience(view: &View<'_>) -> Duration {
    let since = view.seen.recall.waiting_since.unwrap_or(view.now.boot);
    (since + OLDER_FIRST).saturating_sub(view.now.boot)
}

fn by_age<'a>(view: &'a View<'_>) -> AppOwner<'a> {
    if !view.endpoint.reissue.is_exclusive() {
        return AppOwner::This;
    }
    let siblings = view.seen.siblings.shown.iter().map(AsRef::as_ref);
    let siblings = siblings
        .filter(|sibling| claims(sibling) && can_store(sibling) && same_mode(view, sibling));
    let siblings: Vec<&MiniProgram> = siblings.collect();
    if siblings.is_empty() {
        return AppOwner::This;
    }
    let mine = accepted(&view.status.conditions);
    let theirs = |sibling: &MiniProgram| {
        sibling.status.as_ref().and_then(|status| accepted(&status.conditions))
    };
    let oldest_of = |wanted: fn(Option<bool>) -> bool| {
        let of_siblings = siblings
            .iter()
            .copied()
            .filter(|sibling| wanted(theirs(sibling)))
            .min_by_key(|sibling| age(sibling));
        let is_mine = wanted(mine) && of_siblings.is_none_or(|sibling| age(view.mp) < age(sibling));
        (is_mine, of_siblings)
    };
    match oldest_of(|verdict| verdict == Some(true)) {
        (true, _) => return AppOwner::This,
        (false, Some(winner)) => return AppOwner::Other(winner),
        (false, None) => {}
    }
    match oldest_of(|verdict| verdict != Some(false)) {
        (true, _) | (false, None) => AppOwner::This,
        (false, Some(_)) if mine == Some(false) => AppOwner::This,
        (false, Some(_)) => AppOwner::Undecided,
    }
}

/// Whether another object's call has ended this one's token, or may have: a time that cannot be
/// true yet, theirs or ours, is no comfort.
pub fn others_minted_since(view: &View<'_>, winner: &MiniProgram, token: &TokenFacts) -> bool {
    !due::is_past(view.now, token.issued)
        || minted_at(winner).any(|time| is_later(view, time, token))
        || this_process_minted_since(view, token)
}

/// Whether a mint came after a token, or may have: times are cut to the second, and who minted both
/// knows their order.
fn is_later(view: &View<'_>, minted: Timestamp, token: &TokenFacts) -> bool {
    minted > token.issued || minted == token.issued && minted_here(view, token).is_none()
}

/// When (boot time) this process minted a token, if it did.
fn minted_here(view: &View<'_>, token: &TokenFacts) -> Option<Duration> {
    view.seen
        .recall
        .minted
        .as_ref()
        .filter(|(fingerprint, _)| *fingerprint == token.fingerprint)
        .map(|(_, at)| *at)
}

/// Whether this process has minted for another object since: times since boot are true whatever the
/// clock was.
fn this_process_minted_since(view: &View<'_>, token: &TokenFacts) -> bool {
    let by_life = || {
        let issued = (view.now.boot + view.time_left_by_boot(token)?)
            .saturating_sub(span(token.issued, token.expires));
        // Issue times are cut to the second.
        Some(issued + Duration::from_secs(1))
    };
    let last =
        view.seen.app.last.as_ref().filter(|last| Some(&last.uid) != view.mp.metadata.uid.as_ref());
    last.zip(minted_here(view, token).or_else(by_life))
        .is_some_and(|(last, issued)| last.started > issued)
}

/// The same of any object of the app, whoever keeps it now, by times that can be true: they call
/// for a token.
pub fn is_ended_by_another(view: &View<'_>) -> bool {
    let Some(token) = view.token().filter(|_| view.endpoint.reissue.is_exclusive()) else {
        return false;
    };
    // What an object has minted that is gone since, this process remembers.
    let last_of =
        |mints: Option<&Mints>| mints.and_then(|mints| mints.last_time.as_ref()).map(|time| time.0);
    let (of_app, own) = (last_of(Some(&view.seen.app.mints)), last_of(view.status.mints.as_ref()));
    let siblings = view.seen.siblings.shown.iter().filter(|sibling| same_mode(view, sibling));
    of_app.filter(|time| due::is_past(view.now, *time)) > own.max(Some(token.issued))
        || siblings
            .flat_map(|sibling| minted_at(sibling))
            .any(|time| due::is_past(view.now, time) && is_later(view, time, token))
        || this_process_minted_since(view, token)
}
