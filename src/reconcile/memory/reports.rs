//! What the process remembers of its reports: statuses, Events and what they are made from.

use std::{
    hash::{DefaultHasher, Hasher},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::api::{CredentialStatus, MiniProgramStatus, Reason};

/// The reports about an object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reports {
    /// The last version of the credential. A version that changes nothing is not worth a status
    /// write: the next one reports it.
    pub noted: Option<Noted>,
    /// The status that this process wrote, and the boot time of that write, while it is recent. If
    /// another status is stored, another writer wrote it.
    pub written_status: Option<WrittenStatus>,
    /// The call with which the target was last seen stamped: a change of it under another
    /// operator's name is a foreign write.
    pub issued_for: Option<String>,
    /// The last value of the annotation `invalid-token` that was handled.
    pub invalid_seen: Option<Seen>,
}

/// A value of the annotation `invalid-token`, or that there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The value.
    pub value: Option<String>,
}

/// A status that this process wrote.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct WrittenStatus {
    /// Its hash. Another status with the same hash would be overwritten at once.
    hash: u64,
    /// The boot time of the write.
    pub at: Duration,
}

impl WrittenStatus {
    /// This status, written at this boot time.
    #[must_use]
    pub fn of(status: Option<&MiniProgramStatus>, at: Duration) -> Self {
        Self { hash: hash(status), at }
    }

    /// Whether it is this status.
    #[must_use]
    pub fn is(&self, status: Option<&MiniProgramStatus>) -> bool {
        self.hash == hash(status)
    }
}

fn hash(status: Option<&MiniProgramStatus>) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(&serde_json::to_vec(&status).unwrap_or_default());
    hasher.finish()
}

/// The result of reading a version of the credential, kept while the status names another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// The version.
    pub version: CredentialStatus,
    /// The generation of the spec that it was read for.
    pub generation: Option<i64>,
    /// The reason of the condition `CredentialValid`.
    pub reason: Reason,
}
