//! The platforms as data: how to request a token, how to read the response, how tokens are
//! reissued. Does no IO, reads no clock, knows no cluster.
//!
//! A platform is one file in this folder and its name in the list below; the CRD's enum, the
//! patterns of app ids, the bounds of the times and the flags follow from it.

mod exchange;
mod limit;
#[cfg(any(test, feature = "made-up-platforms"))]
pub mod made_up;
mod name;
mod refusal;
mod reissue;
mod response;
mod rfc6749;
#[cfg(test)]
mod tests;
mod ticket;

use std::time::Duration;

pub use exchange::{Body, Grant, Life, Pairs, Request, Response, TokenRequest};
pub use limit::{Limit, LimitOf};
pub use name::PlatformName;
pub use oauth2::{ClientAuth, ConfiguredEndpoint, ConfiguredEndpoints};
pub use refusal::{Cause, Certainty, Code, Refusal};
pub use reissue::{Reissue, Replacement};
pub use ticket::Ticket;

use crate::{
    api::{TicketType, TokenMode},
    sensitive::AppSecret,
};

macro_rules! platforms {
    ($($file:ident),* $(,)?) => {
        $(mod $file;)*
        /// Every platform that this version knows.
        pub const ALL: &[&Platform] = &[$(&$file::PLATFORM),*];
        /// What the simulator's refusals mean, for each platform of `ALL`.
        #[cfg(test)]
        const CASES: &[&[tests::Cases]] = &[$($file::CASES),*];
        /// The names of their files, which their pages and examples have too, with dashes.
        #[cfg(test)]
        const FILES: &[&str] = &[$(stringify!($file)),*];
    };
}

platforms! {
    wechat,
    wecom,
    feishu,
    lark,
    dingtalk,
    douyin,
    qq,
    kuaishou,
    baidu,
    douyin_open,
    douyin_game,
    qq_bot,
    xiaohongshu,
    line,
    tiktok,
    huawei,
    honor,
    oauth2,
}

/// A platform: its hosts, its app ids and its token endpoints.
#[derive(Debug)]
pub struct Platform {
    /// The name in `spec.platform`, in the metrics and in `--platform-endpoint`.
    pub name: &'static str,
    /// The pattern of its app ids.
    pub app_id: AppIdPattern,
    /// The token endpoints; the first is the default.
    pub endpoints: &'static [Endpoint],
    /// The tickets that it makes from a token.
    pub tickets: &'static [Ticket],
    /// Whether a refusal tells a wrong app id from a wrong app secret.
    pub tells_id_from_secret: bool,
    /// The offset of the platform's quota day from UTC in seconds, positive to the east.
    pub day_offset_seconds: i32,
}

/// The pattern of a platform's app ids.
#[derive(Debug)]
pub struct AppIdPattern {
    /// A regular expression that CEL's `matches` understands.
    pub pattern: &'static str,
    /// A description of the pattern for people, and where to find an app id.
    pub meaning: &'static str,
    /// An app id of this pattern, for examples and tests.
    pub example: &'static str,
}

/// A token endpoint of a platform.
#[derive(Debug)]
pub struct Endpoint {
    /// The `spec.tokenMode` that selects it; none if the platform has only one endpoint.
    pub mode: Option<TokenMode>,
    /// The hosts, unless the administrator sets others; later ones are for fail-over. None where
    /// only the administrator can say which: [`ConfiguredEndpoint`].
    pub hosts: &'static [&'static str],
    /// What a call does to the tokens before it.
    pub reissue: Reissue,
    /// How long before a token's end to request the next one, and the longest time that a spec may
    /// ask for.
    pub lead: Lead,
    /// The limits of forced calls, if an ordinary call returns the same token and a forced one
    /// makes another; else none.
    pub force: Option<ForceLimits>,
    /// The number of calls per day that the platform allows for one app, or `UNDOCUMENTED_QUOTA`.
    pub daily_quota: u32,
    /// The limits that the platform documents of calls to this endpoint.
    pub limits: &'static [Limit],
    /// The longest life of a token of this endpoint. A response with a longer one is refused.
    pub longest_life: Duration,
    /// Builds the request.
    pub request: fn(&TokenRequest<'_>) -> Request,
    /// Reads the response. [`Endpoint::token`] also refuses what no platform may send.
    pub read: fn(&Response<'_>) -> Result<Grant, Refusal>,
}

/// The longest life of tokens that are documented to live for two hours or less. `WeChat` documents
/// "within 7200 seconds" and that this may change: a day leaves room for such a change.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// The quota where a platform documents none: the smallest that any documents.
const UNDOCUMENTED_QUOTA: u32 = 2000;

/// How long before a token's end its successor is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// The lead if the spec sets none.
    pub default: Duration,
    /// The longest lead that a spec may set.
    pub longest: Duration,
}

/// How often a new token may be forced.
#[derive(Clone, Copy, Debug)]
pub struct ForceLimits {
    /// A second forced call within this time returns the same token.
    pub apart: Duration,
    /// The number of forced calls per day.
    pub per_day: usize,
}

impl Platform {
    /// Whether the spec may choose a token mode.
    #[must_use]
    pub fn has_choice(&self) -> bool {
        self.endpoints.len() > 1
    }

    /// The mode of an object that sets none.
    #[must_use]
    pub fn default_mode(&self) -> Option<TokenMode> {
        self.endpoints.first().and_then(|endpoint| endpoint.mode)
    }

    /// Whether it has hosts of its own. Else the administrator configures its endpoints.
    #[must_use]
    pub fn has_hosts(&self) -> bool {
        self.endpoints.iter().any(|endpoint| !endpoint.hosts.is_empty())
    }

    /// The endpoint for a mode, or none if this version does not know the mode.
    #[must_use]
    pub fn endpoint(&self, mode: Option<TokenMode>) -> Option<&Endpoint> {
        match mode {
            None => self.endpoints.first(),
            Some(_) => self.endpoints.iter().find(|endpoint| endpoint.mode == mode),
        }
    }

    /// The ticket of this type, or none if the platform has no such ticket.
    #[must_use]
    pub fn ticket(&self, kind: TicketType) -> Option<&Ticket> {
        self.tickets.iter().find(|ticket| ticket.kind == kind)
    }
}

impl Endpoint {
    /// How a token that is reported invalid is replaced.
    #[must_use]
    pub fn replacement(&self) -> Replacement {
        self.reissue.replacement(self.force.is_some())
    }

    /// The token of a response to a request that was made with this app secret.
    ///
    /// # Errors
    /// The refusal, whose code is never the app secret nor a part of it.
    pub fn token(&self, response: &Response<'_>, secret: &AppSecret) -> Result<Grant, Refusal> {
        checked((self.read)(response), response, secret)
    }
}

/// What a response was read as, without a token that no platform may send and without a refusal
/// that shows the app secret.
fn checked(
    read: Result<Grant, Refusal>,
    response: &Response<'_>,
    secret: &AppSecret,
) -> Result<Grant, Refusal> {
    match read {
        Ok(_) if response::has_error(response) => Err(response::without_json(response.status)),
        Ok(grant) => Ok(grant),
        Err(refusal) => Err(refusal.without(secret.expose())),
    }
}

/// The platform with this name, or none if this version does not know it.
#[must_use]
pub fn find(name: &str) -> Option<&'static Platform> {
    every().find(|platform| platform.name == name)
}

/// Every platform that objects may name: those of the list, and in tests the made-up ones as well.
pub fn every() -> impl Iterator<Item = &'static Platform> {
    #[cfg(not(any(test, feature = "made-up-platforms")))]
    let made_up: &[&Platform] = &[];
    #[cfg(any(test, feature = "made-up-platforms"))]
    let made_up = made_up::ALL;
    ALL.iter().chain(made_up).copied()
}
