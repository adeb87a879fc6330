//! The endpoint of QQ's bots on the wire. Its `expires_in` is a text.
//! <https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/api-use.html>

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "QQBot",
    tokens: &[TokenEndpoint {
        path: "/app/getAppAccessToken",
        family: Family::Stable,
        figures: Figures { turn_ms: 60_000, ..Figures::TWO_HOURS },
        ask: Ask {
            method: "POST",
            place: Place::Json,
            app_id: "appId",
            secret: "clientSecret",
            grant_type: None,
            force: None,
        },
        checks_address: false,
        grant,
        refusals: &[REFUSALS],
        refuse,
    }],
    business: &[BusinessEndpoint {
        path: "/users/@me",
        token: Presented::Header("authorization", "QQBot "),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 100_002, "internal err"),
    Refusal::number(Refused::UnknownApp, 100_007, "appid invalid"),
    Refusal::number(Refused::BadSecret, 100_016, "invalid appid or secret"),
    Refusal::number(Refused::TooOften, 100_001, "too many requests"),
    Refusal {
        status: 401,
        ..Refusal::number(Refused::TokenUnknown, 11244, "token not exist or expire")
    },
];

fn grant(granted: &Granted) -> Value {
    json!({ "access_token": granted.token, "expires_in": granted.expires_in.to_string() })
}

fn success() -> Value {
    json!({ "id": "1", "username": "bot" })
}

fn refuse(said: &Said<'_>) -> Reply {
    Reply::json(said.status, &json!({ "code": said.code.json(), "message": said.text }))
}
