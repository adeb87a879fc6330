//! `TikTok`'s endpoint for client access tokens on the wire. What a call does to the tokens before
//! it is not documented; here it ends them at once.
//! <https://developers.tiktok.com/doc/client-access-token-management>

use serde_json::{Value, json};

use super::endpoint::{Ask, BusinessEndpoint, Presented, TokenEndpoint};
use super::{Platform, rfc6749};

pub(super) const PLATFORM: Platform = Platform {
    name: "TikTok",
    tokens: &[TokenEndpoint {
        path: "/v2/oauth/token/",
        ask: Ask { app_id: "client_key", ..rfc6749::TOKEN.ask },
        ..rfc6749::TOKEN
    }],
    business: &[BusinessEndpoint {
        path: "/v2/research/user/info/",
        token: Presented::Header("authorization", "Bearer "),
        success,
        refusals: rfc6749::TOKEN.refusals,
        refuse: rfc6749::TOKEN.refuse,
    }],
    tickets: &[],
};

fn success() -> Value {
    json!({ "data": {}, "error": { "code": "ok" } })
}
