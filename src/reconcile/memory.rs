//! What the process remembers of an object from one pass to the next, by uid: the unstored token,
//! the end of the last call, first sightings. Decides nothing; losing it costs at most a call,
//! except for the unstored token.

mod apps;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::jiff::Timestamp;

use self::apps::Apps;
pub use self::apps::{AppKey, AppMints, LastMint};
use super::{api_error::admission::Said, call::Call};
use crate::{
    api::{CredentialStatus, MiniProgramStatus, Mints, Reason},
    platform::Refusal,
    projection::{Sent, TokenFacts},
    sensitive::AccessToken,
};

/// A token that a call returned and that is not in its Secret yet.
pub struct UnstoredToken {
    /// The token; wiped when dropped.
    pub token: AccessToken,
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
#[derive(Clone, Debug)]
pub struct Stored {
    /// The id of the call that returned it.
    pub call: String,
    /// Its fingerprint and times.
    pub token: TokenFacts,
    /// When the call was sent.
    pub asked_at: Timestamp,
}

/// A write that failed.
#[derive(Clone, Debug)]
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

/// What is remembered of an object and shown to the plan.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    /// The end of the last call, kept until the status reports it.
    pub ended: Option<Ended>,
    /// The last version of the credential. A version that changes nothing is not worth a status
    /// write: the next one reports it.
    pub noted: Option<Noted>,
    /// The id of the last intent that this process wrote.
    pub own_intent: Option<String>,
    /// The last token that this process stored.
    pub stored: Option<Stored>,
    /// The boot time since which the status has not reported the target's token.
    pub untold_since: Option<Duration>,
    /// The boot time since which the lists of its namespace have not been complete.
    pub unlisted_since: Option<Duration>,
    /// The open intent of another process, and the boot time at which this process first saw it.
    pub foreign_intent: Option<(String, Duration)>,
    /// The uid of a former object's target, and the boot time at which this process first saw it.
    pub former: Option<(String, Duration)>,
    /// The boot time of the last call.
    pub last_sent: Option<Duration>,
    /// The number of consecutive calls that returned a token and that neither time nor a person
    /// asked for.
    pub unasked: u32,
    /// The stored tokens, and the boot time at which each expires, counted from when this process
    /// first saw it.
    pub ends: Vec<(TokenFacts, Duration)>,
    /// The fingerprint of the last token that this process minted for the object, and the boot time
    /// of that call: issue times are cut to the second.
    pub minted: Option<(String, Duration)>,
    /// How long the last call with a response took.
    pub last_call: Duration,
    /// When a call last returned the stored token again although its refresh was due.
    pub checked: Option<(String, Timestamp)>,
    /// The version of a target whose data holds no known token.
    pub unmatched: Option<String>,
    /// The last version of the target that this process wrote, or whose data it found to match the
    /// annotations.
    pub verified: Option<String>,
    /// The boot time at which the target's data was last read.
    pub read_at: Option<Duration>,
    /// The version of a target that another write left unchanged.
    pub in_vain: Option<String>,
    /// The end of the back-off, in boot time: no live read, call or write before it.
    pub not_before: Duration,
    /// The number of consecutive writes or reads that failed or lost a race.
    pub errors: u32,
    /// The number of consecutive passes that did not converge.
    pub diverged: u32,
    /// The end of the back-off after passes that did not converge, in boot time: no pass before it.
    pub no_pass_before: Duration,
    /// The boot time since which the credential of an older object of the app is to be tried first.
    pub waiting_since: Option<Duration>,
    /// The boot time since which a call is due and has not been made.
    pub due_since: Option<Duration>,
    /// The refused write of the target that carried no new token.
    pub refused: Option<Refused>,
    /// The boot time at which an edit of the target was last corrected.
    pub corrected: Option<Duration>,
    /// The status that this process wrote, and the boot time of that write, while it is recent. If
    /// another status is stored, another writer wrote it.
    pub written_status: Option<(Arc<MiniProgramStatus>, Duration)>,
    /// The call with which the target was last seen stamped: a change of it under another
    /// operator's name is a foreign write.
    pub issued_for: Option<String>,
    /// The number of consecutive calls without a response; each doubles the timeout of the next.
    pub unanswered: u32,
    /// The last value of the annotation `invalid-token` that was handled.
    pub invalid_seen: Option<Option<String>>,
    /// The sibling's token or forced call that this object has last made a call for.
    pub sibling_asked: Option<String>,
}

/// What is remembered of an object.
#[derive(Default)]
pub struct Memory {
    /// The unstored token.
    pub unstored: Option<UnstoredToken>,
    /// All the rest.
    pub recall: Recall,
}

/// The process's memory, by object and by app.
#[derive(Default)]
pub struct Memories {
    objects: Mutex<HashMap<String, Memory>>,
    apps: Mutex<Apps>,
}

impl Memories {
    /// Reads or changes what is remembered of an object.
    pub fn with<T>(&self, uid: &str, change: impl FnOnce(&mut Memory) -> T) -> T {
        let mut objects = lock(&self.objects);
        change(objects.entry(uid.to_owned()).or_default())
    }

    /// What is remembered of an app.
    pub fn app(&self, key: &AppKey) -> AppMints {
        lock(&self.apps).get(key)
    }

    /// Changes what is remembered of an app, at this boot time.
    pub fn change_app<T>(
        &self,
        key: &AppKey,
        boot: Duration,
        change: impl FnOnce(&mut AppMints) -> T,
    ) -> T {
        lock(&self.apps).change(key, boot, change)
    }

    /// The number of objects that are remembered.
    #[cfg(test)]
    pub fn objects(&self) -> usize {
        lock(&self.objects).len()
    }

    /// Forgets a deleted object. The counters of its app stay: they limit a new object of the app.
    pub fn forget(&self, uid: &str) {
        lock(&self.objects).remove(uid);
    }
}

/// A panic while the lock was held left a consistent value: every change above is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
