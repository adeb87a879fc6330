//! Which watches do not show the cluster at the moment, and since when: not listed yet, or failing.
//! Decides nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The watches of a term that show nothing; cheap to clone.
#[derive(Clone, Default)]
pub struct Gaps(Arc<Mutex<BTreeMap<String, Duration>>>);

impl Gaps {
    /// What is not shown, in words, and since which boot time.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Duration)> {
        self.lock().iter().map(|(what, since)| (what.clone(), *since)).collect()
    }

    /// Whether all watches show what they are for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// A watch shows nothing from now on, if it did before.
    pub(crate) fn begin(&self, what: &str, boot: Duration) {
        self.lock().entry(what.to_owned()).or_insert(boot);
    }

    /// A watch shows what it is for.
    pub(crate) fn end(&self, what: &str) {
        self.lock().remove(what);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Duration>> {
        // Each change is one step, so a panic elsewhere cannot have left it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
