//! Which object of an app may call, where every call ends the token of the others: one object owns
//! the app's token, and its siblings wait. Pure.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    time::{is_past, span},
    view::{View, mode_name},
};
use crate::{
    api::{
        MiniProgram, Mints, TokenMode,
        sibling::{accepted, age, can_store, claims, minted_at},
    },
    projection::TokenFacts,
};

/// Which object of the app may call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AppOwner<'a> {
    /// This object.
    This,
    /// None yet: the credential of an older object is tried first.
    Undecided,
    /// Another object, which keeps the app's token.
    Other(&'a MiniProgram),
}

/// Whether a sibling uses the same endpoint.
pub fn same_mode(view: &View<'_>, other: &MiniProgram) -> bool {
    is_mode_of(view, other.spec.token_mode)
}

/// Whether the mode of a spec selects the same endpoint.
pub fn is_mode_of(view: &View<'_>, mode: Option<TokenMode>) -> bool {
    view.platform.endpoint(mode).map(mode_name) == Some(view.mode())
}

/// How long an older object has until its credential is no longer tried first, whatever delays it.
const OLDER_FIRST: Duration = Duration::from_secs(60);

/// The owner of the app's token: the oldest object whose credential the platform has accepted.
/// While there is none, the oldest object whose credential it has not rejected is tried first, and
/// its siblings wait for a limited time.
pub fn owner<'a>(view: &'a View<'_>) -> AppOwner<'a> {
    match by_age(view) {
        AppOwner::Undecided if patience(view).is_zero() => AppOwner::This,
        owner => owner,
    }
}

/// Whether the credential of an older object is tried first.
pub fn waits_for_older(view: &View<'_>) -> bool {
    by_age(view) == AppOwner::Undecided
}

/// How much longer this object waits for the older one.
pub fn patience(view: &View<'_>) -> Duration {
    let since = view.seen.recall.sightings.waiting_since.unwrap_or(view.now.boot);
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

/// Whether a sibling's call has replaced this object's token, or may have. A timestamp in the
/// future (clock skew) counts as "may have been replaced".
pub fn others_minted_since(view: &View<'_>, winner: &MiniProgram, token: &TokenFacts) -> bool {
    !is_past(view.now, token.issued)
        || minted_at(winner).any(|time| is_later(view, time, token))
        || this_process_minted_since(view, token)
}

/// Whether a mint came after a token, or may have: times are cut to the second, and only a process
/// that minted both knows their order.
fn is_later(view: &View<'_>, minted: Timestamp, token: &TokenFacts) -> bool {
    minted > token.issued || minted == token.issued && minted_here(view, token).is_none()
}

/// The boot time at which this process minted a token, if it did.
fn minted_here(view: &View<'_>, token: &TokenFacts) -> Option<Duration> {
    view.seen
        .recall
        .calls
        .minted
        .as_ref()
        .filter(|(fingerprint, _)| *fingerprint == token.fingerprint)
        .map(|(_, at)| *at)
}

/// Whether this process has minted for another object since. Boot time is correct whatever the wall
/// clock does.
fn this_process_minted_since(view: &View<'_>, token: &TokenFacts) -> bool {
    let by_life = || {
        let issued = (view.now.boot + view.time_left_by_boot(token)?)
            .saturating_sub(span(token.issued, token.expires));
        // Issue times are cut to the second.
        Some(issued + Duration::from_secs(1))
    };
    let last = view.seen.app.last.as_ref().filter(|last| last.uid != view.mp.uid());
    last.zip(minted_here(view, token).or_else(by_life))
        .is_some_and(|(last, issued)| last.started > issued)
}

/// Whether any object of the app has replaced this object's token, whichever owns it now, by times
/// that are not in the future. If so, a new token is due.
pub fn is_ended_by_another(view: &View<'_>) -> bool {
    let Some(token) = view.token().filter(|_| view.endpoint.reissue.is_exclusive()) else {
        return false;
    };
    // This process remembers the mints of deleted objects.
    let last_of =
        |mints: Option<&Mints>| mints.and_then(|mints| mints.last_time.as_ref()).map(|time| time.0);
    let (of_app, own) = (last_of(Some(&view.seen.app.mints)), last_of(view.status.mints.as_ref()));
    let siblings = view.seen.siblings.shown.iter().filter(|sibling| same_mode(view, sibling));
    of_app.filter(|time| is_past(view.now, *time)) > own.max(Some(token.issued))
        || siblings
            .flat_map(|sibling| minted_at(sibling))
            .any(|time| is_past(view.now, time) && is_later(view, time, token))
        || this_process_minted_since(view, token)
}
