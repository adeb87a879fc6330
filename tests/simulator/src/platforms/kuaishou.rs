//! Kuaishou's endpoint for mini programs on the wire. A success is `result` 1.
//! <https://mp.kuaishou.com/docs/develop/server/getAccessToken.html>

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "Kuaishou",
    tokens: &[TokenEndpoint {
        path: "/oauth2/access_token",
        family: Family::Adding,
        figures: Figures { life_ms: 172_800_000, ..Figures::TWO_HOURS },
        ask: Ask {
            method: "POST",
            place: Place::Form,
            app_id: "app_id",
            secret: "app_secret",
            grant_type: Some("client_credentials"),
            force: None,
        },
        checks_address: false,
        grant,
        refusals: &[REFUSALS],
        refuse,
    }],
    business: &[BusinessEndpoint {
        path: "/openapi/mp/developer/file/img/list",
        token: Presented::Query("access_token"),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 100_200_100, "parameter missing or wrong"),
    Refusal::number(Refused::GrantType, 100_200_104, "wrong grant_type"),
    Refusal::number(Refused::UnknownApp, 100_200_101, "check app_id and app_secret"),
    Refusal::number(Refused::BadSecret, 100_200_101, "check app_id and app_secret"),
    Refusal::number(Refused::Busy, 100_200_500, "internal error"),
    Refusal::number(Refused::TokenUnknown, 100_200_102, "refused"),
];

fn grant(granted: &Granted) -> Value {
    json!({
        "result": 1,
        "access_token": granted.token,
        "expires_in": granted.expires_in,
        "token_type": "bearer",
    })
}

fn success() -> Value {
    json!({ "result": 1 })
}

fn refuse(said: &Said<'_>) -> Reply {
    Reply::json(said.status, &json!({ "result": said.code.json(), "error_msg": said.text }))
}
