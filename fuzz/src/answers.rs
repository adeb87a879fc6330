//! What a platform answers: only a JSON object with a plausible token is a token, and every refusal
//! has one of a few reasons.

use std::time::Duration;

use miniprogram_operator::{
    api::Reason,
    platform::{self, Code, ConfiguredEndpoint, Response, TokenRequest},
    sensitive::{AccessToken, AppSecret},
};
use serde_json::Value;

use crate::choices::SECRET;

/// What an answer can come down to. Anything else would be a word of the platform's in the status.
const REASONS: [Reason; 8] = [
    Reason::PlatformBusy,
    Reason::CredentialRejected,
    Reason::AppIdRejected,
    Reason::IpNotAllowed,
    Reason::AppSecretFrozen,
    Reason::QuotaExhausted,
    Reason::Throttled,
    Reason::AwaitingAdminApproval,
];

/// The first two bytes choose the HTTP status, the rest is the body.
pub fn judge(bytes: &[u8]) {
    let [high, low, body @ ..] = bytes else { return };
    let status = 100 + u16::from_be_bytes([*high, *low]) % 500;
    let response = Response { status, content_type: "", body };
    let secret = AppSecret::parse(SECRET.as_bytes()).expect("plausible");
    let wanted = TokenRequest { app_id: "shop/client-1", secret: &secret, force: false };
    let life = Some(Duration::from_secs(3600));
    let configured = ConfiguredEndpoint { life, ..ConfiguredEndpoint::default() };
    let tokens = platform::ALL.iter().flat_map(|platform| platform.endpoints);
    let tokens = tokens.map(|endpoint| ((endpoint.read)(&response), endpoint.longest_life));
    let tickets = platform::ALL.iter().flat_map(|platform| platform.tickets);
    let tickets = tickets.map(|ticket| ((ticket.read)(&response), ticket.longest_life));
    let configured = (configured.token(&response, &wanted), configured.endpoint().longest_life);
    for (read, longest_life) in tokens.chain(tickets).chain([configured]) {
        match read {
            Ok(grant) => {
                assert!((200..300).contains(&status), "a token with status {status}");
                let life = grant.life.span();
                assert!(!life.is_zero() && life <= longest_life);
                let token = grant.token.expose();
                assert!(
                    token.len() <= AccessToken::LONGEST
                        && token.bytes().all(|byte| byte.is_ascii_graphic())
                );
                // Read once more by somebody else, unless a field that nobody reads is what it
                // chokes on.
                let text = String::from_utf8_lossy(body.trim_ascii());
                assert!(
                    text.starts_with('{') && text.ends_with('}'),
                    "a token from what is no object"
                );
                if let Ok(read) = serde_json::from_str::<Value>(&text) {
                    assert!(has_text(&read, token), "a token that the answer does not have");
                }
            }
            Err(refusal) => {
                assert!(
                    refusal.reason == Reason::BadResponse || REASONS.contains(&refusal.reason),
                    "{refusal:?}"
                );
                assert!(
                    refusal.caller_ip.is_none() || refusal.reason == Reason::IpNotAllowed,
                    "{refusal:?}"
                );
                assert!(
                    refusal.wait.is_none_or(|wait| wait <= Duration::from_secs(24 * 3600)),
                    "{refusal:?}"
                );
                // Only a word of the platform's own may stop the calls for an app.
                let stops = matches!(
                    refusal.reason,
                    Reason::CredentialRejected
                        | Reason::AppIdRejected
                        | Reason::AppSecretFrozen
                        | Reason::QuotaExhausted
                );
                assert!(
                    !stops || refusal.code.as_ref().is_some_and(|code| *code != Code::Number(0)),
                    "{refusal:?}"
                );
            }
        }
    }
}

/// Whether a field of an object, or of one in it, is this text.
fn has_text(value: &Value, text: &str) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(|value| has_text(value, text)),
        value => value.as_str() == Some(text),
    }
}
