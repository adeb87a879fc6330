//! Douyin: mini programs, with the access token of `/api/apps/v2/token`.
//!
//! Source:
//! <https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/interface-request-credential/non-user-authorization/get-access-token>.
//!
//! The former endpoint, a GET of `/api/apps/token`, was taken down in 2023 and says of every secret
//! that it is wrong. So 40017 means a wrong secret only if nothing on the way goes there.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Code, Endpoint, Grant, LONGEST_LIFE, Lead, Life, Platform, Refusal, Reissue,
    Request, Response, TokenRequest, UNDOCUMENTED_QUOTA, response,
};
use crate::api::Reason;

const MINUTES_5: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

pub(super) const PLATFORM: Platform = Platform {
    name: "Douyin",
    app_id: APP_ID,
    endpoints: &[ENDPOINT],
    tickets: &[],
    tells_id_from_secret: true,
    day_offset_seconds: 8 * 3600,
};

pub(super) const APP_ID: AppIdPattern = AppIdPattern {
    pattern: "^tt[0-9a-z]{8,32}$",
    meaning: "tt and digits and lower-case letters, as the developer console shows",
    example: "tt0123456789abcdef",
};

/// Makes a new token at each call. The token before it works for five minutes more.
pub(super) const ENDPOINT: Endpoint = Endpoint {
    mode: None,
    hosts: &["https://developer.toutiao.com"],
    reissue: Reissue::Replaces { overlap: MINUTES_5 },
    lead: Lead { default: MINUTES_5, longest: HOUR },
    force: None,
    daily_quota: UNDOCUMENTED_QUOTA,
    limits: &[],
    longest_life: LONGEST_LIFE,
    request,
    read,
};

fn request(wanted: &TokenRequest<'_>) -> Request {
    Request::json("/api/apps/v2/token", &body(wanted))
}

pub(super) fn body(wanted: &TokenRequest<'_>) -> serde_json::Value {
    json!({
        "appid": wanted.app_id,
        "secret": wanted.secret.expose(),
        "grant_type": "client_credential",
    })
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::lenient_integer")]
    err_no: Option<i64>,
    #[serde(default)]
    data: Option<Data>,
}

/// A token, which is empty in a refusal.
#[derive(Deserialize)]
pub(super) struct Data {
    #[serde(default, deserialize_with = "response::token_text")]
    pub access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    pub expires_in: Option<i64>,
}

impl Data {
    pub fn grant(data: Option<Self>, counted: fn(Duration) -> Life) -> Result<Grant, Refusal> {
        let (token, life) = data.map_or((None, None), |data| (data.access_token, data.expires_in));
        response::grant(token, life, counted, LONGEST_LIFE)
    }
}

pub(super) fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    response::by_number(response, fields.err_no.unwrap_or(0), refusal, || {
        Data::grant(fields.data, Life::Left)
    })
}

fn refusal(code: i64) -> Refusal {
    let reason = match code {
        -1 => Reason::PlatformBusy,
        40015 => Reason::AppIdRejected,
        40017 => Reason::CredentialRejected,
        _ => Reason::BadResponse,
    };
    Refusal::refused(reason, Code::Number(code))
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "40017"),
    wrong_id: Case::Means(Reason::AppIdRejected, "40015"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Means(Reason::PlatformBusy, "-1"),
    malformed: Case::Means(Reason::BadResponse, "40014"),
}];
