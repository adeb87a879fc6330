//! `WeCom`'s endpoints on the wire. <https://developer.work.weixin.qq.com/document/path/91039>
//!
//! The token endpoint asks nobody for an address; that its `expires_in` is the whole life whenever
//! asked is one maintainer's word.

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TicketEndpoint, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "WeCom",
    tokens: &[TokenEndpoint {
        path: "/cgi-bin/gettoken",
        family: Family::Stable,
        figures: Figures { turn_ms: 0, ..Figures::TWO_HOURS },
        ask: Ask {
            method: "GET",
            place: Place::Query,
            app_id: "corpid",
            secret: "corpsecret",
            grant_type: None,
            force: None,
        },
        checks_address: false,
        grant,
        refusals: &[REFUSALS],
        refuse,
    }],
    business: &[BusinessEndpoint {
        path: "/cgi-bin/getcallbackip",
        token: Presented::Query("access_token"),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[JSAPI, AGENT_CONFIG],
};

const JSAPI: TicketEndpoint = TicketEndpoint {
    path: "/cgi-bin/get_jsapi_ticket",
    token: Presented::Query("access_token"),
    types: &[],
    grant: super::wechat::ticket,
    refusals: &[REFUSALS],
    refuse,
};

const AGENT_CONFIG: TicketEndpoint =
    TicketEndpoint { path: "/cgi-bin/ticket/get", types: &["agent_config"], ..JSAPI };

const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Body, 41002, "corpid missing"),
    Refusal::number(Refused::NoSecret, 41004, "corpsecret missing"),
    Refusal::number(Refused::UnknownApp, 40013, "invalid corpid"),
    Refusal::number(Refused::BadSecret, 40001, "invalid credential"),
    Refusal::number(Refused::Frozen, 50003, "the app is disabled"),
    Refusal::number(Refused::IpNotAllowed, 60020, "not allow to access from your ip"),
    Refusal::number(Refused::TooOften, 45009, "api freq out of limit"),
    Refusal::number(Refused::Busy, -1, "system busy"),
    Refusal::number(Refused::TokenUnknown, 40014, "invalid access_token"),
    Refusal::number(Refused::TokenExpired, 42001, "access_token expired"),
];

fn grant(granted: &Granted) -> Value {
    json!({
        "errcode": 0,
        "errmsg": "ok",
        "access_token": granted.token,
        "expires_in": granted.whole_life,
    })
}

fn success() -> Value {
    json!({ "errcode": 0, "errmsg": "ok", "ip_list": ["127.0.0.1"] })
}

/// Each refusal has another hint, and the caller's address.
fn refuse(said: &Said<'_>) -> Reply {
    let code = said.code.json();
    let (text, hint, ip) = (&said.text, said.request_id, said.ip);
    let message = format!(
        "{text}, hint: [{hint}], from ip: {ip}, more info at \
         https://open.work.weixin.qq.com/devtool/query?e={code}"
    );
    Reply::json(said.status, &json!({ "errcode": code, "errmsg": message }))
}
