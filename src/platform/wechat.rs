//! WeChat: mini programs, official and service accounts, mini games.
//!
//! Sources:
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html>
//! and
//! <https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html>.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Code, Endpoint, ForceLimits, Grant, LONGEST_LIFE, Lead, Life, Limit, Pairs,
    Platform, Refusal, Reissue, Request, Response, Ticket, TokenRequest, response, ticket,
};
use crate::{
    api::{Reason, TicketType, TokenMode},
    sensitive::AccessToken,
};

const MINUTE: Duration = Duration::from_secs(60);
const MINUTES_5: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) const PLATFORM: Platform = Platform {
    name: "WeChat",
    app_id: AppIdPattern {
        pattern: "^wx[0-9a-f]{16}$",
        meaning: "wx and 16 lower-case hexadecimal digits, as mp.weixin.qq.com shows under Development > Development Settings",
        example: "wx0123456789abcdef",
    },
    endpoints: &[STABLE, LEGACY],
    tickets: &[ticket(TicketType::JsApi, js_api), ticket(TicketType::WxCard, wx_card)],
    tells_id_from_secret: true,
    day_offset_seconds: 8 * 3600,
};

/// The administrator may list the other hosts (api2, sh, sz, hk): an app's IP allow-list may depend
/// on them.
const HOSTS: &[&str] = &["https://api.weixin.qq.com"];

/// Returns the same token until five minutes before its end. These tokens are independent of those
/// of the legacy endpoint.
const STABLE: Endpoint = Endpoint {
    mode: Some(TokenMode::Stable),
    hosts: HOSTS,
    reissue: Reissue::SameUntil { window: MINUTES_5 },
    lead: Lead { default: MINUTES_5, longest: MINUTES_5 },
    force: Some(ForceLimits { apart: Duration::from_secs(30), per_day: 20 }),
    daily_quota: 500_000,
    limits: &[Limit::of_app(10_000, MINUTE), Limit::of_app(500_000, DAY)],
    longest_life: LONGEST_LIFE,
    request: stable_request,
    read,
};

/// Makes a new token at each call. The token before it works for five minutes more.
const LEGACY: Endpoint = Endpoint {
    mode: Some(TokenMode::Legacy),
    hosts: HOSTS,
    reissue: Reissue::Replaces { overlap: MINUTES_5 },
    lead: Lead { default: MINUTES_5, longest: HOUR },
    force: None,
    daily_quota: 2000,
    limits: &[Limit::of_app(2000, DAY)],
    longest_life: LONGEST_LIFE,
    request: legacy_request,
    read,
};

/// <https://developers.weixin.qq.com/doc/service/api/invoice/auth/api_getticket.html>
const fn ticket(kind: TicketType, request: fn(&AccessToken) -> Request) -> Ticket {
    Ticket {
        kind,
        documented_for: "official and service accounts, not for mini programs",
        hosts: HOSTS,
        longest_life: LONGEST_LIFE,
        request,
        read: ticket::read,
    }
}

fn js_api(token: &AccessToken) -> Request {
    ticket::request("/cgi-bin/ticket/getticket", token, Some("jsapi"))
}

fn wx_card(token: &AccessToken) -> Request {
    ticket::request("/cgi-bin/ticket/getticket", token, Some("wx_card"))
}

fn stable_request(wanted: &TokenRequest<'_>) -> Request {
    let body = json!({
        "grant_type": "client_credential",
        "appid": wanted.app_id,
        "secret": wanted.secret.expose(),
        "force_refresh": wanted.force,
    });
    Request::json("/cgi-bin/stable_token", &body)
}

fn legacy_request(wanted: &TokenRequest<'_>) -> Request {
    let secret = Zeroizing::new(wanted.secret.expose().to_owned());
    let query: Pairs = vec![
        ("grant_type", Zeroizing::new("client_credential".to_owned())),
        ("appid", Zeroizing::new(wanted.app_id.to_owned())),
        ("secret", secret),
    ];
    Request::get("/cgi-bin/token", query)
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
        || response::grant(fields.access_token, fields.expires_in, Life::Left, LONGEST_LIFE),
    )
}

/// The error codes of both token endpoints. An unknown code says nothing about the credential, so
/// its reason is `BadResponse`.
fn refusal(code: i64, message: &str) -> Refusal {
    let (reason, wait) = match code {
        -1 => (Reason::PlatformBusy, None),
        40001 | 40125 => (Reason::CredentialRejected, None),
        40013 => (Reason::AppIdRejected, None),
        40164 | 45035 | 61004 => (Reason::IpNotAllowed, None),
        40243 | 50004 | 50007 => (Reason::AppSecretFrozen, None),
        45009 => (Reason::QuotaExhausted, None),
        45011 => (Reason::Throttled, None),
        89501 | 89503 => (Reason::AwaitingAdminApproval, None),
        89506 => (Reason::AwaitingAdminApproval, Some(24 * HOUR)),
        89507 => (Reason::AwaitingAdminApproval, Some(HOUR)),
        _ => (Reason::BadResponse, None),
    };
    // Both documented forms of the message have the IP there.
    let caller_ip =
        response::ip_after("invalid ip ", message).filter(|_| reason == Reason::IpNotAllowed);
    let request_id = request_id(message);
    Refusal { caller_ip, wait, request_id, ..Refusal::refused(reason, Code::Number(code)) }
}

/// The word after the last `rid:`, as far as it looks like an id: the rest of the message is free
/// text.
fn request_id(message: &str) -> Option<String> {
    let (_, rest) = message.rsplit_once("rid:")?;
    let is_of_id = |c: &char| matches!(c, '0'..='9' | 'a'..='z' | '-');
    let id: String = rest.trim_start().chars().take_while(is_of_id).collect();
    (1..=64).contains(&id.len()).then_some(id)
}

/// Both endpoints refuse alike.
#[cfg(test)]
const REFUSALS: Cases = Cases {
    mode: Some(TokenMode::Stable),
    wrong_secret: Case::Means(Reason::CredentialRejected, "40125"),
    wrong_id: Case::Means(Reason::AppIdRejected, "40013"),
    ip_refused: Case::Names(Reason::IpNotAllowed, "40164"),
    too_often: Case::Means(Reason::Throttled, "45011"),
    day_quota: Case::Means(Reason::QuotaExhausted, "45009"),
    frozen: Case::Means(Reason::AppSecretFrozen, "40243"),
    busy: Case::Means(Reason::PlatformBusy, "-1"),
    malformed: Case::Means(Reason::BadResponse, "47001"),
};

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[REFUSALS, Cases { mode: Some(TokenMode::Legacy), ..REFUSALS }];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{LEGACY, STABLE, read};
    use crate::{
        api::Reason,
        platform::{Body, Code, Refusal, Response, TokenRequest},
        sensitive::AppSecret,
    };

    #[test]
    fn the_id_of_the_request_is_a_word_of_few_characters() {
        let id = |message: &str| {
            let body = serde_json::json!({ "errcode": 40001, "errmsg": message }).to_string();
            answer(200, &body).expect_err("a refusal").request_id
        };
        assert_eq!(
            id("invalid credential, access_token is invalid rid: 6123abcd-0a1b-5e4f"),
            Some("6123abcd-0a1b-5e4f".to_owned())
        );
        assert_eq!(id("invalid appid, rid:61 \u{1b}[2J"), Some("61".to_owned()));
        for none in ["invalid", "rid: ", "rid: \u{1b}[2J", &format!("rid: {}", "a".repeat(65))] {
            assert_eq!(id(none), None, "{none:?}");
        }
    }

    fn answer(status: u16, body: &str) -> Result<(String, Duration), Refusal> {
        let response = Response { status, content_type: "", body: body.as_bytes() };
        read(&response).map(|grant| (grant.token.expose().to_owned(), grant.life.span()))
    }

    #[track_caller]
    fn refused(status: u16, body: &str, reason: Reason, code: Option<i64>) {
        let refusal = answer(status, body).expect_err("a refusal");
        let code = code.map(Code::Number);
        assert_eq!((refusal.reason, refusal.code), (reason, code), "{status} {body}");
    }

    #[test]
    fn tokens_are_read_from_what_the_documents_show_and_from_a_string() {
        let hours = Ok(("T".to_owned(), Duration::from_secs(7200)));
        assert_eq!(answer(200, r#"{"access_token":"T","expires_in":7200}"#), hours);
        assert_eq!(answer(200, r#"{"access_token":"T","expires_in":"7200"}"#), hours);
        assert_eq!(
            answer(200, r#"{"errcode":0,"errmsg":"ok","access_token":"T","expires_in":7200.9}"#),
            hours
        );
    }

    #[test]
    fn implausible_answers_are_not_understood() {
        for body in [
            r#"{"access_token":"T","expires_in":0}"#,
            r#"{"access_token":"T","expires_in":-1}"#,
            r#"{"access_token":"T"}"#,
            r#"{"access_token":"T","expires_in":1e12}"#,
            r#"{"access_token":"T","expires_in":{"a":1}}"#,
            r#"{"access_token":"","expires_in":7200}"#,
            r#"{"access_token":7,"expires_in":7200}"#,
            r#"{"access_token":"two words","expires_in":7200}"#,
            "{}",
            "[]",
            r#"["T",7200]"#,
            "null",
            "",
            r#"{"access_token":"T","expi"#,
            "<html>please log in</html>",
        ] {
            refused(200, body, Reason::BadResponse, None);
        }
    }

    #[test]
    fn http_statuses_speak_where_no_json_does() {
        refused(502, "<html>bad gateway</html>", Reason::PlatformBusy, None);
        refused(503, "{}", Reason::PlatformBusy, None);
        refused(429, "", Reason::Throttled, None);
        refused(302, "", Reason::BadResponse, None);
        refused(404, "not found", Reason::BadResponse, None);
        refused(500, r#"{"errcode":40125,"errmsg":"x"}"#, Reason::CredentialRejected, Some(40125));
    }

    #[test]
    fn every_documented_code_has_its_reason() {
        for (code, reason) in [
            (-1, Reason::PlatformBusy),
            (40001, Reason::CredentialRejected),
            (40002, Reason::BadResponse),
            (40013, Reason::AppIdRejected),
            (40125, Reason::CredentialRejected),
            (40164, Reason::IpNotAllowed),
            (40243, Reason::AppSecretFrozen),
            (41002, Reason::BadResponse),
            (41004, Reason::BadResponse),
            (43002, Reason::BadResponse),
            (45009, Reason::QuotaExhausted),
            (45011, Reason::Throttled),
            (45035, Reason::IpNotAllowed),
            (48017, Reason::BadResponse),
            (50004, Reason::AppSecretFrozen),
            (50007, Reason::AppSecretFrozen),
            (61004, Reason::IpNotAllowed),
            (61024, Reason::BadResponse),
            (89501, Reason::AwaitingAdminApproval),
            (89503, Reason::AwaitingAdminApproval),
            (89506, Reason::AwaitingAdminApproval),
            (89507, Reason::AwaitingAdminApproval),
            (12345, Reason::BadResponse),
        ] {
            refused(
                200,
                &format!(r#"{{"errcode":{code},"errmsg":"m rid: 1"}}"#),
                reason,
                Some(code),
            );
        }
        let wait = |code: i64| {
            answer(200, &format!(r#"{{"errcode":{code}}}"#)).expect_err("a refusal").wait
        };
        assert_eq!(wait(89506), Some(Duration::from_secs(86_400)));
        assert_eq!(wait(89507), Some(Duration::from_secs(3600)));
    }

    #[test]
    fn the_refused_ip_is_taken_from_both_shapes_and_from_nothing_else() {
        let ip = |message: &str| {
            let body = serde_json::json!({ "errcode": 40164, "errmsg": message }).to_string();
            answer(200, &body).expect_err("a refusal").caller_ip.map(|ip| ip.to_string())
        };
        let new = "invalid ip 203.0.113.5 ipv6 ::ffff:203.0.113.5, not in whitelist rid: 68231586-663e56da-1e04e5eb";
        assert_eq!(ip(new), Some("203.0.113.5".into()));
        assert_eq!(
            ip("invalid ip 203.0.113.7, not in whitelist hint: [3yfuHA0202nfo1]"),
            Some("203.0.113.7".into())
        );
        assert_eq!(ip("invalid ip 2001:db8::1, not in whitelist"), Some("2001:db8::1".into()));
        assert_eq!(ip("invalid ip <script>, not in whitelist"), None);
        assert_eq!(ip(""), None);
    }

    #[test]
    fn requests_are_as_documented() {
        let secret = AppSecret::parse(b"s&x").expect("plausible");
        let wanted = TokenRequest { app_id: "wx0123456789abcdef", secret: &secret, force: true };
        let stable = (STABLE.request)(&wanted);
        let Body::Json(body) = &stable.body else { panic!("a body") };
        let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(stable.path, "/cgi-bin/stable_token");
        assert_eq!(
            body,
            serde_json::json!({
                "grant_type": "client_credential", "appid": "wx0123456789abcdef", "secret": "s&x", "force_refresh": true
            })
        );
        let legacy = (LEGACY.request)(&wanted);
        let query: Vec<_> =
            legacy.query.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(legacy.path, "/cgi-bin/token");
        assert_eq!(
            query,
            [
                ("grant_type", "client_credential"),
                ("appid", "wx0123456789abcdef"),
                ("secret", "s&x")
            ]
        );
        assert!(matches!(legacy.body, Body::None));
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_parser_panic(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..256)) {
            for platform in crate::platform::ALL {
                for endpoint in platform.endpoints {
                    let response = Response { status, content_type: "", body: &body };
                    let _ = (endpoint.read)(&response);
                }
            }
        }
    }
}
