//! LINE: channel access tokens of the Messaging API, which LINE MINI App channels have as well.
//!
//! Sources: <https://developers.line.biz/en/docs/messaging-api/channel-access-tokens/> and
//! <https://github.com/line/line-openapi>, `channel-access-token.yml`.

use std::time::Duration;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Endpoint, Grant, Lead, Platform, Refusal, Reissue, Request, Response,
    TokenRequest, UNDOCUMENTED_QUOTA, rfc6749,
};
#[cfg(test)]
use crate::api::Reason;
use crate::api::TokenMode;

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOSTS: &[&str] = &["https://api.line.me"];
/// The platform documents 30 days.
const LONGEST_LIFE: Duration = Duration::from_secs(60 * 24 * 3600);

pub(super) const PLATFORM: Platform = Platform {
    name: "LINE",
    app_id: AppIdPattern {
        pattern: "^[0-9]{6,20}$",
        meaning: "the channel ID of digits that the LINE Developers Console shows",
        example: "1600000001",
    },
    endpoints: &[STATELESS, SHORT_LIVED],
    tickets: &[],
    tells_id_from_secret: false,
    day_offset_seconds: 9 * 3600,
};

/// Tokens of 15 minutes, of which there may be any number.
const STATELESS: Endpoint = Endpoint {
    mode: Some(TokenMode::Stateless),
    hosts: HOSTS,
    reissue: Reissue::Adds,
    lead: Lead { default: Duration::from_secs(300), longest: Duration::from_secs(600) },
    force: None,
    daily_quota: UNDOCUMENTED_QUOTA,
    limits: &[],
    longest_life: Duration::from_secs(3600),
    request: stateless_request,
    read: read_stateless,
};

/// Tokens of 30 days, of which a channel has 30 at most. Two or three are alive at a time, since a
/// token is asked for at half of the life of the one before.
const SHORT_LIVED: Endpoint = Endpoint {
    mode: Some(TokenMode::ShortLived),
    lead: Lead { default: DAY, longest: DAY },
    longest_life: LONGEST_LIFE,
    request: short_lived_request,
    read: read_short_lived,
    ..STATELESS
};

fn stateless_request(wanted: &TokenRequest<'_>) -> Request {
    Request::form("/oauth2/v3/token", rfc6749::parameters(wanted))
}

fn short_lived_request(wanted: &TokenRequest<'_>) -> Request {
    Request::form("/v2/oauth/accessToken", rfc6749::parameters(wanted))
}

fn read_stateless(response: &Response<'_>) -> Result<Grant, Refusal> {
    rfc6749::read(response, STATELESS.longest_life, rfc6749::nothing_more)
}

fn read_short_lived(response: &Response<'_>) -> Result<Grant, Refusal> {
    rfc6749::read(response, LONGEST_LIFE, rfc6749::nothing_more)
}

/// Both endpoints refuse alike.
#[cfg(test)]
const REFUSALS: Cases = Cases {
    mode: Some(TokenMode::Stateless),
    wrong_secret: Case::Means(Reason::CredentialRejected, "invalid_client"),
    wrong_id: Case::Means(Reason::CredentialRejected, "invalid_client"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Never,
    malformed: Case::Means(Reason::BadResponse, "invalid_request"),
};

#[cfg(test)]
pub(super) const CASES: &[Cases] =
    &[REFUSALS, Cases { mode: Some(TokenMode::ShortLived), ..REFUSALS }];
