//! The list of platforms: which path is whose. How a platform speaks is in its own file, what it
//! remembers in the model.

pub(crate) mod wechat;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::model::{Granted, Model, Reply, Request, Tried};

/// A new platform is one file and one line here.
const ALL: &[&[Endpoint]] = &[wechat::ENDPOINTS];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Legacy,
    Stable,
    /// Needs a token instead of handing one out.
    Business,
}

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub path: &'static str,
    pub kind: Kind,
    /// What can be told of a call before it takes effect.
    pub look: fn(&Model, &Request) -> Seen,
    /// Lets a call take effect.
    pub answer: fn(&mut Model, Millis, &Request) -> Answer,
    /// A refusal as the platform words it, with its usual text if none is given.
    pub refusal: fn(&mut Model, Millis, &Request, i64, Option<&str>) -> Reply,
}

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

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Stable => "stable",
            Self::Business => "business",
        }
    }
}

pub(crate) fn endpoint(path: &str) -> Option<&'static Endpoint> {
    ALL.iter().copied().flatten().find(|endpoint| endpoint.path == path)
}
