//! What the status should say. Pure; equal input gives equal output, so that a reconcile with nothing to do writes nothing.

use std::time::Duration;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};

use super::{
    advice::{self, INTERNAL_ERROR, NOT_SELECTED, SUSPENDED, UNLISTED, advice},
    case::{Case, Credential, Target},
    confirmed, due, target,
    time::{after, span, whole_seconds},
    turn::{self, Turn},
};
use crate::{
    api::{
        ConditionType, MiniProgram, MiniProgramStatus, Reason, TargetRef, TokenStatus,
        conditions::{self, Truth, Verdict},
    },
    reconcile::memory::How,
    shell::clock::Now,
};

/// Helm fails at once on Stalled, and an install applies the credential, or rights, a moment after the object, and deletes a
/// renamed one a moment after its successor is there.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// A refresh that is due and not made for so long is told.
pub const OVERDUE_AFTER: Duration = Duration::from_secs(60);
/// Times of the next refresh that differ by less are the same: the duration of the last call moves them.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(60);

/// What the plan found on the way, as far as the status tells it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Findings {
    /// Whether a call is due.
    pub due: bool,
    /// Whether a call is due since this object keeps the app's token now.
    pub takes_over: bool,
    /// When a token that is reported invalid will be replaced, if not at once.
    pub replaced_at: Option<Timestamp>,
}

/// The status as it should be now.
pub fn report(case: &Case<'_>, findings: Findings) -> MiniProgramStatus {
    let mut status = case.status.clone();
    status.observed_generation = case.generation();
    status.target_ref = Some(target_ref(case));
    status.token_mode = Some(case.mode().to_owned()).filter(|mode| !mode.is_empty());
    status.token = token(case, findings).or(status.token);
    if let Some(version) = case.credential_version() {
        status.credential = Some(version.clone());
    }
    if case.credential == Credential::Known(Reason::SecretNotFound) {
        status.credential = None;
    }
    if case.open_intent().is_none() && !case.is_unsettled() {
        status.intent = None;
    }
    let credential = credential_valid(case);
    let target = target_synced(case);
    let fresh = token_fresh(case, findings);
    let ready = ready(case, &credential, &target, &fresh);
    let mut put = |kind, verdict: &Verdict| {
        conditions::set(&mut status.conditions, kind, verdict, case.generation(), whole_seconds(case.now.wall));
    };
    put(ConditionType::Ready, &ready);
    put(ConditionType::CredentialValid, &credential);
    put(ConditionType::TokenFresh, &fresh);
    put(ConditionType::TargetSynced, &target);
    match stalled_from(&status, &ready) {
        Some(from) if from <= case.now.wall => {
            let stalled = Verdict { truth: Truth::True, ..ready };
            conditions::set(
                &mut status.conditions,
                ConditionType::Stalled,
                &stalled,
                case.generation(),
                whole_seconds(case.now.wall),
            );
        }
        _ => conditions::remove(&mut status.conditions, ConditionType::Stalled),
    }
    status
}

/// The status of an object whose look panicked: said, and a token that is still good stays Ready.
pub fn of_panic(mp: &MiniProgram, now: Now) -> MiniProgramStatus {
    let mut status = mp.status.clone().unwrap_or_default();
    let good = status.token.as_ref().is_some_and(|token| token.expiration_time.0 > now.wall);
    let kind = if good { ConditionType::TokenFresh } else { ConditionType::Ready };
    let verdict = Verdict { truth: Truth::False, reason: Reason::InternalError, message: INTERNAL_ERROR.into() };
    conditions::set(&mut status.conditions, kind, &verdict, mp.metadata.generation, whole_seconds(now.wall));
    status
}

/// The status of an object whose token's time is over while the operator cannot see more than the object itself.
pub fn of_expiry(mp: &MiniProgram, now: Now) -> MiniProgramStatus {
    let mut status = mp.status.clone().unwrap_or_default();
    let is_ready = conditions::find(&status.conditions, ConditionType::Ready).is_some_and(|ready| ready.status == "True");
    let (reason, message) = if mp.spec.suspend { (Reason::Suspended, SUSPENDED) } else { (Reason::Expired, UNLISTED) };
    let verdict = Verdict { truth: Truth::False, reason, message: message.into() };
    for kind in [ConditionType::Ready, ConditionType::TokenFresh].into_iter().filter(|_| is_ready) {
        conditions::set(&mut status.conditions, kind, &verdict, mp.metadata.generation, whole_seconds(now.wall));
    }
    status
}

/// The status of an object that this operator works on no more: it tells of nothing that is to come.
pub fn of_farewell(mp: &MiniProgram, now: Now) -> MiniProgramStatus {
    let mut status = mp.status.clone().unwrap_or_default();
    status.last_failure = None;
    if let Some(token) = &mut status.token {
        token.next_refresh_time = None;
    }
    let verdict = Verdict { truth: Truth::Unknown, reason: Reason::NotSelected, message: NOT_SELECTED.into() };
    for kind in [ConditionType::Ready, ConditionType::TokenFresh] {
        conditions::set(&mut status.conditions, kind, &verdict, mp.metadata.generation, whole_seconds(now.wall));
    }
    conditions::remove(&mut status.conditions, ConditionType::Stalled);
    status
}

/// When the status changes by the clock alone: at expiry, and when patience with a missing Secret ends.
pub fn next_change(case: &Case<'_>, status: &MiniProgramStatus) -> Option<Duration> {
    let expiry = case.valid_token().map(|token| case.time_left(token));
    let ready = conditions::find(&status.conditions, ConditionType::Ready);
    let stalled = ready.filter(|ready| ready.status != "True").and_then(|ready| {
        let verdict = Verdict { truth: Truth::False, reason: Reason::of(ready)?, message: String::new() };
        stalled_from(status, &verdict).map(|from| span(case.now.wall, from)).filter(|wait| !wait.is_zero())
    });
    expiry.into_iter().chain(stalled).min()
}

fn target_ref(case: &Case<'_>) -> TargetRef {
    let Some(target) = case.in_use else { return TargetRef { name: case.mp.target_name(), resource_version: None } };
    let reported = case.status.target_ref.as_ref().filter(|reported| reported.name == target.name);
    let is_verified = !case.is_edited(target) && confirmed::is_verified(case, target);
    let version =
        if is_verified { Some(&target.version) } else { reported.and_then(|reported| reported.resource_version.as_ref()) };
    TargetRef { name: target.name.clone(), resource_version: version.cloned() }
}

fn token(case: &Case<'_>, findings: Findings) -> Option<TokenStatus> {
    let token = case.token()?;
    let known = case.status.token.as_ref().filter(|known| known.fingerprint == token.fingerprint);
    let next = findings.replaced_at.into_iter().chain([whole_seconds(due::next_refresh(case, token))]).min();
    let next = next.filter(|_| case.is_served());
    let kept = known.and_then(|known| known.next_refresh_time.clone()).filter(|kept| {
        next.is_some_and(|next| kept.0.duration_since(next).abs() <= SAME_TIME)
            && known.is_some_and(|known| known.expiration_time.0 == token.expires)
    });
    Some(TokenStatus {
        fingerprint: token.fingerprint.clone(),
        issue_time: Time(token.issued),
        expiration_time: Time(token.expires),
        next_refresh_time: kept.or(next.map(Time)),
        check_time: case.checked(token).map(Time),
    })
}

fn verdict(case: &Case<'_>, truth: Truth, reason: Reason) -> Verdict {
    Verdict { truth, reason, message: advice(case, reason) }
}

/// The condition as it stands, for what cannot be judged without a look that nothing calls for.
fn standing(case: &Case<'_>, kind: ConditionType) -> Option<Verdict> {
    let condition = conditions::find(&case.status.conditions, kind)?;
    let truth = match condition.status.as_str() {
        "True" => Truth::True,
        "False" => Truth::False,
        _ => Truth::Unknown,
    };
    let reason = Reason::of(condition)?;
    // Who refused a write is known from its answer alone.
    let message = match reason {
        Reason::WriteFailed | Reason::Altered => condition.message.clone(),
        reason => advice(case, reason),
    };
    Some(Verdict { truth, reason, message })
}

fn credential_valid(case: &Case<'_>) -> Verdict {
    match case.credential {
        Credential::Known(Reason::Accepted) => verdict(case, Truth::True, Reason::Accepted),
        Credential::Known(Reason::NotTested) => verdict(case, Truth::Unknown, Reason::NotTested),
        Credential::Known(reason) => verdict(case, Truth::False, reason),
        Credential::Unread => {
            standing(case, ConditionType::CredentialValid).unwrap_or_else(|| verdict(case, Truth::Unknown, Reason::NotTested))
        }
    }
}

fn target_synced(case: &Case<'_>) -> Verdict {
    let in_hand = case.seen.in_hand.as_ref().and_then(|hand| hand.refused.as_ref());
    let refused = in_hand.or(target::refused(case));
    let standing = standing(case, ConditionType::TargetSynced).filter(|standing| standing.truth == Truth::False);
    let stored = matches!(case.seen.recall.ended.as_ref().map(|ended| &ended.how), Some(How::Token { stored: true, .. }));
    let told = |reason| standing.as_ref().is_some_and(|standing| standing.reason == reason);
    let no = |reason| verdict(case, Truth::False, reason);
    // Only a write that succeeds shows that the next one will.
    let told_refused = standing.clone().filter(|_| target::is_told_refused(case));
    match (case.target, refused) {
        (Target::Foreign, _) => no(Reason::Conflict),
        (Target::Former, _) if told(Reason::Conflict) || case.garbage_collection().is_zero() => no(Reason::Conflict),
        (_, Some(refused)) => {
            Verdict { truth: Truth::False, reason: refused.reason, message: advice::refused_write(case, refused) }
        }
        // Only a strong read shows whether a target is immutable, and only a call that is due is worth one.
        (Target::Ours(_), None) if case.close().map_or_else(|| told(Reason::Immutable) && !stored, |close| close.immutable) => {
            no(Reason::Immutable)
        }
        (Target::Ours(_), None) if target::terminating(case).is_some() => no(Reason::Terminating),
        (Target::Ours(target), None) if target::is_altered(case, target) => no(Reason::Altered),
        (Target::Ours(_), None) => match told_refused.filter(|_| case.token().is_none()) {
            Some(refused) => refused,
            None if !case.seen.template.refused.is_empty() => no(Reason::MetadataNotAllowed),
            None => verdict(case, Truth::True, Reason::Synced),
        },
        (Target::Missing | Target::Former, None) => {
            told_refused.unwrap_or_else(|| verdict(case, Truth::Unknown, Reason::Pending))
        }
    }
}

fn token_fresh(case: &Case<'_>, findings: Findings) -> Verdict {
    let no = |reason| verdict(case, Truth::False, reason);
    if case.mp.spec.suspend {
        return no(Reason::Suspended);
    }
    if case.seen.siblings.surplus {
        return no(Reason::TooManyObjects);
    }
    if let Turn::Theirs(_) = turn::turn(case) {
        return no(Reason::AppIdConflict);
    }
    // Until a call has succeeded, this condition alone remembers that another object kept the app.
    if findings.takes_over && is_standing(case, Reason::AppIdConflict) {
        return no(Reason::AppIdConflict);
    }
    if let Turn::Wait = turn::turn(case) {
        return verdict(case, Truth::Unknown, Reason::WaitingForOlderObject);
    }
    let overdue = case.seen.recall.due_since.is_some_and(|since| case.now.boot >= since + OVERDUE_AFTER);
    match (case.failure(), case.valid_token()) {
        (Some((_, Reason::CredentialRejected | Reason::AppIdRejected | Reason::SecretFrozen)), _) => no(Reason::Blocked),
        (Some((_, reason)), _) => no(reason),
        (None, None) if is_blocked(case) => no(Reason::Blocked),
        (None, None) if case.has_expired() => no(Reason::Expired),
        (None, None) => verdict(case, Truth::Unknown, Reason::Issuing),
        (None, Some(_)) if findings.due && is_blocked(case) => no(Reason::Blocked),
        (None, Some(_)) if findings.due && (overdue || is_standing(case, Reason::RefreshOverdue)) => no(Reason::RefreshOverdue),
        (None, Some(_)) if findings.replaced_at.is_some() => no(Reason::ReportedInvalid),
        (None, Some(_)) => verdict(case, Truth::True, Reason::Fresh),
    }
}

/// Whether something outside the token's own refresh keeps it from being asked for.
pub fn is_blocked(case: &Case<'_>) -> bool {
    case.credential.unusable().is_some() || target::has_none(case) || target::is_closed(case)
}

fn is_standing(case: &Case<'_>, reason: Reason) -> bool {
    standing(case, ConditionType::TokenFresh).is_some_and(|verdict| verdict.reason == reason)
}

fn ready(case: &Case<'_>, credential: &Verdict, target: &Verdict, fresh: &Verdict) -> Verdict {
    let no = |reason| verdict(case, Truth::False, reason);
    if case.mp.spec.suspend && turn::is_ended_by_another(case) {
        return no(Reason::Suspended);
    }
    if let (Turn::Theirs(winner), Some(token)) = (turn::turn(case), case.valid_token())
        && turn::others_minted_since(case, winner, token)
    {
        return no(Reason::AppIdConflict);
    }
    if target.truth == Truth::False && !matches!(case.target, Target::Ours(_)) && case.valid_token().is_some() {
        // The target before the rename still holds a valid token: pods on it are served, those on the new name are not.
        return target.clone();
    }
    if case.valid_token().is_some() {
        return verdict(case, Truth::True, Reason::TokenAvailable);
    }
    if case.mp.spec.suspend {
        return no(Reason::Suspended);
    }
    if case.seen.siblings.surplus {
        return no(Reason::TooManyObjects);
    }
    let blocks = [target, credential].into_iter().find(|verdict| verdict.truth == Truth::False);
    if let Some(blocking) = blocks {
        return blocking.clone();
    }
    match fresh.reason {
        _ if !matches!(turn::turn(case), Turn::Theirs(_)) && case.has_expired() => no(Reason::Expired),
        Reason::Issuing if case.status.token.is_none() => verdict(case, Truth::Unknown, Reason::Pending),
        Reason::WaitingForOlderObject if case.status.token.is_none() => fresh.clone(),
        reason => no(reason),
    }
}

/// From when on the object counts as stalled, if it is not ready and only a person can help.
fn stalled_from(status: &MiniProgramStatus, ready: &Verdict) -> Option<Timestamp> {
    if ready.truth == Truth::True {
        return None;
    }
    let since = |kind| conditions::find(&status.conditions, kind).map(|condition| condition.last_transition_time.0);
    match ready.reason {
        Reason::CredentialRejected
        | Reason::AppIdRejected
        | Reason::SecretFrozen
        | Reason::ValueInvalid
        | Reason::Unsupported
        | Reason::Immutable
        | Reason::IpNotAllowed
        | Reason::AwaitingAdminApproval
        | Reason::TooManyObjects => Some(Timestamp::MIN),
        Reason::SecretNotFound | Reason::KeyMissing | Reason::ValueEmpty => {
            since(ConditionType::CredentialValid).map(|since| after(since, STALLED_AFTER))
        }
        Reason::Conflict | Reason::Forbidden => since(ConditionType::TargetSynced).map(|since| after(since, STALLED_AFTER)),
        Reason::AppIdConflict => since(ConditionType::TokenFresh).map(|since| after(since, STALLED_AFTER)),
        _ => None,
    }
}
