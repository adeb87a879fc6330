//! The tickets that platforms make from an access token, and where a target Secret holds them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

/// A ticket that a platform makes from the access token.
#[allow(
    clippy::doc_markdown,
    reason = "the comments are the texts of `kubectl explain`, where backticks would be noise"
)]
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    JsonSchema,
    IntoStaticStr,
    EnumIter,
)]
pub enum TicketType {
    /// The ticket that signs a page's use of the JS-SDK: WeChat and WeCom.
    JsApi,
    /// The ticket that signs the use of cards and vouchers: WeChat.
    WxCard,
    /// The ticket that signs agentConfig in a page of one app: WeCom.
    AgentConfig,
    /// A ticket of a newer version of this API. This version never writes it.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

impl TicketType {
    /// The data keys of the target that hold the ticket, its expiration time in RFC 3339 format,
    /// and that time in seconds since 1970.
    #[must_use]
    pub fn keys(self) -> [&'static str; 3] {
        match self {
            Self::JsApi => {
                ["jsapi_ticket", "jsapi_ticket_expires_at", "jsapi_ticket_expires_at_unix"]
            }
            Self::WxCard => {
                ["wx_card_ticket", "wx_card_ticket_expires_at", "wx_card_ticket_expires_at_unix"]
            }
            Self::AgentConfig => [
                "agent_config_ticket",
                "agent_config_ticket_expires_at",
                "agent_config_ticket_expires_at_unix",
            ],
            Self::Unknown => ["", "", ""],
        }
    }

    /// The name in `spec.tickets`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
