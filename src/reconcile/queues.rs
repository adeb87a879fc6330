//! A queue for each key, as long as somebody stands in it: so many hold a place at a time, and the
//! others wait in the order in which they came. Knows nothing of what the places are for.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The queues; cheap to clone.
#[derive(Clone)]
pub struct Queues<K: Hash + Eq> {
    places: usize,
    by_key: ByKey<K>,
}

type ByKey<K> = Arc<Mutex<HashMap<K, Arc<Semaphore>>>>;

/// A place, or the wait for one; given back when dropped, to whoever waits longest.
pub struct Place<K: Hash + Eq> {
    permit: Option<OwnedSemaphorePermit>,
    semaphore: Arc<Semaphore>,
    by_key: ByKey<K>,
    key: K,
}

impl<K: Hash + Eq + Clone> Queues<K> {
    /// Queues of so many places each.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { places, by_key: ByKey::default() }
    }

    /// Waits for a place.
    pub async fn enter(&self, key: &K) -> Option<Place<K>> {
        let mut place = self.wait(key);
        place.permit = Some(Arc::clone(&place.semaphore).acquire_owned().await.ok()?);
        Some(place)
    }

    /// A place, if one is free and nobody waits for it.
    pub fn try_enter(&self, key: &K) -> Option<Place<K>> {
        let mut place = self.wait(key);
        place.permit = Some(Arc::clone(&place.semaphore).try_acquire_owned().ok()?);
        Some(place)
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        lock(&self.by_key).is_empty()
    }

    fn wait(&self, key: &K) -> Place<K> {
        let mut queues = lock(&self.by_key);
        let semaphore = queues.entry(key.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.places)));
        Place { permit: None, semaphore: Arc::clone(semaphore), by_key: Arc::clone(&self.by_key), key: key.clone() }
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut queues = lock(&self.by_key);
        self.permit = None;
        // The map's and this one: nobody else stands there, and whoever comes next has to wait for the lock.
        if Arc::strong_count(&self.semaphore) == 2 {
            queues.remove(&self.key);
        }
    }
}

fn lock<K>(queues: &Mutex<HashMap<K, Arc<Semaphore>>>) -> MutexGuard<'_, HashMap<K, Arc<Semaphore>>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}
