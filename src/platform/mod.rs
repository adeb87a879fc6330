//! The platforms, as data: how to ask, how to read the response, how tokens are reissued. Does no IO, reads
//! no clock, knows no cluster.
//!
//! A platform is one file in this folder and its name in the list below; the CRD's enum, the
//! patterns of app ids, the bounds of the times and the flags follow from it.

mod exchange;
#[cfg(any(test, feature = "made-up-platforms"))]
pub mod made_up;
mod name;
mod refusal;
mod reissue;
mod response;

use std::time::Duration;

pub use exchange::{Body, Grant, Life, Pairs, Request, Response, TokenRequest};
pub use name::PlatformName;
pub use refusal::{Cause, Certainty, Code, Refusal};
pub use reissue::{Reissue, Replacement};

use crate::api::TokenMode;

macro_rules! platforms {
    ($($file:ident),* $(,)?) => {
        $(mod $file;)*
        /// Every platform that this version knows.
        pub const ALL: &[&Platform] = &[$(&$file::PLATFORM),*];
    };
}

platforms! {
    wechat,
}

/// A platform: where it is, what its app ids look like and how its token endpoints behave.
#[derive(Debug)]
pub struct Platform {
    /// The name in `spec.platform`, in the metrics and in `--platform-endpoint`.
    pub name: &'static str,
    /// What app ids look like.
    pub app_id: AppIdPattern,
    /// Where the platform is reached unless the administrator says otherwise; later ones are
    /// fail-over.
    pub hosts: &'static [&'static str],
    /// The token endpoints; the first is the default.
    pub endpoints: &'static [Endpoint],
    /// How far east of Greenwich, in seconds, the platform's quota day begins.
    pub day_offset_seconds: i32,
}

/// What a platform's app ids look like.
#[derive(Debug)]
pub struct AppIdPattern {
    /// A regular expression that CEL's `matches` understands.
    pub pattern: &'static str,
    /// The same for people, with where to find it.
    pub meaning: &'static str,
}

/// One way of asking a platform for a token.
#[derive(Debug)]
pub struct Endpoint {
    /// The `spec.tokenMode` that chooses it; none where the platform has no choice.
    pub mode: Option<TokenMode>,
    /// What a call does to the tokens before it.
    pub reissue: Reissue,
    /// How long before a token's end to ask for the next one, and how long a spec may ask for.
    pub lead: Lead,
    /// How a call may force a new token, where asking alone does not make one.
    pub force: Option<ForceLimits>,
    /// Calls a day that the platform allows for one app.
    pub daily_quota: u32,
    /// No token of this endpoint lives longer: what says so is not believed.
    pub longest_life: Duration,
    /// Builds the request.
    pub request: fn(&TokenRequest<'_>) -> Request,
    /// Reads the response.
    pub read: fn(&Response<'_>) -> Result<Grant, Refusal>,
}

/// How long before a token's end its successor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Unless the spec says.
    pub default: Duration,
    /// The longest that a spec may ask for.
    pub longest: Duration,
}

/// How often a new token may be forced.
#[derive(Clone, Copy, Debug)]
pub struct ForceLimits {
    /// Two forced calls sooner than this return the same token.
    pub apart: Duration,
    /// Forced calls a day.
    pub per_day: usize,
}

impl Platform {
    /// Whether the spec may choose between token modes.
    #[must_use]
    pub fn has_choice(&self) -> bool {
        self.endpoints.len() > 1
    }

    /// The mode of an object that names none.
    #[must_use]
    pub fn default_mode(&self) -> Option<TokenMode> {
        self.endpoints.first().and_then(|endpoint| endpoint.mode)
    }

    /// The endpoint for a mode, or none if this version does not know the mode.
    #[must_use]
    pub fn endpoint(&self, mode: Option<TokenMode>) -> Option<&Endpoint> {
        match mode {
            None => self.endpoints.first(),
            Some(_) => self.endpoints.iter().find(|endpoint| endpoint.mode == mode),
        }
    }
}

impl Endpoint {
    /// How a token that is reported invalid is replaced.
    #[must_use]
    pub fn replacement(&self) -> Replacement {
        self.reissue.replacement(self.force.is_some())
    }
}

/// The platform of a name, or none if this version does not know it.
#[must_use]
pub fn find(name: &str) -> Option<&'static Platform> {
    every().find(|platform| platform.name == name)
}

/// Every platform that objects may name: those of the list, and in tests the made-up ones.
pub fn every() -> impl Iterator<Item = &'static Platform> {
    #[cfg(not(any(test, feature = "made-up-platforms")))]
    let made_up: &[&Platform] = &[];
    #[cfg(any(test, feature = "made-up-platforms"))]
    let made_up = made_up::ALL;
    ALL.iter().chain(made_up).copied()
}
