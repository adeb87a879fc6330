//! What the process remembers of its reports: statuses, Events and what they are made from.

use std::{sync::Arc, time::Duration};

use crate::api::{CredentialStatus, MiniProgram, Reason};

/// The reports about an object.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// The last version of the credential. A version that changes nothing is not worth a status
    /// write: the next one reports it.
    pub noted: Option<Noted>,
    /// The status that this process wrote, and the boot time of that write, while it is recent. If
    /// another status is stored, another writer wrote it.
    pub written_status: Option<(Arc<MiniProgram>, Duration)>,
    /// The call with which the target was last seen stamped: a change of it under another
    /// operator's name is a foreign write.
    pub issued_for: Option<String>,
    /// The last value of the annotation `invalid-token` that was handled.
    pub invalid_seen: Option<Option<String>>,
}

/// The result of reading a version of the credential, kept while the status names another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The version.
    pub version: CredentialStatus,
    /// The generation of the spec that it was read for.
    pub generation: Option<i64>,
    /// The reason of the condition `CredentialValid`.
    pub reason: Reason,
}
