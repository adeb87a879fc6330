//! `WeCom`: self-built apps of a corporation.
//!
//! Sources: <https://developer.work.weixin.qq.com/document/path/91039> and, for the limits,
//! <https://developer.work.weixin.qq.com/document/path/90454>.
//!
//! Unverified: whether a call renews a token's life, and whether an earlier token lives on. So the
//! life is counted from the first response with a token, a token is asked for again in its last
//! minutes only, and no overlap is promised.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Code, Endpoint, Grant, LONGEST_LIFE, Lead, Life, Limit, Platform, Refusal,
    Reissue, Request, Response, Ticket, TokenRequest, UNDOCUMENTED_QUOTA, response, ticket,
};
use crate::{
    api::{Reason, TicketType},
    sensitive::AccessToken,
};

const HOSTS: &[&str] = &["https://qyapi.weixin.qq.com"];
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTES_2: Duration = Duration::from_secs(120);

pub(super) const PLATFORM: Platform = Platform {
    name: "WeCom",
    app_id: AppIdPattern {
        pattern: "^w[wx][0-9a-f]{16}(/[0-9]{1,12})?$",
        meaning: "the corporation's id, ww and 16 hexadecimal digits; where several apps of it \
                  are kept, followed by / and the app's AgentId",
        example: "ww0123456789abcdef",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: HOSTS,
        reissue: Reissue::SameUntil { window: MINUTES_2 },
        lead: Lead { default: MINUTES_2, longest: MINUTES_2 },
        force: None,
        daily_quota: UNDOCUMENTED_QUOTA,
        limits: &[
            Limit::of_address(20_000, MINUTE),
            Limit::of_address(600_000, HOUR),
            Limit::of_rejections(2000, HOUR),
        ],
        longest_life: LONGEST_LIFE,
        request,
        read,
    }],
    tickets: &[ticket(TicketType::JsApi, js_api), ticket(TicketType::AgentConfig, agent_config)],
    tells_id_from_secret: true,
    day_offset_seconds: 8 * 3600,
};

/// Both are documented for 400 calls an hour of a corporation and 100 of an app.
const fn ticket(kind: TicketType, request: fn(&AccessToken) -> Request) -> Ticket {
    Ticket {
        kind,
        documented_for: "",
        hosts: HOSTS,
        longest_life: LONGEST_LIFE,
        request,
        read: ticket::read,
    }
}

fn js_api(token: &AccessToken) -> Request {
    ticket::request("/cgi-bin/get_jsapi_ticket", token, None)
}

fn agent_config(token: &AccessToken) -> Request {
    ticket::request("/cgi-bin/ticket/get", token, Some("agent_config"))
}

/// Each app of a corporation has a secret of its own, which alone says to the platform which app is
/// meant. The `AgentId` in the app id tells the apps apart here.
fn request(wanted: &TokenRequest<'_>) -> Request {
    let corporation = wanted.app_id.split('/').next().unwrap_or_default();
    let query = vec![
        ("corpid", Zeroizing::new(corporation.to_owned())),
        ("corpsecret", Zeroizing::new(wanted.secret.expose().to_owned())),
    ];
    Request::get("/cgi-bin/gettoken", query)
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    errcode: Option<i64>,
    #[serde(default, deserialize_with = "response::token_text")]
    errmsg: Option<Zeroizing<String>>,
}

fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    response::by_number(
        response,
        fields.errcode.unwrap_or(0),
        |code| refusal(code, fields.errmsg.as_deref().map_or("", String::as_str)),
        || response::grant(fields.access_token, fields.expires_in, Life::Whole, LONGEST_LIFE),
    )
}

fn refusal(code: i64, message: &str) -> Refusal {
    let reason = match code {
        -1 => Reason::PlatformBusy,
        40001 | 40091 => Reason::CredentialRejected,
        40013 | 2_000_002 => Reason::AppIdRejected,
        45009 | 45033 => Reason::Throttled,
        50003 => Reason::AppSecretFrozen,
        60020 => Reason::IpNotAllowed,
        _ => Reason::BadResponse,
    };
    let caller_ip =
        response::ip_after("from ip: ", message).filter(|_| reason == Reason::IpNotAllowed);
    // Wrong app secrets get the address banned, and with it every app behind it: one that was
    // refused is sent once a day.
    let is_of_credential = matches!(reason, Reason::CredentialRejected | Reason::AppIdRejected);
    let wait = is_of_credential.then_some(DAY);
    Refusal { caller_ip, wait, ..Refusal::refused(reason, Code::Number(code)) }
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "40001"),
    wrong_id: Case::Means(Reason::AppIdRejected, "40013"),
    ip_refused: Case::Names(Reason::IpNotAllowed, "60020"),
    too_often: Case::Means(Reason::Throttled, "45009"),
    day_quota: Case::Never,
    frozen: Case::Means(Reason::AppSecretFrozen, "50003"),
    busy: Case::Means(Reason::PlatformBusy, "-1"),
    malformed: Case::Means(Reason::BadResponse, "41002"),
}];

#[cfg(test)]
mod tests {
    use super::{DAY, PLATFORM, request};
    use crate::{platform::TokenRequest, sensitive::AppSecret};

    #[test]
    fn only_a_rejected_app_waits_for_a_day() {
        for (code, wait) in [(40001, Some(DAY)), (40013, Some(DAY)), (45009, None), (60020, None)] {
            assert_eq!(super::refusal(code, "").wait, wait, "{code}");
        }
    }

    #[test]
    fn the_agent_id_stays_here() {
        let secret = AppSecret::parse(b"s").expect("plausible");
        for app_id in [PLATFORM.app_id.example, "ww0123456789abcdef/1000002"] {
            let request = request(&TokenRequest { app_id, secret: &secret, force: false });
            assert_eq!(request.query[0].1.as_str(), "ww0123456789abcdef");
        }
    }
}
