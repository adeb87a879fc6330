//! Feishu's endpoints on the wire, and Lark's, which are the same at another host.
//! <https://open.larkoffice.com/document/ukTMukTMukTM/ukDNz4SO0MjL5QzM/auth-v3/auth/tenant_access_token_internal.md>

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform =
    Platform { name: "Feishu", tokens: &[TOKEN], business: &[BUSINESS], tickets: &[] };

pub(super) const TOKEN: TokenEndpoint = TokenEndpoint {
    path: "/open-apis/auth/v3/tenant_access_token/internal",
    family: Family::Stable,
    figures: Figures { turn_ms: 1_800_000, ..Figures::TWO_HOURS },
    ask: Ask {
        method: "POST",
        place: Place::Json,
        app_id: "app_id",
        secret: "app_secret",
        grant_type: None,
        force: None,
    },
    checks_address: false,
    grant,
    refusals: &[REFUSALS],
    refuse,
};

pub(super) const BUSINESS: BusinessEndpoint = BusinessEndpoint {
    path: "/open-apis/bot/v3/info",
    token: Presented::Header("authorization", "Bearer "),
    success,
    refusals: &[REFUSALS],
    refuse,
};

const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 10003, "invalid param"),
    Refusal::number(Refused::UnknownApp, 10014, "app id not exists"),
    Refusal::number(Refused::BadSecret, 10014, "app secret invalid"),
    Refusal {
        status: 429,
        ..Refusal::number(Refused::TooOften, 99_991_400, "request trigger frequency limit")
    },
    Refusal::number(Refused::Busy, 2200, "Internal Error"),
    Refusal {
        status: 400,
        ..Refusal::number(Refused::TokenUnknown, 99_991_663, "Invalid access token")
    },
];

fn grant(granted: &Granted) -> Value {
    json!({
        "code": 0,
        "msg": "ok",
        "tenant_access_token": granted.token,
        "expire": granted.expires_in,
    })
}

fn success() -> Value {
    json!({ "code": 0, "msg": "ok", "bot": {} })
}

/// An internal error has the fields of a success, and nothing in them.
fn refuse(said: &Said<'_>) -> Reply {
    let mut body = json!({ "code": said.code.json(), "msg": said.text });
    match body["code"].as_i64() {
        Some(2200) => {
            body["tenant_access_token"] = json!("");
            body["expire"] = json!(0);
        }
        Some(10003) => body["data"] = json!({}),
        _ => {}
    }
    Reply::json(said.status, &body)
}
