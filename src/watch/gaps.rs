//! The watches that do not work at the moment, and since when: their list is not complete, or they
//! fail. Decides nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The watches of a term that do not work; cheap to clone.
#[derive(Clone, Default)]
pub struct Gaps(Arc<Mutex<BTreeMap<String, Duration>>>);

impl Gaps {
    /// The name of each watch that does not work, and the boot time since which.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Duration)> {
        self.lock().iter().map(|(what, since)| (what.clone(), *since)).collect()
    }

    /// Whether all watches work.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Records that a watch does not work, from this boot time on unless it is recorded already.
    pub(crate) fn begin(&self, what: &str, boot: Duration) {
        self.lock().entry(what.to_owned()).or_insert(boot);
    }

    /// Records that a watch works.
    pub(crate) fn end(&self, what: &str) {
        self.lock().remove(what);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Duration>> {
        // Each change is one insertion or removal, which a panic cannot interrupt.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
