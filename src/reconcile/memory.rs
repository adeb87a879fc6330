//! What the process remembers of an object between two looks, by uid: the token in hand, the last
//! call's end, first sightings. Makes no decision; losing it costs at most a call, except for the
//! token in hand.

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

/// A token that a call brought and that is not in its Secret yet.
pub struct UnstoredToken {
    /// The token; wiped when dropped.
    pub token: AccessToken,
    /// What the plan may know of it.
    pub facts: UnstoredFacts,
}

/// A token in hand, without the token.
#[derive(Clone, Debug)]
pub struct UnstoredFacts {
    /// The Secret that it belongs into.
    pub name: String,
    /// The call that brought it.
    pub call: Call,
    /// Its fingerprint and times.
    pub token: TokenFacts,
    /// When the call was sent.
    pub asked_at: Timestamp,
    /// What was sent for it.
    pub sent: Sent,
    /// Whether a late request may still replace it.
    pub unconfirmed: bool,
    /// The target as it was read before the call: the fence of the write.
    pub precondition: Precondition,
    /// How often the write failed, and why the last time.
    pub refused: Option<Refused>,
}

/// A token that lies in its Secret.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The id of the call that brought it.
    pub call: String,
    /// Its fingerprint and times.
    pub token: TokenFacts,
    /// When the call was sent.
    pub asked_at: Timestamp,
}

/// A write that failed.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Why, in the words of the condition `TargetSynced`.
    pub reason: Reason,
    /// Who refused it.
    pub said: Option<Said>,
    /// How often in a row.
    pub attempts: u32,
    /// When it is tried again, in boot time.
    pub retry: Duration,
}

/// The object that a write replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// None: the write may only create.
    Absent,
    /// This one, and no other.
    Is {
        /// Its uid.
        uid: String,
        /// Its resourceVersion.
        version: String,
        /// The id of the call that its token was issued for.
        issued_for: Option<String>,
    },
}

/// How a call ended, until the status carries it.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The call.
    pub call: Call,
    /// The generation of the spec that it was made for.
    pub generation: Option<i64>,
    /// The credential that was sent.
    pub credential: Option<CredentialStatus>,
    /// The counters before the call: what a refusal restores.
    pub mints_before: Option<Mints>,
    /// How it ended.
    pub how: How,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub enum How {
    /// It was given up before it was sent.
    Withdrawn,
    /// It failed: definitely refused, not sent, or sent without an answer.
    Failed {
        /// What the platform, or its absence, said.
        refusal: Refusal,
        /// When the call was sent.
        sent: Timestamp,
        /// When the platform is asked next.
        next: Timestamp,
        /// How many failures in a row, this one included.
        attempts: i32,
    },
    /// It brought a token.
    Token {
        /// The token.
        token: TokenFacts,
        /// When the call was sent.
        sent: Timestamp,
        /// Whether the token lies in its Secret.
        stored: bool,
        /// Whether the token was the one that the target held already.
        same: bool,
        /// Whether it was written as unconfirmed.
        unconfirmed: bool,
    },
}

/// What a version of the credential came to when it was read, as long as the status names another
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The version.
    pub version: CredentialStatus,
    /// The generation of the spec that it was read for.
    pub generation: Option<i64>,
    /// What condition `CredentialValid` says of it.
    pub reason: Reason,
}

/// What is remembered of an object and may be shown to the plan.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    /// The last call's end, until the status carries it.
    pub ended: Option<Ended>,
    /// The credential's last version. One that changes nothing is not worth a write: the next one
    /// tells of it.
    pub noted: Option<Noted>,
    /// The ids of the intents that this process wrote, the last one only.
    pub own_intent: Option<String>,
    /// The last token that this process stored.
    pub stored: Option<Stored>,
    /// Since when (boot time) the status does not tell of the token that the target holds.
    pub untold_since: Option<Duration>,
    /// Since when (boot time) the lists of its namespace have not been complete.
    pub unlisted_since: Option<Duration>,
    /// The open intent of somebody else, and when this process first saw it (boot time).
    pub foreign_intent: Option<(String, Duration)>,
    /// A former object's target, by uid, and when this process first saw it (boot time).
    pub former: Option<(String, Duration)>,
    /// When (boot time) the last call was sent.
    pub last_sent: Option<Duration>,
    /// How many calls in a row brought a token that neither a clock nor a person had asked for.
    pub unasked: u32,
    /// The stored tokens, and when each ends in boot time, counted from when this process first saw
    /// it.
    pub ends: Vec<(TokenFacts, Duration)>,
    /// The fingerprint of the last token that this process minted for it, and the boot time of that
    /// call: issue times are cut to the second.
    pub minted: Option<(String, Duration)>,
    /// How long the last answered call took.
    pub last_call: Duration,
    /// When the stored token was last returned again, although it was time for a new one.
    pub checked: Option<(String, Timestamp)>,
    /// The version of a target whose data holds no token that we know.
    pub unmatched: Option<String>,
    /// The last version of the target that this process wrote, or whose data it found to be what
    /// the annotations say.
    pub verified: Option<String>,
    /// When (boot time) the target's data were last read.
    pub read_at: Option<Duration>,
    /// The version of a target that writing it again left as it was.
    pub in_vain: Option<String>,
    /// No look closer, call or write before this boot time.
    pub not_before: Duration,
    /// How many writes or reads in a row failed or lost a race.
    pub errors: u32,
    /// How many passes in a row did not come to rest.
    pub diverged: u32,
    /// No pass at all before this boot time, since the ones before did not come to rest.
    pub no_pass_before: Duration,
    /// Since when (boot time) an older object of the app is to be tried first.
    pub waiting_since: Option<Duration>,
    /// Since when (boot time) a call is due and was not made.
    pub due_since: Option<Duration>,
    /// A failed write of the target that carried no new token.
    pub refused: Option<Refused>,
    /// When (boot time) an edit of the target was last put right.
    pub corrected: Option<Duration>,
    /// The status that this process wrote, and when (boot time), while that is recent: another one
    /// stands if somebody else wrote over it.
    pub written_status: Option<(Arc<MiniProgramStatus>, Duration)>,
    /// The call that the target was last seen stamped with: a change of it under another operator's
    /// name is not ours.
    pub issued_for: Option<String>,
    /// How often in a row the platform did not answer: its time is doubled each time.
    pub unanswered: u32,
    /// The value of the annotation `invalid-token` that was last looked at.
    pub invalid_seen: Option<Option<String>>,
    /// The siblings' tokens that this object has asked after.
    pub sibling_asked: Option<String>,
}

/// What is remembered of an object.
#[derive(Default)]
pub struct Memory {
    /// The token in hand.
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
    /// Looks at or changes what is remembered of an object.
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

    /// How many objects are remembered.
    #[cfg(test)]
    pub fn objects(&self) -> usize {
        lock(&self.objects).len()
    }

    /// Forgets an object that is gone. Its app's counts stay: a new object of the app is held by
    /// them.
    pub fn forget(&self, uid: &str) {
        lock(&self.objects).remove(uid);
    }
}

/// A panic while the lock was held left a value that is whole all the same: every change above is
/// one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
