//! QQ bots.
//!
//! Sources: <https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/api-use.html>
//! and <https://github.com/tencent-connect/botgo>, the platform's SDK.
//!
//! A new token is made in the last minute only, which is less than a pod may lag behind its Secret:
//! no keeper can spare such a pod some seconds with an expired token.

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

const MINUTE: Duration = Duration::from_secs(60);

pub(super) const PLATFORM: Platform = Platform {
    name: "QQBot",
    app_id: AppIdPattern {
        pattern: "^[0-9]{6,20}$",
        meaning: "the AppID of digits that q.qq.com shows",
        example: "102000001",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: &["https://api.bot.qq.com"],
        reissue: Reissue::SameUntil { window: MINUTE },
        lead: Lead { default: MINUTE, longest: MINUTE },
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

/// The app id is a text in JSON: as a number, it gets an internal error.
fn request(wanted: &TokenRequest<'_>) -> Request {
    let body = json!({ "appId": wanted.app_id, "clientSecret": wanted.secret.expose() });
    Request::json("/app/getAppAccessToken", &body)
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    code: Option<i64>,
}

fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    response::by_number(response, fields.code.unwrap_or(0), refusal, || {
        response::grant(fields.access_token, fields.expires_in, Life::Left, LONGEST_LIFE)
    })
}

/// Code 100002, `internal err`, is for a request of another form, and not trouble at the platform.
/// Code 100007 is for a wrong app id, and for a bot that is banned or deleted; 100016 is for an app
/// secret that is not this app id's.
fn refusal(code: i64) -> Refusal {
    let reason = match code {
        10004 | 100_007 => Reason::AppIdRejected,
        100_001 => Reason::Throttled,
        100_016 => Reason::CredentialRejected,
        _ => Reason::BadResponse,
    };
    Refusal::refused(reason, Code::Number(code))
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "100016"),
    wrong_id: Case::Means(Reason::AppIdRejected, "100007"),
    ip_refused: Case::Never,
    too_often: Case::Means(Reason::Throttled, "100001"),
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Never,
    malformed: Case::Means(Reason::BadResponse, "100002"),
}];
