//! What an object says of itself that other objects of its app depend on. Reads, and judges
//! nothing.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Condition, jiff::Timestamp};

use super::{ConditionType, MiniProgram, Reason, TokenStatus, conditions};

/// Whether it wants a token.
#[must_use]
pub fn claims(mp: &MiniProgram) -> bool {
    !mp.spec.suspend && mp.metadata.deletion_timestamp.is_none()
}

/// Its place among others, the oldest first. Creation times have whole seconds, so the uid breaks
/// ties.
#[must_use]
pub fn age(mp: &MiniProgram) -> (Option<Timestamp>, &str) {
    let created = mp.metadata.creation_timestamp.as_ref().map(|time| time.0);
    (created, mp.metadata.uid.as_deref().unwrap_or_default())
}

/// The token that its status reports.
#[must_use]
pub fn token(mp: &MiniProgram) -> Option<&TokenStatus> {
    mp.status.as_ref()?.token.as_ref()
}

/// When its last call went out, and when its token came.
pub fn minted_at(mp: &MiniProgram) -> impl Iterator<Item = Timestamp> {
    let status = mp.status.as_ref();
    let minted =
        status.and_then(|status| status.mints.as_ref()?.last_time.as_ref()).map(|time| time.0);
    let got = token(mp).map(|token| token.issue_time.0);
    [minted, got].into_iter().flatten()
}

/// Whether it could store a token if its turn came, as far as its status tells. One that keeps the
/// app loses it only where a person must help: what passes would cost a token each way.
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

/// Whether the platform has accepted the credential, or it is known not to be of use; none while
/// nobody knows.
#[must_use]
pub fn accepted(all: &[Condition]) -> Option<bool> {
    let condition = conditions::find(all, ConditionType::CredentialValid)?;
    match condition.status.as_str() {
        "True" if Reason::of(condition) == Some(Reason::Accepted) => Some(true),
        "False" => Some(false),
        _ => None,
    }
}
