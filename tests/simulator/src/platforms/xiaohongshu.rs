//! Xiaohongshu's endpoint for mini programs on the wire, with its three shapes of refusal.
//! <https://miniapp.xiaohongshu.com/doc/DC010382>, <https://github.com/redengineer/redmini>

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "Xiaohongshu",
    tokens: &[TokenEndpoint {
        path: "/api/rmp/token",
        family: Family::Legacy,
        figures: Figures::TWO_HOURS,
        ask: Ask {
            method: "POST",
            place: Place::Json,
            app_id: "appid",
            secret: "secret",
            grant_type: None,
            force: None,
        },
        checks_address: false,
        grant,
        refusals: &[REFUSALS],
        refuse,
    }],
    business: &[BusinessEndpoint {
        path: "/api/rmp/category/list",
        token: Presented::Query("access_token"),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

/// Parameters that are not in the body get as far as the gateway.
const GATEWAY: i64 = -9012;

const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, GATEWAY, "parameter missing"),
    Refusal { status: 400, ..Refusal::number(Refused::Method, 400, "Bad Request") },
    Refusal::number(Refused::UnknownApp, 410_004, "应用秘钥不匹配"),
    Refusal::number(Refused::BadSecret, 410_004, "应用秘钥不匹配"),
    Refusal::number(Refused::Busy, 2, "系统异常,请稍后重试"),
    Refusal::number(Refused::TokenUnknown, 410_101, "应用访问令牌不匹配"),
];

fn grant(granted: &Granted) -> Value {
    let data = json!({ "access_token": granted.token, "expire_in": granted.expires_in });
    json!({ "data": data, "success": true, "msg": "", "code": 0 })
}

fn success() -> Value {
    json!({ "data": [], "success": true, "msg": "", "code": 0 })
}

fn refuse(said: &Said<'_>) -> Reply {
    let code = said.code.json();
    match code.as_i64() {
        Some(400) => {
            let page = "<html><head><title>HTTP Status 400 – Bad Request</title></head></html>";
            Reply::new(400, "text/html", page)
        }
        Some(GATEWAY) => {
            let body = json!({ "error_code": code, "error_msg": said.text, "success": false });
            Reply::json(said.status, &body)
        }
        _ => {
            let body = json!({ "data": null, "success": false, "msg": said.text, "code": code });
            Reply::json(said.status, &body)
        }
    }
}
