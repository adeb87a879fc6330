//! The endpoints of Douyin's mini games on the wire.
//! <https://developer.open-douyin.com/docs/resource/zh-CN/mini-game/develop/server/interface-request-credential/gen-stable-access-token>

use serde_json::{Value, json};

use super::endpoint::{Ask, BusinessEndpoint, Figures, Presented, Refusal, Said, TokenEndpoint};
use super::{Platform, douyin};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "DouyinGame",
    tokens: &[
        TokenEndpoint { path: "/mgplatform/api/apps/v2/token", ..douyin::TOKEN },
        TokenEndpoint {
            path: "/mgplatform/api/apps/stable_token",
            family: Family::Stable,
            figures: Figures {
                turn_ms: 0,
                calls: (10_000, 60_000),
                per_day: 500_000,
                force: Some((20, 0)),
                ..Figures::TWO_HOURS
            },
            ask: Ask { force: Some("force_refresh"), ..douyin::TOKEN.ask },
            grant,
            refusals: &[REFUSALS],
            refuse,
            ..douyin::TOKEN
        },
    ],
    business: &[BusinessEndpoint {
        path: "/mgplatform/api/apps/v1/category/get_audit_categories",
        token: Presented::Header("access-token", ""),
        success: douyin::success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

/// One number for every wrong parameter, app id and app secret included.
const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 28_001_038, "参数不合法"),
    Refusal::number(Refused::UnknownApp, 28_001_038, "参数不合法"),
    Refusal::number(Refused::BadSecret, 28_001_038, "参数不合法"),
    Refusal::number(Refused::TooOften, 28_005_139, "请求过于频繁"),
    Refusal::number(Refused::Busy, 28_001_005, "系统内部错误"),
    Refusal::number(Refused::TokenUnknown, 28_001_003, "access_token无效"),
];

fn grant(granted: &Granted) -> Value {
    let data = json!({ "access_token": granted.token, "expires_in": granted.expires_in });
    json!({ "data": data, "err_msg": "", "err_no": 0, "log_id": "20250520193036E719" })
}

fn refuse(said: &Said<'_>) -> Reply {
    let body = json!({
        "data": { "access_token": "", "expires_in": 0 },
        "err_msg": said.text,
        "err_no": said.code.json(),
        "log_id": said.request_id,
    });
    Reply::json(said.status, &body)
}
