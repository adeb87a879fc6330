//! Feishu: self-built apps, with their tenant access token. Lark speaks alike.
//!
//! Source:
//! <https://open.larkoffice.com/document/ukTMukTMukTM/ukDNz4SO0MjL5QzM/auth-v3/auth/tenant_access_token_internal.md>.

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

const MINUTES_30: Duration = Duration::from_secs(1800);

pub(super) const PLATFORM: Platform = Platform {
    name: "Feishu",
    app_id: APP_ID,
    endpoints: &[ENDPOINT],
    tickets: &[],
    tells_id_from_secret: true,
    day_offset_seconds: 8 * 3600,
};

pub(super) const APP_ID: AppIdPattern = AppIdPattern {
    pattern: "^cli_[0-9a-z]{8,32}$",
    meaning: "cli_ and digits and lower-case letters, as the developer console shows under \
              Credentials",
    example: "cli_a1b2c3d4e5f60789",
};

/// Returns the same token until half an hour before its end; then both are valid.
pub(super) const ENDPOINT: Endpoint = Endpoint {
    mode: None,
    hosts: &["https://open.feishu.cn"],
    reissue: Reissue::SameUntil { window: MINUTES_30 },
    lead: Lead { default: MINUTES_30, longest: MINUTES_30 },
    force: None,
    daily_quota: UNDOCUMENTED_QUOTA,
    limits: &[],
    longest_life: LONGEST_LIFE,
    request,
    read,
};

fn request(wanted: &TokenRequest<'_>) -> Request {
    let body = json!({ "app_id": wanted.app_id, "app_secret": wanted.secret.expose() });
    Request::json("/open-apis/auth/v3/tenant_access_token/internal", &body)
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    tenant_access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expire: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    code: Option<i64>,
    #[serde(default, deserialize_with = "response::token_text")]
    msg: Option<Zeroizing<String>>,
}

fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    response::by_number(
        response,
        fields.code.unwrap_or(0),
        |code| refusal(code, fields.msg.as_deref().map_or("", String::as_str)),
        || response::grant(fields.tenant_access_token, fields.expire, Life::Left, LONGEST_LIFE),
    )
}

/// Code 10014 is for a wrong secret and for an unknown app id: only its text tells them apart.
fn refusal(code: i64, message: &str) -> Refusal {
    let reason = match code {
        2200 => Reason::PlatformBusy,
        10014 if message.contains("app id") => Reason::AppIdRejected,
        10014 => Reason::CredentialRejected,
        // The platform's general code of its rate limit.
        99_991_400 => Reason::Throttled,
        _ => Reason::BadResponse,
    };
    Refusal::refused(reason, Code::Number(code))
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "10014"),
    wrong_id: Case::Means(Reason::AppIdRejected, "10014"),
    ip_refused: Case::Never,
    too_often: Case::Means(Reason::Throttled, "99991400"),
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Means(Reason::PlatformBusy, "2200"),
    malformed: Case::Means(Reason::BadResponse, "10003"),
}];

#[cfg(test)]
mod tests {
    use super::read;
    use crate::{
        api::Reason,
        platform::{Certainty, Code, Response},
    };

    #[test]
    fn an_internal_error_comes_with_an_empty_token_and_an_error_may_come_with_code_0() {
        let refusal = |body: &str| {
            let response = Response { status: 200, content_type: "", body: body.as_bytes() };
            read(&response).err().expect("a refusal")
        };
        let busy = refusal(r#"{"code":2200,"expire":0,"tenant_access_token":"","msg":"Internal"}"#);
        assert_eq!((busy.reason, busy.code), (Reason::PlatformBusy, Some(Code::Number(2200))));
        let odd = refusal(r#"{"code":0,"error":"invalid_grant"}"#);
        assert_eq!((odd.reason, odd.certainty), (Reason::BadResponse, Certainty::Unknown));
    }
}
