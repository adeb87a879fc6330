//! LINE's endpoints on the wire, for stateless and for short-lived channel access tokens.
//! <https://developers.line.biz/en/docs/messaging-api/channel-access-tokens/>

use serde_json::{Value, json};

use super::endpoint::{BusinessEndpoint, Figures, Presented, TokenEndpoint};
use super::{Platform, rfc6749};
use crate::model::Family;

pub(super) const PLATFORM: Platform = Platform {
    name: "LINE",
    tokens: &[
        TokenEndpoint {
            path: "/oauth2/v3/token",
            family: Family::Adding,
            figures: Figures { life_ms: 899_000, ..Figures::TWO_HOURS },
            ..rfc6749::TOKEN
        },
        TokenEndpoint {
            path: "/v2/oauth/accessToken",
            family: Family::Adding,
            figures: Figures { life_ms: 2_592_000_000, ..Figures::TWO_HOURS },
            ..rfc6749::TOKEN
        },
    ],
    business: &[BusinessEndpoint {
        path: "/v2/bot/info",
        token: Presented::Header("authorization", "Bearer "),
        success,
        refusals: rfc6749::TOKEN.refusals,
        refuse: rfc6749::TOKEN.refuse,
    }],
    tickets: &[],
};

fn success() -> Value {
    json!({})
}
