//! The progress of the dispatcher, for `/livez` and the metrics: times by the boot clock, and
//! counts. Decides nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Action;
use crate::world::ObjectName;

/// The progress of the dispatcher; cheap to clone.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    last_activity: Duration,
    overdue: BTreeMap<ObjectName, Duration>,
    running: BTreeMap<ObjectName, Duration>,
}

impl Progress {
    /// The boot time since which the most overdue object is overdue.
    #[must_use]
    pub fn oldest_overdue(&self) -> Option<Duration> {
        self.state().overdue.values().min().copied()
    }

    /// The boot time at which the longest running reconcile began.
    #[must_use]
    pub fn longest_running(&self) -> Option<Duration> {
        self.state().running.values().min().copied()
    }

    /// The number of reconciles under way.
    #[must_use]
    pub fn active(&self) -> usize {
        self.state().running.len()
    }

    /// The boot time at which the dispatcher was last active: at most a few seconds ago unless it
    /// hangs.
    #[must_use]
    pub fn last_activity(&self) -> Duration {
        self.state().last_activity
    }

    /// Forgets a deleted object.
    pub fn forget(&self, name: &ObjectName) {
        self.state().overdue.remove(name);
    }

    pub(super) fn record_activity(&self, boot: Duration) {
        self.state().last_activity = boot;
    }

    pub(super) fn began(&self, name: &ObjectName, boot: Duration) {
        self.state().running.insert(name.clone(), boot);
    }

    /// After a panic, an object that was overdue before still is.
    pub(super) fn ended(&self, name: &ObjectName, action: Option<Action>) {
        let mut state = self.state();
        state.running.remove(name);
        match action.map(|action| action.overdue_since) {
            Some(Some(since)) => {
                state.overdue.insert(name.clone(), since);
            }
            Some(None) => {
                state.overdue.remove(name);
            }
            None => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one assignment, insertion or removal, which a panic cannot interrupt.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
