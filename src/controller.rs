//! Which object is looked at when: one task per look, never two for one object. Knows nothing of
//! what a look does.
//!
//! There is no limit on looks: one takes microseconds unless it waits for a platform, and those
//! that wait for a platform that hangs must not hold places that the others need.

mod progress;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream};
use kube::runtime::scheduler::{ScheduleRequest, scheduler};
use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub use self::progress::Progress;
use crate::{shell::clock::Clock, world::ObjectName};

/// What happens although nothing has changed.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// No object sleeps longer than this. The timer stands still while the machine is suspended,
    /// and knows nothing of a wall clock that somebody sets; a look at an object with nothing to do
    /// costs microseconds.
    pub resync_period: Duration,
    /// How often [`Progress`] hears from an idle dispatcher.
    pub beat: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { resync_period: Duration::from_mins(5), beat: Duration::from_secs(10) }
    }
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// When to look again at the latest. Earlier if something changes.
    pub requeue_after: Duration,
    /// The boot time since which something is due that nothing hinders.
    pub overdue_since: Option<Duration>,
}

impl Action {
    /// There is no such object: it is not looked at again until somebody asks.
    pub const AWAIT_CHANGE: Self = Self { requeue_after: Duration::MAX, overdue_since: None };
}

/// Looks at objects when they change and when they asked for it, until told to stop; then ends what
/// it began.
///
/// A look that panics is the failure of its object: `panicked` hears of it and says when to look
/// again.
pub async fn run<R, Fut, P>(
    looks: mpsc::UnboundedReceiver<ObjectName>,
    reconcile: R,
    panicked: P,
    progress: Progress,
    clock: Clock,
    timing: Timing,
    stop: CancellationToken,
) where
    R: Fn(ObjectName) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Action> + Send + 'static,
    P: Fn(&ObjectName) -> Duration,
{
    let reconcile = Arc::new(reconcile);
    let (again, agains) = mpsc::unbounded_channel();
    let now = |message| ScheduleRequest { message, run_at: Instant::now() };
    let mut due = pin!(scheduler(stream::select(stream_of(looks).map(now), stream_of(agains))));
    let settle = |(name, looked): (ObjectName, Option<Action>)| {
        progress.ended(&name, looked);
        let sleep = looked.map_or_else(|| panicked(&name), |looked| looked.requeue_after);
        (name, sleep)
    };
    let mut running = Running::default();
    let mut beat = tokio::time::interval(timing.beat);
    loop {
        progress.turned(clock.now().boot);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(done) = running.tasks.join_next_with_id() => {
                let Some((name, sleep)) = running.ended(done).map(settle) else { continue };
                if running.asked_again.remove(&name) {
                    progress.began(&name, clock.now().boot);
                    running.begin(name, &reconcile);
                } else if sleep < Duration::MAX {
                    let run_at = Instant::now() + sleep.min(timing.resync_period);
                    // The receiver is a local of this function.
                    let _ = again.send(ScheduleRequest { message: name, run_at });
                }
            }
            Some(name) = due.next() => {
                if running.names.contains(&name) {
                    running.asked_again.insert(name);
                    continue;
                }
                progress.began(&name, clock.now().boot);
                running.begin(name, &reconcile);
            }
            _ = beat.tick() => {}
        }
    }
    while let Some(done) = running.tasks.join_next_with_id().await {
        running.ended(done).map(settle);
    }
}

#[derive(Default)]
struct Running {
    tasks: JoinSet<Action>,
    names: HashSet<ObjectName>,
    /// What changed or is due while it is looked at. The scheduler could hold these, and would let
    /// them go in no order: a simulated run would not replay.
    asked_again: HashSet<ObjectName>,
    by_task: HashMap<Id, ObjectName>,
}

impl Running {
    fn begin<R, Fut>(&mut self, name: ObjectName, reconcile: &Arc<R>)
    where
        R: Fn(ObjectName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Action> + Send + 'static,
    {
        let (reconcile, of) = (Arc::clone(reconcile), name.clone());
        let task = self.tasks.spawn(async move { reconcile(of).await });
        self.by_task.insert(task.id(), name.clone());
        self.names.insert(name);
    }

    /// Whose look has ended, and what came of it; nothing if it panicked.
    fn ended(
        &mut self,
        done: Result<(Id, Action), JoinError>,
    ) -> Option<(ObjectName, Option<Action>)> {
        let (id, looked) = match done {
            Ok((id, looked)) => (id, Some(looked)),
            Err(panic) => (panic.id(), None),
        };
        let name = self.by_task.remove(&id)?;
        self.names.remove(&name);
        Some((name, looked))
    }
}

fn stream_of<T>(mut receiver: mpsc::UnboundedReceiver<T>) -> impl stream::Stream<Item = T> {
    stream::poll_fn(move |cx| receiver.poll_recv(cx))
}
