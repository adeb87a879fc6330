//! `TikTok`: client access tokens, for the Research API and the Commercial Content API.
//!
//! Source: <https://developers.tiktok.com/doc/client-access-token-management>.
//!
//! Unverified: what a call does to the tokens before it. So every call is taken to end them at
//! once, and none is made before it is due. Nor is the HTTP status of a refusal known.

use std::time::Duration;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Endpoint, Grant, LONGEST_LIFE, Lead, Platform, Refusal, Reissue, Request,
    Response, TokenRequest, UNDOCUMENTED_QUOTA, rfc6749,
};
#[cfg(test)]
use crate::api::Reason;

pub(super) const PLATFORM: Platform = Platform {
    name: "TikTok",
    app_id: AppIdPattern {
        pattern: "^[0-9a-z]{8,40}$",
        meaning: "the client key of digits and lower-case letters that the developer portal shows",
        example: "aw0123456789abcd",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: &["https://open.tiktokapis.com"],
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
    tells_id_from_secret: false,
    day_offset_seconds: 0,
};

fn request(wanted: &TokenRequest<'_>) -> Request {
    Request::form("/v2/oauth/token/", rfc6749::named(wanted, "client_key"))
}

fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    rfc6749::read(response, LONGEST_LIFE, rfc6749::nothing_more)
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "invalid_client"),
    wrong_id: Case::Means(Reason::CredentialRejected, "invalid_client"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Never,
    malformed: Case::Means(Reason::BadResponse, "invalid_request"),
}];
