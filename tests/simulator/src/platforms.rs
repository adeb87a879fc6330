//! The list of platforms: which path is whose. How a platform speaks is in its own file, what it
//! remembers in the model.

mod baidu;
mod dingtalk;
mod douyin;
mod douyin_game;
mod douyin_open;
mod endpoint;
mod feishu;
mod honor;
mod huawei;
mod kuaishou;
mod lark;
mod line;
mod made_up;
mod oauth2;
mod qq;
mod qq_bot;
mod rfc6749;
mod serve;
mod tiktok;
mod wechat;
mod wecom;
mod xiaohongshu;

use serde::{Deserialize, Serialize};

use self::endpoint::{BusinessEndpoint, TicketEndpoint};
pub(crate) use self::endpoint::{Figures, TokenEndpoint};
use crate::model::{Family, Granted, Reply, Request, Tried};

/// A new platform is one file and one line here.
const ALL: &[&Platform] = &[
    &wechat::PLATFORM,
    &wecom::PLATFORM,
    &feishu::PLATFORM,
    &lark::PLATFORM,
    &dingtalk::PLATFORM,
    &douyin::PLATFORM,
    &qq::PLATFORM,
    &kuaishou::PLATFORM,
    &baidu::PLATFORM,
    &douyin_open::PLATFORM,
    &douyin_game::PLATFORM,
    &qq_bot::PLATFORM,
    &xiaohongshu::PLATFORM,
    &line::PLATFORM,
    &tiktok::PLATFORM,
    &huawei::PLATFORM,
    &honor::PLATFORM,
    &oauth2::PLATFORM,
    &made_up::PLATFORM,
];

/// The figures of WeChat's two token endpoints, which hold where no endpoint is named.
pub(crate) const WECHAT: [&TokenEndpoint; 2] = [&wechat::LEGACY, &wechat::STABLE];

/// What a platform serves.
pub(crate) struct Platform {
    pub name: &'static str,
    pub tokens: &'static [TokenEndpoint],
    pub business: &'static [BusinessEndpoint],
    pub tickets: &'static [TicketEndpoint],
}

/// What an endpoint is for. Those that hand out tokens are told apart by what a call does to the
/// tokens before it; the first two have the names of WeChat's endpoints of that sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Each call makes a token, and the one before it ends soon.
    Legacy,
    /// Each call returns the same token, until shortly before its end.
    Stable,
    /// Each call returns the same token, and its life begins again.
    Renewing,
    /// Each call makes a token, and those before it live on.
    Adding,
    /// Needs a token instead of handing one out.
    Business,
    /// Makes a ticket from a token.
    Ticket,
}

/// An endpoint that a call has come to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Endpoint {
    Tokens(&'static TokenEndpoint),
    Business(&'static BusinessEndpoint),
    Tickets(&'static TicketEndpoint),
}

/// What can be told of a call before it takes effect.
#[derive(Default)]
pub(crate) struct Seen {
    pub app_id: Option<String>,
    pub secret: Option<Tried>,
    pub forced: bool,
    /// The token presented, not one handed out.
    pub token: Option<String>,
}

pub(crate) struct Answer {
    pub reply: Reply,
    pub errcode: i64,
    pub granted: Option<Granted>,
}

/// A call of a platform's first path that needs a token.
pub(crate) fn consumer(platform: &str, token: &str) -> Option<Request> {
    let platform = ALL.iter().find(|known| known.name == platform)?;
    let endpoint = platform.business.first()?;
    let request = endpoint.token.present(Request::get(endpoint.path), token);
    Some(Request { platform: Some(platform.name.to_owned()), ..request })
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Stable => "stable",
            Self::Renewing => "renewing",
            Self::Adding => "adding",
            Self::Business => "business",
            Self::Ticket => "ticket",
        }
    }
}

impl From<Family> for Kind {
    fn from(family: Family) -> Self {
        match family {
            Family::Legacy => Self::Legacy,
            Family::Stable => Self::Stable,
            Family::Renewing => Self::Renewing,
            Family::Adding => Self::Adding,
        }
    }
}

impl Endpoint {
    /// The endpoint at a path: of the platform whose address was called, or of the first that has
    /// such a path.
    pub fn at(platform: Option<&str>, path: &str) -> Option<Self> {
        let theirs =
            ALL.iter().filter(|known| platform.is_none_or(|platform| platform == known.name));
        theirs.copied().find_map(|platform| {
            let tokens = platform.tokens.iter().find(|endpoint| endpoint.path == path);
            let business = || platform.business.iter().find(|endpoint| endpoint.path == path);
            let tickets = || platform.tickets.iter().find(|endpoint| endpoint.path == path);
            tokens
                .map(Self::Tokens)
                .or_else(|| business().map(Self::Business))
                .or_else(|| tickets().map(Self::Tickets))
        })
    }

    pub fn kind(self) -> Kind {
        match self {
            Self::Tokens(endpoint) => endpoint.family.into(),
            Self::Business(_) => Kind::Business,
            Self::Tickets(_) => Kind::Ticket,
        }
    }
}
