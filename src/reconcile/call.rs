//! A call to a platform before it is made: what it is for and what it may cost. Values only.

use strum::IntoStaticStr;

/// Why the platform is asked. Nothing else is a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
pub enum Why {
    /// There is no token and never was.
    NoToken,
    /// The target Secret is missing.
    TargetMissing,
    /// Nothing confirms what the target tells of its token, and its data holds none that is known.
    Edited,
    /// The stored times cannot be true.
    Unbelievable,
    /// A call's end is not known: its token may have replaced the stored one.
    OpenIntent,
    /// A late request may have replaced the stored token.
    Unconfirmed,
    /// The credential is not the one that was sent.
    CredentialChanged,
    /// The token mode is not the one that was asked for.
    ModeChanged,
    /// Somebody reports the current token dead.
    Invalid,
    /// It is time.
    Time,
    /// Somebody asks for it by annotation.
    Requested,
    /// This object keeps the app's token now, another one did before.
    WonApp,
    /// Another object of the app got a token later than this one last asked.
    SiblingNewer,
}

impl Why {
    /// Whether the token's own clock asks for the call.
    #[must_use]
    pub fn by_time(self) -> bool {
        self == Self::Time
    }

    /// Whether neither the token's clock nor a person asks for the call: what undoes it would be
    /// met again and again.
    #[must_use]
    pub fn unasked(self) -> bool {
        !matches!(self, Self::Time | Self::Requested | Self::Invalid)
    }

    /// Whether the stored token is or may be gone, or was made from another credential: what no
    /// floor of minutes may delay.
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

/// What the next call waits for. Nothing else is a reason to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
pub enum WaitsFor {
    /// The token's own time.
    Time,
    /// The back-off after a failure.
    BackOff,
    /// The shortest time between two calls.
    Floor,
    /// The next day: a quota is used up.
    Quota,
    /// A call of another process whose end is not known.
    OpenCall,
    /// Room for one more call.
    Slot,
    /// Another object of the app, which is asked for first or keeps the token.
    OtherObject,
    /// Somebody who mends the credential, the target or the spec.
    Person,
}

/// A call that the plan wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What for.
    pub why: Why,
    /// Whether a new token is forced where asking alone does not make one.
    pub force: bool,
    /// Whether it may shorten an older token's life: on a rotating endpoint each does, elsewhere a
    /// forced one.
    pub mints: bool,
}

/// A call with an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// A fresh id for every call: the target is stamped with it.
    pub id: String,
    /// What is wanted.
    pub wanted: Wanted,
    /// The refresh request that this call answers, as the status keeps it.
    pub handles: Option<String>,
    /// The intent that stood when the call was planned; its success removes it.
    pub stood: Option<String>,
    /// The fingerprint of the token that the status told of when the call was planned.
    pub known: Option<String>,
    /// Whether a call of unknown end may land behind this one.
    pub outcome_unknown: bool,
}
