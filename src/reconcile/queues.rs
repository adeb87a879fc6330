//! A queue for each key that is in use: a limited number hold a place at a time, and the others
//! wait in order of arrival. Knows nothing of what the places are for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The queues; cheap to clone.
#[derive(Clone)]
pub struct Queues<K: Ord> {
    places: usize,
    by_key: ByKey<K>,
}

/// All in a queue share its key.
type ByKey<K> = Arc<Mutex<BTreeMap<Arc<K>, Queue>>>;

struct Queue {
    places: Arc<Semaphore>,
    /// The number that hold a place or wait for one.
    standing: usize,
}

/// A place, or the wait for one; when dropped, it is released to the longest waiter.
pub struct Place<K: Ord> {
    permit: Option<OwnedSemaphorePermit>,
    by_key: ByKey<K>,
    key: Arc<K>,
}

impl<K: Ord> Place<K> {
    /// The key of its queue.
    pub fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Ord + Clone> Queues<K> {
    /// Queues with this many places each.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { places, by_key: ByKey::default() }
    }

    /// Waits for a place.
    pub async fn enter(&self, key: &K) -> Option<Place<K>> {
        let (mut place, places) = self.stand(key);
        place.permit = Some(places.acquire_owned().await.ok()?);
        Some(place)
    }

    /// A place, if one is free and no other caller waits for it.
    pub fn try_enter(&self, key: &K) -> Option<Place<K>> {
        let (mut place, places) = self.stand(key);
        place.permit = Some(places.try_acquire_owned().ok()?);
        Some(place)
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        lock(&self.by_key).is_empty()
    }

    fn stand(&self, key: &K) -> (Place<K>, Arc<Semaphore>) {
        let mut queues = lock(&self.by_key);
        let key = queues
            .get_key_value(key)
            .map_or_else(|| Arc::new(key.clone()), |(key, _)| Arc::clone(key));
        let new = || Queue { places: Arc::new(Semaphore::new(self.places)), standing: 0 };
        let queue = queues.entry(Arc::clone(&key)).or_insert_with(new);
        queue.standing += 1;
        let place = Place { permit: None, by_key: Arc::clone(&self.by_key), key };
        (place, Arc::clone(&queue.places))
    }
}

impl<K: Ord> Drop for Place<K> {
    fn drop(&mut self) {
        let mut queues = lock(&self.by_key);
        self.permit = None;
        let Some(queue) = queues.get_mut(&self.key) else { return };
        queue.standing -= 1;
        if queue.standing == 0 {
            queues.remove(&self.key);
        }
    }
}

fn lock<K>(queues: &Mutex<BTreeMap<K, Queue>>) -> MutexGuard<'_, BTreeMap<K, Queue>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}
