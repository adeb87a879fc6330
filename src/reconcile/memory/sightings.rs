//! What the process remembers of first sightings: since when it sees what an object waits for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::projection::TokenFacts;

/// What was first seen when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sightings {
    /// The open intent of another process, and the boot time at which this process first saw it.
    pub foreign_intent: Option<(String, Duration)>,
    /// The uid of a former object's target, and the boot time at which this process first saw it.
    pub former: Option<(String, Duration)>,
    /// The stored tokens, and the boot time at which each expires, counted from when this process
    /// first saw it.
    pub ends: Vec<(TokenFacts, Duration)>,
    /// The boot time since which the lists of its namespace have not been complete.
    pub unlisted_since: Option<Duration>,
    /// The boot time since which the status has not reported the target's token.
    pub unreported_since: Option<Duration>,
    /// The boot time since which the credential of an older object of the app is to be tried first.
    pub waiting_since: Option<Duration>,
    /// The boot time since which a call is due and has not been made.
    pub due_since: Option<Duration>,
}
