//! The endpoints of Douyin's open platform on the wire.
//! <https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/interface-request-credential/non-user-authorization/get-client_token>
//!
//! What `expires_in` is in the middle of a stable token's life is not documented; here it is what
//! remains.

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "DouyinOpen",
    tokens: &[
        LEGACY,
        TokenEndpoint {
            path: "/oauth/stable_client_token/",
            family: Family::Stable,
            figures: Figures { turn_ms: 0, ..LEGACY.figures },
            ..LEGACY
        },
    ],
    business: &[BusinessEndpoint {
        path: "/js/getticket/",
        token: Presented::Header("access-token", ""),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

const LEGACY: TokenEndpoint = TokenEndpoint {
    path: "/oauth/client_token/",
    family: Family::Legacy,
    figures: Figures { calls: (500, 300_000), ..Figures::TWO_HOURS },
    ask: Ask {
        method: "POST",
        place: Place::Json,
        app_id: "client_key",
        secret: "client_secret",
        grant_type: Some("client_credential"),
        force: None,
    },
    checks_address: false,
    grant,
    refusals: &[REFUSALS],
    refuse,
};

const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 10002, "参数错误"),
    Refusal::number(Refused::UnknownApp, 10003, "配置无效"),
    Refusal::number(Refused::BadSecret, 10013, "client_key或者client_secret报错"),
    Refusal::number(Refused::Frozen, 28_001_016, "应用已被封禁或下线"),
    Refusal::number(Refused::TooOften, 10020, "请求过于频繁"),
    Refusal::number(Refused::DayQuota, 28_003_017, "quota已用完"),
    Refusal::number(Refused::Busy, 28_001_005, "系统内部错误，请重试"),
    Refusal::number(Refused::TokenUnknown, 28_001_003, "access_token无效"),
];

fn grant(granted: &Granted) -> Value {
    let data = json!({
        "access_token": granted.token,
        "description": "",
        "error_code": 0,
        "expires_in": granted.expires_in,
    });
    json!({ "data": data, "message": "success" })
}

fn success() -> Value {
    json!({ "data": { "error_code": 0, "description": "" }, "message": "success" })
}

fn refuse(said: &Said<'_>) -> Reply {
    let data = json!({
        "captcha": "",
        "desc_url": "",
        "description": said.text,
        "error_code": said.code.json(),
    });
    Reply::json(said.status, &json!({ "data": data, "message": "error" }))
}
