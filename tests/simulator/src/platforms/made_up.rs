//! Four endpoints of platforms that do not exist, one for each thing that a call does to the tokens
//! before it. The operator has the same for its tests (`src/platform/made_up.rs`).

use serde_json::{Value, json};

use super::Platform;
use super::endpoint::{
    Ask, BusinessEndpoint, Figures, Place, Presented, Refusal, Said, TokenEndpoint,
};
use crate::model::{Family, Granted, Refused, Reply};

pub(super) const PLATFORM: Platform = Platform {
    name: "MadeUp",
    tokens: &[
        REPLACING,
        TokenEndpoint {
            path: "/made-up/lasting",
            family: Family::Stable,
            figures: Figures { force: Some((20, 30_000)), ..Figures::TWO_HOURS },
            ..REPLACING
        },
        TokenEndpoint { path: "/made-up/renewing", family: Family::Renewing, ..REPLACING },
        TokenEndpoint { path: "/made-up/adding", family: Family::Adding, ..REPLACING },
    ],
    business: &[BusinessEndpoint {
        path: "/made-up/business",
        token: Presented::Header("authorization", "Bearer "),
        success,
        refusals: &[REFUSALS],
        refuse,
    }],
    tickets: &[],
};

const REPLACING: TokenEndpoint = TokenEndpoint {
    path: "/made-up/token",
    family: Family::Legacy,
    figures: Figures::TWO_HOURS,
    ask: Ask {
        method: "POST",
        place: Place::Json,
        app_id: "appid",
        secret: "secret",
        grant_type: None,
        force: Some("force_refresh"),
    },
    checks_address: false,
    grant,
    refusals: &[REFUSALS],
    refuse,
};

const REFUSALS: &[Refusal] = &[
    Refusal::word(Refused::Body, 400, "invalid_request", "not as it should be"),
    Refusal::word(Refused::UnknownApp, 401, "unknown_client", "no such app"),
    Refusal::word(Refused::BadSecret, 401, "invalid_client", "another secret"),
    Refusal::word(Refused::Frozen, 403, "frozen", "frozen"),
    Refusal::word(Refused::TooOften, 429, "slow_down", "too many calls"),
    Refusal::word(Refused::DayQuota, 403, "used_up", "no more calls today"),
    Refusal::word(Refused::Busy, 503, "busy", "try again"),
    Refusal::word(Refused::TokenUnknown, 401, "invalid_token", "no live token"),
];

fn grant(granted: &Granted) -> Value {
    json!({ "token": granted.token, "life": granted.expires_in })
}

fn success() -> Value {
    json!({ "ok": true })
}

fn refuse(said: &Said<'_>) -> Reply {
    let body = json!({ "error": said.code.json(), "message": said.text, "caller": said.ip });
    Reply::json(said.status, &body)
}
