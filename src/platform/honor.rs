//! Honor: apps of its developer platform, such as those of its push service.
//!
//! Source: <https://developer.honor.com>, and three public clients of
//! `https://iam.developer.honor.com/auth/token` that agree.
//!
//! Unverified: what a call does to the tokens before it, so every call is taken to end them at
//! once; and how it refuses, so that is read as RFC 6749 has it.

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
    name: "Honor",
    app_id: AppIdPattern {
        pattern: "^[0-9A-Za-z_-]{4,64}$",
        meaning: "the client ID that the developer console shows",
        example: "0123456789abcdef",
    },
    endpoints: &[Endpoint {
        mode: None,
        hosts: &["https://iam.developer.honor.com"],
        reissue: Reissue::Replaces { overlap: Duration::ZERO },
        lead: Lead { default: Duration::from_secs(300), longest: Duration::from_secs(1800) },
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
    Request::form("/auth/token", rfc6749::parameters(wanted))
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
