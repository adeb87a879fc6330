//! Xiaohongshu (RED): mini programs.
//!
//! Source: <https://miniapp.xiaohongshu.com/doc/DC010382>; refusals are from the platform's
//! tracker, <https://github.com/redengineer/redmini>.
//!
//! Unverified: the life of two hours. A token was seen to be dead after one, so the life in the
//! response counts, and no constant.

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

pub(super) const PLATFORM: Platform = Platform {
    name: "Xiaohongshu",
    app_id: AppIdPattern {
        pattern: "^[0-9a-z]{16,40}$",
        meaning: "the AppID of digits and lower-case letters that the developer console shows",
        example: "0123456789abcdef01234567",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: &["https://miniapp.xiaohongshu.com"],
        reissue: Reissue::Replaces { overlap: MINUTES_5 },
        lead: Lead { default: MINUTES_5, longest: Duration::from_secs(3600) },
        force: None,
        daily_quota: UNDOCUMENTED_QUOTA,
        limits: &[],
        longest_life: LONGEST_LIFE,
        request,
        read,
    }],
    tickets: &[],
    tells_id_from_secret: false,
    day_offset_seconds: 8 * 3600,
};

fn request(wanted: &TokenRequest<'_>) -> Request {
    let body = json!({ "appid": wanted.app_id, "secret": wanted.secret.expose() });
    Request::json("/api/rmp/token", &body)
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    success: Option<bool>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    code: Option<i64>,
    /// The code of the gateway, whose refusals have no `code`.
    #[serde(default, deserialize_with = "response::lenient_integer")]
    error_code: Option<i64>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expire_in: Option<i64>,
}

/// A refusal has one of three shapes: JSON of the API, JSON of the gateway before it, and HTML with
/// HTTP status 400.
fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    response::by_number(response, fields.code.or(fields.error_code).unwrap_or(0), refusal, || {
        let data = fields.data.filter(|_| fields.success == Some(true));
        let (token, life) = data.map_or((None, None), |data| (data.access_token, data.expire_in));
        response::grant(token, life, Life::Left, LONGEST_LIFE)
    })
}

fn refusal(code: i64) -> Refusal {
    let reason = match code {
        2 => Reason::PlatformBusy,
        410_004 => Reason::CredentialRejected,
        _ => Reason::BadResponse,
    };
    Refusal::refused(reason, Code::Number(code))
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "410004"),
    wrong_id: Case::Means(Reason::CredentialRejected, "410004"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Means(Reason::PlatformBusy, "2"),
    malformed: Case::Means(Reason::BadResponse, "-9012"),
}];

#[cfg(test)]
mod tests {
    use super::read;
    use crate::{
        api::Reason,
        platform::{Code, Response},
    };

    #[test]
    fn three_shapes_of_refusal_are_read_on_one_path() {
        let html = "<html><head><title>HTTP Status 400 – Bad Request</title></head></html>";
        for (status, body, reason, code) in [
            (
                200,
                r#"{"data":null,"success":false,"msg":"应用秘钥不匹配","code":410004}"#,
                Reason::CredentialRejected,
                Some(410_004),
            ),
            (
                200,
                r#"{"error_code":-9012,"error_msg":"x","success":false}"#,
                Reason::BadResponse,
                Some(-9012),
            ),
            (400, html, Reason::BadResponse, None),
        ] {
            let response = Response { status, content_type: "", body: body.as_bytes() };
            let refusal = read(&response).err().expect("a refusal");
            assert_eq!((refusal.reason, refusal.code), (reason, code.map(Code::Number)));
        }
    }

    #[test]
    fn a_token_without_success_is_not_taken() {
        let body = br#"{"data":{"access_token":"T","expire_in":7200},"success":false,"code":0}"#;
        assert!(read(&Response { status: 200, content_type: "", body }).is_err());
    }
}
