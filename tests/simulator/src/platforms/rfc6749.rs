//! The token endpoint of RFC 6749 on the wire, for the platforms that follow it. No platform
//! itself.

use serde_json::{Value, json};

use super::endpoint::{Ask, Figures, Place, Refusal, Said, TokenEndpoint};
use crate::model::{Family, Granted, Refused, Reply};

/// An endpoint whose calls end the tokens before them: where nothing is documented, the worst.
pub(super) const TOKEN: TokenEndpoint = TokenEndpoint {
    path: "/token",
    family: Family::Legacy,
    figures: Figures { turn_ms: 0, ..Figures::TWO_HOURS },
    ask: Ask {
        method: "POST",
        place: Place::Form,
        app_id: "client_id",
        secret: "client_secret",
        grant_type: Some("client_credentials"),
        force: None,
    },
    checks_address: false,
    grant,
    refusals: &[REFUSALS],
    refuse,
};

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal::word(Refused::Body, 400, "invalid_request", "a parameter is missing or wrong"),
    Refusal::word(Refused::GrantType, 400, "unsupported_grant_type", "wrong grant_type"),
    Refusal::word(Refused::UnknownApp, 400, "invalid_client", "invalid client_id"),
    Refusal::word(Refused::BadSecret, 400, "invalid_client", "invalid client_secret"),
    Refusal::word(Refused::TokenUnknown, 401, "invalid_token", "the access token is not valid"),
];

fn grant(granted: &Granted) -> Value {
    json!({
        "access_token": granted.token,
        "expires_in": granted.expires_in,
        "token_type": "Bearer",
    })
}

fn refuse(said: &Said<'_>) -> Reply {
    let body = json!({ "error": said.code.json(), "error_description": said.text });
    Reply::json(said.status, &body)
}
