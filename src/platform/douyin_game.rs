//! Douyin's mini games: `stable_token` and `v2/token`.
//!
//! Sources:
//! <https://developer.open-douyin.com/docs/resource/zh-CN/mini-game/develop/server/interface-request-credential/gen-stable-access-token>
//! and
//! <https://developer.open-douyin.com/docs/resource/zh-CN/mini-game/develop/server/interface-request-credential/get-access-token>.
//!
//! Unverified, of the stable endpoint: whether a new token is made before the end of the old one,
//! and how far apart forced calls must be. So a token is asked for again in its last minutes only,
//! and forced calls are as far apart as on `WeChat`.

use std::time::Duration;

use serde::Deserialize;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    Code, Endpoint, ForceLimits, Grant, LONGEST_LIFE, Lead, Life, Limit, Platform, Refusal,
    Reissue, Request, Response, TokenRequest,
    douyin::{self, Data},
    response,
};
use crate::api::{Reason, TokenMode};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTES_2: Duration = Duration::from_secs(120);
const HOSTS: &[&str] = &["https://minigame.zijieapi.com"];

pub(super) const PLATFORM: Platform = Platform {
    name: "DouyinGame",
    endpoints: &[STABLE, LEGACY],
    tickets: &[],
    tells_id_from_secret: false,
    ..douyin::PLATFORM
};

/// Returns the same token within its life.
const STABLE: Endpoint = Endpoint {
    mode: Some(TokenMode::Stable),
    hosts: HOSTS,
    reissue: Reissue::SameUntil { window: MINUTES_2 },
    lead: Lead { default: MINUTES_2, longest: MINUTES_2 },
    force: Some(ForceLimits { apart: Duration::from_secs(30), per_day: 20 }),
    daily_quota: 500_000,
    limits: &[Limit::of_app(10_000, MINUTE), Limit::of_app(500_000, DAY)],
    longest_life: LONGEST_LIFE,
    request: stable_request,
    read: read_stable,
};

/// Makes a new token at each call, as Douyin's does.
const LEGACY: Endpoint = Endpoint {
    mode: Some(TokenMode::Legacy),
    hosts: HOSTS,
    request: legacy_request,
    ..douyin::ENDPOINT
};

fn stable_request(wanted: &TokenRequest<'_>) -> Request {
    let mut body = douyin::body(wanted);
    body["force_refresh"] = wanted.force.into();
    Request::json("/mgplatform/api/apps/stable_token", &body)
}

fn legacy_request(wanted: &TokenRequest<'_>) -> Request {
    Request::json("/mgplatform/api/apps/v2/token", &douyin::body(wanted))
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::lenient_integer")]
    err_no: Option<i64>,
    #[serde(default)]
    data: Option<Data>,
}

fn read_stable(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    response::by_number(response, fields.err_no.unwrap_or(0), refusal, || {
        Data::grant(fields.data, Life::Left)
    })
}

/// Code 28001038 is for a wrong parameter of any kind, app id and app secret included.
fn refusal(code: i64) -> Refusal {
    let reason = match code {
        28_001_005 => Reason::PlatformBusy,
        28_001_038 => Reason::CredentialRejected,
        28_005_139 => Reason::Throttled,
        _ => Reason::BadResponse,
    };
    Refusal::refused(reason, Code::Number(code))
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[
    Cases {
        mode: Some(TokenMode::Stable),
        wrong_secret: Case::Means(Reason::CredentialRejected, "28001038"),
        wrong_id: Case::Means(Reason::CredentialRejected, "28001038"),
        ip_refused: Case::Never,
        too_often: Case::Means(Reason::Throttled, "28005139"),
        day_quota: Case::Never,
        frozen: Case::Never,
        busy: Case::Means(Reason::PlatformBusy, "28001005"),
        malformed: Case::Means(Reason::CredentialRejected, "28001038"),
    },
    Cases { mode: Some(TokenMode::Legacy), ..REFUSALS },
];

/// The other endpoint refuses as Douyin's does.
#[cfg(test)]
const REFUSALS: Cases = Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "40017"),
    wrong_id: Case::Means(Reason::AppIdRejected, "40015"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Means(Reason::PlatformBusy, "-1"),
    malformed: Case::Means(Reason::BadResponse, "40014"),
};
