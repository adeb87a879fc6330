//! Honor's endpoint on the wire, by three public clients. Its refusals and what a call does to the
//! tokens before it are not documented; here they are RFC 6749's, and it ends them at once.

use serde_json::{Value, json};

use super::endpoint::{BusinessEndpoint, Figures, Presented, TokenEndpoint};
use super::{Platform, rfc6749};

pub(super) const PLATFORM: Platform = Platform {
    name: "Honor",
    tokens: &[TokenEndpoint {
        path: "/auth/token",
        figures: Figures { life_ms: 3_600_000, ..rfc6749::TOKEN.figures },
        ..rfc6749::TOKEN
    }],
    business: &[BusinessEndpoint {
        path: "/api/v1/sendMessage",
        token: Presented::Header("authorization", "Bearer "),
        success,
        refusals: rfc6749::TOKEN.refusals,
        refuse: rfc6749::TOKEN.refuse,
    }],
    tickets: &[],
};

fn success() -> Value {
    json!({ "code": 200, "message": "success" })
}
