//! Limits the concurrent reads, in total and for each namespace. Knows nothing of what is read.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::reconcile::{
    api_error::ApiError,
    queues::{Place, Queues},
};

/// A Secret has at most 1 MiB, or 1.4 MiB as base64 in an answer, of which kube makes one copy:
/// about 3 MiB for each read, and 18 MiB in total.
const READS: usize = 6;
/// The reads of one namespace, so that one whose objects all want to read leaves half of the total
/// to others.
pub(super) const SHARE: usize = 3;
/// The longest wait for a permit. After it the read fails like one without an answer, so that the
/// object's status can follow the clock.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a read is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// For a call that has its slot, or for a token that a call returned. There are no more of
    /// these than slots, and other objects wait for the slots, so these reads do not wait behind
    /// all objects of their namespace.
    Call,
    /// For anything else.
    Object,
}

/// The permits for reads; cheap to clone. They are granted in order of arrival.
#[derive(Clone)]
pub struct Room {
    all: Arc<Semaphore>,
    /// The shares, by namespace.
    shares: Queues<String>,
}

/// The permit for one read, released when dropped. Its holder waits for nothing but the API
/// server's answer.
pub struct Permit {
    _all: OwnedSemaphorePermit,
    _share: Option<Place<String>>,
}

impl Default for Room {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(READS)), shares: Queues::new(SHARE) }
    }
}

impl Room {
    /// Waits for a permit: first for the namespace's share, so that the queue of all never holds
    /// more than the share of one namespace.
    pub async fn enter(&self, namespace: &str, errand: Errand) -> Result<Permit, ApiError> {
        let entered = timeout(PATIENCE, async {
            let share = match errand {
                Errand::Call => None,
                Errand::Object => Some(self.shares.enter(&namespace.to_owned()).await?),
            };
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Permit { _all: all, _share: share })
        });
        entered.await.ok().flatten().ok_or(ApiError::NoRoom)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::{Errand, PATIENCE, READS, Room, SHARE};
    use crate::reconcile::api_error::ApiError;

    #[tokio::test(start_paused = true)]
    async fn a_namespace_leaves_room_to_others_and_a_call_passes_its_share() {
        let room = Room::default();
        let mut held = Vec::new();
        let mut enters = |namespace, errand| {
            let permit = room.enter(namespace, errand).now_or_never().transpose().expect("room");
            permit.map(|permit| held.push(permit)).is_some()
        };
        assert_eq!(
            (0..READS).filter(|_| enters("crowded", Errand::Object)).count(),
            SHARE,
            "its share"
        );
        assert!(enters("crowded", Errand::Call), "a call waits for no share");
        assert_eq!(
            (0..READS).filter(|_| enters("quiet", Errand::Object)).count(),
            READS - SHARE - 1
        );
        assert!(
            !enters("another", Errand::Object) && !enters("another", Errand::Call),
            "all is used up"
        );
        assert_eq!(held.len(), READS);
        held.pop();
        assert!(room.enter("another", Errand::Object).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_gives_up_and_leaves_nothing_behind() {
        let room = Room::default();
        let mut held = Vec::new();
        for _ in 0..SHARE {
            held.push(room.enter("crowded", Errand::Object).await.expect("room"));
        }
        let began = tokio::time::Instant::now();
        assert!(matches!(room.enter("crowded", Errand::Object).await, Err(ApiError::NoRoom)));
        assert_eq!(began.elapsed(), PATIENCE);
        drop(held);
        assert!(room.shares.is_empty());
        assert_eq!(room.all.available_permits(), READS);
    }
}
