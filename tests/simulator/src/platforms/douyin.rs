//! Douyin's endpoint for mini programs on the wire.
//! <https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/interface-request-credential/non-user-authorization/get-access-token>

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform =
    Platform { name: "Douyin", tokens: &[TOKEN], business: &[BUSINESS], tickets: &[] };

pub(super) const TOKEN: TokenEndpoint = TokenEndpoint {
    path: "/api/apps/v2/token",
    family: Family::Legacy,
    figures: Figures::TWO_HOURS,
    ask: Ask {
        method: "POST",
        place: Place::Json,
        app_id: "appid",
        secret: "secret",
        grant_type: Some("client_credential"),
        force: None,
    },
    checks_address: false,
    grant,
    refusals: &[REFUSALS],
    refuse,
};

pub(super) const BUSINESS: BusinessEndpoint = BusinessEndpoint {
    path: "/api/apps/v1/category/get_audit_categories",
    token: Presented::Header("access-token", ""),
    success,
    refusals: &[REFUSALS],
    refuse,
};

const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 40014, "parameter is empty"),
    Refusal::number(Refused::GrantType, 40020, "grant_type is wrong"),
    Refusal::number(Refused::UnknownApp, 40015, "bad appid"),
    Refusal::number(Refused::BadSecret, 40017, "bad secret"),
    Refusal::number(Refused::Busy, -1, "system error"),
    Refusal::number(Refused::TokenUnknown, 28_001_003, "access_token is invalid"),
];

fn grant(granted: &Granted) -> Value {
    let data = json!({ "access_token": granted.token, "expires_in": granted.expires_in });
    json!({ "err_no": 0, "err_tips": "success", "data": data })
}

pub(super) fn success() -> Value {
    json!({ "err_no": 0, "err_msg": "", "data": {} })
}

/// A refusal has an empty token.
fn refuse(said: &Said<'_>) -> Reply {
    let data = json!({ "access_token": "", "expires_in": 0 });
    let body = json!({ "err_no": said.code.json(), "err_tips": said.text, "data": data });
    Reply::json(said.status, &body)
}
