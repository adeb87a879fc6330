//! The client credentials grant of RFC 6749, for the platforms that follow it: the form of a
//! request, the fields of a response, and the error codes of section 5.2. No platform itself.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Grant, Life, Pairs, Refusal, Response, TokenRequest, response};
use crate::api::Reason;

/// The parameters of a request, with the names that the RFC gives them.
pub(super) fn parameters(wanted: &TokenRequest<'_>) -> Pairs {
    named(wanted, "client_id")
}

/// The same, with another name of the app id.
pub(super) fn named(wanted: &TokenRequest<'_>, client_id: &'static str) -> Pairs {
    vec![
        grant_type(),
        (client_id, Zeroizing::new(wanted.app_id.to_owned())),
        ("client_secret", Zeroizing::new(wanted.secret.expose().to_owned())),
    ]
}

/// The parameter that names the grant.
pub(super) fn grant_type() -> (&'static str, Zeroizing<String>) {
    ("grant_type", Zeroizing::new("client_credentials".to_owned()))
}

/// The fields of a response.
#[derive(Deserialize)]
pub(super) struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    pub access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::token_text")]
    pub token_type: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    pub expires_in: Option<i64>,
    #[serde(default, deserialize_with = "response::token_text")]
    error: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::token_text")]
    error_description: Option<Zeroizing<String>>,
}

/// Reads a response. `reason` is asked first for the meaning of an error and its description, and
/// the RFC if it has none.
pub(super) fn read(
    response: &Response<'_>,
    longest: Duration,
    reason: fn(&str, &str) -> Option<Reason>,
) -> Result<Grant, Refusal> {
    read_with(response, reason, |fields| {
        response::grant(fields.access_token, fields.expires_in, Life::Left, longest)
    })
}

/// The same, with another reading of a response without an error.
pub(super) fn read_with(
    response: &Response<'_>,
    reason: fn(&str, &str) -> Option<Reason>,
    grant: impl FnOnce(Fields) -> Result<Grant, Refusal>,
) -> Result<Grant, Refusal> {
    let mut fields: Fields = response::json(response)?;
    let (error, description) = (fields.error.take(), fields.error_description.take());
    let error = error.as_deref().map(String::as_str);
    let description = description.as_deref().map_or("", String::as_str);
    let reason = |error: &str| reason(error, description).unwrap_or_else(|| by_rfc(error));
    response::by_word(response, error, reason, || grant(fields))
}

/// No more than the RFC says.
pub(super) fn nothing_more(_: &str, _: &str) -> Option<Reason> {
    None
}

fn by_rfc(error: &str) -> Reason {
    match error {
        "invalid_client" => Reason::CredentialRejected,
        "unauthorized_client" => Reason::AppIdRejected,
        "server_error" | "temporarily_unavailable" => Reason::PlatformBusy,
        "slow_down" => Reason::Throttled,
        _ => Reason::BadResponse,
    }
}
