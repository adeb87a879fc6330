//! QQ's endpoint for mini programs on the wire, by a copy of its page, whose text is WeChat's.
//! <https://w3cschool.cn/qqxiaochengxu/qqxiaochengxu-hxzc3874.html>

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "QQ",
    tokens: &[TokenEndpoint {
        path: "/api/getToken",
        family: Family::Legacy,
        figures: Figures::TWO_HOURS,
        ask: Ask {
            method: "GET",
            place: Place::Query,
            app_id: "appid",
            secret: "secret",
            grant_type: Some("client_credential"),
            force: None,
        },
        checks_address: false,
        grant,
        refusals: &[REFUSALS],
        refuse,
    }],
    business: &[BusinessEndpoint {
        path: "/api/json/security/MsgSecCheck",
        token: Presented::Query("access_token"),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 40002, "invalid grant_type"),
    Refusal::number(Refused::UnknownApp, 40013, "invalid appid"),
    Refusal::number(Refused::BadSecret, 40001, "invalid credential"),
    Refusal::number(Refused::Busy, -1, "system error"),
    Refusal::number(Refused::TokenUnknown, 40014, "invalid access_token"),
    Refusal::number(Refused::TokenExpired, 42001, "access_token expired"),
];

fn grant(granted: &Granted) -> Value {
    json!({ "access_token": granted.token, "expires_in": granted.expires_in })
}

fn success() -> Value {
    json!({ "errCode": 0, "errMsg": "ok" })
}

fn refuse(said: &Said<'_>) -> Reply {
    Reply::json(said.status, &json!({ "errcode": said.code.json(), "errmsg": said.text }))
}
