//! When each object is reconciled: one task per reconcile, and never two for one object at a time.
//! Knows nothing of what a reconcile does.
//!
//! The number of concurrent reconciles is not limited: a reconcile takes microseconds unless it
//! waits for a platform, and those that wait for a hanging platform must not delay the others.

mod progress;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, stream};
use kube::runtime::scheduler::{ScheduleRequest, scheduler};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub use self::progress::Progress;
use crate::{shell::clock::Clock, world::ObjectName};

/// The periods of what happens without any event.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The longest time between two reconciles of an object. The timer does not advance while the
    /// machine is suspended and does not follow changes of the wall clock. A reconcile of an object
    /// with nothing to do costs microseconds.
    pub resync_period: Duration,
    /// How often an idle dispatcher reports to [`Progress`].
    pub tick: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { resync_period: Duration::from_mins(5), tick: Duration::from_secs(10) }
    }
}

/// The result of a reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// The time until the next reconcile. A change of an object requeues it earlier.
    pub requeue_after: Duration,
    /// The boot time since which a call or a write is due that nothing prevents.
    pub overdue_since: Option<Duration>,
}

impl Action {
    /// The result for an object that does not exist: only an event requeues it.
    pub const AWAIT_CHANGE: Self = Self { requeue_after: Duration::MAX, overdue_since: None };
}

/// Reconciles objects when they are requeued, by an event or by time, until `stop`; then waits for
/// the reconciles under way.
///
/// A reconcile that panics is an error of its object: `panicked` is called with the name and
/// returns the time until the next reconcile.
pub async fn run<R, Fut, P>(
    requeues: mpsc::UnboundedReceiver<ObjectName>,
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
    let (timers, timer_requests) = mpsc::unbounded_channel();
    let now = |message| ScheduleRequest { message, run_at: Instant::now() };
    let mut due =
        pin!(scheduler(stream::select(stream_of(requeues).map(now), stream_of(timer_requests))));
    let finish = |(name, action): Done| {
        progress.ended(&name, action);
        let sleep = action.map_or_else(|| panicked(&name), |action| action.requeue_after);
        (name, sleep)
    };
    let mut running = Running::default();
    let mut ticks = tokio::time::interval(timing.tick);
    loop {
        progress.record_activity(clock.now().boot);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(done) = running.tasks.join_next() => {
                let Some((name, sleep)) = running.ended(done).map(finish) else { continue };
                if running.requeued.remove(&name) {
                    progress.began(&name, clock.now().boot);
                    running.begin(name, &reconcile);
                } else if sleep < Duration::MAX {
                    let run_at = Instant::now() + sleep.min(timing.resync_period);
                    // The receiver is a local variable of this function.
                    let _ = timers.send(ScheduleRequest { message: name, run_at });
                }
            }
            Some(name) = due.next() => {
                if running.names.contains(&name) {
                    running.requeued.insert(name);
                    continue;
                }
                progress.began(&name, clock.now().boot);
                running.begin(name, &reconcile);
            }
            _ = ticks.tick() => {}
        }
    }
    while let Some(done) = running.tasks.join_next().await {
        running.ended(done).map(finish);
    }
}

/// An object and the result of its reconcile: none if it panicked.
type Done = (ObjectName, Option<Action>);

/// The reconciles under way. Ten thousand objects may be reconciled at once, and few later: trees
/// give back what they no longer need.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Done>,
    names: BTreeSet<ObjectName>,
    /// The objects that were requeued during their reconcile. The scheduler could hold them, but
    /// would release them in no particular order, and a simulated run would not be reproducible.
    requeued: BTreeSet<ObjectName>,
}

impl Running {
    fn begin<R, Fut>(&mut self, name: ObjectName, reconcile: &Arc<R>)
    where
        R: Fn(ObjectName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Action> + Send + 'static,
    {
        let (reconcile, of) = (Arc::clone(reconcile), name.clone());
        self.names.insert(name);
        self.tasks.spawn(async move {
            let pass = async { reconcile(of.clone()).await };
            // A panicking pass is dropped, and what it shares with others has its own protection.
            let action = AssertUnwindSafe(pass).catch_unwind().await.ok();
            (of, action)
        });
    }

    fn ended(&mut self, done: Result<Done, JoinError>) -> Option<Done> {
        // Nothing aborts a reconcile but the end of the process.
        let (name, action) = done.ok()?;
        self.names.remove(&name);
        Some((name, action))
    }
}

fn stream_of<T>(mut receiver: mpsc::UnboundedReceiver<T>) -> impl stream::Stream<Item = T> {
    stream::poll_fn(move |cx| receiver.poll_recv(cx))
}
