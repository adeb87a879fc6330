//! Four platforms that do not exist, one for each kind of reissue, for tests only: no CRD, flag or
//! page names them. They respond in JSON, with a life in seconds.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    AppIdPattern, Code, Endpoint, ForceLimits, Grant, LONGEST_LIFE, Lead, Life, Platform, Refusal,
    Reissue, Request, Response, TokenRequest, response,
};
use crate::api::Reason;

const MINUTES_5: Duration = Duration::from_secs(300);

/// All made-up platforms.
pub const ALL: &[&Platform] = &[&REPLACING, &LASTING, &RENEWING, &ADDING];

/// Each call ends the token before it.
pub const REPLACING: Platform =
    platform("Replacing", &[endpoint(Reissue::Replaces { overlap: MINUTES_5 }, None, replacing)]);
/// A call returns the same token until its last five minutes.
pub const LASTING: Platform = platform(
    "Lasting",
    &[endpoint(
        Reissue::SameUntil { window: MINUTES_5 },
        Some(ForceLimits { apart: Duration::from_secs(30), per_day: 20 }),
        lasting,
    )],
);
/// A call returns the same token and starts its life again.
pub const RENEWING: Platform = platform("Renewing", &[endpoint(Reissue::Renews, None, renewing)]);
/// Each call makes another token, and the earlier ones stay valid.
pub const ADDING: Platform = platform("Adding", &[endpoint(Reissue::Adds, None, adding)]);

const fn platform(name: &'static str, endpoints: &'static [Endpoint]) -> Platform {
    let (pattern, meaning, example) = ("^[a-z0-9-]{1,64}$", "a made-up app id", "made-up");
    let app_id = AppIdPattern { pattern, meaning, example };
    let (tickets, tells_id_from_secret) = (&[], true);
    Platform { name, app_id, endpoints, tickets, tells_id_from_secret, day_offset_seconds: 0 }
}

const fn endpoint(
    reissue: Reissue,
    force: Option<ForceLimits>,
    request: fn(&TokenRequest<'_>) -> Request,
) -> Endpoint {
    Endpoint {
        mode: None,
        hosts: &["https://made-up.test"],
        reissue,
        lead: Lead { default: MINUTES_5, longest: Duration::from_secs(3600) },
        force,
        daily_quota: 2000,
        limits: &[],
        longest_life: LONGEST_LIFE,
        request,
        read,
    }
}

fn replacing(wanted: &TokenRequest<'_>) -> Request {
    request("/made-up/token", wanted)
}

fn lasting(wanted: &TokenRequest<'_>) -> Request {
    request("/made-up/lasting", wanted)
}

fn renewing(wanted: &TokenRequest<'_>) -> Request {
    request("/made-up/renewing", wanted)
}

fn adding(wanted: &TokenRequest<'_>) -> Request {
    request("/made-up/adding", wanted)
}

fn request(path: &'static str, wanted: &TokenRequest<'_>) -> Request {
    let body = json!({
        "appid": wanted.app_id,
        "secret": wanted.secret.expose(),
        "force_refresh": wanted.force,
    });
    Request::json(path, &body)
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    life: Option<i64>,
    #[serde(default)]
    error: Option<String>,
}

fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    match fields.error.as_deref().map(|error| (error, Code::word(error))) {
        None => response::grant(fields.token, fields.life, Life::Left, LONGEST_LIFE),
        Some((error, Some(code))) => Err(Refusal::refused(reason(error), code)),
        Some((_, None)) => Err(Refusal::unknown(Reason::BadResponse)),
    }
}

fn reason(error: &str) -> Reason {
    match error {
        "busy" => Reason::PlatformBusy,
        "invalid_client" => Reason::CredentialRejected,
        "unknown_client" => Reason::AppIdRejected,
        "frozen" => Reason::AppSecretFrozen,
        "slow_down" => Reason::Throttled,
        "used_up" => Reason::QuotaExhausted,
        _ => Reason::BadResponse,
    }
}
