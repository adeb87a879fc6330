//! What the process remembers of an object's writes: the unstored token, and the versions of the
//! target that it wrote or read.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    api::Reason,
    projection::{Sent, TokenFacts},
    reconcile::{api_error::admission::Said, call::Call, observed::HeldTicket},
    sensitive::AccessToken,
};

/// The writes of an object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Writes {
    /// The last token that this process stored.
    pub stored: Option<Stored>,
    /// The last version of the target that this process wrote, or whose data it found to match the
    /// annotations.
    pub verified: Option<String>,
    /// The version of a target whose data holds no known token.
    pub unmatched: Option<String>,
    /// The boot time at which the target's data was last read.
    pub read_at: Option<Duration>,
    /// The version of a target that another write left unchanged.
    pub unchanged: Option<String>,
    /// The boot time at which an edit of the target was last corrected.
    pub corrected: Option<Duration>,
    /// The last refused write without a new token: a dry run or a rewrite.
    pub refused: Option<Refused>,
}

/// A token that a call returned and that is not in its Secret yet.
pub struct UnstoredToken {
    /// The token; wiped when dropped.
    pub token: AccessToken,
    /// The tickets that the target held before the call, which it keeps.
    pub tickets: Vec<HeldTicket>,
    /// Its facts, which the plan may see.
    pub facts: UnstoredFacts,
}

/// The facts of an unstored token, without the token.
#[derive(Clone, Debug)]
pub struct UnstoredFacts {
    /// The Secret that it is to be stored in.
    pub name: String,
    /// The call that returned it.
    pub call: Call,
    /// Its fingerprint and times.
    pub token: TokenFacts,
    /// When the call was sent.
    pub asked_at: Timestamp,
    /// What was sent for it.
    pub sent: Sent,
    /// Whether a late request may still replace it.
    pub unconfirmed: bool,
    /// The precondition of the write: the target as it was read before the call.
    pub precondition: Precondition,
    /// The number of failed writes, and the cause of the last one.
    pub refused: Option<Refused>,
}

/// A token that is stored in its Secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// The id of the call that returned it.
    pub call: String,
    /// Its fingerprint and times.
    pub token: TokenFacts,
    /// When the call was sent.
    pub asked_at: Timestamp,
}

/// A write that failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// The reason, as the condition `TargetSynced` reports it.
    pub reason: Reason,
    /// Which check refused it.
    pub said: Option<Said>,
    /// The number of consecutive failures.
    pub attempts: u32,
    /// The boot time of the next try.
    pub retry: Duration,
}

/// The object that a write must find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// None: the write may only create.
    Absent,
    /// This version of this object.
    Is {
        /// Its uid.
        uid: String,
        /// Its resourceVersion.
        version: String,
        /// The id of the call that its token was issued for.
        issued_for: Option<String>,
    },
}
