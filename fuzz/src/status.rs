//! What every status must be like, whatever it was made from: within the CRD's bounds, of known
//! words, and without a secret.

use miniprogram_operator::{
    api::{MiniProgramStatus, Reason},
    fingerprint::is_fingerprint,
};
use serde_json::json;

use crate::choices::{SECRET, TOKENS};

/// Panics if the API server would refuse this status, or a person should not read it.
pub fn check(status: &MiniProgramStatus) {
    let short = |text: &str, longest: usize, what: &str| {
        assert!(text.chars().count() <= longest, "{what} is too long: {text}");
    };
    if let Some(token) = &status.token {
        assert!(is_fingerprint(&token.fingerprint), "token.fingerprint");
    }
    short(
        status.handled_refresh_request.as_deref().unwrap_or_default(),
        80,
        "handledRefreshRequest",
    );
    short(status.token_mode.as_deref().unwrap_or_default(), 16, "tokenMode");
    if let Some(intent) = &status.intent {
        short(&intent.id, 64, "intent.id");
    }
    if let Some(mints) = &status.mints {
        short(&mints.day, 10, "mints.day");
        assert!((0..=1_000_000).contains(&mints.count), "mints.count is {}", mints.count);
        assert!(
            mints.forced_times.len() <= 20,
            "mints.forcedTimes has {}",
            mints.forced_times.len()
        );
    }
    for condition in &status.conditions {
        assert!(Reason::of(condition).is_some(), "{} is no reason", condition.reason);
        short(&condition.message, 1024, "a message");
        assert!(["True", "False", "Unknown"].contains(&condition.status.as_str()));
    }
    let mut kinds: Vec<_> = status.conditions.iter().map(|condition| &condition.type_).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), status.conditions.len(), "a condition stands twice");
    let text = json!(status).to_string();
    for secret in TOKENS.iter().chain([&SECRET]) {
        assert!(!text.contains(secret), "the status tells a secret: {text}");
    }
}
