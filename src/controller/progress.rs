//! Whether the work goes on, for `/livez` and the metrics: times and counts by boot clock. Decides
//! nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Action;
use crate::world::ObjectName;

/// How the dispatcher gets on; cheap to clone.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    last_turn: Duration,
    overdue: HashMap<ObjectName, Duration>,
    running: HashMap<ObjectName, Duration>,
}

impl Progress {
    /// The boot time since which the most overdue object waits.
    #[must_use]
    pub fn oldest_overdue(&self) -> Option<Duration> {
        self.state().overdue.values().min().copied()
    }

    /// The boot time at which the longest running look began.
    #[must_use]
    pub fn longest_running(&self) -> Option<Duration> {
        self.state().running.values().min().copied()
    }

    /// How many looks are under way.
    #[must_use]
    pub fn active(&self) -> usize {
        self.state().running.len()
    }

    /// The boot time at which the dispatcher last did anything; at most seconds ago while it is
    /// well.
    #[must_use]
    pub fn last_turn(&self) -> Duration {
        self.state().last_turn
    }

    /// Drops what is known of an object that is gone.
    pub fn forget(&self, name: &ObjectName) {
        self.state().overdue.remove(name);
    }

    pub(super) fn turned(&self, boot: Duration) {
        self.state().last_turn = boot;
    }

    pub(super) fn began(&self, name: &ObjectName, boot: Duration) {
        self.state().running.insert(name.clone(), boot);
    }

    /// A look that panicked says nothing: what was overdue before it still is.
    pub(super) fn ended(&self, name: &ObjectName, looked: Option<Action>) {
        let mut state = self.state();
        state.running.remove(name);
        match looked.map(|looked| looked.overdue_since) {
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
        // Each change is one step, so a panic elsewhere cannot have left it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
