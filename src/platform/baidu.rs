//! Baidu: smart mini programs.
//!
//! Sources: <https://w3cschool.cn/baiduapp/baiduapp-6iy239u1.html>, a copy of the platform's page,
//! and for refusals those of the sibling host, <https://cloud.baidu.com/doc/NLP/s/Okahxcw9u>.

use std::time::Duration;

use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Endpoint, Grant, Lead, Platform, Refusal, Reissue, Request, Response,
    TokenRequest, UNDOCUMENTED_QUOTA, rfc6749,
};
use crate::api::Reason;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The platform documents 30 days.
const LONGEST_LIFE: Duration = Duration::from_secs(60 * 24 * 3600);

pub(super) const PLATFORM: Platform = Platform {
    name: "Baidu",
    app_id: AppIdPattern {
        pattern: "^[0-9A-Za-z]{8,64}$",
        meaning: "the App Key, which is not the App ID, as the developer console shows under \
                  Settings",
        example: "a0b1c2d3e4f5a6b7c8d9e0f1",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: &["https://openapi.baidu.com"],
        reissue: Reissue::Adds,
        lead: Lead { default: DAY, longest: DAY },
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

/// The parameters are in the query: the page recommends a POST and prints a GET.
fn request(wanted: &TokenRequest<'_>) -> Request {
    let mut query = rfc6749::parameters(wanted);
    query.push(("scope", Zeroizing::new("smartapp_snsapi_base".to_owned())));
    Request::get("/oauth/2.0/token", query)
}

/// A refusal has HTTP status 401 as a rule.
fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    rfc6749::read(response, LONGEST_LIFE, |error, description| match (error, description) {
        ("invalid_client", "unknown client id") => Some(Reason::AppIdRejected),
        _ => None,
    })
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "invalid_client"),
    wrong_id: Case::Means(Reason::AppIdRejected, "invalid_client"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Never,
    malformed: Case::Means(Reason::BadResponse, "invalid_request"),
}];
