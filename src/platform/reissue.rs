//! What a call to a token endpoint does to the tokens before it: four kinds. No other file asks
//! for the kind; each asks the question that it depends on.

use std::time::Duration;

/// What a call does to the tokens that the app has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reissue {
    /// Every call makes a new token, and ends the one before it after `overlap` at the latest.
    Replaces {
        /// How long the token before it still works.
        overlap: Duration,
    },
    /// A call returns the same token with what is left of its life, until `window` before its
    /// end; then a new one.
    SameUntil {
        /// How long before a token's end a call makes a new one.
        window: Duration,
    },
    /// A call returns the same token, and its life begins anew.
    Renews,
    /// Every call makes another token, and those before it live on.
    Adds,
}

/// How a token that a consumer reports invalid is replaced before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Any call brings another token.
    Call,
    /// A call that forces a new token does.
    ForcedCall,
    /// Nothing does: the platform returns the same token.
    None,
}

impl Reissue {
    /// Whether a call ends an older token before its time, so that it needs an intent, floors and
    /// a share of the quota.
    #[must_use]
    pub fn ends_older(self, forced: bool) -> bool {
        match self {
            Self::Replaces { .. } => true,
            Self::SameUntil { .. } => forced,
            Self::Renews | Self::Adds => false,
        }
    }

    /// Whether one object of an app alone may ask, since each call ends the tokens of the others.
    #[must_use]
    pub fn is_exclusive(self) -> bool {
        matches!(self, Self::Replaces { .. })
    }

    /// Whether all objects of an app hold the same token, so that a newer one of a sibling's
    /// means that this one may be dead.
    #[must_use]
    pub fn is_shared(self) -> bool {
        matches!(self, Self::SameUntil { .. } | Self::Renews)
    }

    /// Whether a call makes a new token each time, so that one whose answer came too late was made
    /// and lost.
    #[must_use]
    pub fn makes_new(self) -> bool {
        matches!(self, Self::Replaces { .. } | Self::Adds)
    }

    /// How a token that is reported invalid is replaced; `can_force` is whether the endpoint knows
    /// forced calls.
    #[must_use]
    pub fn replacement(self, can_force: bool) -> Replacement {
        match self {
            Self::Replaces { .. } | Self::Adds => Replacement::Call,
            Self::SameUntil { .. } if can_force => Replacement::ForcedCall,
            Self::SameUntil { .. } | Self::Renews => Replacement::None,
        }
    }

    /// How long the token before the last one still works after a call, where it is ended by it.
    #[must_use]
    pub fn overlap(self) -> Duration {
        match self {
            Self::Replaces { overlap } => overlap,
            Self::SameUntil { .. } | Self::Renews | Self::Adds => Duration::ZERO,
        }
    }

    /// How long before a token's end a call begins to be worth making, if the kind says so itself.
    #[must_use]
    pub fn window(self) -> Option<Duration> {
        match self {
            Self::SameUntil { window } => Some(window),
            Self::Replaces { .. } | Self::Renews | Self::Adds => None,
        }
    }

    /// Whether a token is refreshed at half of its life, since an early call costs nobody
    /// anything and brings more life.
    #[must_use]
    pub fn is_refreshed_at_half(self) -> bool {
        matches!(self, Self::Renews | Self::Adds)
    }
}
