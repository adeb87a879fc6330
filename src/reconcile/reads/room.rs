//! Room for reads: so many at a time, and a share of them for each namespace. Knows nothing of what is read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::reconcile::api_error::ApiError;

/// A Secret is 1 MiB at most, and 1.4 MiB as base64 in an answer, of which kube makes one copy: some 3 MiB for each read, and
/// 18 MiB for all.
const READS: usize = 6;
/// A namespace whose objects all want to read leaves half of the room to others.
pub(super) const SHARE: usize = 3;
/// What finds no room by then is given up like an answer that does not come, so that the object's status can follow the clock.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a read is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A call that has its slot, or a token that a call brought. There are no more of them than slots, and others wait for
    /// those, so that they do not stand behind all objects of their namespace.
    Call,
    /// Anything else.
    Object,
}

/// Room for reads; cheap to clone. Who waits is served in the order in which they came.
#[derive(Clone)]
pub struct Room {
    all: Arc<Semaphore>,
    shares: Shares,
}

/// By namespace, as long as somebody there reads or waits.
type Shares = Arc<Mutex<HashMap<String, Arc<Semaphore>>>>;

/// Room for one read, given back when dropped. Whoever holds it waits for nothing but the API server's answer.
pub struct Permit {
    _all: OwnedSemaphorePermit,
    _share: Option<Share>,
}

/// One of a namespace's reads, under way or waiting.
struct Share {
    permit: Option<OwnedSemaphorePermit>,
    semaphore: Arc<Semaphore>,
    shares: Shares,
    namespace: String,
}

impl Default for Room {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(READS)), shares: Shares::default() }
    }
}

impl Room {
    /// Waits for room: first for the namespace's share, so that it never has more than that in the queue of all.
    pub async fn enter(&self, namespace: &str, errand: Errand) -> Result<Permit, ApiError> {
        let entered = timeout(PATIENCE, async {
            let share = match errand {
                Errand::Call => None,
                Errand::Object => Some(self.share(namespace).await?),
            };
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Permit { _all: all, _share: share })
        });
        entered.await.ok().flatten().ok_or(ApiError::NoRoom)
    }

    async fn share(&self, namespace: &str) -> Option<Share> {
        let semaphore = {
            let mut shares = lock(&self.shares);
            Arc::clone(shares.entry(namespace.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(SHARE))))
        };
        let mut share = Share { permit: None, semaphore, shares: Arc::clone(&self.shares), namespace: namespace.to_owned() };
        share.permit = Some(Arc::clone(&share.semaphore).acquire_owned().await.ok()?);
        Some(share)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = lock(&self.shares);
        self.permit = None;
        // The map's and this one: nobody else reads there or waits, and whoever comes next has to wait for the lock.
        if Arc::strong_count(&self.semaphore) == 2 {
            shares.remove(&self.namespace);
        }
    }
}

fn lock(shares: &Shares) -> MutexGuard<'_, HashMap<String, Arc<Semaphore>>> {
    shares.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!((0..READS).filter(|_| enters("crowded", Errand::Object)).count(), SHARE, "its share");
        assert!(enters("crowded", Errand::Call), "a call waits for no share");
        assert_eq!((0..READS).filter(|_| enters("quiet", Errand::Object)).count(), READS - SHARE - 1);
        assert!(!enters("another", Errand::Object) && !enters("another", Errand::Call), "all is used up");
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
        assert!(super::lock(&room.shares).is_empty());
        assert_eq!(room.all.available_permits(), READS);
    }
}
