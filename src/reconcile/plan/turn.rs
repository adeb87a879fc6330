//! Whose turn it is where every call ends another's token: one object of an app keeps it, the others stand back. Pure.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    case::{Case, mode_name},
    due,
    time::span,
};
use crate::{
    api::{
        MiniProgram, Mints, TokenMode,
        standing::{accepted, age, can_store, claims, minted_at},
    },
    projection::TokenFacts,
};

/// Whether this object may ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn<'a> {
    /// It may.
    Mine,
    /// Another one's credential is tried first.
    Wait,
    /// Another one keeps the app's token.
    Theirs(&'a MiniProgram),
}

/// Whether an object of the same platform asks the same endpoint.
pub fn same_mode(case: &Case<'_>, other: &MiniProgram) -> bool {
    is_mode_of(case, other.spec.token_mode)
}

/// Whether the mode of a spec leads to the same endpoint.
pub fn is_mode_of(case: &Case<'_>, mode: Option<TokenMode>) -> bool {
    case.platform.endpoint(mode).map(mode_name) == Some(case.mode())
}

/// An older object whose credential is to be tried first gets so long, whatever keeps it.
const OLDER_FIRST: Duration = Duration::from_secs(60);

/// Whose turn it is. The oldest claimant that the platform has accepted keeps the app; while there is none, the oldest that
/// it has not rejected is tried, and the others wait for it, but not for ever.
pub fn turn<'a>(case: &'a Case<'_>) -> Turn<'a> {
    match by_age(case) {
        Turn::Wait if patience(case).is_zero() => Turn::Mine,
        turn => turn,
    }
}

/// Whether an older object is to be tried first.
pub fn is_younger(case: &Case<'_>) -> bool {
    by_age(case) == Turn::Wait
}

/// How long it is still waited for.
pub fn patience(case: &Case<'_>) -> Duration {
    let since = case.seen.recall.waiting_since.unwrap_or(case.now.boot);
    (since + OLDER_FIRST).saturating_sub(case.now.boot)
}

fn by_age<'a>(case: &'a Case<'_>) -> Turn<'a> {
    if !case.endpoint.rotates() {
        return Turn::Mine;
    }
    let rivals = case.seen.siblings.shown.iter().map(AsRef::as_ref);
    let rivals = rivals.filter(|rival| claims(rival) && can_store(rival) && same_mode(case, rival));
    let rivals: Vec<&MiniProgram> = rivals.collect();
    if rivals.is_empty() {
        return Turn::Mine;
    }
    let mine = accepted(&case.status.conditions);
    let theirs = |rival: &MiniProgram| rival.status.as_ref().and_then(|status| accepted(&status.conditions));
    let oldest_of = |wanted: fn(Option<bool>) -> bool| {
        let of_rivals = rivals.iter().copied().filter(|rival| wanted(theirs(rival))).min_by_key(|rival| age(rival));
        let is_mine = wanted(mine) && of_rivals.is_none_or(|rival| age(case.mp) < age(rival));
        (is_mine, of_rivals)
    };
    match oldest_of(|verdict| verdict == Some(true)) {
        (true, _) => return Turn::Mine,
        (false, Some(winner)) => return Turn::Theirs(winner),
        (false, None) => {}
    }
    match oldest_of(|verdict| verdict != Some(false)) {
        (true, _) | (false, None) => Turn::Mine,
        (false, Some(_)) if mine == Some(false) => Turn::Mine,
        (false, Some(_)) => Turn::Wait,
    }
}

/// Whether another object's call has ended this one's token, or may have: a time that cannot be true yet, theirs or ours, is no
/// comfort.
pub fn others_minted_since(case: &Case<'_>, winner: &MiniProgram, token: &TokenFacts) -> bool {
    !due::is_past(case.now, token.issued)
        || minted_at(winner).any(|time| is_later(case, time, token))
        || this_process_minted_since(case, token)
}

/// Whether a mint came after a token, or may have: times are cut to the second, and who minted both knows their order.
fn is_later(case: &Case<'_>, minted: Timestamp, token: &TokenFacts) -> bool {
    minted > token.issued || minted == token.issued && minted_here(case, token).is_none()
}

/// When (boot time) this process minted a token, if it did.
fn minted_here(case: &Case<'_>, token: &TokenFacts) -> Option<Duration> {
    case.seen.recall.minted.as_ref().filter(|(fingerprint, _)| *fingerprint == token.fingerprint).map(|(_, at)| *at)
}

/// Whether this process has minted for another object since: times since boot are true whatever the clock was.
fn this_process_minted_since(case: &Case<'_>, token: &TokenFacts) -> bool {
    let by_life = || {
        let issued = (case.now.boot + case.time_left_by_boot(token)?).saturating_sub(span(token.issued, token.expires));
        // Issue times are cut to the second.
        Some(issued + Duration::from_secs(1))
    };
    let last = case.seen.app.last.as_ref().filter(|last| Some(&last.uid) != case.mp.metadata.uid.as_ref());
    last.zip(minted_here(case, token).or_else(by_life)).is_some_and(|(last, issued)| last.begun > issued)
}

/// The same of any object of the app, whoever keeps it now, by times that can be true: they call for a token.
pub fn is_ended_by_another(case: &Case<'_>) -> bool {
    let Some(token) = case.token().filter(|_| case.endpoint.rotates()) else { return false };
    // What an object has minted that is gone since, this process remembers.
    let last_of = |mints: Option<&Mints>| mints.and_then(|mints| mints.last_time.as_ref()).map(|time| time.0);
    let (of_app, own) = (last_of(Some(&case.seen.app.mints)), last_of(case.status.mints.as_ref()));
    let rivals = case.seen.siblings.shown.iter().filter(|rival| same_mode(case, rival));
    of_app.filter(|time| due::is_past(case.now, *time)) > own.max(Some(token.issued))
        || rivals.flat_map(|rival| minted_at(rival)).any(|time| due::is_past(case.now, time) && is_later(case, time, token))
        || this_process_minted_since(case, token)
}
