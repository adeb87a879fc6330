//! QQ: mini programs and mini games.
//!
//! Source: <https://w3cschool.cn/qqxiaochengxu/qqxiaochengxu-hxzc3874.html>, a copy of the
//! platform's page.
//!
//! Unverified: that a replaced token works for five minutes more. The page has `WeChat`'s text word
//! for word, so no overlap is counted on. Nor is the HTTP status of a refusal known.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Code, Endpoint, Grant, LONGEST_LIFE, Lead, Life, Platform, Refusal, Reissue,
    Request, Response, TokenRequest, UNDOCUMENTED_QUOTA, response,
};
use crate::api::Reason;

pub(super) const PLATFORM: Platform = Platform {
    name: "QQ",
    app_id: AppIdPattern {
        pattern: "^[0-9]{6,20}$",
        meaning: "the AppID of digits that q.qq.com shows",
        example: "1100000001",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: &["https://api.q.qq.com"],
        reissue: Reissue::Replaces { overlap: Duration::ZERO },
        lead: Lead { default: Duration::from_secs(300), longest: Duration::from_secs(3600) },
        force: None,
        daily_quota: UNDOCUMENTED_QUOTA,
        limits: &[],
        longest_life: LONGEST_LIFE,
        request,
        read,
    }],
    tickets: &[],
    tells_id_from_secret: true,
    day_offset_seconds: 8 * 3600,
};

fn request(wanted: &TokenRequest<'_>) -> Request {
    let query = vec![
        ("grant_type", Zeroizing::new("client_credential".to_owned())),
        ("appid", Zeroizing::new(wanted.app_id.to_owned())),
        ("secret", Zeroizing::new(wanted.secret.expose().to_owned())),
    ];
    Request::get("/api/getToken", query)
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    errcode: Option<i64>,
}

fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    response::by_number(response, fields.errcode.unwrap_or(0), refusal, || {
        response::grant(fields.access_token, fields.expires_in, Life::Left, LONGEST_LIFE)
    })
}

fn refusal(code: i64) -> Refusal {
    let reason = match code {
        -1 => Reason::PlatformBusy,
        40001 => Reason::CredentialRejected,
        40013 => Reason::AppIdRejected,
        _ => Reason::BadResponse,
    };
    Refusal::refused(reason, Code::Number(code))
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "40001"),
    wrong_id: Case::Means(Reason::AppIdRejected, "40013"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Means(Reason::PlatformBusy, "-1"),
    malformed: Case::Means(Reason::BadResponse, "40002"),
}];
