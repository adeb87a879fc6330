//! Kuaishou: mini programs.
//!
//! Source: <https://mp.kuaishou.com/docs/develop/server/getAccessToken.html>.
//!
//! Unverified: the HTTP status of a refusal, so the body decides. The page's table shows a life of
//! 3600000 seconds beside a text of 48 hours, so a longer life than that is taken for 48 hours.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Code, Endpoint, Grant, Lead, Life, Platform, Refusal, Reissue, Request, Response,
    TokenRequest, UNDOCUMENTED_QUOTA, response,
};
use crate::api::Reason;

const HOURS_48: Duration = Duration::from_secs(48 * 3600);

pub(super) const PLATFORM: Platform = Platform {
    name: "Kuaishou",
    app_id: AppIdPattern {
        pattern: "^ks[0-9]{8,30}$",
        meaning: "ks and digits, as the developer console shows",
        example: "ks650000000000000001",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: &["https://open.kuaishou.com"],
        reissue: Reissue::Adds,
        lead: Lead { default: Duration::from_secs(3600), longest: Duration::from_secs(24 * 3600) },
        force: None,
        daily_quota: UNDOCUMENTED_QUOTA,
        limits: &[],
        longest_life: HOURS_48,
        request,
        read,
    }],
    tickets: &[],
    tells_id_from_secret: false,
    day_offset_seconds: 8 * 3600,
};

fn request(wanted: &TokenRequest<'_>) -> Request {
    let fields = vec![
        ("app_id", Zeroizing::new(wanted.app_id.to_owned())),
        ("app_secret", Zeroizing::new(wanted.secret.expose().to_owned())),
        ("grant_type", Zeroizing::new("client_credentials".to_owned())),
    ];
    Request::form("/oauth2/access_token", fields)
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    result: Option<i64>,
}

/// A success is `result` 1.
fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    let number = match fields.result {
        None | Some(0) => return Err(response::without_json(response.status)),
        Some(1) => 0,
        Some(number) => number,
    };
    let longest = i64::try_from(HOURS_48.as_secs()).unwrap_or(i64::MAX);
    response::by_number(response, number, refusal, || {
        let life = fields.expires_in.map(|life| life.min(longest));
        response::grant(fields.access_token, life, Life::Left, HOURS_48)
    })
}

fn refusal(code: i64) -> Refusal {
    let reason = match code {
        100_200_101 => Reason::CredentialRejected,
        100_200_500 => Reason::PlatformBusy,
        _ => Reason::BadResponse,
    };
    Refusal::refused(reason, Code::Number(code))
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "100200101"),
    wrong_id: Case::Means(Reason::CredentialRejected, "100200101"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Means(Reason::PlatformBusy, "100200500"),
    malformed: Case::Means(Reason::BadResponse, "100200100"),
}];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::read;
    use crate::platform::Response;

    #[test]
    fn a_life_is_48_hours_at_most_and_a_success_is_1_and_nothing_else() {
        let answer = |body: &str| {
            let response = Response { status: 200, content_type: "", body: body.as_bytes() };
            read(&response).ok().map(|grant| grant.life.span())
        };
        let hours_48 = Some(Duration::from_secs(172_800));
        assert_eq!(answer(r#"{"result":1,"access_token":"T","expires_in":3600000}"#), hours_48);
        for body in [
            r#"{"access_token":"T","expires_in":3600}"#,
            r#"{"result":0,"access_token":"T","expires_in":3600}"#,
            r#"{"result":2,"access_token":"T","expires_in":3600}"#,
        ] {
            assert_eq!(answer(body), None, "{body}");
        }
    }
}
