//! What the other objects of an app read from an object's spec and status. Decides nothing.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};

use super::{ConditionType, MiniProgram, Reason, TokenStatus, conditions};

/// Whether an object needs a token.
#[must_use]
pub fn claims(mp: &MiniProgram) -> bool {
    !mp.spec.suspend && mp.metadata.deletion_timestamp.is_none()
}

/// The age of an object, the oldest first: its creation time and, since that has whole seconds, its
/// uid.
#[must_use]
pub fn age(mp: &MiniProgram) -> (Option<Timestamp>, &str) {
    let created = mp.metadata.creation_timestamp.as_ref().map(|time| time.0);
    (created, mp.uid())
}

/// The token that the status of an object reports.
#[must_use]
pub fn token(mp: &MiniProgram) -> Option<&TokenStatus> {
    mp.status.as_ref()?.token.as_ref()
}

/// The time of an object's last call, and the issue time of its token.
pub fn minted_at(mp: &MiniProgram) -> impl Iterator<Item = Timestamp> {
    let status = mp.status.as_ref();
    let minted =
        status.and_then(|status| status.mints.as_ref()?.last_time.as_ref()).map(|time| time.0);
    let got = token(mp).map(|token| token.issue_time.0);
    [minted, got].into_iter().flatten()
}

/// Whether an object could store a token, as far as its status reports. An object whose credential
/// is accepted loses its app only to an error that a person must repair: a transient one would cost
/// a token when the app moves to another object, and another when it moves back.
#[must_use]
pub fn can_store(mp: &MiniProgram) -> bool {
    let conditions =
        mp.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    if accepted(conditions) != Some(true) {
        let target = conditions::find(conditions, ConditionType::TargetSynced)
            .filter(|target| target.status == "False");
        return target.is_none_or(|target| Reason::of(target) == Some(Reason::MetadataNotAllowed));
    }
    let stalled = conditions::find(conditions, ConditionType::Stalled)
        .filter(|stalled| stalled.status == "True");
    !matches!(
        stalled.and_then(Reason::of),
        Some(Reason::Conflict | Reason::Forbidden | Reason::Immutable)
    )
}

/// Whether the platform accepts the credential: true if it has accepted it, false if the credential
/// cannot be used, none if that is not known.
#[must_use]
pub fn accepted(all: &[Condition]) -> Option<bool> {
    let condition = conditions::find(all, ConditionType::CredentialValid)?;
    match condition.status.as_str() {
        "True" if Reason::of(condition) == Some(Reason::Accepted) => Some(true),
        "False" => Some(false),
        _ => None,
    }
}
