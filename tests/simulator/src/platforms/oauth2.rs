//! An endpoint of RFC 6749 on the wire, as an administrator would configure it for the platform
//! `OAuth2`: with HTTP Basic, and calls that end the tokens before them.
//! <https://www.rfc-editor.org/rfc/rfc6749>

use serde_json::{Value, json};

use super::endpoint::{Ask, BusinessEndpoint, Place, Presented, Refusal, TokenEndpoint};
use super::{Platform, rfc6749};
use crate::model::Refused;

pub(super) const PLATFORM: Platform = Platform {
    name: "OAuth2",
    tokens: &[TokenEndpoint {
        path: "/oauth2/token",
        ask: Ask { place: Place::Basic { endpoint: "example" }, ..rfc6749::TOKEN.ask },
        refusals: &[REFUSALS, rfc6749::REFUSALS],
        ..rfc6749::TOKEN
    }],
    business: &[BusinessEndpoint {
        path: "/resource",
        token: Presented::Header("authorization", "Bearer "),
        success,
        refusals: rfc6749::TOKEN.refusals,
        refuse: rfc6749::TOKEN.refuse,
    }],
    tickets: &[],
};

/// Section 5.2: a client that used the header is refused with 401.
const REFUSALS: &[Refusal] = &[
    Refusal::word(Refused::UnknownApp, 401, "invalid_client", "client authentication failed"),
    Refusal::word(Refused::BadSecret, 401, "invalid_client", "client authentication failed"),
];

fn success() -> Value {
    json!({})
}
