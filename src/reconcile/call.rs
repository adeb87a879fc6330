//! A call to a platform before it is made: its reason and what it may cost. Values only.

use strum::IntoStaticStr;

/// Why the platform is called. No call has another reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub enum Why {
    /// The object has no token and never had one.
    NoToken,
    /// The target Secret is missing.
    TargetMissing,
    /// Nothing confirms the target's token, and the target's data holds no known token.
    Edited,
    /// The stored times cannot be true.
    Unbelievable,
    /// A call has an unknown outcome: its token may have replaced the stored one.
    OpenIntent,
    /// A late request may have replaced the stored token.
    Unconfirmed,
    /// The credential differs from the one that was sent.
    CredentialChanged,
    /// The token mode differs from the one of the stored token.
    ModeChanged,
    /// The annotation `invalid-token` reports the current token as invalid.
    Invalid,
    /// The token's refresh is due.
    Time,
    /// An annotation requests a refresh.
    Requested,
    /// This object has become the owner of the app's token.
    WonApp,
    /// A sibling got a token after this object's last call.
    SiblingNewer,
}

impl Why {
    /// Whether the token's own times make the call due.
    #[must_use]
    pub fn by_time(self) -> bool {
        self == Self::Time
    }

    /// Whether neither the token's times nor a person make the call due: whatever undoes such a
    /// call would undo each further one.
    #[must_use]
    pub fn unasked(self) -> bool {
        !matches!(self, Self::Time | Self::Requested | Self::Invalid)
    }

    /// Whether the stored token is or may be gone, or belongs to another credential: no floor of
    /// minutes may delay such a call.
    #[must_use]
    pub fn urgent(self) -> bool {
        matches!(
            self,
            Self::NoToken
                | Self::TargetMissing
                | Self::Edited
                | Self::Unbelievable
                | Self::OpenIntent
                | Self::Unconfirmed
                | Self::CredentialChanged
                | Self::WonApp
        )
    }
}

/// What the next call waits for. No call waits for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub enum WaitsFor {
    /// The token's refresh.
    Time,
    /// The back-off after a failure.
    BackOff,
    /// The shortest time between two calls.
    Floor,
    /// The next day: the quota is used up.
    Quota,
    /// Fewer rejected app secrets: the platform would soon ban the operator's address.
    Rejections,
    /// A call of another process that may still be under way.
    OpenCall,
    /// A slot.
    Slot,
    /// Another object of the app, whose credential is tried first or which owns the token.
    OtherObject,
    /// A person, who must correct the credential, the target or the spec.
    Person,
}

/// A call that the plan wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The reason.
    pub why: Why,
    /// Whether the call forces a new token, where an ordinary call returns the same one.
    pub force: bool,
    /// Whether the call may shorten an older token's life: each call does on an endpoint that
    /// replaces tokens, elsewhere only a forced one.
    pub mints: bool,
}

/// A call with an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// A fresh id for every call, with which the target is stamped.
    pub id: String,
    /// What the plan wants.
    pub wanted: Wanted,
    /// The refresh request that this call answers, in the form that the status keeps.
    pub handles: Option<String>,
    /// The intent that was recorded when the call was planned; its success removes it.
    pub stood: Option<String>,
    /// The fingerprint of the token that the status reported when the call was planned.
    pub known: Option<String>,
    /// Whether an earlier call with an unknown outcome may still be executed after this one.
    pub outcome_unknown: bool,
}

#[cfg(test)]
impl Call {
    /// A call that answers no request and behind which no other may land.
    pub fn for_test(wanted: Wanted) -> Self {
        Self {
            id: "call-1".into(),
            wanted,
            handles: None,
            stood: None,
            known: None,
            outcome_unknown: false,
        }
    }
}
