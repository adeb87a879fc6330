//! Derives the status of an object. Pure: equal input gives an equal status, so that a reconcile
//! with nothing to do writes nothing.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use super::{
    advice::{self, advice},
    due,
    limits::Delay,
    next_call::next_call,
    ownership::{self, AppOwner},
    target, tickets,
    time::{after, is_about, is_same_second, span, time_of_day, whole_seconds},
    trusted,
    view::{Credential, Target, View},
};
use crate::{
    api::{
        ConditionType, MiniProgramStatus, Reason, TargetRef, TokenStatus,
        conditions::{self, ConditionStatus, ConditionValue},
    },
    reconcile::{call::Wanted, memory::How},
};

/// Helm fails at once on Stalled. An install applies the credential or the rights a moment after
/// the object, and deletes a renamed object a moment after its successor exists.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// A refresh that has been due for this long is reported as overdue.
pub const OVERDUE_AFTER: Duration = Duration::from_secs(60);

/// What the plan found that the status reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Findings {
    /// Whether a call is due.
    pub due: bool,
    /// Whether a call is due because this object has become the owner of the app's token.
    pub takes_over: bool,
    /// When a token that is reported invalid will be replaced, if a limit delays the call.
    pub replaced_at: Option<Timestamp>,
    /// The most pressing call that is due, and its delay.
    pub next_call: Option<(Wanted, Delay)>,
}

/// The status as it should be now.
pub fn report(view: &View<'_>, findings: Findings) -> MiniProgramStatus {
    let mut status = view.status.clone();
    status.observed_generation = view.generation();
    status.target_ref = Some(target_ref(view));
    status.token_mode = Some(view.mode().to_owned()).filter(|mode| !mode.is_empty());
    status.token = token(view, findings).or(status.token);
    let refresh = status.token.as_ref().and_then(|token| token.next_refresh_time.as_ref());
    status.next_call = Some(next_call(view, findings.next_call, refresh));
    status.tickets = tickets::statuses(view);
    if let Some(version) = view.credential_version() {
        status.credential = Some(version.clone());
    }
    if view.credential == Credential::Known(Reason::SecretNotFound) {
        status.credential = None;
    }
    if view.open_intent().is_none() && !view.is_unconfirmed() {
        status.intent = None;
    }
    let credential = credential_valid(view);
    let target = target_synced(view);
    let refresh = status.token.as_ref().and_then(|token| Some(token.next_refresh_time.as_ref()?.0));
    let fresh = token_fresh(view, findings, refresh);
    let ready = ready(view, &credential, &target, &fresh);
    let now = whole_seconds(view.now.wall);
    let mut put = |kind, verdict: &ConditionValue| {
        conditions::set(&mut status.conditions, kind, verdict, view.generation(), now);
    };
    put(ConditionType::Ready, &ready);
    put(ConditionType::CredentialValid, &credential);
    put(ConditionType::TokenFresh, &fresh);
    put(ConditionType::TargetSynced, &target);
    match tickets::verdict(view, &status.tickets) {
        Some(tickets) => {
            let kind = ConditionType::TicketsFresh;
            conditions::set(&mut status.conditions, kind, &tickets, view.generation(), now);
        }
        None => conditions::remove(&mut status.conditions, ConditionType::TicketsFresh),
    }
    match stalled_from(&status, &ready) {
        Some(from) if from <= view.now.wall => {
            let stalled = ConditionValue { truth: ConditionStatus::True, ..ready };
            let kind = ConditionType::Stalled;
            conditions::set(&mut status.conditions, kind, &stalled, view.generation(), now);
        }
        _ => conditions::remove(&mut status.conditions, ConditionType::Stalled),
    }
    status
}

/// When the status next changes without an event: at the token's expiry, or when the object becomes
/// stalled.
pub fn next_change(view: &View<'_>, status: &MiniProgramStatus) -> Option<Duration> {
    let expiry = view.valid_token().map(|token| view.time_left(token));
    let ready = conditions::find(&status.conditions, ConditionType::Ready);
    let stalled = ready.filter(|ready| ready.status != "True").and_then(|ready| {
        let verdict = ConditionValue {
            truth: ConditionStatus::False,
            reason: Reason::of(ready)?,
            message: String::new(),
        };
        stalled_from(status, &verdict)
            .map(|from| span(view.now.wall, from))
            .filter(|wait| !wait.is_zero())
    });
    let tickets = tickets::next_change(view, &status.tickets);
    expiry.into_iter().chain(stalled).chain(tickets).min()
}

fn target_ref(view: &View<'_>) -> TargetRef {
    let Some(target) = view.in_use else {
        return TargetRef { name: view.mp.target_name(), resource_version: None };
    };
    let reported = view.status.target_ref.as_ref().filter(|reported| reported.name == target.name);
    let is_verified = !view.is_edited(target) && trusted::is_verified(view, target);
    let version = if is_verified {
        Some(&target.version)
    } else {
        reported.and_then(|reported| reported.resource_version.as_ref())
    };
    TargetRef { name: target.name.clone(), resource_version: version.cloned() }
}

fn token(view: &View<'_>, findings: Findings) -> Option<TokenStatus> {
    let token = view.token()?;
    let known = view.status.token.as_ref().filter(|known| known.fingerprint == token.fingerprint);
    let refresh = whole_seconds(due::next_refresh(view, token));
    // Only a refresh moves with the duration of the last call.
    let (next, is_same): (_, fn(_, _) -> _) = match findings.replaced_at {
        Some(replaced) if replaced < refresh => (replaced, is_same_second),
        _ => (refresh, is_about),
    };
    let next = Some(next).filter(|_| view.is_served());
    let kept = known.and_then(|known| known.next_refresh_time.clone()).filter(|kept| {
        next.is_some_and(|next| is_same(kept.0, next))
            && known.is_some_and(|known| known.expiration_time.0 == token.expires)
    });
    Some(TokenStatus {
        fingerprint: token.fingerprint.clone(),
        issue_time: Time(token.issued),
        expiration_time: Time(token.expires),
        next_refresh_time: kept.or(next.map(Time)),
        check_time: view.checked(token).map(Time),
    })
}

fn verdict(view: &View<'_>, truth: ConditionStatus, reason: Reason) -> ConditionValue {
    ConditionValue { truth, reason, message: advice(view, reason) }
}

/// The stored condition, for what only a live read could judge when nothing calls for that read.
fn standing(view: &View<'_>, kind: ConditionType) -> Option<ConditionValue> {
    let condition = conditions::find(&view.status.conditions, kind)?;
    let truth = match condition.status.as_str() {
        "True" => ConditionStatus::True,
        "False" => ConditionStatus::False,
        _ => ConditionStatus::Unknown,
    };
    let reason = Reason::of(condition)?;
    // Only the answer to a write says which check refused it.
    let message = match reason {
        Reason::WriteFailed | Reason::Altered => condition.message.clone(),
        Reason::Accepted => accepted(view),
        reason => advice(view, reason),
    };
    Some(ConditionValue { truth, reason, message })
}

/// That the app secret is accepted, and since when if it was changed: the proof of a rotation. Only
/// the message keeps that time.
fn accepted(view: &View<'_>) -> String {
    let sentence = advice(view, Reason::Accepted);
    if let Some(at) = view.seen.recall.calls.accepted {
        return format!("{sentence}, which was changed, since {at}");
    }
    let stored =
        view.mp.status.as_ref().and_then(|status| {
            conditions::find(&status.conditions, ConditionType::CredentialValid)
        });
    let is_same = |message: &&str| {
        message
            .strip_prefix(&sentence)
            .is_some_and(|since| since.starts_with(", which was changed"))
    };
    stored
        .map(|stored| stored.message.as_str())
        .filter(is_same)
        .map_or(sentence.clone(), str::to_owned)
}

fn credential_valid(view: &View<'_>) -> ConditionValue {
    match view.credential {
        Credential::Known(Reason::Accepted) => {
            let message = accepted(view);
            ConditionValue { truth: ConditionStatus::True, reason: Reason::Accepted, message }
        }
        Credential::Known(Reason::NotTested) => {
            verdict(view, ConditionStatus::Unknown, Reason::NotTested)
        }
        Credential::Known(reason) => verdict(view, ConditionStatus::False, reason),
        Credential::Unread => standing(view, ConditionType::CredentialValid)
            .unwrap_or_else(|| verdict(view, ConditionStatus::Unknown, Reason::NotTested)),
    }
}

fn target_synced(view: &View<'_>) -> ConditionValue {
    let unstored = view.seen.unstored.as_ref().and_then(|unstored| unstored.refused.as_ref());
    let refused = unstored.or(target::refused(view));
    let standing = standing(view, ConditionType::TargetSynced)
        .filter(|standing| standing.truth == ConditionStatus::False);
    let stored = matches!(
        view.seen.recall.calls.ended.as_ref().map(|ended| &ended.how),
        Some(How::Token { stored: true, .. })
    );
    let reported = |reason| standing.as_ref().is_some_and(|standing| standing.reason == reason);
    let no = |reason| verdict(view, ConditionStatus::False, reason);
    // Only a successful write shows that the next one will succeed.
    let reported_refused = standing.clone().filter(|_| target::is_reported_refused(view));
    match (view.target, refused) {
        (Target::Foreign, _) => no(Reason::Conflict),
        (Target::Former, _)
            if reported(Reason::Conflict) || view.garbage_collection().is_zero() =>
        {
            no(Reason::Conflict)
        }
        (_, Some(refused)) => ConditionValue {
            truth: ConditionStatus::False,
            reason: refused.reason,
            message: advice::refused_write(view, refused),
        },
        // Only a live read shows whether a target is immutable, and it is made only for a call that
        // is due.
        (Target::Ours(_), None)
            if view
                .live()
                .map_or_else(|| reported(Reason::Immutable) && !stored, |live| live.immutable) =>
        {
            no(Reason::Immutable)
        }
        (Target::Ours(_), None) if target::terminating(view).is_some() => no(Reason::Terminating),
        (Target::Ours(target), None) if target::is_altered(view, target) => no(Reason::Altered),
        (Target::Ours(_), None) => match reported_refused.filter(|_| view.token().is_none()) {
            Some(refused) => refused,
            None if !view.seen.template.refused.is_empty() => no(Reason::MetadataNotAllowed),
            None => verdict(view, ConditionStatus::True, Reason::Synced),
        },
        (Target::Missing | Target::Former, None) => reported_refused
            .unwrap_or_else(|| verdict(view, ConditionStatus::Unknown, Reason::Pending)),
    }
}

fn token_fresh(view: &View<'_>, findings: Findings, refresh: Option<Timestamp>) -> ConditionValue {
    let no = |reason| verdict(view, ConditionStatus::False, reason);
    if view.mp.spec.suspend {
        return no(Reason::Suspended);
    }
    if view.seen.siblings.surplus {
        return no(Reason::TooManyObjects);
    }
    if let AppOwner::Other(_) = ownership::owner(view) {
        return no(Reason::AppIdConflict);
    }
    // Until a call has succeeded, only this condition records that another object kept the app.
    if findings.takes_over && is_standing(view, Reason::AppIdConflict) {
        return no(Reason::AppIdConflict);
    }
    if let AppOwner::Undecided = ownership::owner(view) {
        return verdict(view, ConditionStatus::Unknown, Reason::WaitingForOlderObject);
    }
    let overdue = view
        .seen
        .recall
        .sightings
        .due_since
        .is_some_and(|since| view.now.boot >= since + OVERDUE_AFTER);
    match (view.failure(), view.valid_token()) {
        (
            Some((_, Reason::CredentialRejected | Reason::AppIdRejected | Reason::AppSecretFrozen)),
            _,
        ) => no(Reason::Blocked),
        (Some((_, reason)), _) => no(reason),
        (None, None) if is_blocked(view) => no(Reason::Blocked),
        (None, None) if view.has_expired() => no(Reason::Expired),
        (None, None) => verdict(view, ConditionStatus::Unknown, Reason::Issuing),
        (None, Some(_)) if findings.due && is_blocked(view) => no(Reason::Blocked),
        (None, Some(_))
            if findings.due && (overdue || is_standing(view, Reason::RefreshOverdue)) =>
        {
            no(Reason::RefreshOverdue)
        }
        (None, Some(_)) if findings.replaced_at.is_some() => {
            let again = view.seen.recall.calls.reported > 0;
            let reported = no(if again { Reason::AnotherCaller } else { Reason::ReportedInvalid });
            let at = refresh.map(time_of_day).unwrap_or_default();
            let message = format!("{}; {} is asked at {at}", reported.message, view.platform.name);
            ConditionValue { message, ..reported }
        }
        (None, Some(_)) => verdict(view, ConditionStatus::True, Reason::Fresh),
    }
}

/// Whether something besides the token's own refresh prevents the call.
pub fn is_blocked(view: &View<'_>) -> bool {
    view.credential.unusable().is_some() || target::has_none(view) || target::is_closed(view)
}

fn is_standing(view: &View<'_>, reason: Reason) -> bool {
    standing(view, ConditionType::TokenFresh).is_some_and(|verdict| verdict.reason == reason)
}

fn ready(
    view: &View<'_>,
    credential: &ConditionValue,
    target: &ConditionValue,
    fresh: &ConditionValue,
) -> ConditionValue {
    let no = |reason| verdict(view, ConditionStatus::False, reason);
    if view.mp.spec.suspend && ownership::is_ended_by_another(view) {
        return no(Reason::Suspended);
    }
    if let (AppOwner::Other(winner), Some(token)) = (ownership::owner(view), view.valid_token())
        && ownership::others_minted_since(view, winner, token)
    {
        return no(Reason::AppIdConflict);
    }
    if target.truth == ConditionStatus::False
        && !matches!(view.target, Target::Ours(_))
        && view.valid_token().is_some()
    {
        // The target before the rename still holds a valid token: pods that mount it are served,
        // pods that mount the new name are not.
        return target.clone();
    }
    if view.valid_token().is_some() {
        return verdict(view, ConditionStatus::True, Reason::TokenAvailable);
    }
    if view.mp.spec.suspend {
        return no(Reason::Suspended);
    }
    if view.seen.siblings.surplus {
        return no(Reason::TooManyObjects);
    }
    let blocks =
        [target, credential].into_iter().find(|verdict| verdict.truth == ConditionStatus::False);
    if let Some(blocking) = blocks {
        return blocking.clone();
    }
    match fresh.reason {
        _ if !matches!(ownership::owner(view), AppOwner::Other(_)) && view.has_expired() => {
            no(Reason::Expired)
        }
        Reason::Issuing if view.status.token.is_none() => {
            verdict(view, ConditionStatus::Unknown, Reason::Pending)
        }
        Reason::WaitingForOlderObject if view.status.token.is_none() => fresh.clone(),
        reason => no(reason),
    }
}

/// The time from which the object counts as stalled, if it is not ready and only a person can help.
fn stalled_from(status: &MiniProgramStatus, ready: &ConditionValue) -> Option<Timestamp> {
    if ready.truth == ConditionStatus::True {
        return None;
    }
    let since = |kind| {
        conditions::find(&status.conditions, kind).map(|condition| condition.last_transition_time.0)
    };
    match ready.reason {
        Reason::CredentialRejected
        | Reason::AppIdRejected
        | Reason::AppSecretFrozen
        | Reason::ValueInvalid
        | Reason::Unsupported
        | Reason::EndpointNotConfigured
        | Reason::Immutable
        | Reason::IpNotAllowed
        | Reason::AwaitingAdminApproval
        | Reason::TooManyObjects => Some(Timestamp::MIN),
        Reason::SecretNotFound | Reason::KeyMissing | Reason::ValueEmpty => {
            since(ConditionType::CredentialValid).map(|since| after(since, STALLED_AFTER))
        }
        Reason::Conflict | Reason::Forbidden => {
            since(ConditionType::TargetSynced).map(|since| after(since, STALLED_AFTER))
        }
        Reason::AppIdConflict => {
            since(ConditionType::TokenFresh).map(|since| after(since, STALLED_AFTER))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use strum::IntoEnumIterator;

    use super::stalled_from;
    use crate::api::{
        ConditionType, MiniProgramStatus, Reason,
        conditions::{self, ConditionStatus, ConditionValue},
    };

    #[test]
    fn the_runbook_names_each_reason_that_stalls_an_object() {
        let runbook = include_str!("../../../docs/runbooks/stalled.md");
        let not = |reason| ConditionValue {
            truth: ConditionStatus::False,
            reason,
            message: String::new(),
        };
        let mut status = MiniProgramStatus::default();
        for kind in ConditionType::iter() {
            let value = not(Reason::Pending);
            conditions::set(&mut status.conditions, kind, &value, None, Timestamp::UNIX_EPOCH);
        }
        for reason in Reason::iter() {
            let stalls = stalled_from(&status, &not(reason)).is_some();
            let is_named = runbook.contains(&format!("`{reason}`"));
            assert_eq!(is_named, stalls, "{reason} in docs/runbooks/stalled.md");
        }
    }
}
