//! Reconciles one object: observe, plan, one act, and again until nothing is to do. Each step
//! returns a value and calls no other step.

mod acts;
pub mod api_error;
pub mod apply;
pub mod call;
pub mod events;
mod farewell;
pub mod fetch;
pub mod memory;
mod observe;
pub mod observed;
pub mod plan;
mod queues;
pub mod reads;
pub mod status;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use kube::Client;

pub use self::farewell::farewell;
use self::{
    acts::StartedCall,
    api_error::ApiError,
    events::Events,
    fetch::{
        Platforms,
        slots::{Slot, Slots, Turn},
    },
    memory::{LONGEST_BACK_OFF, Memories, Memory, Recall},
    observed::{LiveRead, Observed, ReadFor},
    plan::{Act, Planned, view::View},
    reads::Reads,
};
use crate::{
    api::MiniProgram,
    controller::Action,
    shell::{
        chance::Chance,
        clock::{Clock, Now},
        leader::Term,
        metrics::{Metrics, Outcome},
    },
    template::AllowedMetadata,
    world::{Gone, ObjectName, World},
};

/// A pass takes a handful of iterations; more than this means that two of its acts undo each other.
const ITERATIONS: usize = 24;
/// After this many lost races with other writers in one pass, the object backs off as after any
/// failure.
const RACES: u32 = 3;
/// The wait after the first failed request, and after the first pass that did not converge.
const BACK_OFF: Duration = Duration::from_millis(500);
/// The wait when there is no room for a call.
const SOON: Duration = Duration::from_secs(1);

/// Everything that a reconcile works with.
pub struct Ctx {
    /// The client of the API server.
    pub client: Client,
    /// The reads of Secrets.
    pub reads: Reads,
    /// What the watches and our own writes show of the cluster.
    pub world: Arc<Mutex<World>>,
    /// What the process remembers.
    pub memories: Memories,
    /// The hosts of the platforms and the door to them.
    pub platforms: Platforms,
    /// Room for calls.
    pub slots: Slots,
    /// The term of leadership.
    pub term: Term,
    /// The clocks.
    pub clock: Clock,
    /// The source of randomness.
    pub chance: Chance,
    /// The metrics.
    pub metrics: Metrics,
    /// The Events.
    pub events: Events,
    /// The labels and annotations that a spec may give its target.
    pub allowed: AllowedMetadata,
}

/// What a reconcile pass owns, from one iteration to the next.
#[derive(Default)]
struct Pass {
    /// The uid of the object.
    uid: Option<String>,
    credential: Option<ReadFor>,
    live: Option<Arc<LiveRead>>,
    started: Option<Box<StartedCall>>,
    /// The app's turn, held while the pass waits for a slot. After a call on an endpoint that
    /// replaces tokens, it is held once more until the pass ends.
    turn: Option<Turn>,
    slot: Option<Slot>,
    /// The number of writes that lost a race.
    lost_races: u32,
    /// The boot time since which a call is due and has not been made.
    overdue_since: Option<Duration>,
}

/// What follows an act.
enum Next<'a> {
    Continue,
    /// Wait for the app's turn, then plan again.
    AwaitTurn(BoxFuture<'a, Option<Turn>>),
    /// Wait for a slot, then plan again.
    AwaitSlot(BoxFuture<'a, Option<Slot>>),
    Requeue(Duration, Outcome),
}

/// No call is possible now: plan again in a second.
const REQUEUE_SOON: Next<'static> = Next::Requeue(SOON, Outcome::RequeueAfter);
/// Only a change of the object makes another pass worth it.
const AWAIT_CHANGE: Next<'static> = Next::Requeue(Duration::MAX, Outcome::Success);

/// Reconciles one object in one pass.
pub async fn reconcile(ctx: Arc<Ctx>, name: ObjectName) -> Action {
    let _active = ctx.metrics.reconciling();
    let began = ctx.clock.now().boot;
    let mut pass = Pass::default();
    let (requeue_after, outcome) = run_pass(&ctx, &name, &mut pass).await;
    ctx.forget_if_gone(&name, pass.uid.as_deref());
    ctx.rest(&pass);
    ctx.metrics.reconciled(outcome, ctx.clock.now().boot.saturating_sub(began));
    Action { requeue_after, overdue_since: pass.overdue_since }
}

async fn run_pass(ctx: &Ctx, name: &ObjectName, pass: &mut Pass) -> (Duration, Outcome) {
    for iteration in 0..ITERATIONS {
        // Thousands of objects may wait for a slot: an iteration is dropped before the wait.
        let next = match Box::pin(iterate(ctx, name, pass, iteration == 0)).await {
            Next::AwaitTurn(turn) => {
                ctx.rest(pass);
                pass.turn = ctx.term.while_open(turn).await.flatten();
                pass.after_wait(pass.turn.is_some())
            }
            Next::AwaitSlot(slot) => {
                ctx.rest(pass);
                pass.slot = ctx.term.while_open(slot).await.flatten();
                pass.after_wait(pass.slot.is_some())
            }
            next => next,
        };
        if let Next::Requeue(again, outcome) = next {
            return (again, outcome);
        }
    }
    (ctx.diverged(name), Outcome::Error)
}

/// Observes, plans, and carries out one act.
async fn iterate<'a>(ctx: &'a Ctx, name: &ObjectName, pass: &mut Pass, is_first: bool) -> Next<'a> {
    pass.overdue_since = None;
    // A process that is paused and resumes after its term has ended must neither write nor call.
    if !ctx.term.leads() {
        return AWAIT_CHANGE;
    }
    let now = ctx.clock.now();
    let Some(seen) = observe::observe(ctx, name, now, pass) else { return AWAIT_CHANGE };
    let pause = seen.recall.backoffs.passes.until.saturating_sub(now.boot);
    if is_first && !pause.is_zero() {
        pass.overdue_since = seen.recall.sightings.due_since;
        return Next::Requeue(pause, Outcome::RequeueAfter);
    }
    ctx.report_foreign_write(&seen).await;
    let (Planned { act, wake, due, waits }, view) = plan::plan_and_view(&seen, now);
    pass.overdue_since = note_waits(ctx, &seen, due, waits, now);
    if let Act::Rest = act {
        ctx.recall(&seen.mini_program, |recall| recall.backoffs.passes.failures = 0);
        ctx.expose(name, &seen.mini_program);
        ctx.events.publish(&seen.mini_program, &ctx.answers_to_reports(&seen.mini_program)).await;
        return Next::Requeue(wake, Outcome::RequeueAfter);
    }
    ctx.perform(act, &seen, view.as_ref(), pass).await
}

/// A reconcile pass panicked: the object reports it and is requeued, and all others continue.
pub fn panicked(ctx: &Arc<Ctx>, name: &ObjectName) -> Duration {
    tracing::error!(
        namespace = name.namespace(),
        name = name.name(),
        "a reconcile panicked; requeueing the object in a minute"
    );
    ctx.metrics.reconcile_panicked();
    let mp = ctx.world().mini_program(name);
    if let Some(mp) = mp {
        let (ctx, name) = (Arc::clone(ctx), name.clone());
        tokio::spawn(async move {
            let status = plan::unplanned::of_panic(&mp, ctx.clock.now());
            ctx.write_status(&mp, status, &mut Pass::default()).await;
            ctx.forget_if_gone(&name, mp.metadata.uid.as_deref());
        });
    }
    LONGEST_BACK_OFF
}

/// Records since when a call is overdue, which `RefreshOverdue` and its metric report, and since
/// when an older object of the app is waited for.
fn note_waits(ctx: &Ctx, seen: &Observed, due: bool, waits: bool, now: Now) -> Option<Duration> {
    let uid = seen.mini_program.uid();
    ctx.memories.with(uid, |memory| {
        let recall = &mut memory.recall;
        recall.sightings.waiting_since =
            waits.then(|| recall.sightings.waiting_since.unwrap_or(now.boot));
        recall.sightings.due_since = due.then(|| recall.sightings.due_since.unwrap_or(now.boot));
        recall.sightings.due_since
    })
}

/// The key of the app in the process's memory.
fn app_key(mp: &MiniProgram) -> Option<memory::AppKey> {
    let (platform, endpoint) = mp.endpoint()?;
    Some((platform.name, mp.spec.app_id.as_str().into(), plan::view::mode_name(endpoint)))
}

impl Ctx {
    /// Drops what is remembered of a deleted object.
    pub fn forget(&self, gone: &Gone) {
        self.memories.forget(&gone.uid);
        self.metrics.forget(gone.name.namespace(), gone.name.name());
    }

    /// Drops what the rest of a pass has remembered of an object that was deleted meanwhile.
    fn forget_if_gone(&self, name: &ObjectName, uid: Option<&str>) {
        let current = self.world().uid_of(name).map(str::to_owned);
        if current.is_none() {
            self.metrics.forget(name.namespace(), name.name());
        }
        if let Some(gone) = uid.filter(|uid| current.as_deref() != Some(uid)) {
            self.memories.forget(gone);
        }
    }

    /// Keeps what is remembered of a pass's object in less memory, until it is needed again.
    fn rest(&self, pass: &Pass) {
        if let Some(uid) = &pass.uid {
            self.memories.rest(uid);
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall<T>(&self, mp: &MiniProgram, change: impl FnOnce(&mut Recall) -> T) -> T {
        self.memories.with(mp.uid(), |memory| change(&mut memory.recall))
    }

    async fn perform<'a>(
        &'a self,
        act: Act,
        seen: &Observed,
        view: Option<&View<'_>>,
        pass: &mut Pass,
    ) -> Next<'a> {
        let mp = &*seen.mini_program;
        // Of an object that cannot be viewed, only the status is written.
        let Some(view) = view else {
            return match act {
                Act::Status(status) => self.write_status(mp, *status, pass).await,
                _ => REQUEUE_SOON,
            };
        };
        match act {
            Act::Rest => Next::Continue,
            Act::Status(status) => self.write_status(mp, *status, pass).await,
            Act::ReadLive { target, old, for_call } => {
                self.read_live(view, target, old, for_call, pass).await
            }
            Act::ReadCredential => self.read_credential(mp, pass).await,
            Act::NoteCredential(noted) => {
                self.remember(mp, |memory| memory.recall.reports.noted = Some(noted))
            }
            Act::RecordIntent(wanted) => self.record_intent(view, pass, wanted).await,
            Act::Call(wanted) => self.call(view, pass, wanted).await,
            Act::Withdraw => self.withdraw(mp, pass),
            Act::Store => {
                pass.live = None;
                self.store(mp).await
            }
            Act::Keep { in_window } => self.keep(mp, in_window).await,
            Act::Drop => self.remember(mp, |memory| memory.unstored = None),
            Act::Rewrite(rewrite) => self.rewrite(view, pass, &rewrite).await,
            Act::Unmatched(version) => {
                self.remember(mp, |memory| memory.recall.writes.unmatched = Some(version))
            }
            Act::Forget(old) => self.delete_old(mp, &old).await,
            Act::RenewTickets(due) => self.renew_tickets(view, pass, &due).await,
        }
    }

    fn remember(&self, mp: &MiniProgram, change: impl FnOnce(&mut Memory)) -> Next<'static> {
        self.memories.with(mp.uid(), change);
        Next::Continue
    }

    /// Backs off after a pass that did not converge: two of its acts undo each other. The wait
    /// grows with each such pass.
    fn diverged(&self, name: &ObjectName) -> Duration {
        let now = self.clock.now();
        let Some(mp) = self.world().mini_program(name) else { return SOON };
        let (wait, times) = self.recall(&mp, |recall| {
            let passes = &mut recall.backoffs.passes;
            (passes.fail(now.boot, BACK_OFF), passes.failures)
        });
        let (namespace, name) = (name.namespace(), name.name());
        tracing::warn!(
            namespace,
            name,
            times,
            "a reconcile did not converge; requeueing the object with a back-off"
        );
        wait
    }

    /// Backs off after a failed request: everything about the object waits, longer each time.
    fn back_off(&self, mp: &MiniProgram, error: &ApiError, doing: &'static str) -> Next<'static> {
        let now = self.clock.now();
        let (wait, times) = self.recall(mp, |recall| {
            let requests = &mut recall.backoffs.requests;
            (requests.fail(now.boot, BACK_OFF), requests.failures)
        });
        let (namespace, name) = (mp.namespace(), mp.name());
        tracing::warn!(namespace, name, %error, times, "could not {doing}; it is tried again");
        Next::Requeue(wait, Outcome::Error)
    }
}

impl Pass {
    /// Drops the reads of this pass: they are older than what has happened since.
    fn drop_reads(&mut self) {
        (self.credential, self.live) = (None, None);
    }

    /// After a wait for a turn or a slot, the reads of this pass are too old.
    fn after_wait(&mut self, came: bool) -> Next<'static> {
        self.drop_reads();
        if came { Next::Continue } else { REQUEUE_SOON }
    }

    /// Gives back a turn or slot beside other calls, if the call must be alone by now.
    fn leave_shared(&mut self, alone: bool) {
        self.turn.take_if(|turn| !turn.allows(alone));
        self.slot.take_if(|slot| !slot.allows(alone));
    }

    /// Whether a write that lost a race is planned again at once.
    fn may_race_again(&mut self) -> bool {
        self.lost_races += 1;
        self.lost_races <= RACES
    }
}
