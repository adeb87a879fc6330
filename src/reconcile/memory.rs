//! What the process remembers of an object from one pass to the next, by uid and by subject.
//! Decides nothing; losing it costs at most a call, except for the unstored token.

mod apps;
mod backoffs;
mod calls;
mod creations;
mod reports;
mod sightings;
mod tickets;
mod writes;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use self::{apps::Apps, creations::Creations};
pub use self::{
    apps::{AppKey, AppMints, LastMint},
    backoffs::{Backoffs, LONGEST as LONGEST_BACK_OFF},
    calls::{Calls, Ended, How},
    reports::{Noted, Reports, Seen, WrittenStatus},
    sightings::Sightings,
    tickets::{LastTicketCall, TicketCalls, TicketEnd},
    writes::{Precondition, Refused, Stored, UnstoredFacts, UnstoredToken, Writes},
};
use crate::packed::Packed;

/// What is remembered of an object and shown to the plan.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Recall {
    /// Its calls.
    pub calls: Calls,
    /// Its calls for tickets, by type.
    pub tickets: Vec<TicketCalls>,
    /// Its writes.
    pub writes: Writes,
    /// What was first seen when.
    pub sightings: Sightings,
    /// The reports about it.
    pub reports: Reports,
    /// Its back-offs.
    pub backoffs: Backoffs,
}

/// What is remembered of an object.
#[derive(Default)]
pub struct Memory {
    /// The unstored token.
    pub unstored: Option<Box<UnstoredToken>>,
    /// All the rest.
    pub recall: Recall,
}

/// What is remembered of an object: in one block, unless a pass works with it.
#[derive(Default)]
struct Kept {
    /// Boxed, since a table has room for twice its entries.
    in_use: Option<Box<Memory>>,
    at_rest: Option<Packed<Recall>>,
}

impl Kept {
    fn in_use(&mut self) -> &mut Memory {
        self.in_use.get_or_insert_with(|| {
            let recall = self.at_rest.take().map(|recall| recall.value()).unwrap_or_default();
            Box::new(Memory { unstored: None, recall })
        })
    }

    /// An unstored token must be wiped, and the end of a call is soon reported: neither is packed.
    fn rest(&mut self) {
        let is_at_rest =
            |memory: &Memory| memory.unstored.is_none() && memory.recall.calls.ended.is_none();
        let in_use = self.in_use.as_ref().filter(|memory| is_at_rest(memory));
        if let Some(recall) = in_use.and_then(|memory| Packed::of(&memory.recall)) {
            *self = Self { in_use: None, at_rest: Some(recall) };
        }
    }
}

/// The process's memory, by object, by app and by namespace.
#[derive(Default)]
pub struct Memories {
    objects: Mutex<HashMap<Box<str>, Kept>>,
    apps: Mutex<Apps>,
    creations: Mutex<Creations>,
}

impl Memories {
    /// Reads or changes what is remembered of an object.
    pub fn with<T>(&self, uid: &str, change: impl FnOnce(&mut Memory) -> T) -> T {
        let mut objects = lock(&self.objects);
        change(objects.entry(uid.into()).or_default().in_use())
    }

    /// Keeps what is remembered of an object in less memory, until it is needed again.
    pub fn rest(&self, uid: &str) {
        if let Some(kept) = lock(&self.objects).get_mut(uid) {
            kept.rest();
        }
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

    /// Reads or changes what is remembered of creations of targets.
    pub fn creations<T>(&self, change: impl FnOnce(&mut Creations) -> T) -> T {
        change(&mut lock(&self.creations))
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

/// A panic while the lock was held costs at most what was being remembered.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::{
        Backoffs, Calls, Ended, How, LastTicketCall, Memories, Noted, Recall, Refused, Reports,
        Seen, Sightings, Stored, TicketCalls, TicketEnd, Writes, WrittenStatus,
    };
    use crate::{
        api::{Reason, TicketType},
        projection::TicketFacts,
        reconcile::{
            api_error::admission::Said,
            call::{Call, Wanted, Why},
            memory::backoffs::Backoff,
            plan::tests::sight::{STABLE, Sight, at, boot, credential, projection},
        },
    };

    /// Every part differs from its default.
    fn full() -> Recall {
        let token = projection(STABLE).token.expect("a token");
        let since = Some(Duration::new(7, 123_456_789));
        let text = || Some("text".to_owned());
        Recall {
            calls: Calls {
                ended: None,
                own_intent: text(),
                last_sent: since,
                last_took: boot(1),
                unasked: 1,
                unanswered: 2,
                minted: Some(("text".into(), boot(2))),
                checked: Some(("text".into(), at(3))),
                accepted: Some(at(4)),
                reported: 3,
                sibling_asked: text(),
            },
            tickets: vec![TicketCalls {
                kind: TicketType::JsApi,
                last: LastTicketCall { fingerprint: text(), sent: at(5), boot: boot(5) },
                ended: Some(TicketEnd::Ticket {
                    facts: TicketFacts {
                        kind: TicketType::JsApi,
                        fingerprint: "text".into(),
                        issue_time: Time(at(5)),
                        expiration_time: Time(at(6)),
                    },
                    next: at(6),
                }),
            }],
            writes: Writes {
                stored: Some(Stored { call: "text".into(), token: token.clone(), asked_at: at(5) }),
                verified: text(),
                unmatched: text(),
                read_at: since,
                unchanged: text(),
                corrected: since,
                refused: Some(Refused {
                    reason: Reason::Altered,
                    said: Some(Said { by: "text".into(), text: text() }),
                    attempts: 4,
                    retry: boot(6),
                }),
            },
            sightings: Sightings {
                foreign_intent: Some(("text".into(), boot(7))),
                former: Some(("text".into(), boot(8))),
                ends: vec![(token, boot(9))],
                unlisted_since: since,
                unreported_since: since,
                waiting_since: since,
                due_since: since,
            },
            reports: Reports {
                noted: Some(Noted {
                    version: credential(),
                    generation: Some(5),
                    reason: Reason::AppIdRejected,
                }),
                written_status: Some(WrittenStatus::of(
                    Sight::new(STABLE).mp.status.as_ref(),
                    boot(10),
                )),
                issued_for: text(),
                // It differs from having seen nothing.
                invalid_seen: Some(Seen { value: None }),
            },
            backoffs: Backoffs {
                requests: Backoff { failures: 6, until: boot(11) },
                passes: Backoff { failures: 7, until: boot(12) },
            },
        }
    }

    #[test]
    fn what_is_remembered_is_the_same_after_a_rest() {
        let memories = Memories::default();
        memories.with("uid", |memory| memory.recall = full());
        memories.rest("uid");
        assert!(memories.objects.lock().expect("unpoisoned")["uid"].in_use.is_none());
        let after = memories.with("uid", |memory| format!("{:?}", memory.recall));
        assert_eq!(after, format!("{:?}", full()));
    }

    #[test]
    fn what_the_next_pass_needs_is_not_packed() {
        let memories = Memories::default();
        memories.rest("uid");
        assert_eq!(memories.objects(), 0, "nothing is remembered of it");
        let ended = Ended {
            call: Call::for_test(Wanted { why: Why::Time, force: false, mints: false }),
            generation: None,
            credential: None,
            mints_before: None,
            how: How::Withdrawn,
        };
        memories.with("uid", |memory| memory.recall.calls.ended = Some(Box::new(ended)));
        memories.rest("uid");
        assert!(memories.with("uid", |memory| memory.recall.calls.ended.is_some()));
    }
}
