//! Baidu's endpoint for smart mini programs on the wire.
//! <https://w3cschool.cn/baiduapp/baiduapp-6iy239u1.html>

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "Baidu",
    tokens: &[TokenEndpoint {
        path: "/oauth/2.0/token",
        family: Family::Adding,
        figures: Figures { life_ms: 2_592_000_000, ..Figures::TWO_HOURS },
        ask: Ask {
            method: "GET",
            place: Place::Query,
            app_id: "client_id",
            secret: "client_secret",
            grant_type: Some("client_credentials"),
            force: None,
        },
        checks_address: false,
        grant,
        refusals: &[REFUSALS],
        refuse,
    }],
    business: &[BusinessEndpoint {
        path: "/rest/2.0/smartapp/app/info",
        token: Presented::Query("access_token"),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

const REFUSALS: &[Refusal] = &[
    Refusal::word(Refused::Body, 401, "invalid_request", "invalid request"),
    Refusal::word(Refused::GrantType, 401, "unsupported_grant_type", "The grant_type is wrong"),
    Refusal::word(Refused::UnknownApp, 401, "invalid_client", "unknown client id"),
    Refusal::word(Refused::BadSecret, 401, "invalid_client", "Client authentication failed"),
    Refusal::word(Refused::TokenUnknown, 401, "invalid_token", "Access token invalid"),
];

fn grant(granted: &Granted) -> Value {
    json!({
        "access_token": granted.token,
        "expires_in": granted.expires_in,
        "refresh_token": "2.385d",
        "scope": "smartapp_snsapi_base",
        "session_key": "",
        "session_secret": "",
    })
}

fn success() -> Value {
    json!({ "errno": 0, "msg": "success", "data": {} })
}

fn refuse(said: &Said<'_>) -> Reply {
    let body = json!({ "error_description": said.text, "error": said.code.json() });
    Reply::json(said.status, &body)
}
