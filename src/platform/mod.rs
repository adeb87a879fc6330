//! The platforms, as data: how to ask, how to read the answer, how tokens rotate. Does no IO, reads
//! no clock, knows no cluster.
//!
//! A platform is one file in this folder and its name in the list below; the CRD's enum, the
//! patterns of app ids, the bounds of the times and the flags follow from it.

mod answer;
mod name;

use std::{net::IpAddr, time::Duration};

use zeroize::Zeroizing;

pub use name::PlatformName;

use crate::{
    api::{Reason, TokenMode},
    sensitive::{AccessToken, AppSecret},
};

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
    pub rotation: Rotation,
    /// How a call may force a new token, where asking alone does not make one.
    pub force: Option<ForceLimits>,
    /// Calls a day that the platform allows for one app.
    pub daily_quota: u32,
    /// No token of this endpoint lives longer: what says so is not believed.
    pub longest_life: Duration,
    /// Builds the request.
    pub request: fn(&Ask<'_>) -> Request,
    /// Reads the answer: HTTP status and body.
    pub answer: fn(u16, &[u8]) -> Result<Grant, Refusal>,
}

/// What a call does to the tokens before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Every call makes a new token and leaves the one before it minutes.
    Rotating {
        /// How long before expiry to ask unless the spec says.
        lead: Duration,
        /// The longest lead that a spec may ask for.
        longest_lead: Duration,
    },
    /// A call returns the same token with its remaining life, until `window` before its end.
    StableUntil {
        /// How long before a token's end a call makes a new one.
        window: Duration,
    },
}

/// How often a new token may be forced.
#[derive(Clone, Copy, Debug)]
pub struct ForceLimits {
    /// Two forced calls sooner than this return the same token.
    pub apart: Duration,
    /// Forced calls a day.
    pub per_day: usize,
}

/// What a request is made from.
pub struct Ask<'a> {
    /// The app id.
    pub app_id: &'a str,
    /// The app secret.
    pub secret: &'a AppSecret,
    /// Whether a new token is wanted even if the current one is still good.
    pub force: bool,
}

/// An HTTP request, without the host. Has no `Debug`: it carries the app secret.
pub struct Request {
    /// The path on the host.
    pub path: &'static str,
    /// The query's parameters.
    pub query: Vec<(&'static str, Zeroizing<String>)>,
    /// The JSON body of a POST; without one it is a GET.
    pub json: Option<Zeroizing<Vec<u8>>>,
}

/// A token that a platform handed out.
pub struct Grant {
    /// The token.
    pub token: AccessToken,
    /// How long it lives, counted from when the request was sent.
    pub life: Duration,
}

/// A definite "no", or an answer that nobody understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it comes down to.
    pub reason: Reason,
    /// The platform's own code.
    pub code: Option<i64>,
    /// The caller's IP as the platform saw it, where it says so.
    pub caller_ip: Option<IpAddr>,
    /// How long the platform itself asks to wait.
    pub wait: Option<Duration>,
}

impl Refusal {
    /// A refusal that carries nothing but its reason.
    #[must_use]
    pub fn because(reason: Reason) -> Self {
        Self { reason, code: None, caller_ip: None, wait: None }
    }
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
    /// Whether every call makes a new token and shortens the life of the one before.
    #[must_use]
    pub fn rotates(&self) -> bool {
        matches!(self.rotation, Rotation::Rotating { .. })
    }
}

/// The platform of a name, or none if this version does not know it.
#[must_use]
pub fn find(name: &str) -> Option<&'static Platform> {
    ALL.iter().copied().find(|platform| platform.name == name)
}
