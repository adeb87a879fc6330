//! Huawei: apps of `AppGallery Connect`, whose token serves its server APIs.
//!
//! Sources:
//! <https://developer.huawei.com/consumer/en/doc/doccenter-references/api/account-server-error-code/>
//! and <https://developer.huawei.com/consumer/en/doc/token-flow-control>.
//!
//! Unverified: that earlier tokens live on. The platform issues a thousand in five minutes and
//! recommends to share them among servers, so they must.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Code, Endpoint, Grant, LONGEST_LIFE, Lead, Life, Limit, Platform, Refusal,
    Reissue, Request, Response, TokenRequest, UNDOCUMENTED_QUOTA, response, rfc6749,
};
use crate::api::Reason;

const MINUTES_5: Duration = Duration::from_secs(300);

pub(super) const PLATFORM: Platform = Platform {
    name: "Huawei",
    app_id: AppIdPattern {
        pattern: "^[0-9]{5,24}$",
        meaning: "the app's own client ID of digits, not the project's, as AppGallery Connect \
                  shows",
        example: "100000001",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: &["https://oauth-login.cloud.huawei.com"],
        reissue: Reissue::Adds,
        lead: Lead { default: MINUTES_5, longest: Duration::from_secs(1800) },
        force: None,
        daily_quota: UNDOCUMENTED_QUOTA,
        limits: &[Limit::of_app(1000, MINUTES_5)],
        longest_life: LONGEST_LIFE,
        request,
        read,
    }],
    tickets: &[],
    tells_id_from_secret: true,
    day_offset_seconds: 8 * 3600,
};

fn request(wanted: &TokenRequest<'_>) -> Request {
    Request::form("/oauth2/v3/token", rfc6749::parameters(wanted))
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    error: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    sub_error: Option<i64>,
}

/// The number in `error` is the same for most causes; `sub_error` tells them apart. The platform
/// documents HTTP status 403 for a caller that its network policy refuses, and 503 for more than a
/// thousand tokens in five minutes.
fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    let number = fields.sub_error.or(fields.error).unwrap_or(0);
    let status = response.status;
    response::by_number(
        response,
        number,
        |code| refusal(code, status),
        || response::grant(fields.access_token, fields.expires_in, Life::Left, LONGEST_LIFE),
    )
}

fn refusal(code: i64, status: u16) -> Refusal {
    let (reason, wait) = match (code, status) {
        (20003, _) => (Reason::AppIdRejected, None),
        (12304, _) => (Reason::CredentialRejected, None),
        (_, 403) => (Reason::IpNotAllowed, None),
        (_, 503) => (Reason::Throttled, Some(MINUTES_5)),
        _ => (Reason::BadResponse, None),
    };
    Refusal { wait, ..Refusal::refused(reason, Code::Number(code)) }
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "12304"),
    wrong_id: Case::Means(Reason::AppIdRejected, "20003"),
    ip_refused: Case::Means(Reason::IpNotAllowed, "1203"),
    too_often: Case::Means(Reason::Throttled, "1203"),
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Means(Reason::PlatformBusy, "1203"),
    malformed: Case::Means(Reason::BadResponse, "20002"),
}];

#[cfg(test)]
mod tests {
    use super::read;
    use crate::platform::Response;

    #[test]
    fn an_escaped_slash_is_part_of_a_token() {
        let body = br#"{"access_token":"DQ\/a\/b==","expires_in":3600,"token_type":"Bearer"}"#;
        let grant = read(&Response { status: 200, content_type: "", body }).expect("a token");
        assert_eq!(grant.token.expose(), "DQ/a/b==");
    }
}
