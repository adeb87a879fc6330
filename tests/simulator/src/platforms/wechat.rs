//! WeChat's endpoints on the wire: parameters, answers, the order of checks. Knows neither token
//! rules nor faults.
//!
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html>,
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html>

mod errors;

use serde::Deserialize;
use serde_json::json;

use super::{Answer, Endpoint, Kind, Seen};
use crate::Millis;
use crate::model::{Granted, Model, Refused, Reply, Request, Standing};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/cgi-bin/token",
        kind: Kind::Legacy,
        look: look_legacy,
        answer: legacy,
        refusal,
    },
    Endpoint {
        path: "/cgi-bin/stable_token",
        kind: Kind::Stable,
        look: look_stable,
        answer: stable,
        refusal,
    },
    Endpoint {
        path: "/cgi-bin/get_api_domain_ip",
        kind: Kind::Business,
        look: look_business,
        answer: business,
        refusal,
    },
];

/// What both token endpoints ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    grant_type: String,
    appid: String,
    secret: String,
    force_refresh: bool,
}

fn read_query(request: &Request) -> Asked {
    let parameter = |name| request.parameter(name).unwrap_or_default();
    Asked {
        grant_type: parameter("grant_type"),
        appid: parameter("appid"),
        secret: parameter("secret"),
        force_refresh: false,
    }
}

fn look_legacy(model: &Model, request: &Request) -> Seen {
    look(model, &read_query(request))
}

fn look_stable(model: &Model, request: &Request) -> Seen {
    look(model, &serde_json::from_slice(&request.body).unwrap_or_default())
}

fn look(model: &Model, asked: &Asked) -> Seen {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Seen {
        app_id: given(&asked.appid),
        secret: given(&asked.secret).and_then(|secret| model.try_secret(&asked.appid, &secret)),
        forced: asked.force_refresh,
        token: None,
    }
}

fn look_business(model: &Model, request: &Request) -> Seen {
    let token = request.parameter("access_token");
    // Whose token it is does not depend on the time.
    let owner = token.as_deref().and_then(|token| model.standing(0, token).0).map(str::to_owned);
    Seen { app_id: owner, token, ..Seen::default() }
}

fn legacy(model: &mut Model, now: Millis, request: &Request) -> Answer {
    let asked = read_query(request);
    let bad_secret = model.rules(&asked.appid).legacy_bad_secret_code;
    let granted = check(model, request, "GET", 43001, &asked).and_then(|()| {
        model.legacy(now, &asked.appid, &asked.secret).map_err(|refused| code(refused, bad_secret))
    });
    token_answer(model, now, request, granted)
}

fn stable(model: &mut Model, now: Millis, request: &Request) -> Answer {
    // An unreadable body gets 47001, by WeChat's list of return codes; what wins for a GET with
    // such a body is a guess.
    let parsed = serde_json::from_slice::<Asked>(&request.body).map_err(|_| 47001);
    let asked = if request.method == "POST" { parsed } else { Ok(parsed.unwrap_or_default()) };
    let granted = asked.and_then(|asked| {
        check(model, request, "POST", 43002, &asked)?;
        let granted = model.stable(now, &asked.appid, &asked.secret, asked.force_refresh);
        granted.map_err(|refused| code(refused, 40125))
    });
    token_answer(model, now, request, granted)
}

/// The address comes first: an unlisted machine that sends an empty secret is told 40164, not
/// 41004. That was seen at `jscode2session`; the order of the others is a guess.
fn check(
    model: &Model,
    request: &Request,
    method: &str,
    wrong_method: i64,
    asked: &Asked,
) -> Result<(), i64> {
    let refusals = [
        (request.method != method, wrong_method),
        (!model.caller(&asked.appid, request.from).1, 40164),
        (asked.grant_type != "client_credential", 40002),
        (asked.appid.is_empty(), 41002),
        (asked.secret.is_empty(), 41004),
    ];
    refusals.iter().find(|(wrong, _)| *wrong).map_or(Ok(()), |(_, code)| Err(*code))
}

fn code(refused: Refused, bad_secret: i64) -> i64 {
    match refused {
        Refused::UnknownApp => 40013,
        Refused::BadSecret => bad_secret,
        Refused::Frozen => 40243,
        Refused::MinuteQuota => 45011,
        Refused::DayQuota => 45009,
    }
}

fn token_answer(
    model: &mut Model,
    now: Millis,
    request: &Request,
    granted: Result<Granted, i64>,
) -> Answer {
    match granted {
        Ok(granted) => {
            let body = json!({ "access_token": granted.token, "expires_in": granted.expires_in });
            Answer { reply: Reply::json(200, &body), errcode: 0, granted: Some(granted) }
        }
        Err(errcode) => refused(model, now, request, errcode),
    }
}

/// One of many paths that need a token, chosen for needing nothing else. Real answers carry no
/// `errcode` here; ours does, so that a consumer can be written against the error alone.
fn business(model: &mut Model, now: Millis, request: &Request) -> Answer {
    let standing = request.parameter("access_token").map(|token| model.standing(now, &token).1);
    let errcode = match standing {
        Some(Standing::Live) => {
            let body = json!({ "errcode": 0, "errmsg": "ok", "ip_list": ["127.0.0.1"] });
            return Answer { reply: Reply::json(200, &body), errcode: 0, granted: None };
        }
        // <https://developers.weixin.qq.com/doc/channels/API/basics/commErrCode.html>
        Some(Standing::Replaced) => 40001,
        Some(Standing::Expired) => 42001,
        Some(Standing::NeverSeen) => 40014,
        None => 41001,
    };
    refused(model, now, request, errcode)
}

fn refused(model: &mut Model, now: Millis, request: &Request, errcode: i64) -> Answer {
    Answer { reply: refusal(model, now, request, errcode, None), errcode, granted: None }
}

/// Refusals come with status 200, and each with another request id.
fn refusal(
    model: &mut Model,
    now: Millis,
    request: &Request,
    errcode: i64,
    text: Option<&str>,
) -> Reply {
    let text = text.map_or_else(
        || errors::text(errcode, &request.path, seen_ip(model, request)),
        str::to_owned,
    );
    let message = format!("{text} {}", model.request_id(now));
    Reply::json(200, &json!({ "errcode": errcode, "errmsg": message }))
}

fn seen_ip(model: &Model, request: &Request) -> std::net::IpAddr {
    let asked = if request.body.is_empty() {
        read_query(request)
    } else {
        serde_json::from_slice(&request.body).unwrap_or_default()
    };
    model.caller(&asked.appid, request.from).0
}
