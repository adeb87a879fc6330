//! What a call to a token endpoint does to earlier tokens: four kinds. No other file asks for the
//! kind; each asks the question that it depends on.

use std::time::Duration;

/// What a call does to the tokens that the app already has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reissue {
    /// Every call makes a new token, and ends the one before it after `overlap` at the latest.
    Replaces {
        /// How long the token before the new one still works.
        overlap: Duration,
    },
    /// A call returns the same token with its remaining life until `window` before its end, and
    /// then a new one.
    SameUntil {
        /// How long before a token's end a call makes a new one.
        window: Duration,
    },
    /// A call returns the same token and starts its life again.
    Renews,
    /// Every call makes another token, and the earlier ones stay valid.
    Adds,
}

/// How a token that a consumer reports as invalid is replaced before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// By any call: each returns another token.
    Call,
    /// By a forced call.
    ForcedCall,
    /// By no call: the platform returns the same token.
    None,
}

impl Reissue {
    /// Whether a call ends an older token before its expiration time, so that the call needs an
    /// intent, floors and a share of the quota.
    #[must_use]
    pub fn ends_older(self, forced: bool) -> bool {
        match self {
            Self::Replaces { .. } => true,
            Self::SameUntil { .. } => forced,
            Self::Renews | Self::Adds => false,
        }
    }

    /// Whether only one object of an app may make calls, since each call ends the tokens of the
    /// others.
    #[must_use]
    pub fn is_exclusive(self) -> bool {
        matches!(self, Self::Replaces { .. })
    }

    /// Whether all objects of an app have the same token, so that a sibling's newer token means
    /// that this object's token may be invalid.
    #[must_use]
    pub fn is_shared(self) -> bool {
        matches!(self, Self::SameUntil { .. } | Self::Renews)
    }

    /// Whether each call makes a new token, so that a response that came too late means a token
    /// that was made and lost.
    #[must_use]
    pub fn makes_new(self) -> bool {
        matches!(self, Self::Replaces { .. } | Self::Adds)
    }

    /// How a token that is reported invalid is replaced; `can_force` is whether the endpoint has
    /// forced calls.
    #[must_use]
    pub fn replacement(self, can_force: bool) -> Replacement {
        match self {
            Self::Replaces { .. } | Self::Adds => Replacement::Call,
            Self::SameUntil { .. } if can_force => Replacement::ForcedCall,
            Self::SameUntil { .. } | Self::Renews => Replacement::None,
        }
    }

    /// How long the token before the last one still works after a call that ends it; zero if the
    /// call does not end it.
    #[must_use]
    pub fn overlap(self) -> Duration {
        match self {
            Self::Replaces { overlap } => overlap,
            Self::SameUntil { .. } | Self::Renews | Self::Adds => Duration::ZERO,
        }
    }

    /// How long the stored token and its successor are both valid; none if the stored one lives on.
    #[must_use]
    pub fn both_valid(self) -> Option<Duration> {
        match self {
            Self::Replaces { overlap } => Some(overlap),
            Self::SameUntil { window } => Some(window),
            Self::Renews | Self::Adds => None,
        }
    }

    /// How long before a token's end a call begins to be worth making, if the kind determines it.
    #[must_use]
    pub fn window(self) -> Option<Duration> {
        match self {
            Self::SameUntil { window } => Some(window),
            Self::Replaces { .. } | Self::Renews | Self::Adds => None,
        }
    }

    /// Whether a token is refreshed at half of its life, since an early call ends no other token
    /// and brings more life.
    #[must_use]
    pub fn is_refreshed_at_half(self) -> bool {
        matches!(self, Self::Renews | Self::Adds)
    }
}
