//! What the process remembers of an object's calls.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    api::{CredentialStatus, Mints},
    platform::Refusal,
    projection::TokenFacts,
    reconcile::call::Call,
};

/// The calls of an object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Calls {
    /// The end of the last call, kept until the status reports it.
    #[serde(skip)]
    pub ended: Option<Box<Ended>>,
    /// The id of the last intent that this process wrote.
    pub own_intent: Option<String>,
    /// The boot time of the last call.
    pub last_sent: Option<Duration>,
    /// How long the last call with a response took.
    pub last_took: Duration,
    /// The number of consecutive calls that returned a token and that neither time nor a person
    /// asked for.
    pub unasked: u32,
    /// The number of consecutive calls without a response; each doubles the timeout of the next.
    pub unanswered: u32,
    /// The fingerprint of the last token that this process minted for the object, and the boot time
    /// of that call: issue times are cut to the second.
    pub minted: Option<(String, Duration)>,
    /// The token that a call inside its refresh window returned again, and when that call was sent.
    pub checked: Option<(String, Timestamp)>,
    /// When a changed app secret was first accepted, until the status reports it.
    pub accepted: Option<Timestamp>,
    /// The number of consecutive calls that replaced a token which a consumer reported invalid, on
    /// an endpoint where another caller's call ends it.
    pub reported: u32,
    /// The sibling's token or forced call that this object has last made a call for.
    pub sibling_asked: Option<String>,
}

/// How a call ended, kept until the status reports it.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The call.
    pub call: Call,
    /// The generation of the spec that it was made for.
    pub generation: Option<i64>,
    /// The credential that was sent.
    pub credential: Option<CredentialStatus>,
    /// The counters before the call, which a refusal restores.
    pub mints_before: Option<Mints>,
    /// How it ended.
    pub how: How,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub enum How {
    /// It was withdrawn before it was sent.
    Withdrawn,
    /// It failed: refused, not sent, or sent with an unknown outcome.
    Failed {
        /// The refusal, or the lack of a response.
        refusal: Refusal,
        /// When the call was sent.
        sent: Timestamp,
        /// The time of the next call.
        next: Timestamp,
        /// Consecutive failures, including this one.
        attempts: i32,
    },
    /// It returned a token.
    Token {
        /// The token.
        token: TokenFacts,
        /// When the call was sent.
        sent: Timestamp,
        /// Whether the token is stored in its Secret.
        stored: bool,
        /// Whether the target already held the token.
        same: bool,
        /// Whether it was written as unconfirmed.
        unconfirmed: bool,
    },
}
