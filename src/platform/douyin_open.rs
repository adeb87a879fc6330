//! Douyin's open platform: `client_token` and `stable_client_token`.
//!
//! Sources:
//! <https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/interface-request-credential/non-user-authorization/get-client_token>,
//! <https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/generate-stable-client-token>
//! and <https://developer.open-douyin.com/docs/resource/zh-cn/dop/develop/openapi/status-code>.
//!
//! Unverified, of the stable endpoint: whether the life in a response is what remains or the whole
//! one, and whether a new token is made before the end of the old one. So no repeated response
//! gives a token more life, and a token is asked for again in its last minutes only.

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

const MINUTES_2: Duration = Duration::from_secs(120);
const MINUTES_5: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);
const HOSTS: &[&str] = &["https://open.douyin.com"];

pub(super) const PLATFORM: Platform = Platform {
    name: "DouyinOpen",
    app_id: AppIdPattern {
        pattern: "^[0-9a-z]{8,40}$",
        meaning: "the Client Key (or AppID), of digits and lower-case letters, as the developer \
                  console shows",
        example: "aw0123456789abcdef",
    },
    endpoints: &[STABLE, LEGACY],
    tickets: &[],
    tells_id_from_secret: true,
    day_offset_seconds: 8 * 3600,
};

/// Returns the same token within its life.
const STABLE: Endpoint = Endpoint {
    mode: Some(TokenMode::Stable),
    hosts: HOSTS,
    reissue: Reissue::SameUntil { window: MINUTES_2 },
    lead: Lead { default: MINUTES_2, longest: MINUTES_2 },
    force: None,
    daily_quota: UNDOCUMENTED_QUOTA,
    limits: &[],
    longest_life: LONGEST_LIFE,
    request: stable_request,
    read: read_stable,
};

/// Makes a new token at each call. The token before it works for five minutes more, and of several
/// only the newest two.
const LEGACY: Endpoint = Endpoint {
    mode: Some(TokenMode::Legacy),
    reissue: Reissue::Replaces { overlap: MINUTES_5 },
    lead: Lead { default: MINUTES_5, longest: HOUR },
    limits: &[Limit::of_app(500, MINUTES_5)],
    request: legacy_request,
    read: read_legacy,
    ..STABLE
};

fn stable_request(wanted: &TokenRequest<'_>) -> Request {
    Request::json("/oauth/stable_client_token/", &body(wanted))
}

fn legacy_request(wanted: &TokenRequest<'_>) -> Request {
    Request::json("/oauth/client_token/", &body(wanted))
}

fn body(wanted: &TokenRequest<'_>) -> serde_json::Value {
    json!({
        "client_key": wanted.app_id,
        "client_secret": wanted.secret.expose(),
        "grant_type": "client_credential",
    })
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    data: Option<Coded>,
}

#[derive(Deserialize)]
struct Coded {
    #[serde(default, deserialize_with = "response::lenient_integer")]
    error_code: Option<i64>,
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expires_in: Option<i64>,
}

fn read_stable(response: &Response<'_>) -> Result<Grant, Refusal> {
    read(response, Life::Whole)
}

fn read_legacy(response: &Response<'_>) -> Result<Grant, Refusal> {
    read(response, Life::Left)
}

fn read(response: &Response<'_>, counted: fn(Duration) -> Life) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    let Some(data) = fields.data else { return Err(response::without_json(response.status)) };
    response::by_number(response, data.error_code.unwrap_or(0), refusal, || {
        response::grant(data.access_token, data.expires_in, counted, LONGEST_LIFE)
    })
}

/// The codes of the endpoints, and the open platform's general ones in their two generations.
fn refusal(code: i64) -> Refusal {
    let (reason, wait) = match code {
        10001 | 2_100_004 | 28_001_005 | 28_001_006 => (Reason::PlatformBusy, None),
        10003 => (Reason::AppIdRejected, None),
        10013 => (Reason::CredentialRejected, None),
        // More than 500 calls in five minutes.
        10020 => (Reason::Throttled, Some(MINUTES_5)),
        28_003_018 => (Reason::Throttled, None),
        28_001_016 => (Reason::AppSecretFrozen, None),
        2_190_001 | 28_003_017 => (Reason::QuotaExhausted, None),
        _ => (Reason::BadResponse, None),
    };
    Refusal { wait, ..Refusal::refused(reason, Code::Number(code)) }
}

/// Both endpoints refuse alike.
#[cfg(test)]
const REFUSALS: Cases = Cases {
    mode: Some(TokenMode::Stable),
    wrong_secret: Case::Means(Reason::CredentialRejected, "10013"),
    wrong_id: Case::Means(Reason::AppIdRejected, "10003"),
    ip_refused: Case::Never,
    too_often: Case::Means(Reason::Throttled, "10020"),
    day_quota: Case::Means(Reason::QuotaExhausted, "28003017"),
    frozen: Case::Means(Reason::AppSecretFrozen, "28001016"),
    busy: Case::Means(Reason::PlatformBusy, "28001005"),
    malformed: Case::Means(Reason::BadResponse, "10002"),
};

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[REFUSALS, Cases { mode: Some(TokenMode::Legacy), ..REFUSALS }];
