//! `DingTalk`'s endpoints on the wire, of the new API and of the old one, by the pages of
//! open.dingtalk.com. Both hand out the same tokens.

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "DingTalk",
    tokens: &[NEW, OLD],
    business: &[
        BusinessEndpoint {
            path: "/v1.0/contact/users/me",
            token: Presented::Header("x-acs-dingtalk-access-token", ""),
            success,
            refusals: &[NEW_REFUSALS],
            refuse: refuse_new,
        },
        BusinessEndpoint {
            path: "/topapi/v2/user/get",
            token: Presented::Query("access_token"),
            success,
            refusals: &[OLD_REFUSALS],
            refuse: refuse_old,
        },
    ],
    tickets: &[],
};

const NEW: TokenEndpoint = TokenEndpoint {
    path: "/v1.0/oauth2/accessToken",
    family: Family::Renewing,
    figures: Figures::TWO_HOURS,
    ask: Ask {
        method: "POST",
        place: Place::Json,
        app_id: "appKey",
        secret: "appSecret",
        grant_type: None,
        force: None,
    },
    checks_address: true,
    grant: grant_new,
    refusals: &[NEW_REFUSALS],
    refuse: refuse_new,
};

const OLD: TokenEndpoint = TokenEndpoint {
    path: "/gettoken",
    ask: Ask {
        method: "GET",
        place: Place::Query,
        app_id: "appkey",
        secret: "appsecret",
        ..NEW.ask
    },
    grant: grant_old,
    refusals: &[OLD_REFUSALS],
    refuse: refuse_old,
    ..NEW
};

const WRONG: &str = "无效的clientId或者clientSecret";

const NEW_REFUSALS: &[Refusal] = &[
    Refusal::word(Refused::Body, 400, "Missingbody", "body is mandatory for this action"),
    Refusal::word(Refused::UnknownApp, 400, "invalidClientIdOrSecret", WRONG),
    Refusal::word(Refused::BadSecret, 400, "invalidClientIdOrSecret", WRONG),
    Refusal::word(Refused::Frozen, 401, "unauthorized.client", "the app is not authorised"),
    Refusal::word(
        Refused::IpNotAllowed,
        403,
        "Forbidden.AccessDenied.IpNotInWhiteList",
        "the caller's address is not in the app's list",
    ),
    Refusal::word(Refused::TooOften, 400, "qps.exceed.limit", "too many calls"),
    Refusal::word(Refused::Busy, 500, "unknownError", "unknown error"),
    Refusal::word(Refused::TokenUnknown, 400, "InvalidAuthentication", "不合法的access_token"),
];

const OLD_REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 40035, "缺少参数 corpid or appkey"),
    Refusal::number(Refused::UnknownApp, 40096, "不合法的appKey或appSecret"),
    Refusal::number(Refused::BadSecret, 40096, "不合法的appKey或appSecret"),
    Refusal::number(Refused::IpNotAllowed, 60020, "访问ip不在白名单之中"),
    Refusal::number(
        Refused::TooOften,
        90002,
        "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了",
    ),
    Refusal::number(Refused::Busy, -1, "系统繁忙"),
    Refusal::number(Refused::TokenUnknown, 40014, "不合法的access_token"),
];

fn grant_new(granted: &Granted) -> Value {
    json!({ "accessToken": granted.token, "expireIn": granted.expires_in })
}

fn grant_old(granted: &Granted) -> Value {
    json!({
        "errcode": 0,
        "errmsg": "ok",
        "access_token": granted.token,
        "expires_in": granted.expires_in,
    })
}

fn success() -> Value {
    json!({ "errcode": 0, "errmsg": "ok", "result": {} })
}

fn refuse_new(said: &Said<'_>) -> Reply {
    let body = json!({
        "requestid": said.request_id,
        "code": said.code.json(),
        "message": said.text,
    });
    Reply::json(said.status, &body)
}

fn refuse_old(said: &Said<'_>) -> Reply {
    Reply::json(said.status, &json!({ "errcode": said.code.json(), "errmsg": said.text }))
}
