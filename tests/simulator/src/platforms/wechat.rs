//! WeChat's endpoints on the wire: parameters, answers, refusals. Knows neither token rules nor
//! faults.
//!
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html>,
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html>;
//! 40001, 40013, 40125, 40164 and 45009 are quoted from real answers and from
//! <https://developers.weixin.qq.com/doc/channels/API/basics/commErrCode.html>; the others keep the
//! documented sense.

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TicketEndpoint, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "WeChat",
    tokens: &[LEGACY, STABLE],
    business: &[BUSINESS],
    tickets: &[TICKETS],
};

/// 2000 calls a day: <https://developers.weixin.qq.com/doc/subscription/guide/dev/api/limit>.
pub(crate) const LEGACY: TokenEndpoint = TokenEndpoint {
    path: "/cgi-bin/token",
    family: Family::Legacy,
    figures: Figures { per_day: 2_000, ..Figures::TWO_HOURS },
    ask: Ask {
        method: "GET",
        place: Place::Query,
        app_id: "appid",
        secret: "secret",
        grant_type: Some("client_credential"),
        force: None,
    },
    checks_address: true,
    grant,
    refusals: &[LEGACY_REFUSALS, REFUSALS],
    refuse,
};

/// 30 s between forced refreshes, 20 of them a day:
/// <https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/access-token/auth.getStableAccessToken.html>.
pub(crate) const STABLE: TokenEndpoint = TokenEndpoint {
    path: "/cgi-bin/stable_token",
    family: Family::Stable,
    figures: Figures {
        calls: (10_000, 60_000),
        per_day: 500_000,
        force: Some((20, 30_000)),
        ..Figures::TWO_HOURS
    },
    ask: Ask { method: "POST", place: Place::Json, force: Some("force_refresh"), ..LEGACY.ask },
    refusals: &[REFUSALS],
    ..LEGACY
};

const BUSINESS: BusinessEndpoint = BusinessEndpoint {
    path: "/cgi-bin/get_api_domain_ip",
    token: Presented::Query("access_token"),
    success,
    refusals: &[REFUSALS],
    refuse,
};

/// That its life is always said to be 7200 is what developers report, not the documentation.
const TICKETS: TicketEndpoint = TicketEndpoint {
    path: "/cgi-bin/ticket/getticket",
    token: Presented::Query("access_token"),
    types: &["jsapi", "wx_card"],
    grant: ticket,
    refusals: &[REFUSALS],
    refuse,
};

/// The legacy endpoint wants the other method, and points its users to the other endpoint.
const LEGACY_REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Method, 43001, "require GET method"),
    Refusal::number(
        Refused::DayQuota,
        45009,
        "reach max api daily quota limit, could get access_token by getStableAccessToken, more \
         details at https://mmbizurl.cn/s/JtxxFh33r",
    ),
];

/// An unreadable body gets 47001, by WeChat's list of return codes; what wins for a GET with such a
/// body is a guess.
const REFUSALS: &[Refusal] = &[
    Refusal::number(Refused::Method, 43002, "require POST method"),
    Refusal::number(Refused::DayQuota, 45009, "reach max api daily quota limit"),
    Refusal::number(Refused::Body, 47001, "data format error"),
    Refusal::number(Refused::IpNotAllowed, 40164, "invalid ip {ip} ipv6 {ipv6}, not in whitelist"),
    Refusal::number(Refused::GrantType, 40002, "invalid grant_type"),
    Refusal::number(Refused::NoAppId, 41002, "appid missing"),
    Refusal::number(Refused::NoSecret, 41004, "appsecret missing"),
    Refusal::number(Refused::UnknownApp, 40013, "invalid appid"),
    Refusal::number(Refused::BadSecret, 40125, "invalid appsecret"),
    Refusal::number(Refused::Frozen, 40243, "appsecret is frozen, unfreeze it and try again"),
    Refusal::number(
        Refused::TooOften,
        45011,
        "api minute-quota reach limit, must slower retry next minute",
    ),
    Refusal::number(Refused::Busy, -1, "system error"),
    Refusal::number(
        Refused::TokenReplaced,
        40001,
        "invalid credential, access_token is invalid or not latest, could get access_token by \
         getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r",
    ),
    Refusal::number(Refused::TokenUnknown, 40014, "invalid access_token"),
    Refusal::number(Refused::TokenMissing, 41001, "access_token missing"),
    Refusal::number(Refused::TokenExpired, 42001, "access_token expired"),
    Refusal::only(50004, "forbidden to use the token api"),
    Refusal::only(50007, "account is frozen"),
    Refusal::only(61004, "access clientip is not registered"),
    Refusal::only(89503, "call needs the administrator's confirmation, a message was sent"),
    Refusal::only(89506, "the administrator refused this ip, try again after 24 hours"),
    Refusal::only(89507, "the administrator refused this ip, try again after 1 hour"),
];

fn grant(granted: &Granted) -> Value {
    json!({ "access_token": granted.token, "expires_in": granted.expires_in })
}

pub(super) fn ticket(granted: &Granted) -> Value {
    json!({
        "errcode": 0,
        "errmsg": "ok",
        "ticket": granted.token,
        "expires_in": granted.whole_life,
    })
}

/// Real answers carry no `errcode` here; ours does, so that a consumer can be written against the
/// error alone.
fn success() -> Value {
    json!({ "errcode": 0, "errmsg": "ok", "ip_list": ["127.0.0.1"] })
}

/// Refusals come with status 200, and each with another request id.
fn refuse(said: &Said<'_>) -> Reply {
    let message = format!("{} {}", said.text, said.request_id);
    Reply::json(said.status, &json!({ "errcode": said.code.json(), "errmsg": message }))
}
