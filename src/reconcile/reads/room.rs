//! Room for reads: so many at a time, and a share of them for each namespace. Knows nothing of what
//! is read.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::reconcile::{
    api_error::ApiError,
    queues::{Place, Queues},
};

/// A Secret is 1 MiB at most, and 1.4 MiB as base64 in an answer, of which kube makes one copy:
/// some 3 MiB for each read, and 18 MiB for all.
const READS: usize = 6;
/// A namespace whose objects all want to read leaves half of the room to others.
pub(super) const SHARE: usize = 3;
/// What finds no room by then is given up like an answer that does not come, so that the object's
/// status can follow the clock.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a read is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A call that has its slot, or a token that a call brought. There are no more of them than
    /// slots, and others wait for those, so that they do not stand behind all objects of their
    /// namespace.
    Call,
    /// Anything else.
    Object,
}

/// Room for reads; cheap to clone. Who waits is served in the order in which they came.
#[derive(Clone)]
pub struct Room {
    all: Arc<Semaphore>,
    /// By namespace.
    shares: Queues<String>,
}

/// Room for one read, given back when dropped. Whoever holds it waits for nothing but the API
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
    /// Waits for room: first for the namespace's share, so that it never has more than that in the
    /// queue of all.
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
