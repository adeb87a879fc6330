//! The closed lists of condition types and reasons. A condition type or a reason is a constant: it
//! never contains data.

use std::fmt;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr};

/// The conditions that a `MiniProgram` carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, EnumIter)]
pub enum ConditionType {
    /// The target Secret holds a token of this platform and app id that is valid now.
    Ready,
    /// The credential can be read and the platform accepts it.
    CredentialValid,
    /// The token is as new as it should be.
    TokenFresh,
    /// The target Secret is as the spec wants it.
    TargetSynced,
    /// The target Secret holds the tickets that the spec asks for. Absent if it asks for none.
    TicketsFresh,
    /// Not ready, and only a person can help (kstatus). Absent otherwise.
    Stalled,
}

/// The reason of a condition.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    IntoStaticStr,
    EnumString,
    EnumIter,
    Serialize,
    Deserialize,
)]
pub enum Reason {
    /// The operator has not acted on the object yet.
    Pending,
    /// The target holds a valid token.
    TokenAvailable,
    /// A call for a token is due or under way.
    Issuing,
    /// `spec.suspend` is set.
    Suspended,
    /// The token has expired.
    Expired,
    /// The spec holds a value that this version does not know.
    Unsupported,
    /// The spec names an endpoint that the administrator has not configured.
    EndpointNotConfigured,
    /// The operator failed because of a bug.
    InternalError,
    /// The object's labels do not match the operator's selector any more.
    NotSelected,

    /// The platform accepted the credential.
    Accepted,
    /// No call has been made with this credential yet.
    NotTested,
    /// The credential Secret does not exist.
    SecretNotFound,
    /// The credential Secret lacks the key.
    KeyMissing,
    /// The key holds only white space.
    ValueEmpty,
    /// The value cannot be an app secret.
    ValueInvalid,
    /// The credential Secret could not be read.
    CredentialUnreadable,
    /// The platform says that the app secret is wrong.
    CredentialRejected,
    /// The platform says that the app id is wrong.
    #[strum(serialize = "AppIDRejected")]
    #[serde(rename = "AppIDRejected")]
    AppIdRejected,
    /// The platform has frozen the app secret or the account.
    AppSecretFrozen,

    /// The token is as new as it should be.
    Fresh,
    /// A call for a token is not possible for a reason that another condition reports.
    Blocked,
    /// A refresh was due and no call was made in time.
    RefreshOverdue,
    /// The platform refuses calls from this IP address.
    #[strum(serialize = "IPNotAllowed")]
    #[serde(rename = "IPNotAllowed")]
    IpNotAllowed,
    /// The app's administrator has to confirm the call.
    AwaitingAdminApproval,
    /// The day's quota of calls is used up.
    QuotaExhausted,
    /// The minute's quota of calls is used up.
    Throttled,
    /// The platform says that it is busy.
    PlatformBusy,
    /// The platform did not answer.
    PlatformUnreachable,
    /// The platform's response could not be interpreted.
    BadResponse,
    /// Another object of the same app refreshes its token.
    #[strum(serialize = "AppIDConflict")]
    #[serde(rename = "AppIDConflict")]
    AppIdConflict,
    /// The credential of an older object of this app is tried first.
    WaitingForOlderObject,
    /// The token was reported invalid, and a rate limit delays its replacement.
    ReportedInvalid,
    /// Two tokens in a row were reported invalid before their end: something else calls the endpoint,
    /// and each call there ends the token before it.
    AnotherCaller,
    /// The platform refused the token that a ticket was requested with.
    TokenRejected,
    /// The namespace has more objects of this app than are served, and this one is among the
    /// newest.
    TooManyObjects,

    /// The target is as the spec wants it.
    Synced,
    /// Another object owns a Secret of the target's name.
    Conflict,
    /// RBAC forbids the write.
    Forbidden,
    /// The write failed for another reason.
    WriteFailed,
    /// The target is marked immutable.
    Immutable,
    /// An admission webhook or policy, or another field manager, keeps changing what is written.
    Altered,
    /// The template has labels or annotations that the administrator has not allowed.
    MetadataNotAllowed,
    /// The target is being deleted, and a finalizer delays that.
    Terminating,
}

impl Reason {
    /// The reason as a condition, an Event or a metric label shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The reason of a condition, or none if a newer version of the operator wrote it.
    #[must_use]
    pub fn of(condition: &Condition) -> Option<Self> {
        condition.reason.parse().ok()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
pub enum ConditionStatus {
    /// The condition is met.
    True,
    /// The condition is not met.
    False,
    /// The operator does not know yet.
    Unknown,
}

/// What a condition should report, before it is merged into the existing conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionValue {
    /// Its status.
    pub truth: ConditionStatus,
    /// The reason of the status.
    pub reason: Reason,
    /// What happened and what to do about it. Constant for each reason, except for names and the
    /// refused IP address.
    pub message: String,
}

/// The existing condition of a type.
#[must_use]
pub fn find(all: &[Condition], kind: ConditionType) -> Option<&Condition> {
    let name: &str = kind.into();
    all.iter().find(|condition| condition.type_ == name)
}

/// Sets the condition of a type. `lastTransitionTime` changes only with the status.
pub fn set(
    all: &mut Vec<Condition>,
    kind: ConditionType,
    value: &ConditionValue,
    generation: Option<i64>,
    now: Timestamp,
) {
    let name: &str = kind.into();
    let status: &str = value.truth.into();
    let old = all.iter_mut().find(|condition| condition.type_ == name);
    let since = match &old {
        Some(old) if old.status == status => old.last_transition_time.clone(),
        _ => Time(now),
    };
    let new = Condition {
        type_: name.into(),
        status: status.into(),
        reason: value.reason.as_str().into(),
        message: value.message.clone(),
        observed_generation: generation,
        last_transition_time: since,
    };
    match old {
        Some(old) => *old = new,
        None => all.push(new),
    }
}

/// Removes the condition of a type.
pub fn remove(all: &mut Vec<Condition>, kind: ConditionType) {
    let name: &str = kind.into();
    all.retain(|condition| condition.type_ != name);
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::{ConditionStatus, ConditionType, ConditionValue, Reason, find, set};

    #[test]
    fn the_transition_time_moves_only_when_the_status_flips() {
        let time = |seconds| Timestamp::from_second(seconds).expect("a time");
        let value = |truth, reason| ConditionValue { truth, reason, message: String::new() };
        let mut all = Vec::new();
        let mut since = |truth, reason, seconds| {
            set(&mut all, ConditionType::Ready, &value(truth, reason), Some(1), time(seconds));
            find(&all, ConditionType::Ready).map(|ready| ready.last_transition_time.0.as_second())
        };
        assert_eq!(since(ConditionStatus::False, Reason::Pending, 1), Some(1));
        assert_eq!(since(ConditionStatus::False, Reason::Expired, 2), Some(1));
        assert_eq!(since(ConditionStatus::True, Reason::TokenAvailable, 3), Some(3));
    }
}
