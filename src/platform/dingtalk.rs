//! `DingTalk`: internal apps, by the new API and by the old one.
//!
//! Sources: the pages of open.dingtalk.com on `/v1.0/oauth2/accessToken` and `/gettoken`, and for
//! repeated calls <https://developer.aliyun.com/ask/585211>.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Code, Endpoint, Grant, LONGEST_LIFE, Lead, Life, Limit, Platform, Refusal,
    Reissue, Request, Response, TokenRequest, UNDOCUMENTED_QUOTA, response,
};
use crate::api::{Reason, TokenMode};

const MINUTES_5: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

pub(super) const PLATFORM: Platform = Platform {
    name: "DingTalk",
    app_id: AppIdPattern {
        pattern: "^ding[0-9a-z]{8,60}$",
        meaning: "the Client ID (formerly AppKey) that the developer console shows, which begins \
                  with ding",
        example: "ding0123456789abcdef",
    },
    endpoints: &[NEW, OLD],
    tickets: &[],
    tells_id_from_secret: false,
    day_offset_seconds: 8 * 3600,
};

/// Within a token's life a call returns the same one, and its life begins again.
const NEW: Endpoint = Endpoint {
    mode: Some(TokenMode::Stable),
    hosts: &["https://api.dingtalk.com"],
    reissue: Reissue::Renews,
    lead: Lead { default: MINUTES_5, longest: HOUR },
    force: None,
    daily_quota: UNDOCUMENTED_QUOTA,
    limits: &[Limit::of_address(10_000, Duration::from_secs(20))],
    longest_life: LONGEST_LIFE,
    request: new_request,
    read: read_new,
};

const OLD: Endpoint = Endpoint {
    mode: Some(TokenMode::Legacy),
    hosts: &["https://oapi.dingtalk.com"],
    request: old_request,
    read: read_old,
    ..NEW
};

fn new_request(wanted: &TokenRequest<'_>) -> Request {
    let body = json!({ "appKey": wanted.app_id, "appSecret": wanted.secret.expose() });
    Request::json("/v1.0/oauth2/accessToken", &body)
}

fn old_request(wanted: &TokenRequest<'_>) -> Request {
    let query = vec![
        ("appkey", Zeroizing::new(wanted.app_id.to_owned())),
        ("appsecret", Zeroizing::new(wanted.secret.expose().to_owned())),
    ];
    Request::get("/gettoken", query)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewFields {
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expire_in: Option<i64>,
    #[serde(default, deserialize_with = "response::token_text")]
    code: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    status: Option<i64>,
}

#[derive(Deserialize)]
struct OldFields {
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    errcode: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    status: Option<i64>,
}

fn read_new(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: NewFields = response::json(response)?;
    not_banned(fields.status)?;
    let word = fields.code.as_deref().map(String::as_str);
    response::by_word(response, word, new_reason, || {
        response::grant(fields.access_token, fields.expire_in, Life::Left, LONGEST_LIFE)
    })
}

fn read_old(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: OldFields = response::json(response)?;
    not_banned(fields.status)?;
    response::by_number(
        response,
        fields.errcode.unwrap_or(0),
        |code| Refusal::refused(old_reason(code), Code::Number(code)),
        || response::grant(fields.access_token, fields.expires_in, Life::Left, LONGEST_LIFE),
    )
}

/// An address that calls too often is banned for five minutes, by an answer that is not the API's.
fn not_banned(status: Option<i64>) -> Result<(), Refusal> {
    const BANNED: i64 = 1111;
    if status != Some(BANNED) {
        return Ok(());
    }
    let refusal = Refusal::refused(Reason::Throttled, Code::Number(BANNED));
    Err(Refusal { wait: Some(MINUTES_5), ..refusal })
}

/// The code decides and not the HTTP status: one code comes with several.
fn new_reason(word: &str) -> Reason {
    match word {
        "invalidClientIdOrSecret" => Reason::CredentialRejected,
        "unauthorized.client" => Reason::AppSecretFrozen,
        "unknownError" => Reason::PlatformBusy,
        "qps.exceed.limit" | "request.overlimit" => Reason::Throttled,
        "Forbidden.AccessDenied.IpNotInWhiteList" => Reason::IpNotAllowed,
        _ if word.starts_with("Forbidden.AccessDenied.Qp") => Reason::Throttled,
        _ => Reason::BadResponse,
    }
}

fn old_reason(code: i64) -> Reason {
    match code {
        -1 => Reason::PlatformBusy,
        40001 | 40089 | 40096 => Reason::CredentialRejected,
        60020 => Reason::IpNotAllowed,
        90001..=90014 => Reason::Throttled,
        _ => Reason::BadResponse,
    }
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[
    Cases {
        mode: Some(TokenMode::Stable),
        wrong_secret: Case::Means(Reason::CredentialRejected, "invalidClientIdOrSecret"),
        wrong_id: Case::Means(Reason::CredentialRejected, "invalidClientIdOrSecret"),
        ip_refused: Case::Means(Reason::IpNotAllowed, "Forbidden.AccessDenied.IpNotInWhiteList"),
        too_often: Case::Means(Reason::Throttled, "qps.exceed.limit"),
        day_quota: Case::Never,
        frozen: Case::Means(Reason::AppSecretFrozen, "unauthorized.client"),
        busy: Case::Means(Reason::PlatformBusy, "unknownError"),
        malformed: Case::Means(Reason::BadResponse, "Missingbody"),
    },
    Cases {
        mode: Some(TokenMode::Legacy),
        wrong_secret: Case::Means(Reason::CredentialRejected, "40096"),
        wrong_id: Case::Means(Reason::CredentialRejected, "40096"),
        ip_refused: Case::Means(Reason::IpNotAllowed, "60020"),
        too_often: Case::Means(Reason::Throttled, "90002"),
        day_quota: Case::Never,
        frozen: Case::Never,
        busy: Case::Means(Reason::PlatformBusy, "-1"),
        malformed: Case::Means(Reason::BadResponse, "40035"),
    },
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{PLATFORM, read_new};
    use crate::{
        api::Reason,
        platform::{Certainty, Response},
    };

    #[test]
    fn a_word_that_cannot_be_shown_leaves_the_outcome_open() {
        for word in ["two words", "\\u001b[31m", "<b>"] {
            let body = format!(r#"{{"code":"{word}","message":"m"}}"#);
            let response = Response { status: 400, content_type: "", body: body.as_bytes() };
            let refusal = read_new(&response).err().expect("a refusal");
            let seen = (refusal.reason, refusal.certainty, refusal.code);
            assert_eq!(seen, (Reason::BadResponse, Certainty::Unknown, None), "{word}");
        }
    }

    #[test]
    fn a_banned_address_waits_five_minutes() {
        let body = br#"{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"xxx"}"#;
        for endpoint in PLATFORM.endpoints {
            let response = Response { status: 200, content_type: "", body };
            let refusal = (endpoint.read)(&response).err().expect("a refusal");
            let wait = Some(Duration::from_secs(300));
            assert_eq!((refusal.reason, refusal.wait), (Reason::Throttled, wait));
        }
    }
}
